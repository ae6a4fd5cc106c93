"""The derived forms: what is committed is what the document makes, and each says what the document says."""

from __future__ import annotations

import copy
import importlib
import json
import re
import sys
from collections.abc import Iterator
from typing import Any

import httpx
import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st
from jsonschema import Draft202012Validator
from jsonschema.validators import extend
from openapi_schema_validator import OAS30Validator
from openapi_spec_validator import validate

from grok_imagine_sandbox import Sandbox
from support import ROOT

sys.path.append(str(ROOT / "scripts"))
derive = importlib.import_module("derive")
openapi30 = importlib.import_module("derive_openapi30")

DOCUMENT = derive.shipped(derive.load())
FORMS = derive.forms(derive.load())
OLDER = yaml.safe_load(FORMS["openapi-3.0.yaml"])
JSON_ONLY = yaml.safe_load(FORMS["openapi-3.0-json-answers.yaml"])
METHODS = {"get", "post", "put", "delete", "patch"}
NUMBER_OF_12 = re.compile(
    r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?|0o[0-7]+|0x[0-9a-fA-F]+|[-+]?\.(inf|Inf|INF)"
)


def test_what_is_committed_is_what_the_document_makes() -> None:
    assert derive.differences(FORMS, derive.TARGET) == [] and derive.forms(derive.load()) == FORMS


def test_a_form_that_was_changed_is_missing_or_is_too_many_is_told(tmp_path: Any) -> None:
    for name, text in FORMS.items():
        (tmp_path / name).write_text(text, encoding="utf-8")
    assert derive.differences(FORMS, tmp_path) == []
    (tmp_path / "openapi.json").write_text("{}", encoding="utf-8")
    (tmp_path / "requests.http").unlink()
    (tmp_path / "stale.yaml").write_text("", encoding="utf-8")
    assert derive.differences(FORMS, tmp_path) == ["openapi.json", "requests.http", "stale.yaml"]


def test_the_bundle_is_the_document_in_one_piece() -> None:
    assert yaml.safe_load(FORMS["openapi.yaml"]) == json.loads(FORMS["openapi.json"]) == DOCUMENT
    assert (ROOT / "generated" / "grok_imagine_api" / "openapi.json").read_text(encoding="utf-8") == FORMS[
        "openapi.json"
    ]
    assert "x-evidence" not in DOCUMENT


@pytest.mark.parametrize("name", [name for name in FORMS if name.endswith(".yaml")])
def test_yaml_is_read_alike_by_1_1_and_1_2_and_has_no_alias(name: str) -> None:
    resolve = yaml.SafeLoader("").resolve
    for token in yaml.scan(FORMS[name]):
        assert not isinstance(token, yaml.AliasToken | yaml.AnchorToken)
        if isinstance(token, yaml.ScalarToken) and token.plain:
            of_11 = resolve(yaml.ScalarNode, token.value, (True, False)).rsplit(":", 1)[1]
            assert (of_11 in {"int", "float"}) == bool(NUMBER_OF_12.fullmatch(token.value)), token.value
            assert token.value.lower() not in {"yes", "no", "on", "off", "y", "n"}


@pytest.mark.parametrize("name", [name for name in FORMS if name.startswith("openapi")])
def test_a_validator_takes_each_form(name: str) -> None:
    validate(yaml.safe_load(FORMS[name]))


def operations(document: dict[str, Any]) -> dict[str, dict[str, Any]]:
    return {item["operationId"]: item for path in document["paths"].values() for item in path.values()}


def schemas(node: Any, inside: bool = False) -> Iterator[dict[str, Any]]:
    """Each schema below a node, examples and extensions left out."""
    if isinstance(node, list):
        for item in node:
            yield from schemas(item, inside)
    elif isinstance(node, dict):
        if inside:
            yield node
        for key, item in node.items():
            if key.startswith("x-") or key in {"example", "examples", "enum", "default"}:
                continue
            if key in {"properties", "schemas"}:
                yield from schemas(list(item.values()), True)
            else:
                yield from schemas(item, inside or key == "schema")


def test_3_0_has_no_word_of_3_1() -> None:
    every = list(schemas(OLDER))
    assert len(every) > 250
    for schema in every:
        assert isinstance(schema.get("type", ""), str) and schema.get("type") != "null", schema
        assert not {"examples", "const", "if", "prefixItems", "$defs", "patternProperties"} & schema.keys()
        assert isinstance(schema.get("exclusiveMinimum", True), bool) and isinstance(
            schema.get("exclusiveMaximum", True), bool
        )
        assert "$ref" not in schema or len(schema) == 1
        assert "nullable" not in schema or "type" in schema


