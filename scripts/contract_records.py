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


class Value(Record):
    """The type of a value, and what it may hold: a field of the body, or a key of an object in it."""

    type: tuple[str, ...]
    required: bool = False
    minimum: int | None = None
    maximum: int | None = None
    min_length: int | None = None
    max_length: int | None = None
    keys: Mapping[str, "Value"] = MappingProxyType({})
    confidence: str = "H"
    source: str = ""


class Tags(Record):
    """Tags of a text that name the items of a list by number."""

    pattern: str
    first: int
    first_beside: Mapping[str, int]
    count_of: str
    confidence: str
    source: str


class Times(Record):
    """Seconds that the items of a list have: their range, and slots of which each takes one item."""

    key: str
    above: float
    below: str
    slots_per_second: int


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
    blank: bool = True
    tags: Tags | None = None
    times: Times | None = None
    min_seconds: float | None = None
    max_seconds: float | None = None
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
    """How media are given at some paths: exactly one of one_of; those of urls are URLs of these schemes and media types."""

    paths: tuple[str, ...]
    one_of: tuple[str, ...]
    urls: tuple[str, ...]
    schemes: tuple[str, ...]
    media_types: tuple[str, ...]
    suffixes: tuple[str, ...]
    confidence: str
    suffix_confidence: str
    source: str
    max_bytes: int | None = None


class Voices(Record):
    """The names of voices: presets in lower case, and what the ids of a team's own ones look like."""

    path: str
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


class Matcher(Record):
    """One condition: equal to a value, `present` or `missing` as a text, or a text that mentions one of these."""

    equals: str | int | bool | None = None
    state: str | None = None
    mentions: tuple[str, ...] = ()


class Acceptor(Record):
    """What an answer of getVideo means, if all matchers hold; their keys are paths into its body."""

    outcome: str
    when: Mapping[str, Matcher]
    source: str
    warn: str = ""
    note: str = ""


class LastPoll(Record):
    """How long before the end of the timeout the last poll is: seconds, or a part of the timeout if that is less."""

    before_end: float
    part: float


class FailedPoll(Record):
    """Seconds: bounds of the pause after a poll that failed."""

    longest_pause: float
    longest_retry_after: float


class Phase(Record):
    """Seconds between polls while the job is younger than `until`, in seconds; None is without end."""

    until: float | None
    every: float


class ErrorKind(Record):
    """An HTTP failure: holds when the status is equal and, if given, a code is equal or a text is contained."""

    kind: str
    http_status: int
    post: str
    get: str
    source: str
    code: tuple[str, ...] = ()
    text: tuple[str, ...] = ()


class Unlisted(Record):
    """HTTP statuses without a kind, from the first to the last."""

    first: int
    last: int
    kind: str
    post: str
    get: str


class Failure(Record):
    """A failure without an error status: whether a POST and a GET may be sent again."""

    post: str
    get: str
    note: str = ""


class Bodies(Record):
    """Paths in a body at which its code and its text may be."""

    code: tuple[str, ...]
    text: tuple[str, ...]
    source: str


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
