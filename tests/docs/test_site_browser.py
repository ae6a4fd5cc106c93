"""The site in Chromium, from its folder, at two widths: each page, the tabs, the navigation and the search."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import site_build
from browser import Window, chromium, require_chromium

SIZES = {"wide": (1280, "light"), "narrow": (390, "dark")}


@pytest.fixture(scope="module")
def site() -> Path:
    require_chromium()
    return site_build.ensure().resolve()


@pytest.fixture(scope="module")
def browser(site: Path) -> Iterator[Any]:
    with chromium() as found:
        yield found


@pytest.fixture(params=SIZES)
def window(request: pytest.FixtureRequest, browser: Any, site: Path) -> Iterator[Window]:
    """After a test: nothing was asked of elsewhere, nothing failed, nothing is too wide."""
    width, scheme = SIZES[request.param]
    window = Window(browser, width, scheme=scheme)
    yield window
    check(window, site)
    window.context.close()


def check(window: Window, site: Path) -> None:
    assert window.wrong == []
    assert window.asked and [url for url in window.asked if not url.startswith((site.as_uri(), "data:"))] == []
    assert window.overflow() == []


def test_each_page_is_whole(window: Window, site: Path) -> None:
    found = sorted(site.rglob("*.html"))
    assert len(found) > 40
    for page in found:
        window.open(page)
        assert window.page.query_selector("h1") or page.name == "search.html", page
        dark = window.page.evaluate("matchMedia('(prefers-color-scheme: dark)').matches")
        assert dark == (window.width == 390)
        check(window, site)


def test_tabs_switch(window: Window, site: Path) -> None:
    window.open(site / "contract" / "videos.html")
    labels, bodies = (
        window.page.query_selector_all(f".sd-tab-set > .{name}") for name in ("sd-tab-label", "sd-tab-content")
    )
    assert len(labels) > 10 and bodies[0].is_visible() and not bodies[1].is_visible()
    labels[1].click()
    assert bodies[1].is_visible() and not bodies[0].is_visible()
    assert "1080p" in bodies[1].inner_text()


def open_navigation(window: Window) -> None:
    if window.width < 1000:
        window.shown("label.nav-overlay-icon")[0].click()


def test_the_navigation_leads_from_page_to_page(window: Window, site: Path) -> None:
    window.open(site / "index.html")
    for words, page in (("The contract", "contract/index.html"), ("Modes", "contract/modes.html")):
        open_navigation(window)
        window.page.locator(".sidebar-tree a.reference", has_text=words).filter(visible=True).first.click()
        window.page.wait_for_url(f"**/{page}")


def test_a_section_is_where_its_name_leads_to(window: Window, site: Path) -> None:
    window.open(site / "contract" / "sections.html")
    window.page.locator("article").get_by_role("link", name="x-modes.modes.edit-video", exact=True).click()
    window.until("location.hash === '#x-modes.modes.edit-video'")
    place = "document.getElementById('x-modes.modes.edit-video').getBoundingClientRect().top"
    window.until(f"-5 < {place} && {place} < 200")


def test_the_search_finds_a_rule(window: Window, site: Path) -> None:
    window.open(site / "index.html")
    open_navigation(window)
    window.page.locator("input.sidebar-search").fill("misnomers")
    window.page.keyboard.press("Enter")
    window.page.locator("#search-results").get_by_role("link", name="Misnomers", exact=True).click()
    window.page.wait_for_url("**/contract/misnomers.html*")
