"""How a client reaches the network: proxies, certificates, and HTTP clients of the caller's own, of httpx and of httpx2."""

from __future__ import annotations

import asyncio
import socket
import ssl
import threading
from collections.abc import Callable, Iterator
from contextlib import closing, suppress
from pathlib import Path
from typing import Any

import httpx
import httpx2
import pytest
import trustme

from grok_imagine import (
    AsyncClient,
    BadRequestError,
    Client,
    ConfigurationError,
    DownloadError,
    NotDelivered,
    NotFoundError,
    RetryPolicy,
    Video,
)
from grok_imagine.transport.failures import transport_error
from grok_imagine_sandbox import Sandbox
from hosts import MP4, Seen
from support import HANG, Api, ManualClock

ID = "11111111-2222-3333-4444-555555555555"
KEY = "CANARY-key-0000"
SERVICE, FILES = "api.example", "files.example"
ONCE = RetryPolicy(max_retries=0)
LIBRARIES = pytest.mark.parametrize("library", [httpx, httpx2], ids=["httpx", "httpx2"])
KINDS = pytest.mark.parametrize("kind", ["sync", "async"])


class Site:
    """Service and host of files behind one port, with certificates of a CA of its own; only the proxy knows the way."""

    def __init__(self) -> None:
        self.authority = trustme.CA()
        self._tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self.authority.issue_cert(SERVICE, FILES).configure_cert(self._tls)
        self.requests: list[Seen] = []
        self.tunnels: list[Seen] = []
        self._listeners = [socket.create_server(("127.0.0.1", 0)) for _ in range(2)]
        self._port, proxy_port = (each.getsockname()[1] for each in self._listeners)
        self.proxy = f"http://user:CANARY-password@127.0.0.1:{proxy_port}"
        for listener, serve in zip(self._listeners, (self._answer, self._tunnel), strict=True):
            threading.Thread(target=self._accept, args=(listener, serve), daemon=True).start()

    def trusted(self) -> ssl.SSLContext:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        self.authority.configure_trust(context)
        return context

    def _accept(self, listener: socket.socket, serve: Callable[[socket.socket], None]) -> None:
        while True:
            try:
                connection, _ = listener.accept()
            except OSError:
                return
            connection.settimeout(HANG)
            threading.Thread(target=self._quietly, args=(serve, connection), daemon=True).start()

    def _quietly(self, serve: Callable[[socket.socket], None], connection: socket.socket) -> None:
        with closing(connection), suppress(OSError):
            serve(connection)

    def _answer(self, plain: socket.socket) -> None:
        with closing(self._tls.wrap_socket(plain, server_side=True)) as connection:
            seen = _head(connection)
            self.requests.append(seen)
            body = MP4
            if seen.headers["host"] == SERVICE and not seen.path.endswith("/content"):
                body = b'{"status": "done", "video": {"url": "https://%s/a.mp4?sig=CANARY"}}' % FILES.encode()
            fields = b"HTTP/1.1 200 X\r\nset-cookie: new=CANARY\r\nconnection: close\r\ncontent-length: %d\r\n\r\n"
            connection.sendall(fields % len(body) + body)

    def _tunnel(self, connection: socket.socket) -> None:
        self.tunnels.append(_head(connection))
        connection.sendall(b"HTTP/1.1 200 X\r\n\r\n")
        with closing(socket.create_connection(("127.0.0.1", self._port))) as there:
            back = threading.Thread(target=_copy, args=(there, connection), daemon=True)
            back.start()
            _copy(connection, there)
            back.join(HANG)

    def close(self) -> None:
        for listener in self._listeners:
            with suppress(OSError):
                listener.shutdown(socket.SHUT_RDWR)
            listener.close()


def _head(connection: socket.socket) -> Seen:
    head = b""
    while b"\r\n\r\n" not in head:
        head += (got := connection.recv(65536))
        if not got:
            raise ConnectionError
    return Seen(head.partition(b"\r\n\r\n")[0].decode("latin-1"))


