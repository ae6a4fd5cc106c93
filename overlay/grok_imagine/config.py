"""How a client reaches the service: key, address, request timeout. Checked once, when the client is made."""

from __future__ import annotations

import os
import sys
import warnings
from collections.abc import Mapping
from datetime import timedelta
from typing import Any
from urllib.parse import urlsplit

import httpx

from ._version import __version__
from .addresses import is_host, is_loopback
from .errors import ConfigurationError, OutOfRange
from .hints import Hint
from .media.inputs import Content
from .regions import warn_of_region
from .warning_types import InsecureBaseUrlWarning

DEFAULT_BASE_URL = "https://api.x.ai/v1"
REQUEST_TIMEOUT = 60.0
MAX_CONNECTIONS = 8
CONNECT_TIMEOUT = 10.0

MOST_SECONDS = 1e7

Seconds = float | timedelta


class Settings:
    """What every request of a client has in common. Its repr shows no secret."""

    __slots__ = (
        "__weakref__", "_headers", "_timeout", "api_key", "base_url", "closed", "max_connections", "request_timeout"
    )  # fmt: skip

    def __init__(
        self,
        api_key: str | None,
        base_url: str | None,
        request_timeout: Seconds,
        max_connections: int,
        headers: Mapping[str, str] | None,
    ) -> None:
        self.api_key = _key(api_key)
        self.base_url = base_address(base_url)
        self.request_timeout = seconds(request_timeout, "request_timeout", least=0.001)
        if isinstance(max_connections, bool) or not isinstance(max_connections, int) or max_connections < 1:
            raise ConfigurationError(f"max_connections is a whole number from 1 on; got {max_connections!r}")
        self.max_connections = max_connections
        self._headers = _headers(headers, self.api_key)
        self._timeout = _timeout(self.request_timeout)
        self.closed = ""
        _warn_if_plain(self.base_url)
        warn_of_region(self.base_url)

    @property
    def is_local(self) -> bool:
        """Whether the service is on this machine, as the sandbox is."""
        return is_loopback(httpx.URL(self.base_url).host)

    def check_open(self) -> None:
        """Raises ConfigurationError once the client was closed; `closed` is why."""
        if self.closed:
            raise ConfigurationError(self.closed)

    def complete(self, request: Mapping[str, Any], limit: float) -> dict[str, Any]:
        """A request of the generated code, made ready for httpx: address, key and a timeout for each of its steps.

        A body that holds media is put into `content`, to be sent in pieces: httpx would hold it twice more.

        Redirects are not followed, whatever the HTTP client is set to: the key goes to the configured address alone.
        """
        own = request.get("headers")
        headers = self._headers | {name.lower(): value for name, value in own.items()} if own else self._headers
        body = request.get("json")
        if body is not None and (content := Content.of(body)):
            headers = headers | {"content-length": str(content.length)}
            request = {name: value for name, value in request.items() if name != "json"} | {"content": content}
        return {
            **request,
            "url": self.base_url + request["url"],
            "headers": headers,
            "timeout": self._timeout if limit == self.request_timeout else _timeout(limit),
            "follow_redirects": False,
        }

    def __repr__(self) -> str:
        return f"base_url={self.base_url!r}"


def _timeout(limit: float) -> httpx.Timeout:
    return httpx.Timeout(limit, connect=min(limit, CONNECT_TIMEOUT))


def seconds(value: object, name: str, *, least: float = 0.0) -> float:
    """A number of seconds or a timedelta as a float.

    Raises:
        OutOfRange: Not a number, or less than `least`.
    """
    number = value.total_seconds() if isinstance(value, timedelta) else value
    # A NaN is in no range; what is longer than MOST_SECONDS overflows the operating system's clocks.
    if isinstance(number, bool) or not isinstance(number, int | float) or not least <= number <= MOST_SECONDS:
        rule = f"is a number of seconds or a timedelta, {least:g} to {MOST_SECONDS:g}; got {value!r}"
        raise OutOfRange(rule, fields=[name], section="x-waiter")
    return float(number)


def _headers(own: Mapping[str, str] | None, key: str) -> dict[str, str]:
    """Headers of every request, by lower-case names: a name in two spellings would be sent twice."""
    python = ".".join(map(str, sys.version_info[:3]))
    # Packed answers could unpack to anything; the plain ones are short.
    headers = {"accept-encoding": "identity", "user-agent": f"grok-imagine/{__version__} python/{python}"}
    for name, value in (own or {}).items():
        if (
            not isinstance(name, str)
            or not isinstance(value, str)
            or not (name + value).isascii()
            or not value.isprintable()
        ):
            raise ConfigurationError(f"headers are printable ASCII texts; {name!r} is none")
        headers[name.lower()] = value
    return headers | {"authorization": f"Bearer {key}"}


def _key(given: str | None) -> str:
    key = given if given is not None else os.environ.get("XAI_API_KEY", "")
    key = key.strip() if isinstance(key, str) else ""
    if not key:
        hint = Hint("api_key", "pass api_key= as a text, or set XAI_API_KEY")
        raise ConfigurationError(f"no API key: {hint.text}", hint=hint)
    # What is not printable ASCII can't be a header, and the HTTP library's own complaint would print the key.
    if not key.isascii() or not key.isprintable() or " " in key:
        raise ConfigurationError("the API key holds characters that no key has; was it copied whole?")
    return key


def base_address(given: str | None) -> str:
    """The service's address, checked. A message never repeats it: it may hold a password.

    Raises:
        ConfigurationError: It is none.
    """
    address = str(given if given is not None else os.environ.get("XAI_BASE_URL", "")).strip() or DEFAULT_BASE_URL
    if trouble := _trouble(address):
        raise ConfigurationError(f"base_url {trouble}; it is an http(s) address such as {DEFAULT_BASE_URL}")
    return address.rstrip("/")


def _trouble(address: str) -> str:
    """What is wrong with an address, or nothing."""
    if not address.isprintable() or " " in address or "\\" in address:
        return "holds a space, a backslash or a control character"
    try:
        parts = urlsplit(address)
        port, place = parts.port, httpx.URL(address)
        host = place.host and place.raw_host.decode(
            "ascii"
        )  # reading it decodes it, and shows whether that can be done
    except (ValueError, httpx.InvalidURL):
        return "has no valid host or port"
    if parts.scheme not in ("http", "https"):
        return "has no http(s) scheme"
    if "@" in parts.netloc:
        return "holds a user name or password; the key goes into api_key"
    if not parts.hostname or not is_host(host) or port == 0:
        return "has no valid host or port"
    return "has a query or a fragment" if "?" in address or "#" in address else ""


def _warn_if_plain(address: str) -> None:
    """The key is worth money, and whoever is on the way can read it. No error: a gateway beside the program may have no TLS."""
    place = httpx.URL(address)
    if place.scheme == "http" and not is_loopback(place.host):
        warnings.warn(
            f"base_url is http and {place.host} is not this machine: the API key and all prompts cross the network in plain"
            " text; use https",
            InsecureBaseUrlWarning,
            stacklevel=4,  # whoever makes the client
        )
