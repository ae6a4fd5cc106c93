"""A hostile client: whatever it sends or leaves unsent, memory and time are bounded and others are served meanwhile.

Nothing here measures seconds. That others are served is seen by being served; that work is linear by counting calls.
"""

import json
import logging
import re
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
import tracemalloc
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing, contextmanager, suppress
from pathlib import Path
from typing import Any

import httpx
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from grok_imagine_sandbox import Sandbox, bounds
from grok_imagine_sandbox.answers import Refusal
from grok_imagine_sandbox.contract import Contract
from grok_imagine_sandbox.shape import Body

GENERATIONS = "/videos/generations"
KEY = {"authorization": "Bearer x"}
HANG = 60.0  # seconds after which a test is taken to hang

CONTRACT = Contract()


def judged(raw: bytes, operation: str = "generateVideo") -> str:
    """What is said of a body, by the steps that look at all of it."""
    try:
        Body(bytearray(raw)).check(CONTRACT, operation)
    except Refusal as refusal:
        return str(refusal.answer.body)
    return ""


def calls(work: Callable[[], Any]) -> int:
    """How many functions some work calls, those in C included."""
    count = 0

    def note(_frame: Any, event: str, _argument: Any) -> None:
        nonlocal count
        count += event.endswith("call")

    sys.setprofile(note)
    try:
        work()
    finally:
        sys.setprofile(None)
    return count


AWAY = '{"url":"https://example.com/a.jpg"}'
SHAPES: dict[str, Callable[[int], str]] = {
    "empty keyframes": lambda n: '{"keyframes":[' + ",".join(["{}"] * n) + "]}",
    "keyframes": lambda n: '{"keyframes":[' + ",".join([f'{{"image":{AWAY},"timestamp_s":1}}'] * n) + "]}",
    "late keyframes": lambda n: '{"keyframes":[' + ",".join([f'{{"image":{AWAY},"timestamp_s":-1}}'] * n) + "]}",
    "keyframes without a source": lambda n: '{"keyframes":[' + ",".join(['{"image":{},"timestamp_s":1}'] * n) + "]}",
    "references": lambda n: '{"reference_images":[' + ",".join([AWAY] * n) + "]}",
    "references, the last bad": lambda n: '{"reference_images":[' + ",".join([AWAY] * n) + ',"x"]}',
    "numbers for references": lambda n: '{"reference_images":[' + ",".join(["1"] * n) + "]}",
    "unknown names": lambda n: "{" + ",".join(f'"n{number}":{number}' for number in range(n)) + "}",
    "one name again and again": lambda n: "{" + ",".join(['"prompt":1'] * n) + "}",
    "space": lambda n: '{"prompt":1' + " \n" * n * 20 + "}",
    "escapes": lambda n: '{"prompt":"' + '\\"\\\\' * n * 20 + '","duration":"x"}',
    "surrogates": lambda n: '{"prompt":"' + "\\ud83d\\ude00" * n * 20 + '","duration":"x"}',
    "digits": lambda n: '{"duration":' + "9" * n * 20 + "}",
}


@pytest.mark.parametrize("shape", SHAPES.values(), ids=SHAPES)
def test_the_work_for_a_body_is_linear(shape: Callable[[int], str]) -> None:
    few, many = shape(100).encode(), shape(800).encode()
    judged(few)  # what is made once
    assert calls(lambda: judged(many)) <= 8 * calls(lambda: judged(few)) + 2000


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=6) | st.dictionaries(st.text(max_size=8), inner, max_size=6),
    max_leaves=30,
)
FIELDS = sorted(
    {
        name
        for each in ("generateVideo", "editVideo", "extendVideo")
        for name in CONTRACT.body_schema(each)["properties"]
    }
)
BODIES = st.dictionaries(st.sampled_from([*FIELDS, "seconds", "input_reference", "x"]), VALUES, max_size=8) | VALUES


@settings(max_examples=300, deadline=None, database=None, derandomize=True)
@given(BODIES, st.integers(1, 3000), st.sampled_from(["generateVideo", "editVideo", "extendVideo"]))
def test_of_a_list_however_long_the_first_fault_is_told(body: Any, times: int, operation: str) -> None:
    """Each list of a body is repeated: it is refused for the same fault at the same place, or for its size alone."""
    once = judged(json.dumps(body).encode(), operation)
    longer = (
        {name: item * times if isinstance(item, list) else item for name, item in body.items()}
        if isinstance(body, dict)
        else body
    )
    raw = json.dumps(longer).encode()
    told = judged(raw, operation)
    where = re.compile(r" at line .*")
    assert told == "length limit exceeded" or where.sub("", told) == where.sub("", once)
    assert told != "length limit exceeded" or raw.count(b",") + raw.count(b"[") + raw.count(b"{") > bounds.MAX_VALUES


