"""The items of a batch, and their outcomes."""

from __future__ import annotations

from collections.abc import AsyncIterable, Mapping
from typing import Any, Generic, NamedTuple, TypeAlias

from grok_imagine_api import contract

from ..core import validation
from ..core.request import VideoRequest
from ..core.results import V_co
from ..errors import (
    GrokImagineError,
    OutOfRange,
    StartOutcomeUnknown,
    UnexpectedError,
    UnknownField,
    VideoExpiredError,
    VideoGenerationError,
    VideoModeratedError,
)
from ..literals import OutcomeState

__all__ = ["BatchClosed", "BatchItem", "Outcome", "id_on", "request_of", "state_of"]

BatchItem: TypeAlias = VideoRequest | str | Mapping[str, Any]
"""A request, a prompt, or keywords of `generate` as in a line of a manifest. With `mode`, also extend-video."""

OTHERS = {
    "call": "`mode` says what to make",
    "strict": "`mode` says what to make",
    "key": "a batch identifies a request by its `name` and the request's content; `repeat` starts equal ones again",
}
"""Keywords of the methods that a batch does not accept, and why."""


class Outcome(NamedTuple, Generic[V_co]):
    """The outcome of one request of a batch.

    Attributes:
        position: The index of the request, from 0.
        state: `done`; `failed`, `expired` or `moderated`: no video; `refused`: no job was started; `unknown`: the outcome of
            the POST is unknown; `running`: the wait ended before the job did, and the same batch resumes it.
        request: The request; None if the item was not a valid request.
        request_id: The id of the job, if there is one.
        video: The video of a job that is done; an `AsyncVideo` in an AsyncBatch.
        error: Why there is no video; always an error of this package. `UnexpectedError` has a foreign error as its cause.
        is_new: Whether this batch object posted it. Otherwise the ledger had it, or an equal request came before.
    """

    position: int
    state: OutcomeState
    request: VideoRequest | None = None
    request_id: str | None = None
    video: V_co | None = None
    error: Exception | None = None
    is_new: bool = False

    @property
    def cost_usd(self) -> float | None:
        """The cost of the job in USD, if the service reported one. A job without a video may have a cost, too."""
        if self.video is not None:
            return self.video.cost_usd
        cost: float | None = getattr(self.error, "cost_usd", None)
        return cost

    def _repr_html_(self) -> str:
        from .. import notebook

        first = {"position": self.position, "prompt": self.request.body.get("prompt") if self.request else None}
        if self.video is not None:
            return self.video._html(first)
        error = self.error
        return notebook.table(
            {
                **first,
                "job": self.request_id,
                "state": self.state,
                "cost": notebook.usd(self.cost_usd),
                "error": None if error is None else f"{type(error).__name__}: {getattr(error, 'message', error)}",
            }
        )

    def __repr__(self) -> str:
        return f"<Outcome {self.position} {self.state} {self.request_id or self.error!r}>"


class BatchClosed(GrokImagineError):
    """The batch was closed before this request's job ended or started."""

    def __init__(self, message: str = "the batch was closed", *, request_id: str | None = None) -> None:
        super().__init__(message, request_id=request_id)


def check_requests(requests: object, *kinds: type) -> None:
    """Refuses a single request: each letter of a prompt, or key of a mapping, would be the prompt of a job that is paid for.

    Raises:
        OutOfRange: It is no iterable of requests, of one of `kinds`.
    """
    is_one = isinstance(requests, VideoRequest | str | Mapping)
    if isinstance(requests, kinds) and not is_one and not isinstance(requests, bytes | bytearray | memoryview):
        return
    instead = "write [...] around it" if is_one else ""
    if isinstance(requests, AsyncIterable):
        instead = "an AsyncClient takes it"
    name = "VideoRequest" if isinstance(requests, VideoRequest) else type(requests).__name__
    rule = f"is a list, or another iterable, of requests; got {name}"
    raise OutOfRange(rule, fields=["requests"], instead=instead, section="client")


def request_of(item: BatchItem, *, strict: bool = True) -> VideoRequest:
    """The request of a batch's item.

    Raises:
        InvalidRequest: The item is not a valid request.
    """
    if isinstance(item, VideoRequest):
        return item
    if isinstance(item, str):
        return VideoRequest.from_keywords(prompt=item)
    if not isinstance(item, Mapping):
        raise OutOfRange(
            f"is a request, a prompt or keywords; got {type(item).__name__}", fields=["requests"], section="client"
        )
    keywords = {str(name): value for name, value in item.items() if name != "mode"}
    for name in keywords.keys() & OTHERS.keys():  # keywords of the methods, not of a request
        raise UnknownField("no such keyword", fields=[name], instead=f"leave it out; {OTHERS[name]}")
    mode = item.get("mode")
    call = "extend" if mode in contract.CALLS["extend"] else "generate"
    request = VideoRequest.from_keywords(call=call, strict=strict, **keywords)
    if mode is not None:
        validation.check_name(mode, request.mode, request.body)
    return request


def id_on(error: BaseException) -> str | None:
    """The request_id that was attached to an exception."""
    found = error.__dict__.get("request_id")
    return found if isinstance(found, str) and found else None


def state_of(error: GrokImagineError, request_id: str | None, is_claimed: bool) -> OutcomeState:
    """The batch state of a request that ended with an error. `request_id` is None if there is no job."""
    if isinstance(error, StartOutcomeUnknown):
        return "unknown"
    if isinstance(error, VideoGenerationError) and request_id:
        kinds: dict[type, OutcomeState] = {VideoExpiredError: "expired", VideoModeratedError: "moderated"}
        return next((state for kind, state in kinds.items() if isinstance(error, kind)), "failed")
    if request_id:
        return "running"
    return "unknown" if is_claimed and isinstance(error, UnexpectedError) else "refused"
