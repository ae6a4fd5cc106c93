"""A reader of the contract's rules for answers: `x-waiter` and `x-errors`. See `rules`."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

HTTP_DATE = "%a, %d %b %Y %H:%M:%S GMT"


class AnswerRules:
    """What an answer means, what may be sent again, and when to poll."""

    def __init__(self, document: Mapping[str, Any]) -> None:
        self.waiter, self.errors = document["x-waiter"], document["x-errors"]

    def look(self, case: Mapping[str, Any]) -> dict[str, Any]:
        """The operation `look` of the protocol."""
        if "failure" in case:
            return self._failed(self.errors["failures"][case["failure"]]["get"], case["failure"])
        status, body = case["http_status"], case.get("body")
        if status >= 300:
            row = self._rule(case)
            return self._outcome({"error_kind": row["kind"]}, body) or self._failed(row["get"], row["kind"])
        named = {a["when"]["http_status"]["equals"] for a in self.waiter["acceptors"] if "http_status" in a["when"]}
        facts = {"http_status": status if status in named else self.waiter["other_success"]}
        failed = self._failed(self.errors["failures"]["unreadable"]["get"], "unreadable")
        return self._outcome(facts, body) or failed

    def post(self, case: Mapping[str, Any]) -> dict[str, Any]:
        """The operation `post` of the protocol."""
        if "failure" in case:
            kind, row = case["failure"], self.errors["failures"][case["failure"]]
        elif case["http_status"] < 300:
            request_id = _at(case.get("body"), "request_id")
            if isinstance(request_id, str) and request_id:
                return {"outcome": "accepted", "request_id": request_id}
            kind, row = "unreadable", self.errors["failures"]["unreadable"]
        else:
            row = self._rule(case)
            kind = row["kind"]
        cost = _at(case.get("body"), "usage.cost_in_usd_ticks")
        is_billed = cost is not None and cost != 0  # false is 0
        named = _at(case.get("body"), "request_id")
        names_a_job = kind == "other" and isinstance(named, str) and named != ""
        if row["post"] == "unknown" or names_a_job:
            return {"outcome": "unknown"}
        if row["post"] == "never" or is_billed:
            return {"outcome": "refused", "kind": kind}
        return {"outcome": "again", "after": _retry_after(case)}

    def wait(self, case: Mapping[str, Any]) -> dict[str, Any]:
        """The operation `wait` of the protocol, on a clock that only the pauses move."""
        timeout, answers = case["timeout"], case["answers"]
        rule, failed = self.waiter["last_poll"], self.waiter["failed_poll"]
        last = timeout - min(rule["before_end"], timeout * rule["part"])
        age, pauses = 0.0, list[float]()
        pause = self._pause(age)
        while True:
            is_last = age + pause >= last
            pauses.append(max(last - age, 0) if is_last else pause)
            age += pauses[-1]
            answer = answers[min(len(pauses), len(answers)) - 1]
            found = self.look(answer)
            ends = found["outcome"] not in ("running", "again")
            if ends or is_last:
                return {**(found if ends else {"outcome": "timeout"}), "polls": len(pauses), "pauses": pauses}
            pause = self._pause(age)
            if found["outcome"] == "again":
                asked = min(_retry_after(answer) or 0, failed["longest_retry_after"])
                pause = max(min(pause, failed["longest_pause"]), asked)

    def download(self, case: Mapping[str, Any]) -> dict[str, Any]:
        """The operation `download` of the protocol."""
        found = (_at(case["body"], path) for path in self.waiter["result"]["url"])
        url = next((text for text in found if isinstance(text, str) and text), None)
        return {"url": url, "authorization": self.waiter["result"]["authorization"] != "never"}

    def _pause(self, age: float) -> float:
        rows = self.waiter["schedule"]
        return float(next(row["every"] for row in rows if row["until"] is None or age < row["until"]))

    def _failed(self, get: str, kind: str) -> dict[str, Any]:
        return {"outcome": "again"} if get == "again" else {"outcome": "error", "kind": kind}

    def _outcome(self, facts: Mapping[str, Any], body: Any) -> dict[str, Any] | None:
        """The first acceptor that holds. One that asks for something in the body needs a JSON object."""
        for acceptor in self.waiter["acceptors"]:
            when = acceptor["when"]
            paths = when.keys() - {"http_status", "error_kind"}
            if (isinstance(body, dict) or not paths) and all(
                _holds(matcher, _at(body, path) if path in paths else facts.get(path)) for path, matcher in when.items()
            ):
                return {"outcome": acceptor["outcome"], **({"warn": True} if acceptor.get("warn") == "once" else {})}
        return None

    def _rule(self, case: Mapping[str, Any]) -> Mapping[str, Any]:
        """The row of x-errors for an answer of 300 or more."""
        body, bodies = case.get("body"), self.errors["bodies"]
        codes = (_at(body, path) for path in bodies["code"])
        code = next((str(c) for c in codes if isinstance(c, str | int) and c != "" and not isinstance(c, bool)), None)
        texts = (_at(body, path) for path in bodies["text"])
        text = next((t for t in texts if isinstance(t, str) and t), case.get("text") or json.dumps(body)).lower()
        for kind in self.errors["kinds"]:
            is_code = code in kind.get("code", [code])
            is_text = any(part.lower() in text for part in kind.get("text", [""]))
            if kind["http_status"] == case["http_status"] and is_code and is_text:
                return dict(kind)
        return next(dict(row) for row in self.errors["unlisted"] if row["from"] <= case["http_status"] <= row["to"])


def _at(body: Any, path: str) -> Any:
    for name in path.split("."):
        body = body.get(name) if isinstance(body, dict) else None
    return body


def _holds(matcher: Mapping[str, Any], value: Any) -> bool:
    is_text = isinstance(value, str) and value != ""
    if "is" in matcher:
        return is_text is (matcher["is"] == "present")
    if "mentions" in matcher:
        return is_text and any(text.lower() in str(value).lower() for text in matcher["mentions"])
    return type(value) is type(matcher["equals"]) and bool(value == matcher["equals"])


def _retry_after(case: Mapping[str, Any]) -> float | None:
    headers = case.get("headers", {})
    value = headers.get("retry-after", "")
    if value.isascii() and value.isdecimal():
        return int(value)
    try:
        until = datetime.strptime(value, HTTP_DATE)
        sent = (
            datetime.strptime(headers["date"], HTTP_DATE)
            if "date" in headers
            else datetime.now(UTC).replace(tzinfo=None)
        )
        return max((until - sent).total_seconds(), 0)
    except ValueError:
        return None
