"""The polling schedule judged by simulation: `python tests/benchmarks/schedules.py`; `--write docs/` refreshes docs.

Nothing is sent and nothing measured. A missed aim says NO.
"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from typing import Any

from simulation.families import MISLEADING, Family
from simulation.limited import LIMIT, PILOTS, QUOTA, RTT, SLOTS, hour
from simulation.report import (
    aims,
    quota_aims,
    report_changes,
    report_failing,
    report_quota,
    report_recorded,
    report_rows,
    table,
    yes,
)
from simulation.single import apart, families, fixed, judge, learning

from grok_imagine.pacing.predictor import PACE


def timed(work: tuple[Callable[..., Any], tuple[Any, ...]]) -> Any:
    """A piece of work, in a process of its own."""
    return work[0](*work[1])


CURVES = (
    ("first job, no progress", "none", 0),
    ("first job, stepped", "stepped", 0),
    ("after 64, no progress", "none", 64),
    ("after 64, stepped", "stepped", 64),
    ("after 64, smooth", "smooth", 64),
)
PACES = (2.0, 3.0, 4.0, 5.0, 7.0, 10.0, 15.0)


def frontier(family: Family, before: int, pace: float, count: int) -> tuple[float, float]:
    """GETs and lag at a pace."""
    got = learning(family, count, before * (3 if family.kind == "recorded" else 1), pace)
    return got.gets, got.lag


def plot(path: Path, run: Callable[..., list[Any]], count: int) -> None:
    """The frontier: what a schedule costs in GETs, and in lag, for one pace after the other."""
    import matplotlib as mpl  # type: ignore[import-not-found,unused-ignore]  # a tool of `make frontier` alone

    mpl.use("Agg")
    from matplotlib import pyplot as plt

    panels: list[tuple[str, list[tuple[str, Family, int]]]] = [
        ("Recorded jobs", [(f"{n} jobs before", Family("recorded"), n) for n in (0, 64)]),
        ("Lognormal, median 60 s, sigma 0.35", [(n, Family(k, 60, 0.35), b) for n, k, b in CURVES]),
    ]
    figure, axes = plt.subplots(1, 2, figsize=(11, 4.6), layout="constrained")
    for axis, (title, curves) in zip(axes, panels, strict=True):
        work = [(frontier, (family, before, pace, count)) for _, family, before in curves for pace in PACES]
        points = run(work)
        length = apart(list(curves[0][1].jobs(0, count)), fixed(5)).length
        xs = [length / (d / 10) for d in range(10, 160)]
        axis.plot(xs, [length / 2 / x for x in xs], "k--", label="any fixed interval, at best (T/2)")
        axis.plot(length / 5, 2.5, "ks", label="fixed 5 s")
        for k, (name, _, _) in enumerate(curves):
            own = points[k * len(PACES) : (k + 1) * len(PACES)]
            (line,) = axis.plot(*zip(*own, strict=True), ".-", label=f"ours, {name}")
            axis.plot(*own[PACES.index(PACE)], "o", color=line.get_color(), markersize=8)
        axis.set(title=title, xlabel="GETs a job", ylabel="mean lag, s", xlim=(0, 3.2 * length / 5), ylim=(0, 6))
        axis.legend(fontsize=8)
    figure.savefig(path, dpi=90, metadata={"Software": None})
    plt.close(figure)


PAGE = """# The polling schedule

Made by `python tests/benchmarks/schedules.py --write docs/`; all of it is simulated from seeds, nothing is measured.

A job of T seconds needs T/d polls at a fixed interval d, and its end is seen d/2 late. So GETs x lag is T/2 for every d. The
default schedule is better for two reasons: it uses the job's `progress`, and the durations of this client's own finished jobs of
the same mode, model, resolution and duration. With neither it is a fixed interval of about 5 s.

![The frontier](schedule.png)

Each line is one schedule at several paces; the circle is the default one, 5 s.

{recorded}

The seven recorded jobs, 5 % slower or faster, with events at any moment between the two recorded polls around them. Ages count
from the answer to the POST, as the client counts them.
T is the mean length. After jobs: the same schedule polled these, starting without a history.

## Aims

{aims}

## All families

GETs and lag over those of a fixed 5 s on the same jobs, then GETs x lag over T/2. Lengths are lognormal; progress begins after
6 to 11 s, and is smooth, in about six steps, stuck at 0 until the end, or absent. NO marks a missed aim.

{rows}

`stuck` and `none` are the same to the schedule, so they differ by the random draw alone. They carry no information about a first job. The aims'
0.75 is for all families together: a first recorded job and widely spread lengths without progress stay above it each.

## Progress that misleads

