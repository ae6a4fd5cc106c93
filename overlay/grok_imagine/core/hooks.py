"""The two hooks by which a ledger and a pacer take part in a flow. Their own methods are the defaults.

The composition root gives a `Runtime` what the client was made with. Core and posting call the hooks, and never ask which they are.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple, TypeAlias, TypeVar

from ..errors import JobError, RateLimitError
from .effects import Blocking, Flow, Sleep
from .request import VideoRequest
from .results import Video
from .retry import Retries
from .schedule import Poll, Schedule, contract_schedule

T = TypeVar("T")

PollSlot: TypeAlias = Any
"""A job's place in a limiter's queue, made by that limiter. `started_at` is when its POST was answered, by the client's clock."""


class JobRecorder:
    """Records every paid job, before and after its POST. Called by several threads at once. This one records nothing.

    Attributes:
        blocks: Whether its methods take a while, as those that write to a disk.
    """

    blocks = False

    @property
    def is_durable(self) -> bool:
        """Whether what it recorded is still there when the program has ended."""
        return False

    def begin(self, request: VideoRequest) -> str:
        """A request is about to be posted. Returns the intent's id; what it raises keeps the POST from being sent."""
        return ""

    def confirm(self, intent: str, request_id: str) -> None:
        """An intent became a job."""

    def mark_failed(self, intent: str, error: BaseException, *, may_be_started: bool) -> None:
        """An intent became no job, or its outcome is unknown."""

    def import_job(self, request_id: str) -> None:
        """A job that was started elsewhere is waited for here."""

    def record_result(self, video: Video) -> None:
        """A job has ended, as its state says."""

    def record_failure(self, error: JobError) -> None:
        """A job has ended by an error that is no state of it."""

    def record_cost(self, request_id: str, ticks: int) -> None:
        """An answer reported what a job costs, and not how it ended."""

    def save_history(self, export: Callable[[], str]) -> None:
        """The limiter learned from a job; `export` gives what later processes need of it."""


class RateLimiter:
    """Says when a request may leave, and when a job is polled next, to several threads at once.

    This one holds no request back, and has jobs polled when x-waiter says, or the caller's own schedule.
    """

    def __init__(self, clock: Callable[[], float]) -> None:
        self.clock = clock

    def new_job(self, request: VideoRequest, schedule: Schedule | None = None) -> PollSlot:
        """The slot of a job that is to be started; `schedule` is the caller's own."""
        return _Slot(schedule or contract_schedule)

    def track_existing(
        self, request: VideoRequest | None, schedule: Schedule | None = None, age: float | None = None
    ) -> PollSlot:
        """The slot of a job that was started before, so many seconds ago if that is known."""
        return _Slot(schedule or contract_schedule, self.clock() - (age or 0.0))

    def single_request(self) -> PollSlot | None:
        """The slot of any other request; None if it need not wait."""
        return None

    def acquire(self, slot: PollSlot, deadline: float = math.inf) -> Flow[bool]:
        """Waits until the slot's next request may leave; it must then. False if that is not before `deadline`."""
        while (pause := slot.due - self.clock()) > 0:
            left = deadline - self.clock()
            if pause > left:
                if left > 0:
                    yield Sleep(left)
                return False
            yield Sleep(pause)
        return True

    def prioritize(self, slot: PollSlot) -> None:
        """The slot's next poll comes at once: its time is nearly up."""
        slot.due = -math.inf

    def record_poll(self, slot: PollSlot, progress: int | None = None) -> None:
        """The POST was accepted, or a poll saw the job running."""
        now = self.clock()
        if slot.started_at is None:
            slot.started_at = now
        else:
            slot.polls.append((now - slot.started_at, progress))
        slot.due = slot.planned(now)

    def record_failure(self, slot: PollSlot, at_least: float, at_most: float) -> None:
        """A poll had no usable answer; the next comes within these seconds."""
        now = self.clock()
        slot.due = max(min(slot.planned(now), now + at_most), now + at_least)

    def record_completion(self, slot: PollSlot, failed: bool) -> bool:
        """A poll saw that the job has ended. Returns whether something was learned that is worth keeping."""
        return False

    def requeue(self, slot: PollSlot) -> None:
        """The slot's POST started no job, and is to be sent again."""

    def release(self, slot: PollSlot) -> None:
        """Nothing waits for the job any more. Harmless if done before."""

    def update_from_headers(self, headers: Mapping[str, str]) -> None:
        """An answer came that was no refusal."""

    def on_rate_limited(self, error: RateLimitError) -> None:
        """The service answered 429."""

    def export(self) -> str:
        """What was learned, as JSON."""
        return "[]"


class _Slot:
    """A job's polls so far, and when the next is due."""

    __slots__ = ("due", "polls", "schedule", "started_at")

    def __init__(self, schedule: Schedule, started_at: float | None = None) -> None:
        self.schedule = schedule
        self.started_at = started_at
        self.polls: list[Poll] = []
        self.due = -math.inf

    def planned(self, now: float) -> float:
        """When the schedule has the next poll."""
        begin = now if self.started_at is None else self.started_at
        return begin + self.schedule(self.polls, now - begin)


class Runtime(NamedTuple):
    """What all flows of a client share: when a request may leave, when it may be sent again, and what records the jobs."""

    retries: Retries
    request_timeout: float
    limiter: RateLimiter
    recorder: JobRecorder

    def clock(self) -> float:
        """Monotonic seconds."""
        return self.retries.clock()


def recorded(recorder: JobRecorder, work: Callable[[], T]) -> Flow[T]:
    """Calls a recorder: in a thread, if that takes a while."""
    if recorder.blocks:
        result: T = yield Blocking(work)
        return result
    return work()
