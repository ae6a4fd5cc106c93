"""Regions: a client of an address that makes no videos warns when it is created, and names the address that does."""

from __future__ import annotations

import warnings

import pytest

from grok_imagine import Client, ContractWarning


@pytest.mark.parametrize("url", ["https://us.api.x.ai/v1", "https://US.api.x.ai", "https://us.api.x.ai.:443/v1"])
def test_a_region_without_videos_gets_a_hint(url: str) -> None:
    with pytest.warns(ContractWarning, match="no video model.*use `https://api.x.ai/v1`") as caught:
        Client("key", base_url=url).close()
    (warning,) = caught
    assert isinstance(warning.message, ContractWarning) and warning.filename == __file__
    assert (warning.message.section, warning.message.fields) == ("x-regions.hosts.us.api.x.ai", ("base_url",))


@pytest.mark.parametrize("url", ["https://api.x.ai/v1", "http://127.0.0.1:8080/v1", "https://us.api.x.ai.example.com"])
def test_other_addresses_pass_without_a_word(url: str) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        Client("key", base_url=url).close()
