"""Limits of the server's connections: their number, and the time for a request to arrive and an answer to be read."""

import asyncio
import logging
from asyncio import TimerHandle, Transport
from typing import Any

import h11
from starlette.types import ASGIApp, Message, Receive, Scope, Send
from uvicorn.protocols.http.h11_impl import H11Protocol

log = logging.getLogger("grok_imagine_sandbox")
# uvicorn warns of everything that is not HTTP, sometimes twice; only its errors are logged.
_quiet = logging.getLogger("grok_imagine_sandbox.uvicorn")
_quiet.setLevel(logging.ERROR)

_ARRIVING = (h11.IDLE, h11.SEND_BODY)
_HEAD = 16 * 2**10
_PIECE = 64 * 2**10
_SMALL, _MAX_SMALL = 64, 5000


class _Connection(h11.Connection):
    """A connection's state, which limits small pieces of a body: in pieces of one byte it takes minutes to read."""

    _small = 0

    def next_event(self) -> Any:
        """The next event.

        Raises:
            RemoteProtocolError: The data are not HTTP, or there are too many small pieces.
        """
        event = super().next_event()
        if isinstance(event, h11.Data) and len(event.data) < _SMALL:
            self._small += 1
            if self._small > _MAX_SMALL:
                raise h11.RemoteProtocolError("too many small pieces")
        elif isinstance(event, h11.Request):
            self._small = 0
        return event


class Protocol(H11Protocol):
    """uvicorn's HTTP protocol with additional bounds; it gives the application access to the connection."""

    max_connections = 500
    request_seconds = 60.0
    """Time limit from the first byte of a request, or from the connection, to the last byte; also for a stalled answer."""

    _arrival: TimerHandle | None = None
    _reading: TimerHandle | None = None

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        """Take uvicorn's arguments."""
        super().__init__(*args, **kwargs)
        self.conn = _Connection(h11.SERVER, self.config.h11_max_incomplete_event_size or _HEAD)
        self.logger = _quiet

    def connection_made(self, transport: Transport) -> None:  # type: ignore[override]  # as uvicorn's own
        """Put the transport into the state of each request's scope, and make room if there are too many connections."""
        super().connection_made(transport)
        self.app_state = {**self.app_state, "transport": transport}
        self.since = self.loop.time()
        self._watch()
        if len(self.connections) > self.max_connections:
            self._make_room()

    def connection_lost(self, exc: Exception | None) -> None:
        """Cancel the timers."""
        self._stop_watching()
        self.resume_writing()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Read data. The time limit covers the whole request, from its first byte to its last."""
        super().data_received(data)
        if self.conn.their_state not in _ARRIVING:
            self._stop_watching()
        elif self._arrival is None:
            self.since = self.loop.time()
            self._watch()

    def on_response_complete(self) -> None:
        """Record when the connection became idle."""
        self.since = self.loop.time()
        super().on_response_complete()
        if self.conn.their_state is h11.SEND_BODY and self._arrival is None:  # of a pipelined request
            self._watch()

    def pause_writing(self) -> None:
        """Start the time limit for a client that reads too slowly."""
        super().pause_writing()
        if self._reading is None:
            self._reading = self.loop.call_later(self.request_seconds, self.transport.abort)

    def resume_writing(self) -> None:
        """Cancel the time limit when the client reads again."""
        super().resume_writing()
        if self._reading is not None:
            self._reading.cancel()
            self._reading = None

    def send_400_response(self, msg: str) -> None:
        """Close the connection without an answer: uvicorn's answer would lack the sandbox's `server` header."""
        log.info("data that are not HTTP get no answer")
        self._stop_watching()
        self.transport.close()

    def _make_room(self) -> None:
        """Close the connection that has waited longest for its client, or this one if all others are being answered."""
        waiting = [each for each in self.connections if isinstance(each, Protocol) and each.is_waiting]
        oldest = min((each for each in waiting if each is not self), key=lambda each: each.since, default=self)
        oldest.transport.abort()
        self.connections.discard(oldest)  # `connection_lost` comes later

    @property
    def is_waiting(self) -> bool:
        """Whether the connection waits for the client."""
        return self.conn.their_state in _ARRIVING

    def _watch(self) -> None:
        self._arrival = self.loop.call_later(self.request_seconds, self._too_late)

    def _stop_watching(self) -> None:
        if self._arrival is not None:
            self._arrival.cancel()
            self._arrival = None

    def _too_late(self) -> None:
        self._arrival = None
        self.transport.abort()


class Paced:
    """Sends large bodies in pieces, each after the client has read the previous one, so that they are not buffered."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on."""

        async def pieces(message: Message) -> None:
            body: Any = message.get("body", b"")
            if len(body) <= _PIECE or scope["method"] == "HEAD":
                await send(message)
                return
            for start in range(0, len(body), _PIECE):
                more = start + _PIECE < len(body) or message.get("more_body", False)
                await send({**message, "body": body[start : start + _PIECE], "more_body": more})

        try:
            await self._app(scope, receive, pieces)
        except asyncio.CancelledError:
            scope["state"]["transport"].abort()  # the server stops, and uvicorn would log this as an error
