"""The sandbox's videos: real, exact, moving, repeatable, and never a surprise on bad input."""

from __future__ import annotations

import io
import os
import random
import struct
import subprocess
import sys
import zlib
from array import array
from collections.abc import Callable, Iterator
from fractions import Fraction
from itertools import pairwise
from typing import NamedTuple

import av
import pytest
from PIL import Image, ImageChops, ImageStat

from grok_imagine_sandbox import frames, media

SIZE = (160, 96)
FACTS = media.ClipInfo(*SIZE, 2.0, 48, "h264", "aac")
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
NOT_A_VIDEO = [
    b"",
    b"\0",
    b"garbage " * 100,
    bytes(1000),
    b"#EXTM3U\n#EXTINF:1\nfile:///etc/hostname\n",
    b"\0\0\0\x08free",
]


def clip(prompt: str = "A paper boat", seconds: int = 2, size: tuple[int, int] = SIZE, audio: bool = True) -> bytes:
    return media.generate(prompt, seconds=seconds, size=size, audio=audio)


def picture(colour: str, size: tuple[int, int] = SIZE, kind: str = "PNG", right: str | None = None) -> bytes:
    image = Image.new("RGB", size, colour)
    if right:
        image.paste(right, (size[0] // 2, 0, *size))
    out = io.BytesIO()
    image.save(out, kind)
    return out.getvalue()


def shots(video: bytes) -> list[Image.Image]:
    with av.open(io.BytesIO(video), "r") as container:
        return [frame.to_image() for frame in container.decode(video=0)]  # type: ignore[no-untyped-call]  # PyAV's


def sound(video: bytes) -> array[int]:
    """The samples of both channels in turn."""
    samples = array("h")
    with av.open(io.BytesIO(video), "r") as container:
        resampler = av.AudioResampler("s16", "stereo", 48_000)
        for frame in container.decode(audio=0):
            for part in resampler.resample(frame):
                samples.frombytes(bytes(part.planes[0])[: part.samples * 4])
    return samples


def apart(one: Image.Image, other: Image.Image, box: tuple[int, int, int, int] | None = None) -> float:
    """The mean absolute difference of two pictures, or of a part of them, from 0 to 255."""
    if box:
        one, other = one.crop(box), other.crop(box)
    mean = ImageStat.Stat(ImageChops.difference(one, other)).mean
    return sum(mean) / len(mean)


def plain(colour: str, size: tuple[int, int] = SIZE) -> Image.Image:
    return Image.new("RGB", size, colour)


def boxes(video: bytes) -> Iterator[bytes]:
    position = 0
    while position < len(video):
        yield video[position + 4 : position + 8]
        position += int.from_bytes(video[position : position + 4])


class Track(NamedTuple):
    """How a video to read is made, where it is not one of our own."""

    rate: Fraction = Fraction(24)
    length: int = 48
    size: tuple[int, int] = SIZE
    turned: int = 0
    audio_rate: int = 0
    audio_share: Fraction = Fraction(1)


def foreign(track: Track) -> bytes:
    """A video by another maker: red on the left and blue on the right, with a loud mono beep."""
    out = io.BytesIO()
    image = Image.open(io.BytesIO(picture("red", track.size, right="blue")))
    with av.open(out, "w", format="mp4") as container:
        video = container.add_stream("libx264", rate=track.rate)
        video.width, video.height = track.size
        video.pix_fmt = "yuv420p"
        video.set_display_rotation(track.turned)
        audio = container.add_stream("aac", rate=track.audio_rate, layout="mono") if track.audio_rate else None
        for index in range(track.length):
            frame = av.VideoFrame(*track.size, "rgb0")
            frame.planes[0].update(image.tobytes("raw", "RGBX", frame.planes[0].line_size))
            frame.pts, frame.time_base = index, 1 / track.rate
            container.mux(video.encode(frame))
        container.mux(video.encode())
        if audio:
            samples = round(track.length / track.rate * track.audio_rate * track.audio_share)
            beep = av.AudioFrame("s16", "mono", samples)
            beep.planes[0].update(array("h", (20_000 if n // 50 % 2 else -20_000 for n in range(samples))).tobytes())
            beep.sample_rate, beep.pts, beep.time_base = track.audio_rate, 0, Fraction(1, track.audio_rate)
            container.mux(audio.encode(beep))
            container.mux(audio.encode())
    return out.getvalue()


@pytest.fixture(scope="module")
def boat() -> bytes:
    return clip()


TOP = (0, 0, SIZE[0], SIZE[1] // 2)  # above the caption


# Sizes


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


# Generations


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


# Pinned pictures and references


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


# Edits


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


# Extensions


@pytest.fixture(scope="module")
def extended(boat: bytes) -> bytes:
    return media.extend(boat, "The camera rises", 3)


def test_an_extension_is_the_input_and_the_new_seconds(boat: bytes, extended: bytes) -> None:
    assert media.probe(extended) == FACTS._replace(seconds=5.0, frames=120)
    assert all(apart(one, other) < 3 for one, other in zip(shots(boat), shots(extended), strict=False))


def test_the_joint_of_an_extension_is_smooth_and_it_moves_on(boat: bytes, extended: bytes) -> None:
    pictures = shots(extended)
    last = shots(boat)[-1]
    assert apart(pictures[48], last) < 3
    assert all(apart(one, other) < 8 for one, other in pairwise(pictures))
    assert apart(pictures[-1], last, TOP) > 10
    assert apart(pictures[-1], shots(media.extend(boat, "Night falls", 3))[-1], TOP) > 10


def test_an_extension_keeps_the_sound_and_adds_to_it() -> None:
    samples = sound(media.extend(foreign(Track(audio_rate=22_050)), "x", 2))
    assert max(samples[96_000:180_000]) > 10_000
    assert 300 < max(samples[210_000:360_000]) < 6000


def test_sound_that_ends_before_the_video_is_followed_by_silence() -> None:
    samples = sound(media.extend(foreign(Track(audio_rate=48_000, audio_share=Fraction(1, 2))), "x", 2))
    assert max(samples[:90_000]) > 10_000
    assert max(map(abs, samples[110_000:180_000])) < 100 < max(samples[210_000:])


def test_sound_of_an_unknown_codec_is_no_sound(boat: bytes) -> None:
    unknown = boat.replace(b"mp4a", b"zzzz").replace(b"esds", b"zzzz")
    assert media.probe(unknown) == FACTS._replace(audio_codec=None)
    assert media.probe(media.edit(unknown, "x")) == FACTS


def test_an_extension_of_a_silent_video_has_sound_in_the_new_part() -> None:
    samples = sound(media.extend(clip(audio=False), "x", 2))
    assert max(map(abs, samples[:180_000])) < 100 < max(samples[210_000:])


# Videos by other makers


@pytest.mark.parametrize(
    ("rate", "count", "seconds"),
    [("30", 45, 1.5), ("12", 12, 1), ("60", 100, 40 / 24), ("30000/1001", 30, 1), ("24", 1, 1 / 24)],
)
def test_any_frame_rate_becomes_24(rate: str, count: int, seconds: float) -> None:
    info = media.probe(media.edit(foreign(Track(rate=Fraction(rate), length=count)), "x"))
    assert info.seconds == pytest.approx(seconds)
    assert info.frames == round(seconds * 24)


@pytest.mark.parametrize(("turned", "size"), [(0, SIZE), (90, SIZE[::-1]), (180, SIZE), (-90, SIZE[::-1])])
def test_a_video_laid_down_is_shown_upright(turned: int, size: tuple[int, int]) -> None:
    video = foreign(Track(turned=turned))
    assert media.probe(video)[:2] == size
    upright = Image.open(io.BytesIO(picture("red", right="blue"))).rotate(turned, expand=True)
    assert apart(shots(media.extend(video, "x", 1))[0], upright) < 4


# Stand-ins


def test_a_stand_in_picture_shows_its_label() -> None:
    one, same, other = map(media.stand_in_picture, ("https://a.example/1.png", "https://a.example/1.png", "another"))
    assert one == same != other
    assert media.picture_size(one) == (768, 512)


def test_a_stand_in_clip_is_5_seconds_of_480p() -> None:
    assert media.probe(media.stand_in_clip("x")) == media.ClipInfo(848, 480, 5.0, 120, "h264", "aac")


# The same again


def test_the_same_arguments_give_the_same_bytes(boat: bytes) -> None:
    assert clip() == boat
    uneven = clip(seconds=1, size=(472, 358))  # a width that FFmpeg's threads once disagreed about
    assert media.edit(uneven, "x") == media.edit(uneven, "x")
    assert media.extend(uneven, "x", 1) == media.extend(uneven, "x", 1)
    pinned = [
        media.generate("x", seconds=1, size=(112, 62), first_frame=picture("red"), references=[picture("blue")])
        for _ in range(2)
    ]
    assert pinned[0] == pinned[1]


def test_another_process_gives_the_same_bytes(boat: bytes) -> None:
    program = (
        "import sys; from grok_imagine_sandbox import media; "
        f"sys.stdout.buffer.write(media.generate('A paper boat', seconds=2, size={SIZE}))"
    )
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path), "PYTHONHASHSEED": "7"}
    assert (
        subprocess.run([sys.executable, "-c", program], env=environment, capture_output=True, check=True).stdout == boat
    )


# Bad input


def cut(data: bytes) -> list[bytes]:
    return [data[: len(data) * part // 10] for part in range(10)] + [data[:-1]]


def readers() -> list[Callable[[bytes], object]]:
    return [media.probe, lambda data: media.edit(data, "x"), lambda data: media.extend(data, "x", 1)]


def refused(data: bytes) -> None:
    for read in readers():
        with pytest.raises(media.MediaError) as error:
            read(data)
        assert str(error.value) and "\n" not in str(error.value)


@pytest.mark.parametrize("data", NOT_A_VIDEO)
def test_what_is_no_video_is_refused(data: bytes) -> None:
    refused(data)


def test_a_picture_is_no_video_and_a_video_no_picture(boat: bytes) -> None:
    refused(picture("red"))
    with pytest.raises(media.MediaError):
        media.picture_size(boat)


def test_only_mp4_is_read() -> None:
    out = io.BytesIO()
    with av.open(out, "w", format="mpegts") as container:
        video = container.add_stream("mpeg2video", rate=25)
        video.width, video.height = SIZE
        video.pix_fmt = "yuv420p"
        for _ in range(25):
            container.mux(video.encode(av.VideoFrame(*SIZE, "yuv420p")))
        container.mux(video.encode())
    stream = bytes(4) + out.getvalue()  # zero is the size of a box that goes on to the end
    with av.open(io.BytesIO(stream), "r") as container:
        assert len(container.streams.video) == 1
    refused(stream)


def test_a_video_cut_short_is_refused(boat: bytes) -> None:
    for data in cut(boat):
        refused(data)


def test_a_sound_is_no_video() -> None:
    out = io.BytesIO()
    with av.open(out, "w", format="mp4") as container:
        audio = container.add_stream("aac", rate=48_000, layout="stereo")
        silence = av.AudioFrame("s16", "stereo", 4800)
        silence.planes[0].update(bytes(19_200))
        silence.sample_rate = 48_000
        container.mux(audio.encode(silence))
        container.mux(audio.encode())
    refused(out.getvalue())


@pytest.mark.parametrize("seed", range(40))
def test_a_damaged_video_is_read_or_refused(seed: int) -> None:
    chance = random.Random(seed)
    data = bytearray(clip(seconds=1, size=(64, 48), audio=seed % 2 == 0))
    start = data.index(b"moov") if seed % 4 else data.index(b"mdat")
    for _ in range(4):
        data[chance.randrange(start, len(data) if seed % 4 == 0 else data.index(b"mdat"))] = chance.randrange(256)
    for read in readers():
        try:
            read(bytes(data))
        except media.MediaError as error:
            assert "\n" not in str(error)


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP"])
def test_the_size_of_a_picture(kind: str) -> None:
    assert media.picture_size(picture("red", (37, 21), kind)) == (37, 21)


def test_the_size_of_a_photo_is_that_of_its_upright_form() -> None:
    out, turned = io.BytesIO(), Image.Exif()
    turned[0x0112] = 6  # orientation: to be turned clockwise
    Image.new("RGB", (40, 30)).save(out, "JPEG", exif=turned)
    assert media.picture_size(out.getvalue()) == (30, 40)


@pytest.mark.parametrize("kind", ["GIF", "BMP", "TIFF"])
def test_other_kinds_of_pictures_are_refused(kind: str) -> None:
    with pytest.raises(media.MediaError):
        media.picture_size(picture("red", kind=kind))


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP"])
def test_a_picture_cut_short_is_refused(kind: str) -> None:
    whole = picture("red", kind=kind, right="blue")
    for data in [whole[: len(whole) * part // 10] for part in range(10)]:
        with pytest.raises(media.MediaError):
            media.picture_size(data)


@pytest.mark.filterwarnings("ignore:.*:UserWarning")  # Pillow's, about the damage
@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP"])
def test_a_damaged_picture_is_read_or_refused(kind: str) -> None:
    chance = random.Random(kind)
    for _ in range(150):
        data = bytearray(picture("red", (24, 16), kind, right="blue"))
        for _ in range(3):
            data[chance.randrange(len(data))] = chance.randrange(256)
        try:
            media.picture_size(bytes(data))
        except media.MediaError as error:
            assert "\n" not in str(error)


@pytest.mark.parametrize("size", [(4097, 1), (1, 4097)])
def test_a_picture_of_too_many_pixels_is_refused(size: tuple[int, int]) -> None:
    with pytest.raises(media.MediaError, match="4096"):
        media.picture_size(picture("red", size))


def test_a_decompression_bomb_is_refused_by_its_header() -> None:
    def chunk(name: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))

    header = chunk(b"IHDR", struct.pack(">IIBBBBB", 60_000, 60_000, 8, 2, 0, 0, 0))
    bomb = b"\x89PNG\r\n\x1a\n" + header + chunk(b"IDAT", zlib.compress(bytes(10_000_000))) + chunk(b"IEND", b"")
    with pytest.raises(media.MediaError):
        media.picture_size(bomb)


def test_too_many_bytes_are_refused(boat: bytes) -> None:
    ballast = bytes(media.MAX_BYTES)
    refused(boat + ballast)
    with pytest.raises(media.MediaError, match="larger"):
        media.picture_size(picture("red") + ballast)


def test_a_video_of_too_many_pixels_is_refused() -> None:
    refused(clip(seconds=1, size=(4112, 16)))


def test_a_video_of_too_many_seconds_is_refused() -> None:
    refused(foreign(Track(length=31 * 24, size=(16, 16))))
    refused(foreign(Track(rate=Fraction(1, 8), length=4, size=(16, 16))))
    assert media.probe(foreign(Track(length=30 * 24, size=(16, 16)))).seconds == 30


def test_a_video_of_too_many_frames_is_refused() -> None:
    refused(foreign(Track(rate=Fraction(1000), length=media.MAX_FRAMES + 1, size=(16, 16))))
