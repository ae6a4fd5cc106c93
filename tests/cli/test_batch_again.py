"""A batch that is run again, or beside another."""

from __future__ import annotations

import json
import re
import shlex
import shutil
import signal
from pathlib import Path
from typing import Any

import pytest

from grok_imagine_cli.codes import CODES, GRAVEST, gravest
from grok_imagine_sandbox import Sandbox
from support import HANG, until

from .conftest import held
from .manifests import count, one, outcomes, write
from .programs import OWN, QUICK, SHORT, troubles


class TestMoney:
    def test_the_cap_holds_over_runs(self, program: Any, tmp_path: Path) -> None:
        write(tmp_path / "all.jsonl", one("A heron"), one("A cat"))
        with Sandbox(speed=100.0) as service:
            line = f"--base-url {service.base_url} --json batch all.jsonl -o videos --yes {QUICK}"
            capped = program(f"{line} --max-cost 0.07")
            assert capped.code == 11 and sorted(o["state"] for o in capped.of("outcome")) == ["done", "refused"]
            (refused,) = [o for o in capped.of("outcome") if o["state"] == "refused"]
            assert (
                refused["error"]["type"] == "CostLimitError"
                and "the cap is 0.07; raise --max-cost" in refused["error"]["message"]
            )
            assert len(service.jobs) == 1 and "--max-cost 0.07" in capped.of("total")[0]["resume"]
            more = program(f"{line} --max-cost 0.1")
            assert more.code == 0 and more.of("estimate")[0]["cost_usd"] == 0.05 and len(service.jobs) == 2
            assert more.of("total")[0]["cost_usd"] == pytest.approx(0.1)

    def test_what_has_no_price_is_told(self, program: Any, tmp_path: Path) -> None:
        write(tmp_path / "all.jsonl", one("A heron"), one("A cat", model="grok-imagine-video-9"))
        done = program("--base-url http://127.0.0.1:9 batch all.jsonl -o videos --no-strict --max-cost 9")
        assert done.code == 2 and "2 new, at most $0.05" in done.err and "1 of them have no known price" in done.err
        assert "--max-cost $9.00 may stop it before its end" in done.err

    def test_in_a_terminal_it_asks(self, program: Any, tmp_path: Path) -> None:
        write(tmp_path / "all.jsonl", one("A heron"))
        with Sandbox(speed=100.0) as service:
            for answer, code in (("n", 130), ("\x03", 130), ("y", 0)):
                running = program.terminal(f"--base-url {service.base_url} batch all.jsonl -o videos {QUICK}")
                running.until("Send them? [y/N]:")
                assert "1 request: 1 new, at most $0.05" in running.screen and not service.jobs
                running.process.write(f"{answer}\n".encode())
                done = running.done()
                assert done.code == code, done
                assert len(service.jobs) == len(list(tmp_path.glob("videos/0-*.mp4"))) == (answer == "y")
        assert "1 of 1: 1 done; $0.05" in done.out


def test_a_bar_for_each_job_shows_the_services_own_progress(program: Any, tmp_path: Path) -> None:
    write(tmp_path / "all.jsonl", one("A heron"), one("A cat"))
    with Sandbox(scenario="never-ends") as service:
        running = program.terminal(f"--base-url {service.base_url} batch all.jsonl -o videos --yes {QUICK}")
        running.until(" %")
        assert re.search(r"[0-9a-f]{8} pending ━.* \d+ % 0:\d\d", running.screen)
        running.process.write(b"\x03")
        assert running.done().code == 130


