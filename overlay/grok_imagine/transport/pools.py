"""Pools of kept connections, through the proxy that the environment names."""

from __future__ import annotations

import functools
import ssl
from typing import Any
from urllib.parse import unquote
from urllib.request import getproxies, proxy_bypass

import httpcore
import httpx

from ..addresses import is_loopback
from ..errors import ConfigurationError
from ..hints import Hint
from .network import Backend

KEEPALIVE = 60.0
"""Seconds an idle connection is kept. The library's 5 s would make every poll that is slower connect anew."""


@functools.cache
def tls_context() -> ssl.SSLContext:
    """One TLS context for all clients: reading the certificates costs more than everything else of a client."""
    return httpx.create_ssl_context()


class PoolTransport(httpx.HTTPTransport):
    """Connections to one host that go by deadlines. What patches httpx's own transport, as recorders do, meets this one too.

    Only `_pool` is httpx's, the name that its `handle_request` goes by.

    Args:
        url: The host's.
        count: Connections at most.

    Raises:
        ConfigurationError: The environment names a proxy that can't be used.
    """

    def __init__(self, url: httpx.URL, count: int) -> None:
        self._backend = Backend()
        self._pool = make_pool(url, self._backend, count)

    def drop(self) -> None:
        """In a child process: lets go of the parent's connections without a word on them."""
        self._backend.drop()


def make_pool(url: httpx.URL, backend: Backend, count: int) -> httpcore.ConnectionPool:
    """A pool of at most so many connections to the host of a URL.

    Raises:
        ConfigurationError: The environment names a proxy that can't be used.
    """
    options: dict[str, Any] = {
        "ssl_context": tls_context(), "max_connections": count, "max_keepalive_connections": count,
        "keepalive_expiry": KEEPALIVE, "network_backend": backend,
    }  # fmt: skip
    proxy = proxy_of(url)
    if proxy is None:
        return httpcore.ConnectionPool(**options)
    options["proxy_url"] = httpcore.URL(
        scheme=proxy.raw_scheme, host=proxy.raw_host, port=proxy.port, target=proxy.raw_path
    )
    if proxy.userinfo:
        options["proxy_auth"] = (unquote(proxy.username), unquote(proxy.password))
    if not proxy.scheme.startswith("socks5"):
        return httpcore.HTTPProxy(**options)
    try:
        return httpcore.SOCKSProxy(**options)
    except (ImportError, RuntimeError):
        hint = Hint("install", "pip install 'httpx[socks]'")
        raise ConfigurationError(f"the environment names a SOCKS proxy: {hint.text}", hint=hint) from None


def proxy_of(url: httpx.URL) -> httpx.URL | None:
    """The proxy that the environment names for an address. None for this machine's own: the key is not to go round by a proxy.

    Raises:
        ConfigurationError: It names one that is no URL.
    """
    if is_loopback(url.host) or proxy_bypass(url.netloc.decode("ascii")):
        return None
    proxies = getproxies()
    named = proxies.get(url.scheme) or proxies.get("all")
    if not named:
        return None
    try:
        proxy = httpx.URL(named if "://" in named else f"http://{named}")
    except (httpx.InvalidURL, ValueError):  # the text may hold the proxy's password
        raise ConfigurationError("the environment names a proxy that is no URL") from None
    if proxy.scheme not in ("http", "https", "socks5", "socks5h") or not proxy.host:
        raise ConfigurationError("the environment names a proxy that is none of http, https and socks5")
    return proxy
