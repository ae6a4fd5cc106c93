"""Many processes on one ledger, that begin and end in every way: prove_processes.py [PROCESSES] [SEED].

In each round writers make jobs with the real client, alone, in one batch that they share, and beside a forked child; others
only open the ledger, list it and close it, or leave it open. They return, raise, call sys.exit or os._exit, or get SIGTERM,
SIGINT or SIGKILL at a random moment. A server that is not the sandbox counts what is posted, and answers late.

The proof fails if a request was posted twice, if an id that a process had been told is missing in the ledger, if a posted
request is in it neither by its id nor as an unknown intent, if PRAGMA integrity_check finds anything, if a process ended
in another way than it was to, or if the shared batch does not come to its end.
"""

from __future__ import annotations

import fcntl
import json
import os
import random
import signal
import sqlite3
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import closing, suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, NamedTuple

from grok_imagine import Client, GrokImagineError, Ledger, LedgerQuota, Limits, TextToVideo

ROLES = ("starts", "batch", "forks", "lists", "leaves", "quota", "program")
WRITERS = ("starts", "batch", "forks")
WAYS = ("return", "exit", "_exit", "raise", "SIGTERM", "SIGINT", "SIGKILL")
AT_ONCE = 6
"""Processes of a round, of which two at least write."""
ROUNDS = 4
"""Rounds on one ledger, before the next one begins with a new file."""
LINES = 30
"""Requests of the batch that the processes of a ledger share."""
LONGEST = 0.5
"""Seconds after which a process gets its signal at the latest, once it has begun."""
OFF = Limits(requests_per_minute=None, requests_per_second=None, concurrent_jobs=None)
WAIT = 0.3
"""Seconds for which a batch waits for each job: what it makes is in the ledger before."""
SLOW = 60.0
"""Seconds after which a process that is ended by a signal ends without one."""


class Service:
    """Takes each POST after a few milliseconds, and counts it. Its jobs are done at once."""

    def __init__(self, dice: random.Random) -> None:
        self.posted: list[tuple[str, str]] = []
        posted, lock = self.posted, threading.Lock()

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self) -> None:
                body = json.loads(self.rfile.read(int(self.headers["content-length"])))
                with lock:
                    request_id = f"job-{len(posted)}-{dice.getrandbits(32):08x}"
                    posted.append((body["prompt"], request_id))
                    pause = dice.uniform(0, 0.03)
                time.sleep(pause)
                self._answer({"request_id": request_id})

            def do_GET(self) -> None:
                url = "https://files.example/a.mp4"
                self._answer({"status": "done", "video": {"url": url, "duration": 1}, "model": "grok-imagine-video"})

            def _answer(self, value: object) -> None:
                content = json.dumps(value).encode()
                with suppress(OSError):  # who asked is gone
                    self.send_response(200)
                    self.send_header("content-type", "application/json")
                    self.send_header("content-length", str(len(content)))
                    self.end_headers()
                    self.wfile.write(content)

            def log_message(self, format: str, *arguments: object) -> None:
                pass

        class Quiet(ThreadingHTTPServer):
            def handle_error(self, request: Any, client_address: Any) -> None:
                pass  # a process was killed in the middle of its request

        self._server = Quiet(("127.0.0.1", 0), Handler)
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True)
        self._thread.start()
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}/v1"

    def close(self) -> None:
        """Ends it."""
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()


class Job(NamedTuple):
    """What one process does, and how it ends."""

    delay: float
    role: str
    way: str
    name: str
    forked_way: str


# The process.


