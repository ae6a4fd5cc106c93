"""Vectors of `check`, `price` and `encode`, made of every rule of the document."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Mapping
from typing import Any

IMAGE = {"url": "https://example.com/heron.png"}
CLIP = {"url": "https://example.com/clip.mp4"}
VALUES: Mapping[str, Any] = {
    "prompt": "A heron in the fog",
    "model": "grok-imagine-video",
    "image": IMAGE,
    "reference_images": [IMAGE],
    "reference_audios": [{"voice_id": "ara"}],
    "last_frame": IMAGE,
    "keyframes": [{"image": IMAGE, "timestamp_s": 0.5}],
    "video": CLIP,
    "duration": 5,
    "aspect_ratio": "1:1",
    "resolution": "480p",
    "generate_audio": False,
    "output": {"upload_url": "https://example.com/put"},
    "storage_options": {"filename": "heron.mp4"},
    "user": "user-1",
}
"""A value of each field that breaks no rule of its own. Of a field that is not here, `sample` makes one."""

OF_TYPES: Mapping[str, Any] = {
    "string": "x",
    "integer": 3,
    "fraction": 2.5,
    "boolean": True,
    "object": {"a": 1},
    "array": ["x"],
}
Vector = dict[str, Any]


def repeat(text: str, times: int) -> dict[str, Any]:
    """A long text, short: the driver writes it out."""
    return {"$repeat": [text, times]}


def sample(document: Mapping[str, Any], field: str) -> Any:
    """A value of a field, as the document describes it: a medium, an example, or any value of its type."""
    for kind in document["x-modes"]["inputs"].values():
        for path in kind["paths"]:
            if path in (field, f"{field}[]"):
                item = {kind["urls"][0]: f"https://example.com/a{(kind['suffixes'] or ['.png'])[0]}"}
                return [item] if path.endswith("[]") else item
    for schema in document["components"]["schemas"].values():
        if found := schema.get("properties", {}).get(field, {}).get("examples"):
            return found[0]
    return OF_TYPES[document["x-modes"]["fields"][field]["type"][0]]


class Bodies:
    """Makes the vectors of bodies; what comes out is left to `rules`."""

    def __init__(self, document: Mapping[str, Any]) -> None:
        self.modes, self.pricing = document["x-modes"], document["x-pricing"]
        self.values = {field: VALUES.get(field, sample(document, field)) for field in self.modes["fields"]}

    def vectors(self) -> Iterator[Vector]:
        """All, without their outputs."""
        yield from self._modes()
        yield from self._fields()
        yield from self._models()
        yield from self._limits()
        yield from self._media()
        yield from self._inside()
        yield from self._times_and_tags()
        yield from self._prices()
        yield from self._encoded()

    def smallest(self, mode: str, model: str | None = None) -> dict[str, Any]:
        """A body that is the mode's, and says nothing more."""
        rules = self.modes["modes"][mode]
        body = {field: self.values[field] for field in rules["required"]}
        if rules["selected_by"] and not body.keys() & set(rules["selected_by"]):
            body[rules["selected_by"][0]] = self.values[rules["selected_by"][0]]
        return body | ({"model": model} if model else {})

    def call(self, mode: str) -> str:
        """The call that serves a mode."""
        calls: Mapping[str, list[str]] = self.modes["calls"]
        return next(call for call, served in calls.items() if mode in served)

    def home(self, field: str) -> str:
        """The first mode that takes a field."""
        return next(str(name) for name, rules in self.modes["modes"].items() if field not in rules["forbidden"])

    def _check(self, name: str, says: str, register: str, mode: str, body: Mapping[str, Any], **more: Any) -> Vector:
        case = {"call": self.call(mode), "body": dict(body), **more}
        return {"id": f"check/{name}", "says": says, "appliesTo": "client", "register": register, "input": case}

    def _modes(self) -> Iterator[Vector]:
        """Each mode with each field, and each two fields that select a mode."""
        for mode, rules in self.modes["modes"].items():
            small = self.smallest(mode)
            yield self._check(f"{mode}/smallest", f"The smallest body of {mode}.", "Smallest bodies", mode, small)
            for field in self.modes["fields"]:
                kind = next(kind for kind in ("required", "allowed", "forbidden") if field in rules[kind])
                says = f"{mode} beside `{field}`, which is {kind} there."
                yield self._check(f"{mode}/with-{field}", says, "Modes", mode, small | {field: self.values[field]})
                if field in small:
                    less = {name: value for name, value in small.items() if name != field}
                    yield self._check(f"{mode}/without-{field}", f"{mode} without `{field}`.", "Modes", mode, less)
            for field, need in rules.get("required_unless", {}).items():
                body = {name: self.values[name] for name in rules["selected_by"] if name not in need["fields"]}
                for name, more in (
                    ("without", {}),
                    ("with", {field: self.values[field]}),
                    ("with-blank", {field: " "}),
                ):
                    says = f"{', '.join(body)} alone, {name.replace('-', ' ')} `{field}`."
                    yield self._check(f"{mode}/alone-{name}-{field}", says, "Modes", mode, body | more)
        selectors = sorted({field for rules in self.modes["modes"].values() for field in rules["selected_by"]})
        for one, other in itertools.combinations(selectors, 2):
            for name, prompt in (("", {"prompt": self.values["prompt"]}), ("-without-prompt", {})):
                body = prompt | {one: self.values[one], other: self.values[other]}
                says = f"`{one}` beside `{other}`."
                yield self._check(f"select/{one}-{other}{name}", says, "Modes", "text-to-video", body)

    def _fields(self) -> Iterator[Vector]:
        """Each field as null, as an empty list and of each wrong type; fields that there are not."""
        mode = "reference-to-video"
        small = self.smallest(mode) | {"prompt": self.values["prompt"]}
        for field, rule in self.modes["fields"].items():
            is_foreign = field in self.modes["modes"][mode]["forbidden"]
            where = self.home(field) if is_foreign else mode
            base = self.smallest(where) if is_foreign else small
            absent: tuple[tuple[str, Any], ...] = (("null", None), ("empty-list", []))
            for name, value in (
                *absent,
                *((kind, value) for kind, value in OF_TYPES.items() if kind not in rule["type"]),
            ):
                if name == "integer" and "number" in rule["type"]:
                    continue
                says = f"`{field}` is {name.replace('-', ' ')}."
                yield self._check(f"field/{field}-{name}", says, "Request fields", where, base | {field: value})
        for field in (*self.modes["misnomers"]["body"], "aspectratio", "Prompt", "n"):
            says = f"`{field}` is no field."
            yield self._check(
                f"field/no-{field}", says, "Request fields", mode, self.smallest("text-to-video") | {field: "x"}
            )
        for name, value in (("by-value", 5.0), ("large", 1e300), ("zero", 0), ("negative", -1)):
            body = self.smallest("text-to-video") | {"duration": value}
            yield self._check(f"field/duration-{name}", f"A duration of {value}.", "generateVideo", mode, body)

    def _models(self) -> Iterator[Vector]:
        """Each mode by each model, its other names, and names that are no models."""
        for mode in self.modes["modes"]:
            names = [name for model, rules in self.modes["models"].items() for name in (model, *rules["aliases"])]
            for name in (*names, *self.modes["misnomers"]["models"], "grok-imagine-video-9"):
                says = f"{mode} by the model `{name}`."
                yield self._check(f"model/{name}/{mode}", says, "Models", mode, self.smallest(mode, name))
            for model, rules in self.modes["models"].items():
                for field in rules["modes"].get(mode, {"forbidden": {}})["forbidden"]:
                    for name in (model, *rules["aliases"]):
                        says = f"{mode} by `{name}` with `{field}`."
                        body = self.smallest(mode, name) | {field: self.values[field]}
                        yield self._check(f"model/{name}/{mode}-{field}", says, "Models", mode, body)

    def _limits(self) -> Iterator[Vector]:
        """The boundaries of each limit, of the mode and of each model."""
        for mode, rules in self.modes["modes"].items():
            for model, known in ((None, None), *self.modes["models"].items(), ("grok-imagine-video-9", None)):
                if known and mode not in known["modes"]:
                    continue
                own = known["modes"][mode]["limits"] if known else {}
                for field, limit in rules["limits"].items():
                    if not model or field in own or self._differs(field, limit, known):
                        yield from self._edges(mode, model, field, own.get(field, limit))

    @staticmethod
    def _differs(field: str, limit: Mapping[str, Any], known: Mapping[str, Any] | None) -> bool:
        """Whether the mode's own limit is worth a look with this model, too."""
        if known is None:
            return field in ("duration", "resolution")
        return "uncertain_for" in limit or "values" in limit

    def _edges(self, mode: str, model: str | None, field: str, limit: Mapping[str, Any]) -> Iterator[Vector]:
        register = self.modes["modes"][mode]["operation"]
        wide = self.modes["modes"][mode]["limits"][field]
        known = {
            name: (value, more)
            for name, value, more in (*edges(field, limit, self.values[field]), *edges(field, wide, self.values[field]))
        }
        for name, (value, more) in known.items():
            key = f"limit/{mode}/{model or 'any'}/{field}-{name}"
            body = self.smallest(mode, model) | ({} if value is None else {field: value})
            yield self._check(key, f"`{field}`: {name.replace('-', ' ')} in {mode}.", register, mode, body, **more)
            for other in limit.get("certain_with", ()):
                both = {"model": model, "prompt": self.values["prompt"], field: value, other: self.values[other]}
                says = f"`{field}`: {name.replace('-', ' ')} beside `{other}`."
                yield self._check(f"{key}-beside-{other}", says, register, mode, both)
        if "certain_with" in limit:
            others = [f for f in self.modes["modes"][mode]["selected_by"] if f not in limit["certain_with"]]
            for other in others:
                body = {"model": model, other: self.values[other], "prompt": "x", field: "1080p"}
                says = f"`{field}` beside `{other}`."
                yield self._check(f"limit/{mode}/{model}/{field}-beside-{other}-alone", says, register, mode, body)

    def _media(self) -> Iterator[Vector]:
        """Each path of each kind of input, in every form that is right or wrong."""
        for kind in self.modes["inputs"].values():
            for path in kind["paths"]:
                field = path.partition("[")[0]
                mode = self.home(field)
                small = self.smallest(mode, "grok-imagine-video-1.5" if mode == "reference-to-video" else None)
                for name, item in items(kind):
                    if name.startswith("bytes") and path != kind["paths"][0]:
                        continue  # long: once is enough
                    says = f"`{path}`: {name.replace('-', ' ')}."
                    body = small | {field: _placed(path, item)}
                    yield self._check(f"media/{path}/{name}", says, "Nested objects", mode, body)
        presets = self.modes["voices"]["presets"]
        small = self.smallest("reference-to-video", "grok-imagine-video-1.5")
        for start in range(0, len(presets), 3):
            voices = [{"voice_id": name} for name in presets[start : start + 3]]
            says = f"The voices {', '.join(presets[start : start + 3])}."
            body = small | {"reference_audios": voices}
            yield self._check(f"voice/{presets[start]}", says, "Nested objects", "reference-to-video", body)
        for name in ("Ara", "ARA", "ara ", "a1b2c3d4", "a1b2c3d", "a1b2c3d4e", "A1B2C3D4", "nobody", "a1b2c3d4\n"):
            body = small | {"reference_audios": [{"voice_id": name}]}
            says = f"A voice named {name!r}."
            yield self._check(f"voice/{name!r}", says, "Nested objects", "reference-to-video", body)

    def _inside(self) -> Iterator[Vector]:
        """The keys of objects that have rules."""
        for field, rule in self.modes["fields"].items():
            if "keys" in rule:
                yield from self._keys(field, (), rule["keys"])

    def _keys(self, field: str, outer: tuple[str, ...], keys: Mapping[str, Any]) -> Iterator[Vector]:
        whole, mode = self.values[field], self.home(field)

        def vector(name: str, inner: Any) -> Vector:
            body = self.smallest(mode) | {field: whole | ({outer[0]: inner} if outer else inner)}
            says = f"`{'.'.join((field, *outer))}`: {name.replace('-', ' ')}."
            return self._check(f"inside/{'.'.join((field, *outer))}/{name}", says, "Nested objects", mode, body)

        yield vector("an-unknown-key", {"expire_after": 3600})
        for key, rule in keys.items():
            yield vector(f"{key}-null", {key: None})
            for kind, value in OF_TYPES.items():
                if kind not in rule["type"]:
                    yield vector(f"{key}-{kind}", {key: value})
            for name, value, _ in edges(key, rule):
                yield vector(f"{key}-{name}", {key: value})
            if "integer" in rule["type"]:
                yield vector(f"{key}-by-value", {key: float(rule["minimum"])})
            if "boolean" in rule["type"]:
                yield vector(f"{key}-false", {key: False})
            if "keys" in rule:
                yield from self._keys(field, (*outer, key), rule["keys"])

    def _times_and_tags(self) -> Iterator[Vector]:
        for mode, rules in self.modes["modes"].items():
            for field, limit in rules["limits"].items():
                if "times" in limit:
                    yield from self._times(mode, field, limit["times"], rules["limits"])
                if "tags" in limit:
                    yield from self._tags(mode, field, limit["tags"])

    def _times(self, mode: str, field: str, rule: Mapping[str, Any], limits: Mapping[str, Any]) -> Iterator[Vector]:
        slots, end = rule["slots_per_second"], limits[rule["below"]]["default"]
        near, half = 1 / slots, 0.5 / slots
        for name, times, more in (
            ("at-the-start", [rule["above"]], {}),
            ("just-after-the-start", [0.01], {}),
            ("before-the-start", [-1], {}),
            ("at-the-default-end", [end], {}),
            ("just-before-the-default-end", [end - 0.1], {}),
            ("at-the-end", [4], {rule["below"]: 4}),
            ("before-the-end", [3.9], {rule["below"]: 4}),
            ("in-one-slot", [1, 1 + half * 0.9], {}),
            ("in-two-slots", [1, 1 + near], {}),
            ("around-a-half", [2 + half * 0.96, 2 + half * 1.04], {}),
            ("at-halves", [0.5, 1.5], {}),
            ("a-text", ["1"], {}),
            ("none", [None], {}),
            ("true", [True], {}),
            ("whole", [2], {}),
        ):
            body = self.smallest(mode, "grok-imagine-video-1.5") | more
            body[field] = [{"image": IMAGE, rule["key"]: time} for time in times]
            yield self._check(f"times/{name}", f"Keyframes {name.replace('-', ' ')}.", "Nested objects", mode, body)

    def _tags(self, mode: str, field: str, rule: Mapping[str, Any]) -> Iterator[Vector]:
        for count, beside in itertools.product((0, 1, 3), (None, *rule["first_beside"])):
            for tag in dict.fromkeys((0, 1, count, count + 1, 99, "01", "9999999999999999999999")):
                body = {"model": "grok-imagine-video-1.5", "last_frame": IMAGE, field: f"<IMAGE_{tag}> waves"}
                body |= {beside: IMAGE} if beside else {}
                body |= {rule["count_of"]: [IMAGE] * count} if count else {}
                name = f"{tag}-of-{count}{f'-beside-{beside}' if beside else ''}"
                says = f"The tag {tag}, of {count} images{f' beside `{beside}`' if beside else ''}."
                yield self._check(f"tags/{name}", says, "Contradictions", mode, body)
        for text in ("<IMAGE_>", "<image_9>", "< IMAGE_9>", "<IMAGE_9", "<IMAGE_-1>"):
            body = self.smallest(mode) | {field: text}
            yield self._check(f"tags/no-tag-{text}", "A text that is no tag.", "Contradictions", mode, body)

    def _prices(self) -> Iterator[Vector]:
        """Each charge of each mode by each model."""
        for mode, model in itertools.product(self.modes["modes"], (*self.modes["models"], "grok-imagine-video-9")):
            changes: list[tuple[str, dict[str, Any], float | None]] = [("smallest", {}, None)]
            if "duration" in self.modes["modes"][mode]["allowed"]:
                changes += [("7-s", {"duration": 7}, None)]
            if "resolution" in self.modes["modes"][mode]["allowed"]:
                sizes = self.modes["modes"][mode]["limits"]["resolution"]["values"]
                changes += [(size, {"resolution": size}, None) for size in (*sizes, "4k")]
            if "video" in self.modes["modes"][mode]["limits"]:
                changes += [(f"input-{seconds}", {}, seconds) for seconds in (0, 3.5, 12)]
            changes += [("stored", {"storage_options": {"filename": "a.mp4", "expires_after": 86400}}, None)]
            changes += [("stored-without-end", {"storage_options": {"filename": "a.mp4"}}, None)]
            if mode == "reference-to-video":
                many = {"reference_images": [IMAGE] * 3, "image": IMAGE, "last_frame": IMAGE}
                changes += [("images", many | {"keyframes": self.values["keyframes"]}, None)]
            for name, change, seconds in changes:
                case = {"call": self.call(mode), "body": self.smallest(mode, model) | change, "input_seconds": seconds}
                says = f"The price of {mode} by `{model}`: {name.replace('-', ' ')}."
                key = f"price/{mode}/{model}/{name}"
                yield {"id": key, "says": says, "appliesTo": "client", "register": "Prices", "input": case}

    def _encoded(self) -> Iterator[Vector]:
        """Each mode through generated types: with the fewest fields, with each one, with all."""
        for mode, rules in self.modes["modes"].items():
            small = self.smallest(mode)
            fields = [*rules["required"], *rules["allowed"]]
            bodies = [("smallest", small), ("whole", {field: self.values[field] for field in fields})]
            bodies += [(field, small | {field: self.values[field]}) for field in fields if field not in small]
            bodies += [(f"{field}-null", small | {field: None}) for field in fields if field not in small]
            for name, body in bodies:
                yield encoded(mode, name, rules["operation"], body)


