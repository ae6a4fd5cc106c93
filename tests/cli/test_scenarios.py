"""Whatever goes wrong at the service ends in a documented exit code, and is told as JSON."""

from __future__ import annotations

from contextlib import ExitStack
from typing import Any

import pytest

from grok_imagine_cli.codes import CODES
from grok_imagine_sandbox import SCENARIOS, Sandbox

from .programs import OWN, QUICK, SHORT

RUN = "--json --base-url {} generate 'A cat' --duration 1 {}"
IN_VAIN = {"never-ends", "look-rate-limit", "look-unavailable", "look-520", "look-html", "look-garbage", "look-reset",
           "look-slow", "look-truncated", "rate-limit", "unavailable"}  # fmt: skip
"""What is asked again until the time is up."""

EXPECTED = {
    3: ["failed-", "expired", "done-without-url", "look-garbage-video"],
    4: ["moderated-"],
    5: ["never-ends", "look-rate-limit", "look-unavailable", "look-520", "look-html", "look-garbage", "look-reset",
        "look-slow", "look-truncated"],
    6: ["bad-gateway", "cloudflare-520", "empty-500", "reset-", "truncated"],
    7: ["out-of-credit", "look-out-of-credit"],
    8: ["rate-limit", "forbidden", "bad-token", "no-upload-url", "unavailable", "look-not-found"],
    0: ["status-", "done-minimal", "pending-empty", "no-progress", "slow"],
}  # fmt: skip
"""The scenarios of each exit code, by name or by what the names begin with."""


def expected(name: str) -> set[int]:
    exact = {code for code, names in EXPECTED.items() if name in names}
    begun = {code for code, names in EXPECTED.items() if any(n.endswith("-") and name.startswith(n) for n in names)}
    # One that this table does not know yet may end in any way but an error that nobody foresaw.
    return exact or begun or {code.number for code in CODES} - {1}


GROUPS = [sorted(SCENARIOS)[start::8] for start in range(8)]


@pytest.mark.parametrize("names", GROUPS, ids=[f"{names[0]}..." for names in GROUPS])
def test_every_scenario_ends_in_its_exit_code(program: Any, names: list[str]) -> None:
    settings: list[dict[str, Any]]
    with ExitStack() as stack:
        # Here and not by --sandbox-scenario: a process that only asks takes a third of the time.
        # The seed decides the ids, of which a ledger takes each once.
        settings = [
            {"scenario": name, "seed": seed, "speed": 100.0, "slow_seconds": 3.0} for seed, name in enumerate(names)
        ]
        services = [stack.enter_context(Sandbox(**each)) for each in settings]
        urls = [service.base_url for service in services]
        waiting = [SHORT if name in IN_VAIN else QUICK for name in names]
        ended = program.all([RUN.format(*each) for each in zip(urls, waiting, strict=True)])
    for name, done in zip(names, ended, strict=True):
        assert done.code in expected(name), (name, done)
        errors = done.of("error")
        assert [error["exit_code"] for error in errors] == ([done.code] if done.code else []), (name, done)
        assert "Traceback" not in done.err


@pytest.mark.parametrize(("name", "code"), [("moderated-rejected", 4), ("rate-limit:2", 0), ("out-of-credit", 7)])
def test_a_scenario_can_be_had_by_name(program: Any, name: str, code: int) -> None:
    assert program(f"generate x --duration 1 {OWN} --sandbox-scenario {name}").code == code


def test_the_table_knows_scenarios_that_exist() -> None:
    for name in (*(name for names in EXPECTED.values() for name in names), *IN_VAIN):
        assert any(known == name or (name.endswith("-") and known.startswith(name)) for known in SCENARIOS), name
