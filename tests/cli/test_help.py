"""The help: its examples run, its page is current, its exit codes are the table's, and it loads nothing that it need not."""

from __future__ import annotations

import html
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import typer
from PIL import Image

from grok_imagine import errors
from grok_imagine_cli.app import app
from grok_imagine_cli.codes import CODES, code_of, is_resumable
from grok_imagine_sandbox import Sandbox
from support import ROOT

from .programs import OWN, QUICK

LIGHT = """
import sys
from grok_imagine_cli.app import run
sys.argv = ["grok-imagine"]
code = run(sys.argv_given)
heavy = {"httpx", "grok_imagine", "grok_imagine_api", "grok_imagine_sandbox", "PIL", "av", "platformdirs"} & set(sys.modules)
assert not heavy, heavy
"""


def commands(command: Any, path: tuple[str, ...] = ()) -> dict[tuple[str, ...], Any]:
    found = {path: command}
    for name, below in getattr(command, "commands", {}).items():
        found |= commands(below, (*path, name))
    return found


COMMANDS = commands(typer.main.get_command(app))
EXAMPLES = [
    line
    for command in COMMANDS.values()
    for line in (command.epilog or "").splitlines()
    if line.startswith("grok-imagine ") and " serve" not in line  # that one runs until it is told to end
]
ID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")


@pytest.mark.parametrize("line", EXAMPLES)
def test_an_example_of_the_help_runs(program: Any, service: Sandbox, tmp_path: Path, line: str) -> None:
    for name in ("sky.png", "cat.png", "dog.jpg"):
        Image.new("RGB", (64, 64), "teal").save(tmp_path / name)
    (tmp_path / "prompt.txt").write_text("A heron in the fog", encoding="utf-8")
    (tmp_path / "spring.jsonl").write_text('{"prompt": "A heron", "duration": 1}', encoding="utf-8")
    (tmp_path / "spring.csv").write_text("prompt,duration\nA cat,1\n", encoding="utf-8")
    (tmp_path / "spring").mkdir()
    arguments = line.removeprefix("grok-imagine ")
    if ID.search(line):  # the job of another run: that needs a sandbox that stays
        base = f"--base-url {service.base_url} "
        started = program(f"{base}generate x --duration 1 -o boat.mp4 {QUICK} --json").of("job")[0]["request_id"]
        arguments = base + ID.sub(started, arguments).replace("wait", "wait --overwrite")
    else:
        if arguments.startswith("generate") and "--duration" not in arguments:
            arguments += " --duration 1"  # the default takes long to be drawn
        waits = arguments.split()[0] in ("generate", "edit", "extend", "batch") and "--no-wait" not in arguments
        arguments += f" {OWN}" if waits else " --sandbox"
    done = program(arguments)
    assert done.code == 0, done


def test_the_script_that_is_installed_does_what_a_fork_of_it_does(program: Any) -> None:
    line = f"generate 'A heron' --duration 1 -o {{}}.mp4 {OWN}"
    installed, forked = program.installed(line.format("a")), program(line.format("b"))
    assert (installed.code, installed.out, forked.code, forked.out) == (0, "a.mp4\n", 0, "b.mp4\n")
    # How often a look meets a quarter of the progress depends on the machine.
    ends = [
        [re.sub(r"[0-9a-f-]{36}|\d+ s", "", line) for line in done.err.splitlines() if " % " not in line]
        for done in (installed, forked)
    ]
    assert ends[0] == ends[1]
    misused = [run("generate x --duration 99") for run in (program.installed, program)]
    assert misused[0] == misused[1] and misused[0].code == 2


def test_every_command_has_examples() -> None:
    leaves = [path for path, command in COMMANDS.items() if not hasattr(command, "commands")]
    assert len(leaves) == 16
    for path in leaves:
        assert f"grok-imagine {' '.join(path)}" in (COMMANDS[path].epilog or ""), path


def test_the_help_and_the_page_tell_the_exit_codes(program: Any) -> None:
    shown = program("--help").out
    page = (ROOT / "docs" / "cli.md").read_text(encoding="utf-8")
    for code in CODES:
        assert f"{code.number:>3}  {code.meaning}" in shown
        assert f"| {code.number} | {code.meaning} |" in page


