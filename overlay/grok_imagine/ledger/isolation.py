"""One job of many: whatever it meets becomes its own error, and only what holds for all jobs ends them all."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable

from ..errors import AuthenticationError, GrokImagineError, LedgerError, OutOfCreditError, UnexpectedError

LONGEST_TEXT = 500
"""Characters of another's error that ours repeats; the whole is its cause."""

Blot = Callable[[GrokImagineError], None]


def holds_for_all(error: GrokImagineError) -> bool:
    """Whether an error is that of every further request: a wrong key, no credit, a ledger that can't be read or written.

    What SQLite refuses since it is in the way of another row, or can't be decoded, concerns one job.
    """
    if isinstance(error, LedgerError) and isinstance(cause := error.__cause__, sqlite3.Error):
        # Python's own complaints about a value have no code of SQLite's.
        is_of_values = isinstance(cause, sqlite3.IntegrityError | sqlite3.DataError | sqlite3.InterfaceError)
        return hasattr(cause, "sqlite_errorcode") and not is_of_values
    return isinstance(error, AuthenticationError | OutOfCreditError | LedgerError)


def own_error(error: Exception, request_id: str | None, blot: Blot | None = None) -> GrokImagineError:
    """The error of one job for whatever it met: ours as it is, another as the cause of an `UnexpectedError`.

    Args:
        error: What was raised.
        request_id: The job's, if there is one.
        blot: Removes the key from an error.
    """
    if isinstance(error, GrokImagineError):
        made = error
        made.request_id = made.request_id or request_id
    else:
        made = UnexpectedError(f"{type(error).__name__}: {_text(error)}", request_id=request_id)
        made.__cause__ = error
    if blot is not None:
        try:
            blot(made)
        except RecursionError:  # an answer that is too deep to be looked through, may not be kept
            made.__dict__.pop("payload", None)
            blot(made)
    return made


def _text(error: Exception) -> str:
    try:
        text = str(error)[:LONGEST_TEXT]
    except Exception as second:  # a text of its own that fails
        text = f"without a text, by a {type(second).__name__}"
    return "".join(character if character.isprintable() else "\N{REPLACEMENT CHARACTER}" for character in text)
