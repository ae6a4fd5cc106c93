"""What the program makes, and says."""

from __future__ import annotations

import json
import shlex
import signal
import socket
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import pytest
from PIL import Image

from grok_imagine import Ledger
from grok_imagine_sandbox import Sandbox
from support import HANG, until

from .conftest import held
from .programs import CLIP, QUICK, troubles

SIGNALS = [(signal.SIGINT, 130), (signal.SIGTERM, 143)]
"""What ends a wait, and the exit code that a shell has for it."""


def test_a_file_is_saved_and_its_path_is_all_that_stdout_says(live: Callable[..., Any], tmp_path: Path) -> None:
    done = live(f"generate 'A paper boat' --duration 1 -o boat.mp4 {QUICK}")
    assert (done.code, done.out) == (0, "boat.mp4\n")
    assert (tmp_path / "boat.mp4").read_bytes()[4:8] == b"ftyp"
    first, *_, last = done.err.splitlines()
    assert first.startswith("job ") and "at most $0.05" in first and last.startswith("done after ") and "$0.05" in last


def test_without_a_file_stdout_is_the_url(live: Callable[..., Any]) -> None:
    done = live(f"generate 'A paper boat' --duration 1 {QUICK}")
    assert httpx.get(done.out.strip(), trust_env=False).content[4:8] == b"ftyp"
    assert "sig=" not in done.err


def test_json_lines_tell_the_way_of_a_job(live: Callable[..., Any], tmp_path: Path) -> None:
    done = live(f"--json generate 'A paper boat' --duration 1 -o . --contact-sheet sheet.png {QUICK}")
    jobs = done.of("job")
    states = [job["state"] for job in jobs]
    assert states[-1] == "done" and set(states[:-1]) == {"running"}
    assert jobs[0]["estimated_usd"] == jobs[-1]["cost_usd"] == 0.05
    (file,), (picture,) = done.of("file"), done.of("picture")
    request_id = jobs[0]["request_id"]
    assert file == {"request_id": request_id, "path": f"{request_id}.mp4", "bytes": file["bytes"]}
    assert (tmp_path / file["path"]).stat().st_size == file["bytes"]
    with Image.open(tmp_path / picture["path"]) as sheet:
        assert sheet.size[0] == 1280
    assert not troubles(done.err) and "url" not in jobs[-1]


def test_a_contact_sheet_shows_time_pass(live: Callable[..., Any], tmp_path: Path) -> None:
    assert live(f"generate 'Sunrise' --duration 4 -o a.mp4 --contact-sheet sheet.png {QUICK}").code == 0
    with Image.open(tmp_path / "sheet.png") as picture:
        sheet = picture.convert("RGB")
    width, height = sheet.size[0] // 4, sheet.size[1] // 3
    tiles = [
        sheet.crop((x * width, y * height, (x + 1) * width, (y + 1) * height)).tobytes()
        for y in range(3)
        for x in range(4)
    ]
    assert len(set(tiles)) == 12


@pytest.mark.parametrize(
    ("line", "mode", "cost"),
    [
        ("generate 'The clouds move' --image data:image/png;base64,{png} --duration 1", "image-to-video", 0.052),
        ("generate '<IMAGE_1> and <IMAGE_2>' --reference {url} --reference {url} --duration 1", "reference-to-video", 0.054),
        (f"edit 'Make it snow' --video {CLIP}", "edit-video", None),
        (f"extend 'The camera rises' --video {CLIP} --duration 2", "extend-video", None),
    ],
)  # fmt: skip
def test_each_mode_by_its_fields(live: Callable[..., Any], line: str, mode: str, cost: float | None) -> None:
    png = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="
    done = live(f"--json {line.format(png=png, url='https://example.com/sky.jpg')} {QUICK}")
    assert done.code == 0, done
    assert cost is None or done.of("job")[0]["estimated_usd"] == cost
    (entry,) = live("jobs --json").of("entry")
    assert (entry["mode"], entry["state"]) == (mode, "done")


def test_a_prompt_from_stdin_and_from_a_file_are_the_same(live: Callable[..., Any], tmp_path: Path) -> None:
    (tmp_path / "prompt.txt").write_text("Ein Reiher im Nebel – früh\n", encoding="utf-8")
    line = "generate --duration 1 --no-wait"
    assert live(f"{line} @prompt.txt").code == 0
    assert live(f"{line} -", text="Ein Reiher im Nebel – früh\n").code == 0
    assert live(f"{line} 'Ein Reiher im Nebel – früh'").code == 0
    entries = live("jobs --json").of("entry")
    assert len(entries) == 3 and len({entry["body_sha256"] for entry in entries}) == 1


def test_a_job_that_is_not_waited_for_is_taken_up_by_its_id(live: Callable[..., Any], tmp_path: Path) -> None:
    started = live("generate 'A heron' --duration 1 --no-wait")
    request_id = started.out.strip()
    assert started.code == 0 and len(request_id) == 36
    waited = live(f"wait {request_id} -o heron.mp4 {QUICK}")
    assert (waited.code, waited.out) == (0, "heron.mp4\n")
    looked = live(f"get {request_id}")
    assert looked.code == 0 and "state: done" in looked.out and "cost_usd: $0.05" in looked.out
    again = live(f"download {request_id}")
    assert (again.code, again.out) == (0, f"{request_id}.mp4\n")
    assert (tmp_path / again.out.strip()).read_bytes() == (tmp_path / "heron.mp4").read_bytes()


