"""Pictures and videos as people have them become data: URLs."""

from __future__ import annotations

import io
import os
import subprocess
import sys
import threading
from base64 import b64decode
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from grok_imagine import (
    ConfigurationError,
    EditVideo,
    ImageToVideo,
    OutOfRange,
    ReferenceToVideo,
    VideoRequest,
)
from grok_imagine.media import inputs as media
from grok_imagine_api import contract
from grok_imagine_sandbox import Sandbox
from support import Api

from .inputs import CAP, FORMATS, FORMS, JPEG, PICTURES, PNG, WEBP, clip, picture, url

THUMBNAIL = b"\xff\xe1" + (2 + len(JPEG)).to_bytes(2, "big") + JPEG  # a segment with a whole picture in it


QUICKTIME = b"\0\0\0\x14ftypqt  \0\0\0\0qt  \0\0\0\x08moov"


@pytest.mark.parametrize("name", FORMATS)
@pytest.mark.parametrize("form", FORMS)
def test_every_form_makes_the_same_url(tmp_path: Path, form: str, name: str) -> None:
    path = tmp_path / "cat.of-no-suffix"
    path.write_bytes(PICTURES[name])
    value = FORMS[form](path)
    request = ImageToVideo("It purrs", image_url=value)
    if isinstance(value, io.IOBase):
        value.close()
    assert request.body["image"] == {"url": url(PICTURES[name], f"image/{name.lower()}")}
    request.check()


@pytest.mark.parametrize("keyword", ["image_url", "last_frame_url", "video_url", "reference_image_urls", "keyframes"])
def test_every_keyword_of_an_image_or_video_takes_it(keyword: str) -> None:
    content, kind = (clip(1), "video/mp4") if keyword == "video_url" else (PNG, "image/png")
    value: Any = {"reference_image_urls": [content], "keyframes": [{"image_url": content, "timestamp": 1}]}
    encoded = {"url": url(content, kind)}
    body = VideoRequest.from_keywords(prompt="x", **{keyword: value.get(keyword, content)}).body
    assert body[{"reference_image_urls": "reference_images"}.get(keyword, keyword.removesuffix("_url"))] in (
        encoded,
        [encoded],
        [{"image": encoded, "timestamp_s": 1}],
    )


def test_the_sandbox_makes_videos_of_them(api: Api, sandbox: Sandbox, tmp_path: Path) -> None:
    path = tmp_path / "clip.mp4"
    path.write_bytes(clip(2))
    image = Image.new("RGB", (64, 64), "red")
    assert api(lambda c: c.video.generate("x", image_url=image, duration=1)).duration == 1
    assert api(lambda c: c.video.generate("<IMAGE_2>", reference_image_urls=[io.BytesIO(JPEG), WEBP], duration=1)).url
    assert api(lambda c: c.video.generate("x", video_url=path)).duration == 2
    assert api(lambda c: c.video.extend("x", video_url=path, duration=2)).url


def test_a_file_is_read_from_where_it_stands_and_only_once() -> None:
    class Once(io.BytesIO):
        given = 0

        def read(self, size: int | None = -1) -> bytes:
            data = super().read(min(size or -1, 1000))  # a short read, as of a socket
            self.given += len(data)
            return data

    file = Once(b"a header" + PNG)
    file.seek(8)
    assert ImageToVideo(image_url=file).body["image"]["url"] == url(PNG, "image/png")
    assert file.given == len(PNG)


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="needs named pipes")
def test_a_path_is_read_once(tmp_path: Path) -> None:
    path = tmp_path / "pipe"
    os.mkfifo(path)
    writer = threading.Thread(target=path.write_bytes, args=(JPEG,), daemon=True)
    writer.start()
    request = ImageToVideo(image_url=path)
    writer.join(60)
    assert request.body["image"]["url"] == url(JPEG, "image/jpeg")


