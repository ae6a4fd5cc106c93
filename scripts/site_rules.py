"""Pages of x-modes: modes against fields and models, ranges, what each mode and model refuses, inputs, voices, misnomers."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from contract_page import Raw, has, held, limit, names, plain, refusal_text
from site_markup import Register, heading, lean, link, mark

EFFECTS = {"other_mode": "makes another mode", "ignored": "the service ignores it", "refused": "the service refuses it"}
RANGES = {
    "duration": "Seconds",
    "resolution": "Resolution",
    "aspect_ratio": "Aspect ratio",
    "reference_images": "Reference images",
    "reference_audios": "Voices",
    "keyframes": "Keyframes",
    "video": "Input video",
    "prompt": "Prompt",
}


ROWS = {
    "duration": "Duration",
    "keyframes": "Keyframes",
    "prompt": "Prompt",
    "reference_audios": "Reference audio",
    "reference_images": "Reference images",
    "resolution": "Resolution",
    "video": "(Edit|Extension) input",
}
"""How the rows of the register begin that a field's limits come from; those of others are among the request fields."""


class Rules:
    """Writes the pages of a document's x-modes.

    Args:
        document: The document.
        register: Where its facts come from.
    """

    def __init__(self, document: Mapping[str, Any], register: Register) -> None:
        self._data, self._texts, self._register = document["x-modes"], document["x-errors"]["texts"], register

    def pages(self) -> Iterator[tuple[str, str]]:
        """All of them, by name."""
        yield "modes", "\n".join(self._modes())
        yield "models", "\n".join(self._models())
        yield "inputs", "\n".join(self._inputs())
        yield "misnomers", "\n".join(self._misnomers())

    def _modes(self) -> Iterator[str]:
        data = self._data
        yield heading(1, "Modes", "x-modes")
        yield (
            f"`x-modes` {data['version']}. The fields of a request select its mode; null and an empty list count as absent. Without a "
            f"model it is `{data['default_model']}`. Register: {self._register.under('Modes')}, {self._register.under('Request fields')}.\n"
        )
        rows = [
            [f"`{call}`", Raw(", ".join(link(f"x-modes.modes.{mode}", data["modes"][mode]["title"]) for mode in modes))]
            for call, modes in data["calls"].items()
        ]
        yield "A client's call serves these modes:\n"
        yield lean(["Call", "Modes"], rows)
        yield "## Fields against modes\n"
        yield (
            "*needs*: the field must be given. *selects*: the field makes it this mode, and one of them is needed. *takes*: it may be "
            "given. *no*: it must not, with the confidence of that rule.\n"
        )
        columns = ["Field", *(link(f"x-modes.modes.{name}", mode["title"]) for name, mode in data["modes"].items())]
        rows = [
            [link(f"x-modes.fields.{field}", field), *(self._takes(mode, field) for mode in data["modes"].values())]
            for field in data["fields"]
        ]
        yield lean(columns, rows)
        for name, mode in data["modes"].items():
            yield from self._mode(name, mode)
        yield from self._fields()
        yield "## Other names\n"
        yield "Common names for a mode with certain fields. Whoever asks by the name gives at least these fields:\n"
        rows = [
            [
                Raw(f"{mark(f'x-modes.variants.{name}')}`{name}`"),
                each["title"],
                link(f"x-modes.modes.{each['mode']}"),
                names(each["fields"]),
            ]
            for name, each in data["variants"].items()
        ]
        yield lean(["Name", "", "Mode", "Needs"], rows)

    def _takes(self, mode: Mapping[str, Any], field: str) -> str:
        if field in mode["required"]:
            return "needs" if field not in mode["selected_by"] else "needs, selects"
        if field in mode["selected_by"]:
            return "selects"
        if field in mode.get("required_unless", {}):
            return f"takes; may be needed ({mode['required_unless'][field]['confidence']})"
        if field in mode["allowed"]:
            return "takes"
        return f"no ({mode['forbidden'][field]['confidence']})"

    def _mode(self, name: str, mode: Mapping[str, Any]) -> Iterator[str]:
        section = f"x-modes.modes.{name}"
        yield heading(2, mode["title"], section)
        yield (
            f"Operation {link(mode['operation'], mode['operation'])}. Selected by {self._any(mode['selected_by'])}; needs "
            f"{self._any(mode['required'])}; takes {names(mode['allowed'])}. Sources: {mode['source']}; register: "
            f"{self._register.under('Modes')}.\n"
        )
        for field, rule in mode.get("required_unless", {}).items():
            yield (
                f"`{field}`: {rule['rule']} ({rule['confidence']}); without {names(rule['fields'])}. Way out: {rule['instead']}.\n"
            )
        yield "What it does not take:\n"
        yield self._forbidden(mode["forbidden"])
        yield "Limits, unless the model has its own:\n"
        rows = []
        for field, rule in mode["limits"].items():
            rows.append([self._row(f"{section}.limits.{field}", field), *self._limit(rule, field)])
            if tags := rule.get("tags"):
                text = (
                    f"`{tags['pattern']}`: from {tags['first']} (beside `image` from {tags['first_beside']['image']}) to the number of "
                    f"`{tags['count_of']}`"
                )
                where = self._register.about("Limits", "reference_tag_first")
                rows.append(
                    [
                        self._row(f"{section}.limits.{field}.tags", "tags"),
                        text,
                        tags["confidence"],
                        tags["source"],
                        where,
                        "",
                    ]
                )
        yield lean(["Field", "Limit", "Conf.", "Source", "Register", "The service says"], rows)

    @staticmethod
    def _any(fields: Sequence[str]) -> str:
        return names(fields) if fields else "nothing else"

    def _row(self, section: str, name: str) -> Raw:
        return Raw(f"{mark(section)}`{name}`")

    def _limit(self, rule: Mapping[str, Any], field: str) -> list[object]:
        text = limit(rule, "").rpartition(" (")[0]
        if times := rule.get("times"):
            text += (
                f"; each `{times['key']}` above {times['above']} and below `{times['below']}`, one in each of "
                f"{times['slots_per_second']} slots a second"
            )
        if rule.get("blank") is False:
            text += "; not blank"
        if "certain_with" in rule:
            confidence = f"{rule['confidence']} with {names(rule['certain_with'])}, else M"
        else:
            confidence = rule["confidence"] + "".join(f"; M for `{model}`" for model in rule.get("uncertain_for", ()))
        return [
            text,
            confidence,
            rule["source"],
            self._origin(field),
            refusal_text(rule, self._texts),
        ]

    def _origin(self, field: str) -> Raw:
        known = field in ROWS
        return self._register.titled("Limits", ROWS[field]) if known else self._register.under("Request fields")

    def _forbidden(self, rules: Mapping[str, Any]) -> str:
        rows = [
            [f"`{field}`", rule["rule"], rule["instead"], EFFECTS[rule["effect"]], rule["confidence"]]
            for field, rule in rules.items()
        ]
        return lean(["Field", "Rule", "Way out", "Otherwise", "Conf."], rows)

    def _fields(self) -> Iterator[str]:
        yield heading(2, "Fields", "x-modes.fields")
        yield f"Each field that a body may have, and its type. Any other is refused. Register: {self._register.under('Request fields')}.\n"
        rows: list[list[object]] = []
        for field, rule in self._data["fields"].items():
            rows.append([self._row(f"x-modes.fields.{field}", field), " or ".join(rule["type"]), "", "", ""])
            for key, each in rule.get("keys", {}).items():
                rows.append([Raw(f"`{field}.{key}`"), *self._key(each)])
                for inner, deep in each.get("keys", {}).items():
                    rows.append([Raw(f"`{field}.{key}.{inner}`"), *self._key(deep)])
        yield lean(["Field", "Type", "Range", "Conf.", "Source"], rows)

    def _key(self, rule: Mapping[str, Any]) -> list[object]:
        parts = ["needed"] if rule.get("required") else []
        if "minimum" in rule:
            parts += [f"{rule['minimum']:,} to {rule['maximum']:,}"]
        if "min_length" in rule:
            parts += [f"{rule['min_length']} to {rule['max_length']} characters"]
        return [" or ".join(rule["type"]), ", ".join(parts), rule.get("confidence"), rule.get("source")]

    def _models(self) -> Iterator[str]:
        data = self._data
        yield "# Models\n"
        yield (
            f"Which model has which mode, and within what range. A model that is not listed here is held to the rules of the mode alone. "
            f"Register: {self._register.under('Models')}, {self._register.under('Limits')}.\n"
        )
        columns = ["", *(link(f"x-modes.models.{model}", model) for model in data["models"])]
        titles = [
            *((link(f"x-modes.modes.{name}", rule["title"]), name, []) for name, rule in data["modes"].items()),
            *((each["title"], each["mode"], each["fields"]) for each in data["variants"].values()),
        ]
        yield lean(
            columns,
            [[title, *(has(each, mode, fields) for each in data["models"].values())] for title, mode, fields in titles],
        )
        yield "## Ranges\n"
        yield "A model's own limit replaces that of the mode. In brackets is the confidence.\n"
        for field, title in RANGES.items():
            rows = [
                [
                    link(f"x-modes.modes.{name}.limits.{field}", mode["title"]),
                    *(self._held(model, name, field) for model in data["models"]),
                ]
                for name, mode in data["modes"].items()
                if field in mode["limits"]
            ]
            yield f"### {title}\n"
            yield lean(columns, rows)
        for model, rule in data["models"].items():
            yield from self._model(model, rule)

    def _held(self, model: str, mode: str, field: str) -> str:
        known = self._data["models"][model]["modes"].get(mode)
        return held(self._data, model, mode, field) if known and field not in known["forbidden"] else "-"

    def _model(self, model: str, rule: Mapping[str, Any]) -> Iterator[str]:
        section = f"x-modes.models.{model}"
        yield heading(2, f"`{model}`", section)
        yield (
            f"Since {rule['since']}; aliases: {names(rule['aliases'])}. Register: {self._register.about('Models', model)}; "
            f"{link(f'x-pricing.models.{model}', 'prices')}.\n"
        )
        if rule["lacks"]:
            rows = [
                [link(f"x-modes.modes.{mode}"), each["confidence"], each["source"], refusal_text(each, self._texts)]
                for mode, each in rule["lacks"].items()
            ]
            yield "It lacks these modes:\n"
            yield lean(["Mode", "Conf.", "Source", "The service says"], rows)
        for mode, each in rule["modes"].items():
            yield heading(3, self._data["modes"][mode]["title"], f"{section}.{mode}")
            if not each["limits"] and not each["forbidden"]:
                yield f"As {link(f'x-modes.modes.{mode}')} says.\n"
            if each["forbidden"]:
                yield self._forbidden(each["forbidden"])
            if each["limits"]:
                rows = [[f"`{field}`", *self._limit(limits, field)] for field, limits in each["limits"].items()]
                yield lean(["Field", "Limit", "Conf.", "Source", "Register", "The service says"], rows)

    def _inputs(self) -> Iterator[str]:
        data = self._data
        yield heading(1, "Inputs and voices", "x-modes.inputs")
        yield (
            "An input is an object that has exactly one of some names. The service checks none of it when it accepts a job: a job whose "
            f"media it can't read fails on a look. Register: {self._register.under('Nested objects')}, {self._register.about('Limits', 'image_size')}.\n"
        )
        rows = [
            [
                Raw(f"{mark(f'x-modes.inputs.{kind}')}`{kind}`"),
                names(each["paths"]),
                names(each["one_of"]),
                ", ".join(each["schemes"]),
                ", ".join(each["media_types"]) or "any",
                f"{each['max_bytes']:,}" if "max_bytes" in each else "-",
                f"{', '.join(each['suffixes'])} ({each['suffix_confidence']})" if each["suffixes"] else "any",
                each["confidence"],
                each["source"],
            ]
            for kind, each in data["inputs"].items()
        ]
        columns = [
            "Kind",
            "At",
            "One of",
            "Schemes of a URL",
            "Media types of a data: URL",
            "Bytes of it",
            "Path ends in",
            "Conf.",
            "Source",
        ]
        yield lean(columns, rows)
        yield "A URL that is no `data:` URL matches this, in any letter case:\n"
        yield f"```text\n{data['url_pattern']}\n```\n"
        voices = data["voices"]
        yield heading(2, "Voices", "x-modes.voices")
        yield (
            f"At `{voices['path']}`: a preset in {voices['case']} case ({voices['confidence']}), or a team's own, of the form "
            f"`{voices['custom_pattern']}` ({voices['custom_confidence']}). Another name is warned of, and sent. Source: {voices['source']}; "
            f"register: {self._register.about('Modes', 'reference_audios')}.\n"
        )
        yield f"{names(voices['presets'])}\n"
        yield f"The service says of another: {plain(refusal_text(voices, self._texts))}\n"

    def _misnomers(self) -> Iterator[str]:
        data = self._data["misnomers"]
        yield heading(1, "Misnomers", "x-modes.misnomers")
        yield (
            "Names that other documents and APIs use, and this one does not have. The service ignores unknown fields of a body, so each "
            f"would cost a video that lacks what was asked for. Register: {self._register.under('Contradictions')}.\n"
        )
        for kind, title in (("body", "In a body"), ("keywords", "As keywords of the client"), ("models", "As models")):
            yield f"## {title}\n"
            yield lean(
                ["Name", "Instead", "Seen in"],
                [[f"`{name}`", each["instead"], each["seen"]] for name, each in data[kind].items()],
            )
