"""Manifests: JSON or CSV, read a line at a time, so that memory does not grow with them, and twice: checked, then sent."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, NamedTuple, Self

from . import manifest_csv, manifest_json
from .keys import LOCAL, Columns, Unknown, keys
from .manifest_file import BadFile, opened
from .manifest_json import BadLine
from .options import medium

__all__ = ["SHOWN", "BadLine", "BadManifest", "Line", "Manifest"]

SHOWN = 20
"""Bad lines that are told of."""

JSON = (".json", ".jsonl", ".ndjson")


class Line(NamedTuple):
    """A request of a manifest.

    Attributes:
        number: Of its line, from 1.
        keywords: Of the request.
        output: The name of its file, if it has one.
        extra: What is passed through.
        unknown: Keys that are none.
    """

    number: int
    keywords: dict[str, Any]
    output: str | None = None
    extra: dict[str, Any] = {}  # noqa: RUF012  # never changed
    unknown: tuple[str, ...] = ()


class BadManifest(BadFile):
    """A manifest with bad lines, or keys that are none. Nothing was sent.

    Attributes:
        lines: The first of them.
    """

    def __init__(self, name: str, lines: Sequence[BadLine], bad: int, unknown: Sequence[Unknown] = ()) -> None:
        counted = [f"{bad} bad line{'s' * (bad != 1)}"] if bad else []
        counted += [f"{len(unknown)} unknown key{'s' * (len(unknown) != 1)}"] if unknown else []
        more = f"; the first {len(lines)} are shown" if bad > len(lines) else ""
        summary = f"{' and '.join(counted)}{more}; nothing was sent"
        self.lines = [*(BadLine(each.line, each.message()) for each in unknown), *lines]
        known = [f"the keys are {', '.join(keys())}"] if unknown else []
        super().__init__(
            *(f"{name}:{line.number}: {line.message}" for line in self.lines),
            *(f"{name}: {text}" for text in known),
            f"{name}: {summary}",
        )
        self.message = f"{name}: {summary}{'; ' if known else ''}{''.join(known)}"


class Manifest:
    """A manifest, open from the check to the end of the batch: one that is replaced meanwhile stays what was checked.

    A context manager. What can't be read twice, such as stdin, is kept in a temporary file.

    Args:
        name: A path, or `-` for stdin. It is CSV if it is called .csv or .tsv, or begins with a heading and is not called
            after JSON; else JSON.
        extra: Keys that are passed through; `*` for all that are none.
        encoding: What it is written in, if that is not UTF-8.
        strict: Whether other keys are told of, or left to the service.

    Raises:
        BadFile: It can't be read.
        BadParameter: Of `extra` or `encoding`.
    """

    def __init__(
        self, name: str, *, extra: Iterable[str] = (), encoding: str | None = None, strict: bool = True
    ) -> None:
        self.is_stdin = name == "-"
        self.name = "stdin" if self.is_stdin else name
        self.folder = Path() if self.is_stdin else Path(name).parent
        self._columns = Columns(extra, strict=strict)
        self._file = opened(name, encoding)
        suffix = "" if self.is_stdin else Path(name).suffix.lower()
        first = manifest_csv.heading_line(self._file)
        self.is_csv = suffix in manifest_csv.SUFFIXES or (suffix not in JSON and manifest_csv.is_heading(first))
        self._is_array = first.lstrip()[:1] == "["
        self._heading: int | None = None
        self._state = self._now()

    def _now(self) -> tuple[int, int]:
        found = os.fstat(self._file.fileno())
        return found.st_size, found.st_mtime_ns

    def check_unchanged(self) -> None:
        """Raises BadFile if it was written to since it was opened."""
        if self._now() != self._state:
            raise BadFile(f"{self.name} was changed while it was checked; nothing was sent")

    def lines(self) -> Iterator[Line | BadLine]:
        """The requests, from the first on."""
        self._file.seek(0)
        if self.is_csv:
            found = self._rows()
        else:
            found = manifest_json.array(self._file) if self._is_array else manifest_json.lines(self._file)
        for each in found:
            yield each if isinstance(each, BadLine) else self._line(*each)

    def _rows(self) -> Iterator[tuple[int, Any] | BadLine]:
        """The rows of CSV after the heading."""
        rows = manifest_csv.rows(self._file)
        for first in rows:
            if isinstance(first, BadLine):
                yield first
            else:
                self._heading = first[0]
                break
        yield from rows

    def where(self, line: Line) -> int:
        """The line that names a line's keys: in CSV the heading's."""
        return self._heading or line.number

    def _line(self, number: int, found: object) -> Line | BadLine:
        if isinstance(found, str):
            return Line(number, {"prompt": found})
        if not isinstance(found, dict):
            return BadLine(number, f"is an object or a text; got {type(found).__name__}")
        given = {name: value for name, value in found.items() if value is not None}
        keywords, extra, unknown = self._columns.split(given)
        output = keywords.pop("output", None)
        if output is not None and (problem := _bad_name(output)):
            return BadLine(number, f"`output`: {problem}")
        for key, keyword in LOCAL.items():
            if key not in keywords:
                continue
            if keyword in keywords:
                return BadLine(number, f"`{key}`, `{keyword}`: exclude each other; keep one of the two")
            try:
                keywords[keyword] = self._media(key, keywords.pop(key))
            except ValueError as error:
                return BadLine(number, f"`{key}`: {error}")
        return Line(number, keywords, output, extra, unknown)

    def _media(self, key: str, value: object) -> Any:
        """Files of this machine, from the manifest's folder on; they are read when the job's turn comes."""
        if key == "reference":
            items = value if isinstance(value, list) else [value]
            return [self._media("", item) for item in items]
        if not isinstance(value, str) or not value.strip():
            raise ValueError("is a file or a URL")
        found = medium(value)
        return self.folder / found if isinstance(found, Path) else found

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._file.close()


def _bad_name(name: object) -> str | None:
    """Why a text can't name a file in the folder of the batch; None if it can."""
    if not isinstance(name, str):
        return f"is a text; got {type(name).__name__}"
    if not name.strip() or name in (".", "..") or re.search(r"[/\\:\0]", name) or not name.isprintable():
        return f"is the name of a file in the batch's folder, without a path; got {name[:80]!r}"
    if name.casefold() in ("outcomes.jsonl", "index.html", "posters") or name.casefold().endswith(
        (".part", ".part.json")
    ):
        return f"{name!r} is a name that the program needs itself"
    if len(os.fsencode(name)) > 240:
        return "is too long for a file's name"
    return None