def _copy(source: socket.socket, target: socket.socket) -> None:
    with suppress(OSError):
        while data := source.recv(65536):
            target.sendall(data)
        target.shutdown(socket.SHUT_WR)


@pytest.fixture
def site() -> Iterator[Site]:
    site = Site()
    yield site
    site.close()


def fetch(kind: str, path: Path, **options: Any) -> None:
    """Each way in which a file comes: of a job's id, of a result, of the service's own files, to disk and into memory."""
    api = Api(kind, ManualClock(), f"https://{SERVICE}/v1", api_key=KEY, retry=ONCE, request_timeout=60, **options)

    def save(client: Any) -> Any:
        if kind == "sync":
            client.video.get(ID).save(path / "saved.mp4")
            client.files.download("the-file", path / "file")
            return client.files.content("the-file")

        async def run() -> bytes:
            await (await client.video.get(ID)).save(path / "saved.mp4")
            await client.files.download("the-file", path / "file")
            content: bytes = await client.files.content("the-file")
            return content

        return run()

    assert api(save) == MP4
    assert api(lambda c: c.video.download(ID, path / "a.mp4")).read_bytes() == MP4
    assert (path / "saved.mp4").read_bytes() == (path / "file").read_bytes() == MP4


def has_kept_its_secrets(site: Site) -> None:
    """The key went to the service alone, and with everything that goes there; the proxy saw names only."""
    hosts = {seen.headers["host"] for seen in site.requests}
    assert hosts == {SERVICE, FILES}
    for seen in site.requests:
        assert (KEY in str(seen.headers)) == (seen.headers["host"] == SERVICE)
    assert {seen.path for seen in site.tunnels} == {f"{SERVICE}:443", f"{FILES}:443"}
    assert KEY not in str([seen.headers for seen in site.tunnels])


@KINDS
@pytest.mark.parametrize("how", ["context", "file", "folder", "off"])
def test_a_proxy_and_certificates_hold_for_everything(kind: str, how: str, site: Site, tmp_path: Path) -> None:
    folder = tmp_path / "certificates"
    folder.mkdir()
    site.authority.cert_pem.write_to_path(folder / "ca.pem")
    # A folder of certificates has names that only OpenSSL's own tool gives: here it is read, and trusts nobody.
    verify = {"context": site.trusted(), "file": str(folder / "ca.pem"), "folder": folder, "off": False}[how]
    if how == "folder":
        with pytest.raises(NotDelivered, match="CERTIFICATE_VERIFY_FAILED"):
            fetch(kind, tmp_path, proxy=site.proxy, verify=verify)
        return
    fetch(kind, tmp_path, proxy=site.proxy, verify=verify)
    has_kept_its_secrets(site)
    assert all("proxy-authorization" in seen.headers for seen in site.tunnels)


@KINDS
def test_a_certificate_of_an_authority_that_is_not_trusted_is_refused(kind: str, site: Site, tmp_path: Path) -> None:
    with pytest.raises(NotDelivered, match="CERTIFICATE_VERIFY_FAILED") as caught:
        fetch(kind, tmp_path, proxy=site.proxy)
    assert not site.requests and (caught.value.host, caught.value.port) == (SERVICE, 443)
    assert f"{SERVICE}:443" in str(caught.value) and "CANARY" not in str(caught.value)


def lent(library: Any, kind: str, site: Site) -> Any:
    """A client of the caller's own, with much that is none of a host of files' business."""

    def tell(request: Any) -> None:
        request.headers["x-hook"] = "CANARY-hook"

    async def tell_async(request: Any) -> None:
        tell(request)

    make = library.Client if kind == "sync" else library.AsyncClient
    return make(
        proxy=site.proxy,
        verify=site.trusted(),
        headers={"x-gateway": "CANARY-header", "user-agent": "CANARY-agent"},
        cookies={"own": "CANARY-cookie"},
        params={"own": "CANARY-param"},
        auth=("CANARY-user", "CANARY-password"),
        event_hooks={"request": [tell if kind == "sync" else tell_async]},
    )


