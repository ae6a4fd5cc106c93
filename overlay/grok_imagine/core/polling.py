"""Waiting for a job: when to poll, how to interpret an answer, and when to give up. No clock, socket or thread."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from typing import Any, cast

from grok_imagine_api import contract

from .. import logs
from ..errors import ApiError, TransportError, VideoGenerationError, VideoTimeoutError
from ..hints import Hint
from ..parsing import shown
from ..warning_types import UnknownStatusWarning
from .effects import Flow, Notify, ProgressCallback, StartedCallback
from .hooks import PollSlot, Runtime, recorded
from .operations import attach_request_id, is_transient, poll_once
from .request import VideoRequest
from .results import Job, Video
from .schedule import Schedule

SHORTEST_WAIT = 0.001
"""Seconds; a shorter polling timeout counts as 0: one poll, with the normal request timeout."""


def resume(request_id: str, runtime: Runtime, schedule: Schedule | None, **options: Any) -> Flow[Video]:
    """Waits for a job by its id alone; otherwise as `wait`."""
    return (yield from wait(request_id, runtime, runtime.limiter.track_existing(None, schedule), **options))


class Updates:
    """A wait that pauses at each change of the job's state. It polls only while one asks for the next change.

    Args:
        wait: Makes the wait of its callback for progress.
    """

    def __init__(self, wait: Callable[[ProgressCallback], Flow[Video]]) -> None:
        self._wait = wait(self._stop_here)
        self._seen: tuple[str, int | None] | None = None
        self._is_over = False

    def advance(self) -> Flow[Video | None]:
        """Goes on to the next state and returns it; the last is the wait's result, and then comes None. Raises as the wait."""
        if self._is_over:
            return None
        value: object = None
        failure: BaseException | None = None
        try:
            while True:
                command = self._wait.send(value) if failure is None else self._wait.throw(failure)
                value, failure = None, None
                if isinstance(command, Notify) and command.callback == self._stop_here:
                    video = cast("Video", command.value)
                    if self._seen != (video.status, video.progress):
                        self._seen = video.status, video.progress
                        return video
                    continue
                try:
                    value = yield command
                except BaseException as error:  # the wait knows what it means
                    failure = error
        except StopIteration as end:
            self._is_over = True
            last: Video = end.value
            return last
        except BaseException:
            self._is_over = True
            raise
        finally:
            del failure  # its traceback has this frame

    def _stop_here(self, video: Video) -> None:
        """Marks the wait's notices of progress; is never called."""

    def close(self) -> None:
        """Ends the wait, and gives its slot back. The job goes on."""
        self._is_over = True
        self._wait.close()


def wait(
    request_id: str,
    runtime: Runtime,
    slot: PollSlot,
    *,
    request: VideoRequest | None = None,
    on_started: StartedCallback | None = None,
    **options: Any,
) -> Flow[Video]:
    """Polls a job as `poll` does, and attaches its id to any exception.

    `on_started` is called with the job of a request before the first poll.
    """
    try:
        if on_started and request:
            yield Notify(on_started, Job(request_id, request))
        return (yield from poll(request_id, runtime, slot, request=request, **options))
    except BaseException as error:
        attach_request_id(error, request_id)
        raise
    finally:
        runtime.limiter.release(slot)


