"""The mode of a request, and whether the contract allows the request. All rules come from the compiled `x-modes`.

It works on the JSON body, so that it serves keywords, typed constructors and raw bodies alike. A certain violation is
refused; an uncertain one gets a warning, and the request is sent.
"""

from __future__ import annotations

import warnings
from collections.abc import Collection, Iterator, Mapping
from typing import Any

from grok_imagine_api import contract

from ..errors import ModeConflict, OutOfRange, UnknownField
from ..hints import Hint
from ..media.checks import CERTAIN, Finding, is_blank
from ..warning_types import ContractWarning
from . import values
from .values import is_type, section_of

__all__ = ["check", "check_name", "choose", "findings", "model_name", "present"]

NULL_IS_ABSENT, EMPTY_IS_ABSENT = None in contract.ABSENT, () in contract.ABSENT


def present(body: Mapping[str, Any]) -> dict[str, Any]:
    """The fields of a body that have a value. Null and an empty list count as absent."""
    return {name: value for name, value in body.items() if not _is_absent(value)}


def _is_absent(value: object) -> bool:
    return NULL_IS_ABSENT if value is None else EMPTY_IS_ABSENT and isinstance(value, list | tuple) and not value


def choose(body: Mapping[str, Any], call: str = "generate", *, strict: bool = True) -> str:
    """The mode that the fields of a body select, among the modes of a call.

    Args:
        body: The JSON body of the POST.
        call: One of `contract.CALLS`: `generate` or `extend`.
        strict: False takes the first of two modes that exclude each other.

    Raises:
        ModeConflict: The fields select modes that exclude each other.
    """
    served, fields = contract.CALLS[call], present(body)
    if len(served) == 1:
        return served[0]
    chosen = {mode: found for mode in served if (found := [f for f in contract.MODES[mode].selected_by if f in fields])}
    if not chosen:
        return served[0]
    selecting = {field for found in chosen.values() for field in found}
    for mode in chosen:
        if selecting <= {*contract.MODES[mode].required, *contract.MODES[mode].allowed}:
            return mode
    (first, found), *others = chosen.items()
    if strict:
        other = next(field for _, more in others for field in more if field in contract.MODES[first].forbidden)
        rule = contract.MODES[first].forbidden[other]
        pair = [found[0], other]
        raise ModeConflict(rule.rule, fields=pair, instead=rule.instead, mode=first, section=section_of(first))
    return first


def check_name(name: object, mode: str, body: Mapping[str, Any]) -> None:
    """Checks that a request's fields match a given name: a mode, or one of `contract.VARIANTS`.

    Raises:
        ModeConflict: The fields select another mode, or one that the name needs is missing.
    """
    variant = contract.VARIANTS.get(name) if isinstance(name, str) else None
    if name == mode or (variant and variant.mode == mode and set(variant.fields) <= present(body).keys()):
        return
    needs = f"`{name}` needs {' and '.join(f'`{field}`' for field in variant.fields)}" if variant else ""
    text = f"the fields select {mode}, but `mode` is {name!r}"
    raise ModeConflict(text, fields=["mode"], instead=needs or "leave `mode` out, or give the fields of that mode")


def check(mode: str, body: Mapping[str, Any]) -> None:
    """Checks a body against its mode, its model's narrower rules, and the rules for media.

    One `ContractWarning` reports all uncertain violations.

    Args:
        mode: One of `contract.MODES`.
        body: The JSON body of the POST.

    Raises:
        UnknownField: A field or model that the API does not have.
        ModeConflict: A field that the mode refuses, or a mode that the model does not have.
        OutOfRange: A value that is missing or out of range.
    """
    doubts = []
    for error, confidence in findings(mode, body):
        if confidence == CERTAIN:
            raise error
        doubts.append(error)
    if doubts:
        text = "; and ".join(error.message for error in doubts)
        fields = [field for error in doubts for field in error.fields]
        warning = ContractWarning(
            f"{text}. This is not certain, so the request is sent", section=doubts[0].section, fields=fields, mode=mode
        )
        warnings.warn(warning, stacklevel=3)


def model_name(model: str | None) -> str:
    """The name of a body's model: resolves an alias, and None to the default.

    Raises:
        UnknownField: A model that other documents name but that does not exist.
    """
    if model is None:
        return contract.DEFAULT_MODEL
    if model in contract.MODEL_MISNOMERS:
        misnomer = contract.MODEL_MISNOMERS[model]
        raise UnknownField(
            f"there is no model `{model}`", fields=["model"], instead=misnomer.instead, section="x-modes.misnomers"
        )
    return next((name for name, known in contract.MODELS.items() if model in known.aliases), model)


def findings(mode: str, body: Mapping[str, Any], input_seconds: float | None = None) -> Iterator[Finding]:
    """All violations of the contract in a body, with the confidence of each rule, in the order of the checks.

    Args:
        mode: One of `contract.MODES`.
        body: The JSON body of the POST.
        input_seconds: Length of the input video; None has a data: URL measured.
    """
    body = present(body)
    # A field that is unknown or of a wrong type counts as present, and no other rule judges it.
    sound = {
        name: value for name, value in body.items() if name in contract.FIELDS and is_type(value, contract.FIELDS[name])
    }
    yield from _names(body)
    yield from _types(mode, body)
    try:
        model = model_name(sound.get("model")) if "model" in sound or "model" not in body else ""
    except UnknownField as error:
        yield error, CERTAIN
        model = ""
    yield from _lacking(mode, model, body)
    yield from _forbidden(mode, model, sound)
    yield from _required(mode, body)
    yield from _limits(mode, model, sound, body.keys(), input_seconds)
    yield from values.findings(mode, sound, body.keys())


