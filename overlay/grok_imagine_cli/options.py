"""The options that several commands share, and what is read of them: prompts, media, dates."""

from __future__ import annotations

import math
import re
import sys
from datetime import datetime
from pathlib import Path
from typing import Annotated, Any, get_args

import typer

__all__ = ["examples", "medium", "missing", "pinned", "since", "text"]

FORMAT, WAITING, RESULT, PAYING = "The video", "Waiting", "The result", "What it may cost"
READING = "The manifest"


def examples(*lines: str) -> str:
    """The end of a command's help. Each line is run by the tests, with `--sandbox`."""
    return "\n".join(["[bold]Examples[/bold]", *lines])


def _known(field: str) -> Any:
    """A completion of the values that the contract knows for a field."""

    def complete(incomplete: str) -> list[str]:
        from grok_imagine_api import contract

        if field == "model":
            values = list(contract.MODELS)
        else:
            limits = [mode.limits[field] for mode in contract.MODES.values() if field in mode.limits]
            values = list(dict.fromkeys(value for limit in limits for value in limit.values))
        return [value for value in values if value.startswith(incomplete)]

    return complete


def _voices(incomplete: str) -> list[str]:
    from grok_imagine_api import contract

    return [voice for voice in contract.VOICES.presets if voice.startswith(incomplete)]


def _states(incomplete: str) -> list[str]:
    from grok_imagine import State

    return [state for state in get_args(State) if state.startswith(incomplete)]


Prompt = Annotated[
    str | None,
    typer.Argument(
        metavar="PROMPT", help="What the video shows. `-` reads it from stdin, `@FILE` from a file.", show_default=False
    ),
]
Image = Annotated[
    str | None, typer.Option(metavar="FILE|URL", help="First frame: JPEG, PNG or WebP.", rich_help_panel=FORMAT)
]
LastFrame = Annotated[
    str | None, typer.Option(metavar="FILE|URL", help="Last frame, if the model has it.", rich_help_panel=FORMAT)
]
Reference = Annotated[
    list[str] | None,
    typer.Option(
        metavar="FILE|URL",
        help="Reference image, <IMAGE_1> and so on in the prompt. Give it once for each.",
        rich_help_panel=FORMAT,
    ),
]
Keyframe = Annotated[
    list[str] | None,
    typer.Option(
        metavar="SECONDS=FILE|URL",
        help="Frame to pass through at a time, if the model has it. Give it once for each.",
        rich_help_panel=FORMAT,
    ),
]
Voice = Annotated[
    list[str] | None,
    typer.Option(
        metavar="NAME",
        help="Voice to follow, if the model has it. Give it once for each.",
        rich_help_panel=FORMAT,
        autocompletion=lambda incomplete: _voices(incomplete),
    ),
]
Video = Annotated[str, typer.Option(metavar="FILE|URL", help="The video to begin with: an MP4.", show_default=False)]
Duration = Annotated[int | None, typer.Option(metavar="SECONDS", help="Length in seconds.", rich_help_panel=FORMAT)]
AspectRatio = Annotated[
    str | None,
    typer.Option(metavar="W:H", help="Such as 16:9.", rich_help_panel=FORMAT, autocompletion=_known("aspect_ratio")),
]
Resolution = Annotated[
    str | None,
    typer.Option(metavar="LINES", help="Such as 720p.", rich_help_panel=FORMAT, autocompletion=_known("resolution")),
]
Audio = Annotated[
    bool | None, typer.Option("--audio/--no-audio", help="With or without sound.", rich_help_panel=FORMAT)
]
Model = Annotated[
    str | None,
    typer.Option(
        metavar="NAME", help="See `grok-imagine models`.", rich_help_panel=FORMAT, autocompletion=_known("model")
    ),
]
Strict = Annotated[
    bool,
    typer.Option(
        "--strict/--no-strict",
        help="Hold the request to the contract before it is sent. The service may have moved on.",
        rich_help_panel=FORMAT,
    ),
]
Wait = Annotated[
    bool, typer.Option("--wait/--no-wait", help="Wait for the video, or print the job's id.", rich_help_panel=WAITING)
]
Timeout = Annotated[
    float | None,
    typer.Option(
        metavar="SECONDS",
        help="How long to wait; 0 polls once. The job goes on. \\[default: 600]",
        rich_help_panel=WAITING,
    ),
]
Interval = Annotated[
    float | None,
    typer.Option(
        metavar="SECONDS", help="From poll to poll. \\[default: when the job is likely done]", rich_help_panel=WAITING
    ),
]
Key = Annotated[
    str | None,
    typer.Option(
        metavar="TEXT",
        help="Your own name for the job. The same again gives the same job, and is not paid twice.",
        rich_help_panel=PAYING,
    ),
]
Saved = Annotated[
    Path | None,
    typer.Option("--output", "-o", metavar="FILE|DIR", help="Save the video here.", rich_help_panel=RESULT),
]
Overwrite = Annotated[bool, typer.Option("--overwrite", help="Replace a file.", rich_help_panel=RESULT)]
Open = Annotated[bool, typer.Option("--open", help="Open the video with the system's player.", rich_help_panel=RESULT)]
Preview = Annotated[bool, typer.Option("--preview", help="Show a still of it in the terminal.", rich_help_panel=RESULT)]
Sheet = Annotated[
    Path | None,
    typer.Option(
        "--contact-sheet", metavar="PNG", help="Write frames over time as one picture.", rich_help_panel=RESULT
    ),
]
Exec = Annotated[
    str | None,
    typer.Option(
        "--exec",
        metavar="CMD",
        help="Run this for the finished video, without a shell; `{path}` in it is the file.",
        rich_help_panel=RESULT,
    ),
]
RequestId = Annotated[str, typer.Argument(metavar="ID", help="The job's id.", show_default=False)]
Since = Annotated[
    str | None,
    typer.Option("--since", metavar="DATE", help='Only those since then, such as "2 Nov" or 2026-11-02T15:00.'),
]
State = Annotated[
    list[str] | None,
    typer.Option(
        "--state",
        metavar="STATE",
        help="Only those in this state, such as running or unknown. Give it once for each.",
        autocompletion=_states,
    ),
]
Watch = Annotated[
    bool, typer.Option("--watch", help="Go on listing what changes in the ledger, until Ctrl-C. It polls no job.")
]


