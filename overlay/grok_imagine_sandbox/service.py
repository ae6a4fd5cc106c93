"""The service: the handling of requests by each endpoint, from the key to the answer."""

import asyncio
import hashlib
import json
import re
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from functools import partial
from typing import Any, ParamSpec, TypeVar

from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from . import answers
from .answers import Answer, Refusal
from .batches import Batches
from .cards import model_card
from .curves import curve
from .delivery import delivered, status_of
from .fetching import Fetcher, uploads_to
from .files import FileCache, Files, Missing
from .inputs import InputFailure, Kind, Reader
from .intake import Intake
from .jobs import Full, Job, JobStore, Plan, uuid_like
from .journal import Journal
from .limits import RateLimit
from .origins import current_origin
from .polls import poll
from .recipes import Product, prepare
from .rules import Order, accept
from .scenarios import Choice, UnknownScenario, When, choose
from .settings import Settings
from .shape import Body, media_objects
from .shared import Endpoint, Shared
from .stored_files import StoredFiles
from .work import Exhausted, Workers

P = ParamSpec("P")
T = TypeVar("T")

_KINDS: Mapping[str | int, Kind] = {"video": "video", "reference_audios": "audio"}
_INPUT_TIMEOUT = 5.0  # seconds that a GET waits for a job's inputs
_SMALL_BYTES, _SMALL_OBJECTS = 64 * 2**10, 64
_MAX_KEPT_BYTES = 16 * 2**10  # of each job in the store
_MAX_OCCASIONS = 10_000

_ID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.IGNORECASE)


