"""Build the documentation into build/site: site_build.py [--into FOLDER].

The pages of the contract are made of the document; the others are copied from docs/ and from where they stand. Links into the
repository become links to pages, or downloads. What is built says nothing of when and where. It is not built again if nothing
that goes into it has changed.
"""

from __future__ import annotations

import argparse
import fcntl
import hashlib
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from posixpath import dirname, normpath, relpath
from typing import Any

import site_api
import yaml
from contract_page import table
from site_figures import Figures, sections
from site_markup import Register, link, register_page, resolve
from site_operations import Operations
from site_rules import Rules

ROOT = Path(__file__).resolve().parents[1]
SITE = ROOT / "build" / "site"
SOURCE = ROOT / "build" / "site-source"
STAMP = ROOT / "build" / "site.stamp"
INPUTS = (
    "docs",
    "openapi/*.md",
    "openapi/*.yaml",
    "openapi/schemas",
    "openapi/conformance/*.md",
    "overlay",
    "scripts",
    "*.md",
    "pyproject.toml",
)

PAGES = {
    "CHANGELOG.md": "changelog.md",
    "CONTRIBUTING.md": "contributing.md",
    "README.md": "index.md",
    "SECURITY.md": "security.md",
    "docs/contract.md": "contract/index.md",
    "openapi/CHANGELOG.md": "contract/changelog.md",
    "openapi/README.md": "contract/languages.md",
    "openapi/conformance/README.md": "contract/conformance.md",
    "openapi/register.md": "contract/register.md",
}
"""Where pages go that are not at their place in docs/, if they are there."""

MADE = ("README.md", "docs/contract.md", "openapi/register.md")
"""Pages that are written otherwise, or made anew, for the site."""

CONTRACT = """# The contract

Version {version} of [the document](../../openapi/grok-imagine.yaml), as pages: what each operation takes and answers, and what schemas
can't say. It is unofficial; its facts come from published recordings, probes and documents, with their sources in {register}.
**None of them was verified live by this project.**

Each rule has a confidence:

{confidences}
An `InvalidRequest` names the section that it goes by, such as {section}; {sections} leads to each of them.

```{{toctree}}
:maxdepth: 1
:caption: Operations
videos
video-models
batches
files
schemas
failures
```

```{{toctree}}
:maxdepth: 1
:caption: Rules
modes
models
inputs
misnomers
waiter
errors
limits
prices
changes
```

```{{toctree}}
:maxdepth: 1
:caption: About it
Register <register>
sections
languages
conformance
```
"""


def contract_pages() -> dict[str, str]:
    """The contract's pages, by name."""
    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    document: dict[str, Any] = yaml.load((ROOT / "openapi" / "grok-imagine.yaml").read_bytes(), loader)
    text = (ROOT / "openapi" / "register.md").read_text(encoding="utf-8")
    register = Register(text)
    pages: dict[str, str] = {}
    for part in (Operations, Rules, Figures):
        pages.update(part(document, register).pages())
    pages["sections"] = sections(pages)
    pages["register"] = register_page(text)
    rows = [
        ["**H**", "Recorded, probed, or from two official sources", "refused, before anything is sent"],
        ["**M**", "From one official source or several clients", "sent, with a `ContractWarning`"],
        ["**L**", "From one other source, or inferred", "sent, with a `ContractWarning`"],
    ]
    pages["index"] = CONTRACT.format(
        version=document["info"]["version"],
        register=link("register:Register of facts: Grok Imagine video API", "the register"),
        confidences=table(["", "Means", "A request against it is"], rows),
        section=link("x-modes.modes.edit-video"),
        sections=link("client", "the list of sections"),
    )
    return resolve(pages)


def page_of(path: str) -> str | None:
    """The page of the site that a file of the repository becomes, if any."""
    if path in PAGES:
        return PAGES[path]
    return path.removeprefix("docs/") if re.fullmatch(r"docs/.*\.md", path) else None


def relink(text: str, path: str, page: str) -> Iterator[str]:
    """A page's text with its links from its place in the repository to those of the site; what it needs is copied there."""
    for part in re.split(r"(?ms)(^```.*?^```)", text):
        yield (
            part
            if part.startswith("```")
            else re.sub(
                r"(!?)\[((?:[^\[\]]|\[[^\]]*\])*)\]\((?!https?:|mailto:|#)([^)#\s]+)(#[^)\s]*)?\)",
                lambda m: _link(m, path, page),
                part,
            )
        )


def _link(found: re.Match[str], path: str, page: str) -> str:
    image, words, target, anchor = found[1], found[2], found[3], found[4] or ""
    there = normpath(f"{dirname(path)}/{target}").lstrip("/")
    if (to := page_of(there)) and (ROOT / there).is_file():
        anchor = "" if there in MADE else anchor
        return f"{image}[{words}]({relpath(to, dirname(page) or '.')}{anchor})"
    if (ROOT / there).is_file():
        copy = there.removeprefix("docs/") if image else f"files/{there}"
        _write(copy, (ROOT / there).read_bytes())
        return f"{image}[{words}]({relpath(copy, dirname(page) or '.')})"
    if (there.startswith("docs/") and page_of(there) is None) or (ROOT / there).is_dir():
        return words
    return found[0]


