"""What support is asked for: each message of a connection, an answer, a stream or the ledger names the thing and the way out."""

from __future__ import annotations

import os
import signal
import ssl
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from grok_imagine import LedgerError, NotDelivered, VideoTimeoutError
from grok_imagine.errors import ServerError
from grok_imagine_cli.checks import checks
from grok_imagine_cli.output import Output
from grok_imagine_cli.report import in_words
from grok_imagine_cli.session import Session
from grok_imagine_cli.ways_out import ways_out
from grok_imagine_sandbox import Sandbox
from hosts import Host, says
from support import HANG

from .conftest import PROGRAM
from .programs import QUICK

PAGE = b"<html><title>Sign in</title></html>"
GOES_ON = "goes on and is paid for"


@pytest.fixture
def host() -> Iterator[Host]:
    with closing(Host()) as made:
        yield made


@pytest.mark.parametrize(
    ("status", "body", "said"),
    [
        (404, PAGE, "no answer of the API: is --base-url or XAI_BASE_URL right?"),
        (302, b"", "no answer of the API"),
        (403, PAGE, "no answer of the API"),
        (401, b'{"code": "unauthenticated", "error": "Incorrect API key"}', "is that of XAI_API_KEY"),
        (404, b'{"code": "not-found", "error": "No such job"}', "this key has no such job there"),
        (400, b'{"code": "invalid", "error": "Malformed"}', "Malformed"),
    ],
)
def test_an_answer_is_told_with_its_host_its_status_and_the_way_out(
    program: Any, host: Host, status: int, body: bytes, said: str
) -> None:
    host.scripts = [says(status, body)]
    place = host.origin.removeprefix("http://")
    done, as_json = program.all([f"{way}--base-url {host.origin}/v1 get some-id" for way in ("", "--json ")])
    assert done.code == as_json.code == 8 and f"(HTTP {status} from {place})" in done.err and said in done.err, done
    (error,) = as_json.of("error")
    assert (error["host"], error["status_code"]) == (place, status)
    # Of an id that was given, nobody knows whether it is a job's.
    assert GOES_ON not in done.err and (error["resume"] is None) == (status == 404)


@pytest.mark.parametrize(
    ("address", "proxy", "said"),
    [
        ("http://no-such-host.invalid/v1", {}, "the name of that host has no address"),
        ("http://127.0.0.1:9/v1", {}, "nothing listens there"),
        ("https://api.example.com/v1", {"HTTPS_PROXY": "http://me:CANARY@127.0.0.1:9"}, "the proxy 127.0.0.1:9 of HTTPS_PROXY"),
        ("https://api.example.com/v1", {"ALL_PROXY": "http://127.0.0.1:9"}, "the proxy 127.0.0.1:9 of ALL_PROXY"),
        ("http://127.0.0.1:9/v1", {"HTTP_PROXY": "http://127.0.0.1:1", "NO_PROXY": "127.0.0.1"}, "nothing listens there"),
        # This machine is asked without a proxy, and another by the one of its scheme.
        ("http://127.0.0.1:9/v1", {"HTTP_PROXY": "http://127.0.0.1:1", "ALL_PROXY": "http://127.0.0.1:1"}, "nothing listens there"),
        ("http://no-such-host.invalid:8080/v1", {"HTTPS_PROXY": "http://127.0.0.1:9"}, "the name of that host has no address"),
        ("http://no-such-host.invalid:8080/v1", {"HTTP_PROXY": "127.0.0.1:9"}, "the proxy 127.0.0.1:9 of HTTP_PROXY"),
        ("https://no-such-host.invalid:80/v1", {"HTTPS_PROXY": "http://127.0.0.1:9"}, "the proxy 127.0.0.1:9 of HTTPS_PROXY"),
    ],
)  # fmt: skip
def test_a_connection_is_told_with_what_it_went_through(
    program: Any, address: str, proxy: dict[str, str], said: str
) -> None:
    done = program(f"--base-url {address} doctor", **proxy)
    assert done.code == 9 and said in done.out, done
    assert "CANARY" not in done.out + done.err


@pytest.mark.parametrize(
    ("cause", "said"),
    [
        (ssl.SSLCertVerificationError(1, "self-signed certificate"), "SSL_CERT_FILE"),
        (ssl.SSLError(1, "WRONG_VERSION_NUMBER"), "speaks no TLS"),
        (ConnectionRefusedError(111, "refused"), "nothing listens there"),
    ],
)
def test_what_a_connection_failed_of_says_the_way_out(
    monkeypatch: pytest.MonkeyPatch, cause: Exception, said: str
) -> None:
    monkeypatch.setenv("NO_PROXY", "*")
    error, between = NotDelivered("no"), OSError("between")
    error.host, error.port = "api.example.com", 443
    error.__cause__, between.__context__ = between, cause
    (way,) = ways_out(error)
    assert said in way


def test_what_the_last_poll_met_is_told_when_the_time_is_up() -> None:
    error = VideoTimeoutError("the job could not be polled after 300 s and goes on")
    error.__cause__ = ServerError("upstream is down", status_code=503)
    assert in_words(error).endswith("; the last poll met ServerError: upstream is down")


