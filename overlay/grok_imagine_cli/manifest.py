"""Manifests: JSON Lines or CSV, read a line at a time, so that memory does not grow with them, and twice: checked, then sent."""

from __future__ import annotations

import csv
import json
import os
import re
import shutil
import stat
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from types import TracebackType
from typing import Any, BinaryIO, NamedTuple, Self

import typer

from .options import medium

__all__ = ["BadLine", "BadManifest", "Line", "Manifest"]

LOCAL = {
    "image": "image_url",
    "last_frame": "last_frame_url",
    "video": "video_url",
    "reference": "reference_image_urls",
}
"""Keys that take a file of this machine, as the program's options do, and the keywords that they become."""

LISTS = ("reference", "reference_image_urls", "reference_image_file_ids")
OBJECTS = ("keyframes", "reference_audios", "storage_options")
"""Keywords that a cell of CSV holds as JSON."""

SHOWN = 20
"""Bad lines that are told of."""

LONGEST_CELL = 2**25
"""Characters; a picture may stand in a cell as a data: URL."""

SURROGATE = re.compile("[\ud800-\udfff]")
HALF = "holds half a character: \\ud800 to \\udfff stand in pairs"


class Line(NamedTuple):
    """A request of a manifest: the number of its line, from 1, its keywords, and the name of its file, if it has one."""

    number: int
    keywords: dict[str, Any]
    output: str | None = None


class BadLine(NamedTuple):
    """A line that makes no request, and why."""

    number: int
    message: str


class BadManifest(typer.BadParameter):
    """A manifest with bad lines. Nothing was sent.

    Attributes:
        lines: The first of them.
    """

    def __init__(self, name: str, lines: list[BadLine], bad: int) -> None:
        more = f"; the first {len(lines)} are shown" if bad > len(lines) else ""
        summary = f"{bad} bad line{'s' * (bad != 1)}{more}; nothing was sent"
        self.lines = lines
        self.told = [*(f"{name}:{line.number}: {line.message}" for line in lines), f"{name}: {summary}"]
        super().__init__(f"{name}: {summary}", param_hint="MANIFEST")


