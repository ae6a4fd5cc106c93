"""The sandbox's videos are real, and as long as asked for."""

from __future__ import annotations

import io
from collections.abc import Iterator
from fractions import Fraction
from itertools import pairwise

import av
import pytest
from PIL import Image, ImageChops

from grok_imagine_sandbox import frames, media

from .films import FACTS, SIZE, TOP, Track, apart, clip, foreign, picture, shots, sound

ANY_TEXT = [
    "",
    " \n\t ",
    "\n" * 900,
    "🦊 a fox 👨‍👩‍👧 and a 🎈",
    "قارب ورقي ينجرف في شارع ممطر",
    "雨の通りを紙の船が流れていく",
    "\u202eright to left\u202c \x00\x1b[31m\x7f",
    "a lone surrogate \ud83d here",
    "e\u0301" * 300,
    "unbreakable" * 500,
    "one word after the other " * 400,
]


def plain(colour: str, size: tuple[int, int] = SIZE) -> Image.Image:
    return Image.new("RGB", size, colour)


def boxes(video: bytes) -> Iterator[bytes]:
    position = 0
    while position < len(video):
        yield video[position + 4 : position + 8]
        position += int.from_bytes(video[position : position + 4])


@pytest.mark.parametrize(
    ("ratio", "resolution", "size"),
    [
        ("16:9", "480p", (848, 480)),
        ("16:9", "720p", (1280, 720)),
        ("16:9", "1080p", (1920, 1080)),
        ("9:16", "480p", (480, 848)),
        ("1:1", "720p", (720, 720)),
        ("4:3", "480p", (640, 480)),
        ("2:3", "1080p", (1080, 1620)),
        ("21:9", "480p", (1120, 480)),
        ("5:2", "720p", (1800, 720)),
        ("1023:767", "480p", (640, 480)),
        ("1:8", "480p", (480, 3840)),
    ],
)
def test_a_size_has_the_resolution_and_the_ratio(ratio: str, resolution: str, size: tuple[int, int]) -> None:
    assert media.size_for(ratio, resolution) == size


@pytest.mark.parametrize(
    "ratio", ["", "16", "16:", "0:9", "16:0", "-16:9", "16:9:1", "1.5:1", "١٦:٩", "wide", "9:1", "1:90000"]
)
def test_a_ratio_that_makes_no_size_is_refused(ratio: str) -> None:
    with pytest.raises(media.MediaError):
        media.size_for(ratio, "480p")


@pytest.mark.parametrize("resolution", ["", "480", "360p", "4k"])
def test_an_unknown_resolution_is_refused(resolution: str) -> None:
    with pytest.raises(media.MediaError):
        media.size_for("16:9", resolution)


@pytest.mark.parametrize(("seconds", "size"), [(1, (96, 160)), (2, (128, 128)), (5, (160, 66))])
def test_a_generation_is_exact(seconds: int, size: tuple[int, int]) -> None:
    info = media.probe(clip(seconds=seconds, size=size))
    assert info == media.ClipInfo(*size, float(seconds), seconds * 24, "h264", "aac")


def test_the_tracks_are_what_every_browser_plays(boat: bytes) -> None:
    with av.open(io.BytesIO(boat), "r") as container:
        video, audio = container.streams.video[0], container.streams.audio[0]
        assert video.pix_fmt == "yuv420p"
        assert video.average_rate == Fraction(24)
        assert (audio.rate, audio.layout.name) == (48_000, "stereo")
        assert audio.duration is not None and audio.time_base is not None
        assert abs(audio.duration * audio.time_base - 2) <= Fraction(1024, 48_000)


def test_without_audio_there_is_no_audio_track() -> None:
    assert media.probe(clip(audio=False)) == FACTS._replace(audio_codec=None)


def test_the_index_comes_first(boat: bytes) -> None:
    for video in (boat, media.edit(boat, "x"), media.extend(boat, "x", 1), clip(audio=False)):
        order = list(boxes(video))
        assert order.index(b"moov") < order.index(b"mdat")


