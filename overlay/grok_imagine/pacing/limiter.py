"""One limiter for all requests of a client: starts and polls share the service's limits.

The limits are those of x-limits until the service's headers report others. Requests are spaced, not sent in bursts, and each
free one goes to the slot that values it most (`scheduler`). A 429 pauses all requests and lowers the limit for a while.
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
"""Maximum seconds of a pause after a 429: the service's window is a minute."""

MAX_REPORTED = 100_000
"""Maximum requests a minute that are accepted from a header: each request that left elsewhere is stored."""

LEAST_SHARE = 0.1
"""Minimum share of the limit that is used after repeated 429s."""


class Pacer(RateLimiter):
    """Limits the rate of a client's requests. Safe for several threads.

    Args:
        limits: The service's known limits.
        clock: Monotonic seconds.
        quota: The quota shared with other processes, if any.
        history: Durations of finished jobs; jobs that end here are added.
    """

    def __init__(
        self, limits: Limits, clock: Callable[[], float], quota: Quota | None = None, history: History | None = None
    ) -> None:
        super().__init__(clock)
        self.history = history or History()
        self.limits = limits
        self._quota = quota
        self._reported: float | None = None
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
        """A slot for a job that was started elsewhere, `age` seconds ago if that is known."""
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
        """Waits until the slot's request may leave; the caller must then send it. False if the clock's `deadline` comes first."""
        while True:
            with self._lock:
                pause = self._scheduler.ask(slot, self.clock())
            if not pause and self._quota:
                pause = yield from self._take_quota(slot, self._quota)
            if not pause:
                return True
            left = deadline - self.clock()
            if pause > left:
                if left > 0:
                    yield Sleep(left)
                return False
            logs.paced(pause, "a request")
            yield Sleep(pause)

    def _take_quota(self, slot: PollSlot, quota: Quota) -> Flow[float]:
        windows, pause = self._windows, 0.0
        try:
            pause = yield Blocking(lambda: quota.take(windows))
        except QuotaError as error:  # not fatal: the service refuses a request too many, at no cost
            warnings.warn(f"{error}; using this client's own count", QuotaWarning, stacklevel=2)
        except BaseException:
            self.requeue(slot)
            raise
        if pause:
            with self._lock:
                self._scheduler.put_back(slot, self.clock(), pause)
        return pause

    def prioritize(self, slot: PollSlot) -> None:
        """Makes the slot's next poll due now and puts it before all others: its timeout is near."""
        with self._lock:
            self._scheduler.prioritize(slot)

    def record_poll(self, slot: PollSlot, progress: int | None = None) -> None:
        """Records that the POST was accepted, or that a poll found the job running."""
        with self._lock:
            self._scheduler.record_poll(slot, self.clock(), progress)

    def record_failure(self, slot: PollSlot, at_least: float, at_most: float) -> None:
        """Records a poll without a usable answer. The next one is due within these seconds."""
        with self._lock:
            self._scheduler.record_failure(slot, self.clock(), at_least, at_most)

    def requeue(self, slot: PollSlot) -> None:
        """Queues the slot's POST again after it did not start a job."""
        with self._lock:
            self._scheduler.refused(slot, self.clock(), 0.0)

    def record_completion(self, slot: PollSlot, failed: bool) -> bool:
        """Records that the job has ended. Returns whether its duration was learned."""
        with self._lock:
            self._scheduler.record_completion(slot, self.clock(), failed)
            return slot.learns

    def export(self) -> str:
        """The durations of finished jobs, as JSON."""
        with self._lock:
            return json.dumps(self.history.to_json())

    def release(self, slot: PollSlot) -> None:
        """Drops the slot: no caller waits for the job any more, or the job was never started."""
        with self._lock:
            self._scheduler.release(slot)

    def update_from_headers(self, headers: Mapping[str, str]) -> None:
        """Updates the limit from the headers of an accepted request, and counts the requests of other clients."""
        if self.limits.is_unlimited:
            self._strikes = 0
            return
        limit, remaining = (_count(headers, f"x-ratelimit-{name}-requests") for name in ("limit", "remaining"))
        if self.limits.requests_per_minute is None:  # no header overrides "no limit"
            limit = None
        with self._lock:
            self._strikes = 0
            if limit:
                self._reported = limit
            if limit and remaining is not None:
                unseen = limit - remaining - self._scheduler.used(self.clock())
                if unseen > 0:
                    self._scheduler.count(self.clock(), unseen)
            if self._share < 1.0 or limit:
                # Each accepted request restores a little of the limit.
                self._share = min(1.0, self._share + 0.01)
                self._set_windows()

    def on_rate_limited(self, error: RateLimitError) -> None:
        """Pauses all requests after a 429, by its Retry-After or by exponential backoff, and lowers the used share."""
        with self._lock:
            now = self.clock()
            if now >= self._paused_until:  # concurrent 429s count once
                self._strikes += 1
                self._share = max(LEAST_SHARE, self._share * 0.8)
                self._set_windows()
            pause = min(max(error.retry_after or 0.0, 2.0 ** min(self._strikes - 1, 6)), LONGEST_PAUSE)
            self._paused_until = max(self._paused_until, now + pause)
            self._scheduler.pause(now, pause)

    def _set_windows(self) -> None:
        self._windows = self._scheduler.windows = self.limits.windows(self._reported, self._share)


def _count(headers: Mapping[str, str], name: str) -> int | None:
    value = headers.get(name, "")
    return min(int(value), MAX_REPORTED) if value.isascii() and value.isdigit() and len(value) < 10 else None
