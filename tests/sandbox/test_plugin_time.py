"""Virtual time: clients of a sandbox of this process never wait, meet in the right order, and nothing else changes their clock."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from grok_imagine import AsyncClient, Client, DownloadError, Limits, RetryPolicy, VideoTimeoutError
from grok_imagine_sandbox import Sandbox
from grok_imagine_sandbox.virtual_time import PATIENCE, VirtualTime

QUICK = 0.1
"""Seconds of the processor that a call may take; the best of a few counts."""

WAITED = 5.0
"""Real seconds that even a busy machine stays under, and that none does that waits."""

SLACK = 5.0
"""Virtual seconds of difference: while calls are under way, a second lasts a second, and the machine may be busy."""


def best(work: Callable[[], object], tries: int = 20) -> float:
    found: list[tuple[float, float]] = []
    while len(found) < tries and min(found, default=(QUICK,)) >= (QUICK,):
        begin, real = time.process_time(), time.perf_counter()
        work()
        found.append((time.process_time() - begin, time.perf_counter() - real))
    assert min(seconds for _, seconds in found) < WAITED
    return min(found)[0]


@pytest.fixture(scope="module")
def sandbox() -> Any:
    with Sandbox() as server, server.client() as client:
        client.video.generate("a first call")
        yield server


def made(sandbox: Sandbox, how: str) -> Callable[[Callable[[Any], Any]], Any]:
    """A call of a client: of one that the sandbox made, or of the program's own; blocking or awaited."""

    def call(use: Callable[[Any], Any]) -> Any:
        options: Any = {"api_key": "k", "base_url": sandbox.base_url}
        if how in ("client", "Client"):
            with sandbox.client() if how == "client" else Client(**options) as client:
                return use(client)

        async def run() -> Any:
            async with sandbox.async_client() if how == "async_client" else AsyncClient(**options) as client:
                return await use(client)

        return asyncio.run(run())

    return call


@pytest.mark.parametrize("how", ["client", "async_client", "Client", "AsyncClient"])
@pytest.mark.parametrize(
    ("scenario", "posts"), [(None, 1), ("rate-limit:5", 6), ("unavailable:3", 4), ("look-unavailable:4", 1)]
)
def test_what_takes_half_a_minute_takes_no_time(sandbox: Sandbox, how: str, scenario: str | None, posts: int) -> None:
    def work() -> None:
        sandbox.reset(scenario=scenario)
        made(sandbox, how)(lambda client: client.video.generate("a cat"))
        assert [job["state"] for job in sandbox.jobs] == ["done"]
        assert len(sandbox.posts) == posts
        sandbox.assert_posted_once(prompt="a cat")

    assert best(work) < QUICK


@pytest.mark.parametrize("how", ["Client", "AsyncClient"])
def test_a_job_that_never_ends_times_out_at_once(sandbox: Sandbox, how: str) -> None:
    sandbox.reset(scenario="never-ends")

    def work() -> None:
        with pytest.raises(VideoTimeoutError):
            made(sandbox, how)(lambda client: client.video.generate("a cat", timeout=30))

    assert best(work) < QUICK


@pytest.mark.parametrize("how", ["Client", "AsyncClient"])
def test_a_url_expires_as_soon_as_time_is_advanced(sandbox: Sandbox, how: str, tmp_path: Any) -> None:
    def work() -> None:
        sandbox.reset()
        video = made(sandbox, how)(lambda client: client.video.generate("a cat"))
        sandbox.advance(timedelta(days=2))
        with pytest.raises(DownloadError, match="expired"):
            made(sandbox, how)(lambda client: client.video.download(video, tmp_path / "a.mp4"))

    assert best(work) < 2 * QUICK  # two clients


def test_the_limits_of_a_minute_hold_in_virtual_time(sandbox: Sandbox) -> None:
    sandbox.reset(requests_per_minute=30)
    begin = time.perf_counter()
    with sandbox.client(limits=Limits(requests_per_minute=30)) as client:
        outcomes = list(client.video.batch([f"cat {number}" for number in range(12)]))
    assert [outcome.state for outcome in outcomes] == ["done"] * 12
    # A request that a busy machine delays may meet the next ones, and is then sent again.
    assert sum(count for key, count in sandbox.requests.items() if key[2] == 429) <= 3
    assert time.perf_counter() - begin < 20  # they take minutes


def test_a_marker_s_speed_lets_time_pass_by_itself(sandbox: Sandbox) -> None:
    sandbox.reset(speed=100.0)
    begin = time.perf_counter()
    with sandbox.client() as client:
        client.video.generate("a cat")
    assert time.perf_counter() - begin >= 0.11  # a job takes 11 s at least
    sandbox.reset()
    with sandbox.client() as client:
        assert best(lambda: client.video.generate("a cat")) < QUICK


