"""Many processes on one ledger, that begin and end in every way: prove_processes.py [PROCESSES] [SEED].

In each round writers make jobs with the real client, alone, in one batch that they share, and beside a forked child; others
only open the ledger, list it and close it, or leave it open. They return, raise, call sys.exit or os._exit, or get SIGTERM,
SIGINT or SIGKILL at a random moment. A server that is not the sandbox counts what is posted, and answers late.

The proof fails if a request was posted twice, if an id that a process had been told is missing in the ledger, if a posted
request is in it neither by its id nor as an unknown intent, if PRAGMA integrity_check finds anything, if a process ended
in another way than it was to, or if the shared batch does not come to its end.
"""

from __future__ import annotations

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
from contextlib import ExitStack, closing, suppress
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

    role: str
    way: str
    delay: float
    name: str
    forked_way: str

    @property
    def is_signalled(self) -> bool:
        """Whether it is ended from outside."""
        return self.way.startswith("SIG")


# The process.


def act(role: str, way: str, name: str, forked_way: str, url: str, path: str, told: str) -> None:
    """What a process does between its first line and its end."""
    signal.signal(
        signal.SIGINT, signal.default_int_handler
    )  # who runs in the background of a shell inherits that it is ignored
    print("ready", flush=True)
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
        yield Job(role, dice.choice(WAYS), dice.uniform(0, LONGEST), f"{number}.{place}", forked)


def run_round(dice: random.Random, number: int, url: str, path: Path, told: Path) -> Iterator[str]:
    """Starts the processes of a round, ends them, and says which ended in another way than it was to."""
    with ExitStack() as stack:
        running = []
        for job in jobs_of(dice, number):
            command = [sys.executable, __file__, "child", job.role, job.way, job.name, job.forked_way, url]
            process = subprocess.Popen(
                [*command, str(path), str(told)], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
            )
            stack.callback(process.kill)
            running.append((job, process))
        for _, process in running:
            assert process.stdout is not None
            process.stdout.readline()
        interrupt([pair for pair in running if pair[0].is_signalled])
        for job, process in running:
            _, errors = process.communicate(timeout=2 * SLOW)
            wanted = (1, 130, -2) if job.way == "SIGINT" else (CODES[job.way],)
            # A batch may be through before its signal, and the program has an end of its own.
            is_early = job.is_signalled and job.role in ("batch", "program") and process.returncode == 0
            if process.returncode not in wanted and not is_early:
                yield f"{job} ended with {process.returncode}: {errors[-600:]}"
            elif errors and job.way != "raise" and not job.is_signalled:
                yield f"{job} said {errors[-600:]}"


def interrupt(running: list[tuple[Job, subprocess.Popen[str]]]) -> None:
    """Sends processes their signals, each at its moment."""
    begin = time.monotonic()
    for job, process in sorted(running, key=lambda pair: pair[0].delay):
        time.sleep(max(begin + job.delay - time.monotonic(), 0.0))
        process.send_signal(getattr(signal, job.way))


def wrong(service: Service, path: Path, told: Path, since: int) -> Iterator[str]:
    """What a ledger should hold and does not, and what was posted twice, of the requests from one on."""
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
            yield f"{request_id} is lost"
    for prompt, count in Counter(prompt for prompt, _ in posted).items():
        if count > 1:
            yield f"{prompt!r} was posted {count} times"
    for request_id in told.read_text().split() if told.exists() else ():
        if request_id not in ids:
            yield f"{request_id} was told, and is not in the ledger"


def finish(service: Service, path: Path, told: Path) -> Iterator[str]:
    """Runs the shared batch to its end."""
    ledger = Ledger(path)
    with Client("any-key", base_url=service.url, ledger=ledger, limits=OFF) as client:
        requests = (TextToVideo(f"shared {n}", duration=1) for n in range(LINES))
        states = Counter(outcome.state for outcome in client.video.batch(requests, name="shared", timeout=WAIT))
        client.video.start(TextToVideo(f"last {time.monotonic_ns()}", duration=1))
    ledger.close()
    # What killed processes leave goes with the next that starts a job.
    if left := {file.name for file in path.parent.iterdir()} - {path.name, told.name}:
        yield f"files are left: {left}"
    if set(states) - {"done", "running", "unknown"} or states.total() != LINES:
        yield f"the shared batch ended with {dict(states)}"


def main(processes: int = 300, seed: int = 1) -> int:
    """Proves, and prints what was seen."""
    dice, begin = random.Random(seed), time.monotonic()
    faults: list[str] = []
    ledgers = rounds = 0
    service = Service(random.Random(seed))
    try:
        while rounds * AT_ONCE < processes:
            with tempfile.TemporaryDirectory() as folder:
                path, told, since = Path(folder) / "ledger.db", Path(folder) / "told", len(service.posted)
                for _ in range(min(ROUNDS, -(-processes // AT_ONCE) - rounds)):
                    faults += run_round(dice, rounds, service.url, path, told)
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
    if sys.argv[1:2] == ["child"]:
        child(sys.argv[2:])
    else:
        sys.exit(main(*map(int, sys.argv[1:])))
