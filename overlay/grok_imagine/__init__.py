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

from ._version import __version__

if TYPE_CHECKING:
    from . import errors
    from ._async.client import AsyncClient
    from ._sync.client import Client
    from .batch.outcome import Outcome, request_of
    from .batch.tasks import AsyncBatch
    from .batch.threads import Batch
    from .batches_api.models import BatchRequestState, BatchResult, ServiceBatch
    from .config import DEFAULT_BASE_URL
    from .core.request import VideoRequest
    from .core.results import AsyncVideo, Job, Video
    from .core.retry import Delivery, RetryPolicy, delivery_of
    from .download.part import check_target
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
    from .ledger.entries import BatchSlot, Entry, Reconciliation
    from .ledger.ledger import Ledger
    from .ledger.quota import LedgerQuota
    from .literals import AspectRatio, OutcomeState, Resolution, State, VideoOutcome, VideoStatus
    from .modes import EditVideo, ExtendVideo, ImageToVideo, ReferenceToVideo, TextToVideo, VideoOptions
    from .pacing.limits import Limits
    from .pacing.quota import RedisQuota
    from .pricing import Estimate, estimate
    from .warning_types import (
        ContractWarning,
        InsecureBaseUrlWarning,
        LedgerWarning,
        OddAnswerWarning,
        QuotaWarning,
        UnknownStatusWarning,
    )

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
    "State",
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
    _HOMES = {
        "_async.client": "AsyncClient",
        "_sync.client": "Client",
        "batch.outcome": "Outcome request_of",
        "batch.tasks": "AsyncBatch",
        "batch.threads": "Batch",
        "batches_api.models": "BatchRequestState BatchResult ServiceBatch",
        "config": "DEFAULT_BASE_URL",
        "core.request": "VideoRequest",
        "core.results": "AsyncVideo Job Video",
        "core.retry": "Delivery RetryPolicy delivery_of",
        "download.part": "check_target",
        "errors": "ApiError AuthenticationError BadRequestError ConfigurationError ConflictError CostLimitError CreateOutcomeUnknown DownloadError GrokImagineError InvalidRequest JobError KeyConflict LedgerError ModeConflict NotDelivered NotFoundError OutOfCreditError OutOfRange PermissionDeniedError QuotaError RateLimitError RequestTimeout ServerError StartOutcomeUnknown TargetExistsError TransportError UnexpectedError UnexpectedResponse UnknownField UnprocessableError VideoExpiredError VideoGenerationError VideoModeratedError VideoTimeoutError",
        "files_api.file": "File",
        "hints": "Hint",
        "ledger.entries": "BatchSlot Entry Reconciliation",
        "ledger.ledger": "Ledger",
        "ledger.quota": "LedgerQuota",
        "literals": "AspectRatio OutcomeState Resolution State VideoOutcome VideoStatus",
        "modes": "EditVideo ExtendVideo ImageToVideo ReferenceToVideo TextToVideo VideoOptions",
        "pacing.limits": "Limits",
        "pacing.quota": "RedisQuota",
        "pricing": "Estimate estimate",
        "warning_types": "ContractWarning InsecureBaseUrlWarning LedgerWarning OddAnswerWarning QuotaWarning UnknownStatusWarning",
    }
    """The public names by the modules that have them. They are imported when they are asked for: a part comes without the whole."""

    _HOME_OF = {name: module for module, names in _HOMES.items() for name in names.split()}

    def __getattr__(name: str) -> Any:
        from importlib import import_module

        if name == "errors":
            return import_module(f".{name}", __name__)
        if name not in _HOME_OF:
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        value = globals()[name] = getattr(import_module(f".{_HOME_OF[name]}", __name__), name)
        return value

    def __dir__() -> list[str]:
        return sorted({*globals(), *__all__})
