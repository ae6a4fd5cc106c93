"""The service's batches as the vendor's SDK shows them: pages with a token, and its names of what is in them."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Generic, NamedTuple, TypeVar

from ..core.request import VideoRequest
from ..core.results import V_co
from ..errors import OutOfRange
from .models import BatchRequestState, BatchResult, ServiceBatch

T = TypeVar("T")

__all__ = ["BatchPage", "PreparedRequest", "RequestPage", "ResultPage", "VendorBatch", "VendorResult"]


class PreparedRequest(NamedTuple):
    """What `client.video.prepare` makes, for `client.batch.add`.

    Attributes:
        request: The request.
        batch_request_id: Its id within the batch; None if it is made of its position and content.
    """

    request: VideoRequest
    batch_request_id: str | None = None


class VendorBatch(ServiceBatch):
    """The state of a batch when it was read; also what `client.batches` has of it."""

    __slots__ = ()

    @property
    def batch_id(self) -> str:
        """Its id."""
        return self.id

    @property
    def state(self) -> VendorBatch:
        """Has `num_requests`, `num_pending`, `num_success`, `num_error`, `num_cancelled`."""
        return self

    @classmethod
    def of(cls, batch: ServiceBatch) -> VendorBatch:
        """The same batch."""
        return cls(batch.id, batch.raw)


class VendorResult(BatchResult[V_co]):
    """What became of a request of a batch; also what `client.batches` has of it."""

    __slots__ = ()

    @property
    def batch_request_id(self) -> str:
        """The request's id."""
        return self.id

    @property
    def is_success(self) -> bool:
        """Whether there is a video."""
        return self.video is not None

    @property
    def has_error(self) -> bool:
        """Whether there is none."""
        return self.video is None

    @property
    def error_message(self) -> str | None:
        """Why there is none."""
        return self.error

    @property
    def video_response(self) -> V_co:
        """The video.

        Raises:
            ValueError: There is none; `error_message` says why.
        """
        if self.video is None:
            raise ValueError(f"request {self.id!r} of the batch has no video: {self.error}")
        return self.video

    @classmethod
    def of(cls, result: BatchResult[V_co]) -> VendorResult[V_co]:
        """The same result."""
        return cls(result.id, result.raw, video=result.video, error=result.error, cost_ticks=result.cost_ticks)


class BatchPage(NamedTuple):
    """A page of batches, and the token of the next one; None at the end."""

    batches: list[VendorBatch]
    pagination_token: str | None


class RequestPage(NamedTuple):
    """A page of the requests of a batch, and the token of the next one; None at the end."""

    batch_request_metadata: list[BatchRequestState]
    pagination_token: str | None


class ResultPage(NamedTuple, Generic[V_co]):
    """A page of results, and the token of the next one; None at the end."""

    results: list[VendorResult[V_co]]
    pagination_token: str | None

    @property
    def succeeded(self) -> list[VendorResult[V_co]]:
        """Those with a video."""
        return [result for result in self.results if result.is_success]

    @property
    def failed(self) -> list[VendorResult[V_co]]:
        """Those without."""
        return [result for result in self.results if result.has_error]


def by_id(prepared: Iterable[PreparedRequest]) -> dict[str, VideoRequest]:
    """The requests by their ids. One without an id gets one of its position and content, so that a repeat is known as such.

    Raises:
        OutOfRange: Something that is no request, or two of the same id.
    """
    found: dict[str, VideoRequest] = {}
    for position, item in enumerate(prepared):
        if not isinstance(item, PreparedRequest):
            rule = f"holds what client.video.prepare makes; got {type(item).__name__}"
            raise OutOfRange(rule, fields=["batch_requests"], section="addBatchRequests")
        own = item.batch_request_id or made_id(position, item.request)
        if own in found:
            raise OutOfRange(f"holds the id {own!r} twice", fields=["batch_request_id"], section="addBatchRequests")
        found[own] = item.request
    return found


def made_id(position: int, request: VideoRequest) -> str:
    """The id of a request that has none. Zeros in front keep the order of the requests in the results, which are sorted as texts."""
    return f"{position:06d}-{request.sha256[:16]}"
