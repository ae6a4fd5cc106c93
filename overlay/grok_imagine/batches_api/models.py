"""The state of the service's own batches."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Generic

from grok_imagine_api import contract

from ..core.results import V_co
from ..parsing import shown, text_at, whole_at

__all__ = ["BatchRequestState", "BatchResult", "ServiceBatch"]


class ServiceBatch:
    """The state of a batch when it was read.

    Attributes:
        id: Its id.
        raw: The answer's JSON, as it came.
        headers: The headers of its answer, as of a `Video`.
    """

    __slots__ = ("headers", "id", "raw")

    def __init__(self, id: str, raw: Mapping[str, Any], headers: Mapping[str, str] | None = None) -> None:
        self.id = id
        self.raw = raw
        self.headers = headers or {}

    @property
    def name(self) -> str | None:
        """The name it was made with; several may have it."""
        return text_at(self.raw, "name")

    @property
    def num_requests(self) -> int:
        """All requests. Of a batch of a file 0, until that was read."""
        return self._count("num_requests")

    @property
    def num_pending(self) -> int:
        """Those that have not ended."""
        return self._count("num_pending")

    @property
    def num_success(self) -> int:
        """Those that ended well."""
        return self._count("num_success")

    @property
    def num_error(self) -> int:
        """Those that failed."""
        return self._count("num_error")

    @property
    def num_cancelled(self) -> int:
        """Those that were cancelled. May go back: what was under way may yet end well, and is billed."""
        return self._count("num_cancelled")

    @property
    def is_finished(self) -> bool:
        """Whether nothing is pending any more: there are requests and all have ended, or it was cancelled."""
        return self.num_pending == 0 and (self.num_requests > 0 or self.is_cancelled)

    @property
    def is_cancelled(self) -> bool:
        """Whether it was cancelled, by its owner or by the service."""
        return text_at(self.raw, "cancel_time") is not None or self.cancel_message is not None

    @property
    def cancel_message(self) -> str | None:
        """Why the service cancelled it, such as a bad line of its file."""
        return text_at(self.raw, "cancel_by_xai_message")

    @property
    def create_time(self) -> str | None:
        """A date, as the service writes it: `2026-11-16`."""
        return text_at(self.raw, "create_time")

    @property
    def expire_time(self) -> str | None:
        """The date from which its results can't be read."""
        return text_at(self.raw, "expire_time")

    def _count(self, name: str) -> int:
        return whole_at(self.raw, f"state.{name}") or 0

    def __eq__(self, other: object) -> bool:
        return isinstance(other, ServiceBatch) and other.raw == self.raw

    __hash__ = None  # type: ignore[assignment]  # the same batch at two polls is not the same

    def __repr__(self) -> str:
        done = f"{self.num_success} done, {self.num_error} failed, {self.num_cancelled} cancelled"
        return f"<ServiceBatch {shown(self.id, 100)} {self.num_pending} of {self.num_requests} pending, {done}>"


class BatchRequestState:
    """How far a request of a batch is.

    Attributes:
        id: Its id.
        raw: The answer's JSON, as it came.
        headers: The headers of its answer, as of a `Video`.
    """

    __slots__ = ("headers", "id", "raw")

    def __init__(self, id: str, raw: Mapping[str, Any], headers: Mapping[str, str] | None = None) -> None:
        self.id = id
        self.raw = raw
        self.headers = headers or {}

    @property
    def state(self) -> str:
        """`pending`, `succeeded`, `cancelled`, `failed`, or a newer word as it came; `unknown` if there is none."""
        return text_at(self.raw, "state") or "unknown"

    @property
    def model(self) -> str | None:
        """The model."""
        return text_at(self.raw, "model")

    def __repr__(self) -> str:
        return f"<BatchRequestState {shown(self.id, 100)} {shown(self.state, 40)}>"


class BatchResult(Generic[V_co]):
    """What became of a request of a batch.

    Attributes:
        id: The request's id.
        video: The finished video; None if there is none. Its URL holds for an hour: `video.save(path)`.
        error: Why there is none; None if there is.
        cost_ticks: What it cost in ticks, if the service says so; a video that moderation withheld costs, too.
        raw: The answer's JSON, as it came. May hold a signed URL: do not log it.
        headers: The headers of its answer, as of a `Video`.
    """

    __slots__ = ("cost_ticks", "error", "headers", "id", "raw", "video")

    def __init__(
        self,
        id: str,
        raw: Mapping[str, Any],
        headers: Mapping[str, str] | None = None,
        *,
        video: V_co | None,
        error: str | None,
        cost_ticks: int | None,
    ) -> None:
        self.id = id
        self.raw = raw
        self.headers = headers or {}
        self.video = video
        self.error = error
        self.cost_ticks = cost_ticks

    @property
    def cost_usd(self) -> float | None:
        """What it cost in USD, if the service says so."""
        return None if self.cost_ticks is None else self.cost_ticks / contract.TICKS_PER_USD

    def __repr__(self) -> str:
        facts = {"error": self.error and shown(self.error, 100), "cost_usd": self.cost_usd}
        details = ", ".join(f"{name}={value!r}" for name, value in facts.items() if value is not None)
        return f"<BatchResult {shown(self.id, 100)} {details}>"
