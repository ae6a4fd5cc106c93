"""Access control: only host names of this machine, and only web pages of this machine.

A page of any site can make a visitor's browser send requests to the sandbox, by its address or by a name that resolves to
127.0.0.1 (DNS rebinding). `Origin` reveals the former, `Host` the latter.
"""

import ipaddress
import re
from collections.abc import Collection

from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import PlainTextResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from .exposure import is_local
from .origins import asked_as

_AUTHORITY = re.compile(r"(\[[0-9a-f:.]+\]|[a-z0-9._-]+)(?::[0-9]{0,5})?", re.IGNORECASE)
_ORIGIN = re.compile(r"https?://([^/?#@\\]+)", re.IGNORECASE)
_TOKENS = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z, -]{0,1000}")


def host_names(names: Collection[str]) -> frozenset[str]:
    """Names to allow, as they are compared.

    Raises:
        ValueError: One is no name of a host, and would never be met.
    """
    if isinstance(names, str):
        raise ValueError(f"allow_hosts is a list of names, such as [{names!r}]")
    for name in names:
        found = _AUTHORITY.fullmatch(name)
        if found is None or found[1] != name:
            raise ValueError(
                f"an allowed host is a name such as 'sandbox', without scheme, port and path, not {name!r}"
            )
    return frozenset(name.lower().rstrip(".") for name in names)


class Guard:
    """Refuses requests for other host names and from other sites' pages; answers CORS preflights of local pages.

    Args:
        app: The application for allowed requests.
        allowed: Further host names, such as a container's; see `host_names`.
        is_local: Whether the sandbox listens to this machine only. Else it answers to addresses, too: no name of another's
            leads to one.
    """

    def __init__(self, app: ASGIApp, allowed: Collection[str] = (), is_local: bool = True) -> None:
        self._app = app
        self._is_local = is_local
        self._allowed = frozenset(allowed)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass an allowed request on, or answer it."""
        headers = Headers(scope=scope)
        origin = headers.get("origin")
        refusal = self._refusal(scope, headers, origin)
        if refusal is not None:
            await refusal(scope, receive, send)
            return
        with asked_as(headers.get("host")):
            if origin is None:
                await self._app(scope, receive, send)
            elif scope["method"] == "OPTIONS" and "access-control-request-method" in headers:
                await _preflight(origin, headers)(scope, receive, send)
            else:
                await self._app(scope, receive, _shared(origin, send))

    def _refusal(self, scope: Scope, headers: Headers, origin: str | None) -> Response | None:
        # HTTP/1.0 requests may lack Host; browsers always send it. An absolute-form target counts, too (RFC 9112).
        target = _ORIGIN.match(scope["raw_path"].decode("latin-1"))
        names = headers.getlist("host") + ([target[1]] if target else [])
        if not all(self._knows(name) or (not self._is_local and _is_address(name)) for name in names):
            text = "the sandbox answers to names of this machine only: localhost, 127.0.0.1, [::1]"
            return PlainTextResponse(f"{text}; --allow-host adds others\n", 421)
        page = _ORIGIN.fullmatch(origin) if origin is not None else None
        if origin is not None and (page is None or not self._knows(page[1])):
            text = "the sandbox answers to web pages of this machine only"
            return PlainTextResponse(f"{text}; --allow-host adds others\n", 403)
        return None

    def _knows(self, authority: str) -> bool:
        found = _AUTHORITY.fullmatch(authority.strip())
        if found is None:
            return False
        name = found[1].lower().rstrip(".")
        return name in self._allowed or is_local(name)


def _is_address(authority: str) -> bool:
    found = _AUTHORITY.fullmatch(authority.strip())
    try:
        return found is not None and bool(ipaddress.ip_address(found[1].strip("[]")))
    except ValueError:
        return False


def _preflight(origin: str, headers: Headers) -> Response:
    asked = headers.get("access-control-request-headers", "")
    allowed = {
        "access-control-allow-origin": origin,
        "access-control-allow-methods": "GET, HEAD, POST, DELETE",
        "access-control-allow-headers": asked if _TOKENS.fullmatch(asked) else "authorization, content-type",
        "access-control-max-age": "600",
        "vary": "Origin, Access-Control-Request-Headers",
    }
    if headers.get("access-control-request-private-network") == "true":
        allowed["access-control-allow-private-network"] = "true"
    return Response(status_code=204, headers=allowed)


def _shared(origin: str, send: Send) -> Send:
    """Adds the CORS headers that let the page at `origin` read the answer."""

    async def sharing(message: Message) -> None:
        if message["type"] == "http.response.start":
            headers = MutableHeaders(scope=message)
            headers["access-control-allow-origin"] = origin
            headers["access-control-expose-headers"] = "*"
            headers.add_vary_header("Origin")
        await send(message)

    return sharing
