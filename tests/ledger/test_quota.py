"""Processes share the limits."""

from __future__ import annotations

import itertools
import json
import multiprocessing
import sqlite3
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from grok_imagine import (
    Ledger,
    LedgerError,
    LedgerQuota,
    QuotaError,
)
from grok_imagine.ledger.quota import ROUNDING
from support import HANG

from .quotas import MINUTE, ORIGIN

LEDGER_TAKER = """
import fcntl, json, sys
from grok_imagine import LedgerQuota

def tick():
    # One clock for all processes: it goes by a hundredth of a second each time that anybody looks.
    global at
    with open(sys.argv[2], "r+") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        ticks = int(file.read() or 0) + 1
        file.seek(0)
        file.write(str(ticks))
    at = 1.8e9 + ticks / 100
    return at

at, taken = 0.0, []
quota = LedgerQuota(sys.argv[1], "origin", clock=tick)
for _ in range(int(sys.argv[4])):
    if not quota.take(json.loads(sys.argv[3])):
        taken.append(at)
quota.close()
print(json.dumps(taken))
"""


REDIS_TAKER = """
import json, sys, time
from grok_imagine import RedisQuota

quota, taken, end = RedisQuota(sys.argv[1], sys.argv[2]), [], time.time() + float(sys.argv[4])
while time.time() < end:
    before = time.time()
    wait = quota.take(json.loads(sys.argv[3]))
    if wait:
        time.sleep(min(wait, 0.01))
    else:
        taken.append((before, time.time()))
quota.close()
print(json.dumps(taken))
"""


ONCE_TAKER = """
import sys
from grok_imagine import RedisQuota

quota = RedisQuota(*sys.argv[1:])
print(sum(quota.take([(10, 3600), (1000, 60)]) == 0 for _ in range(10)))
quota.close()
"""


def at_once(program: str, processes: int, *arguments: object) -> list[Any]:
    """What several processes print that run at the same time."""
    command = [sys.executable, "-c", program, *map(str, arguments)]
    running = [subprocess.Popen(command, stdout=subprocess.PIPE, text=True) for _ in range(processes)]
    shown = [process.communicate(timeout=HANG)[0] for process in running]
    assert [process.returncode for process in running] == [0] * processes
    return [json.loads(text) for text in shown]


def most_within(taken: Sequence[float], seconds: float) -> int:
    """The most of them in any window that holds its beginning, but not its end."""
    return max(sum(start <= at < start + seconds - ROUNDING for at in taken) for start in taken)


def test_processes_never_pass_a_window_of_the_ledger(tmp_path: Path) -> None:
    (tmp_path / "clock").touch()
    windows = [(5, 0.5), (12, 4.0)]
    each = at_once(LEDGER_TAKER, 4, tmp_path / "jobs.db", tmp_path / "clock", json.dumps(windows), 300)
    taken = sorted(itertools.chain(*each))
    # 1,200 looks at the clock are 12 s: no less is taken than may be, either.
    assert len(taken) == 36 and all(most_within(taken, seconds) == most for most, seconds in windows)


WINDOWS = st.lists(st.tuples(st.integers(1, 5), st.sampled_from([0.5, 1.0, 1.3, 60.0])), min_size=1, max_size=3)


STEPS = st.lists(st.one_of(st.none(), st.floats(0, 2), st.floats(20, 4000)), max_size=40)


ORIGINS = itertools.count()


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("quota") / "jobs.db"


@settings(max_examples=150, deadline=None)
@given(windows=WINDOWS, steps=STEPS)
def test_a_request_leaves_as_soon_as_every_window_lets_it_and_no_sooner(
    shared: Path, windows: list[tuple[int, float]], steps: list[float | None]
) -> None:
    """A step is seconds that pass, None as many as were told."""
    now, wait, taken = 1.8e9, 0.0, list[float]()
    quota = LedgerQuota(shared, f"{next(ORIGINS)}", clock=lambda: now)
    for step in steps:
        waited = step is None and wait > 0
        now += wait if step is None else step
        full = [seconds for most, seconds in windows if sum(at > now - seconds for at in taken) >= most]
        wait = quota.take(windows)
        assert bool(wait) == bool(full) and not (waited and wait)
        if wait:
            opening = max(
                sorted(taken)[-most] + seconds - now
                for most, seconds in windows
                if seconds in full
                if most <= len(taken)
            )
            assert wait == pytest.approx(opening, abs=2 * ROUNDING)
        else:
            taken.append(now)
    quota.close()


@settings(max_examples=100, deadline=None)
@given(windows=WINDOWS, jumps=st.lists(st.floats(-1e6, 2), max_size=20))
def test_a_clock_that_is_set_back_lets_nothing_pass_and_blocks_for_a_window_at_most(
    shared: Path, windows: list[tuple[int, float]], jumps: list[float]
) -> None:
    now, true, taken = 1.8e9, 0.0, list[float]()
    quota = LedgerQuota(shared, f"{next(ORIGINS)}", clock=lambda: now)
    for jump in jumps:
        now, true = now + jump, true + max(jump, 0.0)
        wait = quota.take(windows)
        assert wait <= max(seconds for _, seconds in windows) + ROUNDING
        if not wait:
            taken.append(true)
    assert all(most_within(taken, seconds) <= most for most, seconds in windows if taken)
    now += 60.001
    assert quota.take(windows) == 0
    quota.close()


