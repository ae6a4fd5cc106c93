"""Checks of an MP4's boxes before FFmpeg reads them: a few bytes can announce tables of gigabytes, which FFmpeg allocates."""

from collections.abc import Iterator

MAX_SAMPLES = 4_000_000  # 30 s of uncompressed sound at 96 kHz are three million
MAX_EDITS = 64
_MAX_BOXES = 20_000

_CONTAINERS = frozenset({b"moov", b"trak", b"mdia", b"minf", b"stbl", b"edts", b"moof", b"traf", b"mvex", b"udta"})
# The offset after a box's head at which it has its number of samples (or edits).
_COUNTS = {b"stsz": 8, b"stz2": 8, b"trun": 4, b"elst": 4}


class Unsound(ValueError):
    """The boxes are truncated, or announce more than a short video can have."""


def check(data: bytes) -> None:
    """Check the boxes.

    Raises:
        Unsound: A box ends outside the data, or is out of bounds.
    """
    if len(data) < 8:
        raise Unsound("the video is not an MP4, or is cut short")
    samples = 0
    for number, (kind, start, end) in enumerate(_boxes(data, 0, len(data), top=True)):
        if number > _MAX_BOXES or kind == b"cmov":  # a compressed index, which may have any size
            raise Unsound("the video has an index that is not read")
        if kind in _COUNTS and end - start >= _COUNTS[kind] + 4:
            at = start + _COUNTS[kind]
            count = int.from_bytes(data[at : at + 4])
            samples += count if kind != b"elst" else 0
            if samples > MAX_SAMPLES or (kind == b"elst" and count > MAX_EDITS):
                raise Unsound("the video has more samples than it can have in its length")


def _boxes(data: bytes, start: int, end: int, *, top: bool = False) -> Iterator[tuple[bytes, int, int]]:
    """Kind, start and end of the content of each box; nested boxes follow their containers."""
    todo = [(start, end, top)]
    while todo:
        position, limit, outer = todo.pop()
        while position + 8 <= limit:
            size, kind, head = int.from_bytes(data[position : position + 4]), data[position + 4 : position + 8], 8
            if size == 1:
                size, head = int.from_bytes(data[position + 8 : position + 16]), 16
            elif size == 0:  # to the end
                size = limit - position
            if size < head or (outer and position + size > limit):
                if outer:
                    raise Unsound("the video is not an MP4, or is cut short")
                size = limit - position  # FFmpeg also reads as far as it can
            stop = min(position + size, limit)
            yield kind, position + head, stop
            if kind in _CONTAINERS:
                todo.append((position + head, stop, False))
            position = stop
        if outer and position < limit:
            raise Unsound("the video is not an MP4, or is cut short")
