"""The door to the generated binding of videos: what a request of each operation looks like, and the models of the answers.

Those of files and batches are used where their flows are, in `files_api` and `batches_api`, by the same half of them.

Of the generated operations only `_get_kwargs` is used, the half that does no I/O. The other half can't give one call a
timeout of its own, and stumbles over empty, HTML and unlisted answers. Tests lock what is used here.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from grok_imagine_api.api.video_models import get_video_model, list_video_models
from grok_imagine_api.api.videos import edit_video, extend_video, generate_video, get_video
from grok_imagine_api.models.edit_video_request import EditVideoRequest
from grok_imagine_api.models.extend_video_request import ExtendVideoRequest
from grok_imagine_api.models.generate_video_request import GenerateVideoRequest
from grok_imagine_api.models.video_generation_model import VideoGenerationModel
from grok_imagine_api.models.video_response import VideoResponse

from .errors import OutOfRange

__all__ = ["VideoGenerationModel", "VideoResponse", "get_model", "list_models", "look", "model", "start", "state"]

look = get_video._get_kwargs
list_models = list_video_models._get_kwargs
get_model = get_video_model._get_kwargs

STARTS: Mapping[str, tuple[Callable[..., dict[str, Any]], Callable[[Mapping[str, Any]], Any]]] = {
    "generateVideo": (generate_video._get_kwargs, GenerateVideoRequest.from_dict),
    "editVideo": (edit_video._get_kwargs, EditVideoRequest.from_dict),
    "extendVideo": (extend_video._get_kwargs, ExtendVideoRequest.from_dict),
}


def start(operation: str, body: Mapping[str, Any]) -> dict[str, Any]:
    """The request that starts a job. The body passes through the generated model, which leaves unknown fields alone.

    Raises:
        OutOfRange: The model can't hold it, such as an edit without a video.
    """
    kwargs, model = STARTS[operation]
    try:
        return kwargs(body=model(body))
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise OutOfRange(f"has not the form of {operation}: {error!r}", fields=["body"], section=operation) from error


def model(data: object) -> VideoGenerationModel | None:
    """The model that an answer tells of; None if it is none."""
    if not isinstance(data, Mapping) or "id" not in data:
        return None
    try:
        return VideoGenerationModel.from_dict(data)
    except Exception:  # whatever the generated code makes of values that the document does not know
        return None


def state(data: Mapping[str, Any]) -> VideoResponse:
    """The state of a job. What the generated code can't read is left in `additional_properties`."""
    try:
        return VideoResponse.from_dict(data)
    except Exception:
        response = VideoResponse()
        response.additional_properties = dict(data)
        return response
