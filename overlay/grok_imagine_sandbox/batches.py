"""The Batch API for videos: its requests run as jobs, faster than at the real service (register, Batches)."""

import asyncio
import hashlib
import json
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from .answers import OVERLOADED, TOO_LARGE, Answer, Refusal, excerpt
from .inputs import InputFailure
from .jobs import Job, uuid_like
from .pages import page
from .polls import poll
from .rules import Order
from .scenarios import Choice
from .shape import Body
from .shared import Endpoint, Shared
from .stored_files import StoredFiles

_MOST_BATCHES = 10_000
_MOST_ROWS = 100_000
_INPUT_TIMEOUT = 5.0  # seconds that a GET waits for inputs
_STAGGER = 0.5  # simulated seconds between the starts of two requests
_READING = 1.0  # simulated seconds until a file of requests is read
_LONGEST_ID = 200
# The recording lacks the code for this text; codes of batches were phrases in August.
_STATE = "The operation was rejected because the system is not in a state required for its execution"
_CANCELLED = "Batch cancelled"
_KINDS = ("video_generation", "video_extension")
_OTHERS = ("chat_get_completion", "responses", "image_generation", "image_edit")
_URLS = {
    "/v1/videos/generations": "generateVideo",
    "/v1/videos": "generateVideo",
    "/v1/videos/edits": "editVideo",
    "/v1/videos/extensions": "extendVideo",
}
_ENDPOINTS = {operation: url for url, operation in reversed(_URLS.items())}


class Wanted(NamedTuple):
    """A checked request that is not added yet."""

    id: str
    sha256: str
    order: Order
    raw: bytearray
    body: Body


@dataclass
class Row:
    """A request of a batch."""

    wanted: Wanted
    job: Job
    begins: float
    is_stopped: bool = False

    def state(self, now: float, is_cancelled: bool) -> str:
        """The state of the request. In a cancelled batch a running request counts as cancelled until it ends."""
        if self.is_stopped:
            return "cancelled"
        found = {"done": "succeeded", "pending": "pending"}.get(self.job.state(now), "failed")
        return "cancelled" if found == "pending" and is_cancelled else found


@dataclass
class Batch:
    """A batch. Times are simulated seconds."""

    id: str
    number: int
    name: str
    created: float
    expires: float
    file_id: str | None = None
    content: bytes | None = None
    """The content of a file of requests, until it is read."""
    cancelled: float | None = None
    message: str | None = None
    rows: dict[str, Row] = field(default_factory=dict)


