"""Input media of a request: `data:` URLs are decoded, loopback URLs fetched, and all others get a stand-in.

The sandbox connects to this machine only. An unreadable input fails the job, not the request (register, General behaviour).
"""

import base64
import binascii
import logging
from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any, Literal, NamedTuple
from urllib.parse import SplitResult, unquote_to_bytes, urlsplit

import httpx

from . import media

log = logging.getLogger("grok_imagine_sandbox")

Kind = Literal["image", "video", "audio"]

LOOPBACK = frozenset({"127.0.0.1", "localhost", "::1"})
_LABEL = 200  # characters; a label is drawn, logged and stored
_PIECE = 64 * 2**10


class InputFailure(ValueError):
    """An input is unusable: the job fails with the service's code and this message."""

    def __init__(self, message: str, code: str = "invalid_argument") -> None:
        super().__init__(message)
        self.code = code


class StandIn(NamedTuple):
    """A placeholder for a video that is not fetched. It is rendered only when needed, since that takes a second."""

    label: str

    def facts(self) -> media.ClipInfo:
        """The result of probing the content, without rendering it."""
        width, height = media.size_for("16:9", "480p")
        return media.ClipInfo(width, height, 5.0, 120, "h264", "aac")

    def content(self) -> bytes:
        """The clip itself. Slow: belongs into a worker thread."""
        return media.stand_in_clip(self.label)


class Reader:
    """Reads media objects. It decodes and renders, so it belongs into a worker thread.

    Args:
        port: The sandbox's port; its files are read by `own_file`, not fetched.
        own_file: Returns status and content for a path of the sandbox's files.
        max_bytes: The maximum size of each kind of input.
        fetched: The content or failure for each URL that `to_fetch` returned.
        stored: Returns the content of a file by its id; None for an unknown id, which gets a stand-in.
        own_origin: The sandbox's address as its client knows it, if it is another.
    """

    def __init__(
        self,
        port: int,
        own_file: Callable[[str], tuple[int, bytes]],
        max_bytes: Mapping[Kind, int],
        fetched: "Mapping[str, bytes | InputFailure]" = MappingProxyType({}),
        stored: Callable[[str], bytes | None] = lambda file_id: None,
        own_origin: str = "",
    ) -> None:
        self._port = port
        self._own_file = own_file
        self._max_bytes = max_bytes
        self._fetched = fetched
        self._stored = stored
        self._own_origin = own_origin

    def over(self, fetched: "Mapping[str, bytes | InputFailure]", own_origin: str = "") -> "Reader":
        """A reader with the results of fetched URLs, for a client that knows the sandbox by this address."""
        return Reader(self._port, self._own_file, self._max_bytes, fetched, self._stored, own_origin)

    def to_fetch(self, kind: Kind, source: Mapping[str, Any]) -> str | None:
        """The URL of a media object on another server of this machine; None for all other objects."""
        url = source.get("url")
        if not url or source.get("file_id") or url[:5].lower() == "data:":
            return None
        try:
            parts = web_address(kind, url)
        except InputFailure:  # raised again when the object is read
            return None
        return url if parts.hostname in LOOPBACK and not self._is_own(parts) else None

    def max_bytes(self, kind: Kind) -> int:
        """The maximum size of an input of a kind."""
        return self._max_bytes[kind]

    def picture(self, source: Mapping[str, Any]) -> bytes:
        """The picture of a media object.

        Raises:
            InputFailure: It is unavailable, or too large.
        """
        content = self._read("image", source)
        return media.stand_in_picture(content.label) if isinstance(content, StandIn) else content

    def video(self, source: Mapping[str, Any]) -> bytes | StandIn:
        """The video of a media object.

        Raises:
            InputFailure: It is unavailable, or too large.
        """
        return self._read("video", source)

    def check_voice(self, source: Mapping[str, Any]) -> None:
        """Read a voice, only to check it.

        Raises:
            InputFailure: It is unavailable, or too large.
        """
        self._read("audio", source)

    def _read(self, kind: Kind, source: Mapping[str, Any]) -> bytes | StandIn:
        url = source.get("url")
        if url and source.get("file_id"):
            raise InputFailure(f"Only one of `url` and `file_id` of the {kind} may be given.")
        if not url and (content := self._stored(source.get("file_id") or "")) is not None:
            return self._bounded(kind, content)
        if not url:
            return _stand_in(kind, f"file {source.get('file_id')}" if "file_id" in source else "a preset voice")
        if url[:5].lower() == "data:":
            return self._bounded(kind, _decoded(kind, url, self._max_bytes[kind]))
        parts = web_address(kind, url)
        if not self._is_own(parts) and parts.hostname not in LOOPBACK:
            return _stand_in(kind, f"{parts.hostname}{parts.path}")
        if self._is_own(parts):
            status, data = self._own_file(parts.path)
            if status != 200:
                raise unreachable(kind, status_line(status))
            return self._bounded(kind, data)
        found = self._fetched[url]
        if isinstance(found, InputFailure):
            raise found
        return found

    def _is_own(self, parts: SplitResult) -> bool:
        is_own_port = parts.hostname in LOOPBACK and parts.port == self._port
        return is_own_port or f"{parts.scheme}://{parts.netloc}".lower() == self._own_origin.lower()

    def _bounded(self, kind: Kind, data: bytes) -> bytes:
        if len(data) > self._max_bytes[kind]:
            raise too_large(kind, self._max_bytes[kind])
        return data


