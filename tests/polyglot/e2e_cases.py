"""End to end in other languages: the cases, and what runs them against a sandbox (see README.md here).

`PYTHONPATH=scripts python tests/polyglot/e2e_cases.py go typescript` builds the adapters of these languages, runs all cases and prints
what is wrong.
"""

import hashlib
import json
import os
import socket
import sys
import urllib.request
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple
from unittest import mock

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from conformance.driver import Adapter
from grok_imagine_sandbox import Sandbox
from grok_imagine_sandbox.app import application as plain_application

HERE = Path(__file__).parent

KEY = "xai-e2e"
SPEED = 1000.0
MAX_POSTS = 3
SECONDS_PER_LOOK = 5.0
DOWNLOAD_SECONDS = 30.0

PIXEL = "data:image/png;base64,iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="
TEXT: Mapping[str, Any] = {"prompt": "A paper boat", "duration": 1}
CLIP = {"url": "https://example.com/ball.mp4"}


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
        {"outcome": "done", "cost_in_usd_ticks": 4_800_000_000},
        {"model": "grok-imagine-video-1.5", "prompt": "Fog", "duration": 6, "resolution": "480p"},
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


def run_all(adapter: Adapter, cases: Sequence[Case] = CASES) -> dict[str, list[str]] | None:
    """Run the cases with an adapter that was built. Returns what is wrong with each; None if the adapter does not have `run`.

    Raises:
        ConformanceError: The adapter does not keep to the protocol.
    """
    found: dict[str, list[str]] = {}
    asked: list[tuple[Case, Sandbox, Journal]] = []

    def vectors() -> Iterator[dict[str, Any]]:
        for case in cases:
            with recorded(case) as (sandbox, journal), _base_url(case, sandbox) as base_url:
                sent = {"base_url": base_url, "api_key": KEY, "max_posts": MAX_POSTS, "speed": SPEED}
                asked.append((case, sandbox, journal))
                yield {"id": f"run/{case.name}", "input": {**sent, "operation": case.operation, "body": case.body}}

    answers = adapter.talk(vectors())
    if "run" not in next(answers)["operations"]:
        return None
    for answer in answers:
        case, sandbox, journal = asked[-1]
        if output := answer.get("output"):
            found[case.name] = [*_compare(case, output, sandbox, journal), *_compare_file(output)]
        else:
            found[case.name] = [f"no output: {answer.get('error')}"]
    return found


@contextmanager
def _base_url(case: Case, sandbox: Sandbox) -> Iterator[str]:
    if case.is_listening:
        yield sandbox.base_url
        return
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))  # bound, but nobody listens
        yield f"http://127.0.0.1:{closed.getsockname()[1]}/v1"


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
    pairs["bodies"] = journal.posts, [case.body] * case.posts
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
    with urllib.request.urlopen(output["url"], timeout=DOWNLOAD_SECONDS) as response:
        content = response.read()
    wanted = {"bytes": len(content), "sha256": hashlib.sha256(content).hexdigest()}
    return [
        f"output.{name} is {output.get(name)!r}, not {value!r}"
        for name, value in wanted.items()
        if output.get(name) != value
    ]


def main() -> None:
    """Run the adapters that are named, or all that have the operation; with `--built` as they are. Ends with 1 if anything is wrong."""
    names = [name for name in sys.argv[1:] if not name.startswith("-")]
    adapters = [Adapter(path.parent) for path in sorted(HERE.glob("*/language.json"))]
    has_failed = False
    for adapter in adapters:
        if names and adapter.name not in names:
            continue
        if missing := adapter.missing():
            print(f"{adapter.name:<12} left out: {', '.join(missing)} not found")
            has_failed = has_failed or bool(os.environ.get("STRICT"))
            continue
        if trouble := "" if "--built" in sys.argv else adapter.build():
            sys.exit(f"{adapter.name} can't be built\n{trouble}")
        found = run_all(adapter)
        if found is None:
            continue
        wrong = {name: flaws for name, flaws in found.items() if flaws}
        print(f"{adapter.name:<12} {len(found) - len(wrong)} of {len(CASES)} end to end")
        for name, flaws in wrong.items():
            print(f"  {name}: {'; '.join(flaws)}")
        has_failed = has_failed or bool(wrong) or len(found) < len(CASES)
    sys.exit(has_failed)


if __name__ == "__main__":
    main()
