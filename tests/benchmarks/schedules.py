"""The polling schedule judged by simulation: `python tests/benchmarks/schedules.py`; `--write docs/` refreshes docs.

Nothing is sent and nothing measured: ages are simulated from seeds, so a run's figures are the same everywhere. A job is its
length and its progress over time; lag is the time from a job's end to the look that sees it. A missed aim says NO.
"""

from __future__ import annotations

import argparse
import heapq
import itertools
import math
import os
import random
import statistics
import sys
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

from grok_imagine.polling import Look, contract_schedule
from grok_imagine.schedule import PACE, History, Key, Schedule
from grok_imagine.scheduler import Scheduler, Ticket, Windows

Progress = Callable[[float], "int | None"]
Next = Callable[[Sequence[Look], float], float]


@dataclass
class Job:
    """A job as the service knows it; ages in seconds."""

    key: Key
    length: float
    progress: Progress


# Jobs

RECORDED: tuple[tuple[str, tuple[tuple[float, int], ...], float], ...] = (
    ("image-to-video", ((0.8, 1), (6.2, 1), (11.8, 19), (17.3, 35), (22.9, 35)), 28.4),
    ("image-to-video", ((0.8, 1), (6.2, 1), (11.7, 20), (17.3, 35), (22.9, 35)), 28.4),
    ("text-to-video", ((0.6, 1), (6.1, 1), (11.6, 12), (17.2, 42)), 22.7),
    ("text-to-video", ((0.5, 1), (5.9, 1), (11.7, 25)), 17.2),
    ("text-to-video", ((0.7, 1), (6.3, 1), (12.0, 21)), 17.5),
    ("extend-video", ((0.7, 0), (6.1, 0), (11.7, 14), (17.2, 30), (22.7, 58), (28.2, 77), (33.7, 95)), 39.2),
    ("extend-video", ((0.7, 0), (6.4, 0), (12.0, 13), (17.5, 42), (23.1, 59), (28.7, 84), (34.4, 95)), 39.9),
)
"""Every job that was recorded: the looks that saw it running, and the age at the first that saw it done."""

MEDIANS, SIGMAS = (20, 30, 60, 120, 300), (0.25, 0.35, 0.6)
KINDS = ("smooth", "stepped", "stuck", "none")
MISLEADING = ("hasty", "lazy", "random", "backwards")
"""At 95 after two fifths of the length; never above 40; of no meaning; falling from 90."""


@dataclass(frozen=True)
class Family:
    """Jobs that are alike: the recorded ones, or lognormal lengths with a kind of progress."""

    kind: str
    median: float = 0
    sigma: float = 0

    def __str__(self) -> str:
        return self.kind if self.kind == "recorded" else f"{self.kind} {self.median:g} s, {self.sigma:g}"

    def jobs(self, seed: int, count: int) -> Iterator[Job]:
        """Jobs drawn from a seed. Lengths are stratified: their distribution is met, not only approached."""
        draw = random.Random(f"{self} {seed}")
        ranks = [(k + 0.5) / count for k in range(count)]
        draw.shuffle(ranks)
        for k, rank in enumerate(ranks):
            if self.kind == "recorded":
                yield recorded(draw, k)
            else:
                length = self.median * math.exp(self.sigma * statistics.NormalDist().inv_cdf(rank))
                yield Job((self.kind,), length, progress_of(self.kind, length, draw))


def recorded(draw: random.Random, k: int) -> Job:
    """A recorded job, 5 % slower or faster. What happened between two looks did so at any moment between them."""
    mode, curve, done = RECORDED[k % len(RECORDED)]
    pace = math.exp(draw.gauss(0, 0.05))
    length = draw.uniform(curve[-1][0], done) * pace
    steps = [(0.0, curve[0][1])]
    for (before, was), (after, progress) in itertools.pairwise(curve):
        if progress != was:
            steps.append((draw.uniform(before, after) * pace, progress))
    return Job((mode,), length, lambda age: next(value for since, value in reversed(steps) if since <= age))


