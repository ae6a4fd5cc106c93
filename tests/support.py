"""What tests share: a clock that only moves when somebody sleeps, and one face for both kinds of client."""

from __future__ import annotations

import asyncio
import signal
import threading
import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

from grok_imagine import AsyncClient, AsyncVideo, Client, Limits, Video

ROOT = Path(__file__).resolve().parents[1]
UNLIMITED = Limits(requests_per_minute=None, requests_per_second=None, concurrent_jobs=None)


class ManualClock:
    """Seconds that pass only while somebody sleeps."""

    def __init__(self) -> None:
        self.now = 1000.0
        self.slept: list[float] = []

    def __call__(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.now += seconds

    async def sleep_async(self, seconds: float) -> None:
        self.sleep(seconds)


class RealClock:
    """Seconds that pass by themselves, with the face of a ManualClock: for recording from the service."""

    def __call__(self) -> float:
        return time.monotonic()

    sleep = staticmethod(time.sleep)
    sleep_async = staticmethod(asyncio.sleep)


class FastClock:
    """Seconds that pass by themselves, so many times as fast: for what sleeps side by side in threads."""

    def __init__(self, speed: float) -> None:
        self.speed = speed

    def __call__(self) -> float:
        return time.monotonic() * self.speed

    def sleep(self, seconds: float) -> None:
        time.sleep(seconds / self.speed)


class Api:
    """One kind of client behind one face: `api(lambda client: client.video.get(id))` blocks or awaits. Not paced unless asked."""

    def __init__(self, kind: str, clock: ManualClock | RealClock, base_url: str, **options: Any) -> None:
        self.kind, self.clock = kind, clock
        self.video = Video if kind == "sync" else AsyncVideo
        self.options = {"api_key": "test-key", "base_url": base_url, "clock": clock, "limits": UNLIMITED, **options}

    def __call__(self, use: Callable[[Any], Any], **options: Any) -> Any:
        if self.kind == "sync":
            with Client(**self.options | {"sleep": self.clock.sleep} | options) as client:
                return use(client)

        async def run() -> Any:
            async with AsyncClient(**self.options | {"sleep": self.clock.sleep_async} | options) as client:
                result = use(client)
                return await result if isinstance(result, Awaitable) else result

        return asyncio.run(run())


def listed(found: Any) -> Any:
    """All of what a client's list gives: a list, or what is awaited for one."""
    if hasattr(found, "__iter__"):
        return list(found)

    async def collect() -> list[Any]:
        return [item async for item in found]

    return collect()


def heed_interrupts() -> None:
    """Ctrl-C does what it does in a terminal, here and in the children, which ignore what their parent ignores.

    A shell has what it starts in its background ignore it.
    """
    is_ignored = signal.getsignal(signal.SIGINT) == signal.SIG_IGN
    if is_ignored and threading.current_thread() is threading.main_thread():
        signal.signal(signal.SIGINT, signal.default_int_handler)
