"""Chromium, driven over pages on disk: what the console says, what is asked for, and whether anything is too wide."""

from __future__ import annotations

import os
import time
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from support import HANG

CHROMIUM = Path(os.environ.get("CHROMIUM", "/usr/bin/chromium"))
FLAGS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--disable-dev-shm-usage",
)


def require_chromium() -> None:
    """Skips a test where there is no Chromium; fails it where CI is set."""
    if not CHROMIUM.exists():
        text = f"{CHROMIUM} is not here: `apt-get install chromium`, or set CHROMIUM"
        pytest.fail(text) if os.environ.get("CI") else pytest.skip(text)


@contextmanager
def chromium() -> Iterator[Any]:
    """One Chromium, whose windows share nothing.

    Playwright keeps an event loop in this thread meanwhile: no other test may run beside it.
    """
    require_chromium()
    from playwright.sync_api import sync_playwright

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # Playwright's own
        with sync_playwright() as playwright:
            browser = playwright.chromium.launch(executable_path=str(CHROMIUM), args=FLAGS)
            yield browser
            browser.close()


class Window:
    """A page in a window, and what it did that it must not do.

    Args:
        browser: What ``chromium`` gives.
        width: Of the page, in pixels.
        height: Of the page, in pixels.
        scheme: The colours that are preferred: ``light`` or ``dark``.
        options: Further ones of Playwright's ``new_context``.
    """

    def __init__(
        self, browser: Any, width: int = 1280, height: int = 900, scheme: str = "light", **options: Any
    ) -> None:
        self.width = width
        self.context = browser.new_context(viewport={"width": width, "height": height}, color_scheme=scheme, **options)
        self.page = self.context.new_page()
        self.wrong: list[str] = []
        self.asked: list[str] = []
        self.page.on("console", lambda message: self.wrong.append(message.text))
        self.page.on("pageerror", lambda error: self.wrong.append(str(error)))
        self.page.on("dialog", lambda dialog: (self.wrong.append(dialog.message), dialog.dismiss()))
        self.page.on("request", lambda request: self.asked.append(request.url))

    def open(self, path: Path) -> Window:
        """Opens a page from disk."""
        self.page.goto(path.resolve().as_uri())
        return self

    def until(self, expression: str) -> None:
        """Waits until an expression is true; a page's policy may keep Playwright's own way of it out."""
        end = time.monotonic() + HANG
        while not self.page.evaluate(expression):
            assert time.monotonic() < end, expression
            self.page.wait_for_timeout(20)

    def shown(self, selector: str) -> list[Any]:
        """The elements that a selector finds and that can be seen."""
        return [element for element in self.page.query_selector_all(selector) if element.is_visible()]

    def texts(self, selector: str) -> list[str]:
        """Their words."""
        return [element.inner_text() for element in self.shown(selector)]

    def overflow(self) -> list[str]:
        """What reaches beyond the right edge of the page, unless something around it scrolls."""
        found: list[str] = self.page.evaluate(
            """() => {
            const width = document.documentElement.clientWidth, found = [];
            if (document.documentElement.scrollWidth > width) {
                for (const element of document.querySelectorAll('body *')) {
                    const box = element.getBoundingClientRect();
                    if (box.width && box.right > width + 1 && getComputedStyle(element).position !== 'fixed')
                        found.push(element.tagName + '.' + element.className + ' ' + Math.round(box.right));
                }
                found.push('page ' + document.documentElement.scrollWidth + ' > ' + width);
            }
            return found;
            }"""
        )
        return found
