"""Run the vectors of `openapi/conformance/` against adapters: `python -m conformance.driver [NAME ...]`. Prints a table; 1 if any disagrees.

An adapter is a folder of `tests/polyglot/` with a `language.json`: the tools it needs, how it is built, how it is started. One whose
tools are missing is left out and named; with STRICT=1 it fails the run.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import threading
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from decimal import Decimal
from itertools import chain
from pathlib import Path
from queue import Empty, SimpleQueue
from typing import Any, NamedTuple
from urllib.parse import quote, unquote

from .vectors import DOCUMENT, FOLDER, ROOT, expanded

LANGUAGES = ROOT / "tests" / "polyglot"
BUILD = ROOT / "build" / "polyglot"
SECONDS = 120.0
"""What an adapter may take for a line; a build may take BUILD_SECONDS."""
BUILD_SECONDS = 1200.0


class Failure(NamedTuple):
    """A vector that an adapter does not agree with."""

    vector: Mapping[str, Any]
    got: str


def vectors(role: str) -> list[dict[str, Any]]:
    """All vectors that apply to a role, `client` or `server`."""
    files = sorted(FOLDER.glob("*/*.json"))
    found = [vector for path in files for vector in json.loads(path.read_text(encoding="utf-8"))]
    return [vector for vector in found if vector["appliesTo"] in (role, "both")]


class Adapter:
    """A program that speaks the protocol."""

    def __init__(self, folder: Path) -> None:
        self.name = folder.name
        self.folder = folder
        self.settings = json.loads((folder / "language.json").read_text(encoding="utf-8"))
        flaws = folder / "known-flaws.json"
        self.flaws: dict[str, str] = json.loads(flaws.read_text(encoding="utf-8")) if flaws.is_file() else {}

    def missing(self) -> list[str]:
        """The tools that are not here."""
        return [tool for tool in self.settings["tools"] if not shutil.which(tool)]

    def command(self, name: str) -> list[str]:
        """A command of `language.json`, with its places filled in."""
        places = {"document": str(DOCUMENT), "build": str(BUILD / self.name), "python": sys.executable}
        return [part.format(**places) for part in self.settings.get(name, [])]

    def build(self) -> str:
        """Builds the adapter; returns what went wrong."""
        if command := self.command("build"):
            (BUILD / self.name).mkdir(parents=True, exist_ok=True)
            done = subprocess.run(
                command, cwd=self.folder, capture_output=True, text=True, timeout=BUILD_SECONDS, check=False
            )
            return "" if done.returncode == 0 else f"{done.stdout}\n{done.stderr}"
        return ""

    def talk(self, cases: Iterable[Mapping[str, Any]]) -> Iterator[dict[str, Any]]:
        """The greeting of a program, and its answers to the cases, in order."""
        with subprocess.Popen(
            self.command("run"), cwd=self.folder, stdin=subprocess.PIPE, stdout=subprocess.PIPE, encoding="utf-8"
        ) as process:
            assert process.stdin and process.stdout
            lines: SimpleQueue[str] = SimpleQueue()
            reader = threading.Thread(target=_read, args=(process.stdout, lines), daemon=True)
            reader.start()
            try:
                yield self._line(lines)
                for case in cases:
                    operation = case["id"].partition("/")[0]
                    asked = {"id": case["id"], "operation": operation, "input": expanded(case["input"])}
                    process.stdin.write(json.dumps(asked) + "\n")
                    process.stdin.flush()
                    yield self._line(lines)
                process.stdin.close()
                if process.wait(SECONDS):
                    raise ConformanceError(f"{self.name} ended with {process.returncode}")
            finally:
                process.kill()
                reader.join()

    def _line(self, lines: SimpleQueue[str]) -> dict[str, Any]:
        try:
            line = lines.get(timeout=SECONDS)
            answer: dict[str, Any] = json.loads(line, parse_float=Decimal)
        except (Empty, ValueError) as error:
            raise ConformanceError(f"{self.name} wrote no line of JSON: {error!r}") from error
        return answer


def _read(stream: Iterable[str], lines: SimpleQueue[str]) -> None:
    for line in chain(stream, [""]):
        lines.put(line)


class ConformanceError(Exception):
    """An adapter that does not keep to the protocol."""


def agrees(vector: Mapping[str, Any], output: Any) -> bool:
    """Whether an output is the one of the vector."""
    operation, wanted = vector["id"].partition("/")[0], vector["output"]
    if not isinstance(output, dict):
        return False
    if operation in ("decode", "serve"):
        return _holds(wanted, output)
    if operation == "price" and wanted["usd"] and output.get("usd"):
        return abs(Decimal(wanted["usd"]) - Decimal(output["usd"])) <= Decimal("1e-10")
    if operation == "encode":
        wanted, output = ({**each, "path": _plain(each.get("path", ""))} for each in (wanted, output))
    return _same(wanted, output)


def _plain(path: str) -> str:
    """A path in one spelling: unreserved characters are not escaped."""
    return "/".join(quote(unquote(part), safe="~") for part in path.split("/"))


def _same(wanted: Any, got: Any) -> bool:
    """Equal JSON, with numbers by value; null is as good as left out."""
    if isinstance(wanted, dict) and isinstance(got, dict):
        keys = {key for each in (wanted, got) for key, value in each.items() if value is not None}
        return all(_same(wanted.get(key), got.get(key)) for key in keys)
    if isinstance(wanted, list) and isinstance(got, list):
        return len(wanted) == len(got) and all(map(_same, wanted, got))
    if isinstance(wanted, bool) or isinstance(got, bool):
        return wanted is got
    if isinstance(wanted, int | float) and isinstance(got, int | Decimal):
        return abs(Decimal(str(wanted)) - got) <= abs(Decimal(str(wanted))) * Decimal("1e-15")
    return type(wanted) is type(got) and bool(wanted == got)


def _holds(wanted: Any, got: Any) -> bool:
    """Whether everything wanted is there; what comes besides is not asked for."""
    if isinstance(wanted, dict):
        return isinstance(got, dict) and all(_holds(value, got.get(key)) for key, value in wanted.items())
    if isinstance(wanted, int) and isinstance(got, int):
        return type(wanted) is type(got) and wanted == got
    return _same(wanted, got)


def judge(adapter: Adapter, role: str) -> tuple[Counter[str], list[Failure], str]:
    """Runs all vectors: how many pass by operation, those that fail, and the adapter's greeting."""
    cases = vectors(role)
    answers = adapter.talk(cases)
    hello = next(answers)
    passed, failures = Counter[str](), []
    for vector, answer in zip(cases, answers, strict=True):
        if answer.get("id") != vector["id"]:
            raise ConformanceError(f"{adapter.name} answered {answer.get('id')} to {vector['id']}")
        if "error" not in answer and agrees(vector, answer.get("output")):
            passed[vector["id"].partition("/")[0]] += 1
        else:
            failures.append(Failure(vector, str(answer.get("error", answer.get("output")))))
    return passed, failures, str(hello.get("generator", "?"))


