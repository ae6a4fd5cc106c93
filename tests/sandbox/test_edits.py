"""What the sandbox makes of the videos it is given."""

from __future__ import annotations

import io
import os
import random
import struct
import subprocess
import sys
import zlib
from collections.abc import Callable
from fractions import Fraction
from itertools import pairwise

import av
import pytest
from PIL import Image

from grok_imagine_sandbox import media

from .films import FACTS, SIZE, TOP, Track, apart, clip, foreign, picture, shots, sound

NOT_A_VIDEO = [
    b"",
    b"\0",
    b"garbage " * 100,
    bytes(1000),
    b"#EXTM3U\n#EXTINF:1\nfile:///etc/hostname\n",
    b"\0\0\0\x08free",
]


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


def test_a_stand_in_picture_shows_its_label() -> None:
    one, same, other = map(media.stand_in_picture, ("https://a.example/1.png", "https://a.example/1.png", "another"))
    assert one == same != other
    assert media.picture_size(one) == (768, 512)


def test_a_stand_in_clip_is_5_seconds_of_480p() -> None:
    assert media.probe(media.stand_in_clip("x")) == media.ClipInfo(848, 480, 5.0, 120, "h264", "aac")


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
