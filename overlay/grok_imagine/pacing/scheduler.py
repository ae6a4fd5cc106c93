"""A priority queue that decides which request of a client leaves next. No clock, no I/O and no central loop.

Each slot asks for its turn. The answer is how long to sleep before it asks again; 0 means: send, the request is counted. A
poll waits until its schedule makes it due and until its value reaches the price of a request, which rises as fewer are left.
Then it enters a queue ordered by value. So each free request goes where it saves most lag.
"""

from __future__ import annotations

import math
from array import array
from bisect import bisect_left, bisect_right, insort
from collections.abc import Sequence
from itertools import chain
from typing import Literal

from ..core.schedule import Poll, Schedule
from .predictor import OFFSETS, PACE, History, Key
from .quota import Windows

__all__ = ["PollSlot", "Scheduler"]

AWAKE = 16
"""Slots besides the first that are awake when a request may leave: values change while slots sleep."""

LONGEST_NAP = 30.0
"""Maximum seconds that a queued slot sleeps, since limits may widen meanwhile."""

_SHORTEST = 1e-3  # seconds; the shortest sleep
_STEP = 1e-3  # seconds between slots that wake for the same request, so that the first one asks first
_SOON = 0.1  # seconds; a slot ahead that wakes within this time is waited for
_LATE = 1.0  # seconds; a slot that is overdue by this time loses its place
_RETRY = 0.02  # seconds between asks while a slot ahead is waited for
_TURNOVER = 0.5  # seconds in which all places for jobs may change hands
_GAP = 0.5  # minimum seconds between two asks of a poll that waits only for the price
_RATING = 1e-4  # seconds for each queued slot; the minimum interval between two sorts of the queue
_FOUND = 60.0  # seconds; a job from elsewhere counts as not polled for at least this time
_DEAREST = 7200.0  # seconds of lag; the maximum value of a poll
_KEPT = 128  # polls that are kept of a running job
_COUNTED = 1024  # minimum number of requests to remember, for windows that are learned later


class PollSlot:
    """A place for one request at a time: a job's POST and then its polls, or any other single request.

    Attributes:
        key: The job's kind.
        started_at: When its POST left, and then when it was answered; None until then.
        polls: Polls that found it running: the first at each progress and the last, a bounded number.
    """

    __slots__ = (
        "_base",
        "_due",
        "_holds",
        "_left",
        "_priced",
        "_prioritized",
        "_rating",
        "_role",
        "_schedule",
        "_state",
        "_teaches",
        "_turn",
        "_values",
        "_wake",
        "key",
        "polls",
        "started_at",
    )

    def __init__(self, key: Key, role: Literal["start", "poll", "call"], turn: int, schedule: Schedule | None) -> None:
        self.key = key
        self.started_at: float | None = None
        self.polls: list[Poll] = []
        self._role = role
        self._state: Literal["idle", "queued", "busy", "gone"] = "idle"
        self._schedule = schedule
        self._turn = turn
        self._holds = False  # whether it holds a place among the running jobs
        self._teaches: bool | None = True  # None: its age is unknown
        self._prioritized = False
        self._priced = False  # whether its poll waits until its value reaches the price
        self._due = -math.inf  # the earliest time for its request
        self._base = 0.0  # the age at which _values begin
        self._values = _NOTHING
        self._rating = (0.0, turn)  # the order in its queue
        self._wake = -math.inf  # when it has to ask again
        self._left = -math.inf  # when its last request was counted

    @property
    def learns(self) -> bool:
        """Whether its end reveals its duration. False at the first poll of a job from elsewhere, which may have ended earlier."""
        return self._role == "poll" and self._teaches is True

    def _add_poll(self, age: float, progress: int | None) -> None:
        polls = self.polls
        if len(polls) > 1 and polls[-1][1] == progress == polls[-2][1]:
            polls[-1] = (age, progress)
            return
        polls.append((age, progress))
        if len(polls) > _KEPT:
            del polls[1:-1:2]

    def _plan(self, age: float, history: History, pace: float, rationed: bool) -> None:
        started_at = self.started_at or 0.0
        self._base = age
        if self._schedule:
            self._due, self._priced, self._values = started_at + self._schedule(self.polls, age), False, _NOTHING
        else:
            due, values = history.model(self.key).plan(self.polls, age, pace)
            self._due, self._priced = started_at + due, rationed
            self._values = array("f", (min(value, _DEAREST) for value in values)) if rationed else _NOTHING

    def _reaches(self, price: float) -> float:
        """When the value of a poll reaches a price in seconds of lag."""
        k = min(bisect_left(self._values, price), len(self._values) - 1)
        return (self.started_at or 0.0) + self._base + OFFSETS[k]

    def _value(self, now: float) -> float:
        """The value of a poll now, in seconds of lag. Without a posterior, the value under the prior."""
        age = now - (self.started_at or 0.0)
        since = max(age - self._base, 0.0)
        if not self._values:
            return since * since / 2 / max(age, since, _SHORTEST)
        k = bisect_left(OFFSETS, since)
        if k == 0 or k >= len(self._values):
            return self._values[0 if k == 0 else -1]
        part = (since - OFFSETS[k - 1]) / (OFFSETS[k] - OFFSETS[k - 1])
        return self._values[k - 1] * (1 - part) + self._values[k] * part


