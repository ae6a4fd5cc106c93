"""Runs flows over an asynchronous httpx client. Apart from `drivers`, since asyncio costs more to import than all of this."""

from __future__ import annotations

import asyncio
import inspect
from collections.abc import Awaitable, Callable
from typing import TypeVar

import httpx

from .drivers import limits, tls_context, transport_error, waited_too_long
from .errors import GrokImagineError, RequestTimeout, blot
from .flow import Blocking, Call, Command, Flow, Sleep, Stream
from .settings import Settings

T = TypeVar("T")


class AsyncDriver:
    """Runs flows with an asynchronous httpx client, one for each event loop it meets."""

    def __init__(
        self, settings: Settings, http: httpx.AsyncClient | None, sleep: Callable[[float], Awaitable[object]] | None
    ) -> None:
        self._settings = settings
        self._sleep = sleep or asyncio.sleep
        self._given = http
        self._bound: tuple[asyncio.AbstractEventLoop, httpx.AsyncClient, asyncio.Semaphore] | None = None

    async def run(self, flow: Flow[T]) -> T:
        """Runs a flow to its end. What a command raises is raised in the flow, which knows what it means."""
        try:
            command = next(flow)
            while True:
                try:
                    result = await self._do(command)
                except BaseException as error:
                    command = flow.throw(error)
                else:
                    command = flow.send(result)
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
            return await asyncio.to_thread(command.work)
        if isinstance(command, Stream):
            await self._stream(command)
            return None
        result = command.callback(command.video)
        return await result if inspect.isawaitable(result) else result

    async def _send(self, call: Call) -> httpx.Response:
        limit = self._settings.request_timeout if call.timeout is None else call.timeout
        http, gate = self._here()
        try:
            async with asyncio.timeout(limit):
                await gate.acquire()
        except TimeoutError as error:
            raise waited_too_long(limit) from error
        try:
            # httpx bounds each step of a request. A look is bounded as a whole, since the polling timeout is.
            async with asyncio.timeout(call.timeout):
                return await http.request(**self._settings.complete(call.request, limit))
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            raise transport_error(error) from error
        except TimeoutError as error:
            raise RequestTimeout(f"no whole answer within {limit:g} s") from error
        finally:
            gate.release()

    async def _stream(self, stream: Stream) -> None:
        # A client of its own, which never had the key: a result's URL is on another host, and public.
        timeout = self._settings.request_timeout
        try:
            async with (
                httpx.AsyncClient(verify=tls_context(), timeout=timeout) as files,
                files.stream("GET", stream.url, headers=stream.headers, follow_redirects=False) as response,
            ):
                stream.sink.begin(response)
                async for chunk in response.aiter_raw():
                    stream.sink.write(chunk)
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            raise transport_error(error) from error

    def _here(self) -> tuple[httpx.AsyncClient, asyncio.Semaphore]:
        """The HTTP client and gate of the running loop: connections can't outlive the loop they were made in."""
        loop = asyncio.get_running_loop()
        if self._bound is None or self._bound[0] is not loop:
            http = self._given or httpx.AsyncClient(verify=tls_context(), limits=limits(self._settings))
            self._bound = loop, http, asyncio.Semaphore(self._settings.max_connections)
        return self._bound[1], self._bound[2]

    async def close(self) -> None:
        """Closes the connections of this loop, unless the HTTP client was given."""
        if self._bound and self._given is None and self._bound[0] is asyncio.get_running_loop():
            await self._bound[1].aclose()
        self._bound = None
