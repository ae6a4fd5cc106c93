"""SIGTERM: as Ctrl-C the first time, the end the second time, and nobody else's affair."""

from __future__ import annotations

import signal
import subprocess
import sys
import threading
from collections.abc import Iterator

import pytest

from grok_imagine_cli.signals import Terminated, sigterm_interrupts
from support import HANG

CHILD = """
import time
from grok_imagine_cli.signals import sigterm_interrupts
with sigterm_interrupts():
    try:
        print("waits", flush=True)
        time.sleep(60)
    finally:
        print("tidies", flush=True)
        time.sleep(60)
"""


@pytest.fixture
def sigterm() -> Iterator[None]:
    before = signal.signal(signal.SIGTERM, signal.SIG_DFL)
    yield
    signal.signal(signal.SIGTERM, before)


def test_the_first_interrupts_and_the_second_ends() -> None:
    with subprocess.Popen([sys.executable, "-c", CHILD], stdout=subprocess.PIPE, text=True) as running:
        assert running.stdout is not None
        for word in ("waits", "tidies"):
            assert running.stdout.readline() == f"{word}\n"
            running.send_signal(signal.SIGTERM)
        assert running.wait(HANG) == -signal.SIGTERM


def test_what_was_there_is_there_again(sigterm: None) -> None:
    with pytest.raises(Terminated), sigterm_interrupts():
        signal.raise_signal(signal.SIGTERM)
    assert signal.getsignal(signal.SIGTERM) == signal.SIG_DFL
    with sigterm_interrupts():
        assert signal.getsignal(signal.SIGTERM) != signal.SIG_DFL
    assert signal.getsignal(signal.SIGTERM) == signal.SIG_DFL


def test_what_others_have_said_of_it_holds(sigterm: None) -> None:
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    with sigterm_interrupts():
        signal.raise_signal(signal.SIGTERM)
    assert signal.getsignal(signal.SIGTERM) == signal.SIG_IGN


def test_a_thread_has_no_signals(sigterm: None) -> None:
    found = []

    def run() -> None:
        with sigterm_interrupts():
            found.append(signal.getsignal(signal.SIGTERM))

    thread = threading.Thread(target=run)
    thread.start()
    thread.join(HANG)
    assert found == [signal.SIG_DFL]
