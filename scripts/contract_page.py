"""Write docs/contract.md anew from the contract: modes, limits, prices, errors, and how sure each of it is."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

import yaml

ROOT = Path(__file__).resolve().parents[1]
DOCUMENT = ROOT / "openapi" / "grok-imagine.yaml"
PAGE = ROOT / "docs" / "contract.md"

HEAD = """# The contract

Made by `make docs` from [the document](../openapi/grok-imagine.yaml), version {version}. The sources are in
[the register](../openapi/register.md). This project has verified none of it live.

Each rule has a confidence: **H** is recorded, probed, or from two official sources; **M** is from one official source or
several clients; **L** is from one other source, or inferred. In strict mode the client refuses a request that violates an H
rule. If it violates another rule, the client sends it with a `ContractWarning`. `strict=False` sends any request, without a warning.
"""


def table(columns: Iterable[str], rows: Iterable[Iterable[object]]) -> str:
    """A table in Markdown."""
    lines: list[list[str]] = [list(columns)]
    lines += [["---"] * len(lines[0])]
    lines += [[_cell(cell) for cell in row] for row in rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines) + "\n"


class Raw(str):
    """Markdown or HTML that a table takes as it is."""

    __slots__ = ()


def _cell(value: object) -> str:
    text = "" if value is None else f"{value:,g}" if isinstance(value, float) else str(value)
    text = text.replace("|", "\\|").replace("\n", " ").strip()
    return text if isinstance(value, Raw) else plain(text)


def plain(text: str) -> str:
    """Text whose angle brackets are no HTML; those in code are none anyway."""
    parts = re.split(r"(``.+?``|`[^`]*`)", text)
    return "".join(part if part.startswith("`") else part.replace("<", "&lt;") for part in parts)


def names(fields: Iterable[str]) -> str:
    """Names of fields and models, as code."""
    return ", ".join(f"`{field}`" for field in fields) or "-"


def limit(rule: Mapping[str, Any] | None, model: str) -> str:
    """A limit in words, with its confidence for a model."""
    if rule is None:
        return "-"
    if "values" in rule:
        words = ", ".join(rule["values"])
    elif "maximum" in rule:
        words = f"{rule['minimum']} to {rule['maximum']} s"
    elif "max_seconds" in rule:
        words = f"{rule.get('min_seconds', 0):g} to {rule['max_seconds']:g} s"
    elif "max_length" in rule:
        words = f"{rule.get('min_length', 0)} to {rule['max_length']} characters"
    else:
        words = f"at most {rule['max_items']}"
    confidence = "M" if model in rule.get("uncertain_for", ()) else rule["confidence"]
    confidence += f" with {names(rule['certain_with'])}, else M" if "certain_with" in rule else ""
    default = f"; {rule['default']} when left out" if "default" in rule else ""
    return f"{words}{default} ({confidence})"


def held(data: Mapping[str, Any], model: str, mode: str, field: str) -> str:
    """The limit of a field that holds for a model: its own, or the mode's."""
    own, wide = data["models"][model]["modes"][mode]["limits"].get(field), data["modes"][mode]["limits"].get(field)
    default = {"default": wide["default"]} if own and wide and "default" in wide else {}
    return limit({**own, **default} if own else wide, model)


def modes(data: Mapping[str, Any]) -> Iterator[str]:
    """Which fields make which mode, and which model has it."""
    yield "## Modes\n"
    yield "The fields select the mode. Null and an empty list count as absent.\n"
    rows = [
        [
            rule["title"],
            f"`{rule['operation']}`",
            names(rule["selected_by"]) if rule["selected_by"] else "nothing else",
            names(rule["required"]),
            names(rule["allowed"]),
        ]
        for rule in data["modes"].values()
    ]
    yield table(["Mode", "Operation", "Chosen by", "Needs", "Takes"], rows)
    yield "Other common names for a mode with certain fields:\n"
    rows = [
        [f"`{name}`", each["title"], each["mode"], names(each["fields"])] for name, each in data["variants"].items()
    ]
    yield table(["Name", "", "Mode", "Needs"], rows)
    yield "## Models by mode\n"
    rows = [
        [title, *(has(data["models"][model], mode, fields) for model in data["models"])]
        for title, mode, fields in [
            *((rule["title"], name, []) for name, rule in data["modes"].items()),
            *((each["title"], each["mode"], each["fields"]) for each in data["variants"].values()),
        ]
    ]
    yield table(["", *(f"`{model}`" for model in data["models"])], rows)
    for field, title in (
        ("duration", "Seconds"),
        ("resolution", "Resolution"),
        ("aspect_ratio", "Aspect ratio"),
        ("reference_images", "Reference images"),
        ("reference_audios", "Voices"),
        ("keyframes", "Keyframes"),
        ("video", "Input video"),
    ):
        found = [(name, rule) for name, rule in data["modes"].items() if field in rule["limits"]]
        rows = [
            [
                rule["title"],
                *(
                    held(data, model, name, field)
                    if name in known["modes"] and field not in known["modes"][name]["forbidden"]
                    else "-"
                    for model, known in data["models"].items()
                ),
            ]
            for name, rule in found
        ]
        yield f"### {title}\n"
        yield table(["", *(f"`{model}`" for model in data["models"])], rows)


