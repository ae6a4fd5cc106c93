"""Words of others in every place where the program shows them: none steers the terminal, hides, or passes for the program's own."""

from __future__ import annotations

import json
import re
import shlex
import sqlite3
import subprocess
import sys
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import pytest

from grok_imagine import Ledger
from grok_imagine_cli.plan import Folder
from grok_imagine_cli.texts import command, plain, usd
from poison import LOOKS, Poison, Service, done, http
from support import HANG

from .programs import QUICK

STEERS = "\x1b[2J\x1b[5m\x1b]0;owned\x07\x1b]52;c;aGk=\x07\x1b]8;;https://evil.example\x1b\\x\x1b]8;;\x1b\\\x9b31m\x7f\x08\x00\x0b\x85"
HIDES = "\u202eabc\u2066\u2069\u200b\u200f\u2060\ufeff\u00ad\u3164\u2800\ufe0f\u2028\ue000\U000e0041"
TEXTS = {
    "steers and hides": f"a{STEERS}{HIDES}z",
    "spoofs": "a\r\nline 9: done\njob owned accepted\t[red]x[/red] [link=https://evil.example]y[/link] :boom:",
    "is long": "a" * 20_000,
}
PROGRAM = str(Path(sys.executable).with_name("grok-imagine"))
OWN = re.compile(r"\x1b\[(?:[0-9;]*m|2K|1A|\?25[lh])|[\r\n]")
"""What rich writes for colours, bars and the cursor."""


class Hostile(Service):
    """A service that says one text wherever it says anything. `end` is how its jobs end; `refuses` is the status of a POST."""

    def __init__(self, text: str, end: str = "failed", refuses: int = 0, request_id: str | None = None) -> None:
        self.text, self.end, self.refuses = text, end, refuses
        self.request_id = text if request_id is None else request_id
        self.asked: list[str] = []
        super().__init__()

    def answer(self, method: str, path: str, body: bytes) -> bytes:
        error = {"code": self.text, "message": self.text}
        if path.endswith("models"):
            return http({"models": [{"id": self.text, "aliases": [self.text]}]})
        if method == "POST":
            if self.refuses == 422:
                return http(self.text.encode(), 422, "content-type: text/plain")
            return http({"error": error}, self.refuses) if self.refuses else http({"request_id": self.request_id})
        self.asked.append(unquote(path.rpartition("/videos/")[2]))
        if len(self.asked) % 2:
            return http({"status": self.text, "progress": 10**30, "model": self.text}, 202)
        if self.end == "done":
            return http(done("x", model=self.text, video={"url": f"http://127.0.0.1:9/{self.text}", "duration": 1}))
        return http({"status": "failed", "error": error, "model": self.text})


@pytest.fixture(params=TEXTS.values(), ids=list(TEXTS))
def text(request: pytest.FixtureRequest) -> str:
    return request.param


def is_harmless(written: str, screen: str, text: str) -> None:
    """What came over the pseudo-terminal is printable, but for rich's own codes; nothing of it was the service's."""
    rest = OWN.sub("", written)
    steering = sorted({character for character in rest if not character.isprintable()})
    assert not steering and "\x1b[5m" not in written, (steering, screen)
    assert not set(HIDES) - {"a", "b", "c"} & set(rest), screen
    assert not re.search(r"^(line 9|job owned)", screen, re.MULTILINE), screen
    assert len(text) < 10_000 or len(written) < 60_000
    assert "Traceback" not in screen


COMMANDS = {
    "generate": (f"generate 'A cat' {QUICK} -o x.mp4", {}),
    "done": (f"generate 'A cat' {QUICK} -o x.mp4", {"end": "done"}),
    "refused": ("generate 'A cat'", {"refuses": 400}),
    "unprocessable": ("generate 'A cat'", {"refuses": 422}),
    "lost": ("generate 'A cat'", {"refuses": 502}),
    "get": ("get ID", {}),
    "wait": ("wait ID --timeout 0", {}),
    "download": ("download ID", {"end": "done"}),
    "batch": (f"batch all.jsonl -o out --yes {QUICK}", {}),
    "batch refused": ("batch all.jsonl -o out --yes", {"refuses": 400}),
    "jobs": ("jobs", {}),
    "reconcile": ("reconcile --timeout 3", {}),
    "models": ("models", {}),
    "doctor": ("doctor", {"refuses": 400}),
    "misused": ("get", {}),
    "manifest": ("batch bad.jsonl -o out --yes", {}),
    "missing": ("batch TEXT -o out --yes", {}),
}


