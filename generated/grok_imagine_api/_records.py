# Generated from scripts/contract_records.py by `make generate`. Do not edit.
"""The classes of the contract's constants."""

from collections.abc import Mapping
from decimal import Decimal
from types import MappingProxyType
from typing import Any, dataclass_transform


@dataclass_transform(frozen_default=True, kw_only_default=True)
class Record:
    """An immutable record. Plainer than a dataclass, whose class costs a hundred times as much to make on import."""

    def __init__(self, **fields: Any) -> None:
        self.__dict__.update(fields)

    def __setattr__(self, name: str, value: Any) -> None:
        raise AttributeError(f"{type(self).__name__} is immutable")

    def __delattr__(self, name: str) -> None:
        raise AttributeError(f"{type(self).__name__} is immutable")

    def __eq__(self, other: object) -> bool:
        return type(other) is type(self) and vars(other) == vars(self)

    def __hash__(self) -> int:
        return hash(repr(self))

    def __repr__(self) -> str:
        return f"{type(self).__name__}({', '.join(f'{name}={value!r}' for name, value in vars(self).items())})"


class Rule(Record):
    """Why a field may not be in a mode, and what to do instead. Refused if the confidence is H, else warned of.

    The effect of the field at the service: `refused`, `ignored` or `other_mode`. The refusal names one of x-errors.texts.
    """

    rule: str
    instead: str
    effect: str
    confidence: str
    refusal: str = ""


class Requirement(Record):
    """A field that is needed unless one of these is there."""

    fields: tuple[str, ...]
    rule: str
    instead: str
    confidence: str
    source: str
    since: str = ""
    earlier: Mapping[str, tuple[str, ...]] = MappingProxyType({})


class FieldLimit(Record):
    """What a field may hold. Numbers have a range, lists and texts a length, open enumerations their known values.

    Where `certain_with` names fields, the confidence holds beside one of them, and is else M; so it is of the models that
    `uncertain_for` names.
    """

    source: str
    confidence: str
    certain_with: tuple[str, ...] = ()
    uncertain_for: tuple[str, ...] = ()
    refusal: str = ""
    since: str = ""
    earlier: Mapping[str, int] = MappingProxyType({})
    slots_per_second: int | None = None
    minimum: int | None = None
    maximum: int | None = None
    min_length: int | None = None
    max_length: int | None = None
    min_items: int | None = None
    max_items: int | None = None
    values: tuple[str, ...] = ()
    default: int | str | None = None


class Mode(Record):
    """A way to make a video: the fields that select it, and which body fields it needs, takes and refuses."""

    title: str
    operation: str
    selected_by: tuple[str, ...]
    required: tuple[str, ...]
    allowed: tuple[str, ...]
    forbidden: Mapping[str, Rule]
    limits: Mapping[str, FieldLimit]
    source: str
    required_unless: Mapping[str, Requirement] = MappingProxyType({})


class Variant(Record):
    """Another name that people meet for a mode with certain fields."""

    title: str
    mode: str
    fields: tuple[str, ...]


class Lack(Record):
    """A mode that a model does not have."""

    confidence: str
    source: str
    refusal: str = ""


class ModelMode(Record):
    """Where a model is narrower than the mode."""

    limits: Mapping[str, FieldLimit]
    forbidden: Mapping[str, Rule]


class Model(Record):
    """A model: since when, its other names, the modes it lacks and the modes it serves."""

    since: str
    aliases: tuple[str, ...]
    lacks: Mapping[str, Lack]
    modes: Mapping[str, ModelMode]


class Input(Record):
    """How media are given in some fields: exactly one of one_of, as a URL of these schemes and media types."""

    fields: tuple[str, ...]
    one_of: tuple[str, ...]
    schemes: tuple[str, ...]
    media_types: tuple[str, ...]
    suffixes: tuple[str, ...]
    confidence: str
    suffix_confidence: str
    source: str


class Voices(Record):
    """The names of voices: presets in lower case, and what the ids of a team's own ones look like."""

    presets: tuple[str, ...]
    case: str
    custom_pattern: str
    confidence: str
    custom_confidence: str
    source: str
    refusal: str


class Misnomer(Record):
    """A name that other documents use and this API does not have."""

    instead: str
    seen: str


class Acceptor(Record):
    """What an answer of getVideo means. Empty statuses, None and no error_kind hold for anything."""

    outcome: str
    http_status: int
    source: str
    statuses: tuple[str | None, ...] = ()
    respect_moderation: bool | None = None
    url: str | None = None
    error_kind: str | None = None
    note: str = ""


class Phase(Record):
    """Seconds between looks up to an age of the job in seconds; until None is for ever."""

    until: float | None
    every: float


class ErrorKind(Record):
    """An HTTP failure: holds when the status is equal and, if given, a code is equal or a text is contained."""

    kind: str
    http_status: int
    retry: str
    source: str
    code: tuple[str, ...] = ()
    text: tuple[str, ...] = ()


class Limit(Record):
    """One figure of the service, with the confidence and source it is known by."""

    value: float
    unit: str
    confidence: str
    source: str
    note: str = ""


class Rate(Record):
    """One thing that is said of the rate. They do not agree; no models means any."""

    value: float
    per: str
    models: tuple[str, ...]
    confidence: str
    source: str
    note: str = ""


class Tier(Record):
    """The rate of a team by what it has spent in USD."""

    tier: int
    requests_per_second: float
    spend_usd: float
    confidence: str
    source: str


class Region(Record):
    """A host beside the service's own, and what it lacks."""

    video: bool
    rule: str
    instead: str
    confidence: str
    source: str


class Storage(Record):
    """USD for files that are kept: a GiB a day, and a GiB downloaded."""

    gib_day: Decimal
    gib_download: Decimal
    confidence: str
    source: str


class Price(Record):
    """USD a second of output by resolution, an input image and a second of input video; None is unknown."""

    output_second: Mapping[str, Decimal]
    input_image: Decimal | None
    input_second: Decimal | None
    confidence: str
    source: str
    note: str = ""
