"""What to do, without doing it: generators that yield commands and get their results back. No clock, socket or thread.

A driver runs them (`drivers`, `async_driver`). There is one flow for each thing a client can do, and none knows whether it is driven
by a blocking or an asynchronous client; so the two can't drift apart. `binding` is imported by the first call, not
before: the generated models cost as much to import as the rest of the package.
"""

from __future__ import annotations

import math
import time
import warnings
from collections.abc import Awaitable, Callable, Generator, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Protocol, TypeAlias, TypeVar

import httpx

from grok_imagine_api import contract

from .errors import (
    ApiError,
    GrokImagineError,
    JobError,
    OutOfRange,
    StartOutcomeUnknown,
    TransportError,
    UnexpectedResponse,
    UnknownStatusWarning,
    VideoGenerationError,
    VideoTimeoutError,
    api_error,
)
from .requests import VideoRequest
from .results import Job, Video
from .retry import Delivery, Retries, delivery_of

if TYPE_CHECKING:
    from grok_imagine_api.models.video_generation_model import VideoGenerationModel

    from .ledger import Ledger

T = TypeVar("T")

Look: TypeAlias = tuple[float, int | None]
"""A look that saw a job running: the job's age in seconds, and its progress in per cent, if it told."""

Schedule: TypeAlias = Callable[[Sequence[Look], float], float]
"""The age in seconds at which to look next, by the looks so far and the job's age now."""

Learn: TypeAlias = Callable[[float, Sequence[Look], bool], None]
"""Told of a job that ended: its age in seconds, the looks that saw it running, and whether it failed."""

ProgressCallback: TypeAlias = Callable[[Video], object | Awaitable[object]]


class Sink(Protocol):
    """Takes a streamed answer. What it raises ends the transfer."""

    def begin(self, response: httpx.Response) -> None:
        """Takes the status and headers, before any chunk."""

    def write(self, chunk: bytes) -> object:
        """Takes the next chunk, as it came over the wire. What it returns is awaited where that is possible."""


LAST_LOOK = 1.0
"""Seconds of the polling timeout that are kept for the last look, or a tenth of it if that is less."""

SHORTEST_WAIT = 0.001
"""Seconds; a shorter polling timeout is as good as 0: one look, which then has the time of any request."""

LONGEST_TROUBLE = 5.0
"""Seconds; the longest pause after a look that failed: it told nothing, so the schedule has nothing to go by."""

LONGEST_COOL_DOWN = 60.0
"""Seconds; the most that a look's Retry-After is waited for. The job may long be done."""


class Call:
    """Send a request; the result is the answer, or a TransportError is raised.

    With a timeout the request is bounded as a whole by so many seconds, else each of its steps by the client's own. A paid
    one is not dropped at once when its task is cancelled: the answer is waited for a moment, and put on the exception.
    """

    __slots__ = ("paid", "request", "timeout")

    def __init__(self, request: dict[str, Any], timeout: float | None = None, *, paid: bool = False) -> None:
        self.request = request
        self.timeout = timeout
        self.paid = paid


class Sleep:
    """Pause for so many seconds."""

    __slots__ = ("seconds",)

    def __init__(self, seconds: float) -> None:
        self.seconds = seconds


class Stream:
    """Fetch a public file without the key, and hand the answer and then its chunks to `sink`, as they come."""

    __slots__ = ("headers", "sink", "url")

    def __init__(self, url: str, headers: dict[str, str], sink: Sink) -> None:
        self.url = url
        self.headers = headers
        self.sink = sink


class Blocking:
    """Do something that blocks for a moment, such as writing a ledger; its result is the command's."""

    __slots__ = ("work",)

    def __init__(self, work: Callable[[], object]) -> None:
        self.work = work


class Notify:
    """Tell the caller how far the job is; a coroutine is awaited where that is possible."""

    __slots__ = ("callback", "video")

    def __init__(self, callback: ProgressCallback, video: Video) -> None:
        self.callback = callback
        self.video = video


class Book:
    """A ledger, and the address whose jobs a client notes in it."""

    __slots__ = ("ledger", "origin")

    def __init__(self, ledger: Ledger, origin: str) -> None:
        self.ledger = ledger
        self.origin = origin


Command: TypeAlias = Call | Sleep | Stream | Blocking | Notify
Flow: TypeAlias = Generator[Command, Any, T]


def contract_schedule(looks: Sequence[Look], age: float) -> float:
    """The schedule of x-waiter, which knows a job's age only: for what has no history, and for other languages."""
    return age + next(phase.every for phase in contract.SCHEDULE if phase.until is None or age < phase.until)


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
        if isinstance(known, str) and not isinstance(error, GrokImagineError):
            yield Blocking(lambda: book.ledger.accept(intent, known))
        else:
            yield Blocking(lambda: book.ledger.give_up(intent, failure))
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


def generate(request: VideoRequest, retries: Retries, book: Book | None = None, **options: Any) -> Flow[Video]:
    """Starts a job and waits for it; `options` are those of `wait`, which also says what is raised."""
    began = options["clock"]()
    job = yield from start(request, retries, book, options["timeout"])
    return (yield from wait(job.request_id, started=began, request=request, book=book, **options))


