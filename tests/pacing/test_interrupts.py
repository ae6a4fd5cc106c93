"""Ctrl-C at each line of the queues: it leaves as itself, and leaves nothing behind."""

from __future__ import annotations

import sys
from collections.abc import Callable
from types import FrameType
from typing import Any

import pytest

from grok_imagine import TextToVideo
from grok_imagine.core.effects import Sleep
from grok_imagine.pacing import scheduler
from grok_imagine.pacing.limiter import Pacer
from grok_imagine.pacing.limits import Limits
from support import ManualClock


def interrupted(at: int, work: Callable[[], object]) -> bool:
    """Runs `work` with Ctrl-C at a line of the scheduler, by its count. Returns whether there was such a line."""
    count = 0

    def trace(frame: FrameType, event: str, argument: object) -> Any:
        nonlocal count
        if frame.f_code.co_filename != scheduler.__file__:
            return None
        if event == "line":
            count += 1
            if count == at:
                sys.settrace(None)
                raise KeyboardInterrupt
        return trace

    before = sys.gettrace()
    sys.settrace(trace)
    try:
        work()
    except KeyboardInterrupt:
        return True
    finally:
        sys.settrace(before)
    return False


def run(pacer: Pacer, clock: ManualClock, request: TextToVideo) -> None:
    """A job from its start to its end, as a flow has it."""
    slot = pacer.new_job(request)
    try:
        for _ in range(3):
            for command in pacer.acquire(slot):
                assert isinstance(command, Sleep)
                clock.now += command.seconds
            pacer.record_poll(slot, 50)
        pacer.record_completion(slot, failed=False)
    finally:
        pacer.release(slot)


def test_ctrl_c_at_any_line_leaves_no_slot_and_hides_behind_no_other_error() -> None:
    at, request = 0, TextToVideo("A cat")
    while True:
        at += 1
        clock = ManualClock()
        pacer = Pacer(Limits(), clock)
        if not interrupted(at, lambda pacer=pacer, clock=clock: run(pacer, clock, request)):  # type: ignore[misc]
            break
        clock.now += 3600
        run(pacer, clock, request)  # which an endless loop over what was left behind would keep from ending
    assert at > 100


@pytest.mark.parametrize("state", ["idle", "queued", "busy"])
def test_a_slot_is_taken_out_of_its_queue_whatever_its_state(state: str) -> None:
    clock = ManualClock()
    pacer = Pacer(Limits(), clock)
    first, slot = pacer.new_job(TextToVideo("A")), pacer.new_job(TextToVideo("B"))
    queues = pacer._scheduler
    for each in (first, slot):
        queues._enter(each, clock.now)
    slot._state = state
    queues._leave(slot)
    assert queues._starts == [first]
    queues._leave(slot)
    assert queues._starts == [first]
