"""Both clients against the sandbox, over HTTP: every mode, every outcome, every failure."""

from __future__ import annotations

import asyncio
import copy
import gc
import logging
import pickle
import threading
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest

from grok_imagine import (
    ApiError,
    AsyncClient,
    AuthenticationError,
    BadRequestError,
    Client,
    ConfigurationError,
    DownloadError,
    EditVideo,
    ExtendVideo,
    ImageToVideo,
    Job,
    Ledger,
    ModeConflict,
    NotDelivered,
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
    UnexpectedResponse,
    UnknownField,
    UnknownStatusWarning,
    UnprocessableError,
    Video,
    VideoExpiredError,
    VideoGenerationError,
    VideoModeratedError,
    VideoTimeoutError,
)
from grok_imagine_sandbox import Sandbox
from support import UNLIMITED, Api, ManualClock, listed

PNG = "data:image/png;base64,iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="
INPUT = "https://example.com/clip.mp4"


def scenario(name: str) -> dict[str, Any]:
    return {"headers": {"x-sandbox-scenario": name}}


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


def looks(sandbox: Sandbox) -> int:
    return sum(count for (method, path, _), count in sandbox.requests.items() if method == "GET" and "/videos/" in path)


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
    assert (job.request_id, before, state) == (video.request_id, 0, "accepted") and looks(sandbox) > 0


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


def test_start_get_and_wait(api: Api, clock: ManualClock) -> None:
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


def test_a_job_that_does_not_end_is_a_timeout_and_goes_on(api: Api, clock: ManualClock, sandbox: Sandbox) -> None:
    begin = clock.now
    with pytest.raises(VideoTimeoutError) as caught:
        api(lambda c: c.video.generate("A cat", timeout=timedelta(minutes=2)), **scenario("never-ends"))
    assert isinstance(caught.value, TimeoutError) and clock.now - begin <= 120
    assert caught.value.request_id == sandbox.jobs[0]["request_id"] and caught.value.payload["status"] == "pending"


def test_timeout_zero_looks_once(api: Api, clock: ManualClock, sandbox: Sandbox) -> None:
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


def test_nothing_is_sent_again_when_told_so(api: Api, sandbox: Sandbox, clock: ManualClock) -> None:
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
        api(lambda c: c.video.start("A cat"), request_timeout=0.2, **scenario("slow"))
    assert len(sandbox.jobs) == 1
    with pytest.raises(RequestTimeout) as caught:
        api(
            lambda c: c.video.get(sandbox.jobs[0]["request_id"]),
            request_timeout=0.2,
            retry=RetryPolicy(max_retries=0),
            **scenario("look-slow"),
        )
    assert caught.value.request_id == sandbox.jobs[0]["request_id"]


@pytest.mark.parametrize(
    ("name", "kind"),
    [("look-html", UnexpectedResponse), ("look-garbage", UnexpectedResponse), ("look-reset", TransportError),
     ("look-truncated", (ApiError, TransportError)), ("look-520", ServerError)],
)  # fmt: skip
def test_a_look_that_fails_keeps_the_id(api: Api, name: str, kind: Any) -> None:
    job = api(lambda c: c.video.start("A cat"))
    with pytest.raises(kind) as caught:
        api(lambda c: c.video.get(job), retry=RetryPolicy(max_retries=1), **scenario(name))
    assert caught.value.request_id == job.request_id and job.request_id in str(caught.value)


def test_get_shows_a_failed_job_as_a_result(api: Api, clock: ManualClock) -> None:
    job = api(lambda c: c.video.start("A cat"), **scenario("failed-internal-error"))
    clock.now += 60
    video = api(lambda c: c.video.get(job))
    assert (video.status, video.outcome, video.url, video.error.code) == ("failed", "failed", None, "internal_error")


def test_no_server_means_nothing_was_sent(clock: ManualClock) -> None:
    with Sandbox() as gone:
        url = gone.base_url
    for kind in ("sync", "async"):
        with pytest.raises(NotDelivered):
            Api(kind, clock, url)(lambda c: c.video.start("A cat"))


def test_the_contract_is_checked_before_anything_is_sent(api: Api, sandbox: Sandbox) -> None:
    for use, kind in (
        (lambda c: c.video.start("A cat", duration=16), OutOfRange),
        (lambda c: c.video.generate("A cat", image_url=PNG, video_url=INPUT), ModeConflict),
        (lambda c: c.video.generate("Bigger", video_url=INPUT, duration=5), ModeConflict),
        (lambda c: c.video.extend("Go on", video_url=INPUT, duration=11), OutOfRange),
        (lambda c: c.video.generate("A cat", mask_video="x"), UnknownField),
        (lambda c: c.video.generate("A cat", "grok-video"), UnknownField),
        (lambda c: c.video.generate("A cat", timeout=-1), OutOfRange),
        (lambda c: c.video.generate("A cat", interval=0), OutOfRange),
        (lambda c: c.video.get(".."), OutOfRange),
        (lambda c: c.models.get(""), OutOfRange),
        (lambda c: c.video.generate("A cat", duration=[5]), OutOfRange),
        (lambda c: c.video.generate("A cat", resolution={}), OutOfRange),
        (lambda c: c.video.generate("A cat", ["a"]), OutOfRange),
    ):
        with pytest.raises(kind):
            api(use)
    assert not sandbox.requests


