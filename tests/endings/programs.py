"""Programs that leave a call, a batch or the interpreter while paid POSTs are under way.

A program waits for `go`, a line on its standard input, and then ends as its name says; signals come from outside. Where it catches an
exception that carries an id, it prints the id: that is what a program would keep.
"""

from __future__ import annotations

import asyncio
import os
import signal
import sys
import threading
from collections.abc import Callable, Coroutine
from concurrent.futures import ThreadPoolExecutor
from typing import Any, NamedTuple

from grok_imagine import AsyncClient, Client, Ledger, Limits, RetryPolicy

ANY = Limits(requests_per_minute=None, requests_per_second=None, concurrent_jobs=None)
REFUSED = "refuse this one"


class Program(NamedTuple):
    """What ends how.

    Attributes:
        run: The program.
        posts: How many paid POSTs are under way when it ends.
        signals: What is sent to it, in place of `go`.
    """

    run: Callable[[Any], object]
    posts: int
    signals: tuple[int, ...]


PROGRAMS: dict[str, Program] = {}


def program(posts: int = 1, *signals: int) -> Callable[[Callable[[Any], object]], Callable[[Any], object]]:
    def register(run: Callable[[Any], object]) -> Callable[[Any], object]:
        PROGRAMS[run.__name__.replace("_", "-")] = Program(run, posts, signals)
        return run

    return register


class World:
    """What a program is given: an address, perhaps a ledger, and the word to go."""

    def __init__(self, url: str, ledger: str) -> None:
        self.options: dict[str, Any] = {
            "api_key": "test-key", "base_url": url, "limits": ANY, "retry": RetryPolicy(max_retries=0),
            "ledger": Ledger(ledger) if ledger else None,
        }  # fmt: skip
        self.go = threading.Event()
        self._told: list[Callable[[], object]] = []
        self._lock = threading.Lock()
        threading.Thread(target=self._listen, daemon=True).start()

    def _listen(self) -> None:
        sys.stdin.readline()
        with self._lock:
            self.go.set()
        for tell in self._told:
            tell()

    def client(self, **options: Any) -> Client:
        return Client(**self.options | options)

    def async_client(self, **options: Any) -> AsyncClient:
        return AsyncClient(**self.options | options)

    def on_go(self, tell: Callable[[], object]) -> None:
        with self._lock:  # on a busy machine the word may come before anybody asks for it
            self._told.append(tell)
            is_late = self.go.is_set()
        if is_late:
            tell()

    async def when_told(self) -> None:
        gone, loop = asyncio.Event(), asyncio.get_running_loop()
        self.on_go(lambda: loop.call_soon_threadsafe(gone.set))
        await gone.wait()


def seen(error: BaseException | None) -> None:
    """Prints the ids that an exception carries, as one who handles it would keep them."""
    while error is not None:
        ids = [getattr(error, "request_id", None), *getattr(error, "request_ids", ())]
        print("seen", type(error).__name__, *filter(None, ids), flush=True)
        error = error.__cause__ or error.__context__


def shown(job: Any) -> None:
    """Keeps the id of a job, at once."""
    os.write(1, f"seen {job.request_id}\n".encode())


async def start(client: AsyncClient, prompt: str) -> None:
    """Starts a job, and keeps its id."""
    shown(await client.video.start(prompt))


def prompts(count: int) -> list[str]:
    return [f"A heron in the fog, take {number}" for number in range(count)]


def run_async(main: Callable[[], Coroutine[Any, Any, object]]) -> None:
    asyncio.run(main())


# ---- a blocking call


@program(1, signal.SIGINT)
def ctrl_c(world: World) -> None:
    shown(world.client().video.start("A heron"))


@program(1, signal.SIGINT)
def ctrl_c_in_generate(world: World) -> None:
    with world.client() as client:
        client.video.generate("A heron")


@program(1, signal.SIGINT, signal.SIGINT)
def ctrl_c_twice(world: World) -> None:
    with world.client() as client:
        shown(client.video.start("A heron"))


@program(1, signal.SIGTERM)
def sigterm_as_exit(world: World) -> None:
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    shown(world.client().video.start("A heron"))


@program(1, signal.SIGUSR1)
def a_signal_handler_that_raises(world: World) -> None:
    def handler(*_: object) -> None:
        raise RuntimeError("from a signal handler")

    signal.signal(signal.SIGUSR1, handler)
    try:
        shown(world.client().video.start("A heron"))
    except RuntimeError as error:
        seen(error)


@program()
def closed_by_another_thread(world: World) -> None:
    client = world.client()
    world.on_go(client.close)
    try:
        shown(client.video.start("A heron"))
    except Exception as error:
        seen(error)


# ---- threads


def in_threads(world: World, client: Client, daemon: bool, count: int = 3) -> list[threading.Thread]:
    def start(prompt: str) -> None:
        try:
            shown(client.video.start(prompt))
        except BaseException as error:
            seen(error)

    threads = [threading.Thread(target=start, args=(prompt,), daemon=daemon) for prompt in prompts(count)]
    for thread in threads:
        thread.start()
    return threads


@program(3)
def main_ends_before_its_threads(world: World) -> None:
    in_threads(world, world.client(), daemon=False)
    world.go.wait()


@program(3)
def main_ends_over_daemon_threads(world: World) -> None:
    in_threads(world, world.client(), daemon=True)
    world.go.wait()


@program(3)
def main_raises_in_a_with_over_threads(world: World) -> None:
    with world.client() as client:
        in_threads(world, client, daemon=False)
        world.go.wait()
        raise RuntimeError("in main")


@program(3)
def main_exits_in_a_with_over_daemon_threads(world: World) -> None:
    with world.client() as client:
        in_threads(world, client, daemon=True)
        world.go.wait()
        sys.exit(3)


@program(3)
def main_raises_over_an_executor(world: World) -> None:
    with world.client() as client:
        pool = ThreadPoolExecutor()
        futures = [pool.submit(client.video.start, prompt) for prompt in prompts(3)]
        world.go.wait()
        for future in futures:
            future.add_done_callback(lambda done: seen(done.exception()) if done.exception() else shown(done.result()))
        raise RuntimeError("in main")


@program(3)
def main_raises_in_the_with_of_an_executor(world: World) -> None:
    with world.client() as client, ThreadPoolExecutor() as pool:
        futures = [pool.submit(client.video.start, prompt) for prompt in prompts(3)]
        world.go.wait()
        for future in futures:
            future.add_done_callback(lambda done: shown(done.result()))
        raise RuntimeError("in main")


@program(3, signal.SIGINT)
def ctrl_c_over_daemon_threads(world: World) -> None:
    with world.client() as client:
        for thread in in_threads(world, client, daemon=True):
            thread.join()
