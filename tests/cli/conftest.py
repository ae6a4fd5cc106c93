"""The installed program as a process: with pipes, and in a pseudo-terminal whose screen is emulated."""

from __future__ import annotations

import json
import os
import shlex
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any, NamedTuple

import av
import pyte
import pytest
from ptyprocess import PtyProcess

from grok_imagine_sandbox import Sandbox
from support import HANG, ManualClock

from .fork_server import ForkedTerminal, ForkServer

PROGRAM = str(Path(sys.executable).with_name("grok-imagine"))
KEY = "xai-CANARY0key0000000000"
COLUMNS, LINES = 120, 50
LANGUAGE = {"LANG": "C.UTF-8", "PYTHONWARNINGS": "error::ResourceWarning"}
"""What an interpreter reads when it starts."""


class Done(NamedTuple):
    """What a process left behind; of one in a terminal `out` is the screen, and `err` what was written to it."""

    code: int
    out: str
    err: str

    @property
    def lines(self) -> list[dict[str, Any]]:
        """Its output as JSON lines: each an object with one key."""
        found = [json.loads(line) for line in self.out.splitlines()]
        assert all(isinstance(line, dict) and len(line) == 1 for line in found)
        return found

    def of(self, kind: str) -> list[Any]:
        """The JSON lines of a kind."""
        return [line[kind] for line in self.lines if kind in line]


class Terminal:
    """A process in a pseudo-terminal."""

    def __init__(self, process: PtyProcess | ForkedTerminal) -> None:
        self.process = process
        self.written = b""
        self._screen = pyte.Screen(COLUMNS, LINES)
        self._stream = pyte.ByteStream(self._screen)

    @property
    def screen(self) -> str:
        return "\n".join(line.rstrip() for line in self._screen.display).rstrip()

    def read(self) -> bool:
        """Takes what is written next; False at its end."""
        try:
            chunk = self.process.read(65536)
        except EOFError:
            return False
        self.written += chunk
        self._stream.feed(chunk)
        return True

    def until(self, text: str) -> None:
        """Reads until the screen shows a text."""
        end = time.monotonic() + HANG
        while text not in self.screen:
            assert self.read() and time.monotonic() < end, self.screen

    def done(self) -> Done:
        """Reads to the end of the process."""
        end = time.monotonic() + HANG
        while self.read():
            assert time.monotonic() < end, self.screen
        self.process.wait()
        return Done(self.process.exitstatus, self.screen, self.written.decode())


class Program:
    """Runs the program in a folder of its own, with a data folder of its own and a key that must show up nowhere."""

    def __init__(self, folder: Path, server: ForkServer) -> None:
        self.folder, self._server = folder, server
        self.environment = {name: os.environ[name] for name in ("PATH", "PYTHONPATH") if name in os.environ} | {
            "HOME": str(folder),
            "XDG_DATA_HOME": str(folder / "data"),
            "XAI_API_KEY": KEY,
            "TERM": "xterm-256color",
            "COLUMNS": str(COLUMNS),
            **LANGUAGE,
        }

    def __call__(self, line: str, *, text: str | None = None, **environment: str) -> Done:
        """Runs a command line, `grok-imagine` left out, with pipes and stdin from a text."""
        return Done(
            *self._server.run(shlex.split(line), self.folder, self.environment | environment, text, timeout=HANG)
        )

    def installed(self, line: str, *, text: str | None = None, **environment: str) -> Done:
        """The same by the script that is installed, from its start on."""
        done = subprocess.run(
            [PROGRAM, *shlex.split(line)],
            cwd=self.folder,
            env=self.environment | environment,
            input=text,
            capture_output=True,
            text=True,
            timeout=HANG,
            check=False,
        )
        return Done(done.returncode, done.stdout, done.stderr)

    def all(self, lines: Sequence[str]) -> list[Done]:
        """Runs several, three at once: they mostly wait."""
        with ThreadPoolExecutor(3) as threads:
            return list(threads.map(self, lines))

    def terminal(self, line: str, **environment: str) -> Terminal:
        """Starts one in a terminal."""
        own = {name: value for name, value in self.environment.items() if name != "COLUMNS"}
        arguments = [PROGRAM, *shlex.split(line)]
        return Terminal(
            PtyProcess.spawn(arguments, cwd=str(self.folder), env=own | environment, dimensions=(LINES, COLUMNS))
        )

    def shown(self, line: str) -> Done:
        """What one in a terminal leaves on the screen, without the start of one."""
        own = {name: value for name, value in self.environment.items() if name != "COLUMNS"}
        return Terminal(self._server.terminal(shlex.split(line), self.folder, own, (LINES, COLUMNS))).done()

    def start(self, line: str) -> subprocess.Popen[str]:
        """Starts one with pipes, that goes on."""
        return subprocess.Popen(
            [PROGRAM, *shlex.split(line)],
            cwd=self.folder,
            env=self.environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def first_colour(self, video: str) -> tuple[int, int, int]:
        """The colour in the middle of a video's first frame, which shows whether an image of one colour has landed."""
        with av.open(str(self.folder / video)) as container:
            picture = next(container.decode(video=0)).to_image()
        return picture.getpixel((picture.width // 2, picture.height // 2))


@contextmanager
def held(**options: Any) -> Iterator[tuple[Sandbox, ManualClock]]:
    """A sandbox whose jobs run until its clock is moved, however long a process takes to see them."""
    clock = ManualClock()
    with Sandbox(clock=clock, speed=1.0, **options) as sandbox:
        yield sandbox, clock


@pytest.fixture(scope="session")
def fork_server() -> Iterator[ForkServer]:
    given = {name: os.environ[name] for name in ("PATH", "PYTHONPATH") if name in os.environ}
    with closing(ForkServer(given | LANGUAGE)) as server:
        yield server


@pytest.fixture
def program(tmp_path: Path, fork_server: ForkServer) -> Program:
    return Program(tmp_path, fork_server)


@pytest.fixture(scope="session")
def service() -> Iterator[Sandbox]:
    """A sandbox that stays, for commands that need more than one process. Jobs take a fraction of a second."""
    with Sandbox(speed=100.0) as sandbox:
        yield sandbox


@pytest.fixture
def live(program: Program, service: Sandbox) -> Callable[..., Done]:
    """The program at that sandbox, looking often."""
    return lambda line, **more: program(f"--base-url {service.base_url} {line}", **more)
