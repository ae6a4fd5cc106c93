"""`client.batches`, awaited: the service's own batches, done when it has time. `client.video.batch` is another thing."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable, Mapping
from typing import TYPE_CHECKING, Any

from ..batches_api.models import BatchRequestState, BatchResult, ServiceBatch
from ..core.request import VideoRequest
from ..core.results import AsyncVideo, Video

if TYPE_CHECKING:
    from pathlib import Path

    from .._wiring import ClientCore
    from ..files_api.file import File
    from ..rest import Fetch
    from ..transport.aio import AsyncDriver

__all__ = ["AsyncBatches"]


class AsyncBatches:
    """`client.batches`: creates, fills, reads and cancels the service's batches.

    They cost the full price and are outside the limits of the rate; most are done within a day, without a promise. They are not in
    the ledger: their costs are in the results. Sources: recorded batches of texts, the vendor's guides for the videos in
    them; see Batches in the register.
    """

    def __init__(self, core: ClientCore, driver: AsyncDriver) -> None:
        self._core = core
        self._driver = driver

    async def create(self, name: str, *, input_file_id: str | File | None = None) -> ServiceBatch:
        """Makes a batch.

        It is sent again only if it is certain that none was made.

        Args:
            name: For people, and to find it by if the answer is lost.
            input_file_id: An uploaded JSONL file of requests; without one, the batch is empty.

        Raises:
            CreateOutcomeUnknown: No answer says whether it exists.
            ApiError, NotDelivered: The request failed; there is no batch.
        """
        return await self._driver.run(self._core.batches.create(name, input_file_id))

    async def add(
        self,
        batch_id: str | ServiceBatch,
        requests: Iterable[VideoRequest] | Mapping[str, VideoRequest],
        *,
        strict: bool = True,
    ) -> list[str]:
        """Adds requests, all or none. They are paid for.

        Each has an id of yours, by which the service knows a repeat: so a lost answer is made up for by sending the same again,
        here and by you, and nothing is doubled.

        Args:
            batch_id: The batch or its id.
            requests: Requests by your own ids; or requests, whose ids are then made of position and content, so that the same call
                has the same ones. To have the same request at the same place of two calls done twice, give ids.
            strict: Check each request against the contract first.

        Returns:
            The ids, in the order of the requests.

        Raises:
            InvalidRequest: A request that the contract refuses. Nothing was sent.
            ConflictError: An id is taken by other content, or the batch is made of a file. Nothing was added.
            PermissionDeniedError: The batch was cancelled.
            TransportError: No answer, though it was sent again; the same call again adds what is missing.
            ApiError: Nothing was added.
        """
        return await self._driver.run(self._core.batches.add(batch_id, requests, strict))

    async def get(self, batch_id: str | ServiceBatch) -> ServiceBatch:
        """Reads the state of a batch.

        Raises:
            NotFoundError: No such batch.
            ApiError, TransportError: The request failed.
        """
        return await self._driver.run(self._core.batches.get(batch_id))

    def list(self, *, limit: int | None = None) -> AsyncIterator[ServiceBatch]:
        """Goes through the team's batches; a page of `limit` is fetched when it is needed.

        Raises:
            ApiError, TransportError: A request failed.
        """
        from ..rest import walk_async

        return walk_async(self._driver.run, self._core.batches.list(limit))

    def requests(self, batch_id: str | ServiceBatch, *, limit: int | None = None) -> AsyncIterator[BatchRequestState]:
        """Goes through the requests of a batch, whatever their state.

        Raises:
            ApiError, TransportError: A request failed.
        """
        from ..rest import walk_async

        return walk_async(self._driver.run, self._core.batches.requests(batch_id, limit))

    def results(
        self, batch_id: str | ServiceBatch, *, limit: int | None = None
    ) -> AsyncIterator[BatchResult[AsyncVideo]]:
        """Goes through what has ended, sorted by id as text; also while the rest is pending.

        Raises:
            NotFoundError: No such batch, or it has expired.
            ApiError, TransportError: A request failed.
        """
        from ..rest import walk_async

        return walk_async(self._driver.run, self._fetch_results(batch_id, limit))

    def _fetch_results(self, batch_id: str | ServiceBatch, limit: int | None) -> Fetch[BatchResult[AsyncVideo]]:
        """Fetches a page of results, whose videos are saved through this client."""

        async def save(video: Video, path: Any, *, on_progress: Any = None, **options: Any) -> Path:
            get = self._core.batches.getter(batch_id)
            return await self._driver.run(self._core.download(video, path, on_progress, get, **options))

        return self._core.batches.results(batch_id, limit, lambda video: AsyncVideo.bound(video, save))

    async def cancel(self, batch_id: str | ServiceBatch) -> ServiceBatch:
        """Cancels what is pending. What is under way may yet end well, and is billed.

        Raises:
            ApiError, TransportError: The request failed.
        """
        return await self._driver.run(self._core.batches.cancel(batch_id))
