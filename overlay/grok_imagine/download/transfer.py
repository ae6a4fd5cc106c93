"""Finished videos to disk: streamed to a `.part` beside the target, resumed, checked, and put in place by one rename.

A result's URL is public and signed by its query, so it is fetched without the key, and no message holds more of it than
its host. A failed download touches no job: the most it asks of the service is one fresh URL.
"""

from __future__ import annotations

import os
import re
from collections.abc import Awaitable, Callable, Mapping
from pathlib import Path
from typing import Any, TypeAlias

from grok_imagine_api import contract

from .._version import __version__
from ..addresses import is_loopback, is_nowhere
from ..answers.api_errors import api_error
from ..config import Seconds, seconds
from ..core.effects import Flow, Head, Sleep, Stream
from ..core.operations import check_id, id_of
from ..core.results import Job, Video
from ..core.retry import Retries
from ..errors import ApiError, OutOfRange, TransportError
from ..hints import Hint
from ..parsing import text_at
from ..urls import Url, parse
from .part import Part, filled

MAX_BYTES = 2 * 2**30
TIMEOUT = 600.0  # seconds for everything
REDIRECTS = 5
REQUESTS = 100
"""Requests of one download: a host that brings a byte with each answer is no host of files."""
DOMAIN = ".x.ai"  # where a redirect may lead from any host; else it has to stay on its host
GONE = (400, 401, 403, 404, 410)  # how buckets answer a signed URL that has expired; 400 is Google's

Progress: TypeAlias = Callable[[int, int | None], object | Awaitable[object]]
"""Called with the bytes on disk and the file's length in bytes, None if the host does not say."""


def download(
    source: Video | Job | str,
    path: str | os.PathLike[str],
    *,
    get: Callable[[str], Flow[Video]],
    retries: Retries,
    is_local: bool,
    overwrite: bool = False,
    on_progress: Progress | None = None,
    max_bytes: int | None = None,
    timeout: Seconds | None = None,
) -> Flow[Path]:
    """Brings a finished video to disk and returns where it is; `Videos.download` says the rest.

    Args:
        source: The video, its job, or the job's id.
        path: Where it goes.
        get: Gets the state of the job by its id.
        retries: The client's.
        is_local: Whether the service is on this machine, so that its files may be.
        overwrite: Whether a file that is there is replaced.
        on_progress: Called with each chunk.
        max_bytes: Of the file.
        timeout: For everything.
    """
    request_id = id_of(source)
    check_id(request_id)
    limit = TIMEOUT if timeout is None else seconds(timeout, "timeout", least=0.001)
    most = MAX_BYTES if max_bytes is None else max_bytes
    if isinstance(most, bool) or not isinstance(most, int) or most < 1:
        raise OutOfRange(f"is a whole number of bytes from 1 on; got {most!r}", fields=["max_bytes"], section="client")
    part = Part(path, request_id, overwrite)
    transfer = _Transfer(part, retries, on_progress, most, limit, is_local)
    url = _url(source, part) if isinstance(source, Video) else None

    def fill() -> Flow[None]:
        found = yield from transfer.fetch(url or _url((yield from get(request_id)), part))
        if not found:  # the service may sign it anew
            found = yield from transfer.fetch(_url((yield from get(request_id)), part))
        if not found:
            life = contract.LIMITS["result_url_lifetime"]
            raise part.error("expired", f"the URL has expired, as has a fresh one; it lives {life.value:g} {life.unit}")

    return (yield from filled(part, fill))


def _url(video: Video, part: Part) -> str:
    """Where a finished video is; raises if there is none."""
    if video.outcome == "running":
        hint = Hint("wait", "client.video.wait(request_id) waits for it")
        raise part.error("pending", "the job is not done", hint=hint)
    if video.outcome != "done":
        raise video.failure()
    for path in contract.RESULT_URLS:
        if url := text_at(video.raw, path):
            return url
    raise part.error("no_url", "the answer has no URL: the file went where the request had it sent")


