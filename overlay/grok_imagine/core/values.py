"""Checks of single values of a body: media, voices, keyframes, tags of a prompt, storage."""

from __future__ import annotations

import math
import re
import sys
from collections.abc import Callable, Collection, Iterator, Mapping
from typing import Any, TypeAlias

from grok_imagine_api import contract

from ..errors import InvalidRequest, OutOfRange
from ..hints import Hint
from ..media.mp4 import seconds_of

__all__ = [
    "CERTAIN", "Finding", "at", "broken", "findings", "is_blank", "is_type", "seconds_of_video", "section_of", "whole",
    "wrong_type",
]  # fmt: skip

Finding: TypeAlias = tuple[InvalidRequest, str]
"""A violation and the confidence of its rule: H, M or L."""

CERTAIN = "H"
"""The confidence at which a request is refused. Below it, the request is sent with a warning."""

LOCAL = Hint("local_file", "give a local file as a pathlib.Path by its keyword, or as a data: URL in a body")
BLANK = " \t\n\r\v\f"
"""Of these alone is a blank text; the same in each language."""

TYPES: Mapping[str, str] = {
    "string": "a string",
    "integer": "a whole number",
    "number": "a number",
    "boolean": "True or False",
    "object": "an object",
    "array": "a list",
}

Refuse: TypeAlias = Callable[..., OutOfRange]


def section_of(mode: str, model: str | None = None) -> str:
    """The contract's section for a mode, or for a model's narrower rules for it."""
    return f"x-modes.models.{model}.{mode}" if model else f"x-modes.modes.{mode}"


def is_blank(value: object) -> bool:
    """Whether a value is a text without content."""
    return isinstance(value, str) and not value.strip(BLANK)


def is_type(value: object, wanted: contract.Value) -> bool:
    """Whether a value has one of the JSON types. A whole number may be written as 5.0; a boolean is no number."""
    if isinstance(value, bool):
        return "boolean" in wanted.type
    if isinstance(value, int):
        return "integer" in wanted.type or "number" in wanted.type
    if isinstance(value, float):
        return ("integer" in wanted.type and value.is_integer()) or "number" in wanted.type
    kinds = (("string", str), ("array", list | tuple), ("object", Mapping))
    return any(name in wanted.type and isinstance(value, kind) for name, kind in kinds)


def whole(value: Any, wanted: contract.Value) -> Any:
    """The value, with whole numbers as the wire has them: 5.0 as 5."""
    if isinstance(value, float) and "number" not in wanted.type and is_type(value, wanted):
        return int(value)
    if isinstance(value, dict) and wanted.keys:
        return {key: whole(item, wanted.keys[key]) if key in wanted.keys else item for key, item in value.items()}
    return value


def wrong_type(field: str, value: object, wanted: contract.Value) -> tuple[str, str]:
    """The rule that a value of a wrong type breaks, and the way out."""
    kinds = (kind for kind in contract.INPUTS.values() if field in _fields(kind))
    kind = next(kinds, None)
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


def seconds_of_video(video: object) -> float | None:
    """The length of a video in a data: URL. The service checks that of other URLs."""
    url = video.get("url") if isinstance(video, Mapping) else None
    return seconds_of(url) if isinstance(url, str) and url[:5].lower() == "data:" else None


def findings(mode: str, body: Mapping[str, Any], present: Collection[str]) -> Iterator[Finding]:
    """All violations inside the values of a body.

    Args:
        mode: One of `contract.MODES`.
        body: The fields of the contract that have a value of the right type.
        present: The names of all fields of the body.
    """
    for field, kind, item in _media(body):
        yield from _medium(mode, field, kind, item)
    yield from _voices(mode, body)
    yield from _times(mode, body)
    yield from _tags(mode, body, present)
    for field, wanted in contract.FIELDS.items():
        if wanted.keys and field in body:
            yield from _inside(mode, field, body[field], wanted)


def _fields(kind: contract.Input) -> list[str]:
    return [path.partition("[")[0] for path in kind.paths]


def at(path: str, body: Mapping[str, Any]) -> list[Any]:
    """The values at a path such as `keyframes[].image`: one for each item of a list, None where it has none."""
    field, is_list, key = path.partition("[]")
    value = body.get(field)
    if value is None:
        return []
    items = value if is_list and isinstance(value, list | tuple) else [value]
    name = key.removeprefix(".")
    return [item.get(name) if isinstance(item, Mapping) else None for item in items] if name else list(items)


