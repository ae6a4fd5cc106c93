"""The vendor's Python examples, rewritten line by line: with their imports changed they run and print what is said."""

from __future__ import annotations

import gc
import re
import runpy
import time
from pathlib import Path

import pytest

from grok_imagine import AsyncClient, Client
from grok_imagine_sandbox import Sandbox
from support import ROOT, ManualClock

FOLDER = ROOT / "tests" / "vendor_examples"
URL = r"http://127\.0\.0\.1:\d+/xai-vidgen-bucket/xai-video-[-0-9a-f]+\.mp4\S*"
ID = r"[-0-9a-f]{36}"
MADE = rf"Video URL: {URL}\n"
STARTED = rf"Request ID: {ID}\n"

PRINTED = {
    "generate_text": MADE,
    "generate_image": MADE,
    "generate_edit": MADE,
    "generate_duration": rf"{MADE}Duration: 10\n",
    "generate_aspect_ratio": MADE,
    "generate_resolution": MADE,
    "start_text": STARTED,
    "start_image": STARTED,
    "start_edit": STARTED,
    "start_duration": STARTED,
    "start_aspect_ratio": STARTED,
    "start_resolution": STARTED,
    "get": rf"{STARTED}{MADE}",
    "quick_start": rf"{URL}\n",
    "configuration": rf"{MADE}Duration: 10s\n",
    "extend": rf"{URL}\n{STARTED}",
    "custom_polling": rf"{URL}\n",
    "manual_polling": rf"{STARTED}(Still processing\.\.\.\n)+{MADE}",
    "error_handling": rf"{URL}\n",
    "error_handling_timeout": rf"{URL}\n",
    "response_details": rf"{URL}\nDuration: 5 seconds\nModel: grok-imagine-video\n",
    "concurrent": rf"(.+: {URL}\n){{3}}",
}
BADLY = [
    ("manual_polling", "expired", rf"{STARTED}(Still processing\.\.\.\n)+Request expired\n"),
    ("manual_polling", "failed-internal-error", rf"{STARTED}(Still processing\.\.\.\n)*Video generation failed\n"),
    ("error_handling", "failed-internal-error", r"Error code: internal_error\nError message: .+\n"),
    ("error_handling_timeout", "failed-invalid-argument", r"Generation failed \[invalid_argument\]: .+\n"),
    ("error_handling_timeout", "moderated-rejected", r"Generation failed \[.+\]: .+\n"),
    ("error_handling_timeout", "never-ends", r"Generation timed out\n"),
    ("response_details", "moderated-withheld", r"Video filtered by moderation\nDuration: 5 seconds\nModel: .*\n"),
]


@pytest.fixture(autouse=True)
def _manual_time(monkeypatch: pytest.MonkeyPatch, clock: ManualClock) -> None:
    """The examples make their clients with the defaults, and sleep by `time.sleep`."""
    monkeypatch.setenv("XAI_API_KEY", "test-key")
    monkeypatch.setattr(time, "sleep", clock.sleep)
    for cls, sleep in ((Client, clock.sleep), (AsyncClient, clock.sleep_async)):
        monkeypatch.setitem(cls.__init__.__kwdefaults__, "clock", clock)
        monkeypatch.setitem(cls.__init__.__kwdefaults__, "sleep", sleep)


def run(name: str, sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> str:
    monkeypatch.setenv("XAI_BASE_URL", sandbox.base_url)
    runpy.run_path(str(FOLDER / f"{name}.py"), run_name="__main__")
    gc.collect()
    return capsys.readouterr().out


# The examples close nothing, as the documents do; Python says so when the connections are collected.
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning", "ignore::ResourceWarning")
@pytest.mark.parametrize("name", PRINTED)
def test_an_example_runs(
    name: str, sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert re.fullmatch(PRINTED[name], run(name, sandbox, monkeypatch, capsys))


@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning", "ignore::ResourceWarning")
@pytest.mark.parametrize(("name", "scenario", "printed"), BADLY)
def test_an_example_handles_what_goes_badly(
    name: str,
    scenario: str,
    printed: str,
    clock: ManualClock,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    with Sandbox(clock=clock, speed=1.0, scenario=scenario) as sandbox:
        assert re.fullmatch(printed, run(name, sandbox, monkeypatch, capsys))


def test_every_example_is_run() -> None:
    assert {path.stem for path in Path(FOLDER).glob("*.py")} == PRINTED.keys()
