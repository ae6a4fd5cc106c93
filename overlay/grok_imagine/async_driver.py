"""Runs flows over an asynchronous httpx client. Apart from `drivers`, since asyncio costs more to import than all of this."""

from __future__ import annotations

import asyncio
import functools
import inspect
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Coroutine
from contextlib import aclosing
from typing import Any, Protocol, TypeAlias, TypeVar, cast
from weakref import WeakKeyDictionary, WeakSet

import httpx

from .commands import Blocking, Call, Command, Flow, Sleep, Stream
from .drivers import (
    LONGEST_STEPS,
    Allowance,
    limits,
    tls_context,
    transport_error,
    unlogged,
    waited_too_long,
    without_key,
)
from .errors import GrokImagineError, RequestTimeout, blot
from .settings import Settings

T = TypeVar("T")

GRACE = 5.0
"""Seconds that a cancelled POST is still given to bring the id of the job it paid for."""


THREADS = 4
"""What blocks at once at most, such as writing a ledger, which one at a time does anyway: each thread has memory of its own."""

Bound: TypeAlias = tuple[httpx.AsyncClient, asyncio.Semaphore, asyncio.Semaphore]


class Closing(Protocol):
    """What is to be closed before the client is: a batch, which still waits for answers."""

    async def close(self) -> None:
        """Ends it."""


class AsyncDriver:
    """Runs flows with an asynchronous httpx client, one for each event loop it meets."""

    def __init__(
        self, settings: Settings, http: httpx.AsyncClient | None, sleep: Callable[[float], Awaitable[object]] | None
    ) -> None:
        self._settings = settings
        self._sleep = sleep or asyncio.sleep
        self.batches: WeakSet[Closing] = WeakSet()
        self._given = http
        # One for each loop; those of loops that have ended go when another is met.
        self._bound: WeakKeyDictionary[asyncio.AbstractEventLoop, Bound]
        self._bound = WeakKeyDictionary()
        self._flying: set[asyncio.Task[httpx.Response]] = set()

    async def run(self, flow: Flow[T]) -> T:
        """Runs a flow to its end. What a command raises is raised in the flow, which knows what it means."""
        try:
            command = next(flow)
            while True:
                try:
                    result: object = await self._do(command)
                except BaseException as error:
                    command = flow.throw(error)
                else:
                    command = flow.send(result)
                result = None  # an answer does not live through the pause that follows: thousands wait at once
        except StopIteration as stop:
            value: T = stop.value
            return value
        except GrokImagineError as error:
            blot(error, self._settings.api_key)
            raise

    async def _do(self, command: Command) -> object:
        if isinstance(command, Call):
            return await self._send(command)
        if isinstance(command, Sleep):
            return await self._sleep(command.seconds)
        if isinstance(command, Blocking):
            return await _finished(self._in_thread(command))
        if isinstance(command, Stream):
            await self._stream(command)
            return None
        result = command.callback(command.video)
        return await result if inspect.isawaitable(result) else result

    async def _in_thread(self, command: Blocking) -> object:
        async with self._here()[2]:
            return await asyncio.to_thread(command.work)

    async def _send(self, call: Call) -> httpx.Response:
        self._settings.check_open()
        limit = self._settings.request_timeout if call.timeout is None else call.timeout
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
        arguments = self._settings.complete(call.request, limit)
        if content := arguments.get("content"):
            arguments["content"] = content.awaited()
        longest = LONGEST_STEPS * limit if call.timeout is None else limit + GRACE
        task = asyncio.ensure_future(_fetched(http, arguments, longest))
        self._flying.add(task)
        task.add_done_callback(functools.partial(self._landed, gate))
        try:
            # httpx bounds each step of a request. A look is bounded as a whole, since the polling timeout is.
            async with asyncio.timeout_at(None if call.timeout is None else end):
                return without_key(await asyncio.shield(task), self._settings.api_key)
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            raise transport_error(error) from error
        except TimeoutError as error:
            raise RequestTimeout(f"no whole answer within {limit:g} s") from error
        except asyncio.CancelledError as error:
            if call.paid:
                await _take_along(task, error)
            raise

    def _landed(self, gate: asyncio.Semaphore, task: asyncio.Task[httpx.Response]) -> None:
        """Gives a request's place back.

        One whose caller has left still flies to its end: httpx's pool loses the connection of a request that is cancelled
        at some moments, and after enough of them has none left.
        """
        self._flying.discard(task)
        gate.release()
        if not task.cancelled():
            task.exception()  # taken note of: whoever left does not want to know

    async def _stream(self, stream: Stream) -> None:
        # A client of its own, which never had the key: a result's URL is on another host, and public.
        timeout = self._settings.request_timeout
        try:
            async with httpx.AsyncClient(verify=tls_context(), timeout=timeout) as files:
                request = files.build_request("GET", stream.url, headers=stream.headers)
                try:
                    with unlogged():
                        async with asyncio.timeout(timeout):
                            response = await files.send(request, stream=True)
                except TimeoutError as error:
                    raise RequestTimeout(f"no answer within {timeout:g} s") from error
                async with aclosing(response):
                    stream.sink.begin(response)
                    async with aclosing(cast(AsyncGenerator[bytes, None], response.aiter_raw())) as chunks:
                        async for chunk in chunks:
                            told = stream.sink.write(chunk)
                            if inspect.isawaitable(told):
                                await told
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            raise transport_error(error) from error

    def _here(self) -> Bound:
        """The HTTP client and gates of the running loop: connections can't outlive the loop they were made in."""
        loop = asyncio.get_running_loop()
        bound = self._bound.get(loop)
        if bound is None:
            for gone in [old for old in list(self._bound) if old.is_closed()]:
                self._bound.pop(gone, None)
            http = self._given or httpx.AsyncClient(verify=tls_context(), limits=limits(self._settings))
            gates = asyncio.Semaphore(self._settings.max_connections), asyncio.Semaphore(THREADS)
            bound = self._bound[loop] = http, *gates
        return bound

    async def close(self) -> None:
        """Closes the connections of this loop, unless the HTTP client was given."""
        for batch in list(self.batches):
            await batch.close()
        self._settings.closed = True
        loop = asyncio.get_running_loop()
        flying = [task for task in self._flying if task.get_loop() is loop]
        for task in flying:
            task.cancel()
        await asyncio.gather(*flying, return_exceptions=True)
        bound = self._bound.pop(loop, None)
        if bound and self._given is None:
            await bound[0].aclose()


