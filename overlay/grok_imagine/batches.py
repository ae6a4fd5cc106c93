"""`client.batches`: the service's own batches, whose requests are done when it has time. `client.video.batch` is another thing."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable, Iterator, Mapping
from typing import TYPE_CHECKING, Any

from grok_imagine_api import contract

from .core.request import VideoRequest
from .parsing import shown

if TYPE_CHECKING:
    from pathlib import Path

    from ._wiring import ClientCore
    from .core.results import Video
    from .files import File
    from .transport.aio import AsyncDriver
    from .transport.sync import SyncDriver

__all__ = ["AsyncBatches", "BatchRequestState", "BatchResult", "Batches", "ServiceBatch"]


class ServiceBatch:
    """A batch at one look.

    Attributes:
        id: Its id.
        raw: The answer's JSON, as it came.
    """

    __slots__ = ("id", "raw")

    def __init__(self, id: str, raw: Mapping[str, Any]) -> None:
        self.id = id
        self.raw = raw

    @property
    def name(self) -> str | None:
        """The name it was made with; several may have it."""
        return _text(self.raw, "name")

    @property
    def num_requests(self) -> int:
        """All requests. Of a batch of a file 0, until that was read."""
        return self._count("num_requests")

    @property
    def num_pending(self) -> int:
        """Those that have not ended."""
        return self._count("num_pending")

    @property
    def num_success(self) -> int:
        """Those that ended well."""
        return self._count("num_success")

    @property
    def num_error(self) -> int:
        """Those that failed."""
        return self._count("num_error")

    @property
    def num_cancelled(self) -> int:
        """Those that were cancelled. May go back: what was under way may yet end well, and is billed."""
        return self._count("num_cancelled")

    @property
    def is_finished(self) -> bool:
        """Whether nothing is pending any more: there are requests and all have ended, or it was cancelled."""
        return self.num_pending == 0 and (self.num_requests > 0 or self.is_cancelled)

    @property
    def is_cancelled(self) -> bool:
        """Whether it was cancelled, by its owner or by the service."""
        return _text(self.raw, "cancel_time") is not None or self.cancel_message is not None

    @property
    def cancel_message(self) -> str | None:
        """Why the service cancelled it, such as a bad line of its file."""
        return _text(self.raw, "cancel_by_xai_message")

    @property
    def create_time(self) -> str | None:
        """A date, as the service writes it: `2026-11-16`."""
        return _text(self.raw, "create_time")

    @property
    def expire_time(self) -> str | None:
        """The date from which its results can't be read."""
        return _text(self.raw, "expire_time")

    def _count(self, name: str) -> int:
        from .rest import whole_in

        state = self.raw.get("state")
        return (whole_in(state, name) or 0) if isinstance(state, dict) else 0

    def __eq__(self, other: object) -> bool:
        return isinstance(other, ServiceBatch) and other.raw == self.raw

    __hash__ = None  # type: ignore[assignment]  # the same batch at two looks is not the same

    def __repr__(self) -> str:
        done = f"{self.num_success} done, {self.num_error} failed, {self.num_cancelled} cancelled"
        return f"<ServiceBatch {shown(self.id, 100)} {self.num_pending} of {self.num_requests} pending, {done}>"


class BatchRequestState:
    """How far a request of a batch is.

    Attributes:
        id: Its id.
        raw: The answer's JSON, as it came.
    """

    __slots__ = ("id", "raw")

    def __init__(self, id: str, raw: Mapping[str, Any]) -> None:
        self.id = id
        self.raw = raw

    @property
    def state(self) -> str:
        """`pending`, `succeeded`, `cancelled`, `failed`, or a newer word as it came; `unknown` if there is none."""
        return _text(self.raw, "state") or "unknown"

    @property
    def model(self) -> str | None:
        """The model."""
        return _text(self.raw, "model")

    def __repr__(self) -> str:
        return f"<BatchRequestState {shown(self.id, 100)} {shown(self.state, 40)}>"


class BatchResult:
    """What became of a request of a batch.

    Attributes:
        id: The request's id.
        video: The finished video; None if there is none. Its URL holds for an hour: `video.save(path)`.
        error: Why there is none; None if there is.
        cost_ticks: What it cost in ticks, if the service says so; a video that moderation withheld costs, too.
        raw: The answer's JSON, as it came. May hold a signed URL: do not log it.
    """

    __slots__ = ("cost_ticks", "error", "id", "raw", "video")

    def __init__(
        self, id: str, raw: Mapping[str, Any], *, video: Video | None, error: str | None, cost_ticks: int | None
    ) -> None:
        self.id = id
        self.raw = raw
        self.video = video
        self.error = error
        self.cost_ticks = cost_ticks

    @property
    def cost_usd(self) -> float | None:
        """What it cost in USD, if the service says so."""
        return None if self.cost_ticks is None else self.cost_ticks / contract.TICKS_PER_USD

    def __repr__(self) -> str:
        told = {"error": self.error and shown(self.error, 100), "cost_usd": self.cost_usd}
        details = ", ".join(f"{name}={value!r}" for name, value in told.items() if value is not None)
        return f"<BatchResult {shown(self.id, 100)} {details}>"


