"""Runs flows by blocking. What is to be done is decided in `flow` and `polling`; `async_driver` is the twin."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from contextlib import closing
from inspect import GEN_CLOSED, getgeneratorstate
from typing import TypeVar
from weakref import WeakSet

import httpx

from ..answers.answer import Answer
from ..config import Settings
from ..core.effects import Blocking, Call, Command, Flow, Sleep, Stream
from ..core.results import Job
from ..errors import GrokImagineError, NotDelivered, blot
from ..posting.post import TICK, Closing, Post, leave_all
from .clients import chunks_of, files_client, typed
from .exchange import Exchange
from .redaction import Hidden, hiding
from .stop import Stop

T = TypeVar("T")

STOP_TICK = 0.05
"""Seconds after which one who waits for an answer looks whether it is to end."""


def waited_too_long(limit: float) -> NotDelivered:
    """The error of a request that never got its turn."""
    return NotDelivered(f"waited {limit:g} s for other requests of this client to end")


class SyncDriver:
    """Runs flows by blocking. Safe for threads: requests wait in front of the pool, not in it."""

    def __init__(
        self, settings: Settings, http: httpx.Client | None, sleep: Callable[[float], object] | None = None
    ) -> None:
        self._settings = settings
        self.sleep = sleep or time.sleep
        self.batches: WeakSet[Closing] = WeakSet()
        self._is_given = http is not None
        self._exchange = Exchange(settings, http)
        self._gate = threading.BoundedSemaphore(settings.max_connections)
        self._posts: dict[Post, None] = {}

    def run(self, flow: Flow[T], stop: Stop | None = None) -> T:
        """Runs a flow to its end. What interrupts it, a command or what stands between them, is raised in the flow."""
        value: object = None
        failure: BaseException | None = None
        while True:
            try:
                command = flow.send(value) if failure is None else flow.throw(failure)
                value, failure = None, None
                value = self.do(command, stop)
            except BaseException as error:
                failure = error if getgeneratorstate(flow) != GEN_CLOSED else None
                if failure:  # the flow goes on
                    continue
                if isinstance(error, StopIteration):
                    result: T = error.value
                    return result
                if isinstance(error, GrokImagineError):
                    blot(error, self._settings.api_key)
                raise

    def do(self, command: Command, stop: Stop | None = None) -> object:
        """Carries out a command."""
        if isinstance(command, Blocking):  # also when it is to end: a ledger's line is not left out
            return command.work()
        if stop:
            stop.check()
        if isinstance(command, Call):
            return self._send(command, stop)
        if isinstance(command, Sleep):
            if stop and self.sleep is time.sleep:
                stop.sleep(command.seconds)
                return None
            return self.sleep(command.seconds)
        if isinstance(command, Stream):
            self._stream(command)
            return None
        return command.callback(command.value)

    def _send(self, call: Call, stop: Stop | None) -> Answer | Job:
        self._settings.check_open()
        limit = self._settings.request_timeout if call.timeout is None else call.timeout
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

        def then() -> None:
            self._posts.pop(post, None)
            gate.release()

        self._posts[post] = None
        post.start(lambda post: exchange.send(call.request, call.timeout, post), then)
        try:
            while not post.wait(TICK if stop is None else STOP_TICK):
                if stop:
                    stop.check()
        except BaseException:
            post.leave()
            raise
        return post.result()

    def _stream(self, stream: Stream) -> None:
        with files_client(stream.url, self._settings.request_timeout) as files:
            with typed(), hiding(Hidden.HEADERS):
                response = files.send(files.build_request("GET", stream.url, headers=stream.headers), stream=True)
            with closing(response):
                stream.sink.begin(response)
                for chunk in chunks_of(response):
                    stream.sink.write(chunk)

    def begin_anew(self) -> None:
        """In a child process: nothing of the parent's is under way, no lock is held, and its connections are its own."""
        self._gate = threading.BoundedSemaphore(self._settings.max_connections)
        self._posts.clear()
        self.batches.clear()
        if self._is_given:
            self._settings.closed = "its http_client was made before the fork; make a client in the child process"
        self._exchange.begin_anew()

    def close(self) -> None:
        """Closes the connections, unless the HTTP client was given. Answers to paid POSTs are waited for, for a moment."""
        for batch in list(self.batches):
            batch.close()
        self._settings.closed = "this client was closed; make another"
        leave_all(list(self._posts))
        self._exchange.close()
