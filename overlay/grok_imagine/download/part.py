"""The unfinished file of a download: whose it is, what it is a part of, and how it becomes the whole one."""

from __future__ import annotations

import errno
import json
import os
import re
import secrets
import stat
import struct
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from ..core.effects import Blocking, Flow
from ..errors import DownloadError, TargetExistsError
from ..hints import Hint

try:
    import fcntl
except ImportError:  # Windows, where an open file can't be renamed or removed, either
    fcntl = None  # type: ignore[assignment]  # a module is declared, and None says that it is not here

STRONG = re.compile(r'"[!-~]*"')  # an ETag that promises the same bytes, so that a part of them can be continued
LONGEST_NOTE = 65536
MOST_BOXES = 100_000
"""Maximum number of boxes of an MP4 to read."""
TRIES = 5
"""Times that a name which others keep changing is tried."""
CAREFUL = (
    getattr(os, "O_NOFOLLOW", 0)
    | getattr(os, "O_NONBLOCK", 0)
    | getattr(os, "O_NOCTTY", 0)
    | getattr(os, "O_BINARY", 0)
)
KNOWN_BOXES = {
    b"ftyp",
    b"moov",
    b"mdat",
    b"moof",
    b"mfra",
    b"free",
    b"skip",
    b"wide",
    b"uuid",
    b"meta",
    b"sidx",
    b"styp",
}


def check_target(path: str | os.PathLike[str], *, overwrite: bool = False) -> None:
    """Tries whether a video can be saved there: before its job is paid for. Leaves nothing behind.

    Args:
        path: A file, or a folder, in which it would be called by its id.
        overwrite: Whether a file may be replaced.

    Raises:
        DownloadError: It can't be, and why.
    """
    part = Part(path, secrets.token_hex(16), overwrite)
    try:
        part.open()
    finally:
        part.close()


def filled(part: Part, fill: Callable[[], Flow[None]]) -> Flow[Path]:
    """Opens a part, fills it, and puts it in place. Whatever happens, it is closed."""
    try:
        yield Blocking(part.open)
        yield from fill()
        yield Blocking(part.sync)
        part.commit()  # not in a thread, where a cancelled download would go on to rename
        yield Blocking(part.sync_directory)
    finally:
        part.close()
    return part.target


