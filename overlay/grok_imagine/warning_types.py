"""The warnings of this package."""

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
    """The base URL is `http` and its host is not this machine: others on the network can read the API key."""


class ContractWarning(UserWarning):
    """A request violates an uncertain rule of the contract. It is sent, since the service may have changed.

    Attributes:
        section: The section of the rule, such as `x-modes.models.grok-imagine-video.text-to-video`.
        fields: The fields in question.
        mode: The mode of the request, if the rule has one.
    """

    def __init__(
        self, message: str, *, section: str = "x-modes", fields: Sequence[str] = (), mode: str | None = None
    ) -> None:
        super().__init__(message)
        self.section, self.fields, self.mode = section, tuple(fields), mode


class UnknownStatusWarning(UserWarning):
    """The service sent a job status that this version does not know; the wait goes on."""


class OddAnswerWarning(UserWarning):
    """The service sent an id or a cost of an unusual form. The id is used unchanged; an invalid cost is ignored."""


class LedgerWarning(UserWarning):
    """The ledger is on a file system where processes of other machines may damage it."""


class QuotaWarning(UserWarning):
    """The shared quota is not available; the client uses its own count."""
