"""Random answers: any status, headers, charset, encoding and body. The same seed and number make the same answer.

A case knows what it holds: `request_id` is what the client has to show of a job that the answer started.
"""

from __future__ import annotations

import gzip
import json
import random
import re
import zlib
from collections.abc import Callable
from typing import NamedTuple

KEY = "xai-CANARY0key0000000000"
OPERATIONS = ("start", "start", "start", "get", "get", "get", "wait", "models", "model")
NO_BODY = (204, 304)


class Case(NamedTuple):
    """An answer, and what is asked when it comes.

    Attributes:
        name: Seed and number, which make it again.
        operation: What is asked: `start`, `get`, `wait`, `models` or `model`.
        status: Of the answer.
        headers: As on the wire.
        body: As on the wire, so maybe packed.
        request_id: The id in it, if it is a whole answer that starts a job.
        framing: How the wire says where the body ends: `length`, `chunked`, `close`; or `cut`, which breaks off.
    """

    name: str
    operation: str
    status: int
    headers: list[tuple[bytes, bytes]]
    body: bytes
    request_id: str | None = None
    framing: str = "length"

    def wire(self) -> bytes:
        """The answer as a server sends it."""
        lines = [b"HTTP/1.1 %d Whatever" % self.status, *(name + b": " + value for name, value in self.headers)]
        body = b"" if self.status in NO_BODY else self.body
        # What follows an answer without a body would be the head of the next.
        if self.framing == "chunked" and self.status not in NO_BODY:
            size = max(1, len(body) // 3)
            parts = [body[i : i + size] for i in range(0, len(body), size)]
            body = b"".join(b"%x\r\n%s\r\n" % (len(part), part) for part in parts) + b"0\r\n\r\n"
            lines.append(b"transfer-encoding: chunked")
        elif self.framing != "close":
            lines.append(b"content-length: %d" % (len(body) + (7 if self.framing == "cut" else 0)))
        if self.framing in ("close", "cut"):
            lines.append(b"connection: close")
        return b"\r\n".join(lines) + b"\r\n\r\n" + body


def case(seed: int, number: int, heavy: bool = True) -> Case:
    """One random answer; the largest only if `heavy`."""
    return _Maker(random.Random(f"{seed}/{number}"), heavy).make(f"{seed}/{number}")


CHARSETS = (
    "utf-8", "UTF-8-SIG", "latin-1", "utf-16", "utf-32", "utf-7", "hex", "idna", "undefined", "punycode", "base64", "rot13", "zlib",
    "bz2", "uu", "quopri", "unicode_escape", "raw_unicode_escape", "mbcs", "oem", "cp65001", "none", "", "\u00e9", "x" * 300, '"utf-8',
    "charmap", "palmos", "..", "utf_8; charset=hex",
)  # fmt: skip
LOCATIONS = (
    "mailto:a@b.example", "https://xn--/", "https://xn--a.example/", "http://\u00e9\u00e9.example/", "http://[::1", "http://:99999/",
    "http:///", "//", "", "javascript:alert(1)", "http://a b/", "http://a.example:port/", "?" * 500, "https://" + "a" * 300 + ".example/",
    "http://\u200d.example/", "/" + "x" * 70000, "ftp://a.example", "http://" + KEY + ".example/", "data:,", "\\\\a", "http://%zz/",
    "https://\u0130.example", "http://a..b/", "http://-/", "file:///etc/passwd",
)  # fmt: skip
RETRY_AFTER = (
    "1", "0", "-1", "9" * 400, "1e400", "soon", "Fri, 31 Dec 9999 23:59:59 GMT", "Fri, 20 Nov 2026 10:00:30 GMT", "0001-01-01",
    "99999999999999999999-01-01", "Fri, 99 Foo 2026", "\u0664\u0662", "1, 2", "nan", "inf", "1" * 5000, "Mon, 01 Jan 0000 00:00:00 +9999",
    "10:00 " * 50, "12h61m", "Fri, 20 Nov 2026 10:00:30 -9999", " ",
)  # fmt: skip
COOKIES = (
    "a=b",
    "a=b; expires=" + "9" * 300,
    "=;=;",
    "a=b; max-age=" + "9" * 400,
    "a=b; domain=.ai; path=" + "/" * 300,
    "\x80\xff=1",
)
PLAIN_TEXTS = (
    "job-1", "0b9e2b1c-7f6f-4a43-9f0c-000000000000", "--force", "-", ".", "..", " ", "  a  ", "a b", "\t", "a/b?c#d", "%2e%2e", "\u202eabc",
    "a\u200db", "\x00", "\x1b[2J\x1b]0;owned\x07", "a\r\nb", "\U0001f600", "e\u0301" * 50, "\u00e9", "'; rm -rf /; '", "$(id)", "[bold]x[/bold]",
    "\ufeff", "\x7f", "\x9b31m", "\u2028", "\ue000", "\U0010ffff", "done", "pending", "imagine:content-moderated", KEY,
    "Generated video rejected by content moderation.", "Incorrect API key provided", "resource-exhausted", "upstream connect error",
)  # fmt: skip
NUMBERS = (
    "0", "5", "100", "-1", "-0", "4000000000", "9223372036854775807", "9223372036854775808", "-9223372036854775808", "-9223372036854775809",
    "18446744073709551616", "9" * 400, "9" * 5000, "1e400", "-1e400", "1e308", "1.5", "1000.0", "1e-400", "NaN", "Infinity", "-Infinity",
    "0." + "1" * 5000, "1E+2", "12345678901234567890.5", "1e" + "9" * 50,
)  # fmt: skip
WORDS = ("true", "false", "null", "[]", "{}", '""')
STATUSES = (
    200, 201, 202, 203, 204, 206, 226, 299, 300, 301, 302, 303, 304, 307, 308, 399, 400, 401, 402, 403, 404, 405, 408, 409, 410, 413, 415,
    418, 422, 425, 429, 451, 500, 501, 502, 503, 504, 520, 522, 529, 530, 599, 600, 666, 999,
)  # fmt: skip
ESCAPES = (
    "\\ud83d",
    "\\ude00",
    "\\ud83d\\ud83d",
    "\\ud83d\\ude00",
    "\\u0000",
    "\\u001b[31m",
    "\\u202e",
    "\\uDFFF\\uD800",
    "\\u0078ai-CANARY0key0000000000",
)
STATE = ("status", "progress", "video", "model", "usage", "error", "url", "duration", "respect_moderation", "file_output", "storage_error", "code",
         "message", "cost_in_usd_ticks", "id", "models", "request_id", "created", "aliases", "public_url")  # fmt: skip
STATUS_WORDS = ("done", "failed", "expired", "pending", "finalizing")


class _Maker:
    def __init__(self, dice: random.Random, heavy: bool) -> None:
        self._dice = dice
        self._heavy = heavy
        self._chance = dice.random

    def make(self, name: str) -> Case:
        pick = self._dice.choice
        operation = pick(OPERATIONS)
        status = pick(STATUSES)
        if self._chance() < 0.55:
            status = pick((200, 200, 200, 202))
        request_id, body = self._body(operation, status)
        headers = self._headers(status)
        body, packing, is_readable = self._packed(body)
        headers += packing
        self._dice.shuffle(headers)
        framing = pick(("length",) * 12 + ("chunked",) * 3 + ("close", "cut"))
        if operation != "start" or not 200 <= status < 300 or status in NO_BODY or not is_readable or framing == "cut":
            request_id = None
        return Case(name, operation, status, headers, body, request_id, framing)

    def _body(self, operation: str, status: int) -> tuple[str | None, bytes]:
        """The id in it, if it is a whole answer to a start; and the body."""
        roll = self._chance()
        if roll < 0.06:
            return None, self._dice.randbytes(self._dice.randrange(300))
        if roll < 0.09:
            return None, b"<!DOCTYPE html><html>" + self._text().encode(
                "utf-8", "surrogatepass"
            ) * self._dice.randrange(1, 50)
        if roll < 0.11:
            return None, self._dice.choice(
                (b"", b"\n", b"null", b"[]", b'""', b"0", b"{", b"\xef\xbb\xbf", b"NaN", b"9" * 5000, b'"\\ud800"')
            )
        request_id, text = self._object(operation, status)
        body = text.encode("utf-8", "surrogatepass")
        roll = self._chance()
        if roll < 0.04:
            return None, body[: self._dice.randrange(len(body) + 1)]
        if roll < 0.05:
            return None, text.encode(self._dice.choice(("utf-16", "utf-32", "utf-16-le")), "surrogatepass")
        if roll < 0.07:
            return request_id, b"\xef\xbb\xbf" + body
        if roll < 0.10:
            at = self._dice.randrange(len(body) + 1)
            return None, body[:at] + self._dice.randbytes(3) + body[at:]
        return request_id, body

    def _object(self, operation: str, status: int) -> tuple[str | None, str]:
        members, request_id = [], None
        if operation == "start" and self._chance() < 0.85:
            literal = self._literal()
            request_id = _value(literal) or None
            members.append(f'"request_id": {literal}')
        if operation in ("get", "wait") and self._chance() < 0.8:
            word = json.dumps(self._dice.choice(STATUS_WORDS)) if self._chance() < 0.7 else self._any(0)
            members.append(f'"status": {word}')
            if self._chance() < 0.6:
                members.append(f'"video": {self._video()}')
            if self._chance() < 0.6:
                members.append(f'"usage": {{"cost_in_usd_ticks": {self._any(0)}}}')
            if self._chance() < 0.3:
                members.append(f'"error": {{"code": {self._any(0)}, "message": {self._any(0)}}}')
        if operation == "models":
            models = ", ".join(
                f'{{"id": {self._any(0)}, "created": {self._any(0)}}}' for _ in range(self._dice.randrange(4))
            )
            members.append(f'"models": [{models}]')
        if operation == "model" and self._chance() < 0.8:
            members.append(f'"id": {self._any(0)}')
        if status >= 300:
            shape = self._dice.choice(
                ('"error": {0}', '"code": {1}, "error": {0}', '"error": {{"code": {1}, "message": {0}}}')
            )
            members.append(shape.format(self._any(0), self._any(0)))
        for _ in range(self._dice.randrange(3)):
            # Last wins: a second `request_id` would be the id.
            key = self._dice.choice([name for name in STATE if name != "request_id"]) if self._chance() < 0.7 else "x"
            if operation in ("models", "model") and key in ("models", "id"):
                continue
            members.append(f'"{key}": {self._any(0)}')
        self._dice.shuffle(members)
        return request_id, "{" + ", ".join(members) + "}"

    def _video(self) -> str:
        members = [f'"url": {json.dumps("https://vidgen.example/v.mp4") if self._chance() < 0.6 else self._any(0)}']
        members += [
            f'"{name}": {self._any(0)}'
            for name in ("duration", "respect_moderation", "file_output", "storage_error")
            if self._chance() < 0.3
        ]
        return "{" + ", ".join(members) + "}"

    def _any(self, depth: int) -> str:
        roll = self._chance()
        if roll < 0.35:
            return self._literal()
        if roll < 0.65:
            return self._dice.choice(NUMBERS)
        if roll < 0.8 or depth > 4:
            return self._dice.choice(WORDS)
        if roll < 0.83:
            deep = self._dice.choice((10, 63, 64, 65, 200, 500, 5000))
            opened, closed = self._dice.choice((("[", "]"), ('{"a":', "}")))
            return opened * deep + "1" + closed * deep
        if roll < 0.8302 and self._heavy:
            return "[" + self._dice.choice(("[],", "1,", '"ab",', '{"a":1},', "1.5,")) * 300_000 + "0]"
        items = [self._any(depth + 1) for _ in range(self._dice.randrange(4))]
        if self._chance() < 0.5:
            return "[" + ",".join(items) + "]"
        return "{" + ",".join(f"{self._literal()}:{item}" for item in items) + "}"

    def _text(self) -> str:
        text = self._dice.choice(PLAIN_TEXTS)
        roll = self._chance()
        if roll < 0.04:
            return text * self._dice.randrange(1, 400)
        if roll < 0.041 and self._heavy:
            return text + "x" * self._dice.choice((70_000, 300_000, 1_000_000))
        return text

    def _literal(self) -> str:
        """A string of JSON."""
        if self._chance() < 0.15:
            return (
                '"' + "".join(self._dice.choice((*ESCAPES, "a", "0")) for _ in range(self._dice.randrange(1, 5))) + '"'
            )
        # What stands there unescaped is no JSON to the letter; only control characters are escaped always.
        return json.dumps(self._text(), ensure_ascii=self._chance() < 0.5)

    def _headers(self, status: int) -> list[tuple[bytes, bytes]]:
        pick, headers = self._dice.choice, list[tuple[str, str]]()
        if self._chance() < 0.8:
            media = pick(("application/json", "text/html", "text/plain", "multipart/form-data", "", "video/mp4", "/"))
            charset = f"; charset={pick(CHARSETS)}" if self._chance() < 0.5 else ""
            headers.append(("content-type", media + charset))
        if 300 <= status < 400 or self._chance() < 0.05:
            headers.append((pick(("location", "Location")), pick(LOCATIONS)))
        if self._chance() < 0.2:
            headers.append(("retry-after", pick(RETRY_AFTER)))
        if self._chance() < 0.1:
            headers.append(("date", pick(RETRY_AFTER)))
        if self._chance() < 0.3:
            headers.append(("x-request-id", pick(PLAIN_TEXTS)))
        if self._chance() < 0.1:
            headers.append(("set-cookie", pick(COOKIES)))
        if self._chance() < 0.2:
            headers.append(
                ("x-ratelimit-limit-requests", pick(("60", "600", "0", "999999999", "9" * 5000, "-1", "\u0664")))
            )
            headers.append(("x-ratelimit-remaining-requests", pick(("0", "59", "999999999", "-5", "x"))))
        if self._chance() < 0.05:
            headers += [(f"x-{i}", "y" * 50) for i in range(150)]
        if self._chance() < 0.05:
            headers.append(("www-authenticate", pick(("Digest", "Basic", f"Bearer {KEY}"))))
        return [
            (name.encode(), re.sub(r"[\x00-\x08\x0a-\x1f\x7f]", "", value).encode("utf-8", "replace").strip())
            for name, value in headers
        ]

    def _packed(self, body: bytes) -> tuple[bytes, list[tuple[bytes, bytes]], bool]:
        """The body as it goes over the wire, the header that says so, and whether it can be read."""
        roll, name = self._chance(), b"content-encoding"
        if roll > 0.16:
            return body, [], True
        if roll < 0.03:
            return gzip.compress(body), [(name, b"gzip")], True
        if roll < 0.05:
            return zlib.compress(body), [(name, b"Deflate")], True
        if roll < 0.06:
            return zlib.compress(body)[2:-4], [(name, b"deflate")], True
        if roll < 0.08:
            return gzip.compress(gzip.compress(body)), [(name, b"gzip, gzip")], False
        if roll < 0.09:
            return body, [(name, b"identity")], True
        if roll < 0.11:
            return gzip.compress(body)[:-9], [(name, b"gzip")], False
        if roll < 0.12:
            return gzip.compress(gzip.compress(body)), [(name, b"gzip"), (name, b"gzip")], False
        if roll < 0.1205 and self._heavy:
            return gzip.compress(b"\0" * 40_000_000, 1), [(name, b"gzip")], False
        return (
            body,
            [(name, self._dice.choice((b"br", b"zstd", b"compress", b"x", b"gzip", b"deflate", b"\xff", b"gzip;q=1")))],
            False,
        )


def _value(literal: str) -> str:
    """The text of a JSON string, as the client is to have it: half a character becomes the replacement character."""
    text: str = json.loads(literal)
    return re.sub("[\ud800-\udfff]", "\ufffd", text).replace(KEY, "***")


Mutator = Callable[[random.Random, bytes], bytes]


def mutate(dice: random.Random, data: bytes) -> bytes:
    """Recorded bytes with a few of them changed, removed, doubled or put in."""
    for _ in range(dice.choice((1, 1, 2, 3, 8, 30))):
        at = dice.randrange(len(data) + 1)
        size = dice.choice((1, 1, 2, 8, 64))
        roll = dice.randrange(6)
        if roll == 0:
            data = data[:at] + dice.randbytes(size) + data[at + size :]
        elif roll == 1:
            data = data[:at] + data[at + size :]
        elif roll == 2:
            data = data[:at] + data[at : at + size] * dice.choice((2, 2, 50)) + data[at + size :]
        elif roll == 3:
            data = data[:at] + dice.choice(SNIPPETS) + data[at:]
        elif roll == 4 and data:
            at = min(at, len(data) - 1)
            data = data[:at] + bytes((data[at] ^ (1 << dice.randrange(8)),)) + data[at + 1 :]
        else:
            data = data[:at] if dice.random() < 0.2 else data
    return data


SNIPPETS = (
    b"\\ud83d", b"1e400", b"9" * 400, b"[" * 500, b'{"a":' * 200, b"\x00", b"\xff", b"\xed\xa0\xbd", b"\x1b[2J", b"NaN", b"-", b"null", b"\r\n", b"\r\n\r\n",
    b'"', b"\\", b"}", b"true", b"\r\ncontent-encoding: gzip\r\n", b"\r\nlocation: mailto:x\r\n", b"; charset=hex", b"\xe2\x80\xae",
    b"\r\ntransfer-encoding: chunked\r\n", b"content-length: 5\r\n", KEY.encode(),
)  # fmt: skip
