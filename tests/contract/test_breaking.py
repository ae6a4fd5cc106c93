"""The gate of the contract: what an edit breaks, and which versions and which entry it asks for."""

from __future__ import annotations

import copy
import importlib
import json
import os
import sys
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from support import ROOT

sys.path.append(str(ROOT / "scripts"))
gate = importlib.import_module("check_breaking")
rules = importlib.import_module("check_breaking_rules")

# Without what aliases share, so that an edit is one.
NOW = replace(gate.here(), document=json.loads(json.dumps(gate.here().document)))
MAKEFILE = (ROOT / "Makefile").read_text(encoding="utf-8")
OASDIFF = ROOT / ".tools" / "oasdiff-1.28.0"
Edit = Callable[[Any], Any]


def schemas(document: Any) -> Any:
    return document["components"]["schemas"]


def field(schema: str, name: str) -> Callable[[Any], Any]:
    return lambda document: schemas(document)[schema]["properties"][name]


def part(*path: str | int) -> Callable[[Any], Any]:
    def at(document: Any) -> Any:
        for key in path:
            document = document[key]
        return document

    return at


def put(at: Callable[[Any], Any], **values: Any) -> Edit:
    return lambda document: at(document).update(values)


def drop(at: Callable[[Any], Any], key: Any) -> Edit:
    return lambda document: at(document).pop(key)


def remove(at: Callable[[Any], Any], item: Any) -> Edit:
    return lambda document: at(document).remove(item)


def add(at: Callable[[Any], Any], item: Any) -> Edit:
    return lambda document: at(document).append(item)


def a_new_field(document: Any) -> None:
    """An optional field of one mode, forbidden in the others, as a field comes."""
    modes = document["x-modes"]
    schemas(document)["GenerateVideoRequest"]["properties"]["seed"] = {"type": ["integer", "null"]}
    if "fields" in modes:
        modes["fields"]["seed"] = {"type": ["integer"]}
    for name, mode in modes["modes"].items():
        if name == "text-to-video":
            mode["allowed"].append("seed")
        else:
            mode["forbidden"]["seed"] = {
                "rule": "no",
                "instead": "leave it out",
                "effect": "ignored",
                "confidence": "H",
            }


def renamed(document: Any) -> None:
    text = json.dumps(document).replace('"BatchState"', '"Counters"').replace("/BatchState", "/Counters")
    document.update(json.loads(text))


def a_new_mode(document: Any) -> None:
    modes = document["x-modes"]
    modes["modes"]["loop-video"] = {**copy.deepcopy(modes["modes"]["extend-video"]), "title": "Loop"}
    for model in modes["models"].values():
        model["lacks"]["loop-video"] = {"confidence": "H", "source": "x"}
    document["x-pricing"]["charges"]["loop-video"] = ["output_second"]


def a_new_model(document: Any) -> None:
    models, prices = document["x-modes"]["models"], document["x-pricing"]["models"]
    models["grok-imagine-video-2"] = copy.deepcopy(models["grok-imagine-video"])
    prices["grok-imagine-video-2"] = copy.deepcopy(prices["grok-imagine-video"])
    schemas(document)["KnownVideoModel"]["enum"].append("grok-imagine-video-2")


TEXT, REFERENCE, EDIT = (
    part("x-modes", "modes", name) for name in ("text-to-video", "reference-to-video", "edit-video")
)
BASE, NEWER = (part("x-modes", "models", name) for name in ("grok-imagine-video", "grok-imagine-video-1.5"))
DURATION = part("x-modes", "modes", "text-to-video", "limits", "duration")
MODES, WAITER, ERRORS, LIMITS, PRICES = (
    part(f"x-{name}") for name in ("modes", "waiter", "errors", "limits", "pricing")
)
POST = part("paths", "/videos/edits", "post")
NEW_WORD = {
    "outcome": "failed",
    "when": {"http_status": {"equals": 200}, "status": {"equals": "cancelled"}},
    "source": "x",
}
NEW_END = {
    "outcome": "cancelled",
    "when": {"http_status": {"equals": 200}, "status": {"equals": "cancelled"}},
    "source": "x",
}
OLD_WORD = {"outcome": "done", "when": {"http_status": {"equals": 200}, "status": {"equals": "failed"}}, "source": "x"}


