"""Jobs from start to video."""

from __future__ import annotations

import asyncio
import gc
import logging
import threading
from datetime import UTC, datetime, timedelta
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
    EditVideo,
    ModeConflict,
    NotDelivered,
    NotFoundError,
    OutOfRange,
    RetryPolicy,
    ServerError,
    TransportError,
    UnexpectedResponse,
    UnknownField,
    UnprocessableError,
    Video,
)
from grok_imagine_sandbox import Sandbox
from support import HANG, UNLIMITED, Api, ManualClock

from .clients import INPUT, PNG, scenario


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
            thread.join(HANG)
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
            return await asyncio.gather(
                *(client.video.generate("A cat", interval=20, timeout=6000) for _ in range(100))
            )

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

    error = asyncio.run(asyncio.wait_for(run(), HANG))
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
