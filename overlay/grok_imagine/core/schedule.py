"""When a job is polled: what a schedule is, and the one of the contract."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TypeAlias

from grok_imagine_api import contract

Poll: TypeAlias = tuple[float, int | None]
"""A poll that saw a job running: the job's age in seconds, and its progress in per cent, if the answer had it."""

Schedule: TypeAlias = Callable[[Sequence[Poll], float], float]
"""The age in seconds at which to poll next, by the polls so far and the job's age now."""


def contract_schedule(polls: Sequence[Poll], age: float) -> float:
    """The schedule of x-waiter, which knows a job's age only: for what has no history, and for other languages."""
    return age + next(phase.every for phase in contract.SCHEDULE if phase.until is None or age < phase.until)
