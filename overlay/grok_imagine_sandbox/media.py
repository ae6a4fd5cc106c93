"""Real MP4 files for the sandbox: what a generation, an edit and an extension return, and what their inputs are.

The pictures come from `frames`; this module decodes, arranges and encodes them. Every result is H.264 at 24 frames per
second with AAC stereo sound, its index (`moov`) in front of the data so that it plays while it loads. The same
arguments give the same bytes, within one version of PyAV.

Inputs are untrusted: they are read from memory only, by the one format each may have, within the bounds below.
"""

from __future__ import annotations

import contextlib
import functools
import io
import math
import re
from collections.abc import Iterable, Iterator, Sequence
from fractions import Fraction
from typing import NamedTuple

import av
from av.audio.stream import AudioStream
from av.container import InputContainer
from av.video.stream import VideoStream
from PIL import Image, ImageOps, UnidentifiedImageError

from grok_imagine_sandbox import boxes
from grok_imagine_sandbox.frames import FPS, Captions, Landscape, card, smooth, treatment, zoomed
from grok_imagine_sandbox.sound import FRAME_SAMPLES, RATE, SAMPLE_BYTES, tone
from grok_imagine_sandbox.work import checkpoint

MAX_BYTES = 64 * 2**20
MAX_SECONDS = 30
MAX_SIDE = 4096
MAX_FRAMES = MAX_SECONDS * 120

EDIT_SECONDS = 8.7
EDIT_SIDE = 720

_SHORT_SIDES = {"480p": 480, "720p": 720, "1080p": 1080}
_FADE = FPS  # frames
_THUMBNAIL = 512  # pixels a side; references are many, so no more of each is kept

# A scan of a few bytes takes as long as any; the data itself never holds its sign.
_JPEG, _SCAN, _MAX_SCANS = b"\xff\xd8", b"\xff\xda", 64

_ONE_THREAD = 1  # FFmpeg's conversions write a little past their part, so two threads give different bytes each time
_MP4 = {"movflags": "+faststart", "fflags": "+bitexact"}
# The slower presets do not always give the same bytes, and another number of threads gives others.
_X264 = {
    "preset": "superfast",
    "crf": "21",
    "threads": "2",
    "flags": "+bitexact",
    "colorspace": "bt709",
    "color_primaries": "bt709",
    "color_trc": "bt709",
    "color_range": "tv",
}
_AAC = {"b": "96k", "flags": "+bitexact"}


class MediaError(ValueError):
    """The bytes are not a picture or video that can be read, or are out of bounds; the message says why."""


class ClipInfo(NamedTuple):
    """What a video is: its upright size in pixels, its length, and its codecs by FFmpeg's names, such as `h264`."""

    width: int
    height: int
    seconds: float
    frames: int
    video_codec: str
    audio_codec: str | None


def size_for(aspect_ratio: str, resolution: str) -> tuple[int, int]:
    """Return the size in pixels of a video.

    The short side is the resolution. The long side is exact where that is an even number, otherwise the nearest
    multiple of 16, as in the service's 848x480.

    Args:
        aspect_ratio: Two whole numbers, such as `16:9`.
        resolution: `480p`, `720p` or `1080p`.

    Raises:
        MediaError: An argument is neither, or the long side would exceed 4096 pixels.
    """
    ratio = re.fullmatch(r"([1-9][0-9]{0,4}):([1-9][0-9]{0,4})", aspect_ratio)
    if ratio is None:
        raise MediaError(f"the aspect ratio {aspect_ratio!r} is not like 16:9")
    if resolution not in _SHORT_SIDES:
        raise MediaError(f"the resolution {resolution!r} is not one of {', '.join(_SHORT_SIDES)}")
    width, height = int(ratio[1]), int(ratio[2])
    short = _SHORT_SIDES[resolution]
    exact = Fraction(short * max(width, height), min(width, height))
    long = int(exact) if exact % 2 == 0 else round(exact / 16) * 16
    if long > MAX_SIDE:
        raise MediaError(f"the aspect ratio {aspect_ratio} makes a side longer than {MAX_SIDE} pixels")
    return (long, short) if width >= height else (short, long)


def picture_size(data: bytes) -> tuple[int, int]:
    """Return the width and height of a JPEG, PNG or WebP, turned upright.

    Raises:
        MediaError: It is something else, damaged, cut short, larger than 64 MiB or than 4096 pixels a side.
    """
    return _picture(data).size


