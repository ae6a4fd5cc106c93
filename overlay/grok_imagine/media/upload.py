"""The upload of a file: it is read from its source for each send, and never held in memory as a whole."""

from __future__ import annotations

import io
import os
import stat
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import nullcontext
from pathlib import Path
from typing import Any, BinaryIO, TypeAlias

from grok_imagine_api import contract

from ..errors import OutOfRange, TransportError
from .content import PIECE
from .inputs import name_of, type_of

__all__ = ["Upload", "UploadInput"]

UploadInput: TypeAlias = os.PathLike[str] | bytes | bytearray | memoryview | BinaryIO
"""A path, bytes, or a seekable binary file, read from its position. A str is never a path."""

HEAD = 8192
"""Number of first bytes that determine the type of a file."""


class Upload:
    """The multipart body of an upload. The part `file` comes last, as the service requires.

    Args:
        file: The file.
        filename: The name at the service; default is the file's own name.
        expires_after: Seconds; the caller has checked it.
        strict: False accepts any type and size.

    Attributes:
        filename: The name that is sent.
        length: Length of the whole body in bytes.
        headers: Headers of the request.
        failure: The error if the file could not be read to its end; then the service has no whole file.

    Raises:
        OutOfRange: The file can't be read, is empty, larger than x-limits `file_size`, or of a type that no request accepts.
        ConfigurationError: The package `filetype` is not installed.
    """

    def __init__(self, file: object, filename: str | None, expires_after: int | None, *, strict: bool) -> None:
        self._name = name_of(file, "file")
        self.failure: OutOfRange | None = None
        self._open, self._size = self._source(file)
        if not self._size:
            raise self._refuse("is empty", "a file is read from its position; `seek(0)` goes back to the start")
        limit = contract.LIMITS["file_size"]
        if strict and self._size > limit.value:
            raise self._refuse(f"is larger than {limit.value:,.0f} bytes", "cut or scale it down", "x-limits.file_size")
        media_type = self._type() if strict else "application/octet-stream"
        self.filename = _checked(filename) if filename is not None else self._own_name(file, media_type)
        boundary = os.urandom(16).hex()
        self._before = b"".join(_parts(boundary, self.filename, expires_after, media_type))
        self._after = f"\r\n--{boundary}--\r\n".encode()
        self.length = len(self._before) + self._size + len(self._after)
        self.headers = {
            "content-type": f"multipart/form-data; boundary={boundary}",
            "content-length": str(self.length),
        }

    def _refuse(self, rule: str, instead: str = "", section: str = "x-modes.inputs") -> OutOfRange:
        return OutOfRange(f"{self._name} {rule}", fields=["file"], instead=instead, section=section)

    def _source(self, file: object) -> tuple[Callable[[], Any], int]:
        """A function that opens the file at its start, and its size in bytes."""
        if isinstance(file, bytes | bytearray | memoryview):
            view = memoryview(file)
            content = view.cast("B") if view.c_contiguous and view.nbytes else memoryview(view.tobytes())
            return lambda: nullcontext(_View(content)), len(content)
        try:
            if isinstance(file, os.PathLike):
                path = Path(os.fsdecode(file))
                found = path.stat()
                if not stat.S_ISREG(found.st_mode):
                    raise self._refuse("is not a regular file", "give the file itself")
                path.open("rb").close()
                return lambda: path.open("rb"), found.st_size
            if isinstance(file, io.TextIOBase):
                raise self._refuse("is open as text", "open it with mode 'rb'")
            if callable(getattr(file, "read", None)) and callable(getattr(file, "seek", None)):
                return self._of_file(file)
        except (OSError, ValueError) as error:  # ValueError: a path with a null character, or a closed file
            if isinstance(error, OutOfRange):
                raise
            raise self._refuse(f"can't be read: {getattr(error, 'strerror', None) or error}") from error
        raise self._refuse("can't be sent", "give a pathlib.Path, bytes, or a seekable binary file")

    def _of_file(self, file: Any) -> tuple[Callable[[], Any], int]:
        begin = file.tell()
        size = file.seek(0, os.SEEK_END) - begin
        file.seek(begin)

        def open_() -> Any:
            file.seek(begin)
            return nullcontext(file)

        return open_, size

    def _type(self) -> str:
        try:
            with self._open() as file:
                head = file.read(HEAD)
        except (OSError, ValueError) as error:
            raise self._refuse(f"can't be read: {getattr(error, 'strerror', None) or error}") from error
        if not isinstance(head, bytes | memoryview):
            raise self._refuse(f"returned {type(head).__name__} instead of bytes", "open it with mode 'rb'")
        known = tuple(kind for name in ("image", "video") for kind in contract.INPUTS[name].media_types)
        return type_of(memoryview(head), known, self._refuse)

    def _own_name(self, file: object, media_type: str) -> str:
        own = os.fsdecode(file) if isinstance(file, os.PathLike) else getattr(file, "name", None)
        base = Path(own).name if isinstance(own, str) else ""
        return _escapable(base) or f"upload.{media_type.rpartition('/')[2]}"

    def __iter__(self) -> Iterator[bytes]:
        yield self._before
        left = self._size
        try:
            with self._open() as file:
                while left and (piece := file.read(min(PIECE, left))):
                    left -= len(piece)
                    yield piece
                if left or file.read(1):
                    raise self._refuse("changed while it was sent", "send it when it is complete")
        except (OSError, ValueError) as error:
            if not isinstance(error, OutOfRange):
                error_ = self._refuse(f"can no longer be read: {getattr(error, 'strerror', None) or error}")
                error_.__cause__ = error
                error = error_
            self.failure = error
            raise TransportError(str(error)) from error
        yield self._after

    def awaited(self) -> AsyncIterator[bytes]:
        """The same for an asynchronous client: a thread reads the disk, so that the event loop is not blocked."""
        return _awaited(iter(self))


async def _awaited(pieces: Iterator[bytes]) -> AsyncIterator[bytes]:
    import asyncio

    while (piece := await asyncio.to_thread(next, pieces, None)) is not None:
        yield piece


class _View:
    """Bytes in memory as a file, without a copy."""

    def __init__(self, content: memoryview) -> None:
        self._content, self._position = content, 0

    def read(self, count: int) -> memoryview:
        """The next bytes."""
        piece = self._content[self._position : self._position + count]
        self._position += len(piece)
        return piece


def _parts(boundary: str, filename: str, expires_after: int | None, media_type: str) -> Iterator[bytes]:
    """The body up to the file's own bytes. The service refuses `expires_after` after `file`."""
    if expires_after is not None:
        yield f'--{boundary}\r\nContent-Disposition: form-data; name="expires_after"\r\n\r\n{expires_after}\r\n'.encode()
    name = filename.replace('"', "%22")
    yield f'--{boundary}\r\nContent-Disposition: form-data; name="file"; filename="{name}"\r\n'.encode()
    yield f"Content-Type: {media_type}\r\n\r\n".encode()


def _checked(filename: object) -> str:
    limit = contract.LIMITS["storage_filename"]
    if not isinstance(filename, str) or not 0 < len(filename) <= limit.value or filename != _escapable(filename):
        rule = (
            f"is a string of 1 to {limit.value:g} printable characters without a backslash; got {str(filename)[:80]!r}"
        )
        raise OutOfRange(rule, fields=["filename"], section="x-limits.storage_filename")
    return filename


def _escapable(name: str) -> str:
    """A name without the characters that a header can't contain, and without backslashes, which some parsers read as escapes."""
    return "".join(c for c in name if c.isprintable() and c != "\\")[-255:]
