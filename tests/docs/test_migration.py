"""docs/guides/migration: every row of a table is true. Its examples run with those of the other guides."""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any

import pytest
from opentelemetry import trace
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

import grok_imagine
from grok_imagine import (
    ApiError,
    AsyncClient,
    Client,
    InvalidRequest,
    Limits,
    RetryPolicy,
    StartOutcomeUnknown,
    UnknownField,
    VideoExpiredError,
    VideoGenerationError,
    VideoModeratedError,
    VideoRequest,
    VideoTimeoutError,
    compat,
    video,
)
from grok_imagine.config import REQUEST_TIMEOUT
from grok_imagine_api import contract
from grok_imagine_sandbox import Sandbox
from support import ROOT, Api, ManualClock

FOLDER = ROOT / "docs" / "guides" / "migration"
PAGES = {path.stem: path.read_text(encoding="utf-8") for path in sorted(FOLDER.glob("*.md"))}
CLIP = "https://example.com/street.mp4"


def test_all_pages_have_examples() -> None:
    assert PAGES.keys() == {"ai-sdk", "openai", "xai-sdk"}
    assert all(text.count("```python\n") >= 2 for text in PAGES.values())


def rows(page: str, after: str = "") -> list[list[str]]:
    """The cells of a page's table, its heads left out."""
    lines = re.findall(r"^\|(.*)\|$", PAGES[page].partition(after)[2] if after else PAGES[page], re.M)
    cells = [[cell.strip() for cell in line.split(" | ")] for line in lines]
    return [row for row in cells if row[0] not in ("There", "AI SDK", "openai") and not row[0].startswith("---")]


# What differs from xai-sdk: a check for each row, by the words that its first cell begins with.

Check = Callable[[Api, Sandbox], object]
DIFFERS: dict[str, Check] = {}


def row(begin: str, scenario: str | None = None) -> Callable[[Check], Check]:
    def keep(check: Check) -> Check:
        DIFFERS[begin] = check
        SCENARIOS[begin] = scenario
        return check

    return keep


SCENARIOS: dict[str, str | None] = {}


@row("a call that starts a job is sent again", "reset-after-accepting")
def _(api: Api, sandbox: Sandbox) -> None:
    with pytest.raises(StartOutcomeUnknown):
        api(lambda c: c.video.start("x"))
    assert sum(count for (method, *_), count in sandbox.requests.items() if method == "POST") == 1


@row("`grpc.RpcError`", "forbidden")
def _(api: Api, sandbox: Sandbox) -> None:
    with pytest.raises(ApiError) as caught:
        api(lambda c: c.video.start("x"))
    assert caught.value.status_code == 403 and type(caught.value) is grok_imagine.PermissionDeniedError
    assert {"code", "request_id"} <= {*dir(caught.value)}


@row("`RuntimeError` of a job that expired", "expired")
def _(api: Api, sandbox: Sandbox) -> None:
    with pytest.raises(VideoExpiredError) as caught:
        api(lambda c: c.video.generate("x"))
    assert isinstance(caught.value, VideoGenerationError)


@row("`TimeoutError` without an id", "never-ends:1")
def _(api: Api, sandbox: Sandbox) -> None:
    with pytest.raises(TimeoutError) as caught:
        api(lambda c: c.video.generate("x", timeout=20))
    error = caught.value
    assert isinstance(error, VideoTimeoutError) and error.request_id
    with pytest.raises(VideoTimeoutError):
        api(lambda c: c.video.wait(error.request_id, timeout=1))


@row("`ValueError` when `response.url` of a moderated video is read", "moderated-withheld")
def _(api: Api, sandbox: Sandbox) -> None:
    response = api(lambda c: c.video.generate("x"))
    assert response.respect_moderation is False
    with pytest.raises(VideoModeratedError) as caught:
        _ = response.url
    assert isinstance(caught.value, VideoGenerationError) and caught.value.cost_usd == response.cost_usd > 0


@row("fields that do not go together are sent")
def _(api: Api, sandbox: Sandbox) -> None:
    with pytest.raises(ValueError, match="leave `duration` out") as caught:
        api(lambda c: c.video.start("x", video_url=CLIP, duration=5))
    assert isinstance(caught.value, InvalidRequest) and not sandbox.requests
    assert api(lambda c: c.video.start("x", video_url=CLIP, duration=5, strict=False)).request_id


