"""A batch that is broken off and begun anew, in any order."""

from __future__ import annotations

from collections import Counter

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from grok_imagine import Ledger
from grok_imagine_sandbox import Sandbox
from support import SharedClock

from .batches import Batches

STEP = st.sampled_from(["A", "B", "C", "D", "E"])


@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    runs=st.lists(st.tuples(st.lists(STEP, max_size=6), st.integers(0, 6)), min_size=1, max_size=4), mode=st.booleans()
)
def test_whatever_is_run_and_broken_off_each_request_is_posted_once(
    tmp_path_factory: pytest.TempPathFactory, runs: list[tuple[list[str], int]], mode: bool
) -> None:
    clock = SharedClock()
    ledger = Ledger(tmp_path_factory.mktemp("batch") / "jobs.db")
    with Sandbox(clock=clock, speed=1.0) as sandbox:
        batches = Batches("sync" if mode else "async", clock, sandbox.base_url)
        for prompts, most in runs:
            batches(prompts, most=most, ledger=ledger, concurrency=2)
        asked = {prompt for prompts, most in runs for prompt in prompts}
        bodies = Counter(job["body_sha256"] for job in sandbox.jobs)
        assert len(bodies) <= len(asked) and set(bodies.values()) <= {1}
        ids = {entry.request_id for entry in ledger.jobs()}
        assert {job["request_id"] for job in sandbox.jobs} <= ids
        final = batches(sorted(asked), ledger=ledger)
        assert all(o.state == "done" for o in final) and len(sandbox.jobs) == len(asked)
