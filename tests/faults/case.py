"""What a row of the table is, what users do in it, and what they do next."""

from __future__ import annotations

from collections.abc import Callable, Generator, Sequence
from typing import Any, NamedTuple

from .world import DATA, DEADLINE, Play, World

PART = ("a.mp4.part", "a.mp4.part.json")
"""What a download that can be resumed leaves."""


class Case(NamedTuple):
    """A row of the table.

    Attributes:
        name: Of the fault.
        strikes: POST, look, download, ledger, file or clock.
        fault: What the server or the system does.
        outcome: The error's type, with the reason if it is a DownloadError; or `recovers`.
        job: Whether the service has started a job.
        posts: POSTs that reached the server, whether it read them or not.
        ledger: The state of the job in the ledger afterwards; None if it is not in it.
        error_id: Where the error keeps the id: `request_id`, `candidate_id`; None if there is none.
        then: What the user does next.
        arrange: Makes the world fail.
        play: What the user does.
        left: Files in the folder besides the ledger's.
        shifted: Seconds by which the case itself moves the client's clock.
        patience: Seconds for each step of a request, where the server is slow.
        warns: The warning that comes with it.
        needs_rlimit: Whether it needs a system that bounds the size of files.
        is_measured: Whether memory is measured: what is too much must not be taken in.
    """

    name: str
    strikes: str
    fault: str
    outcome: str
    job: bool
    posts: int
    ledger: str | None
    error_id: str | None
    then: str
    arrange: Callable[[World], object]
    play: Play
    left: Sequence[str] = ()
    shifted: float = 0.0
    patience: float | None = None
    warns: str = ""
    needs_rlimit: bool = False
    is_measured: bool = False

    @property
    def id(self) -> str:
        return f"{self.strikes}-{self.name}".replace(",", "").replace(" ", "-")


# What users do.


def generate(world: World, client: Any) -> Generator[Any, Any, Any]:
    return (yield client.video.generate("A cat", image_url=DATA, duration=1, timeout=DEADLINE))


def save(world: World, client: Any) -> Generator[Any, Any, Any]:
    video = yield from generate(world, client)
    yield client.video.download(video, world.target, timeout=DEADLINE, max_bytes=2**20)
    return video


def start_big(world: World, client: Any) -> Generator[Any, Any, Any]:
    """A body that fits into no buffer on the way."""
    return (yield client.video.start("A cat", image_url=DATA + "A" * (12 * 2**20), duration=1))


# What the user does next.

USE = "nothing: the result is there"
AGAIN = "call again: nothing was started"
CONSOLE = "the console's usage page, before posting again"
CANDIDATE = "`wait(error.candidate_id)` may find the job; else the console's usage page"
WAIT = "`client.video.wait(error.request_id)`, when it is mended; it never posts"
RESUME = "call `download` again: it goes on from the part, and nothing is generated"
REFETCH = "call `download` again: nothing is generated"
