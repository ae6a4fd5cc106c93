"""Which addresses a client takes, which proxies it goes through, and where a service may send its downloads."""

from __future__ import annotations

import asyncio
import ipaddress
import socket
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from grok_imagine import (
    AsyncClient,
    Client,
    ConfigurationError,
    DownloadError,
    InsecureBaseUrlWarning,
    NotDelivered,
    RetryPolicy,
    Video,
)
from grok_imagine.addresses import address_of, is_host, is_loopback, is_nowhere
from grok_imagine.config import Config
from grok_imagine.urls import parse
from hosts import MP4, Host, serves
from support import Api, ManualClock

ID = "11111111-2222-3333-4444-555555555555"
PROXIES = ("http_proxy", "https_proxy", "all_proxy", "no_proxy")


@pytest.fixture(autouse=True)
def no_proxies(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in PROXIES:
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.upper(), raising=False)


# Hosts.


def spelled(address: int, parts: int, bases: list[int]) -> str:
    """An IPv4 address as the C library's resolver takes it: the last of its parts has all bytes that are left."""
    numbers = [address >> 24 & 255, address >> 16 & 255, address >> 8 & 255, address & 255]
    last = 0
    for number in numbers[parts - 1 :]:
        last = last << 8 | number
    forms = {10: str, 16: hex, 8: lambda number: f"0{number:o}" if number else "0"}
    return ".".join(forms[base](number) for number, base in zip([*numbers[: parts - 1], last], bases, strict=False))


addresses = st.one_of(
    st.integers(0, 2**32 - 1),
    st.sampled_from([0, 0x7F000001, 0x7F000000, 0x7FFFFFFF, 0xA9FEA9FE, 0x0A000001, 0xFFFFFFFF, 0xE0000001]),
)


@given(addresses, st.integers(1, 4), st.lists(st.sampled_from([8, 10, 16]), min_size=4, max_size=4))
def test_an_address_is_known_however_it_is_spelled(number: int, parts: int, bases: list[int]) -> None:
    found, text = ipaddress.IPv4Address(number), spelled(number, parts, bases)
    assert socket.inet_aton(text) == found.packed
    assert address_of(text) == found and is_loopback(text) == (number >> 24 == 127)
    usual = str(found)
    assert is_nowhere(text) or text == usual
    assert is_nowhere(usual) == (number >> 24 == 0 or found.is_link_local or found.is_multicast or found.is_reserved)


@given(addresses)
def test_an_address_within_another_is_known(number: int) -> None:
    found = ipaddress.IPv4Address(number)
    for text in (f"::ffff:{found}", f"[::ffff:{found}]", f"64:ff9b::{found}"):
        assert address_of(text) == found and is_loopback(text) == found.is_loopback


@pytest.mark.parametrize(
    "host", ["localhost", "LocalHost.", "a.localhost", "127.0.0.1", "127.9.9.9", "::1", "[::1]", "127.1"]
)
def test_this_machine(host: str) -> None:
    assert is_loopback(host)


@pytest.mark.parametrize(
    "host",
    [
        "localhost.example",
        "notlocalhost",
        "127.0.0.1.example",
        "128.0.0.1",
        "0.0.0.0",
        "::",
        "::2",
        "gateway",
        "10.0.0.1",
        "",
    ],
)
def test_other_machines(host: str) -> None:
    assert not is_loopback(host)


@pytest.mark.parametrize("host", ["a..b", ".a", "a" * 64, "a b", "a/b", "a@b", "a%2e", "", "x\0y"])
def test_what_is_no_host(host: str) -> None:
    assert not is_host(host)


# The service's address.


PLAIN = [
    "http://gateway:8080",
    "http://10.0.0.1/v1",
    "http://api.x.ai/v1",
    "http://0.0.0.0:80",
    "http://localhost.example",
]
KEPT = [
    "https://gateway:8080",
    "https://api.x.ai/v1",
    "http://localhost:1/v1",
    "http://a.localhost",
    "http://127.0.0.2",
    "http://[::1]:1",
]


@pytest.mark.parametrize("kind", [Client, AsyncClient])
@pytest.mark.parametrize("url", PLAIN)
def test_a_key_in_plain_text_is_warned_of_where_the_client_is_made(kind: Any, url: str) -> None:
    with pytest.warns(InsecureBaseUrlWarning, match="in plain text") as caught:
        kind("CANARY-KEY", base_url=url)
    assert [warning.filename for warning in caught] == [__file__] and "CANARY" not in str(caught[0].message)


@pytest.mark.parametrize("url", KEPT)
def test_a_key_that_is_kept_is_not(url: str) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        Client("CANARY-KEY", base_url=url).close()


