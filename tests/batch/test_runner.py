"""Each request of a batch runs once, and has an outcome."""

from __future__ import annotations

import asyncio
import gc
import itertools
import tempfile
import tracemalloc
from collections import Counter
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from grok_imagine import (
    AsyncClient,
    Client,
    CostLimitError,
    InvalidRequest,
    Ledger,
    LedgerError,
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
from support import SharedClock

from .batches import Batches


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


def test_it_tells_how_far_its_jobs_are(batches: Batches, clock: SharedClock) -> None:
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
    kind: str, clock: SharedClock, sandbox: Sandbox, ledger: Ledger, scenario: str, state: str, error: type | None
) -> None:
    batches = Batches(kind, clock, sandbox.base_url, headers={"x-sandbox-scenario": f"{scenario}:1"}, ledger=ledger)
    one, two = batches(["A cat", "A dog"], concurrency=1)
    assert one.state == state and two.state in (state, "done")
    assert isinstance(one.error, error or Exception) and one.video is None
    assert (one.request_id is None) == (state in ("refused", "unknown"))
    if one.request_id:
        assert one.request_id in str(one.error)


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


def test_a_wrong_key_is_tried_once(kind: str, clock: SharedClock) -> None:
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
        {"max_cost_usd": Decimal("NaN")},
        {"max_cost_usd": Decimal("sNaN")},
        {"name": ""},
        {"concurrency": 0},
        {"concurrency": True},
        {"timeout": -1},
        {"interval": 0},
        {"interval": float("nan")},
        {"requests": "A cat"},
        {"on_started": 5},
    ],
)
def test_an_argument_is_checked_before_anything_is_sent_or_made(
    batches: Batches, sandbox: Sandbox, wrong: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    with pytest.raises(OutOfRange, match=next(iter(wrong))):
        batches(**{"requests": ["A cat"]} | wrong)
    assert not sandbox.requests and not list(tmp_path.glob("grok-imagine-*"))


@pytest.mark.parametrize("interval", [3, lambda age: 3.0], ids=["seconds", "a function"])
def test_the_looks_may_be_the_callers_own(batches: Batches, ledger: Ledger, clock: SharedClock, interval: Any) -> None:
    told: dict[str, list[float]] = {}

    def looked(video: Any) -> None:
        told.setdefault(video.request_id, []).append(clock.now)

    never = {"headers": {"x-sandbox-scenario": "never-ends"}}
    for _ in range(2):  # the second time the ledger has them
        told.clear()
        batches(["A cat", "A dog"], ledger=ledger, client=never, timeout=20, interval=interval, on_progress=looked)
        gaps = [after - before for times in told.values() for before, after in itertools.pairwise(times[:-1])]
        assert len(told) == 2 and len(gaps) >= 8 and set(gaps) == {3.0}


def test_requests_are_pulled_as_places_get_free(batches: Batches, sandbox: Sandbox) -> None:
    pulled = 0

    def endless() -> Iterator[str]:
        nonlocal pulled
        for pulled in range(1, 10**9):
            yield f"A cat {pulled}"

    assert len(batches(endless(), most=5, concurrency=3)) == 5
    assert pulled <= 5 + 2 * 3 and len(sandbox.jobs) <= pulled


def test_memory_does_not_grow_with_the_requests(
    kind: str, clock: SharedClock, sandbox: Sandbox, request: pytest.FixtureRequest
) -> None:
    # A thousand requests that end at once, then nine times as many: what is kept must be the same.
    batches = Batches(kind, clock, sandbox.base_url)
    held = []
    gc.freeze()  # what other tests left does not count
    request.addfinalizer(gc.unfreeze)
    for count in (1_000, 9_000):
        states: Counter[str] = Counter()

        def refused(count: int = count) -> Iterator[Any]:
            for number in range(count):
                yield {"prompt": f"A cat {number}", "duration": 99}
            gc.collect()  # garbage may wait for its collector, the longer the busier the machine
            held.append(tracemalloc.get_traced_memory()[0])

        tracemalloc.start()
        drain(batches, refused(), states)
        tracemalloc.stop()
        assert states == {"refused": count}
    assert held[1] < held[0] + 150_000


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
