"""A paid POST amid code of the program's own: transports and auth flows that send again, hooks, handlers and filters that raise."""

from __future__ import annotations

import asyncio
import collections
import logging
import socket
import threading
from collections.abc import Callable, Generator, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import httpx
import pytest

from grok_imagine import (
    AsyncClient,
    Client,
    Delivery,
    GrokImagineError,
    Ledger,
    RetryPolicy,
    StartOutcomeUnknown,
    delivery_of,
)
from support import UNLIMITED, Api, ManualClock

KINDS = pytest.mark.parametrize("kind", ["sync", "async"])
LOST = b""
TAKEN = b'HTTP/1.1 200 OK\r\nconnection: close\r\ncontent-length: 23\r\n\r\n{"request_id": "job-7"}'
REFUSED = b'HTTP/1.1 429 X\r\nconnection: close\r\ncontent-length: 29\r\n\r\n{"error":"Too many requests"}'
GATEWAY = b"HTTP/1.1 504 X\r\nconnection: close\r\ncontent-length: 2\r\n\r\n{}"
KEY_REFUSED = b"HTTP/1.1 401 X\r\nconnection: close\r\ncontent-length: 2\r\n\r\n{}"


class Service:
    """Takes each POST as a paid job, and answers by a script; the last answer is for all further ones. An empty one closes."""

    def __init__(self) -> None:
        self.answers = [TAKEN]
        self.posts = 0
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.base_url = f"http://127.0.0.1:{self._listener.getsockname()[1]}/v1"
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self) -> None:
        while True:
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            threading.Thread(target=self._answer, args=(connection,), daemon=True).start()

    def _answer(self, connection: socket.socket) -> None:
        with connection:
            got = b""
            while b"}" not in got.partition(b"\r\n\r\n")[2]:
                if not (more := connection.recv(65536)):
                    return
                got += more
            self.posts += 1
            connection.sendall(self.answers.pop(0) if len(self.answers) > 1 else self.answers[0])

    def close(self) -> None:
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()


@pytest.fixture
def service() -> Iterator[Service]:
    with closing(Service()) as service:
        yield service


class Again(httpx.HTTPTransport):
    """Sends again, to an address if one is given, where no answer came: what many programs have as their transport."""

    port: int | None = None

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        try:
            return super().handle_request(request)
        except httpx.TransportError:
            request.url = request.url.copy_with(port=self.port or request.url.port)
            return super().handle_request(request)


class AsyncAgain(httpx.AsyncHTTPTransport):
    port: int | None = None

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        try:
            return await super().handle_async_request(request)
        except httpx.TransportError:
            request.url = request.url.copy_with(port=self.port or request.url.port)
            return await super().handle_async_request(request)


class Retrying(httpx.HTTPTransport):
    """Sends again whatever answer came, but for a refusal."""

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        response = super().handle_request(request)
        if response.status_code == 429:
            return response
        response.read()
        return super().handle_request(request)


class AsyncRetrying(httpx.AsyncHTTPTransport):
    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        response = await super().handle_async_request(request)
        if response.status_code == 429:
            return response
        await response.aread()
        return await super().handle_async_request(request)


def retrying(kind: str) -> Any:
    return {"transport": Retrying() if kind == "sync" else AsyncRetrying()}


class Leaves(BaseException):
    """What a program's own transport ends by."""


class Leaving(httpx.BaseTransport, httpx.AsyncBaseTransport):
    def handle_request(self, request: httpx.Request) -> httpx.Response:
        raise Leaves

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        raise Leaves


class Refresh(httpx.Auth):
    """Asks another host after the POST was answered, in vain."""

    def auth_flow(self, request: httpx.Request) -> Generator[httpx.Request, httpx.Response, None]:
        yield request
        yield httpx.Request("GET", "http://127.0.0.1:1/token")


def elsewhere(kind: str) -> Any:
    """A client whose transport turns to an address that takes no connections."""
    transport: Any = Again() if kind == "sync" else AsyncAgain()
    transport.port = 1
    return transport


