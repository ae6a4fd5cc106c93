"""However a program ends: what the service answers within five seconds is in the ledger, or is told. Each cell is a process.

The cells are every way of ending, at each moment of a POST, with and without a ledger, and with answers that come soon or late. The
suite runs a sample of them, by a seed that it prints; all of them by `make prove`.
"""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import time
from itertools import product
from pathlib import Path
from typing import NamedTuple

import pytest

from grok_imagine import Ledger
from support import HANG, ROOT

from . import asyncio_programs, batch_programs  # noqa: F401 -- they add theirs
from .programs import PROGRAMS, REFUSED
from .server import Server

MOMENTS = ("before", "sent", "half", "answered")
NEEDS_ANSWER = {
    "gather-with-one-refused",
    "task-group-with-one-refused",
    "a-fork-meanwhile",
    "main-raises-over-an-executor",
}
SAMPLE = os.environ.get("ENDINGS", "32")
"""How many cells; or all."""
SEED = int(os.environ.get("ENDINGS_SEED", str(time.time_ns() // 10**9 // 86400)))
"""A day's sample is the same on every machine; another day's is another."""


class Cell(NamedTuple):
    """A way of ending, at a moment, with or without a ledger; the answer comes so many seconds after."""

    program: str
    moment: str
    ledger: bool
    delay: float

    def __str__(self) -> str:
        return f"{self.program}-{self.moment}-{'ledger' if self.ledger else 'bare'}-{self.delay:g}s"


def cells() -> list[Cell]:
    """All cells that can be. Before a connection is there nothing can be refused, and nothing answered."""
    found = []
    for name, moment, ledger, delay in product(PROGRAMS, MOMENTS, (True, False), (0.2, 2.0)):
        if (moment == "before" and name in NEEDS_ANSWER) or (moment in ("before", "answered") and delay > 1):
            continue
        found.append(Cell(name, moment, ledger, delay))
    return found


def sample() -> list[Cell]:
    everything = cells()
    return everything if SAMPLE == "all" else sorted(random.Random(SEED).sample(everything, int(SAMPLE)), key=str)


def test_there_are_enough_cells() -> None:
    assert len(cells()) >= 400, len(cells())


@pytest.mark.long
@pytest.mark.parametrize("cell", sample(), ids=str)
def test_no_answer_is_lost(cell: Cell, tmp_path: Path) -> None:
    program, path = PROGRAMS[cell.program], tmp_path / "jobs.db"
    with Server(program.posts, cell.moment) as server:
        child = _begin(cell, server.url, path)
        try:
            if cell.moment == "before":
                assert child.stdout and child.stdout.readline() == "ready\n"
                server.wait_for_connect()
            else:
                assert server.ready.wait(HANG), child.communicate(timeout=1)
            _end(child, program.signals)
            time.sleep(cell.delay)
            server.answer.set()
            out, err = child.communicate(timeout=HANG)
        finally:
            child.kill()
            child.wait()
        told = out + err
        posted = [prompt for prompt in server.arrived if prompt != REFUSED]
        assert len(posted) == len(set(posted)), "posted twice"
        entries = {entry.request_id: entry for entry in Ledger(path).jobs()} if cell.ledger else {}
        for prompt, request_id in server.given.items():
            if cell.ledger:
                assert request_id in entries, f"{prompt!r} is lost\n{told}"
            else:
                assert request_id in told, f"{prompt!r} is lost\n{told}"
        if cell.moment == "before":
            assert not posted
            states = {entry.state for entry in entries.values()}
            assert states <= {"refused"}, f"nothing was sent, and the ledger says {states}\n{told}"
        else:
            assert len(server.given) == program.posts
        assert "Exception ignored" not in err and "never retrieved" not in err, err


def _begin(cell: Cell, url: str, ledger: Path) -> subprocess.Popen[str]:
    command = [
        sys.executable,
        "-m",
        "endings.run",
        cell.program,
        url,
        str(ledger) if cell.ledger else "",
    ]
    path = os.pathsep.join(filter(None, (str(ROOT / "tests"), os.environ.get("PYTHONPATH"))))
    env = os.environ | {"PYTHONPATH": path}
    return subprocess.Popen(
        command, cwd=ROOT, env=env, text=True, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    )


def _end(child: subprocess.Popen[str], signals: tuple[int, ...]) -> None:
    for number, each in enumerate(signals):
        time.sleep(0.05 * number)
        child.send_signal(signal.Signals(each))
    if not signals:
        assert child.stdin
        child.stdin.write("go\n")
        child.stdin.flush()
