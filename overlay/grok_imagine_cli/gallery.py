"""The command `gallery`, and the page that a batch leaves in its folder: what is in a folder, its posters, and `index.html`."""

from __future__ import annotations

import hashlib
import json
import os
import re
import tempfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, NamedTuple

import typer

from .gallery_page import MARK, MOST, Item, page, prompts_in
from .keys import OUTCOME_KEYS
from .report import in_words
from .session import PROGRAM, Session, session_of
from .texts import plain

if TYPE_CHECKING:
    from grok_imagine import Entry, Ledger

__all__ = ["PAGE", "POSTERS", "Gallery", "gallery", "of_batch"]

PAGE, POSTERS, OUTCOMES = "index.html", "posters", "outcomes.jsonl"
VIDEOS = (".mp4", ".m4v", ".mov", ".webm")
"""What counts as a video, if no outcome names it."""

LONGEST_OUTCOME = 1 << 20
"""Bytes of a line that is read."""


KEYS = frozenset([*OUTCOME_KEYS, "prompt"])
"""What an outcome tells by itself; other keys are the manifest's own columns."""

MOST_KEYS = 40
"""Keys of an outcome that are read."""


class NotOurs(Exception):
    """There is an `index.html` that no gallery wrote."""


class Gallery(NamedTuple):
    """What was written: the page, how many requests and videos it shows, how many have posters, and what was left undone."""

    path: Path
    requests: int
    videos: int
    posters: int
    notes: list[str]


def gallery(
    context: typer.Context,
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="A folder of videos, such as a batch's.")],
    overwrite: Annotated[
        bool, typer.Option("--overwrite", help="Replace an index.html that is no gallery of this program.")
    ] = False,
    open_page: Annotated[bool, typer.Option("--open", help="Open the page in the browser.")] = False,
) -> None:
    """Write index.html into a folder: its videos to look at, with prompts, states, costs and errors.

    A batch does so by itself. The page is one file beside a folder of posters, works from disk, and loads nothing from elsewhere.
    What it tells is from the folder's outcomes.jsonl and from the ledger. Prompts are those that a batch left on the page, or that the
    ledger keeps.
    """
    session = session_of(context)
    if not folder.is_dir():
        raise typer.BadParameter(f"{folder} is no folder", param_hint="DIR")
    with session.output.status("posters") as told:
        try:
            if (path := session.ledger_path) and path.is_file():
                with session.ledger() as ledger:
                    made = write(folder, ledger, told=told, overwrite=overwrite)
            else:
                made = write(folder, told=told, overwrite=overwrite)
        except NotOurs as error:
            raise typer.BadParameter(f"{error}; --overwrite replaces it", param_hint="DIR") from None
        except OSError as error:
            text = f"{error.filename or folder}: {error.strerror or error}"
            raise typer.BadParameter(text, param_hint="DIR") from None
    for note in made.notes:
        session.output.say(note)
    session.output.result("gallery", made._asdict() | {"path": str(made.path)}, made.path)
    if open_page:
        typer.launch(str(made.path))


def of_batch(session: Session, folder: Path, prompts: Mapping[int, str], *, posters: bool = True) -> Path | None:
    """Writes the page of a batch. What goes wrong is said, and is no error of the batch.

    Args:
        session: The run.
        folder: The batch's.
        prompts: Those of its requests, by their positions.
        posters: Whether missing posters are made: one who presses Ctrl-C does not want to wait for them.
    """
    try:
        with session.output.status("gallery") as told:
            made = write(folder, session.used_ledger, prompts, told=told, posters=posters)
    except NotOurs as error:
        session.output.say(f"no gallery: {error}; `{PROGRAM} gallery {plain(folder)} --overwrite` replaces it")
        return None
    except Exception as error:  # the videos are there, whatever this is
        session.output.say(f"no gallery: {type(error).__name__}: {in_words(error)}")
        return None
    return made.path


