"""Runs the flows of a batch for the blocking client: all of them in one thread, what they wait for in a few others."""

from __future__ import annotations

import heapq
import itertools
import queue
import threading
import time
import weakref
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from types import TracebackType
from typing import Any, Self

from .batch import AHEAD, STARTING, BatchClosed, Item, Outcome, Tally, Work
from .commands import Blocking, Command, Flow, Sleep
from .drivers import SyncDriver

__all__ = ["Batch"]

NOTES = 4
"""Lines of the ledger and questions to the quota at once."""

TICK = 1.0
"""Seconds after which one who waits for news looks whether the program has ended."""


class Interleaver:
    """Runs many flows at once. One that sleeps costs no thread; what else it asks for is done by one of a few.

    Args:
        do: Does what a flow asks for.
        threads: How many things are done at once.
        clock: Monotonic seconds.
        sleep: Pauses while nothing is under way, where that is not to be done by waiting for news; for tests.

    Attributes:
        ended: The results, or errors, of flows that have ended.
    """

    def __init__(
        self,
        do: Callable[[Command], object],
        threads: int,
        clock: Callable[[], float],
        sleep: Callable[[float], object] | None,
    ) -> None:
        self._do = do
        self._pool = ThreadPoolExecutor(threads, thread_name_prefix="grok-imagine")
        # Of its own: an id must not wait behind requests.
        self._notes = ThreadPoolExecutor(NOTES, thread_name_prefix="grok-imagine-notes")
        self._clock = clock
        self._sleep = sleep
        self._sleeping: list[tuple[float, int, Flow[Any]]] = []
        self._order = itertools.count()
        self._news: queue.SimpleQueue[tuple[Flow[Any], object, BaseException | None] | None] = queue.SimpleQueue()
        self._busy = 0
        self._closing = False
        self.ended: list[tuple[Any, BaseException | None]] = []

    def __len__(self) -> int:
        """How many flows have not ended."""
        return self._busy + len(self._sleeping)

    def add(self, flow: Flow[Any]) -> None:
        """Begins a flow."""
        self._go_on(flow, None, None)

    def wake(self) -> None:
        """Ends a wait; from any thread."""
        self._news.put(None)

    def step(self) -> None:
        """Waits until something happens, for a second at most, and lets the flows go on that it concerns."""
        now = self._clock()
        while self._sleeping and self._sleeping[0][0] <= now:
            self._go_on(heapq.heappop(self._sleeping)[2], None, None)
        if self.ended:
            return
        pause = max(self._sleeping[0][0] - self._clock(), 0.0) if self._sleeping else TICK
        if self._sleep and self._sleeping and not self._busy:
            self._sleep(pause)
            return
        try:
            news = self._news.get(timeout=min(pause, TICK))
            while True:
                self._take(news)
                news = self._news.get_nowait()
        except queue.Empty:
            return

    def _take(self, news: tuple[Flow[Any], object, BaseException | None] | None) -> None:
        if news is not None:
            self._busy -= 1
            self._go_on(*news)

    def _go_on(self, flow: Flow[Any], value: object, error: BaseException | None) -> None:
        while True:
            try:
                command = flow.send(value) if error is None else flow.throw(error)
            except StopIteration as stop:
                self.ended.append((stop.value, None))
                return
            except BaseException as failure:
                self.ended.append((None, failure))
                return
            if not self._closing and self._begin(flow, command):
                return
            # Nothing is begun any more, but for what is to be noted of jobs that were.
            value, error = None, BatchClosed("the batch was closed")
            if isinstance(command, Blocking):
                value, error = self._carried_out(command)

    def _begin(self, flow: Flow[Any], command: Command) -> bool:
        if isinstance(command, Sleep):
            heapq.heappush(self._sleeping, (self._clock() + command.seconds, next(self._order), flow))
            return True
        pool = self._notes if isinstance(command, Blocking) else self._pool
        try:
            pool.submit(lambda: self._news.put((flow, *self._carried_out(command))))
        except RuntimeError:  # the program ends: its pools take nothing more
            self._closing = True
            return False
        self._busy += 1
        return True

    def _carried_out(self, command: Command) -> tuple[object, BaseException | None]:
        if self._closing and not isinstance(command, Blocking):  # it stood in line, and was not sent
            return None, BatchClosed("the batch was closed")
        try:
            return self._do(command), None
        except BaseException as error:
            return None, error

    def close(self) -> None:
        """Ends all flows. Waits for what is under way, so that the id of a job that was paid for is noted."""
        self._closing = True
        while self._sleeping:
            self._go_on(heapq.heappop(self._sleeping)[2], None, BatchClosed("the batch was closed"))
        while self._busy:
            self._take(self._news.get())
        self._pool.shutdown()
        self._notes.shutdown()


