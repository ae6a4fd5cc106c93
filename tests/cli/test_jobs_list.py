"""The list of jobs: prompts or their hashes, any width, one vocabulary of states, and what changes."""

from __future__ import annotations

import hashlib
import json
import re
import signal
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any, get_args

import pyte
import pytest

from grok_imagine import Ledger, OutcomeState, State, VideoOutcome, VideoStatus
from grok_imagine.core.request import VideoRequest
from grok_imagine.core.results import Video
from grok_imagine_sandbox import Sandbox
from support import HANG

from .conftest import COLUMNS
from .manifests import write
from .programs import QUICK

ORIGIN = "http://127.0.0.1:9/v1"
ENDS = {
    "done": {"status": "done", "video": {"url": "https://example.com/a.mp4", "duration": 1}, "usage": {"cost_in_usd_ticks": 500_000_000}},
    "failed": {"status": "failed", "error": {"code": "internal_error", "message": "it broke"}},
    "expired": {"status": "expired"},
    "moderated": {"status": "done", "video": {"url": "", "duration": 1, "respect_moderation": False}},
}  # fmt: skip


def in_each_state(path: Path, keep_prompts: bool = False) -> tuple[Ledger, dict[str, str]]:
    """A ledger with a job in each state, and their ids. While it is open, what is intended may be sent at any moment."""
    path.parent.mkdir(parents=True, exist_ok=True)
    ledger, ids = Ledger(path, keep_prompts=keep_prompts), {}
    for number, state in enumerate(get_args(State)):
        request = VideoRequest.from_keywords(prompt=f"A heron {state}\nin the fog, and much more that is said of it")
        intent = ledger.begin(request, ORIGIN)
        if state == "intended":
            continue
        if state in ("refused", "unknown"):
            ledger.mark_failed(intent, ValueError("x"), may_be_started=state == "unknown")
            continue
        ids[state] = f"{number:08}-1234-1234-1234-123456789012"
        ledger.confirm(intent, ids[state])
        if state in ENDS or state == "downloaded":
            ledger.record_result(Video(ids[state], ENDS["done" if state == "downloaded" else state]), ORIGIN)
        if state == "downloaded":
            ledger.record_download(ids[state], "/videos/a.mp4", ORIGIN)
    return ledger, ids


@pytest.fixture
def states(tmp_path: Path) -> Iterator[dict[str, str]]:
    ledger, ids = in_each_state(tmp_path / "jobs.db")
    yield ids
    ledger.close()


def test_the_vocabulary_has_a_word_for_each_of_the_others() -> None:
    others = {*get_args(OutcomeState), *get_args(VideoOutcome), *get_args(VideoStatus)}
    assert others - set(get_args(State)) == {"pending"}


def test_every_word_of_a_state_is_taken_and_one_is_shown(program: Any, tmp_path: Path, states: dict[str, str]) -> None:
    rows = program("--ledger jobs.db jobs --json").of("entry")
    assert [row["state"] for row in rows] == [*get_args(State)]
    assert {row["state"]: row["request_id"] for row in rows if row["request_id"]} == states
    words = [*get_args(State), "pending"]
    done = program.all([f"--ledger jobs.db jobs --json --state {word.title()}" for word in words])
    for word, each in zip(words, done, strict=True):
        assert [row["state"] for row in each.of("entry")] == ["running" if word == "pending" else word], word
    ledger = Ledger(tmp_path / "jobs.db")
    for word in get_args(State):
        assert {entry.state for entry in ledger.jobs(word)} == {word}
    with pytest.raises(ValueError, match="states are intended, running"):
        ledger.jobs("nothing")
    ledger.close()
    wrong = program("--ledger jobs.db jobs --state faild")
    assert wrong.code == 2 and "is failed meant?" in " ".join(wrong.err.split())


def test_a_run_a_batch_and_the_ledger_say_the_same_of_a_job(program: Any, tmp_path: Path) -> None:
    write(tmp_path / "all.jsonl", {"prompt": "A heron", "duration": 1})
    for number, (scenario, state) in enumerate(
        [
            ("failed-internal-error", "failed"),
            ("expired", "expired"),
            ("moderated-failed", "moderated"),
            ("forbidden", "refused"),
            ("reset-after-accepting", "unknown"),
        ]
    ):
        with Sandbox(speed=100.0, scenario=scenario, seed=number) as service:
            line = f"--base-url {service.base_url} --ledger {number}.db --json"
            outcome = program(f"{line} batch all.jsonl -o videos{number} --yes {QUICK}").of("outcome")[0]["state"]
            assert outcome == state == program(f"{line} jobs").of("entry")[0]["state"], scenario


