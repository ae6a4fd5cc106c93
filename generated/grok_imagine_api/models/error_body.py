# Generated from openapi/grok-imagine.yaml by `make generate`. Do not edit.
from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, TypeVar, cast

from attrs import define as _attrs_define
from attrs import field as _attrs_field

from ..types import UNSET, Unset

if TYPE_CHECKING:
    from ..models.media_usage import MediaUsage


T = TypeVar("T", bound="ErrorBody")


@_attrs_define
class ErrorBody:
    """Body of a JSON error. Flat; `code` is a phrase in spring 2026 and a kebab-case token since summer, so match on
    the status first. An unknown route answers `{"error": {"code": 404, "message": ...}}` instead.

    """

    code: Any | Unset = UNSET
    """ A phrase or a token """
    error: Any | Unset = UNSET
    """ A text for people, or an object with one """
    usage: MediaUsage | None | Unset = UNSET
    """ What was billed all the same, such as a finished video that moderation withheld """
    additional_properties: dict[str, Any] = _attrs_field(init=False, factory=dict)

    def to_dict(self) -> dict[str, Any]:
        from ..models.media_usage import MediaUsage  # noqa: PLC0415

        code = self.code

        error = self.error

        usage: dict[str, Any] | None | Unset
        if isinstance(self.usage, Unset):
            usage = UNSET
        elif isinstance(self.usage, MediaUsage):
            usage = self.usage.to_dict()
        else:
            usage = self.usage

        field_dict: dict[str, Any] = {}
        field_dict.update(self.additional_properties)
        field_dict.update({})
        if code is not UNSET:
            field_dict["code"] = code
        if error is not UNSET:
            field_dict["error"] = error
        if usage is not UNSET:
            field_dict["usage"] = usage

        return field_dict

    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        from ..models.media_usage import MediaUsage  # noqa: PLC0415

        d = dict(src_dict)
        code = d.pop("code", UNSET)

        error = d.pop("error", UNSET)

        def _parse_usage(data: object) -> MediaUsage | None | Unset:
            if data is None:
                return data
            if isinstance(data, Unset):
                return data
            try:
                if not isinstance(data, dict):
                    raise TypeError()
                usage_type_0 = MediaUsage.from_dict(data)

                return usage_type_0
            except (TypeError, ValueError, AttributeError, KeyError):
                pass
            return cast(MediaUsage | None | Unset, data)

        usage = _parse_usage(d.pop("usage", UNSET))

        error_body = cls(
            code=code,
            error=error,
            usage=usage,
        )

        error_body.additional_properties = d
        return error_body

    @property
    def additional_keys(self) -> list[str]:
        return list(self.additional_properties.keys())

    def __getitem__(self, key: str) -> Any:
        return self.additional_properties[key]

    def __setitem__(self, key: str, value: Any) -> None:
        self.additional_properties[key] = value

    def __delitem__(self, key: str) -> None:
        del self.additional_properties[key]

    def __contains__(self, key: str) -> bool:
        return key in self.additional_properties
