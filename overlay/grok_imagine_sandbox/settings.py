"""The settings of a sandbox's service."""

from __future__ import annotations

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


def settings_of(options: Options) -> Settings:
    """The settings that all options make.

    Raises:
        UnknownScenario: `scenario` is unknown.
        UnknownEra: `as_of` is unknown.
        ValueError: A limit is below 1.
    """
    for name in ("requests_per_minute", "requests_per_second", "concurrent_jobs"):
        limit = options.get(name)
        if limit is not None and (not isinstance(limit, int) or limit < 1):
            raise ValueError(f"{name} must be at least 1, or None for no limit, not {limit}")
    given: dict[str, Any] = {**options}
    scenario = given.pop("scenario")
    return Settings(
        contract=contract_of(given.pop("as_of")), scenario=None if scenario is None else choose(scenario), **given
    )
