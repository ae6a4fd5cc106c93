"""What the two clients have in common: the flows of a client, with its clock, limits, ledger and history filled in."""

from __future__ import annotations

import contextlib
import inspect
import json
import os
import sys
import threading
import time
from collections.abc import AsyncIterable, Callable, Iterable, Mapping
from datetime import timedelta
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol, TypeAlias, TypeVar
from weakref import WeakSet

from grok_imagine_api import contract

from .config import Config, Seconds, seconds
from .core import operations, polling
from .core.effects import Blocking, Flow, ProgressCallback, StartedCallback
from .core.hooks import JobRecorder, Runtime
from .core.operations import id_of
from .core.request import VideoRequest, body_of, keywords_in
from .core.results import Job, Video
from .core.retry import Retries, RetryPolicy
from .core.schedule import Schedule, contract_schedule
from .core.validation import choose
from .errors import ConfigurationError, ModeConflict, OutOfRange, UnknownField
from .parsing import redact
from .posting import start as posting
from .transport.redaction import redact_logs

if TYPE_CHECKING:
    from grok_imagine_api.models.video_generation_model import VideoGenerationModel

    from .batch.runner import BatchRunner
    from .batches_api.operations import BatchFlows
    from .batches_api.vendor import PreparedRequest
    from .download.transfer import Progress as DownloadProgress
    from .files_api.operations import FileFlows
    from .ledger.entries import Reconciliation
    from .ledger.keys import Keyed
    from .ledger.ledger import Ledger
    from .ledger.recorder import LedgerRecorder
    from .notebook import Bar
    from .pacing.limiter import Pacer
    from .pacing.limits import Limits
    from .pacing.quota import Quota
    from .telemetry.flows import Tracing
    from .transport.simulated import SimulatedTime

T = TypeVar("T")
V = TypeVar("V", bound=Video)

Interval: TypeAlias = float | timedelta | Callable[[float], float]
Prompt: TypeAlias = str | VideoRequest


LEAST_INTERVAL = 0.01
"""Seconds; a shorter pause between polls is a mistake."""


class Inherited(Protocol):
    """A part of a client that a forked process has a copy of."""

    def after_fork_in_child(self) -> None:
        """Gives the copy connections, locks and limits of its own: the parent's would mix its answers."""


live: WeakSet[Inherited] = WeakSet()
"""The parts of every client of this process."""


def _after_fork_in_child() -> None:
    for part in list(live):
        part.after_fork_in_child()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork_in_child)


