"""The quota of the processes of one machine, in the ledger's file."""

from __future__ import annotations

import os
import sqlite3
import time
from collections.abc import Callable

from ..errors import LedgerError, QuotaError
from ..pacing.quota import ROUNDING, Windows, check_windows
from .store import Store

__all__ = ["LedgerQuota"]

KEPT = 3600.0
"""Seconds for which the ledger keeps what was sent, at least: other processes may go by longer windows."""


class LedgerQuota:
    """The quota of one machine, in the ledger's file.

    It goes by the machine's clock. Set back, that clock delays a request by one window at most; set forward, it makes the
    quota forget.

    Args:
        path: The ledger's; made if missing.
        origin: The address whose limits they are.
        clock: Unix seconds; for tests.

    Raises:
        LedgerError: The file can't be opened, or is none of ours.
        ConfigurationError: It was written by a newer version of this package.
    """

    def __init__(self, path: str | os.PathLike[str], origin: str, *, clock: Callable[[], float] = time.time) -> None:
        # Of its own: a transaction here must not meet one of the jobs on the same connection.
        self._store = Store(path)
        self.path = self._store.path
        self._origin = origin
        self._clock = clock

    def take(self, windows: Windows) -> float:
        """See `Quota.take`."""
        check_windows(windows)
        try:
            return self._store.run(lambda db: self._take(db, windows))
        except LedgerError as error:
            raise QuotaError(error.message) from error

    def _take(self, db: sqlite3.Connection, windows: Windows) -> float:
        # What a power cut takes is the count of a moment, not worth a sync for each request. OFF would risk the jobs, too.
        db.execute("PRAGMA synchronous = NORMAL")
        with db:
            db.execute("BEGIN IMMEDIATE")
            now = self._clock()  # not before: in the order of the clock, and of the table
            # The clock was set back since these left; when they did is unknown, but not after now.
            db.execute("UPDATE sent SET at = ? WHERE origin = ? AND at > ?", (now, self._origin, now))
            longest = max([KEPT, *(seconds for _, seconds in windows)])
            db.execute("DELETE FROM sent WHERE origin = ? AND at <= ?", (self._origin, now - longest))
            wait = max((self._wait(db, now, most, seconds) for most, seconds in windows), default=0.0)
            if not wait:
                db.execute("INSERT INTO sent (origin, at) VALUES (?, ?)", (self._origin, now))
            return wait

    def _wait(self, db: sqlite3.Connection, now: float, most: int, seconds: float) -> float:
        query = "SELECT at FROM sent WHERE origin = ? AND at > ? ORDER BY at DESC LIMIT 1 OFFSET ?"
        row = db.execute(query, (self._origin, now - seconds, most - 1)).fetchone()
        return max(row[0] + seconds - now, 0.0) + ROUNDING if row else 0.0

    def close(self) -> None:
        """Closes the file."""
        self._store.close()

    def __repr__(self) -> str:
        return f"LedgerQuota({str(self.path)!r})"
