"""The ledger: every paid job is in it, whatever happens between."""

from __future__ import annotations

import asyncio
import contextlib
import multiprocessing
import sqlite3
import stat
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import Any

import pytest

from grok_imagine import (
    AsyncClient,
    Client,
    ConfigurationError,
    GrokImagineError,
    Ledger,
    LedgerError,
    NotDelivered,
    OutOfRange,
    StartOutcomeUnknown,
    TextToVideo,
    Video,
    VideoGenerationError,
    VideoModeratedError,
    VideoTimeoutError,
)
from grok_imagine.ledger.ledger import IN_FLIGHT
from grok_imagine.ledger.schema import MIGRATIONS
from grok_imagine_sandbox import Sandbox
from support import HANG, Api, ManualClock

CAT = TextToVideo("A cat", duration=2)
ENDS = {
    "done-minimal": "done",
    "failed-internal-error": "failed",
    "expired": "expired",
    "moderated-withheld": "moderated",
    "moderated-rejected": "moderated",
    "moderated-failed": "moderated",
    "never-ends": "running",
    "forbidden": "refused",
    "out-of-credit": "refused",
    "reset-after-accepting": "unknown",
    "cloudflare-520": "unknown",
    "truncated": "unknown",
}


@pytest.fixture
def wall(clock: ManualClock) -> Any:
    return lambda: 1.8e9 + clock.now


@pytest.fixture
def ledger(tmp_path: Path, wall: Any) -> Ledger:
    return Ledger(tmp_path / "jobs.db", clock=wall)


def test_a_job_is_noted_with_its_cost_and_its_url(api: Api, ledger: Ledger, sandbox: Sandbox, wall: Any) -> None:
    video = api(lambda c: c.video.generate(CAT), ledger=ledger)
    (entry,) = ledger.jobs()
    assert (entry.state, entry.request_id, entry.mode, entry.model) == (
        "done",
        video.request_id,
        CAT.mode,
        "grok-imagine-video",
    )
    assert (entry.body_sha256, entry.cost_usd, entry.origin) == (CAT.sha256, video.cost_usd, sandbox.base_url)
    assert entry.url == video.url and entry.url_expires == wall() + 86400
    assert ledger.cost_usd() == video.cost_usd and ledger.get(video.request_id) == entry


@pytest.mark.parametrize("name", ENDS)
def test_each_end_is_a_state(api: Api, ledger: Ledger, sandbox: Sandbox, name: str) -> None:
    try:
        api(lambda c: c.video.generate(CAT), ledger=ledger, headers={"x-sandbox-scenario": name})
    except GrokImagineError as error:
        raised: GrokImagineError | None = error
    else:
        raised = None
    (entry,) = ledger.jobs()
    assert entry.state == ENDS[name]
    known = [job["request_id"] for job in sandbox.jobs] if entry.state != "unknown" else []
    assert [entry.request_id] == (known or [None])
    if isinstance(raised, VideoGenerationError):
        assert (entry.code, entry.message) == (raised.code, raised.message)


def test_nothing_is_posted_that_could_not_be_noted(api: Api, ledger: Ledger, sandbox: Sandbox) -> None:
    ledger.close()
    ledger.path.unlink()
    ledger.path.mkdir()
    with pytest.raises(LedgerError):
        api(lambda c: c.video.start(CAT), ledger=ledger)
    assert not sandbox.requests


