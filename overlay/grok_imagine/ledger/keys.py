"""A caller's own key for a request: whoever asks again under it gets the same job. That is what a retried step needs.

The ledger lets one caller at a time claim a key, in one transaction, before anything is posted. Another one waits for what
comes of that POST, and does not post. What became no job gives its key back.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from ..core import polling
from ..core.effects import Blocking, Flow, Sleep
from ..core.operations import Book, Context
from ..core.request import VideoRequest
from ..core.results import Job, Video
from ..errors import KeyConflict, OutOfRange, RequestTimeout
from ..parsing import shown
from ..posting import start as starting
from . import known
from .entries import Entry
from .verdicts import noted_unknown

if TYPE_CHECKING:
    from ..pacing.predictor import Key as Kind

LONGEST = 255
"""Characters of a key."""

ELSEWHERE = 0.1
"""Seconds between looks into the ledger for a POST that another caller has under way."""


class Claimed(Exception):
    """Another caller has the key by now."""


class Keyed:
    """A request under a key.

    Args:
        request: What is asked for.
        key: The key.
        kind: Of the job, for the pacer.
        context: The client's, whose ledger knows the keys.

    Raises:
        OutOfRange: The key is none, or there is no ledger.
    """

    def __init__(self, request: VideoRequest, key: str, kind: Kind, context: Context) -> None:
        _check(key)
        if context.book is None:
            rule = "is kept in a ledger, by which the same key finds the same job, and this client has none"
            raise OutOfRange(rule, fields=["key"], instead="make it with Client(ledger=Ledger(path))", section="client")
        self._request, self._key, self._kind, self._context = request, key, kind, context
        self._book: Book = context.book

    def start(self) -> Flow[Job]:
        """The job of the key: the one that it has, or a new one. Otherwise as `starting.start`."""
        while True:
            entry = yield from self._settled()
            if entry and (entry.state == "unknown" or not entry.request_id):
                raise self._unknown(entry)
            if entry:
                return Job(str(entry.request_id), self._request)
            try:
                return (yield from starting.start_alone(self._request, self._context, self._kind, self._claim()))
            except Claimed:
                continue

    def generate(self, schedule: polling.Schedule | None, **options: Any) -> Flow[Video]:
        """The video of the job of the key, waited for if it runs; or its error. Otherwise as `polling.generate`."""
        request, context = self._request, self._context
        while True:
            entry = yield from self._settled()
            if entry:
                return (yield from self._video(entry, schedule, options))
            try:
                intend = self._claim()
                return (yield from polling.generate(request, context, self._kind, schedule, intend=intend, **options))
            except Claimed:
                continue

    def _video(self, entry: Entry, schedule: polling.Schedule | None, options: dict[str, Any]) -> Flow[Video]:
        if entry.state == "unknown" or not entry.request_id:
            raise self._unknown(entry)
        now = self._book.ledger.clock()
        video = yield from known.ended(entry, self._request, self._context, now)
        if video is not None:
            return video
        age = max(now - entry.created, 0.0)
        ticket = self._context.pacer.join(self._kind, schedule, age)
        return (yield from polling.wait(entry.request_id, self._context, ticket, request=self._request, **options))

    def _settled(self) -> Flow[Entry | None]:
        """What the ledger has under the key, once no POST for it is under way; None if it is free.

        Raises:
            KeyConflict: It has another request.
            RequestTimeout: The POST of another caller takes longer than any of this client's would.
        """
        request, book, context = self._request, self._book, self._context
        limit = context.request_timeout + context.retries.policy.budget
        end = context.clock() + limit
        while True:
            entry: Entry | None = yield Blocking(lambda: book.ledger.of_key(self._key, book.origin))
            if entry and (entry.mode, entry.body_sha256) != (request.mode, request.sha256):
                raise KeyConflict(self._key, request.mode, request.sha256, entry)
            if entry is None or entry.state != "intended":
                return entry
            if context.clock() >= end:
                text = f"after {limit:g} s another caller's POST under the key {self._key!r} is still under way"
                raise RequestTimeout(f"{text}; nothing was sent, and the same call may be made again")
            yield Sleep(ELSEWHERE)

    def _claim(self) -> Callable[[], str]:
        request, book = self._request, self._book

        def claim() -> str:
            claimed = book.ledger.claim_key(request, book.origin, self._key)
            if isinstance(claimed, Entry):
                raise Claimed
            return claimed

        return claim

    def _unknown(self, entry: Entry) -> Exception:
        error = noted_unknown(entry, self._request)
        error.add_note(f"under the key {self._key!r} it is never sent again; another key sends it anew")
        return error


def _check(key: object) -> None:
    if not isinstance(key, str) or not 0 < len(key) <= LONGEST or not key.isprintable():
        rule = f"is a text of 1 to {LONGEST} printable characters; got {shown(repr(key), 100)}"
        raise OutOfRange(rule, fields=["key"], instead="name what the job is for, such as 'order-17'", section="client")
