"""Modes: a request is accepted exactly when x-modes, as written in the document, says so."""

from __future__ import annotations

import math
import warnings
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from grok_imagine import ContractWarning, InvalidRequest, ModeConflict, OutOfRange, UnknownField, VideoRequest
from grok_imagine.core.validation import check, check_name, choose
from support import contract

DOCUMENT = contract()
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
NEW, LITE = "grok-imagine-video-1.5", "grok-imagine-video-1.5-lite"
EMPTY = st.sampled_from([None, [], "left out"])


def model_of(name: str) -> str:
    return next((own for own, data in MODELS.items() if name in data["aliases"]), name)


def selected(fields: set[str], modes: list[str]) -> str | None:
    """The mode that fields select, or None for a conflict."""
    chosen = [mode for mode in modes if fields & set(MODES[mode]["selected_by"])]
    selecting = {field for mode in chosen for field in fields & set(MODES[mode]["selected_by"])}
    takes = [mode for mode in chosen if not selecting & MODES[mode]["forbidden"].keys()]
    return next(iter(takes), None) if chosen else "text-to-video"


def confidences(mode: str, model: str, fields: set[str]) -> set[str]:
    """What x-modes has against a set of fields, in one breath, written apart from the code under test."""
    data = MODELS.get(model_of(model))
    found = {MODES[mode]["forbidden"][field]["confidence"] for field in fields & MODES[mode]["forbidden"].keys()}
    found |= {"H" for field in MODES[mode]["required"] if field not in fields}
    for field, need in MODES[mode].get("required_unless", {}).items():
        if field not in fields and not fields & set(need["fields"]):
            found.add(need["confidence"])
    if data and mode not in data["modes"]:
        found.add(data["lacks"][mode]["confidence"])
    elif data:
        found |= {rule["confidence"] for field, rule in data["modes"][mode]["forbidden"].items() if field in fields}
    return found


def verdict(mode: str | None, found: set[str]) -> str:
    """H is refused, anything else is warned of, and nothing is taken without a word."""
    return "refused" if mode is None or "H" in found else "warned" if found else "taken"


