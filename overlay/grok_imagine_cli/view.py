"""What is seen while a job is waited for: a bar in a terminal, a few lines elsewhere, or JSON."""

from __future__ import annotations

import warnings
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self

from .output import Output
from .report import warning_in_words
from .session import Session
from .texts import percent, plain, usd

if TYPE_CHECKING:
    from rich.progress import Progress, TaskID

    from grok_imagine import Video

__all__ = ["View", "job_of", "view_of"]

STATUS = 40
"""Characters of a state's word; the service's own are short."""

STEP = 25
"""Per cent of progress from line to line where there is no terminal."""


def job_of(video: Video, *, url: bool = True) -> dict[str, Any]:
    """A job at one poll, as JSON has it. Its URL may be signed, and stands only in what was asked for."""
    shown = {
        "request_id": video.request_id,
        "state": video.outcome,
        "status": video.status,
        "progress": video.progress,
        "duration": video.duration,
        "model": video.model,
        "cost_usd": video.cost_usd,
    }
    return shown | ({"url": video.url or video.public_url} if url and video.outcome == "done" else {})


class View:
    """Says little, on stderr: the id, each quarter of the progress, the end. With `--json` it says all, on stdout.

    A context manager, since a bar has to be taken off the terminal whatever happens. One view shows any number of jobs.

    Args:
        session: The run, whose client has been made: its clock is the client's.
        estimate: What a job will cost at most in USD, if known.
    """

    is_batch = False
    """Whether fields are keys of a manifest, not options."""

    def __init__(self, session: Session, estimate: float | None = None) -> None:
        self._output: Output = session.output
        self._session = session
        self._estimate = estimate
        self._clock = session.clock
        self._begin = session.clock()
        self._quarters: dict[str, int] = {}

    def accepted(self, request_id: str) -> None:
        """A job was started, and is paid for."""
        self._output.emit("job", {"request_id": request_id, "state": "running", "estimated_usd": self._estimate})
        if not self._output.as_json:
            self._output.say(f"job {request_id} accepted{self._cost(None)}")

    def polled(self, video: Video) -> None:
        """A poll saw a job running."""
        self._output.emit("job", job_of(video) | {"elapsed": round(self._clock() - self._begin, 1)})
        quarter = min(video.progress or 0, 100) // STEP
        if not self._output.as_json and quarter > self._quarters.get(video.request_id, 0):
            self._quarters[video.request_id] = quarter
            self._output.say(f"{percent(video.progress)} after {self._clock() - self._begin:.0f} s")

    def ended(self, video: Video) -> None:
        """A job is done."""
        if not self._output.as_json:
            self._output.say(f"done after {self._clock() - self._begin:.0f} s{self._cost(video.cost_usd)}")

    def fetched(self, request_id: str, size: int, total: int | None) -> None:
        """Some of a video is on disk."""

    def __enter__(self) -> Self:
        self._warn, warnings.showwarning = warnings.showwarning, self._warned
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        warnings.showwarning = self._warn

    def _warned(self, message: Warning | str, *where: object, **more: object) -> None:
        self._output.say(warning_in_words(message, is_batch=self.is_batch))

    def _cost(self, actual: float | None) -> str:
        if actual is not None:
            return f", {usd(actual)}"
        return "" if self._estimate is None else f", at most {usd(self._estimate)}"


class Bars(View):
    """One bar a job, on the terminal of stderr: the service's own progress, time, cost."""

    def __init__(self, session: Session, estimate: float | None = None) -> None:
        super().__init__(session, estimate)
        self._tasks: dict[str, TaskID] = {}
        self._progress = self._made()

    def _made(self) -> Progress:
        from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

        return Progress(
            TextColumn("{task.description}", markup=False),
            BarColumn(),
            TextColumn("{task.fields[far]:>5}", markup=False),
            TimeElapsedColumn(),
            TextColumn("{task.fields[cost]}", markup=False),
            console=self._output.errors,
            get_time=self._clock,
        )

    def accepted(self, request_id: str) -> None:
        self._output.say(f"job {request_id}")
        self._task(request_id)

    def polled(self, video: Video) -> None:
        progress = video.progress
        # Without progress, or before it begins, the bar only moves.
        self._progress.update(
            self._task(video.request_id),
            description=plain(video.status, STATUS),
            total=100 if progress else None,
            completed=min(max(progress or 0, 0), 100),
            far=percent(progress),
            cost=self._cost(video.cost_usd).removeprefix(", "),
        )

    def ended(self, video: Video) -> None:
        cost = self._cost(video.cost_usd).removeprefix(", ")
        self._progress.update(
            self._task(video.request_id), description="done", total=100, completed=100, far="100 %", cost=cost
        )

    def fetched(self, request_id: str, size: int, total: int | None) -> None:
        # Of 100, as before: another total would set the time going again, which says how long the job took.
        self._progress.update(
            self._task(request_id),
            description="saved" if size == total else "saving",
            total=100,
            completed=100 * size / total if total else 100,
            far=f"{size / 1e6:.1f} MB",
        )

    def _task(self, request_id: str) -> TaskID:
        if request_id not in self._tasks:
            cost = self._cost(None).removeprefix(", ")
            self._tasks[request_id] = self._progress.add_task("waiting", total=None, far="", cost=cost)
        return self._tasks[request_id]

    def __enter__(self) -> Self:
        super().__enter__()
        self._progress.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for task in self._tasks.values():
            self._progress.stop_task(task)
        self._progress.stop()
        super().__exit__(kind, error, trace)


def view_of(session: Session, estimate: float | None = None) -> View:
    """The view that fits where stderr goes."""
    return (Bars if session.output.draws else View)(session, estimate)
