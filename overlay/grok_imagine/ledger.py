"""A write-ahead ledger of paid jobs: one SQLite file that knows every job, whatever kills the process.

The intent is committed before the POST, the request_id before the first look, then how the job ended and where its file
is. What a crash leaves between the two is an intent whose outcome is unknown: it is listed, and never posted again.
"""

from __future__ import annotations

import hashlib
import os
import sqlite3
import threading
import time
import uuid
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple, TypeVar, overload

from grok_imagine_api import contract

from .errors import ConfigurationError, JobError, LedgerError, StartOutcomeUnknown, VideoModeratedError
from .retry import Delivery, delivery_of

if TYPE_CHECKING:
    from datetime import timedelta

    from .client import AsyncClient, Client
    from .reconcile import Reconciliation
    from .requests import VideoRequest
    from .results import Video

__all__ = ["Entry", "Ledger"]

T = TypeVar("T")

STATES = ("intended", "accepted", "unknown", "done", "failed", "expired", "moderated", "downloaded")
IN_FLIGHT = 3600.0
"""Seconds after which an intent can't be on its way any more, whoever made it."""

MIGRATIONS = (
    """
    CREATE TABLE jobs (
        intent TEXT PRIMARY KEY, state TEXT NOT NULL, request_id TEXT UNIQUE, origin TEXT NOT NULL, mode TEXT, model TEXT,
        body_sha256 TEXT, prompt_sha256 TEXT, prompt TEXT, process INTEGER, created REAL NOT NULL, updated REAL NOT NULL,
        cost_ticks INTEGER, url TEXT, url_expires REAL, path TEXT, code TEXT, message TEXT
    ) STRICT;
    CREATE INDEX jobs_by_state ON jobs (state, created);
    CREATE INDEX jobs_by_body ON jobs (body_sha256);
    """,
)
"""One script for each version of the schema; what was released is never changed, only added to."""

COLUMNS = (
    "intent, state, request_id, origin, mode, model, body_sha256, prompt_sha256, prompt, process, created, updated,"
    " cost_ticks, url, url_expires, path, code, message"
)


class Entry(NamedTuple):
    """A job as the ledger knows it. Times are Unix seconds; `cost_ticks` are of 1/10,000,000,000 USD.

    `request_id` is None while it is only intended, and for ever when the outcome of its POST is unknown. `prompt` is None
    unless the ledger keeps prompts. `url` may be signed: it is not shown.
    """

    intent: str
    state: str
    request_id: str | None
    origin: str
    mode: str | None
    model: str | None
    body_sha256: str | None
    prompt_sha256: str | None
    prompt: str | None
    process: int | None
    created: float
    updated: float
    cost_ticks: int | None
    url: str | None
    url_expires: float | None
    path: str | None
    code: str | None
    message: str | None

    @property
    def cost_usd(self) -> float | None:
        """What it cost in USD, as far as the service said so."""
        return None if self.cost_ticks is None else self.cost_ticks / contract.TICKS_PER_USD

    def __repr__(self) -> str:
        return f"<Entry {self.request_id or self.intent} {self.state} {self.mode or 'of another client'}>"


