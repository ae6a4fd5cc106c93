"""Finished videos to disk: streamed to a `.part` beside the target, resumed, checked, and put in place by one rename.

A result's URL is public and signed by its query, so it is fetched without the key, and no message holds more of it than
its host. A failed download touches no job: the most it asks of the service is one fresh URL.
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, TypeAlias

import httpx

from grok_imagine_api import contract

from ._version import __version__
from .commands import Blocking, Flow, Sleep, Stream
from .errors import ApiError, DownloadError, OutOfRange, TargetExistsError, TransportError, api_error
from .flow import check_id, id_of
from .results import Job, Video
from .retry import Retries
from .settings import Seconds, seconds

try:
    import fcntl
except ImportError:  # Windows, where an open file can't be renamed or removed, either
    fcntl = None  # type: ignore[assignment]  # a module is declared, and None says that it is not here

MAX_BYTES = 2 * 2**30
TIMEOUT = 600.0  # seconds for everything
REDIRECTS = 5
DOMAIN = ".x.ai"  # where a redirect may lead from any host; else it has to stay on its host
LOOPBACK = ("localhost", "127.0.0.1", "::1")
GONE = (400, 401, 403, 404, 410)  # how buckets answer a signed URL that has expired; 400 is Google's
STRONG = re.compile(r'"[!-~]*"')  # an ETag that promises the same bytes, so that a part of them can be continued

Progress: TypeAlias = Callable[[int, int | None], object | Awaitable[object]]
"""Called with the bytes on disk and the file's length in bytes, None if the host does not say."""


def download(
    source: Video | Job | str,
    path: str | os.PathLike[str],
    *,
    look: Callable[[str], Flow[Video]],
    retries: Retries,
    overwrite: bool = False,
    on_progress: Progress | None = None,
    max_bytes: int | None = None,
    timeout: Seconds | None = None,
) -> Flow[Path]:
    """Brings a finished video to disk and returns where it is. `look` finds the job; `Videos.download` says the rest."""
    request_id = id_of(source)
    check_id(request_id)
    limit = TIMEOUT if timeout is None else seconds(timeout, "timeout", least=0.001)
    most = MAX_BYTES if max_bytes is None else max_bytes
    if isinstance(most, bool) or not isinstance(most, int) or most < 1:
        raise OutOfRange(f"is a whole number of bytes from 1 on; got {most!r}", fields=["max_bytes"], section="client")
    part = _Part(path, request_id, overwrite)
    transfer = _Transfer(part, retries, on_progress, most, limit)
    url = _url(source, part) if isinstance(source, Video) else None
    try:
        yield Blocking(part.open)
        found = yield from transfer.fetch(url or _url((yield from look(request_id)), part))
        if not found:  # the service may sign it anew
            found = yield from transfer.fetch(_url((yield from look(request_id)), part))
        if not found:
            life = contract.LIMITS["result_url_lifetime"]
            raise part.error("expired", f"the URL has expired, as has a fresh one; it lives {life.value:g} {life.unit}")
        part.check_type()
        yield Blocking(part.sync)
        part.commit()  # not in a thread, where a cancelled download would go on to rename
        yield Blocking(part.sync_directory)
    finally:
        part.close()
    return part.target


def _url(video: Video, part: _Part) -> str:
    """Where a finished video is; raises if there is none."""
    if video.outcome == "running":
        raise part.error("pending", "the job is not done; client.video.wait(request_id) waits for it")
    if video.outcome != "done":
        raise video.failure()
    if not (url := video.url or video.public_url):
        raise part.error("no_url", "the answer has no URL: the file went where the request had it sent")
    return url


