"""Fixtures of this folder."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from hosts import Host, says
from support import Api, ManualClock


@pytest.fixture
def host() -> Iterator[Host]:
    host = Host()
    yield host
    host.close()


@pytest.fixture
def service() -> Iterator[Host]:
    """Stands for the API."""
    host = Host()
    host.scripts = [says(404, b'{"code": "not-found", "error": "no such job"}')]
    yield host
    host.close()


@pytest.fixture(params=["sync", "async"])
def bare(request: pytest.FixtureRequest, clock: ManualClock, service: Host) -> Api:
    """Both kinds of client, of which nothing but downloads is asked."""
    return Api(request.param, clock, f"{service.origin}/v1", api_key="CANARY-KEY", headers={"x-gateway": "CANARY-GATE"})
