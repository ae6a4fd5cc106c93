"""`client.video.updates`: a wait that is seen from one state to the next, and the answer behind each result."""

from __future__ import annotations

import asyncio
import gc
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import aclosing, closing
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from grok_imagine import (
    AsyncClient,
    Client,
    GrokImagineError,
    Ledger,
    Limits,
    NotFoundError,
    OutOfRange,
    TransportError,
    VideoExpiredError,
    VideoGenerationError,
    VideoModeratedError,
    VideoTimeoutError,
)
from grok_imagine.core.hooks import JobRecorder, Runtime
from grok_imagine.core.polling import Updates, wait
from grok_imagine.core.retry import Retries, RetryPolicy
from grok_imagine.pacing.limiter import Pacer
from grok_imagine_sandbox import Sandbox
from support import UNLIMITED, Api, ManualClock

from .clients import looks

Told = tuple[list[Any], BaseException | None]


def all_of(found: Iterator[Any] | AsyncIterator[Any]) -> Any:
    """What an iterator gave, and what ended it."""
    seen: list[Any] = []
    if isinstance(found, Iterator):
        try:
            seen.extend(found)
        except GrokImagineError as error:
            return seen, error
        return seen, None

    async def collect() -> Told:
        try:
            async for update in found:
                seen.append(update)
        except GrokImagineError as error:
            return seen, error
        return seen, None

    return collect()


def started(client: Any, then: Callable[[Any], Any], **options: Any) -> Any:
    """Starts a job, and goes on with it."""
    job = client.video.start("A cat", **options)
    if isinstance(client, Client):
        return then(job)

    async def run() -> Any:
        result = then(await job)
        return await result if hasattr(result, "__await__") else result

    return run()


def test_the_states_come_as_they_change_and_the_video_last(api: Api, sandbox: Sandbox) -> None:
    seen, error = api(lambda c: started(c, lambda job: all_of(c.video.updates(job)), duration=15))
    states = [(update.status, update.progress) for update in seen]
    assert error is None and len(states) >= 4 and all(before != after for before, after in pairwise(states))
    assert all(type(update) is api.video for update in seen)
    assert [update.outcome for update in seen] == ["running"] * (len(seen) - 1) + ["done"]
    assert seen[-1].url and len({update.request_id for update in seen}) == 1
    progress = [update.progress for update in seen]
    assert progress == sorted(progress, key=lambda each: -1 if each is None else each) and looks(sandbox) >= len(seen)


def test_looks_that_show_nothing_new_are_not_told(api: Api, sandbox: Sandbox) -> None:
    seen, _ = api(lambda c: started(c, lambda job: all_of(c.video.updates(job, interval=0.05)), duration=1))
    assert looks(sandbox) > 2 * len(seen)


@pytest.mark.parametrize(
    ("scenario", "kind"),
    [
        ("failed-internal-error", VideoGenerationError),
        ("expired", VideoExpiredError),
        ("moderated-rejected", VideoModeratedError),
    ],
)
def test_what_wait_raises_it_raises_after_the_states_until_then(
    clock: ManualClock, api: Api, scenario: str, kind: type[Exception]
) -> None:
    with Sandbox(clock=clock, speed=1.0, scenario=scenario) as sandbox:
        url = {"base_url": sandbox.base_url}
        seen, error = api(lambda c: started(c, lambda job: all_of(c.video.updates(job)), duration=8), **url)
        assert type(error) is kind and seen and {update.outcome for update in seen} == {"running"}
        assert error.request_id == seen[0].request_id == sandbox.jobs[0]["request_id"]


def test_the_time_is_up_and_the_job_goes_on(api: Api) -> None:
    def use(client: Any) -> Any:
        return started(client, lambda job: all_of(client.video.updates(job, timeout=3)), duration=15)

    seen, error = api(use)
    assert type(error) is VideoTimeoutError and error.request_id == seen[0].request_id and len(seen) >= 1
    assert "goes on" in str(error)


def test_who_comes_back_late_sees_how_the_job_ended(api: Api, clock: ManualClock, sandbox: Sandbox) -> None:
    """The time in between counts, and still there is a last look."""

    def use(client: Any) -> Any:
        return started(client, lambda job: late(client.video.updates(job, timeout=60)), duration=15)

    def late(updates: Any) -> Any:
        def first(update: Any) -> None:
            assert update.outcome == "running"
            clock.now += 1000

        if isinstance(updates, Iterator):
            first(next(updates))
            return next(updates)

        async def run() -> Any:
            first(await anext(updates))
            return await anext(updates)

        return run()

    assert api(use).outcome == "done" and looks(sandbox) == 2


