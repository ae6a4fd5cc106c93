"""The page of a folder's videos: what is in it, whatever others wrote, and what is left alone."""

from __future__ import annotations

import base64
import hashlib
import json
import os
import re
import shutil
import sys
import tempfile
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path
from typing import Any
from urllib.parse import unquote_to_bytes

import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from grok_imagine import Ledger, VideoRequest
from grok_imagine_cli import pictures
from grok_imagine_cli.gallery import PAGE, NotOurs, write
from grok_imagine_cli.gallery_page import HARMFUL, MARK, Item, page, prompts_in
from grok_imagine_sandbox import media

from .manifests import one, outcomes
from .manifests import write as write_manifest

HOSTILE = [
    "</script><script>alert(1)</script>",
    "\"><img src=x onerror='alert(2)'>",
    "' onfocus='alert(3)' autofocus='",
    "</style><link rel=stylesheet href=//evil.example/a.css>",
    "javascript:alert(4)",
    "&lt;b&gt; &amp;quot; --><!--",
    "\u202egpj.exe \x00\x07\ud800 \u2028\ufffe",
    "a\nb\tc \N{GRINNING FACE} שלום",
]
"""Words that anybody may put into a prompt, a name or a message."""

TAGS = {
    "html", "head", "meta", "title", "style", "body", "a", "header", "h1", "bdi", "ul", "li", "strong", "div", "p", "input",
    "fieldset", "label", "output", "main", "img", "span", "details", "summary", "dl", "dt", "dd", "script",
}  # fmt: skip


class Read(HTMLParser):
    """What a page holds, as a browser reads it."""

    def __init__(self, text: str) -> None:
        super().__init__(convert_charrefs=True)
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.texts: list[str] = []
        self.feed(text)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        assert len(attrs) == len(dict(attrs)), (tag, attrs)
        self.tags.append((tag, dict(attrs)))

    def handle_data(self, data: str) -> None:
        if not self.tags or self.tags[-1][0] not in ("style", "script"):
            self.texts.append(data)

    def all(self, tag: str, kind: str = "") -> list[dict[str, str | None]]:
        return [
            has for name, has in self.tags if name == tag and (not kind or kind in (has.get("class") or "").split())
        ]


def harmless(text: str) -> Read:
    """The page as it is read; nothing in it but the elements, attributes and addresses of its own."""
    read = Read(text)
    assert {tag for tag, _ in read.tags} <= TAGS
    assert len(read.all("script")) == len(read.all("style")) == 1
    for tag, attributes in read.tags:
        assert not [name for name in attributes if name.startswith("on") or name in ("style", "srcset")], (
            tag,
            attributes,
        )
        for name in ("src", "href"):
            value = attributes.get(name)
            assert value in (None, "#videos") or re.fullmatch(r"(\./|posters/)[-.~%\w]+", value, re.ASCII), value
    (policy,) = (has["content"] for has in read.all("meta") if has.get("http-equiv") == "Content-Security-Policy")
    for kind in ("style", "script"):
        (body,) = re.findall(f"<{kind}>(.*?)</{kind}>", text, re.DOTALL)
        assert base64.b64encode(hashlib.sha256(body.encode()).digest()).decode() in policy
        assert not re.search(r"https?:|@import|url\(|innerHTML|eval\(", body)
    assert policy.startswith("default-src 'none'; ") and "unsafe" not in policy and "*" not in policy
    return read


texts = st.text() | st.sampled_from(HOSTILE) | st.lists(st.sampled_from(HOSTILE)).map("".join)
maybe = st.none() | texts
file_names = (texts | st.binary(min_size=1).map(os.fsdecode)).filter(
    lambda name: bool(name) and not re.search("[/\0\ud800-\udc7f\udd00-\udfff]", name)
)
items = st.builds(
    Item, texts, st.none() | file_names, st.none() | file_names, prompt=maybe, mode=maybe, model=maybe,
    seconds=st.none() | st.floats(0, 1e9), cost_usd=st.none() | st.floats(0, 1e9), error=maybe, request_id=maybe,
    line=st.none() | st.integers(), position=st.none() | st.integers(0, 3), extra=st.dictionaries(texts, texts, max_size=2),
)  # fmt: skip


