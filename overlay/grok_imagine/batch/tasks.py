"""Runs the flows of a batch for the asynchronous client, each in a task. `threads` is the blocking counterpart."""

from __future__ import annotations

import asyncio
import contextlib
import weakref
from collections.abc import AsyncGenerator, AsyncIterable, AsyncIterator, Awaitable, Callable, Iterable
from contextlib import aclosing
from types import TracebackType
from typing import Self, TypeAlias, cast

from ..core.effects import Flow
from ..core.results import AsyncVideo
from ..transport.aio import check_loop
from .outcome import BatchClosed, BatchItem, Outcome
from .runner import BatchRunner, BatchStats

__all__ = ["AsyncBatch"]

Outcomes: TypeAlias = list[Outcome]
Run: TypeAlias = Callable[[Flow[Outcomes]], Awaitable[Outcomes]]


class Engine:
    """The tasks of a running batch. It has no reference to the `AsyncBatch`, whose collection ends it."""

    def __init__(
        self, runner: BatchRunner, requests: Iterable[BatchItem] | AsyncIterable[BatchItem], run: Run, concurrency: int
    ) -> None:
        self.runner = runner
        self.ready: asyncio.Queue[Outcome | BaseException | None] = asyncio.Queue()
        self.has_ended = False
        self._requests = requests
        self._run = run
        self._concurrency = concurrency
        self._changed = asyncio.Event()
        self._tasks: set[asyncio.Task[Outcomes]] = set()
        self._pulled = self._taken = 0
        self._feeder: asyncio.Task[None] | None = None
        runner.on_running = self._changed.set

    def start(self) -> None:
        """Starts to pull requests, unless it has started or ended."""
        if self._feeder is None and not self.has_ended:
            check_loop()
            self._feeder = asyncio.ensure_future(self._feed())

    def on_outcome_read(self, outcome: Outcome) -> None:
        """Counts an outcome as read, so that another request may be pulled."""
        self.runner.on_read(outcome)
        self._taken += 1
        self._changed.set()

    async def _feed(self) -> None:
        """Pulls requests while there is room, then waits for the running ones."""
        try:
            async with aclosing(_each(self._requests)) as items:
                async for item in items:
                    self._pulled += 1
                    task = asyncio.ensure_future(self._run(self.runner.take(item)))
                    self._tasks.add(task)
                    task.add_done_callback(self._on_done)
                    await self._until(self._has_room)
        except BaseException as error:
            if self.has_ended:
                raise
            await self._until(lambda: not self._tasks)
            self.ready.put_nowait(error)
        await self._until(lambda: not self._tasks)
        self.ready.put_nowait(None)

    def _has_room(self) -> bool:
        return self.runner.has_room(self._pulled, self._pulled - len(self._tasks), self._taken, self._concurrency)

    async def _until(self, condition: Callable[[], bool]) -> None:
        while not condition():
            self._changed.clear()
            await self._changed.wait()

    def _on_done(self, task: asyncio.Task[Outcomes]) -> None:
        self._tasks.discard(task)
        self._changed.set()
        if task.cancelled():
            if not self.has_ended:
                self.ready.put_nowait(BatchClosed("a request was cancelled; the ledger has what is known of it"))
            return
        error = task.exception()
        if error is not None:
            self.ready.put_nowait(error)
            return
        for outcome in task.result():
            self.ready.put_nowait(outcome)

    def drop(self) -> None:
        """Ends an abandoned batch without waiting, and logs the jobs that are left unless a durable ledger has them."""
        if self._feeder is not None and not self.has_ended:
            self.runner.log_left_jobs()
            with contextlib.suppress(RuntimeError):  # the event loop is closed, and the tasks with it
                self._feeder.get_loop().call_soon_threadsafe(self._cancel)

    def _cancel(self) -> list[asyncio.Task[Outcomes] | asyncio.Task[None]]:
        was_open, self.has_ended = not self.has_ended, True
        tasks = [task for task in (*self._tasks, self._feeder) if task and not task.done()]
        for task in tasks if was_open else ():  # only once: a second cancellation would cut the wait for an id short
            task.cancel()
        return tasks

    async def close(self) -> None:
        """Ends the batch, and waits a moment for the ids of paid requests that are under way."""
        if tasks := self._cancel():  # not gather, which would pass a second cancellation on to them
            await asyncio.wait(tasks)
        self.runner.log_left_jobs()
        self.ready.put_nowait(None)


class AsyncBatch(BatchStats, AsyncIterator[Outcome[AsyncVideo]]):
    """The outcomes of many requests, in the order in which they finish, as `Batch`. It ends when it is closed or collected.

    A cancelled read closes it, as with an asynchronous generator. A blocking iterable blocks the event loop: use an
    asynchronous one.
    """

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._runner = engine.runner
        self._finalizer = weakref.finalize(self, engine.drop)

    async def __anext__(self) -> Outcome[AsyncVideo]:
        engine = self._engine
        engine.start()
        try:
            got = await engine.ready.get() if not (engine.has_ended and engine.ready.empty()) else None
        except BaseException as error:
            self._note_running(error)
            await self.close()
            raise
        if got is None:
            if not engine.has_ended:
                self._runner.finish()
            engine.has_ended = True
            engine.ready.put_nowait(None)  # for concurrent readers
            raise StopAsyncIteration
        if isinstance(got, BaseException):
            self._note_running(got)
            await self.close()
            raise got
        engine.on_outcome_read(got)
        return cast("Outcome[AsyncVideo]", got)

    async def close(self) -> None:
        """Ends the batch, and waits a moment for the ids of paid requests that are under way."""
        await self._engine.close()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if error is None:
            self._engine.drop()
        else:
            self._note_running(error)
        await self.close()


async def _each(requests: Iterable[BatchItem] | AsyncIterable[BatchItem]) -> AsyncGenerator[BatchItem, None]:
    if isinstance(requests, AsyncIterable):
        async for item in requests:
            yield item
    else:
        for item in requests:
            yield item
            await asyncio.sleep(0)
