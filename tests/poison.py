"""What can be wrong with one job of many: a raw server whose answers are mad on command, and rows that an earlier run left mad.

A job is known by its number, which is its prompt. Of a good one the first look says that it runs and the second that it is done.
"""

from __future__ import annotations

import json
import socket
import struct
import threading
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from typing import Any, NamedTuple, TypeAlias

from support import HANG

RESET = struct.pack("ii", 1, 0)  # lingering for 0 s makes closing a reset

Reply: TypeAlias = Callable[[str], bytes]
"""The bytes of an answer, by the id of the job it is about."""


def http(body: object, status: int = 200, *fields: str) -> bytes:
    """An answer. What is no bytes is sent as JSON."""
    data = body if isinstance(body, bytes) else json.dumps(body).encode()
    named = any(field.lower().startswith("content-type") for field in fields)
    head = [f"HTTP/1.1 {status} X", *fields, f"content-length: {len(data)}", "connection: close"]
    head += [] if named else ["content-type: application/json"]
    return "\r\n".join([*head, "", ""]).encode() + data


def done(request_id: str, **more: Any) -> dict[str, Any]:
    video = {"url": f"https://files.example/{request_id}.mp4", "duration": 1, "respect_moderation": True}
    return {"status": "done", "model": "m", "usage": {"cost_in_usd_ticks": 50_000_000}, "video": video, **more}


DEEP = b"[" * 20_000 + b"]" * 20_000  # twenty times as deep as any parser follows
NESTED = b'{"request_id": "%s", "status": "done", "x": ' + b'{"a": ' * 3000 + b"1" + b"}" * 3000 + b"}"
OTHERS = "job-99"
"""An id that the ledger has of another client's job."""
HALF = "half an emoji \ud83d"


def nested(request_id: str) -> bytes:
    return http(NESTED % request_id.encode())


class Poison(NamedTuple):
    """One way of being mad. `at` is `post`, `look` (the first) or `later` (the second)."""

    name: str
    at: str
    reply: Reply

    def __repr__(self) -> str:
        return f"{self.at}: {self.name}"


POSTS: Mapping[str, Reply] = {
    "no JSON": lambda _: http(b"<html>hello</html>"),
    "nothing": lambda _: http(b""),
    "deep": lambda _: http(DEEP),
    "a list": lambda _: http([1]),
    "no id": lambda _: http({}),
    "a number for an id": lambda _: http({"request_id": 7}),
    "a list for an id": lambda _: http({"request_id": ["x"]}),
    "a huge number": lambda _: http(b'{"request_id": ' + b"9" * 5000 + b"}"),
    "no status line": lambda _: b"\x00\xff\x00\r\n\r\n",
    "nothing at all": lambda _: b"",
    "half a body": lambda _: b'HTTP/1.1 200 X\r\ncontent-length: 999\r\n\r\n{"request_id": "',
    "a lying encoding": lambda _: http(b"no gzip", 200, "content-encoding: gzip"),
    "bad chunks": lambda _: b"HTTP/1.1 200 X\r\ntransfer-encoding: chunked\r\n\r\nzz\r\n",
    "an odd charset": lambda _: http(b"\xff\xfe\x00", 400, "content-type: text/plain; charset=undefined"),
    "refused in half an emoji": lambda _: http({"code": HALF, "error": HALF}, 400),
    "refused in a deep way": lambda _: http(DEEP, 422),
    "refused in a wrong type": lambda _: http({"error": {"code": [1], "message": {"a": 1}}}, 400),
    "failed in half an emoji": lambda _: http({"error": HALF}, 500),
    "status 999": lambda _: http({"error": "x"}, 999),
    # Of these the service made a job, and gave its id.
    "an id with half an emoji": lambda id: http({"request_id": f"{id}\ud83d"}),
    "an id of dots": lambda _: http({"request_id": ".."}),
    "a path for an id": lambda id: http({"request_id": f"../{id}/../x"}),
    "an id that steers": lambda id: http({"request_id": f"{id}\x1b[2J\x00\x9b"}),
    "another's id": lambda _: http({"request_id": OTHERS}),
    "an id beside deep things": nested,
    "an id and an odd charset": lambda id: http({"request_id": id}, 200, "content-type: text/plain; charset=hex"),
    "an id and a bad length of the limit": lambda id: http({"request_id": id}, 200, "x-ratelimit-limit-requests: 1e9"),
}

