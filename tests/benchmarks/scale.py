"""Many jobs at once in one process, against the sandbox in simulated time: `python tests/benchmarks/scale.py`.

Each line of the table is a process of its own with a sandbox of its own; both live by one clock, which moves on when
no request is under way. So a request takes no simulated time, and lag is the schedule's alone: from a job's end to the
look that saw it.
CPU and memory are the real ones of the process. Beside this library stands a plain loop over httpx that looks at fixed
intervals, with 8 requests at once: without a gate in front of it, httpx alone times out in its pool at 1,000 jobs.

Unlike the other benches it judges: a missed aim ends it with 1.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

import httpx
from bench import isolate
from simulated import Clock

from grok_imagine import __version__
from grok_imagine.config import MAX_CONNECTIONS, REQUEST_TIMEOUT

HERE = Path(__file__).parent
JOBS = (15, 100, 1000, 5000)
NAMES = {
    "generate": "generate",
    "batch": "batch, ledger",
    "loop-1": "httpx, every 1 s",
    "loop-0.1": "httpx, every 0.1 s",
}
MOST_JOBS = {"loop-1": 1000, "loop-0.1": 100}
"""A loop's requests a job are the same for any number of jobs, and these take half a minute already."""

OURS = ("generate", "batch")
LEAST_MEASURABLE = 1000
"""Jobs from which on memory is judged: with fewer, what a process takes anyway is more than they do."""

WAITING_KIB = 8.0
WARM = 1
"""Jobs that are not counted."""

SECONDS = 300.0
"""After which a process is ended; the slowest takes one to two minutes, and more on a busy machine."""

HEADER = (
    "jobs", "what", "done", "requests/job", "lag s", "95 % s", "CPU ms/job", "peak MiB", "KiB/waiting", "connections",
    "busy s", "wall s", "met",
)  # fmt: skip


class Row(NamedTuple):
    """What so many jobs at once cost with one variant.

    Attributes:
        jobs: How many.
        variant: Of `scale_jobs`.
        done: Jobs that were seen done.
        accepted: Jobs that the sandbox accepted.
        requests: Of all jobs.
        lags: Simulated seconds from the end of each job to the look that saw it.
        cpu: Seconds.
        peak: MiB by which the most memory that the process ever had has grown.
        waiting: KiB by which its resident memory had grown when all jobs were posted and waited for their first look,
            with what posting them all at once left behind; None if they never did.
        connections: Open at once.
        longest: Real seconds that requests were under way without a pause: no request took longer.
        wall: Real seconds.
        lost: Requests without an answer, by what was raised; and jobs that are not done, by their state.
    """

    jobs: int
    variant: str
    done: int
    accepted: int
    requests: int
    lags: list[float]
    cpu: float
    peak: float
    waiting: float | None
    connections: int
    longest: float
    wall: float
    lost: Mapping[str, int]

    @property
    def each(self) -> float:
        """KiB of memory for each waiting job."""
        return float("nan") if self.waiting is None else self.waiting / self.jobs

    def missed(self) -> Iterator[str]:
        """The aims that were not met."""
        if self.done != self.jobs:
            yield f"{self.done} of {self.jobs} jobs were done"
        if self.accepted != self.jobs:
            yield f"{self.accepted} jobs were accepted instead of {self.jobs}"
        if self.lost or self.longest >= REQUEST_TIMEOUT:
            lost = ", ".join(f"{number} {kind}" for kind, number in self.lost.items()) or "none lost"
            yield f"requests may have timed out: {lost}, {self.longest:.0f} s without a pause"
        if self.connections > MAX_CONNECTIONS:
            yield f"{self.connections} connections were open at once, more than the {MAX_CONNECTIONS} of the pool"
        if self.jobs >= LEAST_MEASURABLE and not self.each < WAITING_KIB:
            yield f"{self.each:.1f} KiB of memory a waiting job, not less than {WAITING_KIB:g}"

    def cells(self) -> tuple[str, ...]:
        """The line as text."""
        mean = statistics.mean(self.lags) if self.lags else float("nan")
        most = sorted(self.lags)[int(len(self.lags) * 0.95)] if self.lags else float("nan")
        met = "" if self.variant not in OURS else "NO" if any(self.missed()) else "yes"
        return (
            str(self.jobs), NAMES[self.variant], str(self.done), f"{self.requests / self.jobs:.1f}", f"{mean:.2f}",
            f"{most:.2f}", f"{self.cpu / self.jobs * 1e3:.1f}", f"{self.peak:.1f}", f"{self.each:.1f}",
            str(self.connections), f"{self.longest:.1f}", f"{self.wall:.0f}", met,
        )  # fmt: skip