def progress_of(kind: str, length: float, draw: random.Random) -> Progress:
    """Progress from an onset after 6 to 11 s, not quite straight; `stepped` shows five or six of its values."""
    onset = min(draw.uniform(6, 11), length / 2)
    bend = math.exp(draw.gauss(0, 0.15))
    cuts = [0.0, *sorted((k + draw.uniform(-0.3, 0.3)) / 6 for k in range(1, 6))]

    def smooth(age: float) -> int:
        return 0 if age <= onset else min(99, int(100 * ((age - onset) / (length - onset)) ** bend))

    def stepped(age: float) -> int:
        return int(100 * max(cut for cut in cuts if cut <= smooth(age) / 100))

    kinds: dict[str, Progress] = {
        "smooth": smooth,
        "stepped": stepped,
        "stuck": lambda age: 0,
        "none": lambda age: None,
        "hasty": lambda age: min(95, int(95 * age / (0.4 * length))),
        "lazy": lambda age: smooth(age) * 2 // 5,
        "random": lambda age: draw.randrange(100),
        "backwards": lambda age: int(90 * max(0.0, 1 - age / length)),
    }
    return kinds[kind]


# One job at a time


def watch(job: Job, schedule: Next) -> tuple[int, float, list[Look]]:
    """Looks needed, the age at the last of them, and what those before it saw."""
    looks: list[Look] = []
    now = schedule(looks, 0.0)
    while now < job.length:
        looks.append((now, job.progress(now)))
        now = schedule(looks, now)
    return len(looks) + 1, now, looks


def fixed(interval: float) -> Next:
    """A look every so many seconds."""
    return lambda looks, now: now + interval


@dataclass
class Score:
    """Means over jobs."""

    gets: float
    lag: float
    length: float

    @property
    def product(self) -> float:
        """GETs x lag over half the length, which is less than any fixed interval's."""
        return self.gets * self.lag / (self.length / 2)


def score(seen: Sequence[tuple[Job, int, float]]) -> Score:
    """The means of jobs, their looks and the ages at the last ones."""
    count = len(seen)
    gets = sum(looks for _, looks, _ in seen) / count
    return Score(
        gets, sum(end - job.length for job, _, end in seen) / count, sum(job.length for job, _, _ in seen) / count
    )


def apart(jobs: Sequence[Job], schedule: Next) -> Score:
    """Each job as if it was the first."""
    return score([(job, *watch(job, schedule)[:2]) for job in jobs])


def learning(family: Family, count: int, before: int, pace: float = PACE, seed: int = 0) -> Score:
    """Jobs after so many others of the same family, which were watched by the same schedule, from nothing."""
    history = History()
    for job in family.jobs(seed + 1000, before):
        _, end, looks = watch(job, Schedule(history.past(job.key), pace))
        history.add(job.key, end, looks)
    seen = []
    for k, job in enumerate(family.jobs(seed, count)):
        gets, end, looks = watch(job, Schedule(history.past(job.key), pace))
        seen.append((job, gets, end))
        if k % 4 == 0 and before >= 64:  # goes on learning, so that no single set of 64 jobs decides
            history.add(job.key, end, looks)
    return score(seen)


@dataclass
class Row:
    """A family beside a fixed interval of 5 s over the same jobs."""

    family: Family
    warm: bool
    ours: Score
    five: Score

    @property
    def telling(self) -> bool:
        """Whether progress or history tells anything."""
        return self.warm or self.family.kind not in ("stuck", "none")

    @property
    def gets(self) -> float:
        """GETs over those of the fixed interval."""
        return self.ours.gets / self.five.gets

    @property
    def lag(self) -> float:
        """Lag over that of the fixed interval."""
        return self.ours.lag / min(self.five.lag, 2.5)

    @property
    def met(self) -> bool:
        """Less of both where anything tells anything, else at most 10 % more of either."""
        return max(self.gets, self.lag) < 1 if self.telling else max(self.gets, self.lag) <= 1.1

    def cell(self) -> str:
        """GETs, lag and product as text."""
        return f"{self.gets:.2f} {self.lag:.2f} {self.ours.product:.2f}{'' if self.met else ' NO'}"


