"""When to poll a job next, from its `progress` and from the durations of the user's finished jobs. No clock and no I/O.

The posterior of a job's end is a density over its age, the seconds since its POST was answered. The prior is 1/age: uniform
on a logarithmic scale. For that prior the best schedule is a fixed interval, `pace`, if a poll costs as much as
`pace**2 / 2 / length` seconds of lag. This is the price of a poll. At this price, knowledge brings both fewer polls than the
fixed interval and less lag.

`scheduler` serves all jobs of a client under limits.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, TypeAlias

from ..core.request import VideoRequest
from ..core.schedule import Poll

__all__ = ["DurationModel", "History", "Posterior", "kind_of"]

Key: TypeAlias = tuple[str | int | float | None, ...]
"""The kind of a job, the most predictive part first: (mode, model, resolution, duration), then `REMOTE` if the service has
to fetch media."""

REMOTE = "remote"
"""Last part of a key: media are given by URLs. A dead URL fails the job at once; otherwise the duration is that of the kind."""

PACE = 5.0
"""Seconds between polls of a job of an unknown kind."""

KEPT = 64
"""Maximum number of finished jobs to keep for a kind, and of kinds."""

SLACK = 1.9
"""Maximum seconds by which a poll of a job of an unknown kind may be later than with a fixed interval."""

ENOUGH = 3
"""Finished jobs that make a kind known. With fewer, jobs of similar kinds are used, too."""

# Values from recordings, used until there are own finished jobs (x-waiter gives the source).
QUIET = 6.5  # no recorded job ended within 11 s; one that moderation rejected reportedly took 6
ONSET = 7.5  # progress begins to rise after 5 to 11 s
EARLY = 1.0  # media that can't be fetched fail a job within the first second
DEAD = 0.2  # share of recorded jobs with remote media that failed there; they were tests, so it is a guess

_LEAST = 0.5  # seconds between two polls
_SCALES = 8.0  # ln of the ratio of the longest to the shortest plausible duration
_CURVE = 16  # polls that are kept of a finished job
_HORIZON = 7200.0  # seconds


# Seconds from now that divide the posterior into constant steps, up to half an hour: fine near now, coarse later.
OFFSETS = tuple(0.25 / 0.06 * (1.06**k - 1) for k in range(105))


def predicted_lengths(polls: Iterable[Poll]) -> Iterator[tuple[int, float]]:
    """Each new progress value and the duration in seconds that it predicts by a line from the onset.

    Only the first poll at a value counts: a plateau adds no information. Jobs that stand still report 0 and 1.
    """
    last: int | None = None
    for age, progress in polls:
        if type(progress) is int and 2 <= progress <= 100 and progress != last and 0.1 < age < _HORIZON:
            last = progress
            onset = min(ONSET, 0.7 * age)
            yield progress, onset + (age - onset) * 100.0 / progress


class Finished:
    """A job that has ended, for the history.

    Attributes:
        seconds: Its age at the poll that found the end.
        curve: Polls that found it running: the first at each progress, a bounded number, and the last.
        early: Whether it failed before any poll found it running, so probably at once.
    """

    __slots__ = ("curve", "early", "seconds")

    def __init__(self, seconds: float, curve: Sequence[Poll], failed: bool) -> None:
        self.seconds, self.early = seconds, failed and not curve
        new = [poll for before, poll in zip([(0.0, None), *curve], curve, strict=False) if poll[1] != before[1]]
        if len(new) > _CURVE:
            new = new[:: -(-len(new) // (_CURVE - 1))]
        self.curve = [*new, *([] if new[-1:] == list(curve[-1:]) else curve[-1:])]

    @property
    def length(self) -> float:
        """Its estimated duration in seconds: it ended between two polls."""
        since = max(self.curve[-1][0], self.seconds / 2) if self.curve else self.seconds / 2
        return (min(since, self.seconds) + self.seconds) / 2


class DurationModel:
    """Predicts the next job from finished ones: its duration, and the duration that its progress implies.

    Durations are modelled as lognormal, so the prediction for the next job is Student's t over ln(age).

    Args:
        jobs: The finished jobs; empty at first.
        spread: Variance of ln(length) to add if the jobs were of another kind.
        is_known: Whether there are enough jobs of the same kind. Otherwise no poll waits much longer than a fixed interval.
        is_remote: Whether the service has to fetch media.
    """

    __slots__ = (
        "_bias",
        "_first",
        "_norm",
        "_scale",
        "center",
        "df",
        "doubt",
        "early",
        "is_known",
        "is_remote",
        "mean",
        "scale",
        "unknown",
    )

    def __init__(
        self,
        jobs: Sequence[Finished] = (),
        spread: float = 0.0,
        is_known: bool = False,
        is_remote: bool = False,
    ) -> None:
        self.is_known, self.is_remote = is_known, is_remote
        self._first: dict[float, tuple[float, list[float]]] = {}
        lengths = [(job, job.length) for job in jobs if not job.early]
        count = len(lengths)
        logs = [math.log(length) for _, length in lengths]
        self.mean = sum(length for _, length in lengths) / max(count, 1)
        self.center = sum(logs) / max(count, 1)
        self.df = count + 1.0
        squares = 0.25 + sum((value - self.center) ** 2 for value in logs)
        self.scale = math.sqrt(squares / self.df * (1 + 1 / max(count, 1)) + spread)
        gammas = math.lgamma((self.df + 1) / 2) - math.lgamma(self.df / 2)
        self._norm = math.exp(gammas) / math.sqrt(self.df * math.pi) / self.scale
        self.unknown = 1.0 / (1 + count)
        # A poll within the first seconds pays if more than about one job in twenty fails there; 1 % is assumed at first.
        # A remote URL may be dead at any time, regardless of earlier jobs: then the poll always pays.
        self.early = max((len(jobs) - count + 0.1) / (len(jobs) + 10), DEAD if is_remote else 0.0)
        residuals = [
            (at, math.log(length / end)) for job, length in lengths for at, end in predicted_lengths(job.curve)
        ]
        self.doubt = 0.1 + 0.3 / (1 + len(residuals) / 8)  # the share of jobs whose progress misleads
        self._bias, self._scale = zip(*(_residual(5 * k, residuals) for k in range(21)), strict=True)

    def plan(self, polls: Sequence[Poll], age: float, pace: float) -> tuple[float, list[float]]:
        """The age at which to poll next, and the values of polls from now on. For all jobs that just started it is the same."""
        is_first = not polls and age == 0
        if is_first and pace in self._first:
            return self._first[pace]
        posterior = Posterior(self, polls, age)
        planned = posterior.next_poll(pace), posterior.values()
        if is_first:
            self._first[pace] = planned
        return planned

    def known(self, age: float) -> float:
        """Density of the length per unit of ln(age), from finished jobs."""
        if self.unknown == 1.0:
            return 0.0
        z = (math.log(age) - self.center) / self.scale
        return float((1 - self.unknown) * self._norm * (1 + z * z / self.df) ** (-(self.df + 1) / 2))

    def reading(self, progress: int, end: float) -> tuple[float, float]:
        """Mean and standard deviation of ln(length), given a progress that predicts an end."""
        k = round(progress / 5)
        return math.log(end) + self._bias[k], self._scale[k]


def _residual(progress: int, residuals: Iterable[tuple[int, float]]) -> tuple[float, float]:
    """Mean and standard deviation of ln(length / predicted) near a progress. The prior weighs as much as two jobs."""
    prior = 0.2 + 0.4 * (1 - progress / 100)
    weight, total, square = 2.0, 0.0, 2 * prior * prior
    for at, value in residuals:
        near = math.exp(-(((at - progress) / 12) ** 2) / 2)
        weight += near
        total += near * value
        square += near * value * value
    mean = total / weight
    return mean, math.sqrt(max(square / weight - mean * mean, 1e-4))


def _evidence(model: DurationModel, polls: Sequence[Poll]) -> tuple[float, float] | None:
    """Mean and standard deviation of ln(length) from progress; None without progress. Steady progress narrows the deviation."""
    readings = [model.reading(progress, end) for progress, end in predicted_lengths(polls)]
    if not readings:
        return None
    mean, scale = readings[-1]
    errors = [min(4.0, ((mean - other) / wide) ** 2) for other, wide in readings[:-1]]
    return mean, scale * math.sqrt((2 + sum(errors)) / (2 + len(errors)))


class Posterior:
    """The posterior of the end of a job that runs at `now`. Not normalised.

    Attributes:
        edges: Ages in seconds; the first is now.
        mass: The probability that the job ends between an edge and the next.
        cost: The mass divided by the length that sets the price of a poll: the learned mean plus half an interval; or, where
            nothing was learned, the length itself.
        tail: Density per unit of ln(age) after the last edge.
    """

    __slots__ = ("_dead", "_since", "_thrift", "cost", "edges", "mass", "tail")

    def __init__(self, model: DurationModel, polls: Sequence[Poll], now: float) -> None:
        self.edges = [now + offset for offset in OFFSETS]
        self.mass: list[float] = []
        self.cost: list[float] = []
        evidence = _evidence(model, polls)
        mean, scale = evidence or (0.0, 1.0)
        floor = model.doubt / _SCALES if evidence else 1.0
        peak = (1 - model.doubt) / scale / math.sqrt(2 * math.pi)
        unknown = model.unknown / _SCALES
        before = now
        for edge in self.edges[1:]:
            age = (before + edge) / 2
            known = model.known(age)
            free = unknown if age > QUIET else unknown / 20
            if edge <= EARLY:
                free += model.early * age / EARLY
            fit = floor + peak * math.exp(-(((math.log(age) - mean) / scale) ** 2) / 2) if evidence else 1.0
            share = fit * (edge - before) / age
            self.mass.append((known + free) * share)
            self.cost.append((known / (model.mean + PACE / 2) + free / max(age, PACE)) * share)
            before = edge
        self.tail = unknown * floor
        # The age from which the wait for a poll is bounded: before it, a job ends only by an early failure.
        self._dead = EARLY if model.is_remote and now <= EARLY - _LEAST else math.inf
        # Compensates the polls that the bound adds while progress is slow.
        self._thrift = 1.06 if evidence and not model.is_known else 1.0
        self._since = math.inf if model.is_known else now if model.is_remote else max(now, PACE)

    def next_poll(self, pace: float) -> float:
        """The age in seconds at which the next poll costs least, including the lag until then and the cost after it.

        The cost after it treats polls as a fluid: a rate of sqrt(mass / cost) / pace a second is optimal (Keller 1974). Half
        a poll is added because polls are discrete.
        """
        edges, mass, latest = self.edges, self.mass, min(self._since + pace + SLACK, self._dead)
        pace *= self._thrift
        left, fluid = self.tail / edges[-1], 0.0
        follows = [pace * pace / 4 * left]
        for k in reversed(range(len(mass))):
            fluid += math.sqrt(mass[k] * (left + self.cost[k] / 2) * (edges[k + 1] - edges[k]))
            left += self.cost[k]
            follows.append(pace * fluid + pace * pace / 4 * left)
        follows.reverse()
        ended = lag = 0.0
        least, found = math.inf, edges[-1]
        for k, gain in enumerate(mass):
            lag += (ended + gain / 2) * (edges[k + 1] - edges[k])
            ended += gain
            if lag + follows[k + 1] < least and edges[k + 1] - edges[0] >= _LEAST:
                least, found = lag + follows[k + 1], edges[k + 1]
            if edges[k + 1] > latest:
                break
        return min(found, latest)

    def values(self) -> list[float]:
        """For each edge, the price in seconds of lag at which a poll there is optimal. The values never fall."""
        total = sum(self.mass) + self.tail * math.log(max(_HORIZON / self.edges[-1], 1.0)) or 1.0
        values, ended, most = [0.0], 0.0, 0.0
        for k, gain in enumerate(self.mass):
            ended += gain
            left = max(total - ended, 0.0)
            density = gain / (self.edges[k + 1] - self.edges[k])
            if density > 0:
                # With h = density / left: 2 / h * (sqrt(1 + ended / left) - 1)**2, rearranged so that left may be 0.
                most = max(most, 2 / density * (math.sqrt(left + ended) - math.sqrt(left)) ** 2)
            values.append(most)
        return values


def kind_of(request: VideoRequest) -> Key:
    """The kind of a request's job: jobs of a kind have similar durations. The last part marks remote media."""
    values = (request.body.get(field) for field in ("model", "resolution", "duration"))
    kind = (request.mode, *(value if isinstance(value, str | int) else str(value) for value in values))
    return (*kind, REMOTE) if _is_remote(request.body) else kind