def inside(at: Callable[[Any], Any], *path: str | int) -> Callable[[Any], Any]:
    return lambda document: part(*path)(at(document))


def kind(name: str) -> Callable[[Any], Any]:
    return lambda document: next(row for row in document["x-errors"]["kinds"] if row["kind"] == name)


# What the scripts judge by themselves: name, edit, whether it breaks.
EDITS: dict[str, tuple[Edit, bool]] = {
    "a known status goes": (remove(inside(schemas, "KnownVideoStatus", "enum"), "expired"), True),
    "a known status comes": (add(inside(schemas, "KnownVideoStatus", "enum"), "cancelled"), False),
    "the name of a known value changes": (lambda d: schemas(d)["KnownResolution"]["x-enum-varnames"].__setitem__(0, "SD"), True),
    "an operationId changes": (put(POST, operationId="startEdit"), True),
    "an operation moves to another tag": (put(POST, tags=["edits"]), True),
    "a schema changes its name": (renamed, True),
    "a schema comes": (lambda d: schemas(d).update(Another={"type": "object"}), False),
    "a schema closes": (put(inside(schemas, "VideoResponse"), additionalProperties=False), True),
    "fewer items are taken": (put(field("GenerateVideoRequest", "reference_images"), maxItems=7), True),
    "more items are taken": (put(field("GenerateVideoRequest", "reference_images"), maxItems=20), False),
    "the first server changes": (lambda d: d["servers"][0].update(url="https://api.example.com/v2"), True),
    "a word changes": (put(part("info"), description="In other words."), False),
    "a field's month changes": (lambda d: schemas(d)["Keyframe"].update({"x-since": "2026-08"}), False),
    "a field comes, for one mode": (a_new_field, False),
    "a mode comes": (a_new_mode, False),
    "a model comes": (a_new_model, False),
    "a mode goes": (drop(inside(MODES, "modes"), "edit-video"), True),
    "a call serves a mode no more": (remove(inside(MODES, "calls", "generate"), "edit-video"), True),
    "a call serves its modes in another order": (lambda d: d["x-modes"]["calls"]["generate"].reverse(), True),
    "another mode is selected": (add(inside(TEXT, "selected_by"), "user"), True),
    "a mode asks for a field": (add(inside(TEXT, "required"), "duration"), True),
    "a mode asks for a field no more": (remove(inside(EDIT, "required"), "prompt"), False),
    "a mode forbids a field": (lambda d: TEXT(d)["forbidden"].update(user=copy.deepcopy(TEXT(d)["forbidden"]["image"])), True),
    "a mode forbids a field no more": (drop(inside(EDIT, "forbidden"), "duration"), False),
    "a rule is certain": (put(inside(BASE, "modes", "reference-to-video", "forbidden", "keyframes"), confidence="H"), True),
    "a rule is certain no more": (put(inside(EDIT, "forbidden", "duration"), confidence="M"), False),
    "a rule is told otherwise": (put(inside(EDIT, "forbidden", "duration"), rule="no", instead="nothing"), False),
    "a range is narrower": (put(DURATION, maximum=12), True),
    "a range is wider": (put(DURATION, maximum=20), False),
    "a range begins later": (put(DURATION, minimum=2), True),
    "a range begins earlier": (put(DURATION, minimum=0), False),
    "a limit comes": (lambda d: TEXT(d)["limits"].update(user={"max_length": 9, "confidence": "H", "source": "x"}), True),
    "a limit goes": (drop(inside(TEXT, "limits"), "duration"), False),
    "a value is taken no more": (remove(inside(TEXT, "limits", "resolution", "values"), "1080p"), True),
    "a value is taken": (add(inside(TEXT, "limits", "resolution", "values"), "4k"), False),
    "a default changes": (put(DURATION, default=5), True),
    "a limit is certain for a model": (lambda d: DURATION(d)["uncertain_for"].pop(), True),
    "a limit is uncertain for a model": (lambda d: DURATION(d)["uncertain_for"].append("grok-imagine-video"), False),
    "a field is needed unless another is there": (drop(inside(REFERENCE, "required_unless"), "prompt"), False),
    "what makes a field needless is less": (remove(inside(REFERENCE, "required_unless", "prompt", "fields"), "image"), True),
    "a model goes": (drop(inside(MODES, "models"), "grok-imagine-video-1.5-lite"), True),
    "an alias goes": (lambda d: BASE(d)["aliases"].clear(), True),
    "an alias comes": (add(inside(BASE, "aliases"), "grok-video-1"), False),
    "a model lacks a mode": (lambda d: NEWER(d)["lacks"].update({"text-to-video": {"confidence": "H", "source": "x"}}), True),
    "a model gets a mode": (drop(inside(NEWER, "lacks"), "edit-video"), False),
    "another model is taken when none is named": (put(MODES, default_model="grok-imagine-video-1.5"), True),
    "a media type is taken no more": (remove(inside(MODES, "inputs", "image", "media_types"), "image/webp"), True),
    "a media type is taken": (add(inside(MODES, "inputs", "image", "media_types"), "image/avif"), False),
    "media types are asked for": (add(inside(MODES, "inputs", "audio", "media_types"), "audio/mpeg"), True),
    "suffixes are asked for no more": (lambda d: d["x-modes"]["inputs"]["video"]["suffixes"].clear(), False),
    "a voice goes": (remove(inside(MODES, "voices", "presets"), "leo"), True),
    "a voice comes": (add(inside(MODES, "voices", "presets"), "nova"), False),
    "a wrong name is explained": (lambda d: d["x-modes"]["misnomers"]["body"].update(fps={"instead": "none", "seen": "S3"}), False),
    "an acceptor goes": (lambda d: d["x-waiter"]["acceptors"].pop(1), True),
    "acceptors change places": (lambda d: d["x-waiter"]["acceptors"].insert(0, d["x-waiter"]["acceptors"].pop(2)), True),
    "a new word of status has an outcome that there is": (lambda d: d["x-waiter"]["acceptors"].insert(1, NEW_WORD), False),
    "a new word of status has a new outcome": (lambda d: d["x-waiter"]["acceptors"].insert(1, NEW_END), True),
    "a known word of status has another outcome": (lambda d: d["x-waiter"]["acceptors"].insert(1, OLD_WORD), True),
    "an acceptor is explained": (lambda d: d["x-waiter"]["acceptors"][2].update(note="In other words."), False),
    "jobs are given up earlier": (put(WAITER, timeout=300), True),
    "jobs are given up later": (put(WAITER, timeout=900), False),
    "polls are fewer": (lambda d: d["x-waiter"]["schedule"][2].update(every=6), False),
    "a POST is sent again": (put(kind("bad_request"), post="again"), True),
    "a failure is repeated no more": (put(kind("rate_limit"), post="never", get="never"), True),
    "a kind of failure comes": (add(inside(ERRORS, "kinds"), {"kind": "odd", "http_status": 418, "post": "never", "get": "never"}), True),
    "a kind is told by fewer texts": (lambda d: kind("out_of_credit")(d)["text"].pop(), True),
    "a kind is told by one more text": (lambda d: kind("out_of_credit")(d)["text"].append("no money left"), False),
    "a literal text is gone": (drop(inside(ERRORS, "texts"), "no_edit"), True),
    "a literal text is another": (put(inside(ERRORS, "texts", "no_edit"), text="This model does not edit."), False),
    "fewer requests a minute": (put(inside(LIMITS, "requests_per_minute"), value=30), True),
    "more requests a minute": (put(inside(LIMITS, "requests_per_minute"), value=90), False),
    "files are kept for no shorter time than before": (put(inside(LIMITS, "storage_expiry_minimum"), value=7200), True),
    "a figure goes": (drop(LIMITS, "page_size"), True),
    "a figure comes": (put(LIMITS, batch_names={"value": 9, "unit": "names", "confidence": "L", "source": "x"}), False),
    "a price rises": (put(inside(PRICES, "models", "grok-imagine-video", "output_second"), **{"480p": 0.06}), True),
    "a price falls": (put(inside(PRICES, "models", "grok-imagine-video", "output_second"), **{"480p": 0.04}), False),
    "a price is known": (put(inside(PRICES, "models", "grok-imagine-video-1.5"), input_second=0.01), True),
    "a resolution has a price": (put(inside(PRICES, "models", "grok-imagine-video", "output_second"), **{"1080p": 0.2}), False),
    "a mode is charged for more": (add(inside(PRICES, "charges", "text-to-video"), "input_image"), True),
    "storage is dearer": (put(inside(PRICES, "storage"), gib_day=0.05), True),
    "a host makes no videos": (lambda d: d["x-regions"]["hosts"].update({"eu.api.x.ai": copy.deepcopy(d["x-regions"]["hosts"]["us.api.x.ai"])}), True),
    "a host makes videos": (lambda d: d["x-regions"]["hosts"]["us.api.x.ai"].update(video=True), False),
    "another era is the service's": (lambda d: d["x-eras"].update(default="spring"), True),
    "a block comes": (lambda d: d.update({"x-quotas": {"version": "1.0.0"}}), False),
    "a block goes": (lambda d: d.pop("x-regions"), True),
    "a rule that no row knows comes": (put(MODES, tie_break="first"), True),
}  # fmt: skip
# What oasdiff judges.
SCHEMA_EDITS: dict[str, tuple[Edit, bool]] = {
    "a request gets an optional field": (lambda d: schemas(d)["EditVideoRequest"]["properties"].update(seed={"type": ["integer", "null"]}), False),
    "a request loses a field": (lambda d: schemas(d)["EditVideoRequest"]["properties"].pop("user"), True),
    "a request asks for a field": (lambda d: schemas(d)["EditVideoRequest"]["required"].append("user"), True),
    "a text is shorter": (put(field("EditVideoRequest", "prompt"), maxLength=100), True),
    "a field is null no more": (put(field("EditVideoRequest", "user"), type="string"), True),
    "an answer loses a field": (lambda d: schemas(d)["VideoResponse"]["properties"].pop("progress"), True),
    "an answer gets a field": (lambda d: schemas(d)["VideoResponse"]["properties"].update(eta={"type": ["number", "null"]}), False),
    "money has 32 bits": (put(field("MediaUsage", "cost_in_usd_ticks"), format="int32"), True),
    "a number may have a fraction": (put(field("VideoResponse", "progress"), type=["number", "null"]), True),
    "an answer may lack its id": (put(inside(schemas, "StartDeferredResponse"), required=[]), True),
    "a path goes": (lambda d: d["paths"].pop("/files"), True),
    "a path comes": (lambda d: d["paths"].update({"/voices": {"get": {"tags": ["videos"], "operationId": "listVoices", "responses": {"200": {"description": "x"}}}}}), False),
    "a status is told of": (lambda d: POST(d)["responses"].update({"418": {"description": "x"}}), False),
}  # fmt: skip


