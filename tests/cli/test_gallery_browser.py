"""The page of a gallery as Chromium shows it, from disk."""

from __future__ import annotations

import statistics
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from browser import Window, chromium
from PIL import Image

from grok_imagine_cli.gallery import write
from grok_imagine_cli.gallery_page import Item, page
from grok_imagine_sandbox import media

from .manifests import write as write_manifest
from .test_gallery import HOSTILE

VIEWS = [(1280, 900, "light"), (1280, 900, "dark"), (390, 844, "light"), (390, 844, "dark")]


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    with chromium() as found:
        yield found


@pytest.fixture
def show(browser: Any) -> Iterator[Callable[..., Window]]:
    windows: list[Window] = []

    def make(path: Path, **options: Any) -> Window:
        windows.append(Window(browser, **options).open(path))
        return windows[-1]

    yield make
    for each in windows:
        each.context.close()
    assert [each.wrong for each in windows] == [[]] * len(windows)
    assert all(url.startswith("file:///") for each in windows for url in each.asked)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two videos, one of them with a hostile name, and requests without one."""
    home = tmp_path_factory.mktemp("gallery") / "videos <b> #1"
    home.mkdir()
    names = ["heron.mp4", "\"'><img src=x onerror=alert(1)> #?%41.mp4"]
    for name, prompt in zip(names, ("A heron", "A fox"), strict=True):
        (home / name).write_bytes(media.generate(prompt, seconds=2, size=(320, 180)))
    lines: list[dict[str, Any]] = [
        {"position": 0, "state": "done", "request_id": "a", "path": names[0], "prompt": "A heron in the fog", "mode": "text-to-video", "cost_usd": 0.5, "duration": 2},
        {"position": 1, "state": "done", "request_id": "b", "path": names[1], "prompt": HOSTILE[0], "mode": "edit-video"},
        *(
            {"position": number, "state": "failed" if number % 2 else HOSTILE[1], "prompt": word, "mode": word, "error": {"type": word, "message": word}}
            for number, word in enumerate(HOSTILE, 2) if "\ud800" not in word
        ),
    ]  # fmt: skip
    write_manifest(home / "outcomes.jsonl", *lines)
    assert write(home, None, {line["position"]: line.pop("prompt") for line in lines}).posters == 2
    return home


def test_no_word_of_others_does_anything(show: Callable[..., Window], folder: Path) -> None:
    shown = show(folder / "index.html")
    prompts = shown.texts(".prompt")
    assert prompts[:2] == ["A heron in the fog", HOSTILE[0]] and HOSTILE[4] in prompts
    assert shown.page.title() == "videos <b> #1"
    shown.page.click("a.thumb >> nth=1", trial=True)
    assert shown.page.evaluate("document.querySelectorAll('script, style, link').length") == 2
    images = shown.page.evaluate("[...document.images].map(image => image.naturalWidth)")
    assert images == [320, 320]


def test_its_policy_lets_nothing_else_run(browser: Any, folder: Path) -> None:
    """What got into the page in spite of all."""
    shown = Window(browser).open(folder / "index.html")
    shown.page.evaluate(
        """() => {
            const script = document.createElement("script"); script.textContent = "window.ran = 1"; document.body.append(script);
            const picture = document.createElement("div"); picture.innerHTML = "<img src=x onerror='window.ran = 2'>";
            document.body.append(picture);
            const far = new Image(); far.src = "https://127.0.0.1:9/a.png"; document.body.append(far);
            document.body.setAttribute("style", "color: red");
        }"""
    )
    shown.page.wait_for_timeout(200)
    assert shown.page.evaluate("window.ran") is None
    assert shown.page.evaluate("getComputedStyle(document.body).color") != "rgb(255, 0, 0)"
    assert sum("Content Security Policy" in text for text in shown.wrong) >= 4
    assert any("127.0.0.1:9" in text for text in shown.wrong)
    shown.context.close()


def plays(shown: Window, number: int) -> None:
    """Waits until a card's video has been playing for a moment."""
    shown.until(f"(document.querySelectorAll('a.thumb')[{number}].querySelector('video')?.currentTime ?? 0) > 0.05")
    assert shown.page.evaluate(f"document.querySelectorAll('a.thumb')[{number}].className") == "thumb plays"


