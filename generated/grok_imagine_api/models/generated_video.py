# Generated from openapi/grok-imagine.yaml by `make generate`. Do not edit.
from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, TypeVar, cast

from attrs import define as _attrs_define
from attrs import field as _attrs_field

from ..types import UNSET, Unset

if TYPE_CHECKING:
    from ..models.file_output import FileOutput


T = TypeVar("T", bound="GeneratedVideo")


@_attrs_define
class GeneratedVideo:
    """The finished video"""

    url: None | str | Unset = UNSET
    """ Temporary public URL of an MP4. Missing or empty when withheld or sent elsewhere. """
    duration: float | None | Unset = UNSET
    """ Seconds; of an extension the new part only """
    respect_moderation: bool | None | Unset = UNSET
    """ False when moderation withheld the video """
    file_output: FileOutput | None | Unset = UNSET
    """ The stored file, when `storage_options` asked for one """
    storage_error: None | str | Unset = UNSET
    """ Why the file could not be stored """
    additional_properties: dict[str, Any] = _attrs_field(init=False, factory=dict)

    def to_dict(self) -> dict[str, Any]:
        from ..models.file_output import FileOutput  # noqa: PLC0415

        url: None | str | Unset
        if isinstance(self.url, Unset):
            url = UNSET
        else:
            url = self.url

        duration: float | None | Unset
        if isinstance(self.duration, Unset):
            duration = UNSET
        else:
            duration = self.duration

        respect_moderation: bool | None | Unset
        if isinstance(self.respect_moderation, Unset):
            respect_moderation = UNSET
        else:
            respect_moderation = self.respect_moderation

        file_output: dict[str, Any] | None | Unset
        if isinstance(self.file_output, Unset):
            file_output = UNSET
        elif isinstance(self.file_output, FileOutput):
            file_output = self.file_output.to_dict()
        else:
            file_output = self.file_output

        storage_error: None | str | Unset
        if isinstance(self.storage_error, Unset):
            storage_error = UNSET
        else:
            storage_error = self.storage_error

        field_dict: dict[str, Any] = {}
        field_dict.update(self.additional_properties)
        field_dict.update({})
        if url is not UNSET:
            field_dict["url"] = url
        if duration is not UNSET:
            field_dict["duration"] = duration
        if respect_moderation is not UNSET:
            field_dict["respect_moderation"] = respect_moderation
        if file_output is not UNSET:
            field_dict["file_output"] = file_output
        if storage_error is not UNSET:
            field_dict["storage_error"] = storage_error

        return field_dict

    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        from ..models.file_output import FileOutput  # noqa: PLC0415

        d = dict(src_dict)

        def _parse_url(data: object) -> None | str | Unset:
            if data is None:
                return data
            if isinstance(data, Unset):
                return data
            return cast(None | str | Unset, data)

        url = _parse_url(d.pop("url", UNSET))

        def _parse_duration(data: object) -> float | None | Unset:
            if data is None:
                return data
            if isinstance(data, Unset):
                return data
            return cast(float | None | Unset, data)

        duration = _parse_duration(d.pop("duration", UNSET))

        def _parse_respect_moderation(data: object) -> bool | None | Unset:
            if data is None:
                return data
            if isinstance(data, Unset):
                return data
            return cast(bool | None | Unset, data)

        respect_moderation = _parse_respect_moderation(d.pop("respect_moderation", UNSET))

        def _parse_file_output(data: object) -> FileOutput | None | Unset:
            if data is None:
                return data
            if isinstance(data, Unset):
                return data
            try:
                if not isinstance(data, dict):
                    raise TypeError()
                file_output_type_0 = FileOutput.from_dict(data)

                return file_output_type_0
            except (TypeError, ValueError, AttributeError, KeyError):
                pass
            return cast(FileOutput | None | Unset, data)

        file_output = _parse_file_output(d.pop("file_output", UNSET))

        def _parse_storage_error(data: object) -> None | str | Unset:
            if data is None:
                return data
            if isinstance(data, Unset):
                return data
            return cast(None | str | Unset, data)

        storage_error = _parse_storage_error(d.pop("storage_error", UNSET))

        generated_video = cls(
            url=url,
            duration=duration,
            respect_moderation=respect_moderation,
            file_output=file_output,
            storage_error=storage_error,
        )

        generated_video.additional_properties = d
        return generated_video

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
