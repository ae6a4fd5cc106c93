"""What holds for any answer: one typed outcome, with the job's id if there is a job, and nothing in it that does harm."""

from __future__ import annotations

import json
import pickle
import traceback
import warnings
from collections.abc import Callable, Iterator
from typing import Any

from grok_imagine import ApiError, GrokImagineError, JobError, NotDelivered, StartOutcomeUnknown, Video
from grok_imagine.core.results import Job

from .cases import KEY, Case

LONGEST = 500
ASKED = "asked-for"


def outcome_of(work: Callable[[], Any]) -> tuple[Any, BaseException | None, list[warnings.WarningMessage]]:
    """What something returned or raised, and what it warned of."""
    with warnings.catch_warnings(record=True) as warned:
        warnings.simplefilter("always")
        try:
            return work(), None, warned
        except Exception as error:
            return None, error, warned


def complaints(
    case: Case,
    result: Any,
    error: BaseException | None,
    warned: list[warnings.WarningMessage],
    posts: int | None = None,
) -> list[str]:
    """What is wrong with an outcome, each by its kind and details; empty if all is well."""
    found = [*_of_error(case, error)] if error is not None else [*_of_result(case, result)]
    found += _of_id(case, result, error)
    if posts is not None and posts > 1 and case.status not in (429, 503):
        found.append(f"second post: {posts} posts")
    for warning in warned:
        if not warning.category.__module__.startswith("grok_imagine"):
            found.append(f"foreign warning: {warning.category.__name__}")
        found += [f"warning {each}" for each in _harm(str(warning.message), 2 * LONGEST)]
    if len(warned) > 3:
        found.append(f"too many warnings: {len(warned)}")
    return found


def _of_error(case: Case, error: BaseException) -> Iterator[str]:
    if not isinstance(error, GrokImagineError):
        yield f"untyped: {type(error).__name__}"
        return
    # A 429 may make the client hold back the next try of a look so long that the look ends without it.
    held_back = case.operation != "start" and "limiter did not grant" in str(error)
    if isinstance(error, NotDelivered) and not held_back:
        yield f"answered, but {type(error).__name__} says that it was not delivered"
    yield from (f"message {each}" for each in _harm(error.message, LONGEST))
    yield from (f"str {each}" for each in _harm(str(error), 3 * LONGEST))
    yield from (f"code {each}" for each in _harm(str(getattr(error, "code", "")), LONGEST))
    yield from (f"body {each}" for each in _harm(str(getattr(error, "body", "")), LONGEST))
    for note in getattr(error, "__notes__", ()):
        yield from (f"note {each}" for each in _harm(note, 2 * LONGEST))
    for name, value in getattr(error, "headers", {}).items():
        yield from (f"header {each}" for each in _harm(name + value, 20_000))
    yield from _plain("error", {name: value for name, value in vars(error).items() if name != "__notes__"})
    try:
        twin = pickle.loads(pickle.dumps(error))
        if (type(twin), str(twin)) != (type(error), str(error)):
            yield "pickle: another error"
        "".join(traceback.format_exception(error)).encode()
        repr(error).encode()
        _ = getattr(error, "retry_after", None)
    except Exception as failure:
        yield f"untyped in use: {type(failure).__name__}"
    if case.operation in ("get", "wait") and isinstance(error, JobError | ApiError) and error.request_id != ASKED:
        yield f"id lost: a look's {type(error).__name__}"


def _of_result(case: Case, result: Any) -> Iterator[str]:
    try:
        if isinstance(result, Video):
            yield from _of_video(case, result)
        elif isinstance(result, Job):
            repr(result).encode()
        else:
            yield from _plain(
                "models", [model.to_dict() for model in (result if isinstance(result, list) else [result])]
            )
    except Exception as failure:
        yield f"untyped in use: {type(failure).__name__}"


def _of_video(case: Case, video: Video) -> Iterator[str]:
    if video.request_id != ASKED:
        yield "id lost: a video's"
    yield from (f"repr {each}" for each in _harm(repr(video), 3 * LONGEST))
    yield from _plain("raw", dict(video.raw))
    for name in (
        "status",
        "progress",
        "duration",
        "model",
        "storage_error",
        "respect_moderation",
        "public_url",
        "cost_usd",
    ):
        value = getattr(video, name)
        if name in ("progress", "duration", "cost_usd") and value is not None and not 0 <= value < 2**63:
            yield f"{name} is {value!r}"
    _ = video.usage, video.error, video.file_output, video.response
    if video.outcome not in ("running", "done"):
        yield from _of_error(case, video.failure())
    else:
        _ = video.url
    if pickle.loads(pickle.dumps(video)).raw != video.raw:
        yield "pickle: another video"


def _of_id(case: Case, result: Any, error: BaseException | None) -> Iterator[str]:
    if case.request_id is None:
        return
    if error is None:
        if result.request_id != case.request_id:
            yield "id lost: another on the job"
    elif isinstance(error, StartOutcomeUnknown):
        if error.candidate_id != case.request_id:
            yield "id lost: not on StartOutcomeUnknown"
        elif len(case.body) < 1 << 20 and b"content-encoding" not in dict(case.headers):
            yield "id not taken: the answer was whole"
    elif getattr(error, "request_id", None) != case.request_id:
        yield f"id lost: not on {type(error).__name__}"


def _harm(text: str, longest: int) -> Iterator[str]:
    if not isinstance(text, str):
        yield f"is no text: {type(text).__name__}"
    elif len(text) > longest:
        yield "too long"
    elif not text.isprintable():
        yield "not printable"
    elif KEY in text:
        yield "holds the key"


def _plain(what: str, value: Any) -> Iterator[str]:
    try:
        text = json.dumps(value, allow_nan=False, ensure_ascii=False)
        text.encode()
        if KEY in text:
            yield f"{what} holds the key"
    except Exception as failure:
        yield f"{what} is no plain value: {type(failure).__name__}"
