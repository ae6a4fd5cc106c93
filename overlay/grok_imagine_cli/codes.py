"""The exit codes: one table, which the program, its help, its page and its tests read."""

from __future__ import annotations

from collections.abc import Container
from typing import NamedTuple

__all__ = ["CODES", "GRAVEST", "NUMBERS", "ExitCode", "code_of", "gravest", "is_resumable"]


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
    ExitCode(
        1,
        "error",
        "any other error, such as a ledger that can't be written",
        ("Exception", "LedgerError", "QuotaError", "UnexpectedError"),
        True,
    ),
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
    ExitCode(11, "cost", "a batch's next job could pass --max-cost, and was not sent", ("CostLimitError",), True),
    ExitCode(130, "interrupted", "Ctrl-C, or no for an answer; what was started goes on", ("KeyboardInterrupt",), True),
    ExitCode(143, "terminated", "SIGTERM, as by `docker stop`; what was started goes on", ("Terminated",), True),
)
"""Every exit code, in order."""

GRAVEST = (6, 1, 7, 8, 9, 2, 11, 3, 4, 10, 5)
"""What a batch ends with: the first of these that one of its outcomes has. What nobody knows comes before what was not sent,
that before jobs without a video, and at last what the same command once more completes."""

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


def gravest(numbers: Container[int]) -> int:
    """The exit code of what had all of these."""
    return next((number for number in GRAVEST if number in numbers), 0)
