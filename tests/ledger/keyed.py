"""What the tests of keys share."""

from __future__ import annotations

from grok_imagine import (
    Client,
    TextToVideo,
)
from grok_imagine_sandbox import Sandbox

CAT, DOG = TextToVideo("A cat", duration=2), TextToVideo("A dog", duration=2)


def posts(sandbox: Sandbox) -> int:
    return sum(count for (method, _, _), count in sandbox.requests.items() if method == "POST")


made: list[Client] = []
