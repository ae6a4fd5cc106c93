"""Modes: a request is accepted exactly when x-modes, as written in the document, says so."""

from __future__ import annotations

from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from grok_imagine import InvalidRequest, ModeConflict, OutOfRange, UnknownField, VideoRequest
from grok_imagine.modes import check, choose
from support import ROOT

DOCUMENT = yaml.safe_load((ROOT / "openapi" / "grok-imagine.yaml").read_text(encoding="utf-8"))
XMODES = DOCUMENT["x-modes"]
BODIES = {
    "generateVideo": "GenerateVideoRequest",
    "editVideo": "EditVideoRequest",
    "extendVideo": "ExtendVideoRequest",
}
MODES, MODELS = XMODES["modes"], XMODES["models"]
GENERATE = ["text-to-video", "image-to-video", "reference-to-video", "edit-video"]

VALUES: dict[str, Any] = {
    "prompt": "A cat",
    "duration": 5,
    "aspect_ratio": "4:3",
    "resolution": "720p",
    "image": {"url": "https://example.com/a.png"},
    "last_frame": {"file_id": "file_1"},
    "video": {"url": "https://example.com/a.mp4"},
    "reference_images": [{"url": "https://example.com/a.png"}],
    "reference_audios": [{"voice_id": "ara"}],
    "keyframes": [{"image": {"url": "https://example.com/a.png"}, "timestamp_s": 2}],
    "generate_audio": False,
    "output": {"upload_url": "https://example.com/put"},
    "storage_options": {"filename": "a.mp4"},
    "user": "me",
}
"""A value of each field that every mode and model has in range, so that only the set of fields decides."""

NAMES = [*MODELS, *(alias for model in MODELS.values() for alias in model["aliases"]), "grok-imagine-video-9"]


def selected(fields: set[str], modes: list[str]) -> set[str]:
    return {mode for mode in modes if fields & set(MODES[mode]["selected_by"])} or {"text-to-video"}


def allowed(mode: str, model: str, fields: set[str]) -> bool:
    """The rule of x-modes in one breath, written apart from the code under test."""
    name = next((name for name, data in MODELS.items() if model in data["aliases"]), model)
    narrowed = MODELS[name]["modes"].get(mode) if name in MODELS else {"forbidden": {}}
    if narrowed is None:
        return False
    forbidden = MODES[mode]["forbidden"].keys() | narrowed["forbidden"].keys()
    return set(MODES[mode]["required"]) <= fields and not forbidden & fields


def accepted(body: dict[str, Any], extend: bool) -> bool:
    try:
        VideoRequest.from_body(body, call="extend" if extend else "generate").check()
    except InvalidRequest:
        return False
    return True


@given(st.sets(st.sampled_from(sorted(VALUES))), st.sampled_from(NAMES), st.booleans())
def test_any_set_of_fields_is_accepted_exactly_when_the_contract_says_so(
    fields: set[str], model: str, extend: bool
) -> None:
    body = {"model": model} | {field: VALUES[field] for field in sorted(fields)}
    chosen = {"extend-video"} if extend else selected(fields, GENERATE)
    expected = len(chosen) == 1 and allowed(next(iter(chosen)), model, fields)
    assert accepted(body, extend) == expected
    if expected:
        # What is accepted is what the document's own schema of the operation takes.
        name = BODIES[MODES[chosen.pop()]["operation"]]
        schema = {"$ref": f"#/components/schemas/{name}", "components": DOCUMENT["components"]}
        Draft202012Validator(schema).validate(body)
        assert body.keys() <= DOCUMENT["components"]["schemas"][name]["properties"].keys()


@given(st.sampled_from(sorted(MODES)), st.sampled_from(sorted(MODELS)), st.integers(-3, 30))
def test_durations_are_held_to_the_mode_and_the_model(mode: str, model: str, duration: int) -> None:
    narrowed = MODELS[model]["modes"].get(mode)
    limit = (narrowed or {"limits": {}})["limits"].get("duration") or MODES[mode]["limits"].get("duration")
    expected = bool(narrowed) and bool(limit) and limit["minimum"] <= duration <= limit["maximum"]
    selector = MODES[mode]["selected_by"][:1]
    body = {field: VALUES[field] for field in {*MODES[mode]["required"], *selector}} | {"model": model}
    assert accepted(body | {"duration": duration}, mode == "extend-video") == expected


