"""What the logs of the HTTP libraries do not show: the keys of this process' clients, and the queries of signed URLs.

A logger's filter sees no record of the loggers below it, so each gets one. Nothing is done before a client is made, and what others
log with the same libraries stays as it is, unless one of the keys is in it.
"""

from __future__ import annotations

import logging
import re
import weakref
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from enum import Enum

from .. import logs
from ..config import Config
from ..errors import ConfigurationError
from ..parsing import SHORTEST_SECRET

LIBRARIES = ("grok_imagine", "httpx", "httpcore", "httpx2", "httpcore2", "h11", "h2", "hpack")
"""The roots of the loggers that may see a header."""

PARTS = {
    "httpcore": ("connection", "http11", "http2", "proxy", "socks"),
    "httpcore2": ("connection", "http11", "http2", "proxy", "socks"),
    "hpack": ("hpack", "table"),
}
"""Loggers that are made when a module is first needed, which may be after the client."""


class Hidden(Enum):
    """What the records of the current request must not show."""

    NOTHING = "nothing"
    QUERIES = "queries"
    """Queries of URLs, and a status line's own words, which may repeat one."""
    HEADERS = "headers"
    """These, and all that httpcore says of the exchange: hosts of files repeat signatures in any header."""


_hidden: ContextVar[Hidden] = ContextVar("grok_imagine_hidden", default=Hidden.NOTHING)
_patterns: dict[int, re.Pattern[str]] = {}
"""By the settings of each client that lives. Without a lock, which a fork could leave taken: each use of it is one step."""


def redact_logs(config: Config) -> None:
    """Keeps a client's key out of the logs for as long as the client lives; makes the log that the environment asks for.

    Raises:
        ConfigurationError: The environment names no level.
    """
    if not logs.set_up():
        raise ConfigurationError(f"{logs.VARIABLE} is info or debug; it names no level")
    _patterns[id(config)] = _pattern(config.api_key)
    weakref.finalize(config, _patterns.pop, id(config), None).atexit = False
    for name in _loggers():
        logging.getLogger(name).addFilter(_redact)  # once: a logger has no filter twice


@contextmanager
def hiding(hidden: Hidden) -> Iterator[None]:
    """Says what the records of the requests in this context must not show."""
    token = _hidden.set(hidden)
    try:
        yield
    finally:
        _hidden.reset(token)


def _loggers() -> set[str]:
    known = {name for name in list(logging.root.manager.loggerDict) if name.partition(".")[0] in LIBRARIES}
    return known.union(LIBRARIES, (f"{library}.{part}" for library, parts in PARTS.items() for part in parts))


def _pattern(key: str) -> re.Pattern[str]:
    """Finds the key as records have it: as it is, in a repr or JSON of any depth, in a URL, in HTML, in any case."""
    if len(key) < SHORTEST_SECRET:
        key = f"Bearer {key}"  # alone it would be found in innocent text
    return re.compile("".join(map(_spellings, key)), re.IGNORECASE)


def _spellings(character: str) -> str:
    if character.isalnum():
        return character
    plus = r"|\+" if character == " " else ""
    code = ord(character)
    return rf"(?:\\*{re.escape(character)}|%{code:02x}|\\+u{code:04x}|\\+x{code:02x}|&#?\w{{1,6}};{plus})"


def _redact(record: logging.LogRecord) -> bool:
    """The filter: False drops a record."""
    hidden = _hidden.get()
    is_summary = record.name.partition(".")[0] in ("httpx", "httpx2")
    if hidden is Hidden.HEADERS and not is_summary:
        return False
    try:
        text = message = record.getMessage()
    except (TypeError, ValueError, KeyError):  # a broken record: logging itself says so
        return True
    if hidden is not Hidden.NOTHING:
        text = _without_queries(text, is_summary)
    for pattern in list(_patterns.values()):
        text = pattern.sub("***", text)
    if text != message:
        record.msg, record.args = text, None
    return True


def _without_queries(text: str, is_summary: bool) -> str:
    if is_summary:
        return re.sub(r'("HTTP/\S* \d+)[^\n]*', r'\1"', re.sub(r"\?\S*", "?...", text))
    before, mark, _ = text.partition("?")  # where a query ends nobody can tell: a header holds any character
    return f"{before}{mark}..." if mark else text
