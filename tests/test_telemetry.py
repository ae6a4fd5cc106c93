"""Tracing, by what the SDK's own exporters get: both clients, over the sandbox."""

from __future__ import annotations

import asyncio
import contextlib
import json
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from opentelemetry import trace
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import InMemoryMetricReader
from opentelemetry.sdk.trace import ReadableSpan, SpanProcessor, TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.trace import SpanKind, StatusCode

from grok_imagine import (
    AsyncClient,
    Client,
    Ledger,
    StartOutcomeUnknown,
    TextToVideo,
    VideoGenerationError,
    VideoModeratedError,
    VideoTimeoutError,
)
from grok_imagine_sandbox import Sandbox
from grok_imagine_sandbox.scenarios import SCENARIOS
from support import HANG, UNLIMITED, Api, SharedClock, listed

CANARY = "canary prompt zebra"
KEY = "xai-canary-key-0123456789"
MODEL = "grok-imagine-video"


@pytest.fixture
def clock() -> SharedClock:
    return SharedClock()  # batches and tasks sleep side by side


class Told:
    """What was exported."""

    def __init__(self) -> None:
        self.exporter, self.reader = InMemorySpanExporter(), InMemoryMetricReader()
        self.tracers, self.meters = TracerProvider(), MeterProvider([self.reader])
        self.tracers.add_span_processor(SimpleSpanProcessor(self.exporter))

    def spans(self, name: str = "") -> list[ReadableSpan]:
        return [span for span in self.exporter.get_finished_spans() if span.name.startswith(name)]

    def one(self, name: str) -> ReadableSpan:
        (span,) = self.spans(name)
        return span

    def points(self, name: str) -> list[Any]:
        data = self.reader.get_metrics_data()
        found = [m for r in (data.resource_metrics if data else []) for s in r.scope_metrics for m in s.metrics]
        return [point for metric in found if metric.name == name for point in metric.data.data_points]

    def everything(self) -> str:
        data = self.reader.get_metrics_data()
        return "".join(span.to_json() for span in self.spans()) + (data.to_json() if data else "")


@pytest.fixture
def told(monkeypatch: pytest.MonkeyPatch) -> Iterator[Told]:
    """Providers for one test. The API lets a program set them once, so a test reaches behind it, as the SDK's own do."""
    told = Told()
    monkeypatch.setattr(trace, "_TRACER_PROVIDER", told.tracers)
    monkeypatch.setattr("opentelemetry.metrics._internal._METER_PROVIDER", told.meters)
    yield told
    told.meters.shutdown()


def is_linked(wait: ReadableSpan, start: ReadableSpan) -> bool:
    return [link.context.span_id for link in wait.links] == [start.context.span_id] and wait.parent != start.context


def scenario(name: str) -> dict[str, Any]:
    return {"headers": {"x-sandbox-scenario": name}}


def test_a_job_is_a_span_of_its_start_and_one_of_its_wait_that_is_linked_to_it(api: Api, told: Told) -> None:
    video = api(lambda c: c.video.generate("A cat", duration=2))
    start, wait = told.one("generate_video"), told.one("wait_for_video")
    assert start.name == f"generate_video {MODEL}" and wait.name == f"wait_for_video {MODEL}"
    assert (start.kind, wait.kind) == (SpanKind.CLIENT, SpanKind.INTERNAL)
    assert is_linked(wait, start) and start.parent is None and wait.parent is None
    for span, operation in ((start, "generate_video"), (wait, "wait_for_video")):
        assert span.status.status_code is StatusCode.UNSET and span.attributes is not None
        assert span.attributes["gen_ai.operation.name"] == operation
        assert span.attributes["gen_ai.provider.name"] == "x_ai"
        assert span.attributes["gen_ai.request.model"] == MODEL
        assert span.attributes["gen_ai.response.id"] == video.request_id
        assert span.attributes["server.address"] == "127.0.0.1"
        assert isinstance(span.attributes["server.port"], int)
    assert wait.attributes and wait.attributes["grok_imagine.cost_usd"] == video.cost_usd
    progress = [event.attributes["grok_imagine.progress"] for event in wait.events]
    assert progress == sorted(set(progress)) and progress


