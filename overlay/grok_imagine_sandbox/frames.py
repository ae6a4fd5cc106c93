"""Single pictures for the sandbox's videos, drawn with Pillow: the landscape, the captions, the colour treatments.

Sizes are `(width, height)` in pixels, pictures are `RGB`. Everything a prompt decides is drawn from a hash of it, so
that the same prompt always looks the same and two prompts look different.
"""

from __future__ import annotations

import bisect
import colorsys
import functools
import hashlib
import math
import random
import unicodedata
from collections.abc import Callable, Sequence
from typing import NamedTuple

from PIL import Image, ImageChops, ImageDraw, ImageFont, ImageOps

FPS = 24
NOTICE = "grok-imagine sandbox · not a real generation"
STAND_IN = "grok-imagine sandbox · stands in for a picture elsewhere"

_LONGEST_PROMPT = 400  # characters looked at; three lines never hold more
_CAPTION_LINES = 3
_SMOOTH = 2  # outlines are drawn this many times too large, then reduced, which smooths their edges

Colour = tuple[int, int, int]


def dice(prompt: str, purpose: str) -> random.Random:
    """Return a random generator that depends on nothing but its arguments.

    Args:
        prompt: Any text, lone surrogates included.
        purpose: Keeps the choices of one part of a picture independent of the others.
    """
    return random.Random(hashlib.sha256(f"{purpose}\0{prompt}".encode("utf-8", "surrogatepass")).digest())


def _colour(hue: float, lightness: float, saturation: float) -> Colour:
    red, green, blue = colorsys.hls_to_rgb(hue % 1, lightness, saturation)
    return round(red * 255), round(green * 255), round(blue * 255)


def _mix(start: Colour, end: Colour, share: float) -> Colour:
    red, green, blue = (round(a + (b - a) * share) for a, b in zip(start, end, strict=True))
    return red, green, blue


class Landscape:
    """A sunny horizon and three nearer ridges of hills that pass by, the nearest fastest.

    Everything is drawn once, wider than the frame, and only cropped afterwards. All speeds are whole pixels per frame:
    anything else would visibly stutter.

    Args:
        prompt: Decides the colours and the shapes.
        size: Of the frames.
        count: How many frames there will be, which decides how wide it has to be.
    """

    def __init__(self, prompt: str, size: tuple[int, int], count: int) -> None:
        self._size = width, height = size
        self._pace = max(1, round(min(size) / 480))
        chance = dice(prompt, "landscape")
        hue = chance.random()
        glow = hue + chance.choice((-1, 1)) * chance.uniform(0.06, 0.16)
        haze, near = _colour(glow, 0.72, 0.7), _colour(hue, 0.09, 0.45)
        colours = [_mix(haze, near, 0.26 + 0.24 * layer) for layer in range(4)]
        widths = [width + self._speed(layer) * count for layer in range(4)]
        self._horizon = _sky(chance, hue, haze, (widths[0], height))
        sun = _sun(round(min(size) * chance.uniform(1.0, 1.4)))
        corner = round(width * chance.uniform(0.6, 0.8)) - sun.width // 2, round(height * 0.32) - sun.height // 2
        self._horizon.paste(_colour(glow, 0.94, 0.9), corner, sun)
        _lay(self._horizon, colours[0], _ridge(chance, (widths[0], height)), _top(height, 0))
        self._ridges = [(colours[layer], _ridge(chance, (widths[layer], height)), layer) for layer in (1, 2, 3)]

    def _speed(self, layer: int) -> int:
        return self._pace * (layer + 1)

    def frame(self, index: int) -> Image.Image:
        """Return the frame at `index`, from 0 to `count`."""
        width, height = self._size
        left = self._speed(0) * index
        picture = self._horizon.crop((left, 0, left + width, height))
        for colour, ridge, layer in self._ridges:
            left = self._speed(layer) * index
            _lay(picture, colour, ridge.crop((left, 0, left + width, ridge.height)), _top(height, layer))
        return picture


