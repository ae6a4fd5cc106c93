"""The asynchronous client: how it is made, shared and closed."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from functools import cached_property
from types import TracebackType
from typing import TYPE_CHECKING, Self

from .._wiring import ClientCore, live
from ..config import MAX_CONNECTIONS, REQUEST_TIMEOUT, Config, Seconds, Verify, timeout_of
from ..core.results import AsyncVideo
from ..core.retry import RetryPolicy
from ..hints import OtherNames
from ..transport.simulated import time_of
from .videos import AsyncModels, AsyncVideos

if TYPE_CHECKING:
    from ..ledger.entries import Reconciliation
    from ..ledger.ledger import Ledger
    from ..pacing.limits import Limits
    from ..pacing.quota import Quota
    from ..transport.http_clients import AsyncHttpClient
    from .batches import AsyncBatches
    from .files import AsyncFiles
    from .vendor import AsyncVendorBatches

__all__ = ["AsyncClient"]


class AsyncClient(OtherNames):
    """The client for asyncio. Make one and share it, between tasks and event loops too; close it, or use it in an `async with`.

    Three clocks: `request_timeout` bounds each HTTP request; the budget of `retry` bounds how long one is sent again;
    `timeout` of `generate` and `wait` bounds the whole wait, polls and pauses together.

    What is sent again: a GET after anything transient (no answer, 429 for the rate, 5xx, an answer that can't be read);
    a POST that starts a job only after `Delivery.NEVER_DELIVERED` (no connection) and `Delivery.REFUSED` (429 for the
    rate, the 503 of x-errors). A POST whose outcome is unknown never is, nor is one without credit.

    Args:
        api_key: Default: the environment's `XAI_API_KEY`.
        base_url: Default: the environment's `XAI_BASE_URL`, else `https://api.x.ai/v1`. `http` to another machine is warned of
            by InsecureBaseUrlWarning, and not refused: a gateway beside the program may have no TLS. This machine is asked
            without a proxy, whatever the environment names.
        request_timeout: Seconds or timedelta for each step of one HTTP request, such as connecting or reading. Default 60.
        timeout: Another name for `request_timeout`, as other SDKs have it. Give one of the two.
        max_connections: Requests that are sent at once; further ones wait. Default 8.
        retry: How often and how long a request is sent again; default 5 times within 60 s. `RetryPolicy(max_retries=0)` sends once.
        ledger: The file in which every job is recorded before its POST; see `Ledger`. Default: none.
        limits: Rate limits; default those of x-limits (60 requests a minute, 2 a second, 15 jobs at once), or what the service's
            headers say. Starts, polls and all other requests share them. A request over a limit waits; before a POST no timeout
            counts that wait.
        quota: How processes with the same key share the limits; default by the ledger's file. See `LedgerQuota`, `RedisQuota`.
        headers: Sent with every request, such as a gateway's own.
        http_client: An `httpx.AsyncClient` or `httpx2.AsyncClient` to use instead of one's own, such as one with a transport of
            yours. It is not closed. Its proxies, certificates and transports hold for downloads too; its default headers, auth,
            cookies and event hooks do not.
        download_client: The same for downloads alone.
        proxy: The URL of a proxy for everything, this machine included. Default: what the environment names.
        verify: Certificates to trust: a file or folder of them, or an `ssl.SSLContext`. False checks
            nothing: anybody on the way can read the key.
        clock: Monotonic seconds; for tests. Without clock, sleep and quota, a client of a sandbox of this process lives in its
            virtual time.
        sleep: Pauses, as a coroutine function; for tests.

    Raises:
        ConfigurationError: No key, an invalid address, an argument of a wrong type, or both names of a timeout.
    """

    video: AsyncVideos
    """Starts jobs, reads their state, waits for them, downloads their videos."""
    models: AsyncModels
    """The video models of the key."""

    def __init__(
        self,
        api_key: str | None = None,
        *,
        base_url: str | None = None,
        request_timeout: Seconds = REQUEST_TIMEOUT,
        timeout: Seconds | None = None,
        max_connections: int = MAX_CONNECTIONS,
        retry: RetryPolicy | None = None,
        ledger: Ledger | None = None,
        limits: Limits | None = None,
        quota: Quota | None = None,
        headers: Mapping[str, str] | None = None,
        http_client: AsyncHttpClient | None = None,
        download_client: AsyncHttpClient | None = None,
        proxy: str | None = None,
        verify: Verify = True,
        clock: Callable[[], float] | None = None,
        sleep: Callable[[float], Awaitable[object]] | None = None,
    ) -> None:
        from ..transport.aio import AsyncDriver  # only here: it brings connections, a third of all imports

        per_request = timeout_of(request_timeout, timeout)
        self._config = Config(api_key, base_url, per_request, max_connections, headers, proxy, verify)
        simulated = time_of(self._config, clock, sleep, quota)
        self._driver = AsyncDriver(self._config, http_client, sleep, download_client, simulated)
        self._core = ClientCore(self._config, clock, retry, ledger, limits, quota, simulated, awaits=True)
        live.update((self._driver, self._core))
        self.video = AsyncVideos(self._core, self._driver)
        self.models = AsyncModels(self._core, self._driver)

    # What most programs do not use is imported by those that do.

    @cached_property
    def files(self) -> AsyncFiles:
        """Inputs and results that are kept at the service."""
        from .files import AsyncFiles

        return AsyncFiles(self._core, self._driver)

    @cached_property
    def batches(self) -> AsyncBatches:
        """Many requests at once, which the service does when it has time."""
        from .batches import AsyncBatches

        return AsyncBatches(self._core, self._driver)

    @cached_property
    def batch(self) -> AsyncVendorBatches:
        """The same, by the names of the vendor's SDK."""
        from .vendor import AsyncVendorBatches

        return AsyncVendorBatches(self._core, self._driver)

    @property
    def base_url(self) -> str:
        """The service's address, as it was checked: without a slash at its end. The ledger has it as `origin`."""
        return self._config.base_url

    async def reconcile(
        self, ledger: Ledger | None = None, *, timeout: Seconds | None = None
    ) -> Reconciliation[AsyncVideo]:
        """After a crash: waits for every accepted job of a ledger, and lists those whose POST has an unknown outcome. Never posts.

        Args:
            ledger: Default the client's own. Jobs that were started at another address are left alone.
            timeout: Seconds for all of them, default 600; 0 polls each once.

        Raises:
            OutOfRange: There is no ledger.
            LedgerError: The ledger can't be read or written.
            ApiError: An answer that holds for all jobs, such as a wrong key.
        """
        return await self._driver.run(
            self._core.reconcile(ledger, timeout, lambda video: AsyncVideo.bound(video, self.video.download))
        )

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

    def __repr__(self) -> str:
        return f"AsyncClient({self._config!r})"