def judge(family: Family, warm: bool, count: int) -> Row:
    """A row of the table."""
    jobs = list(family.jobs(0, count))
    before = 64 * (3 if family.kind == "recorded" else 1)
    ours = learning(family, count, before) if warm else apart(jobs, Schedule())
    return Row(family, warm, ours, apart(jobs, fixed(5)))


def families(medians: Sequence[float] = MEDIANS, sigmas: Sequence[float] = SIGMAS) -> list[Family]:
    """All of them."""
    return [Family("recorded")] + [Family(k, m, s) for k in KINDS for m in medians for s in sigmas]


# Jobs that fail at once, and whether to look for them


def failing(share: float, count: int, early: float | None) -> tuple[float, float, float]:
    """GETs, lag of the jobs that run, and lag of those that fail after 0.6 s, once 64 have ended.

    Args:
        share: Of jobs that fail.
        count: Jobs.
        early: The share that is believed; None learns it.
    """
    draw, history = random.Random(f"{share}"), History()
    seen: list[tuple[Job, int, float]] = []
    failed: list[tuple[Job, int, float]] = []
    for k, job in enumerate([*Family("recorded").jobs(1, 63), *Family("recorded").jobs(2, count)]):
        if draw.random() < share:
            job.length = 0.6
        past = history.past(job.key)
        if early is not None:
            past.early = early
        gets, end, looks = watch(job, Schedule(past))
        history.add(job.key, end, looks, job.length == 0.6)
        if k >= 63:
            (failed if job.length == 0.6 else seen).append((job, gets, end))
    return score(seen + failed).gets, score(seen).lag, score(failed).lag if failed else math.nan


# Many jobs at once, under a limit

RTT = 0.15
LIMIT, WINDOW, SLOTS = 60, 60.0, 15
QUOTA = ((30, 0.35), (60, 0.25), (60, 0.6))
BOUND = {(30, 0.35): 1353, (60, 0.25): 811, (60, 0.6): 678}
"""Jobs an hour that can't be beaten without progress: the figures the aims go by. `bound` reckons them again."""


class Pilot(Protocol):
    """What decides who may send: `Scheduler`, or one of those it is compared with."""

    running: int

    def start(self, key: Key) -> Ticket: ...
    def ask(self, ticket: Ticket, now: float) -> float: ...
    def saw(self, ticket: Ticket, now: float, progress: int | None = None) -> None: ...
    def ended(self, ticket: Ticket, now: float, failed: bool = False) -> None: ...
    def refused(self, ticket: Ticket, now: float, seconds: float) -> None: ...


class Queue:
    """A rule for the next look and, if there are limits, one gate for all: who is due first goes first."""

    def __init__(self, gap: Callable[[float, int], float], windows: Windows) -> None:
        self.gap, self.windows = gap, windows
        self.due: dict[Ticket, float] = {}
        self.looks: dict[Ticket, int] = {}
        self.log: deque[float] = deque()
        self.running = 0

    def start(self, key: Key) -> Ticket:
        ticket = Scheduler(History()).start(key)
        self.looks[ticket] = 0
        return ticket

    def ask(self, ticket: Ticket, now: float) -> float:
        if ticket not in self.due:  # a start, which stands in the queue from when a place is free
            if self.running >= SLOTS:
                return 0.05
            self.running += 1
            self.due[ticket] = now
        if self.due[ticket] > now:
            return self.due[ticket] - now
        free = max([now, *(self.log[-most] + seconds for most, seconds in self.windows if len(self.log) >= most)])
        if free > now or (self.windows and min(self.due, key=self.due.__getitem__) is not ticket):
            return max(free - now, 1e-3)
        self.log.append(now)
        self.due[ticket] = math.inf
        ticket.born = now if ticket.born is None else ticket.born
        return 0.0

    def saw(self, ticket: Ticket, now: float, progress: int | None = None) -> None:
        self.looks[ticket] += 1
        self.due[ticket] = now + self.gap(now - (ticket.born or 0.0), self.looks[ticket])

    def ended(self, ticket: Ticket, now: float, failed: bool = False) -> None:
        self.running -= 1
        del self.due[ticket], self.looks[ticket]

    def refused(self, ticket: Ticket, now: float, seconds: float) -> None:
        if not self.looks[ticket]:
            ticket.born = None
        self.due[ticket] = now + self.gap(0.0, 1) - RTT


