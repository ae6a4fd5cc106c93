"""The progress of jobs over simulated time, modelled on recorded and reported jobs (register, Recorded timings)."""

import hashlib
from collections.abc import Iterator
from itertools import count
from typing import NamedTuple

from .recipes import Product


class Curve(NamedTuple):
    """Progress over a job's age in simulated seconds since the answer to its POST."""

    first: int
    steps: tuple[tuple[float, int], ...]
    end: float

    def progress(self, age: float) -> int:
        """The progress in per cent at this age."""
        return max((progress for since, progress in self.steps if since <= age), default=self.first)


class Family(NamedTuple):
    """Jobs of similar length: `base` seconds plus `work` for each second of video, times `spread`, within `bounds`."""

    base: float
    work: dict[str, float]
    spread: tuple[float, float]
    bounds: tuple[float, float]


# Recorded: 8 s at 480p ended between 11 and 22 s after the POST's answer, 6 s at 720p between 22 and 28, 10 s more of a
# video between 33 and 39.
_BASE = Family(5.0, {"480p": 1.3, "720p": 3.3, "1080p": 3.6}, (0.75, 1.25), (11.0, 40.0))
_EXTENSION = Family(18.0, {"480p": 1.9, "720p": 1.9}, (0.94, 1.06), (20.0, 45.0))
# Reported: 3 s at 480p between two frames took 38 to 44 s, 4 s at 1080p 48.
_NEW = Family(34.0, {"480p": 2.2, "720p": 3.0, "1080p": 3.7}, (0.94, 1.06), (38.0, 96.0))
_FAMILIES = {"grok-imagine-video-1.5": _NEW}  # no timing of lite is known: it is like the base model


def curve(mode: str, model: str, product: Product, request_id: str) -> Curve:
    """A job's progress: constant until about 11 s, then rising in steps until the end.

    Equal `request_id`s give equal curves.
    """
    dice = _dice(request_id)
    family = _EXTENSION if mode == "extend-video" else _FAMILIES.get(model, _BASE)
    low, high = family.bounds
    mean = family.base + product.seconds * family.work[product.resolution]
    end = min(high, max(low, mean * _between(*family.spread, dice)))
    quiet = _between(9.5, 11.5, dice)
    steps = round(_between(4, 7, dice))
    ages = sorted(_between(quiet, max(end, quiet), dice) for _ in range(steps - 1))
    risen = sorted(round(_between(10, 95, dice)) for _ in range(steps))
    first = 1 if product.recipe.video is None else 0
    return Curve(first, tuple(zip([quiet, *ages], risen, strict=True)), end)


def _dice(seed: str) -> Iterator[float]:
    """Fractions from 0 to 1 that depend on the seed alone, not on the version of Python."""
    for number in count():
        yield int.from_bytes(hashlib.sha256(f"{seed}:{number}".encode()).digest()[:4]) / 2**32


def _between(low: float, high: float, dice: Iterator[float]) -> float:
    return low + (high - low) * next(dice)
