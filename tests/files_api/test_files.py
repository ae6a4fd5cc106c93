"""`client.files` over HTTP: what is sent, what is refused before, and what a lost answer leaves."""

from __future__ import annotations

import io
import os
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from datetime import timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, ClassVar

import httpx
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import Image

from grok_imagine import (
    ApiError,
    Client,
    CreateOutcomeUnknown,
    File,
    NotFoundError,
    OutOfRange,
    RetryPolicy,
    TargetExistsError,
    UnexpectedResponse,
    VideoRequest,
)
from grok_imagine_api import contract
from grok_imagine_sandbox import Sandbox
from support import ROOT, Api, listed


def picture(color: str = "red", kind: str = "PNG", size: int = 64) -> bytes:
    data = io.BytesIO()
    Image.new("RGB", (size, size), color).save(data, kind)
    return data.getvalue()


PNG = picture()
MP4_HEAD = b"\0\0\0\x18ftypmp42\0\0\0\0mp42isom"


@pytest.fixture
def path(tmp_path: Path) -> Path:
    found = tmp_path / "sky.png"
    found.write_bytes(PNG)
    return found


def scenario(name: str) -> dict[str, Any]:
    return {"headers": {"x-sandbox-scenario": name}}


def uploads(sandbox: Sandbox) -> int:
    return sum(count for (method, at, _), count in sandbox.requests.items() if (method, at) == ("POST", "/v1/files"))


def positioned() -> io.BytesIO:
    file = io.BytesIO(b"before" + PNG)
    file.seek(6)
    return file


SOURCES: dict[str, Callable[[Path], Any]] = {
    "path": lambda path: path,
    "bytes": lambda path: PNG,
    "bytearray": lambda path: bytearray(PNG),
    "view": lambda path: memoryview(PNG[::-1])[::-1],
    "file": lambda path: io.BufferedReader(io.FileIO(path)),
    "file from where it stands": lambda path: positioned(),
}


@pytest.mark.filterwarnings("ignore::ResourceWarning", "ignore::pytest.PytestUnraisableExceptionWarning")  # the file's
@pytest.mark.parametrize("source", SOURCES.values(), ids=SOURCES)
def test_what_is_uploaded_is_what_is_kept(
    api: Api, sandbox: Sandbox, path: Path, source: Callable[[Path], Any]
) -> None:
    file = api(lambda c: c.files.upload(source(path), filename='a "b".png', expires_after=timedelta(hours=1)))
    assert file.size == len(PNG) and file.filename == 'a "b".png' and file.expires_at - file.created_at == 3600
    assert api(lambda c: c.files.content(file)) == PNG
    assert api(lambda c: c.files.get(file.id)) == file and "a" in repr(file)


def test_a_file_has_its_own_name_unless_told_otherwise(api: Api, path: Path) -> None:
    assert api(lambda c: c.files.upload(path)).filename == "sky.png"
    with path.open("rb") as file:
        assert api(lambda c: c.files.upload(file)).filename == "sky.png"
    assert api(lambda c: c.files.upload(picture(kind="JPEG"))).filename == "upload.jpeg"


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "WEBP"])
def test_a_file_goes_wherever_an_image_does_and_a_stored_result_wherever_a_video_does(api: Api, kind: str) -> None:
    image = api(lambda c: c.files.upload(picture(kind=kind))).id
    made = api(lambda c: c.video.generate("x", image_file_id=image, duration=2, storage_options={"filename": "a.mp4"}))
    stored = made.file_output.file_id
    assert api(lambda c: c.files.get(stored)).filename == "a.mp4"
    content = api(lambda c: c.files.content(stored))
    assert content[4:8] == b"ftyp" and api(lambda c: c.files.get(stored)).size == len(content)
    frames = {"last_frame_file_id": image, "keyframes": [{"image_file_id": image, "timestamp": 1}]}
    for request in (
        {"model": "grok-imagine-video-1.5", "duration": 2, "reference_image_file_ids": [image], **frames},
        {"video_file_id": stored},
    ):
        assert api(lambda c, request=request: c.video.generate("x", **request)).outcome == "done"
    again = api(lambda c: c.files.upload(content, filename="b.mp4")).id
    assert api(lambda c: c.video.extend("x", video_file_id=again, duration=2)).outcome == "done"


def test_an_input_that_is_gone_fails_the_job(api: Api) -> None:
    file = api(lambda c: c.files.upload(PNG))
    api(lambda c: c.files.delete(file))
    with pytest.raises(Exception, match="not found"):
        api(lambda c: c.video.generate("x", image_file_id=file.id))


