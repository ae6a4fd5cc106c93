"""The class `Sandbox`: a server with its own thread, port, clock and state."""

import asyncio
import contextlib
import math
import os
import socket
import threading
import time
from collections import Counter
from collections.abc import Callable, Collection
from types import TracebackType
from typing import Any, Self

import uvicorn
from starlette.types import ASGIApp

from .app import application
from .connections import Protocol
from .contract import contract_of
from .scenarios import choose
from .service import Service, Settings
from .work import Workers

_START_SECONDS = 10.0
_STOP_SECONDS = 5.0
_TICK_SECONDS = 0.1
_GRACE_SECONDS = 1.0

MIB = 2**20


class _Server(uvicorn.Server):
    """uvicorn's server with an event for its start."""

    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self.ready = threading.Event()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._end: asyncio.Event | None = None

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
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


class Sandbox:
    """An offline server of the contract on 127.0.0.1. A context manager; sandboxes share no state.

    Simulated time passes `speed` times as fast as `clock` and starts at 0 with the server. Jobs, their URLs and the
    rate limit use simulated time; only `slow_seconds` and the fetching of inputs use real time.

    Args:
        port: To listen on; 0 takes a free one.
        as_of: The era of the service (`x-eras` of the document): `spring` or `autumn`; None is the newest. It decides
            models, fields, limits and the texts of answers.
        speed: Simulated seconds for each second of `clock`.
        scenario: `name` or `name:N` for every request that names no scenario; see `SCENARIOS`.
        api_key: The only accepted key; None accepts any key that is not empty.
        clock: Monotonic seconds. Tests pass their own, so that nothing sleeps.
        seed: Decides ids, signatures and the progress of jobs.
        max_jobs: Maximum number of jobs. Beyond it the oldest ended job is dropped, or a POST gets 503.
        requests_per_minute: Requests for each model in any simulated minute; None is no limit. POSTs and polls count alike,
            with any answer; those without a model and a job count for the default model. A request beyond the limit gets the
            429 for the rate and does not count. Requests with a wrong key, for files and for `/sandbox/` do not count.
        requests_per_second: The same in any simulated second.
        concurrent_jobs: Jobs that may run at once; None is no limit. No answer beyond it was recorded: it is the recorded 429
            for the rate, including its figures.
        zero_data_retention: Whether `output.upload_url` is required.
        slow_seconds: Real seconds of delay in the slow scenarios.
        allow_hosts: Further accepted host names, beside those of this machine, and their web pages.
        max_connections: Maximum open connections. Beyond it the one that has waited longest for its client is closed.
        request_seconds: Real seconds in which a request has to arrive, and after which a stalled answer is dropped.
        max_body_bytes: Maximum size of a request, and of an input video.
        max_input_bytes: Maximum memory of all jobs' inputs.
        cache_bytes: Maximum memory of rendered files.
    """

    def __init__(
        self,
        *,
        port: int = 0,
        as_of: str | None = None,
        speed: float = 60.0,
        scenario: str | None = None,
        api_key: str | None = None,
        clock: Callable[[], float] = time.monotonic,
        seed: int = 0,
        max_jobs: int = 10_000,
        requests_per_minute: int | None = None,
        requests_per_second: int | None = None,
        concurrent_jobs: int | None = None,
        zero_data_retention: bool = False,
        slow_seconds: float = 5.0,
        allow_hosts: Collection[str] = (),
        max_connections: int = 500,
        request_seconds: float = 60.0,
        max_body_bytes: int = 64 * MIB,
        max_input_bytes: int = 512 * MIB,
        cache_bytes: int = 256 * MIB,
    ) -> None:
        """Set a sandbox up without starting it.

        Raises:
            UnknownScenario: `scenario` is unknown.
            UnknownEra: `as_of` is unknown.
            ValueError: `speed` is not above 0 and finite, or a limit is below 1.
        """
        if not 0 < speed < math.inf:
            raise ValueError(f"speed must be above 0 and finite, not {speed}")
        limits = {
            "requests_per_minute": requests_per_minute,
            "requests_per_second": requests_per_second,
            "concurrent_jobs": concurrent_jobs,
        }
        for name, limit in limits.items():
            if limit is not None and limit < 1:
                raise ValueError(f"{name} must be at least 1, or None for no limit, not {limit}")
        self._settings = Settings(
            scenario=None if scenario is None else choose(scenario),
            api_key=api_key,
            seed=seed,
            max_jobs=max_jobs,
            requests_per_minute=requests_per_minute,
            requests_per_second=requests_per_second,
            concurrent_jobs=concurrent_jobs,
            zero_data_retention=zero_data_retention,
            slow_seconds=slow_seconds,
            max_body_bytes=max_body_bytes,
            max_input_bytes=max_input_bytes,
            cache_bytes=cache_bytes,
        )
        if isinstance(allow_hosts, str):
            raise ValueError(f"allow_hosts is a list of names, such as [{allow_hosts!r}]")
        if not 0 < request_seconds < math.inf:
            raise ValueError(f"request_seconds must be above 0 and finite, not {request_seconds}")
        if max_connections < 1:
            raise ValueError(f"max_connections must be at least 1, not {max_connections}")
        self._contract = contract_of(as_of)
        self._allow_hosts = frozenset(allow_hosts)
        self._max_connections = max_connections
        self._request_seconds = request_seconds
        self._wanted_port = port
        self._speed = speed
        self._clock = clock
        self._counts: Counter[tuple[str, str, int]] = Counter()
        self._counting = threading.Lock()
        self._service: Service | None = None
        self._server: _Server | None = None
        self._thread: threading.Thread | None = None
        self._workers: Workers | None = None
        self._base_url = ""

    @property
    def base_url(self) -> str:
        """The base URL for a client, in place of `https://api.x.ai/v1`."""
        if not self._base_url:
            raise RuntimeError("the sandbox was not started")
        return self._base_url

    @property
    def jobs(self) -> list[dict[str, Any]]:
        """The accepted jobs in order, in their current state.

        Each has `request_id`, `operation` (the document's operationId), `body_sha256`, `scenario`, `created` (simulated
        seconds), `state` and `cost_in_usd_ticks` (None until known, and for failed jobs).
        """
        return [] if self._service is None else self._service.records()

    @property
    def requests(self) -> Counter[tuple[str, str, int]]:
        """The number of answered requests by method, path template and status.

        A template is for example `/v1/videos/{request_id}`, or `*` for an unknown route. The status of a dropped connection is 0.
        """
        with self._counting:
            return Counter(self._counts)

    def start(self) -> Self:
        """Start to listen. Returns when connections are accepted.

        Raises:
            OSError: The port is in use.
            OverflowError: The port is invalid.
            RuntimeError: The sandbox is already running, or did not start in time.
        """
        if self._server is not None:
            raise RuntimeError("the sandbox is already running")
        contract = self._contract
        listener = _listener(self._wanted_port)
        origin = self._clock()

        def now() -> float:
            return (self._clock() - origin) * self._speed

        port: int = listener.getsockname()[1]
        self._workers = Workers()
        self._service = Service(contract, self._settings, port, now, time.time(), self._workers)
        app = application(self._service, now, self._count, self._allow_hosts)
        self._server = _Server(_config(app, _openable(self._max_connections), self._request_seconds))
        self._thread = threading.Thread(
            target=self._server.run, kwargs={"sockets": [listener]}, name="grok-imagine-sandbox", daemon=True
        )
        self._thread.start()
        if not self._server.ready.wait(_START_SECONDS):
            self.stop()
            raise RuntimeError(f"the sandbox did not start within {_START_SECONDS:g} s")
        self._base_url = f"http://127.0.0.1:{port}{contract.prefix}"
        return self

    def stop(self) -> None:
        """Stop listening, and free the port. `jobs` and `requests` stay readable.

        Raises:
            RuntimeError: The server did not end in time.
        """
        if self._server is None or self._thread is None or self._workers is None:
            return
        self._server.end()
        self._thread.join(_STOP_SECONDS)
        self._workers.stop()
        alive = self._thread.is_alive()
        self._server = self._thread = self._workers = None
        if alive:
            raise RuntimeError(f"the sandbox did not stop within {_STOP_SECONDS:g} s")

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def _count(self, method: str, template: str, status: int) -> None:
        with self._counting:
            self._counts[method, template, status] += 1


def _listener(port: int) -> socket.socket:
    # With the protocol named, asyncio turns Nagle's algorithm off; else each answer may take 40 ms.
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    try:
        if os.name == "posix":  # elsewhere it would let two servers share the port
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(("127.0.0.1", port))
        listener.listen()
    except (OSError, OverflowError):
        listener.close()
        raise
    return listener


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