Only the weight of doubt in a first job's progress was tuned with them. `hasty` is at 95 after two fifths of the length, `lazy` ends at 40,
`random` is any number and `backwards` falls from 90. A first job is misled, within bounds; later ones are not.

{misled}

## After a change of kind

For a job of a new kind, only the durations of other kinds are known. Until three jobs of its kind have ended, a poll is at
most 2 s later than with a fixed 5 s, after the first seconds in which no job ends; its progress does not change this.

{changes}

## A poll within the first second

Media that can't be fetched fail a job within the first second. Where a request names media by a URL, the first poll is
after 0.8 s: a dead URL is reported at once, for one GET a job. Earlier successes do not change this, since one URL says
nothing about the next. By the schedule's own price (about half a second of lag for a poll at 25 s jobs)
that pays where more than about one job in twenty fails at once; while requests are scarce, the poll waits until it is worth one.
Without remote media (`data:` URLs, stored files, no media) there is no such poll until own jobs show the need: 1 % is assumed at first, and
learned from jobs that failed before any poll found them running. Then the first poll of a job of an unknown kind is after about 8 s.

{failing}

The recorded jobs, of which some fail; after 63 others.

## Under a limit

{limit} requests a sliding minute, {slots} jobs at once, 429 otherwise, a round trip of {rtt} s; one hour, medians of {seeds} seed(s), lengths
lognormal (median s, sigma). `Scheduler` starts with an empty history and learns as it goes. In brackets: of the given bound.

{quota}

Each job asks `Scheduler` for its turns and sleeps as long as the answer says. Two a second: as in x-limits, no request within half a second of
another. The bound is the best schedule by dynamic programming for a known distribution and no progress, at the price of a poll
that uses up both limits. The aims use the published figures (computed by dynamic programming before this schedule was written); those computed here are up to 1.4 % higher. The bound is of a steady
state, and the hour begins with no job running, which costs about half a job for each of the {slots}.

## What it does not do

- For a first job only recordings are known: nothing ends in the first 5 s, and that progress begins after 5 to 11 s.
- The bound on the cost of a change ends with the third job of a kind. Jobs of one kind that suddenly take half as long are seen late.
- Lengths are modelled as lognormal. Two kinds of jobs under one key look like one wide kind, which gains little.
- Sparse polls mean sparse `on_progress` calls; an own interval gives more.
"""


def parse(arguments: Sequence[str]) -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(description="Judge the polling schedule by simulation.")
    parser.add_argument("--quick", action="store_true", help="a few families and seeds, in seconds")
    parser.add_argument("--write", type=Path, metavar="FOLDER", help="write schedule.md and schedule.png into it")
    return parser.parse_args(arguments)


def main(arguments: Sequence[str]) -> None:
    """Runs everything, prints it and, if asked to, writes it."""
    options = parse(arguments)
    count, seeds = (84, 1) if options.quick else (315, 7)
    chosen = families((30, 120), (0.35,)) if options.quick else families()
    with ProcessPoolExecutor(1 if options.quick else os.cpu_count()) as pool:

        def run(work: Sequence[tuple[Callable[..., Any], tuple[Any, ...]]]) -> list[Any]:
            return list(pool.map(timed, work))

        rows = run([(judge, (family, warm, count)) for warm in (False, True) for family in chosen])
        cases = [(name, *law, seed) for name in PILOTS for law in QUOTA for seed in range(seeds)]
        hours: dict[tuple[str, float, float], list[tuple[float, float, float, int]]] = {}
        for case, figures in zip(cases, run([(hour, case) for case in cases]), strict=True):
            hours.setdefault(case[:3], []).append(figures)
        misleading = [Family(kind, median, 0.35) for kind in MISLEADING for median in (30, 120)]
        misled = run([(judge, (family, warm, count)) for warm in (False, True) for family in misleading])
        changes, surprises = report_changes(count // 7)
        judged = [*aims(rows), *surprises, *quota_aims(hours)]
        page = PAGE.format(
            recorded=report_recorded(count),
            aims=table(["Aim", "met"], [[text, yes(met)] for text, met in judged]),
            rows=report_rows(rows),
            misled=report_rows(misled),
            changes=changes,
            failing=report_failing(4 * count),
            quota=report_quota(hours),
            limit=LIMIT,
            slots=SLOTS,
            rtt=RTT,
            seeds=seeds,
        )
        print(page)
        if options.write:
            options.write.mkdir(exist_ok=True)
            (options.write / "schedule.md").write_text(page, encoding="utf-8")
            try:
                plot(options.write / "schedule.png", run, count)
            except ImportError as error:
                print(f"schedule.png is left as it was: {error}")


if __name__ == "__main__":
    main(sys.argv[1:])
