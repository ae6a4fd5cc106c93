"""uvicorn's server in a thread of a test's process: it ends at once on request, and by real time whatever the test does."""

from __future__ import annotations

import asyncio
import contextlib
import errno
import os
import socket
import threading

import uvicorn
from starlette.types import ASGIApp

from .connections import Protocol
from .virtual_time import real_clock

_TICK_SECONDS = 0.1
_GRACE_SECONDS = 1.0


def listener_at(host: str, port: int) -> socket.socket:
    """A socket that listens.

    Raises:
        OSError: The port is in use, or the address is not this machine's.
        OverflowError: The port is invalid.
    """
    host = host.removeprefix("[").removesuffix("]")
    # With the protocol named, asyncio turns Nagle's algorithm off; else each answer may take 40 ms.
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listener = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    try:
        if os.name == "posix":  # elsewhere it would let two servers share the port
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((host, port))
        listener.listen()
    except (OSError, OverflowError) as error:
        listener.close()
        if isinstance(error, OSError):
            way_out = "; port 0 takes a free one" if error.errno == errno.EADDRINUSE else ""
            raise type(error)(error.errno, f"{host} port {port}: {error.strerror}{way_out}") from error
        raise
    return listener


class Server(uvicorn.Server):
    """uvicorn's server with an event for its start.

    Args:
        app: The application.
        max_connections: Maximum open connections, limited to half of the process's file descriptors.
        request_seconds: Real seconds in which a request has to arrive.
    """

    def __init__(self, app: ASGIApp, max_connections: int, request_seconds: float) -> None:
        super().__init__(_config(app, _openable(max_connections), request_seconds))
        self.ready = threading.Event()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._end: asyncio.Event | None = None

    def run(self, sockets: list[socket.socket] | None = None) -> None:
        """Serve until the end. Its timers are of real time, whatever a test does to the module `time`."""

        def loop() -> asyncio.AbstractEventLoop:
            made = asyncio.new_event_loop()
            if isinstance(made, asyncio.BaseEventLoop):  # another, such as uvloop's, does not ask `time`
                made.time = real_clock  # type: ignore[method-assign]
            return made

        with asyncio.Runner(loop_factory=loop) as runner:
            runner.run(self.serve(sockets))

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Start as uvicorn does, and tell it."""
        await super().startup(sockets)
        self.ready.set()

    async def main_loop(self) -> None:
        """Tick as uvicorn does, but end at once on request."""
        self._loop, self._end, ticks = asyncio.get_running_loop(), asyncio.Event(), 0
        while not await self.on_tick(ticks):
            ticks += 1
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._end.wait(), _TICK_SECONDS)

    def end(self) -> None:
        """End the server; from any thread."""
        self.should_exit = True
        if self._loop and self._end:
            with contextlib.suppress(RuntimeError):  # the loop has ended
                self._loop.call_soon_threadsafe(self._end.set)

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Let running answers end for a moment, then abort all connections; uvicorn would wait, and log each."""
        for each in (*self.servers, *(sockets or ())):
            each.close()
        tasks = set(self.server_state.tasks)
        if tasks:
            _, tasks = await asyncio.wait(tasks, timeout=_GRACE_SECONDS)
        for connection in list(self.server_state.connections):
            connection.transport.abort()
        for task in tasks:
            task.cancel()
        if tasks:
            await asyncio.wait(tasks, timeout=_GRACE_SECONDS)
        await asyncio.sleep(0)  # so that aborted connections are notified


def _openable(connections: int) -> int:
    """The number of connections, limited to half of the process's file descriptors."""
    if os.name != "posix":
        return connections
    import resource

    soft, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    return connections if soft == resource.RLIM_INFINITY else max(1, min(connections, soft // 2))


def _config(app: ASGIApp, max_connections: int, request_seconds: float) -> uvicorn.Config:
    bounds = {"max_connections": max_connections, "request_seconds": request_seconds}
    return uvicorn.Config(
        app,
        http=type("Bounded", (Protocol,), bounds),
        ws="none",
        lifespan="off",
        access_log=False,
        log_config=None,
        server_header=False,
        headers=[("server", "grok-imagine-sandbox")],  # so that no answer is mistaken for a live one
        timeout_graceful_shutdown=1,
        timeout_keep_alive=30,
    )
