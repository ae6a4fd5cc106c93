"""Runs flows over a blocking httpx client. What is to be done is decided in `flow` and `polling`; `async_driver` is the twin."""

from __future__ import annotations

import functools
import logging
import re
import ssl
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from contextvars import ContextVar
from typing import TypeVar, cast

import httpx

from .commands import Blocking, Call, Command, Flow, Sleep, Stream
from .errors import GrokImagineError, NotDelivered, RequestTimeout, TransportError, blot
from .settings import Settings

T = TypeVar("T")

KEEPALIVE = 60.0
"""Seconds an idle connection is kept. httpx's 5 s would make every poll that is slower connect anew."""


NOT_DELIVERED = (
    httpx.ConnectError,
    httpx.ConnectTimeout,
    httpx.PoolTimeout,
    httpx.ProxyError,
    httpx.UnsupportedProtocol,
    httpx.InvalidURL,
)
"""What httpx raises before the first byte of a request has left for the service."""


@functools.cache
def tls_context() -> ssl.SSLContext:
    """One TLS context for all clients: reading the certificates costs more than everything else of a client."""
    return httpx.create_ssl_context()


def limits(settings: Settings) -> httpx.Limits:
    """A pool no larger than the gate in front of it."""
    count = settings.max_connections
    return httpx.Limits(max_connections=count, max_keepalive_connections=count, keepalive_expiry=KEEPALIVE)


def transport_error(error: Exception) -> TransportError:
    """Our error for httpx's, by what is known of the request: not sent, too slow, or lost."""
    text = f"{type(error).__name__}: {error}" if str(error) else type(error).__name__
    if isinstance(error, NOT_DELIVERED):
        return NotDelivered(text)
    if isinstance(error, httpx.TimeoutException):
        return RequestTimeout(text)
    return TransportError(text)


def waited_too_long(limit: float) -> NotDelivered:
    """The error of a request that never got its turn."""
    return NotDelivered(f"waited {limit:g} s for other requests of this client to end")


_signed: ContextVar[bool] = ContextVar("grok_imagine_signed", default=False)


def _redact(record: logging.LogRecord) -> bool:
    if not _signed.get():
        return True
    record.msg, record.args = re.sub(r"\?\S*", "?...", record.getMessage()), None
    return record.name == "httpx"  # httpcore's records hold whole headers, such as a redirect's


for _layer in ("httpx", *(f"httpcore.{part}" for part in ("connection", "http11", "http2", "proxy", "socks"))):
    logging.getLogger(_layer).addFilter(_redact)


@contextmanager
def unlogged() -> Iterator[None]:
    """Keeps the query of a signed URL out of httpx's logs. Whatever else uses httpx in the process logs as ever."""
    token = _signed.set(True)
    try:
        yield
    finally:
        _signed.reset(token)


class _Bounded(httpx.SyncByteStream):
    """A body that must have ended at a time of the monotonic clock."""

    def __init__(self, stream: httpx.SyncByteStream, end: float) -> None:
        self._stream = stream
        self._end = end

    def __iter__(self) -> Iterator[bytes]:
        for chunk in self._stream:
            if time.monotonic() > self._end:
                raise httpx.ReadTimeout("no whole answer in time")
            yield chunk

    def close(self) -> None:
        self._stream.close()


class SyncDriver:
    """Runs flows with a blocking httpx client. Safe for threads: requests wait in front of the pool, not in it."""

    def __init__(self, settings: Settings, http: httpx.Client | None, sleep: Callable[[float], object]) -> None:
        self._settings = settings
        self.sleep = sleep
        self.connections = settings.max_connections
        self._owned = http is None
        self._http = http or httpx.Client(verify=tls_context(), limits=limits(settings))
        self._gate = threading.BoundedSemaphore(settings.max_connections)

    def run(self, flow: Flow[T]) -> T:
        """Runs a flow to its end. What a command raises is raised in the flow, which knows what it means."""
        try:
            command = next(flow)
            while True:
                try:
                    result = self.do(command)
                except BaseException as error:
                    command = flow.throw(error)
                else:
                    command = flow.send(result)
        except StopIteration as stop:
            value: T = stop.value
            return value
        except GrokImagineError as error:
            blot(error, self._settings.api_key)
            raise

    def do(self, command: Command) -> object:
        """Carries out a command."""
        if isinstance(command, Call):
            return self._send(command)
        if isinstance(command, Sleep):
            return self.sleep(command.seconds)
        if isinstance(command, Blocking):
            return command.work()
        if isinstance(command, Stream):
            self._stream(command)
            return None
        return command.callback(command.video)

    def _send(self, call: Call) -> httpx.Response:
        self._settings.check_open()
        limit = self._settings.request_timeout if call.timeout is None else call.timeout
        end = time.monotonic() + limit
        if not self._gate.acquire(timeout=limit):
            raise waited_too_long(limit)
        try:
            if call.timeout is None:
                return self._http.request(**self._settings.complete(call.request, limit))
            return self._send_by(end, call)
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            raise transport_error(error) from error
        finally:
            self._gate.release()

    def _send_by(self, end: float, call: Call) -> httpx.Response:
        """Sends a request that is over at `end`, though httpx bounds each step alone: a body may trickle for ever."""
        arguments = self._settings.complete(call.request, max(0.001, end - time.monotonic()))
        arguments.pop("follow_redirects")
        response = self._http.send(self._http.build_request(**arguments), stream=True, follow_redirects=False)
        try:
            response.stream = _Bounded(cast(httpx.SyncByteStream, response.stream), end)
            response.read()
        finally:
            response.close()
        return response

    def _stream(self, stream: Stream) -> None:
        # A client of its own, which never had the key: a result's URL is on another host, and public.
        timeout = self._settings.request_timeout
        try:
            with httpx.Client(verify=tls_context(), timeout=timeout) as files:
                with unlogged():
                    response = files.send(files.build_request("GET", stream.url, headers=stream.headers), stream=True)
                with closing(response):
                    stream.sink.begin(response)
                    for chunk in response.iter_raw():
                        stream.sink.write(chunk)
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            raise transport_error(error) from error

    def close(self) -> None:
        """Closes the connections, unless the HTTP client was given."""
        self._settings.closed = True
        if self._owned:
            self._http.close()
