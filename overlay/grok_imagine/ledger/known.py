"""What a ledger knows of a request comes back as it was: its video, its error, or nothing if its job may still run."""

from __future__ import annotations

from typing import Any

from ..core import operations, polling
from ..core.effects import Flow
from ..core.hooks import Runtime
from ..core.request import VideoRequest
from ..core.results import Video
from ..errors import NotFoundError, VideoExpiredError
from .entries import Entry
from .verdicts import ENDED, FAILED, noted_failure, noted_unknown, noted_video


def ended(entry: Entry, request: VideoRequest, runtime: Runtime, now: float) -> Flow[Video | None]:
    """The video as it was seen, looked up again if its URL ran out; None of a job that may still run.

    Raises:
        StartOutcomeUnknown: Nobody knows whether the request became a job.
        VideoGenerationError: The job ended without a video.
    """
    if entry.state == "unknown" or not entry.request_id:
        raise noted_unknown(entry, request)
    if entry.state in ENDED:
        video = noted_video(entry)
        if video is None and entry.state in FAILED:
            raise noted_failure(entry)
        ran_out = entry.state == "done" and entry.url_expires is not None and entry.url_expires <= now
        if video is None or ran_out:
            video = yield from _seen(entry, runtime)
        if video.outcome != "running":
            return polling.resolve_state(video, request)
    # It was accepted; or its state is one of a newer version, or its end was noted and is not seen.
    return None


def _seen(entry: Entry, runtime: Runtime) -> Flow[Video]:
    try:
        return (yield from operations.get(str(entry.request_id), runtime))
    except NotFoundError as error:
        details: dict[str, Any] = {"request_id": entry.request_id, "cost_usd": entry.cost_usd}
        raise VideoExpiredError("expired", "the service does not know the job any more", **details) from error
