"""Every row of the table, with both clients: the error's type, the id, the POSTs, what is left, and what is shown."""

from __future__ import annotations

import logging
import os
import threading
import time
import traceback
import tracemalloc
from collections.abc import Callable, Iterator
from contextlib import nullcontext
from pathlib import Path
from typing import Any

import pytest

import grok_imagine
from grok_imagine import DownloadError, Limits
from support import HANG

from .case import Case, generate
from .cases import CASES
from .table import PAGE, page
from .world import DEADLINE, ID, KEY, MP4, World, has_rlimit

SECONDS = HANG
"""Real ones that a case may take; beyond them something hung."""

MOST_MEMORY = 16 * 2**20
"""Bytes that a client may take in of what has no end, the buffers of the system included."""


def marks(case: Case) -> list[pytest.MarkDecorator]:
    found = []
    if case.needs_rlimit and not has_rlimit:
        found.append(pytest.mark.skip(reason="no bound on the size of files here"))
    return found


BOTH = [
    pytest.param(
        case,
        kind,
        id=f"{case.id}-{kind}",
        marks=marks(case),
    )
    for case in CASES
    for kind in ("sync", "async")
]


def handles() -> int | None:
    """Files and sockets that are open in this process, where the system tells."""
    folder = Path("/dev/fd")
    return len(os.listdir(folder)) if folder.is_dir() else None  # noqa: PTH208  # iterdir opens no less


@pytest.fixture
def said(caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]) -> Callable[[], str]:
    """What the process has said: logs of every library at DEBUG, and both streams."""
    caplog.set_level(logging.DEBUG)

    def collect() -> str:
        return "\n".join([record.getMessage() for record in caplog.records] + [*capfd.readouterr()])

    return collect


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    threads, before = set(threading.enumerate()), handles()
    world = World(tmp_path)
    yield world
    world.close()
    settle(lambda: set(threading.enumerate()) <= threads and (handles() or 0) <= (before or 0))
    # What an earlier test left to end by itself may have ended meanwhile.
    assert set(threading.enumerate()) <= threads
    assert (handles() or 0) <= (before or 0), "a file or a socket is left open"


def settle(condition: Callable[[], bool]) -> None:
    """Waits: a thread that has done its work may not have ended yet."""
    end = time.monotonic() + 20
    while not condition() and time.monotonic() < end:
        time.sleep(0.01)


@pytest.mark.parametrize(("case", "kind"), BOTH)
def test_what_comes_of_it(case: Case, kind: str, world: World, said: Callable[[], str]) -> None:
    if case.patience:
        world.options["request_timeout"] = case.patience
    case.arrange(world)
    began, clock = time.monotonic(), world.clock.now
    result, error, peak = attempt(case, kind, world)
    assert time.monotonic() - began < SECONDS
    assert world.clock.now - clock <= DEADLINE + case.shifted
    world.empty_disk()
    has_outcome(case, result, error)
    assert world.service.methods.count("POST") == case.posts and world.service.jobs == case.job
    keeps_id(case, world, error)
    shows_nothing(world, error, said())
    has_left(case, world)
    if case.is_measured:
        assert peak < MOST_MEMORY and world.service.sent + world.host.sent < MOST_MEMORY


def attempt(case: Case, kind: str, world: World) -> tuple[Any, Exception | None, int]:
    """The result, or the error, and the most bytes that it took."""
    result = error = None
    if case.is_measured:
        tracemalloc.start()
    try:
        with pytest.warns(getattr(grok_imagine, case.warns)) if case.warns else nullcontext():
            result = world.run(kind, case.play, SECONDS)
    except Exception as raised:
        error = raised
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    return result, error, peak


def has_outcome(case: Case, result: Any, error: Exception | None) -> None:
    if case.outcome == "recovers":
        if error:
            raise error
        assert result.request_id == ID
    else:
        reason = f": {error.reason}" if isinstance(error, DownloadError) else ""
        assert f"{type(error).__name__}{reason}" == case.outcome, "".join(traceback.format_exception(error))


def keeps_id(case: Case, world: World, error: Exception | None) -> None:
    """On the error, in its text, and in the ledger, which holds what the table says and nothing else."""
    if error:
        request_id, candidate = (getattr(error, name, None) for name in ("request_id", "candidate_id"))
        assert (request_id == ID) == (case.error_id == "request_id") and (request_id in (None, ID))
        assert (candidate == ID) == (case.error_id == "candidate_id")
        assert (ID in str(error) + "".join(getattr(error, "__notes__", []))) == bool(case.error_id)
    entries = world.ledger.jobs()[-1:]
    assert [entry.state for entry in entries] == ([case.ledger] if case.ledger else [])
    if case.ledger in ("running", "done", "downloaded"):
        assert entries[0].request_id == ID


def shows_nothing(world: World, error: Exception | None, said: str) -> None:
    """No key, no data: URL and no signature in any log, stream, error or repr; the ledger may hold the result's URL."""
    text = said + ("".join(traceback.format_exception(error)) + repr(error) + str(vars(error)) if error else "")
    assert "CANARY" not in text
    ledger = b"".join(path.read_bytes() for path in world.folder.glob("jobs.db*"))
    assert KEY.encode() not in ledger and b"CANARY0data" not in ledger
    asked = b"".join(world.host.received)
    assert b"CANARY0key" not in asked and b"authorization" not in asked.lower()


def has_left(case: Case, world: World) -> None:
    found = {path.name for path in world.folder.iterdir() if not path.name.startswith("jobs.db")}
    assert found - {"videos"} == set(case.left)
    if "recovers" in case.outcome and "a.mp4" in found:
        assert world.target.read_bytes() == MP4


def test_the_page_is_what_the_cases_say() -> None:
    assert PAGE.read_text(encoding="utf-8") == page(), "python scripts/fault_table.py writes it anew"


def test_every_row_has_a_name_of_its_own() -> None:
    assert len({case.id for case in CASES}) == len(CASES) > 100


@pytest.mark.parametrize("kind", ["sync", "async"])
def test_a_closed_client_leaves_no_quota_open(kind: str, tmp_path: Path) -> None:
    before = handles()
    world = World(tmp_path)
    world.options["limits"] = Limits(requests_per_second=None)  # a quota in the ledger, and no pauses
    try:
        world.run(kind, generate, SECONDS)
    finally:
        world.close()
    assert handles() == before
