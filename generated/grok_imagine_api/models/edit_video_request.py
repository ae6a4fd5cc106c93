# Generated from openapi/grok-imagine.yaml by `make generate`. Do not edit.
from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, TypeVar, cast

from attrs import define as _attrs_define
from attrs import field as _attrs_field

from ..types import UNSET, Unset

if TYPE_CHECKING:
    from ..models.storage_options import StorageOptions
    from ..models.video_output import VideoOutput
    from ..models.video_url import VideoUrl


T = TypeVar("T", bound="EditVideoRequest")


@_attrs_define
class EditVideoRequest:
    """Body of `POST /videos/edits`"""

    prompt: str
    """ What to change """
    video: VideoUrl
    """ An input video. Exactly one of `url` and `file_id`; a bare string in its place is a 422. """
    model: None | str | Unset = UNSET
    """ `grok-imagine-video`; the 1.5 models do not edit """
    output: None | Unset | VideoOutput = UNSET
    """ Where to send the result """
    storage_options: None | StorageOptions | Unset = UNSET
    """ Keep the result in the Files API """
    user: None | str | Unset = UNSET
    """ Your own id of the end user """
    additional_properties: dict[str, Any] = _attrs_field(init=False, factory=dict)

    def to_dict(self) -> dict[str, Any]:
        from ..models.storage_options import StorageOptions  # noqa: PLC0415
        from ..models.video_output import VideoOutput  # noqa: PLC0415

        prompt = self.prompt

        video = self.video.to_dict()

        model: None | str | Unset
        if isinstance(self.model, Unset):
            model = UNSET
        else:
            model = self.model

        output: dict[str, Any] | None | Unset
        if isinstance(self.output, Unset):
            output = UNSET
        elif isinstance(self.output, VideoOutput):
            output = self.output.to_dict()
        else:
            output = self.output

        storage_options: dict[str, Any] | None | Unset
        if isinstance(self.storage_options, Unset):
            storage_options = UNSET
        elif isinstance(self.storage_options, StorageOptions):
            storage_options = self.storage_options.to_dict()
        else:
            storage_options = self.storage_options

        user: None | str | Unset
        if isinstance(self.user, Unset):
            user = UNSET
        else:
            user = self.user

        field_dict: dict[str, Any] = {}
        field_dict.update(self.additional_properties)
        field_dict.update(
            {
                "prompt": prompt,
                "video": video,
            }
        )
        if model is not UNSET:
            field_dict["model"] = model
        if output is not UNSET:
            field_dict["output"] = output
        if storage_options is not UNSET:
            field_dict["storage_options"] = storage_options
        if user is not UNSET:
            field_dict["user"] = user

        return field_dict

    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        from ..models.storage_options import StorageOptions  # noqa: PLC0415
        from ..models.video_output import VideoOutput  # noqa: PLC0415
        from ..models.video_url import VideoUrl  # noqa: PLC0415

        d = dict(src_dict)
        prompt = d.pop("prompt")

        video = VideoUrl.from_dict(d.pop("video"))

        def _parse_model(data: object) -> None | str | Unset:
            if data is None:
                return data
            if isinstance(data, Unset):
                return data
            return cast(None | str | Unset, data)

        model = _parse_model(d.pop("model", UNSET))

        def _parse_output(data: object) -> None | Unset | VideoOutput:
            if data is None:
                return data
            if isinstance(data, Unset):
                return data
            try:
                if not isinstance(data, dict):
                    raise TypeError()
                output_type_0 = VideoOutput.from_dict(data)

                return output_type_0
            except (TypeError, ValueError, AttributeError, KeyError):
                pass
            return cast(None | Unset | VideoOutput, data)

        output = _parse_output(d.pop("output", UNSET))

        def _parse_storage_options(data: object) -> None | StorageOptions | Unset:
            if data is None:
                return data
            if isinstance(data, Unset):
                return data
            try:
                if not isinstance(data, dict):
                    raise TypeError()
                storage_options_type_0 = StorageOptions.from_dict(data)

                return storage_options_type_0
            except (TypeError, ValueError, AttributeError, KeyError):
                pass
            return cast(None | StorageOptions | Unset, data)

        storage_options = _parse_storage_options(d.pop("storage_options", UNSET))

        def _parse_user(data: object) -> None | str | Unset:
            if data is None:
                return data
            if isinstance(data, Unset):
                return data
            return cast(None | str | Unset, data)

        user = _parse_user(d.pop("user", UNSET))

        edit_video_request = cls(
            prompt=prompt,
            video=video,
            model=model,
            output=output,
            storage_options=storage_options,
            user=user,
        )

        edit_video_request.additional_properties = d
        return edit_video_request

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
