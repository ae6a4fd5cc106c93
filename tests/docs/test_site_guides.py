"""docs/guides and docs/index.md: every Python example runs against a sandbox, and prints what it says."""

from __future__ import annotations

import ast
import asyncio
import gc
import inspect
import io
import logging
import re
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from PIL import Image
from starlette.testclient import TestClient

from grok_imagine import AsyncClient, Client
from grok_imagine.ledger.quota import LedgerQuota
from grok_imagine_sandbox import Sandbox
from support import ROOT, SharedClock

GUIDES = [ROOT / "docs" / "index.md", *sorted((ROOT / "docs" / "guides").rglob("*.md"))]
EXAMPLE = re.compile(r"```python\n(.*?)```(?:\n\n```\n(.*?)```)?", re.S)
EXAMPLES = {
    f"{path.stem}-{number}": found
    for path in GUIDES
    if path.stem != "testing"  # its examples are tests, which tests/sandbox/test_serving.py runs as a project's
    for number, found in enumerate(EXAMPLE.findall(path.read_text(encoding="utf-8")), 1)
}


@pytest.fixture
def clock() -> SharedClock:
    return SharedClock()


@pytest.fixture
def _logs_as_before() -> Iterator[None]:
    root, ours = logging.getLogger(), logging.getLogger("grok_imagine")
    before = root.handlers[:], root.level, ours.level
    yield
    root.handlers[:], root.level = before[:2]
    ours.setLevel(before[2])


def run(name: str, code: str) -> dict[str, Any]:
    """Runs an example as a module, or as cells of a notebook: with `await` at the top, within a loop. Returns its names."""
    compiled = compile(code, f"{name}.md", "exec", flags=ast.PyCF_ALLOW_TOP_LEVEL_AWAIT)
    names: dict[str, Any] = {"__name__": "__main__"}

    async def cell() -> None:
        if inspect.isawaitable(made := eval(compiled, names)):
            await made

    if name.startswith("notebooks"):
        asyncio.run(cell())
    else:
        exec(compiled, names)
    return names


def ask(app: Any) -> None:
    """Asks a web service of an example for a video, twice for the same order, and for one that can't be."""
    with TestClient(app) as browser:
        order = {"prompt": "A heron in the fog", "id": "order-17"}
        first, again = (browser.post("/videos", json=order) for _ in range(2))
        assert first.status_code == again.status_code == 202 and first.json() == again.json()
        assert browser.post("/videos", json={"prompt": "", "id": "order-18"}).status_code == 422
        assert browser.get(f"/videos/{first.json()['id']}").json()["state"] in ("running", "done")


@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning", "ignore::ResourceWarning")
@pytest.mark.usefixtures("_logs_as_before")
@pytest.mark.parametrize("name", EXAMPLES)
def test_an_example_runs(
    name: str,
    sandbox: Sandbox,
    clock: SharedClock,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    tmp_path: Path,
) -> None:
    code, printed = EXAMPLES[name]
    picture = io.BytesIO()
    Image.new("RGB", (64, 64), "red").save(picture, "PNG")
    (tmp_path / "sky.png").write_bytes(picture.getvalue())
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("XAI_API_KEY", "any-key")
    monkeypatch.setenv("XAI_BASE_URL", sandbox.base_url)
    monkeypatch.setattr(time, "sleep", clock.sleep)
    for cls, sleep in ((Client, clock.sleep), (AsyncClient, clock.sleep_async)):
        monkeypatch.setitem(cls.__init__.__kwdefaults__, "clock", clock)
        monkeypatch.setitem(cls.__init__.__kwdefaults__, "sleep", sleep)
    # A ledger's count of requests, which would say by the real time how long to sleep.
    monkeypatch.setitem(LedgerQuota.__init__.__kwdefaults__, "clock", clock)
    names = run(name, code)
    if "app" in names:
        ask(names["app"])
    gc.collect()
    shown = capsys.readouterr().out
    assert shown == (printed or shown)
    assert shown or sum(sandbox.requests.values())
