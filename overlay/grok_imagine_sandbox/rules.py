"""The service's checks of a well-formed request, in the service's order and with its texts (register, HTTP statuses).

Ranges, modes, models and texts come from the document. A text that the document lacks imitates the others.
"""

import math
import re
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from .answers import Refusal, excerpt
from .contract import Contract, Fault


class Order(NamedTuple):
    """An accepted request."""

    operation: str
    mode: str
    model: str
    body: Mapping[str, Any]

    @property
    def prompt(self) -> str:
        """The prompt, empty if there is none."""
        return self.body.get("prompt") or ""


def accept(contract: Contract, operation: str, body: Mapping[str, Any], ranges: Sequence[Fault]) -> Order:
    """Check a well-formed body.

    Args:
        contract: The document.
        operation: `operationId` of the request.
        body: The body with aliases resolved.
        ranges: The violations of ranges from the schema.

    Raises:
        Refusal: The service would refuse the request.
    """
    model = _model(contract, operation, body)
    body = _known(contract, operation, body)
    mode = _mode(contract, operation, body)
    limits = contract.limits(mode, model)
    _counts(contract, body, limits)
    _duration(contract, operation, mode, body, limits)
    _supported(contract, mode, model, body)
    _voices(contract, body)
    _values(contract, mode, body, limits)
    _prompt(contract, mode, body)
    _keyframes(contract, mode, body)
    _other_ranges(contract, ranges)
    return Order(operation, mode, model, body)


def _refuse(contract: Contract, text: str) -> Refusal:
    """A refusal with a text that is not recorded."""
    return Refusal(contract.unnamed_error("bad_request", text))


def _model(contract: Contract, operation: str, body: Mapping[str, Any]) -> str:
    """The model, which must exist and support the operation. The service checks this first."""
    model = contract.model_name(body.get("model"))
    if model is None:
        raise Refusal(contract.error("unknown_model", model=excerpt(body["model"])))
    lacks = contract.models[model]["lacks"]
    modes = _modes(contract, operation)
    if modes <= lacks.keys():
        raise Refusal(contract.error(lacks[next(iter(modes))]["refusal"]))
    return model


def _known(contract: Contract, operation: str, body: Mapping[str, Any]) -> Mapping[str, Any]:
    """The body without fields that are unknown to the operation in this era, which the service ignores."""
    if operation == "generateVideo" and body.get("images") is not None:
        raise Refusal(contract.error("legacy_images"))
    known = contract.body_schema(operation)["properties"]
    return {name: value for name, value in body.items() if name in known}


def _modes(contract: Contract, operation: str) -> set[str]:
    return {name for name, mode in contract.modes.items() if mode["operation"] == operation}


def _mode(contract: Contract, operation: str, body: Mapping[str, Any]) -> str:
    """The operation's mode that the fields select: the one that accepts all of them; by default text-to-video."""
    modes = {name: mode for name, mode in contract.modes.items() if mode["operation"] == operation}
    chosen = {name for name, mode in modes.items() if _given(mode["selected_by"], body)}
    selecting = {field for name in chosen for field in _given(modes[name]["selected_by"], body)}
    takes = (
        name for name in modes if name in chosen and selecting <= {*modes[name]["required"], *modes[name]["allowed"]}
    )
    return next(takes, next(iter(modes)))


def _given(fields: Sequence[str], body: Mapping[str, Any]) -> list[str]:
    """The fields that a body has."""
    return [field for field in fields if body.get(field)]


def _counts(contract: Contract, body: Mapping[str, Any], limits: Sequence[tuple[str, Mapping[str, Any]]]) -> None:
    for name in ("reference_images", "reference_audios"):
        count = len(body.get(name) or [])
        for limit in (limit for field, limit in limits if field == name):
            if count > limit["max_items"]:
                raise Refusal(contract.error(limit["refusal"], count=count, maximum=limit["max_items"]))


