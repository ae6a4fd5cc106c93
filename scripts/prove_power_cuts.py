"""Cuts the power in simulation while a ledger is written, and opens what the disk then holds: prove_power_cuts.py [CUTS] [SEED].

A process works with the ledger: it notes intents, ids and ends, takes from the quota, opens it twice, closes and opens it
anew, and checkpoints its log. Each write, truncation, sync and deletion that SQLite asks the system for is recorded, by
wrapping its layer for files, and so is each moment at which a line was said to be committed. Then the disk is made that a power
cut at a random moment might leave: of each file all that was synced, and of what was not any part: none, all, or some of its
sectors, in any order; names that the folder was not synced for are there or not. The ledger is opened from it.

The proof fails if a line is missing that was said to be committed before the cut, or PRAGMA integrity_check finds anything.
What a cut takes is what the quota counted: that is not synced, and not looked for. Not simulated are disks that lie
about a sync, sectors that are neither old nor new, and the file system's own recovery.

With the word `careless` as a third argument it works without syncs, and has to find losses: a proof that it can fail.
"""

from __future__ import annotations

import ctypes
import ctypes.util
import os
import pickle
import random
import sqlite3
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

from grok_imagine import BatchSlot, GrokImagineError, Ledger, LedgerQuota, TextToVideo, Video

SECTOR = 512
TURNS = 40

Event = tuple[Any, ...]
EVENTS: list[Event] = []


# The recording.

METHODS = (
    "xClose xRead xWrite xTruncate xSync xFileSize xLock xUnlock xCheckReservedLock xFileControl xSectorSize"
    " xDeviceCharacteristics xShmMap xShmLock xShmBarrier xShmUnmap xFetch xUnfetch"
)


class Methods(ctypes.Structure):
    """sqlite3_io_methods of version 3."""

    _fields_ = (("iVersion", ctypes.c_int), *((name, ctypes.c_void_p) for name in METHODS.split()))


class Layer(ctypes.Structure):
    """The head of sqlite3_vfs."""

    _fields_ = (
        *((name, ctypes.c_int) for name in ("iVersion", "szOsFile", "mxPathname")),
        *((name, ctypes.c_void_p) for name in ("pNext", "zName", "pAppData", "xOpen", "xDelete")),
    )


# The name stays a pointer: SQLite keeps it, and what it knows of the file stands behind it.
OPEN = ctypes.CFUNCTYPE(ctypes.c_int, ctypes.c_void_p, ctypes.c_void_p, ctypes.c_void_p, ctypes.c_int, ctypes.c_void_p)
DELETE = ctypes.CFUNCTYPE(ctypes.c_int, ctypes.c_void_p, ctypes.c_char_p, ctypes.c_int)
WRITE = ctypes.CFUNCTYPE(ctypes.c_int, ctypes.c_void_p, ctypes.c_void_p, ctypes.c_int, ctypes.c_int64)
TRUNCATE = ctypes.CFUNCTYPE(ctypes.c_int, ctypes.c_void_p, ctypes.c_int64)
SYNC = ctypes.CFUNCTYPE(ctypes.c_int, ctypes.c_void_p, ctypes.c_int)


