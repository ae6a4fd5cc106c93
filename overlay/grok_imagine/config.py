"""How a client reaches the service: key, address, request timeout. Checked once, when the client is made."""

from __future__ import annotations

import os
import ssl
import sys
import warnings
from collections.abc import Mapping
from datetime import timedelta
from pathlib import Path

from grok_imagine_api import contract

from ._version import __version__
from .addresses import is_loopback
from .errors import ConfigurationError, OutOfRange
from .hints import Hint
from .urls import Url, parse
from .warning_types import ContractWarning, InsecureBaseUrlWarning

DEFAULT_BASE_URL = "https://api.x.ai/v1"
"""The address of a client without `base_url` and without `XAI_BASE_URL`."""
REQUEST_TIMEOUT = 60.0
MAX_CONNECTIONS = 8
CONNECT_TIMEOUT = 10.0
LEAST_TIMEOUT = 0.001

MOST_SECONDS = 1e7

Seconds = float | timedelta
Verify = ssl.SSLContext | str | os.PathLike[str] | bool


class Secret(str):
    """A text that its repr does not show: error trackers and tracebacks with local variables show those of our frames."""

    __slots__ = ()

    def __repr__(self) -> str:
        return "'***'"


class Config:
    """What every request of a client has in common. Its repr shows no secret."""

    __slots__ = (
        "__weakref__", "api_key", "base_url", "closed", "headers", "max_connections", "place", "proxy", "request_timeout", "verify"
    )  # fmt: skip

    def __init__(
        self,
        api_key: str | None,
        base_url: str | None,
        request_timeout: Seconds,
        max_connections: int,
        headers: Mapping[str, str] | None,
        proxy: str | None = None,
        verify: Verify = True,
    ) -> None:
        self.api_key = _key(api_key)
        self.base_url = base_address(base_url)
        self.request_timeout = seconds(request_timeout, "request_timeout", least=LEAST_TIMEOUT)
        if isinstance(max_connections, bool) or not isinstance(max_connections, int) or max_connections < 1:
            raise ConfigurationError(f"max_connections is a whole number from 1 on; got {max_connections!r}")
        self.max_connections = max_connections
        self.headers = _headers(headers, self.api_key)
        self.place = parse(self.base_url)
        self.proxy, self.verify = _proxy(proxy), _certificates(verify)
        self.closed = ""
        _warn_if_plain(self.place)
        _warn_of_region(self.place)

    @property
    def is_local(self) -> bool:
        """Whether the service is on this machine, as the sandbox is."""
        return is_loopback(self.place.host)

    def check_open(self) -> None:
        """Raises ConfigurationError once the client was closed; `closed` is why."""
        if self.closed:
            raise ConfigurationError(self.closed)

    def __repr__(self) -> str:
        return f"base_url={self.base_url!r}"


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


def timeout_of(request_timeout: Seconds, timeout: Seconds | None) -> Seconds:
    """The timeout of a request, by either of its names.

    Raises:
        ConfigurationError: Both are given.
        OutOfRange: It is none.
    """
    if timeout is None:
        return request_timeout
    if request_timeout != REQUEST_TIMEOUT:
        raise ConfigurationError("timeout and request_timeout are two names of one setting; leave timeout out")
    return seconds(timeout, "timeout", least=LEAST_TIMEOUT)


def _headers(own: Mapping[str, str] | None, key: str) -> dict[str, str]:
    """Headers of every request, by lower-case names: a name in two spellings would be sent twice."""
    python = ".".join(map(str, sys.version_info[:3]))
    # Packed answers could unpack to anything; the plain ones are short.
    headers = {"accept-encoding": "identity", "user-agent": f"grok-imagine/{__version__} python/{python}"}
    if not isinstance(own, Mapping | None):
        raise ConfigurationError(f"headers is a mapping, such as {{'name': 'value'}}; got {type(own).__name__}")
    for name, value in (own or {}).items():
        if (
            not isinstance(name, str)
            or not isinstance(value, str)
            or not (name + value).isascii()
            or not value.isprintable()
        ):
            raise ConfigurationError(f"headers are printable ASCII texts; {name!r} is none")
        headers[name.lower()] = Secret(value)  # of a gateway's own key, perhaps
    return headers | {"authorization": Secret(f"Bearer {key}")}


