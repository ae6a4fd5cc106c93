"""End to end in other languages: the cases, and what runs them against a sandbox (see README.md here).

`python tests/polyglot/e2e_cases.py go typescript` builds the adapters of these languages, runs all cases and prints a table.
"""

import hashlib
import json
import queue
import shutil
import socket
import subprocess
import sys
import threading
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType
from typing import Any, NamedTuple, Self
from unittest import mock

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from grok_imagine_sandbox import Sandbox
from grok_imagine_sandbox.app import application as plain_application

HERE = Path(__file__).parent
ROOT = HERE.parent.parent
DOCUMENT = ROOT / "generated/grok_imagine_api/openapi.json"

KEY = "xai-e2e"
SPEED = 1000.0
MAX_POSTS = 3
SECONDS_PER_LOOK = 5.0
BUILD_SECONDS = 1200.0
ANSWER_SECONDS = 60.0

PIXEL = "data:image/png;base64,iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="
TEXT = MappingProxyType({"prompt": "A paper boat", "duration": 1})
CLIP = MappingProxyType({"url": "https://example.com/ball.mp4"})


class Case(NamedTuple):
    """A run and what it has to come to.

    `output` is compared with the program's answer; `posts` and `jobs` with what the sandbox received. `min_polls` is a lower
    bound. `second_post` is a scenario for the second POST alone.
    """

    name: str
    output: Mapping[str, Any]
    body: Mapping[str, Any] = TEXT
    operation: str = "generateVideo"
    scenario: str | None = None
    second_post: str | None = None
    posts: int = 1
    jobs: int = 1
    min_polls: int = 0
    is_listening: bool = True


DONE = {"outcome": "done"}

CASES = (
    Case("text-to-video", DONE, min_polls=2),
    Case("image-to-video", DONE, {"image": {"url": PIXEL}, "duration": 1}),
    Case(
        "reference-to-video",
        DONE,
        {
            "model": "grok-imagine-video-1.5",
            "prompt": "<IMAGE_1> sails",
            "reference_images": [{"url": PIXEL}],
            "keyframes": [{"image": {"file_id": "file_0a1b2c"}, "timestamp_s": 1.3}],
            "duration": 2,
            "resolution": "480p",
            "generate_audio": False,
        },
    ),
    Case("edit-video", DONE, {"prompt": "Make it snow", "video": CLIP}, "editVideo"),
    Case("extend-video", DONE, {"prompt": "The camera rises", "video": CLIP, "duration": 2}, "extendVideo"),
    Case(
        "cost-over-32-bits",
        {"outcome": "done", "cost_in_usd_ticks": 5_600_000_000},
        {"model": "grok-imagine-video-1.5", "prompt": "Fog", "duration": 4, "resolution": "720p"},
    ),
    Case("failed", {"outcome": "failed"}, scenario="failed-internal-error"),
    Case("failed-empty-video", {"outcome": "failed"}, scenario="failed-empty-video"),
    Case("expired", {"outcome": "expired"}, scenario="expired"),
    Case("moderated-withheld", {"outcome": "moderated"}, scenario="moderated-withheld"),
    Case(
        "moderated-rejected", {"outcome": "moderated", "cost_in_usd_ticks": 500_000_000}, scenario="moderated-rejected"
    ),
    Case("moderated-failed", {"outcome": "moderated"}, scenario="moderated-failed"),
    Case("timeout", {"outcome": "timeout"}, scenario="never-ends", min_polls=50),
    Case("out-of-credit", {"outcome": "error", "kind": "out_of_credit"}, scenario="out-of-credit", jobs=0),
    Case("rate-limit", DONE, scenario="rate-limit:1", posts=2),
    Case("rate-limit-for-good", {"outcome": "again"}, scenario="rate-limit", posts=MAX_POSTS, jobs=0),
    Case("empty-202", DONE, scenario="pending-empty", min_polls=2),
    Case("html-520-on-a-look", DONE, scenario="look-520:2", min_polls=3),
    Case("html-200-on-a-look", DONE, scenario="look-html:2", min_polls=3),
    Case("reset-on-a-look", DONE, scenario="look-reset:2", min_polls=2),
    Case("broken-off-look", DONE, scenario="look-truncated:2", min_polls=3),
    Case("unknown-status", DONE, scenario="status-unknown", min_polls=2),
    Case("text-422", {"outcome": "error", "kind": "unprocessable"}, {"prompt": "x", "image": {}}, jobs=0),
    Case("html-520-on-the-post", {"outcome": "unknown"}, scenario="cloudflare-520", jobs=0),
    Case("reset-after-accepting", {"outcome": "unknown"}, scenario="reset-after-accepting"),
    Case(  # over a connection that was used before: some HTTP libraries then send a request again by themselves
        "reset-after-accepting-the-second",
        {"outcome": "unknown"},
        scenario="rate-limit:1",
        second_post="reset-after-accepting",
        posts=2,
    ),
    Case("broken-off-post", {"outcome": "unknown"}, scenario="truncated"),
    Case("nobody-listens", {"outcome": "again", "posts": MAX_POSTS}, posts=0, jobs=0, is_listening=False),
)


