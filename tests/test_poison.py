"""One bad job never stops the others: whatever is wrong with some jobs of a batch or a ledger, all others end as if they were alone."""

from __future__ import annotations

import asyncio
import random
import signal
import sqlite3
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from grok_imagine import AsyncClient, Client, GrokImagineError, Ledger, Outcome, Video
from grok_imagine.reconcile import Reconciliation
from poison import POISONS, ROWS, Poison, Service, service
from support import UNLIMITED, ManualClock

JOBS = 6
TIMEOUT = 100.0


class Clock(ManualClock):
    """Of tasks that sleep at once the first to wake moves it, not each: else one that looks in vain uses the time of all up."""

    def __init__(self) -> None:
        super().__init__()
        self._ends: list[float] = []

    async def sleep_async(self, seconds: float) -> None:
        end = self.now + seconds
        self._ends.append(end)
        while self.now < end:
            await asyncio.sleep(0.002)
            if end == min(self._ends):
                self.now = max(self.now, end)
        self._ends.remove(end)


class World:
    """A service, a ledger, and a kind of client that asks the one and notes in the other."""

    def __init__(self, kind: str, folder: Path, server: Service) -> None:
        self.kind, self.server = kind, server
        self.ledger = Ledger(folder / "jobs.db")

    def _made(self) -> dict[str, Any]:
        clock = Clock()
        sleep = clock.sleep if self.kind == "sync" else clock.sleep_async
        return {
            "api_key": "test-key",
            "base_url": self.server.base_url,
            "clock": clock,
            "sleep": sleep,
            "limits": UNLIMITED,
        }

    def batch(self, requests: Any = None, **options: Any) -> list[Outcome]:
        """The outcomes of the jobs, in their order."""
        given = [str(number) for number in range(JOBS)] if requests is None else requests
        options = {"ledger": self.ledger, "timeout": TIMEOUT, **options}
        if self.kind == "sync":
            with Client(**self._made()) as client, client.video.batch(given, **options) as batch:
                return sorted(batch, key=lambda outcome: outcome.position)

        async def run() -> list[Outcome]:
            async with AsyncClient(**self._made()) as client, client.video.batch(given, **options) as batch:
                return sorted([outcome async for outcome in batch], key=lambda outcome: outcome.position)

        return asyncio.run(run())

    def reconcile(self) -> Reconciliation:
        if self.kind == "sync":
            with Client(**self._made()) as client:
                return self.ledger.reconcile(client, timeout=TIMEOUT)

        async def run() -> Reconciliation:
            async with AsyncClient(**self._made()) as client:
                return await self.ledger.reconcile(client, timeout=TIMEOUT)

        return asyncio.run(run())


class Stuck(BaseException):
    """A run took longer than any may: it waits for what does not come."""


@pytest.fixture(autouse=True)
def bounded() -> Iterator[None]:
    """Ends a test that hangs, where the system has alarms."""

    def end(*_: object) -> None:
        raise Stuck

    before = signal.signal(signal.SIGALRM, end)
    signal.setitimer(signal.ITIMER_REAL, 60.0)
    yield
    signal.setitimer(signal.ITIMER_REAL, 0.0)
    signal.signal(signal.SIGALRM, before)


@pytest.fixture(params=["sync", "async"])
def kind(request: pytest.FixtureRequest) -> str:
    return request.param


def ends_as_alone(outcome: Outcome, number: int) -> bool:
    video = outcome.video
    return (
        (outcome.state, outcome.request_id, outcome.error) == ("done", f"job-{number}", None)
        and video is not None
        and video.url == f"https://files.example/job-{number}.mp4"
        and video.cost_usd == 0.005
    )


