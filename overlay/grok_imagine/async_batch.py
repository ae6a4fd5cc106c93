"""Runs the flows of a batch for the asynchronous client, a task each. `batch_driver` is the twin."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, AsyncIterable, AsyncIterator, Awaitable, Callable, Iterable
from contextlib import aclosing
from types import TracebackType
from typing import Self

from .batch import AHEAD, STARTING, BatchClosed, Item, Outcome, Tally, Work
from .commands import Flow

__all__ = ["AsyncBatch"]

Outcomes = list[Outcome]


class AsyncBatch(Tally, AsyncIterator[Outcome]):
    """The outcomes of many requests, as they finish: as `Batch`, awaited. Close it if it is not read to its end.

    A read that is cancelled closes it, as one of an asynchronous generator would. An iterable that blocks, blocks the event
    loop: give an asynchronous one.
    """

    def __init__(
        self,
        work: Work,
        requests: Iterable[Item] | AsyncIterable[Item],
        run: Callable[[Flow[Outcomes]], Awaitable[Outcomes]],
        concurrency: int,
    ) -> None:
        self._work = work
        self._requests = requests
        self._run = run
        self._concurrency = concurrency
        self._ready: asyncio.Queue[Outcome | BaseException | None] = asyncio.Queue()
        self._room = asyncio.Event()
        work.on_running = self._room.set
        self._tasks: set[asyncio.Task[Outcomes]] = set()
        self._pulled = self._taken = 0
        self._feeder: asyncio.Task[None] | None = None
        self._ended = False

    async def __anext__(self) -> Outcome:
        if self._feeder is None and not self._ended:
            self._feeder = asyncio.ensure_future(self._feed())
        try:
            got = await self._ready.get() if not (self._ended and self._ready.empty()) else None
        except BaseException as error:
            self._note_running(error)
            await self.close()
            raise
        if got is None:
            if not self._ended:
                self._work.finish()
            self._ended = True
            self._ready.put_nowait(None)  # for whoever else reads
            raise StopAsyncIteration
        if isinstance(got, BaseException):
            self._note_running(got)
            await self.close()
            raise got
        self._taken += 1
        self._room.set()
        return got

    async def _feed(self) -> None:
        """Pulls requests as there is room for them; at the end waits for those that run."""
        try:
            async with aclosing(_each(self._requests)) as items:
                async for item in items:
                    self._pulled += 1
                    task = asyncio.ensure_future(self._run(self._work.take(item)))
                    self._tasks.add(task)
                    task.add_done_callback(self._landed)
                    await self._until(self._has_room)
        except BaseException as error:
            if self._ended:
                raise
            await self._until(lambda: not self._tasks)
            self._ready.put_nowait(error)
        await self._until(lambda: not self._tasks)
        self._ready.put_nowait(None)

    def _has_room(self) -> bool:
        return (
            len(self._tasks) < self._concurrency
            and len(self._tasks) - len(self._work.running) < STARTING
            and self._pulled - self._taken < AHEAD * self._concurrency
        )

    async def _until(self, condition: Callable[[], bool]) -> None:
        while not condition():
            self._room.clear()
            await self._room.wait()

    def _landed(self, task: asyncio.Task[Outcomes]) -> None:
        self._tasks.discard(task)
        self._room.set()
        if task.cancelled():
            if not self._ended:
                self._ready.put_nowait(BatchClosed("a request was cancelled; the ledger has what is known of it"))
            return
        error = task.exception()
        if error is not None:
            self._ready.put_nowait(error)
            return
        for outcome in task.result():
            self._ready.put_nowait(outcome)

    async def close(self) -> None:
        """Ends it, and waits a moment for the paid requests that are under way: their ids are noted."""
        was_open, self._ended = not self._ended, True
        tasks = [task for task in (*self._tasks, self._feeder) if task and not task.done()]
        for task in tasks if was_open else ():  # once: a second time would cut the wait for an id short
            task.cancel()
        if tasks:  # not gather, which a second cancellation would pass on to them
            await asyncio.wait(tasks)
        self._ready.put_nowait(None)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()


async def _each(requests: Iterable[Item] | AsyncIterable[Item]) -> AsyncGenerator[Item, None]:
    if isinstance(requests, AsyncIterable):
        async for item in requests:
            yield item
    else:
        for item in requests:
            yield item
            await asyncio.sleep(0)
