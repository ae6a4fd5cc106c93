"""The limits of requests and of jobs: what counts, for which model, and what one too many is told."""

from typing import Any

import httpx
import pytest

from grok_imagine_sandbox import Sandbox
from grok_imagine_sandbox.limits import RateLimit
from support import HANG

GENERATIONS = "/videos/generations"
NEW = "grok-imagine-video-1.5"
MODELS = "/video-generation-models"
UNKNOWN = "d97415a1-5796-b7ec-379f-4e6819e08fdf"
TEXT = (
    "Too many requests for team 00000000-0000-0000-0000-000000000000 and model {}. Your team's rate limit is — {}. Your "
    "rate limit tier is determined based on your historical API spend. To learn how to increase your rate limit tier, "
    "please visit https://console.x.ai/team/default/rate-limits."
)


def refused(response: httpx.Response, what: str, model: str = "grok-imagine-video") -> bool:
    """Whether it is the recorded 429 for the rate, with this in its midst; any other answer must be no 429."""
    if response.status_code != 429:
        return False
    assert response.json() == {"code": "resource-exhausted", "error": TEXT.format(model, what)}
    assert not any(name.startswith("x-ratelimit") for name in response.headers)
    return True


def full(remote: Any, model: str = "grok-imagine-video") -> bool:
    """Whether a request a minute of this model, which was allowed but one, was already made."""
    return refused(remote.http.get(f"{MODELS}/{model}"), "Requests per Minute (actual/limit): 2/1", model)


def test_requests_a_minute(run: Any) -> None:
    with run(requests_per_minute=2) as remote:
        responses = [remote.post(GENERATIONS, {"prompt": "x"}) for _ in range(3)]
        assert [response.status_code for response in responses] == [200, 200, 429]
        left = [response.headers.get("x-ratelimit-remaining-requests") for response in responses]
        assert (left, responses[0].headers["x-ratelimit-limit-requests"]) == (["1", "0", None], "2")
        assert refused(responses[2], "Requests per Minute (actual/limit): 3/2")
        assert remote.post(GENERATIONS, {"prompt": "x", "model": NEW}).status_code == 200
        remote.clock.now += 60
        assert remote.post(GENERATIONS, {"prompt": "x"}).status_code == 200


def test_looks_take_out_of_the_same_quota(run: Any) -> None:
    with run(requests_per_minute=3) as remote:
        request_id = remote.generate()
        assert [remote.look(request_id).status_code for _ in range(2)] == [202, 202]
        assert refused(remote.look(request_id), "Requests per Minute (actual/limit): 4/3")
        started = remote.post(GENERATIONS, {"prompt": "x"})
        assert refused(started, "Requests per Minute (actual/limit): 4/3")
        remote.clock.now += 59.9
        assert remote.look(request_id).status_code == 429
        remote.clock.now += 0.1  # what was refused does not count
        assert remote.look(request_id).status_code == 200
        assert remote.post(GENERATIONS, {"prompt": "x"}).headers["x-ratelimit-remaining-requests"] == "1"


def test_a_look_counts_for_the_model_of_its_job(run: Any) -> None:
    with run(requests_per_minute=2) as remote:
        request_id = remote.generate(model=NEW)
        assert remote.look(request_id).status_code == 202
        assert refused(remote.look(request_id), "Requests per Minute (actual/limit): 3/2", NEW)
        assert remote.http.get(f"{MODELS}/{NEW}-preview").status_code == 429  # an alias
        assert remote.http.get(f"{MODELS}/grok-imagine-video").status_code == 200
        assert remote.post(GENERATIONS, {"prompt": "x"}).status_code == 200


@pytest.mark.parametrize(
    ("method", "path", "options", "status"),
    [
        ("GET", MODELS, {}, 200),
        ("HEAD", MODELS, {}, 200),
        ("GET", f"{MODELS}/grok-video", {}, 404),
        ("GET", f"/videos/{UNKNOWN}", {}, 404),
        ("GET", "/videos/unknown", {}, 400),
        ("POST", GENERATIONS, {"json": {}}, 400),
        ("POST", GENERATIONS, {"json": {"prompt": 1}}, 422),
        ("POST", GENERATIONS, {"json": {"prompt": "x", "model": "grok-video"}}, 404),
        ("POST", GENERATIONS, {"json": {"prompt": "x", "model": ["grok-imagine-video-1.5"]}}, 422),
        ("POST", GENERATIONS, {"json": []}, 422),
        ("POST", GENERATIONS, {"content": b"{", "headers": {"content-type": "application/json"}}, 422),
        ("POST", GENERATIONS, {"content": b"{}", "headers": {"content-type": "text/plain"}}, 415),
        ("POST", GENERATIONS, {"json": {}, "headers": {"x-sandbox-scenario": "unavailable"}}, 503),
    ],
)
def test_whatever_the_answer_a_request_counts(run: Any, method: str, path: str, options: Any, status: int) -> None:
    with run(requests_per_minute=1) as remote:
        assert remote.http.request(method, path, **options).status_code == status
        assert full(remote)
        assert not full(remote, NEW)