def edited(edit: Edit) -> Any:
    document = copy.deepcopy(NOW.document)
    edit(document)
    assert document != NOW.document
    return replace(NOW, document=document)


def is_breaking(found: list[Any]) -> bool:
    return any(each.breaking for each in found)


@pytest.mark.parametrize(("edit", "breaks"), EDITS.values(), ids=EDITS)
def test_an_edit_breaks_or_not(edit: Edit, breaks: bool) -> None:
    found = gate.findings(NOW, edited(edit))
    assert is_breaking(found) == breaks, [str(each) for each in found]


@pytest.fixture(scope="module")
def oasdiff() -> Path:
    if not OASDIFF.exists():
        message = "`make check-breaking` installs oasdiff, and needs Go for it"
        (pytest.fail if os.environ.get("CI") or os.environ.get("STRICT") else pytest.skip)(message)
    return OASDIFF


@pytest.mark.parametrize(("edit", "breaks"), SCHEMA_EDITS.values(), ids=SCHEMA_EDITS)
def test_an_edit_of_a_schema_breaks_or_not(edit: Edit, breaks: bool, oasdiff: Path) -> None:
    found = gate.findings(NOW, edited(edit), oasdiff)
    assert is_breaking(found) == breaks, [str(each) for each in found]


@pytest.mark.parametrize(
    "name",
    [
        "a known status goes",
        "an operationId changes",
        "a schema changes its name",
        "fewer items are taken",
        "an acceptor goes",
        "a price rises",
    ],
)
def test_oasdiff_alone_lets_pass_what_the_scripts_find(name: str, oasdiff: Path) -> None:
    assert EDITS[name][1] and not is_breaking(gate.schema_edits(NOW, edited(EDITS[name][0]), oasdiff))


