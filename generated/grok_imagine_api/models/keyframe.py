# Generated from openapi/grok-imagine.yaml by `make generate`. Do not edit.
from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, TypeVar

from attrs import define as _attrs_define
from attrs import field as _attrs_field

if TYPE_CHECKING:
    from ..models.image_url import ImageUrl


T = TypeVar("T", bound="Keyframe")


@_attrs_define
class Keyframe:
    """A frame that the video passes through"""

    image: ImageUrl
    """ An input image. Exactly one of `url` and `file_id`; a bare string in its place is a 422. """
    timestamp_s: float
    """ Seconds from the start; more than 0, less than the duration, and snapped to thirds of a second """
    additional_properties: dict[str, Any] = _attrs_field(init=False, factory=dict)

    def to_dict(self) -> dict[str, Any]:
        image = self.image.to_dict()

        timestamp_s = self.timestamp_s

        field_dict: dict[str, Any] = {}
        field_dict.update(self.additional_properties)
        field_dict.update(
            {
                "image": image,
                "timestamp_s": timestamp_s,
            }
        )

        return field_dict

    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        from ..models.image_url import ImageUrl  # noqa: PLC0415

        d = dict(src_dict)
        image = ImageUrl.from_dict(d.pop("image"))

        timestamp_s = d.pop("timestamp_s")

        keyframe = cls(
            image=image,
            timestamp_s=timestamp_s,
        )

        keyframe.additional_properties = d
        return keyframe

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
