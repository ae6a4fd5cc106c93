"""Jobs as the service knows them: those that were recorded, and families with lengths and progress of a kind."""

from __future__ import annotations

import itertools
import math
import random
import statistics
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from grok_imagine.pacing.predictor import Key

Progress = Callable[[float], "int | None"]


@dataclass
class Job:
    """A job as the service knows it; ages in seconds."""

    key: Key
    length: float
    progress: Progress


RECORDED: tuple[tuple[str, tuple[tuple[float, int], ...], float], ...] = (
    ("image-to-video", ((0.0, 1), (5.4, 1), (11.0, 19), (16.5, 35), (22.1, 35)), 27.6),
    ("image-to-video", ((0.0, 1), (5.4, 1), (10.9, 20), (16.5, 35), (22.1, 35)), 27.6),
    ("text-to-video", ((0.0, 1), (5.5, 1), (11.0, 12), (16.6, 42)), 22.1),
    ("text-to-video", ((0.0, 1), (5.4, 1), (11.2, 25)), 16.7),
    ("text-to-video", ((0.0, 1), (5.6, 1), (11.3, 21)), 16.8),
    ("extend-video", ((0.0, 0), (5.4, 0), (11.0, 14), (16.5, 30), (22.0, 58), (27.5, 77), (33.0, 95)), 38.5),
    ("extend-video", ((0.0, 0), (5.7, 0), (11.3, 13), (16.8, 42), (22.4, 59), (28.0, 84), (33.7, 95)), 39.2),
)
"""Every job that was recorded to its end: the looks that saw it running, and the age at the first that saw it done. Ages count
from the answer to the POST, which took 0.5 to 0.8 s; the first look followed at once."""

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