def act(role: str, way: str, name: str, forked_way: str, url: str, path: str, told: str) -> None:
    """What a process does between its first line and its end."""
    signal.signal(
        signal.SIGINT, signal.default_int_handler
    )  # who runs in the background of a shell inherits that it is ignored
    # Held by what is forked from here, too, and by whoever outlives the rest.
    fcntl.flock(os.open(f"{told}.alive", os.O_RDWR | os.O_CREAT, 0o600), fcntl.LOCK_SH)
    tell("ready", 0)
    os.dup2(2, 1)
    turns = 10**9 if way.startswith("SIG") else 4
    end = time.monotonic() + SLOW
    while turns and time.monotonic() < end:
        turns -= 1
        if role == "starts":
            start(url, path, told, name, 4)
        elif role == "batch":
            share_batch(url, path, told)
            turns = min(turns, 1)
        elif role == "forks":
            fork(url, path, told, name, forked_way)
        elif role in ("lists", "leaves"):
            ledger = Ledger(path)
            ledger.jobs()
            if role == "lists":
                ledger.close()
        elif role == "quota":
            quota = LedgerQuota(path, "o")
            quota.take([(5, 60.0)])
            quota.close()
        elif role == "program":
            from grok_imagine_cli import main as program

            sys.argv = ["grok-imagine", "--ledger", path, "--json", "jobs"]
            os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
            sys.stdout = open(1, "w", closefd=False)  # noqa: SIM115
            with suppress(SystemExit):
                program()
            if turns < 10**8:
                return


def start(url: str, path: str, told: str, name: str, jobs: int, ledger: Ledger | None = None) -> None:
    """Starts jobs, and notes each id that the caller is told."""
    with Client("any-key", base_url=url, ledger=ledger or Ledger(path), limits=OFF) as client:
        for _ in range(jobs):
            job = client.video.start(TextToVideo(f"{name} {os.getpid()} {time.monotonic_ns()}", duration=1))
            note(told, job.request_id)


def share_batch(url: str, path: str, told: str) -> None:
    """Runs the batch that several processes have in common."""
    with (
        Client("any-key", base_url=url, ledger=Ledger(path), limits=OFF) as client,
        client.video.batch(
            (TextToVideo(f"shared {n}", duration=1) for n in range(LINES)), name="shared", timeout=WAIT
        ) as batch,
    ):
        for outcome in batch:
            if outcome.request_id:
                note(told, outcome.request_id)


def fork(url: str, path: str, told: str, name: str, way: str) -> None:
    """Goes on beside a child that uses the ledger, too, and ends in a way of its own."""
    ledger = Ledger(path)
    start(url, path, told, name, 1, ledger)
    child = os.fork()
    if child == 0:
        try:
            start(url, path, told, f"{name} child", 2, ledger)
            ledger.jobs()
            if way == "close":
                ledger.close()
            elif way == "collect":
                del ledger
            elif way == "exit":
                sys.exit(0)  # by the interpreter's own end
            elif way == "SIGKILL":
                os.kill(os.getpid(), signal.SIGKILL)
        finally:
            if way != "exit":
                os._exit(0)
    start(url, path, told, name, 2, ledger)
    ledger.jobs()
    os.waitpid(child, 0)


def note(path: str, request_id: str) -> None:
    """By one write, so that no kill leaves half a line."""
    descriptor = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
    os.write(descriptor, f"{request_id}\n".encode())
    os.close(descriptor)


def child(arguments: list[str]) -> None:
    """The process: does its part, and ends as told."""
    way = arguments[1]
    act(*arguments)
    if way == "exit":
        sys.exit(3)
    if way == "_exit":
        os._exit(4)
    if way == "raise":
        raise ValueError("as it was to")


CODES = {"return": 0, "exit": 3, "_exit": 4, "raise": 1, "SIGTERM": -15, "SIGKILL": -9}


# The proof.


def jobs_of(dice: random.Random, number: int) -> Iterator[Job]:
    """The processes of a round."""
    for place in range(AT_ONCE):
        role = dice.choice(WRITERS if place < 2 else ROLES)
        forked = dice.choice(("close", "collect", "exit", "SIGKILL", "_exit"))
        yield Job(dice.uniform(0, LONGEST), role, dice.choice(WAYS), f"{number}.{place}", forked)


