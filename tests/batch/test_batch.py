"""Batches: each request once, whatever interrupts; outcomes are values; the cap holds; memory is bounded."""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import json
import os
import queue
import sqlite3
import subprocess
import sys
import threading
import tracemalloc
from collections import Counter
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from grok_imagine import (
    AsyncClient,
    Client,
    CostLimitError,
    EditVideo,
    ExtendVideo,
    InvalidRequest,
    Ledger,
    LedgerError,
    Limits,
    Outcome,
    OutOfCreditError,
    OutOfRange,
    StartOutcomeUnknown,
    TextToVideo,
    VideoExpiredError,
    VideoModeratedError,
    VideoTimeoutError,
)
from grok_imagine_sandbox import Sandbox
from support import UNLIMITED, ManualClock


class Batches:
    """Runs a batch by one kind of client and collects its outcomes, in the order of their requests."""

    def __init__(self, kind: str, clock: ManualClock, url: str, **options: Any) -> None:
        self.kind, self.clock = kind, clock
        self.client = {"api_key": "test-key", "base_url": url, "clock": clock, "limits": UNLIMITED, **options}
        self.batch: Any = None

    def __call__(self, requests: Any, most: int | None = None, client: Any = None, **options: Any) -> list[Outcome]:
        made = self.client | (client or {})
        if self.kind == "sync":
            with Client(**made, sleep=self.clock.sleep) as api, api.video.batch(requests, **options) as self.batch:
                return sorted(itertools.islice(self.batch, most), key=lambda outcome: outcome.position)

        async def run() -> list[Outcome]:
            found: list[Outcome] = []
            async with (
                AsyncClient(**made, sleep=self.clock.sleep_async) as api,
                api.video.batch(requests, **options) as self.batch,
            ):
                async for outcome in self.batch:
                    found.append(outcome)
                    if len(found) == most:
                        break
            return sorted(found, key=lambda outcome: outcome.position)

        return asyncio.run(run())


@pytest.fixture(params=["sync", "async"])
def batches(request: pytest.FixtureRequest, clock: ManualClock, sandbox: Sandbox) -> Batches:
    return Batches(request.param, clock, sandbox.base_url)


@pytest.fixture
def ledger(tmp_path: Path) -> Ledger:
    return Ledger(tmp_path / "jobs.db")


def posts(sandbox: Sandbox) -> int:
    return sum(count for (method, _, _), count in sandbox.requests.items() if method == "POST")


def looks(sandbox: Sandbox) -> int:
    return sum(count for (method, _, _), count in sandbox.requests.items() if method == "GET")


def test_every_request_has_its_outcome(batches: Batches, sandbox: Sandbox) -> None:
    requests = ["A cat", TextToVideo("A dog", duration=2), {"prompt": "A cow", "duration": 3}]
    outcomes = batches(requests)
    assert [(o.position, o.state, o.is_new) for o in outcomes] == [
        (0, "done", True),
        (1, "done", True),
        (2, "done", True),
    ]
    assert [o.request.body["prompt"] for o in outcomes if o.request] == ["A cat", "A dog", "A cow"]
    assert {o.request_id for o in outcomes} == {job["request_id"] for job in sandbox.jobs}
    assert [round(o.cost_usd or 0, 4) for o in outcomes] == [0.4, 0.1, 0.15]
    assert batches.batch.counts == {"done": 3} and batches.batch.cost_usd == pytest.approx(0.65)
    assert batches.batch.running == [] and batches.batch.lost_usd == 0


def test_it_tells_how_far_its_jobs_are(batches: Batches, clock: ManualClock) -> None:
    seen: list[Any] = []
    with Sandbox(scenario="never-ends", clock=clock) as slow:
        batches(["A cat", "A dog"], client={"base_url": slow.base_url}, timeout=60, on_progress=seen.append)
    assert {video.outcome for video in seen} == {"running"} and len({video.request_id for video in seen}) == 2


def test_a_batch_of_nothing_ends_at_once(batches: Batches, sandbox: Sandbox) -> None:
    assert batches([]) == [] and not sandbox.requests


