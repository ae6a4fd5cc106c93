"""What the sandbox is as of spring and as of autumn: the document decides, and nothing else."""

from typing import Any

import pytest

from grok_imagine_sandbox import Sandbox
from grok_imagine_sandbox.contract import Contract
from grok_imagine_sandbox.eras import UnknownEra, as_of

GENERATIONS = "/videos/generations"
AWAY = {"url": "https://example.com/a.jpg"}
NEW = "grok-imagine-video-1.5"
PHRASE, TOKEN = "Client specified an invalid argument", "invalid-argument"


@pytest.fixture(scope="module")
def spring(run: Any) -> Any:
    with run(as_of="spring", api_key="xai-test-key") as remote:
        yield remote


def later(node: Any, month: str) -> list[Any]:
    """All parts of a document that came after a month and say nothing of before."""
    found = []
    if isinstance(node, dict):
        since = node.get("x-since", node.get("since", ""))
        if isinstance(since, str) and since > month and not {"earlier", "phrase"} & node.keys():
            found.append(node)
        found += [
            value for value, since in node.get("x-since-values", {}).items() if since > month and value in node["enum"]
        ]
    for item in node.values() if isinstance(node, dict) else node if isinstance(node, list) else ():
        found += later(item, month)
    return found


@pytest.fixture(scope="module")
def shipped(document: dict[str, Any]) -> dict[str, Any]:
    """The document without the evidence, which tells months of its own kind and stays at home."""
    return {name: value for name, value in document.items() if name != "x-evidence"}


@pytest.mark.parametrize("era", ["spring", "autumn"])
def test_nothing_of_an_era_is_later_than_it(shipped: dict[str, Any], era: str) -> None:
    month = shipped["x-eras"]["eras"][era]["month"]
    assert later(as_of(shipped, era), month) == []
    assert bool(later(shipped, month)) == (era == "spring")


def test_an_era_takes_nothing_else_away(shipped: dict[str, Any]) -> None:
    assert as_of(shipped, "autumn") == shipped
    assert as_of(shipped, None) == shipped
    early, whole = Contract("spring"), Contract()
    assert early.modes.keys() == whole.modes.keys()
    assert set(early.document["x-errors"]["texts"]) == set(whole.document["x-errors"]["texts"])


@pytest.mark.parametrize("era", ["winter", ""])
def test_there_is_no_other_era(era: str) -> None:
    with pytest.raises(UnknownEra, match="spring, autumn"):
        Sandbox(as_of=era)


REFUSED: dict[str, tuple[dict[str, Any], int, str]] = {
    "references": (
        {"prompt": "x", "reference_images": [AWAY] * 8},
        400,
        "Too many reference images: 8. Maximum allowed is 7.",
    ),
    "references and an image": (
        {"prompt": "x", "image": AWAY, "reference_images": [AWAY]},
        400,
        "`image` is not supported for this model.",
    ),
    "no prompt": ({"reference_images": [AWAY]}, 400, "Prompt cannot be empty. Please provide a prompt."),
    "model": (
        {"prompt": "x", "model": NEW},
        404,
        "The model grok-imagine-video-1.5 does not exist or your team 00000000-0000-0000-0000-000000000000 does not have "
        "access to it. Please ensure you're using the correct API key. If you believe this is a mistake, please contact "
        "support and quote your team ID and the model name.",
    ),
}


@pytest.mark.parametrize(("body", "status", "text"), REFUSED.values(), ids=REFUSED)
def test_spring_refuses_in_its_own_words(spring: Any, body: dict[str, Any], status: int, text: str) -> None:
    response = spring.post(GENERATIONS, body)
    code = PHRASE if status == 400 else "Some requested entity was not found"
    assert (response.status_code, response.json()) == (status, {"code": code, "error": text})


@pytest.mark.parametrize(
    "later",
    [
        {"last_frame": AWAY},
        {"keyframes": [{"image": AWAY, "timestamp_s": 99}]},
        {"reference_audios": [{"voice_id": "zzz"}] * 9},
        {"generate_audio": "no"},
        {"storage_options": {}},
    ],
    ids=lambda later: next(iter(later)),
)
def test_spring_ignores_what_came_later(spring: Any, later: dict[str, Any]) -> None:
    state = spring.make(GENERATIONS, {"prompt": "x", **later})
    assert (state["status"], state["usage"]["cost_in_usd_ticks"]) == ("done", 4_000_000_000)
    assert state["video"].keys() == {"url", "duration", "respect_moderation"}


@pytest.mark.parametrize("value", ["21:9", "1080p"])
def test_spring_does_not_know_later_values(spring: Any, value: str) -> None:
    field = "aspect_ratio" if ":" in value else "resolution"
    response = spring.post(GENERATIONS, {"prompt": "x", field: value})
    assert (response.status_code, f"unknown variant `{value}`, expected one of" in response.text) == (422, True)
    assert response.text.count(value) == 1


def test_keys_in_spring(spring: Any) -> None:
    wrong = spring.http.get("/videos/x", headers={"authorization": "Bearer xai-0123456789yz"})
    assert wrong.json() == {
        "code": PHRASE,
        "error": "Incorrect API key provided: xa***yz. You can obtain an API key from https://console.x.ai.",
    }
    assert spring.http.get("/videos/x", headers={"authorization": ""}).json() == {
        "code": "The request does not have valid authentication credentials",
        "error": "No credentials presented. [WKE=unauthenticated:no-credentials]",
    }


def test_models_in_both(spring: Any, remote: Any) -> None:
    (card,) = spring.http.get("/video-generation-models").json()["models"]
    assert card == spring.http.get("/video-generation-models/grok-imagine-video").json()
    assert card == {
        "id": "grok-imagine-video",
        "fingerprint": "fp_2af1728e8f",
        "created": 1769558400,
        "object": "model",
        "owned_by": "xai",
        "version": "1.0",
        "input_modalities": ["text", "image"],
        "output_modalities": ["video"],
        "aliases": [],
    }
    assert spring.http.get(f"/video-generation-models/{NEW}").status_code == 404
    base, new, _ = remote.http.get("/video-generation-models").json()["models"]
    assert (base["fingerprint"], base["input_modalities"]) == ("fp_5f37b474c6", ["text", "image", "video"])
    assert (new["fingerprint"], new["created"], new["input_modalities"], new["aliases"]) == (
        "fp_8e3f9286fa",
        1779840000,
        ["text", "image", "audio"],
        ["grok-imagine-video-1.5-preview", "grok-imagine-video-1.5-2026-05-30"],
    )
    for alias in new["aliases"]:
        assert remote.http.get(f"/video-generation-models/{alias}").json() == new


@pytest.mark.parametrize(
    ("body", "soonest", "latest"),
    [
        ({}, 11, 23),
        ({"duration": 15}, 17, 32),
        ({"model": NEW, "image": AWAY, "last_frame": AWAY, "duration": 3}, 38, 44),
        ({"model": NEW, "image": AWAY, "duration": 4, "resolution": "1080p"}, 45, 52),
        ({"model": NEW, "duration": 15, "resolution": "1080p"}, 80, 96),
    ],
    ids=["base", "base, long", "1.5, pinned", "1.5 at 1080p", "1.5, the longest"],
)
def test_families_of_lengths(run: Any, body: dict[str, Any], soonest: float, latest: float) -> None:
    with run() as remote:
        for _ in range(8):
            request_id = remote.start(GENERATIONS, {"prompt": "x", **body})
            start = remote.clock.now
            remote.clock.now = start + soonest - 1
            assert remote.look(request_id).status_code == 202
            remote.clock.now = start + latest
            assert remote.look(request_id).status_code == 200