def test_the_document_against_itself_breaks_nothing(oasdiff: Path) -> None:
    assert gate.findings(NOW, NOW, oasdiff) == [] == gate.demanded(NOW, NOW, [])


def leaves(node: Any, path: tuple[Any, ...]) -> Iterator[tuple[Any, ...]]:
    if isinstance(node, dict | list) and node:
        for key, item in node.items() if isinstance(node, dict) else enumerate(node):
            yield from leaves(item, (*path, key))
    else:
        yield path


LEAVES = [path for name, block in NOW.document.items() if name.startswith("x-") for path in leaves(block, (name,))]


@given(st.sampled_from(LEAVES), st.sampled_from(["another", 7, None, [], True]))
def test_no_edit_of_a_block_goes_unseen_or_without_a_version(path: tuple[Any, ...], value: Any) -> None:
    document = copy.deepcopy(NOW.document)
    holder = part(*path[:-1])(document)
    if path[-1] == "version" or holder[path[-1]] == value:
        return
    holder[path[-1]] = value
    after = replace(NOW, document=document)
    found = gate.findings(NOW, after)
    assert found and {each.subject for each in found} == {path[0]}
    wrong = " ".join(gate.demanded(NOW, after, found))
    assert "the document's version" in wrong and f"the version of {path[0]}" in wrong