@pytest.mark.parametrize(
    ("scenario", "state", "error"),
    [
        ("failed-internal-error", "failed", None),
        ("expired", "expired", VideoExpiredError),
        ("moderated-withheld", "moderated", VideoModeratedError),
        ("moderated-rejected", "moderated", VideoModeratedError),
        ("forbidden", "refused", None),
        ("reset-after-accepting", "unknown", StartOutcomeUnknown),
        ("never-ends", "running", VideoTimeoutError),
    ],
)
def test_an_outcome_is_a_value_and_stops_nothing(
    kind: str, clock: ManualClock, sandbox: Sandbox, ledger: Ledger, scenario: str, state: str, error: type | None
) -> None:
    batches = Batches(kind, clock, sandbox.base_url, headers={"x-sandbox-scenario": f"{scenario}:1"}, ledger=ledger)
    one, two = batches(["A cat", "A dog"], concurrency=1)
    assert one.state == state and two.state in (state, "done")
    assert isinstance(one.error, error or Exception) and one.video is None
    assert (one.request_id is None) == (state in ("refused", "unknown"))
    if one.request_id:
        assert one.request_id in str(one.error)


@pytest.fixture(params=["sync", "async"])
def kind(request: pytest.FixtureRequest) -> str:
    return request.param


def test_what_is_no_request_is_refused_before_anything_is_sent(batches: Batches, sandbox: Sandbox) -> None:
    wrong: list[Any] = [7, {"prompt": "x", "duration": 99}, {"promt": "x"}, TextToVideo("x", resolution="8k"), {}]
    wrong.append({"prompt": "x", "mode": "edit-video"})
    outcomes = batches(wrong)
    assert [o.state for o in outcomes] == ["refused"] * 6 and not sandbox.requests
    assert all(isinstance(o.error, InvalidRequest) for o in outcomes)
    assert outcomes[3].request is wrong[3]


def test_the_same_request_runs_once(batches: Batches, sandbox: Sandbox) -> None:
    outcomes = batches(["A cat", "A dog", "A cat", "A cat"])
    assert posts(sandbox) == 2 and [o.state for o in outcomes] == ["done"] * 4
    assert len({o.request_id for o in outcomes}) == 2 and [o.is_new for o in outcomes].count(True) == 2
    assert batches.batch.cost_usd == pytest.approx(0.8)
    # Also when the first has long ended when the second is pulled.
    again = batches(["A cow", "A cow"], concurrency=1)
    assert posts(sandbox) == 3 and again[0].video and again[1].video and again[0].video.url == again[1].video.url


def test_the_same_request_runs_twice_if_told_to(batches: Batches, sandbox: Sandbox, ledger: Ledger) -> None:
    outcomes = batches(["A cat", "A cat"], repeat=True, ledger=ledger)
    assert posts(sandbox) == 2 and len({o.request_id for o in outcomes}) == 2
    batches(["A cat", "A cat", "A cat"], repeat=True, ledger=ledger)
    assert posts(sandbox) == 3


def test_a_batch_goes_on_where_it_stopped(batches: Batches, sandbox: Sandbox, ledger: Ledger) -> None:
    prompts = [f"A cat {n}" for n in range(8)]
    first = batches(prompts, most=2, ledger=ledger, concurrency=4)
    assert len(first) == 2 and all(o.state == "done" for o in first)
    asked = looks(sandbox)
    known = {entry.request_id for entry in ledger.jobs("done")}
    second = batches(prompts, ledger=ledger, concurrency=4)
    assert [o.state for o in second] == ["done"] * 8 and posts(sandbox) == 8 == len(ledger.jobs("done"))
    assert all(o.is_new is False for o in second if o.request_id in known)
    assert all(o.video and o.video.url for o in second) and asked
    # What is done is not asked for again.
    before = sandbox.requests.copy()
    third = batches(prompts, ledger=ledger)
    assert sandbox.requests == before and [o.video.raw for o in third if o.video] == [
        o.video.raw for o in second if o.video
    ]


def test_another_name_makes_them_anew(batches: Batches, sandbox: Sandbox, ledger: Ledger) -> None:
    batches(["A cat"], ledger=ledger)
    batches(["A cat"], ledger=ledger, name="again")
    assert posts(sandbox) == 2


