"""The command `batch`: a manifest checked whole, its price and a question, and then its outcomes as they come."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from .batch_view import BatchView, batch_view_of, sums
from .codes import NUMBERS, code_of, gravest
from .delivery import DOWNLOAD_SECONDS
from .exec_command import ExecCommand
from .gallery_page import MOST
from .manifest import BadLine, BadManifest, Line, Manifest
from .options import PAYING, READING, RESULT, WAITING, Exec, Interval, Strict, Timeout
from .plan import Folder, Known, Plan, planned
from .report import KEYS, in_words
from .session import Session, service_session_of
from .texts import usd

if TYPE_CHECKING:
    from grok_imagine import Batch, Client, Outcome

__all__ = ["batch"]


def batch(
    context: typer.Context,
    manifest: Annotated[
        str,
        typer.Argument(metavar="MANIFEST", help="JSON Lines, an array of JSON, or CSV. `-` is stdin."),
    ],
    folder: Annotated[
        Path,
        typer.Option("--output", "-o", metavar="DIR", help="Save the videos here.", rich_help_panel=RESULT),
    ],
    extra_columns: Annotated[
        list[str] | None,
        typer.Option(
            "--extra-columns",
            metavar="NAME,...",
            help="Columns that go through to outcomes.jsonl, besides those called x_...; * for all that no request has.",
            rich_help_panel=READING,
        ),
    ] = None,
    encoding: Annotated[
        str | None,
        typer.Option(
            metavar="NAME", help="Of the manifest, such as cp1252, if it is not UTF-8.", rich_help_panel=READING
        ),
    ] = None,
    overwrite: Annotated[
        bool, typer.Option("--overwrite", help="Replace files that an `output` names.", rich_help_panel=RESULT)
    ] = False,
    gallery: Annotated[
        bool,
        typer.Option(
            "--gallery/--no-gallery", help="At the end, write DIR/index.html to look at them.", rich_help_panel=RESULT
        ),
    ] = True,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.", rich_help_panel=PAYING)] = False,
    max_cost: Annotated[
        float | None,
        typer.Option(
            "--max-cost",
            metavar="USD",
            min=0,
            help="What all jobs of the batch may cost, those of earlier runs too.",
            rich_help_panel=PAYING,
        ),
    ] = None,
    repeat: Annotated[
        bool,
        typer.Option("--repeat", help="Make a video for each of several equal lines.", rich_help_panel=PAYING),
    ] = False,
    name: Annotated[
        str | None,
        typer.Option(
            "--name",
            metavar="NAME",
            help="What the batch is called in the ledger. \\[default: the path of the manifest; with stdin, of DIR]",
            rich_help_panel=PAYING,
        ),
    ] = None,
    strict: Strict = True,
    concurrency: Annotated[
        int | None,
        typer.Option(
            metavar="N",
            min=1,
            help="Jobs that run at once. \\[default: what the service allows]",
            rich_help_panel=WAITING,
        ),
    ] = None,
    timeout: Timeout = None,
    interval: Interval = None,
    exec_line: Exec = None,
) -> None:
    """Make a video of each line of a manifest.

    A line is an object of JSON with the keywords of the client's `generate`, and `mode: extend-video` for an extension, or a
    text, which is a prompt; of CSV, the first row has the keywords. A file of this machine is given as `image`, `reference`,
    `last_frame` or `video`, from the manifest's folder on. `output` names the file in DIR. Columns of your own are called x_...

    All lines are checked before the first is sent. Then it says what they cost at most, and asks.

    The same command goes on after Ctrl-C, a crash or a failure: what the ledger knows of the batch is neither sent again nor
    counted, and videos that are there are not fetched again. In DIR, outcomes.jsonl gets a line for each outcome,
    and index.html shows them all: open it in a browser.
    """
    session, command = service_session_of(context), ExecCommand.of(exec_line)
    with ExitStack() as stack:
        read = Manifest(manifest, extra=extra_columns or (), encoding=encoding, strict=strict)
        lines, place = stack.enter_context(read), stack.enter_context(_folder(folder))
        client = stack.enter_context(session.client())
        batch_name = name or str((folder if lines.is_stdin else Path(manifest)).resolve())
        assert session.used_ledger is not None, "the client has one"
        known = Known(session.used_ledger, client.base_url, batch_name)
        with session.output.status("checking") as told:
            plan = planned(
                lines, place, known, repeat=repeat, strict=strict, overwrite=overwrite,
                on_line=lambda number: told(f"checked {number} lines") if number % 100 == 0 else None,
            )  # fmt: skip
        if not plan.requests:
            raise typer.BadParameter(f"{lines.name} holds no request", param_hint="MANIFEST")
        lines.check_unchanged()
        _agree(session, plan, max_cost, yes)
        _make_room(place)
        options = {
            "--max-cost": max_cost, "--name": name, "--concurrency": concurrency, "--timeout": timeout,
            "--interval": interval, "--extra-columns": ",".join(extra_columns or ()) or None, "--encoding": encoding,
            "--exec": exec_line,
        }  # fmt: skip
        flags = {"--overwrite": overwrite, "--yes": yes, "--repeat": repeat, "--no-strict": not strict}
        flags["--no-gallery"] = not gallery
        session.command = [
            "batch", "-" if lines.is_stdin else str(Path(manifest).absolute()), "-o", str(folder.absolute()),
            *(part for option, value in options.items() if value is not None for part in (option, _written(value))),
            *(flag for flag, is_set in flags.items() if is_set),
        ]  # fmt: skip
        run = Run(session, client, lines, place, overwrite, gallery, command)
        code = run(
            plan, name=batch_name, max_cost_usd=max_cost, repeat=repeat, strict=strict, concurrency=concurrency,
            timeout=timeout, interval=interval,
        )  # fmt: skip
    if code:
        raise typer.Exit(code)


def _written(value: object) -> str:
    return f"{value:.12g}" if isinstance(value, float) else str(value)


def _folder(path: Path) -> Folder:
    if path.exists() and not path.is_dir():
        raise typer.BadParameter(f"{path} is no directory", param_hint="-o")
    return Folder(path)


def _make_room(folder: Folder) -> None:
    try:
        folder.open()
    except OSError as error:
        raise typer.BadParameter(
            f"{folder.path}: {error.strerror or error}; nothing was sent", param_hint="-o"
        ) from None


def _agree(session: Session, plan: Plan, max_cost: float | None, yes: bool) -> None:
    """Says what the batch will cost, and asks whether it is to be, unless that was said or nothing is to be paid.

    Raises:
        BadParameter: There is nobody to ask.
        Abort: The answer is no.
    """
    output = session.output
    output.emit("estimate", plan._asdict() | {"max_cost_usd": max_cost})
    if not output.as_json:
        for text in _told(plan, max_cost):
            output.say(text)
    if yes or not plan.new or session.sandbox:
        return
    if not (sys.stdin.isatty() and sys.stderr.isatty()):
        raise typer.BadParameter("without a terminal there is nobody to ask: --yes", param_hint="--yes")
    if not typer.confirm("Send them?", err=True):
        output.say("nothing was sent")
        raise typer.Abort


def _told(plan: Plan, max_cost: float | None) -> Iterator[str]:
    parts = [f"{plan.new} new, at most {usd(plan.cost_usd)}"] if plan.new else ["none is new"]
    parts += [f"{plan.known} known to the ledger"] if plan.known else []
    parts += [f"{plan.equal} equal to one before"] if plan.equal else []
    yield f"{plan.requests} request{'s' * (plan.requests != 1)}: {', '.join(parts)}"
    if plan.unpriced:
        yield f"{plan.unpriced} of them have no known price, and count as nothing"
    if max_cost is not None and (plan.cost_usd > max_cost or plan.unpriced):
        yield f"--max-cost {usd(max_cost)} may stop it before its end"


class Run:
    """A batch at work: hands lines out, takes outcomes in, and brings videos to disk."""

    def __init__(
        self,
        session: Session,
        client: Client,
        manifest: Manifest,
        folder: Folder,
        overwrite: bool,
        gallery: bool = True,
        command: ExecCommand | None = None,
    ) -> None:
        self._session, self._client, self._has_gallery, self._command = session, client, gallery, command
        self._manifest, self._folder, self._overwrite = manifest, folder, overwrite
        self._out: dict[int, Line] = {}
        self._codes: set[int] = set()
        self._saved = self._kept = 0
        self._prompts: dict[int, str] = {}

    def __call__(self, plan: Plan, **options: Any) -> int:
        """Runs it to its end, and returns the exit code."""
        session = self._session
        work = self._client.video.batch(self._items(), on_progress=lambda video: view.polled(video), **options)
        view = batch_view_of(session, work, plan.requests)
        with work, view:
            try:
                for outcome in work:
                    self._take(outcome, view)
            except BaseException as error:
                session.running = getattr(error, "request_ids", None) or work.running
                self._gallery(posters=False)
                raise
        code = gravest(self._codes)
        self._total(plan, work, code)
        return code

    def _items(self) -> Iterator[dict[str, Any]]:
        """The requests, pulled as places get free, by a thread of the batch."""
        for position, line in enumerate(self._manifest.lines()):
            if isinstance(line, BadLine):  # it was good when it was checked
                raise BadManifest(self._manifest.name, [line], 1)
            self._out[position] = line
            yield line.keywords

    def _take(self, outcome: Outcome, view: BatchView) -> None:
        line = self._out.pop(outcome.position)
        path: Path | None = None
        cost_usd, error = None, outcome.error
        try:
            cost_usd = outcome.cost_usd
            if outcome.video is not None and self._is_fetched(outcome):
                path = self._fetch(outcome, line, view)
        except Exception as failure:  # it is this line's alone; the same command once more tries it again
            error = failure
        self._codes.add(0 if error is None else code_of(error))
        shown: dict[str, Any] = line.extra | {
            "position": outcome.position,
            "line": line.number,
            "state": outcome.state,
            "request_id": outcome.request_id,
            "path": None if path is None else str(path),
            "cost_usd": cost_usd,
            **_asked(outcome),
            "error": None if error is None else {"type": type(error).__name__, "message": in_words(error, None, KEYS)},
        }
        prompt = outcome.request.body.get("prompt") if outcome.request else None
        if self._has_gallery and isinstance(prompt, str) and outcome.position < MOST:
            self._prompts[outcome.position] = prompt  # for the page alone: no other output has any
        try:
            command, request_id = self._command, str(outcome.request_id)
            if path is not None and command and not self._folder.is_handled(path, request_id, command.name):
                shown["exec"], shown["exec_code"] = command.name, command(path, view.told)
                self._codes.add(NUMBERS["error"] if shown["exec_code"] else 0)
        finally:  # whatever ends the command, the video and its job are noted
            self._folder.note(shown)
        view.outcome(shown, error)

    def _is_fetched(self, outcome: Outcome) -> bool:
        """Whether there is a file to be fetched: the request may have had it sent elsewhere."""
        video = outcome.video
        elsewhere = outcome.request is not None and outcome.request.delivered_elsewhere
        return video is not None and (bool(video.url or video.public_url) or not elsewhere)

    def _fetch(self, outcome: Outcome, line: Line, view: BatchView) -> Path:
        """Brings a video to disk, unless it is there."""
        from grok_imagine import DownloadError

        request_id = str(outcome.request_id)
        target = self._folder.target(line.output, outcome.position, request_id)
        if not outcome.is_new and self._folder.has(target, request_id):
            self._kept += 1
            return target
        view.saving(target.name)
        try:
            path = self._client.video.download(
                outcome.video or request_id,
                target,
                overwrite=self._overwrite,
                timeout=min(DOWNLOAD_SECONDS * self._session.speed, 1e7),
            )
        except DownloadError as error:
            if error.reason not in ("exists", "busy") or not self._folder.await_other(
                target, request_id, is_named=line.output is not None
            ):
                raise
            self._kept += 1
            return target
        self._saved += 1
        return path

    def _gallery(self, *, posters: bool = True) -> Path | None:
        if not self._has_gallery:
            return None
        from .gallery import of_batch

        return of_batch(self._session, self._folder.path, self._prompts, posters=posters)

    def _total(self, plan: Plan, work: Batch, code: int) -> None:
        session, output = self._session, self._session.output
        page = self._gallery()
        total = {
            "requests": plan.requests,
            "by_state": dict(work.counts),
            "saved": self._saved,
            "kept": self._kept,
            "cost_usd": work.cost_usd,
            "lost_usd": work.lost_usd,
            "gallery": None if page is None else str(page),
            "exit_code": code,
            "resume": session.resume() if code in AGAIN else None,
        }
        output.emit("total", total)
        if output.as_json:
            return
        output.say(sums(work, plan.requests))
        if page:
            output.say(f"to look at them: {page}", whole=True)
        if total["resume"]:
            output.say("this goes on with what is missing:")
            output.say(f"  {total['resume']}", style="bold", whole=True)


def _asked(outcome: Outcome) -> dict[str, Any]:
    """What was asked for, and how many seconds it has become."""
    request, video = outcome.request, outcome.video
    mode, model = (request.mode, request.body.get("model")) if request else (None, None)
    return {"mode": mode, "model": model, "duration": video.duration if video else None}


AGAIN: Sequence[int] = [
    NUMBERS[word] for word in ("error", "credit", "refused", "connection", "cost", "download", "timeout")
]
"""The exit codes after which the same command, by then or with more credit, brings more."""