@row("`Client(timeout=)` is 27 minutes")
def _(api: Api, sandbox: Sandbox) -> None:
    for kind in (Client, AsyncClient):
        assert kind("k")._config.request_timeout == REQUEST_TIMEOUT == 60
        for options in ({"timeout": 7}, {"timeout": timedelta(seconds=7)}, {"request_timeout": 7}):
            assert kind("k", **options)._config.request_timeout == 7
        with pytest.raises(grok_imagine.ConfigurationError, match="two names of one setting"):
            kind("k", timeout=7, request_timeout=8)
        with pytest.raises(grok_imagine.OutOfRange, match="timeout"):
            kind("k", timeout=-1)
        assert "timeout" in inspect.signature(kind("k").video.generate).parameters


@row("`timeout=timedelta(0)` of `generate`")
def _(api: Api, sandbox: Sandbox) -> None:
    with pytest.raises(VideoTimeoutError):
        api(lambda c: c.video.generate("x", timeout=timedelta(0)))
    assert sum(count for (method, *_), count in sandbox.requests.items() if method == "GET") == 1


@row("`interval` is 1 s by default")
def _(api: Api, sandbox: Sandbox) -> None:
    looks = []
    for options in ({}, {"interval": timedelta(seconds=1)}, {"interval": 1}):
        before = sum(count for (method, *_), count in sandbox.requests.items() if method == "GET")
        api(lambda c, options=options: c.video.generate("x", **options))
        looks.append(sum(count for (method, *_), count in sandbox.requests.items() if method == "GET") - before)
    assert looks[0] < 12 < looks[1] and looks[2] > 12


@row("`model` must be given")
def _(api: Api, sandbox: Sandbox) -> None:
    assert api(lambda c: c.video.start("x")).request.body["model"] == "grok-imagine-video" == contract.DEFAULT_MODEL


@row("`Client(api_host=")
def _(api: Api, sandbox: Sandbox) -> None:
    for kind in (Client, AsyncClient):
        with pytest.raises(TypeError, match="api_host"):
            kind("k", api_host="gateway.example.com")
        assert kind("k", base_url="https://gateway.example.com/v1").base_url == "https://gateway.example.com/v1"


@row("`Client(metadata=")
def _(api: Api, sandbox: Sandbox) -> None:
    for kind in (Client, AsyncClient):
        with pytest.raises(TypeError, match="metadata"):
            kind("k", metadata=(("name", "value"),))
        assert kind("k", headers={"name": "value"})._config.headers["name"] == "value"


@row("`Client(channel_options=")
def _(api: Api, sandbox: Sandbox) -> None:
    for kind in (Client, AsyncClient):
        for name in ("channel_options", "use_insecure_channel", "management_api_key", "management_api_host"):
            with pytest.raises(TypeError, match=name):
                kind("k", **{name: "x"})
        assert {"proxy", "verify", "http_client"} <= inspect.signature(kind).parameters.keys()


@row("`response.proto`")
def _(api: Api, sandbox: Sandbox) -> None:
    response = api(lambda c: c.video.generate("x"))
    assert not hasattr(response, "proto") and not hasattr(response, "HasField")
    assert response.raw["video"]["url"] == response.url and response.storage_error is response.public_url is None


@row("`deferred_pb2.DeferredStatus` has numbers")
def _(api: Api, sandbox: Sandbox) -> None:
    state = api(lambda c: c.video.get(c.video.start("x").request_id)) if api.kind == "sync" else None
    words = compat.deferred_pb2.DeferredStatus
    assert words.DONE == "done" and (state is None or state.status == words.PENDING)


@row("`list_batch_requests(...)` has states as numbers")
def _(api: Api, sandbox: Sandbox) -> None:
    batch = api(lambda c: c.batch.create("x"))
    api(lambda c: c.batch.add(batch.batch_id, [c.video.prepare("x", batch_request_id="one")]))
    page = api(lambda c: c.batch.list_batch_requests(batch.batch_id))
    assert [(each.id, each.state) for each in page.batch_request_metadata] == [("one", "pending")]


@row("`client.batch.add` takes chats, too")
def _(api: Api, sandbox: Sandbox) -> None:
    with pytest.raises(InvalidRequest, match=r"what client\.video\.prepare makes; got str"):
        api(lambda c: c.batch.add("batch_1", ["a chat"]))
    assert not sandbox.requests


