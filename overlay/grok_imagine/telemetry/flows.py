"""Flows with spans: a generator around a flow passes effects out and results in, and sees both.

Nothing here changes what a flow does. No span is ever the current one: many flows take turns in one thread, so contexts are
passed by hand.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from inspect import GEN_CLOSED, getgeneratorstate
from typing import Any, TypeAlias, TypeVar
from urllib.parse import unquote, urlsplit

from opentelemetry import context
from opentelemetry.context import Context
from opentelemetry.trace import SpanKind

from .. import logs
from ..answers.answer import Answer
from ..answers.api_errors import api_error
from ..batch.outcome import Outcome
from ..core.effects import Blocking, Call, Effect, Flow
from ..core.request import VideoRequest
from ..core.results import Job, Video
from ..errors import JobError, LedgerError, StartOutcomeUnknown
from ..ledger.entries import TRACEPARENT, Entry
from ..ledger.ledger import Ledger
from .spans import CALL, START, WAIT, JobSpan, Started, context_of, harmless, traceparent_of

T = TypeVar("T")
Outcomes: TypeAlias = list[Outcome]

POLLED = "/videos/"
"""How the path of a poll begins; the job's id follows."""

MOST_STARTED = 4096
"""Jobs whose starts a client remembers, for its waits to link to. Those that it forgot are in the ledger, if it has one."""


class Tracing:
    """The tracing of a client: wraps its flows, and remembers the spans of what it started."""

    def __init__(self, base_url: str, clock: Callable[[], float], ledger: Ledger | None) -> None:
        address = urlsplit(base_url)
        port = address.port or (80 if address.scheme == "http" else 443)
        self.server: dict[str, Any] = {
            "gen_ai.provider.name": "x_ai",
            "server.address": address.hostname or "",
            "server.port": port,
        }
        self.clock = clock
        self.ledger = ledger
        self.origin = base_url
        self.started: dict[str, Started] = {}
        self._lock = threading.Lock()

    def instrument(
        self,
        flow: Flow[T],
        request: VideoRequest | None = None,
        *,
        ledger: Ledger | None = None,
        parent: Context | None = None,
        failure: Callable[[T], BaseException | None] = lambda result: None,
    ) -> Flow[T]:
        """The flow with spans.

        Args:
            flow: What to trace.
            request: What it starts or waits for, if known.
            ledger: Where its jobs are noted, if not in the client's own.
            parent: Of the spans; default what is current at this call.
            failure: The error that a result holds.
        """
        traced = _Traced(self, request, ledger or self.ledger, parent or context.get_current())
        return traced.run(flow, failure)

    def around(self, ledger: Ledger) -> Callable[[Flow[Outcomes], VideoRequest], Flow[Outcomes]]:
        """What wraps the flows of a batch, wherever they run; the parent of their spans is what is current now."""
        parent = context.get_current()

        def wrap(flow: Flow[Outcomes], request: VideoRequest) -> Flow[Outcomes]:
            return self.instrument(
                flow, request, ledger=ledger, parent=parent, failure=lambda outcomes: outcomes[0].error
            )

        return wrap

    def remember(self, request_id: str, started: Started) -> None:
        """Keeps what a later wait of this client links to."""
        with self._lock:
            self.started[request_id] = started
            if len(self.started) > MOST_STARTED:
                del self.started[next(iter(self.started))]


