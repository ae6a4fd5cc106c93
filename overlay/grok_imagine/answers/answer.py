"""The one door for answers: what came over the wire becomes an `Answer`, and nothing behind it sees anything else.

`take_in` raises nothing, whatever came. What is wrong with a body is told when somebody wants to read it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

from ..errors import UnexpectedResponse
from ..parsing import MOST_ANSWER as MOST_ANSWER
from ..parsing import SHORTEST_SECRET, find_text, read_json, shown, unpack, without

__all__ = ["Answer", "take_in"]

MOST_HEADERS = 1 << 17
"""Characters of all headers of an answer; what comes after them is left out."""

LONGEST_HEADER = 8192
"""Characters of one header."""


class Answer(NamedTuple):
    """An HTTP answer in bounded, plain values. The key is nowhere in it.

    Attributes:
        status_code: HTTP status; any number that came.
        headers: By lower-case names; printable, and within bounds.
        body: Unpacked, at most `MOST_ANSWER` bytes.
        flaw: Why the body can't be read whole, such as "breaks off"; else empty.
        value: The body's JSON, if it is any.
        candidate_id: What may be the id of a job, though the answer is not what it should be: a `request_id` in the body, as far
            as that goes, or else the header `x-request-id`.
    """

    status_code: int
    headers: Mapping[str, str]
    body: bytes
    flaw: str = ""
    value: Any = None
    candidate_id: str | None = None

    def json(self, request_id: str | None = None) -> Mapping[str, Any]:
        """The JSON object that the body is.

        Raises:
            UnexpectedResponse: It is none; the error has the id, if the answer is about a job.
        """
        if self.flaw:
            raise self.unexpected(self.flaw, request_id)
        if not isinstance(self.value, dict):
            raise self.unexpected(f"holds JSON of another shape: {type(self.value).__name__}", request_id)
        return self.value

    def unexpected(self, flaw: str, request_id: str | None = None) -> UnexpectedResponse:
        """The error of an answer that says it was successful, and is not what was asked for."""
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
    """Makes an answer of what came over the wire. Never raises.

    Args:
        status: HTTP status.
        headers: As they came.
        body: As it came, so still packed if its content-encoding says so. What is longer than `MOST_ANSWER` is cut.
        key: The API key; a broken proxy may repeat it.
        lost: Why the rest of the body never came, if so; then there is no JSON in it.
    """
    secret = key if len(key) >= SHORTEST_SECRET else ""
    kept, encodings = _headers(headers, secret)
    body, flaw = unpack(body, encodings)
    if secret and secret.encode() in body:
        body = body.replace(secret.encode(), b"***")
    value, flaw = None, lost or flaw
    if not flaw:
        try:
            value = read_json(body, secret)
        except (ValueError, RecursionError) as error:
            flaw = f"holds no JSON: {shown(error, 80)}"
    candidate = without(find_text(body, "request_id"), secret) if flaw else _id_in(value)
    return Answer(status, kept, body, flaw, value, candidate or kept.get("x-request-id"))


def _id_in(value: object) -> str | None:
    told = value.get("request_id") if isinstance(value, dict) else None
    return str(told) if isinstance(told, str | int | float) and not isinstance(told, bool) else None


def _headers(raw: Iterable[tuple[bytes, bytes]], secret: str) -> tuple[dict[str, str], list[str]]:
    """The headers as texts, and the content encodings among them."""
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
