"""Worker threads for blocking work: checks of bodies, reading of inputs, rendering. Each kind has its own pool.

A thread can't be ended from outside. So long work calls `checkpoint` regularly, which ends it when it has used up its
processor time, or when the sandbox stops.
"""

import asyncio
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextvars import ContextVar
from threading import Event
from typing import ParamSpec, TypeVar

P = ParamSpec("P")
T = TypeVar("T")

_READING_SECONDS = 20.0
_RENDERING_SECONDS = 120.0


class Exhausted(RuntimeError):
    """Work took too long, or the sandbox stops."""


_check: ContextVar[Callable[[], None] | None] = ContextVar("checkpoint", default=None)


def checkpoint() -> None:
    """End the current work if it may not go on. Outside of `Workers` there is no limit.

    Raises:
        Exhausted: The work may not go on.
    """
    check = _check.get()
    if check is not None:
        check()


class Workers:
    """The threads of one sandbox."""

    def __init__(self) -> None:
        self._stopped = Event()
        # One body at a time, since a parsed body takes several times its size.
        self._checks = ThreadPoolExecutor(1, "grok-imagine-sandbox-check")
        self._reading = ThreadPoolExecutor(2, "grok-imagine-sandbox-read")
        self._rendering = ThreadPoolExecutor(4, "grok-imagine-sandbox-render")

    async def check(self, function: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs) -> T:
        """Run a function that checks a body."""
        return await asyncio.get_running_loop().run_in_executor(self._checks, lambda: function(*args, **kwargs))

    async def read(self, function: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs) -> T:
        """Run a function that decodes inputs.

        Raises:
            Exhausted: It took too long.
        """
        work = self._bounded(_READING_SECONDS, lambda: function(*args, **kwargs))
        return await asyncio.get_running_loop().run_in_executor(self._reading, work)

    async def render(self, function: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs) -> T:
        """Run a function that makes a file.

        Raises:
            Exhausted: It took too long.
        """
        work = self._bounded(_RENDERING_SECONDS, lambda: function(*args, **kwargs))
        return await asyncio.get_running_loop().run_in_executor(self._rendering, work)

    def stop(self) -> None:
        """Start nothing more, and end running work at its next checkpoint."""
        self._stopped.set()
        for executor in (self._checks, self._reading, self._rendering):
            executor.shutdown(wait=False, cancel_futures=True)

    def _bounded(self, seconds: float, function: Callable[[], T]) -> Callable[[], T]:
        def run() -> T:
            end = time.thread_time() + seconds

            def check() -> None:
                if self._stopped.is_set():
                    raise Exhausted("the sandbox stops")
                if time.thread_time() > end:
                    raise Exhausted(f"it takes more than {seconds:g} s")

            token = _check.set(check)
            try:
                return function()
            finally:
                _check.reset(token)

        return run
