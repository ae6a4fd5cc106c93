"""How a batch is driven, closed and left."""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import json
import os
import queue
import shlex
import sqlite3
import subprocess
import sys
import threading
from collections import Counter
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import pytest

from grok_imagine import (
    AsyncClient,
    Client,
    EditVideo,
    ExtendVideo,
    Ledger,
    Limits,
    Outcome,
    TextToVideo,
)
from grok_imagine_sandbox import Sandbox
from support import HANG, UNLIMITED, SharedClock, until

from .batches import Batches


def test_an_async_batch_takes_an_async_iterable(clock: SharedClock, sandbox: Sandbox) -> None:
    async def prompts() -> AsyncIterator[str]:
        for number in range(3):
            await asyncio.sleep(0)
            yield f"A cat {number}"

    assert [o.state for o in Batches("async", clock, sandbox.base_url)(prompts())] == ["done"] * 3


def test_ctrl_c_keeps_the_ids(clock: SharedClock, sandbox: Sandbox, ledger: Ledger) -> None:
    told = {"headers": {"x-sandbox-scenario": "never-ends"}}
    with Client("k", base_url=sandbox.base_url, ledger=ledger, limits=UNLIMITED, **told) as client:
        batch = client.video.batch(["A cat", "A dog"])
        waited = threading.Event()

        def interrupt() -> None:
            while len(batch.running) < 2:
                waited.wait(0.01)
            batch._engine.ready.put(KeyboardInterrupt())

        threading.Thread(target=interrupt, daemon=True).start()
        with pytest.raises(KeyboardInterrupt) as caught:
            next(batch)
    ids = {job["request_id"] for job in sandbox.jobs}
    assert set(caught.value.request_ids) == ids == {entry.request_id for entry in ledger.jobs("running")}
    assert "2 jobs go on" in caught.value.__notes__[0] and batch._engine.is_idle


def test_a_cancelled_batch_keeps_the_ids(sandbox: Sandbox, ledger: Ledger) -> None:
    async def run() -> BaseException:
        told = {"headers": {"x-sandbox-scenario": "never-ends"}}
        async with AsyncClient("k", base_url=sandbox.base_url, ledger=ledger, limits=UNLIMITED, **told) as client:
            batch = client.video.batch(["A cat", "A dog"])
            reading = asyncio.ensure_future(anext(batch))
            while len(batch.running) < 2:
                await asyncio.sleep(0.01)
            reading.cancel()
            try:
                await reading
            except asyncio.CancelledError as error:
                return error
            raise AssertionError("not cancelled")

    error = asyncio.run(asyncio.wait_for(run(), HANG))
    ids = {job["request_id"] for job in sandbox.jobs}
    assert set(error.request_ids) == ids == {entry.request_id for entry in ledger.jobs("running")}  # type: ignore[attr-defined]


def test_a_batch_that_is_dropped_ends(clock: SharedClock, sandbox: Sandbox) -> None:
    with Client("k", base_url=sandbox.base_url, clock=clock, sleep=clock.sleep, limits=UNLIMITED) as client:
        batch = client.video.batch(f"A cat {n}" for n in itertools.count())
        next(batch)
        engine = batch._engine
        del batch
        until(lambda: engine.is_idle)


