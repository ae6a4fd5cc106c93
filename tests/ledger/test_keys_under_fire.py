"""A key under kills, threads and lost answers."""

from __future__ import annotations

import json
import signal
import socket
import subprocess
import sys
import threading
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from grok_imagine import (
    ApiError,
    Client,
    GrokImagineError,
    Job,
    Ledger,
    NotDelivered,
    RequestTimeout,
    RetryPolicy,
    StartOutcomeUnknown,
    TextToVideo,
)
from grok_imagine.ledger.ownership import OWN, TOKENS
from grok_imagine_sandbox import Sandbox
from poison import Poison, Service, http, service
from support import HANG, UNLIMITED, Api, ManualClock, until

from .keyed import CAT, made


@pytest.mark.parametrize("call", ["start", "generate"])
def test_what_was_refused_may_be_sent_again(keyed: Api, ledger: Ledger, call: str) -> None:
    refused = Poison("refused", "post", lambda _: http({"code": "invalid-argument", "error": "x"}, 400))
    with service({0: refused}) as server:

        def ask(prompt: str) -> Any:
            return keyed(lambda client: getattr(client.video, call)(prompt, key="k"), base_url=server.base_url)

        for _ in range(2):
            with pytest.raises(ApiError):
                ask("0")
        assert server.posts[0] == 2
        taken = ask("1")  # a key that has no job is free for another request, too
        assert ask("1").request_id == taken.request_id and server.posts[1] == 1
    assert [(entry.state == "refused", entry.key) for entry in ledger.jobs()] == [
        (True, "k"),
        (True, "k"),
        (False, "k"),
    ]


def test_what_was_never_sent_may_be_sent_again(keyed: Api, sandbox: Sandbox, ledger: Ledger) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    retry = RetryPolicy(max_retries=0)
    for _ in range(2):
        with pytest.raises(NotDelivered):
            keyed(lambda client: client.video.start(CAT, key="k"), base_url=f"http://127.0.0.1:{port}/v1", retry=retry)
    assert [entry.state for entry in ledger.jobs()] == ["refused", "refused"]


def slow(released: threading.Event) -> Poison:
    """Answers a POST when it is told to."""

    def reply(request_id: str) -> bytes:
        released.wait(HANG)
        return http({"request_id": request_id})

    return Poison("slow", "post", reply)


class Numbered(Service):
    """Gives each POST a job of its own, as the service does: job-0, job-0-2, job-0-3 ..."""

    def answer(self, method: str, path: str, body: bytes) -> bytes:
        answer = super().answer(method, path, body)
        if method == "POST" and (count := self.posts[number := int(json.loads(body)["prompt"])]) > 1:
            return http({"request_id": f"job-{number}-{count}"}) if b"request_id" in answer else answer
        return answer


def client_of(server: Service, path: Path, **options: Any) -> Client:
    made.append(Client("k", base_url=server.base_url, ledger=Ledger(path), limits=UNLIMITED, **options))
    return made[-1]


def test_who_comes_meanwhile_waits_and_does_not_post(tmp_path: Path) -> None:
    released = threading.Event()
    with service({0: slow(released)}) as server, ThreadPoolExecutor(8) as pool:
        clients = [client_of(server, tmp_path / "jobs.db") for _ in range(8)]
        asked = [pool.submit(client.video.start, "0", key="k") for client in clients]
        until(lambda: server.posts[0] > 0)
        assert not any(each.done() for each in asked)
        released.set()
        assert {each.result(HANG).request_id for each in asked} == {"job-0"} and server.posts[0] == 1


def test_nobody_is_waited_for_for_ever(tmp_path: Path, clock: ManualClock) -> None:
    released = threading.Event()
    with service({0: slow(released)}) as server, ThreadPoolExecutor(1) as pool:
        first = pool.submit(client_of(server, tmp_path / "jobs.db").video.start, "0", key="k")
        until(lambda: server.posts[0] > 0)
        second = client_of(server, tmp_path / "jobs.db", clock=clock, sleep=clock.sleep, request_timeout=2.0)
        with pytest.raises(RequestTimeout, match="under the key 'k' is still under way") as caught:
            second.video.start("0", key="k")
        assert "2 s" in str(caught.value) or "62 s" in str(caught.value)
        released.set()
        assert first.result(HANG).request_id == second.video.start("0", key="k").request_id == "job-0"
        assert server.posts[0] == 1