def test_the_metrics_of_a_job_are_its_duration_its_cost_and_the_lag(api: Api, told: Told, clock: SharedClock) -> None:
    began = clock.now
    video = api(lambda c: c.video.generate("A cat", duration=2))
    (job,), (cost,) = told.points("grok_imagine.job.duration"), told.points("grok_imagine.job.cost")
    (lag,), (call,) = told.points("grok_imagine.job.lag"), told.points("gen_ai.client.operation.duration")
    assert job.sum == pytest.approx(clock.now - began) and cost.sum == pytest.approx(video.cost_usd)
    assert lag.sum == pytest.approx(clock.slept[-1] / 2) and call.count == 1
    assert job.attributes["gen_ai.operation.name"] == "generate_video" and "error.type" not in job.attributes


@pytest.mark.parametrize("name", ["moderated-withheld", "moderated-rejected", "moderated-failed"])
def test_a_job_without_a_video_is_an_error_of_its_wait(api: Api, told: Told, name: str) -> None:
    with contextlib.suppress(VideoModeratedError):  # one is a result, whose url raises
        api(lambda c: c.video.generate("A cat"), **scenario(name))
    start, wait = told.one("generate_video"), told.one("wait_for_video")
    assert start.status.status_code is StatusCode.UNSET and wait.status.status_code is StatusCode.ERROR
    assert wait.attributes and wait.attributes["error.type"] == "VideoModeratedError" and is_linked(wait, start)
    assert not wait.status.description and not any(event.name == "exception" for event in wait.events)
    (job,) = told.points("grok_imagine.job.duration")
    assert job.attributes["error.type"] == "VideoModeratedError"


def test_a_rate_limit_is_an_event_and_no_error_when_the_next_try_succeeds(
    api: Api, told: Told, sandbox: Sandbox
) -> None:
    api(lambda c: c.video.generate("A cat"), **scenario("rate-limit:1"))
    start = told.one("generate_video")
    assert [event.name for event in start.events] == ["grok_imagine.rate_limited"]
    assert start.status.status_code is StatusCode.UNSET


def test_an_unknown_outcome_is_an_event_and_an_error(api: Api, told: Told, tmp_path: Path) -> None:
    with pytest.raises(StartOutcomeUnknown):
        api(lambda c: c.video.generate("A cat"), ledger=Ledger(tmp_path / "l.db"), **scenario("reset-after-accepting"))
    (start,) = told.spans()
    assert start.attributes and start.attributes["error.type"] == "StartOutcomeUnknown"
    assert [event.name for event in start.events] == ["grok_imagine.outcome_unknown"]


def test_a_wait_whose_time_is_up_is_an_error_and_the_next_one_links_too(api: Api, told: Told) -> None:
    def use(client: Any) -> Any:
        return client.video.generate("A cat", timeout=1)

    with pytest.raises(VideoTimeoutError):
        api(use, **scenario("never-ends"))
    wait = told.one("wait_for_video")
    assert wait.attributes and wait.attributes["error.type"] == "VideoTimeoutError"
    assert is_linked(wait, told.one("generate_video")) and not told.points("grok_imagine.job.duration")


STARTS = """
import sys
from opentelemetry import trace
from opentelemetry.sdk.trace import TracerProvider
from grok_imagine import Client, Ledger
trace.set_tracer_provider(TracerProvider())
with Client(api_key="k", base_url=sys.argv[1], ledger=Ledger(sys.argv[2])) as client:
    print(client.video.start("A cat").request_id)
"""


@pytest.mark.parametrize("take_up", ["wait", "reconcile"])
def test_what_another_process_started_is_linked_through_the_ledger(
    api: Api, told: Told, sandbox: Sandbox, tmp_path: Path, take_up: str
) -> None:
    path = tmp_path / "jobs.db"
    program = [sys.executable, "-c", STARTS, sandbox.base_url, str(path)]
    request_id = subprocess.run(program, check=True, capture_output=True, text=True).stdout.strip()
    ledger = Ledger(path)
    (entry,) = ledger.jobs()
    assert entry.request_id == request_id and entry.traceparent and entry.traceparent.startswith("00-")
    if take_up == "reconcile":
        api(lambda c: c.reconcile(ledger))
    else:
        api(lambda c: c.video.wait(request_id), ledger=ledger)
    wait = told.one(f"wait_for_video {MODEL}")
    (link,) = wait.links
    assert f"00-{link.context.trace_id:032x}-{link.context.span_id:016x}" == entry.traceparent[:-3]
    assert not told.spans("generate_video") and told.points("grok_imagine.job.duration")


