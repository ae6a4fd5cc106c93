"""What a flow may ask of a transport. A flow is a generator that yields these and gets their results back."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Generator, Mapping
from typing import Any, NamedTuple, Protocol, TypeAlias, TypeVar

from .results import Job, Video

T = TypeVar("T")

ProgressCallback: TypeAlias = Callable[[Video], object | Awaitable[object]]
StartedCallback: TypeAlias = Callable[[Job], object | Awaitable[object]]


class Head(NamedTuple):
    """The head of a streamed answer.

    Attributes:
        status: HTTP status; any number that came.
        headers: By lower-case names, without `location`.
        host: Who answered.
        location: A redirect's target, as it came; else empty.
    """

    status: int
    headers: Mapping[str, str]
    host: str
    location: str = ""


class Sink(Protocol):
    """Takes a streamed answer. What it raises ends the transfer."""

    def begin(self, head: Head) -> None:
        """Takes the status and headers, before any chunk."""

    def write(self, chunk: bytes) -> object:
        """Takes the next chunk, as it came over the wire. What it returns is awaited where that is possible."""


class Call:
    """Send a request; the result is the answer, or a TransportError is raised.

    With a timeout the request is bounded as a whole by so many seconds, else each of its steps by the client's own. A paid
    one belongs to a `Post` of `posting`, whose job is then the result.
    """

    __slots__ = ("post", "request", "timeout")

    def __init__(self, request: dict[str, Any], timeout: float | None = None, *, post: Any = None) -> None:
        self.request = request
        self.timeout = timeout
        self.post = post


class Sleep:
    """Pause for so many seconds."""

    __slots__ = ("seconds",)

    def __init__(self, seconds: float) -> None:
        self.seconds = seconds


class Stream:
    """Fetch a file, and hand the answer's head and then its chunks to `sink`, as they come. No redirect is followed.

    Attributes:
        request: As the generated code has it.
        sink: Takes the answer.
        keyed: Whether it is a file at the service: the URL is a path there, and the key goes along. Any other is public, and
            gets no header but the request's.
    """

    __slots__ = ("keyed", "request", "sink")

    def __init__(self, request: Mapping[str, Any], sink: Sink, *, keyed: bool = False) -> None:
        self.request = request
        self.sink = sink
        self.keyed = keyed


class Blocking:
    """Do something that blocks for a moment, such as writing a ledger; the result is what `work` returns."""

    __slots__ = ("work",)

    def __init__(self, work: Callable[[], object]) -> None:
        self.work = work


class Notify:
    """Call the caller's function with a started job, or with its progress; a coroutine is awaited where that is possible."""

    __slots__ = ("callback", "value")

    def __init__(self, callback: Callable[[T], object], value: T) -> None:
        self.callback: Callable[[Any], object] = callback
        self.value = value


Effect: TypeAlias = Call | Sleep | Stream | Blocking | Notify
Flow: TypeAlias = Generator[Effect, Any, T]
