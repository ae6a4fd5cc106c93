"""Pictures of a finished video: a still in the terminal, and a sheet of frames over time."""

from __future__ import annotations

import importlib.util
import io
import logging
import math
import os
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from PIL.Image import Image

__all__ = ["INSTALL", "check", "missing_for_posters", "poster", "preview", "seconds", "sheet"]

INSTALL = "install grok-imagine with its extra [preview]; in a checkout: pip install '.[preview]'"
"""What brings the libraries of this module."""

NEEDED = {"av": "PyAV", "PIL": "Pillow", "textual_image": "textual-image"}
"""Its libraries by their modules."""

COLUMNS, ROWS = 4, 3
TILE = 320
"""Pixels; the width of a frame on a sheet."""
LABEL = 18
"""Pixels; the height of the line below it, which says when it is."""
POSTER = 640
"""Pixels; the longer side of a poster."""
MOST_PIXELS = 8192 * 8192
"""A larger frame is none of a video that was made here."""
WIDEST = 64
"""Cells of the terminal that a still takes at most."""


def check() -> None:
    """Raises ConfigurationError if a library is missing, so that this comes out before a job is paid for."""
    from grok_imagine import ConfigurationError

    missing = [name for module, name in NEEDED.items() if importlib.util.find_spec(module) is None]
    if missing:
        raise ConfigurationError(f"pictures need {', '.join(missing)}: {INSTALL}")


def missing_for_posters() -> list[str]:
    """The libraries that a poster needs, and that are not there."""
    named = {"av": "PyAV", "PIL": "Pillow"}
    return [named[name] for name in named if importlib.util.find_spec(name) is None]


def poster(path: Path) -> bytes | None:
    """A frame from the middle of a video as JPEG, small; None if no picture can be read from it.

    It is the last frame before the middle that stands by itself, so that no others are decoded.
    """
    import av

    try:
        with av.open(str(path)) as container:
            stream = container.streams.video[0]
            width, height = stream.codec_context.width, stream.codec_context.height
            if not 0 < width * height <= MOST_PIXELS:
                return None
            container.seek(max(container.duration or 0, 0) // 2)
            frame = next(container.decode(stream))
            scale = min(1.0, POSTER / max(width, height))
            small = frame.reformat(width=max(2, round(width * scale)), height=max(2, round(height * scale)))
            held = io.BytesIO()
            small.to_image().save(held, "JPEG", quality=82, optimize=True)  # type: ignore[no-untyped-call]  # the same
            return held.getvalue()
    except (av.FFmpegError, IndexError, StopIteration, OSError, ValueError):  # any file may be called a video
        return None


def seconds(path: Path) -> float | None:
    """How long a video is; None if that can't be read."""
    import av

    try:
        with av.open(str(path)) as container:
            return container.duration / av.time_base if container.duration else None
    except (av.FFmpegError, OSError, ValueError):
        return None


def frames(path: Path, count: int) -> Iterator[tuple[float, Image]]:
    """So many frames of a video, evenly over its time, each with its second.

    Raises:
        DownloadError: No video can be read from the file.
    """
    import av

    from grok_imagine import DownloadError

    try:
        with av.open(str(path)) as container:
            stream = container.streams.video[0]
            length = float((stream.duration or 0) * (stream.time_base or 0)) or (container.duration or 0) / av.time_base
            wanted = [length * (index + 0.5) / count for index in range(count)]
            for frame in container.decode(stream):
                while wanted and (frame.time or 0.0) + 1 / float(stream.average_rate or 24) > wanted[0]:
                    yield wanted.pop(0), frame.to_image()  # type: ignore[no-untyped-call]  # PyAV types its arguments, not itself
                if not wanted:
                    break
    except (av.FFmpegError, IndexError) as error:
        raise DownloadError(f"{path}: no picture can be read from it", reason="not_mp4", path=path) from error


def preview(path: Path) -> None:
    """Shows the middle frame in the terminal, by what it can: sixel, kitty's protocol or blocks; grey under NO_COLOR.

    Raises:
        DownloadError: No video can be read from the file.
    """
    # Importing it asks the terminal what it can do; one that does not answer is nothing to warn of.
    logging.getLogger("textual_image").setLevel(logging.ERROR)
    from rich.console import Console
    from textual_image import renderable

    console = Console()  # a plain one: kitty's pictures are made of characters that no text needs
    kind = renderable.UnicodeImage if os.environ.get("NO_COLOR") else renderable.Image
    for _, picture in frames(path, 1):
        console.print(kind(picture, width=min(WIDEST, console.width), height="auto"))


def sheet(path: Path, target: Path) -> None:
    """Writes a sheet of frames, each with its second, read from left to right.

    Raises:
        DownloadError: No video can be read from the file.
        OSError: The target can't be written.
    """
    from PIL import Image, ImageDraw, ImageFont

    found = list(frames(path, COLUMNS * ROWS))
    height = round(TILE * found[0][1].height / found[0][1].width)
    rows = math.ceil(len(found) / COLUMNS)
    canvas = Image.new("RGB", (COLUMNS * TILE, rows * (height + LABEL)), "black")
    pen, font = ImageDraw.Draw(canvas), ImageFont.load_default()
    for index, (second, picture) in enumerate(found):
        x, y = index % COLUMNS * TILE, index // COLUMNS * (height + LABEL)
        canvas.paste(picture.resize((TILE, height)), (x, y))
        pen.text((x + 6, y + height + 3), f"{second:.1f} s", fill="white", font=font)
    canvas.save(target)
