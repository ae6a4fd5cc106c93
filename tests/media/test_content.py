"""Long bodies are sent in pieces, and hashed as one."""

from __future__ import annotations

import hashlib
import io
import json
import subprocess
import sys
import threading
import time
import tracemalloc
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import av
import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from grok_imagine import (
    ContractWarning,
    EditVideo,
    ExtendVideo,
    ImageToVideo,
    InvalidRequest,
    Ledger,
    OutOfRange,
    ReferenceToVideo,
    TextToVideo,
    VideoRequest,
    binding,
)
from grok_imagine.media import inputs as media
from grok_imagine.media.content import json_pieces
from grok_imagine.media.mp4 import seconds_of
from grok_imagine_sandbox import Sandbox
from support import Api, ManualClock

from .inputs import CAP, FORMS, JPEG, PNG, clip, url

NEWER = "grok-imagine-video-1.5"


def large_jpeg(size: int) -> bytes:
    """A real picture, made as large as that by comments."""
    comment = b"\xff\xfe\xff\xff" + b"x" * 65533
    count, rest = divmod(size - len(JPEG), len(comment))
    last = b"\xff\xfe" + (rest - 2).to_bytes(2, "big") + b"x" * (rest - 4)
    return JPEG[:2] + comment * count + last + JPEG[2:]


def test_a_video_has_a_bound_of_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(media, "MAX_VIDEO", 1000)
    with pytest.raises(OutOfRange, match="is larger than 1,000 bytes"):
        EditVideo("x", video_url=clip(1))


@pytest.mark.parametrize(
    ("make", "seconds", "words"),
    [
        (EditVideo, 8.7, None),
        (EditVideo, 9, r"edit-video: `video`: is a video of 0 to 8\.7 s; got 9\.0 s"),
        (ExtendVideo, 2, None),
    ],
)
def test_the_length_of_a_video_is_checked_where_it_can_be_measured(
    api: Api, sandbox: Sandbox, make: Any, seconds: float, words: str | None
) -> None:
    request = make("x", video_url=clip(seconds))
    if words is None:
        assert api(lambda c: c.video.start(request))
        return
    with pytest.raises(OutOfRange, match=words):
        api(lambda c: c.video.start(request))
    assert not sandbox.requests
    assert api(lambda c: c.video.start(request, strict=False))


@pytest.mark.parametrize(("seconds", "words"), [(1, "is a video of 2 to 30 s; got 1.0 s"), (31, "got 31.0 s")])
def test_the_length_of_a_video_to_extend_is_not_certain(api: Api, seconds: float, words: str) -> None:
    request = ExtendVideo("x", video_url=clip(seconds))
    with pytest.warns(ContractWarning, match=words):
        assert api(lambda c: c.video.start(request))


HIDING = """
import sys
hidden = set(sys.argv[2].split())
class Hide:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in hidden:
            raise ModuleNotFoundError(name)
sys.meta_path.insert(0, Hide())
from grok_imagine import EditVideo, InvalidRequest
for name in sys.argv[3:]:
    request = EditVideo("x", video_url=open(f"{sys.argv[1]}/{name}").read())
    try:
        request.check()
    except InvalidRequest as error:
        print(error)
    else:
        print("well")
assert not hidden & set(sys.modules)
"""


def test_a_request_has_the_same_verdict_in_every_installation(tmp_path: Path) -> None:
    for seconds in (2, 8.7, 9, 31):
        (tmp_path / f"{seconds}").write_text(url(clip(seconds), "video/mp4"))
    names = ["2", "8.7", "9", "31"]
    said = set()
    for hidden in ("", "av", "av PIL filetype numpy"):
        command = [sys.executable, "-c", HIDING, str(tmp_path), hidden, *names]
        said.add(subprocess.run(command, capture_output=True, text=True, check=True).stdout)
    (verdicts,) = said
    well, still, long, longer = verdicts.splitlines()
    assert well == still == "well" and "got 9.0 s" in long and "got 31.0 s" in longer


def of_kind(path: Path, seconds: float, codec: str = "libx264", rate: int = 24, **options: str) -> bytes:
    """An MP4 as other programs may write it."""
    with av.open(str(path), "w", format="mp4", options=options) as container:
        sound = container.add_stream("aac", rate=8000)
        track = container.add_stream(codec, rate=rate, options={"g": "10"})
        track.width = track.height = 32
        track.pix_fmt = "yuv420p"
        for _ in range(round(seconds * rate)):
            container.mux(track.encode(av.VideoFrame(32, 32, "yuv420p")))
        container.mux(track.encode())
        container.mux(sound.encode())  # nothing of it, which is no trouble
    return path.read_bytes()


