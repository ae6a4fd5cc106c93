"""Named scenarios: every known failure of the service, on command.

A scenario is data. `answer` replaces the whole answer. `error` replaces it by one of `x-errors.texts` in the era's form, with
`parts` as the values of its {names}. `change` is a JSON merge patch (RFC 7396) of the real answer; None removes a key.
`delivery` is the form of delivery.
"""

from collections.abc import Mapping
from difflib import get_close_matches
from types import MappingProxyType
from typing import Any, Literal, NamedTuple

from .answers import BAD_GATEWAY, UNAVAILABLE, Answer
from .contract import Contract

When = Literal["any", "start", "accepted", "running", "look", "end"]
Delivery = Literal["whole", "cut", "reset", "slow"]


class Scenario(NamedTuple):
    """One kind of failure.

    `when` is "any" (any request of the API), "start" (a POST that creates no job), "accepted" (the answer to a POST that created
    a job), "running" (polls while the job runs), "look" (any poll) or "end" (the end of the job).
    """

    name: str
    summary: str
    when: When
    answer: Answer | None = None
    error: str | None = None
    parts: Mapping[str, Any] = MappingProxyType({})
    is_billed: bool = False
    """Whether the job is billed although the answer is an error; the answer then has the cost."""
    status: int | None = None
    change: Mapping[str, Any] = MappingProxyType({})
    delivery: Delivery = "whole"
    state: str = "done"

    def replacement(self, contract: Contract, ticks: int | None = None) -> Answer | None:
        """The answer that replaces the real one, if any; with the job's cost, if it is billed."""
        if self.error is None:
            return self.answer
        answer = contract.error(self.error, **self.parts)
        if not self.is_billed or ticks is None:
            return answer
        return answer._replace(body={**answer.body, "usage": {"cost_in_usd_ticks": ticks}})


class Choice(NamedTuple):
    """A requested scenario: for the first `times` occasions, or for all."""

    scenario: Scenario
    times: int | None = None

    def __str__(self) -> str:
        return self.scenario.name if self.times is None else f"{self.scenario.name}:{self.times}"


class UnknownScenario(ValueError):
    """There is no such scenario, or the text is not `name` or `name:N`."""


def choose(text: str) -> Choice:
    """Read `name` or `name:N`.

    Raises:
        UnknownScenario: The name is unknown, or N is not a whole number above 0.
    """
    name, colon, times = text.partition(":")
    name = ALIASES.get(name, name)
    if name not in SCENARIOS:
        near = get_close_matches(name.lower().replace("_", "-"), [*ALIASES, *SCENARIOS], 1)
        meant = f" (did you mean {near[0]!r}?)" if near else ""
        raise UnknownScenario(
            f"there is no scenario {name!r}{meant}; python -m grok_imagine_sandbox --list-scenarios names all"
        )
    if not colon:
        return Choice(SCENARIOS[name])
    if not (times.isascii() and times.isdecimal() and len(times) < 10 and int(times)):
        raise UnknownScenario(f"{text!r}: the number after the colon is a count from 1")
    return Choice(SCENARIOS[name], int(times))


def _failed(code: str, message: str) -> Scenario:
    return Scenario(
        f"failed-{code.replace('_', '-')}",
        f"the job fails with {code}",
        "end",
        Answer(200, {"status": "failed", "error": {"code": code, "message": message}}),
        state="failed",
    )


_MODERATED = "Generated video rejected by content moderation."
_NO_VIDEO = {"url": "", "duration": 0, "respect_moderation": True}
_NOT_READABLE = (
    "Unable to download provided video_url, please make sure the url you provided is publicaly accessible: "
    "HTTP 403 Forbidden"
)
_HTML = "<!DOCTYPE html>\n<html><head><title>{0}</title></head><body><h1>{0}</h1></body></html>\n"

# With the recorded figures.
_RATE_LIMIT = {"model": "grok-imagine-video", "what": "Requests per Minute", "actual": 80, "limit": 60}
_CLOUDFLARE = Answer(520, _HTML.format("520: Web server is returning an unknown error"), "text/html; charset=UTF-8")

