"""Options that are a yes or no take no value, wherever they stand: whatever version of typer there is."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, get_type_hints

import pytest
import typer

from grok_imagine_cli.app import app, run


def commands() -> Iterator[tuple[tuple[str, ...], Any]]:
    """Each command with its words; the program itself has none."""
    waiting: list[tuple[tuple[str, ...], Any]] = [((), typer.main.get_command(app))]
    while waiting:
        words, command = waiting.pop()
        yield words, command
        waiting += [((*words, name), found) for name, found in getattr(command, "commands", {}).items()]


def flags() -> Iterator[tuple[tuple[str, ...], str]]:
    """Each option that is a bool where the command takes it."""
    for words, command in commands():
        hints = get_type_hints(command.callback) if command.callback else {}
        for option in command.params:
            if hints.get(option.name) is bool:
                yield from ((words, name) for name in (*option.opts, *option.secondary_opts))


FLAGS = sorted(flags())
GLOBAL = [name for words, name in FLAGS if not words]


def test_they_are_found() -> None:
    assert {"--sandbox", "--json", "--version"} <= set(GLOBAL)
    assert {(("batch",), "--yes"), (("generate",), "--overwrite")} <= set(FLAGS)


@pytest.mark.parametrize(
    ("words", "flag"), FLAGS, ids=lambda value: " ".join(value) if isinstance(value, tuple) else value
)
def test_a_flag_takes_no_value(words: tuple[str, ...], flag: str, capsys: pytest.CaptureFixture[str]) -> None:
    """What follows is not taken for one: here it is the option for help."""
    if flag == "--version":  # it ends the program by itself
        assert run([flag]) == 0
        return
    assert run([*words, flag, "--help"]) == 0
    assert "Usage" in capsys.readouterr().out


@pytest.mark.parametrize("flag", [flag for flag in GLOBAL if flag != "--version"])
def test_a_global_flag_may_stand_anywhere(flag: str, capsys: pytest.CaptureFixture[str]) -> None:
    for arguments in ([flag, "modes", "edit-video"], ["modes", flag, "edit-video"], ["modes", "edit-video", flag]):
        assert run(arguments) == 0, arguments
        assert "edit-video" in capsys.readouterr().out or flag != "--json"


@pytest.mark.parametrize("flag", [flag for flag in GLOBAL if flag != "--version"])
def test_a_flag_refuses_a_value(flag: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert run([f"{flag}=x", "modes"]) == 2
