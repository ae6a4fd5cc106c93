"""Idempotency keys: the same key returns the same job, so that a retried step does not pay twice.

The ledger lets one caller claim a key, in one transaction, before anything is posted. Other callers wait for the outcome of
that POST and do not post. A request that did not become a job releases its key.
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
from .entries import Entry
from .recorded import ended_video, recorded_unknown
from .recorder import AlreadyClaimed, LedgerRecorder

LONGEST = 255
"""Maximum length of a key, in characters."""

LEDGER_POLL_INTERVAL = 0.1
"""Seconds between reads of the ledger while another caller's POST is under way."""


class Keyed:
    """A request with an idempotency key.

    Args:
        request: The request.
        key: The key.
        runtime: The client's runtime.
        recorder: The recorder of the client's ledger, which holds the keys. None if the client has no ledger.

    Raises:
        OutOfRange: The key is invalid, or there is no ledger.
    """

    def __init__(self, request: VideoRequest, key: str, runtime: Runtime, recorder: LedgerRecorder | None) -> None:
        _check(key)
        if recorder is None:
            rule = "needs a ledger, where the same key finds the same job, and this client has none"
            raise OutOfRange(rule, fields=["key"], instead="make it with Client(ledger=Ledger(path))", section="client")
        self._request, self._key = request, key
        self._ledger, self._origin = recorder.ledger, recorder.origin
        claiming = recorder.claiming(lambda asked: self._ledger.claim_key(asked, self._origin, key))
        self._runtime = runtime._replace(recorder=claiming)

    def start(self) -> Flow[Job]:
        """The key's job: the existing one, or a new one. Otherwise as `posting.start.start`."""
        while True:
            entry = yield from self._wait_until_settled()
            if entry and (entry.state == "unknown" or not entry.request_id):
                raise self._unknown(entry)
            if entry:
                return Job(str(entry.request_id), self._request)
            try:
                return (yield from start_alone(self._request, self._runtime))
            except AlreadyClaimed:
                continue

    def generate(self, schedule: Schedule | None, **options: Any) -> Flow[Video]:
        """Waits for the key's job and returns its video. Otherwise as `posting.start.generate`."""
        while True:
            entry = yield from self._wait_until_settled()
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
        video = yield from ended_video(entry, self._request, self._runtime, now)
        if video is not None:
            return video
        age = max(now - entry.created, 0.0)
        slot = self._runtime.limiter.track_existing(self._request, schedule, age)
        return (yield from polling.wait(entry.request_id, self._runtime, slot, request=self._request, **options))

    def _wait_until_settled(self) -> Flow[Entry | None]:
        """Waits while a POST under the key is under way. Returns the key's entry, or None if the key is free.

        Raises:
            KeyConflict: The key belongs to a different request.
            RequestTimeout: Another caller's POST takes longer than this client's own POST may take.
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
            yield Sleep(LEDGER_POLL_INTERVAL)

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
        error = recorded_unknown(entry, self._request)
        error.add_note(f"the request is never sent again under the key {self._key!r}; another key sends it again")
        return error


def _check(key: object) -> None:
    if not isinstance(key, str) or not 0 < len(key) <= LONGEST or not key.isprintable():
        rule = f"is a string of 1 to {LONGEST} printable characters; got {shown(repr(key), 100)}"
        raise OutOfRange(rule, fields=["key"], instead="name what the job is for, such as 'order-17'", section="client")
