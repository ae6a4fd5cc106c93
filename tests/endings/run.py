"""Runs one of the programs: `python -m endings.run NAME URL LEDGER`."""

from __future__ import annotations

import signal
import sys

from . import asyncio_programs, batch_programs  # noqa: F401 -- they add theirs
from .programs import PROGRAMS, World

signal.signal(signal.SIGINT, signal.default_int_handler)
name, url, ledger = sys.argv[1:]
print("ready", flush=True)
PROGRAMS[name].run(World(url, ledger))
