"""Waiting for a job: when to look, what an answer means, and when to give up. No clock, socket or thread."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, TypeAlias

from grok_imagine_api import contract

from ..errors import ApiError, TransportError, VideoGenerationError, VideoTimeoutError
from ..parsing import shown
from ..posting.start import start, tell_unseen
from ..warning_types import UnknownStatusWarning
from .effects import Blocking, Flow, Notify, ProgressCallback
from .operations import Context, is_transient, keep, look
from .request import VideoRequest
from .results import Video

if TYPE_CHECKING:
    from ..pacing.predictor import Key
    from ..pacing.scheduler import Ticket

Look: TypeAlias = tuple[float, int | None]
"""A look that saw a job running: the job's age in seconds, and its progress in per cent, if it told."""

Schedule: TypeAlias = Callable[[Sequence[Look], float], float]
"""The age in seconds at which to look next, by the looks so far and the job's age now."""

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


def generate(
    request: VideoRequest,
    context: Context,
    kind: Key,
    schedule: Schedule | None,
    *,
    timeout: float,
    intend: Callable[[], str] | None = None,
    **options: Any,
) -> Flow[Video]:
    """Starts a job of a kind, as `start` does, and waits for it; `options` are those of `poll`, which also says what is raised."""
    ticket = context.pacer.job(kind, schedule)
    job = yield from start(request, context, ticket, timeout=timeout, intend=intend)
    began = ticket.born
    try:
        return (
            yield from wait(job.request_id, context, ticket, timeout=timeout, began=began, request=request, **options)
        )
    except BaseException as error:
        tell_unseen(error, job.request_id, context)
        raise


def take_up(request_id: str, context: Context, schedule: Schedule | None, **options: Any) -> Flow[Video]:
    """Waits for a job of which only the id is known; otherwise as `wait`."""
    return (yield from wait(request_id, context, context.pacer.join((), schedule), **options))


def wait(request_id: str, context: Context, ticket: Ticket, **options: Any) -> Flow[Video]:
    """Looks at a job until it has ended or the time is up, as `poll` does, and loses the id to nothing."""
    try:
        return (yield from poll(request_id, context, ticket, **options))
    except BaseException as error:
        keep(error, request_id)
        raise
    finally:
        context.pacer.drop(ticket)


def poll(
    request_id: str,
    context: Context,
    ticket: Ticket,
    *,
    timeout: float,
    began: float | None = None,
    request: VideoRequest | None = None,
    on_progress: ProgressCallback | None = None,
) -> Flow[Video]:
    """Looks at a job until it has ended or the time is up. The ticket knows when a look is due.

    Args:
        request_id: The job.
        context: The client's.
        ticket: The job's place in the client's queue.
        timeout: Seconds for everything; 0 looks once.
        began: When that time began, by the client's clock; default now.
        request: What was asked for, if known: then an answer without a URL can be judged.
        on_progress: Called after each look that shows the job running.

    Raises:
        VideoGenerationError: Ended without a video; also its kinds VideoExpiredError and VideoModeratedError.
        VideoTimeoutError: The time is up; the job goes on.
        ApiError: An answer that no later look can better, such as a wrong key.
    """
    pacer, clock = context.pacer, context.clock
    begin = clock() if began is None else began
    timeout = timeout if timeout >= SHORTEST_WAIT else 0.0
    last_call = begin + timeout - min(LAST_LOOK, timeout / 10)
    last: Video | None = None
    trouble: Exception | None = None
    warned: set[str] | None = None
    if context.book and began is None:
        book = context.book
        yield Blocking(lambda: book.ledger.adopt(request_id, book.origin))
    while True:
        is_last = timeout == 0 or not (yield from pacer.turn(ticket, last_call))
        if is_last and not (yield from _last_turn(context, ticket, begin + timeout)):
            raise _timed_out(request_id, clock() - begin, last) from trouble
        left = begin + timeout - clock()
        # With no time at all, or none left after a slow POST, the one look has the time of any request.
        bound = context.request_timeout if left <= 0 else min(context.request_timeout, left)
        try:
            last = yield from look(request_id, context, bound, ticket)
        except (TransportError, ApiError) as error:
            if not is_transient(error):
                raise
            trouble = error
            pacer.missed(ticket, _cool_down(error), LONGEST_TROUBLE)
        else:
            if last.outcome != "running":
                yield from _learn(context, ticket, last.outcome != "done")
                return ended(last, request)
            trouble = None
            pacer.saw(ticket, last.progress)
            warned = _warn_once(last, warned)
            if on_progress:
                yield Notify(on_progress, last)
        if is_last or clock() - begin >= timeout:
            raise _timed_out(request_id, clock() - begin, last) from trouble


def _last_turn(context: Context, ticket: Ticket, end: float) -> Flow[bool]:
    """The turn of the look before the time is up. If none was left, it has the time of any request."""
    context.pacer.hurry(ticket)
    now = context.clock()
    return (yield from context.pacer.turn(ticket, end if end > now else now + context.request_timeout))


def _learn(context: Context, ticket: Ticket, failed: bool) -> Flow[None]:
    """Has the history take in a job that ended, and the ledger keep the history for later processes."""
    context.pacer.ended(ticket, failed)
    if context.book and ticket.learns:
        book = context.book
        yield Blocking(lambda: book.ledger.learn(book.origin, context.pacer.learned()))


def ended(video: Video, request: VideoRequest | None) -> Video:
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


def _warn_once(video: Video, warned: set[str] | None) -> set[str] | None:
    """Warns of a status that is not known, once; returns those that it was done for."""
    known = {status for acceptor in contract.ACCEPTORS for status in acceptor.statuses if status}
    if video.status not in known | (warned or set()) | {"pending"}:
        warned = (warned or set()) | {video.status}
        text = (
            f"unknown job status {shown(video.status, 100)!r}; waiting on [request_id={shown(video.request_id, 100)}]"
        )
        warnings.warn(text, UnknownStatusWarning, stacklevel=2)
    return warned


def _timed_out(request_id: str, age: float, last: Video | None) -> VideoTimeoutError:
    state = f"was {shown(last.status, 100)}" if last else "could not be seen"
    progress = f" at {last.progress} %" if last and last.progress is not None else ""
    return VideoTimeoutError(
        f"the job {state}{progress} after {age:.1f} s and goes on; client.video.wait(request_id) takes it up again",
        request_id=request_id,
        cost_usd=last.cost_usd if last else None,
        payload=last.raw if last else None,
    )


def _cool_down(trouble: Exception) -> float:
    asked = trouble.retry_after if isinstance(trouble, ApiError) else None
    return min(asked or 0.0, LONGEST_COOL_DOWN)
