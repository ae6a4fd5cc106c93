"""Bounds of a JSON text, checked before parsing: each byte of `{},` takes a hundred bytes when parsed.

No check loops over single bytes in Python, and strings, which carry media, cost almost nothing.
"""

import re
from collections.abc import Iterator
from itertools import islice
from typing import Any, NoReturn

MAX_VALUES = 20_000
MAX_DEPTH = 128  # as serde_json
_MAX_DIGITS = 400  # a longer number is infinite, or malicious
_I64_DIGITS = 19

_BRACKET = re.compile(rb"[\[\]{}]")
_HALF_PAIR = re.compile(rb"\\u[dD][89a-fA-F]")


class TooManyValues(ValueError):
    """A JSON text has more values than any real request."""


def check(raw: bytes | bytearray) -> None:
    """Check a text, which may be invalid: the counts hold up to its first fault.

    Raises:
        ValueError: It is nested too deeply; the message is serde's.
        TooManyValues: It has more than `MAX_VALUES`.
    """
    # Valid JSON has backslashes in strings only; without escapes, each quote begins or ends a string.
    text = raw.replace(b"\\\\", b"").replace(b'\\"', b"") if b"\\" in raw else raw
    if text.count(b'"') > 4 * MAX_VALUES:  # a name and a text for each value
        raise TooManyValues
    outside = b"".join(text.split(b'"')[::2])
    depth = 0
    for bracket in islice(_BRACKET.finditer(outside), 4 * MAX_VALUES):
        depth += 1 if bracket[0] in b"[{" else -1
        if depth > MAX_DEPTH:
            raise ValueError("recursion limit exceeded")
    if sum(outside.count(sign) for sign in (b",", b"[", b"{")) > MAX_VALUES:
        raise TooManyValues


def no_constant(name: str) -> NoReturn:
    """Refuse `NaN` and the infinities, which are not JSON."""
    raise ValueError(f"expected value: {name}")


def whole(text: str) -> int | float:
    """Read an integer as serde_json does: one that is too long becomes a float."""
    return int(text) if len(text) <= _I64_DIGITS else fraction(text)


def fraction(text: str) -> float:
    """Read a number with a point or an exponent.

    Raises:
        ValueError: It is infinite.
    """
    number = float(text) if len(text) <= _MAX_DIGITS else float("inf")
    if number in (float("inf"), float("-inf")):
        raise ValueError("number out of range")
    return number


def check_texts(raw: bytes | bytearray, value: Any) -> None:
    """Check that no string of a parsed value has half a surrogate pair.

    Raises:
        UnicodeError: A string has one.
    """
    if _HALF_PAIR.search(raw):
        for text in _texts(value):
            if not text.isascii():
                text.encode()


def _texts(value: Any) -> Iterator[str]:
    match value:
        case str():
            yield value
        case list():
            for item in value:
                yield from _texts(item)
        case dict():
            for name, item in value.items():
                yield name
                yield from _texts(item)