class ClientCore:
    """The flows of a client, its clock and limits filled in; what the blocking and the async side have in common."""

    def __init__(
        self,
        config: Config,
        clock: Callable[[], float] | None,
        retry: RetryPolicy | None,
        ledger: Ledger | None,
        limits: Limits | None,
        quota: Quota | None,
        simulated: SimulatedTime | None = None,
        *,
        awaits: bool = False,
    ) -> None:
        redact_logs(config)
        for name, given in {"retry": retry, "ledger": ledger, "limits": limits, "quota": quota}.items():
            _check_part(name, given)
        self._awaits = awaits
        self._config = config
        self._is_simulated = simulated is not None
        self.clock = clock or (simulated.now if simulated else time.monotonic)
        self._retries = Retries(retry or RetryPolicy(), self.clock)
        self._ledger = ledger
        self._recorder: LedgerRecorder | None = None
        self._limits = limits
        self._quota = quota
        self._own_quota: Quota | None = None
        self._runtime: Runtime | None = None
        self._own_tracing: Tracing | None = None
        self._making = threading.Lock()

    @property
    def runtime(self) -> Runtime:
        """What the flows go by. Made by the first: importing the package needs none of it."""
        if self._runtime is not None:
            return self._runtime
        with self._making:
            if self._runtime is None:
                self._recorder = self._recorder_of(self._ledger) if self._ledger else None
                recorder = self._recorder or JobRecorder()
                self._runtime = Runtime(self._retries, self._config.request_timeout, self._pacer(), recorder)
            return self._runtime

    def _recorder_of(self, ledger: Ledger) -> LedgerRecorder:
        _check_part("ledger", ledger)
        from .ledger.recorder import LedgerRecorder

        return LedgerRecorder(ledger, self._config.base_url)

    def _pacer(self) -> Pacer:
        from .pacing.limiter import Pacer
        from .pacing.limits import Limits
        from .pacing.predictor import History

        limits, history, quota = self._limits or Limits(), History(), self._quota
        if ledger := self._ledger:
            origin = self._config.base_url
            with contextlib.suppress(ValueError, TypeError):  # what can't be read is learned anew
                history = History.from_json(json.loads(ledger.load_history(origin) or "[]"))
            if quota is None and limits.windows() and not self._is_simulated:  # a ledger's quota is of real time
                from .ledger.quota import LedgerQuota

                quota = self._own_quota = LedgerQuota(ledger.path, origin)
        return Pacer(limits, self.clock, quota, history)

    @property
    def _tracing(self) -> Tracing | None:
        """None unless the program has set up OpenTelemetry, which it has imported then."""
        if "opentelemetry.trace" not in sys.modules:
            return None
        from .telemetry.spans import is_set_up

        if not is_set_up():
            return None
        from .telemetry.flows import Tracing

        if self._own_tracing is None:
            self._own_tracing = Tracing(self._config.base_url, self.clock, self._ledger)
        return self._own_tracing

    def _traced(self, flow: Flow[T], request: VideoRequest | None = None, ledger: Ledger | None = None) -> Flow[T]:
        tracing = self._tracing
        return tracing.instrument(flow, request, ledger=ledger) if tracing else flow

    def after_fork_in_child(self) -> None:
        """In a child process: limits and locks of its own. The ledger sees to itself."""
        self._making = threading.Lock()
        self._runtime = self._own_quota = self._own_tracing = None

    def close(self) -> None:
        """Closes the quota, unless it was given."""
        if self._own_quota:
            self._own_quota.close()

    def start(self, request: VideoRequest, strict: bool, key: str | None = None) -> Flow[Job]:
        """Posts a request, held to the contract first if strict; under a key, unless that has a job already."""
        if strict:
            request.check()
        if key is not None:
            return self._traced(self._keyed(request, key).start(), request)
        return self._traced(posting.start_alone(request, self.runtime), request)

    def generate(
        self,
        request: VideoRequest,
        strict: bool,
        timeout: Seconds | None,
        interval: Interval | None,
        on_progress: ProgressCallback | None,
        on_started: StartedCallback | None,
        key: str | None = None,
    ) -> Flow[Video]:
        """Posts a request and waits; everything is checked before. Under a key it may be a job that is there already."""
        if strict:
            request.check()
        _check_callback("on_started", on_started, self._awaits, "the Job")
        bar = _bar(on_progress)
        options = self._waiting(timeout, bar.update if bar else on_progress) | {"on_started": on_started}
        if key is not None:
            flow = self._keyed(request, key).generate(_schedule(interval), **options)
        else:
            flow = posting.generate(request, self.runtime, _schedule(interval), **options)
        return self._traced(bar.around(flow) if bar else flow, request)

    def _keyed(self, request: VideoRequest, key: str) -> Keyed:
        from .ledger.keys import Keyed

        return Keyed(request, key, self.runtime, self._recorder)

    def wait(
        self,
        job: str | Job,
        timeout: Seconds | None,
        interval: Interval | None,
        on_progress: ProgressCallback | None,
    ) -> Flow[Video]:
        """Waits for a job that was started before."""
        request = job.request if isinstance(job, Job) else None
        bar = _bar(on_progress)
        options = self._waiting(timeout, bar.update if bar else on_progress)
        flow = polling.resume(id_of(job), self.runtime, _schedule(interval), request=request, **options)
        return self._traced(bar.around(flow) if bar else flow, request)

    def updates(self, job: str | Job, timeout: Seconds | None, interval: Interval | None) -> polling.Updates:
        """A wait for a job that was started before, from one state to the next."""
        return polling.Updates(lambda on_progress: self.wait(job, timeout, interval, on_progress))

    def _waiting(self, timeout: Seconds | None, on_progress: ProgressCallback | None) -> dict[str, Any]:
        """The options of a wait, checked before anything is sent."""
        _check_callback("on_progress", on_progress, self._awaits)
        return {
            "timeout": contract.WAIT_TIMEOUT if timeout is None else seconds(timeout, "timeout"),
            "on_progress": on_progress,
        }

    def get(self, job: str | Job) -> Flow[Video]:
        """Polls a job once."""
        return operations.get(id_of(job), self.runtime)

    def download(
        self,
        video: Video | Job | str,
        path: str | os.PathLike[str],
        on_progress: DownloadProgress | None,
        get: Callable[[str], Flow[Video]] | None = None,
        **options: Any,
    ) -> Flow[Path]:
        """Brings a finished video to disk, and has the ledger note it. `get` finds what is no job of its own."""
        from .download.transfer import download

        _check_callback("on_progress", on_progress, self._awaits, "two lengths in bytes")
        target = yield from download(
            video,
            path,
            get=get or self.get,
            retries=self._retries,
            is_local=self._config.is_local,
            on_progress=on_progress,
            **options,
        )
        if (ledger := self._ledger) and get is None:
            yield Blocking(lambda: ledger.record_download(id_of(video), target, self._config.base_url))
        return target

    def reconcile(
        self, ledger: Ledger | None, timeout: Seconds | None, bind: Callable[[Video], V]
    ) -> Flow[Reconciliation[V]]:
        """Takes up what a ledger knows was accepted."""
        from .ledger.entries import Reconciliation
        from .ledger.reconcile import reconcile

        known = ledger or self._ledger
        if known is None:
            rule = "is missing, and this client has none"
            raise OutOfRange(rule, fields=["ledger"], instead="give one: Ledger(path)", section="client")
        flow = reconcile(
            self.runtime,
            self._recorder_of(known),
            wall=time.time,
            timeout=contract.WAIT_TIMEOUT if timeout is None else seconds(timeout, "timeout"),
            schedule=contract_schedule,
            redact=lambda error: redact(error, self._config.api_key),
        )
        found = yield from self._traced(flow, ledger=known)
        ended = [bind(each) if isinstance(each, Video) else each for each in found.ended]
        return Reconciliation(ended, found.running, found.unknown)

    def runner(
        self,
        requests: object,
        *,
        ledger: Ledger | None,
        max_cost_usd: float | None,
        name: str,
        timeout: Seconds | None,
        interval: Interval | None,
        repeat: bool,
        strict: bool,
        on_progress: ProgressCallback | None,
        on_started: StartedCallback | None,
        bind: Callable[[Video], Video],
    ) -> BatchRunner:
        """The flows of a batch. Without a ledger its requests are known as long as it lives."""
        from .batch.outcome import check_requests
        from .batch.runner import BatchRunner, Options
        from .ledger.ledger import Ledger

        is_number = isinstance(max_cost_usd, int | float | Decimal) and not isinstance(max_cost_usd, bool)
        is_nan = isinstance(max_cost_usd, Decimal) and max_cost_usd.is_nan()  # which can't be compared
        if max_cost_usd is not None and not (is_number and not is_nan and 0 <= max_cost_usd < 1e9):
            raise OutOfRange(f"is USD from 0 on; got {max_cost_usd!r}", fields=["max_cost_usd"], section="x-pricing")
        if not isinstance(name, str) or not name:
            raise OutOfRange(f"is a text; got {name!r}", fields=["name"], section="client")
        _check_callback("on_progress", on_progress, self._awaits)
        _check_callback("on_started", on_started, self._awaits, "the Job")
        check_requests(requests, *((Iterable, AsyncIterable) if self._awaits else (Iterable,)))
        bound = contract.WAIT_TIMEOUT if timeout is None else seconds(timeout, "timeout")
        schedule = _schedule(interval)
        own = self._recorder_of(ledger or self._ledger or Ledger.temporary())
        options = Options(own, name, max_cost_usd, bound, repeat, strict, on_progress, on_started, schedule)
        if tracing := self._tracing:
            options = options._replace(wrap=tracing.around(own.ledger))
        key = self._config.api_key
        return BatchRunner(self.runtime, options, bind, lambda error: redact(error, key))

    def concurrency(self, given: int | None) -> int:
        """How many jobs of a batch run at once."""
        if given is None:
            limit = contract.LIMITS["concurrent_jobs"].value
            return int((self._limits.concurrent_jobs if self._limits else limit) or limit)
        if isinstance(given, bool) or not isinstance(given, int) or given < 1:
            raise OutOfRange(f"is a whole number from 1 on; got {given!r}", fields=["concurrency"], section="x-limits")
        return given

    @property
    def files(self) -> FileFlows:
        """The flows of files."""
        from .files_api.operations import FileFlows

        return FileFlows(self._retries, self._config)

    @property
    def batches(self) -> BatchFlows:
        """The flows of the service's batches."""
        from .batches_api.operations import BatchFlows

        return BatchFlows(self._retries)

    def list_models(self) -> Flow[list[VideoGenerationModel]]:
        """The video models of the key."""
        return operations.list_models(self.runtime)

    def get_model(self, model_id: str) -> Flow[VideoGenerationModel]:
        """One video model."""
        return operations.get_model(model_id, self.runtime)


