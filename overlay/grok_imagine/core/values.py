"""Checks of single values of a body: media, voices, keyframes, tags of a prompt, storage."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any, TypeAlias
from urllib.parse import urlsplit

from grok_imagine_api import contract

from ..errors import InvalidRequest, OutOfRange
from ..hints import Hint
from ..media.mp4 import seconds_of

__all__ = ["CERTAIN", "Finding", "findings", "section_of"]

Finding: TypeAlias = tuple[InvalidRequest, str]
"""A violation and the confidence of its rule: H, M or L."""

CERTAIN = "H"
"""The confidence at which a request is refused. Below it, the request is sent with a warning."""

LOCAL = Hint("local_file", "give a local file as a pathlib.Path by its keyword, or as a data: URL in a body")
TAG = re.compile("<IMAGE_([0-9]+)>")
VIDEO_LENGTHS = {
    "edit-video": (None, "edit_input"),
    "extend-video": ("extend_input_minimum", "extend_input_maximum"),
}
"""The limits for the length of a mode's input video, minimum and maximum."""

Refuse: TypeAlias = Callable[..., OutOfRange]


def section_of(mode: str, model: str | None = None) -> str:
    """The contract's section for a mode, or for a model's narrower rules for it."""
    return f"x-modes.models.{model}.{mode}" if model else f"x-modes.modes.{mode}"


def findings(mode: str, body: Mapping[str, Any]) -> Iterator[Finding]:
    """All violations by the values of a body."""
    for field, kind, item in _media(body):
        yield from _medium(mode, field, kind, item)
    yield from _voices(mode, body)
    yield from _keyframes(mode, body)
    yield from _tags(mode, body)
    yield from _length(mode, body)
    yield from _storage(mode, body)


def _media(body: Mapping[str, Any]) -> Iterator[tuple[str, contract.Input, Any]]:
    """Every image, video and voice of a body, with the rules of its kind."""
    for kind in contract.INPUTS.values():
        for field in kind.fields:
            value = body.get(field)
            items = value if isinstance(value, list | tuple) else [] if value is None else [value]
            for item in items:
                yield field, kind, item.get("image") if field == "keyframes" and isinstance(item, Mapping) else item


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
    elif not value.strip():
        yield refuse(f"has an empty `{given[0]}`"), kind.confidence
    elif given[0].endswith("url"):
        yield from _url(refuse, kind, value)


def _url(refuse: Refuse, kind: contract.Input, url: str) -> Iterator[Finding]:
    # The start of a URL shows its kind. A data: URL may be long: nothing here copies it.
    scheme = url[:16].partition(":")[0].lower()
    if scheme not in kind.schemes or ":" not in url[:16]:
        yield refuse(f"has a URL of {', '.join(kind.schemes)}; got {_start(url)!r}", LOCAL), kind.confidence
        return
    if scheme == "data":
        yield from _data(refuse, kind, url)
        return
    try:
        parts = urlsplit(url)
    except ValueError:  # for example an IPv6 address without its closing bracket
        parts = urlsplit("")
    if not parts.hostname or any(character.isspace() for character in url):
        yield refuse(f"has a URL with a host and without spaces; got {_start(url)!r}"), kind.confidence
    elif kind.suffixes and not parts.path.lower().endswith(kind.suffixes):
        text = f"has a URL whose path ends in {', '.join(kind.suffixes)}"
        yield refuse(text, Hint("strict", "`strict=False` sends another")), kind.suffix_confidence


def _start(url: str) -> str:
    """The start of a URL that may be shown: without its query, which may be a signature."""
    return url[:40].partition("?")[0]


def _data(refuse: Refuse, kind: contract.Input, url: str) -> Iterator[Finding]:
    media_type = url[5:80].partition(",")[0].partition(";")[0].lower()
    if kind.media_types and media_type not in kind.media_types:
        text = f"is {', '.join(kind.media_types)}; got {media_type or 'a data: URL without a type'}"
        yield refuse(text), kind.confidence
    padding = url.endswith("=") + url.endswith("==")
    limit, size = contract.LIMITS["image_size"], (len(url) - url.find(",") - 1) * 3 // 4 - padding
    if kind is contract.INPUTS["image"] and size > limit.value:
        yield refuse(f"is at most {limit.value:,} bytes; got {size:,}", "scale the picture down"), limit.confidence


def _voices(mode: str, body: Mapping[str, Any]) -> Iterator[Finding]:
    """Names of voices. A team's own voices are unknown here, so none is refused."""
    voices = contract.VOICES
    for item in body.get("reference_audios", ()):
        name = item.get("voice_id") if isinstance(item, Mapping) else None
        if not isinstance(name, str) or name in voices.presets or re.fullmatch(voices.custom_pattern, name):
            continue
        known = name.strip().lower()
        way = f"write `{known}`: presets are in lower case" if known in voices.presets else "the presets are in x-modes"
        error = OutOfRange(
            f"has a `voice_id` that is neither a preset nor in the form of a custom voice; got {name[:40]!r}",
            fields=["reference_audios"],
            instead=way,
            mode=mode,
            section="x-modes.voices",
        )
        yield error, voices.custom_confidence


