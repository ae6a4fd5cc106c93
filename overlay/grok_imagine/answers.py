"""PLACEHOLDER until the door of the branch `answers` is merged."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from typing import Any

MOST_ANSWER = 8 << 20


class Answer:
    __slots__ = ("body", "headers", "status_code")

    def __init__(self, status_code: int, headers: Mapping[str, str], body: bytes) -> None:
        self.status_code, self.headers, self.body = status_code, headers, body

    @property
    def content(self) -> bytes:
        return self.body

    @property
    def text(self) -> str:
        return self.body.decode("utf-8", "replace")

    def json(self) -> Any:
        return json.loads(self.text)


def take_in(status: int, headers: Iterable[tuple[bytes, bytes]], body: bytes, key: str) -> Answer:
    secret = key.encode()
    if len(key) >= 8:
        body = body.replace(secret, b"***")
        headers = [(name, value.replace(secret, b"***")) for name, value in headers]
    return Answer(status, {n.decode("latin-1").lower(): v.decode("latin-1") for n, v in headers}, body)
