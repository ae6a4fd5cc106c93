"""The connection to the ledger's file: one for all threads of a process. It detects changes that others make to the file."""

from __future__ import annotations

import os
import sqlite3
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import TypeVar
from weakref import WeakSet, finalize

from ..errors import LedgerError
from .opening import identity, is_whole, open_file
from .ownership import OWN, TOKENS, Owner

T = TypeVar("T")

FORK_TIMEOUT = 5.0
"""Seconds that a fork waits for other threads to finish their writes."""

SUFFIXES = ("", "-wal", "-shm")
"""The database, its log, and the shared-memory file. SQLite removes the latter two when the last connection closes."""


class Store:
    """A ledger's file, for several threads. Other objects and processes may use it, too; a forked child reopens it.

    Args:
        path: The path of the file, which is created if missing.

    Attributes:
        path: The path as it was given.
        owner: The locked file that shows other processes that this one lives.
        lock: Held while the connection is used.

    Raises:
        LedgerError: The file can't be opened, or is not a ledger.
        ConfigurationError: A newer version of this package wrote the file.
    """

    def __init__(self, path: str | os.PathLike[str]) -> None:
        self.path = Path(path)
        self.lock = threading.RLock()
        self._absolute = self.path.absolute()  # a program may change its working directory
        self.real = os.path.realpath(self._absolute)  # SQLite puts the log there
        self.owner = Owner(self.real)
        self._db: sqlite3.Connection | None = None
        self._used = 0
        self._size = 0
        self._files: list[tuple[int, int] | None] = [None]
        self.run(lambda db: None)
        finalize(self, self.owner.end)
        with _registry:
            _stores.add(self)

    def run(self, work: Callable[[sqlite3.Connection], T], request_id: str | None = None) -> T:
        """Calls `work` with the connection. A transaction that is still open afterwards is rolled back.

        Raises:
            LedgerError: SQLite failed, or the file is not the one that was opened. The error has the job's id.
        """
        try:
            with self.lock:
                db = self._connected()
                self._check()
                self._used += 1
                try:
                    result = work(db)
                finally:
                    self._used -= 1
                    if not self._used and db.in_transaction:
                        db.rollback()
                self._check()  # a write to a deleted file is no write
                return result
        except LedgerError as error:
            error.request_id = error.request_id or request_id
            raise
        except (sqlite3.Error, OSError) as error:
            raise LedgerError(f"{self.path}: {error}", request_id=request_id) from error

    def _connected(self) -> sqlite3.Connection:
        if self._db is None:
            first = self._files[0]
            if first is not None and identity(self._absolute) != first:
                raise self._gone()
            self._db = open_file(self._absolute, make=first is None)
            files = [identity(self.real + suffix) for suffix in SUFFIXES]
            if first is not None and files[0] != first:
                self._disconnect()
                raise self._gone()
            self._files = files
        return self._db

    def _check(self) -> None:
        """Checks that the files are those that were opened: SQLite goes on with deleted files, other processes use the new ones."""
        main, *others = self._files
        if identity(self._absolute) != main:
            raise self._gone()
        for suffix, known in zip(SUFFIXES[1:], others, strict=True):
            if identity(self.real + suffix) != known:
                raise LedgerError(
                    f"{self.real}{suffix} was deleted or replaced while the ledger was in use; writing has stopped."
                    " End the processes that use it before its files are touched"
                )
        size = os.path.getsize(self.real)  # noqa: PTH202 -- on every write
        if size < self._size and not (size and is_whole(self._absolute)):
            raise LedgerError(f"{self.path} was truncated while it was in use; writing has stopped")
        self._size = size

    def _gone(self) -> LedgerError:
        return LedgerError(
            f"{self.path} was deleted or replaced while it was in use; writing has stopped."
            " Restore the file, or create a new Ledger"
        )

    def close(self) -> None:
        """Closes the file. The next use opens it again."""
        with self.lock:
            self._disconnect()
            self.owner.end()

    def _disconnect(self) -> None:
        db, self._db = self._db, None
        if db is not None:
            db.close()

    def before_fork(self, end: float) -> bool:
        """Closes an idle connection, since none may cross a fork. Returns whether `lock` is now held."""
        if not self.lock.acquire(timeout=max(end - time.monotonic(), 0.0)):
            return False
        if not self._used:
            with suppress(sqlite3.Error):
                self._disconnect()
        return True

    def after_fork_in_child(self) -> None:
        """Drops the parent's lock and connection without closing the connection."""
        self.lock = threading.RLock()
        db, self._db, self._used = self._db, None, 0
        if db is not None:
            _leak(db)
        self.owner.forget()


_stores: WeakSet[Store] = WeakSet()
_registry = threading.RLock()
_held: list[Store] = []


def _leak(db: sqlite3.Connection) -> None:
    """Keeps the parent's connection from being collected: closing it in the child may undo what the parent writes."""
    with suppress(ImportError, AttributeError):  # PyPy closes nothing at exit
        import ctypes

        ctypes.pythonapi.Py_IncRef(ctypes.py_object(db))


# Python discards exceptions in these hooks, Ctrl-C included. So a lock is listed before it is taken, and always released.


def _before_fork() -> None:
    end = time.monotonic() + FORK_TIMEOUT
    _registry.acquire(timeout=FORK_TIMEOUT)
    for store in list(_stores):
        _held.append(store)
        if not store.before_fork(end):
            _held.pop()


def _after_fork() -> None:
    while _held:
        with suppress(KeyboardInterrupt):
            with suppress(RuntimeError):  # it was released before the Ctrl-C, or not taken yet
                _held[-1].lock.release()
            _held.pop()
    with suppress(RuntimeError):  # it could not be taken in time
        _registry.release()


def _after_fork_in_child() -> None:
    global _registry
    _held.clear()
    OWN.clear()
    TOKENS.clear()
    _registry = threading.RLock()
    for store in list(_stores):
        store.after_fork_in_child()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(before=_before_fork, after_in_parent=_after_fork, after_in_child=_after_fork_in_child)
