"""A raw server that takes paid POSTs, says when they are there, and answers when it is told to. It is not the sandbox."""

from __future__ import annotations

import contextlib
import json
import socket
import threading
import time
from pathlib import Path
from types import TracebackType
from typing import Self

from support import HANG, until

from .programs import REFUSED


class Server:
    """Answers POSTs late.

    Args:
        posts: How many have to be there before `ready` is set.
        moment: How far they are then: `sent`, with no answer yet; `half`, with half an answer; `answered`.

    Attributes:
        ready: Set when the program may end.
        arrived: Prompts of POSTs that came, one for each time.
        given: Ids that were answered whole, by prompt.
    """

    def __init__(self, posts: int, moment: str) -> None:
        self._posts, self._moment = posts, moment
        self.ready = threading.Event()
        self.answer = threading.Event()
        self.arrived: list[str] = []
        self.given: dict[str, str] = {}
        self._lock = threading.Lock()
        self._at_moment = 0
        self._queue: list[socket.socket] = []
        self._own = 0
        self._listener = socket.create_server(("127.0.0.1", 0), backlog=64 if moment != "before" else 0)
        address = self._listener.getsockname()
        self.url = f"http://127.0.0.1:{address[1]}/v1"
        if moment == "before":
            self._fill_queue(address)
        else:
            threading.Thread(target=self._accept, daemon=True).start()

    def _fill_queue(self, address: tuple[str, int]) -> None:
        """Connects until nobody is let in any more: whoever comes then waits, and can't send."""
        for _ in range(64):
            self._queue.append(client := socket.socket())
            client.settimeout(0.2)
            try:
                client.connect(address)
            except TimeoutError:
                self._own = self._connecting()
                return
        raise AssertionError("the queue takes everybody")

    def _connecting(self) -> int:
        """How many try to connect, where the system tells."""
        table, there = Path("/proc/net/tcp"), f":{self._listener.getsockname()[1]:04X}"
        if not table.exists():
            return 0
        rows = (line.split() for line in table.read_text(encoding="ascii").splitlines()[1:])
        return sum(row[2].endswith(there) and row[3] == "02" for row in rows)

    def wait_for_connect(self) -> None:
        """Waits until the program tries to connect; where the system does not tell, for a moment."""
        if self._own:
            until(lambda: self._connecting() > self._own)
        time.sleep(0.3)

    def _accept(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                connection, _ = self._listener.accept()
                threading.Thread(target=self._serve, args=(connection,), daemon=True).start()

    def _serve(self, connection: socket.socket) -> None:
        with connection, contextlib.suppress(OSError):
            stream = connection.makefile("rb")
            while line := stream.readline():
                method, *_ = line.decode().split()
                headers = {}
                while (header := stream.readline().decode().strip()) != "":
                    name, value = header.split(":", 1)
                    headers[name.lower()] = value.strip()
                body = stream.read(int(headers.get("content-length", 0)))
                if method == "POST":
                    self._take(connection, json.loads(body)["prompt"])
                else:
                    connection.sendall(_answer({"status": "pending", "progress": 1}, "202 Accepted"))

    def _take(self, connection: socket.socket, prompt: str) -> None:
        with self._lock:
            self.arrived.append(prompt)
            request_id = f"job-{len(self.arrived)}-{abs(hash(prompt)) % 10**8}"
        if prompt == REFUSED:
            self.ready.wait(HANG)
            connection.sendall(_answer({"code": "invalid-argument", "error": "refused"}, "400 Bad Request"))
            return
        whole = _answer({"request_id": request_id})
        if self._moment == "half":
            connection.sendall(whole[: -len(request_id) // 2])
            self._reach()
            self.answer.wait(HANG)
            self._give(prompt, request_id)
            connection.sendall(whole[-len(request_id) // 2 :])
        else:
            if self._moment == "sent":
                self._reach()
                self.answer.wait(HANG)
            self._give(prompt, request_id)
            connection.sendall(whole)
        if self._moment == "answered":
            time.sleep(0.02)  # until it is read
            self._reach()

    def _give(self, prompt: str, request_id: str) -> None:
        """Notes an answer before it is sent: the program may have ended before this thread is on again."""
        with self._lock:
            self.given[prompt] = request_id

    def _reach(self) -> None:
        with self._lock:
            self._at_moment += 1
            if self._at_moment == self._posts:
                self.ready.set()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.answer.set()
        self.ready.set()
        with contextlib.suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        for each in (self._listener, *self._queue):
            each.close()


def _answer(body: object, status: str = "200 OK") -> bytes:
    data = json.dumps(body).encode()
    return f"HTTP/1.1 {status}\r\ncontent-type: application/json\r\ncontent-length: {len(data)}\r\n\r\n".encode() + data