@dataclass
class Journal:
    """What a sandbox received, and its clock: it goes on with each look alone."""

    second_post: str | None = None
    seconds: float = 0.0
    posts: list[Any] = field(default_factory=list)
    polls: int = 0
    wrong_keys: list[str] = field(default_factory=list)
    told_keys: list[str] = field(default_factory=list)

    def clock(self) -> float:
        """The sandbox's monotonic seconds."""
        return self.seconds

    def over(self, app: ASGIApp) -> ASGIApp:
        """The application, with its requests recorded."""

        async def recording(scope: Scope, receive: Receive, send: Send) -> None:
            key = dict(scope["headers"]).get(b"authorization", b"").decode()
            if not scope["path"].startswith("/v1/"):
                self.told_keys += [key] if key else []
                await app(scope, receive, send)
                return
            self.wrong_keys += [key] if key != f"Bearer {KEY}" else []
            if scope["method"] == "GET":
                self.polls += 1
                self.seconds += SECONDS_PER_LOOK
                await app(scope, receive, send)
                return
            content = await _content(receive)  # a scenario may answer before the body was read
            self.posts.append(json.loads(content) if content else None)
            if len(self.posts) == 2 and self.second_post:
                scope["headers"] = [*scope["headers"], (b"x-sandbox-scenario", self.second_post.encode())]
            parts: list[Message] = [{"type": "http.request", "body": content}]

            async def replaying() -> Message:
                return parts.pop() if parts else await receive()

            await app(scope, replaying, send)

        return recording


async def _content(receive: Receive) -> bytes:
    parts: list[bytes] = []
    while True:
        message = await receive()
        parts.append(message.get("body", b""))
        if not message.get("more_body"):
            return b"".join(parts)


@contextmanager
def recorded(case: Case) -> Iterator[tuple[Sandbox, Journal]]:
    """A sandbox that records its requests."""
    journal = Journal(case.second_post)

    def application(*args: Any) -> ASGIApp:
        return journal.over(plain_application(*args))

    with mock.patch("grok_imagine_sandbox.server.application", application):
        sandbox = Sandbox(scenario=case.scenario, clock=journal.clock, speed=1.0).start()
    try:
        yield sandbox, journal
    finally:
        sandbox.stop()


