"""Who owns a paid POST that is under way: the process, not the call that asked for it.

A caller may leave at any moment: by Ctrl-C, a cancelled task, a closed client, the end of an event loop or of the program. The
answer may hold the id of a job that was paid for. So a POST is sent by a thread of its own, which reads the answer and notes
it in the ledger, whoever still waits. A caller that leaves waits for `GRACE` seconds first, and so does the interpreter.
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

from ..errors import GrokImagineError, NotDelivered
from ..parsing import shown

if TYPE_CHECKING:
    from ..answers.answer import Answer
    from ..core.results import Job

GRACE = 5.0
"""Seconds that the answer to a paid POST is waited for when its caller leaves, a client is closed, or the program ends."""

IDLE = 0.1
"""Seconds for which a thread waits for another POST."""

TICK = 1.0
"""Seconds; a wait is made of such pieces, since on Windows nothing else lets Ctrl-C through."""

log = logging.getLogger("grok_imagine")

_under_way: set[Post] = set()
_batches: WeakSet[Closing] = WeakSet()
_registry = threading.Lock()
_is_watched = _is_ending = False


class Closing(Protocol):
    """What begins POSTs by itself, and is to be ended before the program is: a batch."""

    def drop(self) -> None:
        """Has it end soon, and tells what nothing else will."""

    def close(self, grace: float = ...) -> None:
        """Waits for that, for so many seconds at most."""


class Abandoned(Exception):
    """The caller left before the first byte was sent: nothing is sent any more."""


class Post:
    """A paid POST, from before its intent is noted until what came of it is, through as many tries as it takes.

    Args:
        settle: Makes the job of what came of a try, or raises, and notes what is certain where a crash can't take it. Runs in the
            try's own thread.
        forsaken: Told what came of it when the caller has left: the job or None, and the error or None.

    Attributes:
        job: The job that it started, when that is known.
        error: Why the last try started none, when that is known.
        is_abandoned: Whether nothing is sent any more.
    """

    __slots__ = (
        "__weakref__", "_disowned", "_done", "_forsaken", "_latch", "_lock", "_sent", "_settle", "error", "is_abandoned", "job",
    )  # fmt: skip

    def __init__(
        self,
        settle: Callable[[Answer | GrokImagineError], Job],
        forsaken: Callable[[Job | None, BaseException | None], object],
    ) -> None:
        self._settle = settle
        self._forsaken = forsaken
        self._lock = threading.Lock()
        # A bare lock, which Ctrl-C can't leave half taken, as it can an Event.
        self._latch = threading.Lock()
        self._latch.acquire()
        self._sent = self._disowned = self._done = self.is_abandoned = False
        self.job: Job | None = None
        self.error: BaseException | None = None
        _add(self)

    def start(self, exchange: Callable[[Post], Answer], then: Callable[[], object]) -> None:
        """Has a thread make a try and settle what comes; `then` is called at the end, in that thread."""
        claim = (
            threading.Lock()
        )  # what begins a thread may raise when the thread runs already: a signal handler's error

        def work() -> None:
            if claim.acquire(blocking=False):
                self.run(exchange, then)

        try:
            _threads.do(work)
        except BaseException as error:
            if not claim.acquire(blocking=False):
                raise
            if not _is_of_no_thread(error):  # nothing was sent, and nothing will be
                then()
                raise
            self.run(exchange, then)

    def run(self, exchange: Callable[[Post], Answer], then: Callable[[], object]) -> None:
        """Makes a try and settles what comes, here and now."""
        try:
            try:
                outcome: Answer | GrokImagineError = exchange(self)
            except GrokImagineError as error:
                outcome = error
            self.finish(outcome)
        finally:
            then()

    def finish(self, outcome: Answer | GrokImagineError) -> None:
        """Settles what came of a try, unless it was abandoned."""
        with self._lock:
            self._sent = self._sent or not self.is_abandoned  # too late to abandon it
        if not self._sent:
            return
        try:
            self.job = self._settle(outcome)
        except BaseException as error:
            self.error = error
        with self._lock:
            self._done, is_forsaken = True, self._disowned
        self._latch.release()
        if is_forsaken:
            self._forsaken(self.job, self.error)
            self.end()

    def renew(self) -> None:
        """Another try may be made: the last one, if there was one, started nothing."""
        with self._lock:
            if self._done and not self.is_abandoned:
                self._sent = self._done = False
                self.error = None
                self._latch.acquire()

    def sending(self) -> None:
        """The first byte of a try leaves now.

        Raises:
            Abandoned: It must not.
        """
        with self._lock:
            if self.is_abandoned or _is_ending:
                raise Abandoned
            self._sent = True

    def wait(self, timeout: float) -> bool:
        """Whether the try is settled within so many seconds."""
        if not self._done and self._latch.acquire(timeout=max(timeout, 0.0)):
            self._latch.release()
        return self._done

    def result(self) -> Job:
        """The job, once the try is settled; raises why there is none."""
        if self.job is None:
            assert self.error is not None
            raise self.error
        return self.job

    def abandon(self) -> bool:
        """Keeps it from being sent, for which its thread need not be waited for. False if it may have been sent already."""
        with self._lock:
            if not (self._sent or self.is_abandoned):
                self.is_abandoned = self._done = True
                self.error = NotDelivered("its caller left before it was sent")
                self._latch.release()
            return self.is_abandoned

    def disown(self) -> bool:
        """The caller leaves for good. True if the try is settled; else `forsaken` is told what comes of it."""
        with self._lock:
            self._disowned = not self._done
            return self._done

    def leave(self) -> None:
        """The caller leaves: keeps the POST from being sent, or else waits a moment for its answer."""
        if not self.abandon():
            self.wait(GRACE)

    def end(self) -> None:
        """What came of it is noted, or the caller is there to see to that."""
        if not self._disowned or self._done:
            with _registry:
                _under_way.discard(self)


class Threads:
    """Daemon threads, of which one that has nothing to do is used again for a while."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._work: SimpleQueue[Callable[[], object]] = SimpleQueue()
        self._idle = 0

    def do(self, work: Callable[[], object]) -> None:
        """Has a thread do it."""
        with self._lock:
            is_taken = self._idle > 0
            self._idle -= is_taken
        if is_taken:
            self._work.put(work)
            return
        threading.Thread(target=self._serve, args=(work,), name="grok-imagine-post", daemon=True).start()

    def _serve(self, work: Callable[[], object] | None) -> None:
        while work:
            work()
            work = None  # nothing of it lives on while there is nothing to do
            work = self._next()

    def _next(self) -> Callable[[], object] | None:
        with self._lock:
            self._idle += 1
        while True:
            try:
                return self._work.get(timeout=IDLE)
            except Empty:
                with self._lock:
                    if self._idle:  # else work is on its way
                        self._idle -= 1
                        return None