def encoded(mode: str, name: str, operation: str, body: Mapping[str, Any]) -> Vector:
    """A vector of `encode`, with its output."""
    path = {"generateVideo": "generations", "editVideo": "edits", "extendVideo": "extensions"}[operation]
    sent = {field: value for field, value in body.items() if value is not None}
    return {
        "id": f"encode/{mode}/{name}",
        "says": f"A request of {mode}: {name}.",
        "appliesTo": "client",
        "register": "Endpoints",
        "input": {"operation": operation, "body": body},
        "output": {"method": "POST", "path": f"/v1/videos/{path}", "body": sent},
    }


def edges(field: str, limit: Mapping[str, Any], value: Any = None) -> Iterator[tuple[str, Any, dict[str, Any]]]:
    """Values at, above and below each bound of a limit: a name, the value (None: as it is), and more of the input."""
    if "minimum" in limit:
        for number in (limit["minimum"] - 1, limit["minimum"], limit["maximum"], limit["maximum"] + 1):
            yield f"{number}", number, {}
    if "max_length" in limit:
        least, most = limit.get("min_length", 0), limit["max_length"]
        for length in sorted({0, least, most, most + 1}):
            yield f"of-{length}", repeat("é", length), {}
        yield f"of-{most}-outside-the-bmp", repeat("\U0001f9a2", most), {}
        yield "blank", " \t\n", {}
        yield "of-no-break-spaces", "\xa0\u3000", {}
    if "values" in limit:
        for word in (*limit["values"], "8k", limit["values"][0].upper() + " "):
            yield word, word, {}
    if "max_items" in limit:
        for count in (1, limit["max_items"], limit["max_items"] + 1):
            many = value * count
            if field == "keyframes":
                many = [{"image": IMAGE, "timestamp_s": 0.5 + index} for index in range(count)]
            yield f"{count}-of-them", many, {}
    if "max_seconds" in limit:
        least, most = limit.get("min_seconds", 0), limit["max_seconds"]
        for seconds in (least - 0.1, least - 0.04, least, most, most + 0.04, most + 0.1):
            if seconds >= 0:
                yield f"{seconds:.2f}-s", None, {"input_seconds": round(seconds, 2)}


