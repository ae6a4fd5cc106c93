"""The core's job recorder, backed by a ledger, for one address."""

from __future__ import annotations

from collections.abc import Callable

from ..core.hooks import JobRecorder
from ..core.request import VideoRequest
from ..core.results import Video
from ..errors import JobError
from .entries import Entry
from .ledger import Ledger

Claim = Callable[[VideoRequest], str | Entry]


class AlreadyClaimed(Exception):
    """The ledger already has the request, which must not be posted again."""


class LedgerRecorder(JobRecorder):
    """Records the jobs of one address in a ledger.

    Args:
        ledger: The ledger.
        origin: The address.
        claim: Replaces `Ledger.begin`: commits an intent, or returns the existing entry.

    Attributes:
        ledger: The ledger.
        origin: The address.
    """

    blocks = True

    def __init__(self, ledger: Ledger, origin: str, claim: Claim | None = None) -> None:
        self.ledger = ledger
        self.origin = origin
        self._claim = claim

    @property
    def is_durable(self) -> bool:
        """Whether the ledger outlives the program."""
        return not self.ledger.is_temporary

    def claiming(self, claim: Claim) -> LedgerRecorder:
        """The same recorder, which writes intents by `claim`."""
        return LedgerRecorder(self.ledger, self.origin, claim)

    def begin(self, request: VideoRequest) -> str:
        """Commits the intent.

        Raises:
            AlreadyClaimed: There is an entry.
            LedgerError: The intent could not be written.
        """
        if self._claim is None:
            return self.ledger.begin(request, self.origin)
        claimed = self._claim(request)
        if isinstance(claimed, Entry):
            raise AlreadyClaimed
        return claimed

    def confirm(self, intent: str, request_id: str) -> None:
        """See `Ledger.confirm`."""
        self.ledger.confirm(intent, request_id)

    def mark_failed(self, intent: str, error: BaseException, *, may_be_started: bool) -> None:
        """See `Ledger.mark_failed`."""
        self.ledger.mark_failed(intent, error, may_be_started=may_be_started)

    def import_job(self, request_id: str) -> None:
        """See `Ledger.import_job`."""
        self.ledger.import_job(request_id, self.origin)

    def record_result(self, video: Video) -> None:
        """See `Ledger.record_result`."""
        self.ledger.record_result(video, self.origin)

    def record_failure(self, error: JobError) -> None:
        """See `Ledger.record_failure`."""
        self.ledger.record_failure(error, self.origin)

    def record_cost(self, request_id: str, ticks: int) -> None:
        """See `Ledger.record_cost`."""
        self.ledger.record_cost(request_id, self.origin, ticks)

    def save_history(self, export: Callable[[], str]) -> None:
        """See `Ledger.save_history`."""
        self.ledger.save_history(self.origin, export())