class _Part:
    """The unfinished file `<target>.part`, locked while it is open, and `.part.json`, which says what it is a part of.

    The lock is the operating system's: it ends with the process, however that ends. Without `fcntl` there is none.
    """

    def __init__(self, path: str | os.PathLike[str], request_id: str, overwrite: bool) -> None:
        target = Path(path)
        if target.is_dir():  # the id must not lead out of it, whoever gave it
            target /= re.sub(r"[^\w.-]", "_", request_id) + ".mp4"
        self.target = target
        self.size, self._source = 0, ""
        self.etag: str | None = None
        self._path = target.with_name(f"{target.name}.part")
        self._note = target.with_name(f"{target.name}.part.json")
        self._request_id, self._overwrite = request_id, overwrite
        self._file: Any = None
        self.useless = self._held = self._closed = False

    def error(self, reason: str, message: str, kind: type[DownloadError] = DownloadError) -> DownloadError:
        return kind(message, reason=reason, path=self.target, request_id=self._request_id)

    @contextmanager
    def _disk(self) -> Iterator[None]:
        try:
            yield
        except DownloadError:
            raise
        except OSError as error:
            raise self.error("disk", f"{self.target}: {error.strerror or error}") from error

    def open(self) -> None:
        flags = os.O_RDWR | os.O_CREAT | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_BINARY", 0)
        try:
            with self._disk():
                self._check_target()
                self._file = os.fdopen(os.open(self._path, flags, 0o666), "r+b", buffering=0)
                if fcntl is not None:
                    self._lock(self._file.fileno())
                self._held = True
                self.size = self._file.seek(0, os.SEEK_END)
                self._check_target()  # again: another download may have ended meanwhile
        finally:
            if self._closed:  # by a cancellation, while a thread was here
                self.close()

    def _check_target(self) -> None:
        if not self.target.parent.is_dir():
            raise self.error("directory", f"{self.target.parent} is no directory")
        # Only a file is replaced: a rename would do it to a device, too.
        may_go = self._overwrite and (self.target.is_file() or self.target.is_symlink())
        if os.path.lexists(self.target) and not may_go:
            raise self.error("exists", f"{self.target} exists; overwrite=True replaces a file", TargetExistsError)

    def _lock(self, number: int) -> None:
        ours = False
        try:
            fcntl.flock(number, fcntl.LOCK_EX | fcntl.LOCK_NB)
            # If another ended since our open, ours is the file that it has put in place, or removed.
            with suppress(FileNotFoundError):
                ours = os.path.samestat(os.fstat(number), self._path.stat())
        except BlockingIOError:
            pass
        except OSError:  # a file system without locks
            return
        if not ours:
            raise self.error("busy", f"another download to {self.target} is under way")

    def expect(self, source: str) -> None:
        """Says what the file is to become. If it is not known to be a part of that, its ETag is None."""
        self._source, self.etag = source, None
        with suppress(OSError, ValueError, LookupError, TypeError):
            note = json.loads(self._note.read_text(encoding="utf-8"))
            self.etag = note["etag"] if note["source"] == source and STRONG.fullmatch(note["etag"]) else None

    def restart(self, etag: str) -> None:
        """Empties the file, and notes what it will be a part of."""
        self.etag, self.size = etag if STRONG.fullmatch(etag) else None, 0
        with self._disk():
            self._note.unlink(missing_ok=True)
            self._file.seek(0)
            self._file.truncate()
            if self.etag:
                self._note.touch(0o600, exist_ok=False)
                self._note.write_text(json.dumps({"source": self._source, "etag": self.etag}), encoding="utf-8")

    def write(self, chunk: bytes) -> None:
        """Appends; as soon as there is enough to tell by, it has to be an MP4."""
        before, rest = self.size, memoryview(chunk)
        with self._disk():
            while rest:
                count = self._file.write(rest)
                self.size += count
                rest = rest[count:]
        if before < 8 <= self.size:
            self.check_type()

    def check_type(self) -> None:
        """An MP4 begins with the length of its first box, four bytes, and then `ftyp`."""
        with self._disk():
            self._file.seek(4)
            found = self._file.read(4)
            self._file.seek(0, os.SEEK_END)
        if found != b"ftyp":
            self.useless = True
            raise self.error("not_mp4", f"what came is no MP4 ({self.size} bytes)")

    def sync(self) -> None:
        with self._disk():
            os.fsync(self._file.fileno())

    def commit(self) -> None:
        with self._disk():
            self._check_target()
            if fcntl is None:
                self._file.close()
            self._path.replace(self.target)
            self._note.unlink(missing_ok=True)

    def sync_directory(self) -> None:
        with suppress(OSError):  # not every system lets a directory be opened
            number = os.open(self.target.parent, os.O_RDONLY)
            try:
                os.fsync(number)
            finally:
                os.close(number)

    def close(self) -> None:
        """Unlocks the file. If a later download could not go on from it, it is removed."""
        self._closed = True
        if self._file is None:
            return
        if fcntl is None:
            self._file.close()
        if self._held and (self.useless or not self.size):
            with suppress(OSError):
                self._note.unlink(missing_ok=True)
                self._path.unlink(missing_ok=True)
        self._held = False
        self._file.close()


class _Other(Exception):
    """An answer, in `args`, without content that is wanted. It does not leave this module."""


