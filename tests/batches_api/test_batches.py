"""`client.batches` over HTTP: own ids make a lost add repairable, and whatever a result looks like, it is read."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import Any

import httpx
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from grok_imagine import (
    AsyncClient,
    BadRequestError,
    Client,
    ConflictError,
    ContractWarning,
    CreateOutcomeUnknown,
    EditVideo,
    ExtendVideo,
    GrokImagineError,
    InvalidRequest,
    JobError,
    NotFoundError,
    OutOfRange,
    PermissionDeniedError,
    RetryPolicy,
    TextToVideo,
    TransportError,
    UnexpectedResponse,
    VideoRequest,
)
from grok_imagine_sandbox import Sandbox
from support import UNLIMITED, Api, ManualClock, listed

A, B, C = (TextToVideo(text, duration=1) for text in ("a", "b", "c"))
ADD = "/v1/batches/{batch_id}/requests"
ONCE = RetryPolicy(max_retries=0)


def scenario(name: str) -> dict[str, Any]:
    return {"headers": {"x-sandbox-scenario": name}}


def posts(sandbox: Sandbox, path: str) -> dict[int, int]:
    return {status: n for (method, at, status), n in sandbox.requests.items() if (method, at) == ("POST", path)}


@pytest.fixture
def batch(api: Api) -> str:
    return str(api(lambda c: c.batches.create("trailers")).id)


def test_a_batch_from_its_making_to_its_results(api: Api, sandbox: Sandbox, clock: ManualClock, tmp_path: Path) -> None:
    made = api(lambda c: c.batches.create("trailers"))
    assert (made.name, made.num_requests, made.is_finished, made.cancel_message) == ("trailers", 0, False, None)
    assert (date.fromisoformat(made.expire_time) - date.fromisoformat(made.create_time)).days == 30
    source = api(lambda c: c.video.generate("x", duration=2))
    requests = [A, EditVideo("b", video_url=source.url), ExtendVideo("c", video_url=source.url, duration=2)]
    ids = api(lambda c: c.batches.add(made, requests))
    running = api(lambda c: c.batches.get(made.id))
    assert (running.num_requests, running.num_pending, running.is_finished) == (3, 3, False)
    assert [row.state for row in api(lambda c: listed(c.batches.requests(made)))] == ["pending"] * 3
    assert api(lambda c: listed(c.batches.results(made))) == []
    clock.now += 120
    done = api(lambda c: c.batches.get(made))
    assert (done.num_success, done.is_finished) == (3, True) and "3 done" in repr(done)
    results = api(lambda c: listed(c.batches.results(made, limit=1)))
    assert [result.id for result in results] == ids == sorted(ids)
    assert all(result.video.url and result.error is None for result in results)
    costs = [job["cost_in_usd_ticks"] for job in sandbox.jobs]
    assert [result.cost_ticks for result in results] == costs[1:]
    assert sum(result.cost_usd for result in results) == pytest.approx(sum(costs[1:]) / 1e10)
    assert "video_extension" in results[2].raw["batch_result"]["response"]
    assert made.id in [one.id for one in api(lambda c: listed(c.batches.list(limit=1)))]
    assert all(repr(result).count("http") == 0 for result in results)

    async def save(client: AsyncClient) -> Path:
        async for result in client.batches.results(made):
            return await result.video.save(tmp_path / "a.mp4")  # type: ignore[union-attr]
        raise AssertionError

    saved = api(
        lambda c: save(c) if api.kind == "async" else next(c.batches.results(made)).video.save(tmp_path / "a.mp4")
    )
    assert saved.read_bytes()[4:8] == b"ftyp"


LOST = [
    "reset-after-accepting",
    "truncated",
    "reset-before",
    "bad-gateway",
    "cloudflare-520",
    "empty-500",
    "unavailable",
]


@pytest.mark.parametrize("lost", LOST)
def test_a_lost_add_is_sent_again_and_nothing_is_doubled(api: Api, sandbox: Sandbox, batch: str, lost: str) -> None:
    ids = api(lambda c: c.batches.add(batch, [A, B, A]), **scenario(f"{lost}:2"))
    assert sum(posts(sandbox, ADD).values()) == 3 and posts(sandbox, ADD)[200] >= 1
    assert [row.id for row in api(lambda c: listed(c.batches.requests(batch)))] == sorted(ids)
    assert len(sandbox.jobs) == len(ids) == 3


def test_an_add_that_stays_unknown_is_repaired_by_the_same_call(api: Api, sandbox: Sandbox, batch: str) -> None:
    with pytest.raises(TransportError):
        api(lambda c: c.batches.add(batch, [A, B]), retry=ONCE, **scenario("reset-after-accepting"))
    assert len(sandbox.jobs) == 2
    assert len(api(lambda c: c.batches.add(batch, [A, B]))) == 2 == len(sandbox.jobs)


def test_ids_are_of_position_and_content_or_ones_own(api: Api, sandbox: Sandbox, batch: str) -> None:
    ids = api(lambda c: c.batches.add(batch, [A, B]))
    assert ids == api(lambda c: c.batches.add(batch, iter([A, B]))) and len({*ids}) == 2
    assert api(lambda c: c.batches.add(batch, [B, A])) != ids
    assert api(lambda c: c.batches.add(batch, {"mine": A})) == ["mine"]
    with pytest.raises(ConflictError, match="'mine' content differs from originally submitted"):
        api(lambda c: c.batches.add(batch, {"new": C, "mine": B}))
    assert len(sandbox.jobs) == len(api(lambda c: listed(c.batches.requests(batch)))) == 5


def test_one_bad_request_refuses_the_call(api: Api, sandbox: Sandbox, batch: str) -> None:
    bad = TextToVideo("x", duration=99)
    with pytest.raises(InvalidRequest, match="duration"):
        api(lambda c: c.batches.add(batch, [A, bad]))
    with pytest.raises(BadRequestError, match="between 1 and 15"):
        api(lambda c: c.batches.add(batch, [A, bad], strict=False))
    with pytest.raises(BadRequestError, match=r"Model grok-4\.6 is not supported for batch processing"):
        api(lambda c: c.batches.add(batch, [A, TextToVideo("x", "grok-4.6")], strict=False))
    assert api(lambda c: listed(c.batches.requests(batch))) == [] == sandbox.jobs


@pytest.mark.parametrize(
    ("use", "field"),
    [
        (lambda c: c.batches.create(" "), "name"),
        (lambda c: c.batches.create(None), "name"),
        (lambda c: c.batches.create("x", input_file_id=".."), "input_file_id"),
        (lambda c: c.batches.get(".."), "batch_id"),
        (lambda c: c.batches.cancel(""), "batch_id"),
        (lambda c: c.batches.add("batch_1", []), "requests"),
        (lambda c: c.batches.add("batch_1", ["x"]), "requests"),
        (lambda c: c.batches.add("batch_1", "x"), "requests"),
        (lambda c: c.batches.add("batch_1", {1: A}), "requests"),
        (lambda c: c.batches.add("batch_1", {"": A}), "requests"),
        (lambda c: c.batches.add("batch_1", {"x": VideoRequest("text-to-video", {"prompt": date.today()})}), "body"),
        (lambda c: listed(c.batches.results("batch_1", limit=1001)), "limit"),
        (lambda c: listed(c.batches.list(limit=True)), "limit"),
    ],
)
def test_what_is_none_is_refused_before_anything_is_sent(api: Api, sandbox: Sandbox, use: Any, field: str) -> None:
    with pytest.raises(OutOfRange) as caught:
        api(use)
    assert caught.value.fields == (field,) and not sandbox.requests


def test_a_call_that_is_larger_than_is_taken_is_warned_of(api: Api, batch: str) -> None:
    large = TextToVideo("x" * 4000, user="y" * 26_000_000)
    with pytest.warns(ContractWarning, match="25,000,000"), pytest.raises(GrokImagineError, match="413"):
        api(lambda c: c.batches.add(batch, [large]))


@pytest.mark.parametrize(
    ("lost", "is_made"), [("reset-after-accepting", True), ("truncated", True), ("bad-gateway", False)]
)
def test_a_batch_whose_making_is_unknown_is_told_and_not_made_twice(
    api: Api, sandbox: Sandbox, lost: str, is_made: bool
) -> None:
    with pytest.raises(CreateOutcomeUnknown, match=r"client\.batches\.list\(\)") as caught:
        api(lambda c: c.batches.create("trailers"), **scenario(f"{lost}:1"))
    assert (caught.value.kind, caught.value.name) == ("batch", "trailers")
    assert [one.name for one in api(lambda c: listed(c.batches.list()))] == ["trailers"] * is_made
    assert sum(posts(sandbox, "/v1/batches").values()) == 1


def test_counters_go_back_after_a_cancellation(api: Api, clock: ManualClock, batch: str) -> None:
    api(lambda c: c.batches.add(batch, [A, B, C]))
    clock.now += 0.75  # the first two have begun
    cancelled = api(lambda c: c.batches.cancel(batch), **scenario("reset-after-accepting:1"))
    assert (cancelled.num_cancelled, cancelled.num_pending, cancelled.is_cancelled, cancelled.is_finished) == (
        3,
        0,
        True,
        True,
    )
    errors = [result.error for result in api(lambda c: listed(c.batches.results(batch)))]
    assert errors == ["Batch cancelled"] * 3
    clock.now += 120
    after = api(lambda c: c.batches.get(batch))
    assert (after.num_success, after.num_cancelled) == (2, 1)
    results = api(lambda c: listed(c.batches.results(batch)))
    assert [result.cost_ticks is None for result in results] == [False, False, True]
    with pytest.raises(PermissionDeniedError):
        api(lambda c: c.batches.add(batch, [A]))


def test_a_failed_and_a_moderated_request_are_results_with_words(api: Api, clock: ManualClock, batch: str) -> None:
    for name, words in (
        ("failed-internal_error", None),
        ("moderated-rejected", "content moderation"),
        ("moderated-withheld", "moderation"),
    ):
        name = name.replace("_", "-")
        api(lambda c, name=name: c.batches.add(batch, {name: A}), **scenario(name))
        clock.now += 120
        result = next(r for r in api(lambda c: listed(c.batches.results(batch))) if r.id == name)
        assert result.video is None and result.error and (words is None or words in result.error)
        assert result.cost_ticks == (500_000_000 if name == "moderated-withheld" else None)


def lines(*entries: Any) -> bytes:
    return "\n".join(entry if isinstance(entry, str) else json.dumps(entry) for entry in entries).encode()


def line(own: str, **body: Any) -> dict[str, Any]:
    return {
        "custom_id": own,
        "method": "POST",
        "url": "/v1/videos/generations",
        "body": {"prompt": "x", "duration": 1, **body},
    }


def test_a_batch_of_an_uploaded_file(api: Api, clock: ManualClock) -> None:
    file = api(lambda c: c.files.upload(lines(line("b"), line("a")), filename="jobs.jsonl", strict=False))
    made = api(lambda c: c.batches.create("of a file", input_file_id=file))
    assert made.num_requests == 0 and made.raw["input_file_id"] == file.id
    clock.now += 120
    assert api(lambda c: c.batches.get(made)).num_pending == 2  # read late, begun late
    clock.now += 120
    assert [result.id for result in api(lambda c: listed(c.batches.results(made)))] == ["a", "b"]
    with pytest.raises(ConflictError, match="Cannot add inline requests to a file-based batch"):
        api(lambda c: c.batches.add(made, [A]))


@pytest.mark.parametrize(
    ("bad", "text"),
    [
        ("{", "line 2: invalid JSON"),
        (line("x", model="grok-4.6"), "Model grok-4.6 is not supported for batch processing."),
        (line("x", duration=99), "Duration must be"),
        ({"custom_id": "x"}, "line 2"),
        ({**line("x"), "url": "/v1/chat"}, "line 2"),
    ],
)
def test_one_bad_line_cancels_the_batch(api: Api, sandbox: Sandbox, clock: ManualClock, bad: Any, text: str) -> None:
    file = api(lambda c: c.files.upload(lines(line("a"), bad), strict=False))
    made = api(lambda c: c.batches.create("of a file", input_file_id=file.id))
    clock.now += 2
    found = api(lambda c: c.batches.get(made))
    assert found.is_cancelled and found.is_finished and found.num_requests == 0 and not sandbox.jobs
    assert found.cancel_message.startswith("JSONL file validation failed: ") and text in found.cancel_message


def test_after_its_expiry_no_result_is_read(api: Api, clock: ManualClock, batch: str) -> None:
    api(lambda c: c.batches.add(batch, [A]))
    clock.now += 2_600_000
    with pytest.raises(NotFoundError):
        api(lambda c: listed(c.batches.results(batch)))


def faked(results: Any) -> Client:
    http = httpx.Client(transport=httpx.MockTransport(lambda request: httpx.Response(200, json=results)))
    return Client("test-key", http_client=http, retry=ONCE)


VIDEO = {"url": "https://vidgen.x.ai/a.mp4", "duration": 8, "respect_moderation": True}
USAGE = {"cost_in_usd_ticks": 6_400_000_000}
WITHHELD = {"url": "", "duration": 8, "respect_moderation": False}
FORMS: list[tuple[Any, bool, str | None, int | None]] = [
    ({"response": {"video_generation": {"video": VIDEO, "usage": USAGE}}}, True, None, 6_400_000_000),
    ({"response": {"video_extension": {"video": VIDEO, "status": "done"}}}, True, None, None),
    ({"response": {"video_response": {"video": VIDEO, "usage": USAGE}}}, True, None, 6_400_000_000),
    ({"response": {"video_generation": {"video": WITHHELD, "usage": USAGE}}}, False, "moderation", 6_400_000_000),
    (
        {"response": {"video_generation": {"status": "failed", "error": {"code": "x", "message": "no"}}}},
        False,
        "no",
        None,
    ),
    ({"response": {"video_generation": {"status": "expired"}}}, False, "expired", None),
    ({"response": {"video_generation": {"status": "pending"}}}, False, "reason", None),
    ({"error": "Batch cancelled"}, False, "Batch cancelled", None),
    ({"error": {"code": 3, "message": "no"}}, False, "no", None),
    ({"error": {"error_message": "no", "usage": USAGE}}, False, "no", 6_400_000_000),
    ({"error": "withheld", "usage": USAGE}, False, "withheld", 6_400_000_000),
    ({"error": 7}, False, "7", None),
    ({"response": {"chat_get_completion": {}}}, False, "neither", None),
    ({"response": None, "error": None}, False, "neither", None),
    ({}, False, "neither", None),
    (None, False, "neither", None),
    ("done", False, "neither", None),
]


@pytest.mark.parametrize(("outcome", "has_video", "error", "ticks"), FORMS, ids=lambda value: str(value)[:60])
def test_a_result_is_read_in_every_form(outcome: Any, has_video: bool, error: str | None, ticks: int | None) -> None:
    with faked({"results": [{"batch_request_id": "a", "batch_result": outcome}]}) as client:
        (result,) = client.batches.results("batch_1")
    assert (result.video is not None, result.cost_ticks) == (has_video, ticks)
    assert result.error is None if error is None else error in (result.error or "")


values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(
        ["response", "error", "video_generation", "video", "usage", "cost_in_usd_ticks", "status", "url", "message"]
    ), inner),
    max_leaves=12,
)  # fmt: skip


@settings(max_examples=300, deadline=None)
@given(
    st.fixed_dictionaries({"response": st.fixed_dictionaries({"video_generation": values}) | values, "error": values})
    | values
)
def test_whatever_a_result_holds_it_is_a_result(outcome: Any) -> None:
    with faked({"results": [{"batch_request_id": "a", "batch_result": outcome}]}) as client:
        (result,) = client.batches.results("batch_1")
    assert (result.video is None) == (result.error is not None) and repr(result)
    assert result.cost_ticks is None or 0 <= result.cost_ticks < 2**63


def test_a_batch_that_is_none_is_an_error() -> None:
    for answer in ({"batch_id": 1}, {}, [], "x"):
        with faked(answer) as client, pytest.raises(UnexpectedResponse):
            client.batches.get("batch_1")
        with faked(answer) as client, pytest.raises(CreateOutcomeUnknown):
            client.batches.create("x")


def test_a_url_that_has_ended_is_read_anew_from_the_results(
    sandbox: Sandbox, clock: ManualClock, tmp_path: Path
) -> None:
    with Client("test-key", base_url=sandbox.base_url, clock=clock, sleep=clock.sleep) as client:
        made = client.batches.create("x")
        client.batches.add(made, {"a": A})
        clock.now += 120
        (result,) = client.batches.results(made)
        gone = result.raw["batch_result"]["response"]["video_generation"]["video"]
        gone["url"] = gone["url"].replace("xai-video-", "xai-video-0")
        assert result.video and result.video.save(tmp_path / "a.mp4").read_bytes()[4:8] == b"ftyp"
        result.video.request_id = "other"
        with pytest.raises(JobError, match="no such video"):
            result.video.save(tmp_path / "b.mp4")


OWN = {f"id-{n}": TextToVideo(f"{n}", duration=1) for n in range(4)}
HOW = st.sampled_from(
    [None, "reset-after-accepting", "truncated", "reset-before", "bad-gateway", "unavailable", "empty-500"]
)
CALL = st.tuples(st.sets(st.sampled_from(sorted(OWN)), min_size=1), HOW)


@pytest.fixture(scope="module")
def shared() -> Iterator[Sandbox]:
    clock = ManualClock()
    with Sandbox(clock=clock, speed=1.0) as sandbox:
        yield sandbox


@settings(max_examples=40, deadline=None, suppress_health_check=list(HealthCheck))
@given(calls=st.lists(CALL, max_size=6))
@pytest.mark.parametrize("kind", ["sync", "async"])
def test_any_sequence_of_adds_and_lost_answers_leaves_each_id_once(
    kind: str, shared: Sandbox, calls: list[tuple[set[str], str | None]]
) -> None:
    api = Api(kind, ManualClock(), shared.base_url, limits=UNLIMITED)
    before = len(shared.jobs)
    batch = api(lambda c: c.batches.create("x"))
    told: set[str] = set()
    for ids, how in calls:
        requests = {own: OWN[own] for own in sorted(ids)}
        with contextlib.suppress(GrokImagineError):
            options = {"retry": ONCE} | (scenario(how) if how else {})
            told |= {*api(lambda c, requests=requests: c.batches.add(batch, requests), **options)}
    found = [row.id for row in api(lambda c: listed(c.batches.requests(batch)))]
    assert sorted({*found}) == found and told <= {*found}
    assert api(lambda c: c.batches.add(batch, OWN)) == [*OWN]
    assert [row.id for row in api(lambda c: listed(c.batches.requests(batch)))] == sorted(OWN)
    assert len(shared.jobs) - before == len(OWN)
