"""`client.batch`, awaited: the service's batches by the names of the vendor's SDK, for code that moves over."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from ..batches_api.vendor import BatchPage, PreparedRequest, RequestPage, ResultPage, VendorBatch, VendorResult, by_id
from ..core.results import AsyncVideo
from .batches import AsyncBatches

if TYPE_CHECKING:
    from .._wiring import ClientCore
    from ..files_api.file import File
    from ..transport.aio import AsyncDriver

__all__ = ["AsyncVendorBatches"]


class AsyncVendorBatches:
    """`client.batch`: what `client.batches` does, a page at a time. It is filled with what `client.video.prepare` makes."""

    def __init__(self, core: ClientCore, driver: AsyncDriver) -> None:
        self._core = core
        self._driver = driver
        self._batches = AsyncBatches(core, driver)

    async def create(self, batch_name: str, *, input_file_id: str | File | None = None) -> VendorBatch:
        """Makes a batch; see `client.batches.create`."""
        return VendorBatch.of(await self._batches.create(batch_name, input_file_id=input_file_id))

    async def add(self, batch_id: str, batch_requests: Iterable[PreparedRequest]) -> None:
        """Adds what `client.video.prepare` made, all or none; see `client.batches.add`.

        Raises:
            InvalidRequest: Something that is no request, two of the same id, or a request that the contract refuses. Nothing was sent.
        """
        await self._batches.add(batch_id, by_id(batch_requests))

    async def get(self, batch_id: str) -> VendorBatch:
        """Reads the state of a batch."""
        return VendorBatch.of(await self._batches.get(batch_id))

    async def cancel(self, batch_id: str) -> VendorBatch:
        """Cancels what is pending."""
        return VendorBatch.of(await self._batches.cancel(batch_id))

    async def list(self, limit: int | None = None, pagination_token: str | None = None) -> BatchPage:
        """A page of the team's batches."""
        found, after = await self._driver.run(self._core.batches.list(limit)(pagination_token))
        return BatchPage([VendorBatch.of(batch) for batch in found], after)

    async def list_batch_requests(
        self, batch_id: str, limit: int | None = None, pagination_token: str | None = None
    ) -> RequestPage:
        """A page of the requests of a batch."""
        return RequestPage(*await self._driver.run(self._core.batches.requests(batch_id, limit)(pagination_token)))

    async def list_batch_results(
        self, batch_id: str, limit: int | None = None, pagination_token: str | None = None
    ) -> ResultPage[AsyncVideo]:
        """A page of what has ended, sorted by id as text; also while the rest is pending."""
        fetch = self._batches._fetch_results(batch_id, limit)
        found, after = await self._driver.run(fetch(pagination_token))
        return ResultPage([VendorResult.of(result) for result in found], after)
