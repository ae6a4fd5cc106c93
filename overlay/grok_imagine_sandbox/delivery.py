"""Failures in the delivery of an answer."""

import asyncio
import os
import socket
import struct
from asyncio import Transport

from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from .scenarios import Delivery

# A response sends this message instead of an answer, for the counter; it never reaches the server.
DROPPED = "sandbox.dropped"


# With a linger time of 0 s, closing sends a reset. Windows has shorts in this structure.
_LINGER = struct.pack("hh" if os.name == "nt" else "ii", 1, 0)


class Reset(Response):
    """No answer: the connection is reset."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Reset the connection."""
        await send({"type": DROPPED})
        transport: Transport = scope["state"]["transport"]
        transport.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _LINGER)
        transport.abort()
        await _closed(receive)


class Cut(Response):
    """Half of an answer whose Content-Length announces the whole, then the end of the connection."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send the half and close."""
        half = bytes(self.body)[: len(self.body) // 2]
        await send({"type": "http.response.start", "status": self.status_code, "headers": self.raw_headers})
        await send({"type": "http.response.body", "body": half, "more_body": True})
        scope["state"]["transport"].close()
        await _closed(receive)


def status_of(response: Response) -> int:
    """The status of an answer, 0 for a dropped connection."""
    return 0 if isinstance(response, Reset) else response.status_code


async def _closed(receive: Receive) -> None:
    """Wait until the server has noticed the disconnect, so that it sends no answer of its own."""
    while (await receive())["type"] != "http.disconnect":
        pass


async def delivered(response: Response, delivery: Delivery, slow_seconds: float) -> Response:
    """The response in its form of delivery. A slow one waits here, in real seconds."""
    if delivery == "slow":
        await asyncio.sleep(slow_seconds)
    if delivery == "cut":
        return Cut(response.body, response.status_code, dict(response.headers))
    return Reset() if delivery == "reset" else response
