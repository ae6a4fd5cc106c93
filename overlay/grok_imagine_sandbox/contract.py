"""The contract document: its location, its content, and the validation of request bodies."""

from __future__ import annotations

import functools
import json
from collections.abc import Iterable, Iterator, Mapping
from importlib.util import find_spec
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import SplitResult, urlsplit

from jsonschema.exceptions import ValidationError
from jsonschema.validators import extend
from openapi_core import Config, OpenAPI
from openapi_core.validation.schemas import oas31_schema_validators_factory
from openapi_core.validation.schemas.factories import SchemaValidatorsFactory

from .answers import Answer
from .eras import as_of

# Schemas of values that are a closed list at the service (register, HTTP statuses: 422).
_CLOSED = ("KnownAspectRatio", "KnownResolution")

# Keywords of ranges: the service's own rules answer violations, with 400.
RANGES = frozenset({"minimum", "maximum", "minLength", "maxLength", "minItems", "maxItems"})

TEAM = "00000000-0000-0000-0000-000000000000"

JsonPath = tuple[str | int, ...]


def document_path() -> Path:
    """The path of the installed document, found without importing the package that ships it."""
    spec = find_spec("grok_imagine_api")
    if spec is None or not spec.submodule_search_locations:
        raise FileNotFoundError("the package grok_imagine_api, which ships the contract document, is not installed")
    return Path(spec.submodule_search_locations[0]) / "openapi.json"


class Fault(NamedTuple):
    """One violation in a body that openapi-core reports."""

    path: JsonPath
    keyword: str
    """The violated keyword of the schema: `type`, `required`, `maximum` ..."""
    wanted: Any
    """The keyword's value; for `required` the missing field."""
    value: Any
    component: str | None
    """Name of the violated component schema, if it has one."""


@functools.cache
def contract_of(era: str | None = None) -> Contract:
    """The contract of an era, shared by all sandboxes of a process; see `Contract`."""
    return Contract(era)