class Service:
    """The endpoints and the state of one sandbox. Its coroutines run in one event loop.

    Args:
        settings: The sandbox's settings.
        port: The sandbox's port.
        now: Returns the simulated time in seconds.
        epoch: Unix time at which simulated time was 0.
        workers: Threads for blocking work.
        cache: Rendered files.
    """

    def __init__(
        self,
        settings: Settings,
        port: int,
        now: Callable[[], float],
        epoch: float,
        workers: Workers,
        cache: FileCache,
    ) -> None:
        self._contract = contract = settings.contract
        self._settings = settings
        self._now = now
        self._epoch = epoch
        self._workers = workers
        self._accepted = 0
        self._traces = 0
        self._occasions: Counter[str] = Counter()
        self.jobs = JobStore(settings.max_jobs, settings.max_input_bytes)
        self.journal = Journal(self.records, settings.max_jobs)
        self.files = Files(
            f"http://127.0.0.1:{port}",
            self.jobs,
            cache,
            now,
            contract.limit("result_url_lifetime"),
            settings.seed,
            workers,
        )
        self._intake = Intake(settings.max_body_bytes)
        self._fetcher = Fetcher()
        image_bytes = int(contract.limit("image_size"))
        sizes: dict[Kind, int] = {"image": image_bytes, "video": settings.max_body_bytes, "audio": image_bytes}
        shared = Shared(
            contract,
            settings.seed,
            settings.max_input_bytes,
            now,
            epoch,
            workers,
            self.jobs,
            self.files,
            self._intake,
            self._front,
            self._body,
            self._order,
            self._accept,
            self._ends,
        )
        self.stored = StoredFiles(shared, f"http://127.0.0.1:{port}")
        self.batches = Batches(shared, self.stored)
        self._reader = Reader(port, self.files.read, sizes, stored=self.stored.read)
        self._rate = RateLimit(
            settings.requests_per_minute, settings.requests_per_second, int(contract.limit("requests_per_minute"))
        )

    def routes(self) -> list[Route]:
        """The routes of the API's endpoints."""
        handlers: dict[str, tuple[str, Callable[[Request], Awaitable[Response]]]] = {
            "generateVideo": ("POST", partial(self.start, "generateVideo")),
            "editVideo": ("POST", partial(self.start, "editVideo")),
            "extendVideo": ("POST", partial(self.start, "extendVideo")),
            "getVideo": ("GET", self.poll),
            "listVideoModels": ("GET", self.models),
            "getVideoModel": ("GET", self.model),
        }
        contract = self._contract
        own = [
            Route(contract.prefix + contract.path(operation), handler, methods=[method])
            for operation, (method, handler) in handlers.items()
        ]
        return [*own, *self.stored.routes(), *self.batches.routes()]

    async def start(self, operation: str, request: Request) -> Response:
        """Answer the POST of a job."""
        model = self._contract.default_model
        sent: Any = None
        try:
            self._check_key(request)
            choice = self._chosen(request) or self._settings.scenario
            instead = await self._replacement(choice, model, "start", "any")
            if instead is not None:
                self.journal.note(operation, None, status_of(instead), None, self._now())
                return instead
            async with self._body(request) as (raw, body):
                sent = body.value
                model = self._model_of(body)
                self._admit(model)
                order = await self._order(operation, raw, body)
                job = self._accept(order, raw, body, choice)
        except Refusal as refusal:
            self.journal.note(operation, sent, refusal.answer.status, None, self._now())
            return self._headed(operation, refusal.answer.response())
        except ClientDisconnect:  # before the body was complete: there is no job, and no client
            return Response(status_code=400)
        response = self._headed(operation, JSONResponse({"request_id": job.request_id}), model, job.request_id)
        if job.choice is not None and job.choice.scenario.when == "accepted":
            return await delivered(response, job.choice.scenario.delivery, self._settings.slow_seconds)
        return response

    async def poll(self, request: Request) -> Response:
        """Answer the GET of a job."""
        try:
            self._check_key(request)
            choice = self._chosen(request)
            instead = await self._replacement(choice or self._settings.scenario, self._contract.default_model, "any")
            if instead is not None:
                return instead
            job = self._job(request.path_params["request_id"])
        except Refusal as refusal:
            return refusal.answer.response()
        if job.preparation is not None:
            done, _ = await asyncio.wait({job.preparation}, timeout=_INPUT_TIMEOUT)
            for preparation in done:
                preparation.result()
        if job.upload_url is not None and job.plan is not None and job.state(self._now()) == "done":
            job.upload = job.upload or asyncio.create_task(self._upload(job, job.upload_url, job.plan.product))
            await asyncio.shield(job.upload)
        if choice is not None and choice.scenario.when == "any":
            choice = None
        answer, way = poll(self._contract, job, self.files, self._now(), self._epoch, choice)
        return await delivered(answer.response(), way, self._settings.slow_seconds)

    async def models(self, request: Request) -> Response:
        """Answer the GET of the list of models."""
        try:
            self._check_key(request)
            instead = await self._replacement(self._chosen(request) or self._settings.scenario, None, "any")
            if instead is not None:
                return instead
            self._admit(self._contract.default_model)
        except Refusal as refusal:
            return refusal.answer.response()
        cards = [model_card(self._contract, name) for name in self._contract.models]
        return self._headed("listVideoModels", JSONResponse({"models": cards}))

    async def model(self, request: Request) -> Response:
        """Answer the GET of one model."""
        asked = request.path_params["model_id"]
        try:
            self._check_key(request)
            name = self._contract.model_name(asked)
            instead = await self._replacement(self._chosen(request) or self._settings.scenario, name, "any")
            if instead is not None:
                return instead
            self._admit(name or self._contract.default_model)
            if name is None:
                raise Refusal(self._contract.error("model_not_found", model=answers.excerpt(asked)))
        except Refusal as refusal:
            return refusal.answer.response()
        return self._headed("getVideoModel", JSONResponse(model_card(self._contract, name)))

    def records(self) -> list[dict[str, Any]]:
        """The accepted jobs, as `Sandbox.jobs` shows them."""
        now = self._now()
        return [job.record(now) for job in self.jobs.all()]

    def _check_key(self, request: Request) -> None:
        scheme, _, key = request.headers.get("authorization", "").partition(" ")
        key = key.strip()
        if scheme.lower() != "bearer" or not key:
            raise Refusal(self._contract.error("no_key"))
        if self._settings.api_key is not None and key != self._settings.api_key:
            raise Refusal(self._contract.error("wrong_key", masked=answers.masked(key)))

    def _take(self, choice: Choice) -> bool:
        """Use up an occasion of the scenario. Returns whether there was one."""
        if choice.times is not None and self._occasions[str(choice)] >= choice.times:
            return False
        if choice.times is not None:
            self._occasions[str(choice)] += 1
            if len(self._occasions) > _MAX_OCCASIONS:  # the oldest is dropped, and would start again
                del self._occasions[next(iter(self._occasions))]
        return True

    async def _replacement(self, choice: Choice | None, model: str | None, *whens: When) -> Response | None:
        """The answer of a scenario that replaces the normal handling, if it applies now."""
        if choice is None or choice.scenario.when not in whens or not self._take(choice):
            return None
        # A scenario applies regardless of the rate limit, but the request counts.
        self._rate.take(model or self._contract.default_model, self._now())
        answer = choice.scenario.replacement(self._contract)
        response = answer.response() if answer is not None else Response()
        return await delivered(response, choice.scenario.delivery, self._settings.slow_seconds)

    def _admit(self, model: str) -> None:
        """Count a request of the API. POSTs and polls share one quota (register, Limits)."""
        full = self._rate.take(model, self._now())
        if full is not None:
            raise Refusal(self._too_many(model, full.what, full.reported, full.requests))

    def _too_many(self, model: str, what: str, actual: int, limit: int) -> Answer:
        return self._contract.error("rate_limit", model=model, what=what, actual=actual, limit=limit)

    @asynccontextmanager
    async def _body(self, request: Request) -> AsyncIterator[tuple[bytearray, Body]]:
        """The raw and the parsed body. A request without a readable body counts for the default model."""
        async with AsyncExitStack() as held:
            try:
                if request.headers.get("content-type", "").partition(";")[0].strip().lower() != "application/json":
                    raise Refusal(answers.NOT_JSON)
                raw = await held.enter_async_context(self._intake.body(request))
                body = await self._aside(raw, Body, raw)
            except Refusal:
                self._admit(self._contract.default_model)
                raise
            yield raw, body

    async def _aside(self, raw: bytearray, function: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Call a function whose time grows with the body: for a large body in a thread, for a small one directly."""
        if len(raw) <= _SMALL_BYTES and raw.count(b"{") <= _SMALL_OBJECTS:
            return function(*args, **kwargs)
        return await self._workers.check(function, *args, **kwargs)

    def _model_of(self, body: Body) -> str:
        """The model whose limits apply to an unchecked body."""
        name = body.value.get("model") if isinstance(body.value, dict) else None
        known = self._contract.model_name(name) if isinstance(name, str) else None
        return known or self._contract.default_model

    async def _order(self, operation: str, raw: bytearray, body: Body) -> Order:
        ranges = await self._aside(raw, body.check, self._contract, operation)
        order = accept(self._contract, operation, body.value, ranges)
        if self._settings.zero_data_retention and not order.body.get("output"):
            raise Refusal(self._contract.error("no_upload_url"))
        return order

    def _accept(
        self, order: Order, raw: bytearray, body: Body, choice: Choice | None, *, is_batched: bool = False
    ) -> Job:
        limit = None if is_batched else self._settings.concurrent_jobs
        if limit is not None and self.jobs.running(self._now()) - self.batches.running() >= limit:
            # Only the text for the rate was recorded, with these figures.
            raise Refusal(self._too_many(order.model, "Requests per Minute", 80, 60))
        seed, number = self._settings.seed, self._accepted
        kept = {name: order.body[name] for name in ("output", "storage_options") if order.body.get(name) is not None}
        if len(json.dumps(kept)) > _MAX_KEPT_BYTES:
            raise Refusal(answers.TOO_LARGE)
        job = Job(
            number,
            uuid_like(seed, "job", number),
            uuid_like(seed, "file", number),
            order._replace(body=kept),
            body.sha256,
            self._now(),
            len(raw) if raw.isascii() else 4 * len(raw),  # Python's memory for the string, until the inputs are read
        )
        try:
            self.jobs.add(job, job.created)
        except Full as full:
            raise Refusal(answers.OVERLOADED) from full
        self._accepted += 1
        self.journal.note(order.operation, body.value, 200, job.request_id, job.created)
        if choice is not None and (choice.scenario.when in ("look", "running") or self._take(choice)):
            job.choice = choice
        job.preparation = asyncio.create_task(self._prepare(job, order))
        return job

    async def _prepare(self, job: Job, order: Order) -> None:
        """Read the job's inputs. The first poll reports an unreadable one (register, Recorded timings)."""
        try:
            if media_objects(order.body):
                own = current_origin("")
                reader = self._reader.over(await self._fetched(job, self._reader.over({}, own), order), own)
                product = await self._workers.read(prepare, self._contract, order, reader)
            else:  # nothing blocks, and a thread switch would take longer than the work
                product = prepare(self._contract, order, self._reader)
            self.jobs.plan(job, Plan(product, curve(order.mode, order.model, product, job.request_id)), self._now())
        except InputFailure as failure:
            self.jobs.fail(job, failure)
        except Exhausted as error:
            self.jobs.fail(job, InputFailure(f"Unable to decode the provided media: {error}"))
        except Full:
            self.jobs.fail(job, InputFailure("The service is currently unavailable.", "service_unavailable"))

    async def _fetched(self, job: Job, reader: Reader, order: Order) -> dict[str, bytes | InputFailure]:
        """The contents of the inputs' URLs on this machine, up to the first failure."""
        found: dict[str, bytes | InputFailure] = {}
        for path, source in media_objects(order.body):
            kind = _KINDS.get(path[0], "image")
            url = reader.to_fetch(kind, source)
            if url is None or url in found:
                continue
            try:
                size = reader.max_bytes(kind)
                found[url] = await self._fetcher.get(
                    kind, url, size, lambda more: self.jobs.grow(job, more, self._now())
                )
            except InputFailure as failure:
                found[url] = failure
                break
        return found

    async def _upload(self, job: Job, url: str, product: Product) -> None:
        """Upload a finished job's file to its `output.upload_url`."""
        try:
            if uploads_to(url):
                await self._fetcher.put(url, await self._workers.render(self.files.content, product))
        except InputFailure as failure:
            self.jobs.fail(job, failure)
        except Missing:
            self.jobs.fail(
                job, InputFailure("An internal error occurred while the video was generated.", "internal_error")
            )

    def _job(self, request_id: str) -> Job:
        job = self.jobs.get(request_id)
        self._admit(self._contract.default_model if job is None else job.order.model)
        if job is None:
            raise Refusal(self._contract.error("unknown_job" if _ID.fullmatch(request_id) else "malformed_id"))
        return job

    def _headed(self, operation: str, response: Response, model: str = "", request_id: str = "") -> Response:
        """Add the service's headers that the document lists for an answer."""
        listed = self._contract.headers(operation, response.status_code)
        if not listed:
            return response
        trace = hashlib.sha256(f"{self._settings.seed}:trace:{self._traces}".encode()).hexdigest()
        self._traces += 1
        values = {
            "x-request-id": request_id or uuid_like(self._settings.seed, "answer", self._traces),
            "x-ratelimit-limit-requests": str(self._rate.limit),
            "x-ratelimit-remaining-requests": str(self._rate.remaining(model, self._now())),
            "x-zero-data-retention": str(self._settings.zero_data_retention).lower(),
            "x-metrics-e2e-ms": str(500 + int(trace[:4], 16) % 400),  # as in the recorded POSTs
            "traceparent": f"00-{trace[:32]}-{trace[32:48]}-01",
        }
        response.headers.update({name: value for name, value in values.items() if name in listed})
        return response

    def _chosen(self, request: Request) -> Choice | None:
        """The scenario in a request's header."""
        text = request.headers.get("x-sandbox-scenario")
        try:
            choice = None if text is None else choose(text)
        except UnknownScenario as error:
            raise Refusal(Answer(400, {"code": "sandbox", "error": answers.excerpt(str(error))})) from error
        # A client may send the header with every request; these scenarios apply to POSTs only.
        return None if choice and request.method == "GET" and choice.scenario.when in ("start", "accepted") else choice

    def _ends(self, request: Request) -> Choice | None:
        """The scenario for the end of a request's jobs."""
        choice = self._chosen(request) or self._settings.scenario
        return choice if choice is not None and choice.scenario.when == "end" else None

    def _front(self, method: str, handler: Endpoint) -> Endpoint:
        """Wrap an endpoint in the checks of key and scenarios; a refusal becomes the answer."""
        whens: tuple[When, ...] = ("any",) if method == "GET" else ("any", "start")

        async def endpoint(request: Request) -> Response:
            try:
                self._check_key(request)
                choice = self._chosen(request) or self._settings.scenario
                instead = await self._replacement(choice, None, *whens)
                if instead is not None:
                    return instead
                response = await handler(request)
                if choice is None or choice.scenario.when != ("look" if method == "GET" else "accepted"):
                    return response
            except Refusal as refusal:
                return refusal.answer.response()
            except ClientDisconnect:  # before the body was complete: nothing was created, and there is no client
                return Response(status_code=400)
            if not self._take(choice):
                return response
            replaced = choice.scenario.replacement(self._contract)
            response = response if replaced is None else replaced.response()
            return await delivered(response, choice.scenario.delivery, self._settings.slow_seconds)

        return endpoint
