"""Bodies that nobody should send end in an answer."""

from __future__ import annotations

import json
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
from contextlib import ExitStack, closing, contextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from grok_imagine_sandbox import bounds
from grok_imagine_sandbox.answers import Refusal
from grok_imagine_sandbox.contract import Contract
from grok_imagine_sandbox.shape import Body
from support import until

from .hostile import (
    ABUSES,
    GENERATIONS,
    HANG,
    JSON,
    KEY,
    REQUEST,
    SILENCES,
    Origin,
    exchange,
    head,
    port_of,
    served,
    silent,
)

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
def process(*arguments: str) -> Iterator[tuple[str, int, subprocess.Popen[bytes], Path]]:
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
    bodies = [HUGE[name]() for name in ("empty keyframes", "texts", "a text for an object")] + [
        SHAPES["empty keyframes"](8000).encode(),
        SHAPES["keyframes"](2000).encode(),
    ]
    with process() as (url, _, running, _):
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
        status = Path(f"/proc/{running.pid}/status")
        if status.exists():  # its own peak: that of all children is another test's
            kibibytes = re.search(r"VmHWM:\s+(\d+) kB", status.read_text())
            assert kibibytes and int(kibibytes[1]) < 700 * 2**10


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

        def is_served() -> bool:
            try:
                return served(remote.sandbox.base_url)
            except httpx.TransportError:  # on a busy machine this request may be late, too
                return False

        until(is_served)


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