_threads = Threads()


def _is_of_no_thread(error: BaseException) -> bool:
    """Whether an error says that no thread can be begun: the interpreter ends, or there are too many."""
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
            post.abandon()


def close_at_exit(batch: Closing) -> None:
    """Has a batch end before the interpreter does."""
    with _registry:
        _watch()
        _batches.add(batch)


def _watch() -> None:
    global _is_watched
    if not _is_watched:
        _is_watched = True
        atexit.register(_at_exit)
        if hasattr(os, "register_at_fork"):
            os.register_at_fork(after_in_child=_begin_anew)


def leave_all(posts: Iterable[Post]) -> None:
    """Keeps POSTs from being sent, or else waits for their answers, for a moment in all."""
    sent = [post for post in posts if not post.abandon()]
    end = time.monotonic() + GRACE
    for post in sent:
        post.wait(end - time.monotonic())


def _at_exit() -> None:
    """Nobody is left to take the answers: each is noted, or told, by its own thread, which is given a moment for it."""
    global _is_ending
    end = time.monotonic() + GRACE + TICK
    with _registry:
        batches, posts, _is_ending = list(_batches), list(_under_way), True
    for batch in batches:
        batch.drop()
    disowned = [post for post in posts if not post.abandon() and not post.disown()]
    leave_all(disowned)
    for post in posts:  # what was settled meanwhile is told by the POST's thread; what was before, by nobody yet
        if post not in disowned or not post.wait(0):
            post._forsaken(post.job, post.error)
    for batch in batches:
        batch.close(max(end - time.monotonic(), 0.0))


def _begin_anew() -> None:
    """A child process owns none of its parent's POSTs, nor the threads that would release its locks."""
    global _registry, _threads
    _registry, _threads = threading.Lock(), Threads()
    _under_way.clear()
    _batches.clear()


def tell(text: str, *command: str) -> None:
    """One ERROR line for what no exception can carry, with the command that takes it up."""
    log.error("%s%s", shown(text, 2000), f"; to take it up: {shown(shlex.join(command), 2000)}" if command else "")
