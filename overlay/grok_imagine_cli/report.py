"""How an error is told: in words with the way out, or as JSON; and the command that takes a job up again."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import typer

from .codes import code_of, is_resumable
from .manifest import BadManifest
from .output import Output
from .session import PROGRAM, Session, wait_for
from .texts import command, plain, usd

__all__ = ["in_words", "misused", "report"]

WORDS = {
    "api_key": "set XAI_API_KEY, or try it with --sandbox",
    "max_cost": "raise --max-cost, or give another batch another --name",
    "overwrite": "--overwrite replaces a file",
    "strict": "`--no-strict` sends it all the same",
    "wait": "",
}
"""By the code of an error's hint, what is said here instead of its text, which is for those who write Python."""

FIELDS = {"max_cost_usd": "--max-cost"}
"""What the fields of an error are called here."""


def report(error: BaseException, session: Session) -> int:
    """Says what ended the run, and returns its exit code."""
    known = getattr(error, "request_id", None)
    # An answer's own x-request-id is no job; what else has an id has a job's, even if the ledger could not note it.
    if session.request_id is None and isinstance(known, str) and not hasattr(error, "status_code"):
        session.request_id = known
    resume = session.resume() if is_resumable(error) else None
    message, hints = _message(error, session), list(_hints(error, session))
    details: dict[str, Any] = {
        "type": type(error).__name__,
        "message": message,
        "request_id": session.request_id or known,
        "exit_code": code_of(error),
    }
    if session.running:
        details["request_ids"] = list(session.running)
    for name in ("code", "status_code", "reason", "cost_usd", "candidate_id"):
        if (value := getattr(error, name, None)) is not None:
            details[name] = value
    _tell(session.output, details, hints, resume)
    return code_of(error)


def misused(error: typer.TyperException, output: Output) -> int:
    """Says what is wrong with the command line, and returns the exit code."""
    message = error.format_message()
    lines = error.lines if isinstance(error, BadManifest) else []
    if output.as_json:
        details = {"type": type(error).__name__, "message": message, "request_id": None, "exit_code": code_of(error)}
        shown = {"lines": [{"line": line.number, "message": line.message} for line in lines]}
        _tell(output, details | (shown if lines else {}), [], None)
    elif isinstance(error, BadManifest):  # as compilers do it, so that an editor finds the line
        for text in error.told:
            output.say(text)
    else:
        from typer.rich_utils import rich_format_error

        error.message = plain(error.message)
        rich_format_error(error)  # type: ignore[arg-type]  # every one that a command line raises is click's
    return code_of(error)


def _tell(output: Output, details: dict[str, Any], hints: list[str], resume: str | None) -> None:
    if output.as_json:
        output.emit("error", details | {"hints": hints, "resume": resume})
        return
    if details["type"] in ("KeyboardInterrupt", "Terminated"):
        output.say(details["message"])
    else:
        output.say(f"{details['type']}: {details['message']}", style="bold red")
    if details["request_id"] and resume is None:
        output.say(f"{'request' if 'status_code' in details else 'job'} {details['request_id']}")
    if details.get("cost_usd") is not None:
        output.say(f"it cost {usd(details['cost_usd'])}")
    for hint in hints:
        output.say(hint)
    if resume:
        one = details["request_id"] is not None
        output.say(
            "the job goes on and is paid for; this takes it up again:" if one else "this goes on where it stopped:"
        )
        output.say(f"  {resume}", style="bold", whole=True)


def _message(error: BaseException, session: Session) -> str:
    if isinstance(error, KeyboardInterrupt):
        if session.running:
            return f"stopped; {len(session.running)} jobs go on, and are paid for"
        return "stopped waiting" if session.request_id else "stopped"
    return in_words(error)


def in_words(error: BaseException, own: Mapping[str, str] | None = None) -> str:
    """An error's message, in words for a command line; `own` has further ones, by a hint's code."""
    message, hint = str(getattr(error, "message", error)), getattr(error, "hint", None)
    words = (WORDS | dict(own or {})).get(hint.code) if hint else None
    if hint and words is not None:
        message = message.replace(hint.text if words else f"; {hint.text}", words)
    for field in getattr(error, "fields", ()):
        message = message.replace(f"`{field}`", f"`{FIELDS.get(field, field)}`")
    return message


def _hints(error: BaseException, session: Session) -> list[str]:
    """What to do next, where the message does not say it."""
    name, hint = type(error).__name__, getattr(error, "hint", None)
    if isinstance(error, KeyboardInterrupt):
        if hint and hint.code == "outcome_unknown" and session.request_id is None:
            return [f"a paid request was under way, and a job may be running: `{PROGRAM} jobs --state unknown`"]
    elif hint and hint.code == "outcome_unknown":
        candidate = getattr(error, "candidate_id", None)
        line = command([PROGRAM, *wait_for(candidate)]) if candidate else None
        return [
            hint.text,
            *([f"`{PROGRAM} jobs --state unknown` lists it"] if session.ledger_path else []),
            *([f"`{line}` may find the job"] if line else []),
        ]
    if session.sandbox and session.request_id and not session.is_own and name in ("NotFoundError", "BadRequestError"):
        return [
            "the sandbox of --sandbox begins empty and ends with the command, so it knows no job of another run",
            f"`{PROGRAM} sandbox serve` runs one that stays; give its address with --base-url",
        ]
    if session.sandbox and (session.request_id or session.running) and is_resumable(error):
        return ["the sandbox of --sandbox ended with this command, and the job with it"]
    return []
