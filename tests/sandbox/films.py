"""What the tests of the sandbox's videos share."""

from __future__ import annotations

import io
from array import array
from fractions import Fraction
from typing import NamedTuple

import av
from PIL import Image, ImageChops, ImageStat

from grok_imagine_sandbox import media

SIZE = (160, 96)


FACTS = media.ClipInfo(*SIZE, 2.0, 48, "h264", "aac")


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
        if track.turned:
            video.set_display_rotation(track.turned)  # which PyAV can since 18
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


TOP = (0, 0, SIZE[0], SIZE[1] // 2)  # above the caption