class Part:
    """The file `<target>.part`, locked while it is open, and `.part.json`, which says what it is a part of.

    It is written only if it is a file of this user under no other name; else it is given up and a new one made. The lock is the
    operating system's: it ends with the process, however that ends. Without `fcntl` there is none.

    Attributes:
        target: Where the whole file goes.
        size: Bytes so far.
        etag: What the host calls the file that this is a part of, if it promises the same bytes by it.
        total: How many bytes that file has, if the host has said so.
        is_useless: Whether nothing can go on from it.
    """

    def __init__(self, path: str | os.PathLike[str], request_id: str, overwrite: bool) -> None:
        target = Path(path)
        if target.is_dir():  # the id must not lead out of it, whoever gave it
            target /= re.sub(r"[^\w.-]", "_", request_id) + ".mp4"
        self.target = target
        self.size, self._source = 0, ""
        self.etag: str | None = None
        self.total: int | None = None
        self._path = target.with_name(f"{target.name}.part")
        self._note = target.with_name(f"{target.name}.part.json")
        self._request_id, self._overwrite = request_id, overwrite
        self._file: Any = None
        self.is_useless = self._held = self._closed = False

    def error(
        self, reason: str, message: str, kind: type[DownloadError] = DownloadError, hint: Hint | None = None
    ) -> DownloadError:
        """An error that says which download it ends."""
        text = f"{message}; {hint.text}" if hint else message
        return kind(text, reason=reason, path=self.target, request_id=self._request_id, hint=hint)

    @contextmanager
    def _disk(self) -> Iterator[None]:
        try:
            yield
        except DownloadError:
            raise
        except (OSError, ValueError) as error:  # a name with a null byte is a ValueError
            raise self.error("disk", f"{self.target}: {getattr(error, 'strerror', None) or error}") from error

    def open(self) -> None:
        """Opens and locks it."""
        try:
            with self._disk():
                self._check_target()
                self._open()
                self._held = True
                self.size = self._file.seek(0, os.SEEK_END)
                self._check_target()  # again: another download may have ended meanwhile
        finally:
            if self._closed:  # by a cancellation, while a thread was here
                self.close()

    def _open(self) -> None:
        for _ in range(TRIES):
            try:
                number, is_new = os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_EXCL | CAREFUL, 0o666), True
            except FileExistsError:
                try:
                    number, is_new = _open_file(self._path, os.O_RDWR), False
                except FileNotFoundError:
                    continue
            self._file = os.fdopen(number, "r+b", buffering=0)
            self._lock(number)
            if is_new or _is_own(os.fstat(number)):
                return
            self._file.close()
            self._path.unlink(missing_ok=True)  # only this name of it: what is under another one stays
        raise self._busy()

    def _busy(self) -> DownloadError:
        return self.error("busy", f"another download to {self.target} is under way")

    def _check_target(self) -> None:
        if not self.target.parent.is_dir():
            raise self.error("directory", f"{self.target.parent} is no directory")
        # Only a file is replaced: a rename would do it to a device, too. Of a link the link is, and not what it leads to.
        may_go = self._overwrite and (self.target.is_file() or self.target.is_symlink())
        if os.path.lexists(self.target) and not may_go:
            raise self._exists()

    def _exists(self) -> DownloadError:
        hint = Hint("overwrite", "overwrite=True replaces a file")
        return self.error("exists", f"{self.target} exists", TargetExistsError, hint)

    def _lock(self, number: int) -> None:
        if fcntl is None:
            return
        try:
            fcntl.flock(number, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise self._busy() from None
        except OSError:  # a file system without locks
            return
        # If another ended since our open, ours is the file that it has put in place, or removed.
        if not self._is_in_place():
            raise self._busy()

    def _is_in_place(self) -> bool:
        """Whether the name is still that of the open file."""
        with suppress(OSError):
            return os.path.samestat(os.fstat(self._file.fileno()), self._path.lstat())
        return False

    def expect(self, source: str) -> None:
        """Says what the file is to become. If it is not known to be a part of that, its ETag is None."""
        self._source, self.etag, self.total = source, None, None
        with suppress(OSError, ValueError, LookupError, TypeError, RecursionError):
            note = json.loads(_read_own(self._note))
            if note["source"] == source and STRONG.fullmatch(note["etag"]):
                self.etag = note["etag"]
                self.total = total if isinstance(total := note.get("total"), int) else None

    def restart(self, etag: str, total: int | None) -> None:
        """Empties the file, and notes what it will be a part of."""
        self.etag, self.total, self.size = etag if STRONG.fullmatch(etag) else None, total, 0
        self.is_useless = False
        with self._disk():
            self._note.unlink(missing_ok=True)
            self._file.seek(0)
            self._file.truncate()
            if self.etag:
                note = json.dumps({"source": self._source, "etag": self.etag, "total": total})
                with os.fdopen(
                    os.open(self._note, os.O_WRONLY | os.O_CREAT | os.O_EXCL | CAREFUL, 0o600), "wb"
                ) as file:
                    file.write(note.encode())

    def write(self, chunk: bytes) -> None:
        """Appends; as soon as its first box is there, it has to be an MP4."""
        before, rest = self.size, memoryview(chunk)
        with self._disk():
            while rest:
                count = self._file.write(rest)
                self.size += count
                rest = rest[count:]
        if before < 8 <= self.size:
            self.check_type()

    def check_type(self) -> None:
        """An MP4 begins with the length of its first box, four bytes, and then `ftyp`."""
        with self._disk():
            self._file.seek(4)
            found = self._file.read(4)
            self._file.seek(0, os.SEEK_END)
        if found != b"ftyp":
            self.is_useless = True
            raise self.error("not_mp4", f"what came is no MP4 ({self.size} bytes)")

    def is_cut_short(self) -> bool:
        """Whether an MP4 ends within one of its boxes, or before its index or its media, whatever the host says of its length."""
        with self._disk():
            try:
                return self._ends_too_early()
            finally:
                self._file.seek(0, os.SEEK_END)

    def _ends_too_early(self) -> bool:
        place, kinds = 0, set()
        for _ in range(MOST_BOXES):
            self._file.seek(place)
            head = self._file.read(16)
            if len(head) < 8:
                break
            length, kind = struct.unpack(">I4s", head[:8])
            if kind not in KNOWN_BOXES:  # what follows may be no box at all, and is none of our business
                break
            if length == 1 and len(head) == 16:
                (length,) = struct.unpack(">Q", head[8:])
            elif length == 0:  # to the end
                length = self.size - place
            kinds.add(kind)
            place += max(length, 8)
            if place >= self.size:
                break
        has_media = b"moov" in kinds and not kinds.isdisjoint((b"mdat", b"moof"))
        return place > self.size or not has_media

    def sync(self) -> None:
        """Has the content on the disk."""
        with self._disk():
            os.fsync(self._file.fileno())

    def commit(self) -> None:
        """Gives it its name."""
        with self._disk():
            self._check_target()
            if not self._is_in_place():
                raise self.error("disk", f"{self._path.name} was taken away or replaced meanwhile")
            if fcntl is None:
                self._file.close()
            if self._overwrite or not self._link():
                self._path.replace(self.target)
            self._note.unlink(missing_ok=True)

    def _link(self) -> bool:
        """Gives it its name if nobody has that one, in one step; False if the file system knows no second names."""
        try:
            os.link(self._path, self.target)
        except FileExistsError:
            raise self._exists() from None
        except (OSError, NotImplementedError, AttributeError):
            return False
        self._path.unlink(missing_ok=True)
        return True

    def sync_directory(self) -> None:
        """Has the name on the disk."""
        with suppress(OSError):  # not every system lets a directory be opened
            number = os.open(self.target.parent, os.O_RDONLY)
            try:
                os.fsync(number)
            finally:
                os.close(number)

    def close(self) -> None:
        """Unlocks the file. If a later download could not go on from it, it is removed."""
        self._closed = True
        if self._file is None:
            return
        is_ours = self._held and not self._file.closed and self._is_in_place()
        if fcntl is None:
            self._file.close()
        if is_ours and (self.is_useless or not self.size):
            with suppress(OSError):
                self._note.unlink(missing_ok=True)
                self._path.unlink(missing_ok=True)
        self._held = False
        self._file.close()


def _open_file(path: Path, flags: int) -> int:
    """Opens what is a file: not what a link leads to, and no pipe or device, which could block or do anything."""
    if not stat.S_ISREG(path.lstat().st_mode):
        raise OSError(errno.EINVAL, f"{path.name} is no file")
    number = os.open(path, flags | CAREFUL)
    if not stat.S_ISREG(os.fstat(number).st_mode):  # another by now
        os.close(number)
        raise OSError(errno.EINVAL, f"{path.name} is no file")
    return number


def _is_own(found: os.stat_result) -> bool:
    """Whether a file is this user's, under one name: else another would get, or could have put there, what is in it."""
    return found.st_nlink == 1 and (not hasattr(os, "geteuid") or found.st_uid == os.geteuid())


def _read_own(path: Path) -> bytes:
    with os.fdopen(_open_file(path, os.O_RDONLY), "rb") as file:
        if not _is_own(os.fstat(file.fileno())):
            return b""
        return file.read(LONGEST_NOTE)
