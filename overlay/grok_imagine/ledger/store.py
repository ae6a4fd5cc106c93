"""The ledger's file in use: one connection for the threads of a process, that notices what is done to the file behind its back."""

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

PATIENCE = 5.0
"""Seconds for which a fork waits for the other threads' lines to be written."""

BESIDE = ("", "-wal", "-shm")
"""The database, its log, and the memory that its users share; SQLite removes the latter two with the last connection."""


class Store:
    """A ledger's file, for several threads. Other objects and processes may have it open, too; a forked child begins anew.

    Args:
        path: The file's; made if missing.

    Attributes:
        path: As it was given.
        owner: What shows other processes that this one lives.
        lock: Held while the connection is used.

    Raises:
        LedgerError: The file can't be opened, or is none of ours.
        ConfigurationError: It was written by a newer version of this package.
    """

    def __init__(self, path: str | os.PathLike[str]) -> None:
        self.path = Path(path)
        self.lock = threading.RLock()
        self._absolute = self.path.absolute()  # a program may change its folder
        self.real = os.path.realpath(self._absolute)  # where SQLite puts the log
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
        """Does something with the connection. A transaction that was begun and not committed is rolled back.

        Raises:
            LedgerError: SQLite can't, or the file is not the one that was opened; with the id of the job it was about.
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
                self._check()  # what was written to a file that is gone was not written
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
            files = [identity(self.real + suffix) for suffix in BESIDE]
            if first is not None and files[0] != first:
                self._disconnect()
                raise self._gone()
            self._files = files
        return self._db

    def _check(self) -> None:
        """Whether the files are those that were opened: SQLite goes on with what is deleted, and other processes with what is there."""
        main, *others = self._files
        if identity(self._absolute) != main:
            raise self._gone()
        for suffix, known in zip(BESIDE[1:], others, strict=True):
            if identity(self.real + suffix) != known:
                raise LedgerError(
                    f"{self.real}{suffix} was deleted or replaced while the ledger was in use; nothing is written any more."
                    " End the processes that use it before its files are touched"
                )
        size = os.path.getsize(self.real)  # noqa: PTH202 -- on every write
        if size < self._size and not (size and is_whole(self._absolute)):
            raise LedgerError(f"{self.path} was truncated while it was in use; nothing is written any more")
        self._size = size

    def _gone(self) -> LedgerError:
        return LedgerError(
            f"{self.path} was deleted or replaced while it was in use; nothing is written any more."
            " Put it back, or begin with a new Ledger"
        )

    def close(self) -> None:
        """Closes the file, until it is used again."""
        with self.lock:
            self._disconnect()
            self.owner.end()

    def _disconnect(self) -> None:
        db, self._db = self._db, None
        if db is not None:
            db.close()

    def before_fork(self, end: float) -> bool:
        """Closes an idle connection, since none may cross a fork. Whether `lock` is held from here on."""
        if not self.lock.acquire(timeout=max(end - time.monotonic(), 0.0)):
            return False
        if not self._used:
            with suppress(sqlite3.Error):
                self._disconnect()
        return True

    def begin_anew(self) -> None:
        """In a forked child: nothing of its parent's is used, closed or collected."""
        self.lock = threading.RLock()
        db, self._db, self._used = self._db, None, 0
        if db is not None:
            _keep_for_ever(db)
        self.owner.forget()


_stores: WeakSet[Store] = WeakSet()
_registry = threading.RLock()
_held: list[Store] = []


def _keep_for_ever(db: sqlite3.Connection) -> None:
    """Of a thread that was at work: closing the parent's connection in the child may undo what the parent writes."""
    with suppress(ImportError, AttributeError):  # PyPy closes nothing at exit
        import ctypes

        ctypes.pythonapi.Py_IncRef(ctypes.py_object(db))


# Python drops what is raised in these, Ctrl-C too: so each lock is on the list before it is taken, and given back in any case.


def _before_fork() -> None:
    end = time.monotonic() + PATIENCE
    _registry.acquire(timeout=PATIENCE)
    for store in list(_stores):
        _held.append(store)
        if not store.before_fork(end):
            _held.pop()


def _after_fork() -> None:
    while _held:
        with suppress(KeyboardInterrupt):
            with suppress(RuntimeError):  # it was given back before the Ctrl-C, or not taken yet
                _held[-1].lock.release()
            _held.pop()
    with suppress(RuntimeError):  # it was not to be had in time
        _registry.release()


def _after_fork_in_child() -> None:
    global _registry
    _held.clear()
    OWN.clear()
    TOKENS.clear()
    _registry = threading.RLock()
    for store in list(_stores):
        store.begin_anew()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(before=_before_fork, after_in_parent=_after_fork, after_in_child=_after_fork_in_child)
