"""The form of a request's body: parsing it, and the text of a 422.

The service is written in Rust; its texts are those of serde (register, HTTP statuses). Like a parser, it reports only the
first fault in the order of the text.
"""

import hashlib
import json
from collections.abc import Mapping, Sequence
from typing import Any

from . import bounds
from .answers import TOO_LARGE, Refusal, excerpt, plain
from .contract import RANGES, Contract, Fault, JsonPath
from .positions import end_of, line_and_column

# Aliases of fields at the service (register, Request fields).
_ALIASES = {"seconds": "duration", "input_reference": "image"}
_IMAGE_FIELDS = ("image", "last_frame")
_EXPECTED = {"string": "a string", "integer": "i32", "number": "f64", "boolean": "a boolean", "array": "a sequence"}
_PREFIX = "Failed to deserialize the JSON body into the target type: "


class Body:
    """A request's body: the raw text, and the value as the service reads it."""

    def __init__(self, raw: bytes | bytearray) -> None:
        """Parse a body.

        Raises:
            Refusal: It is not JSON in UTF-8, or out of bounds.
        """
        try:
            bounds.check(raw)
            self.text = raw.decode()
            value = json.loads(
                self.text, parse_constant=bounds.no_constant, parse_int=bounds.whole, parse_float=bounds.fraction
            )
            bounds.check_texts(raw, value)
        except bounds.TooManyValues as error:
            raise Refusal(TOO_LARGE) from error
        except (ValueError, RecursionError) as error:
            raise Refusal(plain(422, f"Failed to parse the request body as JSON: {_reason(error)}")) from error
        self.value = _understood(value)
        self.sha256 = hashlib.sha256(raw).hexdigest()

    def check(self, contract: Contract, operation: str) -> list[Fault]:
        """Check the form. Returns violations of ranges, which `rules` answers.

        Raises:
            Refusal: A type is wrong, a required field is missing, or a value is not in its closed list.
        """
        faults = contract.faults(operation, self.value)
        shape = [(fault.path, _prose(fault)) for fault in faults if fault.keyword not in RANGES]
        shape += _unknown_variants(contract, operation, self.value)
        shape += _without_source(contract, operation, self.value)
        if shape:
            path, problem = min(shape, key=lambda item: end_of(self.text, item[0]))
            line, column = line_and_column(self.text, end_of(self.text, path))
            where = f"{_dotted(path)}: " if path else ""
            raise Refusal(plain(422, f"{_PREFIX}{where}{problem} at line {line} column {column}"))
        return [fault for fault in faults if fault.keyword in RANGES]


def _reason(error: Exception) -> str:
    if isinstance(error, json.JSONDecodeError):
        return f"{error.msg} at line {error.lineno} column {error.colno - 1}"
    if isinstance(error, UnicodeError):
        return "invalid unicode code point"
    return "recursion limit exceeded" if isinstance(error, RecursionError) else str(error)


def _understood(value: Any) -> Any:
    """The body as the service reads it: with aliases, without empty lists, and with a duration from a string."""
    if not isinstance(value, dict):
        return value
    body = {_ALIASES.get(name, name): item for name, item in value.items()}
    body |= {name: value[name] for name in _ALIASES.values() if name in value}  # the proper name wins
    body = {name: item for name, item in body.items() if item != []}  # an assumption: empty lists count as absent
    if "duration" in body:
        body["duration"] = _seconds(body["duration"])
    for name in _IMAGE_FIELDS:
        if name in body:
            body[name] = _image(body[name])
    if isinstance(references := body.get("reference_images"), list):
        body["reference_images"] = [_image(item) for item in references]
    if isinstance(keyframes := body.get("keyframes"), list):
        body["keyframes"] = [
            {**item, "image": _image(item["image"])} if isinstance(item, dict) and "image" in item else item
            for item in keyframes
        ]
    return body


def _seconds(value: Any) -> Any:
    """An integer, also from a string or a float."""
    written = isinstance(value, str) and value.isascii() and value.isdecimal() and len(value) < 10
    return int(value) if written or (isinstance(value, float) and value.is_integer()) else value


def _image(value: Any) -> Any:
    """An image object with `image_url`, the old name, replaced by `url`."""
    if isinstance(value, dict) and "image_url" in value and "url" not in value:
        return {("url" if name == "image_url" else name): item for name, item in value.items()}
    return value


def _prose(fault: Fault) -> str:
    """A schema violation in serde's words."""
    if fault.keyword == "required":
        return f"missing field `{fault.wanted}`"
    kinds = fault.wanted if isinstance(fault.wanted, list) else [fault.wanted]
    kind = next(kind for kind in kinds if kind != "null")
    return f"invalid type: {_described(fault.value)}, expected {_EXPECTED.get(kind, f'struct {fault.component}')}"


def _described(value: object) -> str:
    match value:
        case None:
            return "null"
        case bool():
            return f"boolean `{str(value).lower()}`"
        case int():
            return f"integer `{value}`"
        case float():
            return f"floating point `{value}`"
        case str():
            return f"string {json.dumps(excerpt(value), ensure_ascii=False)}"
        case list():
            return "sequence"
    return "map"


def _unknown_variants(contract: Contract, operation: str, body: Any) -> list[tuple[JsonPath, str]]:
    """Values outside the lists that the service itself knows as closed."""
    found: list[tuple[JsonPath, str]] = []
    for name, values in contract.closed_values(operation):
        value = body.get(name) if isinstance(body, dict) else None
        if isinstance(value, str) and value not in values:
            expected = ", ".join(f"`{known}`" for known in values)
            found.append(((name,), f"unknown variant `{excerpt(value)}`, expected one of {expected}"))
    return found


def _without_source(contract: Contract, operation: str, body: Any) -> list[tuple[JsonPath, str]]:
    """Media objects without a URL or a file (register, Nested objects)."""
    if not isinstance(body, dict):
        return []
    known = contract.body_schema(operation)["properties"]
    found: list[tuple[JsonPath, str]] = []
    faulty: set[str | int] = set()
    for path, media in media_objects(body):
        # Only the first of each field: locating a fault scans the text.
        if path[0] in known.keys() - faulty and not any(media.get(name) for name in ("url", "file_id", "voice_id")):
            faulty.add(path[0])
            found.append((path, "missing field `url`"))
    return found


def media_objects(body: Mapping[str, Any]) -> list[tuple[JsonPath, Mapping[str, Any]]]:
    """The media objects of a body with their paths, in the order of the fields below."""
    found: list[tuple[JsonPath, Any]] = [((name,), body.get(name)) for name in ("image", "video")]
    found += [(("reference_images", index), item) for index, item in enumerate(_list(body, "reference_images"))]
    found += [(("reference_audios", index), item) for index, item in enumerate(_list(body, "reference_audios"))]
    found += [
        (("keyframes", index, "image"), item.get("image"))
        for index, item in enumerate(_list(body, "keyframes"))
        if isinstance(item, dict)
    ]
    found.append((("last_frame",), body.get("last_frame")))
    return [(path, media) for path, media in found if isinstance(media, dict)]


def _list(body: Mapping[str, Any], name: str) -> list[Any]:
    value = body.get(name)
    return value if isinstance(value, list) else []


def _dotted(path: Sequence[str | int]) -> str:
    """A path in serde's form: `reference_images[0].url`."""
    return "".join(f"[{step}]" if isinstance(step, int) else f".{step}" for step in path).lstrip(".")