def test_what_is_refused_takes_nothing(tmp_path: Path) -> None:
    quota = LedgerQuota(tmp_path / "jobs.db", ORIGIN, clock=lambda: 1.8e9)
    assert quota.take([(1, MINUTE)]) == 0
    assert all(quota.take([(5, 1.0), (1, MINUTE)]) == pytest.approx(MINUTE) for _ in range(9))
    assert [quota.take([(5, 1.0)]) == 0 for _ in range(5)] == [True, True, True, True, False]
    assert quota.take([]) == 0


def test_each_address_has_its_own(tmp_path: Path) -> None:
    one, two = (LedgerQuota(tmp_path / "jobs.db", origin, clock=lambda: 1.8e9) for origin in ("http://a", "http://b"))
    assert one.take([(1, MINUTE)]) == two.take([(1, MINUTE)]) == 0 < one.take([(1, MINUTE)])


def test_who_goes_by_a_short_window_does_not_forget_for_the_others(tmp_path: Path) -> None:
    now = 1.8e9
    one, two = (LedgerQuota(tmp_path / "jobs.db", ORIGIN, clock=lambda: now) for _ in range(2))
    assert one.take([(1, MINUTE)]) == 0
    now += 1
    assert two.take([(1, 0.5)]) == 0 < one.take([(1, MINUTE)])


def test_what_is_kept_does_not_grow(tmp_path: Path) -> None:
    now = 1.8e9
    quota = LedgerQuota(tmp_path / "jobs.db", ORIGIN, clock=lambda: now)
    for _ in range(50):
        quota.take([(1, 1.0)])
        now += 600
    with sqlite3.connect(tmp_path / "jobs.db") as db:
        assert db.execute("SELECT COUNT(*) FROM sent").fetchone()[0] <= 7
    db.close()


def test_a_fork_opens_the_file_anew(tmp_path: Path) -> None:
    quota = LedgerQuota(tmp_path / "jobs.db", ORIGIN)
    assert quota.take([(2, MINUTE)]) == 0
    child = multiprocessing.get_context("fork").Process(target=quota.take, args=([(2, MINUTE)],))
    child.start()
    child.join(HANG)
    assert child.exitcode == 0 and quota.take([(2, MINUTE)]) > 0


def test_counting_risks_no_job(tmp_path: Path) -> None:
    ledger = Ledger(tmp_path / "jobs.db")
    quota = LedgerQuota(ledger.path, ORIGIN)
    quota.take([(1, MINUTE)])
    stores = ledger._store, quota._store
    levels = [store.run(lambda db: db.execute("PRAGMA synchronous").fetchone()[0]) for store in stores]
    assert levels == [2, 1], "FULL for jobs; NORMAL for the quota, as OFF could leave a file that can't be read"


def test_a_ledger_that_can_not_be_used_is_named(tmp_path: Path) -> None:
    (tmp_path / "folder.db").mkdir()
    with pytest.raises(LedgerError, match=r"folder\.db"):
        LedgerQuota(tmp_path / "folder.db", ORIGIN)
    quota = LedgerQuota(tmp_path / "jobs.db", ORIGIN)
    with sqlite3.connect(quota.path) as db:
        db.execute("CREATE TRIGGER full BEFORE INSERT ON sent BEGIN SELECT RAISE(ABORT, 'disk full'); END")
    for _ in range(2):
        with pytest.raises(QuotaError, match=r"jobs\.db: disk full"):
            quota.take([(1, MINUTE)])
    db.execute("DROP TRIGGER full")
    db.close()
    assert quota.take([(1, MINUTE)]) == 0
    assert repr(quota) == f"LedgerQuota({str(tmp_path / 'jobs.db')!r})"


def test_processes_take_no_more_from_redis_than_there_is(redis_url: str) -> None:
    assert sum(at_once(ONCE_TAKER, 4, redis_url, "once")) == 10


def test_processes_never_pass_a_window_of_redis(redis_url: str) -> None:
    each = at_once(REDIS_TAKER, 4, redis_url, "slides", json.dumps([(1, 0.1), (15, 2.0)]), 4.0)
    taken = sorted(itertools.chain(*each))
    # Each was taken somewhere between two looks at the clock, so there may be that much between the order and the times.
    slack = max(after - before for before, after in taken) + 0.01
    for most, seconds in [(10, 1.0), (15, 2.0)]:  # in whole seconds there: one in a tenth is ten in one
        spans = [max(after for _, after in group) - group[0][0] for group in windowed(taken, most + 1)]
        assert min(spans) >= seconds - slack
    assert len(taken) >= 25


def windowed(items: Sequence[Any], size: int) -> list[Sequence[Any]]:
    return [items[start : start + size] for start in range(len(items) - size + 1)]


def test_what_one_takes_is_missing_to_those_of_the_same_name(redis_quota: Any) -> None:
    one, two, other = redis_quota("a"), redis_quota("a"), redis_quota("b")
    assert one.take([(2, MINUTE)]) == two.take([(2, MINUTE)]) == other.take([(2, MINUTE)]) == 0
    assert 50 < one.take([(2, MINUTE)]) <= 60 and 50 < two.take([(2, MINUTE)]) <= 60


def test_clients_that_know_different_limits_share_what_they_know(redis_quota: Any) -> None:
    quota = redis_quota()
    taken = [sum(quota.take([(most, MINUTE)]) == 0 for _ in range(10)) for most in (5, 4, 7, 3, 7)]
    assert taken == [5, 0, 2, 0, 0]
