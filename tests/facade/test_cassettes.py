"""Recorded traffic, replayed by both clients: the wire of every mode and outcome, as it was.

`make record` records anew: from the sandbox into cassettes/sandbox, or with LIVE=1 and XAI_API_KEY from the service into
cassettes/live, where only what can be had by asking is recorded, and is paid for. A cassette says where it comes from by
its folder, by its host (`sandbox.invalid`) and by the `server` header of each answer. Each is recorded once, by the
blocking client, and replayed by both. `outcomes.json` beside them holds what came of each.
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterator
from typing import Any

import pytest
import yaml
from openapi_core import OpenAPI
from openapi_core.exceptions import OpenAPIError
from openapi_core.testing import MockRequest, MockResponse

from grok_imagine import GrokImagineError, Video
from grok_imagine_sandbox import SCENARIOS, Sandbox
from support import ROOT, Api, ManualClock, RealClock

LIVE = os.environ.get("LIVE") == "1" and bool(os.environ.get("XAI_API_KEY"))
FOLDER = ROOT / "tests" / "cassettes"
HOSTS = {"sandbox": "https://sandbox.invalid", "live": "https://api.x.ai"}
CLIP = os.environ.get("CLIP", "https://example.com/clip.mp4")
PNG = "data:image/png;base64,iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="
KEPT_HEADERS = {"content-type", "server", "x-request-id", "x-ratelimit-limit-requests", "x-ratelimit-remaining-requests",
                "x-zero-data-retention"}  # fmt: skip

ASKED = {
    "text-to-video": lambda c: c.video.generate("A cat", duration=1),
    "image-to-video": lambda c: c.video.generate(image_url=PNG, duration=1),
    "reference-to-video": lambda c: c.video.generate("<IMAGE_1> waves", reference_image_urls=[PNG], duration=1),
    "edit-video": lambda c: c.video.generate("Make it snow", video_url=CLIP),
    "extend-video": lambda c: c.video.extend("Go on", video_url=CLIP, duration=2),
    "models": lambda c: c.models.list(),
    "model": lambda c: c.models.get("grok-imagine-video"),
    "no-such-model": lambda c: c.models.get("grok-video"),
    "no-such-model-to-start": lambda c: c.video.start("A cat", "grok-video", strict=False),
    "no-such-job": lambda c: c.video.get("00000000-0000-0000-0000-000000000000"),
    "malformed-id": lambda c: c.video.get("not-an-id"),
    "duration-out-of-range": lambda c: c.video.start("A cat", duration=16, strict=False),
    "unknown-ratio": lambda c: c.video.start("A cat", aspect_ratio="auto", strict=False),
}
"""What anyone can record by asking."""

# No answer to record: the connection breaks, the answer is late, or the job never ends.
UNRECORDABLE = {name for name in SCENARIOS if re.search("reset|slow|truncated|never-ends", name)}
STAGED = {name: f"{name}:2" if name.startswith("look-") else name for name in sorted(SCENARIOS.keys() - UNRECORDABLE)}
"""What only the sandbox can be asked for. Looks that fail do so twice, then the job goes on."""

# What the service was seen, or is feared, to answer against its own contract.
OUTSIDE = {"look-html", "look-garbage", "look-garbage-video", "pending-empty", "empty-500"}

REFUSED = {"duration-out-of-range"}
"""What was sent against the contract, to have it refused."""


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Recording is done once, by the blocking client; replaying by both, of whatever was recorded."""
    if "origin" not in metafunc.fixturenames:
        return
    recording = metafunc.config.getoption("--record-mode") not in (None, "none")
    if recording:
        names = [*ASKED] if LIVE else [*ASKED, *STAGED]
        cases = [("live" if LIVE else "sandbox", name) for name in names]
    else:
        cases = sorted((path.parent.name, path.stem) for path in FOLDER.glob("*/*.yaml"))
    metafunc.parametrize(("origin", "name"), cases, scope="module")
    if "kind" in metafunc.fixturenames:
        metafunc.parametrize("kind", ["sync"] if recording else ["sync", "async"])


def scrub(text: str) -> str:
    """Ports and signatures change with each recording, and a signature is a secret."""
    text = re.sub(r"http://127\.0\.0\.1:\d+", HOSTS["sandbox"], text)
    return re.sub(r"([?&](?:sig|signature|X-Amz-Signature)=)[^\"&\s]+", r"\1REDACTED", text)


def scrub_request(request: Any) -> Any:
    request.uri = scrub(request.uri)
    return request


def scrub_response(response: dict[str, Any]) -> dict[str, Any]:
    response["headers"] = {k.lower(): v for k, v in response["headers"].items() if k.lower() in KEPT_HEADERS}
    response["body"]["string"] = scrub(response["body"]["string"].decode()).encode()
    return response


