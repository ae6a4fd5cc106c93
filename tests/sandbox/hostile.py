"""What the hostile tests of the sandbox share."""

from __future__ import annotations

import socket
import threading
from contextlib import ExitStack, closing, suppress
from typing import Any

import httpx

GENERATIONS = "/videos/generations"


KEY = {"authorization": "Bearer x"}


HANG = 60.0  # seconds after which a test is taken to hang


def served(url: str) -> bool:
    """Whether another client is served: an ordinary job is accepted."""
    answer = httpx.post(url + GENERATIONS, json={"prompt": "x"}, headers=KEY, trust_env=False, timeout=HANG)
    return answer.status_code == 200


def exchange(port: int, data: bytes, *, end: bool = True) -> bytes:
    """Send bytes as they are; what comes back until the server closes or has answered all."""
    with socket.create_connection(("127.0.0.1", port), timeout=HANG) as connection:
        answer = bytearray()
        try:
            connection.sendall(data)
            if end:
                connection.shutdown(socket.SHUT_WR)
            while piece := connection.recv(65536):
                answer += piece
        except OSError:
            pass
        return bytes(answer)


def head(target: bytes = b"/v1/videos/generations", *lines: bytes, host: bytes = b"localhost") -> bytes:
    return b"\r\n".join(
        [b"POST " + target + b" HTTP/1.1", b"host: " + host, b"authorization: Bearer x", *lines, b"", b""]
    )


JSON = b"content-type: application/json"


ABUSES = {
    "nothing": b"",
    "not http": b"\x16\x03\x01\x02\x00\x01\x00",
    "a flood of headers": b"GET / HTTP/1.1\r\n" + b"x: y\r\n" * 100_000,
    "an endless header": b"GET / HTTP/1.1\r\nx: " + b"y" * 1_000_000,
    "an endless target": b"GET /" + b"a" * 1_000_000,
    "length is no number": head(b"/v1/videos/generations", JSON, b"content-length: x"),
    "length is negative": head(b"/v1/videos/generations", JSON, b"content-length: -1"),
    "length is enormous": head(b"/v1/videos/generations", JSON, b"content-length: " + b"9" * 30) + b"{}",
    "two lengths": head(b"/v1/videos/generations", JSON, b"content-length: 2", b"content-length: 3") + b"{}",
    "too short a body": head(b"/v1/videos/generations", JSON, b"content-length: 99") + b"{}",
    "too long a body": head(b"/v1/videos/generations", JSON, b"content-length: 2") + b"{}" * 1000,
    "chunks that lie": head(b"/v1/videos/generations", JSON, b"transfer-encoding: chunked") + b"5\r\n{}\r\n0\r\n\r\n",
    "a chunk without end": head(b"/v1/videos/generations", JSON, b"transfer-encoding: chunked") + b"f" * 100_000,
    "a chunk for each byte": head(b"/v1/videos/generations", JSON, b"transfer-encoding: chunked")
    + b"1\r\n \r\n" * 500_000,
    "chunked and a length": head(b"/v1/videos/generations", b"transfer-encoding: chunked", b"content-length: 2"),
    "gzip": head(b"/v1/videos/generations", JSON, b"content-encoding: gzip", b"content-length: 2") + b"\x1f\x8b",
    "a websocket": b"GET / HTTP/1.1\r\nhost: localhost\r\nconnection: upgrade\r\nupgrade: websocket\r\n\r\n",
    "connect": b"CONNECT localhost:80 HTTP/1.1\r\nhost: localhost\r\n\r\n",
    "http/1.0": b"GET /v1/videos/x HTTP/1.0\r\n\r\n",
    "http/0.9": b"GET /\r\n",
    "http/2": b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
    "no host": b"GET /v1/videos/x HTTP/1.1\r\n\r\n",
    "two hosts": b"GET /v1/videos/x HTTP/1.1\r\nhost: localhost\r\nhost: evil.test\r\n\r\n",
    "a whole url": b"GET http://localhost/v1/videos/x HTTP/1.1\r\nhost: localhost\r\n\r\n",
    "a whole foreign url": b"GET http://evil.test/v1/videos/x HTTP/1.1\r\nhost: localhost\r\n\r\n",
    "an asterisk": b"OPTIONS * HTTP/1.1\r\nhost: localhost\r\n\r\n",
    "a target that is no path": b"GET ../../etc/passwd HTTP/1.1\r\nhost: localhost\r\n\r\n",
    "dots": b"GET /files-cdn/../../../etc/passwd HTTP/1.1\r\nhost: localhost\r\n\r\n",
    "encoded dots": b"GET /files-cdn/%2e%2e%2f%2e%2e%2fetc%2fpasswd HTTP/1.1\r\nhost: localhost\r\n\r\n",
    "a null": b"GET /v1/videos/%00 HTTP/1.1\r\nhost: localhost\r\nauthorization: Bearer x\r\n\r\n",
    "no utf-8": b"GET /v1/videos/%ff%fe HTTP/1.1\r\nhost: localhost\r\nauthorization: Bearer x\r\n\r\n",
    "a model of surrogates": (
        b"GET /v1/video-generation-models/%ed%a0%80 HTTP/1.1\r\nhost: localhost\r\nauthorization: Bearer x\r\n\r\n"
    ),
    "half an escape": b"GET /v1/videos/%2 HTTP/1.1\r\nhost: localhost\r\nauthorization: Bearer x\r\n\r\n",
    "a line break in a header": b"GET / HTTP/1.1\r\nhost: localhost\r\nx: a\rb\r\n\r\n",
    "a scenario of junk": head(b"/v1/videos/generations", JSON, b"x-sandbox-scenario: \xff:\xff" + b"9" * 5000),
    "scenarios": head(b"/v1/videos/generations", b"x-sandbox-scenario: slow", b"x-sandbox-scenario: reset-before"),
    "a key of junk": b"GET /v1/videos/x HTTP/1.1\r\nhost: localhost\r\nauthorization: Bearer \xff\xfe\r\n\r\n",
    "ranges": b"GET /xai-vidgen-bucket/x HTTP/1.1\r\nhost: localhost\r\nrange: bytes=" + b"0-1," * 3000 + b"\r\n\r\n",
    "a preflight of junk": (
        b"OPTIONS / HTTP/1.1\r\nhost: localhost\r\norigin: http://localhost\r\n"
        b"access-control-request-method: \xff\r\naccess-control-request-headers: \xff\r\n\r\n"
    ),
    "pipelined": b"GET /v1/videos/x HTTP/1.1\r\nhost: localhost\r\n\r\n" * 500,
    "pipelined, half of the last": head(b"/nothing", b"content-length: 0") + head(b"/nothing", b"content-length: 9"),
    "expecting to go on": head(b"/v1/videos/generations", JSON, b"expect: 100-continue", b"content-length: 9"),
}


