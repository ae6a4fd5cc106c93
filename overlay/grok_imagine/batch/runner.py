"""Many jobs out of one iterable: each request runs once, a few at a time, and each has an outcome that is a value.

What a batch does is here, as flows; `threads` and `tasks` run many of them at once. Every request is claimed in the
ledger before it is posted: whoever starts the same batch again, after a crash or beside this process, goes on where it is.
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
from ..errors import CostLimitError, GrokImagineError, LedgerError, OutOfRange, UnexpectedError
from ..ledger import known
from ..ledger.entries import BatchSlot, Entry
from ..ledger.isolation import holds_for_all, own_error
from ..ledger.recorder import AlreadyClaimed, LedgerRecorder
from ..ledger.verdicts import id_on, recorded_unknown, state_of
from ..posting.post import tell
from ..posting.start import is_unseen, start
from ..pricing import estimate
from .outcome import BatchClosed, BatchItem, Outcome, request_of

__all__ = ["BatchRunner", "BatchStats", "Options"]

AHEAD = 2
"""Times as many requests as run at once are pulled at most before their outcomes were taken: the memory of a batch is bounded."""

STARTING = 32
"""Requests that may be on their way to a job at once, besides those whose jobs run: what a start needs is gone afterwards."""

MOST_TICKS = 2**63 - 1
"""What the ledger can hold; more than anybody has."""

ELSEWHERE = 1.0
"""Seconds between looks into the ledger for a POST that another process has under way."""


class BatchAborted(Exception):
    """Nothing is posted any more, since an earlier request met what holds for all."""


class ItemState:
    """What is known of a request while its outcome is made."""

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
    """How a batch is run; see `Videos.batch`."""

    recorder: LedgerRecorder
    name: str
    max_cost_usd: float | None
    timeout: float
    repeat: bool
    strict: bool
    on_progress: ProgressCallback | None = None
    on_started: StartedCallback | None = None


class BatchRunner:
    """The flows of a batch, and what it has come to. `take` is for one thread, what it gives for any.

    Attributes:
        counts: Outcomes so far, by state.
        running: Ids of the jobs that are being waited for.
        on_running: Called when there is one more of them.
        told: Ids that whoever left the batch was told of.
    """

    def __init__(
        self,
        runtime: Runtime,
        options: Options,
        bind: Callable[[Video], Video],
        blot: Callable[[GrokImagineError], None],
    ) -> None:
        self._runtime = runtime._replace(recorder=options.recorder)
        self._origin = options.recorder.origin
        self._options = options
        self.ledger = options.recorder.ledger
        self._bind = bind
        self._blot = blot
        self._lock = threading.Lock()
        self._followers: dict[tuple[str, str, int], list[int]] = {}
        self.running: dict[str | None, None] = {}
        self._fatal: GrokImagineError | None = None
        self._taken = 0
        self.on_running: Callable[[], object] = lambda: None
        self.counts: Counter[str] = Counter()
        self.told: set[str] = set()
        self._costs: tuple[float, float] | None = None

    def take(self, given: BatchItem) -> Flow[list[Outcome]]:
        """What is to be done for the next request. The result is its outcome, and those of equal requests that came meanwhile."""
        position, self._taken = self._taken, self._taken + 1
        copy = position if self._options.repeat else 0
        known: VideoRequest | None = None
        try:
            known = given if isinstance(given, VideoRequest) else None
            request = known = request_of(given, strict=self._options.strict)
            if self._options.strict:
                request.check()
            _ = request.operation  # else a mode that is none would be found when it is sent
            key = (request.mode, request.sha256, copy)
            with self._lock:
                followers = self._followers.get(key)
                if followers is None:
                    self._followers[key] = []
                else:
                    followers.append(position)
        except Exception as error:  # an item may be anything
            # Kept in no variable: its traceback has this frame, which would keep it in turn.
            return self._at_once(Outcome(position, "refused", known, error=own_error(error, None, self._blot)))
        if followers is not None:
            return self._at_once()
        return self._run(position, request, key)

    def _at_once(self, *outcomes: Outcome) -> Flow[list[Outcome]]:
        self._count(outcomes)
        return list(outcomes)
        yield  # a flow like the others, though it asks for nothing

    def _run(self, position: int, request: VideoRequest, key: tuple[str, str, int]) -> Flow[list[Outcome]]:
        """The outcome of a request, whatever it is. The wait is no deeper than it must be: thousands may wait at once."""
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
        except Exception as error:  # it is this request's alone, whatever it is
            yield from self._settle(item, error)
            outcome = self._failed(position, item, error)
        except BaseException:
            if item.request_id:
                self._tell([item.request_id])
            raise
        finally:
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
        """Whether another request may be pulled: for the jobs that run, those on their way to one, and the memory of outcomes."""
        active = pulled - ended
        return active < concurrency and active - len(self.running) < STARTING and pulled - taken < AHEAD * concurrency

    def _ended(self, position: int, item: ItemState, video: Video) -> Outcome:
        if video.outcome != "done":  # moderated, in the form in which the job is a success and its video withheld
            return self._failed(position, item, video.failure())
        video = self._bind(video)
        return Outcome(position, "done", item.request, video.request_id, video, is_new=item.is_new)

    def _settle(self, item: ItemState, error: Exception) -> Flow[None]:
        """Has the ledger note that nobody knows what became of an intent, if that could not be noted where it was met.

        Else the intent would be taken for one that is on its way, and be waited for.
        """
        is_noted = isinstance(error, GrokImagineError) and not isinstance(error, LedgerError)
        if not item.intent or item.request_id or is_noted:
            return
        ledger, request, batch_slot = self.ledger, item.request, item.batch_slot
        told = own_error(error, id_on(error), self._blot)

        def note() -> None:
            entry = ledger.known(request, self._origin, batch_slot)
            if entry and (entry.intent, entry.state) == (item.intent, "intended"):
                ledger.mark_failed(item.intent, UnexpectedError(ascii(str(told))[1:-1]), may_be_started=True)

        try:
            yield Blocking(note)
        except Exception as second:  # what happened to the job matters more than that it could not be noted
            error.add_note(f"and it could not be noted: {second!r}")

    def _failed(self, position: int, item: ItemState, error: Exception) -> Outcome:
        request_id = item.request_id
        if isinstance(error, BatchClosed) and request_id:
            self._tell([request_id])
        if item.is_new and (isinstance(error, LedgerError) or not isinstance(error, GrokImagineError)):
            request_id = request_id or id_on(error)
        failure = own_error(error, request_id, self._blot)
        if holds_for_all(failure):
            self._fatal = self._fatal or failure  # none of those that follow is sent
        state = state_of(failure, request_id, bool(item.intent))
        is_new = item.is_new and state != "refused"
        return Outcome(position, state, item.request, request_id, error=failure, is_new=is_new)

    def _begin(self, item: ItemState, batch_slot: BatchSlot) -> Flow[Video | None]:
        """The video of a request that the ledger knows to have ended; else None, and the item has a job to wait for."""
        ledger = self.ledger
        while True:
            entry: Entry | None = yield Blocking(lambda: ledger.known(item.request, self._origin, batch_slot))
            if entry is None:
                try:
                    yield from self._post(item, batch_slot)
                except AlreadyClaimed:  # by another process, since the ledger was asked
                    continue
                return None
            if entry.state != "intended":
                return (yield from self._known(item, entry))
            yield Sleep(ELSEWHERE)

    def _post(self, item: ItemState, batch_slot: BatchSlot) -> Flow[None]:
        if self._fatal:
            raise BatchAborted
        cap = self._options.max_cost_usd
        if cap is not None and batch_slot.counted_ticks is None:
            raise CostLimitError(batch_slot.batch, None, self.costs()[0], cap)
        max_ticks = None if cap is None else round(cap * contract.TICKS_PER_USD)

        if max_ticks is not None:  # before its turn, too: what is refused anyway needs none of the service's requests
            yield Blocking(lambda: self.ledger.check_cost(self._origin, batch_slot, max_ticks))

        def claim(request: VideoRequest) -> str | Entry:
            claimed = self.ledger.claim(request, self._origin, batch_slot, max_ticks)
            if isinstance(claimed, str):
                item.is_new, item.intent, item.batch_slot = True, claimed, batch_slot
            return claimed

        item.slot = slot = self._runtime.limiter.new_job(item.request)
        runtime = self._runtime._replace(recorder=self._options.recorder.claiming(claim))
        job = yield from start(item.request, runtime, slot, timeout=self._options.timeout)
        item.request_id, item.began = job.request_id, slot.started_at
        self._note_running(job.request_id)

    def _note_running(self, request_id: str) -> None:
        self.running[request_id] = None
        self.on_running()

    def _known(self, item: ItemState, entry: Entry) -> Flow[Video | None]:
        """The video as it was seen, looked up again if its URL ran out; None of a job that may still run."""
        if entry.state == "unknown" or not entry.request_id:
            raise recorded_unknown(entry, item.request)
        item.request_id, now = entry.request_id, self.ledger.clock()
        video = yield from known.ended(entry, item.request, self._runtime, now)
        if video is None:
            age = max(now - entry.created, 0.0)
            item.slot = self._runtime.limiter.track_existing(item.request, age=age)
            self._note_running(item.request_id)
        return video

    def costs(self) -> tuple[float, float]:
        """USD that the batch's jobs cost, and the part of it that was for no video; as far as the service said so."""
        return self._costs or self.ledger.costs_of(self._options.name, self._origin)

    def tell_running(self) -> None:
        """Tells, as nothing else will, which jobs go on when a batch is left whose ledger is a temporary one."""
        self._tell(list(filter(None, tuple(self.running))))

    def _tell(self, ids: Sequence[str]) -> None:
        new = [each for each in ids if each not in self.told] if self.ledger.is_temporary else []
        self.told.update(new)
        if new:
            command = ("wait", "--", *new) if len(new) == 1 else ("reconcile", "--ledger", str(self.ledger.path))
            tell(f"a batch was left whose jobs go on [request_id={', '.join(new)}]", "grok-imagine", *command)

    def finish(self) -> None:
        """All was read: a temporary ledger goes, unless it is still needed."""
        if self.ledger.is_temporary and not self.counts["running"] + self.counts["unknown"]:
            self._costs = self.costs()
            self.ledger.discard()

    def _slot_of(self, request: VideoRequest, copy: int) -> BatchSlot:
        try:
            usd = estimate(request)
        except OutOfRange:  # sent as it is, without `strict`
            usd = None
        ticks = None if usd is None else min(round(usd * contract.TICKS_PER_USD), MOST_TICKS)
        return BatchSlot(self._options.name, copy, ticks)


class BatchStats:
    """What a batch has come to so far."""

    _runner: BatchRunner

    @property
    def counts(self) -> Counter[str]:
        """Outcomes by state."""
        return Counter(self._runner.counts)

    @property
    def cost_usd(self) -> float:
        """USD that the service said the jobs of the batch's name cost, earlier runs included."""
        return self._runner.costs()[0]

    @property
    def lost_usd(self) -> float:
        """The part of `cost_usd` that was billed for jobs without a video."""
        return self._runner.costs()[1]

    @property
    def running(self) -> list[str]:
        """Ids of the jobs that are being waited for."""
        return [str(request_id) for request_id in tuple(self._runner.running)]

    def _note_running(self, error: BaseException) -> None:
        """Puts the ids of the jobs that go on, as `request_ids`, on what ends the batch."""
        if running := self.running:
            error.__dict__["request_ids"] = running
            if is_unseen(error):
                self._runner.tell_running()
            self._runner.told.update(running)
            text = f"{len(running)} jobs go on; the same batch with the ledger {self._runner.ledger.path} takes them up"
            error.add_note(f"{text}: {', '.join(running[:20])}")
