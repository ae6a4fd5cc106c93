"""What the tests of the program's batches share."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from grok_imagine_sandbox import Sandbox


def write(path: Path, *lines: object) -> None:
    path.write_text("".join(f"{json.dumps(line)}\n" for line in lines), encoding="utf-8")


def one(prompt: str, **more: Any) -> dict[str, Any]:
    return {"prompt": prompt, "duration": 1, **more}


def count(service: Sandbox, method: str, path: str = "") -> int:
    return sum(times for (used, where, _), times in service.requests.items() if used == method and path in where)


def outcomes(folder: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (folder / "outcomes.jsonl").read_text(encoding="utf-8").splitlines()]