def test_a_start_and_a_wait_of_one_client_are_linked_without_a_ledger(sandbox: Sandbox, told: Told, clock: Any) -> None:
    with Client(KEY, base_url=sandbox.base_url, clock=clock, sleep=clock.sleep) as client:
        client.video.wait(client.video.start("A cat"))
    assert is_linked(told.one("wait_for_video"), told.one("generate_video"))


def test_ten_at_once_do_not_mix_and_all_have_the_callers_span_as_parent(api: Api, told: Told) -> None:
    requests = [TextToVideo(f"Cat {number}", duration=2) for number in range(10)]
    with trace.get_tracer("test").start_as_current_span("caller") as caller:
        outcomes = api(lambda c: listed(c.video.batch(requests)))
        assert trace.get_current_span() is caller
    assert [outcome.state for outcome in outcomes] == ["done"] * 10
    starts = {span.attributes["gen_ai.response.id"]: span for span in told.spans("generate_video") if span.attributes}
    waits = {span.attributes["gen_ai.response.id"]: span for span in told.spans("wait_for_video") if span.attributes}
    assert starts.keys() == waits.keys() == {outcome.request_id for outcome in outcomes}
    assert all(is_linked(waits[request_id], starts[request_id]) for request_id in starts)
    assert all(span.parent == caller.get_span_context() for span in (*starts.values(), *waits.values()))
    assert sum(point.count for point in told.points("grok_imagine.job.cost")) == 10


def test_a_batchs_errors_are_errors_of_its_spans_and_what_is_known_makes_no_start(
    api: Api, told: Told, tmp_path: Path
) -> None:
    ledger = Ledger(tmp_path / "jobs.db")
    for _ in range(2):
        api(lambda c: listed(c.video.batch([TextToVideo("A cat")])), ledger=ledger, **scenario("reset-after-accepting"))
    assert told.one("generate_video").status.status_code is StatusCode.ERROR
    told.exporter.clear()
    for _ in range(2):
        api(lambda c: listed(c.video.batch([TextToVideo("A dog")], timeout=1)), ledger=ledger, **scenario("never-ends"))
    start, waits = told.one("generate_video"), told.spans("wait_for_video")
    assert len(waits) == 2 and all(is_linked(wait, start) for wait in waits)
    assert all(wait.attributes and wait.attributes["error.type"] == "VideoTimeoutError" for wait in waits)


def test_a_key_that_has_its_job_makes_no_second_start(api: Api, told: Told, tmp_path: Path) -> None:
    ledger = Ledger(tmp_path / "jobs.db")
    for _ in range(2):
        api(lambda c: c.video.generate("A cat", key="order-17"), ledger=ledger)
    assert told.one("generate_video") and told.one("wait_for_video")


SECRETS = ["done-minimal", "moderated-rejected", "moderated-withheld", "reset-after-accepting", "forbidden", "expired"]


@pytest.mark.parametrize("name", [*SECRETS, "unprocessable"])
def test_no_prompt_url_or_key_is_exported(api: Api, told: Told, tmp_path: Path, name: str) -> None:
    url = "https://canary.invalid/zebra.jpg?sig=secret"
    options = {"api_key": KEY, "ledger": Ledger(tmp_path / "l.db", keep_prompts=True), **scenario(name)}
    with_image = {"image": url, "strict": False}
    for use in (
        lambda c: c.video.generate(CANARY, **with_image),
        lambda c: c.video.start(CANARY, duration=999, strict=False),
    ):
        try:
            api(use, **options)
        except Exception as error:
            assert type(error).__module__.startswith("grok_imagine")
    text = told.everything()
    assert "generate_video" in text
    for secret in ("zebra", "canary", "://127", ".mp4", "sig=", KEY):
        assert secret not in text.replace("grok_imagine", ""), secret