@pytest.mark.parametrize("line", COMMANDS)
def test_the_words_of_others_are_shown_harmlessly(program: Any, tmp_path: Path, text: str, line: str) -> None:
    arguments, options = COMMANDS[line]
    service = Hostile(text, **options)
    base = f"--base-url {service.base_url}"
    (tmp_path / "all.jsonl").write_text(json.dumps({"prompt": text[:3000], "duration": 1}), encoding="utf-8")
    (tmp_path / "bad.jsonl").write_text(json.dumps({text: text, "mode": text, "output": text}), encoding="utf-8")
    if line in ("jobs", "reconcile"):
        ledger(program, tmp_path, service)
    given = text.replace("\0", "")[:5000]
    arguments = arguments.replace("ID", shlex.quote(given)).replace("TEXT", shlex.quote(given))
    try:
        told = program.shown(f"{base} {arguments}")
    finally:
        service.close()
    is_harmless(told.err, told.out, text)
    shows = {"get", "refused", "unprocessable", "batch refused", "jobs", "models", "manifest"}
    if "[red]" in text and line in shows:
        assert "[red]x[/red]" in "".join(told.out.split("\n")), told.out


def ledger(program: Any, folder: Path, service: Hostile) -> None:
    """A ledger in which the service's words stand wherever they can."""
    path = folder / "data" / "grok-imagine" / "jobs.db"
    path.parent.mkdir(parents=True)
    made = Ledger(path)
    for number in range(6):
        made.import_job(f"{service.text}{number}", service.base_url)
    made.close()
    with sqlite3.connect(path) as database:
        words = (service.text,) * 4
        database.execute(
            "UPDATE jobs SET state = 'failed', message = ?, code = ?, model = ?, mode = ? WHERE rowid = 1", words
        )
        database.execute("UPDATE jobs SET state = ?, path = ? WHERE rowid = 2", words[:2])
        database.execute("UPDATE jobs SET created = 9e999, cost_ticks = 9000000000000000000 WHERE rowid = 3")
        database.execute("UPDATE jobs SET state = 'unknown', request_id = NULL, message = ? WHERE rowid = 4", words[:1])
    database.close()


@pytest.mark.parametrize(
    "request_id",
    [
        "--help",
        "-o",
        "--",
        "a b",
        "a'; touch owned; '",
        "$(touch owned)",
        "a\x1b[2J\x9b",
        "\u202ea",
        "a\nb",
        "\\x27",
        "../../x",
    ],
    ids=ascii,
)
def test_the_command_that_takes_a_job_up_again_names_it_to_the_letter(
    program: Any, tmp_path: Path, request_id: str
) -> None:
    service = Hostile("pending", "done", request_id=request_id)
    try:
        told = program(f"--base-url {service.base_url} generate 'A cat' --timeout 0 --json")
        resume = told.of("error")[0]["resume"]
        assert told.code == 5 and plain(resume, None) == resume
        environment = program.environment | {"PATH": f"{Path(PROGRAM).parent}:{program.environment['PATH']}"}
        asked = len(service.asked)
        done = subprocess.run(
            ["bash", "-c", resume],
            cwd=tmp_path,
            env=environment,
            capture_output=True,
            text=True,
            timeout=HANG,
            check=False,
        )
        assert service.asked[asked:] == [request_id] * (len(service.asked) - asked) and len(service.asked) > asked, done
        assert done.returncode == 0 and not (tmp_path / "owned").exists()
    finally:
        service.close()


def test_an_id_that_no_command_can_hold_is_taken_up_by_reconcile(program: Any) -> None:
    service = Hostile("pending", request_id="a" * 5000)
    try:
        told = program(f"--base-url {service.base_url} generate 'A cat' --timeout 0 --json")
        error = told.of("error")[0]
        assert error["request_id"] == "a" * 5000 and error["resume"].endswith("--json reconcile")
    finally:
        service.close()


