"""Programs that leave a call, a batch or the interpreter while paid POSTs are under way. Run as a script: name, address, ledger.

A program waits for `go`, a line on its standard input, and then ends as its name says; signals come from outside. Where it catches an
exception that carries an id, it prints the id: that is what a program would keep.
"""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import os
import signal
import sys
import threading
import time
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
        threading.Thread(target=self._listen, daemon=True).start()

    def _listen(self) -> None:
        sys.stdin.readline()
        self.go.set()
        for tell in self._told:
            tell()

    def client(self, **options: Any) -> Client:
        return Client(**self.options | options)

    def async_client(self, **options: Any) -> AsyncClient:
        return AsyncClient(**self.options | options)

    def on_go(self, tell: Callable[[], object]) -> None:
        self._told.append(tell)

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


def _in_threads(world: World, client: Client, daemon: bool, count: int = 3) -> list[threading.Thread]:
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
    _in_threads(world, world.client(), daemon=False)
    world.go.wait()


@program(3)
def main_ends_over_daemon_threads(world: World) -> None:
    _in_threads(world, world.client(), daemon=True)
    world.go.wait()


@program(3)
def main_raises_in_a_with_over_threads(world: World) -> None:
    with world.client() as client:
        _in_threads(world, client, daemon=False)
        world.go.wait()
        raise RuntimeError("in main")


@program(3)
def main_exits_in_a_with_over_daemon_threads(world: World) -> None:
    with world.client() as client:
        _in_threads(world, client, daemon=True)
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
        for thread in _in_threads(world, client, daemon=True):
            thread.join()


# ---- asyncio


def _run(main: Callable[[], Coroutine[Any, Any, object]]) -> None:
    asyncio.run(main())


@program(6)
def gather_with_one_refused(world: World) -> None:
    async def main() -> None:
        async with world.async_client() as client:
            await asyncio.gather(*(start(client, prompt) for prompt in [*prompts(6), REFUSED]))

    try:
        _run(main)
    except Exception as error:
        seen(error)


@program(6)
def task_group_with_one_refused(world: World) -> None:
    async def main() -> None:
        async with world.async_client() as client, asyncio.TaskGroup() as group:
            for prompt in [*prompts(6), REFUSED]:
                group.create_task(client.video.generate(prompt))

    _run(main)


@program(1)
def wait_for(world: World) -> None:
    async def main() -> None:
        client = world.async_client()
        task = asyncio.create_task(start(client, "A heron"))
        await world.when_told()
        await asyncio.wait_for(task, 0)

    try:
        _run(main)
    except TimeoutError as error:
        seen(error)


@program(3)
def wait_for_around_gather(world: World) -> None:
    async def main() -> None:
        async with world.async_client() as client:
            tasks = asyncio.gather(*(client.video.generate(prompt) for prompt in prompts(3)))
            await world.when_told()
            await asyncio.wait_for(tasks, 0)

    with contextlib.suppress(TimeoutError):
        _run(main)


@program(2)
def task_and_the_client_is_closed(world: World) -> None:
    async def main() -> None:
        async with world.async_client() as client:
            tasks = [asyncio.create_task(start(client, prompt)) for prompt in prompts(2)]
            await world.when_told()
        for result in await asyncio.gather(*tasks, return_exceptions=True):
            seen(result)

    _run(main)


@program(2)
def main_returns_over_tasks(world: World) -> None:
    kept: list[object] = []

    async def main() -> None:
        client = world.async_client()
        kept.extend(asyncio.create_task(start(client, prompt)) for prompt in prompts(2))
        await world.when_told()

    _run(main)


@program(2)
def main_raises_over_tasks(world: World) -> None:
    kept: list[object] = []

    async def main() -> None:
        async with world.async_client() as client:
            kept.extend(asyncio.create_task(client.video.generate(prompt)) for prompt in prompts(2))
            await world.when_told()
            raise RuntimeError("in main")

    _run(main)


@program(1)
def cancelled(world: World) -> None:
    async def main() -> None:
        async with world.async_client() as client:
            task = asyncio.create_task(start(client, "A heron"))
            await world.when_told()
            task.cancel()
            try:
                await task
            except asyncio.CancelledError as error:
                seen(error)

    _run(main)


@program(1)
def cancelled_twice(world: World) -> None:
    async def main() -> None:
        async with world.async_client() as client:
            task = asyncio.create_task(client.video.generate("A heron"))
            await world.when_told()
            task.cancel()
            await asyncio.sleep(0.01)
            task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await task

    _run(main)


@program(2, signal.SIGINT)
def ctrl_c_in_asyncio(world: World) -> None:
    async def main() -> None:
        client = world.async_client()
        await asyncio.gather(*(client.video.generate(prompt) for prompt in prompts(2)))

    _run(main)


@program(2, signal.SIGINT, signal.SIGINT)
def ctrl_c_twice_in_asyncio(world: World) -> None:
    async def main() -> None:
        async with world.async_client() as client:
            await asyncio.gather(*(start(client, prompt) for prompt in prompts(2)))

    _run(main)