def test_a_text_is_an_address_and_opens_no_file(
    api: Api, sandbox: Sandbox, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("cat.png").write_bytes(PNG)
    for text in ("cat.png", str(tmp_path / "cat.png"), "file:///cat.png"):
        with pytest.raises(OutOfRange, match=r"`image`: has a URL of .*; write pathlib\.Path"):
            api(lambda c, text=text: c.video.start("x", image_url=text))
    assert not sandbox.requests
    for address in ("https://a/cat.png", url(PNG, "image/png")):
        assert ImageToVideo(image_url=address).body["image"]["url"] == address


def test_an_image_of_pil_is_sent_as_what_it_came_from(tmp_path: Path) -> None:
    for name in FORMATS:
        with Image.open(io.BytesIO(PICTURES[name])) as image:
            head, _, data = ImageToVideo(image_url=image).body["image"]["url"].partition(",")
            assert head == f"data:image/{name.lower()};base64"
            with Image.open(io.BytesIO(b64decode(data))) as sent:
                assert sent.format == name and sent.size == image.size
                # Of a JPEG the tables are kept, so that nothing is compressed harder than it was.
                assert getattr(sent, "quantization", None) == getattr(image, "quantization", None)
    made = Image.effect_noise((64, 64), 50).convert("RGBA")
    data = ImageToVideo(image_url=made).body["image"]["url"].removeprefix("data:image/png;base64,")
    with Image.open(io.BytesIO(b64decode(data))) as sent:
        assert sent.tobytes() == made.tobytes()


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda: Image.new("CMYK", (8, 8)), "can't be saved as PNG"),
        (lambda: Image.open(io.BytesIO(PNG[: len(PNG) // 2])), "can't be saved as PNG"),
        (lambda: Image.new("RGB", (0, 8)), "can't be saved as PNG"),
    ],
)
def test_an_image_of_pil_that_can_not_be_saved_says_so(make: Callable[[], Image.Image], words: str) -> None:
    with pytest.raises(OutOfRange, match=words) as caught:
        ImageToVideo(image_url=make())
    assert caught.value.fields == ("image_url",) and caught.value.__cause__ is not None


def test_an_image_of_pil_is_held_to_the_size(monkeypatch: pytest.MonkeyPatch) -> None:
    limit = contract.Limit(value=1000, unit="bytes", confidence="M", source="here")
    monkeypatch.setattr(contract, "LIMITS", {**contract.LIMITS, "image_size": limit})
    with pytest.raises(OutOfRange, match=r"the image \(Image\) is larger than 1,000 bytes; scale it down"):
        ImageToVideo(image_url=Image.effect_noise((64, 64), 90))


def at_its_end() -> io.BytesIO:
    file = io.BytesIO(PNG)
    file.seek(0, io.SEEK_END)
    return file


def closed() -> io.BytesIO:
    file = io.BytesIO(PNG)
    file.close()
    return file


class Silent(io.RawIOBase):
    """A stream that does not block, and has nothing yet."""

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> None:
        return None


BAD: dict[str, tuple[Any, str]] = {
    "directory": (lambda folder: folder, "is a directory"),
    "missing": (lambda folder: folder / "none.png", "can't be read: No such file"),
    "null": (lambda folder: Path("a\0b"), "can't be read"),
    "empty bytes": (b"", "the image (bytes) is empty"),
    "empty file": (lambda folder: folder / "empty.png", "is empty"),
    "at its end": (lambda _: at_its_end(), "is empty; a file is read from its position; `seek(0)` goes back"),
    "closed": (lambda _: closed(), "closed file"),
    "silent": (lambda _: Silent(), "returned NoneType instead of bytes"),
    "text": (lambda _: io.StringIO("x"), "is open as text; open it with mode 'rb'"),
    "write only": (lambda folder: (folder / "new").open("wb"), "can't be read"),
    "GIF": (picture("GIF"), "has the type image/gif, not image/jpeg or image/png or image/webp; convert it"),
    "TIFF": (picture("TIFF"), "has the type image/tiff"),
    "a video": (clip(0.5), "has the type video/mp4"),
    "a page": (b"<!DOCTYPE html><title>404</title>", "has an unknown type"),
    "a number": (7, "can't be read as a file; give a URL as a str, a pathlib.Path, bytes"),
    "half a JPEG": (JPEG[: len(JPEG) // 2], "begins as image/jpeg and is truncated"),
    "a JPEG without its end": (JPEG[:-2], "truncated"),
    "a JPEG with a thumbnail": (JPEG[:2] + THUMBNAIL + JPEG[2:-2], "truncated"),
    "a start of a JPEG": (JPEG[:20], "truncated"),
    "half a PNG": (PNG[: len(PNG) // 2], "begins as image/png and is truncated"),
    "a PNG without its end": (PNG[:-1], "truncated"),
    "half a WebP": (WEBP[: len(WEBP) // 2], "begins as image/webp and is truncated"),
    "a WebP without its end": (WEBP[:-1], "truncated"),
    "large bytes": (bytes(CAP + 1), "is larger than 20,971,520 bytes"),
    "large file": (lambda folder: folder / "large.png", "is larger than 20,971,520 bytes"),
    "large stream": (lambda _: io.BytesIO(bytes(CAP + 1)), "is larger than 20,971,520 bytes"),
}


@pytest.mark.parametrize("case", BAD)
def test_what_is_no_image_says_so(tmp_path: Path, case: str) -> None:
    (tmp_path / "empty.png").touch()
    with (tmp_path / "large.png").open("wb") as file:
        file.truncate(CAP + 1)
    make, words = BAD[case]
    value = make(tmp_path) if callable(make) else make
    with pytest.raises(OutOfRange) as caught:
        VideoRequest.from_keywords(prompt="x", image_url=value)
    assert words in str(caught.value) and "x-modes.inputs" in str(caught.value)
    assert caught.value.fields == ("image_url",)
    if isinstance(value, Path):
        assert repr(str(value)) in str(caught.value)
    if isinstance(value, io.IOBase):
        value.close()


def test_nothing_is_sent_of_a_request_with_a_bad_file(api: Api, sandbox: Sandbox, tmp_path: Path) -> None:
    for send in (lambda c: c.video.start("x", image_url=tmp_path), lambda c: c.video.extend("x", video_url=b"")):
        with pytest.raises(OutOfRange):
            api(send)
    assert not sandbox.requests


def test_what_follows_the_end_of_an_image_does_no_harm() -> None:
    for name in FORMATS:  # phones put a short video behind a picture
        ImageToVideo(image_url=PICTURES[name] + b"more").check()
    ImageToVideo(image_url=JPEG[:2] + b"\xff" * 3 + THUMBNAIL[1:] + JPEG[2:]).check()


def test_a_file_that_errors_shows_its_name_and_no_content(tmp_path: Path) -> None:
    path = tmp_path / "cat.gif"
    path.write_bytes(picture("GIF"))
    with path.open("rb") as file, pytest.raises(OutOfRange) as caught:
        ReferenceToVideo("x", reference_image_urls=[PNG, file])
    assert repr(str(path)) in str(caught.value) and caught.value.fields == ("reference_image_urls",)
    request = ImageToVideo("private", image_url=PNG)
    assert repr(request) == "<image-to-video model='grok-imagine-video'>"


def test_the_name_of_a_remote_file_loses_its_signature() -> None:
    file = io.BytesIO()
    file.name = "https://bucket.example/cat.png?signature=secret"
    with pytest.raises(OutOfRange, match=r"'https://bucket\.example/cat\.png' is empty") as caught:
        ImageToVideo(image_url=file)
    assert "secret" not in str(caught.value)


def test_without_strict_only_what_can_not_be_encoded_is_refused() -> None:
    for data, kind in ((picture("GIF"), "image/gif"), (PNG[:-1], "image/png"), (clip(0.2), "video/mp4")):
        request = VideoRequest.from_keywords(prompt="x", image_url=data, strict=False)
        assert request.body["image"]["url"] == url(data, kind)
    for data, words in ((b"", "is empty"), (b"plain text", "has an unknown type; give a data: URL")):
        with pytest.raises(OutOfRange, match=words):
            VideoRequest.from_keywords(prompt="x", image_url=data, strict=False)


def test_without_the_extra_a_file_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "filetype", None)
    with pytest.raises(ConfigurationError, match=r"pip install '.\[media\]'"):
        ImageToVideo(image_url=PNG)
    assert ImageToVideo(image_url=Image.new("RGB", (8, 8))).body["image"]["url"].startswith("data:image/png;base64,")


def test_nothing_of_an_extra_is_imported_before_it_is_needed() -> None:
    code = (
        "import sys, grok_imagine as g; r = g.ImageToVideo('x', image_url='https://a/b.png'); r.check(); r.sha256;"
        "print([name for name in ('PIL', 'av', 'filetype') if name in sys.modules])"
    )
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout == "[]\n"


def test_there_is_a_check_of_the_end_for_each_type_of_the_contract() -> None:
    types = {*contract.INPUTS["image"].media_types, *contract.INPUTS["video"].media_types}
    assert types == media.ENDS.keys()


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (QUICKTIME, "the video (bytes) has the type video/quicktime, not video/mp4"),
        (JPEG, "has the type image/jpeg, not video/mp4"),
        (clip(1)[:-40], "begins as video/mp4 and is truncated"),
        (clip(1)[:600], "truncated"),
        (b"\0\0\0\x18ftypisom\0\0\2\0isommp41", "truncated"),  # no index
        (b"\0\0\0\x18ftypisom\0\0\2\0isommp41\0\0\0\2free", "truncated"),  # a box of no size
    ],
)
def test_a_video_is_a_whole_mp4(data: bytes, words: str) -> None:
    with pytest.raises(OutOfRange) as caught:
        EditVideo("x", video_url=data)
    assert words in str(caught.value) and caught.value.fields == ("video_url",)


def test_a_box_of_any_size_is_measured() -> None:
    head, index = b"\0\0\0\x18ftypisom\0\0\2\0isommp41", b"\0\0\0\x08moov"
    for tail in (b"\0\0\0\x01mdat" + (20).to_bytes(8, "big") + b"abcd", b"\0\0\0\0mdat to the end"):
        assert EditVideo("x", video_url=head + index + tail).body["video"]["url"].startswith("data:video/mp4;")