class _Transfer:
    """Fills a part within `limit` seconds: the sink of its streams, and the flows that start them."""

    def __init__(self, part: _Part, retries: Retries, on_progress: Progress | None, most: int, limit: float) -> None:
        self._part, self._retries, self._on_progress = part, retries, on_progress
        self._most, self._limit, self._deadline = most, limit, retries.clock() + limit
        self._total: int | None = None
        self._furthest = 0

    def fetch(self, url: str) -> Flow[bool]:
        """Fetches until the part is whole, as long as the retry policy allows; False if the URL has expired."""
        origin = self._checked(url)
        self._part.expect(f"{origin.scheme}://{origin.netloc.decode()}{origin.path}")
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
                    raise self._part.error("interrupted", f"{origin.host}: {error}") from error
            self._check_time(pause)
            yield Sleep(pause)

    def _attempt(self, origin: httpx.URL) -> Flow[bool]:
        """Asks for what is missing, wherever redirects lead; False if the URL has expired."""
        place, part = origin, self._part
        for _ in range(REDIRECTS + 1):
            headers = {"Accept-Encoding": "identity", "User-Agent": f"grok-imagine/{__version__}"}
            if part.etag and part.size:
                headers |= {"Range": f"bytes={part.size}-", "If-Range": part.etag}
            try:
                yield Stream(str(place), headers, self)
            except _Other as other:
                answer: httpx.Response = other.args[0]
                status, found = answer.status_code, (answer.headers.get("content-range"), answer.headers.get("etag"))
                if status in GONE:
                    return False
                if status in (301, 302, 303, 307, 308):
                    place = self._checked(answer.headers.get("location", ""), place)
                elif status in (408, 425, 429) or status >= 500:
                    # Without the body and most headers, in which hosts repeat signatures.
                    raise api_error(status, {"retry-after": answer.headers.get("retry-after", "")}, b"") from None
                elif status not in (206, 416):
                    raise part.error("refused", f"{place.host} answered {status}") from None
                elif "Range" in headers and found == (f"bytes */{part.size}", part.etag):
                    return True  # nothing is missing: no range is left
                else:
                    part.etag = None  # what is there does not fit: the whole, then
            else:
                if self._total not in (None, part.size):
                    raise TransportError(f"{part.size} bytes came of {self._total}")
                return True
        raise part.error("redirect", f"{origin.host} redirects, or misses a range, more than {REDIRECTS} times")

    def begin(self, response: httpx.Response) -> None:
        self._check_time()
        headers, part, host = response.headers, self._part, response.url.host
        if response.status_code not in (200, 206):
            raise _Other(response)
        if headers.get("content-encoding", "identity").lower() != "identity":
            raise part.error("encoding", f"{host} sent the video compressed, though asked not to")
        total = int(headers["content-length"]) if "content-length" in headers else None
        if response.status_code == 206:
            found = re.fullmatch(r"bytes (\d{1,18})-\d{1,18}/(\d{1,18})", headers.get("content-range", ""))
            if not found or int(found[1]) != part.size or headers.get("etag") != part.etag:
                raise _Other(response)
            total = int(found[2])
        elif total is None and "chunked" not in headers.get("transfer-encoding", "").lower():
            raise part.error("length", f"{host} does not say where the video ends")
        if total is not None and total > self._most:
            raise part.error("too_large", f"the video has {total} bytes, max_bytes are {self._most}")
        if response.status_code == 200:
            part.restart(headers.get("etag", ""))
        self._total = total

    def write(self, chunk: bytes) -> Any:
        """Takes the next chunk; gives what the callback gave, for the driver that can await it."""
        self._check_time()
        if self._part.size + len(chunk) > self._most:
            self._part.useless = True
            raise self._part.error("too_large", f"the video has more than max_bytes, {self._most}")
        self._part.write(chunk)
        self._furthest = max(self._furthest, self._part.size)
        return self._on_progress(self._part.size, self._total) if self._on_progress else None

    def _check_time(self, pause: float = 0.0) -> None:
        if self._retries.clock() + pause > self._deadline:
            raise self._part.error("timeout", f"not whole after {self._limit:g} s; the next download goes on from here")

    def _checked(self, url: str, before: httpx.URL | None = None) -> httpx.URL:
        """A URL that may be fetched: https, or http from this machine; after another only on its host or the vendor's."""
        reason, what = ("redirect", f"{before.host} redirects to a URL that") if before else ("url", "the video's URL")
        try:
            place = before.join(url) if before else httpx.URL(url)
            host = place.host  # reading it decodes it
        except (httpx.InvalidURL, ValueError):
            raise self._part.error(reason, f"{what} is none") from None
        if place.scheme != "https" and not (place.scheme == "http" and host in LOOPBACK):
            raise self._part.error(reason, f"{what} is not https, but {place.scheme or 'without a scheme'}")
        # Nothing that another reader of URLs, such as a proxy, could take for the end of the host.
        if not re.fullmatch(r"[\w.:-]+", host) or (place.port or 0) > 65535 or place.userinfo:
            raise self._part.error(reason, f"{what} has no such host or port, or a user name")
        if before and (url.startswith("//") or (host != before.host and not f".{host}".endswith(DOMAIN))):
            raise self._part.error(reason, f"{what} is on another host, {host}")
        return place
