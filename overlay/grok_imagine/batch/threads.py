"""Runs the flows of a batch for the blocking client, each in a thread of its own. `tasks` is the twin."""

from __future__ import annotations

import queue
import threading
import time
import weakref
from collections.abc import Callable, Iterable, Iterator
from types import TracebackType
from typing import Any, Self, TypeAlias

from ..core.effects import Flow
from ..posting.post import GRACE, TICK, close_at_exit
from ..transport.stop import Stop
from .outcome import BatchClosed, BatchItem, Outcome
from .runner import BatchRunner, BatchStats

__all__ = ["Batch"]

END: Any = object()
Run: TypeAlias = Callable[[Flow[list[Outcome]], Stop], list[Outcome]]


class Engine:
    """A batch at work. It does not know the `Batch`, so that one that is dropped ends it.

    Its threads are daemons: what must not be lost when the program ends is in the ledger, or is owned by a POST's thread.
    """

    def __init__(self, runner: BatchRunner, requests: Iterable[BatchItem], run: Run, concurrency: int) -> None:
        self.runner = runner
        self.ready: queue.SimpleQueue[Outcome | BaseException | None] = queue.SimpleQueue()
        self.is_started = False
        self._requests = requests
        self._run = run
        self._concurrency = concurrency
        self._stop = Stop(BatchClosed)
        self._changed = threading.Condition()
        self._pulled = self._ended = self._taken = 0
        runner.on_running = self._note_change

    def start(self) -> None:
        """Begins to pull requests."""
        self.is_started = True
        close_at_exit(self)
        threading.Thread(target=self._pull, name="grok-imagine-requests", daemon=True).start()

    def took(self) -> None:
        """An outcome was taken: another request may be pulled."""
        with self._changed:
            self._taken += 1
            self._changed.notify_all()

    def stop(self) -> None:
        """Has all end soon; from any thread, and without waiting."""
        if self.is_started and not self._stop.is_set():
            self._stop.set()
            self._note_change()

    def drop(self) -> None:
        """Nobody will read any more, or close it: the jobs that go on are told, unless a ledger that stays has them."""
        if self.is_started and not self._stop.is_set():
            self.runner.tell_running()
        self.stop()

    def close(self, grace: float = GRACE + TICK) -> None:
        """Has all end, and waits a moment for the paid requests that are under way."""
        self.stop()
        end = time.monotonic() + grace
        with self._changed:
            while self._pulled > self._ended and (left := end - time.monotonic()) > 0:
                self._changed.wait(min(left, TICK))
        self.ready.put(None)

    @property
    def is_idle(self) -> bool:
        """Whether no request is seen to, and none will be."""
        return self._pulled == self._ended and self._stop.is_set()

    def _note_change(self) -> None:
        with self._changed:
            self._changed.notify_all()

    def _pull(self) -> None:
        """Pulls a request whenever there is room for it. In its own thread, since an iterable may take its time."""
        failure: BaseException | None = None
        try:
            source = iter(self._requests)
            while self._wait_for_room():
                item = next(source, END)
                if item is END or self._stop.is_set():
                    break
                self._begin(self.runner.take(item))
        except BaseException as error:  # told at the end: those that run go on to theirs
            failure = error
        with self._changed:
            while self._pulled > self._ended:
                self._changed.wait(TICK)
        self.ready.put(failure)
        self.ready.put(None)

    def _wait_for_room(self) -> bool:
        with self._changed:
            while not self._stop.is_set():
                if self.runner.has_room(self._pulled, self._ended, self._taken, self._concurrency):
                    return True
                self._changed.wait(TICK)
            return False

    def _begin(self, flow: Flow[list[Outcome]]) -> None:
        with self._changed:
            self._pulled += 1
        try:
            threading.Thread(target=self._see_to, args=(flow,), name="grok-imagine-batch", daemon=True).start()
        except BaseException:
            with self._changed:
                self._ended += 1
            raise

    def _see_to(self, flow: Flow[list[Outcome]]) -> None:
        try:
            for outcome in self._run(flow, self._stop):
                self.ready.put(outcome)
        except BaseException as error:
            self.ready.put(error)
        finally:
            with self._changed:
                self._ended += 1
                self._changed.notify_all()


class Batch(BatchStats, Iterator[Outcome]):
    """The outcomes of many requests, as they finish. It works on in the background until it is closed, dropped or at its end.

    Closing it, by Ctrl-C too, waits a moment for the paid requests that are under way. Jobs that run go on: the same batch, with
    the same ledger, takes them up.
    """

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._runner = engine.runner
        self._finalizer = weakref.finalize(self, engine.drop)

    def __next__(self) -> Outcome:
        if not self._engine.is_started:
            self._engine.start()
        try:
            outcome = self._next()
        except BaseException as error:
            if not isinstance(error, StopIteration):
                self._note_running(error)
                self.close()
            raise
        self._engine.took()
        return outcome

    def _next(self) -> Outcome:
        while True:
            try:  # in ticks, since on Windows nothing else lets Ctrl-C through
                got = self._engine.ready.get(timeout=TICK)
            except queue.Empty:
                continue
            if got is None:
                self._engine.ready.put(None)
                self._runner.finish()
                raise StopIteration
            if isinstance(got, BaseException):
                raise got
            return got

    def close(self) -> None:
        """Ends it, and waits a moment for the paid requests that are under way."""
        self._engine.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if error is None:
            self._engine.drop()
        else:
            self._note_running(error)
        self.close()
