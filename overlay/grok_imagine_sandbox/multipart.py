"""A parser for `multipart/form-data` (RFC 7578), as far as uploads need it."""

import re
from collections.abc import Iterator
from typing import NamedTuple

_BOUNDARY = re.compile(r'multipart/form-data\s*;.*?\bboundary=(?:"([^"]{1,200})"|([^\s;"]{1,200}))', re.IGNORECASE)
_NAME = re.compile(r';\s*name="((?:[^"\\]|\\.)*)"', re.IGNORECASE)
_FILENAME = re.compile(r';\s*filename="((?:[^"\\]|\\.)*)"', re.IGNORECASE)
_MOST_PARTS = 20
_LONGEST_HEAD = 8192


class Part(NamedTuple):
    """A part of a body."""

    name: str
    filename: str | None
    content: bytes


def boundary_of(content_type: str) -> bytes | None:
    """The boundary in a Content-Type header; None for another type."""
    found = _BOUNDARY.match(content_type.strip())
    return (found[1] or found[2]).encode("latin-1", "replace") if found else None


def parts(raw: bytes | bytearray, boundary: bytes) -> Iterator[Part]:
    """The parts in their order.

    Raises:
        ValueError: The body is malformed.
    """
    mark = b"\r\n--" + boundary
    end = raw.find(mark[2:])
    if end != 0 and (end < 0 or not raw[:end].endswith(b"\r\n")):
        raise ValueError("it does not begin with the boundary")
    position = end + len(mark) - 2
    for _ in range(_MOST_PARTS):
        if raw[position : position + 2] == b"--":
            return
        head = raw.find(b"\r\n\r\n", position, position + _LONGEST_HEAD)
        end = raw.find(mark, head + 2) if head >= 0 else -1  # an empty part ends where its head does
        if head < 0 or end < 0:
            raise ValueError("a part has no end")
        yield _part(bytes(raw[position:head]), bytes(raw[head + 4 : end]))
        position = end + len(mark)
    raise ValueError("it has too many parts")


def _part(head: bytes, content: bytes) -> Part:
    text = head.decode("utf-8", "replace")
    line = next((line for line in text.split("\r\n") if line.lower().startswith("content-disposition:")), "")
    name, filename = _NAME.search(line), _FILENAME.search(line)
    if name is None:
        raise ValueError("a part has no name")
    return Part(name[1], filename[1].replace("%22", '"') if filename else None, content)
