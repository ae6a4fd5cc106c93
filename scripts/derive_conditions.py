"""The matchers of `x-waiter` and `x-errors` as conditions of Arazzo: an HTTP status, and a JSONPath filter over the answer's body.

A filter is applied to the body as the one item of a list, as the specification's own examples have it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

Matchers = Mapping[str, Mapping[str, Any]]
STATUS, KIND = "http_status", "error_kind"
SPECIAL = "\\.^$*+?()[]{}|-"


class NotInArazzo(ValueError):
    """The rules say something that Arazzo has no words for."""


def both(parts: Sequence[str], word: str = "&&") -> str:
    """All of these, two and two in brackets: an evaluator in use drops the third part of a chain."""
    first, *rest = parts
    return f"{_bracketed(first)} {word} {_bracketed(both(rest, word))}" if rest else first


def either(parts: Sequence[str]) -> str:
    """Any of these."""
    return both(parts, "||")


def _bracketed(part: str) -> str:
    return f"({part})" if " && " in part or " || " in part else part


def literal(value: Any) -> str:
    """A value in a filter."""
    if value is None or isinstance(value, bool):
        return {None: "null", True: "true", False: "false"}[value]
    if isinstance(value, str):
        return "'" + value.replace("\\", "\\\\").replace("'", "\\'") + "'"
    return str(value)


def _any_case(text: str) -> str:
    """A regular expression of a text in any letter case; I-Regexp knows no flags."""
    letters = (f"[{char.lower()}{char.upper()}]" if char.lower() != char.upper() else char for char in text)
    return "".join(f"\\{char}" if char in SPECIAL else char for char in letters)


def is_present(path: str) -> str:
    """A text that is not empty: any other type compares as false."""
    return f"@.{path} > ''"


def mentions(nodes: Iterable[str], texts: Iterable[str]) -> str:
    """One of the texts is in one of these, in any letter case."""
    words = literal("|".join(map(_any_case, texts)))
    return either([f"search({node}, {words})" for node in nodes])


def matcher(path: str, rule: Mapping[str, Any], negated: bool = False) -> str:
    """One matcher as a filter, or that it does not hold."""
    (word, value), *more = rule.items()
    if not more and word == "equals":
        return f"@.{path} {'!=' if negated else '=='} {literal(value)}"
    if not more and word == "is" and value in {"present", "missing"}:
        return is_present(path) if (value == "present") != negated else f"!({is_present(path)})"
    if not more and word == "mentions":
        told = mentions([f"@.{path}"], value)
        return f"!({told})" if negated else told
    raise NotInArazzo(f"x-waiter: no condition is known for the matcher {path}: {dict(rule)}")


def body(when: Matchers) -> dict[str, Mapping[str, Any]]:
    """The matchers over the body."""
    return {path: rule for path, rule in when.items() if path not in {STATUS, KIND}}


def disjoint(one: Matchers, other: Matchers) -> bool:
    """Whether no answer meets both."""
    for path in one.keys() & other.keys():
        rules = sorted((one[path], other[path]), key=list)
        (first, value), (second, against) = (next(iter(rule.items())) for rule in rules)
        if first == second and first in {"equals", "is"} and value != against:
            return True
        if (first, second) == ("equals", "is") and (against == "present") != (isinstance(value, str) and value != ""):
            return True
    return False


def only(rule: Matchers, earlier: Iterable[Matchers]) -> list[str] | None:
    """The filters of a rule that comes after others: its own, and that none of the earlier holds. None: an earlier always does."""
    parts = [matcher(path, each) for path, each in body(rule).items()]
    for other in earlier:
        if disjoint(rule, other):
            continue
        rest = {path: each for path, each in other.items() if rule.get(path) != each}
        if not rest:
            return None
        if rest.keys() & {STATUS, KIND}:
            raise NotInArazzo(f"x-waiter: {dict(other)} comes before {dict(rule)}, and tells it by its status alone")
        parts.append(either([matcher(path, each, negated=True) for path, each in rest.items()]))
    return parts


def criteria(status: str | None, filters: Sequence[str]) -> list[dict[str, str]]:
    """The list of criteria, all of which must hold."""
    made = [{"condition": status}] if status else []
    if filters:
        made.append({"context": "$response.body", "type": "jsonpath", "condition": f"$[?{both(filters)}]"})
    return made
