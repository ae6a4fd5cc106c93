"""Writes docs/cli.md from the program's help, and docs/cli.svg from a run of it: cli_docs.py [--check].

The picture is what a terminal shows of the installed program, run in a pseudo-terminal against a sandbox.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import sys
import tempfile
from collections.abc import Iterator
from io import StringIO
from itertools import groupby
from pathlib import Path
from typing import Any

import typer

from grok_imagine_cli.app import app
from grok_imagine_cli.codes import CODES, GRAVEST
from grok_imagine_cli.session import PROGRAM
from grok_imagine_sandbox import Sandbox

ROOT = Path(__file__).resolve().parents[1]
PAGE = ROOT / "docs" / "cli.md"
PICTURE = ROOT / "docs" / "cli.svg"
WIDTH, HEIGHT = 104, 40
"""Cells of the terminal in the picture."""
SHOWN = (
    'generate "A lighthouse in a storm" --duration 6 -o lighthouse.mp4 --preview',
    "batch spring.jsonl -o spring --max-cost 2 --yes",
    "jobs",
)
"""The commands in the picture, which end well: the last one lists what the others made."""
MANIFEST = (
    {"prompt": "A heron in the fog", "duration": 2, "output": "heron.mp4"},
    {"prompt": "Children run down a dune", "duration": 3, "output": "dune.mp4"},
    {"prompt": "Rain on a window", "duration": 2, "output": "rain.mp4"},
)
LAST = re.compile(r"4 jobs, \$\d\.\d\d: 4 downloaded")
"""How the picture ends."""

HEAD = """# The command line

In a checkout `pip install ".[cli,sandbox]"` brings the program `grok-imagine`; `[preview]` adds `--preview`, `--contact-sheet` and the
posters of a gallery, which need PyAV and Pillow. This page is made from its help by `make docs`.

![A job from prompt to preview, a batch, and the ledger with what they cost](cli.svg)

Results go to stdout, and everything else to stderr, so that `xdg-open "$(grok-imagine generate ... -o boat.mp4)"` works. A
terminal shows a progress bar; otherwise there are a few lines. `NO_COLOR` is respected. With `--json`, stdout has one JSON
object in each line and nothing else. Its single key is its kind, such as `job`, `file`, `entry`, `total` or `error`. An error has
`type`, `message`, `request_id`, `exit_code`, `hints` and `resume`, the command that resumes the job; an answer's error also has
`status_code` and `host`. If stdout can't be written to, the error is on stderr, with the command that goes on.

While nothing moves for two seconds, a line on stderr, also with `--json`, says what is waited for: `429, retry 2 of 5 in 4 s`, an
answer from a host, the turn of a request, or that another process holds the ledger.

An error names the host, and the proxy of `HTTPS_PROXY`, `HTTP_PROXY` or `ALL_PROXY` that the request went through. `doctor` tells
the same without a job.

A job that is done has a temporary URL, which is printed unless the video is saved. It needs no key: keep it private.

Every job is recorded in a ledger before it is posted: `jobs.db` in the system's folder for program data
(`$XDG_DATA_HOME/grok-imagine`, by default `~/.local/share/grok-imagine`), or the file that `--ledger` or
`GROK_IMAGINE_LEDGER` names. It has hashes of prompts, and with `--keep-prompts` the prompts. With `--sandbox` the ledger is temporary unless it is named, so that test jobs and paid jobs do not mix.

Ctrl-C ends the wait, not the job; the program prints the command that resumes it. The id is quoted for a shell;
unprintable characters are written as `$'...'`, which bash, zsh and ksh read. If a command can't contain the id, it is
`reconcile`. SIGTERM, as from `docker stop`, does the same as Ctrl-C; a second signal ends the program at once.

The words of others, of the service, a manifest or a ledger, are shown on one line and cut after 1,000 characters. What would
steer the terminal, turn its direction or not be seen is shown as \N{REPLACEMENT CHARACTER}. JSON has the words whole, escaped.