@pytest.mark.parametrize("mode", MODES)
def test_each_refusal_names_mode_field_rule_way_out_and_section(mode: str) -> None:
    for field, rule in MODES[mode]["forbidden"].items():
        body = {name: VALUES[name] for name in MODES[mode]["required"]} | {field: VALUES[field]}
        with pytest.raises(ModeConflict) as caught:
            check(mode, body)
        error = caught.value
        assert (error.mode, error.fields, error.rule, error.instead) == (mode, (field,), rule["rule"], rule["instead"])
        assert error.section == f"x-modes.modes.{mode}"
        assert all(part in str(error) for part in (mode, f"`{field}`", rule["rule"], rule["instead"], error.section))


def test_two_chosen_modes_name_both_fields() -> None:
    with pytest.raises(ModeConflict) as caught:
        choose({"prompt": "x", "image": VALUES["image"], "reference_images": VALUES["reference_images"]})
    assert caught.value.fields == ("image", "reference_images")
    assert "400" in caught.value.rule


def test_a_mode_that_the_model_lacks_names_the_models_that_have_it() -> None:
    with pytest.raises(
        ModeConflict, match=r"`grok-imagine-video-1.5` does not do edit-video; use `grok-imagine-video`"
    ):
        check("edit-video", {"prompt": "x", "video": VALUES["video"], "model": "grok-imagine-video-1.5"})


@pytest.mark.parametrize("field", XMODES["misnomers"]["body"])
def test_a_misnomer_in_a_body_says_what_to_write(field: str) -> None:
    with pytest.raises(UnknownField) as caught:
        check("text-to-video", {"prompt": "x", field: "y"})
    assert caught.value.instead == XMODES["misnomers"]["body"][field]["instead"]


def test_an_unheard_of_field_lists_the_fields() -> None:
    with pytest.raises(UnknownField, match="aspect_ratio, duration"):
        check("text-to-video", {"prompt": "x", "aspectratio": "1:1"})


@pytest.mark.parametrize("model", XMODES["misnomers"]["models"])
def test_a_model_that_does_not_exist_says_which_does(model: str) -> None:
    with pytest.raises(UnknownField, match="grok-imagine-video"):
        check("text-to-video", {"prompt": "x", "model": model})


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"prompt": ""}, "1 to 4096 characters; got 0"),
        ({"prompt": "x" * 4097}, "got 4097"),
        ({"prompt": 7}, "is a text; got int"),
        ({"duration": 0}, "is 1 to 15 s; got 0"),
        ({"duration": True}, "whole number"),
        ({"duration": 2.5}, "whole number"),
        ({"duration": "8"}, "whole number"),
        ({"aspect_ratio": "auto"}, "is one of 1:1, 16:9"),
        ({"resolution": "1080p"}, "is one of 480p, 720p; got '1080p'"),
        ({"prompt": "  \n"}, "is blank"),
        ({"prompt": "half \ud800"}, "surrogate"),
        ({"duration": 8.0}, "whole number"),
        ({"aspect_ratio": 1}, "is one of 1:1"),
        ({"aspect_ratio": "21:9"}, "use model `grok-imagine-video-1.5` or `grok-imagine-video-1.5-lite`"),
        ({"aspect_ratio": "7:1"}, "`strict=False` sends a newer value"),
        ({"resolution": "1080p"}, "use model `grok-imagine-video-1.5`"),
        ({"user": 5}, "is a text; got int"),
        ({"model": ["a"]}, "is a text; got list"),
        ({"storage_options": "a.mp4"}, "is an object; got str"),
        ({"storage_options": {"filename": "a", "expire_after": 9}}, "got expire_after"),
        ({"storage_options": {"filename": "a", "public_url": "no"}}, "`public_url` of True"),
        ({"output": {"upload_url": "nonsense"}}, "has a URL of https, http"),
        ({"output": {"upload_url": ""}}, "empty `upload_url`"),
        ({"output": {}}, "exactly one of `upload_url`"),
        ({"storage_options": {}}, "filename"),
        ({"storage_options": {"filename": "x" * 256}}, "1 to 255"),
        ({"storage_options": {"filename": "a.mp4", "expires_after": 60}}, "3600 to 2592000"),
        ({"storage_options": {"filename": "a.mp4", "public_url": {"expires_after": 60}}}, "3600 to 2592000"),
    ],
)
def test_values_out_of_range_say_the_range(change: dict[str, Any], words: str) -> None:
    with pytest.raises(OutOfRange) as caught:
        check("text-to-video", {"prompt": "A cat"} | change)
    assert words in str(caught.value)
    assert caught.value.fields == (next(iter(change)),)


