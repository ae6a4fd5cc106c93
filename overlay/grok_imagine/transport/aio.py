"""Runs flows by awaiting. Apart from `sync`, since asyncio costs more to import than all of this.

Paid POSTs are sent by threads, as the blocking client's are: an event loop may end, or stand still, while an answer is on its way.
All else goes over an asynchronous httpx client.
"""

from __future__ import annotations

import asyncio
import contextlib
import functools
import time
from collections.abc import AsyncGenerator, AsyncIterable, Awaitable, Callable, Coroutine
from contextlib import aclosing
from inspect import GEN_CLOSED, getgeneratorstate, isawaitable
from typing import Any, Protocol, TypeAlias, TypeVar, cast
from weakref import WeakKeyDictionary, WeakSet

from .. import logs
from ..answers.answer import Answer, take_in
from ..config import Config
from ..core.effects import Blocking, Call, Effect, Flow, Sleep, Stream
from ..core.results import Job
from ..errors import ConfigurationError, GrokImagineError, RequestTimeout, TransportError
from ..parsing import BLOCK, MOST_ANSWER, redact
from ..posting.post import GRACE, Post, cancel_or_wait_all
from .exchange import LONGEST_STEPS, Exchange, FirstByte
from .failures import answer_in, broken_off, transport_error, typed
from .files import async_chunks_of, async_files_client, head_of, log_head, ready
from .http_clients import AsyncHttpClient, lender_of
from .pools import async_transport
from .redaction import Hidden, hiding
from .request import built, complete
from .simulated import SimulatedTime
from .sync import waited_too_long

T = TypeVar("T")

THREADS = 4
"""What blocks at once at most, such as writing a ledger, which one at a time does anyway: each thread has memory of its own."""

Bound: TypeAlias = tuple[Any, asyncio.Semaphore, asyncio.Semaphore]
"""An HTTP client, and the gates in front of it and of what blocks."""


class AsyncClosing(Protocol):
    """What begins requests by itself, and is to be ended before the client is: a batch."""

    async def close(self) -> None:
        """Ends it."""


def check_loop() -> None:
    """Raises ConfigurationError unless asyncio's event loop runs here: another framework has no use for this client."""
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        text = "AsyncClient runs in asyncio's event loop, and none runs here; elsewhere, call Client in a thread"
        raise ConfigurationError(text) from None


