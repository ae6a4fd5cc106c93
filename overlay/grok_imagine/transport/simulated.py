"""The time of a sandbox that runs in this process: its clients sleep in it, so that nobody waits.

It is found by the port alone, among the sandboxes that this process has started. Nothing that a server says is asked.
"""

from __future__ import annotations

import sys
from contextlib import AbstractContextManager
from typing import Protocol, cast

from ..config import Config
from ..errors import ConfigurationError


class SimulatedTime(Protocol):
    """What drivers need of it; see `grok_imagine_sandbox.virtual_time`."""

    def now(self) -> float:
        """Monotonic seconds."""

    def pause(self, seconds: float) -> None:
        """Has a flow that runs sleep."""

    async def pause_async(self, seconds: float) -> None:
        """The same for a flow that is awaited."""

    def working(self) -> AbstractContextManager[None]:
        """A flow runs: time does not jump unless it sleeps."""

    def away(self) -> AbstractContextManager[None]:
        """It is in its caller's hands."""


def time_of(config: Config, clock: object, sleep: object, quota: object) -> SimulatedTime | None:
    """The time of the sandbox that a client asks; None for any other service.

    Args:
        config: The client's.
        clock: The client's own, if it was given, as are `sleep` and `quota`: each of them has a time of its own.
        sleep: See `clock`.
        quota: See `clock`.

    Raises:
        ConfigurationError: `clock` or `sleep` is no function.
    """
    for name, own in (("clock", clock), ("sleep", sleep)):
        if own is not None and not callable(own):
            raise ConfigurationError(f"{name} is a function; got {type(own).__name__}")
    sandboxes = sys.modules.get("grok_imagine_sandbox.virtual_time")
    if (
        sandboxes is None
        or not config.is_local
        or config.proxy is not None
        or any(each is not None for each in (clock, sleep, quota))
    ):
        return None
    return cast("SimulatedTime | None", sandboxes.time_at(config.place.known_port))
