"""A process can be killed at any instruction: a short run of the proof that `make prove` runs at length."""

from __future__ import annotations

import re
import subprocess
import sys

import pytest

from support import ROOT


@pytest.mark.long
def test_no_kill_loses_a_job_or_posts_one_twice() -> None:
    proof = [sys.executable, str(ROOT / "scripts" / "prove_kills.py"), "12"]
    shown = subprocess.run(proof, capture_output=True, text=True, timeout=600, check=False)
    assert shown.returncode == 0, shown.stdout + shown.stderr
    accepted = re.search(r"12 kills: (\d+) jobs accepted", shown.stdout)
    assert accepted and int(accepted[1]) >= 12 and "no job lost, no request posted twice" in shown.stdout
