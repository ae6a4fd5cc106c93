# Generated from openapi/grok-imagine.yaml by `make generate`. Do not edit.
"""Contains all the data models used in inputs/outputs"""

from .edit_video_request import EditVideoRequest
from .error_body import ErrorBody
from .extend_video_request import ExtendVideoRequest
from .file_output import FileOutput
from .generate_video_request import GenerateVideoRequest
from .generated_video import GeneratedVideo
from .image_url import ImageUrl
from .input_tokens_details import InputTokensDetails
from .keyframe import Keyframe
from .known_aspect_ratio import KnownAspectRatio
from .known_resolution import KnownResolution
from .known_video_error_code import KnownVideoErrorCode
from .known_video_model import KnownVideoModel
from .known_video_status import KnownVideoStatus
from .media_usage import MediaUsage
from .output_tokens_details import OutputTokensDetails
from .reference_audio import ReferenceAudio
from .start_deferred_response import StartDeferredResponse
from .storage_options import StorageOptions
from .video_error import VideoError
from .video_generation_model import VideoGenerationModel
from .video_generation_model_list import VideoGenerationModelList
from .video_output import VideoOutput
from .video_response import VideoResponse
from .video_url import VideoUrl

__all__ = (
    "EditVideoRequest",
    "ErrorBody",
    "ExtendVideoRequest",
    "FileOutput",
    "GeneratedVideo",
    "GenerateVideoRequest",
    "ImageUrl",
    "InputTokensDetails",
    "Keyframe",
    "KnownAspectRatio",
    "KnownResolution",
    "KnownVideoErrorCode",
    "KnownVideoModel",
    "KnownVideoStatus",
    "MediaUsage",
    "OutputTokensDetails",
    "ReferenceAudio",
    "StartDeferredResponse",
    "StorageOptions",
    "VideoError",
    "VideoGenerationModel",
    "VideoGenerationModelList",
    "VideoOutput",
    "VideoResponse",
    "VideoUrl",
)