def test_files_of_this_machine_are_read(program: Any, live: Callable[..., Any], tmp_path: Path) -> None:
    Image.new("RGB", (64, 64), "teal").save(tmp_path / "sky.png")
    made = live(f"generate 'The clouds move' --image sky.png --duration 2 -o clouds.mp4 {QUICK}")
    assert made.code == 0 and program.first_colour("clouds.mp4") == pytest.approx((0, 128, 128), abs=3), made
    edited = live(f"edit 'Make it snow' --video clouds.mp4 --json {QUICK}")
    assert edited.code == 0, edited


@pytest.mark.parametrize("line", ["generate x --image", "generate x --reference", "estimate --image", "edit x --video"])
def test_files_that_are_no_media_are_refused(program: Any, tmp_path: Path, line: str) -> None:
    (tmp_path / "empty").touch()
    (tmp_path / "folder").mkdir()
    (tmp_path / "text").write_text("no picture")
    (tmp_path / "cut").write_bytes(b"\x89PNG\r\n\x1a\n" + bytes(99))
    (tmp_path / "other").write_bytes(b"GIF89a" + bytes(99))
    reasons = {
        "empty": "is empty",
        "folder": "is a directory",
        "text": "has an unknown type",
        "none": "no such file",
    }
    reasons |= {"other": "has the type image/gif, not"} | (
        {} if "video" in line else {"cut": "begins as image/png and is truncated"}
    )
    for (name, reason), done in zip(
        reasons.items(), program.all([f"--base-url http://127.0.0.1:9 {line} {name}" for name in reasons]), strict=True
    ):
        assert (done.code, done.out) == (2, "") and reason in done.err and name in done.err, done


def test_open_hands_the_file_to_the_systems_player(live: Callable[..., Any], tmp_path: Path) -> None:
    player = tmp_path / "bin" / "xdg-open"
    player.parent.mkdir()
    player.write_text('#!/bin/sh\necho "$1" > "$HOME/opened"\n')
    player.chmod(0o755)
    done = live(f"generate 'A heron' --duration 1 -o heron.mp4 --open {QUICK}", PATH=f"{player.parent}:/usr/bin:/bin")
    assert done.code == 0
    assert (tmp_path / "opened").read_text().strip().endswith("heron.mp4")


class TestMistakesAreRefusedBeforeTheyCost:
    @pytest.mark.parametrize(
        ("line", "code", "said"),
        [
            ("generate x --duration 99", 2, "`--duration`: is 1 to 15 s; got 99"),
            ("generate x --aspect-ratio 7:3", 2, "`--no-strict` sends it all the same"),
            ("generate", 2, "`PROMPT`: is required"),
            ("generate ''", 2, "`PROMPT`"),
            ("generate @missing.txt", 2, "missing.txt: No such file"),
            ("generate x --image missing.png", 2, "missing.png: no such file"),
            ("edit x", 2, "Missing option '--video'"),
            ("generate x --no-wait -o a.mp4", 2, "--no-wait"),
            ("generate x --contact-sheet sheet.txt", 2, "sheet.txt is not named .png"),
            ("generate x -o taken.mp4", 2, "taken.mp4 exists"),
            ("generate x -o nowhere/a.mp4", 2, "nowhere is no directory"),
            ("generate x --timeout -1", 2, "timeout"),
            ("jobs --since yesterdayish", 2, "--since"),
            ("jobs --state gone", 2, "gone is none of"),
            ("modes nothing", 2, "nothing is none of"),
            ("--sandbox-scenario nothing generate x", 2, "there is no scenario 'nothing'"),
            ("--sandbox-scenario expired:x generate x", 2, "a count from 1"),
            ("--sandbox --base-url http://127.0.0.1:9 generate x", 2, "--base-url"),
            ("nothing", 2, "No such command"),
        ],
    )  # fmt: skip
    def test_and_say_what_is_wrong(self, program: Any, tmp_path: Path, line: str, code: int, said: str) -> None:
        (tmp_path / "taken.mp4").write_text("mine")
        # No request may be sent: nothing listens there, and a connection that is refused would end with 9.
        base = "" if "--base-url" in line or "--sandbox" in line else "--base-url http://127.0.0.1:9 "
        plain, as_json = program.all([f"{base}{line}", f"--json {base}{line}"])
        assert (plain.code, plain.out) == (code, "") and said in " ".join(plain.err.split()), plain
        ((error,), rest) = as_json.of("error"), as_json.lines[1:]
        assert error["exit_code"] == as_json.code == code and not rest and not troubles(as_json.err)
        assert {"type", "message", "request_id", "hints", "resume"} <= error.keys()
        assert (tmp_path / "taken.mp4").read_text() == "mine"
        noted = tmp_path / "data" / "grok-imagine" / "jobs.db"
        assert not noted.exists() or Ledger(noted).jobs() == []

    def test_no_key(self, program: Any) -> None:
        done = program("generate x", XAI_API_KEY="")
        assert done.code == 2 and "set XAI_API_KEY, or try it with --sandbox" in done.err

    def test_strictness_can_be_left_out(self, live: Callable[..., Any]) -> None:
        done = live("generate x --duration 99 --no-strict")
        assert done.code == 8 and "BadRequestError" in done.err