class Text(io.StringIO):
    name = "sky.png"


def closed() -> io.BytesIO:
    file = io.BytesIO(PNG)
    file.close()
    return file


BAD: dict[str, tuple[Callable[[Path], Any], dict[str, Any], str, str]] = {
    "text as a path": (lambda p: str(p), {}, "file", "pathlib.Path"),
    "nothing": (lambda p: None, {}, "file", "can't be sent"),
    "open as text": (lambda p: Text("x"), {}, "file", "'rb'"),
    "closed": (lambda p: closed(), {}, "file", "can't be read"),
    "missing": (lambda p: p.with_name("none"), {}, "file", "No such file"),
    "a folder": (lambda p: p.parent, {}, "file", "regular file"),
    "a null character": (lambda p: Path("a\0b"), {}, "file", "can't be read"),
    "a device": (lambda p: Path("/dev/zero"), {}, "file", "regular file"),
    "empty": (lambda p: b"", {}, "file", "empty"),
    "at its end": (lambda p: io.BytesIO(), {}, "file", "seek"),
    "unknown": (lambda p: b"hello", {}, "file", "unknown type"),
    "a GIF": (lambda p: picture(kind="GIF"), {}, "file", "image/gif"),
    "too large": (lambda p: memoryview(bytearray(PNG) + bytearray(52428800)), {}, "file", "52,428,800"),
    "no name": (lambda p: p, {"filename": ""}, "filename", "1 to 255"),
    "a header in the name": (lambda p: p, {"filename": "a\r\nx: y"}, "filename", "printable"),
    "a long name": (lambda p: p, {"filename": "a" * 256}, "filename", "1 to 255"),
    "too short": (lambda p: p, {"expires_after": 3599}, "expires_after", "3,600"),
    "too long": (lambda p: p, {"expires_after": timedelta(days=31)}, "expires_after", "2,592,000"),
    "true": (lambda p: p, {"expires_after": True}, "expires_after", "whole number"),
}


