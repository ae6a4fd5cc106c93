"""Finished videos to disk: over the sandbox, from a host that misbehaves in every way, and over a killed process."""

from __future__ import annotations

import asyncio
import copy
import json
import logging
import os
import pickle
import signal
import socket
import struct
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import httpx
import pytest

from grok_imagine import (
    AsyncClient,
    DownloadError,
    NotFoundError,
    OutOfRange,
    RetryPolicy,
    ServerError,
    TargetExistsError,
    Video,
    VideoGenerationError,
    VideoModeratedError,
)
from grok_imagine.core.effects import Blocking, Head, Stream
from grok_imagine.core.retry import Retries
from grok_imagine.download.transfer import download
from grok_imagine.urls import parse
from grok_imagine_api import contract
from grok_imagine_sandbox import Sandbox
from hosts import ETAG, MP4, Host, Script, Seen, head, mp4, says, serves
from support import ROOT, Api, ManualClock

ID = "11111111-2222-3333-4444-555555555555"


LOOK = "/v1/videos/{request_id}"

UMASK = os.umask(0o022)
os.umask(UMASK)
USUAL_MODE = 0o666 & ~UMASK
"""What a file gets that any program makes: a video is for others to read, as far as the user's umask lets them."""


def resets(sent: int) -> Script:
    """Breaks off by a reset, once the client has what was sent."""

    def script(connection: socket.socket, seen: Seen) -> None:
        connection.sendall(head(200, f"content-length: {len(MP4)}", f"etag: {ETAG}") + MP4[:sent])
        time.sleep(0.05)
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))

    return script


@pytest.fixture
def host() -> Iterator[Host]:
    host = Host()
    yield host
    host.close()


@pytest.fixture
def service() -> Iterator[Host]:
    """Stands for the API."""
    host = Host()
    host.scripts = [says(404, b'{"code": "not-found", "error": "no such job"}')]
    yield host
    host.close()


@pytest.fixture(params=["sync", "async"])
def bare(request: pytest.FixtureRequest, clock: ManualClock, service: Host) -> Api:
    """Both kinds of client, of which nothing but downloads is asked."""
    return Api(request.param, clock, f"{service.origin}/v1", api_key="CANARY-KEY", headers={"x-gateway": "CANARY-GATE"})


def state(url: str) -> bytes:
    return b'{"status": "done", "video": {"url": "%s"}}' % url.encode()


def video(host: Host, path: str = "/a.mp4?sig=CANARY-SIG") -> Video:
    return Video(ID, {"status": "done", "video": {"url": host.origin + path}})


def fetch(api: Api, source: Any, path: Any, retry: RetryPolicy | None = None, **options: Any) -> Path:
    return api(lambda c: c.video.download(source, path, **options), retry=retry)


