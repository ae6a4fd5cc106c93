"""The program with pipes: what goes to stdout and what to stderr, files, the ledger, and each exit code that needs no scenario."""

from __future__ import annotations

import json
import shlex
import signal
import socket
import sqlite3
import stat
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx
import pytest
from PIL import Image

from grok_imagine import Ledger
from grok_imagine_sandbox import Sandbox

QUICK = "--interval 0.05 --timeout 60"
CLIP = "https://example.com/street.mp4"
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
    assert states[0] == "accepted" and states[-1] == "done" and set(states[1:-1]) <= {"running"}
    assert jobs[0]["estimated_usd"] == jobs[-1]["cost_usd"] == 0.05
    (file,), (picture,) = done.of("file"), done.of("picture")
    request_id = jobs[0]["request_id"]
    assert file == {"request_id": request_id, "path": f"{request_id}.mp4", "bytes": file["bytes"]}
    assert (tmp_path / file["path"]).stat().st_size == file["bytes"]
    with Image.open(tmp_path / picture["path"]) as sheet:
        assert sheet.size[0] == 1280
    assert done.err == "" and "url" not in jobs[-1]


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
        "none": "can't be read",
    }
    reasons |= {"other": "has the type image/gif, not"} | (
        {} if "video" in line else {"cut": "begins as image/png and is cut"}
    )
    for (name, reason), done in zip(
        reasons.items(), program.all([f"--base-url http://127.0.0.1:9 {line} {name}" for name in reasons]), strict=True
    ):
        assert (done.code, done.out) == (2, "") and f"'{name}' {reason}" in done.err, done


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
            ("generate x --duration 99", 2, "`duration`: is 1 to 15 s; got 99"),
            ("generate x --aspect-ratio 7:3", 2, "`--no-strict` sends it all the same"),
            ("generate", 2, "`prompt`: is required"),
            ("generate ''", 2, "`prompt`"),
            ("generate @missing.txt", 2, "missing.txt: No such file"),
            ("generate x --image missing.png", 2, "image"),
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
            ("--sandbox-scenario expired:x generate x", 2, "how often"),
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
        assert error["exit_code"] == as_json.code == code and not rest and as_json.err == ""
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
        with Sandbox(speed=5.0) as slow:
            line = f"--base-url {slow.base_url} --ledger {tmp_path}/my.db generate 'A heron' --duration 1"
            done = program(f"{line} --timeout 0.5 -o heron.mp4 --overwrite")
            assert done.code == 5 and "client.video" not in done.err
            resume = done.err.strip().splitlines()[-1].strip()
            request_id = slow.jobs[0]["request_id"]
            assert f"wait {request_id}" in resume and "--overwrite" in resume and f"-o {tmp_path}/heron.mp4" in resume
            assert resume.startswith("grok-imagine --ledger")
            again = program(
                shlex.join(shlex.split(resume.removeprefix("grok-imagine "))) + " --timeout 60 --interval 0.2"
            )
            assert (again.code, again.out) == (0, f"{tmp_path}/heron.mp4\n")
            assert len(slow.jobs) == 1

    @pytest.mark.parametrize(("number", "code"), SIGNALS)
    def test_a_signal_keeps_the_job_and_names_the_command(self, program: Any, number: int, code: int) -> None:
        with (
            Sandbox(speed=1.0) as slow,
            program.start(f"--json --base-url {slow.base_url} generate 'A heron'") as running,
        ):
            assert running.stdout is not None
            first = running.stdout.readline()
            running.send_signal(number)
            rest, errors = running.communicate(timeout=60)
        assert running.returncode == code and "accepted" in first and errors == ""
        request_id = slow.jobs[0]["request_id"]
        assert f'"resume": "grok-imagine --base-url {slow.base_url} --json wait {request_id}"' in rest

    @pytest.mark.parametrize(("number", "code"), SIGNALS)
    def test_a_signal_while_the_request_is_sent_says_what_may_have_been_paid(
        self, program: Any, number: int, code: int
    ) -> None:
        with (
            Sandbox(scenario="slow", slow_seconds=30.0) as slow,
            program.start(f"--base-url {slow.base_url} generate 'A heron'") as running,
        ):
            end = time.monotonic() + 60
            while not slow.jobs and time.monotonic() < end:
                time.sleep(0.02)
            running.send_signal(number)
            _, errors = running.communicate(timeout=60)
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
        with Sandbox(speed=1.0) as slow:
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


