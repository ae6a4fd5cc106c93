"""Compiles the contract into typed, immutable Python constants and into JSON: compile_contract.py DOCUMENT FOLDER.

The constants, `contract.py`, are made of the x- data. Their classes are copied from `contract_records.py` to `_records.py`. The JSON
is for whoever has the package and no YAML reader: the sandbox and other languages.
"""

from __future__ import annotations

import ast
import json
import shutil
import sys
from decimal import Decimal
from pathlib import Path
from typing import Any

import yaml

# The classes of the constants: a module like any other here, copied as it is.
RECORDS = Path(__file__).with_name("contract_records.py")
HEAD = '''"""The rules of the contract that schemas can't hold, as constants: modes, waiting, errors, limits, prices and regions."""

from collections.abc import Mapping
from decimal import Decimal
from types import MappingProxyType
from typing import Final

'''
BLOCKS = ("modes", "waiter", "errors", "limits", "pricing")


class Code(str):
    """Source text that is written as it is."""


def source(value: Any) -> str:
    """The Python source of a value; mappings become read-only ones and numbers with a fraction stay floats."""
    if isinstance(value, Code):
        return value
    if isinstance(value, dict):
        return f"MappingProxyType({{{', '.join(f'{key!r}: {source(item)}' for key, item in value.items())}}})"
    if isinstance(value, list | tuple):
        return f"({', '.join(map(source, value))}{',' if len(value) == 1 else ''})"
    if isinstance(value, Decimal):
        return f"Decimal({str(value)!r})"
    return repr(value)


def call(name: str, fields: dict[str, Any]) -> Code:
    """A constructor call with keywords."""
    return Code(f"{name}({', '.join(f'{key}={source(value)}' for key, value in fields.items())})")


def each(name: str, mapping: dict[str, dict[str, Any]]) -> dict[str, Code]:
    """The same constructor around every value of a mapping."""
    return {key: call(name, fields) for key, fields in mapping.items()}


def limits_of(mapping: dict[str, dict[str, Any]]) -> dict[str, Code]:
    """The limits of a mode, or of a model's mode."""
    inner = {"tags": "Tags", "times": "Times"}
    return each(
        "FieldLimit",
        {
            field: limit | {key: call(name, limit[key]) for key, name in inner.items() if key in limit}
            for field, limit in mapping.items()
        },
    )


def values(mapping: dict[str, dict[str, Any]]) -> dict[str, Code]:
    """x-modes.fields, or the keys of one of them."""
    return {
        name: call("Value", value | ({"keys": values(value["keys"])} if "keys" in value else {}))
        for name, value in mapping.items()
    }


def modes(data: dict[str, Any]) -> dict[str, Code]:
    """x-modes.modes."""
    return {
        name: call(
            "Mode",
            mode
            | {"forbidden": each("Rule", mode["forbidden"]), "limits": limits_of(mode["limits"])}
            | ({"required_unless": each("Requirement", mode["required_unless"])} if "required_unless" in mode else {}),
        )
        for name, mode in data["modes"].items()
    }


def models(data: dict[str, Any]) -> dict[str, Code]:
    """x-modes.models."""

    def mode(fields: dict[str, Any]) -> Code:
        return call(
            "ModelMode",
            {"limits": limits_of(fields["limits"]), "forbidden": each("Rule", fields["forbidden"])},
        )

    return {
        name: call(
            "Model",
            model
            | {"lacks": each("Lack", model["lacks"])}
            | {"modes": {key: mode(value) for key, value in model["modes"].items()}},
        )
        for name, model in data["models"].items()
    }


def acceptor(fields: dict[str, Any]) -> Code:
    """One row of x-waiter.acceptors. `is` is a word of Python's own."""
    when = {
        path: call("Matcher", {"state" if key == "is" else key: value for key, value in matcher.items()})
        for path, matcher in fields["when"].items()
    }
    return call("Acceptor", fields | {"when": when})


def unlisted(fields: dict[str, Any]) -> dict[str, Any]:
    """One row of x-errors.unlisted. `from` is a word of Python's own."""
    return {{"from": "first", "to": "last"}.get(key, key): value for key, value in fields.items()}


def usd(value: float | None) -> Decimal | None:
    """Money is decimal, as written in the document."""
    return None if value is None else Decimal(str(value))


def price(fields: dict[str, Any]) -> Code:
    """One row of x-pricing.models."""
    rates = {key: usd(value) for key, value in fields["output_second"].items()}
    inputs = {key: usd(fields[key]) for key in ("input_image", "input_second")}
    return call("Price", fields | inputs | {"output_second": rates})


