"""Every named scenario, as a client meets it."""

import json
from typing import Any

import httpx
import pytest

from grok_imagine_sandbox import SCENARIOS, Sandbox
from grok_imagine_sandbox.scenarios import UnknownScenario, choose, merge
from support import until

MODERATED = "Generated video rejected by content moderation."
CODES = ["invalid_argument", "permission_denied", "failed_precondition", "service_unavailable", "internal_error"]

STARTS = {
    "out-of-credit": (429, "used all available credits"),
    "rate-limit": (429, "Requests per Minute (actual/limit): 80/60"),
    "forbidden": (403, "permission-denied"),
    "bad-token": (403, "The OAuth2 access token could not be validated."),
    "no-upload-url": (400, "Zero Data Retention teams must provide output.upload_url"),
    "unavailable": (503, "upstream connect error or disconnect/reset before headers."),
    "bad-gateway": (502, "error code: 502"),
    "cloudflare-520": (520, "<!DOCTYPE html>"),
    "empty-500": (500, ""),
}
LOOKS = {
    "look-out-of-credit": (429, "used all available credits"),
    "look-rate-limit": (429, "Too many requests"),
    "look-unavailable": (503, "upstream connect error"),
    "look-520": (520, "<!DOCTYPE html>"),
    "look-not-found": (404, "No deferred video could be found"),
    "look-html": (200, "<!DOCTYPE html>"),
    "look-garbage": (200, '["done"]'),
    "look-garbage-video": (200, '"video":"https://example.com/a.mp4"'),
}
ENDS: dict[str, dict[str, Any]] = {
    "failed-without-error": {"status": "failed"},
    "failed-empty-video": {
        "status": "failed",
        "video": {"url": "", "duration": 0, "respect_moderation": True},
        "model": "",
        "error": {
            "code": "invalid_argument",
            "message": "Unable to download provided video_url, please make sure the url you provided is publicaly "
            "accessible: HTTP 403 Forbidden",
        },
        "progress": 0,
    },
    "expired": {"status": "expired"},
    "moderated-failed": {"status": "failed", "error": {"code": "invalid_argument", "message": MODERATED}},
}
REFUSED: dict[str, dict[str, Any]] = {
    "moderated-rejected": {"usage": {"cost_in_usd_ticks": 4_000_000_000}},
    "moderated-unpriced": {},
}
OTHERS = {
    *(f"failed-{code.replace('_', '-')}" for code in CODES),
    *("moderated-withheld", "pending-empty", "status-null", "status-unknown", "done-without-url", "done-minimal"),
    *("no-progress", "never-ends", "reset-before", "reset-after-accepting", "slow", "truncated"),
    *("look-reset", "look-truncated", "look-slow"),
}


def test_each_scenario_has_its_test() -> None:
    assert set(SCENARIOS) == {*STARTS, *LOOKS, *ENDS, *REFUSED, *OTHERS}


def test_there_is_one_for_each_known_code(document: dict[str, Any]) -> None:
    assert document["components"]["schemas"]["KnownVideoErrorCode"]["enum"] == CODES


@pytest.mark.parametrize(("name", "answer"), STARTS.items(), ids=STARTS)
def test_a_start_is_refused(remote: Any, name: str, answer: tuple[int, str]) -> None:
    accepted = len(remote.sandbox.jobs)
    response = remote.post("/videos/edits", {}, name)
    assert response.status_code == answer[0]
    assert answer[1] in response.text
    assert "retry-after" not in response.headers
    assert response.headers["server"] == "grok-imagine-sandbox"
    assert len(remote.sandbox.jobs) == accepted


@pytest.mark.parametrize(("name", "answer"), LOOKS.items(), ids=LOOKS)
def test_a_look_is_disturbed(remote: Any, name: str, answer: tuple[int, str]) -> None:
    request_id = remote.generate()
    response = remote.look(request_id, name)
    assert response.status_code == answer[0]
    assert answer[1] in response.text
    assert remote.look(request_id).status_code == 202
    sticky = remote.generate(name)
    assert remote.look(sticky).text == remote.look(sticky).text == response.text


@pytest.mark.parametrize(("name", "body"), ENDS.items(), ids=ENDS)
def test_a_job_ends_otherwise(remote: Any, name: str, body: dict[str, Any]) -> None:
    request_id = remote.generate(name)
    assert remote.look(request_id).status_code == 202
    assert remote.end(request_id) == body
    assert remote.look(request_id).status_code == 200
    job = remote.job(request_id)
    assert (job["state"], job["scenario"], job["cost_in_usd_ticks"]) == (body["status"], name, None)


