"""Retries: by four classes of delivery, with full jitter, within a budget."""

from __future__ import annotations

import copy
import pickle
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from grok_imagine import (
    Delivery,
    InvalidRequest,
    NotDelivered,
    RateLimitError,
    RequestTimeout,
    RetryPolicy,
    StartOutcomeUnknown,
    TextToVideo,
    TransportError,
    UnexpectedResponse,
    delivery_of,
)
from grok_imagine.answers.answer import take_in
from grok_imagine.answers.api_errors import api_error
from grok_imagine.core.effects import Call
from grok_imagine.core.hooks import JobRecorder, Runtime
from grok_imagine.core.operations import repeat
from grok_imagine.core.retry import Retries
from grok_imagine.pacing.limiter import Pacer
from grok_imagine.posting.start import start
from support import UNLIMITED

RATE = RateLimitError("x", status_code=429)
CLASSES = [
    (NotDelivered("refused"), Delivery.NEVER_DELIVERED),
    (api_error(429, {}, b'{"error": "Too many requests"}'), Delivery.REFUSED),
    (api_error(503, {}, b"upstream connect error, reset reason: connection timeout"), Delivery.REFUSED),
    (api_error(503, {}, b"upstream connect error, reset reason: connection termination"), Delivery.OUTCOME_UNKNOWN),
    (api_error(408, {}, b""), Delivery.OUTCOME_UNKNOWN),
    (RequestTimeout("read"), Delivery.OUTCOME_UNKNOWN),
    (TransportError("reset"), Delivery.OUTCOME_UNKNOWN),
    (UnexpectedResponse("half a JSON", status_code=200), Delivery.OUTCOME_UNKNOWN),
    (StartOutcomeUnknown("x", mode="text-to-video", body_sha256="a", sent_at=0.0), Delivery.OUTCOME_UNKNOWN),
    (api_error(500, {}, b""), Delivery.OUTCOME_UNKNOWN),
    (api_error(502, {}, b"error code: 502"), Delivery.OUTCOME_UNKNOWN),
    (api_error(520, {}, b"<html>"), Delivery.OUTCOME_UNKNOWN),
    (api_error(429, {}, b'{"error": "used all available credits"}'), Delivery.OTHER),
    (api_error(400, {}, b""), Delivery.OTHER),
    (api_error(401, {}, b""), Delivery.OTHER),
    (api_error(404, {}, b""), Delivery.OTHER),
    (api_error(422, {}, b""), Delivery.OTHER),
    (api_error(302, {}, b""), Delivery.OTHER),
    (InvalidRequest("x"), Delivery.OTHER),
    (KeyboardInterrupt(), Delivery.OTHER),
]


@pytest.mark.parametrize(("error", "expected"), CLASSES, ids=lambda value: str(value)[:40])
def test_each_failure_has_a_class(error: BaseException, expected: Delivery) -> None:
    assert delivery_of(error) is expected


class Line:
    """Drives a flow by hand: each Call is answered by the next failure, or succeeds."""

    def __init__(self, policy: RetryPolicy, failures: list[Any], cost: float = 0.0) -> None:
        self.now, self.cost, self.calls, self.pauses = 0.0, cost, 0, list[float]()
        self.failures = iter(failures)
        self.retries = Retries(policy, lambda: self.now, lambda: 1.0)

    def run(self, flow: Any) -> Any:
        try:
            command = next(flow)
            while True:
                if isinstance(command, Call):
                    self.calls += 1
                    self.now += self.cost
                    failure, value = next(self.failures, None), None
                    if command.post and not isinstance(failure, KeyboardInterrupt):
                        command.post.finish(failure or take_in(200, [], b'{"request_id": "job-1"}', "k"))
                        failure, value = command.post.error, command.post.job
                    command = flow.throw(failure) if failure else flow.send(value)
                else:
                    self.pauses.append(command.seconds)
                    self.now += command.seconds
                    command = flow.send(None)
        except StopIteration as stop:
            return stop.value