LOOKS: Mapping[str, Reply] = {
    "no JSON": lambda _: http(b"<html>hello</html>"),
    "deep": lambda _: http(DEEP),
    "nested": nested,
    "a list": lambda _: http([1]),
    "half an emoji in the URL": lambda id: http(done(id, video={"url": HALF})),
    "half an emoji in the error": lambda _: http({"status": "failed", "error": {"code": HALF, "message": HALF}}),
    "half an emoji in the status": lambda _: http({"status": HALF}),
    "half an emoji in the model": lambda id: http(done(id, model=HALF)),
    "moderated in half an emoji": lambda _: http({"code": HALF, "error": f"content moderation {HALF}"}, 400),
    "a cost over 64 bits": lambda id: http(done(id, usage={"cost_in_usd_ticks": 10**40})),
    "a cost over a float": lambda id: http(done(id, usage={"cost_in_usd_ticks": 10**400})),
    "a cost without end": lambda id: http(json.dumps(done(id)).replace("50000000", "1e400").encode()),
    "a failure over 64 bits": lambda _: http({"status": "failed", "usage": {"cost_in_usd_ticks": -(10**40)}}),
    "wrong types": lambda _: http({"status": 5, "video": [1], "progress": "x", "usage": 3, "error": [], "model": {}}),
    "wrong types when done": lambda _: http({"status": "done", "video": "x", "usage": [], "error": 1}),
    "a URL that is none": lambda id: http(done(id, video={"url": 7})),
    "much progress": lambda _: http({"status": "pending", "progress": 10**400}),
    "progress back": lambda _: http({"status": "pending", "progress": -(10**400)}),
    "a new word": lambda _: http({"status": "x" * 10_000}),
    "no such job": lambda _: http({"error": "no such job"}, 404),
    "status 999": lambda _: http({"error": HALF}, 999),
    "elsewhere": lambda id: http(b"", 302, f"location: /v1/videos/{id}"),
    "elsewhere by mail": lambda _: http(b"", 302, "location: mailto:x@example.com"),
    "elsewhere in no language": lambda _: http(
        b"", 302, "location: http://xn--\xff.example/".encode().decode("latin-1")
    ),
    "an odd charset": lambda id: http(done(id), 200, "content-type: text/plain; charset=idna"),
    "an odder charset": lambda _: http(b"\xff\xfe", 400, "content-type: text/plain; charset=undefined"),
    "a lying encoding": lambda _: http(b"no gzip", 200, "content-encoding: gzip"),
    "no status line": lambda _: b"\x00\xff\x00\r\n\r\n",
    "a reset": lambda _: b"",
}

POISONS = [
    *(Poison(name, "post", reply) for name, reply in POSTS.items()),
    *(Poison(name, at, reply) for at in ("look", "later") for name, reply in LOOKS.items()),
]


