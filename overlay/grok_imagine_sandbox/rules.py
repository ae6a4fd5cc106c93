"""The service's own checks of a well-formed request, in its order, with its texts (register, HTTP statuses).

Ranges, modes, models and texts come from the document; a text that it does not know is made like the others.
"""

import re
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from .answers import INVALID, Refusal, flat, no_such_model
from .contract import Contract, Fault


class Order(NamedTuple):
    """A request that was accepted."""

    operation: str
    mode: str
    model: str
    body: Mapping[str, Any]

    @property
    def prompt(self) -> str:
        """The prompt, empty if there is none."""
        return self.body.get("prompt") or ""


def accept(contract: Contract, operation: str, body: Mapping[str, Any], ranges: Sequence[Fault]) -> Order:
    """Check a body whose form is right.

    Args:
        contract: The document.
        operation: `operationId` of the request.
        body: The body with aliases resolved.
        ranges: The faults of ranges that the schema found.

    Raises:
        Refusal: The service would not start a job.
    """
    model = _model(contract, body)
    mode = _mode(contract, operation, body)
    limits = contract.limits(mode, model)
    _counts(contract, body, limits)
    _duration(contract, operation, mode, body, limits)
    _supported(contract, operation, mode, model, body)
    _voices(contract, body)
    _values(contract, mode, body, limits)
    _prompt(contract, mode, body)
    _keyframes(contract, mode, body)
    _other_ranges(ranges)
    return Order(operation, mode, model, body)


def _refuse(text: str) -> Refusal:
    return Refusal(flat(400, INVALID, text))


def _model(contract: Contract, body: Mapping[str, Any]) -> str:
    model = contract.model_name(body.get("model"))
    if model is None:
        raise Refusal(no_such_model(body["model"]))
    return model


def _mode(contract: Contract, operation: str, body: Mapping[str, Any]) -> str:
    """The mode that the fields choose among the operation's: the one that takes them all; text-to-video if they choose none."""
    if operation == "generateVideo" and body.get("images") is not None:
        raise _refuse(contract.text("legacy_images"))
    modes = {name: mode for name, mode in contract.modes.items() if mode["operation"] == operation}
    chosen = {name for name, mode in modes.items() if _given(mode["selected_by"], body)}
    selecting = {field for name in chosen for field in _given(modes[name]["selected_by"], body)}
    takes = (
        name for name in modes if name in chosen and selecting <= {*modes[name]["required"], *modes[name]["allowed"]}
    )
    return next(takes, next(iter(modes)))


def _given(fields: Sequence[str], body: Mapping[str, Any]) -> list[str]:
    """Which of the fields a body has."""
    return [field for field in fields if body.get(field)]


def _counts(contract: Contract, body: Mapping[str, Any], limits: Sequence[tuple[str, Mapping[str, Any]]]) -> None:
    for name in ("reference_images", "reference_audios"):
        count = len(body.get(name) or [])
        for limit in (limit for field, limit in limits if field == name):
            if count > limit["max_items"]:
                raise _refuse(contract.text(limit["refusal"], count=count, maximum=limit["max_items"]))


def _duration(
    contract: Contract,
    operation: str,
    mode: str,
    body: Mapping[str, Any],
    limits: Sequence[tuple[str, Mapping[str, Any]]],
) -> None:
    """The mode's range, and the model's if it is known how the service words that.

    An extension of a length that only the model refuses is accepted, and fails later (register, Contradictions, row 26).
    """
    duration = body.get("duration")
    if duration is None or "duration" not in contract.body_schema(operation)["properties"]:
        return
    for name, limit in limits:
        if name != "duration" or "refusal" not in limit or limit["minimum"] <= duration <= limit["maximum"]:
            continue
        # The text for a mode speaks of a maximum only.
        refusal = limit["refusal"] if duration > limit["maximum"] else "duration"
        raise _refuse(contract.text(refusal, value=duration, mode=mode, **_bounds(limits)))


