"""Recovery after a crash: resumes every accepted job of a ledger and lists the unknown ones. It never posts."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable

from ..core import operations
from ..core.effects import Blocking, Flow, Sleep
from ..core.hooks import Runtime
from ..core.results import Video
from ..core.schedule import Schedule
from ..errors import ApiError, GrokImagineError, TransportError
from .entries import Entry, Reconciliation
from .isolation import Redact, holds_for_all, own_error
from .recorder import LedgerRecorder

__all__ = ["reconcile"]

LEAST_POLL = 1.0
"""Seconds that a poll may take although the time is up."""


def reconcile(
    runtime: Runtime,
    recorder: LedgerRecorder,
    *,
    wall: Callable[[], float],
    timeout: float,
    schedule: Schedule,
    redact: Redact,
) -> Flow[Reconciliation]:
    """Polls the accepted jobs in turn until all have ended or the time is up.

    Each job is polled at least once, for at most a second when the time is up. A job that the service does not know is
    reported and stays accepted: the key of another team gets the same answer. An error of one job stops no other.

    A job that is done is polled again only if its URL expired before its video was downloaded. Jobs of other addresses are
    skipped.

    Raises:
        LedgerError: The ledger can't be read or written.
        AuthenticationError, OutOfCreditError: The key is wrong or has no credit, which applies to all jobs.
    """
    known: list[Entry] = yield Blocking(lambda: recorder.ledger.jobs("running", "done", "unknown"))
    runtime = runtime._replace(recorder=recorder)
    ours = [entry for entry in known if entry.origin == recorder.origin]
    clock, request_timeout = runtime.clock, runtime.request_timeout
    waiting = deque(entry for entry in ours if _is_due(entry, wall()))
    unknown = [entry for entry in ours if entry.state == "unknown" or not entry.request_id]
    ended: list[Video | GrokImagineError] = []
    begin = clock()
    while waiting:
        for entry in [waiting.popleft() for _ in range(len(waiting))]:
            left = max(LEAST_POLL, timeout - (clock() - begin)) if timeout else request_timeout
            outcome = yield from _poll(entry, runtime, min(request_timeout, left), redact)
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
    return bool(entry.request_id) and (entry.state == "running" or (entry.state == "done" and ran_out))


def _poll(
    entry: Entry, runtime: Runtime, request_timeout: float, redact: Redact
) -> Flow[Video | GrokImagineError | None]:
    """The result of a job, or None if it still runs or the poll failed for a moment."""
    try:
        video = yield from operations.poll_once(str(entry.request_id), runtime, request_timeout)
        if video.outcome == "running":
            return None
        return video if video.outcome in ("done", "moderated") else video.failure()
    except Exception as error:  # whatever it is, it ends this job alone
        if isinstance(error, ApiError | TransportError) and operations.is_transient(error):
            return None
        failure = own_error(error, entry.request_id, redact)
        if holds_for_all(failure):
            raise
        return failure
