"""docs/files-and-batches.md: every example runs against a sandbox, and prints what it says."""

from __future__ import annotations

import gc
import io
import re
import time
from pathlib import Path

import pytest
from PIL import Image

from grok_imagine import Client
from grok_imagine_sandbox import Sandbox
from support import ROOT, ManualClock

PAGE = (ROOT / "docs" / "files-and-batches.md").read_text(encoding="utf-8")
EXAMPLES = re.findall(r"```python\n(.*?)```(?:\n\n```\n(.*?)```)?", PAGE, re.S)


@pytest.mark.parametrize(("code", "printed"), EXAMPLES, ids=range(len(EXAMPLES)))
def test_an_example_runs(
    code: str,
    printed: str,
    sandbox: Sandbox,
    clock: ManualClock,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    tmp_path: Path,
) -> None:
    data = io.BytesIO()
    Image.new("RGB", (64, 64), "red").save(data, "PNG")
    (tmp_path / "sky.png").write_bytes(data.getvalue())
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("XAI_API_KEY", "any-key")
    monkeypatch.setenv("XAI_BASE_URL", sandbox.base_url)
    monkeypatch.setattr(time, "sleep", clock.sleep)
    for name, value in (("clock", clock), ("sleep", clock.sleep)):
        monkeypatch.setitem(Client.__init__.__kwdefaults__, name, value)
    exec(compile(code, "files-and-batches.md", "exec"), {"__name__": "__main__"})
    gc.collect()
    assert capsys.readouterr().out == printed and sandbox.requests


def test_the_page_has_its_examples_and_links_that_lead_somewhere() -> None:
    assert len(EXAMPLES) == 3 and sum(1 for _, printed in EXAMPLES if printed) == 1
    for target in re.findall(r"\]\((?!https?:)([^)#]+)", PAGE):
        assert (ROOT / "docs" / target).exists(), target
