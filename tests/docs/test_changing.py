"""The walks of docs/changing-the-contract.md, replayed on a copy of the repository."""

from __future__ import annotations

import filecmp
import importlib
import json
import os
import re
import shutil
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import yaml

from support import ROOT

sys.path.append(str(ROOT / "scripts"))
gate = importlib.import_module("check_breaking")

PAGE = (ROOT / "docs" / "changing-the-contract.md").read_text(encoding="utf-8")
DOCUMENT = "openapi/grok-imagine.yaml"
BLOCK = re.compile(r"^```diff\n# (\S+)\n(.*?)^```", re.MULTILINE | re.DOTALL)
WALKS = {"An optional field": {"x-modes"}, "A status": {"x-waiter"}, "A mode": {"x-modes", "x-pricing"}}
"""The blocks whose versions each walk raises, as the page says."""
COPIED = ("generated", "openapi", "overlay", "scripts", "docs", "tests/cassettes", "tests/polyglot")
PROGRAM = """
import json, warnings
warnings.simplefilter("error")
import grok_imagine_api
from grok_imagine import VideoRequest
from grok_imagine.pricing import estimate
from grok_imagine.core.results import Video
from grok_imagine import binding
seeded = VideoRequest.from_body({"prompt": "x", "seed": 7})
seeded.check()
moving = VideoRequest.from_body({"prompt": "x", "motion": {"url": "https://example.com/a.mp4"}, "seed": 7})
moving.check()
ended = Video("0f4ea9d0-85ab-667b-4022-08891fbea22b", {"status": "cancelled"})
print(json.dumps({
    "file": grok_imagine_api.__file__,
    "sent": binding.start(seeded.operation, dict(seeded.body))["json"],
    "moved": binding.start(moving.operation, dict(moving.body)),
    "mode": moving.mode,
    "price": str(estimate(moving)),
    "outcome": ended.outcome,
    "unknown": ended.is_unknown_status,
}))
"""


def edits(heading: str) -> list[tuple[str, str]]:
    """File and hunks of each block below a heading."""
    section = re.split(r"^## ", PAGE, flags=re.MULTILINE)
    return [block for part in section if part.startswith(f"{heading}\n") for block in BLOCK.findall(part)]


def edited(text: str, hunks: str) -> str:
    """A text with the edits of a block; what a hunk names must be there once."""
    for hunk in hunks.split("@@\n"):
        lines = hunk.splitlines(keepends=True)
        assert {line[0] for line in lines} <= set(" -+"), hunk
        before, after = ("".join(line[1:] for line in lines if line[0] in kept) for kept in (" -", " +"))
        assert text.count(before) == 1, hunk
        text = text.replace(before, after)
    return text


def texts() -> list[str]:
    """The document before, and after each walk."""
    made = [(ROOT / DOCUMENT).read_text(encoding="utf-8")]
    for heading in WALKS:
        blocks = edits(heading)
        assert [name for name, _ in blocks] == [DOCUMENT], heading
        made.append(edited(made[-1], blocks[0][1]))
    return made


def third_raised(version: str) -> str:
    *others, last = version.split(".")
    return ".".join([*others, str(int(last) + 1)])


@pytest.mark.parametrize("step", range(len(WALKS)), ids=[name.replace(" ", "-") for name in WALKS])
def test_the_gate_wants_versions_and_an_entry_and_judges_the_edits(step: int) -> None:
    heading, blocks = list(WALKS.items())[step]
    before, after = (replace(gate.here(), document=gate.read(text)) for text in texts()[step : step + 2])
    oasdiff = ROOT / ".tools" / "oasdiff-1.28.0"
    found = gate.findings(before, after, oasdiff if oasdiff.exists() else None)
    assert found and [str(each) for each in found if each.breaking] == [], heading
    wrong = "\n".join(gate.demanded(before, after, found))
    document: dict[str, Any] = json.loads(json.dumps(after.document))
    document["info"]["version"] = third_raised(before.version)
    for name in blocks:
        assert f"the version of {name} was" in wrong
        document[name]["version"] = third_raised(document[name]["version"])
    assert "the document's version was" in wrong and wrong.count("the version of ") == len(blocks)
    raised = replace(after, document=document)
    (unwritten,) = gate.demanded(before, raised, found)
    assert f"no first entry `## {third_raised(before.version)}`" in unwritten
    names = ", ".join(f"`{name}` {document[name]['version']}" for name in sorted(blocks))
    whole = replace(raised, changelog=f"# Changelog\n\n## {third_raised(before.version)}\n\n{heading}: {names}.\n")
    assert gate.demanded(before, whole, found) == []