class Ledger:
    """The ledger in one file, for several threads and processes at once.

    Args:
        path: The file; made if missing, readable by its owner alone (mode 0600).
        keep_prompts: Store prompts as they are; otherwise only their hash is kept.
        clock: Unix seconds; for tests.

    Raises:
        LedgerError: The file can't be opened, or is none of ours.
        ConfigurationError: It was written by a newer version of this package.
    """

    def __init__(
        self, path: str | os.PathLike[str], *, keep_prompts: bool = False, clock: Callable[[], float] = time.time
    ) -> None:
        self.path = Path(path)
        self._keep_prompts = keep_prompts
        self._clock = clock
        self._lock = threading.RLock()
        self._connection: sqlite3.Connection | None = None
        self._process = 0
        self._run(self._migrate)

    def intend(self, request: VideoRequest, origin: str) -> str:
        """Commits that a request is about to be posted, and returns the intent's id.

        Raises:
            LedgerError: It could not be written; then nothing may be posted.
        """
        intent, now = uuid.uuid4().hex, self._clock()
        prompt = request.body.get("prompt")
        digest = hashlib.sha256(prompt.encode()).hexdigest() if isinstance(prompt, str) else None
        values = {
            "intent": intent, "state": "intended", "origin": origin, "mode": request.mode,
            "model": request.body.get("model"), "body_sha256": request.sha256, "prompt_sha256": digest,
            "prompt": prompt if self._keep_prompts else None, "process": os.getpid(), "created": now, "updated": now,
        }  # fmt: skip
        names = ", ".join(values)
        self._write(f"INSERT INTO jobs ({names}) VALUES ({', '.join(':' + name for name in values)})", values)
        return intent

    def accept(self, intent: str, request_id: str) -> None:
        """Commits the id of the job that an intent became.

        Raises:
            LedgerError: It could not be written; the error has the id.
        """
        self._update("intent = :key", intent, request_id, state="accepted", request_id=request_id)

    def adopt(self, request_id: str, origin: str) -> None:
        """Commits an id that another client started; nothing if it is known."""
        now = self._clock()
        self._write(
            "INSERT INTO jobs (intent, state, request_id, origin, created, updated) VALUES (?, 'accepted', ?, ?, ?, ?)"
            " ON CONFLICT (request_id) DO NOTHING",
            (uuid.uuid4().hex, request_id, origin, now, now),
        )

    def give_up(self, intent: str, error: BaseException) -> None:
        """Commits that an intent became no job, or that nobody knows."""
        certain = delivery_of(error) is not Delivery.OUTCOME_UNKNOWN and isinstance(error, Exception)
        cause = error.__cause__ if isinstance(error, StartOutcomeUnknown) else error
        code = getattr(cause, "code", None) or type(cause).__name__
        state = "failed" if certain else "unknown"
        self._update("intent = :key", intent, None, state=state, code=str(code), message=str(error)[:500])

    def saw(self, video: Video, origin: str) -> None:
        """Commits how a job has ended, one of another client's as well."""
        error = None if video.outcome == "done" else video.failure()
        ticks = video.usage.cost_in_usd_ticks if video.usage else None
        url = video.url if video.outcome == "done" else None
        self.adopt(video.request_id, origin)
        self._update(
            "request_id = :key AND state != 'downloaded'",
            video.request_id,
            video.request_id,
            state="moderated" if isinstance(error, VideoModeratedError) else video.outcome,
            url=url,
            url_expires=self._clock() + contract.LIMITS["result_url_lifetime"].value if url else None,
            code=error.code if error else None,
            message=error.message[:500] if error else None,
            # An answer without a cost does not unsay one.
            **({"cost_ticks": ticks} if isinstance(ticks, int) else {}),
        )

    def lost(self, error: JobError, origin: str) -> None:
        """Commits that a job ended by an error that is no state of it, such as moderation by a 400."""
        if error.request_id:
            self.adopt(error.request_id, origin)
            state, code = "moderated", getattr(error, "code", None)
            self._update(
                "request_id = :key AND state != 'downloaded'",
                error.request_id,
                error.request_id,
                state=state,
                code=code,
                message=error.message,
            )

    def downloaded(self, request_id: str, path: str | os.PathLike[str], origin: str) -> None:
        """Commits that a job's video is on disk."""
        self.adopt(request_id, origin)
        self._update("request_id = :key", request_id, request_id, state="downloaded", path=os.fspath(path))

    def jobs(self, *states: str) -> list[Entry]:
        """The jobs in these states, or all, oldest first.

        An intent whose process is gone is `unknown`: nobody can say whether its POST was taken.
        """
        wrong = set(states) - set(STATES)
        if wrong:
            raise ValueError(f"states are {', '.join(STATES)}; got {', '.join(sorted(wrong))}")
        rows = self._run(lambda db: db.execute(f"SELECT {COLUMNS} FROM jobs ORDER BY created, rowid").fetchall())
        entries = [self._judged(Entry(*row)) for row in rows]
        return [entry for entry in entries if not states or entry.state in states]

    def get(self, request_id: str) -> Entry | None:
        """The job of an id, or None."""
        query = f"SELECT {COLUMNS} FROM jobs WHERE request_id = ?"
        row = self._run(lambda db: db.execute(query, (request_id,)).fetchone())
        return Entry(*row) if row else None

    @overload
    def reconcile(self, client: Client, *, timeout: float | timedelta | None = None) -> Reconciliation: ...

    @overload
    def reconcile(
        self, client: AsyncClient, *, timeout: float | timedelta | None = None
    ) -> Coroutine[Any, Any, Reconciliation]: ...

    def reconcile(
        self, client: Client | AsyncClient, *, timeout: float | timedelta | None = None
    ) -> Reconciliation | Coroutine[Any, Any, Reconciliation]:
        """Takes up every accepted job and lists the unknown ones; never posts. Awaited with an AsyncClient.

        Args:
            client: Of the address that the jobs were started at.
            timeout: Seconds for all of them, default 600; 0 looks at each once.

        Raises:
            LedgerError: The ledger can't be read or written.
            ApiError: An answer that holds for all jobs, such as a wrong key.
        """
        return client._reconcile(self, timeout)

    def cost_usd(self) -> float:
        """USD that the service said all jobs cost."""
        ticks = self._run(lambda db: db.execute("SELECT COALESCE(SUM(cost_ticks), 0) FROM jobs").fetchone()[0])
        return float(ticks / contract.TICKS_PER_USD)

    def close(self) -> None:
        """Closes the file."""
        with self._lock:
            if self._connection is not None:
                self._connection.close()
                self._connection = None

    def __repr__(self) -> str:
        return f"Ledger({str(self.path)!r})"

    def _judged(self, entry: Entry) -> Entry:
        gone = entry.process != os.getpid() and not _is_alive(entry.process)
        if entry.state == "intended" and (gone or self._clock() - entry.updated > IN_FLIGHT):
            return entry._replace(state="unknown", code="process-gone", message="its process ended before the answer")
        return entry

    def _update(self, where: str, key: str, job: str | None, **values: Any) -> None:
        values["updated"] = self._clock()
        changes = ", ".join(f"{name} = :{name}" for name in values)
        self._write(f"UPDATE jobs SET {changes} WHERE {where}", {**values, "key": key}, job)

    def _write(self, statement: str, values: Any, request_id: str | None = None) -> None:
        self._run(lambda db: db.execute(statement, values), request_id)

    def _run(self, work: Callable[[sqlite3.Connection], T], request_id: str | None = None) -> T:
        try:
            with self._lock:
                # A connection must not cross a fork: the child opens its own.
                if self._connection is None or self._process != os.getpid():
                    self._connection, self._process = _open(self.path), os.getpid()
                return work(self._connection)
        except (sqlite3.Error, OSError) as error:
            raise LedgerError(f"{self.path}: {error}", request_id=request_id) from error

    def _migrate(self, db: sqlite3.Connection) -> None:
        db.execute("BEGIN IMMEDIATE")
        try:
            version = db.execute("PRAGMA user_version").fetchone()[0]
            if version == 0 and db.execute("SELECT COUNT(*) FROM sqlite_master").fetchone()[0]:
                raise sqlite3.DatabaseError("a database of something else")
            if version > len(MIGRATIONS):
                raise ConfigurationError(f"{self.path} was written by a newer version of this package ({version})")
            for script in MIGRATIONS[version:]:
                for statement in filter(str.strip, script.split(";")):
                    db.execute(statement)
            db.execute(f"PRAGMA user_version = {len(MIGRATIONS)}")
            db.execute("COMMIT")
        except BaseException:
            db.execute("ROLLBACK")
            raise


def _open(path: Path) -> sqlite3.Connection:
    # Made before SQLite opens it, which would follow the umask; its -wal and -shm files take the same mode.
    os.close(os.open(path, os.O_RDWR | os.O_CREAT, 0o600))
    if path.stat().st_size == 0:  # what is not empty may be another's, and is looked at first
        path.chmod(0o600)
    db = sqlite3.connect(path, timeout=30, isolation_level=None, check_same_thread=False)
    db.execute("PRAGMA journal_mode = WAL")
    db.execute("PRAGMA synchronous = FULL")
    return db


def _is_alive(process: int | None) -> bool:
    if process is None:
        return False
    if os.name == "nt":  # there, signal 0 is Ctrl-C; age alone decides
        return True
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True