def test_a_url_that_ran_out_is_looked_up_again(batches: Batches, sandbox: Sandbox, tmp_path: Path) -> None:
    now = 1.8e9
    ledger = Ledger(tmp_path / "jobs.db", clock=lambda: now)
    batches(["A cat"], ledger=ledger)
    before = looks(sandbox)
    now += 90_000
    (outcome,) = batches(["A cat"], ledger=ledger)
    assert outcome.state == "done" and looks(sandbox) == before + 1 and posts(sandbox) == 1


@pytest.mark.parametrize("scenario", ["failed-internal-error", "expired", "moderated-rejected", "moderated-withheld"])
def test_how_a_job_ended_is_known_later(batches: Batches, sandbox: Sandbox, ledger: Ledger, scenario: str) -> None:
    told = {"headers": {"x-sandbox-scenario": scenario}}
    (one,), (two,) = (batches(["A cat"], ledger=ledger, client=told) for _ in range(2))
    assert posts(sandbox) == 1 and (one.state, one.request_id, type(one.error)) == (
        two.state,
        two.request_id,
        type(two.error),
    )
    assert one.is_new and not two.is_new and one.cost_usd == two.cost_usd


def test_an_unknown_outcome_is_never_posted_again(batches: Batches, sandbox: Sandbox, ledger: Ledger) -> None:
    told = {"headers": {"x-sandbox-scenario": "reset-after-accepting"}}
    outcomes = [batches(["A cat"], ledger=ledger, client=told)[0] for _ in range(3)]
    assert [o.state for o in outcomes] == ["unknown"] * 3 and len(sandbox.jobs) == 1
    assert all(isinstance(o.error, StartOutcomeUnknown) and o.request for o in outcomes)


def test_what_was_refused_is_posted_again_later(batches: Batches, sandbox: Sandbox, ledger: Ledger) -> None:
    told = {"headers": {"x-sandbox-scenario": "forbidden"}}
    assert batches(["A cat"], ledger=ledger, client=told)[0].state == "refused"
    assert batches(["A cat"], ledger=ledger)[0].state == "done"


def test_no_credit_is_asked_for_once(batches: Batches, sandbox: Sandbox) -> None:
    told = {"headers": {"x-sandbox-scenario": "out-of-credit"}}
    outcomes = batches([f"A cat {n}" for n in range(30)], client=told, concurrency=3)
    assert [o.state for o in outcomes] == ["refused"] * 30 and posts(sandbox) <= 3
    assert all(isinstance(o.error, OutOfCreditError) for o in outcomes)


def test_a_wrong_key_is_tried_once(kind: str, clock: ManualClock) -> None:
    with Sandbox(clock=clock, speed=1.0, api_key="right") as sandbox:
        outcomes = Batches(kind, clock, sandbox.base_url)([f"A cat {n}" for n in range(30)], concurrency=3)
        assert [o.state for o in outcomes] == ["refused"] * 30 and posts(sandbox) <= 3
        assert all("test-key" not in str(o.error) for o in outcomes)


def test_a_ledger_that_breaks_ends_the_starts_and_loses_no_id(
    batches: Batches, sandbox: Sandbox, ledger: Ledger, monkeypatch: pytest.MonkeyPatch
) -> None:
    def confirm(self: Ledger, intent: str, request_id: str) -> None:
        raise LedgerError("disk full", request_id=request_id)

    monkeypatch.setattr(Ledger, "confirm", confirm)
    outcomes = batches([f"A cat {n}" for n in range(9)], ledger=ledger, concurrency=2)
    assert len(outcomes) == 9 and posts(sandbox) <= 2
    found = {o.request_id for o in outcomes if o.state == "running"}
    assert found == {job["request_id"] for job in sandbox.jobs}
    assert Counter(o.state for o in outcomes) == {"running": len(found), "refused": 9 - len(found)}


