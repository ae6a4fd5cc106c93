"""Time that passes while its clients sleep: what waits for 30 s is woken at once, and finds that 30 s have passed.

A sandbox without a `speed` or `clock` of its own keeps one, and is known here by its port. `Client` and `AsyncClient` look here, so
that those of this process live in it. Nothing that comes over a connection can give a client another clock.
"""

from __future__ import annotations

import asyncio
import os
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from heapq import heapify, heappop, heappush
from weakref import WeakSet

GRACE = 0.002
"""Real seconds after the end of a call in which time does not jump: its caller may be about to make another."""

PATIENCE = 1.0
"""Real seconds after which time jumps although a call is under way: it may wait for one that sleeps."""

_TICK = 0.5  # real seconds; on Windows nothing else lets Ctrl-C through

# Not `time.monotonic`: freezegun and many a monkeypatch have it stand still, or jump by years.
_CLOCK = getattr(time, "CLOCK_MONOTONIC", None)
real_clock: Callable[[], float] = partial(time.perf_counter) if _CLOCK is None else partial(time.clock_gettime, _CLOCK)
"""Real monotonic seconds, whatever a test does to the module `time`."""

_kept: dict[int, VirtualTime] = {}
_all: WeakSet[VirtualTime] = WeakSet()


class _Sleeper:
    """Who sleeps, and until when. `is_call` is False for one that no call of a client sleeps for."""

    __slots__ = ("is_call", "is_counted", "notify", "order", "until")

    def __init__(self, until: float, order: int, notify: Callable[[], object], is_call: bool) -> None:
        self.until = until
        self.order = order
        self.notify = notify
        self.is_call = is_call
        self.is_counted = False

    def __lt__(self, other: _Sleeper) -> bool:
        return (self.until, self.order) < (other.until, other.order)


