"""Results as notebooks show them, and the progress bar: in HTML, and in a real kernel."""

from __future__ import annotations

import asyncio
import json
import re
import subprocess
import sys
import textwrap
import time
import types
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from grok_imagine import (
    Client,
    Job,
    NotDelivered,
    Outcome,
    OutOfCreditError,
    RetryPolicy,
    TextToVideo,
    Video,
    VideoGenerationError,
)
from grok_imagine.notebook import Bar, progress_bars
from grok_imagine_api import contract
from grok_imagine_sandbox import Sandbox
from support import ROOT, Api, ManualClock

LIFE = contract.LIMITS["result_url_lifetime"].value
URL = "https://vidgen.x.ai/a.mp4?X-Amz-Signature=SIGNED&b=1"
HOSTILE = [
    "</td></table><script>alert(1)</script>",
    "\"><img src=x onerror='alert(2)'>",
    'https://a.example/" onerror="alert(3)',
    "javascript:alert(4)",
    "\u202egpj \x00\ud800 &lt;b&gt;",
]
words = st.text() | st.sampled_from(HOSTILE)


class Read(HTMLParser):
    """The elements of a piece of HTML, and its texts."""

    def __init__(self, text: str) -> None:
        super().__init__(convert_charrefs=True)
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.text = ""
        self.feed(text)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_data(self, data: str) -> None:
        self.text += f"{data} "

    @property
    def urls(self) -> list[str | None]:
        return [attributes[name] for _, attributes in self.tags for name in ("src", "href") if name in attributes]


def read(value: Any) -> Read:
    """What a value shows in a notebook; nothing in it but its own elements."""
    text = value._repr_html_()
    text.encode()
    found = Read(text)
    for tag, attributes in found.tags:
        assert tag in {"table", "tr", "th", "td", "div", "small", "video", "progress"}
        assert not [name for name in attributes if name.startswith("on")]
    for url in found.urls:
        assert re.match("https?://[^@/]+(/|$)", str(url))
    return found


def done(url: Any = URL, **more: Any) -> Video:
    raw = {"status": "done", "video": {"url": url, "duration": 6}, "model": "grok-imagine-video"}
    return Video("job-1", raw | {"usage": {"cost_in_usd_ticks": 3 * 10**9}} | more)


class TestAVideo:
    def test_is_played_while_its_url_lives(self, monkeypatch: pytest.MonkeyPatch) -> None:
        video = done()
        found = read(video)
        assert found.urls == [URL]
        for fact in ("job-1", "done", "6 s", "grok-imagine-video", "$0.30", "Its URL ends about"):
            assert fact in found.text
        begin = time.time()
        for age, lives in ((LIFE - 5, True), (LIFE + 5, False)):
            monkeypatch.setattr(time, "time", lambda age=age: begin + age)
            found = read(video)
            assert bool(found.urls) is lives and ("SIGNED" in video._repr_html_()) is lives
        assert "client.video.get" in found.text

    def test_a_stored_file_is_played_for_longer(self, monkeypatch: pytest.MonkeyPatch) -> None:
        output = {"file_id": "f", "filename": "a.mp4", "public_url": "https://files.example/a.mp4"}
        video = done(None, video={"url": "", "file_output": output})
        monkeypatch.setattr(time, "time", lambda: 4e9)
        assert read(video).urls == ["https://files.example/a.mp4"]

    def test_one_that_runs_or_failed_has_facts_alone(self) -> None:
        running = read(Video("job-1", {"status": "pending", "progress": 12}))
        assert "12 %" in running.text and "pending" in running.text and not running.urls
        withheld = {"status": "done", "video": {"url": "", "respect_moderation": False}}
        failed = {"status": "failed", "error": {"code": "x", "message": HOSTILE[0]}}
        for raw in (withheld, failed, {"status": "expired"}):
            found = read(Video("job-1", raw))
            assert not found.urls and "error" in found.text
        assert HOSTILE[0] in read(Video("job-1", failed)).text

    @pytest.mark.parametrize(
        "url",
        [
            "javascript:alert(1)",
            "data:text/html,x",
            "//a.example/b",
            "https://me@a.example/",
            "file:///etc/passwd",
            "x",
            "",
        ],
    )
    def test_what_is_no_url_of_the_web_is_not_played(self, url: str) -> None:
        assert not read(done(url)).urls