_ENDS = (
    _failed("invalid_argument", "Prompt cannot be empty. Please provide a prompt."),
    _failed("permission_denied", "The caller does not have permission to execute the specified operation."),
    _failed("failed_precondition", "The request can't be executed in the current state of the system."),
    _failed("service_unavailable", "The service is currently unavailable. Please try again later."),
    _failed("internal_error", "An internal error occurred while the video was generated."),
    Scenario(
        "failed-without-error",
        "the job fails without an error",
        "end",
        Answer(200, {"status": "failed"}),
        state="failed",
    ),
    Scenario(
        "failed-empty-video",
        "the job fails with an empty video beside the error, as in March",
        "end",
        Answer(
            200,
            {
                "status": "failed",
                "video": _NO_VIDEO,
                "model": "",
                "error": {"code": "invalid_argument", "message": _NOT_READABLE},
                "progress": 0,
            },
        ),
        state="failed",
    ),
    Scenario("expired", "the job expires", "end", Answer(200, {"status": "expired"}), state="expired"),
    Scenario(
        "moderated-withheld",
        "the job is done, but moderation withholds its video",
        "end",
        change={"video": {"url": "", "respect_moderation": False}},
    ),
    Scenario(
        "moderated-rejected",
        "the poll that would find the job done gets a 400 with the cost",
        "end",
        error="moderated",
        is_billed=True,
        state="failed",
    ),
    Scenario(
        "moderated-unpriced",
        "the same without the cost, as clients reported it",
        "end",
        error="moderated",
        state="failed",
    ),
    Scenario(
        "moderated-failed",
        "the job fails, and only its message mentions moderation",
        "end",
        Answer(200, {"status": "failed", "error": {"code": "invalid_argument", "message": _MODERATED}}),
        state="failed",
    ),
    Scenario(
        "status-null",
        "the job is done without a status, as in early 2026",
        "end",
        change={"status": None, "usage": None, "progress": None},
    ),
    Scenario("done-without-url", "the job is done, but has no URL", "end", change={"video": {"url": None}}),
    Scenario(
        "done-minimal",
        "the job is done without usage and progress",
        "end",
        change={"usage": None, "progress": None},
    ),
    Scenario("never-ends", "the job runs indefinitely", "end", state="pending"),
)

_RUNS = (
    Scenario("pending-empty", "polls of the running job get empty 202s", "running", Answer(202, "")),
    Scenario("no-progress", "polls of the running job get no progress", "running", change={"progress": None}),
    Scenario(
        "status-unknown",
        "polls of the running job get 200 with an unknown status",
        "running",
        status=200,
        change={"status": "finalizing"},
    ),
)

_STARTS = (
    Scenario("out-of-credit", "any request: 429, no credit left", "any", error="out_of_credit"),
    Scenario("rate-limit", "POST: 429, too many requests", "start", error="rate_limit", parts=_RATE_LIMIT),
    Scenario("forbidden", "POST: 403", "start", error="not_permitted"),
    Scenario("bad-token", "POST: 403, the token of an OAuth client is not valid", "start", error="bad_token"),
    Scenario("no-upload-url", "POST: 400, as a team with zero data retention gets it", "start", error="no_upload_url"),
    Scenario("unavailable", "POST: 503 in plain text", "start", UNAVAILABLE),
    Scenario("bad-gateway", "POST: 502 in plain text", "start", BAD_GATEWAY),
    Scenario("cloudflare-520", "POST: 520 in HTML", "start", _CLOUDFLARE),
    Scenario("empty-500", "POST: 500 with an empty body", "start", Answer(500, "", "text/plain")),
    Scenario("reset-before", "POST: the connection is reset, there is no job", "start", delivery="reset"),
    Scenario("reset-after-accepting", "POST: the job runs, the connection is reset", "accepted", delivery="reset"),
    Scenario("slow", "POST: the job runs, the answer is late", "accepted", delivery="slow"),
    Scenario("truncated", "POST: the job runs, the answer breaks off", "accepted", delivery="cut"),
)

_LOOKS = (
    Scenario("look-out-of-credit", "GET: 429, no credit left", "look", error="out_of_credit"),
    Scenario("look-rate-limit", "GET: 429, too many requests", "look", error="rate_limit", parts=_RATE_LIMIT),
    Scenario("look-unavailable", "GET: 503 in plain text", "look", UNAVAILABLE),
    Scenario("look-520", "GET: 520 in HTML", "look", _CLOUDFLARE),
    Scenario("look-not-found", "GET: 404, as if there were no such job", "look", error="unknown_job"),
    Scenario(
        "look-html",
        "GET: 200 with a page instead of a state",
        "look",
        Answer(200, _HTML.format("Just a moment..."), "text/html; charset=UTF-8"),
    ),
    Scenario("look-garbage", "GET: 200 with a list instead of a state", "look", Answer(200, ["done"])),
    Scenario(
        "look-garbage-video",
        "GET: 200, done, its video a bare string",
        "look",
        Answer(200, {"status": "done", "video": "https://example.com/a.mp4", "progress": "100"}),
    ),
    Scenario("look-reset", "GET: the connection is reset", "look", delivery="reset"),
    Scenario("look-slow", "GET: the answer is late", "look", delivery="slow"),
    Scenario("look-truncated", "GET: the answer breaks off", "look", delivery="cut"),
)

SCENARIOS: Mapping[str, Scenario] = MappingProxyType(
    {scenario.name: scenario for scenario in (*_ENDS, *_RUNS, *_STARTS, *_LOOKS)}
)
"""Every scenario by its name."""

ALIASES: Mapping[str, str] = MappingProxyType({"moderated": "moderated-rejected"})
"""Short names of scenarios: the form in which the service does it today."""


def merge(value: Any, patch: Any) -> Any:
    """Apply a JSON merge patch (RFC 7396): None removes a key."""
    if not isinstance(patch, Mapping):
        return patch
    merged = dict(value) if isinstance(value, Mapping) else {}
    for name, item in patch.items():
        if item is None:
            merged.pop(name, None)
        else:
            merged[name] = merge(merged.get(name), item)
    return merged
