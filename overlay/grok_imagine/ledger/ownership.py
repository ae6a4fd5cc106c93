"""Ownership of intents: whether the process that posts a request is alive.

A process id does not prove this: in a container each run may have the same id, and ids of other containers are invisible.
So each ledger object that writes intents holds a lock on an own file beside the ledger. The operating system drops the lock
when the process ends. Its intents name that file. If the file is missing or not locked, the owner is dead.
"""

from __future__ import annotations

import os
import uuid
from contextlib import suppress
from pathlib import Path

try:
    import fcntl
except ImportError:  # Windows
    fcntl = None  # type: ignore[assignment]  # not on Windows; there the age alone decides

OWN: set[str] = set()
"""Intents of this process that are under way."""

TOKENS: set[str] = set()
"""Tokens of the owners in this process."""

TRIES = 10


class Owner:
    """A locked file beside a ledger, which shows that this process lives. It exists from `begin` to `end`.

    If the process is killed, other processes remove the file.

    Args:
        path: The ledger's path with symbolic links resolved.
    """

    def __init__(self, path: str) -> None:
        self._path = path
        self._token: str | None = None
        self._descriptor: int | None = None
        self._can_lock = fcntl is not None

    def begin(self) -> str | None:
        """The token that names this process's file. None if locks don't work there: other processes check the process id.

        Raises:
            OSError: The file can't be created.
        """
        if self._token is None and self._can_lock:
            _sweep(self._path)
            for _ in range(TRIES):
                if not self._can_lock or self._try(uuid.uuid4().hex):
                    break
        return self._token

    def _try(self, token: str) -> bool:
        path = _path_of(self._path, token)
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            if os.stat(path).st_ino == os.fstat(descriptor).st_ino:  # noqa: PTH116 -- else it was swept before it was locked
                TOKENS.add(token)
                self._token, self._descriptor = token, descriptor
                return True
        except (BlockingIOError, FileNotFoundError):  # another process was sweeping
            pass
        except OSError:  # a file system without locks
            self._can_lock = False
        os.close(descriptor)
        with suppress(OSError):
            os.unlink(path)  # noqa: PTH108 -- paths are texts in this module
        return False

    def end(self) -> None:
        """Removes the file. From now on other processes report unfinished intents as unknown."""
        if self._token is not None and self._descriptor is not None:
            with suppress(OSError):
                os.unlink(_path_of(self._path, self._token))  # noqa: PTH108 -- before it is unlocked, so that a name is never used twice
            os.close(self._descriptor)
            TOKENS.discard(self._token)
            self._token = self._descriptor = None

    def forget(self) -> None:
        """Drops the parent's token in a forked child. The child must not hold the parent's lock open."""
        if self._descriptor is not None:
            os.close(self._descriptor)
            self._token = self._descriptor = None


def is_under_way(path: str, intent: str, token: str | None, process: int | None) -> bool:
    """Whether the process that wrote an intent may still record its outcome.

    Args:
        path: The ledger's path with symbolic links resolved.
        intent: The intent's id.
        token: The owner's token.
        process: The id of the owner's process; used if there is no token, as in a ledger of an older version.
    """
    if intent in OWN:
        return True
    if token is None:
        return process != os.getpid() and _is_alive(process)
    return token not in TOKENS and not _is_abandoned(_path_of(path, token))


def _path_of(path: str, token: str) -> str:
    return f"{path}-owner-{token}"


def _is_abandoned(path: str) -> bool:
    """Whether no process holds a lock on a file. If so, removes the file."""
    if fcntl is None:
        return False
    try:
        descriptor = os.open(path, os.O_RDWR)
    except FileNotFoundError:
        return True
    except OSError:  # for example another user's file: the age decides
        return False
    try:
        fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)  # shared, since several processes may check at once
        os.unlink(path)  # noqa: PTH108 -- paths are texts in this module
    except FileNotFoundError:
        return True
    except OSError:
        return False
    finally:
        os.close(descriptor)
    return True


def _sweep(path: str) -> None:
    """Removes the files that killed processes left beside a ledger."""
    folder, prefix = os.path.dirname(path), f"{os.path.basename(path)}-owner-"  # noqa: PTH119, PTH120 -- as above
    for file in Path(folder).iterdir():
        if file.name.startswith(prefix):
            _is_abandoned(str(file))


def _is_alive(process: int | None) -> bool:
    if process is None:
        return False
    if os.name == "nt":  # there, signal 0 is Ctrl-C; the age alone decides
        return True
    try:
        os.kill(process, 0)
    except (ProcessLookupError, OverflowError):  # too long for a process id
        return False
    except PermissionError:
        return True
    return True