class Language:
    """A folder of this directory."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.folder = HERE / name
        self._settings: dict[str, list[str]] = json.loads((self.folder / "language.json").read_text("utf-8"))
        self._places = {"document": str(DOCUMENT), "build": str(ROOT / "build/polyglot" / name)}

    @property
    def missing(self) -> list[str]:
        """The tools that this machine lacks."""
        return [tool for tool in self._settings["tools"] if shutil.which(tool) is None]

    def command(self, step: str) -> list[str]:
        """The command of a step, `build` or `run`."""
        return [part.format_map(self._places) for part in self._settings[step]]

    def build(self) -> None:
        """Generate the client and compile the adapter.

        Raises:
            subprocess.SubprocessError: It failed, or took too long.
        """
        subprocess.run(self.command("build"), cwd=self.folder, check=True, timeout=BUILD_SECONDS, stdout=sys.stderr)


class Adapter:
    """A running adapter. `greeting` is its first line."""

    def __init__(self, language: Language) -> None:
        self._process = subprocess.Popen(
            language.command("run"), cwd=language.folder, stdin=subprocess.PIPE, stdout=subprocess.PIPE
        )
        self._lines: queue.Queue[bytes] = queue.Queue()
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()
        self.greeting = self._line()

    def ask(self, request: Mapping[str, Any]) -> dict[str, Any]:
        """The answer to a request.

        Raises:
            RuntimeError: The adapter ended, took too long, or answered something else.
        """
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps(request).encode() + b"\n")
        self._process.stdin.flush()
        answer = self._line()
        if answer.get("id") != request["id"]:
            raise RuntimeError(f"{request['id']} was answered with {answer}")
        return answer

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        assert self._process.stdin is not None
        self._process.stdin.close()
        try:
            self._process.wait(10)
        finally:
            self._process.kill()
            self._process.wait()

    def _read(self) -> None:
        assert self._process.stdout is not None
        for line in self._process.stdout:
            self._lines.put(line)
        self._lines.put(b"")

    def _line(self) -> dict[str, Any]:
        try:
            line = self._lines.get(timeout=ANSWER_SECONDS)
        except queue.Empty:
            raise RuntimeError(f"no answer in {ANSWER_SECONDS:g} s") from None
        if not line:
            raise RuntimeError(f"the adapter ended, with {self._process.wait(10)}")
        answer: dict[str, Any] = json.loads(line)
        return answer


def run_case(adapter: Adapter, case: Case) -> list[str]:
    """Run a case. Returns what is wrong."""
    with ExitStack() as stack:
        sandbox, journal = stack.enter_context(recorded(case))
        base_url = sandbox.base_url
        if not case.is_listening:
            closed = stack.enter_context(socket.socket())
            closed.bind(("127.0.0.1", 0))  # bound, but nobody listens
            base_url = f"http://127.0.0.1:{closed.getsockname()[1]}/v1"
        sent = {"base_url": base_url, "api_key": KEY, "max_posts": MAX_POSTS, "speed": SPEED}
        sent |= {"operation": case.operation, "body": case.body}
        sent = json.loads(json.dumps(sent, default=dict))
        answer = adapter.ask({"id": f"e2e/{case.name}", "operation": "run", "input": sent})
        if "output" not in answer:
            return [f"no output: {answer.get('error')}"]
        return [*_compare(case, answer["output"], sandbox, journal), *_compare_file(answer["output"])]


def _compare(case: Case, output: Mapping[str, Any], sandbox: Sandbox, journal: Journal) -> list[str]:
    jobs = sandbox.jobs
    wanted = dict(case.output)
    if case.is_listening:
        wanted["posts"] = case.posts
    if wanted["outcome"] == "done":
        wanted |= (
            {"request_id": jobs[0]["request_id"], "cost_in_usd_ticks": jobs[0]["cost_in_usd_ticks"]} if jobs else {}
        )
        wanted["kind"] = None
    pairs = {f"output.{name}": (output.get(name), value) for name, value in wanted.items()}
    pairs["POSTs"] = len(journal.posts), case.posts
    pairs["jobs"] = len(jobs), case.jobs
    pairs["bodies"] = journal.posts, [json.loads(json.dumps(case.body, default=dict))] * case.posts
    pairs["wrong keys"] = journal.wrong_keys, []
    pairs["keys told to others"] = journal.told_keys, []
    wrong = [f"{name} is {got!r}, not {value!r}" for name, (got, value) in pairs.items() if got != value]
    # Some HTTP libraries send a GET again by themselves, so that the sandbox may have received more.
    if not case.min_polls <= output.get("polls", -1) <= journal.polls:
        wrong.append(f"{output.get('polls')} looks, not {case.min_polls} to {journal.polls}")
    if wanted["outcome"] == "done" and not output.get("sha256"):
        wrong.append("no file was downloaded")
    return wrong


def _compare_file(output: Mapping[str, Any]) -> list[str]:
    if not output.get("url"):
        return []
    with urllib.request.urlopen(output["url"], timeout=ANSWER_SECONDS) as response:
        content = response.read()
    wanted = {"bytes": len(content), "sha256": hashlib.sha256(content).hexdigest()}
    return [
        f"output.{name} is {output.get(name)!r}, not {value!r}"
        for name, value in wanted.items()
        if output.get(name) != value
    ]


def run_all(language: Language) -> dict[str, list[str]]:
    """Build the adapter and run all cases. Returns what is wrong with each."""
    language.build()
    with Adapter(language) as adapter:
        return {case.name: run_case(adapter, case) for case in CASES}


def main(names: list[str]) -> int:
    """Run the languages named. Returns the exit status."""
    has_failed = False
    for name in names:
        language = Language(name)
        if language.missing:
            print(f"{name}: left out, there is no {', '.join(language.missing)} here")
            has_failed = True
            continue
        for case, wrong in run_all(language).items():
            print(f"{name:12} {case:24} {'; '.join(wrong) or 'ok'}")
            has_failed = has_failed or bool(wrong)
    return int(has_failed)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
