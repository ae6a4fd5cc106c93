"""Finished files, as a bucket serves them."""

import re
import threading
from typing import Any

import httpx
import pytest

from grok_imagine_sandbox import media
from grok_imagine_sandbox.files import FileCache
from grok_imagine_sandbox.recipes import Product, Recipe
from support import HANG

DAY = 86_400


@pytest.fixture(scope="module")
def url(remote: Any) -> str:
    return str(remote.end(remote.generate(duration=1))["video"]["url"])


def get(url: str, method: str = "GET", **headers: str) -> httpx.Response:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return httpx.request(method, url, headers=named, trust_env=False, timeout=HANG)


def test_a_file_needs_no_key(remote: Any, url: str) -> None:
    response = get(url)
    assert response.status_code == 200
    assert response.content[4:8] == b"ftyp"
    assert response.headers["content-type"] == "video/mp4"
    assert response.headers["accept-ranges"] == "bytes"
    assert int(response.headers["content-length"]) == len(response.content)
    assert response.headers["server"] == "grok-imagine-sandbox"
    assert url.startswith(f"{remote.origin}/xai-vidgen-bucket/xai-video-")
    assert httpx.URL(url).path.endswith(".mp4")


def test_head_tells_the_same(url: str) -> None:
    head, whole = get(url, "HEAD"), get(url)
    assert (head.status_code, head.content) == (200, b"")
    for name in ("content-length", "etag", "content-type", "accept-ranges"):
        assert head.headers[name] == whole.headers[name]


@pytest.mark.parametrize(
    ("asked", "first", "last"),
    [("bytes=0-9", 0, 9), ("bytes=100-", 100, None), ("bytes=-10", -10, None), ("bytes=5-99999999", 5, None)],
)
def test_a_range_is_a_part(url: str, asked: str, first: int, last: int | None) -> None:
    whole = get(url).content
    response = get(url, range=asked)
    wanted = whole[first : None if last is None else last + 1]
    assert (response.status_code, response.content) == (206, wanted)
    start = first if first >= 0 else len(whole) + first
    assert response.headers["content-range"] == f"bytes {start}-{start + len(wanted) - 1}/{len(whole)}"


@pytest.mark.parametrize("asked", ["bytes=99999999-", "bytes=-0"])
def test_a_range_beyond_the_end_is_a_416(url: str, asked: str) -> None:
    response = get(url, range=asked)
    assert response.status_code == 416
    assert response.headers["content-range"] == f"bytes */{len(get(url).content)}"


@pytest.mark.parametrize("asked", ["bytes=0-1,4-5", "bytes=9-2", "bytes=-", "lines=1-2", "bytes=a-b"])
def test_a_range_that_means_nothing_is_ignored(url: str, asked: str) -> None:
    assert get(url, range=asked).status_code == 200


def test_conditions(url: str) -> None:
    etag = get(url).headers["etag"]
    assert get(url, range="bytes=0-9", if_range=etag).status_code == 206
    assert get(url, range="bytes=0-9", if_range='"other"').status_code == 200
    for tags in (etag, f'"other", {etag}', f"W/{etag}", "*"):
        response = get(url, if_none_match=tags)
        assert (response.status_code, response.content, response.headers["etag"]) == (304, b"", etag)
    assert get(url, if_none_match='"other"').status_code == 200


def test_a_url_is_a_path_alone(url: str) -> None:
    assert re.fullmatch(r"http://127\.0\.0\.1:\d+/xai-vidgen-bucket/xai-video-[0-9a-f-]{36}\.mp4", url)
    assert get(f"{url}?any=thing").status_code == 200
    assert get(f"{url}0").status_code == 404


def test_there_is_no_other_file(remote: Any, url: str) -> None:
    uuid = url.partition("xai-video-")[2].partition(".")[0]
    for name in ("", "x.mp4", f"file_{uuid}.mp4", "xai-video-d97415a1-5796-b7ec-379f-4e6819e08fdf.mp4"):
        for folder in ("xai-vidgen-bucket", "files-cdn", "files-cdn/0123456789abcdef012345"):
            assert get(f"{remote.origin}/{folder}/{name}").status_code == 404


def test_a_url_expires(run: Any) -> None:
    with run() as remote:
        url = remote.end(remote.generate(duration=1))["video"]["url"]
        remote.clock.now += DAY - 120
        assert get(url).status_code == 200
        remote.clock.now += 121
        response = get(url)
        assert response.status_code == 404
        assert "NoSuchKey" in response.text


