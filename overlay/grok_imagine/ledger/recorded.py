"""Results from the ledger: the recorded video or error of a request whose outcome is known, or may be."""

from __future__ import annotations

import json
from typing import Any

from ..core import operations, polling
from ..core.effects import Flow
from ..core.hooks import Runtime
from ..core.request import VideoRequest
from ..core.results import Video
from ..errors import (
    NotFoundError,
    StartOutcomeUnknown,
    VideoExpiredError,
    VideoGenerationError,
    VideoModeratedError,
)
from .entries import Entry

FAILED = ("failed", "expired", "moderated")
ENDED = ("done", "downloaded", *FAILED)
"""States of the ledger in which a job has ended."""


def ended_video(entry: Entry, request: VideoRequest, runtime: Runtime, now: float) -> Flow[Video | None]:
    """The recorded video of a job, polled again if its URL has expired. None if the job may still run.

    Args:
        entry: The job's entry, which has a `request_id`.
        request: The request.
        runtime: The client's runtime.
        now: Unix seconds.

    Raises:
        VideoGenerationError: The job ended without a video.
    """
    if entry.state in ENDED:
        video = recorded_video(entry)
        if video is None and entry.state in FAILED:
            raise recorded_failure(entry)
        ran_out = entry.state == "done" and entry.url_expires is not None and entry.url_expires <= now
        if video is None or ran_out:
            video = yield from _poll(entry, runtime)
        if video.outcome != "running":
            return polling.resolve_state(video, request)
    # It runs, or its state comes from a newer version, or the service still reports it as running.
    return None


def _poll(entry: Entry, runtime: Runtime) -> Flow[Video]:
    try:
        return (yield from operations.get(str(entry.request_id), runtime))
    except NotFoundError as error:
        details: dict[str, Any] = {"request_id": entry.request_id, "cost_usd": entry.cost_usd}
        raise VideoExpiredError("expired", "the service no longer knows the job", **details) from error


def recorded_video(entry: Entry) -> Video | None:
    """The video of the stored answer. None if there is no answer, or it is not the state of a job."""
    answer = _answer(entry)
    video = Video(str(entry.request_id), answer) if answer else None
    return None if video and entry.state in FAILED and video.outcome == "running" else video


def recorded_failure(entry: Entry) -> VideoGenerationError:
    """The error of a job that ended without a video, from its ledger entry."""
    kinds = {"expired": VideoExpiredError, "moderated": VideoModeratedError}
    details: dict[str, Any] = {
        "request_id": entry.request_id,
        "cost_usd": entry.cost_usd,
        "payload": _answer(entry),
    }
    return kinds.get(entry.state, VideoGenerationError)(
        entry.code or "UNKNOWN", entry.message or entry.state, **details
    )


def recorded_unknown(entry: Entry, request: VideoRequest) -> StartOutcomeUnknown:
    """The error of a request with an unknown outcome, from its ledger entry."""
    text = entry.message or "the answer was lost"
    error = StartOutcomeUnknown(text, mode=request.mode, body_sha256=request.sha256, sent_at=entry.created)
    error.cost_usd, error.payload = entry.cost_usd, _answer(entry)
    return error


def _answer(entry: Entry) -> dict[str, Any] | None:
    try:
        answer = json.loads(entry.answer or "null")
    except (ValueError, RecursionError):
        return None
    return answer if isinstance(answer, dict) else None
