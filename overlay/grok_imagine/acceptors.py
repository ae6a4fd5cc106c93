"""What an answer to a poll means: the acceptors of `x-waiter`."""

from __future__ import annotations

from collections.abc import Mapping

from grok_imagine_api import contract

from .parsing import value_at

__all__ = ["outcome_of"]

NAMED = frozenset(
    matcher.equals
    for acceptor in contract.ACCEPTORS
    for path, matcher in acceptor.when.items()
    if path == "http_status"
)
"""Success statuses with acceptors of their own."""


def outcome_of(http_status: int, body: object, error_kind: str | None = None) -> contract.Acceptor | None:
    """The first acceptor whose matchers all hold; None means that the poll failed.

    Args:
        http_status: The answer's status.
        body: The answer's JSON. If it is no object, only acceptors that ask nothing of the body count.
        error_kind: The kind of x-errors, if the answer is an error.
    """
    if error_kind is None and http_status not in NAMED:
        http_status = contract.OTHER_SUCCESS
    facts = {"http_status": http_status, "error_kind": error_kind}
    is_object = isinstance(body, Mapping)
    for acceptor in contract.ACCEPTORS:
        if (is_object or acceptor.when.keys() <= facts.keys()) and all(
            _holds(matcher, facts[path] if path in facts else value_at(body, path))
            for path, matcher in acceptor.when.items()
        ):
            return acceptor
    return None


def _holds(matcher: contract.Matcher, value: object) -> bool:
    is_text = isinstance(value, str) and value != ""
    if matcher.state:
        return is_text == (matcher.state == "present")
    if matcher.mentions:
        return is_text and any(text.lower() in str(value).lower() for text in matcher.mentions)
    return type(value) is type(matcher.equals) and value == matcher.equals