def _bounds(limits: Sequence[tuple[str, Mapping[str, Any]]]) -> dict[str, int]:
    """The narrowest range of seconds that is refused at once."""
    found = [limit for name, limit in limits if name == "duration" and "refusal" in limit]
    return {"minimum": max(each["minimum"] for each in found), "maximum": min(each["maximum"] for each in found)}


def _supported(contract: Contract, operation: str, mode: str, model: str, body: Mapping[str, Any]) -> None:
    """The model has the mode, and the fields. What it is known to ignore, and fields the operation does not know, are ignored."""
    known = contract.models[model]
    if mode in known["lacks"]:
        field = next(iter(_given(contract.modes[mode]["selected_by"], body)), "")
        raise _refuse(contract.text(known["lacks"][mode]["refusal"], field=field))
    for name, rule in known["modes"][mode]["forbidden"].items():
        if rule["effect"] == "refused" and name in contract.body_schema(operation)["properties"] and body.get(name):
            raise _refuse(contract.text(rule.get("refusal", "field_of_model"), field=name))


def _voices(contract: Contract, body: Mapping[str, Any]) -> None:
    """A voice is a preset, or looks like one of the team's own."""
    voices = contract.voices
    for voice in body.get("reference_audios") or ():
        name = voice.get("voice_id")
        if name is None or name in voices["presets"] or re.fullmatch(voices["custom_pattern"], name):
            continue
        raise _refuse(contract.text(voices["refusal"], value=name, voices=", ".join(voices["presets"])))


def _values(
    contract: Contract, mode: str, body: Mapping[str, Any], limits: Sequence[tuple[str, Mapping[str, Any]]]
) -> None:
    """Resolution and aspect ratio that the mode or the model lacks; no text is known but for a mode's resolution."""
    for name, limit in limits:
        value = body.get(name)
        if "values" not in limit or value is None or value in limit["values"]:
            continue
        if "refusal" in limit:
            raise _refuse(contract.text(limit["refusal"], value=value, mode=mode))
        what = "{} video resolution" if name == "resolution" else "Aspect ratio {}"
        raise _refuse(f"{what.format(value)} is not supported for this model.")


def _prompt(contract: Contract, mode: str, body: Mapping[str, Any]) -> None:
    prompt = body.get("prompt") or ""
    rules = contract.modes[mode]
    unless = rules.get("required_unless", {}).get("prompt")
    is_needed = "prompt" in rules["required"] or (unless is not None and not _given(unless["fields"], body))
    if is_needed and not prompt.strip():
        raise _refuse(contract.text("prompt_empty"))
    limit = rules["limits"]["prompt"]
    if len(prompt) > limit["max_length"]:
        raise _refuse(contract.text(limit["refusal"], maximum=limit["max_length"]))


def _keyframes(contract: Contract, mode: str, body: Mapping[str, Any]) -> None:
    """Frames are pinned inside the video, in slots of their own; no text of it is known."""
    keyframes = body.get("keyframes") or ()
    if not keyframes:
        return
    limits = contract.modes[mode]["limits"]
    duration = body.get("duration") or limits["duration"]["default"]
    taken: set[int] = set()
    for index, keyframe in enumerate(keyframes):
        if not 0 < keyframe["timestamp_s"] < duration:
            raise _refuse(f"`keyframes[{index}].timestamp_s` must be between 0 and the duration, which is {duration}s.")
        slot = round(keyframe["timestamp_s"] * limits["keyframes"]["slots_per_second"])
        if slot in taken:
            raise _refuse(f"`keyframes[{index}].timestamp_s` is too close to that of another keyframe.")
        taken.add(slot)


def _other_ranges(ranges: Sequence[Fault]) -> None:
    """What no rule above named; no text of it was recorded."""
    for fault in ranges:
        where = ".".join(str(step) for step in fault.path)
        raise _refuse(f"`{where}` is out of range: {fault.keyword} is {fault.wanted}")
