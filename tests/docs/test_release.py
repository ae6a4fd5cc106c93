"""`make release`: what it refuses, and what it makes of a checkout that is ready; and the pages about versions and security."""

from __future__ import annotations

import ast
import datetime
import hashlib
import io
import re
import shutil
import subprocess
import sys
import tarfile
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest
import release

from support import HANG, ROOT

TODAY = datetime.date(2026, 11, 27)
Change = Callable[[str, bytes], bytes | None]
GOOD = "# Changelog\n\n## 1.2.0 (2026-11-27)\n\n- New.\n\n## 1.1.0 (2026-10-01)\n\n- Old.\n"


def test_a_version_and_a_changelog_that_agree_pass() -> None:
    assert list(release.version_problems("1.2.0", GOOD, TODAY)) == []


@pytest.mark.parametrize(
    ("version", "changelog", "told"),
    [
        ("1.3.0", GOOD, "its first heading is of 1.2.0, and _version.py says 1.3.0"),
        ("1.2.0", "# Changelog\n", "its first heading is of nothing"),
        ("", GOOD, "is no version"),
        ("1.2.0-final", GOOD, "is no version"),
        ("v1.2", GOOD, "is written 1.2 by packaging tools"),
        ("1.2.0", GOOD.replace("(2026-11-27)", "(unreleased)"), r"write the day of the release: `## 1\.2\.0 \(2026-11-27\)`"),
        ("1.2.0", GOOD.replace(" (2026-11-27)", ""), "write the day"),
        ("1.2.0", GOOD.replace("2026-11-27", "2026-11-31"), "write the day"),
        ("1.2.0", GOOD.replace("2026-11-27", "2026-11-28"), "2026-11-28 is not yet"),
        ("1.2.0", GOOD.replace("- New.", ""), r"nothing is told of 1\.2\.0"),
        ("1.2.0", GOOD.replace("1.1.0", "1.2.0"), "each once"),
        ("1.2.0", GOOD.replace("1.1.0", "1.10.0"), "from the newest to the oldest"),
        ("1.2.0", GOOD.replace("1.1.0", "older"), "of no version"),
    ],
)  # fmt: skip
def test_what_does_not_agree_is_named(version: str, changelog: str, told: str) -> None:
    problems = list(release.version_problems(version, changelog, TODAY))
    assert any(re.search(told, problem) for problem in problems), problems


def checkout(folder: Path) -> Path:
    """A checkout that is ready, and that `scripts/release.py` has run in."""
    ignored = shutil.ignore_patterns(
        ".git", ".venv", ".tools", ".hypothesis", ".*_cache", "__pycache__", "build", "dist", "node_modules", "tests"
    )
    shutil.copytree(ROOT, folder, ignore=ignored)
    changelog = folder / "CHANGELOG.md"
    text = changelog.read_text(encoding="utf-8")
    today = datetime.datetime.now(datetime.UTC).date()
    changelog.write_text(re.sub(r"\A(.*?\n## \S+) \(.*?\)\n", rf"\1 ({today})\n", text, count=1, flags=re.S))
    git(folder, "init", "--quiet")
    commit(folder)
    done = run(folder)
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout.endswith("is in dist/; nothing was uploaded\n")
    return folder


def git(folder: Path, *arguments: str) -> None:
    own = ("-c", "user.name=x", "-c", "user.email=x@example.com", "-c", "commit.gpgsign=false")
    subprocess.run(["git", *own, *arguments], cwd=folder, check=True, capture_output=True)


def commit(folder: Path) -> None:
    git(folder, "add", "--all")
    git(folder, "commit", "--quiet", "--message", "x")


def run(folder: Path) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, str(folder / "scripts" / "release.py")]
    return subprocess.run(command, capture_output=True, text=True, timeout=2 * HANG, check=False, cwd=folder.parent)


@pytest.mark.long
def test_a_release_is_made_of_what_is_committed_and_nothing_else_passes_for_it(tmp_path: Path) -> None:
    # One test, since each worker would make the checkout's release anew.
    made = checkout(tmp_path / "checkout")
    wheel, sdist = next((made / "dist").glob("*.whl")), next((made / "dist").glob("*.tar.gz"))
    version = wheel.name.split("-")[1]
    assert {path.name for path in (made / "dist").iterdir()} == {wheel.name, sdist.name, "SHA256SUMS"}
    sums = (made / "dist" / "SHA256SUMS").read_text().split()
    assert sums[::2] == [hashlib.sha256(path.read_bytes()).hexdigest() for path in (sdist, wheel)]
    assert (
        list(release.wheel_problems(wheel, version, made)) == list(release.sdist_problems(sdist, version, made)) == []
    )

    for change, extra, told in WHEELS:
        changed = rewritten(wheel, tmp_path / wheel.name, change, extra)
        problems = list(release.wheel_problems(changed, version, made))
        assert any(re.search(told, problem) for problem in problems), (told, problems)
    for name, data, told in SDISTS:
        changed = repacked(sdist, tmp_path / sdist.name, name, data, f"grok_imagine-{version}/")
        problems = list(release.sdist_problems(changed, version, made))
        assert any(re.search(told, problem) for problem in problems), (told, problems)

    for path in (made / "overlay" / "grok_imagine" / "left_over.py", made / "new.txt"):
        path.write_text("", encoding="utf-8")
    before = {path.name: path.stat().st_mtime_ns for path in (made / "dist").iterdir()}
    done = run(made)
    assert done.returncode == 1 and done.stdout == "" and done.stderr.endswith("no release was made\n")
    assert "left_over.py: not committed" in done.stderr and "new.txt: not committed" in done.stderr
    assert before == {path.name: path.stat().st_mtime_ns for path in (made / "dist").iterdir()}