class TestTheLedger:
    def test_it_is_on_by_default_and_keeps_no_secret(self, live: Callable[..., Any], tmp_path: Path) -> None:
        assert live(f"generate 'CANARY0prompt' --duration 1 {QUICK}").code == 0
        path = tmp_path / "data" / "grok-imagine" / "jobs.db"
        assert stat.S_IMODE(path.stat().st_mode) == 0o600 and stat.S_IMODE(path.parent.stat().st_mode) == 0o700
        assert all(b"CANARY" not in file.read_bytes() for file in path.parent.iterdir())

    def test_play_stays_out_of_it(self, program: Any, tmp_path: Path) -> None:
        assert program("--sandbox --sandbox-speed 200 generate x --duration 1").code == 0
        assert not (tmp_path / "data").exists()
        assert program("jobs --json").of("total")[0]["jobs"] == 0

    def test_jobs_are_listed_by_state_and_date_with_their_cost(self, program: Any, live: Callable[..., Any]) -> None:
        assert live(f"generate x --duration 1 {QUICK}").code == 0
        assert live(f"generate x --duration 1 -o x.mp4 {QUICK}").code == 0
        failed = program("--ledger data/grok-imagine/jobs.db --sandbox-scenario forbidden generate x --timeout 1")
        assert failed.code == 8
        done = program("jobs --json")
        assert [entry["state"] for entry in done.of("entry")] == ["done", "downloaded", "failed"]
        (total,) = done.of("total")
        assert total["jobs"] == 3 and total["cost_usd"] == 0.1 and total["cost_usd_by_state"]["done"] == 0.05
        plain = program("jobs --state done --state failed")
        assert len(plain.out.splitlines()) == 2 and all(line.count("\t") == 4 for line in plain.out.splitlines())
        assert plain.err.startswith("2 jobs, $0.05: 1 done $0.05, 1 failed $0.00")
        assert "sig=" not in plain.out
        assert program('jobs --since "1 Jan 2099" --json').of("entry") == []
        assert len(program('jobs --since "00:00" --json').of("entry")) == 3

    def test_reconcile_takes_up_what_was_accepted_and_lists_the_unknown(
        self, program: Any, live: Callable[..., Any], service: Sandbox, tmp_path: Path
    ) -> None:
        request_id = live("generate x --duration 1 --no-wait").out.strip()
        clean = live("reconcile --timeout 60 --json")
        assert clean.code == 0 and [(job["request_id"], job["state"]) for job in clean.of("job")] == [
            (request_id, "done")
        ]
        posted = sum(count for (method, *_), count in service.requests.items() if method == "POST")
        with sqlite3.connect(tmp_path / "data" / "grok-imagine" / "jobs.db") as ledger:
            ledger.execute("UPDATE jobs SET state = 'intended', request_id = NULL, process = NULL")
        ledger.close()
        done = live("reconcile --timeout 1")
        assert done.code == 6 and "1 unknown" in done.err and "usage page" in done.err
        assert sum(count for (method, *_), count in service.requests.items() if method == "POST") == posted

    def test_reconcile_says_what_runs_on(self, program: Any) -> None:
        with Sandbox(speed=1.0, scenario="never-ends") as slow:
            assert program(f"--base-url {slow.base_url} generate x --no-wait").code == 0
            done = program(f"--base-url {slow.base_url} reconcile --timeout 0 --json")
            assert done.code == 5 and [job["state"] for job in done.of("job")] == ["running"]