def test_the_cap_holds(batches: Batches, sandbox: Sandbox, ledger: Ledger) -> None:
    requests = [TextToVideo(f"A cat {n}", duration=2) for n in range(10)]  # 10 cents each
    outcomes = batches(requests, max_cost_usd=0.45, ledger=ledger)
    assert Counter(o.state for o in outcomes) == {"done": 4, "refused": 6} and posts(sandbox) == 4
    refused = next(o.error for o in outcomes if o.state == "refused")
    assert isinstance(refused, CostLimitError) and refused.max_cost_usd == 0.45
    assert refused.estimate_usd == pytest.approx(0.1) and refused.counted_usd == pytest.approx(0.4)
    # A restart has the same cap, not the same again.
    outcomes = batches(requests, max_cost_usd=0.55, ledger=ledger)
    assert Counter(o.state for o in outcomes) == {"done": 5, "refused": 5} and posts(sandbox) == 5


def test_what_may_have_been_billed_counts(batches: Batches, sandbox: Sandbox, ledger: Ledger) -> None:
    told = {"headers": {"x-sandbox-scenario": "reset-after-accepting:1"}}
    requests = [TextToVideo(f"A cat {n}", duration=2) for n in range(3)]
    outcomes = batches(requests, max_cost_usd=0.2, ledger=ledger, client=told, concurrency=1)
    assert Counter(o.state for o in outcomes)["refused"] == 1 and posts(sandbox) == 2


def test_a_job_that_failed_gives_its_money_back_to_the_cap(batches: Batches, sandbox: Sandbox) -> None:
    told = {"headers": {"x-sandbox-scenario": "failed-internal-error"}}
    requests = [TextToVideo(f"A cat {n}", duration=2) for n in range(5)]
    outcomes = batches(requests, max_cost_usd=0.1, client=told, concurrency=1)
    assert Counter(o.state for o in outcomes) == {"failed": 5} and posts(sandbox) == 5


def test_billed_without_a_video_is_counted(batches: Batches, sandbox: Sandbox) -> None:
    told = {"headers": {"x-sandbox-scenario": "moderated-withheld"}}
    (outcome,) = batches(["A cat"], client=told)
    assert outcome.state == "moderated" and outcome.cost_usd == pytest.approx(0.4)
    assert batches.batch.lost_usd == batches.batch.cost_usd == pytest.approx(0.4)


def test_without_a_price_no_cap_can_hold(batches: Batches, sandbox: Sandbox) -> None:
    unpriced = {"prompt": "x", "model": "grok-imagine-video-9"}
    (outcome,) = batches([unpriced], max_cost_usd=5, strict=False)
    assert outcome.state == "refused" and "has no known price" in str(outcome.error) and not sandbox.requests


@pytest.mark.parametrize(
    "wrong",
    [
        {"max_cost_usd": -1},
        {"max_cost_usd": float("nan")},
        {"name": ""},
        {"concurrency": 0},
        {"concurrency": True},
        {"timeout": -1},
    ],
)
def test_an_argument_is_checked_before_anything_is_sent(batches: Batches, sandbox: Sandbox, wrong: Any) -> None:
    with pytest.raises(OutOfRange, match=next(iter(wrong))):
        batches(["A cat"], **wrong)
    assert not sandbox.requests


def test_requests_are_pulled_as_places_get_free(batches: Batches, sandbox: Sandbox) -> None:
    pulled = 0

    def endless() -> Iterator[str]:
        nonlocal pulled
        for pulled in range(1, 10**9):
            yield f"A cat {pulled}"

    assert len(batches(endless(), most=5, concurrency=3)) == 5
    assert pulled <= 5 + 2 * 3 and len(sandbox.jobs) <= pulled


def test_memory_does_not_grow_with_the_requests(kind: str, clock: ManualClock, sandbox: Sandbox) -> None:
    # Ten thousand requests that end at once, then ten times as many: what is kept must be the same.
    batches = Batches(kind, clock, sandbox.base_url)
    peaks = []
    for count in (2_000, 20_000):
        states: Counter[str] = Counter()

        def refused(count: int = count) -> Iterator[Any]:
            for number in range(count):
                yield {"prompt": f"A cat {number}", "duration": 99}

        tracemalloc.start()
        drain(batches, refused(), states)
        peaks.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
        assert states == {"refused": count}
    assert peaks[1] < peaks[0] + 300_000


