"""A canary in every secret: the key, a signed URL, a data: URL and a prompt go through every path, and show up nowhere."""

from __future__ import annotations

import asyncio
import base64
import gc
import html
import json
import logging
import os
import socket
import subprocess
import sys
import threading
import traceback
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any
from urllib.parse import quote

import httpx
import httpx2
import pytest

import support
from grok_imagine import AsyncClient, Client, GrokImagineError, Ledger, RetryPolicy
from grok_imagine.transport import redaction
from grok_imagine_sandbox import SCENARIOS, Sandbox
from hosts import MP4, Host
from support import ROOT, UNLIMITED, Api, ManualClock, closing_after

KEY = "xai-CANARY0key0000000000"
DATA = "data:image/png;base64,CANARY0data"
SIGNED = "https://storage.example.com/put?signature=CANARY0signed"
CLIP = "https://example.com/a.mp4?signature=CANARY0signed"
NO_SCHEME = "a.example/put?signature=CANARY0signed"
PROMPT = "CANARY0prompt"
PATHS = {
    "text": lambda c: c.video.generate(PROMPT, duration=1),
    "image": lambda c: c.video.generate(PROMPT, image_url=DATA, duration=1),
    "upload": lambda c: c.video.generate(PROMPT, output_upload_url=SIGNED, duration=1),
    "edit": lambda c: c.video.generate(PROMPT, video_url=CLIP),
    "refused-mode": lambda c: c.video.generate(PROMPT, image_url=DATA, video_url=CLIP),
    "refused-length": lambda c: c.video.generate(PROMPT * 1000),
    "refused-upload": lambda c: c.video.generate(PROMPT, output_upload_url=SIGNED, duration=99),
    "refused-url": lambda c: c.video.generate(PROMPT, output_upload_url=NO_SCHEME),
    "models": lambda c: c.models.list(),
}
QUICK = sorted(name for name in SCENARIOS if "slow" not in name)


def shown(value: Any) -> str:
    """All that printing, logging or a traceback would show of a result or an error."""
    if isinstance(value, BaseException):
        return "".join(traceback.format_exception(value)) + repr(value)
    return f"{value!r} {value!s} {getattr(value, 'request', '')!r}"


def run(api: Api, path: str, ledger: Ledger, **options: Any) -> str:
    try:
        return shown(api(PATHS[path], ledger=ledger, api_key=KEY, **options))
    except GrokImagineError as error:
        return shown(error)


@pytest.fixture
def everything(caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str], tmp_path: Path) -> Any:
    """What came out of the process: logs of every library at DEBUG, both streams, and the ledger's file."""
    caplog.set_level(logging.DEBUG)

    def collect(said: str) -> str:
        logs = "\n".join(f"{record.name} {record.getMessage()} {record.exc_text or ''}" for record in caplog.records)
        files = "".join(path.read_bytes().decode("latin-1") for path in tmp_path.glob("jobs.db*"))
        out, err = capfd.readouterr()
        return said + logs + out + err + files

    return collect


@pytest.mark.filterwarnings("ignore::grok_imagine.UnknownStatusWarning")
@pytest.mark.parametrize("path", PATHS)
def test_no_path_shows_a_secret(api: Api, sandbox: Sandbox, tmp_path: Path, everything: Any, path: str) -> None:
    assert "CANARY" not in everything(run(api, path, Ledger(tmp_path / "jobs.db")))


@pytest.mark.filterwarnings("ignore::grok_imagine.UnknownStatusWarning")
@pytest.mark.parametrize("name", QUICK)
def test_no_failure_shows_a_secret(api: Api, sandbox: Sandbox, tmp_path: Path, everything: Any, name: str) -> None:
    said = run(api, "image", Ledger(tmp_path / "jobs.db"), headers={"x-sandbox-scenario": name})
    assert "CANARY" not in everything(said) and "xai-video-" not in said


def test_a_result_shows_no_url(api: Api, sandbox: Sandbox, everything: Any) -> None:
    """Whoever has it has the video: no key is asked for."""
    video = api(PATHS["text"])
    assert "xai-video-" in video.url
    assert "xai-video-" not in everything(shown(video) + shown(api(lambda c: c.video.start(PROMPT))))