def write(
    folder: Path,
    ledger: Ledger | None = None,
    prompts: Mapping[int, str] | None = None,
    *,
    told: Callable[[str], object] = lambda text: None,
    posters: bool = True,
    overwrite: bool = False,
) -> Gallery:
    """Writes the page of a folder, and the posters that are missing.

    Raises:
        NotOurs: There is a page of somebody else.
        OSError: It can't be written.
    """
    target = folder / PAGE
    if not overwrite and os.path.lexists(target) and not _is_ours(target):
        raise NotOurs(f"{target} was not made by this program, and is left alone")
    items = list(_items(folder, ledger))
    notes = [f"The first {MOST:,} of {len(items):,} are shown."] if len(items) > MOST else []
    items = _with_prompts(items[:MOST], prompts or {}, target)
    shown = _with_posters(folder, items, told, posters, notes)
    resolved = folder.resolve()
    _replace(target, page(resolved.name or str(resolved), shown, notes).encode("utf-8", "replace"))
    videos = sum(item.file is not None for item in shown)
    have = sum(item.poster is not None for item in shown)
    return Gallery(target, len(shown), videos, have, notes)


def _with_prompts(items: list[Item], given: Mapping[int, str], target: Path) -> list[Item]:
    """The items with the prompts that are given, that the ledger keeps, or that the page before this one had."""
    before: dict[str, str] = {}
    if _is_ours(target):
        before = prompts_in(target.read_text("utf-8", "replace"))
    own = (None if item.position is None else given.get(item.position) for item in items)
    return [
        item._replace(prompt=prompt or item.prompt or before.get(item.key))
        for item, prompt in zip(items, own, strict=True)
    ]


def _is_ours(path: Path) -> bool:
    if not path.is_file():
        return False
    with path.open("rb") as file:
        return MARK.encode() in file.read(4096)


def _replace(target: Path, data: bytes) -> None:
    """Writes a file whole or not at all. A link in its place is replaced, and not followed."""
    handle, name = tempfile.mkstemp(prefix=f".{target.name}-", dir=target.parent)
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(data)
        umask = os.umask(0)
        os.umask(umask)
        Path(name).chmod(0o666 & ~umask)
        Path(name).replace(target)
    except BaseException as error:
        Path(name).unlink(missing_ok=True)
        if isinstance(error, OSError):
            raise OSError(error.errno, error.strerror, str(target)) from error
        raise


def _items(folder: Path, ledger: Ledger | None) -> Iterator[Item]:
    """What the folder holds: its outcomes in the order of the manifest, then videos that none of them names."""
    outcomes: dict[int, Mapping[str, Any]] = {}
    for outcome in _outcomes(folder / OUTCOMES):
        outcomes[outcome["position"]] = outcome  # the latest counts
    named, paid = set[str](), set[str | None]()
    for _, outcome in sorted(outcomes.items()):
        item = _item(outcome, folder, _entry(ledger, outcome.get("request_id")))
        if item.file is not None:
            named.add(item.file)
        if item.request_id is not None:
            item = item._replace(cost_usd=None) if item.request_id in paid else item  # equal lines share a job
            paid.add(item.request_id)
        yield item
    loose = sorted(
        entry.name
        for entry in os.scandir(folder)
        if entry.name.lower().endswith(VIDEOS) and entry.name not in named and entry.is_file()
    )
    known = _by_path(ledger, folder) if loose else {}
    for name in loose:
        entry_ = known.get(name)
        fresh = entry_ is not None and entry_.request_id not in paid
        yield Item(
            "done",
            name,
            prompt=entry_ and entry_.prompt,
            mode=entry_ and entry_.mode,
            model=entry_ and entry_.model,
            cost_usd=entry_.cost_usd if entry_ and fresh else None,
            request_id=entry_ and entry_.request_id,
        )


def _outcomes(path: Path) -> Iterator[Mapping[str, Any]]:
    """The lines of a list of outcomes. One that a crash cut short, or that is none, says nothing."""
    with suppress(FileNotFoundError), path.open("rb") as lines:
        while line := lines.readline(LONGEST_OUTCOME):
            with suppress(ValueError, RecursionError):
                found = json.loads(line)
                if isinstance(found, dict) and type(found.get("position")) is int:
                    yield found


