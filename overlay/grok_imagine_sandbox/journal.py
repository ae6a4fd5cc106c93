"""The journal of a sandbox: which POSTs for videos came, how they were answered, and which jobs they started."""

from __future__ import annotations

import hashlib
import threading
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

_LONGEST = 8192  # characters of a text that are kept; media are longer
_SHOWN = 60


@dataclass(frozen=True)
class Post:
    """A POST for a video, or a request of a batch.

    Attributes:
        operation: The document's operationId: `generateVideo`, `editVideo` or `extendVideo`.
        body: As it was sent, with long texts such as pictures replaced by their beginning, length and hash. None if it was not
            read: it was no JSON, or a scenario answered before.
        status: Of the answer. 0 if the connection was dropped.
        request_id: Of the job that it started; None if it started none.
        at: Simulated seconds.
    """

    operation: str
    body: Any
    status: int
    request_id: str | None
    at: float

    @property
    def is_accepted(self) -> bool:
        """Whether it started a job, which is what costs."""
        return self.request_id is not None

    def __str__(self) -> str:
        end = f"started {self.request_id}" if self.is_accepted else f"refused with {self.status}"
        return f"{self.operation} {self.body!r}: {end} at {self.at:.1f} s"


class Journal:
    """What has come since the sandbox started or was reset. Thread-safe.

    Args:
        jobs: Returns the accepted jobs.
        most: The number of POSTs that are kept.
    """

    def __init__(self, jobs: Callable[[], Sequence[dict[str, Any]]], most: int) -> None:
        self._jobs = jobs
        self._posts: deque[Post] = deque(maxlen=most)
        self._lock = threading.Lock()

    @property
    def posts(self) -> list[Post]:
        """The POSTs for videos in order, refused ones and the requests of batches too."""
        with self._lock:
            return list(self._posts)

    @property
    def jobs(self) -> list[dict[str, Any]]:
        """The accepted jobs in order, in their current state; see `Sandbox.jobs`."""
        return list(self._jobs())

    def assert_posted_once(self, **fields: Any) -> Post:
        """Checks that exactly one job was started by POSTs with these fields, and returns its POST.

        POSTs that were refused, as by a 429 that was retried, cost nothing, and do not count.

        Args:
            **fields: Of the body, as the wire has them: `prompt`, `model`, `duration`... None is one that was not sent.

        Raises:
            AssertionError: There was none, or more than one.
        """
        posts = self.posts
        found = [post for post in posts if _has(post.body, fields)]
        accepted = [post for post in found if post.is_accepted]
        if len(accepted) == 1:
            return accepted[0]
        asked = ", ".join(f"{name}={_kept(value)!r}" for name, value in fields.items()) or "any fields"
        text = f"{len(accepted)} jobs were started by POSTs with {asked}, not 1"
        if not found and posts:
            text += "; no POST had these"
        raise AssertionError("\n  ".join([text, *map(str, found or posts)]) if posts else f"{text}; nothing was posted")

    def note(self, operation: str, body: Any, status: int, request_id: str | None, at: float) -> None:
        """Adds a POST."""
        post = Post(operation, _kept(body), status, request_id, round(at, 3))
        with self._lock:
            self._posts.append(post)


def _has(body: Any, fields: Mapping[str, Any]) -> bool:
    return isinstance(body, Mapping) and all(body.get(name) == _kept(value) for name, value in fields.items())


def _kept(value: Any) -> Any:
    """A JSON value without its long texts. Equal values stay equal, others do not become so."""
    if isinstance(value, str):
        if len(value) <= _LONGEST:
            return value
        digest = hashlib.sha256(value.encode("utf-8", "surrogatepass")).hexdigest()
        return f"{value[:_SHOWN]}... ({len(value)} characters, sha256 {digest})"
    if isinstance(value, Mapping):
        return {name: _kept(item) for name, item in value.items()}
    if isinstance(value, list | tuple):
        return [_kept(item) for item in value]
    return value