# What the libraries log of an answer that repeats the key.

KEYS = [
    KEY,
    "xai-CANARY'quote",
    'xai-CANARY"quote',
    "xai-CANARY'both\"",
    "xai-CANARY\\slash",
    "xai-CANARY+a/b=%&<",
    "CANARY0",
]
"""The last is shorter than any of the service's: it is known by the scheme before it."""
ECHOES = [
    "HTTP/1.1 200 {}\r\n", "HTTP/1.1 200 X\r\nx-echo: {}\r\n", "HTTP/1.1 200 X\r\nx-echo: a, {}; b\r\nx-two: {}\r\n",
    "HTTP/1.1 302 X\r\nlocation: /there?key={}\r\n", "HTTP/1.1 302 X\r\nlocation: https://a.example/{}\r\n",
    "HTTP/1.1 500 {}\r\nset-cookie: key={}\r\n", "HTTP/1.1 200 X\r\nx-{}: 1\r\n", "HTTP/1.1 200 X\r\n bad {}\r\n", "{}\r\n",
    "HTTP/1.1 103 X\r\nlink: {}\r\n\r\nHTTP/1.1 200 X\r\n", "HTTP/1.1 302 X\r\nlocation: /t?a='b c&signature=CANARY0s\"\r\n",
]  # fmt: skip
LOGGERS = [
    "httpx", "httpcore", "httpcore.connection", "httpcore.http11", "httpcore.http2", "httpcore.proxy", "httpcore.socks", "httpx2",
    "httpcore2", "httpcore2.http11", "hpack.hpack", "h2", "h11", "httpcore.one_more",
]  # fmt: skip


@pytest.fixture
def service() -> Iterator[Host]:
    host = Host()
    yield host
    host.close()


def logged(caplog: pytest.LogCaptureFixture) -> str:
    """What any handler could make of the records."""
    return "\n".join(f"{r.name} {r.getMessage()} {r.msg} {r.args} {vars(r)}" for r in caplog.records)


def look(kind: str, url: str, key: str, library: Any) -> None:
    """With a client of ours, or one that its maker made with a library."""
    options: dict[str, Any] = {
        "api_key": key,
        "base_url": url,
        "retry": RetryPolicy(max_retries=0),
        "limits": UNLIMITED,
    }
    if kind == "sync":
        with (
            (library or httpx).Client(trust_env=False) as http,
            Client(**options, http_client=http if library else None) as client,
        ):
            client.video.get("the-id")
        return

    async def run() -> None:
        async with (
            (library or httpx).AsyncClient(trust_env=False) as http,
            AsyncClient(**options, http_client=http if library else None) as client,
        ):
            await client.video.get("the-id")

    asyncio.run(run())