With `--sandbox`, a command uses its own sandbox, without a key. The sandbox and its jobs end with the command. Its time runs
20 times as fast; all seconds in options and output are simulated. `grok-imagine sandbox serve` runs a permanent one.

## Manifests

`grok-imagine batch` takes JSON Lines, an array of JSON, or CSV; `-` is stdin. What it is, the file's name says (`.csv`, `.tsv`; `.json`,
`.jsonl`, `.ndjson`), or else its first line. Empty lines are skipped.

```json
"A heron in the fog"
{"prompt": "Children run down a dune", "duration": 5, "output": "dune.mp4"}
{"prompt": "The clouds begin to move", "image": "sky.png"}
{"prompt": "The camera rises", "video": "street.mp4", "mode": "extend-video"}
```

```csv
prompt,duration,generate_audio,model,reference,output
Children run down a dune,5,,,,dune.mp4
<IMAGE_1> meets <IMAGE_2>,,false,grok-imagine-video-1.5,my cat.png; dog.jpg,pets.mp4
```

The keys are the keywords of the client's `generate`, `mode`, and these:

| Key | What it says |
|---|---|
| `image`, `last_frame`, `video` | A URL, or a file of this machine, by its path from the manifest's folder on (with stdin, from here). |
| `reference` | The same, one or a list. |
| `output` | The name of the video's file in DIR; no path, and no two alike. Left out: `<position>-<request_id>.mp4`, positions from 0. |

In CSV, empty cells are left out; `generate_audio` is true or false; lists are separated by semicolons, or JSON; `keyframes`,
`reference_audios` and `storage_options` are JSON. Cells are separated by commas, semicolons, tabs or `|`, whichever finds the most keys
in the heading, or by what a first line `sep=;` says. `3.0` and `3,0` are a duration of 3. Any ends of lines do. What tables write for a
value that is missing, such as `NaN`, `<NA>`, `None`, `NULL` or `#N/A`, is an empty cell, in a prompt, too; and `NaN` of JSON is null.

The file is UTF-8, or UTF-16 or UTF-32 with a mark; `--encoding cp1252` reads what Excel writes on many a Windows. What is not UTF-8 is
told with its first line. Parquet, Excel and compressed files are not read; the message has the lines that convert them.

A column of your own, such as an id, goes through to `outcomes.jsonl` if its name begins with `x_`, or if
`--extra-columns id,campaign` names it; `--extra-columns '*'` lets all through. Any other key is one error, with the key that is likely
meant, since a `duraton` that is ignored would be paid for. With `--no-strict` it is sent as a field.

All lines are checked, files included, before the first is sent; bad ones are listed by their numbers, 20 at most. Neither the check
nor the batch holds the manifest, or more than the files of the jobs that run, in memory.

What the ledger knows of the batch is not sent again, whatever came of it; so the same command goes on after any end, and
fetches only videos that are missing. A batch is known by its name, which is the manifest's full path (with stdin, DIR's)
unless `--name` says another: the manifest may grow, and one that was moved needs its old name. Another name makes all anew.
`--max-cost` holds for all runs of a name. Equal lines run once, unless `--repeat`.

For each outcome, `DIR/outcomes.jsonl` gets a line in each run; the latest of a position counts. With `--json` it is on stdout, too,
as `outcome`, between an `estimate` and a `total`.

| Key | What it says |
|---|---|
| `position`, `line` | Which request, from 0, and on which line of the manifest, from 1. |
| `state` | `done`; `failed`, `expired`, `moderated`: no video; `refused`: not sent; `unknown`; `running`: the wait ended first. |
| `request_id`, `cost_usd` | The job, and what it cost, as far as they are known. |
| `path` | The video's file; null if there is none, also of a job that is done and whose download failed. |
| `mode`, `model`, `duration` | What was asked for, and the video's seconds. |
| `error` | `type` and `message` of what went wrong, or null. |
| `exec`, `exec_code` | With `--exec`, if the command ran: a hash of it, and what it ended with. |

