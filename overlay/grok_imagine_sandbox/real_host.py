"""Keeps requests from the real service while a test runs: neither its name is looked up, nor a request handed to a connection."""

from __future__ import annotations

import http.client
import os
import socket
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from typing import Any

DOMAIN = "x.ai"
"""The service's: `api.x.ai`, its regions, and the hosts of files."""

_LOOKUPS = ("getaddrinfo", "gethostbyname", "gethostbyname_ex")
_CONNECTS = ("connect", "connect_ex")
_TRANSPORTS = (("HTTPTransport", "handle_request"), ("AsyncHTTPTransport", "handle_async_request"))


def is_real(host: object) -> bool:
    """Whether a host is the service's."""
    if isinstance(host, bytes | bytearray):
        host = host.decode("latin-1")
    name = host.lower().rstrip(".") if isinstance(host, str) else ""
    return name == DOMAIN or name.endswith(f".{DOMAIN}")


@contextmanager
def refused(note: Callable[[str], object]) -> Iterator[None]:
    """In here nothing of this process reaches the service. What tries gets an error at once, and is noted.

    Args:
        note: Is told of each refused host.
    """
    from grok_imagine.config import Config

    with ExitStack() as stack:
        for name in _LOOKUPS:
            _replace(stack, socket, name, lambda found: _lookup(found, note))
        for name in _CONNECTS:
            _replace(stack, socket.socket, name, lambda found: _connect(found, note))
        # The proxies that the environment names would look the name up elsewhere.
        for variable in ("no_proxy", "NO_PROXY"):
            names = filter(None, [os.environ.get(variable), DOMAIN, f"{DOMAIN}."])
            stack.enter_context(environment({variable: ",".join(names)}))
        _replace(stack, http.client.HTTPConnection, "set_tunnel", lambda found: _tunnel(found, note))
        for library in filter(None, map(sys.modules.get, ("httpx", "httpx2"))):
            for kind, method in _TRANSPORTS:
                _replace(stack, getattr(library, kind), method, lambda found: _handler(found, note))
        _replace(stack, Config, "check_open", lambda found: _check(found, note))
        yield


@contextmanager
def environment(variables: dict[str, str]) -> Iterator[None]:
    """In here the environment has these variables; after it, what it had."""
    before = {name: os.environ.get(name) for name in variables}
    os.environ.update(variables)
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value


def _replace(stack: ExitStack, owner: Any, name: str, wrapped: Callable[[Any], Any]) -> None:
    found = getattr(owner, name)
    setattr(owner, name, wrapped(found))
    stack.callback(setattr, owner, name, found)


def _lookup(found: Callable[..., Any], note: Callable[[str], object]) -> Callable[..., Any]:
    def lookup(host: Any, *arguments: Any, **options: Any) -> Any:
        if is_real(host):
            note(str(host))
            raise socket.gaierror(socket.EAI_FAIL, _text(host))
        return found(host, *arguments, **options)

    return lookup


def _connect(found: Callable[..., Any], note: Callable[[str], object]) -> Callable[..., Any]:
    """Given a name, the system looks it up by itself."""

    def connect(connection: Any, address: Any, *arguments: Any) -> Any:
        if isinstance(address, tuple) and address and is_real(address[0]):
            note(str(address[0]))
            raise socket.gaierror(socket.EAI_FAIL, _text(address[0]))
        return found(connection, address, *arguments)

    return connect


def _tunnel(found: Callable[..., Any], note: Callable[[str], object]) -> Callable[..., Any]:
    def tunnel(connection: Any, host: Any, *arguments: Any, **options: Any) -> Any:
        if is_real(host):
            note(str(host))
            raise ConnectionError(_text(host))
        return found(connection, host, *arguments, **options)

    return tunnel


def _handler(found: Callable[..., Any], note: Callable[[str], object]) -> Callable[..., Any]:
    def handle(transport: Any, request: Any) -> Any:  # the coroutine of an asynchronous one is passed through
        if is_real(request.url.host):
            note(request.url.host)
            raise ConnectionError(_text(request.url.host))
        return found(transport, request)

    return handle


def _check(found: Callable[[Any], None], note: Callable[[str], object]) -> Callable[[Any], None]:
    """A client of ours asks this before each request; what it raises is not tried again."""
    from grok_imagine.errors import ConfigurationError

    def check(config: Any) -> None:
        if is_real(config.place.host):
            note(config.place.host)
            raise ConfigurationError(_text(config.place.host))
        found(config)

    return check


def _text(host: object) -> str:
    return (
        f"a test with grok_imagine asks its sandbox, never {host}: leave base_url out, and make the client in the test, not at"
        " import: XAI_BASE_URL names the sandbox there; what you mock yourself goes into a test without it"
    )
