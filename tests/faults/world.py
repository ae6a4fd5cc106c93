"""What a case happens in: a service, a host of files, a folder, a ledger and a clock, all of its own; and both kinds of client."""

from __future__ import annotations

import asyncio
import contextlib
import json
import signal
import sqlite3
from collections.abc import Callable, Generator, Iterator
from inspect import isawaitable
from pathlib import Path
from typing import Any, TypeAlias

from grok_imagine import AsyncClient, Client, Ledger, Limits
from grok_imagine.ledger.store import Store
from support import ManualClock

from .server import Answer, Fault, Server, says

try:
    import resource
except ImportError:  # Windows: there the full disks are left out
    resource = None  # type: ignore[assignment]

has_rlimit = resource is not None

KEY = "xai-CANARY0key0000000000"
DATA = "data:image/png;base64,CANARY0data"
SIGNATURE = "CANARY0signature"
ID = "11111111-2222-3333-4444-555555555555"
MEDIA = bytes(range(256)) * 400
MP4 = b"\0\0\0\x18ftypmp42\0\0\0\0mp42isom\0\0\0\x08moov" + (8 + len(MEDIA)).to_bytes(4, "big") + b"mdat" + MEDIA
WALL = 1.8e9

DEADLINE = 60.0
"""Seconds of the client's clock: the polling timeout and the time of a download. The default retry budget is as long."""

REQUEST = 1.0
"""Seconds, real ones, for each step of a request, where the server is slow."""

QUICK = 0.2
"""The same, where only a bound of the whole request can end it."""

CLIENT: dict[str, Any] = {
    "api_key": KEY,
    "request_timeout": 30.0,
    # Nothing but the faults is to pause: that there is no pacing is said in this one place.
    "limits": Limits(requests_per_minute=None, requests_per_second=None),
}

ACCEPTED = Answer(200, json.dumps({"request_id": ID}).encode(), (f"x-request-id: {ID}",), job=True)
RUNNING = Answer(202, json.dumps({"status": "pending", "progress": 10}).encode())
FILE = Answer(200, MP4, ('etag: "one"', "content-type: video/mp4"))

Play: TypeAlias = Callable[["World", Any], Generator[Any, Any, Any]]
"""What a user does: yields what a client's method gave, and gets its result, awaited if need be."""


class Hang(BaseException):
    """What ends a case that does not end by itself. No error of the library's, so that nothing there takes it for one."""


class World:
    """All that a case is about. Closed, it has left nothing behind, or the case fails.

    Attributes:
        clock: The client's; a sleep takes no time, unless `on_sleep` says what it does.
        wall: What the ledger's clock is ahead of the client's; cases set it.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.target = folder / "a.mp4"
        self.clock = ManualClock()
        self.wall = WALL
        self.on_sleep: Callable[[], None] | None = None
        self.options = dict(CLIENT)
        self.seen: dict[str, Any] = {}
        self.closing: list[Callable[[], object]] = []
        self.service, self.host = Server(), Server()
        self.done = Answer(200, json.dumps({"status": "done", "video": {"url": self.url, "duration": 1}}).encode())
        self.service.scripts = {"POST": [says(ACCEPTED)], "GET": [says(self.done)]}
        self.host.scripts = {"GET": [says(FILE)]}
        self.ledger = Ledger(folder / "jobs.db", keep_prompts=True, clock=lambda: self.wall + self.clock.now)
        self._limits = resource.getrlimit(resource.RLIMIT_FSIZE) if resource else None

    @property
    def url(self) -> str:
        return f"{self.host.origin}/a.mp4?signature={SIGNATURE}"

    @property
    def base_url(self) -> str:
        return f"{self.service.origin}/v1"

    def posts(self, *faults: Fault) -> None:
        """What becomes of the POSTs, one after the other."""
        self.service.scripts["POST"] = [fault(ACCEPTED) for fault in faults]

    def looks(self, *faults: Fault) -> None:
        self.service.scripts["GET"] = [fault(self.done) for fault in faults]

    def files(self, *faults: Fault) -> None:
        self.host.scripts["GET"] = [fault(FILE) for fault in faults]

    def sleep(self, seconds: float) -> None:
        self.clock.sleep(seconds)
        if self.on_sleep:
            hook, self.on_sleep = self.on_sleep, None
            hook()

    def run(self, kind: str, play: Play, seconds: float) -> Any:
        """What the user gets; in case of an error, that is raised."""
        options = {"base_url": self.base_url, "clock": self.clock, "ledger": self.ledger, **self.options}
        with _ended_after(seconds + 1):
            if kind == "sync":
                with Client(sleep=self.sleep, **options) as client:
                    return _play(play(self, client))
            return asyncio.run(self._run_async(play, options, seconds))

    async def _run_async(self, play: Play, options: dict[str, Any], seconds: float) -> Any:
        async def sleep(pause: float) -> None:
            self.sleep(pause)

        try:
            async with asyncio.timeout(seconds), AsyncClient(sleep=sleep, **options) as client:
                return await _play_async(play(self, client))
        finally:
            # A generator that was not read to its end is closed by a task of the loop's, and what it reads from by another.
            for _ in range(100):
                left = asyncio.all_tasks() - {asyncio.current_task()}
                if not left:
                    break
                await asyncio.sleep(0)
            assert not left, f"tasks are left: {left}"

    # The disk.

    def fill_disk(self, size: int | None = None) -> None:
        """From now on no file of this process grows beyond a size in bytes, by default that of the ledger's log."""
        assert resource and self._limits
        most = (self.folder / "jobs.db-wal").stat().st_size if size is None else size
        resource.setrlimit(resource.RLIMIT_FSIZE, (most, self._limits[1]))

    def empty_disk(self) -> None:
        if resource and self._limits:
            resource.setrlimit(resource.RLIMIT_FSIZE, self._limits)

    def tell(self, pragma: str, store: Store | None = None) -> None:
        """Sets a PRAGMA of a ledger's own connection; no other may be told what this one can't do."""
        (store or self.ledger._store).run(lambda db: db.execute(f"PRAGMA {pragma}").fetchall())

    @contextlib.contextmanager
    def locking_ledger(self) -> Iterator[None]:
        """Another process in the middle of a transaction."""
        self.tell("busy_timeout = 20")
        other = sqlite3.connect(self.ledger.path, isolation_level=None, check_same_thread=False)
        try:
            other.execute("BEGIN IMMEDIATE")
            yield
        finally:
            other.close()

    def close(self) -> None:
        self.empty_disk()
        self.service.close()
        self.host.close()
        self.ledger.close()
        for close in self.closing:
            close()


def _play(steps: Generator[Any, Any, Any]) -> Any:
    result = None
    with contextlib.closing(steps):
        while True:
            try:
                result = steps.send(result)
            except StopIteration as stop:
                return stop.value


async def _play_async(steps: Generator[Any, Any, Any]) -> Any:
    with contextlib.closing(steps):
        try:
            given = next(steps)
            while True:
                try:
                    result = await given if isawaitable(given) else given
                except Exception as error:
                    given = steps.throw(error)
                else:
                    given = steps.send(result)
        except StopIteration as stop:
            return stop.value


@contextlib.contextmanager
def _ended_after(seconds: float) -> Iterator[None]:
    """Ends what hangs, where the system can: in the main thread of a POSIX one."""
    if not hasattr(signal, "setitimer"):
        yield
        return

    def ring(number: int, frame: object) -> None:
        raise Hang(f"nothing came of it within {seconds:g} s")

    before = signal.signal(signal.SIGALRM, ring)
    signal.setitimer(signal.ITIMER_REAL, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)
