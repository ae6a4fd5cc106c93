"""The table: every fault, where it strikes, and what comes of it. `table` prints it; `test_faults` holds the library to it."""

from __future__ import annotations

from .case import Case
from .network import DOWNLOADS, LOOKS, POSTS
from .system import CLOCKS, FILES, LEDGERS

CASES: tuple[Case, ...] = (*POSTS, *LOOKS, *DOWNLOADS, *LEDGERS, *FILES, *CLOCKS)
