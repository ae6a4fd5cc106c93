"""Which edits of the `x-` blocks and of schemas break whoever relies on the contract: a table of paths and judges.

Breaking is what refuses, doubts or bills more than before, ends a job otherwise, sends a request again otherwise, or takes
a name away. What no row names is breaking: a new kind of rule is judged here before it is edited.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

GONE = object()
Path = tuple[str, ...]
# True: breaking. False: not. None: look inside.
Judge = Callable[[Any, Any], bool | None]


@dataclass(frozen=True)
class Finding:
    """One edit. `subject` is what the changelog must name: a block, a schema, an operation."""

    subject: str
    where: str
    breaking: bool
    text: str = ""

    def __str__(self) -> str:
        return f"{'breaking' if self.breaking else 'not breaking'}: {self.where}{f': {self.text}' if self.text else ''}"


def never(before: Any, after: Any) -> bool:
    """Words, sources, months: no edit breaks."""
    return False


def always(before: Any, after: Any) -> bool:
    """Any edit breaks."""
    return True


def lower(before: Any, after: Any) -> bool:
    """A lower bound: breaks when it comes or rises."""
    return after is not GONE and (before is GONE or after > before)


def upper(before: Any, after: Any) -> bool:
    """An upper bound: breaks when it comes or falls."""
    return after is not GONE and (before is GONE or after < before)


def figure(before: Any, after: Any) -> bool:
    """A figure that callers may use up: breaks when it goes or falls."""
    return after is GONE or (before is not GONE and after < before)


def price(before: Any, after: Any) -> bool:
    """A price: breaks when it rises, comes or goes; one that was null and is known breaks, too."""
    return GONE in (before, after) or bool(after > before)


def taken(before: Any, after: Any) -> bool:
    """A list of what is taken: breaks when an item goes, or when there is a list where there was none."""
    return after is not GONE and (before is GONE or bool(_items(before) - _items(after)))


def filtered(before: Any, after: Any) -> bool:
    """The same, where an empty list takes anything."""
    return bool(after) and (not before or bool(_items(before) - _items(after)))


def asked(before: Any, after: Any) -> bool:
    """A list of what is asked for: breaks when an item comes."""
    return bool(_items(after) - _items(before))


def listed(before: Any, after: Any) -> bool:
    """A list that callers rely on: breaks when an item goes."""
    return bool(_items(before) - _items(after))


def appended(before: Any, after: Any) -> bool:
    """A list whose order counts: breaks unless items come at its end."""
    return GONE in (before, after) or list(after[: len(before)]) != list(before)


def sure(before: Any, after: Any) -> bool:
    """A confidence: breaks when a rule comes to be certain, for what was sent with a warning is then refused."""
    return bool(after == "H" != before)


def offered(before: Any, after: Any) -> bool | None:
    """An entry that callers may use: breaks when it goes."""
    return False if before is GONE else True if after is GONE else None


def imposed(before: Any, after: Any) -> bool | None:
    """An entry that callers must heed: breaks when it comes."""
    return True if before is GONE else False if after is GONE else None


def acceptors(before: Any, after: Any) -> bool:
    """Rows whose order counts: breaks unless new rows give words of `status`, named by no row, an outcome that there is."""
    rows, rest = [_rule(row) for row in after], [_rule(row) for row in before]
    outcomes = {row["outcome"] for row in rest}
    words = [row.get("when", {}).get("status") for row in rest]
    for row in rows:
        if rest and row == rest[0]:
            rest.pop(0)
            continue
        word = row.get("when", {}).get("status", {})
        if "equals" not in word or word in words or row["outcome"] not in outcomes:
            return True
    return bool(rest)


def kinds(before: Any, after: Any) -> bool:
    """Rows of failures: breaks unless a row only comes to know more codes or texts."""
    if len(before) != len(after):
        return True
    return any(_kind_breaks(_rule(row), _rule(other)) for row, other in zip(before, after, strict=True))


def _kind_breaks(before: Mapping[str, Any], after: Mapping[str, Any]) -> bool:
    same = {key for key in before.keys() | after.keys() if before.get(key) != after.get(key)}
    return not same <= {"code", "text"} or any(
        key not in before or key not in after or listed(before[key], after[key]) for key in same
    )


def _rule(row: Mapping[str, Any]) -> dict[str, Any]:
    """A row without its words."""
    return {key: value for key, value in row.items() if key not in WORDS}


def _items(value: Any) -> set[str]:
    """The items of a list, as text."""
    items = () if value is GONE else value
    return {repr(_rule(item) if isinstance(item, Mapping) else item) for item in items}


WORDS = {
    "title", "summary", "description", "note", "source", "charges_source", "rule", "instead", "seen", "refusal", "since",
    "earlier", "effect", "example", "examples", "version", "warn",
}  # fmt: skip
# The first row that fits counts. `*` is one name and `**` any number of them.
TABLE: tuple[tuple[str, Judge], ...] = (
    ("x-modes misnomers keywords **", never),
    ("x-modes misnomers body **", never),
    ("x-modes misnomers models *", imposed),
    ("x-modes calls *", appended),
    ("x-modes modes * selected_by", always),
    ("x-modes modes * required", asked),
    ("x-modes modes * allowed", listed),
    ("x-modes modes * required_unless *", imposed),
    ("x-modes modes * required_unless * fields", listed),
    ("x-modes ** forbidden *", imposed),
    ("x-modes models * lacks *", imposed),
    ("x-modes models * aliases", listed),
    ("x-modes ** limits *", imposed),
    ("x-modes ** limits * times", imposed),
    ("x-modes ** limits * tags", imposed),
    ("x-modes ** limits * default", always),
    ("x-modes ** uncertain_for", listed),
    ("x-modes ** certain_with", lambda before, after: after is GONE or (before is not GONE and asked(before, after))),
    ("x-modes ** blank", lambda before, after: after is False),
    ("x-modes models * modes *", offered),
    ("x-modes modes *", offered),
    ("x-modes models *", offered),
    ("x-modes variants *", offered),
    ("x-modes fields * keys *", offered),
    ("x-modes fields ** required", lambda before, after: after is True),
    ("x-modes fields ** keys", imposed),
    ("x-modes fields ** type", taken),
    ("x-modes fields *", offered),
    ("x-modes inputs *", imposed),
    ("x-modes inputs * paths", asked),
    ("x-modes inputs * urls", asked),
    ("x-modes inputs * one_of", taken),
    ("x-modes inputs * schemes", taken),
    ("x-modes inputs * media_types", filtered),
    ("x-modes inputs * suffixes", filtered),
    ("x-modes voices presets", listed),
    ("x-waiter acceptors", acceptors),
    ("x-waiter schedule", never),
    ("x-waiter last_poll **", never),
    ("x-waiter failed_poll **", never),
    ("x-waiter timeout", figure),
    ("x-waiter result url", appended),
    ("x-errors kinds", kinds),
    ("x-errors codes", listed),
    ("x-errors texts *", offered),
    ("x-errors texts * text", never),
    ("x-limits rates", never),
    ("x-limits tiers", never),
    ("x-limits *", offered),
    ("x-limits extend_input_minimum value", lower),
    ("x-limits storage_expiry_minimum value", lower),
    ("x-limits reference_tag_first value", lower),
    ("x-limits * value", figure),
    ("x-pricing models *", offered),
    ("x-pricing models * output_second *", lambda before, after: before is not GONE and price(before, after)),
    ("x-pricing models * input_image", price),
    ("x-pricing models * input_second", price),
    ("x-pricing seconds *", offered),
    ("x-pricing charges *", lambda before, after: before is not GONE and asked(before, after)),
    ("x-pricing storage gib_day", price),
    ("x-pricing storage gib_download", price),
    ("x-regions hosts *", imposed),
    ("x-regions hosts * video", lambda before, after: after is not True),
    ("x-eras eras *", offered),
    ("components schemas ** x-enum-varnames", appended),
    ("components schemas ** x-since-values **", never),
    ("components schemas ** x-since", never),
    ("components schemas ** x-known-values **", always),
    ("components schemas ** additionalProperties", lambda before, after: after is not True),
    ("** confidence", sure),
    ("** custom_confidence", sure),
    ("** suffix_confidence", sure),
    *((f"** {name}", lower) for name in ("minimum", "min_length", "min_seconds", "minLength", "minItems")),
    *(
        (f"** {name}", upper)
        for name in ("maximum", "max_length", "max_items", "max_seconds", "max_bytes", "maxLength", "maxItems")
    ),
    ("** values", taken),
)
RULES = tuple((tuple(pattern.split(" ")), judge) for pattern, judge in TABLE)


def fits(pattern: Path, path: Path) -> bool:
    """Whether a pattern is that of a path."""
    if not pattern or not path:
        return not path and all(part == "**" for part in pattern)
    if pattern[0] == "**":
        return fits(pattern[1:], path) or fits(pattern, path[1:])
    return pattern[0] in {"*", path[0]} and fits(pattern[1:], path[1:])


def judged(path: Path, before: Any, after: Any) -> bool | None:
    """What the table says of an edit. Without a row, or where one looks inside, only what both have can be looked into."""
    judge = next((judge for pattern, judge in RULES if fits(pattern, path)), None)
    if judge is never or (judge is None and path[-1] in WORDS):
        return False
    if GONE not in (before, after) and _kind(before) != _kind(after):
        return True
    verdict = judge(before, after) if judge else None
    if verdict is None and not (isinstance(before, Mapping) and isinstance(after, Mapping)):
        return True
    return verdict


def _kind(value: Any) -> type:
    """The type of a value in JSON; which has one of numbers."""
    return float if type(value) is int else type(value)


def edits(before: Any, after: Any, path: Path, subject: str) -> Iterator[Finding]:
    """Each edit between two versions of a part of the document."""
    if before == after:
        return
    verdict = judged(path, before, after)
    if verdict is not None:
        yield Finding(subject, " ".join(path), verdict, _told(before, after))
        return
    for key in dict.fromkeys([*before, *after]):
        yield from edits(before.get(key, GONE), after.get(key, GONE), (*path, str(key)), subject)


def _told(before: Any, after: Any) -> str:
    if before is GONE or after is GONE:
        return "new" if before is GONE else "gone"
    short = [text if len(text := repr(value)) < 60 else f"{text[:57]}..." for value in (before, after)]
    return f"{short[0]} is now {short[1]}"


def block_edits(before: Mapping[str, Any], after: Mapping[str, Any]) -> Iterator[Finding]:
    """Each edit of the `x-` blocks at the root; a new block breaks nobody, one that goes does."""
    for name in dict.fromkeys([*before, *after]):
        if not name.startswith("x-") or name == "x-evidence" or before.get(name) == after.get(name):
            continue
        if name not in before or name not in after:
            yield Finding(name, name, name not in after, "new" if name not in before else "gone")
        else:
            found = edits(before[name], after[name], (name,), name)
            yield from (_new_ground(each, before[name], after[name]) for each in found) if name == "x-modes" else found


def _new_ground(finding: Finding, before: Mapping[str, Any], after: Mapping[str, Any]) -> Finding:
    """What is imposed on a field or a mode that was not there breaks nobody."""
    *_, kind, name = finding.where.split(" ")
    modes = before["modes"]
    fields = {field for mode in modes.values() for part in ("required", "allowed", "forbidden") for field in mode[part]}
    if name == "paths":
        old, new = (each.get("inputs", {}).get(kind, {}).get("paths", ()) for each in (before, after))
        asked_of = {str(path).partition("[")[0].partition(".")[0] for path in {*new} - {*old}}
        return finding if asked_of & fields else replace(finding, breaking=False)
    there = {"forbidden": fields, "limits": fields, "lacks": modes}.get(kind)
    return finding if there is None or name in there else replace(finding, breaking=False)
