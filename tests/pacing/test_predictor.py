"""The polling schedule: properties of what it says, and the aims of the simulation, which its seeds make repeatable."""

from __future__ import annotations

import itertools
import json
import math
import random
import subprocess
import sys
from typing import Any

import pytest
from benchmarks.simulation.families import Family, Job
from benchmarks.simulation.learned import Schedule
from benchmarks.simulation.limited import BOUND, bound, hour
from benchmarks.simulation.single import fixed, judge, watch
from benchmarks.simulation.surprises import CHANGES, DEAD, changed, in_order, told
from hypothesis import given, settings
from hypothesis import strategies as st

from grok_imagine import VideoRequest
from grok_imagine.core.schedule import Poll
from grok_imagine.pacing.predictor import (
    EARLY,
    ENOUGH,
    KEPT,
    PACE,
    REMOTE,
    SLACK,
    DurationModel,
    History,
    Posterior,
    kind_of,
)
from support import HANG

KEY = ("text-to-video", "grok-imagine-video", "480p", 8)
AGES = st.floats(0, 7000)
PROGRESS: st.SearchStrategy[Any] = st.one_of(
    st.none(), st.integers(-5, 105), st.sampled_from([math.nan, "50", 12.5, True, 10**30])
)
LOOKS = st.lists(st.tuples(AGES, PROGRESS), max_size=12)
JOBS = st.lists(st.tuples(st.floats(0.1, 3000), LOOKS, st.booleans()), max_size=12)


def filled(jobs: list[tuple[float, list[Poll], bool]]) -> History:
    history = History()
    for seconds, polls, failed in jobs:
        history.add(KEY, seconds, polls, failed)
    return history


def like(length: float, count: int = 30, spread: float = 0.1) -> History:
    """A history of jobs of about a length, looked at every 2 s."""
    draw, history = random.Random(1), History()
    for _ in range(count):
        seconds = length * math.exp(draw.gauss(0, spread))
        history.add(KEY, seconds + 1, [(age, None) for age in range(2, int(seconds), 2)])
    return history


def looks_until(length: float, schedule: Schedule, progress: Any = lambda age: None) -> list[float]:
    ages: list[float] = []
    history: list[Poll] = []
    while not ages or ages[-1] < length:
        ages.append(schedule(history, ages[-1] if ages else 0.0))
        history.append((ages[-1], progress(ages[-1])))
    return ages


# One job


@given(JOBS, LOOKS, AGES, st.floats(0.5, 60))
@settings(max_examples=60, deadline=None)
def test_next_poll_is_ahead_and_bounded_whatever_was_seen(
    jobs: list[tuple[float, list[Poll], bool]], polls: list[Poll], now: float, pace: float
) -> None:
    at = Schedule(filled(jobs).model(KEY), pace)(polls, now)
    assert now + 0.5 <= at <= now + 1800


@given(JOBS, LOOKS, AGES)
@settings(max_examples=40, deadline=None)
def test_belief_is_beyond_now_and_finite(
    jobs: list[tuple[float, list[Poll], bool]], polls: list[Poll], now: float
) -> None:
    belief = Posterior(filled(jobs).model(KEY), polls, now)
    assert belief.edges[0] == now
    assert all(before < after for before, after in itertools.pairwise(belief.edges))
    assert all(math.isfinite(mass) and mass >= 0 for mass in belief.mass)
    worth = belief.values()
    assert worth == sorted(worth)
    assert all(math.isfinite(value) for value in worth)


def test_same_input_same_look() -> None:
    polls: list[Poll] = [(9.0, 1), (14.0, 20)]
    assert Schedule(like(30).model(KEY))(polls, 14.0) == Schedule(like(30).model(KEY))(polls, 14.0)


def test_where_nothing_is_known_it_is_a_fixed_interval() -> None:
    ages = looks_until(300, Schedule())
    gaps = [after - before for before, after in itertools.pairwise(ages[1:])]
    assert all(abs(gap - PACE) <= 0.1 * PACE for gap in gaps)


@pytest.mark.parametrize("progress", [0, 1, None, -3, 101, 12.5, "50", True, math.nan])
def test_progress_that_tells_nothing_changes_nothing(progress: Any) -> None:
    assert Schedule()([(9.0, progress), (14.0, progress)], 14.0) == Schedule()([], 14.0)


def test_more_progress_earlier_look() -> None:
    at = [Schedule()([(30.0, progress)], 30.0) for progress in (20, 50, 80, 95)]
    assert at == sorted(at, reverse=True)
    assert at[0] > at[-1]


def test_progress_that_falls_is_believed_no_less() -> None:
    assert Schedule()([(20.0, 80), (30.0, 20)], 30.0) > Schedule()([(20.0, 10), (30.0, 80)], 30.0)


