"""Fixtures: a sandbox that lives by a manual clock, and a client of it that knows nothing but HTTP."""

import base64
import io
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import httpx
import pytest
from PIL import Image

from grok_imagine_sandbox import Sandbox
from support import HANG

from .films import clip

KEY = "xai-test-key"


class Clock:
    """Seconds that pass when told."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


class Remote:
    """A sandbox as its clients see it, and the clock it lives by."""

    def __init__(self, sandbox: Sandbox, clock: Clock) -> None:
        self.sandbox = sandbox
        self.clock = clock
        self.origin = sandbox.base_url.removesuffix("/v1")
        self.http = httpx.Client(
            base_url=sandbox.base_url, headers={"authorization": f"Bearer {KEY}"}, trust_env=False, timeout=HANG
        )

    def post(self, path: str, body: Any, scenario: str | None = None, **options: Any) -> httpx.Response:
        headers = {} if scenario is None else {"x-sandbox-scenario": scenario}
        return self.http.post(path, json=body, headers=headers, **options)

    def start(self, path: str, body: Any, scenario: str | None = None) -> str:
        response = self.post(path, body, scenario)
        assert response.status_code == 200, response.text
        return str(response.json()["request_id"])

    def generate(self, scenario: str | None = None, **body: Any) -> str:
        return self.start("/videos/generations", {"prompt": "a cat"} | body, scenario)

    def look(self, request_id: str, scenario: str | None = None) -> httpx.Response:
        headers = {} if scenario is None else {"x-sandbox-scenario": scenario}
        return self.http.get(f"/videos/{request_id}", headers=headers)

    def end_of(self, request_id: str) -> httpx.Response:
        """A poll of a job after its end. Inputs are fetched in real time, which a busy machine needs more of."""
        self.clock.now += 100
        for _ in range(5000):
            answer = self.look(request_id)
            if answer.status_code != 202 or self.job(request_id)["scenario"]:
                break
            time.sleep(0.02)
        return answer

    def end(self, request_id: str) -> Any:
        """The state of a job after its end."""
        return self.end_of(request_id).json()

    def make(self, path: str, body: Any) -> Any:
        return self.end(self.start(path, body))

    def job(self, request_id: str) -> dict[str, Any]:
        return next(job for job in self.sandbox.jobs if job["request_id"] == request_id)


@pytest.fixture(scope="session")
def run() -> Callable[..., Any]:
    """Starts sandboxes of its own: `with run(max_jobs=2) as remote`."""

    @contextmanager
    def running(**options: Any) -> Iterator[Remote]:
        clock = Clock()
        with Sandbox(clock=clock, speed=1, **{"slow_seconds": 0.01} | options) as sandbox:
            remote = Remote(sandbox, clock)
            with remote.http:
                yield remote

    return running


@pytest.fixture(scope="module")
def remote(run: Callable[..., Any]) -> Iterator[Remote]:
    """One sandbox for all tests of a module that leave it as they found it."""
    with run() as remote:
        yield remote


@pytest.fixture(scope="session")
def picture() -> str:
    """A picture as a data URL: left half red, right half blue."""
    image = Image.new("RGB", (300, 200), "red")
    image.paste("blue", (150, 0, 300, 200))
    data = io.BytesIO()
    image.save(data, "PNG")
    return "data:image/png;base64," + base64.b64encode(data.getvalue()).decode()


@pytest.fixture(scope="module")
def boat() -> bytes:
    return clip()