class TestItGoesOn:
    def test_after_a_kill(self, program: Any, tmp_path: Path) -> None:
        write(tmp_path / "all.jsonl", *(one(f"A heron, number {n}", output=f"{n}.mp4") for n in range(3)))
        with Sandbox(speed=100.0) as service:
            line = f"--base-url {service.base_url} batch all.jsonl -o videos --yes"
            with program.start(line) as running:
                until(lambda: len(service.jobs) >= 2)
                running.send_signal(signal.SIGKILL)
                running.communicate(timeout=HANG)
            (tmp_path / "videos" / "outcomes.jsonl").write_text('{"position": 0, "li')  # a line that was cut short
            done = program(f"{line} --json {QUICK}")
            # A POST that the kill met is known as an intent only, and is not sent again.
            states = {outcome["position"]: outcome["state"] for outcome in done.of("outcome")}
            unknown = [position for position, state in states.items() if state == "unknown"]
            assert done.code == (6 if unknown else 0) and set(states.values()) <= {"done", "unknown"}, done
            assert sorted(path.name for path in (tmp_path / "videos").glob("*.mp4")) == [
                f"{n}.mp4" for n in range(3) if n not in unknown
            ]
            assert len(service.jobs) <= 3 and len(service.jobs) + len(unknown) >= 3
            lines = (tmp_path / "videos" / "outcomes.jsonl").read_text().splitlines()
            assert len(lines) == 4 and all(json.loads(line) for line in lines[1:])

    def test_after_ctrl_c_by_the_command_that_it_prints(self, program: Any, tmp_path: Path) -> None:
        write(tmp_path / "all.jsonl", one("A heron"), one("A cat"))
        with held() as (slow, clock):
            running = program.terminal(
                f"--base-url {slow.base_url} batch all.jsonl -o 'my videos' --yes --max-cost 0.5 --interval 60"
            )
            running.until("0 of 2; $0.00; 2 running")
            assert len(re.findall(r"[0-9a-f]{8} waiting .*━+ +\d:\d\d", running.screen)) == 2
            running.process.write(b"\x03")
            done = running.done()
            assert done.code == 130 and "2 jobs go on, and are paid for" in done.out and "Traceback" not in done.out
            said = "".join(line.ljust(120) for line in done.out.splitlines()).partition("where it stopped:")[2]
            resume = shlex.split(re.sub(r" {3,}", " ", said).strip())
            assert resume[-7:] == ["-o", f"{tmp_path}/my videos", "--max-cost", "0.5", "--interval", "60", "--yes"]
            assert resume[3:5] == ["batch", f"{tmp_path}/all.jsonl"]
            clock.now += 100
            again = program(f"{shlex.join(resume[1:])} --json {QUICK}")
            assert again.code == 0 and [o["state"] for o in again.of("outcome")] == ["done", "done"], again
            assert len(slow.jobs) == 2 and len(list((tmp_path / "my videos").glob("*.mp4"))) == 2

    def test_after_a_download_that_failed(self, program: Any, tmp_path: Path) -> None:
        write(tmp_path / "all.jsonl", one("A heron", output="a.mp4"), one("A cat", output="b.mp4"))
        (tmp_path / "videos" / "a.mp4.part").mkdir(parents=True)
        with Sandbox(speed=100.0) as service:
            line = f"--base-url {service.base_url} batch all.jsonl -o videos --yes {QUICK}"
            done = program(line)
            assert done.code == 10 and done.out == "videos/b.mp4\n" and "line 1: done, $0.05: DownloadError" in done.err
            (broken,) = [outcome for outcome in outcomes(tmp_path / "videos") if outcome["line"] == 1]
            assert (broken["state"], broken["path"], broken["error"]["type"]) == ("done", None, "DownloadError")
            shutil.rmtree(tmp_path / "videos" / "a.mp4.part")
            again = program(f"{line} --json")
            assert again.code == 0 and again.of("total")[0] | {"saved": 1, "kept": 1} == again.of("total")[0]
            assert len(service.jobs) == 2

    def test_no_file_is_taken_for_another_jobs(self, program: Any, tmp_path: Path) -> None:
        heron, cat = one("A heron"), one("A cat")
        with Sandbox(speed=100.0) as service:
            line = f"--base-url {service.base_url} batch all.jsonl -o videos --yes {QUICK}"
            write(tmp_path / "all.jsonl", heron | {"output": "a.mp4"}, cat | {"output": "b.mp4"})
            assert program(line).code == 0
            before = (tmp_path / "videos" / "a.mp4").read_bytes(), (tmp_path / "videos" / "b.mp4").read_bytes()
            write(tmp_path / "all.jsonl", cat | {"output": "a.mp4"}, one("A dog", output="b.mp4"))
            refused = program(line)
            assert refused.code == 2 and refused.err.count("exists, and is no video of this line") == 2
            write(tmp_path / "all.jsonl", cat | {"output": "a.mp4"}, heron | {"output": "b.mp4"})
            assert program(f"{line} --overwrite").code == 0 and len(service.jobs) == 2
            after = (tmp_path / "videos" / "a.mp4").read_bytes(), (tmp_path / "videos" / "b.mp4").read_bytes()
        assert after == before[::-1] and before[0] != before[1]


ENDS = [
    ("failed-internal-error", 3, "failed", QUICK),
    ("moderated-rejected", 4, "moderated", QUICK),
    ("never-ends", 5, "running", SHORT),
    ("reset-after-accepting", 6, "unknown", QUICK),
    ("out-of-credit", 7, "refused", QUICK),
    ("forbidden", 8, "refused", QUICK),
    ("", 9, "refused", SHORT),
]