def wait(request_id: str, **options: Any) -> Flow[Video]:
    """Looks at a job until it has ended or the time is up, as `poll` does, and loses the id to nothing."""
    with keeping(request_id):
        return (yield from poll(request_id, **options))


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


def poll(
    request_id: str,
    *,
    clock: Callable[[], float],
    request_timeout: float,
    timeout: float,
    schedule: Schedule,
    started: float | None = None,
    request: VideoRequest | None = None,
    on_progress: ProgressCallback | None = None,
    book: Book | None = None,
    learn: Learn | None = None,
) -> Flow[Video]:
    """Looks at a job until it has ended or the time is up; the first look comes at once if the job is not ours.

    Args:
        request_id: The job.
        clock: Monotonic seconds.
        request_timeout: Seconds for one look, never more than what is left.
        timeout: Seconds for everything; 0 looks once.
        schedule: When to look next.
        started: When the wait began by `clock`, if the job was started a moment ago.
        request: What was asked for, if known: then an answer without a URL can be judged.
        on_progress: Called after each look that shows the job running.
        book: Where to note how the job ended.
        learn: Told how long a job of ours took.

    Raises:
        VideoGenerationError: Ended without a video; also its kinds VideoExpiredError and VideoModeratedError.
        VideoTimeoutError: The time is up; the job goes on.
        ApiError: An answer that no later look can better, such as a wrong key.
    """
    begin = clock() if started is None else started
    looks: list[Look] = []
    delay = 0.0 if started is None else schedule(looks, 0.0)
    last: Video | None = None
    trouble: Exception | None = None
    warned: set[str] = set()
    timeout = timeout if timeout >= SHORTEST_WAIT else 0.0
    reserve = min(LAST_LOOK, timeout / 10)
    if book and started is None:
        yield Blocking(lambda: book.ledger.adopt(request_id, book.origin))
    while True:
        left = timeout - (clock() - begin)
        is_last = delay + reserve > left
        pause = max(0.0, left - reserve) if is_last else delay
        if pause > 0:
            yield Sleep(pause)
        left = timeout - (clock() - begin)
        # With no time at all, or none left after a slow POST, the one look has the time of any request.
        bound = request_timeout if left <= 0 else min(request_timeout, left)
        try:
            last = yield from look(request_id, bound, book)
        except (TransportError, ApiError) as error:
            if not is_transient(error):
                raise
            trouble = error
        else:
            if last.outcome != "running":
                if learn and started is not None:
                    learn(clock() - begin, looks, last.outcome != "done")
                return _ended(last, request)
            trouble = None
            # The age of a job that is not ours is not known, so its progress points nowhere.
            looks.append((clock() - begin, None if started is None else last.progress))
            _warn_once(last, warned)
            if on_progress:
                yield Notify(on_progress, last)
        age = clock() - begin
        if is_last or age >= timeout:
            raise _timed_out(request_id, age, last) from trouble
        delay = schedule(looks, age) - age
        if trouble:
            delay = max(min(delay, LONGEST_TROUBLE), _cool_down(trouble))


def _ended(video: Video, request: VideoRequest | None) -> Video:
    """The result of a job that has ended, or its error.

    A video withheld with `respect_moderation: false` is a result, as in the vendor's SDK; its `url` raises.
    """
    if video.outcome == "moderated":
        return video
    if video.outcome != "done":
        raise video.failure()
    if video.url or video.file_output:
        return video
    if video.storage_error:
        raise _no_video("storage_error", video.storage_error, video)
    if request and not request.delivered_elsewhere:
        raise _no_video(
            "missing_url", "the job is done, but the answer has no URL, and the request named no other place", video
        )
    return video


def _no_video(code: str, message: str, video: Video) -> VideoGenerationError:
    return VideoGenerationError(code, message, request_id=video.request_id, cost_usd=video.cost_usd, payload=video.raw)


def _warn_once(video: Video, warned: set[str]) -> None:
    known = {status for acceptor in contract.ACCEPTORS for status in acceptor.statuses if status}
    if video.status not in known | warned | {"pending"}:
        warned.add(video.status)
        text = f"unknown job status {video.status!r}; waiting on [request_id={video.request_id}]"
        warnings.warn(text, UnknownStatusWarning, stacklevel=2)


def _timed_out(request_id: str, age: float, last: Video | None) -> VideoTimeoutError:
    state = f"was {last.status}" if last else "could not be seen"
    progress = f" at {last.progress} %" if last and last.progress is not None else ""
    return VideoTimeoutError(
        f"the job {state}{progress} after {age:.1f} s and goes on; client.video.wait(request_id) takes it up again",
        request_id=request_id,
        cost_usd=last.cost_usd if last else None,
        payload=last.raw if last else None,
    )


def _cool_down(trouble: Exception | None) -> float:
    asked = trouble.retry_after if isinstance(trouble, ApiError) else None
    return min(asked or 0.0, LONGEST_COOL_DOWN)


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