def test_strict_false_leaves_the_verdict_to_the_service(api: Api, sandbox: Sandbox) -> None:
    with pytest.raises(BadRequestError, match="Duration must be between 1 and 15 seconds"):
        api(lambda c: c.video.start("A cat", duration=16, strict=False))
    with pytest.raises(NotFoundError, match="grok-video"):
        api(lambda c: c.video.start("A cat", "grok-video", strict=False))
    with pytest.raises(UnprocessableError, match="unknown variant"):
        api(lambda c: c.video.start("A cat", aspect_ratio="auto", strict=False))
    assert api(lambda c: c.video.generate("Bigger", video_url=INPUT, duration=5, strict=False)).status == "done"
    assert sandbox.jobs[0]["operation"] == "editVideo"
    with pytest.raises(BadRequestError):
        api(lambda c: c.video.start("x", image_url=PNG, reference_image_urls=[PNG], strict=False))
    assert api(lambda c: c.video.start("x", seed=5, strict=False)).request.body["seed"] == 5
    with pytest.raises(OutOfRange, match="has not the form of editVideo"):
        api(lambda c: c.video.start(EditVideo("x"), strict=False))


def test_keys(clock: ManualClock) -> None:
    with Sandbox(api_key="right-key", clock=clock, speed=1) as sandbox:
        for kind in ("sync", "async"):
            api = Api(kind, clock, sandbox.base_url)
            with pytest.raises(AuthenticationError, match="Incorrect API key") as caught:
                api(lambda c: c.video.start("A cat"), api_key="wrong-key-0123456789")
            assert (
                caught.value.status_code == 400 and "wrong-key-0123456789" not in f"{caught.value} {vars(caught.value)}"
            )
            assert api(lambda c: c.video.start("A cat"), api_key=" right-key\n").request_id


@pytest.mark.parametrize("key", ["", "  ", "two words", "schlüssel", "a\nb"])
def test_a_key_that_is_none_is_refused_without_being_shown(monkeypatch: pytest.MonkeyPatch, key: str) -> None:
    monkeypatch.delenv("XAI_API_KEY", raising=False)
    for cls in (Client, AsyncClient):
        with pytest.raises(ConfigurationError) as caught:
            cls(key)
        assert not key.strip() or key not in str(caught.value)


@pytest.mark.parametrize("url", ["api.x.ai/v1", "ftp://a/b", "https://", "https://u:p@a/b", "https://a/b?c=d"])
def test_an_address_that_is_none_is_refused(url: str) -> None:
    with pytest.raises(ConfigurationError) as caught:
        Client("k", base_url=url)
    assert "u:p" not in str(caught.value)


@pytest.mark.parametrize("value", [0, -1, True, 1.5])
def test_connections_are_a_whole_number(value: Any) -> None:
    with pytest.raises(ConfigurationError):
        Client("k", max_connections=value)


def test_the_environment_is_the_default(monkeypatch: pytest.MonkeyPatch, sandbox: Sandbox) -> None:
    monkeypatch.setenv("XAI_API_KEY", "from-the-environment")
    monkeypatch.setenv("XAI_BASE_URL", sandbox.base_url + "/")
    with Client() as client:
        assert client.models.get("grok-imagine-video").id == "grok-imagine-video"
        assert repr(client) == f"Client(base_url={sandbox.base_url!r})"