def test_3_0_has_each_operation_schema_and_example() -> None:
    assert OLDER["openapi"] == "3.0.3"
    assert OLDER["paths"].keys() == DOCUMENT["paths"].keys() and operations(OLDER).keys() == operations(DOCUMENT).keys()
    for name in DOCUMENT["components"]:
        assert OLDER["components"][name].keys() == DOCUMENT["components"][name].keys()
    assert list(media(OLDER)) == list(media(DOCUMENT))
    told = [schema["examples"] for schema in schemas(DOCUMENT) if "examples" in schema]
    assert told == [
        schema.get("x-examples", [schema.get("example")]) for schema in schemas(OLDER) if "example" in schema
    ]
    assert {key: value for key, value in OLDER.items() if key.startswith("x-")} == {
        key: value for key, value in DOCUMENT.items() if key.startswith("x-")
    }


def media(node: Any) -> Iterator[tuple[str, list[Any]]]:
    """The name of the schema of each body, and its examples."""
    if isinstance(node, dict):
        for kind, item in node.get("content", {}).items():
            cases = [case["value"] for case in item.get("examples", {}).values()] + [
                item[key] for key in item if key == "example"
            ]
            yield f"{kind} {item['schema'].get('$ref', '')}", cases
        for key, item in node.items():
            if key not in {"examples", "example", "schemas"} and not key.startswith("x-"):
                yield from media(item)
    elif isinstance(node, list):
        for item in node:
            yield from media(item)


def _all_of(validator: Any, options: Any, value: Any, schema: dict[str, Any]) -> Iterator[Any]:
    """As generators and their clients read `nullable` beside `allOf`; by the letter the inner schema refuses null."""
    if not (value is None and schema.get("nullable")):
        yield from OAS30Validator.VALIDATORS["allOf"](validator, options, value, schema)


Validator30 = extend(OAS30Validator, {"allOf": _all_of})


def verdicts(name: str, value: Any) -> tuple[bool, bool]:
    """Whether 3.1 and 3.0 take a value for a named schema."""
    reference = {"$ref": f"#/components/schemas/{name}"}
    newer = Draft202012Validator({"components": DOCUMENT["components"], **reference})
    older = Validator30({"components": OLDER["components"], "allOf": [reference]})
    return newer.is_valid(value), older.is_valid(value)


CASES = [
    (kind.rsplit("/", 1)[1], value)
    for kind, cases in media(DOCUMENT)
    if kind.startswith("application/json #")
    for value in cases
]


def test_each_example_is_valid_in_both() -> None:
    assert len(CASES) > 60
    assert [case for case in CASES if verdicts(*case) != (True, True)] == []


ANYTHING = (
    st.none()
    | st.booleans()
    | st.integers(-5, 3_000_000)
    | st.floats(-5, 20)
    | st.text(max_size=3)
    | st.just([])
    | st.just({})
)