def test_a_job_that_nobody_knows_is_an_error(api: Api) -> None:
    nobody = "00000000-0000-0000-0000-000000000000"
    seen, error = api(lambda c: all_of(c.video.updates(nobody)))
    assert seen == [] and type(error) is NotFoundError and error.request_id == nobody


@pytest.mark.parametrize("wrong", [{"timeout": -1}, {"timeout": "3"}, {"interval": 0}])
def test_arguments_are_checked_at_the_call_and_nothing_is_sent(
    api: Api, sandbox: Sandbox, wrong: dict[str, Any]
) -> None:
    for call in (lambda c: c.video.updates("job-1", **wrong), lambda c: c.video.updates("..")):
        with pytest.raises(ValueError) as caught:
            api(call)
        assert isinstance(caught.value, OutOfRange) or "number of seconds" in str(caught.value)
    assert not sandbox.requests


def test_leaving_early_gives_the_place_back_and_the_job_goes_on(clock: ManualClock, sandbox: Sandbox) -> None:
    one = Limits(requests_per_minute=None, requests_per_second=None, concurrent_jobs=1)
    options: Any = {"api_key": "k", "base_url": sandbox.base_url, "clock": clock, "limits": one}
    with Client(**options, sleep=clock.sleep) as client:
        for _ in client.video.updates(client.video.start("A cat", duration=15)):
            break
        assert client.video.generate("A dog", duration=1).url  # there is place for one job
        held = client.video.updates(client.video.start("A cow", duration=15))
        assert next(held).outcome == "running"
        held.close()
        assert list(held) == [] and client.video.generate("A fox", duration=1).url
        with closing(client.video.updates("never-asked")):
            pass

    async def run() -> None:
        async with AsyncClient(**options, sleep=clock.sleep_async) as client:
            async with aclosing(client.video.updates(await client.video.start("A cat", duration=15))) as updates:
                async for _ in updates:
                    break
            assert (await client.video.generate("A dog", duration=1)).url
            async for _ in client.video.updates(await client.video.start("A cow", duration=15)):
                break
            gc.collect()
            for _ in range(5):  # the loop closes what nobody iterates any more, some rounds later
                await asyncio.sleep(0)
            assert (await client.video.generate("A fox", duration=1)).url

    asyncio.run(run())
    assert len(sandbox.jobs) == 8


def test_a_cancelled_iteration_leaves_with_the_id(clock: ManualClock, sandbox: Sandbox) -> None:
    async def run() -> None:
        stuck = asyncio.Event()

        async def sleep(seconds: float) -> None:
            stuck.set()
            await asyncio.sleep(60)

        options: Any = {"api_key": "k", "base_url": sandbox.base_url, "limits": UNLIMITED}
        async with AsyncClient(**options, clock=clock, sleep=sleep) as client:
            job = await client.video.start("A cat", duration=15)
            updates = client.video.updates(job)
            assert (await anext(updates)).outcome == "running"
            task = asyncio.ensure_future(anext(updates))
            await stuck.wait()
            task.cancel()
            with pytest.raises(asyncio.CancelledError) as caught:
                await task
            assert caught.value.request_id == job.request_id
            with pytest.raises(StopAsyncIteration):
                await anext(updates)

    asyncio.run(run())


def test_the_ledger_has_what_it_has_of_a_wait(api: Api, tmp_path: Path) -> None:
    """Also of a job that was started elsewhere."""
    entries = []
    for name in ("updates", "wait"):
        with closing(Ledger(tmp_path / name)) as ledger:
            job = api(lambda c: c.video.start("A cat", duration=2))
            api(
                lambda c, job=job, name=name: (
                    all_of(c.video.updates(job.request_id)) if name == "updates" else c.video.wait(job.request_id)
                ),
                ledger=ledger,
            )
            (entry,) = ledger.jobs()
            assert entry.request_id == job.request_id and entry.url
            entries.append((entry.state, entry.cost_usd, entry.mode, entry.code, entry.message))
    assert entries[0] == entries[1] and entries[0][0] == "done"