class _Bounded(httpx.AsyncByteStream):
    """A body within its allowance."""

    def __init__(self, stream: httpx.AsyncByteStream, allowance: Allowance) -> None:
        self._stream = stream
        self._allowance = allowance

    async def __aiter__(self) -> AsyncIterator[bytes]:
        async for chunk in self._stream:
            yield self._allowance.take(chunk)

    async def aclose(self) -> None:
        await self._stream.aclose()


async def _finished(work: Coroutine[Any, Any, object]) -> object:
    """Awaits what must not be half done, such as a line of the ledger: a cancellation waits for its end."""
    task = asyncio.ensure_future(work)
    try:
        return await asyncio.shield(task)
    except asyncio.CancelledError:
        # Not dropped: what still waits for a thread would never be done.
        await asyncio.wait({task})
        raise


async def _fetched(http: httpx.AsyncClient, arguments: dict[str, Any], longest: float) -> httpx.Response:
    """Sends a request. Ends what would fly for ever: a body that trickles holds a place of the gate though nobody waits for it."""
    redirects = arguments.pop("follow_redirects")
    async with asyncio.timeout(longest):
        response = await http.send(http.build_request(**arguments), stream=True, follow_redirects=redirects)
        try:
            allowance = Allowance(response)
            if not allowance.is_told:
                response.stream = _Bounded(cast(httpx.AsyncByteStream, response.stream), allowance)
            await response.aread()
        finally:
            await response.aclose()
        return response


async def _take_along(task: asyncio.Task[httpx.Response], error: asyncio.CancelledError) -> None:
    """Waits a moment for the answer to a paid request that was cancelled: the id may be in it."""
    done, _ = await asyncio.wait({task}, timeout=GRACE)
    if done and not task.cancelled() and task.exception() is None:
        error.__dict__["answer"] = task.result()
