"""What to do, without doing it: generators that yield commands and get their results back. No socket and no thread.

A driver runs them (`drivers`, `async_driver`). There is one flow for each thing a client can do, waiting being in `polling`, and
none knows whether it is driven by a blocking or an asynchronous client; so the two can't drift apart. `binding` is imported
by the first call, not before: the generated models cost as much to import as the rest of the package.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import httpx

from .commands import Blocking, Call, Flow, Sleep, T
from .errors import (
    ApiError,
    GrokImagineError,
    JobError,
    LedgerError,
    OutOfRange,
    StartOutcomeUnknown,
    TransportError,
    UnexpectedResponse,
    api_error,
)
from .requests import VideoRequest
from .results import Job, Video
from .retry import Delivery, Retries, delivery_of

if TYPE_CHECKING:
    from grok_imagine_api.models.video_generation_model import VideoGenerationModel

    from .ledger import Ledger


class Book:
    """A ledger, and the address whose jobs a client notes in it."""

    __slots__ = ("ledger", "origin")

    def __init__(self, ledger: Ledger, origin: str) -> None:
        self.ledger = ledger
        self.origin = origin


def repeat(
    attempt: Callable[[], Flow[T]],
    may_repeat: Callable[[GrokImagineError], bool],
    retries: Retries,
    limit: float = math.inf,
) -> Flow[T]:
    """Makes an attempt until it succeeds, may not be repeated, or the retry policy gives up; raises its last error.

    No other try begins after `limit` seconds, whatever the policy's own budget.
    """
    begin, tries = retries.clock(), 0
    while True:
        tries += 1
        try:
            return (yield from attempt())
        except GrokImagineError as error:
            elapsed = retries.clock() - begin
            pause = retries.policy.pause(tries, elapsed, error, retries.dice) if may_repeat(error) else None
            if pause is None or elapsed + pause > limit:
                raise
        yield Sleep(pause)


def is_certain(error: GrokImagineError) -> bool:
    """Whether it is certain that a POST started nothing, and the service may yet take it."""
    return delivery_of(error) in (Delivery.NEVER_DELIVERED, Delivery.REFUSED)


def is_transient(error: GrokImagineError) -> bool:
    """Whether a GET that failed may succeed later."""
    return error.transient if isinstance(error, ApiError) else isinstance(error, TransportError)


def start(request: VideoRequest, retries: Retries, book: Book | None = None, limit: float = math.inf) -> Flow[Job]:
    """Starts a job: posts until it is taken, as long as it is certain that no job exists, for at most `limit` seconds.

    Raises:
        ApiError: Refused; no job exists.
        NotDelivered: Nothing was sent; no job exists.
        StartOutcomeUnknown: Sent, but not answered in a way that tells whether a job exists.
        LedgerError: The intent could not be written, and nothing was sent; or, with an id, the id could not.
    """
    if book is None:
        return (yield from repeat(lambda: post(request), is_certain, retries, limit))
    intent: str = yield Blocking(lambda: book.ledger.intend(request, book.origin))
    try:
        job = yield from repeat(lambda: post(request), is_certain, retries, limit)
    except GeneratorExit:
        raise
    except BaseException as error:
        failure, known = error, getattr(error, "request_id", None)
        is_started = isinstance(known, str) and not isinstance(error, GrokImagineError)
        try:
            if is_started:
                yield Blocking(lambda: book.ledger.accept(intent, str(known)))
            else:
                yield Blocking(lambda: book.ledger.give_up(intent, failure))
        except LedgerError as second:  # what happened to the job matters more than that it could not be noted
            error.add_note(f"and it could not be noted: {second}")
        raise
    with keeping(job.request_id):
        yield Blocking(lambda: book.ledger.accept(intent, job.request_id))
    return job


def post(request: VideoRequest) -> Flow[Job]:
    """Posts a request once; raises as `start` does. What interrupts it leaves with what is known of the job."""
    from . import binding

    sent_at = time.time()
    try:
        response: httpx.Response = yield Call(binding.start(request.operation, request.body), paid=True)
        return Job(_id_of(response), request)
    except GrokImagineError as error:
        if delivery_of(error) is not Delivery.OUTCOME_UNKNOWN:
            raise
        answer = error if isinstance(error, ApiError) else None
        raise StartOutcomeUnknown(
            str(error), mode=request.mode, body_sha256=request.sha256, sent_at=sent_at, answer=answer
        ) from error
    except GeneratorExit:
        raise
    except BaseException as error:
        _note_interrupted_post(error, request)
        raise


def _id_of(response: httpx.Response) -> str:
    if not response.is_success:
        raise _error(response)
    request_id = _json(response).get("request_id")
    if not isinstance(request_id, str) or not request_id:
        raise _unexpected(response, "no request_id")
    return request_id


def _note_interrupted_post(error: BaseException, request: VideoRequest) -> None:
    """Ctrl-C or a cancelled task: the id, if the driver could still wait for the answer; else what may have been paid."""
    answer = getattr(error, "answer", None)
    try:
        request_id = _id_of(answer) if answer is not None else None
    except GrokImagineError:  # the answer is no id; what interrupted is what leaves
        request_id = None
    if request_id:
        error.__dict__["request_id"] = request_id
        error.add_note(f"the job was started; client.video.wait({request_id!r}) takes it up")
    else:
        error.add_note(f"a paid POST was under way ({request.mode}, body {request.sha256[:12]}); a job may be running")


def get(request_id: str, retries: Retries, book: Book | None = None) -> Flow[Video]:
    """Looks at a job; raises as `look` does, once the retry policy gives up."""
    return repeat(lambda: look(request_id, book=book), is_transient, retries)


def look(request_id: str, timeout: float | None = None, book: Book | None = None) -> Flow[Video]:
    """Looks at a job once, and has the ledger note what ended.

    Raises:
        OutOfRange: What was given is no id.
        VideoModeratedError: The service answered 400 since moderation withheld the video.
        ApiError: Another answer than the job's state.
        TransportError: No answer.
    """
    from . import binding

    check_id(request_id)
    try:
        response: httpx.Response = yield Call(binding.look(request_id), timeout)
    except TransportError as error:
        error.request_id = request_id
        raise
    if not response.is_success:
        failure = _error(response, request_id)
        if book and isinstance(failure, JobError):
            yield Blocking(lambda: book.ledger.lost(failure, book.origin))
        raise failure
    video = Video(request_id, _read_state(response, request_id), response.status_code)
    if book and video.outcome != "running":
        yield Blocking(lambda: book.ledger.saw(video, book.origin))
    return video


def _read_state(response: httpx.Response, request_id: str) -> Mapping[str, Any]:
    """The JSON of a look. A 202 says all by its status: its body may be empty."""
    if response.status_code == 202 and not response.content.strip():
        return {}
    return _json(response, request_id)


@contextmanager
def keeping(request_id: str) -> Iterator[None]:
    """Puts the id on whatever leaves: Ctrl-C, a cancelled task, a callback that raises. The job goes on and is paid for."""
    try:
        yield
    except BaseException as error:
        if isinstance(error, JobError) and error.request_id == request_id:
            raise  # the job has ended, or the message says that it goes on
        if error.__dict__.get("request_id") is None:
            error.__dict__["request_id"] = request_id
        error.add_note(f"the job goes on; client.video.wait({request_id!r}) takes it up again")
        raise


def list_models(retries: Retries) -> Flow[list[VideoGenerationModel]]:
    """The video models of the key."""
    return repeat(_list_models, is_transient, retries)


def _list_models() -> Flow[list[VideoGenerationModel]]:
    from . import binding

    response: httpx.Response = yield Call(binding.list_models())
    if not response.is_success:
        raise _error(response)
    models = _json(response).get("models")
    if not isinstance(models, list) or not all(isinstance(model, Mapping) and "id" in model for model in models):
        raise _unexpected(response, "no list of models")
    return [binding.VideoGenerationModel.from_dict(model) for model in models]


def get_model(model_id: str, retries: Retries) -> Flow[VideoGenerationModel]:
    """One video model."""
    check_id(model_id, "model_id")
    return repeat(lambda: _get_model(model_id), is_transient, retries)


def _get_model(model_id: str) -> Flow[VideoGenerationModel]:
    from . import binding

    response: httpx.Response = yield Call(binding.get_model(model_id))
    if not response.is_success:
        raise _error(response)
    model = _json(response)
    if "id" not in model:
        raise _unexpected(response, "no model")
    return binding.VideoGenerationModel.from_dict(model)


def id_of(job: Video | Job | str) -> str:
    """The id of a job, however it is given; whether it is one is for `check_id` to say."""
    return job.request_id if isinstance(job, Video | Job) else job


def check_id(value: object, name: str = "request_id") -> None:
    """Refuses what would ask for another path: the generated code quotes everything but `..`."""
    if not isinstance(value, str) or value.strip() in ("", ".", ".."):
        raise OutOfRange(f"is the id that the service gave; got {value!r}", fields=[name], section="getVideo")


def _json(response: httpx.Response, request_id: str | None = None) -> Mapping[str, Any]:
    try:
        data = response.json()
    except (ValueError, RecursionError) as error:
        raise _unexpected(response, "no JSON", request_id) from error
    if not isinstance(data, Mapping):
        raise _unexpected(response, f"JSON of another shape: {type(data).__name__}", request_id)
    return data


def _unexpected(response: httpx.Response, what: str, request_id: str | None = None) -> UnexpectedResponse:
    return UnexpectedResponse(
        f"the answer holds {what}",
        status_code=response.status_code,
        headers=response.headers,
        body=response.text[:500],
        request_id=request_id,
    )


def _error(response: httpx.Response, request_id: str | None = None) -> ApiError | JobError:
    return api_error(response.status_code, response.headers, response.content, request_id=request_id)