def test_two_processes_share_a_batch(clock: SharedClock, sandbox: Sandbox, ledger: Ledger) -> None:
    """Two clients at once, as two processes would be: no request is posted by both."""
    prompts = [f"A cat {n}" for n in range(12)]
    found: list[list[Outcome]] = [[], []]

    def work(number: int) -> None:
        with Client("k", base_url=sandbox.base_url, clock=clock, sleep=clock.sleep, limits=UNLIMITED) as client:
            found[number] = list(client.video.batch(prompts, ledger=Ledger(ledger.path), concurrency=3))

    threads = [threading.Thread(target=work, args=(n,)) for n in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(HANG)
    bodies = Counter(job["body_sha256"] for job in sandbox.jobs)
    assert len(bodies) == 12 and set(bodies.values()) == {1}
    assert [len(each) for each in found] == [12, 12]


def test_videos_can_be_saved(clock: SharedClock, sandbox: Sandbox, tmp_path: Path) -> None:
    with Client("k", base_url=sandbox.base_url, clock=clock, sleep=clock.sleep, limits=UNLIMITED) as client:
        for outcome in client.video.batch([TextToVideo("A cat", duration=1)]):
            assert outcome.video
            assert outcome.video.save(tmp_path / "cat.mp4").stat().st_size > 1000


def test_an_outcome_shows_no_secret(batches: Batches) -> None:
    secret = "data:image/png;base64,QUJD"
    edit = EditVideo("x", video_url="https://example.com/v.mp4?sig=SECRET")
    outcomes = batches([{"prompt": "p", "image_url": secret}, edit, "Very private"])
    assert all(text not in repr(outcomes) for text in ("QUJD", "SECRET", "private", "http"))


def test_the_ledger_keeps_the_answer_and_the_batch(batches: Batches, ledger: Ledger) -> None:
    (outcome,) = batches(["A cat"], ledger=ledger, name="spring")
    (entry,) = ledger.jobs()
    assert outcome.video and json.loads(entry.answer or "") == outcome.video.raw and entry.batch == "spring"


def test_an_edit_and_an_extension_of_the_same_video_are_two_requests(batches: Batches, sandbox: Sandbox) -> None:
    # Their bodies are equal; only the operation differs.
    source = batches([TextToVideo("A cat", duration=2)])[0].video
    assert source and source.url
    requests = [EditVideo("Snow", video_url=source.url), ExtendVideo("Snow", video_url=source.url)]
    assert requests[0].sha256 == requests[1].sha256
    outcomes = batches(requests)
    assert [o.state for o in outcomes] == ["done", "done"] and len({o.request_id for o in outcomes}) == 2
    assert {job["operation"] for job in sandbox.jobs} == {"generateVideo", "editVideo", "extendVideo"}


@pytest.mark.parametrize("scenario", ["done-without-url"])
def test_a_failure_that_is_no_state_of_the_service_is_known_later_too(
    batches: Batches, ledger: Ledger, scenario: str
) -> None:
    told = {"headers": {"x-sandbox-scenario": scenario}}
    (one,), (two,) = (batches(["A cat"], ledger=ledger, client=told) for _ in range(2))
    assert (one.state, two.state) == ("failed", "failed") and one.request_id == two.request_id


@pytest.fixture
def late() -> Iterator[Sandbox]:
    """A sandbox whose answers to POSTs are half a second late."""
    with Sandbox(scenario="slow", slow_seconds=0.5) as sandbox:
        yield sandbox


def test_a_client_that_is_closed_first_waits_for_the_ids(late: Sandbox, ledger: Ledger) -> None:
    with Client("k", base_url=late.base_url, ledger=ledger, limits=UNLIMITED) as client:
        batch = client.video.batch(f"A cat {n}" for n in range(3))
        threading.Thread(target=lambda: next(batch, None), daemon=True).start()
        until(lambda: len(ledger.jobs()) >= 1)
    assert {entry.state for entry in ledger.jobs()} <= {"running", "refused"}
    before = len(late.jobs)
    assert {entry.request_id for entry in ledger.jobs("running")} == {job["request_id"] for job in late.jobs}

    async def run() -> None:
        async with AsyncClient("k", base_url=late.base_url, ledger=ledger, limits=UNLIMITED) as client:
            reading = asyncio.ensure_future(anext(client.video.batch([f"A dog {n}" for n in range(3)]), None))
            while len(late.jobs) == before:
                await asyncio.sleep(0.005)
        await asyncio.gather(reading, return_exceptions=True)

    asyncio.run(run())
    assert {entry.request_id for entry in ledger.jobs("running")} == {job["request_id"] for job in late.jobs}


def test_a_cancellation_after_the_first_cuts_no_wait_for_an_id_short(late: Sandbox, ledger: Ledger) -> None:
    async def run() -> None:
        async with AsyncClient("k", base_url=late.base_url, ledger=ledger, limits=UNLIMITED) as client:
            reading = asyncio.ensure_future(anext(client.video.batch(["A cat", "A dog"])))
            while len(late.jobs) < 2:
                await asyncio.sleep(0.005)
            for _ in range(2):
                reading.cancel()
                await asyncio.sleep(0.01)
            await asyncio.gather(reading, return_exceptions=True)

    asyncio.run(run())
    assert {entry.request_id for entry in ledger.jobs("running")} == {job["request_id"] for job in late.jobs}


LEAVE = """
import sys
from grok_imagine import Client, Ledger, Limits
off = Limits(requests_per_minute=None, requests_per_second=None, concurrent_jobs=None)
client = Client("k", base_url=sys.argv[1], ledger=Ledger(sys.argv[2]), limits=off)
batch = client.video.batch(f"A cat {number}" for number in range(50))
batch._engine.start()
import httpx
while not httpx.get(sys.argv[1].replace("/v1", "/sandbox/jobs")).json():
    pass
raise SystemExit("a script that fails while its batch is at work")
"""


def test_a_program_that_ends_loses_no_id(late: Sandbox, ledger: Ledger) -> None:
    command = [sys.executable, "-c", LEAVE, late.base_url, str(ledger.path)]
    ended = subprocess.run(command, timeout=HANG, capture_output=True, text=True, check=False)
    assert "while its batch is at work" in ended.stderr
    ids = {entry.request_id for entry in ledger.jobs("running")}
    assert ids == {job["request_id"] for job in late.jobs} and ids


def test_an_id_does_not_wait_for_the_next_request_to_be_pulled(sandbox: Sandbox, ledger: Ledger) -> None:
    go_on = threading.Event()

    def slow() -> Iterator[str]:
        yield "A cat"
        go_on.wait(HANG)

    with Client("k", base_url=sandbox.base_url, ledger=ledger, limits=UNLIMITED) as client:
        batch = client.video.batch(slow())
        threading.Thread(target=lambda: next(batch, None), daemon=True).start()
        until(lambda: ledger.jobs("running"))
        batch.close()
        go_on.set()


def test_requests_may_depend_on_outcomes(clock: SharedClock, sandbox: Sandbox) -> None:
    wanted: queue.Queue[str | None] = queue.Queue()
    wanted.put("A cat")
    found = []
    with Client("k", base_url=sandbox.base_url, clock=clock, sleep=clock.sleep, limits=UNLIMITED) as client:
        for outcome in client.video.batch(iter(wanted.get, None)):
            found.append(outcome.state)
            wanted.put("A dog" if len(found) == 1 else None)
    assert found == ["done", "done"]


def test_a_line_that_names_the_methods_own_keywords_stops_nothing(batches: Batches) -> None:
    outcomes = batches(["A", {"prompt": "B", "strict": False}, {"prompt": "C", "call": "extend"}, "D"])
    assert [o.state for o in outcomes] == ["done", "refused", "refused", "done"]


def test_readers_of_a_batch_that_has_ended_all_end(sandbox: Sandbox, clock: SharedClock) -> None:
    async def run() -> list[Any]:
        options: Any = {"clock": clock, "sleep": clock.sleep_async, "limits": UNLIMITED}
        async with AsyncClient("k", base_url=sandbox.base_url, **options) as client:
            batch = client.video.batch(["A cat"])

            async def read() -> list[str]:
                return [outcome.state async for outcome in batch]

            return await asyncio.wait_for(asyncio.gather(read(), read()), HANG)

    assert sorted(asyncio.run(run())) == [[], ["done"]]


@pytest.mark.parametrize("scenario", ["moderated-failed", "moderated-rejected", "moderated-withheld"])
def test_a_withheld_video_counts_against_the_cap(batches: Batches, sandbox: Sandbox, scenario: str) -> None:
    told = {"headers": {"x-sandbox-scenario": scenario}}
    requests = [TextToVideo(f"A cat {n}", duration=2) for n in range(4)]
    outcomes = batches(requests, max_cost_usd=0.1, client=told, concurrency=1)
    assert Counter(o.state for o in outcomes) == {"moderated": 1, "refused": 3}


def test_what_the_cap_refuses_needs_no_turn(batches: Batches, clock: SharedClock) -> None:
    begin = clock.now
    requests = [TextToVideo(f"A cat {n}", duration=2) for n in range(200)]
    outcomes = batches(requests, max_cost_usd=0.1, client={"limits": Limits()})
    assert Counter(o.state for o in outcomes) == {"done": 1, "refused": 199} and clock.now - begin < 90


def test_an_intent_of_a_process_with_the_same_id_is_not_under_way(ledger: Ledger) -> None:
    # In a container every run may have process id 1.
    code = "import sys; from grok_imagine import *; Ledger(sys.argv[1]).begin(TextToVideo('A cat'), 'o')"
    subprocess.run([sys.executable, "-c", code, str(ledger.path)], check=True, timeout=HANG)
    with contextlib.closing(sqlite3.connect(ledger.path)) as db:
        db.execute("UPDATE jobs SET process = ?", (os.getpid(),))
        db.commit()
    assert [entry.state for entry in ledger.jobs()] == ["unknown"]


def test_a_temporary_ledger_stays_while_it_is_needed(batches: Batches) -> None:
    batches(["A cat"])
    assert not batches.batch._runner.ledger.path.exists() and batches.batch.cost_usd == pytest.approx(0.4)
    batches(["A cat"], client={"headers": {"x-sandbox-scenario": "never-ends"}}, timeout=1)
    left = batches.batch._runner.ledger
    assert [entry.state for entry in left.jobs()] == ["running"]
    left.discard()


def test_what_a_service_echoes_is_not_kept(batches: Batches, ledger: Ledger) -> None:
    batches(["A very private cat"], ledger=ledger, client={"headers": {"x-sandbox-scenario": "bad-gateway"}})
    assert [entry.message for entry in ledger.jobs()] == ["HTTP 502"]


@pytest.mark.parametrize("kind", ["sync", "async"])
@pytest.mark.parametrize("way", ["break", "close", "raise", "drop"])
def test_a_job_that_ended_before_its_batch_was_left_is_told_without_a_ledger(
    kind: str, way: str, clock: SharedClock, sandbox: Sandbox, caplog: pytest.LogCaptureFixture
) -> None:
    def leave_sync() -> set[str | None]:
        with Client("k", base_url=sandbox.base_url, clock=clock, sleep=clock.sleep, limits=UNLIMITED) as client:
            batch = client.video.batch(["A", "B", "C"])
            read = {next(batch).request_id}
            counts = batch._runner.counts
            until(lambda: counts["done"] == 3)
            with contextlib.suppress(ZeroDivisionError), contextlib.ExitStack() as stack:
                if way == "close":
                    batch.close()
                elif way != "drop":
                    stack.enter_context(batch)
                if way == "raise":
                    raise ZeroDivisionError
            del batch
        return read

    async def leave_async() -> set[str | None]:
        options: dict[str, Any] = {"clock": clock, "sleep": clock.sleep_async, "limits": UNLIMITED}
        async with AsyncClient("k", base_url=sandbox.base_url, **options) as client:
            batch = client.video.batch(["A", "B", "C"])
            read = {(await anext(batch)).request_id}
            while batch.counts["done"] < 3:
                await asyncio.sleep(0.005)
            with contextlib.suppress(ZeroDivisionError):
                async with contextlib.AsyncExitStack() as stack:
                    if way == "close":
                        await batch.close()
                    elif way != "drop":
                        await stack.enter_async_context(batch)
                    if way == "raise":
                        raise ZeroDivisionError
            del batch
        return read

    read = leave_sync() if kind == "sync" else asyncio.run(leave_async())
    unread = {job["request_id"] for job in sandbox.jobs} - read
    assert len(unread) == 2 and all(caplog.text.count(str(each)) == 1 for each in unread)
    assert not any(str(each) in caplog.text for each in read)
    command = caplog.records[-1].getMessage().partition("to resume: ")[2]
    if way == "break":  # the command says of all of them what became of them
        program = str(Path(sys.executable).with_name("grok-imagine"))
        done = subprocess.run(
            [program, *shlex.split(command)[1:]], capture_output=True, text=True, check=True, timeout=HANG
        )
        assert all(str(each) in done.stdout for each in unread)
