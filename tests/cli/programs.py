"""What the tests of the program share."""

from __future__ import annotations

import re

QUICK = "--interval 0.05 --timeout 600"
"""What is to succeed: it looks often, and nothing but a hang makes it fail."""

OWN = "--sandbox --sandbox-speed 100 --timeout 60000"
"""A sandbox of its own. Its ten minutes are real ones, too: a tenth of that is what the default leaves a busy machine."""

SHORT = "--interval 0.05 --timeout 2"
"""What must run out of time, or goes on asking in vain."""


CLIP = "https://example.com/street.mp4"

WAITS = re.compile(
    r"waiting for an answer from |waits for the limit |another process holds the ledger |.* retry \d+ of \d+"
)


def troubles(errors: str) -> list[str]:
    """The lines of stderr, without those that only a busy machine brings."""
    return [line for line in errors.splitlines() if not WAITS.match(line)]
