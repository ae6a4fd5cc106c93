"""What the logger `grok_imagine` tells, to whom, and what never."""

from __future__ import annotations

import logging
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from grok_imagine import Client, ConfigurationError, GrokImagineError, NotDelivered, RetryPolicy, logs
from grok_imagine.transport.failures import transport_error
from grok_imagine_sandbox import Sandbox
from hosts import MP4, Host, says
from support import ROOT, Api, ManualClock

ID = "11111111-2222-3333-4444-555555555555"


@pytest.fixture
def service() -> Iterator[Host]:
    host = Host()
    yield host
    host.close()


@pytest.fixture
def told(caplog: pytest.LogCaptureFixture) -> Any:
    caplog.set_level(logging.DEBUG, "grok_imagine")
    return lambda: [record.getMessage() for record in caplog.records if record.name == "grok_imagine"]


def test_a_request_is_told_of(api: Api, sandbox: Sandbox, told: Any) -> None:
    job = api(lambda c: c.video.start("CANARY", duration=1))
    api(lambda c: c.video.get(job))
    api(lambda c: c.models.list())
    with pytest.raises(GrokImagineError):
        api(lambda c: c.files.content("none"))
    expected = [
        rf"POST /videos/generations: 200 in \d+ ms \[request_id={job.request_id}\]",
        rf"GET /videos/{job.request_id}: 20[02] in \d+ ms( \[request_id=.*\])?",
        r"GET /video-generation-models: 200 in \d+ ms( \[request_id=.*\])?",
        r"GET /files/none/content: 404 in \d+ ms",
    ]
    lines = told()
    assert len(lines) == len(expected), lines
    for line, pattern in zip(lines, expected, strict=True):
        assert re.fullmatch(pattern, line), line


@pytest.mark.parametrize("kind", ["sync", "async"])
def test_a_public_url_is_told_of_by_its_host_alone(kind: str, service: Host, told: Any, tmp_path: Path) -> None:
    body = b'{"status": "done", "video": {"url": "%s/CANARY.mp4?sig=CANARY"}}' % service.origin.encode()
    service.scripts = [says(200, body), says(200, MP4, 'etag: "CANARY"', "x-request-id: CANARY key")]
    Api(kind, ManualClock(), f"{service.origin}/v1")(lambda c: c.video.download(ID, tmp_path / "a.mp4"))
    assert [line.partition(" in ")[0] for line in told()] == [
        f"GET /videos/{ID}: 200",
        f"GET {service.origin}/...: 200",
    ]


@pytest.mark.parametrize("kind", ["sync", "async"])
def test_a_failure_is_told_of_by_its_types(kind: str, service: Host, told: Any) -> None:
    service.scripts = [lambda connection, seen: connection.sendall(b"CANARY: key\r\n\r\n")]
    with pytest.raises(GrokImagineError):
        Api(kind, ManualClock(), f"{service.origin}/v1", retry=RetryPolicy(max_retries=0))(lambda c: c.video.get(ID))
    (line,) = told()
    host, port = service.origin.removeprefix("http://").split(":")
    assert line.startswith(f"GET /videos/{ID}: TransportError at {host}:{port} (RemoteProtocolError) after ")


def test_an_id_that_may_be_anything_is_not_repeated(api: Api, told: Any) -> None:
    for text in ("https://a.example/?sig=CANARY", "a prompt CANARY", "CANARY\n", "CANARY%41"):
        with suppress(GrokImagineError):
            api(lambda c, text=text: c.video.get(text))
    assert told() and "CANARY" not in "".join(told())


@given(st.text(), st.text(), st.one_of(st.none(), st.text()))
def test_a_line_is_one_line_of_plain_text(path: str, status: str, request_id: str | None) -> None:
    lines: list[str] = []
    handler = logging.Handler()
    handler.emit = lambda record: lines.append(record.getMessage())  # type: ignore[method-assign]
    logs.LOGGER.addHandler(handler)
    before = logs.LOGGER.level
    logs.LOGGER.setLevel(logging.DEBUG)
    try:
        error = transport_error(OSError(path), place=None)
        logs.request("get", f"/{path}?{status}", 200, 0.1, request_id)
        logs.request_failed("get", path, error, 0.1)
        logs.retry(NotDelivered(path), 1.0, 2, request_id)
        logs.paced(1.0, "poll", request_id)
        logs.state(request_id or "x", status, 5)
    finally:
        logs.LOGGER.removeHandler(handler)
        logs.LOGGER.setLevel(before)
    assert len(lines) == 5 and all(line.isprintable() and line.isascii() for line in lines)


PROGRAM = """
import logging, grok_imagine
assert not logging.getLogger("grok_imagine").handlers  # importing changes nothing
{more}
from grok_imagine_sandbox import Sandbox
with Sandbox() as sandbox:
    for _ in range(2):
        with grok_imagine.Client("xai-CANARY-key", base_url=sandbox.base_url) as client:
            client.video.start("CANARY", duration=1)
"""


def run(level: str | None, more: str = "") -> subprocess.CompletedProcess[str]:
    path = os.pathsep.join(str(ROOT / name) for name in ("overlay", "generated"))
    environment = {name: value for name, value in os.environ.items() if name != logs.VARIABLE} | {"PYTHONPATH": path}
    environment |= {} if level is None else {logs.VARIABLE: level}
    command = [sys.executable, "-c", PROGRAM.format(more=more)]
    return subprocess.run(command, env=environment, capture_output=True, text=True, check=False)


@pytest.mark.parametrize("level", [None, "", "off"])
def test_nothing_is_told_unless_somebody_asks(level: str | None) -> None:
    done = run(level)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


@pytest.mark.parametrize("level", ["info", "debug", " INFO "])
def test_the_environment_asks_for_it(level: str) -> None:
    done = run(level)
    lines = done.stderr.splitlines()
    assert (
        done.returncode == 0 and len([line for line in lines if " INFO POST /videos/generations: 200 in " in line]) == 2
    )
    assert "CANARY" not in done.stderr and not done.stdout


def test_a_program_asks_for_it_in_its_own_way() -> None:
    done = run(None, "logging.basicConfig(level=logging.INFO)")
    assert done.stderr.count("INFO:grok_imagine:POST /videos/generations: 200 in ") == 2 and "CANARY" not in done.stderr


def test_a_level_that_is_none_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(logs.VARIABLE, "loud")
    with pytest.raises(ConfigurationError, match="GROK_IMAGINE_LOG is info or debug"):
        Client("k")
