"""OpenTelemetry: spans and metrics of jobs, by a generator around a flow that passes effects out and results in.

Imported only where a program has set up a provider; otherwise no flow is wrapped. Nothing here changes what a flow does. No span
is ever the current one: many flows take turns in one thread, so contexts are passed by hand. Neither a prompt, a URL, an error's
text nor a key is in what is exported.
"""

from __future__ import annotations

import functools
import threading
from collections.abc import Callable
from typing import Any, NamedTuple, TypeAlias, TypeVar
from urllib.parse import unquote, urlsplit

from opentelemetry import context, metrics, trace
from opentelemetry.context import Context
from opentelemetry.metrics import Histogram
from opentelemetry.trace import Link, SpanContext, SpanKind, Status, StatusCode
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

from . import logs
from ._version import __version__
from .answers.answer import Answer
from .answers.api_errors import api_error
from .batch.outcome import Outcome
from .core.effects import Blocking, Call, Command, Flow
from .core.request import VideoRequest
from .core.results import Job, Video
from .errors import JobError, LedgerError, RateLimitError, StartOutcomeUnknown
from .ledger.entries import TRACEPARENT, Entry
from .ledger.ledger import Ledger
from .parsing import is_plain_id

T = TypeVar("T")
Outcomes: TypeAlias = "list[Outcome]"
F = TypeVar("F", bound=Callable[..., None])

START, WAIT = "generate_video", "wait_for_video"
LOOKS = "/videos/"
"""How the path of a look begins; the job's id follows."""

MOST_STARTED = 4096
"""Jobs whose starts a client remembers, for its waits to link to. Those that it forgot are in the ledger, if it has one."""

PROPAGATOR = TraceContextTextMapPropagator()

CALL_BOUNDS = (0.01, 0.02, 0.04, 0.08, 0.16, 0.32, 0.64, 1.28, 2.56, 5.12, 10.24, 20.48, 40.96, 81.92)
JOB_BOUNDS = (5.0, 10.0, 20.0, 30.0, 45.0, 60.0, 90.0, 120.0, 180.0, 300.0, 600.0, 1200.0)
COST_BOUNDS = (0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0, 2.0, 5.0, 10.0)


class Started(NamedTuple):
    """What is known of a job's start: its span, its model, when it began, and when this flow last saw it running."""

    span: SpanContext | None
    model: str | None
    began: float | None = None
    seen: float | None = None


class Instruments(NamedTuple):
    """The histograms of one provider."""

    call: Histogram
    job: Histogram
    cost: Histogram
    lag: Histogram


def is_set_up() -> bool:
    """Whether the program has set a provider. Those of the API itself record nothing."""
    providers = (trace.get_tracer_provider(), metrics.get_meter_provider())
    return any(
        not type(each).__module__.startswith(("opentelemetry.trace", "opentelemetry.metrics")) for each in providers
    )


@functools.lru_cache(maxsize=4)
def _instruments(provider: metrics.MeterProvider) -> Instruments:
    def histogram(name: str, unit: str, text: str, bounds: tuple[float, ...]) -> Histogram:
        return meter.create_histogram(name, unit, text, explicit_bucket_boundaries_advisory=bounds)

    meter = provider.get_meter("grok_imagine", __version__)
    return Instruments(
        histogram("gen_ai.client.operation.duration", "s", "GenAI operation duration.", CALL_BOUNDS),
        histogram(
            "grok_imagine.job.duration", "s", "From the start of a job to the look that saw its end.", JOB_BOUNDS
        ),
        histogram("grok_imagine.job.cost", "{USD}", "What a job cost, as the service said.", COST_BOUNDS),
        histogram(
            "grok_imagine.job.lag", "s", "Estimated time from the end of a job to the look that saw it.", CALL_BOUNDS
        ),
    )


def _harmless(work: F) -> F:
    """A processor or exporter of the program may raise; no job is lost by that."""

    @functools.wraps(work)
    def guarded(*values: Any) -> None:
        try:
            work(*values)
        except Exception as error:
            logs.LOGGER.warning("tracing failed: %s", type(error).__name__)

    return guarded  # type: ignore[return-value]


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


