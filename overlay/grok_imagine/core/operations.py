"""The operations of a client, sans-IO: generators that yield effects and receive their results. No socket and no thread.

`transport` runs them. There is one flow for each operation; waiting is in `polling`. A flow does not know whether a blocking
or an asynchronous client runs it, so that both behave the same.
"""

from __future__ import annotations

import math
import warnings
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from grok_imagine_api import contract

from .. import binding, logs
from ..acceptors import outcome_of
from ..answers.answer import Answer
from ..answers.api_errors import api_error
from ..errors import ApiError, GrokImagineError, JobError, NotDelivered, OutOfRange, RateLimitError, TransportError
from ..parsing import cost_ticks, is_plain_id, shown
from ..warning_types import OddAnswerWarning
from .effects import Call, Flow, Sleep, T
from .hooks import JobRecorder, Runtime, recorded
from .results import Job, Video
from .retry import Delivery, Retries, delivery_of

if TYPE_CHECKING:
    from grok_imagine_api.models.video_generation_model import VideoGenerationModel


def repeat(
    attempt: Callable[[], Flow[T]],
    may_repeat: Callable[[GrokImagineError], bool],
    retries: Retries,
    limit: float = math.inf,
) -> Flow[T]:
    """Repeats an attempt until it succeeds, may not be repeated, or the retry policy gives up; raises the last error.

    No attempt begins after `limit` seconds, regardless of the policy's budget.
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
        logs.retry(failure, pause, tries, failure.request_id)
        yield Sleep(pause)
        if retries.clock() - begin > limit:  # a suspended machine sleeps longer than asked
            raise failure


def is_certain(error: GrokImagineError) -> bool:
    """Whether it is certain that a POST started no job, and a retry may succeed."""
    return delivery_of(error) in (Delivery.NEVER_DELIVERED, Delivery.REFUSED)


def is_transient(error: GrokImagineError) -> bool:
    """Whether a failed GET may succeed later."""
    if isinstance(error, ApiError):
        return error.transient
    failure = "not_delivered" if isinstance(error, NotDelivered) else "lost"
    return isinstance(error, TransportError) and contract.FAILURES[failure].get == "again"


def id_in(answer: Answer, runtime: Runtime) -> str:
    """The id of the job in the answer to a POST. Raises if the answer is an error.

    Any string is accepted: the job exists regardless of the form of its id.
    """
    raise_for_status(answer, runtime)
    request_id = answer.json().get("request_id")
    if not isinstance(request_id, str) or not request_id:
        raise answer.unexpected("has no request_id")
    return request_id


def warn_of_odd_id(request_id: str) -> None:
    """Warns of an id with an unusual form."""
    if not is_plain_id(request_id):
        lost = "" if _has_address(request_id) else "; it does not fit into a URL, so the job can't be polled"
        warnings.warn(
            f"the service gave a job an unusual id, which is used unchanged: {shown(request_id, 100)}{lost}",
            OddAnswerWarning,
            stacklevel=2,
        )


def get(request_id: str, runtime: Runtime) -> Flow[Video]:
    """Polls a job once, with retries; raises as `poll_once` when the retry policy gives up."""
    return repeat(lambda: poll_once(request_id, runtime), is_transient, runtime.retries)


def poll_once(
    request_id: str, runtime: Runtime, timeout: float | None = None, *, acquired: bool = False
) -> Flow[Video]:
    """Requests a job's state once, and reports an end to the recorder.

    Args:
        request_id: The job's id.
        runtime: The client's runtime.
        timeout: Seconds for the whole request; None for the client's own.
        acquired: Whether the limiter already granted the request.

    Raises:
        VideoModeratedError: The service answered 400 because moderation withheld the video.
        JobError: The job's id does not fit into a URL.
        ApiError: The answer is not the job's state.
        TransportError: There was no answer.
    """
    if not _has_address(request_id):
        text = f"the job's id does not fit into a URL, so the job can't be polled: {shown(request_id, 100)}"
        raise JobError(text, request_id=request_id)
    recorder = runtime.recorder
    try:
        if not acquired:
            yield from _acquire_single(runtime, timeout)
        answer: Answer = yield Call(binding.poll(request_id), timeout)
        raise_for_status(answer, runtime, request_id)
        video = Video(request_id, _read_state(answer, request_id), answer.status_code, answer.headers)
    except TransportError as error:
        error.request_id = request_id
        raise
    except JobError as error:
        failure = error
        yield from recorded(recorder, lambda: recorder.record_failure(failure))
        raise
    except ApiError as error:
        yield from _record_cost(request_id, cost_ticks(error.payload), recorder)
        raise
    if video.outcome == "running":
        yield from _record_cost(request_id, video.cost_ticks, recorder)
    else:
        yield from recorded(recorder, lambda: recorder.record_result(video))
        if video.has_odd_cost:
            text = f"the service reported an invalid cost, which is ignored [request_id={shown(request_id, 100)}]"
            warnings.warn(text, OddAnswerWarning, stacklevel=2)
    return video


def _record_cost(request_id: str, ticks: int | None, recorder: JobRecorder) -> Flow[None]:
    """Reports a cost to the recorder from an answer that does not report the job's end."""
    if ticks is not None:
        yield from recorded(recorder, lambda: recorder.record_cost(request_id, ticks))


