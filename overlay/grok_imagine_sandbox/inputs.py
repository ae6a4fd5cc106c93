"""The media a request brings: `data:` URLs are decoded, loopback URLs fetched, everything else gets a stand-in.

The sandbox never leaves this machine. What can't be read fails the job, not the request (register, General behaviour).
"""

import base64
import binascii
import logging
from collections.abc import Callable, Mapping
from typing import Any, Literal, NamedTuple
from urllib.parse import SplitResult, unquote_to_bytes, urlsplit

import httpx

from . import media

log = logging.getLogger("grok_imagine_sandbox")

Kind = Literal["image", "video", "audio"]

LOOPBACK = frozenset({"127.0.0.1", "localhost", "::1"})
_TIMEOUT = 5.0  # seconds for each step of a fetch, the service's own figure (PROTO)
_REDIRECTS = 3


class InputFailure(ValueError):
    """An input can't be used: the job fails with the service's code and this message."""

    def __init__(self, message: str, code: str = "invalid_argument") -> None:
        super().__init__(message)
        self.code = code


class StandIn(NamedTuple):
    """A video that is not fetched. It is drawn only when a file is made of it, since that takes a second."""

    label: str

    def facts(self) -> media.ClipInfo:
        """What a probe of the content would tell."""
        width, height = media.size_for("16:9", "480p")
        return media.ClipInfo(width, height, 5.0, 120, "h264", "aac")

    def content(self) -> bytes:
        """The clip itself. Slow: belongs into a worker thread."""
        return media.stand_in_clip(self.label)


class Reader:
    """Reads media objects. Blocks, so it belongs into a worker thread.

    Args:
        port: The sandbox's own; its own files are taken from `own_file`, not fetched.
        own_file: Answers path and query of a file of the sandbox with a status and the content.
        max_bytes: The largest input of each kind.
    """

    def __init__(
        self, port: int, own_file: Callable[[str, str], tuple[int, bytes]], max_bytes: Mapping[Kind, int]
    ) -> None:
        self._port = port
        self._own_file = own_file
        self._max_bytes = max_bytes

    def picture(self, source: Mapping[str, Any]) -> bytes:
        """The picture a media object means.

        Raises:
            InputFailure: It can't be had, or is too large.
        """
        content = self._read("image", source)
        return media.stand_in_picture(content.label) if isinstance(content, StandIn) else content

    def video(self, source: Mapping[str, Any]) -> bytes | StandIn:
        """The video a media object means.

        Raises:
            InputFailure: It can't be had, or is too large.
        """
        return self._read("video", source)

    def check_voice(self, source: Mapping[str, Any]) -> None:
        """Read a voice; nothing is made of it.

        Raises:
            InputFailure: It can't be had, or is too large.
        """
        self._read("audio", source)

    def _read(self, kind: Kind, source: Mapping[str, Any]) -> bytes | StandIn:
        url = source.get("url")
        if url and source.get("file_id"):
            raise InputFailure(f"Only one of `url` and `file_id` of the {kind} may be given.")
        if not url:
            return _stand_in(kind, f"file {source.get('file_id')}" if "file_id" in source else "a preset voice")
        if url[:5].lower() == "data:":
            return self._bounded(kind, _decoded(kind, url))
        parts = _split(kind, url)
        if parts.hostname not in LOOPBACK:
            return _stand_in(kind, f"{parts.hostname}{parts.path}")
        if parts.port == self._port:
            status, data = self._own_file(parts.path, parts.query)
            if status != 200:
                raise _unreachable(kind, _status_line(status))
            return self._bounded(kind, data)
        return self._fetch(kind, url)

    def _bounded(self, kind: Kind, data: bytes) -> bytes:
        self._check_size(kind, len(data))
        return data

    def _check_size(self, kind: Kind, size: int) -> None:
        if size > self._max_bytes[kind]:
            raise InputFailure(f"The provided {kind} is larger than {self._max_bytes[kind]} bytes.")

    def _fetch(self, kind: Kind, url: str) -> bytes:
        # No proxy of the environment may see a loopback URL.
        with httpx.Client(timeout=_TIMEOUT, trust_env=False, headers={"user-agent": "XaiImageApiFetch/1.0"}) as client:
            try:
                return self._follow(client, kind, url)
            except (httpx.HTTPError, httpx.InvalidURL) as error:
                raise _unreachable(kind, f"error sending request ({type(error).__name__})") from error

    def _follow(self, client: httpx.Client, kind: Kind, url: str) -> bytes:
        request: httpx.Request | None = client.build_request("GET", url)
        for _ in range(_REDIRECTS + 1):
            if request is None or request.url.host not in LOOPBACK:
                raise _unreachable(kind, "redirected away from this machine")
            response = client.send(request, stream=True)
            try:
                if not response.has_redirect_location:
                    return self._content(kind, response)
                request = response.next_request
            finally:
                response.close()
        raise _unreachable(kind, "too many redirects")

    def _content(self, kind: Kind, response: httpx.Response) -> bytes:
        if response.status_code != 200:
            raise _unreachable(kind, _status_line(response.status_code))
        data = bytearray()
        for chunk in response.iter_bytes():
            data += chunk
            self._check_size(kind, len(data))
        return bytes(data)


