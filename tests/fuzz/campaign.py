"""Puts random answers to both clients over a socket, and straight to the flows, and collects what is wrong.

    make fuzz                               100,000 answers: a tenth over sockets, the rest handed to the flows
    make fuzz FUZZ=0 FUZZ_SECONDS=600       recorded answers with bytes changed, over sockets, for ten minutes
    .venv/bin/python scripts/fuzz_answers.py 7/1234     one case again, by its name

A case is made of a seed and a number, which are its name. `cases` makes them, `wire` sends them, and `judge` says what holds for
every outcome. What else meets answers, such as downloads, joins by `SUITES`.
"""

from __future__ import annotations

import argparse
import asyncio
import functools
import itertools
import random
import resource
import tempfile
import time
from collections import Counter
from collections.abc import Awaitable, Callable, Iterable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager
from pathlib import Path
from typing import Any, NamedTuple, TypeAlias

import yaml

from grok_imagine import AsyncClient, Client, GrokImagineError, Ledger, Limits, RetryPolicy, TextToVideo, TransportError
from grok_imagine.answers.answer import Answer, take_in
from grok_imagine.core import operations, polling
from grok_imagine.core.effects import Call, Effect, Flow, Sleep
from grok_imagine.core.hooks import JobRecorder, Runtime
from grok_imagine.core.retry import Retries
from grok_imagine.pacing.limiter import Pacer
from grok_imagine.posting import start as starting
from grok_imagine.posting.post import Post
from support import UNLIMITED, ManualClock

from .cases import KEY, NO_BODY, Case, case, mutate
from .judge import ASKED, complaints, outcome_of
from .wire import Wire

CASSETTES = Path(__file__).resolve().parents[1] / "cassettes" / "sandbox"

Operation = Callable[[Any], Any]
REQUEST = TextToVideo("a boat")
OPERATIONS: dict[str, Operation] = {
    "start": lambda client: client.video.start("a boat"),
    "get": lambda client: client.video.get(ASKED),
    "wait": lambda client: client.video.wait(ASKED, timeout=3),
    "models": lambda client: client.models.list(),
    "model": lambda client: client.models.get("grok-imagine-video"),
}


class Finding(NamedTuple):
    """What is wrong with the outcome of a case."""

    case: Case
    way: str
    complaint: str

    def __str__(self) -> str:
        return f"{self.case.name} {self.case.operation} {self.way}: {self.complaint}"


class Straight:
    """Hands answers to the flows, without a client or a socket."""

    def __call__(self, case: Case) -> Iterator[Finding]:
        """Asks once more and once more, as the flow wants."""
        clock, posts = ManualClock(), 0
        pacer = Pacer(Limits(), clock)
        runtime = Runtime(Retries(RetryPolicy(max_retries=2), clock), 60.0, pacer, JobRecorder())
        work: dict[str, Callable[[], Flow[Any]]] = {
            "start": lambda: starting.start_alone(REQUEST, runtime),
            "get": lambda: operations.get(ASKED, runtime),
            "wait": lambda: polling.resume(ASKED, runtime, None, timeout=3),
            "models": lambda: operations.list_models(runtime),
            "model": lambda: operations.get_model("grok-imagine-video", runtime),
        }

        def do(command: Effect) -> object:
            nonlocal posts
            if isinstance(command, Sleep):
                return clock.sleep(command.seconds)
            if not isinstance(command, Call):
                raise AssertionError(f"no such command without a ledger: {command!r}")
            cut = case.framing == "cut"
            body = b"" if case.status in NO_BODY else case.body

            def exchange(post: Post) -> Answer:
                nonlocal posts
                post.sending()
                posts += 1
                return take_in(case.status, case.headers, body, KEY, "breaks off" if cut else "")

            if command.post:
                command.post.run(exchange, lambda: None)
                return command.post.result()
            if cut:
                raise TransportError("the connection broke off")
            return take_in(case.status, case.headers, body, KEY)

        def drive() -> Any:
            running = work[case.operation]()
            try:
                command = next(running)
                while True:
                    try:
                        result = do(command)
                    except GrokImagineError as error:
                        command = running.throw(error)
                    else:
                        command = running.send(result)
            except StopIteration as stop:
                return stop.value

        result, error, warned = outcome_of(drive)
        for each in complaints(case, result, error, warned, posts):
            yield Finding(case, "straight", each)


class Campaign:
    """The clients and the server of a run.

    Args:
        wire: The server.
        ledger: Where the jobs of the blocking client are noted, if they are.
    """

    def __init__(self, wire: Wire, ledger: Ledger | None = None) -> None:
        self._wire = wire
        clock = ManualClock()
        options: dict[str, Any] = {
            "api_key": KEY, "base_url": wire.base_url, "clock": clock, "limits": UNLIMITED, "request_timeout": 20,
            "retry": RetryPolicy(max_retries=2),
        }  # fmt: skip
        self._ledger = ledger
        self._sync = Client(**options, sleep=clock.sleep, ledger=ledger)
        self._async = AsyncClient(**options, sleep=clock.sleep_async)
        self._loop = asyncio.new_event_loop()

    def over_sockets(self, case: Case, way: str) -> Iterator[Finding]:
        """Asks with the blocking or the asynchronous client."""
        self._wire.tell(case.wire(), case.framing in ("close", "cut"))
        operation = OPERATIONS[case.operation]
        ask = (
            (lambda: operation(self._sync))
            if way == "sync"
            else (lambda: self._loop.run_until_complete(_awaited(operation(self._async))))
        )
        result, error, warned = outcome_of(ask)
        found = complaints(case, result, error, warned, self._wire.posts)
        if self._ledger and way == "sync" and case.request_id and not self._ledger.get(case.request_id):
            found.append("id lost: not in the ledger")
        for each in found:
            yield Finding(case, way, each)

    def close(self) -> None:
        """Closes the clients."""
        self._sync.close()
        self._loop.run_until_complete(self._async.close())
        self._loop.close()


