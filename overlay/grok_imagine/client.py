"""The two clients. Neither holds logic: each names the flows of `flow` and hands them to its driver."""

from __future__ import annotations

import inspect
import os
import threading
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import timedelta
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self, TypeAlias, Unpack

import httpx

from grok_imagine_api import contract

from . import flow
from .drivers import SyncDriver
from .errors import ModeConflict, OutOfRange, UnknownField
from .requests import ExtendOptions, VideoOptions, VideoRequest
from .results import Job, Video
from .retry import Retries, RetryPolicy
from .settings import MAX_CONNECTIONS, REQUEST_TIMEOUT, Seconds, Settings, seconds

if TYPE_CHECKING:
    from grok_imagine_api.models.video_generation_model import VideoGenerationModel

    from .async_driver import AsyncDriver
    from .download import Progress as DownloadProgress
    from .ledger import Ledger
    from .reconcile import Reconciliation
    from .schedule import History

__all__ = ["AsyncClient", "AsyncModels", "AsyncVideos", "Client", "Models", "Videos"]

Interval: TypeAlias = float | timedelta | Callable[[float], float]
Prompt: TypeAlias = str | VideoRequest


LEAST_INTERVAL = 0.01
"""Seconds; a shorter pause between looks is a mistake."""


class _Flows:
    """The flows of a client, its clock and limits filled in; what the blocking and the async side have in common."""

    def __init__(
        self,
        settings: Settings,
        clock: Callable[[], float],
        retry: RetryPolicy | None,
        ledger: Ledger | None,
        *,
        awaits: bool = False,
    ) -> None:
        self._awaits = awaits
        self._settings = settings
        self._clock = clock
        self._retries = Retries(retry or RetryPolicy(), clock)
        self._book = flow.Book(ledger, settings.base_url) if ledger else None
        # Made by the first wait: how long this client's own jobs took, which the next ones are looked at by.
        self._history: History | None = None
        self._learning = threading.Lock()

    def start(self, request: VideoRequest, strict: bool) -> flow.Flow[Job]:
        if strict:
            request.check()
        return flow.start(request, self._retries, self._book)

    def generate(self, request: VideoRequest, strict: bool, **waiting: Any) -> flow.Flow[Video]:
        options = self.waiting(request, **waiting)
        if strict:
            request.check()
        return flow.generate(request, self._retries, **options)

    def wait(self, job: str | Job, **waiting: Any) -> flow.Flow[Video]:
        request = job.request if isinstance(job, Job) else None
        return flow.wait(_id(job), request=request, **self.waiting(None, **waiting))

    def waiting(
        self,
        request: VideoRequest | None,
        timeout: Seconds | None,
        interval: Interval | None,
        on_progress: flow.ProgressCallback | None,
    ) -> dict[str, Any]:
        """The options of a wait, checked before anything is sent."""
        _check_callback(on_progress, self._awaits)
        return {
            "clock": self._clock,
            "request_timeout": self._settings.request_timeout,
            "timeout": contract.WAIT_TIMEOUT if timeout is None else seconds(timeout, "timeout"),
            "on_progress": on_progress,
            "book": self._book,
            **(self._learned(request) if interval is None else {"schedule": _schedule(interval)}),
        }

    def _learned(self, request: VideoRequest | None) -> dict[str, Any]:
        """The default schedule: by what jobs like this one took, and by its own progress. Without a request it knows neither."""
        from .schedule import History, Schedule  # only here: importing the package needs none of it

        if request is None:
            return {"schedule": Schedule()}
        key = (request.mode, *(request.body.get(field) for field in ("model", "resolution", "duration")))
        with self._learning:
            history = self._history = self._history or History()
            past = history.past(key)

        def learn(age: float, looks: Sequence[flow.Look], failed: bool) -> None:
            with self._learning:
                history.add(key, age, looks, failed)

        return {"schedule": Schedule(past), "learn": learn}

    def get(self, job: str | Job) -> flow.Flow[Video]:
        return flow.get(_id(job), self._retries, self._book)

    def download(
        self,
        video: Video | Job | str,
        path: str | os.PathLike[str],
        on_progress: DownloadProgress | None,
        **options: Any,
    ) -> flow.Flow[Path]:
        from .download import download  # only here: most looks at a job are not followed by one

        _check_callback(on_progress, self._awaits, "two lengths in bytes")
        target = yield from download(
            video, path, look=self.get, retries=self._retries, on_progress=on_progress, **options
        )
        if self._book:
            book, request_id = self._book, video if isinstance(video, str) else video.request_id
            yield flow.Blocking(lambda: book.ledger.downloaded(request_id, target, book.origin))
        return target

    def reconcile(self, ledger: Ledger, timeout: Seconds | None) -> flow.Flow[Reconciliation]:
        from .reconcile import reconcile

        return reconcile(
            flow.Book(ledger, self._settings.base_url),
            clock=self._clock,
            wall=time.time,
            request_timeout=self._settings.request_timeout,
            timeout=contract.WAIT_TIMEOUT if timeout is None else seconds(timeout, "timeout"),
            schedule=flow.contract_schedule,
        )

    def list_models(self) -> flow.Flow[list[VideoGenerationModel]]:
        return flow.list_models(self._retries)

    def get_model(self, model_id: str) -> flow.Flow[VideoGenerationModel]:
        return flow.get_model(model_id, self._retries)


