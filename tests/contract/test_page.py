"""docs/contract.md is what the document says, byte for byte."""

from __future__ import annotations

import importlib.util
import re

from support import ROOT

SPEC = importlib.util.spec_from_file_location("contract_page", ROOT / "scripts" / "contract_page.py")
assert SPEC and SPEC.loader
contract_page = importlib.util.module_from_spec(SPEC)
SPEC.loader.exec_module(contract_page)


def test_the_page_is_what_the_document_says() -> None:
    assert contract_page.PAGE.read_text(encoding="utf-8") == contract_page.page() == contract_page.page()


def test_every_row_has_the_cells_of_its_heading() -> None:
    width = 0
    for line in contract_page.page().splitlines():
        cells = len(re.findall(r"(?<!\\)\|", line)) if line.startswith("|") else 0
        assert cells == width or not width or not cells, line
        width = cells