class Nursery:
    """A process that has loaded everything and opened nothing; all others are forked from it, which spares them the loading."""

    def __init__(self) -> None:
        self._process = subprocess.Popen(
            [sys.executable, __file__, "nursery"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )

    def _ask(self, *words: object) -> None:
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps(words) + "\n")
        self._process.stdin.flush()

    def _told(self) -> tuple[str, int]:
        assert self._process.stdout is not None
        kind, value = self._process.stdout.readline().split()
        return kind, int(value)

    def start(self, arguments: list[str], errors: Path) -> int:
        """Begins a process, and returns its id when it has begun its work."""
        self._ask("start", arguments, str(errors))
        told = dict(self._told() for _ in range(2))
        return told["pid"]

    def wait(self, pid: int) -> int:
        """How a process ended: its code, or the negative number of the signal. Before that its id is nobody else's."""
        self._ask("wait", pid)
        return self._told()[1]

    def close(self) -> None:
        """Ends it."""
        assert self._process.stdin is not None
        self._process.stdin.close()
        self._process.wait(20)
        assert self._process.stdout is not None
        self._process.stdout.close()


def nurse() -> list[str]:
    """The loop of the nursery, which returns in the forked processes only, with their arguments."""
    import grok_imagine_cli.app  # noqa: F401
    from grok_imagine.ledger import quota  # noqa: F401

    Client("any-key").close()  # so that the certificates are loaded
    for line in sys.stdin:
        kind, value, *rest = json.loads(line)
        if kind == "wait":
            end = time.monotonic() + 2 * SLOW
            while not (ended := os.waitpid(value, os.WNOHANG))[0] and time.monotonic() < end:
                time.sleep(0.002)
            if not ended[0]:  # it hangs
                os.kill(value, signal.SIGKILL)
                ended = (os.waitpid(value, 0)[0], 99 << 8)
            tell("code", os.waitstatus_to_exitcode(ended[1]))
            continue
        pid = os.fork()
        if pid == 0:
            os.dup2(os.open(rest[0], os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600), 2)
            return list(value)
        tell("pid", pid)
    os._exit(0)


def tell(kind: str, value: int) -> None:
    """One line to the proof, by one write."""
    os.write(1, f"{kind} {value}\n".encode())


def run_round(dice: random.Random, number: int, nursery: Nursery, url: str, path: Path, told: Path) -> Iterator[str]:
    """Starts the processes of a round, ends them, and says which ended in another way than it was to."""
    jobs = list(jobs_of(dice, number))
    errors = [path.parent / f"errors-{number}.{place}" for place in range(len(jobs))]
    arguments = [[job.role, job.way, job.name, job.forked_way, url, str(path), str(told)] for job in jobs]
    begin = time.monotonic()
    pids = [nursery.start(*pair) for pair in zip(arguments, errors, strict=True)]
    for job, pid in sorted(zip(jobs, pids, strict=True)):
        if job.way.startswith("SIG"):
            time.sleep(max(begin + job.delay - time.monotonic(), 0.0))
            os.kill(pid, getattr(signal, job.way))
    for job, pid, file in zip(jobs, pids, errors, strict=True):
        code, text = nursery.wait(pid), file.read_text()
        file.unlink()
        wanted = (1, 130, -2) if job.way == "SIGINT" else (CODES[job.way],)
        # A batch may be through before its signal, and the program has an end of its own. Python drops a Ctrl-C that comes
        # while it forks.
        is_early = job.way.startswith("SIG") and job.role in ("batch", "program") and code == 0
        is_early = is_early or (job.way == "SIGINT" and code == 0 and "Exception ignored in" in text)
        if code not in wanted and not is_early:
            yield f"{job} ended with {code}: {text[-600:]}"
        elif text and job.way != "raise" and not job.way.startswith("SIG"):
            yield f"{job} said {text[-600:]}"