@pytest.fixture(scope="module")
def vcr_config() -> dict[str, Any]:
    return {
        "match_on": ["method", "scheme", "host", "path", "query", "body"],
        "filter_headers": ["authorization", "cookie", "user-agent", "host", "connection", "accept-encoding", "accept"],
        "before_record_request": scrub_request,
        "before_record_response": scrub_response,
        "decode_compressed_response": True,
    }


@pytest.fixture
def vcr_cassette_dir(request: pytest.FixtureRequest) -> str:
    # Not by the argument `origin`: the plugin asks for the folder in every test, and not every test has one.
    return str(FOLDER / request.node.callspec.params["origin"]) if hasattr(request.node, "callspec") else str(FOLDER)


@pytest.fixture
def default_cassette_name(name: str) -> str:
    return name


@pytest.fixture
def api(kind: str, origin: str, clock: ManualClock, record_mode: str) -> Iterator[Api]:
    """A client that replays; in record mode one of the sandbox, or of the service in real time."""
    if record_mode == "none":
        yield Api(kind, clock, f"{HOSTS[origin]}/v1")
    elif origin == "live":
        yield Api(kind, RealClock(), f"{HOSTS[origin]}/v1", api_key=os.environ["XAI_API_KEY"])
    else:
        with Sandbox(clock=clock, speed=1.0) as sandbox:
            yield Api(kind, clock, sandbox.base_url)


def outcome(api: Api, use: Any, **options: Any) -> dict[str, Any]:
    """What came of a call, as data."""
    try:
        result = api(use, **options)
    except GrokImagineError as error:
        status, code = getattr(error, "status_code", None), getattr(error, "code", None)
        return {"error": type(error).__name__, "status_code": status, "code": code, "message": error.message}
    if isinstance(result, Video):
        return {
            name: getattr(result, name) for name in ("outcome", "status", "duration", "progress", "cost_usd", "model")
        }
    return {"result": [model.id for model in result] if isinstance(result, list) else type(result).__name__}


@pytest.mark.vcr
@pytest.mark.block_network(allowed_hosts=["127.0.0.1"])
@pytest.mark.filterwarnings("ignore::grok_imagine.UnknownStatusWarning")
def test_a_recording_has_the_outcome_it_had(
    origin: str, name: str, kind: str, api: Api, vcr: Any, record_mode: str
) -> None:
    headers = {"x-sandbox-scenario": STAGED[name]} if name in STAGED else {}
    got = outcome(api, ASKED.get(name, lambda c: c.video.generate("A cat", duration=2)), headers=headers)
    path = FOLDER / origin / "outcomes.json"
    outcomes = json.loads(path.read_text(encoding="utf-8")) if path.exists() else {}
    if record_mode == "none":
        assert got == outcomes[name]
        assert vcr.all_played, "an interaction was recorded and not played"
    else:
        path.parent.mkdir(parents=True, exist_ok=True)
        outcomes = dict(sorted((outcomes | {name: got}).items()))
        path.write_text(json.dumps(outcomes, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")


def test_every_mode_and_scenario_is_recorded() -> None:
    recorded = {path.stem for path in (FOLDER / "sandbox").glob("*.yaml")}
    assert recorded == ASKED.keys() | STAGED.keys()
    assert json.loads((FOLDER / "sandbox" / "outcomes.json").read_text(encoding="utf-8")).keys() == recorded


def test_a_recording_says_where_it_comes_from_and_keeps_no_secret(origin: str, name: str) -> None:
    text = (FOLDER / origin / f"{name}.yaml").read_text(encoding="utf-8")
    interactions = yaml.safe_load(text)["interactions"]
    assert interactions
    for interaction in interactions:
        assert interaction["request"]["uri"].startswith(HOSTS[origin])
        servers = interaction["response"]["headers"].get("server", [])
        assert (servers == ["grok-imagine-sandbox"]) == (origin == "sandbox")
    assert not re.search(r"(?i)authorization|bearer|cookie|test-key|127\.0\.0\.1", text)
    assert set(re.findall(r"[?&](?:sig|signature|X-Amz-Signature)=([^\"&\s]+)", text)) <= {"REDACTED"}


def test_a_recording_obeys_the_contract_unless_it_is_staged_to_break_it(
    origin: str, name: str, openapi: OpenAPI
) -> None:
    broken = 0
    for interaction in yaml.safe_load((FOLDER / origin / f"{name}.yaml").read_text(encoding="utf-8"))["interactions"]:
        asked, answered = interaction["request"], interaction["response"]
        path = asked["uri"].removeprefix(HOSTS[origin])
        body = (asked["body"] or "").encode()
        request = MockRequest(
            "https://api.x.ai", asked["method"], path, headers={"Authorization": "Bearer k"}, data=body
        )
        if name not in REFUSED:
            openapi.validate_request(request)
        media = answered["headers"].get("content-type", [""])[0].partition(";")[0]
        text, status = answered["body"]["string"].encode(), answered["status"]["code"]
        try:
            openapi.validate_response(request, MockResponse(text, status_code=status, content_type=media))
        except OpenAPIError:
            broken += 1
    assert (broken > 0) == (name in OUTSIDE)
