"""Many jobs out of one iterable: each request runs once, a few at a time, and each has an outcome that is a value.

What a batch does is here, as flows; `batch_driver` and `async_batch` run many of them at once. Every request is claimed in the
ledger before it is posted: whoever starts the same batch again, after a crash or beside this process, goes on where it is.
"""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple, TypeAlias, cast

from grok_imagine_api import contract

from ..core import operations, polling, validation
from ..core.effects import Blocking, Flow, ProgressCallback, Sleep
from ..core.request import VideoRequest
from ..core.results import Video
from ..errors import CostLimitError, GrokImagineError, LedgerError, OutOfRange, UnexpectedError, UnknownField
from ..ledger import known
from ..ledger.isolation import holds_for_all, own_error
from ..ledger.ledger import Entry, Ledger, Place
from ..ledger.verdicts import id_on, noted_unknown, state_of
from ..posting import start as starting
from ..posting.post import tell
from ..pricing import estimate

if TYPE_CHECKING:
    from ..pacing.predictor import Key
    from ..pacing.scheduler import Ticket

__all__ = ["Outcome"]

Item: TypeAlias = VideoRequest | str | Mapping[str, Any]
"""A request; or a prompt; or keywords as of `generate`, as a manifest's line has them, with `mode` if it is to be extend-video."""

AHEAD = 2
"""Times as many requests as run at once are pulled at most before their outcomes were taken: the memory of a batch is bounded."""

STARTING = 32
"""Requests that may be on their way to a job at once, besides those whose jobs run: what a start needs is gone afterwards."""

OTHERS = {
    "call": "`mode` says what to make",
    "strict": "`mode` says what to make",
    "key": "a batch knows its requests by its `name` and by what they ask for, and `repeat` makes equal ones anew",
}
"""Keywords of the methods that a request of a batch has no use for, and why."""

MOST_TICKS = 2**63 - 1
"""What the ledger can hold; more than anybody has."""

ELSEWHERE = 1.0
"""Seconds between looks into the ledger for a POST that another process has under way."""


class Outcome(NamedTuple):
    """What became of one request of a batch.

    Attributes:
        position: Its place among the requests, from 0.
        state: `done`; `failed`, `expired` or `moderated`: no video; `refused`: no job was started; `unknown`: nobody knows
            whether one was; `running`: the wait ended before the job did, and the same batch takes it up again.
        request: What was asked for; None if it could not be made a request.
        request_id: Id of the job, if there is one.
        video: The finished video of a job that is done.
        error: Why there is none; one of ours, whatever went wrong. `UnexpectedError` has another's as its cause.
        is_new: Whether this batch object posted it; else the ledger knew it, or the same request came before.
    """

    position: int
    state: str
    request: VideoRequest | None = None
    request_id: str | None = None
    video: Video | None = None
    error: Exception | None = None
    is_new: bool = False

    @property
    def cost_usd(self) -> float | None:
        """What the job cost in USD, if the service said so: one without a video may be billed, too."""
        if self.video is not None:
            return self.video.cost_usd
        told: float | None = getattr(self.error, "cost_usd", None)
        return told

    def __repr__(self) -> str:
        return f"<Outcome {self.position} {self.state} {self.request_id or self.error!r}>"


class BatchClosed(GrokImagineError):
    """The batch was closed before this request's job had ended, or was started."""

    def __init__(self, message: str = "the batch was closed", *, request_id: str | None = None) -> None:
        super().__init__(message, request_id=request_id)


class Claimed(Exception):
    """The ledger knows the request already; it is not posted."""


class Stopped(Exception):
    """Nothing is posted any more, since an earlier request met what holds for all."""


class Attempt:
    """What is known of a request while its outcome is made."""

    __slots__ = ("began", "intent", "is_new", "place", "request", "request_id", "ticket")

    def __init__(self, request: VideoRequest) -> None:
        self.request = request
        self.intent = ""
        self.place = Place("")
        self.request_id: str | None = None
        self.ticket: Ticket | None = None
        self.began: float | None = None
        self.is_new = False


class Options(NamedTuple):
    """How a batch is run; see `Videos.batch`."""

    ledger: Ledger
    name: str
    max_cost_usd: float | None
    timeout: float
    repeat: bool
    strict: bool
    on_progress: ProgressCallback | None = None