def drain(batches: Batches, requests: Any, states: Counter[str]) -> None:
    if batches.kind == "sync":
        with Client(**batches.client, sleep=batches.clock.sleep) as api:
            states.update(outcome.state for outcome in api.video.batch(requests))
        return

    async def run() -> None:
        async with AsyncClient(**batches.client, sleep=batches.clock.sleep_async) as api:
            async for outcome in api.video.batch(requests):
                states[outcome.state] += 1

    asyncio.run(run())


def test_an_error_of_the_requests_comes_after_what_runs(batches: Batches, sandbox: Sandbox) -> None:
    def broken() -> Iterator[str]:
        yield "A cat"
        raise ZeroDivisionError("line 2")

    found: list[Outcome] = []
    with pytest.raises(ZeroDivisionError, match="line 2"):
        drain_into(batches, broken(), found)
    assert [o.state for o in found] == ["done"]


def drain_into(batches: Batches, requests: Any, found: list[Outcome], **options: Any) -> None:
    if batches.kind == "sync":
        with Client(**batches.client, sleep=batches.clock.sleep) as api:
            for outcome in api.video.batch(requests, **options):
                found.append(outcome)
        return

    async def run() -> None:
        async with AsyncClient(**batches.client, sleep=batches.clock.sleep_async) as api:
            async for outcome in api.video.batch(requests, **options):
                found.append(outcome)

    asyncio.run(run())


def test_an_async_batch_takes_an_async_iterable(clock: ManualClock, sandbox: Sandbox) -> None:
    async def prompts() -> AsyncIterator[str]:
        for number in range(3):
            await asyncio.sleep(0)
            yield f"A cat {number}"

    assert [o.state for o in Batches("async", clock, sandbox.base_url)(prompts())] == ["done"] * 3


def test_ctrl_c_keeps_the_ids(clock: ManualClock, sandbox: Sandbox, ledger: Ledger) -> None:
    told = {"headers": {"x-sandbox-scenario": "never-ends"}}
    with Client("k", base_url=sandbox.base_url, ledger=ledger, limits=UNLIMITED, **told) as client:
        batch = client.video.batch(["A cat", "A dog"])
        waited = threading.Event()

        def interrupt() -> None:
            while len(batch.running) < 2:
                waited.wait(0.01)
            batch._engine.ready.put(KeyboardInterrupt())

        threading.Thread(target=interrupt, daemon=True).start()
        with pytest.raises(KeyboardInterrupt) as caught:
            next(batch)
    ids = {job["request_id"] for job in sandbox.jobs}
    assert set(caught.value.request_ids) == ids == {entry.request_id for entry in ledger.jobs("accepted")}
    assert "2 jobs go on" in caught.value.__notes__[0] and batch._engine.is_idle


def test_a_cancelled_batch_keeps_the_ids(sandbox: Sandbox, ledger: Ledger) -> None:
    async def run() -> BaseException:
        told = {"headers": {"x-sandbox-scenario": "never-ends"}}
        async with AsyncClient("k", base_url=sandbox.base_url, ledger=ledger, limits=UNLIMITED, **told) as client:
            batch = client.video.batch(["A cat", "A dog"])
            reading = asyncio.ensure_future(anext(batch))
            for _ in range(500):
                if len(batch.running) == 2:
                    break
                await asyncio.sleep(0.01)
            reading.cancel()
            try:
                await reading
            except asyncio.CancelledError as error:
                return error
            raise AssertionError("not cancelled")

    error = asyncio.run(run())
    ids = {job["request_id"] for job in sandbox.jobs}
    assert set(error.request_ids) == ids == {entry.request_id for entry in ledger.jobs("accepted")}  # type: ignore[attr-defined]


def test_a_batch_that_is_dropped_ends(clock: ManualClock, sandbox: Sandbox) -> None:
    with Client("k", base_url=sandbox.base_url, clock=clock, sleep=clock.sleep, limits=UNLIMITED) as client:
        batch = client.video.batch(f"A cat {n}" for n in itertools.count())
        next(batch)
        engine = batch._engine
        del batch
        wait_until(lambda: engine.is_idle)


