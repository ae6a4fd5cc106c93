"""A reader of the contract's rules, written from the descriptions in `openapi/schemas` alone.

It is what an adapter in another language is: it takes the document, and has no rule of its own. The vectors are made with it, and
the tests change the document under it. The package has its own implementation; the vectors hold both to each other.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Mapping
from decimal import Decimal
from typing import Any

Finding = tuple[str, str, str, str]
"""Kind, field, section, confidence."""

BLANK = " \t\n\v\f\r"


class BodyRules:
    """The verdict on a body, and its price: `x-modes` and `x-pricing`."""

    def __init__(self, document: Mapping[str, Any]) -> None:
        self.modes, self.pricing = document["x-modes"], document["x-pricing"]

    def check(self, case: Mapping[str, Any]) -> dict[str, Any]:
        """The operation `check` of the protocol."""
        body = self._given(case["body"])
        mode, found = self._select(case["call"], body)
        if mode is not None:
            found = set(self._findings(mode, body, case.get("input_seconds")))
        sets = {
            name: sorted([*finding[:3]] for finding in found if (finding[3] == "H") == certain)
            for name, certain in (("refused", True), ("doubted", False))
        }
        return {"mode": mode, **sets}

    def price(self, case: Mapping[str, Any]) -> dict[str, Any]:
        """The operation `price` of the protocol."""
        body = self._given(case["body"])
        mode, _ = self._select(case["call"], body)
        model = self._model(body.get("model"))
        if mode is None or model not in self.pricing["models"]:
            return {"usd": None}
        price, rules = self.pricing["models"][model], self.modes["modes"][mode]["limits"]
        longest = rules.get("video", {}).get("max_seconds", 0)
        seconds = case.get("input_seconds")
        source = longest if seconds is None else seconds
        resolution = body.get("resolution") or rules.get("resolution", {}).get("default")
        rates = price["output_second"]
        rate = rates.get(resolution, max(rates.values()))
        if self.pricing["seconds"][mode] == "input":
            made = min(source, longest)
        else:
            made = body.get("duration", rules["duration"]["default"])
        images = sum(len(self._at(path, body)) for path in self.modes["inputs"]["image"]["paths"])
        counts = {"output_second": made, "input_image": images, "input_second": source}
        amounts = {"output_second": rate, "input_image": price["input_image"], "input_second": price["input_second"]}
        usd = sum(
            (_decimal(counts[name]) * _decimal(amounts[name] or 0) for name in self.pricing["charges"][mode]),
            Decimal(0),
        )
        return {"usd": f"{usd + self._storage(body):.10f}"}

    def _storage(self, body: Mapping[str, Any]) -> Decimal:
        options = body.get("storage_options")
        if options is None:
            return Decimal(0)
        spans = self.modes["fields"]["storage_options"]["keys"]["expires_after"]
        kept = options.get("expires_after")
        kept = spans["maximum"] if kept is None else kept
        rate, size = _decimal(self.pricing["storage"]["gib_day"]), _decimal(self.pricing["assume"]["stored_bytes"])
        return rate * _decimal(kept) / 86400 * size / 2**30

    def _given(self, body: Mapping[str, Any]) -> dict[str, Any]:
        return {name: value for name, value in body.items() if value not in self.modes["absent"]}

    def _select(self, call: str, body: Mapping[str, Any]) -> tuple[str | None, set[Finding]]:
        served, modes = self.modes["calls"][call], self.modes["modes"]
        candidates = {name: [f for f in modes[name]["selected_by"] if f in body] for name in served}
        candidates = {name: found for name, found in candidates.items() if found}
        if len(served) == 1 or not candidates:
            return served[0], set()
        selecting = {field for found in candidates.values() for field in found}
        for name in candidates:
            if selecting <= {*modes[name]["required"], *modes[name]["allowed"]}:
                return name, set()
        (first, own), *others = candidates.items()
        other = next(field for _, found in others for field in found if field in modes[first]["forbidden"])
        return None, {("mode_conflict", field, f"x-modes.modes.{first}", "H") for field in (own[0], other)}

    def _model(self, name: Any) -> str:
        if name is None:
            return str(self.modes["default_model"])
        models = self.modes["models"]
        return next((known for known, model in models.items() if name in model["aliases"]), str(name))

    def _findings(self, mode: str, body: Mapping[str, Any], seconds: float | None) -> Iterator[Finding]:
        section, fields = f"x-modes.modes.{mode}", self.modes["fields"]
        for field in body.keys() - fields.keys():
            known = field in self.modes["misnomers"]["body"]
            yield "unknown_field", field, "x-modes.misnomers" if known else "x-modes", "H"
        sound = {name: value for name, value in body.items() if name in fields and _is(value, fields[name]["type"])}
        for field in (body.keys() & fields.keys()) - sound.keys():
            yield "out_of_range", field, section, "H"
        model = "" if "model" in body and "model" not in sound else self._model(body.get("model"))
        if model in self.modes["misnomers"]["models"]:
            yield "unknown_field", "model", "x-modes.misnomers", "H"
        yield from self._of_mode(mode, model, body, sound, seconds)
        yield from self._media(sound)
        voices = self.modes["voices"]
        for name in self._at(voices["path"], sound):
            if (
                isinstance(name, str)
                and name not in voices["presets"]
                and not re.fullmatch(voices["custom_pattern"], name)
            ):
                yield "out_of_range", _first(voices["path"]), "x-modes.voices", voices["custom_confidence"]
        for field in sound:
            for confidence in _inside(sound[field], fields[field].get("keys")):
                yield "out_of_range", field, f"x-modes.fields.{field}", confidence

    def _of_mode(
        self, mode: str, model: str, body: Mapping[str, Any], sound: Mapping[str, Any], seconds: float | None
    ) -> Iterator[Finding]:
        rules, section = self.modes["modes"][mode], f"x-modes.modes.{mode}"
        known = self.modes["models"].get(model, {"lacks": {}, "modes": {}})
        own, own_section = known["modes"].get(mode, {"limits": {}, "forbidden": {}}), f"x-modes.models.{model}.{mode}"
        if mode in known["lacks"]:
            yield "mode_conflict", "model", f"x-modes.models.{model}", known["lacks"][mode]["confidence"]
        for field in sound:
            if field not in (*rules["required"], *rules["allowed"]):
                yield "mode_conflict", field, section, rules["forbidden"][field]["confidence"]
            elif field in own["forbidden"]:
                yield "mode_conflict", field, own_section, own["forbidden"][field]["confidence"]
        missing = [field for field in rules["required"] if field not in body]
        if rules["selected_by"] and not any(field in body for field in rules["selected_by"]):
            missing.append(rules["selected_by"][0])
        for field in missing:
            yield "out_of_range", field, section, "H"
        for field, need in rules.get("required_unless", {}).items():
            if (field not in body or _is_blank(body[field])) and not any(other in body for other in need["fields"]):
                yield "out_of_range", field, section, need["confidence"]
        for field, value in sound.items():
            for limit, where in ((rules["limits"].get(field), section), (own["limits"].get(field), own_section)):
                if limit and _breaks(value, limit, seconds):
                    certain = not limit.get("certain_with") or any(other in body for other in limit["certain_with"])
                    doubted = model in limit.get("uncertain_for", ()) or not certain
                    yield "out_of_range", field, where, "M" if doubted else limit["confidence"]
                    break
            limit = rules["limits"].get(field, {})
            if "times" in limit:
                for confidence in _times(value, limit, sound, rules["limits"]):
                    yield "out_of_range", field, f"{section}.limits.{field}", confidence
            if "tags" in limit and _tags(value, limit["tags"], body, sound):
                yield "out_of_range", field, f"{section}.limits.{field}.tags", limit["tags"]["confidence"]

    def _media(self, body: Mapping[str, Any]) -> Iterator[Finding]:
        for kind in self.modes["inputs"].values():
            for path in kind["paths"]:
                for item in self._at(path, body):
                    if confidence := self._flaw(item, kind):
                        yield "out_of_range", _first(path), "x-modes.inputs", confidence

    def _flaw(self, item: Any, kind: Mapping[str, Any]) -> str | None:
        """The confidence of the first rule that a medium breaks."""
        sure: str = kind["confidence"]
        given = [name for name in kind["one_of"] if isinstance(item, dict) and item.get(name) is not None]
        if len(given) != 1 or not isinstance(item[given[0]], str) or _is_blank(item[given[0]]):
            return sure
        url, name = item[given[0]], given[0]
        if name not in kind["urls"]:
            return None
        scheme, colon, rest = url.partition(":")
        if not colon or scheme.lower() not in kind["schemes"]:
            return sure
        if scheme.lower() == "data":
            if kind["media_types"] and re.split("[;,]", rest, maxsplit=1)[0].lower() not in kind["media_types"]:
                return sure
            held = rest.partition(",")[2]
            size = len(re.sub("={1,2}$", "", held)) * 3 // 4
            return sure if size > kind.get("max_bytes", math.inf) else None
        if not re.fullmatch(self.modes["url_pattern"], url, re.IGNORECASE | re.ASCII):
            return sure
        path = re.split("[?#]", url, maxsplit=1)[0].lower()
        ends = not kind["suffixes"] or any(path.endswith(suffix) for suffix in kind["suffixes"])
        return None if ends else str(kind["suffix_confidence"])

    def _at(self, path: str, body: Mapping[str, Any]) -> list[Any]:
        field, many, key = path.partition("[]")
        if field not in body:
            return []
        items = body[field] if many else [body[field]]
        if not isinstance(items, list):
            return []
        key = key.lstrip(".")
        return [item.get(key) if isinstance(item, dict) else None for item in items] if key else items


def _first(path: str) -> str:
    return path.partition("[")[0]


def _decimal(value: Any) -> Decimal:
    return Decimal(str(value))


def _is_blank(value: Any) -> bool:
    return isinstance(value, str) and not value.strip(BLANK)


def _is(value: Any, types: list[str]) -> bool:
    if isinstance(value, bool):
        return "boolean" in types
    if isinstance(value, int | float):
        return "number" in types or ("integer" in types and value % 1 == 0)
    kinds = {"string": str, "object": dict, "array": list}
    return any(isinstance(value, kinds[name]) for name in types if name in kinds)


def _breaks(value: Any, limit: Mapping[str, Any], seconds: float | None) -> bool:
    """Whether a value of the right type is beyond a limit."""
    if "max_seconds" in limit:
        return seconds is not None and not limit.get("min_seconds", 0) <= round(seconds, 1) <= limit["max_seconds"]
    if "values" in limit:
        return value not in limit["values"]
    if "max_items" in limit:
        return bool(len(value) > limit["max_items"])
    if "max_length" in limit:
        blank = limit.get("blank", True) is False and _is_blank(value)
        return blank or not limit.get("min_length", 0) <= len(value) <= limit["max_length"]
    return not limit["minimum"] <= value <= limit["maximum"]


def _times(
    items: list[Any], limit: Mapping[str, Any], body: Mapping[str, Any], limits: Mapping[str, Any]
) -> Iterator[str]:
    rule, taken = limit["times"], set()
    end = body.get(rule["below"], limits[rule["below"]]["default"])
    for item in items:
        time = item.get(rule["key"]) if isinstance(item, dict) else None
        if not _is(time, ["number"]):
            yield "H"
            continue
        if not rule["above"] < time < end or (slot := math.floor(time * rule["slots_per_second"] + 0.5)) in taken:
            yield limit["confidence"]
        else:
            taken.add(slot)


def _tags(text: str, rule: Mapping[str, Any], body: Mapping[str, Any], sound: Mapping[str, Any]) -> bool:
    """Whether a tag names an item that is not in the list."""
    first = next((number for field, number in rule["first_beside"].items() if field in body), rule["first"])
    count = len(sound.get(rule["count_of"], ()))
    numbers = (int(digits.lstrip("0")[:10] or 0) for digits in re.findall(rule["pattern"], text))
    return any(not first <= number <= count for number in numbers)


def _inside(value: Any, keys: Mapping[str, Any] | None) -> Iterator[str]:
    """The confidence of each rule that the keys of an object break."""
    if not keys or not isinstance(value, dict):
        return
    own = {name: item for name, item in value.items() if item is not None}
    yield from ("H" for name in own if name not in keys)
    for name, rule in keys.items():
        if name not in own:
            if rule.get("required"):
                yield "H"
        elif not _is(own[name], rule["type"]):
            yield "H"
        elif ("max_length" in rule or "maximum" in rule) and _breaks(own[name], rule, None):
            yield rule["confidence"]
        yield from _inside(own.get(name), rule.get("keys"))
