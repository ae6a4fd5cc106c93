"""What a job is asked for: the keywords of the vendor's SDK, and the wire's body."""

from __future__ import annotations

import copy
import hashlib
from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Any, Self

from grok_imagine_api import contract

from ..errors import ModeConflict, OutOfRange, UnknownField
from ..media.content import json_pieces
from ..media.inputs import url_of
from . import validation, values

__all__ = ["VideoRequest"]


_PLAIN = ("prompt", "model", "duration", "aspect_ratio", "resolution", "generate_audio", "user", "storage_options")
_MEDIA = ("image", "last_frame", "video")
_LISTS = ("reference_image_urls", "reference_image_file_ids", "reference_audios", "keyframes")
KEYWORDS = frozenset([*_PLAIN, *(f"{m}_{k}" for m in _MEDIA for k in ("url", "file_id")), *_LISTS, "output_upload_url"])


class VideoRequest:
    """A request for one job: a mode, and the JSON body that asks for it. Immutable, and checked only when it is sent.

    Make one by the constructor of its mode, such as `TextToVideo`, by `from_keywords`, or by `from_body` from a wire body.

    Attributes:
        mode: One of `text-to-video`, `image-to-video`, `reference-to-video`, `edit-video`, `extend-video`.
        body: What is posted.
    """

    __slots__ = ("_is_checked", "_sha256", "body", "mode")

    mode: str
    body: Mapping[str, Any]
    _is_checked: bool
    _sha256: str | None

    def __init__(self, mode: str, body: Mapping[str, Any]) -> None:
        if not isinstance(body, Mapping):
            raise OutOfRange(f"is an object; got {type(body).__name__}", fields=["body"], mode=mode)
        object.__setattr__(self, "mode", mode)
        object.__setattr__(self, "_sha256", None)
        object.__setattr__(self, "_is_checked", False)
        # A copy of its own, so that what the caller changes later does not change what is posted and hashed.
        own = {name: _own(name, value) for name, value in validation.present(body).items()}
        object.__setattr__(self, "body", MappingProxyType({"model": contract.DEFAULT_MODEL} | own))

    @classmethod
    def from_keywords(cls, *, call: str = "generate", strict: bool = True, **keywords: Any) -> VideoRequest:
        """The request that a call makes of its keywords; the fields choose the mode.

        Args:
            call: `generate` or `extend`.
            strict: False passes unknown keywords on as fields, takes the first mode when two are selected, and local files
                of any known type, size and state.
            **keywords: See `VideoOptions`.

        Raises:
            UnknownField: An unknown keyword.
            ModeConflict: The fields select two modes.
            OutOfRange: A local image or video that can't be read, or has a type or size that the contract refuses.
            ConfigurationError: A local file is given, and the extra `[media]` is not installed.
        """
        body = body_of(keywords, strict=strict)
        return VideoRequest(validation.choose(body, call, strict=strict), body)

    @classmethod
    def from_body(cls, body: Mapping[str, Any], *, call: str = "generate") -> VideoRequest:
        """The request that a wire body makes, such as a line of a manifest. Null and empty lists are as good as left out.

        Raises:
            ModeConflict: The fields select two modes.
            OutOfRange: The body is no object.
        """
        if not isinstance(body, Mapping):
            raise OutOfRange(f"is an object; got {type(body).__name__}", fields=["body"])
        return VideoRequest(validation.choose(body, call), body)

    @property
    def operation(self) -> str:
        """The operation of the contract that starts it."""
        return contract.MODES[self.mode].operation

    @property
    def sha256(self) -> str:
        """Hash of the body, in hex; the same for the same body, whatever the order of its fields.

        Raises:
            OutOfRange: The body holds what is no JSON, such as a date.
        """
        if self._sha256 is None:
            object.__setattr__(self, "_sha256", self._hash())
        return str(self._sha256)

    def _hash(self) -> str:
        digest = hashlib.sha256()
        try:
            _check_text(self.body)
            style = {"sort_keys": True, "separators": (",", ":"), "ensure_ascii": True, "allow_nan": False}
            for piece in json_pieces(dict(self.body), **style):
                digest.update(piece)
        except (TypeError, ValueError, RecursionError) as error:
            rule = f"holds what is no JSON: {error}"
            raise OutOfRange(rule, fields=["body"], mode=self.mode, instead="give texts, numbers, lists") from error
        return digest.hexdigest()

    @property
    def delivered_elsewhere(self) -> bool:
        """Whether the result goes to a place the request names, so that an answer without a URL is a success."""
        return "output" in self.body or "storage_options" in self.body

    def check(self) -> None:
        """Checks the request against the contract: mode, model, ranges, media. It is checked once, since it never changes.

        Warns by a `ContractWarning` of what the contract doubts and is not certain of.

        Raises:
            InvalidRequest: Of the kind that says what is wrong; nothing was sent.
        """
        if not self._is_checked:
            validation.check(self.mode, self.body)
            object.__setattr__(self, "_is_checked", True)

    def __setattr__(self, name: str, value: Any) -> None:
        raise AttributeError(f"{type(self).__name__} is immutable")

    def __delattr__(self, name: str) -> None:
        raise AttributeError(f"{type(self).__name__} is immutable")

    def __reduce__(self) -> tuple[Any, ...]:
        return _restore, (type(self), self.mode, dict(self.body))

    def __deepcopy__(self, memo: object) -> Self:
        return self

    def __eq__(self, other: object) -> bool:
        return isinstance(other, VideoRequest) and (self.mode, self.body) == (other.mode, other.body)

    __hash__ = None  # type: ignore[assignment]  # the body is a dict; a set of requests is made by their body's hash

    def __repr__(self) -> str:
        # Prompts are private, data: URLs long and signed URLs secret: only what the video is like is shown.
        shown = {
            key: value for key, value in self.body.items() if key in ("model", "duration", "aspect_ratio", "resolution")
        }
        return f"<{self.mode} {', '.join(f'{key}={value!r}' for key, value in shown.items())}>"


