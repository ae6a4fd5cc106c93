"""Ready requests in an .http file, as VS Code's REST Client, JetBrains' HTTP Client and others read it."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any

HEAD = """\
# The sandbox answers without a key and at no cost: python -m grok_imagine_sandbox --port {port}
# For the service take the other base_url; there every POST under /videos costs money.
@base_url = {sandbox}
# @base_url = {service}

# The key comes from the environment; never write it here. JetBrains has {{{{$env.XAI_API_KEY}}}} for it.
@api_key = {{{{$processEnv XAI_API_KEY}}}}

# Ids from answers go here.
{ids}
"""
BOUNDARY = "part-of-a-form"


def requests(document: Mapping[str, Any]) -> str:
    """A request for each operation and each example of its body."""
    service, sandbox = document["servers"]
    port = sandbox["variables"]["port"]["default"]
    found = [(path, method, item) for path, part in document["paths"].items() for method, item in part.items()]
    ids: dict[str, str] = {}
    for _, _, operation in found:
        ids |= {each["name"]: each["example"] for each in _parameters(document, operation) if each["in"] == "path"}
    head = HEAD.format(
        port=port,
        sandbox=sandbox["url"].format(port=port),
        service=service["url"],
        ids="\n".join(f"@{name} = {value}" for name, value in ids.items()),
    )
    return "\n".join([head, *(text for each in found for text in _operation(*each))])


def _parameters(document: Mapping[str, Any], operation: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """The operation's parameters, references resolved."""
    shared = document["components"].get("parameters", {})
    return [
        shared[each["$ref"].rsplit("/", 1)[1]] if "$ref" in each else each for each in operation.get("parameters", ())
    ]


def _operation(path: str, method: str, operation: Mapping[str, Any]) -> Iterator[str]:
    """The requests of one operation."""
    for name, summary, headers, body in _bodies(operation):
        title = operation["operationId"] + (f"_{name.replace('-', '_')}" if name else "")
        lines = [f"### {summary}", f"# @name {title}", f"{method.upper()} {{{{base_url}}}}{_path(path)}"]
        lines += ["Authorization: Bearer {{api_key}}", *headers]
        yield "\n".join([*lines, *(["", body] if body else []), ""])


def _path(path: str) -> str:
    return re.sub(r"\{(\w+)\}", r"{{\1}}", path)


def _bodies(operation: Mapping[str, Any]) -> Iterator[tuple[str, str, list[str], str]]:
    """Name, title, headers and body of each request."""
    content = operation.get("requestBody", {}).get("content", {})
    if not content:
        yield "", operation["summary"], [], ""
    for kind, media in content.items():
        if kind == "multipart/form-data":
            yield "", operation["summary"], [f"Content-Type: {kind}; boundary={BOUNDARY}"], FORM
            continue
        for name, example in media["examples"].items():
            summary = f"{operation['summary']}: {example['summary']}"
            yield name, summary, [f"Content-Type: {kind}"], json.dumps(example["value"], indent=2, ensure_ascii=False)


# The part expires_after comes before file, as the service wants it.
FORM = f"""\
--{BOUNDARY}
Content-Disposition: form-data; name="expires_after"

86400
--{BOUNDARY}
Content-Disposition: form-data; name="file"; filename="sky.png"
Content-Type: image/png

< ./sky.png
--{BOUNDARY}--"""
