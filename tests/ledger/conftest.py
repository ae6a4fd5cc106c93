"""Fixtures of this folder."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from grok_imagine import (
    Ledger,
    RedisQuota,
)
from grok_imagine.ledger.ownership import OWN, TOKENS
from grok_imagine_sandbox import Sandbox
from support import Api, ManualClock

from .keyed import made
from .quotas import redis_server


@pytest.fixture(autouse=True)
def nobody() -> Iterator[None]:
    """Ledgers that other tests did not close are forgotten."""
    OWN.clear()
    TOKENS.clear()
    yield
    OWN.clear()


@pytest.fixture
def ledger(tmp_path: Path) -> Iterator[Ledger]:
    made = Ledger(tmp_path / "jobs.db")
    yield made
    made.close()


@pytest.fixture(params=["sync", "async"])
def keyed(request: pytest.FixtureRequest, clock: ManualClock, sandbox: Sandbox, ledger: Ledger) -> Api:
    return Api(request.param, clock, sandbox.base_url, ledger=ledger)


@pytest.fixture(autouse=True)
def closed() -> Iterator[None]:
    """No test leaves a connection open."""
    yield
    while made:
        made.pop().close()


@pytest.fixture(scope="module")
def redis_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with redis_server(tmp_path_factory.mktemp("redis")) as port:
        yield f"redis://127.0.0.1:{port}/0"


@pytest.fixture
def redis_quota(redis_url: str) -> Iterator[Callable[..., RedisQuota]]:
    """Makes quotas that share nothing with other tests unless they are named alike."""
    made: list[RedisQuota] = []

    def make(name: str = "") -> RedisQuota:
        made.append(RedisQuota(redis_url, name or os.urandom(8).hex()))
        return made[-1]

    yield make
    for quota in made:
        quota.close()
