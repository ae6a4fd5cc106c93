"""The program without the libraries of pictures: it runs, and says what brings them before anything is paid for."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from support import ROOT

HEAVY = {"av", "PIL", "textual_image"}

RUN = f"""
import sys
for name in {sorted(HEAVY)}:
    sys.modules[name] = None
sys.argv = ["grok-imagine", *sys.argv[1:]]
import grok_imagine_cli
grok_imagine_cli.main()
"""


def run(*arguments: str, folder: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", RUN, *arguments],
        capture_output=True,
        text=True,
        check=False,
        cwd=folder,
        env={"PATH": os.environ["PATH"], "HOME": str(folder), "XAI_API_KEY": "none"},
    )


def test_pictures_are_an_extra_of_their_own() -> None:
    extras = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]["optional-dependencies"]
    named = {extra: {re.split(r"[<>=\[ ]", line)[0] for line in lines} for extra, lines in extras.items()}
    pictures = {"av", "pillow", "textual-image"}
    assert named["preview"] == pictures and not named["cli"] & pictures


@pytest.mark.parametrize("option", ["--preview", "--contact-sheet sheet.png"])
def test_without_them_a_hint_comes_before_anything_is_sent(tmp_path: Path, option: str) -> None:
    done = run("--base-url", "http://127.0.0.1:9", "generate", "x", *option.split(), folder=tmp_path)
    told = "pictures need PyAV, Pillow, textual-image: install grok-imagine with its extra [preview]; in a checkout: pip install '.[preview]'"
    assert (done.returncode, done.stdout) == (2, "") and told in done.stderr


@pytest.mark.parametrize(
    "line", ["estimate x --duration 2", "modes", "--ledger jobs.db jobs", "batch all.csv -o videos --yes"]
)
def test_without_them_the_rest_runs(tmp_path: Path, line: str) -> None:
    (tmp_path / "all.csv").write_text("prompt;duration\nA heron;99\n")
    done = run("--base-url", "http://127.0.0.1:9", *line.split(), folder=tmp_path)
    assert (done.returncode == 0 or "all.csv:2: " in done.stderr) and "preview" not in done.stderr, done