STOPPED = ["monotonic", "perf_counter", "time"]
"""What freezegun replaces in the module `time`, and many a monkeypatch."""


@pytest.mark.parametrize("how", ["Client", "AsyncClient"])
@pytest.mark.parametrize("scenario", [None, "rate-limit:2", "look-slow:1", "never-ends"])
@pytest.mark.parametrize("stands_at", [0.0, 4e9])
def test_a_test_that_stops_time_keeps_nobody_waiting(
    sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch, stands_at: float, scenario: str | None, how: str
) -> None:
    """While it stands still, and when it goes on from where it was."""
    states: list[str] = []

    def work() -> None:
        try:
            states.append(made(sandbox, how)(lambda client: client.video.generate("a cat", timeout=100)).status)
        except VideoTimeoutError:
            states.append("late")

    def joined() -> None:
        sandbox.reset(scenario=scenario, slow_seconds=0.02)
        thread = threading.Thread(target=work, daemon=True)
        thread.start()
        thread.join(10)

    with monkeypatch.context() as stopped:
        for name in STOPPED:
            stopped.setattr(time, name, lambda: stands_at)
        joined()
    joined()
    assert states == ["late" if scenario == "never-ends" else "done"] * 2


SLEEPS = st.lists(st.floats(0, 1000, allow_nan=False), min_size=1, max_size=6)
CALLS = st.lists(SLEEPS, min_size=1, max_size=6)


def expected(plans: list[list[float]]) -> list[list[float]]:
    return [[sum(plan[: count + 1]) for count in range(len(plan))] for plan in plans]


def check_wakings(plans: list[list[float]], woken: list[list[float]]) -> None:
    """`woken` are the times at which each began, and then woke."""
    for wanted, (begin, *found) in zip(expected(plans), woken, strict=True):
        assert len(found) == len(wanted)
        for due, at in zip(wanted, found, strict=True):
            assert due - 1e-6 <= at - begin <= due + SLACK, (
                "nobody wakes early, or oversleeps since another slept longer"
            )


@settings(max_examples=30)
@given(plans=CALLS)
def test_threads_that_sleep_side_by_side_wake_when_they_would(plans: list[list[float]]) -> None:
    virtual, woken = VirtualTime(), [list[float]() for _ in plans]
    gate = threading.Barrier(len(plans) + 1)

    def call(number: int) -> None:
        with virtual.working():
            gate.wait()
            woken[number].append(virtual.now())
            for seconds in plans[number]:
                virtual.pause(seconds)
                woken[number].append(virtual.now())

    threads = [threading.Thread(target=call, args=(number,)) for number in range(len(plans))]
    with virtual.working():  # they begin together
        for thread in threads:
            thread.start()
        gate.wait()
    for thread in threads:
        thread.join(30)
    check_wakings(plans, woken)


@settings(max_examples=30)
@given(plans=CALLS, cancelled=st.sets(st.integers(0, 5), max_size=3))
def test_tasks_that_sleep_side_by_side_wake_when_they_would(plans: list[list[float]], cancelled: set[int]) -> None:
    virtual, woken = VirtualTime(), [list[float]() for _ in plans]

    async def call(number: int) -> None:
        with virtual.working():
            woken[number].append(virtual.now())
            for seconds in plans[number]:
                await virtual.pause_async(seconds)
                woken[number].append(virtual.now())

    async def main() -> None:
        with virtual.working():
            tasks = [asyncio.ensure_future(call(number)) for number in range(len(plans))]
            await asyncio.sleep(0)
            for number in cancelled & set(range(len(tasks))):
                tasks[number].cancel()
        await asyncio.wait_for(asyncio.gather(*tasks, return_exceptions=True), 30)

    asyncio.run(main())
    left = [number for number in range(len(plans)) if number not in cancelled]
    check_wakings([plans[number] for number in left], [woken[number] for number in left])
    assert (virtual._calls, virtual._busy, virtual._sleepers) == (0, 0, [])


def test_a_callback_may_wait_for_another_call(sandbox: Sandbox) -> None:
    """A call that is in its caller's hands does not keep others asleep."""
    sandbox.reset()
    ends: list[str] = []
    with sandbox.client() as first, sandbox.client() as second:

        def wait_for_other(video: Any) -> None:
            thread = threading.Thread(target=lambda: ends.append(second.video.generate("b").status), daemon=True)
            thread.start()
            thread.join(10)

        begin = time.perf_counter()
        first.video.generate("a", on_progress=wait_for_other)
    assert ends and set(ends) == {"done"}
    assert time.perf_counter() - begin < 5


