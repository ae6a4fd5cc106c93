"""`python -m grok_imagine_sandbox`, run as a user runs it."""

import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import httpx
import pytest

from grok_imagine_sandbox import SCENARIOS
from grok_imagine_sandbox.__main__ import main
from support import HANG, until

KEY = "xai-0123456789-secret"


@contextmanager
def process(*arguments: str) -> Iterator[tuple["subprocess.Popen[str]", str]]:
    command = [sys.executable, "-m", "grok_imagine_sandbox", "--port", "0", *arguments]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as running:
        try:
            assert running.stdout is not None
            yield running, running.stdout.readline().strip()
        finally:
            running.kill()


def test_the_first_line_is_a_url_that_works_and_the_log_keeps_secrets() -> None:
    with process("--speed", "100000", "--api-key", KEY) as (running, url):
        with httpx.Client(
            base_url=url, headers={"authorization": f"Bearer {KEY}"}, trust_env=False, timeout=60
        ) as http:
            body = {"image": {"url": "data:image/png;base64,c2VjcmV0"}}
            assert http.post("/videos/generations", json=body).status_code == 200
            request_id = http.post("/videos/generations", json={"prompt": "my prompt"}).json()["request_id"]
            until(lambda: http.get(f"/videos/{request_id}").status_code == 200)
            http.head(http.get(f"/videos/{request_id}").json()["video"]["url"], headers={"if-none-match": "*"})
            assert http.get(f"/videos/{request_id}", headers={"authorization": "Bearer xai-wrong"}).status_code == 400
        running.send_signal(signal.SIGTERM)
        output, log = running.communicate(timeout=60)
    assert (running.returncode, output) == (0, "")
    lines = log.splitlines()
    assert lines[0].startswith("POST /v1/videos/generations 200 ")
    assert any(line.startswith(f"GET /v1/videos/{request_id} 200 ") for line in lines)
    assert any(line.startswith("HEAD /xai-vidgen-bucket/xai-video-") for line in lines)
    assert all(line.endswith("s") for line in lines)
    for secret in (KEY, "xai-wrong", "c2VjcmV0", "my prompt"):
        assert secret not in log


def test_ctrl_c_ends_it_cleanly_also_while_an_answer_is_late() -> None:
    with process("--scenario", "slow", "--slow-seconds", "60") as (running, url):
        with pytest.raises(httpx.ReadTimeout):
            headers = {"authorization": "Bearer x"}
            httpx.post(f"{url}/videos/generations", json={"prompt": "x"}, headers=headers, timeout=0.5, trust_env=False)
        jobs = url.replace("/v1", "/sandbox/jobs")
        until(lambda: len(httpx.get(jobs, trust_env=False, timeout=60).json()) == 1)
        running.send_signal(signal.SIGINT)
        running.communicate(timeout=60)
    assert running.returncode == 0


@pytest.mark.parametrize(
    ("flags", "statuses"),
    [
        ([], [200, 202, 200]),
        (["--requests-per-minute", "1"], [200, 429, 429]),
        (["--requests-per-second", "2"], [200, 202, 429]),
        (["--concurrent-jobs", "1"], [200, 202, 429]),
    ],
)
def test_limits_are_off_unless_asked_for(flags: list[str], statuses: list[int]) -> None:
    with (
        process("--speed", "0.001", *flags) as (_, url),
        httpx.Client(base_url=url, headers={"authorization": "Bearer x"}, trust_env=False, timeout=HANG) as http,
    ):
        started = http.post("/videos/generations", json={"prompt": "x"})
        look = http.get(f"/videos/{started.json()['request_id']}")
        again = http.post("/videos/generations", json={"prompt": "x"})
        assert [answer.status_code for answer in (started, look, again)] == statuses


@pytest.mark.parametrize(("flags", "status"), [([], 421), (["--allow-host", "a.test", "--allow-host", "sandbox"], 401)])
def test_further_hosts_are_answered_if_asked_for(flags: list[str], status: int) -> None:
    with process(*flags) as (_, url):
        for host in ("a.test", "sandbox:8000"):
            assert httpx.get(f"{url}/videos/x", headers={"host": host}, trust_env=False).status_code == status


def test_scenarios_are_listed(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--list-scenarios"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert [line.split()[0] for line in lines] == list(SCENARIOS)


@pytest.mark.parametrize(
    "arguments",
    [
        ["--scenario", "nothing"],
        ["--speed", "0"],
        ["--speed", "nan"],
        ["--port", "65536"],
        ["--port", "x"],
        ["--requests-per-minute", "0"],
        ["--requests-per-second", "0.5"],
        ["--concurrent-jobs", "-1"],
    ],
)
def test_nonsense_is_a_usage_error(arguments: list[str], capsys: Any) -> None:
    with pytest.raises(SystemExit) as ended:
        main(arguments)
    assert ended.value.code == 2
    assert "error:" in capsys.readouterr().err


def run(*arguments: str) -> str:
    command = [sys.executable, "-m", "grok_imagine_sandbox", *arguments]
    ended = subprocess.run(command, capture_output=True, text=True, timeout=HANG, check=False)
    assert ended.returncode == 2 and "Traceback" not in ended.stderr
    return ended.stderr


def test_an_address_that_can_t_be_listened_at_is_named() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        said = run("--port", str(port))
        assert f"127.0.0.1 port {port}: Address already in use; port 0 takes a free one" in said
    assert "nope.invalid port 0: " in run("--host", "nope.invalid")


@pytest.mark.parametrize("name", ["http://sandbox", "sandbox:8080", "sandbox/v1", "", "a b", "*"])
def test_an_allowed_host_that_would_never_be_met_is_refused(name: str) -> None:
    assert f"without scheme, port and path, not {name!r}" in run("--allow-host", name)