def wrong(service: Service, path: Path, told: Path, since: int) -> Iterator[str]:
    """What a ledger should hold and does not, and what was posted twice, of the requests from one on."""
    wait_for_all(Path(f"{told}.alive"))
    try:
        with closing(sqlite3.connect(path)) as db:
            verdict = db.execute("PRAGMA integrity_check").fetchall()
        ledger = Ledger(path)
        entries = ledger.jobs()
        ledger.close()
    except (sqlite3.Error, GrokImagineError) as error:
        yield f"the ledger is damaged: {error}"
        return
    if verdict != [("ok",)]:
        yield f"the ledger is damaged: {verdict}"
    ids = {entry.request_id for entry in entries}
    unknown = {entry.body_sha256 for entry in entries if entry.state == "unknown"}
    posted = service.posted[since:]
    for prompt, request_id in posted:
        if request_id not in ids and TextToVideo(prompt, duration=1).sha256 not in unknown:
            body = TextToVideo(prompt, duration=1).sha256
            yield f"{request_id} is lost: {[(e.state, e.code) for e in entries if e.body_sha256 == body]}"
    for prompt, count in Counter(prompt for prompt, _ in posted).items():
        if count > 1:
            yield f"{prompt!r} was posted {count} times"
    for request_id in told.read_text().split() if told.exists() else ():
        if request_id not in ids:
            yield f"{request_id} was told, and is not in the ledger"


def wait_for_all(alive: Path) -> None:
    """Until the children of killed processes have ended, too: what they have under way is not lost yet."""
    descriptor = os.open(alive, os.O_RDWR | os.O_CREAT, 0o600)
    end = time.monotonic() + SLOW
    while time.monotonic() < end:
        with suppress(BlockingIOError):
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            break
        time.sleep(0.01)
    os.close(descriptor)


def finish(service: Service, path: Path, told: Path) -> Iterator[str]:
    """Runs the shared batch to its end."""
    ledger = Ledger(path)
    with Client("any-key", base_url=service.url, ledger=ledger, limits=OFF) as client:
        requests = (TextToVideo(f"shared {n}", duration=1) for n in range(LINES))
        states = Counter(outcome.state for outcome in client.video.batch(requests, name="shared", timeout=WAIT))
        client.video.start(TextToVideo(f"last {time.monotonic_ns()}", duration=1))
    ledger.close()
    # What killed processes leave goes with the next that starts a job.
    if left := {file.name for file in path.parent.iterdir()} - {path.name, told.name, f"{told.name}.alive"}:
        yield f"files are left: {left}"
    if set(states) - {"done", "running", "unknown"} or states.total() != LINES:
        yield f"the shared batch ended with {dict(states)}"


def main(processes: int = 300, seed: int = 1) -> int:
    """Proves, and prints what was seen."""
    dice, begin = random.Random(seed), time.monotonic()
    faults: list[str] = []
    ledgers = rounds = 0
    nursery, service = Nursery(), Service(random.Random(seed))
    try:
        while rounds * AT_ONCE < processes:
            with tempfile.TemporaryDirectory() as folder:
                path, told, since = Path(folder) / "ledger.db", Path(folder) / "told", len(service.posted)
                for _ in range(min(ROUNDS, -(-processes // AT_ONCE) - rounds)):
                    faults += run_round(dice, rounds, nursery, service.url, path, told)
                    faults += wrong(service, path, told, since)
                    rounds += 1
                try:
                    faults += finish(service, path, told)
                except GrokImagineError as error:
                    faults.append(f"the shared batch ended with {error!r}")
                faults += wrong(service, path, told, since)
                ledgers += 1
    finally:
        service.close()
        nursery.close()
    faults = list(dict.fromkeys(faults))
    kinds = ("is lost", "was posted", "was told", "is damaged", "files are left", "ended with", "said")
    counts = {kind: sum(kind in fault for fault in faults) for kind in kinds}
    took = time.monotonic() - begin
    print(f"{rounds * AT_ONCE} processes on {ledgers} ledgers in {took:.0f} s: {len(service.posted)} jobs posted")
    print("\n".join(fault[:1500] for fault in faults[:20]) or "no job lost, no request posted twice, no ledger damaged")
    if faults:
        print(json.dumps(counts))
    return 1 if faults or not service.posted else 0


if __name__ == "__main__":
    if sys.argv[1:] == ["nursery"]:
        child(nurse())
    else:
        sys.exit(main(*map(int, sys.argv[1:])))
