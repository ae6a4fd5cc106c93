"""Positions of values in a JSON text. Errors about a body give the line and column where parsing stopped."""

import json
import re
from collections.abc import Sequence

_SPACE = re.compile(r"[ \t\n\r]*")
_decoder = json.JSONDecoder()


def end_of(text: str, path: Sequence[str | int]) -> int:
    """Offset after the value at `path` in a valid JSON text; after the whole text if there is no such value."""
    start = _skip(text, 0)
    for step in path:
        found = _child(text, start, step)
        if found is None:
            return _decoder.raw_decode(text, _skip(text, 0))[1]
        start = found
    return _decoder.raw_decode(text, start)[1]


def line_and_column(text: str, offset: int) -> tuple[int, int]:
    """Line from 1, and the bytes read in that line, as serde_json counts them."""
    before = text[:offset]
    return before.count("\n") + 1, len(before.rpartition("\n")[2].encode())


def _skip(text: str, offset: int) -> int:
    space = _SPACE.match(text, offset)
    return offset if space is None else space.end()


def _child(text: str, start: int, step: str | int) -> int | None:
    """Offset of a member or an element; for a repeated name of the last one, as in json.loads."""
    if text[start] not in "{[":
        return None
    found = None
    index = 0
    offset = _skip(text, start + 1)
    while text[offset] not in "}]":
        name: str | int = index
        if text[start] == "{":
            name, offset = _decoder.raw_decode(text, offset)
            offset = _skip(text, _skip(text, offset) + 1)  # the colon
        if name == step:
            found = offset
        offset = _skip(text, _decoder.raw_decode(text, offset)[1])
        if text[offset] == ",":
            offset = _skip(text, offset + 1)
        index += 1
    return found
