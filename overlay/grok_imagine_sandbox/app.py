"""The ASGI application: routes, counting and logging of requests, and the answers for unknown routes."""

import asyncio
import json
import logging
from collections.abc import AsyncIterator, Callable, Collection
from typing import Any

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response, StreamingResponse
from starlette.routing import Route
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from . import answers
from .connections import Paced
from .delivery import DROPPED
from .guard import Guard
from .scenarios import SCENARIOS
from .service import Service

log = logging.getLogger("grok_imagine_sandbox")

# Called with the method, the path template and the status of each answer; the status of a dropped connection is 0.
Count = Callable[[str, str, int], None]

_BATCH = 100
_SHOWN = 300  # bytes of a path in the log
_METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})


class Switch:
    """An application whose place another can take while the server runs."""

    app: ASGIApp

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on."""
        await self.app(scope, receive, send)


def application(
    service: Service,
    now: Callable[[], float],
    count: Count,
    allow_hosts: Collection[str] = (),
    is_local: bool = True,
) -> ASGIApp:
    """The ASGI application of one sandbox."""

    async def health(request: Request) -> Response:
        return JSONResponse({"status": "ok"}, headers={"cache-control": "no-store"})

    async def jobs(request: Request) -> Response:
        return StreamingResponse(
            _listed(service.jobs.all(), lambda job: job.record(now())), media_type="application/json"
        )

    async def scenarios(request: Request) -> Response:
        listed = SCENARIOS.values()
        return JSONResponse([{"name": item.name, "when": item.when, "summary": item.summary} for item in listed])

    routes = [
        *service.routes(),
        *service.files.routes(),
        Route("/health", health, methods=["GET"]),
        Route("/sandbox/jobs", jobs, methods=["GET"]),
        Route("/sandbox/scenarios", scenarios, methods=["GET"]),
    ]
    app = Starlette(routes=routes, exception_handlers={404: _no_route, 405: _no_method})
    app.router.redirect_slashes = False
    templates = {id(route.endpoint): route.path for route in routes}
    return Paced(Observed(Guard(app, allow_hosts, is_local), templates, now, count))


async def _listed(items: list[Any], described: Callable[[Any], Any]) -> AsyncIterator[str]:
    """Streams a JSON list in parts, so that a long list does not block other requests."""
    yield "["
    for start in range(0, len(items), _BATCH):
        texts = [json.dumps(described(item)) for item in items[start : start + _BATCH]]
        yield ("," if start else "") + ",".join(texts)
        await asyncio.sleep(0)
    yield "]"


async def _no_route(request: Request, error: Exception) -> Response:
    return answers.NO_ROUTE.response()


async def _no_method(request: Request, error: Exception) -> Response:
    headers: Any = getattr(error, "headers", None)  # Starlette's, with Allow
    return Response(status_code=405, headers=headers)


class Observed:
    """Counts and logs each request. It logs only the method and path, never a header, query or body."""

    def __init__(self, app: ASGIApp, templates: dict[int, str], now: Callable[[], float], count: Count) -> None:
        self._app = app
        self._templates = templates
        self._now = now
        self._count = count

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        method = scope["method"] if scope["method"] in _METHODS else "OTHER"
        status = 0

        async def watched(message: Message) -> None:
            nonlocal status
            if message["type"] in ("http.response.start", DROPPED):
                # Counted before it is sent, so that a client with an answer finds it counted.
                status = message.get("status", 0)
                self._count(method, self._templates.get(id(scope.get("endpoint")), "*"), status)
            if message["type"] != DROPPED:
                await send(message)

        await self._app(scope, receive, watched)
        path = scope["raw_path"][:_SHOWN].decode("ascii", "backslashreplace")
        log.info("%s %s %s at simulated %.1f s", method, path, status or "dropped", self._now())
