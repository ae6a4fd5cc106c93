"""A typed constructor for each mode, with the keywords of that mode."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Never, TypedDict

from .core.request import VideoRequest, body_of, keywords_in
from .literals import AspectRatio, Resolution
from .media.inputs import ImageInput, VideoInput

__all__ = ["EditVideo", "ExtendVideo", "ImageToVideo", "ReferenceToVideo", "TextToVideo", "VideoOptions"]


class VideoOptions(TypedDict, total=False):
    """Every keyword of `start` and `generate` that makes a request: for programs that pass them on as `**options`.

    `client.video.start` says what each of them takes. A file is read and encoded when the request is made, 20 MiB in about
    0.1 s; a coroutine may leave that to `asyncio.to_thread`.
    """

    duration: int | None
    aspect_ratio: AspectRatio | str | None
    resolution: Resolution | str | None
    generate_audio: bool | None
    image_url: ImageInput | None
    image_file_id: str | None
    last_frame_url: ImageInput | None
    last_frame_file_id: str | None
    keyframes: Sequence[Mapping[str, Any]] | None
    reference_image_urls: Sequence[ImageInput] | None
    reference_image_file_ids: Sequence[str] | None
    reference_audios: Sequence[Mapping[str, Any]] | None
    video_url: VideoInput | None
    video_file_id: str | None
    storage_options: Mapping[str, Any] | None
    output_upload_url: str | None
    user: str | None


class TextToVideo(VideoRequest):
    """A video from a text alone. The keywords are those of `VideoOptions`."""

    __slots__ = ()

    def __init__(
        self,
        prompt: str,
        model: str | None = None,
        *,
        duration: int | None = None,
        aspect_ratio: AspectRatio | str | None = None,
        resolution: Resolution | str | None = None,
        generate_audio: bool | None = None,
        storage_options: Mapping[str, Any] | None = None,
        output_upload_url: str | None = None,
        user: str | None = None,
        **unknown: Never,
    ) -> None:
        super().__init__("text-to-video", body_of(keywords_in(locals())))


class ImageToVideo(VideoRequest):
    """A video whose first frame is a given image. The prompt may be left out. The keywords are those of `VideoOptions`."""

    __slots__ = ()

    def __init__(
        self,
        prompt: str | None = None,
        model: str | None = None,
        *,
        duration: int | None = None,
        aspect_ratio: AspectRatio | str | None = None,
        resolution: Resolution | str | None = None,
        generate_audio: bool | None = None,
        image_url: ImageInput | None = None,
        image_file_id: str | None = None,
        storage_options: Mapping[str, Any] | None = None,
        output_upload_url: str | None = None,
        user: str | None = None,
        **unknown: Never,
    ) -> None:
        super().__init__("image-to-video", body_of(keywords_in(locals())))


class ReferenceToVideo(VideoRequest):
    """A video that follows reference images, named `<IMAGE_1>`, `<IMAGE_2>` ... in the prompt, voices, or pinned frames.

    With `image_url` and `last_frame_url` it goes from the one frame to the other; `keyframes` are passed on the way. The
    prompt may be left out where there is an image. The keywords are those of `VideoOptions`.
    """

    __slots__ = ()

    def __init__(
        self,
        prompt: str | None = None,
        model: str | None = None,
        *,
        duration: int | None = None,
        aspect_ratio: AspectRatio | str | None = None,
        resolution: Resolution | str | None = None,
        generate_audio: bool | None = None,
        image_url: ImageInput | None = None,
        image_file_id: str | None = None,
        last_frame_url: ImageInput | None = None,
        last_frame_file_id: str | None = None,
        keyframes: Sequence[Mapping[str, Any]] | None = None,
        reference_image_urls: Sequence[ImageInput] | None = None,
        reference_image_file_ids: Sequence[str] | None = None,
        reference_audios: Sequence[Mapping[str, Any]] | None = None,
        storage_options: Mapping[str, Any] | None = None,
        output_upload_url: str | None = None,
        user: str | None = None,
        **unknown: Never,
    ) -> None:
        super().__init__("reference-to-video", body_of(keywords_in(locals())))


class EditVideo(VideoRequest):
    """A changed version of a video: its length (at most 8.7 s), ratio and resolution (at most 720p) are kept.

    The keywords are those of `VideoOptions`.
    """

    __slots__ = ()

    def __init__(
        self,
        prompt: str,
        model: str | None = None,
        *,
        video_url: VideoInput | None = None,
        video_file_id: str | None = None,
        storage_options: Mapping[str, Any] | None = None,
        output_upload_url: str | None = None,
        user: str | None = None,
        **unknown: Never,
    ) -> None:
        super().__init__("edit-video", body_of(keywords_in(locals())))


class ExtendVideo(VideoRequest):
    """A continuation of a video from its last frame; `duration` is the length of the new part.

    The keywords are those of `VideoOptions`.
    """

    __slots__ = ()

    def __init__(
        self,
        prompt: str,
        model: str | None = None,
        *,
        video_url: VideoInput | None = None,
        video_file_id: str | None = None,
        duration: int | None = None,
        storage_options: Mapping[str, Any] | None = None,
        output_upload_url: str | None = None,
        **unknown: Never,
    ) -> None:
        super().__init__("extend-video", body_of(keywords_in(locals())))
