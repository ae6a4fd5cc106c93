"""Jobs: ids, progress over simulated time, cost, bounds."""

import hashlib
import re
import uuid
from typing import Any

import httpx
import pytest

from grok_imagine_sandbox import Sandbox

AWAY = {"url": "https://example.com/a.jpg"}


def test_the_recorded_curves(remote: Any) -> None:
    """Nothing moves until about 11 s, then progress rises in steps; all counts from the POST's answer."""
    ends = {}
    clip = {"video": {"url": "https://example.com/a.mp4"}, "prompt": "x"}
    for name, path, body in (
        ("8 s 480p", "generations", {"prompt": "x"}),
        ("6 s 720p", "generations", {"image": AWAY, "duration": 6, "resolution": "720p"}),
        ("extension", "extensions", clip | {"duration": 10}),
    ):
        request_id = remote.start(f"/videos/{path}", body)
        start = remote.clock.now
        told = []
        while (response := remote.look(request_id)).status_code == 202:
            assert set(response.json()) == {"status", "progress"}
            told.append(response.json()["progress"])
            remote.clock.now += 0.5
            assert len(told) < 100
        ends[name] = remote.clock.now - start
        quiet = told[: int(9 / 0.5)]
        assert set(quiet) == {0 if name == "extension" else 1}
        assert told == sorted(told)
        assert 3 < len(set(told)) < 10 and told[-1] < 100
        assert response.json()["progress"] == 100
    assert 11 <= ends["8 s 480p"] <= 23
    assert 18 <= ends["6 s 720p"] <= 32
    assert 34 <= ends["extension"] <= 40


def test_ids_look_like_the_services(remote: Any) -> None:
    for _ in range(16):
        request_id = remote.generate()
        assert re.fullmatch(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}", request_id)
        assert uuid.UUID(request_id).version is None


def test_the_seed_decides_all(run: Any) -> None:
    def lives(seed: int) -> list[Any]:
        with run(seed=seed) as remote:
            told: list[Any] = []
            for _ in range(3):
                request_id = remote.generate()
                for _ in range(30):
                    response = remote.look(request_id)
                    told.append(response.text.replace(remote.origin, ""))
                    remote.clock.now += 1
            return told

    assert lives(1) == lives(1)
    assert lives(1) != lives(2)


def cost(remote: Any, path: str, **body: Any) -> int:
    state = remote.make(f"/videos/{path}", {"prompt": "x"} | body)
    assert "usage" in state, state
    ticks = state["usage"]["cost_in_usd_ticks"]
    assert remote.sandbox.jobs[-1]["cost_in_usd_ticks"] == ticks
    return int(ticks)


def test_the_recorded_prices(remote: Any) -> None:
    """The three prices that were really paid."""
    assert cost(remote, "generations") == 4_000_000_000
    assert cost(remote, "generations", image=AWAY, duration=6, resolution="720p") == 4_220_000_000
    five = remote.make("/videos/generations", {"prompt": "x", "duration": 5})["video"]["url"]
    state = remote.make("/videos/extensions", {"prompt": "x", "video": {"url": five}, "duration": 10})
    assert (state["usage"]["cost_in_usd_ticks"], state["video"]["duration"]) == (5_500_000_000, 10)


def test_a_stray_video_is_ignored_and_text_to_video_billed(remote: Any) -> None:
    """The silently expensive mistake."""
    assert cost(remote, "generations", video={"url": "https://example.com/a.mp4"}) == 4_000_000_000


@pytest.mark.parametrize(
    ("body", "ticks"),
    [
        ({"duration": 1}, 500_000_000),
        ({"resolution": "720p", "duration": 15}, 10_500_000_000),
        ({"reference_images": [AWAY] * 7, "duration": 10}, 5_140_000_000),
        ({"model": "grok-imagine-video-1.5", "resolution": "1080p", "duration": 2}, 5_000_000_000),
        ({"model": "grok-imagine-video-1.5", "image": AWAY, "last_frame": AWAY, "duration": 1}, 1_000_000_000),
        ({"model": "grok-imagine-video-1.5-lite", "image": AWAY, "duration": 1}, 300_000_000),
    ],
)
def test_prices_by_model_and_mode(remote: Any, body: dict[str, Any], ticks: int) -> None:
    assert cost(remote, "generations", **body) == ticks


def test_an_edit_costs_by_its_input(remote: Any) -> None:
    four = remote.make("/videos/generations", {"prompt": "x", "duration": 4, "resolution": "720p"})["video"]["url"]
    twelve = remote.make("/videos/generations", {"prompt": "x", "duration": 12})["video"]["url"]
    # 4 s at 720p, made and read; of 12 s at 480p only 8.7 count.
    assert cost(remote, "edits", video={"url": four}) == 4 * 700_000_000 + 4 * 100_000_000
    assert cost(remote, "edits", video={"url": twelve}) == 8.7 * 500_000_000 + 8.7 * 100_000_000


def test_records(run: Any) -> None:
    with run() as remote:
        body = b'{"prompt": "x"}'
        remote.clock.now = 12.5
        request_id = remote.http.post(
            "/videos/generations", content=body, headers={"content-type": "application/json"}
        ).json()["request_id"]
        assert remote.look(request_id).status_code == 202
        record = {
            "request_id": request_id,
            "operation": "generateVideo",
            "body_sha256": hashlib.sha256(body).hexdigest(),
            "scenario": None,
            "created": 12.5,
            "state": "pending",
            "cost_in_usd_ticks": 4_000_000_000,
        }
        assert remote.sandbox.jobs == [record]
        assert httpx.get(f"{remote.origin}/sandbox/jobs", trust_env=False).json() == [record]
        remote.end(request_id)
        assert remote.sandbox.jobs == [record | {"state": "done"}]