class _Span:
    """A span that ends once, and what its metrics need."""

    def __init__(self, flow: _Traced, operation: str, started: Started, kind: SpanKind) -> None:
        tracing, self.started = flow.tracing, started
        model = started.model or flow.model
        self.attributes = {**tracing.server, "gen_ai.operation.name": operation}
        if model:
            self.attributes["gen_ai.request.model"] = model
        self.began, self.clock = tracing.clock(), tracing.clock
        self.instruments = _instruments(metrics.get_meter_provider())
        self.error: BaseException | None = None
        self.progress: int | None = None
        self.span = trace.get_tracer("grok_imagine", __version__).start_span(
            f"{operation} {model}" if model else operation,
            flow.parent,
            kind,
            self.attributes,
            [Link(started.span)] if started.span else [],
        )

    def event(self, name: str, value: float | None = None) -> None:
        """Adds `grok_imagine.<name>`, with its figure."""
        self.span.add_event(f"grok_imagine.{name}", {} if value is None else {f"grok_imagine.{name}": value})

    def met(self, error: BaseException) -> None:
        """An attempt failed, and may be repeated."""
        self.error = error
        if isinstance(error, RateLimitError):
            self.event("rate_limited", error.retry_after)

    def end(self, error: BaseException | None, request_id: str | None) -> None:
        """Ends the span; an error is told by its type alone, as its text may repeat what was sent."""
        if isinstance(error, StartOutcomeUnknown):
            self.event("outcome_unknown")
        if error is not None:
            self.attributes["error.type"] = type(error).__name__
            self.span.set_attribute("error.type", type(error).__name__)
            self.span.set_status(Status(StatusCode.ERROR))
        if request_id and is_plain_id(request_id):  # any other may be anything
            self.span.set_attribute("gen_ai.response.id", request_id)
        self.span.end()

    def count_cost(self, usd: float | None) -> None:
        """An answer told what the job cost."""
        if usd is not None:
            self.span.set_attribute("grok_imagine.cost_usd", usd)
            self.instruments.cost.record(usd, {**self.attributes, "gen_ai.operation.name": START})

    def job_ended(self, request_id: str, error: BaseException | None, usd: float | None) -> None:
        """A look saw the end. It was since the look before, and is taken to be in the middle between the two."""
        now, of_job = self.clock(), {**self.attributes, "gen_ai.operation.name": START}
        if error is not None:
            of_job["error.type"] = type(error).__name__
        if self.started.began is not None:
            self.instruments.job.record(max(now - self.started.began, 0.0), of_job)
        if self.started.seen is not None:
            self.instruments.lag.record(max(now - self.started.seen, 0.0) / 2, of_job)
        self.count_cost(usd)
        self.end(error, request_id)