def has(model: Mapping[str, Any], mode: str, fields: Iterable[str]) -> str:
    """Whether a model has a mode with these fields, and how sure that is."""
    if mode in model["lacks"]:
        return f"no ({model['lacks'][mode]['confidence']})"
    against = [rule["confidence"] for name, rule in model["modes"][mode]["forbidden"].items() if name in fields]
    return f"no ({'H' if 'H' in against else against[0]})" if against else "yes"


def rules(data: Mapping[str, Any], texts: Mapping[str, Any]) -> Iterator[str]:
    """What is refused, and what is warned of."""

    def all_rules() -> Iterator[list[Any]]:
        for name, rule in data["modes"].items():
            for field, each in rule["forbidden"].items():
                if each["effect"] != "other_mode":
                    yield [
                        rule["title"],
                        "any",
                        f"`{field}`",
                        each["rule"],
                        each["confidence"],
                        refusal_text(each, texts),
                    ]
            for field, each in rule.get("required_unless", {}).items():
                yield [rule["title"], "any", f"`{field}`", each["rule"], each["confidence"], ""]
            for model, known in data["models"].items():
                if name in known["lacks"]:
                    lack = known["lacks"][name]
                    words = "does not have the mode"
                    yield [rule["title"], f"`{model}`", "", words, lack["confidence"], refusal_text(lack, texts)]
                for field, each in known["modes"].get(name, {"forbidden": {}})["forbidden"].items():
                    literal = refusal_text(each, texts)
                    yield [rule["title"], f"`{model}`", f"`{field}`", each["rule"], each["confidence"], literal]

    columns = ["Mode", "Model", "Field", "Rule", "", "The service says"]
    yield "## Certain rules: the request is refused\n"
    yield table(columns, [row for row in all_rules() if row[4] == "H"])
    yield "## Uncertain rules: a warning, and the request is sent\n"
    yield table(columns, [row for row in all_rules() if row[4] != "H"])
    yield (
        "The ranges in the tables above are checked in the same way, by their own confidence. Voices are the presets "
        f"{names(data['voices']['presets'])} in {data['voices']['case']} case, and a team's own ids, of the form "
        f"`{data['voices']['custom_pattern']}` ({data['voices']['custom_confidence']}); another name gets a warning.\n"
    )


def refusal_text(rule: Mapping[str, Any], texts: Mapping[str, Any]) -> str:
    """What the service says of a broken rule, if its words are known."""
    return texts[rule["refusal"]]["text"] if "refusal" in rule else ""


def figures(limits: Mapping[str, Any]) -> Iterator[str]:
    """Limits, rates, tiers."""
    yield "## Limits\n"
    rows = [
        [f"`{name}`", f"{each['value']:,} {each['unit']}", each["confidence"], each["source"], each.get("note")]
        for name, each in limits.items()
        if isinstance(each, Mapping)
    ]
    yield table(["Limit", "Value", "", "Source", ""], rows)
    yield "The sources for the rate disagree. The client uses the lower figures until a header or a 429 shows otherwise.\n"
    rows = [
        [
            f"{each['value']:g} a {each['per']}",
            names(each["models"]) if each["models"] else "any",
            each["confidence"],
            each["source"],
            each["note"],
        ]
        for each in limits["rates"]
    ]
    yield table(["Rate", "Models", "", "Source", ""], rows)
    yield "Tiers by what a team has spent; `Limits.tier(2)` goes by one:\n"
    rows = [
        [each["tier"], f"{each['requests_per_second']:g}", f"${each['spend_usd']:,g}", each["confidence"]]
        for each in limits["tiers"]
    ]
    yield table(["Tier", "Requests a second", "Spent", ""], rows)


def prices(data: Mapping[str, Any]) -> Iterator[str]:
    """What a job costs."""
    yield "## Prices\n"
    sizes = list(dict.fromkeys(size for each in data["models"].values() for size in each["output_second"]))
    rows = [
        [
            f"`{model}`",
            *(usd(each["output_second"].get(size)) for size in sizes),
            usd(each["input_image"]),
            usd(each["input_second"]),
            each["confidence"],
        ]
        for model, each in data["models"].items()
    ]
    yield table(
        ["USD", *(f"{size}, a second" for size in sizes), "an image given", "a second of input video", ""], rows
    )
    storage, moderated = data["storage"], data["moderated"]
    yield (
        "Pinned frames and keyframes count as images. A video that moderation withholds is charged in "
        f"{moderated['charged']} ({moderated['confidence']}), and the answer says how much. A result that is kept costs "
        f"${storage['gib_day']:g} a GiB and day, and ${storage['gib_download']:g} a GiB downloaded "
        f"({storage['confidence']}).\n"
    )