def constants(document: dict[str, Any]) -> list[tuple[str, str, Any]]:
    """Every constant: name, type, value."""
    xmodes, waiter, errors, limits, pricing = (document[f"x-{name}"] for name in BLOCKS)
    versions = {key.removeprefix("x-"): block["version"] for key, block in document.items() if key.startswith("x-")}
    storage = {key: usd(value) if key.startswith("gib") else value for key, value in pricing["storage"].items()}
    return [
        ("VERSIONS", "Mapping[str, str]", versions),
        ("DEFAULT_MODEL", "str", xmodes["default_model"]),
        ("ABSENT", "tuple[None | tuple[()], ...]", xmodes["absent"]),
        ("CALLS", "Mapping[str, tuple[str, ...]]", xmodes["calls"]),
        ("FIELDS", "Mapping[str, Value]", values(xmodes["fields"])),
        ("MODES", "Mapping[str, Mode]", modes(xmodes)),
        ("VARIANTS", "Mapping[str, Variant]", each("Variant", xmodes["variants"])),
        ("MODELS", "Mapping[str, Model]", models(xmodes)),
        ("INPUTS", "Mapping[str, Input]", each("Input", xmodes["inputs"])),
        ("URL_PATTERN", "str", xmodes["url_pattern"]),
        ("VOICES", "Voices", call("Voices", xmodes["voices"])),
        ("BODY_MISNOMERS", "Mapping[str, Misnomer]", each("Misnomer", xmodes["misnomers"]["body"])),
        ("KEYWORD_MISNOMERS", "Mapping[str, Misnomer]", each("Misnomer", xmodes["misnomers"]["keywords"])),
        ("MODEL_MISNOMERS", "Mapping[str, Misnomer]", each("Misnomer", xmodes["misnomers"]["models"])),
        ("ACCEPTORS", "tuple[Acceptor, ...]", [acceptor(fields) for fields in waiter["acceptors"]]),
        ("OTHER_SUCCESS", "int", waiter["other_success"]),
        ("SCHEDULE", "tuple[Phase, ...]", [call("Phase", fields) for fields in waiter["schedule"]]),
        ("WAIT_TIMEOUT", "float", waiter["timeout"]),
        ("LAST_POLL", "LastPoll", call("LastPoll", waiter["last_poll"])),
        ("FAILED_POLL", "FailedPoll", call("FailedPoll", waiter["failed_poll"])),
        ("RESULT_URLS", "tuple[str, ...]", waiter["result"]["url"]),
        ("BODIES", "Bodies", call("Bodies", errors["bodies"])),
        ("ERROR_KINDS", "tuple[ErrorKind, ...]", [call("ErrorKind", fields) for fields in errors["kinds"]]),
        ("UNLISTED", "tuple[Unlisted, ...]", [call("Unlisted", fields) for fields in map(unlisted, errors["unlisted"])]),
        ("FAILURES", "Mapping[str, Failure]", each("Failure", errors["failures"])),
        ("LIMITS", "Mapping[str, Limit]", each("Limit", {k: v for k, v in limits.items() if isinstance(v, dict)})),
        ("RATES", "tuple[Rate, ...]", [call("Rate", fields) for fields in limits["rates"]]),
        ("TIERS", "tuple[Tier, ...]", [call("Tier", fields) for fields in limits["tiers"]]),
        ("REGIONS", "Mapping[str, Region]", each("Region", document["x-regions"]["hosts"])),
        ("TICKS_PER_USD", "int", pricing["ticks_per_usd"]),
        ("PRICES", "Mapping[str, Price]", {name: price(fields) for name, fields in pricing["models"].items()}),
        ("CHARGES", "Mapping[str, tuple[str, ...]]", pricing["charges"]),
        ("CHARGED_SECONDS", "Mapping[str, str]", pricing["seconds"]),
        ("STORED_BYTES", "int", pricing["assume"]["stored_bytes"]),
        ("STORAGE", "Storage", call("Storage", storage)),
    ]  # fmt: skip


def shipped(document: dict[str, Any]) -> dict[str, Any]:
    """The document without what only its keeper needs: where each field comes from."""
    return {key: value for key, value in document.items() if key != "x-evidence"}


def module(document: dict[str, Any]) -> str:
    """The source of contract.py. It exports the classes too, so that `contract.Mode` is a type that callers can name."""
    tree = ast.parse(RECORDS.read_text(encoding="utf-8"))
    records = sorted(node.name for node in tree.body if isinstance(node, ast.ClassDef))
    rows = constants(document)
    exported = sorted([*records, *(name for name, _, _ in rows)])
    lines = [f"{name}: Final[{kind}] = {source(value)}\n" for name, kind, value in rows]
    return "\n".join([f"{HEAD}from ._records import {', '.join(records)}\n", f"__all__ = {exported}\n", *lines])


def main(document_path: str, folder: str) -> None:
    """Writes all three. Formatting is left to ruff."""
    document = shipped(yaml.safe_load(Path(document_path).read_text(encoding="utf-8")))
    shutil.copyfile(RECORDS, Path(folder, "_records.py"))
    Path(folder, "contract.py").write_text(module(document), encoding="utf-8")
    text = json.dumps(document, indent=1, ensure_ascii=False)
    Path(folder, "openapi.json").write_text(text + "\n", encoding="utf-8")


if __name__ == "__main__":
    main(*sys.argv[1:])
