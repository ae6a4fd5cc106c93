"""The site in Chromium, from its folder, at two widths: each page, the tabs, the navigation and the search."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import site_build
from browser import Browser, require_chromium

HANG = 60.0
SIZES = {"wide": (1280, False), "narrow": (390, True)}


@pytest.fixture(scope="module")
def site() -> Path:
    require_chromium()
    return site_build.ensure().resolve()


@pytest.fixture(scope="module")
def chromium(site: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    with Browser(tmp_path_factory.mktemp("chromium")) as browser:
        browser.open("about:blank")
        browser.requests()
        yield browser


@pytest.fixture(params=SIZES)
def browser(request: pytest.FixtureRequest, chromium: Browser) -> Browser:
    width, dark = SIZES[request.param]
    chromium.look(width, dark=dark)
    return chromium


def check(browser: Browser, site: Path) -> None:
    """Nothing was asked of elsewhere, nothing failed, nothing is too wide."""
    assert browser.errors() == []
    assert [url for url in browser.requests() if not url.startswith((site.as_uri(), "data:"))] == []
    assert browser.overflow() == []


def until(condition: Callable[[], object]) -> None:
    end = time.monotonic() + HANG
    while not condition():
        assert time.monotonic() < end, "did not happen"
        time.sleep(0.02)


def test_each_page_is_whole(browser: Browser, site: Path) -> None:
    found = sorted(site.rglob("*.html"))
    assert len(found) > 40
    for page in found:
        browser.open(page.as_uri())
        assert browser.run(
            "return document.querySelector('h1') !== null || location.pathname.endsWith('search.html')"
        ), page
        assert browser.run("return matchMedia('(prefers-color-scheme: dark)').matches") == (browser.width == 390)
        check(browser, site)


def test_tabs_switch(browser: Browser, site: Path) -> None:
    browser.open((site / "contract" / "videos.html").as_uri())
    labels, bodies = (browser.all(f".sd-tab-set > .{name}") for name in ("sd-tab-label", "sd-tab-content"))
    assert len(labels) > 10 and bodies[0].is_displayed() and not bodies[1].is_displayed()
    browser.click(labels[1])
    assert bodies[1].is_displayed() and not bodies[0].is_displayed()
    assert "1080p" in bodies[1].text
    check(browser, site)


def shown(browser: Browser, words: str) -> list[Any]:
    """The links of the navigation with these words that can be clicked."""
    found = [each for each in browser.all(".sidebar-tree a.reference") if each.get_attribute("textContent") == words]
    return [each for each in found if each.is_displayed()]


def test_the_navigation_leads_from_page_to_page(browser: Browser, site: Path) -> None:
    browser.open((site / "index.html").as_uri())
    for words, page in (("The contract", "contract/index.html"), ("Modes", "contract/modes.html")):
        if browser.width < 1000:
            browser.click(browser.one("label.nav-overlay-icon"))
        until(lambda words=words: shown(browser, words))
        browser.click(shown(browser, words)[0])
        until(lambda page=page: browser.run("return location.pathname").endswith(page))
    check(browser, site)


def test_a_section_is_where_its_name_leads_to(browser: Browser, site: Path) -> None:
    browser.open((site / "contract" / "sections.html").as_uri())
    link = next(each for each in browser.all("article a") if each.text == "x-modes.modes.edit-video")
    browser.click(link)
    until(lambda: browser.run("return location.hash") == "#x-modes.modes.edit-video")
    place = "return document.getElementById('x-modes.modes.edit-video').getBoundingClientRect().top"
    until(lambda: -5 < browser.run(place) < 200)
    check(browser, site)


def test_the_search_finds_a_rule(browser: Browser, site: Path) -> None:
    browser.open((site / "index.html").as_uri())
    if browser.width < 1000:
        browser.click(browser.one("label.nav-overlay-icon"))
    field = browser.one("input.sidebar-search")
    until(field.is_displayed)
    field.send_keys("misnomers\n")
    until(lambda: browser.all("#search-results li a"))
    titles = [each.text for each in browser.all("#search-results li a")]
    assert "Misnomers" in titles
    browser.click(browser.all("#search-results li a")[titles.index("Misnomers")])
    until(lambda: browser.run("return location.pathname").endswith("contract/misnomers.html"))
    check(browser, site)