class TestPrompts:
    def test_a_kept_prompt_is_shown_and_else_its_hash(self, program: Any, tmp_path: Path) -> None:
        in_each_state(tmp_path / "kept.db", keep_prompts=True)[0].close()
        in_each_state(tmp_path / "hashed.db")[0].close()
        kept, hashed = program.all([f"--ledger {name}.db jobs --state running" for name in ("kept", "hashed")])
        text = "A heron running\nin the fog, and much more that is said of it"
        assert "A heron running in the fog, and much mo…" in kept.out and "keep-prompts" not in kept.err
        assert f"#{hashlib.sha256(text.encode()).hexdigest()[:8]}" in hashed.out and "heron" not in hashed.out
        assert "--keep-prompts" in hashed.err
        (row,) = program("--ledger kept.db jobs --state running --json").of("entry")
        assert row["prompt"] == text and row["prompt_sha256"]

    @pytest.mark.parametrize("form", ["option", "variable"])
    def test_they_are_kept_where_that_is_asked_for(self, program: Any, tmp_path: Path, form: str) -> None:
        write(tmp_path / "all.jsonl", {"prompt": "A cat", "duration": 1})
        line, more = ("--keep-prompts ", {}) if form == "option" else ("", {"GROK_IMAGINE_KEEP_PROMPTS": "1"})
        with Sandbox(speed=100.0) as service:
            base = f"{line}--base-url {service.base_url}"
            assert program(f"{base} generate 'A heron' --duration 1 --no-wait", **more).code == 0
            assert program(f"{base} batch all.jsonl -o videos --yes {QUICK}", **more).code == 0
        assert [row["prompt"] for row in program("jobs --json").of("entry")] == ["A heron", "A cat"]


def screen_of(program: Any, line: str, columns: int, rows: int = 40) -> str:
    from .conftest import Terminal

    own = {name: value for name, value in program.environment.items() if name != "COLUMNS"}
    import shlex

    terminal = Terminal(program._server.terminal(shlex.split(line), program.folder, own, (rows, columns)))
    terminal._screen = pyte.Screen(columns, rows)
    terminal._stream = pyte.ByteStream(terminal._screen)
    return terminal.done().out


@pytest.mark.parametrize("columns", [30, 40, 60, 80, 100, COLUMNS, 200])
def test_state_and_cost_stay_at_any_width(program: Any, states: dict[str, str], columns: int) -> None:
    shown = screen_of(program, "--ledger jobs.db jobs", columns)
    heading = shown.splitlines()[0].split()
    assert heading[0] in ("Job", "Started") and {"Job", "State", "Cost"} <= set(heading), shown
    for state in get_args(State):
        assert re.search(rf"\b{state}\b", shown), shown
    assert shown.count("$0.05") >= 2
    pieces = "".join(shown.split())
    for request_id in states.values():
        assert request_id[:8] in pieces
        assert columns < 60 or request_id in shown
    assert columns < 120 or all(heading in shown for heading in ("Started", "Prompt", "File or reason"))


class TestWatch:
    def test_changes_are_lines_until_ctrl_c(self, program: Any, tmp_path: Path) -> None:
        ledger = Ledger(tmp_path / "jobs.db")
        ledger.import_job("job-1", ORIGIN)
        with program.start("--ledger jobs.db jobs --watch --json") as running:
            first = json.loads(running.stdout.readline())["entry"]
            assert (first["request_id"], first["state"]) == ("job-1", "running")
            ledger.import_job("job-2", ORIGIN)
            assert json.loads(running.stdout.readline())["entry"]["request_id"] == "job-2"
            ledger.record_result(Video("job-1", ENDS["done"]), ORIGIN)
            changed = json.loads(running.stdout.readline())["entry"]
            assert (changed["request_id"], changed["state"]) == ("job-1", "done")
            running.send_signal(signal.SIGINT)
            rest, errors = running.communicate(timeout=HANG)
        ledger.close()
        assert (running.returncode, errors) == (0, "")
        assert json.loads(rest)["total"]["by_state"] == {"done": 1, "running": 1}

    def test_in_a_terminal_the_table_is_drawn_anew(self, program: Any, tmp_path: Path) -> None:
        ledger = Ledger(tmp_path / "jobs.db")
        for number in range(70):  # more than fit
            ledger.import_job(f"job-{number}", ORIGIN)
        running = program.terminal("--ledger jobs.db jobs --watch")
        running.until("70 jobs, $0.00: 70 running")
        assert "and 24 before" in running.screen and "job-69" in running.screen and "job-3 " not in running.screen
        ledger.record_result(Video("job-69", ENDS["done"]), ORIGIN)
        running.until("69 running")
        running.process.write(b"\x03")
        done = running.done()
        ledger.close()
        assert done.code == 0 and "Traceback" not in done.out

    def test_sigterm_ends_it_as_anything(self, program: Any, tmp_path: Path) -> None:
        with closing(Ledger(tmp_path / "jobs.db")) as ledger:
            ledger.import_job("job-1", ORIGIN)
        with program.start("--ledger jobs.db jobs --watch") as running:
            assert "job-1" in running.stdout.readline()  # it watches
            running.send_signal(signal.SIGTERM)
            running.communicate(timeout=HANG)
        assert running.returncode == 143