END: Any = object()


class Engine:
    """A batch at work in a thread of its own. It does not know the `Batch`, so that one that is dropped ends it."""

    def __init__(self, work: Work, requests: Iterable[Item], flows: Interleaver, concurrency: int) -> None:
        self.work = work
        self.ready: queue.SimpleQueue[Outcome | BaseException | None] = queue.SimpleQueue()
        self.taken = 0
        self._requests = requests
        self._pulls: queue.SimpleQueue[tuple[Any, BaseException | None]] = queue.SimpleQueue()
        self._wanted = threading.Semaphore(0)
        self._asked = self._drained = False
        self._flows = flows
        self._concurrency = concurrency
        self._pulled = 0
        self._closing = False
        self._failure: BaseException | None = None
        self.thread = threading.Thread(target=self._serve, name="grok-imagine-batch")

    def close(self) -> None:
        """Has the thread end soon; from any thread."""
        self._closing = True
        self._flows.wake()

    def took(self) -> None:
        """An outcome was taken: another request may be pulled."""
        self.taken += 1
        self._flows.wake()

    def _serve(self) -> None:
        threading.Thread(target=self._pull, name="grok-imagine-requests", daemon=True).start()
        try:
            while not self._closing and threading.main_thread().is_alive():
                self._fill()
                self._hand_over()
                if self._drained and not len(self._flows):
                    return
                self._flows.step()
                self._hand_over()
            if not self._closing:
                self._failure = BatchClosed("the program's main thread has ended, and with it the batch")
        except BaseException as error:
            self._failure = error
        finally:
            self._closing = True
            self._wanted.release()
            self._flows.close()
            self._hand_over()
            self.ready.put(self._failure)
            self.ready.put(None)

    def _fill(self) -> None:
        while (
            not self._drained
            and len(self._flows) < self._concurrency
            and len(self._flows) - len(self.work.running) < STARTING
            and self._pulled - self.taken < AHEAD * self._concurrency
            and not self._closing
        ):
            if not self._asked:
                self._asked = True
                self._wanted.release()
            try:
                item, failure = self._pulls.get_nowait()
            except queue.Empty:
                return
            self._asked = False
            if item is END:  # an error is told at the end: those that run go on to theirs
                self._drained, self._failure = True, failure
                return
            self._pulled += 1
            self._flows.add(self.work.take(item))

    def _pull(self) -> None:
        """Pulls a request whenever one is wanted. Apart, since an iterable may take its time, and an id must not wait for it."""
        item: object = None
        failure: BaseException | None = None
        source: Iterator[Item] | None = None
        while item is not END:
            self._wanted.acquire()
            if self._closing:
                return
            try:
                source = source or iter(self._requests)
                item = next(source, END)
            except BaseException as error:
                item, failure = END, error
            self._pulls.put((item, failure))
            self._flows.wake()

    def _hand_over(self) -> None:
        ended, self._flows.ended = self._flows.ended, []
        for outcomes, error in ended:
            if error is not None:
                self.ready.put(error)
            for outcome in outcomes or ():
                self.ready.put(outcome)


class Batch(Tally, Iterator[Outcome]):
    """The outcomes of many requests, as they finish. It works on in the background until it is closed, dropped or at its end.

    Closing it, by Ctrl-C too, waits for the requests that are under way. Jobs that run go on: the same batch, with the same
    ledger, takes them up.
    """

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._work = engine.work
        self._finalizer = weakref.finalize(self, engine.close)

    def __next__(self) -> Outcome:
        engine = self._engine
        if engine.thread.ident is None:
            engine.thread.start()
        try:
            outcome = self._next()
        except BaseException as error:
            if not isinstance(error, StopIteration):
                self._note_running(error)
                self.close()
            raise
        engine.took()
        return outcome

    def _next(self) -> Outcome:
        while True:
            try:  # in ticks, since on Windows nothing else lets Ctrl-C through
                got = self._engine.ready.get(timeout=TICK)
            except queue.Empty:
                continue
            if got is None:
                self._engine.ready.put(None)
                self._work.finish()
                raise StopIteration
            if isinstance(got, BaseException):
                raise got
            return got

    def close(self) -> None:
        """Ends it, and waits for the requests that are under way."""
        self._engine.close()
        if self._engine.thread.ident is not None:
            self._engine.thread.join()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


def start(
    work: Work, requests: Iterable[Item], driver: SyncDriver, concurrency: int, clock: Callable[[], float]
) -> Batch:
    """A batch that a blocking client's driver carries out."""
    own_sleep = None if driver.sleep is time.sleep else driver.sleep
    flows = Interleaver(driver.do, driver.connections, clock, own_sleep)
    batch = Batch(Engine(work, requests, flows, concurrency))
    driver.batches.add(batch)
    return batch
