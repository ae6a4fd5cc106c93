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
from typing import TYPE_CHECKING

from grok_imagine_api import contract

from ..core.effects import Blocking, Flow, Sleep
from ..core.polling import Schedule
from ..errors import ConfigurationError, QuotaError, RateLimitError
from ..warning_types import QuotaWarning
from .predictor import History, Key
from .scheduler import Scheduler, Ticket, Windows

if TYPE_CHECKING:
    from ..ledger.quota import Quota

__all__ = ["Limits"]

MINUTE = 60.0
JITTER = 0.1
"""Seconds by which a request may catch up with one before it, on the way: the service's minute must not see one too many."""

LONGEST_PAUSE = 60.0
"""Seconds; the longest pause after a 429: the service's window is a minute."""

MOST_TOLD = 100_000
"""Requests a minute that are believed: each that may have left elsewhere is counted."""

LEAST_SHARE = 0.1
"""Of the limit; what is used of it at least, however often the service says that it is too much."""


class Limits(contract.Record):
    """What a client may ask of the service. Immutable; None is no limit.

    Args:
        requests_per_minute: Starts, looks and all other requests together, in a sliding minute. Left out: 60 (x-limits), or what
            the service's header `x-ratelimit-limit-requests` tells. If it is given, the header can only lower it.
        requests_per_second: The same in a second, evenly spaced. Left out: 2 (x-limits), or a sixtieth of those a minute if
            that is more.
        concurrent_jobs: Jobs of this client that run at once. Left out: 15 (x-limits).
    """

    requests_per_minute: float | None
    requests_per_second: float | None
    concurrent_jobs: int | None
    is_minute_given: bool
    is_second_given: bool

    def __init__(
        self,
        *,
        requests_per_minute: float | None = math.nan,
        requests_per_second: float | None = math.nan,
        concurrent_jobs: float | None = math.nan,
    ) -> None:
        given = {
            "requests_per_minute": requests_per_minute,
            "requests_per_second": requests_per_second,
            "concurrent_jobs": concurrent_jobs,
        }
        for name, value in given.items():
            least = 0.001 if name == "requests_per_second" else 1
            if value is not None and (isinstance(value, bool) or not isinstance(value, int | float) or value < least):
                text = f"Limits: {name} is a number from {least} on, or None for no limit; got {value!r}"
                raise ConfigurationError(text)
        super().__init__(
            is_minute_given=not _is_left_out(requests_per_minute),
            is_second_given=not _is_left_out(requests_per_second),
            **{name: contract.LIMITS[name].value if _is_left_out(value) else value for name, value in given.items()},
        )

    @classmethod
    def tier(cls, tier: int, *, concurrent_jobs: float | None = math.nan) -> Limits:
        """The limits of a team's tier, as the service's page has them (x-limits `tiers`).

        The same page says elsewhere that tiers are not for videos, so this is no default: 429s lower the rate in any case.

        Args:
            tier: Its number, such as 2.
            concurrent_jobs: As in `Limits`; the tiers say nothing of it.

        Raises:
            ConfigurationError: There is no such tier.
        """
        found = next((each for each in contract.TIERS if each.tier == tier and not isinstance(tier, bool)), None)
        if found is None:
            raise ConfigurationError(
                f"Limits.tier: the tiers are {', '.join(str(each.tier) for each in contract.TIERS)}; got {tier!r}"
            )
        second = found.requests_per_second
        return cls(requests_per_minute=second * MINUTE, requests_per_second=second, concurrent_jobs=concurrent_jobs)

    def windows(self, told: float | None = None, share: float = 1.0) -> Windows:
        """The sliding windows that hold: so many requests in so many seconds.

        Args:
            told: Requests a minute as the service told.
            share: How much of them is used.
        """
        minute, second = self.requests_per_minute, self.requests_per_second
        if minute is not None and told:
            minute = min(minute, told) if self.is_minute_given else told
        if minute is not None and second is not None and not self.is_second_given:
            second = max(second, minute / MINUTE)
        spaced = [(1, 1 / (second * share))] if second is not None else []
        return [(max(1, int(minute * share)), MINUTE + JITTER), *spaced] if minute is not None else spaced


def _is_left_out(value: float | None) -> bool:
    return isinstance(value, float) and math.isnan(value)


class Pacer:
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
        self.clock = clock
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

    def job(self, key: Key, schedule: Schedule | None = None) -> Ticket:
        """A ticket for a job to be started."""
        with self._lock:
            return self._scheduler.start(key, schedule)

    def join(self, key: Key, schedule: Schedule | None = None, age: float | None = None) -> Ticket:
        """A ticket for a job that was started elsewhere, so many seconds ago if that is known."""
        with self._lock:
            return self._scheduler.join(key, self.clock(), age, schedule)

    def call(self) -> Ticket | None:
        """A ticket for any other request; None if nothing limits it."""
        if not self._windows and self._quota is None and not self._strikes:
            return None
        with self._lock:
            return self._scheduler.call()

    def turn(self, ticket: Ticket, end: float = math.inf) -> Flow[bool]:
        """Waits until the ticket's request may leave; it must then. False if that is not before `end` of the clock."""
        while True:
            with self._lock:
                pause = self._scheduler.ask(ticket, self.clock())
            if not pause and self._quota:
                pause = yield from self._share_out(ticket, self._quota)
            if not pause:
                return True
            left = end - self.clock()
            if pause > left:
                if left > 0:
                    yield Sleep(left)
                return False
            yield Sleep(pause)

    def _share_out(self, ticket: Ticket, quota: Quota) -> Flow[float]:
        windows, pause = self._windows, 0.0
        try:
            pause = yield Blocking(lambda: quota.take(windows))
        except QuotaError as error:  # the limits are a courtesy: a request too many is refused, and costs nothing
            warnings.warn(f"{error}; going by this client's own count", QuotaWarning, stacklevel=2)
        except BaseException:
            self.returned(ticket)
            raise
        if pause:
            with self._lock:
                self._scheduler.put_back(ticket, self.clock(), pause)
        return pause

    def hurry(self, ticket: Ticket) -> None:
        """The ticket's next look comes before all others, and at once: its time is nearly up."""
        with self._lock:
            self._scheduler.hurry(ticket)

    def saw(self, ticket: Ticket, progress: int | None = None) -> None:
        """The POST was accepted, or a look saw the job running."""
        with self._lock:
            self._scheduler.saw(ticket, self.clock(), progress)

    def missed(self, ticket: Ticket, at_least: float, at_most: float) -> None:
        """A look told nothing: the next comes when it is due, within these seconds."""
        with self._lock:
            self._scheduler.missed(ticket, self.clock(), at_least, at_most)

    def returned(self, ticket: Ticket) -> None:
        """The ticket's POST did not start a job, and is to be sent again."""
        with self._lock:
            self._scheduler.refused(ticket, self.clock(), 0.0)

    def ended(self, ticket: Ticket, failed: bool) -> None:
        """A look saw that the job has ended."""
        with self._lock:
            self._scheduler.ended(ticket, self.clock(), failed)

    def learned(self) -> str:
        """What finished jobs told, as JSON."""
        with self._lock:
            return json.dumps(self.history.to_json())

    def drop(self, ticket: Ticket) -> None:
        """Nobody waits for the job any more, or it never was."""
        with self._lock:
            self._scheduler.drop(ticket)

    def heed(self, headers: Mapping[str, str]) -> None:
        """Learns from an answer that was no refusal: the limit that its headers tell, and what others used of it."""
        if self.limits.requests_per_minute is None and self.limits.requests_per_second is None:
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

    def refused(self, error: RateLimitError) -> None:
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
