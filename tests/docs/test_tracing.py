"""docs/tracing.md: its example runs against a sandbox, and its tables name what is exported."""

from __future__ import annotations

import re
import time

import pytest
from opentelemetry import trace
from opentelemetry.util._once import Once

from grok_imagine import Client
from grok_imagine.telemetry.spans import METRICS, START, WAIT
from grok_imagine_sandbox import Sandbox
from support import ROOT, ManualClock

PAGE = (ROOT / "docs" / "tracing.md").read_text(encoding="utf-8")
EXAMPLES = re.findall(r"```python\n(.*?)```(?:\n\n```\n(.*?)```)?", PAGE, re.S)


def test_the_example_runs(
    sandbox: Sandbox, clock: ManualClock, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    ((code, printed),) = EXAMPLES
    monkeypatch.setenv("XAI_API_KEY", "any-key")
    monkeypatch.setenv("XAI_BASE_URL", sandbox.base_url)
    monkeypatch.setattr(time, "sleep", clock.sleep)
    for name, value in (("clock", clock), ("sleep", clock.sleep)):
        monkeypatch.setitem(Client.__init__.__kwdefaults__, name, value)
    # A program sets its provider once; what this one sets is not to be there for other tests.
    monkeypatch.setattr(trace, "_TRACER_PROVIDER", None)
    monkeypatch.setattr(trace, "_TRACER_PROVIDER_SET_ONCE", Once())
    exec(compile(code, "tracing.md", "exec"), {"__name__": "__main__"})
    assert capsys.readouterr().out == printed


def test_the_tables_name_each_metric_and_span() -> None:
    assert set(METRICS) == set(re.findall(r"(?m)^\| `([\w.]+)` \| (?:s|USD) \|", PAGE))
    assert re.findall(r"(?m)^\| `(\w+) \{model\}`", PAGE) == [START, WAIT]
