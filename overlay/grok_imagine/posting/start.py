"""Starting a job: the intent, its POSTs, and their outcome. If the caller leaves, the id is recorded or logged."""

from __future__ import annotations

import math
import sys
import time
from collections.abc import Callable
from typing import Any

from .. import binding
from ..answers.answer import Answer
from ..core.effects import Call, Flow
from ..core.hooks import PollSlot, Runtime, recorded
from ..core.operations import attach_request_id, id_in, is_certain, repeat, resume_call, warn_of_odd_id
from ..core.polling import wait
from ..core.request import VideoRequest
from ..core.results import Job, Video
from ..core.retry import Delivery, delivery_of
from ..core.schedule import Schedule
from ..errors import ApiError, GrokImagineError, LedgerError, NotDelivered, StartOutcomeUnknown
from ..hints import Hint
from .post import Post, log_lost_job


def start(
    request: VideoRequest,
    runtime: Runtime,
    slot: PollSlot,
    *,
    timeout: float = math.inf,
) -> Flow[Job]:
    """Starts a job when the limiter allows it. Repeats the POST only while it is certain that no job exists.

    Args:
        request: The request to post.
        runtime: The client's runtime.
        slot: The job's slot of the runtime's limiter.
        timeout: Seconds from the first POST after which there is no further attempt.

    Raises:
        ApiError: The service refused the request; no job exists.
        NotDelivered: Nothing was sent; no job exists.
        StartOutcomeUnknown: The POST was sent, but no answer shows whether a job exists.
        LedgerError: The intent could not be written, and nothing was sent; or, with an id, the id could not be written.
        OutOfRange: The body can't be encoded as JSON; nothing was sent.
    """
    _ = request.sha256  # before anything is sent: a body that can't be encoded fails here
    try:
        yield from runtime.limiter.acquire(slot)
        job = yield from _Start(request, runtime, slot).run(timeout)
        try:
            runtime.limiter.record_poll(slot)  # the schedule may be the caller's own
            warn_of_odd_id(job.request_id)
        except BaseException as error:
            attach_request_id(error, job.request_id)
            raise
    except BaseException:
        runtime.limiter.release(slot)
        raise
    return job


def start_alone(request: VideoRequest, runtime: Runtime) -> Flow[Job]:
    """Starts a job without waiting for it; otherwise as `start`."""
    slot = runtime.limiter.new_job(request)
    try:
        return (yield from start(request, runtime, slot))
    finally:
        runtime.limiter.release(slot)


def generate(
    request: VideoRequest, runtime: Runtime, schedule: Schedule | None = None, *, timeout: float, **options: Any
) -> Flow[Video]:
    """Starts a job as `start` does, and waits for it. Options and exceptions are those of `polling.poll`."""
    limiter = runtime.limiter
    slot = limiter.new_job(request, schedule)
    job = yield from start(request, runtime, slot, timeout=timeout)
    options |= {"timeout": timeout, "began": slot.started_at, "request": request}
    try:
        return (yield from wait(job.request_id, runtime, slot, **options))
    except BaseException as error:
        log_if_unseen(error, job.request_id, runtime)
        raise