def test_a_call_that_waits_for_a_sleeper_gets_it_in_the_end() -> None:
    virtual, sleeping = VirtualTime(), threading.Event()

    def sleeper() -> None:
        with virtual.working():
            sleeping.set()
            virtual.pause(1000)

    thread = threading.Thread(target=sleeper)
    with virtual.working():
        thread.start()
        begin = time.perf_counter()
        thread.join(30)
        assert not thread.is_alive()
        assert PATIENCE / 2 < time.perf_counter() - begin < 30


def test_a_loop_that_ends_leaves_nobody_waiting() -> None:
    """A task that is dropped asleep, its loop closed, is not waited for."""
    virtual = VirtualTime()

    async def call() -> None:
        with virtual.working():
            await virtual.pause_async(10)

    loop = asyncio.new_event_loop()
    with virtual.working():  # so that it stays asleep
        task = loop.create_task(call())
        loop.run_until_complete(asyncio.sleep(0))
        loop.close()
    begin = time.perf_counter()
    with virtual.working():
        virtual.pause(100)
    assert time.perf_counter() - begin < PATIENCE / 2
    assert virtual.now() >= 100
    task._log_destroy_pending = False  # type: ignore[attr-defined]


def test_only_a_sandbox_of_this_process_gives_its_clients_a_clock(sandbox: Sandbox, tmp_path: Any) -> None:
    def clock(base_url: str, **options: Any) -> object:
        with Client("k", base_url=base_url, **options) as client:
            return client._core.clock

    assert clock(sandbox.base_url) is not time.monotonic
    assert clock(sandbox.base_url.replace("127.0.0.1", "localhost")) is not time.monotonic
    for another in (
        sandbox.base_url.replace("127.0.0.1", "api.example.com").replace("http:", "https:"),
        "https://api.x.ai/v1",
        "http://127.0.0.1:1/v1",
    ):
        assert clock(another) is time.monotonic, another
    port = sandbox.port
    assert clock(f"https://api.example.com:{port}/v1") is time.monotonic
    assert clock(sandbox.base_url, proxy="http://127.0.0.1:9") is time.monotonic
    assert clock(sandbox.base_url, sleep=time.sleep) is time.monotonic
    mine = lambda: 0.0  # noqa: E731
    assert clock(sandbox.base_url, clock=mine) is mine
    with Sandbox(speed=60.0) as plain, Sandbox(clock=time.monotonic) as clocked:
        assert clock(plain.base_url) is time.monotonic
        assert clock(clocked.base_url) is time.monotonic
    with Sandbox() as ended:
        address = ended.base_url
    assert clock(address) is time.monotonic


def test_a_server_that_says_it_is_a_sandbox_gives_no_clock() -> None:
    """A sandbox of another process: each of its answers says what it is, and time stays real."""
    command = [sys.executable, "-m", "grok_imagine_sandbox", "--speed", "1000"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True) as server:
        try:
            assert server.stdout is not None
            address = server.stdout.readline().strip()
            with Client("k", base_url=address) as client:
                assert client.models.list()
                assert client._core.clock is time.monotonic
        finally:
            server.terminate()


@pytest.mark.skipif(not hasattr(os, "fork"), reason="a system without fork")
def test_a_child_process_waits_in_real_time(sandbox: Sandbox) -> None:
    code = (
        "import os, sys\n"
        "from grok_imagine import Client\n"
        "from grok_imagine_sandbox import Sandbox\n"
        "with Sandbox() as sandbox:\n"
        "    child = os.fork()\n"
        "    if child == 0:\n"
        "        with Client('k', base_url=sandbox.base_url) as client:\n"
        "            os._exit(0 if client.video.generate('a cat').status == 'done' else 1)\n"
        "    _, status = os.waitpid(child, 0)\n"
        "    assert len(sandbox.jobs) == 1\n"
        "    sys.exit(os.waitstatus_to_exitcode(status))\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr


def test_what_sleeps_by_itself_can_sleep_in_the_sandbox_s_time(sandbox: Sandbox) -> None:
    sandbox.reset()
    with sandbox.client() as client:
        job = client.video.start("a cat")
        begin, looks = time.perf_counter(), 0
        while client.video.get(job).status != "done":
            looks += 1
            sandbox.sleep(5)
            asyncio.run(sandbox.sleep_async(5))
    assert 0 < looks < 20
    assert time.perf_counter() - begin < 5


def test_a_retry_budget_is_of_virtual_time(sandbox: Sandbox) -> None:
    sandbox.reset(scenario="rate-limit")
    begin = time.perf_counter()
    with (
        sandbox.client(retry=RetryPolicy(max_retries=1000, budget=300)) as client,
        pytest.raises(Exception, match=r"(?i)requests"),
    ):
        client.video.generate("a cat")
    assert sandbox.posts[-1].at - sandbox.posts[0].at <= 360  # the last pause is the pacing's own
    assert time.perf_counter() - begin < 10
