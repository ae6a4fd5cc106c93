"""The site: built without a warning, the same each time, whole in its folder, with an anchor for each section that is named."""

from __future__ import annotations

import ast
import inspect
import itertools
import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from functools import cached_property
from pathlib import Path
from typing import Any

import site_api
import site_build
from site_pages import pages
from sphinx.pycode import ModuleAnalyzer

import grok_imagine
from support import ROOT

PACKAGE = ROOT / "overlay" / "grok_imagine"


def test_each_link_leads_to_a_page_of_the_site_and_to_an_anchor_there() -> None:
    broken = []
    for page in pages().values():
        for link in page.links:
            if (target := page.target(link)) is None:
                continue
            there, anchor = target
            known = pages()[there].ids if there in pages() else None
            if not there.is_file() or (anchor and known is not None and anchor not in known):
                broken.append(f"{page.path.name}: {link}")
    assert not broken
    assert sum(len(page.links) for page in pages().values()) > 1000


def test_no_anchor_is_there_twice() -> None:
    for page in pages().values():
        assert len(page.ids) == len(set(page.ids)), page.path.name


def test_nothing_is_fetched_from_elsewhere() -> None:
    for page in pages().values():
        for loaded in page.loaded:
            target = page.target(loaded)
            assert loaded.startswith("data:") or (target and target[0].is_file()), (page.path.name, loaded)
    for sheet in site_build.SITE.rglob("*.css"):
        for url in re.findall(r"@import[^;]*|url\(\s*[\"']?([^\"')]*)", sheet.read_text(encoding="utf-8")):
            assert not re.match(r"https?:|//", url), (sheet.name, url)


def test_nothing_of_this_machine_is_in_it() -> None:
    for path in site_build.SITE.rglob("*"):
        if path.is_file() and path.suffix in (".html", ".js", ".css", ".json"):
            assert str(ROOT) not in path.read_text(encoding="utf-8"), path.name


def test_it_is_the_same_each_time(tmp_path: Path) -> None:
    first = {path.relative_to(site_build.SITE): path.read_bytes() for path in files(site_build.ensure())}
    script = [sys.executable, str(ROOT / "scripts" / "site_build.py"), "--into", str(tmp_path / "again")]
    environment = {**os.environ, "PYTHONHASHSEED": "17", "TZ": "Asia/Tokyo", "LC_ALL": "C"}
    subprocess.run(script, check=True, env=environment, cwd=tmp_path, timeout=600)
    again = {path.relative_to(tmp_path / "again"): path.read_bytes() for path in files(tmp_path / "again")}
    assert again.keys() == first.keys()
    assert [name for name, data in first.items() if again[name] != data] == []


def files(folder: Path) -> Iterator[Path]:
    return (path for path in folder.rglob("*") if path.is_file())


def anchors() -> set[str]:
    """The anchors of the contract's pages."""
    return {one for path, page in pages().items() if path.parent.name == "contract" for one in page.ids}


def named_sections() -> Iterator[str]:
    """The sections that the package's code names; a part that is not constant is written {name}."""
    nodes = [
        node for path in sorted(PACKAGE.rglob("*.py")) for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
    ]
    functions = [node for node in nodes if isinstance(node, ast.FunctionDef)]
    places = {each.name: place for each in functions if (place := place_of(each)) is not None}
    for node in nodes:
        values: list[ast.expr] = []
        if (isinstance(node, ast.keyword) and node.arg == "section") or (
            isinstance(node, ast.Assign) and any(isinstance(t, ast.Name) and t.id == "section" for t in node.targets)
        ):
            values = [node.value]
        elif isinstance(node, ast.FunctionDef):
            values = [
                each.value for each in ast.walk(node) if isinstance(each, ast.Return) and node.name == "section_of"
            ]
            values += defaults(node)
        elif isinstance(node, ast.Call):
            place = places.get(getattr(node.func, "attr", getattr(node.func, "id", "")), len(node.args))
            values = node.args[place : place + 1]
        for value in values:
            yield from texts(value)


