"""The part of the page that shows the matrices: what is mixed with what, and what holds in each cell."""

from __future__ import annotations

from importlib import import_module
from typing import Any

from support import ROOT

MOMENTS = {
    "before": "no connection yet, so that nothing was sent",
    "sent": "the request is there, and nothing of the answer",
    "half": "half of the answer has come",
    "answered": "the answer has come",
}


def page() -> str:
    """Its three sections."""
    return "\n".join([*_endings(), *_poison(), *_processes()])


def _endings() -> list[str]:
    tests: Any = import_module("endings.test_endings")
    cells = tests.cells()
    lines = [
        "## However a program ends\n",
        "A paid POST belongs to the process, not to the call that asked for it. A caller that leaves waits five seconds for the answer,",
        "and so does the interpreter when it ends. An answer of the service by then is in the ledger by its id. Without a ledger the",
        "id is on the exception that the program sees; or, if none will be shown, in one ERROR line of the logger `grok_imagine`, with the",
        "command that resumes the job. A POST that was not sent is never sent, and is `failed` in the ledger.\n",
        f"[`tests/endings`](../tests/endings) hold that in {len(cells)} cells, each a process of its own against a raw server: every way",
        "below, at each moment, with a ledger and without, with an answer that comes 0.2 and 2 seconds later. The suite takes a sample",
        "of the day; `make prove` takes all.\n",
        "| Moment | What is known |\n|---|---|",
        *(f"| {name} | {text} |" for name, text in MOMENTS.items()),
        "\n| Way | Signals | POSTs under way | Moments |\n|---|---|---|---|",
    ]
    for name, program in tests.PROGRAMS.items():
        moments = ", ".join(each for each in MOMENTS if any(c.program == name and c.moment == each for c in cells))
        signals = ", ".join(tests.signal.Signals(each).name for each in program.signals)
        lines.append(f"| {name.replace('-', ' ')} | {signals} | {program.posts} | {moments} |")
    return [
        *lines,
        "\nNot promised: SIGKILL, `os._exit`, and SIGTERM in a program that does not handle it, end a process before anything can be",
        "waited for. With a ledger the intent is then on disk, and `unknown`. An `AsyncClient` with an `http_client` of the caller's own",
        "sends its POSTs in the event loop: when the loop ends first, the intent is recorded as `unknown`.\n",
    ]


def _poison() -> list[str]:
    poison: Any = import_module("poison")
    return [
        "## One bad job among others\n",
        "Of six jobs any subset is poisoned. All others end as if they were alone, in a batch, in its rerun and in `reconcile`, with both",
        "clients; nothing is posted twice, and an id that came is kept ([`tests/facade/test_poison.py`](../tests/facade/test_poison.py)).\n",
        "| Where | What comes |\n|---|---|",
        f"| the answer to the POST | {', '.join(poison.POSTS)} |",
        f"| the first or the second poll | {', '.join(poison.LOOKS)} |",
        f"| the ledger's row of an earlier run | {', '.join(poison.ROWS)} |\n",
    ]


def _processes() -> list[str]:
    text = (ROOT / "scripts" / "prove_processes.py").read_text(encoding="utf-8")
    roles, ways = (text.split(f"{name} = (")[1].split(")")[0].replace('"', "") for name in ("ROLES", "WAYS"))
    return [
        "## Many processes on one ledger\n",
        "`make prove` starts at least 300 processes on one ledger after the other, six at once. No request is posted twice, each id that a",
        "process was told is in the ledger, each posted request is there by its id or as an unknown intent, and `PRAGMA integrity_check`",
        "finds nothing, after each round ([`scripts/prove_processes.py`](../scripts/prove_processes.py)). It also kills 200 batches, and",
        "cuts the power 1,000 times in simulation.\n",
        f"- What a process does: {roles}.",
        f"- How it ends: {ways}.\n",
        "Not promised: a ledger on a network file system (a `LedgerWarning` says so), or one whose file is copied over while it is in",
        "use. On macOS the disk is asked for a full sync.",
        "",
    ]