def test_what_is_no_commit_is_no_release(tmp_path: Path) -> None:
    assert list(release.uncommitted(tmp_path)) == ["git status fails: a release is made of a commit"]


def rewritten(wheel: Path, target: Path, change: Change, extra: dict[str, bytes]) -> Path:
    """A wheel with other files; None leaves one out."""
    with zipfile.ZipFile(wheel) as archive:
        files = {name: archive.read(name) for name in archive.namelist()}
    with zipfile.ZipFile(target, "w") as archive:
        for name, data in (files | extra).items():
            if (new := change(name, data)) is not None:
                archive.writestr(name, new)
    return target


def repacked(sdist: Path, target: Path, name: str, data: bytes, root: str) -> Path:
    """An sdist with another file; without data it has none of that name."""
    with tarfile.open(sdist) as old, tarfile.open(target, "w:gz", compresslevel=1) as new:
        for member in old.getmembers():
            if member.name != root + name:
                new.addfile(member, old.extractfile(member))
        if data:
            member = tarfile.TarInfo(root + name)
            member.size = len(data)
            new.addfile(member, io.BytesIO(data))
    return target


def in_metadata(old: bytes, new: bytes) -> Callable[[str, bytes], bytes]:
    return lambda name, data: data.replace(old, new, 1) if name.endswith("METADATA") else data


WHEELS: list[tuple[Change, dict[str, bytes], str]] = [
    (in_metadata(b"Version: 0", b"Version: 9"), {}, "METADATA: version is 9"),
    (in_metadata(b"Name: grok-imagine", b"Name: grok-imagined"), {}, "METADATA: name is grok-imagined"),
    (in_metadata(b"License-Expression: MIT", b"License-Expression: Nobody's"), {}, "METADATA: .*license"),
    (in_metadata(b"License-Expression: MIT", b"License-Expression: BSD-3-Clause"), {}, "license_expression is BSD"),
    (in_metadata(b"Provides-Extra: cli", b"Provides-Extra: clip"), {}, "extras are not those"),
    (in_metadata(b"Requires-Python: >=3.11", b"Requires-Python: new"), {}, "METADATA: .*requires-python"),
    (in_metadata(b"# grok-imagine", b"# other"), {}, r"description is not README\.md"),
    (lambda name, data: None if name.endswith("py.typed") else data, {}, r"py\.typed is missing"),
    (lambda name, data: None if name.endswith("METADATA") else data, {}, "METADATA: "),
    (lambda name, data: None if "entry_points" in name else data, {}, r"has no entry_points\.txt"),
    (lambda name, data: data + b"#" if name == "grok_imagine/errors.py" else data, {}, r"errors\.py differs"),
    (lambda name, data: data, {"grok_imagine/key.py": b"x"}, r"key\.py is not in the checkout"),
    (lambda name, data: data, {"tests/x.py": b"x"}, r"tests/x\.py is not in the checkout"),
]
"""What is changed, what is added, and what is said of it."""

SDISTS = [
    ("docs/.env", b"XAI_API_KEY=x", r"docs/\.env is in it"),
    ("jobs.db", b"x", r"jobs\.db is in it"),
    ("docs/new.md", b"x", r"docs/new\.md is not that of the checkout"),
    ("README.md", b"x", r"README\.md is not that of the checkout"),
    ("CHANGELOG.md", b"", r"has no CHANGELOG\.md"),
]


def test_nothing_in_the_recipe_uploads() -> None:
    code = (ROOT / "scripts" / "release.py").read_text(encoding="utf-8")
    recipe = (ROOT / "Makefile").read_text(encoding="utf-8").partition("\nrelease:")[2].partition("\n\n")[0]
    assert not re.search(r"twine|publish|https?:|requests|httpx|urllib", code + recipe)


def test_what_warns_of_its_end_is_in_the_table() -> None:
    page = (ROOT / "docs" / "deprecation.md").read_text(encoding="utf-8")
    warned = []
    for path in sorted((ROOT / "overlay").rglob("*.py")):
        for function in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(function, ast.FunctionDef | ast.AsyncFunctionDef) and any(
                isinstance(node, ast.Name) and node.id == "DeprecationWarning" for node in ast.walk(function)
            ):
                warned.append(function.name)
    told = re.findall(r"^\| `(?:\w+\.)?(\w+)", page.partition("Deprecated now:")[2].partition("\n## ")[0], re.M)
    assert sorted(warned) == sorted(told) and warned


def test_the_tests_that_security_names_exist() -> None:
    named = re.findall(r"`(tests/[^`]+)`", (ROOT / "SECURITY.md").read_text(encoding="utf-8"))
    assert len(named) > 7 and [name for name in named if not (ROOT / name).exists()] == []
