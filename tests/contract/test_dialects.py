"""The two dialects of sync errors, spring's phrases and autumn's tokens: whatever the dialect, the same typed error."""

from __future__ import annotations

import json
from typing import Any

import pytest
import yaml

from grok_imagine import (
    AuthenticationError,
    BadRequestError,
    ConflictError,
    NotFoundError,
    OutOfCreditError,
    PermissionDeniedError,
    RateLimitError,
    VideoModeratedError,
)
from grok_imagine.answers.api_errors import api_error
from support import ROOT

XERRORS = yaml.safe_load((ROOT / "openapi" / "grok-imagine.yaml").read_text(encoding="utf-8"))["x-errors"]
STATUS = {kind["kind"]: kind["http_status"] for kind in reversed(XERRORS["kinds"])}
CLASSES = {
    "bad_key": AuthenticationError,
    "bad_request": BadRequestError,
    "forbidden": PermissionDeniedError,
    "moderated": VideoModeratedError,
    "not_found": NotFoundError,
    "out_of_credit": OutOfCreditError,
    "rate_limit": RateLimitError,
}
TEAM = "00000000-0000-0000-0000-000000000000"
PARTS = {
    "minimum": 1, "maximum": 15, "value": 16, "mode": "reference-to-video", "count": 15, "field": "reference_audios",
    "voices": "ara, eve", "model": "grok-imagine-video-2.0", "team": TEAM, "masked": "xa***yz",
    "what": "Requests per Second", "actual": 2, "limit": 2,
}  # fmt: skip


def codes(kind: str) -> list[str]:
    """What `code` is for a kind, in either dialect."""
    found = [code for code in XERRORS["codes"] if kind in code["kinds"]]
    return [each[dialect] for each in found for dialect in ("token", "phrase")]


def cases() -> list[Any]:
    """Every literal text, as it was and as it is, under every code that its kind has had."""
    return [
        pytest.param(text.get("http_status", STATUS[text["kind"]]), code, words.format(**PARTS), text["kind"], id=f"{name}-{code}")
        for name, text in XERRORS["texts"].items()
        for words in {text["text"], text.get("earlier", text["text"])}
        for code in codes(text["kind"])
    ]  # fmt: skip


@pytest.mark.parametrize(("status", "code", "text", "kind"), cases())
def test_a_literal_answer_is_the_same_error_in_either_dialect(status: int, code: str, text: str, kind: str) -> None:
    error = api_error(status, {}, json.dumps({"code": code, "error": text}).encode(), request_id="job-1")
    assert type(error) is CLASSES[kind]
    assert error.code == code and text[:200] in str(error)


def test_every_kind_with_a_code_has_one_in_each_dialect() -> None:
    assert {text["kind"] for text in XERRORS["texts"].values()} <= CLASSES.keys()
    for kind in CLASSES:
        assert len(set(codes(kind))) >= 2, kind


@pytest.mark.parametrize(
    ("status", "body", "kind"),
    [
        (400, {"code": "Client specified an invalid argument", "error": "Generated video rejected by content moderation.",
               "usage": {"cost_in_usd_ticks": 2500000000}}, VideoModeratedError),
        (400, {"code": "imagine:content-moderated", "error": "Generated video rejected by content moderation."}, VideoModeratedError),
        (403, {"error": "Custom voices are not enabled for this team."}, PermissionDeniedError),
        (404, {"error": {"code": 404, "message": "The requested resource was not found. Please check the URL and try again. "
                         "Documentation is available at https://docs.x.ai/"}}, NotFoundError),
        (412, {"code": "failed-precondition", "error": "batch_request_id 'text-1' content differs from originally submitted"}, ConflictError),
    ],
)  # fmt: skip
def test_other_literal_bodies(status: int, body: dict[str, Any], kind: type[Exception]) -> None:
    assert type(api_error(status, {}, json.dumps(body).encode())) is kind
