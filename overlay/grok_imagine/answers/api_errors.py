"""Maps HTTP error answers to exceptions, by status, code and text according to `x-errors`."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress

from ..error_kinds import rule_of
from ..errors import (
    ApiError,
    AuthenticationError,
    BadRequestError,
    ConflictError,
    NotFoundError,
    OutOfCreditError,
    PermissionDeniedError,
    RateLimitError,
    ServerError,
    UnprocessableError,
    VideoModeratedError,
)
from ..hints import Hint
from ..parsing import code_and_message, cost_usd, read_json, shown

KINDS: Mapping[str, type[ApiError]] = {
    "bad_key": AuthenticationError,
    "bad_request": BadRequestError,
    "forbidden": PermissionDeniedError,
    "not_found": NotFoundError,
    "conflict": ConflictError,
    "unprocessable": UnprocessableError,
    "out_of_credit": OutOfCreditError,
    "rate_limit": RateLimitError,
    "unavailable": ServerError,
    "server": ServerError,
}
"""The exception class of each kind of x-errors. `moderated` ends a job and is handled separately."""

NO_ROUTE = Hint("base_url", "does base_url end in /v1?")
"""For a 404 whose `error` is an object, which means an unknown path: that of an unknown job, file or model is a text."""


def api_error(
    status: int, headers: Mapping[str, str], body: bytes, *, request_id: str | None = None, data: object = ...
) -> ApiError | VideoModeratedError:
    """The exception for an HTTP answer of 3xx, 4xx or 5xx.

    Args:
        status: HTTP status.
        headers: The headers.
        body: The body: JSON of three shapes, text, HTML or nothing.
        request_id: The job's id; default is the answer's `x-request-id`.
        data: The body's JSON, if it is already parsed; None if there is none.
    """
    text = body[:4096].decode("utf-8", "replace")
    with suppress(ValueError, RecursionError):  # a body that is not JSON is its own message
        data = read_json(body) if data is ... else data
    code, message = code_and_message(data)
    message = shown(" ".join((text if message is None else message).split()))
    kind = rule_of(status, code, message).kind
    payload = data if isinstance(data, dict) else None
    if kind == "moderated":
        cost = cost_usd(payload)
        return VideoModeratedError(code or kind, message, request_id=request_id, cost_usd=cost, payload=payload)
    error = KINDS.get(kind, ApiError)
    hint = None
    if status == 404 and payload is not None and isinstance(payload.get("error"), dict):
        hint = NO_ROUTE
        message = f"the service knows no such path; {hint.text} {message}".rstrip()
    return error(
        message or "no text",
        status_code=status,
        code=code,
        headers={name.lower(): value for name, value in headers.items()},
        body=text,
        request_id=request_id or headers.get("x-request-id"),
        payload=payload,
        hint=hint,
    )
