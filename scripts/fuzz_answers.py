"""Fuzzes what reads the service's answers; `tests/fuzz/campaign.py` says how."""

from __future__ import annotations

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "tests"))

from fuzz.campaign import main  # type: ignore[import-not-found]  # tests are no package

sys.exit(main(sys.argv[1:]))
