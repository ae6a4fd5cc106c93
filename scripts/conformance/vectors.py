"""Write the made and recorded vectors of `openapi/conformance/` anew: `python -m conformance.vectors [--check]`. What they expect is what `rules` read."""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from .answers import AnswerRules
from .bodies import Bodies
from .recordings import recorded
from .replies import Replies
from .rules import BodyRules
from .serving import Serving

ROOT = Path(__file__).resolve().parents[2]
DOCUMENT = ROOT / "generated" / "grok_imagine_api" / "openapi.json"
FOLDER = ROOT / "openapi" / "conformance"
CASSETTES = ROOT / "tests" / "cassettes"


def expanded(node: Any) -> Any:
    """An input with its long texts written out."""
    if isinstance(node, dict):
        if node.keys() == {"$repeat"}:
            text, times = node["$repeat"]
            return text * times
        if node.keys() == {"$join"}:
            return "".join(expanded(part) for part in node["$join"])
        return {name: expanded(value) for name, value in node.items()}
    return [expanded(item) for item in node] if isinstance(node, list) else node


def outcome(document: Mapping[str, Any], operation: str, case: Mapping[str, Any]) -> Any:
    """What the rules of a document say of an input."""
    reader = BodyRules(document) if operation in ("check", "price") else AnswerRules(document)
    return getattr(reader, operation)(expanded(case))


def made(document: Mapping[str, Any]) -> dict[str, list[dict[str, Any]]]:
    """All made vectors, by file."""
    found: dict[str, list[dict[str, Any]]] = {}
    makers = (Bodies(document), Replies(document), Serving(document))
    vectors = [("made", vector) for maker in makers for vector in maker.vectors()]
    vectors += [("recorded", vector) for vector in recorded(CASSETTES)]
    for folder, vector in vectors:
        operation = vector["id"].partition("/")[0]
        if "output" not in vector:
            vector["output"] = outcome(document, operation, vector["input"])
        found.setdefault(f"{folder}/{operation}.json", []).append(vector)
    return found


def text_of(vectors: list[dict[str, Any]]) -> str:
    """The file of an operation's vectors: one a line."""
    lines = ",\n".join(json.dumps(vector, ensure_ascii=False) for vector in vectors)
    return f"[\n{lines}\n]\n"


def main() -> None:
    """Writes the files, or with --check fails if they would change."""
    document = json.loads(DOCUMENT.read_text(encoding="utf-8"))
    stale = []
    for name, vectors in made(document).items():
        path, text = FOLDER / name, text_of(vectors)
        if "--check" in sys.argv:
            stale += [name] if not path.is_file() or path.read_text(encoding="utf-8") != text else []
        else:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8")
    if stale:
        sys.exit(f"openapi/conformance: {', '.join(stale)}: run `make generate`")


if __name__ == "__main__":
    main()