def test_nothing_shows_the_key(api: Api, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    video = api(lambda c: c.video.generate("A cat"), api_key="CANARY-KEY")
    for cls in (Client, AsyncClient):
        client = cls("CANARY-KEY")
        assert "CANARY" not in f"{client!r} {client.video!r} {client._config!r} {client._driver!r}"
    records = " ".join(record.getMessage() for record in caplog.records)
    assert "CANARY" not in records + repr(video)


def test_progress_is_reported_and_may_be_awaited(api: Api) -> None:
    told: list[Any] = []

    async def tell(video: Video) -> None:
        await asyncio.sleep(0)
        told.append(video.progress)

    callback = tell if api.kind == "async" else lambda video: told.append(video.progress)
    api(lambda c: c.video.generate("A cat", duration=15, on_progress=callback))
    assert len(told) >= 3 and told == sorted(told)


@pytest.mark.parametrize("interval", [4, 4.0, timedelta(seconds=4), lambda age: 4.0])
def test_an_interval_of_ones_own(api: Api, clock: ManualClock, interval: Any) -> None:
    api(lambda c: c.video.generate("A cat", interval=interval))
    assert set(clock.slept) == {4.0}


def test_one_client_serves_many_threads(sandbox: Sandbox, clock: ManualClock) -> None:
    ids: list[str] = []
    with Client("k", base_url=sandbox.base_url, max_connections=2) as client:
        threads = [
            threading.Thread(target=lambda: ids.append(client.video.start("A cat").request_id)) for _ in range(16)
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(20)
    assert len(set(ids)) == 16 == len(sandbox.jobs)


# The connections of a loop that has ended can't be closed any more; Python says so when they are collected.
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
def test_one_async_client_serves_loops_in_turn(sandbox: Sandbox) -> None:
    client = AsyncClient("k", base_url=sandbox.base_url)
    ids = {asyncio.run(client.video.start("A cat")).request_id for _ in range(3)}
    assert len(ids) == 3
    del client
    gc.collect()


def test_many_jobs_wait_at_once_in_front_of_the_pool() -> None:
    """In real time, ten times as fast: a clock that each of a hundred sleepers moves would run ahead of their requests."""
    speed = 10.0

    async def run(url: str) -> list[Video]:
        loop = asyncio.get_running_loop()
        options: Any = {
            "max_connections": 4,
            "clock": lambda: loop.time() * speed,
            "sleep": lambda seconds: asyncio.sleep(seconds / speed),
            "limits": UNLIMITED,
        }
        async with AsyncClient("k", base_url=url, **options) as client:
            return await asyncio.gather(*(client.video.generate("A cat", interval=20) for _ in range(100)))

    with Sandbox(speed=speed) as sandbox:
        videos = asyncio.run(run(sandbox.base_url))
    assert len({video.request_id for video in videos}) == 100 and all(video.status == "done" for video in videos)


def test_cancelling_keeps_the_id(sandbox: Sandbox) -> None:
    async def run() -> BaseException:
        async with AsyncClient("k", base_url=sandbox.base_url, headers={"x-sandbox-scenario": "never-ends"}) as client:
            task = asyncio.create_task(client.video.generate("A cat"))
            while not sandbox.jobs:
                await asyncio.sleep(0.01)
            await asyncio.sleep(0.01)
            task.cancel()
            try:
                await task
            except asyncio.CancelledError as error:
                return error
        raise AssertionError("was not cancelled")

    error = asyncio.run(asyncio.wait_for(run(), 20))
    assert error.request_id == sandbox.jobs[0]["request_id"]


def test_ctrl_c_keeps_the_id(sandbox: Sandbox) -> None:
    def interrupt(seconds: float) -> None:
        raise KeyboardInterrupt

    with Client("k", base_url=sandbox.base_url, sleep=interrupt) as client, pytest.raises(KeyboardInterrupt) as caught:
        client.video.generate("A cat")
    assert caught.value.request_id == sandbox.jobs[0]["request_id"]
    assert sandbox.jobs[0]["request_id"] in caught.value.__notes__[0]


def test_an_http_client_of_ones_own_is_used_and_left_open(sandbox: Sandbox) -> None:
    seen: list[httpx.Request] = []
    with httpx.Client(event_hooks={"request": [seen.append]}, follow_redirects=True) as http:
        with Client("k", base_url=sandbox.base_url, http_client=http) as client:
            client.video.start("A cat")
        assert not http.is_closed
    assert seen[0].headers["authorization"] == "Bearer k" and seen[0].headers["user-agent"].startswith("grok-imagine/")


def test_a_redirect_is_an_error_and_does_not_take_the_key_along(clock: ManualClock) -> None:
    away = httpx.MockTransport(lambda request: httpx.Response(307, headers={"location": "https://elsewhere.example/"}))
    http = httpx.Client(transport=away, follow_redirects=True)
    with Client("k", base_url="https://a.example/v1", http_client=http) as client, pytest.raises(ApiError) as caught:
        client.video.start("A cat")
    assert caught.value.status_code == 307


def test_a_client_learns_when_to_look(api: Api, sandbox: Sandbox) -> None:
    """What it learns lives in the client, so that all jobs are made by one."""

    def use(client: Any) -> Any:
        if api.kind == "sync":
            return [client.video.generate("A cat", duration=2) for _ in range(30)]

        async def run() -> list[Video]:
            return [await client.video.generate("A cat", duration=2) for _ in range(30)]

        return run()

    looks = [("GET", "/v1/videos/{request_id}", 202), ("GET", "/v1/videos/{request_id}", 200)]
    api(use)
    seen = sum(sandbox.requests[look] for look in looks)
    assert all(job["state"] == "done" for job in sandbox.jobs)
    # The contract's own schedule takes 7 looks a job of this length, a fixed interval of 5 s 4.
    assert seen / 30 < 3.5


def test_a_body_that_is_no_json_is_refused_before_anything_is_sent(api: Api, sandbox: Sandbox) -> None:
    for value in (datetime.now(UTC), {1, 2}, float("nan")):
        with pytest.raises(OutOfRange, match="holds what is no JSON") as caught:
            api(lambda c, value=value: c.video.start("A cat", strict=False, seed=value))
        assert not hasattr(caught.value, "__notes__") and not sandbox.requests
