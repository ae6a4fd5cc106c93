"""A batch before its first cent: each line held to the contract, its price, and what the ledger and the folder have already."""

from __future__ import annotations

import hashlib
import json
import os
import re
import sqlite3
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any, NamedTuple, Self

from .keys import LOCAL, MOST, Unknown
from .making import expected
from .manifest import SHOWN, BadLine, BadManifest, Line, Manifest
from .options import missing
from .report import KEYS, in_words

if TYPE_CHECKING:
    from grok_imagine import Entry, Ledger, VideoRequest

__all__ = ["Folder", "Known", "Plan", "planned"]

OUTCOMES = "outcomes.jsonl"

OWNER = """
INSERT INTO owners VALUES (?, ?, ?) ON CONFLICT (name) DO UPDATE SET request_id = excluded.request_id, handled =
CASE WHEN request_id = excluded.request_id THEN COALESCE(excluded.handled, handled) ELSE excluded.handled END
"""
"""Notes whose a file is. An outcome without a command says nothing of an earlier one."""

OTHER_TRIES = 50
"""Tenths of a second in which another process is to end a download and note it."""

LONGEST_NAME = 100
"""Characters of an id in a file's name."""

OWN_WORDS = {
    "local_file": "a file of this machine goes into `image`, `reference`, `last_frame` or `video` by its path, without file://"
}


class Plan(NamedTuple):
    """What a batch would do.

    Attributes:
        requests: Lines.
        new: Jobs that it would start.
        known: Requests that the ledger knows, and that are not paid again.
        equal: Lines that ask for what an earlier line does, which runs once.
        cost_usd: What the new jobs cost at most, as far as prices are known.
        unpriced: New jobs whose price is not known.
    """

    requests: int = 0
    new: int = 0
    known: int = 0
    equal: int = 0
    cost_usd: float = 0.0
    unpriced: int = 0


class Folder:
    """The folder of a batch: its videos, and `outcomes.jsonl`, of which each run appends a line for each outcome.

    A context manager. What it has to remember is in a temporary database of SQLite, which keeps little in memory.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._memory = sqlite3.connect("", isolation_level=None, check_same_thread=False)
        self._memory.execute("CREATE TABLE seen (what TEXT PRIMARY KEY, line INTEGER) WITHOUT ROWID")
        self._memory.execute("CREATE TABLE owners (name TEXT PRIMARY KEY, request_id TEXT, handled TEXT) WITHOUT ROWID")
        self._memory.execute("BEGIN")  # one transaction that is never committed: there is nothing to be kept
        self._notes: int | None = None
        self.remember()

    def remember(self) -> None:
        """Which file is whose, by the outcomes of earlier runs and of other processes. A line that a crash cut short says nothing."""
        with suppress(OSError), (self.path / OUTCOMES).open("rb") as notes:
            for raw in notes:
                with suppress(ValueError, TypeError, LookupError):
                    note = json.loads(raw)
                    code, handled = note.get("exec_code"), None
                    if code is not None:  # empty after a failure, so that what succeeded before that is run once more
                        handled = "" if code else str(note.get("exec", ""))
                    owner = (Path(note["path"]).name, str(note["request_id"]), handled)
                    self._memory.execute(OWNER, owner)

    def earlier(self, what: str, line: int) -> int | None:
        """The line at which the same was seen before; None at first."""
        found = self._memory.execute("SELECT line FROM seen WHERE what = ?", (what,)).fetchone()
        if found is None:
            self._memory.execute("INSERT INTO seen VALUES (?, ?)", (what, line))
        return found[0] if found else None

    def target(self, output: str | None, position: int, request_id: str) -> Path:
        """Where the video of a job goes. An id must not lead out of the folder."""
        name = re.sub(r"[^-.0-9A-Za-z_]", "_", request_id)
        if len(name) > LONGEST_NAME:
            name = f"{name[:LONGEST_NAME]}-{hashlib.sha256(request_id.encode('utf-8', 'replace')).hexdigest()[:8]}"
        return self.path / (output or f"{position}-{name}.mp4")

    def has(self, target: Path, request_id: str) -> bool:
        """Whether the video of a job is there already: its file, unless an earlier outcome says that it is another job's."""
        if not target.is_file():
            return False
        owner = self._owner(target)
        return owner is None or owner[0] == request_id

    def is_handled(self, target: Path, request_id: str, command: str) -> bool:
        """Whether the command that was run last for the video of a job is this one, and succeeded."""
        return self._owner(target) == (request_id, command)

    def await_other(self, target: Path, request_id: str, *, is_named: bool) -> bool:
        """Waits a moment for another process that runs the same batch; returns whether it has saved the video of a job.

        Args:
            target: Its file.
            request_id: The job.
            is_named: Whether the manifest names the file, which is then the job's only if its outcome says so.
        """
        for pause in (*[0.1] * OTHER_TRIES, 0.0):
            self.remember()
            owner = self._owner(target)
            if target.is_file() and (owner[0] == request_id if owner else not is_named):
                return True
            time.sleep(pause)
        return False

    def _owner(self, target: Path) -> tuple[str, str | None] | None:
        found = self._memory.execute("SELECT request_id, handled FROM owners WHERE name = ?", (target.name,)).fetchone()
        return found and tuple(found)

    def open(self) -> None:
        """Makes the folder, and opens the list of outcomes. Raises OSError if that can't be, before anything is paid for."""
        self.path.mkdir(parents=True, exist_ok=True)
        self._notes = os.open(self.path / OUTCOMES, os.O_RDWR | os.O_CREAT | os.O_APPEND, 0o666)
        size = os.fstat(self._notes).st_size
        if size and os.lseek(self._notes, size - 1, os.SEEK_SET) >= 0 and os.read(self._notes, 1) != b"\n":
            os.write(self._notes, b"\n")  # a crash left half a line

    def note(self, outcome: Mapping[str, Any]) -> None:
        """Appends an outcome."""
        assert self._notes is not None, "open() comes first"
        rest = memoryview(json.dumps(outcome).encode() + b"\n")
        try:
            while rest:
                rest = rest[os.write(self._notes, rest) :]
        except OSError as error:
            raise OSError(error.errno, error.strerror, str(self.path / OUTCOMES)) from error

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._memory.close()
        if self._notes is not None:
            os.close(self._notes)


