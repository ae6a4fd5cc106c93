"""What the tests of batches share."""

from __future__ import annotations

import asyncio
import itertools
from typing import Any

from grok_imagine import (
    AsyncClient,
    Client,
    Outcome,
)
from support import UNLIMITED, SharedClock


class Batches:
    """Runs a batch by one kind of client and collects its outcomes, in the order of their requests."""

    def __init__(self, kind: str, clock: SharedClock, url: str, **options: Any) -> None:
        self.kind, self.clock = kind, clock
        self.client = {"api_key": "test-key", "base_url": url, "clock": clock, "limits": UNLIMITED, **options}
        self.batch: Any = None

    def __call__(self, requests: Any, most: int | None = None, client: Any = None, **options: Any) -> list[Outcome]:
        made = self.client | (client or {})
        if self.kind == "sync":
            with Client(**made, sleep=self.clock.sleep) as api, api.video.batch(requests, **options) as self.batch:
                return sorted(itertools.islice(self.batch, most), key=lambda outcome: outcome.position)

        async def run() -> list[Outcome]:
            found: list[Outcome] = []
            async with (
                AsyncClient(**made, sleep=self.clock.sleep_async) as api,
                api.video.batch(requests, **options) as self.batch,
            ):
                async for outcome in self.batch:
                    found.append(outcome)
                    if len(found) == most:
                        break
            return sorted(found, key=lambda outcome: outcome.position)

        return asyncio.run(run())