def higher(version: str, number: int) -> str:
    numbers = [*gate.numbers(version)[: number + 1]]
    numbers[number] += 1
    return ".".join(map(str, [*numbers, 0, 0][:3]))


def mended(before: Any, after: Any, found: list[Any], spare: int = 0) -> Any:
    """The edition with the versions and the entry that its edits ask for; `spare`: that many numbers too low."""
    document = copy.deepcopy(after.document)
    breaks = is_breaking(found)
    document["info"]["version"] = higher(before.version, min(2, (1 if breaks else 2) + spare))
    lines = []
    for name in gate.blocks(after):
        if name in before.document and gate._changed(name, before, after):
            mine = is_breaking([each for each in found if each.subject == name])
            document[name]["version"] = higher(before.document[name]["version"], min(2, (1 if mine else 2) + spare))
        if document[name] != before.document.get(name):
            lines.append(f"- `{name}` {document[name]['version']}")
    subjects = [f"- `{each.subject}`" for each in found if each.breaking]
    entry = "\n".join([f"## {document['info']['version']}", "", "### Breaking", *subjects, "", "### Other", *lines])
    return replace(
        after, document=document, changelog=f"# Changelog\n\n{entry}\n\n{before.changelog.partition('## ')[2]}"
    )


@pytest.mark.parametrize(("edit", "breaks"), EDITS.values(), ids=EDITS)
def test_an_edit_asks_for_versions_and_an_entry_and_no_more(edit: Edit, breaks: bool) -> None:
    after = edited(edit)
    found = gate.findings(NOW, after)
    assert gate.demanded(NOW, after, found)
    good = mended(NOW, after, found)
    assert gate.demanded(NOW, good, found) == []
    assert gate.demanded(NOW, replace(good, changelog=NOW.changelog), found)
    if breaks:
        assert gate.demanded(NOW, mended(NOW, after, found, spare=1), found)
        assert gate.demanded(NOW, replace(good, changelog=good.changelog.replace("### Breaking", "### Also")), found)


def test_a_shape_that_changes_raises_the_first_number_and_a_name_or_prose_does_not() -> None:
    def with_schema(edit: Edit) -> list[str]:
        after = replace(NOW, schemas=copy.deepcopy(NOW.schemas))
        edit(after.schemas["x-modes"])
        return [text for text in gate.demanded(NOW, after, []) if text.startswith("the version of x-modes")]

    assert "raises its first number" in with_schema(lambda schema: schema["properties"].update(another={}))[0]
    assert "raises its third number" in with_schema(lambda schema: schema.update(description="In other words."))[0]
    assert "raises its third number" in with_schema(lambda schema: schema["$defs"]["field"].update(pattern="^x$"))[0]


def paths(node: Any, path: tuple[str, ...] = ()) -> Iterator[tuple[str, ...]]:
    yield path
    if isinstance(node, dict):
        for key, item in node.items():
            yield from paths(item, (*path, str(key)))


def test_each_row_of_the_table_judges_something() -> None:
    every = [path for name, block in NOW.document.items() if name.startswith("x-") for path in paths(block, (name,))]
    every += [("components", *path) for path in paths({"schemas": NOW.document["components"]["schemas"]}) if path]
    idle = [" ".join(pattern) for pattern, _ in rules.RULES if not any(rules.fits(pattern, path) for path in every)]
    assert idle == []
