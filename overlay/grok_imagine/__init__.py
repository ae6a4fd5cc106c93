"""The binding for xAI's Grok Imagine video API that loses no paid job.

    from grok_imagine import Client

    with Client() as client:
        video = client.video.generate("A paper boat drifts down a rainy street", duration=8)
        print(video.url)

`Client` and `AsyncClient` do the same, one blocking, one awaited. Errors are in `grok_imagine.errors` and here; the rules
of the service as data in `grok_imagine_api.contract`; the low-level binding in `grok_imagine_api`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from . import errors
from ._sync.client import Client
from ._version import __version__
from .batches_api.models import BatchRequestState, BatchResult, ServiceBatch
from .core.request import VideoRequest
from .core.results import AsyncVideo, Job, Video
from .core.retry import Delivery, RetryPolicy, delivery_of
from .errors import (
    ApiError,
    AuthenticationError,
    BadRequestError,
    ConfigurationError,
    ConflictError,
    CostLimitError,
    CreateOutcomeUnknown,
    DownloadError,
    GrokImagineError,
    InvalidRequest,
    JobError,
    KeyConflict,
    LedgerError,
    ModeConflict,
    NotDelivered,
    NotFoundError,
    OutOfCreditError,
    OutOfRange,
    PermissionDeniedError,
    QuotaError,
    RateLimitError,
    RequestTimeout,
    ServerError,
    StartOutcomeUnknown,
    TargetExistsError,
    TransportError,
    UnexpectedError,
    UnexpectedResponse,
    UnknownField,
    UnprocessableError,
    VideoExpiredError,
    VideoGenerationError,
    VideoModeratedError,
    VideoTimeoutError,
)
from .files_api.file import File
from .hints import Hint
from .literals import AspectRatio, JobState, OutcomeState, Resolution, VideoOutcome, VideoStatus
from .modes import EditVideo, ExtendVideo, ImageToVideo, ReferenceToVideo, TextToVideo, VideoOptions
from .pricing import Estimate, estimate
from .warning_types import (
    ContractWarning,
    InsecureBaseUrlWarning,
    LedgerWarning,
    OddAnswerWarning,
    QuotaWarning,
    UnknownStatusWarning,
)

if TYPE_CHECKING:
    from ._async.client import AsyncClient
    from .batch.outcome import Outcome, request_of
    from .batch.tasks import AsyncBatch
    from .batch.threads import Batch
    from .config import DEFAULT_BASE_URL
    from .download.part import check_target
    from .ledger.entries import BatchSlot, Entry, Reconciliation
    from .ledger.ledger import Ledger
    from .ledger.quota import LedgerQuota
    from .pacing.limits import Limits
    from .pacing.quota import RedisQuota

__all__ = [
    "DEFAULT_BASE_URL",
    "ApiError",
    "AspectRatio",
    "AsyncBatch",
    "AsyncClient",
    "AsyncVideo",
    "AuthenticationError",
    "BadRequestError",
    "Batch",
    "BatchRequestState",
    "BatchResult",
    "BatchSlot",
    "Client",
    "ConfigurationError",
    "ConflictError",
    "ContractWarning",
    "CostLimitError",
    "CreateOutcomeUnknown",
    "Delivery",
    "DownloadError",
    "EditVideo",
    "Entry",
    "Estimate",
    "ExtendVideo",
    "File",
    "GrokImagineError",
    "Hint",
    "ImageToVideo",
    "InsecureBaseUrlWarning",
    "InvalidRequest",
    "Job",
    "JobError",
    "JobState",
    "KeyConflict",
    "Ledger",
    "LedgerError",
    "LedgerQuota",
    "LedgerWarning",
    "Limits",
    "ModeConflict",
    "NotDelivered",
    "NotFoundError",
    "OddAnswerWarning",
    "OutOfCreditError",
    "OutOfRange",
    "Outcome",
    "OutcomeState",
    "PermissionDeniedError",
    "QuotaError",
    "QuotaWarning",
    "RateLimitError",
    "Reconciliation",
    "RedisQuota",
    "ReferenceToVideo",
    "RequestTimeout",
    "Resolution",
    "RetryPolicy",
    "ServerError",
    "ServiceBatch",
    "StartOutcomeUnknown",
    "TargetExistsError",
    "TextToVideo",
    "TransportError",
    "UnexpectedError",
    "UnexpectedResponse",
    "UnknownField",
    "UnknownStatusWarning",
    "UnprocessableError",
    "Video",
    "VideoExpiredError",
    "VideoGenerationError",
    "VideoModeratedError",
    "VideoOptions",
    "VideoOutcome",
    "VideoRequest",
    "VideoStatus",
    "VideoTimeoutError",
    "__version__",
    "check_target",
    "delivery_of",
    "errors",
    "estimate",
    "request_of",
]


if not TYPE_CHECKING:  # a type checker would take any name for one of ours
    _LATER = {
        "AsyncBatch": "batch.tasks", "AsyncClient": "_async.client", "Batch": "batch.threads", "BatchSlot": "ledger.entries",
        "DEFAULT_BASE_URL": "config", "Entry": "ledger.entries", "Ledger": "ledger.ledger", "LedgerQuota": "ledger.quota",
        "Limits": "pacing.limits", "Outcome": "batch.outcome", "Reconciliation": "ledger.entries",
        "RedisQuota": "pacing.quota", "check_target": "download.part", "request_of": "batch.outcome",
    }  # fmt: skip
    """Names that are imported when they are asked for: SQLite and asyncio, for two, cost more than all the rest."""

    def __getattr__(name: str) -> Any:
        if name in _LATER:
            from importlib import import_module

            return getattr(import_module(f".{_LATER[name]}", __name__), name)
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