def test_a_video_plays_under_the_pointer_and_under_the_keyboard(show: Callable[..., Window], folder: Path) -> None:
    shown = show(folder / "index.html")
    assert not shown.page.query_selector("video")
    for number in (0, 1):
        shown.page.hover(f"a.thumb >> nth={number}")
        plays(shown, number)
        assert len(shown.page.query_selector_all("video")) == 1
    shown.page.mouse.move(2, 2)
    shown.until("!document.querySelector('video')")
    shown.page.focus("#text")
    for _ in range(2):  # the one state that is chosen, then the first video
        shown.page.keyboard.press("Tab")
    assert shown.page.evaluate("document.activeElement.getAttribute('aria-label')") == "Play A heron in the fog"
    plays(shown, 0)
    shown.page.keyboard.press("Tab")
    shown.until("!document.querySelector('video')")
    shown.page.keyboard.press("Space")
    assert shown.texts("dl")[0].startswith("File")
    shown.page.keyboard.press("Shift+Tab")
    shown.page.keyboard.press("Enter")
    shown.page.wait_for_url("**/heron.mp4")


def test_who_wants_no_motion_sees_none(show: Callable[..., Window], folder: Path) -> None:
    shown = show(folder / "index.html", reduced_motion="reduce")
    shown.page.hover("a.thumb >> nth=0")
    shown.page.wait_for_timeout(200)
    assert not shown.page.query_selector("video")


def test_states_and_words_filter(show: Callable[..., Window], folder: Path) -> None:
    shown = show(folder / "index.html")
    everything = len(shown.texts(".card"))
    assert everything == 9 and shown.texts("output") == []
    shown.page.click("label:has-text('done')")
    assert len(shown.texts(".card")) == 2 and shown.texts("output") == ["2 of 9 shown"]
    shown.page.keyboard.press("/")
    shown.page.keyboard.type("FOG heron")
    assert shown.texts(".prompt") == ["A heron in the fog"] and shown.texts("output") == ["1 of 9 shown"]
    shown.page.keyboard.type(" nothing")
    assert shown.texts(".card") == [] and shown.texts(".empty") == ["No video fits."]
    shown.page.keyboard.press("Escape")
    assert len(shown.texts(".card")) == 2
    shown.page.keyboard.press("Tab")
    shown.page.keyboard.press("ArrowLeft")
    assert len(shown.texts(".card")) < everything  # the state before it, whose word is hostile
    shown.page.keyboard.press("ArrowLeft")
    assert len(shown.texts(".card")) == everything and shown.texts(".empty") == []


def test_without_its_script_it_shows_everything(show: Callable[..., Window], folder: Path) -> None:
    shown = show(folder / "index.html", java_script_enabled=False)
    assert len(shown.texts(".card")) == 9 and shown.texts(".bar") == []


RATIO = """(() => {
  const light = (text) => {
    const [r, g, b] = text.match(/[\\d.]+/g).map(Number).map((c) => (c /= 255) <= 0.03928 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4);
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  const ground = (element) => {
    const colour = getComputedStyle(element).backgroundColor;
    return /, 0\\)$/.test(colour) && element.parentElement ? ground(element.parentElement) : colour;
  };
  return [...document.querySelectorAll("h1, .totals li, .totals strong, fieldset label, .state, .facts span, .prompt, .error, summary, dt, dd, .thumb")]
    .filter((element) => element.checkVisibility() && !element.querySelector("img"))
    .map((element) => {
      const [a, b] = [light(getComputedStyle(element).color), light(ground(element))];
      return [(Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05), element.className || element.tagName];
    }).sort((a, b) => a[0] - b[0])[0];
})()"""


