"""Polling, without a socket: any sequence of answers ends in exactly one outcome, within the deadline."""

from __future__ import annotations

import contextlib
import json
import warnings
from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from grok_imagine import (
    NotDelivered,
    OutOfRange,
    RateLimitError,
    RequestTimeout,
    TextToVideo,
    TransportError,
    UnknownStatusWarning,
    Video,
    VideoExpiredError,
    VideoGenerationError,
    VideoModeratedError,
    VideoRequest,
    VideoTimeoutError,
)
from grok_imagine.answers import answer as answers
from grok_imagine.config import seconds
from grok_imagine.core.effects import Call, Notify, Sleep
from grok_imagine.core.hooks import JobRecorder, Runtime
from grok_imagine.core.polling import wait
from grok_imagine.core.retry import Retries, RetryPolicy
from grok_imagine.core.schedule import Schedule, contract_schedule
from grok_imagine.errors import ApiError
from grok_imagine.pacing.limiter import Pacer
from grok_imagine.pacing.predictor import kind_of
from grok_imagine.pacing.scheduler import PollSlot
from support import UNLIMITED

REQUEST = TextToVideo("A cat")
KIND = kind_of(REQUEST)
URL = "https://vidgen.example/v.mp4"
VIDEO = {"url": URL, "duration": 8, "respect_moderation": True}
Answer = answers.Answer | TransportError


def answer(status: int, body: Any = None, **headers: str) -> answers.Answer:
    content = (
        b""
        if body is None
        else body
        if isinstance(body, bytes)
        else body.encode()
        if isinstance(body, str)
        else json.dumps(body).encode()
    )
    return answers.take_in(
        status, [(name.encode(), value.encode()) for name, value in headers.items()], content, "test-key"
    )


PENDING: list[Answer] = [
    answer(202),
    answer(202, b"\n"),
    answer(202, {"status": "pending", "progress": 12}),
    answer(202, {"status": "done"}),
    answer(200, {"status": "pending", "model": "grok-imagine-video"}),
    answer(200, {"status": None}),
    answer(200, {}),
    answer(200, {"status": None, "video": {"url": ""}}),
    answer(202, "<html>"),
]
TRANSIENT: list[Answer] = [
    answer(429, {"code": "resource-exhausted", "error": "Too many requests for team x"}),
    answer(503, "upstream connect error"),
    answer(520, "<html>"),
    answer(500),
    answer(200, "<html>"),
    answer(200, '{"status": "don'),
    answer(200, [1]),
    RequestTimeout("read"),
    NotDelivered("refused"),
    TransportError("reset"),
]
ENDS: list[tuple[Answer, type[BaseException] | None]] = [
    (answer(200, {"status": "done", "video": VIDEO}), None),
    (answer(200, {"video": VIDEO, "model": "m"}), None),
    (answer(200, {"status": "done", "video": {"url": "", "respect_moderation": False}}), None),
    (answer(200, {"status": "failed", "error": {"code": "internal_error", "message": "x"}}), VideoGenerationError),
    (answer(200, {"status": "failed", "video": {"url": "", "duration": 0}, "model": ""}), VideoGenerationError),
    (answer(200, {"status": "failed", "error": "x"}), VideoGenerationError),
    (answer(200, {"status": "failed", "error": {"code": "invalid_argument", "message": "Blocked by content moderation"}}),
     VideoModeratedError),
    (answer(200, {"status": "expired"}), VideoExpiredError),
    (answer(400, {"code": "imagine:content-moderated", "error": "x"}), VideoModeratedError),
    (answer(400, {"code": "Client specified an invalid argument",
                  "error": "Generated video rejected by content moderation."}), VideoModeratedError),
    (answer(404, {"code": "not-found", "error": "x"}), ApiError),
    (answer(400, {"code": "invalid-argument", "error": "Incorrect API key provided."}), ApiError),
    (answer(429, {"error": "Your team has either used all available credits or reached its limit"}), ApiError),
]  # fmt: skip


def limiter_and_slot(clock: Callable[[], float], ours: bool, schedule: Schedule | None) -> tuple[Pacer, PollSlot]:
    """A job that was started a moment ago, or one of another process."""
    pacer = Pacer(UNLIMITED, clock)
    if not ours:
        return pacer, pacer.track_existing(REQUEST, schedule)
    slot = pacer.new_job(REQUEST, schedule)
    assert list(pacer.acquire(slot)) == []
    pacer.record_poll(slot)
    return pacer, slot