@pytest.mark.parametrize("code", CODES)
def test_a_job_fails_with_each_code(remote: Any, code: str) -> None:
    state = remote.end(remote.generate(f"failed-{code.replace('_', '-')}"))
    assert (state["status"], state["error"]["code"]) == ("failed", code)
    assert state["error"]["message"]


@pytest.mark.parametrize(("name", "billed"), REFUSED.items(), ids=REFUSED)
@pytest.mark.parametrize(
    ("era", "code"), [("spring", "Client specified an invalid argument"), ("autumn", "imagine:content-moderated")]
)
def test_moderation_refuses_the_look(run: Any, era: str, code: str, name: str, billed: dict[str, Any]) -> None:
    with run(as_of=era) as remote:
        request_id = remote.generate(name)
        assert remote.look(request_id).status_code == 202
        assert remote.end(request_id) == {"code": code, "error": MODERATED, **billed}
        assert remote.look(request_id).status_code == 400
        assert remote.job(request_id)["cost_in_usd_ticks"] == billed.get("usage", {}).get("cost_in_usd_ticks")


def test_out_of_credit_is_so_on_every_endpoint(run: Any) -> None:
    with run(scenario="out-of-credit") as remote:
        clip = {"prompt": "x", "video": {"url": "https://example.com/a.mp4"}}
        for method, path, body in (
            ("POST", "/videos/generations", {"prompt": "x"}),
            ("POST", "/videos/edits", clip),
            ("POST", "/videos/extensions", clip),
            ("GET", "/videos/d97415a1-5796-b7ec-379f-4e6819e08fdf", None),
            ("GET", "/video-generation-models", None),
            ("GET", "/video-generation-models/grok-imagine-video", None),
        ):
            response = remote.http.request(method, path, json=body)
            assert (response.status_code, response.json()["code"]) == (429, "resource-exhausted"), path
            assert "used all available credits" in response.text


def test_credit_that_comes_back(run: Any) -> None:
    with run(scenario="out-of-credit:2") as remote:
        assert [remote.http.get("/video-generation-models").status_code for _ in range(2)] == [429, 429]
        assert remote.end(remote.generate())["status"] == "done"


def test_moderation_withholds_the_url(remote: Any) -> None:
    state = remote.end(remote.generate("moderated-withheld"))
    assert state["status"] == "done"
    assert state["video"] == {"url": "", "duration": 8, "respect_moderation": False}


def test_a_done_job_may_tell_less(remote: Any) -> None:
    normal = remote.end(remote.generate())
    null = remote.end(remote.generate("status-null"))
    minimal = remote.end(remote.generate("done-minimal"))
    nowhere = remote.end(remote.generate("done-without-url"))
    assert (set(normal), set(null)) == ({"status", "video", "model", "usage", "progress"}, {"video", "model"})
    assert set(minimal) == {"status", "video", "model"}
    assert nowhere["video"] == {"duration": 8, "respect_moderation": True}
    assert null["video"]["url"] and minimal["video"]["url"]


def test_running_jobs_may_tell_otherwise(remote: Any) -> None:
    empty, bare, odd = (remote.generate(name) for name in ("pending-empty", "no-progress", "status-unknown"))
    assert (remote.look(empty).status_code, remote.look(empty).content) == (202, b"")
    assert (remote.look(bare).status_code, remote.look(bare).json()) == (202, {"status": "pending"})
    assert (remote.look(odd).status_code, remote.look(odd).json()) == (200, {"status": "finalizing", "progress": 1})
    for request_id in (empty, bare, odd):
        assert remote.end(request_id)["status"] == "done"


def test_a_job_may_never_end(remote: Any) -> None:
    request_id = remote.generate("never-ends")
    remote.clock.now += 1_000_000
    assert remote.look(request_id).status_code == 202
    assert remote.look(request_id).json()["progress"] < 100
    assert remote.job(request_id)["state"] == "pending"


def test_a_reset_before_accepting_leaves_no_job(remote: Any) -> None:
    accepted = len(remote.sandbox.jobs)
    with pytest.raises(httpx.TransportError):
        remote.generate("reset-before")
    assert len(remote.sandbox.jobs) == accepted
    assert remote.sandbox.requests["POST", "/v1/videos/generations", 0] > 0