def _is_remote(part: object) -> bool:
    """Whether a part of a body refers to media by a URL other than a `data:` URL."""
    if isinstance(part, str):
        return False
    if isinstance(part, Mapping):
        url = part.get("url")
        return (isinstance(url, str) and url[:5].lower() != "data:") or any(map(_is_remote, part.values()))
    return isinstance(part, list | tuple) and any(map(_is_remote, part))


def _kind(key: Key) -> Key:
    """A key without the mark for remote media, which affect failures and not the duration."""
    return key[:-1] if key[-1:] == (REMOTE,) else key


class History:
    """Durations of finished jobs by kind, bounded in number. Not thread-safe."""

    __slots__ = ("_jobs", "_models")

    def __init__(self) -> None:
        self._jobs: dict[Key, list[Finished]] = {}
        self._models: dict[Key, DurationModel] = {}

    def add(self, key: Key, seconds: float, curve: Sequence[Poll] = (), failed: bool = False) -> None:
        """Adds a job that has ended.

        Args:
            key: Its kind, with or without the mark for remote media.
            seconds: Its age at the poll that found the end. Implausible ages are ignored.
            curve: The polls before, which found it running.
            failed: Whether it ended without a video.
        """
        if not 0.1 < seconds < _HORIZON or not all(0 <= age < _HORIZON for age, _ in curve):
            return
        key = _kind(key)
        jobs = self._jobs.pop(key, [])
        self._jobs[key] = [*jobs, Finished(seconds, curve, failed)][-KEPT:]
        if len(self._jobs) > KEPT:
            del self._jobs[next(iter(self._jobs))]
        # A kind with enough jobs of its own does not depend on other kinds.
        for other in [one for one in self._models if _kind(one) == key or len(self._jobs.get(_kind(one), ())) < ENOUGH]:
            del self._models[other]

    def model(self, key: Key) -> DurationModel:
        """The model for the next job of a kind, from its own jobs if there are enough, otherwise from similar kinds."""
        if key not in self._models:
            kind = _kind(key)
            own = jobs = self._jobs.get(kind, [])
            size = len(kind)
            while len(jobs) < ENOUGH and size:
                size -= 1
                jobs = [job for other, some in self._jobs.items() if other[:size] == kind[:size] for job in some]
            if len(self._models) >= KEPT:
                self._models.clear()
            spread = 0.1 * (len(kind) - size) if len(jobs) > len(own) else 0.0
            self._models[key] = DurationModel(jobs[-KEPT:], spread, len(own) >= ENOUGH, key != kind)
        return self._models[key]

    def to_json(self) -> list[Any]:
        """Lists for JSON: [key, [[seconds, [[age, progress], ...], failed], ...]] for each kind."""
        return [
            [list(key), [[job.seconds, [list(poll) for poll in job.curve], job.early] for job in jobs]]
            for key, jobs in self._jobs.items()
        ]

    @classmethod
    def from_json(cls, data: Iterable[Any]) -> History:
        """Reads the output of `to_json`.

        Raises:
            ValueError, TypeError: The data have another form.
        """
        history = cls()
        for key, jobs in data:
            for seconds, curve, failed in jobs:
                polls = [(float(age), progress) for age, progress in curve]
                history.add(tuple(key), float(seconds), polls, bool(failed))
        return history