def place_of(function: ast.FunctionDef) -> int | None:
    """The place of the argument called section in a call without keywords."""
    names = [argument.arg for argument in function.args.args if argument.arg not in ("self", "cls")]
    return names.index("section") if "section" in names else None


def defaults(function: ast.FunctionDef) -> Iterator[ast.expr]:
    """What an argument called section is, if it is not given."""
    given, keywords = function.args.args, function.args.kwonlyargs
    pairs = [
        *zip(reversed(given), reversed(function.args.defaults), strict=False),
        *zip(keywords, function.args.kw_defaults, strict=True),
    ]
    return (default for argument, default in pairs if argument.arg == "section" and default is not None)


def texts(value: ast.expr) -> Iterator[str]:
    if isinstance(value, ast.Constant) and isinstance(value.value, str):
        yield value.value
    elif isinstance(value, ast.JoinedStr):
        yield "".join(
            str(part.value) if isinstance(part, ast.Constant) else f"{{{ast.unparse(part.value)}}}"
            for part in value.values
        )
    elif isinstance(value, ast.IfExp):
        yield from itertools.chain(texts(value.body), texts(value.orelse))


def written_out(section: str, document: dict[str, Any]) -> Iterator[str]:
    """The sections that a text with {names} may be."""
    modes, models = document["x-modes"]["modes"], document["x-modes"]["models"]
    if section == "x-modes.models.{model}.{mode}":
        yield from (f"x-modes.models.{model}.{mode}" for model, each in models.items() for mode in each["modes"])
    elif section.startswith("{section_of(mode)}.limits.{field}"):
        tail = section.removeprefix("{section_of(mode)}.limits.{field}")
        for mode, each in modes.items():
            for field, rule in each["limits"].items():
                if not tail or tail[1:] in rule:
                    yield f"x-modes.modes.{mode}.limits.{field}{tail}"
    else:
        known = {
            "{mode}": modes,
            "{model}": models,
            "{field}": document["x-modes"]["fields"],
            "{host}": document["x-regions"]["hosts"],
        }
        holes = re.findall(r"\{[^}]*\}", section)
        assert all(hole in known for hole in holes), f"{section}: what may stand there?"
        for parts in itertools.product(*(known[hole] for hole in holes)):
            text = section
            for hole, part in zip(holes, parts, strict=True):
                text = text.replace(hole, part, 1)
            yield text


def test_each_section_that_the_code_names_is_an_anchor(document: dict[str, Any]) -> None:
    named = set(named_sections())
    assert {
        "x-modes.modes.{mode}",
        "x-modes.inputs",
        "x-limits.page_size",
        "createBatch",
        "client",
        "x-modes.misnomers",
    } <= named
    found = {text for section in named for text in written_out(section, document)}
    assert found - anchors() == set()


def test_a_notebook_is_a_page_with_its_outputs() -> None:
    found = sorted((ROOT / "docs").rglob("*.ipynb"))
    assert found
    for path in found:
        page = pages()[site_build.SITE / path.relative_to(ROOT / "docs").with_suffix(".html")]
        cells = json.loads(path.read_text(encoding="utf-8"))["cells"]
        outputs = [output for cell in cells for output in cell.get("outputs", ())]
        html = page.path.read_text(encoding="utf-8")
        assert html.count('class="output"') == sum("text/html" in output.get("data", {}) for output in outputs) > 3
        assert html.count("<video") == 1 and "data:video/mp4;base64," in html
        for text in ("await client.video.generate", "pending", "$0.10"):
            assert text in page.text


def test_each_section_that_a_vector_names_is_an_anchor() -> None:
    found = {
        section
        for path in (ROOT / "openapi" / "conformance").glob("*/check.json")
        for vector in json.loads(path.read_text(encoding="utf-8"))
        for part in ("refused", "doubted")
        for _, _, section in vector["output"][part]
    }
    assert len(found) > 15 and found - anchors() == set()


