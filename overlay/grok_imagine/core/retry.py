"""What may be sent again, and when: decided by what is known of a request's delivery, not by its status alone.

The service has no idempotency key, so a POST that starts a paid job is sent again only if it is certain that no job
exists: it was never delivered, or it was refused. Any other failure is raised, and people decide.
"""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum

from grok_imagine_api import contract

from ..error_kinds import rule_of
from ..errors import ApiError, GrokImagineError, NotDelivered, StartOutcomeUnknown, TransportError
from ..parsing import is_billed, text_at

__all__ = ["Delivery", "RetryPolicy", "delivery_of"]


class Delivery(StrEnum):
    """What is known of a POST that failed."""

    NEVER_DELIVERED = "never delivered"
    """No connection: it did not leave. Sent again."""
    REFUSED = "refused"
    """The service said no before a job existed, and may say yes later (x-errors: again). Sent again."""
    OUTCOME_UNKNOWN = "outcome unknown"
    """It was sent, and no answer says whether a job exists. It is never sent again: that could bill twice."""
    OTHER = "other"
    """The service said no for good, or billed its no, or the request is wrong. Never sent again."""


BY_RULE = {"again": Delivery.REFUSED, "unknown": Delivery.OUTCOME_UNKNOWN, "never": Delivery.OTHER}
"""The class of each rule of x-errors for a POST."""

NOT_DELIVERED = (BY_RULE | {"again": Delivery.NEVER_DELIVERED})[contract.FAILURES["not_delivered"].post]
LOST = BY_RULE[contract.FAILURES["lost"].post]


def delivery_of(error: BaseException) -> Delivery:
    """Which of the four classes a failed POST belongs to.

    A gateway's error (a 5xx that x-errors does not list) may come before or after the service took the job, so its outcome is
    unknown.
    """
    if isinstance(error, NotDelivered):
        return NOT_DELIVERED
    if isinstance(error, TransportError | StartOutcomeUnknown):
        return LOST
    if isinstance(error, ApiError):
        rule = rule_of(error.status_code, error.code, error.message)
        if rule.kind == "other" and text_at(error.payload, "request_id"):
            return LOST  # no known refusal, and it names a job
        found = BY_RULE[rule.post]
        # A refusal that was billed: a second one could be billed, too.
        return Delivery.OTHER if found is Delivery.REFUSED and is_billed(error.payload) else found
    return Delivery.OTHER


@dataclass(frozen=True, kw_only=True, slots=True)
class RetryPolicy:
    """How often and how long a request that may be sent again is sent again. Immutable.

    The pause before the nth retry is random between 0 and `base * 2**(n-1)` seconds ("full jitter"), at most `cap`, and at least
    what the service asks for by Retry-After, of which at most `retry_after_cap` is believed.

    Args:
        max_retries: Tries after the first; 0 sends once.
        budget: Retry budget: seconds from the first try after which no other begins.
        base: Seconds; the bound of the first pause.
        cap: Seconds; the bound of any pause.
        retry_after_cap: Seconds; the most that a Retry-After is waited for.
    """

    max_retries: int = 5
    budget: float = 60.0
    base: float = 0.5
    cap: float = 8.0
    retry_after_cap: float = 60.0

    def __post_init__(self) -> None:
        tries = self.max_retries
        if isinstance(tries, bool) or not isinstance(tries, int) or tries < 0:
            raise ValueError(f"RetryPolicy: max_retries is a whole number from 0 on; got {tries!r}")
        for name in ("budget", "base", "cap", "retry_after_cap"):
            value = getattr(self, name)
            if isinstance(value, bool) or not isinstance(value, int | float) or not value >= 0:
                raise ValueError(f"RetryPolicy: {name} is a number of seconds from 0 on; got {value!r}")

    def pause(self, tries: int, elapsed: float, error: GrokImagineError, dice: Callable[[], float]) -> float | None:
        """Seconds to wait before the next try, or None to give up.

        Args:
            tries: Tries so far, at least 1.
            elapsed: Seconds since the first began.
            error: What the last one ended with.
            dice: A random number from 0 to 1.
        """
        if tries > self.max_retries:
            return None
        # The exponent is bounded, or a policy of a thousand tries would overflow.
        pause = dice() * min(self.cap, self.base * 2.0 ** min(tries - 1, 60))
        asked = getattr(error, "retry_after", None)
        if asked is not None:
            pause = max(pause, min(asked, self.retry_after_cap))
        return pause if elapsed + pause <= self.budget else None


class Retries:
    """A policy at work in a client: its clock and dice are injected."""

    __slots__ = ("clock", "dice", "policy")

    def __init__(
        self, policy: RetryPolicy, clock: Callable[[], float], dice: Callable[[], float] = random.random
    ) -> None:
        self.policy = policy
        self.clock = clock
        self.dice = dice
