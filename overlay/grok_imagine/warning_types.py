"""What is uncertain, and done all the same: the warnings of this package."""

from __future__ import annotations

from collections.abc import Sequence

__all__ = [
    "ContractWarning",
    "InsecureBaseUrlWarning",
    "LedgerWarning",
    "OddAnswerWarning",
    "QuotaWarning",
    "UnknownStatusWarning",
]


class InsecureBaseUrlWarning(UserWarning):
    """The base URL is `http` and its host is not this machine: whoever is on the way can read the API key."""


class ContractWarning(UserWarning):
    """The contract doubts a request that is sent all the same, since it is not certain: the service may have moved on.

    Attributes:
        section: Where the contract says so, such as `x-modes.models.grok-imagine-video.text-to-video`.
        fields: The fields in question.
        mode: The mode of the request, if it is about one.
    """

    def __init__(
        self, message: str, *, section: str = "x-modes", fields: Sequence[str] = (), mode: str | None = None
    ) -> None:
        super().__init__(message)
        self.section, self.fields, self.mode = section, tuple(fields), mode


class UnknownStatusWarning(UserWarning):
    """The service answered a job status that this version does not know; the wait goes on."""


class OddAnswerWarning(UserWarning):
    """The service answered an id or a cost like no other. The id is kept as it is; a cost that is no number is none."""


class LedgerWarning(UserWarning):
    """The ledger is on a file system where the processes of several machines would damage it."""


class QuotaWarning(UserWarning):
    """The quota that several processes share can't be asked; the client goes by its own count."""
