"""Requests: keywords and constructors make the wire's body, and what is none says so."""

from __future__ import annotations

import copy
import inspect
import pickle
import sys
from typing import Any, get_args, get_type_hints

import pytest

from grok_imagine import (
    AspectRatio,
    AsyncClient,
    Client,
    EditVideo,
    ExtendVideo,
    ImageToVideo,
    ModeConflict,
    OutOfRange,
    ReferenceToVideo,
    Resolution,
    TextToVideo,
    UnknownField,
    VideoOptions,
    VideoOutcome,
    VideoRequest,
    VideoStatus,
)
from grok_imagine_api import contract
from grok_imagine_api.models.known_aspect_ratio import KnownAspectRatio
from grok_imagine_api.models.known_resolution import KnownResolution
from grok_imagine_api.models.known_video_status import KnownVideoStatus

KEYWORDS: dict[str, tuple[Any, dict[str, Any]]] = {
    "duration": (5, {"duration": 5}),
    "aspect_ratio": ("4:3", {"aspect_ratio": "4:3"}),
    "resolution": ("720p", {"resolution": "720p"}),
    "generate_audio": (False, {"generate_audio": False}),
    "user": ("me", {"user": "me"}),
    "storage_options": ({"filename": "a.mp4"}, {"storage_options": {"filename": "a.mp4"}}),
    "output_upload_url": ("https://a/b", {"output": {"upload_url": "https://a/b"}}),
    "image_url": ("https://a/b.png", {"image": {"url": "https://a/b.png"}}),
    "image_file_id": ("file_1", {"image": {"file_id": "file_1"}}),
    "last_frame_url": ("https://a/b.png", {"last_frame": {"url": "https://a/b.png"}}),
    "last_frame_file_id": ("file_1", {"last_frame": {"file_id": "file_1"}}),
    "video_url": ("https://a/b.mp4", {"video": {"url": "https://a/b.mp4"}}),
    "video_file_id": ("file_1", {"video": {"file_id": "file_1"}}),
    "reference_image_urls": (["https://a/b.png"], {"reference_images": [{"url": "https://a/b.png"}]}),
    "reference_image_file_ids": (["file_1"], {"reference_images": [{"file_id": "file_1"}]}),
    "reference_audios": ([{"voice_id": "ara"}], {"reference_audios": [{"voice_id": "ara"}]}),
    "keyframes": (
        [{"image_url": "https://a/b.png", "timestamp": 2}],
        {"keyframes": [{"image": {"url": "https://a/b.png"}, "timestamp_s": 2}]},
    ),
}

CONSTRUCTORS = {
    "text-to-video": TextToVideo,
    "image-to-video": ImageToVideo,
    "reference-to-video": ReferenceToVideo,
    "edit-video": EditVideo,
    "extend-video": ExtendVideo,
}
EVERY = {name: told.__forward_arg__ for name, told in VideoOptions.__annotations__.items()}
OF_THE_CALL = {
    "self",
    "prompt",
    "model",
    "timeout",
    "interval",
    "on_progress",
    "on_started",
    "strict",
    "key",
    "unknown",
}


def keywords(call: Any) -> dict[str, Any]:
    """The keywords of a request that a call spells out, with what it says of their types."""
    told = inspect.signature(call).parameters
    assert told["unknown"].kind is inspect.Parameter.VAR_KEYWORD
    for name, each in told.items():
        # As in the vendor's SDK: extend(prompt, model, video_url).
        by_place = call.__name__.startswith("extend") and name == "video_url"
        kind = each.POSITIONAL_OR_KEYWORD if by_place else each.KEYWORD_ONLY
        assert name in OF_THE_CALL or (each.default is None and each.kind is kind), name
    return {name: each.annotation for name, each in told.items() if name not in OF_THE_CALL}


def field(keyword: str) -> str:
    """The body field a keyword fills."""
    return next(iter(KEYWORDS[keyword][1]))