class Work:
    """The flows of a batch, and what it has come to. `take` is for one thread, what it gives for any.

    Attributes:
        counts: Outcomes so far, by state.
        running: Ids of the jobs that are being waited for.
        on_running: Called when there is one more of them.
        told: Ids that whoever left the batch was told of.
    """

    def __init__(
        self,
        context: operations.Context,
        origin: str,
        options: Options,
        key_of: Callable[[VideoRequest], Key],
        bind: Callable[[Video], Video],
        blot: Callable[[GrokImagineError], None],
    ) -> None:
        self._context = context._replace(book=operations.Book(options.ledger, origin))
        self._origin = origin
        self._options = options
        self.ledger = options.ledger
        self._key_of = key_of
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

    def take(self, item: Item) -> Flow[list[Outcome]]:
        """What is to be done for the next request. The result is its outcome, and those of equal requests that came meanwhile."""
        position, self._taken = self._taken, self._taken + 1
        copy = position if self._options.repeat else 0
        known: VideoRequest | None = None
        try:
            known = item if isinstance(item, VideoRequest) else None
            request = known = request_of(item, strict=self._options.strict)
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
        attempt, options = Attempt(request), self._options
        try:
            video = yield from self._begin(attempt, self._place(request, key[2]))
            if video is None:
                video = yield from polling.wait(
                    str(attempt.request_id), self._context, cast("Ticket", attempt.ticket),
                    timeout=options.timeout, began=attempt.began, request=request, on_progress=options.on_progress,
                )  # fmt: skip
            outcome = self._ended(position, attempt, video)
        except Stopped:
            outcome = Outcome(position, "refused", request, error=self._fatal)
        except Exception as error:  # it is this request's alone, whatever it is
            yield from self._settle(attempt, error)
            outcome = self._failed(position, attempt, error)
        except BaseException:
            if attempt.request_id:
                self._tell([attempt.request_id])
            raise
        finally:
            self.running.pop(attempt.request_id, None)
            if attempt.ticket:
                self._context.pacer.drop(attempt.ticket)
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

    def _ended(self, position: int, attempt: Attempt, video: Video) -> Outcome:
        if video.outcome != "done":  # moderated, in the form in which the job is a success and its video withheld
            return self._failed(position, attempt, video.failure())
        video = self._bind(video)
        return Outcome(position, "done", attempt.request, video.request_id, video, is_new=attempt.is_new)

    def _settle(self, attempt: Attempt, error: Exception) -> Flow[None]:
        """Has the ledger note that nobody knows what became of an intent, if that could not be noted where it was met.

        Else the intent would be taken for one that is on its way, and be waited for.
        """
        is_noted = isinstance(error, GrokImagineError) and not isinstance(error, LedgerError)
        if not attempt.intent or attempt.request_id or is_noted:
            return
        ledger, request, place = self._options.ledger, attempt.request, attempt.place
        told = own_error(error, id_on(error), self._blot)

        def note() -> None:
            entry = ledger.known(request, self._origin, place)
            if entry and (entry.intent, entry.state) == (attempt.intent, "intended"):
                ledger.give_up(attempt.intent, UnexpectedError(ascii(str(told))[1:-1]), True)

        try:
            yield Blocking(note)
        except Exception as second:  # what happened to the job matters more than that it could not be noted
            error.add_note(f"and it could not be noted: {second!r}")

    def _failed(self, position: int, attempt: Attempt, error: Exception) -> Outcome:
        request_id = attempt.request_id
        if isinstance(error, BatchClosed) and request_id:
            self._tell([request_id])
        if attempt.is_new and (isinstance(error, LedgerError) or not isinstance(error, GrokImagineError)):
            request_id = request_id or id_on(error)
        failure = own_error(error, request_id, self._blot)
        if holds_for_all(failure):
            self._fatal = self._fatal or failure  # none of those that follow is sent
        state = state_of(failure, request_id, bool(attempt.intent))
        is_new = attempt.is_new and state != "refused"
        return Outcome(position, state, attempt.request, request_id, error=failure, is_new=is_new)

    def _begin(self, attempt: Attempt, place: Place) -> Flow[Video | None]:
        """The video of a request that the ledger knows to have ended; else None, and the attempt has a job to wait for."""
        ledger = self._options.ledger
        while True:
            entry: Entry | None = yield Blocking(lambda: ledger.known(attempt.request, self._origin, place))
            if entry is None:
                try:
                    yield from self._post(attempt, place)
                except Claimed:  # by another process, since the ledger was asked
                    continue
                return None
            if entry.state != "intended":
                return (yield from self._known(attempt, entry))
            yield Sleep(ELSEWHERE)

    def _post(self, attempt: Attempt, place: Place) -> Flow[None]:
        if self._fatal:
            raise Stopped
        cap = self._options.max_cost_usd
        if cap is not None and place.counted_ticks is None:
            raise CostLimitError(place.batch, None, self.costs()[0], cap)
        max_ticks = None if cap is None else round(cap * contract.TICKS_PER_USD)

        if max_ticks is not None:  # before its turn, too: what is refused anyway needs none of the service's requests
            yield Blocking(lambda: self._options.ledger.check_cost(self._origin, place, max_ticks))

        def claim() -> str:
            claimed = self._options.ledger.claim(attempt.request, self._origin, place, max_ticks)
            if isinstance(claimed, Entry):
                raise Claimed
            attempt.is_new, attempt.intent, attempt.place = True, claimed, place
            return claimed

        attempt.ticket = ticket = self._context.pacer.job(self._key_of(attempt.request))
        timeout = self._options.timeout
        job = yield from starting.start(attempt.request, self._context, ticket, timeout=timeout, intend=claim)
        attempt.request_id, attempt.began = job.request_id, ticket.born
        self._note_running(job.request_id)

    def _note_running(self, request_id: str) -> None:
        self.running[request_id] = None
        self.on_running()

    def _known(self, attempt: Attempt, entry: Entry) -> Flow[Video | None]:
        """The video as it was seen, looked up again if its URL ran out; None of a job that may still run."""
        if entry.state == "unknown" or not entry.request_id:
            raise noted_unknown(entry, attempt.request)
        attempt.request_id, now = entry.request_id, self._options.ledger.clock()
        video = yield from known.ended(entry, attempt.request, self._context, now)
        if video is None:
            age = max(now - entry.created, 0.0)
            attempt.ticket = self._context.pacer.join(self._key_of(attempt.request), age=age)
            self._note_running(attempt.request_id)
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

    def _place(self, request: VideoRequest, copy: int) -> Place:
        try:
            usd = estimate(request)
        except OutOfRange:  # sent as it is, without `strict`
            usd = None
        ticks = None if usd is None else min(round(usd * contract.TICKS_PER_USD), MOST_TICKS)
        return Place(self._options.name, copy, ticks)


