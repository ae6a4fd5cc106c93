"""Runs flows over a blocking httpx client. What is to be done is decided in `flow`; `async_driver` is the twin."""

from __future__ import annotations

import functools
import ssl
import threading
from collections.abc import Callable
from typing import TypeVar

import httpx

from .errors import GrokImagineError, NotDelivered, RequestTimeout, TransportError, blot
from .flow import Blocking, Call, Command, Flow, Sleep, Stream
from .settings import Settings

T = TypeVar("T")

KEEPALIVE = 60.0
"""Seconds an idle connection is kept. httpx's 5 s would make every poll that is slower connect anew."""


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
    if isinstance(error, httpx.ConnectError | httpx.ConnectTimeout | httpx.PoolTimeout | httpx.UnsupportedProtocol):
        return NotDelivered(text)
    if isinstance(error, httpx.TimeoutException):
        return RequestTimeout(text)
    return TransportError(text)


def waited_too_long(limit: float) -> NotDelivered:
    """The error of a request that never got its turn."""
    return NotDelivered(f"waited {limit:g} s for other requests of this client to end")


class SyncDriver:
    """Runs flows with a blocking httpx client. Safe for threads: requests wait in front of the pool, not in it."""

    def __init__(self, settings: Settings, http: httpx.Client | None, sleep: Callable[[float], object]) -> None:
        self._settings = settings
        self._sleep = sleep
        self._owned = http is None
        self._http = http or httpx.Client(verify=tls_context(), limits=limits(settings))
        self._gate = threading.BoundedSemaphore(settings.max_connections)

    def run(self, flow: Flow[T]) -> T:
        """Runs a flow to its end. What a command raises is raised in the flow, which knows what it means."""
        try:
            command = next(flow)
            while True:
                try:
                    result = self._do(command)
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

    def _do(self, command: Command) -> object:
        if isinstance(command, Call):
            return self._send(command)
        if isinstance(command, Sleep):
            return self._sleep(command.seconds)
        if isinstance(command, Blocking):
            return command.work()
        if isinstance(command, Stream):
            self._stream(command)
            return None
        return command.callback(command.video)

    def _send(self, call: Call) -> httpx.Response:
        limit = self._settings.request_timeout if call.timeout is None else call.timeout
        if not self._gate.acquire(timeout=limit):
            raise waited_too_long(limit)
        try:
            return self._http.request(**self._settings.complete(call.request, limit))
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            raise transport_error(error) from error
        finally:
            self._gate.release()

    def _stream(self, stream: Stream) -> None:
        # A client of its own, which never had the key: a result's URL is on another host, and public.
        timeout = self._settings.request_timeout
        try:
            with (
                httpx.Client(verify=tls_context(), timeout=timeout) as files,
                files.stream("GET", stream.url, headers=stream.headers, follow_redirects=False) as response,
            ):
                stream.sink.begin(response)
                for chunk in response.iter_raw():
                    stream.sink.write(chunk)
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            raise transport_error(error) from error

    def close(self) -> None:
        """Closes the connections, unless the HTTP client was given."""
        if self._owned:
            self._http.close()