@pytest.mark.parametrize("keyword", KEYWORDS)
def test_each_keyword_fills_its_field(keyword: str) -> None:
    value, body = KEYWORDS[keyword]
    request = VideoRequest.from_keywords(prompt="x", **{keyword: value})
    assert request.body == {"prompt": "x", "model": contract.DEFAULT_MODEL} | body


@pytest.mark.parametrize("mode", CONSTRUCTORS)
def test_a_constructor_has_the_keywords_of_its_mode_and_no_others(mode: str) -> None:
    rule = contract.MODES[mode]
    own = keywords(CONSTRUCTORS[mode].__init__)
    assert {field(keyword) for keyword in own} == {*rule.required, *rule.allowed} - {"prompt", "model"}
    assert own.items() <= EVERY.items()


@pytest.mark.parametrize("kind", [Client, AsyncClient])
def test_a_call_spells_out_the_keywords_of_its_modes(kind: type) -> None:
    videos = get_type_hints(kind, vars(sys.modules[kind.__module__]))["video"]
    assert keywords(videos.start) == keywords(videos.generate) == EVERY and EVERY.keys() == KEYWORDS.keys()
    assert keywords(videos.extend_start) == keywords(videos.extend) == keywords(ExtendVideo.__init__)


WORDS = {
    AspectRatio: KnownAspectRatio,
    Resolution: KnownResolution,
    VideoStatus: KnownVideoStatus,
    VideoOutcome: {acceptor.outcome for acceptor in contract.ACCEPTORS},
}


@pytest.mark.parametrize("words", WORDS, ids=str)
def test_the_literals_are_the_contracts_words(words: Any) -> None:
    assert sorted(get_args(words)) == sorted(map(str, WORDS[words]))


def test_the_literals_of_ratios_and_resolutions_are_what_the_modes_take() -> None:
    for keyword, words in (("aspect_ratio", AspectRatio), ("resolution", Resolution)):
        taken = {v for mode in contract.MODES.values() if keyword in mode.limits for v in mode.limits[keyword].values}
        assert taken == {*get_args(words)}


@pytest.mark.parametrize("mode", CONSTRUCTORS)
def test_a_keyword_that_a_constructor_does_not_have_says_which_one_is_meant(mode: str) -> None:
    for keyword, misnomer in contract.KEYWORD_MISNOMERS.items():
        with pytest.raises(UnknownField) as caught:
            CONSTRUCTORS[mode]("x", **{keyword: "y"})
        assert (caught.value.fields, caught.value.instead) == ((keyword,), misnomer.instead)


@pytest.mark.parametrize("mode", CONSTRUCTORS)
def test_a_constructor_names_its_mode(mode: str) -> None:
    constructor = CONSTRUCTORS[mode]
    own = keywords(constructor.__init__)
    keyword = next((k for k in own if "url" in k and "out" not in k), "duration")
    value, body = KEYWORDS[keyword]
    request = constructor(prompt="x", model="m", **{keyword: value})
    assert (request.mode, request.body) == (mode, {"model": "m", "prompt": "x"} | body)
    assert request == VideoRequest(mode, request.body)


@pytest.mark.parametrize("keyword", contract.KEYWORD_MISNOMERS)
def test_a_keyword_of_another_document_says_which_one_is_meant(keyword: str) -> None:
    with pytest.raises(UnknownField) as caught:
        VideoRequest.from_keywords(prompt="x", **{keyword: "y"})
    assert caught.value.fields == (keyword,)
    assert caught.value.instead == contract.KEYWORD_MISNOMERS[keyword].instead


def test_a_misspelt_keyword_lists_the_keywords() -> None:
    with pytest.raises(UnknownField, match="aspect_ratio, duration") as caught:
        VideoRequest.from_keywords(prompt="x", aspect="1:1")
    assert isinstance(caught.value, TypeError)


def test_none_is_as_good_as_left_out() -> None:
    assert VideoRequest.from_keywords(prompt="x", duration=None, image_url=None) == VideoRequest.from_keywords(
        prompt="x"
    )


