"""What the ledger knows of a job, as it is read, and where in a batch the job stands."""

from __future__ import annotations

from typing import Generic, NamedTuple, get_args

from grok_imagine_api import contract

from ..core.results import V_co
from ..errors import GrokImagineError
from ..literals import JobState

__all__ = ["BatchSlot", "Entry", "Reconciliation"]

STATES: tuple[JobState, ...] = get_args(JobState)

COLUMNS = (
    "intent, state, request_id, origin, mode, model, body_sha256, prompt_sha256, prompt, process, created, updated,"
    " cost_ticks, url, url_expires, path, code, message, batch, answer, key"
)


class Entry(NamedTuple):
    """A job as the ledger knows it. Times are Unix seconds; `cost_ticks` are of 1/10,000,000,000 USD.

    `request_id` is None while it is only intended, and for ever when the outcome of its POST is unknown. `prompt` is None
    unless the ledger keeps prompts. `url` may be signed: it is not shown, nor is `answer`, the JSON of the look that saw the
    end. `batch` is the name of the batch it belongs to, `key` the caller's own for it.
    """

    intent: str
    state: JobState
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

    @property
    def cost_usd(self) -> float | None:
        """What it cost in USD, as far as the service said so."""
        return None if self.cost_ticks is None else self.cost_ticks / contract.TICKS_PER_USD

    def __repr__(self) -> str:
        return f"<Entry {self.request_id or self.intent} {self.state} {self.mode or 'of another client'}>"


class BatchSlot(NamedTuple):
    """Where in a batch a request stands: its name, which of the equal requests, and the ticks that count against a cap."""

    batch: str
    copy: int = 0
    counted_ticks: int | None = None


class Reconciliation(NamedTuple, Generic[V_co]):
    """What came of reconciling a ledger.

    Attributes:
        ended: The jobs that ended: a `Video`, or of an AsyncClient an `AsyncVideo`, for each, or the error that says why there is none, with its request_id. The error
            of a job that may still run, such as one whose answer can't be handled, is no `JobError`.
        running: The jobs that still run, when the time was up before they ended.
        unknown: The intents of which nobody knows whether they became jobs. Look at the usage page of the console.
    """

    ended: list[V_co | GrokImagineError]
    running: list[Entry]
    unknown: list[Entry]
