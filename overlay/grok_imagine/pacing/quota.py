"""A quota shared by several processes: each request is counted in windows that all processes use.

A client spaces its own requests in memory in any case and asks the `Quota` in addition. `LedgerQuota` serves the processes
of one machine; every client with a ledger has one. `RedisQuota` serves several machines.
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
"""Sliding windows: a number of requests (at least 1), and the seconds in which they may leave. The first sets the price."""

ROUNDING = 1e-6
"""Seconds; more than the rounding error of Unix time as a float, so that one wait of the returned length is enough."""

SERVER_TIMEOUT = 2.0
"""Seconds for each step of a request to a Redis server."""


class Quota(Protocol):
    """Windows of requests that several processes share. Safe for several threads."""

    def take(self, windows: Windows) -> float:
        """Takes one request out of every window, or out of none.

        Args:
            windows: The sliding windows.

        Returns:
            0.0 if the request may leave; otherwise the seconds after which to ask again.

        Raises:
            ConfigurationError: A window allows no request, or has no duration.
            QuotaError: The quota is not available. The client then uses its own count, and warns.
        """

    def close(self) -> None:
        """Closes its connections or files."""


class RedisQuota:
    """The quota of several machines, in a Redis server, by the `limits` library. Needs the extra `redis`.

    Its windows have whole seconds: one request in half a second becomes two in one second. They are taken one after the
    other, the narrowest first. If another process takes the last place of a wider window, the places in the narrower ones
    are lost. The machines' clocks should agree; a window may be exceeded by their difference.

    If the server is not available, no job ends and none is lost: the client warns and uses its own count meanwhile.

    Args:
        url: The server's URL, such as `redis://127.0.0.1:6379/0`, `rediss://:password@host:6379` or
            `unix:///run/redis.sock`, with the query options of the `redis` library. The constructor does not connect.
        name: The name of the quota, equal in all processes. Not the API key: the name is stored and shown.

    Raises:
        ConfigurationError: The extra is not installed, the URL is invalid, or the name is empty.
    """

    def __init__(self, url: str, name: str = "grok-imagine") -> None:
        try:
            from limits.storage import RedisStorage
            from redis import ConnectionPool
            from redis.backoff import NoBackoff
            from redis.retry import Retry
        except ImportError as error:
            hint = Hint("install", "install grok-imagine with its extra [redis]; in a checkout: pip install '.[redis]'")
            raise ConfigurationError(f"RedisQuota needs redis: {hint.text}", hint=hint) from error
        if not isinstance(name, str) or not name:
            raise ConfigurationError(f"RedisQuota: name is a string, equal in all processes; got {name!r}")
        self._name = name
        self._address = _address(url)
        try:
            # One retry: the server may have closed a pooled connection.
            self._pool = ConnectionPool.from_url(
                url,
                socket_timeout=SERVER_TIMEOUT,
                socket_connect_timeout=SERVER_TIMEOUT,
                retry=Retry(NoBackoff(), 1),
            )
            self._pool.connection_class(**self._pool.connection_kwargs)  # refuses unknown options
        except (ValueError, TypeError) as error:
            # Without the error's text, which may quote the password.
            text = (
                f"RedisQuota({self._address!r}): the redis library refuses the URL's options ({type(error).__name__})"
            )
            raise ConfigurationError(text) from None
        # With a pool, only the scheme of the URL is used.
        self._storage = RedisStorage("redis://", self._pool, key_prefix="grok-imagine", wrap_exceptions=True)

    def take(self, windows: Windows) -> float:
        """See `Quota.take`. If a window is already full, nothing is taken from any."""
        from limits.errors import StorageError

        check_windows(windows)
        whole = _whole(windows)
        try:
            wait = max((self._wait(most, seconds) for seconds, most in whole), default=0.0)
            if wait:
                return wait
            for seconds, most in whole:
                # The key omits the number of requests, since each client learns that by itself.
                if not self._storage.acquire_entry(f"{self._name}/{seconds}", most, seconds):
                    return self._wait(most, seconds) or ROUNDING
        except StorageError as error:
            # Neither text nor cause: servers quote what they did not understand, such as a password.
            cause = type(error.storage_error).__name__
            raise QuotaError(f"the Redis server at {self._address} is not available: {cause}") from None
        return 0.0

    def _wait(self, most: int, seconds: int) -> float:
        oldest, count = self._storage.get_moving_window(f"{self._name}/{seconds}", most, seconds)
        if count < most:
            return 0.0
        # Another machine's clock may be ahead. The server drops a window that is unused for `seconds`.
        return min(max(oldest + seconds - time.time(), ROUNDING), float(seconds))

    def close(self) -> None:
        """Closes the connections."""
        self._pool.disconnect()

    def __repr__(self) -> str:
        return f"RedisQuota({self._address!r}, name={self._name!r})"


def check_windows(windows: Windows) -> None:
    """Refuses windows that allow no request, or have no duration."""
    for most, seconds in windows:
        if not isinstance(most, int) or most < 1 or not 0 < seconds < math.inf:
            raise ConfigurationError(
                f"a window has at least 1 request and more than 0 seconds; got ({most!r}, {seconds!r})"
            )


def _whole(windows: Windows) -> list[tuple[int, int]]:
    """Windows in whole seconds, as (seconds, requests), narrowest first. In the long run they allow no more than the given ones."""
    whole: dict[int, int] = {}
    for most, seconds in windows:
        wider = math.ceil(seconds)
        requests = math.floor(most * wider / seconds + ROUNDING)
        whole[wider] = min(whole.get(wider, requests), requests)
    return sorted(whole.items())


def _address(url: str) -> str:
    """Host and port, or the socket's path: the parts of a URL that may be shown."""
    shape = "redis://:password@host:port/0, rediss:// for TLS, or unix:///path"
    try:
        parts = urlsplit(url)
        place = parts.path if parts.scheme == "unix" else f"{parts.hostname or 'localhost'}:{parts.port or 6379}"
    except (ValueError, TypeError, AttributeError):
        raise ConfigurationError(f"RedisQuota: url is invalid; its form is {shape}") from None
    if parts.scheme not in ("redis", "rediss", "unix"):
        raise ConfigurationError(f"RedisQuota: url has no Redis scheme; its form is {shape}")
    # A / ? or # in the password has cut the URL, so that a part of the password looks like the host.
    if "@" in f"{parts.path}{parts.query}{parts.fragment}":
        raise ConfigurationError(
            "RedisQuota: url has an @ after the host; in a password, write %2F for /, %3F for ? and %23 for #"
        )
    return place
