"""Manifests of JSON: an object or a text a line, or an array, of which no more than an element is held at a time."""

from __future__ import annotations

import codecs
import json
import re
from collections.abc import Iterator
from typing import Any, BinaryIO, NamedTuple

__all__ = ["BadLine", "array", "lines", "loads", "reason"]

PIECE = 1 << 16
"""Bytes that are read at a time, if no element is longer."""

MARGIN = 64
"""Characters from the end of what was read at which a fault may come of the cut."""

SURROGATE = re.compile("[\ud800-\udfff]")
COMMENTS = ("//", "/*", "#")
SPANS = "an object spans lines; `jq -c .` puts each on one, and an array, `[...]`, may span lines"
HALF = "holds half a character: \\ud800 to \\udfff stand in pairs"


class BadLine(NamedTuple):
    """A line that makes no request, and why."""

    number: int
    message: str


def lines(file: BinaryIO) -> Iterator[tuple[int, Any] | BadLine]:
    """The value of each line, with its number. A bad line is told of, and the next is read."""
    for number, raw in enumerate(file, 1):
        text = raw.decode("utf-8-sig" if number == 1 else "utf-8").strip()
        if not text:
            continue
        try:
            found = loads(text)
            yield (number, found) if _is_whole(text, found) else BadLine(number, HALF)
        except (ValueError, RecursionError) as error:
            if isinstance(error, json.JSONDecodeError) and error.pos >= len(text) and text.startswith("{"):
                yield BadLine(number, SPANS)
                return
            yield BadLine(number, f"is no JSON: {reason(error)}; each line is an object or a text in quotation marks")


def array(file: BinaryIO) -> Iterator[tuple[int, Any] | BadLine]:
    """The elements of an array, each with the number of the line where it begins. After a fault of syntax nothing is read."""
    source = _Source(file)
    source.next()
    source.take(1)
    is_first = True
    while (character := source.next()) != "]":
        if not is_first:
            if character != ",":
                yield BadLine(source.line, "is no JSON: a comma or ] is missing after the element before")
                return
            source.take(1)
            if source.next() == "]":
                yield BadLine(source.line, "is no JSON: a comma stands before the end of the array; take it out")
                return
        is_first, number = False, source.line
        try:
            text, found = source.value()
        except _Fault as fault:
            yield BadLine(fault.line, f"is no JSON: {fault.message}; the array can't be read from there on")
            return
        except ValueError as error:  # of one element, whose end is known
            yield BadLine(number, f"is no JSON: {error}")
            continue
        yield (number, found) if _is_whole(text, found) else BadLine(number, HALF)
    source.take(1)
    if source.next():
        yield BadLine(source.line, "goes on after the end of the array; `jq -s add` joins several")


class _Fault(Exception):
    def __init__(self, line: int, message: str) -> None:
        self.line, self.message = line, message


class _Source:
    """The text of a file, of which a piece is held. `line` is the number of the line at its position."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self._decode = codecs.getincrementaldecoder("utf-8-sig")().decode
        self._text, self._at = "", 0
        self.line = 1

    def _more(self) -> bool:
        # As much again, so that a long element is not begun too often.
        raw = self._file.read(max(PIECE, len(self._text) - self._at))
        self._text, self._at = self._text[self._at :] + self._decode(raw, final=not raw), 0
        return bool(raw)

    def take(self, count: int) -> None:
        """Goes on by so many characters."""
        self.line += self._text.count("\n", self._at, self._at + count)
        self._at += count

    def next(self) -> str:
        """Goes to the next character that is no white space, and returns it; nothing at the end."""
        while True:
            space = re.compile(r"[ \t\r\n]*").match(self._text, self._at)
            assert space is not None, "it matches nothing, too"
            self.take(space.end() - self._at)
            if self._at < len(self._text):
                return self._text[self._at]
            if not self._more():
                return ""

    def value(self) -> tuple[str, Any]:
        """Goes to the end of the value that begins here, and returns its text and what it means.

        Raises:
            _Fault: It has no end.
            ValueError: It is refused by itself, such as for a key that stands twice.
        """
        while True:
            begin = self._at
            try:
                _, end = PLAIN.raw_decode(self._text, self._at)
                is_cut = end == len(self._text)  # a number may go on
            except json.JSONDecodeError as error:
                is_cut = error.pos > len(self._text) - MARGIN or error.msg.startswith("Unterminated")
                if not (is_cut and self._more()):
                    line = self.line + error.doc.count("\n", begin, error.pos)
                    raise _Fault(line, _in_line(error)) from None
                continue
            except RecursionError as error:
                raise _Fault(self.line, str(error)) from None
            if is_cut and self._more():
                continue
            text = self._text[self._at : end]
            self.take(end - self._at)
            return text, loads(text)


def _in_line(error: json.JSONDecodeError) -> str:
    character = error.pos - error.doc.rfind(chr(10), 0, error.pos)
    return f"{error.msg} at character {character}{_comment(error)}"


def _comment(error: json.JSONDecodeError) -> str:
    """Says that a fault is a comment, if it is one."""
    return ": it has no comments; take it out" if error.doc.startswith(COMMENTS, error.pos) else ""


def loads(text: str) -> Any:
    """What a text of JSON means. `NaN` is null. Raises ValueError also for a key that stands twice, and for an infinite number."""
    return json.loads(text, object_pairs_hook=_once, parse_constant=_refuse)


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """An object, whose keys stand once: of two values, a reader may mean either."""
    found = dict(pairs)
    if len(found) < len(pairs):
        names = [name for name, _ in pairs]
        raise ValueError(f"`{next(name for name in names if names.count(name) > 1)}` stands twice")
    return found


def _refuse(constant: str) -> object:
    if constant == "NaN":  # which Python writes for a value that is missing
        return None
    raise ValueError(f"{constant} is none")


PLAIN = json.JSONDecoder()
"""Finds the end of a value, whatever is in it."""


def _is_whole(text: str, found: object) -> bool:
    """Whether what a text of JSON means can be sent."""
    return "\\u" not in text or not SURROGATE.search(json.dumps(found, ensure_ascii=False))


def reason(error: Exception) -> str:
    """What is wrong with a text that is no JSON. It has one line, whatever the parser calls that."""
    if not isinstance(error, json.JSONDecodeError):
        return str(error)
    return f"{error.msg} at character {error.colno}{_comment(error)}"
