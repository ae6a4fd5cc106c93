"""How long `grok-imagine --help` and `--version` take beside a bare typer program's: `python tests/benchmarks/startup.py`.

Both are console scripts of the same environment and take turns, so that the machine's drift meets both; what counts is the
ratio of their medians. It reports and never judges.
"""

from __future__ import annotations

import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import NamedTuple

PROGRAM = Path(sys.executable).with_name("grok-imagine")
AIMS = {"--help": 1.5, "--version": 1.2}
BARE = """#!{python}
import sys
from typing import Annotated
import typer

app = typer.Typer()

def show(asked: bool) -> None:
    if asked:
        print("bare 1.0")
        raise typer.Exit

@app.callback()
def root(version: Annotated[bool, typer.Option("--version", callback=show, is_eager=True)] = False) -> None:
    "A bare program."

@app.command()
def hello(name: str) -> None:
    "Says hello."

@app.command()
def goodbye(name: str) -> None:
    "Says goodbye."

sys.exit(app())
"""


class Startup(NamedTuple):
    """Medians in seconds of the program and of the bare one, their ratio, and the aim for it."""

    option: str
    ours: float
    bare: float
    ratio: float
    aim: float


def startup(rounds: int = 10) -> list[Startup]:
    """Measures both programs with each option, in turns."""
    with tempfile.TemporaryDirectory() as folder:
        bare = Path(folder) / "bare"
        bare.write_text(BARE.format(python=sys.executable), encoding="utf-8")
        bare.chmod(0o755)
        return [_measured(option, aim, bare, rounds) for option, aim in AIMS.items()]


def _measured(option: str, aim: float, bare: Path, rounds: int) -> Startup:
    seconds: dict[Path, list[float]] = {PROGRAM: [], bare: []}
    for _ in range(rounds + 1):
        for program, taken in seconds.items():
            begin = time.perf_counter()
            subprocess.run([str(program), option], check=True, stdout=subprocess.DEVNULL)
            taken.append(time.perf_counter() - begin)
    # The first round only warms the caches of the file system.
    ours, peer = (statistics.median(taken[1:]) for taken in seconds.values())
    return Startup(option, ours, peer, ours / peer, aim)


def main() -> None:
    """Prints a line for each option."""
    for row in startup():
        met = "yes" if row.ratio <= row.aim else "NO"
        print(
            f"{row.option:9}  ours {row.ours * 1000:4.0f} ms  bare typer {row.bare * 1000:4.0f} ms"
            f"  ratio {row.ratio:.2f}  aim <= {row.aim}  {met}"
        )


if __name__ == "__main__":
    main()