def probe(data: bytes) -> ClipInfo:
    """Return what an MP4 is.

    Raises:
        MediaError: It is something else, damaged, cut short, longer than 30 s, larger than 64 MiB or than 4096 pixels
            a side.
    """
    picture: av.VideoFrame | None = None
    shown: list[tuple[Fraction, Fraction]] = []  # from, to
    with _opened(data) as (container, stream):
        for packet in container.demux(stream):
            checkpoint()
            picture = picture or next(iter(packet.decode()), None)
            if packet.pts is not None and not packet.is_discard:
                shown.append((packet.pts * packet.time_base, (packet.pts + (packet.duration or 0)) * packet.time_base))
            if len(shown) > MAX_FRAMES:
                raise MediaError(f"the video has more than {MAX_FRAMES} frames")
        if picture is None or not shown:
            raise MediaError("the video has no frames")
        seconds = max(end for _, end in shown) - min(start for start, _ in shown)
        if seconds > MAX_SECONDS:
            raise MediaError(f"the video is longer than {MAX_SECONDS} s")
        width, height = (stream.width, stream.height) if _turn(picture) % 180 == 0 else (stream.height, stream.width)
        audio = _audio_track(container)
        audio_codec = audio.codec_context.codec.canonical_name if audio else None
        video_codec = stream.codec_context.codec.canonical_name
        return ClipInfo(width, height, float(seconds), len(shown), video_codec, audio_codec)


def generate(
    prompt: str,
    *,
    seconds: int,
    size: tuple[int, int],
    first_frame: bytes | None = None,
    last_frame: bytes | None = None,
    keyframes: Sequence[tuple[float, bytes]] = (),
    references: Sequence[bytes] = (),
    audio: bool = True,
) -> bytes:
    """Return an MP4 that shows the prompt over a landscape, or over the pictures given.

    Args:
        prompt: Any text. It decides the colours, shapes and sounds, too.
        seconds: Length, 1 or more; the result has exactly 24 frames for each.
        size: Width and height in pixels, both even.
        first_frame: Picture, stretched to the size, that frame 0 is.
        last_frame: Picture, stretched to the size, that the last frame is.
        keyframes: Times in seconds, and the pictures that the video shows at them.
        references: Pictures shown as numbered thumbnails.
        audio: Whether there is an audio track.

    Raises:
        MediaError: A picture cannot be read, or is out of bounds; see `picture_size`.
    """
    count = seconds * FPS
    ends = [(time, data) for time, data in ((0, first_frame), (seconds, last_frame)) if data is not None]
    pins = {min(round(time * FPS), count - 1): _picture(data).resize(size) for time, data in (*keyframes, *ends)}
    captions = Captions(prompt, size, [_picture(data, _THUMBNAIL) for data in references])
    landscape = Landscape(prompt, size, count)

    def pictures() -> Iterator[Image.Image]:
        for index in range(count):
            picture = _between(pins, index, landscape)
            # A picture pinned to either end is shown without captions.
            shown = smooth((index - _FADE / 2) / _FADE) if 0 in pins else 1
            hidden = smooth(1 - (count - 1 - index) / _FADE) if count - 1 in pins else 0
            captions.draw(picture, index, min(shown, 1 - hidden))
            yield picture

    return _encode(pictures(), size, tone(prompt, count) if audio else None)


def edit(video: bytes, prompt: str) -> bytes:
    """Return the video in other colours, with the prompt written over it.

    It keeps its length up to 8.7 s, its aspect ratio, its resolution up to 720p and its sound; without one it gets one.

    Args:
        video: MP4.
        prompt: Any text. It decides the colours, too.

    Raises:
        MediaError: The video cannot be read, or is out of bounds; see `probe`.
    """
    info = probe(video)
    size = _capped(info)
    count = max(1, min(round(info.seconds * FPS), math.floor(EDIT_SECONDS * FPS)))
    treat = treatment(prompt)
    captions = Captions(prompt, size, on_top=True)

    def pictures() -> Iterator[Image.Image]:
        for index, picture in enumerate(_read_pictures(video, size, count)):
            treated = treat(picture)
            captions.draw(treated, index)
            yield treated

    return _encode(pictures(), size, _read_sound(video, count) or tone(prompt, count))


