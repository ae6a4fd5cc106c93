"""Each value of the rules is held by a vector: whoever changes it in the document sees one fail."""

from __future__ import annotations

import copy
import json
import re
from collections.abc import Iterator
from decimal import Decimal
from typing import Any

import pytest

from conformance.answers import AnswerRules
from conformance.driver import vectors
from conformance.rules import BodyRules
from conformance.vectors import expanded
from support import ROOT

DOCUMENT = json.loads((ROOT / "generated" / "grok_imagine_api" / "openapi.json").read_text(encoding="utf-8"))
BLOCKS = {
    "x-modes": ("check", "price"),
    "x-waiter": ("look", "wait", "download"),
    "x-errors": ("look", "post"),
    "x-pricing": ("price",),
}
"""The operations that read each block."""

Path = tuple[str | int, ...]

# For people, or for servers: no client's verdict depends on them.
WORDS = {"source", "note", "rule", "instead", "seen", "title", "version", "effect", "refusal", "since", "earlier",
         "charges_source", "currency", "case", "operation"}  # fmt: skip
OTHERS = {
    ("x-modes", "variants"), ("x-modes", "misnomers", "keywords"), ("x-errors", "codes"), ("x-errors", "texts"),
    ("x-pricing", "moderated"), ("x-pricing", "batch"), ("x-pricing", "ticks_per_usd"), ("x-waiter", "timeout"),
    ("x-pricing", "storage", "gib_download"), ("x-modes", "voices", "confidence"),
    ("x-pricing", "assume", "resolution"), ("x-pricing", "assume", "input_seconds"),
    ("x-pricing", "assume", "stored_seconds"),
}  # fmt: skip
"""Of servers, of callers' words, of the unit of amounts, of a caller's default; words of which the schema knows one."""
MODES = DOCUMENT["x-modes"]["modes"]
SELECTING = {field for name in DOCUMENT["x-modes"]["calls"]["generate"] for field in MODES[name]["selected_by"]}


def is_unseen(path: Path) -> bool:
    """Whether no verdict can tell a value."""
    match path:
        case (
            "x-modes",
            "modes",
            mode,
            "forbidden",
            field,
            "confidence",
        ):  # the field makes another mode, or a conflict
            return mode in DOCUMENT["x-modes"]["calls"]["generate"] and field in SELECTING
        case ("x-modes", "modes", _, "limits", "aspect_ratio", "default") | ("x-pricing", *_, "confidence"):
            return True
        case ("x-modes", "inputs", kind, "suffix_confidence"):
            return not DOCUMENT["x-modes"]["inputs"][kind]["suffixes"]
        case ("x-errors", "kinds" | "unlisted" as table, int(row), "kind" | "get" as name):
            rule = DOCUMENT["x-errors"][table][row]
            is_told = "never" in (rule["post"], rule["get"])
            return not is_told if name == "kind" else rule["kind"] == "moderated"  # which an acceptor takes first
    return False


def leaves(node: Any, path: Path) -> Iterator[tuple[Path, Any]]:
    if path in OTHERS or path[-1] in WORDS or is_unseen(path):
        return
    if node in ({}, []) and path[1] != "absent":
        return
    if isinstance(node, dict) and node:
        for key, value in node.items():
            yield from leaves(value, (*path, key))
    elif isinstance(node, list) and node:
        for index, value in enumerate(node):
            yield from leaves(value, (*path, index))
    else:
        yield path, node


OPPOSITES = {
    "H": "M", "M": "H", "L": "H", "again": "never", "never": "again", "unknown": "again", "present": "missing",
    "missing": "present", "duration": "input", "input": "duration",
}  # fmt: skip


def changed(value: Any, path: Path) -> Any:
    if path[-1] == "to":
        return value - 1
    if isinstance(value, bool):
        return not value
    if isinstance(value, int | float):
        return value + 1
    if isinstance(value, str):
        return OPPOSITES.get(value, f"{value}~")
    return {None: "~"}.get(value) if value is None else [*value, "~"] if isinstance(value, list) else {**value, "~": {}}


def with_change(path: Path, value: Any) -> dict[str, Any]:
    """The document with one value changed; all else is shared."""
    found: Any = copy.copy(DOCUMENT)
    top, node = found, found
    for key in path[:-1]:
        node[key] = copy.copy(node[key])
        node = node[key]
    node[path[-1]] = value
    return top


@pytest.fixture(scope="module")
def cases() -> list[tuple[str, Any, Any, set[str]]]:
    """Operation, input, output and words of each vector that the reader reads."""
    read = {name for names in BLOCKS.values() for name in names}
    found = [vector for vector in vectors("client") if vector["id"].partition("/")[0] in read]
    return [
        (v["id"].partition("/")[0], expanded(v["input"]), v["output"], set(re.findall(r"[\w.-]+", v["id"])))
        for v in found
    ]


@pytest.mark.parametrize("block", BLOCKS)
def test_whatever_is_changed_a_vector_fails(block: str, cases: list[tuple[str, Any, Any, set[str]]]) -> None:
    mine = [case for case in cases if case[0] in BLOCKS[block]]
    assert all(same(reader(DOCUMENT, case[0])(case[1]), case[2]) for case in mine)
    survivors, tried = [], 0
    for path, value in leaves(DOCUMENT[block], (block,)):
        tried += 1
        document = with_change(path, changed(value, path))
        words = {str(word) for word in (*path[-4:], value)}
        mine.sort(key=lambda case: -len(words & case[3]))
        readers = {name: reader(document, name) for name in BLOCKS[block]}
        if not any(fails(readers[operation], case, output) for operation, case, output, _ in mine):
            survivors.append(path)
    assert tried > 20
    assert not survivors, "\n".join(".".join(map(str, path)) for path in survivors)


def reader(document: dict[str, Any], operation: str) -> Any:
    return getattr((BodyRules if operation in ("check", "price") else AnswerRules)(document), operation)


def same(got: Any, wanted: Any) -> bool:
    if wanted.get("usd"):
        return got["usd"] is not None and Decimal(got["usd"]) == Decimal(wanted["usd"])
    return {k: v for k, v in got.items() if v is not None} == {k: v for k, v in wanted.items() if v is not None}


def fails(read: Any, case: Any, output: Any) -> bool:
    try:
        return not same(read(case), output)
    except (ArithmeticError, AttributeError, KeyError, StopIteration, TypeError, ValueError, re.error):
        return True