class AsyncDriver:
    """Runs flows with an asynchronous httpx client, one for each event loop it meets."""

    def __init__(
        self,
        config: Config,
        http: AsyncHttpClient | None,
        sleep: Callable[[float], Awaitable[object]] | None,
        download_client: AsyncHttpClient | None = None,
        simulated: SimulatedTime | None = None,
    ) -> None:
        self._config = config
        self._lender = lender_of(config, "AsyncClient", http, download_client)
        self._simulated = simulated
        self._sleep = sleep or (simulated.pause_async if simulated else asyncio.sleep)
        self.batches: WeakSet[AsyncClosing] = WeakSet()
        self._given = http
        # One for each loop; those of loops that have ended go when another is met.
        self._bound: WeakKeyDictionary[asyncio.AbstractEventLoop, Bound]
        self._bound = WeakKeyDictionary()
        self._in_flight: set[asyncio.Task[Any]] = set()
        self._exchange: Exchange | None = None
        self._posts: dict[Post, None] = {}

    async def run(self, flow: Flow[T]) -> T:
        """Runs a flow to its end. What interrupts it is raised in the flow, which knows what it means."""
        check_loop()
        if self._simulated:
            with self._simulated.working():
                return await self._run(flow)
        return await self._run(flow)

    async def _run(self, flow: Flow[T]) -> T:
        value: object = None
        failure: BaseException | None = None
        while True:
            try:
                effect = flow.send(value) if failure is None else flow.throw(failure)
                # An answer does not live through the pause that follows: thousands wait at once.
                value = failure = None
                value = await self._do(effect)
            except BaseException as error:
                failure = error if getgeneratorstate(flow) != GEN_CLOSED else None
                if failure:  # the flow goes on
                    continue
                if isinstance(error, StopIteration):
                    result: T = error.value
                    return result
                if isinstance(error, GrokImagineError):
                    redact(error, self._config.api_key)
                raise

    async def _do(self, effect: Effect) -> object:
        if isinstance(effect, Call):
            return await self._send(effect)
        if isinstance(effect, Sleep):
            return await self._sleep(effect.seconds)
        if isinstance(effect, Blocking):
            return await _finished(self._in_thread(effect))
        if isinstance(effect, Stream):
            await self._stream(effect)
            return None
        with self._simulated.away() if self._simulated else contextlib.nullcontext():
            result = effect.callback(effect.value)
            return await result if isawaitable(result) else result

    async def _in_thread(self, effect: Blocking) -> object:
        async with self._here()[2]:
            return await asyncio.to_thread(effect.work)

    async def _send(self, call: Call) -> Answer | Job:
        self._config.check_open()
        limit = self._config.request_timeout if call.timeout is None else call.timeout
        http, gate, _ = self._here()
        end = asyncio.get_running_loop().time() + limit
        if gate.locked():
            try:
                async with asyncio.timeout_at(end):
                    await gate.acquire()
            except TimeoutError as error:
                raise waited_too_long(limit) from error
        else:
            await gate.acquire()
        if call.post and self._given is None:
            return await self._post(call, call.post, gate)
        work = self._logged(http, call, limit)
        task = asyncio.ensure_future(_settled(call.post, work) if call.post else work)
        self._in_flight.add(task)
        task.add_done_callback(functools.partial(self._on_request_done, gate))
        if call.post:
            await _awaited(task, call.post)
            job: Job = call.post.result()
            return job
        try:
            # httpx bounds each step of a request. A poll is bounded as a whole, since the polling timeout is.
            async with asyncio.timeout_at(None if call.timeout is None else end):
                return cast(Answer, await asyncio.shield(task))
        except TimeoutError as error:
            late = RequestTimeout(f"no whole answer within {limit:g} s")
            raise transport_error(late, place=self._config.place) from error

    async def _post(self, call: Call, post: Post, gate: asyncio.Semaphore) -> Job:
        """Has a thread send a paid POST. The place in the queue is given back when that has ended, not when the caller leaves."""
        loop = asyncio.get_running_loop()
        settled: asyncio.Future[None] = loop.create_future()
        exchange = self._exchange = self._exchange or Exchange(self._config)

        def release() -> None:
            gate.release()
            if not settled.done():
                settled.set_result(None)

        def on_done() -> None:
            self._posts.pop(post, None)
            with contextlib.suppress(RuntimeError):  # the loop has ended, and whoever waited in it
                loop.call_soon_threadsafe(release)

        self._posts[post] = None
        post.start(lambda post: exchange.send(call.request, call.timeout, post), on_done)
        await _awaited(settled, post)
        return post.result()

    async def _logged(self, http: Any, call: Call, limit: float) -> Answer:
        method, path, begin = call.request["method"], call.request["url"], time.monotonic()
        try:
            answer = await self._fetched(http, call, limit)
        except Exception as error:
            logs.request_failed(method, path, error, time.monotonic() - begin)
            raise
        logs.request(method, path, answer.status_code, time.monotonic() - begin, answer.candidate_id)
        return answer

    async def _fetched(self, http: Any, call: Call, limit: float) -> Answer:
        """Sends a request. Bounds it as a whole: a body that comes in drops holds a place of the gate though nobody waits for it."""
        longest = LONGEST_STEPS * limit if call.timeout is None else limit + GRACE
        body, lost, response = bytearray(), "", None
        first_byte = FirstByte(call.post)
        try:
            arguments = complete(self._config, call.request, limit)
            if content := arguments.get("content"):
                arguments["content"] = content.awaited()
            if call.post:
                call.post.sending()
            async with asyncio.timeout(longest):
                with hiding(Hidden.QUERIES):
                    answering = await self._answering(http, arguments, first_byte)
                async with aclosing(answering) as response:
                    headers = response.headers.raw
                    if response.is_stream_consumed:  # a transport of the caller's own that read, and unpacked, it
                        headers = [pair for pair in headers if pair[0].lower() != b"content-encoding"]
                        body += response.content
                    else:
                        await _read_body(response.aiter_raw(), body)
        except Exception as error:
            if response is None or call.post is None:
                ours = transport_error(error, sent=first_byte.is_sent, place=self._config.place)
                raise ours from (None if ours is error else error)
            lost = broken_off(error)  # the id may be in what has come
        with typed(self._config.place):
            first_byte.check(response.status_code)
        return take_in(response.status_code, headers, bytes(body), self._config.api_key, lost)

    async def _answering(self, http: Any, arguments: dict[str, Any], first_byte: FirstByte) -> Any:
        """The answer's head: straight from our connections, or by way of the HTTP client that was given."""
        if self._given is None:
            steps = dict(zip(("connect", "read", "write", "pool"), arguments["timeout"], strict=True))
            return await http.handle_async_request(built(arguments, timeout=steps))
        request = http.build_request(**arguments, extensions=first_byte.async_extensions)
        try:
            return await http.send(request, stream=True, follow_redirects=False)
        except Exception as error:
            return answer_in(error)

    def _on_request_done(self, gate: asyncio.Semaphore, task: asyncio.Task[Any]) -> None:
        """Gives a request's place back.

        One whose caller has left still goes on to its end: httpx's pool loses the connection of a request that is cancelled
        at some moments, and after enough of them has none left.
        """
        self._in_flight.discard(task)
        gate.release()
        if not task.cancelled():
            task.exception()  # marks it as retrieved: the caller has left

    async def _stream(self, stream: Stream) -> None:
        (place, arguments), timeout = ready(stream, self._config), self._config.request_timeout
        begin = time.monotonic()
        async with aclosing(async_files_client(place, self._config, self._lender)) as files:
            request = files.build_request(**arguments)
            with typed(place), hiding(Hidden.HEADERS):
                try:
                    async with asyncio.timeout(timeout):
                        response = await files.send(request, stream=True)
                except TimeoutError as error:
                    raise RequestTimeout(f"no answer within {timeout:g} s") from error
            async with aclosing(response):
                log_head(stream, place, response, time.monotonic() - begin)
                stream.sink.begin(head_of(response, place))
                async with aclosing(cast(AsyncGenerator[bytes, None], async_chunks_of(response))) as chunks:
                    while True:
                        with typed(place):  # what is raised where a chunk is used is left alone
                            chunk = await anext(chunks, None)
                        if chunk is None:
                            return
                        result = stream.sink.write(chunk)
                        if isawaitable(result):
                            await result

    def _here(self) -> Bound:
        """The HTTP client and gates of the running loop: connections can't outlive the loop they were made in."""
        loop = asyncio.get_running_loop()
        bound = self._bound.get(loop)
        if bound is None:
            for gone in [old for old in list(self._bound) if old.is_closed()]:
                self._bound.pop(gone, None)
            http = self._given or async_transport(self._config.place, self._config)
            gates = asyncio.Semaphore(self._config.max_connections), asyncio.Semaphore(THREADS)
            bound = self._bound[loop] = http, *gates
        return bound

    def after_fork_in_child(self) -> None:
        """In a child process: nothing of the parent's is under way, and its connections are its own."""
        _inherited.append((self._bound, self._in_flight))
        self._bound, self._in_flight = WeakKeyDictionary(), set()
        self._posts.clear()
        self.batches.clear()
        if self._given:
            self._config.closed = "its http_client was made before the fork; make a client in the child process"
        if self._exchange:
            self._exchange.after_fork_in_child()

    async def close(self) -> None:
        """Closes the connections of this loop, unless the HTTP client was given. Answers to paid POSTs are waited for."""
        check_loop()
        for batch in list(self.batches):
            await batch.close()
        self._config.closed = "this client was closed; make another"
        if posts := list(self._posts):
            await _finished(asyncio.to_thread(cancel_or_wait_all, posts))
        loop = asyncio.get_running_loop()
        in_flight = [task for task in self._in_flight if task.get_loop() is loop]
        for task in in_flight:
            task.cancel()
        await asyncio.gather(*in_flight, return_exceptions=True)
        bound = self._bound.pop(loop, None)
        if bound and self._given is None:
            await bound[0].aclose()
        if self._exchange:
            self._exchange.close()


