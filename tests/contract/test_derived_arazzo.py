"""The Arazzo documents say what x-waiter says: each answer comes to the same end, and each pause is the schedule's."""

from __future__ import annotations

import copy
import importlib
import json
import re
import sys
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from hypothesis import given, reject
from hypothesis import strategies as st

from support import ROOT

sys.path.append(str(ROOT / "scripts"))
derive = importlib.import_module("derive")
arazzo = importlib.import_module("derive_arazzo")
conditions = importlib.import_module("derive_conditions")
respect = importlib.import_module("derive_respect")

DOCUMENT = derive.shipped(derive.load())
WAITER, ERRORS = DOCUMENT["x-waiter"], DOCUMENT["x-errors"]
MADE = arazzo.arazzo(DOCUMENT)
FETCH = arazzo.fetching(DOCUMENT)
MISSING = object()

# A reader of conditions, apart from the writer: RFC 9535's filters as far as they are used here, and Arazzo's simple conditions.
TOKEN = re.compile(
    r"\s*(?:(&&|\|\||==|!=|<=|>=|<|>|[()!,])|(search)|'((?:[^'\\]|\\.)*)'|@((?:\.\w+)*)|\$statusCode()|(\w+))"
)


class Reader:
    """Reads a condition over a body and a status."""

    def __init__(self, text: str, body: Any, status: int) -> None:
        self.tokens, self.body, self.status = [], body, status
        while text.strip():
            found = TOKEN.match(text)
            assert found, text
            self.tokens.append((found.lastindex, found[found.lastindex or 0]))
            text = text[found.end() :]

    def whole(self) -> bool:
        value = self.any_of()
        assert not self.tokens
        return value

    def at(self, word: str) -> bool:
        return bool(self.tokens) and self.tokens[0] == (1, word)

    def take(self, word: str) -> None:
        assert self.at(word), self.tokens
        self.tokens.pop(0)

    def any_of(self) -> bool:
        value = self.all_of()
        while self.at("||"):
            self.take("||")
            other = self.all_of()
            value = value or other
        return value

    def all_of(self) -> bool:
        value = self.one()
        while self.at("&&"):
            self.take("&&")
            other = self.one()
            value = value and other
        return value

    def one(self) -> bool:
        if self.at("!"):
            self.take("!")
            return not self.one()
        if self.at("("):
            self.take("(")
            value = self.any_of()
            self.take(")")
            return value
        if self.tokens[0][0] == 2:
            self.tokens.pop(0)
            self.take("(")
            text = self.value()
            self.take(",")
            pattern = self.value()
            self.take(")")
            return isinstance(text, str) and re.search(pattern, text) is not None
        left, (_, word), right = self.value(), self.tokens.pop(0), self.value()
        return compared(left, word, right)

    def value(self) -> Any:
        kind, text = self.tokens.pop(0)
        if kind == 3:
            return re.sub(r"\\(.)", r"\1", text)
        if kind == 4:
            node = self.body
            for name in text.split(".")[1:]:
                node = node.get(name, MISSING) if isinstance(node, dict) else MISSING
            return node
        return self.status if kind == 5 else json.loads(text)


def compared(left: Any, word: str, right: Any) -> bool:
    same = type(left) is type(right) or (is_number(left) and is_number(right))
    if word in {"==", "!="}:
        return (same and left == right) == (word == "==")
    if not (same and (isinstance(left, str) or is_number(left))):
        return False
    order: dict[str, Callable[[Any, Any], bool]] = {
        "<": lambda a, b: a < b, ">": lambda a, b: a > b, "<=": lambda a, b: a <= b, ">=": lambda a, b: a >= b,
    }  # fmt: skip
    return order[word](left, right)


def is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def holds(criteria: list[dict[str, str]], status: int, body: Any) -> bool:
    return all(
        Reader(each["condition"][3:-1] if each.get("type") == "jsonpath" else each["condition"], body, status).whole()
        for each in criteria
    )