def _stand_in(kind: Kind, label: str) -> StandIn:
    label = label[:_LABEL]
    log.info("%s input %r is not fetched: a stand-in is used", kind, label)
    return StandIn(label)


def _decoded(kind: Kind, url: str, max_bytes: int) -> bytes:
    """Content of a `data:` URL (RFC 2397)."""
    head, comma, content = url[5:].partition(",")
    if not comma:
        raise InputFailure(f"Unable to decode the provided {kind}: not a valid data URL")
    raw = _unquoted(content)
    if not head.lower().endswith(";base64"):
        return raw
    if len(raw) > max_bytes * 4 / 3 + 4:
        raise too_large(kind, max_bytes)
    try:
        return base64.b64decode(raw, validate=True)
    except binascii.Error as error:
        raise InputFailure(f"Unable to decode the provided {kind}: {error}") from error


def _unquoted(content: str) -> bytes:
    """`unquote_to_bytes` in pieces, since it creates an object for each escape."""
    out = bytearray()
    start = 0
    while start < len(content):
        end = start + _PIECE
        cut = content.rfind("%", end - 2, end)  # do not split an escape
        end = end if cut < 0 else cut
        out += unquote_to_bytes(content[start:end])
        start = end
    return bytes(out)


def web_address(kind: Kind, url: str) -> SplitResult:
    """The parts of a fetchable URL.

    Raises:
        InputFailure: The URL can't be fetched.
    """
    try:
        parts = urlsplit(url)
        parts.port  # noqa: B018 - reading it is what checks it
    except ValueError as error:
        raise unreachable(kind, f"invalid URL ({error})") from error
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise unreachable(kind, "unsupported URL")
    return parts


def status_line(status: int) -> str:
    """A status in the form of the service's messages."""
    return f"HTTP {status} {httpx.codes.get_reason_phrase(status)}".rstrip()


def too_large(kind: Kind, max_bytes: int) -> InputFailure:
    """The failure of an input that is too large."""
    return InputFailure(f"The provided {kind} is larger than {max_bytes} bytes.")


def unreachable(kind: Kind, reason: str) -> InputFailure:
    """The failure of an unavailable input, with the recorded text, including its misspelling (register, Job statuses)."""
    return InputFailure(
        f"Unable to download provided {kind}_url, please make sure the url you provided is publicaly accessible: "
        f"{reason}"
    )
