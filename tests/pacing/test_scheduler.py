"""Whose request leaves next."""

from __future__ import annotations

import itertools

import pytest
from benchmarks.simulation.learned import Schedule
from hypothesis import given, settings
from hypothesis import strategies as st

from grok_imagine.core.schedule import Poll
from grok_imagine.pacing.predictor import History
from grok_imagine.pacing.scheduler import LONGEST_NAP, Scheduler

from .slots import CONTRACT, KEY, World, assert_empty, assert_kept, scheduler_with_a_job, turn_of


@given(
    st.lists(st.floats(0.5, 200), min_size=1, max_size=25),
    st.integers(1, 8),
    st.integers(1, 12),
    st.sampled_from([0, 3, 7]),
)
@settings(max_examples=25, deadline=None)
def test_no_limit_is_exceeded_and_every_job_ends(lengths: list[float], most: int, places: int, refuse: int) -> None:
    windows = ((most * 5, 60.0), (most, 5.0))
    world = World(Scheduler(History(), windows, places))
    world.refuse = refuse
    for length in lengths:
        world.job(length)
    world.run()
    assert not world.length
    assert world.most_running <= places
    assert_kept(world.sent, windows)
    assert_empty(world.scheduler)


def test_starts_do_not_wait_for_looks_nor_looks_for_starts() -> None:
    world = World(Scheduler(History(), [(20, 60.0)]))
    for _ in range(200):
        world.job(30.0)
    world.run()
    assert_kept(world.sent, [(20, 60.0)])
    assert world.starts[9] < 60
    assert world.starts[-1] < 200 / 10 * 60 * 1.2
    firsts = sorted(polls[0] - start for start, polls in zip(world.starts, world.polls.values(), strict=False))
    assert firsts[-1] < 15 * 60


def test_requests_are_spaced_and_the_best_use_is_made_of_them() -> None:
    """More jobs than places: requests leave half a second apart at least, and the minute's are used up."""
    world = World(Scheduler(History(), CONTRACT, 15))
    for _ in range(120):
        world.job(20.0)
    world.run()
    assert_kept(world.sent, CONTRACT)
    assert world.most_running == 15
    assert world.now < 120 * 2.6 + 60


def test_one_job_is_looked_at_as_by_the_schedule() -> None:
    world = World(Scheduler(History(), CONTRACT, 15), answer_after=0.0)
    slot = world.job(57.0)
    world.run()
    polls: list[Poll] = []
    ages = [0.0]
    while ages[-1] < 57:
        ages.append(Schedule()(polls, ages[-1]))
        polls.append((ages[-1], int(99 * ages[-1] / 57)))
    assert world.polls[slot] == pytest.approx(ages[1:], abs=0.3)


def test_a_schedule_of_ones_own_is_kept_to() -> None:
    world = World(Scheduler(History(), [(60, 60.0)], 15), answer_after=0.0)
    slot = world.job(20.0, schedule=lambda polls, age: age + 2.0)
    for _ in range(7):
        world.job(60.0)  # they use up half of the minute, at a price
    world.run(20.0)
    gaps = [after - before for before, after in itertools.pairwise(world.polls[slot])]
    assert gaps == pytest.approx([2.0] * len(gaps), abs=0.3)
    assert len(gaps) >= 8


def test_a_look_is_told_when_it_is_due() -> None:
    scheduler, slot = scheduler_with_a_job()
    wait = scheduler.ask(slot, 0.1)
    assert wait == pytest.approx(Schedule()([], 0.0))
    assert scheduler.ask(slot, 0.1 + wait) == 0