HUGE: dict[str, Callable[[], bytes]] = {
    "empty keyframes": lambda: b'{"keyframes":[' + b"{}," * 3_000_000 + b"{}]}",
    "nested lists": lambda: b'{"x":' + b"[" * 8_000_000,
    "pairs of brackets": lambda: b"[" + b"[]," * 3_000_000 + b"[]]",
    "texts": lambda: b'{"x":[' + b'"",' * 3_000_000 + b'""]}',
    "names": lambda: b"{" + b'"a":1,' * 1_500_000 + b'"a":1}',
    "quotes": lambda: b'"' * 8_000_000,
    "escaped quotes": lambda: b'{"prompt":"' + b'\\"' * 4_000_000 + b'"}',
    "backslashes": lambda: b'{"prompt":"' + b"\\" * 8_000_000 + b'"}',
    "backslashes between lists": lambda: b"[" + b'[],\\"' * 1_500_000,
    "digits": lambda: b'{"duration":' + b"9" * 8_000_000 + b"}",
    "zeros behind a point": lambda: b'{"duration":0.' + b"0" * 8_000_000 + b"1}",
    "exponent": lambda: b'{"duration":1e' + b"9" * 8_000_000 + b"}",
    "space": lambda: b'{"prompt":1' + b" " * 8_000_000 + b"}",
    "a text for a number": lambda: b'{"duration":"' + b"x" * 8_000_000 + b'"}',
    "an unknown model": lambda: b'{"prompt":"x","model":"' + b"x" * 8_000_000 + b'"}',
    "an unknown ratio": lambda: b'{"prompt":"x","aspect_ratio":"' + b"x" * 8_000_000 + b'"}',
    "a text for an object": lambda: b'{"image":"' + "ä".encode() * 4_000_000 + b'"}',
    "a name": lambda: b'{"' + b"x" * 8_000_000 + b'":1}',
}


@pytest.mark.parametrize("made", HUGE.values(), ids=HUGE)
def test_memory_for_a_body_is_bounded_by_its_size(made: Callable[[], bytes]) -> None:
    raw = made()
    judged(b"{}")
    tracemalloc.start()
    try:
        told = judged(raw)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < 12 * len(raw) + 10 * 2**20, f"{peak / len(raw):.0f} bytes for each"
    assert len(told) < 5000


BAD_TEXTS = [
    (b'{"prompt":"x","duration":' + b"9" * 1_000_000 + b"}", "number out of range"),
    (b'{"duration":1e999}', "number out of range"),
    (b'{"duration":-Infinity}', "expected value: -Infinity"),
    (b'{"prompt":"\\udfff"}', "invalid unicode code point"),
    (b'{"\\ud800":1}', "invalid unicode code point"),
    (b'{"prompt":"\xed\xa0\x80"}', "invalid unicode code point"),
    (b'{"x":' + b"[" * 200 + b"]" * 200 + b"}", "recursion limit exceeded"),
    (b'\xef\xbb\xbf{"prompt":"x"}', ""),
]


@pytest.mark.parametrize(("raw", "reason"), BAD_TEXTS, ids=range(len(BAD_TEXTS)))
def test_what_no_parser_takes_is_a_422(raw: bytes, reason: str) -> None:
    told = judged(raw)
    assert told.startswith("Failed to parse the request body as JSON: ") and reason in told


def test_a_pair_of_surrogates_is_a_character() -> None:
    assert judged(b'{"prompt":"\\ud83d\\ude00","image":{"url":"\\\\ud800"}}') == ""


@contextmanager
def process(*arguments: str) -> Iterator[tuple[str, int, "subprocess.Popen[bytes]", Path]]:
    """A sandbox in a process of its own, whose log has to stay free of tracebacks."""
    with tempfile.TemporaryDirectory() as folder:
        log = Path(folder) / "log"
        command = [sys.executable, "-m", "grok_imagine_sandbox", *arguments]
        with log.open("wb") as stderr, subprocess.Popen(command, stdout=subprocess.PIPE, stderr=stderr) as running:
            assert running.stdout is not None
            try:
                url = running.stdout.readline().decode().strip()
                yield url, int(url.rpartition(":")[2].partition("/")[0]), running, log
                running.send_signal(signal.SIGTERM)
                assert running.wait(HANG) == 0
            finally:
                running.kill()
        text = log.read_text(errors="replace")
        assert "Traceback" not in text and "Exception" not in text, text[-5000:]