def left(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def fails(api: Api, source: Any, path: Any, reason: str, **options: Any) -> DownloadError:
    with pytest.raises(DownloadError) as caught:
        fetch(api, source, path, **options)
    error = caught.value
    assert error.reason == reason, error
    assert (error.request_id, error.path) == (ID, Path(path)) and ID in str(error)
    assert "CANARY" not in f"{error} {error!r} {error.__dict__}"
    copied = pickle.loads(pickle.dumps(error))
    assert (type(copied), copied.reason, str(copied)) == (type(error), reason, str(error))
    return error


# Over the sandbox.


def test_a_video_is_saved_as_the_host_has_it(api: Api, sandbox: Sandbox, tmp_path: Path) -> None:
    done: list[tuple[int, int | None]] = []

    async def save(client: Any) -> Any:
        made = await client.video.generate("A cat", duration=1)
        return made.url, await made.save(tmp_path / "a.mp4", on_progress=lambda *now: done.append(now))

    def save_blocking(client: Any) -> Any:
        made = client.video.generate("A cat", duration=1)
        return made.url, made.save(tmp_path / "a.mp4", on_progress=lambda *now: done.append(now))

    url, path = api(save_blocking if api.kind == "sync" else save)
    content = httpx.get(url).content
    assert path == tmp_path / "a.mp4" and path.read_bytes() == content and content[4:8] == b"ftyp"
    assert left(tmp_path) == ["a.mp4"] and path.stat().st_mode & 0o777 == USUAL_MODE
    assert done == sorted(done) and done[-1] == (len(content), len(content))


def test_an_id_and_a_job_are_looked_up(api: Api, clock: ManualClock, tmp_path: Path) -> None:
    job = api(lambda c: c.video.start("A cat", duration=1))
    clock.now += 100
    by_job = fetch(api, job, tmp_path)
    assert by_job == tmp_path / f"{job.request_id}.mp4"
    assert fetch(api, job.request_id, str(tmp_path / "b.mp4")).read_bytes() == by_job.read_bytes()
    with pytest.raises(NotFoundError):
        fetch(api, ID, tmp_path / "c.mp4")
    assert "c.mp4.part" not in left(tmp_path)


def test_a_stored_file_is_fetched_from_its_public_url(api: Api, sandbox: Sandbox, tmp_path: Path) -> None:
    storage = {"filename": "a.mp4", "public_url": True}
    made = api(lambda c: c.video.generate("A cat", duration=1, storage_options=storage))
    stored = Video(made.request_id, {**made.raw, "video": {**made.raw["video"], "url": None}})
    assert stored.url is None and stored.public_url
    assert fetch(api, stored, tmp_path / "a.mp4").read_bytes() == fetch(api, made, tmp_path / "b.mp4").read_bytes()


def test_an_expired_url_says_so_after_one_look(api: Api, sandbox: Sandbox, clock: ManualClock, tmp_path: Path) -> None:
    made = api(lambda c: c.video.generate("A cat", duration=1))
    before = sandbox.requests["GET", LOOK, 200]
    clock.now += contract.LIMITS["result_url_lifetime"].value + 60
    with pytest.raises(DownloadError, match="expired, as has a fresh one; it lives 86400 seconds") as caught:
        fetch(api, made, tmp_path / "a.mp4")
    assert caught.value.reason == "expired" and not left(tmp_path)
    assert sandbox.requests["GET", LOOK, 200] == before + 1 and len(sandbox.jobs) == 1


@pytest.mark.parametrize(
    ("scenario", "kind"),
    [("never-ends", DownloadError), ("failed-internal-error", VideoGenerationError),
     ("moderated-withheld", VideoModeratedError), ("done-without-url", DownloadError)],
)  # fmt: skip
def test_a_job_without_a_video_has_none_to_save(
    api: Api, sandbox: Sandbox, clock: ManualClock, tmp_path: Path, scenario: str, kind: type[Exception]
) -> None:
    job = api(lambda c: c.video.start("A cat"), headers={"x-sandbox-scenario": scenario})
    clock.now += 100
    with pytest.raises(kind) as caught:
        fetch(api, job, tmp_path / "a.mp4")
    assert caught.value.request_id == job.request_id and not left(tmp_path) and len(sandbox.jobs) == 1
    if kind is DownloadError:
        assert caught.value.reason == {"never-ends": "pending", "done-without-url": "no_url"}[scenario]


# Videos and their clients.


def test_a_copy_keeps_its_client_and_a_pickle_loses_it(host: Host, tmp_path: Path, service: Host) -> None:
    host.scripts = [serves()]
    service.scripts = [says(200, state(f"{host.origin}/a.mp4"))]
    api = Api("sync", ManualClock(), f"{service.origin}/v1")
    own = api(lambda c: c.video.get(ID))
    assert own.save(tmp_path / "own.mp4").read_bytes() == MP4  # a closed client has nothing to ask here
    for name, twin in (("copy", copy.copy(own)), ("deep", copy.deepcopy(own))):
        assert twin.raw == own.raw and repr(twin) == repr(own) and "Client" not in repr(own)
        assert twin.save(tmp_path / f"{name}.mp4").read_bytes() == MP4
    for lost in (pickle.loads(pickle.dumps(own)), Video(ID, own.raw)):
        assert lost.raw == own.raw and lost.url == own.url
        with pytest.raises(DownloadError, match=r"client\.video\.download") as caught:
            lost.save(tmp_path / "lost.mp4")
        assert caught.value.reason == "no_client"
        assert fetch(api, lost, tmp_path / "lost.mp4", overwrite=True).read_bytes() == MP4


# What is there already.


@pytest.mark.parametrize("source", ["video", "id"])
def test_an_existing_file_is_kept_byte_for_byte(
    bare: Api, host: Host, service: Host, tmp_path: Path, source: str
) -> None:
    target = tmp_path / "a.mp4"
    target.write_bytes(b"mine")
    error = fails(bare, video(host) if source == "video" else ID, target, "exists")
    assert isinstance(error, TargetExistsError) and isinstance(error, FileExistsError)
    assert target.read_bytes() == b"mine" and left(tmp_path) == ["a.mp4"]
    assert not host.requests and not service.requests
    host.scripts = [serves()]
    assert fetch(bare, video(host), target, overwrite=True).read_bytes() == MP4
    target.write_bytes(b"mine")
    host.scripts = [says(200, b"<html>" * 9)]
    fails(bare, video(host), target, "not_mp4", overwrite=True)
    assert target.read_bytes() == b"mine" and left(tmp_path) == ["a.mp4"]


def test_what_appears_meanwhile_is_kept_and_the_part_with_it(bare: Api, host: Host, tmp_path: Path) -> None:
    target = tmp_path / "a.mp4"
    host.scripts = [serves()]
    fails(bare, video(host), target, "exists", on_progress=lambda done, total: target.write_bytes(b"mine"))
    assert target.read_bytes() == b"mine" and left(tmp_path) == ["a.mp4", "a.mp4.part", "a.mp4.part.json"]
    # The part is whole: the host has nothing more to send, and says so.
    assert fetch(bare, video(host), target, overwrite=True).read_bytes() == MP4
    assert host.ranges == [None, f"bytes={len(MP4)}-"] and left(tmp_path) == ["a.mp4"]


def test_only_files_are_replaced(bare: Api, host: Host, tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    fails(bare, video(host), tmp_path / "pipe", "exists", overwrite=True)
    (tmp_path / "link").symlink_to(tmp_path / "away")
    fails(bare, video(host), tmp_path / "link", "exists")
    (tmp_path / "a.mp4.part").symlink_to(tmp_path / "away")
    fails(bare, video(host), tmp_path / "a.mp4", "disk")
    assert not host.requests and not (tmp_path / "away").exists()


def occupy(path: Path, what: str, other: Path) -> None:
    """Puts something else in the place of a file that a download would write."""
    if what == "hard link":
        other.write_bytes(b"mine" * 2000)
        path.hardlink_to(other)
    elif what == "another user's":
        path.write_bytes(b"mine" * 2000)
        os.chown(path, 12345, -1)
    elif what == "link":
        other.write_bytes(b"mine" * 2000)
        path.symlink_to(other)
    elif what == "loop":
        path.symlink_to(path)
    elif what == "device":
        path.symlink_to("/dev/zero")
    elif what == "pipe":
        os.mkfifo(path)
    elif what == "directory":
        path.mkdir()
    else:
        with closing(socket.socket(socket.AF_UNIX)) as listener:
            listener.bind(os.path.relpath(path))


needs_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root gives files away")
PLACES = [
    "hard link",
    "link",
    "loop",
    "device",
    "pipe",
    "directory",
    "socket",
    pytest.param("another user's", marks=needs_root),
]


@pytest.mark.parametrize("what", PLACES)
@pytest.mark.parametrize("suffix", [".part", ".part.json", ""])
def test_what_is_no_file_of_its_own_is_not_written(
    bare: Api, host: Host, tmp_path: Path, what: str, suffix: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    target, other = tmp_path / "in" / "a.mp4", tmp_path / "other"
    target.parent.mkdir()
    occupied = Path(f"{target}{suffix}")
    occupy(occupied, what, other)
    if suffix == ".part":  # and a note that would have a download go on from it
        note = json.dumps({"source": f"{host.origin}/a.mp4", "etag": ETAG, "total": len(MP4)})
        Path(f"{target}.part.json").write_text(note)
    host.scripts = [serves()]
    try:
        path = fetch(bare, video(host), target, overwrite=True)
    except DownloadError as error:
        assert error.reason in ("disk", "exists") and occupied.lstat().st_mode
    else:
        assert path.read_bytes() == MP4 and not path.is_symlink() and path.stat().st_nlink == 1
        assert left(path.parent) == [path.name] and host.ranges == [None]
    assert not other.exists() or other.read_bytes() == b"mine" * 2000


def test_a_part_that_was_replaced_meanwhile_is_not_put_in_place(bare: Api, host: Host, tmp_path: Path) -> None:
    target, part = tmp_path / "a.mp4", tmp_path / "a.mp4.part"

    def replace(done: int, total: int | None) -> None:
        part.unlink()
        part.write_bytes(b"another's")

    host.scripts = [serves(NEW)]
    assert "replaced meanwhile" in str(fails(bare, video(host), target, "disk", on_progress=replace))
    assert part.read_bytes() == b"another's" and not target.exists()


def test_a_target_that_appears_at_the_last_moment_is_kept(
    bare: Api, host: Host, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    target, link = tmp_path / "a.mp4", os.link

    def late(path: Path, to: Path) -> None:
        target.write_bytes(b"mine")
        link(path, to)

    monkeypatch.setattr(os, "link", late)
    host.scripts = [serves()]
    assert isinstance(fails(bare, video(host), target, "exists"), TargetExistsError)
    assert target.read_bytes() == b"mine"


def test_a_name_with_a_null_byte_is_told_as_any_other_trouble(bare: Api, host: Host, tmp_path: Path) -> None:
    fails(bare, video(host), f"{tmp_path}/a\0.mp4", "disk")


@pytest.mark.parametrize("total", [None, "x", -1, 5000, True, 1.5])
def test_a_416_is_believed_only_if_the_length_was_known(bare: Api, host: Host, tmp_path: Path, total: Any) -> None:
    (tmp_path / "a.mp4.part").write_bytes(MP4[:5000])
    note = {"source": f"{host.origin}/a.mp4", "etag": ETAG, "total": total}
    (tmp_path / "a.mp4.part.json").write_text(json.dumps(note))
    host.scripts = [says(416, b"", "content-range: bytes */5000", f"etag: {ETAG}"), serves()]
    # Even if it was: an MP4 that ends within a box is not whole.
    assert fetch(bare, video(host), tmp_path / "a.mp4").read_bytes() == MP4
    assert host.ranges == ["bytes=5000-", None]


BOXES = {
    "whole": (mp4(b"x" * 100), False),
    "unknown box behind": (mp4(b"x" * 100) + b"\0\0\0\x0cfoo!abcd", False),
    "rubbish behind": (mp4(b"x" * 100) + b"rubbish, no box", False),
    "to the end": (mp4(b"")[:-8] + b"\0\0\0\0mdat" + b"x" * 100, False),
    "long size": (mp4(b"")[:-8] + b"\0\0\0\1mdat" + (116).to_bytes(8, "big") + b"x" * 100, False),
    "fragments": (mp4(b"")[:-8] + b"\0\0\0\x08moof" + b"\0\0\0\x0cmdatabcd", False),
    "no media": (mp4(b"")[:-8], True),
    "no index": (mp4(b"")[:24] + b"\0\0\0\x0cmdatabcd", True),
    "within media": (mp4(b"x" * 100)[:-1], True),
    "long size, cut": (mp4(b"")[:-8] + b"\0\0\0\1mdat" + (116).to_bytes(8, "big") + b"x" * 99, True),
    "a box of no length": (mp4(b"")[:24] + b"\0\0\0\2free" * 9, True),
}


@pytest.mark.parametrize("name", BOXES)
def test_an_mp4_is_whole_or_cut_short(bare: Api, host: Host, tmp_path: Path, name: str) -> None:
    content, is_short = BOXES[name]
    host.scripts = [says(200, content)]
    if is_short:
        fails(bare, video(host), tmp_path / "a.mp4", "interrupted", retry=RetryPolicy(max_retries=1))
        assert len(host.requests) == 2 and not left(tmp_path)
    else:
        assert fetch(bare, video(host), tmp_path / "a.mp4").read_bytes() == content


def test_a_directory_names_the_file_and_an_id_does_not_lead_out(bare: Api, host: Host, tmp_path: Path) -> None:
    host.scripts = [serves()]
    inner = tmp_path / "in"
    inner.mkdir()
    stray = Video("../../x", {"status": "done", "video": {"url": f"{host.origin}/a"}})
    assert fetch(bare, stray, inner) == inner / ".._.._x.mp4" and left(tmp_path) == ["in"]


def test_a_missing_directory_is_told_before_anything_is_sent(
    bare: Api, host: Host, service: Host, tmp_path: Path
) -> None:
    fails(bare, video(host), tmp_path / "no" / "a.mp4", "directory")
    fails(bare, ID, tmp_path / "no" / "a.mp4", "directory")
    assert not host.requests and not service.requests


@pytest.mark.parametrize(
    "options",
    [{"max_bytes": 0}, {"max_bytes": 1.5}, {"max_bytes": True}, {"timeout": 0}, {"timeout": -1}, {"on_progress": 3}],
)
def test_options_are_checked_first(bare: Api, host: Host, tmp_path: Path, options: dict[str, Any]) -> None:
    with pytest.raises(OutOfRange):
        fetch(bare, video(host), tmp_path / "a.mp4", **options)
    assert not host.requests and not left(tmp_path)


# What a host does.


def test_the_key_stays_at_home(bare: Api, host: Host, service: Host, tmp_path: Path) -> None:
    host.scripts = [says(403), says(302, b"", "location: /b.mp4?sig=CANARY-SIG"), serves()]
    service.scripts = [says(200, state(f"{host.origin}/fresh.mp4"))]
    assert fetch(bare, video(host), tmp_path / "a.mp4").read_bytes() == MP4
    assert [seen.path for seen in host.requests] == ["/a.mp4?sig=CANARY-SIG", "/fresh.mp4", "/b.mp4?sig=CANARY-SIG"]
    for seen in host.requests:
        assert not {"authorization", "cookie", "x-gateway"} & seen.headers.keys()
        assert "CANARY-KEY" not in str(seen.headers) and seen.headers["accept-encoding"] == "identity"
        assert seen.headers["user-agent"].startswith("grok-imagine/")
    assert service.requests[0].headers["authorization"] == "Bearer CANARY-KEY"


@pytest.mark.parametrize("status", [400, 401, 403, 404, 410])
def test_an_expired_url_is_renewed_once(bare: Api, host: Host, service: Host, tmp_path: Path, status: int) -> None:
    service.scripts = [says(200, state(f"{host.origin}/a.mp4?sig=fresh"))]
    host.scripts = [says(status), serves()]
    assert fetch(bare, video(host), tmp_path / "a.mp4").read_bytes() == MP4
    host.scripts = [says(status)]
    fails(bare, video(host), tmp_path / "b.mp4", "expired")
    assert [seen.path for seen in service.requests] == [f"/v1/videos/{ID}"] * 2 and len(host.requests) == 4


def test_a_resumed_download_survives_a_renewed_url(bare: Api, host: Host, service: Host, tmp_path: Path) -> None:
    service.scripts = [says(200, state(f"{host.origin}/a.mp4?sig=fresh"))]
    host.scripts = [serves(stop=5000), says(403), serves()]
    assert fetch(bare, video(host), tmp_path / "a.mp4").read_bytes() == MP4
    assert host.ranges == [None, "bytes=5000-", "bytes=5000-"]


@pytest.mark.parametrize("breaks", [serves(stop=5000), resets(5000)], ids=["truncated", "reset"])
def test_what_breaks_off_is_resumed(bare: Api, host: Host, tmp_path: Path, breaks: Script) -> None:
    host.scripts = [breaks, serves()]
    assert fetch(bare, video(host), tmp_path / "a.mp4").read_bytes() == MP4
    assert host.ranges == [None, "bytes=5000-"] and host.requests[1].headers["if-range"] == ETAG
    assert left(tmp_path) == ["a.mp4"]


def test_a_download_that_gets_on_is_not_given_up(bare: Api, host: Host, tmp_path: Path) -> None:
    cuts = range(10_000, len(MP4), 10_000)
    host.scripts = [*(serves(stop=cut) for cut in cuts), serves()]
    path = fetch(bare, video(host), tmp_path / "a.mp4", retry=RetryPolicy(max_retries=1))
    assert path.read_bytes() == MP4 and host.ranges[1:] == [f"bytes={cut}-" for cut in cuts]


def test_one_that_does_not_is_given_up_and_kept(bare: Api, host: Host, clock: ManualClock, tmp_path: Path) -> None:
    host.scripts = [serves(stop=5000), says(500), says(503, b"", "retry-after: 7"), says(429)]
    error = fails(bare, video(host), tmp_path / "a.mp4", "interrupted", retry=RetryPolicy(max_retries=3))
    assert str(error.__cause__).startswith("HTTP 429") and len(host.requests) == 4 and 7.0 in clock.slept
    assert left(tmp_path) == ["a.mp4.part", "a.mp4.part.json"]
    assert {path.stat().st_mode & 0o777 for path in tmp_path.iterdir()} == {0o600, USUAL_MODE}
    assert "CANARY" not in (tmp_path / "a.mp4.part.json").read_text()
    host.scripts = [serves()]
    assert fetch(bare, video(host), tmp_path / "a.mp4").read_bytes() == MP4
    assert host.ranges[-1] == "bytes=5000-" and left(tmp_path) == ["a.mp4"]


def test_one_that_only_seems_to_get_on_is_given_up(bare: Api, host: Host, tmp_path: Path) -> None:
    host.scripts = [serves(stop=70_000, ranges=False)]
    fails(bare, video(host), tmp_path / "a.mp4", "interrupted", retry=RetryPolicy(max_retries=3))
    assert len(host.requests) == 4  # the first one got on: it begins the series


def test_a_range_shorter_than_what_is_missing_is_resumed(bare: Api, host: Host, tmp_path: Path) -> None:
    part = says(206, MP4[5000:7000], f"content-range: bytes 5000-6999/{len(MP4)}", f"etag: {ETAG}")
    host.scripts = [serves(stop=5000), part, serves()]
    assert fetch(bare, video(host), tmp_path / "a.mp4").read_bytes() == MP4
    assert host.ranges == [None, "bytes=5000-", "bytes=7000-"]


def test_a_policy_of_one_try_is_honoured(bare: Api, host: Host, clock: ManualClock, tmp_path: Path) -> None:
    host.scripts = [says(500, b"sig=CANARY-SIG")]
    error = fails(bare, video(host), tmp_path / "a.mp4", "interrupted", retry=RetryPolicy(max_retries=0))
    assert isinstance(error.__cause__, ServerError) and "CANARY" not in str(vars(error.__cause__))
    assert len(host.requests) == 1 and not clock.slept and not left(tmp_path)


def test_no_host_at_all(bare: Api, host: Host, tmp_path: Path) -> None:
    gone = video(host)
    host.close()
    fails(bare, gone, tmp_path / "a.mp4", "interrupted")
    assert not left(tmp_path)


def chunked(status: int, body: bytes, *fields: str) -> Script:
    wire = head(status, "transfer-encoding: chunked", *fields) + b"%x\r\n%s\r\n0\r\n\r\n" % (len(body), body)
    return lambda connection, seen: connection.sendall(wire)


@pytest.mark.parametrize(
    "body", [b"<html>sign in</html>", MP4[5000:7000], MP4[5000:] + b"more"], ids=["page", "less", "more"]
)
def test_a_range_that_is_not_what_it_says_is_dropped(bare: Api, host: Host, tmp_path: Path, body: bytes) -> None:
    part = chunked(206, body, f"content-range: bytes 5000-{len(MP4) - 1}/{len(MP4)}", f"etag: {ETAG}")
    host.scripts = [serves(stop=5000), part, serves()]
    assert fetch(bare, video(host), tmp_path / "a.mp4").read_bytes() == MP4
    assert host.ranges == [None, "bytes=5000-", None]
    host.scripts = [serves(stop=5000), part, says(500)]  # nor does a later download go on from it
    fails(bare, video(host), tmp_path / "b.mp4", "interrupted", retry=RetryPolicy(max_retries=2))
    assert left(tmp_path) == ["a.mp4"]


NEW = mp4(b"new" * 9000)


@pytest.mark.parametrize(
    "then",
    [
        [serves(NEW, '"two"')],
        [serves(NEW, '"two"', ranges=False)],
        [says(206, NEW[:99], "content-range: bytes 0-98/99", 'etag: "one"'), serves(NEW, '"two"')],
        [says(206, NEW[5000:], f"content-range: bytes 5000-{len(NEW) - 1}/{len(NEW)}", 'etag: "two"'), serves(NEW)],
        [says(206, NEW[5000:], f"content-range: bytes 5000-{len(NEW) - 1}/*", 'etag: "one"'), serves(NEW)],
        [says(206, NEW), serves(NEW)],
        [says(416, b"", "content-range: bytes */99", 'etag: "one"'), serves(NEW)],
        [says(416, b"", "content-range: bytes */5000", 'etag: "two"'), serves(NEW)],
        [says(416), serves(NEW)],
    ],
    ids=["etag-changed", "range-ignored", "wrong-start", "206-etag", "no-total", "no-range", "416", "416-etag", "416-bare"],
)  # fmt: skip
def test_what_does_not_fit_starts_over(bare: Api, host: Host, tmp_path: Path, then: list[Script]) -> None:
    host.scripts = [serves(stop=5000), *then]
    assert fetch(bare, video(host), tmp_path / "a.mp4").read_bytes() == NEW
    assert host.ranges == [None, "bytes=5000-", *[None] * (len(then) - 1)] and left(tmp_path) == ["a.mp4"]


def test_a_host_that_never_has_a_fitting_range_ends(bare: Api, host: Host, tmp_path: Path) -> None:
    host.scripts = [serves(stop=5000), says(416)]
    fails(bare, video(host), tmp_path / "a.mp4", "refused")
    assert host.ranges == [None, "bytes=5000-", None]


@pytest.mark.parametrize("etag", ['W/"one"', "", "one", '"\u00e9"'])
def test_without_a_strong_etag_nothing_is_continued(bare: Api, host: Host, tmp_path: Path, etag: str) -> None:
    host.scripts = [serves(etag=etag, stop=5000), serves(NEW, etag)]
    assert fetch(bare, video(host), tmp_path / "a.mp4").read_bytes() == NEW and host.ranges == [None, None]


@pytest.mark.parametrize(
    "note",
    [
        "",
        "{",
        "[]",
        "null",
        '{{"source": "{0}", "etag": 5}}',
        '{{"source": "{0}", "etag": "\\"\u00e9\\""}}',
        '{"source": 1}',
        '{"etag": "\\"one\\""}',
        "x" * 99,
    ],
)
def test_a_part_of_something_else_is_not_continued(bare: Api, host: Host, tmp_path: Path, note: str) -> None:
    (tmp_path / "a.mp4.part").write_bytes(b"z" * 5000)
    (tmp_path / "a.mp4.part.json").write_text(
        note.replace("{0}", f"{host.origin}/a.mp4").replace("{{", "{").replace("}}", "}")
    )
    host.scripts = [serves()]
    assert fetch(bare, video(host), tmp_path / "a.mp4").read_bytes() == MP4
    assert host.ranges == [None] and left(tmp_path) == ["a.mp4"]


def test_a_part_of_another_url_is_not_continued(bare: Api, host: Host, tmp_path: Path) -> None:
    host.scripts = [serves(stop=5000)]
    fails(bare, video(host), tmp_path / "a.mp4", "interrupted", retry=RetryPolicy(max_retries=0))
    host.scripts = [serves(NEW)]
    assert fetch(bare, video(host, "/b.mp4"), tmp_path / "a.mp4").read_bytes() == NEW
    assert host.ranges == [None, None]


@pytest.mark.parametrize(
    "page", [b"<!DOCTYPE html><h1>Just a moment...</h1>", b"", b"\0\0\0", b"ftyp" + MP4], ids=["html", "none", "3", "0"]
)
def test_what_is_no_mp4_is_removed(bare: Api, host: Host, tmp_path: Path, page: bytes) -> None:
    host.scripts = [says(200, page, f"etag: {ETAG}")]
    fails(bare, video(host), tmp_path / "a.mp4", "not_mp4")
    assert not left(tmp_path) and len(host.requests) == 1


@pytest.mark.parametrize("coding", ["gzip", "br", "gzip, identity", "deflate"])
def test_what_is_compressed_is_refused(bare: Api, host: Host, tmp_path: Path, coding: str) -> None:
    host.scripts = [says(200, MP4, f"content-encoding: {coding}")]
    fails(bare, video(host), tmp_path / "a.mp4", "encoding")
    assert not left(tmp_path)


def endless(connection: socket.socket, seen: Seen) -> None:
    connection.sendall(head(200, "transfer-encoding: chunked"))
    for _ in range(1000):
        connection.sendall(f"{len(MP4):x}\r\n".encode() + MP4 + b"\r\n")


def test_a_file_has_a_largest_size(bare: Api, host: Host, tmp_path: Path) -> None:
    host.scripts = [serves(), endless]
    error = fails(bare, video(host), tmp_path / "a.mp4", "too_large", max_bytes=len(MP4) - 1, on_progress=pytest.fail)
    assert f"has {len(MP4)} bytes" in str(error)
    fails(bare, video(host), tmp_path / "a.mp4", "too_large", max_bytes=10 * len(MP4))
    assert not left(tmp_path) and len(host.requests) == 2
    host.scripts = [serves()]
    assert fetch(bare, video(host), tmp_path / "a.mp4", max_bytes=len(MP4)).read_bytes() == MP4


def test_a_length_may_be_unknown_but_not_the_end(bare: Api, host: Host, tmp_path: Path) -> None:
    totals: set[int | None] = set()
    chunked = head(200, "transfer-encoding: chunked") + f"{len(MP4):x}\r\n".encode() + MP4 + b"\r\n"
    host.scripts = [lambda c, s: c.sendall(chunked + b"0\r\n\r\n")]
    path = fetch(bare, video(host), tmp_path / "a.mp4", on_progress=lambda done, total: totals.add(total))
    assert path.read_bytes() == MP4 and totals == {None}
    host.scripts = [lambda c, s: c.sendall(chunked), lambda c, s: c.sendall(head(200) + MP4)]
    fails(bare, video(host), tmp_path / "b.mp4", "length")
    assert len(host.requests) == 3


@pytest.mark.parametrize("status", [300, 304, 402, 418])
def test_other_answers_are_refused(bare: Api, host: Host, service: Host, tmp_path: Path, status: int) -> None:
    host.scripts = [says(status)]
    assert str(status) in str(fails(bare, video(host), tmp_path / "a.mp4", "refused"))
    assert len(host.requests) == 1 and not service.requests and not left(tmp_path)


def test_garbage_instead_of_http(bare: Api, host: Host, tmp_path: Path) -> None:
    host.scripts = [lambda c, s: c.sendall(b"SSH-2.0-OpenSSH\r\n"), says(200, MP4, "content-length: 3"), serves()]
    assert fetch(bare, video(host), tmp_path / "a.mp4").read_bytes() == MP4


# Time.


def test_a_trickle_ends(bare: Api, host: Host, clock: ManualClock, tmp_path: Path) -> None:
    def trickle(connection: socket.socket, seen: Seen) -> None:
        connection.sendall(head(200, f"content-length: {len(MP4)}", f"etag: {ETAG}"))
        for byte in range(400):
            if host.end.wait(0.001):
                return
            clock.now += 10
            connection.sendall(MP4[byte : byte + 1])

    host.scripts = [trickle]
    fails(bare, video(host), tmp_path / "a.mp4", "timeout", timeout=300)
    assert 0 < (tmp_path / "a.mp4.part").stat().st_size <= 30 and len(host.requests) == 1


def test_silence_is_ended_by_the_request_timeout(bare: Api, host: Host, clock: ManualClock, tmp_path: Path) -> None:
    def silent(connection: socket.socket, seen: Seen) -> None:
        connection.sendall(head(200, f"content-length: {len(MP4)}", f"etag: {ETAG}") + MP4[:5000])
        host.end.wait(5)

    host.scripts = [silent, serves()]
    path = bare(lambda c: c.video.download(video(host), tmp_path / "a.mp4"), request_timeout=0.1)
    assert path.read_bytes() == MP4 and host.ranges == [None, "bytes=5000-"]


def test_headers_do_not_trickle_for_ever(host: Host, service: Host, clock: ManualClock, tmp_path: Path) -> None:
    lines: list[int] = []

    def trickle(connection: socket.socket, seen: Seen) -> None:
        connection.sendall(b"HTTP/1.1 200 OK\r\n")
        for number in range(100):
            if host.end.wait(0.02):
                return
            connection.sendall(f"x-{number}: y\r\n".encode())
            lines.append(number)

    host.scripts = [trickle, serves()]
    # Only asyncio can end a whole exchange; a blocking client bounds each read, and h11 the headers by 100 kB.
    path = Api("async", clock, service.origin)(
        lambda c: c.video.download(video(host), tmp_path / "a.mp4"), request_timeout=0.1
    )
    assert path.read_bytes() == MP4 and len(host.requests) == 2 and len(lines) < 80


def test_pauses_count(bare: Api, host: Host, clock: ManualClock, tmp_path: Path) -> None:
    host.scripts = [says(503, b"", "retry-after: 40")]
    began = clock.now
    fails(bare, video(host), tmp_path / "a.mp4", "timeout", timeout=39)
    assert clock.now == began and len(host.requests) == 1


# Where a host may send us. Flows are driven by hand here: https hosts can't be had without certificates.


def drive(tmp_path: Path, url: str, *answers: tuple[int, str], sent: list[str], is_local: bool = False) -> None:
    made = Video(ID, {"status": "done", "video": {"url": url}})
    retries = Retries(RetryPolicy(), ManualClock())
    flow = download(made, tmp_path / "a.mp4", look=pytest.fail, retries=retries, is_local=is_local)
    queue = list(answers)
    command = next(flow)
    while True:
        if isinstance(command, Blocking):
            command = flow.send(command.work())
            continue
        assert isinstance(command, Stream)
        url = command.request["url"]
        sent.append(url)
        status, location = queue.pop(0)
        fields = {} if status == 302 else {"content-length": str(len(MP4))}
        try:
            command.sink.begin(Head(status, fields, parse(url).host, location))
            command.sink.write(MP4)
        except Exception as error:
            command = flow.throw(error)
        else:
            command = flow.send(None)


BUCKET = "https://vidgen.x.ai/bucket/a.mp4?sig=CANARY"


@pytest.mark.parametrize(
    ("url", "location", "leads_to"),
    [
        (BUCKET, "/b.mp4?sig=2", "https://vidgen.x.ai/b.mp4?sig=2"),
        (BUCKET, "https:///b.mp4", "https://vidgen.x.ai/b.mp4"),
        (BUCKET, "b.mp4", "https://vidgen.x.ai/bucket/b.mp4"),
        (BUCKET, "https://cdn.x.ai/b.mp4", "https://cdn.x.ai/b.mp4"),
        (BUCKET, "https://x.ai/b.mp4", "https://x.ai/b.mp4"),
        ("https://files.example/a.mp4", "https://files.example/b.mp4", "https://files.example/b.mp4"),
        ("https://files.example/a.mp4", "https://vidgen.x.ai/b.mp4", "https://vidgen.x.ai/b.mp4"),
        ("http://localhost:8080/a.mp4", "/b.mp4", "http://localhost:8080/b.mp4"),
        ("http://[::1]:8080/a.mp4", "/b.mp4", "http://[::1]:8080/b.mp4"),
    ],
)
def test_redirects_that_are_followed(tmp_path: Path, url: str, location: str, leads_to: str) -> None:
    sent: list[str] = []
    with pytest.raises(StopIteration) as stop:
        drive(tmp_path, url, (302, location), (200, ""), sent=sent, is_local="x.ai" not in leads_to)
    assert sent == [url, leads_to] and stop.value.value.read_bytes() == MP4


@pytest.mark.parametrize(
    "location",
    [
        "http://vidgen.x.ai/b.mp4?CANARY", "https://evil.example/b.mp4?CANARY", "https://evil-x.ai/b", "https://x.ai.evil.example/",
        "https://vidgen.x.ai@evil.example/", "https://user:CANARY@vidgen.x.ai/", "//vidgen.x.ai/b", "//evil.example/b",
        "file:///etc/passwd", "ftp://vidgen.x.ai/b", "data:video/mp4;base64,CANARY", "http://127.0.0.1/b", "https://127.0.0.1/b",
        "https://vidgen.x.ai:99999999/", "https://[::1/", "https://evil.example\\.x.ai/", "https://x.ai\x00.evil.example/",
        "https://xn--0.x.ai/", "https://xn--\u00e4.x.ai/", "https://\u00e4.example/?CANARY", "https://" + "a" * 70000 + ".x.ai/",
    ],
)  # fmt: skip
def test_redirects_that_are_refused(tmp_path: Path, location: str) -> None:
    sent: list[str] = []
    with pytest.raises(DownloadError) as caught:
        drive(tmp_path, BUCKET, *[(302, location)] * 9, sent=sent)
    assert caught.value.reason == "redirect" and "CANARY" not in str(caught.value) and not left(tmp_path)
    assert sent == [BUCKET]


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


# Logs.


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


# Callbacks, cancellations, and several at once.


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
        host.end.wait(10)
        connection.sendall(MP4[sent:])

    return script


def until(true: Callable[[], bool]) -> None:
    for _ in range(2000):
        if true():
            return
        time.sleep(0.005)
    raise AssertionError("did not happen")


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
    first.join(10)
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
    flow = download(video(host), tmp_path / "a.mp4", look=pytest.fail, retries=retries, is_local=True)
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


# Other processes, and the disk.

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
        assert running.wait(10) == -signal.SIGKILL
    assert left(tmp_path) == ["a.mp4.part", "a.mp4.part.json"]
    assert fetch(bare, video(host), target).read_bytes() == MP4
    assert host.ranges == [None, "bytes=70000-"] and host.requests[1].headers["if-range"] == ETAG
    assert left(tmp_path) == ["a.mp4"]


def test_a_full_disk_leaves_no_half_file(bare: Api, host: Host, tmp_path: Path) -> None:
    host.scripts = [serves()]
    with program(host, tmp_path / "a.mp4", limit=50_000) as running:
        shown, _ = running.communicate(timeout=20)
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