def test_two_processes_share_a_batch(clock: ManualClock, sandbox: Sandbox, ledger: Ledger) -> None:
    """Two clients at once, as two processes would be: no request is posted by both."""
    prompts = [f"A cat {n}" for n in range(12)]
    found: list[list[Outcome]] = [[], []]

    def work(number: int) -> None:
        with Client("k", base_url=sandbox.base_url, clock=clock, sleep=clock.sleep, limits=UNLIMITED) as client:
            found[number] = list(client.video.batch(prompts, ledger=Ledger(ledger.path), concurrency=3, timeout=1e6))

    threads = [threading.Thread(target=work, args=(n,)) for n in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    bodies = Counter(job["body_sha256"] for job in sandbox.jobs)
    assert len(bodies) == 12 and set(bodies.values()) == {1}
    assert [len(each) for each in found] == [12, 12]


def test_videos_can_be_saved(clock: ManualClock, sandbox: Sandbox, tmp_path: Path) -> None:
    with Client("k", base_url=sandbox.base_url, clock=clock, sleep=clock.sleep, limits=UNLIMITED) as client:
        for outcome in client.video.batch([TextToVideo("A cat", duration=1)]):
            assert outcome.video
            assert outcome.video.save(tmp_path / "cat.mp4").stat().st_size > 1000


def test_an_outcome_shows_no_secret(batches: Batches) -> None:
    secret = "data:image/png;base64,QUJD"
    edit = EditVideo("x", video_url="https://example.com/v.mp4?sig=SECRET")
    outcomes = batches([{"prompt": "p", "image_url": secret}, edit, "Very private"])
    assert all(text not in repr(outcomes) for text in ("QUJD", "SECRET", "private", "http"))


STEP = st.sampled_from(["A", "B", "C", "D", "E"])


@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    runs=st.lists(st.tuples(st.lists(STEP, max_size=6), st.integers(0, 6)), min_size=1, max_size=4), mode=st.booleans()
)
def test_whatever_is_run_and_broken_off_each_request_is_posted_once(
    tmp_path_factory: pytest.TempPathFactory, runs: list[tuple[list[str], int]], mode: bool
) -> None:
    clock = ManualClock()
    ledger = Ledger(tmp_path_factory.mktemp("batch") / "jobs.db")
    with Sandbox(clock=clock, speed=1.0) as sandbox:
        batches = Batches("sync" if mode else "async", clock, sandbox.base_url)
        for prompts, most in runs:
            batches(prompts, most=most, ledger=ledger, concurrency=2)
        asked = {prompt for prompts, most in runs for prompt in prompts}
        bodies = Counter(job["body_sha256"] for job in sandbox.jobs)
        assert len(bodies) <= len(asked) and set(bodies.values()) <= {1}
        ids = {entry.request_id for entry in ledger.jobs()}
        assert {job["request_id"] for job in sandbox.jobs} <= ids
        final = batches(sorted(asked), ledger=ledger)
        assert all(o.state == "done" for o in final) and len(sandbox.jobs) == len(asked)


def test_the_ledger_keeps_the_answer_and_the_batch(batches: Batches, ledger: Ledger) -> None:
    (outcome,) = batches(["A cat"], ledger=ledger, name="spring")
    (entry,) = ledger.jobs()
    assert outcome.video and json.loads(entry.answer or "") == outcome.video.raw and entry.batch == "spring"


def test_an_edit_and_an_extension_of_the_same_video_are_two_requests(batches: Batches, sandbox: Sandbox) -> None:
    # Their bodies are equal; only the operation differs.
    source = batches(["A cat"])[0].video
    assert source and source.url
    requests = [EditVideo("Snow", video_url=source.url), ExtendVideo("Snow", video_url=source.url)]
    assert requests[0].sha256 == requests[1].sha256
    outcomes = batches(requests)
    assert [o.state for o in outcomes] == ["done", "done"] and len({o.request_id for o in outcomes}) == 2
    assert {job["operation"] for job in sandbox.jobs} == {"generateVideo", "editVideo", "extendVideo"}