At the end, also after Ctrl-C, `DIR/index.html` shows them all: posters that play under the pointer or the keyboard, prompts,
states, costs and errors, filtered by state and words. It is one file beside the folder `posters`, works from disk, and loads nothing from
elsewhere. `--no-gallery` leaves it out, `grok-imagine gallery DIR` makes it anew, of any folder of videos. Prompts are on the page
and in no other output. An index.html that this program did not write is left alone.

Without a terminal to ask in, `--yes` is needed, but not with `--sandbox`, or when nothing is left to be paid. The exit code is that
of the gravest outcome, in this order: {gravest}.

Lines that are refused for the same reason, such as all that are past `--max-cost`, are told of once and counted.

Whatever one line meets is its own outcome, in this run and in later ones, and stops no other line. What holds for all ends the
batch: a wrong key, no credit, a ledger that can't be written. Several processes may run one batch at once: each request is sent once,
each video is fetched once, and all of them tell of it.

## States

One vocabulary holds for `outcomes.jsonl`, `jobs` and the library (`grok_imagine.State`). `--state` takes each of these words, and
`pending`, the service's word for `running`.

| State | What it says |
|---|---|
| `intended` | The request was noted, and its answer has not come yet. |
| `running` | The job goes on. The service's word is `pending`. |
| `done`, `downloaded` | The video is made; and it is on disk. |
| `failed`, `expired`, `moderated` | The job ended without a video. |
| `refused` | No job was started. |
| `unknown` | The request was sent and its answer lost: a job may be running. |

## `--exec`

`--exec 'CMD {path}'` runs a command for each finished video, after it is saved. It is split into words as a shell does it, but run
without one: `{path}`, the video's full path, is always part of one argument, whatever it holds. The command has no stdin; what it
writes is shown if it fails, the last lines of it. The video and its job are kept in any case, and the exit code is then 1. A batch runs
it one video at a time. A later run runs it for videos for which it has not succeeded; another command is run for all videos.
"""


def page() -> str:
    """The page."""
    command: Any = typer.main.get_command(app)
    head = HEAD.replace("{gravest}", ", ".join(map(str, GRAVEST)))
    return "\n".join([head, *_codes(), *_command(command, PROGRAM)]).rstrip() + "\n"


def _codes() -> Iterator[str]:
    yield from ("## Exit codes", "", "| Code | When |", "|---:|---|")
    for code in CODES:
        yield f"| {code.number} | {code.meaning} |"
    yield ""


def _command(command: Any, path: str) -> Iterator[str]:
    """A command, and then those below it."""
    context = typer.Context(command, info_name=path)
    yield from (f"## `{path}`", "")
    if command.help:
        yield from (_text(command.help), "")
    yield from ("```", " ".join([path, *command.collect_usage_pieces(context)]), "```", "")
    rows = [row for parameter in command.get_params(context) if (row := _row(parameter, context))]
    if rows:
        yield from ("| Option | What it says |", "|---|---|", *rows, "")
    lines = [line for line in (command.epilog or "").splitlines() if line.startswith(PROGRAM)]
    if lines:
        yield from ("```sh", *lines, "```", "")
    for name, below in getattr(command, "commands", {}).items():
        yield from _command(below, f"{path} {name}")


def _row(parameter: Any, context: typer.Context) -> str | None:
    record = parameter.get_help_record(context)
    if record is None or "--help" in record[0] or "completion" in record[0]:
        return None
    return f"| `{record[0].replace('|', chr(92) + '|')}` | {_text(record[1])} |"


def _text(text: str) -> str:
    """Help without rich's escapes, and with its angle brackets as they are."""
    return re.sub(r"\\(?=\[)", "", text).replace("<", "&lt;").replace("|", r"\|")


