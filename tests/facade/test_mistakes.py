"""What people get wrong first: each mistake is one error that says what is expected and what to write, and nothing is sent."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Coroutine
from pathlib import Path
from typing import Any

import pytest

from grok_imagine import (
    AsyncClient,
    Client,
    ConfigurationError,
    File,
    GrokImagineError,
    Job,
    Ledger,
    Limits,
    OutOfRange,
    RetryPolicy,
    TextToVideo,
    Video,
    estimate,
)
from grok_imagine_sandbox import Sandbox

BOTH = pytest.mark.parametrize("kind", [Client, AsyncClient])

OPTIONS: list[tuple[dict[str, Any], str]] = [
    ({"ledger": "jobs.db"}, r"ledger is a Ledger, such as Ledger\('jobs.db'\); got str"),
    ({"ledger": Path("jobs.db")}, r"ledger is a Ledger, such as .*; got \w*Path"),
    ({"limits": 5}, r"limits is a Limits, such as .*concurrent_jobs.*; got int"),
    ({"quota": "redis://host"}, r"quota is a Quota, such as RedisQuota\(.*; got str"),
    ({"retry": 3}, r"retry is a RetryPolicy, such as RetryPolicy\(max_retries=3\); got int"),
    ({"clock": 5}, r"clock is a function.*; got int"),
    ({"sleep": 5}, r"sleep is a function.*; got int"),
    ({"headers": [("a", "b")]}, r"headers is a mapping, such as \{'name': 'value'\}; got list"),
]


@BOTH
@pytest.mark.parametrize(
    ("option", "message"), OPTIONS, ids=lambda each: "-".join(each) if isinstance(each, dict) else ""
)
def test_an_option_of_a_wrong_type_makes_no_client(
    kind: Callable[..., Any], option: dict[str, Any], message: str
) -> None:
    with pytest.raises(ConfigurationError, match=f"^{message}$"):
        kind(api_key="k", **option)


def test_options_of_the_right_types_make_one(tmp_path: Path) -> None:
    right = {
        "ledger": Ledger(tmp_path / "jobs.db"),
        "limits": Limits(),
        "retry": RetryPolicy(),
        "headers": {},
        "clock": lambda: 0.0,
    }
    Client(api_key="k", **right).close()


@BOTH
def test_a_timeout_is_named_as_it_was_given(kind: Callable[..., Any]) -> None:
    for name in ("timeout", "request_timeout"):
        with pytest.raises(OutOfRange, match=f"^`{name}`: .* got '60'"):
            kind(api_key="k", **{name: "60"})


async def prompts() -> AsyncIterator[str]:
    yield "A heron"


NO_LISTS: list[tuple[Any, str]] = [
    ("A heron", "got str; write [...] around it"),
    (b"A heron", "got bytes"),
    ({"prompt": "A heron"}, "got dict; write [...] around it"),
    (TextToVideo("A heron"), "got VideoRequest; write [...] around it"),
    (None, "got NoneType"),
    (3, "got int"),
]


@pytest.mark.parametrize(("requests", "message"), NO_LISTS, ids=lambda each: type(each).__name__)
def test_one_request_is_no_batch(requests: Any, message: str, sandbox: Sandbox) -> None:
    """Else each letter of a prompt, and each key of a mapping, would be the prompt of a job that is paid for."""

    async def many() -> None:
        async with sandbox.async_client() as client:
            async for _ in client.video.batch(requests):
                raise AssertionError

    def few() -> None:
        with sandbox.client() as client:
            next(client.video.batch(requests))

    for run in (few, lambda: asyncio.run(many())):
        with pytest.raises(OutOfRange) as caught:
            run()
        assert caught.value.fields == ("requests",) and message in str(caught.value)
    assert not sandbox.jobs


def test_a_batch_of_the_blocking_client_takes_no_asynchronous_iterable(sandbox: Sandbox) -> None:
    with sandbox.client() as client, pytest.raises(OutOfRange, match=r"got async_generator; .*AsyncClient"):
        client.video.batch(prompts())  # type: ignore[arg-type]


@pytest.mark.parametrize("requests", ["A heron", None, 3, TextToVideo("A heron")], ids=lambda each: type(each).__name__)
def test_nor_one_of_the_service(requests: Any, sandbox: Sandbox) -> None:
    with sandbox.client() as client:
        batch = client.batches.create("x")
        with pytest.raises(OutOfRange, match="`requests`: is a list or a mapping of requests; got "):
            client.batches.add(batch, requests)


@pytest.mark.parametrize("most", ["5", None.__class__, [5], float("nan"), -1])
def test_a_cap_is_a_number(most: Any, sandbox: Sandbox) -> None:
    with sandbox.client() as client, pytest.raises(OutOfRange, match="`max_cost_usd`: is USD"):
        client.video.batch(["x"], max_cost_usd=most)
    assert not sandbox.jobs


@pytest.mark.parametrize("given", ["A heron", None, {"prompt": "A heron"}])
def test_an_estimate_is_of_a_request(given: Any) -> None:
    with pytest.raises(OutOfRange, match=r"`request`: is a request, such as TextToVideo\(.*; got (str|NoneType|dict)"):
        estimate(given)


MEDIA: list[tuple[dict[str, Any], str]] = [
    ({"video_url": Video("job-1", {})}, "(Video) can't be read as a file; write video_url=video.url"),
    ({"image_url": File("file-1", {})}, "(File) can't be read as a file; write image_file_id=file.id"),
    ({"video_url": File("file-1", {})}, "(File) can't be read as a file; write video_file_id=file.id"),
    (
        {"reference_image_urls": [File("file-1", {})]},
        "(File) can't be read as a file; write reference_image_file_ids=[file.id]",
    ),
    ({"image_url": 7}, "(int) can't be read as a file; give a URL as a str, a pathlib.Path"),
    (
        {"image_url": ["https://example.com/a.png"]},
        "(list) can't be read as a file; give a URL as a str, a pathlib.Path",
    ),
    (
        {"video_url": Job("job-1", TextToVideo("x"))},
        "(Job) can't be read as a file; give a URL as a str, a pathlib.Path",
    ),
    ({"image_url": "sky.png"}, "got 'sky.png'; write pathlib.Path(...) for a local file"),
]


@pytest.mark.parametrize(("keywords", "message"), MEDIA, ids=lambda each: "")
def test_what_is_no_image_or_video_is_told_how_to_be_given(
    keywords: dict[str, Any], message: str, sandbox: Sandbox
) -> None:
    with sandbox.client() as client, pytest.raises(OutOfRange) as caught:
        client.video.generate("x", **keywords)
    assert message in str(caught.value)
    assert not sandbox.jobs


NAMES = {
    ("client", "videos"): "client.video",
    ("client", "generate"): "client.video.generate",
    ("video", "create"): "start",
    ("video", "retrieve"): "get",
    ("video", "poll"): "wait",
    ("video", "create_and_poll"): "generate",
    ("video", "download_content"): "download",
}


@BOTH
@pytest.mark.parametrize(("of", "name"), NAMES, ids=".".join)
def test_a_name_of_another_sdk_is_answered_by_ours(kind: Callable[..., Any], of: str, name: str) -> None:
    client = kind(api_key="k")
    value = {"client": client, "video": client.video}[of]
    with pytest.raises(AttributeError, match=f"has no attribute '{name}'; .*{NAMES[of, name]}") as caught:
        getattr(value, name)
    assert caught.value.name == name and caught.value.obj is value
    assert getattr(value, "no_such_name", None) is None and not hasattr(value, "__no_such__")


ELSEWHERE: dict[str, Callable[[AsyncClient], Coroutine[Any, Any, Any]]] = {
    "generate": lambda client: client.video.generate("A cat"),
    "batch": lambda client: client.video.batch(["A cat"]).__anext__(),
    "updates": lambda client: client.video.updates("a").__anext__(),
    "models": lambda client: client.models.list(),
    "reconcile": lambda client: client.reconcile(),
    "close": lambda client: client.close(),
}


@pytest.mark.parametrize("call", ELSEWHERE)
def test_another_framework_than_asyncio_is_told_at_once(call: str, sandbox: Sandbox) -> None:
    """As trio runs a coroutine: without a loop of asyncio."""
    coroutine = ELSEWHERE[call](AsyncClient(api_key="k", base_url=sandbox.base_url))
    with pytest.raises(
        ConfigurationError, match=r"runs in asyncio's event loop, and none runs here; .* Client in a thread"
    ):
        coroutine.send(None)
    assert sandbox.posts == []


def test_all_are_errors_of_this_package() -> None:
    assert issubclass(OutOfRange, GrokImagineError) and issubclass(OutOfRange, ValueError)
