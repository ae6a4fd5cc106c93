"""SIGTERM as Ctrl-C: `docker stop` and `kill` end the wait, and the program still says what goes on."""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager

__all__ = ["Terminated", "sigterm_interrupts"]


class Terminated(KeyboardInterrupt):
    """SIGTERM came. What handles Ctrl-C handles this, too."""


@contextmanager
def sigterm_interrupts() -> Iterator[None]:
    """Raises Terminated at the first SIGTERM; the second ends the process at once.

    A handler of another's, or a SIGTERM that is ignored, is left alone; so are threads, in which Python handles no signals.
    """
    if threading.current_thread() is not threading.main_thread() or signal.getsignal(signal.SIGTERM) != signal.SIG_DFL:
        yield
        return

    def interrupt(number: int, frame: object) -> None:
        signal.signal(signal.SIGTERM, signal.SIG_DFL)
        raise Terminated

    signal.signal(signal.SIGTERM, interrupt)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, signal.SIG_DFL)
