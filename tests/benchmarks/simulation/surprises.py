"""What a schedule did not expect: jobs that fail at once, and jobs of another kind than those before."""

from __future__ import annotations

import functools
import itertools
import math
import random
from collections.abc import Iterator

from benchmarks.simulation.learned import Schedule

from grok_imagine.pacing.predictor import REMOTE, History, Key

from .families import KINDS, MEDIANS, MISLEADING, Family, Job
from .single import fixed, score, watch

DEAD = 0.6
"""Seconds after which a job fails whose media can't be fetched: the first look, which followed the POST at once, told it."""


def failing(share: float, count: int, way: str) -> tuple[float, float, float]:
    """GETs, lag of the jobs that run, and lag of those that fail at once, when 63 have ended.

    Args:
        share: Of jobs that fail.
        count: Jobs.
        way: "never" looks early, "learned" does if own jobs failed there, "remote" is told that media are remote.
    """
    draw, history = random.Random(f"{share}"), History()
    seen: list[tuple[Job, int, float]] = []
    failed: list[tuple[Job, int, float]] = []
    for k, job in enumerate([*Family("recorded").jobs(1, 63), *Family("recorded").jobs(2, count)]):
        if draw.random() < share:
            job.length = DEAD
        key: Key = (*job.key, REMOTE) if way == "remote" else job.key
        past = history.model(key)
        if way == "never":
            past.early = 0.0
        gets, end, looks = watch(job, Schedule(past))
        history.add(key, end, looks, job.length == DEAD)
        if k >= 63:
            (failed if job.length == DEAD else seen).append((job, gets, end))
    return score(seen + failed).gets, score(seen).lag, score(failed).lag if failed else math.nan


def told(before: int) -> float:
    """The age at which a dead URL is told to a client that has seen so many jobs of each recorded kind."""
    history = History()
    for job in Family("recorded").jobs(1, 7 * before):
        _, end, looks = watch(job, Schedule(history.model(job.key)))
        history.add(job.key, end, looks)
    keys = {job.key for job in Family("recorded").jobs(0, 7)}
    dead = [watch(Job(key, DEAD, lambda age: None), Schedule(history.model((*key, REMOTE)))) for key in keys]
    return max(end for _, end, _ in dead)


def changed(kind: str, count: int) -> tuple[float, float]:
    """The worst lags of ours and of a fixed 5 s, at jobs with this progress after jobs that took shorter or longer."""
    ours, five = [0.0], [0.0]
    for median, other in itertools.product(MEDIANS, (10, *MEDIANS)):
        for k, job in enumerate(Family(kind, other, 0.25).jobs(4, count)):
            past = _before(median).model(("after", k))
            ours.append(watch(job, Schedule(past))[1] - job.length)
            five.append(watch(job, fixed(5))[1] - job.length)
    return max(ours), max(five)


@functools.cache
def _before(median: float) -> History:
    """What a client has learned of sixteen jobs. It is asked for all that comes after, and learns nothing of that."""
    history = History()
    for job in Family("stepped", median, 0.25).jobs(3, 16):
        _, end, looks = watch(job, Schedule(history.model(job.key)))
        history.add(("before", *job.key), end, looks)
    return history


def in_order(count: int) -> tuple[float, float]:
    """The worst lags when the recorded jobs come one after the other, in every order of their modes, to one client."""
    ours, five = [0.0], [0.0]
    for order in itertools.permutations(("image-to-video", "text-to-video", "extend-video")):
        for seed in range(count):
            history = History()
            for job in _sorted(order, seed):
                _, end, looks = watch(job, Schedule(history.model(job.key)))
                history.add(job.key, end, looks)
                ours.append(end - job.length)
                five.append(watch(job, fixed(5))[1] - job.length)
    return max(ours), max(five)


def _sorted(order: tuple[str, ...], seed: int) -> Iterator[Job]:
    jobs = list(Family("recorded").jobs(seed, 7))
    return (job for mode in order for job in jobs if job.key == (mode,))


CHANGES = (*KINDS, *MISLEADING)
"""Progress of the jobs after the change."""
