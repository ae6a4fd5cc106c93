"""Errors: HTTP answers of every form become the same typed errors, as data."""

from __future__ import annotations

import inspect
import pickle

import pytest

from grok_imagine import errors
from grok_imagine.answers.api_errors import api_error
from grok_imagine.errors import (
    ApiError,
    AuthenticationError,
    BadRequestError,
    GrokImagineError,
    InvalidRequest,
    ModeConflict,
    NotFoundError,
    OutOfCreditError,
    PermissionDeniedError,
    RateLimitError,
    ServerError,
    StartOutcomeUnknown,
    UnprocessableError,
    VideoGenerationError,
    VideoModeratedError,
    VideoTimeoutError,
)
from grok_imagine.parsing import redact

INVALID = "Client specified an invalid argument"
CASES = [
    (400, f'{{"code":"{INVALID}","error":"Incorrect API key provided: xa***yz."}}', AuthenticationError, INVALID),
    (400, '{"code":"invalid-argument","error":"Duration must be between 1 and 15 seconds"}', BadRequestError, "invalid-argument"),
    (401, '{"code":"unauthenticated:no-credentials","error":"No credentials presented."}', AuthenticationError, "unauthenticated:no-credentials"),
    (403, '{"code":"unauthenticated:bad-credentials","error":"x"}', PermissionDeniedError, "unauthenticated:bad-credentials"),
    (404, '{"error":{"code":404,"message":"The requested resource was not found."}}', NotFoundError, "404"),
    (404, '{"code":"not-found","error":"The model grok-video does not exist"}', NotFoundError, "not-found"),
    (405, "", ApiError, None),
    (415, "", ApiError, None),
    (422, "Failed to deserialize the JSON body into the target type: missing field `video`", UnprocessableError, None),
    (429, '{"code":"Some resource has been exhausted","error":"Your team x has either used all available credits or reached its monthly spending limit."}', OutOfCreditError, "Some resource has been exhausted"),
    (429, '{"code":"resource-exhausted","error":"Too many requests for team x"}', RateLimitError, "resource-exhausted"),
    (429, "", RateLimitError, None),
    (500, "", ServerError, None),
    (502, "error code: 502", ServerError, None),
    (503, "upstream connect error or disconnect/reset before headers.", ServerError, None),
    (520, "<!DOCTYPE html><html><body>Web server is returning an unknown error</body></html>", ServerError, None),
    (599, '{"error": "x"', ServerError, None),
    (302, "", ApiError, None),
    (418, "[1, 2]", ApiError, None),
]  # fmt: skip


@pytest.mark.parametrize(("status", "body", "kind", "code"), CASES)
def test_an_answer_of_any_form_is_a_typed_error(status: int, body: str, kind: type[ApiError], code: str | None) -> None:
    error = api_error(status, {"X-Thing": "1"}, body.encode(), request_id="job-1")
    assert type(error) is kind
    assert (error.status_code, error.code, error.request_id) == (status, code, "job-1")
    assert (error.headers, error.body) == ({"x-thing": "1"}, body[:500])
    assert f"HTTP {status}" in str(error) and "[request_id=job-1]" in str(error) and error.message


@pytest.mark.parametrize("code", ["imagine:content-moderated", INVALID])
def test_moderation_by_a_400_ends_the_job(code: str) -> None:
    body = f'{{"code":"{code}","error":"Generated video rejected by content moderation."}}'
    error = api_error(400, {}, body.encode(), request_id="job-1")
    assert type(error) is VideoModeratedError and error.code == code and error.request_id == "job-1"


def test_the_id_of_a_failed_post_is_the_answers_own() -> None:
    assert api_error(503, {"x-request-id": "abc"}, b"").request_id == "abc"


@pytest.mark.parametrize(
    ("status", "body", "transient"),
    [
        (503, b"", True),
        (408, b"", True),
        (520, b"", True),
        (429, b"", True),
        (429, CASES[9][1].encode(), False),
        (404, b"", False),
    ],
)
def test_what_may_pass_is_marked(status: int, body: bytes, transient: bool) -> None:
    error = api_error(status, {}, body)
    assert isinstance(error, ApiError) and error.transient is transient


def test_bytes_that_are_no_text_and_long_bodies_are_kept_as_an_excerpt() -> None:
    error = api_error(500, {}, b"\xff\xfe" + b"x" * 10_000)
    assert isinstance(error, ApiError) and len(error.body) == 500 and len(error.message) <= 500


def test_a_secret_that_a_proxy_echoes_is_blotted_out() -> None:
    error = api_error(400, {"echo": "Bearer SECRETKEY"}, b'{"error": "bad SECRETKEY"}', request_id="j")
    redact(error, "SECRETKEY")
    assert "SECRETKEY" not in f"{error!s} {error!r} {vars(error)}" and "***" in str(error)
    deep = VideoGenerationError("c", "m", payload={"error": {"messages": ["bad SECRETKEY"]}})
    redact(deep, "SECRETKEY")
    assert deep.payload == {"error": {"messages": ["bad ***"]}}


def test_a_key_too_short_to_be_one_blots_out_nothing() -> None:
    error = api_error(400, {}, b"1 and 1", request_id="d1-1")
    redact(error, "1")
    assert error.request_id == "d1-1" and error.message == "1 and 1"


def test_every_error_is_in_the_tree_and_survives_pickle() -> None:
    samples = [
        InvalidRequest("rule", fields=["a"], instead="b", mode="m"),
        ModeConflict("rule"),
        api_error(429, {"a": "b"}, b"", request_id="j"),
        VideoGenerationError("c", "m", request_id="j", cost_usd=0.4, payload={"a": 1}),
        VideoTimeoutError("m", request_id="j"),
        StartOutcomeUnknown("m", mode="text-to-video", body_sha256="ab" * 32, sent_at=0.0),
    ]
    for error in samples:
        twin = pickle.loads(pickle.dumps(error))
        assert (type(twin), str(twin), vars(twin)) == (type(error), str(error), vars(error))
    classes = [
        c
        for _, c in inspect.getmembers(errors, inspect.isclass)
        if issubclass(c, Exception) and c.__module__ == errors.__name__
    ]
    assert all(issubclass(c, GrokImagineError | UserWarning) for c in classes)


def test_an_unknown_outcome_is_no_timeout_that_one_would_retry() -> None:
    assert not issubclass(StartOutcomeUnknown, TimeoutError | errors.TransportError | ApiError)
    assert issubclass(VideoTimeoutError, TimeoutError)
