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
from typing import TYPE_CHECKING, Any, NamedTuple

import httpx

from .commands import Blocking, Call, Flow, Sleep, T
from .errors import (
    ApiError,
    GrokImagineError,
    JobError,
    LedgerError,
    NotDelivered,
    OutOfRange,
    RateLimitError,
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
    from .pacer import Pacer
    from .schedule import Key
    from .scheduler import Ticket


class Book:
    """A ledger, and the address whose jobs a client notes in it."""

    __slots__ = ("ledger", "origin")

    def __init__(self, ledger: Ledger, origin: str) -> None:
        self.ledger = ledger
        self.origin = origin


class Context(NamedTuple):
    """What all flows of a client go by: when a request may leave, when it may be sent again, and where jobs are noted."""

    pacer: Pacer
    retries: Retries
    request_timeout: float
    book: Book | None = None

    def clock(self) -> float:
        """Monotonic seconds."""
        return self.pacer.clock()


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


def start(
    request: VideoRequest,
    context: Context,
    ticket: Ticket,
    *,
    timeout: float = math.inf,
    intend: Callable[[], str] | None = None,
) -> Flow[Job]:
    """Starts a job when its turn has come: posts until it is taken, as long as it is certain that no job exists.

    Args:
        request: What to post.
        context: The client's.
        ticket: Its place in the client's queue.
        timeout: Seconds from the first POST after which no other is made.
        intend: Notes the intent in the ledger, if in another way than that of a single call.

    Raises:
        ApiError: Refused; no job exists.
        NotDelivered: Nothing was sent; no job exists.
        StartOutcomeUnknown: Sent, but not answered in a way that tells whether a job exists.
        LedgerError: The intent could not be written, and nothing was sent; or, with an id, the id could not.
        OutOfRange: The body is no JSON; nothing was sent.
    """
    _ = request.sha256  # made before anything is sent: what is no JSON fails here
    try:
        yield from context.pacer.turn(ticket)
        job = yield from _start_noted(request, context, ticket, timeout, intend)
        with keeping(job.request_id):  # the schedule may be the caller's own
            context.pacer.saw(ticket)
    except BaseException:
        context.pacer.drop(ticket)
        raise
    return job


def start_alone(request: VideoRequest, context: Context, kind: Key) -> Flow[Job]:
    """Starts a job that nobody here waits for; raises as `start` does."""
    ticket = context.pacer.job(kind)
    try:
        return (yield from start(request, context, ticket))
    finally:
        context.pacer.drop(ticket)


def _start_noted(
    request: VideoRequest, context: Context, ticket: Ticket, timeout: float, intend: Callable[[], str] | None
) -> Flow[Job]:
    """Posts between two lines of the ledger: the intent before, and after it what became of it."""
    book, tries, may_be_started = context.book, 0, False

    def attempt() -> Flow[Job]:
        nonlocal tries, may_be_started
        if tries:
            yield from context.pacer.turn(ticket)
        tries += 1
        may_be_started = True
        try:
            return (yield from post(request, context, ticket))
        except GrokImagineError as error:
            may_be_started = delivery_of(error) is Delivery.OUTCOME_UNKNOWN
            raise

    if book is None:
        return (yield from repeat(attempt, is_certain, context.retries, timeout))
    ledger, intents = book.ledger, list[str]()
    intend = intend or (lambda: ledger.intend(request, book.origin))
    try:
        # What interrupts the writing may come when it is done: so it is known by the list, not by the result.
        yield Blocking(lambda: intents.append(intend()))
        job = yield from repeat(attempt, is_certain, context.retries, timeout)
    except GeneratorExit:
        raise
    except BaseException as error:
        if intents:
            yield from _note_failure(ledger, intents[0], error, may_be_started)
        raise
    with keeping(job.request_id):
        yield Blocking(lambda: ledger.accept(intents[0], job.request_id))
    return job


def _note_failure(ledger: Ledger, intent: str, error: BaseException, may_be_started: bool) -> Flow[None]:
    """Has the ledger note what became of an intent, if that is no answer with an id."""
    known = getattr(error, "request_id", None)
    is_started = isinstance(known, str) and not isinstance(error, GrokImagineError)
    try:
        if is_started:
            yield Blocking(lambda: ledger.accept(intent, str(known)))
        else:
            yield Blocking(lambda: ledger.give_up(intent, error, may_be_started))
    except LedgerError as second:  # what happened to the job matters more than that it could not be noted
        error.add_note(f"and it could not be noted: {second}")


def post(request: VideoRequest, context: Context, ticket: Ticket) -> Flow[Job]:
    """Posts a request once; raises as `start` does. What interrupts it leaves with what is known of the job."""
    from . import binding

    sent_at = time.time()
    try:
        response: httpx.Response = yield Call(binding.start(request.operation, request.body), paid=True)
        return Job(_id_of(response, context), request)
    except GrokImagineError as error:
        if is_certain(error):
            context.pacer.returned(ticket)
        if delivery_of(error) is not Delivery.OUTCOME_UNKNOWN:
            raise
        answer = error if isinstance(error, ApiError) else None
        raise StartOutcomeUnknown(
            str(error), mode=request.mode, body_sha256=request.sha256, sent_at=sent_at, answer=answer
        ) from error
    except GeneratorExit:
        raise
    except BaseException as error:
        _note_interrupted_post(error, request, context)
        raise


def _id_of(response: httpx.Response, context: Context) -> str:
    _heed(response, context)
    request_id = _json(response).get("request_id")
    if not isinstance(request_id, str) or not request_id:
        raise _unexpected(response, "no request_id")
    return request_id


def _note_interrupted_post(error: BaseException, request: VideoRequest, context: Context) -> None:
    """Ctrl-C or a cancelled task: the id, if the driver could still wait for the answer; else what may have been paid."""
    answer = getattr(error, "answer", None)
    try:
        request_id = _id_of(answer, context) if answer is not None else None
    except GrokImagineError:  # the answer is no id; what interrupted is what leaves
        request_id = None
    if request_id:
        error.__dict__["request_id"] = request_id
        error.add_note(f"the job was started; client.video.wait({request_id!r}) takes it up")
    else:
        error.add_note(f"a paid POST was under way ({request.mode}, body {request.sha256[:12]}); a job may be running")


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
        response: httpx.Response = yield Call(binding.look(request_id), timeout)
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
    response: httpx.Response = yield Call(binding.list_models())
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
    response: httpx.Response = yield Call(binding.get_model(model_id))
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


def _heed(response: httpx.Response, context: Context, request_id: str | None = None) -> None:
    """Has the pacer learn from an answer, and raises the error that it is, if it is one."""
    if 200 <= response.status_code < 300:
        context.pacer.heed(response.headers)
        return
    error = api_error(response.status_code, response.headers, response.content, request_id=request_id)
    if isinstance(error, RateLimitError):
        context.pacer.refused(error)
    raise error
