# Generated from openapi/grok-imagine.yaml by `make generate`. Do not edit.
from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, TypeVar, cast

from attrs import define as _attrs_define
from attrs import field as _attrs_field

from ..types import UNSET, Unset

if TYPE_CHECKING:
    from ..models.image_url import ImageUrl
    from ..models.keyframe import Keyframe
    from ..models.reference_audio import ReferenceAudio
    from ..models.storage_options import StorageOptions
    from ..models.video_output import VideoOutput
    from ..models.video_url import VideoUrl


T = TypeVar("T", bound="BatchVideoGeneration")


@_attrs_define
class BatchVideoGeneration:
    """The body of `POST /videos/generations`; with a `video` that of `POST /videos/edits`"""

    prompt: str | Unset = UNSET
    """ What the video shows. Needed for text-to-video, and beside voices that stand alone. """
    model: None | str | Unset = UNSET
    """ One of KnownVideoModel or a newer one; left out, the service takes `grok-imagine-video` """
    duration: int | None | Unset = UNSET
    """ Seconds; 8 when left out. Reference-to-video with `grok-imagine-video` takes 10 at most. """
    aspect_ratio: None | str | Unset = UNSET
    """ One of KnownAspectRatio or a newer one; `16:9` when left out. Image-to-video keeps the image's own ratio;
    one that is given stretches it, or is ignored, as sources differ. """
    resolution: None | str | Unset = UNSET
    """ One of KnownResolution or a newer one; `480p` when left out. `1080p` is for text-to-video and image-to-video
    with the 1.5 models. """
    image: ImageUrl | None | Unset = UNSET
    """ The first frame """
    reference_images: list[ImageUrl] | None | Unset = UNSET
    """ Images to follow, named `<IMAGE_1>`, `<IMAGE_2>` ... in the prompt; an empty list is as good as none """
    reference_audios: list[ReferenceAudio] | None | Unset = UNSET
    """ Voices to follow; 1.5 only; an empty list is as good as none """
    last_frame: ImageUrl | None | Unset = UNSET
    """ The last frame; 1.5 only """
    keyframes: list[Keyframe] | None | Unset = UNSET
    """ Frames to pass through; 1.5 only; an empty list is as good as none """
    generate_audio: bool | None | Unset = UNSET
    """ Whether the video has sound; true when left out; 1.5 models only """
    output: None | Unset | VideoOutput = UNSET
    """ Where to send the result """
    storage_options: None | StorageOptions | Unset = UNSET
    """ Keep the result in the Files API """
    user: None | str | Unset = UNSET
    """ Your own id of the end user """
    video: None | Unset | VideoUrl = UNSET
    """ The video to edit """
    additional_properties: dict[str, Any] = _attrs_field(init=False, factory=dict)

    def to_dict(self) -> dict[str, Any]:
        from ..models.image_url import ImageUrl  # noqa: PLC0415
        from ..models.storage_options import StorageOptions  # noqa: PLC0415
        from ..models.video_output import VideoOutput  # noqa: PLC0415
        from ..models.video_url import VideoUrl  # noqa: PLC0415

        prompt = self.prompt

        model: None | str | Unset
        if isinstance(self.model, Unset):
            model = UNSET
        else:
            model = self.model

        duration: int | None | Unset
        if isinstance(self.duration, Unset):
            duration = UNSET
        else:
            duration = self.duration

        aspect_ratio: None | str | Unset
        if isinstance(self.aspect_ratio, Unset):
            aspect_ratio = UNSET
        else:
            aspect_ratio = self.aspect_ratio

        resolution: None | str | Unset
        if isinstance(self.resolution, Unset):
            resolution = UNSET
        else:
            resolution = self.resolution

        image: dict[str, Any] | None | Unset
        if isinstance(self.image, Unset):
            image = UNSET
        elif isinstance(self.image, ImageUrl):
            image = self.image.to_dict()
        else:
            image = self.image

        reference_images: list[dict[str, Any]] | None | Unset
        if isinstance(self.reference_images, Unset):
            reference_images = UNSET
        elif isinstance(self.reference_images, list):
            reference_images = []
            for reference_images_type_0_item_data in self.reference_images:
                reference_images_type_0_item = reference_images_type_0_item_data.to_dict()
                reference_images.append(reference_images_type_0_item)

        else:
            reference_images = self.reference_images

        reference_audios: list[dict[str, Any]] | None | Unset
        if isinstance(self.reference_audios, Unset):
            reference_audios = UNSET
        elif isinstance(self.reference_audios, list):
            reference_audios = []
            for reference_audios_type_0_item_data in self.reference_audios:
                reference_audios_type_0_item = reference_audios_type_0_item_data.to_dict()
                reference_audios.append(reference_audios_type_0_item)

        else:
            reference_audios = self.reference_audios

        last_frame: dict[str, Any] | None | Unset
        if isinstance(self.last_frame, Unset):
            last_frame = UNSET
        elif isinstance(self.last_frame, ImageUrl):
            last_frame = self.last_frame.to_dict()
        else:
            last_frame = self.last_frame

        keyframes: list[dict[str, Any]] | None | Unset
        if isinstance(self.keyframes, Unset):
            keyframes = UNSET
        elif isinstance(self.keyframes, list):
            keyframes = []
            for keyframes_type_0_item_data in self.keyframes:
                keyframes_type_0_item = keyframes_type_0_item_data.to_dict()
                keyframes.append(keyframes_type_0_item)

        else:
            keyframes = self.keyframes

        generate_audio: bool | None | Unset
        if isinstance(self.generate_audio, Unset):
            generate_audio = UNSET
        else:
            generate_audio = self.generate_audio

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

        video: dict[str, Any] | None | Unset
        if isinstance(self.video, Unset):
            video = UNSET
        elif isinstance(self.video, VideoUrl):
            video = self.video.to_dict()
        else:
            video = self.video

        field_dict: dict[str, Any] = {}
        field_dict.update(self.additional_properties)
        field_dict.update({})
        if prompt is not UNSET:
            field_dict["prompt"] = prompt
        if model is not UNSET:
            field_dict["model"] = model
        if duration is not UNSET:
            field_dict["duration"] = duration
        if aspect_ratio is not UNSET:
            field_dict["aspect_ratio"] = aspect_ratio
        if resolution is not UNSET:
            field_dict["resolution"] = resolution
        if image is not UNSET:
            field_dict["image"] = image
        if reference_images is not UNSET:
            field_dict["reference_images"] = reference_images
        if reference_audios is not UNSET:
            field_dict["reference_audios"] = reference_audios
        if last_frame is not UNSET:
            field_dict["last_frame"] = last_frame
        if keyframes is not UNSET:
            field_dict["keyframes"] = keyframes
        if generate_audio is not UNSET:
            field_dict["generate_audio"] = generate_audio
        if output is not UNSET:
            field_dict["output"] = output
        if storage_options is not UNSET:
            field_dict["storage_options"] = storage_options
        if user is not UNSET:
            field_dict["user"] = user
        if video is not UNSET:
            field_dict["video"] = video

        return field_dict

    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        from ..models.image_url import ImageUrl  # noqa: PLC0415
        from ..models.keyframe import Keyframe  # noqa: PLC0415
        from ..models.reference_audio import ReferenceAudio  # noqa: PLC0415
        from ..models.storage_options import StorageOptions  # noqa: PLC0415
        from ..models.video_output import VideoOutput  # noqa: PLC0415
        from ..models.video_url import VideoUrl  # noqa: PLC0415

        d = dict(src_dict)
        prompt = d.pop("prompt", UNSET)

        def _parse_model(data: object) -> None | str | Unset:
            if data is None:
                return data
            if isinstance(data, Unset):
                return data
            return cast(None | str | Unset, data)

        model = _parse_model(d.pop("model", UNSET))

        def _parse_duration(data: object) -> int | None | Unset:
            if data is None:
                return data
            if isinstance(data, Unset):
                return data
            return cast(int | None | Unset, data)

        duration = _parse_duration(d.pop("duration", UNSET))

        def _parse_aspect_ratio(data: object) -> None | str | Unset:
            if data is None:
                return data
            if isinstance(data, Unset):
                return data
            return cast(None | str | Unset, data)

        aspect_ratio = _parse_aspect_ratio(d.pop("aspect_ratio", UNSET))

        def _parse_resolution(data: object) -> None | str | Unset:
            if data is None:
                return data
            if isinstance(data, Unset):
                return data
            return cast(None | str | Unset, data)

        resolution = _parse_resolution(d.pop("resolution", UNSET))

        def _parse_image(data: object) -> ImageUrl | None | Unset:
            if data is None:
                return data
            if isinstance(data, Unset):
                return data
            try:
                if not isinstance(data, dict):
                    raise TypeError()
                image_type_0 = ImageUrl.from_dict(data)

                return image_type_0
            except (TypeError, ValueError, AttributeError, KeyError):
                pass
            return cast(ImageUrl | None | Unset, data)

        image = _parse_image(d.pop("image", UNSET))

        def _parse_reference_images(data: object) -> list[ImageUrl] | None | Unset:
            if data is None:
                return data
            if isinstance(data, Unset):
                return data
            try:
                if not isinstance(data, list):
                    raise TypeError()
                reference_images_type_0 = []
                _reference_images_type_0 = data
                for reference_images_type_0_item_data in _reference_images_type_0:
                    reference_images_type_0_item = ImageUrl.from_dict(reference_images_type_0_item_data)

                    reference_images_type_0.append(reference_images_type_0_item)

                return reference_images_type_0
            except (TypeError, ValueError, AttributeError, KeyError):
                pass
            return cast(list[ImageUrl] | None | Unset, data)

        reference_images = _parse_reference_images(d.pop("reference_images", UNSET))

        def _parse_reference_audios(data: object) -> list[ReferenceAudio] | None | Unset:
            if data is None:
                return data
            if isinstance(data, Unset):
                return data
            try:
                if not isinstance(data, list):
                    raise TypeError()
                reference_audios_type_0 = []
                _reference_audios_type_0 = data
                for reference_audios_type_0_item_data in _reference_audios_type_0:
                    reference_audios_type_0_item = ReferenceAudio.from_dict(reference_audios_type_0_item_data)

                    reference_audios_type_0.append(reference_audios_type_0_item)

                return reference_audios_type_0
            except (TypeError, ValueError, AttributeError, KeyError):
                pass
            return cast(list[ReferenceAudio] | None | Unset, data)

        reference_audios = _parse_reference_audios(d.pop("reference_audios", UNSET))

        def _parse_last_frame(data: object) -> ImageUrl | None | Unset:
            if data is None:
                return data
            if isinstance(data, Unset):
                return data
            try:
                if not isinstance(data, dict):
                    raise TypeError()
                last_frame_type_0 = ImageUrl.from_dict(data)

                return last_frame_type_0
            except (TypeError, ValueError, AttributeError, KeyError):
                pass
            return cast(ImageUrl | None | Unset, data)

        last_frame = _parse_last_frame(d.pop("last_frame", UNSET))

        def _parse_keyframes(data: object) -> list[Keyframe] | None | Unset:
            if data is None:
                return data
            if isinstance(data, Unset):
                return data
            try:
                if not isinstance(data, list):
                    raise TypeError()
                keyframes_type_0 = []
                _keyframes_type_0 = data
                for keyframes_type_0_item_data in _keyframes_type_0:
                    keyframes_type_0_item = Keyframe.from_dict(keyframes_type_0_item_data)

                    keyframes_type_0.append(keyframes_type_0_item)

                return keyframes_type_0
            except (TypeError, ValueError, AttributeError, KeyError):
                pass
            return cast(list[Keyframe] | None | Unset, data)

        keyframes = _parse_keyframes(d.pop("keyframes", UNSET))

        def _parse_generate_audio(data: object) -> bool | None | Unset:
            if data is None:
                return data
            if isinstance(data, Unset):
                return data
            return cast(bool | None | Unset, data)

        generate_audio = _parse_generate_audio(d.pop("generate_audio", UNSET))

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

        def _parse_video(data: object) -> None | Unset | VideoUrl:
            if data is None:
                return data
            if isinstance(data, Unset):
                return data
            try:
                if not isinstance(data, dict):
                    raise TypeError()
                video_type_0 = VideoUrl.from_dict(data)

                return video_type_0
            except (TypeError, ValueError, AttributeError, KeyError):
                pass
            return cast(None | Unset | VideoUrl, data)

        video = _parse_video(d.pop("video", UNSET))

        batch_video_generation = cls(
            prompt=prompt,
            model=model,
            duration=duration,
            aspect_ratio=aspect_ratio,
            resolution=resolution,
            image=image,
            reference_images=reference_images,
            reference_audios=reference_audios,
            last_frame=last_frame,
            keyframes=keyframes,
            generate_audio=generate_audio,
            output=output,
            storage_options=storage_options,
            user=user,
            video=video,
        )

        batch_video_generation.additional_properties = d
        return batch_video_generation

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