@pytest.mark.parametrize(
    ("image", "words"),
    [
        ("https://example.com/a.png", "is an object"),
        ({}, "exactly one of `url` or `file_id`; got none"),
        ({"url": "https://example.com/a.png", "file_id": "f"}, "got url and file_id"),
        ({"url": ""}, "empty `url`"),
        ({"url": b"abc"}, "has a text as its `url`; got bytes; give a local file as a pathlib.Path"),
        ({"url": "https:"}, "with a host"),
        ({"url": "https://a b/c"}, "without spaces"),
        ({"url": "cat.png"}, "give a local file as a pathlib.Path"),
        ({"url": "file:///cat.png"}, "https, http, data"),
        ({"url": "data:image/gif;base64,R0lGODlh"}, "image/jpeg, image/png, image/webp; got image/gif"),
        ({"url": "data:,x"}, "without a type"),
    ],
)
def test_images_that_can_not_be_read_are_refused_before_they_cost(image: Any, words: str) -> None:
    with pytest.raises(OutOfRange) as caught:
        check("image-to-video", {"image": image})
    assert words in str(caught.value)


@pytest.mark.parametrize("url", ["https://a.example/clip.mov", "https://a.example/clip?name=a.mp4"])
def test_a_video_is_an_mp4_by_the_path_of_its_url(url: str) -> None:
    check("edit-video", {"prompt": "x", "video": {"url": "https://a.example/CLIP.MP4?signature=1"}})
    with pytest.raises(OutOfRange, match=r"path ends in \.mp4"):
        check("edit-video", {"prompt": "x", "video": {"url": url}})


def test_what_is_missing_is_named_by_its_keyword() -> None:
    with pytest.raises(OutOfRange, match=r"`video`: is required; use `video_url=` or `video_file_id=`"):
        check("extend-video", {"prompt": "x"})


@pytest.mark.parametrize("value", [5, "https://a.example/a.png", {"url": "x"}])
def test_lists_are_lists(value: Any) -> None:
    with pytest.raises(OutOfRange, match="is a list"):
        check("reference-to-video", {"prompt": "x", "reference_images": value})


def test_the_size_of_an_image_in_the_request_is_bounded() -> None:
    head = "data:image/png;base64,"
    largest = "A" * (20 * 2**20 // 3 * 4)
    check("image-to-video", {"image": {"url": head + largest}})
    check(
        "image-to-video", {"image": {"url": head + largest + "AAA="}}
    )  # 20 MiB to the byte: 2 more than a multiple of 3
    with pytest.raises(OutOfRange, match="at most 20,971,520 bytes"):
        check("image-to-video", {"image": {"url": head + "A" * (21 * 2**20 // 3 * 4)}})


@pytest.mark.parametrize("seconds", [0, 8, 9.5, -1, None, "2"])
def test_keyframes_lie_within_the_video(seconds: Any) -> None:
    frame = {"image": {"url": "https://example.com/a.png"}, "timestamp_s": seconds}
    with pytest.raises(OutOfRange, match="between 0 and 8 s"):
        check("text-to-video", {"prompt": "x", "model": "grok-imagine-video-1.5", "keyframes": [frame]})


@pytest.mark.parametrize(("model", "most"), [("grok-imagine-video", 7), ("grok-imagine-video-1.5", 14)])
def test_reference_images_are_counted_by_model(model: str, most: int) -> None:
    body = {"prompt": "x", "model": model, "reference_images": VALUES["reference_images"] * most}
    check("reference-to-video", body)
    with pytest.raises(OutOfRange, match=f"takes 1 to {most}; got {most + 1}"):
        check("reference-to-video", body | {"reference_images": VALUES["reference_images"] * (most + 1)})
