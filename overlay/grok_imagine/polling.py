"""Waiting for a job: when to look, what an answer means, and when to give up. No clock, socket or thread."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Sequence
from typing import Any, TypeAlias

from grok_imagine_api import contract

from .commands import Blocking, Flow, Notify, ProgressCallback, Sleep
from .errors import ApiError, TransportError, UnknownStatusWarning, VideoGenerationError, VideoTimeoutError
from .flow import Book, is_transient, keeping, look, start
from .requests import VideoRequest
from .results import Video
from .retry import Retries

Look: TypeAlias = tuple[float, int | None]
"""A look that saw a job running: the job's age in seconds, and its progress in per cent, if it told."""

Schedule: TypeAlias = Callable[[Sequence[Look], float], float]
"""The age in seconds at which to look next, by the looks so far and the job's age now."""

Learn: TypeAlias = Callable[[float, Sequence[Look], bool], None]
"""Told of a job that ended: its age in seconds, the looks that saw it running, and whether it failed."""

LAST_LOOK = 1.0
"""Seconds of the polling timeout that are kept for the last look, or a tenth of it if that is less."""

SHORTEST_WAIT = 0.001
"""Seconds; a shorter polling timeout is as good as 0: one look, which then has the time of any request."""

LONGEST_TROUBLE = 5.0
"""Seconds; the longest pause after a look that failed: it told nothing, so the schedule has nothing to go by."""

LONGEST_COOL_DOWN = 60.0
"""Seconds; the most that a look's Retry-After is waited for. The job may long be done."""


def contract_schedule(looks: Sequence[Look], age: float) -> float:
    """The schedule of x-waiter, which knows a job's age only: for what has no history, and for other languages."""
    return age + next(phase.every for phase in contract.SCHEDULE if phase.until is None or age < phase.until)


def generate(request: VideoRequest, retries: Retries, book: Book | None = None, **options: Any) -> Flow[Video]:
    """Starts a job and waits for it; `options` are those of `wait`, which also says what is raised."""
    began = options["clock"]()
    job = yield from start(request, retries, book, options["timeout"])
    return (yield from wait(job.request_id, started=began, request=request, book=book, **options))


def wait(request_id: str, **options: Any) -> Flow[Video]:
    """Looks at a job until it has ended or the time is up, as `poll` does, and loses the id to nothing."""
    with keeping(request_id):
        return (yield from poll(request_id, **options))


def poll(
    request_id: str,
    *,
    clock: Callable[[], float],
    request_timeout: float,
    timeout: float,
    schedule: Schedule,
    started: float | None = None,
    request: VideoRequest | None = None,
    on_progress: ProgressCallback | None = None,
    book: Book | None = None,
    learn: Learn | None = None,
) -> Flow[Video]:
    """Looks at a job until it has ended or the time is up; the first look comes at once if the job is not ours.

    Args:
        request_id: The job.
        clock: Monotonic seconds.
        request_timeout: Seconds for one look, never more than what is left.
        timeout: Seconds for everything; 0 looks once.
        schedule: When to look next.
        started: When the wait began by `clock`, if the job was started a moment ago.
        request: What was asked for, if known: then an answer without a URL can be judged.
        on_progress: Called after each look that shows the job running.
        book: Where to note how the job ended.
        learn: Told how long a job of ours took.

    Raises:
        VideoGenerationError: Ended without a video; also its kinds VideoExpiredError and VideoModeratedError.
        VideoTimeoutError: The time is up; the job goes on.
        ApiError: An answer that no later look can better, such as a wrong key.
    """
    begin = clock() if started is None else started
    looks: list[Look] = []
    delay = 0.0 if started is None else schedule(looks, 0.0)
    last: Video | None = None
    trouble: Exception | None = None
    warned: set[str] = set()
    timeout = timeout if timeout >= SHORTEST_WAIT else 0.0
    reserve = min(LAST_LOOK, timeout / 10)
    if book and started is None:
        yield Blocking(lambda: book.ledger.adopt(request_id, book.origin))
    while True:
        left = timeout - (clock() - begin)
        is_last = delay + reserve > left
        pause = max(0.0, left - reserve) if is_last else delay
        if pause > 0:
            yield Sleep(pause)
        left = timeout - (clock() - begin)
        # With no time at all, or none left after a slow POST, the one look has the time of any request.
        bound = request_timeout if left <= 0 else min(request_timeout, left)
        try:
            last = yield from look(request_id, bound, book)
        except (TransportError, ApiError) as error:
            if not is_transient(error):
                raise
            trouble = error
        else:
            if last.outcome != "running":
                if learn and started is not None:
                    learn(clock() - begin, looks, last.outcome != "done")
                return _ended(last, request)
            trouble = None
            # The age of a job that is not ours is not known, so its progress points nowhere.
            looks.append((clock() - begin, None if started is None else last.progress))
            _warn_once(last, warned)
            if on_progress:
                yield Notify(on_progress, last)
        age = clock() - begin
        if is_last or age >= timeout:
            raise _timed_out(request_id, age, last) from trouble
        delay = schedule(looks, age) - age
        if trouble:
            delay = max(min(delay, LONGEST_TROUBLE), _cool_down(trouble))


def _ended(video: Video, request: VideoRequest | None) -> Video:
    """The result of a job that has ended, or its error.

    A video withheld with `respect_moderation: false` is a result, as in the vendor's SDK; its `url` raises.
    """
    if video.outcome == "moderated":
        return video
    if video.outcome != "done":
        raise video.failure()
    if video.url or video.file_output:
        return video
    if video.storage_error:
        raise _no_video("storage_error", video.storage_error, video)
    if request and not request.delivered_elsewhere:
        raise _no_video(
            "missing_url", "the job is done, but the answer has no URL, and the request named no other place", video
        )
    return video


def _no_video(code: str, message: str, video: Video) -> VideoGenerationError:
    return VideoGenerationError(code, message, request_id=video.request_id, cost_usd=video.cost_usd, payload=video.raw)


def _warn_once(video: Video, warned: set[str]) -> None:
    known = {status for acceptor in contract.ACCEPTORS for status in acceptor.statuses if status}
    if video.status not in known | warned | {"pending"}:
        warned.add(video.status)
        text = f"unknown job status {video.status!r}; waiting on [request_id={video.request_id}]"
        warnings.warn(text, UnknownStatusWarning, stacklevel=2)


def _timed_out(request_id: str, age: float, last: Video | None) -> VideoTimeoutError:
    state = f"was {last.status}" if last else "could not be seen"
    progress = f" at {last.progress} %" if last and last.progress is not None else ""
    return VideoTimeoutError(
        f"the job {state}{progress} after {age:.1f} s and goes on; client.video.wait(request_id) takes it up again",
        request_id=request_id,
        cost_usd=last.cost_usd if last else None,
        payload=last.raw if last else None,
    )


def _cool_down(trouble: Exception | None) -> float:
    asked = trouble.retry_after if isinstance(trouble, ApiError) else None
    return min(asked or 0.0, LONGEST_COOL_DOWN)