class Tally:
    """What a batch has come to so far."""

    _work: Work

    @property
    def counts(self) -> Counter[str]:
        """Outcomes by state."""
        return Counter(self._work.counts)

    @property
    def cost_usd(self) -> float:
        """USD that the service said the jobs of the batch's name cost, earlier runs included."""
        return self._work.costs()[0]

    @property
    def lost_usd(self) -> float:
        """The part of `cost_usd` that was billed for jobs without a video."""
        return self._work.costs()[1]

    @property
    def running(self) -> list[str]:
        """Ids of the jobs that are being waited for."""
        return [str(request_id) for request_id in tuple(self._work.running)]

    def _note_running(self, error: BaseException) -> None:
        """Puts the ids of the jobs that go on, as `request_ids`, on what ends the batch."""
        if running := self.running:
            error.__dict__["request_ids"] = running
            if starting.is_unseen(error):
                self._work.tell_running()
            self._work.told.update(running)
            text = f"{len(running)} jobs go on; the same batch with the ledger {self._work.ledger.path} takes them up"
            error.add_note(f"{text}: {', '.join(running[:20])}")


def request_of(item: Item, *, strict: bool = True) -> VideoRequest:
    """The request that an item of a batch is.

    Raises:
        InvalidRequest: It is none.
    """
    if isinstance(item, VideoRequest):
        return item
    if isinstance(item, str):
        return VideoRequest.from_keywords(prompt=item)
    if not isinstance(item, Mapping):
        raise OutOfRange(
            f"is a request, a prompt or keywords; got {type(item).__name__}", fields=["requests"], section="client"
        )
    keywords = {str(name): value for name, value in item.items() if name != "mode"}
    for name in keywords.keys() & OTHERS.keys():  # of the methods, not of a request
        raise UnknownField("no such keyword", fields=[name], instead=f"leave it out; {OTHERS[name]}")
    mode = item.get("mode")
    call = "extend" if mode in contract.CALLS["extend"] else "generate"
    request = VideoRequest.from_keywords(call=call, strict=strict, **keywords)
    if mode is not None:
        validation.check_name(mode, request.mode, request.body)
    return request
