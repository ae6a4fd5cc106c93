"""Any order of events keeps the limits."""

from __future__ import annotations

import gc
import heapq
import math
import random
import tracemalloc
from bisect import bisect_right
from collections.abc import Callable

import pytest
from benchmarks.simulation.learned import Schedule
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from grok_imagine.pacing.predictor import PACE, History
from grok_imagine.pacing.scheduler import AWAKE, LONGEST_NAP, PollSlot, Scheduler

from .slots import CONTRACT, KEY, World, assert_empty, assert_kept, scheduler_with_a_job, turn_of


def test_a_start_goes_before_a_look_unless_the_last_request_was_one() -> None:
    scheduler, poll = scheduler_with_a_job(((1, 30.0),))
    scheduler.prioritize(poll)
    assert scheduler.ask(poll, 30.0) == 0
    scheduler.record_failure(poll, 30.0, 1.0)
    first, second = scheduler.start(KEY), scheduler.start(KEY)
    for slot in (first, second, poll):
        assert scheduler.ask(slot, 59.0) > 0
    assert scheduler.ask(poll, 60.0) > 0
    assert scheduler.ask(first, 60.0) == 0
    for slot in (second, poll):
        assert scheduler.ask(slot, 89.0) > 0
    assert scheduler.ask(second, 90.0) > 0
    assert scheduler.ask(poll, 90.0) == 0


def test_a_look_that_failed_is_made_again_in_between() -> None:
    scheduler, slot = scheduler_with_a_job()
    for at_least, at_most, wait in ((3.0, None, 3.0), (0.0, 5.0, 5.0), (30.0, 5.0, 30.0), (0.0, 600.0, None)):
        scheduler.prioritize(slot)
        assert scheduler.ask(slot, 10.0) == 0
        scheduler.record_failure(slot, 10.0, at_least, at_most)
        planned = Schedule()([], 10.0) - 10.0
        assert scheduler.ask(slot, 10.0) == pytest.approx(wait or planned, abs=0.3)
    assert slot.polls == []


def test_a_post_that_never_left_is_sent_again_after_its_pause() -> None:
    scheduler = Scheduler(History())
    slot = scheduler.start(KEY)
    assert scheduler.ask(slot, 0.0) == 0
    scheduler.record_failure(slot, 1.0, 3.0)
    assert scheduler.running == 0
    assert scheduler.ask(slot, 1.0) == 3.0
    assert scheduler.ask(slot, 4.0) == 0


def test_who_does_not_come_is_passed_over() -> None:
    scheduler = Scheduler(History(), (), 1)
    running = scheduler.start(KEY)
    assert scheduler.ask(running, 0.0) == 0
    absent = [scheduler.start(KEY) for _ in range(100)]
    for slot in absent:
        scheduler.ask(slot, 0.0)
    last = scheduler.start(KEY)
    scheduler.release(running)
    now, asked = turn_of(scheduler, last, 0.0)
    assert now < 2 * LONGEST_NAP
    assert asked < 10


def test_wider_limits_are_noticed() -> None:
    scheduler = Scheduler(History(), ((1, 3600.0),))
    scheduler.count(0.0, 1)
    slot = scheduler.start(KEY)
    assert scheduler.ask(slot, 1.0) == LONGEST_NAP
    scheduler.windows = ((60, 60.0),)
    assert scheduler.ask(slot, 1.0 + LONGEST_NAP) == 0


def test_a_ticket_under_way_can_not_ask() -> None:
    scheduler = Scheduler(History())
    slot = scheduler.start(KEY)
    assert scheduler.ask(slot, 0.0) == 0
    with pytest.raises(RuntimeError, match="under way"):
        scheduler.ask(slot, 0.0)


