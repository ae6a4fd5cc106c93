"""The sandbox, as an adapter of the conformance kit: each case is a request over HTTP."""

from __future__ import annotations

import json
import sys
from typing import Any
from urllib.parse import quote

import httpx

from grok_imagine_sandbox import Sandbox

PATHS = {"generateVideo": "/videos/generations", "editVideo": "/videos/edits", "extendVideo": "/videos/extensions"}


def serve(http: httpx.Client, case: dict[str, Any]) -> dict[str, Any]:
    headers = {} if case.get("key") is False else {"authorization": "Bearer any-key"}
    if case["operation"] == "getVideo":
        answer = http.get(f"/videos/{quote(case['request_id'], safe='')}", headers=headers)
    else:
        answer = http.post(PATHS[case["operation"]], json=case["body"], headers=headers)
    is_json = "json" in answer.headers.get("content-type", "")
    body = answer.json() if is_json else {}
    return {"http_status": answer.status_code, "code": body.get("code"), "text": body.get("error") or answer.text}


def main() -> None:
    print(json.dumps({"adapter": "sandbox", "generator": "openapi-core", "operations": ["serve"]}), flush=True)
    with Sandbox(speed=1000.0) as sandbox, httpx.Client(base_url=sandbox.base_url, trust_env=False, timeout=60) as http:
        for line in sys.stdin:
            case = json.loads(line)
            print(json.dumps({"id": case["id"], "output": serve(http, case["input"])}), flush=True)


if __name__ == "__main__":
    main()
