"""Markdown of the site's pages: headings that bear a section's name, links by that name, tabs, and rows of the register."""

from __future__ import annotations

import html
import json
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence

from contract_page import Raw, table

_LINK = re.compile(r"\x02([^\x03]*)\x03([^\x04]*)\x04")
_ID = re.compile(r'<span id="([^"]+)"')
REGISTER = "register"
"""The page of the register, beside those of the contract."""


def mark(section: str) -> Raw:
    """A place that the name of a section leads to."""
    return Raw(f'<span id="{html.escape(section)}"></span>')


def heading(level: int, title: str, section: str) -> str:
    """A heading whose anchor is the name of a section."""
    return f"{'#' * level} {mark(section)}{title}\n"


def link(section: str, text: str = "") -> Raw:
    """A link to a section, on whatever page it is; without a text the section's name, as code."""
    return Raw(f"\x02{section}\x03{text or f'<code>{html.escape(section)}</code>'}\x04")


def resolve(pages: Mapping[str, str]) -> dict[str, str]:
    """The pages with their links written out.

    Raises:
        KeyError: A link to a section that no page has.
        ValueError: A section that two places have.
    """
    places: dict[str, str] = {}
    for name, text in pages.items():
        for section in _ID.findall(text):
            if section in places:
                raise ValueError(f"{section} is on {places[section]} and on {name}")
            places[section] = name

    def write(page: str, text: str) -> str:
        def one(found: re.Match[str]) -> str:
            section, words = found.groups()
            there = places[section]
            href = f"#{section}" if there == page else f"{there}.html#{section}"
            return f'<a class="reference internal" href="{href}">{words}</a>'

        return _LINK.sub(one, text)

    return {name: write(name, text) for name, text in pages.items()}


def lean(columns: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    """A table without the columns that are empty."""
    rows = list(rows)
    used = [place for place in range(len(columns)) if any(row[place] for row in rows)]
    return table([columns[place] for place in used], [[row[place] for place in used] for row in rows])


def tabs(entries: Iterable[tuple[str, str]]) -> str:
    """Tabs with a title and a body each; one alone is written without them."""
    entries = list(entries)
    if len(entries) == 1:
        return entries[0][1]
    items = "\n".join(f":::{{tab-item}} {title}\n{body}\n:::\n" for title, body in entries)
    return f"::::{{tab-set}}\n{items}::::\n"


def folded(title: str, body: str) -> str:
    """A part that is shown when it is asked for."""
    return f":::::{{dropdown}} {title}\n{body}\n:::::\n"


def code(value: object, media_type: str = "application/json") -> str:
    """An example as it is on the wire."""
    if media_type == "application/json":
        return f"```json\n{json.dumps(value, indent=2, ensure_ascii=False)}\n```\n"
    return f"```text\n{str(value).strip()}\n```\n"


class Register:
    """The register's headings and rows, by what they are about."""

    def __init__(self, text: str) -> None:
        self._rows = list(self._read(text))

    @staticmethod
    def _read(text: str) -> Iterator[tuple[str, str, str]]:
        """Heading, first cell and whole line of each row."""
        title = ""
        for line in text.splitlines():
            if line.startswith("#"):
                title = line.lstrip("# ")
            elif line.startswith("| "):
                yield title, line.split(" | ")[0].removeprefix("| "), line

    def under(self, title: str) -> Raw:
        """A link to a heading."""
        return link(f"{REGISTER}:{title}", html.escape(title))

    def about(self, title: str, *words: str) -> Raw:
        """Links to the rows under a heading that name all the words as code; to the heading if there are none."""
        found = [
            key
            for heading, key, line in self._rows
            if heading == title and re.fullmatch(r"[A-Z]\d+", key) and all(f"`{word}`" in line for word in words)
        ]
        return Raw(", ".join(link(key, key) for key in found)) if found and words else self.under(title)

    def titled(self, title: str, pattern: str) -> Raw:
        """Links to the rows under a heading whose title, after the id, begins so; to the heading if there are none."""
        found = [
            key for heading, key, line in self._rows if heading == title and re.match(rf"\| {key} \| ({pattern})", line)
        ]
        return Raw(", ".join(link(key, key) for key in found)) if found else self.under(title)

    def operation(self, name: str) -> tuple[str, Raw]:
        """The confidence of an operation, and a link to its row."""
        for _, key, line in self._rows:
            if key == name:
                cells = (cell.strip() for cell in line.split(" | "))
                return next(cell for cell in cells if cell in "HML"), link(f"row:{name}", "row")
        raise KeyError(name)


def register_page(text: str) -> str:
    """The register with an anchor at each heading and each row that has an id, and with links to the rows it speaks of."""
    text = re.sub(r"(?m)^\| ([A-Z]\d+) \|", lambda m: f"| {mark(m[1])}{m[1]} |", text)
    text = re.sub(r"(?m)^\| ([a-z]+[A-Z]\w+) \|", lambda m: f"| {mark(f'row:{m[1]}')}{m[1]} |", text)
    text = re.sub(r"(?m)^(#+) (.+)$", lambda m: f"{m[1]} {mark(f'{REGISTER}:{m[2]}')}{m[2]}", text)
    head, title, rows = text.partition(mark(f"{REGISTER}:Contradictions"))
    rows = re.sub(r"(?m)^\| (\d+) \|", lambda m: f"| {mark(f'row-{m[1]}')}{m[1]} |", rows)
    text = head + title + rows
    return re.sub(
        r"\b([Rr]ow) (\d+)\b", lambda m: link(f"row-{m[2]}", m[0]) if mark(f"row-{m[2]}") in text else m[0], text
    )