class Orders(RuleBasedStateMachine):
    """Whatever is told in whatever order, no limit is exceeded, all numbers agree, and in the end nothing is left."""

    @initialize(most=st.integers(1, 6), places=st.integers(1, 5))
    def begin(self, most: int, places: int) -> None:
        self.windows = ((most * 4, 60.0), (most, 5.0))
        self.scheduler = Scheduler(History(), self.windows, places)
        self.now = 0.0
        self.draw = random.Random(most * places)
        self.sent: list[tuple[float, PollSlot]] = []
        self.idle: list[PollSlot] = []
        self.busy: list[PollSlot] = []
        self.gone: list[PollSlot] = []
        self.jobs: set[PollSlot] = set()
        self.joined = 0
        self.pause = -math.inf

    def pick(self, slots: list[PollSlot]) -> PollSlot:
        return slots.pop(self.draw.randrange(len(slots)))

    @rule(seconds=st.floats(0.001, 30))
    def time_goes_by(self, seconds: float) -> None:
        self.now += seconds

    @rule(own=st.booleans())
    def start(self, own: bool) -> None:
        self.idle.append(self.scheduler.start(KEY, (lambda polls, age: age + 1.0) if own else None))
        self.jobs.add(self.idle[-1])

    @rule(age=st.none() | st.floats(0, 300))
    def join(self, age: float | None) -> None:
        self.idle.append(self.scheduler.track_existing(KEY, self.now, age))
        self.jobs.add(self.idle[-1])
        self.joined += 1

    @rule()
    def call(self) -> None:
        self.idle.append(self.scheduler.call())

    @precondition(lambda self: self.idle)
    @rule()
    def ask_all(self) -> None:
        for slot in list(self.idle):
            new = slot.started_at is None and slot in self.jobs
            wait = self.scheduler.ask(slot, self.now)
            if wait:
                assert 1e-3 <= wait < 7200
                continue
            assert self.now >= self.pause
            assert not new or self.scheduler.running <= self.scheduler.concurrent
            self.sent.append((self.now, slot))
            self.idle.remove(slot)
            if slot in self.jobs:
                self.busy.append(slot)

    @precondition(lambda self: self.busy)
    @rule(what=st.sampled_from(["saw", "missed", "missed within", "ended", "refused", "put_back", "drop"]))
    def tell(self, what: str) -> None:
        slot = self.pick(self.busy)
        if what == "saw":
            self.scheduler.record_poll(slot, self.now, self.draw.choice([None, 0, 50]))
        elif what.startswith("missed"):
            self.scheduler.record_failure(slot, self.now, 1.0, 9.0 if what.endswith("within") else None)
        elif what == "ended":
            self.scheduler.record_completion(slot, self.now)
        elif what == "drop":
            self.scheduler.release(slot)
        else:
            getattr(self.scheduler, what)(slot, self.now, 2.0)
            self.pause = max(self.pause, self.now + 2.0)
            if what == "put_back":
                last = max(k for k, (_, other) in enumerate(self.sent) if other is slot)
                del self.sent[last]
        (self.gone if what in ("ended", "drop") else self.idle).append(slot)

    @precondition(lambda self: self.idle)
    @rule()
    def drop(self) -> None:
        self.gone.append(self.pick(self.idle))
        self.scheduler.release(self.gone[-1])

    @precondition(lambda self: self.gone)
    @rule()
    def tell_of_one_that_is_gone(self) -> None:
        slot = self.draw.choice(self.gone)
        for tell in (self.scheduler.record_poll, self.scheduler.record_completion):
            tell(slot, self.now)
        self.scheduler.prioritize(slot)
        self.scheduler.release(slot)

    @precondition(lambda self: self.idle or self.busy)
    @rule()
    def hurry(self) -> None:
        self.scheduler.prioritize(self.draw.choice(self.idle + self.busy))

    @invariant()
    def limits_are_kept_and_numbers_agree(self) -> None:
        if not hasattr(self, "scheduler"):
            return
        times = [at for at, _ in self.sent]
        assert_kept(times, self.windows)
        assert self.scheduler.used(self.now) == len(times) - bisect_right(times, self.now - 60.0)
        alive = [*self.idle, *self.busy]
        assert self.scheduler.running == sum(slot.started_at is not None for slot in alive if slot in self.jobs)
        queued = [*self.scheduler._starts, *self.scheduler._queue]
        assert len(queued) == len(set(queued))
        assert set(queued) <= set(self.idle)

    def teardown(self) -> None:
        """Once nothing else happens, every slot's turn comes within what the windows need for all of them."""
        if not hasattr(self, "scheduler"):
            return
        for slot in self.busy:
            self.scheduler.release(slot)
        end = max(self.now, self.pause) + 7200 + 60.0 * len(self.idle)
        wakes = [(self.now, k, slot) for k, slot in enumerate(self.idle)]
        for _ in range(100_000):
            if not wakes:
                break
            now, k, slot = heapq.heappop(wakes)
            assert now < end
            if wait := self.scheduler.ask(slot, now):
                heapq.heappush(wakes, (now + wait, k, slot))
            else:
                self.scheduler.release(slot)
        assert_empty(self.scheduler)


