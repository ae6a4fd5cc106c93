"""The sandbox as a server for others: its page of curl lines, other hosts, health, what it says without its extra, its container."""

from __future__ import annotations

import json
import os
import re
import shutil
import stat
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import container
import httpx
import pytest

from grok_imagine_sandbox import Sandbox
from grok_imagine_sandbox.__main__ import _parser
from support import ROOT

PAGE = (ROOT / "docs" / "sandbox.md").read_text(encoding="utf-8")
LINES = [block for block in re.findall(r"```sh\n(.*?)```", PAGE, re.S) if "curl" in block]
GUIDE = (ROOT / "docs" / "guides" / "testing.md").read_text(encoding="utf-8")
EXAMPLES = re.findall(r"```python\n(.*?)```", GUIDE, re.S)
KEY = {"authorization": "Bearer any-key"}


@contextmanager
def serving(*arguments: str) -> Iterator[tuple[str, subprocess.Popen[str]]]:
    command = [sys.executable, "-m", "grok_imagine_sandbox", *arguments]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as server:
        try:
            assert server.stdout is not None
            yield server.stdout.readline().strip().removesuffix("/v1"), server
        finally:
            server.terminate()


@pytest.mark.skipif(shutil.which("curl") is None and "CI" not in os.environ, reason="there is no curl here")
def test_each_line_of_the_page_works_as_it_stands(tmp_path: Path) -> None:
    assert len(LINES) >= 7
    with serving("--port", "0", "--speed", "60") as (address, _):
        said = []
        for block in LINES:
            script = block.replace("http://127.0.0.1:8080", address)
            done = subprocess.run(
                ["sh", "-eu", "-c", script], cwd=tmp_path, capture_output=True, text=True, timeout=60, check=False
            )
            assert done.returncode == 0, (block, done.stdout, done.stderr)
            said.append(done.stdout)
    assert '{"status":"ok"}' in said[0]
    assert json.loads((tmp_path / "done.json").read_text())["status"] == "done"
    assert (tmp_path / "boat.mp4").read_bytes()[4:8] == b"ftyp"
    assert "credit" in said[-2]
    assert [job["operation"] for job in json.loads(said[-1])] == ["generateVideo"]


def test_the_guide_s_examples_run(tmp_path: Path) -> None:
    """As a project's tests, but for the last one, which is a program."""
    *tests, program = EXAMPLES
    for number, text in enumerate(tests):
        (tmp_path / f"test_{number}.py").write_text(text)
    own = {name: value for name, value in os.environ.items() if not name.startswith(("XAI_", "PYTEST_"))}
    command = [sys.executable, "-m", "pytest", "-q", "--strict-markers", "-p", "no:asyncio", "-W", "error"]
    done = subprocess.run(command, cwd=tmp_path, env=own, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0 and "5 passed" in done.stdout, done.stdout
    done = subprocess.run(
        [sys.executable, "-c", program], env=own, capture_output=True, text=True, timeout=60, check=False
    )
    assert done.returncode == 0, done.stderr


def test_health_needs_no_key() -> None:
    with Sandbox(api_key="another", scenario="out-of-credit") as sandbox:
        address = sandbox.base_url.removesuffix("/v1") + "/health"
        with httpx.Client(trust_env=False) as http:
            answer = http.get(address)
            assert (answer.status_code, answer.json()) == (200, {"status": "ok"})
            assert http.head(address).status_code == 200
            assert http.post(address).status_code == 405


@pytest.mark.parametrize(
    ("host", "arguments", "knows"),
    [
        ("127.0.0.1", [], {"localhost"}),
        ("localhost", [], {"localhost"}),
        ("0.0.0.0", [], {"localhost", "10.1.2.3:8080", "[fd00::1]:80"}),
        ("0.0.0.0", ["--allow-host", "sandbox"], {"localhost", "10.1.2.3:8080", "[fd00::1]:80", "sandbox:8080"}),
        ("127.0.0.1", ["--allow-host", "sandbox"], {"localhost", "sandbox:8080"}),
    ],
)
def test_who_it_answers_to(host: str, arguments: list[str], knows: set[str]) -> None:
    """A name that leads to an address is anybody's; an address itself is nobody's name."""
    with serving("--host", host, *arguments) as (address, server), httpx.Client(trust_env=False) as http:
        for name in ("localhost", "10.1.2.3:8080", "[fd00::1]:80", "sandbox:8080", "evil.example", "10.1.2.3.example"):
            answer = http.get(f"{address}/health", headers={"host": name})
            assert answer.status_code == (200 if name in knows else 421), name
            page = http.get(f"{address}/health", headers={"origin": "https://evil.example"})
            assert page.status_code == 403
        server.terminate()
        said = server.stderr.read() if server.stderr else ""
    assert ("warning: whoever reaches this machine" in said) == (host == "0.0.0.0")


def test_a_host_that_is_not_here_is_told() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "grok_imagine_sandbox", "--host", "192.0.2.1"],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 2 and "Traceback" not in done.stderr and "error:" in done.stderr


