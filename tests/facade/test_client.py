"""How a client is made, and what it sends."""

from __future__ import annotations

import asyncio
import copy
import pickle
from contextlib import closing
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from grok_imagine import (
    ApiError,
    DownloadError,
    EditVideo,
    ExtendVideo,
    ImageToVideo,
    Job,
    Ledger,
    ModeConflict,
    NotFoundError,
    OutOfCreditError,
    OutOfRange,
    PermissionDeniedError,
    RateLimitError,
    ReferenceToVideo,
    RequestTimeout,
    RetryPolicy,
    ServerError,
    StartOutcomeUnknown,
    TextToVideo,
    TransportError,
    UnknownField,
    UnknownStatusWarning,
    Video,
    VideoExpiredError,
    VideoGenerationError,
    VideoModeratedError,
    VideoTimeoutError,
)
from grok_imagine_sandbox import Sandbox
from support import Api, SharedClock, listed, until

from .clients import INPUT, PNG, looks, scenario


@pytest.fixture
def clock() -> SharedClock:
    """Batches and tasks sleep side by side."""
    return SharedClock()


MODES = {
    "text-to-video": (lambda c: c.video.generate("A cat", duration=5), 5, 0.25),
    "image-to-video": (lambda c: c.video.generate("A cat", image_url=PNG, duration=6, resolution="720p"), 6, 0.422),
    "reference-to-video": (lambda c: c.video.generate("<IMAGE_1>", reference_image_urls=[PNG], duration=2), 2, 0.102),
    "edit-video": (lambda c: c.video.generate("Bigger", video_url=INPUT), 5, 0.3),
    "extend-video": (lambda c: c.video.extend("Go on", video_url=INPUT, duration=10), 10, 0.55),
}


@pytest.mark.parametrize("mode", MODES)
def test_each_mode_makes_a_video(api: Api, sandbox: Sandbox, mode: str) -> None:
    use, duration, cost = MODES[mode]
    video = api(use)
    assert (video.status, video.duration, video.model, video.progress) == ("done", duration, "grok-imagine-video", 100)
    assert video.respect_moderation and video.cost_usd == pytest.approx(cost)
    assert video.url.startswith("http://127.0.0.1") and video.response.video.url == video.url
    assert video.usage.cost_in_usd_ticks == sandbox.jobs[0]["cost_in_usd_ticks"]
    assert [job["request_id"] for job in sandbox.jobs] == [video.request_id]


@pytest.mark.parametrize(
    "request_",
    [
        TextToVideo("A cat", duration=2),
        ImageToVideo(image_url=PNG, duration=2),
        ReferenceToVideo("<IMAGE_1>", reference_image_urls=[PNG], duration=2),
        EditVideo("Bigger", video_url=INPUT),
        ExtendVideo("Go on", video_url=INPUT),
    ],
    ids=lambda request: request.mode,
)
def test_a_mode_named_outright(api: Api, sandbox: Sandbox, request_: Any) -> None:
    assert api(lambda c: c.video.generate(request_)).status == "done"
    job = api(lambda c: c.video.start(request_))
    assert isinstance(job, Job) and job.request is request_
    assert {entry["operation"] for entry in sandbox.jobs} == {request_.operation}


def test_a_whole_request_takes_no_further_fields(api: Api, sandbox: Sandbox) -> None:
    with pytest.raises(UnknownField, match=r"give it to TextToVideo\(...\)"):
        api(lambda c: c.video.start(TextToVideo("A cat"), duration=5))
    assert not sandbox.requests


def test_extend_takes_a_request_to_extend_and_no_other(api: Api, sandbox: Sandbox) -> None:
    for use in (lambda c: c.video.extend_start(TextToVideo("A cat")), lambda c: c.video.extend(TextToVideo("A cat"))):
        with pytest.raises(ModeConflict, match="`extend` takes an ExtendVideo; got TextToVideo"):
            api(use)
    assert not sandbox.requests


def test_the_name_of_another_sdk_says_which_one_is_meant(api: Api) -> None:
    with pytest.raises(AttributeError, match=r"this API is client\.video: start, generate"):
        api(lambda c: c.videos.generate(prompt="A cat"))
    with pytest.raises(AttributeError, match="no attribute 'video_'"):
        api(lambda c: c.video_)