def _item(outcome: Mapping[str, Any], folder: Path, entry: Entry | None) -> Item:
    """An outcome as it is shown: a field of another type counts as missing, as does a file that is not there."""
    name = re.split(r"[/\\]", _str(outcome, "path") or "")[-1]
    error = outcome.get("error")
    kind, message = (_str(error, "type"), _str(error, "message")) if isinstance(error, dict) else (None, None)
    seconds, cost = (_number(outcome, name) for name in ("duration", "cost_usd"))
    return Item(
        _str(outcome, "state") or "unknown",
        name if name and (folder / name).is_file() else None,
        prompt=entry.prompt if entry else None,
        mode=_str(outcome, "mode") or (entry.mode if entry else None),
        model=_str(outcome, "model") or (entry.model if entry else None),
        seconds=seconds,
        cost_usd=cost,
        error=": ".join(part for part in (kind, message) if part) or None,
        request_id=_str(outcome, "request_id"),
        line=outcome["line"] if type(outcome.get("line")) is int else None,
        position=outcome["position"],
        extra={
            name: str(value)
            for name, value in list(outcome.items())[:MOST_KEYS]
            if name not in KEYS and isinstance(value, str | int | float) and value != ""
        },
    )


def _str(found: Mapping[str, Any], name: str) -> str | None:
    value = found.get(name)
    return value if isinstance(value, str) and value else None


def _number(found: Mapping[str, Any], name: str) -> float | None:
    value = found.get(name)
    if not isinstance(value, int | float) or isinstance(value, bool):
        return None
    return float(value) if 0 <= value < 1e9 else None


def _entry(ledger: Ledger | None, request_id: object) -> Entry | None:
    return ledger.get(request_id) if ledger and isinstance(request_id, str) else None


def _by_path(ledger: Ledger | None, folder: Path) -> dict[str, Entry]:
    """The ledger's jobs whose videos were saved in a folder, by the names of their files."""
    home = folder.resolve()
    found: dict[str, Entry] = {}
    for entry in ledger.jobs("downloaded") if ledger else ():
        with suppress(OSError, ValueError):
            if entry.path and Path(entry.path).parent.resolve() == home:
                found[Path(entry.path).name] = entry
    return found


def _with_posters(
    folder: Path, items: list[Item], told: Callable[[str], object], is_made: bool, notes: list[str]
) -> list[Item]:
    """The items with the posters that they have by now. What can't be made is noted."""
    from . import pictures

    missing = pictures.missing_for_posters()
    home = folder / POSTERS
    if is_made and not missing:
        try:
            home.mkdir(exist_ok=True)
        except OSError as error:
            notes.append(f"No posters: {home}: {error.strerror or error}")
            is_made = False
    shown, lacking = list[Item](), 0
    for number, item in enumerate(items, 1):
        if item.file is None:
            shown.append(item)
            continue
        video = folder / item.file
        poster = home / poster_name(video)
        if is_made and not missing and not poster.is_file():
            told(f"poster {number} of {len(items)}")
            picture = pictures.poster(video)
            if picture is not None:
                try:
                    _replace(poster, picture)
                except OSError as error:
                    notes.append(f"No posters: {error.filename or home}: {error.strerror or error}")
                    is_made = False
        has_one = poster.is_file()
        lacking += not has_one
        seconds = item.seconds if item.seconds is not None or missing or not is_made else pictures.seconds(video)
        shown.append(item._replace(poster=poster.name if has_one else None, seconds=seconds))
    if missing and lacking:
        way = f"{pictures.INSTALL}, then {PROGRAM} gallery {plain(folder)}"
        notes.append(f"{lacking} of the videos have no poster; it needs {' and '.join(missing)}: {way}")
    return shown


def poster_name(video: Path) -> str:
    """A poster's name: of the video's, its size and its time, so that a new video has a new one."""
    found = video.stat()
    told = b"%s %d %d" % (os.fsencode(video.name), found.st_size, found.st_mtime_ns)
    stem = re.sub(r"[^-.0-9A-Za-z_]", "_", video.stem)[:60]
    return f"{stem}-{hashlib.sha256(told).hexdigest()[:12]}.jpg"
