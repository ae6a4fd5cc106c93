"""After a crash: takes up every job that a ledger knows was accepted, and lists what nobody knows. Never posts."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from typing import NamedTuple

from ..core import operations
from ..core.effects import Blocking, Flow, Sleep
from ..core.polling import Schedule
from ..core.results import Video
from ..errors import ApiError, GrokImagineError, TransportError
from .isolation import Blot, holds_for_all, own_error
from .ledger import Entry, Ledger

__all__ = ["Reconciliation"]


LEAST_LOOK = 1.0
"""Seconds; what a look is given though the time is up."""


class Reconciliation(NamedTuple):
    """What came of reconciling a ledger.

    Attributes:
        ended: The jobs that ended: a `Video` for each, or the error that says why there is none, with its request_id. The error
            of a job that may still run, such as one whose answer can't be handled, is no `JobError`.
        running: The jobs that still run, when the time was up before they ended.
        unknown: The intents of which nobody knows whether they became jobs. Look at the usage page of the console.
    """

    ended: list[Video | GrokImagineError]
    running: list[Entry]
    unknown: list[Entry]


def reconcile(
    context: operations.Context,
    ledger: Ledger,
    *,
    wall: Callable[[], float],
    timeout: float,
    schedule: Schedule,
    blot: Blot,
) -> Flow[Reconciliation]:
    """Looks at each accepted job in turn until all have ended or the time is up.

    Each is looked at at least once, for at most a second when the time is up. A job that the service does not know is
    reported and stays accepted: the key of another team gets the same answer. Whatever one job meets is its own end, and stops
    no other.

    A job that is done is not asked for again, unless its URL has run out before its video was downloaded. Jobs that were
    started at another address are left alone.

    Raises:
        LedgerError: The ledger can't be read or written.
        AuthenticationError, OutOfCreditError: The key is wrong, which holds for all jobs.
    """
    known: list[Entry] = yield Blocking(lambda: ledger.jobs("accepted", "done", "unknown"))
    ours = [entry for entry in known if context.book and entry.origin == context.book.origin]
    clock, request_timeout = context.clock, context.request_timeout
    waiting = deque(entry for entry in ours if _is_due(entry, wall()))
    unknown = [entry for entry in ours if entry.state == "unknown" or not entry.request_id]
    ended: list[Video | GrokImagineError] = []
    begin = clock()
    while waiting:
        for entry in [waiting.popleft() for _ in range(len(waiting))]:
            left = max(LEAST_LOOK, timeout - (clock() - begin)) if timeout else request_timeout
            outcome = yield from _look(entry, context, min(request_timeout, left), blot)
            if outcome is None:
                waiting.append(entry)
            else:
                ended.append(outcome)
        age = clock() - begin
        if age >= timeout:
            break
        if waiting:
            yield Sleep(min(schedule((), age) - age, timeout - age))
    return Reconciliation(ended, list(waiting), unknown)


def _is_due(entry: Entry, now: float) -> bool:
    ran_out = entry.url_expires is not None and entry.url_expires <= now
    return bool(entry.request_id) and (entry.state == "accepted" or (entry.state == "done" and ran_out))


def _look(
    entry: Entry, context: operations.Context, request_timeout: float, blot: Blot
) -> Flow[Video | GrokImagineError | None]:
    """The end of a job, or None if it runs on or could not be seen."""
    try:
        video = yield from operations.look(str(entry.request_id), context, request_timeout)
        if video.outcome == "running":
            return None
        return video if video.outcome in ("done", "moderated") else video.failure()
    except Exception as error:  # it is this job's alone, whatever it is
        if isinstance(error, ApiError | TransportError) and operations.is_transient(error):
            return None
        failure = own_error(error, entry.request_id, blot)
        if holds_for_all(failure):
            raise
        return failure