def test_it_moves(boat: bytes) -> None:
    pictures = shots(boat)
    assert all(apart(one, other, TOP) > 0.2 for one, other in pairwise(pictures))
    assert apart(pictures[0], pictures[-1], TOP) > 3


def test_prompts_look_and_sound_different(boat: bytes) -> None:
    other = clip("A lighthouse in a storm")
    assert apart(shots(boat)[0], shots(other)[0], TOP) > 10
    assert sound(boat) != sound(other)


def test_the_prompt_can_be_seen() -> None:
    size = (848, 480)
    landscape = frames.Landscape("same", size, 1).frame(0)
    written = landscape.copy()
    frames.Captions("A paper boat drifts down a rainy street", size).draw(written, 0)
    box = ImageChops.difference(landscape, written).getbbox()
    assert box is not None and box[1] > 380 and box[3] == 480
    assert sum(written.convert("L").crop(box).histogram()[240:]) > 500  # white strokes


def test_the_sound_is_quiet_and_fades(boat: bytes) -> None:
    samples = sound(boat)
    loudest = max(map(abs, samples))
    assert 300 < loudest < 6000
    assert max(map(abs, samples[:200])) < loudest / 10
    assert max(map(abs, samples[2 * 96_000 - 200 : 2 * 96_000])) < loudest / 10


@pytest.mark.parametrize("text", ANY_TEXT)
def test_any_text_can_be_a_prompt(text: str) -> None:
    assert media.probe(clip(text, seconds=1)).frames == 24
    assert media.picture_size(media.stand_in_picture(text)) == (768, 512)


@pytest.mark.parametrize("text", ANY_TEXT)
def test_a_caption_is_at_most_three_lines_that_fit(text: str) -> None:
    font = frames._font(24)
    lines = frames.wrap(text, font, 400)
    assert len(lines) <= 3
    assert all(line.isprintable() and font.getlength(line) <= 400 for line in lines)


def test_a_long_prompt_ends_in_an_ellipsis() -> None:
    font = frames._font(24)
    assert frames.wrap("word " * 20 + "end", font, 400)[-1].endswith(" word…")
    assert frames.wrap("A naïve boat — “adrift”", font, 400) == ["A naive boat - “adrift”"]


def test_frame_0_is_the_first_frame_stretched() -> None:
    square = picture("red", (64, 64), right="blue")
    pictures = shots(media.generate("x", seconds=2, size=SIZE, first_frame=square))
    expected = Image.open(io.BytesIO(picture("red", right="blue")))
    assert apart(pictures[0], expected) < 4


