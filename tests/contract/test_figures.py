"""No figure of the document stands twice by hand: what is one fact is one YAML node, or its prose is held to it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import pytest
import yaml

from support import ROOT

TEXT = (ROOT / "openapi" / "grok-imagine.yaml").read_text(encoding="utf-8")
DOCUMENT = yaml.safe_load(TEXT)
MODES = DOCUMENT["x-modes"]["modes"]
BASE = DOCUMENT["x-modes"]["models"]["grok-imagine-video"]["modes"]
LIMITS = DOCUMENT["x-limits"]
BODIES = {"generateVideo": "GenerateVideoRequest", "editVideo": "EditVideoRequest", "extendVideo": "ExtendVideoRequest"}
KEYWORDS = {"minLength": "min_length", "maxLength": "max_length", "minItems": "min_items", "maxItems": "max_items"}
# Equal by chance: each is a fact of its own.
OWN_FACTS = {
    "x-limits/batch_adds/value",
    "x-limits/batch_lifetime/value",
    "x-limits/batch_url_lifetime/value",
    "x-limits/public_url_count/value",
    "x-limits/tiers/3/spend_usd",
}


def compose(text: str) -> yaml.Node:
    """The document before it is read: an alias is the node that it names."""
    node: yaml.Node = yaml.compose(text, Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader))
    return node


def nodes(node: yaml.Node, path: str = "") -> Iterator[tuple[str, yaml.Node]]:
    """Each node that an example does not hold, an alias at each of its places."""
    yield path, node
    if isinstance(node, yaml.MappingNode):
        for key, value in node.value:
            if key.value not in ("example", "examples", "value") or path.startswith("x-") or key.value == "examples":
                yield from nodes(value, f"{path}/{key.value}".lstrip("/"))
    elif isinstance(node, yaml.SequenceNode):
        for index, value in enumerate(node.value):
            yield from nodes(value, f"{path}/{index}")


EVERY = {
    path: node
    for path, node in nodes(compose(TEXT))
    if path.startswith(("components/schemas/", "components/parameters/", "x-modes/", "x-limits/"))
}
FIGURES = {path: node for path, node in EVERY.items() if node.tag.endswith((":int", ":float"))}


def keyword(path: str) -> tuple[str, str]:
    """The field and the bound that a place is about, in one spelling for schemas and blocks."""
    field, bound = path.split("/")[-2:]
    return field, KEYWORDS.get(bound, bound)


def test_a_bound_of_a_field_is_one_node_wherever_it_stands() -> None:
    owners: dict[tuple[str, str, str], yaml.Node] = {}
    for path, node in FIGURES.items():
        if re.search(r"/(properties|limits)/\w+/\w+$", path) and "extend-video/limits/duration/maximum" not in path:
            assert owners.setdefault((*keyword(path), node.value), node) is node, path
    assert len(owners) > 10


def test_no_large_figure_is_written_twice() -> None:
    first: dict[str, tuple[str, yaml.Node]] = {}
    for path, node in FIGURES.items():
        if float(node.value) > 20 and path not in OWN_FACTS:
            other, owner = first.setdefault(node.value, (path, node))
            assert owner is node, f"{other} and {path} are both {node.value}: one of them is an alias"
    assert FIGURES.keys() >= OWN_FACTS


def test_no_list_of_known_values_is_written_twice() -> None:
    # What 1.5 makes of references is another fact than what the base model makes, though equal.
    own = "x-modes/models/grok-imagine-video-1.5/modes/reference-to-video/limits/resolution/values"
    lists: dict[tuple[str, ...], yaml.Node] = {}
    for path, node in EVERY.items():
        if re.search(r"/(enum|values|examples)$", path) and len(node.value) > 1 and path != own:
            assert lists.setdefault(tuple(item.value for item in node.value), node) is node, path
    assert len(lists) > 5


@pytest.mark.parametrize("mode", MODES)
def test_the_limits_of_a_mode_are_the_nodes_of_its_schema(mode: str) -> None:
    body = f"components/schemas/{BODIES[MODES[mode]['operation']]}/properties"
    for field, limit in MODES[mode]["limits"].items():
        for ours, theirs in {"minimum": "minimum", "maximum": "maximum", **{v: k for k, v in KEYWORDS.items()}}.items():
            schema = EVERY.get(f"{body}/{field}/{theirs}")
            if schema is not None and ours in limit:
                assert EVERY[f"x-modes/modes/{mode}/limits/{field}/{ours}"] is schema


@pytest.mark.parametrize("anchor", re.findall(r"&(\w+) \d[\d.]*(?=[,}\s])", TEXT))
def test_a_figure_that_is_changed_in_one_place_is_changed_in_all(anchor: str) -> None:
    edited, count = re.subn(rf"&{anchor} \d[\d.]*", f"&{anchor} 987654321", TEXT)
    after = {path: node.value for path, node in nodes(compose(edited)) if node.tag.endswith(":int")}
    changed = {path for path, value in after.items() if value == "987654321"}
    before = next(FIGURES[path] for path in changed if path in FIGURES)
    assert count == 1 and len(changed) > 1
    assert changed == {path for path, node in nodes(compose(TEXT)) if node.start_mark.index == before.start_mark.index}


def test_a_generation_in_a_batch_is_written_once() -> None:
    for field in DOCUMENT["components"]["schemas"]["GenerateVideoRequest"]["properties"]:
        place = "components/schemas/{}/properties/" + field
        assert EVERY[place.format("BatchVideoGeneration")] is EVERY[place.format("GenerateVideoRequest")]


def figure(name: str) -> float:
    """The value of one of x-limits."""
    return float(LIMITS[name]["value"])


SCHEMAS = "components/schemas"
EXTENSION, GENERATION = MODES["extend-video"]["limits"]["duration"], MODES["text-to-video"]["limits"]
SUPPORTED = BASE["extend-video"]["limits"]["duration"]
# Sentences that repeat a figure for people, as the data makes them.
PROSE = {
    "paths//videos/edits/post/description": f"(at most {figure('edit_input')} s)",
    "paths//files/post/description": f"at most {figure('file_size') / 2**20:g} MB",
    "paths//files/{file_id}/public-url/post/description": f"at most {figure('file_size') / 2**20:g} MiB",
    f"{SCHEMAS}/StorageOptions/properties/public_url/description": (
        f"({figure('storage_expiry_minimum'):.0f} to {figure('storage_expiry_maximum'):.0f})"
    ),
    f"{SCHEMAS}/ReferenceAudio/properties/url/description": f"at most {figure('reference_audio'):g} s",
    f"{SCHEMAS}/GenerateVideoRequest/properties/duration/description": (
        f"Seconds; {GENERATION['duration']['default']} when left out. Reference-to-video with `grok-imagine-video` takes "
        f"{BASE['reference-to-video']['limits']['duration']['maximum']} at most."
    ),
    f"{SCHEMAS}/GenerateVideoRequest/properties/aspect_ratio/description": (
        f"`{GENERATION['aspect_ratio']['default']}` when left out"
    ),
    f"{SCHEMAS}/GenerateVideoRequest/properties/resolution/description": (
        f"`{GENERATION['resolution']['default']}` when left out"
    ),
    f"{SCHEMAS}/ExtendVideoRequest/properties/duration/description": (
        f"{EXTENSION['default']} when left out. {SUPPORTED['minimum']} to {SUPPORTED['maximum']} are supported; "
        f"outside {EXTENSION['minimum']} to {EXTENSION['maximum']} is a 400."
    ),
    f"{SCHEMAS}/MediaUsage/properties/cost_in_usd_ticks/description": (
        f"1/{DOCUMENT['x-pricing']['ticks_per_usd']:,} USD"
    ),
    f"{SCHEMAS}/AddBatchRequestsRequest/description": f"at most {figure('batch_add_size') / 1e6:g} MB",
    "components/parameters/Limit/description": LIMITS["page_size"]["note"].split("; ")[1],
}
# What else looks like a figure: it stands in no data.
NO_FACTS = {
    "paths//videos/extensions/post/description",  # 720p
    "paths//videos/{request_id}/get/parameters/0/description",  # RFC 4122
    "paths//batches/post/description",  # counters that are 0
    f"{SCHEMAS}/Keyframe/properties/timestamp_s/description",  # more than 0
    f"{SCHEMAS}/VideoResponse/properties/progress/description",  # per cent
}


def prose(node: Any, path: str = "") -> Iterator[tuple[str, str]]:
    """Each description that people read."""
    for key, value in node.items() if isinstance(node, dict) else enumerate(node) if isinstance(node, list) else ():
        if key == "description" and isinstance(value, str):
            yield f"{path}/{key}".lstrip("/"), " ".join(value.split())
        elif key not in ("example", "examples", "value"):
            yield from prose(value, f"{path}/{key}")


DESCRIPTIONS = dict(prose({key: DOCUMENT[key] for key in ("paths", "components")}))


@pytest.mark.parametrize("path", PROSE)
def test_a_sentence_repeats_the_figure_of_the_data(path: str) -> None:
    assert PROSE[path] in DESCRIPTIONS[path]


def test_every_figure_in_a_sentence_is_held_to_the_data() -> None:
    # Statuses, versions, years and names are no figures, nor is what stands as code.
    names = r"`[^`]*`|\b[2-5]\d\d\b|\b1\.5\b|\bH\.26\d|\b20\d\d\b|\w*[A-Za-z]\d+\w*|base64"
    copies = f"{SCHEMAS}/BatchVideoGeneration/"
    with_figures = {
        path for path, text in DESCRIPTIONS.items() if re.search(r"\d", re.sub(names, "", text)) and copies not in path
    }
    assert with_figures <= {*PROSE, *NO_FACTS}
