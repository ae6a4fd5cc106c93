"""The ways in which an answer fails to arrive."""

import asyncio
import os
import socket
import struct
from asyncio import Transport

from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from .scenarios import Delivery

# What a response sends in place of an answer, for whoever counts; it never reaches the server.
DROPPED = "sandbox.dropped"


# Lingering for 0 s makes closing a reset. Windows has shorts in this structure.
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
    """Half of an answer that announces the whole, then the end of the connection."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send the half and close."""
        half = bytes(self.body)[: len(self.body) // 2]
        await send({"type": "http.response.start", "status": self.status_code, "headers": self.raw_headers})
        await send({"type": "http.response.body", "body": half, "more_body": True})
        scope["state"]["transport"].close()
        await _closed(receive)


async def _closed(receive: Receive) -> None:
    """Wait until the server has noticed, so that it does not answer in our stead."""
    while (await receive())["type"] != "http.disconnect":
        pass


async def delivered(response: Response, delivery: Delivery, slow_seconds: float) -> Response:
    """The response as it is to be sent. A slow one waits here, in real seconds."""
    if delivery == "slow":
        await asyncio.sleep(slow_seconds)
    if delivery == "cut":
        return Cut(response.body, response.status_code, dict(response.headers))
    return Reset() if delivery == "reset" else response
