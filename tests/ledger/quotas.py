"""What the tests of quotas share."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from support import HANG

ORIGIN = "http://127.0.0.1/v1"


MINUTE = 60.0


@contextmanager
def redis_server(folder: Path, port: int = 0, *options: str) -> Iterator[int]:
    """A Redis server of the system's on a port of loopback; what is in it goes with it."""
    program = shutil.which("redis-server")
    if program is None:
        assert not os.environ.get("CI"), "there is no redis-server; `make redis` installs it"
        pytest.skip("there is no redis-server here")
    if not port:
        with socket.create_server(("127.0.0.1", 0)) as free:
            port = free.getsockname()[1]
    command = [program, "--bind", "127.0.0.1", "--port", str(port), "--save", "", "--appendonly", "no", *options]
    with (folder / "log").open("w") as log:
        server = subprocess.Popen([*command, "--dir", str(folder)], stdout=log)
    try:
        for _ in range(200):
            with socket.socket() as probe:
                if not probe.connect_ex(("127.0.0.1", port)):
                    break
            assert server.poll() is None, (folder / "log").read_text()
            time.sleep(0.05)
        yield port
    finally:
        server.terminate()
        server.wait(HANG)