def extend(video: bytes, prompt: str, seconds: int) -> bytes:
    """Return the whole video followed by new seconds that start from its last frame.

    It keeps its aspect ratio and its resolution up to 720p.

    Args:
        video: MP4.
        prompt: Any text, written over the new part.
        seconds: Length of the new part, 1 or more.

    Raises:
        MediaError: The video cannot be read, or is out of bounds; see `probe`.
    """
    info = probe(video)
    size = _capped(info)
    old, new = max(1, round(info.seconds * FPS)), seconds * FPS
    landscape = Landscape(prompt, size, new)
    captions = Captions(prompt, size)
    fade = min(_FADE, new // 4)

    def pictures() -> Iterator[Image.Image]:
        last = Image.new("RGB", size)
        for picture in _read_pictures(video, size, old):
            last = picture
            yield picture
        for index in range(new):
            dissolve = smooth(index / fade)
            picture = landscape.frame(index)
            if dissolve < 1:
                picture = Image.blend(zoomed(last, index + 1), picture, dissolve)
            captions.draw(picture, old + index, smooth(index / fade - 1))
            yield picture

    sound = _read_sound(video, old) or bytes(old * FRAME_SAMPLES * SAMPLE_BYTES)
    return _encode(pictures(), size, sound + tone(prompt, new))


@functools.lru_cache(16)  # jobs by the thousand may name the same picture
def stand_in_picture(label: str) -> bytes:
    """Return a PNG of 768x512 pixels with the label on it, for a picture that the sandbox does not fetch."""
    out = io.BytesIO()
    card(label, (768, 512)).save(out, "PNG")
    return out.getvalue()


def stand_in_clip(label: str) -> bytes:
    """Return an MP4 of 5 s at 480p, 16:9, with the label on it, for a video that the sandbox does not fetch."""
    return generate(label, seconds=5, size=size_for("16:9", "480p"))


def _between(pins: dict[int, Image.Image], index: int, landscape: Landscape) -> Image.Image:
    """Return the frame at `index`: what comes before, slowly zoomed, or on its way to the next pinned picture."""
    earlier = max((pin for pin in pins if pin <= index), default=None)
    later = min((pin for pin in pins if pin > index), default=None)
    picture = landscape.frame(index) if earlier is None else zoomed(pins[earlier], index - earlier)
    if later is None:
        return picture
    fade = min(_FADE, (later - (earlier or 0)) / 2)
    share = smooth(1 - (later - index) / fade)
    return Image.blend(picture, pins[later], share) if share else picture


def _picture(data: bytes, largest: int = MAX_SIDE) -> Image.Image:
    """Decode a picture, upright, on white, and reduced to at most `largest` pixels a side."""
    if len(data) > MAX_BYTES:
        raise MediaError(f"the picture is larger than {MAX_BYTES} bytes")
    if data.startswith(_JPEG) and data.count(_SCAN) > _MAX_SCANS:
        raise MediaError(f"the picture has more than {_MAX_SCANS} scans")
    checkpoint()
    try:
        with Image.open(io.BytesIO(data), formats=("JPEG", "PNG", "WEBP")) as picture:
            if max(picture.size) > MAX_SIDE:
                raise MediaError(f"the picture is {picture.width}x{picture.height}, more than {MAX_SIDE} a side")
            upright = ImageOps.exif_transpose(picture)
            upright.thumbnail((largest, largest))
            if upright.mode == "RGB":
                return upright
            ground = Image.new("RGBA", upright.size, "white")
            return Image.alpha_composite(ground, upright.convert("RGBA")).convert("RGB")
    except MediaError:
        raise
    except UnidentifiedImageError:
        raise MediaError("the picture is not a JPEG, PNG or WebP") from None
    except Exception as error:  # Pillow's decoders raise nearly anything on damaged data
        raise MediaError(f"the picture is damaged: {error}") from None


@contextlib.contextmanager
def _opened(data: bytes) -> Iterator[tuple[InputContainer, VideoStream]]:
    """Open an MP4 within the bounds; whatever FFmpeg finds wrong while it is open becomes a `MediaError`."""
    if len(data) > MAX_BYTES:
        raise MediaError(f"the video is larger than {MAX_BYTES} bytes")
    try:
        boxes.check(data)
        # Without a fixed format, FFmpeg would also read playlists, which name files and addresses.
        with av.open(io.BytesIO(data), "r", format="mp4", metadata_errors="ignore") as container:
            stream = next((track for track in container.streams.video if track.codec_context), None)
            if stream is None:
                raise MediaError("the file has no video track of a known codec")
            if max(stream.width, stream.height) > MAX_SIDE:
                raise MediaError(f"the video is {stream.width}x{stream.height}, more than {MAX_SIDE} a side")
            stream.codec_context.options = {"max_pixels": str(MAX_SIDE**2)}  # where a frame is larger than announced
            stream.thread_type = "AUTO"
            yield container, stream
    except MediaError:
        raise
    except boxes.Unsound as error:
        raise MediaError(str(error)) from None
    except (av.FFmpegError, ValueError, MemoryError) as error:
        reason = error.strerror if isinstance(error, av.FFmpegError) else error
        raise MediaError(f"the video is damaged: {reason}") from None


def _audio_track(container: InputContainer) -> AudioStream | None:
    # A track of an unknown codec has no context.
    return next((track for track in container.streams.audio if track.codec_context), None)


def _turn(frame: av.VideoFrame) -> int:
    """Return by how many degrees, a multiple of 90, a frame is to be turned anticlockwise; phones lay theirs down."""
    return round(frame.rotation / 90) * 90 % 360


def _capped(info: ClipInfo) -> tuple[int, int]:
    """Return the size of an edited or extended video: at most 720 pixels on the short side, both sides even."""
    scale = min(1.0, EDIT_SIDE / min(info.width, info.height))
    return max(2, round(info.width * scale / 2) * 2), max(2, round(info.height * scale / 2) * 2)


def _read_pictures(video: bytes, size: tuple[int, int], count: int) -> Iterator[Image.Image]:
    """Decode a video to `count` frames at 24 per second; one is repeated until the next is due."""
    with _opened(video) as (container, stream):
        start: float | None = None
        held: av.VideoFrame | None = None
        done = 0
        for frame in container.decode(stream):
            checkpoint()
            if frame.pts is None:
                continue
            start = frame.time if start is None else start
            while held and done < count and (done + 0.5) / FPS < frame.time - start:
                yield _to_picture(held, size)
                done += 1
            held = frame
            if done == count:
                return
        while held and done < count:
            yield _to_picture(held, size)
            done += 1


def _to_picture(frame: av.VideoFrame, size: tuple[int, int]) -> Image.Image:
    turn = _turn(frame)
    width, height = size if turn % 180 == 0 else size[::-1]
    plane = frame.reformat(width, height, "rgb0", threads=_ONE_THREAD).planes[0]
    picture = Image.frombytes("RGB", (width, height), bytes(plane), "raw", "RGBX", plane.line_size, 1)
    return picture.rotate(turn, expand=True)


def _read_sound(video: bytes, count: int) -> bytes | None:
    """Decode the sound of the first `count` frames, filled up with silence, or return None if there is none."""
    length = count * FRAME_SAMPLES * SAMPLE_BYTES
    with _opened(video) as (container, _):
        track = _audio_track(container)
        if track is None:
            return None
        resampler = av.AudioResampler("s16", "stereo", RATE)
        sound = bytearray()
        for frame in container.decode(track):
            checkpoint()
            for part in resampler.resample(frame):
                sound += bytes(part.planes[0])[: part.samples * SAMPLE_BYTES]
            if len(sound) >= length:
                break
    return bytes(sound[:length]).ljust(length, b"\0")


def _encode(pictures: Iterable[Image.Image], size: tuple[int, int], sound: bytes | None) -> bytes:
    """Encode pictures, and the 16-bit stereo sound that goes with them, as an MP4."""
    out = io.BytesIO()
    # To move the index to the front, FFmpeg opens again what it wrote.
    with av.open(out, "w", "mp4", _MP4, io_open=lambda *_: io.BytesIO(out.getvalue())) as container:
        video = container.add_stream("libx264", rate=FPS, options=_X264)
        video.width, video.height = size
        video.pix_fmt = "yuv420p"
        audio = container.add_stream("aac", rate=RATE, options=_AAC, layout="stereo") if sound else None
        canvas = av.VideoFrame(*size, "rgb0")
        for index, picture in enumerate(pictures):
            checkpoint()
            container.mux(video.encode(_video_frame(picture, index, canvas)))
            if audio and sound and index % FPS == 0:  # a second of sound for each second of pictures
                container.mux(audio.encode(_audio_frame(sound, index * FRAME_SAMPLES)))
        container.mux(video.encode())
        if audio:
            container.mux(audio.encode())
    return out.getvalue()


def _video_frame(picture: Image.Image, index: int, canvas: av.VideoFrame) -> av.VideoFrame:
    # Pillow keeps four bytes per pixel, as the canvas does: `VideoFrame.from_image` takes several times as long.
    plane = canvas.planes[0]
    plane.update(picture.tobytes("raw", "RGBX", plane.line_size))
    frame = canvas.reformat(format="yuv420p", dst_colorspace="ITU709", threads=_ONE_THREAD)
    frame.pts, frame.time_base = index, Fraction(1, FPS)
    return frame


def _audio_frame(sound: bytes, position: int) -> av.AudioFrame:
    second = sound[position * SAMPLE_BYTES : (position + RATE) * SAMPLE_BYTES]
    frame = av.AudioFrame("s16", "stereo", len(second) // SAMPLE_BYTES)
    frame.planes[0].update(second)
    frame.sample_rate, frame.pts, frame.time_base = RATE, position, Fraction(1, RATE)
    return frame
