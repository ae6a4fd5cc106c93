"""What the tests of the program share."""

from __future__ import annotations

QUICK = "--interval 0.05 --timeout 60"


CLIP = "https://example.com/street.mp4"
