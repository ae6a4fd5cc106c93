"""What the program prints: results on stdout, all else on stderr; for people, for pipes, or one JSON object a line."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import cached_property
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from rich.console import Console

__all__ = ["Output", "plain", "usd"]

WHOLE = ("Started", "Job")
"""Headings of columns that are not broken into lines: what is in them is copied."""


def plain(text: object) -> str:
    """A text without control characters: what a service sends must not steer the terminal."""
    return "".join(c if c.isprintable() or c in "\n\t" else "\N{REPLACEMENT CHARACTER}" for c in str(text))


def usd(amount: float | None) -> str:
    """Dollars with as many decimals as a cent or a tenth of it needs; a dash for what is not known."""
    if amount is None:
        return "-"
    return f"${amount:.2f}" if round(amount, 4) == round(amount, 2) else f"${amount:.3f}"


class Output:
    """Where a command's words go.

    Args:
        as_json: One JSON object a line on stdout, whose one key says what it is; nothing else is written there.
    """

    def __init__(self, as_json: bool) -> None:
        self.as_json = as_json

    def say(self, text: object, style: str = "") -> None:
        """A line for people, on stderr."""
        from rich.text import Text

        self.errors.print(Text(plain(text), style=style), soft_wrap=True)

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
        with self.errors.status(text) as shown:
            yield shown.update

    def emit(self, kind: str, data: Mapping[str, Any]) -> None:
        """A line of JSON, if that is asked for."""
        if self.as_json:
            print(json.dumps({kind: data}, default=str), flush=True)

    def result(self, kind: str, data: Mapping[str, Any], text: object) -> None:
        """What was asked for: JSON, or a line of text on stdout that another program can take."""
        if self.as_json:
            self.emit(kind, data)
        else:
            print(plain(text), flush=True)

    def table(self, kind: str, rows: Iterable[Mapping[str, Any]], columns: Mapping[str, str]) -> None:
        """Rows of a kind: JSON lines, a table in a terminal, or else lines of tab-separated cells without a heading.

        Args:
            kind: What a row is.
            rows: As JSON has them.
            columns: The keys that people see, in order, and their headings.
        """
        if self.as_json:
            for row in rows:
                self.emit(kind, row)
            return
        cells = [[_cell(row.get(key)) for key in columns] for row in rows]
        if not sys.stdout.isatty():
            for line in cells:
                print("\t".join(" ".join(cell.split()) for cell in line))
        elif cells:
            self._draw(list(columns.values()), cells)

    def _draw(self, headings: Sequence[str], cells: Sequence[Sequence[str]]) -> None:
        from rich import box
        from rich.table import Table
        from rich.text import Text

        table = Table(box=box.SIMPLE_HEAD, pad_edge=False, show_edge=False, padding=0)
        for heading in headings:
            table.add_column(heading, overflow="fold", no_wrap=heading in WHOLE)
        for line in cells:
            table.add_row(*map(Text, line))
        self.results.print(table)

    @cached_property
    def errors(self) -> Console:
        """The console of stderr, which honours NO_COLOR."""
        from rich.console import Console

        return Console(stderr=True, highlight=False, emoji=False)

    @cached_property
    def results(self) -> Console:
        """The console of stdout."""
        from rich.console import Console

        return Console(highlight=False, emoji=False)


def _cell(value: object) -> str:
    if value is None or value == [] or value == "":
        return "-"
    if isinstance(value, list | tuple):
        return ", ".join(map(_cell, value))
    return plain(value)