@pytest.mark.parametrize("codec", ["libx264", "mpeg4"])
@pytest.mark.parametrize("seconds", [0.5, 3, 8.75])
@pytest.mark.parametrize("movflags", ["", "faststart", "frag_keyframe", "empty_moov+frag_keyframe", "disable_chpl"])
def test_a_length_is_that_which_a_decoder_finds(tmp_path: Path, codec: str, seconds: float, movflags: str) -> None:
    data = of_kind(tmp_path / "a.mp4", seconds, codec, **({"movflags": movflags} if movflags else {}))
    with av.open(io.BytesIO(data)) as container:
        track = container.streams.video[0]
        found = float(track.duration * track.time_base) if track.duration and track.time_base else None
    measured = seconds_of(url(data, "video/mp4"))
    assert measured is None or measured == pytest.approx(seconds, abs=0.05)
    if "frag" not in movflags:  # of fragments no index has to say how long they are
        assert measured == pytest.approx(found, abs=0.05)


@given(data=st.binary(max_size=200), place=st.integers(0, 3000), cut=st.integers(0, 4000))
def test_whatever_is_measured_raises_nothing(data: bytes, place: int, cut: int) -> None:
    whole = clip(1)
    for odd in (data, whole[:place] + data + whole[place + len(data) :], whole[:cut]):
        seconds = seconds_of(url(odd, "video/mp4"))
        assert seconds is None or 0 < seconds < 2**64
    seconds_of("data:video/mp4;base64," + data.decode("latin-1"))


def test_boxes_in_boxes_without_end_are_not_followed() -> None:
    deep = b""
    for _ in range(3000):
        deep = (len(deep) + 8).to_bytes(4) + b"moov" + deep
    begin = time.thread_time()
    assert seconds_of(url(deep, "video/mp4")) is None
    assert seconds_of(url(b"\0\0\0\x08moov" * 100_000, "video/mp4")) is None
    assert time.thread_time() - begin < 5


def test_what_can_not_be_measured_is_left_to_the_service() -> None:
    whole = url(clip(1), "video/mp4")
    assert seconds_of(whole) == pytest.approx(1, abs=0.01)
    for odd in ("data:video/mp4,abc", "data:video/mp4;base64,AAAA", "data:video/mp4;base64,AAA", whole[:200]):
        assert seconds_of(odd) is None
    sound = io.BytesIO()
    with av.open(sound, "w", format="mp4") as container:
        track = container.add_stream("aac", rate=8000)
        container.mux(track.encode())
    assert seconds_of(url(sound.getvalue(), "video/mp4")) is None


@pytest.mark.parametrize("prompt", ["no tag", "<IMAGE_1>", "<IMAGE_2> and <IMAGE_1>", "<IMAGE_>", "<image_9>"])
def test_tags_name_the_reference_images(prompt: str) -> None:
    ReferenceToVideo(prompt, reference_image_urls=[PNG], reference_image_file_ids=["f"]).check()


@pytest.mark.parametrize("tag", ["<IMAGE_0>", "<IMAGE_3>", "<IMAGE_10>", "<IMAGE_99999999999999999999>"])
def test_a_tag_that_names_no_image_is_warned_of(api: Api, sandbox: Sandbox, tag: str) -> None:
    def start(client: Any, **options: Any) -> Any:
        images = ["https://a/1.png", "https://a/2.png"]
        return client.video.start(f"<IMAGE_1> and {tag}", reference_image_urls=images, **options)

    with pytest.warns(ContractWarning) as caught:
        assert api(start)
    (warning,) = (each.message for each in caught)
    assert f"names {tag}, and the reference images are 2; they are <IMAGE_1> to <IMAGE_2>" in str(warning)
    assert isinstance(warning, ContractWarning) and warning.fields == ("prompt",)
    assert api(lambda c: start(c, strict=False))


def test_a_tag_without_any_reference_image_is_warned_of() -> None:
    request = ReferenceToVideo("<IMAGE_1> sings", NEWER, reference_audios=[{"voice_id": "ara"}])
    with pytest.warns(ContractWarning, match=r"names <IMAGE_1>, and the reference images are none; give `ref"):
        request.check()


def test_a_pinned_first_frame_may_be_number_0() -> None:
    ReferenceToVideo("<IMAGE_0>", NEWER, image_url=PNG, reference_image_urls=[PNG]).check()


def test_elsewhere_a_tag_is_a_word() -> None:
    TextToVideo("<IMAGE_1>").check()
    ImageToVideo("<IMAGE_7>", image_url=PNG).check()


LEAF = (
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(max_size=40)
)


TREE = st.recursive(LEAF, lambda t: st.lists(t, max_size=4) | st.dictionaries(st.text(max_size=9), t, max_size=4))


STYLES = [
    {"ensure_ascii": False, "separators": (",", ":"), "allow_nan": False},
    {"ensure_ascii": True, "separators": (",", ":"), "sort_keys": True},
    {},
]


@pytest.mark.parametrize("style", STYLES)
@given(value=TREE)
def test_pieces_are_what_json_would_make(style: dict[str, Any], value: Any) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("grok_imagine.media.content.LONG", 5)
        patch.setattr("grok_imagine.media.content.PIECE", 3)
        assert b"".join(json_pieces(value, **style)) == json.dumps(value, **style).encode()


