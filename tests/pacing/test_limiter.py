"""Pacing: starts and polls share the service's limits, which the client learns; no 429 where it knows them."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest

from grok_imagine import (
    AsyncClient,
    Client,
    ConfigurationError,
    Ledger,
    Limits,
    RateLimitError,
    TextToVideo,
    VideoGenerationError,
)
from grok_imagine.pacing.limiter import Pacer
from grok_imagine_api import contract
from grok_imagine_sandbox import Sandbox
from support import Api, FastClock, ManualClock


def statuses(sandbox: Sandbox) -> dict[int, int]:
    found: dict[int, int] = {}
    for (_, _, status), count in sandbox.requests.items():
        found[status] = found.get(status, 0) + count
    return found


def test_the_limits_are_those_of_the_contract() -> None:
    limits = Limits()
    assert (limits.requests_per_minute, limits.requests_per_second, limits.concurrent_jobs) == tuple(
        contract.LIMITS[name].value for name in ("requests_per_minute", "requests_per_second", "concurrent_jobs")
    )
    assert limits.windows() == [(60, 60.1), (1, 0.5)]


@pytest.mark.parametrize(
    ("given", "told", "expected"),
    [
        ({}, 600, [(600, 60.1), (1, 0.1)]),
        ({}, 30, [(30, 60.1), (1, 0.5)]),
        ({"requests_per_minute": 20}, 600, [(20, 60.1), (1, 0.5)]),
        ({"requests_per_minute": 20}, 10, [(10, 60.1), (1, 0.5)]),
        ({"requests_per_second": 1}, 600, [(600, 60.1), (1, 1.0)]),
        ({"requests_per_minute": None}, 600, [(1, 0.5)]),
        ({"requests_per_minute": None, "requests_per_second": None}, 600, []),
    ],
)
def test_what_the_service_tells_widens_what_was_not_given(given: Any, told: int, expected: Any) -> None:
    assert Limits(**given).windows(told) == expected


@pytest.mark.parametrize("wrong", [0, -1, True, "5"])
@pytest.mark.parametrize("name", ["requests_per_minute", "requests_per_second", "concurrent_jobs"])
def test_limits_are_checked(name: str, wrong: Any) -> None:
    with pytest.raises(ConfigurationError, match=name):
        Limits(**{name: wrong})


def test_twenty_jobs_meet_no_refusal() -> None:
    """The service's limits, enforced to the letter, and the client's a little below: starts and polls of one quota."""
    clock, limits = FastClock(10.0), {"requests_per_minute": 600, "concurrent_jobs": 15}
    own = Limits(requests_per_minute=540, requests_per_second=9)
    with (
        Sandbox(speed=clock.speed, **limits) as sandbox,
        Client("k", base_url=sandbox.base_url, clock=clock, sleep=clock.sleep, limits=own) as client,
    ):
        batch = client.video.batch(f"A cat {number}" for number in range(20))
        assert [outcome.state for outcome in batch] == ["done"] * 20
        assert 429 not in statuses(sandbox) and len(sandbox.jobs) == 20


def test_twenty_jobs_in_asyncio_meet_no_refusal() -> None:
    """In real time, ten times as fast: tasks sleep side by side, and a clock moved by each of them would run ahead."""
    speed = 10.0
    limits = {"requests_per_minute": 600, "concurrent_jobs": 15}

    async def run(url: str) -> list[str]:
        loop = asyncio.get_running_loop()
        options: dict[str, Any] = {
            "clock": lambda: loop.time() * speed,
            "sleep": lambda seconds: asyncio.sleep(seconds / speed),
            "limits": Limits(requests_per_minute=540, requests_per_second=9),
        }
        async with AsyncClient("k", base_url=url, **options) as client:
            videos = await asyncio.gather(*(client.video.generate(f"A cat {number}") for number in range(20)))
            return [video.status for video in videos]

    with Sandbox(speed=speed, **limits) as sandbox:
        assert asyncio.run(run(sandbox.base_url)) == ["done"] * 20
        assert 429 not in statuses(sandbox) and len(sandbox.jobs) == 20


def test_requests_are_spaced(api: Api, clock: ManualClock) -> None:
    def three(client: Any) -> Any:
        if api.kind == "sync":
            return [client.video.start(f"A cat {number}") for number in range(3)]

        async def run() -> list[Any]:
            return [await client.video.start(f"A cat {number}") for number in range(3)]

        return run()

    api(three, limits=Limits())
    assert [round(seconds, 3) for seconds in clock.slept] == [0.5, 0.5]


def test_a_service_that_allows_less_is_believed(clock: ManualClock) -> None:
    """Ten a minute: the header tells after the first start, and from then on nothing is refused."""
    with (
        Sandbox(clock=clock, speed=1.0, requests_per_minute=10) as sandbox,
        Client("k", base_url=sandbox.base_url, clock=clock, sleep=clock.sleep) as client,
    ):
        # One at a time: threads that sleep side by side would each move the clock.
        batch = client.video.batch((f"A cat {number}" for number in range(12)), concurrency=1)
        assert {outcome.state for outcome in batch} == {"done"}
        assert 429 not in statuses(sandbox)


def test_a_limit_that_nothing_tells_is_found() -> None:
    """One a second, of which no header speaks, while we take two to be allowed: a few refusals, and no job is lost."""
    clock = FastClock(20.0)
    with (
        Sandbox(speed=clock.speed, requests_per_second=1) as sandbox,
        Client("k", base_url=sandbox.base_url, clock=clock, sleep=clock.sleep) as client,
    ):
        assert {o.state for o in client.video.batch(f"A cat {number}" for number in range(12))} == {"done"}
        assert len(sandbox.jobs) == 12 and statuses(sandbox)[429] <= 24


def refusal(**headers: str) -> RateLimitError:
    return RateLimitError("x", status_code=429, headers=headers)


def test_a_refusal_makes_all_pause_and_use_less() -> None:
    now = 0.0
    pacer = Pacer(Limits(), lambda: now)
    slot = pacer.new_job(TextToVideo("A cat"))
    pacer.on_rate_limited(refusal())
    pacer.on_rate_limited(refusal())  # one that was on its way at the same time
    assert next(pacer.acquire(slot)).seconds == pytest.approx(1.0, abs=0.1)
    assert pacer._windows[0] == (48, 60.1)
    now = 2.0
    pacer.on_rate_limited(refusal())
    assert next(pacer.acquire(slot)).seconds == pytest.approx(2.0, abs=0.1) and pacer._windows[0] == (38, 60.1)
    for _ in range(40):
        pacer.update_from_headers({})
    assert pacer._windows[0] == (60, 60.1)
    now = 10.0
    pacer.on_rate_limited(refusal(**{"retry-after": "25"}))
    assert next(pacer.acquire(slot)).seconds == pytest.approx(25, abs=0.2)


def test_what_others_used_of_the_quota_counts() -> None:
    pacer = Pacer(Limits(), lambda: 0.0)
    pacer.update_from_headers({"x-ratelimit-limit-requests": "60", "x-ratelimit-remaining-requests": "0"})
    assert next(pacer.acquire(pacer.new_job(TextToVideo("A cat")))).seconds > 29


@pytest.mark.parametrize("value", ["", "many", "-5", "9" * 40, "٣", "1.5"])
def test_a_header_that_is_no_number_tells_nothing(value: str) -> None:
    pacer = Pacer(Limits(), lambda: 0.0)
    pacer.update_from_headers({"x-ratelimit-limit-requests": value, "x-ratelimit-remaining-requests": value})
    assert pacer._windows == [(60, 60.1), (1, 0.5)]


def test_what_finished_jobs_took_is_known_to_the_next_client(api: Api, tmp_path: Path) -> None:
    ledger = Ledger(tmp_path / "jobs.db")
    for _ in range(4):
        api(lambda c: c.video.generate("A cat"), ledger=ledger)
    (kind,) = ledger_history(ledger)
    assert len(kind[1]) == 4 and kind[0][0] == "text-to-video"


def ledger_history(ledger: Ledger) -> Any:
    import json

    origins = {entry.origin for entry in ledger.jobs()}
    return json.loads(ledger.load_history(*origins) or "[]")


@pytest.mark.parametrize("tier", contract.TIERS, ids=lambda tier: str(tier.tier))
def test_a_tier_is_what_the_document_says(tier: contract.Tier) -> None:
    limits = Limits.tier(tier.tier)
    assert limits.requests_per_second == tier.requests_per_second
    assert limits.requests_per_minute == tier.requests_per_second * 60
    assert limits.concurrent_jobs == contract.LIMITS["concurrent_jobs"].value
    assert Limits.tier(tier.tier, concurrent_jobs=None).concurrent_jobs is None


@pytest.mark.parametrize("tier", [-1, 5, True, "2", None])
def test_a_tier_that_there_is_not_says_which_there_are(tier: Any) -> None:
    with pytest.raises(ConfigurationError, match="the tiers are 0, 1, 2, 3, 4; got"):
        Limits.tier(tier)


CLIP = "https://example.com/gone.mp4"


@pytest.mark.parametrize("before", [0, 4])
def test_a_dead_url_is_told_at_once(api: Api, clock: ManualClock, sandbox: Sandbox, before: int) -> None:
    """Also when jobs of the kind have all gone well, so that nothing is expected for long."""
    dead = f"{sandbox.base_url.removesuffix('/v1')}/xai-vidgen-bucket/gone.mp4"

    def edit(client: Any) -> Any:
        if isinstance(client, AsyncClient):
            return edit_in_turn(client)
        for _ in range(before):
            client.video.generate("x", video_url=CLIP)
        begin = clock.now
        with pytest.raises(VideoGenerationError, match="Unable to download"):
            client.video.generate("x", video_url=dead)
        return clock.now - begin

    async def edit_in_turn(client: AsyncClient) -> float:
        for _ in range(before):
            await client.video.generate("x", video_url=CLIP)
        begin = clock.now
        with pytest.raises(VideoGenerationError, match="Unable to download"):
            await client.video.generate("x", video_url=dead)
        return clock.now - begin

    assert api(edit) <= 1.5
    assert sandbox.requests["GET", "/v1/videos/{request_id}", 200] == before + 1