def items(kind: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    """Media in every form, by name."""
    names, url = kind["one_of"], kind["urls"][0]
    suffix = (kind["suffixes"] or [".png"])[0]
    good = f"https://example.com/a{suffix}"
    for name in names:
        text = good if name in kind["urls"] else "ara"
        yield f"{name}", {name: text}
        yield f"{name}-null", {name: None}
        yield f"{name}-number", {name: 5}
        yield f"{name}-empty", {name: ""}
        yield f"{name}-blank", {name: " \t"}
    if len(names) > 1:
        yield "both", {name: good if name in kind["urls"] else "ara" for name in names}
        yield "one-and-null", {names[0]: good if names[0] in kind["urls"] else "ara", names[1]: None}
    yield "a-text", good
    yield "none", {}
    yield "null", None
    for scheme in ("https", "http", "data", "ftp", "file", "blob", "HTTPS"):
        media_type = (kind["media_types"] or ["audio/mpeg"])[0]
        text = f"data:{media_type};base64,AAAA" if scheme == "data" else f"{scheme}://example.com/a{suffix}"
        yield f"scheme-{scheme}", {url: text}
    for name, text in (
        ("no-scheme", f"example.com/a{suffix}"),
        ("a-path", f"/home/a{suffix}"),
        ("no-host", f"https:///a{suffix}"),
        ("no-slashes", f"https:a{suffix}"),
        ("port", f"https://example.com:8443/a{suffix}"),
        ("port-alone", f"https://:8443/a{suffix}"),
        ("user", f"https://me:secret@example.com/a{suffix}"),
        ("user-alone", f"https://me@/a{suffix}"),
        ("ipv4", f"http://192.0.2.7/a{suffix}"),
        ("ipv6", f"http://[2001:db8::7]/a{suffix}"),
        ("ipv6-open", f"http://[2001:db8::7/a{suffix}"),
        ("blank-in-host", f"https://exam ple.com/a{suffix}"),
        ("blank-in-path", f"https://example.com/a b{suffix}"),
        ("blank-before", f" https://example.com/a{suffix}"),
        ("blank-after", f"https://example.com/a{suffix} "),
        ("line-feed-after", f"https://example.com/a{suffix}\n"),
        ("letters-beyond-ascii", f"https://exämple.com/ä{suffix}"),
        ("no-path", "https://example.com"),
        ("query", f"https://example.com/a{suffix}?sig=a/b%20c"),
        ("fragment", f"https://example.com/a{suffix}#t=1"),
        ("suffix-in-query", f"https://example.com/a?file=b{suffix}"),
        ("suffix-upper", f"https://example.com/a{suffix.upper()}"),
        ("other-suffix", "https://example.com/a.mov"),
        ("no-suffix", "https://example.com/a"),
    ):
        yield name, {url: text}
    if "data" in kind["schemes"]:
        for media_type in (*kind["media_types"], "image/gif", "text/plain", ""):
            yield f"data-{media_type.replace('/', '-') or 'without-type'}", {url: f"data:{media_type};base64,AAAA"}
        first = (kind["media_types"] or ["audio/mpeg"])[0]
        yield "data-upper", {url: f"DATA:{first.upper()};base64,AAAA"}
        yield "data-comma", {url: f"data:{first},AAAA"}
    if "max_bytes" in kind:
        head = f"data:{kind['media_types'][0]};base64,"
        ends = ("AAAA", "AA==", "AAA=")  # of 3, 1 and 2 bytes
        for name, size in (("at", kind["max_bytes"]), ("above", kind["max_bytes"] + 1)):
            yield f"bytes-{name}-the-most", {url: {"$join": [head, repeat("AAAA", -(-size // 3) - 1), ends[size % 3]]}}


def _placed(path: str, item: Any) -> Any:
    """A medium where its path says."""
    if path == "keyframes[].image":
        return [{"image": item, "timestamp_s": 0.5}]
    return [item] if path.endswith("[]") else item