NAMES = ["../../x", "/etc/x", "..", "a\0b", "CON", "a" * 5000, "a/b\\c:d", "\u202e", "--x", "."]


@pytest.mark.parametrize("request_id", NAMES, ids=lambda name: ascii(name)[:20])
def test_no_id_leads_a_file_out_of_its_folder(tmp_path: Path, request_id: str) -> None:
    with Folder(tmp_path) as folder:
        target = folder.target(None, 3, request_id)
        other = folder.target(None, 3, f"{request_id}x")
    assert target.parent == tmp_path and re.fullmatch(r"3-[-.\w]{1,120}\.mp4", target.name, re.ASCII)
    assert target != other
    target.write_bytes(b"")


@pytest.mark.long
def test_a_poisoned_batch_goes_on_and_its_end_tells_it(program: Any, tmp_path: Path) -> None:
    mad = {1: Poison("x", "look", LOOKS["a cost over 64 bits"]), 3: Poison("y", "look", LOOKS["no such job"])}
    (tmp_path / "all.jsonl").write_text("".join(f'"{number}"\n' for number in range(6)), encoding="utf-8")
    service = Service(mad)
    service.files = service.base_url  # where none is: a host that is not there would be asked again and again
    try:
        for _ in range(2):
            told = program(f"--base-url {service.base_url} batch all.jsonl -o out --yes --json {QUICK}")
            found = {outcome["position"]: outcome for outcome in told.of("outcome")}
            assert sorted(found) == list(range(6)) and told.of("total")[0]["requests"] == 6
            assert {found[number]["state"] for number in (0, 2, 4, 5)} == {"done"}
            assert all(found[number]["request_id"] == f"job-{number}" for number in range(6))
            assert found[3]["error"]["type"] == "NotFoundError" and told.code in (1, 8)
            assert told.of("total")[0]["exit_code"] == told.code and told.of("total")[0]["resume"]
        assert set(service.posts.values()) == {1}
    finally:
        service.close()


def test_plain_leaves_no_character_that_steers_or_hides() -> None:
    every = "".join(map(chr, range(0x110000)))
    shown = plain(every, None)
    assert len(shown) == len(every) and shown.isprintable() and not set(HIDES) - set("abc") & set(shown)
    assert shown.encode()  # no halves of characters
    assert len(plain("a" * 10**6)) == 1000 and plain(7) == "7"
    assert command(["a\0b"]) is None and usd(float("inf")) == "$inf" and len(usd(1e300)) < 12


@pytest.mark.parametrize("line", ["generate", "refused", "batch", "jobs", "reconcile", "models"])
def test_pipes_get_lines_that_no_text_can_break(program: Any, tmp_path: Path, line: str) -> None:
    arguments, options = COMMANDS[line]
    text = "".join(TEXTS[name] for name in ("spoofs", "steers and hides"))
    service = Hostile(text, **options)
    (tmp_path / "all.jsonl").write_text('{"prompt": "A cat", "duration": 1}', encoding="utf-8")
    if line in ("jobs", "reconcile"):
        ledger(program, tmp_path, service)
    try:
        told = program(f"--base-url {service.base_url} {arguments} --json")
        lines = program(f"--base-url {service.base_url} {arguments}")
    finally:
        service.close()
    assert told.lines and told.out.isascii() and told.out.replace("\n", "").isprintable()
    shown = lines.out + lines.err + told.err
    assert shown.replace("\n", "").replace("\t", "").isprintable() and not set(HIDES) - set("abc") & set(shown)
    assert not re.search(r"^(line 9|job owned)", shown, re.MULTILINE)


def test_a_defect_is_told_harmlessly() -> None:
    code = "from grok_imagine_cli.output import set_up_streams as s; s(); raise ValueError('a\\x1b[2J\\u202e\\ud83d\\nline 9')"
    environment = {"PYTHONIOENCODING": "ascii"}
    told = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, check=False)
    assert (
        told.returncode == 1 and b"ValueError: a\\ufffd[2J\\ufffd\\ufffd" in told.stderr and b"\x1b" not in told.stderr
    )