class Run:
    """Drives a wait by hand: answers from a list, time that only passes as the commands say."""

    def __init__(
        self,
        answers: Iterator[Answer],
        cost: float = 0.0,
        *,
        ours: bool = True,
        schedule: Schedule | None = contract_schedule,
        request_timeout: float = 60.0,
        **options: Any,
    ) -> None:
        self.now, self.calls, self.sleeps, self.seen = 0.0, list[Call](), list[float](), list[Video]()
        self.answers, self.cost = answers, cost
        self.pacer, slot = limiter_and_slot(lambda: self.now, ours, schedule)
        runtime = Runtime(Retries(RetryPolicy(), self.pacer.clock), request_timeout, self.pacer, JobRecorder())
        self.flow = wait("job-1", runtime, slot, began=0.0, **{"timeout": 600.0} | options)

    def __call__(self) -> Video:
        try:
            command = next(self.flow)
            while True:
                command = self.do(command)
        except StopIteration as stop:
            return stop.value

    def do(self, command: Any) -> Any:
        if isinstance(command, Sleep):
            self.sleeps.append(command.seconds)
            self.now += command.seconds
        elif isinstance(command, Notify):
            self.seen.append(command.value)
            command.callback(command.value)
        else:
            self.calls.append(command)
            self.now += min(self.cost, command.timeout or self.cost)
            reply = next(self.answers)
            return self.flow.throw(reply) if isinstance(reply, Exception) else self.flow.send(reply)
        return self.flow.send(None)


def run(*answers: Answer, **options: Any) -> Video:
    return Run(iter(answers), **options)()


@given(
    st.lists(st.sampled_from(PENDING + TRANSIENT), max_size=40),
    st.sampled_from(ENDS),
    st.floats(0, 900),
    st.floats(0, 5),
    st.booleans(),
)
def test_any_answers_end_in_one_outcome_within_the_deadline(
    before: list[Answer], end: tuple[Answer, type[BaseException] | None], timeout: float, cost: float, ours: bool
) -> None:
    steps = Run(iter([*before, end[0]]), cost=cost, timeout=timeout, ours=ours)
    try:
        outcome: Any = type(steps())
    except (VideoGenerationError, VideoTimeoutError, ApiError) as error:
        assert error.request_id == "job-1" and "job-1" in str(error)
        outcome = type(error)
    ended = len(steps.calls) == len(before) + 1
    assert outcome is VideoTimeoutError or ended
    assert outcome is Video if ended and end[1] is None else issubclass(outcome, end[1] or object) if ended else True
    # One look may start at the deadline itself only when there was no time at all.
    assert steps.now <= timeout or (len(steps.calls) == 1 and timeout <= 1)
    assert all(call.timeout is not None and 0 < call.timeout <= 60 for call in steps.calls)
    assert all(call.timeout <= timeout for call in steps.calls if timeout >= 0.001)
    assert timeout >= 0.001 or [call.timeout for call in steps.calls] == [60]
    assert len(steps.calls) <= len(before) + 1 and all(pause > 0 for pause in steps.sleeps)


@pytest.mark.parametrize(("reply", "error"), ENDS)
def test_each_end(reply: Answer, error: type[BaseException] | None) -> None:
    if error is None:
        assert run(reply).request_id == "job-1"
        return
    with pytest.raises(error) as caught:
        run(reply)
    assert type(caught.value) is error or error is ApiError


@pytest.mark.parametrize("reply", PENDING)
def test_each_answer_of_a_running_job_waits_on(reply: Answer) -> None:
    assert run(reply, ENDS[0][0]).url == URL


@pytest.mark.parametrize("reply", TRANSIENT)
def test_a_look_that_fails_never_ends_the_job(reply: Answer) -> None:
    assert run(reply, reply, ENDS[0][0]).url == URL


@pytest.mark.parametrize("reply", TRANSIENT)
def test_a_wait_that_saw_nothing_names_its_trouble(reply: Answer) -> None:
    with pytest.raises(VideoTimeoutError, match="could not be polled") as caught:
        run(reply, timeout=0)
    assert isinstance(caught.value.__cause__, ApiError | TransportError)
    assert isinstance(caught.value, TimeoutError)


def test_timeout_zero_looks_once_and_gives_the_look_time() -> None:
    steps = Run(iter([PENDING[2]]), timeout=0)
    with pytest.raises(VideoTimeoutError, match=r"was pending at 12 % after 0.0 s.*\[request_id=job-1\]") as caught:
        steps()
    assert len(steps.calls) == 1 and steps.sleeps == [] and steps.calls[0].timeout == 60
    assert caught.value.payload == {"status": "pending", "progress": 12}


def test_a_job_of_another_process_is_looked_at_at_once() -> None:
    steps = Run(iter([ENDS[0][0]]), ours=False)
    steps()
    assert steps.sleeps == []


def test_the_contract_schedule_is_followed() -> None:
    steps = Run(iter([*[PENDING[0]] * 8, ENDS[0][0]]))
    steps()
    assert steps.sleeps == [1, 5, 3, 3, 3, 3, 3, 3, 3]
    assert [contract_schedule((), age) - age for age in (0, 1, 6, 59.5, 60, 180, 1e9)] == [1, 5, 3, 3, 5, 10, 10]


