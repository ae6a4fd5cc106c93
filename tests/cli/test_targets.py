"""Nothing is paid for what can't be kept; a key is not paid twice; and what was billed is told."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from grok_imagine import Ledger
from grok_imagine_sandbox import Sandbox
from poison import Poison, http
from poison import service as poisoned

from .programs import QUICK

BILLED = {
    "code": "imagine:content-moderated",
    "error": "Generated video rejected by content moderation.",
    "usage": {"cost_in_usd_ticks": 2500000000},
}
COMMANDS = {
    "generate": "generate x --duration 1",
    "edit": "edit x --video https://example.com/a.mp4",
    "extend": "extend x --video https://example.com/a.mp4 --duration 2",
}
IMAGE = Path("/sys/kernel/a.png")
"""Where not even root makes a file."""


def made(folder: Path) -> None:
    for name in ("taken.mp4", "taken.png", "file"):
        (folder / name).write_text("mine")
    for name in ("folder.png", "held.mp4.part", "empty"):
        (folder / name).mkdir()
    for name in ("dangling.mp4", "dangling.png"):
        (folder / name).symlink_to("nowhere")
    if hasattr(os, "mkfifo"):
        os.mkfifo(folder / "pipe.mp4")
        os.mkfifo(folder / "pipe.png")


VIDEOS = {
    "-o taken.mp4": "taken.mp4 exists; --overwrite replaces a file",
    "-o dangling.mp4": "dangling.mp4 exists",
    "-o nowhere/a.mp4": "nowhere is no directory",
    "-o file/a.mp4": "file is no directory",
    "-o pipe.mp4": "pipe.mp4 exists",
    "-o pipe.mp4 --overwrite": "pipe.mp4 exists",
    "-o /dev/null --overwrite": "/dev/null exists",
    "-o held.mp4": "held.mp4.part is no file",
    f"-o {'x' * 250}.mp4": "File name too long",
    "-o /sys/kernel": "/sys/kernel",
    "-o /sys/kernel/a.mp4": "/sys/kernel/a.mp4",
    "-o /sys/kernel/a.mp4 --overwrite": "/sys/kernel/a.mp4",
}
SHEETS = {
    "--contact-sheet taken.png": "taken.png exists; --overwrite replaces it",
    "--contact-sheet dangling.png --overwrite": "dangling.png exists, and is no file",
    "--contact-sheet folder.png --overwrite": "folder.png exists, and is no file",
    "--contact-sheet pipe.png --overwrite": "pipe.png exists, and is no file",
    "--contact-sheet nowhere/a.png": "nowhere is no directory",
    "--contact-sheet a.gif": "a.gif is not named .png, .jpg or .webp",
    f"--contact-sheet {'x' * 253}.png": "File name too long",
    f"--contact-sheet {IMAGE}": str(IMAGE),
    "-o a.png --contact-sheet a.png": "a.png is where the video goes",
}


@pytest.mark.parametrize("command", COMMANDS)
def test_what_can_not_be_kept_is_not_paid_for(
    program: Any, service: Sandbox, tmp_path: Path, command: str
) -> None:  # fmt: skip
    made(tmp_path)
    before, there = dict(service.requests), listing(tmp_path)
    cases = [*VIDEOS.items(), *SHEETS.items()][:: 1 if command == "generate" else 4]  # they are checked in one place
    lines = [f"--base-url {service.base_url} {COMMANDS[command]} {target}" for target, _ in cases]
    for (target, said), done in zip(cases, program.all(lines), strict=True):
        text = " ".join(done.err.replace("│", " ").split())
        assert done.code == 2 and "".join(said.split()) in "".join(text.split()), (target, done)
        assert "".join(["nothing", "was", "sent"]) in "".join(text.split()), (target, done)
    assert dict(service.requests) == before, "nothing was sent"
    assert listing(tmp_path) == there, "and nothing is left, changed or taken away"
    assert not (tmp_path / "data").exists() or not Ledger(tmp_path / "data/grok-imagine/jobs.db").jobs()


def listing(folder: Path) -> list[tuple[str, object]]:
    files = [path for path in folder.rglob("*") if "data" not in path.relative_to(folder).parts]
    return sorted((str(path), path.read_text() if path.is_file() else path.is_symlink()) for path in files)


def test_what_can_be_kept_is(live: Callable[..., Any], tmp_path: Path) -> None:
    made(tmp_path)
    for options in ("-o taken.mp4 --overwrite --contact-sheet taken.png", "-o empty --contact-sheet new.png"):
        done = live(f"generate x --duration 1 {options} {QUICK}")
        assert done.code == 0, done
    assert (tmp_path / "taken.mp4").stat().st_size > 1000 and (tmp_path / "new.png").stat().st_size > 1000
    assert len(list((tmp_path / "empty").iterdir())) == 1


def test_a_key_is_one_job(live: Callable[..., Any], service: Sandbox) -> None:
    before = len(service.jobs)
    first = live("generate x --duration 1 --key order-17 --no-wait")
    again = live("generate x --duration 1 --key order-17 --no-wait")
    waited = live(f"--json generate x --duration 1 --key order-17 {QUICK}")
    assert first.code == again.code == waited.code == 0 and first.out == again.out
    assert {job["request_id"] for job in waited.of("job")} == {first.out.strip()}
    other = live("generate y --duration 1 --key order-17")
    assert other.code == 2 and "KeyConflict" in other.err and "another key" in " ".join(other.err.split())
    assert len(service.jobs) == before + 1
    (row,) = live("--json jobs").of("entry")
    assert row["key"] == "order-17"


def test_what_moderation_withheld_is_told_with_its_price(program: Any, tmp_path: Path) -> None:
    bad = {number: Poison("looked", "look", lambda _: http(BILLED, 400)) for number in (0, 2, 4)}
    bad |= {number: Poison("posted", "post", lambda _: http(BILLED, 400)) for number in (1, 3)}
    with poisoned(bad) as server:
        at = f"--base-url {server.base_url}"
        looked, posted = (program(f"{at} generate {number} {QUICK}") for number in (0, 1))
        (told,) = program(f"{at} --json generate 2 {QUICK}").of("error")
        (tmp_path / "lines.jsonl").write_text('"3"\n"4"\n')
        batch = program(f"{at} batch lines.jsonl -o videos --yes --name n {QUICK}")
        jobs, as_json = program(f"{at} jobs"), program(f"{at} --json jobs")
        reconciled = program(f"{at} reconcile")
    assert looked.code == posted.code == 4
    assert "it cost $0.25" in looked.err and "it cost $0.25" in posted.err and told["cost_usd"] == 0.25
    assert "$0.50, $0.50 of it without a video" in " ".join(batch.err.split()), batch
    assert "line 1: refused, $0.25" in batch.err and "line 2: moderated, $0.25" in batch.err
    assert "5 jobs, $1.25" in jobs.err and as_json.of("total")[0]["cost_usd"] == 1.25
    assert reconciled.code == 0 and "0 ended" in reconciled.err


def test_reconciling_tells_what_was_billed(program: Any, tmp_path: Path) -> None:
    with poisoned({0: Poison("looked", "look", lambda _: http(BILLED, 400))}) as server:
        at = f"--base-url {server.base_url}"
        started = program(f"{at} generate 0 --no-wait")
        program(f"{at} generate 1 --no-wait")
        reconciled = program(f"{at} --json reconcile")
        jobs = program(f"{at} --json jobs")
    assert started.out.strip() == "job-0"
    costs = {job["request_id"]: job["cost_usd"] for job in reconciled.of("job")}
    assert costs == {"job-0": 0.25, "job-1": 0.005} and jobs.of("total")[0]["cost_usd"] == 0.255
