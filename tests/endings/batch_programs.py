"""Programs that leave a batch, and one that forks."""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import os
import signal
import time
from collections.abc import Callable
from typing import Any

from grok_imagine import Client

from .programs import World, in_threads, program, prompts, run_async


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

    run_async(main)


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

    run_async(main)


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

    run_async(main)


@program(6, signal.SIGINT)
def ctrl_c_in_an_async_batch(world: World) -> None:
    async def main() -> None:
        client = world.async_client()
        async for _ in client.video.batch(prompts(6), concurrency=6):
            pass

    run_async(main)


@program(2)
def a_fork_meanwhile(world: World) -> None:
    client = world.client()
    threads = in_threads(world, client, daemon=False, count=2)
    world.go.wait()
    if (child := os.fork()) == 0:
        with contextlib.suppress(Exception):  # its own connection, its own answer
            print("child", client.video.get("job-of-the-child").request_id, flush=True)
        os._exit(0)
    os.waitpid(child, 0)
    for thread in threads:
        thread.join()
