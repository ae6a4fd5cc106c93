"""Manifests of CSV, as spreadsheets and libraries write it: with commas, semicolons or tabs, and numbers such as 3.0."""

from __future__ import annotations

import csv
import json
import re
from collections.abc import Iterator
from typing import Any, BinaryIO

from .keys import NAMELESS, keys, nearest
from .manifest_json import BadLine, loads, reason

__all__ = ["SUFFIXES", "delimiter_of", "heading_line", "is_heading", "rows"]

SUFFIXES = (".csv", ".tsv", ".tab")
DELIMITERS = ",;\t|"

LISTS = ("reference", "reference_image_urls", "reference_image_file_ids")
OBJECTS = ("keyframes", "reference_audios", "storage_options")
"""Keywords that a cell holds as JSON."""

MISSING = ("nan", "NaN", "<NA>", "NaT", "None", "null", "NULL", "N/A", "#N/A")
"""What tables write in a cell without a value."""

FAULTS = {
    "unexpected end of data": "a quotation mark that opens a cell of this row is never closed",
    "expected after": "after a closing quotation mark the cell goes on; one within a cell is written twice",
}
"""What the reader's words mean for a table."""

LONGEST_CELL = 2**25
"""Characters; a picture may stand in a cell as a data: URL."""

SEP = re.compile(r'"?sep=(.)"?\s*$', re.IGNORECASE)
"""The line by which Excel is told the delimiter of the others."""


def heading_line(file: BinaryIO) -> str:
    """The first line that is not empty, without what stands before its text."""
    file.seek(0)
    while raw := file.readline(LONGEST_CELL):
        text = raw.decode("utf-8-sig", "replace").strip("\ufeff\r\n")
        if text.strip():
            return text
    return ""


def is_heading(line: str) -> bool:
    """Whether a line that is no JSON names keys, as the heading of CSV does."""
    try:
        json.loads(line)
    except ValueError:
        return bool(SEP.match(line)) or any(_score(line, delimiter)[0] for delimiter in DELIMITERS)
    return False


def delimiter_of(line: str) -> str:
    """The delimiter by which a heading has the most keys; the comma, if none has more."""
    return max(DELIMITERS, key=lambda delimiter: _score(line, delimiter))


def _score(line: str, delimiter: str) -> tuple[int, int]:
    cells = next(csv.reader([line], delimiter=delimiter, skipinitialspace=True), [])
    return sum(cell.strip() in keys() for cell in cells), len(cells)


def rows(file: BinaryIO) -> Iterator[tuple[int, dict[str, Any]] | BadLine]:
    """The cells of each row by the names of the heading, with its line's number; those that are empty are left out.

    The first is the heading's line, with its names and no value.
    """
    csv.field_size_limit(LONGEST_CELL)
    first = heading_line(file)
    told = SEP.match(first)
    file.seek(0)
    # A mark before the first cell would keep its quotation marks from being any.
    texts = (raw.decode("utf-8" if number else "utf-8-sig") for number, raw in enumerate(file))
    delimiter = told[1] if told else delimiter_of(first)
    reader = csv.reader(texts, delimiter=delimiter, strict=True, skipinitialspace=True)
    heading: list[str] | None = None
    number = 1
    while True:
        begin, number = number, number
        try:
            cells = next(reader)
            number = reader.line_num + 1
            if not any(map(str.strip, cells)):
                continue
            if heading is None:
                if told:
                    told = None
                    continue
                heading = [cell.strip() for cell in cells]
                if problem := _bad_heading(heading):
                    yield BadLine(begin, problem)
                    return
                yield begin, dict.fromkeys(heading)
            else:
                yield _row(begin, heading, cells, delimiter)
        except StopIteration:
            return
        except csv.Error as error:
            number = reader.line_num + 1
            means = next((text for words, text in FAULTS.items() if words in str(error)), str(error))
            yield BadLine(begin, f"is no CSV: {means}")


def _bad_heading(names: list[str]) -> str | None:
    if twice := [name for name in names if name and names.count(name) > 1]:
        return f"the heading has `{twice[0]}` twice"
    if not set(names) & set(keys()):
        meant = [f"`{near}` meant by `{name[:80]}`" for name in names[:20] if (near := nearest(name))]
        if names[0][:1] in ("{", "["):
            way = "; it looks like JSON: call it .jsonl"
        else:
            way = f"; is {', '.join(meant)}?" if meant else "; the first row names the columns"
        return f"the heading has none of the keys, {', '.join(keys())}{way}"
    return None


def _row(number: int, heading: list[str], cells: list[str], delimiter: str) -> tuple[int, dict[str, Any]] | BadLine:
    while len(cells) > len(heading) and not cells[-1].strip():
        cells.pop()  # spreadsheets fill rows up
    if len(cells) > len(heading):
        quotes = f"; a cell that holds {delimiter!r} stands in quotation marks"
        return BadLine(number, f"has {len(cells)} cells, and the heading {len(heading)}{quotes}")
    given: dict[str, Any] = {}
    for column, (name, cell) in enumerate(zip(heading, cells, strict=False), 1):
        if not cell.strip():
            continue
        name = name or NAMELESS.format(column)
        if cell.strip() in MISSING and name in keys():
            continue
        try:
            given[name] = _value(name, cell)
        except ValueError as error:
            return BadLine(number, str(error))
    return number, given


def _value(name: str, cell: str) -> Any:
    """What a cell means by its column: a number, true or false, a list, JSON; else its text."""
    text = cell.strip()
    if name == "duration":
        # pandas writes whole numbers so, where one of the column is missing; and a comma is a point in half the world.
        whole = re.fullmatch(r"([+-]?[0-9]{1,9})(?:[.,]0*)?", text)
        return int(whole[1]) if whole else text
    if name == "generate_audio":
        if text.lower() not in ("true", "false"):
            raise ValueError(f"`{name}`: is true or false; got {text[:40]!r}")
        return text.lower() == "true"
    if name in OBJECTS or (name in LISTS and text.startswith("[")):
        try:
            return loads(text)
        except (ValueError, RecursionError) as error:
            raise ValueError(f"`{name}`: is no JSON: {reason(error)}") from None
    if name in LISTS:
        # A data: URL has a semicolon of its own.
        return [item.strip() for item in re.split(r";(?!base64,)", text) if item.strip()]
    return text if name in keys() and name != "prompt" else cell