def measure(variant: str, jobs: int) -> Row:
    """Runs a variant in a process of its own, against a sandbox of its own."""
    with tempfile.TemporaryDirectory() as folder:
        clock = Path(folder) / "clock"
        Clock.make(clock)
        with served(clock, jobs + WARM) as (url, ends):
            command = [sys.executable, str(HERE / "scale_jobs.py"), variant, url, str(clock), str(jobs)]
            done = subprocess.run(command, stdout=subprocess.PIPE, check=True, timeout=SECONDS)
    cost: dict[str, Any] = json.loads(done.stdout)
    seen, states = cost.pop("seen"), cost.pop("states")
    lost = cost.pop("lost") | {state: number for state, number in states.items() if state != "done"}
    lags = [when - ends[request_id] for request_id, when in seen.items()]
    return Row(jobs, variant, states.get("done", 0), len(ends) - WARM, lags=lags, lost=lost, **cost)


@contextmanager
def served(clock: Path, jobs: int) -> Iterator[tuple[str, dict[str, float]]]:
    """A sandbox's address, and when each of its jobs ended, which is known once it has ended itself."""
    ends: dict[str, float] = {}
    command = [sys.executable, str(HERE / "simulated.py"), str(clock), str(jobs)]
    process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    try:
        assert process.stdout
        yield process.stdout.readline().strip(), ends
        ends |= json.loads(process.communicate(timeout=60)[0])
    finally:
        process.kill()
        process.wait()


def table(rows: list[Row]) -> str:
    """The rows in aligned columns, the figures to the right."""
    lines = [HEADER, *(row.cells() for row in rows)]
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    return "\n".join(
        "  ".join(f"{cell:{'<' if at in (1, 12) else '>'}{widths[at]}}" for at, cell in enumerate(line)).rstrip()
        for line in lines
    )


def main() -> int:
    """Runs all, prints the table, and returns whether an aim was missed."""
    parser = argparse.ArgumentParser(description="Measures many jobs at once in one process, in simulated time.")
    parser.add_argument("--jobs", action="append", type=int, metavar="N", help=f"jobs at once; default {JOBS}")
    parser.add_argument("--only", action="append", choices=NAMES, metavar="NAME", help=f"of {', '.join(NAMES)}")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the figures there as well")
    given = parser.parse_args()
    isolate()
    rows, notes = list[Row](), list[str]()
    for jobs in given.jobs or JOBS:
        for variant in given.only or NAMES:
            if jobs <= MOST_JOBS.get(variant, jobs):
                rows.append(measure(variant, jobs))
            else:
                notes.append(f"not run: {NAMES[variant]}, {jobs} jobs")
    missed = [
        f"missed: {NAMES[row.variant]}, {row.jobs} jobs: {text}"
        for row in rows if row.variant in OURS for text in row.missed()
    ]  # fmt: skip
    versions = {"grok-imagine": __version__, "httpx": httpx.__version__, "python": platform.python_version()}
    print(", ".join(f"{name} {version}" for name, version in versions.items()), f"on {os.cpu_count()} cores")
    print("", table(rows), "", *notes, *missed, sep="\n")
    if given.json:
        report = {"versions": versions, "notes": [*notes, *missed], "rows": [row._asdict() for row in rows]}
        given.json.write_text(json.dumps(report, indent=2) + "\n", encoding="utf-8")
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main())
