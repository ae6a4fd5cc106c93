"""The commands for jobs that were started: get, wait, download, and those of the ledger: jobs, reconcile."""

from __future__ import annotations

import difflib
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, get_args

import typer

from .codes import NUMBERS
from .delivery import After, follow
from .listing import COLUMNS, LEAST, row_of, rows_of, sums_of, told, watched
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
    Watch,
    since,
)
from .report import in_words
from .session import service_session_of, session_of
from .texts import usd
from .view import job_of, view_of

if TYPE_CHECKING:
    from grok_imagine import Entry, GrokImagineError, Ledger, Video

__all__ = ["download", "get", "jobs", "reconcile", "wait"]


def get(context: typer.Context, request_id: RequestId) -> None:
    """Poll a job once.

    Prints its state, and its temporary URL if it is done. The exit code tells how it ended; while it runs it is 0.
    """
    session = service_session_of(context)
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
        service_session_of(context),
        After(output, overwrite, open, preview, contact_sheet, timeout, interval, exec_line),
    )
    after.check()
    with session.client() as client:
        session.request_id, session.after = request_id, after.arguments()
        follow(
            session,
            client,
            lambda view: client.video.wait(request_id, timeout=timeout, interval=interval, on_progress=view.polled),
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
    session = service_session_of(context)
    after = After(output or Path(), overwrite, open, preview, contact_sheet, exec_line=exec_line)
    after.check()
    with session.client() as client:
        session.request_id, session.after = request_id, after.arguments()
        follow(session, client, lambda view: client.video.get(request_id), after)


def jobs(context: typer.Context, since_date: Since = None, state: State = None, watch: Watch = False) -> None:
    """List the jobs of the ledger, with what they cost.

    Of a prompt that is not kept, the beginning of its hash is shown: equal prompts have the same. --keep-prompts, or
    GROK_IMAGINE_KEEP_PROMPTS=1, has those of new jobs be kept.

    What the ledger has is what the processes noted that waited. A job that none waits for stays `running` here, with --watch, too,
    until `wait` or `reconcile` polls it.
    """
    session, states = session_of(context), _states_of([each.lower() for each in state or ()])
    begin = since(since_date)

    def read(ledger: Ledger) -> list[Entry]:
        found = (entry for entry in ledger.jobs() if entry.created >= begin)
        return [entry for entry in found if not states or entry.state in states]

    with session.ledger() as ledger:
        if watch:
            found = watched(session.output, lambda: read(ledger))
        else:
            found = read(ledger)
            session.output.table("entry", rows_of(found, session.output.as_json), COLUMNS, LEAST)
    total = sums_of(found)
    session.output.emit("total", total)
    if not session.output.as_json:
        session.output.say(told(total))
        if any(entry.prompt is None and entry.prompt_sha256 for entry in found) and not session.keep_prompts:
            session.output.say("prompts are shown as hashes; --keep-prompts keeps those of new jobs")


def _states_of(words: Sequence[str]) -> set[str]:
    """The states that are meant. The service's word for `running` is understood, too."""
    from grok_imagine import State as Word

    known = get_args(Word)
    states = ["running" if word == "pending" else word for word in words]
    if wrong := [state for state in states if state not in known]:
        near = difflib.get_close_matches(wrong[0], known, n=1)
        meant = f"; is {near[0]} meant?" if near else ""
        raise typer.BadParameter(f"{wrong[0]} is none of {', '.join(known)}{meant}", param_hint="--state")
    return set(states)


def reconcile(context: typer.Context, timeout: Timeout = None) -> None:
    """After a crash: take up every job of the ledger.

    What nobody knows is listed; nothing is ever posted. Exits with 6 if there are requests of unknown outcome,
    else with 1 if what came of a job could not be handled, else with 5 if jobs still run when the time is up.
    """
    session = service_session_of(context)
    with session.client() as client, session.ledger() as ledger, view_of(session):
        found = client.reconcile(ledger, timeout=timeout)
    rows = [_end_row(end, session.output.as_json) for end in found.ended]
    is_odd = any(row["state"] == "running" for row in rows)
    rows += [
        {"request_id": entry.request_id, "state": "running", "cost_usd": entry.cost_usd, "about": None}
        for entry in found.running
    ]
    rows += [row_of(entry) | {"state": "unknown"} for entry in found.unknown]
    session.output.table("job", rows, {"request_id": "Job", "state": "State", "about": "Where, or why not"})
    if not session.output.as_json:
        cost = usd(sum(row.get("cost_usd") or 0 for row in rows))
        counts = f"{len(found.ended)} ended, {len(found.running)} running, {len(found.unknown)} unknown; {cost}"
        session.output.say(counts + ("; look for these on the usage page of the console" if found.unknown else ""))
    if found.unknown or is_odd or found.running:
        raise typer.Exit(NUMBERS["unknown" if found.unknown else "error" if is_odd else "timeout"])


def _end_row(end: Video | GrokImagineError, as_json: bool) -> dict[str, Any]:
    """What came of a job; one whose end could not be handled may still be `running`."""
    from grok_imagine import ApiError, JobError, Video, VideoExpiredError, VideoModeratedError

    if isinstance(end, Video):
        try:
            return job_of(end, url=as_json) | {"about": end.url if end.outcome == "done" else None}
        except Exception as error:  # this job's alone: the others are listed, too
            about = f"{type(error).__name__}: {error}"
            return {"request_id": end.request_id, "state": "running", "about": about}
    states = ((VideoExpiredError, "expired"), (VideoModeratedError, "moderated"), ((JobError, ApiError), "failed"))
    state = next((word for kind, word in states if isinstance(end, kind)), "running")
    about, cost = f"{type(end).__name__}: {in_words(end)}", getattr(end, "cost_usd", None)
    return {"request_id": end.request_id, "state": state, "cost_usd": cost, "about": about}