def served(url: str) -> bool:
    """Whether another client is served: an ordinary job is accepted."""
    answer = httpx.post(url + GENERATIONS, json={"prompt": "x"}, headers=KEY, trust_env=False, timeout=HANG)
    return answer.status_code == 200


def exchange(port: int, data: bytes, *, end: bool = True) -> bytes:
    """Send bytes as they are; what comes back until the server closes or has answered all."""
    with socket.create_connection(("127.0.0.1", port), timeout=HANG) as connection:
        answer = bytearray()
        try:
            connection.sendall(data)
            if end:
                connection.shutdown(socket.SHUT_WR)
            while piece := connection.recv(65536):
                answer += piece
        except OSError:
            pass
        return bytes(answer)


def head(target: bytes = b"/v1/videos/generations", *lines: bytes, host: bytes = b"localhost") -> bytes:
    return b"\r\n".join(
        [b"POST " + target + b" HTTP/1.1", b"host: " + host, b"authorization: Bearer x", *lines, b"", b""]
    )


JSON = b"content-type: application/json"
ABUSES = {
    "nothing": b"",
    "not http": b"\x16\x03\x01\x02\x00\x01\x00",
    "a flood of headers": b"GET / HTTP/1.1\r\n" + b"x: y\r\n" * 100_000,
    "an endless header": b"GET / HTTP/1.1\r\nx: " + b"y" * 1_000_000,
    "an endless target": b"GET /" + b"a" * 1_000_000,
    "length is no number": head(b"/v1/videos/generations", JSON, b"content-length: x"),
    "length is negative": head(b"/v1/videos/generations", JSON, b"content-length: -1"),
    "length is enormous": head(b"/v1/videos/generations", JSON, b"content-length: " + b"9" * 30) + b"{}",
    "two lengths": head(b"/v1/videos/generations", JSON, b"content-length: 2", b"content-length: 3") + b"{}",
    "too short a body": head(b"/v1/videos/generations", JSON, b"content-length: 99") + b"{}",
    "too long a body": head(b"/v1/videos/generations", JSON, b"content-length: 2") + b"{}" * 1000,
    "chunks that lie": head(b"/v1/videos/generations", JSON, b"transfer-encoding: chunked") + b"5\r\n{}\r\n0\r\n\r\n",
    "a chunk without end": head(b"/v1/videos/generations", JSON, b"transfer-encoding: chunked") + b"f" * 100_000,
    "a chunk for each byte": head(b"/v1/videos/generations", JSON, b"transfer-encoding: chunked")
    + b"1\r\n \r\n" * 500_000,
    "chunked and a length": head(b"/v1/videos/generations", b"transfer-encoding: chunked", b"content-length: 2"),
    "gzip": head(b"/v1/videos/generations", JSON, b"content-encoding: gzip", b"content-length: 2") + b"\x1f\x8b",
    "a websocket": b"GET / HTTP/1.1\r\nhost: localhost\r\nconnection: upgrade\r\nupgrade: websocket\r\n\r\n",
    "connect": b"CONNECT localhost:80 HTTP/1.1\r\nhost: localhost\r\n\r\n",
    "http/1.0": b"GET /v1/videos/x HTTP/1.0\r\n\r\n",
    "http/0.9": b"GET /\r\n",
    "http/2": b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
    "no host": b"GET /v1/videos/x HTTP/1.1\r\n\r\n",
    "two hosts": b"GET /v1/videos/x HTTP/1.1\r\nhost: localhost\r\nhost: evil.test\r\n\r\n",
    "a whole url": b"GET http://localhost/v1/videos/x HTTP/1.1\r\nhost: localhost\r\n\r\n",
    "a whole foreign url": b"GET http://evil.test/v1/videos/x HTTP/1.1\r\nhost: localhost\r\n\r\n",
    "an asterisk": b"OPTIONS * HTTP/1.1\r\nhost: localhost\r\n\r\n",
    "a target that is no path": b"GET ../../etc/passwd HTTP/1.1\r\nhost: localhost\r\n\r\n",
    "dots": b"GET /files-cdn/../../../etc/passwd HTTP/1.1\r\nhost: localhost\r\n\r\n",
    "encoded dots": b"GET /files-cdn/%2e%2e%2f%2e%2e%2fetc%2fpasswd HTTP/1.1\r\nhost: localhost\r\n\r\n",
    "a null": b"GET /v1/videos/%00 HTTP/1.1\r\nhost: localhost\r\nauthorization: Bearer x\r\n\r\n",
    "no utf-8": b"GET /v1/videos/%ff%fe HTTP/1.1\r\nhost: localhost\r\nauthorization: Bearer x\r\n\r\n",
    "a model of surrogates": (
        b"GET /v1/video-generation-models/%ed%a0%80 HTTP/1.1\r\nhost: localhost\r\nauthorization: Bearer x\r\n\r\n"
    ),
    "half an escape": b"GET /v1/videos/%2 HTTP/1.1\r\nhost: localhost\r\nauthorization: Bearer x\r\n\r\n",
    "a line break in a header": b"GET / HTTP/1.1\r\nhost: localhost\r\nx: a\rb\r\n\r\n",
    "a scenario of junk": head(b"/v1/videos/generations", JSON, b"x-sandbox-scenario: \xff:\xff" + b"9" * 5000),
    "scenarios": head(b"/v1/videos/generations", b"x-sandbox-scenario: slow", b"x-sandbox-scenario: reset-before"),
    "a key of junk": b"GET /v1/videos/x HTTP/1.1\r\nhost: localhost\r\nauthorization: Bearer \xff\xfe\r\n\r\n",
    "ranges": b"GET /xai-vidgen-bucket/x HTTP/1.1\r\nhost: localhost\r\nrange: bytes=" + b"0-1," * 3000 + b"\r\n\r\n",
    "a preflight of junk": (
        b"OPTIONS / HTTP/1.1\r\nhost: localhost\r\norigin: http://localhost\r\n"
        b"access-control-request-method: \xff\r\naccess-control-request-headers: \xff\r\n\r\n"
    ),
    "pipelined": b"GET /v1/videos/x HTTP/1.1\r\nhost: localhost\r\n\r\n" * 500,
    "pipelined, half of the last": head(b"/nothing", b"content-length: 0") + head(b"/nothing", b"content-length: 9"),
    "expecting to go on": head(b"/v1/videos/generations", JSON, b"expect: 100-continue", b"content-length: 9"),
}
_MET = re.compile(rb"HTTP/1\.1 [1-5][0-9][0-9] ")


