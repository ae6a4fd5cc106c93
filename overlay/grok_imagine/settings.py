"""How a client reaches the service: key, address, request timeout. Checked once, when the client is made."""

from __future__ import annotations

import math
import os
import sys
from collections.abc import Mapping
from datetime import timedelta
from typing import Any
from urllib.parse import urlsplit

import httpx

from ._version import __version__
from .errors import ConfigurationError, OutOfRange

BASE_URL = "https://api.x.ai/v1"
REQUEST_TIMEOUT = 60.0
MAX_CONNECTIONS = 8
CONNECT_TIMEOUT = 10.0

Seconds = float | timedelta


class Settings:
    """What every request of a client has in common. Its repr shows no secret."""

    __slots__ = ("_headers", "api_key", "base_url", "max_connections", "request_timeout")

    def __init__(
        self,
        api_key: str | None,
        base_url: str | None,
        request_timeout: Seconds,
        max_connections: int,
        headers: Mapping[str, str] | None,
    ) -> None:
        self.api_key = _key(api_key)
        self.base_url = _address(base_url)
        self.request_timeout = seconds(request_timeout, "request_timeout", least=0.001)
        if isinstance(max_connections, bool) or not isinstance(max_connections, int) or max_connections < 1:
            raise ConfigurationError(f"max_connections is a whole number from 1 on; got {max_connections!r}")
        self.max_connections = max_connections
        agent = f"grok-imagine/{__version__} python/{'.'.join(map(str, sys.version_info[:3]))}"
        self._headers = {"User-Agent": agent, **(headers or {}), "Authorization": f"Bearer {self.api_key}"}

    def complete(self, request: Mapping[str, Any], limit: float) -> dict[str, Any]:
        """A request of the generated code, made ready for httpx: address, key and a timeout for each of its steps.

        Redirects are not followed, whatever the HTTP client is set to: the key goes to the configured address alone.
        """
        return {
            **request,
            "url": self.base_url + request["url"],
            "headers": {**self._headers, **request.get("headers", {})},
            "timeout": httpx.Timeout(limit, connect=min(limit, CONNECT_TIMEOUT)),
            "follow_redirects": False,
        }

    def __repr__(self) -> str:
        return f"base_url={self.base_url!r}"


def seconds(value: object, name: str, *, least: float = 0.0) -> float:
    """A number of seconds or a timedelta as a float.

    Raises:
        OutOfRange: Not a number, or less than `least`.
    """
    number = value.total_seconds() if isinstance(value, timedelta) else value
    if isinstance(number, bool) or not isinstance(number, int | float) or math.isnan(number) or number < least:
        rule = f"is a number of seconds or a timedelta, at least {least:g}; got {value!r}"
        raise OutOfRange(rule, fields=[name], section="x-waiter")
    return float(number)


def _key(given: str | None) -> str:
    key = (given if given is not None else os.environ.get("XAI_API_KEY", "")).strip()
    if not key:
        raise ConfigurationError("no API key: pass api_key= or set XAI_API_KEY")
    # What is not printable ASCII can't be a header, and the HTTP library's own complaint would print the key.
    if not key.isascii() or not key.isprintable() or " " in key:
        raise ConfigurationError("the API key holds characters that no key has; was it copied whole?")
    return key


def _address(given: str | None) -> str:
    address = (given if given is not None else os.environ.get("XAI_BASE_URL", "")).strip() or BASE_URL
    parts = urlsplit(address)
    if parts.scheme not in ("http", "https") or not parts.hostname or parts.query or parts.fragment:
        raise ConfigurationError(
            f"base_url is an http(s) address such as {BASE_URL}; got {parts.scheme or 'no'} scheme"
        )
    if parts.username or parts.password:
        raise ConfigurationError("base_url holds a user name or password; the key goes into api_key")
    return address.rstrip("/")
