"""The spans and histograms of jobs. Neither a prompt, a URL, a key nor the text of an error is in them."""

from __future__ import annotations

import functools
import logging
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple, TypeVar

from opentelemetry import metrics, trace
from opentelemetry.context import Context
from opentelemetry.metrics import Histogram
from opentelemetry.trace import Link, SpanContext, SpanKind, Status, StatusCode
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

from .. import logs
from .._version import __version__
from ..core.results import Video
from ..errors import RateLimitError
from ..parsing import is_plain_id

F = TypeVar("F", bound=Callable[..., None])

START, WAIT = "generate_video", "wait_for_video"
CALL, JOB, COST, LAG = (
    "gen_ai.client.operation.duration", "grok_imagine.job.duration", "grok_imagine.job.cost", "grok_imagine.job.lag"
)  # fmt: skip

CALL_BOUNDS = (0.01, 0.02, 0.04, 0.08, 0.16, 0.32, 0.64, 1.28, 2.56, 5.12, 10.24, 20.48, 40.96, 81.92)
JOB_BOUNDS = (5.0, 10.0, 20.0, 30.0, 45.0, 60.0, 90.0, 120.0, 180.0, 300.0, 600.0, 1200.0)
COST_BOUNDS = (0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0, 2.0, 5.0, 10.0)

METRICS = {
    CALL: ("s", "GenAI operation duration.", CALL_BOUNDS),
    JOB: ("s", "From the start of a job to the poll that saw its end.", JOB_BOUNDS),
    COST: ("{USD}", "What a job cost, as the service said.", COST_BOUNDS),
    LAG: ("s", "Estimated time from the end of a job to the poll that saw it.", CALL_BOUNDS),
}

PROPAGATOR = TraceContextTextMapPropagator()


class Started(NamedTuple):
    """What is known of a job.

    Attributes:
        span: That of its start.
        model: Its model.
        began: When its start began, by the client's clock.
        seen: When this flow last saw it running.
        is_over: Whether its end was seen before; its metrics are not recorded again.
    """

    span: SpanContext | None
    model: str | None
    began: float | None = None
    seen: float | None = None
    is_over: bool = False


def is_set_up() -> bool:
    """Whether the program has set a provider. Those of the API itself record nothing."""
    providers = (trace.get_tracer_provider(), metrics.get_meter_provider())
    return any(
        not type(each).__module__.startswith(("opentelemetry.trace", "opentelemetry.metrics")) for each in providers
    )


@functools.lru_cache(maxsize=4)
def _histograms(provider: metrics.MeterProvider) -> Mapping[str, Histogram]:
    meter = provider.get_meter("grok_imagine", __version__)
    return {
        name: meter.create_histogram(name, unit, text, explicit_bucket_boundaries_advisory=bounds)
        for name, (unit, text, bounds) in METRICS.items()
    }


def harmless(work: F) -> F:
    """A processor or exporter of the program may raise; no job is lost by that."""

    @functools.wraps(work)
    def guarded(*values: Any) -> None:
        try:
            work(*values)
        except Exception as error:
            logs.tell(logging.WARNING, "tracing failed: %s", type(error).__name__)

    return guarded  # type: ignore[return-value]


class JobSpan:
    """A span that ends once, and what its metrics need."""

    def __init__(
        self,
        operation: str,
        started: Started,
        kind: SpanKind,
        parent: Context,
        server: Mapping[str, Any],
        clock: Callable[[], float],
    ) -> None:
        self.started, self.began, self.clock = started, clock(), clock
        self.attributes = {**server, "gen_ai.operation.name": operation}
        if started.model:
            self.attributes["gen_ai.request.model"] = started.model
        self.histograms = _histograms(metrics.get_meter_provider())
        self.error: BaseException | None = None
        self.progress: int | None = None
        self.done: Video | None = None
        self.is_unknown = False
        name = f"{operation} {started.model}" if started.model else operation
        links = [Link(started.span)] if started.span else []
        tracer = trace.get_tracer("grok_imagine", __version__)
        self.span = tracer.start_span(name, parent, kind, self.attributes, links)

    def event(self, name: str, value: float | None = None) -> None:
        """Adds `grok_imagine.<name>`, with its figure."""
        self.span.add_event(f"grok_imagine.{name}", {} if value is None else {f"grok_imagine.{name}": value})

    def met(self, error: BaseException) -> None:
        """An attempt failed, and may be repeated."""
        self.error = error
        if isinstance(error, RateLimitError):
            self.event("rate_limited", error.retry_after)

    @harmless
    def end(self, error: BaseException | None, request_id: str | None) -> None:
        """Ends the span; an error is shown by its type alone, as its text may repeat what was sent."""
        hint = getattr(error, "hint", None)  # also of what a caller left by while the POST was under way
        if self.is_unknown or (hint and hint.code == "outcome_unknown"):
            self.event("outcome_unknown")
        if error is not None:
            self.attributes["error.type"] = type(error).__name__
            self.span.set_attribute("error.type", type(error).__name__)
            self.span.set_status(Status(StatusCode.ERROR))
        if request_id and is_plain_id(request_id):  # any other may be anything
            self.span.set_attribute("gen_ai.response.id", request_id)
        self.span.end()

    def count_cost(self, usd: float | None) -> None:
        """An answer reported what the job cost."""
        if usd is not None:
            self.span.set_attribute("grok_imagine.cost_usd", usd)
            if not self.started.is_over:
                self.histograms[COST].record(usd, {**self.attributes, "gen_ai.operation.name": START})

    def job_ended(self, request_id: str, error: BaseException | None, usd: float | None) -> None:
        """A poll saw the end. The job ended since the poll before; the middle between the two is assumed."""
        now, of_job = self.clock(), {**self.attributes, "gen_ai.operation.name": START}
        if error is not None:
            of_job["error.type"] = type(error).__name__
        if self.started.began is not None and not self.started.is_over:
            self.histograms[JOB].record(max(now - self.started.began, 0.0), of_job)
        if self.started.seen is not None and not self.started.is_over:
            self.histograms[LAG].record(max(now - self.started.seen, 0.0) / 2, of_job)
        self.count_cost(usd)
        self.end(error, request_id)


def traceparent_of(span: JobSpan) -> str | None:
    """The W3C trace context of a span."""
    carrier: dict[str, str] = {}
    PROPAGATOR.inject(carrier, trace.set_span_in_context(span.span, Context()))
    return carrier.get("traceparent")


def context_of(traceparent: str | None) -> SpanContext | None:
    """The other way round; None if it is none."""
    carrier = {"traceparent": traceparent or ""}
    found = trace.get_current_span(PROPAGATOR.extract(carrier, Context())).get_span_context()
    return found if found.is_valid else None
