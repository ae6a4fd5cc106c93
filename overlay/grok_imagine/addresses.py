"""Classification of hosts: name or address, this machine or another, in every spelling."""

from __future__ import annotations

import ipaddress
import re
import socket
from typing import TypeAlias

Address: TypeAlias = ipaddress.IPv4Address | ipaddress.IPv6Address

EMBEDDED = (
    ipaddress.IPv6Network("::ffff:0:0/96"),
    ipaddress.IPv6Network("64:ff9b::/96"),
    ipaddress.IPv6Network("::/96"),
)
"""IPv6 networks whose last 32 bits are an IPv4 address."""

THIS_NETWORK = ipaddress.IPv4Network("0.0.0.0/8")


def address_of(host: str) -> Address | None:
    """The IP address of a host, or None if the host is a name.

    The system's resolver also accepts `127.1`, `0x7f.1`, `0177.0.0.1` and `2130706433` as addresses.
    """
    host = host.strip("[]").partition("%")[0].rstrip(".")
    try:
        found = ipaddress.ip_address(host)
    except ValueError:
        try:
            return ipaddress.IPv4Address(socket.inet_aton(host))
        except (OSError, ValueError):
            return None
    if isinstance(found, ipaddress.IPv6Address) and int(found) > 1 and any(found in network for network in EMBEDDED):
        return ipaddress.IPv4Address(int(found) & 0xFFFFFFFF)
    return found


def is_loopback(host: str) -> bool:
    """Whether a host is this machine: `localhost` and the names below it, 127.0.0.0/8, ::1."""
    name = host.rstrip(".").lower()
    address = address_of(host)
    return name == "localhost" or name.endswith(".localhost") or (address is not None and address.is_loopback)


def is_nowhere(host: str) -> bool:
    """Whether a host can't be a file server: an address of no single machine, a link-local one, or one in a rare spelling.

    Private addresses are allowed: the user's own gateway may have one.
    """
    address = address_of(host)
    if address is None:
        return False
    try:
        ipaddress.ip_address(host.strip("[]"))
    except ValueError:  # such a spelling only serves to hide an address
        return True
    if address.is_loopback:  # a real host
        return False
    is_none = address.version == 4 and address in THIS_NETWORK
    return is_none or address.is_unspecified or address.is_link_local or address.is_multicast or address.is_reserved


def is_host(host: str) -> bool:
    """Whether a host can be resolved, and every other URL parser, such as a proxy's, reads the same host."""
    try:
        # The system's lookup raises other errors than OSError if a label is empty or too long.
        host.encode("idna")
    except UnicodeError:
        return False
    return re.fullmatch(r"[\w.:-]+", host) is not None
