"""Say what the edits of the contract break, and demand raised versions and a changelog entry: check_breaking.py [BASE] [--oasdiff PROGRAM].

BASE is a revision. Without one it is the last at which the document had another version, and the document may not be
younger than its changelog. openapi/README.md has the rules.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import subprocess
import sys
import tempfile
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml
from check_breaking_names import bound_edits, name_edits
from check_breaking_rules import Finding, block_edits
from compile_contract import shipped

ROOT = Path(__file__).resolve().parents[1]
DOCUMENT, CHANGELOG, SCHEMAS = "openapi/grok-imagine.yaml", "openapi/CHANGELOG.md", "openapi/schemas"
# Definitions of a block's schema that list names of the service, which data may add to.
NAMES = {"field", "mode_name", "propertyNames"}
# The reader in C, where there is one, for it is ten times as fast.
LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
PROSE = {"title", "description", "$comment", "examples"}
NUMBERS = ("first", "second", "third")


@dataclass(frozen=True)
class Edition:
    """The contract as it is at one time."""

    document: Mapping[str, Any]
    schemas: Mapping[str, Any]
    changelog: str = ""

    @property
    def version(self) -> str:
        """The document's own."""
        return str(self.document["info"]["version"])


def read(text: str) -> dict[str, Any]:
    """The document as it is shipped."""
    return shipped(yaml.load(text, Loader=LOADER))


def here(root: Path = ROOT) -> Edition:
    """The contract in the work tree."""
    schemas = {
        path.stem: json.loads(path.read_text(encoding="utf-8")) for path in sorted((root / SCHEMAS).glob("*.json"))
    }
    changelog = root / CHANGELOG
    document = read((root / DOCUMENT).read_text(encoding="utf-8"))
    return Edition(document, schemas, changelog.read_text(encoding="utf-8") if changelog.exists() else "")


def git(*arguments: str, root: Path = ROOT, missing: str | None = None) -> str:
    """What git says; of a file that a revision lacks, `missing`."""
    done = subprocess.run(["git", *arguments], cwd=root, capture_output=True, text=True, check=False)
    if done.returncode and missing is None:
        raise SystemExit(f"git {' '.join(arguments)}: {done.stderr.strip()}")
    return done.stdout if done.returncode == 0 else missing or ""


def at(revision: str, root: Path = ROOT) -> Edition:
    """The contract of a revision."""
    files = git("ls-tree", "--name-only", revision, f"{SCHEMAS}/", root=root).split()
    schemas = {Path(name).stem: json.loads(git("show", f"{revision}:{name}", root=root)) for name in files}
    document = read(git("show", f"{revision}:{DOCUMENT}", root=root))
    return Edition(document, schemas, git("show", f"{revision}:{CHANGELOG}", root=root, missing=""))


def version_before(version: str, root: Path = ROOT) -> str | None:
    """The last revision at which the document had another version: that before the one which gave it this version."""
    raising = None
    for revision in git("log", "--first-parent", "--format=%H", "--", DOCUMENT, root=root).split():
        text = git("show", f"{revision}:{DOCUMENT}", root=root, missing="")
        found = re.search(r"^  version: (\S+)$", text, re.MULTILINE)
        if found and found[1] != version:
            return git("rev-parse", f"{raising}^" if raising else "HEAD", root=root).strip()
        raising = revision
    return None


def is_younger_than_its_changelog(now: Edition, root: Path = ROOT) -> bool:
    """Whether the document was edited after the changelog was."""
    last = git("log", "-1", "--format=%H", "--", CHANGELOG, root=root).strip()
    then = at(last, root) if last else None
    return then is not None and then.changelog == now.changelog and then.document != now.document


def schema_edits(before: Edition, after: Edition, program: Path) -> list[Finding]:
    """What oasdiff finds; its warnings break, too."""
    with tempfile.TemporaryDirectory() as folder:
        paths = [Path(folder, name) for name in ("before.json", "after.json")]
        for path, edition in zip(paths, (before, after), strict=True):
            path.write_text(json.dumps(edition.document), encoding="utf-8")
        command = [str(program), "changelog", *map(str, paths), "--format", "json", "--allow-external-refs=false"]
        done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=120)
    if done.returncode:
        raise SystemExit(f"oasdiff: {done.stderr.strip()}")
    rows = [row for row in json.loads(done.stdout or "[]") if row["id"] != "api-version-not-bumped"]
    made = (Finding(row.get("operationId", "paths"), row["id"], row["level"] > 1, row["text"]) for row in rows)
    return list(dict.fromkeys(made))


def findings(before: Edition, after: Edition, program: Path | None = None) -> list[Finding]:
    """Each edit, and whether it breaks whoever relies on the contract."""
    made = [*name_edits(before.document, after.document), *bound_edits(before.document, after.document)]
    if program is not None:
        made += schema_edits(before, after, program)
    return [*made, *block_edits(before.document, after.document)]


