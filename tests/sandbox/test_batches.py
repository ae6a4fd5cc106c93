"""The sandbox's batches as the wire has them: statuses, texts, ids, counters (register, Batches)."""

import json
import re
from typing import Any

import pytest

from grok_imagine_sandbox.contract import document_path

DOCUMENT = json.loads(document_path().read_text(encoding="utf-8"))
UUID = r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}"


def made(remote: Any, **body: Any) -> str:
    response = remote.post("/batches", {"name": "x", **body})
    assert response.status_code == 200, response.text
    return str(response.json()["batch_id"])


def entry(own: str | None = None, **body: Any) -> dict[str, Any]:
    found: dict[str, Any] = {"batch_request": {"video_generation": {"prompt": "x", "duration": 1, **body}}}
    return found if own is None else {"batch_request_id": own, **found}


def add(remote: Any, batch: str, *entries: Any) -> Any:
    return remote.post(f"/batches/{batch}/requests", {"batch_requests": list(entries)})


def state(remote: Any, batch: str) -> list[int]:
    told = remote.http.get(f"/batches/{batch}").json()["state"]
    return [told[f"num_{name}"] for name in ("requests", "pending", "success", "error", "cancelled")]


def test_a_batch_is_as_recorded(remote: Any) -> None:
    told = remote.post("/batches", {"name": "Cancel Test Batch"}).json()
    recorded = {
        "batch_id", "name", "create_time", "expire_time", "create_api_key_id", "cancel_time", "cancel_by_xai_message", "state"
    }  # fmt: skip
    assert told.keys() == recorded and re.fullmatch(f"batch_{UUID}", told["batch_id"])
    assert re.fullmatch(r"\d{4}-\d\d-\d\d", told["create_time"]) and told["cancel_time"] is None
    assert [*told["state"].values()] == [0] * 5


def test_without_a_name_it_is_a_422_in_text(remote: Any) -> None:
    response = remote.post("/batches", {"input_file_id": "file_1"})
    assert response.status_code == 422 and response.headers["content-type"].startswith("text/plain")
    assert "missing field `name` at line 1 column" in response.text


def test_an_add_answers_null_and_makes_ids_where_none_are_given(remote: Any) -> None:
    batch = made(remote)
    response = add(remote, batch, entry(), entry("own"), entry())
    assert (response.status_code, response.text) == (200, "null")
    rows = remote.http.get(f"/batches/{batch}/requests").json()["batch_request_metadata"]
    assert len({row["batch_request_id"] for row in rows}) == 3
    assert sum(bool(re.fullmatch(f"batch_request_{UUID}", row["batch_request_id"])) for row in rows) == 2
    assert rows[0].keys() == {"batch_request_id", "endpoint", "model", "state", "create_time", "finish_time"}


def test_the_same_content_is_taken_again_and_other_content_refuses_the_call(remote: Any) -> None:
    batch = made(remote)
    assert add(remote, batch, entry("a"), entry("a")).status_code == 200
    assert add(remote, batch, {**entry("a")}, entry("b")).status_code == 200
    refused = add(remote, batch, entry("c"), entry("a", prompt="y"))
    assert refused.status_code == 412
    assert refused.json()["error"] == "batch_request_id 'a' content differs from originally submitted"
    assert state(remote, batch)[0] == 2


FAULTS = {
    "range": (entry(duration=16), 400, "Duration must be between 1 and 15 seconds"),
    "shape": (entry(duration="x"), 422, "invalid type"),
    "model": (entry(model="grok-4.6"), 400, "Model grok-4.6 is not supported for batch processing."),
    "no kind": ({"batch_request": {}}, 400, "Exactly one"),
    "two kinds": (
        {"batch_request": {"video_generation": {"prompt": "x"}, "video_extension": {"prompt": "x", "video": {"url": "x"}}}},
        400,
        "Exactly one",
    ),
    "no request": ({"batch_request_id": "x"}, 422, "missing field `batch_request`"),
    "edit on 1.5": (
        entry(model="grok-imagine-video-1.5", video={"url": "https://example.com/a.mp4"}, duration=None),
        400,
        "Video editing is not supported for this model.",
    ),
}  # fmt: skip


