"""Hosts of regions without video models: the client warns when it is created, before a job fails."""

from __future__ import annotations

import warnings
from urllib.parse import urlsplit

from grok_imagine_api import contract

from .warning_types import ContractWarning

__all__ = ["warn_of_region"]


def warn_of_region(base_url: str) -> None:
    """Warns of a base URL whose region has no video models, according to `x-regions`."""
    host = (urlsplit(base_url).hostname or "").rstrip(".")
    region = contract.REGIONS.get(host)
    if region is not None and not region.video:
        text = f"base_url: {host}: {region.rule}; {region.instead} (contract: x-regions.hosts.{host})"
        warnings.warn(
            ContractWarning(text, section=f"x-regions.hosts.{host}", fields=["base_url"]), stacklevel=4
        )  # the line that creates the client
