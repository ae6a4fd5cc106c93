"""The document: its extensions obey their schemas and agree with its own schemas."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any

import pytest
import yaml
from jsonschema import Draft202012Validator

from grok_imagine import VideoRequest
from support import ROOT

DOCUMENT = yaml.safe_load((ROOT / "openapi" / "grok-imagine.yaml").read_text(encoding="utf-8"))
REGISTER = (ROOT / "openapi" / "register.md").read_text(encoding="utf-8")
SCHEMAS = DOCUMENT["components"]["schemas"]
XMODES = DOCUMENT["x-modes"]
BODIES = {
    "generateVideo": "GenerateVideoRequest",
    "editVideo": "EditVideoRequest",
    "extendVideo": "ExtendVideoRequest",
}
EXTENSIONS = ["eras", "modes", "waiter", "errors", "limits", "pricing", "regions", "evidence"]


def operations() -> Iterator[tuple[str, dict[str, Any]]]:
    for path in DOCUMENT["paths"].values():
        for operation in path.values():
            yield operation["operationId"], operation


def resolve(node: dict[str, Any]) -> dict[str, Any]:
    while "$ref" in node:
        target: Any = DOCUMENT
        for part in node["$ref"][2:].split("/"):
            target = target[part]
        node = target
    return node


def validate(schema: dict[str, Any], value: Any) -> None:
    Draft202012Validator({"components": DOCUMENT["components"], **schema}).validate(value)


def examples(media: dict[str, Any]) -> list[Any]:
    return [case["value"] for case in media.get("examples", {}).values()] + (
        [media["example"]] if "example" in media else []
    )


@pytest.mark.parametrize("name", EXTENSIONS)
def test_each_extension_obeys_its_schema(name: str) -> None:
    schema = json.loads((ROOT / "openapi" / "schemas" / f"x-{name}.json").read_text(encoding="utf-8"))
    Draft202012Validator.check_schema(schema)
    Draft202012Validator(schema).validate(DOCUMENT[f"x-{name}"])


def test_every_extension_at_the_root_has_a_schema() -> None:
    assert {key for key in DOCUMENT if key.startswith("x-")} == {f"x-{name}" for name in EXTENSIONS}


def test_the_shipped_document_is_the_written_one_but_for_its_evidence() -> None:
    shipped = ROOT / "generated" / "grok_imagine_api" / "openapi.json"
    written = {key: value for key, value in DOCUMENT.items() if key != "x-evidence"}
    assert json.loads(shipped.read_text(encoding="utf-8")) == written


def test_no_comma_split_a_text_into_a_key() -> None:
    def keys(node: Any) -> Iterator[str]:
        if isinstance(node, dict):
            yield from (key for key in node if isinstance(key, str))
            node = list(node.values())
        if isinstance(node, list):
            for item in node:
                yield from keys(item)

    assert [key for key in keys(DOCUMENT) if " " in key] == []


@pytest.mark.parametrize("mode", XMODES["modes"])
def test_each_mode_places_every_field_once(mode: str) -> None:
    rule = XMODES["modes"][mode]
    every = {field for schema in BODIES.values() for field in SCHEMAS[schema]["properties"]}
    placed = [*rule["required"], *rule["allowed"], *rule["forbidden"]]
    assert sorted(placed) == sorted(every)
    sendable = SCHEMAS[BODIES[rule["operation"]]]["properties"]
    assert {*rule["required"], *rule["allowed"]} <= sendable.keys()
    assert set(SCHEMAS[BODIES[rule["operation"]]].get("required", [])) <= set(rule["required"])
    assert rule["limits"].keys() <= {*rule["required"], *rule["allowed"]}


def test_of_modes_that_one_body_selects_one_takes_all_or_the_first_says_why_not() -> None:
    generate = {name: XMODES["modes"][name] for name in XMODES["calls"]["generate"]}
    for rule in generate.values():
        assert set(rule["selected_by"]) <= {*rule["required"], *rule["allowed"]}
    fields = [field for rule in generate.values() for field in rule["selected_by"]]
    for one in fields:
        for other in fields:
            chosen = [rule for rule in generate.values() if {one, other} & set(rule["selected_by"])]
            taking = [rule for rule in chosen if not {one, other} & rule["forbidden"].keys()]
            # What no mode takes is refused by the first, so that the refusal can name the rule.
            assert len(taking) == 1 or (not taking and {one, other} & chosen[0]["forbidden"].keys()), (one, other)


@pytest.mark.parametrize("model", XMODES["models"])
def test_a_model_has_or_lacks_each_mode_and_only_narrows_those_it_has(model: str) -> None:
    data = XMODES["models"][model]
    assert sorted([*data["modes"], *data["lacks"]]) == sorted(XMODES["modes"])
    for mode, narrowed in data["modes"].items():
        wide = XMODES["modes"][mode]
        assert narrowed["forbidden"].keys() <= {*wide["allowed"]}
        for field, limit in narrowed["limits"].items():
            assert set(limit.get("values", [])) <= set(wide["limits"][field].get("values", []))
            for key in ("maximum", "max_items"):
                assert limit.get(key, 0) <= wide["limits"][field].get(key, 0)


def test_every_rule_says_how_sure_it_is_and_names_a_literal_answer_if_any() -> None:
    texts = DOCUMENT["x-errors"]["texts"]
    kinds = {kind["kind"] for kind in DOCUMENT["x-errors"]["kinds"]}

    def nodes(node: Any) -> Iterator[dict[str, Any]]:
        if isinstance(node, dict):
            yield node
        for item in node.values() if isinstance(node, dict) else node if isinstance(node, list) else ():
            yield from nodes(item)

    refusals = [node["refusal"] for node in nodes(XMODES) if "refusal" in node]
    assert len(refusals) > 20 and set(refusals) <= texts.keys()
    assert all(
        "confidence" in node for node in nodes(XMODES) if {"rule", "refusal", "source"} & node.keys() - {"source"}
    )
    assert {text["kind"] for text in texts.values()} <= kinds
    assert {kind for code in DOCUMENT["x-errors"]["codes"] for kind in code["kinds"]} <= kinds


def test_variants_are_fields_of_their_mode_and_no_modes_themselves() -> None:
    assert not XMODES["variants"].keys() & XMODES["modes"].keys()
    for variant in XMODES["variants"].values():
        assert set(variant["fields"]) <= {*XMODES["modes"][variant["mode"]]["allowed"]}


def test_what_is_newer_than_an_era_says_what_was_before() -> None:
    months = [era["month"] for era in DOCUMENT["x-eras"]["eras"].values()]
    assert months == sorted(months) and DOCUMENT["x-eras"]["default"] in DOCUMENT["x-eras"]["eras"]
    texts = DOCUMENT["x-errors"]["texts"].values()
    assert all("since" in text for text in texts if "earlier" in text)
    since = [text["since"] for text in texts if "since" in text] + [c["since"] for c in DOCUMENT["x-errors"]["codes"]]
    assert all(months[0] < month <= months[-1] for month in since)


def test_limits_agree_with_the_schemas() -> None:
    known = {"aspect_ratio": "KnownAspectRatio", "resolution": "KnownResolution"}
    for name, rule in XMODES["modes"].items():
        properties = SCHEMAS[BODIES[rule["operation"]]]["properties"]
        for field, limit in rule["limits"].items():
            schema = properties[field]
            assert set(limit.get("values", [])) <= set(SCHEMAS[known[field]]["enum"] if field in known else [])
            assert limit.get("max_length") == schema.get("maxLength"), (name, field)
            assert limit.get("max_items") == schema.get("maxItems"), (name, field)
            assert limit.get("maximum", 0) <= schema.get("maximum", 0)
    assert (
        DOCUMENT["x-limits"]["prompt_length"]["value"]
        == SCHEMAS["GenerateVideoRequest"]["properties"]["prompt"]["maxLength"]
    )
    expiry = SCHEMAS["StorageOptions"]["properties"]["expires_after"]
    limits = DOCUMENT["x-limits"]
    assert (limits["storage_expiry_minimum"]["value"], limits["storage_expiry_maximum"]["value"]) == (
        expiry["minimum"],
        expiry["maximum"],
    )


def test_integers_that_pass_32_bits_say_so_and_no_bound_is_a_number_that_excludes() -> None:
    def schemas(node: Any, name: str = "") -> Iterator[tuple[str, dict[str, Any]]]:
        if isinstance(node, dict):
            yield name, node
            for key, item in node.items():
                yield from schemas(item, key)
        elif isinstance(node, list):
            for item in node:
                yield from schemas(item, name)

    found = list(schemas(SCHEMAS))
    for name, schema in found:
        if name in ("cost_in_usd_ticks", "created") or name.endswith(("expires_at", "_tokens", "_ticks")):
            assert "format" not in schema or schema["format"] == "int64"
            assert schema.get("format") == "int64", name
        if "number" in (schema.get("type") if isinstance(schema.get("type"), list) else [schema.get("type")]):
            assert schema["format"] == "double", name
        for keyword in ("exclusiveMinimum", "exclusiveMaximum"):
            assert not isinstance(schema.get(keyword), int | float), name
    assert "examples" in SCHEMAS["MediaUsage"]["properties"]["cost_in_usd_ticks"]


def test_arrays_of_requests_may_be_null_or_empty() -> None:
    for schema in BODIES.values():
        for name, field in SCHEMAS[schema]["properties"].items():
            if "array" in field.get("type", ""):
                assert field["type"] == ["array", "null"] and "minItems" not in field, name


def test_success_answers_stand_in_their_operations_and_every_error_says_what_it_carries() -> None:
    for name, operation in operations():
        for status, response in operation["responses"].items():
            assert status >= "300" or "$ref" not in response, (name, status)
            assert "content" in resolve(response), (name, status)


def test_known_values_are_shown_where_they_are_taken_and_named_only_where_they_are_no_names() -> None:
    named = {name for name, schema in SCHEMAS.items() if "x-enum-varnames" in schema}
    assert named == {"KnownAspectRatio", "KnownResolution"}
    for schema in SCHEMAS.values():
        for field, data in schema.get("properties", {}).items():
            if "x-known-values" in data:
                assert set(data["examples"]) <= set(resolve(data["x-known-values"])["enum"]), field


def test_no_value_is_in_two_enumerations() -> None:
    # Generators of Go make a constant of each, and all are of one package.
    values = [value for schema in SCHEMAS.values() for value in schema.get("enum", [])]
    assert sorted(values) == sorted(set(values))


def test_the_sandbox_is_a_server_whose_port_can_be_told() -> None:
    service, sandbox = DOCUMENT["servers"]
    assert service["url"] == "https://api.x.ai/v1"
    assert sandbox["url"].format(port=sandbox["variables"]["port"]["default"]) == "http://127.0.0.1:8080/v1"
    # The schema of 2021 for 3.1, which swagger-parser and what is built on it use, refuses a description here.
    assert all(
        variable.keys() <= {"enum", "default"}
        for server in DOCUMENT["servers"]
        for variable in server.get("variables", {}).values()
    )


def test_no_text_points_to_a_file_that_does_not_travel_with_the_document() -> None:
    shipped = json.dumps(DOCUMENT)
    assert not re.search(
        r"\w\.(md|yaml|json)\b|beside this file|schemas/", shipped.replace("#/components/schemas/", "")
    )
    assert len(DOCUMENT["info"]["description"]) < 800


def test_no_line_of_the_document_is_too_long_to_read() -> None:
    lines = (ROOT / "openapi" / "grok-imagine.yaml").read_text(encoding="utf-8").splitlines()
    assert [number for number, line in enumerate(lines, 1) if len(line) > 160] == []


def test_models_are_known_and_priced() -> None:
    assert list(XMODES["models"]) == SCHEMAS["KnownVideoModel"]["enum"] == list(DOCUMENT["x-pricing"]["models"])
    assert DOCUMENT["x-pricing"]["charges"].keys() == XMODES["modes"].keys()
    for model, data in XMODES["models"].items():
        rates = DOCUMENT["x-pricing"]["models"][model]["output_second"].keys()
        for mode, narrowed in data["modes"].items():
            limit = narrowed["limits"].get("resolution") or XMODES["modes"][mode]["limits"].get("resolution")
            if narrowed["limits"].get("resolution"):
                assert set(limit["values"]) <= rates


def test_the_waiter_knows_every_known_status_and_error_kind() -> None:
    whens = [acceptor["when"] for acceptor in DOCUMENT["x-waiter"]["acceptors"]]
    assert {w["status"]["equals"] for w in whens if "equals" in w.get("status", {})} == set(
        SCHEMAS["KnownVideoStatus"]["enum"]
    )
    kinds = {kind["kind"] for kind in DOCUMENT["x-errors"]["kinds"]}
    assert {when["error_kind"]["equals"] for when in whens if "error_kind" in when} <= kinds
    ages = [phase["until"] for phase in DOCUMENT["x-waiter"]["schedule"]]
    assert ages[-1] is None and ages[:-1] == sorted(ages[:-1])


def test_no_misnomer_is_a_name_of_ours() -> None:
    fields = {field for schema in BODIES.values() for field in SCHEMAS[schema]["properties"]}
    assert not fields & XMODES["misnomers"]["body"].keys()
    assert not XMODES["misnomers"]["models"].keys() & XMODES["models"].keys()


def test_every_figure_has_a_source_that_the_register_lists() -> None:
    listed = set(re.findall(r"^\| (S\d|[A-Z]+) \|", REGISTER, re.M)) | {"our choice"}

    def sources(node: Any) -> Iterator[str]:
        if isinstance(node, dict):
            for key, value in node.items():
                if key in ("source", "seen"):
                    yield from re.sub(r" \([^)]*\)", "", value).split(", ")
                else:
                    yield from sources(value)
        elif isinstance(node, list):
            for item in node:
                yield from sources(item)

    named = set(sources({key: DOCUMENT[key] for key in DOCUMENT if key.startswith("x-")}))
    assert named and named <= listed


def taken(body: dict[str, Any], call: str) -> str:
    """The mode of a body that strict mode takes without a word."""
    request = VideoRequest.from_body(body, call=call)
    request.check()  # a doubt would be a warning, and fail the test
    assert dict(request.body) == body
    return request.mode


def test_what_examples_put_into_a_batch_is_taken_without_a_word() -> None:
    body = dict(operations())["addBatchRequests"]["requestBody"]["content"]["application/json"]
    entries = [entry["batch_request"] for example in examples(body) for entry in example["batch_requests"]]
    calls = {"video_generation": "generate", "video_extension": "extend"}
    modes = {taken(request, calls[key]) for entry in entries for key, request in entry.items()}
    assert modes == {"text-to-video", "reference-to-video", "edit-video", "extend-video"}


def test_a_generation_in_a_batch_takes_what_generations_and_edits_take() -> None:
    own, wanted = SCHEMAS["BatchVideoGeneration"]["properties"], SCHEMAS["GenerateVideoRequest"]["properties"]
    assert {**own} == {**wanted, "video": own["video"]}
    assert own.keys() >= SCHEMAS["EditVideoRequest"]["properties"].keys()


@pytest.mark.parametrize(("name", "operation"), list(operations()))
def test_every_operation_shows_every_case_and_its_examples_are_valid(name: str, operation: dict[str, Any]) -> None:
    assert operation["security"] == [{"bearerAuth": []}] and operation["description"] and operation["summary"]
    for kind, media in operation.get("requestBody", {}).get("content", {}).items():
        assert examples(media) or kind == "multipart/form-data"  # a file has no example
        for body in examples(media):
            validate(media["schema"], body)
    if name in BODIES:
        media = operation["requestBody"]["content"]["application/json"]
        modes = {taken(body, "extend" if name == "extendVideo" else "generate") for body in examples(media)}
        assert modes == {mode for mode, rule in XMODES["modes"].items() if rule["operation"] == name}
    for status, response in operation["responses"].items():
        for kind, media in resolve(response).get("content", {}).items():
            cases = examples(media)
            assert cases, (name, status, kind)
            for case in cases:
                validate(media["schema"], case)
