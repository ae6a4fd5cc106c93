"""The service: what each endpoint does with a request, from the key to the answer."""

import asyncio
import hashlib
import re
from collections import Counter
from collections.abc import Callable
from concurrent.futures import Executor
from dataclasses import dataclass
from typing import Any

from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse, Response

from . import answers
from .answers import Refusal
from .cards import model_card
from .contract import Contract
from .delivery import delivered
from .files import FileCache, Files
from .inputs import InputFailure, Kind, Reader, put
from .jobs import Full, Job, JobStore, Plan, curve, uuid_like
from .limits import RateLimit
from .looks import look
from .recipes import Product, prepare
from .rules import Order, accept
from .scenarios import Choice, Scenario, UnknownScenario, choose
from .shape import Body, media_objects

_ID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.IGNORECASE)


@dataclass(frozen=True)
class Settings:
    """What a sandbox can be told; `Sandbox` describes each."""

    scenario: Choice | None
    api_key: str | None
    seed: int
    max_jobs: int
    requests_per_minute: int | None
    requests_per_second: int | None
    concurrent_jobs: int | None
    zero_data_retention: bool
    slow_seconds: float
    max_body_bytes: int
    max_input_bytes: int
    cache_bytes: int


class Service:
    """One sandbox's endpoints and all of its state. Its coroutines run in one event loop.

    Args:
        contract: The document.
        settings: The sandbox's.
        port: Its own.
        now: Gives the simulated time in seconds.
        epoch: Unix time at which simulated time was 0.
        executor: For what blocks: reading inputs and rendering.
    """

    def __init__(
        self,
        contract: Contract,
        settings: Settings,
        port: int,
        now: Callable[[], float],
        epoch: float,
        executor: Executor,
    ) -> None:
        self._contract = contract
        self._settings = settings
        self._now = now
        self._epoch = epoch
        self._executor = executor
        self._accepted = 0
        self._traces = 0
        self._occasions: Counter[str] = Counter()
        self.jobs = JobStore(settings.max_jobs, settings.max_input_bytes)
        self.files = Files(
            f"http://127.0.0.1:{port}",
            self.jobs,
            FileCache(settings.cache_bytes),
            now,
            contract.limit("result_url_lifetime"),
            settings.seed,
            executor,
        )
        image_bytes = int(contract.limit("image_size"))
        sizes: dict[Kind, int] = {"image": image_bytes, "video": settings.max_body_bytes, "audio": image_bytes}
        self._reader = Reader(port, self.files.read, sizes)
        self._rate = RateLimit(
            settings.requests_per_minute, settings.requests_per_second, int(contract.limit("requests_per_minute"))
        )

    async def start(self, operation: str, request: Request) -> Response:
        """Answer the POST of a job."""
        model = self._contract.default_model
        try:
            self._check_key(request)
            choice = _chosen(request) or self._settings.scenario
            if choice is not None and choice.scenario.when == "start" and self._take(choice):
                self._rate.take(model, self._now())  # what goes wrong on command goes wrong in any case, but it counts
                return await self._broken(choice.scenario, model)
            raw, body = await self._body(request)
            model = self._model_of(body)
            self._admit(model)
            order = self._order(operation, body)
            job = self._accept(order, raw, choice)
        except Refusal as refusal:
            return self._started(refusal.answer.response(), model)
        except ClientDisconnect:  # before its body was whole: there is no job, and nobody to tell
            return Response(status_code=400)
        response = self._started(JSONResponse({"request_id": job.request_id}), model)
        response.headers["x-request-id"] = job.request_id
        if job.choice is not None and job.choice.scenario.when == "accepted":
            return await delivered(response, job.choice.scenario.delivery, self._settings.slow_seconds)
        return response

    async def look(self, request: Request) -> Response:
        """Answer the GET of a job."""
        try:
            self._check_key(request)
            choice = _chosen(request)
            job = self._job(request.path_params["request_id"])
        except Refusal as refusal:
            return self._traced(refusal.answer.response())
        if job.preparation is not None:
            await asyncio.shield(job.preparation)
        if job.upload_url is not None and job.plan is not None and job.state(self._now()) == "done":
            job.upload = job.upload or asyncio.create_task(self._upload(job, job.upload_url, job.plan.product))
            await asyncio.shield(job.upload)
        answer, way = look(job, self.files, self._now(), self._epoch, choice)
        return await delivered(self._traced(answer.response()), way, self._settings.slow_seconds)

    async def models(self, request: Request) -> Response:
        """Answer the GET of the list of models."""
        try:
            self._check_key(request)
            self._admit(self._contract.default_model)
        except Refusal as refusal:
            return self._traced(refusal.answer.response())
        cards = [model_card(self._contract, name) for name in self._contract.models]
        return self._traced(JSONResponse({"models": cards}))

    async def model(self, request: Request) -> Response:
        """Answer the GET of one model."""
        try:
            self._check_key(request)
            name = self._contract.model_name(request.path_params["model_id"])
            self._admit(name or self._contract.default_model)
            if name is None:
                raise Refusal(answers.model_not_found(request.path_params["model_id"]))
        except Refusal as refusal:
            return self._traced(refusal.answer.response())
        return self._traced(JSONResponse(model_card(self._contract, name)))

    def records(self) -> list[dict[str, Any]]:
        """The accepted jobs, as `Sandbox.jobs` shows them."""
        now = self._now()
        return [job.record(now) for job in self.jobs.all()]

    def _check_key(self, request: Request) -> None:
        scheme, _, key = request.headers.get("authorization", "").partition(" ")
        key = key.strip()
        if scheme.lower() != "bearer" or not key:
            raise Refusal(answers.NO_KEY)
        if self._settings.api_key is not None and key != self._settings.api_key:
            raise Refusal(answers.bad_key(key))

    def _take(self, choice: Choice) -> bool:
        """Whether the scenario still has an occasion, which is then used up."""
        if choice.times is not None and self._occasions[str(choice)] >= choice.times:
            return False
        self._occasions[str(choice)] += 1
        return True

    async def _broken(self, scenario: Scenario, model: str) -> Response:
        answer = scenario.answer.response() if scenario.answer is not None else Response()
        return await delivered(self._started(answer, model), scenario.delivery, self._settings.slow_seconds)

    def _admit(self, model: str) -> None:
        """Count a request of the API; the quota is one for POSTs and looks (register, Limits)."""
        full = self._rate.take(model, self._now())
        if full is not None:
            raise Refusal(answers.too_many(model, full.what, full.told, full.requests))

    async def _body(self, request: Request) -> tuple[bytes, Body]:
        """The body as sent and as read. A request without a readable one names no model, but counts."""
        try:
            raw = await self._raw(request)
            return raw, Body(raw)
        except Refusal:
            self._admit(self._contract.default_model)
            raise

    def _model_of(self, body: Body) -> str:
        """The model whose limits hold for a body that is not checked yet."""
        name = body.value.get("model") if isinstance(body.value, dict) else None
        known = self._contract.model_name(name) if isinstance(name, str) else None
        return known or self._contract.default_model

    async def _raw(self, request: Request) -> bytes:
        media_type = request.headers.get("content-type", "").partition(";")[0].strip().lower()
        if media_type != "application/json":
            raise Refusal(answers.NOT_JSON)
        raw = bytearray()
        async for chunk in request.stream():
            raw += chunk
            if len(raw) > self._settings.max_body_bytes:
                raise Refusal(answers.TOO_LARGE)
        if not raw:
            raise Refusal(answers.NOT_JSON)
        return bytes(raw)

    def _order(self, operation: str, body: Body) -> Order:
        ranges = body.check(self._contract, operation)
        order = accept(self._contract, operation, body.value, ranges)
        if self._settings.zero_data_retention and not order.body.get("output"):
            raise Refusal(answers.NO_UPLOAD_URL)
        return order

    def _accept(self, order: Order, raw: bytes, choice: Choice | None) -> Job:
        limit = self._settings.concurrent_jobs
        if limit is not None and self.jobs.running(self._now()) >= limit:
            raise Refusal(answers.too_many(order.model))
        seed, number = self._settings.seed, self._accepted
        kept = {name: order.body[name] for name in ("output", "storage_options") if order.body.get(name) is not None}
        job = Job(
            number,
            uuid_like(seed, "job", number),
            uuid_like(seed, "file", number),
            order._replace(body=kept),
            hashlib.sha256(raw).hexdigest(),
            self._now(),
            len(raw),
        )
        try:
            self.jobs.add(job, job.created)
        except Full as full:
            raise Refusal(answers.OVERLOADED) from full
        self._accepted += 1
        if choice is not None and (choice.scenario.when in ("look", "running") or self._take(choice)):
            job.choice = choice
        job.preparation = asyncio.create_task(self._prepare(job, order))
        return job

    async def _prepare(self, job: Job, order: Order) -> None:
        """Read the job's inputs; what can't be read shows on the first look (register, Recorded timings)."""
        loop = asyncio.get_running_loop()
        try:
            if media_objects(order.body):
                product = await loop.run_in_executor(self._executor, prepare, self._contract, order, self._reader)
            else:  # nothing blocks, and the way to a thread and back would take longer than all else
                product = prepare(self._contract, order, self._reader)
            self.jobs.plan(job, Plan(product, curve(order.mode, product, job.request_id)), self._now())
        except InputFailure as failure:
            self.jobs.fail(job, failure)
        except Full:
            self.jobs.fail(job, InputFailure("The service is currently unavailable.", "service_unavailable"))

    async def _upload(self, job: Job, url: str, product: Product) -> None:
        """Send a done job's file where `output` says."""
        loop = asyncio.get_running_loop()
        try:
            await loop.run_in_executor(self._executor, put, url, lambda: self.files.content(product))
        except InputFailure as failure:
            self.jobs.fail(job, failure)

    def _job(self, request_id: str) -> Job:
        job = self.jobs.get(request_id)
        self._admit(self._contract.default_model if job is None else job.order.model)
        if job is None:
            raise Refusal(answers.UNKNOWN_ID if _ID.fullmatch(request_id) else answers.MALFORMED_ID)
        return job

    def _started(self, response: Response, model: str) -> Response:
        """Headers of every answer to a POST (register, Headers)."""
        response.headers["x-ratelimit-limit-requests"] = str(self._rate.limit)
        response.headers["x-ratelimit-remaining-requests"] = str(self._rate.remaining(model, self._now()))
        return self._traced(response)

    def _traced(self, response: Response) -> Response:
        """Headers of every answer of the API."""
        trace = hashlib.sha256(f"{self._settings.seed}:trace:{self._traces}".encode()).hexdigest()
        self._traces += 1
        response.headers["traceparent"] = f"00-{trace[:32]}-{trace[32:48]}-01"
        response.headers["x-zero-data-retention"] = str(self._settings.zero_data_retention).lower()
        return response


def _chosen(request: Request) -> Choice | None:
    """The scenario a request asks for by its header."""
    text = request.headers.get("x-sandbox-scenario")
    try:
        choice = None if text is None else choose(text)
    except UnknownScenario as error:
        raise Refusal(answers.flat(400, "sandbox", str(error))) from error
    # A client that sends the header with every request means its POSTs.
    return None if choice and request.method == "GET" and choice.scenario.when in ("start", "accepted") else choice
