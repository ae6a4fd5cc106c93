"""The jobs of the ledger as they are listed: in which words, in how much room, and again as they change."""

from __future__ import annotations

import time
from collections import Counter, defaultdict
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from typing import TYPE_CHECKING, Any

from .output import Output
from .signals import Terminated
from .texts import usd

if TYPE_CHECKING:
    from datetime import datetime

    from grok_imagine import Entry

__all__ = ["COLUMNS", "LEAST", "row_of", "rows_of", "sums_of", "told", "watched"]

COLUMNS = {
    "created": "Started",
    "request_id": "Job",
    "state": "State",
    "cost_usd": "Cost",
    "prompt": "Prompt",
    "about": "File or reason",
}
"""What is shown of a job."""

LEAST = ("created", "about", "prompt")
"""What a narrow terminal leaves out, the first of them first."""

PROMPT_LENGTH = 40
"""Characters of a prompt that are shown; JSON has it whole."""

WATCH_SECONDS = 1.0


def told(total: Mapping[str, Any]) -> str:
    """The sums of jobs in one line."""
    states = ", ".join(
        f"{count} {name} {usd(total['cost_usd_by_state'][name])}" for name, count in total["by_state"].items()
    )
    return f"{total['jobs']} job{'s' * (total['jobs'] != 1)}, {usd(total['cost_usd'])}{f': {states}' if states else ''}"


def watched(output: Output, read: Callable[[], list[Entry]]) -> list[Entry]:
    """Shows jobs as they change, until Ctrl-C: a table that is drawn anew, or else a line for each change.

    Returns:
        The jobs at the end.
    """
    with ExitStack() as stack:
        found = read()
        show = _table_of(output, stack) if output.is_drawn and not output.as_json else _changes_of(output)
        try:
            while True:
                show(found)
                time.sleep(WATCH_SECONDS)
                found = read()
        except Terminated:
            raise
        except KeyboardInterrupt:  # that is how it is ended
            return found


def _table_of(output: Output, stack: ExitStack) -> Callable[[list[Entry]], object]:
    from rich.console import Group
    from rich.live import Live
    from rich.text import Text

    live = stack.enter_context(Live(console=output.results, auto_refresh=False))

    def show(entries: list[Entry]) -> None:
        room = max(1, output.results.height - 4)  # the heading, and the sums
        more = [Text(f"and {len(entries) - room} before")] if len(entries) > room else []
        table = output.drawn(rows_of(entries[-room:], False), COLUMNS, LEAST)
        live.update(Group(*more, table, Text(told(sums_of(entries)))), refresh=True)

    return show


def _changes_of(output: Output) -> Callable[[list[Entry]], object]:
    seen: dict[str, Entry] = {}

    def show(entries: list[Entry]) -> None:
        new = [entry for entry in entries if seen.get(entry.intent) != entry]
        seen.update((entry.intent, entry) for entry in new)
        output.table("entry", rows_of(new, output.as_json), COLUMNS)

    return show


def rows_of(entries: Sequence[Entry], as_json: bool) -> list[dict[str, Any]]:
    """Jobs as JSON has them, or as people see them."""
    rows = [row_of(entry) for entry in entries]
    if as_json:
        return rows
    return [
        row
        | {
            "created": _short(entry.created),
            "cost_usd": usd(row["cost_usd"]),
            "prompt": _words_of(entry),
        }
        for row, entry in zip(rows, entries, strict=True)
    ]


def _words_of(entry: Entry) -> str | None:
    """The beginning of a prompt; of one that is not kept, that of its hash."""
    if entry.prompt is not None:
        text = " ".join(entry.prompt.split())
        return text if len(text) <= PROMPT_LENGTH else f"{text[: PROMPT_LENGTH - 1]}…"
    return f"#{entry.prompt_sha256[:8]}" if entry.prompt_sha256 else None


def _time(when: float) -> datetime | None:
    """A time of the ledger; None for one that no calendar has."""
    from datetime import datetime

    try:
        return datetime.fromtimestamp(when)
    except (ValueError, OverflowError, OSError):
        return None


def _short(when: float) -> str:
    """A time in few characters: a year's only if it is another."""
    from datetime import datetime

    time, now = _time(when), datetime.now()
    if time is None:
        return "-"
    return f"{time:%d %b %H:%M}" if time.year == now.year else f"{time:%d %b %Y}"


def row_of(entry: Entry) -> dict[str, Any]:
    """A job of the ledger, without its URL, which may be signed."""
    created = _time(entry.created)
    return {
        "created": created and created.astimezone().isoformat(" ", "seconds"),
        "request_id": entry.request_id,
        "state": entry.state,
        "mode": entry.mode,
        "model": entry.model,
        "cost_usd": entry.cost_usd,
        "about": entry.path or entry.message,
        "origin": entry.origin,
        "body_sha256": entry.body_sha256,
        "key": entry.key,
        "batch": entry.batch,
        "prompt": entry.prompt,
        "prompt_sha256": entry.prompt_sha256,
    }


def sums_of(entries: Sequence[Entry]) -> dict[str, Any]:
    """How many jobs and how many USD, in all and by state; what the service never told counts as nothing."""
    from grok_imagine_api.contract import TICKS_PER_USD

    ticks: dict[str, int] = defaultdict(int)
    for entry in entries:
        ticks[entry.state] += entry.cost_ticks or 0
    return {
        "jobs": len(entries),
        "cost_usd": sum(ticks.values()) / TICKS_PER_USD,
        "by_state": dict(Counter(entry.state for entry in entries)),
        "cost_usd_by_state": {state: amount / TICKS_PER_USD for state, amount in ticks.items()},
    }
