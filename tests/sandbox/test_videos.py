"""The five modes, seen in the pixels of what they deliver, and what becomes of their inputs."""

import base64
import http.server
import io
import logging
import threading
from collections.abc import Iterator
from typing import Any

import av
import httpx
import pytest
from PIL import Image

from grok_imagine_sandbox.inputs import StandIn
from grok_imagine_sandbox.media import probe
from support import HANG

AWAY = "https://example.com/secret-path/a.mp4?signature=abc"
RED, BLUE = (254, 0, 0), (0, 0, 254)


def fetch(state: Any) -> bytes:
    assert state["status"] == "done", state
    response = httpx.get(state["video"]["url"], trust_env=False, timeout=HANG)
    assert response.status_code == 200
    return response.content


def frames(video: bytes) -> list[Image.Image]:
    with av.open(io.BytesIO(video), "r") as container:
        decoded: Any = container.decode(video=0)
        return [frame.to_image() for frame in decoded]


def pixel(picture: Image.Image, place: tuple[int, int]) -> tuple[int, int, int]:
    red, green, blue = picture.convert("RGB").crop((*place, place[0] + 1, place[1] + 1)).tobytes()
    return red, green, blue


def distance(one: Image.Image, other: Image.Image) -> float:
    """Mean difference of the two pictures' channels, 0 to 255."""
    pairs = zip(one.resize((32, 32)).tobytes(), other.resize((32, 32)).tobytes(), strict=True)
    return sum(abs(a - b) for a, b in pairs) / (32 * 32 * 3)


def make(remote: Any, path: str, **body: Any) -> bytes:
    return fetch(remote.make(f"/videos/{path}", {"prompt": "a cat"} | body))


@pytest.fixture(scope="module")
def clip_url(remote: Any) -> str:
    return str(remote.make("/videos/generations", {"prompt": "hills", "duration": 3})["video"]["url"])


@pytest.mark.parametrize(
    ("body", "size", "seconds"),
    [
        ({"duration": 1}, (848, 480), 1),
        ({"duration": 2, "aspect_ratio": "9:16", "resolution": "720p"}, (720, 1280), 2),
        ({"duration": 3, "aspect_ratio": "1:1"}, (480, 480), 3),
    ],
)
def test_text_to_video(remote: Any, body: dict[str, Any], size: tuple[int, int], seconds: int) -> None:
    clip = probe(make(remote, "generations", **body))
    assert abs(clip.width - size[0]) <= 8 and abs(clip.height - size[1]) <= 8
    assert clip.seconds == pytest.approx(seconds, abs=0.1)
    assert (clip.video_codec, clip.audio_codec) == ("h264", "aac")


def test_image_to_video_starts_from_the_image(remote: Any, picture: str) -> None:
    video = make(remote, "generations", image={"url": picture}, duration=1)
    clip = probe(video)
    assert (clip.width, clip.height) == (720, 480)  # the image's own 3:2
    first = frames(video)[0]
    for x, wanted in ((100, RED), (620, BLUE)):
        assert max(abs(a - b) for a, b in zip(pixel(first, (x, 240)), wanted, strict=True)) < 40


def test_an_asked_ratio_stretches_the_image(remote: Any, picture: str) -> None:
    clip = probe(make(remote, "generations", image={"url": picture}, duration=1, aspect_ratio="1:1"))
    assert clip.width == clip.height == 480


def test_the_last_frame_is_reached(remote: Any, picture: str) -> None:
    last = {"url": png(300, 200)}
    body = {"model": "grok-imagine-video-1.5", "duration": 1, "image": {"url": picture}, "last_frame": last}
    shown = frames(make(remote, "generations", **body))
    goal = Image.new("RGB", (32, 32), "green")
    assert distance(shown[-1], goal) < 40 < distance(shown[0], goal)


def test_keyframes_and_silence(remote: Any, picture: str) -> None:
    keyframes = [{"image": {"url": picture}, "timestamp_s": 1}]
    video = make(
        remote, "generations", model="grok-imagine-video-1.5", duration=2, keyframes=keyframes, generate_audio=False
    )
    assert probe(video).audio_codec is None
    red, green, blue = pixel(frames(video)[24], (100, 240))
    assert red > green + 60 and red > blue + 60


