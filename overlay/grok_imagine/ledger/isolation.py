"""Isolation of jobs: an error of one job ends that job alone, unless the error applies to all jobs."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable

from ..errors import AuthenticationError, GrokImagineError, LedgerError, OutOfCreditError, UnexpectedError

LONGEST_TEXT = 500
"""Characters of a foreign error's text that ours repeats. The whole error is its cause."""

Redact = Callable[[GrokImagineError], None]


def holds_for_all(error: GrokImagineError) -> bool:
    """Whether every further request would fail the same way: a wrong key, no credit, a ledger that can't be read or written.

    A row that SQLite refuses because of a constraint, or can't decode, concerns one job.
    """
    if isinstance(error, LedgerError) and isinstance(cause := error.__cause__, sqlite3.Error):
        # Errors that Python's module raises for a value have no SQLite error code.
        is_of_values = isinstance(cause, sqlite3.IntegrityError | sqlite3.DataError | sqlite3.InterfaceError)
        return hasattr(cause, "sqlite_errorcode") and not is_of_values
    return isinstance(error, AuthenticationError | OutOfCreditError | LedgerError)


def own_error(error: Exception, request_id: str | None, redact: Redact | None = None) -> GrokImagineError:
    """The error of one job: ours unchanged, a foreign one as the cause of an `UnexpectedError`.

    Args:
        error: The exception that was raised.
        request_id: The job's id, if there is one.
        redact: Removes the key from an error.
    """
    if isinstance(error, GrokImagineError):
        made = error
        made.request_id = made.request_id or request_id
    else:
        made = UnexpectedError(f"{type(error).__name__}: {_text(error)}", request_id=request_id)
        made.__cause__ = error
    if redact is not None:
        try:
            redact(made)
        except RecursionError:  # an answer that is too deep to search may hold the key: it is dropped
            made.__dict__.pop("payload", None)
            redact(made)
    return made


def _text(error: Exception) -> str:
    try:
        text = str(error)[:LONGEST_TEXT]
    except Exception as second:  # its `__str__` fails
        text = f"no text; str() raised {type(second).__name__}"
    return "".join(character if character.isprintable() else "\N{REPLACEMENT CHARACTER}" for character in text)