def came_to(status: int, body: Any, made: dict[str, Any] = MADE) -> str:
    """What the document makes of an answer: done, or the name of the first failure action that holds."""
    step = made["workflows"][0]["steps"][1]
    if holds(step["successCriteria"], status, body):
        return "done"
    for reference in step["onFailure"]:
        action = made["components"]["failureActions"][reference["reference"].rsplit(".", 1)[1]]
        if holds(action["criteria"], status, body):
            name = re.sub(r"-\d+$", "", action["name"])
            return name if action["type"] == "end" or name == "running" else "again"
    return "nothing"


def text_at(body: Any, path: str) -> Any:
    for name in path.split("."):
        body = body.get(name, MISSING) if isinstance(body, dict) else MISSING
    return body


def meets(rule: dict[str, Any], value: Any) -> bool:
    ((word, wanted),) = rule.items()
    if word == "equals":
        return type(value) is type(wanted) and value == wanted
    is_text = isinstance(value, str) and value != ""
    if word == "is":
        return is_text == (wanted == "present")
    return isinstance(value, str) and any(text.lower() in value.lower() for text in wanted)


def judged(status: int, body: Any, waiter: dict[str, Any] = WAITER) -> str:
    """What x-waiter and x-errors say of an answer, read anew."""
    named = {row["when"]["http_status"]["equals"] for row in waiter["acceptors"] if "http_status" in row["when"]}
    read_as = waiter["other_success"] if 200 <= status < 300 and status not in named else status
    kind, get = failure(status, body)
    for row in waiter["acceptors"]:
        special = {"http_status": read_as, "error_kind": kind}
        if all(meets(rule, special.get(path, text_at(body, path))) for path, rule in row["when"].items()):
            return str(row["outcome"])
    return "again" if get == "again" else kind.replace("_", "-") if kind != "other" else "nothing"


def failure(status: int, body: Any) -> tuple[str, str]:
    code = next((found for path in ERRORS["bodies"]["code"] if isinstance(found := text_at(body, path), str)), None)
    text = next((found for path in ERRORS["bodies"]["text"] if isinstance(found := text_at(body, path), str)), "")
    for row in ERRORS["kinds"]:
        fits = ("code" not in row or code in row["code"]) and (
            "text" not in row or any(each.lower() in text.lower() for each in row["text"])
        )
        if row["http_status"] == status and fits:
            return row["kind"], row["get"]
    for row in ERRORS["unlisted"]:
        if row["from"] <= status <= row["to"]:
            return row["kind"], row["get"]
    return "none", "never"


WORDS = sorted(
    {
        rule["equals"]
        for row in WAITER["acceptors"]
        for path, rule in row["when"].items()
        if path == "status" and "equals" in rule
    }
)
TEXTS = st.sampled_from([None, "", "x", 5, True, [], "https://a/b.mp4", "Against the Content MODERATION rules"])
VIDEOS = (
    st.none()
    | st.just("x")
    | st.fixed_dictionaries(
        {}, optional={"url": TEXTS, "respect_moderation": st.sampled_from([True, False, None, "false"])}
    )
)
JOBS = st.fixed_dictionaries(
    {},
    optional={
        "status": st.sampled_from([*WORDS, "DONE", "new", "", None, 5, True]),
        "video": VIDEOS,
        "error": st.none() | st.fixed_dictionaries({}, optional={"message": TEXTS, "code": TEXTS}),
    },
)
SAID = (
    st.sampled_from([text for row in ERRORS["kinds"] for text in row.get("text", [])]).map("It said: {}.".format)
    | TEXTS
)
CODES = st.sampled_from([code for row in ERRORS["kinds"] for code in row.get("code", [])]) | TEXTS
FAILURES = st.fixed_dictionaries({}, optional={"code": CODES, "error": SAID}) | st.fixed_dictionaries(
    {"error": st.fixed_dictionaries({}, optional={"code": CODES, "message": SAID})}
)


@given(st.sampled_from([200, 201, 202, 203, 204]), JOBS | st.just({}))
def test_an_answer_of_success_comes_to_the_end_that_x_waiter_names(status: int, body: Any) -> None:
    assert came_to(status, body) == judged(status, body)


@given(st.integers(300, 599) | st.sampled_from([row["http_status"] for row in ERRORS["kinds"]]), FAILURES)
def test_a_failure_comes_to_the_end_that_x_errors_names(status: int, body: Any) -> None:
    assert came_to(status, body) == judged(status, body)


