"""What it means to listen to more than this machine."""

from __future__ import annotations

import ipaddress

EXPOSED = (
    "whoever reaches this machine can ask the sandbox: it has no login and no TLS, and any key will do; it holds no secret, "
    "but it works for everybody, and shows all jobs. Beside addresses it answers to the names of --allow-host."
)


def is_local(host: str) -> bool:
    """Whether a host name always means this machine (RFC 6761, RFC 1122)."""
    name = host.lower()
    if name == "localhost" or name.endswith(".localhost"):
        return True
    try:
        return ipaddress.ip_address(name.strip("[]")).is_loopback
    except ValueError:
        return False


def reached_by(host: str) -> str:
    """The host of the base URL for this machine."""
    found = {"": "127.0.0.1", "0.0.0.0": "127.0.0.1", "::": "::1"}.get(host, host)
    return f"[{found}]" if ":" in found else found