@pytest.mark.parametrize("interval", [lambda age: 0, lambda age: -1, lambda age: float("nan"), lambda age: None])
def test_an_interval_of_ones_own_is_checked_and_the_id_kept(api: Api, sandbox: Sandbox, interval: Any) -> None:
    with pytest.raises(OutOfRange, match="is a number of seconds") as caught:
        api(lambda c: c.video.generate("A cat", interval=interval))
    assert caught.value.request_id == sandbox.jobs[0]["request_id"]


def test_a_callback_is_checked_before_anything_is_sent(api: Api, sandbox: Sandbox) -> None:
    async def tell(video: Video) -> None: ...

    for callback in [5, "x", *([tell] if api.kind == "sync" else [])]:
        with pytest.raises(OutOfRange, match="is a function of the Video"):
            api(lambda c, callback=callback: c.video.generate("A cat", on_progress=callback))
    assert not sandbox.requests


def test_an_error_of_a_callback_does_not_take_the_id(api: Api, sandbox: Sandbox) -> None:
    def start_another(video: Video) -> None:
        raise OutOfRange("another")

    with pytest.raises(OutOfRange) as caught:
        api(lambda c: c.video.generate("A cat", on_progress=start_another))
    assert caught.value.request_id == sandbox.jobs[0]["request_id"]


def watched(api: Api, seen: list[Any], note: Any) -> Any:
    """A callback that notes what it is called with: with an AsyncClient a coroutine function."""

    async def awaited(value: Any) -> None:
        await asyncio.sleep(0)
        seen.append(note(value))

    return awaited if api.kind == "async" else lambda value: seen.append(note(value))


@pytest.mark.parametrize("call", ["generate", "extend"])
def test_on_started_is_called_once_before_the_first_look_and_after_the_ledger(
    api: Api, sandbox: Sandbox, tmp_path: Path, call: str
) -> None:
    seen: list[Any] = []
    with closing(Ledger(tmp_path / "jobs.db")) as ledger:
        tell = watched(api, seen, lambda job: (job, looks(sandbox), ledger.get(job.request_id).state))
        body = {"video_url": INPUT} if call == "extend" else {}
        video = api(lambda c: getattr(c.video, call)("A cat", on_started=tell, **body), ledger=ledger)
    ((job, before, state),) = seen
    assert isinstance(job, Job) and job.request.body["prompt"] == "A cat"
    assert (job.request_id, before, state) == (video.request_id, 0, "running") and looks(sandbox) > 0


def test_what_on_started_raises_leaves_with_the_id(api: Api, sandbox: Sandbox) -> None:
    def refuse(job: Job) -> None:
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError) as caught:
        api(lambda c: c.video.generate("A cat", on_started=refuse))
    assert caught.value.request_id == sandbox.jobs[0]["request_id"] and not looks(sandbox)
    assert "resumes it" in caught.value.__notes__[0]
    with pytest.raises(OutOfRange, match="`on_started`: is a function of the Job"):
        api(lambda c: c.video.generate("A cat", on_started=5))
    assert len(sandbox.jobs) == 1


def test_on_started_of_a_batch_is_called_for_each_job_that_is_waited_for(
    api: Api, sandbox: Sandbox, tmp_path: Path
) -> None:
    seen: list[Any] = []
    tell = watched(api, seen, lambda job: job.request_id)
    with closing(Ledger(tmp_path / "jobs.db")) as ledger:
        for _ in range(2):  # the second time all is known
            found = api(lambda c: listed(c.video.batch(["A cat", "A dog", "A cat"], on_started=tell)), ledger=ledger)
            assert {outcome.state for outcome in found} == {"done"} and {type(o.video) for o in found} == {api.video}
    assert sorted(seen) == sorted(job["request_id"] for job in sandbox.jobs) and len(seen) == 2


def test_a_client_says_its_address(api: Api, sandbox: Sandbox) -> None:
    async def told(client: Any) -> str:
        return client.base_url

    for given in (sandbox.base_url, f"{sandbox.base_url}/"):
        assert api(lambda c: c.base_url if api.kind == "sync" else told(c), base_url=given) == sandbox.base_url


def test_what_a_client_gives_is_of_its_kind(api: Api, tmp_path: Path) -> None:
    job = api(lambda c: c.video.start("A cat"))
    for use in (
        lambda c: c.video.generate("A cat"),
        lambda c: c.video.extend("On", video_url=INPUT),
        lambda c: c.video.get(job),
        lambda c: c.video.wait(job),
    ):
        assert type(api(use)) is api.video
    made = api(lambda c: c.video.generate("A cat"))
    assert type(made) is api.video and isinstance(made, Video)
    again = pickle.loads(pickle.dumps(copy.deepcopy(made)))
    assert type(again) is api.video and again.raw == made.raw
    with pytest.raises(DownloadError, match="no client goes with this video"):
        api(lambda c: again.save(tmp_path / "a.mp4"))


