"""What leaves when the HTTP library, or one that a caller's own client is of, fails in a way of its own.

Errors are known by the names of their classes: `httpx2` has the same ones as `httpx`, and need not be there.
"""

from __future__ import annotations

import traceback
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any

from ..errors import GrokImagineError, NotDelivered, RequestTimeout, TransportError
from ..urls import Url

LIBRARIES = ("httpx", "httpcore", "httpx2", "httpcore2")

HOLDERS = frozenset({*LIBRARIES, "h11", "h2", "hpack", "socksio", "anyio", "trio", "asyncio", "ssl", "socket"})
"""Packages through whose hands a header goes."""

NOT_DELIVERED = frozenset({"ConnectError", "ConnectTimeout", "PoolTimeout", "ProxyError", "UnsupportedProtocol"})
"""What the libraries raise before the first byte of a request has left for the service."""

STATUS = frozenset({"HTTPStatusError"})

TOO_SLOW = frozenset({"TimeoutException"})


def is_of(error: BaseException, names: frozenset[str]) -> bool:
    """Whether an error is a library's of one of these names, or of a class below it."""
    return any(
        kind.__name__ in names and kind.__module__.partition(".")[0] in LIBRARIES for kind in type(error).__mro__
    )


def transport_error(error: BaseException, *, sent: bool | None = None, place: Url | None = None) -> TransportError:
    """Our error for a library's, by what is known of the request: not sent, too slow, or lost.

    Args:
        error: Whatever was raised.
        sent: Whether a byte may have left; None where only the error shows it.
        place: Where the request went.
    """
    if isinstance(error, TransportError):
        ours = error
    else:
        _clear_locals(error)
        text = f"{type(error).__name__}: {error}"[:500] if str(error) else type(error).__name__
        if sent is False or (sent is None and is_of(error, NOT_DELIVERED)):
            ours = NotDelivered(text)
        else:
            is_slow = isinstance(error, TimeoutError) or is_of(error, TOO_SLOW)
            ours = RequestTimeout(text) if is_slow else TransportError(text)
    if place and ours.host is None:
        ours.host, ours.port = place.host, place.known_port
    return ours


def answer_in(error: Exception) -> Any:
    """The answer of which a hook of the caller's own made an error, by `raise_for_status`. Any other error is raised."""
    if is_of(error, STATUS):
        return error.response  # type: ignore[attr-defined]
    raise error


def _clear_locals(error: BaseException) -> None:
    """Clears the local variables of the library's frames: they hold the key, and those of a proxy, where nothing hides them.

    Frames of the program are kept: what it handles meanwhile is in the chain, too, and a generator whose frame is cleared ends.
    """
    each: BaseException | None = error
    for _ in range(20):
        if each is None:
            return
        for frame, _ in traceback.walk_tb(each.__traceback__):
            module = str(frame.f_globals.get("__name__"))
            if module.partition(".")[0] in HOLDERS or module.startswith(f"{__package__}."):
                with suppress(RuntimeError):  # it still runs
                    frame.clear()
        each = each.__cause__ or each.__context__


def broken_off(error: Exception) -> str:
    """What is wrong with an answer of which only a part came."""
    return f"breaks off: {transport_error(error)}"


@contextmanager
def typed(place: Url | None = None) -> Iterator[None]:
    """Makes one of our errors of whatever a library raises, its own mistakes included."""
    try:
        yield
    except GrokImagineError as error:
        if isinstance(error, TransportError):
            transport_error(error, place=place)
        raise
    except Exception as error:
        raise transport_error(error, place=place) from error
