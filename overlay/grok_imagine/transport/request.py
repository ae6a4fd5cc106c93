"""A request of the generated code, completed for the HTTP library."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from ..config import CONNECT_TIMEOUT, Config
from ..media.content import Content
from ._library import httpx


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


def built(arguments: Mapping[str, Any], **extensions: Any) -> httpx.Request:
    """The request of a client of our own, without the work of an httpx client: no cookies, no defaults, no redirects."""
    content, body = arguments.get("content"), arguments.get("json")
    if content is None and body is not None:
        content = json.dumps(body, ensure_ascii=False, separators=(",", ":"), allow_nan=False).encode()
    return httpx.Request(
        arguments["method"],
        arguments["url"],
        params=arguments.get("params"),
        headers=arguments["headers"],
        content=content,
        extensions=extensions,
    )
