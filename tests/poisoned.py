"""A service that answers some jobs badly, with a ledger and a kind of client that asks it."""

from __future__ import annotations

import asyncio
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
from support import UNLIMITED, SharedClock

JOBS = 6
TIMEOUT = 120.0


class World:
    """A service, a ledger, and a kind of client that asks the one and notes in the other."""

    def __init__(self, kind: str, folder: Path, server: Service) -> None:
        self.kind, self.server = kind, server
        self.ledger = Ledger(folder / "jobs.db")

    def _made(self) -> dict[str, Any]:
        clock = SharedClock(self.server.pulse)
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
