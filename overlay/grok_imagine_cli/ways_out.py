"""What to look at when a connection, an address or the ledger is at fault: the way out that a message of the system does not say."""

from __future__ import annotations

import ipaddress
import socket
import ssl
from collections.abc import Iterator
from urllib.parse import SplitResult, urlsplit
from urllib.request import getproxies, proxy_bypass

__all__ = ["host_of", "ways_out"]

ADDRESS = "is --base-url or XAI_BASE_URL right"

BY_CAUSE: tuple[tuple[type[BaseException], str], ...] = (
    (socket.gaierror, f"the name of that host has no address: is the network up, {ADDRESS}?"),
    (ssl.SSLCertVerificationError, "a certificate that the system does not know is named by SSL_CERT_FILE"),
    (ssl.SSLError, "that port speaks no TLS that is understood: is its address one of http://?"),
    (ConnectionRefusedError, f"nothing listens there: is the server running, {ADDRESS}?"),
)
"""By what a connection failed of, the first that fits."""


def host_of(error: BaseException) -> tuple[str, int | None] | None:
    """Where a connection failed, by the first error in its chain that knows."""
    for each in _chain(error):
        if host := getattr(each, "host", None):
            return str(host), getattr(each, "port", None)
    return None


def ways_out(error: BaseException, address: str = "") -> Iterator[str]:
    """What to look at, a line each.

    Args:
        error: Any.
        address: The service's. A connection to any other host is one of https.
    """
    names = {cls.__name__ for cls in type(error).__mro__}
    if (place := host_of(error)) and (proxy := _proxy_of(*place, urlsplit(address))):
        yield f"it was asked through {proxy}; NO_PROXY={place[0]} goes without"
    elif place:
        yield from (way for way in [_by_cause(error)] if way)
    if "AuthenticationError" in names:
        yield "the key that was sent is that of XAI_API_KEY"
    elif _is_no_api(error):
        yield f"that is no answer of the API: {ADDRESS}? xAI's ends with /v1"
    elif "LedgerError" in names:
        yield "--ledger or GROK_IMAGINE_LEDGER names another file; `grok-imagine doctor` checks it"


def _chain(error: BaseException) -> Iterator[BaseException]:
    seen = set[int]()
    each: BaseException | None = error
    while each is not None and id(each) not in seen:
        seen.add(id(each))
        yield each
        each = each.__cause__ or each.__context__


def _by_cause(error: BaseException) -> str | None:
    chain = list(_chain(error))
    return next((way for kind, way in BY_CAUSE if any(isinstance(each, kind) for each in chain)), None)


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost" or host.endswith(".localhost")


def _proxy_of(host: str, port: int | None, service: SplitResult) -> str | None:
    """The proxy that the environment names for a host, without its password. This machine is asked without one."""
    if _is_loopback(host) or proxy_bypass(f"{host}:{port}"):
        return None
    proxies = getproxies()
    own = service.scheme if service.hostname == host else "https"
    scheme = next((name for name in (own, "all") if proxies.get(name)), None)
    if scheme is None:
        return None
    found = urlsplit(proxies[scheme] if "://" in proxies[scheme] else f"//{proxies[scheme]}")
    return f"the proxy {found.hostname}{f':{found.port}' if found.port else ''} of {scheme.upper()}_PROXY"


def _is_no_api(error: BaseException) -> bool:
    """Whether an answer is a page, or leads elsewhere."""
    status, body = getattr(error, "status_code", None), getattr(error, "body", "")
    is_moved = isinstance(status, int) and 300 <= status < 400
    is_page = isinstance(body, str) and body.lstrip().startswith("<") and status in (200, 401, 403, 404, 405, 407)
    return is_moved or is_page
