"""The parts of a service that the endpoints of jobs, files and batches share."""

from collections.abc import Awaitable, Callable
from contextlib import AbstractAsyncContextManager
from typing import NamedTuple, Protocol

from starlette.requests import Request
from starlette.responses import Response

from .contract import Contract
from .files import Files
from .intake import Intake
from .jobs import Job, JobStore
from .rules import Order
from .scenarios import Choice
from .shape import Body
from .work import Workers

Endpoint = Callable[[Request], Awaitable[Response]]


class Accept(Protocol):
    """Creates a job for an order."""

    def __call__(
        self, order: Order, raw: bytearray, body: Body, choice: Choice | None, *, is_batched: bool = False
    ) -> Job:
        """Create the job.

        Raises:
            Refusal: There is no room for it.
        """


class Shared(NamedTuple):
    """The shared parts of one service.

    `front` wraps an endpoint in the checks of key and scenarios, `body` reads a JSON body, `order` checks an operation's
    body, `ends` returns the scenario for the end of a request's jobs.
    """

    contract: Contract
    seed: int
    max_bytes: int
    now: Callable[[], float]
    epoch: float
    workers: Workers
    jobs: JobStore
    files: Files
    intake: Intake
    front: Callable[[str, Endpoint], Endpoint]
    body: Callable[[Request], AbstractAsyncContextManager[tuple[bytearray, Body]]]
    order: Callable[[str, bytearray, Body], Awaitable[Order]]
    accept: Accept
    ends: Callable[[Request], Choice | None]
