"""The figures as tables of Markdown, and which aims they meet. A missed aim says NO."""

from __future__ import annotations

import statistics
from collections.abc import Sequence

from benchmarks.simulation.learned import Schedule

from grok_imagine.core.schedule import contract_schedule
from grok_imagine.pacing.predictor import DurationModel

from .families import Family
from .limited import BOUND, OURS, PILOTS, QUOTA, bound
from .single import Row, apart, fixed, learning
from .surprises import CHANGES, changed, failing, in_order, told


def table(head: Sequence[str], lines: Sequence[Sequence[str]]) -> str:
    """A table of Markdown."""
    rows = [head, ["-" * len(cell) for cell in head], *lines]
    wide = [max(len(row[k]) for row in rows) for k in range(len(head))]
    return "\n".join("| " + " | ".join(c.ljust(w) for c, w in zip(row, wide, strict=True)) + " |" for row in rows)


def yes(met: bool) -> str:
    """Of an aim."""
    return "yes" if met else "NO"


def report_recorded(count: int) -> str:
    """The recorded jobs by several schedules."""
    family = Family("recorded")
    jobs = list(family.jobs(0, count))
    scores = {
        "fixed 1 s": apart(jobs, fixed(1)),
        "fixed 5 s": apart(jobs, fixed(5)),
        "x-waiter's": apart(jobs, contract_schedule),
        "ours, first job": apart(jobs, Schedule()),
        "ours, first job, remote media": apart(jobs, Schedule(DurationModel(is_remote=True))),
    }
    for before in (3, 9, 30, 192):
        scores[f"ours, after {before} jobs of 3 modes"] = learning(family, count, before)
    return table(
        ["Recorded jobs", "GETs a job", "lag s", "GETs x lag / (T/2)"],
        [[name, f"{s.gets:.2f}", f"{s.lag:.2f}", f"{s.product:.2f}"] for name, s in scores.items()],
    )


def report_rows(rows: Sequence[Row]) -> str:
    """All families, the sigmas side by side."""
    sigmas = sorted({row.family.sigma for row in rows if row.family.sigma})
    lines: dict[tuple[str, str, str], list[str]] = {}
    for row in rows:
        start = "after 64" if row.warm else "first"
        median = f"{row.family.median:g} s" if row.family.median else "12 to 40 s"
        lines.setdefault((row.family.kind, start, median), []).append(row.cell())
    return table(
        ["Progress", "Jobs before", "Median", *(f"sigma {sigma:g}" for sigma in sigmas)],
        [[*name, *cells, *[""] * (len(sigmas) - len(cells))] for name, cells in lines.items()],
    )


def aims(rows: Sequence[Row]) -> list[tuple[str, bool]]:
    """What is asked of the schedule for one job, and whether it holds."""
    telling = [row for row in rows if row.telling]
    product = statistics.mean(row.ours.product for row in telling)
    under = sum(row.ours.product <= 0.75 for row in telling)
    strict = sum(row.ours.gets < row.ours.length / 5 for row in telling)
    met = sum(row.met for row in telling)
    rest = [row for row in rows if not row.telling]
    worst = max(max(row.gets, row.lag) for row in rest)
    return [
        (
            f"fewer GETs and less lag than fixed 5 s wherever anything tells: {met} of {len(telling)} families "
            f"({strict} of them also under T/5 GETs, without the half look that a real fixed interval adds)",
            met == len(telling),
        ),
        (f"GETs x lag over these at most 0.75 of T/2: {product:.2f} on average, {under} of them", product <= 0.75),
        (
            f"within 10 % of fixed 5 s where nothing tells: at most {worst:.2f} of it, {len(rest)} families",
            worst <= 1.1,
        ),
    ]


def report_failing(count: int) -> str:
    """Whether an early look pays."""
    lines = []
    for share in (0.0, 0.02, 0.05, 0.1, 0.2):
        for name in ("never", "learned", "remote"):
            gets, lag, failed = failing(share, count, name)
            lines.append(
                [f"{share:.0%}", name, f"{gets:.2f}", f"{lag:.2f}", "" if failed != failed else f"{failed:.1f}"]
            )
    return table(["Jobs that fail at 0.6 s", "Early look", "GETs a job", "lag s", "lag s of the failed"], lines)


def report_changes(count: int) -> tuple[str, list[tuple[str, bool]]]:
    """The worst lags after a change of kind, and what is asked of them."""
    worst = {f"{kind}, after jobs of another length": changed(kind, count) for kind in CHANGES}
    worst["recorded, in every order of the modes"] = in_order(count)
    late = max(ours for ours, _ in worst.values()) - 5
    dead = max(told(before) for before in (0, 1, 3, 64))
    judged = [
        (
            f"after a change of kind at most 2 s later than fixed 5 s at its worst, which is 5 s: {late:.1f} s",
            late <= 2,
        ),
        (f"a dead URL is told before a fixed 5 s tells it: after {dead:.1f} s, however many jobs before", dead < 5),
    ]
    lines = [[name, f"{ours:.1f}", f"{five:.1f}"] for name, (ours, five) in worst.items()]
    return table(["Jobs", "worst lag s", "of fixed 5 s"], lines), judged


def report_quota(hours: dict[tuple[str, float, float], list[tuple[float, float, float, int]]]) -> str:
    """Many jobs at once: medians over seeds."""
    lines = [["bound without progress, published", *(f"{BOUND[law]}" for law in QUOTA), ""]]
    lines.append(["the same, reckoned here", *(f"{bound(*law):.0f}" for law in QUOTA), ""])
    for name in PILOTS:
        cells = []
        for law in QUOTA:
            jobs, gets, lag, _ = (statistics.median(figures) for figures in zip(*hours[name, *law], strict=True))
            cells.append(f"{jobs:.0f} ({jobs / BOUND[law]:.1%}), {gets:.1f}, {lag:.1f}")
        refused = max(run[3] for law in QUOTA for run in hours[name, *law])
        lines.append([name, *cells, str(refused)])
    head = [f"({median}, {sigma}): jobs an hour, GETs, lag s" for median, sigma in QUOTA]
    return table(["Strategy", *head, "most 429 an hour"], lines)


def quota_aims(hours: dict[tuple[str, float, float], list[tuple[float, float, float, int]]]) -> list[tuple[str, bool]]:
    """What is asked of the scheduler for many jobs, and whether it holds."""

    def least(name: str) -> float:
        return min(statistics.median(run[0] for run in hours[name, *law]) / BOUND[law] for law in QUOTA)

    refused = sum(run[3] for (name, *_), runs in hours.items() if name in OURS for run in runs)
    judged = []
    for also, text in (("", ""), (", 2 a second", ", also with two a second at most")):
        plain, stepped, smooth = least(f"ours{also}"), least(f"ours, stepped{also}"), least(f"ours, smooth{also}")
        judged += [
            (f"at least 95 % of the bound's jobs an hour on each{text}: {plain:.1%} at least", plain >= 0.95),
            (
                f"above the bound with progress{text}: {smooth:.1%} smooth, {stepped:.1%} stepped",
                min(smooth, stepped) > 1,
            ),
        ]
    return [*judged, (f"no 429 and no job lost: {refused} refusals", refused == 0)]
