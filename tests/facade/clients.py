"""What the tests of the clients share."""

from __future__ import annotations

from typing import Any

from grok_imagine_sandbox import Sandbox

PNG = "data:image/png;base64,iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="


INPUT = "https://example.com/clip.mp4"


def scenario(name: str) -> dict[str, Any]:
    return {"headers": {"x-sandbox-scenario": name}}


def looks(sandbox: Sandbox) -> int:
    return sum(count for (method, path, _), count in sandbox.requests.items() if method == "GET" and "/videos/" in path)