def test_references_show_up(remote: Any, picture: str) -> None:
    plain = frames(make(remote, "generations", duration=1))[12]
    shown = frames(make(remote, "generations", duration=1, reference_images=[{"url": picture}]))[12]
    assert distance(plain, shown) > 1


def test_edit_keeps_the_form_and_changes_the_picture(remote: Any, clip_url: str) -> None:
    before = httpx.get(clip_url, trust_env=False).content
    after = make(remote, "edits", video={"url": clip_url}, prompt="make it snow")
    assert probe(after)[:3] == pytest.approx(probe(before)[:3], abs=0.1)
    assert distance(frames(before)[30], frames(after)[30]) > 5


def test_extension_continues_from_the_last_frame(remote: Any, clip_url: str) -> None:
    before = httpx.get(clip_url, trust_env=False).content
    state = remote.make("/videos/extensions", {"prompt": "on and on", "video": {"url": clip_url}, "duration": 2})
    after = fetch(state)
    assert state["video"]["duration"] == 2
    assert probe(after).seconds == pytest.approx(5, abs=0.1)
    old, new = frames(before), frames(after)
    assert distance(old[10], new[10]) < 8
    assert distance(old[-1], new[len(old)]) < 25


def test_a_data_url_is_the_video_itself(remote: Any, clip_url: str) -> None:
    video = httpx.get(clip_url, trust_env=False).content
    url = "data:video/mp4;base64," + base64.b64encode(video).decode()
    assert probe(make(remote, "edits", video={"url": url})).seconds == pytest.approx(3, abs=0.1)


@pytest.mark.parametrize("source", [{"url": AWAY}, {"file_id": "file_0a1b2c"}, {"url": "http://10.0.0.1/a.mp4"}])
def test_what_is_not_here_gets_a_stand_in(
    remote: Any, source: dict[str, str], caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.INFO, "grok_imagine_sandbox"):
        state = remote.make("/videos/edits", {"prompt": "x", "video": source})
    assert probe(fetch(state)).frames > 0
    assert "not fetched" in caplog.text
    assert "signature" not in caplog.text


class _Files(http.server.BaseHTTPRequestHandler):
    """Serves what the server's `content` says, and takes PUTs."""

    server: Any

    def do_GET(self) -> None:
        self.server.seen.append(self.path)
        if self.path.startswith("/late"):
            self.server.seen_late.set()
            self.server.go_on.wait(60)
        status, headers, content = self.server.content.get(self.path, (404, {}, b""))
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(content)

    def do_PUT(self) -> None:
        self.server.put[self.path] = self.rfile.read(int(self.headers["content-length"]))
        self.send_response(403 if self.path == "/refused" else 200)
        self.end_headers()

    def log_message(self, *_: object) -> None:
        """Keep the test's output clean."""


@pytest.fixture(scope="module")
def elsewhere() -> Iterator[Any]:
    """Another server of this machine."""
    server: Any = http.server.ThreadingHTTPServer(("127.0.0.1", 0), _Files)
    server.content, server.put, server.seen = {}, {}, []
    server.seen_late, server.go_on = threading.Event(), threading.Event()
    server.origin = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True)
    thread.start()
    yield server
    server.shutdown()
    server.server_close()
    thread.join(5)


def test_a_loopback_url_is_fetched(remote: Any, elsewhere: Any, picture: str) -> None:
    elsewhere.content["/a.png"] = (200, {}, base64.b64decode(picture.partition(",")[2]))
    elsewhere.content["/moved.png"] = (302, {"location": "/a.png"}, b"")
    for path in ("/a.png", "/moved.png"):
        video = make(remote, "generations", image={"url": elsewhere.origin + path}, duration=1)
        assert probe(video)[:2] == (720, 480)