def shape(schema: Any, name: str = "") -> Any:
    """What of a block's schema its readers rely on: all but prose and the names that data may add."""
    if isinstance(schema, dict):
        left = PROSE | ({"enum", "minProperties", "pattern", "type"} if name in NAMES else set())
        return {
            key: shape(item, key) for key, item in schema.items() if key not in left or not isinstance(item, str | list)
        }
    return [shape(item) for item in schema] if isinstance(schema, list) else schema


def numbers(version: str) -> tuple[int, ...]:
    """A version's numbers."""
    return tuple(map(int, version.split(".")))


def raised(before: str, after: str, number: int) -> bool:
    """Whether the number, 0 for the first, or one before it is higher than it was."""
    return numbers(after)[: number + 1] > numbers(before)[: number + 1]


def demanded(before: Edition, after: Edition, found: Sequence[Finding]) -> list[str]:
    """What is wrong with versions and changelog."""
    if before.document == after.document and before.schemas == after.schemas:
        return []
    breaks = any(finding.breaking for finding in found)
    number = (1 if numbers(before.version)[0] == 0 else 0) if breaks else 2
    wrong = [] if raised(before.version, after.version, number) else [
        f"the document's version was {before.version} and is {after.version}: an edit that "
        f"{'breaks' if breaks else 'breaks nobody'} raises its {NUMBERS[number]} number"
    ]  # fmt: skip
    changed = [name for name in blocks(after) if _changed(name, before, after)]
    for name in changed:
        wrong += _block(name, before, after, [finding for finding in found if finding.subject == name])
    return wrong + _entry(after, found, changed)


def blocks(edition: Edition) -> list[str]:
    """The `x-` blocks."""
    return [name for name in edition.document if name.startswith("x-")]


def _changed(name: str, before: Edition, after: Edition) -> bool:
    return before.document.get(name) != after.document[name] or before.schemas.get(name) != after.schemas.get(name)


def _block(name: str, before: Edition, after: Edition, found: Iterable[Finding]) -> list[str]:
    """What is wrong with the version of a block that was edited."""
    if name not in before.document:
        return []
    old, new = before.document[name]["version"], after.document[name]["version"]
    if shape(before.schemas.get(name)) != shape(after.schemas.get(name)):
        number, why = 0, "whose schema asks its readers to change"
    elif any(finding.breaking for finding in found):
        number, why = 1, "that breaks"
    else:
        number, why = 2, "that breaks nobody"
    if raised(old, new, number):
        return []
    return [f"the version of {name} was {old} and is {new}: an edit {why} raises its {NUMBERS[number]} number"]


def sections(changelog: str) -> dict[str, str]:
    """The changelog's entries by version."""
    parts = re.split(r"^## (\S+).*$", changelog, flags=re.MULTILINE)
    return dict(zip(parts[1::2], parts[2::2], strict=True))


def _entry(after: Edition, found: Iterable[Finding], changed: Iterable[str]) -> list[str]:
    """What the changelog lacks."""
    entries = sections(after.changelog)
    if next(iter(entries), None) != after.version:
        return [f"{CHANGELOG} has no first entry `## {after.version}`"]
    entry = entries[after.version]
    breaking = re.split(r"^### ", entry.partition("### Breaking")[2], flags=re.MULTILINE)[0]
    versions = {name: after.document[name]["version"] for name in changed}
    wrong = [
        f"{CHANGELOG}: the entry does not name `{name}` {new}"
        for name, new in versions.items()
        if f"`{name}` {new}" not in entry
    ]
    subjects = sorted({finding.subject for finding in found if finding.breaking})
    return wrong + [f"{CHANGELOG}: `{name}` is not under Breaking" for name in subjects if f"`{name}`" not in breaking]


def main() -> int:
    """Compares, and says what is wrong."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("base", nargs="?", default="")
    parser.add_argument("--oasdiff", type=Path)
    options = parser.parse_args()
    now, wrong = here(), []
    if not options.base and git("rev-parse", "--is-shallow-repository", missing="").strip() != "false":
        print("the contract before: not compared, there is no whole history here")
        return 0
    base = options.base or version_before(now.version)
    if base is None:
        print(f"the document never had another version than {now.version}")
        return 0
    program = options.oasdiff if options.oasdiff and options.oasdiff.exists() else None
    if program is None:
        print("oasdiff: not run, there is no Go here")
        wrong += ["STRICT and CI want oasdiff"] if os.environ.get("STRICT") or os.environ.get("CI") else []
    then = at(base)
    found = findings(then, now, program)
    wrong += demanded(then, now, found)
    if not options.base and is_younger_than_its_changelog(now):
        wrong.append(f"the document was edited after {CHANGELOG}; say there what")
    for line in (*found, *(f"error: {text}" for text in wrong)):
        print(line)
    print(
        f"the contract since {then.version} at {base[:12]}: {sum(each.breaking for each in found)} edits break, {len(wrong)} errors"
    )
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
