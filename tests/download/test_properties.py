"""Whatever a host of files does: the whole file, or a typed error and the target as it was; bounded; and never a part that misleads.

What a host can't be caught at is left out: other bytes of the same length under the same strong ETag.
"""

from __future__ import annotations

import os
import shutil
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from hypothesis import HealthCheck, assume, given, note, settings
from hypothesis import strategies as st

from grok_imagine import DownloadError, RetryPolicy, Video
from grok_imagine.download.transfer import REQUESTS
from hosts import ETAG, Host, Script, mp4, serves
from support import HANG, Api, ManualClock

ID = "11111111-2222-3333-4444-555555555555"
FILES = {ETAG: mp4(bytes(range(256)) * 24), '"two"': mp4(b"another" * 700)}
LONGEST = max(map(len, FILES.values()))
PAGE = b"<!DOCTYPE html><title>Sign in</title>" * 9
SECONDS = 120.0
"""Real ones, far more than any of it takes."""

EXAMPLES = int(os.environ.get("FUZZ_EXAMPLES", "60"))
USUAL = settings(max_examples=EXAMPLES, deadline=None, suppress_health_check=list(HealthCheck), database=None)
LOCATIONS = (
    "", "/b.mp4", "#", "mailto:a@b", "javascript:x", "file:///etc/passwd", "ftp://h/x", "http://127.0.0.1:9/x",
    "https://xn--0/", "https://a..b/", "https://" + "a" * 64 + ".x.ai/", "//evil.example/", "https://2130706433/", "http://[::1",
    "https://h:99999/", "\\\\h\\x", "https://\u00e4.example/", "\x80\xff", "http://0/", "data:,x",
)  # fmt: skip


class Lie(NamedTuple):
    """What an answer gets wrong; as it is, nothing."""

    status: int = 0
    etag: str = ETAG
    has_etag: bool = True
    span: Callable[[int, int], str] | None = None
    begins_at: int = 0
    length: Callable[[int], str | None] = str
    coding: str = ""
    body: Callable[[bytes], bytes] = bytes
    is_chunked: bool = False
    is_ended: bool = True
    cut: int | None = None
    extra: bytes = b""
    location: str = ""


def tells(lie: Lie) -> Script:
    """A host that tells a lie. Its bytes are those of the place where it says they are."""

    def script(connection: Any, seen: Any) -> None:
        file = FILES.get(lie.etag, FILES[ETAG])
        asked = seen.headers.get("range", "")
        begin = int(asked.removeprefix("bytes=").removesuffix("-")) if asked else 0
        status = lie.status or (206 if asked and seen.headers.get("if-range") == lie.etag else 200)
        begin = max(0, begin + lie.begins_at) if status == 206 else 0
        body = lie.body(file[begin:])
        fields = [f"etag: {lie.etag}"] if lie.has_etag else []
        if status in (206, 416):
            span = f"bytes {begin}-{len(file) - 1}/{len(file)}" if status == 206 else f"bytes */{len(file)}"
            fields.append(f"content-range: {lie.span(begin, len(file)) if lie.span else span}")
        if lie.is_chunked:
            fields.append("transfer-encoding: chunked")
        if (length := lie.length(len(body))) is not None and (not lie.is_chunked or lie.begins_at):
            fields.append(f"content-length: {length}")
        fields += [f"content-encoding: {lie.coding}"] if lie.coding else []
        fields += [f"location: {lie.location}"] if status in (301, 302, 303, 307, 308) else []
        if lie.is_chunked:
            body = b"%x\r\n%s\r\n" % (len(body), body) if body else b""
            body += b"0\r\n\r\n" if lie.is_ended else b""
        wire = "\r\n".join([f"HTTP/1.1 {status} X", *fields, "connection: close", "", ""]).encode("latin-1") + body
        # Behind the end; within the length that was told it would be a part of the file.
        extra = lie.extra if lie.cut is None and (lie.is_chunked or length == str(len(body))) else b""
        connection.sendall(wire[: lie.cut] + extra)

    return script


