"""The length of an MP4, read from its index alone, so that the result does not depend on installed decoders."""

from __future__ import annotations

import io
import os
from binascii import a2b_base64
from collections.abc import Iterator
from typing import Any, BinaryIO, NamedTuple

__all__ = ["seconds_of"]

MOST_BOXES = 10_000
"""Maximum number of boxes to read; a file of a few streams has fewer than a hundred outside its fragments."""


class Decoded(io.RawIOBase):
    """The content of a base64 data: URL as a file. Only the parts that are read are decoded."""

    def __init__(self, url: str) -> None:
        self._url, self._first = url, url.index(",") + 1
        self._size = max(0, (len(url) - self._first) // 4 * 3 - url.endswith("=") - url.endswith("=="))
        self._position = 0

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        self._position = offset + (0, self._position, self._size)[whence]
        return self._position

    def readinto(self, buffer: Any) -> int:
        view = memoryview(buffer)
        group, skip = divmod(self._position, 3)
        begin = self._first + 4 * group
        count = max(0, min(len(view), self._size - self._position))
        try:
            data = a2b_base64(self._url[begin : begin + 4 * (1 + (skip + count) // 3)])[skip : skip + count]
        except ValueError:  # invalid base64 ends the file
            return 0
        view[: len(data)] = data
        self._position += len(data)
        return len(data)


class Box(NamedTuple):
    """A box of an MP4: its type, and the range of its content."""

    kind: bytes
    begin: int
    end: int


class Index:
    """The boxes of an MP4.

    Args:
        file: The file, which is read in pieces.
    """

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self._left = MOST_BOXES
        self.whole = Box(b"", 0, file.seek(0, os.SEEK_END))

    def inside(self, box: Box, *path: bytes) -> Iterator[Box]:
        """The boxes at a path of nested types."""
        for found in self._boxes(box):
            if found.kind == path[0]:
                if len(path) == 1:
                    yield found
                else:
                    yield from self.inside(found, *path[1:])

    def _boxes(self, box: Box) -> Iterator[Box]:
        place = box.begin
        while place + 8 <= box.end and self._left:
            self._left -= 1
            head = self._read(place, 16)
            size, begin = int.from_bytes(head[:4]), place + 8
            if size == 1:
                size, begin = int.from_bytes(head[8:16]), place + 16
            end = place + size if size else box.end
            if end < begin or end > box.end:
                return
            yield Box(head[4:8], begin, end)
            place = end

    def numbers(self, box: Box, version_0: str, version_1: str) -> list[int]:
        """The numbers after a box's version and flags. The arguments give the bytes of each for both versions."""
        data = self._read(box.begin, min(box.end - box.begin, 64))
        place, found = 4, []
        for size in map(int, version_1 if data[:1] == b"\1" else version_0):
            number = data[place : place + size]
            if len(number) < size:
                return []
            found.append(0 if number == b"\xff" * size else int.from_bytes(number))  # all ones means unknown
            place += size
        return found

    def _read(self, place: int, count: int) -> bytes:
        self._file.seek(place)
        return self._file.read(count)


def seconds_of(url: str) -> float | None:
    """The length of the video in a data: URL in seconds; None if it is unknown."""
    if not url[:80].partition(",")[0].endswith(";base64"):  # sliced first: partition would copy a long URL
        return None
    index = Index(io.BufferedReader(Decoded(url), 512))
    for movie in index.inside(index.whole, b"moov"):
        (scale,) = _first(index, movie, "444", "884", b"mvhd")[2:] or [0]
        for track in index.inside(movie, b"trak"):
            handler = _first(index, track, "44", "44", b"mdia", b"hdlr")[1:]
            if handler == [int.from_bytes(b"vide")]:
                return _length(index, movie, track, scale)
    return None


def _length(index: Index, movie: Box, track: Box, scale: int) -> float | None:
    """The length by the edit list if there is one, otherwise by the media. For a fragmented file only `mehd` gives it."""
    if any(index.inside(movie, b"mvex")):
        ticks = sum(_first(index, movie, "4", "8", b"mvex", b"mehd"))
    elif any(index.inside(track, b"edts", b"elst")):
        ticks = sum(_first(index, track, "44444", "88448", b"tkhd")[4:])
    else:
        scale, ticks = _first(index, track, "4444", "8848", b"mdia", b"mdhd")[2:] or [0, 0]
    return ticks / scale if ticks and scale else None


def _first(index: Index, box: Box, version_0: str, version_1: str, *path: bytes) -> list[int]:
    """The numbers of the first box at a path; empty if there is no box."""
    return next((index.numbers(found, version_0, version_1) for found in index.inside(box, *path)), [])
