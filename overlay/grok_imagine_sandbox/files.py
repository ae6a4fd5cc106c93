"""Finished videos: rendered on the first fetch, cached within a bound, and served like a bucket."""

import hashlib
import logging
import re
import threading
from collections import OrderedDict
from collections.abc import Callable
from concurrent.futures import Future

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from .jobs import Job, JobStore
from .media import MediaError
from .origins import current_origin
from .recipes import Product
from .work import Exhausted, Workers

log = logging.getLogger("grok_imagine_sandbox")

# As at vidgen.x.ai and files-cdn.x.ai, which here are one host.
BUCKET = "/xai-vidgen-bucket/"
PUBLIC = "/files-cdn/"
_TEMPORARY = re.compile(BUCKET + r"xai-video-([0-9a-f-]{36})\.mp4")
_PUBLIC = re.compile(PUBLIC + r"([0-9a-f]+)/file_([0-9a-f-]{36})\.mp4")
_RANGE = re.compile(r"bytes=(\d{1,18})?-(\d{1,18})?")


class Missing(LookupError):
    """A file is not available: an HTTP status, and a bucket's error code."""

    def __init__(self, status: int, code: str) -> None:
        super().__init__(code)
        self.status = status
        self.code = code


class FileCache:
    """An LRU cache of rendered files. Thread-safe; one thread renders each file."""

    def __init__(self, max_bytes: int) -> None:
        self._max_bytes = max_bytes
        self._bytes = 0
        self._files: OrderedDict[str, bytes] = OrderedDict()
        self._rendering: dict[str, Future[bytes]] = {}
        self._lock = threading.Lock()

    def content(self, product: Product) -> bytes:
        """The product's file. Slow when it has to be rendered."""
        with self._lock:
            if product.digest in self._files:
                self._files.move_to_end(product.digest)
                return self._files[product.digest]
            rendering = self._rendering.get(product.digest)
            if rendering is None:
                mine = self._rendering[product.digest] = Future()
        return self._render(product, mine) if rendering is None else rendering.result()

    def _render(self, product: Product, rendering: "Future[bytes]") -> bytes:
        try:
            content = product.recipe.render()
        except BaseException as error:
            rendering.set_exception(error)
            raise
        else:
            rendering.set_result(content)
            self._keep(product.digest, content)
            return content
        finally:
            with self._lock:
                del self._rendering[product.digest]

    def _keep(self, digest: str, content: bytes) -> None:
        with self._lock:
            self._files[digest] = content
            self._bytes += len(content)
            while len(self._files) > 1 and self._bytes > self._max_bytes:
                _, forgotten = self._files.popitem(last=False)
                self._bytes -= len(forgotten)


class Files:
    """The files of a store's jobs, without authorization.

    Args:
        origin: Scheme, host and port of the sandbox, for who asks outside of a request.
        store: The jobs.
        cache: The cache of rendered files.
        now: Returns the simulated time in seconds.
        lifetime: Simulated seconds for which a temporary URL is valid.
        seed: Decides the tokens of public URLs.
        workers: The threads that render.
    """

    def __init__(
        self,
        origin: str,
        store: JobStore,
        cache: FileCache,
        now: Callable[[], float],
        lifetime: float,
        seed: int,
        workers: Workers,
    ) -> None:
        self._origin = origin
        self._store = store
        self._cache = cache
        self._now = now
        self._lifetime = lifetime
        self._seed = seed
        self._workers = workers

    def routes(self) -> list[Route]:
        """The routes of the files."""
        return [
            Route(BUCKET + "{name}", self.serve, methods=["GET"]),
            Route(PUBLIC + "{token}/{name}", self.serve, methods=["GET"]),
        ]

    def url(self, job: Job) -> str:
        """The temporary URL of a job's video. Its name differs from the job's id and serves as the only credential."""
        return f"{current_origin(self._origin)}{BUCKET}xai-video-{job.file_uuid}.mp4"

    def public_url(self, job: Job) -> str:
        """The public URL of a job's stored file."""
        return f"{current_origin(self._origin)}{PUBLIC}{self._token(job)}/file_{job.file_uuid}.mp4"

    def content(self, product: Product) -> bytes:
        """A product's file. Slow: belongs into a worker thread.

        Raises:
            Missing: It can't be rendered, for example because later frames of an input video are damaged.
        """
        try:
            return self._cache.content(product)
        except (MediaError, Exhausted) as error:
            log.warning("a file can't be rendered: %s", error)
            raise Missing(500, "InternalError") from error

    def read(self, path: str) -> tuple[int, bytes]:
        """Status and content of a GET, without HTTP. Slow: belongs into a worker thread."""
        try:
            return 200, self.content(self._product(path))
        except Missing as missing:
            return missing.status, b""

    async def serve(self, request: Request) -> Response:
        """Answer GET or HEAD."""
        try:
            product = self._product(request.url.path)
            content = await self._workers.render(self.content, product)
        except Missing as missing:
            error = f'<?xml version="1.0" encoding="UTF-8"?>\n<Error><Code>{missing.code}</Code></Error>\n'
            return Response(error, missing.status, media_type="application/xml")
        return conditional(request, content, f'"{product.digest[:32]}"')

    def _token(self, job: Job) -> str:
        return hashlib.sha256(f"{self._seed}:token:{job.file_uuid}".encode()).hexdigest()[:22]

    def _product(self, path: str) -> Product:
        temporary, public = _TEMPORARY.fullmatch(path), _PUBLIC.fullmatch(path)
        job = self._store.of_file(temporary[1] if temporary else public[2] if public else "")
        if job is None or job.plan is None or job.state(self._now()) != "done":
            raise Missing(404, "NoSuchKey")
        lifetime: float | None = self._lifetime
        if public is not None:
            if not job.stored_publicly or public[1] != self._token(job):
                raise Missing(404, "NoSuchKey")
            lifetime = job.public_for
        if lifetime is not None and self._now() > job.end + lifetime:
            raise Missing(404, "NoSuchKey")
        return job.plan.product


def conditional(request: Request, content: bytes, etag: str) -> Response:
    """Serves content by RFC 9110: ETag, If-None-Match, one Range, If-Range."""
    headers = {"accept-ranges": "bytes", "etag": etag}
    unless = request.headers.get("if-none-match", "")
    if unless.strip() == "*" or etag in [tag.strip().removeprefix("W/") for tag in unless.split(",")]:
        return Response(status_code=304, headers=headers)
    asked = _RANGE.fullmatch(request.headers.get("range", "").strip())
    if asked is None or _meaningless(asked[1], asked[2]) or request.headers.get("if-range", etag) != etag:
        return Response(content, headers=headers, media_type="video/mp4")
    part = _part(asked[1], asked[2], len(content))
    if part is None:
        return Response(status_code=416, headers={**headers, "content-range": f"bytes */{len(content)}"})
    first, last = part
    headers["content-range"] = f"bytes {first}-{last}/{len(content)}"
    return Response(content[first : last + 1], 206, headers, "video/mp4")


def _meaningless(first: str | None, last: str | None) -> bool:
    """Whether a range is empty or reversed, which RFC 9110 ignores."""
    return last is None if first is None else last is not None and int(last) < int(first)


def _part(first: str | None, last: str | None, length: int) -> tuple[int, int] | None:
    """First and last byte of a range, or None if it is outside the content."""
    if first is None:
        count = int(last or 0)
        return (max(0, length - count), length - 1) if count else None
    start, end = int(first), min(int(last), length - 1) if last is not None else length - 1
    return (start, end) if start <= end else None
