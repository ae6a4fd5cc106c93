"""The contract as OpenAPI 3.0.3, for tools that read no 3.1; a keyword that 3.0 lacks and that is not turned here is an error."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

# What a Schema Object of 3.0.3 may hold, and is the same there.
SAME = {
    "title", "multipleOf", "maximum", "minimum", "maxLength", "minLength", "pattern", "maxItems", "minItems", "uniqueItems",
    "maxProperties", "minProperties", "required", "enum", "description", "format", "default", "example", "discriminator",
    "readOnly", "writeOnly", "xml", "externalDocs", "deprecated", "nullable",
}  # fmt: skip
BOUNDS = {"exclusiveMinimum": ("minimum", max), "exclusiveMaximum": ("maximum", min)}


class NotIn30(ValueError):
    """The document says something that 3.0.3 has no words for."""


def openapi30(document: Mapping[str, Any]) -> dict[str, Any]:
    """The document in the words of 3.0.3."""
    info = {key: value for key, value in document["info"].items() if key != "summary"}
    if "summary" in document["info"]:
        info["description"] = "\n\n".join([document["info"]["summary"], info.get("description", "")]).strip()
    if "identifier" in info.get("license", {}):
        info["license"] = {
            "name": info["license"]["name"],
            "url": f"https://spdx.org/licenses/{info['license']['identifier']}",
        }
    if newer := {"webhooks", "jsonSchemaDialect"} & document.keys() | {"pathItems"} & document["components"].keys():
        raise NotIn30(f"3.0.3 has no {', '.join(sorted(newer))}")
    rest = {key: value for key, value in document.items() if key not in {"openapi", "info"}}
    named = document["components"]["schemas"]
    schemas = _Schemas(named)
    turned: dict[str, Any] = {"openapi": "3.0.3", "info": info}
    turned |= {key: _node(key, value, schemas) for key, value in rest.items()}
    turned["components"]["schemas"] = {name: schemas.turned(value) for name, value in named.items()}
    return turned


def _node(key: str, node: Any, schemas: _Schemas) -> Any:
    """A part of the document that is no schema; what is an example or an extension stays as it is."""
    if key.startswith("x-") or key in {"example", "examples"}:
        return node
    if isinstance(node, list):
        return [_node("", item, schemas) for item in node]
    if not isinstance(node, dict):
        return node
    parts = {name: item for name, item in node.items() if name != "schemas"}
    return {
        name: schemas.turned(item) if name == "schema" else _node(name, item, schemas) for name, item in parts.items()
    }


class _Schemas:
    """Schemas in the words of 3.0.3. It knows the named ones, since beside `nullable` a type is wanted."""

    def __init__(self, named: Mapping[str, Any]) -> None:
        self._named = named

    def turned(self, node: Any) -> dict[str, Any]:
        """A schema."""
        if isinstance(node, bool):
            return {} if node else {"not": {}}
        if "$ref" in node:
            return self._reference(node)
        made: dict[str, Any] = {}
        for key, value in node.items():
            made |= self._keyword(key, value, node)
        return made

    def _reference(self, node: Mapping[str, Any]) -> dict[str, Any]:
        """A reference; beside one nothing else counts in 3.0, so that what stands there goes around it."""
        beside = {key: value for key, value in node.items() if key != "$ref"}
        return {**self.turned(beside), "allOf": [{"$ref": node["$ref"]}]} if beside else dict(node)

    def _keyword(self, key: str, value: Any, node: Mapping[str, Any]) -> dict[str, Any]:
        """What a keyword becomes."""
        if key == "type":
            return _type(value)
        if key in {"anyOf", "oneOf"}:
            return self._choice(key, value)
        if key == "properties":
            return {key: {name: self.turned(item) for name, item in value.items()}}
        if key in {"items", "not"} or (key == "additionalProperties" and isinstance(value, dict)):
            return {key: self.turned(value)}
        if key == "allOf":
            return {key: [self.turned(item) for item in value]}
        return _plain(key, value, node)

    def _choice(self, key: str, options: list[Any]) -> dict[str, Any]:
        """A choice. One schema or null is that schema, nullable: so generators of 3.0 write and read it."""
        named = [option for option in options if option != {"type": "null"}]
        nullable = {"nullable": True} if len(named) < len(options) else {}
        if nullable and len(named) == 1:
            target = self._named[named[0]["$ref"].rsplit("/", 1)[1]] if "$ref" in named[0] else named[0]
            kind = {"type": target["type"]} if isinstance(target.get("type"), str) else {}
            return {**kind, **nullable, "allOf": [self.turned(named[0])]}
        return {key: [self.turned(option) for option in named], **nullable}


def _plain(key: str, value: Any, node: Mapping[str, Any]) -> dict[str, Any]:
    """A keyword that holds no schema."""
    if key == "examples":
        return {"example": value[0]} | ({"x-examples": value} if len(value) > 1 else {}) if value else {}
    if key == "const":
        return {"enum": [value]}
    if key in BOUNDS:
        return _bound(key, value, node)
    if key in {"minimum", "maximum"} and f"exclusive{key.capitalize()}" in node:
        return {}
    if key in SAME or key.startswith("x-") or key == "additionalProperties":
        return {key: value}
    raise NotIn30(f"3.0.3 has no `{key}` in a schema")


def _type(value: str | list[str]) -> dict[str, Any]:
    """One type, nullable or not; several become a choice."""
    kinds = [value] if isinstance(value, str) else value
    named = [kind for kind in kinds if kind != "null"]
    nullable = {"nullable": True} if "null" in kinds else {}
    if not named:
        return {"nullable": True, "enum": [None]}
    if len(named) > 1:
        return {"anyOf": [{"type": kind, **nullable} for kind in named]}
    return {"type": named[0], **nullable}


def _bound(key: str, value: float, node: Mapping[str, Any]) -> dict[str, Any]:
    """A bound that is itself excluded; beside one that is included the narrower counts."""
    name, narrower = BOUNDS[key]
    other = node.get(name)
    if other is not None and (other == narrower(other, value) != value):
        return {name: other}
    return {name: value, key: True}


def json_answers_only(document: dict[str, Any]) -> dict[str, Any]:
    """The document of 3.0.3 without errors in plain text and without forms, for progenitor, which makes Rust.

    It takes one type of error for an operation, and none without a body. An operation that it has no words for is left out.
    """
    shared = document["components"]["responses"]
    plain = {name for name, answer in shared.items() if _is_plain(answer)}
    paths: dict[str, Any] = {}
    for path, item in document["paths"].items():
        for method, operation in item.items():
            if set(operation.get("requestBody", {}).get("content", {})) <= {"application/json"}:
                paths.setdefault(path, {})[method] = {**operation, "responses": _typed(operation["responses"], plain)}
    kept = {name: answer for name, answer in shared.items() if name not in plain}
    return {**document, "paths": paths, "components": {**document["components"], "responses": kept}}


def _typed(answers: Mapping[str, Any], plain: set[str]) -> dict[str, Any]:
    """The answers that are not plain text."""
    return {
        status: answer
        for status, answer in answers.items()
        if answer.get("$ref", "").rsplit("/", 1)[-1] not in plain and not _is_plain(answer)
    }


def _is_plain(answer: Mapping[str, Any]) -> bool:
    """Whether an answer is text alone."""
    return bool(answer.get("content")) and all(kind.startswith("text/") for kind in answer["content"])
