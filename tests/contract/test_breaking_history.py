"""The gate in a repository: which revision it compares with, and what it says and ends with."""

from __future__ import annotations

import importlib
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from support import ROOT

sys.path.append(str(ROOT / "scripts"))
gate = importlib.import_module("check_breaking")

CHANGELOG = "# Changelog\n\n## 9.0.0\n\n### Breaking\n\n### Other\n"


class Repository:
    """A repository with the contract and the gate."""

    def __init__(self, root: Path) -> None:
        self.root = root
        shutil.copytree(ROOT / "openapi" / "schemas", root / "openapi" / "schemas")
        (root / "scripts").mkdir()
        for path in [*(ROOT / "scripts").glob("check_breaking*.py"), ROOT / "scripts" / "compile_contract.py"]:
            shutil.copy(path, root / "scripts")
        self.git("init", "-q")
        text = (ROOT / gate.DOCUMENT).read_text(encoding="utf-8")
        self.write(gate.DOCUMENT, re.sub(r"^  version: .*", "  version: 9.0.0", text, count=1, flags=re.MULTILINE))
        self.write(gate.CHANGELOG, CHANGELOG)
        self.first = self.commit()

    def git(self, *arguments: str) -> str:
        identity = ["-c", "user.name=x", "-c", "user.email=x@example.com", "-c", "commit.gpgsign=false"]
        return subprocess.run(
            ["git", *identity, *arguments], cwd=self.root, check=True, capture_output=True, text=True
        ).stdout

    def commit(self) -> str:
        self.git("add", "-A")
        self.git("commit", "-qm", "x")
        return self.git("rev-parse", "HEAD").strip()

    def write(self, name: str, text: str) -> None:
        (self.root / name).write_text(text, encoding="utf-8")

    def edit(self, name: str, old: str, new: str) -> None:
        text = (self.root / name).read_text(encoding="utf-8")
        assert old in text
        self.write(name, text.replace(old, new, 1))

    def run(self, *arguments: str, **environment: str) -> tuple[int, str]:
        clean = {key: value for key, value in os.environ.items() if key not in {"CI", "STRICT"}}
        done = subprocess.run(
            [sys.executable, "scripts/check_breaking.py", *arguments],
            cwd=self.root, capture_output=True, text=True, check=False, env=clean | environment,
        )  # fmt: skip
        return done.returncode, done.stdout + done.stderr


@pytest.fixture
def repository(tmp_path: Path) -> Repository:
    return Repository(tmp_path)


def test_an_edit_fails_until_its_versions_and_its_entry_are_there(repository: Repository) -> None:
    assert repository.run(repository.first)[0] == 0
    repository.edit(gate.DOCUMENT, "  timeout: 600", "  timeout: 300")
    code, said = repository.run(repository.first)
    assert code == 1 and "breaking: x-waiter timeout: 600 is now 300" in said
    assert "an edit that breaks raises its first number" in said and "the version of x-waiter" in said
    version = re.search(
        r"^x-waiter:\n  version: (\S+)", (repository.root / gate.DOCUMENT).read_text(encoding="utf-8"), re.MULTILINE
    )
    assert version
    first, second, _ = version[1].split(".")
    higher = f"{first}.{int(second) + 1}.0"
    repository.edit(gate.DOCUMENT, f"x-waiter:\n  version: {version[1]}", f"x-waiter:\n  version: {higher}")
    repository.edit(gate.DOCUMENT, "  version: 9.0.0", "  version: 10.0.0")
    code, said = repository.run(repository.first)
    assert code == 1 and said.count("error:") == 1 and "has no first entry `## 10.0.0`" in said
    repository.edit(
        gate.CHANGELOG, "## 9.0.0", f"## 10.0.0\n\n### Breaking\n\n- `x-waiter` {higher}: less patience.\n\n## 9.0.0"
    )
    assert repository.run(repository.first)[0] == 0
    assert repository.run()[0] == 0


def test_without_a_base_it_is_the_version_before_and_the_changelog_keeps_pace(repository: Repository) -> None:
    code, said = repository.run()
    assert code == 0 and "never had another version" in said
    repository.write("another", "")
    other = repository.commit()
    repository.edit(gate.DOCUMENT, "  version: 9.0.0", "  version: 9.0.1")
    repository.edit(gate.CHANGELOG, "## 9.0.0", "## 9.0.1\n\n## 9.0.0")
    assert gate.version_before("9.0.1", repository.root) == other
    repository.commit()
    assert gate.version_before("9.0.1", repository.root) == other
    assert repository.run()[0] == 0
    repository.edit(gate.DOCUMENT, "title: Grok Imagine video API", "title: Grok Imagine's video API")
    code, said = repository.run()
    assert code == 1 and "was edited after openapi/CHANGELOG.md" in said
    repository.commit()
    assert repository.run()[0] == 1
    repository.edit(gate.CHANGELOG, "## 9.0.1\n", "## 9.0.1\n\n- The title.\n")
    assert repository.run()[0] == 0
    repository.commit()
    assert repository.run()[0] == 0


def test_what_is_asked_for_and_missing_is_an_error(repository: Repository) -> None:
    code, said = repository.run(repository.first, STRICT="1")
    assert code == 1 and "STRICT and CI want oasdiff" in said
    code, said = repository.run("no-such-revision")
    assert code == 1 and "no-such-revision" in said
