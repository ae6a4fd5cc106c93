"""HTTP answers as data, and fixed answers that the document does not contain (register, HTTP statuses)."""

from typing import Any, NamedTuple

from starlette.responses import JSONResponse, Response

_LONGEST = 1000  # characters
_PLAIN = "text/plain"  # Starlette adds the charset


class Answer(NamedTuple):
    """An HTTP answer: a str body is sent as it is, anything else as JSON."""

    status: int
    body: Any
    media_type: str = "application/json"

    def response(self) -> Response:
        """The answer as Starlette sends it."""
        if isinstance(self.body, str):
            return Response(self.body, self.status, media_type=self.media_type)
        return JSONResponse(self.body, self.status, media_type=self.media_type)


class Refusal(Exception):
    """A refused request: no job is created, and nothing is billed."""

    def __init__(self, answer: Answer) -> None:
        super().__init__(answer)
        self.answer = answer


def excerpt(text: str) -> str:
    """A string of a request for use in an answer. It is truncated, so that an answer is never as large as its request."""
    return text if len(text) <= _LONGEST else f"{text[:_LONGEST]}…"


def plain(status: int, text: str) -> Answer:
    """An error in plain text: 422s, and errors of the network in front of the service."""
    return Answer(status, text, _PLAIN)


UNAVAILABLE = plain(
    503,
    "upstream connect error or disconnect/reset before headers. retried and the latest reset reason: "
    "connection timeout",
)
OVERLOADED = plain(503, "upstream connect error or disconnect/reset before headers. reset reason: overflow")
BAD_GATEWAY = plain(502, "error code: 502")
NOT_JSON = plain(415, "Expected request with `Content-Type: application/json`")
TOO_LARGE = plain(413, "length limit exceeded")
NO_ROUTE = Answer(
    404,
    {
        "error": {
            "code": 404,
            "message": "The requested resource was not found. Please check the URL and try again. Documentation is "
            "available at https://docs.x.ai/",
        }
    },
)


def masked(key: str) -> str:
    """A key in the masked form that the service used until summer."""
    return f"{key[:2]}***{key[-2:]}" if len(key) > 4 else "***"
