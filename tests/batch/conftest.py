"""Fixtures of this folder."""

from __future__ import annotations

from pathlib import Path

import pytest

from grok_imagine import Ledger
from grok_imagine_sandbox import Sandbox
from support import SharedClock

from .batches import Batches


@pytest.fixture
def clock() -> SharedClock:
    return SharedClock()


@pytest.fixture(params=["sync", "async"])
def batches(request: pytest.FixtureRequest, clock: SharedClock, sandbox: Sandbox) -> Batches:
    return Batches(request.param, clock, sandbox.base_url)


@pytest.fixture
def ledger(tmp_path: Path) -> Ledger:
    return Ledger(tmp_path / "jobs.db")


@pytest.fixture(params=["sync", "async"])
def kind(request: pytest.FixtureRequest) -> str:
    return request.param