def text(prompt: str | None) -> str | None:
    """The prompt itself, read from where it is.

    Raises:
        BadParameter: The file or stdin can't be read as UTF-8.
    """
    if prompt is None or not (prompt == "-" or prompt.startswith("@")):
        return prompt
    try:
        if prompt == "-":
            return sys.stdin.buffer.read().decode().strip()
        return Path(prompt[1:]).read_text(encoding="utf-8").strip()
    except UnicodeDecodeError:
        name = "stdin" if prompt == "-" else prompt[1:]
        raise typer.BadParameter(f"{name} holds no UTF-8 text", param_hint="PROMPT") from None
    except OSError as error:
        instead = "a prompt that begins with @ goes through stdin: -"
        raise typer.BadParameter(f"{prompt[1:]}: {error.strerror}; {instead}", param_hint="PROMPT") from None


def medium(value: str | None, option: str | None = None) -> str | Path | None:
    """A URL as it is, and anything else as the path of a file, which the client reads.

    Raises:
        BadParameter: An option names a file that is not there.
    """
    if value is None or "://" in value[:16] or value[:5].lower() == "data:":
        return value
    path = Path(value)
    if option and (problem := missing(path, value)):
        raise typer.BadParameter(problem, param_hint=option)
    return path


def missing(path: Path, value: str) -> str | None:
    """Says that no file is there; None if there is one, or something that its reader has words for."""
    try:
        is_there = path.exists()
    except (OSError, ValueError):  # a folder that may not be looked into, a name with a null byte
        return None
    if is_there:
        return None
    if "\\" in value and Path(value.replace("\\", "/")).exists():
        return f"{value}: no such file; {value.replace(chr(92), '/')} is there: folders are separated by / here"
    is_host = re.match(r"[\w-]+(\.[\w-]+)+/", value) and not path.parent.exists()
    return f"{value}: no such file{'; a URL begins with https://' if is_host else ''}"


def pinned(value: str) -> dict[str, Any]:
    """A keyframe as the client has it, of `SECONDS=FILE|URL`.

    Raises:
        BadParameter: It has another form.
    """
    seconds, equals, where = value.partition("=")
    try:
        at = float(seconds)
    except ValueError:
        at = math.nan
    if not (equals and where) or not math.isfinite(at):
        raise typer.BadParameter(
            f"{value[:40]!r} is none; write it like 2.5=winter.jpg", param_hint="--keyframe"
        ) from None
    return {"image_url": medium(where, "--keyframe"), "timestamp": at}


def since(date: str | None) -> float:
    """Unix time of a date as people write it: of the past, and by this machine's clock if it names no zone.

    Raises:
        BadParameter: No date.
    """
    if date is None:
        return 0.0
    from dateutil.parser import ParserError, parse
    from dateutil.relativedelta import relativedelta

    now = datetime.now()
    try:
        found = parse(date, default=now.replace(hour=0, minute=0, second=0, microsecond=0))
    except (ParserError, OverflowError) as error:
        raise typer.BadParameter(f'{error}; write it like "2 Nov" or 2026-11-02', param_hint="--since") from None
    if found.tzinfo is None and found > now and str(found.year) not in date:
        found -= relativedelta(days=1) if found.date() == now.date() else relativedelta(years=1)
    return found.timestamp()