def poll(
    request_id: str,
    runtime: Runtime,
    slot: PollSlot,
    *,
    timeout: float,
    began: float | None = None,
    request: VideoRequest | None = None,
    on_progress: ProgressCallback | None = None,
) -> Flow[Video]:
    """Polls a job until it has ended or the time is up. The limiter decides when a poll is due.

    Args:
        request_id: The job's id.
        runtime: The client's runtime.
        slot: The job's slot of the runtime's limiter.
        timeout: Seconds for the whole wait; 0 polls once.
        began: When the timeout began, by the client's clock; default now.
        request: The request, if known; it decides whether an answer without a URL is an error.
        on_progress: Called after each poll that finds the job running.

    Raises:
        VideoGenerationError: The job ended without a video; subclasses are VideoExpiredError and VideoModeratedError.
        VideoTimeoutError: The time is up; the job goes on.
        ApiError: An answer that a later poll can't improve, such as a wrong key.
    """
    limiter, recorder, clock = runtime.limiter, runtime.recorder, runtime.clock
    begin = clock() if began is None else began
    timeout = timeout if timeout >= SHORTEST_WAIT else 0.0
    last_call = begin + timeout - min(contract.LAST_POLL.before_end, timeout * contract.LAST_POLL.part)
    last: Video | None = None
    trouble: Exception | None = None
    warned: set[str] | None = None
    state: tuple[str, int | None] | None = None
    if began is None:
        yield from recorded(recorder, lambda: recorder.import_job(request_id))
    while True:
        is_last = timeout == 0 or not (yield from limiter.acquire(slot, last_call))
        if is_last and not (yield from _acquire_last(runtime, slot, begin + timeout)):
            raise _timed_out(request_id, clock() - begin, last) from trouble
        left = begin + timeout - clock()
        # With a timeout of 0, or no time left after a slow POST, the one poll gets the normal request timeout.
        bound = runtime.request_timeout if left <= 0 else min(runtime.request_timeout, left)
        try:
            last = yield from poll_once(request_id, runtime, bound, acquired=True)
        except (TransportError, ApiError) as error:
            if not is_transient(error):
                raise
            trouble = error
            limiter.record_failure(slot, _cool_down(error), contract.FAILED_POLL.longest_pause)
        else:
            if state != (last.status, last.progress):
                state = last.status, last.progress
                logs.state(request_id, *state)
            if last.outcome != "running":
                if limiter.record_completion(slot, last.outcome != "done"):
                    yield from recorded(recorder, lambda: recorder.save_history(limiter.export))
                return resolve_state(last, request)
            trouble = None
            limiter.record_poll(slot, last.progress)
            warned = _warn_once(last, warned)
            is_last = is_last or clock() >= last_call  # what the caller does meanwhile does not cost the last poll
            if on_progress:
                yield Notify(on_progress, last)
            if not is_last:
                continue
        if is_last or clock() >= last_call:
            raise _timed_out(request_id, clock() - begin, last) from trouble


def _acquire_last(runtime: Runtime, slot: PollSlot, end: float) -> Flow[bool]:
    """Acquires the slot for the last poll. If no time is left, the poll gets the normal request timeout."""
    runtime.limiter.prioritize(slot)
    now = runtime.clock()
    return (yield from runtime.limiter.acquire(slot, end if end > now else now + runtime.request_timeout))


def resolve_state(video: Video, request: VideoRequest | None) -> Video:
    """Returns the video of a job that has ended, or raises its error.

    A video with `respect_moderation: false` is returned, as in the vendor's SDK; its `url` raises.
    """
    if video.outcome == "moderated" and video.status != "failed":
        return video
    if video.outcome != "done":
        raise video.failure()
    if video.url or video.file_output:
        return video
    if video.storage_error:
        raise _no_video("storage_error", video.storage_error, video)
    if request and not request.delivered_elsewhere:
        raise _no_video(
            "missing_url",
            "the job is done, but the answer has no URL, and the request named no other destination",
            video,
        )
    return video


def _no_video(code: str, message: str, video: Video) -> VideoGenerationError:
    return VideoGenerationError(code, message, request_id=video.request_id, cost_usd=video.cost_usd, payload=video.raw)


def _warn_once(video: Video, warned: set[str] | None) -> set[str] | None:
    """Warns of an unknown status once; returns the statuses that were warned of."""
    if video.is_unknown_status and video.status not in (warned or ()):
        warned = (warned or set()) | {video.status}
        text = f"unknown job status {shown(video.status, 100)!r}; the wait goes on [request_id={shown(video.request_id, 100)}]"
        warnings.warn(text, UnknownStatusWarning, stacklevel=2)
    return warned


def _timed_out(request_id: str, age: float, last: Video | None) -> VideoTimeoutError:
    state = f"was {shown(last.status, 100)}" if last else "could not be polled"
    progress = f" at {last.progress} %" if last and last.progress is not None else ""
    hint = Hint("wait", "client.video.wait(request_id) resumes it")
    return VideoTimeoutError(
        f"the job {state}{progress} after {age:.1f} s and goes on; {hint.text}",
        hint=hint,
        request_id=request_id,
        cost_usd=last.cost_usd if last else None,
        payload=last.raw if last else None,
    )


def _cool_down(trouble: Exception) -> float:
    asked = trouble.retry_after if isinstance(trouble, ApiError) else None
    return min(asked or 0.0, contract.FAILED_POLL.longest_retry_after)
