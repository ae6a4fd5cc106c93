"""HTTP answers as plain, bounded values: each becomes an `Answer`, and the rest of the package sees nothing else.

`take_in` never raises. A flaw of the body is raised when the body is read.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

from ..errors import UnexpectedResponse
from ..parsing import SHORTEST_SECRET, find_text, read_json, shown, unpack, without

__all__ = ["Answer", "take_in"]

MOST_HEADERS = 1 << 17
"""Maximum characters of all headers of an answer; the rest is dropped."""

LONGEST_HEADER = 8192
"""Maximum characters of one header."""


class Answer(NamedTuple):
    """An HTTP answer in bounded, plain values, without the API key.

    Attributes:
        status_code: HTTP status; may be any number.
        headers: Headers by lower-case names, printable and bounded.
        body: The decompressed body, at most `MOST_ANSWER` bytes.
        flaw: Why the body can't be read whole, such as "breaks off"; otherwise empty.
        value: The body's JSON, if it is JSON.
        candidate_id: A possible job id in a malformed answer: a `request_id` in the readable part of the body, or the header
            `x-request-id`.
    """

    status_code: int
    headers: Mapping[str, str]
    body: bytes
    flaw: str = ""
    value: Any = None
    candidate_id: str | None = None

    def json(self, request_id: str | None = None) -> Mapping[str, Any]:
        """The body as a JSON object.

        Raises:
            UnexpectedResponse: The body is not a JSON object. The error has the id, if the answer is about a job.
        """
        if self.flaw:
            raise self.unexpected(self.flaw, request_id)
        if not isinstance(self.value, dict):
            raise self.unexpected(f"has JSON of another shape: {type(self.value).__name__}", request_id)
        return self.value

    def unexpected(self, flaw: str, request_id: str | None = None) -> UnexpectedResponse:
        """The error of an answer that has a success status and unexpected content."""
        text, payload = (
            self.body[:4096].decode("utf-8", "replace"),
            self.value if isinstance(self.value, dict) else None,
        )
        return UnexpectedResponse(
            f"the answer {flaw}",
            status_code=self.status_code, headers=self.headers, body=text, request_id=request_id, payload=payload,
        )  # fmt: skip

    def __repr__(self) -> str:
        return f"<Answer {self.status_code}, {len(self.body)} bytes>"


def take_in(status: int, headers: Iterable[tuple[bytes, bytes]], body: bytes, key: str, lost: str = "") -> Answer:
    """Makes an `Answer` of raw data. Never raises.

    Args:
        status: HTTP status.
        headers: The raw headers.
        body: The raw body, compressed according to its content-encoding. It is cut to `MOST_ANSWER`.
        key: The API key, which is redacted: a broken proxy may repeat it.
        lost: Why the rest of the body did not arrive, if so; then no JSON is read.
    """
    secret = key if len(key) >= SHORTEST_SECRET else ""
    kept, encodings = _headers(headers, secret)
    came = body
    body, flaw = unpack(body, encodings)
    if secret and secret.encode() in body:
        body = body.replace(secret.encode(), b"***")
    value, flaw = None, lost or flaw
    if not flaw:
        try:
            value = read_json(body, secret)
        except (ValueError, RecursionError) as error:
            flaw = f"is not JSON: {shown(error, 80)}"
    # Wherever it is: within other JSON, or in a body that is not packed although it is said to be.
    candidate = _id_in(value) or without(find_text(body or came, "request_id"), secret)
    return Answer(status, kept, body, flaw, value, candidate or kept.get("x-request-id"))


def _id_in(value: object) -> str | None:
    found = value.get("request_id") if isinstance(value, dict) else None
    return str(found) if isinstance(found, str | int | float) and not isinstance(found, bool) else None


def _headers(raw: Iterable[tuple[bytes, bytes]], secret: str) -> tuple[dict[str, str], list[str]]:
    """The headers as strings, and the content encodings."""
    kept, left, encodings = dict[str, str](), MOST_HEADERS, list[str]()
    for name_, value_ in raw:
        left -= len(name_) + len(value_)
        if left < 0:
            break
        name, value = name_.decode("latin-1").lower(), value_.decode("utf-8", "replace")
        if secret:
            name, value = name.replace(secret.lower(), "***"), without(value, secret)
        if name == "content-encoding":
            encodings.append(value)
        name = shown(name, 100)
        kept[name] = shown(f"{kept[name]}, {value}" if name in kept else value, LONGEST_HEADER)
    return kept, encodings