def test_each_operation_schema_limit_and_heading_of_a_vector_is_an_anchor(document: dict[str, Any]) -> None:
    operations = {each["operationId"] for methods in document["paths"].values() for each in methods.values()}
    blocks = {name for name in document if name.startswith("x-") and name != "x-evidence"}
    limits = {f"x-limits.{name}" for name in document["x-limits"] if name != "version"}
    headings = {
        f"register:{vector['register']}"
        for path in (ROOT / "openapi" / "conformance").glob("*/*.json")
        for vector in json.loads(path.read_text(encoding="utf-8"))
        if "register" in vector
    }
    wanted = operations | blocks | limits | headings | document["components"]["schemas"].keys()
    assert len(operations) > 15 and len(headings) > 15 and wanted - anchors() == set()


def leaves(node: Any, path: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], Any]]:
    if isinstance(node, dict):
        for key, value in node.items():
            yield from leaves(value, (*path, str(key)))
    elif isinstance(node, list):
        for value in node:
            yield from leaves(value, path)
    elif node is not None and not isinstance(node, bool):
        yield path, node


def plain(text: str) -> str:
    """A text as a page shows it."""
    return " ".join(text.replace("`", "").replace("**", "").split())


def test_no_word_or_figure_of_the_rules_is_left_out(document: dict[str, Any]) -> None:
    shown = " ".join(
        plain(page.text) for path, page in pages().items() if path.parent.name == "contract" and path.stem != "register"
    )
    figures = set(re.findall(r"[\d.,]*\d", shown))
    missing = []
    for block in ("x-modes", "x-waiter", "x-errors", "x-limits", "x-pricing", "x-regions", "x-eras"):
        for path, value in leaves(document[block]):
            if path[-1] in ("refusal", "earlier") or "earlier" in path[:-1] or path[-2:] == ("resolution", "default"):
                continue
            if isinstance(value, str):
                is_shown = plain(value) in shown or path[-1] == "effect"
            else:
                is_shown = bool({f"{value:g}", f"{value:,}", str(value), f"{value:,g}"} & figures)
            if not is_shown:
                missing.append((block, *path, value))
    assert not missing, missing


def test_each_public_name_is_in_the_reference() -> None:
    shown = {one for path, page in pages().items() if path.parent.name == "api" for one in page.ids}
    names = site_api.public_names()
    homes = (f"grok_imagine.{name}" in shown or f"grok_imagine.{site_api.home(name)}.{name}" in shown for name in names)
    assert [name for name, is_there in zip(names, homes, strict=True) if not is_there] == []
    assert not (site_build.SITE / "api" / f"{site_api.REST}.html").exists(), "a name has no page: see site_api.PAGES"


def members(name: str) -> Iterator[tuple[str, str]]:
    """The public members of a class, and the first line of what explains each; of a field of a list of attributes nothing."""
    for base in getattr(grok_imagine, name).__mro__:
        if not base.__module__.startswith("grok_imagine."):
            continue
        fields = [*getattr(base, "__annotations__", {}), *getattr(base, "__slots__", ())]
        docs = ModuleAnalyzer.for_module(base.__module__).find_attr_docs()
        for member in {*fields, *vars(base)}:
            if member.startswith("_") or member in site_api.HIDDEN:
                continue
            value = vars(base).get(member)
            if isinstance(value, property | cached_property | classmethod | staticmethod) or inspect.isfunction(value):
                yield member, (inspect.getdoc(value) or "nothing").partition("\n")[0]
            else:
                yield member, docs.get((base.__name__, member), [""])[0]


def test_each_member_of_a_public_class_is_explained_in_the_reference() -> None:
    text = {path.stem: plain(page.text) for path, page in pages().items() if path.parent.name == "api"}
    missing = []
    for name in site_api.public_names():
        if not inspect.isclass(getattr(grok_imagine, name)) or name == "VideoOptions":  # each is a keyword of `start`
            continue
        for member, words in members(name):
            about = plain(words) or f"{member} –"  # a list of attributes has a dash after each name
            if about not in text[site_api.page_of(name)]:
                missing.append(f"{name}.{member}")
    assert not missing
    assert not [page for page, shown in text.items() if "Alias for field number" in shown or "_sync." in shown]
