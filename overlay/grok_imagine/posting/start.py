"""Starting a job: the intent, its POSTs, and what came of them. Whoever leaves meanwhile, the id is noted or told."""

from __future__ import annotations

import math
import sys
import time
from collections.abc import Callable
from typing import TYPE_CHECKING

from ..answers.answer import Answer
from ..core.effects import Blocking, Call, Flow
from ..core.operations import Context, id_in, is_certain, keep, repeat, tell_odd_id, wait_for
from ..core.request import VideoRequest
from ..core.results import Job
from ..core.retry import Delivery, delivery_of
from ..errors import ApiError, GrokImagineError, LedgerError, NotDelivered, StartOutcomeUnknown
from .post import Post, tell

if TYPE_CHECKING:
    from ..pacing.predictor import Key
    from ..pacing.scheduler import Ticket


def start(
    request: VideoRequest,
    context: Context,
    ticket: Ticket,
    *,
    timeout: float = math.inf,
    intend: Callable[[], str] | None = None,
) -> Flow[Job]:
    """Starts a job when its turn has come: posts until it is taken, as long as it is certain that no job exists.

    Args:
        request: What to post.
        context: The client's.
        ticket: Its place in the client's queue.
        timeout: Seconds from the first POST after which no other is made.
        intend: Notes the intent in the ledger, if in another way than that of a single call.

    Raises:
        ApiError: Refused; no job exists.
        NotDelivered: Nothing was sent; no job exists.
        StartOutcomeUnknown: Sent, but not answered in a way that tells whether a job exists.
        LedgerError: The intent could not be written, and nothing was sent; or, with an id, the id could not.
        OutOfRange: The body is no JSON; nothing was sent.
    """
    _ = request.sha256  # made before anything is sent: what is no JSON fails here
    try:
        yield from context.pacer.turn(ticket)
        job = yield from _Start(request, context, ticket).run(timeout, intend)
        try:
            context.pacer.saw(ticket)  # the schedule may be the caller's own
            tell_odd_id(job.request_id)
        except BaseException as error:
            keep(error, job.request_id)
            raise
    except BaseException:
        context.pacer.drop(ticket)
        raise
    return job


def start_alone(
    request: VideoRequest, context: Context, kind: Key, intend: Callable[[], str] | None = None
) -> Flow[Job]:
    """Starts a job that nobody here waits for; otherwise as `start`."""
    ticket = context.pacer.job(kind)
    try:
        return (yield from start(request, context, ticket, intend=intend))
    finally:
        context.pacer.drop(ticket)


