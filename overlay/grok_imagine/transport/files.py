"""How files come: a client for one file, which never had the key, the cookies or the headers of another request.

A public URL is on another host than the service. What is the caller's own, `download_client` or `http_client`, lends its
connections, proxies and certificates.
"""

from __future__ import annotations

import math
import time
from collections.abc import AsyncIterator, Iterator
from typing import Any

from .. import logs
from ..config import Config
from ..core.effects import Head, Stream
from ..urls import Url, parse
from ._library import httpx
from .http_clients import Borrowed, library_of
from .network import Deadline
from .pools import PoolTransport, async_client
from .request import complete


def ready(stream: Stream, config: Config) -> tuple[Url, dict[str, Any]]:
    """Where a file is, and the request for it."""
    if stream.keyed:
        config.check_open()
        request = complete(config, stream.request, config.request_timeout)
        # The key goes along, to the client's own address alone.
        return config.place, {name: request[name] for name in ("method", "url", "headers")}
    return parse(stream.request["url"]), dict(stream.request)


def files_client(place: Url, config: Config, lender: Any = None) -> httpx.Client:
    """A client for one file."""
    options: dict[str, Any] = {"timeout": config.request_timeout, "trust_env": False}
    options["event_hooks"] = {"response": [_take_location]}
    if lender is None:
        return httpx.Client(transport=_BoundedHead(place, config, 1), **options)
    client: httpx.Client = library_of(lender, "Client").Client(transport=Borrowed(lender), **options)
    return client


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


def async_files_client(place: Url, config: Config, lender: Any = None) -> httpx.AsyncClient:
    """The same for asyncio."""

    async def take(response: Any) -> None:
        _take_location(response)

    options: dict[str, Any] = {"timeout": config.request_timeout, "event_hooks": {"response": [take]}}
    if lender is None:
        return async_client(place, config, **options)
    library = library_of(lender, "AsyncClient")
    client: httpx.AsyncClient = library.AsyncClient(transport=Borrowed(lender), trust_env=False, **options)
    return client


_LOCATION = "grok_imagine.location"


def _take_location(response: Any) -> None:
    """Takes a redirect's target out of the headers: the library makes a request of it, also of what is no URL, and fails."""
    response.extensions[_LOCATION] = response.headers.pop("location", "")


def head_of(response: Any, place: Url) -> Head:
    """The head of an answer. A transport of the caller's own may have read, and unpacked, the body."""
    headers = {name.lower(): value for name, value in response.headers.items()}
    if response.is_stream_consumed:
        headers.pop("content-encoding", None)
        headers["content-length"] = str(len(response.content))
    return Head(response.status_code, headers, place.host, response.extensions[_LOCATION])


def log_head(stream: Stream, place: Url, response: Any, seconds: float) -> None:
    """Logs that an answer began. Of a public URL that is its host alone: whoever has the path may have the video."""
    path = stream.request["url"] if stream.keyed else f"{place.origin}/..."
    logs.request(stream.request["method"], path, response.status_code, seconds)


def chunks_of(response: Any) -> Iterator[bytes]:
    """The body as it came."""
    if response.is_stream_consumed:
        yield response.content
    else:
        yield from response.iter_raw()


async def async_chunks_of(response: Any) -> AsyncIterator[bytes]:
    """The same for asyncio."""
    if response.is_stream_consumed:
        yield response.content
        return
    async for chunk in response.aiter_raw():
        yield chunk