REQUEST = head(b"/v1/videos/generations", JSON, b"content-length: 14") + b'{"prompt":"x"}'


def silent(port: int, count: int, data: bytes = b"") -> ExitStack:
    """So many connections that send no more than that."""
    held = ExitStack()
    for _ in range(count):
        connection = held.enter_context(closing(socket.create_connection(("127.0.0.1", port), timeout=HANG)))
        connection.sendall(data)
    return held


def port_of(remote: Any) -> int:
    return int(remote.origin.rpartition(":")[2])


SILENCES = {
    "idle": b"",
    "half a head": REQUEST[:40],
    "no body": head(b"/v1/videos/generations", JSON, b"content-length: 99"),
    "half a body": head(b"/v1/videos/generations", JSON, b"content-length: 99") + b"{",
    "no body for a wrong key": b"POST /v1/videos/generations HTTP/1.1\r\nhost: localhost\r\ncontent-length: 99\r\n\r\n",
    "half of a second": head(b"/nothing", b"content-length: 0") + head(b"/nothing", b"content-length: 9"),
}


class Origin:
    """A server of this machine that answers each connection with bytes, then trickles on, or closes."""

    def __init__(self, answer: bytes, *, trickle: bool = False) -> None:
        self._answer = answer
        self._trickle = trickle
        self._stopped = threading.Event()
        self._socket = socket.create_server(("127.0.0.1", 0), backlog=256)
        self.port = self._socket.getsockname()[1]
        self.url = f"http://127.0.0.1:{self.port}/a.png"
        self._open: list[socket.socket] = []
        self._thread = threading.Thread(target=self._serve)

    def __enter__(self) -> Origin:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stopped.set()
        self._thread.join(HANG)
        for connection in (self._socket, *self._open):
            connection.close()

    def _serve(self) -> None:
        self._socket.settimeout(0.01)
        while not self._stopped.is_set():
            try:
                connection, _ = self._socket.accept()
            except TimeoutError:
                for each in self._open:
                    with suppress(OSError):
                        each.send(b"x")
                continue
            with suppress(OSError):  # the client may have had enough of it
                connection.recv(65536)
                connection.sendall(self._answer)
            if self._trickle:
                connection.setblocking(False)
                self._open.append(connection)
            else:
                connection.close()