@pytest.mark.parametrize("name", ["reset-after-accepting", "truncated"])
def test_an_answer_is_lost_but_the_job_runs(remote: Any, name: str) -> None:
    accepted = len(remote.sandbox.jobs)
    with pytest.raises(httpx.TransportError):
        remote.generate(name)
    (lost,) = remote.sandbox.jobs[accepted:]
    assert lost["scenario"] == name
    assert remote.end(lost["request_id"])["status"] == "done"


def test_a_truncated_answer_shows_its_half(remote: Any) -> None:
    read = b""
    with remote.http.stream(
        "POST", "/videos/generations", json={"prompt": "x"}, headers={"x-sandbox-scenario": "truncated"}
    ) as response:
        with pytest.raises(httpx.RemoteProtocolError):
            for chunk in response.iter_raw():
                read += chunk
        assert response.status_code == 200
    assert 0 < len(read) < int(response.headers["content-length"])
    with pytest.raises(json.JSONDecodeError):
        json.loads(read)


@pytest.mark.parametrize("name", ["look-reset", "look-truncated"])
def test_a_look_may_be_lost(remote: Any, name: str) -> None:
    request_id = remote.generate()
    with pytest.raises(httpx.TransportError):
        remote.look(request_id, name)
    assert remote.look(request_id).status_code == 202


def test_a_slow_answer_outlasts_a_timeout(run: Any) -> None:
    with run(slow_seconds=60) as remote:
        with pytest.raises(httpx.ReadTimeout):
            remote.post("/videos/generations", {"prompt": "x"}, "slow", timeout=0.5)
        until(lambda: remote.sandbox.jobs)  # on a busy machine it may be read after that
        (job,) = remote.sandbox.jobs
        with pytest.raises(httpx.ReadTimeout):
            remote.http.get(f"/videos/{job['request_id']}", headers={"x-sandbox-scenario": "look-slow"}, timeout=0.5)
        assert remote.look(job["request_id"]).status_code == 202


def test_a_slow_answer_comes(remote: Any) -> None:
    request_id = remote.generate("slow")
    assert remote.look(request_id, "look-slow").status_code == 202


def test_a_start_fails_so_many_times_in_a_sandbox(run: Any) -> None:
    with run(scenario="unavailable:2") as remote:
        statuses = [remote.post("/videos/generations", {"prompt": "x"}).status_code for _ in range(4)]
        assert statuses == [503, 503, 200, 200]


def test_looks_fail_so_many_times_for_each_job(run: Any) -> None:
    with run(scenario="look-rate-limit:2") as remote:
        for _ in range(2):
            request_id = remote.generate()
            assert [remote.look(request_id).status_code for _ in range(4)] == [429, 429, 202, 202]


def test_so_many_jobs_end_otherwise(run: Any) -> None:
    with run(scenario="expired:1") as remote:
        ids = [remote.generate() for _ in range(3)]
        assert [remote.end(request_id)["status"] for request_id in ids] == ["expired", "done", "done"]
        assert [job["scenario"] for job in remote.sandbox.jobs] == ["expired:1", None, None]


def test_the_header_goes_before_the_command_line(run: Any) -> None:
    with run(scenario="unavailable") as remote:
        assert remote.end(remote.generate("expired")) == {"status": "expired"}


@pytest.mark.parametrize("name", ["nothing", "expired:", "expired:0", "expired:-1", "expired:x", ""])
def test_an_unknown_scenario_is_no_scenario(remote: Any, name: str) -> None:
    with pytest.raises(UnknownScenario):
        choose(name)
    with pytest.raises(UnknownScenario):
        Sandbox(scenario=name)
    assert remote.post("/videos/generations", {"prompt": "x"}, name).json()["code"] == "sandbox"


def test_a_scenario_of_posts_is_none_of_looks(remote: Any) -> None:
    response = remote.look(remote.generate(), "rate-limit")
    assert (response.status_code, response.json()["status"]) == (202, "pending")


def test_scenarios_are_listed_and_read_only(remote: Any) -> None:
    listed = httpx.get(f"{remote.origin}/sandbox/scenarios", trust_env=False).json()
    assert [item["name"] for item in listed] == list(SCENARIOS)
    assert all(item["summary"] and item["when"] for item in listed)
    with pytest.raises(TypeError):
        SCENARIOS["mine"] = SCENARIOS["expired"]  # type: ignore[index]  # that it fails is the test


def test_merge_is_that_of_rfc_7396() -> None:
    assert merge({"a": {"b": 1, "c": 2}, "d": [3]}, {"a": {"b": None}, "d": None, "e": {"f": None}}) == {
        "a": {"c": 2},
        "e": {},
    }
