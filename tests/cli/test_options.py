"""The options of the program."""

from __future__ import annotations

import signal
import sqlite3
import stat
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from grok_imagine_sandbox import Sandbox
from support import HANG

from .programs import CLIP, OWN, QUICK


class TestTheLedger:
    def test_it_is_on_by_default_and_keeps_no_secret(self, live: Callable[..., Any], tmp_path: Path) -> None:
        assert live(f"generate 'CANARY0prompt' --duration 1 {QUICK}").code == 0
        path = tmp_path / "data" / "grok-imagine" / "jobs.db"
        assert stat.S_IMODE(path.stat().st_mode) == 0o600 and stat.S_IMODE(path.parent.stat().st_mode) == 0o700
        assert all(b"CANARY" not in file.read_bytes() for file in path.parent.iterdir())

    def test_play_stays_out_of_it(self, program: Any, tmp_path: Path) -> None:
        assert program(f"generate x --duration 1 {OWN}").code == 0
        assert not (tmp_path / "data").exists()
        assert program("jobs --json").of("total")[0]["jobs"] == 0

    def test_jobs_are_listed_by_state_and_date_with_their_cost(self, program: Any, live: Callable[..., Any]) -> None:
        assert live(f"generate x --duration 1 {QUICK}").code == 0
        assert live(f"generate x --duration 1 -o x.mp4 {QUICK}").code == 0
        failed = program("--ledger data/grok-imagine/jobs.db --sandbox-scenario forbidden generate x")
        assert failed.code == 8
        done = program("jobs --json")
        assert [entry["state"] for entry in done.of("entry")] == ["done", "downloaded", "refused"]
        (total,) = done.of("total")
        assert total["jobs"] == 3 and total["cost_usd"] == 0.1 and total["cost_usd_by_state"]["done"] == 0.05
        plain = program("jobs --state done --state refused")
        assert len(plain.out.splitlines()) == 2 and all(line.count("\t") == 5 for line in plain.out.splitlines())
        assert plain.err.startswith("2 jobs, $0.05: 1 done $0.05, 1 refused $0.00")
        assert "sig=" not in plain.out
        assert program('jobs --since "1 Jan 2099" --json').of("entry") == []
        assert len(program('jobs --since "00:00" --json').of("entry")) == 3

    def test_reconcile_takes_up_what_was_accepted_and_lists_the_unknown(
        self, program: Any, live: Callable[..., Any], service: Sandbox, tmp_path: Path
    ) -> None:
        request_id = live("generate x --duration 1 --no-wait").out.strip()
        clean = live("reconcile --json")
        assert clean.code == 0 and [(job["request_id"], job["state"]) for job in clean.of("job")] == [
            (request_id, "done")
        ]
        posted = sum(count for (method, *_), count in service.requests.items() if method == "POST")
        with sqlite3.connect(tmp_path / "data" / "grok-imagine" / "jobs.db") as ledger:
            ledger.execute("UPDATE jobs SET state = 'intended', request_id = NULL, process = NULL")
        ledger.close()
        done = live("reconcile")
        assert done.code == 6 and "1 unknown" in done.err and "usage page" in done.err
        assert sum(count for (method, *_), count in service.requests.items() if method == "POST") == posted

    def test_reconcile_says_what_runs_on(self, program: Any) -> None:
        with Sandbox(scenario="never-ends") as slow:
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
        assert done.err.startswith("warning: reference-to-video: `--last-frame`: only the 1.5 model pins frames")

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
            assert running.communicate(timeout=HANG)[0] == ""
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
