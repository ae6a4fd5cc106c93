"""Programs that end while asyncio's tasks have paid POSTs under way."""

from __future__ import annotations

import asyncio
import contextlib
import signal
import sys
import time

from .programs import REFUSED, World, program, prompts, run_async, seen, start


@program(6)
def gather_with_one_refused(world: World) -> None:
    async def main() -> None:
        async with world.async_client() as client:
            await asyncio.gather(*(start(client, prompt) for prompt in [*prompts(6), REFUSED]))

    try:
        run_async(main)
    except Exception as error:
        seen(error)


@program(6)
def task_group_with_one_refused(world: World) -> None:
    async def main() -> None:
        async with world.async_client() as client, asyncio.TaskGroup() as group:
            for prompt in [*prompts(6), REFUSED]:
                group.create_task(client.video.generate(prompt))

    run_async(main)


@program(1)
def wait_for(world: World) -> None:
    async def main() -> None:
        client = world.async_client()
        task = asyncio.create_task(start(client, "A heron"))
        await world.when_told()
        await asyncio.wait_for(task, 0)

    try:
        run_async(main)
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
        run_async(main)


@program(2)
def task_and_the_client_is_closed(world: World) -> None:
    async def main() -> None:
        async with world.async_client() as client:
            tasks = [asyncio.create_task(start(client, prompt)) for prompt in prompts(2)]
            await world.when_told()
        for result in await asyncio.gather(*tasks, return_exceptions=True):
            seen(result)

    run_async(main)


@program(2)
def main_returns_over_tasks(world: World) -> None:
    kept: list[object] = []

    async def main() -> None:
        client = world.async_client()
        kept.extend(asyncio.create_task(start(client, prompt)) for prompt in prompts(2))
        await world.when_told()

    run_async(main)


@program(2)
def main_raises_over_tasks(world: World) -> None:
    kept: list[object] = []

    async def main() -> None:
        async with world.async_client() as client:
            kept.extend(asyncio.create_task(client.video.generate(prompt)) for prompt in prompts(2))
            await world.when_told()
            raise RuntimeError("in main")

    run_async(main)


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

    run_async(main)


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

    run_async(main)


@program(2, signal.SIGINT)
def ctrl_c_in_asyncio(world: World) -> None:
    async def main() -> None:
        client = world.async_client()
        await asyncio.gather(*(client.video.generate(prompt) for prompt in prompts(2)))

    run_async(main)


@program(2, signal.SIGINT, signal.SIGINT)
def ctrl_c_twice_in_asyncio(world: World) -> None:
    async def main() -> None:
        async with world.async_client() as client:
            await asyncio.gather(*(start(client, prompt) for prompt in prompts(2)))

    run_async(main)


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
        async with world.async_client(request_timeout=5) as client:
            tasks = [asyncio.create_task(start(client, prompt)) for prompt in prompts(2)]
            await world.when_told()
            time.sleep(5.5)  # longer than any of its timeouts
            for result in await asyncio.gather(*tasks, return_exceptions=True):
                seen(result)

    run_async(main)


@program(2)
def asyncio_exits(world: World) -> None:
    async def main() -> None:
        client = world.async_client()
        tasks = [asyncio.ensure_future(start(client, prompt)) for prompt in prompts(2)]
        await world.when_told()
        assert tasks
        sys.exit(4)

    run_async(main)