class Service:
    """The server. `mad` says by number what is wrong with a job; `posts` counts what arrived; `files` is where videos are said to be."""

    files = "https://files.example"

    def __init__(self, mad: Mapping[int, Poison] | None = None) -> None:
        self.mad = dict(mad or {})
        self.posts: Counter[int] = Counter()
        self.looks: Counter[str] = Counter()
        self.served = self._busy = 0
        self._lock = threading.Lock()
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.base_url = f"http://127.0.0.1:{self._listener.getsockname()[1]}/v1"
        self._thread = threading.Thread(target=self._serve, daemon=True)
        self._thread.start()

    def _serve(self) -> None:
        while True:
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            with self._lock:
                self._busy += 1
            threading.Thread(target=self._see_to, args=(connection,), daemon=True).start()

    def pulse(self) -> object:
        """Changes while a request is under way, and by each that is served."""
        with self._lock:
            return object() if self._busy else self.served

    def _see_to(self, connection: socket.socket) -> None:
        try:
            self._answer(connection)
        finally:
            with self._lock:
                self._busy -= 1
                self.served += 1

    def _answer(self, connection: socket.socket) -> None:
        connection.settimeout(HANG)
        with connection, suppress(OSError):
            data = b""
            while b"\r\n\r\n" not in data:
                data += (more := connection.recv(65536))
                if not more:
                    return
            head, _, body = data.partition(b"\r\n\r\n")
            length = next(
                (int(line[15:]) for line in head.split(b"\r\n") if line.lower().startswith(b"content-length:")), 0
            )
            while len(body) < length:
                body += connection.recv(65536)
            method, path, _ = head.split(b" ", 2)
            answer = self.answer(method.decode(), path.decode(), body)
            if not answer:
                connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET)
            connection.sendall(answer)

    def answer(self, method: str, path: str, body: bytes) -> bytes:
        """What is sent; nothing is a reset."""
        if method == "POST":
            number = int(json.loads(body)["prompt"])
            with self._lock:
                self.posts[number] += 1
            mad = self.mad.get(number)
            if mad and mad.at == "post":
                return mad.reply(f"job-{number}")
            return http({"request_id": f"job-{number}"})
        request_id = path.rpartition("/")[2]
        with self._lock:
            self.looks[request_id] += 1
            count = self.looks[request_id]
        number = int(request_id[4:]) if request_id[:4] == "job-" and request_id[4:].isdigit() else -1
        mad = self.mad.get(number)
        if mad and (mad.at == "look" or (mad.at == "later" and count > 1)):
            return mad.reply(request_id)
        if path.endswith(".mp4"):
            return http({"error": "no such file"}, 404)
        if count == 1:
            return http({"status": "pending", "progress": 10}, 202)
        video = {"url": f"{self.files}/{request_id}.mp4", "duration": 1, "respect_moderation": True}
        return http(done(request_id, video=video))

    def close(self) -> None:
        self._listener.close()


@contextmanager
def service(mad: Mapping[int, Poison] | None = None) -> Iterator[Service]:
    made = Service(mad)
    try:
        yield made
    finally:
        made.close()


ROWS: Mapping[str, str] = {
    "an answer that is no JSON": "answer = '<html>'",
    "an answer that is a list": "answer = '[1]'",
    "an answer that is null": "answer = 'null'",
    "a deep answer": f"answer = '{DEEP.decode()}'",
    "an answer of wrong types": 'answer = \'{"status": 5, "video": [1]}\'',
    "an answer that is no UTF-8": "answer = CAST(x'fffe' AS TEXT)",
    "no answer": "answer = NULL",
    "no id": "request_id = NULL",
    "accepted without an id": "state = 'accepted', request_id = NULL",
    "an empty id": "state = 'accepted', request_id = ''",
    "an id of dots": "state = 'accepted', request_id = '..'",
    "an id that ends": "state = 'accepted', request_id = 'a' || char(0) || 'b'",
    "an id that is no UTF-8": "state = 'accepted', request_id = CAST(x'fffe' AS TEXT)",
    "a state of a newer version": "state = 'archived'",
    "a state of a newer version without an id": "state = 'archived', request_id = NULL",
    "a text that is no UTF-8": "state = 'failed', answer = NULL, code = CAST(x'ff' AS TEXT), message = CAST(x'ff' AS TEXT)",
    "times without end": "created = 9e999, updated = 9e999, url_expires = -9e999",
    "a time long ago": "state = 'accepted', created = -1e300",
    "a process that can't be": "state = 'intended', request_id = NULL, process = 9000000000000000000, updated = created - 9999",
    "a young process that can't be": "state = 'intended', request_id = NULL, process = 9000000000000000000",
    "an odd cost": "cost_ticks = -9000000000000000000, counted_ticks = -1",
}
"""What an earlier run, another version or a bad disk may have left of a job that had been done, as SQL."""