class _Start:
    """The start of one job, with all its POSTs."""

    def __init__(self, request: VideoRequest, runtime: Runtime, slot: PollSlot) -> None:
        self._request = request
        self._runtime = runtime
        self._recorder = runtime.recorder
        self._slot = slot
        self._intents: list[str] = []
        self._sent_at = 0.0
        self._is_noted = False
        """Whether the ledger has the outcome, or the POST's thread will record it."""
        self._post = Post(self._settle, self._on_abandoned_result)

    def run(self, timeout: float) -> Flow[Job]:
        """Records the intent, posts, and records the outcome."""
        try:
            yield from recorded(self._recorder, self._begin)
            return (yield from repeat(self._tries(), is_certain, self._runtime.retries, timeout))
        except GeneratorExit:  # a closing generator can't wait
            if self._post.cancel() or self._post.detach():
                self._on_abandoned_result(self._post.job, self._post.error)
            raise
        except BaseException as error:
            if not self._is_noted:
                yield from self._note_failure(error)
            raise
        finally:
            self._post.end()

    def _begin(self) -> None:
        # An interrupt may come after the write, before the caller has the result: so the list keeps the intent.
        self._intents.append(self._recorder.begin(self._request))
        if self._post.is_cancelled:
            self._on_abandoned_result(None, self._post.error)

    def _tries(self) -> Callable[[], Flow[Job]]:
        tries = 0

        def once() -> Flow[Job]:
            nonlocal tries
            if tries:
                yield from self._runtime.limiter.acquire(self._slot)
            tries += 1
            return (yield from self._once())

        return once

    def _once(self) -> Flow[Job]:
        """Posts once. An interrupting exception gets what is known of the job."""
        post = self._post
        call = Call(binding.start(self._request.operation, self._request.body), post=post)
        post.reset()
        self._sent_at = time.time()
        try:
            job: Job = yield call
            return job
        except GeneratorExit:
            raise
        except BaseException as error:
            if error is post.error:
                if isinstance(error, GrokImagineError) and is_certain(error):
                    self._runtime.limiter.requeue(self._slot)
            elif isinstance(error, GrokImagineError):
                return self._end(post, error)
            else:
                self._leave(post, error)
            raise

    def _settle(self, outcome: Answer | GrokImagineError) -> Job:
        """Records and returns the job of an answer, or raises its error. Runs in the POST's thread."""
        try:
            if isinstance(outcome, GrokImagineError):
                raise outcome
            job = Job(id_in(outcome, self._runtime), self._request, outcome.json(), outcome.headers)
        except Exception as error:
            if isinstance(error, GrokImagineError) and delivery_of(error) is not Delivery.OUTCOME_UNKNOWN:
                raise
            candidate = outcome.candidate_id if isinstance(outcome, Answer) else None
            unknown = self._unknown(str(error), error if isinstance(error, ApiError) else None, candidate)
            unknown.__cause__ = error
            self._note_unknown(unknown)
            raise unknown from error
        self._is_noted = True
        self._recorder.confirm(self._intents[0], job.request_id)
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
        try:
            self._recorder.mark_failed(self._intents[0], error, may_be_started=True)
        except LedgerError as second:  # the job's error matters more
            error.add_note(f"and the ledger could not record it: {second}")

    def _note_failure(self, error: BaseException) -> Flow[None]:
        """Records that the intent did not become a job."""
        recorder = self._recorder
        if self._intents:
            try:
                yield from recorded(
                    recorder, lambda: recorder.mark_failed(self._intents[0], error, may_be_started=False)
                )
            except LedgerError as second:
                error.add_note(f"and the ledger could not record it: {second}")

    def _end(self, post: Post, error: GrokImagineError) -> Job:
        """Handles the end of the client or batch: returns the job if its answer has come, otherwise raises what is known."""
        if isinstance(error, NotDelivered) or post.cancel():
            raise error
        if not post.detach():
            self._is_noted = True
            raise self._unknown(str(error)) from error
        return post.result()

    def _leave(self, post: Post, error: BaseException) -> None:
        """Adds the id, or the possible cost, to the exception of a caller that leaves by Ctrl-C or a cancelled task."""
        if post.cancel():
            return
        if not post.detach():
            self._is_noted = True
            hint = Hint("outcome_unknown", f"a paid POST was under way ({self._what}); a job may be running")
            error.__dict__["hint"] = hint
            error.add_note(hint.text)
        elif post.job:
            error.__dict__["request_id"] = post.job.request_id
            error.add_note(f"the job was started; {resume_call(post.job.request_id)} resumes it")
            log_if_unseen(error, post.job.request_id, self._runtime)
        else:
            error.add_note(f"the paid POST that was under way failed: {post.error}")
            if isinstance(post.error, StartOutcomeUnknown) and is_unseen(error) and not self._recorder.is_durable:
                log_lost_job(str(post.error))

    def _on_abandoned_result(self, job: Job | None, error: BaseException | None) -> None:
        """Records or logs the outcome of a POST whose caller has left. Runs in the POST's thread, or at exit."""
        known = (
            job.request_id if job else getattr(error, "request_id", None) if isinstance(error, LedgerError) else None
        )
        if known:
            if error or not self._recorder.is_durable:
                text = f"a job was started, but its caller has left [request_id={known}]"
                log_lost_job(text, "grok-imagine", "wait", "--", known)
        elif error is None or isinstance(error, StartOutcomeUnknown):
            if not self._recorder.is_durable:
                log_lost_job(f"a paid POST was under way ({self._what}); its outcome is unknown, a job may be running")
        elif self._intents:
            try:
                self._recorder.mark_failed(self._intents[0], error, may_be_started=False)
            except LedgerError as second:
                log_lost_job(f"{error}; and the ledger could not record it: {second}")

    @property
    def _what(self) -> str:
        return f"{self._request.mode}, body {self._request.sha256[:12]}"


def log_if_unseen(error: BaseException, request_id: str, runtime: Runtime) -> None:
    """Logs the id of a running job if its exception may stay unseen and no durable ledger has the id."""
    if is_unseen(error) and not runtime.recorder.is_durable:
        text = f"the task was cancelled, but its job goes on [request_id={request_id}]"
        log_lost_job(text, "grok-imagine", "wait", "--", request_id)


def is_unseen(error: BaseException) -> bool:
    """Whether an exception is usually not displayed: of a cancelled or dropped task, or of `sys.exit`."""
    asyncio = sys.modules.get("asyncio")
    return isinstance(error, GeneratorExit | SystemExit) or (
        asyncio is not None and isinstance(error, asyncio.CancelledError)
    )