def excused(adapter: Adapter, failures: list[Failure]) -> tuple[list[Failure], list[str]]:
    """The failures that are not listed, and the listed cases that passed."""
    failed = {failure.vector["id"] for failure in failures}
    return [each for each in failures if each.vector["id"] not in adapter.flaws], sorted(adapter.flaws.keys() - failed)


def run(adapter: Adapter) -> bool:
    """Builds and runs an adapter, and prints its line of the table. False if it does not agree."""
    if missing := adapter.missing():
        print(f"{adapter.name:<12} left out: {', '.join(missing)} not found")
        return not os.environ.get("STRICT")
    if trouble := adapter.build():
        print(f"{adapter.name:<12} can't be built\n{trouble[-4000:]}")
        return False
    passed, failures, generator = judge(adapter, adapter.settings.get("role", "client"))
    unlisted, stale = excused(adapter, failures)
    counts = "  ".join(f"{name} {count}" for name, count in sorted(passed.items()))
    print(
        f"{adapter.name:<12} {sum(passed.values())} agree, {len(failures) - len(unlisted)} known flaws  [{generator}]  {counts}"
    )
    for failure in unlisted[:30]:
        print(
            f"  {failure.vector['id']}: {failure.vector['says']}\n    expected {json.dumps(failure.vector['output'])}\n    got      {failure.got}"
        )
    if len(unlisted) > 30:
        print(f"  ... and {len(unlisted) - 30} more")
    for name in stale:
        print(f"  {name}: is listed as a flaw, and passes")
    return not unlisted and not stale


def main() -> None:
    """Runs the adapters that are named, or all."""
    names = [name for name in sys.argv[1:] if not name.startswith("-")]
    folders = sorted(path.parent for path in LANGUAGES.glob("*/language.json"))
    chosen = [Adapter(folder) for folder in folders if not names or folder.name in names]
    if unknown := set(names) - {adapter.name for adapter in chosen}:
        sys.exit(f"no such adapter: {', '.join(sorted(unknown))}")
    results = []
    for adapter in chosen:
        try:
            results.append(run(adapter))
        except ConformanceError as error:
            print(f"{adapter.name:<12} {error}")
            results.append(False)
    sys.exit(not all(results))


if __name__ == "__main__":
    main()
