"""Hosts that answer for some models and not for videos: told when a client is made, not when its first job is lost."""

from __future__ import annotations

import warnings
from urllib.parse import urlsplit

from grok_imagine_api import contract

from .warning_types import ContractWarning

__all__ = ["warn_of_region"]


def warn_of_region(base_url: str) -> None:
    """Warns of an address whose region makes no videos, as `x-regions` says."""
    host = (urlsplit(base_url).hostname or "").rstrip(".")
    region = contract.REGIONS.get(host)
    if region is not None and not region.video:
        text = f"base_url: {host}: {region.rule}; {region.instead} (contract: x-regions.hosts.{host})"
        warnings.warn(
            ContractWarning(text, section=f"x-regions.hosts.{host}", fields=["base_url"]), stacklevel=4
        )  # whoever makes the client
