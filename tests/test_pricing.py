"""Estimates are what the sandbox bills, and never less; the sandbox bills what was recorded of the service."""

from __future__ import annotations

import copy
import io
import json
import pickle

import av
import pytest

from grok_imagine import (
    EditVideo,
    ExtendVideo,
    ImageToVideo,
    OutOfRange,
    ReferenceToVideo,
    TextToVideo,
    VideoRequest,
    estimate,
)
from grok_imagine_sandbox import Sandbox
from support import Api

PNG = "data:image/png;base64,iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="
CLIP = "https://example.com/clip.mp4"
NEW = "grok-imagine-video-1.5"
RECORDED = [
    (TextToVideo("x"), None, 0.4),
    (ImageToVideo(image_url=PNG, duration=6, resolution="720p"), None, 0.422),
    (TextToVideo("x", duration=1), None, 0.05),
]
STAND_IN_SECONDS = 5
BILLED = [
    *RECORDED,
    (ReferenceToVideo("x", reference_image_urls=[PNG, PNG], duration=3), None, 0.154),
    (TextToVideo("x", NEW, duration=2, resolution="1080p"), None, 0.5),
    (ReferenceToVideo("x", NEW, image_url=PNG, last_frame_url=PNG, duration=3), None, 0.26),
    (
        ReferenceToVideo(
            "x",
            NEW,
            image_url=PNG,
            reference_image_urls=[PNG, PNG],
            keyframes=[{"image_url": PNG, "timestamp": 1}],
            duration=2,
        ),
        None,
        0.2,
    ),
    (ImageToVideo("x", "grok-imagine-video-1.5-lite", image_url=PNG, duration=2), None, 0.05),
]


@pytest.mark.parametrize(("request_", "seconds", "usd"), BILLED)
def test_an_estimate_is_the_bill(api: Api, request_: VideoRequest, seconds: float | None, usd: float) -> None:
    assert estimate(request_, input_seconds=seconds) == pytest.approx(usd)
    assert api(lambda c: c.video.generate(request_)).cost_usd == pytest.approx(usd)


@pytest.mark.parametrize("request_", [EditVideo("x", video_url=CLIP), ExtendVideo("x", video_url=CLIP, duration=10)])
def test_an_estimate_without_the_input_is_not_less_than_the_bill(
    api: Api, sandbox: Sandbox, request_: VideoRequest
) -> None:
    bill = api(lambda c: c.video.generate(request_)).cost_usd
    known, unknown = estimate(request_, input_seconds=STAND_IN_SECONDS), estimate(request_)
    assert known is not None and unknown is not None and bill <= known + 1e-9 <= unknown + 1e-9


def clip(seconds: int) -> bytes:
    file = io.BytesIO()
    with av.open(file, "w", format="mp4") as container:
        track = container.add_stream("libx264", rate=10)
        track.width = track.height = 64
        track.pix_fmt = "yuv420p"
        for _ in range(seconds * 10):
            container.mux(track.encode(av.VideoFrame(64, 64, "yuv420p")))
        container.mux(track.encode())
    return file.getvalue()


@pytest.mark.parametrize("seconds", [1, 3, 8])
def test_a_video_in_the_request_is_measured(seconds: int) -> None:
    for made in (EditVideo, ExtendVideo):
        here, there = made("x", video_url=clip(seconds)), made("x", video_url=CLIP)
        assert estimate(here) == pytest.approx(estimate(there, input_seconds=seconds))
        assert not any("input video" in text for text in estimate(here).assumed)  # type: ignore[union-attr]
        assert any("input video" in text for text in estimate(there).assumed)  # type: ignore[union-attr]
        assert estimate(here, input_seconds=2) == estimate(there, input_seconds=2)


