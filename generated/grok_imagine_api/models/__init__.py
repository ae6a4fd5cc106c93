# Generated from openapi/grok-imagine.yaml by `make generate`. Do not edit.
"""Contains all the data models used in inputs/outputs"""

from .add_batch_requests_request import AddBatchRequestsRequest
from .batch import Batch
from .batch_cost_breakdown import BatchCostBreakdown
from .batch_endpoint_cost import BatchEndpointCost
from .batch_list import BatchList
from .batch_outcome import BatchOutcome
from .batch_request import BatchRequest
from .batch_request_entry import BatchRequestEntry
from .batch_request_metadata import BatchRequestMetadata
from .batch_request_metadata_list import BatchRequestMetadataList
from .batch_response import BatchResponse
from .batch_result_entry import BatchResultEntry
from .batch_result_list import BatchResultList
from .batch_state import BatchState
from .batch_video_generation import BatchVideoGeneration
from .create_batch_request import CreateBatchRequest
from .create_file_public_url_request import CreateFilePublicUrlRequest
from .deleted_file import DeletedFile
from .edit_video_request import EditVideoRequest
from .error_body import ErrorBody
from .extend_video_request import ExtendVideoRequest
from .file_output import FileOutput
from .file_public_url import FilePublicUrl
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
from .revoked_public_url import RevokedPublicUrl
from .start_deferred_response import StartDeferredResponse
from .storage_options import StorageOptions
from .stored_file import StoredFile
from .stored_file_list import StoredFileList
from .upload_file_request import UploadFileRequest
from .video_error import VideoError
from .video_generation_model import VideoGenerationModel
from .video_generation_model_list import VideoGenerationModelList
from .video_output import VideoOutput
from .video_response import VideoResponse
from .video_url import VideoUrl

__all__ = (
    "AddBatchRequestsRequest",
    "Batch",
    "BatchCostBreakdown",
    "BatchEndpointCost",
    "BatchList",
    "BatchOutcome",
    "BatchRequest",
    "BatchRequestEntry",
    "BatchRequestMetadata",
    "BatchRequestMetadataList",
    "BatchResponse",
    "BatchResultEntry",
    "BatchResultList",
    "BatchState",
    "BatchVideoGeneration",
    "CreateBatchRequest",
    "CreateFilePublicUrlRequest",
    "DeletedFile",
    "EditVideoRequest",
    "ErrorBody",
    "ExtendVideoRequest",
    "FileOutput",
    "FilePublicUrl",
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
    "RevokedPublicUrl",
    "StartDeferredResponse",
    "StorageOptions",
    "StoredFile",
    "StoredFileList",
    "UploadFileRequest",
    "VideoError",
    "VideoGenerationModel",
    "VideoGenerationModelList",
    "VideoOutput",
    "VideoResponse",
    "VideoUrl",
)