def test_a_smaller_pace_looks_sooner() -> None:
    at = [Schedule(like(60).model(KEY), pace)([], 0.0) for pace in (1.0, 3.0, 5.0, 10.0, 30.0)]
    assert at == sorted(at)


@pytest.mark.parametrize("length", [20, 60, 300])
def test_history_is_found_again(length: float) -> None:
    past = like(length).model(KEY)
    ages = looks_until(length, Schedule(past))
    assert past.mean == pytest.approx(length, rel=0.1)
    assert len(ages) < 0.7 * length / PACE
    assert ages[-1] - length < 2.5
    # Before anything is likely there are few polls, for the case that this job is unlike the others.
    assert sum(age < 0.6 * length for age in ages) < 0.2 * length / PACE


def test_a_job_that_outlives_all_others_is_looked_at_like_an_unknown_one() -> None:
    ages = looks_until(500, Schedule(like(30).model(KEY)))
    assert 0.5 * PACE < ages[-1] - ages[-2] < 2 * PACE


def test_no_job_is_looked_at_endlessly_since_it_stands_at_99() -> None:
    ages = looks_until(120, Schedule(), lambda age: 99 if age > 10 else 0)
    assert len(ages) < 2 * 120 / PACE


def test_looks_within_the_first_second_where_jobs_fail_there() -> None:
    def first(failed: int) -> float:
        history = like(30, 40 - failed)
        for _ in range(failed):
            history.add(KEY, 10.0, failed=True)
        return Schedule(history.model(KEY))([], 0.0)

    assert first(0) > 10
    assert first(12) < 1.5


# Another kind of job, and dead URLs


@given(
    JOBS,
    st.floats(PACE, 600),
    st.lists(PROGRESS, min_size=1, max_size=8),
    st.booleans(),
    st.integers(0, ENOUGH - 1),
)
@settings(max_examples=100, deadline=None)
def test_a_job_of_a_kind_that_is_not_known_is_never_seen_much_later_than_by_a_fixed_interval(
    jobs: list[tuple[float, list[Poll], bool]], length: float, progress: list[Any], is_remote: bool, own: int
) -> None:
    history, kind = filled(jobs), (*KEY[:3], 15)
    for _ in range(own):
        history.add(kind, 1000.0, [(900.0, None)])
    past = history.model((*kind, REMOTE) if is_remote else kind)
    job = Job(kind, length, lambda age: progress[int(age) % len(progress)])
    _, end, _ = watch(job, Schedule(past))
    assert end - length <= PACE + SLACK + 1e-6


@pytest.mark.parametrize("kind", CHANGES)
def test_a_change_of_kind_costs_at_most_two_seconds_more_than_a_fixed_interval(kind: str) -> None:
    ours, five = changed(kind, 7)
    assert is_near_its_worst(five)
    assert ours <= 5.0 + 2.0


def test_the_recorded_jobs_in_any_order_are_not_seen_late() -> None:
    ours, five = in_order(6)
    assert is_near_its_worst(five)
    assert ours <= 5.0 + 2.0


def is_near_its_worst(worst: float) -> bool:
    """Whether so many jobs were drawn that a fixed interval of 5 s was at its worst, or nearly."""
    return 4.0 <= worst <= 5.0


def test_enough_jobs_of_a_kind_end_the_bound() -> None:
    history = History()
    for _ in range(ENOUGH):
        assert not history.model(KEY).is_known
        history.add(KEY, 300.0, [(296.0, None)])
    assert history.model(KEY).is_known
    assert max(
        after - before for before, after in itertools.pairwise(looks_until(250, Schedule(like(300).model(KEY))))
    ) > 2 * (PACE + SLACK)


@given(JOBS, st.sampled_from([KEY, (*KEY[:3], 15), ("extend-video", "m", None, 6)]))
@settings(max_examples=60, deadline=None)
def test_a_dead_url_is_told_at_once_whatever_was_seen(jobs: list[tuple[float, list[Poll], bool]], kind: Any) -> None:
    past = filled(jobs).model((*kind, REMOTE))
    first = Schedule(past)([], 0.0)
    assert 0.5 <= first <= EARLY


@pytest.mark.parametrize("before", [0, 1, 3, 64])
def test_a_dead_url_is_told_before_a_fixed_interval_tells_it(before: int) -> None:
    assert told(before) < watch(Job(KEY, DEAD, lambda age: None), fixed(5))[1]


def test_remote_media_change_what_is_known_of_nothing_else() -> None:
    here, there = like(30), History.from_json(like(30).to_json())
    for seconds in (40.0, 50.0):
        here.add(KEY, seconds)
        there.add((*KEY, REMOTE), seconds)
    assert here.to_json() == there.to_json()
    near, far = here.model(KEY), here.model((*KEY, REMOTE))
    assert (near.mean, near.scale, near.is_known) == (far.mean, far.scale, far.is_known)


PNG = "data:image/png;base64,AAAA"
AWAY = "https://example.com/a.png"