hosts = st.one_of(
    st.sampled_from(
        [
            "api.x.ai",
            "m\u00fcnchen.example",
            "xn--0",
            "a..b",
            "[::1]",
            "[::1",
            "127.1",
            "",
            "\u2100",
            "a\u3002b",
            "\u00df",
        ]
    ),
    st.text(max_size=8),
)
bases = st.builds(
    "{}{}{}{}{}{}".format,
    st.sampled_from(["https://", "http://", "https:", "https:/", "ftp://", "HTTPS://", "//", "", " https://"]),
    st.sampled_from(["", "", "", "u:CANARY@", "CANARY@", "@", "u:CANARY\uff20", "u:CANARY%40"]),
    hosts,
    st.sampled_from(["", "", ":8080", ":0", ":65536", ":x", ":", ":-1", ":\u0661", ":" + "9" * 5000]),
    st.one_of(
        st.sampled_from(["", "/v1", "/v1/", "/\n", "/\\", "/ ", "/\x7f", "/\ud800", "/\u200b"]), st.text(max_size=5)
    ),
    st.sampled_from(["", "", "?a=CANARY", "#CANARY", "?", "#"]),
)


@settings(max_examples=1000, deadline=None)
@given(bases)
def test_any_address_is_taken_or_refused_in_our_words(url: str) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", InsecureBaseUrlWarning)
        try:
            made = Config("k", url or "x", 1.0, 1, None)
        except ConfigurationError as error:
            assert "CANARY" not in f"{error!r} {error} {error.__cause__!r}" and (
                error.__suppress_context__ or not error.__context__
            )
            return
    # What is taken can be asked: the library makes a request of it, and the system can look its host up.
    request = httpx.Request("GET", made.base_url + "/videos/x")
    request.url.raw_host.decode("ascii").encode("idna")
    assert (
        request.url.scheme in ("http", "https")
        and request.url.host
        and not request.url.userinfo
        and not request.url.query
    )
    assert request.url.port is None or 0 < request.url.port < 65536


# Proxies.


@pytest.fixture
def proxy() -> Iterator[Host]:
    """Answers whatever it is asked to bring."""
    proxy = Host()
    body = b'{"status": "pending"}'
    proxy.scripts = [lambda c, s: c.sendall(b"HTTP/1.1 200 X\r\ncontent-length: %d\r\n\r\n%s" % (len(body), body))]
    yield proxy
    proxy.close()


@pytest.fixture
def there() -> Iterator[Host]:
    """A service, and the host of its files."""
    host = Host()
    body = b'{"status": "done", "video": {"url": "%s/a.mp4"}}' % host.origin.encode()

    def script(connection: Any, seen: Any) -> None:
        if seen.path.startswith("/v1"):
            connection.sendall(b"HTTP/1.1 200 X\r\ncontent-length: %d\r\n\r\n%s" % (len(body), body))
        else:
            serves()(connection, seen)

    host.scripts = [script]
    yield host
    host.close()


