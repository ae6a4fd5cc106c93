"""One process of the scale bench: many jobs at once in simulated time. Prints what they cost, as JSON.

`scale_jobs.py VARIANT URL CLOCK COUNT`
"""

from __future__ import annotations

import asyncio
import contextlib
import functools
import gc
import json
import resource
import sys
import time
from collections import Counter
from collections.abc import AsyncIterator, Callable, Coroutine, Iterator, Sequence
from pathlib import Path
from typing import Any, TypeVar

import httpx
from jobs import peak_mib
from simulated import Clock, Loop

from grok_imagine import AsyncClient, Limits

T = TypeVar("T")

KEY = "xai-benchmark"
GATE = 8
"""Requests at once of the plain loop. Without a gate httpx alone times out in its pool."""

LOOKS = 1000
"""Looks of the plain loop at a job before it is given up."""

Ended = AsyncIterator[tuple[str, "str | None"]]
"""The id of each job that ended, at the moment when it was seen; or a text and None for one that did not."""

Run = Callable[["Http", str, int], Ended]


class Answer(httpx.AsyncByteStream):
    """A body; the request is under way until it is closed."""

    def __init__(self, stream: httpx.AsyncByteStream, transport: Transport) -> None:
        self._stream = stream
        self._transport = transport
        self._is_open = True

    async def __aiter__(self) -> AsyncIterator[bytes]:
        with self._transport.noting():
            async for chunk in self._stream:
                yield chunk

    async def aclose(self) -> None:
        try:
            await self._stream.aclose()
        finally:
            self._transport.loop.flying -= self._is_open
            self._is_open = False


class Transport(httpx.AsyncHTTPTransport):
    """Tells the loop what is under way, and counts. Its pool has no bound: the gate before it has."""

    def __init__(self, loop: Loop) -> None:
        super().__init__(limits=httpx.Limits(keepalive_expiry=60))
        self.loop = loop
        self.sent = 0
        self.lost = Counter[str]()

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        self.sent += 1
        self.loop.flying += 1
        try:
            with self.noting():
                response = await super().handle_async_request(request)
        except BaseException:
            self.loop.flying -= 1
            raise
        assert isinstance(response.stream, httpx.AsyncByteStream)
        response.stream = Answer(response.stream, self)
        return response

    @contextlib.contextmanager
    def noting(self) -> Iterator[None]:
        """Counts what a request is lost by."""
        try:
            yield
        except Exception as error:
            self.lost[type(error).__name__] += 1
            raise


class Http(httpx.AsyncClient):
    """A client by that transport."""

    def __init__(self, loop: Loop) -> None:
        self.loop = loop
        self.transport = Transport(loop)
        super().__init__(transport=self.transport, timeout=60)


def request_of(number: int) -> dict[str, Any]:
    """A request unlike all others, of one of four kinds: their jobs take about 19, 25, 31 and 37 s."""
    prompt = f"A paper boat drifts down a rainy street, take {number}"
    return {"prompt": prompt, "resolution": "720p", "duration": 4 + 2 * (number % 4)}


async def generated(http: Http, url: str, count: int) -> Ended:
    """This library: so many `generate` at once."""
    async with client_of(http, url, count) as client:
        jobs = [client.video.generate(**request_of(number)) for number in range(count)]
        async for ended in as_they_end(jobs, lambda video: video.request_id):
            yield ended


async def batched(http: Http, url: str, count: int) -> Ended:
    """This library: a batch, with the temporary ledger that it makes."""
    async with client_of(http, url, count) as client:
        async for outcome in client.video.batch(map(request_of, range(count)), concurrency=count):
            yield outcome.state, outcome.request_id if outcome.state == "done" else None


def client_of(http: Http, url: str, count: int) -> AsyncClient:
    """A client without limits, in simulated time."""
    limits = Limits(requests_per_minute=None, requests_per_second=None, concurrent_jobs=count)
    loop = http.loop
    return AsyncClient(KEY, base_url=url, http_client=http, limits=limits, clock=loop.clock, sleep=loop.sleep)


async def plain(http: Http, url: str, count: int, *, interval: float) -> Ended:
    """httpx alone, looking at fixed intervals."""
    gate = asyncio.Semaphore(GATE)
    headers = {"Authorization": f"Bearer {KEY}"}

    async def send(method: str, path: str, body: dict[str, Any] | None = None) -> httpx.Response:
        async with gate:
            response = await http.request(method, f"{url}/videos/{path}", json=body, headers=headers)
            return response.raise_for_status()

    async def job(number: int) -> str:
        body = {"model": "grok-imagine-video", **request_of(number)}
        request_id = (await send("POST", "generations", body)).json()["request_id"]
        for _ in range(LOOKS):
            await http.loop.sleep(interval)
            response = await send("GET", request_id)
            if response.status_code == 200:
                return str(request_id)
        raise TimeoutError

    async for ended in as_they_end([job(number) for number in range(count)], str):
        yield ended


async def as_they_end(jobs: Sequence[Coroutine[Any, Any, T]], id_of: Callable[[T], str]) -> Ended:
    """Runs jobs at once. What one raises is told by its name."""
    ended: asyncio.Queue[asyncio.Task[T]] = asyncio.Queue()
    tasks = [asyncio.ensure_future(job) for job in jobs]
    for task in tasks:
        task.add_done_callback(ended.put_nowait)
    for _ in tasks:
        task = await ended.get()
        error = task.exception()
        yield ("done", id_of(task.result())) if error is None else (type(error).__name__, None)


async def cost(run: Run, url: str, count: int, loop: Loop) -> dict[str, object]:
    """What so many jobs at once cost. Imports and connections are paid before by a job that is not counted."""
    async with Http(loop) as http:
        async for _ in run(http, url, 1):
            pass
        gc.collect()
        waiting: list[float] = []
        seen, states = dict[str, float](), Counter[str]()
        http.transport.sent = 0
        cpu, wall, memory, peak = time.process_time(), time.perf_counter(), resident_kib(), peak_mib()

        def watch(sleeping: int) -> None:
            if sleeping == count and not waiting:
                waiting.append(resident_kib() - memory)

        loop.lap()
        loop.watch, loop.longest = watch, 0.0
        async for state, request_id in run(http, url, count):
            states[state] += 1
            if request_id is not None:
                seen[request_id] = loop.clock()
        loop.lap()
        return {
            "seen": seen,
            "states": states,
            "requests": http.transport.sent,
            "cpu": time.process_time() - cpu,
            "wall": time.perf_counter() - wall,
            "peak": peak_mib() - peak,
            "waiting": waiting[0] if waiting else None,
            "connections": loop.most_connections,
            "longest": loop.longest,
            "lost": http.transport.lost,
        }


def resident_kib() -> float:
    """The memory that this process has now; where that can't be told, the most it ever had."""
    with contextlib.suppress(FileNotFoundError):
        pages = int(Path("/proc/self/statm").read_text().split()[1])
        return pages * resource.getpagesize() / 1024
    return peak_mib() * 1024


VARIANTS: dict[str, Run] = {
    "generate": generated,
    "batch": batched,
    "loop-1": functools.partial(plain, interval=1.0),
    "loop-0.1": functools.partial(plain, interval=0.1),
}


def main(variant: str, url: str, clock: str, count: str) -> None:
    """Runs one variant."""
    loop = Loop(Clock(clock))
    with asyncio.Runner(loop_factory=lambda: loop) as runner:
        print(json.dumps(runner.run(cost(VARIANTS[variant], url, int(count), loop))))


if __name__ == "__main__":
    main(*sys.argv[1:])
