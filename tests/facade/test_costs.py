"""A cost that the service tells counts once in every sum, in whatever answer it is told, and however often it is asked again."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from grok_imagine import (
    ApiError,
    BatchSlot,
    CostLimitError,
    Delivery,
    Ledger,
    RateLimitError,
    StartOutcomeUnknown,
    TextToVideo,
    Video,
    VideoModeratedError,
    delivery_of,
)
from grok_imagine.answers.api_errors import api_error
from grok_imagine_cli.listing import sums_of
from poison import Poison, done, http, service
from poisoned import JOBS, World
from support import Api, ManualClock

USD = 10_000_000_000
GOOD = 50_000_000
"""Ticks that a good job of the service costs."""
PHRASE = {
    "code": "Client specified an invalid argument",
    "error": "Generated video rejected by content moderation.",
    "usage": {"cost_in_usd_ticks": 2500000000},
}
"""As it was recorded."""


class Way(NamedTuple):
    """A way to tell a cost: on which request, in which answers, and whether there is a video in the end.

    `again` says whether the same batch once more posts it once more, and so is billed once more.
    """

    at: str
    bodies: Callable[[str, dict[str, Any]], list[tuple[int, object]]]
    is_lost: bool = True
    again: bool = False


def look(*answers: tuple[int, object], is_lost: bool = True) -> Way:
    return Way("look", lambda _, usage: [(status, {**body, **usage}) for status, body in answers], is_lost)


def done_after(*answers: tuple[int, object]) -> Way:
    """Errors, or looks, that tell the cost, and then the video, which tells it, too."""
    return Way(
        "look", lambda id, usage: [*((status, {**body, **usage}) for status, body in answers), (200, done(id, **usage))], False
    )  # fmt: skip


def post(status: int, body: object, *, again: bool = True) -> Way:
    return Way("post", lambda _, usage: [(status, {**body, **usage})], again=again)


WITHHELD = {"url": "", "duration": 5, "respect_moderation": False}
WAYS: Mapping[str, Way] = {
    "done": Way("look", lambda id, usage: [(200, done(id, **usage))], False),
    "failed": look((200, {"status": "failed", "error": {"code": "internal_error", "message": "x"}})),
    "expired": look((200, {"status": "expired"})),
    "withheld": look((200, {"status": "done", "video": WITHHELD})),
    "failed by moderation": look((200, {"status": "failed", "error": {"message": "x content moderation"}})),
    "rejected": look((400, PHRASE)),
    "rejected in autumn": look((400, {"code": "imagine:content-moderated", "error": "x"})),
    "refused a look": look((400, {"code": "invalid-argument", "error": "x"})),
    "forbidden": look((403, {"code": "permission-denied", "error": "x"})),
    "no such job": look((404, {"code": "not-found", "error": "x"})),
    "after an error": done_after((500, {"error": "x"}), (502, {"error": {"code": 1, "message": "x"}})),
    "after a rate limit": done_after((429, {"code": "resource-exhausted", "error": "Too many requests"})),
    "while it ran": done_after((202, {"status": "pending", "progress": 1}), (202, {"status": "pending"})),
    "refused": post(400, {"code": "invalid-argument", "error": "x"}),
    "rejected at once": post(400, PHRASE),
    "rejected at once in autumn": post(400, {"code": "imagine:content-moderated", "error": "x"}),
    "unprocessable": post(422, {"error": "x"}),
    "too fast": post(429, {"code": "resource-exhausted", "error": "Too many requests"}),
    "a gateway's": post(502, {"error": "x"}, again=False),
    "without an id": post(200, {"hello": "you"}, again=False),
}


def usage(ticks: object) -> dict[str, Any]:
    return {"usage": {"cost_in_usd_ticks": ticks}}


def poison(way: Way, ticks: int) -> Poison:
    given: dict[str, int] = {}

    def reply(request_id: str) -> bytes:
        answers = way.bodies(request_id, usage(ticks))
        at = given[request_id] = given.get(request_id, -1) + 1
        status, body = answers[min(at, len(answers) - 1)]
        return http(body, status)

    return Poison("costs", way.at, reply)


TICKS = st.integers(min_value=1, max_value=2**63 - 1)
BAD = st.dictionaries(
    st.integers(min_value=0, max_value=JOBS - 1), st.tuples(st.sampled_from(sorted(WAYS)), TICKS), max_size=JOBS
)
ALL = [dict(enumerate((name, 7**position * 1000) for position, name in enumerate(names)))
       for names in (list(WAYS)[start : start + JOBS] for start in range(0, len(WAYS), JOBS))]  # fmt: skip


def with_examples(test: Any) -> Any:
    """Each way is tried in any case, and one that no 64 bits can add up."""
    huge = dict.fromkeys(range(JOBS), ("done", 2**63 - 1)) | {0: ("failed", 2**63 - 1), 1: ("refused", 2**63 - 1)}
    for bad in (*ALL, huge):
        test = example(bad=bad)(test)
    return test


@pytest.mark.parametrize("kind", ["sync", "async"])
@with_examples
@given(bad=BAD)
@settings(max_examples=15, deadline=None, suppress_health_check=list(HealthCheck))
def test_every_sum_has_every_cost_once(kind: str, bad: dict[int, tuple[str, int]]) -> None:
    mad = {number: poison(WAYS[name], ticks) for number, (name, ticks) in bad.items()}
    with service(mad) as server, tempfile.TemporaryDirectory() as folder:
        world = World(kind, Path(folder), server)
        for _ in range(2):  # the second time the ledger knows what the first one did
            outcomes = world.batch()
            told = {number: WAYS[name].again * server.posts[number] or 1 for number, (name, _) in bad.items()}
            check(world.ledger, bad, told, server.base_url)
            for number, outcome in enumerate(outcomes):
                ticks = bad[number][1] if number in bad else GOOD
                assert outcome.cost_usd == ticks / USD, (bad.get(number), outcome, outcome.error)
                if outcome.error:
                    assert outcome.error.payload["usage"] == {"cost_in_usd_ticks": ticks}  # type: ignore[attr-defined]
        found = world.reconcile()
        check(world.ledger, bad, told, server.base_url)
        for end in found.ended:
            number = int(str(end.request_id)[4:])
            assert end.cost_usd == bad[number][1] / USD, end  # type: ignore[union-attr]
        assert all(entry.cost_ticks == bad[number][1] for number, entry in unknown(found.unknown, bad))
        world.ledger.close()


def unknown(entries: list[Any], bad: Mapping[int, tuple[str, int]]) -> Iterator[tuple[int, Any]]:
    for number in bad:
        sha256 = TextToVideo(str(number)).sha256
        yield from ((number, entry) for entry in entries if entry.body_sha256 == sha256)


def check(ledger: Ledger, bad: Mapping[int, tuple[str, int]], told: Mapping[int, int], origin: str) -> None:
    lost = sum(ticks * told[number] for number, (name, ticks) in bad.items() if WAYS[name].is_lost)
    kept = sum(ticks for name, ticks in bad.values() if not WAYS[name].is_lost) + (JOBS - len(bad)) * GOOD
    assert sum(entry.cost_ticks or 0 for entry in ledger.jobs()) == lost + kept
    assert ledger.cost_usd() == (lost + kept) / USD
    assert ledger.costs_of("batch", origin) == ((lost + kept) / USD, lost / USD)
    assert sums_of(ledger.jobs())["cost_usd"] == (lost + kept) / USD


@pytest.mark.parametrize("name", WAYS)
def test_what_was_billed_counts_against_the_cap(tmp_path: Path, name: str) -> None:
    with service({1: poison(WAYS[name], 3 * USD)}) as server:
        world = World("sync", tmp_path, server)
        # The second could cost less than the cap leaves, and did cost all of it; so the third is not sent.
        first, second = world.batch(["0", "1"], max_cost_usd=3.0, concurrency=1)
        (third,) = world.batch(["2"], max_cost_usd=3.0)
    assert first.state == "done" and second.cost_usd == 3.0
    assert third.state == "refused" and isinstance(third.error, CostLimitError)


def test_a_later_answer_unsays_no_cost(tmp_path: Path) -> None:
    """Of a job that was billed by an error and then failed without a word of it, the bill counts on."""
    said = iter([http({"error": "x"} | usage(3 * USD), 500), http({"status": "failed"})])
    with service({1: Poison("later", "look", lambda _: next(said))}) as server:
        world = World("sync", tmp_path, server)
        (failed,) = world.batch(["1"], max_cost_usd=3.0)
        (refused,) = world.batch(["2"], max_cost_usd=3.0)
        assert world.ledger.costs_of("batch", server.base_url) == (3.0, 3.0)
    assert failed.state == "failed" and isinstance(refused.error, CostLimitError)


def test_an_unknown_outcome_that_tells_little_may_yet_cost_more(tmp_path: Path) -> None:
    with service({1: Poison("lost", "post", lambda _: http({"error": "x"} | usage(0), 502))}) as server:
        world = World("sync", tmp_path, server)
        (unknown,) = world.batch(["1"], max_cost_usd=0.5)
        (refused,) = world.batch(["2"], max_cost_usd=0.5)  # each could cost 0.4
    assert unknown.state == "unknown" and unknown.cost_usd == 0.0 and isinstance(refused.error, CostLimitError)


@pytest.mark.parametrize("kind", ["sync", "async"])
@pytest.mark.parametrize("code", [PHRASE["code"], "imagine:content-moderated"])
def test_a_moderated_look_says_what_it_cost(kind: str, code: object, clock: ManualClock) -> None:
    body = PHRASE | {"code": code}
    with service({0: Poison("moderated", "look", lambda _: http(body, 400))}) as server:
        api = Api(kind, clock, server.base_url)
        with pytest.raises(VideoModeratedError) as caught:
            api(lambda client: client.video.get("job-0"))
    assert (caught.value.cost_usd, caught.value.payload, caught.value.code) == (0.25, body, code)


@pytest.mark.parametrize("kind", ["sync", "async"])
def test_an_error_of_a_post_says_what_it_cost(kind: str, clock: ManualClock, tmp_path: Path) -> None:
    bad = {
        0: Poison("refused", "post", lambda _: http({"error": "x"} | usage(USD), 403)),
        1: Poison("lost", "post", lambda _: http({"error": "x"} | usage(2 * USD), 502)),
    }
    with service(bad) as server, closing(Ledger(tmp_path / "jobs.db")) as ledger:
        api = Api(kind, clock, server.base_url, ledger=ledger)
        with pytest.raises(ApiError) as refused:
            api(lambda client: client.video.start("0"))
        with pytest.raises(StartOutcomeUnknown) as lost:
            api(lambda client: client.video.start("1"))
        entries = ledger.jobs()
    assert refused.value.cost_usd == 1.0 and refused.value.payload == {"error": "x"} | usage(USD)
    assert lost.value.cost_usd == 2.0 and lost.value.payload == {"error": "x"} | usage(2 * USD)
    assert [(entry.state, entry.cost_usd) for entry in entries] == [("refused", 1.0), ("unknown", 2.0)]
    assert entries[1].code == "ServerError"


@pytest.mark.parametrize("ticks", [-1, 1.5, 2**63, 10**40, "5", True, None, [], {}, float("inf")])
def test_a_cost_that_is_no_sane_number_is_none(ticks: object) -> None:
    for status in (400, 403, 500):
        error = api_error(status, {}, b"", data=PHRASE | usage(ticks))
        assert error.cost_usd is None and error.payload == PHRASE | usage(ticks)


@pytest.mark.parametrize("ticks", [1, 1.5, -1, "2500000000", 2**63, True, []])
def test_a_refusal_that_was_billed_is_not_sent_again(ticks: object) -> None:
    billed = RateLimitError("Too many requests", status_code=429, payload=usage(ticks))
    assert delivery_of(billed) is Delivery.OTHER


@pytest.mark.parametrize("payload", [usage(0), usage(None), {}, None])
def test_a_refusal_that_was_not_billed_is_sent_again(payload: dict[str, Any] | None) -> None:
    free = RateLimitError("Too many requests", status_code=429, payload=payload)
    assert delivery_of(free) is Delivery.REFUSED


def test_what_no_number_of_64_bits_holds_is_counted_as_much_as_fits(tmp_path: Path) -> None:
    with closing(Ledger(tmp_path / "jobs.db")) as ledger:
        for number in range(3):
            ledger.claim(TextToVideo(str(number)), "o", BatchSlot("batch", 0, 2**63 - 1))
        with pytest.raises(CostLimitError, match=r"count as 2\.767e\+09"):
            ledger.check_cost("o", BatchSlot("batch", 0, 1), 2**63)


def test_a_withheld_video_is_a_video_with_a_cost() -> None:
    video = Video("job-1", {"status": "done", "video": WITHHELD, **usage(USD)})
    assert (video.outcome, video.cost_usd, video.failure().cost_usd) == ("moderated", 1.0, 1.0)
