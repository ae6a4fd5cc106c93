"""What is done with a finished video: saved, shown, opened. What can be checked of that is checked before a job is paid for."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import typer

from .codes import NUMBERS
from .exec_command import ExecCommand
from .output import Output
from .session import Session
from .targets import check_picture, check_video
from .view import View, job_of, view_of

if TYPE_CHECKING:
    from grok_imagine import Client, Video

__all__ = ["After", "follow"]

DOWNLOAD_SECONDS = 600.0
"""Real seconds for a whole download."""


class After(NamedTuple):
    """What the options say of waiting and of the finished video."""

    output: Path | None = None
    overwrite: bool = False
    open: bool = False
    preview: bool = False
    contact_sheet: Path | None = None
    timeout: float | None = None
    interval: float | None = None
    exec_line: str | None = None

    @property
    def needs_file(self) -> bool:
        """Whether the video has to be on disk."""
        return bool(self.output or self.open or self.preview or self.contact_sheet or self.exec_line)

    def arguments(self) -> list[str]:
        """The options again, for the command that resumes. Paths are absolute: it may be given in another folder."""
        paths = {"-o": self.output, "--contact-sheet": self.contact_sheet}
        numbers = {"--timeout": self.timeout, "--interval": self.interval}
        flags = {"--overwrite": self.overwrite, "--open": self.open, "--preview": self.preview}
        words = ["--exec", self.exec_line] if self.exec_line is not None else []
        return [
            *words,
            *(part for name, path in paths.items() if path is not None for part in (name, str(path.absolute()))),
            *(part for name, number in numbers.items() if number is not None for part in (name, f"{number:g}")),
            *(name for name, is_set in flags.items() if is_set),
        ]

    def check(self) -> None:
        """Refuses what could not be done once the video is there and paid for.

        Raises:
            BadParameter: The video or the sheet can't be written where it is to go, or the command can't be run.
            ConfigurationError: A library is missing.
        """
        ExecCommand.of(self.exec_line)
        if self.preview or self.contact_sheet:
            from . import pictures

            pictures.check()
        if self.needs_file:
            check_video(self.output or Path(), self.overwrite, "-o")
        if sheet := self.contact_sheet:
            check_picture(sheet, self.overwrite, "--contact-sheet")
            if self.output and sheet.resolve() == self.output.resolve():
                raise typer.BadParameter(
                    f"{sheet} is where the video goes; nothing was sent", param_hint="--contact-sheet"
                )


def follow(
    session: Session, client: Client, run: Callable[[View], Video], after: After, estimate: float | None = None
) -> None:
    """Has a job made or waited for, shows how far it is, and does with its video what the options say.

    Args:
        session: The run.
        client: Its client.
        run: Gives the video once it is there; the view is for its progress.
        after: The options.
        estimate: What it will cost at most in USD, if known.

    Raises:
        VideoModeratedError: The video was made, and withheld.
        Exit: The command of `--exec` failed; all else is done.
    """
    session.after = after.arguments()
    with view_of(session, estimate) as view:
        video = run(view)
        session.request_id = video.request_id
        if video.outcome == "moderated":
            raise video.failure()
        if video.outcome == "done":
            view.ended(video)
        path = _save(session, client, video, after, view) if after.needs_file else None
    session.request_id = None  # all that is left to do is on this machine
    _show(session.output, video, path, after)


def _save(session: Session, client: Client, video: Video, after: After, view: View) -> Path:
    return client.video.download(
        video,
        after.output or Path(),
        overwrite=after.overwrite,
        on_progress=lambda size, total: view.fetched(video.request_id, size, total),
        # A sandbox makes the file when it is asked for it, and that takes real time.
        timeout=min(DOWNLOAD_SECONDS * session.speed, 1e7),
    )


def _show(output: Output, video: Video, path: Path | None, after: After) -> None:
    if path is None:
        output.result("job", job_of(video), video.url or video.public_url or video.request_id)
    else:
        output.emit("job", job_of(video, url=False))
        output.result("file", {"request_id": video.request_id, "path": str(path), "bytes": path.stat().st_size}, path)
        code = _exec(output, path, after)
        _picture(output, path, after)
        if after.open:
            typer.launch(str(path))
        if code:
            raise typer.Exit(NUMBERS["error"])


def _exec(output: Output, path: Path, after: After) -> int:
    command = ExecCommand.of(after.exec_line)
    if command is None:
        return 0
    code = command(path, lambda text: None if output.as_json else output.say(text))
    output.emit("exec", {"path": str(path), "exit_code": code})
    return code


def _picture(output: Output, path: Path, after: After) -> None:
    from . import pictures

    if after.contact_sheet:
        pictures.sheet(path, after.contact_sheet)
        output.result("picture", {"path": str(after.contact_sheet)}, after.contact_sheet)
    if after.preview and not output.as_json:
        if output.results.is_terminal:
            pictures.preview(path)
        else:
            output.say("no preview: stdout is no terminal")
