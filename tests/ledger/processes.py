"""What the tests of several processes share."""

from __future__ import annotations

import contextlib
import multiprocessing
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from grok_imagine import BatchSlot, Ledger, TextToVideo
from support import HANG

CAT = TextToVideo("A cat", duration=2)


PLACE = BatchSlot("batch", 0, None)


def python(program: str, *arguments: object, **options: Any) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-c", program, *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, timeout=HANG, check=False, **options)


@contextlib.contextmanager
def running(program: str, *arguments: object) -> Iterator[subprocess.Popen[str]]:
    """A process that has printed its first line, and is killed in the end."""
    command = [sys.executable, "-c", program, *map(str, arguments)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None and process.stdout.readline()
            yield process
        finally:
            process.kill()


INTEND = """
import sys
from grok_imagine import Ledger, TextToVideo
from grok_imagine import BatchSlot
ledger = Ledger(sys.argv[1])
print(ledger.claim(TextToVideo("A cat", duration=2), "o", BatchSlot("batch", 0, None)), flush=True)
sys.stdin.readline()
"""


def states(path: Path) -> list[str]:
    ledger = Ledger(path)
    found = [entry.state for entry in ledger.jobs()]
    ledger.close()
    return found


def forked(work: Callable[[], object]) -> int:
    """What a forked child's work ends with: 0, or 1 if it raises."""
    child = multiprocessing.get_context("fork").Process(target=work)
    child.start()
    child.join(HANG)
    assert child.exitcode is not None
    return child.exitcode