def _schedule(interval: Interval) -> flow.Schedule:
    if callable(interval):
        own = interval
        # Checked at each look: a function that answers 0 would ask without a pause.
        return lambda looks, age: age + seconds(own(age), "interval", least=LEAST_INTERVAL)
    fixed = seconds(interval, "interval", least=LEAST_INTERVAL)
    return lambda looks, age: age + fixed


def _check_callback(on_progress: Callable[..., object] | None, awaits: bool, of: str = "the Video") -> None:
    if on_progress is None:
        return
    if not callable(on_progress) or (inspect.iscoroutinefunction(on_progress) and not awaits):
        rule = f"is a function of {of}; a coroutine function only with AsyncClient"
        raise OutOfRange(rule, fields=["on_progress"], section="client")


def _request(
    prompt: Prompt | None, model: str | None, options: Mapping[str, Any], strict: bool, call: str = "generate"
) -> VideoRequest:
    if not isinstance(prompt, VideoRequest):
        return VideoRequest.from_keywords(call=call, strict=strict, prompt=prompt, model=model, **options)
    name = type(prompt).__name__
    extra = [*(["model"] if model is not None else []), *options]
    if extra:
        raise UnknownField("a request is complete in itself", fields=extra, instead=f"give it to {name}(...)")
    if call == "extend" and prompt.mode not in contract.CALLS[call]:
        raise ModeConflict(f"`extend` takes an ExtendVideo; got {name}", mode=prompt.mode, instead="use `generate`")
    return prompt