def test_start_get_and_wait(api: Api, clock: SharedClock) -> None:
    job = api(lambda c: c.video.start("A cat"))
    first = api(lambda c: c.video.get(job.request_id))
    assert (first.status, first.url, first.outcome) == ("pending", None, "running")
    video = api(lambda c: c.video.wait(job))
    assert video.status == "done" and clock.slept
    slept = len(clock.slept)
    assert api(lambda c: c.video.wait(job.request_id)).url.partition("?")[0] == video.url.partition("?")[0]
    assert api(lambda c: c.video.get(job)).outcome == "done"
    assert len(clock.slept) == slept


def test_models(api: Api) -> None:
    models = api(lambda c: c.models.list())
    assert "grok-imagine-video" in [model.id for model in models]
    assert api(lambda c: c.models.get("grok-imagine-video")).owned_by == "xai"
    with pytest.raises(NotFoundError, match="grok-video"):
        api(lambda c: c.models.get("grok-video"))


# What ends a wait. A look that fails is no end: see below.
ENDS = {
    "failed-invalid-argument": (VideoGenerationError, "invalid_argument"),
    "failed-permission-denied": (VideoGenerationError, "permission_denied"),
    "failed-failed-precondition": (VideoGenerationError, "failed_precondition"),
    "failed-service-unavailable": (VideoGenerationError, "service_unavailable"),
    "failed-internal-error": (VideoGenerationError, "internal_error"),
    "failed-without-error": (VideoGenerationError, "UNKNOWN"),
    "failed-empty-video": (VideoGenerationError, "invalid_argument"),
    "expired": (VideoExpiredError, "expired"),
    "moderated-rejected": (VideoModeratedError, "imagine:content-moderated"),
    "moderated-unpriced": (VideoModeratedError, "imagine:content-moderated"),
    "moderated-failed": (VideoModeratedError, "invalid_argument"),
    "done-without-url": (VideoGenerationError, "missing_url"),
    "look-out-of-credit": (OutOfCreditError, "resource-exhausted"),
    "look-not-found": (NotFoundError, "not-found"),
}


@pytest.mark.parametrize("name", ENDS)
def test_a_job_that_ends_badly_is_an_error_with_its_id(api: Api, sandbox: Sandbox, name: str) -> None:
    kind, code = ENDS[name]
    with pytest.raises(kind) as caught:
        api(lambda c: c.video.generate("A cat"), **scenario(name))
    error = caught.value
    assert type(error) is kind and (error.code, error.request_id) == (code, sandbox.jobs[0]["request_id"])
    assert error.request_id in str(error) and len(sandbox.jobs) == 1


RIDDEN_OUT = [
    "pending-empty", "status-null", "done-minimal", "no-progress",
    "look-rate-limit:2", "look-unavailable:2", "look-520:2", "look-html:2", "look-garbage:2", "look-reset:2",
    "look-truncated:2",
]  # fmt: skip


@pytest.mark.parametrize("name", RIDDEN_OUT)
def test_what_passes_is_waited_out(api: Api, sandbox: Sandbox, name: str) -> None:
    video = api(lambda c: c.video.generate("A cat"), **scenario(name))
    assert video.status == "done" and video.url and len(sandbox.jobs) == 1


def test_a_status_word_of_tomorrow_is_waited_out(api: Api) -> None:
    with pytest.warns(UnknownStatusWarning) as caught:
        video = api(lambda c: c.video.generate("A cat"), **scenario("status-unknown"))
    assert video.status == "done" and len(caught) == 1


def test_a_withheld_video_is_a_result_and_billed(api: Api) -> None:
    video = api(lambda c: c.video.generate("A cat"), **scenario("moderated-withheld"))
    assert (video.respect_moderation, video.outcome) == (False, "moderated") and video.cost_usd == pytest.approx(0.4)
    with pytest.raises(VideoModeratedError, match=video.request_id):
        _ = video.url


def test_a_file_sent_elsewhere_needs_no_url(api: Api) -> None:
    stored = api(lambda c: c.video.generate("A cat", storage_options={"filename": "cat.mp4", "public_url": True}))
    assert stored.file_output.filename == "cat.mp4" and stored.public_url
    sent = api(lambda c: c.video.generate("A cat", output_upload_url="https://storage.example.com/put?signature=1"))
    assert (sent.status, sent.url) == ("done", None)


