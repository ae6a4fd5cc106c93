"""Every error this package raises, as data: a type, attributes, and the request_id of the job wherever there is one.

`InvalidRequest` comes before anything is sent. `TransportError` and `ApiError` end one HTTP request. `JobError` ends a
job, or the wait for it. `StartOutcomeUnknown` stands by itself: the service may or may not have taken a paid job.
"""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from typing import Any

from .error_kinds import rule_of
from .hints import Hint
from .parsing import cost_usd, retry_after, shown

__all__ = [
    "ApiError", "AuthenticationError", "BadRequestError", "ConfigurationError", "ConflictError", "CostLimitError",
    "CreateOutcomeUnknown", "DownloadError", "GrokImagineError", "InvalidRequest", "JobError", "KeyConflict",
    "LedgerError", "ModeConflict", "NotDelivered", "NotFoundError", "OutOfCreditError", "OutOfRange",
    "PermissionDeniedError", "QuotaError", "RateLimitError", "RequestTimeout", "ServerError", "StartOutcomeUnknown",
    "TargetExistsError", "TransportError", "UnexpectedError", "UnexpectedResponse", "UnknownField",
    "UnprocessableError", "VideoExpiredError", "VideoGenerationError", "VideoModeratedError", "VideoTimeoutError",
]  # fmt: skip


class GrokImagineError(Exception):
    """Base of all errors of this package.

    Attributes:
        message: What happened, without the id.
        request_id: Id of the job it happened to; where there is none, the `x-request-id` of the answer, if it had one.
        hint: What to do about it, as a code and a text; None if there is nothing to say.
    """

    hint: Hint | None = None
    _quotes_wire = False
    """Whether the message may hold words that came over the wire; those are made harmless and short."""

    def __init__(self, message: str, *, request_id: str | None = None, hint: Hint | None = None) -> None:
        message = shown(message) if self._quotes_wire else message
        if hint:
            self.hint = hint
        super().__init__(message)
        self.message = message
        self.request_id = request_id

    def __str__(self) -> str:
        return f"{self.message} [request_id={shown(self.request_id, 100)}]" if self.request_id else self.message

    def __reduce__(self) -> tuple[Any, ...]:
        # Exceptions cross process borders by pickle, which by default would call __init__ without the keywords.
        return _rebuild, (type(self), self.args, self.__dict__)


def _rebuild(cls: type[GrokImagineError], args: tuple[Any, ...], state: dict[str, Any]) -> GrokImagineError:
    error = cls.__new__(cls, *args)
    error.args = args
    error.__dict__.update(state)
    return error


class ConfigurationError(GrokImagineError, ValueError):
    """The client can't be made: no API key, an invalid base URL, or another argument of a wrong type."""


class LedgerError(GrokImagineError):
    """The ledger can't be read or written. Before a POST it means that nothing was sent; later, the id is here."""


class QuotaError(GrokImagineError):
    """The quota that several processes share can't be asked. Nobody is kept from sending by it: the client warns, and goes on."""


class InvalidRequest(GrokImagineError, ValueError):
    """A request that the contract refuses. Nothing was sent, nothing is billed; `strict=False` sends it anyway.

    Attributes:
        fields: The fields in question.
        rule: The rule they break.
        instead: The way out.
        mode: The mode of the request, if it was known by then.
        section: Where the contract says so, such as `x-modes.modes.edit-video`.
    """

    def __init__(
        self,
        rule: str,
        *,
        fields: Sequence[str] = (),
        instead: str | Hint = "",
        mode: str | None = None,
        section: str = "x-modes",
    ) -> None:
        hint = instead if isinstance(instead, Hint) else Hint("instead", instead) if instead else None
        self.rule, self.fields, self.mode, self.section = rule, tuple(fields), mode, section
        self.instead = hint.text if hint else ""
        subject = ": ".join(part for part in (mode, ", ".join(f"`{field}`" for field in fields)) if part)
        text = f"{subject}: {rule}" if subject else rule
        super().__init__(f"{text}{f'; {hint.text}' if hint else ''} (contract: {section})", hint=hint)


class ModeConflict(InvalidRequest):
    """Fields that do not make one mode together, or a mode that the model does not have."""


class OutOfRange(InvalidRequest):
    """A value that is missing, empty, too short, too long, too many or not among the known ones."""


class UnknownField(InvalidRequest, TypeError):
    """A name that this API does not have. The service would ignore it, and bill."""


class KeyConflict(InvalidRequest):
    """A key that is another request's. Nothing was sent, with `strict=False` neither.

    Attributes:
        key: The key.
        body_sha256: The hash of the body that was to be sent.
        known_mode: The mode of the request that has the key.
        known_sha256: The hash of its body.
        known_id: Id of its job, if there is one.
    """

    def __init__(
        self,
        key: str,
        *,
        mode: str,
        body_sha256: str,
        known_mode: str | None,
        known_sha256: str | None,
        known_id: str | None,
    ) -> None:
        own = f"{mode} with the body {body_sha256[:12]}"
        other = f"{known_mode or 'a job of another client'} with the body {(known_sha256 or '')[:12]}"
        rule = f"{shown(key)!r} is that of another request, {other}; this is {own}"
        instead = "give the same request again, or another key"
        super().__init__(rule, fields=["key"], instead=instead, section="client")
        self.key, self.body_sha256 = key, body_sha256
        self.known_mode, self.known_sha256, self.known_id = known_mode, known_sha256, known_id