class Videos:
    """`client.video`: starts jobs, looks at them, waits for them, and brings their videos to disk."""

    def __init__(self, flows: _Flows, driver: SyncDriver) -> None:
        self._flows = flows
        self._driver = driver

    def start(
        self,
        prompt: Prompt | None = None,
        model: str | None = None,
        *,
        strict: bool = True,
        **options: Unpack[VideoOptions],
    ) -> Job:
        """Starts a job and returns at once. The fields choose the mode; `video_url` edits.

        Args:
            prompt: What the video shows, or a whole request such as `TextToVideo(...)`. 1 to 4096 characters.
            model: Default `grok-imagine-video`.
            strict: Hold the request to the contract first. False sends it as it is: the service may have moved on.
            **options: See `VideoOptions`; ranges depend on mode and model (x-modes).

        Raises:
            InvalidRequest: The contract refuses it; nothing was sent.
            ApiError: The service refuses it; no job exists.
            NotDelivered: No connection; no job exists.
            StartOutcomeUnknown: It was sent, and the answer was lost. Never sent again by itself.
        """
        return self._driver.run(self._flows.start(_request(prompt, model, options, strict), strict))

    def generate(
        self,
        prompt: Prompt | None = None,
        model: str | None = None,
        *,
        timeout: Seconds | None = None,
        interval: Interval | None = None,
        on_progress: flow.ProgressCallback | None = None,
        strict: bool = True,
        **options: Unpack[VideoOptions],
    ) -> Video:
        """Starts a job and waits for its video.

        Args:
            prompt: As in `start`.
            model: As in `start`.
            timeout: Polling timeout: seconds for everything, default 600 (x-waiter); 0 looks once. The POST itself
                is never cut short by it, since that would lose a paid job.
            interval: Seconds between looks, or a function from the seconds waited to the seconds to the next look.
                Default: by the job's progress and by what this client's own jobs took; see docs/schedule.md.
            on_progress: Called with the `Video` after each look that shows it running.
            strict: As in `start`.
            **options: As in `start`.

        Raises:
            VideoGenerationError: The job ended without a video (also VideoExpiredError, VideoModeratedError).
            VideoTimeoutError: The time is up; the job goes on, and `wait(request_id)` takes it up again.
            InvalidRequest, ApiError, NotDelivered, StartOutcomeUnknown: As in `start`.
        """
        return self._run(
            self._flows.generate(
                _request(prompt, model, options, strict),
                strict,
                timeout=timeout,
                interval=interval,
                on_progress=on_progress,
            )
        )

    def extend_start(
        self,
        prompt: Prompt | None = None,
        model: str | None = None,
        *,
        strict: bool = True,
        **options: Unpack[ExtendOptions],
    ) -> Job:
        """Starts the continuation of a video; otherwise as `start`. `duration` is the new part's, 2 to 10 s."""
        return self._driver.run(self._flows.start(_request(prompt, model, options, strict, "extend"), strict))

    def extend(
        self,
        prompt: Prompt | None = None,
        model: str | None = None,
        *,
        timeout: Seconds | None = None,
        interval: Interval | None = None,
        on_progress: flow.ProgressCallback | None = None,
        strict: bool = True,
        **options: Unpack[ExtendOptions],
    ) -> Video:
        """Starts the continuation of a video and waits for it; otherwise as `generate`."""
        return self._run(
            self._flows.generate(
                _request(prompt, model, options, strict, "extend"),
                strict,
                timeout=timeout,
                interval=interval,
                on_progress=on_progress,
            )
        )

    def get(self, request_id: str | Job) -> Video:
        """Looks at a job, again only if the look itself fails; a failed or expired job is a result here, no error.

        Raises:
            VideoModeratedError: The service answered 400 since moderation withheld the video.
            NotFoundError: No such job.
            ApiError, TransportError: The look failed; it says nothing of the job.
        """
        return self._run(self._flows.get(request_id))

    def wait(
        self,
        request_id: str | Job,
        *,
        timeout: Seconds | None = None,
        interval: Interval | None = None,
        on_progress: flow.ProgressCallback | None = None,
    ) -> Video:
        """Waits for a job that was started before, here or elsewhere; otherwise as `generate`."""
        return self._run(self._flows.wait(request_id, timeout=timeout, interval=interval, on_progress=on_progress))

    def download(
        self,
        video: Video | Job | str,
        path: str | os.PathLike[str],
        *,
        overwrite: bool = False,
        on_progress: DownloadProgress | None = None,
        max_bytes: int | None = None,
        timeout: Seconds | None = None,
    ) -> Path:
        """Brings a finished video to disk: whole and checked, or not at all.

        It is streamed to `<path>.part`, which is kept when the download fails: the next one, by any process, fetches only
        the rest, if the host still has the same file. The key is not sent. Nothing is generated or billed again.

        Args:
            video: What `generate`, `wait` or `get` gave, or the id of a finished job, which is looked up.
            path: The file, or a directory, in which it is called `<request_id>.mp4`.
            overwrite: Replace the file if there is one.
            on_progress: Called with the bytes on disk, and the length in bytes or None, after each chunk.
            max_bytes: The largest file to accept; default 2 GiB.
            timeout: Seconds for everything, default 600. A silent connection ends by the client's `request_timeout`.

        Raises:
            TargetExistsError: There is a file, and `overwrite` is not set; nothing was sent.
            DownloadError: Not on disk; `reason` says why.
            VideoGenerationError: The job ended without a video (also VideoExpiredError, VideoModeratedError).
            ApiError, TransportError: A look failed: at a job given by its id, or for a new URL.
        """
        return self._driver.run(
            self._flows.download(
                video, path, overwrite=overwrite, on_progress=on_progress, max_bytes=max_bytes, timeout=timeout
            )
        )

    def _run(self, videos: flow.Flow[Video]) -> Video:
        return self._driver.run(videos)._bind(self.download)