TestOrders = Orders.TestCase


TestOrders.settings = settings(max_examples=40, stateful_step_count=50, deadline=None)


def test_asking_costs_the_same_among_thousands(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where limits are wide, a job asks once for each request and once before; and nobody else's worth is reckoned."""
    valued = 0
    value = PollSlot._value

    def counted(self: PollSlot, now: float) -> float:
        nonlocal valued
        valued += 1
        return value(self, now)

    monkeypatch.setattr(PollSlot, "_value", counted)
    scheduler = Scheduler(History(), ((1_000_000, 60.0),))
    waits = {}
    for k in range(5000):
        slot = scheduler.start(KEY, lambda polls, age: age + 30.0)
        assert scheduler.ask(slot, k * 1e-3) == 0
        scheduler.record_poll(slot, k * 1e-3)
        waits[slot] = k * 1e-3 + scheduler.ask(slot, k * 1e-3)
    assert not scheduler._queue
    assert valued == 0
    for slot, at in waits.items():
        assert scheduler.ask(slot, at) == 0
        assert len(scheduler._queue) == 0
    assert valued == 5000
    assert scheduler.running == 5000


def test_thousands_that_wait_sleep_most_of_the_time() -> None:
    world = World(Scheduler(History(), CONTRACT, 15))
    for _ in range(2000):
        world.job(20.0)
    world.run(120.0)
    assert_kept(world.sent, CONTRACT)
    assert world.asked - 2000 < 120 * 20 * AWAKE


def test_a_waiting_ticket_is_small() -> None:
    scheduler = Scheduler(History(), ((1_000_000, 60.0),))
    slots = [scheduler.start(KEY) for _ in range(50)]
    gc.collect()
    tracemalloc.start()
    try:
        before = tracemalloc.get_traced_memory()[0]
        slots = [scheduler.start(KEY) for _ in range(100)]
        for k, slot in enumerate(slots):
            assert scheduler.ask(slot, k / 7) == 0
            scheduler.record_poll(slot, k / 7 + 0.1)
            assert scheduler.ask(slot, k / 7 + 0.2) > 0
        size = (tracemalloc.get_traced_memory()[0] - before) / len(slots)
    finally:
        tracemalloc.stop()
    assert size < 1536


@pytest.mark.parametrize("progress", [lambda k: None, lambda k: 50, lambda k: k * 7 % 100])
def test_a_job_that_is_looked_at_for_ever_keeps_few_looks(progress: Callable[[int], int | None]) -> None:
    scheduler = Scheduler(History())
    slot = scheduler.track_existing(KEY, 0.0, 0.0, schedule=lambda polls, age: age + 1.0)
    for k in range(10_000):
        scheduler.prioritize(slot)
        assert scheduler.ask(slot, float(k)) == 0
        scheduler.record_poll(slot, float(k), progress(k))
    assert len(slot.polls) <= 128
    assert slot.polls[-1] == (9999.0, progress(9999))
    ages = [age for age, _ in slot.polls]
    assert ages == sorted(ages)


def test_pace_is_the_schedules_own() -> None:
    at = []
    for pace in (2.0, PACE, 20.0):
        scheduler = Scheduler(History(), pace=pace)
        slot = scheduler.start(KEY)
        scheduler.ask(slot, 0.0)
        scheduler.record_poll(slot, 0.1)
        at.append(scheduler.ask(slot, 0.1))
    assert at == sorted(set(at))
