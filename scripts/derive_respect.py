"""Run the Arazzo documents against sandboxes: derive_respect.py COMMAND..., the command being Redocly's, `respect` left out.

Each scenario has a sandbox of its own and an end that it must come to; a run that ends otherwise fails. The pauses are
divided by the sandbox's speed.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import yaml
from derive import TARGET
from derive_arazzo import SOURCE, STARTS, pauses

from grok_imagine_sandbox import Sandbox

SPEED = 1000.0
# A job that is seen to run.
SLOW = {"pending-empty": 25.0}
WHOLE = {"start": True, "wait": True, "fetch": True}
ENDED = {"start": True, "wait": False}
# What each step must come to, of one workflow and with each scenario.
SCENARIOS: Mapping[str, Mapping[str, bool]] = {
    "pending-empty": WHOLE,
    "status-null": WHOLE,
    "look-unavailable:1": WHOLE,
    "done-without-url": {"start": True, "wait": True},
    "failed-empty-video": ENDED,
    "moderated-withheld": ENDED,
    "moderated-rejected": ENDED,
    "expired": ENDED,
    "never-ends": ENDED,
    "out-of-credit": {"start": False},
}
SHORT = {"prompt": "A kite", "duration": 1}


def quickened(document: dict[str, Any], speed: float) -> dict[str, Any]:
    """The document with pauses in the sandbox's time."""
    for action in document.get("components", {}).get("failureActions", {}).values():
        if "retryAfter" in action:
            action["retryAfter"] /= speed
    return document


def copied(folder: Path, speed: float) -> Path:
    """The derived documents, in a new folder, with pauses in the sandbox's time."""
    folder.mkdir()
    for path in (TARGET / "openapi.yaml", *TARGET.glob("*.arazzo.yaml")):
        text = path.read_text(encoding="utf-8")
        if path.name.endswith(".arazzo.yaml"):
            text = yaml.safe_dump(quickened(yaml.safe_load(text), speed), sort_keys=False)
        (folder / path.name).write_text(text, encoding="utf-8")
    return folder


def run(home: Path, command: list[str], scenario: str | None, workflow: str | None) -> tuple[int, Any]:
    """The exit status and the result of one run."""
    speed = SLOW.get(scenario or "", SPEED)
    folder = copied(home / f"{scenario}".replace(":", "-"), speed)
    result = folder / "result.json"
    given = {"api_key": "a-key-of-no-one"} | ({"body": SHORT} if workflow else {})
    chosen = ["--workflow", workflow] if workflow else []
    with Sandbox(speed=speed, scenario=scenario) as sandbox:
        done = subprocess.run(
            [*command, "respect", "video.arazzo.yaml", "--server", f"{SOURCE}={sandbox.base_url}",
             "--input", json.dumps(given), "--json-output", result.name, *chosen],
            cwd=folder, capture_output=True, text=True, check=False, timeout=300,
            env={**os.environ, "REDOCLY_TELEMETRY": "off", "REDOCLY_SUPPRESS_UPDATE_NOTICE": "true"},
        )  # fmt: skip
    if not result.exists():
        raise SystemExit(f"respect gave no result\n{done.stdout}\n{done.stderr}")
    return done.returncode, json.loads(result.read_text(encoding="utf-8"))


def tries(node: Any) -> Iterator[Mapping[str, Any]]:
    """Each try of each step."""
    if isinstance(node, dict) and node.get("type") == "step":
        yield node
    for item in node.values() if isinstance(node, dict) else node if isinstance(node, list) else ():
        yield from tries(item)


def faults(code: int, result: Any, expected: Mapping[str, bool], polls: range) -> list[str]:
    """What is not as it must be."""
    made = list(tries(result))
    found = {each["stepId"]: each["status"] == "success" for each in made}
    wrong = [] if found == expected else [f"the steps came to {found}, not to {dict(expected)}"]
    if (code == 0) != all(expected.values()):
        wrong.append(f"respect ended with {code}")
    if any("authorization" in each["request"]["headers"] for each in made if each["stepId"] == "fetch"):
        wrong.append("the key went to the host of the file")
    if (seen := sum(each["stepId"] == "wait" for each in made)) not in polls:
        wrong.append(f"{seen} polls were made")
    return wrong


def main() -> int:
    """Runs all, two at once, and prints a line for each."""
    command = sys.argv[1:]
    document = yaml.safe_load((TARGET / "openapi.yaml").read_text(encoding="utf-8"))
    longest = 1 + len(pauses(document["x-waiter"]))
    polls = {"pending-empty": range(2, longest), "never-ends": range(longest, longest + 1)}
    cases = [(None, None, WHOLE), *((name, STARTS[0], expected) for name, expected in SCENARIOS.items())]
    with tempfile.TemporaryDirectory() as name, ThreadPoolExecutor(2) as pool:
        runs = [(case, pool.submit(run, Path(name), command, case[0], case[1])) for case in cases]
        bad = [
            _line(case, faults(*made.result(), case[2], polls.get(case[0] or "", range(999)))) for case, made in runs
        ]
    return 1 if any(bad) else 0


def _line(case: tuple[str | None, str | None, Mapping[str, bool]], wrong: list[str]) -> bool:
    print(f"arazzo: {case[0] or 'every workflow'}: {'; '.join(wrong) or 'as it must be'}", flush=True)
    return bool(wrong)


if __name__ == "__main__":
    sys.exit(main())
