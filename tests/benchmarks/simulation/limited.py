"""Many jobs at once, under a limit: the scheduler beside simpler pilots, and the bound that none can beat."""

from __future__ import annotations

import heapq
import math
import random
import statistics
from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Protocol

from grok_imagine.pacing.predictor import History, Key
from grok_imagine.pacing.quota import Windows
from grok_imagine.pacing.scheduler import PollSlot, Scheduler

from .families import Job, progress_of

RTT = 0.15
LIMIT, WINDOW, SLOTS = 60, 60.0, 15
QUOTA = ((30, 0.35), (60, 0.25), (60, 0.6))
BOUND = {(30, 0.35): 1353, (60, 0.25): 811, (60, 0.6): 678}
"""Jobs an hour that can't be beaten without progress: the figures the aims go by. `bound` reckons them again."""


class Pilot(Protocol):
    """What decides who may send: `Scheduler`, or one of those it is compared with."""

    running: int

    def start(self, key: Key) -> PollSlot: ...
    def ask(self, slot: PollSlot, now: float) -> float: ...
    def record_poll(self, slot: PollSlot, now: float, progress: int | None = None) -> None: ...
    def record_completion(self, slot: PollSlot, now: float, failed: bool = False) -> None: ...
    def refused(self, slot: PollSlot, now: float, seconds: float) -> None: ...


class Queue:
    """A rule for the next look and, if there are limits, one gate for all: who is due first goes first."""

    def __init__(self, gap: Callable[[float, int], float], windows: Windows) -> None:
        self.gap, self.windows = gap, windows
        self.due: dict[PollSlot, float] = {}
        self.looks: dict[PollSlot, int] = {}
        self.log: deque[float] = deque()
        self.running = 0

    def start(self, key: Key) -> PollSlot:
        slot = Scheduler(History()).start(key)
        self.looks[slot] = 0
        return slot

    def ask(self, slot: PollSlot, now: float) -> float:
        if slot not in self.due:  # a start, which stands in the queue from when a place is free
            if self.running >= SLOTS:
                return 0.05
            self.running += 1
            self.due[slot] = now
        if self.due[slot] > now:
            return self.due[slot] - now
        free = max([now, *(self.log[-most] + seconds for most, seconds in self.windows if len(self.log) >= most)])
        if free > now or (self.windows and min(self.due, key=self.due.__getitem__) is not slot):
            return max(free - now, 1e-3)
        self.log.append(now)
        self.due[slot] = math.inf
        slot.started_at = now if slot.started_at is None else slot.started_at
        return 0.0

    def record_poll(self, slot: PollSlot, now: float, progress: int | None = None) -> None:
        self.looks[slot] += 1
        self.due[slot] = now + self.gap(now - (slot.started_at or 0.0), self.looks[slot])

    def record_completion(self, slot: PollSlot, now: float, failed: bool = False) -> None:
        self.running -= 1
        del self.due[slot], self.looks[slot]

    def refused(self, slot: PollSlot, now: float, seconds: float) -> None:
        if not self.looks[slot]:
            slot.started_at = None
        self.due[slot] = now + self.gap(0.0, 1) - RTT


@dataclass
class Service:
    """A service that answers 429 above its limits, and jobs that are asked of it one after the other, for ever."""

    jobs: Iterator[Job]
    pilot: Pilot
    windows: Windows = ((LIMIT, WINDOW),)
    running: dict[PollSlot, tuple[Job, float]] = field(default_factory=dict)
    arrivals: deque[float] = field(default_factory=deque)
    events: list[tuple[float, int, Callable[[float], None]]] = field(default_factory=list)
    turn: int = 0
    done: int = 0
    gets: int = 0
    lag: float = 0.0
    refusals: int = 0
    starts: int = 0
    asked: int = 0

    def answer(self, slot: PollSlot, at: float, new: bool) -> tuple[str, int | None]:
        """What a request gets that arrives at a time."""
        full = any(len(self.arrivals) >= n and self.arrivals[-n] > at - seconds + 1e-9 for n, seconds in self.windows)
        if full or (new and len(self.running) >= SLOTS):
            self.refusals += 1
            return "429", None
        self.arrivals.append(at)
        if new:
            self.starts += 1
            self.running[slot] = (next(self.jobs), at)
            return "running", None
        self.gets += 1
        job, born = self.running[slot]
        if at - born < job.length:
            return "running", job.progress(at - born)
        self.done += 1
        self.lag += at - born - job.length
        del self.running[slot]
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

    def ask(self, slot: PollSlot, now: float) -> None:
        """A slot asks for its turn: it sleeps, or its request leaves."""
        self.asked += 1
        new, wait = slot.started_at is None, self.pilot.ask(slot, now)
        if wait:
            self.later(now + wait, lambda then: self.ask(slot, then))
            return
        state, progress = self.answer(slot, now + RTT / 2, new)
        self.later(now + RTT, lambda then: self.deliver(then, slot, state, progress))

    def deliver(self, at: float, slot: PollSlot, state: str, progress: int | None) -> None:
        """An answer reaches the pilot; a job that has ended is followed by a new one."""
        if state == "429":
            self.pilot.refused(slot, at, 1.0)
        elif state == "running":
            self.pilot.record_poll(slot, at, progress)
        else:
            self.pilot.record_completion(slot, at)
            slot = self.pilot.start(("job",))
        self.ask(slot, at)


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
