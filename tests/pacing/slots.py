"""What the tests of the scheduler share."""

from __future__ import annotations

import heapq
import itertools
import math
from collections.abc import Callable
from typing import Any

from grok_imagine.pacing.predictor import History
from grok_imagine.pacing.quota import Windows
from grok_imagine.pacing.scheduler import PollSlot, Scheduler

KEY = ("text-to-video", "grok-imagine-video", "480p", 8)


CONTRACT = ((60, 60.0), (1, 0.5))


def assert_kept(sent: list[float], windows: Windows) -> None:
    """No window of any of these lengths holds more than it may, wherever it is laid."""
    for most, seconds in windows:
        for before, after in zip(sent, sent[most:], strict=False):
            assert after - before >= seconds - 1e-6


def assert_empty(scheduler: Scheduler) -> None:
    assert scheduler.running == 0
    assert not scheduler._queue
    assert not scheduler._starts


def turn_of(scheduler: Scheduler, slot: PollSlot, now: float) -> tuple[float, int]:
    """When its request leaves, if nobody else asks, and how often it asked before."""
    for asked in range(1000):
        if not (wait := scheduler.ask(slot, now)):
            return now, asked
        now += wait
    raise AssertionError("its turn never comes")


class World:
    """A service of simulated time: who asks is asked again when it was told, and every request is answered later."""

    def __init__(self, scheduler: Scheduler, answer_after: float = 0.15) -> None:
        self.scheduler = scheduler
        self.answer_after = answer_after
        self.now = 0.0
        self.sent: list[float] = []
        self.starts: list[float] = []
        self.polls: dict[PollSlot, list[float]] = {}
        self.length: dict[PollSlot, float] = {}
        self.asked = 0
        self.answered = 0
        self.most_running = 0
        self.refuse = 0
        self.refused_until = -math.inf
        self._turn = itertools.count()
        self._events: list[tuple[float, int, Callable[[], None]]] = []

    def job(self, length: float, **options: Any) -> PollSlot:
        return self.add(self.scheduler.start(KEY, **options), length)

    def add(self, slot: PollSlot, length: float) -> PollSlot:
        self.length[slot] = length
        self.polls[slot] = []
        self.later(0.0, lambda: self.ask(slot))
        return slot

    def later(self, seconds: float, happen: Callable[[], None]) -> None:
        heapq.heappush(self._events, (self.now + seconds, next(self._turn), happen))

    def ask(self, slot: PollSlot) -> None:
        if slot not in self.length:
            return
        self.asked += 1
        new = slot.started_at is None
        if wait := self.scheduler.ask(slot, self.now):
            assert wait >= 1e-3
            self.later(wait, lambda: self.ask(slot))
            return
        assert self.now >= self.refused_until
        self.sent.append(self.now)
        (self.starts if new else self.polls[slot]).append(self.now)
        assert self.scheduler.running <= self.scheduler.concurrent
        self.most_running = max(self.most_running, self.scheduler.running)
        self.later(self.answer_after, lambda: self.answer(slot, new))

    def answer(self, slot: PollSlot, new: bool) -> None:
        born = slot.started_at or 0.0
        self.answered += 1
        if self.refuse and self.answered % self.refuse == 0:
            self.scheduler.refused(slot, self.now, 2.0)
            self.refused_until = self.now + 2.0
        elif new or self.now - born < self.length[slot]:
            self.scheduler.record_poll(slot, self.now, int(99 * (self.now - born) / self.length[slot]))
        else:
            self.scheduler.record_completion(slot, self.now)
            del self.length[slot]
        self.ask(slot)

    def run(self, until: float = math.inf) -> World:
        for _ in range(200_000):
            if not self._events or self._events[0][0] > until:
                return self
            self.now, _, happen = heapq.heappop(self._events)
            happen()
        raise AssertionError("it goes on for ever")


def scheduler_with_a_job(windows: Windows = ()) -> tuple[Scheduler, PollSlot]:
    """A job whose POST left at 0 and was accepted."""
    scheduler = Scheduler(History(), windows)
    slot = scheduler.start(KEY)
    assert scheduler.ask(slot, 0.0) == 0
    scheduler.record_poll(slot, 0.1)
    return scheduler, slot