@pytest.mark.parametrize(("source", "options", "field", "text"), BAD.values(), ids=BAD)
def test_what_can_not_be_taken_is_refused_before_anything_is_sent(
    api: Api,
    sandbox: Sandbox,
    path: Path,
    source: Callable[[Path], Any],
    options: dict[str, Any],
    field: str,
    text: str,
) -> None:
    with pytest.raises(OutOfRange) as caught:
        api(lambda c: c.files.upload(source(path), **options))
    assert caught.value.fields == (field,) and text in str(caught.value) and not sandbox.requests


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no pipes here")
def test_a_pipe_is_not_waited_for(api: Api, tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(OutOfRange, match="not a regular file"):
        api(lambda c: c.files.upload(tmp_path / "pipe"))


def test_ids_and_lists_are_held_to_their_ranges(api: Api, sandbox: Sandbox) -> None:
    for use in (
        lambda c: c.files.get(".."),
        lambda c: c.files.content(""),
        lambda c: c.files.delete(None),
        lambda c: listed(c.files.list(limit=0)),
        lambda c: listed(c.files.list(limit=1001)),
        lambda c: listed(c.files.list(order=1)),
        lambda c: c.files.public_url("file_1", expires_after=1),
    ):
        with pytest.raises(OutOfRange):
            api(use)
    assert not sandbox.requests


class Changing(io.BytesIO):
    """A file that is another size than it says."""

    def __init__(self, content: bytes, more: int) -> None:
        super().__init__(content)
        self.more = more

    def seek(self, offset: int, whence: int = 0) -> int:
        return super().seek(offset, whence) + (self.more if whence == 2 else 0)


@pytest.mark.parametrize("more", [-9, 9])
def test_a_file_that_changes_while_it_is_sent_is_told_and_makes_none(api: Api, more: int) -> None:
    with pytest.raises(OutOfRange, match="changed while it was sent"):
        api(lambda c: c.files.upload(Changing(PNG, more)))
    assert api(lambda c: listed(c.files.list())) == []


LOST = {
    "reset-after-accepting": True,
    "truncated": True,
    "reset-before": False,
    "bad-gateway": False,
    "cloudflare-520": False,
}


@pytest.mark.parametrize(("lost", "is_made"), LOST.items(), ids=LOST)
def test_an_upload_of_unknown_outcome_is_told_and_not_repeated(
    api: Api, sandbox: Sandbox, lost: str, is_made: bool
) -> None:
    with pytest.raises(CreateOutcomeUnknown, match=r"client\.files\.list\(\)") as caught:
        api(lambda c: c.files.upload(PNG, filename="a.png"), **scenario(f"{lost}:1"))
    assert (caught.value.kind, caught.value.name) == ("file", "a.png") and caught.value.__cause__
    assert uploads(sandbox) == 1
    assert [file.filename for file in api(lambda c: listed(c.files.list()))] == ["a.png"] * is_made


def test_an_upload_that_was_refused_for_now_is_sent_again_whole(api: Api, sandbox: Sandbox, path: Path) -> None:
    for times, source in enumerate((path, PNG, positioned()), 1):
        before = uploads(sandbox)
        file = api(lambda c, source=source: c.files.upload(source), **scenario(f"unavailable:{times}"))
        assert uploads(sandbox) == before + times + 1
        assert api(lambda c, file=file: c.files.content(file)) == PNG
        assert len(api(lambda c: listed(c.files.list()))) == 1
        api(lambda c, file=file: c.files.delete(file))


def test_a_lost_answer_to_what_can_be_repeated_is_made_up_for(api: Api) -> None:
    file = api(lambda c: c.files.upload(PNG))
    url = api(lambda c: c.files.public_url(file), **scenario("reset-after-accepting:1"))
    assert url == api(lambda c: c.files.public_url(file)) == api(lambda c: c.files.get(file)).public_url
    assert httpx.get(url, trust_env=False).content == PNG
    api(lambda c: c.files.revoke_public_url(file), **scenario("truncated:1"))
    assert httpx.get(url, trust_env=False).status_code == 404
    api(lambda c: c.files.delete(file), **scenario("reset-after-accepting:2"))
    with pytest.raises(NotFoundError):
        api(lambda c: c.files.delete(file))


@pytest.mark.parametrize("trouble", ["look-truncated:1", "look-reset:1", "look-unavailable:2", "look-520:1"])
def test_a_download_that_breaks_off_begins_anew(api: Api, tmp_path: Path, trouble: str) -> None:
    file = api(lambda c: c.files.upload(PNG, filename="../a.png"))
    assert api(lambda c: c.files.content(file), **scenario(trouble)) == PNG
    target = api(lambda c: c.files.download(file, tmp_path), **scenario(f"{trouble[:-1]}3"))
    assert target.parent == tmp_path and target.read_bytes() == PNG
    assert [*tmp_path.iterdir()] == [target]
    with pytest.raises(TargetExistsError):
        api(lambda c: c.files.download(file, target))
    assert api(lambda c: c.files.download(file.id, target, overwrite=True)) == target


def test_a_download_of_none_leaves_nothing(api: Api, tmp_path: Path) -> None:
    for use in (lambda c: c.files.content("file_1"), lambda c: c.files.download("file_1", tmp_path / "a")):
        with pytest.raises(NotFoundError, match=r"File not found\."):
            api(use)
    assert [*tmp_path.iterdir()] == []


def test_a_list_goes_through_all_pages_once(api: Api, sandbox: Sandbox) -> None:
    made = [api(lambda c, n=n: c.files.upload(PNG, filename=f"{n}.png")) for n in range(5)]
    pages = ("GET", "/v1/files", 200)
    for order, expected in (("asc", made), ("desc", made[::-1])):
        before = sandbox.requests[pages]
        found = api(lambda c, order=order: listed(c.files.list(limit=2, order=order)))
        assert [file.filename for file in found] == [file.filename for file in expected]
        assert sandbox.requests[pages] - before == 3
    api(lambda c: c.files.public_url(made[2]))
    assert api(lambda c: listed(c.files.list(filter="public_url != null"))) == [made[2]]


def faked(answer: Callable[[httpx.Request], httpx.Response]) -> Client:
    http = httpx.Client(transport=httpx.MockTransport(answer))
    return Client("test-key", http_client=http, retry=RetryPolicy(max_retries=0))


@pytest.mark.parametrize(
    "page",
    [
        {"data": 1},
        {"data": [1]},
        {"data": [{"id": 1}]},
        {"data": [{"filename": "x"}]},
        [],
        {"data": [], "pagination_token": "t"},
    ],
    ids=str,
)
def test_what_is_no_page_is_an_error_and_no_list_is_endless(page: Any) -> None:
    with pytest.raises(UnexpectedResponse), faked(lambda request: httpx.Response(200, json=page)) as client:
        list(client.files.list())


json = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(), lambda inner: st.lists(inner), max_leaves=3
)
FIELDS = ["filename", "bytes", "created_at", "expires_at", "public_url", "public_url_expires_at"]