def run(copy: Path, *command: str) -> str:
    """Runs Python in the copy, with the copy's own packages and scripts; returns what it printed."""
    paths = os.pathsep.join(str(copy / name) for name in ("scripts", "overlay", "generated"))
    environment = {**os.environ, "PYTHONPATH": paths, "PYTHONDONTWRITEBYTECODE": "1"}
    done = subprocess.run(
        [sys.executable, *command], cwd=copy, env=environment, capture_output=True, text=True, timeout=120, check=False
    )
    assert done.returncode == 0, f"{command}\n{done.stdout[-3000:]}\n{done.stderr[-3000:]}"
    return done.stdout


def unedited(copy: Path, folder: str) -> list[str]:
    """The files of a folder that are not what they are here."""
    left = {"__pycache__", "node_modules", "grok_imagine.egg-info"}
    names = {
        str(path.relative_to(root))
        for root in (ROOT, copy)
        for path in (root / folder).rglob("*")
        if path.is_file() and not left & set(path.parts)
    }
    return [
        name
        for name in sorted(names)
        if not ((ROOT / name).is_file() and (copy / name).is_file() and filecmp.cmp(ROOT / name, copy / name, False))
    ]


def test_make_does_the_rest(tmp_path: Path) -> None:
    skipped = shutil.ignore_patterns("__pycache__", "*.egg-info", "node_modules")
    for name in COPIED:
        shutil.copytree(ROOT / name, tmp_path / name, ignore=skipped)
    shutil.copy(ROOT / "pyproject.toml", tmp_path)
    (tmp_path / DOCUMENT).write_text(texts()[-1], encoding="utf-8")
    for command in (
        ["scripts/generate.py"],
        ["-m", "conformance.vectors"],
        ["scripts/derive.py"],
        ["scripts/contract_page.py"],
        ["scripts/register.py"],
    ):
        run(tmp_path, *command)

    for folder in (
        "overlay",
        "scripts",
        "tests/polyglot",
        "tests/cassettes",
        "openapi/schemas",
        "openapi/conformance/written",
    ):
        assert unedited(tmp_path, folder) == []
    document = json.loads((tmp_path / "generated/grok_imagine_api/openapi.json").read_text(encoding="utf-8"))
    for name in ("modes", "waiter", "pricing"):
        schema = json.loads((tmp_path / f"openapi/schemas/x-{name}.json").read_text(encoding="utf-8"))
        importlib.import_module("jsonschema").validate(document[f"x-{name}"], schema)
    for path, words in {
        "generated/grok_imagine_api/models/generate_video_request.py": ["seed", "motion"],
        "generated/grok_imagine_api/models/known_video_status.py": ["cancelled"],
        "generated/grok_imagine_api/contract.py": ['"seed"', '"cancelled"', '"motion-to-video"'],
        "openapi/conformance/made/check.json": ["check/edit-video/with-seed", "check/motion-to-video/smallest"],
        "openapi/conformance/made/encode.json": ["encode/text-to-video/seed", "encode/motion-to-video/whole"],
        "openapi/conformance/made/look.json": ["look/cancelled/with-url"],
        "openapi/conformance/made/price.json": ["price/motion-to-video/grok-imagine-video/7-s"],
        "openapi/conformance/made/serve.json": ["serve/motion-to-video/no-model-smallest"],
        "openapi/derived/openapi.yaml": ["seed:", "cancelled", "motion-to-video:"],
        "openapi/derived/openapi-3.0.yaml": ["seed:", "motion:"],
        "openapi/derived/video.arazzo.yaml": ["cancelled"],
        "docs/contract.md": ["`seed`", "cancelled", "Motion-to-video"],
        "openapi/register.md": ["| `seed` |", "| `motion` |"],
    }.items():
        text = (tmp_path / path).read_text(encoding="utf-8")
        assert [word for word in words if word not in text] == [], path
        assert any(word not in (ROOT / path).read_text(encoding="utf-8") for word in words), path

    told = json.loads(run(tmp_path, "-c", PROGRAM))
    assert Path(told["file"]).is_relative_to(tmp_path)
    assert told["sent"]["seed"] == 7 and told["mode"] == "motion-to-video"
    assert told["moved"]["url"] == "/videos/generations"
    assert told["moved"]["json"]["motion"] == {"url": "https://example.com/a.mp4"}
    rate = yaml.safe_load(texts()[-1])["x-pricing"]["models"]["grok-imagine-video"]["output_second"]["480p"]
    assert float(told["price"]) == pytest.approx(5 * rate)
    assert (told["outcome"], told["unknown"]) == ("failed", False)

    table = run(tmp_path, "-m", "conformance.driver", "python", "sandbox")
    assert re.findall(r"^(python|sandbox) +\d+ agree, 0 known flaws", table, re.MULTILINE) == ["python", "sandbox"]