class AsyncVideos:
    """`client.video` of an AsyncClient: the same as `Videos`, awaited."""

    def __init__(self, flows: _Flows, driver: AsyncDriver) -> None:
        self._flows = flows
        self._driver = driver

    async def start(
        self,
        prompt: Prompt | None = None,
        model: str | None = None,
        *,
        strict: bool = True,
        **options: Unpack[VideoOptions],
    ) -> Job:
        """See `Videos.start`."""
        return await self._driver.run(self._flows.start(_request(prompt, model, options, strict), strict))

    async def generate(
        self,
        prompt: Prompt | None = None,
        model: str | None = None,
        *,
        timeout: Seconds | None = None,
        interval: Interval | None = None,
        on_progress: flow.ProgressCallback | None = None,
        strict: bool = True,
        **options: Unpack[VideoOptions],
    ) -> Video:
        """See `Videos.generate`; `on_progress` may be a coroutine function."""
        return await self._run(
            self._flows.generate(
                _request(prompt, model, options, strict),
                strict,
                timeout=timeout,
                interval=interval,
                on_progress=on_progress,
            )
        )

    async def extend_start(
        self,
        prompt: Prompt | None = None,
        model: str | None = None,
        *,
        strict: bool = True,
        **options: Unpack[ExtendOptions],
    ) -> Job:
        """See `Videos.extend_start`."""
        return await self._driver.run(self._flows.start(_request(prompt, model, options, strict, "extend"), strict))

    async def extend(
        self,
        prompt: Prompt | None = None,
        model: str | None = None,
        *,
        timeout: Seconds | None = None,
        interval: Interval | None = None,
        on_progress: flow.ProgressCallback | None = None,
        strict: bool = True,
        **options: Unpack[ExtendOptions],
    ) -> Video:
        """See `Videos.extend`."""
        return await self._run(
            self._flows.generate(
                _request(prompt, model, options, strict, "extend"),
                strict,
                timeout=timeout,
                interval=interval,
                on_progress=on_progress,
            )
        )

    async def get(self, request_id: str | Job) -> Video:
        """See `Videos.get`."""
        return await self._run(self._flows.get(request_id))

    async def wait(
        self,
        request_id: str | Job,
        *,
        timeout: Seconds | None = None,
        interval: Interval | None = None,
        on_progress: flow.ProgressCallback | None = None,
    ) -> Video:
        """See `Videos.wait`."""
        return await self._run(
            self._flows.wait(request_id, timeout=timeout, interval=interval, on_progress=on_progress)
        )

    async def download(
        self,
        video: Video | Job | str,
        path: str | os.PathLike[str],
        *,
        overwrite: bool = False,
        on_progress: DownloadProgress | None = None,
        max_bytes: int | None = None,
        timeout: Seconds | None = None,
    ) -> Path:
        """See `Videos.download`; `on_progress` may be a coroutine function."""
        return await self._driver.run(
            self._flows.download(
                video, path, overwrite=overwrite, on_progress=on_progress, max_bytes=max_bytes, timeout=timeout
            )
        )

    async def _run(self, videos: flow.Flow[Video]) -> Video:
        return (await self._driver.run(videos))._bind(self.download)


def _id(request_id: str | Job) -> str:
    return request_id.request_id if isinstance(request_id, Job) else request_id


class Models:
    """`client.models`: the video models of the key."""

    def __init__(self, flows: _Flows, driver: SyncDriver) -> None:
        self._flows = flows
        self._driver = driver

    def list(self) -> list[VideoGenerationModel]:
        """All of them. Prices are not part of it; see x-pricing.

        Raises:
            ApiError, TransportError: The request failed.
        """
        return self._driver.run(self._flows.list_models())

    def get(self, model_id: str) -> VideoGenerationModel:
        """One of them, by its id.

        Raises:
            NotFoundError: No such model.
            ApiError, TransportError: The request failed.
        """
        return self._driver.run(self._flows.get_model(model_id))


class AsyncModels:
    """`client.models` of an AsyncClient: the same as `Models`, awaited."""

    def __init__(self, flows: _Flows, driver: AsyncDriver) -> None:
        self._flows = flows
        self._driver = driver

    async def list(self) -> list[VideoGenerationModel]:
        """See `Models.list`."""
        return await self._driver.run(self._flows.list_models())

    async def get(self, model_id: str) -> VideoGenerationModel:
        """See `Models.get`."""
        return await self._driver.run(self._flows.get_model(model_id))