@given(texts, st.lists(items, max_size=4), st.lists(texts, max_size=2))
def test_whatever_is_shown_is_text_and_each_address_leads_to_its_file(
    title: str, shown: list[Item], notes: list[str]
) -> None:
    text = page(title, shown, notes)
    text.encode()
    read = harmless(text)
    assert len(read.all("li", "card")) == len(shown)
    assert [unquote_to_bytes(str(has["href"])[2:]) for has in read.all("a", "thumb")] == [
        os.fsencode(item.file) for item in shown if item.file is not None
    ]
    assert not re.search("[\0\x07\u202a-\u202e\u2066-\u2069\ud800-\udfff]", text)
    told = " ".join(read.texts)
    for item in shown:
        for word in re.findall(r"alert\(\d\)", item.prompt or ""):
            assert word in told


any_json = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | texts,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(texts, inner, max_size=3),
    max_leaves=6,
)
FIELDS = (
    "position",
    "x_campaign",
    "</dt><script>",
    "line",
    "state",
    "request_id",
    "path",
    "cost_usd",
    "mode",
    "model",
    "prompt",
    "duration",
    "error",
)


@given(st.lists(items, max_size=4))
def test_the_prompts_of_a_page_are_read_as_they_were_shown(shown: list[Item]) -> None:
    found = prompts_in(page("x", shown))
    for item in shown:
        if item.prompt and sum(other.key == item.key for other in shown) == 1:
            assert found[item.key] == HARMFUL.sub("\ufffd", item.prompt)


@given(
    st.lists(
        st.fixed_dictionaries({}, optional=dict.fromkeys(FIELDS, any_json))
        | st.fixed_dictionaries({"position": st.integers(0, 3)}, optional=dict.fromkeys(FIELDS[1:], any_json))
        | any_json,
        max_size=5,
    ),
    st.binary(max_size=20),
)
def test_whatever_a_list_of_outcomes_holds_it_makes_a_page(lines: list[Any], rest: bytes) -> None:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        text = "".join(f"{json.dumps(line)}\n" for line in lines)
        (folder / "outcomes.jsonl").write_bytes(text.encode() + rest)
        positions = {line["position"] for line in lines if isinstance(line, dict) and type(line.get("position")) is int}
        made = write(folder)
        assert made.requests >= len(positions)
        harmless(made.path.read_text(encoding="utf-8"))


