"""What can be done with the service's batches, as flows. Requests come from the generated binding, as in `binding`."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterable, Mapping
from typing import Any, TypeVar

from grok_imagine_api import contract
from grok_imagine_api.api.batches import (
    add_batch_requests,
    cancel_batch,
    create_batch,
    get_batch,
    list_batch_requests,
    list_batch_results,
    list_batches,
)
from grok_imagine_api.models.add_batch_requests_request import AddBatchRequestsRequest
from grok_imagine_api.models.create_batch_request import CreateBatchRequest
from grok_imagine_api.types import UNSET

from ..answers.answer import Answer
from ..core.effects import Flow
from ..core.operations import check_id
from ..core.request import VideoRequest
from ..core.results import Video
from ..core.retry import Retries
from ..errors import JobError, OutOfRange
from ..files_api.file import File
from ..media.content import Content
from ..parsing import cost_ticks, text_at, value_at
from ..rest import Fetch, ask, check_whole, make, pages
from ..warning_types import ContractWarning
from .models import BatchRequestState, BatchResult, ServiceBatch
from .vendor import made_id

V = TypeVar("V", bound=Video)

RESPONSES = ("video_generation", "video_extension", "video_response")
"""Under what a result's video was documented."""


class BatchFlows:
    """The flows of `client.batches`; `Batches` says what each does."""

    def __init__(self, retries: Retries) -> None:
        self._retries = retries

    def create(self, name: str, input_file_id: str | File | None) -> Flow[ServiceBatch]:
        """Makes a batch."""
        if not isinstance(name, str) or not name.strip():
            raise OutOfRange(f"is a text; got {name!r}", fields=["name"], section="createBatch")
        file_id = input_file_id.id if isinstance(input_file_id, File) else input_file_id
        if file_id is not None:
            check_id(file_id, "input_file_id", "createBatch")
        body = CreateBatchRequest(name=name, input_file_id=UNSET if file_id is None else file_id)
        return make(create_batch._get_kwargs(body=body), _batch_of, self._retries, kind="batch", name=name)

    def add(
        self, batch_id: str | ServiceBatch, requests: Iterable[VideoRequest] | Mapping[str, VideoRequest], strict: bool
    ) -> Flow[list[str]]:
        """Adds requests; repeated after anything transient, a lost answer too, since each has an id of ours."""
        entries = _entries(requests)
        if strict:
            for request in entries.values():
                request.check()
        body = {
            "batch_requests": [
                {"batch_request_id": own, "batch_request": _wrapped(request)} for own, request in entries.items()
            ]
        }
        if strict:
            _check_size(body)
        # The bare request is the generated code's; the body goes as it is, since its hash is what the service compares.
        kwargs = add_batch_requests._get_kwargs(_id_of(batch_id), body=AddBatchRequestsRequest(batch_requests=[]))
        yield from ask({**kwargs, "json": body}, self._retries)
        return list(entries)

    def get(self, batch_id: str | ServiceBatch) -> Flow[ServiceBatch]:
        """Gets a batch's state."""
        return _batch_of((yield from ask(get_batch._get_kwargs(_id_of(batch_id)), self._retries)))

    def cancel(self, batch_id: str | ServiceBatch) -> Flow[ServiceBatch]:
        """Cancels a batch; again, when it is repeated."""
        return _batch_of((yield from ask(cancel_batch._get_kwargs(_id_of(batch_id)), self._retries)))

    def list(self, limit: int | None) -> Fetch[ServiceBatch]:
        """Lists batches."""
        return pages(_paged(list_batches._get_kwargs, limit), "batches", _batch, self._retries)

    def requests(self, batch_id: str | ServiceBatch, limit: int | None) -> Fetch[BatchRequestState]:
        """Lists the requests of a batch."""
        request = _paged(list_batch_requests._get_kwargs, limit, _id_of(batch_id))
        return pages(request, "batch_request_metadata", _state, self._retries)

    def results(
        self, batch_id: str | ServiceBatch, limit: int | None, bind: Callable[[Video], V]
    ) -> Fetch[BatchResult[V]]:
        """Lists the results of a batch; `bind` makes their videos the client's own."""

        def read(raw: Mapping[str, Any], headers: Mapping[str, str]) -> BatchResult[V] | None:
            return _result(raw, headers, bind)

        return pages(_paged(list_batch_results._get_kwargs, limit, _id_of(batch_id)), "results", read, self._retries)

    def getter(self, batch_id: str | ServiceBatch) -> Callable[[str], Flow[Video]]:
        """Gets a result's video again, for a fresh URL: the results are the only place that has it."""

        def get(request_id: str) -> Flow[Video]:
            fetch = self.results(batch_id, None, lambda video: video)
            token: str | None = None
            while True:
                results, token = yield from fetch(token)
                for result in results:
                    if result.id == request_id and result.video:
                        return result.video
                if token is None:
                    raise JobError("the batch has no such video any more", request_id=request_id)

        return get