@pytest.fixture(scope="module")
def attacked() -> Iterator[tuple[str, int]]:
    with process("--speed", "1000") as (url, port, _, _):
        yield url, port


@pytest.mark.parametrize("data", ABUSES.values(), ids=ABUSES)
def test_what_is_not_http_is_answered_or_closed(attacked: tuple[str, int], data: bytes) -> None:
    url, port = attacked
    answer = exchange(port, data)
    assert answer == b"" or _MET.match(answer)
    assert b"HTTP/1.1 500" not in answer and b"HTTP/1.1 200" not in answer
    assert served(url)


REQUEST = head(b"/v1/videos/generations", JSON, b"content-length: 14") + b'{"prompt":"x"}'
CUTS = st.tuples(st.integers(0, len(REQUEST)), st.integers(0, 12), st.binary(max_size=12))


@settings(max_examples=150, deadline=None, database=None, derandomize=True, suppress_health_check=list(HealthCheck))
@given(st.lists(CUTS, max_size=4), st.integers(1, 3))
@example([(0, 0, b"\0" * 12)], 2)
def test_a_request_with_any_bytes_changed_is_answered_or_closed(
    attacked: tuple[str, int], cuts: list[tuple[int, int, bytes]], times: int
) -> None:
    data = REQUEST * times
    for at, length, instead in cuts:
        data = data[:at] + instead + data[at + length :]
    answer = exchange(attacked[1], data)
    assert answer == b"" or _MET.match(answer)
    assert b"HTTP/1.1 500" not in answer


def test_others_are_served_while_bodies_are_judged_and_memory_stays_bounded() -> None:
    resource = pytest.importorskip("resource")
    bodies = [HUGE[name]() for name in ("empty keyframes", "texts", "a text for an object")] + [
        SHAPES["empty keyframes"](8000).encode(),
        SHAPES["keyframes"](2000).encode(),
    ]
    with process() as (url, _, _, _):
        sending = [
            threading.Thread(
                target=httpx.post,
                args=(url + GENERATIONS,),
                kwargs={"content": body, "headers": KEY | {"content-type": "application/json"}, "timeout": HANG},
            )
            for body in bodies * 3
        ]
        for thread in sending:
            thread.start()
        assert all(served(url) for _ in range(20))
        for thread in sending:
            thread.join(HANG)
            assert not thread.is_alive()
    scale = 1 if sys.platform == "darwin" else 1024
    assert resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss * scale < 700 * 2**20