@dataclass
class Service:
    """A service that answers 429 above its limits, and jobs that are asked of it one after the other, for ever."""

    jobs: Iterator[Job]
    pilot: Pilot
    windows: Windows = ((LIMIT, WINDOW),)
    running: dict[Ticket, tuple[Job, float]] = field(default_factory=dict)
    arrivals: deque[float] = field(default_factory=deque)
    events: list[tuple[float, int, Callable[[float], None]]] = field(default_factory=list)
    turn: int = 0
    done: int = 0
    gets: int = 0
    lag: float = 0.0
    refusals: int = 0
    starts: int = 0
    asked: int = 0

    def answer(self, ticket: Ticket, at: float, new: bool) -> tuple[str, int | None]:
        """What a request gets that arrives at a time."""
        full = any(len(self.arrivals) >= n and self.arrivals[-n] > at - seconds + 1e-9 for n, seconds in self.windows)
        if full or (new and len(self.running) >= SLOTS):
            self.refusals += 1
            return "429", None
        self.arrivals.append(at)
        if new:
            self.starts += 1
            self.running[ticket] = (next(self.jobs), at)
            return "running", None
        self.gets += 1
        job, born = self.running[ticket]
        if at - born < job.length:
            return "running", job.progress(at - born)
        self.done += 1
        self.lag += at - born - job.length
        del self.running[ticket]
        return "done", None

    def run(self, seconds: float) -> Service:
        """So many seconds of it."""
        for _ in range(SLOTS + 1):
            self.ask(self.pilot.start(("job",)), 0.0)
        while self.events[0][0] < seconds:
            now, _, happen = heapq.heappop(self.events)
            happen(now)
        return self

    def later(self, at: float, happen: Callable[[float], None]) -> None:
        """Something happens at a time."""
        self.turn += 1
        heapq.heappush(self.events, (at, self.turn, happen))

    def ask(self, ticket: Ticket, now: float) -> None:
        """A ticket asks for its turn: it sleeps, or its request leaves."""
        self.asked += 1
        new, wait = ticket.born is None, self.pilot.ask(ticket, now)
        if wait:
            self.later(now + wait, lambda then: self.ask(ticket, then))
            return
        state, progress = self.answer(ticket, now + RTT / 2, new)
        self.later(now + RTT, lambda then: self.deliver(then, ticket, state, progress))

    def deliver(self, at: float, ticket: Ticket, state: str, progress: int | None) -> None:
        """An answer reaches the pilot; a job that has ended is followed by a new one."""
        if state == "429":
            self.pilot.refused(ticket, at, 1.0)
        elif state == "running":
            self.pilot.saw(ticket, at, progress)
        else:
            self.pilot.ended(ticket, at)
            ticket = self.pilot.start(("job",))
        self.ask(ticket, at)


def endless(kind: str, median: float, sigma: float, seed: int) -> Iterator[Job]:
    """Jobs of a family, drawn one by one."""
    draw = random.Random(f"{median} {sigma} {seed}")
    while True:
        length = median * math.exp(draw.gauss(0, sigma))
        yield Job(("job",), length, progress_of(kind, length, draw))