def raising(kind: str) -> Any:
    """A hook that fails at the answer."""

    def hook(response: httpx.Response) -> None:
        raise RuntimeError("a hook")

    async def hook_async(response: httpx.Response) -> None:
        raise RuntimeError("a hook")

    return {"response": [hook if kind == "sync" else hook_async]}


Options = Callable[[str], dict[str, Any]]
GIVEN: dict[str, tuple[Options, list[bytes], int]] = {
    "a transport turns elsewhere": (lambda kind: {"transport": elsewhere(kind)}, [LOST], 1),
    "a transport sends again, and is refused": (
        lambda kind: {"transport": Again() if kind == "sync" else AsyncAgain()},
        [LOST, REFUSED],
        2,
    ),
    "a transport sends again after an answer that leaves it open, and is refused": (retrying, [GATEWAY, REFUSED], 2),
    "a transport sends again after a job, and is refused": (retrying, [TAKEN, REFUSED], 2),
    "a transport leaves": (lambda kind: {"transport": Leaving()}, [TAKEN], 0),
    "an auth flow fails after the answer": (lambda kind: {"auth": Refresh()}, [TAKEN], 1),
    "a hook raises": (lambda kind: {"event_hooks": raising(kind)}, [TAKEN], 1),
}
"""For each: the options of the `http_client`, the answers, and how often that sends."""


@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")  # of a thread that is left
@KINDS
@pytest.mark.parametrize("name", GIVEN)
def test_what_may_have_been_taken_is_never_posted_again(
    kind: str, name: str, service: Service, clock: ManualClock, tmp_path: Path
) -> None:
    options, answers, most = GIVEN[name]
    service.answers = list(answers)
    http = (httpx.Client if kind == "sync" else httpx.AsyncClient)(**options(kind))
    with closing(Ledger(tmp_path / "jobs.db")) as ledger:
        api = Api(kind, clock, service.base_url, http_client=http, ledger=ledger, retry=RetryPolicy(max_retries=3))
        with pytest.raises(StartOutcomeUnknown):
            api(lambda client: client.video.start("A cat"))
        assert service.posts == most
        assert [entry.state for entry in ledger.jobs()] == ["unknown"]
    http.close() if kind == "sync" else asyncio.run(http.aclose())


@KINDS
def test_a_refusal_of_each_post_is_a_refusal(kind: str, service: Service, clock: ManualClock) -> None:
    service.answers = [REFUSED]
    http = (httpx.Client if kind == "sync" else httpx.AsyncClient)(
        transport=Again() if kind == "sync" else AsyncAgain()
    )
    api = Api(kind, clock, service.base_url, http_client=http, retry=RetryPolicy(max_retries=2, base=0.01))
    with pytest.raises(GrokImagineError) as caught:
        api(lambda client: client.video.start("A cat"))
    assert delivery_of(caught.value) is Delivery.REFUSED and service.posts == 3
    http.close() if kind == "sync" else asyncio.run(http.aclose())


@KINDS
def test_a_refusal_that_the_transport_sent_again_after_is_a_refusal(
    kind: str, service: Service, clock: ManualClock
) -> None:
    service.answers = [KEY_REFUSED, REFUSED]
    http = (httpx.Client if kind == "sync" else httpx.AsyncClient)(**retrying(kind))
    api = Api(kind, clock, service.base_url, http_client=http, retry=RetryPolicy(max_retries=0))
    with pytest.raises(GrokImagineError) as caught:
        api(lambda client: client.video.start("A cat"))
    assert delivery_of(caught.value) is Delivery.REFUSED and service.posts == 2
    http.close() if kind == "sync" else asyncio.run(http.aclose())


