"""Runs flows by blocking. The flows decide what is done; `aio` runs the same ones by awaiting."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from contextlib import closing
from inspect import GEN_CLOSED, getgeneratorstate
from typing import TypeVar
from weakref import WeakSet

from ..answers.answer import Answer
from ..config import Config
from ..core.effects import Blocking, Call, Effect, Flow, Sleep, Stream
from ..core.results import Job
from ..errors import GrokImagineError, NotDelivered
from ..parsing import redact
from ..posting.post import TICK, Closing, Post, cancel_or_wait_all
from .exchange import Exchange
from .failures import typed
from .files import chunks_of, files_client, head_of, log_head, ready
from .http_clients import HttpClient, lender_of
from .redaction import Hidden, hiding
from .simulated import SimulatedTime

T = TypeVar("T")

STOP_TICK = 0.05
"""Seconds between the checks for a stop while an answer is waited for."""


class Stop:
    """Ends flows that run in threads of their own: what is asked for after it, or is waited for, raises its error."""

    __slots__ = ("_error", "_event")

    def __init__(self, error: Callable[[], Exception]) -> None:
        self._error = error
        self._event = threading.Event()

    def set(self) -> None:
        """Ends them; from any thread."""
        self._event.set()

    def is_set(self) -> bool:
        """Whether they are to end."""
        return self._event.is_set()

    def check(self) -> None:
        """Raises if they are to end."""
        if self._event.is_set():
            raise self._error()

    def sleep(self, seconds: float) -> None:
        """Pauses; raises as soon as they are to end."""
        if self._event.wait(seconds):
            raise self._error()


def waited_too_long(limit: float) -> NotDelivered:
    """The error of a request that never got its turn."""
    return NotDelivered(f"waited {limit:g} s for other requests of this client to end")


class SyncDriver:
    """Runs flows by blocking. Safe for threads: requests wait in front of the pool, not in it."""

    def __init__(
        self,
        config: Config,
        http: HttpClient | None,
        sleep: Callable[[float], object] | None = None,
        download_client: HttpClient | None = None,
        simulated: SimulatedTime | None = None,
    ) -> None:
        self._config = config
        self._lender = lender_of(config, "Client", http, download_client)
        self._simulated = simulated
        self.sleep = sleep or (simulated.pause if simulated else time.sleep)
        self.batches: WeakSet[Closing] = WeakSet()
        self._is_given = http is not None
        self._exchange = Exchange(config, http)
        self._gate = threading.BoundedSemaphore(config.max_connections)
        self._posts: dict[Post, None] = {}

    def run(self, flow: Flow[T], stop: Stop | None = None) -> T:
        """Runs a flow to its end. What interrupts it, an effect or what stands between them, is raised in the flow."""
        if self._simulated:
            with self._simulated.working():
                return self._run(flow, stop)
        return self._run(flow, stop)

    def _run(self, flow: Flow[T], stop: Stop | None) -> T:
        value: object = None
        failure: BaseException | None = None
        while True:
            try:
                effect = flow.send(value) if failure is None else flow.throw(failure)
                value, failure = None, None
                value = self.do(effect, stop)
            except BaseException as error:
                failure = error if getgeneratorstate(flow) != GEN_CLOSED else None
                if failure:  # the flow goes on
                    continue
                if isinstance(error, StopIteration):
                    result: T = error.value
                    return result
                if isinstance(error, GrokImagineError):
                    redact(error, self._config.api_key)
                raise

    def do(self, effect: Effect, stop: Stop | None = None) -> object:
        """Carries out an effect."""
        if isinstance(effect, Blocking):  # also when it is to end: a ledger's line is not left out
            return effect.work()
        if stop:
            stop.check()
        if isinstance(effect, Call):
            return self._send(effect, stop)
        if isinstance(effect, Sleep):
            if stop and self.sleep is time.sleep:
                stop.sleep(effect.seconds)
                return None
            return self.sleep(effect.seconds)
        if isinstance(effect, Stream):
            self._stream(effect)
            return None
        if self._simulated:
            with self._simulated.away():
                return effect.callback(effect.value)
        return effect.callback(effect.value)

    def _send(self, call: Call, stop: Stop | None) -> Answer | Job:
        self._config.check_open()
        limit = self._config.request_timeout if call.timeout is None else call.timeout
        begin = time.monotonic()
        if not self._gate.acquire(timeout=limit):
            raise waited_too_long(limit)
        if call.post:
            return self._post(call, call.post, stop)
        try:
            left = None if call.timeout is None else max(0.001, limit - (time.monotonic() - begin))
            return self._exchange.send(call.request, left)
        finally:
            self._gate.release()

    def _post(self, call: Call, post: Post, stop: Stop | None) -> Job:
        exchange, gate = self._exchange, self._gate

        def on_done() -> None:
            self._posts.pop(post, None)
            gate.release()

        self._posts[post] = None
        post.start(lambda post: exchange.send(call.request, call.timeout, post), on_done)
        try:
            while not post.wait(TICK if stop is None else STOP_TICK):
                if stop:
                    stop.check()
        except BaseException:
            post.cancel_or_wait()
            raise
        return post.result()

    def _stream(self, stream: Stream) -> None:
        (place, request), begin = ready(stream, self._config), time.monotonic()
        with closing(files_client(place, self._config, self._lender)) as files:
            with typed(place), hiding(Hidden.HEADERS):
                response = files.send(files.build_request(**request), stream=True)
            with closing(response):
                log_head(stream, place, response, time.monotonic() - begin)
                stream.sink.begin(head_of(response, place))
                chunks = chunks_of(response)
                while True:
                    with typed(place):  # what is raised where a chunk is used is left alone
                        chunk = next(chunks, None)
                    if chunk is None:
                        return
                    stream.sink.write(chunk)

    def after_fork_in_child(self) -> None:
        """In a child process: nothing of the parent's is under way, no lock is held, and its connections are its own."""
        self._gate = threading.BoundedSemaphore(self._config.max_connections)
        self._posts.clear()
        self.batches.clear()
        if self._is_given:
            self._config.closed = "its http_client was made before the fork; make a client in the child process"
        self._exchange.after_fork_in_child()

    def close(self) -> None:
        """Closes the connections, unless the HTTP client was given. Answers to paid POSTs are waited for, for a moment."""
        for batch in list(self.batches):
            batch.close()
        self._config.closed = "this client was closed; make another"
        cancel_or_wait_all(list(self._posts))
        self._exchange.close()