def first_late(median: float) -> Callable[[float, int], float]:
    """First look at 0.8 of the known median, then 3 s times 1.25 each time, up to 12 s."""
    return lambda age, looks: 0.8 * median if looks == 1 else min(3 * 1.25 ** (looks - 2), 12.0)


WINDOWS: Windows = ((LIMIT, WINDOW),)
SPACED: Windows = (*WINDOWS, (1, 0.5))
"""As in x-limits: two a second, evenly."""

OURS: dict[str, tuple[str, Windows]] = {
    "ours, smooth": ("smooth", WINDOWS),
    "ours, stepped": ("stepped", WINDOWS),
    "ours": ("none", WINDOWS),
    "ours, smooth, 2 a second": ("smooth", SPACED),
    "ours, stepped, 2 a second": ("stepped", SPACED),
    "ours, 2 a second": ("none", SPACED),
}
"""The progress that the jobs tell, and what the service allows."""

PILOTS = (*OURS, "0.8 x known median, gate", "20 % of age, gate", "fixed 5 s, 429 = next tick")


def service(name: str, median: float, sigma: float, seed: int) -> Service:
    """A service, and who decides, by name."""
    kind, windows = OURS.get(name, ("none", WINDOWS))
    rules: dict[str, Pilot] = {
        "0.8 x known median, gate": Queue(first_late(median), windows),
        "20 % of age, gate": Queue(lambda age, looks: max(0.2 * age, 1.0), windows),
        "fixed 5 s, 429 = next tick": Queue(lambda age, looks: 5.0, ()),
    }
    decider = Scheduler(History(), windows, SLOTS) if name in OURS else rules[name]
    return Service(endless(kind, median, sigma, seed), decider, windows)


def hour(name: str, median: float, sigma: float, seed: int, seconds: float = 3600.0) -> tuple[float, float, float, int]:
    """Jobs an hour, GETs a job, lag and refusals. No job is lost: those not done are still being waited for."""
    ran = service(name, median, sigma, seed).run(seconds)
    if ran.done + len(ran.running) != ran.starts:
        raise AssertionError("a job was lost")
    return ran.done * 3600 / seconds, ran.gets / max(ran.done, 1), ran.lag / max(ran.done, 1), ran.refusals


def bound(median: float, sigma: float, step: float = 0.5) -> float:
    """Jobs an hour at most without progress: the best policy for a price of a look, at the price that uses up both limits."""
    count = int(median * math.exp(4 * sigma) / step)
    law = statistics.NormalDist(math.log(median), sigma)
    below = [0.0, *(law.cdf(math.log(k * step)) for k in range(1, count + 1))]
    sums = [0.0]
    for k in range(1, count + 1):
        sums.append(sums[-1] + (below[k] - below[k - 1]) * (k - 0.5) * step)
    low, high, best = 0.01, 100.0, 0.0
    for _ in range(20):
        price = math.sqrt(low * high)
        gets, lag = optimum(below, sums, step, price)
        requests, slots = LIMIT / WINDOW / (1 + gets), SLOTS / (median * math.exp(sigma**2 / 2) + lag + RTT)
        best = max(best, min(requests, slots) * 3600)
        low, high = (price, high) if requests < slots else (low, price)
    return best


def optimum(below: list[float], sums: list[float], step: float, price: float) -> tuple[float, float]:
    """GETs and lag of the schedule for which lag + price x GETs is least, by dynamic programming from the end."""
    last = len(below) - 1
    value, gets, lag, choice = [0.0] * (last + 1), [0.0] * (last + 1), [0.0] * (last + 1), last
    for k in range(last - 1, -1, -1):
        alive, least, waited = 1 - below[k], math.inf, 0.0
        for at in range(k + 1, (last if k == 0 else choice) + 1):
            wait = at * step * (below[at] - below[k]) - (sums[at] - sums[k])
            if wait + price * alive + value[at] < least:
                least, waited, found = wait + price * alive + value[at], wait, at
        choice = found
        value[k], gets[k], lag[k] = least, alive + gets[choice], waited + lag[choice]
    return gets[0], lag[0]


