"""Write the forms of the contract that other tools read into openapi/derived/, byte for byte the same each time: derive.py [--check].

With --check nothing is written, and a form that is not what the document makes is an error.
"""

from __future__ import annotations

import json
import re
import sys
from pathlib import Path
from typing import Any

import yaml
from compile_contract import shipped
from derive_arazzo import arazzo, fetching
from derive_openapi30 import json_answers_only, openapi30
from derive_requests import requests

ROOT = Path(__file__).resolve().parents[1]
DOCUMENT = ROOT / "openapi" / "grok-imagine.yaml"
TARGET = ROOT / "openapi" / "derived"
HEAD = "# Made from openapi/grok-imagine.yaml by `make contract`. Do not edit.\n"
# What a reader of YAML 1.2 takes for a number, though it is quoted by no writer of 1.1: `1e3`, `0o17`, `16:9`.
NUMBERLIKE = re.compile(r"[-+.]?[0-9]\S*")


class _Writer(yaml.SafeDumper):
    """YAML without aliases, which 1.1 and 1.2 read alike."""

    def ignore_aliases(self, data: Any) -> bool:
        return True

    def text(self, data: str) -> yaml.ScalarNode:
        style = "|" if "\n" in data else "'" if NUMBERLIKE.fullmatch(data) else None
        return self.represent_scalar("tag:yaml.org,2002:str", data, style=style)


_Writer.add_representer(str, _Writer.text)


def as_yaml(data: Any) -> str:
    """The data as YAML, with a line that says where it comes from."""
    return HEAD + yaml.dump(data, Dumper=_Writer, sort_keys=False, allow_unicode=True, width=120)


def as_json(data: Any) -> str:
    """The data as JSON, as in the wheel."""
    return json.dumps(data, indent=1, ensure_ascii=False) + "\n"


def forms(source: dict[str, Any]) -> dict[str, str]:
    """The text of each form, by the name of its file."""
    document = shipped(source)
    older = openapi30(document)
    return {
        "openapi.yaml": as_yaml(document),
        "openapi.json": as_json(document),
        "openapi-3.0.yaml": as_yaml(older),
        "openapi-3.0-json-answers.yaml": as_yaml(json_answers_only(older)),
        "video.arazzo.yaml": as_yaml(arazzo(document)),
        "fetch.arazzo.yaml": as_yaml(fetching(document)),
        "requests.http": HEAD + requests(document),
    }


def load() -> dict[str, Any]:
    """The document as it is written."""
    document: dict[str, Any] = yaml.safe_load(DOCUMENT.read_text(encoding="utf-8"))
    return document


def differences(fresh: dict[str, str], folder: Path) -> list[str]:
    """The files of the folder that are not what they should be, are missing, or should not be there."""
    there = {path.name: path.read_bytes() for path in folder.iterdir()} if folder.is_dir() else {}
    made = {name: text.encode() for name, text in fresh.items()}
    return sorted(name for name in there.keys() | made.keys() if there.get(name) != made.get(name))


def main() -> int:
    """Writes, or checks."""
    fresh = forms(load())
    if "--check" in sys.argv[1:]:
        wrong = differences(fresh, TARGET)
        print("\n".join(f"openapi/derived/{name} differs from the document; `make contract` writes it" for name in wrong)
              or "openapi/derived/ is up to date")  # fmt: skip
        return 1 if wrong else 0
    TARGET.mkdir(exist_ok=True)
    for name in differences(fresh, TARGET):
        path = TARGET / name
        if name in fresh:
            path.write_bytes(fresh[name].encode())
        else:
            path.unlink()
    return 0


if __name__ == "__main__":
    sys.exit(main())