@row("`result.video_response` of a request that failed", "failed-internal-error")
def _(api: Api, sandbox: Sandbox) -> None:
    batch = api(lambda c: c.batch.create("x"))
    api(lambda c: c.batch.add(batch.batch_id, [c.video.prepare("x", batch_request_id="one")]))
    for _ in range(300):
        if not api(lambda c: c.batch.get(batch.batch_id)).state.num_pending:
            break
        api.clock.sleep(10)
    page = api(lambda c: c.batch.list_batch_results(batch.batch_id))
    (result,) = page.failed
    assert result.has_error and not result.is_success and result.error_message and page.succeeded == []
    with pytest.raises(ValueError, match="has no video"):
        _ = result.video_response


@row('`client.files.upload("sky.png")`')
def _(api: Api, sandbox: Sandbox) -> None:
    with pytest.raises(InvalidRequest, match="Path"):
        api(lambda c: c.files.upload("sky.png"))
    assert not sandbox.requests


@row("`client.files.create_public_url(id)`")
def _(api: Api, sandbox: Sandbox) -> None:
    for kind in (Client, AsyncClient):
        files = kind("k").files
        assert hasattr(files, "public_url") and not hasattr(files, "create_public_url")


@row("`client.models.list_image_generation_models()`")
def _(api: Api, sandbox: Sandbox) -> None:
    assert {model.id for model in api(lambda c: c.models.list())} == {*contract.MODELS}
    assert not hasattr(Client("k").models, "list_image_generation_models")


@row("`client.chat`, `image`")
def _(api: Api, sandbox: Sandbox) -> None:
    for kind in (Client, AsyncClient):
        for name in ("chat", "image", "collections", "tokenize", "auth"):
            with pytest.raises(AttributeError, match=name):
                getattr(kind("k"), name)


@row("spans by `xai_sdk.telemetry`")
def _(api: Api, sandbox: Sandbox) -> None:
    exporter, tracers = InMemorySpanExporter(), TracerProvider()
    tracers.add_span_processor(SimpleSpanProcessor(exporter))
    before, trace._TRACER_PROVIDER = trace._TRACER_PROVIDER, tracers
    try:
        response = api(lambda c: c.video.generate("a canary prompt"))
    finally:
        trace._TRACER_PROVIDER = before
    told = "".join(span.to_json() for span in exporter.get_finished_spans())
    assert response.request_id in told and "canary" not in told and response.url not in told


@pytest.mark.filterwarnings("ignore::ResourceWarning")
@pytest.mark.parametrize("kind", ["sync", "async"])
@pytest.mark.parametrize("begin", DIFFERS)
def test_a_row_of_what_differs_from_xai_sdk_is_true(begin: str, kind: str, clock: ManualClock) -> None:
    with Sandbox(clock=clock, speed=1.0, scenario=SCENARIOS[begin]) as sandbox:
        retry = RetryPolicy(max_retries=0) if SCENARIOS[begin] == "forbidden" else None
        DIFFERS[begin](Api(kind, clock, sandbox.base_url, retry=retry), sandbox)


def test_each_row_of_what_differs_has_a_check() -> None:
    told = [there for there, _ in rows("xai-sdk", "## What differs")]
    assert len(told) == len(DIFFERS)
    assert [begin for begin in DIFFERS if not any(there.startswith(begin) for there in told)] == []


def test_the_import_lines_are_names_that_exist() -> None:
    for _, here in rows("xai-sdk")[:4]:
        exec(here.strip("`"), {})
    assert video.VideoGenerationError is compat.VideoGenerationError is VideoGenerationError
    assert issubclass(grok_imagine.AsyncVideo, video.VideoResponse)
    # The properties of its VideoResponse; `proto` is in the table.
    names = "cost_usd duration file_output model public_url public_url_error respect_moderation storage_error url usage"
    assert [name for name in names.split() if not isinstance(getattr(video.VideoResponse, name, None), property)] == []
    stored = {"file_output": {"file_id": "f", "filename": "a.mp4", "public_url_error": "too many"}}
    done = grok_imagine.Video("job-1", {"status": "done", "video": {"url": "https://example.com/a.mp4"} | stored})
    assert (done.public_url, done.public_url_error) == (None, "too many")
    assert grok_imagine.Video("job-1", {"status": "pending"}).public_url_error is None
    assert timedelta(seconds=contract.WAIT_TIMEOUT) == video.DEFAULT_VIDEO_TIMEOUT


def test_an_extension_takes_its_video_by_place(api: Api) -> None:
    started = api(lambda c: c.video.extend_start("x", "grok-imagine-video", CLIP))
    named = VideoRequest.from_keywords(call="extend", prompt="x", model="grok-imagine-video", video_url=CLIP)
    assert started.request == named


