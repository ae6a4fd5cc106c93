"""The page of a gallery: one file of HTML with its own style and script. It loads nothing but the posters and videos beside it.

Whatever is shown was written by others: prompts, names of files, messages of a service. It is escaped here, and the page's own policy
lets no script run but this one.
"""

from __future__ import annotations

import base64
import hashlib
import os
import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from html import escape, unescape
from importlib.resources import files
from typing import NamedTuple
from urllib.parse import quote

from .texts import usd

__all__ = ["MARK", "MOST", "Item", "page", "prompts_in"]

MARK = '<meta name="generator" content="grok-imagine gallery">'
"""Stands near the beginning of each page, which says that the file is ours to replace."""

MOST = 10_000
"""Entries on a page."""

LONGEST = {"prompt": 5000, "error": 2000}
"""Characters that are shown; of anything else 300."""

# Controls, what turns the direction of text, halves of characters, and what is none.
HARMFUL = re.compile("[\0-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069\ud800-\udfff\ufdd0-\ufdef\ufffe\uffff]")


class Item(NamedTuple):
    """A request of a batch, or a video without one.

    Attributes:
        state: As in `outcomes.jsonl`.
        file: The name of the video's file beside the page, if there is one.
        poster: The name of its poster in `posters`.
        cost_usd: What it cost, if that is known and no other item's.
        position: Its request's place in the batch.
        extra: What else its outcome tells, such as columns of the manifest that were passed through.
    """

    state: str
    file: str | None = None
    poster: str | None = None
    prompt: str | None = None
    mode: str | None = None
    model: str | None = None
    seconds: float | None = None
    cost_usd: float | None = None
    error: str | None = None
    request_id: str | None = None
    line: int | None = None
    position: int | None = None
    extra: Mapping[str, str] = {}  # never changed

    @property
    def key(self) -> str:
        """What it is known by from one page to the next."""
        return _plain(f"file {self.file}" if self.position is None else f"{self.position} {self.request_id or ''}")


def prompts_in(text: str) -> dict[str, str]:
    """The prompts that a page shows, by the keys of their items."""
    return {unescape(key): unescape(prompt) for key, prompt in PROMPT.findall(text)}


PROMPT = re.compile(
    r'data-key="([^"]*)">(?:(?!data-key=).)*?<p class="prompt" dir="auto"><span>([^<]*)</span>', re.DOTALL
)


def page(title: str, items: Sequence[Item], notes: Sequence[str] = ()) -> str:
    """The page. `notes` are said above the videos."""
    style, script = (files(__package__).joinpath(f"gallery.{kind}").read_text("utf-8") for kind in ("css", "js"))
    return "\n".join(
        [
            "<!DOCTYPE html>",
            '<html lang="en">',
            "<head>",
            '<meta charset="utf-8">',
            f'<meta http-equiv="Content-Security-Policy" content="{_policy(style, script)}">',
            MARK,
            '<meta name="viewport" content="width=device-width, initial-scale=1">',
            '<meta name="color-scheme" content="light dark">',
            '<meta name="referrer" content="no-referrer">',
            f"<title>{_text(title)}</title>",
            f"<style>{style}</style>",
            "</head>",
            "<body>",
            '<a class="skip" href="#videos">To the videos</a>',
            f"<header><h1><bdi>{_text(title)}</bdi></h1>",
            *_totals(items),
            "</header>",
            *(f'<div class="note"><p>{_text(note)}</p></div>' for note in notes),
            *_tools(items),
            '<main id="videos" tabindex="-1"><ul class="grid">',
            *(card for item in items for card in _card(item)),
            "</ul>",
            f'<p class="empty"{" hidden" * bool(items)}>{"No video fits." if items else "There is nothing here yet."}</p>',
            "</main>",
            f"<script>{script}</script>",
            "</body>",
            "</html>",
            "",
        ]
    )


def _policy(style: str, script: str) -> str:
    """Only this style and this script, and pictures and videos from where the page is."""
    style_hash, script_hash = (
        base64.b64encode(hashlib.sha256(text.encode()).digest()).decode() for text in (style, script)
    )
    return (
        "default-src 'none'; img-src 'self' file:; media-src 'self' file:; "
        f"style-src 'sha256-{style_hash}'; script-src 'sha256-{script_hash}'; base-uri 'none'; form-action 'none'"
    )