class VirtualTime:
    """Monotonic seconds. They pass by themselves, and jump to the next waking when every call that is under way sleeps.

    So calls in several threads and tasks meet in the order in which they would, however long the machine takes. While calls are
    under way, a second lasts a second; else it is `speed` that pass in one, for clients in other processes and for callers with a
    sleep of their own.

    Args:
        speed: Seconds that pass in a real one while no call is under way.
    """

    def __init__(self, speed: float = 60.0) -> None:
        self._speed = speed
        self._pace: float | None = None
        # Reentrant: a coroutine that is collected while its thread is in here leaves its call.
        self._changed = threading.Condition(threading.RLock())
        self._sleepers: list[_Sleeper] = []
        self._orders = 0
        self._calls = 0
        self._busy = 0  # calls that neither sleep nor are in a callback
        self._now_then, self._real_then = 0.0, real_clock()
        self._ended_at = self._moved_at = 0.0
        self._ticker: threading.Thread | None = None
        _all.add(self)

    def now(self) -> float:
        """The time."""
        with self._changed:
            return self._now()

    def advance(self, seconds: float) -> None:
        """Lets time pass. Whoever wakes by then is woken.

        Raises:
            ValueError: Time does not go back.
        """
        if not 0 <= seconds < float("inf"):
            raise ValueError(f"time advances by a number of seconds from 0 on, not {seconds}")
        with self._changed:
            self._set(self._now() + seconds)
            self._settle()

    def pace(self, speed: float | None) -> None:
        """Has so many seconds pass in each real one, and no jumps; None has time jump again."""
        with self._changed:
            self._set(self._now())
            self._pace = speed
            self._settle()

    @contextmanager
    def working(self) -> Iterator[None]:
        """A call of a client is under way."""
        with self._changed:
            self._set(self._now())
            self._calls += 1
            self._work(1)
        try:
            yield
        finally:
            with self._changed:
                self._set(self._now())
                self._calls -= 1
                self._leave()

    @contextmanager
    def away(self) -> Iterator[None]:
        """The call is in its caller's hands, which may wait for another call."""
        with self._changed:
            self._leave()
        try:
            yield
        finally:
            with self._changed:
                self._work(1)

    def pause(self, seconds: float) -> None:
        """Has a call that is under way sleep."""
        self._sleep(seconds, is_call=True)

    def sleep(self, seconds: float) -> None:
        """Sleeps, in place of `time.sleep`."""
        self._sleep(seconds, is_call=False)

    async def pause_async(self, seconds: float) -> None:
        """Has a call that is under way sleep."""
        await self._sleep_async(seconds, is_call=True)

    async def sleep_async(self, seconds: float) -> None:
        """Sleeps, in place of `asyncio.sleep`."""
        await self._sleep_async(seconds, is_call=False)

    def _sleep(self, seconds: float, is_call: bool) -> None:
        woken = threading.Event()
        sleeper = self._lie_down(seconds, woken.set, is_call)
        try:
            while not woken.wait(_TICK):
                pass
        finally:
            self._get_up(sleeper)

    async def _sleep_async(self, seconds: float, is_call: bool) -> None:
        loop = asyncio.get_running_loop()
        woken = loop.create_future()

        def wake() -> None:
            if not woken.done():
                woken.set_result(None)

        sleeper = self._lie_down(seconds, lambda: loop.call_soon_threadsafe(wake), is_call)
        try:
            await woken
        finally:
            self._get_up(sleeper)

    def _lie_down(self, seconds: float, notify: Callable[[], object], is_call: bool) -> _Sleeper:
        if not seconds < float("inf"):  # nor NaN
            raise ValueError(f"one sleeps a number of seconds, not {seconds}")
        with self._changed:
            self._orders += 1
            sleeper = _Sleeper(self._now() + max(seconds, 0.0), self._orders, notify, is_call)
            heappush(self._sleepers, sleeper)
            self._work(-1 if is_call else 0)
            self._settle()
            return sleeper

    def _get_up(self, sleeper: _Sleeper) -> None:
        """Counts it as at work, if it is a call: who woke it has done so, or something else interrupted it."""
        with self._changed:
            if not sleeper.is_counted:
                self._sleepers = [each for each in self._sleepers if each is not sleeper]
                heapify(self._sleepers)
                self._work(1 if sleeper.is_call else 0)
            elif not sleeper.is_call:
                self._leave()

    def _work(self, more: int) -> None:
        self._busy += more
        self._moved_at = real_clock()

    def _leave(self) -> None:
        self._work(-1)
        self._ended_at = real_clock()
        self._settle()

    def _set(self, now: float) -> None:
        self._now_then, self._real_then = now, real_clock()

    def _rate(self) -> float:
        if self._pace is not None:
            return self._pace
        return 1.0 if self._calls else self._speed

    def _now(self) -> float:
        return self._now_then + (real_clock() - self._real_then) * self._rate()

    def _settle(self) -> None:
        """Jumps if it is time to, and wakes all whose time has come. The ticker does what has to wait."""
        if not self._sleepers:
            return
        if self._pace is None and real_clock() >= self._jump_at():
            self._set(max(self._now(), self._sleepers[0].until))
        now = self._now()
        while self._sleepers and self._sleepers[0].until <= now:
            self._wake(heappop(self._sleepers))
        if self._sleepers:
            self._tick()

    def _jump_at(self) -> float:
        """When time may jump, in real time."""
        return self._moved_at + PATIENCE if self._busy > 0 else self._ended_at + GRACE

    def _wake(self, sleeper: _Sleeper) -> None:
        try:
            sleeper.notify()
        except RuntimeError:  # its event loop is closed, and will not run it
            return
        sleeper.is_counted = True  # from now on, or time would jump on before it gets up
        self._work(1)

    def _tick(self) -> None:
        if self._ticker is None:
            self._ticker = threading.Thread(target=self._watch, name="grok-imagine-time", daemon=True)
            self._ticker.start()
        else:
            self._changed.notify_all()

    def _watch(self) -> None:
        """Wakes those whose time comes by itself, or who had to wait for a moment. Ends when nobody sleeps."""
        with self._changed:
            while self._sleepers:
                waits = (self._sleepers[0].until - self._now()) / self._rate()
                if self._pace is None:
                    waits = min(waits, self._jump_at() - real_clock())
                self._changed.wait(max(waits, 0.0001))
                self._settle()
            self._ticker = None

    def _after_fork_in_child(self) -> None:
        """In a child process time can't jump: the sandbox is the parent's. It passes as there, while no call is under way."""
        self._changed = threading.Condition(threading.RLock())
        self._sleepers, self._ticker = [], None
        self._calls = self._busy = 0
        self._pace = self._pace or self._speed


def keep(port: int, kept: VirtualTime) -> None:
    """Has the clients of a port of this machine live in a time."""
    _kept[port] = kept


def drop(port: int) -> None:
    """Has new clients of the port live in real time again."""
    _kept.pop(port, None)


def time_at(port: int) -> VirtualTime | None:
    """The time of the sandbox at a port of this machine, if it is this process' and keeps one."""
    return _kept.get(port)


def _after_fork_in_child() -> None:
    for each in list(_all):
        each._after_fork_in_child()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork_in_child)
