"""Runs flows over a blocking httpx client. What is to be done is decided in `flow` and `polling`; `async_driver` is the twin."""

from __future__ import annotations

import functools
import logging
import math
import re
import ssl
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from contextvars import ContextVar
from typing import Protocol, TypeVar, cast
from weakref import WeakSet

import httpx

from .commands import Blocking, Call, Command, Flow, Sleep, Stream
from .errors import SHORTEST_SECRET, GrokImagineError, NotDelivered, RequestTimeout, TransportError, blot
from .settings import Settings

T = TypeVar("T")

KEEPALIVE = 60.0
"""Seconds an idle connection is kept. httpx's 5 s would make every poll that is slower connect anew."""


MOST_ANSWER = 8 << 20
"""Bytes of an answer that are taken in; the longest, a list of models, has a few thousand."""

MOST_UNPACKED = 1032
"""Times as long as it was, at most, is what gzip unpacks."""

LONGEST_STEPS = 10
"""Times `request_timeout` that a request lasts as a whole: an upload may be slow, but no answer comes in drops for ever."""

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


class Allowance:
    """How much of an answer is taken in, and until when: neither a trickle nor a flood may go on for ever.

    Args:
        response: The answer, of which the head has come.
        end: Of the monotonic clock.

    Attributes:
        is_told: Whether its head says that it is short, so that no chunk needs to be counted.

    Raises:
        TransportError: It is packed in a way that was not asked for, and that nobody can bound.
    """

    __slots__ = ("_end", "_left", "is_told")

    def __init__(self, response: httpx.Response, end: float = math.inf) -> None:
        self._left = MOST_ANSWER
        self.is_told = False
        for name, value in response.headers.raw:
            name = name.lower()
            if name == b"content-length":
                self.is_told = len(value) < 7  # and no more than that is read
            elif name == b"content-encoding":
                if value.lower() not in (b"identity", b"gzip", b"deflate"):
                    raise TransportError(f"the answer is in an encoding that was not asked for: {value[:20]!r}")
                self._left, self.is_told = MOST_ANSWER // MOST_UNPACKED, False
                break
        self._end = end

    def take(self, chunk: bytes) -> bytes:
        """The next chunk, as it came over the wire."""
        self._left -= len(chunk)
        if self._left < 0:
            raise TransportError(f"the answer is longer than {MOST_ANSWER >> 20} MiB")
        if time.monotonic() > self._end:
            raise httpx.ReadTimeout("no whole answer in time")
        return chunk


class _Bounded(httpx.SyncByteStream):
    """A body within its allowance."""

    __slots__ = ("_allowance", "_stream")

    def __init__(self, stream: httpx.SyncByteStream, allowance: Allowance) -> None:
        self._stream = stream
        self._allowance = allowance

    def __iter__(self) -> Iterator[bytes]:
        return map(self._allowance.take, self._stream)

    def close(self) -> None:
        self._stream.close()


def without_key(response: httpx.Response, key: str) -> httpx.Response:
    """An answer that does not repeat the key, as a broken proxy may: else it were in errors, their causes and the ledger."""
    secret = key.encode()
    told = response.content
    if response.status_code >= 300:  # of a success nobody keeps the headers
        told = b"".join([told, *(value for _, value in response.headers.raw)])
    if secret not in told or len(key) < SHORTEST_SECRET:
        return response
    headers = [(name, value.replace(secret, b"***")) for name, value in response.headers.raw]
    kept = [(name, value) for name, value in headers if name.lower() not in (b"content-encoding", b"content-length")]
    clean = httpx.Response(response.status_code, headers=kept, content=response.content.replace(secret, b"***"))
    clean.request = response.request
    return clean


class Closing(Protocol):
    """What is to be closed before the client is: a batch, which still waits for answers."""

    def close(self) -> None:
        """Ends it."""


class SyncDriver:
    """Runs flows with a blocking httpx client. Safe for threads: requests wait in front of the pool, not in it."""

    def __init__(self, settings: Settings, http: httpx.Client | None, sleep: Callable[[float], object]) -> None:
        self._settings = settings
        self.sleep = sleep
        self.connections = settings.max_connections
        self.batches: WeakSet[Closing] = WeakSet()
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
            return without_key(self._fetch(call, limit, end), self._settings.api_key)
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            raise transport_error(error) from error
        finally:
            self._gate.release()

    def _fetch(self, call: Call, limit: float, end: float) -> httpx.Response:
        """Sends a request, of which httpx bounds each step alone; the whole is bounded here, but for a head that trickles."""
        if call.timeout is None:
            end += (LONGEST_STEPS - 1) * limit
        else:
            limit = max(0.001, end - time.monotonic())
        arguments = self._settings.complete(call.request, limit)
        arguments.pop("follow_redirects")
        response = self._http.send(self._http.build_request(**arguments), stream=True, follow_redirects=False)
        try:
            response.stream = _Bounded(cast(httpx.SyncByteStream, response.stream), Allowance(response, end))
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
        for batch in list(self.batches):  # the answers to its paid requests are waited for
            batch.close()
        self._settings.closed = True
        if self._owned:
            self._http.close()
