"""The journal: it tells which POSTs came and what they started, and one job is told from two."""

from __future__ import annotations

from typing import Any

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from grok_imagine import StartOutcomeUnknown, TextToVideo
from grok_imagine_sandbox import Sandbox
from grok_imagine_sandbox.journal import Journal
from grok_imagine_sandbox.settings import Options

VALUES = st.one_of(
    st.sampled_from(["a", "b", "", "x" * 9000, "x" * 8999 + "y", "é" * 9000]), st.integers(0, 3), st.none()
)
BODIES = st.dictionaries(st.sampled_from(["prompt", "model", "image"]), VALUES)
POSTS = st.lists(st.tuples(st.none() | BODIES, st.booleans()), max_size=8)


@given(posts=POSTS, fields=BODIES)
def test_once_is_one_job_by_a_post_that_has_all_fields(posts: list[tuple[Any, bool]], fields: dict[str, Any]) -> None:
    journal = Journal(list, 100)
    for number, (body, accepted) in enumerate(posts):
        journal.note("generateVideo", body, 200 if accepted else 429, f"id-{number}" if accepted else None, 0.0)
    wanted = [
        f"id-{number}"
        for number, (body, accepted) in enumerate(posts)
        if accepted and body is not None and all(body.get(name) == value for name, value in fields.items())
    ]
    if len(wanted) == 1:
        assert journal.assert_posted_once(**fields).request_id == wanted[0]
    else:
        with pytest.raises(AssertionError, match=f"^{len(wanted)} jobs were started"):
            journal.assert_posted_once(**fields)


@given(count=st.integers(0, 30), most=st.integers(1, 10))
def test_it_is_bounded_in_number_and_size(count: int, most: int) -> None:
    journal = Journal(list, most)
    for number in range(count):
        journal.note("generateVideo", {"image": {"url": "data:" + "x" * 100_000}, "n": number}, 200, str(number), 0.0)
    assert [post.body["n"] for post in journal.posts] == list(range(count))[-most:]
    assert all(len(str(post)) < 1000 for post in journal.posts)


def test_it_sees_what_the_wire_saw() -> None:
    with Sandbox(scenario="rate-limit:2") as sandbox, sandbox.client() as client:
        video = client.video.generate("a cat", duration=5)
        posts = [(post.status, post.is_accepted) for post in sandbox.posts]
        assert posts == [(429, False), (429, False), (200, True)]
        assert sandbox.assert_posted_once(prompt="a cat", duration=5, image=None).request_id == video.request_id
        assert [job["request_id"] for job in sandbox.journal.jobs] == [video.request_id]
        client.video.extend("longer", video_url=video.url)
        assert [post.operation for post in sandbox.posts][-1] == "extendVideo"
        with pytest.raises(AssertionError, match=r"0 jobs .* no POST had these\n"):
            sandbox.assert_posted_once(prompt="a dog")
        sandbox.reset()
        assert (sandbox.posts, sandbox.jobs, sandbox.requests) == ([], [], {})
        with pytest.raises(AssertionError, match="nothing was posted"):
            sandbox.assert_posted_once()


def test_who_posts_again_after_a_lost_answer_is_found_out() -> None:
    with Sandbox(scenario="reset-after-accepting:1") as sandbox:
        with sandbox.client() as client, pytest.raises(StartOutcomeUnknown):
            client.video.start("a cat")
        sandbox.assert_posted_once(prompt="a cat")
        headers = {"authorization": "Bearer k"}
        httpx.post(f"{sandbox.base_url}/videos/generations", json={"prompt": "a cat"}, headers=headers, trust_env=False)
        with pytest.raises(AssertionError, match="2 jobs were started"):
            sandbox.assert_posted_once(prompt="a cat")


def test_requests_of_a_batch_and_refused_bodies_are_in_it() -> None:
    with Sandbox() as sandbox:
        headers = {"authorization": "Bearer k"}
        with httpx.Client(base_url=sandbox.base_url, headers=headers, trust_env=False) as http:
            assert http.post("/videos/generations", json={"prompt": "a", "duration": 99}).status_code == 400
            assert (
                http.post("/videos/generations", content=b"{", headers={"content-type": "application/json"}).status_code
                == 422
            )
        assert [(post.status, post.body) for post in sandbox.posts] == [
            (400, {"prompt": "a", "duration": 99}),
            (422, None),
        ]
        with sandbox.client() as client:
            batch = client.batches.create("many")
            client.batches.add(batch, {"one": TextToVideo("a cat")})
        assert sandbox.assert_posted_once(prompt="a cat").operation == "generateVideo"


@pytest.mark.parametrize("options", [{"port": 1}, {"clock": None}, {"nope": 1}])
def test_what_can_t_be_changed_is_named(options: dict[str, Any]) -> None:
    with (
        Sandbox() as sandbox,
        pytest.raises(TypeError, match=r"has no (port|clock|nope) that can be changed"),
    ):
        sandbox.reset(**options)


WRONG: list[Any] = ["x", "", b"x", [], 1.5, float("nan"), float("inf"), -1, object()]
TAKES: dict[str, set[int]] = {
    "scenario": set(),
    "as_of": set(),
    "api_key": {0},
    "seed": {7},
    "slow_seconds": {4},
    "speed": {4},
}


@pytest.mark.parametrize("value", range(len(WRONG)))
@pytest.mark.parametrize("name", [*Options.__annotations__, "speed"])
def test_an_option_that_is_wrong_is_named(name: str, value: int) -> None:
    options: dict[str, Any] = {name: WRONG[value]}
    if value in TAKES.get(name, ()):
        Sandbox(**options)
        return
    says = "there is no scenario" if name == "scenario" and value == 0 else name
    for refuses in (Sandbox, Sandbox().reset):
        with pytest.raises(ValueError, match=says):
            refuses(**options)


def test_time_takes_numbers_only() -> None:
    sandbox = Sandbox()
    for wrong in ("1", -1, float("nan"), float("inf"), None):
        with pytest.raises(ValueError, match="number of seconds"):
            sandbox.advance(wrong)  # type: ignore[arg-type]
    for wrong in (float("nan"), float("inf")):
        with pytest.raises(ValueError, match="number of seconds"):
            sandbox.sleep(wrong)


def test_a_refused_reset_changes_nothing() -> None:
    with Sandbox() as sandbox, sandbox.client() as client:
        client.video.start("a cat")
        for options in ({"scenario": "nope"}, {"speed": 0.0}, {"requests_per_minute": 0}, {"as_of": "winter"}):
            with pytest.raises(ValueError):
                sandbox.reset(**options)
        assert len(sandbox.jobs) == 1
