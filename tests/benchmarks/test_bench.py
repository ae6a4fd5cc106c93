"""The pieces of the benchmark work. How fast anything is, no test says."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

BENCH = Path(__file__).with_name("bench.py")


def run(*arguments: object) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, str(BENCH), *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)


def rows(folder: Path, *arguments: object) -> dict[str, Any]:
    """The rows of a run, by name; each is in the printed table too."""
    report = folder / "report.json"
    done = run(*arguments, "--json", report)
    assert done.returncode == 0, done.stderr
    assert done.stdout.isascii()
    found = {row["name"]: row for row in json.loads(report.read_text(encoding="utf-8"))["rows"]}
    assert all(f"\n{name}  " in done.stdout for name in found)
    return found


def test_looks(tmp_path: Path) -> None:
    found = rows(tmp_path, "--only", "get", "--only", "async", "--rounds", 1, "--calls", 5)
    assert list(found) == [
        f"{kind}, CPU / {peer}" for kind in ("get", "async get") for peer in ("httpx", "bare binding")
    ]
    assert all(row["ours"] > 0 and row["peer"] > 0 and row["ratio"] > 0 for row in found.values())


def test_imports_in_a_given_environment(tmp_path: Path) -> None:
    found = rows(tmp_path, "--only", "import", "--only", "ready", "--rounds", 1, "--clean-env", sys.prefix)
    assert [row["aim"] for row in found.values()] == ["", "<= 1.5", "<= 1.3"]
    assert all(row["met"] is (row["ratio"] <= float(row["aim"][3:])) for row in found.values() if row["aim"])


def test_jobs_at_once(tmp_path: Path) -> None:
    found = rows(tmp_path, "--only", "jobs", "--jobs", 20, "--pending", 0.5)
    done = [row for name, row in found.items() if ", done" in name]
    assert [(row["ours"], row["peer"], row["met"]) for row in done] == [(20, 20, True)] * 2
    # One POST each; a job is done by its first look, a second later.
    assert all(row["ours"] == row["peer"] == 40 for name, row in found.items() if ", requests" in name)


def test_a_bench_that_cannot_run_fails(tmp_path: Path) -> None:
    assert run("--only", "import", "--clean-env", tmp_path / "none").returncode != 0
