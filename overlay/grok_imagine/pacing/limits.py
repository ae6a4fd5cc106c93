"""Rate limits of a client."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import Enum
from typing import Any

from grok_imagine_api import contract

from ..errors import ConfigurationError
from .quota import Windows

__all__ = ["Limits"]

MINUTE = 60.0
JITTER = 0.1
"""Seconds by which network jitter may bring two requests closer together: the service must not count one too many a minute."""


class _Default(Enum):
    """Stands for the value of x-limits, since None means no limit."""

    DEFAULT = "default"

    def __repr__(self) -> str:
        return "DEFAULT"


DEFAULT: Any = _Default.DEFAULT


@dataclass(frozen=True, kw_only=True, slots=True)
class Limits:
    """The rate limits of a client. Immutable; None means no limit.

    Args:
        requests_per_minute: Starts, polls and all other requests together, in a sliding minute. Default: 60 (x-limits), or the
            service's header `x-ratelimit-limit-requests`. If it is given, the header can only lower it.
        requests_per_second: The same in a second, evenly spaced. Default: 2 (x-limits), or `requests_per_minute / 60` if
            that is more.
        concurrent_jobs: Jobs of this client that run at once. Default: 15 (x-limits).

    Raises:
        ConfigurationError: A limit is not a number, or is less than 1 (0.001 for a second).
    """

    requests_per_minute: float | None = DEFAULT
    requests_per_second: float | None = DEFAULT
    concurrent_jobs: float | None = DEFAULT
    is_minute_given: bool = field(init=False, repr=False)
    """Whether `requests_per_minute` was given."""
    is_second_given: bool = field(init=False, repr=False)
    """Whether `requests_per_second` was given."""

    def __post_init__(self) -> None:
        given = {
            name: getattr(self, name) for name in ("requests_per_minute", "requests_per_second", "concurrent_jobs")
        }
        for name, value in given.items():
            least = 0.001 if name == "requests_per_second" else 1
            is_number = isinstance(value, int | float) and not isinstance(value, bool)
            if value is DEFAULT:
                object.__setattr__(self, name, contract.LIMITS[name].value)
            elif value is not None and not (is_number and value >= least):
                text = f"Limits: {name} is a number from {least} on, or None for no limit; got {value!r}"
                raise ConfigurationError(text)
        object.__setattr__(self, "is_minute_given", given["requests_per_minute"] is not DEFAULT)
        object.__setattr__(self, "is_second_given", given["requests_per_second"] is not DEFAULT)

    @classmethod
    def tier(cls, tier: int, *, concurrent_jobs: float | None = DEFAULT) -> Limits:
        """The limits of a team's tier, from the service's documentation (x-limits `tiers`).

        The same documentation says elsewhere that tiers do not apply to videos, so this is not the default. A 429 lowers the
        rate in any case.

        Args:
            tier: The tier's number, such as 2.
            concurrent_jobs: As in `Limits`; the tiers do not define it.

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

    @property
    def is_unlimited(self) -> bool:
        """Whether no request waits for another, regardless of the service's headers."""
        return self.requests_per_minute is None and self.requests_per_second is None

    def windows(self, reported: float | None = None, share: float = 1.0) -> Windows:
        """The sliding windows that apply, each as requests and seconds.

        Args:
            reported: Requests a minute that the service reported.
            share: The share of the limits to use.
        """
        minute, second = self.requests_per_minute, self.requests_per_second
        if minute is not None and reported:
            minute = min(minute, reported) if self.is_minute_given else reported
        if minute is not None and second is not None and not self.is_second_given:
            second = max(second, minute / MINUTE)
        spaced = [(1, 1 / (second * share))] if second is not None else []
        return [(max(1, int(minute * share)), MINUTE + JITTER), *spaced] if minute is not None else spaced