def test_a_job_from_elsewhere_is_looked_at_at_once_and_a_dropped_one_never() -> None:
    scheduler = Scheduler(History(), CONTRACT, 15)
    joined = scheduler.track_existing(KEY, 100.0, 20.0)
    assert scheduler.running == 1
    assert scheduler.ask(joined, 100.0) == 0
    scheduler.record_poll(joined, 100.2, 40)
    assert [progress for _, progress in joined.polls] == [40]
    assert joined.learns
    for _ in range(2):
        scheduler.release(joined)
        assert_empty(scheduler)
    with pytest.raises(RuntimeError, match="gone"):
        scheduler.ask(joined, 200.0)
    scheduler.record_poll(joined, 200.0)
    scheduler.record_completion(joined, 200.0)
    assert_empty(scheduler)
    assert scheduler.history.to_json() == []


@pytest.mark.parametrize(("age", "polls", "learned"), [(30.0, 1, 1), (30.0, 0, 0), (None, 2, 0)])
def test_only_what_is_known_is_learned(age: float | None, polls: int, learned: int) -> None:
    """The first poll at a job from elsewhere may see an end of long ago, and without an age no length is known."""
    scheduler = Scheduler(History())
    slot = scheduler.track_existing(KEY, 0.0, age)
    now = 0.0
    for _ in range(polls):
        now, _ = turn_of(scheduler, slot, now)
        scheduler.record_poll(slot, now, 50)
    assert [progress for _, progress in slot.polls] == [50 if age else None] * polls
    scheduler.record_completion(slot, now + 5.0)
    assert slot.learns == bool(learned)
    assert len(scheduler.history.to_json()) == learned


def test_a_refused_post_started_nothing_and_keeps_its_turn() -> None:
    scheduler = Scheduler(History(), (), 1)
    first, second = scheduler.start(KEY), scheduler.start(KEY)
    assert scheduler.ask(first, 0.0) == 0
    assert scheduler.ask(second, 0.0) > 0
    scheduler.refused(first, 0.1, 20.0)
    assert scheduler.running == 0
    assert first.started_at is None
    assert scheduler.ask(first, 0.2) == pytest.approx(19.9, abs=0.1)
    assert scheduler.ask(second, 19.9) > 0
    assert scheduler.ask(first, 20.1) == 0
    assert first.started_at == 20.1


def test_what_was_put_back_is_not_counted() -> None:
    scheduler = Scheduler(History(), ((2, 60.0),))
    first, second, third = scheduler.start(KEY), scheduler.start(KEY), scheduler.start(KEY)
    assert scheduler.ask(first, 0.0) == scheduler.ask(second, 0.0) == 0
    scheduler.put_back(first, 0.0, 1.0)
    scheduler.put_back(first, 0.0, 1.0)
    assert scheduler.used(0.5) == scheduler.running == 1
    assert 0.5 <= scheduler.ask(third, 0.5) <= 0.6
    assert scheduler.ask(first, 1.0) == 0
    assert scheduler.ask(third, 1.0) >= LONGEST_NAP


def test_other_requests_count() -> None:
    scheduler = Scheduler(History(), ((2, 60.0),))
    scheduler.count(0.0, 1)
    assert scheduler.ask(scheduler.call(), 1.0) == 0
    assert scheduler.used(1.0) == 2
    slot = scheduler.start(KEY)
    assert scheduler.ask(slot, 50.0) == 10.0
    assert scheduler.ask(slot, 60.0) == 0
    scheduler.windows = ()
    assert scheduler.used(60.0) == 0


def test_calls_and_hurried_looks_come_first() -> None:
    scheduler, early = scheduler_with_a_job(((2, 60.0),))
    start = scheduler.start(KEY)
    scheduler.count(0.2, 1)
    for now in (10.0, 50.0):
        assert scheduler.ask(start, now) > 0
        assert scheduler.ask(early, now) > 0
    scheduler.prioritize(early)
    call = scheduler.call()
    assert scheduler.ask(early, 59.95) == pytest.approx(0.05)
    assert scheduler.ask(call, 59.95) > 0.05
    assert scheduler.ask(start, 60.0) > 0
    assert scheduler.ask(early, 60.0) == 0
    assert scheduler.ask(start, 60.21) > 0
    assert scheduler.ask(call, 60.21) == 0