def test_tracing_changes_the_end_of_no_scenario(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    def end(name: str) -> tuple[str, Any]:
        try:
            video = api(lambda c: c.video.generate("A cat", timeout=30), **scenario(name))
        except Exception as error:
            return type(error).__name__, getattr(error, "cost_usd", None)
        return video.outcome, video.cost_usd

    names = [name for name in SCENARIOS if "slow" not in name]
    untraced = [end(name) for name in names]
    told = Told()
    monkeypatch.setattr(trace, "_TRACER_PROVIDER", told.tracers)
    assert [end(name) for name in names] == untraced and len(told.spans()) > len(names) > 20
    errors = [span for span in told.spans() if span.status.status_code is StatusCode.ERROR]
    assert {kind for kind, _ in untraced} - {"done", "moderated"} <= {
        s.attributes["error.type"] for s in errors if s.attributes
    }


class Broken(SpanProcessor):
    def on_start(self, span: Any, parent_context: Any = None) -> None:
        raise RuntimeError("on_start")

    def on_end(self, span: ReadableSpan) -> None:
        raise RuntimeError("on_end")


def test_a_processor_that_raises_costs_no_job(api: Api, told: Told, tmp_path: Path) -> None:
    told.tracers.add_span_processor(Broken())
    assert api(lambda c: c.video.generate("A cat"), ledger=Ledger(tmp_path / "l.db")).url


def test_a_flow_that_is_dropped_ends_its_spans(told: Told, sandbox: Sandbox) -> None:
    client = Client(KEY, base_url=sandbox.base_url, limits=UNLIMITED)
    flow = client._core.wait("some-id", None, None, None)
    while "wait_for_video" not in str(flow.gi_frame.f_locals["self"].waits):  # type: ignore[attr-defined]
        if flow.gi_frame.f_locals["self"].waits:  # type: ignore[attr-defined]
            break
        effect = next(flow)
        if hasattr(effect, "work"):
            effect.work()
    flow.close()
    wait = told.one("wait_for_video")
    assert wait.attributes and wait.attributes["error.type"] == "GeneratorExit"
    client.close()


ALONE = """
import json, sys
from grok_imagine import Client
if len(sys.argv) > 2:
    import opentelemetry.trace
    names = lambda: []
else:
    sys.modules["opentelemetry"] = None
    names = lambda: [name for name in sys.modules if name.startswith("opentelemetry.")]
with Client(api_key="k", base_url=sys.argv[1]) as client:
    flow = client._core.wait("id", None, None, None)
    code = flow.gi_code.co_filename
    client.video.start("A cat")
print(json.dumps([code.rsplit("/", 1)[1], names(), "grok_imagine.telemetry.flows" in sys.modules]))
"""


@pytest.mark.parametrize("more", [[], ["the API alone"]])
def test_without_opentelemetry_nothing_is_imported_and_no_flow_is_wrapped(sandbox: Sandbox, more: list[str]) -> None:
    program = [sys.executable, "-c", ALONE, sandbox.base_url, *more]
    told = json.loads(subprocess.run(program, check=True, capture_output=True, text=True).stdout)
    assert told == ["polling.py", [], False]


def test_with_opentelemetry_the_same_flow_is_wrapped(told: Told, sandbox: Sandbox) -> None:
    with Client(KEY, base_url=sandbox.base_url) as client:
        assert client._core.wait("id", None, None, None).gi_code.co_filename.endswith("flows.py")  # type: ignore[attr-defined]


def test_the_asynchronous_clients_gathered_flows_have_each_their_callers_span(
    told: Told, sandbox: Sandbox, clock: SharedClock
) -> None:
    async def one(client: AsyncClient, number: int) -> None:
        with trace.get_tracer("test").start_as_current_span(f"caller {number}"):
            await client.video.generate(f"Cat {number}", duration=2)

    async def run() -> None:
        async with AsyncClient(
            KEY, base_url=sandbox.base_url, clock=clock, sleep=clock.sleep_async, limits=UNLIMITED
        ) as client:
            await asyncio.gather(*(one(client, number) for number in range(10)))

    asyncio.run(run())
    callers = {span.context.span_id for span in told.spans("caller")}
    assert {span.parent.span_id for span in told.spans("generate_video") if span.parent} == callers
    traces = {span.context.trace_id: span for span in told.spans("generate_video")}
    assert all(is_linked(wait, traces[wait.context.trace_id]) for wait in told.spans("wait_for_video"))
    assert len(traces) == len(told.spans("wait_for_video")) == 10


class Interrupted(SpanProcessor):
    """Ctrl-C that comes while a span is ended."""

    def on_end(self, span: ReadableSpan) -> None:
        if span.name.startswith("generate_video"):
            raise KeyboardInterrupt


def test_an_interrupt_within_tracing_leaves_with_the_id_as_any_other_does(
    told: Told, sandbox: Sandbox, clock: SharedClock
) -> None:
    told.tracers.add_span_processor(Interrupted())
    client = Client(KEY, base_url=sandbox.base_url, clock=clock, sleep=clock.sleep)
    with client, pytest.raises(KeyboardInterrupt) as caught:
        client.video.generate("A cat", duration=2)
    assert caught.value.__dict__["request_id"] == sandbox.jobs[0]["request_id"]
    assert "client.video.wait" in "".join(caught.value.__notes__)


def test_a_job_that_is_done_without_a_video_is_an_error_of_its_wait_and_its_metrics(api: Api, told: Told) -> None:
    with pytest.raises(VideoGenerationError):
        api(lambda c: c.video.generate("A cat"), **scenario("done-without-url"))
    wait = told.one("wait_for_video")
    assert wait.attributes and wait.attributes["error.type"] == "VideoGenerationError"
    (job,) = told.points("grok_imagine.job.duration")
    assert job.attributes["error.type"] == "VideoGenerationError"


@pytest.mark.parametrize("has_ledger", [True, False])
def test_a_job_is_measured_once_however_often_it_is_waited_for(
    told: Told, sandbox: Sandbox, clock: SharedClock, tmp_path: Path, has_ledger: bool
) -> None:
    ledger = Ledger(tmp_path / "jobs.db", clock=clock) if has_ledger else None
    options: dict[str, Any] = {"clock": clock, "sleep": clock.sleep, "ledger": ledger, "limits": UNLIMITED}
    with Client(KEY, base_url=sandbox.base_url, **options) as client:
        video = client.video.generate("A cat", duration=2)
        clock.sleep(3600.0)
        client.video.wait(video.request_id)
    assert len(told.spans("wait_for_video")) == 2
    for name in ("cost", "duration", "lag"):
        (point,) = told.points(f"grok_imagine.job.{name}")
        assert point.count == 1 and point.max < 3600, name


def test_who_loses_the_race_for_a_key_begins_no_span_of_a_start(
    api: Api, told: Told, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ledger, begun = Ledger(tmp_path / "jobs.db"), []
    told.tracers.add_span_processor(Begun(begun))
    api(lambda c: c.video.start("A cat", key="order-17"), ledger=ledger, **scenario("failed-internal-error"))
    look, seen = Ledger.of_key, []

    def late(self: Ledger, key: str, origin: str) -> Any:
        seen.append(key)
        return None if len(seen) == 1 else look(self, key, origin)

    monkeypatch.setattr(Ledger, "of_key", late)
    with pytest.raises(VideoGenerationError):
        api(lambda c: c.video.generate("A cat", key="order-17"), ledger=ledger)
    assert len(seen) == 2 and told.one("generate_video").status.status_code is StatusCode.UNSET
    assert [name.split()[0] for name in begun] == ["generate_video", "wait_for_video"], "each that begins, ends"


class Begun(SpanProcessor):
    """Notes the spans that begin."""

    def __init__(self, names: list[str]) -> None:
        self.names = names

    def on_start(self, span: Any, parent_context: Any = None) -> None:
        self.names.append(span.name)


@pytest.mark.parametrize("grace", [0.01, 5.0])
def test_a_caller_that_leaves_a_paid_post_has_an_unknown_outcome(
    told: Told, monkeypatch: pytest.MonkeyPatch, grace: float
) -> None:
    for module in ("posting.post", "transport.aio"):
        monkeypatch.setattr(f"grok_imagine.{module}.GRACE", grace)

    async def run(server: socket.socket) -> None:
        address = f"http://127.0.0.1:{server.getsockname()[1]}/v1"
        async with AsyncClient(KEY, base_url=address) as client:
            start = asyncio.create_task(client.video.start("A cat"))
            connection, _ = await asyncio.to_thread(server.accept)
            with connection:
                await asyncio.to_thread(connection.recv, 1)  # the POST is under way
                start.cancel()
                asyncio.get_running_loop().call_later(0.1, connection.shutdown, socket.SHUT_RDWR)
                with pytest.raises(asyncio.CancelledError):
                    await start

    with socket.create_server(("127.0.0.1", 0)) as silent:
        silent.settimeout(HANG)
        asyncio.run(run(silent))
    start = told.one("generate_video")
    assert start.attributes and start.attributes["error.type"] == "CancelledError"
    assert [event.name for event in start.events] == ["grok_imagine.outcome_unknown"]
