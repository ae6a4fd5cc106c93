"""Reading of request bodies, with limits for each and for all together. The oldest reading is dropped to make room."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from starlette.requests import Request

from .answers import NOT_JSON, OVERLOADED, TOO_LARGE, Refusal

_TOGETHER = 4  # times the largest body


class Intake:
    """Reads bodies in one event loop.

    Args:
        max_bytes: The maximum size of a body. All bodies together may take four times as much.
    """

    def __init__(self, max_bytes: int) -> None:
        self._max_bytes = max_bytes
        self._held = 0
        self._reading: dict[asyncio.Timeout, None] = {}  # in the order of their start

    @asynccontextmanager
    async def body(self, request: Request) -> AsyncIterator[bytearray]:
        """The request's body, which counts as held within the block.

        Raises:
            Refusal: It is empty or too large, or was dropped to make room.
            ClientDisconnect: The client disconnected before its end.
        """
        raw = bytearray()
        try:
            await self._read(request, raw)
            if not raw:
                raise Refusal(NOT_JSON)
            yield raw
        finally:
            self._held -= len(raw)

    async def _read(self, request: Request, raw: bytearray) -> None:
        evicted = asyncio.timeout(None)
        try:
            async with evicted:
                self._reading[evicted] = None
                async for chunk in request.stream():
                    raw += chunk
                    self._held += len(chunk)
                    if len(raw) > self._max_bytes:
                        raise Refusal(TOO_LARGE)
                    self._make_room()
        except TimeoutError as error:
            raise Refusal(OVERLOADED) from error
        finally:
            self._reading.pop(evicted, None)

    def _make_room(self) -> None:
        """End the oldest reading when too much is held. Its memory is free once its task has run."""
        if self._held > _TOGETHER * self._max_bytes and self._reading:
            oldest = next(iter(self._reading))
            del self._reading[oldest]
            oldest.reschedule(asyncio.get_running_loop().time())
