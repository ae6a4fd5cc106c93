"""The service's own checks of a well-formed request, in its order, with its texts (register, HTTP statuses).

Ranges, modes and models come from the document; the texts are as recorded, or made alike where none was.
"""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from .answers import INVALID, Refusal, flat, no_such_model
from .contract import Contract, Fault

# How the service names a mode when a model lacks it; reference-to-video goes by the field that chose it.
_LACKING = {
    "text-to-video": "Text-to-video",
    "image-to-video": "Image-to-video",
    "edit-video": "Video editing",
    "extend-video": "Video extension",
}


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
    limits = _limits(contract, mode, model)
    _references(body, limits)
    _duration(contract, operation, mode, body, limits)
    _supported(contract, operation, mode, model, body)
    _values(contract, mode, body, limits)
    _prompt(contract, mode, body)
    _keyframes(body, limits)
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
    """The mode that the fields choose among the operation's; text-to-video if they choose none."""
    if operation == "generateVideo" and body.get("images") is not None:
        raise _refuse("The `images` field is deprecated. Please use `reference_images` instead.")
    modes = [name for name, mode in contract.modes.items() if mode["operation"] == operation]
    chosen = {name: field for name in modes if (field := _chosen_by(contract, name, body)) is not None}
    if len(chosen) > 1:
        fields = " and ".join(f"`{field}`" for field in chosen.values())
        raise _refuse(f"{fields} cannot be used together. Please provide only one of them.")
    return next(iter(chosen), modes[0])


def _chosen_by(contract: Contract, mode: str, body: Mapping[str, Any]) -> str | None:
    return next((field for field in contract.modes[mode]["selected_by"] if body.get(field)), None)


def _limits(contract: Contract, mode: str, model: str) -> dict[str, Mapping[str, Any]]:
    """The mode's limits as the model narrows them."""
    narrowed = contract.models[model]["modes"].get(mode, {"limits": {}})["limits"]
    return {**contract.modes[mode]["limits"], **narrowed}


def _references(body: Mapping[str, Any], limits: Mapping[str, Mapping[str, Any]]) -> None:
    for name, what in (("reference_images", "reference images"), ("reference_audios", "reference audio clips")):
        count = len(body.get(name) or [])
        if name in limits and count > limits[name]["max_items"]:
            raise _refuse(f"Too many {what}: {count}. Maximum allowed is {limits[name]['max_items']}.")


def _duration(
    contract: Contract, operation: str, mode: str, body: Mapping[str, Any], limits: Mapping[str, Mapping[str, Any]]
) -> None:
    """Outside the schema's range nothing starts; a generation also keeps to the mode's own maximum.

    An extension of a length that only the mode refuses is accepted, and fails later (register, Contradictions, row 26).
    """
    duration = body.get("duration")
    schema = contract.body_schema(operation)["properties"].get("duration")
    if duration is None or schema is None:
        return
    if not schema["minimum"] <= duration <= schema["maximum"]:
        raise _refuse(f"Duration must be between {schema['minimum']} and {schema['maximum']} seconds")
    if operation == "generateVideo" and duration > limits["duration"]["maximum"]:
        raise _refuse(
            f"Duration {duration}s exceeds the maximum allowed for {mode}, which is {limits['duration']['maximum']}s."
        )


def _supported(contract: Contract, operation: str, mode: str, model: str, body: Mapping[str, Any]) -> None:
    """The model has the mode, and model and mode have the fields. Fields the operation does not know are ignored."""
    modes = contract.models[model]["modes"]
    if mode not in modes:
        lacking = _LACKING.get(mode) or f"`{_chosen_by(contract, mode, body)}`"
        raise _refuse(f"{lacking} is not supported for this model.")
    for name in contract.body_schema(operation)["properties"]:
        if body.get(name) is None:
            continue
        if name in modes[mode]["forbidden"]:
            raise _refuse(f"`{name}` is not supported for this model.")
        if name in contract.modes[mode]["forbidden"]:
            raise _refuse(f"`{name}` is not supported for {mode} requests.")


def _values(contract: Contract, mode: str, body: Mapping[str, Any], limits: Mapping[str, Mapping[str, Any]]) -> None:
    """Resolution and aspect ratio that the mode or the model lacks."""
    for name, what in (("resolution", "{} video resolution"), ("aspect_ratio", "Aspect ratio {}")):
        value = body.get(name)
        if value is None or name not in limits or value in limits[name]["values"]:
            continue
        lacking = value not in contract.modes[mode]["limits"][name]["values"]
        whose = f"{mode} requests" if lacking else "this model"
        raise _refuse(f"{what.format(value)} is not supported for {whose}.")


def _prompt(contract: Contract, mode: str, body: Mapping[str, Any]) -> None:
    prompt = body.get("prompt") or ""
    limit = contract.modes[mode]["limits"]["prompt"]
    if not prompt.strip() and "prompt" in contract.modes[mode]["required"]:
        raise _refuse("Prompt cannot be empty. Please provide a prompt.")
    if len(prompt) > limit["max_length"]:
        raise _refuse(f"Prompt length is larger than the maximum allowed length which is {limit['max_length']}")


def _keyframes(body: Mapping[str, Any], limits: Mapping[str, Mapping[str, Any]]) -> None:
    """Frames are pinned inside the video (register, Nested objects); no text of it was recorded."""
    for index, keyframe in enumerate(body.get("keyframes") or ()):
        duration = body.get("duration") or limits["duration"]["default"]
        if not 0 < keyframe["timestamp_s"] < duration:
            raise _refuse(f"`keyframes[{index}].timestamp_s` must be between 0 and the duration, which is {duration}s.")


def _other_ranges(ranges: Sequence[Fault]) -> None:
    """What no rule above named; no text of it was recorded."""
    for fault in ranges:
        where = ".".join(str(step) for step in fault.path)
        raise _refuse(f"`{where}` is out of range: {fault.keyword} is {fault.wanted}")