def _own(name: str, value: Any) -> Any:
    """A copy of a field's value, with whole numbers as the wire has them."""
    wanted = contract.FIELDS.get(name)
    copied = copy.deepcopy(value)
    return values.whole(copied, wanted) if wanted else copied


def _restore(cls: type[VideoRequest], mode: str, body: Mapping[str, Any]) -> VideoRequest:
    request = cls.__new__(cls)
    VideoRequest.__init__(request, mode, body)
    return request


def keywords_in(names: Mapping[str, Any]) -> dict[str, Any]:
    """The keywords among the `locals()` of a call that spells them out, and what it caught as `unknown`."""
    unknown: dict[str, Any] = names["unknown"]
    return {name: names[name] for name in KEYWORDS if name in names} | unknown


def body_of(keywords: Mapping[str, Any], *, strict: bool = True) -> dict[str, Any]:
    """The wire's body for keywords of the vendor's SDK. None is as good as left out; without `strict`, what is no keyword is a field.

    Raises:
        UnknownField: An unknown keyword; the message has the right one, if it is known.
        ModeConflict: Two keywords for one field.
        OutOfRange, ConfigurationError: A local image or video that can't be taken; see `media.inputs.url_of`.
    """
    given = {name: value for name, value in keywords.items() if value is not None}
    unknown = {name: value for name, value in given.items() if name not in KEYWORDS}
    if unknown and strict:
        _refuse_keyword(next(iter(unknown)))
    body = unknown | {name: given[name] for name in _PLAIN if name in given}
    for field in _MEDIA:
        if medium := _medium(field, given, strict):
            body[field] = medium
    if "reference_image_file_ids" in given or "reference_image_urls" in given:
        # Ids first, then URLs: the vendor's SDK counts <IMAGE_n> in this order.
        ids, urls = (_sequence(name, given) for name in ("reference_image_file_ids", "reference_image_urls"))
        encoded = [url_of(item, "reference_image_urls", "image", strict=strict) for item in urls]
        body["reference_images"] = [*({"file_id": item} for item in ids), *({"url": url} for url in encoded)]
    if "reference_audios" in given:
        body["reference_audios"] = list(_sequence("reference_audios", given))
    if "keyframes" in given:
        body["keyframes"] = [_keyframe(item, strict) for item in _sequence("keyframes", given)]
    if "output_upload_url" in given:
        body["output"] = {"upload_url": given["output_upload_url"]}
    return body


def _refuse_keyword(name: str) -> None:
    misnomer = contract.KEYWORD_MISNOMERS.get(name)
    raise UnknownField(
        "no such keyword",
        fields=[name],
        instead=misnomer.instead if misnomer else f"the keywords are {', '.join(sorted(KEYWORDS))}",
        section="x-modes.misnomers",
    )


def _medium(field: str, given: Mapping[str, Any], strict: bool, keyword: str = "") -> dict[str, Any] | None:
    url, file_id = given.get(f"{field}_url"), given.get(f"{field}_file_id")
    if url is not None and file_id is not None:
        names = [f"{field}_url", f"{field}_file_id"]
        raise ModeConflict("exclude each other", fields=names, instead="keep one of the two", section="x-modes.inputs")
    if url is None:
        return None if file_id is None else {"file_id": file_id}
    kind = "video" if field == "video" else "image"
    return {"url": url_of(url, keyword or f"{field}_url", kind, strict=strict)}


def _sequence(name: str, given: Mapping[str, Any]) -> Sequence[Any]:
    value = given.get(name, ())
    if isinstance(value, str | bytes | bytearray | memoryview | Mapping) or not isinstance(value, Sequence):
        raise OutOfRange(f"is a list; got {type(value).__name__}", fields=[name], instead=f"write {name}=[...]")
    return value


def _keyframe(item: Mapping[str, Any], strict: bool) -> dict[str, Any]:
    """A keyframe as the vendor's SDK writes it, or as the wire does."""
    if not isinstance(item, Mapping):
        raise OutOfRange(f"holds objects; got {type(item).__name__}", fields=["keyframes"], section="Keyframe")
    if "image" in item:
        return dict(item)
    image = _medium("image", item, strict, "keyframes")
    return {"image": image or {}, "timestamp_s": item.get("timestamp", item.get("timestamp_s"))}


def _check_text(node: object) -> None:
    """Raises UnicodeEncodeError for half an emoji: it can be hashed, and not be sent."""
    if isinstance(node, str):
        _ = node.isascii() or node.encode()
    elif isinstance(node, Mapping):
        for name, value in node.items():
            _check_text(name)
            _check_text(value)
    elif isinstance(node, list | tuple):
        for value in node:
            _check_text(value)