class _Other(Exception):
    """An answer, in `args`, without content that is wanted. It does not leave this module."""


class _Transfer:
    """Fills a part within `limit` seconds: the sink of its streams, and the flows that start them."""

    def __init__(
        self, part: Part, retries: Retries, on_progress: Progress | None, most: int, limit: float, is_local: bool
    ) -> None:
        self._part, self._retries, self._on_progress = part, retries, on_progress
        self._most, self._limit, self._deadline = most, limit, retries.clock() + limit
        self._is_local, self._is_range = is_local, False
        self._end: int | None = None  # of the bytes of the current answer
        self._total: int | None = None
        self._furthest = self._requests = 0

    def fetch(self, url: str) -> Flow[bool]:
        """Fetches until the part is whole, as long as the retry policy allows; False if the URL has expired."""
        origin = self._checked(url)
        self._part.expect(f"{origin.origin}{origin.path}")
        retries, begin, tries = self._retries, self._retries.clock(), 0
        while True:
            before = self._furthest
            try:
                return (yield from self._attempt(origin))
            except (TransportError, ApiError) as error:
                if self._furthest > before:  # it got on: that is no longer the same trouble
                    begin, tries = retries.clock(), 0
                tries += 1
                pause = retries.policy.pause(tries, retries.clock() - begin, error, retries.dice)
                if pause is None:
                    where = "" if getattr(error, "host", None) else f"{origin.host}: "
                    raise self._part.error("interrupted", f"{where}{error}") from error
            self._check_time(pause)
            yield Sleep(pause)

    def _attempt(self, origin: Url) -> Flow[bool]:
        """Asks for what is missing, wherever redirects lead; False if the URL has expired."""
        place, part = origin, self._part
        for _ in range(REDIRECTS + 1):
            is_range = bool(part.etag and part.size)
            try:
                yield self._request(place, is_range)
            except _Other as other:
                answer: Head = other.args[0]
                status = answer.status
                if status in GONE:
                    return False
                if status in (301, 302, 303, 307, 308):
                    place = self._checked(answer.location, place)
                elif status in (408, 425, 429) or status >= 500:
                    # Without the body and most headers, in which hosts repeat signatures.
                    raise api_error(status, {"retry-after": answer.headers.get("retry-after", "")}, b"") from None
                elif status not in (206, 416) or not is_range:
                    raise part.error("refused", f"{place.host} answered {status}") from None
                elif status == 416 and self._is_whole(answer):
                    return self._checked_whole()
                else:
                    part.etag = None  # what is there does not fit: the whole, then
            else:
                if self._end not in (None, part.size):
                    raise self._contradicts("fewer")
                if self._total not in (None, part.size):  # it was a shorter range than what is missing
                    raise TransportError(f"{part.size} bytes came of {self._total}")
                return self._checked_whole()
        raise part.error("redirect", f"{origin.host} redirects more than {REDIRECTS} times")

    def _request(self, place: Url, is_range: bool) -> Stream:
        part = self._part
        self._requests += 1
        if self._requests > REQUESTS:
            text = f"{place.host} did not bring it in {REQUESTS} requests; the next download goes on from here"
            raise part.error("interrupted", text)
        headers = {"Accept-Encoding": "identity", "User-Agent": f"grok-imagine/{__version__}"}
        if is_range:
            headers |= {"Range": f"bytes={part.size}-", "If-Range": str(part.etag)}
        self._is_range = is_range
        return Stream({"method": "get", "url": place.text, "headers": headers}, self)

    def _is_whole(self, answer: Head) -> bool:
        """Whether a 416 says that nothing is missing, and so did an earlier answer: alone it may be a mistake."""
        found = answer.headers.get("content-range"), answer.headers.get("etag")
        return self._part.total == self._part.size and found == (f"bytes */{self._part.size}", self._part.etag)

    def _contradicts(self, how: str) -> TransportError:
        """An answer came to its end and is not what its head says: which bytes are the wrong ones nobody knows."""
        self._part.etag, self._part.is_useless = None, True
        return TransportError(f"{how} bytes came than the answer's head says")

    def _checked_whole(self) -> bool:
        """True, if what is said to be the whole can be."""
        part = self._part
        part.check_type()
        if part.is_cut_short():
            part.etag, part.is_useless = None, True
            raise TransportError(f"the MP4 is cut short, though its {part.size} bytes are said to be all")
        return True

    def begin(self, head: Head) -> None:
        """Takes the head of an answer: the file from its beginning, or from where it is missing."""
        self._check_time()
        headers, part, host = head.headers, self._part, head.host
        if head.status not in (200, 206):
            raise _Other(head)
        if headers.get("content-encoding", "identity").lower() != "identity":
            raise part.error("encoding", f"{host} sent the video compressed, though asked not to")
        length_text = headers.get("content-length")
        if length_text is not None and not re.fullmatch(r"[0-9]{1,18}", length_text):
            raise part.error("length", f"{host} gives a length that is none")
        end = total = length = None if length_text is None else int(length_text)
        if head.status == 206:
            found = self._range_of(headers)
            if found is None or length not in (None, found[0] - part.size):
                raise _Other(head)
            end, total = found
        elif length is None and "chunked" not in headers.get("transfer-encoding", "").lower():
            raise part.error("length", f"{host} does not say where the video ends")
        if total is not None and total > self._most:
            raise part.error("too_large", f"the video has {total} bytes, max_bytes are {self._most}")
        if head.status == 200:
            part.restart(headers.get("etag", ""), total)
        self._end, self._total = end, total
        part.total = total

    def _range_of(self, headers: Mapping[str, str]) -> tuple[int, int] | None:
        """Where a range ends, and the file; None if it is not the one that was asked for."""
        part = self._part
        found = re.fullmatch(r"bytes ([0-9]{1,18})-([0-9]{1,18})/([0-9]{1,18})", headers.get("content-range", ""))
        if not found or not self._is_range or headers.get("etag") != part.etag:
            return None
        first, last, total = map(int, found.groups())
        fits = first == part.size and first <= last < total and part.total in (None, total)
        return (last + 1, total) if fits else None

    def write(self, chunk: bytes) -> Any:
        """Takes the next chunk; gives what the callback gave, for the driver that can await it."""
        self._check_time()
        after = self._part.size + len(chunk)
        if after > self._most:
            self._part.is_useless = True
            raise self._part.error("too_large", f"the video has more than max_bytes, {self._most}")
        if self._end is not None and after > self._end:
            raise self._contradicts("more")
        self._part.write(chunk)
        self._furthest = max(self._furthest, self._part.size)
        return self._on_progress(self._part.size, self._total) if self._on_progress else None

    def _check_time(self, pause: float = 0.0) -> None:
        if self._retries.clock() + pause > self._deadline:
            raise self._part.error("timeout", f"not whole after {self._limit:g} s; the next download goes on from here")

    def _checked(self, url: str, before: Url | None = None) -> Url:
        """A URL that may be fetched: after another only on its host or the vendor's.

        It is https. A service on this machine, such as the sandbox, may also name http on this machine; no other service may have
        a program ask what else listens here.
        """
        reason, what = ("redirect", f"{before.host} redirects to a URL that") if before else ("url", "the video's URL")
        try:
            place = before.join(url) if before else parse(url)
        except ValueError:
            raise self._part.error(reason, f"{what} is none") from None
        host, is_here = place.host, is_loopback(place.host)
        if place.scheme != "https" and not (place.scheme == "http" and is_here):
            raise self._part.error(reason, f"{what} is not https, but {place.scheme or 'without a scheme'}")
        if not host or place.has_user:
            raise self._part.error(reason, f"{what} has no such host or port, or a user name")
        if is_nowhere(host) or (is_here and not self._is_local):
            raise self._part.error(reason, f"{what} is on {host}, where a service may not send this program")
        if before and (url.startswith("//") or (host != before.host and not f".{host}".endswith(DOMAIN))):
            raise self._part.error(reason, f"{what} is on another host, {host}")
        return place