@LIBRARIES
@KINDS
@pytest.mark.parametrize("keyword", ["http_client", "download_client"])
def test_files_come_through_a_client_that_was_given_and_get_nothing_else_of_it(
    library: Any, kind: str, keyword: str, site: Site, tmp_path: Path
) -> None:
    """Of the caller's client they have the proxy, the certificates and the connections: no header, auth, cookie or hook."""
    given = lent(library, kind, site)
    options = {keyword: given}
    if keyword == "download_client":
        options |= {"proxy": site.proxy, "verify": site.trusted()}
    fetch(kind, tmp_path, **options)
    files = [seen for seen in site.requests if seen.headers["host"] == FILES or seen.path.endswith("/content")]
    assert len(files) == 4
    for seen in files:
        # The signature is the file's own; the key belongs to the service.
        shown = str(seen.headers).replace(KEY, "") + seen.path.replace("sig=CANARY", "")
        assert "CANARY" not in shown and seen.headers["user-agent"].startswith("grok-imagine/")
        assert (KEY in str(seen.headers)) == (seen.headers["host"] == SERVICE)
    assert {seen.path for seen in site.tunnels} == {f"{SERVICE}:443", f"{FILES}:443"}
    assert not given.is_closed and FILES not in str(list(given.cookies.jar))
    given.close() if kind == "sync" else asyncio.run(given.aclose())


@LIBRARIES
@KINDS
def test_whatever_transport_a_client_has_brings_its_files(library: Any, kind: str, tmp_path: Path) -> None:
    """A transport of the caller's own may have read the whole answer."""
    seen: list[tuple[str, dict[str, str]]] = []

    def answer(request: Any) -> Any:
        seen.append((request.url.host, dict(request.headers)))
        if request.url.host == SERVICE and not request.url.path.endswith("/content"):
            return library.Response(200, json={"status": "done", "video": {"url": f"https://{FILES}/a.mp4"}})
        return library.Response(200, content=MP4)

    make = library.Client if kind == "sync" else library.AsyncClient
    fetch(kind, tmp_path, http_client=make(transport=library.MockTransport(answer), auth=("u", "CANARY")))
    assert all("authorization" not in headers for host, headers in seen if host == FILES)


@LIBRARIES
@KINDS
def test_the_errors_of_either_library_say_whether_a_request_was_sent(library: Any, kind: str) -> None:
    with closing(socket.create_server(("127.0.0.1", 0))) as listener:
        port = listener.getsockname()[1]
    given = library.Client() if kind == "sync" else library.AsyncClient()
    api = Api(kind, ManualClock(), f"http://127.0.0.1:{port}/v1?"[:-1], retry=ONCE, http_client=given)
    for use in (lambda c: c.video.get(ID), lambda c: c.video.start("A cat"), lambda c: c.files.content("the-file")):
        with pytest.raises(NotDelivered) as caught:
            api(use)
        assert (caught.value.host, caught.value.port) == ("127.0.0.1", port)
        assert str(caught.value).startswith(f"127.0.0.1:{port}: ConnectError")


@LIBRARIES
def test_errors_are_known_by_their_names(library: Any) -> None:
    core = __import__(library.__name__.replace("httpx", "httpcore"))
    for module in (library, core):
        sent = {"ReadTimeout": "RequestTimeout", "ReadError": "TransportError", "RemoteProtocolError": "TransportError"}
        never = dict.fromkeys(("ConnectError", "ConnectTimeout", "PoolTimeout", "ProxyError"), "NotDelivered")
        for name, ours in (sent | never).items():
            assert type(transport_error(getattr(module, name)("x"))).__name__ == ours
    assert type(transport_error(type("ConnectError", (Exception,), {})("x"))).__name__ == "TransportError"


