"""The contract document: where it is, what it says, and what it says about a request's body."""

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

# The document's schemas of values that the service itself knows as a closed list (register, HTTP statuses: 422).
_CLOSED = ("KnownAspectRatio", "KnownResolution")

# Verdicts about ranges: the service's own rules answer them, with 400.
RANGES = frozenset({"minimum", "maximum", "minLength", "maxLength", "minItems", "maxItems"})

TEAM = "00000000-0000-0000-0000-000000000000"

JsonPath = tuple[str | int, ...]


def document_path() -> Path:
    """Where the document is installed, found without importing the binding that ships it."""
    spec = find_spec("grok_imagine_api")
    if spec is None or not spec.submodule_search_locations:
        raise FileNotFoundError("the package grok_imagine_api, which ships the contract document, is not installed")
    return Path(spec.submodule_search_locations[0]) / "openapi.json"


class Fault(NamedTuple):
    """One thing that openapi-core finds wrong with a body."""

    path: JsonPath
    keyword: str
    """The schema's keyword that does not hold: `type`, `required`, `maximum` ..."""
    wanted: Any
    """What the keyword says; of `required` the missing field."""
    value: Any
    component: str | None
    """Name of the component schema that does not hold, if it has one."""


@functools.cache
def contract_of(era: str | None = None) -> Contract:
    """The contract of an era, which all sandboxes of a process read; see `Contract`."""
    return Contract(era)


class Contract:
    """The document as the sandbox reads it. Nothing in it is written again in Python.

    Args:
        era: One of `x-eras`; None is the document's default.

    Raises:
        UnknownEra: There is no such era.
    """

    def __init__(self, era: str | None = None) -> None:
        self.document: Mapping[str, Any] = as_of(json.loads(document_path().read_bytes()), era)
        # Its validity was checked where it was made.
        self._spec = OpenAPI.from_dict(dict(self.document), config=Config(spec_validator_cls=None)).spec
        # Left to itself openapi-core makes one for each request, which takes thirty times as long as to use it.
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
        """What stands before each path of the document: `/v1`."""
        return self._server.path

    def limit(self, name: str) -> float:
        """A figure of `x-limits`, in the unit the document gives it."""
        value: float = self.document["x-limits"][name]["value"]
        return value

    def error(self, name: str, **parts: object) -> Answer:
        """The answer with one of `x-errors.texts`, with what stands for its {names}."""
        told = self.document["x-errors"]["texts"][name]
        return self._flat(told, told["text"].format(team=TEAM, **parts))

    def unnamed_error(self, kind: str, text: str) -> Answer:
        """An answer of one of the kinds of `x-errors` whose text nobody recorded."""
        return self._flat({"kind": kind}, text)

    def _flat(self, told: Mapping[str, Any], text: str) -> Answer:
        """A JSON error in the service's flat form; its code is that of the era."""
        errors, kind = self.document["x-errors"], told["kind"]
        status = told.get("http_status") or next(
            each["http_status"] for each in errors["kinds"] if each["kind"] == kind
        )
        found = (
            each
            for each in errors["codes"]
            if kind in each["kinds"] and told.get("code", each["token"]) == each["token"]
        )
        code = next(found)
        return Answer(status, {"code": code.get("code", code["token"]), "error": text})

    def limits(self, mode: str, model: str) -> list[tuple[str, Mapping[str, Any]]]:
        """The limits of a mode, and then those by which the model is narrower, each with its field."""
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
        """What an operation answers with 200 in this era: the first of its examples."""
        _, described = self._operations[operation]
        examples = described["responses"]["200"]["content"]["application/json"]["examples"]
        return next(iter(examples.values()))["value"]

    def model_name(self, name: str | None) -> str | None:
        """The model's own name for a name or an alias, the default for None; None if no such model is known."""
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
        """What openapi-core finds wrong with a JSON body, each fault where it really is."""
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
    """The keyword `items`, which goes no further than the first element of a wrong form: no later one is ever told."""
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
    """The errors, those of "this or null" replaced by what is wrong with "this"."""
    for error in errors:
        if error.validator == "anyOf" and error.context:
            yield from _located(inner for inner in error.context if inner.schema_path[0] == 0)
        else:
            yield error


def _missing(error: Any) -> str:
    """The field that an error of `required` is about."""
    required: list[str] = error.validator_value
    return next(name for name in required if repr(name) in error.message)