class Client:
    """The blocking client. Make one and share it, between threads too; close it, or use it in a `with`.

    Three clocks: `request_timeout` bounds each HTTP request; the budget of `retry` bounds how long one is sent again;
    `timeout` of `generate` and `wait` bounds the polling, looks and pauses together.

    What is sent again: a GET after anything transient (no answer, 429 for the rate, 5xx, an answer that can't be read);
    a POST that starts a job only after `Delivery.NEVER_DELIVERED` (no connection) and `Delivery.REFUSED` (429 for the
    rate, 503). A POST whose outcome is unknown never is, nor is one without credit.

    Args:
        api_key: Default: the environment's `XAI_API_KEY`.
        base_url: Default: the environment's `XAI_BASE_URL`, else `https://api.x.ai/v1`.
        request_timeout: Seconds or timedelta for each step of one HTTP request.
        max_connections: Requests at once; further ones wait for their turn.
        retry: How often and how long; `RetryPolicy(max_retries=0)` sends once.
        ledger: Where every job is noted before it is posted; see `Ledger`.
        headers: Sent with every request, such as a gateway's own.
        http_client: An `httpx.Client` to use instead of one's own, such as one with a proxy. It is not closed.
        clock: Monotonic seconds; for tests.
        sleep: Pauses; for tests.

    Raises:
        ConfigurationError: No key, or an address that is none.
    """

    video: Videos
    """Starts jobs, looks at them, waits for them."""
    models: Models
    """The video models of the key."""

    def __init__(
        self,
        api_key: str | None = None,
        *,
        base_url: str | None = None,
        request_timeout: Seconds = REQUEST_TIMEOUT,
        max_connections: int = MAX_CONNECTIONS,
        retry: RetryPolicy | None = None,
        ledger: Ledger | None = None,
        headers: Mapping[str, str] | None = None,
        http_client: httpx.Client | None = None,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], object] = time.sleep,
    ) -> None:
        self._settings = Settings(api_key, base_url, request_timeout, max_connections, headers)
        self._driver = SyncDriver(self._settings, http_client, sleep)
        self._flows = _Flows(self._settings, clock, retry, ledger)
        self.video = Videos(self._flows, self._driver)
        self.models = Models(self._flows, self._driver)

    def _reconcile(self, ledger: Ledger, timeout: Seconds | None) -> Reconciliation:
        return self._driver.run(self._flows.reconcile(ledger, timeout))

    def close(self) -> None:
        """Closes the connections."""
        self._driver.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def __getattr__(self, name: str) -> Any:
        raise _no_attribute(self, name)

    def __repr__(self) -> str:
        return f"Client({self._settings!r})"


class AsyncClient:
    """The client for asyncio: the same as `Client`, awaited. One of them may serve several event loops."""

    video: AsyncVideos
    """Starts jobs, looks at them, waits for them."""
    models: AsyncModels
    """The video models of the key."""

    def __init__(
        self,
        api_key: str | None = None,
        *,
        base_url: str | None = None,
        request_timeout: Seconds = REQUEST_TIMEOUT,
        max_connections: int = MAX_CONNECTIONS,
        retry: RetryPolicy | None = None,
        ledger: Ledger | None = None,
        headers: Mapping[str, str] | None = None,
        http_client: httpx.AsyncClient | None = None,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], Awaitable[object]] | None = None,
    ) -> None:
        from .async_driver import AsyncDriver  # only here: it brings asyncio, which blocking programs never need

        self._settings = Settings(api_key, base_url, request_timeout, max_connections, headers)
        self._driver = AsyncDriver(self._settings, http_client, sleep)
        self._flows = _Flows(self._settings, clock, retry, ledger, awaits=True)
        self.video = AsyncVideos(self._flows, self._driver)
        self.models = AsyncModels(self._flows, self._driver)

    async def _reconcile(self, ledger: Ledger, timeout: Seconds | None) -> Reconciliation:
        return await self._driver.run(self._flows.reconcile(ledger, timeout))

    async def close(self) -> None:
        """Closes the connections."""
        await self._driver.close()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()

    def __getattr__(self, name: str) -> Any:
        raise _no_attribute(self, name)

    def __repr__(self) -> str:
        return f"AsyncClient({self._settings!r})"


def _no_attribute(client: object, name: str) -> AttributeError:
    hint = "; this API is client.video: start, generate, extend, get, wait" if name == "videos" else ""
    return AttributeError(f"{type(client).__name__!r} object has no attribute {name!r}{hint}", name=name, obj=client)