def _stand_in(kind: Kind, label: str) -> StandIn:
    log.info("%s input %r is not fetched: a stand-in is used", kind, label)
    return StandIn(label)


def put(url: str, content: Callable[[], bytes]) -> None:
    """Send a result where `output.upload_url` says, if that is on this machine. Blocks.

    Args:
        url: Where to.
        content: Makes the result; not called if it is sent nowhere.

    Raises:
        InputFailure: The upload was refused, so the job fails.
    """
    try:
        host = urlsplit(url).hostname
    except ValueError as error:
        raise InputFailure(f"Unable to upload the video to the provided upload_url: invalid URL ({error})") from error
    if host not in LOOPBACK:
        log.info("a result is not uploaded to %r: only this machine is written to", host)
        return
    try:
        with httpx.Client(timeout=_TIMEOUT, trust_env=False) as client:
            response = client.put(url, content=content(), headers={"content-type": "video/mp4"})
        reason = "" if response.is_success else _status_line(response.status_code)
    except (httpx.HTTPError, httpx.InvalidURL) as error:
        reason = f"error sending request ({type(error).__name__})"
    if reason:
        raise InputFailure(f"Unable to upload the video to the provided upload_url: {reason}")


def _decoded(kind: Kind, url: str) -> bytes:
    """Content of a `data:` URL (RFC 2397)."""
    head, comma, content = url[5:].partition(",")
    if not comma:
        raise InputFailure(f"Unable to decode the provided {kind}: not a valid data URL")
    raw = unquote_to_bytes(content)
    if not head.lower().endswith(";base64"):
        return raw
    try:
        return base64.b64decode(raw, validate=True)
    except binascii.Error as error:
        raise InputFailure(f"Unable to decode the provided {kind}: {error}") from error


def _split(kind: Kind, url: str) -> SplitResult:
    try:
        parts = urlsplit(url)
        parts.port  # noqa: B018 - reading it is what checks it
    except ValueError as error:
        raise _unreachable(kind, f"invalid URL ({error})") from error
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise _unreachable(kind, "unsupported URL")
    return parts


def _status_line(status: int) -> str:
    return f"HTTP {status} {httpx.codes.get_reason_phrase(status)}".rstrip()


def _unreachable(kind: Kind, reason: str) -> InputFailure:
    """The recorded text, its misspelling included (register, Job statuses)."""
    return InputFailure(
        f"Unable to download provided {kind}_url, please make sure the url you provided is publicaly accessible: "
        f"{reason}"
    )