@pytest.mark.parametrize(("bad", "status", "text"), FAULTS.values(), ids=FAULTS)
def test_one_bad_request_refuses_the_whole_call(remote: Any, bad: Any, status: int, text: str) -> None:
    batch = made(remote)
    response = add(remote, batch, entry("good"), bad)
    assert response.status_code == status and text in response.text
    assert state(remote, batch) == [0] * 5


def test_an_unknown_batch_is_a_404_everywhere(remote: Any) -> None:
    for method, path in (
        ("GET", ""),
        ("GET", "/requests"),
        ("GET", "/results"),
        ("POST", ":cancel"),
        ("POST", "/requests"),
    ):
        body = {"batch_requests": [entry()]} if path == "/requests" and method == "POST" else None
        response = remote.http.request(method, f"/batches/batch_1{path}", json=body)
        assert response.status_code == 404 and response.json()["error"] == "Cannot find batch with ID batch_1."
    assert remote.http.delete(f"/batches/{made(remote)}").status_code == 405


def test_documented_examples_of_adds_are_accepted_and_done(run: Any) -> None:
    content = DOCUMENT["paths"]["/batches/{batch_id}/requests"]["post"]["requestBody"]["content"]["application/json"]
    with run() as remote:
        batch = made(remote)
        for example in content["examples"].values():
            assert remote.post(f"/batches/{batch}/requests", example["value"]).status_code == 200
        remote.clock.now += 300
        assert state(remote, batch) == [4, 0, 4, 0, 0]


def test_batches_are_outside_the_limits_and_in_them_nothing_is_doubled(run: Any) -> None:
    with run(requests_per_minute=2, concurrent_jobs=1) as remote:
        batch = made(remote)
        for n in range(5):
            assert add(remote, batch, entry(str(n))).status_code == 200
        assert remote.generate() and state(remote, batch)[0] == 5


def test_what_was_stopped_is_not_billed_and_what_ran_is(run: Any) -> None:
    with run() as remote:
        batch = made(remote)
        add(remote, batch, *(entry(str(n)) for n in range(4)))
        remote.clock.now += 1.2
        told = remote.http.post(f"/batches/{batch}:cancel", json={}).json()
        assert told["cancel_time"] and told["state"]["num_cancelled"] == 4
        assert add(remote, batch, entry("late")).status_code == 403
        remote.clock.now += 120
        assert state(remote, batch) == [4, 0, 3, 0, 1]
        costs = [job["cost_in_usd_ticks"] for job in remote.sandbox.jobs]
        assert costs.count(None) == 1 and sum(cost is not None for cost in costs) == 3
        assert remote.http.post(f"/batches/{batch}:cancel").json()["cancel_time"] == told["cancel_time"]


def test_results_come_sorted_by_id_a_page_at_a_time(run: Any) -> None:
    with run() as remote:
        batch, ids = made(remote), [f"{n}" for n in range(12)]
        add(remote, batch, *(entry(own) for own in ids))
        remote.clock.now += 120
        found: list[str] = []
        token = None
        while True:
            query = {"limit": 5} | ({"pagination_token": token} if token else {})
            page = remote.http.get(f"/batches/{batch}/results", params=query).json()
            found += [row["batch_request_id"] for row in page["results"]]
            token = page["pagination_token"]
            if token is None:
                break
        assert found == sorted(ids)
        for query in (
            {"limit": 0},
            {"limit": 1001},
            {"limit": "x"},
            {"pagination_token": "x"},
            {"pagination_token": "MQ=="},
        ):
            assert remote.http.get(f"/batches/{batch}/results", params=query).status_code == 400
