"""Checks of single values of a body: types, limits, keyframes, tags of a prompt, storage. Those of media are in `media.checks`."""

from __future__ import annotations

import math
import re
import sys
from collections.abc import Collection, Iterator, Mapping
from typing import Any

from grok_imagine_api import contract

from ..errors import InvalidRequest, OutOfRange
from ..hints import Hint
from ..media.checks import CERTAIN, Finding, is_blank, kind_of, media_findings, seconds_of_video

__all__ = ["broken", "findings", "is_type", "section_of", "whole", "wrong_type"]

TYPES: Mapping[str, str] = {
    "string": "a string",
    "integer": "a whole number",
    "number": "a number",
    "boolean": "True or False",
    "object": "an object",
    "array": "a list",
}


def section_of(mode: str, model: str | None = None) -> str:
    """The contract's section for a mode, or for a model's narrower rules for it."""
    return f"x-modes.models.{model}.{mode}" if model else f"x-modes.modes.{mode}"


def is_type(value: object, wanted: contract.Value) -> bool:
    """Whether a value has one of the JSON types. A whole number may be written as 5.0; a boolean is no number."""
    if isinstance(value, bool):
        return "boolean" in wanted.type
    if isinstance(value, int):
        return "integer" in wanted.type or "number" in wanted.type
    if isinstance(value, float):
        return ("integer" in wanted.type and value.is_integer()) or "number" in wanted.type
    if isinstance(value, str):
        return "string" in wanted.type
    if isinstance(value, list | tuple):
        return "array" in wanted.type
    return "object" in wanted.type and isinstance(value, Mapping)


def whole(value: Any, wanted: contract.Value) -> Any:
    """The value, with whole numbers as the wire has them: 5.0 as 5."""
    if isinstance(value, float) and "number" not in wanted.type and is_type(value, wanted):
        return int(value)
    if isinstance(value, dict) and wanted.keys:
        return {key: whole(item, wanted.keys[key]) if key in wanted.keys else item for key, item in value.items()}
    return value


def wrong_type(field: str, value: object, wanted: contract.Value) -> tuple[str, str]:
    """The rule that a value of a wrong type breaks, and the way out."""
    kind = kind_of(field)
    names = " or ".join(TYPES[name] for name in wanted.type)
    is_number = not {"integer", "number"}.isdisjoint(wanted.type)
    got = repr(value)[:40] if is_number else type(value).__name__
    is_object = kind is not None and "object" in wanted.type
    way = f'write {{"{kind.one_of[0]}": ...}}' if kind and is_object else ""
    return f"is {names}; got {got}", way


def broken(
    value: Any, limit: contract.FieldLimit, input_seconds: float | None = None
) -> Iterator[tuple[str, str, bool]]:
    """The violations of a limit by a value of the right type: the rule, the way out, and whether the value is invalid anyway."""
    if limit.values and value not in limit.values:
        yield f"is one of {', '.join(limit.values)}; got {value!r}", "", False
    if limit.minimum is not None and limit.maximum is not None and not limit.minimum <= value <= limit.maximum:
        # What is beyond a float has no format.
        got = f"{value:g}" if abs(value) < sys.float_info.max else "a number of hundreds of digits"
        yield f"is {limit.minimum} to {limit.maximum} s; got {got}", "", False
    if limit.max_length is not None:
        yield from _broken_text(value, limit)
    if limit.max_items is not None and len(value) > limit.max_items:
        yield f"takes at most {limit.max_items}; got {len(value)}", "", False
    if limit.max_seconds is not None:
        seconds = seconds_of_video(value) if input_seconds is None else input_seconds
        floor = limit.min_seconds or 0
        if seconds is not None and not floor <= round(seconds, 1) <= limit.max_seconds:
            rule = f"is a video of {floor:g} to {limit.max_seconds:g} s; got {seconds:.1f} s"
            yield rule, "cut it to that", False


def _broken_text(value: str, limit: contract.FieldLimit) -> Iterator[tuple[str, str, bool]]:
    least, most = limit.min_length or 0, limit.max_length or 0
    if not least <= len(value) <= most:
        yield f"is {least} to {most} characters; got {len(value)}", "", False
    if not limit.blank and is_blank(value):
        yield "is blank", "describe the video", False
    if any("\ud800" <= character <= "\udfff" for character in value):
        yield "contains half a surrogate pair, which is not valid text", "", True


