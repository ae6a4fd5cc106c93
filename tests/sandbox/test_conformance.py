"""The sandbox against the contract document: every operation, by openapi-core and by schemathesis."""

import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import httpx
import pytest
import schemathesis
from hypothesis import HealthCheck, given, settings
from openapi_core import OpenAPI
from openapi_core.datatypes import RequestParameters
from schemathesis import GenerationMode
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_schema_conformance,
    status_code_conformance,
)
from werkzeug.datastructures import Headers

from grok_imagine_sandbox.contract import Contract, document_path
from support import HANG

DOCUMENT = json.loads(document_path().read_text(encoding="utf-8"))
AWAY = {"url": "https://example.com/a.mp4"}
CHECKS = (not_a_server_error, status_code_conformance, content_type_conformance, response_schema_conformance)


@dataclass
class Asked:
    """A request as openapi-core reads it, addressed to the server of the document."""

    method: str
    path: str
    body: bytes
    content_type: str = "application/json"
    host_url: str = "https://api.x.ai"
    parameters: RequestParameters = field(
        default_factory=lambda: RequestParameters(header=Headers({"authorization": "Bearer x"}))
    )


@dataclass
class Answered:
    """A response as openapi-core reads it."""

    data: bytes
    status_code: int
    content_type: str
    headers: Headers


@pytest.fixture(scope="module")
def api() -> OpenAPI:
    return OpenAPI.from_dict(DOCUMENT)


def conforms(api: OpenAPI, response: httpx.Response) -> None:
    request = response.request
    asked = Asked(request.method.lower(), request.url.path, request.content)
    headers = Headers(dict(response.headers))
    answered = Answered(response.content, response.status_code, response.headers.get("content-type", ""), headers)
    assert list(api.iter_response_errors(asked, answered)) == []


GOLDEN = {
    "text-to-video": ("/videos/generations", {"prompt": "x"}),
    "image-to-video": ("/videos/generations", {"image": {"url": "https://example.com/a.jpg"}}),
    "reference-to-video": ("/videos/generations", {"prompt": "x", "reference_images": [{"file_id": "file_1"}]}),
    "edit-video": ("/videos/edits", {"prompt": "x", "video": AWAY}),
    "extend-video": ("/videos/extensions", {"prompt": "x", "video": AWAY}),
}


def test_each_mode_has_its_golden_path() -> None:
    assert set(GOLDEN) == set(DOCUMENT["x-modes"]["modes"])


@pytest.mark.parametrize(("path", "body"), GOLDEN.values(), ids=GOLDEN)
def test_the_golden_path_conforms(remote: Any, api: OpenAPI, path: str, body: dict[str, Any]) -> None:
    started = remote.post(path, body)
    conforms(api, started)
    request_id = started.json()["request_id"]
    statuses = []
    for _ in range(50):
        response = remote.look(request_id)
        conforms(api, response)
        statuses.append((response.status_code, response.json()["status"]))
        remote.clock.now += 1
    assert statuses == sorted(statuses, reverse=True)
    assert set(statuses) == {(202, "pending"), (200, "done")}


@pytest.mark.parametrize("path", ["/video-generation-models", "/video-generation-models/grok-imagine-video"])
def test_models_conform(remote: Any, api: OpenAPI, path: str) -> None:
    response = remote.http.get(path)
    assert response.status_code == 200
    conforms(api, response)


def test_one_request_too_many_conforms(run: Any, api: OpenAPI) -> None:
    with run(requests_per_minute=1) as remote:
        request_id = remote.generate()
        for method, path in (
            ("POST", "/videos/generations"),
            ("GET", f"/videos/{request_id}"),
            ("GET", "/video-generation-models"),
            ("GET", "/video-generation-models/grok-imagine-video"),
        ):
            response = remote.http.request(method, path, json={"prompt": "x"} if method == "POST" else None)
            assert response.status_code == 429
            conforms(api, response)


BODIES: list[Any] = [
    {"prompt": "x", "video": AWAY},
    {"prompt": 1, "duration": "8", "resolution": None},
    {"prompt": "x" * 5000, "duration": 99, "video": "https://example.com/a.mp4"},
    {"image": {"url": 1}, "reference_images": [{"url": None}, "x", {}], "unknown": []},
    {"keyframes": [{"timestamp_s": "1"}, {"image": []}], "storage_options": {"filename": 1, "expires_after": 1}},
    {"output": {}, "reference_audios": [AWAY] * 9, "user": False},
    {},
    [],
    None,
]


@pytest.mark.parametrize("body", BODIES, ids=lambda body: json.dumps(body)[:40])
@pytest.mark.parametrize("operation", ["generateVideo", "editVideo", "extendVideo"])
def test_a_body_alone_is_judged_as_in_its_request(api: OpenAPI, operation: str, body: Any) -> None:
    contract = Contract()
    asked = Asked("post", f"/v1{contract.path(operation)}", json.dumps(body).encode())
    errors = [verdict for error in api.iter_request_errors(asked) for verdict in error.__cause__.schema_errors]
    # Of "this or null" the whole tells what is wrong with each, the sandbox what is wrong with "this".
    whole = {tuple(error.absolute_path)[:1] for error in errors}
    assert {fault.path[:1] for fault in contract.faults(operation, body)} == whole


def _examples() -> Iterator[tuple[str, str, dict[str, Any]]]:
    for path, item in DOCUMENT["paths"].items():
        for operation in item.values():
            if operation["tags"] != ["videos"]:
                continue
            content = operation.get("requestBody", {}).get("content", {})
            for name, example in content.get("application/json", {}).get("examples", {}).items():
                yield name, path, example["value"]


EXAMPLES = list(_examples())


@pytest.mark.parametrize(("name", "path", "body"), EXAMPLES, ids=[name for name, _, _ in EXAMPLES])
def test_the_documents_examples_are_accepted(remote: Any, name: str, path: str, body: dict[str, Any]) -> None:
    response = remote.post(path, body)
    assert response.status_code == 200, response.text
    state = remote.end(response.json()["request_id"])
    assert state["status"] == "done", state


RESULTS: list[Any] = list(schemathesis.openapi.from_dict(DOCUMENT).get_all_operations())
OPERATIONS = [result.ok() for result in RESULTS]


@pytest.mark.parametrize("mode", list(GenerationMode), ids=lambda mode: mode.value)
@pytest.mark.parametrize("operation", OPERATIONS, ids=lambda operation: operation.label)
def test_whatever_is_sent_the_answer_is_documented(remote: Any, operation: Any, mode: GenerationMode) -> None:
    @settings(max_examples=20, deadline=None, database=None, derandomize=True, suppress_health_check=list(HealthCheck))
    @given(case=operation.as_strategy(generation_mode=mode))
    def answers(case: Any) -> None:
        case.call_and_validate(
            base_url=remote.sandbox.base_url, headers={"authorization": "Bearer x"}, checks=list(CHECKS), timeout=HANG
        )

    answers()
