"""The kind of an HTTP error, and whether its request may be sent again, according to `x-errors`."""

from __future__ import annotations

from typing import NamedTuple

from grok_imagine_api import contract

__all__ = ["FailureRule", "rule_of"]


class FailureRule(NamedTuple):
    """What x-errors says of a failure.

    Attributes:
        kind: One of `x-errors.kinds`; `other` or `server` for a status without one; `unreadable` for a success.
        post: Whether a POST that starts a paid job may be sent again: `again`, `never`, or `unknown` if a job may exist.
        get: Whether a request that is safe to repeat may succeed later: `again` or `never`.
    """

    kind: str
    post: str
    get: str


def rule_of(status: int, code: str | None = None, text: str = "") -> FailureRule:
    """The rule for an HTTP answer.

    Args:
        status: HTTP status. A success counts as unreadable: otherwise it would be no failure.
        code: The service's own code, if the body has one.
        text: The body's text.
    """
    lower = text.lower()
    for kind in contract.ERROR_KINDS:
        if (
            kind.http_status == status
            and (not kind.code or code in kind.code)
            and (not kind.text or any(part.lower() in lower for part in kind.text))
        ):
            return FailureRule(kind.kind, kind.post, kind.get)
    for row in contract.UNLISTED:
        if row.first <= status <= row.last:
            return FailureRule(row.kind, row.post, row.get)
    unreadable = contract.FAILURES["unreadable"]
    return FailureRule("unreadable", unreadable.post, unreadable.get)
