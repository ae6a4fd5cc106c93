"""Start, wait and fetch as Arazzo 1.0.1, made of `x-waiter` and `x-errors`.

`wait` looks at once, which x-waiter does not, since Arazzo pauses before a repetition only. Then its pauses are those of
the schedule: each row is an action that may be repeated as often as a job that runs to the timeout meets it.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Mapping
from typing import Any

from derive_conditions import (
    KIND,
    STATUS,
    Matchers,
    NotInArazzo,
    body,
    both,
    criteria,
    disjoint,
    either,
    is_present,
    literal,
    matcher,
    mentions,
    only,
)

SOURCE, FETCH = "grok-imagine", "fetch"
VERSION = "1.0.1"
STARTS = ("generateVideo", "editVideo", "extendVideo")
AUTHORIZATION = {"name": "Authorization", "in": "header", "value": "Bearer {$inputs.api_key}"}


def arazzo(document: Mapping[str, Any]) -> dict[str, Any]:
    """A workflow for each operation that starts a job."""
    actions = {action["name"]: action for action in failures(document)}
    return {
        "arazzo": VERSION,
        "info": {
            "title": "Make a video",
            "summary": "Start a job, wait for it, and fetch its file",
            "description": (
                "Made of `x-waiter` and `x-errors` of the document beside it. A job that fails, expires or is withheld by "
                "moderation fails the step `wait`, and the action that ended it is named after the outcome."
            ),
            "version": document["info"]["version"],
        },
        "sourceDescriptions": [
            {"name": SOURCE, "url": "./openapi.yaml", "type": "openapi"},
            {"name": FETCH, "url": "./fetch.arazzo.yaml", "type": "arazzo"},
        ],
        "workflows": [_workflow(document, name, list(actions)) for name in STARTS],
        "components": {"parameters": {"authorization": AUTHORIZATION}, "failureActions": actions},
    }


def fetching(document: Mapping[str, Any]) -> dict[str, Any]:
    """The workflow that fetches a URL; by `x-operation`, for the URL is of an answer and so in no OpenAPI document."""
    if document["x-waiter"]["result"]["authorization"] != "never":
        raise NotInArazzo("x-waiter.result.authorization: only `never` is known")
    return {
        "arazzo": VERSION,
        "info": {
            "title": "Fetch a finished video",
            "summary": "GET of the URL that an answer gave, without the key",
            "description": (
                "Arazzo 1.0 has no step for a URL that is in no OpenAPI document. `x-operation` is Redocly's extension for it; "
                "a tool without it fetches the URL by itself."
            ),
            "version": document["info"]["version"],
        },
        "sourceDescriptions": [{"name": SOURCE, "url": "./openapi.yaml", "type": "openapi"}],
        "workflows": [
            {
                "workflowId": "fetchVideo",
                "summary": "Fetch a finished video",
                "description": "The host is another than the API's: the key never goes there.",
                "inputs": {"type": "object", "required": ["url"], "properties": {"url": {"type": "string"}}},
                "steps": [
                    {
                        "stepId": "fetch",
                        "description": "Get the file.",
                        "x-operation": {"url": "$workflows.fetchVideo.inputs.url", "method": "get"},
                        "successCriteria": [{"condition": "$statusCode == 200"}],
                    }
                ],
            }
        ],
    }


def _workflow(document: Mapping[str, Any], name: str, actions: list[str]) -> dict[str, Any]:
    """Start, wait and fetch for one operation."""
    operation = next(
        item["post"] for item in document["paths"].values() if item.get("post", {}).get("operationId") == name
    )
    examples = operation["requestBody"]["content"]["application/json"]["examples"]
    return {
        "workflowId": name,
        "summary": operation["summary"],
        "description": operation["description"],
        "inputs": {
            "type": "object",
            "required": ["api_key"],
            "properties": {
                "api_key": {"type": "string", "format": "password", "description": "An xAI API key"},
                "body": {
                    "type": "object",
                    "description": "What to make",
                    "default": next(iter(examples.values()))["value"],
                },
            },
        },
        "steps": [_start(name), _wait(document, actions), *_fetches(document)],
        "outputs": {"request_id": "$steps.start.outputs.request_id"},
    }


def _start(name: str) -> dict[str, Any]:
    return {
        "stepId": "start",
        "description": "Start the job. From its answer on it is paid for; a POST whose answer is lost is not sent again.",
        "operationId": f"$sourceDescriptions.{SOURCE}.{name}",
        "parameters": [{"reference": "$components.parameters.authorization"}],
        "requestBody": {"contentType": "application/json", "payload": "$inputs.body"},
        "successCriteria": criteria("$statusCode == 200", [is_present("request_id")]),
        "outputs": {"request_id": "$response.body#/request_id"},
    }


def _wait(document: Mapping[str, Any], actions: list[str]) -> dict[str, Any]:
    waiter = document["x-waiter"]
    found = [
        {"name": step, "type": "goto", "stepId": step, "criteria": criteria(None, [is_present(path)])}
        for step, path in _results(document)
    ]
    return {
        "stepId": "wait",
        "description": "Poll until the job has ended, well or badly.",
        "operationId": f"$sourceDescriptions.{SOURCE}.{waiter['operation']}",
        "parameters": [
            {"reference": "$components.parameters.authorization"},
            {"name": "request_id", "in": "path", "value": "$steps.start.outputs.request_id"},
        ],
        "successCriteria": done(waiter),
        "onSuccess": [*found, {"name": "done-elsewhere", "type": "end"}],
        "onFailure": [{"reference": f"$components.failureActions.{name}"} for name in actions],
        "outputs": {"state": "$response.body"},
    }


def _results(document: Mapping[str, Any]) -> list[tuple[str, str]]:
    """The step that fetches the file, and the path of its URL, for each place in which it may be."""
    return [
        (f"fetch-{path.rsplit('.', 1)[-1].replace('_', '-')}", path) for path in document["x-waiter"]["result"]["url"]
    ]


def _fetches(document: Mapping[str, Any]) -> list[dict[str, Any]]:
    return [
        {
            "stepId": step,
            "description": f"Fetch the file at `{path}`, without the key.",
            "workflowId": f"$sourceDescriptions.{FETCH}.fetchVideo",
            "parameters": [{"name": "url", "value": f"$steps.wait.outputs.state.{path}"}],
            "onSuccess": [{"name": "fetched", "type": "end"}],
        }
        for step, path in _results(document)
    ]


def status(waiter: Mapping[str, Any], when: Matchers) -> str:
    """The condition on the HTTP status. What stands for any other success holds for each that no acceptor names."""
    code = _code(when)
    if code != waiter["other_success"]:
        return f"$statusCode == {code}"
    named = sorted({_code(each["when"]) for each in waiter["acceptors"] if KIND not in each["when"]})
    others = [f"$statusCode != {other}" for other in named if other != code and 200 <= other < 300]
    return " && ".join(["$statusCode >= 200", "$statusCode < 300", *others])


def _code(when: Matchers) -> int:
    if when.get(STATUS, {}).keys() != {"equals"}:
        raise NotInArazzo(f"x-waiter: {dict(when)} does not name one HTTP status")
    code: int = when[STATUS]["equals"]
    return code


def done(waiter: Mapping[str, Any]) -> list[dict[str, str]]:
    """The criteria that the first acceptor to hold is one of those of `done`."""
    rows = waiter["acceptors"]
    filters: dict[str, list[list[str]]] = {}
    for index, row in enumerate(rows):
        if row["outcome"] == "done":
            others = [each["when"] for each in rows[:index] if each["outcome"] != "done" and KIND not in each["when"]]
            parts = only(row["when"], others)
            if parts is not None:
                filters.setdefault(status(waiter, row["when"]), []).append(parts)
    if len(filters) != 1:
        raise NotInArazzo(
            f"x-waiter: `done` is told by {len(filters)} conditions on the status, and only one can be said"
        )
    ((code, choices),) = filters.items()
    return criteria(code, [either([both(parts) for parts in choices])] if all(choices) else [])


def failures(document: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    """What becomes of an answer that is not done, in the order in which it is tried: ended badly, running, failed to tell."""
    names: dict[str, int] = {}
    for action in itertools.chain(_ends(document), _running(document), _errors(document)):
        names[action["name"]] = count = names.get(action["name"], 0) + 1
        yield {**action, "name": action["name"] if count == 1 else f"{action['name']}-{count}"}


def _ends(document: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    """An end for each acceptor of a job that has ended without a video."""
    waiter = document["x-waiter"]
    for row in waiter["acceptors"]:
        if row["outcome"] not in {"done", "running"} and KIND not in row["when"]:
            filters = [matcher(path, rule) for path, rule in body(row["when"]).items()]
            yield {"name": row["outcome"], "type": "end", "criteria": criteria(status(waiter, row["when"]), filters)}


def _running(document: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    """The schedule, for whatever means that the job runs. It comes after the ends, so no end may come after it."""
    waiter = document["x-waiter"]
    rows = [row for row in waiter["acceptors"] if KIND not in row["when"]]
    for index, row in enumerate(rows):
        later = [other for other in rows[index:] if other["outcome"] not in {"done", "running"}]
        if row["outcome"] == "running" and not all(disjoint(row["when"], other["when"]) for other in later):
            raise NotInArazzo(f"x-waiter: {row} comes before an end that it overlaps")
    for group in _told_by_status(waiter, [row["when"] for row in rows if row["outcome"] == "running"]):
        for pause, repeated in itertools.groupby(pauses(waiter)):
            limit = len(list(repeated))
            yield {"name": "running", "type": "retry", "retryAfter": pause, "retryLimit": limit, "criteria": group}


def _told_by_status(waiter: Mapping[str, Any], rows: list[Matchers]) -> list[list[dict[str, str]]]:
    """Criteria for these rows: one for all that statuses tell, so that they share the schedule, and one for each other status."""
    groups: dict[str, list[dict[str, Mapping[str, Any]]]] = {}
    for when in rows:
        groups.setdefault(status(waiter, when), []).append(body(when))
    plain = [code for code, found in groups.items() if _is_anything(found)]
    told = [criteria(" || ".join(plain), [])] if plain else []
    for code in (code for code in groups if code not in plain):
        filters = [both([matcher(path, rule) for path, rule in each.items()]) for each in groups[code]]
        told.append(criteria(code, [either(filters)]))
    return told


def _is_anything(choices: list[dict[str, Mapping[str, Any]]]) -> bool:
    """Whether each body meets one of these: one asks for nothing, or one for what another asks to be missing."""
    asked = [(path, rule["is"]) for each in choices if len(each) == 1 for path, rule in each.items() if "is" in rule]
    return {} in choices or any((path, "missing") in asked and (path, "present") in asked for path, _ in asked)


def _errors(document: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    """An end for each failure that repeating a poll does not mend, and repetitions for the others."""
    waiter, errors = document["x-waiter"], document["x-errors"]
    outcomes = {row["when"][KIND]["equals"]: row["outcome"] for row in waiter["acceptors"] if KIND in row["when"]}
    for row in errors["kinds"]:
        ended = row["kind"] in outcomes or row["get"] != "again"
        name = outcomes.get(row["kind"], row["kind"]).replace("_", "-")
        yield _again(waiter, name, criteria(f"$statusCode == {row['http_status']}", _told(errors, row)), ended)
    for row in errors["unlisted"]:
        if row["get"] == "again":
            yield _again(waiter, row["kind"], criteria(_range(row["from"], row["to"]), []), ended=False)


def _again(waiter: Mapping[str, Any], name: str, when: list[dict[str, str]], ended: bool) -> dict[str, Any]:
    """The end, or repetitions with the pause after a poll that failed until the timeout."""
    if ended:
        return {"name": name, "type": "end", "criteria": when}
    pause = waiter["failed_poll"]["longest_pause"]
    limit = int(waiter["timeout"] // pause)
    return {"name": name, "type": "retry", "retryAfter": pause, "retryLimit": limit, "criteria": when}


def _range(low: int, high: int) -> str:
    return f"$statusCode == {low}" if low == high else f"$statusCode >= {low} && $statusCode <= {high}"


def _told(errors: Mapping[str, Any], row: Mapping[str, Any]) -> list[str]:
    """The filters for the code and the text of an error's body; a body that is a text is its own."""
    made = []
    if "code" in row:
        made.append(
            either([f"@.{path} == {literal(code)}" for path in errors["bodies"]["code"] for code in row["code"]])
        )
    if "text" in row:
        made.append(mentions([*(f"@.{path}" for path in errors["bodies"]["text"]), "@"], row["text"]))
    return made


def pauses(waiter: Mapping[str, Any]) -> list[float]:
    """The pauses of a job that runs to the timeout, from a look at its start to the last."""
    timeout, last = waiter["timeout"], waiter["last_poll"]
    end = timeout - min(last["before_end"], timeout * last["part"])
    age, made = 0.0, []
    while age < end:
        every = next(row["every"] for row in waiter["schedule"] if row["until"] is None or age < row["until"])
        pause = min(every, end - age)
        made.append(int(pause) if pause == int(pause) else pause)
        age += pause
    return made
