# Generated from openapi/grok-imagine.yaml by `make generate`. Do not edit.
from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, TypeVar, cast

from attrs import define as _attrs_define
from attrs import field as _attrs_field

from ..types import UNSET, Unset

if TYPE_CHECKING:
    from ..models.video_response import VideoResponse


T = TypeVar("T", bound="BatchResponse")


@_attrs_define
class BatchResponse:
    """The state of the finished job under the name of its request. Open: no video's was recorded, and whether `status`
    is in it is not known.

    """

    video_generation: None | Unset | VideoResponse = UNSET
    """ Of a generation or an edit """
    video_extension: None | Unset | VideoResponse = UNSET
    """ Of an extension; presumed """
    video_response: None | Unset | VideoResponse = UNSET
    """ The same in the vendor's gRPC, should it come """
    additional_properties: dict[str, Any] = _attrs_field(init=False, factory=dict)

    def to_dict(self) -> dict[str, Any]:
        from ..models.video_response import VideoResponse  # noqa: PLC0415

        video_generation: dict[str, Any] | None | Unset
        if isinstance(self.video_generation, Unset):
            video_generation = UNSET
        elif isinstance(self.video_generation, VideoResponse):
            video_generation = self.video_generation.to_dict()
        else:
            video_generation = self.video_generation

        video_extension: dict[str, Any] | None | Unset
        if isinstance(self.video_extension, Unset):
            video_extension = UNSET
        elif isinstance(self.video_extension, VideoResponse):
            video_extension = self.video_extension.to_dict()
        else:
            video_extension = self.video_extension

        video_response: dict[str, Any] | None | Unset
        if isinstance(self.video_response, Unset):
            video_response = UNSET
        elif isinstance(self.video_response, VideoResponse):
            video_response = self.video_response.to_dict()
        else:
            video_response = self.video_response

        field_dict: dict[str, Any] = {}
        field_dict.update(self.additional_properties)
        field_dict.update({})
        if video_generation is not UNSET:
            field_dict["video_generation"] = video_generation
        if video_extension is not UNSET:
            field_dict["video_extension"] = video_extension
        if video_response is not UNSET:
            field_dict["video_response"] = video_response

        return field_dict

    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        from ..models.video_response import VideoResponse  # noqa: PLC0415

        d = dict(src_dict)

        def _parse_video_generation(data: object) -> None | Unset | VideoResponse:
            if data is None:
                return data
            if isinstance(data, Unset):
                return data
            try:
                if not isinstance(data, dict):
                    raise TypeError()
                video_generation_type_0 = VideoResponse.from_dict(data)

                return video_generation_type_0
            except (TypeError, ValueError, AttributeError, KeyError):
                pass
            return cast(None | Unset | VideoResponse, data)

        video_generation = _parse_video_generation(d.pop("video_generation", UNSET))

        def _parse_video_extension(data: object) -> None | Unset | VideoResponse:
            if data is None:
                return data
            if isinstance(data, Unset):
                return data
            try:
                if not isinstance(data, dict):
                    raise TypeError()
                video_extension_type_0 = VideoResponse.from_dict(data)

                return video_extension_type_0
            except (TypeError, ValueError, AttributeError, KeyError):
                pass
            return cast(None | Unset | VideoResponse, data)

        video_extension = _parse_video_extension(d.pop("video_extension", UNSET))

        def _parse_video_response(data: object) -> None | Unset | VideoResponse:
            if data is None:
                return data
            if isinstance(data, Unset):
                return data
            try:
                if not isinstance(data, dict):
                    raise TypeError()
                video_response_type_0 = VideoResponse.from_dict(data)

                return video_response_type_0
            except (TypeError, ValueError, AttributeError, KeyError):
                pass
            return cast(None | Unset | VideoResponse, data)

        video_response = _parse_video_response(d.pop("video_response", UNSET))

        batch_response = cls(
            video_generation=video_generation,
            video_extension=video_extension,
            video_response=video_response,
        )

        batch_response.additional_properties = d
        return batch_response

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
