"""Jobs: their ids, their states, and a bounded store."""

import hashlib
import math
import threading
from asyncio import Task
from collections.abc import Mapping
from dataclasses import dataclass
from heapq import heappop, heappush
from typing import Any, NamedTuple

from .curves import Curve
from .inputs import InputFailure
from .recipes import Product
from .rules import Order
from .scenarios import Choice, Scenario


def uuid_like(seed: int, purpose: str, number: int) -> str:
    """An id in the service's form: UUID-shaped, but of no RFC 4122 variant. Deterministic by the seed."""
    digits = hashlib.sha256(f"{seed}:{purpose}:{number}".encode()).hexdigest()
    variant = f"{int(digits[16], 16) & 7:x}"  # the variants of RFC 4122 have their highest bit set
    return f"{digits[:8]}-{digits[8:12]}-{digits[12:16]}-{variant}{digits[17:20]}-{digits[20:32]}"


class Plan(NamedTuple):
    """The product of a job, and its progress."""

    product: Product
    curve: Curve


@dataclass
class Job:
    """The job of an accepted request. Times are simulated seconds since the sandbox's start."""

    number: int
    """Its index among the accepted jobs."""
    request_id: str
    file_uuid: str
    order: Order
    """Without the body's media, which the product has in decoded form."""
    body_sha256: str
    created: float
    weight: int
    """Bytes of input it keeps in memory."""
    choice: Choice | None = None
    plan: Plan | None = None
    """None until its inputs are read."""
    failure: InputFailure | None = None
    preparation: "Task[None] | None" = None
    upload: "Task[None] | None" = None
    occasions: int = 0
    """Number of GETs that the job's scenario has changed."""

    @property
    def ending(self) -> Scenario | None:
        """The scenario that decides how the job ends, if one does."""
        return self.choice.scenario if self.choice is not None and self.choice.scenario.when == "end" else None

    @property
    def end(self) -> float:
        """When it ends unless it fails before; infinity if never, or not known yet."""
        if self.plan is None or (self.ending is not None and self.ending.state == "pending"):
            return math.inf
        return self.created + self.plan.curve.end

    @property
    def upload_url(self) -> str | None:
        """The request's `output.upload_url`."""
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
        """Seconds for which the file is stored; None is indefinitely."""
        return None if self.storage is None else self.storage.get("expires_after")

    @property
    def public_for(self) -> int | None:
        """Seconds for which the public URL is valid: its own value, or as long as the file is stored."""
        public = None if self.storage is None else self.storage.get("public_url")
        own = public.get("expires_after") if isinstance(public, Mapping) else None
        return own if isinstance(own, int) else self.stored_for

    def state(self, now: float) -> str:
        """`pending`, or how the job ended: `done`, `failed` or `expired`."""
        if self.failure is not None:
            return "failed"
        if now < self.end:
            return "pending"
        return self.ending.state if self.ending is not None else "done"

    def record(self, now: float) -> dict[str, Any]:
        """The job's record for `Sandbox.jobs`. The cost is None while it is unknown, and for jobs that are not billed."""
        state = self.state(now)
        charged = state in ("pending", "done") or (
            self.ending is not None and self.ending.is_billed and not self.failure
        )
        billed = self.plan.product if self.plan is not None and charged else None
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
    """There is no room for another job, and no ended job to drop."""


class JobStore:
    """Accepted jobs in order, bounded in number and memory. Thread-safe for reading.

    It keeps running jobs apart from ended ones, so that it handles thousands: only `all` iterates over them.
    """

    def __init__(self, max_jobs: int, max_bytes: int) -> None:
        self._max_jobs = max_jobs
        self._max_bytes = max_bytes
        self._bytes = 0
        self._jobs: dict[str, Job] = {}
        self._files: dict[str, Job] = {}
        self._running: set[int] = set()
        # Heaps: planned jobs by their end, ended jobs by age. Numbers are unique, so that jobs are never compared.
        self._ends: list[tuple[float, int, Job]] = []
        self._ended: list[tuple[int, Job]] = []
        self._lock = threading.Lock()

    def add(self, job: Job, now: float) -> None:
        """Add a job. It may drop the oldest ended ones.

        Raises:
            Full: There is no room for it.
        """
        with self._lock:
            self._make_room(now, jobs=1, weight=job.weight)
            self._jobs[job.request_id] = self._files[job.file_uuid] = job
            self._bytes += job.weight
            self._running.add(job.number)

    def grow(self, job: Job, weight: int, now: float) -> None:
        """Count bytes of an input that is being read.

        Raises:
            Full: There is no room for it.
        """
        with self._lock:
            self._weigh(job, job.weight + weight)
            self._make_room(now)

    def plan(self, job: Job, plan: Plan, now: float) -> None:
        """Set a job's plan after its inputs are read, and count their size.

        Raises:
            Full: There is no room for its inputs.
        """
        with self._lock:
            self._weigh(job, plan.product.recipe.weight())
            self._make_room(now)
            job.plan = plan
            if job.end < math.inf:
                heappush(self._ends, (job.end, job.number, job))

    def fail(self, job: Job, failure: InputFailure) -> None:
        """End a job as failed. Without a plan its inputs are dropped."""
        with self._lock:
            # A new exception: the traceback of the raised one refers to all inputs.
            job.failure = InputFailure(str(failure), failure.code)
            if job.plan is None:
                self._weigh(job, 0)
            self._end(job)

    def get(self, request_id: str) -> Job | None:
        """The job of this id, unless it was dropped."""
        with self._lock:
            return self._jobs.get(request_id)

    def of_file(self, file_uuid: str) -> Job | None:
        """The job whose file has this name, unless it was dropped."""
        with self._lock:
            return self._files.get(file_uuid)

    def all(self) -> list[Job]:
        """All jobs in the order of acceptance."""
        with self._lock:
            return list(self._jobs.values())

    def running(self, now: float) -> int:
        """The number of jobs that have not ended."""
        with self._lock:
            self._settle(now)
            return len(self._running)

    def _make_room(self, now: float, jobs: int = 0, weight: int = 0) -> None:
        """Drop the oldest ended jobs until there is room."""
        self._settle(now)
        while len(self._jobs) + jobs > self._max_jobs or self._bytes + weight > self._max_bytes:
            if not self._ended:
                raise Full
            _, job = heappop(self._ended)
            del self._jobs[job.request_id], self._files[job.file_uuid]
            self._bytes -= job.weight

    def _weigh(self, job: Job, weight: int) -> None:
        self._bytes += weight - job.weight
        job.weight = weight

    def _settle(self, now: float) -> None:
        """Move the jobs that have ended by now."""
        while self._ends and self._ends[0][0] <= now:
            _, _, job = heappop(self._ends)
            self._end(job)

    def _end(self, job: Job) -> None:
        if job.number in self._running:  # a job whose upload fails ends twice
            self._running.remove(job.number)
            heappush(self._ended, (job.number, job))