SPANS: tuple[Callable[[int, int], str], ...] = (
    lambda begin, size: f"bytes {begin}-{size - 1}/{size + 100}",
    lambda begin, size: f"bytes {begin}-{size - 1}/*",
    lambda begin, size: f"bytes {begin}-{size + 5000}/{size}",
    lambda begin, size: f"bytes {begin}-{size - 1}/{begin}",
    lambda begin, size: f"bytes {begin}-{max(begin - 1, 0)}/{size}",
    lambda begin, size: f"bytes {begin}-{begin}/{size}",
    lambda begin, size: f"bytes */{begin}",
    lambda begin, size: f"bytes */{size}",
    lambda begin, size: "bytes 0-0/1, bytes 2-3/4",
    lambda begin, size: f"bytes {'9' * 30}-{'9' * 31}/{'9' * 32}",
    lambda begin, size: f"bytes \u00b2-{size - 1}/{size}",
    lambda begin, size: "",
)
LENGTHS: tuple[Callable[[int], str | None], ...] = (
    lambda size: None,
    lambda size: str(size // 2),
    lambda size: str(max(size - 1, 0)),
    lambda size: str(size + 10),
    lambda size: "0",
    lambda size: "many",
    lambda size: "-1",
    lambda size: "9" * 19,
    lambda size: "9" * 5000,
    lambda size: f"{size}, {size}",
    lambda size: f"{size}\r\ncontent-length: 3",
)  # fmt: skip
BODIES: tuple[Callable[[bytes], bytes], ...] = (
    lambda body: b"", lambda body: PAGE, lambda body: body[: len(body) // 2],
    lambda body: body[:-1], lambda body: body[:30],
)  # fmt: skip

FIELDS: dict[str, st.SearchStrategy[Any]] = {
    "status": st.sampled_from(
        [200, 206, 206, 416, 416, 416, 204, 301, 302, 304, 308, 400, 403, 404, 429, 500, 503, 999]
    ),
    "etag": st.sampled_from(['"two"', 'W/"one"', "one"]),
    "has_etag": st.just(False),
    "span": st.sampled_from(SPANS),
    "begins_at": st.sampled_from([1, -1, 100_000, -100_000]),
    "length": st.sampled_from(LENGTHS),
    "coding": st.sampled_from(["identity", "gzip", "br", "hex"]),
    "body": st.sampled_from(BODIES),
    "is_chunked": st.just(True),
    "is_ended": st.just(False),
    "cut": st.integers(0, LONGEST),
    "extra": st.sampled_from([b"trailing", b"HTTP/1.1 200 X\r\n\r\n"]),
    "location": st.sampled_from(LOCATIONS),
}


@st.composite
def lies(draw: st.DrawFn) -> Lie:
    """An answer in which few things are wrong: of those in which much is, no more than the first is looked at."""
    wrong = draw(st.lists(st.sampled_from(sorted(FIELDS)), max_size=3, unique=True))
    lie = Lie(**{name: draw(FIELDS[name]) for name in wrong})
    if lie.status in (301, 302, 308):
        lie = lie._replace(location=draw(FIELDS["location"]))
    if lie.status in (206, 416) and draw(st.booleans()):
        lie = lie._replace(span=draw(FIELDS["span"]))
    return lie


@st.composite
def hosts_of(draw: st.DrawFn) -> list[Lie]:
    """What a host answers, one after the other: most break off at first, so that a range is asked for."""
    begun = [Lie(cut=draw(st.integers(200, LONGEST)))] if draw(st.integers(0, 3)) else []
    return [*begun, *draw(st.lists(lies(), min_size=1, max_size=5))]


@pytest.fixture(scope="module")
def host() -> Iterator[Host]:
    host = Host()
    yield host
    host.close()


@pytest.fixture(scope="module")
def service(host: Host) -> Iterator[Host]:
    """Says where the file is, whenever it is asked."""
    body = b'{"status": "done", "video": {"url": "%s/a.mp4?sig=CANARY-FRESH"}}' % host.origin.encode()
    service = Host()
    service.scripts = [
        lambda connection, seen: connection.sendall(
            b"HTTP/1.1 200 X\r\ncontent-length: %d\r\n\r\n%s" % (len(body), body)
        )
    ]
    yield service
    service.close()


class Folder:
    """Where a download goes, and what was there before."""

    def __init__(self, before: bytes | None) -> None:
        self.path = Path(tempfile.mkdtemp())
        self.target = self.path / "a.mp4"
        self.before = before
        if before is not None:
            self.target.write_bytes(before)

    def now(self) -> bytes | None:
        return self.target.read_bytes() if self.target.exists() else None


def holds(api: Api, host: Host, scripts: list[Script], before: bytes | None, most: int, wholes: set[bytes]) -> None:
    """Runs a download, and then one from an honest host, which the first must not have misled."""
    folder = Folder(before)
    source = Video(ID, {"status": "done", "video": {"url": f"{host.origin}/a.mp4?sig=CANARY-SIG"}})
    host.requests.clear()
    host.scripts = scripts
    largest: list[int] = [0]
    options: dict[str, Any] = {"overwrite": before is not None, "max_bytes": most}
    started = time.monotonic()
    try:
        path = api(
            lambda c: c.video.download(
                source, folder.target, on_progress=lambda now, total: largest.append(now), **options
            )
        )
    except DownloadError as error:
        assert error.reason and error.request_id == ID and "CANARY" not in f"{error} {error!r} {error.__cause__}"
        assert folder.now() == before
    else:
        assert path == folder.target and folder.now() in wholes
    assert time.monotonic() - started < SECONDS and len(host.requests) <= REQUESTS + 1 and max(largest) <= most
    assert {each.name for each in folder.path.iterdir()} <= {"a.mp4", "a.mp4.part", "a.mp4.part.json"}
    host.scripts = [serves(FILES[ETAG])]
    api(lambda c: c.video.download(source, folder.target, overwrite=True))
    assert folder.now() == FILES[ETAG] and [each.name for each in folder.path.iterdir()] == ["a.mp4"]
    shutil.rmtree(folder.path)


@pytest.mark.parametrize("kind", ["sync", "async"])
def test_the_whole_file_or_a_typed_error(kind: str, host: Host, service: Host) -> None:
    api = Api(kind, ManualClock(), f"{service.origin}/v1", retry=RetryPolicy(max_retries=3), request_timeout=HANG)

    @USUAL
    @given(
        told=hosts_of(),
        is_honest_at_last=st.booleans(),
        before=st.sampled_from([None, b"mine"]),
        most=st.sampled_from([2**20, 2**20, 3000, LONGEST]),
    )
    def check(told: list[Lie], is_honest_at_last: bool, before: bytes | None, most: int) -> None:
        note("\n".join(map(str, told)))
        scripts = [*map(tells, told), *([serves(FILES[ETAG])] if is_honest_at_last else [])]
        holds(api, host, scripts, before, most, set(FILES.values()))

    check()


def mutated(edits: list[tuple[float, str, bytes]], first: int) -> Script:
    """An honest host whose heads are changed on the way, and whose first answer breaks off."""

    def script(connection: Any, seen: Any) -> None:
        file, asked = FILES[ETAG], seen.headers.get("range", "")
        begin = int(asked.removeprefix("bytes=").removesuffix("-")) if asked else 0
        status = "206 X" if begin else "200 X"
        fields = [f"content-range: bytes {begin}-{len(file) - 1}/{len(file)}"] if begin else []
        fields += [f"etag: {ETAG}", f"content-length: {len(file) - begin}", "content-type: video/mp4"]
        head = bytearray("\r\n".join([f"HTTP/1.1 {status}", *fields, "", ""]).encode())
        for place, how, data in edits:
            at = int(place * len(head))
            if how == "insert":
                head[at:at] = data
            elif how == "replace":
                head[at : at + len(data)] = data
            else:
                del head[at : at + len(data)]
        with suppress(OSError):
            connection.sendall(bytes(head) + file[begin : None if begin else first])

    return script


@pytest.mark.parametrize("kind", ["sync", "async"])
def test_a_head_that_was_changed_on_the_way(kind: str, host: Host, service: Host) -> None:
    api = Api(kind, ManualClock(), f"{service.origin}/v1", retry=RetryPolicy(max_retries=2), request_timeout=HANG)
    pieces = st.one_of(
        st.binary(min_size=1, max_size=4),
        st.sampled_from(
            [
                b"\r\n",
                b"\r\n\r\n",
                b"0",
                b"9",
                b"-",
                b",",
                b"\0",
                b" ",
                b"content-encoding: gzip\r\n",
                b"206",
                b"416",
                b"301",
            ]
        ),
    )
    edit = st.tuples(st.floats(0, 1), st.sampled_from(["insert", "replace", "delete"]), pieces)

    @USUAL
    @given(edits=st.lists(edit, min_size=1, max_size=4), first=st.sampled_from([1000, LONGEST]))
    def check(edits: list[tuple[float, str, bytes]], first: int) -> None:
        # Digits of a range's place may become others that fit together: bytes of another place, which nobody can tell.
        assume(not any(data.isdigit() for _, _, data in edits) or first == LONGEST)
        holds(api, host, [mutated(edits, first)], None, 2**20, {FILES[ETAG]})

    check()


@pytest.mark.parametrize("kind", ["sync", "async"])
@pytest.mark.parametrize("step", [1, 7])
def test_a_host_that_brings_little_with_each_answer_ends(
    kind: str, step: int, host: Host, service: Host, tmp_path: Path
) -> None:
    file = FILES[ETAG]

    def script(connection: Any, seen: Any) -> None:
        begin = int((seen.headers.get("range") or "bytes=0-").removeprefix("bytes=").removesuffix("-"))
        if begin:
            serves_range(connection, begin, min(begin + step, len(file)))
        else:
            connection.sendall(
                b"HTTP/1.1 200 X\r\netag: %s\r\ncontent-length: %d\r\n\r\n%s" % (ETAG.encode(), len(file), file[:step])
            )

    def serves_range(connection: Any, begin: int, end: int) -> None:
        head = f"HTTP/1.1 206 X\r\netag: {ETAG}\r\ncontent-range: bytes {begin}-{end - 1}/{len(file)}\r\n"
        connection.sendall(f"{head}content-length: {end - begin}\r\n\r\n".encode() + file[begin:end])

    host.requests.clear()
    host.scripts = [script]
    api = Api(kind, ManualClock(), f"{service.origin}/v1")
    source = Video(ID, {"status": "done", "video": {"url": f"{host.origin}/a.mp4"}})
    with pytest.raises(DownloadError, match="in 100 requests") as caught:
        api(lambda c: c.video.download(source, tmp_path / "a.mp4"))
    assert caught.value.reason == "interrupted" and len(host.requests) == REQUESTS
    assert (tmp_path / "a.mp4.part").stat().st_size == REQUESTS * step and not (tmp_path / "a.mp4").exists()