@program(2)
def a_loop_that_is_stopped_and_closed(world: World) -> None:
    loop = asyncio.new_event_loop()
    client = world.async_client()
    kept = [loop.create_task(start(client, prompt)) for prompt in prompts(2)]
    world.on_go(lambda: loop.call_soon_threadsafe(loop.stop))
    loop.run_forever()
    loop.close()
    del kept


@program(2)
def a_loop_that_stands_still(world: World) -> None:
    async def main() -> None:
        async with world.async_client(request_timeout=3) as client:
            tasks = [asyncio.create_task(start(client, prompt)) for prompt in prompts(2)]
            await world.when_told()
            time.sleep(3.5)  # longer than any of its timeouts
            for result in await asyncio.gather(*tasks, return_exceptions=True):
                seen(result)

    _run(main)


@program(2)
def asyncio_exits(world: World) -> None:
    async def main() -> None:
        client = world.async_client()
        tasks = [asyncio.ensure_future(start(client, prompt)) for prompt in prompts(2)]
        await world.when_told()
        assert tasks
        sys.exit(4)

    _run(main)


# ---- batches


def _batch_loop(world: World, client: Client, leave: Callable[[], object]) -> None:
    for _ in client.video.batch(_told_when_to_leave(world, 6), concurrency=7):
        leave()


def _told_when_to_leave(world: World, count: int) -> Any:
    """As many requests, and when it is time one that is refused, for an outcome on which the loop leaves."""
    yield from prompts(count)
    world.go.wait()
    yield {"prompt": "x", "no_such_field": 1}


@program(6)
def batch_left_by_break(world: World) -> None:
    for _ in world.client().video.batch(_told_when_to_leave(world, 6), concurrency=7):
        break
    time.sleep(0.05)


@program(6)
def batch_in_a_with_left_by_break(world: World) -> None:
    with world.client() as client, client.video.batch(_told_when_to_leave(world, 6), concurrency=7) as batch:
        for _ in batch:
            break


@program(6)
def batch_left_by_an_error(world: World) -> None:
    with world.client() as client:
        for _ in client.video.batch(_told_when_to_leave(world, 6), concurrency=7):
            raise RuntimeError("in the loop's body")


@program(6)
def batch_left_by_islice(world: World) -> None:
    print(list(itertools.islice(world.client().video.batch(_told_when_to_leave(world, 6), concurrency=7), 1)))


@program(6)
def batch_left_by_return(world: World) -> None:
    def first() -> object:
        for outcome in world.client().video.batch(_told_when_to_leave(world, 6), concurrency=7):
            return outcome
        return None

    first()


@program(6)
def batch_kept_to_the_end(world: World) -> None:
    batch = world.client().video.batch(_told_when_to_leave(world, 6), concurrency=7)
    next(batch)
    globals()["kept"] = batch


@program(6, signal.SIGINT)
def ctrl_c_in_a_batch(world: World) -> None:
    with world.client() as client:
        list(client.video.batch(prompts(6), concurrency=6))


@program(6, signal.SIGINT)
def ctrl_c_in_the_body_of_a_batch(world: World) -> None:
    with world.client() as client:
        for _ in client.video.batch(["", *prompts(6)], concurrency=7):
            time.sleep(60)


@program(6)
def async_batch_left_by_break(world: World) -> None:
    async def main() -> None:
        client = world.async_client()
        async for _ in client.video.batch(_asked(world, 6), concurrency=7):
            break

    _run(main)


async def _asked(world: World, count: int) -> Any:
    for prompt in prompts(count):
        yield prompt
    await world.when_told()
    yield {"prompt": "x", "no_such_field": 1}


@program(6)
def async_batch_left_by_an_error(world: World) -> None:
    async def main() -> None:
        async with world.async_client() as client, client.video.batch(_asked(world, 6), concurrency=7) as batch:
            async for _ in batch:
                raise RuntimeError("in the loop's body")

    _run(main)


@program(6)
def async_batch_whose_reader_is_cancelled(world: World) -> None:
    async def main() -> None:
        client = world.async_client()

        async def read() -> None:
            async for _ in client.video.batch(prompts(6), concurrency=6):
                pass

        task = asyncio.create_task(read())
        await world.when_told()
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task

    _run(main)


@program(6, signal.SIGINT)
def ctrl_c_in_an_async_batch(world: World) -> None:
    async def main() -> None:
        client = world.async_client()
        async for _ in client.video.batch(prompts(6), concurrency=6):
            pass

    _run(main)


# ---- processes


@program(2)
def a_fork_meanwhile(world: World) -> None:
    client = world.client()
    threads = _in_threads(world, client, daemon=False, count=2)
    world.go.wait()
    if (child := os.fork()) == 0:
        with contextlib.suppress(Exception):  # its own connection, its own answer
            print("child", client.video.get("job-of-the-child").request_id, flush=True)
        os._exit(0)
    os.waitpid(child, 0)
    for thread in threads:
        thread.join()


if __name__ == "__main__":
    signal.signal(signal.SIGINT, signal.default_int_handler)
    name, url, ledger = sys.argv[1:]
    world = World(url, ledger)
    print("ready", flush=True)
    PROGRAMS[name].run(world)
