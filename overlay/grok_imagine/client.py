"""The two clients: how they are made, shared and closed."""

from __future__ import annotations

import os
import time
from collections.abc import Awaitable, Callable, Mapping
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self
from weakref import WeakSet

import httpx

from ._wiring import ClientCore
from .batches import AsyncBatches, Batches
from .config import MAX_CONNECTIONS, REQUEST_TIMEOUT, Seconds, Settings
from .core.retry import RetryPolicy
from .files import AsyncFiles, Files
from .videos import AsyncModels, AsyncVideos, Models, Videos

if TYPE_CHECKING:
    from .ledger.entries import Reconciliation
    from .ledger.ledger import Ledger
    from .pacing.limits import Limits
    from .pacing.quota import Quota

__all__ = ["AsyncClient", "Client"]


class Client:
    """The blocking client. Make one and share it, between threads too; close it, or use it in a `with`.

    Three clocks: `request_timeout` bounds each HTTP request; the budget of `retry` bounds how long one is sent again;
    `timeout` of `generate` and `wait` bounds the polling, looks and pauses together.

    What is sent again: a GET after anything transient (no answer, 429 for the rate, 5xx, an answer that can't be read);
    a POST that starts a job only after `Delivery.NEVER_DELIVERED` (no connection) and `Delivery.REFUSED` (429 for the
    rate, the 503 of x-errors). A POST whose outcome is unknown never is, nor is one without credit.

    Args:
        api_key: Default: the environment's `XAI_API_KEY`.
        base_url: Default: the environment's `XAI_BASE_URL`, else `https://api.x.ai/v1`. `http` to another machine is warned of
            by InsecureBaseUrlWarning, and not refused: a gateway beside the program may have no TLS. This machine is asked
            without a proxy, whatever the environment names.
        request_timeout: Seconds or timedelta for each step of one HTTP request.
        max_connections: Requests at once; further ones wait for their turn.
        retry: How often and how long; `RetryPolicy(max_retries=0)` sends once.
        ledger: Where every job is noted before it is posted; see `Ledger`.
        limits: What may be asked of the service; default that of x-limits, and what its headers tell. Starts, looks and all
            other requests of the client share it: what would pass it waits for its turn, which no timeout counts before a POST.
        quota: Where processes with the same key share the limits; default the ledger's file. See `LedgerQuota`, `RedisQuota`.
        headers: Sent with every request, such as a gateway's own.
        http_client: An `httpx.Client` to use instead of one's own, such as one with a proxy. It is not closed, and goes
            through the proxies that it was made with.
        clock: Monotonic seconds; for tests.
        sleep: Pauses; for tests.

    Raises:
        ConfigurationError: No key, or an address that is none.
    """

    video: Videos
    """Starts jobs, looks at them, waits for them."""
    models: Models
    """The video models of the key."""
    files: Files
    """Inputs and results that are kept at the service."""
    batches: Batches
    """Many requests at once, which the service does when it has time."""

    def __init__(
        self,
        api_key: str | None = None,
        *,
        base_url: str | None = None,
        request_timeout: Seconds = REQUEST_TIMEOUT,
        max_connections: int = MAX_CONNECTIONS,
        retry: RetryPolicy | None = None,
        ledger: Ledger | None = None,
        limits: Limits | None = None,
        quota: Quota | None = None,
        headers: Mapping[str, str] | None = None,
        http_client: httpx.Client | None = None,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], object] = time.sleep,
    ) -> None:
        self._settings = Settings(api_key, base_url, request_timeout, max_connections, headers)
        from .transport.sync import (
            SyncDriver,  # only here: it brings the library's connections, which cost a third of all imports
        )

        self._driver = SyncDriver(self._settings, http_client, sleep)
        self._core = ClientCore(self._settings, clock, retry, ledger, limits, quota)
        _live.add(self)
        self.video = Videos(self._core, self._driver)
        self.models = Models(self._core, self._driver)
        self.files = Files(self._core, self._driver)
        self.batches = Batches(self._core, self._driver)

    def _reconcile(self, ledger: Ledger, timeout: Seconds | None) -> Reconciliation:
        return self._driver.run(self._core.reconcile(ledger, timeout))

    def close(self) -> None:
        """Closes the connections."""
        self._driver.close()
        self._core.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    if not TYPE_CHECKING:  # a type checker would take any name for one of ours

        def __getattr__(self, name: str) -> Any:
            raise _no_attribute(self, name)

    def __repr__(self) -> str:
        return f"Client({self._settings!r})"


class AsyncClient:
    """The client for asyncio: the same as `Client`, awaited. One of them may serve several event loops."""

    video: AsyncVideos
    """Starts jobs, looks at them, waits for them."""
    models: AsyncModels
    """The video models of the key."""
    files: AsyncFiles
    """Inputs and results that are kept at the service."""
    batches: AsyncBatches
    """Many requests at once, which the service does when it has time."""

    def __init__(
        self,
        api_key: str | None = None,
        *,
        base_url: str | None = None,
        request_timeout: Seconds = REQUEST_TIMEOUT,
        max_connections: int = MAX_CONNECTIONS,
        retry: RetryPolicy | None = None,
        ledger: Ledger | None = None,
        limits: Limits | None = None,
        quota: Quota | None = None,
        headers: Mapping[str, str] | None = None,
        http_client: httpx.AsyncClient | None = None,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], Awaitable[object]] | None = None,
    ) -> None:
        from .transport.aio import AsyncDriver  # only here: it brings asyncio, which blocking programs never need

        self._settings = Settings(api_key, base_url, request_timeout, max_connections, headers)
        self._driver = AsyncDriver(self._settings, http_client, sleep)
        self._core = ClientCore(self._settings, clock, retry, ledger, limits, quota, awaits=True)
        _live.add(self)
        self.video = AsyncVideos(self._core, self._driver)
        self.models = AsyncModels(self._core, self._driver)
        self.files = AsyncFiles(self._core, self._driver)
        self.batches = AsyncBatches(self._core, self._driver)

    async def _reconcile(self, ledger: Ledger, timeout: Seconds | None) -> Reconciliation:
        return await self._driver.run(self._core.reconcile(ledger, timeout))

    async def close(self) -> None:
        """Closes the connections."""
        await self._driver.close()
        self._core.close()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()

    if not TYPE_CHECKING:  # a type checker would take any name for one of ours

        def __getattr__(self, name: str) -> Any:
            raise _no_attribute(self, name)

    def __repr__(self) -> str:
        return f"AsyncClient({self._settings!r})"


_live: WeakSet[Client | AsyncClient] = WeakSet()


def _begin_anew() -> None:
    """Gives the clients of a child process connections, locks and limits of its own: the parent's would cross its answers."""
    for client in list(_live):
        client._driver.begin_anew()
        client._core.begin_anew()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_begin_anew)


def _no_attribute(client: object, name: str) -> AttributeError:
    hint = "; this API is client.video: start, generate, extend, get, wait" if name == "videos" else ""
    return AttributeError(f"{type(client).__name__!r} object has no attribute {name!r}{hint}", name=name, obj=client)
