"""One bad job never stops the others: whatever is wrong with some jobs of a batch or a ledger, all others end as if they were alone."""

from __future__ import annotations

import random
import signal
import sqlite3
import threading
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from grok_imagine import (
    AuthenticationError,
    GrokImagineError,
    LedgerError,
    Outcome,
    UnexpectedError,
    Video,
    VideoRequest,
)
from poison import OTHERS, POISONS, ROWS, Poison, Service, http, service
from poisoned import JOBS, World
from support import HANG


class Stuck(BaseException):
    """A run took longer than any may: it waits for what does not come."""


@pytest.fixture(autouse=True)
def bounded() -> Iterator[None]:
    """Ends a test that hangs, where the system has alarms."""

    def end(*_: object) -> None:
        raise Stuck

    before = signal.signal(signal.SIGALRM, end)
    signal.setitimer(signal.ITIMER_REAL, HANG)
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
        world.ledger.record_download(OTHERS, "there.mp4", server.base_url)
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
            assert one.request_id in (None, two.request_id) or ascii(one.request_id)[1:-1] in str(two.error)
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
        world.ledger.import_job(f"job-{number}", world.server.base_url)


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


def raises(error: BaseException) -> Any:
    def callback(video: Video) -> None:
        if video.request_id == "job-1":
            raise error

    return callback


@pytest.mark.parametrize("error", [ValueError("mine\x1b[2J"), StopIteration("x"), GrokImagineError("x")], ids=repr)
def test_a_callback_that_raises_ends_the_wait_for_its_job_alone(kind: str, tmp_path: Path, error: Exception) -> None:
    with service() as server:
        world = World(kind, tmp_path, server)
        bad = world.batch(on_progress=raises(error))
        check(bad, {1: error})
        assert (bad[1].state, bad[1].request_id) == ("running", "job-1")
        failure = bad[1].error
        assert failure is not None and "\x1b" not in str(failure)
        if not isinstance(error, GrokImagineError):
            assert isinstance(failure, UnexpectedError)
            causes = (failure.__cause__, getattr(failure.__cause__, "__cause__", None))
            assert error in causes and error.__traceback__ is not None
        check(world.batch(), {})
        assert set(server.posts.values()) == {1}


class Odd(Mapping[str, Any]):
    """Keywords that can't be read."""

    def __getitem__(self, key: str) -> Any:
        raise LookupError("no item")

    def __iter__(self) -> Iterator[str]:
        raise RuntimeError("no keys")

    def __len__(self) -> int:
        return 1


class OddRequest(VideoRequest):
    """A request that has no hash."""

    __slots__ = ()

    @property
    def sha256(self) -> str:
        raise ZeroDivisionError


def recursive() -> dict[str, Any]:
    found: dict[str, Any] = {"prompt": "x"}
    found["storage_options"] = found
    return found


ITEMS: Mapping[str, Any] = {
    "nothing": None,
    "a class": VideoRequest,
    "odd keywords": Odd(),
    "odd names": {7: 8, (1, 2): "x", "cls": 1, "self": 2, "prompt": "x"},
    "an odd mode": {"prompt": "x", "mode": ["x"]},
    "half an emoji": {"prompt": "\ud83d"},
    "recursive": recursive(),
    "a lock": {"prompt": "x", "storage_options": {"x": threading.Lock()}},
    "a mode that is none": VideoRequest("nonsense", {"prompt": "x"}),
    "a mode that can't be hashed": VideoRequest(["x"], {"prompt": "x"}),  # type: ignore[arg-type]
    "no hash": OddRequest("text-to-video", {"prompt": "x"}),
    "a number without end": VideoRequest("text-to-video", {"prompt": "x", "duration": float("inf")}),
    "a model that is a list": VideoRequest("text-to-video", {"prompt": "x", "model": ["x"]}),
}


@pytest.mark.parametrize("strict", [True, False])
@pytest.mark.parametrize("item", ITEMS.values(), ids=list(ITEMS))
def test_an_item_that_is_no_request_is_refused_alone(kind: str, tmp_path: Path, item: Any, strict: bool) -> None:
    with service() as server:
        world = World(kind, tmp_path, server)
        for _ in range(2):
            outcomes = world.batch(["0", item, *map(str, range(2, JOBS))], strict=strict)
            check(outcomes, {1: item})
            assert outcomes[1].state == "refused" or not strict
            assert set(server.posts.values()) == {1}


@pytest.mark.parametrize("at", ["post", "look"])
def test_what_holds_for_all_ends_the_rest(kind: str, tmp_path: Path, at: str) -> None:
    with service({0: Poison("no key", at, lambda _: http({"error": "wrong key"}, 401))}) as server:
        outcomes = World(kind, tmp_path, server).batch(concurrency=1)
        assert isinstance(outcomes[0].error, AuthenticationError)
        assert {outcome.state for outcome in outcomes[1:]} == {"refused"} and server.posts.total() == 1


def test_a_ledger_that_can_t_be_written_ends_the_rest(kind: str, tmp_path: Path) -> None:
    with service() as server:
        world = World(kind, tmp_path, server)
        with sqlite3.connect(world.ledger.path) as database:
            database.execute("CREATE TRIGGER full BEFORE INSERT ON jobs BEGIN SELECT RAISE(ROLLBACK, 'disk full'); END")
        database.close()
        outcomes = world.batch(concurrency=1)
        assert {type(outcome.error) for outcome in outcomes} == {LedgerError} and not server.posts
