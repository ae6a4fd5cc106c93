"""A request of the generated code, completed for the HTTP library."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ..config import CONNECT_TIMEOUT, Config
from ..media.inputs import Content


def complete(config: Config, request: Mapping[str, Any], limit: float) -> dict[str, Any]:
    """Adds address, key and a timeout for each step.

    A body that holds media is put into `content`, to be sent in pieces: the library would hold it twice more. The timeout is a
    tuple, which each library reads.
    """
    own = request.get("headers")
    headers = config.headers | {name.lower(): value for name, value in own.items()} if own else config.headers
    body = request.get("json")
    if body is not None and (content := Content.of(body)):
        headers = headers | {"content-length": str(content.length)}
        request = {name: value for name, value in request.items() if name != "json"} | {"content": content}
    timeout = (min(limit, CONNECT_TIMEOUT), limit, limit, limit)
    return {**request, "url": config.base_url + request["url"], "headers": headers, "timeout": timeout}