def test_the_video_moves_on_from_the_first_frame() -> None:
    label = media.stand_in_picture("a label")
    pictures = shots(media.generate("x", seconds=2, size=SIZE, first_frame=label))
    expected = Image.open(io.BytesIO(label)).resize(SIZE)
    assert apart(pictures[0], expected) < 4
    assert apart(pictures[0], pictures[-1], TOP) > 2  # the picture
    assert apart(pictures[0], pictures[-1], (0, SIZE[1] * 5 // 6, *SIZE)) > 20  # the caption


def test_the_video_ends_at_the_last_frame() -> None:
    pictures = shots(media.generate("x", seconds=2, size=SIZE, last_frame=picture("red", right="blue")))
    expected = Image.open(io.BytesIO(picture("red", right="blue")))
    assert apart(pictures[-1], expected) < 4
    assert apart(pictures[0], expected) > 40


def test_a_keyframe_is_shown_at_its_time() -> None:
    pins = [(1.0, picture("red")), (2.0, picture("blue"))]
    pictures = shots(media.generate("x", seconds=3, size=SIZE, keyframes=pins))
    assert apart(pictures[24], plain("red"), TOP) < 4
    assert apart(pictures[48], plain("blue"), TOP) < 4
    assert apart(pictures[42], plain("red"), TOP) > 10
    assert apart(pictures[0], plain("red"), TOP) > 40


def test_a_keyframe_beyond_the_end_is_shown_at_the_end() -> None:
    pictures = shots(media.generate("x", seconds=1, size=SIZE, keyframes=[(0, picture("red")), (99, picture("blue"))]))
    assert apart(pictures[0], plain("red"), TOP) < 4
    assert apart(pictures[-1], plain("blue"), TOP) < 4


@pytest.mark.parametrize("count", [1, 3, 14])
def test_all_references_are_shown(count: int) -> None:
    colours = ["red", "yellow", "magenta"]
    size = (640, 360)

    def colourless(shot: Image.Image, colour: str) -> int:
        return min(
            high
            for high, found in enumerate(ImageChops.difference(shot, plain(colour, size)).convert("L").histogram())
            if found
        )

    used = [colours[number % 3] for number in range(count)]
    references = [picture(colour, (300, 200), "JPEG") for colour in used]
    shown = shots(media.generate("x", seconds=1, size=size, references=references))[0]
    without = shots(clip("x", 1, size))[0]
    for colour in set(used):
        assert colourless(shown, colour) < 12 < colourless(without, colour)
    assert apart(shown, without, (0, size[1] // 2, *size)) < 2


def test_a_transparent_picture_is_laid_on_white() -> None:
    out = io.BytesIO()
    Image.new("RGBA", SIZE, (255, 0, 0, 0)).save(out, "WEBP", lossless=True)
    assert apart(shots(media.generate("x", seconds=1, size=SIZE, first_frame=out.getvalue()))[0], plain("white")) < 4


@pytest.mark.parametrize("field", ["first_frame", "last_frame", "keyframes", "references"])
def test_a_bad_picture_is_refused(field: str) -> None:
    bad = b"not a picture"
    value = {"keyframes": [(0.5, bad)], "references": [bad]}.get(field, bad)
    with pytest.raises(media.MediaError):
        media.generate("x", seconds=1, size=SIZE, **{field: value})  # type: ignore[arg-type]  # one of four


def test_an_edit_keeps_length_and_size_and_changes_every_frame(boat: bytes) -> None:
    edited = media.edit(boat, "Turn it into a balloon")
    assert media.probe(edited) == FACTS
    middle = (0, SIZE[1] // 2, SIZE[0], SIZE[1] * 3 // 4)  # between the captions
    assert all(apart(one, other, middle) > 4 for one, other in zip(shots(boat), shots(edited), strict=True))
    assert apart(shots(edited)[0], shots(media.edit(boat, "Make it snow"))[0], middle) > 4


@pytest.mark.parametrize("colour", ["black", "grey", "white", "red"])
def test_every_treatment_changes_every_colour(colour: str) -> None:
    for prompt in map(str, range(30)):
        assert apart(frames.treatment(prompt)(plain(colour)), plain(colour)) > 4


def test_an_edit_is_at_most_8_7_seconds() -> None:
    assert media.probe(media.edit(clip(seconds=9), "x")) == FACTS._replace(seconds=208 / 24, frames=208)


@pytest.mark.parametrize(
    ("size", "capped"),
    [((1920, 1080), (1280, 720)), ((1080, 1620), (720, 1080)), ((720, 1280), (720, 1280)), ((160, 90), (160, 90))],
)
def test_edits_and_extensions_are_at_most_720p(size: tuple[int, int], capped: tuple[int, int]) -> None:
    video = foreign(Track(length=3, size=size))
    assert media.probe(media.edit(video, "x"))[:2] == capped
    assert media.probe(media.extend(video, "x", 1))[:2] == capped


def test_an_edit_keeps_the_sound() -> None:
    video = foreign(Track(audio_rate=44_100))
    edited = media.edit(video, "x")
    assert media.probe(edited) == FACTS
    assert max(sound(edited)[:96_000]) > 10_000  # ours never is as loud


def test_an_edit_of_a_silent_video_has_sound() -> None:
    edited = media.edit(clip(audio=False), "x")
    assert media.probe(edited) == FACTS
    assert max(sound(edited)) > 300
