"""What interrupts: slow servers, full gates, cancelled tasks, closed clients. Nothing is lost and no deadline is passed."""

from __future__ import annotations

import asyncio
import gc
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from grok_imagine import (
    AsyncClient,
    Client,
    ConfigurationError,
    Delivery,
    GrokImagineError,
    Ledger,
    NotDelivered,
    RateLimitError,
    RequestTimeout,
    RetryPolicy,
    StartOutcomeUnknown,
    TransportError,
    VideoTimeoutError,
    delivery_of,
)
from grok_imagine.config import Config
from grok_imagine.transport.failures import transport_error
from grok_imagine.transport.request import complete
from grok_imagine_sandbox import Sandbox
from support import HANG, UNLIMITED, Api, ManualClock, closing_after

ONCE = RetryPolicy(max_retries=0)


@contextmanager
def server(serve: Callable[[socket.socket], None]) -> Iterator[str]:
    """A raw server: each connection's request is read, then `serve` does with it what it likes, in a thread of its own."""
    listener = socket.create_server(("127.0.0.1", 0))
    stopped = threading.Event()

    def handle(connection: socket.socket) -> None:
        with connection:
            try:
                connection.settimeout(HANG)
                if connection.recv(65536):
                    serve(connection)
            except OSError:  # the client went away, which is what these tests are about
                pass

    def accept() -> None:
        while not stopped.is_set():
            try:
                connection, _ = listener.accept()
            except OSError:
                return
            threading.Thread(target=handle, args=(connection,), daemon=True).start()

    thread = threading.Thread(target=accept, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{listener.getsockname()[1]}/v1"
    finally:
        stopped.set()
        listener.shutdown(socket.SHUT_RDWR)
        listener.close()
        thread.join(HANG)


def reply(body: bytes, status: str = "200 OK", headers: str = "") -> bytes:
    return f"HTTP/1.1 {status}\r\ncontent-length: {len(body)}\r\n{headers}connection: close\r\n\r\n".encode() + body


def trickle(connection: socket.socket) -> None:
    connection.sendall(b"HTTP/1.1 202 Accepted\r\ncontent-type: application/json\r\n\r\n")
    for _ in range(int(HANG / 0.02)):
        connection.sendall(b" ")
        time.sleep(0.02)


@pytest.mark.parametrize("kind", ["sync", "async"])
def test_a_body_that_trickles_does_not_pass_the_deadline(kind: str, clock: ManualClock) -> None:
    # Each read is quick, so that only a bound of the whole answer ends it. The server would go on.
    with server(trickle) as url:
        begin = time.monotonic()
        with pytest.raises(VideoTimeoutError) as caught:
            Api(kind, clock, url)(lambda c: c.video.wait("job-1", timeout=1))
        assert isinstance(caught.value.__cause__, RequestTimeout) and caught.value.request_id == "job-1"
        assert time.monotonic() - begin < HANG / 2


def test_waiting_for_a_turn_counts_against_the_request() -> None:
    held, go_on = threading.Event(), threading.Event()
    outcomes: list[Exception] = []

    def hold(client: Client) -> None:
        try:
            client.video.get("a")
        except TransportError as error:
            outcomes.append(error)

    with (
        server(lambda connection: (held.set(), go_on.wait(HANG))) as url,
        Client("k", base_url=url, max_connections=1, retry=ONCE, request_timeout=HANG, limits=UNLIMITED) as client,
    ):
        holder = threading.Thread(target=hold, args=(client,), daemon=True)
        holder.start()
        assert held.wait(HANG)
        client._config.request_timeout = 0.1
        with pytest.raises(NotDelivered, match=r"waited 0\.1 s for other requests"):
            client.video.get("b")
        go_on.set()
        holder.join(HANG)
    assert len(outcomes) == 1


@pytest.mark.parametrize(("delay", "grace"), [(0.05, HANG), (HANG, 0.5)])
def test_a_cancelled_post_takes_the_id_along_if_it_comes(
    delay: float, grace: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("grok_imagine.transport.aio.GRACE", grace)
    asked, answered = threading.Event(), threading.Event()

    def serve(connection: socket.socket) -> None:
        asked.set()
        if not answered.wait(delay) and delay < 1:
            connection.sendall(reply(b'{"request_id": "job-7"}'))

    async def run(url: str) -> BaseException:
        async with AsyncClient("k" * 8, base_url=url) as client:
            task = asyncio.create_task(client.video.start("A cat"))
            while not asked.is_set():
                await asyncio.sleep(0.005)
            task.cancel()
            try:
                await task
            except asyncio.CancelledError as error:
                return error
        raise AssertionError("was not cancelled")

    with server(serve) as url:
        error = asyncio.run(asyncio.wait_for(run(url), HANG))
        answered.set()
    if delay < 1:
        assert error.__dict__["request_id"] == "job-7" and "job-7" in error.__notes__[0]
    else:
        assert "request_id" not in error.__dict__ and "a paid POST was under way (text-to-video" in error.__notes__[0]


def test_an_answer_that_breaks_off_leaves_its_header_as_a_candidate(clock: ManualClock) -> None:
    answer = reply(b'{"request_', headers="x-request-id: job-8\r\n")
    with server(lambda connection: connection.sendall(answer)) as url:
        for kind in ("sync", "async"):
            with pytest.raises(StartOutcomeUnknown, match="x-request-id was job-8") as caught:
                Api(kind, clock, url)(lambda c: c.video.start("A cat"))
            assert (caught.value.candidate_id, caught.value.status_code, caught.value.body) == (
                "job-8",
                200,
                '{"request_',
            )


def test_the_polling_timeout_bounds_how_long_a_post_is_sent_again(clock: ManualClock, sandbox: Sandbox) -> None:
    for kind in ("sync", "async"):
        begin = clock.now
        with pytest.raises(RateLimitError):
            Api(kind, clock, sandbox.base_url)(
                lambda c: c.video.generate("A cat", timeout=1), headers={"x-sandbox-scenario": "rate-limit"}
            )
        assert clock.now - begin <= 1


def test_a_closed_client_says_so(sandbox: Sandbox) -> None:
    client = Client("k", base_url=sandbox.base_url)
    client.close()
    with pytest.raises(ConfigurationError, match="was closed"):
        client.video.start("A cat")

    async def run() -> None:
        closed = AsyncClient("k", base_url=sandbox.base_url)
        await closed.close()
        with pytest.raises(ConfigurationError, match="was closed"):
            await closed.video.start("A cat")

    asyncio.run(run())
    assert not sandbox.requests


# The connections of a loop that has ended can't be closed any more; Python says so when they are collected.
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
def test_one_async_client_serves_loops_side_by_side(sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch) -> None:
    made: list[httpx.AsyncHTTPTransport] = []
    real = httpx.AsyncHTTPTransport.__init__
    monkeypatch.setattr(
        httpx.AsyncHTTPTransport, "__init__", lambda self, **options: (made.append(self), real(self, **options))[1]
    )
    client = AsyncClient("k", base_url=sandbox.base_url, limits=UNLIMITED)

    async def look() -> None:
        for _ in range(10):
            await client.models.get("grok-imagine-video")

    threads = [threading.Thread(target=lambda: asyncio.run(look())) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(HANG)
    assert len(made) == 3
    made.clear()
    client._driver._bound.clear()
    gc.collect()


def test_the_gate_gives_every_place_back(sandbox: Sandbox) -> None:
    async def run() -> int:
        async with AsyncClient(
            "k", base_url=sandbox.base_url, max_connections=2, headers={"x-sandbox-scenario": "never-ends"}
        ) as client:
            job = await client.video.start("A cat")
            for _ in range(10):
                task = asyncio.create_task(client.video.wait(job))
                await asyncio.sleep(0.002)
                task.cancel()
                await asyncio.gather(task, return_exceptions=True)
            looks = await asyncio.wait_for(asyncio.gather(*(client.video.get(job) for _ in range(4))), HANG)
            return len(looks)

    assert asyncio.run(run()) == 4


@given(
    st.dictionaries(
        st.sampled_from(["Authorization", "AUTHORIZATION", "User-Agent", "x-a", "Content-Type"]), st.just("v")
    )
)
def test_a_header_is_sent_once_and_the_key_wins(own: dict[str, str]) -> None:
    config = Config("the-key-itself", "https://a.example", 60, 8, own)
    sent = complete(config, {"method": "post", "url": "/x", "headers": {"Content-Type": "application/json"}}, 1)[
        "headers"
    ]
    assert len({name.lower() for name in sent}) == len(sent)
    assert sent["authorization"] == "Bearer the-key-itself" and sent["content-type"] == "application/json"


@pytest.mark.parametrize(
    "error", [httpx.LocalProtocolError("x"), httpx.RemoteProtocolError("x"), httpx.WriteError("x")]
)
def test_what_may_come_after_the_first_byte_is_not_called_never_delivered(error: httpx.HTTPError) -> None:
    # HTTP/2 raises a LocalProtocolError for a bad frame of the server's, too, long after the request has left.
    assert type(transport_error(error)) is TransportError


@pytest.mark.parametrize("headers", [{"x": "a\nb"}, {"x": "ü"}, {"x": 5}, {5: "x"}])
def test_headers_that_can_not_be_sent_are_refused(headers: Any) -> None:
    with pytest.raises(ConfigurationError, match="headers are printable ASCII"):
        Client("k", headers=headers)


# Connections of a loop that has ended can't be closed any more; Python says so when they are collected.
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
@pytest.mark.parametrize("kind", ["sync", "async"])
@pytest.mark.parametrize("given", [False, True], ids=["own", "given"])
@pytest.mark.parametrize("location", ["mailto:a@b", "http://xn--\u00fc.example/", "http://[", "//", "\x7f:"])
def test_a_post_that_was_answered_is_not_called_never_delivered(
    kind: str, given: bool, location: str, clock: ManualClock
) -> None:
    posts: list[int] = []

    def redirect(connection: socket.socket) -> None:
        posts.append(1)
        connection.sendall(reply(b"", "307 Temporary Redirect", f"location: {location}\r\n"))

    options: dict[str, Any] = {}
    use: Callable[[Any], Any] = lambda c: c.video.start("A cat")  # noqa: E731
    if given:
        http = httpx.Client() if kind == "sync" else httpx.AsyncClient()
        options, use = {"http_client": http}, closing_after(use, http)
    with server(redirect) as url, pytest.raises(GrokImagineError) as caught:
        Api(kind, clock, url, **options)(use)
    assert delivery_of(caught.value) is not Delivery.NEVER_DELIVERED and len(posts) == 1


# Connections of a loop that has ended can't be closed any more; Python says so when they are collected.
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
@pytest.mark.parametrize("when", ["cancelled", "the loop ends"])
def test_a_client_that_was_given_keeps_its_posts_in_the_loop(when: str, tmp_path: Path) -> None:
    asked, go_on = threading.Event(), threading.Event()

    def serve(connection: socket.socket) -> None:
        asked.set()
        go_on.wait(HANG)
        connection.sendall(reply(b'{"request_id": "job-7"}'))

    async def run(url: str, ledger: Ledger) -> None:
        http = httpx.AsyncClient()
        client = AsyncClient("k" * 8, base_url=url, http_client=http, ledger=ledger)
        task = asyncio.create_task(client.video.start("A cat"))
        while not asked.is_set():
            await asyncio.sleep(0.005)
        if when == "cancelled":
            task.cancel()
            asyncio.get_running_loop().call_later(0.1, go_on.set)
            with pytest.raises(asyncio.CancelledError) as caught:
                await task
            assert caught.value.__dict__["request_id"] == "job-7"
            await http.aclose()

    with server(serve) as url, closing(Ledger(tmp_path / "jobs.db")) as ledger:
        asyncio.run(run(url, ledger))
        go_on.set()
        states = [entry.state for entry in ledger.jobs()]
    assert states == (["running"] if when == "cancelled" else ["unknown"])
    gc.collect()  # here, where they are expected