class CostLimitError(GrokImagineError):
    """A batch's next job could cost more than `max_cost_usd` leaves. Nothing was sent.

    Attributes:
        batch: The name of the batch whose jobs count, those of earlier runs too.
        estimate_usd: What the job could cost in USD; None if no price is known for its model.
        counted_usd: What the batch's jobs cost so far: of those that run, or may run, what they could cost.
        max_cost_usd: The cap.
    """

    def __init__(self, batch: str, estimate_usd: float | None, counted_usd: float, max_cost_usd: float) -> None:
        could = "has no known price" if estimate_usd is None else f"could cost {estimate_usd:.4g} USD"
        hint = Hint("max_cost", "raise max_cost_usd, or give another batch another name")
        text = f"the job {could}, the jobs of the batch {batch!r} count as {counted_usd:.4g}, and the cap is {max_cost_usd:g}"
        super().__init__(f"{text}; {hint.text}", hint=hint)
        self.batch = batch
        self.estimate_usd, self.counted_usd, self.max_cost_usd = estimate_usd, counted_usd, max_cost_usd


class UnexpectedError(GrokImagineError):
    """One job of many met what nothing here foresaw, such as a callback that raises. The other jobs went on.

    `__cause__` is what it was, with its traceback. A job that has an id goes on, too.
    """


class TransportError(GrokImagineError):
    """No answer to a request that is safe to repeat, such as a GET of a job.

    Attributes:
        host: Where the request went, or was to go, if that is known.
        port: The port there.
    """

    _quotes_wire = True
    host: str | None = None
    port: int | None = None

    def __str__(self) -> str:
        host = f"[{self.host}]" if self.host and ":" in self.host else self.host
        return f"{host}:{self.port}: {super().__str__()}" if host else super().__str__()


class NotDelivered(TransportError):
    """The request never left: no connection. Nothing was started, nothing is billed."""


class RequestTimeout(TransportError, TimeoutError):
    """One HTTP request took longer than its own timeout. It says nothing of the job."""


class StartOutcomeUnknown(GrokImagineError):
    """A POST that starts a paid job was sent, and no answer says whether the job exists.

    It may be running and billed. Sending it again could bill twice, so nothing here does. Look at the usage page of the
    console before you do; `__cause__` is what happened.

    Attributes:
        mode: The mode of the request.
        body_sha256: The hash of its body, the same for the same body.
        sent_at: Unix time at which it was sent.
        candidate_id: What may be the id of the job, which `wait` may find: a `request_id` in an answer that can't be read
            whole, or else its `x-request-id`, which was seen to be the same.
        status_code: The answer's HTTP status, if one came.
        headers: Its headers, in lower case.
        body: Its first 500 characters, escaped where they are not printable.
        cost_usd: What the answer says it cost, in USD, if it does.
        payload: The answer's JSON object, if it was one. May hold a signed URL: do not log it.
    """

    _quotes_wire = True
    hint = Hint("outcome_unknown", "look at the usage page of the console before you send it again")

    def __init__(
        self,
        message: str,
        *,
        mode: str,
        body_sha256: str,
        sent_at: float,
        answer: ApiError | None = None,
        candidate_id: str | None = None,
    ) -> None:
        self.candidate_id = candidate_id or (answer.headers.get("x-request-id") if answer else None)
        name = "x-request-id" if answer and self.candidate_id == answer.headers.get("x-request-id") else "request_id"
        candidate = f"; the answer's {name} was {shown(self.candidate_id, 100)}" if self.candidate_id else ""
        super().__init__(f"{mode} (body {body_sha256[:12]}) was sent and may be billed{candidate}: {message}")
        self.mode = mode
        self.body_sha256 = body_sha256
        self.sent_at = sent_at
        self.status_code = answer.status_code if answer else None
        self.headers = answer.headers if answer else {}
        self.body = answer.body if answer else ""
        self.cost_usd = answer.cost_usd if answer else None
        self.payload = answer.payload if answer else None


class CreateOutcomeUnknown(GrokImagineError):
    """A POST that makes a file or a batch was sent, and no answer says whether it exists.

    Sending it again could make a second one, so nothing here does. Neither costs anything at once; a file that has no end is
    charged as long as it is kept. `__cause__` is what happened.

    Attributes:
        kind: `file` or `batch`.
        name: The name that it has, if it exists.
    """

    _quotes_wire = True

    def __init__(self, message: str, *, kind: str, name: str, request_id: str | None = None) -> None:
        super().__init__(message, request_id=request_id)
        self.kind = kind
        self.name = name