def test_an_input_that_is_late_holds_nobody_up(remote: Any, elsewhere: Any, picture: str) -> None:
    elsewhere.content["/late.png"] = (200, {}, base64.b64decode(picture.partition(",")[2]))
    late = remote.start("/videos/generations", {"image": {"url": f"{elsewhere.origin}/late.png"}, "duration": 1})
    try:
        assert elsewhere.seen_late.wait(60)
        assert remote.look(remote.generate()).status_code == 202
        assert remote.job(late)["cost_in_usd_ticks"] is None
    finally:
        elsewhere.go_on.set()
    assert remote.look(late).status_code == 202
    assert remote.job(late)["cost_in_usd_ticks"] == 520_000_000


UNREACHABLE = "Unable to download provided {}_url, please make sure the url you provided is publicaly accessible: {}"


def png(width: int, height: int) -> str:
    data = io.BytesIO()
    Image.new("RGB", (width, height), "green").save(data, "PNG")
    return "data:image/png;base64," + base64.b64encode(data.getvalue()).decode()


LINE = png(4000, 2)  # of a ratio that no video can have


def failure(remote: Any, path: str, **body: Any) -> Any:
    """The first look at a job whose input is bad already tells."""
    request_id = remote.start(f"/videos/{path}", {"prompt": "x"} | body)
    response = remote.look(request_id)
    assert response.status_code == 200
    state = response.json()
    assert (state["status"], state["progress"]) == ("failed", 0)
    assert state["video"] == {"url": "", "duration": 0, "respect_moderation": True}
    assert state["error"]["code"] == "invalid_argument"
    assert "usage" not in state
    assert remote.job(request_id)["cost_in_usd_ticks"] is None
    return state["error"]["message"]


def test_a_url_that_answers_404_fails_the_job(remote: Any, elsewhere: Any) -> None:
    message = failure(remote, "edits", video={"url": f"{elsewhere.origin}/gone.mp4"})
    assert message == UNREACHABLE.format("video", "HTTP 404 Not Found")
    message = failure(remote, "generations", image={"url": f"{elsewhere.origin}/gone.png"})
    assert message == UNREACHABLE.format("image", "HTTP 404 Not Found")


def test_an_own_url_that_is_wrong_fails_the_job(remote: Any, clip_url: str) -> None:
    message = failure(remote, "edits", video={"url": clip_url.replace("xai-video-", "xai-video-0")})
    assert message == UNREACHABLE.format("video", "HTTP 404 Not Found")
    message = failure(remote, "edits", video={"url": f"{remote.origin}/xai-vidgen-bucket/nothing.mp4"})
    assert message == UNREACHABLE.format("video", "HTTP 404 Not Found")


def test_no_redirect_leaves_the_machine(remote: Any, elsewhere: Any) -> None:
    elsewhere.content["/away.mp4"] = (302, {"location": "http://example.com/a.mp4"}, b"")
    elsewhere.content["/round.mp4"] = (302, {"location": "/round.mp4"}, b"")
    message = failure(remote, "edits", video={"url": f"{elsewhere.origin}/away.mp4"})
    assert message == UNREACHABLE.format("video", "redirected away from this machine")
    message = failure(remote, "edits", video={"url": f"{elsewhere.origin}/round.mp4"})
    assert message == UNREACHABLE.format("video", "too many redirects")


def test_nobody_listens(remote: Any) -> None:
    message = failure(remote, "edits", video={"url": "http://127.0.0.1:9/a.mp4"})
    assert message == UNREACHABLE.format("video", "error sending request (ConnectError)")