class Known(NamedTuple):
    """What the ledger knows of a batch's requests."""

    ledger: Ledger
    origin: str
    batch: str

    def entry(self, request: VideoRequest, copy: int) -> Entry | None:
        """The job of a request, or None."""
        from grok_imagine import BatchSlot

        return self.ledger.known(request, self.origin, BatchSlot(self.batch, copy))


def planned(
    manifest: Manifest,
    folder: Folder,
    known: Known,
    *,
    repeat: bool,
    strict: bool,
    overwrite: bool,
    on_line: Callable[[int], object],
) -> Plan:
    """Checks every line, and adds up what is to be paid. Files of this machine are read, and not kept.

    Raises:
        BadManifest: Lines that make no request, or would spoil another's file.
        LedgerError: The ledger can't be read.
    """
    plan, bad, first, unknown = Plan(), 0, list[BadLine](), dict[str, Unknown]()
    for line in manifest.lines():
        on_line(line.number)
        found = line if isinstance(line, BadLine) else _checked(line, strict)
        if isinstance(line, Line):
            _count_unknown(line, manifest.where(line), unknown)
        if isinstance(line, Line) and not isinstance(found, BadLine):
            copy = plan.requests if repeat else 0
            entry = known.entry(found, copy)
            before = folder.earlier(f"body {found.sha256} {copy}", line.number)
            plan = _counted(plan, found, entry, before)
            found = _misplaced(line, folder, entry, overwrite) or found
        plan = plan._replace(requests=plan.requests + 1)
        if isinstance(found, BadLine):
            bad += 1
            first += [found] if bad <= SHOWN else []
    if bad or unknown:
        raise BadManifest(manifest.name, first, bad, list(unknown.values()))
    return plan


def _count_unknown(line: Line, where: int, unknown: dict[str, Unknown]) -> None:
    """Notes the keys of a line that are none: once each, however many lines have it."""
    for name in line.unknown:
        if before := unknown.get(name):
            unknown[name] = before._replace(times=before.times + 1)
        elif len(unknown) < MOST:
            unknown[name] = Unknown(name, where)


def _checked(line: Line, strict: bool) -> VideoRequest | BadLine:
    from grok_imagine import ConfigurationError, InvalidRequest, request_of

    for key, keyword in LOCAL.items():
        found = line.keywords.get(keyword)
        for path in found if isinstance(found, list) else [found]:
            if isinstance(path, Path) and (problem := missing(path, str(path))):
                return BadLine(line.number, f"`{key}`: {problem}")
    try:
        request = request_of(line.keywords, strict=strict)
        if strict:
            request.check()
        request.sha256  # noqa: B018  # raises what is no JSON
    except (InvalidRequest, ConfigurationError) as error:
        return BadLine(line.number, in_words(error, OWN_WORDS, KEYS))
    except Exception as error:  # a line may hold anything, and the others are told of, too
        return BadLine(line.number, f"makes no request: {type(error).__name__}: {error}")
    return request


def _misplaced(line: Line, folder: Folder, entry: Entry | None, overwrite: bool) -> BadLine | None:
    """What is wrong with the place of a line's video, if anything."""
    if line.output is None:
        return None
    # Some file systems hold two spellings for one name.
    if before := folder.earlier(f"output {line.output.casefold()}", line.number):
        return BadLine(line.number, f"`output`: {line.output!r} is the file of line {before}, too")
    target = folder.path / line.output
    is_own = entry is not None and entry.request_id is not None and folder.has(target, entry.request_id)
    if os.path.lexists(target) and not (overwrite and target.is_file()) and not is_own:
        return BadLine(line.number, f"`output`: {target} exists, and is no video of this line; --overwrite replaces it")
    return None


def _counted(plan: Plan, request: VideoRequest, entry: Entry | None, before: int | None) -> Plan:
    if before is not None:
        return plan._replace(equal=plan.equal + 1)
    if entry is not None:
        return plan._replace(known=plan.known + 1)
    usd = expected(request)
    if usd is None:
        return plan._replace(new=plan.new + 1, unpriced=plan.unpriced + 1)
    return plan._replace(new=plan.new + 1, cost_usd=plan.cost_usd + usd)