_NOTHING: array[float] = array("f")


def _rating(slot: PollSlot) -> tuple[float, int]:
    return slot._rating


def _place(line: Sequence[PollSlot], slot: PollSlot) -> int:
    return bisect_left(line, slot._rating, key=_rating)


class Scheduler:
    """Schedules all jobs of a client. A caller calls `ask` until it returns 0, sends, and reports the result.

    A slot is busy until a report by `record_poll`, `record_failure`, `record_completion`, `refused`, `put_back` or `release`.
    `now` is seconds of any monotonic clock. Not thread-safe.

    Args:
        history: Durations of finished jobs; jobs that end here are added.
        windows: The windows of requests; empty is no limit. May be set at any time.
        concurrent: Jobs that may run at once. May be set at any time.
        pace: As in `Schedule`. No poll is earlier than there.

    Attributes:
        running: Number of jobs that run, or whose POST is under way.
    """

    def __init__(
        self, history: History, windows: Windows = (), concurrent: float = math.inf, pace: float = PACE
    ) -> None:
        self.history = history
        self.windows = windows
        self.concurrent = concurrent
        self.running = 0
        self._pace = pace
        self._starts: list[PollSlot] = []  # first come, first served
        self._queue: list[PollSlot] = []  # all others: urgent requests, then polls by value
        self._sent: list[float] = []
        self._pause = -math.inf
        self._ranked = -math.inf
        self._turns = 0
        self._started_last = False

    def start(self, key: Key, schedule: Schedule | None = None) -> PollSlot:
        """A slot for a job to be started: its first turn is for the POST, later ones for polls.

        Args:
            key: Its kind.
            schedule: When to poll, within the windows and regardless of the price. None is the learned schedule.
        """
        return PollSlot(key, "start", self._next_turn(), schedule)

    def track_existing(
        self, key: Key, now: float, age: float | None = 0.0, schedule: Schedule | None = None
    ) -> PollSlot:
        """A slot for a job that was started elsewhere: a poll is due at once, and the job counts as running.

        Args:
            key: Its kind.
            now: The clock.
            age: Seconds since its start. None if unknown: then neither its progress nor its end is learned.
            schedule: As in `start`.
        """
        slot = PollSlot(key, "poll", self._next_turn(), schedule)
        slot.started_at, slot._teaches = now - (age or 0.0), None if age is None else False
        slot._base = min((age or 0.0) - _FOUND, 0.0)
        slot._holds = True
        self.running += 1
        return slot

    def call(self) -> PollSlot:
        """A slot for any other single request: it leaves before all polls, and is not tracked afterwards."""
        return PollSlot((), "call", self._next_turn(), None)

    def ask(self, slot: PollSlot, now: float) -> float:
        """Returns 0.0 if the slot's request leaves now, which counts it; else the seconds, at least 1 ms, until the next ask.

        Raises:
            RuntimeError: The slot's request is under way, or the slot was released.
        """
        if slot._state in ("busy", "gone"):
            state = "is under way" if slot._state == "busy" else "is gone: the job has ended or the slot was released"
            raise RuntimeError(f"this slot's request {state}")
        early = self._early(slot, now)
        if early > 0:
            self._leave(slot)
            wait = early
        else:
            self._enter(slot, now)
            wait = self._wait(slot, now)
            if wait == 0:
                self._go(slot, now)
                return 0.0
            wait = min(wait, LONGEST_NAP)
        wait = max(wait, _SHORTEST)
        slot._wake = now + wait
        return wait

    def prioritize(self, slot: PollSlot) -> None:
        """Makes its next poll due at once and puts it before all others. No effect unless the slot waits for a poll."""
        if slot._role == "poll" and slot._state in ("idle", "queued"):
            self._leave(slot)
            slot._prioritized = True

    def record_poll(self, slot: PollSlot, now: float, progress: int | None = None) -> None:
        """Records that the job runs: the POST was accepted, or a poll reported it. Plans the next poll."""
        if slot._state == "gone" or slot.started_at is None:
            return
        if slot._role == "start":
            slot.started_at = now  # recorded durations begin at the answer, too
        age = max(now - slot.started_at, 0.0)
        if slot._role == "poll":
            slot._add_poll(age, None if slot._teaches is None else progress)
            slot._teaches = None if slot._teaches is None else True
        self._rest(slot)
        slot._role, slot._prioritized = "poll", False
        slot._plan(age, self.history, self._pace, bool(self.windows))

    def record_failure(self, slot: PollSlot, now: float, at_least: float, at_most: float | None = None) -> None:
        """Records a request without a usable answer. The schedule sets the next poll, within these seconds, at any price.

        Without `at_most` it is due after exactly `at_least`; so is a POST that started no job and is sent again.
        """
        self._rest(slot)
        self._free_place(slot)
        due = now + at_least
        if at_most is not None and slot.started_at is not None and slot._state != "gone":
            before = slot._base, slot._values  # the value of a poll counts from the last usable answer
            slot._plan(max(now - slot.started_at, 0.0), self.history, self._pace, bool(self.windows))
            slot._base, slot._values = before
            due = max(min(slot._due, now + at_most), due)
        slot._due, slot._priced, slot._prioritized = due, False, False

    def record_completion(self, slot: PollSlot, now: float, failed: bool = False) -> None:
        """Records that the job has ended. Its duration is learned if the slot `learns`."""
        was_there = slot._state != "gone"
        self.release(slot)
        if was_there and slot.learns and slot.started_at is not None:
            self.history.add(slot.key, now - slot.started_at, slot.polls, failed)

    def release(self, slot: PollSlot) -> None:
        """Drops the slot in any state; nothing is learned. Calling it again has no effect."""
        self._leave(slot)
        slot._state = "gone"
        if slot._holds:
            slot._holds = False
            self.running -= 1

    def refused(self, slot: PollSlot, now: float, seconds: float) -> None:
        """Records a refused request: all requests pause for `seconds`, then the slot asks again.

        If it was the POST, no job exists; the slot keeps its place among the starts.
        """
        self.pause(now, seconds)
        self._rest(slot)
        self._free_place(slot)

    def put_back(self, slot: PollSlot, now: float, seconds: float) -> None:
        """Records that the request was not sent, and uncounts it: all requests pause for `seconds`, then the slot asks again."""
        k = bisect_left(self._sent, slot._left)
        if slot._state == "busy" and self._sent[k : k + 1] == [slot._left]:
            del self._sent[k]
        self.refused(slot, now, seconds)

    def pause(self, now: float, seconds: float) -> None:
        """Pauses all requests for `seconds`."""
        self._pause = max(self._pause, now + seconds)

    def count(self, now: float, requests: int) -> None:
        """Counts requests that other clients sent."""
        most = max([_COUNTED, *(most for most, _ in self.windows)])
        self._sent += [max(now, self._sent[-1] if self._sent else now)] * min(requests, most)
        if len(self._sent) > 2 * most:
            del self._sent[:-most]

    def used(self, now: float) -> int:
        """Requests within the first window; 0 without a limit."""
        return len(self._sent) - bisect_right(self._sent, now - self.windows[0][1]) if self.windows else 0

    def _next_turn(self) -> int:
        self._turns += 1
        return self._turns

    def _early(self, slot: PollSlot, now: float) -> float:
        """Seconds until the slot may enter the queue: until its poll is due, and its value reaches the price."""
        if slot._prioritized:
            return 0.0
        if slot._due > now or not slot._priced:
            return max(slot._due - now, 0.0)
        price, until = self._price(now)
        reached = slot._reaches(price)
        if reached <= now:
            return 0.0
        # Queued polls have a higher value: until they leave, the price can't fall for this one.
        soonest = max(until, now + _GAP, self._slot(len(self._queue) - AWAKE, now) if len(self._queue) > AWAKE else 0.0)
        return min(reached, soonest) - now

    def _price(self, now: float) -> tuple[float, float]:
        """The price of a request now, in seconds of lag, and until when it holds. It rises as fewer requests are left."""
        used = self.used(now)
        if not used:
            return 0.0, math.inf
        most, seconds = self.windows[0]
        return seconds / 8 * (1 / max(most - used, 1) - 1 / most), self._sent[-used] + seconds

    def _slot(self, rank: int, now: float) -> float:
        """The earliest time at which the windows allow a request that has `rank` others before it."""
        soonest = now
        for most, seconds in self.windows:
            rounds, k = divmod(rank, most)
            k += len(self._sent) - most
            free = self._sent[k] + seconds if k >= 0 else now
            soonest = max(soonest, max(free, self._pause, now) + rounds * seconds)
        return max(soonest, self._pause)

    def _wait(self, slot: PollSlot, now: float) -> float:
        """Estimated seconds until a queued slot may send; 0 if now."""
        self._tidy(now)
        starts, queue = self._starts, self._queue
        places = max(self.concurrent - self.running, 0)
        pressing = bisect_left(queue, (-math.inf, math.inf), key=_rating)
        if slot._role == "start":
            first = _place(starts, slot)  # the number of starts before it; `others` is that of the rest
            if first >= places:
                handed_on = (first - places + 1) * _TURNOVER / max(self.concurrent, 1)
                return max(handed_on, _SOON, self._slot(0, now) - now)
            others = min(len(queue), pressing + first + self._started_last)
        else:
            others = _place(queue, slot)
            turns = others - pressing + (not self._started_last) if others >= pressing else 0
            first = int(min(len(starts), places, turns))
        if self._slot(0, now) > now:
            wait = self._slot(max(first + others - AWAKE, 0), now) - now
        elif any(
            other._wake <= now + _SOON for other in chain(starts[: min(first, AWAKE)], queue[: min(others, AWAKE)])
        ):
            wait = max(self._slot(max(first + others - AWAKE, 0), now) - now, _RETRY)
        else:
            return 0.0
        return wait + min(first + others, AWAKE) * _STEP

    def _tidy(self, now: float) -> None:
        """Removes overdue slots from the front of the queues, and sorts polls by their current value."""
        for line in (self._starts, self._queue):
            while late := [slot for slot in line[:AWAKE] if slot._wake < now - _LATE]:
                for slot in late:
                    self._leave(slot)
        if len(self._queue) > 1 and now - self._ranked >= len(self._queue) * _RATING:
            self._ranked = now
            for slot in self._queue:
                if slot._rating[0] > -math.inf:
                    slot._rating = (-slot._value(now), slot._turn)
            self._queue.sort(key=_rating)

    def _enter(self, slot: PollSlot, now: float) -> None:
        slot._wake = now
        if slot._state == "queued":
            return
        slot._state = "queued"
        if slot._role == "start":
            insort(self._starts, slot, key=_rating)
            return
        slot._turn = self._next_turn()
        pressing = slot._prioritized or slot._role == "call"
        slot._rating = (-math.inf if pressing else -slot._value(now), slot._turn)
        insort(self._queue, slot, key=_rating)

    def _leave(self, slot: PollSlot) -> None:
        line = self._starts if slot._role == "start" else self._queue
        place = _place(line, slot)
        if line[place : place + 1] == [slot]:  # whatever its state says: Ctrl-C may come between the two
            del line[place]
        if slot._state == "queued":
            slot._state = "idle"

    def _go(self, slot: PollSlot, now: float) -> None:
        self._leave(slot)
        slot._state = "busy"
        self.count(now, 1)
        slot._left = self._sent[-1]
        if slot._role == "start":
            slot.started_at, slot._holds = now, True
            self.running += 1
        if slot._role != "call":
            self._started_last = slot._role == "start"

    def _rest(self, slot: PollSlot) -> None:
        """Takes the slot out of the queue and marks it idle: none of its requests is under way."""
        self._leave(slot)
        if slot._state == "busy":
            slot._state = "idle"

    def _free_place(self, slot: PollSlot) -> None:
        """Frees the place of a POST that started no job; the slot's turn among the starts stays the same."""
        if slot._role == "start" and slot._holds:
            slot.started_at, slot._holds, self._started_last = None, False, False
            self.running -= 1
