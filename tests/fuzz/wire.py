"""A server on loopback that sends bytes as they are told, and counts what was posted. No HTTP library: none would send these."""

from __future__ import annotations

import contextlib
import re
import socket
import threading
from typing import Self


class Wire:
    """One answer for all that is asked, until another is set. Connections are kept, unless the answer says otherwise."""

    def __init__(self) -> None:
        self.answer, self.ends = b"", False
        self.posts = 0
        self._lock = threading.Lock()
        self._open: set[socket.socket] = set()
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.base_url = f"http://127.0.0.1:{self._listener.getsockname()[1]}/v1"
        threading.Thread(target=self._listen, daemon=True, name="wire").start()

    def tell(self, answer: bytes, ends: bool = False) -> None:
        """Sets the answer, and whether the connection ends after it."""
        self.answer, self.ends, self.posts = answer, ends, 0

    def _listen(self) -> None:
        while True:
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            threading.Thread(target=self._serve, args=(connection,), daemon=True, name="wire").start()

    def _serve(self, connection: socket.socket) -> None:
        self._open.add(connection)
        try:
            self._answer(connection)
        finally:
            self._open.discard(connection)

    def _answer(self, connection: socket.socket) -> None:
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        with contextlib.suppress(OSError), connection:
            taken = b""
            while True:
                while b"\r\n\r\n" not in taken:
                    if not (chunk := connection.recv(65536)):
                        return
                    taken += chunk
                head, _, taken = taken.partition(b"\r\n\r\n")
                length = re.search(rb"(?i)content-length: (\d+)", head)
                left = int(length[1]) if length else 0
                while len(taken) < left:
                    if not (chunk := connection.recv(65536)):
                        return
                    taken += chunk
                taken = taken[left:]
                if head.startswith(b"POST"):
                    with self._lock:
                        self.posts += 1
                connection.sendall(self.answer)
                if self.ends:
                    return

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._listener.close()
        for connection in list(self._open):
            with contextlib.suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)
