"""Ownership of a paid POST that is under way: the process owns it, not the call that requested it.

A caller may leave at any moment: by Ctrl-C, a cancelled task, a closed client, the end of an event loop or of the program. The
answer may contain the id of a paid job. So a thread of its own sends each POST, reads the answer and records it in the
ledger, even if no caller waits. A caller that leaves first waits up to `GRACE` seconds, and so does the interpreter.
"""

from __future__ import annotations

import atexit
import logging
import os
import shlex
import threading
import time
from collections.abc import Callable, Iterable
from queue import Empty, SimpleQueue
from typing import TYPE_CHECKING, Protocol
from weakref import WeakSet

from .. import logs
from ..errors import GrokImagineError, NotDelivered, TransportError
from ..parsing import shown

if TYPE_CHECKING:
    from ..answers.answer import Answer
    from ..core.results import Job

GRACE = 5.0
"""Seconds to wait for the answer to a paid POST when its caller leaves, a client is closed, or the program ends."""

IDLE = 0.1
"""Seconds that an idle thread waits for another POST."""

TICK = 1.0
"""Seconds; longer waits are split into such pieces, since on Windows nothing else lets Ctrl-C through."""

_under_way: set[Post] = set()
_batches: WeakSet[Closing] = WeakSet()
_registry = threading.Lock()
_is_watched = _is_ending = False


class Closing(Protocol):
    """A source of POSTs that has to end before the program does: a batch."""

    def drop(self) -> None:
        """Starts the shutdown without waiting, and logs the jobs that would be lost."""

    def close(self, grace: float = ...) -> None:
        """Waits for the shutdown, at most `grace` seconds."""


class PostCancelled(Exception):
    """The caller left before the first byte was sent: the POST must not be sent."""


class Post:
    """A paid POST with all its attempts, from before its intent is recorded until its outcome is.

    Args:
        settle: Returns the job from an attempt's answer or error, or raises; records the outcome durably. Runs in the attempt's
            thread.
        on_abandoned_result: Called with the job or None, and the error or None, if the caller has left.

    Attributes:
        job: The started job, when it is known.
        error: The error of the last attempt, when it is known.
        is_cancelled: Whether the POST must not be sent.
    """

    __slots__ = (
        "__weakref__", "_detached", "_done", "_latch", "_lock", "_sent", "_settle", "error", "is_cancelled", "job",
        "on_abandoned_result",
    )  # fmt: skip

    def __init__(
        self,
        settle: Callable[[Answer | GrokImagineError], Job],
        on_abandoned_result: Callable[[Job | None, BaseException | None], object],
    ) -> None:
        self._settle = settle
        self.on_abandoned_result = on_abandoned_result
        self._lock = threading.Lock()
        # A plain lock: unlike an Event, Ctrl-C can't interrupt it halfway.
        self._latch = threading.Lock()
        self._latch.acquire()
        self._sent = self._detached = self._done = self.is_cancelled = False
        self.job: Job | None = None
        self.error: BaseException | None = None
        _add(self)

    def start(self, exchange: Callable[[Post], Answer], on_done: Callable[[], object]) -> None:
        """Makes an attempt and settles its outcome in a thread, which calls `on_done` at the end."""
        claim = threading.Lock()  # a signal handler may raise in `Thread.start` although the thread already runs

        def work() -> None:
            if claim.acquire(blocking=False):
                self.run(exchange, on_done)

        try:
            _threads.do(work)
        except BaseException as error:
            if not claim.acquire(blocking=False):
                raise
            if not _cannot_start_thread(error):  # nothing was sent, and nothing will be
                on_done()
                raise
            self.run(exchange, on_done)

    def run(self, exchange: Callable[[Post], Answer], on_done: Callable[[], object]) -> None:
        """Makes an attempt and settles its outcome, in this thread."""
        try:
            try:
                outcome: Answer | GrokImagineError = exchange(self)
            except GrokImagineError as error:
                outcome = error
            except BaseException as error:  # whatever it is, a caller waits for the outcome
                outcome = TransportError(f"{type(error).__name__} while it was sent")
                outcome.__cause__ = error
                if not isinstance(error, Exception):  # Ctrl-C where the caller itself sends
                    self.finish(outcome)
                    raise
            self.finish(outcome)
        finally:
            on_done()

    def finish(self, outcome: Answer | GrokImagineError) -> None:
        """Settles the outcome of an attempt, unless the POST was cancelled."""
        with self._lock:
            self._sent = self._sent or not self.is_cancelled  # too late to cancel it
        if not self._sent:
            return
        try:
            self.job = self._settle(outcome)
        except BaseException as error:
            self.error = error
        with self._lock:
            self._done, is_detached = True, self._detached
        self._latch.release()
        if is_detached:
            self.on_abandoned_result(self.job, self.error)
            self.end()

    def reset(self) -> None:
        """Allows another attempt after one that started no job."""
        with self._lock:
            if self._done and not self.is_cancelled:
                self._sent = self._done = False
                self.error = None
                self._latch.acquire()

    def sending(self) -> None:
        """Marks the POST as sent, before its first byte.

        Raises:
            PostCancelled: The POST must not be sent.
        """
        with self._lock:
            if self.is_cancelled or _is_ending:
                raise PostCancelled
            self._sent = True

    def wait(self, timeout: float) -> bool:
        """Waits until the attempt is settled. Returns whether it is within `timeout` seconds."""
        if not self._done and self._latch.acquire(timeout=max(timeout, 0.0)):
            self._latch.release()
        return self._done

    def result(self) -> Job:
        """Returns the job of a settled attempt, or raises its error."""
        if self.job is None:
            assert self.error is not None
            raise self.error
        return self.job

    def cancel(self) -> bool:
        """Prevents the POST from being sent, without waiting for its thread. Returns False if it may have been sent."""
        with self._lock:
            if not (self._sent or self.is_cancelled):
                self.is_cancelled = self._done = True
                self.error = NotDelivered("its caller left before it was sent")
                self._latch.release()
            return self.is_cancelled

    def detach(self) -> bool:
        """Detaches the caller. Returns True if the attempt is settled; otherwise `on_abandoned_result` gets its outcome."""
        with self._lock:
            self._detached = not self._done
            return self._done

    def cancel_or_wait(self) -> None:
        """Cancels the POST, or if it may have been sent, waits up to `GRACE` seconds for its answer."""
        if not self.cancel():
            self.wait(GRACE)

    def end(self) -> None:
        """Stops tracking the POST, unless its outcome is still open and its caller has left."""
        if not self._detached or self._done:
            with _registry:
                _under_way.discard(self)


