"""Connections whose steps all end when the exchange that they belong to has to: head, body and upload alike.

The HTTP library gives each step a timeout of its own, so that a server that sends a byte now and then is never too slow. Here the
timeout of a step is a `Deadline`, which knows the end of the whole.
"""

from __future__ import annotations

import contextlib
import os
import ssl
import time
from collections.abc import Iterable
from typing import Any
from weakref import WeakSet

from ._library import httpcore

LEAST = 0.001
"""Seconds; what a step is given though the time is up: data that has come is read, whatever the clock says."""

MOST_LATE = 64
"""Reads that may still find data when the time is up."""


class Deadline(float):
    """The timeout of one kind of step, in seconds; no step lasts longer than until `end` of the monotonic clock."""

    end: float
    _late: int

    def __new__(cls, step: float, end: float) -> Deadline:
        """Seconds for each step, and when all have to be over."""
        self = super().__new__(cls, step)
        self.end = end
        self._late = 0
        return self

    def left(self) -> float:
        """Seconds for the next step.

        A machine that was suspended wakes up with no time left, and may have an answer waiting. So data that is there is
        taken; a server that goes on sending is not.
        """
        left = self.end - time.monotonic()
        if left <= 0:
            self._late += 1
            if self._late > MOST_LATE:
                raise httpcore.ReadTimeout("the time for the whole exchange is up")
        return max(LEAST, min(float(self), left))


def _left(timeout: float | None) -> float | None:
    return timeout.left() if isinstance(timeout, Deadline) else timeout


class Backend(httpcore.NetworkBackend):
    """Makes connections that go by deadlines."""

    def __init__(self) -> None:
        self._inner = httpcore.SyncBackend()
        self._streams: WeakSet[Stream] = WeakSet()

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[Any] | None = None,
    ) -> httpcore.NetworkStream:
        """See httpcore."""
        inner = self._inner.connect_tcp(host, port, _left(timeout), local_address, socket_options)
        return self._keep(Stream(inner, self))

    def _keep(self, stream: Stream) -> Stream:
        self._streams.add(stream)
        return stream

    def drop(self) -> None:
        """Closes this process' copies of the sockets and says nothing on them: they are the parent's after a fork."""
        for stream in list(self._streams):
            socket = stream.get_extra_info("socket")
            with contextlib.suppress(OSError):
                os.close(socket.detach())


class Stream(httpcore.NetworkStream):
    """A connection that goes by deadlines.

    Attributes:
        has_read: Whether something was read since something was written.
    """

    def __init__(self, inner: httpcore.NetworkStream, backend: Backend) -> None:
        self._inner = inner
        self._backend = backend
        self.has_read = False

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        """See httpcore."""
        self.has_read = True
        return self._inner.read(max_bytes, _left(timeout))

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        """See httpcore."""
        self.has_read = False
        self._inner.write(buffer, _left(timeout))

    def close(self) -> None:
        """See httpcore."""
        self._inner.close()

    def start_tls(
        self, ssl_context: ssl.SSLContext, server_hostname: str | None = None, timeout: float | None = None
    ) -> httpcore.NetworkStream:
        """See httpcore."""
        return self._backend._keep(
            Stream(self._inner.start_tls(ssl_context, server_hostname, _left(timeout)), self._backend)
        )

    def get_extra_info(self, info: str) -> Any:
        """See httpcore."""
        return self._inner.get_extra_info(info)