def silent(port: int, count: int, data: bytes = b"") -> "ExitStack":
    """So many connections that send no more than that."""
    held = ExitStack()
    for _ in range(count):
        connection = held.enter_context(closing(socket.create_connection(("127.0.0.1", port), timeout=HANG)))
        connection.sendall(data)
    return held


def port_of(remote: Any) -> int:
    return int(remote.origin.rpartition(":")[2])


SILENCES = {
    "idle": b"",
    "half a head": REQUEST[:40],
    "no body": head(b"/v1/videos/generations", JSON, b"content-length: 99"),
    "half a body": head(b"/v1/videos/generations", JSON, b"content-length: 99") + b"{",
    "no body for a wrong key": b"POST /v1/videos/generations HTTP/1.1\r\nhost: localhost\r\ncontent-length: 99\r\n\r\n",
    "half of a second": head(b"/nothing", b"content-length: 0") + head(b"/nothing", b"content-length: 9"),
}


@pytest.mark.parametrize("data", SILENCES.values(), ids=SILENCES)
def test_connections_that_wait_make_room_for_others(run: Any, data: bytes) -> None:
    with run(max_connections=20) as remote, silent(port_of(remote), 100, data):
        for _ in range(3):
            assert served(remote.sandbox.base_url)


@pytest.mark.parametrize("data", SILENCES.values(), ids=SILENCES)
def test_a_request_has_to_arrive_in_time_however_steadily_it_trickles(run: Any, data: bytes) -> None:
    with (
        run(request_seconds=0.2) as remote,
        socket.create_connection(("127.0.0.1", port_of(remote)), timeout=HANG) as connection,
    ):
        connection.sendall(data)
        ended = threading.Event()

        def trickle() -> None:
            try:
                while not ended.wait(0.005):
                    connection.sendall(b" ")
            except OSError:
                ended.set()

        trickling = threading.Thread(target=trickle)
        trickling.start()
        try:
            while connection.recv(65536):
                pass
        except ConnectionError:
            pass
        ended.set()
        trickling.join(HANG)
        assert served(remote.sandbox.base_url)


def test_an_answer_that_nobody_reads_is_given_up(run: Any) -> None:
    with run(request_seconds=0.3) as remote:
        url = httpx.URL(remote.end(remote.generate(duration=4))["video"]["url"])
        asked = 100  # more than any socket buffers
        with socket.socket() as connection:
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
            connection.settimeout(HANG)
            connection.connect(("127.0.0.1", port_of(remote)))
            connection.sendall((b"GET " + url.raw_path + b" HTTP/1.1\r\nhost: localhost\r\n\r\n") * asked)
            assert served(remote.sandbox.base_url)
            with pytest.raises(OSError):  # what is sent to a closed connection comes back as a reset
                for _ in range(int(HANG / 0.005)):
                    connection.sendall(b"G")
                    time.sleep(0.005)
        served_whole = remote.sandbox.requests["GET", "/xai-vidgen-bucket/{name}", 200]
        assert 0 < served_whole < asked


def test_large_bodies_on_the_way_make_room_for_each_other(run: Any) -> None:
    """Of many that never end the oldest are given up, and a small one is not held up at all."""
    with run(max_body_bytes=2**20) as remote, ExitStack() as held:
        half = head(b"/v1/videos/generations", JSON, b"content-length: 1000000") + b'{"x":"' + b"x" * 900_000
        connections = []
        for _ in range(12):
            connections.append(held.enter_context(closing(socket.create_connection(("127.0.0.1", port_of(remote))))))
            connections[-1].sendall(half)
            connections[-1].settimeout(HANG)
        assert connections[0].recv(65536).startswith(b"HTTP/1.1 503")
        assert served(remote.sandbox.base_url)
        connections[-1].sendall(b'"}' + b" " * 100_000)
        assert connections[-1].recv(65536).startswith(b"HTTP/1.1 ")


