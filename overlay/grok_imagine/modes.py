"""Which mode a request is, and whether the contract allows it: every rule is read from the compiled `x-modes`.

Works on the body as it goes over the wire, so that it serves keywords, typed constructors and raw bodies alike.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any
from urllib.parse import urlsplit

from grok_imagine_api import contract

from . import media
from .errors import InvalidRequest, ModeConflict, OutOfRange, UnknownField

__all__ = ["check", "choose", "model_name"]

LOCAL = "give a local file as a pathlib.Path by its keyword, or as a data: URL in a body"
TAG = re.compile("<IMAGE_([0-9]+)>")
VIDEO_LENGTHS = {"edit-video": (None, "edit_input"), "extend-video": ("extend_input_minimum", "extend_input_maximum")}
"""The limits for the video that a mode takes, least and most."""

FIELDS = frozenset(field for mode in contract.MODES.values() for field in (*mode.required, *mode.allowed))
TYPES: Mapping[str, type] = {
    "model": str,
    "user": str,
    "generate_audio": bool,
    "storage_options": Mapping,
    "output": Mapping,
}
"""Fields of the schemas that no limit of x-modes speaks of."""


def choose(body: Mapping[str, Any], call: str = "generate", *, strict: bool = True) -> str:
    """The mode that the fields of a body select among those that a call serves.

    Args:
        body: The JSON body of the POST.
        call: One of `contract.CALLS`: `generate` or `extend`.
        strict: False takes the first of two selected modes.

    Raises:
        ModeConflict: The fields select two modes.
    """
    served = contract.CALLS[call]
    if len(served) == 1:
        return served[0]
    chosen = {mode: fields for mode in served if (fields := [f for f in contract.MODES[mode].selected_by if f in body])}
    if not chosen:
        return served[0]
    (first, fields), *others = chosen.items()
    if others and strict:
        other = others[0][1][0]
        rule = contract.MODES[first].forbidden[other]
        raise ModeConflict(
            rule.rule, fields=[fields[0], other], instead=rule.instead, mode=first, section=_section(first)
        )
    return first


def check(mode: str, body: Mapping[str, Any]) -> None:
    """Checks a body against its mode, its model's narrower rules, and how media are given.

    Args:
        mode: One of `contract.MODES`.
        body: The JSON body of the POST.

    Raises:
        UnknownField: A field or model that the API does not have.
        ModeConflict: A field that the mode refuses, or a mode that the model does not have.
        OutOfRange: A value that is missing or out of range.
    """
    _check_names(body)
    _check_types(mode, body)
    model = model_name(body.get("model"))
    narrowed = _model_mode(model, mode)
    for field in body:
        rule = contract.MODES[mode].forbidden.get(field)
        if rule:
            raise ModeConflict(rule.rule, fields=[field], instead=rule.instead, mode=mode, section=_section(mode))
        rule = narrowed.forbidden.get(field) if narrowed else None
        if rule:
            raise ModeConflict(
                rule.rule, fields=[field], instead=rule.instead, mode=mode, section=_section(mode, model)
            )
    for field in contract.MODES[mode].required:
        if field not in body:
            keywords = contract.KEYWORD_MISNOMERS.get(field)
            instead = keywords.instead if keywords else f"give `{field}`"
            raise OutOfRange("is required", fields=[field], instead=instead, mode=mode, section=_section(mode))
    limits = {field: (limit, _section(mode)) for field, limit in contract.MODES[mode].limits.items()}
    if narrowed:
        limits |= {field: (limit, _section(mode, model)) for field, limit in narrowed.limits.items()}
    for field, (limit, section) in limits.items():
        if field in body:
            _check_limit(mode, field, body[field], limit, section)
    for field, kind, item in _media(body):
        _check_media(mode, field, kind, item)
    _check_keyframes(mode, body)
    _check_tags(mode, body)
    _check_length(mode, body)
    _check_storage(mode, body)


def model_name(model: str | None) -> str:
    """The model a body means: its own name for an alias, the default for none.

    Raises:
        UnknownField: A model that other documents name and that does not exist.
    """
    if model is None:
        return contract.DEFAULT_MODEL
    if model in contract.MODEL_MISNOMERS:
        misnomer = contract.MODEL_MISNOMERS[model]
        raise UnknownField(
            f"there is no model `{model}`", fields=["model"], instead=misnomer.instead, section="x-modes.misnomers"
        )
    return next((name for name, known in contract.MODELS.items() if model in known.aliases), model)


def _check_names(body: Mapping[str, Any]) -> None:
    for field in body:
        if field not in FIELDS:
            misnomer = contract.BODY_MISNOMERS.get(field)
            raise UnknownField(
                "is no field of this contract, and the service ignores most of what it does not know",
                fields=[field],
                instead=misnomer.instead if misnomer else f"the fields are {', '.join(sorted(FIELDS))}",
                section="x-modes.misnomers" if misnomer else "x-modes",
            )


def _check_types(mode: str, body: Mapping[str, Any]) -> None:
    for field, kind in TYPES.items():
        if field in body and not isinstance(body[field], kind):
            name = {"Mapping": "an object", "str": "a text", "bool": "True or False"}[kind.__name__]
            rule = f"is {name}; got {type(body[field]).__name__}"
            raise OutOfRange(rule, fields=[field], mode=mode, section=_section(mode))


def _model_mode(model: str, mode: str) -> contract.ModelMode | None:
    """The model's narrower rules, or None for a model that the contract does not list: the service may have new ones."""
    if model not in contract.MODELS:
        return None
    narrowed = contract.MODELS[model].modes.get(mode)
    if narrowed is None:
        able = ", ".join(f"`{name}`" for name, known in contract.MODELS.items() if mode in known.modes)
        rule = f"model `{model}` does not do {mode}"
        raise ModeConflict(rule, fields=["model"], instead=f"use {able}", mode=mode, section=f"x-modes.models.{model}")
    return narrowed


