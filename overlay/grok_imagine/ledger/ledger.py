"""A write-ahead ledger of paid jobs: one SQLite file that records every job and survives the death of the process.

It commits the intent before the POST, the request_id before the first poll, then the result and the path of the file.
A crash between intent and request_id leaves an intent with an unknown outcome: it is listed, and never posted again.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import sqlite3
import tempfile
import time
import uuid
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol, TypeVar, get_args

from grok_imagine_api import contract

from ..errors import CostLimitError, GrokImagineError, JobError, StartOutcomeUnknown, VideoModeratedError
from ..literals import State
from ..parsing import cost_ticks
from ..warning_types import LedgerWarning
from .entries import COLUMNS, TRACEPARENT, BatchSlot, Entry
from .mounts import unsafe_kind
from .ownership import OWN, is_under_way
from .store import Store

if TYPE_CHECKING:
    from datetime import timedelta

    from ..core.request import VideoRequest
    from ..core.results import Video

__all__ = ["Entry", "Ledger"]

T = TypeVar("T")
T_co = TypeVar("T_co", covariant=True)

EXPRESSIONS = {"cost_ticks": "COALESCE(:cost_ticks, cost_ticks)"}
"""An answer without a cost does not erase a known cost."""

RESERVED = "MAX(COALESCE(counted_ticks, 0), COALESCE(:cost_ticks, 0))"
COUNTED = {
    **dict.fromkeys(("failed", "expired"), "COALESCE(:cost_ticks, cost_ticks, 0)"),
    **dict.fromkeys(("done", "downloaded", "moderated"), "COALESCE(:cost_ticks, counted_ticks)"),
}
"""Ticks that count against a cap: the reported cost of a job that has ended (0 if it failed and was not billed), or the maximum
cost of a job that runs or reported no cost."""

STORED = {"running": "accepted", "refused": "failed", "unknown": "intended"}
"""The states in the file of what has another word when it is read."""

NOT_REFUSED = "NOT (state = 'failed' AND request_id IS NULL)"
HALVES = (">> 32", "& 0xFFFFFFFF")
IN_FLIGHT = 3600.0
"""Seconds after which no POST can still be under way."""


class Reconciling(Protocol[T_co]):
    """A client of either kind."""

    def reconcile(self, ledger: Ledger | None = None, *, timeout: float | timedelta | None = None) -> T_co:
        """Resumes the accepted jobs of a ledger."""


class Ledger:
    """The ledger in one file, for several threads and processes at once.

    Args:
        path: The file. It is created if missing, readable by its owner alone (mode 0600).
        keep_prompts: Store the prompts; otherwise the ledger stores only their hashes.
        clock: Unix seconds; for tests.

    Raises:
        LedgerError: The file can't be opened, or is not a ledger.
        ConfigurationError: A newer version of this package wrote the file.

    Warns:
        LedgerWarning: The file is on a file system, such as NFS, where processes of other machines may damage it.
    """

    def __init__(
        self, path: str | os.PathLike[str], *, keep_prompts: bool = False, clock: Callable[[], float] = time.time
    ) -> None:
        self.path = Path(path)
        self._keep_prompts = keep_prompts
        self.clock = clock
        self._folder: str | None = None
        self._maker = os.getpid()
        self._store = Store(path)
        if kind := unsafe_kind(self._store.real):
            warnings.warn(
                f"{path} is on a file system ({kind}) where the processes of another machine would damage it;"
                " keep it on a disk of this machine",
                LedgerWarning,
                stacklevel=2,
            )

    @classmethod
    def temporary(cls) -> Ledger:
        """A ledger in a temporary folder, which only `discard` removes: after a crash it can be found there."""
        folder = tempfile.mkdtemp(prefix="grok-imagine-")
        ledger = cls(Path(folder) / "jobs.db")
        ledger._folder = folder
        return ledger

    def begin(self, request: VideoRequest, origin: str) -> str:
        """Commits the intent to post a request, and returns the intent's id.

        Raises:
            LedgerError: The intent could not be written; nothing may be posted.
        """
        return str(self._note(self._intent(request, origin), lambda db: None))

    def claim(self, request: VideoRequest, origin: str, slot: BatchSlot, max_ticks: int | None = None) -> str | Entry:
        """Commits the intent of a batch's request, unless the batch already has it. Safe for several processes.

        Args:
            request: The request to be posted.
            origin: The address it goes to.
            slot: Its place in the batch, and its maximum cost.
            max_ticks: The batch's cost limit, in ticks.

        Returns:
            The intent's id; or the entry of the same request, which must not be posted again.

        Raises:
            CostLimitError: The request could exceed the batch's cost limit; nothing was written.
            LedgerError: The intent could not be written; nothing may be posted.
        """

        def known(db: sqlite3.Connection) -> Entry | None:
            found = self._known(db, request, origin, slot)
            if found is None:
                self._check_cost(db, origin, slot, max_ticks)
            return found

        return self._note(self._intent(request, origin) | slot._asdict(), known)

    def claim_key(self, request: VideoRequest, origin: str, key: str) -> str | Entry:
        """Commits the intent of a request under a caller's key, unless the key is taken; otherwise as `claim`."""
        return self._note(self._intent(request, origin) | {"key": key}, lambda db: self._of_key(db, key, origin))

    def of_key(self, key: str, origin: str) -> Entry | None:
        """The entry of a key. None if there is none, or it was refused."""
        return self._run(lambda db: self._of_key(db, key, origin))

    def _of_key(self, db: sqlite3.Connection, key: str, origin: str) -> Entry | None:
        found = self._entries(db, f"key = ? AND origin = ? AND {NOT_REFUSED}", (key, origin))
        return found[0] if found else None

    def _note(self, values: dict[str, Any], known: Callable[[sqlite3.Connection], Entry | None]) -> str | Entry:
        """Commits an intent in one transaction, unless `known` finds an entry."""
        intent = str(values["intent"])

        def work(db: sqlite3.Connection) -> str | Entry:
            values["owner"] = self._store.owner.begin()
            db.execute("BEGIN IMMEDIATE")
            found = known(db)
            if found is None:
                values["traceparent"] = TRACEPARENT.get()()
                names = ", ".join(values)
                db.execute(f"INSERT INTO jobs ({names}) VALUES ({', '.join(':' + name for name in values)})", values)
            db.execute("COMMIT")
            return found or intent

        OWN.add(intent)  # before others can read it
        try:
            result = self._run(work)
        except BaseException as error:
            OWN.discard(intent)
            if not isinstance(error, GrokImagineError):  # Ctrl-C, perhaps after the commit; nothing is posted
                self.mark_failed(intent, error, may_be_started=False)
            raise
        if result != intent:
            OWN.discard(intent)
        return result

    def check_cost(self, origin: str, slot: BatchSlot, max_ticks: int | None) -> None:
        """Raises CostLimitError as `claim` would now."""
        self._run(lambda db: self._check_cost(db, origin, slot, max_ticks))

    def _check_cost(self, db: sqlite3.Connection, origin: str, slot: BatchSlot, max_ticks: int | None) -> None:
        if max_ticks is None:
            return
        (spent,) = _sums(db, "counted_ticks", "batch = ? AND origin = ?", (slot.batch, origin))
        if spent + (slot.counted_ticks or 0) > max_ticks:
            figures = (ticks / contract.TICKS_PER_USD for ticks in (slot.counted_ticks or 0, spent, max_ticks))
            raise CostLimitError(slot.batch, *figures)

    def known(self, request: VideoRequest, origin: str, slot: BatchSlot) -> Entry | None:
        """A batch's entry of a request. None if there is none, or it was refused."""
        return self._run(lambda db: self._known(db, request, origin, slot))

    def _known(self, db: sqlite3.Connection, request: VideoRequest, origin: str, slot: BatchSlot) -> Entry | None:
        where = (
            f"body_sha256 = ? AND mode = ? AND origin = ? AND batch = ? AND copy = ? AND {NOT_REFUSED}"
            " ORDER BY created DESC LIMIT 1"
        )
        found = self._entries(db, where, (request.sha256, request.mode, origin, slot.batch, slot.copy))
        return found[0] if found else None

    def _intent(self, request: VideoRequest, origin: str) -> dict[str, Any]:
        prompt, now = request.body.get("prompt"), self.clock()
        digest = hashlib.sha256(prompt.encode()).hexdigest() if isinstance(prompt, str) else None
        return {
            "intent": uuid.uuid4().hex, "state": "intended", "origin": origin, "mode": request.mode,
            "model": request.body.get("model"), "body_sha256": request.sha256, "prompt_sha256": digest,
            "prompt": prompt if self._keep_prompts else None, "process": os.getpid(), "created": now, "updated": now,
        }  # fmt: skip

    def confirm(self, intent: str, request_id: str) -> None:
        """Commits the id of the job that an intent became.

        Raises:
            LedgerError: The id could not be written; the error has it.
        """
        self._update("intent = :key", intent, request_id, state="accepted", request_id=request_id)
        OWN.discard(intent)

    def import_job(self, request_id: str, origin: str) -> None:
        """Commits the id of a job that another client started, unless it is known."""
        now = self.clock()
        self._write(
            "INSERT INTO jobs (intent, state, request_id, origin, created, updated) VALUES (?, 'accepted', ?, ?, ?, ?)"
            " ON CONFLICT (request_id, origin) DO NOTHING",
            (uuid.uuid4().hex, request_id, origin, now, now),
            request_id,
        )

    def mark_failed(self, intent: str, error: BaseException, *, may_be_started: bool) -> None:
        """Commits that an intent did not become a job, or that its outcome is unknown."""
        cause = error.__cause__ if isinstance(error, StartOutcomeUnknown) else error
        code = getattr(cause, "code", None) or type(cause).__name__
        state = "unknown" if may_be_started else "failed"
        payload: Any = getattr(error, "payload", None)
        reported: dict[str, Any] = {"cost_ticks": (ticks := cost_ticks(payload))}
        if ticks is not None:  # the rest of the answer may repeat what was sent
            reported["answer"] = json.dumps({"usage": payload["usage"]})
        self._update("intent = :key", intent, None, state=state, code=str(code), message=_describe(error), **reported)
        OWN.discard(intent)

    def record_result(self, video: Video, origin: str) -> None:
        """Commits how a job ended. Another client may have started it."""
        error = None if video.outcome == "done" else video.failure()
        url = video.url if video.outcome == "done" else None
        self.import_job(video.request_id, origin)
        self._end(
            video.request_id,
            origin,
            state="moderated" if isinstance(error, VideoModeratedError) else video.outcome,
            url=url,
            url_expires=self.clock() + contract.LIMITS["result_url_lifetime"].value if url else None,
            code=error.code if error else None,
            message=error.message[:500] if error else None,
            answer=json.dumps(dict(video.raw)),
            cost_ticks=video.cost_ticks,
        )

    def record_failure(self, error: JobError, origin: str) -> None:
        """Commits that a job ended by an error instead of a state, such as moderation by a 400."""
        if error.request_id:
            self.import_job(error.request_id, origin)
            state, code = "moderated", getattr(error, "code", None)
            reported: dict[str, Any] = {"answer": json.dumps(error.payload)} if error.payload else {}
            reported["cost_ticks"] = cost_ticks(error.payload)
            self._end(error.request_id, origin, state=state, code=code, message=error.message, **reported)

    def record_cost(self, request_id: str, origin: str, ticks: int) -> None:
        """Commits a job's cost from an answer that does not report its end."""
        self.import_job(request_id, origin)
        where = "request_id = :key AND origin = :origin"
        self._update(where, request_id, request_id, origin, cost_ticks=ticks)

    def record_download(self, request_id: str, path: str | os.PathLike[str], origin: str) -> None:
        """Commits that a job's video is on disk."""
        self.import_job(request_id, origin)
        where = "request_id = :key AND origin = :origin"
        self._update(where, request_id, request_id, origin, state="downloaded", path=os.fspath(path))

    def _end(self, request_id: str, origin: str, **values: Any) -> None:
        """Commits how a job ended. If its video is on disk, only a cost is new: `downloaded` is the later state."""
        where = "request_id = :key AND origin = :origin AND state != 'downloaded'"
        is_written = self._update(where, request_id, request_id, origin, **values)
        if not is_written and (ticks := values["cost_ticks"]) is not None:
            where = "request_id = :key AND origin = :origin"
            self._update(where, request_id, request_id, origin, state="downloaded", cost_ticks=ticks)

    def jobs(self, *states: str) -> list[Entry]:
        """The jobs in these states, or all, oldest first.

        An intent whose process has ended is `unknown`: the outcome of its POST is unknown.
        """
        words = get_args(State)
        if wrong := set(states).difference(words):
            raise ValueError(f"states are {', '.join(words)}; got {', '.join(sorted(wrong))}")
        # No more is read than may match: of a million jobs few run.
        stored = {*states, *(STORED[state] for state in states if state in STORED)}
        where = f"state IN ({', '.join('?' * len(stored))})" if states else "TRUE"
        entries = self._run(lambda db: self._entries(db, f"{where} ORDER BY created, rowid", tuple(stored)))
        return [entry for entry in entries if not states or entry.state in states]

    def get(self, request_id: str) -> Entry | None:
        """The job of an id, or None. If two addresses issued the same id, the later job."""
        query = f"SELECT {COLUMNS} FROM jobs WHERE request_id = ? ORDER BY created DESC"
        row = self._run(lambda db: db.execute(query, (request_id,)).fetchone())
        return Entry(*row) if row else None

    def reconcile(self, client: Reconciling[T], *, timeout: float | timedelta | None = None) -> T:
        """Deprecated: `client.reconcile(ledger)` does the same. Awaited with an AsyncClient."""
        warnings.warn("use client.reconcile(ledger)", DeprecationWarning, stacklevel=2)
        return client.reconcile(self, timeout=timeout)

    def load_history(self, origin: str) -> str | None:
        """The JSON that `save_history` stored for an address."""
        row = self._run(lambda db: db.execute("SELECT jobs FROM learned WHERE origin = ?", (origin,)).fetchone())
        return row[0] if row else None

    def save_history(self, origin: str, jobs: str) -> None:
        """Stores the durations of finished jobs, as JSON, for clients of later processes."""
        self._write("INSERT OR REPLACE INTO learned (origin, jobs) VALUES (?, ?)", (origin, jobs))

    def costs_of(self, batch: str, origin: str) -> tuple[float, float]:
        """The reported cost of a batch's jobs in USD, and the part of it for jobs without a video."""
        where = "batch = ? AND origin = ?"
        lost_only = "state NOT IN ('done', 'downloaded')"
        cost, lost = self._run(lambda db: _sums(db, "cost_ticks", where, (batch, origin), "TRUE", lost_only))
        return cost / contract.TICKS_PER_USD, lost / contract.TICKS_PER_USD

    def cost_usd(self) -> float:
        """The reported cost of all jobs, in USD."""
        (ticks,) = self._run(lambda db: _sums(db, "cost_ticks"))
        return ticks / contract.TICKS_PER_USD

    def close(self) -> None:
        """Closes the file."""
        self._store.close()

    @property
    def is_temporary(self) -> bool:
        """Whether `discard` removes it. False in a forked child: the parent owns the file."""
        return self._folder is not None and self._maker == os.getpid()

    def discard(self) -> None:
        """Removes the file if it is temporary."""
        if self._folder and self.is_temporary:
            self.close()
            shutil.rmtree(self._folder, ignore_errors=True)

    def __repr__(self) -> str:
        return f"Ledger({str(self.path)!r})"

    def _entries(self, db: sqlite3.Connection, where: str, values: tuple[Any, ...] = ()) -> list[Entry]:
        """The jobs that match a condition. An intent whose process has ended is `unknown`."""
        query = f"SELECT {COLUMNS}, owner FROM jobs WHERE {where}"
        rows = db.execute(query, values).fetchall()
        gone = {row[0] for row in rows if self._is_gone(Entry(*row[:-1]), row[-1])}
        if gone:  # the process may have written more after this read and before its end
            rows = db.execute(query, values).fetchall()
        entries = [Entry(*row[:-1]) for row in rows]
        return [
            entry._replace(state="unknown", code="process-gone", message="its process ended before the answer")
            if entry.intent in gone and entry.state == "intended"
            else entry
            for entry in entries
        ]

    def _is_gone(self, entry: Entry, owner: str | None) -> bool:
        if entry.state != "intended":
            return False
        is_old = self.clock() - entry.updated > IN_FLIGHT
        return is_old or not is_under_way(self._store.real, entry.intent, owner, entry.process)

    def _update(self, where: str, key: str, job: str | None, origin: str | None = None, **values: Any) -> bool:
        """Changes the job that matches. Returns whether there was one."""
        values["updated"] = self.clock()
        changes = ", ".join(f"{name} = {EXPRESSIONS.get(name, f':{name}')}" for name in values)
        changes += f", counted_ticks = {COUNTED.get(values.get('state', ''), RESERVED)}"
        values.setdefault("cost_ticks", None)
        return (
            self._write(f"UPDATE jobs SET {changes} WHERE {where}", {**values, "key": key, "origin": origin}, job) > 0
        )

    def _write(self, statement: str, values: Any, request_id: str | None = None) -> int:
        return self._run(lambda db: db.execute(statement, values).rowcount, request_id)

    def _run(self, work: Callable[[sqlite3.Connection], T], request_id: str | None = None) -> T:
        return self._store.run(work, request_id)


def _sums(
    db: sqlite3.Connection, column: str, where: str = "TRUE", values: tuple[str, ...] = (), *of: str
) -> list[int]:
    """The sum of a column for each condition. It sums in halves because SQLite raises an error on 64-bit overflow."""
    halves = (f"COALESCE(SUM({column} {half}) FILTER (WHERE {each}), 0)" for each in of or ("TRUE",) for half in HALVES)
    row = db.execute(f"SELECT {', '.join(halves)} FROM jobs WHERE {where}", values).fetchone()
    return [(high << 32) + low for high, low in zip(row[::2], row[1::2], strict=True)]


def _describe(error: BaseException) -> str:
    """The text to store for an error. It omits the service's own words, which may repeat what was sent."""
    status = getattr(error, "status_code", None)
    return f"HTTP {status}" if status else str(error)[:500]