class ApiError(GrokImagineError):
    """An HTTP answer that is an error.

    Attributes:
        status_code: HTTP status; may be one outside IANA's list, such as 520.
        code: The service's own code, if the body had one. A phrase or a token that changes over time.
        headers: The answer's headers, in lower case.
        body: The first 500 characters of the answer.
        cost_usd: What the answer says it cost, in USD, if it does: an error may be billed.
        payload: The answer's JSON object, if it is one. May hold a signed URL: do not log it.
        transient: Whether the same request may succeed later.
    """

    _quotes_wire = True

    def __init__(
        self,
        message: str,
        *,
        status_code: int,
        code: str | None = None,
        headers: Mapping[str, str] | None = None,
        body: str = "",
        request_id: str | None = None,
        payload: Mapping[str, Any] | None = None,
        hint: Hint | None = None,
    ) -> None:
        super().__init__(message, request_id=request_id, hint=hint)
        self.payload = payload
        self.cost_usd = cost_usd(payload)
        self.status_code = status_code
        self.code = None if code is None else shown(code, 100)
        self.headers = dict(headers or {})
        self.body = shown(body)
        self.transient = rule_of(status_code, code, message).get == "again"

    @property
    def retry_after(self) -> float | None:
        """Seconds to wait, if the answer had a Retry-After header, as a number or a date."""
        return retry_after(self.headers)

    def __str__(self) -> str:
        return f"HTTP {self.status_code}: {super().__str__()}"


class BadRequestError(ApiError):
    """400: refused before a job existed. Nothing is billed."""


class AuthenticationError(ApiError):
    """401, or a 400 that says so: the key is missing or wrong."""


class PermissionDeniedError(ApiError):
    """403: the key may not do this."""


class NotFoundError(ApiError):
    """404: no such job, model, file or batch; or no such path, and then its hint is `base_url`."""


class ConflictError(ApiError):
    """412: the batch has another request under this id, or is made of a file. Nothing of the call was added."""


class UnprocessableError(ApiError):
    """422: the body does not have the form of the request. The answer is plain text."""


class RateLimitError(ApiError):
    """429: too fast. The same request may be sent again later; the service was never seen to say when."""


class OutOfCreditError(ApiError):
    """429: the credit is used up or the monthly limit reached. Sending again is useless."""


class ServerError(ApiError):
    """5xx: the service, or the network in front of it, failed."""


class UnexpectedResponse(ApiError):
    """A successful status with a body that can't be read: HTML, half a JSON, another shape."""


class JobError(GrokImagineError):
    """A job that ended without a video, or was not waited for to its end.

    Attributes:
        cost_usd: What the service says it cost, in USD, if it does.
        payload: The last answer as it came. May hold a signed URL: do not log it.
        request_id: Id of the job.
    """

    request_id: str
    _quotes_wire = True

    def __init__(
        self,
        message: str,
        *,
        request_id: str | None = None,
        cost_usd: float | None = None,
        payload: Mapping[str, Any] | None = None,
        hint: Hint | None = None,
    ) -> None:
        super().__init__(message, request_id=request_id, hint=hint)
        self.cost_usd = cost_usd
        self.payload = payload


class VideoGenerationError(JobError):
    """The job ended without a video.

    Attributes:
        code: One of KnownVideoErrorCode or a newer one; `UNKNOWN` when the service gave none.
        message: The service's words.
    """

    def __init__(
        self,
        code: str,
        message: str,
        *,
        request_id: str | None = None,
        cost_usd: float | None = None,
        payload: Mapping[str, Any] | None = None,
    ) -> None:
        super().__init__(message, request_id=request_id, cost_usd=cost_usd, payload=payload)
        self.code = shown(code, 100)

    def __str__(self) -> str:
        return f"[{self.code}] {super().__str__()}"


class VideoExpiredError(VideoGenerationError):
    """The job expired before its video was made or fetched; `code` is `expired`."""


class VideoModeratedError(VideoGenerationError):
    """Moderation withheld the video. It is billed all the same; see `cost_usd`."""


class VideoTimeoutError(JobError, TimeoutError):
    """The wait ended, the job did not: it goes on and is paid for. `client.video.wait(request_id)` resumes the wait."""


class DownloadError(GrokImagineError):
    """A finished video did not get to disk. It says nothing of the job: nothing is generated, or billed, again.

    Attributes:
        path: Where it was to go; what is there is whole, or from before.
        reason: `exists`, `busy`, `directory`, `disk`; `pending`, `no_url`, `no_client`; `url`, `redirect`, `refused`,
            `encoding`, `length`, `too_large`, `not_mp4`; `interrupted`, `timeout`, `expired`.
    """

    def __init__(
        self,
        message: str,
        *,
        reason: str,
        path: str | os.PathLike[str] | None = None,
        request_id: str | None = None,
        hint: Hint | None = None,
    ) -> None:
        super().__init__(message, request_id=request_id, hint=hint)
        self.reason = reason
        self.path = path


class TargetExistsError(DownloadError, FileExistsError):
    """The target of a download exists. Nothing was fetched."""
