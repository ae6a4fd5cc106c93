"""Who has a POST under way: known to this process by a set, and to others by a lock that ends with the process.

A process id is no sign of life. In a container each run may have the same, and those of another container are not seen. So
each ledger object that notes intents holds a lock on a file of its own beside the ledger, however it ends, and its intents
name that file. One that is gone, or not locked, has no owner any more.
"""

from __future__ import annotations

import os
import uuid
from contextlib import suppress
from pathlib import Path

try:
    import fcntl
except ImportError:  # Windows
    fcntl = None  # type: ignore[assignment]  # Windows has none, and there age alone decides

OWN: set[str] = set()
"""Intents of this process that are under way."""

TOKENS: set[str] = set()
"""Of the owners in this process."""

TRIES = 10


class Owner:
    """A sign of life beside a ledger. Its file is there from `begin` to `end`; a process that is killed leaves it to others.

    Args:
        path: The ledger's, of which symbolic links are resolved.
    """

    def __init__(self, path: str) -> None:
        self._path = path
        self._token: str | None = None
        self._descriptor: int | None = None
        self._can_lock = fcntl is not None

    def begin(self) -> str | None:
        """The token by which others know that this process lives. None if it must do without: then they go by its id.

        Raises:
            OSError: No file can be made there.
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
        """Leaves. What is still under way is unknown to others from now on."""
        if self._token is not None and self._descriptor is not None:
            with suppress(OSError):
                os.unlink(_path_of(self._path, self._token))  # noqa: PTH108 -- before it is unlocked, so that a name is never used twice
            os.close(self._descriptor)
            TOKENS.discard(self._token)
            self._token = self._descriptor = None

    def forget(self) -> None:
        """In a forked child: the token is the parent's, and so is the lock, which must not outlive the parent in here."""
        if self._descriptor is not None:
            os.close(self._descriptor)
            self._token = self._descriptor = None


def is_under_way(path: str, intent: str, token: str | None, process: int | None) -> bool:
    """Whether the process that noted an intent may yet say what became of it.

    Args:
        path: The ledger's, of which symbolic links are resolved.
        intent: Its id.
        token: Its owner's.
        process: The id of its owner's process; heeded if there is no token, as in a ledger of an older version.
    """
    if intent in OWN:
        return True
    if token is None:
        return process != os.getpid() and _is_alive(process)
    return token not in TOKENS and not _is_abandoned(_path_of(path, token))


def _path_of(path: str, token: str) -> str:
    return f"{path}-owner-{token}"


def _is_abandoned(path: str) -> bool:
    """Whether nobody holds a lock on a file, which is removed then."""
    if fcntl is None:
        return False
    try:
        descriptor = os.open(path, os.O_RDWR)
    except FileNotFoundError:
        return True
    except OSError:  # another user's, for one: age decides
        return False
    try:
        fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)  # shared, as several may ask at once
        os.unlink(path)  # noqa: PTH108 -- paths are texts in this module
    except FileNotFoundError:
        return True
    except OSError:
        return False
    finally:
        os.close(descriptor)
    return True


def _sweep(path: str) -> None:
    """Removes what killed processes have left beside a ledger."""
    folder, prefix = os.path.dirname(path), f"{os.path.basename(path)}-owner-"  # noqa: PTH119, PTH120 -- as above
    for file in Path(folder).iterdir():
        if file.name.startswith(prefix):
            _is_abandoned(str(file))


def _is_alive(process: int | None) -> bool:
    if process is None:
        return False
    if os.name == "nt":  # there, signal 0 is Ctrl-C; age alone decides
        return True
    try:
        os.kill(process, 0)
    except (ProcessLookupError, OverflowError):  # no id of a process is so long
        return False
    except PermissionError:
        return True
    return True
