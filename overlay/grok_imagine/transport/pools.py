"""Connections of our own: pools, certificates, and the proxy that was given or that the environment names."""

from __future__ import annotations

import functools
import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from urllib.parse import unquote
from urllib.request import getproxies, proxy_bypass

from ..addresses import is_loopback
from ..config import Config
from ..errors import ConfigurationError
from ..hints import Hint
from ..urls import Url
from ._library import httpcore, httpx
from .network import Backend

KEEPALIVE = 60.0
"""Seconds an idle connection is kept. The library's 5 s would make every poll that is slower connect anew."""


@functools.cache
def _default_context() -> ssl.SSLContext:
    """One TLS context for all clients: reading the certificates costs more than everything else of a client."""
    return httpx.create_ssl_context()


def tls_context(verify: ssl.SSLContext | bool) -> ssl.SSLContext:
    """The certificates that a client trusts."""
    if isinstance(verify, ssl.SSLContext):
        return verify
    if verify:
        return _default_context()
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    return context


class PoolTransport(httpx.HTTPTransport):
    """Connections to one host that go by deadlines. What patches httpx's own transport, as recorders do, meets this one too.

    Only `_pool` is httpx's, the name that its `handle_request` goes by.

    Args:
        place: The host's.
        config: The client's.
        count: Connections at most.

    Raises:
        ConfigurationError: The proxy can't be used.
    """

    def __init__(self, place: Url, config: Config, count: int) -> None:
        self._backend = Backend()
        self._pool = _pool(tls_context(config.verify), proxy_of(place, config.proxy), self._backend, count)

    def drop(self) -> None:
        """In a child process: lets go of the parent's connections without a word on them."""
        self._backend.drop()


def _pool(context: ssl.SSLContext, proxy: httpx.URL | None, backend: Backend, count: int) -> httpcore.ConnectionPool:
    options: dict[str, Any] = {
        "ssl_context": context, "max_connections": count, "max_keepalive_connections": count,
        "keepalive_expiry": KEEPALIVE, "network_backend": backend,
    }  # fmt: skip
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
        raise ConfigurationError(f"a SOCKS proxy needs another package: {hint.text}", hint=hint) from None


def proxy_of(place: Url, given: str | None) -> httpx.URL | None:
    """The proxy for an address: the one that was given, or the one that the environment names.

    The environment's is not asked for this machine: it would get the key in plain text.

    Raises:
        ConfigurationError: It is no URL of a proxy. The text, which may hold a password, is not repeated.
    """
    named, whose = given, "proxy"
    if named is None:
        if is_loopback(place.host) or proxy_bypass(place.origin.partition("://")[2]):
            return None
        proxies, whose = getproxies(), "the environment's proxy"
        named = proxies.get(place.scheme) or proxies.get("all")
        if not named:
            return None
    try:
        proxy = httpx.URL(named if "://" in named else f"http://{named}")
        host = proxy.host
    except (httpx.InvalidURL, ValueError):
        raise ConfigurationError(f"{whose} is no URL") from None
    if proxy.scheme not in ("http", "https", "socks5", "socks5h") or not host:
        raise ConfigurationError(f"{whose} is none of http, https and socks5")
    return proxy


def async_transport(place: Url, config: Config) -> httpx.AsyncHTTPTransport:
    """Connections to one host for an event loop: no more of them than requests at once.

    Raises:
        ConfigurationError: As for `PoolTransport`.
    """
    count = config.max_connections
    limits = httpx.Limits(max_connections=count, max_keepalive_connections=count, keepalive_expiry=KEEPALIVE)
    with _usable():
        context, proxy = tls_context(config.verify), proxy_of(place, config.proxy)
        return httpx.AsyncHTTPTransport(verify=context, trust_env=False, limits=limits, proxy=proxy)


@contextmanager
def _usable() -> Iterator[None]:
    try:
        yield
    except (ImportError, ValueError, httpx.InvalidURL) as error:  # the text may hold the proxy's password
        if isinstance(error, ConfigurationError):
            raise
        raise ConfigurationError(f"the proxy can't be used: {type(error).__name__}") from None


def async_client(place: Url, config: Config, **options: Any) -> httpx.AsyncClient:
    """An asynchronous HTTP client for one host.

    Raises:
        ConfigurationError: As for `PoolTransport`.
    """
    with _usable():
        context, proxy = tls_context(config.verify), proxy_of(place, config.proxy)
        return httpx.AsyncClient(verify=context, proxy=proxy, trust_env=False, **options)