@pytest.mark.parametrize("kind", ["sync", "async"])
@pytest.mark.parametrize("name", ["http_proxy", "all_proxy", "ALL_PROXY"])
def test_this_machine_is_asked_without_a_proxy(
    kind: str, name: str, proxy: Host, there: Host, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv(name, proxy.origin)
    for origin in (there.origin, there.origin.replace("127.0.0.1", "localhost")):
        api = Api(kind, ManualClock(), f"{origin}/v1")
        path = api(lambda c: c.video.download(ID, tmp_path / "a.mp4", overwrite=True))
        assert path.read_bytes() == MP4
    assert not proxy.requests and len(there.requests) == 4


@pytest.mark.filterwarnings("ignore::grok_imagine.InsecureBaseUrlWarning")
@pytest.mark.parametrize("kind", ["sync", "async"])
def test_others_are_asked_through_it_unless_they_are_excepted(
    kind: str, proxy: Host, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("http_proxy", proxy.origin)
    api = Api(kind, ManualClock(), "http://api.invalid/v1", retry=RetryPolicy(max_retries=0))
    assert api(lambda c: c.video.get(ID)).status == "pending"
    assert proxy.requests[0].path == f"http://api.invalid/v1/videos/{ID}"
    monkeypatch.setenv("no_proxy", "api.invalid")
    with pytest.raises(NotDelivered):
        api(lambda c: c.video.get(ID))
    assert len(proxy.requests) == 1


@pytest.mark.parametrize(
    "proxy_url",
    ["socks5://u:CANARY@127.0.0.1:9", "ftp://u:CANARY@127.0.0.1:9", "http://u:CANARY@h:x"],
)
def test_a_proxy_that_is_none_is_told_in_our_words(proxy_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("https_proxy", proxy_url)

    async def ask() -> None:
        async with AsyncClient("k") as client:
            await client.video.get(ID)

    for use in (lambda: Client("k"), lambda: asyncio.run(ask())):
        with pytest.raises(ConfigurationError, match="proxy") as caught:
            use()
        assert "CANARY" not in f"{caught.value!r} {caught.value.__cause__!r}"
        assert caught.value.__suppress_context__ or not caught.value.__context__


# Where a service may send a download.


LOCAL = (
    "127.0.0.1", "localhost", "localhost.", "a.localhost", "127.1", "2130706433", "0x7f.1", "0177.0.0.1", "0x7f000001", "127.0.0.1.",
    "0.0.0.0", "0", "[::1]", "[::]", "[::ffff:127.0.0.1]", "[::ffff:7f00:1]", "[64:ff9b::127.0.0.1]", "169.254.169.254", "[fe80::1]",
    "255.255.255.255", "224.0.0.1", "LOCALHOST", "127.127.127.127",
)  # fmt: skip


@pytest.mark.filterwarnings("ignore::grok_imagine.InsecureBaseUrlWarning")
@pytest.mark.parametrize("kind", ["sync", "async"])
@pytest.mark.parametrize("scheme", ["http", "https"])
def test_no_service_elsewhere_has_a_program_ask_what_listens_here(
    kind: str, scheme: str, there: Host, proxy: Host, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("http_proxy", proxy.origin)  # which stands for the service
    port = there.origin.rpartition(":")[2]
    api = Api(kind, ManualClock(), "http://api.invalid/v1", retry=RetryPolicy(max_retries=0))
    for host in LOCAL:
        body = b'{"status": "done", "video": {"url": "%s://%s:%s/a.mp4?CANARY"}}' % (
            scheme.encode(),
            host.encode(),
            port.encode(),
        )
        proxy.scripts = [
            lambda c, s, body=body: c.sendall(b"HTTP/1.1 200 X\r\ncontent-length: %d\r\n\r\n%s" % (len(body), body))
        ]
        with pytest.raises(DownloadError) as caught:
            api(lambda c: c.video.download(ID, tmp_path / "a.mp4"))
        assert caught.value.reason == "url" and "CANARY" not in str(caught.value), host
    assert not there.requests and len(proxy.requests) == len(LOCAL) and not list(tmp_path.iterdir())


@pytest.mark.parametrize("kind", ["sync", "async"])
def test_a_service_here_may_name_files_here_but_none_elsewhere_in_plain_text(
    kind: str, there: Host, tmp_path: Path
) -> None:
    api = Api(kind, ManualClock(), f"{there.origin}/v1")
    assert api(lambda c: c.video.download(ID, tmp_path / "a.mp4")).read_bytes() == MP4
    for url in (
        "http://10.0.0.1/a.mp4",
        "http://example.invalid/a.mp4",
        "https://2130706433/a.mp4",
        "https://169.254.169.254/",
    ):
        video = Video(ID, {"status": "done", "video": {"url": url}})
        with pytest.raises(DownloadError) as caught:
            api(lambda c, video=video: c.video.download(video, tmp_path / "b.mp4"))
        assert caught.value.reason == "url"


# URLs are read here, and by the library again.


PIECES = [
    "https", "HTTPS", "ftp", "", ":", "://", "//", "/", "\\", "@", "u:p@", "u@", "vidgen.x.ai", "evil.example", "127.0.0.1", "localhost",
    "[::1]", "[fe80::1%25e]", "[::1", "]", "::1", "0x7f.1", "2130706433", "999.1.1.1", "1.2.3", "xn--0", "xn--mnchen-3ya.de", "m\u00fcnchen.de",
    "\u00df.de", "\u3002", "\uff0e", "\u2100", "\u2603", ":443", ":80", ":0", ":65536", ":+443", ":4_4", ":\u0661", "?q=a b", "#f", "?", "#",
    "/a/../b", "/./..", "%2e", "%", "%zz", " ", "\t", "\n", "\x7f", "\x80", "\u200b", "\ud800", "a", "..", "a..b", "-a", "_a", "a" * 64, "data:",
    "\u0130", "\u212a", "\u2028",
]  # fmt: skip
BEFORE = "https://vidgen.x.ai/bucket/a.mp4?sig=1"


@settings(max_examples=3000, deadline=None)
@given(
    st.sampled_from(["", "https://", "http://", "https:", "//"]),
    st.lists(st.sampled_from(PIECES), max_size=6),
    st.booleans(),
)
def test_what_is_read_as_a_host_the_library_reads_as_the_same(begin: str, pieces: list[str], is_redirect: bool) -> None:
    text = begin + "".join(pieces)
    try:
        place = parse(BEFORE).join(text) if is_redirect else parse(text)
    except ValueError:
        return
    if place.scheme not in ("http", "https") or not place.host:
        return
    library = httpx.URL(place.text)
    assert (library.scheme, library.raw_host.decode("ascii"), library.port) == (place.scheme, place.host, place.port)
    assert library.host and (place.has_user or not library.userinfo)
    assert place.path == "" or library.path
