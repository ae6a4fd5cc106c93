"""What the service refuses, with which status and which text."""

import json
from typing import Any

import httpx
import pytest

GENERATIONS, EDITS, EXTENSIONS = "/videos/generations", "/videos/edits", "/videos/extensions"
AWAY = {"url": "https://example.com/a.jpg"}
CLIP = {"url": "https://example.com/a.mp4"}
NEW = "grok-imagine-video-1.5"
LITE = "grok-imagine-video-1.5-lite"
INVALID = "invalid-argument"
PREFIX = "Failed to deserialize the JSON body into the target type: "

UNKNOWN_VOICE = (
    'Unknown voice_id "zzz_not_a_voice_zzz". Available voices: ara, eve, leo, rex, sal, carina, zagan, helix, orion, luna, '
    "iris, altair, zenith, perseus, helios, lux, kepler, rigel, cosmo, celeste, ursa, sirius, lumen, castor, naksh, atlas. "
    "Custom voice ids created via the /v1/custom-voices API are also accepted."
)
BAD = {
    "too long": (GENERATIONS, {"prompt": "x", "duration": 16}, "Duration must be between 1 and 15 seconds"),
    "too short": (GENERATIONS, {"prompt": "x", "duration": 0}, "Duration must be between 1 and 15 seconds"),
    "long extension": (
        EXTENSIONS,
        {"prompt": "x", "video": CLIP, "duration": 16},
        "Duration must be between 1 and 15 seconds",
    ),
    "long references": (
        GENERATIONS,
        {"prompt": "x", "duration": 15, "reference_images": [AWAY]},
        "Duration 15s exceeds the maximum allowed for reference-to-video, which is 10s.",
    ),
    "references": (
        GENERATIONS,
        {"prompt": "x", "reference_images": [AWAY] * 15},
        "Too many reference images: 15. Maximum allowed is 14.",
    ),
    "references, 1.5": (
        GENERATIONS,
        {"prompt": "x", "model": NEW, "reference_images": [AWAY] * 15},
        "Too many reference images: 15. Maximum allowed is 14.",
    ),
    "voices": (
        GENERATIONS,
        {"prompt": "x", "model": NEW, "reference_audios": [{"voice_id": "eve"}] * 4},
        "Too many reference audio clips: 4. Maximum allowed is 3.",
    ),
    "voices, base": (
        GENERATIONS,
        {"prompt": "x", "reference_audios": [{"voice_id": "eve"}]},
        "`reference_audios` is not supported for this model.",
    ),
    "references, 1080p": (
        GENERATIONS,
        {"prompt": "x", "model": NEW, "reference_images": [AWAY], "resolution": "1080p"},
        "1080p video resolution is not supported for reference-to-video requests.",
    ),
    "1080p": (
        GENERATIONS,
        {"prompt": "x", "resolution": "1080p"},
        "1080p video resolution is not supported for this model.",
    ),
    "long references, 1.5": (
        GENERATIONS,
        {"model": NEW, "duration": 16, "reference_images": [AWAY]},
        "Duration 16s exceeds the maximum allowed for reference-to-video, which is 15s.",
    ),
    "long pins": (
        GENERATIONS,
        {"model": NEW, "duration": 16, "last_frame": AWAY},
        "Duration 16s exceeds the maximum allowed for reference-to-video, which is 15s.",
    ),
    "pins, 1080p": (
        GENERATIONS,
        {"model": NEW, "image": AWAY, "last_frame": AWAY, "resolution": "1080p"},
        "1080p video resolution is not supported for reference-to-video requests.",
    ),
    "unknown voice": (
        GENERATIONS,
        {"prompt": "x", "model": NEW, "reference_audios": [{"voice_id": "zzz_not_a_voice_zzz"}]},
        UNKNOWN_VOICE,
    ),
    "voices alone": (
        GENERATIONS,
        {"model": NEW, "reference_audios": [{"voice_id": "ara"}]},
        "Prompt cannot be empty. Please provide a prompt.",
    ),
    "two keyframes in a slot": (
        GENERATIONS,
        {"model": NEW, "keyframes": [{"image": AWAY, "timestamp_s": each} for each in (1, 1.1)]},
        "`keyframes[1].timestamp_s` is too close to that of another keyframe.",
    ),
    "edit, 1.5": (
        EDITS,
        {"prompt": "x", "model": NEW, "video": CLIP},
        "Video editing is not supported for this model.",
    ),
    "extension, 1.5": (
        EXTENSIONS,
        {"prompt": "x", "model": NEW, "video": CLIP},
        "Video extension is not supported for this model.",
    ),
    "references, lite": (
        GENERATIONS,
        {"prompt": "x", "model": LITE, "reference_images": [AWAY]},
        "`reference_images` is not supported for this model.",
    ),
    "voices, lite": (
        GENERATIONS,
        {"prompt": "x", "model": LITE, "reference_audios": [{"voice_id": "eve"}]},
        "`reference_audios` is not supported for this model.",
    ),
    "keyframes, base": (
        GENERATIONS,
        {"prompt": "x", "keyframes": [{"image": AWAY, "timestamp_s": 1}]},
        "`keyframes` is not supported for this model.",
    ),
    "late keyframe": (
        GENERATIONS,
        {"prompt": "x", "model": NEW, "keyframes": [{"image": AWAY, "timestamp_s": 8}]},
        "`keyframes[0].timestamp_s` must be between 0 and the duration, which is 8s.",
    ),
    "last frame, lite": (
        GENERATIONS,
        {"prompt": "x", "model": LITE, "last_frame": AWAY},
        "`last_frame` is not supported for this model.",
    ),
    "no prompt": (GENERATIONS, {}, "Prompt cannot be empty. Please provide a prompt."),
    "blank prompt": (GENERATIONS, {"prompt": " \n"}, "Prompt cannot be empty. Please provide a prompt."),
    "long prompt": (
        GENERATIONS,
        {"prompt": "ß" * 4097},
        "Prompt length is larger than the maximum allowed length which is 4096",
    ),
    "images": (
        GENERATIONS,
        {"prompt": "x", "images": ["https://example.com/a.jpg"]},
        "The `images` field is deprecated. Please use `reference_images` instead.",
    ),
    "two modes": (
        GENERATIONS,
        {"prompt": "x", "image": AWAY, "reference_images": [AWAY]},
        "`image` is not supported for this model.",
    ),
    "short storage": (
        GENERATIONS,
        {"prompt": "x", "storage_options": {"filename": "a", "expires_after": 1}},
        "`storage_options.expires_after` is out of range: minimum is 3600",
    ),
    # Of two faults the one that is checked first.
    "count before duration": (
        GENERATIONS,
        {"prompt": "x", "reference_images": [AWAY] * 15, "duration": 99},
        "Too many reference images: 15. Maximum allowed is 14.",
    ),
    "model before duration": (
        EXTENSIONS,
        {"prompt": "x", "model": NEW, "video": CLIP, "duration": 99},
        "Video extension is not supported for this model.",
    ),
    "references before voices": (
        GENERATIONS,
        {"model": NEW, "reference_images": [AWAY] * 15, "reference_audios": [{"voice_id": "x"}] * 4},
        "Too many reference images: 15. Maximum allowed is 14.",
    ),
    "voices before their names": (
        GENERATIONS,
        {"model": NEW, "reference_audios": [{"voice_id": "zzz_not_a_voice_zzz"}] * 4, "resolution": "1080p"},
        "Too many reference audio clips: 4. Maximum allowed is 3.",
    ),
    "duration before support": (
        GENERATIONS,
        {"prompt": "x", "duration": 16, "reference_audios": [{"voice_id": "eve"}], "resolution": "1080p"},
        "Duration 16s exceeds the maximum allowed for reference-to-video, which is 10s.",
    ),
    "support before resolution": (
        GENERATIONS,
        {"prompt": "x", "reference_audios": [{"voice_id": "zzz_not_a_voice_zzz"}], "resolution": "1080p"},
        "`reference_audios` is not supported for this model.",
    ),
    "voice before resolution": (
        GENERATIONS,
        {"prompt": "x", "model": NEW, "reference_audios": [{"voice_id": "zzz_not_a_voice_zzz"}], "resolution": "1080p"},
        UNKNOWN_VOICE,
    ),
    "short references": (
        GENERATIONS,
        {"prompt": "x", "duration": 0, "reference_images": [AWAY]},
        "Duration must be between 1 and 15 seconds",
    ),
}


