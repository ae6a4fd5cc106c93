"""Write the field tables of openapi/register.md anew from the document's schemas and x-evidence: register.py [--check].

A table stands between `<!-- made: TITLE -->` and `<!-- end -->`; all else in the register is written by hand.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import yaml

ROOT = Path(__file__).resolve().parents[1]
DOCUMENT = ROOT / "openapi" / "grok-imagine.yaml"
REGISTER = ROOT / "openapi" / "register.md"
MADE = re.compile(r"(?<=<!-- made: )(?P<title>[^>]+?) -->\n.*?\n?(?=<!-- end -->)", re.DOTALL)


def type_of(schema: Mapping[str, Any]) -> str:
    """A schema's type in words."""
    if "$ref" in schema:
        return str(schema["$ref"]).rsplit("/", 1)[1]
    if "anyOf" in schema:
        inner = [type_of(option) for option in schema["anyOf"] if option.get("type") != "null"]
        return f"{' or '.join(inner)}, nullable"
    kinds = schema.get("type", "any")
    kinds = kinds if isinstance(kinds, list) else [kinds]
    words = str(next(kind for kind in kinds if kind != "null"))
    if words == "array":
        words = f"array of {type_of(schema['items'])}"
    elif schema.get("format") == "int64":
        words = "int64"
    return words + (", nullable" if "null" in kinds else "")


def known_values(document: Mapping[str, Any], values: Sequence[str]) -> dict[str, str]:
    """The values of an open enumeration in words: all that are known, the first ones, and those that came later."""
    schemas = document["components"]["schemas"].values()
    since: Mapping[str, str] = next(
        (each.get("x-since-values", {}) for each in schemas if each.get("enum") == values), {}
    )
    chosen = {
        "known": values,
        "first": [v for v in values if v not in since],
        "later": [v for v in values if v in since],
    }
    return {name: " ".join(f"`{value}`" for value in each) for name, each in chosen.items()}


def figures(document: Mapping[str, Any], owner: str, field: str) -> dict[str, Any]:
    """What a range may name: the bounds of the schema, what the modes say besides, and the figures of the service."""
    xmodes = document["x-modes"]
    found = dict(document["components"]["schemas"][owner]["properties"][field]) if field else {}
    found |= known_values(document, found.get("examples", ()))
    for name, mode in xmodes["modes"].items():
        if mode["operation"].replace("Video", "VideoRequest").lower() == owner.lower() and field in mode["limits"]:
            for key in ("default", "earlier"):
                if key in mode["limits"][field]:
                    found.setdefault(key, mode["limits"][field][key])
            narrow = xmodes["models"][xmodes["default_model"]]["modes"][name]["limits"].get(field, {})
            found |= {f"default_model_{bound}": value for bound, value in narrow.items()}
    limits = {name: limit["value"] for name, limit in document["x-limits"].items() if "value" in limit}
    return {**found, "limits": limits, "presets": len(xmodes["voices"]["presets"])}


def usual_range(schema: Mapping[str, Any]) -> str:
    """The bounds that a schema states, as a range that needs no words of its own."""
    if "minimum" in schema and "maximum" in schema:
        return "{minimum}..{maximum}"
    if "maxLength" in schema:
        return "at most {maxLength} characters"
    return "at most {maxItems}" if "maxItems" in schema else "-"


def row(document: Mapping[str, Any], table: Mapping[str, Any], entry: Mapping[str, Any]) -> list[str]:
    """The cells of one row. An entry without fields is of something that the document has no property for."""
    fields = entry.get("fields", [])
    owner = entry.get("schema", table.get("schema", ""))
    title = entry.get("title") or ", ".join(f"`{field}`" for field in fields)
    kind, bounds = entry.get("told", "-"), entry.get("range", "-")
    if fields:
        schema = document["components"]["schemas"][owner]
        kinds = {type_of(schema["properties"][field]) for field in fields}
        kind = " / ".join(sorted(kinds)) + (", **required**" if fields[0] in schema.get("required", ()) else "")
        kind += f"; told: {entry['told']}" if "told" in entry else ""
        bounds = entry.get("range") or usual_range(schema["properties"][fields[0]])
    bounds = bounds.format_map(figures(document, owner, fields[0] if fields else ""))
    told = [entry[key] for key in ("since", "source", "confidence", "last_seen")]
    return [title, kind, *([bounds] if table["ranges"] else []), *told, entry.get("note", "")]


def table(document: Mapping[str, Any], title: str) -> str:
    """The table of that title."""
    found = next(each for each in document["x-evidence"]["tables"] if each["title"] == title)
    columns = ["Field", "Type", *(["Range, default"] if found["ranges"] else [])]
    columns += ["Since", "Sources", "Conf", "Last seen", "Note"]
    rows = [columns, ["---"] * len(columns), *(row(document, found, entry) for entry in found["rows"])]
    return "\n".join(f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in each)} |" for each in rows) + "\n"


def register(text: str) -> str:
    """The register with its tables made anew."""
    document = yaml.safe_load(DOCUMENT.read_text(encoding="utf-8"))
    titles = [each["title"] for each in document["x-evidence"]["tables"]]
    if (places := [match["title"] for match in MADE.finditer(text)]) != titles:
        raise SystemExit(f"openapi/register.md: has the tables {places}; x-evidence has {titles}")
    return MADE.sub(lambda match: f"{match['title']} -->\n{table(document, match['title'])}", text)


def main() -> int:
    """Write, or check."""
    text = REGISTER.read_text(encoding="utf-8")
    made = register(text)
    if "--check" in sys.argv[1:]:
        print("openapi/register.md is up to date" if made == text else "openapi/register.md differs: run make docs")
        return int(made != text)
    REGISTER.write_text(made, encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
