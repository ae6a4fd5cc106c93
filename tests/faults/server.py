"""A raw TCP server that fails on command, counts what it was asked, and keeps every byte it received.

A script has a connection and does with it what it likes. The ones here are the faults of the table: each is made of the answer
that a healthy server would have given in its place.
"""

from __future__ import annotations

import functools
import json
import re
import socket
import struct
import threading
import time
import zlib
from collections.abc import Callable
from contextlib import suppress
from typing import Any, NamedTuple, TypeAlias

ENDLESS = 5.0
"""Seconds after which what is endless ends all the same, so that a client without a bound fails its test and not the run."""

MUCH = 64 * 2**20
"""Bytes of what is too much: an endless body, a bomb unpacked."""

RESET = struct.pack("ii", 1, 0)  # lingering for 0 s makes closing a reset


class Answer(NamedTuple):
    """What a healthy server answers. With `job` it means that a POST has started one."""

    status: int
    body: bytes = b""
    fields: tuple[str, ...] = ()
    job: bool = False

    def head(self, *fields: str) -> bytes:
        return "\r\n".join([f"HTTP/1.1 {self.status} X", *self.fields, *fields, "connection: close", "", ""]).encode()

    def wire(self, length: object = None) -> bytes:
        """Head and body, the length being as it is or as told."""
        return self.head(f"content-length: {len(self.body) if length is None else length}") + self.body


class Link:
    """One request on a connection. What reads it says whether it starts a job."""

    def __init__(self, server: Server, connection: socket.socket, received: bytearray) -> None:
        self.server = server
        self.connection = connection
        self.is_open = True
        self.head = ""
        self._received = received

    def read_some(self, most: int = 2**16) -> bytes:
        data = self.connection.recv(most)
        self._received += data
        return data

    def read(self, answer: Answer | None = None) -> None:
        """Reads the whole request."""
        data = b""
        while b"\r\n\r\n" not in data:
            data += (more := self.read_some())
            if not more:
                raise ConnectionError("half a request")
        head, _, body = data.partition(b"\r\n\r\n")
        self.head = head.decode("latin-1")
        fields = {name.lower(): value.strip() for name, _, value in map(_split, self.head.split("\r\n")[1:])}
        left = int(fields.get("content-length", 0)) - len(body)
        while left > 0:
            left -= len(self.read_some())
        if answer and answer.job:
            self.server.jobs += 1

    def send(self, data: bytes) -> None:
        self.connection.sendall(data)
        self.server.sent += len(data)

    def close(self) -> None:
        self.is_open = False
        with suppress(OSError):  # the client may have reset it
            self.connection.shutdown(socket.SHUT_WR)
        self.connection.close()

    def reset(self) -> None:
        self.is_open = False
        self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET)
        self.connection.close()

    def until_gone(self) -> None:
        """Says nothing until the client has left."""
        while self.connection.recv(2**16):
            pass


def _split(line: str) -> tuple[str, str, str]:
    return line.partition(":")


Script: TypeAlias = Callable[[Link], Any]
Fault: TypeAlias = Callable[[Answer], Script]


class Server:
    """Listens on 127.0.0.1. Each request of a method gets the method's next script, and the last one from then on.

    Attributes:
        scripts: By method.
        methods: Of all requests, whether they were read or not.
        received: Every byte that was read, by connection.
        sent: Bytes.
        jobs: POSTs that have started a job.
    """

    def __init__(self) -> None:
        self.scripts: dict[str, list[Script]] = {}
        self.methods: list[str] = []
        self.received: list[bytearray] = []
        self.sent = self.jobs = 0
        self._threads: list[threading.Thread] = []
        self._open: set[socket.socket] = set()
        # Bound and not listening: connections are refused, and nobody else gets the port.
        self._listener = socket.create_server(("127.0.0.1", 0), backlog=16)
        self.origin = f"http://127.0.0.1:{self._listener.getsockname()[1]}"
        self._start(self._accept, self._listener)

    def _start(self, work: Callable[..., None], *arguments: object) -> None:
        thread = threading.Thread(target=work, args=arguments, daemon=True)
        self._threads.append(thread)
        thread.start()

    def _accept(self, listener: socket.socket) -> None:
        while True:
            try:
                connection, _ = listener.accept()
            except OSError:
                return
            self._open.add(connection)
            self._start(self._serve, connection)

    def _serve(self, connection: socket.socket) -> None:
        connection.settimeout(ENDLESS)
        received = bytearray()
        self.received.append(received)
        try:
            while method := _peek(connection):
                self.methods.append(method)
                scripts = self.scripts.get(method, [close])
                link = Link(self, connection, received)
                (scripts.pop(0) if len(scripts) > 1 else scripts[0])(link)
                if not link.is_open:
                    return
        except OSError:  # the client has gone, or the server closes
            pass
        finally:
            connection.close()
            self._open.discard(connection)

    def refuse(self) -> None:
        """Refuses connections from now on, as nobody else can have the port."""
        port = self._listener.getsockname()[1]
        self._stop_listening()
        self._listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
        self._listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self._listener.bind(("127.0.0.1", port))

    def listen(self) -> None:
        """Takes connections again."""
        self._listener.listen(16)
        self._start(self._accept, self._listener)

    def _stop_listening(self) -> None:
        with suppress(OSError):  # one that does not listen
            self._listener.shutdown(socket.SHUT_RDWR)  # closing alone leaves a waiting accept as it is
        self._listener.close()

    def close(self) -> None:
        """Ends every connection, and waits for its thread."""
        self._stop_listening()
        for connection in list(self._open):
            with suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)
        for thread in self._threads:
            thread.join(ENDLESS)


