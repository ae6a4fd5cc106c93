"""The document: its extensions obey their schemas, agree with its own schemas, and are what was compiled."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from decimal import Decimal
from typing import Any

import pytest
import yaml
from jsonschema import Draft202012Validator

from grok_imagine import VideoRequest
from grok_imagine_api import contract
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
EXTENSIONS = ["modes", "waiter", "errors", "limits", "pricing"]


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


def test_the_shipped_document_is_the_written_one() -> None:
    shipped = ROOT / "generated" / "grok_imagine_api" / "openapi.json"
    assert json.loads(shipped.read_text(encoding="utf-8")) == DOCUMENT


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


def test_modes_that_one_body_could_select_refuse_each_other() -> None:
    generate = {name: rule for name, rule in XMODES["modes"].items() if name != "extend-video"}
    for name, rule in generate.items():
        for other, data in generate.items():
            if name != other and rule["selected_by"]:
                assert set(data["selected_by"]) <= rule["forbidden"].keys(), (name, other)


@pytest.mark.parametrize("model", XMODES["models"])
def test_a_model_only_narrows_its_modes(model: str) -> None:
    for mode, narrowed in XMODES["models"][model]["modes"].items():
        wide = XMODES["modes"][mode]
        assert narrowed["forbidden"].keys() <= {*wide["allowed"]}
        for field, limit in narrowed["limits"].items():
            assert set(limit.get("values", [])) <= set(wide["limits"][field].get("values", []))
            for key in ("maximum", "max_items"):
                assert limit.get(key, 0) <= wide["limits"][field].get(key, 0)


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


def test_models_are_known_and_priced() -> None:
    assert list(XMODES["models"]) == SCHEMAS["KnownVideoModel"]["enum"] == list(DOCUMENT["x-pricing"]["models"])
    assert DOCUMENT["x-pricing"]["charges"].keys() == XMODES["modes"].keys()
    for model, data in XMODES["models"].items():
        rates = DOCUMENT["x-pricing"]["models"][model]["output_second"].keys()
        for mode, narrowed in data["modes"].items():
            limit = narrowed["limits"].get("resolution") or XMODES["modes"][mode]["limits"].get("resolution")
            assert limit is None or set(limit["values"]) <= rates


def test_the_waiter_knows_every_known_status_and_error_kind() -> None:
    statuses = {a["status"] for a in DOCUMENT["x-waiter"]["acceptors"] if a.get("status")}
    assert statuses | {"pending"} == set(SCHEMAS["KnownVideoStatus"]["enum"])
    kinds = {kind["kind"] for kind in DOCUMENT["x-errors"]["kinds"]}
    assert {a["error_kind"] for a in DOCUMENT["x-waiter"]["acceptors"] if "error_kind" in a} <= kinds
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
                    yield from re.sub(r" \(\w+\)", "", value).split(", ")
                else:
                    yield from sources(value)
        elif isinstance(node, list):
            for item in node:
                yield from sources(item)

    named = set(sources({key: DOCUMENT[key] for key in DOCUMENT if key.startswith("x-")}))
    assert named and named <= listed


@pytest.mark.parametrize(("name", "operation"), list(operations()))
def test_every_operation_shows_every_case_and_its_examples_are_valid(name: str, operation: dict[str, Any]) -> None:
    assert operation["security"] == [{"bearerAuth": []}] and operation["description"] and operation["summary"]
    if "requestBody" in operation:
        media = operation["requestBody"]["content"]["application/json"]
        modes = set()
        for body in examples(media):
            validate(media["schema"], body)
            request = VideoRequest.from_body(body, call="extend" if name == "extendVideo" else "generate")
            request.check()
            modes.add(request.mode)
        assert modes == {mode for mode, rule in XMODES["modes"].items() if rule["operation"] == name}
    for status, response in operation["responses"].items():
        for kind, media in resolve(response).get("content", {}).items():
            cases = examples(media)
            assert cases, (name, status, kind)
            for case in cases:
                validate(media["schema"], case)


def test_the_compiled_constants_are_the_document() -> None:
    assert contract.MODES.keys() == XMODES["modes"].keys()
    for name, mode in contract.MODES.items():
        written = XMODES["modes"][name]
        assert [mode.required, mode.allowed, mode.selected_by] == [
            tuple(written[k]) for k in ("required", "allowed", "selected_by")
        ]
        assert {k: vars(v) for k, v in mode.forbidden.items()} == written["forbidden"]
        assert {
            k: vars(v) | ({"values": list(v.values)} if v.values else {}) for k, v in mode.limits.items()
        } == written["limits"]
    assert {name: limit.value for name, limit in contract.LIMITS.items()} == {
        name: limit["value"] for name, limit in DOCUMENT["x-limits"].items() if name != "version"
    }
    for name, price in contract.PRICES.items():
        assert {k: float(v) for k, v in price.output_second.items()} == DOCUMENT["x-pricing"]["models"][name][
            "output_second"
        ]
    assert [(phase.until, phase.every) for phase in contract.SCHEDULE] == [
        (phase["until"], phase["every"]) for phase in DOCUMENT["x-waiter"]["schedule"]
    ]


@pytest.mark.parametrize(
    ("model", "resolution", "seconds", "images", "input_seconds", "ticks"),
    [
        ("grok-imagine-video", "480p", 8, 0, 0, 4_000_000_000),
        ("grok-imagine-video", "720p", 6, 1, 0, 4_220_000_000),
        ("grok-imagine-video", "480p", 10, 0, 5, 5_500_000_000),
    ],
)
def test_prices_give_the_recorded_bills(
    model: str, resolution: str, seconds: int, images: int, input_seconds: int, ticks: int
) -> None:
    price = contract.PRICES[model]
    usd = price.output_second[resolution] * seconds
    usd += (price.input_image or Decimal(0)) * images + (price.input_second or Decimal(0)) * input_seconds
    assert usd * contract.TICKS_PER_USD == ticks


def test_compiled_constants_can_not_be_changed() -> None:
    mode = contract.MODES["edit-video"]
    with pytest.raises(AttributeError):
        mode.title = "x"
    with pytest.raises(AttributeError):
        del mode.title
    with pytest.raises(TypeError):
        contract.MODES["x"] = mode
    assert mode == contract.MODES["edit-video"] and hash(mode) and "Edit-video" in repr(mode)