def _check_limit(mode: str, field: str, value: Any, limit: contract.FieldLimit, section: str) -> None:
    def refuse(rule: str, instead: str = "") -> OutOfRange:
        return OutOfRange(rule, fields=[field], instead=instead, mode=mode, section=section)

    if limit.values and (not isinstance(value, str) or value not in limit.values):
        raise refuse(f"is one of {', '.join(limit.values)}; got {value!r}", _who_takes(mode, field, value))
    if limit.minimum is not None and limit.maximum is not None:
        if isinstance(value, bool) or not isinstance(value, int):
            raise refuse(f"is a whole number of seconds; got {value!r}")
        if not limit.minimum <= value <= limit.maximum:
            raise refuse(f"is {limit.minimum} to {limit.maximum} s; got {value}")
    if limit.max_length is not None:
        if not isinstance(value, str):
            raise refuse(f"is a text; got {type(value).__name__}")
        if not (limit.min_length or 0) <= len(value) <= limit.max_length:
            raise refuse(f"is {limit.min_length or 0} to {limit.max_length} characters; got {len(value)}")
        if limit.min_length and not value.strip():
            raise refuse("is blank", "say what the video shows")
        if any("\ud800" <= character <= "\udfff" for character in value):
            raise refuse("holds half a surrogate pair, which is no text")
    if limit.max_items is not None:
        if not isinstance(value, list | tuple):
            raise refuse(f"is a list; got {type(value).__name__}")
        if not (limit.min_items or 0) <= len(value) <= limit.max_items:
            raise refuse(f"takes {limit.min_items or 0} to {limit.max_items}; got {len(value)}")


def _who_takes(mode: str, field: str, value: Any) -> str:
    """The way out for a value that this model does not take: the models that do, or not to be held to the contract."""
    able = [
        f"`{name}`"
        for name, model in contract.MODELS.items()
        if mode in model.modes
        and value in model.modes[mode].limits.get(field, contract.MODES[mode].limits[field]).values
    ]
    return f"use model {' or '.join(able)}" if able else "`strict=False` sends a newer value"


def _media(body: Mapping[str, Any]) -> Iterator[tuple[str, contract.Input, Any]]:
    """Every image, video and voice of a body, with how its kind is given."""
    for kind in contract.INPUTS.values():
        for field in kind.fields:
            value = body.get(field)
            items = value if isinstance(value, list | tuple) else [] if value is None else [value]
            for item in items:
                yield field, kind, item.get("image") if field == "keyframes" and isinstance(item, Mapping) else item


def _check_media(mode: str, field: str, kind: contract.Input, item: Any) -> None:
    def refuse(rule: str, instead: str = "") -> OutOfRange:
        return OutOfRange(rule, fields=[field], instead=instead, mode=mode, section="x-modes.inputs")

    names = " or ".join(f"`{name}`" for name in kind.one_of)
    if not isinstance(item, Mapping):
        raise refuse(f"is an object with {names}; got {type(item).__name__}", f'write {{"{kind.one_of[0]}": ...}}')
    given = [name for name in kind.one_of if item.get(name) is not None]
    if len(given) != 1:
        raise refuse(f"takes exactly one of {names}; got {' and '.join(given) or 'none'}")
    value = item[given[0]]
    if not isinstance(value, str):
        raise refuse(f"has a text as its `{given[0]}`; got {type(value).__name__}", LOCAL)
    if not value.strip():
        raise refuse(f"has an empty `{given[0]}`")
    if given[0].endswith("url"):
        _check_url(refuse, kind, value)


def _check_url(refuse: Callable[..., OutOfRange], kind: contract.Input, url: str) -> None:
    # The start of a URL tells what it is, and a data: URL may be long: nothing here copies it.
    scheme = url[:16].partition(":")[0].lower()
    if scheme not in kind.schemes or ":" not in url[:16]:
        raise refuse(f"has a URL of {', '.join(kind.schemes)}; got {_start(url)!r}", LOCAL)
    if scheme == "data":
        _check_data(refuse, kind, url)
        return
    parts = urlsplit(url)
    if not parts.hostname or any(character.isspace() for character in url):
        raise refuse(f"has a URL with a host and without spaces; got {_start(url)!r}")
    if kind.suffixes and not parts.path.lower().endswith(kind.suffixes):
        raise refuse(f"has a URL whose path ends in {', '.join(kind.suffixes)}", "`strict=False` sends another")