def picture() -> str:
    """The terminal after the commands were run, as SVG by rich's own export."""
    import pyte
    from rich.console import Console

    screen = pyte.Screen(WIDTH, HEIGHT)
    stream = pyte.ByteStream(screen)
    with tempfile.TemporaryDirectory() as folder, Sandbox(speed=20.0) as sandbox:
        lines = "".join(f"{json.dumps(line)}\n" for line in MANIFEST)
        (Path(folder) / "spring.jsonl").write_text(lines, encoding="utf-8")
        for command in SHOWN:
            stream.feed(f"\x1b[1;32m$\x1b[0m \x1b[1m{PROGRAM} {command}\x1b[0m\r\n".encode())
            stream.feed(_run(command, Path(folder), sandbox.base_url))
    if not any(LAST.match(line) for line in screen.display):
        raise SystemExit("the picture does not end well:\n" + "\n".join(map(str.rstrip, screen.display)))
    console = Console(width=WIDTH, record=True, file=StringIO(), force_terminal=True, color_system="truecolor")
    console.print(_rows(screen), end="")
    return console.export_svg(title=PROGRAM)


def _run(command: str, folder: Path, service: str) -> bytes:
    """What a command writes to a terminal of the picture's size.

    Raises:
        SystemExit: It failed.
    """
    import shlex

    from ptyprocess import PtyProcess

    program = str(Path(sys.executable).with_name(PROGRAM))
    environment = {"PATH": os.environ["PATH"], "TERM": "xterm-256color", "COLORTERM": "truecolor", "LANG": "C.UTF-8"}
    environment |= {"XAI_API_KEY": "sandbox", "XAI_BASE_URL": service, "GROK_IMAGINE_LEDGER": str(folder / "jobs.db")}
    process = PtyProcess.spawn(
        [program, *shlex.split(command)], cwd=str(folder), env=environment, dimensions=(HEIGHT, WIDTH)
    )
    written = b""
    try:
        while True:
            written += process.read(65536)
    except EOFError:
        if process.wait():
            raise SystemExit(f"{command} failed:\n{written.decode()}") from None
    return re.sub(rb"\x1b_[^\x1b]*\x1b\\", b"", written)  # kitty's question, which the emulator would print


def _rows(screen: Any) -> Any:
    """The cells of an emulated terminal as rich's text, without the empty rows at its end."""
    from rich.text import Text

    rows = []
    for y in range(screen.lines):
        row = Text()
        for style, cells in groupby((screen.buffer[y][x] for x in range(screen.columns)), _style):
            row.append("".join(cell.data for cell in cells), style)
        row.rstrip()
        rows.append(row)
    while rows and not rows[-1]:
        rows.pop()
    return Text("\n").join(rows)


def _style(cell: Any) -> Any:
    """A cell's colours; those of a still are coarser than they were, or each of its cells would be an element of its own."""
    from rich.style import Style

    def colour(name: str) -> str | None:
        if re.fullmatch("[0-9a-f]{6}", name):
            return "#" + "".join(f"{min(255, (int(name[i : i + 2], 16) + 8) // 16 * 16):02x}" for i in (0, 2, 4))
        return None if name == "default" else name.replace("brown", "yellow")

    return Style(color=colour(cell.fg), bgcolor=colour(cell.bg), bold=cell.bold)


def main() -> None:
    """Writes what was asked for, or says that the page is out of date."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--check", action="store_true", help="write nothing; fail if the page is out of date")
    options = parser.parse_args()
    if options.check:
        if not PAGE.is_file() or PAGE.read_text(encoding="utf-8") != page():
            sys.exit(f"{PAGE.relative_to(ROOT)} is out of date: make docs")
        return
    PAGE.write_text(page(), encoding="utf-8")
    PICTURE.write_text(picture(), encoding="utf-8")


if __name__ == "__main__":
    main()
