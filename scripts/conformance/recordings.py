"""Vectors of the recorded traffic in `tests/cassettes/`: each request, and each answer once."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

import yaml

OPERATIONS = {"generations": "generateVideo", "edits": "editVideo", "extensions": "extendVideo"}

Vector = dict[str, Any]


def recorded(folder: Path) -> Iterator[Vector]:
    """The vectors of all cassettes, without the outputs of `look` and `post`."""
    for path in sorted(folder.glob("*/*.yaml")):
        origin, seen = path.parent.name, set[str]()
        interactions = yaml.load(path.read_text(encoding="utf-8"), getattr(yaml, "CSafeLoader", yaml.SafeLoader))
        for interaction in interactions["interactions"]:
            for vector in _vectors(interaction, origin):
                key = json.dumps(vector["input"])
                if key not in seen:
                    name = f"recorded-{origin}/{path.stem}-{len(seen) + 1}"
                    seen.add(key)
                    yield {"id": f"{vector.pop('operation')}/{name}", "says": f"Recorded: {path.stem}.", **vector}


def _vectors(interaction: Mapping[str, Any], origin: str) -> Iterator[Vector]:
    asked, answered = interaction["request"], interaction["response"]
    path = urlsplit(asked["uri"]).path
    answer = _answer(answered)
    rest = {"appliesTo": "client", "register": "Recorded timings" if origin == "live" else "HTTP statuses"}
    if asked["method"] == "POST":
        operation, sent = OPERATIONS[path.rpartition("/")[2]], json.loads(asked["body"])
        request = {"operation": operation, "body": sent}
        yield {
            "operation": "encode",
            **rest,
            "input": request,
            "output": {"method": "POST", "path": path, "body": sent},
        }
        yield {"operation": "post", **rest, "input": answer}
    else:
        collection, name = (unquote(part) for part in path.split("/")[2:4]) if path.count("/") > 2 else (path, "")
        operation = "getVideo" if collection == "videos" else "getVideoModel" if name else "listVideoModels"
        if operation == "getVideo":
            request = {"operation": operation, "request_id": name}
            yield {"operation": "encode", **rest, "input": request, "output": {"method": "GET", "path": path}}
        if operation == "getVideo" or answer["http_status"] >= 300:
            yield {"operation": "look", **rest, "input": answer}
    body = answer.get("body")
    if answer["http_status"] == 200 and isinstance(body, dict) and isinstance(body.get("video", {}), dict):
        case = {"operation": operation, "http_status": 200, "body": body}
        yield {"operation": "decode", **rest, "input": case, "output": {"value": _plain(body)}}


def _answer(answered: Mapping[str, Any]) -> dict[str, Any]:
    text, headers = answered["body"]["string"], answered["headers"]
    kept = {name: headers[name][0] for name in ("content-type", "retry-after") if name in headers}
    try:
        body = {"body": json.loads(text)}
    except ValueError:
        body = {"text": text}
    return {"http_status": answered["status"]["code"], **({"headers": kept} if kept else {}), **body}


def _plain(node: Any) -> Any:
    """An answer without its nulls."""
    if isinstance(node, dict):
        return {name: _plain(value) for name, value in node.items() if value is not None}
    return node