LOOKS = [
    vector
    for path in sorted((ROOT / "openapi" / "conformance").glob("*/look.json"))
    for vector in json.loads(path.read_text(encoding="utf-8"))
    # JSONPath finds no words in a JSON body as a whole, which is the text of an error that has none in its place.
    if "http_status" in vector["input"] and not vector["id"].endswith("-elsewhere")
]
AGAIN = {"running": "again"}


def test_the_vectors_of_looks_come_to_their_outcomes() -> None:
    wrong = []
    for vector in LOOKS:
        asked, meant = vector["input"], vector["output"]
        came = came_to(asked["http_status"], asked.get("body", asked.get("text")))
        if meant["outcome"] == "error":
            fits = came in {meant["kind"].replace("_", "-"), "nothing"}
        else:
            fits = AGAIN.get(came, came) == AGAIN.get(meant["outcome"], meant["outcome"])
        wrong += [] if fits else [(vector["id"], came, meant)]
    assert len(LOOKS) > 250 and wrong == []


MATCHERS = st.fixed_dictionaries(
    {"http_status": st.sampled_from([200, 202]).map(lambda status: {"equals": status})},
    optional={
        "status": st.sampled_from(
            [{"equals": "done"}, {"equals": "failed"}, {"equals": "new"}, {"is": "missing"}, {"is": "present"}]
        ),
        "video.url": st.sampled_from([{"is": "missing"}, {"is": "present"}]),
        "video.respect_moderation": st.sampled_from([{"equals": False}, {"equals": True}]),
        "error.message": st.just({"mentions": ["MODERATION", "it's (odd)"]}),
    },
)
ROWS = st.lists(
    st.fixed_dictionaries({"outcome": st.sampled_from(["running", "done", "failed", "expired"]), "when": MATCHERS}),
    min_size=1,
    max_size=6,
)


@given(ROWS, st.sampled_from([200, 201, 202]), JOBS)
def test_whatever_the_acceptors_are_the_form_says_the_same_or_is_an_error(rows: Any, status: int, body: Any) -> None:
    waiter = {**WAITER, "acceptors": rows}
    try:
        made = arazzo.arazzo({**DOCUMENT, "x-waiter": waiter})
    except conditions.NotInArazzo:
        reject()
    came, meant = came_to(status, body, made), judged(status, body, waiter)
    assert came == meant or (came == "nothing" and meant == "none")


def test_the_pauses_are_those_of_the_schedule() -> None:
    actions = [each for each in MADE["components"]["failureActions"].values() if each["name"].startswith("running")]
    made = [each["retryAfter"] for each in actions for _ in range(each["retryLimit"])]
    age = 0.0
    for pause in made[:-1]:
        assert pause == next(row["every"] for row in WAITER["schedule"] if row["until"] is None or age < row["until"])
        age += pause
    assert made == arazzo.pauses(WAITER)
    assert sum(made) == WAITER["timeout"] - min(
        WAITER["last_poll"]["before_end"], WAITER["timeout"] * WAITER["last_poll"]["part"]
    )
    assert {json.dumps(each["criteria"]) for each in actions} == {json.dumps(actions[0]["criteria"])}


def changed(edit: Callable[[dict[str, Any]], Any]) -> dict[str, Any]:
    document = copy.deepcopy(DOCUMENT)
    edit(document["x-waiter"])
    made: dict[str, Any] = arazzo.arazzo(document)
    return made


@pytest.mark.parametrize(
    "edit",
    [
        lambda waiter: waiter["acceptors"].insert(2, {"outcome": "failed", "when": {"http_status": {"equals": 200}, "status": {"equals": "lost"}}}),
        lambda waiter: waiter["acceptors"].insert(2, {"outcome": "done", "when": {"http_status": {"equals": 200}, "status": {"equals": "ready"}}}),
        lambda waiter: waiter["acceptors"].insert(0, {"outcome": "running", "when": {"http_status": {"equals": 102}}}),
        lambda waiter: waiter["schedule"].pop(0),
        lambda waiter: waiter.update(timeout=60),
        lambda waiter: waiter.update(other_success=202),
        lambda waiter: waiter["last_poll"].update(before_end=20),
        lambda waiter: waiter["failed_poll"].update(longest_pause=2),
        lambda waiter: waiter["result"]["url"].reverse(),
    ],
)  # fmt: skip
def test_an_edit_of_the_data_is_an_edit_of_the_form(edit: Callable[[dict[str, Any]], Any]) -> None:
    assert changed(edit) != MADE


