"""Pages of the endpoints: each operation with its parameters, fields, answers and examples; the schemas; the failures."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from contract_page import Raw, plain
from site_markup import Register, code, folded, heading, lean, link, tabs

TITLES = {
    "videos": "Videos",
    "video-models": "Video models",
    "batches": "Batches",
    "files": "Files",
}
BOUNDS = {
    "minimum": "from {}",
    "maximum": "to {}",
    "minLength": "at least {} characters",
    "maxLength": "at most {} characters",
    "minItems": "at least {}",
    "maxItems": "at most {}",
}


def words(text: str) -> str:
    """A description as one paragraph of Markdown. What it links to is in the register."""
    text = plain(" ".join(text.split())).replace("](#", "](register.md#")
    return re.sub(r"\b[Rr]ow (\d+)\b", lambda found: link(f"row-{found[1]}", found[0]), text)


def sentence(text: str) -> str:
    """A description that another may follow."""
    return f"{words(text).rstrip('.')}. " if text else ""


class Operations:
    """Writes the pages of a document's paths and components.

    Args:
        document: The document.
        register: Where its facts come from.
    """

    def __init__(self, document: Mapping[str, Any], register: Register) -> None:
        self._document, self._register = document, register
        self._components = document["components"]
        self._evidence: dict[tuple[str, str], tuple[Mapping[str, Any], str]] = {}
        for each in document["x-evidence"]["tables"]:
            for row in each["rows"]:
                for field in row.get("fields", ()):
                    key = row.get("schema", each.get("schema")), field
                    self._evidence.setdefault(key, (row, each["title"]))

    def pages(self) -> Iterator[tuple[str, str]]:
        """All of them, by name."""
        for tag, title in TITLES.items():
            found = [
                (method, path, each)
                for path, methods in self._document["paths"].items()
                for method, each in methods.items()
                if tag in each["tags"]
            ]
            about = next(each["description"] for each in self._document["tags"] if each["name"] == tag)
            parts = [f"# {title}\n", f"{about}\n", self._overview(found)]
            parts += [part for each in found for part in self._operation(*each)]
            yield tag, "\n".join(parts)
        yield "schemas", "\n".join(self._schemas())
        yield "failures", "\n".join(self._failures())

    def _overview(self, found: Iterable[tuple[str, str, Mapping[str, Any]]]) -> str:
        rows = []
        for method, path, each in found:
            confidence, row = self._register.operation(each["operationId"])
            name = link(each["operationId"], each["operationId"])
            rows.append([name, Raw(f"`{method.upper()} {path}`"), each["summary"], confidence, row])
        return lean(["Operation", "Request", "", "Conf.", "Register"], rows)

    def _operation(self, method: str, path: str, each: Mapping[str, Any]) -> Iterator[str]:
        name = each["operationId"]
        confidence, row = self._register.operation(name)
        yield heading(2, name, name)
        yield f"```text\n{method.upper()} {path}\n```\n"
        yield f"{each['summary']}. Confidence {confidence}, register: {row}.\n"
        yield f"{words(each['description'])}\n"
        parameters = [self._deref(parameter) for parameter in each.get("parameters", ())]
        if parameters:
            yield "{.part}\nParameters\n"
            yield lean(["Name", "In", "Type", "Needed", ""], [self._parameter(one) for one in parameters])
        if "requestBody" in each:
            for media_type, content in each["requestBody"]["content"].items():
                yield f"{{.part}}\nBody, `{media_type}`\n"
                yield from self._body(content["schema"])
                if examples := self._examples(content, media_type):
                    yield tabs(examples)
        yield "{.part}\nAnswers\n"
        yield from self._answers(each["responses"])

    def _parameter(self, each: Mapping[str, Any]) -> list[object]:
        needed = "yes" if each.get("required") else "no"
        example = f"; such as `{each['example']}`" if "example" in each else ""
        return [Raw(f"`{each['name']}`"), each["in"], self._type(each["schema"]), needed, each["description"] + example]

    def _body(self, schema: Mapping[str, Any]) -> Iterator[str]:
        if "$ref" not in schema:
            yield f"{self._type(schema)}.\n"
            return
        name = schema["$ref"].rpartition("/")[2]
        yield f"{link(name, name)}: {words(self._components['schemas'][name]['description'])}\n"
        yield self._fields(name)

    def _answers(self, responses: Mapping[str, Any]) -> Iterator[str]:
        rows, examples = [], []
        for status, each in responses.items():
            there = each["$ref"].rpartition("/")[2] if "$ref" in each else ""
            answer = self._components["responses"][there] if there else each
            types = [Raw(f"`{media_type}`") for media_type in answer.get("content", {})]
            schemas = [self._type(content["schema"]) for content in answer.get("content", {}).values()]
            bodies = ", ".join(dict.fromkeys(schemas)) or "no body"
            rows.append(
                [
                    status,
                    words(answer["description"]),
                    Raw(bodies),
                    Raw(", ".join(types)),
                    there and link(there, "examples"),
                ]
            )
            if not there:
                shown = [
                    one for kind, content in each.get("content", {}).items() for one in self._examples(content, kind)
                ]
                if shown:
                    examples.append((status, tabs(shown)))
        yield lean(["HTTP", "", "Body", "Media type", ""], rows)
        for status, shown_as in examples:
            yield folded(f"Examples of {status}", shown_as)
        headers = {name: header for each in responses.values() for name, header in each.get("headers", {}).items()}
        if headers:
            rows = [[Raw(f"`{name}`"), self._deref(header)["description"]] for name, header in headers.items()]
            yield folded("Headers of a success", lean(["Header", ""], rows))

    def _examples(self, content: Mapping[str, Any], media_type: str) -> list[tuple[str, str]]:
        """Titles and examples of a body."""
        if "example" in content:
            return [("Example", code(content["example"], media_type))]
        examples = content.get("examples", {})
        return [
            (each.get("summary", name.replace("-", " ").capitalize()), code(each["value"], media_type))
            for name, each in examples.items()
        ]

    def _schemas(self) -> Iterator[str]:
        yield "# Schemas\n"
        yield (
            "What bodies and answers hold. Answers are open: a field that is not listed may come at any time. The last column links to "
            "where a fact comes from.\n"
        )
        for name, schema in self._components["schemas"].items():
            yield heading(2, name, name)
            since = f" Since {schema['x-since']}." if "x-since" in schema else ""
            yield f"{words(schema['description'])}{since}\n"
            if "enum" in schema:
                later = schema.get("x-since-values", {})
                yield lean(["Value", "Since"], [[Raw(f"`{value}`"), later.get(value)] for value in schema["enum"]])
            if schema.get("properties"):
                yield self._fields(name)

    def _fields(self, schema: str) -> str:
        data = self._components["schemas"][schema]
        rows = []
        for name, field in data["properties"].items():
            row, title = self._evidence.get((schema, name), ({}, ""))
            about = sentence(field.get("description", "")) + self._known(field)
            if row.get("note"):
                about += f"<br>{sentence(row['note'])}"
            where = self._register.under(title) if title else self._neighbour(schema)
            rows.append(
                [
                    Raw(f"`{name}`"),
                    self._type(field),
                    "yes" if name in data.get("required", ()) else "",
                    Raw(about),
                    field.get("x-since", data.get("x-since")),
                    row.get("confidence"),
                    where,
                ]
            )
        return lean(["Field", "Type", "Needed", "", "Since", "Conf.", "Register"], rows)

    def _neighbour(self, schema: str) -> Raw:
        """Where the register speaks of what has no row for each field."""
        known = {
            "File": "Files",
            "Public": "Files",
            "Batch": "Batches",
            "Video": "Response fields",
            "Token": "MediaUsage",
        }
        title = next((title for part, title in known.items() if part in schema), "Nested objects")
        return self._register.under(title)

    def _known(self, field: Mapping[str, Any]) -> str:
        if "x-known-values" not in field:
            return ""
        name = field["x-known-values"]["$ref"].rpartition("/")[2]
        return f"Known: {link(name, name)}."

    def _type(self, schema: Mapping[str, Any]) -> Raw:
        """A schema in a few words."""
        if "$ref" in schema:
            name = schema["$ref"].rpartition("/")[2]
            return link(name, name)
        if "anyOf" in schema:
            return Raw(" or ".join(self._type(each) for each in schema["anyOf"]))
        kinds = schema.get("type", "any")
        parts = [kinds] if isinstance(kinds, str) else list(kinds)
        text = " or ".join(part for part in parts)
        if "items" in schema:
            text = text.replace("array", f"array of {self._type(schema['items'])}")
        bounds = [words.format(f"{schema[bound]:,}") for bound, words in BOUNDS.items() if bound in schema]
        return Raw(f"{text}, {' '.join(bounds)}" if bounds else text)

    def _failures(self) -> Iterator[str]:
        yield "# Answers of failures\n"
        yield (
            f"Which failure an answer is, and whether its request may be sent again, is said by {link('x-errors', 'the rules of errors')}. "
            f"Sources: {self._register.under('HTTP statuses')}, {self._register.under('Code vocabulary')}.\n"
        )
        for name, each in self._components["responses"].items():
            used = [
                (status, operation["operationId"])
                for methods in self._document["paths"].values()
                for operation in methods.values()
                for status, answer in operation["responses"].items()
                if answer.get("$ref", "").endswith(f"/{name}")
            ]
            yield heading(2, name, name)
            yield f"{words(each['description'])}\n"
            statuses = ", ".join(sorted({f"`{status}`" for status, _ in used}))
            operations = list(dict.fromkeys(link(operation, operation) for _, operation in used))
            yield f"Status {statuses} of {', '.join(operations)}.\n"
            for media_type, content in each.get("content", {}).items():
                if shown := self._examples(content, media_type):
                    yield tabs(shown)

    def _deref(self, node: Mapping[str, Any]) -> Mapping[str, Any]:
        if "$ref" not in node:
            return node
        _, _, kind, name = node["$ref"].split("/")
        found: Mapping[str, Any] = self._components[kind][name]
        return found