class _Traced:
    """One flow: the span of its start, and one for each job that it waits for."""

    def __init__(self, tracing: Tracing, request: VideoRequest | None, ledger: Ledger | None, parent: Context) -> None:
        self.tracing, self.ledger, self.parent = tracing, ledger, parent
        model = request.body.get("model") if request else None
        self.model = model if isinstance(model, str) else None
        self.start: _Span | None = None
        self.is_sent = False
        self.own: dict[str, Started] = {}
        self.waits: dict[str, _Span] = {}

    def run(self, flow: Flow[T], failure: Callable[[T], BaseException | None]) -> Flow[T]:
        """Passes effects out and results in, and sees both."""
        value, error = None, None
        try:
            while True:
                try:
                    effect = flow.send(value) if error is None else flow.throw(error)
                except StopIteration as stop:
                    result: T = stop.value
                    self._close(failure(result))
                    return result
                value, error = None, None
                try:
                    if (request_id := self._new_wait(effect)) is not None:
                        entry = yield Blocking(lambda: self._entry(request_id))
                        self._begin_wait(request_id, entry)
                    value = yield self._before(effect)
                except GeneratorExit:
                    flow.close()
                    raise
                except BaseException as raised:
                    error = raised
                self._after(effect, value, error)
        except BaseException as last:
            self._close(last)
            raise
        finally:
            del value, error  # its traceback has this frame

    def traceparent(self) -> str | None:
        """The context of the start's span, which begins here: just before the intent is noted, or the POST is sent."""
        self._begin_start()
        carrier: dict[str, str] = {}
        if self.start:
            PROPAGATOR.inject(carrier, trace.set_span_in_context(self.start.span, Context()))
        return carrier.get("traceparent")

    @_harmless
    def _begin_start(self) -> None:
        if self.start is None:
            self.start = _Span(self, START, Started(None, self.model), SpanKind.CLIENT)

    def _new_wait(self, effect: Command) -> str | None:
        """The id of a job that is looked at for the first time."""
        if not isinstance(effect, Call) or effect.post is not None or effect.request.get("method") != "get":
            return None
        request_id = _job_of(effect)
        return request_id if request_id not in self.waits else None

    def _entry(self, request_id: str) -> Entry | None:
        """What the ledger knows of a job that was not started here."""
        if self.ledger is None or request_id in self.tracing.started:
            return None
        try:
            entry = self.ledger.get(request_id)
        except LedgerError as error:
            logs.LOGGER.warning("tracing failed: %s", type(error).__name__)
            return None
        return entry if entry and entry.origin == self.tracing.origin else None

    @_harmless
    def _begin_wait(self, request_id: str, entry: Entry | None) -> None:
        started = self.own.get(request_id) or self.tracing.started.get(request_id) or Started(None, self.model)
        if entry and self.ledger:
            age = (
                self.ledger.clock() - entry.created if entry.mode else None
            )  # else it was started elsewhere, before that
            began = None if age is None else self.tracing.clock() - age
            started = Started(_span_context(entry.traceparent), entry.model or self.model, began)
        self.waits[request_id] = _Span(self, WAIT, started, SpanKind.INTERNAL)

    def _before(self, effect: Command) -> Command:
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

    @_harmless
    def _after(self, effect: Command, value: object, error: BaseException | None) -> None:
        if not isinstance(effect, Call):
            return
        if effect.post is not None and self.start:
            if error is not None:
                self.start.met(error)
            elif isinstance(value, Job):
                self._job_started(self.start, value.request_id)
        elif (request_id := _job_of(effect)) in self.waits:
            wait = self.waits[request_id]
            if error is not None:
                wait.met(error)
            elif isinstance(value, Answer) and self._looked(wait, request_id, value):
                self.waits.pop(request_id)

    def _job_started(self, start: _Span, request_id: str) -> None:
        self.start = None
        now = self.tracing.clock()
        started = Started(start.span.get_span_context(), self.model, start.began)
        self.tracing.remember(request_id, started)
        self.own[request_id] = started._replace(seen=now)
        start.end(None, request_id)
        start.instruments.call.record(now - start.began, start.attributes)

    def _looked(self, wait: _Span, request_id: str, answer: Answer) -> bool:
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
        if video.outcome != "running":
            wait.job_ended(request_id, None if video.outcome == "done" else video.failure(), video.cost_usd)
            return True
        wait.started = wait.started._replace(seen=self.tracing.clock())
        if video.progress is not None and video.progress != wait.progress:
            wait.progress = video.progress
            wait.event("progress", video.progress)
        return False

    @_harmless
    def _close(self, error: BaseException | None) -> None:
        """The flow ends: so do its spans. That a job goes on is an error only if it is the flow's."""
        start, self.start = self.start, None
        waits, self.waits = self.waits, {}
        last = error or (start.error if start else None)
        if start and (last or self.is_sent):  # else another caller's POST was first
            start.count_cost(getattr(last, "cost_usd", None))
            start.end(last, None)
            start.instruments.call.record(self.tracing.clock() - start.began, start.attributes)
        for request_id, wait in waits.items():
            wait.end(error, request_id)


def _job_of(effect: Call) -> str:
    return unquote(str(effect.request.get("url", "")).removeprefix(LOOKS))


def _span_context(traceparent: str | None) -> SpanContext | None:
    carrier = {"traceparent": traceparent or ""}
    found = trace.get_current_span(PROPAGATOR.extract(carrier, Context())).get_span_context()
    return found if found.is_valid else None