anything = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | words | st.just(URL),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(words, inner, max_size=3),
    max_leaves=5,
)
KEYS = ("status", "video", "error", "usage", "model", "progress")


@given(
    st.text(min_size=1) | st.sampled_from(HOSTILE),
    st.fixed_dictionaries({}, optional=dict.fromkeys(KEYS, anything)),
    words | st.just(URL),
    words,
)
def test_whatever_the_service_says_is_text(request_id: str, raw: dict[str, Any], url: str, word: str) -> None:
    read(Video(request_id, raw))
    read(Video(request_id, {"status": "done", "video": {"url": url, "duration": 1}, "model": word}))
    request = TextToVideo("x")
    request = type(request).from_body({"prompt": word or "x", "model": request_id, "duration": word})
    read(Job(request_id, request))
    read(Outcome(1, "failed", request, request_id, error=VideoGenerationError(word, url, request_id=request_id)))


def test_a_job_and_an_outcome_are_small_tables() -> None:
    request = TextToVideo("A <heron>", duration=6)
    job = read(Job("job-1", request))
    assert "job-1" in job.text and "text-to-video" in job.text and "A <heron>" in job.text
    outcome = read(Outcome(3, "done", request, "job-1", done()))
    assert outcome.urls == [URL] and "A <heron>" in outcome.text and "$0.30" in outcome.text
    assert [tag for tag, _ in outcome.tags].count("table") == 1 and outcome.text.count("job-1") == 1
    refused = read(Outcome(4, "refused", error=OutOfCreditError("no credit", status_code=429, headers={})))
    assert "OutOfCreditError: no credit" in refused.text and "refused" in refused.text


class Shell:
    """A notebook, as far as it is asked for anything here."""

    kernel = object()

    def __init__(self) -> None:
        self.drawn: list[str] = []
        self.bars = 0
        self.is_broken = False

    def display(self, bar: Any, *, display_id: bool) -> Shell:
        if self.is_broken:
            raise RuntimeError("no kernel any more")
        self.bars += 1
        self.update(bar)
        return self

    def update(self, bar: Any) -> None:
        read(bar)
        self.drawn.append(repr(bar))


@pytest.fixture
def shell(monkeypatch: pytest.MonkeyPatch) -> Shell:
    shell = Shell()
    ipython, display = types.ModuleType("IPython"), types.ModuleType("IPython.display")
    ipython.get_ipython = lambda: shell  # type: ignore[attr-defined]
    display.display = shell.display  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "IPython", ipython)
    monkeypatch.setitem(sys.modules, "IPython.display", display)
    return shell


