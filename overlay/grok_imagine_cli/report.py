"""How an error is told: in words with the way out, or as JSON; and the command that takes a job up again."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

import typer

from .codes import NUMBERS, code_of, is_resumable
from .keys import LOCAL
from .manifest_file import BadFile
from .output import Output
from .session import PROGRAM, Session, wait_for
from .texts import command, plain, usd
from .ways_out import host_of, ways_out

__all__ = ["KEYS", "OPTIONS", "in_words", "misused", "report", "warning_in_words"]

WORDS = {
    "api_key": "set XAI_API_KEY, or try it with --sandbox",
    "local_file": "give a file by its path, or a public URL",
    "max_cost": "raise --max-cost, or give another batch another --name",
    "overwrite": "--overwrite replaces a file",
    "strict": "`--no-strict` sends it all the same",
    "wait": "",
}
"""By the code of an error's hint, what is said here instead of its text, which is for those who write Python."""

OPTIONS = {
    "prompt": "PROMPT",
    **dict.fromkeys(("image", "image_url", "image_file_id"), "--image"),
    **dict.fromkeys(("last_frame", "last_frame_url", "last_frame_file_id"), "--last-frame"),
    **dict.fromkeys(("video", "video_url", "video_file_id"), "--video"),
    **dict.fromkeys(("reference_images", "reference_image_urls", "reference_image_file_ids"), "--reference"),
    "reference_audios": "--voice",
    "keyframes": "--keyframe",
    "duration": "--duration",
    "aspect_ratio": "--aspect-ratio",
    "resolution": "--resolution",
    "generate_audio": "--audio",
    "model": "--model",
    "key": "--key",
    "timeout": "--timeout",
    "interval": "--interval",
    "max_cost_usd": "--max-cost",
    "input_seconds": "--input-seconds",
}
"""What the fields and keywords of an error are called on the command line."""

KEYS = {"max_cost_usd": "--max-cost", "reference_images": "reference"} | {
    keyword: key for key, keyword in LOCAL.items()
}
"""What they are called in a manifest, where that is another name."""

OURS = {"InvalidRequest", "ConfigurationError", "CostLimitError"}
"""Errors whose words are this package's own. Those of the service are shown as they are."""


def report(error: BaseException, session: Session) -> int:
    """Says what ended the run, and returns its exit code."""
    known = getattr(error, "request_id", None)
    # An answer's own x-request-id is no job; what else has an id has a job's, even if the ledger could not note it.
    if session.request_id is None and isinstance(known, str) and not hasattr(error, "status_code"):
        session.request_id = known
    name = type(error).__name__
    is_known = session.is_own or name != "NotFoundError"  # of an id that was given, nobody has said that it is a job's
    resume = session.resume() if is_resumable(error) and is_known else None
    message, hints = _message(error, session), list(_hints(error, session))
    details: dict[str, Any] = {
        "type": type(error).__name__,
        "message": message,
        "request_id": session.request_id or known,
        "exit_code": code_of(error),
    }
    if session.running:
        details["request_ids"] = list(session.running)
    for attribute in ("code", "status_code", "reason", "cost_usd", "candidate_id"):
        if (value := getattr(error, attribute, None)) is not None:
            details[attribute] = value
    if "status_code" in details and session.host:
        details["host"] = session.host
    _tell(session.output, details, hints, resume, _goes_on(error, session))
    return code_of(error)


def misused(error: typer.TyperException, output: Output) -> int:
    """Says what is wrong with the command line, and returns the exit code."""
    message = error.format_message()
    lines = getattr(error, "lines", [])
    if output.as_json:
        details = {"type": type(error).__name__, "message": message, "request_id": None, "exit_code": code_of(error)}
        shown = {"lines": [{"line": line.number, "message": line.message} for line in lines]}
        _tell(output, details | (shown if lines else {}), [], None)
    elif isinstance(error, BadFile):  # as compilers do it, so that an editor finds the line
        for text in error.told:
            output.say(text)
    else:
        from typer.rich_utils import rich_format_error

        error.message = plain(error.message)
        rich_format_error(error)  # type: ignore[arg-type]  # every one that a command line raises is click's
    return code_of(error)


