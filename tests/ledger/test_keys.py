"""The same key gives the same job."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from grok_imagine import (
    ExtendVideo,
    InvalidRequest,
    Job,
    KeyConflict,
    Ledger,
    OutOfRange,
    StartOutcomeUnknown,
    TextToVideo,
    UnknownField,
    VideoGenerationError,
)
from grok_imagine.config import DEFAULT_BASE_URL, base_address
from grok_imagine_sandbox import Sandbox
from poison import Poison, service
from support import Api, ManualClock

from .keyed import CAT, DOG, posts

LONGER = "https://example.com/a.mp4"


def test_the_same_key_is_the_same_job(keyed: Api, sandbox: Sandbox, ledger: Ledger) -> None:
    first = keyed(lambda client: client.video.start(CAT, key="order-17"))
    again = keyed(lambda client: client.video.start("A cat", duration=2, key="order-17"))
    assert first == again and again.request == CAT and posts(sandbox) == 1
    video = keyed(lambda client: client.video.generate(CAT, key="order-17"))
    assert (video.request_id, video.outcome) == (first.request_id, "done") and posts(sandbox) == 1
    looks = dict(sandbox.requests)
    same = keyed(lambda client: client.video.generate(CAT, key="order-17"))
    assert (same.request_id, same.url, same.cost_usd) == (video.request_id, video.url, video.cost_usd)
    assert dict(sandbox.requests) == looks, "what is known is not asked for"
    other = keyed(lambda client: client.video.start(CAT, key="order-18"))
    unnamed = keyed(lambda client: client.video.start(CAT))
    assert len({first, other, unnamed}) == 3 and posts(sandbox) == 3
    assert [entry.key for entry in ledger.jobs()] == ["order-17", "order-18", None]


def test_on_started_is_called_for_a_job_that_the_key_has_unless_it_has_ended(keyed: Api) -> None:
    first = keyed(lambda client: client.video.start(CAT, key="order-17"))
    seen: list[Job] = []
    for _ in range(2):
        keyed(lambda client: client.video.generate(CAT, key="order-17", on_started=seen.append))
    assert seen == [first]


def test_a_video_that_the_key_gives_can_be_saved(keyed: Api, tmp_path: Path) -> None:
    for name in ("a.mp4", "b.mp4"):  # the second comes out of the ledger
        if keyed.kind == "sync":
            keyed(lambda client, name=name: client.video.generate(CAT, key="k").save(tmp_path / name))
        else:
            keyed(lambda client, name=name: saved(client, tmp_path / name))
        assert (tmp_path / name).stat().st_size


async def saved(client: Any, path: Path) -> None:
    await (await client.video.generate(CAT, key="k")).save(path)


def test_an_extension_has_keys_too(keyed: Api, sandbox: Sandbox) -> None:
    job = keyed(lambda client: client.video.extend_start("On", video_url=LONGER, duration=2, key="k"))
    with pytest.raises(KeyConflict):  # the same body, by another mode
        keyed(lambda client: client.video.start("On", video_url=LONGER, key="k"))
    video = keyed(lambda client: client.video.extend("On", video_url=LONGER, duration=2, key="k"))
    assert video.request_id == job.request_id and posts(sandbox) == 1
    assert (
        keyed(lambda client: client.video.extend_start(ExtendVideo("On", video_url=LONGER, duration=2), key="k")) == job
    )


def test_a_url_that_ran_out_is_asked_for_anew(keyed: Api, sandbox: Sandbox, ledger: Ledger, clock: ManualClock) -> None:
    first = keyed(lambda client: client.video.generate(CAT, key="k"))
    ledger.clock = lambda: 1e12
    again = keyed(lambda client: client.video.generate(CAT, key="k"))
    assert again.request_id == first.request_id and posts(sandbox) == 1


@pytest.mark.parametrize("strict", [True, False])
def test_another_request_under_a_used_key_is_a_conflict(keyed: Api, sandbox: Sandbox, strict: bool) -> None:
    job = keyed(lambda client: client.video.start(CAT, key="order-17"))
    for call in ("start", "generate"):
        with pytest.raises(KeyConflict, match=r"order-17.*another request.*another key") as caught:
            keyed(lambda client, call=call: getattr(client.video, call)(DOG, key="order-17", strict=strict))
        assert isinstance(caught.value, InvalidRequest) and caught.value.fields == ("key",)
        assert (caught.value.known_sha256, caught.value.body_sha256) == (CAT.sha256, DOG.sha256)
        assert (caught.value.known_id, caught.value.key) == (job.request_id, "order-17")
        assert CAT.sha256[:12] in str(caught.value) and DOG.sha256[:12] in str(caught.value)
    assert posts(sandbox) == 1


def test_another_address_has_keys_of_its_own(keyed: Api, sandbox: Sandbox, clock: ManualClock) -> None:
    keyed(lambda client: client.video.start(CAT, key="k"))
    with Sandbox(clock=clock, speed=1.0) as other:
        keyed(lambda client: client.video.start(DOG, key="k"), base_url=other.base_url)
        assert (posts(sandbox), posts(other)) == (1, 1)


@pytest.mark.parametrize("key", ["", "x" * 256, "a\nb", "a\x00", "\ud800", 17, b"k", ["k"], True])
def test_what_is_no_key_is_refused(keyed: Api, sandbox: Sandbox, key: Any) -> None:
    for call in ("start", "generate"):
        with pytest.raises(OutOfRange, match="`key`: is a string of 1 to 255 printable characters"):
            keyed(lambda client, call=call: getattr(client.video, call)(CAT, key=key))
    assert posts(sandbox) == 0


@pytest.mark.parametrize("key", ["x", "x" * 255, "order 17", "заказ-17", "'); DROP TABLE jobs; --"])
def test_what_is_a_key_is_taken(keyed: Api, sandbox: Sandbox, key: str) -> None:
    jobs = {keyed(lambda client: client.video.start(CAT, key=key)) for _ in range(2)}
    assert len(jobs) == 1 == posts(sandbox)


def test_without_a_ledger_there_are_no_keys(api: Api, sandbox: Sandbox) -> None:
    for call in ("start", "generate"):
        with pytest.raises(OutOfRange, match=r"`key`: needs a ledger.*Client\(ledger=Ledger\(path\)\)"):
            api(lambda client, call=call: getattr(client.video, call)(CAT, key="k"))
    assert posts(sandbox) == 0


@pytest.mark.parametrize("strict", [True, False])
def test_a_request_of_a_batch_has_none(keyed: Api, sandbox: Sandbox, strict: bool) -> None:
    if keyed.kind == "sync":
        (outcome,) = keyed(lambda client: list(client.video.batch([{"prompt": "x", "key": "k"}], strict=strict)))
        assert isinstance(outcome.error, UnknownField) and "`name`" in str(outcome.error) and posts(sandbox) == 0


@pytest.mark.parametrize("scenario", ["failed-internal-error", "expired", "moderated-rejected", "moderated-failed"])
def test_a_job_that_ended_badly_stays_the_keys(keyed: Api, sandbox: Sandbox, scenario: str) -> None:
    headers = {"x-sandbox-scenario": scenario}
    errors = []
    for _ in range(3):
        with pytest.raises(VideoGenerationError) as caught:
            keyed(lambda client: client.video.generate(CAT, key="k"), headers=headers)
        errors.append(caught.value)
    first = errors[0]
    assert {(type(each), each.request_id, each.code, each.cost_usd) for each in errors} == {
        (type(first), first.request_id, first.code, first.cost_usd)
    }
    job = keyed(lambda client: client.video.start(CAT, key="k"))
    assert job.request_id == first.request_id and posts(sandbox) == 1


def test_a_withheld_video_stays_the_keys(keyed: Api, sandbox: Sandbox) -> None:
    headers = {"x-sandbox-scenario": "moderated-withheld"}
    first, again = (keyed(lambda client: client.video.generate(CAT, key="k"), headers=headers) for _ in range(2))
    assert first.outcome == again.outcome == "moderated" and first.cost_usd == again.cost_usd and posts(sandbox) == 1


@pytest.mark.parametrize("call", ["start", "generate"])
def test_an_unknown_outcome_stays_unknown(keyed: Api, call: str) -> None:
    with service({0: Poison("a reset", "post", lambda _: b"")}) as server:
        for _ in range(3):
            with pytest.raises(StartOutcomeUnknown) as caught:
                keyed(lambda client: getattr(client.video, call)("0", key="k"), base_url=server.base_url)
            assert caught.value.body_sha256 == TextToVideo("0").sha256
        assert server.posts[0] == 1
        assert "another key" in "".join(caught.value.__notes__)
        with pytest.raises(KeyConflict):
            keyed(lambda client: getattr(client.video, call)("1", key="k"), base_url=server.base_url)
        assert server.posts[1] == 0


@pytest.mark.parametrize("change", [("http:", "HTTP:"), ("/v1", "/v1/"), ("localhost", "LOCALHOST")])
def test_an_address_in_another_spelling_is_the_same(keyed: Api, sandbox: Sandbox, change: tuple[str, str]) -> None:
    url = sandbox.base_url.replace("127.0.0.1", "localhost")
    first, again = (
        keyed(lambda client: client.video.start(CAT, key="order-17"), base_url=each)
        for each in (url, url.replace(*change))
    )
    assert first == again and posts(sandbox) == 1


@pytest.mark.parametrize("url", ["https://API.x.ai/v1", "https://api.x.ai:443/v1/", "HTTPS://api.x.ai:/v1"])
def test_the_services_address_has_one_spelling(url: str) -> None:
    assert base_address(url) == DEFAULT_BASE_URL
