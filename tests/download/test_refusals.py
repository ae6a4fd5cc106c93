"""What a download refuses, and how it says so."""

from __future__ import annotations

import asyncio
import logging
import os
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path

import httpx
import pytest

from grok_imagine import (
    AsyncClient,
    DownloadError,
    OutOfRange,
    RetryPolicy,
)
from grok_imagine.core.effects import Blocking
from grok_imagine.core.retry import Retries
from grok_imagine.download.transfer import download
from hosts import ETAG, MP4, Host, Script, Seen, head, says, serves
from support import HANG, ROOT, Api, ManualClock, until

from .downloads import BUCKET, ID, NEW, drive, fails, fetch, left, state, video


@pytest.mark.parametrize("location", ["", "#", "\\\\evil.example\\b", "?CANARY"])
def test_redirects_that_stay_where_they_are_end(tmp_path: Path, location: str) -> None:
    sent: list[str] = []
    with pytest.raises(DownloadError) as caught:
        drive(tmp_path, BUCKET, *[(302, location)] * 9, sent=sent)
    assert caught.value.reason == "redirect" and "CANARY" not in str(caught.value) and len(sent) == 6
    assert {httpx.URL(url).host for url in sent} == {"vidgen.x.ai"}


@pytest.mark.parametrize(
    "url",
    [
        "http://vidgen.x.ai/a.mp4", "ftp://vidgen.x.ai/a", "file:///etc/passwd", "data:video/mp4;base64,CANARY", "//vidgen.x.ai/a", "/a", "a",
        "https://user@vidgen.x.ai/a", "https://user:CANARY@vidgen.x.ai/a", "https://", "http://127.0.0.1.evil.example/", "https://a b/", "https://vidgen.x.ai:65536/",
        "http://0.0.0.0/a", "https://vidgen.x.ai/\n", "http://localhost.evil.example/",
    ],
)  # fmt: skip
def test_urls_that_are_refused(tmp_path: Path, url: str) -> None:
    sent: list[str] = []
    with pytest.raises(DownloadError) as caught:
        drive(tmp_path, url, (200, ""), sent=sent)
    assert caught.value.reason == "url" and "CANARY" not in str(caught.value) and not sent and not left(tmp_path)


def test_redirects_end(bare: Api, host: Host, tmp_path: Path) -> None:
    host.scripts = [says(302, b"", "location: /a.mp4?sig=CANARY-SIG")]
    fails(bare, video(host), tmp_path / "a.mp4", "redirect")
    assert len(host.requests) == 6 and not left(tmp_path)


def test_a_redirect_to_another_host_is_not_even_tried(bare: Api, host: Host, service: Host, tmp_path: Path) -> None:
    away = service.origin.replace("127.0.0.1", "localhost")
    host.scripts = [says(307, b"", f"location: {away}/a.mp4")]
    fails(bare, video(host), tmp_path / "a.mp4", "redirect")
    assert not service.requests


