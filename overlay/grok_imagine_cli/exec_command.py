"""The command of `--exec`: run for a finished video, without a shell, so that no name of a file is ever part of a command."""

from __future__ import annotations

import hashlib
import os
import shlex
import shutil
import subprocess
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import typer

from .texts import plain

__all__ = ["ExecCommand"]

PLACE = "{path}"
LAST = 3
"""Lines of what a failed command wrote that are shown."""
NOT_RUN = 127
"""The exit code of a command that could not be run, as a shell has it."""


class ExecCommand:
    """A command for each finished video.

    It has no stdin, so that it can't read a manifest from there; what it writes is shown only if it fails.

    Args:
        line: Its words, split as a POSIX shell splits them. `{path}` is the video's full path, and never more than one word.

    Raises:
        BadParameter: It can't be run, or takes no path. Found before anything is sent.
    """

    def __init__(self, line: str) -> None:
        self.line = line
        # What is kept in outcomes.jsonl: the line itself may hold a token.
        self.name = hashlib.sha256(line.encode("utf-8", "surrogateescape")).hexdigest()[:16]
        try:
            self._words = shlex.split(line)
        except ValueError as error:
            raise _refusal(f"{line[:80]!r} can't be split into words: {error}") from None
        if not self._words or not any(PLACE in word for word in self._words[1:]):
            raise _refusal(f"{line[:80]!r} has no {PLACE} after the command, where the video's path goes")
        if shutil.which(self._words[0]) is None:
            raise _refusal(f"there is no command {self._words[0][:80]!r}; it runs without a shell")

    @classmethod
    def of(cls, line: str | None) -> ExecCommand | None:
        """The command of an option that may be left out."""
        return None if line is None else cls(line)

    def __call__(self, path: Path, say: Callable[[str], object]) -> int:
        """Runs it for a video, and returns its exit code; says so if that is not 0. The video stays where it is."""
        words = [word.replace(PLACE, os.path.abspath(path)) for word in self._words]  # noqa: PTH100  # keeps `..` of links
        with tempfile.TemporaryFile() as written:
            try:
                done = subprocess.run(words, stdin=subprocess.DEVNULL, stdout=written, stderr=written, check=False)
                code = done.returncode
            except OSError as error:
                code = NOT_RUN
                written.write(f"{error.strerror or error}".encode())
            if code:
                say(f"--exec: {plain(self._words[0], 80)} ended with {code} for {path}, which is kept")
                for text in _end(written):
                    say(f"  {text}")
        return code


def _end(written: Any) -> list[str]:
    """The last lines of what a command wrote, however much that is."""
    size = written.seek(0, os.SEEK_END)
    written.seek(max(0, size - 4096))
    lines = written.read().decode("utf-8", "replace").splitlines()
    return [plain(line, 200) for line in lines if line.strip()][-LAST:]


def _refusal(text: str) -> typer.BadParameter:
    return typer.BadParameter(f"{text}; nothing was sent", param_hint="--exec")