def _write(name: str, data: bytes) -> None:
    target = SOURCE / name
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_bytes(data)


def stage() -> None:
    """Writes all sources of the site into one folder."""
    shutil.rmtree(SOURCE, ignore_errors=True)
    for name, text in contract_pages().items():
        place = "openapi/register.md" if name == "register" else f"docs/contract/{name}.md"
        _write(f"contract/{name}.md", "".join(relink(text, place, f"contract/{name}.md")).encode())
    for name, text in site_api.pages().items():
        _write(f"api/{name}.md", text.encode())
    docs = [path.relative_to(ROOT).as_posix() for path in sorted((ROOT / "docs").rglob("*.md"))]
    for path in [*docs, *PAGES]:
        if path not in MADE and (ROOT / path).is_file() and (page := page_of(path)):
            text = (ROOT / path).read_text(encoding="utf-8")
            _write(page, "".join(relink(text, path, page)).encode())
    list_the_rest()
    _write("conf.py", (ROOT / "docs" / "conf.py").read_bytes())
    shutil.copytree(ROOT / "docs" / "_static", SOURCE / "_static", dirs_exist_ok=True)


def list_the_rest() -> None:
    """Puts each page that no list names into one: a guide into that of the guides, any other into the first page's."""
    found = (path.relative_to(SOURCE).as_posix().removesuffix(".md") for path in SOURCE.rglob("*.md"))
    staged = {page for page in found if not page.startswith("files/")}
    lists = [
        (dirname(page), (SOURCE / f"{page}.md").read_text(encoding="utf-8"))
        for page in staged
        if page.endswith("index")
    ]
    listed = {
        normpath(f"{folder or '.'}/{name}")
        for folder, text in lists
        for block in re.findall(r"(?ms)^```\{toctree\}\n(.*?)^```", text)
        for name in re.findall(r"(?m)^(?:.*<)?([\w./-]+)>?$", block)
    }
    rest = sorted(staged - listed - {"index"})
    for prefix in ("guides/", "contract/", ""):
        names = [name.removeprefix(prefix) for name in rest if name.startswith(prefix)]
        rest = [name for name in rest if not name.startswith(prefix)]
        if names:
            index = SOURCE / f"{prefix}index.md"
            listing = "\n".join(["```{toctree}", *([] if prefix else [":hidden:"]), *names, "```"])
            index.write_text(f"{index.read_text(encoding='utf-8')}\n{listing}\n", encoding="utf-8")


def fingerprint() -> str:
    """What goes into the site."""
    files = {
        file
        for pattern in INPUTS
        for path in ROOT.glob(pattern)
        for file in (path.rglob("*") if path.is_dir() else [path])
    }
    total = hashlib.sha256(sys.version.encode())
    for file in sorted(files):
        if file.is_file() and "__pycache__" not in file.parts:
            total.update(
                file.relative_to(ROOT).as_posix().encode() + b"\0" + hashlib.sha256(file.read_bytes()).digest()
            )
    return total.hexdigest()


def build(into: Path = SITE) -> None:
    """Builds the site anew. A warning is an error.

    Raises:
        SystemExit: Sphinx found something wrong.
    """
    from sphinx.cmd.build import build_main

    stage()
    shutil.rmtree(into, ignore_errors=True)
    os.environ["SOURCE_DATE_EPOCH"] = "0"
    trees = into.with_name(f"{into.name}.trees")
    arguments = ["-q", "-W", "--keep-going", "-E", "-b", "html", "-d", str(trees), str(SOURCE), str(into)]
    try:
        if failed := build_main(arguments):
            raise SystemExit(failed)
    finally:
        shutil.rmtree(trees, ignore_errors=True)
    for left in (".buildinfo", ".nojekyll"):
        (into / left).unlink(missing_ok=True)


def ensure() -> Path:
    """The site as it is to be: built, unless it is there. Of several processes one builds it, and the others wait."""
    STAMP.parent.mkdir(exist_ok=True)
    with STAMP.with_suffix(".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        _ensure()
    return SITE


def _ensure() -> None:
    now = fingerprint()
    if not (SITE / "index.html").is_file() or not STAMP.is_file() or STAMP.read_text(encoding="utf-8") != now:
        STAMP.unlink(missing_ok=True)
        # In a process of its own: it is nothing to Sphinx what its caller makes of warnings, the time zone or the folder.
        subprocess.run([sys.executable, __file__, "--into", str(SITE)], check=True, cwd=ROOT)
        STAMP.write_text(now, encoding="utf-8")


def main() -> None:
    """As the first line of this file says."""
    parser = argparse.ArgumentParser(description="Build the documentation.")
    parser.add_argument("--into", type=Path, help="another folder than build/site")
    given = parser.parse_args()
    if given.into:
        build(given.into)
    else:
        print(f"{ensure() / 'index.html'}")


if __name__ == "__main__":
    main()