@pytest.mark.parametrize("scenario", ["done-without-url"])
def test_a_failure_that_is_no_state_of_the_service_is_known_later_too(
    batches: Batches, ledger: Ledger, scenario: str
) -> None:
    told = {"headers": {"x-sandbox-scenario": scenario}}
    (one,), (two,) = (batches(["A cat"], ledger=ledger, client=told) for _ in range(2))
    assert (one.state, two.state) == ("failed", "failed") and one.request_id == two.request_id


@pytest.fixture
def late() -> Iterator[Sandbox]:
    """A sandbox whose answers to POSTs are half a second late."""
    with Sandbox(scenario="slow", slow_seconds=0.5) as sandbox:
        yield sandbox


def test_a_client_that_is_closed_first_waits_for_the_ids(late: Sandbox, ledger: Ledger) -> None:
    with Client("k", base_url=late.base_url, ledger=ledger, limits=UNLIMITED) as client:
        batch = client.video.batch(f"A cat {n}" for n in range(3))
        threading.Thread(target=lambda: next(batch, None), daemon=True).start()
        wait_until(lambda: len(ledger.jobs()) >= 1)
    assert {entry.state for entry in ledger.jobs()} <= {"accepted", "failed"}
    before = len(late.jobs)
    assert {entry.request_id for entry in ledger.jobs("accepted")} == {job["request_id"] for job in late.jobs}

    async def run() -> None:
        async with AsyncClient("k", base_url=late.base_url, ledger=ledger, limits=UNLIMITED) as client:
            reading = asyncio.ensure_future(anext(client.video.batch([f"A dog {n}" for n in range(3)]), None))
            while len(late.jobs) == before:
                await asyncio.sleep(0.005)
        await asyncio.gather(reading, return_exceptions=True)

    asyncio.run(run())
    assert {entry.request_id for entry in ledger.jobs("accepted")} == {job["request_id"] for job in late.jobs}


def wait_until(condition: Any) -> None:
    pause = threading.Event()
    for _ in range(2000):
        if condition():
            return
        pause.wait(0.005)
    raise AssertionError("did not happen")


def test_a_cancellation_after_the_first_cuts_no_wait_for_an_id_short(late: Sandbox, ledger: Ledger) -> None:
    async def run() -> None:
        async with AsyncClient("k", base_url=late.base_url, ledger=ledger, limits=UNLIMITED) as client:
            reading = asyncio.ensure_future(anext(client.video.batch(["A cat", "A dog"])))
            while len(late.jobs) < 2:
                await asyncio.sleep(0.005)
            for _ in range(2):
                reading.cancel()
                await asyncio.sleep(0.01)
            await asyncio.gather(reading, return_exceptions=True)

    asyncio.run(run())
    assert {entry.request_id for entry in ledger.jobs("accepted")} == {job["request_id"] for job in late.jobs}


LEAVE = """
import sys
from grok_imagine import Client, Ledger, Limits
off = Limits(requests_per_minute=None, requests_per_second=None, concurrent_jobs=None)
client = Client("k", base_url=sys.argv[1], ledger=Ledger(sys.argv[2]), limits=off)
batch = client.video.batch(f"A cat {number}" for number in range(50))
batch._engine.start()
import httpx
while not httpx.get(sys.argv[1].replace("/v1", "/sandbox/jobs")).json():
    pass
raise SystemExit("a script that fails while its batch is at work")
"""


def test_a_program_that_ends_loses_no_id(late: Sandbox, ledger: Ledger) -> None:
    command = [sys.executable, "-c", LEAVE, late.base_url, str(ledger.path)]
    ended = subprocess.run(command, timeout=60, capture_output=True, text=True, check=False)
    assert "while its batch is at work" in ended.stderr
    ids = {entry.request_id for entry in ledger.jobs("accepted")}
    assert ids == {job["request_id"] for job in late.jobs} and ids


def test_an_id_does_not_wait_for_the_next_request_to_be_pulled(sandbox: Sandbox, ledger: Ledger) -> None:
    go_on = threading.Event()

    def slow() -> Iterator[str]:
        yield "A cat"
        go_on.wait(20)

    with Client("k", base_url=sandbox.base_url, ledger=ledger, limits=UNLIMITED) as client:
        batch = client.video.batch(slow())
        threading.Thread(target=lambda: next(batch, None), daemon=True).start()
        wait_until(lambda: ledger.jobs("accepted"))
        batch.close()
        go_on.set()


