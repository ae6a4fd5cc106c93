"""What to do, without doing it: generators that yield commands and get their results back. No socket and no thread.

A driver runs them (`drivers`, `async_driver`). There is one flow for each thing a client can do, waiting being in `polling`, and
none knows whether it is driven by a blocking or an asynchronous client; so the two can't drift apart. `binding` is imported
by the first call, not before: the generated models cost as much to import as the rest of the package.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, NamedTuple

from .answers import Answer
from .commands import Blocking, Call, Flow, Sleep, T
from .errors import (
    ApiError,
    GrokImagineError,
    JobError,
    NotDelivered,
    OutOfRange,
    RateLimitError,
    TransportError,
    UnexpectedResponse,
    api_error,
)
from .results import Job, Video
from .retry import Delivery, Retries, delivery_of

if TYPE_CHECKING:
    from grok_imagine_api.models.video_generation_model import VideoGenerationModel

    from .ledger import Ledger
    from .pacer import Pacer
    from .scheduler import Ticket


class Book:
    """A ledger, and the address whose jobs a client notes in it."""

    __slots__ = ("ledger", "origin")

    def __init__(self, ledger: Ledger, origin: str) -> None:
        self.ledger = ledger
        self.origin = origin

    @property
    def is_kept(self) -> bool:
        """Whether what is noted is still there when the program has ended."""
        return not self.ledger.is_temporary


class Context(NamedTuple):
    """What all flows of a client go by: when a request may leave, when it may be sent again, and where jobs are noted."""

    pacer: Pacer
    retries: Retries
    request_timeout: float
    book: Book | None = None

    def clock(self) -> float:
        """Monotonic seconds."""
        return self.pacer.clock()

    @property
    def keeps_ids(self) -> bool:
        """Whether an id that no caller takes is kept all the same."""
        return self.book is not None and self.book.is_kept


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
            failure = error
        yield Sleep(pause)
        if retries.clock() - begin > limit:  # a suspended machine sleeps longer than it was told to
            raise failure


def is_certain(error: GrokImagineError) -> bool:
    """Whether it is certain that a POST started nothing, and the service may yet take it."""
    return delivery_of(error) in (Delivery.NEVER_DELIVERED, Delivery.REFUSED)


def is_transient(error: GrokImagineError) -> bool:
    """Whether a GET that failed may succeed later."""
    return error.transient if isinstance(error, ApiError) else isinstance(error, TransportError)


def id_in(response: Answer, context: Context) -> str:
    """The id of the job that an answer to a POST tells of; raises the error that it is, if it is one."""
    _heed(response, context)
    request_id = _json(response).get("request_id")
    if not isinstance(request_id, str) or not request_id:
        raise _unexpected(response, "no request_id")
    return request_id


def get(request_id: str, context: Context) -> Flow[Video]:
    """Looks at a job; raises as `look` does, once the retry policy gives up."""
    return repeat(lambda: look(request_id, context), is_transient, context.retries)


def look(request_id: str, context: Context, timeout: float | None = None, ticket: Ticket | None = None) -> Flow[Video]:
    """Looks at a job once, and has the ledger note what ended. A ticket says that its turn has come already.

    Raises:
        OutOfRange: What was given is no id.
        VideoModeratedError: The service answered 400 since moderation withheld the video.
        ApiError: Another answer than the job's state.
        TransportError: No answer.
    """
    from . import binding

    check_id(request_id)
    book = context.book
    try:
        if ticket is None and (own := context.pacer.call()):
            yield from _turn(own, context, timeout)
        response: Answer = yield Call(binding.look(request_id), timeout)
        _heed(response, context, request_id)
    except TransportError as error:
        error.request_id = request_id
        raise
    except JobError as error:
        failure = error
        if book:
            yield Blocking(lambda: book.ledger.lost(failure, book.origin))
        raise
    video = Video(request_id, _read_state(response, request_id), response.status_code)
    if book and video.outcome != "running":
        yield Blocking(lambda: book.ledger.saw(video, book.origin))
    return video


def _turn(ticket: Ticket, context: Context, timeout: float | None = None) -> Flow[None]:
    """Waits for the turn of a request that belongs to no job, for as long as the request itself may take."""
    limit = context.request_timeout if timeout is None else timeout
    try:
        if not (yield from context.pacer.turn(ticket, context.clock() + limit)):
            raise NotDelivered(f"the limits of this client gave it no turn within {limit:g} s")
    finally:
        context.pacer.drop(ticket)


def _read_state(response: Answer, request_id: str) -> Mapping[str, Any]:
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
        keep(error, request_id)
        raise


def keep(error: BaseException, request_id: str) -> None:
    """As `keeping`, for one that leaves: plainer than a context manager where thousands wait."""
    if isinstance(error, JobError) and error.request_id == request_id:
        return  # the job has ended, or the message says that it goes on
    if error.__dict__.get("request_id") is None:
        error.__dict__["request_id"] = request_id
    error.add_note(f"the job goes on; client.video.wait({request_id!r}) takes it up again")


def list_models(context: Context) -> Flow[list[VideoGenerationModel]]:
    """The video models of the key."""
    return repeat(lambda: _list_models(context), is_transient, context.retries)


def _list_models(context: Context) -> Flow[list[VideoGenerationModel]]:
    from . import binding

    if ticket := context.pacer.call():
        yield from _turn(ticket, context)
    response: Answer = yield Call(binding.list_models())
    _heed(response, context)
    models = _json(response).get("models")
    if not isinstance(models, list) or not all(isinstance(model, Mapping) and "id" in model for model in models):
        raise _unexpected(response, "no list of models")
    return [binding.VideoGenerationModel.from_dict(model) for model in models]


def get_model(model_id: str, context: Context) -> Flow[VideoGenerationModel]:
    """One video model."""
    check_id(model_id, "model_id")
    return repeat(lambda: _get_model(model_id, context), is_transient, context.retries)


def _get_model(model_id: str, context: Context) -> Flow[VideoGenerationModel]:
    from . import binding

    if ticket := context.pacer.call():
        yield from _turn(ticket, context)
    response: Answer = yield Call(binding.get_model(model_id))
    _heed(response, context)
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


def _json(response: Answer, request_id: str | None = None) -> Mapping[str, Any]:
    try:
        data = response.json()
    except (ValueError, RecursionError) as error:
        raise _unexpected(response, "no JSON", request_id) from error
    if not isinstance(data, Mapping):
        raise _unexpected(response, f"JSON of another shape: {type(data).__name__}", request_id)
    return data


def _unexpected(response: Answer, what: str, request_id: str | None = None) -> UnexpectedResponse:
    return UnexpectedResponse(
        f"the answer holds {what}",
        status_code=response.status_code,
        headers=response.headers,
        body=response.text[:500],
        request_id=request_id,
    )


def _heed(response: Answer, context: Context, request_id: str | None = None) -> None:
    """Has the pacer learn from an answer, and raises the error that it is, if it is one."""
    if 200 <= response.status_code < 300:
        context.pacer.heed(response.headers)
        return
    error = api_error(response.status_code, response.headers, response.content, request_id=request_id)
    if isinstance(error, RateLimitError):
        context.pacer.refused(error)
    raise error