class TestWithoutSocketOrClock:
    @settings(suppress_health_check=[HealthCheck.too_slow])
    @given(
        st.lists(st.sampled_from([None, 0, 12, 12, 50, 99, "lost", "busy"]), max_size=12),
        st.sampled_from(["done", "failed", "expired", "raises"]),
        st.integers(0, 12),
    )
    def test_whatever_comes_is_that_of_a_wait_with_repeats_left_out(
        self, replies: list[Any], end: str, leave_after: int
    ) -> None:
        """Of both the same answers, sleeps and end; the states of `updates` are those that `on_progress` saw."""
        told: list[tuple[str, int | None]] = []
        alone = _Driver(replies, end, lambda video: told.append((video.status, video.progress)))
        result = alone.outcome(lambda: alone.run(alone.wait(alone.on_progress)))
        own = _Driver(replies, end)
        updates = Updates(own.wait)
        seen: list[Any] = []

        def go_on() -> Any:
            while (video := own.run(updates.advance())) is not None:
                seen.append(video)
            return seen[-1]

        assert own.outcome(go_on) == result and own.slept == alone.slept
        states = [(video.status, video.progress) for video in seen if video.outcome == "running"]
        assert states == [state for number, state in enumerate(told) if told[:number][-1:] != [state]]
        assert own.run(updates.advance()) is None and own.released == 1

        left = _Driver(replies, end)
        early = Updates(left.wait)
        left.outcome(lambda: [left.run(early.advance()) for _ in range(leave_after)])
        early.close()
        early.close()
        assert left.run(early.advance()) is None and left.released == bool(leave_after)


class _Driver:
    """A client by hand: answers from a list, and a clock that its sleeps move."""

    def __init__(self, replies: list[Any], end: str, on_progress: Callable[[Any], object] = lambda video: None) -> None:
        self.now, self.slept, self.on_progress, self.released = 0.0, list[float](), on_progress, 0
        self.replies = iter([*replies, end])
        self.pacer = Pacer(UNLIMITED, lambda: self.now)
        release = self.pacer.release

        def counted(slot: Any) -> None:
            self.released += 1
            release(slot)

        self.pacer.release = counted  # type: ignore[method-assign]

    def wait(self, on_progress: Callable[[Any], object]) -> Any:
        runtime = Runtime(Retries(RetryPolicy(), lambda: self.now), 60.0, self.pacer, JobRecorder())
        slot = self.pacer.track_existing(None)
        return wait("job-1", runtime, slot, timeout=600.0, on_progress=on_progress)

    def outcome(self, work: Callable[[], Any]) -> Any:
        try:
            video = work()
            return getattr(video, "status", None)
        except (GrokImagineError, ZeroDivisionError) as error:
            return type(error), getattr(error, "request_id", None), str(error)

    def run(self, flow: Any) -> Any:
        from grok_imagine.answers.answer import take_in
        from grok_imagine.core.effects import Call, Notify, Sleep

        value, failure = None, None
        while True:
            try:
                command = flow.send(value) if failure is None else flow.throw(failure)
            except StopIteration as stop:
                return stop.value
            value, failure = None, None
            if isinstance(command, Sleep):
                self.slept.append(command.seconds)
                self.now += command.seconds
            elif isinstance(command, Notify):
                command.callback(command.value)
            else:
                assert isinstance(command, Call)
                reply = next(self.replies)
                body = {"status": "pending"} | ({"progress": reply} if isinstance(reply, int) else {})
                if isinstance(reply, str):
                    body = {"status": reply, "video": {"url": "https://example.com/a.mp4", "duration": 1}}
                if reply in ("lost", "raises"):
                    failure = TransportError("lost") if reply == "lost" else ZeroDivisionError()
                else:
                    import json

                    status = 503 if reply == "busy" else 200
                    value = take_in(status, [], json.dumps(body).encode(), "k")


class TestTheAnswerBehindAResult:
    def test_each_has_raw_and_headers_without_the_key(self, api: Api, sandbox: Sandbox) -> None:
        job = api(lambda c: c.video.start("A cat", duration=1))
        video = api(lambda c: c.video.wait(job))
        results = [
            job,
            video,
            api(lambda c: c.batches.create("x")),
            api(lambda c: c.files.upload(b"{}", strict=False)),
        ]
        for result in results:
            assert result.raw and result.headers["content-type"].startswith("application/json")
            assert all(name == name.lower() for name in result.headers)
        assert job.raw == {"request_id": job.request_id} and "url" in video.raw["video"]
        assert not {*job.headers.values(), *video.headers.values()} & {"test-key"}
        again = api(lambda c: started(c, lambda job: job, duration=1)).headers
        assert "date" in again