@pytest.mark.parametrize(("width", "height", "scheme"), VIEWS)
def test_each_width_and_colour_can_be_read(
    show: Callable[..., Window], folder: Path, width: int, height: int, scheme: str
) -> None:
    shown = show(folder / "index.html", width=width, height=height, scheme=scheme)
    for summary in shown.page.query_selector_all("summary"):
        summary.click()
    assert shown.page.evaluate("document.documentElement.scrollWidth") <= width
    inside = shown.page.evaluate(
        "[...document.querySelectorAll('.card *')].filter(e => e.getBoundingClientRect().right > innerWidth + 1).length"
    )
    assert inside == 0
    ratio, where = shown.page.evaluate(RATIO)
    assert ratio >= 4.5, where
    dark = shown.page.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(22, 22, 21)"
    assert dark == (scheme == "dark")


FRAMES = """() => new Promise((done) => {
  const frames = []; let last = performance.now(), y = 0, down = 120;
  const step = (now) => {
    frames.push(now - last); last = now;
    if (y + down < 0 || y + down > document.documentElement.scrollHeight - innerHeight) down = -down;
    y += down; scrollTo(0, y);
    frames.length < 200 ? requestAnimationFrame(step) : done(frames);
  };
  requestAnimationFrame(step);
})"""
"""Scrolls so many pixels a frame, to and fro, and gives the milliseconds of each."""


def test_a_thousand_videos_scroll_as_a_few_do(show: Callable[..., Window], tmp_path: Path) -> None:
    """What is not near the window is neither laid out nor loaded.

    Says how long a frame takes; a machine that is busy fails nobody.
    """
    (tmp_path / "posters").mkdir()
    picture = Image.effect_noise((640, 360), 64)
    for count in (40, 1000):
        for number in range(count):
            picture.save(tmp_path / "posters" / f"{number}.jpg", quality=30)
        items = [
            Item("done", f"{n}.mp4", f"{n}.jpg", f"Prompt {n} " * 20, "text-to-video", cost_usd=0.1, seconds=8)
            for n in range(count)
        ]
        (tmp_path / f"{count}.html").write_text(page("Many", items), encoding="utf-8")
        shown = show(tmp_path / f"{count}.html")
        shown.page.wait_for_timeout(300)
        loaded = "[...document.images].filter(image => image.complete && image.naturalWidth).length"
        assert 0 < shown.page.evaluate(loaded) < 100
        frames = shown.page.evaluate(FRAMES)
        print(f"{count} videos: median {statistics.median(frames):.1f} ms a frame, longest {max(frames):.0f} ms")
    assert shown.page.evaluate("scrollY") > 20_000
    shown.page.evaluate("scrollTo(0, 1e6)")
    shown.until("document.querySelector('.card:last-child img').complete")
    assert shown.page.evaluate(loaded) < 600 and not shown.page.query_selector("video")
    shown.page.fill("#text", "999")
    assert shown.texts("output") == ["1 of 1000 shown"]


@pytest.mark.parametrize("width", [1280, 390])
def test_the_first_that_fits_is_seen_wherever_the_page_was(
    show: Callable[..., Window], tmp_path: Path, width: int
) -> None:
    path = tmp_path / "index.html"
    path.write_text(page("x", [Item("failed" if n % 2 else "expired", prompt=f"A heron {n}") for n in range(300)]))
    shown = show(path, width=width, height=800)
    shown.page.evaluate("window.scrollTo(0, document.body.scrollHeight / 2)")
    shown.page.wait_for_timeout(50)
    shown.page.evaluate("document.querySelector('input[value=expired]').click()")
    shown.page.wait_for_timeout(50)
    first, bar = (shown.page.query_selector(name).bounding_box() for name in (".card:not([hidden])", ".bar"))
    assert bar["y"] + bar["height"] - 2 <= first["y"] < 800, (bar, first)