ASSUMED: list[tuple[VideoRequest, float | None, list[str]]] = [
    (TextToVideo("x", duration=4, resolution="720p"), None, []),
    (TextToVideo("x"), None, ["the duration is 8 s, the default", "the resolution is 480p, the default"]),
    (
        TextToVideo("x", "grok-imagine-video-1.5-lite", duration=4, resolution="720p"),
        None,
        ["they have a single source"],
    ),
    (TextToVideo("x", duration=4, resolution="8k"), None, ["the resolution is 720p, the dearest"]),
    (EditVideo("x", video_url=CLIP), None, ["the input video is 8.7 s long", "the resolution is 720p, the dearest"]),
    (EditVideo("x", video_url=CLIP), 3, ["the resolution is 720p, the dearest"]),
    (EditVideo("x", video_file_id="file_1"), None, ["the input video is 8.7 s long", "the dearest"]),
    (ExtendVideo("x", video_url=CLIP, duration=3), None, ["the input video is 30 s long", "the dearest"]),
    (
        TextToVideo("x", duration=4, resolution="720p", storage_options={"filename": "a.mp4", "expires_after": 86400}),
        None,
        ["the stored file has 50 MiB, the maximum, and is stored for 1 days"],
    ),
    (
        TextToVideo("x", duration=4, resolution="720p", storage_options={"filename": "a.mp4"}),
        None,
        ["is stored for 30 days; without `expires_after` it is stored, and paid for, until it is deleted"],
    ),
]


@pytest.mark.parametrize(("request_", "seconds", "said"), ASSUMED)
def test_an_estimate_says_what_it_assumed(request_: VideoRequest, seconds: float | None, said: list[str]) -> None:
    found = estimate(request_, input_seconds=seconds)
    assert found is not None and len(found.assumed) == len(said), found.assumed
    for text, part in zip(found.assumed, said, strict=True):
        assert part in text
    assert isinstance(found, float) and json.loads(json.dumps({"usd": found})) == {"usd": float(found)}
    for copied in (pickle.loads(pickle.dumps(found)), copy.deepcopy(found)):
        assert (copied, copied.assumed) == (found, found.assumed)


def test_what_is_kept_costs_by_the_day() -> None:
    def kept(**options: object) -> float:
        storage = {"filename": "a.mp4", **options}
        found = estimate(TextToVideo("x", storage_options=storage))
        assert found is not None
        return found - 0.4

    assert kept(expires_after=86400) == pytest.approx(0.025 * 50 / 1024)
    assert kept(expires_after=864000) == pytest.approx(10 * kept(expires_after=86400))
    assert kept() == kept(expires_after=None) == pytest.approx(30 * kept(expires_after=86400))
    for odd in ("x", True, float("nan"), float("inf"), -1, []):  # for the service to judge, without `strict`
        assert kept(expires_after=odd) == kept()


def test_what_moderation_withholds_costs_as_much(api: Api) -> None:
    request = TextToVideo("x", duration=3)
    video = api(lambda c: c.video.generate(request), headers={"x-sandbox-scenario": "moderated-withheld"})
    assert video.outcome == "moderated" and video.cost_usd == pytest.approx(estimate(request)) == 0.15


def test_the_recorded_extension() -> None:
    # 10 s at 480p and 5 s of input: $0.55 on record. The resolution is the input's, so 720p is assumed.
    assert estimate(ExtendVideo("x", video_url=CLIP, duration=10), input_seconds=5) == pytest.approx(0.75)


def test_an_edit_is_capped_and_an_unknown_model_has_no_price() -> None:
    edit = EditVideo("x", video_url=CLIP)
    assert estimate(edit) == estimate(edit, input_seconds=8.7) == pytest.approx(8.7 * 0.08)
    assert estimate(TextToVideo("x", "grok-imagine-video-9")) is None
    assert estimate(TextToVideo("x", "grok-imagine-video-beta")) == pytest.approx(0.4)
    for duration in ("abc", -5, True, 2.5):
        with pytest.raises(OutOfRange, match="is a whole number of seconds"):
            estimate(VideoRequest("text-to-video", {"prompt": "x", "duration": duration}))
    for seconds in (-1, float("nan"), float("inf")):
        with pytest.raises(OutOfRange, match="from 0 on"):
            estimate(edit, input_seconds=seconds)