@given(st.fixed_dictionaries({}, optional=dict.fromkeys(FIELDS, json)))
def test_a_file_is_read_whatever_is_in_it(told: dict[str, Any]) -> None:
    file = File.of({"id": "file_1", **told})
    assert file is not None and repr(file)
    assert all(isinstance(value, str | None) for value in (file.filename, file.public_url))
    numbers = (file.size, file.created_at, file.expires_at, file.public_url_expires_at)
    assert all(value is None or (type(value) is int and value >= 0) for value in numbers)


@settings(max_examples=50, deadline=None, suppress_health_check=list(HealthCheck))
@given(content=st.binary(max_size=2000), name=st.text(min_size=1, max_size=20))
def test_any_content_under_any_name_comes_back(sandbox: Sandbox, content: bytes, name: str) -> None:
    with Client("test-key", base_url=sandbox.base_url) as client:
        if not name.isprintable() or "\\" in name:
            with pytest.raises(OutOfRange, match="filename"):
                client.files.upload(PNG, filename=name)
            return
        file = client.files.upload(PNG + content, filename=name)
        assert client.files.content(file) == PNG + content and file.filename == name
        client.files.delete(file)


MEASURE = """
import asyncio, re, sys
from pathlib import Path
from grok_imagine import AsyncClient, Client

def peak():  # in KiB; that of getrusage begins with the parent's
    return int(re.search(r"VmHWM:\\s+(\\d+) kB", Path("/proc/self/status").read_text())[1])

def measured(small, large, upload):
    upload(small)
    before = peak()
    assert upload(large).size == large.stat().st_size
    return peak() - before

async def upload(path):
    async with AsyncClient("test-key", base_url=sys.argv[2]) as client:
        return await client.files.upload(path)

def blocking(path):
    with Client("test-key", base_url=sys.argv[2]) as client:
        return client.files.upload(path)

small, large = map(Path, sys.argv[3:])
print(measured(small, large, blocking if sys.argv[1] == "sync" else lambda path: asyncio.run(upload(path))))
"""


@pytest.mark.skipif(sys.platform != "linux", reason="memory is counted otherwise elsewhere")
@pytest.mark.parametrize("kind", ["sync", "async"])
def test_a_video_of_50_mb_costs_no_50_mb_of_memory(sandbox: Sandbox, tmp_path: Path, kind: str) -> None:
    small, large = tmp_path / "small.mp4", tmp_path / "large.mp4"
    for path, size in ((small, 2**21), (large, int(contract.LIMITS["file_size"].value))):
        path.write_bytes(MP4_HEAD)
        with path.open("r+b") as file:
            file.truncate(size)
    command = [sys.executable, "-c", MEASURE, kind, sandbox.base_url, str(small), str(large)]
    shown = subprocess.run(command, check=True, capture_output=True, text=True, timeout=120, cwd=ROOT).stdout
    assert int(shown) < 8 * 1024, f"{shown} KiB"


class Redirects(BaseHTTPRequestHandler):
    seen: ClassVar[list[tuple[str, str | None]]] = []
    target = ""

    def do_GET(self) -> None:
        self.seen.append((self.path, self.headers.get("authorization")))
        self.send_response(302)
        self.send_header("location", self.target)
        self.send_header("content-length", "0")
        self.end_headers()

    def log_message(self, *_: Any) -> None:
        pass


@pytest.fixture
def redirecting() -> Iterator[str]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), Redirects)
    threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
    Redirects.seen = []
    address = f"http://127.0.0.1:{server.server_address[1]}"
    Redirects.target = f"{address}/elsewhere"
    yield address
    server.shutdown()
    server.server_close()


def test_the_key_follows_no_redirect_of_a_content(api: Api, redirecting: str) -> None:
    with pytest.raises(ApiError):
        api(lambda c: c.files.content("file_1"), base_url=f"{redirecting}/v1", retry=RetryPolicy(max_retries=0))
    assert Redirects.seen == [("/v1/files/file_1/content", "Bearer test-key")]


def test_an_id_is_all_that_a_request_takes() -> None:
    request = VideoRequest.from_keywords(prompt="x", image_file_id=File("file_1", {}).id)
    assert request.body["image"] == {"file_id": "file_1"}