@pytest.mark.parametrize(
    ("options", "is_remote"),
    [
        ({}, False),
        ({"image_url": PNG}, False),
        ({"image_url": PNG.replace("data:", "DATA:")}, False),
        ({"image_file_id": "file_1"}, False),
        ({"output_upload_url": "https://example.com/put"}, False),
        ({"image_url": AWAY}, True),
        ({"reference_image_urls": [PNG, AWAY]}, True),
        ({"reference_image_urls": [PNG]}, False),
        ({"last_frame_url": AWAY, "model": "grok-imagine-video-1.5"}, True),
        ({"video_url": "https://example.com/a.mp4"}, True),
        ({"video_file_id": "file_1"}, False),
    ],
)
def test_a_request_tells_whether_its_media_are_remote(options: dict[str, Any], is_remote: bool) -> None:
    key = kind_of(VideoRequest.from_keywords(call="generate", strict=False, prompt="x", **{"model": None} | options))
    assert (key[-1] == REMOTE) == is_remote
    assert len(key) == 4 + is_remote


# What is learned


@given(JOBS)
@settings(max_examples=40, deadline=None)
def test_history_survives_json(jobs: list[tuple[float, list[Poll], bool]]) -> None:
    ours = [
        (seconds, [(a, p) for a, p in polls if isinstance(p, int | None)], failed) for seconds, polls, failed in jobs
    ]
    history = filled(ours)
    again = History.from_json(json.loads(json.dumps(history.to_json())))
    assert again.to_json() == history.to_json()
    assert Schedule(again.model(KEY))([], 0.0) == Schedule(history.model(KEY))([], 0.0)


@pytest.mark.parametrize("data", [5, [5], [["key"]], [[["key"], [5]]], [[["key"], [["long", [], False]]]]])
def test_what_is_no_history_is_refused(data: Any) -> None:
    with pytest.raises((TypeError, ValueError)):
        History.from_json(data)


@pytest.mark.parametrize("seconds", [0.0, -1.0, math.nan, math.inf])
def test_what_is_no_age_is_not_learned(seconds: float) -> None:
    history = History()
    history.add(KEY, seconds)
    history.add(KEY, 30.0, [(seconds or math.nan, 5)])
    assert history.to_json() == []


def test_memory_is_bounded() -> None:
    history = History()
    for kind in range(3 * KEPT):
        for job in range(3):
            history.add(("mode", kind), 30.0 + job, [(float(age), age % 100) for age in range(1000)])
    for _ in range(3 * KEPT):
        history.add(("mode", 0), 30.0)
        history.model(("other", 0))
    kept = history.to_json()
    assert len(kept) == KEPT
    assert max(len(jobs) for _, jobs in kept) == KEPT
    assert max(len(job[1]) for _, jobs in kept for job in jobs) <= 17


def test_the_nearest_kind_is_taken() -> None:
    history = like(30, 5)
    for seconds in (100.0, 110.0, 120.0):
        history.add((*KEY[:3], 15), seconds, [(seconds - 4, None)])
    short, long = history.model(KEY).mean, history.model((*KEY[:3], 15)).mean
    assert short < 35 < 100 < long
    for other in ((*KEY[:3], 4), (*KEY[:2], "720p", 8), ("edit-video", "another")):
        assert short < history.model(other).mean < long
        assert history.model(other).scale > history.model(KEY).scale
    assert History().model(KEY).mean == DurationModel().mean == 0


# The simulation


def test_recorded_jobs_meet_the_aims() -> None:
    rows = [judge(Family("recorded"), warm, 350) for warm in (False, True)]
    assert all(row.met for row in rows)
    assert rows[1].ours.product <= 0.4


@pytest.mark.parametrize("kind", ["smooth", "stepped", "none"])
def test_other_jobs_meet_the_aims(kind: str) -> None:
    rows = [judge(Family(kind, 30, 0.35), warm, 100) for warm in (False, True)]
    assert all(row.met for row in rows)
    assert rows[1].ours.product <= 0.75


@pytest.mark.parametrize("name", ["ours", "ours, 2 a second"])
def test_a_quarter_of_an_hour_under_the_limit(name: str) -> None:
    jobs, _, _, refusals = hour(name, 30, 0.35, 0, 900.0)
    queued, *_ = hour("0.8 x known median, gate", 30, 0.35, 0, 900.0)
    assert jobs >= queued
    assert jobs >= 0.9 * BOUND[30, 0.35]
    assert refusals == 0


def test_the_bound_is_reckoned_as_noted() -> None:
    for law, noted in BOUND.items():
        assert bound(*law) == pytest.approx(noted, rel=0.02)


def test_it_is_not_imported_unless_needed() -> None:
    code = "import sys, grok_imagine; print('grok_imagine.pacing.predictor' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=HANG)
    assert done.stdout.strip() == "False"
