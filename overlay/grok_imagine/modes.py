"""Which mode a request is, and whether the contract allows it: every rule is read from the compiled `x-modes`.

Works on the body as it goes over the wire, so that it serves keywords, typed constructors and raw bodies alike.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from grok_imagine_api import contract

from .errors import InvalidRequest, ModeConflict, OutOfRange, UnknownField

__all__ = ["check", "choose", "model_name"]

GENERATE = ("text-to-video", "image-to-video", "reference-to-video", "edit-video")
"""The modes that `generate` serves; `extend` serves the fifth."""

FIELDS = frozenset(field for mode in contract.MODES.values() for field in (*mode.required, *mode.allowed))


def choose(body: Mapping[str, Any], modes: Iterable[str] = GENERATE) -> str:
    """The mode that the fields of a body select among some modes.

    Raises:
        ModeConflict: The fields select two modes.
    """
    chosen = {mode: fields for mode in modes if (fields := [f for f in contract.MODES[mode].selected_by if f in body])}
    if not chosen:
        return "text-to-video"
    (first, fields), *others = chosen.items()
    if others:
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
            raise OutOfRange(
                "is required", fields=[field], instead=f"give `{field}`", mode=mode, section=_section(mode)
            )
    limits = {field: (limit, _section(mode)) for field, limit in contract.MODES[mode].limits.items()}
    if narrowed:
        limits |= {field: (limit, _section(mode, model)) for field, limit in narrowed.limits.items()}
    for field, (limit, section) in limits.items():
        if field in body:
            _check_limit(mode, field, body[field], limit, section)
    for field, kind, item in _media(body):
        _check_media(mode, field, kind, item)
    _check_keyframes(mode, body)
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
                "no such field; the service would ignore it and bill the rest",
                fields=[field],
                instead=misnomer.instead if misnomer else f"the fields are {', '.join(sorted(FIELDS))}",
                section="x-modes.misnomers" if misnomer else "x-modes",
            )


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

    if limit.values and value not in limit.values:
        raise refuse(f"is one of {', '.join(limit.values)}; got {value!r}", "`strict=False` sends a newer value")
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
    if limit.max_items is not None and not (limit.min_items or 0) <= len(value) <= limit.max_items:
        raise refuse(f"takes {limit.min_items or 0} to {limit.max_items}; got {len(value)}")


def _media(body: Mapping[str, Any]) -> Iterator[tuple[str, contract.Input, Any]]:
    """Every image, video and voice of a body, with how its kind is given."""
    for kind in contract.INPUTS.values():
        for field in kind.fields:
            value = body.get(field)
            items = value if isinstance(value, list) else [] if value is None else [value]
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
    if not isinstance(value, str) or not value:
        raise refuse(f"has an empty `{given[0]}`")
    if given[0] == "url":
        _check_url(refuse, kind, value)


def _check_url(refuse: Any, kind: contract.Input, url: str) -> None:
    # The start of a URL tells all there is to tell, and a data: URL may be long: nothing here copies it.
    scheme, separator, _ = url[:16].partition(":")
    if not separator or scheme.lower() not in kind.schemes:
        raise refuse(
            f"has a URL of {', '.join(kind.schemes)}; got {url[:40]!r}",
            "a local file has to be uploaded, or given as a data: URL",
        )
    if scheme.lower() != "data" or not kind.media_types:
        return
    media_type = url[5:80].partition(",")[0].partition(";")[0].lower()
    if media_type not in kind.media_types:
        raise refuse(f"is {', '.join(kind.media_types)}; got {media_type or 'a data: URL without a type'}")
    limit, size = contract.LIMITS["image_size"], (len(url) - url.find(",") - 1) * 3 // 4
    if kind is contract.INPUTS["image"] and size > limit.value:
        raise refuse(f"is at most {limit.value:,} bytes; got {size:,}", "scale the picture down")


def _check_keyframes(mode: str, body: Mapping[str, Any]) -> None:
    """Schema Keyframe: a time between 0 and the duration. The grid of 1/3 s is left to the service."""
    default = contract.MODES[mode].limits["duration"].default if "keyframes" in body else None
    duration = body.get("duration", default)
    for keyframe in body.get("keyframes", ()):
        seconds = keyframe.get("timestamp_s")
        if not isinstance(seconds, int | float) or not 0 < seconds < duration:
            raise OutOfRange(
                f"lies between 0 and {duration} s; got {seconds!r}", fields=["keyframes"], mode=mode, section="Keyframe"
            )


def _check_storage(mode: str, body: Mapping[str, Any]) -> None:
    """Schema StorageOptions."""
    options = body.get("storage_options")
    if options is None:
        return

    def refuse(rule: str) -> InvalidRequest:
        return OutOfRange(rule, fields=["storage_options"], mode=mode, section="x-limits")

    name = options.get("filename")
    if not isinstance(name, str) or not 0 < len(name) <= contract.LIMITS["storage_filename"].value:
        raise refuse(f"has a `filename` of 1 to {contract.LIMITS['storage_filename'].value} characters")
    public = options.get("public_url")
    low, high = contract.LIMITS["storage_expiry_minimum"].value, contract.LIMITS["storage_expiry_maximum"].value
    for seconds in (options.get("expires_after"), public.get("expires_after") if isinstance(public, Mapping) else None):
        if seconds is not None and not (isinstance(seconds, int) and low <= seconds <= high):
            raise refuse(f"has an `expires_after` of {low} to {high} s; got {seconds!r}")


def _section(mode: str, model: str | None = None) -> str:
    return f"x-modes.models.{model}.{mode}" if model else f"x-modes.modes.{mode}"
