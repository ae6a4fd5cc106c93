"""The flows of a batch: each request runs once, a few at a time, and its outcome is a value.

`threads` and `tasks` run many flows at once. Every request is claimed in the ledger before it is posted. So the same batch,
started again after a crash or in another process, continues where it is.
"""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from typing import NamedTuple

from grok_imagine_api import contract

from ..core import polling
from ..core.effects import Blocking, Flow, ProgressCallback, Sleep, StartedCallback
from ..core.hooks import PollSlot, Runtime
from ..core.request import VideoRequest
from ..core.results import Video
from ..core.schedule import Schedule
from ..errors import CostLimitError, GrokImagineError, LedgerError, OutOfRange, UnexpectedError
from ..ledger.entries import BatchSlot, Entry
from ..ledger.isolation import holds_for_all, own_error
from ..ledger.recorded import ended_video, recorded_unknown
from ..ledger.recorder import AlreadyClaimed, LedgerRecorder
from ..posting.post import log_lost_job
from ..posting.start import is_unseen, start
from ..pricing import estimate
from .outcome import BatchClosed, BatchItem, Outcome, id_on, request_of, state_of

__all__ = ["BatchRunner", "BatchStats", "Options"]

AHEAD = 2
"""Limit of pulled requests whose outcomes were not read, as a multiple of the concurrency. It bounds a batch's memory."""

STARTING = 32
"""Maximum number of requests that are starting at once. A start needs memory that a running job does not."""

MOST_TICKS = 2**63 - 1
"""The maximum number of the ledger's columns."""

LEDGER_POLL_INTERVAL = 1.0
"""Seconds between reads of the ledger while another process's POST is under way."""


class BatchAborted(Exception):
    """An earlier request met an error that applies to all: nothing more is posted."""


class ItemState:
    """The state of a request until its outcome is complete."""

    __slots__ = ("batch_slot", "began", "intent", "is_new", "request", "request_id", "slot")

    def __init__(self, request: VideoRequest) -> None:
        self.request = request
        self.intent = ""
        self.batch_slot = BatchSlot("")
        self.request_id: str | None = None
        self.slot: PollSlot | None = None
        self.began: float | None = None
        self.is_new = False


class Options(NamedTuple):
    """The options of a batch; see `Videos.batch`."""

    recorder: LedgerRecorder
    name: str
    max_cost_usd: float | None
    timeout: float
    repeat: bool
    strict: bool
    on_progress: ProgressCallback | None = None
    on_started: StartedCallback | None = None
    schedule: Schedule | None = None
    wrap: Callable[[Flow[list[Outcome]], VideoRequest], Flow[list[Outcome]]] = lambda flow, request: flow