@pytest.mark.parametrize(("path", "body", "text"), BAD.values(), ids=BAD)
def test_a_bad_request_is_a_flat_400(remote: Any, path: str, body: dict[str, Any], text: str) -> None:
    accepted = len(remote.sandbox.jobs)
    response = remote.post(path, body)
    assert (response.status_code, response.json()) == (400, {"code": INVALID, "error": text})
    assert response.headers["content-type"] == "application/json"
    assert len(remote.sandbox.jobs) == accepted


RATIOS = "`1:1`, `16:9`, `9:16`, `4:3`, `3:4`, `3:2`, `2:3`, `21:9`, `5:2`"
SHAPES = {
    # The first three are the recorded texts with bodies of the recorded length.
    "missing": (EDITS, '{"prompt":"Make the ball a balloon.."}', "missing field `video` at line 1 column 38"),
    "string": (
        EDITS,
        '{"prompt":"x","video":"https://example.com/a.mp4"}',
        'video: invalid type: string "https://example.com/a.mp4", expected struct VideoUrl at line 1 column 49',
    ),
    "variant": (
        GENERATIONS,
        '{"prompt":"x","aspect_ratio":"auto"}',
        f"aspect_ratio: unknown variant `auto`, expected one of {RATIOS} at line 1 column 35",
    ),
    "resolution": (
        GENERATIONS,
        '{"prompt":"x","resolution":"4k"}',
        "resolution: unknown variant `4k`, expected one of `480p`, `720p`, `1080p` at line 1 column 31",
    ),
    "image string": (
        GENERATIONS,
        '{"image":"https://example.com/a.jpg"}',
        'image: invalid type: string "https://example.com/a.jpg", expected struct ImageUrl at line 1 column 36',
    ),
    "second line": (
        GENERATIONS,
        '{"prompt": "é",\n "reference_images": [{"url": "a"}, "b"]}',
        'reference_images[1]: invalid type: string "b", expected struct ImageUrl at line 2 column 39',
    ),
    "empty image": (GENERATIONS, '{"image":{}}', "image: missing field `url` at line 1 column 11"),
    "no source": (GENERATIONS, '{"image":{"type":"a"}}', "image: missing field `url` at line 1 column 21"),
    "empty keyframe": (
        GENERATIONS,
        '{"keyframes":[{"timestamp_s":1}]}',
        "keyframes[0]: missing field `image` at line 1 column 31",
    ),
    "null prompt": (
        GENERATIONS,
        '{"prompt":null}',
        "prompt: invalid type: null, expected a string at line 1 column 14",
    ),
    "float": (
        GENERATIONS,
        '{"prompt":"x","duration":1.5}',
        "duration: invalid type: floating point `1.5`, expected i32 at line 1 column 28",
    ),
    "words": (
        GENERATIONS,
        '{"prompt":"x","duration":"long"}',
        'duration: invalid type: string "long", expected i32 at line 1 column 31',
    ),
    "boolean": (
        GENERATIONS,
        '{"prompt":true}',
        "prompt: invalid type: boolean `true`, expected a string at line 1 column 14",
    ),
    "map": (
        GENERATIONS,
        '{"prompt":{}}',
        "prompt: invalid type: map, expected a string at line 1 column 12",
    ),
    "no upload url": (
        GENERATIONS,
        '{"prompt":"x","output":{}}',
        "output: missing field `upload_url` at line 1 column 25",
    ),
    "sequence": (
        GENERATIONS,
        "[1]",
        "invalid type: sequence, expected struct GenerateVideoRequest at line 1 column 3",
    ),
    "first in the text": (
        GENERATIONS,
        '{"model":7,"prompt":5}',
        "model: invalid type: integer `7`, expected a string at line 1 column 10",
    ),
    "last of a repeated name": (
        GENERATIONS,
        '{"prompt":1,"prompt":[2]}',
        "prompt: invalid type: sequence, expected a string at line 1 column 24",
    ),
    "shape before range": (
        GENERATIONS,
        '{"duration":99,"prompt":5}',
        "prompt: invalid type: integer `5`, expected a string at line 1 column 25",
    ),
}