@pytest.mark.parametrize(
    ("edit", "told"),
    [
        (lambda waiter: waiter["acceptors"][1]["when"].update({"video.url": {"matches": "x"}}), "no condition is known"),
        (lambda waiter: waiter["acceptors"].insert(0, {"outcome": "done", "when": {"http_status": {"equals": 203}}}), "only one can be said"),
        (lambda waiter: waiter["acceptors"].append({"outcome": "failed", "when": {"http_status": {"equals": 200}}}), "overlaps"),
        (lambda waiter: waiter["acceptors"][2]["when"].pop("http_status"), "does not name one HTTP status"),
        (lambda waiter: waiter["result"].update(authorization="always"), "only `never`"),
    ],
)  # fmt: skip
def test_what_arazzo_cannot_say_is_an_error(edit: Callable[[dict[str, Any]], Any], told: str) -> None:
    document = copy.deepcopy(DOCUMENT)
    edit(document["x-waiter"])
    with pytest.raises(conditions.NotInArazzo, match=told):
        (arazzo.arazzo(document), arazzo.fetching(document))


def references(node: Any) -> Iterator[str]:
    if isinstance(node, dict):
        for item in node.values():
            yield from references(item)
    elif isinstance(node, list):
        for item in node:
            yield from references(item)
    elif isinstance(node, str) and node.startswith("$"):
        yield node


def test_each_step_and_reference_leads_somewhere_and_only_the_fetch_is_an_extension() -> None:
    components = {f"$components.{kind}.{name}" for kind, items in MADE["components"].items() for name in items}
    assert {each for each in references(MADE) if each.startswith("$components")} == components
    names = {item["operationId"] for path in DOCUMENT["paths"].values() for item in path.values()}
    assert all(
        (derive.TARGET / source["url"]).exists() for made in (MADE, FETCH) for source in made["sourceDescriptions"]
    )
    for workflow in MADE["workflows"]:
        steps = {step["stepId"] for step in workflow["steps"]}
        for step in workflow["steps"]:
            assert len({"operationId", "operationPath", "workflowId"} & step.keys()) == 1
            assert step.get("operationId", "..getVideo").split(".")[2] in names
            assert {action["stepId"] for action in step.get("onSuccess", []) if action["type"] == "goto"} <= steps
    (fetch,) = FETCH["workflows"][0]["steps"]
    assert fetch["x-operation"]["method"] == "get" and "parameters" not in fetch
    assert not [each for each in references(FETCH) if "api_key" in each]


def ran(steps: dict[str, bool], headers: dict[str, str] | None = None) -> dict[str, Any]:
    request = {"headers": headers or {}}
    return {
        "any": [
            {"type": "step", "stepId": name, "status": "success" if passed else "error", "request": request}
            for name, passed in steps.items()
        ]
    }


@pytest.mark.parametrize(
    ("code", "steps", "headers", "polls", "told"),
    [
        (0, {**respect.WHOLE, "wait": False}, {}, range(9), "the steps came to"),
        (0, {"start": True}, {}, range(9), "the steps came to"),
        (1, respect.WHOLE, {}, range(9), "respect ended with 1"),
        (0, respect.WHOLE, {"authorization": "Bearer ***"}, range(9), "the key went"),
        (0, respect.WHOLE, {}, range(2, 9), "1 polls"),
    ],
)
def test_a_run_that_ends_otherwise_is_told(code: int, steps: Any, headers: Any, polls: range, told: str) -> None:
    assert respect.faults(0, ran(respect.WHOLE), respect.WHOLE, range(9)) == []
    assert any(told in each for each in respect.faults(code, ran(steps, headers), respect.WHOLE, polls))


def test_a_run_that_should_fail_and_passes_is_told() -> None:
    assert respect.faults(1, ran(respect.ENDED), respect.ENDED, range(9)) == []
    assert respect.faults(0, ran(respect.WHOLE), respect.ENDED, range(9))