def _top(height: int, layer: int) -> int:
    return round(height * (0.42 + 0.12 * layer))


def _lay(picture: Image.Image, colour: Colour, ridge: Image.Image, top: int) -> None:
    # The mask is slow, so it is only as high as the outline needs; everything below is a plain rectangle.
    picture.paste(colour, (0, top), ridge)
    picture.paste(colour, (0, top + ridge.height, *picture.size))


def _sky(chance: random.Random, hue: float, haze: Colour, size: tuple[int, int]) -> Image.Image:
    # A handful of coloured points, enlarged: the cheapest smooth gradient there is.
    columns, rows = 6, 4
    points = Image.new("RGB", (columns, rows))
    for row in range(rows):
        for column in range(columns):
            high = _colour(hue + chance.uniform(-0.06, 0.06), chance.uniform(0.22, 0.36), 0.6)
            points.putpixel((column, row), _mix(high, haze, row / (rows - 1)))
    return points.resize(size, Image.Resampling.BICUBIC)


def _sun(width: int) -> Image.Image:
    """Return the mask of a disc in the middle of a halo that fades out towards the edges."""
    edge = 181  # what Pillow's radial gradient reaches in the middle of an edge
    halo = [round(120 * max(0, 1 - distance / edge) ** 1.5) for distance in range(256)]
    mask = Image.radial_gradient("L").point(halo).resize((width * _SMOOTH, width * _SMOOTH))
    ImageDraw.Draw(mask).circle((width, width), width * _SMOOTH * 0.11, fill=255)
    return mask.reduce(_SMOOTH)