class Threads:
    """A pool of daemon threads. An idle thread is reused for a while."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._work: SimpleQueue[Callable[[], object]] = SimpleQueue()
        self._idle = 0

    def do(self, work: Callable[[], object]) -> None:
        """Runs `work` in a thread."""
        with self._lock:
            is_taken = self._idle > 0
            self._idle -= is_taken
        if is_taken:
            self._work.put(work)
            return
        first = [work]  # not the work itself, which a thread would keep to its end
        threading.Thread(target=self._serve, args=(first,), name="grok-imagine-post", daemon=True).start()

    def _serve(self, first: list[Callable[[], object]]) -> None:
        work: Callable[[], object] | None = first.pop()
        while work:
            work()
            work = None  # an idle thread keeps no reference to it
            work = self._next()

    def _next(self) -> Callable[[], object] | None:
        with self._lock:
            self._idle += 1
        while True:
            try:
                return self._work.get(timeout=IDLE)
            except Empty:
                with self._lock:
                    if self._idle:  # otherwise work is about to arrive
                        self._idle -= 1
                        return None


_threads = Threads()


def _cannot_start_thread(error: BaseException) -> bool:
    """Whether `threading` itself raised: the interpreter ends, or there are too many threads."""
    last = error.__traceback__
    while last and last.tb_next:
        last = last.tb_next
    return (
        isinstance(error, RuntimeError) and last is not None and last.tb_frame.f_code.co_filename == threading.__file__
    )


def _add(post: Post) -> None:
    with _registry:
        _watch()
        _under_way.add(post)
        if _is_ending:
            post.cancel()


def close_at_exit(batch: Closing) -> None:
    """Closes a batch before the interpreter ends."""
    with _registry:
        _watch()
        _batches.add(batch)


def _watch() -> None:
    global _is_watched
    if not _is_watched:
        _is_watched = True
        atexit.register(_at_exit)
        if hasattr(os, "register_at_fork"):
            os.register_at_fork(after_in_child=_after_fork_in_child)


def cancel_or_wait_all(posts: Iterable[Post]) -> None:
    """Cancels POSTs, and waits up to `GRACE` seconds in all for the answers of those that may have been sent."""
    sent = [post for post in posts if not post.cancel()]
    end = time.monotonic() + GRACE
    for post in sent:
        post.wait(end - time.monotonic())


def _at_exit() -> None:
    """Gives the threads of open POSTs time to record or log their answers, since all callers have gone."""
    global _is_ending
    end = time.monotonic() + GRACE + TICK
    with _registry:
        batches, posts, _is_ending = list(_batches), list(_under_way), True
    for batch in batches:
        batch.drop()
    detached = [post for post in posts if not post.cancel() and not post.detach()]
    cancel_or_wait_all(detached)
    for post in posts:  # the thread of a POST reports what it settled after `detach`; the rest is reported here
        if post not in detached or not post.wait(0):
            post.on_abandoned_result(post.job, post.error)
    for batch in batches:
        batch.close(max(end - time.monotonic(), 0.0))


def _after_fork_in_child() -> None:
    """Drops the parent's POSTs, threads and locks: the child owns none of them."""
    global _registry, _threads
    _registry, _threads = threading.Lock(), Threads()
    _under_way.clear()
    _batches.clear()


def log_lost_job(text: str, *command: str) -> None:
    """Logs, as one ERROR line, a job that no exception can report, with the command that resumes it."""
    resuming = f"; to resume: {shown(shlex.join(command), 2000)}" if command else ""
    logs.tell(logging.ERROR, "%s%s", shown(text, 2000), resuming)