def test_the_last_look_comes_within_the_deadline() -> None:
    steps = Run(iter([PENDING[0]] * 99), timeout=20, schedule=lambda looks, age: age + 8.0)
    with pytest.raises(VideoTimeoutError):
        steps()
    assert steps.sleeps == [8, 8, 3] and steps.calls[-1].timeout == 1


def test_a_look_is_never_given_more_than_what_is_left() -> None:
    steps = Run(iter([PENDING[0]] * 99), timeout=30, schedule=lambda looks, age: age + 10.0, request_timeout=15.0)
    with pytest.raises(VideoTimeoutError):
        steps()
    assert [call.timeout for call in steps.calls] == [15, 10, 1]


def test_retry_after_is_waited_for() -> None:
    busy = answer(429, {"error": "Too many requests"}, **{"Retry-After": "42"})
    steps = Run(iter([busy, ENDS[0][0]]))
    steps()
    assert steps.sleeps == [1, 42]


def test_a_retry_after_slows_one_look_and_does_not_blind_the_wait() -> None:
    busy = answer(429, {"error": "Too many requests"}, **{"Retry-After": "86400"})
    steps = Run(iter([busy, PENDING[0], PENDING[0], ENDS[0][0]]))
    steps()
    assert steps.sleeps == [1, 60, 5, 5]


def test_a_look_that_failed_is_soon_made_again() -> None:
    steps = Run(iter([TRANSIENT[1], ENDS[0][0]]), schedule=lambda looks, age: age + 100)
    steps()
    assert steps.sleeps == [100, 5]


def test_what_a_job_of_ours_took_is_learned_and_that_of_others_is_not() -> None:
    for ours, end, expected in (
        (True, ENDS[0][0], [[9.0, [[1.0, 12], [6.0, None]], False]]),
        (True, ENDS[3][0], [[9.0, [[1.0, 12], [6.0, None]], False]]),
        (False, ENDS[0][0], []),
    ):
        steps = Run(iter([PENDING[2], PENDING[0], end]), ours=ours)
        with contextlib.suppress(VideoGenerationError):
            steps()
        assert steps.pacer.history.to_json() == ([[list(KIND), expected]] if expected else [])


def test_a_trouble_that_passed_is_not_blamed() -> None:
    steps = Run(iter([TRANSIENT[1], *[PENDING[0]] * 99]), timeout=60)
    with pytest.raises(VideoTimeoutError) as caught:
        steps()
    assert caught.value.__cause__ is None


def test_a_short_timeout_is_used_up() -> None:
    steps = Run(iter([PENDING[0]] * 99), timeout=0.9, schedule=lambda looks, age: age + 0.1)
    with pytest.raises(VideoTimeoutError):
        steps()
    assert len(steps.calls) >= 8 and steps.now <= 0.9
    steps = Run(iter([PENDING[0]] * 99), timeout=2, schedule=lambda looks, age: age + 1.0)
    with pytest.raises(VideoTimeoutError):
        steps()
    assert steps.sleeps == [1, pytest.approx(0.8)]


@pytest.mark.parametrize(
    ("headers", "expected"),
    [
        ({}, None),
        ({"retry-after": "7"}, 7),
        ({"retry-after": "Fri, 20 Nov 2026 10:00:30 GMT", "date": "Fri, 20 Nov 2026 10:00:00 GMT"}, 30),
        ({"retry-after": "Fri, 20 Nov 2026 09:00:00 GMT", "date": "Fri, 20 Nov 2026 10:00:00 GMT"}, 0),
        ({"retry-after": "soon"}, None),
    ],
)
def test_retry_after_is_seconds_or_a_date(headers: dict[str, str], expected: float | None) -> None:
    assert RateLimitError("x", status_code=429, headers=headers).retry_after == expected


def test_an_unknown_status_waits_on_with_one_warning_a_word() -> None:
    odd = [answer(200, {"status": word}) for word in ("finalizing", "finalizing", "uploading", "finalizing")]
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        assert run(*odd, ENDS[0][0]).url == URL
    assert [type(w.message) for w in caught] == [UnknownStatusWarning] * 2
    assert "finalizing" in str(caught[0].message) and "job-1" in str(caught[0].message)


def test_progress_is_told_after_each_look_that_shows_the_job_running() -> None:
    told: list[int | None] = []
    steps = Run(iter([PENDING[0], TRANSIENT[0], PENDING[2], ENDS[0][0]]), on_progress=lambda v: told.append(v.progress))
    steps()
    assert told == [None, 12]


