"""One job at a time: what a schedule needs in looks and lag, beside a fixed interval."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from benchmarks.simulation.learned import Schedule

from grok_imagine.core.schedule import Poll
from grok_imagine.pacing.predictor import PACE, History

from .families import KINDS, MEDIANS, SIGMAS, Family, Job

Next = Callable[[Sequence[Poll], float], float]


def watch(job: Job, schedule: Next) -> tuple[int, float, list[Poll]]:
    """Looks needed, the age at the last of them, and what those before it saw."""
    looks: list[Poll] = []
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
        _, end, looks = watch(job, Schedule(history.model(job.key), pace))
        history.add(job.key, end, looks)
    seen = []
    for k, job in enumerate(family.jobs(seed, count)):
        gets, end, looks = watch(job, Schedule(history.model(job.key), pace))
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