class Origin:
    """A server of this machine that answers each connection with bytes, then trickles on, or closes."""

    def __init__(self, answer: bytes, *, trickle: bool = False) -> None:
        self._answer = answer
        self._trickle = trickle
        self._stopped = threading.Event()
        self._socket = socket.create_server(("127.0.0.1", 0), backlog=256)
        self.port = self._socket.getsockname()[1]
        self.url = f"http://127.0.0.1:{self.port}/a.png"
        self._open: list[socket.socket] = []
        self._thread = threading.Thread(target=self._serve)

    def __enter__(self) -> "Origin":
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stopped.set()
        self._thread.join(HANG)
        for connection in (self._socket, *self._open):
            connection.close()

    def _serve(self) -> None:
        self._socket.settimeout(0.01)
        while not self._stopped.is_set():
            try:
                connection, _ = self._socket.accept()
            except TimeoutError:
                for each in self._open:
                    with suppress(OSError):
                        each.send(b"x")
                continue
            with suppress(OSError):  # the client may have had enough of it
                connection.recv(65536)
                connection.sendall(self._answer)
            if self._trickle:
                connection.setblocking(False)
                self._open.append(connection)
            else:
                connection.close()


def test_inputs_that_trickle_hold_up_nobody(run: Any, picture: str) -> None:
    with run() as remote, Origin(b"HTTP/1.1 200 OK\r\ncontent-length: 9999999\r\n\r\n", trickle=True) as slow:
        for _ in range(60):
            remote.generate(image={"url": slow.url})
        edit = {"prompt": "x", "video": {"url": slow.url}}
        for _ in range(10):
            remote.start("/videos/edits", edit)
        done = remote.make(GENERATIONS, {"image": {"url": picture}, "duration": 1})
        assert done["status"] == "done"
        assert len(remote.http.get(done["video"]["url"]).content) > 1000


LOCATIONS = [
    "http://xn--a/",
    "http://\u0130\u0131.example/",
    "http://" + "\u00fc" * 100 + ".localhost/",
    "http://xn--999999999/",
    "http://127.0.0.1:99999/",
    "http://127.0.0.1:x/",
    "http://[::1/",
    "http://[v1.x]/",
    "http://127.0.0.1@example.com/",
    "http://example.com\\@127.0.0.1/",
    "http://127.0.0.1:1/",
    "http://127.0.0.1\x00/",
    "http://localhost%00.example.com/",
    "//example.com/",
    "file:///etc/passwd",
    "mailto:a@example.com",
    "data:image/png;base64,AAAA",
    "javascript:1",
    "ftp://127.0.0.1/",
    "http:///",
    "",
    "http://127.0.0.1:1/" + "a" * 70_000,
    "http://127.0.0.1:1/\u2028\ud800".encode("utf-8", "surrogatepass").decode("latin-1"),
    "a.png",
]


LINES = sorted({location.encode(name, "ignore") for location in LOCATIONS for name in ("utf-8", "latin-1")})


@pytest.mark.parametrize("line", LINES, ids=range(len(LINES)))
def test_wherever_an_input_redirects_the_job_fails_in_words(run: Any, caplog: Any, line: bytes) -> None:
    with (
        run() as remote,
        Origin(b"HTTP/1.1 302 Found\r\ncontent-length: 0\r\nlocation: " + line + b"\r\n\r\n") as origin,
    ):
        state = remote.end(remote.generate(image={"url": origin.url}))
    assert state["status"] == "failed" and "Unable to" in state["error"]["message"], state
    assert [record for record in caplog.records if record.exc_info or record.levelno >= logging.ERROR] == []


URLS = [
    *LOCATIONS,
    "http://",
    "https://localhost",
    "\x00",
    "data:",
    "data:,",
    "data:;base64,%%%",
    "DATA:image/png;base64,\u00fc",
]


@settings(max_examples=60, deadline=None, database=None, derandomize=True, suppress_health_check=list(HealthCheck))
@given(st.sampled_from(URLS) | st.text(max_size=30) | st.text(max_size=20).map(lambda text: f"http://{text}"))
def test_whatever_a_url_is_the_job_has_an_end(remote: Any, url: str) -> None:
    for body in ({"image": {"url": url}}, {"prompt": "x", "output": {"upload_url": url}}):
        try:
            json.dumps(body, ensure_ascii=False).encode()
        except UnicodeEncodeError:
            return
        answer = remote.post(GENERATIONS, body)
        assert answer.status_code in (200, 400, 422)
        if answer.status_code == 200:
            assert remote.end(answer.json()["request_id"])["status"] in ("done", "failed")


ANSWERS = {
    "packed": b"HTTP/1.1 200 OK\r\ncontent-encoding: gzip, gzip\r\n\r\n\x1f\x8b",
    "cut": b"HTTP/1.1 200 OK\r\ncontent-length: 99\r\n\r\nx",
    "not http": b"\x00" * 100,
    "a flood of headers": b"HTTP/1.1 200 OK\r\n" + b"x: y\r\n" * 50_000,
    "too large": b"HTTP/1.1 200 OK\r\n\r\n" + b"x" * (21 * 2**20),
    "nothing": b"",
    "informed for ever": b"HTTP/1.1 100 Continue\r\n\r\n" * 1000,
    "status 999": b"HTTP/1.1 999 X\r\ncontent-length: 0\r\n\r\n",
    "no content": b"HTTP/1.1 204 X\r\n\r\n",
}