class Batches:
    """The endpoints of batches, and the batches.

    Args:
        shared: The parts that all endpoints share.
        stored: The files of requests.
    """

    def __init__(self, shared: Shared, stored: StoredFiles) -> None:
        self._shared = shared
        self._contract = shared.contract
        self._stored = stored
        self._batches: dict[str, Batch] = {}
        self._number = self._rows = self._made = 0

    def routes(self) -> list[Route]:
        """The routes of the endpoints."""
        handlers: list[tuple[str, str, Endpoint]] = [
            ("cancelBatch", "POST", self._cancel),  # first, since another route would match its path, too
            ("createBatch", "POST", self._create),
            ("listBatches", "GET", self._list),
            ("getBatch", "GET", self._get),
            ("addBatchRequests", "POST", self._add),
            ("listBatchRequests", "GET", self._requests),
            ("listBatchResults", "GET", self._results),
        ]
        prefix = self._contract.prefix
        return [
            Route(prefix + self._contract.path(name), self._shared.front(method, handler), methods=[method])
            for name, method, handler in handlers
        ]

    def running(self) -> int:
        """The number of running jobs of batches, which do not count against the limits."""
        now = self._shared.now()
        return sum(row.job.state(now) == "pending" for batch in self._batches.values() for row in batch.rows.values())

    async def _create(self, request: Request) -> Response:
        async with self._shared.body(request) as (_, body):
            body.check(self._contract, "createBatch")
            name, file_id = body.value["name"], body.value.get("input_file_id")
        content = None if file_id is None else self._stored.lines(file_id)
        if content is not None and len(content) > self._contract.limit("batch_file_size"):
            raise Refusal(TOO_LARGE)
        if len(self._batches) >= _MOST_BATCHES:
            raise Refusal(OVERLOADED)
        now = self._shared.now()
        batch = Batch(
            f"batch_{uuid_like(self._shared.seed, 'batch', self._number)}",
            self._number,
            excerpt(name),
            now,
            now + self._contract.limit("batch_lifetime"),
            file_id,
            content,
        )
        self._number += 1
        self._batches[batch.id] = batch
        return JSONResponse(self._described(batch))

    async def _list(self, request: Request) -> Response:
        for batch in list(self._batches.values()):
            await self._settle(batch)
        shown, token = page(self._contract, request, self._batches.values(), lambda batch: batch.number)
        return JSONResponse({"batches": [self._described(batch) for batch in shown], "pagination_token": token})

    async def _get(self, request: Request) -> Response:
        return JSONResponse(self._described(await self._batch(request)))

    async def _cancel(self, request: Request) -> Response:
        batch = await self._batch(request)
        if batch.cancelled is None:
            batch.cancelled = self._shared.now()
            batch.content = None
            self._stop(batch, batch.cancelled)
        return JSONResponse(self._described(batch))

    async def _add(self, request: Request) -> Response:
        batch = await self._batch(request)
        if int(request.headers.get("content-length", "0")) > self._contract.limit("batch_add_size"):
            raise Refusal(TOO_LARGE)
        async with self._shared.body(request) as (_, body):
            await self._shared.workers.check(body.check, self._contract, "addBatchRequests")
            wanted = [
                await self._wanted(entry.get("batch_request_id"), entry["batch_request"])
                for entry in body.value["batch_requests"]
            ]
        self._join(batch, wanted, self._shared.ends(request))
        return JSONResponse(None)

    async def _wanted(self, own: str | None, wrapped: Mapping[str, Any]) -> Wanted:
        """A request to add, checked as a single request."""
        given = {name: wrapped[name] for name in (*_KINDS, *_OTHERS) if wrapped.get(name) is not None}
        if len(given) != 1:
            raise self._refused(f"Exactly one of {', '.join(_KINDS)} must be set.")
        ((kind, inner),) = given.items()
        if kind in _OTHERS:
            raise self._refused("the sandbox makes videos only")
        operation = "extendVideo" if kind == "video_extension" else "editVideo" if "video" in inner else "generateVideo"
        return await self._checked(own, operation, inner)

    async def _checked(self, own: str | None, operation: str, inner: Mapping[str, Any]) -> Wanted:
        model = inner.get("model")
        if isinstance(model, str) and self._contract.model_name(model) is None:
            raise self._refused(f"Model {excerpt(model)} is not supported for batch processing.")
        raw = bytearray(json.dumps(inner, ensure_ascii=False).encode())
        body = Body(raw)
        order = await self._shared.order(operation, raw, body)
        self._made += own is None
        found = own or f"batch_request_{uuid_like(self._shared.seed, 'batch request', self._made)}"
        if len(found) > _LONGEST_ID:
            raise self._refused(f"`batch_request_id` is longer than {_LONGEST_ID} characters.")
        content = json.dumps([operation == "extendVideo", inner], sort_keys=True)
        return Wanted(found, hashlib.sha256(content.encode()).hexdigest(), order, raw, body)

    def _join(self, batch: Batch, wanted: list[Wanted], ends: Choice | None) -> None:
        """Add all requests of a call, or none. It does not await, so that no other call interferes."""
        if batch.file_id is not None:
            raise Refusal(_conflict("Cannot add inline requests to a file-based batch"))
        if batch.cancelled is not None:
            raise Refusal(self._contract.unnamed_error("forbidden", "The batch was cancelled."))
        new: dict[str, Wanted] = {}
        for each in wanted:
            before = batch.rows[each.id].wanted if each.id in batch.rows else new.get(each.id)
            if before is None:
                new[each.id] = each
            elif before.sha256 != each.sha256:
                text = f"batch_request_id '{each.id}' content differs from originally submitted"
                raise Refusal(_conflict(text))
        self._begin(batch, new, ends)

    def _begin(self, batch: Batch, new: Mapping[str, Wanted], ends: Choice | None) -> None:
        if self._rows + len(new) > _MOST_ROWS:
            raise Refusal(OVERLOADED)
        now, rows = self._shared.now(), dict[str, Row]()
        last = max((row.begins for row in batch.rows.values()), default=now - _STAGGER)
        try:
            for number, each in enumerate(new.values(), 1):
                job = self._shared.accept(each.order, each.raw, each.body, ends, is_batched=True)
                job.created = max(now, last + number * _STAGGER)
                kept = each._replace(order=each.order._replace(body={}), raw=bytearray(), body=_NOTHING)
                rows[each.id] = Row(kept, job, job.created)
        except Refusal:
            for row in rows.values():
                self._shared.jobs.fail(row.job, InputFailure(_CANCELLED, "cancelled"))
            raise
        batch.rows |= rows
        self._rows += len(rows)

    async def _requests(self, request: Request) -> Response:
        batch = await self._batch(request)
        shown, token = page(self._contract, request, batch.rows.values(), lambda row: row.wanted.id)
        now = self._shared.now()
        listed = []
        for row in shown:
            state = row.state(now, batch.cancelled is not None)
            listed.append(
                {
                    "batch_request_id": row.wanted.id,
                    "endpoint": _ENDPOINTS[row.wanted.order.operation],
                    "model": row.wanted.order.model,
                    "state": state,
                    "create_time": self._date(batch.created),
                    "finish_time": None if state == "pending" else self._date(now),
                }
            )
        return JSONResponse({"batch_request_metadata": listed, "pagination_token": token})

    async def _results(self, request: Request) -> Response:
        batch = await self._batch(request)
        now = self._shared.now()
        if now >= batch.expires:
            raise self._unknown(batch.id)
        ended = [row for row in batch.rows.values() if row.state(now, batch.cancelled is not None) != "pending"]
        shown, token = page(self._contract, request, ended, lambda row: row.wanted.id)
        results = [
            {"batch_request_id": row.wanted.id, "batch_result": self._result(row, batch.cancelled is not None)}
            for row in shown
        ]
        return JSONResponse({"results": results, "pagination_token": token})

    def _result(self, row: Row, is_cancelled: bool) -> dict[str, Any]:
        now = self._shared.now()
        if row.state(now, is_cancelled) == "cancelled":
            return {"error": _CANCELLED}
        answer, _ = poll(self._contract, row.job, self._shared.files, now, self._shared.epoch, None)
        body = answer.body if isinstance(answer.body, dict) else {}
        if answer.status == 200 and isinstance(body.get("video"), dict) and body.get("status") in ("done", None):
            kind = _KINDS[row.wanted.order.operation == "extendVideo"]
            return {"response": {kind: {name: body[name] for name in ("video", "model", "usage") if name in body}}}
        error = body.get("error")
        text = error.get("message") if isinstance(error, dict) else error
        return {"error": text or f"the request ended as {body.get('status', 'failed')}"}

    async def _batch(self, request: Request) -> Batch:
        batch = self._batches.get(request.path_params["batch_id"])
        if batch is None:
            raise self._unknown(request.path_params["batch_id"])
        await self._settle(batch)
        # Reading inputs takes real time, so simulated time waits for it.
        reading = {row.job.preparation for row in batch.rows.values() if row.job.preparation is not None}
        if reading := {task for task in reading if not task.done()}:
            await asyncio.wait(reading, timeout=_INPUT_TIMEOUT)
        return batch

    async def _settle(self, batch: Batch) -> None:
        """Apply the effects of time: reading a file of requests, or an expiry."""
        now = self._shared.now()
        if batch.content is not None and now >= batch.created + _READING:
            content, batch.content = batch.content, None
            try:
                wanted = [await self._line(number, line) for number, line in _lines(content)]
                self._begin(batch, {each.id: each for each in wanted}, None)
            except Refusal as refusal:
                answer = refusal.answer.body
                text = answer.get("error") if isinstance(answer, dict) else answer
                batch.cancelled, batch.message = now, f"JSONL file validation failed: {text}"
        if now >= batch.expires and batch.cancelled is None:
            self._stop(batch, -1.0)

    async def _line(self, number: int, line: bytes) -> Wanted:
        """A line of a file of requests."""
        try:
            entry = json.loads(line)
        except (ValueError, RecursionError) as error:
            raise self._refused(f"line {number}: invalid JSON: {error}") from error
        if not isinstance(entry, dict) or not isinstance(entry.get("body"), dict):
            raise self._refused(f"line {number}: missing field `body`")
        operation, own = _URLS.get(str(entry.get("url"))), entry.get("custom_id")
        if operation is None:
            raise self._refused(f"line {number}: unknown url {excerpt(str(entry.get('url')))}")
        if not isinstance(own, str) or not own:
            raise self._refused(f"line {number}: missing field `custom_id`")
        return await self._checked(own, operation, entry["body"])

    def _stop(self, batch: Batch, now: float) -> None:
        """End the requests that have not started by `now`; they are not billed."""
        for row in batch.rows.values():
            if row.begins > now and row.job.state(self._shared.now()) == "pending":
                row.is_stopped = True
                self._shared.jobs.fail(row.job, InputFailure(_CANCELLED, "cancelled"))

    def _described(self, batch: Batch) -> dict[str, Any]:
        """A batch in the API's form. No recorded batch reports a cost."""
        now = self._shared.now()
        states = [row.state(now, batch.cancelled is not None) for row in batch.rows.values()]
        described = {
            "batch_id": batch.id,
            "name": batch.name,
            "create_time": self._date(batch.created),
            "expire_time": self._date(batch.expires),
            "create_api_key_id": uuid_like(self._shared.seed, "key", 0),
            "cancel_time": None if batch.cancelled is None else self._date(batch.cancelled),
            "cancel_by_xai_message": batch.message,
            "state": {
                "num_requests": len(states),
                "num_pending": states.count("pending"),
                "num_success": states.count("succeeded"),
                "num_error": states.count("failed"),
                "num_cancelled": states.count("cancelled"),
            },
        }
        return described if batch.file_id is None else {**described, "input_file_id": batch.file_id}

    def _date(self, seconds: float) -> str:
        """A time in the service's form: a date."""
        return time.strftime("%Y-%m-%d", time.gmtime(self._shared.epoch + seconds))

    def _refused(self, text: str) -> Refusal:
        return Refusal(self._contract.unnamed_error("bad_request", text))

    def _unknown(self, batch_id: str) -> Refusal:
        return Refusal(self._contract.unnamed_error("not_found", f"Cannot find batch with ID {excerpt(batch_id)}."))


_NOTHING = Body(b"null")


def _conflict(text: str) -> Answer:
    return Answer(412, {"code": _STATE, "error": text})


def _lines(content: bytes) -> Iterator[tuple[int, bytes]]:
    """The non-empty lines of a file of requests, with their numbers."""
    return ((number, line) for number, line in enumerate(content.splitlines(), 1) if line.strip())