def usd(value: float | None) -> str:
    """A price as it is written in tables."""
    return "-" if value is None else f"{value:g}"


def waiter(data: Mapping[str, Any]) -> Iterator[str]:
    """What a poll means, and when the next one is due."""
    yield "## Waiting\n"
    yield "The first row whose conditions all hold decides what an answer to a poll means:\n"
    rows = [
        [
            f"`{each['outcome']}`",
            ", ".join(f"`{path}` {matcher_words(matcher)}" for path, matcher in each["when"].items()),
            each.get("note"),
            each["source"],
        ]
        for each in data["acceptors"]
    ]
    yield table(["Outcome", "Conditions", "", "Source"], rows)
    yield "Clients without a history poll by the age of the job:\n"
    rows = [
        ["any" if each["until"] is None else f"below {each['until']:g} s", f"{each['every']:g} s"]
        for each in data["schedule"]
    ]
    yield table(["Age", "Next poll after"], rows)
    yield f"A wait ends after {data['timeout']:g} s, unless the caller says otherwise.\n"


def matcher_words(matcher: Mapping[str, Any]) -> str:
    """A matcher of x-waiter in words."""
    if "is" in matcher:
        return f"is {matcher['is']}"
    if "mentions" in matcher:
        return f"mentions {' or '.join(matcher['mentions'])}"
    return f"is `{str(matcher['equals']).lower()}`"


def errors(data: Mapping[str, Any]) -> Iterator[str]:
    """Failures, their codes in both dialects, and the literal texts."""
    yield "## Errors\n"
    rows = [
        [
            each["http_status"],
            f"`{each['kind']}`",
            ", ".join(
                [*(f"code `{code}`" for code in each.get("code", [])), *(f'"{t}"' for t in each.get("text", []))]
            ),
            each["post"],
            each["get"],
            each["source"],
        ]
        for each in data["kinds"]
    ]
    rows += [
        [f"{each['from']} to {each['to']}", f"`{each['kind']}`", "any other", each["post"], each["get"], ""]
        for each in data["unlisted"]
    ]
    rows += [
        ["", f"`{name}`", each.get("note"), each["post"], each["get"], ""] for name, each in data["failures"].items()
    ]
    yield table(["HTTP", "Kind", "Told by", "POST again", "GET again", "Source"], rows)
    yield (
        "`unknown`: a job may exist, and a second POST could bill it twice. The code of a body is at "
        f"{' or '.join(f'`{path}`' for path in data['bodies']['code'])}, its text at "
        f"{' or '.join(f'`{path}`' for path in data['bodies']['text'])}.\n"
    )
    yield "The `code` of the body is a token since summer 2026, and was a phrase before. Both mean the same:\n"
    rows = [[f"`{each['token']}`", each["phrase"], names(each["kinds"]), each["since"]] for each in data["codes"]]
    yield table(["Token", "Phrase", "Kinds", "Since"], rows)
    yield "What the service says, literally:\n"
    rows = [
        [
            f"`{each['kind']}`",
            each["text"],
            each["confidence"],
            each.get("since"),
            each.get("earlier"),
            each.get("note"),
        ]
        for each in data["texts"].values()
    ]
    yield table(["Kind", "Text", "", "Since", "Before", ""], rows)


def history(document: Mapping[str, Any]) -> Iterator[str]:
    """What came after the recordings of spring."""
    yield "## What is newer than spring 2026\n"
    spring = document["x-eras"]["eras"]["spring"]["month"]
    found: list[list[str]] = []
    for name, schema in document["components"]["schemas"].items():
        if schema.get("x-since", "") > spring:
            found.append([f"{name}", schema["x-since"]])
        for field, data in schema.get("properties", {}).items():
            if data.get("x-since", "") > spring and data["x-since"] != schema.get("x-since"):
                found.append([f"{name} `{field}`", data["x-since"]])
        found += [[f"{name} `{v}`", m] for v, m in schema.get("x-since-values", {}).items() if m > spring]
    found += [[f"model `{n}`", m["since"]] for n, m in document["x-modes"]["models"].items() if m["since"] > spring]
    found.sort(key=lambda row: row[1])
    yield table(["What", "Since"], found)


def page() -> str:
    """The whole page."""
    document = yaml.safe_load(DOCUMENT.read_text(encoding="utf-8"))
    xmodes, xerrors = document["x-modes"], document["x-errors"]
    parts = [HEAD.format(version=document["info"]["version"])]
    parts += [*modes(xmodes), *rules(xmodes, xerrors["texts"])]
    parts += [*figures(document["x-limits"]), *prices(document["x-pricing"]), *waiter(document["x-waiter"])]
    parts += errors(xerrors)
    rows = [
        [f"`{host}`", each["rule"], each["instead"], each["confidence"]]
        for host, each in document["x-regions"]["hosts"].items()
    ]
    parts += ["## Regions\n", table(["Host", "Rule", "Instead", ""], rows)]
    parts += history(document)
    return "\n".join(parts)


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
