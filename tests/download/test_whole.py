"""A download brings the whole file or none."""

from __future__ import annotations

import copy
import json
import os
import pickle
import socket
import struct
from contextlib import closing
from pathlib import Path
from typing import Any

import httpx
import pytest

from grok_imagine import (
    DownloadError,
    NotFoundError,
    OutOfRange,
    RetryPolicy,
    TargetExistsError,
    Video,
    VideoGenerationError,
    VideoModeratedError,
)
from grok_imagine_api import contract
from grok_imagine_sandbox import Sandbox
from hosts import ETAG, MP4, Host, Script, Seen, head, mp4, says, serves, until_read
from support import Api, ManualClock

from .downloads import ID, NEW, USUAL_MODE, fails, fetch, left, state, video

LOOK = "/v1/videos/{request_id}"


def resets(sent: int) -> Script:
    """Breaks off by a reset, once the client has what was sent."""

    def script(connection: socket.socket, seen: Seen) -> None:
        connection.sendall(head(200, f"content-length: {len(MP4)}", f"etag: {ETAG}") + MP4[:sent])
        until_read(connection)
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))

    return script


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