class BatchRunner:
    """The flows and the results of a batch. Call `take` in one thread; its flows may run in any.

    Attributes:
        counts: Outcomes so far, by state.
        running: Ids of the jobs that the batch waits for.
        on_running: Called when a job is added to `running`.
        unread: Ids of jobs that have ended, and whose outcomes nobody has read.
        reported: Ids of jobs that an exception or the log has reported.
    """

    def __init__(
        self,
        runtime: Runtime,
        options: Options,
        bind: Callable[[Video], Video],
        redact: Callable[[GrokImagineError], None],
    ) -> None:
        self._runtime = runtime._replace(recorder=options.recorder)
        self._origin = options.recorder.origin
        self._options = options
        self.ledger = options.recorder.ledger
        self._bind = bind
        self._redact = redact
        self._lock = threading.Lock()
        self._followers: dict[tuple[str, str, int], list[int]] = {}
        self.running: dict[str | None, None] = {}
        self.unread: dict[str | None, None] = {}
        self._fatal: GrokImagineError | None = None
        self._taken = 0
        self.on_running: Callable[[], object] = lambda: None
        self.counts: Counter[str] = Counter()
        self.reported: set[str] = set()
        self._costs: tuple[float, float] | None = None

    def take(self, given: BatchItem) -> Flow[list[Outcome]]:
        """The flow of the next request. It returns the request's outcome, and those of equal requests that came meanwhile."""
        position, self._taken = self._taken, self._taken + 1
        copy = position if self._options.repeat else 0
        known: VideoRequest | None = None
        try:
            known = given if isinstance(given, VideoRequest) else None
            request = known = request_of(given, strict=self._options.strict)
            if self._options.strict:
                request.check()
            _ = request.operation  # so that an invalid mode fails here, not at the POST
            key = (request.mode, request.sha256, copy)
            with self._lock:
                followers = self._followers.get(key)
                if followers is None:
                    self._followers[key] = []
                else:
                    followers.append(position)
        except Exception as error:  # an item may be any object
            # No variable keeps the error: its traceback refers to this frame, which would be a cycle.
            return self._completed(Outcome(position, "refused", known, error=own_error(error, None, self._redact)))
        if followers is not None:
            return self._completed()
        return self._options.wrap(self._run(position, request, key), request)

    def _completed(self, *outcomes: Outcome) -> Flow[list[Outcome]]:
        self._count(outcomes)
        return list(outcomes)
        yield  # makes this a generator, as the other flows are

    def _run(self, position: int, request: VideoRequest, key: tuple[str, str, int]) -> Flow[list[Outcome]]:
        """Runs a request to its outcome. Few generators are nested, since thousands may wait at once."""
        item, options = ItemState(request), self._options
        try:
            video = yield from self._begin(item, self._slot_of(request, key[2]))
            if video is None:
                video = yield from polling.wait(
                    str(item.request_id), self._runtime, item.slot,
                    timeout=options.timeout, began=item.began, request=request, on_progress=options.on_progress,
                    on_started=options.on_started,
                )  # fmt: skip
            outcome = self._ended(position, item, video)
        except BatchAborted:
            outcome = Outcome(position, "refused", request, error=self._fatal)
        except Exception as error:  # whatever it is, it ends this request alone
            yield from self._settle(item, error)
            outcome = self._failed(position, item, error)
        except BaseException:
            if item.request_id:
                self._log_left([item.request_id])
            raise
        finally:
            if item.is_new and item.request_id:
                self.unread[item.request_id] = None
            self.running.pop(item.request_id, None)
            if item.slot:
                self._runtime.limiter.release(item.slot)
            with self._lock:
                followers = self._followers.pop(key)
        outcomes = [outcome, *(outcome._replace(position=follower, is_new=False) for follower in followers)]
        self._count(outcomes)
        return outcomes

    def _count(self, outcomes: Iterable[Outcome]) -> None:
        with self._lock:
            self.counts.update(outcome.state for outcome in outcomes)

    def has_room(self, pulled: int, ended: int, taken: int, concurrency: int) -> bool:
        """Whether another request may be pulled, by the limits for running jobs, starting jobs and unread outcomes."""
        active = pulled - ended
        return active < concurrency and active - len(self.running) < STARTING and pulled - taken < AHEAD * concurrency

    def _ended(self, position: int, item: ItemState, video: Video) -> Outcome:
        if video.outcome != "done":  # moderated: the job succeeded, but its video is withheld
            return self._failed(position, item, video.failure())
        video = self._bind(video)
        return Outcome(position, "done", item.request, video.request_id, video, is_new=item.is_new)

    def _settle(self, item: ItemState, error: Exception) -> Flow[None]:
        """Records an unknown outcome of an intent, if it is not recorded yet.

        Otherwise other processes would wait for the POST, as if it were under way.
        """
        is_noted = isinstance(error, GrokImagineError) and not isinstance(error, LedgerError)
        if not item.intent or item.request_id or is_noted:
            return
        ledger, request, batch_slot = self.ledger, item.request, item.batch_slot
        cause = own_error(error, id_on(error), self._redact)

        def note() -> None:
            entry = ledger.known(request, self._origin, batch_slot)
            if entry and (entry.intent, entry.state) == (item.intent, "intended"):
                ledger.mark_failed(item.intent, UnexpectedError(ascii(str(cause))[1:-1]), may_be_started=True)

        try:
            yield Blocking(note)
        except Exception as second:  # the job's error matters more
            error.add_note(f"and the ledger could not record it: {second!r}")

    def _failed(self, position: int, item: ItemState, error: Exception) -> Outcome:
        request_id = item.request_id
        if isinstance(error, BatchClosed) and request_id:
            self._log_left([request_id])
        if item.is_new and (isinstance(error, LedgerError) or not isinstance(error, GrokImagineError)):
            request_id = request_id or id_on(error)
        failure = own_error(error, request_id, self._redact)
        if holds_for_all(failure):
            self._fatal = self._fatal or failure  # no later request is sent
        state = state_of(failure, request_id, bool(item.intent))
        is_new = item.is_new and state != "refused"
        return Outcome(position, state, item.request, request_id, error=failure, is_new=is_new)

    def _begin(self, item: ItemState, batch_slot: BatchSlot) -> Flow[Video | None]:
        """Returns the video if the ledger has the request's result; otherwise None, and the item has a job to wait for."""
        ledger = self.ledger
        while True:
            entry: Entry | None = yield Blocking(lambda: ledger.known(item.request, self._origin, batch_slot))
            if entry is None:
                try:
                    yield from self._post(item, batch_slot)
                except AlreadyClaimed:  # by another process, after the ledger was read
                    continue
                return None
            if entry.state != "intended":
                return (yield from self._known(item, entry))
            yield Sleep(LEDGER_POLL_INTERVAL)

    def _post(self, item: ItemState, batch_slot: BatchSlot) -> Flow[None]:
        if self._fatal:
            raise BatchAborted
        cap = self._options.max_cost_usd
        if cap is not None and batch_slot.counted_ticks is None:
            raise CostLimitError(batch_slot.batch, None, self.costs()[0], cap)
        max_ticks = None if cap is None else round(cap * contract.TICKS_PER_USD)

        if max_ticks is not None:  # checked before the limiter, too: a refused request should not use up the rate limit
            yield Blocking(lambda: self.ledger.check_cost(self._origin, batch_slot, max_ticks))

        def claim(request: VideoRequest) -> str | Entry:
            claimed = self.ledger.claim(request, self._origin, batch_slot, max_ticks)
            if isinstance(claimed, str):
                item.is_new, item.intent, item.batch_slot = True, claimed, batch_slot
            return claimed

        item.slot = slot = self._runtime.limiter.new_job(item.request, self._options.schedule)
        runtime = self._runtime._replace(recorder=self._options.recorder.claiming(claim))
        job = yield from start(item.request, runtime, slot, timeout=self._options.timeout)
        item.request_id, item.began = job.request_id, slot.started_at
        self._note_running(job.request_id)

    def _note_running(self, request_id: str) -> None:
        self.running[request_id] = None
        self.on_running()

    def _known(self, item: ItemState, entry: Entry) -> Flow[Video | None]:
        """The recorded video, polled again if its URL has expired. None if the job may still run."""
        if entry.state == "unknown" or not entry.request_id:
            raise recorded_unknown(entry, item.request)
        item.request_id, now = entry.request_id, self.ledger.clock()
        video = yield from ended_video(entry, item.request, self._runtime, now)
        if video is None:
            age = max(now - entry.created, 0.0)
            item.slot = self._runtime.limiter.track_existing(item.request, self._options.schedule, age)
            self._note_running(item.request_id)
        return video

    def costs(self) -> tuple[float, float]:
        """The reported cost of the batch's jobs in USD, and the part of it for jobs without a video."""
        return self._costs or self.ledger.costs_of(self._options.name, self._origin)

    def on_read(self, outcome: Outcome) -> None:
        """Notes that somebody has an outcome."""
        self.unread.pop(outcome.request_id, None)

    def log_left_jobs(self) -> None:
        """Logs the jobs of an abandoned batch that run, or ended unread, if its ledger is temporary: nothing else would tell."""
        self._log_left(list(filter(None, tuple(self.running))))
        unread = list(filter(None, tuple(self.unread)))
        self._log_left(unread, "outcomes of its jobs were not read", "jobs")  # which lists those that are done, too

    def _log_left(self, ids: Sequence[str], about: str = "jobs go on", command: str = "reconcile") -> None:
        new = [each for each in ids if each not in self.reported] if self.ledger.is_temporary else []
        self.reported.update(new)
        if new:
            line = ("wait", "--", *new) if len(new) == 1 else (command, "--ledger", str(self.ledger.path))
            log_lost_job(f"a batch was abandoned; {about} [request_id={', '.join(new)}]", "grok-imagine", *line)

    def finish(self) -> None:
        """Removes a temporary ledger after the last outcome, unless it is still needed."""
        if self.ledger.is_temporary and not self.counts["running"] + self.counts["unknown"]:
            self._costs = self.costs()
            self.ledger.discard()

    def _slot_of(self, request: VideoRequest, copy: int) -> BatchSlot:
        try:
            usd = estimate(request)
        except OutOfRange:  # possible without `strict`
            usd = None
        ticks = None if usd is None else min(round(usd * contract.TICKS_PER_USD), MOST_TICKS)
        return BatchSlot(self._options.name, copy, ticks)


class BatchStats:
    """Counts and costs of a batch so far."""

    _runner: BatchRunner

    @property
    def counts(self) -> Counter[str]:
        """Outcomes by state."""
        return Counter(self._runner.counts)

    @property
    def cost_usd(self) -> float:
        """The reported cost of all jobs under the batch's name in USD, including earlier runs."""
        return self._runner.costs()[0]

    @property
    def lost_usd(self) -> float:
        """The part of `cost_usd` that was billed for jobs without a video."""
        return self._runner.costs()[1]

    @property
    def running(self) -> list[str]:
        """Ids of the jobs that the batch waits for."""
        return [str(request_id) for request_id in tuple(self._runner.running)]

    def _note_running(self, error: BaseException) -> None:
        """Sets `request_ids`, the ids of running jobs, on the exception that ends the batch."""
        if running := self.running:
            error.__dict__["request_ids"] = running
            if not is_unseen(error):
                self._runner.reported.update(running)
            text = f"{len(running)} jobs go on; the same batch with the ledger {self._runner.ledger.path} resumes them"
            error.add_note(f"{text}: {', '.join(running[:20])}")
        self._runner.log_left_jobs()