@pytest.mark.parametrize("answer", ANSWERS.values(), ids=ANSWERS)
def test_whatever_an_origin_answers_the_job_fails_in_words(run: Any, caplog: Any, answer: bytes) -> None:
    with run() as remote, Origin(answer) as origin:
        state = remote.end(remote.generate(image={"url": origin.url}))
        assert state["status"] == "failed" and state["error"]["message"]
        state = remote.end(remote.generate(duration=1, output={"upload_url": origin.url}))
        assert state["status"] in ("failed", "done")
        assert served(remote.sandbox.base_url)
    assert [record for record in caplog.records if record.exc_info or record.levelno >= logging.ERROR] == []


HOSTS = {
    "localhost": True,
    "LOCALHOST:1": True,
    "localhost.": True,
    "a.localhost:80": True,
    "127.0.0.1": True,
    "127.1.2.3:8000": True,
    "[::1]:8000": True,
    "[::1]": True,
    "example.com": False,
    "localhost.example.com": False,
    "127.0.0.1.example.com": False,
    "xlocalhost": False,
    "evil@localhost": False,
    "localhost@evil": False,
    "localhost/evil": False,
    "localhost:x": False,
    "0.0.0.0": False,
    "169.254.169.254": False,
    "[::ffff:1.2.3.4]": False,
    "2130706433": False,
    "": False,
    ":80": False,
    "sandbox": True,  # allowed by name
    "Sandbox:8000": True,
    "a.sandbox": False,
}


@pytest.mark.parametrize(("host", "known"), HOSTS.items(), ids=HOSTS)
def test_only_names_of_this_machine_are_answered(run: Any, host: str, known: bool) -> None:
    with run(allow_hosts=["sandbox"]) as remote:
        for target in (b"/v1/videos/generations", b"/sandbox/jobs", b"/nothing"):
            data = REQUEST.replace(b"/v1/videos/generations", target).replace(
                b"host: localhost", b"host: " + host.encode()
            )
            answer = exchange(port_of(remote), data, end=True)
            assert (b"HTTP/1.1 421" not in answer) is known
            assert known or b"--allow-host" in answer
        if not known:
            for origin in (f"http://{host}", f"https://{host}"):
                response = remote.http.post(GENERATIONS, json={"prompt": "x"}, headers={"origin": origin})
                assert response.status_code == 403, origin
        assert len(remote.sandbox.jobs) == (1 if known else 0)


@pytest.mark.parametrize(
    "origin", ["null", "http://evil.test", "file://", "http://localhost.evil.test", "x", "", "chrome-extension://abc"]
)
def test_pages_of_other_sites_are_refused(run: Any, origin: str) -> None:
    with run() as remote:
        for method, path in (("POST", GENERATIONS), ("GET", "/video-generation-models"), ("OPTIONS", GENERATIONS)):
            response = remote.http.request(
                method, path, headers={"origin": origin, "access-control-request-method": "POST"}
            )
            assert response.status_code == 403 and "access-control-allow-origin" not in response.headers
        assert remote.sandbox.jobs == []


@pytest.mark.parametrize(
    "origin", ["http://localhost:3000", "http://127.0.0.1", "https://docs.localhost", "http://[::1]:1"]
)
def test_pages_of_this_machine_may_try_it(run: Any, origin: str) -> None:
    asked = {
        "origin": origin,
        "access-control-request-method": "POST",
        "access-control-request-headers": "authorization,content-type",
        "access-control-request-private-network": "true",
    }
    with run() as remote:
        allowed = httpx.options(remote.sandbox.base_url + GENERATIONS, headers=asked, trust_env=False)
        assert allowed.status_code == 204
        assert allowed.headers["access-control-allow-origin"] == origin
        assert allowed.headers["access-control-allow-headers"] == "authorization,content-type"
        assert "POST" in allowed.headers["access-control-allow-methods"]
        assert allowed.headers["access-control-allow-private-network"] == "true"
        answer = remote.http.post(GENERATIONS, json={"prompt": "x"}, headers={"origin": origin})
        assert answer.status_code == 200 and answer.headers["access-control-allow-origin"] == origin
        assert "Origin" in answer.headers["vary"]
        plain = remote.post(GENERATIONS, {"prompt": "x"})
        assert not [name for name in plain.headers if name.startswith("access-control-")]


