"""The learned schedule of one job, without a queue: as the scheduler has it where nothing is limited."""

from __future__ import annotations

from collections.abc import Sequence

from grok_imagine.core.schedule import Poll
from grok_imagine.pacing.predictor import PACE, DurationModel, Posterior


class Schedule:
    """The age in seconds at which to poll next.

    Args:
        model: What finished jobs tell.
        pace: Seconds between polls of a job of which nothing is known. Less is more polls and less lag.
    """

    def __init__(self, model: DurationModel | None = None, pace: float = PACE) -> None:
        self.model = model or DurationModel()
        self.pace = pace

    def __call__(self, history: Sequence[Poll], now: float) -> float:
        """The age for the next poll, by the polls so far, all of which saw the job running, and its age now."""
        return Posterior(self.model, history, max(now, 0.0)).next_poll(self.pace)