PARTS = {
    "retry": ("RetryPolicy", "max_retries", "RetryPolicy(max_retries=3)"),
    "ledger": ("Ledger", "load_history", "Ledger('jobs.db')"),
    "limits": ("Limits", "windows", "Limits(concurrent_jobs=5)"),
    "quota": ("Quota", "take", "RedisQuota('redis://host:6379/0')"),
}
"""What a client is made of, by keyword: the type, an attribute that tells it without an import, and an example."""


def _check_part(name: str, given: object) -> None:
    kind, attribute, example = PARTS[name]
    if given is not None and not hasattr(given, attribute):
        raise ConfigurationError(f"{name} is a {kind}, such as {example}; got {type(given).__name__}")


def _bar(on_progress: ProgressCallback | None) -> Bar | None:
    """The progress bar of a wait that nobody else watches, in a notebook."""
    if on_progress is not None or "IPython" not in sys.modules:
        return None
    from .notebook import bar

    return bar()


def _schedule(interval: Interval | None) -> Schedule | None:
    if interval is None:
        return None
    if callable(interval):
        own = interval
        # Checked at each poll: a function that answers 0 would ask without a pause.
        return lambda polls, age: age + seconds(own(age), "interval", least=LEAST_INTERVAL)
    fixed = seconds(interval, "interval", least=LEAST_INTERVAL)
    return lambda polls, age: age + fixed


