"""Write docs/faults.md anew from the cases of tests/faults, whose tests hold the page to them."""

import sys
from importlib import import_module
from pathlib import Path

TESTS = Path(__file__).resolve().parents[1] / "tests"


def main() -> None:
    """Write the page."""
    sys.path.insert(0, str(TESTS))
    table = import_module("faults.table")
    table.PAGE.write_text(table.page(), encoding="utf-8")


if __name__ == "__main__":
    main()
