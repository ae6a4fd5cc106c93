"""What tests share: a clock that only moves when somebody sleeps, and one face for both kinds of client."""

from __future__ import annotations

import asyncio
import functools
import signal
import threading
import time
from collections.abc import Awaitable, Callable, Generator
from contextlib import closing
from pathlib import Path
from typing import Any

import yaml

from grok_imagine import AsyncClient, AsyncVideo, Client, Limits, Video

ROOT = Path(__file__).resolve().parents[1]
UNLIMITED = Limits(requests_per_minute=None, requests_per_second=None, concurrent_jobs=None)


really_sleep = time.sleep
"""That of a test may be a clock's."""

HANG = 120.0
"""Real seconds after which a test takes something to hang. Whatever is to succeed may take as long on a busy machine."""


class ManualClock:
    """Seconds that pass only while somebody sleeps, one at a time. What sleeps side by side needs a `SharedClock`."""

    def __init__(self) -> None:
        self.now = 1000.0
        self.slept: list[float] = []
        self.on_sleep: Callable[[], object] | None = None

    def __call__(self) -> float:
        return self.now

    def _note(self, seconds: float) -> None:
        self.slept.append(seconds)
        if self.on_sleep:
            hook, self.on_sleep = self.on_sleep, None
            hook()

    def sleep(self, seconds: float) -> None:
        self._note(seconds)
        self.now += seconds

    async def sleep_async(self, seconds: float) -> None:
        self.sleep(seconds)


class SharedClock(ManualClock):
    """A manual clock for threads and tasks that sleep side by side: their sleeps overlap, as real ones do.

    Of those that sleep at once the first to wake moves it, and only when all that woke before sleep again or have ended, and after a
    moment in which nothing was at work. Else the sleeps of all would add up, and one that sleeps again and again would use up the
    time of those that are about to send or to read.

    Args:
        pulse: Changes while something is at work that does not read this clock.
    """

    NAP = 0.005
    """Real seconds of that moment."""

    PATIENCE = 0.2
    """Real seconds without a sign of life of one that woke before, and may be waiting for those that sleep."""

    def __init__(self, pulse: Callable[[], object] = lambda: None) -> None:
        super().__init__()
        self._pulse = pulse
        self._lock = threading.Lock()
        self._ends: list[float] = []
        self._awake: list[threading.Thread | asyncio.Task[Any]] = []
        self._reads = 0

    def __call__(self) -> float:
        self._reads += 1
        return self.now

    def _naps(self, seconds: float, sleeper: threading.Thread | asyncio.Task[Any]) -> Generator[None, None, None]:
        """Yields for each nap that the sleeper is to take until its time has come."""
        with self._lock:
            self._note(seconds)
            self._ends.append(end := self.now + seconds)
            self._awake = [each for each in self._awake if each is not sleeper and not _has_ended(each)]
        before, since = self._seen(), time.monotonic()
        try:
            while self.now < end:
                yield
                with self._lock:
                    if (seen := self._seen()) != before:
                        before, since = seen, time.monotonic()
                    elif end == min(self._ends) and self._are_asleep(since):
                        self.now = max(self.now, end)
        finally:
            with self._lock:
                self._ends.remove(end)
                self._awake.append(sleeper)

    def _are_asleep(self, since: float) -> bool:
        return all(map(_has_ended, self._awake)) or time.monotonic() - since > self.PATIENCE

    def _seen(self) -> object:
        return self._pulse(), self._reads, len(self.slept), len(self._ends)

    def sleep(self, seconds: float) -> None:
        with closing(self._naps(seconds, threading.current_thread())) as naps:
            for _ in naps:
                really_sleep(self.NAP)

    async def sleep_async(self, seconds: float) -> None:
        task = asyncio.current_task()
        assert task
        with closing(self._naps(seconds, task)) as naps:
            for _ in naps:
                await asyncio.sleep(self.NAP)


def _has_ended(sleeper: threading.Thread | asyncio.Task[Any]) -> bool:
    return not sleeper.is_alive() if isinstance(sleeper, threading.Thread) else sleeper.done()


class RealClock:
    """Seconds that pass by themselves, with the face of a ManualClock: for recording from the service."""

    def __call__(self) -> float:
        return time.monotonic()

    sleep = staticmethod(time.sleep)
    sleep_async = staticmethod(asyncio.sleep)


class FastClock:
    """Seconds that pass by themselves, so many times as fast: for what is about the order in which requests leave."""

    def __init__(self, speed: float) -> None:
        self.speed = speed

    def __call__(self) -> float:
        return time.monotonic() * self.speed

    def sleep(self, seconds: float) -> None:
        really_sleep(seconds / self.speed)


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


def closing_after(use: Callable[[Any], Any], http: Any) -> Callable[[Any], Any]:
    """A use of a client, after which the HTTP client that it was given is closed, in the same event loop."""

    def blocking(client: Any) -> Any:
        try:
            return use(client)
        finally:
            http.close()

    async def awaited(client: Any) -> Any:
        try:
            return await use(client)
        finally:
            await http.aclose()

    return blocking if hasattr(http, "close") else awaited


@functools.cache
def contract() -> dict[str, Any]:
    """The contract as written, not as compiled. It is everybody's: a test that changes it takes a copy."""
    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)  # ten times as fast, where it is
    return yaml.load((ROOT / "openapi" / "grok-imagine.yaml").read_bytes(), loader)


def until(condition: Callable[[], object]) -> None:
    """Waits for what another thread or process does."""
    end = time.monotonic() + HANG
    while not condition():
        assert time.monotonic() < end, "did not happen"
        really_sleep(0.002)


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
