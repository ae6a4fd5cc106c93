"""Chromium, driven over a folder of pages: what the console says, what is asked for, and whether anything is too wide."""

from __future__ import annotations

import json
import os
import shutil
from pathlib import Path
from typing import Any

import pytest

CHROMIUM, DRIVER = Path("/usr/bin/chromium"), Path("/usr/bin/chromedriver")
FLAGS = (
    "--headless",
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
    if CHROMIUM.exists() and DRIVER.exists():
        return
    text = "chromium and chromium-driver are not here: `apt-get install chromium chromium-driver`"
    if os.environ.get("CI"):
        pytest.fail(text)
    pytest.skip(text)


class Browser:
    """One Chromium with a new profile. A context manager.

    Args:
        profile: A folder for its profile.
    """

    def __init__(self, profile: Path) -> None:
        from selenium import webdriver

        options = webdriver.ChromeOptions()
        options.binary_location = str(CHROMIUM)
        for flag in (*FLAGS, f"--user-data-dir={profile}"):
            options.add_argument(flag)
        options.set_capability("goog:loggingPrefs", {"browser": "ALL", "performance": "ALL"})
        self._profile = profile
        self.driver = webdriver.Chrome(options=options, service=webdriver.ChromeService(str(DRIVER)))

    def __enter__(self) -> Browser:
        return self

    def __exit__(self, *error: object) -> None:
        self.driver.quit()
        shutil.rmtree(self._profile, ignore_errors=True)

    def look(self, width: int, height: int = 900, *, dark: bool = False) -> None:
        """Sets the size of the page and its colours."""
        size = {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": False}
        self.width = width
        self.driver.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", size)
        feature = {"name": "prefers-color-scheme", "value": "dark" if dark else "light"}
        self.driver.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": [feature]})

    def open(self, url: str) -> None:
        """Opens a page."""
        self.driver.get(url)

    def all(self, selector: str) -> list[Any]:
        """The elements that a CSS selector finds."""
        return self.driver.find_elements("css selector", selector)

    def one(self, selector: str) -> Any:
        """The first of them that is shown, else the first."""
        found = self.all(selector)
        return next((each for each in found if each.is_displayed()), found[0])

    def click(self, element: Any) -> None:
        """Clicks in the middle of an element, wherever it is on the page."""
        self.run("arguments[0].scrollIntoView({block: 'center', behavior: 'instant'})", element)
        element.click()

    def run(self, script: str, *arguments: Any) -> Any:
        """What a script returns."""
        return self.driver.execute_script(script, *arguments)

    def errors(self) -> list[str]:
        """What the console has said since it was last asked."""
        return [entry["message"] for entry in self.driver.get_log("browser") if entry["level"] in ("SEVERE", "WARNING")]

    def requests(self) -> list[str]:
        """The addresses that were asked for since they were last asked for."""
        messages = [json.loads(entry["message"])["message"] for entry in self.driver.get_log("performance")]
        return [m["params"]["request"]["url"] for m in messages if m["method"] == "Network.requestWillBeSent"]

    def overflow(self) -> list[str]:
        """What reaches beyond the right edge of the page, unless something around it scrolls."""
        found: list[str] = self.run(
            """
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
            """
        )
        return found
