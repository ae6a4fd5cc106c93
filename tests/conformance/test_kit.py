"""The vectors: their form, what they cover, and who agrees with them."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from conformance import driver
from conformance.driver import Adapter, agrees
from conformance.vectors import FOLDER, made, outcome, text_of
from support import ROOT

DOCUMENT = json.loads((ROOT / "generated" / "grok_imagine_api" / "openapi.json").read_text(encoding="utf-8"))
SCHEMA = json.loads((FOLDER / "vectors.schema.json").read_text(encoding="utf-8"))
FILES = sorted(FOLDER.glob("*/*.json"))
VECTORS = {path: json.loads(path.read_text(encoding="utf-8")) for path in FILES}
ALL = [vector for vectors in VECTORS.values() for vector in vectors]
READABLE = ("check", "price", "look", "post", "wait", "download")


def of(folder: str) -> list[dict[str, Any]]:
    return [vector for path, vectors in VECTORS.items() if path.parent.name == folder for vector in vectors]


@pytest.mark.parametrize("path", FILES, ids=[f"{path.parent.name}-{path.stem}" for path in FILES])
def test_a_file_obeys_its_schema(path: Path) -> None:
    jsonschema.validate(VECTORS[path], SCHEMA)
    assert {vector["id"].partition("/")[0] for vector in VECTORS[path]} == {path.stem}
    assert path.read_text(encoding="utf-8") == text_of(VECTORS[path])


def test_there_are_enough_and_they_are_small() -> None:
    ids = [vector["id"] for vector in ALL]
    assert len(ids) == len(set(ids)) and len(of("made")) >= 700 and len(of("written")) >= 80
    assert sum(path.stat().st_size for path in FILES) < 2**20


def test_each_names_a_heading_of_the_register() -> None:
    register = (ROOT / "openapi" / "register.md").read_text(encoding="utf-8")
    assert {vector["register"] for vector in ALL} <= set(re.findall(r"^#+ (.*)$", register, re.M))


def test_every_cassette_is_there() -> None:
    recorded = {re.sub(r"-\d+$", "", vector["id"].rpartition("/")[2]) for vector in of("recorded")}
    assert recorded == {path.stem for path in (ROOT / "tests" / "cassettes").glob("*/*.yaml")}


def test_the_made_ones_are_what_the_document_makes() -> None:
    for name, vectors in made(DOCUMENT).items():
        assert (FOLDER / name).read_text(encoding="utf-8") == text_of(vectors), name


def test_a_recordings_last_look_is_the_outcome_that_the_client_recorded() -> None:
    outcomes = json.loads((ROOT / "tests" / "cassettes" / "sandbox" / "outcomes.json").read_text(encoding="utf-8"))
    last = {
        v["id"].rpartition("/")[2].rpartition("-")[0]: v["output"]["outcome"]
        for v in of("recorded")
        if v["id"].startswith("look/")
    }
    ended = {name: outcome["outcome"] for name, outcome in outcomes.items() if "outcome" in outcome}
    assert len(ended) > 10 and {name: last[name] for name in ended} == ended


@pytest.mark.parametrize("vector", of("written"), ids=lambda vector: vector["id"])
def test_what_was_written_by_hand_is_what_the_rules_say(vector: dict[str, Any]) -> None:
    operation = vector["id"].partition("/")[0]
    if operation in READABLE:
        assert agrees(
            vector, json.loads(json.dumps(outcome(DOCUMENT, operation, vector["input"])), parse_float=driver.Decimal)
        )
    else:
        assert operation in ("encode", "decode", "serve")


@pytest.mark.parametrize("name", ["python", "sandbox"])
def test_our_own_agree_on_every_vector(name: str) -> None:
    adapter = Adapter(ROOT / "tests" / "polyglot" / name)
    passed, failures, _ = driver.judge(adapter, adapter.settings.get("role", "client"))
    assert not failures and passed and not adapter.flaws