class _Traced:
    """One flow: the span of its start, and one for each job that it waits for."""

    def __init__(self, tracing: Tracing, request: VideoRequest | None, ledger: Ledger | None, parent: Context) -> None:
        self.tracing, self.ledger, self.parent = tracing, ledger, parent
        model = request.body.get("model") if request else None
        self.model = model if isinstance(model, str) else None
        self.start: JobSpan | None = None
        self.is_sent = False
        self.own: dict[str, Started] = {}
        self.waits: dict[str, JobSpan] = {}

    def run(self, flow: Flow[T], failure: Callable[[T], BaseException | None]) -> Flow[T]:
        """Passes effects out and results in, and sees both."""
        value, error = None, None
        effect: Effect | None = None
        try:
            while True:
                try:
                    if effect is not None and error is not None:
                        failed, effect = effect, None
                        self._after(failed, None, error)
                    effect = flow.send(value) if error is None else flow.throw(error)
                    value, error = None, None
                    if (request_id := self._new_wait(effect)) is not None:
                        is_here = request_id in self.own or request_id in self.tracing.started
                        entry = None if is_here else (yield from self._entry(request_id))
                        self._begin_wait(request_id, entry)
                    value = yield self._before(effect)
                    self._after(effect, value, None)
                except BaseException as raised:  # also Ctrl-C in the lines above: the flow knows what it means
                    if getgeneratorstate(flow) != GEN_CLOSED:
                        error = raised
                        continue
                    if not isinstance(raised, StopIteration):
                        raise
                    result: T = raised.value
                    self._close(failure(result))
                    return result
        except BaseException as last:
            self._close(last)
            raise
        finally:
            del value, error  # its traceback has this frame

    def traceparent(self) -> str | None:
        """The context of the start's span, which begins here: just before the intent is noted, or the POST is sent."""
        self._begin_start()
        return traceparent_of(self.start) if self.start else None

    @harmless
    def _begin_start(self) -> None:
        if self.start is None:
            self.start = self._span(START, Started(None, self.model), SpanKind.CLIENT)

    def _span(self, operation: str, started: Started, kind: SpanKind) -> JobSpan:
        return JobSpan(operation, started, kind, self.parent, self.tracing.server, self.tracing.clock)

    def _new_wait(self, effect: Effect) -> str | None:
        """The id of a job that is polled for the first time."""
        if not isinstance(effect, Call) or effect.post is not None or effect.request.get("method") != "get":
            return None
        request_id = _job_of(effect)
        return request_id if request_id not in self.waits else None

    def _entry(self, request_id: str) -> Flow[Entry | None]:
        """What the ledger knows of a job that was not started here."""
        if (ledger := self.ledger) is None:
            return None
        try:
            entry: Entry | None = yield Blocking(lambda: ledger.get(request_id))
        except LedgerError as error:
            logs.tell(logging.WARNING, "tracing failed: %s", type(error).__name__)
            return None
        return entry if entry and entry.origin == self.tracing.origin else None

    @harmless
    def _begin_wait(self, request_id: str, entry: Entry | None) -> None:
        started = self.own.get(request_id) or self.tracing.started.get(request_id) or Started(None, self.model)
        if entry and self.ledger:
            age = (
                self.ledger.clock() - entry.created if entry.mode else None
            )  # else it was started elsewhere, before that
            began = None if age is None else self.tracing.clock() - age
            model, is_over = entry.model or self.model, entry.state != "running"
            started = Started(context_of(entry.traceparent), model, began, is_over=is_over)
        self.waits[request_id] = self._span(WAIT, started, SpanKind.INTERNAL)

    def _before(self, effect: Effect) -> Effect:
        if isinstance(effect, Call) and effect.post is not None:
            self._begin_start()
            self.is_sent = True
        if not isinstance(effect, Blocking):
            return effect
        work = effect.work

        def noting() -> object:
            token = TRACEPARENT.set(self.traceparent)
            try:
                return work()
            finally:
                TRACEPARENT.reset(token)

        return Blocking(noting)

    @harmless
    def _after(self, effect: Effect, value: object, error: BaseException | None) -> None:
        if not isinstance(effect, Call):
            return
        if effect.post is not None and self.start:
            if error is not None:
                self.start.met(error)
                self.start.is_unknown = isinstance(effect.post.error, StartOutcomeUnknown)
            elif isinstance(value, Job):
                self._job_started(self.start, value.request_id)
        elif (request_id := _job_of(effect)) in self.waits:
            wait = self.waits[request_id]
            if error is not None:
                wait.met(error)
            elif isinstance(value, Answer) and self._poll_answered(wait, request_id, value):
                self.waits.pop(request_id)
                self.tracing.remember(request_id, wait.started._replace(is_over=True))

    def _job_started(self, start: JobSpan, request_id: str) -> None:
        self.start = None
        now = self.tracing.clock()
        started = Started(start.span.get_span_context(), self.model, start.began)
        self.tracing.remember(request_id, started)
        self.own[request_id] = started._replace(seen=now)
        start.end(None, request_id)
        start.histograms[CALL].record(now - start.began, start.attributes)

    def _poll_answered(self, wait: JobSpan, request_id: str, answer: Answer) -> bool:
        """Whether the job has ended."""
        status, value = answer.status_code, answer.value if isinstance(answer.value, dict) else {}
        if not 200 <= status < 300:
            error = api_error(status, answer.headers, answer.body, request_id=request_id, data=answer.value)
            if isinstance(error, JobError):
                wait.job_ended(request_id, error, error.cost_usd)
                return True
            wait.met(error)
            return False
        video = Video(request_id, value, status)
        if video.outcome == "done" and not video.url:  # whether that is an error depends on what was asked for
            wait.done = video
            return False
        if video.outcome != "running":
            wait.job_ended(request_id, None if video.outcome == "done" else video.failure(), video.cost_usd)
            return True
        wait.started = wait.started._replace(seen=self.tracing.clock())
        if video.progress is not None and video.progress != wait.progress:
            wait.progress = video.progress
            wait.event("progress", video.progress)
        return False

    @harmless
    def _close(self, error: BaseException | None) -> None:
        """The flow ends: so do its spans. That a job goes on is an error only if it is the flow's."""
        start, self.start = self.start, None
        waits, self.waits = self.waits, {}
        last = error or (start.error if start else None)
        if start and (last or self.is_sent):  # else another caller's POST was first
            start.count_cost(getattr(last, "cost_usd", None))
            start.end(last, None)
            start.histograms[CALL].record(self.tracing.clock() - start.began, start.attributes)
        for request_id, wait in waits.items():
            if wait.done:
                wait.job_ended(request_id, error if isinstance(error, JobError) else None, wait.done.cost_usd)
                self.tracing.remember(request_id, wait.started._replace(is_over=True))
            else:
                wait.end(error, request_id)


def _job_of(effect: Call) -> str:
    return unquote(str(effect.request.get("url", "")).removeprefix(POLLED))