@KINDS
@LIBRARIES
def test_a_client_that_was_closed_is_told_of(library: Any, kind: str, tmp_path: Path) -> None:
    given = library.Client() if kind == "sync" else library.AsyncClient()
    given.close() if kind == "sync" else asyncio.run(given.aclose())
    with pytest.raises(ConfigurationError, match="closed"):
        Api(kind, ManualClock(), "http://127.0.0.1:1/v1", http_client=given)(lambda c: c.files.content("the-file"))


@pytest.mark.parametrize("keyword", ["http_client", "download_client"])
def test_what_is_no_http_client_is_refused_where_the_client_is_made(keyword: str) -> None:
    for make, right, wrong in (
        (Client, "Client", httpx.AsyncClient()),
        (Client, "Client", object()),
        (AsyncClient, "AsyncClient", httpx2.Client()),
        (AsyncClient, "AsyncClient", "x"),
    ):
        with pytest.raises(ConfigurationError, match=f"{keyword} is an httpx.{right} or an httpx2.{right}"):
            make("k", **{keyword: wrong})


@pytest.mark.parametrize("make", [Client, AsyncClient])
@pytest.mark.parametrize(
    "options",
    [
        {"proxy": "CANARY"}, {"proxy": "ftp://u:CANARY@h"}, {"proxy": "http://u:CANARY@h:x"}, {"proxy": 5}, {"proxy": "http://"},
        {"proxy": "http://u:CANARY@h\n"}, {"verify": "/no/such/CANARY"[:8]}, {"verify": 5}, {"verify": ""}, {"verify": None},
        {"proxy": "http://h", "http_client": "either"}, {"verify": False, "http_client": "either"},
    ],
)  # fmt: skip
def test_what_can_not_be_used_is_refused_where_the_client_is_made(make: Any, options: dict[str, Any]) -> None:
    if "http_client" in options:
        options = options | {"http_client": httpx.Client() if make is Client else httpx.AsyncClient()}
    with pytest.raises(ConfigurationError, match=r"proxy|verify") as caught:
        make("k", **options)
    assert "CANARY" not in f"{caught.value!r} {caught.value.__cause__!r}"
    assert caught.value.__suppress_context__ or not caught.value.__context__


@KINDS
def test_a_download_says_where_it_failed(kind: str, tmp_path: Path) -> None:
    with closing(socket.create_server(("127.0.0.1", 0))) as listener:
        port = listener.getsockname()[1]
    video = Video(ID, {"status": "done", "video": {"url": f"http://127.0.0.1:{port}/a.mp4?sig=CANARY"}})
    api = Api(kind, ManualClock(), f"http://127.0.0.1:{port}/v1", retry=ONCE)
    with pytest.raises(DownloadError, match=f"127.0.0.1:{port}: ConnectError") as caught:
        api(lambda c: c.video.download(video, tmp_path / "a.mp4"))
    cause = caught.value.__cause__
    assert isinstance(cause, NotDelivered) and (cause.host, cause.port) == ("127.0.0.1", port)
    assert str(caught.value).count("127.0.0.1") == 1 and "CANARY" not in str(caught.value)


def test_a_base_url_without_its_version_is_told_of(api: Api, sandbox: Sandbox) -> None:
    """The service answers a path that it does not know in another shape than a job that it does not know."""
    cut = sandbox.base_url.removesuffix("/v1")
    for use in (
        lambda c: c.video.get(ID),
        lambda c: c.video.start("A cat"),
        lambda c: c.models.list(),
        lambda c: c.files.content("x"),
    ):
        with pytest.raises(NotFoundError, match=r"does base_url end in /v1\?") as caught:
            api(use, base_url=cut)
        assert (
            caught.value.hint and caught.value.hint.code == "base_url" and caught.value.hint.text in str(caught.value)
        )
    with pytest.raises(NotFoundError) as caught:
        api(lambda c: c.video.get(ID))
    assert caught.value.hint is None


def test_an_id_that_is_none_of_the_services_is_a_bad_request(api: Api) -> None:
    with pytest.raises(BadRequestError, match="Malformed request ID"):
        api(lambda c: c.video.get("no-id"))
