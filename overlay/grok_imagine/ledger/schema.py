"""The schema of the ledger's file: its migrations, and how a ledger is recognised."""

from __future__ import annotations

import sqlite3
from pathlib import Path

from ..errors import ConfigurationError, LedgerError

APPLICATION_ID = 0x47496C64
"""SQLite's application_id of a ledger since version 3. Older ledgers are recognised by table and version."""

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
    """
    ALTER TABLE jobs ADD COLUMN owner TEXT;
    ALTER TABLE jobs ADD COLUMN key TEXT;
    CREATE UNIQUE INDEX jobs_by_key ON jobs (key, origin) WHERE NOT (state = 'failed' AND request_id IS NULL);
    """,
    """
    ALTER TABLE jobs ADD COLUMN traceparent TEXT;
    """,
)
"""One script for each version of the schema. A released script never changes; new ones are appended."""


def is_ours(db: sqlite3.Connection) -> bool | None:
    """Whether a file is a ledger. None if it is empty and may become one. Nothing is written."""
    if db.in_transaction:
        return _kind(db)
    # In one transaction: between two reads another process may make it a ledger.
    db.execute("BEGIN")
    try:
        return _kind(db)
    finally:
        if db.in_transaction:  # SQLite rolls back by itself after some errors
            db.execute("ROLLBACK")


def _kind(db: sqlite3.Connection) -> bool | None:
    application, version = _number(db, "application_id"), _number(db, "user_version")
    if application == APPLICATION_ID:
        return True
    names = {name for (name,) in db.execute("SELECT name FROM sqlite_master")}
    if not application and version and "jobs" in names:
        return any(column[1] == "intent" for column in db.execute("PRAGMA table_info(jobs)"))
    return False if application or version or names else None


def migrate(db: sqlite3.Connection, path: Path) -> None:
    """Migrates a file to the newest version of the schema, or leaves it unchanged.

    Raises:
        ConfigurationError: A newer version of this package wrote the file.
        LedgerError: It is another program's database.
        sqlite3.Error: It is not a database, or can't be written.
    """
    if _is_current(db, path):
        return
    db.execute("BEGIN IMMEDIATE")
    try:
        if not _is_current(db, path):  # otherwise another process migrated it first
            for script in MIGRATIONS[_number(db, "user_version") :]:
                for statement in filter(str.strip, script.split(";")):
                    db.execute(statement)
            db.execute(f"PRAGMA application_id = {APPLICATION_ID}")
            db.execute(f"PRAGMA user_version = {len(MIGRATIONS)}")
        db.execute("COMMIT")
    except BaseException:
        if db.in_transaction:
            db.execute("ROLLBACK")
        raise


def check_kind(db: sqlite3.Connection, path: Path) -> bool | None:
    """As `is_ours`.

    Raises:
        LedgerError: It is another program's database.
    """
    kind = is_ours(db)
    if kind is False:
        raise LedgerError(f"{path} is another program's database and was not changed; name another file")
    return kind


def _is_current(db: sqlite3.Connection, path: Path) -> bool:
    check_kind(db, path)
    version = _number(db, "user_version")
    if version > len(MIGRATIONS):
        raise ConfigurationError(f"{path} was written by a newer version of this package ({version})")
    return version == len(MIGRATIONS)


def _number(db: sqlite3.Connection, pragma: str) -> int:
    return int(db.execute(f"PRAGMA {pragma}").fetchone()[0])