def _keyframes(mode: str, body: Mapping[str, Any]) -> Iterator[Finding]:
    """Times of keyframes: inside the video, and at most one in each slot of the grid."""
    limit = contract.MODES[mode].limits.get("keyframes")
    if limit is None or "keyframes" not in body:
        return
    duration = body.get("duration", contract.MODES[mode].limits["duration"].default)
    taken: dict[int, float] = {}

    def refuse(rule: str, instead: str | Hint = "") -> OutOfRange:
        section = "x-modes.modes.reference-to-video.limits.keyframes"
        return OutOfRange(rule, fields=["keyframes"], instead=instead, mode=mode, section=section)

    for keyframe in body["keyframes"]:
        seconds = keyframe.get("timestamp_s") if isinstance(keyframe, Mapping) else None
        if isinstance(seconds, bool) or not isinstance(seconds, int | float) or seconds != seconds:
            yield refuse(f"has a number of seconds as its `timestamp_s`; got {seconds!r}"), CERTAIN
            continue
        if not 0 < seconds < duration:
            text = f"lies between 0 and {duration} s; got {seconds!r}"
            yield refuse(text, "`image` and `last_frame` pin the ends"), limit.confidence
            continue
        slot = round(seconds * (limit.slots_per_second or 1))
        if slot in taken:
            text = f"has two in one slot of 1/{limit.slots_per_second} s; got {taken[slot]!r} and {seconds!r}"
            yield refuse(text, "set them further apart"), limit.confidence
        taken[slot] = seconds


def _tags(mode: str, body: Mapping[str, Any]) -> Iterator[Finding]:
    """Tags of a prompt that refer to images, in the mode that has reference images. Elsewhere they are plain words."""
    if "reference_images" not in contract.MODES[mode].allowed or not isinstance(body.get("prompt"), str):
        return
    limit = contract.LIMITS["reference_tag_first"]
    # According to one source, a pinned first frame is number 0.
    first, count = 0 if "image" in body else int(limit.value), len(body.get("reference_images", ()))
    for tag in TAG.finditer(body["prompt"]):
        if not first <= int(tag[1]) <= count:
            rule = f"names {tag[0]}, and the reference images are {count or 'none'}"
            way = f"they are <IMAGE_{int(limit.value)}> to <IMAGE_{count}>" if count else "give `reference_images`"
            error = OutOfRange(rule, fields=["prompt"], instead=way, mode=mode, section="x-limits.reference_tag_first")
            yield error, limit.confidence
            return


def _length(mode: str, body: Mapping[str, Any]) -> Iterator[Finding]:
    """The length of a video in a data: URL, in tenths of a second as in the contract. The service checks that of other URLs."""
    video = body.get("video")
    url = video.get("url") if isinstance(video, Mapping) else None
    if mode not in VIDEO_LENGTHS or not isinstance(url, str) or url[:5].lower() != "data:":
        return
    seconds = seconds_of(url)
    least, most = (contract.LIMITS[name] if name else None for name in VIDEO_LENGTHS[mode])
    floor, ceiling = least.value if least else 0, most.value if most else float("inf")
    if seconds is not None and not floor <= round(seconds, 1) <= ceiling:
        limit = least if least and seconds < floor else most
        rule = f"is a video of {floor:g} to {ceiling:g} s; got {seconds:.1f} s"
        error = OutOfRange(rule, fields=["video"], instead="cut it to that", mode=mode, section="x-limits")
        yield error, limit.confidence if limit else CERTAIN


def _storage(mode: str, body: Mapping[str, Any]) -> Iterator[Finding]:
    """Schema StorageOptions."""
    options = body.get("storage_options")
    if not isinstance(options, Mapping):
        return

    def refuse(rule: str) -> InvalidRequest:
        return OutOfRange(rule, fields=["storage_options"], mode=mode, section="x-limits")

    unknown = options.keys() - {"filename", "expires_after", "public_url"}
    if unknown:
        text = f"has `filename`, `expires_after` and `public_url`; got {', '.join(sorted(map(str, unknown)))}"
        yield refuse(text), CERTAIN
    name, longest = options.get("filename"), contract.LIMITS["storage_filename"]
    if not isinstance(name, str) or not 0 < len(name) <= longest.value:
        is_text = isinstance(name, str) and name
        yield refuse(f"has a `filename` of 1 to {longest.value} characters"), longest.confidence if is_text else CERTAIN
    public = options.get("public_url")
    if not isinstance(public, bool | Mapping | None):
        yield refuse(f"has a `public_url` of True or an object with `expires_after`; got {public!r}"), CERTAIN
    low, high = contract.LIMITS["storage_expiry_minimum"], contract.LIMITS["storage_expiry_maximum"]
    for seconds in (options.get("expires_after"), public.get("expires_after") if isinstance(public, Mapping) else None):
        if seconds is not None and not (type(seconds) is int and low.value <= seconds <= high.value):
            text = f"has an `expires_after` of {low.value} to {high.value} s; got {seconds!r}"
            yield refuse(text), low.confidence if type(seconds) is int else CERTAIN
