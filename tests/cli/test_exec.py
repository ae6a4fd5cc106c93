"""--exec: a command for each finished video."""

from __future__ import annotations

import os
import shlex
import signal
import stat
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from grok_imagine_cli.exec_command import ExecCommand
from grok_imagine_sandbox import Sandbox
from support import HANG, until

from .manifests import count, one, outcomes, write
from .programs import OWN, QUICK, troubles

NOTE = """#!/bin/sh
printf '%s\\0' "$@" >> "$HOME/called"
echo said-on-stdout; echo said-on-stderr >&2
cat >> "$HOME/read"
test ! -e "$HOME/fails" || exit 3
"""


@pytest.fixture
def note(tmp_path: Path) -> Path:
    """A command that notes its arguments, and fails while a file says so."""
    path = tmp_path / "my note"
    path.write_text(NOTE)
    path.chmod(path.stat().st_mode | stat.S_IXUSR)
    return path


def called(folder: Path) -> list[str]:
    path = folder / "called"
    return path.read_text().split("\0")[:-1] if path.exists() else []


def words(note: Path, *more: str) -> str:
    return shlex.quote(shlex.join([str(note), *more]))


NAMES = st.text(st.characters(exclude_characters="\0/", codec="utf-8"), min_size=1, max_size=40).filter(
    lambda name: name not in (".", "..") and len(name.encode()) < 200
)


@settings(max_examples=60, deadline=None)
@given(name=NAMES)
def test_a_path_is_one_argument_whatever_it_holds(tmp_path_factory: pytest.TempPathFactory, name: str) -> None:
    folder = tmp_path_factory.mktemp("exec")
    shown = folder / "called"
    path = folder / "videos" / name
    code = f"import sys; open({str(shown)!r}, 'w', newline='').write('\\0'.join(sys.argv[1:]))"
    command = ExecCommand(
        shlex.join(["python3", "-S", "-c", code, "--in={path}", "{path}", "$HOME", "`x`", "*", "; y"])
    )
    assert command(path, print) == 0
    assert shown.read_bytes().decode().split("\0") == [f"--in={path}", str(path), "$HOME", "`x`", "*", "; y"]


def test_of_one_video(program: Any, tmp_path: Path, note: Path) -> None:
    (tmp_path / "-rf;touch x").mkdir()
    done = program(f"generate x --duration 1 -o '-rf;touch x/$(a) b.mp4' --exec {words(note, 'as', '{path}')} {OWN}")
    assert (done.code, done.out) == (0, "-rf;touch x/$(a) b.mp4\n"), done
    assert called(tmp_path) == ["as", f"{tmp_path}/-rf;touch x/$(a) b.mp4"] and "said-on" not in done.err
    assert not (tmp_path / "x").exists()


def test_a_command_that_fails_is_told_and_the_video_is_there(program: Any, tmp_path: Path, note: Path) -> None:
    (tmp_path / "fails").touch()
    done = program(f"generate x --duration 1 -o a.mp4 --exec {words(note, '{path}')} {OWN}")
    assert (done.code, done.out) == (1, "a.mp4\n") and (tmp_path / "a.mp4").stat().st_size
    assert "my note ended with 3 for a.mp4, which is kept" in done.err and "said-on-stderr" in done.err
    as_json = program(f"--json generate x --duration 1 -o b.mp4 --exec {words(note, '{path}')} {OWN}")
    assert as_json.code == 1 and as_json.of("exec") == [{"path": "b.mp4", "exit_code": 3}] and not troubles(as_json.err)


@pytest.mark.parametrize(
    ("given_line", "said"),
    [
        ("'none-such-command {path}'", "there is no command"),
        ("'ls -l'", "has no {path}"),
        ("'{path}'", "has no {path} after the command"),
        ('"ls \'{path}"', "can't be split into words"),
        ("''", "has no {path}"),
    ],
)
@pytest.mark.parametrize(
    "command",
    [
        "generate x",
        "edit x --video https://example.com/a.mp4",
        "wait some-id",
        "download some-id",
        "batch all.jsonl -o videos --yes",
    ],
)
def test_what_can_not_be_run_is_told_before_anything_is_sent(
    program: Any, tmp_path: Path, command: str, given_line: str, said: str
) -> None:
    write(tmp_path / "all.jsonl", one("A heron"))
    done = program(f"--base-url http://127.0.0.1:9 {command} --exec {given_line}")
    assert done.code == 2 and said in " ".join(done.err.replace("│", " ").split()) and "nothing was sent" in done.err, (
        done
    )


def test_of_a_batch_each_video_once_and_again_where_it_failed(program: Any, tmp_path: Path, note: Path) -> None:
    write(tmp_path / "all.jsonl", one("A heron", output="a.mp4"), one("A cat", output="b.mp4"))
    (tmp_path / "fails").touch()
    with Sandbox(speed=100.0) as service:
        line = f"--base-url {service.base_url} batch - -o videos --yes {QUICK}"
        text = (tmp_path / "all.jsonl").read_text()
        assert program(line, text=text).code == 0 and called(tmp_path) == []
        failed = program(f"{line} --exec {words(note, '{path}')}", text=text)
        assert failed.code == 1 and sorted(map(os.path.basename, called(tmp_path))) == ["a.mp4", "b.mp4"], failed
        assert [o["exec_code"] for o in outcomes(tmp_path / "videos")[2:]] == [3, 3] and "--exec" in failed.err
        assert (tmp_path / "read").read_text() == ""  # the manifest is the program's alone
        as_json = program(f"{line} --json --exec {words(note, '{path}')}", text=text)
        assert as_json.code == 1 and not troubles(as_json.err) and as_json.of("outcome")[0]["exec_code"] == 3
        (tmp_path / "fails").unlink()
        assert program(f"{line} --exec {words(note, '{path}')}", text=text).code == 0
        assert len(called(tmp_path)) == 6
        assert program(line, text=text).code == 0  # without it, nothing is forgotten
        assert program(f"{line} --exec {words(note, '{path}')}", text=text).code == 0
        assert len(called(tmp_path)) == 6 and count(service, "POST") == 2
        # Another command is not the one that has succeeded.
        assert program(f"{line} --exec {words(note, 'token-CANARY', '{path}')}", text=text).code == 0
        assert called(tmp_path).count("token-CANARY") == 2
        assert "CANARY" not in (tmp_path / "videos" / "outcomes.jsonl").read_text()


def test_ctrl_c_while_it_runs_loses_no_outcome(program: Any, tmp_path: Path) -> None:
    write(tmp_path / "all.jsonl", one("A heron", output="a.mp4"))
    with Sandbox(speed=100.0) as service:
        line = f"--base-url {service.base_url} batch all.jsonl -o videos --yes {QUICK} --exec 'sh -c \"touch began; exec sleep 60\" {{path}}'"
        with program.start(line) as running:
            until((tmp_path / "began").exists)
            running.send_signal(signal.SIGINT)
            running.communicate(timeout=HANG)
    assert running.returncode == 130 and (tmp_path / "videos" / "a.mp4").stat().st_size
    assert [outcome["path"] for outcome in outcomes(tmp_path / "videos")] == ["videos/a.mp4"]
