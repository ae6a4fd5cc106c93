"""Fixtures: a manual clock, a sandbox that lives by it, both kinds of client, and the document."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import settings
from openapi_core import OpenAPI

from grok_imagine_sandbox import Sandbox
from support import Api, ManualClock, contract, heed_interrupts

heed_interrupts()

# A test says nothing of time: on a busy machine an example takes as long as it takes.
settings.register_profile("suite", deadline=None)
settings.load_profile("suite")


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
    return contract()


@pytest.fixture(scope="session")
def openapi(document: dict[str, Any]) -> OpenAPI:
    """The document as a judge of requests and answers."""
    return OpenAPI.from_dict(document)