def long_request() -> ImageToVideo:
    return ImageToVideo('Ein "Bär"', image_url=large_jpeg(300_000), duration=1)


def wire(request: VideoRequest) -> bytes:
    """What httpx itself makes of a body."""
    json_body = binding.start(request.operation, request.body)["json"]
    return httpx.Request("POST", "http://127.0.0.1", json=json_body).content


def test_the_hash_of_a_body_is_that_of_its_json() -> None:
    for request in (TextToVideo("Bär"), long_request()):
        canonical = json.dumps(dict(request.body), sort_keys=True, separators=(",", ":"))
        assert request.sha256 == hashlib.sha256(canonical.encode()).hexdigest()


def test_the_bytes_on_the_wire_are_those_of_httpx(api: Api, sandbox: Sandbox) -> None:
    request = long_request()
    api(lambda c: c.video.start(request))
    assert sandbox.jobs[0]["body_sha256"] == hashlib.sha256(wire(request)).hexdigest()


def test_a_body_that_is_no_text_is_refused_before_anything_is_sent(api: Api, sandbox: Sandbox) -> None:
    with pytest.raises(OutOfRange, match="no JSON"):
        api(lambda c: c.video.start("\ud800", image_url="data:," + "x" * 100_000, strict=False))
    assert not sandbox.requests


class Posts:
    """What a server saw: the headers and the length and hash of each body."""

    def __init__(self, refusals: int = 0) -> None:
        self.seen: list[tuple[dict[str, str], int, str]] = []
        self.refusals = refusals


@contextmanager
def taker(posts: Posts) -> Iterator[str]:
    """A server that reads and drops what is posted, and takes it after so many refusals."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            left, digest = int(self.headers["content-length"]), hashlib.sha256()
            length = left
            while left and (piece := self.rfile.read(min(left, 65536))):
                left -= len(piece)
                digest.update(piece)
            posts.seen.append(({k.lower(): v for k, v in self.headers.items()}, length, digest.hexdigest()))
            is_refused = len(posts.seen) <= posts.refusals
            body = b'{"code":"rate","error":"Too many requests"}' if is_refused else b'{"request_id":"job-%d"}'
            body = body if is_refused else body % len(posts.seen)
            self.send_response(429 if is_refused else 200)
            self.send_header("content-type", "application/json")
            self.send_header("content-length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: Any) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        server.daemon_threads = True
        thread = threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}/v1"
        server.shutdown()
        thread.join(60)


@pytest.mark.parametrize("kind", ["sync", "async"])
def test_a_body_is_sent_whole_again_after_a_refusal(kind: str, clock: ManualClock) -> None:
    posts, request = Posts(refusals=2), long_request()
    with taker(posts) as address:
        assert Api(kind, clock, address)(lambda c: c.video.start(request)).request_id == "job-3"
    body = wire(request)
    assert [(length, digest) for _, length, digest in posts.seen] == [(len(body), hashlib.sha256(body).hexdigest())] * 3
    headers = posts.seen[0][0]
    assert headers["content-type"] == "application/json" and "transfer-encoding" not in headers


@pytest.mark.parametrize("form", ["path", "bytes", "raw file", "edit"])
@pytest.mark.parametrize("kind", ["sync", "async"])
def test_an_image_costs_at_most_two_and_a_half_times_its_size(
    kind: str, form: str, clock: ManualClock, tmp_path: Path
) -> None:
    posts, path = Posts(), tmp_path / "large.jpg"
    path.write_bytes(large_jpeg(CAP))
    make: Callable[[Any], VideoRequest] = lambda value: ImageToVideo("x", image_url=value)  # noqa: E731
    if form == "edit":
        small = clip(1)
        path.write_bytes(small + (CAP - len(small)).to_bytes(4, "big") + b"free" + bytes(CAP - len(small) - 8))
        make = lambda value: EditVideo("x", video_url=value)  # noqa: E731
    with taker(posts) as address:
        api = Api(kind, clock, address, ledger=Ledger(tmp_path / "jobs.db"))
        api(lambda c: c.video.start(make(clip(1) if form == "edit" else JPEG)))  # what is imported is no image's cost
        tracemalloc.start()
        try:
            value = FORMS.get(form, FORMS["path"])(path)
            job = api(lambda c: c.video.start(make(value)))
            peak = tracemalloc.get_traced_memory()[1]
        finally:
            tracemalloc.stop()
            if form == "raw file":
                value.close()
    assert job.request_id == "job-2" and posts.seen[-1][1] > CAP * 4 // 3
    assert peak <= 2.5 * CAP, f"{peak / CAP:.2f}"


def test_a_mapping_of_a_manifest_makes_a_request() -> None:
    line = '{"prompt": "x", "image_url": "https://a/b.png", "duration": 3}'
    request = VideoRequest.from_keywords(**json.loads(line))
    assert request.body["image"] == {"url": "https://a/b.png"}
    with pytest.raises(InvalidRequest):
        VideoRequest.from_keywords(prompt="x", image_url={"url": "https://a/b.png"})
