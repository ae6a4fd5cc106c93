# Every target does its own set-up in .venv; all it needs is Python 3.11 or newer.
PYTHON ?= python3
BIN := .venv/bin
PY := $(BIN)/python
REDOCLY := @redocly/cli@2.77.0
OASDIFF := 1.28.0

.DEFAULT_GOAL := help
.PHONY: help demo test test-httpx2 test-lowest test-newest container ci lint types generate contract check-generated check-arazzo check-breaking conformance record prove fuzz bench frontier docs site redis chromium build clean

help:  ## Show this list
	@awk -F ':.*## ' '/^[a-z0-9-]+:.*## / {printf "  make %-16s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

demo: .venv/sandbox  ## Make a video from a prompt in the sandbox: demo.mp4
	@$(PY) scripts/demo.py demo.mp4

# What a worker has compiled, and each process that a test starts, is for the next.
PYTEST := env -u PYTHONDONTWRITEBYTECODE $(BIN)/pytest

test: .venv/dev redis chromium  ## Run all tests
	@$(PYTEST) -q -n 6 --dist worksteal

# The tests of the transport, and those that drive it most.
HTTP_TESTS := $(addprefix tests/,transport download files_api batches_api facade answers test_addresses.py)

test-httpx2: .venv/dev  ## Run the tests that touch HTTP with httpx2 under the name of httpx
	@PYTHONPATH=tests/httpx2_alias $(PYTEST) -q -n 2 -W ignore::pytest.PytestAssertRewriteWarning $(HTTP_TESTS)

test-lowest: .venv/dev  ## Run the tests that meet other packages, at the lowest versions that the ranges allow
	@$(PY) scripts/versions.py lowest

test-newest: .venv/dev  ## Run the same at the newest versions
	@$(PY) scripts/versions.py newest

container: .venv/dev  ## Build the sandbox's container and try it, where podman or docker is
	@$(PY) scripts/container.py || test $$? = 3

generate: .venv/dev  ## Compile openapi/ into generated/, and the blocking client of the asynchronous one
	@$(PY) scripts/generate.py
	@$(PY) scripts/generate_sync.py
	@PYTHONPATH=scripts $(PY) -m conformance.vectors

contract: .venv/dev  ## Write the contract's other forms into openapi/derived/
	@$(PY) scripts/derive.py

check-generated: .venv/dev  ## Fail if what is generated is not what its sources make
	@$(PY) scripts/generate.py --check
	@$(PY) scripts/architecture.py --check
	@$(PY) scripts/generate_sync.py --check
	@$(PY) scripts/register.py --check
	@PYTHONPATH=scripts $(PY) -m conformance.vectors --check
	@$(PY) scripts/derive.py --check

check-arazzo: .venv/dev  ## Run openapi/derived/video.arazzo.yaml against the sandbox; STRICT=1 fails without Node
	@if command -v npx >/dev/null; then $(PY) scripts/derive_respect.py npx --yes $(REDOCLY); \
	else echo "redocly: not run, there is no Node here"; test -z "$$STRICT$$CI"; fi

# The program is built by Go for this project alone.
check-breaking: .venv/dev  ## Say what edits of the contract break, since BASE or the version before; STRICT=1 fails without Go
	@tool=.tools/oasdiff-$(OASDIFF); \
	if ! test -x $$tool && command -v go >/dev/null; then \
		GOBIN=$(CURDIR)/.tools go install github.com/oasdiff/oasdiff@v$(OASDIFF) && mv .tools/oasdiff $$tool || exit 1; \
	fi; \
	STRICT=$(STRICT) $(PY) scripts/check_breaking.py $(BASE) --oasdiff $$tool