def test_a_job_that_does_not_end_is_a_timeout_and_goes_on(api: Api, clock: SharedClock, sandbox: Sandbox) -> None:
    begin = clock.now
    with pytest.raises(VideoTimeoutError) as caught:
        api(lambda c: c.video.generate("A cat", timeout=timedelta(minutes=2)), **scenario("never-ends"))
    assert isinstance(caught.value, TimeoutError) and clock.now - begin <= 120
    assert caught.value.request_id == sandbox.jobs[0]["request_id"] and caught.value.payload["status"] == "pending"


def test_timeout_zero_looks_once(api: Api, clock: SharedClock, sandbox: Sandbox) -> None:
    with pytest.raises(VideoTimeoutError) as caught:
        api(lambda c: c.video.generate("A cat", timeout=0))
    assert clock.slept == []
    clock.now += 60
    assert api(lambda c: c.video.wait(caught.value.request_id, timeout=0)).status == "done"
    assert len(sandbox.jobs) == 1


REFUSED = {
    "forbidden": (PermissionDeniedError, 403, 1),
    "out-of-credit": (OutOfCreditError, 429, 1),
    "rate-limit": (RateLimitError, 429, 6),
    "unavailable": (ServerError, 503, 6),
}


@pytest.mark.parametrize("name", REFUSED)
def test_a_post_that_is_refused_is_sent_again_only_if_that_may_help(api: Api, sandbox: Sandbox, name: str) -> None:
    kind, status, posts = REFUSED[name]
    with pytest.raises(kind) as caught:
        api(lambda c: c.video.generate("A cat"), **scenario(name))
    error = caught.value
    assert type(error) is kind and error.status_code == status and error.headers["server"] == "grok-imagine-sandbox"
    assert sandbox.jobs == [] and sandbox.requests == {("POST", "/v1/videos/generations", status): posts}


@pytest.mark.parametrize("name", ["rate-limit:3", "unavailable:3"])
def test_a_refusal_that_passes_is_ridden_out(api: Api, sandbox: Sandbox, name: str) -> None:
    assert api(lambda c: c.video.generate("A cat"), **scenario(name)).status == "done"
    assert len(sandbox.jobs) == 1


def test_nothing_is_sent_again_when_told_so(api: Api, sandbox: Sandbox, clock: SharedClock) -> None:
    once = {"retry": RetryPolicy(max_retries=0)}
    with pytest.raises(RateLimitError):
        api(lambda c: c.video.start("A cat"), **once, **scenario("rate-limit"))
    job = api(lambda c: c.video.start("A cat"))
    with pytest.raises(ServerError):
        api(lambda c: c.video.get(job), **once, **scenario("look-520"))
    assert clock.slept == [] and sum(sandbox.requests.values()) == 3


UNKNOWN = {
    "reset-before": 0,
    "reset-after-accepting": 1,
    "truncated": 1,
    "bad-gateway": 0,
    "cloudflare-520": 0,
    "empty-500": 0,
}


@pytest.mark.parametrize("name", UNKNOWN)
def test_a_post_whose_outcome_is_unknown_is_never_sent_again(api: Api, sandbox: Sandbox, name: str) -> None:
    request = TextToVideo("A cat")
    with pytest.raises(StartOutcomeUnknown) as caught:
        api(lambda c: c.video.generate(request), **scenario(name))
    error = caught.value
    assert (error.mode, error.body_sha256) == ("text-to-video", request.sha256) and error.sent_at > 1.7e9
    assert isinstance(error.__cause__, ApiError | TransportError) and not isinstance(error, TimeoutError)
    assert len(sandbox.jobs) == UNKNOWN[name] and sum(sandbox.requests.values()) == 1


def test_a_post_that_is_too_slow_is_an_unknown_outcome_and_a_look_is_not(api: Api, sandbox: Sandbox) -> None:
    with pytest.raises(StartOutcomeUnknown):
        api(lambda c: c.video.start("A cat"), request_timeout=0.5, **scenario("slow"))
    until(lambda: sandbox.jobs)  # on a busy machine it may be read after that
    assert len(sandbox.jobs) == 1
    with pytest.raises(RequestTimeout) as caught:
        api(
            lambda c: c.video.get(sandbox.jobs[0]["request_id"]),
            request_timeout=0.5,
            retry=RetryPolicy(max_retries=0),
            **scenario("look-slow"),
        )
    assert caught.value.request_id == sandbox.jobs[0]["request_id"]