def given(page: str) -> Iterator[tuple[str, str]]:
    """The names of a page that are no keywords here, with what its table says instead."""
    for there, here in rows(page):
        for name in re.findall(r"`(\w+)(?:`|: )", there):
            if name not in inspect.signature(Client("k").video.generate).parameters:
                yield name, here


@pytest.mark.parametrize(("name", "here"), [pair for page in ("ai-sdk", "openai") for pair in given(page)])
def test_a_name_of_another_sdk_is_refused_with_ours(name: str, here: str, api: Api, sandbox: Sandbox) -> None:
    with pytest.raises(UnknownField) as caught:
        api(lambda c: c.video.start("x", **{name: 1}))
    assert not sandbox.requests and caught.value.fields == (name,)
    if name in contract.KEYWORD_MISNOMERS and name != "mode":
        assert any(f"{word}=" in str(caught.value) for word in re.findall(r"(\w+)=", here))
    elif name != "mode":
        assert "the keywords are" in str(caught.value)


def test_the_tables_name_what_there_is() -> None:
    known: set[str] = {*inspect.signature(Client("k").video.generate).parameters, *vars(Client("k").video)}
    for page in ("ai-sdk", "openai"):
        for _, here in rows(page):
            for keyword in re.findall(r"(?<![\w.(])`?(\w+)=(?!=)", here):
                assert keyword in known | {"retry", "max_retries"}, keyword
            for call in re.findall(r"client\.video\.(\w+)", here):
                assert hasattr(Client("k").video, call), call
    for there, here in rows("openai")[1:6]:
        assert re.match(r"`(start|get|wait|generate|video\.save)", here), there
    with pytest.raises(AttributeError, match=r"this API is client\.video"):
        _ = Client("k").videos


@pytest.mark.parametrize("kind", ["sync", "async"])
def test_a_batch_of_prepared_requests_is_read_in_pages(kind: str, clock: ManualClock) -> None:
    with Sandbox(clock=clock, speed=1.0) as sandbox:
        api: Any = Api(kind, clock, sandbox.base_url, limits=Limits(requests_per_minute=None, requests_per_second=None))
        batch = api(lambda c: c.batch.create("trailers"))
        kinds = [
            lambda c: c.video.prepare("fog", "grok-imagine-video", batch_request_id="b", duration=1),
            lambda c: c.video.prepare("kite", duration=1),
            lambda c: c.video.prepare_extension("on", "grok-imagine-video", CLIP, batch_request_id="a", duration=2),
        ]
        again = [api(lambda c, make=make: made(c, make)) for make in kinds]
        for _ in range(2):  # a repeat adds nothing twice
            api(lambda c: c.batch.add(batch.batch_id, again))
        assert api(lambda c: c.batch.get(batch.batch_id)).state.num_requests == 3
        for _ in range(300):
            if not api(lambda c: c.batch.get(batch.batch_id)).state.num_pending:
                break
            clock.sleep(10)
        found, token = [], None
        while True:
            page = api(lambda c, token=token: c.batch.list_batch_results(batch.batch_id, 2, token))
            assert len(page.results) <= 2
            found += page.results
            if (token := page.pagination_token) is None:
                break
        assert [result.batch_request_id for result in found][1:] == ["a", "b"] and len(found) == 3
        assert all(result.is_success and result.video_response.url for result in found)
        assert [each.batch_id for each in api(lambda c: c.batch.list()).batches] == [batch.batch_id]
        with pytest.raises(InvalidRequest, match="holds the id 'b' twice"):
            api(lambda c: c.batch.add(batch.batch_id, [again[0], again[0]]))
        assert api(lambda c: c.batch.cancel(batch.batch_id)).is_cancelled


def made(client: Any, make: Callable[[Any], Any]) -> Any:
    """What a plain method of either client returns, in the form that `Api` takes of both."""
    if isinstance(client, Client):
        return make(client)

    async def awaited() -> Any:
        return make(client)

    return awaited()


@pytest.mark.parametrize("kind", [Client, AsyncClient])
def test_prepare_takes_what_start_takes_and_sends_nothing(kind: type) -> None:
    prepare = kind("k", base_url="http://127.0.0.1:9/v1").video.prepare
    image = "https://example.com/sky.jpg"
    for options in ({"duration": 3}, {"image_url": image}, {"reference_image_urls": [image]}, {"video_url": CLIP}):
        prepared = prepare("x", "grok-imagine-video", **options)
        assert prepared.request == VideoRequest.from_keywords(prompt="x", model="grok-imagine-video", **options)
        assert prepared.batch_request_id is None
    with pytest.raises(UnknownField, match="duration"):
        prepare("x", seconds=3)
