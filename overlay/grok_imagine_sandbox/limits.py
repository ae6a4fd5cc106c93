"""The service's rate limits, off by default: one quota for each model, shared by starts and polls."""

from collections import deque
from typing import NamedTuple

_ROUNDING = 1e-6  # seconds; a request exactly one window later must not be refused because of rounding


class Window(NamedTuple):
    """Requests in simulated seconds, and the figures of the 429."""

    requests: int
    seconds: float
    what: str
    reported: int
    """The count in the text: for a minute one more than the limit, for a second the limit, as recorded."""


class RateLimit:
    """Requests in sliding windows, for each model.

    Args:
        per_minute: Requests a minute; None is no limit.
        per_second: Requests a second; None is no limit.
        shown: The limit in the headers when there is no limit a minute.
    """

    def __init__(self, per_minute: int | None, per_second: int | None, shown: int) -> None:
        self.limit = shown if per_minute is None else per_minute
        self._minute = None if per_minute is None else Window(per_minute, 60.0, "Requests per Minute", per_minute + 1)
        second = None if per_second is None else Window(per_second, 1.0, "Requests per Second", per_second)
        self._windows = [window for window in (self._minute, second) if window is not None]
        self._times: dict[tuple[str, Window], deque[float]] = {}

    def take(self, model: str, now: float) -> Window | None:
        """Count a request at this simulated time in every window. If a window is full, return it and count nothing."""
        recent = {window: self._recent(model, window, now) for window in self._windows}
        full = next((window for window, times in recent.items() if len(times) >= window.requests), None)
        if full is None:
            for times in recent.values():
                times.append(now)
        return full

    def remaining(self, model: str, now: float) -> int:
        """The number of requests that the minute still allows."""
        return self.limit if self._minute is None else self.limit - len(self._recent(model, self._minute, now))

    def _recent(self, model: str, window: Window, now: float) -> deque[float]:
        times = self._times.setdefault((model, window), deque())
        while times and times[0] <= now - window.seconds + _ROUNDING:
            times.popleft()
        return times
