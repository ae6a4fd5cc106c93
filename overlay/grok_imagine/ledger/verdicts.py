"""Conversions between errors, ledger entries and the states of a batch's requests."""

from __future__ import annotations

import json
from typing import Any

from ..core.request import VideoRequest
from ..core.results import Video
from ..errors import (
    GrokImagineError,
    StartOutcomeUnknown,
    UnexpectedError,
    VideoExpiredError,
    VideoGenerationError,
    VideoModeratedError,
)
from ..literals import OutcomeState
from .entries import Entry

FAILED = ("failed", "expired", "moderated")
ENDED = ("done", "downloaded", *FAILED)
"""States of the ledger in which a job has ended."""


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