def test_an_id_that_could_not_be_noted_is_on_the_error(
    api: Api, ledger: Ledger, sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    with sqlite3.connect(ledger.path) as db:
        db.execute("CREATE TRIGGER full BEFORE UPDATE ON jobs BEGIN SELECT RAISE(ABORT, 'disk full'); END")
    with pytest.raises(LedgerError, match="disk full") as caught:
        api(lambda c: c.video.generate(CAT), ledger=ledger)
    assert caught.value.request_id == sandbox.jobs[0]["request_id"]


def test_what_happened_leaves_even_if_it_can_not_be_noted(
    api: Api, ledger: Ledger, sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*arguments: Any, **options: Any) -> None:
        raise LedgerError("disk full")

    monkeypatch.setattr(ledger, "mark_failed", full)
    with pytest.raises(StartOutcomeUnknown) as caught:
        api(lambda c: c.video.start(CAT), ledger=ledger, headers={"x-sandbox-scenario": "reset-after-accepting"})
    assert "and the ledger could not record it: disk full" in caught.value.__notes__


def test_a_later_answer_unsays_neither_the_cost_nor_the_download(ledger: Ledger) -> None:
    done = {"status": "done", "video": {"url": "https://a.example/a.mp4"}}
    ledger.record_result(Video("job-1", done | {"usage": {"cost_in_usd_ticks": 5}}), "o")
    ledger.record_result(Video("job-1", done), "o")
    assert ledger.jobs("done")[0].cost_ticks == 5
    ledger.record_download("job-1", "a.mp4", "o")
    ledger.record_failure(VideoModeratedError("c", "m", request_id="job-1"), "o")
    ledger.record_result(Video("job-1", {"status": "expired"}), "o")
    assert [(entry.state, entry.path) for entry in ledger.jobs()] == [("downloaded", "a.mp4")]


def test_a_database_of_something_else_is_refused_and_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "customers.db"
    with sqlite3.connect(path) as db:
        db.execute("CREATE TABLE customers (name TEXT)")
    path.chmod(0o664)
    with pytest.raises(LedgerError, match="another program's database"):
        Ledger(path)
    assert stat.S_IMODE(path.stat().st_mode) == 0o664
    assert sqlite3.connect(path).execute("SELECT name FROM sqlite_master").fetchall() == [("customers",)]


def test_prompts_are_kept_only_when_asked(tmp_path: Path, sandbox: Sandbox) -> None:
    secret, data = "a private prompt", "data:image/png;base64,iVBORw0KGgoCANARY"
    for keep in (False, True):
        ledger = Ledger(tmp_path / f"{keep}.db", keep_prompts=keep)
        with Client("CANARY-KEY", base_url=sandbox.base_url, ledger=ledger) as client:
            client.video.start(secret, image_url=data)
        entry = ledger.jobs()[0]
        assert entry.prompt == (secret if keep else None) and entry.prompt_sha256
        ledger.close()
        content = b"".join(path.read_bytes() for path in tmp_path.glob(f"{keep}.db*"))
        assert (secret.encode() in content) == keep and b"CANARY" not in content
        assert "http" not in repr(entry) and secret not in repr(entry)


def test_the_file_is_its_owners_alone(tmp_path: Path) -> None:
    path = tmp_path / "jobs.db"
    path.touch(0o666)
    ledger = Ledger(path)
    ledger.begin(CAT, "o")
    assert {stat.S_IMODE(file.stat().st_mode) for file in tmp_path.iterdir()} == {0o600}


def test_reconciling_takes_up_what_was_accepted_and_posts_nothing(
    api: Api, ledger: Ledger, sandbox: Sandbox, clock: ManualClock
) -> None:
    jobs = [api(lambda c: c.video.start(CAT), ledger=ledger) for _ in range(3)]
    failing = api(lambda c: c.video.start(CAT), ledger=ledger, headers={"x-sandbox-scenario": "failed-internal-error"})
    done = api(lambda c: c.video.generate(CAT), ledger=ledger)
    with pytest.raises(GrokImagineError):
        api(lambda c: c.video.start(CAT), ledger=ledger, headers={"x-sandbox-scenario": "reset-after-accepting"})
    ledger.import_job("00000000-0000-0000-0000-00000000dead", sandbox.base_url)
    ledger.import_job("another-address", "https://elsewhere.example")
    posts = sum(count for (method, _, _), count in sandbox.requests.items() if method == "POST")
    found = api(lambda c: c.reconcile(ledger))
    assert sum(count for (method, _, _), count in sandbox.requests.items() if method == "POST") == posts
    assert {item.request_id for item in found.ended} == {
        *(job.request_id for job in jobs),
        failing.request_id,
        "00000000-0000-0000-0000-00000000dead",
    }
    assert done.request_id not in {item.request_id for item in found.ended}
    assert [entry.body_sha256 for entry in found.unknown] == [CAT.sha256] and found.running == []
    assert [entry.state for entry in ledger.jobs("done")] == ["done"] * 4
    assert api(lambda c: c.reconcile(ledger, timeout=0)).ended[0].status_code == 404


def test_reconciling_looks_once_with_no_time_and_says_what_runs(
    api: Api, ledger: Ledger, sandbox: Sandbox, clock: ManualClock
) -> None:
    job = api(lambda c: c.video.start(CAT), ledger=ledger)
    found = api(lambda c: c.reconcile(ledger, timeout=0))
    assert [entry.request_id for entry in found.running] == [job.request_id] and found.ended == []


def test_a_url_that_ran_out_is_asked_for_anew(
    api: Api, ledger: Ledger, clock: ManualClock, monkeypatch: pytest.MonkeyPatch, wall: Any
) -> None:
    video = api(lambda c: c.video.generate(CAT), ledger=ledger)
    monkeypatch.setattr("time.time", wall)
    assert api(lambda c: c.reconcile(ledger)).ended == []
    clock.now += 86401
    assert [item.request_id for item in api(lambda c: c.reconcile(ledger)).ended] == [video.request_id]


def test_a_timeout_leaves_the_job_accepted_and_another_process_ends_it(
    api: Api, ledger: Ledger, clock: ManualClock
) -> None:
    with pytest.raises(VideoTimeoutError) as caught:
        api(lambda c: c.video.generate(CAT, timeout=0), ledger=ledger)
    assert [entry.request_id for entry in ledger.jobs("running")] == [caught.value.request_id]
    another = Ledger(ledger.path)
    assert api(lambda c: c.video.wait(caught.value.request_id), ledger=another).status == "done"
    assert ledger.jobs()[0].state == "done"


def test_a_job_of_another_client_is_adopted(api: Api, ledger: Ledger) -> None:
    job = api(lambda c: c.video.start(CAT))
    with pytest.raises(VideoTimeoutError):
        api(lambda c: c.video.wait(job.request_id, timeout=0), ledger=ledger)
    assert [(entry.state, entry.request_id, entry.mode) for entry in ledger.jobs()] == [
        ("running", job.request_id, None)
    ]


def test_a_download_is_noted_and_not_asked_for_again(
    api: Api,
    ledger: Ledger,
    sandbox: Sandbox,
    clock: ManualClock,
    monkeypatch: pytest.MonkeyPatch,
    wall: Any,
    tmp_path: Path,
) -> None:
    request_id = api(lambda c: c.video.generate(TextToVideo("A cat", duration=1)), ledger=ledger).request_id
    target = api(lambda c: c.video.download(request_id, tmp_path / "cat.mp4"), ledger=ledger)
    (entry,) = ledger.jobs("downloaded")
    assert (entry.request_id, entry.path, entry.cost_usd) == (request_id, str(target), 0.05)
    monkeypatch.setattr("time.time", wall)
    clock.now += 86401
    before = sandbox.requests.total()
    assert api(lambda c: c.reconcile(ledger)).ended == [] and sandbox.requests.total() == before


def test_an_intent_that_is_too_old_to_be_on_its_way_is_unknown(ledger: Ledger, clock: ManualClock) -> None:
    ledger.begin(CAT, "o")
    clock.now += IN_FLIGHT + 1
    assert [entry.state for entry in ledger.jobs()] == ["unknown"]


def test_a_newer_ledger_is_refused_and_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "jobs.db"
    Ledger(path).close()
    with sqlite3.connect(path) as db:
        db.execute("PRAGMA user_version = 99")
    with pytest.raises(ConfigurationError, match="newer version"):
        Ledger(path)
    assert sqlite3.connect(path).execute("PRAGMA user_version").fetchone() == (99,)


def test_what_is_no_ledger_is_an_error_and_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "notes.txt"
    path.write_text("not a database, but notes of somebody " * 100)
    with pytest.raises(LedgerError, match="not a database"):
        Ledger(path)
    assert path.read_text().startswith("not a database, but")
    with pytest.raises(LedgerError):
        Ledger(tmp_path / "missing" / "jobs.db")


def test_states_are_checked(ledger: Ledger) -> None:
    with pytest.raises(ValueError, match="states are intended, running"):
        ledger.jobs("finished")


FILL = """
import os, sys
from grok_imagine import Ledger, TextToVideo
ledger = Ledger(sys.argv[1])
for number in range(15):
    ledger.confirm(ledger.begin(TextToVideo("A cat"), "o"), f"{os.getpid()}-{number}")
"""


def test_several_processes_and_threads_write_at_once(tmp_path: Path) -> None:
    path = tmp_path / "jobs.db"
    processes = [subprocess.Popen([sys.executable, "-c", FILL, str(path)]) for _ in range(3)]
    shared = Ledger(path)
    threads = [threading.Thread(target=lambda: [shared.begin(CAT, "o") for _ in range(10)]) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(HANG)
    assert [process.wait(HANG) for process in processes] == [0, 0, 0]
    assert len(shared.jobs("running")) == 45 and len(shared.jobs()) == 85


OPEN = """
import pathlib, sys, time
from grok_imagine import Ledger
while time.time() < float(sys.argv[2]):
    pass
for number in range(60):
    ledger = Ledger(pathlib.Path(sys.argv[1]) / f"{number}.db")
    ledger.jobs()
    ledger.close()
"""


def test_several_processes_open_a_new_ledger_at_once(tmp_path: Path) -> None:
    # Each opens many, one after the other: between two looks at a file another process makes it a ledger.
    command = [sys.executable, "-c", OPEN, str(tmp_path), str(time.time() + 0.7)]
    processes = [subprocess.Popen(command) for _ in range(4)]
    assert [process.wait(HANG) for process in processes] == [0] * 4


@pytest.mark.parametrize("version", range(1, len(MIGRATIONS)))
def test_a_ledger_of_an_older_version_is_migrated(tmp_path: Path, version: int) -> None:
    path = tmp_path / "jobs.db"
    with contextlib.closing(sqlite3.connect(path)) as db:
        for script in MIGRATIONS[:version]:
            db.executescript(script)
        db.execute(f"PRAGMA user_version = {version}")
        for number in range(3):
            row = (f"intent-{number}", "done", f"job-{number}", "o", 1.0 + number, 2.0, 10**9)
            names = "intent, state, request_id, origin, created, updated, cost_ticks"
            db.execute(f"INSERT INTO jobs ({names}) VALUES (?, ?, ?, ?, ?, ?, ?)", row)
        db.commit()
    ledger = Ledger(path)
    assert [entry.request_id for entry in ledger.jobs("done")] == ["job-0", "job-1", "job-2"]
    assert ledger.cost_usd() == pytest.approx(0.3)
    assert (ledger.jobs()[0].batch, ledger.jobs()[0].traceparent) == (None, None)


def test_two_addresses_may_give_the_same_id(ledger: Ledger, tmp_path: Path) -> None:
    ids = set()
    for _ in range(2):
        with Sandbox(seed=3, speed=1000) as sandbox, Client("k", base_url=sandbox.base_url, ledger=ledger) as client:
            ids.add(client.video.start(CAT).request_id)
            client.video.wait(*ids)
    assert len(ids) == 1 and [entry.state for entry in ledger.jobs()] == ["done", "done"]
    ledger.record_download(*ids, tmp_path / "a.mp4", ledger.jobs()[0].origin)
    assert sorted(entry.state for entry in ledger.jobs()) == ["done", "downloaded"]


def test_a_fork_opens_the_file_anew(ledger: Ledger) -> None:
    ledger.begin(CAT, "o")
    child = multiprocessing.get_context("fork").Process(target=ledger.begin, args=(CAT, "o"))
    child.start()
    child.join(HANG)
    ledger.begin(CAT, "o")
    assert child.exitcode == 0 and len(ledger.jobs()) == 3


def test_ctrl_c_and_cancelling_are_noted(ledger: Ledger, sandbox: Sandbox) -> None:
    def interrupt(seconds: float) -> None:
        raise KeyboardInterrupt

    with (
        Client("k", base_url=sandbox.base_url, sleep=interrupt, ledger=ledger) as client,
        pytest.raises(KeyboardInterrupt),
    ):
        client.video.generate(CAT)
    assert [entry.request_id for entry in ledger.jobs("running")] == [sandbox.jobs[0]["request_id"]]

    async def run() -> None:
        async with AsyncClient("k", base_url=sandbox.base_url, ledger=ledger) as client:
            task = asyncio.create_task(client.video.generate(CAT))
            while len(sandbox.jobs) < 2:
                await asyncio.sleep(0.005)
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)

    asyncio.run(asyncio.wait_for(run(), 20))
    assert {entry.request_id for entry in ledger.jobs("running")} == {job["request_id"] for job in sandbox.jobs}


def test_what_was_never_delivered_is_known_to_be_nothing(ledger: Ledger, clock: ManualClock) -> None:
    with Sandbox() as gone:
        url = gone.base_url
    with pytest.raises(NotDelivered):
        Api("sync", clock, url)(lambda c: c.video.start(CAT), ledger=ledger)
    assert [(entry.state, entry.code) for entry in ledger.jobs()] == [("refused", "NotDelivered")]


def test_a_client_reconciles_its_own_ledger_and_what_it_finds_can_be_saved(
    api: Api, ledger: Ledger, tmp_path: Path
) -> None:
    job = api(lambda c: c.video.start(CAT), ledger=ledger)

    def use(client: Any) -> Any:
        if isinstance(client, Client):
            (video,) = client.reconcile().ended
            return video.save(tmp_path)

        async def awaited() -> Any:
            (video,) = (await client.reconcile()).ended
            return await video.save(tmp_path)

        return awaited()

    assert api(use, ledger=ledger) == tmp_path / f"{job.request_id}.mp4"
    assert [entry.state for entry in ledger.jobs()] == ["downloaded"]


def test_without_a_ledger_there_is_nothing_to_reconcile(api: Api, sandbox: Sandbox) -> None:
    with pytest.raises(OutOfRange, match=r"`ledger`: is missing, and this client has none; give one: Ledger\(path\)"):
        api(lambda c: c.reconcile())
    assert not sandbox.requests


def test_the_old_form_of_reconciling_does_the_same_and_says_what_to_write(api: Api, ledger: Ledger) -> None:
    job = api(lambda c: c.video.start(CAT), ledger=ledger)

    def old(client: Any) -> Any:
        with pytest.warns(DeprecationWarning, match=r"client\.reconcile\(ledger\)") as told:
            found = ledger.reconcile(client, timeout=600)
        assert [each.filename for each in told] == [__file__]
        return found

    assert [video.request_id for video in api(old).ended] == [job.request_id]