def test_it_stops_whatever_is_under_way(caplog: Any) -> None:
    with Origin(b"HTTP/1.1 200 OK\r\ncontent-length: 9999999\r\n\r\n", trickle=True) as slow, ExitStack() as held:
        others = set(threading.enumerate())
        sandbox = Sandbox(slow_seconds=HANG, speed=1e6).start()
        port = int(sandbox.base_url.rpartition(":")[2].partition("/")[0])
        for data in (*SILENCES.values(), REQUEST.replace(b"\r\n\r\n", b"\r\nx-sandbox-scenario: slow\r\n\r\n")):
            held.enter_context(silent(port, 3, data))
        for body in ({"image": {"url": slow.url}}, {"prompt": "x", "duration": 15}):
            answer = httpx.post(sandbox.base_url + GENERATIONS, json=body, headers=KEY, trust_env=False)
            request_id = answer.json()["request_id"]
            held.enter_context(
                silent(
                    port,
                    2,
                    f"GET /v1/videos/{request_id} HTTP/1.1\r\nhost: localhost\r\nauthorization: Bearer x\r\n\r\n".encode(),
                )
            )
        url = httpx.URL(httpx.get(f"{sandbox.base_url}/videos/{request_id}", headers=KEY).json()["video"]["url"])
        held.enter_context(silent(port, 2, b"GET " + url.raw_path + b" HTTP/1.1\r\nhost: localhost\r\n\r\n"))
        sandbox.stop()  # raises if it takes too long
        with pytest.raises(OSError):
            socket.create_connection(("127.0.0.1", port), timeout=1)
        for _ in range(1000):
            if not [each for each in set(threading.enumerate()) - others if "sandbox" in each.name]:
                break
            time.sleep(0.005)
        else:
            pytest.fail("a thread goes on")
    assert [record for record in caplog.records if record.exc_info or record.levelno >= logging.ERROR] == []


def test_jobs_by_the_thousand_keep_little(run: Any, picture: str) -> None:
    """Memory for a job does not grow with what its request carried, once its inputs were read."""
    with run(max_jobs=2000) as remote:
        remote.generate(image={"url": "data:nothing"})
        tracemalloc.start()
        try:
            for number in range(300):
                remote.generate(image={"url": f"data:{number}," + "x" * 100_000}, prompt="x" * 4000)
            remote.look(remote.generate(image={"url": "data:nothing"}))
            now, _ = tracemalloc.get_traced_memory()
        finally:
            tracemalloc.stop()
        assert now / 300 < 20_000
        huge = {"prompt": "x", "storage_options": {"filename": "a", "x": "x" * 100_000}}
        assert remote.post(GENERATIONS, huge).status_code == 413


@pytest.mark.parametrize(
    "option",
    [{"allow_hosts": "sandbox"}, {"max_connections": 0}, {"request_seconds": 0.0}, {"request_seconds": float("inf")}],
)
def test_nonsense_for_a_bound_is_refused(option: Any) -> None:
    with pytest.raises(ValueError, match=next(iter(option))):
        Sandbox(**option)


def test_no_answer_and_no_line_of_the_log_is_as_long_as_its_request(run: Any, caplog: Any) -> None:
    long = "x" * 15_000
    with run() as remote, caplog.at_level(logging.INFO):
        for path, headers in (
            (f"/video-generation-models/{long}", {}),
            (f"/videos/{long}", {}),
            (f"/{long}", {}),
            (f"/videos/x?{long}", {}),
            ("/videos/x", {"x-sandbox-scenario": long}),
            ("/videos/x", {"authorization": f"Bearer {long}"}),
        ):
            answer = remote.http.get(path, headers=headers)
            assert len(answer.content) + sum(len(value) for value in answer.headers.values()) < 5000
        remote.look(remote.generate(image={"url": f"http://example.com/{long}"}))
        remote.end(remote.generate(output={"upload_url": f"http://{long}/"}))
    told = [record.getMessage() for record in caplog.records if record.name.startswith("grok_imagine_sandbox")]
    assert told and max(map(len, told)) < 1000


def test_what_is_not_http_makes_no_noise(run: Any, caplog: Any) -> None:
    with run() as remote:
        for data in (ABUSES["not http"], ABUSES["a websocket"], ABUSES["too long a body"]):
            exchange(port_of(remote), data)
    assert [record for record in caplog.records if record.levelno >= logging.WARNING] == []