@pytest.mark.parametrize("scenario", ["moderated-withheld", "never-ends", "expired"])
def test_only_a_done_video_is_served(run: Any, scenario: str) -> None:
    with run() as twin:
        url = twin.end(twin.generate(duration=1))["video"]["url"]
    with run() as remote:  # the same seed, so the same file name and signature
        remote.end(remote.generate(scenario, duration=1))
        assert get(remote.origin + httpx.URL(url).raw_path.decode()).status_code == (
            200 if scenario == "moderated-withheld" else 404
        )


def counted_renders(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The prompts of what is rendered from now on."""
    rendered: list[str] = []
    render = Recipe.render

    def counted(self: Recipe) -> bytes:
        rendered.append(self.prompt)
        return render(self)

    monkeypatch.setattr(Recipe, "render", counted)
    return rendered


def test_parallel_fetches_render_once(run: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    rendered = counted_renders(monkeypatch)
    with run() as remote:
        url = remote.end(remote.generate(duration=2))["video"]["url"]
        assert rendered == []
        contents: list[bytes] = []
        threads = [threading.Thread(target=lambda: contents.append(get(url).content)) for _ in range(6)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(HANG)
        assert (len(contents), len(set(contents)), rendered) == (6, 1, ["a cat"])


def test_a_file_that_nobody_fetches_is_never_made(run: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    encoded: list[tuple[int, int]] = []
    encode = media._encode

    def counted(pictures: Any, size: tuple[int, int], sound: bytes | None) -> bytes:
        encoded.append(size)
        return encode(pictures, size, sound)

    monkeypatch.setattr(media, "_encode", counted)
    away = {"url": "https://example.com/a.mp4"}
    with run() as remote:
        ids = [remote.generate(duration=1) for _ in range(100)]
        ids += [remote.start(f"/videos/{path}", {"prompt": "x", "video": away}) for path in ("edits", "extensions")]
        ids.append(remote.generate(image={"url": "https://example.com/a.jpg"}))
        states = [remote.end(request_id) for request_id in ids]
        assert all(state["video"]["duration"] and state["usage"]["cost_in_usd_ticks"] for state in states)
        assert encoded == []
        assert get(states[0]["video"]["url"]).status_code == 200
        assert encoded == [(848, 480)]


def test_an_evicted_file_renders_identically(run: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    rendered = counted_renders(monkeypatch)
    with run(cache_bytes=1) as remote:
        urls = [remote.end(remote.generate(duration=1, prompt=prompt))["video"]["url"] for prompt in ("one", "two")]
        first, _, again = get(urls[0]), get(urls[1]), get(urls[0])
        assert rendered == ["one", "two", "one"]
        assert first.content == again.content
        assert first.headers["etag"] == again.headers["etag"] != get(urls[1]).headers["etag"]


def test_the_least_recently_used_files_are_forgotten_and_no_more(monkeypatch: pytest.MonkeyPatch) -> None:
    rendered: list[str] = []
    monkeypatch.setattr(Recipe, "render", lambda self: rendered.append(self.prompt) or bytes(10))
    cache = FileCache(35)  # three of them
    for prompt in "abcadbacd":
        cache.content(Product(Recipe("text-to-video", prompt, 1, (2, 2)), 1, "480p", 0, prompt))
    assert "".join(rendered) == "abcdbcd"


def test_a_stored_file_has_a_public_url(run: Any) -> None:
    with run() as remote:
        options = {"filename": "cat.mp4", "expires_after": 7200, "public_url": {"expires_after": 3600}}
        state = remote.end(remote.generate(duration=1, storage_options=options))
        output = state["video"]["file_output"]
        assert state["video"]["url"] is None
        assert output["filename"] == "cat.mp4"
        assert output["expires_at"] - output["public_url_expires_at"] == 3600
        assert get(output["public_url"]).content[4:8] == b"ftyp"
        remote.clock.now += 3601
        assert get(output["public_url"]).status_code == 404


def test_a_stored_file_may_stay_private_and_for_ever(run: Any) -> None:
    with run() as remote:
        private = remote.end(remote.generate(storage_options={"filename": "a"}))["video"]["file_output"]
        assert set(private) == {"file_id", "filename", "expires_at"}
        assert private["expires_at"] is None
        options = {"filename": "a", "public_url": True}
        public = remote.end(remote.generate(duration=1, storage_options=options))["video"]["file_output"]
        assert public["public_url_expires_at"] is None
        assert get(public["public_url"].replace(public["file_id"], private["file_id"])).status_code == 404
        remote.clock.now += 1000 * DAY
        assert get(public["public_url"]).status_code == 200
