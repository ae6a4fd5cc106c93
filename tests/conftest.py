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


BETWEEN = 20
"""Items from one that takes long to the next."""


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Has each worker begin with its share of what takes long, so that nobody waits for it at the end.

    Workers get equal runs of the items, and take them from each other's ends. What takes long mostly waits: others come between, for
    those that would wait at once would leave the machine idle.
    """
    workers = getattr(config, "workerinput", {}).get("workercount", 1)
    long = [item for item in items if item.get_closest_marker("long")]
    others = [item for item in items if not item.get_closest_marker("long")]
    runs = []
    for number in range(workers):
        own, size = long[number::workers], len(items) // workers
        short = size - len(own) if number < workers - 1 else len(others)
        run, others = others[:short], others[short:]
        for place, item in enumerate(own):
            run.insert(min(BETWEEN * place, len(run)), item)
        runs += run
    items[:] = runs


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
