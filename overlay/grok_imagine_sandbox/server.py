"""The class `Sandbox`: a server with its own thread, port, clock and state."""

from __future__ import annotations

import asyncio
import math
import threading
import time
from collections import Counter
from collections.abc import Callable, Collection
from datetime import timedelta
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self, Unpack

from .app import Switch, application
from .exposure import EXPOSED, is_local, reached_by
from .files import FileCache
from .guard import host_names
from .journal import Journal, Post
from .service import Service
from .serving import Server, listener_at
from .settings import Options, is_number, settings_of
from .virtual_time import VirtualTime, drop, keep, real_clock
from .work import Workers

if TYPE_CHECKING:
    from grok_imagine import AsyncClient, Client

_START_SECONDS = 10.0
_STOP_SECONDS = 5.0
_SPEED = 60.0

MIB = 2**20


class Sandbox:
    """An offline server of the contract on 127.0.0.1. A context manager; sandboxes share no state.

    Simulated time starts at 0 with the server. Jobs, their URLs and the rate limit use it; only `slow_seconds` and the fetching of
    inputs use real time.

    Without `speed` and `clock` it is virtual: it jumps while the clients of this process sleep, so that they never wait. That
    holds for those that `client` and `async_client` make, and for any other `Client` and `AsyncClient` that is made with the
    address of a running sandbox, without a clock, sleep or quota of its own. For other processes it passes 60 times as fast.

    Args:
        port: To listen on; 0 takes a free one.
        host: The address to listen on. Beyond 127.0.0.1 whoever reaches this machine can use the sandbox: it has no secrets, but
            it does work for anybody. Host names other than this machine's are to be allowed by `allow_hosts`; addresses are.
        as_of: The era of the service (`x-eras` of the document): `spring` or `autumn`; None is the newest. It decides
            models, fields, limits and the texts of answers.
        speed: Simulated seconds for each second of `clock`, 60 if only that is given. None for virtual time.
        scenario: `name` or `name:N` for every request that names no scenario; see `SCENARIOS`. `moderated` is short for
            `moderated-rejected`.
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
        host: str = "127.0.0.1",
        as_of: str | None = None,
        speed: float | None = None,
        scenario: str | None = None,
        api_key: str | None = None,
        clock: Callable[[], float] | None = None,
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
            ValueError: `speed` is not above 0 and finite, a limit is below 1, or `allow_hosts` has what is no name.
        """
        _check_speed(speed)
        if not 0 < request_seconds < math.inf:
            raise ValueError(f"request_seconds must be above 0 and finite, not {request_seconds}")
        if max_connections < 1:
            raise ValueError(f"max_connections must be at least 1, not {max_connections}")
        self._options = Options(
            as_of=as_of,
            scenario=scenario,
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
        )
        self._settings = settings_of(self._options)
        self._allow_hosts = host_names(allow_hosts)
        self._max_connections = max_connections
        self._request_seconds = request_seconds
        self._wanted_port, self._host = port, host
        self._virtual = VirtualTime(_SPEED) if speed is None and clock is None else None
        self._speed = 1.0 if self._virtual else speed or _SPEED
        self._clock = self._virtual.now if self._virtual else clock or real_clock
        self._skipped = 0.0
        self._counting = threading.Lock()
        self._counts: Counter[tuple[str, str, int]] = Counter()
        self._service: Service | None = None
        self._server: Server | None = None
        self._thread: threading.Thread | None = None
        self._workers: Workers | None = None
        self._cache = FileCache(cache_bytes)
        self._app = Switch()
        self._port = 0
        self._base_url = ""

    @property
    def base_url(self) -> str:
        """The base URL for a client, in place of `https://api.x.ai/v1`."""
        if not self._base_url:
            raise RuntimeError("the sandbox was not started")
        return self._base_url

    @property
    def is_running(self) -> bool:
        """Whether it was started, and not stopped since."""
        return self._server is not None

    @property
    def exposure(self) -> str:
        """What whoever starts it is to be told, if more than this machine can ask it; else nothing."""
        return "" if is_local(self._host) else EXPOSED

    @property
    def port(self) -> int:
        """The port that it listens on."""
        if not self._port:
            raise RuntimeError("the sandbox was not started")
        return self._port

    @property
    def jobs(self) -> list[dict[str, Any]]:
        """The accepted jobs in order, in their current state.

        Each has `request_id`, `operation` (the document's operationId), `body_sha256`, `scenario`, `created` (simulated
        seconds), `state` and `cost_in_usd_ticks` (None until known, and for failed jobs).
        """
        return [] if self._service is None else self._service.records()

    @property
    def journal(self) -> Journal:
        """The POSTs for videos, and the jobs that they started, since the start or the last `reset`."""
        if self._service is None:
            raise RuntimeError("the sandbox was not started")
        return self._service.journal

    @property
    def posts(self) -> list[Post]:
        """The POSTs of the journal."""
        return self.journal.posts

    def assert_posted_once(self, **fields: Any) -> Post:
        """Check that one job was started by POSTs with these fields; see `Journal.assert_posted_once`."""
        return self.journal.assert_posted_once(**fields)

    @property
    def requests(self) -> Counter[tuple[str, str, int]]:
        """The number of answered requests by method, path template and status.

        A template is for example `/v1/videos/{request_id}`, or `*` for an unknown route. The status of a dropped connection is 0.
        """
        with self._counting:
            return Counter(self._counts)

    def client(self, **options: Any) -> Client:
        """A `grok_imagine.Client` of this sandbox, which is started if it is not. Close it, or use it in a `with`.

        Args:
            **options: Of `Client`.
        """
        from .clients import client

        return client(self._settings.api_key, self._started(), options)

    def async_client(self, **options: Any) -> AsyncClient:
        """A `grok_imagine.AsyncClient` of this sandbox, as `client`."""
        from .clients import async_client

        return async_client(self._settings.api_key, self._started(), options)

    def advance(self, by: float | timedelta) -> None:
        """Lets simulated time pass: a result's URL expires, the rate limit forgets.

        Args:
            by: Seconds or a timedelta.

        Raises:
            ValueError: It is below 0.
        """
        seconds = by.total_seconds() if isinstance(by, timedelta) else by
        if not (is_number(seconds) and seconds >= 0):
            raise ValueError(f"time advances by a number of seconds from 0 on, or a timedelta, not {by!r}")
        if self._virtual:
            self._virtual.advance(seconds)
        else:
            self._skipped += seconds

    def sleep(self, seconds: float) -> None:
        """Sleeps in simulated time: in place of `time.sleep`, for code that waits by itself."""
        if self._virtual:
            self._virtual.sleep(seconds)
        else:
            time.sleep(seconds / self._speed)

    async def sleep_async(self, seconds: float) -> None:
        """Sleeps in simulated time: in place of `asyncio.sleep`."""
        if self._virtual:
            await self._virtual.sleep_async(seconds)
        else:
            await asyncio.sleep(seconds / self._speed)

    def reset(self, *, speed: float | None = None, **options: Unpack[Options]) -> None:
        """Forget all jobs, files, batches, counts and what was advanced; the address stays.

        Args:
            speed: As that of `Sandbox`; None is what it was made with.
            **options: Of `Sandbox`, in place of those that it was made with.

        Raises:
            UnknownScenario: `scenario` is unknown.
            UnknownEra: `as_of` is unknown.
            TypeError: There is no such option, or it can't be changed.
            ValueError: A value is out of range.
        """
        _check_speed(speed)
        if unknown := sorted(options.keys() - self._options.keys()):
            raise TypeError(
                f"a sandbox has no {unknown[0]} that can be changed; it has {', '.join(self._options)}, speed"
            )
        settings = settings_of(Options(**{**self._options, **options}))
        if self._virtual:
            self._virtual.pace(speed)
        elif speed is not None:
            self._speed = speed
        self._settings, self._skipped = settings, 0.0
        with self._counting:
            self._counts.clear()
        if self._server is not None:
            self._serve()

    def start(self) -> Self:
        """Start to listen. Returns when connections are accepted.

        Raises:
            OSError: The port is in use.
            OverflowError: The port is invalid.
            RuntimeError: The sandbox is already running, or did not start in time.
        """
        if self._server is not None:
            raise RuntimeError("the sandbox is already running")
        listener = listener_at(self._host, self._wanted_port)
        self._port = listener.getsockname()[1]
        self._workers = Workers()
        self._serve()
        self._server = Server(self._app, self._max_connections, self._request_seconds)
        self._thread = threading.Thread(
            target=self._server.run, kwargs={"sockets": [listener]}, name="grok-imagine-sandbox", daemon=True
        )
        self._thread.start()
        if not self._server.ready.wait(_START_SECONDS):
            self.stop()
            raise RuntimeError(f"the sandbox did not start within {_START_SECONDS:g} s")
        if self._virtual:
            keep(self._port, self._virtual)
        self._base_url = f"http://{reached_by(self._host)}:{self._port}{self._settings.contract.prefix}"
        return self

    def stop(self) -> None:
        """Stop listening, and free the port. `jobs`, `journal` and `requests` stay readable.

        Raises:
            RuntimeError: The server did not end in time.
        """
        if self._server is None or self._thread is None or self._workers is None:
            return
        if self._virtual:
            drop(self._port)
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

    def _started(self) -> str:
        if not self.is_running:
            self.start()
        return self.base_url

    def _serve(self) -> None:
        """Have a new service answer from now on; requests that are under way end with the old one."""
        assert self._workers is not None, "it is running"
        origin = self._clock()

        def now() -> float:
            return (self._clock() - origin) * self._speed + self._skipped

        service = Service(self._settings, self._port, now, time.time(), self._workers, self._cache)
        self._app.app = application(service, now, self._count, self._allow_hosts, is_local(self._host))
        self._service = service

    def _count(self, method: str, template: str, status: int) -> None:
        with self._counting:
            self._counts[method, template, status] += 1


def _check_speed(speed: float | None) -> None:
    if speed is not None and not (is_number(speed) and speed > 0):
        raise ValueError(f"speed must be a number above 0, or None for virtual time, not {speed!r}")