def _media(body: Mapping[str, Any]) -> Iterator[tuple[str, contract.Input, Any]]:
    """Every image, video and voice of a body, with the rules of its kind."""
    for kind in contract.INPUTS.values():
        for path, field in zip(kind.paths, _fields(kind), strict=True):
            yield from ((field, kind, item) for item in at(path, body))


def _medium(mode: str, field: str, kind: contract.Input, item: Any) -> Iterator[Finding]:
    def refuse(rule: str, instead: str | Hint = "") -> OutOfRange:
        return OutOfRange(rule, fields=[field], instead=instead, mode=mode, section="x-modes.inputs")

    names = " or ".join(f"`{name}`" for name in kind.one_of)
    if not isinstance(item, Mapping):
        text = f"is an object with {names}; got {type(item).__name__}"
        yield refuse(text, f'write {{"{kind.one_of[0]}": ...}}'), kind.confidence
        return
    given = [name for name in kind.one_of if item.get(name) is not None]
    if len(given) != 1:
        yield refuse(f"takes exactly one of {names}; got {' and '.join(given) or 'none'}"), kind.confidence
        return
    value = item[given[0]]
    if not isinstance(value, str):
        yield refuse(f"has a string as its `{given[0]}`; got {type(value).__name__}", LOCAL), kind.confidence
    elif is_blank(value):
        yield refuse(f"has an empty `{given[0]}`"), kind.confidence
    elif given[0] in kind.urls:
        yield from _url(refuse, kind, value)


def _url(refuse: Refuse, kind: contract.Input, url: str) -> Iterator[Finding]:
    # The start of a URL shows its kind. A data: URL may be long: nothing here copies it.
    scheme, colon, _ = url[:16].partition(":")
    if scheme.lower() not in kind.schemes or not colon:
        yield refuse(f"has a URL of {', '.join(kind.schemes)}; got {_start(url)!r}", LOCAL), kind.confidence
    elif scheme.lower() == "data":
        yield from _data(refuse, kind, url)
    elif not re.fullmatch(contract.URL_PATTERN, url, re.IGNORECASE | re.ASCII):
        yield refuse(f"has a URL with a host and without spaces; got {_start(url)!r}"), kind.confidence
    elif kind.suffixes and not re.split("[?#]", url, maxsplit=1)[0].lower().endswith(kind.suffixes):
        text = f"has a URL whose path ends in {', '.join(kind.suffixes)}"
        yield refuse(text, Hint("strict", "`strict=False` sends another")), kind.suffix_confidence


def _start(url: str) -> str:
    """The start of a URL that may be shown: without name and password, and without its query, which may be a signature."""
    return re.sub("//[^/?#]*@", "//***@", url[:4096]).partition("?")[0][:40]


def _data(refuse: Refuse, kind: contract.Input, url: str) -> Iterator[Finding]:
    media_type = url[5:80].partition(",")[0].partition(";")[0].lower()
    if kind.media_types and media_type not in kind.media_types:
        text = f"is {', '.join(kind.media_types)}; got {media_type or 'a data: URL without a type'}"
        yield refuse(text), kind.confidence
        return
    padding = url.endswith("=") + url.endswith("==")
    size = (len(url) - url.find(",") - 1 - padding) * 3 // 4
    if kind.max_bytes is not None and size > kind.max_bytes:
        yield refuse(f"is at most {kind.max_bytes:,} bytes; got {size:,}", "scale the picture down"), kind.confidence


def _voices(mode: str, body: Mapping[str, Any]) -> Iterator[Finding]:
    """Names of voices. A team's own voices are unknown here, so none is refused."""
    voices = contract.VOICES
    field = voices.path.partition("[")[0]
    for name in at(voices.path, body):
        if not isinstance(name, str) or name in voices.presets or re.fullmatch(voices.custom_pattern, name):
            continue
        known = name.strip().lower()
        way = f"write `{known}`: presets are in lower case" if known in voices.presets else "the presets are in x-modes"
        error = OutOfRange(
            f"has a `voice_id` that is neither a preset nor in the form of a custom voice; got {name[:40]!r}",
            fields=[field],
            instead=way,
            mode=mode,
            section="x-modes.voices",
        )
        yield error, voices.custom_confidence


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
