"""A download that broke off goes on where it was."""

from __future__ import annotations

import socket
from pathlib import Path
from typing import Any

import pytest

from grok_imagine import (
    DownloadError,
    RetryPolicy,
    ServerError,
)
from hosts import ETAG, MP4, Host, Script, Seen, head, says, serves
from support import HANG, Api, ManualClock

from .downloads import BUCKET, NEW, USUAL_MODE, drive, fails, fetch, left, video


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


def patient(client: Any, clock: ManualClock) -> Any:
    """Only the first request is short of time: what is sent after a pause may take as long as a busy machine needs."""
    clock.on_sleep = lambda: setattr(client._config, "request_timeout", HANG)
    return client


def test_silence_is_ended_by_the_request_timeout(bare: Api, host: Host, clock: ManualClock, tmp_path: Path) -> None:
    def silent(connection: socket.socket, seen: Seen) -> None:
        connection.sendall(head(200, f"content-length: {len(MP4)}", f"etag: {ETAG}") + MP4[:5000])
        host.end.wait(HANG)

    host.scripts = [silent, serves()]
    path = bare(lambda c: patient(c, clock).video.download(video(host), tmp_path / "a.mp4"), request_timeout=0.5)
    assert path.read_bytes() == MP4 and host.ranges == [None, "bytes=5000-"]


def test_headers_do_not_trickle_for_ever(host: Host, service: Host, clock: ManualClock, tmp_path: Path) -> None:
    lines: list[int] = []

    def trickle(connection: socket.socket, seen: Seen) -> None:
        connection.sendall(b"HTTP/1.1 200 OK\r\n")
        for number in range(int(HANG / 0.02)):
            if host.end.wait(0.02):
                return
            connection.sendall(f"x-{number}: y\r\n".encode())
            lines.append(number)

    host.scripts = [trickle, serves()]
    # Only asyncio can end a whole exchange; a blocking client bounds each read, and h11 the headers by 100 kB.
    path = Api("async", clock, service.origin)(
        lambda c: patient(c, clock).video.download(video(host), tmp_path / "a.mp4"), request_timeout=0.5
    )
    assert path.read_bytes() == MP4 and len(host.requests) == 2 and len(lines) < HANG / 0.02


def test_pauses_count(bare: Api, host: Host, clock: ManualClock, tmp_path: Path) -> None:
    host.scripts = [says(503, b"", "retry-after: 40")]
    began = clock.now
    fails(bare, video(host), tmp_path / "a.mp4", "timeout", timeout=39)
    assert clock.now == began and len(host.requests) == 1


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
