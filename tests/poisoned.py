"""A service that answers some jobs badly, with a ledger and a kind of client that asks it."""

from __future__ import annotations

import asyncio
import threading
import time
from pathlib import Path
from typing import Any

from grok_imagine import (
    AsyncClient,
    Client,
    Ledger,
    Outcome,
)
from grok_imagine.ledger.reconcile import Reconciliation
from poison import Service
from support import UNLIMITED, ManualClock

JOBS = 6
TIMEOUT = 120.0
NAP = 0.006
"""Real seconds."""


class Clock(ManualClock):
    """Of those that sleep at once the first to wake moves it, and only while the service has nothing to do.

    Else each job that is looked at in vain would use up the time of all others.
    """

    def __init__(self, server: Service) -> None:
        super().__init__()
        self._server = server
        self._lock = threading.Lock()
        self._ends: list[float] = []

    def _begin(self, seconds: float) -> float:
        with self._lock:
            self._ends.append(end := self.now + seconds)
        return end

    def _is_over(self, end: float, served: int) -> bool:
        with self._lock:
            if self.now < end == min(self._ends) and self._server.is_quiet(served):
                self.now = end
            if self.now >= end:
                self._ends.remove(end)
            return self.now >= end

    def sleep(self, seconds: float) -> None:
        end, served = self._begin(seconds), -1
        while not self._is_over(end, served):
            served = self._server.served
            time.sleep(NAP)

    async def sleep_async(self, seconds: float) -> None:
        end, served = self._begin(seconds), -1
        while not self._is_over(end, served):
            served = self._server.served
            await asyncio.sleep(NAP)


class World:
    """A service, a ledger, and a kind of client that asks the one and notes in the other."""

    def __init__(self, kind: str, folder: Path, server: Service) -> None:
        self.kind, self.server = kind, server
        self.ledger = Ledger(folder / "jobs.db")

    def _made(self) -> dict[str, Any]:
        clock = Clock(self.server)
        sleep = clock.sleep if self.kind == "sync" else clock.sleep_async
        return {
            "api_key": "test-key",
            "base_url": self.server.base_url,
            "clock": clock,
            "sleep": sleep,
            "limits": UNLIMITED,
        }

    def batch(self, requests: Any = None, **options: Any) -> list[Outcome]:
        """The outcomes of the jobs, in their order."""
        given = [str(number) for number in range(JOBS)] if requests is None else requests
        options = {"ledger": self.ledger, "timeout": TIMEOUT, **options}
        if self.kind == "sync":
            with Client(**self._made()) as client, client.video.batch(given, **options) as batch:
                return sorted(batch, key=lambda outcome: outcome.position)

        async def run() -> list[Outcome]:
            async with AsyncClient(**self._made()) as client, client.video.batch(given, **options) as batch:
                return sorted([outcome async for outcome in batch], key=lambda outcome: outcome.position)

        return asyncio.run(run())

    def reconcile(self) -> Reconciliation:
        if self.kind == "sync":
            with Client(**self._made()) as client:
                return client.reconcile(self.ledger, timeout=TIMEOUT)

        async def run() -> Reconciliation:
            async with AsyncClient(**self._made()) as client:
                return await client.reconcile(self.ledger, timeout=TIMEOUT)

        return asyncio.run(run())
