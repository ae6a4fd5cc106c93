"""The exit codes: one table, which the program, its help, its page and its tests read."""

from __future__ import annotations

from typing import NamedTuple

__all__ = ["CODES", "NUMBERS", "ExitCode", "code_of", "is_resumable"]


class ExitCode(NamedTuple):
    """One way to end.

    Attributes:
        number: What the process exits with.
        name: A word for it.
        meaning: One line for the help.
        errors: Names of the classes that end so, their subclasses too unless these stand elsewhere.
        resumable: Whether a job that was started by then goes on, so that `wait` can take it up.
    """

    number: int
    name: str
    meaning: str
    errors: tuple[str, ...] = ()
    resumable: bool = False


CODES = (
    ExitCode(0, "ok", "what was asked for is done"),
    ExitCode(1, "error", "any other error, such as a ledger that can't be written", ("Exception",), True),
    ExitCode(
        2,
        "usage",
        "usage, no key, or a request against the contract; nothing was sent",
        ("TyperException", "InvalidRequest", "ConfigurationError"),
    ),
    ExitCode(3, "failed", "the job failed or expired", ("VideoGenerationError",)),
    ExitCode(4, "moderated", "moderation withheld the video; it may be billed", ("VideoModeratedError",)),
    ExitCode(5, "timeout", "the wait ended, the job goes on", ("VideoTimeoutError",), True),
    ExitCode(
        6,
        "unknown",
        "a paid request was sent, its answer lost: a job may be running",
        ("StartOutcomeUnknown",),
    ),
    ExitCode(7, "credit", "no credit is left, or the monthly limit is reached", ("OutOfCreditError",), True),
    ExitCode(
        8,
        "refused",
        "the service said no: key, permission, rate, no such job, error of its own",
        ("ApiError",),
        True,
    ),
    ExitCode(9, "connection", "no connection, or no answer", ("TransportError",), True),
    ExitCode(10, "download", "the job is done, but its video did not get to disk", ("DownloadError",), True),
    ExitCode(130, "interrupted", "Ctrl-C; a job that was started goes on", ("KeyboardInterrupt",), True),
)
"""Every exit code, in order."""

NUMBERS = {code.name: code.number for code in CODES}
"""The exit codes by their words."""

_BY_ERROR = {name: code for code in CODES for name in code.errors}


def _entry(error: BaseException) -> ExitCode:
    # By name: importing the classes would import the client.
    return next(_BY_ERROR[cls.__name__] for cls in type(error).__mro__ if cls.__name__ in _BY_ERROR)


def code_of(error: BaseException) -> int:
    """The exit code of what ended a command."""
    return _entry(error).number


def is_resumable(error: BaseException) -> bool:
    """Whether a job that was started before this error goes on."""
    return _entry(error).resumable
