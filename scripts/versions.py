"""Runs the suite at the lowest or newest versions that the ranges of pyproject.toml allow: versions.py lowest|newest [PYTEST ARGUMENTS].

Each has an environment of its own in .versions, made anew when pyproject.toml has changed. Tools keep the versions that the suite
is pinned to; the packages in the ranges do not. Without arguments the tests are run that meet these packages most.
"""

from __future__ import annotations

import json
import re
import subprocess
import sys
import tomllib
import venv
from hashlib import sha256
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]

# What the tests below need. The others of the group make code, check it or draw; some of them narrow the ranges.
TOOLS = (
    "hypothesis", "ptyprocess", "pyte", "pytest", "pytest-asyncio", "pytest-recording", "pytest-xdist", "pyyaml", "trustme", "vcrpy",
)  # fmt: skip

# Each of these drives packages of the ranges: typer and rich, starlette and uvicorn, PyAV and Pillow, httpx, limits and redis,
# OpenTelemetry, pytest. With `tests` as an argument all are run, but for those below.
TESTS = (
    "tests/answers", "tests/cli/test_flags.py", "tests/cli/test_options.py", "tests/cli/test_targets.py", "tests/facade/test_hints.py",
    "tests/facade/test_jobs.py", "tests/files_api", "tests/media", "tests/pacing/test_limiter.py", "tests/sandbox/test_edits.py",
    "tests/sandbox/test_media.py", "tests/sandbox/test_plugin.py", "tests/sandbox/test_plugin_time.py",
    "tests/sandbox/test_requests.py", "tests/sandbox/test_serving.py", "tests/test_telemetry.py", "tests/transport/test_logs.py",
)  # fmt: skip

# They need what is not in these environments: mypy, schemathesis, the fork of httpx, the generator's tools.
LEFT_OUT = (
    "tests/facade/test_typing.py", "tests/sandbox/test_conformance.py", "tests/transport/test_http_clients.py",
    "tests/transport/test_secrets.py", "tests/conformance", "tests/contract", "tests/docs", "tests/fuzz",
)  # fmt: skip

# What the lowest versions can't do for the tests: httpx before 0.28, with whose bytes ours are compared, puts spaces into JSON; PyAV
# before 18 makes no video that lies on its side.
BEYOND_LOWEST = (
    "tests/media/test_content.py::test_the_bytes_on_the_wire_are_those_of_httpx",
    "tests/media/test_content.py::test_a_body_is_sent_whole_again_after_a_refusal",
    "tests/sandbox/test_edits.py::test_a_video_laid_down_is_shown_upright",
)

_NAME = re.compile(r"[A-Za-z0-9._-]+")
_LOWEST = re.compile(r"(?:>=|==)\s*([^,;\s]+)")


def main(which: str, arguments: list[str]) -> int:
    """Makes the environment if need be, tells its versions, and runs the tests in it."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    python = environment(which, project)
    installed = {
        each["name"].lower(): each["version"]
        for each in json.loads(_output(python, "-m", "pip", "list", "--format=json"))
    }
    for name, text in sorted(ranges(project).items()):
        print(f"{text:40} {installed[name.lower()]}")
    left_out = [f"--ignore={path}" for path in LEFT_OUT]
    if which == "lowest":
        left_out += [f"--deselect={test}" for test in BEYOND_LOWEST]
    command = [python, "-m", "pytest", "-q", "-n", "2", "--dist", "worksteal", *left_out, *(arguments or TESTS)]
    return subprocess.run(command, cwd=ROOT, check=False).returncode


def ranges(project: dict[str, Any]) -> dict[str, str]:
    """The requirements of the package and of its extras by their names, as they are written."""
    metadata = project["project"]
    texts = [
        *metadata["dependencies"],
        *(text for extra in metadata["optional-dependencies"].values() for text in extra),
    ]
    found: dict[str, str] = {}
    for text in texts:
        name = _name(text)
        if name == metadata["name"]:  # an extra that has another
            continue
        if found.setdefault(name, text) != text:
            raise ValueError(f"{name} has two ranges: {found[name]} and {text}")
    return found


def lowest(text: str) -> str:
    """A requirement of the lowest version that a range allows."""
    found = _LOWEST.search(text)
    if found is None:
        raise ValueError(f"{text} has no lowest version")
    return f"{_name(text)}=={found[1]}"


def environment(which: str, project: dict[str, Any]) -> Path:
    """The interpreter of an environment with these versions."""
    folder = ROOT / ".versions" / which
    python, stamp = folder / "bin" / "python", folder / "made-of"
    own = ranges(project)
    dev = [text for text in project["dependency-groups"]["dev"] if isinstance(text, str)]  # others include a group
    pinned = [text for text in dev if _name(text) in TOOLS and _name(text) not in own]
    # The SDK of OpenTelemetry has the version of its API, which is the one in the ranges.
    sdk = "opentelemetry-sdk" + own["opentelemetry-api"].removeprefix("opentelemetry-api")
    asked = [lowest(text) for text in (*own.values(), sdk)] if which == "lowest" else [*own.values(), sdk]
    made_of = sha256(json.dumps([which, sys.version, asked, pinned, project["project"]]).encode()).hexdigest()
    if stamp.exists() and stamp.read_text(encoding="utf-8") == made_of and which == "lowest":
        return python
    if not python.exists():
        venv.create(folder, with_pip=True)
    if which == "lowest":
        # A tool that needs more than the lowest pytest has it; the plugin is tried with that by its own test.
        asked = [text for text in asked if _name(text) != "pytest"]
    tools = [text for text in pinned if _name(text) != "pytest"]
    pytest = next(text for text in dev if _name(text) == "pytest")
    pip: list[str | Path] = [python, "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
    upgrade = ["--upgrade", "--upgrade-strategy", "eager"] if which == "newest" else []
    subprocess.run([*pip, *upgrade, *asked, *tools, pytest], check=True)
    subprocess.run([*pip, "--no-deps", "--editable", ROOT], check=True)
    stamp.write_text(made_of, encoding="utf-8")
    return python


def _name(text: str) -> str:
    found = _NAME.match(text)
    assert found is not None, text
    return found[0]


def _output(*command: str | Path) -> str:
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout


if __name__ == "__main__":
    if sys.argv[1:2] not in (["lowest"], ["newest"]):
        sys.exit(f"{__doc__}")
    sys.exit(main(sys.argv[1], sys.argv[2:]))