class Contract:
    """The document for the sandbox. No rule of it is repeated in Python.

    Args:
        era: One of `x-eras`; None is the document's default.

    Raises:
        UnknownEra: There is no such era.
    """

    def __init__(self, era: str | None = None) -> None:
        self.document: Mapping[str, Any] = as_of(json.loads(document_path().read_bytes()), era)
        # The document was validated when it was made.
        self._spec = OpenAPI.from_dict(dict(self.document), config=Config(spec_validator_cls=None)).spec
        # By default openapi-core makes a validator for each request, which takes thirty times as long as using it.
        self._validators: dict[str, Any] = {}
        self.schemas: Mapping[str, Any] = self.document["components"]["schemas"]
        self.modes: Mapping[str, Any] = self.document["x-modes"]["modes"]
        self.models: Mapping[str, Any] = self.document["x-modes"]["models"]
        self.default_model: str = self.document["x-modes"]["default_model"]
        self.voices: Mapping[str, Any] = self.document["x-modes"]["voices"]
        self.pricing: Mapping[str, Any] = self.document["x-pricing"]
        self._server: SplitResult = urlsplit(self.document["servers"][0]["url"])
        self._models: dict[str, str] = {
            alias: name for name, model in self.models.items() for alias in (name, *model["aliases"])
        }
        self._operations: dict[str, tuple[str, Any]] = {
            operation["operationId"]: (path, operation)
            for path, item in self.document["paths"].items()
            for operation in item.values()
        }

    @property
    def prefix(self) -> str:
        """The prefix of each path of the document: `/v1`."""
        return self._server.path

    def limit(self, name: str) -> float:
        """A value of `x-limits`, in the document's unit."""
        value: float = self.document["x-limits"][name]["value"]
        return value

    def error(self, name: str, **parts: object) -> Answer:
        """The answer with one of `x-errors.texts`; `parts` are the values of its {names}."""
        error = self.document["x-errors"]["texts"][name]
        return self._flat(error, error["text"].format(team=TEAM, **parts))

    def unnamed_error(self, kind: str, text: str) -> Answer:
        """An answer of one of the kinds of `x-errors`, with a text that is not recorded."""
        return self._flat({"kind": kind}, text)

    def _flat(self, error: Mapping[str, Any], text: str) -> Answer:
        """A JSON error in the service's flat form, with the era's code."""
        errors, kind = self.document["x-errors"], error["kind"]
        status = error.get("http_status") or next(
            each["http_status"] for each in errors["kinds"] if each["kind"] == kind
        )
        found = (
            each
            for each in errors["codes"]
            if kind in each["kinds"] and error.get("code", each["token"]) == each["token"]
        )
        code = next(found)
        return Answer(status, {"code": code.get("code", code["token"]), "error": text})

    def limits(self, mode: str, model: str) -> list[tuple[str, Mapping[str, Any]]]:
        """The limits of a mode, then the narrower ones of the model, each with its field."""
        narrowed = self.models[model]["modes"].get(mode, {"limits": {}})
        return [*self.modes[mode]["limits"].items(), *narrowed["limits"].items()]

    def path(self, operation: str) -> str:
        """Path template of an operation, without the server's prefix."""
        path, _ = self._operations[operation]
        return path

    def headers(self, operation: str, status: int) -> frozenset[str]:
        """The headers that the document lists for an answer."""
        _, described = self._operations[operation]
        answer = described["responses"].get(str(status), {})
        if "$ref" in answer:
            answer = self.document["components"]["responses"][answer["$ref"].rpartition("/")[2]]
        return frozenset(answer.get("headers", ()))

    def example(self, operation: str) -> Any:
        """The first example of an operation's 200 answer in this era."""
        _, described = self._operations[operation]
        examples = described["responses"]["200"]["content"]["application/json"]["examples"]
        return next(iter(examples.values()))["value"]

    def model_name(self, name: str | None) -> str | None:
        """The model's name for a name or an alias, the default for None; None for an unknown model."""
        return self._models.get(self.default_model if name is None else name)

    def body_schema(self, operation: str) -> Mapping[str, Any]:
        """Schema of an operation's request body."""
        _, described = self._operations[operation]
        reference: str = described["requestBody"]["content"]["application/json"]["schema"]["$ref"]
        schema: Mapping[str, Any] = self.schemas[reference.rpartition("/")[2]]
        return schema

    def closed_values(self, operation: str) -> Iterator[tuple[str, list[str]]]:
        """Body fields that take a closed list of values, with the list."""
        closed = {f"#/components/schemas/{name}": self.schemas[name]["enum"] for name in _CLOSED}
        for name, schema in self.body_schema(operation)["properties"].items():
            known = schema.get("x-known-values", {}).get("$ref")
            if known in closed:
                yield name, closed[known]

    def faults(self, operation: str, body: object) -> list[Fault]:
        """The violations in a JSON body that openapi-core reports, at their precise locations."""
        if operation not in self._validators:
            content = self._spec / "paths" / self.path(operation) / "post" / "requestBody" / "content"
            schema = content / "application/json" / "schema"
            self._validators[operation] = _VALIDATORS.create(self._spec, schema).validator
        return [self._fault(verdict) for verdict in _located(self._validators[operation].iter_errors(body))]

    def _fault(self, error: Any) -> Fault:
        wanted = _missing(error) if error.validator == "required" else error.validator_value
        component = next((name for name, schema in self.schemas.items() if schema == error.schema), None)
        return Fault(tuple(error.absolute_path), error.validator, wanted, error.instance, component)


def _items(validator: Any, schema: Any, value: Any, _: Any) -> Iterator[ValidationError]:
    """The keyword `items`, which stops at the first element of a wrong form, since only the first is reported."""
    for index, item in enumerate(value if validator.is_type(value, "array") else ()):
        faulty = False
        for error in validator.descend(item, schema, path=index):
            faulty = faulty or any(located.validator not in RANGES for located in _located([error]))
            yield error
        if faulty:
            return


_VALIDATORS = SchemaValidatorsFactory(
    extend(oas31_schema_validators_factory.schema_validator_cls, validators={"items": _items})
)


def _located(errors: Iterable[Any]) -> Iterator[Any]:
    """The errors, where those of "this or null" are replaced by those of "this"."""
    for error in errors:
        if error.validator == "anyOf" and error.context:
            yield from _located(inner for inner in error.context if inner.schema_path[0] == 0)
        else:
            yield error


def _missing(error: Any) -> str:
    """The field that an error of `required` is about."""
    required: list[str] = error.validator_value
    return next(name for name in required if repr(name) in error.message)
