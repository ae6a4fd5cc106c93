"""What the tests of media share: pictures and videos of all kinds."""

from __future__ import annotations

import io
from base64 import b64encode
from collections.abc import Callable
from pathlib import Path
from typing import Any

import av
from PIL import Image

from grok_imagine_api import contract

FORMATS = ["JPEG", "PNG", "WEBP"]


CAP = int(contract.LIMITS["image_size"].value)


def picture(name: str, **options: Any) -> bytes:
    file = io.BytesIO()
    Image.effect_noise((96, 64), 80).convert("RGB").save(file, name, **options)
    return file.getvalue()


PICTURES = {name: picture(name) for name in FORMATS}


JPEG, PNG, WEBP = PICTURES.values()


def clip(seconds: float) -> bytes:
    file = io.BytesIO()
    with av.open(file, "w", format="mp4") as container:
        track = container.add_stream("libx264", rate=10)
        track.width = track.height = 64
        track.pix_fmt = "yuv420p"
        for _ in range(round(seconds * 10)):
            container.mux(track.encode(av.VideoFrame(64, 64, "yuv420p")))
        container.mux(track.encode())
    return file.getvalue()


def url(data: bytes, kind: str) -> str:
    return f"data:{kind};base64,{b64encode(data).decode()}"


FORMS: dict[str, Callable[[Path], Any]] = {
    "path": lambda path: path,
    "bytes": lambda path: path.read_bytes(),
    "bytearray": lambda path: bytearray(path.read_bytes()),
    "memoryview": lambda path: memoryview(path.read_bytes()),
    "strided": lambda path: memoryview(bytes(b for byte in path.read_bytes() for b in (byte, 0)))[::2],
    "BytesIO": lambda path: io.BytesIO(path.read_bytes()),
    "file": lambda path: path.open("rb"),
    "raw file": lambda path: path.open("rb", buffering=0),
}
