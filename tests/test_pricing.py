"""Estimates are what the sandbox bills, and never less; the sandbox bills what was recorded of the service."""

from __future__ import annotations

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
    with pytest.raises(OutOfRange, match="from 0 on"):
        estimate(edit, input_seconds=-1)
