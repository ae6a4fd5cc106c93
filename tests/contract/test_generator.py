"""What the overlay relies on in generated code, and why it goes around the rest. A generator bump shows here first."""

from __future__ import annotations

import copy
import json
from typing import Any

import httpx
import pytest

from grok_imagine import binding
from grok_imagine_api import AuthenticatedClient, contract
from grok_imagine_api.api.videos import edit_video, extend_video, generate_video, get_video
from grok_imagine_api.models import (
    ExtendVideoRequest,
    GeneratedVideo,
    GenerateVideoRequest,
    KnownAspectRatio,
    KnownVideoStatus,
    VideoResponse,
    VideoUrl,
)
from grok_imagine_api.types import UNSET


def test_kwargs_are_what_httpx_takes() -> None:
    body = GenerateVideoRequest(prompt="x", duration=5)
    expected = {
        "method": "post",
        "url": "/videos/generations",
        "json": {"prompt": "x", "duration": 5},
        "headers": {"Content-Type": "application/json"},
    }
    assert generate_video._get_kwargs(body=body) == expected
    assert get_video._get_kwargs("a b/c?d") == {"method": "get", "url": "/videos/a%20b%2Fc%3Fd"}
    assert binding.list_models() == {"method": "get", "url": "/video-generation-models"}


def test_two_dots_pass_so_the_overlay_checks_ids() -> None:
    assert get_video._get_kwargs("..")["url"] == "/videos/.."


@pytest.mark.parametrize("operation", sorted({mode.operation for mode in contract.MODES.values()}))
def test_a_body_passes_through_its_model_unchanged(operation: str) -> None:
    body: dict[str, Any] = {
        "prompt": "x",
        "model": "m",
        "video": {"url": "https://a/b.mp4"},
        "output": {"upload_url": "https://a/b"},
        "storage_options": {"filename": "a.mp4", "public_url": {"expires_after": 3600}},
        "a_field_of_tomorrow": {"deep": [1, None]},
    }
    assert binding.start(operation, copy.deepcopy(body))["json"] == body


def test_media_lists_pass_unchanged() -> None:
    body = {
        "prompt": "x",
        "image": {"file_id": "f"},
        "reference_images": [{"url": "https://a/1"}, {"file_id": "f"}],
        "reference_audios": [{"voice_id": "ara"}],
        "keyframes": [{"image": {"url": "https://a/1"}, "timestamp_s": 2.5}],
    }
    assert binding.start("generateVideo", body)["json"] == body


def test_what_is_not_set_is_not_sent_and_none_is_null() -> None:
    assert GenerateVideoRequest(prompt="x", duration=UNSET, model=None).to_dict() == {"prompt": "x", "model": None}


def test_enumerations_go_into_plain_text_fields() -> None:
    body = GenerateVideoRequest(prompt="x", aspect_ratio=KnownAspectRatio.RATIO_16_9).to_dict()
    assert json.dumps(body) == '{"prompt": "x", "aspect_ratio": "16:9"}'
    assert VideoResponse.from_dict({"status": "done"}).status == KnownVideoStatus.DONE


def test_answers_keep_what_is_new() -> None:
    state = VideoResponse.from_dict({"status": "finalizing", "eta": 3, "video": {"url": "u", "fps": 24}})
    assert state.status == "finalizing" and state["eta"] == 3
    assert isinstance(state.video, GeneratedVideo) and state.video["fps"] == 24


@pytest.mark.parametrize("value", ["oops", 7, [], None])
def test_a_nested_model_of_another_type_is_left_raw(value: Any) -> None:
    assert VideoResponse.from_dict({"video": value, "error": value, "usage": value}).video == value


def test_nested_models_can_be_told_by_to_dict() -> None:
    state = VideoResponse.from_dict({"video": {}, "error": {}, "usage": {}})
    assert all(hasattr(part, "to_dict") for part in (state.video, state.error, state.usage))
    assert not hasattr(VideoResponse.from_dict({}).video, "to_dict")


def client(answer: httpx.Response) -> AuthenticatedClient:
    transport = httpx.MockTransport(lambda request: answer)
    return AuthenticatedClient("https://a.example", "secret", httpx_args={"transport": transport})


def test_an_empty_202_breaks_the_generated_call() -> None:
    with pytest.raises(json.JSONDecodeError):
        get_video.sync("id", client=client(httpx.Response(202)))


def test_a_status_outside_ianas_list_breaks_the_generated_call() -> None:
    with pytest.raises(ValueError, match="520 is not a valid HTTPStatus"):
        get_video.sync("id", client=client(httpx.Response(520, text="<html>")))


def test_errors_come_back_as_values_from_the_generated_call() -> None:
    assert get_video.sync("id", client=client(httpx.Response(503, text="upstream"))) == "upstream"


def test_the_generated_client_has_no_timeout_and_shows_its_token() -> None:
    plain = AuthenticatedClient("https://a.example", "secret")
    assert plain.get_httpx_client().timeout == httpx.Timeout(None)
    assert "secret" in repr(plain)


def test_the_bare_binding_works_alone() -> None:
    answer = httpx.Response(200, json={"request_id": "id-1"})
    for operation, body in (
        (edit_video, {"prompt": "x", "video": {"url": "u"}}),
        (extend_video, ExtendVideoRequest(prompt="x", video=VideoUrl(url="u")).to_dict()),
    ):
        model = ExtendVideoRequest if operation is extend_video else operation.EditVideoRequest
        started = operation.sync(client=client(answer), body=model.from_dict(body))
        assert started is not None and started.request_id == "id-1"