@pytest.mark.parametrize("name", ["10.1.2.3:9000", "sandbox", "localhost:1"])
def test_urls_lead_where_their_client_came_from(name: str) -> None:
    with (
        Sandbox(host="0.0.0.0", allow_hosts=["sandbox"], clock=lambda: 0.0, speed=1.0) as sandbox,
        httpx.Client(base_url=sandbox.base_url, headers=KEY | {"host": name}, trust_env=False, timeout=30) as http,
    ):

        def make(path: str, body: dict[str, Any]) -> Any:
            request_id = http.post(path, json=body).raise_for_status().json()["request_id"]
            http.get(f"/videos/{request_id}")  # its inputs are read
            sandbox.advance(1000)
            return http.get(f"/videos/{request_id}").json()

        url = make("/videos/generations", {"prompt": "a cat", "duration": 2})["video"]["url"]
        assert url.startswith(f"http://{name}/")
        # It is known as its own when it comes back: no stand-in, which would last five seconds.
        edited = make("/videos/edits", {"prompt": "snow", "video": {"url": url}})
        assert (edited["status"], edited["video"]["duration"]) == ("done", 2)
        gone = make("/videos/edits", {"prompt": "snow", "video": {"url": url.replace(".mp4", "x.mp4")}})
        assert gone["status"] == "failed"


NEEDED = ("av", "jsonschema", "openapi_core", "PIL", "starlette", "uvicorn")
RUN = "import runpy, sys; sys.modules[sys.argv.pop(1)] = None; runpy.run_module({!r}, run_name='__main__', alter_sys=True)"


def without(package: str, module: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    """A program in an environment without a package."""
    command = [sys.executable, "-c", RUN.format(module), package, *arguments]
    return subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)


@pytest.mark.parametrize("package", NEEDED)
def test_without_its_extra_it_says_what_to_install(package: str) -> None:
    done = without(package, "grok_imagine_sandbox", "--port", "0")
    assert (done.returncode, done.stdout) == (2, "")
    assert (
        done.stderr
        == f"python -m grok_imagine_sandbox: the sandbox needs {package}: install grok-imagine with its extra [sandbox]; in a checkout: pip install '.[sandbox]'\n"
    )


def test_its_help_and_the_program_do_without_it() -> None:
    assert without("uvicorn", "grok_imagine_sandbox", "--help").returncode == 0
    done = without("uvicorn", "grok_imagine_cli", "sandbox", "serve")
    assert (
        done.returncode
        and "install grok-imagine with its extra [sandbox]; in a checkout: pip install '.[sandbox]'" in done.stderr
        and "Traceback" not in done.stderr
    )
    code = "import sys; sys.modules['uvicorn'] = None\ntry:\n from grok_imagine_sandbox import Sandbox\nexcept ImportError as e: print(e)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert (
        done.stdout
        == "the sandbox needs uvicorn: install grok-imagine with its extra [sandbox]; in a checkout: pip install '.[sandbox]'\n"
    )


