"""Clients that are slow, many or rude hold nobody else up."""

from __future__ import annotations

import json
import logging
import socket
import threading
import time
import tracemalloc
from contextlib import ExitStack
from typing import Any

import httpx
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from grok_imagine_sandbox import Sandbox
from support import until

from .hostile import (
    ABUSES,
    GENERATIONS,
    HANG,
    KEY,
    REQUEST,
    SILENCES,
    Origin,
    exchange,
    port_of,
    served,
    silent,
)

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
        for _ in range(int(HANG / 0.005)):
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
            # As soon as all were read, which a busy machine does later.
            until(lambda: tracemalloc.get_traced_memory()[0] / 300 < 20_000)
        finally:
            tracemalloc.stop()
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
