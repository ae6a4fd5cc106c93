"""Simulated time for two processes: a clock in a file, an event loop that moves it on, and a sandbox that lives by it.

`simulated.py CLOCK JOBS` serves a sandbox with room for so many jobs. It prints its base URL, serves until its standard
input is closed, and then prints as JSON when each job it accepted had ended, in simulated seconds.
"""

from __future__ import annotations

import asyncio
import heapq
import itertools
import json
import mmap
import selectors
import struct
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

SECONDS = struct.Struct("d")


class Clock:
    """Seconds that every process sees which opened the same file. They pass only when one of them says so."""

    def __init__(self, path: str) -> None:
        with Path(path).open("r+b") as file:
            self._map = mmap.mmap(file.fileno(), SECONDS.size)

    def __call__(self) -> float:
        now: float = SECONDS.unpack_from(self._map)[0]
        return now

    def set(self, now: float) -> None:
        """Moves it on."""
        SECONDS.pack_into(self._map, 0, now)

    @staticmethod
    def make(path: Path) -> None:
        """A file for it, at 0."""
        path.write_bytes(SECONDS.pack(0.0))


class Selector(selectors.DefaultSelector):
    """Asks whether time may move on whenever the loop would wait. Also counts the connections that are open at once."""

    move_on: Callable[[], bool]
    most = 0

    def register(self, *arguments: Any) -> selectors.SelectorKey:
        key = super().register(*arguments)
        self.most = max(self.most, len(self.get_map()) - 1)  # one is how the loop wakes itself
        return key

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        if timeout is None or timeout > 0:  # else something is ready to run
            events = super().select(0)
            if events or self.move_on():
                return events
        return super().select(timeout)


class Loop(asyncio.SelectorEventLoop):
    """Moves the clock on to the next sleeper's time when nothing is under way: no request, no thread, nothing ready.

    So requests and threads take no simulated time, however long they take.

    Attributes:
        flying: Requests and calls in threads that are under way; requests are for the caller to count.
        watch: Called before time moves on, with how many sleep.
        most_connections: That were open at once.
        longest: Real seconds between two moves; no request took longer, its wait for a place included.
    """

    def __init__(self, clock: Clock) -> None:
        self._idle = Selector()
        self._idle.move_on = self._move_on
        super().__init__(self._idle)
        self.clock = clock
        self.flying = 0
        self.watch: Callable[[int], object] = lambda sleeping: None
        self.longest = 0.0
        self._moved = self.time()
        self._sleepers: list[tuple[float, int, asyncio.Future[None]]] = []
        self._order = itertools.count()

    @property
    def most_connections(self) -> int:
        return self._idle.most

    async def sleep(self, seconds: float) -> None:
        """Sleeps for so many simulated seconds."""
        future: asyncio.Future[None] = self.create_future()
        heapq.heappush(self._sleepers, (self.clock() + seconds, next(self._order), future))
        await future

    def lap(self) -> None:
        """Notes how long it took since the clock moved last."""
        now = self.time()
        self.longest, self._moved = max(self.longest, now - self._moved), now

    def run_in_executor(self, executor: Any, func: Any, *args: Any) -> asyncio.Future[Any]:
        """As ever, but counted; the count falls in this thread, when who waits for it is about to run."""
        future: asyncio.Future[Any] = super().run_in_executor(executor, func, *args)
        self.flying += 1
        future.add_done_callback(self._landed)
        return future

    def _landed(self, future: asyncio.Future[Any]) -> None:
        self.flying -= 1

    def _move_on(self) -> bool:
        if self.flying or not self._sleepers:
            return False
        self.lap()
        self.watch(len(self._sleepers))
        now = self._sleepers[0][0]
        self.clock.set(now)
        while self._sleepers and self._sleepers[0][0] <= now:
            future = heapq.heappop(self._sleepers)[2]
            if not future.done():  # or its task was cancelled
                future.set_result(None)
        return True


def serve(path: str, jobs: str) -> None:
    """The sandbox's process."""
    from grok_imagine_sandbox import Sandbox  # not in the process that is measured

    with Sandbox(clock=Clock(path), speed=1.0, max_jobs=int(jobs)) as sandbox:
        print(sandbox.base_url, flush=True)
        sys.stdin.buffer.read()
        assert sandbox._service  # its records do not tell when a job ends
        print(json.dumps({job.request_id: job.end for job in sandbox._service.jobs.all()}), flush=True)


if __name__ == "__main__":
    serve(*sys.argv[1:])