def _duration(
    contract: Contract,
    operation: str,
    mode: str,
    body: Mapping[str, Any],
    limits: Sequence[tuple[str, Mapping[str, Any]]],
) -> None:
    """Checks the mode's range, and the model's if the service's text for it is known.

    An extension whose length only the model refuses is accepted, and fails later (register, Contradictions, row 26).
    """
    duration = body.get("duration")
    if duration is None:
        return
    named = [limit for name, limit in limits if name == "duration" and "refusal" in limit]
    if all(limit["minimum"] <= duration <= limit["maximum"] for limit in named):
        return
    # The text for a mode mentions only a maximum.
    refusal = named[-1]["refusal"] if duration > named[-1]["maximum"] else "duration"
    schema = contract.body_schema(operation)["properties"]["duration"]
    told = named[-1] if named[-1]["refusal"] == refusal else schema
    raise Refusal(contract.error(refusal, value=duration, mode=mode, minimum=told["minimum"], maximum=told["maximum"]))


def _supported(contract: Contract, mode: str, model: str, body: Mapping[str, Any]) -> None:
    """Checks that the model has the mode and the fields. Fields that it ignores are ignored."""
    known = contract.models[model]
    if mode in known["lacks"]:
        field = next(iter(_given(contract.modes[mode]["selected_by"], body)), "")
        raise Refusal(contract.error(known["lacks"][mode]["refusal"], field=field))
    for name, rule in known["modes"][mode]["forbidden"].items():
        if rule["effect"] == "refused" and body.get(name):
            raise Refusal(contract.error(rule.get("refusal", "field_of_model"), field=name))


def _voices(contract: Contract, body: Mapping[str, Any]) -> None:
    """Checks that a voice is a preset, or has the form of a custom voice."""
    voices = contract.voices
    for voice in body.get("reference_audios") or ():
        name = voice.get("voice_id")
        if name is None or name in voices["presets"] or re.fullmatch(voices["custom_pattern"], name):
            continue
        raise Refusal(contract.error(voices["refusal"], value=excerpt(name), voices=", ".join(voices["presets"])))


def _values(
    contract: Contract, mode: str, body: Mapping[str, Any], limits: Sequence[tuple[str, Mapping[str, Any]]]
) -> None:
    """Checks resolution and aspect ratio. Only the text for a mode's resolution is recorded."""
    for name, limit in limits:
        value = body.get(name)
        if "values" not in limit or value is None or value in limit["values"]:
            continue
        if "refusal" in limit:
            raise Refusal(contract.error(limit["refusal"], value=value, mode=mode))
        what = "{} video resolution" if name == "resolution" else "Aspect ratio {}"
        raise _refuse(contract, f"{what.format(value)} is not supported for this model.")


def _prompt(contract: Contract, mode: str, body: Mapping[str, Any]) -> None:
    prompt = body.get("prompt") or ""
    rules = contract.modes[mode]
    unless = rules.get("required_unless", {}).get("prompt")
    is_needed = "prompt" in rules["required"] or (unless is not None and not _given(unless["fields"], body))
    if is_needed and not prompt.strip():
        raise Refusal(contract.error("prompt_empty"))
    limit = rules["limits"]["prompt"]
    if len(prompt) > limit["max_length"]:
        raise Refusal(contract.error(limit["refusal"], maximum=limit["max_length"]))


def _keyframes(contract: Contract, mode: str, body: Mapping[str, Any]) -> None:
    """Checks that keyframes are inside the video, each in its own slot. No text is recorded."""
    keyframes = body.get("keyframes") or ()
    if not keyframes:
        return
    limits = contract.modes[mode]["limits"]
    times = limits["keyframes"]["times"]
    duration = body.get(times["below"]) or limits[times["below"]]["default"]
    taken: set[int] = set()
    for index, keyframe in enumerate(keyframes):
        if not times["above"] < keyframe[times["key"]] < duration:
            text = f"`keyframes[{index}].timestamp_s` must be between 0 and the duration, which is {duration}s."
            raise _refuse(contract, text)
        slot = math.floor(keyframe[times["key"]] * times["slots_per_second"] + 0.5)
        if slot in taken:
            raise _refuse(contract, f"`keyframes[{index}].timestamp_s` is too close to that of another keyframe.")
        taken.add(slot)


def _other_ranges(contract: Contract, ranges: Sequence[Fault]) -> None:
    """Refuses all other violations of ranges. No text is recorded."""
    for fault in ranges:
        where = ".".join(str(step) for step in fault.path)
        raise _refuse(contract, f"`{where}` is out of range: {fault.keyword} is {fault.wanted}")
