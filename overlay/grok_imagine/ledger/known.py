"""Results from the ledger: the recorded video or error of a request, or None if its job may still run."""

from __future__ import annotations

from typing import Any

from ..core import operations, polling
from ..core.effects import Flow
from ..core.hooks import Runtime
from ..core.request import VideoRequest
from ..core.results import Video
from ..errors import NotFoundError, VideoExpiredError
from .entries import Entry
from .verdicts import ENDED, FAILED, recorded_failure, recorded_unknown, recorded_video


def ended(entry: Entry, request: VideoRequest, runtime: Runtime, now: float) -> Flow[Video | None]:
    """The recorded video, polled again if its URL has expired. None if the job may still run.

    Raises:
        StartOutcomeUnknown: The outcome of the POST is unknown.
        VideoGenerationError: The job ended without a video.
    """
    if entry.state == "unknown" or not entry.request_id:
        raise recorded_unknown(entry, request)
    if entry.state in ENDED:
        video = recorded_video(entry)
        if video is None and entry.state in FAILED:
            raise recorded_failure(entry)
        ran_out = entry.state == "done" and entry.url_expires is not None and entry.url_expires <= now
        if video is None or ran_out:
            video = yield from _poll(entry, runtime)
        if video.outcome != "running":
            return polling.resolve_state(video, request)
    # It was accepted, or its state comes from a newer version, or the service still reports it as running.
    return None


def _poll(entry: Entry, runtime: Runtime) -> Flow[Video]:
    try:
        return (yield from operations.get(str(entry.request_id), runtime))
    except NotFoundError as error:
        details: dict[str, Any] = {"request_id": entry.request_id, "cost_usd": entry.cost_usd}
        raise VideoExpiredError("expired", "the service no longer knows the job", **details) from error
