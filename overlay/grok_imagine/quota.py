"""One quota for several processes: before a request leaves, it is taken out of windows that all of them see.

A client's own requests are spaced in memory, whoever else there is. A `Quota` is asked besides. `LedgerQuota` serves the
processes of one machine, and every client with a ledger has one; `RedisQuota` serves many machines.
"""

from __future__ import annotations

import math
import os
import sqlite3
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from .errors import ConfigurationError, QuotaError

if TYPE_CHECKING:
    from .scheduler import Windows

__all__ = ["LedgerQuota", "Quota", "RedisQuota"]

FUTURE = 1.0
"""Seconds; what seems to have been sent later than this from now was noted by a clock that has been set back since."""


class Quota(Protocol):
    """Windows of requests that several processes share. For several threads at once."""

    def take(self, windows: Windows) -> float:
        """Takes one request out of every window.

        Args:
            windows: Requests, and the seconds in which so many may leave, each sliding.

        Returns:
            0.0 if the request may leave; else the seconds after which to ask again, and nothing was taken.

        Raises:
            QuotaError: It can't be asked. The client then goes by its own count, and warns.
        """

    def close(self) -> None:
        """Lets go of what it holds open."""


class LedgerQuota:
    """The quota of one machine, in the ledger's file.

    Args:
        path: The ledger's.
        origin: The address whose limits they are.
        clock: Unix seconds; for tests.
    """

    def __init__(self, path: str | os.PathLike[str], origin: str, *, clock: Callable[[], float] = time.time) -> None:
        self.path = Path(path)
        self._origin = origin
        self._clock = clock
        self._lock = threading.Lock()
        self._connection: sqlite3.Connection | None = None
        self._process = 0

    def take(self, windows: Windows) -> float:
        """See `Quota.take`."""
        try:
            with self._lock:
                db = self._opened()
                db.execute("BEGIN IMMEDIATE")
                try:
                    return self._take(db, windows, self._clock())
                finally:
                    db.execute("COMMIT")
        except sqlite3.Error as error:
            raise QuotaError(f"{self.path}: {error}") from error

    def _take(self, db: sqlite3.Connection, windows: Windows, now: float) -> float:
        longest = max((seconds for _, seconds in windows), default=0.0)
        db.execute(
            "DELETE FROM sent WHERE origin = ? AND (at <= ? OR at > ?)", (self._origin, now - longest, now + FUTURE)
        )
        wait = 0.0
        for most, seconds in windows:
            query = "SELECT at FROM sent WHERE origin = ? AND at > ? ORDER BY at DESC LIMIT 1 OFFSET ?"
            row = db.execute(query, (self._origin, now - seconds, most - 1)).fetchone()
            if row:
                wait = max(wait, row[0] + seconds - now)
        if wait <= 0:
            db.execute("INSERT INTO sent (origin, at) VALUES (?, ?)", (self._origin, now))
        return max(wait, 0.0)

    def _opened(self) -> sqlite3.Connection:
        # A connection must not cross a fork: the child opens its own.
        if self._connection is None or self._process != os.getpid():
            self._connection = sqlite3.connect(
                f"{self.path.absolute().as_uri()}?mode=rw", uri=True, timeout=30, isolation_level=None,
                check_same_thread=False,
            )  # fmt: skip
            # What a power cut takes of it is a minute's count, which is not worth a sync for each request.
            self._connection.execute("PRAGMA synchronous = OFF")
            self._process = os.getpid()
        return self._connection

    def close(self) -> None:
        """Closes the file."""
        with self._lock:
            if self._connection is not None and self._process == os.getpid():
                self._connection.close()
            self._connection = None

    def __repr__(self) -> str:
        return f"LedgerQuota({str(self.path)!r})"


class RedisQuota:
    """The quota of many machines, in a Redis server, by the `limits` library. Needs the extra `redis`.

    Its windows are of whole seconds: what is to be spaced by half a second is two in one second here.

    Args:
        url: The server's, such as `redis://127.0.0.1:6379/0`.
        name: What the processes that share the quota agree on. Not the key.

    Raises:
        ConfigurationError: The extra is not installed, or the URL is none.
    """

    def __init__(self, url: str, name: str = "grok-imagine") -> None:
        try:
            from limits import RateLimitItemPerSecond
            from limits.storage import RedisStorage
            from limits.strategies import MovingWindowRateLimiter
        except ImportError as error:
            raise ConfigurationError('RedisQuota needs redis: pip install "grok-imagine[redis]"') from error
        try:
            self._storage = RedisStorage(url, wrap_exceptions=True, socket_timeout=5, socket_connect_timeout=5)
        except (
            Exception
        ) as error:  # of many types: by what the URL lacks, or by the server that is asked for its scripts
            # The URL may hold a password, and the library's message the URL.
            text = f"no Redis server is behind the URL of RedisQuota({name!r}): {type(error).__name__}"
            raise ConfigurationError(text) from None
        self._limiter = MovingWindowRateLimiter(self._storage)
        self._item: Any = RateLimitItemPerSecond
        self._name = name

    def take(self, windows: Windows) -> float:
        """See `Quota.take`. The narrowest window is taken first: what is wasted there when a wider one is full is soon back."""
        from limits.errors import StorageError

        try:
            for most, seconds in sorted(map(_whole, windows), key=lambda window: window[1]):
                item = self._item(most, seconds)
                if not self._limiter.hit(item, self._name):
                    return max(self._limiter.get_window_stats(item, self._name).reset_time - time.time(), 0.01)
        except StorageError as error:
            cause = error.storage_error if hasattr(error, "storage_error") else error
            raise QuotaError(f"Redis: {type(cause).__name__}") from None
        return 0.0

    def close(self) -> None:
        """Closes the connections."""
        self._storage.storage.close()

    def __repr__(self) -> str:
        return f"RedisQuota(name={self._name!r})"


def _whole(window: tuple[int, float]) -> tuple[int, int]:
    """A window in whole seconds that allows no more than the given one in the long run, and at least one request."""
    most, seconds = window
    if seconds < 1:
        return max(1, int(most / seconds)), 1
    return most, math.ceil(seconds)
