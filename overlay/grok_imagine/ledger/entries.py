"""Records that the ledger returns: a job, its place in a batch, and the result of a reconciliation."""

from __future__ import annotations

from collections.abc import Callable
from contextvars import ContextVar
from typing import Generic, NamedTuple

from grok_imagine_api import contract

from ..core.results import V_co
from ..errors import GrokImagineError
from ..literals import State

__all__ = ["BatchSlot", "Entry", "Reconciliation"]

STATE = (
    "CASE WHEN state = 'accepted' THEN 'running'"
    " WHEN state = 'failed' AND request_id IS NULL THEN 'refused' ELSE state END"
)
"""A `State` from a row. The file has two words of its own: it says `accepted` for running, and `failed` for refused."""

COLUMNS = (
    f"intent, {STATE}, request_id, origin, mode, model, body_sha256, prompt_sha256, prompt, process, created, updated,"
    " cost_ticks, url, url_expires, path, code, message, batch, answer, key, traceparent"
)

TRACEPARENT: ContextVar[Callable[[], str | None]] = ContextVar("traceparent", default=lambda: None)
"""Gives the W3C trace context of the start whose intent is noted."""


class Entry(NamedTuple):
    """A job in the ledger. Its repr shows neither `answer` nor `url`, which may be signed.

    Attributes:
        intent: The ledger's own id of the entry.
        state: The state; see `State`.
        request_id: The job's id. None before the POST was answered, and for good if its outcome is unknown.
        origin: The `base_url` of the client.
        mode: Such as `text-to-video`; None for a job of another client.
        model: The model that was asked for, if one was.
        body_sha256: The hash of the request, in hexadecimal digits.
        prompt_sha256: The hash of the prompt.
        prompt: The prompt, if the ledger keeps prompts.
        process: The id of the process that posts it, while it does.
        created: When the entry was written, in Unix seconds.
        updated: When it was changed last, in Unix seconds.
        cost_ticks: The cost in units of 1/10,000,000,000 USD, if the service reported one; `cost_usd` has it in USD.
        url: The temporary URL of the video.
        url_expires: When that is expected to end, in Unix seconds.
        path: Where the video was saved.
        code: The code of the error, if there is no video.
        message: The text of that error.
        batch: The name of its batch, if it is of one.
        answer: The JSON of the poll that found the end.
        key: The caller's idempotency key.
        traceparent: The W3C trace context of its start, if that was traced.
    """

    intent: str
    state: State
    request_id: str | None
    origin: str
    mode: str | None
    model: str | None
    body_sha256: str | None
    prompt_sha256: str | None
    prompt: str | None
    process: int | None
    created: float
    updated: float
    cost_ticks: int | None
    url: str | None
    url_expires: float | None
    path: str | None
    code: str | None
    message: str | None
    batch: str | None
    answer: str | None
    key: str | None
    traceparent: str | None = None

    @property
    def cost_usd(self) -> float | None:
        """The cost in USD, if the service reported one."""
        return None if self.cost_ticks is None else self.cost_ticks / contract.TICKS_PER_USD

    def __repr__(self) -> str:
        return f"<Entry {self.request_id or self.intent} {self.state} {self.mode or 'of another client'}>"


class BatchSlot(NamedTuple):
    """A request's place in a batch.

    Attributes:
        batch: The name of the batch.
        copy: The index among equal requests, from 0.
        counted_ticks: What counts against the batch's cost limit, in units of 1/10,000,000,000 USD.
    """

    batch: str
    copy: int = 0
    counted_ticks: int | None = None


class Reconciliation(NamedTuple, Generic[V_co]):
    """The result of reconciling a ledger.

    Attributes:
        ended: The jobs that ended: a `Video` (an `AsyncVideo` from an AsyncClient) for each, or its error, with the request_id.
            If a job may still run, for example because its answer can't be handled, the error is not a `JobError`.
        running: The jobs that were still running at the timeout.
        unknown: The intents with an unknown outcome. The usage page of the console shows whether they became jobs.
    """

    ended: list[V_co | GrokImagineError]
    running: list[Entry]
    unknown: list[Entry]