def attempt() -> Any:
    yield Call({})
    return "done"


def test_the_jitter_doubles_up_to_its_cap() -> None:
    line = Line(RetryPolicy(max_retries=6, budget=1000), [RATE] * 6)
    assert line.run(repeat(attempt, lambda error: True, line.retries)) == "done"
    assert line.pauses == [0.5, 1, 2, 4, 8, 8]


def test_retries_are_counted() -> None:
    line = Line(RetryPolicy(max_retries=2), [RATE] * 9)
    with pytest.raises(RateLimitError):
        line.run(repeat(attempt, lambda error: True, line.retries))
    assert line.calls == 3


def test_the_budget_is_elapsed_time_with_the_tries_in_it() -> None:
    line = Line(RetryPolicy(max_retries=99, budget=30), [RATE] * 99, cost=9)
    with pytest.raises(RateLimitError):
        line.run(repeat(attempt, lambda error: True, line.retries))
    assert line.calls == 3 and line.now <= 30 + 9


@pytest.mark.parametrize(("asked", "pause"), [("3", 3), ("0", 0.5), ("3600", 60)])
def test_retry_after_is_honoured_up_to_a_cap(asked: str, pause: float) -> None:
    error = RateLimitError("x", status_code=429, headers={"retry-after": asked})
    assert RetryPolicy(budget=100).pause(1, 0, error, lambda: 1.0) == pause


@given(st.integers(1, 10_000), st.floats(0, 1e6), st.floats(0, 1), st.integers(0, 20), st.floats(0, 1e3))
def test_a_pause_is_bounded_and_within_the_budget(
    tries: int, elapsed: float, dice: float, most: int, budget: float
) -> None:
    policy = RetryPolicy(max_retries=most, budget=budget)
    pause = policy.pause(tries, elapsed, RATE, lambda: dice)
    assert pause is None or (tries <= most and 0 <= pause <= policy.cap and elapsed + pause <= budget)


def test_a_post_is_repeated_only_when_it_started_nothing() -> None:
    for error, kind in CLASSES:
        line = Line(RetryPolicy(), [error])
        pacer = Pacer(UNLIMITED, line.retries.clock)
        request, runtime = TextToVideo("x"), Runtime(line.retries, 60.0, pacer, JobRecorder())
        flow = start(request, runtime, pacer.new_job(request))
        if kind in (Delivery.NEVER_DELIVERED, Delivery.REFUSED):
            assert line.run(flow).request_id == "job-1" and line.calls == 2
            continue
        with pytest.raises(StartOutcomeUnknown if kind is Delivery.OUTCOME_UNKNOWN else type(error)):
            line.run(flow)
        assert line.calls == 1


@pytest.mark.parametrize(
    "wrong",
    [
        {"max_retries": -1},
        {"max_retries": 1.5},
        {"max_retries": True},
        {"budget": -1},
        {"budget": "5"},
        {"base": float("nan")},
    ],
)
def test_a_policy_is_checked_and_immutable(wrong: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=next(iter(wrong))):
        RetryPolicy(**wrong)
    with pytest.raises(AttributeError):
        RetryPolicy().budget = 3
    with pytest.raises(AttributeError):
        del RetryPolicy().budget
    assert copy.deepcopy(RetryPolicy()) == RetryPolicy() == pickle.loads(pickle.dumps(RetryPolicy()))
    assert "max_retries=5" in repr(RetryPolicy())


def test_an_unknown_outcome_survives_pickle_with_its_hash() -> None:
    request = TextToVideo("x", duration=5)
    error = StartOutcomeUnknown("reset", mode=request.mode, body_sha256=request.sha256, sent_at=1.8e9)
    twin = pickle.loads(pickle.dumps(error))
    assert (str(twin), twin.body_sha256, twin.sent_at) == (str(error), error.body_sha256, error.sent_at)
    assert TextToVideo("x", duration=5).sha256 == request.sha256 != TextToVideo("x", duration=6).sha256