def check(outcomes: list[Outcome], bad: Mapping[int, Any]) -> None:
    """Each job has one outcome; the good ones are done; what is wrong with a bad one is an error of ours."""
    assert [outcome.position for outcome in outcomes] == list(range(JOBS))
    for number, outcome in enumerate(outcomes):
        if number not in bad:
            assert ends_as_alone(outcome, number), (number, outcome, outcome.error)
        assert (outcome.error is None) == (outcome.state == "done")
        assert outcome.error is None or isinstance(outcome.error, GrokImagineError)
        assert outcome.state in ("done", "failed", "expired", "moderated", "refused", "unknown", "running")
        if outcome.request_id and outcome.error:
            assert outcome.error.request_id == outcome.request_id


def once(server: Service, outcomes: list[Outcome], before: Mapping[int, int]) -> None:
    """Nothing is sent again but what is known to have started nothing."""
    for number, count in server.posts.items():
        assert count == 1 or (outcomes[number].state == "refused" and count - before.get(number, 0) <= 1), number


def poisoned(kind: str, folder: Path, bad: Mapping[int, Poison]) -> None:
    with service(bad) as server:
        world = World(kind, folder, server)
        first = world.batch()
        check(first, bad)
        once(server, first, {})
        for number, poison in bad.items():
            if poison.at != "post":
                assert first[number].request_id == f"job-{number}", "the service gave it"
        before = dict(server.posts)
        again = world.batch()
        check(again, bad)
        once(server, again, before)
        for one, two in zip(first, again, strict=True):
            assert one.request_id is None or two.request_id == one.request_id or one.request_id in str(two.error)
        found = world.reconcile()
        unseen = {entry.request_id for entry in found.running} | {end.request_id for end in found.ended}
        assert unseen <= {outcome.request_id for number, outcome in enumerate(again) if number in bad}


@pytest.mark.parametrize("poison", POISONS, ids=repr)
def test_one_mad_answer_stops_no_other_job(kind: str, tmp_path: Path, poison: Poison) -> None:
    poisoned(kind, tmp_path, {1: poison})


@pytest.mark.parametrize("seed", range(12))
def test_any_mad_answers_stop_no_other_job(kind: str, tmp_path: Path, seed: int) -> None:
    dice = random.Random(seed)
    numbers = dice.sample(range(1, JOBS), dice.randint(2, JOBS - 1))
    poisoned(kind, tmp_path, {number: dice.choice(POISONS) for number in numbers})


def accepted(world: World, numbers: range) -> None:
    """Jobs that an earlier process started, and did not wait for."""
    for number in numbers:
        world.ledger.adopt(f"job-{number}", world.server.base_url)


@pytest.mark.parametrize("poison", [poison for poison in POISONS if poison.at != "post"], ids=repr)
def test_reconcile_collects_what_is_behind_a_mad_answer(kind: str, tmp_path: Path, poison: Poison) -> None:
    with service({1: poison}) as server:
        world = World(kind, tmp_path, server)
        accepted(world, range(JOBS))
        for _ in range(2):
            found = world.reconcile()
            ends = {end.request_id: end for end in found.ended}
            good = {f"job-{number}" for number in range(JOBS) if number != 1}
            if _ == 0:
                assert all(isinstance(ends[request_id], Video) for request_id in good)
            bad = ends.get("job-1")
            assert bad is None or isinstance(bad, Video | GrokImagineError)
            assert _ or bad is not None or [entry.request_id for entry in found.running] == ["job-1"]


@pytest.mark.parametrize("row", ROWS.values(), ids=list(ROWS))
def test_a_mad_row_of_an_earlier_run_stops_no_other_job(kind: str, tmp_path: Path, row: str) -> None:
    with service() as server:
        world = World(kind, tmp_path, server)
        check(world.batch(), {})
        with sqlite3.connect(world.ledger.path) as database:
            assert database.execute(f"UPDATE jobs SET {row} WHERE request_id = 'job-1'").rowcount == 1
        database.close()
        again = world.batch(max_cost_usd=100.0)
        check(again, {1: row})
        assert set(server.posts.values()) == {1}
        accepted(world, range(JOBS, JOBS + 2))
        found = world.reconcile()
        assert {f"job-{JOBS}", f"job-{JOBS + 1}"} <= {end.request_id for end in found.ended if isinstance(end, Video)}
