"""The runs end to end find an adapter that is wrong: a plain client passes them all, and none of its faults does."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

import httpx
import pytest
from polyglot import e2e_cases
from polyglot.e2e_cases import CASES, run_all

from conformance.answers import AnswerRules
from support import HANG, ROOT

RULES = AnswerRules(json.loads((ROOT / "generated" / "grok_imagine_api" / "openapi.json").read_text(encoding="utf-8")))
PATHS = {"generateVideo": "generations", "editVideo": "edits", "extendVideo": "extensions"}


class PlainAdapter(e2e_cases.Adapter):
    """An adapter in this process. Its faults are switches."""

    def __init__(self, *faults: str) -> None:
        super().__init__(Path(e2e_cases.__file__).parent / "python")
        self.faults = faults

    def talk(self, cases: Iterable[Mapping[str, Any]]) -> Iterator[dict[str, Any]]:
        yield {"operations": ["run"]}
        for case in cases:
            with httpx.Client(trust_env=False, timeout=HANG) as http:
                yield {"id": case["id"], "output": self._run(http, **case["input"])}

    def _run(self, http: httpx.Client, base_url: str, api_key: str, **case: Any) -> dict[str, Any]:
        headers = {"authorization": f"Bearer {api_key}"}
        url, output = f"{base_url}/videos/{PATHS[case['operation']]}", {"outcome": "again"}
        posts = polls = 0
        body = case["body"] if "empty fields" not in self.faults else {"user": None, **case["body"]}
        while output["outcome"] == "again" and posts < case["max_posts"]:
            output = RULES.post(self._sent(lambda: http.post(url, json=body, headers=headers)))
            posts += 1 + ("miscounts" in self.faults)
            if output["outcome"] == "unknown" and "sends again" in self.faults:
                output = {"outcome": "again"}
        if output["outcome"] != "accepted":
            return {**output, "outcome": output["outcome"].replace("refused", "error"), "posts": posts, "polls": 0}
        looked, answer = output, dict[str, Any]()
        while polls < 100 and (looked["outcome"] in ("accepted", "running", "again")):
            url = f"{base_url}/videos/{output['request_id']}"
            answer = self._sent(lambda url=url: http.get(url, headers=headers))  # type: ignore[misc]
            polls, looked = polls + 1, RULES.look(answer)
            if looked["outcome"] == "again" and "gives up" in self.faults:
                break
        if looked["outcome"] in ("running", "again"):
            looked = {"outcome": "timeout"}
        cost = (answer.get("body", {}).get("usage") or {}).get("cost_in_usd_ticks")
        cost = cost & 0xFFFFFFFF if cost and "32 bits" in self.faults else cost
        result = {
            **looked,
            "request_id": output["request_id"],
            "posts": posts,
            "polls": polls,
            "cost_in_usd_ticks": cost,
        }
        found = RULES.download(answer)["url"] if looked["outcome"] == "done" else None
        if found and "no download" not in self.faults:
            file = http.get(found, headers=headers if "tells the key" in self.faults else {}).content
            file = file[:-1] if "short file" in self.faults else file
            result |= {"url": found, "bytes": len(file), "sha256": hashlib.sha256(file).hexdigest()}
        return result

    def _sent(self, send: Callable[[], httpx.Response]) -> dict[str, Any]:
        try:
            answer = send()
        except httpx.ConnectError:
            return {"failure": "lost" if "all is lost" in self.faults else "not_delivered"}
        except httpx.TransportError:
            return {"failure": "not_delivered" if "nothing is lost" in self.faults else "lost"}
        known = {"http_status": answer.status_code, "headers": dict(answer.headers)}
        try:
            return {**known, "body": answer.json()}
        except ValueError:
            return {**known, "text": answer.text}


def wrong(name: str, *faults: str) -> list[str]:
    found = run_all(PlainAdapter(*faults), [case for case in CASES if case.name == name])
    assert found is not None and found.keys() == {name}
    return found[name]


@pytest.mark.parametrize("name", [case.name for case in CASES])
def test_a_plain_client_passes(name: str) -> None:
    assert wrong(name) == []


@pytest.mark.parametrize(
    ("fault", "name"),
    [
        ("sends again", "reset-after-accepting"),
        ("nothing is lost", "reset-after-accepting-the-second"),
        ("all is lost", "nobody-listens"),
        ("gives up", "html-520-on-a-look"),
        ("32 bits", "cost-over-32-bits"),
        ("tells the key", "text-to-video"),
        ("short file", "edit-video"),
        ("no download", "extend-video"),
        ("empty fields", "image-to-video"),
        ("miscounts", "rate-limit"),
    ],
)
def test_a_fault_is_found(fault: str, name: str) -> None:
    assert wrong(name, fault)
