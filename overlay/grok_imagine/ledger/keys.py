"""A caller's own key for a request: whoever asks again under it gets the same job. That is what a retried step needs.

The ledger lets one caller at a time claim a key, in one transaction, before anything is posted. Another one waits for what
comes of that POST, and does not post. What became no job gives its key back.
"""

from __future__ import annotations

from typing import Any

from ..core import polling
from ..core.effects import Blocking, Flow, Sleep
from ..core.hooks import Runtime
from ..core.request import VideoRequest
from ..core.results import Job, Video
from ..core.schedule import Schedule
from ..errors import KeyConflict, OutOfRange, RequestTimeout
from ..parsing import shown
from ..posting.start import generate, start_alone
from . import known
from .entries import Entry
from .recorder import AlreadyClaimed, LedgerRecorder
from .verdicts import noted_unknown

LONGEST = 255
"""Characters of a key."""

ELSEWHERE = 0.1
"""Seconds between looks into the ledger for a POST that another caller has under way."""


class Keyed:
    """A request under a key.

    Args:
        request: What is asked for.
        key: The key.
        runtime: The client's.
        recorder: Of its ledger, which knows the keys; None if it has none.

    Raises:
        OutOfRange: The key is none, or there is no ledger.
    """

    def __init__(self, request: VideoRequest, key: str, runtime: Runtime, recorder: LedgerRecorder | None) -> None:
        _check(key)
        if recorder is None:
            rule = "is kept in a ledger, by which the same key finds the same job, and this client has none"
            raise OutOfRange(rule, fields=["key"], instead="make it with Client(ledger=Ledger(path))", section="client")
        self._request, self._key = request, key
        self._ledger, self._origin = recorder.ledger, recorder.origin
        claiming = recorder.claiming(lambda asked: self._ledger.claim_key(asked, self._origin, key))
        self._runtime = runtime._replace(recorder=claiming)

    def start(self) -> Flow[Job]:
        """The job of the key: the one that it has, or a new one. Otherwise as `posting.start.start`."""
        while True:
            entry = yield from self._settled()
            if entry and (entry.state == "unknown" or not entry.request_id):
                raise self._unknown(entry)
            if entry:
                return Job(str(entry.request_id), self._request)
            try:
                return (yield from start_alone(self._request, self._runtime))
            except AlreadyClaimed:
                continue

    def generate(self, schedule: Schedule | None, **options: Any) -> Flow[Video]:
        """The video of the job of the key, waited for if it runs; or its error. Otherwise as `posting.start.generate`."""
        while True:
            entry = yield from self._settled()
            if entry:
                return (yield from self._video(entry, schedule, options))
            try:
                return (yield from generate(self._request, self._runtime, schedule, **options))
            except AlreadyClaimed:
                continue

    def _video(self, entry: Entry, schedule: Schedule | None, options: dict[str, Any]) -> Flow[Video]:
        if entry.state == "unknown" or not entry.request_id:
            raise self._unknown(entry)
        now = self._ledger.clock()
        video = yield from known.ended(entry, self._request, self._runtime, now)
        if video is not None:
            return video
        age = max(now - entry.created, 0.0)
        slot = self._runtime.limiter.track_existing(self._request, schedule, age)
        return (yield from polling.wait(entry.request_id, self._runtime, slot, request=self._request, **options))

    def _settled(self) -> Flow[Entry | None]:
        """What the ledger has under the key, once no POST for it is under way; None if it is free.

        Raises:
            KeyConflict: It has another request.
            RequestTimeout: The POST of another caller takes longer than any of this client's would.
        """
        request, runtime = self._request, self._runtime
        limit = runtime.request_timeout + runtime.retries.policy.budget
        end = runtime.clock() + limit
        while True:
            entry: Entry | None = yield Blocking(lambda: self._ledger.of_key(self._key, self._origin))
            if entry and (entry.mode, entry.body_sha256) != (request.mode, request.sha256):
                raise self._conflict(entry)
            if entry is None or entry.state != "intended":
                return entry
            if runtime.clock() >= end:
                text = f"after {limit:g} s another caller's POST under the key {self._key!r} is still under way"
                raise RequestTimeout(f"{text}; nothing was sent, and the same call may be made again")
            yield Sleep(ELSEWHERE)

    def _conflict(self, entry: Entry) -> KeyConflict:
        return KeyConflict(
            self._key,
            mode=self._request.mode,
            body_sha256=self._request.sha256,
            known_mode=entry.mode,
            known_sha256=entry.body_sha256,
            known_id=entry.request_id,
        )

    def _unknown(self, entry: Entry) -> Exception:
        error = noted_unknown(entry, self._request)
        error.add_note(f"under the key {self._key!r} it is never sent again; another key sends it anew")
        return error


def _check(key: object) -> None:
    if not isinstance(key, str) or not 0 < len(key) <= LONGEST or not key.isprintable():
        rule = f"is a text of 1 to {LONGEST} printable characters; got {shown(repr(key), 100)}"
        raise OutOfRange(rule, fields=["key"], instead="name what the job is for, such as 'order-17'", section="client")
