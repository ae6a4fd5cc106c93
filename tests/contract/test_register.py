"""The register's field tables are what the document says, and no field is without evidence."""

from __future__ import annotations

import importlib.util
import re

import pytest
import yaml

from support import ROOT

SPEC = importlib.util.spec_from_file_location("register", ROOT / "scripts" / "register.py")
assert SPEC and SPEC.loader
register = importlib.util.module_from_spec(SPEC)
SPEC.loader.exec_module(register)

DOCUMENT = yaml.safe_load(register.DOCUMENT.read_text(encoding="utf-8"))
SCHEMAS = DOCUMENT["components"]["schemas"]
TABLES = DOCUMENT["x-evidence"]["tables"]
TEXT = register.REGISTER.read_text(encoding="utf-8")


def test_the_tables_are_what_the_document_says() -> None:
    assert register.register(TEXT) == TEXT


def test_a_table_that_was_changed_by_hand_is_made_anew() -> None:
    changed = re.sub(r"\| at most \d+ characters \|", "| at most 5000 characters |", TEXT)
    assert changed != TEXT and register.register(changed) == TEXT


def test_a_table_without_a_place_or_a_place_without_a_table_is_refused() -> None:
    for text in (TEXT.replace("<!-- made: editVideo -->", ""), TEXT.replace("made: editVideo", "made: another")):
        with pytest.raises(SystemExit, match="has the tables"):
            register.register(text)


@pytest.mark.parametrize("table", TABLES, ids=lambda table: table["title"])
def test_each_row_names_properties_and_no_property_is_without_a_row(table: dict[str, object]) -> None:
    told: dict[str, set[str]] = {}
    for row in table["rows"]:  # type: ignore[attr-defined]
        owner = row.get("schema", table.get("schema"))
        told.setdefault(owner, set()).update(row.get("fields", []))
    for owner, fields in told.items():
        assert owner is None or fields == SCHEMAS[owner]["properties"].keys(), owner


def test_a_bound_that_is_changed_in_a_schema_is_changed_in_the_table() -> None:
    changed = yaml.safe_load(yaml.safe_dump(DOCUMENT))
    changed["components"]["schemas"]["GenerateVideoRequest"]["properties"]["prompt"]["maxLength"] = 17
    changed["components"]["schemas"]["GenerateVideoRequest"]["properties"]["prompt"]["type"] = ["string", "null"]
    assert "| `prompt` | string, nullable | at most 17 characters |" in register.table(changed, "generateVideo")


# What a range says besides: other sources' figures, and names and dates that look like one.
OWN_WORDS = re.compile(
    r"2\.\.15 s \(guide\)|such as `848x480`|since 2 Sep 2026|on 1\.5|\.mp4|mp4|H\.26[45]|AV1|base64|R2V|T2V|than 0"
)


def test_no_range_writes_a_figure_that_the_document_has() -> None:
    for table in TABLES:
        for row in table["rows"]:
            rest = OWN_WORDS.sub("", re.sub(r"\{[^}]*\}", "", row.get("range", "")))
            assert not re.search(r"\d", rest), (table["title"], row)


def test_the_note_on_money_is_what_the_prices_count_in() -> None:
    note = next(row["note"] for table in TABLES for row in table["rows"] if row.get("fields") == ["cost_in_usd_ticks"])
    assert note == f"10^{len(str(DOCUMENT['x-pricing']['ticks_per_usd'])) - 1} = 1 USD"


def test_a_value_or_rule_that_is_changed_is_changed_in_the_table() -> None:
    changed = yaml.safe_load(yaml.safe_dump(DOCUMENT))
    xmodes = changed["x-modes"]
    xmodes["modes"]["reference-to-video"]["limits"]["reference_images"]["earlier"]["max_items"] = 17
    xmodes["models"]["grok-imagine-video"]["modes"]["reference-to-video"]["limits"]["duration"]["maximum"] = 19
    changed["components"]["schemas"]["GenerateVideoRequest"]["properties"]["aspect_ratio"]["examples"].append("23:1")
    changed["components"]["schemas"]["KnownAspectRatio"]["x-since-values"]["23:1"] = "2026-11"
    made = register.table(changed, "generateVideo")
    for words in ("2 Sep 2026, 17 before", "R2V at most 19 on", "`21:9` `5:2` `23:1` |"):
        assert words in made and words not in register.table(DOCUMENT, "generateVideo")


def test_every_row_has_the_cells_of_its_heading() -> None:
    for table in TABLES:
        widths = {len(re.findall(r"(?<!\\)\|", line)) for line in register.table(DOCUMENT, table["title"]).splitlines()}
        assert len(widths) == 1, table["title"]
