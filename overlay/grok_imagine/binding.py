"""The generated binding of videos: the request of each operation, and the models of the answers.

Of the generated operations only `_get_kwargs` is used, the half that does no I/O. The other half can't give one call a
timeout of its own, and fails on empty, HTML and unlisted answers. Tests lock what is used here. `files_api` and `batches_api`
use the same half of their own operations.

Each function imports what it needs: the generated modules cost as much import time as the rest of the package.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from .errors import OutOfRange

if TYPE_CHECKING:
    from grok_imagine_api.models.video_generation_model import VideoGenerationModel
    from grok_imagine_api.models.video_response import VideoResponse

__all__ = ["get_model", "list_models", "model", "poll", "start", "state"]


def start(operation: str, body: Mapping[str, Any]) -> dict[str, Any]:
    """The request that starts a job. The body passes through the generated model, which keeps unknown fields.

    Raises:
        OutOfRange: The model can't hold the body, such as an edit without a video.
    """
    from grok_imagine_api.api.videos import edit_video, extend_video, generate_video
    from grok_imagine_api.models.edit_video_request import EditVideoRequest
    from grok_imagine_api.models.extend_video_request import ExtendVideoRequest
    from grok_imagine_api.models.generate_video_request import GenerateVideoRequest

    starts: dict[str, tuple[Callable[..., dict[str, Any]], Callable[[Mapping[str, Any]], Any]]] = {
        "generateVideo": (generate_video._get_kwargs, GenerateVideoRequest.from_dict),
        "editVideo": (edit_video._get_kwargs, EditVideoRequest.from_dict),
        "extendVideo": (extend_video._get_kwargs, ExtendVideoRequest.from_dict),
    }
    kwargs, model = starts[operation]
    try:
        return kwargs(body=model(body))
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise OutOfRange(f"has not the form of {operation}: {error!r}", fields=["body"], section=operation) from error


def poll(request_id: str) -> dict[str, Any]:
    """The request for the state of a job."""
    from grok_imagine_api.api.videos import get_video

    return get_video._get_kwargs(request_id)


def list_models() -> dict[str, Any]:
    """The request for all video models."""
    from grok_imagine_api.api.video_models import list_video_models

    return list_video_models._get_kwargs()


def get_model(model_id: str) -> dict[str, Any]:
    """The request for one video model."""
    from grok_imagine_api.api.video_models import get_video_model

    return get_video_model._get_kwargs(model_id)


def model(data: object) -> VideoGenerationModel | None:
    """The model of an answer's JSON; None if it is not one."""
    from grok_imagine_api.models.video_generation_model import VideoGenerationModel

    if not isinstance(data, Mapping) or "id" not in data:
        return None
    try:
        return VideoGenerationModel.from_dict(data)
    except Exception:  # whatever the generated code raises for values that the document does not list
        return None


def state(data: Mapping[str, Any]) -> VideoResponse:
    """The state of a job. What the generated code can't read is left in `additional_properties`."""
    from grok_imagine_api.models.video_response import VideoResponse

    try:
        return VideoResponse.from_dict(data)
    except Exception:
        response = VideoResponse()
        response.additional_properties = dict(data)
        return response