@KINDS
@pytest.mark.parametrize("reads", ["nothing", "whole", "in pieces"])
@pytest.mark.parametrize("status", [400, 429, 502])
def test_a_hook_that_raises_for_a_status_makes_no_refusal_unknown(
    kind: str, status: int, reads: str, service: Service, clock: ManualClock
) -> None:
    def hook(response: httpx.Response) -> None:
        if reads != "nothing":
            collections.deque([response.read()] if reads == "whole" else response.iter_bytes(), maxlen=0)
        response.raise_for_status()

    async def hook_async(response: httpx.Response) -> None:
        if reads == "whole":
            await response.aread()
        elif reads == "in pieces":
            _ = [piece async for piece in response.aiter_bytes()]
        response.raise_for_status()

    service.answers = [REFUSED.replace(b"429", str(status).encode())]
    hooks: Any = {"response": [hook if kind == "sync" else hook_async]}
    http = (httpx.Client if kind == "sync" else httpx.AsyncClient)(event_hooks=hooks)
    api = Api(kind, clock, service.base_url, http_client=http, retry=RetryPolicy(max_retries=0))
    with pytest.raises(GrokImagineError) as caught:
        api(lambda client: client.video.start("A cat"))
    expected = {400: Delivery.OTHER, 429: Delivery.REFUSED, 502: Delivery.OUTCOME_UNKNOWN}
    assert delivery_of(caught.value) is expected[status] and service.posts == 1
    http.close() if kind == "sync" else asyncio.run(http.aclose())


def test_a_loop_whose_threads_have_ended_costs_no_id(service: Service) -> None:
    async def run() -> str:
        await asyncio.get_running_loop().shutdown_default_executor()
        async with httpx.AsyncClient() as http, AsyncClient("k", base_url=service.base_url, http_client=http) as client:
            return (await client.video.start("A cat")).request_id

    assert asyncio.run(run()) == "job-7"


class Broken(logging.Handler, logging.Filter):
    """A handler, and a filter, that fails at each line."""

    def emit(self, record: logging.LogRecord) -> None:
        raise ValueError("a handler")

    def filter(self, record: logging.LogRecord) -> bool:
        if record.name == "grok_imagine" and self not in logging.getLogger("grok_imagine").handlers:
            raise ValueError("a filter")
        return True


@KINDS
@pytest.mark.parametrize("what", ["Handler", "Filter"])
def test_a_log_that_fails_costs_no_id(
    kind: str, what: str, service: Service, clock: ManualClock, monkeypatch: pytest.MonkeyPatch, capsys: Any
) -> None:
    logger, broken = logging.getLogger("grok_imagine"), Broken()
    monkeypatch.setattr(logger, "level", logging.DEBUG)
    logger._cache.clear()  # type: ignore[attr-defined]  # of levels, which only `setLevel` clears
    getattr(logger, f"add{what}")(broken)
    try:
        assert Api(kind, clock, service.base_url)(lambda c: c.video.start("A cat")).request_id == "job-7"
    finally:
        getattr(logger, f"remove{what}")(broken)
        logger._cache.clear()  # type: ignore[attr-defined]
    assert f"ValueError: a {what.lower()}" in capsys.readouterr().err


@pytest.mark.parametrize("error", [ValueError, MemoryError, RecursionError, SystemExit])
@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
def test_whatever_ends_the_thread_of_a_post_its_caller_is_told(
    error: type[BaseException], service: Service, clock: ManualClock, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    outcomes: list[BaseException] = []

    def fail(*arguments: object) -> None:
        raise error("in the thread")

    def use(ledger: Ledger) -> None:
        with Client("k", base_url=service.base_url, limits=UNLIMITED, ledger=ledger) as client:
            try:
                client.video.start("A cat")
            except BaseException as found:
                outcomes.append(found)

    monkeypatch.setattr("grok_imagine.transport.exchange.take_in", fail)
    with closing(Ledger(tmp_path / "jobs.db")) as ledger:
        caller = threading.Thread(target=use, args=(ledger,), daemon=True)
        caller.start()
        caller.join(20.0)
        assert [type(each) for each in outcomes] == [StartOutcomeUnknown]
        assert [entry.state for entry in ledger.jobs()] == ["unknown"] and service.posts == 1
