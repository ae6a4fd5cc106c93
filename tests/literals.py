"""Bodies of the service, literally, as they were recorded, probed or published; of spring and of autumn. Facts, not prose."""

from __future__ import annotations

import json
from typing import Any, Literal, NamedTuple

TEAM = "00000000-0000-0000-0000-000000000000"
PHRASES = {
    "invalid-argument": "Client specified an invalid argument",
    "not-found": "Some requested entity was not found",
    "resource-exhausted": "Some resource has been exhausted",
    "permission-denied": "The caller does not have permission to execute the specified operation",
}
VOICES = (
    "ara, eve, leo, rex, sal, carina, zagan, helix, orion, luna, iris, altair, zenith, perseus, helios, lux, kepler, rigel, "
    "cosmo, celeste, ursa, sirius, lumen, castor, naksh, atlas"
)
_RATE = (
    f"Too many requests for team {TEAM} and model grok-imagine-video-1.5. Your team's rate limit is — {{}}. Your rate limit "
    "tier is determined based on your historical API spend. To learn how to increase your rate limit tier, please visit "
    "https://console.x.ai/team/default/rate-limits."
)
_CREDIT = (
    f"Your team {TEAM} has either used all available credits or reached its monthly spending limit. To continue making API "
    "requests, please purchase more credits or raise your spending limit."
)
_UNKNOWN = (
    "The model {} does not exist or your team "
    + TEAM
    + " does not have access to it. {}If you believe this is a mistake, "
)
_CONTACT = "please contact support and quote your team ID and the model name."
_URL = "https://vidgen.x.ai/xai-vidgen-bucket/xai-video-79d40db0-12c1-4bc1-87ad-f20ae457db75.mp4"
_UNREACHABLE = (
    "Unable to download provided video_url, please make sure the url you provided is publicaly accessible: HTTP {}"
)
_SERDE = "Failed to deserialize the JSON body into the target type: "
_REJECTED = "Generated video rejected by content moderation."


class Told(NamedTuple):
    """An answer, and what it means."""

    name: str
    to: Literal["start", "look", "models", "model"]
    status: int
    body: str
    means: str
    """Name of the error that is raised; of a look else the outcome; of a start else the job's id."""
    code: str | None = None
    """Of an error."""
    ticks: int | None = None
    """What it says was billed."""
    text: str = ""
    """Of an error: in its message."""


