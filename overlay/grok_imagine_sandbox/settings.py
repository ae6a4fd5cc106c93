"""The settings of a sandbox's service."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypedDict

from .contract import Contract, contract_of
from .scenarios import Choice, choose


class Options(TypedDict, total=False):
    """What `Sandbox` takes, and `Sandbox.reset` too; `Sandbox` describes each."""

    as_of: str | None
    scenario: str | None
    api_key: str | None
    seed: int
    max_jobs: int
    requests_per_minute: int | None
    requests_per_second: int | None
    concurrent_jobs: int | None
    zero_data_retention: bool
    slow_seconds: float
    max_body_bytes: int
    max_input_bytes: int


@dataclass(frozen=True)
class Settings:
    """The same, checked."""

    contract: Contract
    scenario: Choice | None
    api_key: str | None
    seed: int
    max_jobs: int
    requests_per_minute: int | None
    requests_per_second: int | None
    concurrent_jobs: int | None
    zero_data_retention: bool
    slow_seconds: float
    max_body_bytes: int
    max_input_bytes: int


_TEXT = (lambda value: value is None or (isinstance(value, str) and value != ""), "a text that is not empty, or None")
_NAME = (lambda value: value is None or isinstance(value, str), "a name, or None")
_LIMIT = (lambda value: value is None or is_whole(value, 1), "at least 1, or None for no limit")
_SIZE = (lambda value: is_whole(value, 1), "a whole number from 1 on")
_RULES: dict[str, tuple[Callable[[Any], bool], str]] = {
    "as_of": _NAME,
    "scenario": _NAME,
    "api_key": _TEXT,
    "seed": (lambda value: is_whole(value, -math.inf), "a whole number"),
    "max_jobs": _SIZE,
    "requests_per_minute": _LIMIT,
    "requests_per_second": _LIMIT,
    "concurrent_jobs": _LIMIT,
    "zero_data_retention": (lambda value: isinstance(value, bool), "True or False"),
    "slow_seconds": (lambda value: is_number(value) and value >= 0, "a number of seconds from 0 on"),
    "max_body_bytes": _SIZE,
    "max_input_bytes": _SIZE,
}


def is_number(value: Any) -> bool:
    """Whether a value is a finite number."""
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)


def is_whole(value: Any, least: float) -> bool:
    """Whether a value is a whole number from `least` on."""
    return isinstance(value, int) and not isinstance(value, bool) and value >= least


def settings_of(options: Options) -> Settings:
    """The settings that all options make.

    Raises:
        UnknownScenario: `scenario` is unknown.
        UnknownEra: `as_of` is unknown.
        ValueError: A value is not what its option takes.
    """
    given: dict[str, Any] = {**options}
    for name, (is_right, what) in _RULES.items():
        if not is_right(given[name]):
            raise ValueError(f"{name} must be {what}, not {given[name]!r}")
    scenario = given.pop("scenario")
    return Settings(
        contract=contract_of(given.pop("as_of")), scenario=None if scenario is None else choose(scenario), **given
    )
