"""What oasdiff lets pass: names that generated clients are made of, known values, and bounds of schemas."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from check_breaking_rules import GONE, Finding, edits

Document = Mapping[str, Any]
# Keywords of a schema that oasdiff reads, or that say nothing of what is taken.
OTHERS = {
    "type",
    "properties",
    "items",
    "required",
    "anyOf",
    "oneOf",
    "allOf",
    "not",
    "enum",
    "$ref",
    "format",
    "description",
    "examples",
}


def operations(document: Document) -> dict[str, Mapping[str, Any]]:
    """Each operation by its method and path."""
    found = document["paths"].items()
    return {f"{method.upper()} {path}": operation for path, item in found for method, operation in item.items()}


def _operation_ids(document: Document) -> dict[str, str]:
    return {route: operation.get("operationId", "") for route, operation in operations(document).items()}


def _tags(document: Document) -> dict[str, str]:
    return {
        operation["operationId"]: " ".join(operation.get("tags", ())) for operation in operations(document).values()
    }


def _components(kind: str) -> Callable[[Document], dict[str, str]]:
    return lambda document: {name: name for name in document["components"].get(kind, {})}


def _known(document: Document) -> dict[str, str]:
    """Each value of the enumerations that no field refers to, with the name that generators give it."""
    found: dict[str, str] = {}
    for name, schema in document["components"]["schemas"].items():
        values = schema.get("enum", [])
        names = schema.get("x-enum-varnames", values)
        found |= {f"{name} {value}": str(word) for value, word in zip(values, names, strict=False)}
    return found


def _server(document: Document) -> dict[str, str]:
    return {"servers": document["servers"][0]["url"]}


# What breaks when a name goes or becomes another, and how it is told.
NAMES: tuple[tuple[str, Callable[[Document], dict[str, str]]], ...] = (
    ("operationId", _operation_ids),
    ("tags", _tags),
    ("schema", _components("schemas")),
    ("parameter", _components("parameters")),
    ("response", _components("responses")),
    ("security scheme", _components("securitySchemes")),
    ("known value", _known),
    ("server", _server),
)


def name_edits(before: Document, after: Document) -> Iterator[Finding]:
    """Each name that came, went or changed."""
    for kind, names in NAMES:
        old, new = names(before), names(after)
        for key in dict.fromkeys([*old, *new]):
            if old.get(key) == new.get(key):
                continue
            text = f"{old.get(key, 'none')} is now {new.get(key, 'none')}"
            subject = old.get(key, new.get(key, "")) if kind == "operationId" else key.split(" ")[0]
            yield Finding(subject, f"{kind} {key}", key in old, text)


def bound_edits(before: Document, after: Document) -> Iterator[Finding]:
    """Each bound, and each word on what was known when, of schemas that both have."""
    old, new = before["components"]["schemas"], after["components"]["schemas"]
    for name in sorted(old.keys() & new.keys()):
        for path, was, now in _schemas(old[name], new[name], (name,)):
            for key in dict.fromkeys([*was, *now]):
                if key not in OTHERS and key != "x-enum-varnames":
                    yield from edits(
                        was.get(key, GONE), now.get(key, GONE), ("components", "schemas", *path, key), name
                    )


def _schemas(before: Any, after: Any, path: tuple[str, ...]) -> Iterator[tuple[tuple[str, ...], Any, Any]]:
    """The schemas at the same place in both."""
    if not (isinstance(before, Mapping) and isinstance(after, Mapping)):
        return
    yield path, before, after
    for key in sorted(before.get("properties", {}).keys() & after.get("properties", {}).keys()):
        yield from _schemas(before["properties"][key], after["properties"][key], (*path, key))
    yield from _schemas(before.get("items"), after.get("items"), (*path, "items"))
    for key in ("anyOf", "oneOf", "allOf"):
        for index, pair in enumerate(zip(before.get(key, ()), after.get(key, ()), strict=False)):
            yield from _schemas(*pair, (*path, f"{key}-{index}"))
