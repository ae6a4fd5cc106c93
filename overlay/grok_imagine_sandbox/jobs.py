"""Jobs: their ids, how they progress over simulated time, and a store of them with a bound."""

import hashlib
import threading
from asyncio import Task
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import count
from typing import Any, NamedTuple

from .inputs import InputFailure
from .recipes import Product
from .rules import Order
from .scenarios import Choice, Scenario


def uuid_like(seed: int, purpose: str, number: int) -> str:
    """An id as the service's: UUID-shaped, of no RFC 4122 variant. The same for the same seed."""
    digits = hashlib.sha256(f"{seed}:{purpose}:{number}".encode()).hexdigest()
    variant = f"{int(digits[16], 16) & 7:x}"  # the variants of RFC 4122 have their highest bit set
    return f"{digits[:8]}-{digits[8:12]}-{digits[12:16]}-{variant}{digits[17:20]}-{digits[20:32]}"


class Curve(NamedTuple):
    """Progress over a job's age in simulated seconds, like the recorded ones (register, Recorded timings)."""

    first: int
    steps: tuple[tuple[float, int], ...]
    end: float

    def progress(self, age: float) -> int:
        """Per cent that a look at this age tells."""
        return max((progress for since, progress in self.steps if since <= age), default=self.first)


# Seconds of work for each second made; the recorded jobs lie on these within a tenth.
_WORK = {"480p": 1.3, "720p": 3.0, "1080p": 3.6}
_EXTENSION = 2.3  # times as much work as a generation


def curve(mode: str, product: Product, request_id: str) -> Curve:
    """A job's progress: nothing moves for 6 to 11 s, then it rises in steps, and ends after 17 to 40 s.

    The same for the same `request_id`.
    """
    dice = _dice(request_id)
    work = product.seconds * _WORK[product.resolution] * (_EXTENSION if mode == "extend-video" else 1.0)
    end = min(40.0, max(17.0, (7.0 + work) * _between(0.94, 1.06, dice)))
    quiet = _between(6.0, 11.0, dice)
    steps = round(_between(4, 7, dice))
    ages = sorted(_between(quiet, end, dice) for _ in range(steps - 1))
    risen = sorted(round(_between(10, 95, dice)) for _ in range(steps))
    first = 1 if product.recipe.video is None else 0
    return Curve(first, tuple(zip([quiet, *ages], risen, strict=True)), end)


def _dice(seed: str) -> Iterator[float]:
    """Fractions from 0 to 1 that depend on the seed alone, whatever the version of Python."""
    for number in count():
        yield int.from_bytes(hashlib.sha256(f"{seed}:{number}".encode()).digest()[:4]) / 2**32


def _between(low: float, high: float, dice: Iterator[float]) -> float:
    return low + (high - low) * next(dice)


class Plan(NamedTuple):
    """What a job will deliver, and when."""

    product: Product
    curve: Curve


@dataclass
class Job:
    """An accepted request and what becomes of it. Times are simulated seconds since the sandbox's start."""

    request_id: str
    file_uuid: str
    order: Order
    """Without the body's media, which the product keeps in decoded form."""
    body_sha256: str
    created: float
    weight: int
    """Bytes of input it keeps in memory."""
    choice: Choice | None = None
    plan: Plan | None = None
    """None until its inputs were read."""
    failure: InputFailure | None = None
    preparation: "Task[None] | None" = None
    upload: "Task[None] | None" = None
    occasions: int = 0
    """Looks that met the job's scenario."""

    @property
    def ending(self) -> Scenario | None:
        """The scenario that decides how the job ends, if one does."""
        return self.choice.scenario if self.choice is not None and self.choice.scenario.when == "end" else None

    @property
    def upload_url(self) -> str | None:
        """Where the request wants the file sent."""
        output = self.order.body.get("output")
        return None if output is None else output["upload_url"]

    @property
    def storage(self) -> Mapping[str, Any] | None:
        """The request's `storage_options`."""
        return self.order.body.get("storage_options")

    @property
    def stored_publicly(self) -> bool:
        """Whether the stored file has a public URL."""
        return self.storage is not None and bool(self.storage.get("public_url"))

    @property
    def stored_for(self) -> int | None:
        """Seconds for which the file is stored; None is for ever."""
        return None if self.storage is None else self.storage.get("expires_after")

    @property
    def public_for(self) -> int | None:
        """Seconds for which the public URL holds: its own figure, or as long as the file is stored."""
        public = None if self.storage is None else self.storage.get("public_url")
        own = public.get("expires_after") if isinstance(public, Mapping) else None
        return own if isinstance(own, int) else self.stored_for

    def state(self, now: float) -> str:
        """`pending`, or how the job ended: `done`, `failed` or `expired`."""
        if self.failure is not None:
            return "failed"
        if self.plan is None or now - self.created < self.plan.curve.end:
            return "pending"
        return self.ending.state if self.ending is not None else "done"

    def record(self, now: float) -> dict[str, Any]:
        """What is told about the job outside the API. The cost is None until it is known, and of a failed job."""
        state = self.state(now)
        billed = self.plan.product if self.plan is not None and state in ("pending", "done") else None
        return {
            "request_id": self.request_id,
            "operation": self.order.operation,
            "body_sha256": self.body_sha256,
            "scenario": str(self.choice) if self.choice is not None else None,
            "created": round(self.created, 3),
            "state": state,
            "cost_in_usd_ticks": billed.ticks if billed is not None else None,
        }


class Full(RuntimeError):
    """There is no room for another job, and none has ended that could make some."""


class JobStore:
    """Accepted jobs in their order, at most so many and so heavy. Safe to read from any thread."""

    def __init__(self, max_jobs: int, max_bytes: int) -> None:
        self._max_jobs = max_jobs
        self._max_bytes = max_bytes
        self._jobs: dict[str, Job] = {}
        self._lock = threading.Lock()

    def add(self, job: Job, now: float) -> None:
        """Keep a job.

        Raises:
            Full: There is no room for it.
        """
        self.make_room(now, jobs=1, weight=job.weight)
        with self._lock:
            self._jobs[job.request_id] = job

    def make_room(self, now: float, jobs: int = 0, weight: int = 0) -> None:
        """Forget the oldest ended jobs until so many more fit.

        Raises:
            Full: Those that still run leave no room.
        """
        while True:
            kept = self.all()
            heavy = sum(job.weight for job in kept) + weight > self._max_bytes
            if len(kept) + jobs <= self._max_jobs and not heavy:
                return
            ended = next((job for job in kept if job.state(now) != "pending"), None)
            if ended is None:
                raise Full
            with self._lock:
                del self._jobs[ended.request_id]

    def get(self, request_id: str) -> Job | None:
        """The job of this id, unless it was forgotten."""
        with self._lock:
            return self._jobs.get(request_id)

    def all(self) -> list[Job]:
        """The jobs in the order of their acceptance."""
        with self._lock:
            return list(self._jobs.values())

    def running(self, now: float) -> int:
        """How many jobs have not ended."""
        return sum(job.state(now) == "pending" for job in self.all())
