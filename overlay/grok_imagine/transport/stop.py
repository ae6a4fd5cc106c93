"""How flows that run in threads of their own are ended from outside."""

from __future__ import annotations

import threading
from collections.abc import Callable


class Stop:
    """Ends flows that run in threads of their own: what is asked for after it, or is waited for, raises its error."""

    __slots__ = ("_error", "_event")

    def __init__(self, error: Callable[[], Exception]) -> None:
        self._error = error
        self._event = threading.Event()

    def set(self) -> None:
        """Ends them; from any thread."""
        self._event.set()

    def is_set(self) -> bool:
        """Whether they are to end."""
        return self._event.is_set()

    def check(self) -> None:
        """Raises if they are to end."""
        if self._event.is_set():
            raise self._error()

    def sleep(self, seconds: float) -> None:
        """Pauses; raises as soon as they are to end."""
        if self._event.wait(seconds):
            raise self._error()
