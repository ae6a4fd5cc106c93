"""The sources of the site in one folder: pages made of the document and the docstrings, and pages copied from where they stand."""

from __future__ import annotations

import re
import shutil
from pathlib import Path
from posixpath import dirname, normpath, relpath
from typing import Any

import site_api
import site_notebooks
import yaml
from contract_page import table
from site_figures import Figures, sections
from site_markup import Register, link, register_page, resolve
from site_operations import Operations
from site_rules import Rules

ROOT = Path(__file__).resolve().parents[1]

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


LINK = re.compile(r"(!?)\[((?:[^\[\]]|\[[^\]]*\])*)\]\((?!https?:|mailto:|#)([^)#\s]+)(#[^)\s]*)?\)")
"""A link within the repository: image, words, target, anchor."""


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
    found = re.fullmatch(r"docs/(.*)\.(md|ipynb)", path)
    return f"{found[1]}.md" if found else None


class Sources:
    """A folder with all sources of the site.

    Args:
        folder: It is written anew.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        shutil.rmtree(folder, ignore_errors=True)
        for name, text in contract_pages().items():
            place = "openapi/register.md" if name == "register" else f"docs/contract/{name}.md"
            self._page(f"contract/{name}.md", text, place)
        for name, text in site_api.pages().items():
            self._write(f"api/{name}.md", text.encode())
        docs = [path.relative_to(ROOT).as_posix() for path in sorted((ROOT / "docs").rglob("*.md"))]
        for path in [*docs, *PAGES]:
            if path not in MADE and (ROOT / path).is_file() and (page := page_of(path)):
                self._page(page, (ROOT / path).read_text(encoding="utf-8"), path)
        for notebook in sorted((ROOT / "docs").rglob("*.ipynb")):
            path = notebook.relative_to(ROOT).as_posix()
            self._page(str(page_of(path)), site_notebooks.page(notebook), path)
        self._list_the_rest()
        self._write("conf.py", (ROOT / "docs" / "conf.py").read_bytes())
        shutil.copytree(ROOT / "docs" / "_static", folder / "_static", dirs_exist_ok=True)

    def _write(self, name: str, data: bytes) -> None:
        target = self.folder / name
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(data)

    def _page(self, page: str, text: str, path: str) -> None:
        """Writes a page with its links from its place in the repository to those of the site."""
        parts = re.split(r"(?ms)(^```.*?^```)", text)
        parts[::2] = [LINK.sub(lambda found: self._link(found, path, page), part) for part in parts[::2]]
        self._write(page, "".join(parts).encode())

    def _link(self, found: re.Match[str], path: str, page: str) -> str:
        """A link to a page, or to a copy of what it leads to. What is no part of contract and documents is named only."""
        image, words, target, anchor = found[1], found[2], found[3], found[4] or ""
        there = normpath(f"{dirname(path)}/{target}").lstrip("/")
        if (to := page_of(there)) and (ROOT / there).is_file():
            return f"{image}[{words}]({relpath(to, dirname(page) or '.')}{'' if there in MADE else anchor})"
        if (ROOT / there).is_file() and there.startswith(("docs/", "openapi/")):
            copy = there.removeprefix("docs/") if image else f"files/{there}"
            self._write(copy, (ROOT / there).read_bytes())
            return f"{image}[{words}]({relpath(copy, dirname(page) or '.')})"
        return words if (ROOT / there).exists() else found[0]

    def _list_the_rest(self) -> None:
        """Puts each page that no list names into one: that of the guides, of the contract, or of the first page."""
        found = (path.relative_to(self.folder).as_posix().removesuffix(".md") for path in self.folder.rglob("*.md"))
        staged = {page for page in found if not page.startswith("files/")}
        listed = {
            normpath(f"{dirname(page) or '.'}/{name}")
            for page in staged
            if page.endswith("index")
            for block in re.findall(r"(?ms)^```\{toctree\}\n(.*?)^```", self._text(page))
            for name in re.findall(r"(?m)^(?:.*<)?([\w./-]+)>?$", block)
        }
        rest = sorted(staged - listed - {"index"})
        for prefix in ("guides/", "contract/", ""):
            names = [name.removeprefix(prefix) for name in rest if name.startswith(prefix)]
            rest = [name for name in rest if not name.startswith(prefix)]
            if names:
                option = ":maxdepth: 1" if prefix else ":hidden:"
                listing = "\n".join(["```{toctree}", option, *names, "```"])
                self._write(f"{prefix}index.md", f"{self._text(f'{prefix}index')}\n{listing}\n".encode())

    def _text(self, page: str) -> str:
        return (self.folder / f"{page}.md").read_text(encoding="utf-8")
