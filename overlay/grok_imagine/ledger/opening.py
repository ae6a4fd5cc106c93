"""Opening and creating the ledger's file. Only SQLite opens it.

POSIX drops all locks of a process on a file when the process closes any descriptor of that file. SQLite keeps track of its
own descriptors. If we closed one of our own, the locks would be lost; the next process to close the ledger would take itself
for the last user and remove the log while others write to it. So this module uses only `stat` and `chmod`, which need no
descriptor.
"""

from __future__ import annotations

import os
import sqlite3
import stat
import tempfile
import time
from contextlib import closing
from pathlib import Path
from urllib.parse import quote

from ..errors import LedgerError
from .schema import check_kind, migrate

BUSY = 30.0
"""Seconds to wait for other processes that write."""

SMALLEST = 512
"""Minimum size in bytes of a database that is not empty."""

KINDS = (
    (stat.S_ISDIR, "a folder"),
    (stat.S_ISFIFO, "a pipe"),
    (stat.S_ISSOCK, "a socket"),
    (stat.S_ISCHR, "a device"),
    (stat.S_ISBLK, "a device"),
)


def open_file(path: Path, *, make: bool = True) -> sqlite3.Connection:
    """Connects to the ledger's file and migrates it to the newest schema. For one thread at a time.

    Args:
        path: The absolute path.
        make: Whether a missing or empty file becomes a ledger.

    Raises:
        LedgerError: The path is not a regular file or not a ledger; it is unchanged.
        ConfigurationError: A newer version of this package wrote the file.
        sqlite3.Error: The file can't be opened, or is not a database.
        OSError: The same.
    """
    size = _size(path)
    if size:
        _recognise(path, size)
    elif not make:
        raise LedgerError(
            f"{path} was emptied or deleted while the ledger was in use; put it back, or begin with a new Ledger"
        )
    else:
        _check_log(path)
    if size == 0:
        path.chmod(0o600)
    db = _make(path) if size is None else _connect(path, "mode=rw")
    try:
        _set_up(db, path)
    except BaseException:
        db.close()
        raise
    return db


def _size(path: Path) -> int | None:
    """None if nothing is there."""
    try:
        found = path.stat()
    except FileNotFoundError:
        if path.is_symlink():
            raise LedgerError(f"{path} is a symbolic link to nothing") from None
        return None
    if not stat.S_ISREG(found.st_mode):
        kind = next((name for test, name in KINDS if test(found.st_mode)), "not a file")
        raise LedgerError(f"{path} is {kind}; a ledger is a file")
    if found.st_nlink > 1:
        # SQLite names the log after the file: two names would give one ledger two logs.
        raise LedgerError(f"{path} has {found.st_nlink} names (hard links); a ledger has one, so copy it instead")
    return found.st_size


def _recognise(path: Path, size: int) -> None:
    """Refuses another program's database before anything in it changes, such as its journal mode.

    The first read takes no lock and ignores the log, so that it leaves no files behind. If it is inconclusive, because the
    data are in the log or a page is being written, a second, read-only one decides. If the creation of the file was
    interrupted, both may fail: SQLite rolls the file back when it is opened for writing, and it is checked then.
    """
    is_interrupted = identity(f"{os.path.realpath(path)}-journal") is not None
    if size < SMALLEST and not is_interrupted:
        raise LedgerError(f"{path} is not a database")  # SQLite would treat it as an empty one
    for options in ("mode=ro&immutable=1", "mode=ro"):
        try:
            with closing(_connect(path, options)) as db:
                if check_kind(db, path):
                    return
        except sqlite3.OperationalError:
            continue
        except sqlite3.DatabaseError as error:
            may_change = error.sqlite_errorcode == sqlite3.SQLITE_CORRUPT and options != "mode=ro"
            if not may_change and not is_interrupted:
                raise


def _check_log(path: Path) -> None:
    """Refuses a missing or empty file that has a log: SQLite would remove the log as a left-over."""
    log = f"{os.path.realpath(path)}-wal"
    if os.path.exists(log) and os.path.getsize(log):  # noqa: PTH110, PTH202 -- it is a text here
        raise LedgerError(f"{path} is missing or empty, but its log exists: {log}; restore the file, or move the log")


def _make(path: Path) -> sqlite3.Connection:
    # SQLite copies the mode of a given file. Changing the umask would affect the whole process.
    with tempfile.NamedTemporaryFile(dir=path.parent, prefix=f".{path.name}-") as private:
        return _connect(path, f"mode=rwc&modeof={quote(private.name)}")


def _connect(path: Path, options: str) -> sqlite3.Connection:
    db = sqlite3.connect(
        f"{path.as_uri()}?{options}", uri=True, timeout=BUSY, isolation_level=None, check_same_thread=False
    )
    # Otherwise one text that a bad disk damaged would make every other row unreadable.
    db.text_factory = lambda raw: raw.decode("utf-8", "replace")
    return db


def _set_up(db: sqlite3.Connection, path: Path) -> None:
    """Migrates the schema and enables the write-ahead log. It retries, since SQLite lets one process at a time do so."""
    end = time.monotonic() + BUSY
    while True:
        try:
            db.execute("PRAGMA synchronous = FULL")
            # For macOS, where fsync alone does not reach the disk; no effect elsewhere.
            db.execute("PRAGMA fullfsync = 1")
            db.execute("PRAGMA checkpoint_fullfsync = 1")
            migrate(db, path)
            db.execute("PRAGMA journal_mode = WAL")
            db.execute("SELECT COUNT(*) FROM sqlite_master").fetchone()  # opens the log, too
            return
        except sqlite3.OperationalError as error:
            waits = error.sqlite_errorcode & 0xFF in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_PROTOCOL)
            if not waits or time.monotonic() > end:
                raise
            time.sleep(0.01)


def is_whole(path: Path) -> bool:
    """Whether a file that became shorter passes SQLite's check."""
    with closing(_connect(path, "mode=ro")) as db:
        return str(db.execute("PRAGMA quick_check(1)").fetchone()[0]) == "ok"


def identity(path: str | os.PathLike[str]) -> tuple[int, int] | None:
    """The device and inode of a path's file; None if there is no file."""
    try:
        found = os.stat(path)  # noqa: PTH116 -- on every write, and a Path costs as much as the call
    except FileNotFoundError:
        return None
    return found.st_dev, found.st_ino