def places(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    yield path
    for key, item in value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ():
        yield from places(item, (*path, key))


@given(st.sampled_from(CASES), st.data())
def test_a_changed_example_is_taken_by_both_or_by_none(case: tuple[str, Any], data: st.DataObject) -> None:
    name, value = case[0], copy.deepcopy(case[1])
    fields = [(field,) for field in DOCUMENT["components"]["schemas"][name].get("properties", {})]
    *path, last = data.draw(st.sampled_from([*fields, *(path for path in places(value) if path)]))
    target = value
    for key in path:
        target = target[key]
    target[last] = data.draw(ANYTHING)
    newer, older = verdicts(name, value)
    assert newer == older, (name, value)


BOUND = st.integers(-2, 2)


@given(
    st.fixed_dictionaries(
        {}, optional=dict.fromkeys(("minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum"), BOUND)
    ),
    st.sampled_from(["integer", ["integer", "null"], ["integer", "string"], ["string", "integer", "null"]]),
)
def test_bounds_and_types_mean_the_same(bounds: dict[str, int], kind: Any) -> None:
    schema = {"type": kind, **bounds}
    older = openapi30.openapi30({**DOCUMENT, "components": {"schemas": {"X": schema}}})["components"]["schemas"]["X"]
    for value in (*range(-4, 5), None, "x", 1.5):
        assert Draft202012Validator(schema).is_valid(value) == Validator30(older).is_valid(value), (older, value)


@pytest.mark.parametrize(
    "keyword", ["if", "prefixItems", "patternProperties", "contentMediaType", "$defs", "unevaluatedProperties"]
)
def test_what_3_0_cannot_say_is_an_error(keyword: str) -> None:
    with pytest.raises(openapi30.NotIn30, match=re.escape(keyword)):
        openapi30.openapi30({**DOCUMENT, "components": {"schemas": {"X": {keyword: {}}}}})


def test_answers_of_the_sandbox_are_valid_in_both() -> None:
    with (
        Sandbox(speed=100_000) as sandbox,
        httpx.Client(base_url=sandbox.base_url, headers={"authorization": "Bearer k"}) as client,
    ):
        started = client.post("/videos/generations", json={"prompt": "x", "duration": 1}).json()
        batch = client.post("/batches", json={"name": "b"}).json()
        file = client.post("/files", files={"file": ("a.png", b"\x89PNG\r\n\x1a\n", "image/png")}).json()
        answers = {
            "StartDeferredResponse": started,
            "Batch": batch,
            "StoredFile": file,
            "VideoResponse": client.get(f"/videos/{started['request_id']}").json(),
            "VideoGenerationModelList": client.get("/video-generation-models").json(),
            "BatchList": client.get("/batches").json(),
            "StoredFileList": client.get("/files").json(),
            "ErrorBody": client.get("/videos/unknown").json(),
        }
    assert [name for name, value in answers.items() if verdicts(name, value) != (True, True)] == []


def test_the_form_with_json_answers_has_one_type_of_answer_and_one_of_error() -> None:
    assert operations(OLDER).keys() - operations(JSON_ONLY).keys() == {"uploadFile"}
    shared = JSON_ONLY["components"]["responses"]
    for name, operation in operations(JSON_ONLY).items():
        kinds: dict[bool, set[str]] = {True: set(), False: set()}
        for status, answer in operation["responses"].items():
            answer = shared[answer["$ref"].rsplit("/", 1)[1]] if "$ref" in answer else answer
            content = {
                kind: item["schema"].get("$ref", "")
                for kind, item in answer["content"].items()
                if not kind.startswith("text/")
            }
            kinds[status < "300"] |= {f"{kind} {target}" for kind, target in content.items()}
        assert len(kinds[True]) == len(kinds[False]) == 1, name
        assert kinds[False] == {"application/json #/components/schemas/ErrorBody"}


def asked() -> Iterator[tuple[str, str, str, dict[str, str], str]]:
    """Each request of the .http file, as its readers split it: name, method, URL, headers, body."""
    for block in FORMS["requests.http"].split("\n### ")[1:]:
        head, _, body = block.partition("\n\n")
        _, name, line, *headers = head.split("\n")
        method, url = line.split(" ", 1)
        yield (
            name.removeprefix("# @name "),
            method,
            url,
            dict(each.split(": ", 1) for each in headers if each),
            body.strip(),
        )


def test_there_is_a_request_for_each_operation_and_each_example_of_a_body() -> None:
    wanted = []
    for name, operation in operations(DOCUMENT).items():
        content = operation.get("requestBody", {}).get("content", {}).get("application/json", {})
        wanted += [f"{name}_{example.replace('-', '_')}" for example in content.get("examples", {})] or [name]
    assert [name for name, *_ in asked()] == wanted
    assert all(re.fullmatch(r"[A-Za-z_]\w*", name) for name in wanted) and len(set(wanted)) == len(wanted)


def test_the_http_file_has_no_key_in_it() -> None:
    text = FORMS["requests.http"]
    assert re.findall(r"^@api_key = (.*)$", text, re.MULTILINE) == ["{{$processEnv XAI_API_KEY}}"]
    assert {headers["Authorization"] for _, _, _, headers, _ in asked()} == {"Bearer {{api_key}}"}
    assert not re.search(r"xai-\w{8}|Bearer (?!\{\{)", text.replace("xai-vidgen", "").replace("xai-video", ""))


def test_the_sandbox_takes_each_request_of_the_http_file() -> None:
    with Sandbox(speed=100_000) as sandbox, httpx.Client(headers={"authorization": "Bearer k"}) as client:
        known = dict(re.findall(r"^@(\w+) = (.*)$", FORMS["requests.http"], re.MULTILINE))
        known |= {"base_url": sandbox.base_url, "api_key": "k"}
        refused = []
        for name, method, url, headers, body in asked():
            answer = client.request(
                method, filled(url, known), headers=sent(headers, known), content=formed(headers, body)
            )
            if answer.status_code not in {200, 202}:
                refused.append((name, answer.status_code))
            elif name in LEAVING:
                known[LEAVING[name]] = answer.json()[LEAVING[name].replace("file_id", "id")]
            elif name == "deleteFile":
                file = client.post(f"{sandbox.base_url}/files", files={"file": ("a.png", b"x")})
                known["file_id"] = file.json()["id"]
    # Its file is the example's, which nobody has uploaded.
    assert refused == [("createBatch_file", 404)]


# The requests whose answers give the ids of those after them.
LEAVING = {"generateVideo_text": "request_id", "createBatch_empty": "batch_id", "uploadFile": "file_id"}


def filled(text: str, known: dict[str, str]) -> str:
    return re.sub(r"\{\{(\w+)\}\}", lambda found: known[found[1]], text)


def sent(headers: dict[str, str], known: dict[str, str]) -> dict[str, str]:
    return {name: filled(value, known) for name, value in headers.items()}


def formed(headers: dict[str, str], body: str) -> bytes:
    """The body as a reader sends it: a form has the file's bytes in it, and its lines end as HTTP's do."""
    is_form = "multipart" in headers.get("Content-Type", "")
    return (body.replace("< ./sky.png", "bytes").replace("\n", "\r\n") if is_form else body).encode()