def _goes_on(error: BaseException, session: Session) -> str:
    """What the command that resumes is for, as far as it is known."""
    if session.request_id is None:
        return "this goes on where it stopped:"
    if code_of(error) == NUMBERS["download"]:
        return "the video is paid for; this fetches it:"
    return f"{'the job goes on and is paid for; ' if session.is_own else ''}this takes it up again:"


def _tell(output: Output, details: dict[str, Any], hints: list[str], resume: str | None, goes_on: str = "") -> None:
    if output.as_json and not output.is_lost:
        output.emit("error", details | {"hints": hints, "resume": resume})
        return
    if details["type"] in ("KeyboardInterrupt", "Terminated"):
        output.say(details["message"])
    else:
        answered = f" (HTTP {details['status_code']} from {details['host']})" if "host" in details else ""
        output.say(f"{details['type']}{answered}: {details['message']}", style="bold red")
    if details["request_id"] and resume is None:
        output.say(f"{'request' if 'status_code' in details else 'job'} {details['request_id']}")
    if details.get("cost_usd") is not None:
        output.say(f"it cost {usd(details['cost_usd'])}")
    for hint in hints:
        output.say(hint)
    if resume:
        output.say(goes_on)
        output.say(f"  {resume}", style="bold", whole=True)


def _message(error: BaseException, session: Session) -> str:
    if isinstance(error, KeyboardInterrupt):
        if session.running:
            return f"stopped; {len(session.running)} jobs go on, and are paid for"
        return "stopped waiting" if session.request_id else "stopped"
    return in_words(error)


def in_words(
    error: BaseException, own: Mapping[str, str] | None = None, fields: Mapping[str, str] | None = None
) -> str:
    """An error's message, in words for a command line, with the host that a connection failed to.

    Args:
        error: What happened.
        own: Further words, by a hint's code.
        fields: What fields and keywords are called; default as options.
    """
    if isinstance(error, OSError) and error.strerror:
        return f"{error.filename}: {error.strerror}" if error.filename else error.strerror
    message, hint = str(getattr(error, "message", error)), getattr(error, "hint", None)
    words = (WORDS | dict(own or {})).get(hint.code) if hint else None
    if hint and words is not None:
        message = message.replace(hint.text if words else f"; {hint.text}", words)
    if OURS & {cls.__name__ for cls in type(error).__mro__}:
        message = _renamed(message, OPTIONS if fields is None else fields)
    if type(error).__name__ == "VideoTimeoutError" and error.__cause__ is not None:
        cause = error.__cause__
        message += f"; the last poll met {type(cause).__name__}: {in_words(cause)}"
    host = _host(error)
    return message if host is None or host in message else f"{host}: {message}"


def warning_in_words(message: Warning | str, *, is_batch: bool = False) -> str:
    """A warning, in words for a command line; those of the contract name fields."""
    is_ours = type(message).__module__.partition(".")[0] == "grok_imagine"
    return f"warning: {_renamed(str(message), KEYS if is_batch else OPTIONS) if is_ours else message}"


def _renamed(message: str, fields: Mapping[str, str]) -> str:
    """A message without the names that only Python code has; what is one option is said once."""
    message = re.sub(r"\bbase_url\b", "--base-url or XAI_BASE_URL", message)
    renamed = re.sub(r"`(\w+)=?`", lambda found: f"`{fields.get(found[1], found[1])}`", message)
    return re.sub(r"(`[\w-]+`)(?:(?:,| or| and) \1)+", r"\1", renamed)


def _host(error: BaseException) -> str | None:
    """Where a connection failed, as HOST:PORT."""
    if found := host_of(error):
        host, port = found
        return f"{f'[{host}]' if ':' in host else host}:{port}"
    return None


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
            *ways_out(error, session.address),
        ]
    if session.sandbox and session.request_id and not session.is_own and name in ("NotFoundError", "BadRequestError"):
        return [
            "the sandbox of --sandbox begins empty and ends with the command, so it knows no job of another run",
            f"`{PROGRAM} sandbox serve` runs one that stays; give its address with --base-url",
        ]
    if session.sandbox and (session.request_id or session.running) and is_resumable(error):
        return ["the sandbox of --sandbox ended with this command, and the job with it"]
    if name == "NotFoundError" and session.request_id and not session.is_own:
        return [
            *ways_out(error, session.address),
            f"this key has no such job there; `{PROGRAM} jobs` lists those of the ledger",
        ]
    return list(ways_out(error, session.address))