def test_the_program_serves_other_hosts_with_a_warning() -> None:
    command = [
        sys.executable,
        "-m",
        "grok_imagine_cli",
        "sandbox",
        "serve",
        "--host",
        "0.0.0.0",
        "--allow-host",
        "sandbox",
    ]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as server:
        try:
            assert server.stdout is not None and server.stderr is not None
            address = server.stdout.readline().strip().removesuffix("/v1")
            answer = httpx.get(f"{address}/health", headers={"host": "sandbox"}, trust_env=False)
            assert answer.json() == {"status": "ok"}
        finally:
            server.terminate()
        assert "warning: whoever reaches this machine" in " ".join(server.stderr.read().split())


def programs(folder: Path, **scripts: str) -> str:
    """A PATH of nothing but these shell scripts."""
    for name, text in scripts.items():
        path = folder / name
        path.write_text(f"#!/bin/sh\n{text}\n")
        path.chmod(path.stat().st_mode | stat.S_IXUSR)
    return str(folder)


@pytest.mark.skipif(os.name == "nt", reason="shell scripts")
@pytest.mark.parametrize(
    ("scripts", "found"),
    [
        ({}, None),
        ({"docker": "exit 1"}, None),
        ({"buildah": "exit 0"}, None),
        ({"docker": "exit 1", "podman": "exit 0"}, ("podman", "podman")),
        ({"docker": "exit 0"}, ("docker", "docker")),
    ],
)
def test_a_container_is_built_where_something_can(
    scripts: dict[str, str],
    found: tuple[str, str] | None,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setenv("PATH", programs(tmp_path, **scripts))
    assert container.builder() == found
    if found is None:
        assert container.main([]) == container.NOTHING_HERE
        assert capsys.readouterr().out.startswith("container: not built, there is no podman")


@pytest.mark.skipif(os.name == "nt", reason="shell scripts")
@pytest.mark.parametrize("user", ["10001", "0"])
def test_a_container_is_tried_and_stopped(
    user: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    with Sandbox() as sandbox:
        log = tmp_path / "log"
        script = f'echo "$@" >>{log}\ncase $1 in run) echo container-1;; exec) echo {user};; port) echo 127.0.0.1:{sandbox.port};; esac'
        monkeypatch.setenv("PATH", programs(tmp_path, podman=script) + os.pathsep + "/bin" + os.pathsep + "/usr/bin")
        if user == "0":
            with pytest.raises(RuntimeError, match="root"):
                container.try_out("podman", "image")
        else:
            container.try_out("podman", "image")
            sandbox.assert_posted_once(prompt="a cat")
            assert "answers" in capsys.readouterr().out
    assert log.read_text().splitlines()[-1] == "stop --time 3 container-1"


def test_the_container_s_file_is_what_its_page_says() -> None:
    text = (ROOT / "Containerfile").read_text(encoding="utf-8")
    assert set(re.findall(r"(?m)^FROM (\S+)", text)) == {"docker.io/library/debian:trixie-slim"}
    assert re.findall(r"(?m)^USER (\S+)", text) == ["10001"]
    ((python, *run),) = [json.loads(found) for found in re.findall(r"(?m)^ENTRYPOINT (\[.*\])", text)]
    assert run[:2] == ["-m", "grok_imagine_sandbox"]
    options = _parser().parse_args(run[2:])
    assert (options.host, options.port) == ("0.0.0.0", 8080)
    assert f"EXPOSE {options.port}" in text and f"127.0.0.1:{options.port}/health" in text
    assert python in text.split("COPY --from=made")[0].replace("/bin/pip", "/bin/python")
