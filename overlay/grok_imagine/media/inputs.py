"""Image and video inputs: read once, and encoded once into a data: URL.

A `str` is always a URL, never a path: URLs may come from other people's forms and manifests, and a typo must not upload a
file. A local file is a `pathlib.Path`.
"""

from __future__ import annotations

import io
import math
import os
import re
import stat
import sys
from binascii import b2a_base64
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import IO, Any, BinaryIO, Protocol, TypeAlias

from grok_imagine_api import contract

from ..errors import ConfigurationError, OutOfRange
from ..hints import Hint
from .content import PIECE

__all__ = ["ImageInput", "VideoInput", "url_of"]


class Picture(Protocol):
    """The part of `PIL.Image.Image` that is used, so that type checkers do not need Pillow."""

    @property
    def format(self) -> str | None:
        """The format of its source file."""

    def save(self, fp: IO[bytes], format: str | None = None, **params: Any) -> None:
        """Encodes it."""


VideoInput: TypeAlias = str | os.PathLike[str] | bytes | bytearray | memoryview | BinaryIO
"""A public http(s) URL or data: URL as a str; or an MP4: a path, its bytes, or a binary file, read from its position."""

ImageInput: TypeAlias = VideoInput | Picture
"""The same with a JPEG, PNG or WebP; or a `PIL.Image.Image`, which is sent without its metadata."""

Refuse: TypeAlias = Callable[..., OutOfRange]

MAX_VIDEO = 2**28  # bytes; a bound of this package, since the service documents none for videos

SAVED: Mapping[str | None, tuple[str, Mapping[str, object]]] = {
    "JPEG": ("JPEG", {"quality": "keep"}),
    "MPO": ("JPEG", {"quality": 95}),  # the JPEGs of many phones
    "WEBP": ("WEBP", {"quality": 95}),
}
"""The encoding of a PIL image by the format of its source file; PNG for all others."""


def url_of(value: object, keyword: str, kind: str, *, strict: bool = True) -> str:
    """The URL of an image or a video for a body. A str is returned unchanged; anything else is read and encoded.

    The peak memory is the content and its data: URL, 2.33 times the content's size.

    Args:
        value: See `ImageInput` and `VideoInput`.
        keyword: The name of the keyword, for errors.
        kind: One of `contract.INPUTS`: `image` or `video`.
        strict: False accepts other types and sizes than the contract's, and truncated files.

    Raises:
        OutOfRange: The value can't be read, is empty or truncated, too large (x-limits `image_size`; 256 MiB for a video), or
            of a type that the contract does not list (x-modes `inputs`).
        ConfigurationError: The package `filetype` is not installed.
    """
    if isinstance(value, str):
        return value
    name = name_of(value, kind)

    def refuse(rule: str, instead: str = "") -> OutOfRange:
        return OutOfRange(f"{name} {rule}", fields=[keyword], instead=instead, section="x-modes.inputs")

    most = contract.LIMITS["image_size"].value if kind == "image" else MAX_VIDEO
    pil = sys.modules.get("PIL.Image")  # a caller with a PIL image has imported PIL
    if pil and isinstance(value, pil.Image):
        data, media_type = _saved(value, refuse)
        _check_size(len(data), most if strict else math.inf, refuse)
    else:
        data = _read(value, keyword, kind, most if strict else math.inf, refuse)
        media_type = type_of(data, contract.INPUTS[kind].media_types if strict else (), refuse)
        is_whole = ENDS.get(media_type)
        if strict and is_whole and not is_whole(data):
            raise refuse(f"begins as {media_type} and is truncated or damaged", "was it copied completely?")
    return _data_url(media_type, data)


def name_of(value: object, kind: str) -> str:
    """The name of an input in errors."""
    path = os.fsdecode(value) if isinstance(value, os.PathLike) else getattr(value, "name", None)
    if not isinstance(path, str):
        return f"the {kind} ({type(value).__name__})"
    return repr(path.partition("?")[0] if "://" in path else path)  # a remote file may have a signed URL as its name


def _read(value: object, keyword: str, kind: str, most: float, refuse: Refuse) -> memoryview:
    """The content. Bytes are not copied."""
    hint = ""
    if isinstance(value, bytes | bytearray | memoryview):
        view = memoryview(value)
        data = view.cast("B") if view.c_contiguous and view.nbytes else memoryview(view.tobytes())
        _check_size(len(data), most, refuse)
    elif isinstance(value, os.PathLike):
        data = memoryview(_of_path(Path(os.fsdecode(value)), most, refuse))
    elif callable(getattr(value, "read", None)):
        data = memoryview(_of_file(value, most, refuse))
        hint = "a file is read from its position; `seek(0)` goes back to the start"
    else:
        raise refuse("can't be read as a file", _way_out(value, keyword, kind))
    if not data:
        raise refuse("is empty", hint)
    return data


def _way_out(value: object, keyword: str, kind: str) -> str:
    """What to write for a value that is no file: a result of this package has what is meant."""
    name = type(value).__name__.lower().removeprefix("async")
    if name == "video":
        return f"write {keyword}=video.url"
    if name == "file":
        ids = keyword.replace("_urls", "_file_ids").replace("_url", "_file_id")
        return f"write {ids}={'[file.id]' if ids.endswith('s') else 'file.id'}"
    pil = " or a PIL image" if kind == "image" else ""
    return f"give a URL as a str, a pathlib.Path, bytes or a binary file{pil}"


