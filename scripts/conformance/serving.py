"""Vectors of `serve`: what a server of this contract answers to a request, in the words of `x-errors.texts`."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from types import MappingProxyType
from typing import Any

from .bodies import Bodies, Vector, repeat


class Serving(Bodies):
    """Makes the vectors of servers. Each breaks one rule, whose literal answer the data names."""

    def __init__(self, document: Mapping[str, Any]) -> None:
        super().__init__(document)
        self.errors = document["x-errors"]

    def vectors(self) -> Iterator[Vector]:
        """All, with their outputs."""
        for mode, rules in self.modes["modes"].items():
            for model in (None, *self.modes["models"]):
                yield from self._model(mode, model, rules)
            for field, rule in rules["forbidden"].items():
                if rule["effect"] == "ignored" and rules["operation"] != "generateVideo":
                    says = f"{mode} ignores `{field}`."
                    yield self._vector(
                        f"{mode}/ignores-{field}", says, mode, self.smallest(mode) | {field: self.values[field]}
                    )
        yield from self._words()
        yield from self._forms()

    def _model(self, mode: str, model: str | None, rules: Mapping[str, Any]) -> Iterator[Vector]:
        known = self.modes["models"][model or self.modes["default_model"]]
        name, body = f"{mode}/{model or 'no-model'}", self.smallest(mode, model)
        if mode in known["lacks"]:
            field = rules["selected_by"][0]
            refusal = known["lacks"][mode]["refusal"]
            yield self._vector(f"{name}-lacks", f"{model} has no {mode}.", mode, body, refusal, {"field": field})
            return
        yield self._vector(f"{name}-smallest", f"The smallest {mode} by {model or 'no model'}.", mode, body)
        own = known["modes"][mode]
        for field, rule in own["forbidden"].items():
            refusal = rule.get("refusal", "field_of_model") if rule["effect"] == "refused" else None
            says = f"{model} and `{field}`: {rule['effect']}."
            yield self._vector(
                f"{name}-{field}", says, mode, body | {field: self.values[field]}, refusal, {"field": field}
            )
        for field in {**rules["limits"], **own["limits"]}:
            yield from self._limit(mode, name, body, field, own["limits"].get(field) or rules["limits"][field])

    def _limit(
        self, mode: str, name: str, body: Mapping[str, Any], field: str, limit: Mapping[str, Any]
    ) -> Iterator[Vector]:
        refusal, names = limit.get("refusal"), {"mode": mode}
        if "maximum" in limit:
            for value in (limit["minimum"], limit["maximum"]):
                yield self._vector(f"{name}-{field}-{value}", f"`{field}` of {value}.", mode, {**body, field: value})
            if refusal:
                value = limit["maximum"] + 1
                more = {"value": value, "minimum": limit["minimum"], "maximum": limit["maximum"], **names}
                yield self._vector(
                    f"{name}-{field}-{value}", f"`{field}` of {value}.", mode, {**body, field: value}, refusal, more
                )
        elif "max_length" in limit:
            long = {**body, field: repeat("x", limit["max_length"] + 1)}
            yield self._vector(
                f"{name}-{field}-long", "A long text.", mode, long, refusal, {"maximum": limit["max_length"]}
            )
            if limit.get("min_length"):
                yield self._vector(f"{name}-{field}-empty", "An empty text.", mode, {**body, field: ""}, "prompt_empty")
        elif "max_items" in limit and refusal:
            count = limit["max_items"] + 1
            many = {**body, field: self.values[field] * count}
            says = f"{count} of `{field}`."
            yield self._vector(
                f"{name}-{field}-{count}", says, mode, many, refusal, {"count": count, "maximum": limit["max_items"]}
            )
        elif "values" in limit:
            for word in limit["values"]:
                yield self._vector(f"{name}-{field}-{word}", f"`{field}` of {word}.", mode, {**body, field: word})
            wide = self.modes["modes"][mode]["limits"][field]["values"]
            for word in (word for word in wide if word not in limit["values"] and refusal):
                says = f"`{field}` of {word}."
                yield self._vector(
                    f"{name}-{field}-{word}", says, mode, {**body, field: word}, refusal, {"value": word, **names}
                )

    def _words(self) -> Iterator[Vector]:
        small, voices = self.smallest("text-to-video"), self.modes["voices"]
        yield self._vector(
            "unknown-model", "No such model.", "text-to-video", small | {"model": "grok-video"}, "unknown_model"
        )
        yield self._vector(
            "images", "A field of old.", "text-to-video", small | {"images": [self.values["image"]]}, "legacy_images"
        )
        yield self._vector("unknown-field", "A field that there is not.", "text-to-video", small | {"seconds": 5})
        for name in ("Ara", "nobody"):
            body = {"model": "grok-imagine-video-1.5", "prompt": "x", "reference_audios": [{"voice_id": name}]}
            more = {"value": name, "voices": ", ".join(voices["presets"])}
            yield self._vector(f"voice-{name}", "No such voice.", "reference-to-video", body, voices["refusal"], more)

    def _forms(self) -> Iterator[Vector]:
        """Bodies of another form, requests without a key, ids."""
        for field, value in (
            ("duration", "five"),
            ("prompt", 5),
            ("image", "https://example.com/a.png"),
            ("generate_audio", "no"),
        ):
            vector = self._vector(
                f"form-{field}", f"`{field}` of a wrong type.", "text-to-video", {"prompt": "x", field: value}
            )
            yield {**vector, "output": {"http_status": 422}}
        digits = {"prompt": "x", "duration": "5"}
        yield self._vector("form-digits", "A duration in digits, which the service takes.", "text-to-video", digits)
        vector = self._vector("form-none", "No required field.", "edit-video", {"prompt": "x"})
        yield {**vector, "output": {"http_status": 422}}
        vector = self._vector(
            "no-key", "A request without a key.", "text-to-video", self.smallest("text-to-video"), "no_key"
        )
        yield {**vector, "input": vector["input"] | {"key": False}}
        for name, request_id, refusal in (
            ("unknown-job", "00000000-0000-0000-0000-000000000000", "unknown_job"),
            ("malformed-id", "not-an-id", "malformed_id"),
        ):
            yield {
                **self._vector(name, "No such job.", "text-to-video", {}, refusal),
                "input": {"operation": "getVideo", "request_id": request_id},
            }

    def _vector(
        self,
        name: str,
        says: str,
        mode: str,
        body: Mapping[str, Any],
        refusal: str | None = None,
        names: Mapping[str, Any] = MappingProxyType({}),
    ) -> Vector:
        case = {"operation": self.modes["modes"][mode]["operation"], "body": body}
        output = self._refusal(refusal, names) if refusal else {"http_status": 200}
        return {
            "id": f"serve/{name}",
            "says": says,
            "appliesTo": "server",
            "register": "HTTP statuses",
            "input": case,
            "output": output,
        }

    def _refusal(self, name: str, names: Mapping[str, Any]) -> dict[str, Any]:
        """The answer of a text, as far as it is known: a text with other names is left out."""
        error = self.errors["texts"][name]
        status = error.get("http_status") or next(
            k["http_status"] for k in self.errors["kinds"] if k["kind"] == error["kind"]
        )
        codes = [c["token"] for c in self.errors["codes"] if error["kind"] in c["kinds"]]
        answer = {"http_status": status, "code": error.get("code", codes[0])}
        try:
            return {**answer, "text": error["text"].format(**names)}
        except KeyError:
            return answer