class TestOtherEnds:
    def test_no_connection(self, program: Any) -> None:
        with socket.create_server(("127.0.0.1", 0)) as taken:
            port = taken.getsockname()[1]
        done = program(f"--json --base-url http://127.0.0.1:{port}/v1 generate x --timeout 1")
        assert done.code == 9 and done.of("error")[0]["type"] == "NotDelivered"
        assert done.of("error")[0]["resume"] is None

    def test_a_ledger_that_is_none(self, program: Any, tmp_path: Path) -> None:
        (tmp_path / "notes.txt").write_text("no database\n" * 100)
        done = program("--sandbox --ledger notes.txt generate x")
        assert done.code == 1 and "LedgerError" in done.err and "notes.txt" in done.err

    def test_a_timeout_names_the_command_that_goes_on(self, program: Any, tmp_path: Path) -> None:
        with held() as (slow, clock):
            line = f"--base-url {slow.base_url} --ledger {tmp_path}/my.db generate 'A heron' --duration 1"
            done = program(f"{line} --timeout 0.5 -o heron.mp4 --overwrite")
            assert done.code == 5 and "client.video" not in done.err
            resume = done.err.strip().splitlines()[-1].strip()
            request_id = slow.jobs[0]["request_id"]
            assert f"wait {request_id}" in resume and "--overwrite" in resume and f"-o {tmp_path}/heron.mp4" in resume
            assert resume.startswith("grok-imagine --ledger")
            clock.now += 100
            again = program(f"{shlex.join(shlex.split(resume.removeprefix('grok-imagine ')))} {QUICK}")
            assert (again.code, again.out) == (0, f"{tmp_path}/heron.mp4\n")
            assert len(slow.jobs) == 1

    @pytest.mark.parametrize(("number", "code"), SIGNALS)
    def test_a_signal_keeps_the_job_and_names_the_command(self, program: Any, number: int, code: int) -> None:
        with (
            held() as (slow, _),
            program.start(f"--json --base-url {slow.base_url} generate 'A heron'") as running,
        ):
            assert running.stdout is not None
            first = running.stdout.readline()
            running.send_signal(number)
            rest, errors = running.communicate(timeout=HANG)
        assert running.returncode == code and "estimated_usd" in first and not troubles(errors)
        request_id = slow.jobs[0]["request_id"]
        assert f'"resume": "grok-imagine --base-url {slow.base_url} --json wait {request_id}"' in rest

    @pytest.mark.long
    @pytest.mark.parametrize(("number", "code"), SIGNALS)
    def test_a_signal_while_the_request_is_sent_says_what_may_have_been_paid(
        self, program: Any, number: int, code: int
    ) -> None:
        with (
            Sandbox(scenario="slow", slow_seconds=30.0) as slow,
            program.start(f"--base-url {slow.base_url} generate 'A heron'") as running,
        ):
            until(lambda: slow.jobs)
            running.send_signal(number)
            _, errors = running.communicate(timeout=HANG)
        assert running.returncode == code and "a paid request was under way" in errors
        assert len(program("jobs --state unknown --json").of("entry")) == 1

    def test_an_id_that_could_not_be_noted_is_told(self, capsys: pytest.CaptureFixture[str]) -> None:
        from grok_imagine import LedgerError
        from grok_imagine_cli.output import Output
        from grok_imagine_cli.report import report
        from grok_imagine_cli.session import Session

        assert report(LedgerError("disk full", request_id="the-id"), Session(Output(True))) == 1
        error = json.loads(capsys.readouterr().out)["error"]
        assert error["request_id"] == "the-id" and error["resume"] == "grok-imagine --json wait the-id"

    def test_a_job_that_runs_is_not_downloaded(self, program: Any) -> None:
        with held() as (slow, _):
            request_id = program(f"--base-url {slow.base_url} generate x --no-wait").out.strip()
            done = program(f"--base-url {slow.base_url} download {request_id}")
        assert done.code == 10 and "the job is not done" in done.err and "client.video" not in done.err
        assert f"wait {request_id}" in done.err and "done after" not in done.err

    def test_an_id_of_another_run_is_explained(self, program: Any, service: Sandbox, live: Callable[..., Any]) -> None:
        request_id = live("generate x --no-wait").out.strip()
        for done in program.all([f"--sandbox {command} {request_id}" for command in ("get", "wait", "download")]):
            assert done.code == 8 and "sandbox serve" in done.err

    def test_a_closed_pipe_is_no_traceback(self, program: Any) -> None:
        with program.start("sandbox scenarios") as running:
            assert running.stdout is not None and running.stderr is not None
            running.stdout.close()
            assert "Traceback" not in running.stderr.read()
