"""One pacer for all requests of a client: starts and looks share the service's limits, and learn them as they go.

The limits are those of x-limits until the service's own headers tell others. Within them requests are spaced, not sent in
bursts, and each free one goes where it is worth most (`scheduler`). A 429 makes all pause, and lowers the limit for a while.
Other processes with the same key share the limits through a `Quota`, if there is one.
"""

from __future__ import annotations

import json
import math
import threading
import warnings
from collections.abc import Callable, Mapping

from .. import logs
from ..core.effects import Blocking, Flow, Sleep
from ..core.hooks import RateLimiter
from ..core.request import VideoRequest
from ..core.schedule import Schedule
from ..errors import QuotaError, RateLimitError
from ..warning_types import QuotaWarning
from .limits import Limits
from .predictor import History, Key, kind_of
from .quota import Quota
from .scheduler import PollSlot, Scheduler

__all__ = ["Pacer"]

LONGEST_PAUSE = 60.0
"""Seconds; the longest pause after a 429: the service's window is a minute."""

MOST_TOLD = 100_000
"""Requests a minute that are believed: each that may have left elsewhere is counted."""

LEAST_SHARE = 0.1
"""Of the limit; what is used of it at least, however often the service says that it is too much."""


class Pacer(RateLimiter):
    """Gives the requests of a client their turns. For several threads at once.

    Args:
        limits: What the service allows, as far as is known.
        clock: Monotonic seconds.
        quota: What other processes share, if there are any.
        history: What finished jobs tell; it takes in those that end here.
    """

    def __init__(
        self, limits: Limits, clock: Callable[[], float], quota: Quota | None = None, history: History | None = None
    ) -> None:
        super().__init__(clock)
        self.history = history or History()
        self.limits = limits
        self._quota = quota
        self._told: float | None = None
        self._share = 1.0
        self._strikes = 0
        self._paused_until = -math.inf
        self._windows = limits.windows()
        self._scheduler = Scheduler(self.history, self._windows, limits.concurrent_jobs or math.inf)
        self._lock = threading.Lock()

    def new_job(self, request: VideoRequest, schedule: Schedule | None = None) -> PollSlot:
        """A slot for a job to be started."""
        with self._lock:
            return self._scheduler.start(kind_of(request), schedule)

    def track_existing(
        self, request: VideoRequest | None, schedule: Schedule | None = None, age: float | None = None
    ) -> PollSlot:
        """A slot for a job that was started elsewhere, so many seconds ago if that is known."""
        kind: Key = () if request is None else kind_of(request)
        with self._lock:
            return self._scheduler.track_existing(kind, self.clock(), age, schedule)

    def single_request(self) -> PollSlot | None:
        """A slot for any other request; None if nothing limits it."""
        if not self._windows and self._quota is None and not self._strikes:
            return None
        with self._lock:
            return self._scheduler.call()

    def acquire(self, slot: PollSlot, deadline: float = math.inf) -> Flow[bool]:
        """Waits until the slot's request may leave; it must then. False if that is not before `deadline` of the clock."""
        while True:
            with self._lock:
                pause = self._scheduler.ask(slot, self.clock())
            if not pause and self._quota:
                pause = yield from self._share_out(slot, self._quota)
            if not pause:
                return True
            left = deadline - self.clock()
            if pause > left:
                if left > 0:
                    yield Sleep(left)
                return False
            logs.paced(pause, "a request")
            yield Sleep(pause)

    def _share_out(self, slot: PollSlot, quota: Quota) -> Flow[float]:
        windows, pause = self._windows, 0.0
        try:
            pause = yield Blocking(lambda: quota.take(windows))
        except QuotaError as error:  # the limits are a courtesy: a request too many is refused, and costs nothing
            warnings.warn(f"{error}; going by this client's own count", QuotaWarning, stacklevel=2)
        except BaseException:
            self.requeue(slot)
            raise
        if pause:
            with self._lock:
                self._scheduler.put_back(slot, self.clock(), pause)
        return pause

    def prioritize(self, slot: PollSlot) -> None:
        """The slot's next look comes before all others, and at once: its time is nearly up."""
        with self._lock:
            self._scheduler.prioritize(slot)

    def record_poll(self, slot: PollSlot, progress: int | None = None) -> None:
        """The POST was accepted, or a look saw the job running."""
        with self._lock:
            self._scheduler.record_poll(slot, self.clock(), progress)

    def record_failure(self, slot: PollSlot, at_least: float, at_most: float) -> None:
        """A look told nothing: the next comes when it is due, within these seconds."""
        with self._lock:
            self._scheduler.record_failure(slot, self.clock(), at_least, at_most)

    def requeue(self, slot: PollSlot) -> None:
        """The slot's POST did not start a job, and is to be sent again."""
        with self._lock:
            self._scheduler.refused(slot, self.clock(), 0.0)

    def record_completion(self, slot: PollSlot, failed: bool) -> bool:
        """A poll saw that the job has ended. Returns whether its length was learned."""
        with self._lock:
            self._scheduler.record_completion(slot, self.clock(), failed)
            return slot.learns

    def export(self) -> str:
        """What finished jobs told, as JSON."""
        with self._lock:
            return json.dumps(self.history.to_json())

    def release(self, slot: PollSlot) -> None:
        """Nobody waits for the job any more, or it never was."""
        with self._lock:
            self._scheduler.release(slot)

    def update_from_headers(self, headers: Mapping[str, str]) -> None:
        """Learns from an answer that was no refusal: the limit that its headers tell, and what others used of it."""
        if self.limits.is_unlimited:
            self._strikes = 0
            return
        told, remaining = (_count(headers, f"x-ratelimit-{name}-requests") for name in ("limit", "remaining"))
        if self.limits.requests_per_minute is None:  # no header says otherwise
            told = None
        with self._lock:
            self._strikes = 0
            if told:
                self._told = told
            if told and remaining is not None:
                unseen = told - remaining - self._scheduler.used(self.clock())
                if unseen > 0:
                    self._scheduler.count(self.clock(), unseen)
            if self._share < 1.0 or told:
                # Each request that is let through earns a little of the limit back.
                self._share = min(1.0, self._share + 0.01)
                self._set_windows()

    def on_rate_limited(self, error: RateLimitError) -> None:
        """A 429: all pause, for as long as the service asks or longer each time, and then use less of the limit."""
        with self._lock:
            now = self.clock()
            if now >= self._paused_until:  # those that were on their way at once tell the same once
                self._strikes += 1
                self._share = max(LEAST_SHARE, self._share * 0.8)
                self._set_windows()
            pause = min(max(error.retry_after or 0.0, 2.0 ** min(self._strikes - 1, 6)), LONGEST_PAUSE)
            self._paused_until = max(self._paused_until, now + pause)
            self._scheduler.pause(now, pause)

    def _set_windows(self) -> None:
        self._windows = self._scheduler.windows = self.limits.windows(self._told, self._share)


def _count(headers: Mapping[str, str], name: str) -> int | None:
    value = headers.get(name, "")
    return min(int(value), MOST_TOLD) if value.isascii() and value.isdigit() and len(value) < 10 else None