def raw(remote: Any, path: str, body: str | bytes, media_type: str | None = "application/json") -> httpx.Response:
    headers = {} if media_type is None else {"content-type": media_type}
    response: httpx.Response = remote.http.post(path, content=body, headers=headers)
    return response


@pytest.mark.parametrize(("path", "body", "text"), SHAPES.values(), ids=SHAPES)
def test_a_wrong_shape_is_a_422_in_prose(remote: Any, path: str, body: str, text: str) -> None:
    response = raw(remote, path, body)
    assert (response.status_code, response.text) == (422, PREFIX + text)
    assert response.headers["content-type"] == "text/plain; charset=utf-8"


@pytest.mark.parametrize(
    "body",
    [b"{", b"prompt", b'{"prompt":"\xff"}', b'{"prompt":"\\ud800"}', b'{"duration":NaN}', b'{"a":' + b"[" * 99_999],
    ids=["cut", "word", "not utf-8", "half a pair", "nan", "deep"],
)
def test_what_is_not_json_is_a_422(remote: Any, body: bytes) -> None:
    response = raw(remote, GENERATIONS, body)
    assert response.status_code == 422
    assert response.text.startswith("Failed to parse the request body as JSON: ")


@pytest.mark.parametrize(
    ("body", "media_type"),
    [("{}", None), ("{}", "text/plain"), ("prompt=x", "multipart/form-data"), ("", "application/json")],
)
def test_no_json_body_is_a_415(remote: Any, body: str, media_type: str | None) -> None:
    assert raw(remote, GENERATIONS, body, media_type).status_code == 415