def test_requests_may_depend_on_outcomes(clock: ManualClock, sandbox: Sandbox) -> None:
    wanted: queue.Queue[str | None] = queue.Queue()
    wanted.put("A cat")
    found = []
    with Client("k", base_url=sandbox.base_url, clock=clock, sleep=clock.sleep, limits=UNLIMITED) as client:
        for outcome in client.video.batch(iter(wanted.get, None)):
            found.append(outcome.state)
            wanted.put("A dog" if len(found) == 1 else None)
    assert found == ["done", "done"]


def test_a_line_that_names_the_methods_own_keywords_stops_nothing(batches: Batches) -> None:
    outcomes = batches(["A", {"prompt": "B", "strict": False}, {"prompt": "C", "call": "extend"}, "D"])
    assert [o.state for o in outcomes] == ["done", "refused", "refused", "done"]


def test_readers_of_a_batch_that_has_ended_all_end(sandbox: Sandbox, clock: ManualClock) -> None:
    async def run() -> list[Any]:
        options: Any = {"clock": clock, "sleep": clock.sleep_async, "limits": UNLIMITED}
        async with AsyncClient("k", base_url=sandbox.base_url, **options) as client:
            batch = client.video.batch(["A cat"])

            async def read() -> list[str]:
                return [outcome.state async for outcome in batch]

            return await asyncio.wait_for(asyncio.gather(read(), read()), 20)

    assert sorted(asyncio.run(run())) == [[], ["done"]]


@pytest.mark.parametrize("scenario", ["moderated-failed", "moderated-rejected", "moderated-withheld"])
def test_a_withheld_video_counts_against_the_cap(batches: Batches, sandbox: Sandbox, scenario: str) -> None:
    told = {"headers": {"x-sandbox-scenario": scenario}}
    requests = [TextToVideo(f"A cat {n}", duration=2) for n in range(4)]
    outcomes = batches(requests, max_cost_usd=0.1, client=told, concurrency=1)
    assert Counter(o.state for o in outcomes) == {"moderated": 1, "refused": 3}


def test_what_the_cap_refuses_needs_no_turn(batches: Batches, clock: ManualClock) -> None:
    begin = clock.now
    requests = [TextToVideo(f"A cat {n}", duration=2) for n in range(200)]
    outcomes = batches(requests, max_cost_usd=0.1, client={"limits": Limits()})
    assert Counter(o.state for o in outcomes) == {"done": 1, "refused": 199} and clock.now - begin < 90


def test_an_intent_of_a_process_with_the_same_id_is_not_under_way(ledger: Ledger) -> None:
    # In a container every run may have process id 1.
    code = "import sys; from grok_imagine import *; Ledger(sys.argv[1]).begin(TextToVideo('A cat'), 'o')"
    subprocess.run([sys.executable, "-c", code, str(ledger.path)], check=True, timeout=60)
    with contextlib.closing(sqlite3.connect(ledger.path)) as db:
        db.execute("UPDATE jobs SET process = ?", (os.getpid(),))
        db.commit()
    assert [entry.state for entry in ledger.jobs()] == ["unknown"]


def test_a_temporary_ledger_stays_while_it_is_needed(batches: Batches) -> None:
    batches(["A cat"])
    assert not batches.batch._runner.ledger.path.exists() and batches.batch.cost_usd == pytest.approx(0.4)
    batches(["A cat"], client={"headers": {"x-sandbox-scenario": "never-ends"}}, timeout=1)
    left = batches.batch._runner.ledger
    assert [entry.state for entry in left.jobs()] == ["accepted"]
    left.discard()


def test_what_a_service_echoes_is_not_kept(batches: Batches, ledger: Ledger) -> None:
    batches(["A very private cat"], ledger=ledger, client={"headers": {"x-sandbox-scenario": "bad-gateway"}})
    assert [entry.message for entry in ledger.jobs()] == ["HTTP 502"]
