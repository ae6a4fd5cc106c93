"""What is seen of a batch: a bar for each job that runs and a line of sums in a terminal, a line an outcome elsewhere, or JSON."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from types import TracebackType
from typing import TYPE_CHECKING, Any, Protocol, Self

from .session import Session
from .texts import percent, plain, usd
from .view import STATUS, View

if TYPE_CHECKING:
    from rich.console import RenderableType

    from grok_imagine import Video

__all__ = ["BatchView", "batch_view_of", "sums"]

MOST_REASONS = 100
"""Reasons that are remembered, so that they are told once."""


class Sums(Protocol):
    """What a batch has come to so far."""

    @property
    def counts(self) -> Counter[str]:
        """Outcomes by state."""

    @property
    def cost_usd(self) -> float:
        """What its jobs cost."""

    @property
    def lost_usd(self) -> float:
        """The part of it for jobs without a video."""

    @property
    def running(self) -> Sequence[str]:
        """Ids of the jobs that are waited for."""


def sums(batch: Sums, requests: int) -> str:
    """One line: how many of how many, in which states, for how much."""
    counts = batch.counts
    states = ", ".join(f"{count} {state}" for state, count in counts.items())
    lost = f", {usd(batch.lost_usd)} of it without a video" if batch.lost_usd else ""
    return f"{counts.total()} of {requests}{f': {states}' if states else ''}; {usd(batch.cost_usd)}{lost}"


class BatchView(View):
    """Says a line an outcome, on stderr. With `--json` it says all, on stdout."""

    is_batch = True

    def __init__(self, session: Session, batch: Sums, requests: int) -> None:
        super().__init__(session)
        self._batch, self._requests = batch, requests
        self._lines: dict[tuple[str, str], int] = {}
        self._more: Counter[tuple[str, str]] = Counter()

    def accepted(self, request_id: str) -> None:
        """A job was started: nothing to tell, of so many."""

    def polled(self, video: Video) -> None:
        """A poll saw a job running: the same."""

    def saving(self, name: str) -> None:
        """A video is being brought to disk."""

    def told(self, text: str) -> None:
        """A command says something of its end."""
        if not self._output.as_json:
            self._output.say(text)

    def outcome(self, shown: Mapping[str, Any], error: BaseException | None) -> None:
        """A request has its outcome, and the video its file if it has one."""
        if self._output.as_json:
            self._output.emit("outcome", shown)
            return
        cause = f": {shown['error']['type']}: {shown['error']['message']}" if shown["error"] else ""
        cost = "" if shown["cost_usd"] is None else f", {usd(shown['cost_usd'])}"
        if not self._is_more(shown):
            self._say(f"line {shown['line']}: {shown['state']}{cost}{cause}", shown)
        if shown["path"]:
            self._output.write(shown["path"])

    def _is_more(self, shown: Mapping[str, Any]) -> bool:
        """Whether another line was refused for the same reason: what stops the rest of a batch is told of one, and counted."""
        if shown["state"] != "refused" or not shown["error"]:
            return False
        kind = shown["error"]["type"]
        # A cap's message has the sums of each line.
        reason = (kind, "" if kind == "CostLimitError" else shown["error"]["message"])
        if reason in self._lines:
            self._more[reason] += 1
            return True
        if len(self._lines) < MOST_REASONS:
            self._lines[reason] = shown["line"]
        return False

    def _say(self, text: str, shown: Mapping[str, Any]) -> None:
        self._output.say(text)

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        super().__exit__(kind, error, trace)
        for reason, count in self._more.items():
            lines = "line was" if count == 1 else "lines were"
            self._output.say(f"{count} more {lines} refused like line {self._lines[reason]}: {reason[0]}")


class BatchBars(BatchView):
    """A bar a running job, drawn anew several times a second, and the sums below them, on the terminal of stderr."""

    def __init__(self, session: Session, batch: Sums, requests: int) -> None:
        super().__init__(session, batch, requests)
        from rich.live import Live

        self._seen: dict[str, tuple[str, int | None]] = {}
        self._begun: dict[str, float] = {}
        self._saving = ""
        self._live = Live(
            get_renderable=self._drawn,
            console=self._output.errors,
            refresh_per_second=8,
            transient=True,
            # The paths are for stdout, wherever that goes.
            redirect_stdout=self._output.results.is_terminal,
        )

    def polled(self, video: Video) -> None:
        self._seen[video.request_id] = (video.status, video.progress)

    def saving(self, name: str) -> None:
        self._saving = f"; saving {plain(name, STATUS)}"

    def outcome(self, shown: Mapping[str, Any], error: BaseException | None) -> None:
        self._saving = ""
        super().outcome(shown, error)

    def _say(self, text: str, shown: Mapping[str, Any]) -> None:
        if shown["error"]:  # the path of a video says enough
            super()._say(text, shown)

    def _drawn(self) -> RenderableType:
        from rich.console import Group
        from rich.table import Table
        from rich.text import Text

        ids = list(self._batch.running)
        for known in (self._seen, self._begun):
            for gone in known.keys() - ids:
                known.pop(gone, None)
        room = max(1, self._output.errors.height - 4)
        bars = Table.grid(padding=(0, 1))
        for request_id in ids[:room]:
            bars.add_row(*self._bar(request_id))
        more = [Text(f"and {len(ids) - room} more")] if len(ids) > room else []
        return Group(bars, *more, Text(f"{sums(self._batch, self._requests)}; {len(ids)} running{self._saving}"))

    def _bar(self, request_id: str) -> Iterator[RenderableType]:
        from rich.progress_bar import ProgressBar
        from rich.text import Text

        now = self._clock()
        status, progress = self._seen.get(request_id, ("waiting", None))
        seconds = round(now - self._begun.setdefault(request_id, now))
        yield Text(f"{plain(request_id[:8])} {plain(status, STATUS)}")
        far = min(max(progress or 0, 0), 100)
        yield ProgressBar(total=100 if progress else None, completed=far, width=40, animation_time=now)
        yield Text(percent(progress))
        yield Text(f"{seconds // 60}:{seconds % 60:02}")

    def __enter__(self) -> Self:
        super().__enter__()
        self._live.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._live.stop()
        super().__exit__(kind, error, trace)


def batch_view_of(session: Session, batch: Sums, requests: int) -> BatchView:
    """The view that fits where stderr goes."""
    return (BatchBars if session.output.draws else BatchView)(session, batch, requests)
