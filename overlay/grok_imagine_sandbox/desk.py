"""What the endpoints of files and batches, which have modules of their own, share with those of jobs."""

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
    """Makes a job of an order."""

    def __call__(
        self, order: Order, raw: bytearray, body: Body, choice: Choice | None, *, is_batched: bool = False
    ) -> Job:
        """Make it.

        Raises:
            Refusal: There is no room for it.
        """


class Desk(NamedTuple):
    """One service's parts.

    `front` puts an endpoint of a method behind the key and the scenarios, `body` reads a JSON body, `order` checks the
    body of an operation, `ends` is the scenario that decides how the jobs of a request end.
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