class TestTheProgressBar:
    def test_shows_the_wait_and_its_end(self, api: Api, shell: Shell) -> None:
        video = api(lambda c: c.video.generate("A cat", duration=15))
        assert shell.bars == 1 and len(shell.drawn) >= 4
        assert shell.drawn[0] == "pending, 0 s" and video.request_id in shell.drawn[1]
        assert shell.drawn[-1].startswith("done 100 %") and video.request_id in shell.drawn[-1]

    def test_says_what_ended_the_wait(self, api: Api, clock: ManualClock, shell: Shell) -> None:
        with (
            Sandbox(clock=clock, speed=1.0, scenario="expired") as sandbox,
            pytest.raises(VideoGenerationError),
        ):
            api(lambda c: c.video.generate("A cat", duration=15), base_url=sandbox.base_url)
        assert shell.drawn[-1].startswith("VideoExpiredError")

    def test_is_there_before_anything_is_sent_and_moves(self, clock: ManualClock, shell: Shell) -> None:
        client = Client(api_key="k", base_url="http://127.0.0.1:9/v1", retry=RetryPolicy(max_retries=0))
        with client, pytest.raises(NotDelivered):
            client.video.generate("A cat")
        assert shell.drawn == ["pending, 0 s", "NotDelivered, 0 s"]
        assert " value=" not in Bar()._repr_html_()

    def test_a_callback_of_ones_own_takes_its_place_and_it_can_be_turned_off(self, api: Api, shell: Shell) -> None:
        seen: list[Any] = []
        api(lambda c: c.video.generate("A cat", duration=15, on_progress=seen.append))
        progress_bars(False)
        try:
            api(lambda c: c.video.generate("A cat", duration=15))
        finally:
            progress_bars(True)
        assert seen and not shell.bars

    def test_a_terminal_has_none(self, api: Api, shell: Shell, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(Shell, "kernel", None)
        api(lambda c: c.video.generate("A cat", duration=15))
        assert not shell.bars

    def test_one_that_can_not_be_drawn_loses_no_video(
        self, api: Api, shell: Shell, caplog: pytest.LogCaptureFixture
    ) -> None:
        shell.is_broken = True
        assert api(lambda c: c.video.generate("A cat", duration=15)).url
        assert "the progress bar failed: RuntimeError" in caplog.text

    def test_each_of_several_waits_has_its_own(self, clock: ManualClock, sandbox: Sandbox, shell: Shell) -> None:
        async def both(client: Any) -> None:
            await asyncio.gather(*(client.video.generate(f"A cat {number}", duration=15) for number in range(2)))

        Api("async", clock, sandbox.base_url)(both)
        assert shell.bars == 2


def test_nothing_of_a_notebook_is_loaded_without_one() -> None:
    code = """import sys
import grok_imagine
with grok_imagine.Client("k", base_url="http://127.0.0.1:9") as client:
    client.video.updates("job-1")
assert not {"IPython", "grok_imagine.notebook", "tqdm"} & {*sys.modules}
"""
    subprocess.run([sys.executable, "-W", "error", "-c", code], check=True)


class TestInAKernel:
    """What a user's notebook does, in the kernel that it would have."""

    @staticmethod
    def run(*cells: str) -> list[list[dict[str, Any]]]:
        """The outputs of each cell."""
        script = """import json, sys, nbformat.v4 as v4
from nbclient import NotebookClient
notebook = v4.new_notebook(cells=[v4.new_code_cell(cell) for cell in json.load(sys.stdin)])
NotebookClient(notebook, timeout=120, kernel_name="python3").execute()
print(json.dumps([cell.outputs for cell in notebook.cells]))
"""
        done = subprocess.run(
            [sys.executable, "-c", script], input=json.dumps([textwrap.dedent(cell) for cell in cells]),
            capture_output=True, text=True, timeout=170, check=False,
        )  # fmt: skip
        assert done.returncode == 0, done.stderr[-4000:]
        found: list[list[dict[str, Any]]] = json.loads(done.stdout)
        return found

    def test_the_blocking_client_has_its_bar_and_the_video_shows_itself(self) -> None:
        _, made = self.run(
            """
            from grok_imagine import Client
            from grok_imagine_sandbox import Sandbox
            sandbox = Sandbox(speed=4.0).start()
            client = Client("sandbox", base_url=sandbox.base_url)
            """,
            "client.video.generate('A heron <b>', duration=15, interval=0.5)",
        )
        bar, video = (output["data"]["text/html"] for output in made)
        assert 'value="100"' in bar and "done 100 %" in bar
        assert video.startswith('<video src="http://127.0.0.1') and "$0." in video

    def test_the_notebooks_of_the_documentation_run_anew_with_the_same_kinds_of_output(self) -> None:
        code = f"""import sys, json, pathlib
sys.path.insert(0, {str(ROOT / "scripts")!r})
import notebooks
print(json.dumps([[str(path), notebooks.executed(path)] for path in notebooks.NOTEBOOKS]))
"""
        done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=300, check=False)
        assert done.returncode == 0, done.stderr[-4000:]
        found = json.loads(done.stdout)
        assert found
        for path, fresh in found:
            known = json.loads(Path(path).read_text(encoding="utf-8"))
            assert [kinds(cell) for cell in fresh["cells"]] == [kinds(cell) for cell in known["cells"]]
            assert not re.search(
                r'"output_type": "error"|Traceback|/(home|root|tmp|work)/|https?://', json.dumps(known)
            )


def kinds(cell: dict[str, Any]) -> tuple[str, str, list[str]]:
    """A cell's source, and the kinds of its outputs; how often a stream was written to is left out."""
    outputs = [
        f"{output['output_type']} {' '.join(sorted(output.get('data', {})))}" for output in cell.get("outputs", [])
    ]
    return cell["cell_type"], "".join(cell["source"]), list(dict.fromkeys(outputs))