def test_a_charset_beside_the_media_type_is_fine(remote: Any) -> None:
    assert raw(remote, GENERATIONS, '{"prompt":"x"}', "Application/JSON; charset=utf-8").status_code == 200


ACCEPTED = {
    "duration as a string": ({"prompt": "x", "duration": "9"}, 9),
    "seconds": ({"prompt": "x", "seconds": 5}, 5),
    "the proper name wins": ({"prompt": "x", "seconds": 5, "duration": 4}, 4),
    "nulls": ({"prompt": "x", "duration": None, "image": None, "model": None, "aspect_ratio": None}, 8),
    "empty lists": ({"prompt": "x", "reference_images": [], "reference_audios": [], "keyframes": []}, 8),
    "null lists": ({"prompt": "x", "reference_images": None, "reference_audios": None, "keyframes": None}, 8),
    "a ratio of autumn": ({"prompt": "x", "aspect_ratio": "21:9", "duration": 2}, 2),
    "silence that the model does not have": ({"prompt": "x", "generate_audio": False, "duration": 2}, 2),
    "unknown fields": ({"prompt": "x", "durration": 3, "image_url": "https://example.com/a.jpg", "n": 4}, 8),
    "alias of a model": ({"prompt": "x", "model": "grok-imagine-video-beta"}, 8),
    "input_reference": ({"input_reference": AWAY, "duration": 2}, 2),
    "image_url in an image": ({"image": {"image_url": "https://example.com/a.jpg"}, "duration": 2}, 2),
    "detail in an image": ({"image": AWAY | {"type": "image_url", "detail": "high"}, "duration": 2}, 2),
}


@pytest.mark.parametrize(("body", "seconds"), ACCEPTED.values(), ids=ACCEPTED)
def test_the_service_is_tolerant(remote: Any, body: dict[str, Any], seconds: int) -> None:
    state = remote.make(GENERATIONS, body)
    assert (state["status"], state["video"]["duration"], state["model"]) == ("done", seconds, "grok-imagine-video")


def test_an_alias_means_its_field(remote: Any) -> None:
    one_image = remote.job(remote.start(GENERATIONS, {"input_reference": AWAY}))
    assert remote.end(one_image["request_id"])["usage"]["cost_in_usd_ticks"] == 4_020_000_000