def _peek(connection: socket.socket) -> str:
    """The method of the request that comes, without reading it; empty at the end."""
    begin = time.monotonic()
    while time.monotonic() - begin < ENDLESS:
        data = connection.recv(8, socket.MSG_PEEK)
        if not data:
            return ""
        if data[:1] == b"\x16":
            return "TLS"
        if b" " in data:
            return data.partition(b" ")[0].decode("latin-1")
    return ""


# What a server does to a connection.


def close(link: Link) -> None:
    link.close()


def no_tls(link: Link) -> None:
    """Takes a TLS greeting for a request that it can't read."""
    link.read_some()
    link.send(Answer(400).wire())
    link.close()


def says(answer: Answer) -> Script:
    """The healthy one."""

    def script(link: Link) -> None:
        link.read(answer)
        link.send(answer.wire())
        link.close()

    return script


def instead(answer: Answer) -> Fault:
    """Another answer than the healthy one."""
    return lambda healthy: says(answer)


def reset_before(answer: Answer) -> Script:
    return Link.reset


def reset_during(answer: Answer) -> Script:
    def script(link: Link) -> None:
        link.read_some(100)
        link.reset()

    return script


def heard(then: Callable[[Link], None]) -> Fault:
    """Reads the request, and then no answer comes."""

    def fault(answer: Answer) -> Script:
        def script(link: Link) -> None:
            link.read(answer)
            then(link)

        return script

    return fault


reset_after = heard(Link.reset)
closed = heard(Link.close)
silent = heard(Link.until_gone)


def slow(answer: Answer) -> Script:
    """In two hundred pieces, but to the end."""

    def script(link: Link) -> None:
        link.read(answer)
        wire = answer.wire()
        size = len(wire) // 200 + 1
        for place in range(0, len(wire), size):
            link.send(wire[place : place + size])
            time.sleep(0.001)
        link.close()

    return script


def for_ever(piece: bytes, pause: float, before: bytes = b"", most: int = MUCH) -> Fault:
    """Begins, and then sends a piece again and again."""

    def fault(answer: Answer) -> Script:
        def script(link: Link) -> None:
            link.read(answer)
            link.send(before or answer.head("transfer-encoding: chunked"))
            end, most_sent = time.monotonic() + ENDLESS, link.server.sent + most
            while time.monotonic() < end and link.server.sent < most_sent:
                link.send(piece)
                time.sleep(pause)
            link.close()

        return script

    return fault


def chunk(data: bytes) -> bytes:
    return b"%x\r\n%s\r\n" % (len(data), data)


trickle = for_ever(chunk(b" "), 0.02)
endless_body = for_ever(chunk(b" " * 2**16), 0)
endless_head = for_ever(b"x-more: of it\r\n", 0.02, b"HTTP/1.1 200 X\r\n")
endless_1xx = for_ever(b"HTTP/1.1 103 X\r\n\r\n", 0.02, b"HTTP/1.1 100 X\r\n\r\n")
ten_mb_head = for_ever(b"x" * 2**16, 0, b"HTTP/1.1 200 X\r\nx-long: ", most=10 * 2**20)


def wired(change: Callable[[Answer], bytes]) -> Fault:
    """Other bytes, made of the healthy answer."""

    def fault(answer: Answer) -> Script:
        def script(link: Link) -> None:
            link.read(answer)
            link.send(change(answer))
            link.close()

        return script

    return fault


