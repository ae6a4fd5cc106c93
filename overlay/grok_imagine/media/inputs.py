"""Pictures and videos as people have them: read once, encoded once into a data: URL, and sent on in pieces.

A `str` is an address and stays one. Nothing here opens a file because of a text: prompts and URLs come from forms and
manifests of others, and a typo must not upload a file; a local file is a `pathlib.Path`.
"""

from __future__ import annotations

import io
import json
import math
import os
import re
import stat
import sys
from binascii import b2a_base64
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from pathlib import Path
from typing import IO, Any, BinaryIO, Protocol, TypeAlias

from grok_imagine_api import contract

from ..errors import ConfigurationError, OutOfRange
from ..hints import Hint

__all__ = ["Content", "ImageInput", "VideoInput", "json_pieces", "url_of"]


class Picture(Protocol):
    """What is needed of a `PIL.Image.Image`, so that no type checker needs Pillow."""

    @property
    def format(self) -> str | None:
        """The format of the file it came from."""

    def save(self, fp: IO[bytes], format: str | None = None, **params: Any) -> None:
        """Encodes it."""


VideoInput: TypeAlias = str | os.PathLike[str] | bytes | bytearray | memoryview | BinaryIO
"""A public http(s) URL or data: URL as a str; or an MP4: a path, its bytes, or a binary file, read from where it stands."""

ImageInput: TypeAlias = VideoInput | Picture
"""The same with a JPEG, PNG or WebP; or a `PIL.Image.Image`, whose pixels are sent without its metadata."""

Refuse: TypeAlias = Callable[..., OutOfRange]

PIECE = 3 * 2**16  # bytes read, encoded or sent at a time; a multiple of 3, so that pieces of base64 make one
LONG = 2**16  # characters from which a text of a body is sent in pieces
MAX_VIDEO = 2**28  # bytes; a bound of this package, since the service has named none for videos

SAVED: Mapping[str | None, tuple[str, Mapping[str, object]]] = {
    "JPEG": ("JPEG", {"quality": "keep"}),
    "MPO": ("JPEG", {"quality": 95}),  # the JPEGs of many phones
    "WEBP": ("WEBP", {"quality": 95}),
}
"""How a PIL image is encoded, by the format of its file; any other as PNG."""


def url_of(value: object, keyword: str, kind: str, *, strict: bool = True) -> str:
    """The URL that stands for an image or a video in a body: a str as it is, anything else read and encoded.

    At the peak the content and its data: URL are in memory, 2.33 times the content's size.

    Args:
        value: See `ImageInput` and `VideoInput`.
        keyword: The keyword it was given by, for errors.
        kind: One of `contract.INPUTS`: `image` or `video`.
        strict: False takes other types and sizes than the contract's, and files that are cut short.

    Raises:
        OutOfRange: It can't be read, is empty or cut short, too large (x-limits `image_size`; 256 MiB for a video), or of
            a type that the contract does not list (x-modes `inputs`).
        ConfigurationError: The package that tells types by content is not installed.
    """
    if isinstance(value, str):
        return value
    name = name_of(value, kind)

    def refuse(rule: str, instead: str = "") -> OutOfRange:
        return OutOfRange(f"{name} {rule}", fields=[keyword], instead=instead, section="x-modes.inputs")

    most = contract.LIMITS["image_size"].value if kind == "image" else MAX_VIDEO
    pil = sys.modules.get("PIL.Image")  # who has an image of PIL has imported it
    if pil and isinstance(value, pil.Image):
        data, media_type = _saved(value, refuse)
        _check_size(len(data), most if strict else math.inf, refuse)
    else:
        data = _read(value, kind, most if strict else math.inf, refuse)
        media_type = type_of(data, contract.INPUTS[kind].media_types if strict else (), refuse)
        is_whole = ENDS.get(media_type)
        if strict and is_whole and not is_whole(data):
            raise refuse(f"begins as {media_type} and is cut short or damaged", "was it copied to its end?")
    return _data_url(media_type, data)


def name_of(value: object, kind: str) -> str:
    """How an error calls what was given."""
    path = os.fsdecode(value) if isinstance(value, os.PathLike) else getattr(value, "name", None)
    if not isinstance(path, str):
        return f"the {type(value).__name__} of the {kind}"
    return repr(path.partition("?")[0] if "://" in path else path)  # of a remote file it may be a signed URL


def _read(value: object, kind: str, most: float, refuse: Refuse) -> memoryview:
    """The content, as bytes that are not copied if they were bytes."""
    hint = ""
    if isinstance(value, bytes | bytearray | memoryview):
        view = memoryview(value)
        data = view.cast("B") if view.c_contiguous and view.nbytes else memoryview(view.tobytes())
        _check_size(len(data), most, refuse)
    elif isinstance(value, os.PathLike):
        data = memoryview(_of_path(Path(os.fsdecode(value)), most, refuse))
    elif callable(getattr(value, "read", None)):
        data = memoryview(_of_file(value, most, refuse))
        hint = "a file is read from where it stands; `seek(0)` goes back"
    else:
        pil = " or a PIL image" if kind == "image" else ""
        raise refuse("is nothing that can be read", f"give a URL as a str, a pathlib.Path, bytes or a binary file{pil}")
    if not data:
        raise refuse("is empty", hint)
    return data


