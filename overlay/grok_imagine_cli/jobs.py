"""The commands for jobs that were started: get, wait, download, and those of the ledger: jobs, reconcile."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, get_args

import typer

from .codes import NUMBERS
from .delivery import After, follow
from .options import (
    Exec,
    Interval,
    Open,
    Overwrite,
    Preview,
    RequestId,
    Saved,
    Sheet,
    Since,
    State,
    Timeout,
    since,
)
from .session import session_of
from .texts import usd
from .view import job_of, view_of

if TYPE_CHECKING:
    from datetime import datetime

    from grok_imagine import Entry, GrokImagineError, Video

__all__ = ["download", "get", "jobs", "reconcile", "wait"]


def get(context: typer.Context, request_id: RequestId) -> None:
    """Look at a job once.

    Prints its state, and its temporary URL if it is done. The exit code tells how it ended; while it runs it is 0.
    """
    session = session_of(context)
    session.request_id = request_id
    with session.client() as client:
        video = client.video.get(request_id)
    state = job_of(video)
    shown = [
        f"{name}: {usd(value) if name == 'cost_usd' else value}" for name, value in state.items() if value is not None
    ]
    session.output.result("job", state, *shown)
    if video.outcome not in ("running", "done"):
        raise video.failure()


def wait(
    context: typer.Context,
    request_id: RequestId,
    timeout: Timeout = None,
    interval: Interval = None,
    output: Saved = None,
    overwrite: Overwrite = False,
    open: Open = False,
    preview: Preview = False,
    contact_sheet: Sheet = None,
    exec_line: Exec = None,
) -> None:
    """Wait for a job that was started before.

    Here or elsewhere. With its video it does what `generate` does.
    """
    session, after = (
        session_of(context),
        After(output, overwrite, open, preview, contact_sheet, timeout, interval, exec_line),
    )
    after.check()
    with session.client() as client:
        session.request_id, session.after = request_id, after.arguments()
        follow(
            session,
            client,
            lambda view: client.video.wait(request_id, timeout=timeout, interval=interval, on_progress=view.looked),
            after,
        )


def download(
    context: typer.Context,
    request_id: RequestId,
    output: Saved = None,
    overwrite: Overwrite = False,
    open: Open = False,
    preview: Preview = False,
    contact_sheet: Sheet = None,
    exec_line: Exec = None,
) -> None:
    """Bring the video of a finished job to disk.

    Without -o it is saved in this folder, under the job's id. A download that broke off is taken up where it was.
    """
    session, after = (
        session_of(context),
        After(output or Path(), overwrite, open, preview, contact_sheet, exec_line=exec_line),
    )
    after.check()
    with session.client() as client:
        session.request_id, session.after = request_id, after.arguments()
        follow(session, client, lambda view: client.video.get(request_id), after)


def jobs(context: typer.Context, since_date: Since = None, state: State = None) -> None:
    """List the jobs of the ledger, with what they cost."""
    from grok_imagine import JobState

    session, states = session_of(context), state or []
    if wrong := [name for name in states if name not in get_args(JobState)]:
        raise typer.BadParameter(f"{wrong[0]} is none of {', '.join(get_args(JobState))}", param_hint="--state")
    begin = since(since_date)
    with session.ledger() as ledger:
        found = [entry for entry in ledger.jobs(*states) if entry.created >= begin]
    rows = [_row(entry) for entry in found]
    if not session.output.as_json:
        rows = [
            row | {"created": _short(entry.created), "cost_usd": usd(row["cost_usd"])}
            for row, entry in zip(rows, found, strict=True)
        ]
    columns = {
        "created": "Started",
        "request_id": "Job",
        "state": "State",
        "cost_usd": "Cost",
        "about": "File or reason",
    }
    session.output.table("entry", rows, columns)
    total = _sums(found)
    session.output.emit("total", total)
    if not session.output.as_json:
        states_said = ", ".join(
            f"{count} {name} {usd(total['cost_usd_by_state'][name])}" for name, count in total["by_state"].items()
        )
        session.output.say(
            f"{total['jobs']} job{'s' * (total['jobs'] != 1)}, {usd(total['cost_usd'])}{f': {states_said}' if states_said else ''}"
        )


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


def _row(entry: Entry) -> dict[str, Any]:
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
    }


def _sums(entries: Sequence[Entry]) -> dict[str, Any]:
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


def reconcile(context: typer.Context, timeout: Timeout = None) -> None:
    """After a crash: take up every job of the ledger.

    What nobody knows is listed; nothing is ever posted. Exits with 6 if there are requests of unknown outcome,
    else with 1 if what came of a job could not be handled, else with 5 if jobs still run when the time is up.
    """
    session = session_of(context)
    with session.client() as client, session.ledger() as ledger, view_of(session):
        found = client.reconcile(ledger, timeout=timeout)
    rows = [_end_row(end, session.output.as_json) for end in found.ended]
    is_odd = any(row["state"] == "error" for row in rows)
    rows += [
        {"request_id": entry.request_id, "state": "running", "cost_usd": entry.cost_usd, "about": None}
        for entry in found.running
    ]
    rows += [_row(entry) | {"state": "unknown"} for entry in found.unknown]
    session.output.table("job", rows, {"request_id": "Job", "state": "State", "about": "Where, or why not"})
    if not session.output.as_json:
        cost = usd(sum(row.get("cost_usd") or 0 for row in rows))
        counts = f"{len(found.ended)} ended, {len(found.running)} running, {len(found.unknown)} unknown; {cost}"
        session.output.say(counts + ("; look for these on the usage page of the console" if found.unknown else ""))
    if found.unknown or is_odd or found.running:
        raise typer.Exit(NUMBERS["unknown" if found.unknown else "error" if is_odd else "timeout"])


def _end_row(end: Video | GrokImagineError, as_json: bool) -> dict[str, Any]:
    """What came of a job; its state is `error` if that could not be handled."""
    from grok_imagine import ApiError, JobError, Video

    if isinstance(end, Video):
        try:
            return job_of(end, url=as_json) | {"about": end.url if end.outcome == "done" else None}
        except Exception as error:  # this job's alone: the others are listed, too
            about = f"{type(error).__name__}: {error}"
            return {"request_id": end.request_id, "state": "error", "about": about}
    state = "failed" if isinstance(end, JobError | ApiError) else "error"
    about, cost = f"{type(end).__name__}: {end.message}", getattr(end, "cost_usd", None)
    return {"request_id": end.request_id, "state": state, "cost_usd": cost, "about": about}
