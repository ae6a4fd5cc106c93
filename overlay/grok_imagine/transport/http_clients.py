"""HTTP clients of the caller's own: of `httpx`, or of its fork `httpx2`, which need not be there."""

from __future__ import annotations

import sys
from typing import Any, Protocol

from ..config import Config
from ..errors import ConfigurationError


class HttpClient(Protocol):
    """An `httpx.Client` or an `httpx2.Client`; for type checkers."""

    @property
    def is_closed(self) -> bool:
        """Whether it was closed."""

    def send(self, request: Any, *, stream: bool = False) -> Any:
        """Sends a request."""

    def close(self) -> None:
        """Closes its connections."""


class AsyncHttpClient(Protocol):
    """An `httpx.AsyncClient` or an `httpx2.AsyncClient`; for type checkers."""

    @property
    def is_closed(self) -> bool:
        """Whether it was closed."""

    async def send(self, request: Any, *, stream: bool = False) -> Any:
        """Sends a request."""

    async def aclose(self) -> None:
        """Closes its connections."""


def lender_of(config: Config, kind: str, http_client: object, download_client: object) -> Any:
    """The client whose connections bring files, if one was given.

    Args:
        config: The client's.
        kind: `Client` or `AsyncClient`.
        http_client: Sends all requests.
        download_client: Brings files.

    Raises:
        ConfigurationError: One is no such client, or goes round the proxy or the certificates that were given.
    """
    for name, given in (("http_client", http_client), ("download_client", download_client)):
        if given is not None:
            library_of(given, kind, name)
    if http_client is not None and (config.proxy is not None or config.verify is not True):
        raise ConfigurationError("an http_client has a proxy and verify of its own; give them to that")
    return http_client if download_client is None else download_client


def library_of(client: object, kind: str, name: str = "http_client") -> Any:
    """The library whose client one is.

    Raises:
        ConfigurationError: It is none.
    """
    for known in type(client).__mro__:
        root = known.__module__.partition(".")[0]
        if known.__name__ == kind and root in ("httpx", "httpx2"):
            return sys.modules[root]
    raise ConfigurationError(f"{name} is an httpx.{kind} or an httpx2.{kind}; got {type(client).__name__}")


class Borrowed:
    """The connections, proxies and certificates of a client, without its headers, auth, cookies, parameters and hooks.

    A transport for another client of the same library; it leaves the lender open. `_transport_for_url` is the name that both
    libraries have for what chooses among a client's proxies.
    """

    def __init__(self, lender: Any) -> None:
        self._lender = lender

    def _transport(self, request: Any) -> Any:
        if self._lender.is_closed:
            raise ConfigurationError("the HTTP client that was given is closed")
        return self._lender._transport_for_url(request.url)

    def handle_request(self, request: Any) -> Any:
        """See httpx."""
        return self._transport(request).handle_request(request)

    async def handle_async_request(self, request: Any) -> Any:
        """See httpx."""
        return await self._transport(request).handle_async_request(request)

    def close(self) -> None:
        """Leaves the lender open."""

    async def aclose(self) -> None:
        """Leaves the lender open."""
