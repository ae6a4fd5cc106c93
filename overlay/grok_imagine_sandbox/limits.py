"""The service's limit of requests a minute, off unless asked for."""

from collections import deque

WINDOW = 60.0  # simulated seconds


class RateLimit:
    """Requests a sliding minute, for each model.

    Args:
        per_minute: How many are let through; None lets all.
        shown: What the headers tell when there is no limit.
    """

    def __init__(self, per_minute: int | None, shown: int) -> None:
        self._limited = per_minute is not None
        self.limit = shown if per_minute is None else per_minute
        self._times: dict[str, deque[float]] = {}

    def take(self, model: str, now: float) -> bool:
        """Count a request at this simulated time; False if it is one too many, and then not counted."""
        times = self._recent(model, now)
        if self._limited and len(times) >= self.limit:
            return False
        if self._limited:
            times.append(now)
        return True

    def remaining(self, model: str, now: float) -> int:
        """How many requests more would be let through now."""
        return self.limit - len(self._recent(model, now))

    def _recent(self, model: str, now: float) -> deque[float]:
        times = self._times.setdefault(model, deque())
        while times and times[0] <= now - WINDOW:
            times.popleft()
        return times
