"""What a batch is given, and what became of it: requests, and outcomes that are values."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Generic, NamedTuple, TypeAlias

from grok_imagine_api import contract

from ..core import validation
from ..core.request import VideoRequest
from ..core.results import V_co
from ..errors import GrokImagineError, OutOfRange, UnknownField
from ..literals import OutcomeState

__all__ = ["Outcome"]

BatchItem: TypeAlias = VideoRequest | str | Mapping[str, Any]
"""A request; or a prompt; or keywords as of `generate`, as a manifest's line has them, with `mode` if it is to be extend-video."""

OTHERS = {
    "call": "`mode` says what to make",
    "strict": "`mode` says what to make",
    "key": "a batch knows its requests by its `name` and by what they ask for, and `repeat` makes equal ones anew",
}
"""Keywords of the methods that a request of a batch has no use for, and why."""


class Outcome(NamedTuple, Generic[V_co]):
    """What became of one request of a batch.

    Attributes:
        position: Its place among the requests, from 0.
        state: `done`; `failed`, `expired` or `moderated`: no video; `refused`: no job was started; `unknown`: nobody knows
            whether one was; `running`: the wait ended before the job did, and the same batch takes it up again.
        request: What was asked for; None if it could not be made a request.
        request_id: Id of the job, if there is one.
        video: The finished video of a job that is done; of an AsyncBatch an `AsyncVideo`.
        error: Why there is none; one of ours, whatever went wrong. `UnexpectedError` has another's as its cause.
        is_new: Whether this batch object posted it; else the ledger knew it, or the same request came before.
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
        """What the job cost in USD, if the service said so: one without a video may be billed, too."""
        if self.video is not None:
            return self.video.cost_usd
        told: float | None = getattr(self.error, "cost_usd", None)
        return told

    def __repr__(self) -> str:
        return f"<Outcome {self.position} {self.state} {self.request_id or self.error!r}>"


class BatchClosed(GrokImagineError):
    """The batch was closed before this request's job had ended, or was started."""

    def __init__(self, message: str = "the batch was closed", *, request_id: str | None = None) -> None:
        super().__init__(message, request_id=request_id)


def request_of(item: BatchItem, *, strict: bool = True) -> VideoRequest:
    """The request that an item of a batch is.

    Raises:
        InvalidRequest: It is none.
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
    for name in keywords.keys() & OTHERS.keys():  # of the methods, not of a request
        raise UnknownField("no such keyword", fields=[name], instead=f"leave it out; {OTHERS[name]}")
    mode = item.get("mode")
    call = "extend" if mode in contract.CALLS["extend"] else "generate"
    request = VideoRequest.from_keywords(call=call, strict=strict, **keywords)
    if mode is not None:
        validation.check_name(mode, request.mode, request.body)
    return request