@pytest.mark.parametrize(
    ("written", "month", "day"),
    [
        ("2 Nov", 11, 2),
        ("31 Dec", 12, 31),
        ("2024-02-29", 2, 29),
        ("1 January 2020 15:00", 1, 1),
        ("2025-03-04T05:00Z", 3, 4),
    ],
)
def test_a_date_is_of_the_past(written: str, month: int, day: int) -> None:
    from grok_imagine_cli.options import since

    found = datetime.fromtimestamp(since(written), UTC if "Z" in written else None)
    assert (found.month, found.day) == (month, day) and found.timestamp() < time.time()
    assert found.timestamp() > time.time() - 366 * 86400 or "20" in written


def test_a_time_alone_is_the_last_one() -> None:
    from grok_imagine_cli.options import since

    for hour in range(24):
        assert 0 <= time.time() - since(f"{hour}:00") <= 25 * 3600


class TestAbout:
    @pytest.mark.parametrize(
        ("line", "cost"),
        [
            ("--duration 15 --resolution 720p", "$1.05"),
            (f"--video {CLIP} --extend --input-seconds 6 --duration 5", "$0.41"),
            ("--image https://example.com/a.png --duration 1", "$0.052"),
            ("--model grok-imagine-video-3 --no-strict", "unknown"),
            ("--model grok-imagine-video-1.5 --image {0} --last-frame {0} --duration 3", "$0.26"),
            ("--model grok-imagine-video-1.5 --keyframe 2.5={0} --keyframe 1={0} --voice ara --duration 3", "$0.26"),
        ],
    )
    def test_estimates(self, program: Any, line: str, cost: str) -> None:
        done = program(f"estimate {line.format('https://example.com/a.png')}")
        assert (done.code, done.out) == (0, f"{cost}\n")
        assert all(each.startswith("assumed: ") for each in done.err.splitlines())

    def test_estimates_say_what_they_assumed(self, program: Any) -> None:
        plain, as_json = program.all([f"{start}estimate --video {CLIP}" for start in ("", "--json ")])
        assumed = ["the input video is 8.7 s long, the maximum", "the resolution is 720p, the dearest"]
        assert plain.err.splitlines() == [f"assumed: {each}" for each in assumed]
        (told,) = as_json.of("estimate")
        assert told["assumed"] == assumed and as_json.err == ""

    def test_a_doubt_is_a_line_on_stderr_and_the_request_goes_on(self, program: Any) -> None:
        done = program("estimate x --last-frame https://example.com/a.png --duration 2")
        assert (done.code, done.out) == (0, "$0.102\n")
        assert done.err.startswith("warning: reference-to-video: `last_frame`: only the 1.5 model pins frames")

    @pytest.mark.parametrize("value", ["a.png", "=a.png", "2=", "two=a.png", "nan=a.png", "inf=a.png"])
    def test_a_keyframe_of_another_form_says_how_to_write_it(self, program: Any, value: str) -> None:
        done = program(f"estimate x --keyframe {value}")
        assert done.code == 2 and "write it like 2.5=winter.jpg" in " ".join(done.err.replace("│", " ").split())

    def test_modes_say_all_of_the_contract(self, program: Any) -> None:
        from grok_imagine_api import contract

        modes = program("modes --json").of("mode")
        assert [mode["mode"] for mode in modes] == [*contract.MODES, *contract.VARIANTS]
        for mode in modes:
            variant = contract.VARIANTS.get(mode["mode"])
            rules = contract.MODES[variant.mode if variant else mode["mode"]]
            assert set(mode["refused"]) == set(rules.forbidden)
            assert {*mode["required"], *mode["allowed"]} == {*rules.required, *rules.allowed}
            assert set(variant.fields if variant else rules.required) <= set(mode["required"])
        able = {mode["mode"]: mode["models"] for mode in modes}
        assert able["text-to-video"] == list(contract.MODELS) and able["edit-video"] == ["grok-imagine-video"]
        assert able["first-and-last-frame"] == able["keyframes"] == ["grok-imagine-video-1.5"]
        assert "duration\trefused\tan edit keeps the length" in program("modes edit-video").out

    def test_models_are_the_services(self, live: Callable[..., Any]) -> None:
        models = live("models --json").of("model")
        assert {model["id"]: model["usd_per_second"] for model in models}["grok-imagine-video"]["480p"] == 0.05

    def test_scenarios_are_listed(self, program: Any) -> None:
        from grok_imagine_sandbox import SCENARIOS

        assert [row["name"] for row in program("sandbox scenarios --json").of("scenario")] == list(SCENARIOS)

    def test_a_sandbox_is_served_until_it_is_told_to_end(self, program: Any) -> None:
        with program.start("sandbox serve --speed 100") as running:
            assert running.stdout is not None
            url = running.stdout.readline().strip()
            assert program(f"--base-url {url} generate x --duration 1 {QUICK}").code == 0
            running.send_signal(signal.SIGTERM)
            assert running.communicate(timeout=60)[0] == ""
        assert running.returncode == 0

    def test_the_doctor_finds_all_well(self, live: Callable[..., Any], tmp_path: Path) -> None:
        done = live("doctor --json")
        checks = {check["check"]: check for check in done.of("check")}
        assert done.code == 0 and all(check["ok"] for check in checks.values())
        assert checks["key"]["about"] == "XAI_API_KEY is set" and "3 models" in checks["service"]["about"]
        assert not (tmp_path / "data").exists()

    @pytest.mark.parametrize(
        ("line", "environment", "code", "said"),
        [
            ("", {"XAI_API_KEY": ""}, 2, "key\tNO\tXAI_API_KEY is not set"),
            ("--base-url http://127.0.0.1:9/v1", {}, 9, "service\tNO\thttp://127.0.0.1:9/v1: NotDelivered"),
            ("--sandbox --ledger notes.db", {}, 1, "ledger\tNO\t"),
        ],
    )
    def test_the_doctor_finds_trouble(
        self, program: Any, tmp_path: Path, line: str, environment: dict[str, str], code: int, said: str
    ) -> None:
        (tmp_path / "notes.db").write_text("no database\n" * 100)
        done = program(f"{line} doctor", **environment)
        assert done.code == code and said in done.out