@pytest.fixture(scope="session")
def clip(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("clip") / "clip.mp4"
    path.write_bytes(media.stand_in_clip("A heron"))
    return path


def cards(folder: Path) -> list[str]:
    """The cards of a folder's page, each as its text."""
    text = (folder / PAGE).read_text(encoding="utf-8")
    harmless(text)
    return [" ".join(" ".join(Read(card).texts).split()) for card in text.split('<li class="card"')[1:]]


class TestWhatIsInIt:
    def test_a_batch_leaves_a_page_of_all_its_outcomes(self, program: Any, tmp_path: Path) -> None:
        hostile = {"prompt": HOSTILE[0], "duration": 2, "output": "<img src=x onerror=alert(1)>.mp4"}
        write_manifest(tmp_path / "all.jsonl", one("A heron"), hostile, one("A cat", model="no-such-model"))
        line = "batch all.jsonl -o videos --sandbox --sandbox-speed 100"
        done = program(f"{line} --no-strict")
        assert "to look at them: videos/index.html" in done.err and done.out.count("\n") == 2, done
        heron, other, refused = cards(tmp_path / "videos")
        assert "done text-to-video $0.05" in heron and "A heron" in heron and "1 s" in heron and "Line 1" in heron
        assert HOSTILE[0] in other and "<img src=x onerror=alert(1)>.mp4" in other
        assert "refused" in refused and "no video" in refused and "Error: " in refused
        posters = sorted((tmp_path / "videos" / "posters").iterdir())
        assert len(posters) == 2
        for poster in posters:
            with Image.open(poster) as picture:
                assert picture.format == "JPEG" and max(picture.size) <= pictures.POSTER
        noted = {outcome["line"]: outcome for outcome in outcomes(tmp_path / "videos")}
        assert (noted[1]["mode"], noted[1]["model"], noted[1]["duration"]) == ("text-to-video", "grok-imagine-video", 1)

    def test_an_option_turns_it_off_and_json_says_where_it_is(self, program: Any, tmp_path: Path) -> None:
        write_manifest(tmp_path / "all.jsonl", one("A heron"))
        line = "batch all.jsonl -o videos --sandbox --sandbox-speed 100 --json"
        (total,) = program(f"{line} --no-gallery").of("total")
        assert total["gallery"] is None and not (tmp_path / "videos" / PAGE).exists()
        (total,) = program(line).of("total")
        assert total["gallery"] == "videos/index.html" and (tmp_path / "videos" / PAGE).is_file()

    def test_prompts_are_on_the_page_alone_and_stay_there(self, program: Any, tmp_path: Path) -> None:
        prompts = ["CANARY0 heron", HOSTILE[0] + " CANARY0", "CANARY0 refused"]
        write_manifest(tmp_path / "all.jsonl", *map(one, prompts[:2]), one(prompts[2], model="no-such-model"))
        line = "batch all.jsonl -o videos --sandbox --sandbox-speed 100 --no-strict"
        done = program(f"{line} --json")
        assert "CANARY0" not in done.out + done.err + (tmp_path / "videos" / "outcomes.jsonl").read_text()
        for _ in range(2):
            told = cards(tmp_path / "videos")
            assert all(prompt in card for prompt, card in zip(prompts, told, strict=True))
            assert program("gallery videos").code == 0
        write_manifest(tmp_path / "all.jsonl", one("Another"))
        assert program(line).code == 0
        first, second, *_ = cards(tmp_path / "videos")
        assert "Another" in first and "CANARY0" not in first and "CANARY0" in second

    def test_any_folder_has_one_and_the_ledger_tells_of_its_videos(
        self, program: Any, tmp_path: Path, clip: Path
    ) -> None:
        ledger = Ledger(tmp_path / "jobs.db", keep_prompts=True)
        intent = ledger.begin(VideoRequest.from_keywords(prompt="A fox"), "https://api.x.ai/v1")
        ledger.confirm(intent, "job-1")
        (tmp_path / "mine").mkdir()
        for name in ("fox.mp4", "other.MP4"):
            shutil.copy(clip, tmp_path / "mine" / name)
        (tmp_path / "mine" / "notes.txt").write_text("no video")
        (tmp_path / "mine" / "broken.mp4").write_bytes(b"no video either")
        ledger.record_download("job-1", tmp_path / "mine" / "fox.mp4", "https://api.x.ai/v1")
        ledger.close()
        done = program("--ledger jobs.db --json gallery mine")
        (told,) = done.of("gallery")
        assert (told["requests"], told["videos"], told["posters"]) == (3, 3, 2), done
        broken, fox, other = cards(tmp_path / "mine")
        assert "A fox" in fox and "job-1" in fox and "text-to-video" in fox and re.search(r"\d s", fox)
        assert "No prompt is known" in other and "broken.mp4" in broken and "notes.txt" not in broken + fox + other

    def test_the_latest_outcome_counts_and_a_job_is_paid_once(self, tmp_path: Path) -> None:
        lines = [
            {"position": 0, "state": "running", "request_id": "a", "mode": "m"},
            {"position": 1, "state": "done", "request_id": "b", "cost_usd": 0.5, "mode": "m"},
            {"position": 2, "state": "done", "request_id": "b", "cost_usd": 0.5, "mode": "m"},
            {
                "position": 0,
                "state": "failed",
                "request_id": "a",
                "cost_usd": 0.25,
                "mode": "m",
                "x_<b>": "<i>",
                "x_n": 7,
            },
        ]
        write_manifest(tmp_path / "outcomes.jsonl", *lines)
        assert write(tmp_path).requests == 3
        failed, *_ = cards(tmp_path)
        assert "failed" in failed and "$0.25" in failed and "x_<b> <i> x_n 7" in failed
        told = " ".join(Read((tmp_path / PAGE).read_text()).texts)
        assert "$0.75" in told and "running" not in told


class TestWhatIsLeftAlone:
    def test_a_page_of_somebody_else(self, program: Any, tmp_path: Path, clip: Path) -> None:
        (tmp_path / "site").mkdir()
        foreign = tmp_path / "site" / PAGE
        foreign.write_text("<h1>My own page</h1>")
        write_manifest(tmp_path / "all.jsonl", one("A heron"))
        done = program("batch all.jsonl -o site --sandbox --sandbox-speed 100")
        assert done.code == 0 and "no gallery" in done.err and "left alone" in done.err
        refused = program("gallery site")
        assert refused.code == 2 and "--overwrite replaces it" in " ".join(refused.err.split())
        assert foreign.read_text() == "<h1>My own page</h1>"
        assert program("gallery site --overwrite").code == 0 and MARK in foreign.read_text()
        assert program("gallery site").code == 0

    def test_what_a_link_leads_to(self, tmp_path: Path, clip: Path) -> None:
        folder, outside = tmp_path / "videos", tmp_path / "outside"
        folder.mkdir()
        outside.write_text("precious")
        (folder / PAGE).symlink_to(outside)
        with pytest.raises(NotOurs):
            write(folder)
        (folder / PAGE).unlink()
        shutil.copy(clip, folder / "a.mp4")
        made = write(folder)
        (poster,) = (folder / "posters").iterdir()
        poster.unlink()
        poster.symlink_to(outside)
        dangling = folder / "posters" / "gone"
        (folder / PAGE).unlink()
        (folder / PAGE).symlink_to(dangling)
        assert write(folder, overwrite=True).posters == made.posters == 1
        assert outside.read_text() == "precious" and not dangling.exists()

    def test_names_that_the_page_needs_are_no_names_of_videos(self, program: Any, tmp_path: Path) -> None:
        for name in ("index.html", "INDEX.HTML", "posters"):
            write_manifest(tmp_path / "all.jsonl", one("A heron", output=name))
            done = program("batch all.jsonl -o videos --sandbox")
            assert done.code == 2 and "the program needs itself" in done.err

    def test_where_there_is_no_room_for_posters_the_page_has_none(self, tmp_path: Path, clip: Path) -> None:
        shutil.copy(clip, tmp_path / "a.mp4")
        (tmp_path / "posters").write_text("mine")
        made = write(tmp_path)
        assert (made.videos, made.posters) == (1, 0) and made.notes and made.notes[0].startswith("No posters: ")
        assert "No posters: " in (tmp_path / PAGE).read_text()
        assert (tmp_path / "posters").read_text() == "mine"


@pytest.fixture
def without_libraries(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    find = pictures.importlib.util.find_spec
    monkeypatch.setattr(
        pictures.importlib.util, "find_spec", lambda name: None if name in ("av", "PIL") else find(name)
    )
    for name in ("av", "PIL"):
        monkeypatch.setitem(sys.modules, name, None)
    yield


@pytest.mark.usefixtures("without_libraries")
def test_without_the_libraries_the_page_says_how_to_get_posters(tmp_path: Path, clip: Path) -> None:
    shutil.copy(clip, tmp_path / "a.mp4")
    made = write(tmp_path)
    assert (made.videos, made.posters) == (1, 0)
    read = harmless((tmp_path / PAGE).read_text())
    told = " ".join(read.texts)
    assert "PyAV and Pillow" in told and pictures.INSTALL in told and not read.all("img")
    assert [has["href"] for has in read.all("a", "thumb")] == ["./a.mp4"]


def test_a_poster_is_made_once_and_anew_for_a_new_video(tmp_path: Path, clip: Path) -> None:
    shutil.copy(clip, tmp_path / "a.mp4")
    write(tmp_path)
    (first,) = (tmp_path / "posters").iterdir()
    made = first.stat().st_mtime_ns
    write(tmp_path)
    assert [first] == [*(tmp_path / "posters").iterdir()] and first.stat().st_mtime_ns == made
    os.utime(tmp_path / "a.mp4", ns=(1, 1))
    (tmp_path / "outcomes.jsonl").write_text("")
    assert write(tmp_path, posters=False).posters == 0
    assert write(tmp_path).posters == 1