def test_whatever_leaves_a_wait_takes_the_id_along() -> None:
    class Ctrl(BaseException): ...

    # The last one is an error of ours that a callback of the caller's raised about something else.
    for error in (KeyboardInterrupt(), Ctrl(), ZeroDivisionError(), OutOfRange("x")):
        pacer, slot = limiter_and_slot(lambda: 0.0, True, contract_schedule)
        steps = wait("job-9", Runtime(Retries(RetryPolicy(), pacer.clock), 1.0, pacer, JobRecorder()), slot, timeout=9)
        next(steps)
        with pytest.raises(type(error)) as caught:
            steps.throw(error)
        assert caught.value.request_id == "job-9"
        assert any("job-9" in note for note in caught.value.__notes__)


REQUEST = VideoRequest.from_keywords(prompt="x")
ELSEWHERE = [
    VideoRequest.from_keywords(prompt="x", output_upload_url="https://a/b"),
    VideoRequest.from_keywords(prompt="x", storage_options={"filename": "a.mp4"}),
]


def test_done_without_a_url_is_an_error_only_when_the_file_went_nowhere_else() -> None:
    reply = answer(
        200, {"status": "done", "video": {"url": None, "duration": 8}, "usage": {"cost_in_usd_ticks": 10**9}}
    )
    for request in [*ELSEWHERE, None]:
        assert run(reply, request=request).url is None
    with pytest.raises(VideoGenerationError) as caught:
        run(reply, request=REQUEST)
    assert (caught.value.code, caught.value.cost_usd) == ("missing_url", 0.1)


def test_a_file_that_could_not_be_stored_is_an_error() -> None:
    reply = answer(200, {"status": "done", "video": {"url": None, "storage_error": "disk full"}})
    for request in [*ELSEWHERE, None]:
        with pytest.raises(VideoGenerationError, match="disk full") as caught:
            run(reply, request=request)
        assert caught.value.code == "storage_error"


def test_a_stored_file_counts_as_a_url() -> None:
    output = {"file_id": "f", "filename": "a.mp4", "public_url": "https://files.example/a.mp4"}
    video = run(answer(200, {"status": "done", "video": {"url": "", "file_output": output}}), request=REQUEST)
    assert video.public_url == output["public_url"]


def test_a_withheld_video_is_a_result_whose_url_raises() -> None:
    payload = {"status": "done", "video": {"url": "", "duration": 8, "respect_moderation": False},
               "usage": {"cost_in_usd_ticks": 4_000_000_000}}  # fmt: skip
    video = run(answer(200, payload), request=REQUEST)
    assert (video.respect_moderation, video.outcome, video.cost_usd) == (False, "moderated", 0.4)
    with pytest.raises(VideoModeratedError) as caught:
        video.url  # noqa: B018  # reading it is what raises
    assert (caught.value.request_id, caught.value.cost_usd, caught.value.payload) == ("job-1", 0.4, payload)


def test_a_failure_carries_code_message_cost_and_payload() -> None:
    payload = {
        "status": "failed",
        "error": {"code": "internal_error", "message": "x y"},
        "usage": {"cost_in_usd_ticks": 1},
    }
    with pytest.raises(VideoGenerationError) as caught:
        run(answer(200, payload))
    error = caught.value
    assert (error.code, error.message, error.cost_usd, error.payload) == ("internal_error", "x y", 1e-10, payload)
    assert str(error) == "[internal_error] x y [request_id=job-1]"


def test_a_failure_without_an_error_is_named_as_the_vendor_does() -> None:
    with pytest.raises(VideoGenerationError) as caught:
        run(answer(200, {"status": "failed"}))
    assert caught.value.code == "UNKNOWN"


@pytest.mark.parametrize("field", ["video", "error", "usage", "model", "progress", "status"])
@pytest.mark.parametrize("value", ["oops", 7, [], [{}], {"a": 1}, True, None])
def test_a_field_of_an_unexpected_type_counts_as_missing(field: str, value: Any) -> None:
    raw = {"status": "done", "video": VIDEO, field: value}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UnknownStatusWarning)
        video = Video("job-1", raw)
        facts = (video.status, video.duration, video.cost_usd, video.model, video.progress, video.error, repr(video))
    assert video.raw is raw and isinstance(facts[0], str) and "job-1" in facts[-1] and URL not in facts[-1]


def test_seconds_take_numbers_and_timedeltas() -> None:
    assert seconds(timedelta(minutes=2), "timeout") == 120 and seconds(3, "timeout") == 3
    refused: list[Callable[[], float]] = [
        lambda: seconds("3", "timeout"), lambda: seconds(True, "timeout"), lambda: seconds(-1, "timeout"),
        lambda: seconds(float("nan"), "timeout"), lambda: seconds(0, "interval", least=0.001),
    ]  # fmt: skip
    for call in refused:
        with pytest.raises(ValueError, match="number of seconds"):
            call()
