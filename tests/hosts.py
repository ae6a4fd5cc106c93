"""A raw host of files, which does what its scripts say, and the file that it has."""

from __future__ import annotations

import socket
import struct
import threading
import time
from collections.abc import Callable
from contextlib import closing, suppress
from pathlib import Path

from support import HANG, until


def mp4(content: bytes) -> bytes:
    """A file in the form of an MP4: its type, an index, and media."""
    kind, index = b"\0\0\0\x18ftypmp42\0\0\0\0mp42isom", b"\0\0\0\x08moov"
    return kind + index + struct.pack(">I4s", 8 + len(content), b"mdat") + content


MP4 = mp4(bytes(range(256)) * 400)
ETAG = '"one"'


class Seen:
    """A request as it came."""

    def __init__(self, head: str) -> None:
        line, *fields = head.split("\r\n")
        self.path = line.split(" ")[1]
        self.headers = {name.lower(): value.strip() for name, _, value in (field.partition(":") for field in fields)}


def until_read(connection: socket.socket) -> None:
    """Waits until the other end, which is on this machine, has read what was sent, where the system tells; else a moment."""
    table = Path("/proc/net/tcp")
    if not table.exists():
        time.sleep(0.5)
        return
    there, here = (f":{address[1]:04X}" for address in (connection.getpeername(), connection.getsockname()))

    def is_read() -> bool:
        rows = (line.split() for line in table.read_text(encoding="ascii").splitlines()[1:])
        queues = [row[4] for row in rows if row[1].endswith(there) and row[2].endswith(here)]
        return all(int(each.partition(":")[2], 16) == 0 for each in queues)

    until(is_read)


Script = Callable[[socket.socket, Seen], None]


class Host:
    """A host of files: each connection gets the next script, and the last one from then on."""

    def __init__(self) -> None:
        self.requests: list[Seen] = []
        self.scripts: list[Script] = []
        self.end = threading.Event()
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.origin = f"http://127.0.0.1:{self._listener.getsockname()[1]}"
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self) -> None:
        while True:
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            threading.Thread(target=self._answer, args=(connection,), daemon=True).start()

    def _answer(self, connection: socket.socket) -> None:
        connection.settimeout(HANG)
        with closing(connection):
            head = b""
            while b"\r\n\r\n" not in head:
                head += (got := connection.recv(65536))
                if not got:
                    return
            seen = Seen(head.partition(b"\r\n\r\n")[0].decode("latin-1"))
            self.requests.append(seen)
            script = self.scripts.pop(0) if len(self.scripts) > 1 else self.scripts[0]
            try:
                script(connection, seen)
            except OSError:  # the client has gone, as it should
                return

    @property
    def ranges(self) -> list[str | None]:
        return [seen.headers.get("range") for seen in self.requests]

    def close(self) -> None:
        self.end.set()
        with suppress(OSError):  # closed by the test itself
            self._listener.shutdown(socket.SHUT_RDWR)  # closing alone leaves a waiting accept as it is
        self._listener.close()


def head(status: int, *fields: str) -> bytes:
    return "\r\n".join([f"HTTP/1.1 {status} X", *fields, "connection: close", "", ""]).encode()


def says(status: int, body: bytes = b"", *fields: str) -> Script:
    return lambda connection, seen: connection.sendall(head(status, f"content-length: {len(body)}", *fields) + body)


def serves(body: bytes = MP4, etag: str = ETAG, stop: int | None = None, ranges: bool = True) -> Script:
    """Serves a file as a bucket would, or only up to `stop`, and then breaks off."""

    def script(connection: socket.socket, seen: Seen) -> None:
        asked = seen.headers.get("range", "")
        if ranges and asked and seen.headers.get("if-range") == etag:
            start = int(asked.removeprefix("bytes=").removesuffix("-"))
            if start >= len(body):
                connection.sendall(head(416, f"content-range: bytes */{len(body)}", f"etag: {etag}"))
                return
            fields = [f"content-range: bytes {start}-{len(body) - 1}/{len(body)}"]
        else:
            start, fields = 0, []
        fields += [f"etag: {etag}", f"content-length: {len(body) - start}"]
        connection.sendall(head(206 if start else 200, *fields) + body[start:stop])
        if stop is not None:
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 0, 0))

    return script