class Manifest:
    """A manifest, open from the check to the end of the batch: one that is replaced meanwhile stays what was checked.

    A context manager. What can't be read twice, such as stdin, is kept in a temporary file.

    Args:
        name: A path, or `-` for stdin. It is CSV if it is called .csv, else JSON Lines.

    Raises:
        BadParameter: It can't be read.
    """

    def __init__(self, name: str) -> None:
        self.is_stdin = name == "-"
        self.name = "stdin" if self.is_stdin else name
        self.folder = Path() if self.is_stdin else Path(name).parent
        self._is_csv = not self.is_stdin and Path(name).suffix.lower() == ".csv"
        try:
            self._file = self._opened(name)
        except OSError as error:
            raise typer.BadParameter(f"{name}: {error.strerror or error}", param_hint="MANIFEST") from None
        self._state = self._now()

    def _opened(self, name: str) -> BinaryIO:
        source: BinaryIO = sys.stdin.buffer if self.is_stdin else Path(name).open("rb")  # noqa: SIM115  # closed with the manifest
        if stat.S_ISREG(os.fstat(source.fileno()).st_mode) and not self.is_stdin:
            return source
        spool: BinaryIO = tempfile.TemporaryFile()  # noqa: SIM115  # the same
        shutil.copyfileobj(source, spool)
        spool.flush()
        if not self.is_stdin:
            source.close()
        return spool

    def _now(self) -> tuple[int, int]:
        found = os.fstat(self._file.fileno())
        return found.st_size, found.st_mtime_ns

    def check_unchanged(self) -> None:
        """Raises BadParameter if it was written to since it was opened."""
        if self._now() != self._state:
            text = f"{self.name} was changed while it was checked; nothing was sent"
            raise typer.BadParameter(text, param_hint="MANIFEST")

    def lines(self) -> Iterator[Line | BadLine]:
        """The requests, from the first on."""
        self._file.seek(0)
        return self._csv() if self._is_csv else self._json()

    def _json(self) -> Iterator[Line | BadLine]:
        for number, raw in enumerate(self._file, 1):
            try:
                text = raw.decode("utf-8-sig" if number == 1 else "utf-8").strip()
                if text:
                    found = json.loads(text, object_pairs_hook=_once, parse_constant=_refuse)
                    yield self._line(number, found) if _is_whole(text, found) else BadLine(number, HALF)
            except UnicodeDecodeError:
                yield BadLine(number, "is no UTF-8 text")
            except (ValueError, RecursionError) as error:
                yield BadLine(number, f"is no JSON: {_reason(error)}; each line is an object or a text")

    def _csv(self) -> Iterator[Line | BadLine]:
        csv.field_size_limit(LONGEST_CELL)
        # A bad byte must not end the reader, so it is let in, and found in its cell.
        texts = (raw.decode("utf-8", "surrogateescape") for raw in self._file)
        rows = csv.reader(texts, strict=True)
        heading: list[str] | None = None
        number = 1
        while True:
            begin, number = number, number
            try:
                cells = next(rows)
                number = rows.line_num + 1
                if heading is None:
                    heading = [cell.strip() for cell in cells]
                    heading[:1] = [name.removeprefix("\ufeff") for name in heading[:1]]
                    if problem := _bad_heading(heading):
                        yield BadLine(begin, problem)
                        return
                elif any(map(str.strip, cells)):
                    yield self._row(begin, heading, cells)
            except StopIteration:
                return
            except csv.Error as error:
                number = rows.line_num + 1
                yield BadLine(begin, f"is no CSV: {error}")

    def _row(self, number: int, heading: list[str], cells: list[str]) -> Line | BadLine:
        if any(map(SURROGATE.search, cells)):
            return BadLine(number, "is no UTF-8 text")
        if len(cells) > len(heading):
            return BadLine(number, f"has {len(cells)} cells, and the heading {len(heading)}")
        try:
            given = {name: _value(name, cell) for name, cell in zip(heading, cells, strict=False) if cell.strip()}
        except ValueError as error:
            return BadLine(number, str(error))
        return self._line(number, given)

    def _line(self, number: int, found: object) -> Line | BadLine:
        if isinstance(found, str):
            return Line(number, {"prompt": found})
        if not isinstance(found, dict):
            return BadLine(number, f"is an object or a text; got {type(found).__name__}")
        keywords = {name: value for name, value in found.items() if value is not None}
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
        return Line(number, keywords, output)

    def _media(self, key: str, value: object) -> Any:
        """Files of this machine, from the manifest's folder on; they are read when the job's turn comes."""
        if key in LISTS:
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


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """An object, whose keys stand once: of two values, a reader may mean either."""
    found = dict(pairs)
    if len(found) < len(pairs):
        names = [name for name, _ in pairs]
        raise ValueError(f"`{next(name for name in names if names.count(name) > 1)}` stands twice")
    return found


def _is_whole(text: str, found: object) -> bool:
    """Whether what a line of JSON means is text that can be sent."""
    return "\\u" not in text or not SURROGATE.search(json.dumps(found, ensure_ascii=False))


def _refuse(constant: str) -> object:
    raise ValueError(f"{constant} is none")


def _reason(error: Exception) -> str:
    """What is wrong with a text that is no JSON. It has one line, whatever the parser calls that."""
    return f"{error.msg} at character {error.colno}" if isinstance(error, json.JSONDecodeError) else str(error)


def _bad_heading(names: list[str]) -> str | None:
    if "" in names:
        return "the heading has a column without a name"
    if twice := [name for name in names if names.count(name) > 1]:
        return f"the heading has `{twice[0]}` twice"
    return None


def _value(name: str, cell: str) -> Any:
    """What a cell means by its column: a number, true or false, a list, JSON; else its text."""
    text = cell.strip()
    if name == "duration":
        return int(text) if re.fullmatch(r"[+-]?[0-9]{1,9}", text) else text
    if name == "generate_audio":
        if text.lower() not in ("true", "false"):
            raise ValueError(f"`{name}`: is true or false; got {text[:40]!r}")
        return text.lower() == "true"
    if name in OBJECTS or (name in LISTS and text.startswith("[")):
        try:
            return json.loads(text, object_pairs_hook=_once, parse_constant=_refuse)
        except (ValueError, RecursionError) as error:
            raise ValueError(f"`{name}`: is no JSON: {_reason(error)}") from None
    if name in LISTS:
        # A data: URL has a semicolon of its own.
        return [item.strip() for item in re.split(r";(?!base64,)", text) if item.strip()]
    return cell if name == "prompt" else text


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
