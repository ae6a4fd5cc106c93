"""A JSON body with media, sent in pieces: no string of megabytes is copied whole."""

from __future__ import annotations

import json
import os
from collections.abc import AsyncIterator, Iterator
from typing import Any

__all__ = ["PIECE", "Content", "json_pieces"]

PIECE = 3 * 2**16
"""Bytes that are read, encoded or sent at a time; a multiple of 3, so that pieces of base64 make one."""

LONG = 2**16
"""Characters; longer strings of a body are sent in pieces."""


def json_pieces(value: object, **style: Any) -> Iterator[bytes]:
    """`json.dumps(value, **style).encode()` in pieces, so that no long string is copied whole."""
    if not _is_long(value):
        yield json.dumps(value, **style).encode()
        return
    texts: list[str] = []
    mark = os.urandom(16).hex()  # random, so that the value does not contain it

    def marked(node: object) -> object:
        if isinstance(node, str) and len(node) > LONG:
            texts.append(node)
            return f"{mark}{len(texts) - 1}"
        if isinstance(node, dict):
            return {key: marked(item) for key, item in node.items()}
        return [marked(item) for item in node] if isinstance(node, list | tuple) else node

    first, *others = json.dumps(marked(value), **style).split(mark)
    yield first.encode()
    for part in others:
        number, _, rest = part.partition('"')
        text = texts[int(number)]
        for start in range(0, len(text), PIECE):  # JSON escapes each character separately
            yield json.dumps(text[start : start + PIECE], **style)[1:-1].encode()
        yield f'"{rest}'.encode()


class Content:
    """A JSON body for a blocking httpx client, generated in pieces for each send; the same bytes as with `json=`.

    Attributes:
        length: The length in bytes, for Content-Length.
    """

    __slots__ = ("_body", "length")

    def __init__(self, body: object) -> None:
        self._body = body
        self.length = sum(map(len, self))

    @classmethod
    def of(cls, body: object) -> Content | None:
        """The content of a body with a long string, such as a data: URL; None for any other body."""
        return cls(body) if _is_long(body) else None

    def __iter__(self) -> Iterator[bytes]:
        return json_pieces(self._body, ensure_ascii=False, separators=(",", ":"), allow_nan=False)

    def awaited(self) -> AsyncContent:
        """The same for an asynchronous client, which does not accept a synchronous iterable."""
        return AsyncContent(self)


class AsyncContent:
    """A `Content` for `async for`."""

    __slots__ = ("_content",)

    def __init__(self, content: Content) -> None:
        self._content = content

    async def __aiter__(self) -> AsyncIterator[bytes]:
        for piece in self._content:
            yield piece


def _is_long(node: object) -> bool:
    if isinstance(node, str):
        return len(node) > LONG
    items = node.values() if isinstance(node, dict) else node if isinstance(node, list | tuple) else ()
    return any(map(_is_long, items))