# Reports


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
        for name, early in (("never", 0.0), ("always", 1.0), ("learned", None)):
            gets, lag, failed = failing(share, count, early)
            lines.append(
                [f"{share:.0%}", name, f"{gets:.2f}", f"{lag:.2f}", "" if failed != failed else f"{failed:.1f}"]
            )
    return table(["Jobs that fail at 0.6 s", "early look", "GETs a job", "lag s", "lag s of the failed"], lines)


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


# Runs


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

A job that takes T seconds needs T/d looks at a fixed interval d and is seen d/2 late, so GETs x lag is T/2 whatever d is. The
default schedule goes below that by two things: the job's `progress`, and what this client's own finished jobs of
the same mode, model, resolution and duration took. With neither it is a fixed interval of about 5 s.

![The frontier](schedule.png)

Each line is one schedule at several paces; the circle is the default one, 5 s.

{recorded}

The seven recorded jobs, 5 % slower or faster, what happened between two recorded looks at any moment between them.
T is the mean length. After jobs: these were watched by the same schedule, which began with nothing.

## Aims

{aims}

## All families

GETs and lag over those of a fixed 5 s on the same jobs, then GETs x lag over T/2. Lengths are lognormal; progress begins after
6 to 11 s, and is smooth, in about six steps, stuck at 0 until the end, or absent. NO marks a missed aim.

{rows}

`stuck` and `none` are the same to the schedule, so they differ by the draw alone. They tell nothing of a first job. The aims'
0.75 is for all families together: a first recorded job and widely spread lengths without progress stay above it each.

## Progress that misleads

Only how far the progress of a first job is doubted was chosen with an eye on them. `hasty` is at 95 after two fifths of the length, `lazy` ends at 40,
`random` is any number and `backwards` falls from 90. A first job is misled, within bounds; later ones are not.

{misled}

## A look within the first second

Media that can't be fetched fail a job within the first second, so an early look may save the wait for the first regular one.
It costs one GET a job, a third of all once the kind is known. By the schedule's own price (about half a second of lag a look
at 25 s jobs) it pays where more than about one job in twenty fails at once. So the default does not take it until one's own
jobs say so: it assumes 1 % at first, and learns from jobs that failed before any look saw them running. A caller who
knows better passes an interval of their own. Without an early look the first look at a job of an unknown kind comes after about 8 s.

{failing}

The recorded jobs, of which some fail; after 63 others.

## Under a limit

{limit} requests a sliding minute, {slots} jobs at once, 429 otherwise, a round trip of {rtt} s; one hour, medians of {seeds} seed(s), lengths
lognormal (median s, sigma). `Scheduler` starts with an empty history and learns as it goes. In brackets: of the given bound.

{quota}

Each job asks `Scheduler` for its turns and sleeps as long as it is told. Two a second: as in x-limits, no request within half a second of
another. The bound is the best schedule by dynamic programming for a known distribution and no progress, at the price of a look
that uses up both limits. The aims go by the published figures (found by dynamic programming before this schedule was written); those reckoned here are up to 1.4 % higher. The bound is of a steady
state, and the hour begins with no job running, which costs about half a job for each of the {slots}.

## What it does not do

- A first job is known only by what recordings say: that nothing ends in the first 6 s, and that progress begins after 6 to 11 s.
- Lengths are taken as lognormal. Two kinds of jobs under one key are seen as one wide kind, which gains little.
- Sparse looks mean sparse `on_progress` calls; an interval of one's own gives more.
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
        judged = [*aims(rows), *quota_aims(hours)]
        page = PAGE.format(
            recorded=report_recorded(count),
            aims=table(["Aim", "met"], [[text, yes(met)] for text, met in judged]),
            rows=report_rows(rows),
            misled=report_rows(misled),
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
