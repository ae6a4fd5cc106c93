"""The core makes videos alone: with its own hooks, and with whatever sends a request."""

from __future__ import annotations

import http.client
import json
import subprocess
import sys
from collections.abc import Generator
from contextlib import closing
from typing import Any
from urllib.parse import urlsplit

import pytest

from grok_imagine import TextToVideo, VideoModeratedError
from grok_imagine.answers.answer import Answer, take_in
from grok_imagine.core import operations, polling
from grok_imagine.core.effects import Blocking, Call, Notify, Sleep
from grok_imagine.core.hooks import JobRecorder, RateLimiter, Runtime
from grok_imagine.core.retry import Retries, RetryPolicy
from grok_imagine.posting.start import generate, start_alone
from grok_imagine_sandbox import Sandbox
from support import ManualClock


class Plain:
    """Runs a flow over the standard library's HTTP client. A paid POST is settled here and now."""

    def __init__(self, base_url: str, clock: ManualClock, **headers: str) -> None:
        self.place, self.clock = urlsplit(base_url), clock
        self.headers = {"authorization": "Bearer k", "content-type": "application/json", **headers}

    def send(self, request: dict[str, Any]) -> Answer:
        body = json.dumps(request["json"]) if "json" in request else None
        with closing(http.client.HTTPConnection(self.place.netloc, timeout=30)) as connection:
            connection.request(request["method"].upper(), self.place.path + request["url"], body, self.headers)
            answer = connection.getresponse()
            headers = [(name.encode(), value.encode()) for name, value in answer.getheaders()]
            return take_in(answer.status, headers, answer.read(), "")

    def do(self, effect: object) -> object:
        match effect:
            case Call(request=request, post=None):
                return self.send(request)
            case Call(request=request, post=post):
                post.run(lambda post: self.send(request), lambda: None)
                return post.result()
            case Sleep(seconds=seconds):
                return self.clock.sleep(seconds)
            case Notify(callback=callback, value=value):
                return callback(value)
            case Blocking():
                raise AssertionError("the default recorder writes nothing")
        raise AssertionError(effect)

    def __call__(self, flow: Generator[Any, Any, Any]) -> Any:
        value: object = None
        failure: BaseException | None = None
        while True:
            try:
                effect = flow.throw(failure) if failure else flow.send(value)
            except StopIteration as end:
                return end.value
            value, failure = None, None
            try:
                value = self.do(effect)
            except Exception as error:
                failure = error


@pytest.fixture
def runtime(clock: ManualClock) -> Runtime:
    return Runtime(Retries(RetryPolicy(), clock), 60.0, RateLimiter(clock), JobRecorder())


def test_the_core_makes_a_video_by_the_schedule_of_the_contract(
    sandbox: Sandbox, clock: ManualClock, runtime: Runtime
) -> None:
    seen, run = [], Plain(sandbox.base_url, clock)
    video = run(generate(TextToVideo("A cat", duration=4), runtime, timeout=600.0, on_progress=seen.append))
    assert video.url and video.duration == 4 and len(clock.slept) == len(seen) + 1 > 1
    assert run(operations.get(video.request_id, runtime)).outcome == "done"
    job = run(start_alone(TextToVideo("A dog"), runtime))
    assert run(polling.resume(job.request_id, runtime, None, timeout=600.0)).url
    assert [model.id for model in run(operations.list_models(runtime))]


def test_the_core_raises_what_a_client_would(sandbox: Sandbox, clock: ManualClock, runtime: Runtime) -> None:
    with pytest.raises(VideoModeratedError) as caught:
        run = Plain(sandbox.base_url, clock, **{"x-sandbox-scenario": "moderated-rejected"})
        run(generate(TextToVideo("A cat"), runtime, timeout=600.0))
    assert caught.value.request_id == sandbox.jobs[0]["request_id"]


def test_the_core_comes_without_the_rest() -> None:
    code = "import sys, grok_imagine.core.polling, grok_imagine.posting.start; print(*sys.modules)"
    loaded = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.split()
    others = {
        "_sync",
        "_async",
        "_wiring",
        "batch",
        "download",
        "files_api",
        "ledger",
        "pacing",
        "pricing",
        "transport",
    }
    assert not {f"grok_imagine.{name}" for name in others}.intersection(loaded)
    assert not {"asyncio", "sqlite3", "grok_imagine_cli", "grok_imagine_sandbox"}.intersection(loaded)
