"""The document of an era (`x-eras`): the rules that existed at that time."""

from collections.abc import Iterator, Mapping
from typing import Any


class UnknownEra(ValueError):
    """The document has no such era."""


def as_of(document: Mapping[str, Any], era: str | None) -> dict[str, Any]:
    """The document without later additions; None is the default era.

    Raises:
        UnknownEra: There is no such era.
    """
    eras = document["x-eras"]["eras"]
    name = document["x-eras"]["default"] if era is None else era
    if name not in eras:
        raise UnknownEra(f"as_of is one of {', '.join(eras)}, not {name!r}")
    cut: dict[str, Any] = _cut(document, eras[name]["month"])
    return cut


def _cut(node: Any, month: str) -> Any:
    if isinstance(node, list):
        return [_cut(item, month) for item in node if not _is_later(item, month) or _before(item)]
    if not isinstance(node, Mapping):
        return node
    if _is_later(node, month):
        node = {**node, **_before(node)}
    found = {name: _cut(item, month) for name, item in node.items() if not _is_later(item, month) or _before(item)}
    if "x-since-values" in node:
        found["enum"] = list(_present(node, month))
    return found


def _is_later(node: Any, month: str) -> bool:
    since = node.get("x-since", node.get("since")) if isinstance(node, Mapping) else None
    return isinstance(since, str) and since > month


def _before(node: Mapping[str, Any]) -> Mapping[str, Any]:
    """The earlier form of a part that was added later; empty if there was none."""
    if "phrase" in node:  # of x-errors.codes
        return {"code": node["phrase"]}
    earlier = node.get("earlier", {})
    return {"text": earlier} if isinstance(earlier, str) else dict(earlier)


def _present(schema: Mapping[str, Any], month: str) -> Iterator[Any]:
    since = schema["x-since-values"]
    return (value for value in schema["enum"] if since.get(value, month) <= month)