def test_the_oldest_ended_job_makes_room(run: Any) -> None:
    with run(max_jobs=2) as remote:
        endless = remote.generate("never-ends")
        short = remote.generate()
        remote.end(short)
        third = remote.generate()
        assert [job["request_id"] for job in remote.sandbox.jobs] == [endless, third]
        assert remote.look(short).status_code == 404
        response = remote.post("/videos/generations", {"prompt": "x"})
        assert (response.status_code, response.headers["content-type"]) == (503, "text/plain; charset=utf-8")
        remote.end(third)
        assert remote.generate() != third


def test_inputs_have_a_bound_together(run: Any, picture: str) -> None:
    with run(max_input_bytes=3 * len(picture)) as remote:
        body = {"image": {"url": picture}}
        ids = [remote.start("/videos/generations", body) for _ in range(2)]
        assert [remote.look(request_id).status_code for request_id in ids] == [202, 202]
        statuses = [remote.post("/videos/generations", body).status_code for _ in range(8)]
        assert statuses[-1] == 503
        remote.end(ids[0])
        assert remote.post("/videos/generations", body).status_code == 200


def test_a_fetched_input_counts_as_well(run: Any) -> None:
    with run(max_input_bytes=10_000) as remote:
        url = remote.end(remote.generate(duration=1))["video"]["url"]
        state = remote.look(remote.start("/videos/edits", {"prompt": "x", "video": {"url": url}})).json()
        assert (state["status"], state["error"]["code"]) == ("failed", "service_unavailable")
        assert remote.generate()


def test_two_sandboxes_share_nothing(run: Any) -> None:
    with run() as one, run(seed=1, scenario="expired") as other:
        request_id = one.generate()
        assert other.sandbox.jobs == []
        assert other.look(request_id).status_code == 404
        other.clock.now += 1000
        assert one.look(request_id).status_code == 202
        assert one.end(request_id)["status"] == "done"
        assert other.end(other.generate())["status"] == "expired"
        assert sum(one.sandbox.requests.values()) == 3


def test_requests_are_counted(run: Any) -> None:
    with run() as remote:
        request_id = remote.generate()
        remote.look(request_id)
        remote.look(request_id)
        url = remote.end(remote.generate(duration=1))["video"]["url"]
        httpx.get(url, trust_env=False)
        httpx.request("BREW", f"{remote.origin}/pot", trust_env=False)
        assert remote.sandbox.requests == {
            ("POST", "/v1/videos/generations", 200): 2,
            ("GET", "/v1/videos/{request_id}", 202): 2,
            ("GET", "/v1/videos/{request_id}", 200): 1,
            ("GET", "/xai-vidgen-bucket/{name}", 200): 1,
            ("OTHER", "*", 404): 1,
        }


def test_a_sandbox_frees_its_port_and_starts_anew() -> None:
    sandbox = Sandbox()
    with pytest.raises(RuntimeError):
        sandbox.base_url  # noqa: B018 - reading it is the test
    with sandbox:
        first = sandbox.base_url
        port = httpx.URL(first).port
        with pytest.raises(RuntimeError):
            sandbox.start()
        with pytest.raises(OSError):
            Sandbox(port=port or 0).start()
    with pytest.raises(httpx.ConnectError):
        httpx.get(first, trust_env=False)
    with Sandbox(port=port or 0) as again:
        assert again.base_url == first
    sandbox.stop()  # more than once does no harm


@pytest.mark.parametrize("speed", [0.0, -1.0, float("nan"), float("inf")])
def test_time_only_goes_forward(speed: float) -> None:
    with pytest.raises(ValueError, match="speed"):
        Sandbox(speed=speed)


def own(response: httpx.Response) -> set[str]:
    """The headers that are the service's, and not those of HTTP or of the network."""
    return {name for name in response.headers if name.startswith("x-") or name in ("traceparent", "retry-after")}


def test_headers_of_answers(remote: Any) -> None:
    response = remote.post("/videos/generations", {"prompt": "x"})
    request_id = response.json()["request_id"]
    assert response.headers["x-request-id"] == request_id
    assert response.headers["x-ratelimit-limit-requests"] == "60"
    assert response.headers["x-ratelimit-remaining-requests"] == "60"
    assert response.headers["x-zero-data-retention"] == "false"
    assert 500 <= int(response.headers["x-metrics-e2e-ms"]) < 900
    assert re.fullmatch(r"00-[0-9a-f]{32}-[0-9a-f]{16}-01", response.headers["traceparent"])
    models = remote.http.get("/video-generation-models")
    assert own(models) == {"x-request-id", "x-metrics-e2e-ms"}
    look, refused = remote.look(request_id), remote.post("/videos/generations", {"duration": 16})
    malformed, unknown = remote.look("x"), remote.http.get("/video-generation-models/x")
    for answer in (
        look,
        remote.look(request_id, "look-rate-limit"),
        refused,
        malformed,
        unknown,
        remote.end_of(request_id),
    ):
        assert own(answer) == set()
    for answer in (response, look, models, refused, httpx.get(remote.origin, trust_env=False)):
        assert answer.headers.get_list("server") == ["grok-imagine-sandbox"]


def test_models(remote: Any) -> None:
    listed = remote.http.get("/video-generation-models").json()
    assert [model["id"] for model in listed["models"]] == [
        "grok-imagine-video",
        "grok-imagine-video-1.5",
        "grok-imagine-video-1.5-lite",
    ]
    assert remote.http.get("/video-generation-models/grok-imagine-video-1.5-preview").json() == listed["models"][1]
    unknown = remote.http.get("/video-generation-models/grok-video")
    assert unknown.status_code == 404
    assert unknown.json() == {
        "code": "not-found",
        "error": "Model 'grok-video' not found.",
    }
