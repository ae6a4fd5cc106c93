"""The sandbox's own address, as the client of the current request knows it: URLs of files begin with it.

Behind a published port or a container's name it differs from what the sandbox listens on.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

_origin: ContextVar[str | None] = ContextVar("grok_imagine_sandbox_origin", default=None)


def current_origin(default: str) -> str:
    """Scheme, host and port; `default` outside of a request."""
    return _origin.get() or default


@contextmanager
def asked_as(authority: str | None) -> Iterator[None]:
    """In here a request is answered that came with this `Host`, which is checked."""
    token = _origin.set(f"http://{authority}" if authority else None)
    try:
        yield
    finally:
        _origin.reset(token)
