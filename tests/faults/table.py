"""The page that shows the table."""

from __future__ import annotations

from itertools import groupby

from support import ROOT

from . import matrices
from .case import Case
from .cases import CASES

PAGE = ROOT / "docs" / "faults.md"

INTRO = """# What comes of each fault

Made by `python scripts/fault_table.py` from the cases in [`tests/faults`](../tests/faults), which hold the library to each row, with the
blocking client and with the one for asyncio. A row says what the server or the system does, and then:

- **Outcome**: the error's type, with the `reason` of a `DownloadError`; or that the library gets over it by itself.
- **Job**: whether the service has started one, whatever the client knows of that.
- **POSTs**: how many reached the server, which counts them. There is more than one only where each but the last was refused, or
  never delivered, for certain; or where the case posts two requests.
- **Ledger**: the state of the job in it.
- **Id**: where the error keeps it.

Each case also proves that nothing is left behind (no socket, file, thread or task, and no part of a file but one that the next
download goes on from), that no log, stream, error, repr or ledger shows the key or a `data:` URL, that none but the ledger holds
a signed URL, that the host of the file never sees the key, that what is too long is not taken in, and that it is all over within
the time that was given for it.
"""

TITLES = {
    "POST": ("The POST that starts a job", "The service, when it is asked for a video:"),
    "look": ("A poll of the job", "The service, at the first poll after the POST, unless it says for how long:"),
    "download": ("The download", "The host of the file, at the first request, unless it says for how long:"),
    "ledger": ("The ledger", "The ledger's file:"),
    "file": ("The file of the video", "The disk that the video is saved to:"),
    "clock": ("Clocks", "The clocks of this machine, or of the service:"),
}
HEAD = "| Fault | Outcome | Job | POSTs | Ledger | Id | What to do next |\n|---|---|---|---|---|---|---|"


def page() -> str:
    """The whole page."""
    parts = [INTRO]
    for strikes, cases in groupby(CASES, lambda case: case.strikes):
        title, lead = TITLES[strikes]
        parts += [f"## {title}\n\n{lead}\n", "\n".join([HEAD, *map(_row, cases)]) + "\n"]
    return "\n".join([*parts, matrices.page()])


def _row(case: Case) -> str:
    outcome = case.outcome if case.outcome == "recovers" else f"`{case.outcome}`"
    warns = f", with a `{case.warns}`" if case.warns else ""
    error_id = f"`.{case.error_id}`" if case.error_id else ("result" if case.outcome == "recovers" else "")
    cells = (
        case.fault, outcome + warns, "yes" if case.job else "no", str(case.posts),
        f"`{case.ledger}`" if case.ledger else "", error_id, case.then,
    )  # fmt: skip
    return f"| {' | '.join(cells)} |"
