"""The ledger's file: how it is opened for several processes at once, and how it came to its present form."""

from __future__ import annotations

import os
import sqlite3
import time
from pathlib import Path

from .errors import ConfigurationError

BUSY = 30.0
"""Seconds for which other processes are waited for that write."""

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
    """
    ALTER TABLE jobs RENAME TO old_jobs;
    CREATE TABLE jobs (
        intent TEXT PRIMARY KEY, state TEXT NOT NULL, request_id TEXT, origin TEXT NOT NULL, mode TEXT, model TEXT,
        body_sha256 TEXT, prompt_sha256 TEXT, prompt TEXT, process INTEGER, created REAL NOT NULL, updated REAL NOT NULL,
        cost_ticks INTEGER, url TEXT, url_expires REAL, path TEXT, code TEXT, message TEXT,
        batch TEXT, copy INTEGER, counted_ticks INTEGER, answer TEXT, UNIQUE (request_id, origin)
    ) STRICT;
    INSERT INTO jobs SELECT *, NULL, NULL, NULL, NULL FROM old_jobs ORDER BY rowid;
    DROP TABLE old_jobs;
    CREATE INDEX jobs_by_state ON jobs (state, created);
    CREATE INDEX jobs_by_body ON jobs (body_sha256);
    CREATE INDEX jobs_by_batch ON jobs (batch, origin, counted_ticks);
    CREATE TABLE sent (origin TEXT NOT NULL, at REAL NOT NULL) STRICT;
    CREATE INDEX sent_by_time ON sent (origin, at);
    CREATE TABLE learned (origin TEXT PRIMARY KEY, jobs TEXT NOT NULL) STRICT;
    """,
)
"""One script for each version of the schema; what was released is never changed, only added to."""


def open_file(path: Path) -> sqlite3.Connection:
    """A connection to the ledger's file, which is made if missing. For one thread at a time."""
    # Made before SQLite opens it, which would follow the umask; its -wal and -shm files take the same mode.
    os.close(os.open(path, os.O_RDWR | os.O_CREAT, 0o600))
    if path.stat().st_size == 0:  # what is not empty may be another's, and is looked at first
        path.chmod(0o600)
    db = sqlite3.connect(path, timeout=BUSY, isolation_level=None, check_same_thread=False)
    _log_ahead(db)
    db.execute("PRAGMA synchronous = FULL")
    # Else one text that a bad disk spoiled would hide every other row.
    db.text_factory = lambda raw: raw.decode("utf-8", "replace")
    return db


def _log_ahead(db: sqlite3.Connection) -> None:
    """Turns the write-ahead log on. Of processes that do so at once SQLite refuses all but one, whatever their timeout."""
    end = time.monotonic() + BUSY
    while True:
        try:
            db.execute("PRAGMA journal_mode = WAL")
            return
        except sqlite3.OperationalError as error:
            if error.sqlite_errorcode != sqlite3.SQLITE_BUSY or time.monotonic() > end:
                raise
            time.sleep(0.01)


def migrate(db: sqlite3.Connection, path: Path) -> None:
    """Brings a file to the newest version of the schema, or leaves it alone.

    Raises:
        ConfigurationError: It was written by a newer version of this package.
        sqlite3.Error: It is a file of something else.
    """
    db.execute("BEGIN IMMEDIATE")
    try:
        version = db.execute("PRAGMA user_version").fetchone()[0]
        if version == 0 and db.execute("SELECT COUNT(*) FROM sqlite_master").fetchone()[0]:
            raise sqlite3.DatabaseError("a database of something else")
        if version > len(MIGRATIONS):
            raise ConfigurationError(f"{path} was written by a newer version of this package ({version})")
        for script in MIGRATIONS[version:]:
            for statement in filter(str.strip, script.split(";")):
                db.execute(statement)
        db.execute(f"PRAGMA user_version = {len(MIGRATIONS)}")
        db.execute("COMMIT")
    except BaseException:
        db.execute("ROLLBACK")
        raise
