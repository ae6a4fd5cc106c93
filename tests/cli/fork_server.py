"""The program without the cost of its start: a process that has imported it forks a child for each command line.

The start is a quarter of a second of CPU, nearly all of it imports, and the suite has hundreds. A child has its own pipes, folder,
environment and exit code, and ends as any process does. What is about the start, keys or signals has the installed program.
"""

from __future__ import annotations

import fcntl
import gc
import json
import os
import selectors
import signal
import socket
import subprocess
import sys
import tempfile
import termios
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path

LENGTH = 8
"""Bytes of the length before a command, and of the numbers that answer it: the process's id, and then its exit code."""


class ForkServer:
    """A server, and the socket on which it takes commands."""

    def __init__(self, environment: Mapping[str, str]) -> None:
        self._folder = tempfile.TemporaryDirectory(prefix="fork")
        self._path = str(Path(self._folder.name) / "server")
        self._server = subprocess.Popen(
            [sys.executable, __file__, self._path], env=environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE
        )
        assert self._server.stdout and self._server.stdout.readline() == b"ready\n"

    def run(
        self, arguments: Sequence[str], folder: Path, environment: Mapping[str, str], text: str | None, timeout: float
    ) -> tuple[int, str, str]:
        """Runs the program, and returns its exit code and what it wrote to stdout and stderr."""
        command = json.dumps([list(arguments), str(folder), dict(environment)]).encode()
        with ExitStack() as stack, socket.socket(socket.AF_UNIX) as server:
            theirs, out, err = self._pipes(stack, text)
            server.settimeout(timeout)
            server.connect(self._path)
            socket.send_fds(server, [len(command).to_bytes(LENGTH)], theirs)
            server.sendall(command)
            for each in theirs:
                os.close(each)
            process = _number(server)
            try:
                written = _read([out, err], timeout)
                return _number(server), *written
            except TimeoutError:
                os.kill(process, signal.SIGKILL)
                raise

    def terminal(
        self, arguments: Sequence[str], folder: Path, environment: Mapping[str, str], size: tuple[int, int]
    ) -> ForkedTerminal:
        """Begins the program in a pseudo-terminal of so many lines and columns."""
        command = json.dumps([list(arguments), str(folder), dict(environment)]).encode()
        ours, theirs = os.openpty()
        termios.tcsetwinsize(theirs, size)
        server = socket.socket(socket.AF_UNIX)
        server.connect(self._path)
        socket.send_fds(server, [len(command).to_bytes(LENGTH)], [theirs])
        server.sendall(command)
        os.close(theirs)
        return ForkedTerminal(ours, server)

    @staticmethod
    def _pipes(stack: ExitStack, text: str | None) -> tuple[list[int], int, int]:
        stdin = stack.enter_context(tempfile.TemporaryFile())  # noqa: SIM115
        stdin.write((text or "").encode())
        stdin.seek(0)
        (out, stdout), (err, stderr) = os.pipe(), os.pipe()
        stack.callback(os.close, out)
        stack.callback(os.close, err)
        return [os.dup(stdin.fileno()), stdout, stderr], out, err

    def close(self) -> None:
        """Ends the server, which lives as long as its stdin."""
        self._server.communicate(timeout=60)
        self._folder.cleanup()


class ForkedTerminal:
    """The near end of a program's pseudo-terminal, with the face of a `PtyProcess`."""

    def __init__(self, terminal: int, server: socket.socket) -> None:
        self._terminal, self._server = terminal, server
        _number(server)
        self.exitstatus: int | None = None

    def read(self, size: int) -> bytes:
        try:
            chunk = os.read(self._terminal, size)
        except OSError:  # nobody has the far end any more
            chunk = b""
        if not chunk:
            raise EOFError
        return chunk

    def write(self, data: bytes) -> None:
        os.write(self._terminal, data)

    def wait(self) -> None:
        self.exitstatus = _number(self._server)
        self._server.close()
        os.close(self._terminal)


def _read(files: Sequence[int], timeout: float) -> list[str]:
    found = dict.fromkeys(files, b"")
    with selectors.DefaultSelector() as waiting:
        for each in files:
            waiting.register(each, selectors.EVENT_READ)
        while waiting.get_map():
            ready = waiting.select(timeout)
            if not ready:
                raise TimeoutError("the program neither writes nor ends")
            for key, _ in ready:
                chunk = os.read(key.fd, 1 << 16)
                found[key.fd] += chunk
                if not chunk:
                    waiting.unregister(key.fd)
    return [each.decode().replace("\r\n", "\n") for each in found.values()]


def _number(connection: socket.socket) -> int:
    data = connection.recv(LENGTH, socket.MSG_WAITALL)
    assert len(data) == LENGTH, "the server is gone"
    return int.from_bytes(data, signed=True)


def serve(path: str) -> None:
    """Serves until stdin ends. Returns in a child that is to run the program."""
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # nobody waits for those that wait for the children
    with socket.socket(socket.AF_UNIX) as listener, selectors.DefaultSelector() as waiting:
        listener.bind(path)
        listener.listen(16)
        waiting.register(listener, selectors.EVENT_READ)
        waiting.register(sys.stdin, selectors.EVENT_READ)
        print("ready", flush=True)
        while True:
            if any(key.fileobj is sys.stdin for key, _ in waiting.select()):
                os._exit(0)
            connection, _ = listener.accept()
            if os.fork() == 0:
                signal.signal(signal.SIGCHLD, signal.SIG_DFL)
                if _is_program(connection):
                    return
                os._exit(0)
            connection.close()


def _is_program(connection: socket.socket) -> bool:
    """Forks once more, and waits for that child. True in the child, which is set up."""
    head, files, *_ = socket.recv_fds(connection, LENGTH, 3)
    command = b""
    while len(command) < int.from_bytes(head):
        command += connection.recv(1 << 20)
    arguments, folder, environment = json.loads(command)
    process = os.fork()
    if process:
        for each in files:
            os.close(each)
        connection.sendall(process.to_bytes(LENGTH))
        code = os.waitstatus_to_exitcode(os.waitpid(process, 0)[1])
        connection.sendall(code.to_bytes(LENGTH, signed=True))
        return False
    if len(files) == 1:  # a terminal
        os.setsid()
        fcntl.ioctl(files[0], termios.TIOCSCTTY, 0)
        files *= 3
    for number, each in enumerate(files):
        os.dup2(each, number)
    for each in set(files):
        os.close(each)
    connection.close()
    # The server's own know of other files.
    sys.stdin = sys.__stdin__ = open(0, encoding="utf-8")  # noqa: SIM115
    sys.stdout = sys.__stdout__ = open(1, "w", encoding="utf-8")  # noqa: SIM115
    sys.stderr = sys.__stderr__ = open(2, "w", encoding="utf-8", errors="backslashreplace", buffering=1)  # noqa: SIM115
    os.chdir(folder)
    os.environ.clear()
    os.environ.update(environment)
    sys.argv[1:] = arguments
    return True


if __name__ == "__main__":
    import grok_imagine_cli.app
    import grok_imagine_sandbox.server  # noqa: F401
    from grok_imagine import Client

    with Client("key", base_url="http://127.0.0.1:9"):
        pass
    gc.freeze()  # what was imported is not looked through at the end of each child
    serve(sys.argv[1])
    sys.argv[0] = "grok-imagine"
    grok_imagine_cli.main()
