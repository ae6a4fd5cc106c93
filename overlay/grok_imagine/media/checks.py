"""Checks of the media of a body: images, videos and voices at the paths of the contract's `x-modes.inputs`."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any, TypeAlias

from grok_imagine_api import contract

from ..errors import InvalidRequest, OutOfRange
from ..hints import Hint
from .mp4 import seconds_of

__all__ = ["CERTAIN", "Finding", "at", "is_blank", "kind_of", "media_findings", "seconds_of_video"]

Finding: TypeAlias = tuple[InvalidRequest, str]
"""A violation and the confidence of its rule: H, M or L."""

CERTAIN = "H"
"""The confidence at which a request is refused. Below it, the request is sent with a warning."""

LOCAL = Hint("local_file", "write pathlib.Path(...) for a local file, or a data: URL")
BLANK = " \t\n\r\v\f"
"""Of these alone is a blank text; the same in each language."""

PLACES = tuple((path.partition("[")[0], path, kind) for kind in contract.INPUTS.values() for path in kind.paths)
"""Every path of a body that holds media: its field, the path, and the rules of its kind."""

Refuse: TypeAlias = Callable[..., OutOfRange]


def media_findings(mode: str, body: Mapping[str, Any]) -> Iterator[Finding]:
    """All violations by the media of a body."""
    for field, kind, item in _media(body):
        yield from _medium(mode, field, kind, item)
    yield from _voices(mode, body)


def is_blank(value: object) -> bool:
    """Whether a value is a text without content."""
    return isinstance(value, str) and not value.strip(BLANK)


def seconds_of_video(video: object) -> float | None:
    """The length of a video in a data: URL. The service checks that of other URLs."""
    url = video.get("url") if isinstance(video, Mapping) else None
    return seconds_of(url) if isinstance(url, str) and url[:5].lower() == "data:" else None


def kind_of(field: str) -> contract.Input | None:
    """The rules of the media that a field of a body holds; None if it holds none."""
    return next((kind for name, _, kind in PLACES if name == field), None)


def at(path: str, body: Mapping[str, Any]) -> list[Any]:
    """The values at a path such as `keyframes[].image`: one for each item of a list, None where it has none."""
    field, is_list, key = path.partition("[]")
    value = body.get(field)
    if value is None:
        return []
    items = value if is_list and isinstance(value, list | tuple) else [value]
    name = key.removeprefix(".")
    return [item.get(name) if isinstance(item, Mapping) else None for item in items] if name else list(items)


def _media(body: Mapping[str, Any]) -> Iterator[tuple[str, contract.Input, Any]]:
    """Every image, video and voice of a body, with the rules of its kind."""
    for field, path, kind in PLACES:
        if field in body:
            yield from ((field, kind, item) for item in at(path, body))


def _medium(mode: str, field: str, kind: contract.Input, item: Any) -> Iterator[Finding]:
    def refuse(rule: str, instead: str | Hint = "") -> OutOfRange:
        return OutOfRange(rule, fields=[field], instead=instead, mode=mode, section="x-modes.inputs")

    names = " or ".join(f"`{name}`" for name in kind.one_of)
    if not isinstance(item, Mapping):
        text = f"is an object with {names}; got {type(item).__name__}"
        yield refuse(text, f'write {{"{kind.one_of[0]}": ...}}'), kind.confidence
        return
    given = [name for name in kind.one_of if item.get(name) is not None]
    if len(given) != 1:
        yield refuse(f"takes exactly one of {names}; got {' and '.join(given) or 'none'}"), kind.confidence
        return
    value = item[given[0]]
    if not isinstance(value, str):
        yield refuse(f"has a string as its `{given[0]}`; got {type(value).__name__}", LOCAL), kind.confidence
    elif is_blank(value):
        yield refuse(f"has an empty `{given[0]}`"), kind.confidence
    elif given[0] in kind.urls:
        yield from _url(refuse, kind, value)


def _url(refuse: Refuse, kind: contract.Input, url: str) -> Iterator[Finding]:
    # The start of a URL shows its kind. A data: URL may be long: nothing here copies it.
    scheme, colon, _ = url[:16].partition(":")
    if scheme.lower() not in kind.schemes or not colon:
        yield refuse(f"has a URL of {', '.join(kind.schemes)}; got {_start(url)!r}", LOCAL), kind.confidence
    elif scheme.lower() == "data":
        yield from _data(refuse, kind, url)
    elif not re.fullmatch(contract.URL_PATTERN, url, re.IGNORECASE | re.ASCII):
        yield refuse(f"has a URL with a host and without spaces; got {_start(url)!r}"), kind.confidence
    elif kind.suffixes and not re.split("[?#]", url, maxsplit=1)[0].lower().endswith(kind.suffixes):
        text = f"has a URL whose path ends in {', '.join(kind.suffixes)}"
        yield refuse(text, Hint("strict", "`strict=False` sends another")), kind.suffix_confidence


def _start(url: str) -> str:
    """The start of a URL that may be shown: without name and password, and without its query, which may be a signature."""
    return re.sub("//[^/?#]*@", "//***@", url[:4096]).partition("?")[0][:40]


def _data(refuse: Refuse, kind: contract.Input, url: str) -> Iterator[Finding]:
    media_type = url[5:80].partition(",")[0].partition(";")[0].lower()
    if kind.media_types and media_type not in kind.media_types:
        text = f"is {', '.join(kind.media_types)}; got {media_type or 'a data: URL without a type'}"
        yield refuse(text), kind.confidence
        return
    padding = url.endswith("=") + url.endswith("==")
    size = (len(url) - url.find(",") - 1 - padding) * 3 // 4
    if kind.max_bytes is not None and size > kind.max_bytes:
        yield refuse(f"is at most {kind.max_bytes:,} bytes; got {size:,}", "scale the picture down"), kind.confidence


def _voices(mode: str, body: Mapping[str, Any]) -> Iterator[Finding]:
    """Names of voices. A team's own voices are unknown here, so none is refused."""
    voices = contract.VOICES
    field = voices.path.partition("[")[0]
    for name in at(voices.path, body):
        if not isinstance(name, str) or name in voices.presets or re.fullmatch(voices.custom_pattern, name):
            continue
        known = name.strip().lower()
        way = f"write `{known}`: presets are in lower case" if known in voices.presets else "the presets are in x-modes"
        error = OutOfRange(
            f"has a `voice_id` that is neither a preset nor in the form of a custom voice; got {name[:40]!r}",
            fields=[field],
            instead=way,
            mode=mode,
            section="x-modes.voices",
        )
        yield error, voices.custom_confidence
