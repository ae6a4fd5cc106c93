"""What the tests of the program share."""

from __future__ import annotations

QUICK = "--interval 0.05 --timeout 600"
"""What is to succeed: it looks often, and nothing but a hang makes it fail."""

OWN = "--sandbox --sandbox-speed 100 --timeout 60000"
"""A sandbox of its own. Its ten minutes are real ones, too: a tenth of that is what the default leaves a busy machine."""

SHORT = "--interval 0.05 --timeout 2"
"""What must run out of time, or goes on asking in vain."""


CLIP = "https://example.com/street.mp4"
