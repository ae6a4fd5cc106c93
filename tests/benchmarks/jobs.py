"""One process of the benchmark: many jobs waiting at once in one client. Prints what it cost, as JSON."""

from __future__ import annotations

import asyncio
import contextlib
import gc
import json
import re
import resource
import sys
import time
from collections import Counter
from collections.abc import Awaitable, Callable
from pathlib import Path

import httpx

from grok_imagine import AsyncClient, Limits

PROMPT = "A paper boat drifts down a rainy street"
OFF = Limits(requests_per_minute=None, requests_per_second=None, concurrent_jobs=None)
LOOKS = 120
"""Looks at a job, one a second, before it is given up."""

Job = Callable[[], Awaitable[object]]


async def ours(url: str, count: int) -> dict[str, object]:
    """This library, as it comes."""
    async with AsyncClient("xai-benchmark", base_url=url, limits=OFF) as client:
        await client.video.get("warm")
        return await cost(lambda: client.video.generate(PROMPT, interval=1), count)


async def plain(url: str, count: int, gate: asyncio.Semaphore | None = None) -> dict[str, object]:
    """The same job written with httpx alone; its defaults, or with a gate of one's own in front of it."""
    async with httpx.AsyncClient(headers={"Authorization": "Bearer xai-benchmark"}) as client:

        async def send(method: str, path: str, body: dict[str, str] | None = None) -> httpx.Response:
            async with gate or contextlib.nullcontext():
                return (await client.request(method, f"{url}/videos/{path}", json=body)).raise_for_status()

        async def job() -> object:
            started = await send("POST", "generations", {"model": "grok-imagine-video", "prompt": PROMPT})
            for _ in range(LOOKS):
                await asyncio.sleep(1)
                response = await send("GET", started.json()["request_id"])
                if response.status_code == 200:
                    return response.json()
            raise TimeoutError

        await send("GET", "warm")
        return await cost(job, count)


async def cost(job: Job, count: int) -> dict[str, object]:
    """Runs a job many times at once. Imports and the first connection are paid before, so not counted."""
    gc.collect()
    cpu, wall, memory = time.process_time(), time.perf_counter(), peak_mib()
    results = await asyncio.gather(*(job() for _ in range(count)), return_exceptions=True)
    return {
        "done": sum(not isinstance(result, BaseException) for result in results),
        "errors": Counter(type(result).__name__ for result in results if isinstance(result, BaseException)),
        "CPU": time.process_time() - cpu,
        "wall": time.perf_counter() - wall,
        "memory growth": peak_mib() - memory,
    }


def peak_mib() -> float:
    """The most memory this process ever had. Linux's rusage would start from that of the process that made it."""
    with contextlib.suppress(FileNotFoundError):
        if found := re.search(r"VmHWM:\s+(\d+) kB", Path("/proc/self/status").read_text()):
            return int(found[1]) / 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20  # bytes, on what has no /proc


VARIANTS: dict[str, Callable[[str, int], Awaitable[dict[str, object]]]] = {
    "ours": ours,
    "defaults": plain,
    "gate": lambda url, count: plain(url, count, asyncio.Semaphore(8)),
}


async def main(variant: str, url: str, count: str) -> None:
    """Runs one variant."""
    print(json.dumps(await VARIANTS[variant](url, int(count))))


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