lint: .venv/dev  ## Check the document and the code
	@$(BIN)/openapi-spec-validator openapi/grok-imagine.yaml
	@if command -v npx >/dev/null; then \
		REDOCLY_TELEMETRY=off REDOCLY_SUPPRESS_UPDATE_NOTICE=true \
		npx --yes $(REDOCLY) lint openapi/grok-imagine.yaml openapi/derived/*.arazzo.yaml openapi/derived/openapi-3.0*.yaml \
			--config openapi/redocly.yaml; \
	else echo "redocly: not run, there is no Node here"; fi
	@$(BIN)/lint-imports --no-logo
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .

types: .venv/dev  ## mypy --strict over the packages and scripts
	@$(BIN)/mypy generated overlay scripts

record: .venv/dev  ## Record the cassettes anew from the sandbox; from the service with LIVE=1 and XAI_API_KEY
	@$(BIN)/pytest -q tests/facade/test_cassettes.py -k has_the_outcome --record-mode=rewrite

prove: .venv/dev  ## Attack the promise: kills, processes and programs that end in every way, power cuts
	@$(PY) scripts/prove_kills.py 200
	@$(PY) scripts/prove_processes.py 300
	@$(PY) scripts/prove_power_cuts.py 1000
	@ENDINGS=all $(BIN)/pytest -q -n 4 tests/endings

conformance: .venv/polyglot  ## Run the vectors of openapi/conformance, and jobs end to end, in every language that is here; STRICT=1 fails if one is missing
	@PYTHONPATH=scripts $(PY) -m conformance.driver
	@PYTHONPATH=scripts $(PY) tests/polyglot/e2e_cases.py --built

FUZZ ?= 100000
FUZZ_SECONDS ?= 0
fuzz: .venv/dev  ## Hand mad answers to both clients: FUZZ of them, then changed recordings for FUZZ_SECONDS
	@$(PY) scripts/fuzz_answers.py --answers $(FUZZ) --seconds $(FUZZ_SECONDS)

bench: .venv/dev  ## Measure ratios against httpx and the bare binding
	@$(PY) tests/benchmarks/bench.py
	@$(PY) tests/benchmarks/schedules.py
	@$(PY) tests/benchmarks/scale.py
	@$(PY) tests/benchmarks/startup.py

frontier: .venv/dev  ## Simulate the polling schedule anew into docs/, with its plot
	@$(PY) -m pip install --quiet --group plot
	@$(PY) tests/benchmarks/schedules.py --write docs/

docs: .venv/dev  ## Make docs/cli.md from the help, docs/cli.svg from a run, docs/faults.md from the tests, docs/contract.md, the register's tables
	@$(PY) scripts/cli_docs.py
	@$(PY) scripts/notebooks.py
	@$(PY) scripts/fault_table.py
	@$(PY) scripts/contract_page.py
	@$(PY) scripts/register.py
	@$(PY) scripts/architecture.py

site: .venv/dev  ## Make the documentation as one folder that needs no network: build/site/index.html
	@$(PY) scripts/site_build.py

build: .venv/dev  ## Build sdist and wheel, and import the wheel in an empty environment
	@$(PY) scripts/build.py

ci: lint types check-generated check-breaking check-arazzo build site test-httpx2 test-lowest test-newest container test  ## All that CI runs; the tests come last

clean:  ## Remove what the other targets made
	@rm -rf .venv .tools .versions build dist .hypothesis .mypy_cache .pytest_cache .ruff_cache demo.mp4

.PHONY: release
release: .venv/dev  ## Check and build what a release is made of, in dist/; uploads nothing (docs/releasing.md)
	@$(PY) scripts/release.py

# A real server for the tests. Where CI is set it is installed, elsewhere only told of. The package would start a service; the policy, if there is none, says no.
redis:
	@command -v redis-server >/dev/null || { test -n "$$CI" && { \
		root=; test "$$(id -u)" = 0 || root='sudo -n'; \
		command -v apt-get >/dev/null && $$root true 2>/dev/null && $$root sh -c ' \
			policy=/usr/sbin/policy-rc.d; \
			test -e $$policy || { trap "rm -f $$policy" EXIT; printf "#!/bin/sh\nexit 101\n" >$$policy; chmod +x $$policy; }; \
			apt-get -qq update && DEBIAN_FRONTEND=noninteractive \
			apt-get -qq install -y --no-install-recommends redis-server >/dev/null'; \
	}; } || echo "redis-server: not here; its tests are skipped, and fail where CI is set"

# A real browser for the tests of the site, in the same way.
chromium:
	@test -x /usr/bin/chromium || { test -n "$$CI" && { \
		root=; test "$$(id -u)" = 0 || root='sudo -n'; \
		command -v apt-get >/dev/null && $$root true 2>/dev/null && $$root sh -c ' \
			apt-get -qq update && DEBIAN_FRONTEND=noninteractive \
			apt-get -qq install -y --no-install-recommends chromium >/dev/null'; \
	}; } || echo "chromium: not here; its tests are skipped, and fail where CI is set"

# An interrupted set-up leaves no stamp, and is then made again.
.venv/sandbox: pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit("grok-imagine needs Python 3.11 or newer; try make PYTHON=python3.12" if sys.version_info < (3, 11) else 0)'
	@test -x $(PY) || $(PYTHON) -m venv .venv
	@$(PY) -m pip install --quiet --disable-pip-version-check --upgrade pip==26.3
	@$(PY) -m pip install --quiet --editable '.[sandbox]'
	@touch $@

.venv/dev: .venv/sandbox
	@$(PY) -m pip install --quiet --group dev
	@touch $@

# The generator of the Java and Rust clients. It runs on the machine's own Java.
.venv/polyglot: .venv/dev
	@$(PY) -m pip install --quiet --group polyglot
	@touch $@
