"""What both kinds of client share: what a fork does to them, and the hint for a name that another SDK has."""

from __future__ import annotations

import os
from typing import Any
from weakref import WeakSet

__all__ = ["live", "no_attribute"]

live: WeakSet[Any] = WeakSet()
"""Every client of this process."""


def no_attribute(client: object, name: str) -> AttributeError:
    """The error of a name that a client does not have."""
    hint = "; this API is client.video: start, generate, extend, get, wait" if name == "videos" else ""
    return AttributeError(f"{type(client).__name__!r} object has no attribute {name!r}{hint}", name=name, obj=client)


def _after_fork_in_child() -> None:
    """Gives the clients of a child process connections, locks and limits of its own: the parent's would cross its answers."""
    for client in list(live):
        client._driver.after_fork_in_child()
        client._core.after_fork_in_child()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork_in_child)