def _acquire_single(runtime: Runtime, timeout: float | None = None) -> Flow[None]:
    """Waits until a request that belongs to no job may leave, at most for the request's own timeout."""
    slot = runtime.limiter.single_request()
    if slot is None:
        return
    limit = runtime.request_timeout if timeout is None else timeout
    try:
        if not (yield from runtime.limiter.acquire(slot, runtime.clock() + limit)):
            raise NotDelivered(f"the client's limiter did not grant the request within {limit:g} s")
    finally:
        runtime.limiter.release(slot)


def _read_state(answer: Answer, request_id: str) -> Mapping[str, Any]:
    """The JSON of a poll; empty if the status alone says what the answer means."""
    if not isinstance(answer.value, dict) and outcome_of(answer.status_code, None):
        return {}
    return answer.json(request_id)


def attach_request_id(error: BaseException, request_id: str) -> None:
    """Sets `request_id` on an exception, such as Ctrl-C, a cancellation or one from a callback. The paid job goes on."""
    if isinstance(error, JobError) and error.request_id == request_id:
        return  # the job has ended, or the message already says that it goes on
    if error.__dict__.get("request_id") is None:
        error.__dict__["request_id"] = request_id
    error.add_note(f"the job goes on; {resume_call(request_id)} resumes it")


def resume_call(request_id: str) -> str:
    """The call that resumes a job. It refers to `error.request_id` if the id is long or hard to type."""
    return f"client.video.wait({repr(request_id) if is_plain_id(request_id) else 'error.request_id'})"


def list_models(runtime: Runtime) -> Flow[list[VideoGenerationModel]]:
    """The video models of the key."""
    return repeat(lambda: _list_models(runtime), is_transient, runtime.retries)


def _list_models(runtime: Runtime) -> Flow[list[VideoGenerationModel]]:
    yield from _acquire_single(runtime)
    answer: Answer = yield Call(binding.list_models())
    raise_for_status(answer, runtime)
    models = answer.json().get("models")
    if not isinstance(models, list):
        raise answer.unexpected("has no list of models")
    return [_model(model, answer) for model in models]


def get_model(model_id: str, runtime: Runtime) -> Flow[VideoGenerationModel]:
    """One video model."""
    check_id(model_id, "model_id")
    return repeat(lambda: _get_model(model_id, runtime), is_transient, runtime.retries)


def _get_model(model_id: str, runtime: Runtime) -> Flow[VideoGenerationModel]:
    yield from _acquire_single(runtime)
    answer: Answer = yield Call(binding.get_model(model_id))
    raise_for_status(answer, runtime)
    return _model(answer.json(), answer)


def _model(data: object, answer: Answer) -> VideoGenerationModel:
    model = binding.model(data)
    if model is None:
        raise answer.unexpected("has no model")
    return model


def id_of(job: Video | Job | str) -> str:
    """The id of a job. An id that the service gave is used unchanged.

    Raises:
        OutOfRange: The value is not an id.
    """
    if isinstance(job, Video | Job):
        return job.request_id
    check_id(job)
    return job


def check_id(value: object, name: str = "request_id", section: str = "getVideo") -> None:
    """Refuses an id that would change the URL's path: the generated code quotes everything but `..`."""
    if not isinstance(value, str) or not _has_address(value):
        raise OutOfRange(
            f"is an id that the service gave; got {shown(repr(value), 100)}", fields=[name], section=section
        )


LONGEST_PATH = 60_000
"""Characters; httpx refuses longer addresses than 65536."""


def _has_address(request_id: str) -> bool:
    """Whether an id fits into a URL, so that the job can be polled."""
    if request_id.strip() in ("", ".", "..") or len(request_id) > LONGEST_PATH:
        return False
    try:
        return is_plain_id(request_id) or len(quote(request_id, safe="")) <= LONGEST_PATH
    except UnicodeEncodeError:  # half a surrogate pair
        return False


def raise_for_status(answer: Answer, runtime: Runtime, request_id: str | None = None) -> None:
    """Raises the error of an answer outside 2xx. The limiter is updated in any case."""
    if 200 <= answer.status_code < 300:
        runtime.limiter.update_from_headers(answer.headers)
        return
    error = api_error(answer.status_code, answer.headers, answer.body, request_id=request_id, data=answer.value)
    if isinstance(error, RateLimitError):
        runtime.limiter.on_rate_limited(error)
    raise error