RACE = """
import sys
from concurrent.futures import ThreadPoolExecutor
from grok_imagine import Client, Ledger, Limits
url, path = sys.argv[1:]
free = Limits(requests_per_minute=None, requests_per_second=None, concurrent_jobs=None)
clients = [Client("k", base_url=url, ledger=Ledger(path), limits=free) for _ in range(3)]
print("ready", flush=True)
sys.stdin.readline()
def ask(number):
    job = clients[number % 3].video.start(str(number % 4), key=f"order-{number % 4}")
    return f"{number % 4} {job.request_id}"
with ThreadPoolExecutor(12) as pool:
    print(*pool.map(ask, range(12)), sep="\\n", flush=True)
"""


def test_many_processes_and_threads_post_once_for_each_key(tmp_path: Path) -> None:
    with service() as server:
        command = [sys.executable, "-c", RACE, server.base_url, str(tmp_path / "jobs.db")]
        racers = [
            subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
            for _ in range(4)
        ]
        try:
            for racer in racers:
                assert racer.stdout and racer.stdout.readline() == "ready\n", racer.communicate(timeout=HANG)
            told = []
            for racer in racers:
                assert racer.stdin
                racer.stdin.write("go\n")
                racer.stdin.flush()
            for racer in racers:
                out, err = racer.communicate(timeout=HANG)
                assert racer.returncode == 0, err
                told += out.splitlines()
        finally:
            for racer in racers:
                racer.kill()
                racer.wait()
        assert len(told) == 48 and {*told} == {f"{number} job-{number}" for number in range(4)}
        assert dict(server.posts) == dict.fromkeys(range(4), 1)


STEP = """
import os, signal, sys
from grok_imagine import Client, Ledger
url, path, key, moment = sys.argv[1:]
def die(now):
    if now == moment:
        os.kill(os.getpid(), signal.SIGKILL)
class Mortal(Ledger):
    def claim_key(self, *arguments):
        intent = super().claim_key(*arguments)
        die("before it is sent")
        return intent
    def begin(self, *arguments):
        intent = super().begin(*arguments)
        die("before it is sent")
        return intent
    def confirm(self, *arguments):
        die("before its id is noted")
        super().confirm(*arguments)
        die("when its id is noted")
with Client("k", base_url=url, ledger=Mortal(path)) as client:
    job = client.video.start("0", **({"key": key} if key else {}))
    die("before the step returns")
    print(job.request_id, flush=True)
"""


KILLED = {
    "before it is sent": (0, "StartOutcomeUnknown"),  # nobody can know that it was not
    "while it is under way": (1, "StartOutcomeUnknown"),
    "before its id is noted": (1, "StartOutcomeUnknown"),
    "when its id is noted": (1, "job-0"),
    "before the step returns": (1, "job-0"),
}


def step(server: Service, path: Path, key: str, moment: str) -> tuple[str, str]:
    """Runs the step in a process of its own, which is killed at the moment if it comes so far: what it said."""
    command = [sys.executable, "-c", STEP, server.base_url, str(path), key, moment]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        if moment == "while it is under way":
            before = server.posts[0]
            until(lambda: server.posts[0] != before or process.poll() is not None)
            process.kill()
        out, err = process.communicate(timeout=HANG)
    assert moment == "" or process.returncode == -signal.SIGKILL, err
    return out, err


@pytest.mark.long
@pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="nothing kills so on Windows")
@pytest.mark.parametrize("moment", KILLED)
def test_a_step_that_is_killed_and_retried_posts_once(tmp_path: Path, moment: str) -> None:
    """It gets the same job, or is told that nobody knows; a plain step posts twice."""
    path, released = tmp_path / "jobs.db", threading.Event()
    posted, said = KILLED[moment]
    for key in ("order-17", ""):
        released.clear()
        with closing(Numbered({0: slow(released)} if moment == "while it is under way" else {})) as server:
            step(server, path, key, moment)
            released.set()
            for _ in range(2 if key else 1):
                out, err = step(server, path, key, "")
                assert said in out + err if key else out.startswith("job-0")
            assert server.posts[0] == (posted if key else posted + 1)


@pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="nothing kills so on Windows")
def test_who_waits_for_one_that_is_killed_is_told_that_nobody_knows(tmp_path: Path) -> None:
    path, released = tmp_path / "jobs.db", threading.Event()
    with service({0: slow(released)}) as server, ThreadPoolExecutor(1) as pool:
        command = [sys.executable, "-c", STEP, server.base_url, str(path), "k", ""]
        with subprocess.Popen(command, stdout=subprocess.PIPE) as first:
            until(lambda: server.posts[0] > 0)
            second = pool.submit(client_of(server, path).video.start, "0", key="k")
            assert not second.done()
            first.kill()
        with pytest.raises(StartOutcomeUnknown):
            second.result(HANG)
        released.set()
        assert server.posts[0] == 1


class AlwaysDone(Counter[str]):
    """Looks so far, of jobs that the first look shows done."""

    def __getitem__(self, request_id: str) -> int:
        return 5


class Keys(RuleBasedStateMachine):
    """Callers of several ledger objects, who ask under few keys while the service takes, refuses, loses or resets."""

    def __init__(self) -> None:
        super().__init__()
        import tempfile

        self.folder = tempfile.TemporaryDirectory()
        self.server = Numbered({})
        self.clients = [client_of(self.server, Path(self.folder.name) / "jobs.db") for _ in range(2)]
        self.ledger = Ledger(Path(self.folder.name) / "jobs.db")
        self.has: dict[str, tuple[int, str]] = {}
        """What a key has: the number of its request, and the id of its job, or `unknown`."""
        self.expected: dict[int, int] = {}

    @rule(
        who=st.integers(0, 1),
        key=st.sampled_from("ab"),
        number=st.integers(0, 1),
        service=st.sampled_from(["takes", "refuses", "loses"]),
        call=st.sampled_from(["start", "generate"]),
    )
    def ask(self, who: int, key: str, number: int, service: str, call: str) -> None:
        mad: dict[str, Callable[[str], bytes]] = {
            "refuses": lambda _: http({"error": "x"}, 400),
            "loses": lambda _: b"",
        }
        self.server.mad = {number: Poison(service, "post", mad[service])} if service in mad else {}
        self.server.looks = AlwaysDone()
        known, before = self.has.get(key), self.server.posts[number]
        try:
            found: Job | Any = getattr(self.clients[who].video, call)(str(number), key=key)
            outcome = found.request_id
        except GrokImagineError as error:
            outcome = type(error).__name__
        posted = self.server.posts[number] - before
        if known and known[0] != number:
            assert (outcome, posted) == ("KeyConflict", 0)
        elif known:
            assert (outcome, posted) == (known[1], 0)
        else:
            assert posted == 1
            if service == "refuses":
                assert outcome == "BadRequestError"
            else:
                self.has[key] = (number, outcome)
                ids = {known[1] for other, known in self.has.items() if other != key and known[1][:4] == "job-"}
                assert outcome not in ids and outcome.startswith("job" if service == "takes" else "StartOutcomeUnknown")

    @rule(key=st.sampled_from("ab"), number=st.integers(0, 1))
    def die(self, key: str, number: int) -> None:
        """Somebody is killed between its intent and its answer."""
        ledger = Ledger(Path(self.folder.name) / "jobs.db")
        claimed = ledger.claim_key(TextToVideo(str(number)), self.server.base_url, key)
        if isinstance(claimed, str):
            OWN.discard(claimed)
            assert key not in self.has
            self.has[key] = (number, "StartOutcomeUnknown")
        ledger.close()

    @invariant()
    def each_key_has_one_row_that_counts(self) -> None:
        entries = [entry for entry in self.ledger.jobs() if entry.key]
        kept = [entry.key for entry in entries if entry.state != "refused"]
        assert sorted(kept) == sorted(self.has)

    def teardown(self) -> None:
        for client in self.clients:
            client.close()
        self.ledger.close()
        self.server.close()
        OWN.clear()
        TOKENS.clear()
        self.folder.cleanup()


TestKeys = pytest.mark.long(Keys.TestCase)


TestKeys.settings = settings(
    max_examples=12, stateful_step_count=12, deadline=None, suppress_health_check=list(HealthCheck)
)