def test_file_ids_come_before_urls_as_the_vendor_counts_images() -> None:
    request = VideoRequest.from_keywords(
        prompt="x", reference_image_urls=["https://a/1"], reference_image_file_ids=["f"]
    )
    assert request.body["reference_images"] == [{"file_id": "f"}, {"url": "https://a/1"}]


@pytest.mark.parametrize(
    "keyword", ["reference_image_urls", "reference_image_file_ids", "reference_audios", "keyframes"]
)
def test_an_empty_list_is_as_good_as_left_out_but_makes_no_mode_that_was_named(keyword: str) -> None:
    assert VideoRequest.from_keywords(prompt="x", **{keyword: []}) == VideoRequest.from_keywords(prompt="x")
    request = ReferenceToVideo("x", **{keyword: []})
    with pytest.raises(OutOfRange, match="is missing, and one of"):
        request.check()


@pytest.mark.parametrize("value", [None, []])
@pytest.mark.parametrize("field", sorted({f for mode in contract.MODES.values() for f in mode.allowed} - {"model"}))
def test_null_and_an_empty_list_in_a_body_are_as_good_as_left_out(field: str, value: Any) -> None:
    assert VideoRequest.from_body({"prompt": "x", "duration": 5} | {field: value}) == VideoRequest.from_body(
        {key: item for key, item in {"prompt": "x", "duration": 5}.items() if key != field}
    )


def test_a_null_video_makes_no_edit() -> None:
    assert VideoRequest.from_body({"prompt": "x", "video": None}).mode == "text-to-video"


@pytest.mark.parametrize("value", ["https://a/b.png", b"x", bytearray(b"x"), memoryview(b"x"), {"url": "x"}, 7])
def test_a_list_keyword_takes_a_list(value: Any) -> None:
    with pytest.raises(OutOfRange, match="is a list"):
        VideoRequest.from_keywords(prompt="x", reference_image_urls=value)


def test_a_url_and_a_file_id_exclude_each_other() -> None:
    with pytest.raises(ModeConflict) as caught:
        VideoRequest.from_keywords(prompt="x", image_url="https://a/b.png", image_file_id="f")
    assert caught.value.fields == ("image_url", "image_file_id")


def test_a_wire_keyframe_passes() -> None:
    frame = {"image": {"file_id": "f"}, "timestamp_s": 1}
    assert VideoRequest.from_keywords(prompt="x", keyframes=[frame]).body["keyframes"] == [frame]


def test_a_request_is_immutable_survives_pickle_and_shows_no_secret() -> None:
    request = EditVideo(
        "a private prompt", video_url="https://a/b.mp4?signature=secret", output_upload_url="https://a/?s=1"
    )
    with pytest.raises(AttributeError):
        request.mode = "text-to-video"
    with pytest.raises(AttributeError):
        del request.body
    with pytest.raises(TypeError):
        request.body["duration"] = 99
    for twin in (pickle.loads(pickle.dumps(request)), copy.copy(request), copy.deepcopy(request)):
        assert twin == request and type(twin) is EditVideo and twin.sha256 == request.sha256
    assert repr(request) == "<edit-video model='grok-imagine-video'>"


def test_what_the_caller_changes_later_changes_no_request() -> None:
    options = {"filename": "a.mp4"}
    request = TextToVideo("x", storage_options=options)
    before = request.sha256
    options["filename"] = "b.mp4"
    assert request.body["storage_options"] == {"filename": "a.mp4"} and request.sha256 == before


def test_a_voice_that_is_no_object_is_refused() -> None:
    with pytest.raises(OutOfRange, match="is an object with `voice_id` or `url`; got str"):
        ReferenceToVideo("x", "grok-imagine-video-1.5", reference_audios=["ara"]).check()


@pytest.mark.parametrize("body", ["hi", None, 5, ["a"]])
def test_a_body_is_an_object(body: Any) -> None:
    with pytest.raises(OutOfRange, match="is an object"):
        VideoRequest("text-to-video", body)
