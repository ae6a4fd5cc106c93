"""What code of the vendor's SDK imports from its `proto`: `from grok_imagine.compat import deferred_pb2`.

The names of `xai_sdk.video` are in `grok_imagine.video`; docs/guides/migration/xai-sdk.md has the rest.
"""

from __future__ import annotations

from enum import StrEnum

from .errors import VideoGenerationError

__all__ = ["DeferredStatus", "VideoGenerationError", "deferred_pb2"]


class DeferredStatus(StrEnum):
    """Job states under the vendor's names; equal to `Video.status`, which is the wire's word."""

    PENDING = "pending"
    DONE = "done"
    FAILED = "failed"
    EXPIRED = "expired"


class deferred_pb2:  # noqa: N801  # the vendor's module name, written as a class to hold one attribute
    """Stands for the vendor's module of that name."""

    DeferredStatus = DeferredStatus
