"""Clients of a sandbox. The only module that needs the package `grok_imagine`, when it is asked for one."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from grok_imagine import AsyncClient, Client

KEY = "sandbox-key"
"""Any key will do, unless the sandbox accepts only one."""


def client(api_key: str | None, base_url: str, options: Mapping[str, Any]) -> Client:
    """A blocking client."""
    return Client(**{"api_key": api_key or KEY, "base_url": base_url, **options})


def async_client(api_key: str | None, base_url: str, options: Mapping[str, Any]) -> AsyncClient:
    """An asynchronous client."""
    return AsyncClient(**{"api_key": api_key or KEY, "base_url": base_url, **options})
