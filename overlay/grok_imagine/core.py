"""What the two clients have in common: the flows of a client, with its clock, limits, ledger and history filled in."""

from __future__ import annotations

import inspect
import os
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias

from grok_imagine_api import contract

from . import flow, polling
from .commands import Blocking, Flow, ProgressCallback
from .errors import ModeConflict, OutOfRange, UnknownField
from .flow import id_of
from .polling import Look, Schedule
from .requests import VideoRequest
from .results import Job, Video
from .retry import Retries, RetryPolicy
from .settings import Seconds, Settings, seconds

if TYPE_CHECKING:
    from grok_imagine_api.models.video_generation_model import VideoGenerationModel

    from .download import Progress as DownloadProgress
    from .ledger import Ledger
    from .reconcile import Reconciliation
    from .schedule import History

Interval: TypeAlias = float | timedelta | Callable[[float], float]
Prompt: TypeAlias = str | VideoRequest


LEAST_INTERVAL = 0.01
"""Seconds; a shorter pause between looks is a mistake."""


class Core:
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

    def start(self, request: VideoRequest, strict: bool) -> Flow[Job]:
        """Posts a request, held to the contract first if strict."""
        if strict:
            request.check()
        return flow.start(request, self._retries, self._book)

    def generate(self, request: VideoRequest, strict: bool, **waiting: Any) -> Flow[Video]:
        """Posts a request and waits; everything is checked before."""
        if strict:
            request.check()
        options = self.waiting(request, **waiting)
        return polling.generate(request, self._retries, **options)

    def wait(self, job: str | Job, **waiting: Any) -> Flow[Video]:
        """Waits for a job that was started before."""
        request = job.request if isinstance(job, Job) else None
        return polling.wait(id_of(job), request=request, **self.waiting(None, **waiting))

    def waiting(
        self,
        request: VideoRequest | None,
        timeout: Seconds | None,
        interval: Interval | None,
        on_progress: ProgressCallback | None,
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
        key = (request.mode, *(str(request.body.get(field)) for field in ("model", "resolution", "duration")))
        with self._learning:
            history = self._history = self._history or History()
            past = history.past(key)

        def learn(age: float, looks: Sequence[Look], failed: bool) -> None:
            with self._learning:
                history.add(key, age, looks, failed)

        return {"schedule": Schedule(past), "learn": learn}

    def get(self, job: str | Job) -> Flow[Video]:
        """Looks at a job."""
        return flow.get(id_of(job), self._retries, self._book)

    def download(
        self,
        video: Video | Job | str,
        path: str | os.PathLike[str],
        on_progress: DownloadProgress | None,
        **options: Any,
    ) -> Flow[Path]:
        """Brings a finished video to disk, and has the ledger note it."""
        from .download import download  # only here: most looks at a job are not followed by one

        _check_callback(on_progress, self._awaits, "two lengths in bytes")
        target = yield from download(
            video, path, look=self.get, retries=self._retries, on_progress=on_progress, **options
        )
        if self._book:
            book = self._book
            yield Blocking(lambda: book.ledger.downloaded(id_of(video), target, book.origin))
        return target

    def reconcile(self, ledger: Ledger, timeout: Seconds | None) -> Flow[Reconciliation]:
        """Takes up what a ledger knows was accepted."""
        from .reconcile import reconcile

        return reconcile(
            flow.Book(ledger, self._settings.base_url),
            clock=self._clock,
            wall=time.time,
            request_timeout=self._settings.request_timeout,
            timeout=contract.WAIT_TIMEOUT if timeout is None else seconds(timeout, "timeout"),
            schedule=polling.contract_schedule,
        )

    def list_models(self) -> Flow[list[VideoGenerationModel]]:
        """The video models of the key."""
        return flow.list_models(self._retries)

    def get_model(self, model_id: str) -> Flow[VideoGenerationModel]:
        """One video model."""
        return flow.get_model(model_id, self._retries)


def _schedule(interval: Interval) -> Schedule:
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


def request_of(
    prompt: Prompt | None, model: str | None, options: Mapping[str, Any], strict: bool, call: str = "generate"
) -> VideoRequest:
    """The request that a call means: of its keywords, or one that is given whole."""
    if not isinstance(prompt, VideoRequest):
        return VideoRequest.from_keywords(call=call, strict=strict, prompt=prompt, model=model, **options)
    name = type(prompt).__name__
    extra = [*(["model"] if model is not None else []), *options]
    if extra:
        raise UnknownField("a request is complete in itself", fields=extra, instead=f"give it to {name}(...)")
    if call == "extend" and prompt.mode not in contract.CALLS[call]:
        raise ModeConflict(f"`extend` takes an ExtendVideo; got {name}", mode=prompt.mode, instead="use `generate`")
    return prompt
