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
"""Minimum seconds for which the ledger keeps send times: other processes may use longer windows."""


class LedgerQuota:
    """The quota of one machine, in the ledger's file.

    It uses the machine's clock. If the clock is set back, a request waits one window longer at most. If it is set forward,
    the quota forgets earlier requests.

    Args:
        path: The ledger's path. The file is created if missing.
        origin: The address whose limits apply.
        clock: Unix seconds; for tests.

    Raises:
        LedgerError: The file can't be opened, or is not a ledger.
        ConfigurationError: A newer version of this package wrote the file.
    """

    def __init__(self, path: str | os.PathLike[str], origin: str, *, clock: Callable[[], float] = time.time) -> None:
        # A connection of its own: a transaction of the quota must not mix with one of the jobs.
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
        # A power cut loses the count of a moment, which is not worth a sync for each request. OFF would endanger the jobs.
        db.execute("PRAGMA synchronous = NORMAL")
        with db:
            db.execute("BEGIN IMMEDIATE")
            now = self._clock()  # read under the lock, so that rows are in the clock's order
            # Rows in the future: the clock was set back. Their real time is unknown, but not later than now.
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
