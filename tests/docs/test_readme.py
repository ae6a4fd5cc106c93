"""The README's promises: every Python example runs, against a sandbox, and prints what it says."""

from __future__ import annotations

import gc
import re
import subprocess
import sys
import time
from pathlib import Path

import pytest

from grok_imagine import AsyncClient, Client, GrokImagineError, errors
from grok_imagine.ledger.quota import LedgerQuota
from grok_imagine_sandbox import Sandbox
from support import ROOT, SharedClock

README = (ROOT / "README.md").read_text(encoding="utf-8")
EXAMPLES = re.findall(r"```python\n(.*?)```(?:\n\n```\n(.*?)```)?", README, re.S)


@pytest.fixture
def clock() -> SharedClock:
    return SharedClock()


@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning", "ignore::ResourceWarning")
@pytest.mark.parametrize(("code", "printed"), EXAMPLES, ids=range(len(EXAMPLES)))
def test_an_example_runs(
    code: str,
    printed: str,
    sandbox: Sandbox,
    clock: SharedClock,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    tmp_path: Path,
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("XAI_API_KEY", "any-key")
    monkeypatch.setenv("XAI_BASE_URL", sandbox.base_url)
    monkeypatch.setattr(time, "sleep", clock.sleep)
    for cls, sleep in ((Client, clock.sleep), (AsyncClient, clock.sleep_async)):
        monkeypatch.setitem(cls.__init__.__kwdefaults__, "clock", clock)
        monkeypatch.setitem(cls.__init__.__kwdefaults__, "sleep", sleep)
    # A ledger's count of requests, which would say by the real time how long to sleep.
    monkeypatch.setitem(LedgerQuota.__init__.__kwdefaults__, "clock", clock)
    exec(compile(code, "README.md", "exec"), {"__name__": "__main__"})
    gc.collect()
    shown = capsys.readouterr().out
    assert shown == printed if printed else sum(sandbox.requests.values())


def test_the_readme_has_its_examples() -> None:
    assert len(EXAMPLES) >= 7 and sum(1 for _, printed in EXAMPLES if printed) == 1


def test_the_tree_of_errors_names_every_error() -> None:
    tree = README.partition("\nGrokImagineError ")[2].partition("```")[0]
    named = set(re.findall(r"[A-Z]\w+", tree)) | {"GrokImagineError"}
    public = {name for name in errors.__all__ if issubclass(getattr(errors, name), GrokImagineError)}
    assert public == named & set(errors.__all__)


def test_links_point_at_something() -> None:
    for page in ("README.md", "CONTRIBUTING.md", "openapi/register.md", "docs/cli.md", "docs/faults.md"):
        text = (ROOT / page).read_text(encoding="utf-8")
        for target in re.findall(r"\]\((?!https?:)([^)#]+)", text):
            assert (ROOT / page).parent.joinpath(target).exists(), (page, target)


def test_make_targets_that_the_pages_name_exist() -> None:
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(encoding="utf-8"), re.M))
    named = set(
        re.findall(r"(?m)(?:`|^)make ([a-z-]+)", README + (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8"))
    )
    assert named <= targets


def test_the_demo_makes_a_video(tmp_path: Path) -> None:
    target = f"{tmp_path}/demo.mp4"
    demo = [sys.executable, str(ROOT / "scripts" / "demo.py"), target, "A heron in the fog"]
    shown = subprocess.run(demo, check=True, capture_output=True, text=True, timeout=120).stdout
    assert "Refused before a byte was sent" in shown and "not by Grok Imagine" in shown
    assert (tmp_path / "demo.mp4").read_bytes()[4:8] == b"ftyp"
