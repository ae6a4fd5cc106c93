"""One quota for several processes: before a request leaves, it is taken out of windows that all of them see.

A client's own requests are spaced in memory, whoever else there is. A `Quota` is asked besides. `LedgerQuota` serves the
processes of one machine, and every client with a ledger has one; `RedisQuota` serves many machines.
"""

from __future__ import annotations

import math
import time
from collections.abc import Sequence
from typing import Protocol, TypeAlias
from urllib.parse import urlsplit

from ..errors import ConfigurationError, QuotaError
from ..hints import Hint

__all__ = ["Quota", "RedisQuota", "Windows", "check_windows"]

Windows: TypeAlias = Sequence[tuple[int, float]]
"""Requests (at least 1) and in how many seconds so many may leave, each a sliding window. The price goes by the first."""

ROUNDING = 1e-6
"""Seconds; more than Unix time loses as a float, so that who waits as long as told is not told to wait again."""

SERVER_TIMEOUT = 2.0
"""Seconds; for each step of asking a Redis server."""


class Quota(Protocol):
    """Windows of requests that several processes share. For several threads at once."""

    def take(self, windows: Windows) -> float:
        """Takes one request out of every window, or out of none.

        Args:
            windows: Requests, and the seconds in which so many may leave, each sliding.

        Returns:
            0.0 if the request may leave; else the seconds after which to ask again.

        Raises:
            ConfigurationError: A window allows no request, or lasts no time.
            QuotaError: It can't be asked. The client then goes by its own count, and warns.
        """

    def close(self) -> None:
        """Lets go of what it holds open."""


class RedisQuota:
    """The quota of many machines, in a Redis server, by the `limits` library. Needs the extra `redis`.

    Its windows are of whole seconds: one request in half a second is two in one second here. They are taken one after the
    other, the narrowest first: when another process is quicker to the last place of a wider one, the narrower have lost
    theirs. The machines' clocks should agree; by as much as they do not, a window may be passed.

    A server that can't be asked ends no job and loses none: the client warns and goes by its own count, until it can.

    Args:
        url: The server's, such as `redis://127.0.0.1:6379/0`, `rediss://:password@host:6379` or `unix:///run/redis.sock`. What
            the `redis` library takes behind a `?`, it takes here. Nothing is asked of the server yet.
        name: What the processes that share the quota agree on. Not the key: it is stored, and shown.

    Raises:
        ConfigurationError: The extra is not installed, the URL is none, or there is no name.
    """

    def __init__(self, url: str, name: str = "grok-imagine") -> None:
        try:
            from limits.storage import RedisStorage
            from redis import ConnectionPool
            from redis.backoff import NoBackoff
            from redis.retry import Retry
        except ImportError as error:
            hint = Hint("install", "pip install 'grok-imagine[redis]'")
            raise ConfigurationError(f"RedisQuota needs redis: {hint.text}", hint=hint) from error
        if not isinstance(name, str) or not name:
            raise ConfigurationError(f"RedisQuota: name is a text that the processes agree on; got {name!r}")
        self._name = name
        self._address = _address(url)
        try:
            # Once more, since a kept connection may have been closed by the server meanwhile.
            self._pool = ConnectionPool.from_url(
                url,
                socket_timeout=SERVER_TIMEOUT,
                socket_connect_timeout=SERVER_TIMEOUT,
                retry=Retry(NoBackoff(), 1),
            )
            self._pool.connection_class(**self._pool.connection_kwargs)  # refuses options that it does not know
        except (ValueError, TypeError) as error:
            # Without its text, which may quote the password.
            text = (
                f"RedisQuota({self._address!r}): the redis library refuses the URL's options ({type(error).__name__})"
            )
            raise ConfigurationError(text) from None
        # With a pool, of the URL only the scheme is read.
        self._storage = RedisStorage("redis://", self._pool, key_prefix="grok-imagine", wrap_exceptions=True)

    def take(self, windows: Windows) -> float:
        """See `Quota.take`. None is taken if one is seen to be full."""
        from limits.errors import StorageError

        check_windows(windows)
        whole = _whole(windows)
        try:
            wait = max((self._wait(most, seconds) for seconds, most in whole), default=0.0)
            if wait:
                return wait
            for seconds, most in whole:
                # Under one key whatever the number, as clients learn that each by itself.
                if not self._storage.acquire_entry(f"{self._name}/{seconds}", most, seconds):
                    return self._wait(most, seconds) or ROUNDING
        except StorageError as error:
            # Neither its text nor itself: servers quote what they did not understand, such as a password.
            cause = type(error.storage_error).__name__
            raise QuotaError(f"the Redis server at {self._address} can't be asked: {cause}") from None
        return 0.0

    def _wait(self, most: int, seconds: int) -> float:
        oldest, count = self._storage.get_moving_window(f"{self._name}/{seconds}", most, seconds)
        if count < most:
            return 0.0
        # The clock of who took it may be ahead; the server drops a window that nobody took from for so long.
        return min(max(oldest + seconds - time.time(), ROUNDING), float(seconds))

    def close(self) -> None:
        """Closes the connections."""
        self._pool.disconnect()

    def __repr__(self) -> str:
        return f"RedisQuota({self._address!r}, name={self._name!r})"


def check_windows(windows: Windows) -> None:
    """Refuses windows that allow no request, or last no time."""
    for most, seconds in windows:
        if not isinstance(most, int) or most < 1 or not 0 < seconds < math.inf:
            raise ConfigurationError(
                f"a window is 1 request or more in more than 0 seconds; got ({most!r}, {seconds!r})"
            )


def _whole(windows: Windows) -> list[tuple[int, int]]:
    """Windows in whole seconds, as (seconds, requests), narrowest first; they allow no more than the given in the long run."""
    whole: dict[int, int] = {}
    for most, seconds in windows:
        wider = math.ceil(seconds)
        requests = math.floor(most * wider / seconds + ROUNDING)
        whole[wider] = min(whole.get(wider, requests), requests)
    return sorted(whole.items())


def _address(url: str) -> str:
    """Host and port, or the socket's path: all of a URL that may be shown."""
    shape = "redis://:password@host:port/0, rediss:// for TLS, or unix:///path"
    try:
        parts = urlsplit(url)
        place = parts.path if parts.scheme == "unix" else f"{parts.hostname or 'localhost'}:{parts.port or 6379}"
    except (ValueError, TypeError, AttributeError):
        raise ConfigurationError(f"RedisQuota: url is none; it is to look like {shape}") from None
    if parts.scheme not in ("redis", "rediss", "unix"):
        raise ConfigurationError(f"RedisQuota: url is of no Redis server; it is to look like {shape}")
    # Then a / ? or # in the password has cut it in two, and what looks like the host is a part of it.
    if "@" in f"{parts.path}{parts.query}{parts.fragment}":
        raise ConfigurationError(
            "RedisQuota: url has an @ behind the host; in a password, / is %2F, ? is %3F and # is %23"
        )
    return place
