"""The README's promises: what it says is short, true, and runs when it is copied, in an environment where nothing else is."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest

from grok_imagine import GrokImagineError, errors
from grok_imagine_sandbox import Sandbox
from support import HANG, ROOT

README = (ROOT / "README.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"^```(\w*)\n(.*?)^```$", README, re.S | re.M)
MEASURED = (ROOT / "docs" / "measured.md").read_text(encoding="utf-8")
PAGES = [
    *(ROOT / name for name in ("README.md", "CONTRIBUTING.md", "SECURITY.md", "openapi/register.md")),
    *sorted((ROOT / "docs").rglob("*.md")),
]
RUNS_THIS = "make test    # everything proves itself"
"""The line that a test can't run, since it runs the test."""

NOT_COPIED = shutil.ignore_patterns(
    ".git", ".venv", ".tools", ".hypothesis", ".*_cache", "__pycache__", "build", "dist", "node_modules", "*.mp4"
)


@pytest.mark.long
def test_each_line_and_each_example_runs_as_it_stands_in_a_fresh_checkout(tmp_path: Path) -> None:
    checkout = tmp_path / "checkout"
    shutil.copytree(ROOT, checkout, ignore=NOT_COPIED)
    ours = {name: value for name, value in os.environ.items() if not re.match("PYTHON|MAKE|MFLAGS|XAI_|GROK|CI$", name)}
    with Sandbox(speed=50) as sandbox:
        environment = ours | {
            "PIP_NO_COMPILE": "1",  # else pip compiles what nothing here imports
            "PATH": f"{checkout / '.venv' / 'bin'}{os.pathsep}{ours['PATH']}",
            "XDG_DATA_HOME": str(tmp_path),
            "XAI_API_KEY": "any-key",
            "XAI_BASE_URL": sandbox.base_url,
        }
        for number, (language, text) in enumerate(BLOCKS):
            after = BLOCKS[number + 1] if number + 1 < len(BLOCKS) else ("sh", "")
            if language == "python":
                shown = run(["python", "-W", "error", "-"], checkout, environment, text)
                assert shown == after[1] if not after[0] else shown, text
            for line in text.splitlines() if language == "sh" else ():
                if line != RUNS_THIS:
                    shown = run(["sh", "-c", line], checkout, environment)
                    assert not line.startswith("make demo") or "not by Grok Imagine" in shown
        assert sum(sandbox.requests.values())
    for made in ("demo.mp4", "boat.mp4", "heron.mp4"):
        assert (checkout / made).read_bytes()[4:8] == b"ftyp"
    where = run(["python", "-c", "import grok_imagine; print(grok_imagine.__file__)"], tmp_path, environment)
    assert "site-packages" in where, "it is the wheel that ran"


def run(command: list[str], folder: Path, environment: dict[str, str], given: str | None = None) -> str:
    """What a command prints."""
    done = subprocess.run(
        command, cwd=folder, env=environment, input=given, capture_output=True, text=True, timeout=5 * HANG, check=False
    )
    assert done.returncode == 0, f"{command}\n{given or ''}\n{done.stdout}\n{done.stderr}"
    return done.stdout


def test_the_readme_has_its_blocks() -> None:
    assert [language for language, _ in BLOCKS] == ["sh", "sh", "python", "", "sh", "python", "", "python", "python"]
    assert RUNS_THIS in BLOCKS[0][1].splitlines() and BLOCKS[0][1].startswith("make demo")


def test_it_is_short_and_begins_with_what_it_is_and_why_not_another() -> None:
    assert len(README.split()) < 900
    first = "\n".join(README.splitlines()[:30])
    assert "for programs that" in first and "| xai-sdk | AI SDK | a loop of one's own |" in first


def test_each_figure_of_the_comparison_is_measured() -> None:
    rows = re.findall(r"^\| (?!\|)(.*) \|$", README.partition("## Why not")[2].partition("\n## ")[0], re.M)
    figures = {figure for row in rows[1:] for figure in re.findall(r"\d[\d.,]*\d|\d", row)}
    assert len(figures) >= 6
    assert [figure for figure in figures if not re.search(rf"(?<![\d.]){re.escape(figure)}(?![\d.]\d)", MEASURED)] == []


def test_measurements_stand_in_one_place() -> None:
    told = re.compile(r"\b(ms|KiB|us)\b \|")
    assert told.search(MEASURED) and not told.search(README)


def test_nothing_is_written_as_if_an_index_had_it() -> None:
    """Neither a page nor a message: whoever takes the name on an index would be installed."""
    for path in (*PAGES, *(ROOT / "overlay").rglob("*.py")):
        for line in re.findall(r"pip install [^\n]*", path.read_text(encoding="utf-8")):
            assert not re.match(r"pip install ['\"]?grok-imagine", line), (path, line)


def test_the_tree_of_errors_names_every_error() -> None:
    page = (ROOT / "docs" / "guides" / "error-tree.md").read_text(encoding="utf-8")
    tree = page.partition("\nGrokImagineError ")[2].partition("```")[0]
    named = set(re.findall(r"[A-Z]\w+", tree)) | {"GrokImagineError"}
    public = {name for name in errors.__all__ if issubclass(getattr(errors, name), GrokImagineError)}
    assert public == named & set(errors.__all__)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.relative_to(ROOT).as_posix())
def test_links_point_at_something(page: Path) -> None:
    text = re.sub(r"^```.*?^```$", "", page.read_text(encoding="utf-8"), flags=re.S | re.M)
    for target, anchor in re.findall(r"\]\((?!https?:|mailto:)([^)#\s]*)(?:#([^)\s]+))?\)", text):
        there = page.parent / target if target else page
        assert there.exists() or made_by_the_site(page, target), target
        if anchor and there.suffix == ".md" and there.exists():
            assert anchor in anchors(there.read_text(encoding="utf-8")), f"{target}#{anchor}"


def made_by_the_site(page: Path, target: str) -> bool:
    """Whether a page of a guide links to one that only the site has: the reference and the contract's pages."""
    return "guides" in page.parts and re.match(r"(\.\./)+(api|contract)/", target) is not None


def anchors(text: str) -> set[str]:
    """The headings of a page as GitHub names them, and the ids that are written out."""
    heads = re.findall(r"^#+ (.+)$", text, re.M)
    plain = (re.sub(r"<[^>]+>|[`*]|\[([^\]]*)\]\([^)]*\)", r"\1", head) for head in heads)
    return {re.sub(r"[^\w\- ]", "", head.lower()).strip().replace(" ", "-") for head in plain} | set(
        re.findall(r'id="([^"]+)"', text)
    )


def test_make_targets_that_the_pages_name_exist() -> None:
    targets = set(re.findall(r"^([a-z0-9-]+):", (ROOT / "Makefile").read_text(encoding="utf-8"), re.M))
    for path in PAGES:
        assert set(re.findall(r"(?m)(?:`|^)make ([a-z0-9-]+)", path.read_text(encoding="utf-8"))) <= targets, path