async def _awaited(work: Awaitable[Any]) -> Any:
    return await work


Suite: TypeAlias = Callable[[int, int], Iterator[Finding]]
SUITES: dict[str, Callable[[], AbstractContextManager[Suite]]] = {}
"""Further kinds of cases: by name, what makes a function of seed and number that tells what is wrong with a case."""


class Recorded(NamedTuple):
    """A recorded answer."""

    operation: str
    status: int
    head: bytes
    body: bytes


@functools.cache
def recorded() -> tuple[Recorded, ...]:
    """The answers of all cassettes."""
    found = []
    for path in sorted(CASSETTES.glob("*.yaml")):
        for each in yaml.safe_load(path.read_text(encoding="utf-8"))["interactions"]:
            request, response = each["request"], each["response"]
            operation = "start" if request["method"] == "POST" else "get" if "/videos/" in request["uri"] else "models"
            body, status = response["body"]["string"] or b"", response["status"]["code"]
            fields = ((name, value) for name, values in response["headers"].items() for value in values)
            lines = [
                f"{name}: {value}"
                for name, value in fields
                if name.lower() not in ("content-length", "transfer-encoding")
            ]
            head = "\r\n".join((f"HTTP/1.1 {status} OK", *lines)).encode()
            found.append(Recorded(operation, status, head, body if isinstance(body, bytes) else body.encode()))
    return tuple(found)


def mutant(seed: int, number: int) -> Mutant:
    """A recorded answer with bytes changed: of its body, of its head, or of both."""
    dice = random.Random(f"{seed}/m{number}")
    operation, status, head, body = dice.choice(recorded())
    roll = dice.random()
    body = mutate(dice, body) if roll < 0.7 else body
    head = mutate(dice, head) if roll > 0.5 else head
    return Mutant(f"{seed}/m{number}", operation, status, [(b"head", head)], body, None, "close")


class Mutant(Case):
    """A case whose head is bytes."""

    def wire(self) -> bytes:
        """The answer as a server sends it; the length is that of the body, or the head's own."""
        return self.headers[0][1] + b"\r\nconnection: close\r\ncontent-length: %d\r\n\r\n" % len(self.body) + self.body


def summary(findings: Iterable[Finding]) -> str:
    """How often what was found, and the first case of each."""
    findings = list(findings)
    first = {finding.complaint: finding for finding in reversed(findings)}
    counts = Counter(finding.complaint for finding in findings).most_common()
    return "\n".join(f"{number:6} {complaint}; first {first[complaint]}" for complaint, number in counts)


@contextmanager
def campaign() -> Iterator[Campaign]:
    """A campaign with a server and a ledger of its own."""
    with tempfile.TemporaryDirectory() as folder, Wire() as wire:
        ledger = Ledger(Path(folder) / "jobs.db")
        running = Campaign(wire, ledger)
        try:
            yield running
        finally:
            running.close()
            ledger.close()


def again(name: str) -> list[Finding]:
    """Runs a case once more, in every way."""
    seed, _, number = name.partition("/")
    made = mutant(int(seed), int(number[1:])) if number.startswith("m") else case(int(seed), int(number))
    print(made.wire()[:2000])
    with campaign() as running:
        ways = [*running.over_sockets(made, "sync"), *running.over_sockets(made, "async")]
    return ways if isinstance(made, Mutant) else [*ways, *Straight()(made)]


def attack(seed: int, most: int, seconds: float) -> tuple[Counter[str], list[Finding]]:
    """Random answers, so many; then changed recordings, for so long.

    Returns:
        How many answers went which way, and what was wrong with them.
    """
    told, findings, straight = Counter[str](), list[Finding](), Straight()
    with campaign() as running, ExitStack() as stack:
        others = {name: stack.enter_context(make()) for name, make in SUITES.items()}
        for number in range(most):
            if number % 20:  # both clients get every twentieth: so a tenth of the answers goes over sockets
                findings += straight(case(seed, number))
                told["straight"] += 1
            else:
                made = case(seed, number)
                for way in ("sync", "async"):
                    findings += running.over_sockets(made, way)
                    told[f"random, {way}"] += 1
            if number % 20 == 10:
                for name, suite in others.items():
                    findings += suite(seed, number)
                    told[name] += 1
        end = time.monotonic() + seconds
        for number in itertools.count():
            if time.monotonic() >= end:
                break
            made = mutant(seed, number)
            for way in ("sync", "async"):
                findings += running.over_sockets(made, way)
                told[f"changed, {way}"] += 1
    return told, findings


def main(arguments: list[str]) -> int:
    """Runs what `make fuzz` asks for, and says what was wrong with how many answers."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("name", nargs="?", help="one case again")
    parser.add_argument("--answers", type=int, default=100_000)
    parser.add_argument("--seconds", type=float, default=0)
    parser.add_argument("--seed", type=int, default=random.randrange(1_000_000))
    given = parser.parse_args(arguments)
    if given.name:
        findings = again(given.name)
    else:
        print(f"seed {given.seed}", flush=True)
        begin, before = time.monotonic(), resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        told, findings = attack(given.seed, given.answers, given.seconds)
        grown = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before
        print(
            f"{sum(told.values())} answers in {time.monotonic() - begin:.0f} s: {dict(told)}; {grown >> 10} MiB more, the cases' own too"
        )
    bad = {(finding.case.name, finding.way) for finding in findings}
    print(
        summary(findings) + f"\n{len(bad)} answers had a wrong outcome"
        if bad
        else "every outcome was typed, harmless, and had its id"
    )
    return 1 if bad else 0