class Batches:
    """`client.batches`: makes, fills, looks at and cancels the service's batches.

    They cost the full price and are outside the limits of the rate; most are done within a day, without a promise. They are not in
    the ledger: what they cost is told by the results. Sources: recorded batches of texts, the vendor's guides for the videos in
    them; see Batches in the register.
    """

    def __init__(self, core: ClientCore, driver: SyncDriver) -> None:
        self._core = core
        self._driver = driver

    def create(self, name: str, *, input_file_id: str | File | None = None) -> ServiceBatch:
        """Makes a batch.

        It is sent again only if it is certain that none was made.

        Args:
            name: For people, and to find it by if the answer is lost.
            input_file_id: An uploaded JSONL file of requests; without one, the batch is empty.

        Raises:
            CreateOutcomeUnknown: No answer told whether it exists.
            ApiError, NotDelivered: The request failed; there is no batch.
        """
        return self._driver.run(self._core.batches.create(name, input_file_id))

    def add(
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
            strict: Whether each is held to the contract first.

        Returns:
            The ids, in the order of the requests.

        Raises:
            InvalidRequest: A request that the contract refuses. Nothing was sent.
            ConflictError: An id is taken by other content, or the batch is made of a file. Nothing was added.
            PermissionDeniedError: The batch was cancelled.
            TransportError: No answer, though it was sent again; the same call again adds what is missing.
            ApiError: Nothing was added.
        """
        return self._driver.run(self._core.batches.add(batch_id, requests, strict))

    def get(self, batch_id: str | ServiceBatch) -> ServiceBatch:
        """Looks at a batch.

        Raises:
            NotFoundError: No such batch.
            ApiError, TransportError: The request failed.
        """
        return self._driver.run(self._core.batches.get(batch_id))

    def list(self, *, limit: int | None = None) -> Iterator[ServiceBatch]:
        """Goes through the team's batches; a page of `limit` is fetched when it is needed.

        Raises:
            ApiError, TransportError: A request failed.
        """
        from .rest import walk

        return walk(self._driver.run, self._core.batches.list(limit))

    def requests(self, batch_id: str | ServiceBatch, *, limit: int | None = None) -> Iterator[BatchRequestState]:
        """Goes through the requests of a batch, whatever their state.

        Raises:
            ApiError, TransportError: A request failed.
        """
        from .rest import walk

        return walk(self._driver.run, self._core.batches.requests(batch_id, limit))

    def results(self, batch_id: str | ServiceBatch, *, limit: int | None = None) -> Iterator[BatchResult]:
        """Goes through what has ended, sorted by id as text; also while the rest is pending.

        Raises:
            NotFoundError: No such batch, or it has expired.
            ApiError, TransportError: A request failed.
        """
        from .rest import walk

        def save(video: Video, path: Any, *, on_progress: Any = None, **options: Any) -> Path:
            look = self._core.batches.look(batch_id)
            return self._driver.run(self._core.download(video, path, on_progress, look, **options))

        return walk(self._driver.run, self._core.batches.results(batch_id, limit, save))

    def cancel(self, batch_id: str | ServiceBatch) -> ServiceBatch:
        """Cancels what is pending. What is under way may yet end well, and is billed.

        Raises:
            ApiError, TransportError: The request failed.
        """
        return self._driver.run(self._core.batches.cancel(batch_id))


class AsyncBatches:
    """`client.batches` of an AsyncClient: the same as `Batches`, awaited; what is gone through is for `async for`."""

    def __init__(self, core: ClientCore, driver: AsyncDriver) -> None:
        self._core = core
        self._driver = driver

    async def create(self, name: str, *, input_file_id: str | File | None = None) -> ServiceBatch:
        """See `Batches.create`."""
        return await self._driver.run(self._core.batches.create(name, input_file_id))

    async def add(
        self,
        batch_id: str | ServiceBatch,
        requests: Iterable[VideoRequest] | Mapping[str, VideoRequest],
        *,
        strict: bool = True,
    ) -> list[str]:
        """See `Batches.add`."""
        return await self._driver.run(self._core.batches.add(batch_id, requests, strict))

    async def get(self, batch_id: str | ServiceBatch) -> ServiceBatch:
        """See `Batches.get`."""
        return await self._driver.run(self._core.batches.get(batch_id))

    def list(self, *, limit: int | None = None) -> AsyncIterator[ServiceBatch]:
        """See `Batches.list`."""
        from .rest import walk_async

        return walk_async(self._driver.run, self._core.batches.list(limit))

    def requests(self, batch_id: str | ServiceBatch, *, limit: int | None = None) -> AsyncIterator[BatchRequestState]:
        """See `Batches.requests`."""
        from .rest import walk_async

        return walk_async(self._driver.run, self._core.batches.requests(batch_id, limit))

    def results(self, batch_id: str | ServiceBatch, *, limit: int | None = None) -> AsyncIterator[BatchResult]:
        """See `Batches.results`."""
        from .rest import walk_async

        async def save(video: Video, path: Any, *, on_progress: Any = None, **options: Any) -> Path:
            look = self._core.batches.look(batch_id)
            return await self._driver.run(self._core.download(video, path, on_progress, look, **options))

        return walk_async(self._driver.run, self._core.batches.results(batch_id, limit, save))

    async def cancel(self, batch_id: str | ServiceBatch) -> ServiceBatch:
        """See `Batches.cancel`."""
        return await self._driver.run(self._core.batches.cancel(batch_id))


def _text(raw: Mapping[str, Any], name: str) -> str | None:
    from .rest import text_in

    return text_in(raw, name)