def test_an_unknown_model_is_a_404(remote: Any) -> None:
    response = remote.post(GENERATIONS, {"prompt": "x", "model": "grok-video"})
    assert response.status_code == 404
    assert response.json() == {
        "code": "not-found",
        "error": "The model grok-video does not exist or your team 00000000-0000-0000-0000-000000000000 does not have "
        "access to it. If you believe this is a mistake, please contact support and quote your team ID and the model name.",
    }


@pytest.mark.parametrize("method", ["GET", "POST", "PATCH"])
@pytest.mark.parametrize("path", ["/", "/v1", "/v1/videos", "/v1/videos/generations/", "/v1/nothing/here"])
def test_an_unknown_route_is_nested(remote: Any, method: str, path: str) -> None:
    response = httpx.request(method, remote.origin + path, trust_env=False)
    assert response.status_code == 404
    assert response.json()["error"]["code"] == 404
    assert response.json()["error"]["message"].startswith("The requested resource was not found.")


@pytest.mark.parametrize(
    ("method", "path"),
    [("POST", "/videos/x"), ("DELETE", "/videos/x"), ("PUT", GENERATIONS), ("POST", "/video-generation-models")],
)
def test_a_wrong_method_is_an_empty_405(remote: Any, method: str, path: str) -> None:
    response = remote.http.request(method, path)
    assert (response.status_code, response.content) == (405, b"")


def test_ids(remote: Any) -> None:
    for malformed in ("x", "generations", "0" * 36, "d97415a1-5796-b7ec-379f-4e6819e08fdf0"):
        response = remote.look(malformed)
        assert (response.status_code, response.json()["error"]) == (400, "Malformed request ID")
    response = remote.look("d97415a1-5796-b7ec-379f-4e6819e08fdf")
    assert response.status_code == 404
    assert response.json() == {
        "code": "not-found",
        "error": "No deferred video could be found with the given request_id.",
    }


@pytest.mark.parametrize("header", [None, "", "Bearer", "Basic abc"])
@pytest.mark.parametrize(
    ("method", "path"),
    [("POST", GENERATIONS), ("POST", EDITS), ("GET", "/videos/x"), ("GET", "/video-generation-models/x")],
)
def test_without_a_key_it_is_401(remote: Any, method: str, path: str, header: str | None) -> None:
    headers = {} if header is None else {"authorization": header}
    response = httpx.request(method, remote.sandbox.base_url + path, headers=headers, trust_env=False)
    assert response.status_code == 401
    assert response.json() == {
        "code": "unauthenticated:no-credentials",
        "error": "No credentials presented.",
    }


def test_a_wrong_key_is_a_400_that_does_not_tell_it(run: Any) -> None:
    with run(api_key="the-only-key") as remote:
        wrong = {"authorization": "Bearer xai-0123456789yz"}
        for response in (
            remote.http.post(GENERATIONS, json={"prompt": "x"}, headers=wrong),
            remote.http.get("/video-generation-models", headers=wrong),
        ):
            assert response.status_code == 400
            assert response.json() == {
                "code": INVALID,
                "error": "Incorrect API key provided. You can obtain an API key from https://console.x.ai.",
            }
        right = {"authorization": "Bearer the-only-key"}
        assert remote.http.post(GENERATIONS, json={"prompt": "x"}, headers=right).status_code == 200


def test_zero_data_retention_wants_an_upload_url(run: Any) -> None:
    with run(zero_data_retention=True) as remote:
        response = remote.post(GENERATIONS, {"prompt": "x"})
        text = "Zero Data Retention teams must provide output.upload_url for video generation."
        assert (response.status_code, response.json()["error"]) == (400, text)
        output = {"upload_url": "https://example.com/put"}
        response = remote.post(GENERATIONS, {"prompt": "x", "output": output})
        assert (response.status_code, response.headers["x-zero-data-retention"]) == (200, "true")


def test_a_body_has_a_bound(run: Any) -> None:
    with run(max_body_bytes=1000) as remote:
        assert raw(remote, GENERATIONS, json.dumps({"prompt": "x" * 2000})).status_code == 413
        assert remote.generate()