def test_every_error_has_an_exit_code_of_its_own_kind() -> None:
    classes = {name: getattr(errors, name) for name in errors.__all__}
    named = {name for code in CODES for name in code.errors} - {
        "Exception",
        "TyperException",
        "KeyboardInterrupt",
        "Terminated",
    }
    assert named <= classes.keys()
    assert len({code.number for code in CODES}) == len(CODES)
    others = {
        "CreateOutcomeUnknown",
        "LedgerError",
        "QuotaError",
        "UnexpectedError",
    }  # whose code is that of all other errors
    kinds = [classes[name] for name in named - others]
    assert all(code_of(cls.__new__(cls)) != 1 for cls in classes.values() if issubclass(cls, tuple(kinds)))
    # These end nothing themselves.
    bases = {
        "GrokImagineError",
        "JobError",
    }
    assert {name for name, cls in classes.items() if code_of(cls.__new__(cls)) == 1} == others | bases
    assert code_of(errors.VideoModeratedError("x", "x")) == 4 and code_of(errors.VideoExpiredError("x", "x")) == 3
    assert code_of(errors.TargetExistsError("x", reason="exists")) == 10 and code_of(errors.LedgerError("x")) == 1
    # A job that has ended, or never began, is not to be waited for.
    ended = {name for name, cls in classes.items() if not is_resumable(cls.__new__(cls))}
    assert {"VideoGenerationError", "VideoModeratedError", "InvalidRequest", "StartOutcomeUnknown"} <= ended


def test_the_page_is_what_the_help_says() -> None:
    done = subprocess.run([sys.executable, str(ROOT / "scripts" / "cli_docs.py"), "--check"], check=False)
    assert done.returncode == 0


def test_the_picture_shows_a_session_that_ends_well() -> None:
    picture = html.unescape((ROOT / "docs" / "cli.svg").read_text(encoding="utf-8")).replace("\xa0", " ")
    words = re.sub("<[^>]*>", "", picture.partition("</style>")[2])
    for text in (
        "lighthouse.mp4",
        "saved",
        "3 of 3: 3 done",
        "to look at them: spring/index.html",
        "grok-imagine jobs",
    ):
        assert text in words
    assert re.search(r"[1-9]\d* jobs, \$(?!0\.00)\d+\.\d\d: \d+ downloaded", words)
    assert not re.search("Error|CANARY|/tmp", words)


@pytest.mark.parametrize("arguments", [["--help"], ["--version"], ["generate", "--help"], ["sandbox", "--help"]])
def test_help_and_version_load_neither_client_nor_httpx(arguments: list[str]) -> None:
    code = LIGHT.replace("sys.argv_given", repr(arguments))
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def test_without_its_extra_it_says_what_to_install() -> None:
    code = "import sys; sys.modules['typer'] = None; sys.argv = ['grok-imagine', 'models']; import grok_imagine_cli as c; c.main()"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (
        2,
        "grok-imagine needs typer: install grok-imagine with its extra [cli]; in a checkout: pip install '.[cli]'\n",
    )


def test_the_version_is_the_installed_one(program: Any) -> None:
    from importlib.metadata import version

    assert program("--version").out == program("--version --json").out == f"grok-imagine {version('grok-imagine')}\n"


def test_global_options_may_stand_anywhere_but_behind_two_dashes(program: Any) -> None:
    before, behind = program.all(["--json modes edit-video", "modes edit-video --json"])
    assert before == behind and before.of("mode")
    literal = program("--json estimate -- --sandbox")
    assert literal.code == 0 and literal.of("estimate")


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_completion_is_typers(program: Any, shell: str) -> None:
    script = program("", _GROK_IMAGINE_COMPLETE=f"source_{shell}")
    assert "grok-imagine" in script.out


def test_completion_knows_the_contracts_values(program: Any) -> None:
    words = "grok-imagine generate x --resolution "
    done = program("", _GROK_IMAGINE_COMPLETE="complete_bash", COMP_WORDS=words, COMP_CWORD="4")
    assert done.out.split() == ["480p", "720p", "1080p"]


def test_startup_is_measured_beside_a_bare_program() -> None:
    from benchmarks.startup import startup

    rows = startup(rounds=1)
    assert [row.option for row in rows] == ["--help", "--version"]
    assert all(row.ours > 0 and row.bare > 0 and row.ratio == row.ours / row.bare for row in rows)