@pytest.mark.parametrize("kind", ["sync", "async"])
@pytest.mark.parametrize("key", KEYS)
@pytest.mark.parametrize("library", [None, httpx, httpx2], ids=["ours", "httpx", "httpx2"])
def test_no_log_shows_what_an_answer_repeats(
    kind: str, key: str, library: Any, service: Host, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    told_of: set[str] = set()
    for number, echo in enumerate(ECHOES, KEYS.index(key)):
        plain = f"Bearer {key}"
        escaped = plain if len(key) < 8 else quote(key, safe="")
        said = (plain, escaped, json.dumps(plain), html.escape(plain))[number % 4]
        answer = echo.replace("{}", said).encode() + b"content-length: 2\r\n\r\n" + b"{}"
        service.scripts = [lambda c, s, answer=answer: c.sendall(answer)]
        with suppress(GrokImagineError):
            look(kind, f"{service.origin}/v1", key, library)
        text = logged(caplog)
        assert "CANARY" not in text and key not in text, (echo, said)
        told_of |= {record.name for record in caplog.records}
        caplog.clear()
    name = (library or httpx).__name__  # of what stands under the name, where a program has put another there
    core = name.replace("httpx", "httpcore")
    is_told = name in told_of
    assert {f"{core}.http11", f"{core}.connection"} <= told_of and is_told == (library is not None)


@pytest.mark.parametrize("name", LOGGERS)
def test_every_logger_is_filtered_and_leaves_others_alone(name: str, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    logger, arguments = (
        logging.getLogger(name),
        ("GET", "http://h/?a=b", [(b"authorization", f"Bearer {KEY}".encode())]),
    )
    innocent = ("%s %s %s", "GET", "http://h/?a=b", [(b"authorization", b"Bearer another")])
    with Client(KEY):
        logger.debug("%s %s %s", *arguments)
        logger.info(f"as text {KEY} and {KEY.upper()}")
        logger.warning("%(key)s", {"key": KEY.encode()})
        logger.debug(*innocent)
    assert "CANARY" not in logged(caplog).upper()
    assert (caplog.records[-1].msg, *caplog.records[-1].args) == innocent and len(caplog.records) == 4


def test_importing_changes_no_logger() -> None:
    program = """
import logging, grok_imagine, grok_imagine._sync.client, grok_imagine.download.transfer, grok_imagine.transport.aio, sys
names = ["httpx", "httpcore", "httpcore.http11", "httpcore.connection"]
print([logging.getLogger(name).filters for name in names])
client = grok_imagine.Client("k"); grok_imagine.Client("k")
print([len(logging.getLogger(name).filters) for name in names])
"""
    path = os.pathsep.join(str(ROOT / name) for name in ("overlay", "generated"))
    command, environment = [sys.executable, "-c", program], {**os.environ, "PYTHONPATH": path}
    shown = subprocess.run(command, env=environment, capture_output=True, text=True, check=True).stdout
    assert shown == "[[], [], [], []]\n[1, 1, 1, 1]\n"


ALIASES = {
    "one name": "import httpx2; sys.modules['httpx'] = httpx2",
    "both names": "import httpx2, httpcore2; sys.modules.update(httpx=httpx2, httpcore=httpcore2)",
    "as the library does": "import httpx2; httpx2.alias_httpx()",
    "after the import": "import httpx2, grok_imagine; sys.modules['httpx'] = httpx2",
    "the other way": "import httpx, httpcore; sys.modules.update(httpx2=httpx, httpcore2=httpcore)",
}


@pytest.mark.parametrize("kind", ["sync", "async"])
@pytest.mark.parametrize("how", ALIASES)
def test_no_log_shows_a_secret_where_one_library_stands_under_the_name_of_the_other(
    how: str, kind: str, service: Host, tmp_path: Path
) -> None:
    body = b'{"status": "done", "video": {"url": "%s/a.mp4?sig=CANARY0signed"}}' % service.origin.encode()

    def script(connection: Any, seen: Any) -> None:
        content = body if seen.path.startswith("/v1") else MP4
        echo = f"HTTP/1.1 200 X\r\nx-echo: {seen.headers.get('authorization', seen.path)}\r\n".encode()
        connection.sendall(echo + b"content-length: %d\r\n\r\n" % len(content) + content)

    service.scripts = [script]
    program = f"""
import asyncio, logging, sys
{ALIASES[how]}
logging.basicConfig(level=logging.DEBUG, stream=sys.stdout)
from grok_imagine import AsyncClient, Client
options = dict(api_key={KEY!r}, base_url="{service.origin}/v1")
path = {str(tmp_path / "a.mp4")!r}
if {kind == "sync"}:
    with Client(**options) as client:
        client.video.download("the-id", path)
else:
    async def run():
        async with AsyncClient(**options) as client:
            await client.video.download("the-id", path)
    asyncio.run(run())
"""
    path = os.pathsep.join(str(ROOT / name) for name in ("overlay", "generated"))
    command, environment = [sys.executable, "-c", program], {**os.environ, "PYTHONPATH": path}
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=True)
    assert "send_request_headers" in done.stdout and "CANARY" not in done.stdout + done.stderr
    assert (tmp_path / "a.mp4").read_bytes() == MP4


def test_a_key_is_kept_out_as_long_as_its_client_lives(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    gc.collect()
    before = len(redaction._patterns)
    clients = [Client(f"xai-CANARY0key{n:010}") for n in range(20)]
    assert len(redaction._patterns) == before + 20
    for n in range(20):
        logging.getLogger("httpcore.http11").debug(f"key xai-CANARY0key{n:010}")
    assert "CANARY" not in logged(caplog)
    for client in clients:
        client.close()
    del client, clients
    gc.collect()
    assert len(redaction._patterns) <= before


def test_the_canary_sings_when_it_is_there(everything: Any) -> None:
    logging.getLogger("anything").warning("key %s", KEY)
    assert "CANARY" in everything("")


# Local variables, which error trackers and `pytest -l` show.


def raw(answer: bytes) -> Iterator[str]:
    """The address of a server that reads a little of each connection, answers it so, and closes."""
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def serve() -> None:
            while True:
                try:
                    connection, _ = listener.accept()
                except OSError:
                    return
                with connection, suppress(OSError):
                    connection.recv(100)
                    connection.sendall(answer)

        threading.Thread(target=serve, daemon=True).start()
        yield f"127.0.0.1:{listener.getsockname()[1]}"
        listener.shutdown(socket.SHUT_RDWR)


WAYS = {
    "closes": (b"", "http://{}/v1", None),
    "is none": (b"", "http://127.0.0.1:1/v1", None),
    "is behind a proxy that closes": (b"", "http://far.example/v1", "http://u:CANARY0password@{}"),
    "is behind a proxy that refuses": (b"HTTP/1.1 407 X\r\n\r\n", "https://far.example/v1", "http://u:CANARY0password@{}"),
    "is behind a tunnel that closes": (b"", "https://far.example/v1", "http://u:CANARY0password@{}"),
    "refuses": (b"HTTP/1.1 400 X\r\ncontent-length: 2\r\n\r\n{}", "http://{}/v1", None),
    "answers nonsense": (b"nonsense", "http://{}/v1", None),
}  # fmt: skip
LOOKS: dict[str, Any] = {
    "start": lambda c: c.video.start("A cat"),
    "get": lambda c: c.video.get("job-1"),
    "file": lambda c: c.files.content("file-1"),
    "upload": lambda c: c.files.upload(b"x", filename="a.png", strict=False),
}


@pytest.mark.filterwarnings("ignore::grok_imagine.InsecureBaseUrlWarning")
@pytest.mark.parametrize("kind", ["sync", "async"])
@pytest.mark.parametrize("given", [False, True], ids=["own", "given"])
@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("look", LOOKS)
def test_no_local_variable_shows_a_secret(kind: str, given: bool, way: str, look: str, clock: ManualClock) -> None:
    answer, url, proxy = WAYS[way]
    for address in raw(answer):
        options: dict[str, Any] = {"proxy": proxy and proxy.format(address)}
        use = LOOKS[look]
        if given:
            http = (httpx.Client if kind == "sync" else httpx.AsyncClient)(trust_env=False, **options)
            options, use = {"http_client": http}, closing_after(use, http)
        secret = {"api_key": "xai-CANARY0key0000000000", "headers": {"x-gateway": "CANARY0gateway"}}
        retry = RetryPolicy(max_retries=0)
        with pytest.raises(GrokImagineError) as caught:
            Api(kind, clock, url.format(address), retry=retry, request_timeout=5, **secret, **options)(use)
        frames = "".join(
            line
            for line in traceback.TracebackException.from_exception(caught.value, capture_locals=True).format()
            if f'"{__file__}"' not in line and f'"{support.__file__}"' not in line  # these frames are the caller's
        )
        assert "_fetch" in frames or "_stream" in frames or way == "refuses"
        assert "CANARY" not in frames and base64.b64encode(b"u:CANARY0password").decode() not in frames


@pytest.mark.parametrize("kind", ["sync", "async"])
def test_what_the_program_handles_meanwhile_is_left_alone(kind: str, clock: ManualClock) -> None:
    def lines() -> Iterator[int]:
        while True:
            with suppress(ValueError):
                yield 1

    def fails() -> None:
        mine = "kept"
        raise ValueError(mine)

    generator: Any = lines()
    next(generator)
    try:
        fails()
    except ValueError as error:
        generator.throw(error)
        with pytest.raises(GrokImagineError):
            Api(kind, clock, "http://127.0.0.1:1/v1", retry=RetryPolicy(max_retries=0))(LOOKS["get"])
        shown = traceback.TracebackException.from_exception(error, capture_locals=True).format()
        assert "mine = 'kept'" in "".join(shown)
    assert next(generator) == 1
