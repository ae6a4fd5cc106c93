"""What is seen of a long gallery after it is filtered."""

from __future__ import annotations

from pathlib import Path

import pytest
from browser import Window, chromium

from grok_imagine_cli.gallery_page import Item, page


@pytest.mark.parametrize("width", [1280, 390])
def test_the_first_that_fits_is_seen_wherever_the_page_was(tmp_path: Path, width: int) -> None:
    path = tmp_path / "index.html"
    path.write_text(page("x", [Item("failed" if n % 2 else "expired", prompt=f"A heron {n}") for n in range(300)]))
    with chromium() as browser:
        window = Window(browser, width=width, height=800).open(path)
        window.page.evaluate("window.scrollTo(0, document.body.scrollHeight / 2)")
        window.page.wait_for_timeout(50)
        window.page.evaluate("document.querySelector('input[value=expired]').click()")
        window.page.wait_for_timeout(50)
        first = window.page.query_selector_all(".card:not([hidden])")[0].bounding_box()
        bar = window.page.query_selector(".bar").bounding_box()
        assert bar["y"] + bar["height"] - 2 <= first["y"] < 800, (bar, first)
        assert window.wrong == []
        window.context.close()
