"""What the program prints: results on stdout, all else on stderr; for people, for pipes, or one JSON object a line."""

from __future__ import annotations

import json
import os
import sys
import traceback
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import cached_property
from types import TracebackType
from typing import TYPE_CHECKING, Any

from .texts import LONGEST, plain

if TYPE_CHECKING:
    from rich.console import Console, RenderableType

__all__ = ["Output"]

WHOLE = ("Started", "Job")
"""Headings of columns that are not broken into lines: what is in them is copied."""


class Output:
    """Where a command's words go.

    Args:
        as_json: One JSON object a line on stdout, whose one key says what it is; nothing else is written there.

    Attributes:
        is_lost: Whether stdout can't be written to any more, so that errors go to stderr, those of JSON too.
    """

    def __init__(self, as_json: bool) -> None:
        self.as_json = as_json
        self.is_lost = False

    def say(self, text: object, style: str = "", *, whole: bool = False) -> None:
        """A line for people, on stderr. What is to be copied is shown whole."""
        from rich.text import Text

        self.errors.print(Text(plain(text, None if whole else LONGEST), style=style), soft_wrap=True)

    @property
    def draws(self) -> bool:
        """Whether stderr is a terminal that can be drawn on."""
        return self.errors.is_terminal and not self.errors.is_dumb_terminal and not self.as_json

    @contextmanager
    def status(self, text: str) -> Iterator[Callable[[str], object]]:
        """Shows in a terminal what is being done; what it gives changes the text."""
        if not self.draws:
            yield lambda text: None
            return
        from rich.text import Text

        with self.errors.status(Text(plain(text))) as shown:
            yield lambda text: shown.update(Text(plain(text)))

    def emit(self, kind: str, data: Mapping[str, Any]) -> None:
        """A line of JSON, if that is asked for."""
        if self.as_json:
            # JSON escapes all that is not ASCII, but for one.
            self._print(json.dumps({kind: data}, default=str).replace("\x7f", "\\u007f"))

    def result(self, kind: str, data: Mapping[str, Any], *lines: object) -> None:
        """What was asked for: JSON, or lines of text on stdout that another program can take."""
        if self.as_json:
            self.emit(kind, data)
        else:
            self.write(*lines)

    def write(self, *lines: object) -> None:
        """Lines on stdout, whole: a program may read them."""
        for line in lines:
            self._print(plain(line, None))

    def _print(self, line: str) -> None:
        """A line on stdout, which is named if it can't be written."""
        try:
            print(line, flush=True)
        except OSError as error:  # of a pipe, it becomes a BrokenPipeError again
            self.is_lost = True
            # What its buffer holds would be written at exit once more, which then has a code of Python's own.
            null = os.open(os.devnull, os.O_WRONLY)
            os.dup2(null, sys.stdout.fileno())
            os.close(null)
            raise OSError(error.errno, error.strerror, "stdout") from error

    def table(
        self, kind: str, rows: Iterable[Mapping[str, Any]], columns: Mapping[str, str], least: Sequence[str] = ()
    ) -> None:
        """Rows of a kind: JSON lines, a table in a terminal, or else lines of tab-separated cells without a heading.

        Args:
            kind: What a row is.
            rows: As JSON has them.
            columns: The keys that people see, in order, and their headings.
            least: The keys that a narrow terminal does without, the first of them first.
        """
        if self.as_json:
            for row in rows:
                self.emit(kind, row)
            return
        found = list(rows)
        if not self.is_drawn:
            for row in found:
                self._print("\t".join(" ".join(_cell(row.get(key), None).split()) for key in columns))
        elif found:
            self.results.print(self.drawn(found, columns, least))

    @property
    def is_drawn(self) -> bool:
        """Whether stdout is a terminal."""
        return sys.stdout.isatty()

    def drawn(
        self, rows: Iterable[Mapping[str, Any]], columns: Mapping[str, str], least: Sequence[str] = ()
    ) -> RenderableType:
        """A table as a terminal shows it; see `table`."""
        from rich import box
        from rich.table import Table
        from rich.text import Text

        cells = {key: [_cell(row.get(key), LONGEST) for row in rows] for key in columns}
        widths = {key: _width(columns[key], cells[key]) for key in columns}
        for key in least:
            if sum(widths.values()) + len(widths) <= self.results.width:
                break
            widths.pop(key, None)
        fits = sum(widths.values()) + len(widths) <= self.results.width
        table = Table(box=box.SIMPLE_HEAD, pad_edge=False, show_edge=False, padding=0)
        for key, width in widths.items():
            is_whole = columns[key] in WHOLE and (fits or not least)
            # Where columns are left out, those that stay are seen whole, and an id is broken into lines.
            narrowest = width if least and columns[key] not in WHOLE else None
            table.add_column(columns[key], overflow="fold", no_wrap=is_whole, min_width=narrowest)
        for line in zip(*(cells[key] for key in widths), strict=True):
            table.add_row(*map(Text, line))
        return table

    @cached_property
    def errors(self) -> Console:
        """The console of stderr, which honours NO_COLOR."""
        from .console import HarmlessConsole

        return HarmlessConsole(stderr=True)

    @cached_property
    def results(self) -> Console:
        """The console of stdout."""
        from .console import HarmlessConsole

        return HarmlessConsole()


def _width(heading: str, cells: Sequence[str]) -> int:
    """Characters without which a column is not worth its place: an id's whole, of anything else a few words."""
    return max(len(heading), min(max(map(len, cells), default=0), 40 if heading in WHOLE else 16))


def _cell(value: object, most: int | None) -> str:
    if value is None or value == [] or value == "":
        return "-"
    if isinstance(value, list | tuple):
        return ", ".join(_cell(item, most) for item in value)
    return plain(value, most)


def set_up_streams() -> None:
    """Has what an encoding lacks be escaped instead of end the program, and what a defect says be harmless, too.

    A stream that was closed, as by `>&-`, gets nothing; the file that takes its place keeps any other from its number.
    """
    for name in ("stdin", "stdout", "stderr"):
        if getattr(sys, name) is None:
            null = os.open(os.devnull, os.O_RDWR)  # for the process's life
            setattr(sys, name, os.fdopen(null, "r" if name == "stdin" else "w", closefd=False))
    for stream in (sys.stdout, sys.stderr):
        if reconfigure := getattr(stream, "reconfigure", None):
            reconfigure(errors="backslashreplace")
    sys.excepthook = _tell_defect


def _tell_defect(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
    for lines in traceback.format_exception(kind, error, trace):
        for line in lines.splitlines():
            print(plain(line, LONGEST), file=sys.stderr)
