"""The built site as tests read it: the ids, links and words of each page."""

from __future__ import annotations

import functools
from dataclasses import dataclass, field
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urlsplit

import site_build


@dataclass
class Page(HTMLParser):
    """A page, read."""

    path: Path
    ids: list[str] = field(default_factory=list)
    links: list[str] = field(default_factory=list)
    loaded: list[str] = field(default_factory=list)
    """What a browser fetches by itself."""
    words: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self._mute = 0
        self.feed(self.path.read_text(encoding="utf-8"))

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        self._mute += tag in ("script", "style")
        if given.get("id"):
            self.ids.append(given["id"] or "")
        if tag == "a" and given.get("href"):
            self.links.append(given["href"] or "")
        elif (
            tag == "link"
            and given.get("href")
            and given.get("rel") not in ("index", "search", "next", "prev", "canonical")
        ):
            self.loaded.append(given["href"] or "")
        self.loaded += [given[name] or "" for name in ("src", "data", "poster") if given.get(name)]

    def handle_endtag(self, tag: str) -> None:
        self._mute -= tag in ("script", "style")

    def handle_data(self, data: str) -> None:
        if not self._mute:
            self.words.append(data)

    @property
    def text(self) -> str:
        """Its words, with blanks as in a line."""
        return " ".join("".join(self.words).split())

    def target(self, link: str) -> tuple[Path, str] | None:
        """The file and the anchor that a link leads to; None if it leads out of the site."""
        parts = urlsplit(link)
        if parts.scheme or parts.netloc:
            return None
        there = (self.path.parent / unquote(parts.path)).resolve() if parts.path else self.path
        return there, unquote(parts.fragment)


@functools.cache
def pages() -> dict[Path, Page]:
    """All pages of the site, which is built if it is not there."""
    return {path: Page(path) for path in sorted(site_build.ensure().resolve().rglob("*.html"))}