def _of_path(path: Path, most: float, refuse: Refuse) -> bytes | bytearray:
    try:
        if path.is_dir():  # not every system reports this at open
            raise refuse("is a directory", "give the file itself")
        with path.open("rb") as file:
            status = os.fstat(file.fileno())
            _check_size(status.st_size, most, refuse)
            # A regular file is read into a single block of memory.
            return file.read() if stat.S_ISREG(status.st_mode) else _of_file(file, most, refuse)
    except OutOfRange:
        raise
    except (OSError, ValueError) as error:  # ValueError: a path with a null character
        raise refuse(f"can't be read: {getattr(error, 'strerror', None) or error}") from error


def _of_file(file: Any, most: float, refuse: Refuse) -> bytearray:
    instead = "open it with mode 'rb'"
    if isinstance(file, io.TextIOBase):
        raise refuse("is open as text", instead)
    data = bytearray()
    while True:
        try:
            piece = file.read(PIECE)
        except (OSError, ValueError) as error:  # ValueError: it was closed
            raise refuse(f"can't be read: {getattr(error, 'strerror', None) or error}") from error
        if not isinstance(piece, bytes | bytearray):
            raise refuse(f"returned {type(piece).__name__} instead of bytes", instead)
        if not piece:
            return data
        data += piece
        _check_size(len(data), most, refuse)


def _check_size(size: int, most: float, refuse: Refuse) -> None:
    if size > most:
        raise refuse(f"is larger than {most:,} bytes", "scale it down, or give a URL of it")


def _saved(image: Any, refuse: Refuse) -> tuple[memoryview, str]:
    """Encodes a PIL image."""
    name, options = SAVED.get(image.format, ("PNG", {}))
    file = io.BytesIO()
    try:
        image.save(file, name, **options)
    except Exception as error:  # Pillow's codecs raise many types, also for a lazily loaded file
        raise refuse(f"can't be saved as {name}: {error}", "`image.convert('RGB')` may help") from error
    return file.getbuffer(), f"image/{name.lower()}"


def type_of(data: memoryview, allowed: tuple[str, ...], refuse: Refuse) -> str:
    """The media type of a file by its first bytes. Refuses a type that is not in `allowed`, unless that is empty."""
    try:
        import filetype  # imported here, since few requests have a file
    except ImportError as error:
        hint = Hint("install", "install grok-imagine with its extra [media]; in a checkout: pip install '.[media]'")
        text = f"a local image or video needs the package `filetype`: {hint.text}"
        raise ConfigurationError(text, hint=hint) from error

    media_type = filetype.guess_mime(bytes(data[:8192]))
    if allowed and media_type not in allowed:
        found = f"the type {media_type}" if media_type else "an unknown type"
        raise refuse(f"has {found}, not {' or '.join(allowed)}", "convert it")
    if not isinstance(media_type, str):
        raise refuse("has an unknown type", "give a data: URL that names its type")
    return media_type


def _data_url(media_type: str, data: memoryview) -> str:
    url = f"data:{media_type};base64,"
    for start in range(0, len(data), PIECE):
        # CPython appends in place. A join or an io.StringIO would hold the text twice.
        url += b2a_base64(data[start : start + PIECE], newline=False).decode()
    return url


def _ends_png(data: memoryview) -> bool:
    """Whether the chunks end with an IEND."""
    position = 8
    while position + 12 <= len(data):
        kind = bytes(data[position + 4 : position + 8])
        position += 12 + int.from_bytes(data[position : position + 4])
        if kind == b"IEND":
            return position <= len(data)
    return False


def _ends_jpeg(data: memoryview) -> bool:
    """Whether an end-of-image marker follows the start of the scan. A thumbnail before it has such a marker, too."""
    position = 2
    while position + 4 <= len(data) and data[position] == 0xFF:
        if data[position + 1] == 0xDA:
            return re.compile(rb"\xff\xd9").search(data, position) is not None
        is_fill = data[position + 1] == 0xFF
        position += 1 if is_fill else 2 + int.from_bytes(data[position + 2 : position + 4])
    return False


def _ends_webp(data: memoryview) -> bool:
    return 8 + int.from_bytes(data[4:8], "little") <= len(data)


def _ends_mp4(data: memoryview) -> bool:
    """Whether all boxes end within the file, and one of them is the index."""
    position, has_index = 0, False
    while position + 8 <= len(data):
        size = int.from_bytes(data[position : position + 4])
        has_index |= bytes(data[position + 4 : position + 8]) == b"moov"
        if size == 0:  # to the end of the file
            return has_index
        size = int.from_bytes(data[position + 8 : position + 16]) if size == 1 else size
        if size < 8:
            return False
        position += size
    return has_index and position <= len(data)


ENDS: Mapping[str, Callable[[memoryview], bool]] = {
    "image/jpeg": _ends_jpeg,
    "image/png": _ends_png,
    "image/webp": _ends_webp,
    "video/mp4": _ends_mp4,
}
"""Checks by type that a file is complete. They do not decode: an image's pixels take many times the size of its file."""
