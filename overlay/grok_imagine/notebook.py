"""What notebooks show: results as HTML, and a progress bar while a job is waited for. It needs nothing but the notebook itself.

All words are escaped: prompts, ids, states and messages are those of others.
"""

from __future__ import annotations

import logging
import sys
import time
from collections.abc import Generator, Mapping
from html import escape
from typing import Any, TypeVar

from . import logs
from .parsing import shown
from .urls import parse

T = TypeVar("T")

__all__ = ["progress_bars"]

LONGEST = 300
"""Characters of a text in a table."""

STYLE = "text-align:left;vertical-align:top"

_has_bars = True


def progress_bars(on: bool) -> None:
    """Whether `generate`, `extend` and `wait` show a progress bar in a notebook if they are given no `on_progress`. They do at first."""
    global _has_bars
    _has_bars = on


def table(rows: Mapping[str, object]) -> str:
    """A small table of facts; those that are None are left out."""
    lines = (
        f'<tr><th style="{STYLE}">{_text(name)}</th><td style="{STYLE}">{_text(value)}</td></tr>'
        for name, value in rows.items()
        if value is not None
    )
    return f"<table>{''.join(lines)}</table>"


def player(url: str) -> str:
    """A player of a video, which shows its first frame; empty if the URL is none of the web."""
    try:
        found = parse(url)
    except ValueError:
        return ""
    if found.scheme not in ("http", "https") or not found.host or found.has_user:
        return ""
    return (
        f'<video src="{escape(url)}" controls loop muted playsinline preload="metadata" referrerpolicy="no-referrer"'
        ' style="max-width:min(100%,480px);max-height:360px"></video>'
    )


def note(text: str) -> str:
    """A line of small text."""
    return f"<div><small>{_text(text)}</small></div>"


def usd(amount: float | None) -> str | None:
    """Dollars, with as many decimals as they need."""
    if amount is None:
        return None
    return f"${amount:.2f}" if round(amount, 4) == round(amount, 2) else f"${amount:.4f}"


def _text(value: object) -> str:
    return escape(shown(value, LONGEST))


class Bar:
    """The progress bar of one job, drawn by the notebook. It appears at once: the first poll may be ten seconds away."""

    def __init__(self) -> None:
        self._began = time.monotonic()
        self._handle: Any = None
        self._state, self._request_id = "pending", ""
        self._progress: int | None = None

    def update(self, video: Any) -> None:
        """Shows how far the job is. That it can't be drawn ends no wait for a paid job."""
        self._state, self._progress, self._request_id = video.status, video.progress, video.request_id
        self._draw()

    def around(self, flow: Generator[Any, Any, T]) -> Generator[Any, Any, T]:
        """A wait, after which the bar says how it ended."""
        self._draw()
        try:
            result = yield from flow
        except BaseException as error:
            self._end(type(error).__name__)
            raise
        self._end("done", 100)
        return result

    def _end(self, state: str, progress: int | None = None) -> None:
        self._state = state
        self._progress = progress or self._progress
        if self._handle is not None:
            self._draw()

    def _draw(self) -> None:
        try:
            if self._handle is None:
                from IPython.display import display

                self._handle = display(self, display_id=True)  # type: ignore[no-untyped-call]  # IPython's
            else:
                self._handle.update(self)
        except Exception as error:  # a notebook of any kind may be on the other side
            logs.tell(logging.WARNING, "the progress bar failed: %s", type(error).__name__)

    def _summary(self) -> str:
        far = "" if self._progress is None else f" {self._progress} %"
        job = f", job {shown(self._request_id, 100)}" if self._request_id else ""
        return f"{shown(self._state, 40)}{far}, {time.monotonic() - self._began:.0f} s{job}"

    def _repr_html_(self) -> str:
        # Without a value it moves: nothing is known of how far the job is.
        value = f' value="{self._progress}"' if self._progress is not None or self._state != "pending" else ""
        return f'<progress max="100"{value} aria-label="progress"></progress> <small>{escape(self._summary())}</small>'

    def __repr__(self) -> str:
        return self._summary()


def bar() -> Bar | None:
    """A progress bar, if this runs in a notebook and bars are not turned off."""
    get_ipython = getattr(sys.modules.get("IPython"), "get_ipython", None)
    shell = get_ipython() if get_ipython else None
    return Bar() if _has_bars and getattr(shell, "kernel", None) is not None else None
