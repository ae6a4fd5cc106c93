"""The names of `xai_sdk.video`, so that its imports move over by the package's name alone."""

from __future__ import annotations

from datetime import timedelta

from grok_imagine_api import contract

from .core.results import Video as VideoResponse
from .errors import VideoGenerationError
from .literals import AspectRatio as VideoAspectRatio
from .literals import Resolution as VideoResolution

__all__ = [
    "DEFAULT_VIDEO_TIMEOUT",
    "VideoAspectRatio",
    "VideoGenerationError",
    "VideoResolution",
    "VideoResponse",
]

DEFAULT_VIDEO_TIMEOUT = timedelta(seconds=contract.WAIT_TIMEOUT)
"""How long `generate` waits by default."""