def findings(mode: str, body: Mapping[str, Any], present: Collection[str]) -> Iterator[Finding]:
    """All violations inside the values of a body.

    Args:
        mode: One of `contract.MODES`.
        body: The fields of the contract that have a value of the right type.
        present: The names of all fields of the body.
    """
    yield from media_findings(mode, body)
    yield from _times(mode, body)
    yield from _tags(mode, body, present)
    for field, wanted in contract.FIELDS.items():
        if wanted.keys and field in body:
            yield from _inside(mode, field, body[field], wanted)


def _times(mode: str, body: Mapping[str, Any]) -> Iterator[Finding]:
    """Times of the items of a list: inside the video, and at most one in each slot of the grid."""
    for field, limit in contract.MODES[mode].limits.items():
        if limit.times and field in body:
            yield from _times_of(mode, field, limit, limit.times, body)


def _times_of(
    mode: str, field: str, limit: contract.FieldLimit, times: contract.Times, body: Mapping[str, Any]
) -> Iterator[Finding]:
    end = body.get(times.below, contract.MODES[mode].limits[times.below].default)
    taken: dict[int, float] = {}

    def refuse(rule: str, instead: str | Hint = "") -> OutOfRange:
        section = f"{section_of(mode)}.limits.{field}"
        return OutOfRange(rule, fields=[field], instead=instead, mode=mode, section=section)

    for item in body[field]:
        seconds = item.get(times.key) if isinstance(item, Mapping) else None
        if isinstance(seconds, bool) or not isinstance(seconds, int | float) or seconds != seconds:
            yield refuse(f"has a number of seconds as its `{times.key}`; got {seconds!r}"), CERTAIN
            continue
        if not times.above < seconds < end:
            text = f"lies between {times.above} and {end:g} s; got {seconds!r}"
            yield refuse(text, "`image` and `last_frame` pin the ends"), limit.confidence
            continue
        slot = math.floor(seconds * times.slots_per_second + 0.5)
        if slot in taken:
            text = f"has two in one slot of 1/{times.slots_per_second} s; got {taken[slot]!r} and {seconds!r}"
            yield refuse(text, "set them further apart"), limit.confidence
        taken[slot] = seconds


def _tags(mode: str, body: Mapping[str, Any], present: Collection[str]) -> Iterator[Finding]:
    """Tags of a text that name the items of a list. In a mode without tags they are plain words."""
    for field, limit in contract.MODES[mode].limits.items():
        tags = limit.tags
        if not tags or field not in body:
            continue
        first = next((number for other, number in tags.first_beside.items() if other in present), tags.first)
        count = len(body.get(tags.count_of, ()))
        for tag in re.finditer(tags.pattern, body[field]):
            digits = tag[1].lstrip("0") or "0"
            if len(digits) < 10 and first <= int(digits) <= count:
                continue
            rule = f"names {tag[0][:40]}, and the reference images are {count or 'none'}"
            way = f"they are <IMAGE_{tags.first}> to <IMAGE_{count}>" if count else f"give `{tags.count_of}`"
            section = f"{section_of(mode)}.limits.{field}.tags"
            yield OutOfRange(rule, fields=[field], instead=way, mode=mode, section=section), tags.confidence
            break


def _inside(
    mode: str, field: str, value: Mapping[str, Any], wanted: contract.Value, name: str = ""
) -> Iterator[Finding]:
    """The keys of an object. All findings are of the field of the body."""

    def refuse(rule: str) -> InvalidRequest:
        return OutOfRange(rule, fields=[field], mode=mode, section=f"x-modes.fields.{field}")

    own = {key: item for key, item in value.items() if item is not None}
    within = f"`{name}` " if name else ""
    if unknown := own.keys() - wanted.keys.keys():
        known = ", ".join(f"`{key}`" for key in wanted.keys)
        yield refuse(f"{within}has {known}; got {', '.join(sorted(map(str, unknown)))}"), CERTAIN
    for key, inner in wanted.keys.items():
        if key not in own:
            if inner.required:
                yield refuse(f"has a `{key}`"), CERTAIN
            continue
        item = own[key]
        if not is_type(item, inner):
            yield refuse(f"has a `{key}` that {wrong_type(key, item, inner)[0]}"), CERTAIN
        elif inner.max_length is not None and not (inner.min_length or 0) <= len(item) <= inner.max_length:
            yield refuse(f"has a `{key}` of {inner.min_length} to {inner.max_length} characters"), inner.confidence
        elif inner.minimum is not None and inner.maximum is not None and not inner.minimum <= item <= inner.maximum:
            yield refuse(f"has a `{key}` of {inner.minimum} to {inner.maximum} s; got {item!r}"), inner.confidence
        elif inner.keys and isinstance(item, Mapping):
            yield from _inside(mode, field, item, inner, key)
