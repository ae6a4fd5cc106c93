"""The program in a terminal: the bar, the tables, the still, Ctrl-C."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from .conftest import held
from .programs import OWN, QUICK


def test_a_bar_shows_progress_time_and_cost(program: Any) -> None:
    with held() as (service, clock):
        at = f"--base-url {service.base_url}"
        running = program.terminal(f"{at} generate 'A paper boat' --duration 1 -o boat.mp4 {QUICK}")
        running.until("at most $0.05")
        running.until("pending")
        assert re.search(r"pending .*\d+ % 0:\d\d:\d\d at most \$0\.05", running.screen) and "━" in running.screen
        clock.now += 100
        done = running.done()
    assert done.code == 0
    job, bar, path = done.out.splitlines()
    assert re.fullmatch(r"job [0-9a-f-]{36}", job) and path == "boat.mp4"
    assert re.fullmatch(r"saved ━+ \d\.\d MB 0:\d\d:\d\d \$0\.05", bar)
    assert "\x1b[32m" in done.err or "\x1b[38" in done.err


def test_a_bar_without_progress_only_moves(program: Any) -> None:
    with held(scenario="no-progress") as (service, clock):
        running = program.terminal(f"--base-url {service.base_url} generate x --duration 1 {QUICK}")
        running.until("pending")
        assert "%" not in running.screen
        clock.now += 100
        assert running.done().code == 0


def test_no_color_means_none(program: Any) -> None:
    done = program.terminal(f"generate x --duration 1 {OWN} -o x.mp4 --preview", NO_COLOR="1").done()
    assert done.code == 0 and "saved" in done.out
    assert not re.search(r"\x1b\[[\d;]*(3[0-8]|4[0-8]|9\d)[;m]", done.err)
    assert re.search("[░▒▓█]{20}", done.out)  # the still, in grey


def test_a_dumb_terminal_gets_lines(program: Any) -> None:
    done = program.terminal(f"generate x --duration 1 {OWN}", TERM="dumb").done()
    assert done.code == 0 and "accepted, at most $0.05" in done.out and "━" not in done.out


def test_a_still_is_shown_in_blocks(program: Any, tmp_path: Path) -> None:
    done = program.terminal(f"generate x --duration 1 {OWN} -o x.mp4 --preview", COLORTERM="truecolor").done()
    still = [line for line in done.out.splitlines() if line.startswith("▀" * 64)]
    assert done.code == 0 and len(still) in (17, 18)  # 16:9, and cells twice as high as wide
    assert len(set(re.findall(r"38;2;\d+;\d+;\d+", done.err))) > 50
    assert "Traceback" not in done.err


def test_a_still_is_left_out_where_there_is_no_terminal(program: Any) -> None:
    done = program(f"generate x --duration 1 {OWN} -o x.mp4 --preview")
    assert (done.code, done.out) == (0, "x.mp4\n") and "no preview" in done.err


def test_tables_have_headings(program: Any) -> None:
    done = program.terminal("modes").done()
    assert done.code == 0 and re.search(r"Mode +Command +Needs +Takes +Refuses", done.out)


def test_ctrl_c_stops_the_wait_and_names_the_command_that_goes_on(program: Any, tmp_path: Path) -> None:
    with held() as (slow, clock):
        running = program.terminal(f"--base-url {slow.base_url} generate 'A heron' -o heron.mp4 --interval 60")
        running.until("waiting")
        running.process.write(b"\x03")
        done = running.done()
        assert done.code == 130 and "the job goes on and is paid for" in done.out and "Traceback" not in done.out
        request_id = slow.jobs[0]["request_id"]
        said = "".join(done.out.splitlines()).partition("takes it up again:")[2].strip()
        resume = re.sub(r"\s+", " ", said)
        assert f"wait {request_id} -o " in resume
        clock.now += 100
        again = program(f"{resume.removeprefix('grok-imagine ')} {QUICK}")
        assert again.code == 0, again
        assert (tmp_path / "heron.mp4").read_bytes()[4:8] == b"ftyp" and len(slow.jobs) == 1


def test_ctrl_c_in_a_sandbox_of_its_own_says_that_the_job_is_gone(program: Any) -> None:
    running = program.terminal("generate x --sandbox --sandbox-speed 1")
    running.until("waiting")
    running.process.write(b"\x03")
    done = running.done()
    assert done.code == 130 and "the sandbox of --sandbox ended with this command" in done.out
    assert "takes it up again" not in done.out


def test_what_a_service_says_does_not_steer_the_terminal() -> None:
    from grok_imagine_cli.texts import plain

    assert plain("a\x1b[2Jb\x07\r\nc\td\u202e\u200b\u3164") == "a�[2Jb�  c d���"


def test_a_still_is_sixels_where_the_terminal_says_that_it_knows_them(program: Any) -> None:
    running = program.terminal(f"generate x --duration 1 {OWN} -o x.mp4 --preview")
    running.process.setecho(False)
    # The terminal's answer lies ready: the question waits a tenth of a second, which a busy machine may miss.
    running.process.write(b"\x1b[?62;4c")
    done = running.done()
    assert done.code == 0 and re.search(r"\x1bP[\d;]*q", done.err) and "▀" not in done.err