def _check_callback(name: str, callback: Callable[..., object] | None, awaits: bool, of: str = "the Video") -> None:
    if callback is None:
        return
    if not callable(callback) or (inspect.iscoroutinefunction(callback) and not awaits):
        rule = f"is a function of {of}; a coroutine function only with AsyncClient"
        raise OutOfRange(rule, fields=[name], section="client")


def request_of(names: Mapping[str, Any], call: str = "generate") -> VideoRequest:
    """The request that a call means, by the `locals()` that it begins with: of its keywords, or one that is given whole."""
    given, strict, prompt = keywords_in(names), names["strict"], names["prompt"]
    if not isinstance(prompt, VideoRequest):
        body = body_of(given, strict=strict)
        return VideoRequest(choose(body, call, strict=strict), body)
    name = type(prompt).__name__
    extra = [keyword for keyword, value in given.items() if value is not None and keyword != "prompt"]
    if extra:
        raise UnknownField("a request is complete in itself", fields=extra, instead=f"give it to {name}(...)")
    if call == "extend" and prompt.mode not in contract.CALLS[call]:
        raise ModeConflict(f"`extend` takes an ExtendVideo; got {name}", mode=prompt.mode, instead="use `generate`")
    return prompt


def prepared(
    prompt: Prompt | None, model: str | None, own: str | None, strict: bool, options: Mapping[str, Any], call: str
) -> PreparedRequest:
    """The request that `prepare` makes of its arguments."""
    from .batches_api.vendor import PreparedRequest

    names = {"prompt": prompt, "model": model, "strict": strict, "unknown": dict(options)}
    return PreparedRequest(request_of(names, call), own)