def _ridge(chance: random.Random, size: tuple[int, int]) -> Image.Image:
    """Return the mask of a hilly outline, a fifth as high as the frame is."""
    width, height = size[0], max(1, size[1] // 5)
    waves = [(chance.uniform(0.5, 1) / n, chance.uniform(0.4, 0.6) * n, chance.uniform(0, math.tau)) for n in (1, 2, 5)]
    deepest = sum(depth for depth, _, _ in waves)

    def altitude(x: float) -> float:
        return sum(depth * math.sin(x / height * pitch + phase) for depth, pitch, phase in waves) / deepest

    mask = Image.new("L", (width * _SMOOTH, height * _SMOOTH))
    line = [(x * _SMOOTH, (1 - altitude(x)) * height * _SMOOTH / 2) for x in range(0, width + 8, 4)]
    ImageDraw.Draw(mask).polygon([*line, (width * _SMOOTH, mask.height), (0, mask.height)], fill=255)
    return mask.reduce(_SMOOTH)


class _Sticker(NamedTuple):
    """A picture that is laid over a frame, as dense as its mask says."""

    picture: Image.Image
    mask: Image.Image
    corner: tuple[int, int]


class Captions:
    """What is written over a video: the prompt, the notice, the time code, and numbered thumbnails.

    Args:
        prompt: Any text; it is wrapped, and shortened to three lines.
        size: Of the frames.
        references: Pictures to show as thumbnails, in this order.
        on_top: Write the prompt at the top, where it does not cover the caption an input may already have.
    """

    def __init__(
        self, prompt: str, size: tuple[int, int], references: Sequence[Image.Image] = (), *, on_top: bool = False
    ) -> None:
        self._size = size
        self._margin = max(8, min(size) // 20)
        self._small = _font(max(8, round(self._margin * 0.55)))
        font = _font(self._margin)
        rows = [(line, font) for line in wrap(prompt, font, size[0] - 2 * self._margin)]
        notice = [(NOTICE, self._small)]
        if on_top:
            self._stickers = [_panel(rows, size, self._margin, on_top=True), _panel(notice, size, self._margin)]
        else:
            self._stickers = [_panel(rows + notice, size, self._margin)]
        self._stickers += _thumbnails(references, size, self._margin)

    def draw(self, frame: Image.Image, index: int, opacity: float = 1.0) -> None:
        """Draw onto a frame.

        Args:
            frame: Of the size given before; it is changed.
            index: Of the frame, for the time code.
            opacity: From 0, which draws nothing, to 1.
        """
        if opacity <= 0:
            return
        for picture, mask, corner in self._stickers:
            dense = mask if opacity >= 1 else mask.point([round(level * opacity) for level in range(256)])
            frame.paste(picture, corner, dense)
        self._draw_time(frame, index, opacity)

    def _draw_time(self, frame: Image.Image, index: int, opacity: float) -> None:
        seconds, rest = divmod(index, FPS)
        text = f"{seconds // 60:02}:{seconds % 60:02}:{rest:02}"
        mask = Image.new("L", (round(self._small.getlength(text)), round(self._small.size * 1.3)))
        ImageDraw.Draw(mask).text((0, 0), text, fill=round(220 * opacity), font=self._small)
        corner = self._size[0] - self._margin - mask.width, self._size[1] - self._margin // 2 - mask.height
        frame.paste((255, 255, 255), corner, mask)


@functools.cache
def _font(size: int) -> ImageFont.FreeTypeFont:
    font = ImageFont.load_default(size)
    if not isinstance(font, ImageFont.FreeTypeFont):
        raise RuntimeError("Pillow was built without FreeType, so it has no scalable font")
    return font


def wrap(text: str, font: ImageFont.FreeTypeFont, width: int) -> list[str]:
    """Break a text into at most three lines, the last of which ends in an ellipsis if more text follows.

    Args:
        text: Any text; see `_drawable`.
        font: The lines are measured with it.
        width: Of a line, in pixels. A word that is longer is broken.
    """
    words = "".join(map(_drawable, unicodedata.normalize("NFKD", text[:_LONGEST_PROMPT]))).split()
    lines: list[str] = []
    while words and len(lines) < _CAPTION_LINES:
        line = words.pop(0)
        while words and font.getlength(f"{line} {words[0]}") <= width:
            line = f"{line} {words.pop(0)}"
        fitting = _fitting(line, font, width)
        if fitting < len(line):
            words.insert(0, line[fitting:])
        lines.append(line[:fitting])
    if lines and (words or len(text) > _LONGEST_PROMPT):
        lines[-1] = _ellipsis(lines[-1], font, width)
    return lines


def _fitting(line: str, font: ImageFont.FreeTypeFont, width: float) -> int:
    """Return how many characters of a line fit; at least one, or a narrow picture would never be done."""
    return 1 + bisect.bisect(range(2, len(line) + 1), width, key=lambda length: font.getlength(line[:length]))


def _ellipsis(line: str, font: ImageFont.FreeTypeFont, width: int) -> str:
    while line and font.getlength(f"{line}…") > width:
        line = line.rpartition(" ")[0] or line[:-1]
    return f"{line}…"


def _drawable(sign: str) -> str:
    # Pillow's own font has little more than ASCII, so accents, split off before, are left out, and dashes are hyphens.
    # Other scripts show as empty boxes.
    category = unicodedata.category(sign)
    if category == "Cc" or category[0] == "Z":
        return " "
    if category[0] in "CM":
        return ""
    return "-" if category == "Pd" else sign


def _panel(
    rows: Sequence[tuple[str, ImageFont.FreeTypeFont]], size: tuple[int, int], margin: int, *, on_top: bool = False
) -> _Sticker:
    """Write lines over a shadow that grows towards the edge of the frame, so that they are readable on anything."""
    heights = [round(font.size * 1.3) for _, font in rows]
    height = min(size[1], sum(heights) + 2 * margin)
    dark = [min(round(level * (1.6 if on_top else 0.7)), 255) for level in range(256)]
    shadow = Image.linear_gradient("L").resize((size[0], height)).point(dark)
    text = Image.new("L", shadow.size)
    y = margin // 2 if on_top else height - margin // 2 - sum(heights)
    for (line, font), step in zip(rows, heights, strict=True):
        ImageDraw.Draw(text).text((margin, y), line, fill=255 if font.size >= margin else 200, font=font)
        y += step
    mask = ImageChops.lighter(text, ImageOps.flip(shadow) if on_top else shadow)
    return _Sticker(Image.merge("RGB", [text] * 3), mask, (0, 0 if on_top else size[1] - height))


def _thumbnails(references: Sequence[Image.Image], size: tuple[int, int], margin: int) -> list[_Sticker]:
    """Lay all references out in one row along the top, as large as the row allows."""
    if not references:
        return []
    gap = max(2, margin // 3)
    pitch = min(round(min(size) * 0.26), (size[0] - 2 * margin) // len(references))
    side = max(1, pitch - gap)
    font = _font(max(8, side // 5))
    stickers = []
    for number, reference in enumerate(references, 1):
        thumbnail = ImageOps.fit(reference, (side, side))
        draw = ImageDraw.Draw(thumbnail)
        draw.rectangle((0, 0, side - 1, side - 1), outline="white", width=max(1, side // 50))
        draw.text((side // 10, side // 12), str(number), fill="white", font=font, stroke_width=2, stroke_fill="black")
        stickers.append(_Sticker(thumbnail, Image.new("L", (side, side), 255), (margin + pitch * (number - 1), margin)))
    return stickers


def zoomed(picture: Image.Image, age: int) -> Image.Image:
    """Return the picture as a slow zoom shows it.

    Args:
        picture: Not changed.
        age: Frames since the zoom began; 0 returns an exact copy.
    """
    share = min(0.0006 * age, 0.4)
    x, y = picture.width * share / 2, picture.height * share / 2
    box = (x, y, picture.width - x, picture.height - y)
    return picture.resize(picture.size, Image.Resampling.BICUBIC, box=box)


def smooth(share: float) -> float:
    """Ease a movement in and out: 0 up to 0, 1 from 1 on, an S-curve between."""
    share = min(1.0, max(0.0, share))
    return share * share * (3 - 2 * share)


def treatment(prompt: str) -> Callable[[Image.Image], Image.Image]:
    """Choose how an edit changes the colours of a video. Every treatment changes greys, too."""
    chance = dice(prompt, "treatment")
    hue = chance.random()
    dark, middle, light = _colour(hue, 0.12, 0.6), _colour(hue + 0.1, 0.48, 0.35), _colour(hue + 0.35, 0.9, 0.8)

    def duotone(picture: Image.Image) -> Image.Image:
        return ImageOps.colorize(ImageOps.grayscale(picture), dark, light, middle)

    def washed(picture: Image.Image) -> Image.Image:
        return Image.blend(picture, duotone(picture), 0.6)

    def swapped(picture: Image.Image) -> Image.Image:
        red, green, blue = picture.split()
        return Image.blend(Image.merge("RGB", (green, blue, red)), duotone(picture), 0.3)

    return chance.choice((duotone, washed, swapped))


def card(label: str, size: tuple[int, int]) -> Image.Image:
    """Return a plain picture with a label in the middle, which stands in for a picture that is not there."""
    chance = dice(label, "card")
    hue = chance.random()
    picture = _sky(chance, hue, _colour(hue + 0.1, 0.36, 0.45), size)
    draw = ImageDraw.Draw(picture)
    font = _font(max(8, min(size) // 14))
    lines = wrap(label, font, round(size[0] * 0.9))
    draw.multiline_text((size[0] / 2, size[1] / 2), "\n".join(lines), "white", font, "mm", align="center")
    small = _font(max(8, min(size) // 32))
    draw.text((size[0] / 2, 2 * small.size), STAND_IN, "white", small, "mm")
    return picture
