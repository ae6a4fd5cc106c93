"""The store of jobs: it forgets and counts as if it looked at each job, and takes no longer for it with thousands."""

import time
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from grok_imagine_sandbox.inputs import InputFailure
from grok_imagine_sandbox.jobs import Curve, Full, Job, JobStore, Plan
from grok_imagine_sandbox.recipes import Product, Recipe
from grok_imagine_sandbox.rules import Order
from grok_imagine_sandbox.scenarios import choose

ORDER = Order("generateVideo", "text-to-video", "grok-imagine-video", {})


def made(number: int, now: float, weight: int = 0, scenario: str | None = None) -> Job:
    choice = None if scenario is None else choose(scenario)
    return Job(number, f"id {number}", f"file {number}", ORDER, "", now, weight, choice)


def planned(seconds: float, weight: int = 0) -> Plan:
    recipe = Recipe("text-to-video", "x", 1, (848, 480), first_frame=bytes(weight))
    return Plan(Product(recipe, 1, "480p", 0, ""), Curve(0, (), seconds))


class Naive:
    """The same store, written so that nobody can doubt it: it asks each job, each time."""

    def __init__(self, max_jobs: int, max_bytes: int) -> None:
        self.max_jobs, self.max_bytes = max_jobs, max_bytes
        self.jobs: list[Job] = []

    def make_room(self, now: float, jobs: int = 0, weight: int = 0) -> None:
        while len(self.jobs) + jobs > self.max_jobs or sum(job.weight for job in self.jobs) + weight > self.max_bytes:
            ended = next((job for job in self.jobs if job.state(now) != "pending"), None)
            if ended is None:
                raise Full
            self.jobs.remove(ended)

    def add(self, job: Job, now: float) -> None:
        self.make_room(now, 1, job.weight)
        self.jobs.append(job)

    def plan(self, job: Job, plan: Plan, now: float) -> None:
        job.weight = plan.product.recipe.weight()
        self.make_room(now)
        job.plan = plan

    def fail(self, job: Job, failure: InputFailure) -> None:
        job.failure = failure
        job.weight = 0 if job.plan is None else job.weight

    def all(self) -> list[Job]:
        return self.jobs

    def running(self, now: float) -> int:
        return sum(job.state(now) == "pending" for job in self.jobs)


NEW = st.tuples(st.just("add"), st.integers(0, 6), st.sampled_from([None, None, "never-ends", "expired"]))
READ = st.tuples(st.just("plan"), st.integers(0, 20), st.tuples(st.integers(1, 9), st.integers(0, 6)))
BROKEN = st.tuples(st.just("fail"), st.integers(0, 20), st.none())
LATER = st.tuples(st.just("later"), st.integers(1, 8), st.none())


def lived(store: Any, steps: list[tuple[str, int, Any]]) -> list[Any]:
    """What a store tells over a life of steps; as in the service, a plan without room fails its job."""
    told: list[Any] = []
    jobs: list[Job] = []
    now = 0.0
    for step, number, more in steps:
        job = jobs[number % len(jobs)] if jobs else None
        full = False
        if step == "later":
            now += number
        elif step == "add":
            job = made(len(jobs), now, number, more)
            try:
                store.add(job, now)
                jobs.append(job)
            except Full:
                full = True
        elif step == "plan" and job is not None and job.plan is None and job.failure is None:
            try:
                store.plan(job, planned(*more), now)
            except Full:
                full = True
                store.fail(job, InputFailure("full"))
        elif step == "fail" and job is not None and (job.plan is None or job.state(now) == "done"):
            store.fail(job, InputFailure("broken"))
        kept = [(job.request_id, job.state(now), job.weight) for job in store.all()]
        told.append((full, kept, store.running(now)))
    return told


@settings(max_examples=300, deadline=None, database=None, derandomize=True)
@given(st.lists(st.one_of(NEW, READ, BROKEN, LATER), max_size=60))
def test_it_is_the_naive_store(steps: list[tuple[str, int, Any]]) -> None:
    assert lived(JobStore(5, 12), steps) == lived(Naive(5, 12), steps)


def test_a_forgotten_job_is_found_by_no_name() -> None:
    store = JobStore(1, 0)
    first, second = made(0, 0.0), made(1, 5.0)
    store.add(first, 0.0)
    store.plan(first, planned(5.0), 0.0)
    assert (store.get("id 0"), store.of_file("file 0")) == (first, first)
    with pytest.raises(Full):
        store.add(second, 4.9)
    store.add(second, 5.0)
    assert (store.get("id 0"), store.of_file("file 0")) == (None, None)
    assert (store.get("id 1"), store.of_file("file 1")) == (second, second)


def test_the_oldest_ended_is_forgotten_whichever_ended_first() -> None:
    store = JobStore(4, 0)
    for number, seconds in enumerate((9.0, 30.0, 1.0, 5.0)):
        job = made(number, 0.0)
        store.add(job, 0.0)
        store.plan(job, planned(seconds), 0.0)
    assert [store.running(now) for now in (0.0, 1.0, 5.0, 9.0)] == [4, 3, 2, 1]
    left = []
    for number in (4, 5, 6):
        store.add(made(number, 10.0), 10.0)
        left.append([job.number for job in store.all()])
    assert left == [[1, 2, 3, 4], [1, 3, 4, 5], [1, 4, 5, 6]]


def cpu_of_a_life(jobs: int) -> float:
    """CPU seconds a job in a full store of so many: taken, counted, planned, and an old one forgotten for it."""
    store = JobStore(jobs, 0)
    now = 0.0

    def live(numbers: range) -> float:
        nonlocal now
        start = time.thread_time()
        for number in numbers:
            now += 1.0
            job = made(number, now)
            store.add(job, now)
            store.plan(job, plan, now)
            assert store.running(now) > 0
        return time.thread_time() - start

    plan = planned(jobs / 2)  # half of those that are kept run
    live(range(jobs))
    assert store.running(now) == jobs // 2
    some = 500
    best = min(live(range(start, start + some)) for start in range(jobs, jobs + 4 * some, some))
    assert len(store.all()) == jobs
    return best / some


def test_a_hundred_thousand_jobs_are_no_problem() -> None:
    """A hundred times the jobs cost the same; the measured ratio is about 1.5, of one look at each it would be 100."""
    assert cpu_of_a_life(100_000) < 10 * cpu_of_a_life(1_000)
