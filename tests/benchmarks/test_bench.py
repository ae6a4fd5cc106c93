"""The pieces of the benchmark work. How fast anything is, no test says."""

from __future__ import annotations

import json
import runpy
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from support import HANG

BENCH = Path(__file__).with_name("bench.py")
SCALE = Path(__file__).with_name("scale.py")


def run(*arguments: object) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, str(BENCH), *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, timeout=HANG, check=False)


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


@pytest.mark.long
def test_jobs_at_scale(tmp_path: Path) -> None:
    report = tmp_path / "report.json"
    done = subprocess.run(
        [sys.executable, str(SCALE), "--jobs", "3", "--json", str(report)], capture_output=True, text=True, timeout=HANG
    )
    assert done.returncode == 0, done.stdout + done.stderr
    found = {row["variant"]: row for row in json.loads(report.read_text(encoding="utf-8"))["rows"]}
    assert list(found) == ["generate", "batch", "loop-1", "loop-0.1"]
    assert all(row["done"] == row["accepted"] == len(row["lags"]) == 3 and not row["lost"] for row in found.values())
    assert all(1 <= row["connections"] <= 3 and row["cpu"] > 0 and row["waiting"] is not None for row in found.values())
    for interval in (1, 0.1):
        loop = found[f"loop-{interval}"]
        assert all(0 <= lag <= interval + 1e-6 for lag in loop["lags"])
        # Jobs take 17 to 40 s, and are looked at once an interval after one POST.
        assert 3 * 17 / interval < loop["requests"] < 3 * (41 / interval + 1)
    # How long a job takes depends on the order in which they arrive, so the two need not be equal.
    for ours in (found["generate"], found["batch"]):
        assert 3 * 3 <= ours["requests"] < found["loop-1"]["requests"] / 2
        assert all(0 <= lag < 15 for lag in ours["lags"])


def test_a_missed_aim_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(SCALE.parent)
    scale = runpy.run_path(str(SCALE))
    jobs, cost = scale["LEAST_MEASURABLE"], {"cpu": 1.0, "peak": 1.0, "wall": 1.0, "requests": 1, "lags": []}
    counts = {"jobs": jobs, "done": jobs, "accepted": jobs, "connections": 8, "lost": {}}
    good = scale["Row"](variant="batch", waiting=7.9 * jobs, longest=1.0, **counts, **cost)
    assert not [*good.missed()] and good.cells()[-1] == "yes"
    for change in (
        {"done": jobs - 1},
        {"accepted": jobs + 1},
        {"waiting": 8.1 * jobs},
        {"waiting": None},
        {"connections": 9},
        {"longest": 60.0},
        {"lost": {"ReadTimeout": 1}},
    ):
        bad = good._replace(**change)
        assert len([*bad.missed()]) == 1 and bad.cells()[-1] == "NO"