def test_a_bad_request_counts_for_the_model_it_names(run: Any) -> None:
    with run(requests_per_minute=1) as remote:
        answer = remote.post(GENERATIONS, {"model": NEW, "duration": 99})
        assert answer.status_code == 400
        assert full(remote, NEW)
        assert not full(remote)


def test_what_is_not_the_api_does_not_count(run: Any) -> None:
    with run(requests_per_minute=3, api_key="xai-test-key") as remote:
        request_id = remote.generate(duration=1)
        remote.clock.now += 50
        url = remote.look(request_id).json()["video"]["url"]
        for address in (url, f"{remote.origin}/sandbox/jobs", f"{remote.origin}/sandbox/scenarios"):
            for _ in range(3):
                assert httpx.get(address, trust_env=False, timeout=HANG).status_code == 200
        assert remote.http.get("/nothing").status_code == 404
        assert remote.http.delete(MODELS).status_code == 405
        for key, status in (("Bearer xai-wrong", 400), ("", 401)):
            assert remote.http.get(MODELS, headers={"authorization": key}).status_code == status
        assert [remote.http.get(MODELS).status_code for _ in range(2)] == [200, 429]  # after the POST and the look


def test_requests_a_second(run: Any) -> None:
    with run(requests_per_second=2) as remote:
        request_id = remote.generate()
        assert remote.look(request_id).status_code == 202
        assert refused(remote.look(request_id), "Requests per Second (actual/limit): 2/2")
        response = remote.post(GENERATIONS, {"prompt": "x", "model": NEW})
        assert response.status_code == 200
        headers = [response.headers[f"x-ratelimit-{name}-requests"] for name in ("limit", "remaining")]
        assert headers == ["60", "60"]  # they are of the minute, which has no limit
        remote.clock.now += 0.5
        for _ in range(50):  # half a second apart none is refused, whatever the clock's last digit
            remote.clock.now += 0.5
            assert remote.look(request_id).status_code in (200, 202)


def test_a_refusal_of_one_window_takes_nothing_out_of_the_other() -> None:
    limit = RateLimit(per_minute=3, per_second=1, shown=60)
    told = [limit.take("a", now) for now in (0.0, 0.5, 0.9, 1.0, 2.0, 3.0, 60.0, 60.5)]
    assert [None if window is None else window.seconds for window in told] == [None, 1, 1, None, None, 60, None, 60]
    assert (limit.remaining("a", 60.5), limit.remaining("b", 60.5)) == (0, 3)


@pytest.mark.parametrize("step", [0.1, 0.3, 0.7, 1 / 3])
def test_rounding_refuses_nobody(step: float) -> None:
    limit = RateLimit(per_minute=None, per_second=1, shown=60)
    assert all(limit.take("a", step + number) is None for number in range(1000))
    assert limit.take("a", step + 999.99) is not None


def test_without_a_limit_nothing_is_kept() -> None:
    limit = RateLimit(None, None, shown=60)
    assert all(limit.take("a", 0.0) is None for _ in range(1000))
    assert limit.remaining("a", 0.0) == limit.limit == 60


def test_concurrent_jobs(run: Any) -> None:
    with run(concurrent_jobs=1) as remote:
        request_id = remote.generate()
        response = remote.post(GENERATIONS, {"prompt": "x"})
        # No other text than that for the rate was ever seen, so it is told, figures and all.
        assert refused(response, "Requests per Minute (actual/limit): 80/60")
        assert response.json() == remote.post(GENERATIONS, {"prompt": "x"}, "rate-limit").json()
        assert remote.post(GENERATIONS, {"duration": 99}).status_code == 400  # would have made none
        assert remote.look(request_id).status_code == 202
        remote.end(request_id)
        assert remote.generate()


def test_a_failed_job_no_longer_runs_and_an_endless_one_always_does(run: Any) -> None:
    with run(concurrent_jobs=2) as remote:
        failed = remote.start("/videos/edits", {"prompt": "x", "video": {"url": "data:nothing"}})
        assert remote.look(failed).json()["status"] == "failed"
        remote.generate("never-ends")
        remote.clock.now += 10_000
        withheld = remote.generate("moderated-rejected")
        assert remote.post(GENERATIONS, {"prompt": "x"}).status_code == 429
        remote.clock.now += 50
        assert remote.look(withheld).status_code == 400
        assert remote.generate()
        assert remote.post(GENERATIONS, {"prompt": "x"}).status_code == 429


def test_one_job_too_many_counts_as_a_request(run: Any) -> None:
    with run(concurrent_jobs=1, requests_per_minute=2) as remote:
        remote.generate()
        assert refused(remote.post(GENERATIONS, {"prompt": "x"}), "Requests per Minute (actual/limit): 80/60")
        assert refused(remote.post(GENERATIONS, {"prompt": "x"}), "Requests per Minute (actual/limit): 3/2")


@pytest.mark.parametrize("name", ["requests_per_minute", "requests_per_second", "concurrent_jobs"])
@pytest.mark.parametrize("limit", [0, -1])
def test_a_limit_is_at_least_one(name: str, limit: int) -> None:
    options: dict[str, Any] = {name: limit}
    with pytest.raises(ValueError, match=f"{name} must be at least 1"):
        Sandbox(**options)
