"""Downloads from and uploads to this machine. Both run in the event loop, so that no worker waits for a slow server."""

import asyncio
import functools
import logging
from collections.abc import Awaitable, Callable
from typing import TypeVar
from urllib.parse import urljoin, urlsplit

import httpx

from .inputs import LOOPBACK, InputFailure, Kind, status_line, too_large, unreachable, web_address

log = logging.getLogger("grok_imagine_sandbox")

T = TypeVar("T")

# Exceptions of httpx for various URLs: a port out of range is an OverflowError within a group.
_FAILURES = (httpx.HTTPError, httpx.InvalidURL, OSError, ValueError, ArithmeticError, ExceptionGroup)
_STEP = httpx.Timeout(5.0).as_dict()  # seconds for each step, the service's own figure (PROTO)
_REDIRECTS = 3
_QUICK, _SLOW = 32, 64


class Lanes:
    """Limits concurrent work in two lanes, so that slow work does not block quick work.

    Work starts in the quick lane. After `patience` seconds it moves to the slow lane, or ends if that is full.

    Args:
        patience: Seconds in the quick lane.
        seconds: Seconds in all.
    """

    def __init__(self, patience: float = 1.0, seconds: float = 20.0) -> None:
        self._patience = patience
        self._seconds = seconds
        self._quick = asyncio.Semaphore(_QUICK)
        self._slow = asyncio.Semaphore(_SLOW)

    async def run(self, work: Callable[[], Awaitable[T]]) -> T:
        """Run work in a lane.

        Raises:
            TimeoutError: It took too long.
        """
        await self._quick.acquire()
        begun = asyncio.ensure_future(work())
        try:
            try:
                await asyncio.wait({begun}, timeout=self._patience)
            finally:
                self._quick.release()
            if begun.done():
                return begun.result()
            if self._slow.locked():
                raise TimeoutError
            async with self._slow, asyncio.timeout(self._seconds - self._patience):
                return await begun
        finally:
            begun.cancel()


class Fetcher:
    """An HTTP client for the URLs in requests.

    Args:
        lanes: Limits the number and the time of transfers.
    """

    def __init__(self, lanes: Lanes | None = None) -> None:
        self._lanes = Lanes() if lanes is None else lanes

    @functools.cached_property
    def _transport(self) -> httpx.AsyncHTTPTransport:
        """Made for the first URL, since reading the certificates takes longer than all else that a sandbox begins with.

        A transport instead of a client: no cookies, no decompression, no automatic redirects.
        """
        limits = httpx.Limits(max_connections=None, max_keepalive_connections=0)
        return httpx.AsyncHTTPTransport(limits=limits, trust_env=False)

    async def get(self, kind: Kind, url: str, max_bytes: int, more: Callable[[int], None]) -> bytes:
        """The content at a URL of this machine.

        Args:
            kind: The kind of input, for the message of a failure.
            url: The URL.
            max_bytes: The maximum size.
            more: Called with the size of each piece.

        Raises:
            InputFailure: The content is unavailable, or too large.
        """
        try:
            return await self._lanes.run(lambda: self._follow(kind, url, max_bytes, more))
        except InputFailure:
            raise
        except _FAILURES as error:
            raise unreachable(kind, f"error sending request ({type(error).__name__})") from error

    async def put(self, url: str, content: bytes) -> None:
        """Send a result to a URL of this machine.

        Raises:
            InputFailure: The upload was refused, so the job fails.
        """
        try:
            status = await self._lanes.run(lambda: self._put(url, content))
            reason = "" if 200 <= status < 300 else status_line(status)
        except _FAILURES as error:
            reason = f"error sending request ({type(error).__name__})"
        if reason:
            raise InputFailure(f"Unable to upload the video to the provided upload_url: {reason}")

    async def _put(self, url: str, content: bytes) -> int:
        headers = {"content-type": "video/mp4"}
        response = await self._send(httpx.Request("PUT", url, content=content, headers=headers))
        await response.aclose()
        return response.status_code

    async def _follow(self, kind: Kind, url: str, max_bytes: int, more: Callable[[int], None]) -> bytes:
        for _ in range(_REDIRECTS + 1):
            response = await self._send(httpx.Request("GET", url, headers={"accept-encoding": "identity"}))
            try:
                if not response.has_redirect_location:
                    return await _content(kind, response, max_bytes, more)
                url = _next(kind, url, response.headers["location"])
            finally:
                await response.aclose()
        raise unreachable(kind, "too many redirects")

    async def _send(self, request: httpx.Request) -> httpx.Response:
        if request.url.host not in LOOPBACK:  # checked again, since httpx may parse a URL differently
            raise httpx.InvalidURL("not on this machine")
        request.headers["user-agent"] = "XaiImageApiFetch/1.0"
        request.extensions = {"timeout": _STEP}
        return await self._transport.handle_async_request(request)


def _next(kind: Kind, url: str, location: str) -> str:
    """The target of a redirect, if it is on this machine."""
    try:
        target = urljoin(url, location)
    except ValueError as error:
        raise unreachable(kind, f"invalid URL ({error})") from error
    if web_address(kind, target).hostname not in LOOPBACK:
        raise unreachable(kind, "redirected away from this machine")
    return target


async def _content(kind: Kind, response: httpx.Response, max_bytes: int, more: Callable[[int], None]) -> bytes:
    if response.status_code != 200:
        raise unreachable(kind, status_line(response.status_code))
    if response.headers.get("content-encoding", "identity").strip().lower() != "identity":
        raise unreachable(kind, "unsupported content encoding")  # not requested, and it may expand to any size
    data = bytearray()
    async for chunk in response.aiter_raw():
        data += chunk
        if len(data) > max_bytes:
            raise too_large(kind, max_bytes)
        more(len(chunk))
    return bytes(data)


def uploads_to(url: str) -> bool:
    """Whether an `output.upload_url` is on this machine. The sandbox uploads nowhere else.

    Raises:
        InputFailure: It is not a URL.
    """
    try:
        host = urlsplit(url).hostname
    except ValueError as error:
        raise InputFailure(f"Unable to upload the video to the provided upload_url: invalid URL ({error})") from error
    if host not in LOOPBACK:
        log.info("a result is not uploaded to %r: the sandbox uploads to this machine only", host and host[:200])
    return host in LOOPBACK
