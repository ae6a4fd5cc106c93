"""The sandbox obeys the document's rules: what strict mode takes without a word, it takes; what is refused, it refuses."""

import json
import warnings
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from grok_imagine import InvalidRequest, VideoRequest
from grok_imagine_sandbox.contract import document_path

DOCUMENT = json.loads(document_path().read_text(encoding="utf-8"))
XMODES = DOCUMENT["x-modes"]
PATHS = {operation["operationId"]: path for path, item in DOCUMENT["paths"].items() for operation in item.values()}
IMAGE = {"url": "https://example.com/a.jpg"}
BODIES = st.fixed_dictionaries(
    {"model": st.sampled_from(sorted(XMODES["models"]))},
    optional={
        "prompt": st.sampled_from(["A cat", "", None]),
        "duration": st.sampled_from([None, 0, 1, 10, 11, 15, 16]),
        "resolution": st.sampled_from([None, "480p", "720p", "1080p", "4k"]),
        "aspect_ratio": st.sampled_from([None, "1:1", "21:9", "auto"]),
        "image": st.sampled_from([None, IMAGE]),
        "last_frame": st.sampled_from([None, IMAGE]),
        "reference_images": st.sampled_from([None, [], [IMAGE], [IMAGE] * 14, [IMAGE] * 15]),
        "reference_audios": st.sampled_from(
            [
                None,
                [],
                [{"voice_id": "ara"}],
                [{"voice_id": "a1b2c3d4"}],
                [{"voice_id": "no"}],
                [{"voice_id": "eve"}] * 4,
            ]
        ),
        "keyframes": st.lists(
            st.builds(lambda time: {"image": IMAGE, "timestamp_s": time}, st.sampled_from([0, 0.5, 0.6, 2, 2.3, 7, 9])),
            max_size=5,
        ),
        "generate_audio": st.sampled_from([None, True, False]),
    },
)


def refusal(body: dict[str, Any], strict: bool) -> str | None:
    """What strict mode says against a body; without `strict`, warnings count as nothing."""
    with warnings.catch_warnings():
        warnings.simplefilter("error" if strict else "ignore")
        try:
            VideoRequest.from_body(body).check()
        except (InvalidRequest, UserWarning) as error:
            return str(error)
    return None


@settings(max_examples=150, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))
@given(body=BODIES)
def test_strict_mode_and_the_sandbox_judge_alike(remote: Any, body: dict[str, Any]) -> None:
    sent = VideoRequest.from_body(body)
    answer = remote.post(PATHS["generateVideo"], dict(sent.body))
    certain, doubtful = refusal(body, strict=False), refusal(body, strict=True)
    if doubtful is None:
        assert answer.status_code == 200, (answer.text, body)
    if certain is not None:
        assert answer.status_code in (400, 422), (certain, body)


@pytest.mark.parametrize("field", ["reference_images", "reference_audios", "keyframes"])
@pytest.mark.parametrize("model", sorted(XMODES["models"]))
@pytest.mark.parametrize("value", [None, []])
def test_a_client_that_sends_an_empty_list_for_what_was_not_set_starts_its_job(
    remote: Any, field: str, model: str, value: Any
) -> None:
    body = {"model": model, "prompt": "x", field: value}
    assert remote.post(PATHS["generateVideo"], body).status_code == 200