class Recorder:
    """Wraps SQLite's layer for files, in this whole process, and keeps what it is asked for in EVENTS."""

    def __init__(self) -> None:
        library = ctypes.CDLL(ctypes.util.find_library("sqlite3"))
        library.sqlite3_vfs_find.restype = ctypes.c_void_p
        self._layer = Layer.from_address(library.sqlite3_vfs_find(None))
        self._open, self._delete = OPEN(self._layer.xOpen), DELETE(self._layer.xDelete)
        self._tables: dict[int, Methods] = {}
        self._files: dict[int, int] = {}
        self._ids: dict[str, int] = {}  # by name, of the files that are there
        self._count = 0
        self._kept: list[Any] = [OPEN(self._on_open), DELETE(self._on_delete)]
        self._layer.xOpen, self._layer.xDelete = (ctypes.cast(call, ctypes.c_void_p).value for call in self._kept)

    def _on_open(self, layer: int, name: int | None, file: int, flags: int, told: int) -> int:
        path = Path(os.fsdecode(ctypes.string_at(name))) if name else None
        was_there = path is not None and path.exists()
        result = int(self._open(layer, name, file, flags, told))
        if result == 0 and path is not None:
            if path.name not in self._ids or not was_there:
                self._count += 1
                self._ids[path.name] = self._count
                EVENTS.append(("new", self._count, path.name))
            self._files[file] = self._ids[path.name]
            slot = ctypes.c_void_p.from_address(file)
            slot.value = ctypes.addressof(self._wrapped(slot.value or 0))
        return result

    def _on_delete(self, layer: int, name: bytes, syncs: int) -> int:
        key = Path(os.fsdecode(name)).name
        result = int(self._delete(layer, name, syncs))
        if self._ids.pop(key, None):
            EVENTS.append(("delete", key, bool(syncs)))
        return result

    def _wrapped(self, address: int) -> Methods:
        """The methods of a file, of which those that change it are recorded."""
        if address not in self._tables:
            real = Methods.from_address(address)
            copy = Methods.from_buffer_copy(real)
            write, truncate, sync = WRITE(real.xWrite), TRUNCATE(real.xTruncate), SYNC(real.xSync)

            def on_write(file: int, data: int, size: int, offset: int) -> int:
                EVENTS.append(("write", self._files[file], offset, ctypes.string_at(data, size)))
                return int(write(file, data, size, offset))

            def on_truncate(file: int, size: int) -> int:
                EVENTS.append(("truncate", self._files[file], size))
                return int(truncate(file, size))

            def on_sync(file: int, flags: int) -> int:
                result = int(sync(file, flags))
                EVENTS.append(("sync", self._files[file]))
                return result

            calls: list[Any] = [WRITE(on_write), TRUNCATE(on_truncate), SYNC(on_sync)]
            self._kept += calls
            copy.xWrite, copy.xTruncate, copy.xSync = (ctypes.cast(call, ctypes.c_void_p).value for call in calls)
            self._tables[address] = copy
            self._tables[ctypes.addressof(copy)] = copy
        return self._tables[address]


def work(path: Path, seed: int, is_careless: bool) -> None:
    """Uses a ledger in all ways, and says after each line what has been committed."""
    dice = random.Random(seed)

    def opened() -> Ledger:
        ledger = Ledger(path)
        if is_careless:
            ledger._run(lambda db: db.execute("PRAGMA synchronous = OFF"))
        return ledger

    ledger, other, quota = opened(), opened(), LedgerQuota(path, "o")
    for turn in range(TURNS):
        request = TextToVideo(f"{seed} {turn} {'x' * dice.randrange(2000)}", duration=1)
        intent = ledger.claim(request, "o", BatchSlot("batch")) if dice.random() < 0.5 else other.begin(request, "o")
        EVENTS.append(("told", "intent", intent))
        quota.take([(1000, 60.0)])
        request_id = f"job-{turn}"
        other.confirm(str(intent), request_id)
        EVENTS.append(("told", "request_id", request_id))
        if dice.random() < 0.5:
            done = {"status": "done", "video": {"url": "https://a.example/a.mp4"}, "model": "y" * dice.randrange(3000)}
            ledger.record_result(Video(request_id, done), "o")
            EVENTS.append(("told", "done", request_id))
        if dice.random() < 0.15:
            ledger._run(lambda db: db.execute("PRAGMA wal_checkpoint(PASSIVE)").fetchall())
        if dice.random() < 0.2:
            ledger.close()
            if dice.random() < 0.5:
                other.close()
                quota.close()
            ledger = opened()
    for last in (ledger, other, quota):
        last.close()


# The cut.


class Disk:
    """What was asked of a disk, and what of it is safe. Files go by number, since a name may lead to several in turn."""

    def __init__(self) -> None:
        self.names: dict[str, int] = {}
        self.safe_names: dict[str, int] = {}
        self.safe: dict[int, bytearray] = {}
        self.pending: dict[int, list[Event]] = {}

    def take(self, event: Event) -> None:
        """The next event of the recording."""
        kind, *values = event
        if kind == "new":
            self.names[values[1]] = values[0]
            self.safe[values[0]], self.pending[values[0]] = bytearray(), []
        elif kind == "delete":
            self.names.pop(values[0], None)
            if values[1]:
                self.safe_names = dict(self.names)
        elif kind in ("write", "truncate"):
            self.pending[values[0]].append(event)
        elif kind == "sync":
            for pending in self.pending[values[0]]:
                change(self.safe[values[0]], pending)
            self.pending[values[0]] = []
            # With the first sync of a log or journal SQLite syncs the folder.
            name = next((name for name, number in self.names.items() if number == values[0]), "")
            if name.endswith(("-wal", "-journal")) and self.safe_names.get(name) != values[0]:
                self.safe_names = dict(self.names)

    def cut(self, dice: random.Random, folder: Path) -> None:
        """Writes what a power cut may leave."""
        names = {}
        for name in self.names.keys() | self.safe_names.keys():
            number = dice.choice([self.names, self.safe_names]).get(name)
            if number is not None:
                names[name] = number
        for name, number in names.items():
            content, luck = bytearray(self.safe[number]), dice.choice([0.0, 1.0, dice.random()])
            pending = list(self.pending[number])
            if dice.random() < 0.5:
                dice.shuffle(pending)
            for event in pending:
                if event[0] == "truncate":
                    if dice.random() < luck:
                        change(content, event)
                    continue
                _, _, offset, data = event
                for start in range(0, len(data), SECTOR):
                    if dice.random() < luck:
                        change(content, ("write", number, offset + start, data[start : start + SECTOR]))
            (folder / name).write_bytes(content)


