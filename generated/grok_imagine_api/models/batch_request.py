# Generated from openapi/grok-imagine.yaml by `make generate`. Do not edit.
from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, TypeVar, cast

from attrs import define as _attrs_define
from attrs import field as _attrs_field

from ..types import UNSET, Unset

if TYPE_CHECKING:
    from ..models.batch_video_generation import BatchVideoGeneration
    from ..models.extend_video_request import ExtendVideoRequest


T = TypeVar("T", bound="BatchRequest")


@_attrs_define
class BatchRequest:
    """Exactly one of these. The service also takes `chat_get_completion`, `responses`, `image_generation` and
    `image_edit`, which are not part of this document.

    """

    video_generation: BatchVideoGeneration | None | Unset = UNSET
    """ A generation, or with a `video` an edit """
    video_extension: ExtendVideoRequest | None | Unset = UNSET
    """ An extension """
    additional_properties: dict[str, Any] = _attrs_field(init=False, factory=dict)

    def to_dict(self) -> dict[str, Any]:
        from ..models.batch_video_generation import BatchVideoGeneration  # noqa: PLC0415
        from ..models.extend_video_request import ExtendVideoRequest  # noqa: PLC0415

        video_generation: dict[str, Any] | None | Unset
        if isinstance(self.video_generation, Unset):
            video_generation = UNSET
        elif isinstance(self.video_generation, BatchVideoGeneration):
            video_generation = self.video_generation.to_dict()
        else:
            video_generation = self.video_generation

        video_extension: dict[str, Any] | None | Unset
        if isinstance(self.video_extension, Unset):
            video_extension = UNSET
        elif isinstance(self.video_extension, ExtendVideoRequest):
            video_extension = self.video_extension.to_dict()
        else:
            video_extension = self.video_extension

        field_dict: dict[str, Any] = {}
        field_dict.update(self.additional_properties)
        field_dict.update({})
        if video_generation is not UNSET:
            field_dict["video_generation"] = video_generation
        if video_extension is not UNSET:
            field_dict["video_extension"] = video_extension

        return field_dict

    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        from ..models.batch_video_generation import BatchVideoGeneration  # noqa: PLC0415
        from ..models.extend_video_request import ExtendVideoRequest  # noqa: PLC0415

        d = dict(src_dict)

        def _parse_video_generation(data: object) -> BatchVideoGeneration | None | Unset:
            if data is None:
                return data
            if isinstance(data, Unset):
                return data
            try:
                if not isinstance(data, dict):
                    raise TypeError()
                video_generation_type_0 = BatchVideoGeneration.from_dict(data)

                return video_generation_type_0
            except (TypeError, ValueError, AttributeError, KeyError):
                pass
            return cast(BatchVideoGeneration | None | Unset, data)

        video_generation = _parse_video_generation(d.pop("video_generation", UNSET))

        def _parse_video_extension(data: object) -> ExtendVideoRequest | None | Unset:
            if data is None:
                return data
            if isinstance(data, Unset):
                return data
            try:
                if not isinstance(data, dict):
                    raise TypeError()
                video_extension_type_0 = ExtendVideoRequest.from_dict(data)

                return video_extension_type_0
            except (TypeError, ValueError, AttributeError, KeyError):
                pass
            return cast(ExtendVideoRequest | None | Unset, data)

        video_extension = _parse_video_extension(d.pop("video_extension", UNSET))

        batch_request = cls(
            video_generation=video_generation,
            video_extension=video_extension,
        )

        batch_request.additional_properties = d
        return batch_request

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