def outcome(body: dict[str, Any], call: str = "generate") -> str:
    """What strict mode makes of a body."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        try:
            request = VideoRequest.from_body(body, call=call)
            request.check()
            request.check()
        except InvalidRequest:
            return "refused"
    assert len(caught) <= 1 and all(isinstance(each.message, ContractWarning) for each in caught)
    return "warned" if caught else "taken"


@given(st.sets(st.sampled_from(sorted(VALUES))), st.sampled_from(NAMES), st.booleans(), EMPTY)
def test_any_set_of_fields_is_taken_exactly_as_the_contract_says(
    fields: set[str], model: str, extend: bool, empty: Any
) -> None:
    # A field that is null, or an empty list, is as good as left out.
    left_out = dict.fromkeys(sorted(VALUES.keys() - fields), empty) if empty != "left out" else {}
    body = {"model": model} | {field: VALUES[field] for field in sorted(fields)} | left_out
    mode = "extend-video" if extend else selected(fields, GENERATE)
    expected = verdict(mode, confidences(mode, model, fields) if mode else set())
    assert outcome(body, "extend" if extend else "generate") == expected
    if expected == "taken":
        # What is taken is what the document's own schema of the operation takes.
        sent = VideoRequest.from_body(body, call="extend" if extend else "generate").body
        name = BODIES[MODES[str(mode)]["operation"]]
        schema = {"$ref": f"#/components/schemas/{name}", "components": DOCUMENT["components"]}
        Draft202012Validator(schema).validate(dict(sent))
        assert sent.keys() <= DOCUMENT["components"]["schemas"][name]["properties"].keys()


def limits_of(mode: str, model: str, field: str) -> list[dict[str, Any]]:
    """The limits of a field, of the mode and of the model."""
    own = MODELS[model]["modes"].get(mode, {"limits": {}})["limits"]
    return [each[field] for each in (MODES[mode]["limits"], own) if field in each]


@given(st.sampled_from(sorted(MODES)), st.sampled_from(sorted(MODELS)), st.integers(-3, 30))
def test_durations_are_held_to_the_mode_and_the_model(mode: str, model: str, duration: int) -> None:
    body = {field: VALUES[field] for field in {"prompt", *MODES[mode]["required"], *MODES[mode]["selected_by"][:1]}}
    found = confidences(mode, model, {*body, "duration"})
    for limit in limits_of(mode, model, "duration"):
        if not limit["minimum"] <= duration <= limit["maximum"]:
            found.add("M" if model in limit.get("uncertain_for", ()) else limit["confidence"])
    body |= {"model": model, "duration": duration}
    assert outcome(body, "extend" if mode == "extend-video" else "generate") == verdict(mode, found)


@given(
    st.sampled_from(GENERATE[:3]),
    st.sampled_from(sorted(MODELS)),
    st.sampled_from(["480p", "720p", "1080p", "4k"]),
    st.sets(st.sampled_from(MODES["reference-to-video"]["selected_by"]), min_size=1),
)
def test_resolutions_are_held_to_the_mode_the_model_and_what_else_is_there(
    mode: str, model: str, resolution: str, references: set[str]
) -> None:
    fields = {"prompt", *MODES[mode]["required"], *(references if mode == "reference-to-video" else ())}
    found = confidences(mode, model, fields)
    for limit in limits_of(mode, model, "resolution"):
        if resolution not in limit["values"]:
            with_ = set(limit.get("certain_with", fields))
            found.add(limit["confidence"] if with_ & fields else "M")
    body = {field: VALUES[field] for field in fields} | {"model": model, "resolution": resolution}
    assert outcome(body) == verdict(mode, found)


@pytest.mark.parametrize(
    ("model", "body", "expected"),
    [
        # The rules of autumn by hand, so that the data is held to something.
        (NEW, {"image": 1, "reference_images": 1}, "taken"),
        (NEW, {"image": 1, "last_frame": 1}, "taken"),
        (NEW, {"last_frame": 1}, "taken"),
        (NEW, {"keyframes": 1, "reference_images": 1, "reference_audios": 1, "image": 1, "last_frame": 1}, "taken"),
        (NEW, {"reference_audios": 1}, "warned"),
        (NEW, {"reference_audios": 1, "prompt": 1}, "taken"),
        (NEW, {}, "refused"),
        (NEW, {"video": 1, "prompt": 1}, "refused"),
        (NEW, {"image": 1, "resolution": "1080p"}, "taken"),
        (NEW, {"reference_images": 1, "resolution": "1080p"}, "refused"),
        (NEW, {"image": 1, "last_frame": 1, "resolution": "1080p"}, "warned"),
        (NEW, {"reference_images": 1, "duration": 15}, "taken"),
        ("grok-imagine-video", {"reference_images": 1, "duration": 10}, "taken"),
        ("grok-imagine-video", {"reference_images": 1, "duration": 11}, "refused"),
        ("grok-imagine-video", {"reference_audios": 1, "prompt": 1}, "refused"),
        ("grok-imagine-video", {"image": 1, "reference_images": 1}, "warned"),
        ("grok-imagine-video", {"image": 1, "last_frame": 1}, "warned"),
        ("grok-imagine-video", {"prompt": 1, "resolution": "1080p"}, "warned"),
        ("grok-imagine-video", {"prompt": 1, "aspect_ratio": "21:9"}, "taken"),
        ("grok-imagine-video", {"prompt": 1, "duration": 16}, "refused"),
        (LITE, {"prompt": 1, "resolution": "1080p", "generate_audio": 1}, "taken"),
        (LITE, {"reference_images": 1}, "warned"),
        (LITE, {"prompt": 1, "duration": 16}, "warned"),
        (LITE, {"prompt": 1, "video": 1}, "warned"),
        ("grok-imagine-video-9", {"reference_images": 1, "resolution": "1080p"}, "taken"),
    ],
)
def test_what_autumn_takes(model: str, body: dict[str, Any], expected: str) -> None:
    full = {field: VALUES[field] if value == 1 else value for field, value in body.items()}
    assert outcome({"model": model} | full) == expected


def test_a_warning_says_section_fields_and_mode_and_names_all_doubts_at_once() -> None:
    body = {"prompt": "x", "model": "grok-imagine-video", "image": VALUES["image"], "last_frame": VALUES["last_frame"]}
    with pytest.warns(ContractWarning) as caught:
        VideoRequest.from_body(body).check()
    (warning,) = (each.message for each in caught)
    assert isinstance(warning, ContractWarning) and isinstance(warning, UserWarning)
    assert warning.section == "x-modes.models.grok-imagine-video.reference-to-video"
    assert (warning.fields, warning.mode) == (("image", "last_frame"), "reference-to-video")
    assert all(part in str(warning) for part in ("`image`", "`last_frame`", warning.section, "not certain"))


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


@pytest.mark.parametrize("field", ["image", "reference_images", "reference_audios", "last_frame", "keyframes"])
def test_two_chosen_modes_name_both_fields(field: str) -> None:
    body = {"prompt": "x", field: VALUES[field], "video": VALUES["video"]}
    with pytest.raises(ModeConflict) as caught:
        choose(body)
    assert set(caught.value.fields) == {field, "video"} and caught.value.instead == "keep one of the two"
    assert choose(body, strict=False) in MODES


@pytest.mark.parametrize("name", XMODES["variants"])
def test_a_mode_can_be_asked_for_by_the_names_that_people_meet(name: str) -> None:
    variant = XMODES["variants"][name]
    body = {"prompt": "x"} | {field: VALUES[field] for field in variant["fields"]}
    assert choose(body) == variant["mode"]
    check_name(name, choose(body), body)
    check_name(variant["mode"], choose(body), body)
    for field in variant["fields"]:
        less = {key: value for key, value in body.items() if key != field}
        with pytest.raises(ModeConflict, match=f"`mode` is {name!r}.*needs .*`{field}`"):
            check_name(name, choose(less), less)


def test_a_name_without_its_fields_does_not_make_the_mode() -> None:
    with pytest.raises(OutOfRange, match="`reference_images`: is missing, and one of"):
        check("reference-to-video", {"prompt": "x", "reference_images": [], "keyframes": None})


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
        ({"prompt": 7}, "is a string; got int"),
        ({"duration": 0}, "is 1 to 15 s; got 0"),
        ({"duration": True}, "whole number"),
        ({"duration": 2.5}, "whole number"),
        ({"duration": "8"}, "whole number"),
        ({"aspect_ratio": "auto"}, "is one of 1:1, 16:9"),
        ({"prompt": "  \n"}, "is blank"),
        ({"prompt": "half \ud800"}, "surrogate"),
        ({"duration": float("inf")}, "whole number"),
        ({"aspect_ratio": 1}, "is a string; got int"),
        ({"aspect_ratio": "7:1"}, "`strict=False` sends a newer value"),
        ({"user": 5}, "is a string; got int"),
        ({"model": ["a"]}, "is a string; got list"),
        ({"storage_options": "a.mp4"}, "is an object; got str"),
        ({"storage_options": {"filename": "a", "expire_after": 9}}, "got expire_after"),
        (
            {"storage_options": {"filename": "a", "public_url": "no"}},
            "`public_url` that is True or False or an object; got str",
        ),
        ({"output": {"upload_url": "nonsense"}}, "has a URL of https, http"),
        ({"output": {"upload_url": ""}}, "empty `upload_url`"),
        ({"output": {}}, "exactly one of `upload_url`"),
        ({"storage_options": {}}, "filename"),
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
    ("mode", "body", "words"),
    [
        (
            "text-to-video",
            {"resolution": "1080p"},
            "is one of 480p, 720p; got '1080p'; use model `grok-imagine-video-1.5`",
        ),
        ("text-to-video", {"generate_audio": False}, "or use a 1.5 model"),
        ("text-to-video", {"storage_options": {"filename": "x" * 256}}, "1 to 255"),
        ("edit-video", {"video": {"url": "https://a.example/clip.mov"}}, "path ends in .mp4"),
        ("edit-video", {"video": {"url": "https://a.example/clip?name=a.mp4"}}, "path ends in .mp4"),
        ("reference-to-video", {"model": LITE, "last_frame": VALUES["image"]}, "use `grok-imagine-video-1.5`"),
        ("reference-to-video", {"model": NEW, "reference_audios": [{"voice_id": "Ara"}]}, "write `ara`"),
        (
            "reference-to-video",
            {"model": NEW, "reference_audios": [{"voice_id": "zzz_not_a_voice"}]},
            "neither a preset",
        ),
        ("reference-to-video", {"model": NEW, "keyframes": VALUES["keyframes"] * 5}, "takes at most 4; got 5"),
    ],
)
def test_what_is_not_certain_is_warned_of_and_passes(mode: str, body: dict[str, Any], words: str) -> None:
    with pytest.warns(ContractWarning) as caught:
        check(mode, {"prompt": "A cat"} | body)
    assert len(caught) == 1 and words in str(caught[0].message)


@pytest.mark.parametrize("voice", [*XMODES["voices"]["presets"], "a1b2c3d4", "00000000"])
def test_presets_and_custom_voices_pass_without_a_word(voice: str) -> None:
    check("reference-to-video", {"prompt": "x", "model": NEW, "reference_audios": [{"voice_id": voice}]})


@pytest.mark.parametrize(
    ("image", "words"),
    [
        ("https://example.com/a.png", "is an object"),
        ({}, "exactly one of `url` or `file_id`; got none"),
        ({"url": "https://example.com/a.png", "file_id": "f"}, "got url and file_id"),
        ({"url": ""}, "empty `url`"),
        ({"url": b"abc"}, "has a string as its `url`; got bytes; write pathlib.Path(...) for a local file"),
        ({"url": "https:"}, "with a host"),
        ({"url": "https://a b/c"}, "without spaces"),
        ({"url": "cat.png"}, "write pathlib.Path(...) for a local file"),
        ({"url": "file:///cat.png"}, "https, http, data"),
        ({"url": "data:image/gif;base64,R0lGODlh"}, "image/jpeg, image/png, image/webp; got image/gif"),
        ({"url": "data:,x"}, "without a type"),
    ],
)
def test_images_that_can_not_be_read_are_refused_before_they_cost(image: Any, words: str) -> None:
    with pytest.raises(OutOfRange) as caught:
        check("image-to-video", {"image": image})
    assert words in str(caught.value)


def test_a_video_is_an_mp4_by_the_path_of_its_url() -> None:
    check("edit-video", {"prompt": "x", "video": {"url": "https://a.example/CLIP.MP4?signature=1"}})


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


def frames(*seconds: Any) -> list[dict[str, Any]]:
    return [{"image": {"url": "https://example.com/a.png"}, "timestamp_s": each} for each in seconds]


@pytest.mark.parametrize("seconds", [0, 8, 9.5, -1, float("inf")])
def test_keyframes_outside_the_video_are_warned_of(seconds: float) -> None:
    with pytest.warns(ContractWarning, match="between 0 and 8 s"):
        check("reference-to-video", {"model": NEW, "keyframes": frames(seconds)})


@pytest.mark.parametrize("seconds", [None, "2", True, float("nan")])
def test_a_keyframe_has_a_number_of_seconds(seconds: Any) -> None:
    with pytest.raises(OutOfRange, match="has a number of seconds as its `timestamp_s`"):
        check("reference-to-video", {"model": NEW, "keyframes": frames(seconds)})


@given(st.lists(st.floats(0.01, 7.99), min_size=1, max_size=4))
def test_two_keyframes_in_one_slot_are_warned_of(times: list[float]) -> None:
    body = {"model": NEW, "keyframes": frames(*times)}
    slots = {math.floor(each * 3 + 0.5) for each in times}
    assert outcome(body) == ("taken" if len(slots) == len(times) else "warned")


@pytest.mark.parametrize("times", [(1.3, 2.3, 3.7), (1, 1.34), (0.34, 7.9)])
def test_the_grid_of_keyframes_is_the_services(times: tuple[float, ...]) -> None:
    check("reference-to-video", {"model": NEW, "keyframes": frames(*times)})


@pytest.mark.parametrize("model", ["grok-imagine-video", NEW])
def test_reference_images_are_counted(model: str) -> None:
    body = {"prompt": "x", "model": model, "reference_images": VALUES["reference_images"] * 14}
    check("reference-to-video", body)
    with pytest.raises(OutOfRange, match="takes at most 14; got 15"):
        check("reference-to-video", body | {"reference_images": VALUES["reference_images"] * 15})


@pytest.mark.parametrize("end", ["/a b.mp4", ":port/a.mp4", " /a.mp4?token=s3cret"])
@pytest.mark.parametrize("user", ["me:s3cret", "s3cret", "me:s3cret s3cret"])
def test_a_url_that_is_refused_shows_no_password(user: str, end: str) -> None:
    for url in (f"https://{user}@example.com{end}", f"ftp://{user}@example.com/a.mp4", f"https://{user}@"):
        with pytest.raises(OutOfRange) as caught:
            check("edit-video", {"prompt": "x", "video": {"url": url}})
        assert "s3cret" not in str(caught.value)