def change(content: bytearray, event: Event) -> None:
    """Makes a write or a truncation."""
    kind, _, offset, *data = event
    if kind == "truncate":
        del content[offset:]
        content.extend(bytes(offset - len(content)))
        return
    content.extend(bytes(max(offset - len(content), 0)))
    content[offset : offset + len(data[0])] = data[0]


def wrong(path: Path, told: list[Event]) -> Iterator[str]:
    """What a ledger does not hold though it was said to be committed."""
    try:
        ledger = Ledger(path)
        entries = ledger.jobs()
        ledger.close()
        with closing(sqlite3.connect(path)) as db:
            verdict = db.execute("PRAGMA integrity_check").fetchall()
    except (sqlite3.Error, GrokImagineError) as error:
        yield f"the ledger can't be used: {error}"
        return
    if verdict != [("ok",)]:
        yield f"the ledger is damaged: {verdict}"
    held: dict[str, set[str | None]] = {
        "intent": {entry.intent for entry in entries},
        "request_id": {entry.request_id for entry in entries},
        "done": {entry.request_id for entry in entries if entry.state == "done"},
    }
    for _, kind, value in told:
        if value not in held[kind]:
            yield f"the {kind} {value} was committed, and is gone"


def record(seed: int, is_careless: bool) -> list[Event]:
    """What a process asked of the disk."""
    with tempfile.TemporaryDirectory() as folder:
        command = [sys.executable, __file__, "record", folder, str(seed), str(int(is_careless))]
        events = pickle.loads(subprocess.run(command, stdout=subprocess.PIPE, check=True).stdout)
    return list(events)


def main(cuts: int = 1000, seed: int = 1, word: str = "") -> int:
    """Proves, and prints what was seen."""
    dice, faults = random.Random(seed), list[str]()
    runs: list[list[Event]] = [record(dice.randrange(10**6), bool(word)) for _ in range(max(1, min(5, cuts // 20)))]
    if not any(event[0] == "write" for events in runs for event in events):
        print("SQLite can't be watched here: its library is not the one that Python uses")
        return 1
    lines = 0
    for number in range(cuts):
        events = runs[number % len(runs)]
        at = dice.randrange(len(events) if dice.random() < 0.8 else 80)  # often while the file is made
        disk = Disk()
        for event in events[:at]:
            if event[0] != "told":
                disk.take(event)
        told = [event for event in events[:at] if event[0] == "told"]
        with tempfile.TemporaryDirectory() as folder:
            disk.cut(dice, Path(folder))
            found = [*wrong(Path(folder) / "jobs.db", told)]
        lines += len(told)
        faults += [f"cut {number}: {fault}" for fault in found]
    total = sum(map(len, runs))
    syncs = sum(event[0] == "sync" for events in runs for event in events)
    print(f"{cuts} power cuts in {len(runs)} runs of {total} events, {syncs} of them syncs: {lines} lines looked for")
    print("\n".join(faults[:20]) or "each line that was committed was there, and no ledger was damaged")
    return 1 if faults else 0


if __name__ == "__main__":
    if sys.argv[1:2] == ["record"]:
        recorder = Recorder()
        work(Path(sys.argv[2]) / "jobs.db", int(sys.argv[3]), sys.argv[4] == "1")
        sys.stdout.buffer.write(pickle.dumps(EVENTS))
        sys.stdout.flush()
        os._exit(0)  # what is wrapped is not unwrapped
    numbers = [int(word) for word in sys.argv[1:3]]
    sys.exit(main(*numbers, *sys.argv[3:]))  # type: ignore[arg-type]