@pytest.mark.parametrize(
    "url",
    ["ftp://127.0.0.1/a.mp4", "file:///etc/passwd", "a.mp4", "http://[::1/a.mp4", "http://127.0.0.1:99999/a.mp4"],
)
def test_what_is_no_http_url_fails_the_job(remote: Any, url: str) -> None:
    assert failure(remote, "edits", video={"url": url}).startswith("Unable to download provided video_url")


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("edits", {"video": {"url": "data:video/mp4;base64,AAAA"}}),
        ("edits", {"video": {"url": "data:video/mp4;base64,not base64!"}}),
        ("edits", {"video": {"url": "data:nothing"}}),
        ("extensions", {"video": {"url": "data:,text"}}),
        ("generations", {"image": {"url": "data:image/png;base64,iVBORw0KGgo="}}),
        ("generations", {"reference_images": [{"url": "data:image/png;base64,AAAA"}]}),
        ("generations", {"image": {"url": LINE}}),
        ("generations", {"image": {"url": "data:image/png;base64,AAAA", "file_id": "file_0a1b2c"}}),
    ],
)
def test_garbage_fails_the_job(remote: Any, path: str, body: dict[str, Any]) -> None:
    assert failure(remote, path, **body)


def test_an_input_has_a_bound(run: Any, elsewhere: Any) -> None:
    elsewhere.content["/big.mp4"] = (200, {}, b"x" * 3000)
    with run(max_body_bytes=2000) as remote:
        message = failure(remote, "edits", video={"url": f"{elsewhere.origin}/big.mp4"})
        assert message == "The provided video is larger than 2000 bytes."


@pytest.mark.parametrize("seconds", [1, 11, 15])
def test_some_lengths_fail_only_the_running_extension(remote: Any, seconds: int) -> None:
    """1 to 15 are accepted, 2 to 10 work."""
    message = failure(remote, "extensions", video={"url": AWAY}, duration=seconds)
    assert message == "Extension duration must be between 2 and 10 seconds."


def test_a_short_input_is_not_extended(remote: Any) -> None:
    short = remote.make("/videos/generations", {"prompt": "x", "duration": 1})["video"]["url"]
    message = failure(remote, "extensions", video={"url": short})
    assert message == "The input video must be between 2 and 30 seconds long."


def test_a_result_is_uploaded(remote: Any, elsewhere: Any) -> None:
    output = {"upload_url": f"{elsewhere.origin}/put?signature=abc"}
    state = remote.make("/videos/generations", {"prompt": "x", "duration": 1, "output": output})
    assert state["video"] == {"duration": 1, "respect_moderation": True}
    assert probe(elsewhere.put["/put?signature=abc"]).seconds == pytest.approx(1, abs=0.1)


def test_an_upload_may_fail(remote: Any, elsewhere: Any) -> None:
    output = {"upload_url": f"{elsewhere.origin}/refused"}
    state = remote.make("/videos/generations", {"prompt": "x", "duration": 1, "output": output})
    assert state["status"] == "failed"
    assert state["error"]["message"] == "Unable to upload the video to the provided upload_url: HTTP 403 Forbidden"


def test_an_upload_url_may_be_none(remote: Any) -> None:
    state = remote.make("/videos/generations", {"prompt": "x", "output": {"upload_url": "http://[::1/a"}})
    assert state["status"] == "failed"
    assert "upload_url: invalid URL" in state["error"]["message"]


def test_nothing_is_uploaded_elsewhere(remote: Any, caplog: pytest.LogCaptureFixture) -> None:
    output = {"upload_url": "https://storage.example.com/put?signature=abc"}
    with caplog.at_level(logging.INFO, "grok_imagine_sandbox"):
        state = remote.make("/videos/generations", {"prompt": "x", "duration": 1, "output": output})
    assert state["video"] == {"duration": 1, "respect_moderation": True}
    assert "is not uploaded" in caplog.text
    assert "signature" not in caplog.text


def test_a_voice_is_read_but_not_heard(remote: Any, elsewhere: Any) -> None:
    voices = {"model": "grok-imagine-video-1.5", "duration": 1}
    both = [{"voice_id": "eve"}, {"url": "https://example.com/voice.mp3"}]
    assert probe(make(remote, "generations", reference_audios=both, **voices)).audio_codec == "aac"
    lost = [{"url": f"{elsewhere.origin}/gone.mp3"}]
    assert "audio_url" in failure(remote, "generations", reference_audios=lost, **voices)


def test_a_stand_in_is_what_it_says() -> None:
    stand_in = StandIn("example.com/a.mp4")
    assert probe(stand_in.content()) == stand_in.facts()