_inherited: list[object] = []
"""What a child process has of its parent's loops: to be kept, since whatever closed it would act on the parent's."""


async def _read_body(chunks: AsyncIterable[bytes], body: bytearray) -> None:
    """Reads a body, which must not be longer than any answer may be."""
    async for chunk in chunks:
        body += chunk
        if len(body) > MOST_ANSWER:
            del body[BLOCK:]
            raise TransportError(f"the answer is longer than {MOST_ANSWER >> 20} MiB")


async def _settled(post: Post, work: Coroutine[Any, Any, Answer]) -> None:
    """A paid POST over a client that was given, which can't leave its event loop."""
    outcome: Answer | GrokImagineError
    left: BaseException | None = None
    try:
        outcome = await work
    except GrokImagineError as error:
        outcome = error
    except GeneratorExit:
        raise
    except BaseException as error:  # whatever it is, a caller waits for the outcome
        is_end = isinstance(error, asyncio.CancelledError)
        text = "the event loop ended before the answer came" if is_end else f"{type(error).__name__} while it was sent"
        outcome = TransportError(text)
        outcome.__cause__ = error
        left = None if is_end else error
    try:
        await _finished(asyncio.to_thread(post.finish, outcome))
    except RuntimeError:  # the program has ended the loop's threads
        if not post.wait(0):
            post.finish(outcome)
    if left:  # Ctrl-C ends the loop
        raise left


async def _awaited(settled: asyncio.Future[Any], post: Post) -> None:
    """Waits until a paid POST is settled. A caller that is cancelled keeps it from being sent, or waits a moment for its answer."""
    try:
        await asyncio.wait({settled})
    except GeneratorExit:
        raise
    except BaseException:
        if not post.cancel():
            await asyncio.wait({settled}, timeout=GRACE)
        raise


async def _finished(work: Coroutine[Any, Any, T]) -> T:
    """Awaits what must not be half done, such as a line of the ledger: a cancellation waits for its end."""
    task = asyncio.ensure_future(work)
    try:
        return await asyncio.shield(task)
    except asyncio.CancelledError:
        # Not dropped: what still waits for a thread would never be done.
        await asyncio.wait({task})
        raise