def _start(url: str) -> str:
    """What may be shown of a URL: neither its query, which may be a signature, nor all of a long one."""
    return url[:40].partition("?")[0]


def _check_data(refuse: Callable[..., OutOfRange], kind: contract.Input, url: str) -> None:
    media_type = url[5:80].partition(",")[0].partition(";")[0].lower()
    if kind.media_types and media_type not in kind.media_types:
        raise refuse(f"is {', '.join(kind.media_types)}; got {media_type or 'a data: URL without a type'}")
    padding = url.endswith("=") + url.endswith("==")
    limit, size = contract.LIMITS["image_size"], (len(url) - url.find(",") - 1) * 3 // 4 - padding
    if kind is contract.INPUTS["image"] and size > limit.value:
        raise refuse(f"is at most {limit.value:,} bytes; got {size:,}", "scale the picture down")


def _check_keyframes(mode: str, body: Mapping[str, Any]) -> None:
    """Schema Keyframe: a time between 0 and the duration. The grid of 1/3 s is left to the service."""
    default = contract.MODES[mode].limits["duration"].default if "keyframes" in body else None
    duration = body.get("duration", default)
    for keyframe in body.get("keyframes", ()):
        seconds = keyframe.get("timestamp_s") if isinstance(keyframe, Mapping) else None
        if isinstance(seconds, bool) or not isinstance(seconds, int | float) or not 0 < seconds < duration:
            raise OutOfRange(
                f"lies between 0 and {duration} s; got {seconds!r}", fields=["keyframes"], mode=mode, section="Keyframe"
            )


def _check_tags(mode: str, body: Mapping[str, Any]) -> None:
    """The tags of a prompt name images, in the mode that has reference images; elsewhere they are words like others."""
    if "reference_images" not in contract.MODES[mode].allowed:
        return
    first, count = int(contract.LIMITS["reference_tag_first"].value), len(body.get("reference_images", ()))
    for tag in TAG.finditer(body.get("prompt", "")):
        if not first <= int(tag[1]) < first + count:
            rule = f"names {tag[0]}, and the reference images are {count or 'none'}"
            way = f"they are <IMAGE_{first}> to <IMAGE_{first + count - 1}>" if count else "give `reference_images`"
            raise OutOfRange(rule, fields=["prompt"], instead=way, mode=mode, section="x-limits.reference_tag_first")


def _check_length(mode: str, body: Mapping[str, Any]) -> None:
    """The length of a video that is in the body itself, where PyAV is there to measure it; by the contract's tenth of a second."""
    video = body.get("video")
    url = video.get("url") if isinstance(video, Mapping) else None
    seconds = media.seconds_of(url) if isinstance(url, str) and url[:5].lower() == "data:" else None
    if seconds is None or mode not in VIDEO_LENGTHS:
        return
    least, most = (contract.LIMITS[name].value if name else 0 for name in VIDEO_LENGTHS[mode])
    if not least <= round(seconds, 1) <= most:
        rule = f"is a video of {least:g} to {most:g} s; got {seconds:.1f} s"
        raise OutOfRange(rule, fields=["video"], instead="cut it to that", mode=mode, section="x-limits")


def _check_storage(mode: str, body: Mapping[str, Any]) -> None:
    """Schema StorageOptions."""
    options = body.get("storage_options")
    if options is None:
        return

    def refuse(rule: str) -> InvalidRequest:
        return OutOfRange(rule, fields=["storage_options"], mode=mode, section="x-limits")

    unknown = options.keys() - {"filename", "expires_after", "public_url"}
    if unknown:
        raise refuse(f"has `filename`, `expires_after` and `public_url`; got {', '.join(sorted(map(str, unknown)))}")
    name = options.get("filename")
    if not isinstance(name, str) or not 0 < len(name) <= contract.LIMITS["storage_filename"].value:
        raise refuse(f"has a `filename` of 1 to {contract.LIMITS['storage_filename'].value} characters")
    public = options.get("public_url")
    if not isinstance(public, bool | Mapping | None):
        raise refuse(f"has a `public_url` of True or an object with `expires_after`; got {public!r}")
    low, high = contract.LIMITS["storage_expiry_minimum"].value, contract.LIMITS["storage_expiry_maximum"].value
    for seconds in (options.get("expires_after"), public.get("expires_after") if isinstance(public, Mapping) else None):
        if seconds is not None and not (type(seconds) is int and low <= seconds <= high):
            raise refuse(f"has an `expires_after` of {low} to {high} s; got {seconds!r}")


def _section(mode: str, model: str | None = None) -> str:
    return f"x-modes.models.{model}.{mode}" if model else f"x-modes.modes.{mode}"