def _totals(items: Sequence[Item]) -> Iterator[str]:
    counts = Counter(item.state for item in items)
    seconds = sum(item.seconds or 0 for item in items if item.file)
    cost = sum(item.cost_usd or 0 for item in items)
    lost = sum(item.cost_usd or 0 for item in items if not item.file and item.state != "running")
    told = [
        (str(len(items)), "entry" if len(items) == 1 else "entries"),
        (str(sum(item.file is not None for item in items)), "on disk"),
        *((str(count), state) for state, count in counts.items() if state != "done"),
        (_time(seconds), "of video"),
        (usd(cost), f"in all{f', {usd(lost)} of it without a video here' if lost else ''}"),
    ]
    yield '<ul class="totals">'
    yield from (f"<li><strong>{_text(figure)}</strong> {_text(words)}</li>" for figure, words in told)
    yield "</ul>"


def _time(seconds: float) -> str:
    minutes, left = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    parts = ((hours, "h"), (minutes, "min"), (left if not hours else 0, "s"))
    return " ".join(f"{number} {unit}" for number, unit in parts if number) or "0 s"


def _tools(items: Sequence[Item]) -> Iterator[str]:
    """The filters. They are hidden until the script, without which they do nothing, has run."""
    states = Counter(item.state for item in items)
    yield '<div class="bar" hidden><div class="tools" role="search">'
    yield '<input type="search" id="text" placeholder="Prompt, error, id, file" aria-label="Show what has these words" aria-keyshortcuts="/">'
    yield '<fieldset aria-label="State">'
    for number, (state, count) in enumerate([("", len(items)), *sorted(states.items())]):
        checked = "" if number else " checked"
        yield (
            f'<label><input type="radio" name="state" value="{_text(state)}"{checked}> {_text(state or "all")} {count}</label>'
        )
    yield '</fieldset><output id="told" aria-live="polite"></output></div></div>'


def _card(item: Item) -> Iterator[str]:
    state = _text(item.state)
    # A class of its own only for a word that is known: any other is text.
    known = f" state-{item.state}" if re.fullmatch("[a-z]{1,20}", item.state) else ""
    yield f'<li class="card" data-state="{state}" data-key="{_text(item.key)}">'
    seconds = f'<span class="seconds">{item.seconds:.3g} s</span>' if item.seconds else ""
    if item.file is not None:
        name = f"Play {item.prompt}" if item.prompt else f"Play {item.file}"
        poster = (
            f'<img src="posters/{_path(item.poster)}" alt="" loading="lazy" decoding="async">' if item.poster else ""
        )
        yield f'<a class="thumb" href="./{_path(item.file)}" aria-label="{_text(name[:200])}">{poster or "▶"}{seconds}</a>'
    else:
        yield f'<div class="thumb">no video{seconds}</div>'
    mode = f"<span>{_text(item.mode)}</span>" if item.mode else ""
    cost = "" if item.cost_usd is None else f'<span class="cost">{_text(usd(item.cost_usd))}</span>'
    yield f'<p class="facts"><span class="state{known}">{state}</span>{mode}{cost}</p>'
    prompt = _text(item.prompt, "prompt") if item.prompt else ""
    yield (
        f'<p class="prompt" dir="auto"><span>{prompt}</span></p>'
        if prompt
        else '<p class="prompt none"><span>No prompt is known.</span></p>'
    )
    if item.error:
        yield f'<p class="error"><span>{_text(item.error, "error")}</span></p>'
    details = {"File": item.file, "Job": item.request_id, "Model": item.model, "Line": item.line}
    known_details = {name: value for name, value in details.items() if value is not None} | dict(item.extra)
    if known_details:
        rows = "".join(f"<dt>{_text(name)}</dt><dd>{_text(str(value))}</dd>" for name, value in known_details.items())
        yield f"<details><summary>Details</summary><dl>{rows}</dl></details>"
    yield "</li>"


def _text(text: str, kind: str = "") -> str:
    """A text as HTML, in an element or an attribute between double quotes."""
    return escape(_plain(text, kind))


def _plain(text: str, kind: str = "") -> str:
    """A text that is cut, and in which what is harmful is shown as U+FFFD."""
    most = LONGEST.get(kind, 300)
    return HARMFUL.sub("\N{REPLACEMENT CHARACTER}", text if len(text) <= most else text[: most - 1] + "…")


def _path(name: str) -> str:
    """A file's name in a URL: a name may hold anything but a slash, bytes that are no text too."""
    return quote(os.fsencode(name), safe="")