def _of_path(path: Path, most: float, refuse: Refuse) -> bytes | bytearray:
    try:
        if path.is_dir():  # not all systems say so when it is opened
            raise refuse("is a directory", "give the file itself")
        with path.open("rb") as file:
            status = os.fstat(file.fileno())
            _check_size(status.st_size, most, refuse)
            # A file of known length is read into one piece of memory, which is given back whole.
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
            raise refuse(f"gave {type(piece).__name__} where bytes were due", instead)
        if not piece:
            return data
        data += piece
        _check_size(len(data), most, refuse)


def _check_size(size: int, most: float, refuse: Refuse) -> None:
    if size > most:
        raise refuse(f"is larger than {most:,} bytes", "scale it down, or give a URL of it")


def _saved(image: Any, refuse: Refuse) -> tuple[memoryview, str]:
    """A PIL image as a file."""
    name, options = SAVED.get(image.format, ("PNG", {}))
    file = io.BytesIO()
    try:
        image.save(file, name, **options)
    except Exception as error:  # Pillow's codecs raise nearly anything, here and of a file that is loaded only now
        raise refuse(f"can't be saved as {name}: {error}", "`image.convert('RGB')` may help") from error
    return file.getbuffer(), f"image/{name.lower()}"


def type_of(data: memoryview, allowed: tuple[str, ...], refuse: Refuse) -> str:
    """The media type of a file by its beginning; refused unless it is allowed, if only some are."""
    try:
        import filetype  # only here: few requests bring a file
    except ImportError as error:
        hint = Hint("install", "pip install 'grok-imagine[media]'")
        text = f"a local image or video needs the package `filetype`: {hint.text}"
        raise ConfigurationError(text, hint=hint) from error

    media_type = filetype.guess_mime(bytes(data[:8192]))
    if allowed and media_type not in allowed:
        raise refuse(f"holds {media_type or 'nothing known'}, not {' or '.join(allowed)}", "save it as such")
    if not isinstance(media_type, str):
        raise refuse("is of no known type", "give a data: URL that names its type")
    return media_type


def _data_url(media_type: str, data: memoryview) -> str:
    url = f"data:{media_type};base64,"
    for start in range(0, len(data), PIECE):
        # In place, since nothing else holds the text. A join, or an io.StringIO, would hold all of it twice.
        url += b2a_base64(data[start : start + PIECE], newline=False).decode()
    return url


def _ends_png(data: memoryview) -> bool:
    """Whether the chunks lead to an IEND."""
    position = 8
    while position + 12 <= len(data):
        kind = bytes(data[position + 4 : position + 8])
        position += 12 + int.from_bytes(data[position : position + 4])
        if kind == b"IEND":
            return position <= len(data)
    return False


def _ends_jpeg(data: memoryview) -> bool:
    """Whether an end of the image follows the start of its scan; a thumbnail in a segment before has an end, too."""
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
    """Whether the boxes end within the file, and one of them is the index."""
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
"""Whether a file is there to its end, by type. No decoder is asked: the pixels of an image take many times its file's size."""


def json_pieces(value: object, **style: Any) -> Iterator[bytes]:
    """`json.dumps(value, **style).encode()`, but in pieces, so that no long text is copied whole."""
    if not _is_long(value):
        yield json.dumps(value, **style).encode()
        return
    texts: list[str] = []
    mark = os.urandom(16).hex()  # no text of the value holds it

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
        for start in range(0, len(text), PIECE):  # JSON escapes each character by itself
            yield json.dumps(text[start : start + PIECE], **style)[1:-1].encode()
        yield f'"{rest}'.encode()


class Content:
    """A JSON body for a blocking httpx client, made anew in pieces each time it is sent; the same bytes as its `json=`.

    Attributes:
        length: In bytes, for Content-Length.
    """

    __slots__ = ("_body", "length")

    def __init__(self, body: object) -> None:
        self._body = body
        self.length = sum(map(len, self))

    @classmethod
    def of(cls, body: object) -> Content | None:
        """The content for a body that holds a long text, such as a data: URL; None for any other."""
        return cls(body) if _is_long(body) else None

    def __iter__(self) -> Iterator[bytes]:
        return json_pieces(self._body, ensure_ascii=False, separators=(",", ":"), allow_nan=False)

    def awaited(self) -> AsyncContent:
        """The same for an asynchronous client, which takes nothing that could also be gone through without awaiting."""
        return AsyncContent(self)


class AsyncContent:
    """A `Content` that is gone through with `async for`."""

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