def _json(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


def _refused(
    name: str, text: str, code: str = "invalid-argument", status: int = 400, error: str = "BadRequestError"
) -> list[Told]:
    """A refusal of a POST in both dialects."""
    return [
        Told(f"{name}, {era}", "start", status, _json({"code": said, "error": text}), error, said, text=text)
        for era, said in (("autumn", code), ("spring", PHRASES[code]))
    ]


REFUSALS: list[Told] = [
    told
    for name, text in {
        "duration": "Duration must be between 1 and 15 seconds",
        "duration of references": "Duration 16s exceeds the maximum allowed for reference-to-video, which is 15s.",
        "duration of references, base": "Duration 15s exceeds the maximum allowed for reference-to-video, which is 10s.",
        "references": "Too many reference images: 15. Maximum allowed is 14.",
        "references before September": "Too many reference images: 8. Maximum allowed is 7.",
        "voices": "Too many reference audio clips: 4. Maximum allowed is 3.",
        "1080p": "1080p video resolution is not supported for reference-to-video requests.",
        "voices, base": "`reference_audios` is not supported for this model.",
        "references, lite": "`reference_images` is not supported for this model.",
        "last frame, lite": "`last_frame` is not supported for this model.",
        "edit": "Video editing is not supported for this model.",
        "extension": "Video extension is not supported for this model.",
        "text": "Text-to-video is not supported for this model.",
        "voice": f'Unknown voice_id "zzz_not_a_voice_zzz". Available voices: {VOICES}. Custom voice ids created via the '
        "/v1/custom-voices API are also accepted.",
        "prompt": "Prompt cannot be empty. Please provide a prompt.",
        "long prompt": "Prompt length is larger than the maximum allowed length which is 4096",
        "long prompt, newer": "Prompt length exceeds the maximum allowed length of 4096",
        "images": "The `images` field is deprecated. Please use `reference_images` instead.",
        "retention": "Zero Data Retention teams must provide output.upload_url for video generation.",
    }.items()
    for told in _refused(name, text)
]

_AUTH = "AuthenticationError"
ACCESS: list[Told] = [
    *_refused("key", "Incorrect API key provided. You can obtain an API key from https://console.x.ai.", error=_AUTH),
    *_refused(
        "masked key",
        "Incorrect API key provided: xa***yz. You can obtain an API key from https://console.x.ai.",
        error=_AUTH,
    ),
    Told(
        "no key",
        "start",
        401,
        _json({"code": "unauthenticated:no-credentials", "error": "No credentials presented."}),
        _AUTH,
        "unauthenticated:no-credentials",
    ),
    Told(
        "no key, spring",
        "start",
        401,
        _json(
            {
                "code": "The request does not have valid authentication credentials",
                "error": "No credentials presented. [WKE=unauthenticated:no-credentials]",
            }
        ),
        _AUTH,
        "The request does not have valid authentication credentials",
    ),
    Told(
        "token",
        "start",
        403,
        _json({"code": "unauthenticated:bad-credentials", "error": "The OAuth2 access token could not be validated."}),
        "PermissionDeniedError",
        "unauthenticated:bad-credentials",
    ),
    *_refused("permission", "...", "permission-denied", 403, "PermissionDeniedError"),
    Told(
        "a text alone",
        "start",
        403,
        _json({"error": "Custom voices are not enabled for this team."}),
        "PermissionDeniedError",
        text="Custom voices are not enabled for this team.",
    ),
    *_refused(
        "unknown model", _UNKNOWN.format("grok-imagine-video-2.0", "") + _CONTACT, "not-found", 404, "NotFoundError"
    ),
    *_refused(
        "unknown model, older text",
        _UNKNOWN.format("grok-video", "Please ensure you're using the correct API key. ") + _CONTACT,
        "not-found",
        404,
        "NotFoundError",
    ),
    Told(
        "route",
        "start",
        404,
        _json(
            {
                "error": {
                    "code": 404,
                    "message": "The requested resource was not found. Please check the URL and try again. Documentation is "
                    "available at https://docs.x.ai/",
                }
            }
        ),
        "NotFoundError",
        "404",
        text="The requested resource was not found.",
    ),
    Told("method", "start", 405, "", "ApiError"),
    *_refused("credit", _CREDIT, "resource-exhausted", 429, "OutOfCreditError"),
    *_refused(
        "rate", _RATE.format("Requests per Second (actual/limit): 2/2"), "resource-exhausted", 429, "RateLimitError"
    ),
    *_refused(
        "rate a minute",
        _RATE.format("Requests per Minute (actual/limit): 80/60"),
        "resource-exhausted",
        429,
        "RateLimitError",
    ),
]

SHAPES: list[Told] = [
    Told(f"422, {name}", "start", 422, _SERDE + text, "UnprocessableError", text=text[:60])
    for name, text in {
        "missing": "missing field `video` at line 1 column 38",
        "variant": "aspect_ratio: unknown variant `auto`, expected one of `1:1`, `16:9`, `9:16`, `4:3`, `3:4`, `3:2`, `2:3` at "
        "line 1 column 116",
        "string": 'video: invalid type: string "https://example.com/a.mp4", expected struct VideoUrl at line 1 column 49',
        "references": "reference_images[0]: invalid type: string ..., expected struct ImageUrl",
        "image": "image: missing field `url` at line 1 column 39",
    }.items()
]
NETWORK: list[Told] = [
    Told(
        "503",
        "look",
        503,
        "upstream connect error or disconnect/reset before headers. retried and the latest reset reason: connection timeout",
        "ServerError",
    ),
    Told("502", "look", 502, "error code: 502", "ServerError"),
    Told("502 to a POST", "start", 502, "error code: 502", "StartOutcomeUnknown"),
]

STARTS: list[Told] = [
    Told(
        "accepted",
        "start",
        200,
        '{"request_id":"d97415a1-5796-b7ec-379f-4e6819e08fdf"}',
        "d97415a1-5796-b7ec-379f-4e6819e08fdf",
    )
]

RUNNING: list[Told] = [
    Told(f"pending at {progress}", "look", 202, _json({"status": "pending", "progress": progress}), "running")
    for progress in (0, 1, 12, 13, 14, 19, 20, 21, 25, 30, 35, 42, 58, 59, 77, 84, 95)
] + [Told("pending, empty", "look", 202, "", "running")]

_GOOD = {"url": _URL, "duration": 10, "respect_moderation": True}
_EMPTY = {"url": "", "duration": 0, "respect_moderation": True}
ENDS: list[Told] = [
    Told(
        "done",
        "look",
        200,
        _json(
            {
                "status": "done",
                "video": _GOOD,
                "model": "grok-imagine-video",
                "usage": {"cost_in_usd_ticks": 5500000000},
                "progress": 100,
            }
        ),
        "done",
        ticks=5500000000,
    ),
    Told(
        "done, documented",
        "look",
        200,
        _json({"status": "done", "video": _GOOD, "model": "grok-imagine-video"}),
        "done",
    ),
    Told(
        "done, early 2026",
        "look",
        200,
        _json({"video": _GOOD | {"duration": 8}, "model": "grok-imagine-video"}),
        "done",
    ),
    Told(
        "done, with tokens",
        "look",
        200,
        _json(
            {
                "status": "done",
                "video": _GOOD,
                "usage": {
                    "cost_in_usd_ticks": 12100000000,
                    "input_tokens": 5,
                    "output_tokens": 7,
                    "total_tokens": 12,
                    "input_tokens_details": {"cached_tokens": 0, "image_tokens": 0, "text_tokens": 5},
                    "output_tokens_details": {"image_tokens": 0, "reasoning_tokens": 3, "text_tokens": 4},
                },
            }
        ),
        "done",
        ticks=12100000000,
    ),
    Told(
        "done, stored",
        "look",
        200,
        _json(
            {
                "status": "done",
                "video": {
                    "duration": 8,
                    "respect_moderation": True,
                    "file_output": {
                        "file_id": "file_1",
                        "filename": "a.mp4",
                        "public_url": "https://files-cdn.x.ai/token/file_79d40db0-12c1-4bc1-87ad-f20ae457db75.mp4",
                        "public_url_error": None,
                    },
                },
                "usage": {"cost_in_usd_ticks": 4000000000},
            }
        ),
        "done",
        ticks=4000000000,
    ),
    *(
        Told(
            f"failed, {name}",
            "look",
            200,
            _json({"status": "failed", **more, "error": {"code": code, "message": message}}),
            "VideoGenerationError",
            code,
            text=message[:60],
        )
        for name, more, code, message in (
            (
                "March",
                {"video": _EMPTY, "model": "", "progress": 0},
                "invalid_argument",
                _UNREACHABLE.format("403 Forbidden"),
            ),
            ("April", {"video": _EMPTY, "progress": 0}, "invalid_argument", _UNREACHABLE.format("404 Not Found")),
            ("official", {"video": {"duration": 0, "respect_moderation": True}, "model": ""}, "internal_error", "..."),
            ("documented", {}, "invalid_argument", "Prompt cannot be empty. Please provide a prompt."),
        )
    ),
    Told("expired", "look", 200, '{"status":"expired"}', "VideoExpiredError", "expired"),
    Told(
        "expired, S4", "look", 200, '{"status":"expired","model":"grok-imagine-video"}', "VideoExpiredError", "expired"
    ),
    Told(
        "moderated, withheld",
        "look",
        200,
        _json(
            {
                "status": "done",
                "video": {"url": "", "duration": 8, "respect_moderation": False},
                "usage": {"cost_in_usd_ticks": 4000000000},
            }
        ),
        "moderated",
        ticks=4000000000,
    ),
    Told(
        "moderated, March",
        "look",
        400,
        '{"code":"Client specified an invalid argument","error":"Generated video rejected by content moderation.",'
        '"usage":{"cost_in_usd_ticks":2500000000}}',
        "VideoModeratedError",
        "Client specified an invalid argument",
        2500000000,
        _REJECTED,
    ),
    *(
        Told(
            f"moderated, {ticks} ticks",
            "look",
            400,
            _json({"code": "imagine:content-moderated", "error": _REJECTED, "usage": {"cost_in_usd_ticks": ticks}}),
            "VideoModeratedError",
            "imagine:content-moderated",
            ticks,
            _REJECTED,
        )
        for ticks in (200000000, 900000000, 11300000000, 12100000000)
    ),
    *(
        Told(f"moderated, {code}", "look", 400, _json({"code": code, "error": _REJECTED}), "VideoModeratedError", code)
        for code in ("imagine:content-moderated", "Client specified an invalid argument")
    ),
    Told(
        "malformed id",
        "look",
        400,
        '{"code":"invalid-argument","error":"Malformed request ID"}',
        "BadRequestError",
        "invalid-argument",
    ),
    *(
        told._replace(to="look")
        for told in _refused(
            "unknown id",
            "No deferred video could be found with the given request_id.",
            "not-found",
            404,
            "NotFoundError",
        )
    ),
    *(
        told._replace(to="look")
        for told in _refused("credit at a look", _CREDIT, "resource-exhausted", 429, "OutOfCreditError")
    ),
]

_CARD = {
    "id": "grok-imagine-video",
    "fingerprint": "fp_2af1728e8f",
    "created": 1769558400,
    "object": "model",
    "owned_by": "xai",
    "version": "1.0",
    "input_modalities": ["text", "image"],
    "output_modalities": ["video"],
    "aliases": [],
}
_CARDS = {
    "spring": _CARD,
    "autumn": _CARD | {"fingerprint": "fp_5f37b474c6", "input_modalities": ["text", "image", "video"]},
    "1.5": _CARD
    | {
        "id": "grok-imagine-video-1.5",
        "fingerprint": "fp_8e3f9286fa",
        "created": 1779840000,
        "input_modalities": ["text", "image", "audio"],
        "aliases": ["grok-imagine-video-1.5-preview", "grok-imagine-video-1.5-2026-05-30"],
    },
}
MODELS: list[Told] = [
    *(Told(f"card, {name}", "model", 200, _json(card), str(card["id"])) for name, card in _CARDS.items()),
    Told("cards", "models", 200, _json({"models": list(_CARDS.values())}), "grok-imagine-video"),
    *(
        told._replace(to="model")
        for told in _refused("no card", "Model 'grok-video' not found.", "not-found", 404, "NotFoundError")
    ),
    *(
        told._replace(to="models")
        for told in _refused("credit, cards", _CREDIT, "resource-exhausted", 429, "OutOfCreditError")
    ),
]

ALL: list[Told] = [*REFUSALS, *ACCESS, *SHAPES, *NETWORK, *STARTS, *RUNNING, *ENDS, *MODELS]
