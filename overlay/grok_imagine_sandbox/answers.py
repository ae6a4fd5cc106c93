"""The bodies the service gives, literally (register, HTTP statuses): an answer is data until it is sent."""

from typing import Any, NamedTuple

from starlette.responses import JSONResponse, Response

# The phrase codes of spring 2026, from which the recordings are; the kebab-case tokens came in summer.
INVALID = "Client specified an invalid argument"
NOT_FOUND = "Some requested entity was not found"
EXHAUSTED = "Some resource has been exhausted"
NOT_PERMITTED = "The caller does not have permission to execute the specified operation"
UNAUTHENTICATED = "The request does not have valid authentication credentials"

TEAM = "00000000-0000-0000-0000-000000000000"

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
    """A request is refused: no job was made, nothing is billed."""

    def __init__(self, answer: Answer) -> None:
        super().__init__(answer)
        self.answer = answer


def excerpt(text: str) -> str:
    """A text of a request as an answer repeats it: a long one is cut, so that no answer is as large as its request."""
    return text if len(text) <= _LONGEST else f"{text[:_LONGEST]}…"


def flat(status: int, code: str, text: str) -> Answer:
    """A JSON error in the service's flat form."""
    return Answer(status, {"code": code, "error": text})


def plain(status: int, text: str) -> Answer:
    """An error in plain text: 422, and whatever the network in front of the service says."""
    return Answer(status, text, _PLAIN)


NO_KEY = flat(401, UNAUTHENTICATED, "No credentials presented. [WKE=unauthenticated:no-credentials]")
FORBIDDEN = flat(403, NOT_PERMITTED, "Your team may not use this model.")
MALFORMED_ID = flat(400, INVALID, "Malformed request ID")
UNKNOWN_ID = flat(404, NOT_FOUND, "No deferred video could be found with the given request_id.")
NO_UPLOAD_URL = flat(400, INVALID, "Zero Data Retention teams must provide output.upload_url for video generation.")
OUT_OF_CREDIT = flat(
    429,
    EXHAUSTED,
    f"Your team {TEAM} has either used all available credits or reached its monthly spending limit. To continue making "
    "API requests, please purchase more credits or raise your spending limit.",
)
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


def bad_key(key: str) -> Answer:
    """A key that is not the named one, masked as the service masks it."""
    masked = f"{key[:2]}***{key[-2:]}" if len(key) > 4 else "***"
    text = f"Incorrect API key provided: {masked}. You can obtain an API key from https://console.x.ai."
    return flat(400, INVALID, text)


def no_such_model(name: str) -> Answer:
    """A POST names a model that does not exist."""
    return flat(
        404,
        NOT_FOUND,
        f"The model {excerpt(name)} does not exist or your team {TEAM} does not have access to it. Please ensure you're using "
        "the correct API key. If you believe this is a mistake, please contact support and quote your team ID and the "
        "model name.",
    )


def model_not_found(name: str) -> Answer:
    """The list of models has no such model; it words that differently from a POST."""
    return flat(404, NOT_FOUND, f"Model '{excerpt(name)}' not found.")


def too_many(model: str, what: str = "Requests per Minute", actual: int = 80, limit: int = 60) -> Answer:
    """A limit was passed. The text was seen since summer only; unless told otherwise, with the figures that were seen.

    Args:
        model: Which model's limit.
        what: "Requests per Minute" or "Requests per Second".
        actual: How many there were.
        limit: How many there may be.
    """
    return flat(
        429,
        "resource-exhausted",
        f"Too many requests for team {TEAM} and model {model}. Your team's rate limit is — {what} (actual/limit): "
        f"{actual}/{limit}. Your rate limit tier is determined based on your historical API spend. To learn how to "
        "increase your rate limit tier, please visit https://console.x.ai/team/default/rate-limits.",
    )