def test_an_error_that_is_its_own_cause_ends() -> None:
    one, two = NotDelivered("refused"), NotDelivered("again")
    one.__cause__, two.__cause__ = two, one
    assert list(ways_out(one)) == []


@pytest.mark.parametrize("home", ["/dev/null", "/proc/self/nothing"])
def test_a_ledger_that_can_not_be_made_is_told_with_the_way_out(home: str) -> None:
    session = Session(Output(True), ledger=Path(home) / "here" / "jobs.db")
    with pytest.raises(LedgerError) as caught, session.ledger():
        pass
    assert home in str(caught.value) and "--ledger or GROK_IMAGINE_LEDGER names another file" in next(
        ways_out(caught.value)
    )
    (found,) = [each for each in checks(session) if each.name == "ledger"]
    assert found.code == 1 and "can't be made" in found.about and "--ledger" in found.about


class TestStreams:
    """Whatever becomes of stdout, what is said is said on stderr, and no traceback."""

    def run(self, program: Any, line: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            ["sh", "-c", f"{PROGRAM} {line}"], cwd=program.folder, env=program.environment, stderr=subprocess.PIPE,
            text=True, timeout=HANG, check=False,
        )  # fmt: skip

    @pytest.mark.parametrize("way", ["", "--json "])
    def test_one_that_is_closed_or_full(self, program: Any, way: str) -> None:
        for line, code in ((f"{way}modes >&-", 0), (f"{way}modes >/dev/full", 1), (f"{way}modes <&- >&- 2>&-", 0)):
            done = self.run(program, line)
            assert done.returncode == code and "Traceback" not in done.stderr, done
            assert ("stdout: No space left on device" in done.stderr) == (code == 1)

    @pytest.mark.parametrize("way", ["", "--json "])
    def test_one_whose_reader_is_gone_loses_no_job(self, program: Any, tmp_path: Path, way: str) -> None:
        (tmp_path / "all.jsonl").write_text('"A heron"\n"A boat"\n')
        with Sandbox(speed=100.0) as service:
            line = f"{way}--base-url {service.base_url} batch all.jsonl -o videos --yes {QUICK}"
            done = self.run(program, f"{line} | head -1")
        assert "BrokenPipeError" in done.stderr and "this goes on where it stopped" in done.stderr, done
        assert "Traceback" not in done.stderr and "batch" in done.stderr


CHILD = """
import os, signal, sys
from grok_imagine_cli.signals import quits_at_once, sigterm_interrupts
number = getattr(signal, sys.argv[1])
class Drops:  # as Python does with what an import's callback raises
    def __del__(self): os.kill(os.getpid(), number)
with sigterm_interrupts():
    with quits_at_once():
        Drops()
    print("went on")
"""


@pytest.mark.parametrize(("name", "code"), [("SIGINT", 130), ("SIGTERM", 143)])
def test_a_signal_while_it_is_imported_is_not_lost(name: str, code: int) -> None:
    done = subprocess.run(
        [sys.executable, "-c", CHILD, name], capture_output=True, text=True, timeout=HANG, check=False
    )
    assert (done.returncode, done.stdout, done.stderr) == (code, "", "")


def test_signals_that_are_ignored_stay_so() -> None:
    code = "import signal; signal.signal(signal.SIGINT, signal.SIG_IGN)\n" + CHILD
    done = subprocess.run(
        [sys.executable, "-c", code, "SIGINT"], capture_output=True, text=True, timeout=HANG, check=False
    )
    assert (done.returncode, done.stdout) == (0, "went on\n")


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_at_any_moment_of_the_start_ends_it_without_a_traceback(program: Any, number: signal.Signals) -> None:
    """Not before Python itself has started, which has its own words."""
    child = f"""
import os, sys, threading, time
from grok_imagine_cli import main
go, moment = threading.Event(), float(sys.argv.pop())
threading.Thread(target=lambda: (go.wait(), time.sleep(moment), os.kill(os.getpid(), {int(number)})), daemon=True).start()
go.set()
main()
"""
    for moment in (0.02, 0.05, 0.1, 0.2):
        arguments = [
            sys.executable,
            "-c",
            child,
            "--base-url",
            "http://127.0.0.1:9",
            "generate",
            "x",
            str(moment),
        ]
        done = subprocess.run(
            arguments, env=program.environment | {"PYTHONPATH": os.pathsep.join(sys.path)}, capture_output=True, text=True,
            timeout=HANG, check=False,
        )  # fmt: skip
        assert done.returncode in (130, 143, -number) and "Traceback" not in done.stderr, (moment, done)


def test_beside_json_stderr_says_what_is_waited_for(program: Any, tmp_path: Path) -> None:
    with Sandbox(speed=1.0, scenario="rate-limit:2") as service:
        done = program(f"--json --base-url {service.base_url} generate x --duration 1 --no-wait")
    assert done.code == 0 and len(done.of("job")) == 1 and "429, retry" in done.err, done