def _gzip(data: bytes) -> bytes:
    packer = zlib.compressobj(wbits=31)
    return packer.compress(data) + packer.flush()


@functools.cache
def packed(size: int) -> bytes:
    """So many spaces, as gzip: about a thousandth."""
    packer, mib = zlib.compressobj(9, wbits=31), b" " * 2**20
    return b"".join(packer.compress(mib) for _ in range(size // 2**20)) + packer.flush()


def _half(answer: Answer) -> bytes:
    return answer.body[: len(answer.body) // 2]


half_json = wired(lambda answer: answer._replace(body=_half(answer)).wire())
length_too_long = wired(lambda answer: answer.wire(len(answer.body) + 100))
length_too_short = wired(lambda answer: answer.wire(len(answer.body) // 2))
length_no_number = wired(lambda answer: answer.wire("many"))
two_lengths = wired(lambda answer: answer._replace(fields=(*answer.fields, "content-length: 3")).wire())
garbage = wired(lambda answer: b"SSH-2.0-OpenSSH_9.9\r\n")
informed = wired(lambda answer: b"HTTP/1.1 100 X\r\n\r\nHTTP/1.1 103 X\r\nlink: </x>\r\n\r\n" + answer.wire())
switched = wired(lambda answer: b"HTTP/1.1 101 X\r\nconnection: upgrade\r\nupgrade: h2c\r\n\r\n" + answer.wire())
not_gzip = wired(lambda answer: answer._replace(fields=("content-encoding: gzip",)).wire())
bomb = wired(lambda answer: answer._replace(body=packed(MUCH), fields=("content-encoding: gzip",)).wire())
gzipped = wired(lambda answer: answer._replace(body=_gzip(answer.body), fields=("content-encoding: gzip",)).wire())


def to_itself(answer: Answer) -> Script:
    """A redirect that leads where it came from."""

    def script(link: Link) -> None:
        link.read()
        place = link.head.split(" ")[1]
        link.send(Answer(307, b"", (f"location: {place}",)).wire())
        link.close()

    return script


def echo(answer: Answer) -> Script:
    """A gateway's page that repeats the request's head, key included."""

    def script(link: Link) -> None:
        link.read()
        link.send(Answer(502, link.head.encode()).wire())
        link.close()

    return script


def html(status: int, title: str) -> Fault:
    page = f"<!DOCTYPE html><html><title>{title}</title><h1>{title}</h1></html>".encode()
    return instead(Answer(status, page, ("content-type: text/html",)))


def refusal(status: int, code: str, text: str, *fields: str) -> Fault:
    return instead(Answer(status, json.dumps({"code": code, "error": text}).encode(), fields))


RATE = "Too many requests for team X. Requests per Minute (actual/limit): 80/60."
CREDIT = "Your team has either used all available credits or reached its monthly spending limit."
LISTED_503 = "upstream connect error or disconnect/reset before headers. reset reason: connection timeout"


def storm(*fields: str) -> Fault:
    """The 429 for the rate."""
    return refusal(429, "resource-exhausted", RATE, *fields)


# What only a host of files does.


def _begun(end: Callable[[Link], None]) -> Fault:
    """The first half of the file, and then another end."""

    def fault(answer: Answer) -> Script:
        def script(link: Link) -> None:
            link.read()
            link.send(answer.wire()[: len(answer.body) // 2])
            end(link)

        return script

    return fault


breaks_off = _begun(Link.close)
stops = _begun(Link.until_gone)


def lying_range(change: Callable[[int, int], tuple[int, str]]) -> Fault:
    """Answers a range with a status and a `content-range` made of its begin and the file's size, and all that is left."""

    def fault(answer: Answer) -> Script:
        def script(link: Link) -> None:
            link.read()
            asked = re.search(r"(?i)\nrange: bytes=(\d+)-", link.head)
            begin = int(asked[1]) if asked else 0
            status, told = change(begin, len(answer.body))
            body = answer.body[begin:] if status == 206 else b""
            link.send(Answer(status, body, (f"content-range: {told}", *answer.fields)).wire())
            link.close()

        return script

    return fault


def ranged(answer: Answer) -> Script:
    """Serves the part that is asked for."""

    def script(link: Link) -> None:
        link.read()
        asked = re.search(r"(?i)\nrange: bytes=(\d+)-", link.head)
        if not asked:
            link.send(answer.wire())
        else:
            begin, size = int(asked[1]), len(answer.body)
            fields = (f"content-range: bytes {begin}-{size - 1}/{size}", *answer.fields)
            link.send(Answer(206, answer.body[begin:], fields).wire())
        link.close()

    return script