def _names(body: Mapping[str, Any]) -> Iterator[Finding]:
    for field in body:
        if field not in contract.FIELDS:
            misnomer = contract.BODY_MISNOMERS.get(field)
            error = UnknownField(
                "is not a field of this contract, and the service ignores most unknown fields",
                fields=[field],
                instead=misnomer.instead if misnomer else f"the fields are {', '.join(sorted(contract.FIELDS))}",
                section="x-modes.misnomers" if misnomer else "x-modes",
            )
            yield error, CERTAIN


def _types(mode: str, body: Mapping[str, Any]) -> Iterator[Finding]:
    for field, value in body.items():
        if field in contract.FIELDS and not is_type(value, contract.FIELDS[field]):
            rule, instead = values.wrong_type(field, value, contract.FIELDS[field])
            yield OutOfRange(rule, fields=[field], instead=instead, mode=mode, section=section_of(mode)), CERTAIN


def _lacking(mode: str, model: str, body: Mapping[str, Any]) -> Iterator[Finding]:
    """A model that lacks the mode. A model that the contract does not list may have any mode."""
    known = contract.MODELS.get(model)
    if known is None or mode in known.modes:
        return
    able = [
        f"`{name}`"
        for name, other in contract.MODELS.items()
        if mode in other.modes and not other.modes[mode].forbidden.keys() & body.keys()
    ]
    rule = f"model `{model}` does not do {mode}"
    section = f"x-modes.models.{model}"
    error = ModeConflict(rule, fields=["model"], instead=f"use {' or '.join(able)}", mode=mode, section=section)
    yield error, known.lacks[mode].confidence


def _forbidden(mode: str, model: str, body: Mapping[str, Any]) -> Iterator[Finding]:
    narrowed = _narrowed(mode, model)
    for field in body:
        rule, section = contract.MODES[mode].forbidden.get(field), section_of(mode)
        if rule is None and narrowed:
            rule, section = narrowed.forbidden.get(field), section_of(mode, model)
        if rule:
            error = ModeConflict(rule.rule, fields=[field], instead=rule.instead, mode=mode, section=section)
            yield error, rule.confidence


def _required(mode: str, body: Mapping[str, Any]) -> Iterator[Finding]:
    rules = contract.MODES[mode]

    def missing(rule: str, field: str, instead: str) -> OutOfRange:
        return OutOfRange(rule, fields=[field], instead=instead, mode=mode, section=section_of(mode))

    for field in rules.required:
        if field not in body:
            keywords = contract.KEYWORD_MISNOMERS.get(field)
            yield missing("is required", field, keywords.instead if keywords else f"give `{field}`"), CERTAIN
    if rules.selected_by and not any(field in body for field in rules.selected_by):
        names = ", ".join(f"`{field}`" for field in rules.selected_by)
        yield missing(f"is missing, and one of {names} selects the mode", rules.selected_by[0], ""), CERTAIN
    for field, need in rules.required_unless.items():
        if is_blank(body.get(field, "")) and not any(other in body for other in need.fields):
            yield missing(need.rule, field, need.instead), need.confidence


def _narrowed(mode: str, model: str) -> contract.ModelMode | None:
    """The model's narrower rules, or None if there are none."""
    return contract.MODELS[model].modes.get(mode) if model in contract.MODELS else None


def _limits(
    mode: str, model: str, body: Mapping[str, Any], present: Collection[str], input_seconds: float | None
) -> Iterator[Finding]:
    """The limits of the mode, and where one holds, the model's."""
    narrowed = _narrowed(mode, model)
    own = narrowed.limits if narrowed else {}
    broken = set[str]()
    for section, limits in ((section_of(mode), contract.MODES[mode].limits), (section_of(mode, model), own)):
        for field, limit in limits.items():
            if field not in body or field in broken:
                continue
            is_certain = model not in limit.uncertain_for and (
                not limit.certain_with or any(other in present for other in limit.certain_with)
            )
            for rule, instead, is_type_error in values.broken(body[field], limit, input_seconds):
                broken.add(field)
                way = instead or (_alternative(mode, field, body[field]) if limit.values else "")
                error = OutOfRange(rule, fields=[field], instead=way, mode=mode, section=section)
                yield error, CERTAIN if is_type_error else limit.confidence if is_certain else "M"


def _alternative(mode: str, field: str, value: Any) -> str | Hint:
    """The way out for a value that the model does not accept: the models that do, or `strict=False`."""
    able = [
        f"`{name}`"
        for name, model in contract.MODELS.items()
        if mode in model.modes
        and value in contract.MODES[mode].limits[field].values
        and (field not in model.modes[mode].limits or value in model.modes[mode].limits[field].values)
    ]
    return f"use model {' or '.join(able)}" if able else Hint("strict", "`strict=False` sends a newer value")