class _Start:
    """A job that is being started, through as many POSTs as it takes."""

    def __init__(self, request: VideoRequest, context: Context, ticket: Ticket) -> None:
        self._request = request
        self._context = context
        self._ticket = ticket
        self._intents: list[str] = []
        self._sent_at = 0.0
        self._is_noted = False
        """Whether the ledger has what came of it, or a POST's thread will see to that."""
        self._post = Post(self._settle, self._forsaken)

    def run(self, timeout: float, intend: Callable[[], str] | None) -> Flow[Job]:
        """Posts between two lines of the ledger: the intent before, and after it what became of it."""
        try:
            if book := self._context.book:
                intend = intend or (lambda: book.ledger.intend(self._request, book.origin))
                yield Blocking(lambda: self._intend(intend))
            return (yield from repeat(self._tries(), is_certain, self._context.retries, timeout))
        except GeneratorExit:  # nothing can be waited for from here
            if self._post.abandon() or self._post.disown():
                self._forsaken(self._post.job, self._post.error)
            raise
        except BaseException as error:
            if not self._is_noted:
                yield from self._note_failure(error)
            raise
        finally:
            self._post.end()

    def _intend(self, intend: Callable[[], str]) -> None:
        # What interrupts the writing may come when it is done: so it is known by the list, not by the result.
        self._intents.append(intend())
        if self._post.is_abandoned:
            self._forsaken(None, self._post.error)

    def _tries(self) -> Callable[[], Flow[Job]]:
        tries = 0

        def once() -> Flow[Job]:
            nonlocal tries
            if tries:
                yield from self._context.pacer.turn(self._ticket)
            tries += 1
            return (yield from self._once())

        return once

    def _once(self) -> Flow[Job]:
        """Posts once. What interrupts it leaves with what is known of the job."""
        from ..core import binding

        post = self._post
        call = Call(binding.start(self._request.operation, self._request.body), post=post)
        post.renew()
        self._sent_at = time.time()
        try:
            job: Job = yield call
            return job
        except GeneratorExit:
            raise
        except BaseException as error:
            if error is post.error:
                if isinstance(error, GrokImagineError) and is_certain(error):
                    self._context.pacer.returned(self._ticket)
            elif isinstance(error, GrokImagineError):
                return self._end(post, error)
            else:
                self._leave(post, error)
            raise

    def _settle(self, outcome: Answer | GrokImagineError) -> Job:
        """The job of an answer, noted; or the error that it is. Runs in the POST's thread."""
        try:
            if isinstance(outcome, GrokImagineError):
                raise outcome
            job = Job(id_in(outcome, self._context), self._request)
        except Exception as error:
            if isinstance(error, GrokImagineError) and delivery_of(error) is not Delivery.OUTCOME_UNKNOWN:
                raise
            candidate = outcome.candidate_id if isinstance(outcome, Answer) else None
            unknown = self._unknown(str(error), error if isinstance(error, ApiError) else None, candidate)
            unknown.__cause__ = error
            self._note_unknown(unknown)
            raise unknown from error
        self._is_noted = True
        if book := self._context.book:
            book.ledger.accept(self._intents[0], job.request_id)
        return job

    def _unknown(
        self, text: str, answer: ApiError | None = None, candidate_id: str | None = None
    ) -> StartOutcomeUnknown:
        mode, sha256, sent_at = self._request.mode, self._request.sha256, self._sent_at
        return StartOutcomeUnknown(
            text, mode=mode, body_sha256=sha256, sent_at=sent_at, answer=answer, candidate_id=candidate_id
        )

    def _note_unknown(self, error: StartOutcomeUnknown) -> None:
        self._is_noted = True
        if book := self._context.book:
            try:
                book.ledger.give_up(self._intents[0], error, True)
            except LedgerError as second:  # what happened to the job matters more than that it could not be noted
                error.add_note(f"and it could not be noted: {second}")

    def _note_failure(self, error: BaseException) -> Flow[None]:
        """Has the ledger note that an intent became no job."""
        book = self._context.book
        if book and self._intents:
            try:
                yield Blocking(lambda: book.ledger.give_up(self._intents[0], error, False))
            except LedgerError as second:
                error.add_note(f"and it could not be noted: {second}")

    def _end(self, post: Post, error: GrokImagineError) -> Job:
        """The client or the batch ends: the job, if the answer came meanwhile; raises what is known if not."""
        if isinstance(error, NotDelivered) or post.abandon():
            raise error
        if not post.disown():
            self._is_noted = True
            raise self._unknown(str(error)) from error
        return post.result()

    def _leave(self, post: Post, error: BaseException) -> None:
        """The caller leaves, by Ctrl-C or a cancelled task: with the id, if it came meanwhile, or with what may have been paid."""
        if post.abandon():
            return
        if not post.disown():
            self._is_noted = True
            error.add_note(f"a paid POST was under way ({self._what}); a job may be running")
        elif post.job:
            error.__dict__["request_id"] = post.job.request_id
            error.add_note(f"the job was started; {wait_for(post.job.request_id)} takes it up")
            tell_unseen(error, post.job.request_id, self._context)
        else:
            error.add_note(f"the paid POST that was under way ended so: {post.error}")
            if isinstance(post.error, StartOutcomeUnknown) and is_unseen(error) and not self._context.keeps_ids:
                tell(str(post.error))

    def _forsaken(self, job: Job | None, error: BaseException | None) -> None:
        """Notes, and tells, what came of a POST that nobody waits for any more. Runs in the POST's thread, or at the program's end."""
        known = (
            job.request_id if job else getattr(error, "request_id", None) if isinstance(error, LedgerError) else None
        )
        if known:
            if error or not self._context.keeps_ids:
                tell(
                    f"a job was started that nobody waits for [request_id={known}]", "grok-imagine", "wait", "--", known
                )
        elif error is None or isinstance(error, StartOutcomeUnknown):
            if not self._context.keeps_ids:
                tell(f"a paid POST was under way ({self._what}), and no answer told of a job; one may be running")
        elif self._intents and (book := self._context.book):
            try:
                book.ledger.give_up(self._intents[0], error, False)
            except LedgerError as second:
                tell(f"{error}; and it could not be noted: {second}")

    @property
    def _what(self) -> str:
        return f"{self._request.mode}, body {self._request.sha256[:12]}"


def tell_unseen(error: BaseException, request_id: str, context: Context) -> None:
    """Tells the id of a job when what its caller leaves by may never be looked at, and no ledger keeps the id."""
    if is_unseen(error) and not context.keeps_ids:
        tell(
            f"a job goes on whose task was cancelled [request_id={request_id}]",
            "grok-imagine",
            "wait",
            "--",
            request_id,
        )


def is_unseen(error: BaseException) -> bool:
    """Whether an exception may well be shown to nobody: that of a cancelled task, of a dropped one, or of `sys.exit`."""
    asyncio = sys.modules.get("asyncio")
    return isinstance(error, GeneratorExit | SystemExit) or (
        asyncio is not None and isinstance(error, asyncio.CancelledError)
    )
