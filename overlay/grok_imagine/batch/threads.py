"""Runs the flows of a batch for the blocking client, each in a thread. `tasks` is the asynchronous counterpart."""

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
from ..transport.sync import Stop
from .outcome import BatchClosed, BatchItem, Outcome
from .runner import BatchRunner, BatchStats

__all__ = ["Batch"]

END: Any = object()
Run: TypeAlias = Callable[[Flow[list[Outcome]], Stop], list[Outcome]]


class Engine:
    """The threads of a running batch. It has no reference to the `Batch`, whose collection ends it.

    The threads are daemons: the ledger or a POST's thread holds everything that must survive the end of the program.
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
        """Starts to pull requests."""
        self.is_started = True
        close_at_exit(self)
        threading.Thread(target=self._pull, name="grok-imagine-requests", daemon=True).start()

    def on_outcome_read(self, outcome: Outcome) -> None:
        """Counts an outcome as read, so that another request may be pulled."""
        self.runner.on_read(outcome)
        with self._changed:
            self._taken += 1
            self._changed.notify_all()

    def stop(self) -> None:
        """Ends the batch without waiting. May be called in any thread."""
        if self.is_started and not self._stop.is_set():
            self._stop.set()
            self._note_change()

    def drop(self) -> None:
        """Ends an abandoned batch without waiting, and logs the jobs that are left unless a durable ledger has them."""
        if self.is_started and not self._stop.is_set():
            self.runner.log_left_jobs()
        self.stop()

    def close(self, grace: float = GRACE + TICK) -> None:
        """Ends the batch, and waits a moment for the paid requests that are under way."""
        self.stop()
        end = time.monotonic() + grace
        with self._changed:
            while self._pulled > self._ended and (left := end - time.monotonic()) > 0:
                self._changed.wait(min(left, TICK))
        self.runner.log_left_jobs()
        self.ready.put(None)

    @property
    def is_idle(self) -> bool:
        """Whether no request is running, and none will start."""
        return self._pulled == self._ended and self._stop.is_set()

    def _note_change(self) -> None:
        with self._changed:
            self._changed.notify_all()

    def _pull(self) -> None:
        """Pulls requests while there is room, in its own thread, since an iterable may block."""
        failure: BaseException | None = None
        try:
            source = iter(self._requests)
            while self._wait_for_room():
                item = next(source, END)
                if item is END or self._stop.is_set():
                    break
                self._begin(self.runner.take(item))
        except BaseException as error:  # raised at the end: running requests finish first
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
            threading.Thread(target=self._run_flow, args=(flow,), name="grok-imagine-batch", daemon=True).start()
        except BaseException:
            with self._changed:
                self._ended += 1
            raise

    def _run_flow(self, flow: Flow[list[Outcome]]) -> None:
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
    """The outcomes of many requests, in the order in which they finish. It works in the background until it ends or is closed.

    Closing it, also by Ctrl-C, waits a moment for the paid requests that are under way. Running jobs go on: the same batch
    with the same ledger resumes them.
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
        self._engine.on_outcome_read(outcome)
        return outcome

    def _next(self) -> Outcome:
        while True:
            try:  # in short waits, since on Windows nothing else lets Ctrl-C through
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
        """Ends the batch, and waits a moment for the paid requests that are under way."""
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
