"""How HTTP clients are made, and what leaves when one fails in a way of its own."""

from __future__ import annotations

import math
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from typing import Any, TypeVar

import httpx

from ..addresses import is_loopback
from ..errors import ConfigurationError, GrokImagineError
from .exchange import transport_error
from .network import Deadline
from .pools import PoolTransport, tls_context

C = TypeVar("C", httpx.Client, httpx.AsyncClient)

LOCATION = "grok_imagine.location"
"""Where an answer's extensions have a redirect's target."""


def client_for(kind: type[C], url: str, **options: Any) -> C:
    """An HTTP client for the host of a URL. What goes to this machine passes no proxy: it would get the key in plain text.

    Raises:
        ConfigurationError: The environment names a proxy that can't be used.
    """
    try:
        return kind(verify=tls_context(), trust_env=not is_loopback(httpx.URL(url).host), **options)
    except (ImportError, ValueError, httpx.InvalidURL) as error:  # the text may hold the proxy's password
        raise ConfigurationError(f"the proxy of the environment can't be used: {type(error).__name__}") from None


def files_client(url: str, timeout: float) -> httpx.Client:
    """A client for one file, which never had the key: a result's URL is on another host, and public."""
    hooks = {"response": [_take_location]}
    return httpx.Client(transport=_BoundedHead(httpx.URL(url), 1), trust_env=False, timeout=timeout, event_hooks=hooks)


class _BoundedHead(PoolTransport):
    """Takes in the head of an answer within the timeout of a step; the body may take as many steps as it has pieces."""

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        """See httpx."""
        step = request.extensions["timeout"]["read"]
        deadline = Deadline(step, time.monotonic() + step)
        request.extensions["timeout"] = dict.fromkeys(("connect", "read", "write", "pool"), deadline)
        response = super().handle_request(request)
        deadline.end = math.inf
        return response


def async_files_client(url: str, timeout: float) -> httpx.AsyncClient:
    """The same for asyncio."""

    async def take(response: httpx.Response) -> None:
        _take_location(response)

    return client_for(httpx.AsyncClient, url, timeout=timeout, event_hooks={"response": [take]})


def _take_location(response: httpx.Response) -> None:
    """Takes a redirect's target out of the headers: httpx makes a request of it, also of what is no URL, and fails."""
    response.extensions[LOCATION] = response.headers.pop("location", "")


@contextmanager
def typed() -> Iterator[None]:
    """Makes one of our errors of whatever a library raises, its own mistakes included."""
    try:
        yield
    except GrokImagineError:
        raise
    except Exception as error:
        raise transport_error(error) from error


def chunks_of(response: httpx.Response) -> Iterator[bytes]:
    """The body as it came. What reading it raises is typed; what is raised where a chunk is used is left alone."""
    with typed():
        yield from response.iter_raw()


async def async_chunks_of(response: httpx.Response) -> AsyncIterator[bytes]:
    """The same for asyncio."""
    with typed():
        async for chunk in response.aiter_raw():
            yield chunk
