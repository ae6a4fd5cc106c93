"""How the ledger's file is opened, and made: by SQLite alone.

POSIX drops all locks that a process has on a file when the process closes any descriptor of it. SQLite counts its own
descriptors and keeps those that are still locked through; one of ours would tell the next process that closes the ledger
that it is the last, and it would remove the log that others write to. So nothing here opens the file: `stat` and `chmod`
need no descriptor.
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
"""Seconds for which other processes are waited for that write."""

SMALLEST = 512
"""Bytes of a database that is not empty."""

KINDS = (
    (stat.S_ISDIR, "a folder"),
    (stat.S_ISFIFO, "a pipe"),
    (stat.S_ISSOCK, "a socket"),
    (stat.S_ISCHR, "a device"),
    (stat.S_ISBLK, "a device"),
)


def open_file(path: Path, *, make: bool = True) -> sqlite3.Connection:
    """A connection to the ledger's file, in its newest form. For one thread at a time.

    Args:
        path: Absolute.
        make: Whether one that is missing or empty becomes a ledger.

    Raises:
        LedgerError: It is no file, or one of something else; it was left as it is.
        ConfigurationError: It was written by a newer version of this package.
        sqlite3.Error: It can't be opened, or is no database.
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
        kind = next((name for test, name in KINDS if test(found.st_mode)), "no file")
        raise LedgerError(f"{path} is {kind}; a ledger is a file")
    if found.st_nlink > 1:
        # SQLite names the log after the file: two names were two logs of one ledger.
        raise LedgerError(f"{path} has {found.st_nlink} names (hard links); a ledger has one, so copy it instead")
    return found.st_size


def _recognise(path: Path, size: int) -> None:
    """Refuses a database of something else before anything about it changes, such as how it keeps its log.

    The first look takes no lock and heeds no log: it leaves nothing behind. What it can't tell, since all is in the log or a
    page is just being written, a second one tells that only reads. Neither may tell of a file whose making was interrupted:
    such a one SQLite has to put back, as it does for anybody who opens it, and it is judged then.
    """
    is_interrupted = identity(f"{os.path.realpath(path)}-journal") is not None
    if size < SMALLEST and not is_interrupted:
        raise LedgerError(f"{path} is not a database")  # SQLite would take it for an empty one
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
    """SQLite would take the log of a file that is gone, or empty, for a left-over, and remove it."""
    log = f"{os.path.realpath(path)}-wal"
    if os.path.exists(log) and os.path.getsize(log):  # noqa: PTH110, PTH202 -- it is a text here
        raise LedgerError(f"{path} is gone or empty, but its log is there: {log}; put it back, or move that away")


def _make(path: Path) -> sqlite3.Connection:
    # SQLite gives a new file the mode of another one. The umask is the whole process's, and is left alone.
    with tempfile.NamedTemporaryFile(dir=path.parent, prefix=f".{path.name}-") as private:
        return _connect(path, f"mode=rwc&modeof={quote(private.name)}")


def _connect(path: Path, options: str) -> sqlite3.Connection:
    db = sqlite3.connect(
        f"{path.as_uri()}?{options}", uri=True, timeout=BUSY, isolation_level=None, check_same_thread=False
    )
    # Else one text that a bad disk spoiled would hide every other row.
    db.text_factory = lambda raw: raw.decode("utf-8", "replace")
    return db


def _set_up(db: sqlite3.Connection, path: Path) -> None:
    """Migrates it, and turns the write-ahead log on. Of processes that do so at once SQLite refuses all but one."""
    end = time.monotonic() + BUSY
    while True:
        try:
            db.execute("PRAGMA synchronous = FULL")
            # Elsewhere than on macOS they change nothing; there, fsync alone does not reach the disk.
            db.execute("PRAGMA fullfsync = 1")
            db.execute("PRAGMA checkpoint_fullfsync = 1")
            migrate(db, path)
            db.execute("PRAGMA journal_mode = WAL")
            db.execute("SELECT COUNT(*) FROM sqlite_master").fetchone()  # now the log is open, too
            return
        except sqlite3.OperationalError as error:
            waits = error.sqlite_errorcode & 0xFF in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_PROTOCOL)
            if not waits or time.monotonic() > end:
                raise
            time.sleep(0.01)


def is_whole(path: Path) -> bool:
    """Whether SQLite finds nothing wrong with a file that has become shorter."""
    with closing(_connect(path, "mode=ro")) as db:
        return str(db.execute("PRAGMA quick_check(1)").fetchone()[0]) == "ok"


def identity(path: str | os.PathLike[str]) -> tuple[int, int] | None:
    """Which file a path leads to; None if to none."""
    try:
        found = os.stat(path)  # noqa: PTH116 -- on every write, and a Path costs as much as the call
    except FileNotFoundError:
        return None
    return found.st_dev, found.st_ino
