"""SIGTERM as Ctrl-C: `docker stop` and `kill` end the wait, and the program still says what goes on."""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager

__all__ = ["Terminated", "quits_at_once", "sigterm_interrupts"]


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


@contextmanager
def quits_at_once() -> Iterator[None]:
    """Ends the process at SIGINT and SIGTERM, while there is nothing to lose.

    An import is no place for an exception: Python drops it, or takes it for a fault of the module.
    """
    codes = {signal.SIGINT: 130, signal.SIGTERM: 143}  # of the table, which would have to be imported
    before = {number: signal.getsignal(number) for number in codes}
    if threading.current_thread() is not threading.main_thread():
        before = {}
    for number, handler in before.items():
        if handler not in (signal.SIG_IGN, None):
            signal.signal(number, lambda number, frame: os._exit(codes[signal.Signals(number)]))
    try:
        yield
    finally:
        for number, handler in before.items():
            if handler is not None:
                signal.signal(number, handler)
