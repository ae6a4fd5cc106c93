"""URLs, read once and strictly: what is taken here for the host is the host for the HTTP library and for a proxy, too."""

from __future__ import annotations

import ipaddress
import re
from typing import NamedTuple
from urllib.parse import urljoin

import idna

from .addresses import is_host

LONGEST = 65536
"""Characters; the HTTP library refuses what is longer."""

PORTS = {"http": 80, "https": 443}

# RFC 3986, appendix B.
_URL = re.compile(r"(?:([a-zA-Z][a-zA-Z0-9+.-]*):)?(?://([^/?#]*))?([^?#]*)(?:\?[^#]*)?(?:#.*)?", re.DOTALL)
_AUTHORITY = re.compile(r"(?:(.*)@)?(\[[0-9a-fA-F:.]*\]|[^:@\[\]]*)(?::([0-9]{0,5}))?", re.DOTALL)
_DOTTED = re.compile(r"[0-9]+(\.[0-9]+){3}")


class Url(NamedTuple):
    """What a URL says of where it leads.

    Attributes:
        text: The URL as it was given.
        scheme: In lower case; empty for a relative one.
        host: ASCII in lower case, as it is looked up; empty for a relative one.
        port: None for the scheme's own.
        path: Without the query.
        has_user: Whether a user name or password, also an empty one, is in it.
    """

    text: str
    scheme: str
    host: str
    port: int | None
    path: str
    has_user: bool

    @property
    def origin(self) -> str:
        """Scheme, host and port."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{self.scheme}://{host}" + (f":{self.port}" if self.port is not None else "")

    @property
    def known_port(self) -> int | None:
        """The port, the scheme's own too."""
        return self.port if self.port is not None else PORTS.get(self.scheme)

    def join(self, reference: str) -> Url:
        """Where a reference leads from here.

        Raises:
            ValueError: Nowhere that is a URL.
        """
        parse(reference)
        return parse(urljoin(self.text, reference))


def parse(text: str) -> Url:
    """Reads a URL or a reference to one.

    Raises:
        ValueError: It is none, or one that two readers may take for different ones.
    """
    # What can't be encoded is a UnicodeEncodeError, which is a ValueError.
    if len(text.encode()) > LONGEST or any(character < " " or character == "\x7f" for character in text):
        raise ValueError("too long, or with a control character")
    found = _URL.fullmatch(text)
    assert found is not None  # everything matches
    scheme, authority, path = (found[1] or "").lower(), found[2] or "", found[3]
    parts = _AUTHORITY.fullmatch(authority)
    if not parts:
        raise ValueError("no host and port")
    host = _host(parts[2])
    if not host and (path.startswith(("//", ":")) or (scheme and "//" in path)):
        raise ValueError("a path that reads as a host or a scheme")
    port = int(parts[3]) if parts[3] else None
    if port is not None and not 0 < port < 65536:
        raise ValueError("no such port")
    return Url(text, scheme, host, None if port == PORTS.get(scheme) else port, path, parts[1] is not None)


def _host(host: str) -> str:
    """A host as it is looked up."""
    if host.startswith("["):
        ipaddress.IPv6Address(host[1:-1])
        return host[1:-1].lower()
    if host and not is_host(host.lower()):
        raise ValueError("no host that can be looked up")
    host = host.lower() if host.isascii() else idna.encode(host.lower()).decode("ascii")
    if _DOTTED.fullmatch(host):
        ipaddress.IPv4Address(host)
    if "xn--" in host:  # httpx2 decodes each of these; httpx, those that begin so
        idna.decode(host)
    return host