def _entries(requests: object) -> dict[str, VideoRequest]:
    """The requests by their ids: given, or made of position and content."""
    given: list[tuple[Any, Any]]
    if isinstance(requests, Mapping):
        given = list(requests.items())
    elif isinstance(requests, Iterable) and not isinstance(requests, str | bytes):
        given = [(None, request) for request in requests]
    else:
        rule = f"is a list or a mapping of requests; got {type(requests).__name__}"
        raise OutOfRange(rule, fields=["requests"], section="addBatchRequests")
    entries: dict[str, VideoRequest] = {}
    for position, (own, request) in enumerate(given):
        if not isinstance(request, VideoRequest):
            rule = f"holds requests, such as TextToVideo(...); got {type(request).__name__}"
            raise OutOfRange(rule, fields=["requests"], section="addBatchRequests")
        if own is not None and (not isinstance(own, str) or not own.strip()):
            raise OutOfRange(f"has texts as ids; got {own!r}", fields=["requests"], section="BatchRequestEntry")
        made = made_id(position, request)  # what is no JSON fails here
        entries[made if own is None else own] = request
    if not entries:
        raise OutOfRange("is empty", fields=["requests"], instead="give at least one", section="addBatchRequests")
    return entries


def _wrapped(request: VideoRequest) -> dict[str, Any]:
    """A request as a batch takes it: an edit is a generation with a video."""
    return {"video_extension" if request.mode == "extend-video" else "video_generation": dict(request.body)}


def _check_size(body: object) -> None:
    limit = contract.LIMITS["batch_add_size"]
    length = Content(body).length
    if length > limit.value:
        rule = f"have {length:,} bytes in all, and a call takes {limit.value:,.0f}; give large media as files or URLs"
        warnings.warn(
            ContractWarning(f"requests: {rule}", section="x-limits.batch_add_size", fields=["requests"]), stacklevel=2
        )


def _paged(
    kwargs: Callable[..., dict[str, Any]], limit: int | None, *path: str
) -> Callable[[str | None], dict[str, Any]]:
    check_whole(limit, "limit", 1, int(contract.LIMITS["page_size"].value), "x-limits.page_size")
    return lambda token: kwargs(*path, limit=UNSET if limit is None else limit, pagination_token=token or UNSET)


def _id_of(batch_id: str | ServiceBatch) -> str:
    found = batch_id.id if isinstance(batch_id, ServiceBatch) else batch_id
    check_id(found, "batch_id", "getBatch")
    return found


def _batch_of(answer: Answer) -> ServiceBatch:
    batch = _batch(answer.json(), answer.headers)
    if batch is None:
        raise answer.unexpected("holds no batch")
    return batch


def _batch(raw: Mapping[str, Any], headers: Mapping[str, str]) -> ServiceBatch | None:
    found = text_at(raw, "batch_id")
    return ServiceBatch(found, raw, headers) if found else None


def _state(raw: Mapping[str, Any], headers: Mapping[str, str]) -> BatchRequestState | None:
    found = text_at(raw, "batch_request_id")
    return BatchRequestState(found, raw, headers) if found else None


def _result(raw: Mapping[str, Any], headers: Mapping[str, str], bind: Callable[[Video], V]) -> BatchResult[V] | None:
    """A result, of whatever form: no video in a batch was ever recorded."""
    found = text_at(raw, "batch_request_id")
    if found is None:
        return None
    outcome = raw.get("batch_result")
    responses = (value_at(outcome, f"response.{name}") for name in RESPONSES)
    response = next((each for each in responses if isinstance(each, dict)), None)
    failure = value_at(outcome, "error")
    video, error = None, _message_of(failure)
    if response is not None:
        # Whether a status comes is not known; what is in the results has ended.
        status = {} if text_at(response, "status") else {"status": "done"}
        state = Video(found, response | status, headers=headers)
        if state.outcome == "done":
            video, error = state, None
        else:
            error = error or state.failure().message
    if video is None and error is None:
        error = "the service gave neither a video nor a reason"
    costs = (cost_ticks(place) for place in (response, outcome, failure))
    ticks = next((cost for cost in costs if cost is not None), None)
    return BatchResult(found, raw, headers, video=bind(video) if video else None, error=error, cost_ticks=ticks)


def _message_of(error: object) -> str | None:
    """The message of an error: a text as recorded, or an object as guides and clients show."""
    if isinstance(error, str):
        return error or None
    texts = (text_at(error, name) for name in ("message", "error", "error_message", "code"))
    return next((text for text in texts if text), None if error is None else str(error)[:500])