def test_no_log_holds_a_signature_and_other_users_log_as_ever(
    bare: Api, host: Host, service: Host, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    service.scripts = [says(200, state(f"{host.origin}/f.mp4?sig=CANARY-SIG"))]
    host.scripts = [
        says(403, b"CANARY-SIG", "x-echo: CANARY-SIG"),
        says(302, b"", "location: /b.mp4?a='b c&sig=CANARY-SIG"),
        serves(stop=5000),
        serves(),
    ]

    def meanwhile(done: int, total: int | None) -> None:
        httpx.get(f"{host.origin}/other?mine=shown")

    fetch(bare, video(host), tmp_path / "a.mp4", on_progress=meanwhile if bare.kind == "sync" else None)
    httpx.get(f"{host.origin}/other?mine=shown")
    text = "\n".join(f"{record.name} {record.getMessage()} {record.args} {record.msg}" for record in caplog.records)
    assert "CANARY-SIG" not in text and f"GET {host.origin}/a.mp4?... " in text
    assert (
        f"GET {host.origin}/other?mine=shown" in text
        and f"{httpx.__name__.replace('httpx', 'httpcore')}.http11 receive" in text
    )


def test_progress_may_be_awaited(host: Host, service: Host, clock: ManualClock, tmp_path: Path) -> None:
    host.scripts = [serves(stop=5000), serves()]
    told: list[tuple[int, int | None]] = []

    async def tell(done: int, total: int | None) -> None:
        await asyncio.sleep(0)
        told.append((done, total))

    api = Api("async", clock, service.origin)
    fetch(api, video(host), tmp_path / "a.mp4", on_progress=tell)
    assert told[0] == (5000, len(MP4)) and told == sorted(told) and told[-1] == (len(MP4), len(MP4))
    with pytest.raises(OutOfRange, match="coroutine function only with AsyncClient"):
        fetch(Api("sync", clock, service.origin), video(host), tmp_path / "b.mp4", on_progress=tell)


def test_what_a_callback_raises_ends_it_and_keeps_the_part(bare: Api, host: Host, tmp_path: Path) -> None:
    def refuse(done: int, total: int | None) -> None:
        raise OSError("mine")

    host.scripts = [serves(stop=5000)]
    with pytest.raises(OSError, match=r"^mine$"):
        fetch(bare, video(host), tmp_path / "a.mp4", on_progress=refuse)
    host.scripts = [serves()]
    assert fetch(bare, video(host), tmp_path / "a.mp4").read_bytes() == MP4
    assert host.ranges == [None, "bytes=5000-"]


def hangs(host: Host, sent: int) -> Script:
    def script(connection: socket.socket, seen: Seen) -> None:
        connection.sendall(head(200, f"content-length: {len(MP4)}", f"etag: {ETAG}") + MP4[:sent])
        host.end.wait(HANG)
        connection.sendall(MP4[sent:])

    return script


def reaches(path: Path, size: int) -> Callable[[], bool]:
    return lambda: path.exists() and path.stat().st_size >= size


def test_a_cancelled_download_lets_go(host: Host, service: Host, tmp_path: Path) -> None:
    target, part = tmp_path / "a.mp4", tmp_path / "a.mp4.part"
    host.scripts = [hangs(host, 5000), serves()]

    async def run() -> Path:
        async with AsyncClient("k", base_url=service.origin) as client:
            task = asyncio.create_task(client.video.download(video(host), target))
            await asyncio.to_thread(until, reaches(part, 5000))
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task
            assert not target.exists()
            return await client.video.download(video(host), target)

    assert asyncio.run(run()).read_bytes() == MP4 and host.ranges == [None, "bytes=5000-"]


def test_two_downloads_to_one_target(bare: Api, host: Host, tmp_path: Path) -> None:
    target, part = tmp_path / "a.mp4", tmp_path / "a.mp4.part"
    host.scripts = [hangs(host, 5000), serves(NEW)]
    ended: list[Path] = []
    first = threading.Thread(target=lambda: ended.append(fetch(bare, video(host), target)))
    first.start()
    until(reaches(part, 5000))
    fails(bare, video(host), target, "busy", overwrite=True)
    assert len(host.requests) == 1 and part.stat().st_size == 5000
    host.end.set()
    first.join(HANG)
    assert ended == [target] and target.read_bytes() == MP4 and left(tmp_path) == ["a.mp4"]


def test_a_part_that_became_the_target_meanwhile_is_left_alone(
    bare: Api, host: Host, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Between our opening of the part and our lock of it, another download puts it in place.
    import fcntl

    target, part = tmp_path / "a.mp4", tmp_path / "a.mp4.part"
    part.write_bytes(MP4)
    lock = fcntl.flock

    def late(number: int, how: int) -> None:
        part.rename(target)
        lock(number, how)

    monkeypatch.setattr(fcntl, "flock", late)
    fails(bare, video(host), target, "busy", overwrite=True)
    assert target.read_bytes() == MP4 and left(tmp_path) == ["a.mp4"] and not host.requests


def test_a_target_that_another_download_has_made_meanwhile_is_kept(
    bare: Api, host: Host, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import fcntl

    target = tmp_path / "a.mp4"
    monkeypatch.setattr(fcntl, "flock", lambda number, how: target.write_bytes(b"another"))
    fails(bare, video(host), target, "exists")
    assert target.read_bytes() == b"another" and left(tmp_path) == ["a.mp4"] and not host.requests


def test_a_file_opened_after_a_cancellation_is_let_go(bare: Api, host: Host, tmp_path: Path) -> None:
    retries = Retries(RetryPolicy(), ManualClock())
    flow = download(video(host), tmp_path / "a.mp4", get=pytest.fail, retries=retries, is_local=True)
    opening = next(flow)
    assert isinstance(opening, Blocking)
    with pytest.raises(asyncio.CancelledError):
        flow.throw(asyncio.CancelledError())
    opening.work()  # its thread comes late
    assert not left(tmp_path)
    host.scripts = [serves()]
    assert fetch(bare, video(host), tmp_path / "a.mp4").read_bytes() == MP4


@pytest.mark.parametrize("lack", ["module", "lock"])
def test_where_nothing_can_be_locked(
    bare: Api, host: Host, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, lack: str
) -> None:
    import fcntl

    import grok_imagine.download.part as module

    def no_lock(number: int, how: int) -> None:
        raise OSError(37, "No locks available")

    monkeypatch.setattr(*((module, "fcntl", None) if lack == "module" else (fcntl, "flock", no_lock)))
    host.scripts = [serves(stop=5000), says(500), serves(), says(200, b"<html>" * 9)]
    fails(bare, video(host), tmp_path / "a.mp4", "interrupted", retry=RetryPolicy(max_retries=0))
    assert fetch(bare, video(host), tmp_path / "a.mp4").read_bytes() == MP4 and left(tmp_path) == ["a.mp4"]
    fails(bare, video(host), tmp_path / "b.mp4", "not_mp4")
    assert left(tmp_path) == ["a.mp4"] and host.ranges[1:3] == ["bytes=5000-"] * 2


PROGRAM = f"""
import resource, signal, sys
from grok_imagine import Client, DownloadError, RetryPolicy, Video
url, target, limit = sys.argv[1], sys.argv[2], int(sys.argv[3])
if limit:
    resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit))
video = Video("{ID}", {{"status": "done", "video": {{"url": url}}}})
try:
    Client("k", base_url="http://127.0.0.1:9/v1").video.download(video, target)
except DownloadError as error:
    print(error.reason, type(error.__cause__).__name__, error)
"""


def program(host: Host, target: Path, limit: int = 0) -> subprocess.Popen[str]:
    path = os.pathsep.join(str(ROOT / name) for name in ("overlay", "generated"))
    return subprocess.Popen(
        [sys.executable, "-c", PROGRAM, f"{host.origin}/a.mp4?sig=old", str(target), str(limit)],
        env={**os.environ, "PYTHONPATH": path},
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )


def test_a_killed_download_is_resumed_by_the_next_process(bare: Api, host: Host, tmp_path: Path) -> None:
    target, part = tmp_path / "a.mp4", tmp_path / "a.mp4.part"
    host.scripts = [hangs(host, 70_000), serves()]
    with program(host, target) as running:
        until(reaches(part, 70_000))
        fails(bare, video(host), target, "busy")
        running.send_signal(signal.SIGKILL)
        assert running.wait(HANG) == -signal.SIGKILL
    assert left(tmp_path) == ["a.mp4.part", "a.mp4.part.json"]
    assert fetch(bare, video(host), target).read_bytes() == MP4
    assert host.ranges == [None, "bytes=70000-"] and host.requests[1].headers["if-range"] == ETAG
    assert left(tmp_path) == ["a.mp4"]


def test_a_full_disk_leaves_no_half_file(bare: Api, host: Host, tmp_path: Path) -> None:
    host.scripts = [serves()]
    with program(host, tmp_path / "a.mp4", limit=50_000) as running:
        shown, _ = running.communicate(timeout=HANG)
    assert shown.startswith("disk OSError") and ID in shown and "File too large" in shown
    assert left(tmp_path) == ["a.mp4.part", "a.mp4.part.json"]
    assert (tmp_path / "a.mp4.part").stat().st_size == 50_000
    assert fetch(bare, video(host), tmp_path / "a.mp4").read_bytes() == MP4 and host.ranges == [None, "bytes=50000-"]


def test_a_directory_that_takes_no_file(bare: Api, host: Host, tmp_path: Path) -> None:
    # For root every directory is writable, but not those of /proc.
    folder = Path("/proc/self") if os.geteuid() == 0 else tmp_path
    tmp_path.chmod(0o500)
    error = fails(bare, video(host), folder / "a.mp4", "disk")
    tmp_path.chmod(0o700)
    assert isinstance(error.__cause__, OSError) and not host.requests


@pytest.mark.parametrize("what", ["fsync", "replace"])
def test_a_disk_that_fails_at_the_end(
    bare: Api, host: Host, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, what: str
) -> None:
    def fail(*args: object) -> None:
        raise OSError(28, "No space left on device")

    host.scripts = [serves()]
    with monkeypatch.context() as patch:
        patch.setattr(*((os, "fsync", fail) if what == "fsync" else (Path, "replace", fail)))
        assert "No space left" in str(fails(bare, video(host), tmp_path / "a.mp4", "disk", overwrite=what == "replace"))
    assert left(tmp_path) == ["a.mp4.part", "a.mp4.part.json"]
    assert fetch(bare, video(host), tmp_path / "a.mp4").read_bytes() == MP4


@pytest.mark.parametrize("named", ["link", "no-link", "replace"])
def test_the_content_is_on_the_disk_before_it_has_its_name(
    bare: Api, host: Host, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, named: str
) -> None:
    order: list[str] = []
    fsync, replace, link = os.fsync, Path.replace, os.link

    def linked(path: Path, to: Path) -> None:
        if named == "no-link":
            raise PermissionError(1, "Operation not permitted")
        order.append("name")
        link(path, to)

    monkeypatch.setattr(os, "fsync", lambda number: (order.append("fsync"), fsync(number)))
    monkeypatch.setattr(Path, "replace", lambda path, to: (order.append("name"), replace(path, to)))
    monkeypatch.setattr(os, "link", linked)
    host.scripts = [serves()]
    fetch(bare, video(host), tmp_path / "a.mp4", overwrite=named == "replace")
    assert order == ["fsync", "name", "fsync"] and left(tmp_path) == ["a.mp4"]
    assert (tmp_path / "a.mp4").stat().st_nlink == 1