def test_it_ends_as_its_gravest_outcome(program: Any, tmp_path: Path) -> None:
    write(tmp_path / "all.jsonl", one("A heron"))
    services = [Sandbox(speed=100.0, scenario=name, seed=seed) for seed, (name, *_) in enumerate(ENDS) if name]
    try:
        urls = [service.start().base_url for service in services] + ["http://127.0.0.1:9/v1"]
        lines = [
            f"--json --base-url {url} batch all.jsonl -o {n} --yes {waiting}"
            for n, (url, (*_, waiting)) in enumerate(zip(urls, ENDS, strict=True))
        ]
        ended = program.all(lines)
    finally:
        for service in services:
            service.stop()
    for (name, code, state, _), done in zip(ENDS, ended, strict=True):
        (outcome,), (total,) = done.of("outcome"), done.of("total")
        assert (done.code, outcome["state"], total["exit_code"]) == (code, state, code), (name, done)
        assert outcome["error"]["type"] and (total["resume"] is None) == (code in (3, 4, 6)), (name, done)
    assert program("--sandbox --ledger all.jsonl batch all.jsonl -o videos").code == 1


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_a_signal_tells_the_jobs_that_go_on(program: Any, tmp_path: Path, number: int, code: int) -> None:
    write(tmp_path / "all.jsonl", one("A heron"), one("A boat"))
    with (
        held() as (slow, _),
        program.start(f"--json --base-url {slow.base_url} batch all.jsonl -o videos --yes {QUICK}") as running,
    ):
        until(lambda: count(slow, "POST") == 2 and count(slow, "GET") > 0)  # one at least is waited for
        running.send_signal(number)
        shown, errors = running.communicate(timeout=HANG)
        started = {job["request_id"] for job in slow.jobs}
    error = json.loads(shown.splitlines()[-1])["error"]
    assert (running.returncode, troubles(errors)) == (code, []) and error["exit_code"] == code
    assert set(error["request_ids"]) <= started and len(started) == 2 and "batch" in error["resume"]
    # One that was on its way is known to the ledger when the program has ended.
    assert {entry["request_id"] for entry in program("jobs --json").of("entry")} == started


@pytest.mark.parametrize("output", [False, True])
def test_two_processes_of_one_batch_both_have_all_videos(program: Any, tmp_path: Path, output: bool) -> None:
    names = [{"output": f"{n}.mp4"} if output else {} for n in range(6)]
    write(tmp_path / "all.jsonl", *(one(f"A heron, number {n}", **name) for n, name in enumerate(names)))
    with held() as (slow, clock):
        line = f"--json --base-url {slow.base_url} batch all.jsonl -o videos --yes --no-gallery {QUICK}"
        with program.start(line) as first:
            until(lambda: count(slow, "POST") == 6)
            with program.start(line) as second:
                polled = count(slow, "GET")
                until(lambda: count(slow, "GET") > polled + 24)
                clock.now += 600
                ended = [(each, each.communicate(timeout=HANG)[0]) for each in (first, second)]
        assert count(slow, "POST") == 6
    for process, shown in ended:
        found = [json.loads(each)["outcome"] for each in shown.splitlines() if each.startswith('{"outcome"')]
        assert process.returncode == 0 and all(each["path"] and not each["error"] for each in found), shown
    assert len(list((tmp_path / "videos").glob("*.mp4"))) == 6


def test_every_code_of_an_outcome_has_its_rank() -> None:
    assert sorted([*GRAVEST, 0, 130, 143]) == sorted(code.number for code in CODES)
    assert gravest({0, 3, 5, 6}) == 6 and gravest({5, 10, 0}) == 10 and gravest({0}) == gravest(set()) == 0


def test_what_stops_all_is_told_once(program: Any, tmp_path: Path) -> None:
    write(tmp_path / "all.jsonl", *(one(f"A heron, number {n}") for n in range(40)))
    with Sandbox(speed=100.0, api_key="another") as strict:
        done = program(f"--base-url {strict.base_url} batch all.jsonl -o videos --yes --concurrency 2")
        assert done.code == 8 and done.err.count("AuthenticationError") <= 3 and "40 of 40: 40 refused" in done.err
        assert len(outcomes(tmp_path / "videos")) == 40 and count(strict, "POST") <= 2


def test_no_output_shows_a_secret(program: Any, tmp_path: Path) -> None:
    signed, data = "https://storage.example.com/a.mp4?signature=CANARY0", "data:image/png;base64,CANARY0data"
    write(tmp_path / "good.jsonl", one("CANARY0", image=data), {"prompt": "CANARY0", "video": signed})
    write(tmp_path / "bad.jsonl", one("CANARY0", image=data, video=signed), one("CANARY0", video_url=f"ftp:{signed}"))
    done, refused = program.all([f"batch {name}.jsonl -o videos {OWN}" for name in ("good", "bad")])
    assert refused.code == 2 and "sig" not in refused.err
    for text in (done.out, done.err, refused.err, (tmp_path / "videos" / "outcomes.jsonl").read_text()):
        assert "CANARY" not in text and "sig=" not in text