def _key(given: str | None) -> Secret:
    key = given if given is not None else os.environ.get("XAI_API_KEY", "")
    key = key.strip() if isinstance(key, str) else ""
    if not key:
        hint = Hint("api_key", "pass api_key= as a text, or set XAI_API_KEY")
        raise ConfigurationError(f"no API key: {hint.text}", hint=hint)
    # What is not printable ASCII can't be a header, and the HTTP library's own complaint would print the key.
    if not key.isascii() or not key.isprintable() or " " in key:
        raise ConfigurationError("the API key holds characters that no key has; was it copied whole?")
    return Secret(key)


def base_address(given: str | None) -> str:
    """The service's address, checked, and in one spelling: the ledger knows jobs by it. A message never repeats it.

    Raises:
        ConfigurationError: It is none.
    """
    address = str(given if given is not None else os.environ.get("XAI_BASE_URL", "")).strip() or DEFAULT_BASE_URL
    if trouble := _trouble(address):
        raise ConfigurationError(f"base_url {trouble}; it is an http(s) address such as {DEFAULT_BASE_URL}")
    place = parse(address)
    return f"{place.origin}{place.path}".rstrip("/")


def _trouble(address: str) -> str:
    """What is wrong with an address, or nothing."""
    if not address.isprintable() or " " in address or "\\" in address:
        return "holds a space, a backslash or a control character"
    try:
        place = parse(address)
    except ValueError:
        return "has no valid host or port"
    if place.scheme not in ("http", "https"):
        return "has no http(s) scheme"
    if place.has_user:
        return "holds a user name or password; the key goes into api_key"
    if not place.host:
        return "has no valid host or port"
    return "has a query or a fragment" if "?" in address or "#" in address else ""


def _proxy(given: str | None) -> str | None:
    """The address of a proxy, checked. A message never repeats it: it may hold a password."""
    if given is None:
        return None
    if not isinstance(given, str):
        raise ConfigurationError(f"proxy is the URL of one as a text; got {type(given).__name__}")
    try:
        place = parse(given)
    except ValueError:
        raise ConfigurationError("proxy is no URL") from None
    if place.scheme not in ("http", "https", "socks5", "socks5h") or not place.host:
        raise ConfigurationError("proxy is the URL of one, such as http://proxy.example:3128, https or socks5")
    return given


def _certificates(given: Verify) -> ssl.SSLContext | bool:
    """What `verify` means: a path is read."""
    if isinstance(given, bool | ssl.SSLContext):
        return given
    if not isinstance(given, str | os.PathLike) or not os.fspath(given):
        raise ConfigurationError(f"verify is a bool, an ssl.SSLContext or a path; got {given!r}")
    path = Path(given)
    try:
        return ssl.create_default_context(capath=path) if path.is_dir() else ssl.create_default_context(cafile=path)
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or type(error).__name__
        raise ConfigurationError(f"verify: {path} is no file or folder of certificates: {reason}") from None


def _warn_if_plain(place: Url) -> None:
    """The key is worth money, and whoever is on the way can read it. No error: a gateway beside the program may have no TLS."""
    if place.scheme == "http" and not is_loopback(place.host):
        warnings.warn(
            f"base_url is http and {place.host} is not this machine: the API key and all prompts cross the network in plain"
            " text; use https",
            InsecureBaseUrlWarning,
            stacklevel=4,  # whoever makes the client
        )


def _warn_of_region(place: Url) -> None:
    """Warns of a host whose region has no video models, according to `x-regions`: before a job fails."""
    host = place.host.rstrip(".")
    region = contract.REGIONS.get(host)
    if region is not None and not region.video:
        section = f"x-regions.hosts.{host}"
        text = f"base_url: {host}: {region.rule}; {region.instead} (contract: {section})"
        warnings.warn(ContractWarning(text, section=section, fields=["base_url"]), stacklevel=4)  # as above