SIGNED = "https://storage.example.com/a.mp4?signature=CANARY0signed"
DATA = "data:image/png;base64,CANARY0data"


def test_no_output_shows_a_secret(program: Any, live: Callable[..., Any], service: Sandbox, tmp_path: Path) -> None:
    lines = [
        f"generate CANARY0prompt --image {DATA} --duration 1 {QUICK}",
        f"edit CANARY0prompt --video {SIGNED} {QUICK} -o a.mp4",
        f"edit CANARY0prompt --video ftp:{SIGNED}",
        f"generate CANARY0prompt --image {DATA} --reference {DATA}",
        f"generate CANARY0prompt --image {SIGNED} --no-wait",
        "jobs",
        "doctor",
        "models",
    ]
    forms = ["" if number % 2 else "--json " for number in range(len(lines))]
    for done in program.all(
        [f"{form}--base-url {service.base_url} {line}" for form, line in zip(forms, lines, strict=True)]
    ):
        assert "CANARY" not in done.out + done.err, done
        assert "sig=" not in done.err
    path = tmp_path / "data" / "grok-imagine"
    assert all(b"CANARY" not in file.read_bytes() for file in path.iterdir())
    with Sandbox(speed=100.0, api_key="another") as strict:
        done = program(f"--base-url {strict.base_url} generate x")
        assert done.code == 8 and "AuthenticationError" in done.err and "CANARY" not in done.err
