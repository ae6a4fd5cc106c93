"""Fixtures: a manual clock, a sandbox that lives by it, both kinds of client, and the document."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from typing import Any

import pytest
import yaml
from hypothesis import settings
from openapi_core import OpenAPI

from grok_imagine_sandbox import Sandbox
from support import ROOT, Api, ManualClock, heed_interrupts

heed_interrupts()

# A test says nothing of time: on a busy machine an example takes as long as it takes.
settings.register_profile("suite", deadline=None)
settings.load_profile("suite")

# A shell that starts tests in the background has them ignore Ctrl-C, which their children would inherit.
if signal.getsignal(signal.SIGINT) == signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock()


@pytest.fixture
def sandbox(clock: ManualClock) -> Iterator[Sandbox]:
    with Sandbox(clock=clock, speed=1.0) as server:
        yield server


@pytest.fixture(params=["sync", "async"])
def api(request: pytest.FixtureRequest, clock: ManualClock, sandbox: Sandbox) -> Api:
    return Api(request.param, clock, sandbox.base_url)


@pytest.fixture(scope="session")
def document() -> dict[str, Any]:
    """The contract as written, not as compiled."""
    return yaml.safe_load((ROOT / "openapi" / "grok-imagine.yaml").read_text(encoding="utf-8"))


@pytest.fixture(scope="session")
def openapi(document: dict[str, Any]) -> OpenAPI:
    """The document as a judge of requests and answers."""
    return OpenAPI.from_dict(document)
