"""What a run waits for, said when nothing has moved for two seconds: a retry, its turn, a ledger that another holds, an answer.

The client tells of it in its log, whose records are read here as data. That another process holds the ledger is seen by asking
for the ledger, too.
"""

from __future__ import annotations

import logging
import sqlite3
import threading
import time
from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from typing import Self

from .texts import plain

__all__ = ["Waiting", "ledger_is_held"]

LOGGER = logging.getLogger("grok_imagine")

STILL = 2.0
"""Seconds without progress after which it is said what is waited for; real ones."""

CHECK = 0.25
"""Seconds from check to check."""

AGAIN = 30.0
"""Seconds after which the same is said again."""


class Waiting(logging.Handler):
    """Says what is waited for. A context manager, with a thread of its own.

    Args:
        say: Takes a line.
        ledger: Its file, if there is one.
        retries: How often a request is sent again.
        speed: How many simulated seconds pass in a real one.
        clock: Real seconds.
    """

    def __init__(
        self,
        say: Callable[[str], object],
        *,
        ledger: Path | None = None,
        retries: int = 5,
        speed: float = 1.0,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        super().__init__(logging.DEBUG)
        self._own: list[logging.Handler] = []
        self._say, self._path = say, ledger
        self._retries, self._speed, self._clock = retries, speed, clock
        self._moved = clock()
        self._is_begun = False
        self._address = "the service"
        self._reason = ("", 0.0)
        self._said = ("", 0.0)
        self._thread: threading.Thread | None = None
        self._ended = threading.Event()

    def asks(self, address: str) -> None:
        """A service is asked from now on, at this host and port."""
        self._address = address
        self.waits(f"waiting for an answer from {address}")

    def progress(self) -> None:
        """Something has moved, such as an answer that came."""
        self._moved, self._reason, self._is_begun = self._clock(), ("", 0.0), True

    def waits(self, what: str, seconds: float = 0.0) -> None:
        """What is waited for from now on, and for how many of the client's seconds if that is known."""
        self._reason = (what, self._clock() + seconds / self._speed)

    def check(self) -> None:
        """Says what is waited for, if nothing has moved for a while and it was not said."""
        now = self._clock()
        if now - self._moved < STILL:
            return
        what, until = self._reason
        left = (until - now) * self._speed
        if left <= 0 and self._path is not None and ledger_is_held(self._path):
            what = f"another process holds the ledger {self._path}"
        if not what or (what == self._said[0] and now - self._said[1] < AGAIN):
            return
        self._said = (what, now)
        self._say(f"{plain(what)}{f' in {max(1, round(left))} s' if left > 0 else ''}")

    def emit(self, record: logging.LogRecord) -> None:
        """Takes a record of the client's log, by its form."""
        if record.levelno >= logging.WARNING:  # which Python would show, if nobody took the records
            if not self._own:
                self._say(record.getMessage())
            return
        form, arguments = str(record.msg), record.args if isinstance(record.args, tuple) else ()
        if form.startswith("retry"):
            tries, pause, error, *_ = arguments
            self.waits(f"{_cause(str(error))}, retry {tries} of {self._retries}", _seconds(pause))
        elif "for its turn" in form:
            self._is_paced(_seconds(arguments[1]))
        elif form.startswith("%s %s: %d"):
            status = arguments[2]
            if isinstance(status, int) and status < 400:
                self.progress()
            else:
                self.waits(f"{status} from {self._address}, asked again")
        elif form.startswith("%s %s: %s"):
            self.waits(f"{_cause(str(arguments[2]))}, asked again")

    def _is_paced(self, seconds: float) -> None:
        """A request has to wait: for what was told before, for its turn, or, between polls of a job, for nothing new."""
        if what := self._reason[0] if self._is_begun or "retry" in self._reason[0] else "":
            self.waits(what, seconds)
        elif not self._is_begun:
            self.waits("waits for the limit of requests a minute to allow the next one", seconds)

    def __enter__(self) -> Self:
        self._level, self._own = LOGGER.level, [*LOGGER.handlers]
        for handler in self._own:  # what was asked for stays what is shown
            handler.setLevel(max(handler.level, LOGGER.getEffectiveLevel()))
        LOGGER.setLevel(logging.DEBUG)
        LOGGER.addHandler(self)
        self._thread = threading.Thread(target=self._run, name="waiting", daemon=True)
        self._thread.start()
        return self

    def _run(self) -> None:
        while not self._ended.wait(CHECK):
            self.check()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._ended.set()
        LOGGER.removeHandler(self)
        LOGGER.setLevel(self._level)
        if self._thread is not None:
            self._thread.join(timeout=STILL)


def _seconds(value: object) -> float:
    return float(value) if isinstance(value, int | float) else 0.0


def _cause(error: str) -> str:
    """An error of the log in few words: its status, or else what it is."""
    _, _, status = error.partition("(HTTP ")
    if status:
        return status.rstrip(")")
    kind, at, place = error.partition(" at ")
    return f"no {'connection to' if kind == 'NotDelivered' else 'answer from'} {place}" if at else error


def ledger_is_held(path: Path) -> bool:
    """Whether a process is writing to a ledger, and keeps others from it."""
    if not path.is_file():
        return False
    try:
        database = sqlite3.connect(f"{path.absolute().as_uri()}?mode=rw", uri=True, timeout=0, isolation_level=None)
    except sqlite3.Error:
        return False
    try:
        database.execute("BEGIN IMMEDIATE")
        database.execute("ROLLBACK")
    except sqlite3.OperationalError as error:
        return error.sqlite_errorcode & 0xFF == sqlite3.SQLITE_BUSY
    except sqlite3.Error:
        return False
    finally:
        database.close()
    return False
