"""What this machine does: the rows in which the ledger, the file or the clock fails."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Generator
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from pathlib import Path
from typing import Any, TypeAlias

from grok_imagine.ledger.quota import LedgerQuota

from . import server
from .case import AGAIN, PART, REFETCH, RESUME, USE, WAIT, Case, generate, save
from .server import Answer, Link, Script, says
from .world import ACCEPTED, DEADLINE, FILE, ID, RUNNING, World

HOURS = 3600.0
PROMPT = "A cat " * 680  # kept, it takes a page of the database for itself


Event: TypeAlias = Callable[[World], None]
"""What happens to a world: before its case begins, or in the middle of it."""


def after(event: Event, world: World, answer: Answer) -> list[Script]:
    """A server's scripts: answers when something has happened to this machine."""

    def script(link: Link) -> None:
        event(world)
        says(answer)(link)

    return [script]


def at_post(event: Event) -> Event:
    return lambda world: world.service.scripts.update(POST=after(event, world, ACCEPTED))


def at_look(event: Event) -> Event:
    return lambda world: world.service.scripts.update(GET=after(event, world, world.done))


def at_file(event: Event) -> Event:
    return lambda world: world.host.scripts.update(GET=after(event, world, FILE))


def at_pause(event: Event) -> Event:
    """When the client sleeps for the first time: before its first look, or before it sends again."""
    return lambda world: setattr(world, "on_sleep", lambda: event(world))


def nothing(world: World) -> None:
    pass


# The ledger.


def read_only(world: World) -> None:
    world.tell("query_only = 1")


def no_page_left(world: World) -> None:
    world.tell("max_page_count = 1")


def disk_full(world: World) -> None:
    world.fill_disk()


def start_long(world: World, client: Any) -> Generator[Any, Any, Any]:
    return (yield client.video.start(PROMPT, duration=1))


def start_while_locked(world: World, client: Any) -> Generator[Any, Any, Any]:
    with world.locking_ledger():
        return (yield client.video.start("A cat", duration=1))


def unwritable_quota(world: World) -> None:
    quota = LedgerQuota(world.ledger.path, world.base_url)
    world.closing.append(quota.close)
    world.tell("query_only = 1", quota._store)
    world.options |= {"limits": None, "quota": quota}


def posts_502(world: World) -> None:
    world.service.scripts["POST"] = after(read_only, world, Answer(502, b"error code: 502"))


LEDGERS = (
    Case("no page left", "ledger", "the database is full before the POST (SQLITE_FULL)", "LedgerError", False, 0, None,
         None, AGAIN, no_page_left, start_long),
    Case("disk full", "ledger", "the disk is full before the POST (EFBIG)", "LedgerError", False, 0, None, None, AGAIN,
         disk_full, generate, needs_rlimit=True),
    Case("read-only", "ledger", "it is read-only before the POST", "LedgerError", False, 0, None, None, AGAIN,
         read_only, generate),
    Case("locked", "ledger", "another process does not let go of it", "LedgerError", False, 0, None, None, AGAIN,
         nothing, start_while_locked),
    Case("disk full after the POST", "ledger", "the disk is full when the id is to be noted", "LedgerError", True, 1,
         "intended", "request_id", WAIT, at_post(disk_full), generate, needs_rlimit=True),
    Case("read-only after the POST", "ledger", "it is read-only when the id is to be noted", "LedgerError", True, 1,
         "intended", "request_id", WAIT, at_post(read_only), generate),
    Case("read-only after a 502", "ledger", "it is read-only when an unknown outcome is to be noted",
         "StartOutcomeUnknown", False, 1, "intended", None,
         "the console's usage page; the ledger lists the intent as unknown once its process has ended",
         posts_502, generate),
    Case("disk full at the end", "ledger", "the disk is full when the end is to be noted", "LedgerError", True, 1,
         "running", "request_id", WAIT, at_look(disk_full), generate, needs_rlimit=True),
    Case("read-only at the end", "ledger", "it is read-only when the end is to be noted", "LedgerError", True, 1,
         "running", "request_id", WAIT, at_look(read_only), generate),
    Case("read-only after the download", "ledger", "it is read-only when the file is to be noted", "LedgerError", True,
         1, "done", "request_id", "the file is whole and in its place; nothing is generated", at_file(read_only), save,
         ["a.mp4"]),
    Case("quota unwritable", "ledger", "what is shared with other processes can't be counted", "recovers", True, 1,
         "done", None, USE, unwritable_quota, generate, warns="QuotaWarning"),
)  # fmt: skip

# The file.


def disk_full_at(size: int) -> Event:
    return lambda world: world.fill_disk(size)


def folder_gone(world: World) -> None:
    shutil.rmtree(world.target.parent)


def target_is_folder(world: World) -> None:
    world.target.mkdir()


def part_is_folder(world: World) -> None:
    (world.folder / "a.mp4.part").mkdir()


def into_subfolder(world: World) -> None:
    world.target = world.folder / "videos" / "a.mp4"
    world.target.parent.mkdir()
    at_file(folder_gone)(world)


def into_read_only(world: World) -> None:
    """A folder that takes no file, of root's neither."""
    if Path("/proc/self").is_dir():
        world.target = Path("/proc/self/a.mp4")
    else:
        into_subfolder(world)
        at_file(nothing)(world)
        world.target.parent.chmod(0o500)


def part_is_link(world: World) -> None:
    (world.folder / "a.mp4.part").symlink_to(world.folder / "elsewhere")


def part_has_two_names(world: World) -> None:
    """A copy of the folder that was made of links."""
    (world.folder / "a.mp4.part").write_bytes(b"mine")
    (world.folder / "backup").hardlink_to(world.folder / "a.mp4.part")


def save_beside(world: World, client: Any) -> Generator[Any, Any, Any]:
    video = yield from save(world, client)
    assert (world.folder / "backup").read_bytes() == b"mine"
    return video


def part_is_pipe(world: World) -> None:
    os.mkfifo(world.folder / "a.mp4.part")


def note_is_pipe(world: World) -> None:
    os.mkfifo(world.folder / "a.mp4.part.json")


def save_twice(world: World, client: Any) -> Generator[Any, Any, Any]:
    """With room again at the second attempt."""
    video = yield from generate(world, client)
    try:
        yield client.video.download(video, world.target)
    except Exception as error:
        world.seen["first"] = error
    world.empty_disk()
    world.files(server.ranged)
    yield client.video.download(video, world.target)
    return video


FILES = (
    Case("disk full", "file", "the disk is full in the middle (EFBIG)", "DownloadError: disk", True, 1, "done",
         "request_id", RESUME, at_file(disk_full_at(50_000)), save, PART, needs_rlimit=True),
    Case("disk full, then not", "file", "the same, and room is made", "recovers", True, 1, "downloaded", None, USE,
         at_file(disk_full_at(50_000)), save_twice, ["a.mp4"], needs_rlimit=True),
    Case("read-only", "file", "the folder takes no file", "DownloadError: disk", True, 1, "done", "request_id",
         "another folder; nothing is generated", into_read_only, save),
    Case("folder gone", "file", "the folder goes meanwhile", "DownloadError: disk", True, 1, "done", "request_id",
         REFETCH, into_subfolder, save),
    Case("target is a folder", "file", "a folder takes the file's name meanwhile", "TargetExistsError: exists", True, 1,
         "done", "request_id", "another name; it goes on from the part", at_file(target_is_folder), save,
         ["a.mp4", *PART]),
    Case("part is a folder", "file", "a folder has the name of the part", "DownloadError: disk", True, 1, "done",
         "request_id", "another name; nothing is generated", part_is_folder, save, ["a.mp4.part"]),
    Case("part is a link", "file", "a link has the name of the part", "DownloadError: disk", True, 1, "done",
         "request_id", "another name; nothing is generated", part_is_link, save, ["a.mp4.part"]),
    Case("part is a pipe", "file", "a pipe has the name of the part", "DownloadError: disk", True, 1, "done",
         "request_id", "another name; nothing is generated", part_is_pipe, save, ["a.mp4.part"]),
    Case("note is a pipe", "file", "a pipe has the name of the part's note", "recovers", True, 1, "downloaded", None,
         USE, note_is_pipe, save, ["a.mp4"]),
    Case("part has two names", "file", "the part has a second name, as in a backup made of links, which is left alone",
         "recovers", True, 1, "downloaded", None, USE, part_has_two_names, save_beside, ["a.mp4", "backup"]),
)  # fmt: skip

# Clocks.


def stalls(seconds: float) -> Event:
    """The machine is suspended while somebody waits."""

    def work(world: World) -> None:
        world.clock.now += seconds

    return work


def refused_then_stalls(world: World) -> None:
    world.posts(server.storm(), says)
    at_pause(stalls(5 * HOURS))(world)


def runs_and_stalls(world: World) -> None:
    world.service.scripts["GET"] = [says(RUNNING)]
    at_pause(stalls(5 * HOURS))(world)


def looks_and_stalls(world: World) -> None:
    world.looks(server.html(502, "Bad Gateway"), says)
    at_pause(stalls(5 * HOURS))(world)


def stalls_in_download(world: World) -> None:
    def work() -> None:
        if world.host.methods:
            world.clock.now += 5 * HOURS
        else:
            world.on_sleep = work

    world.files(server.html(502, "Bad Gateway"), says)
    world.on_sleep = work


def wall_moves(seconds: float) -> Event:
    def work(world: World) -> None:
        world.wall += seconds
        world.seen["meanwhile"] = [entry.state for entry in world.ledger.jobs()]

    return work


def generate_and_reconcile(shift: float, looks: int) -> Callable[[World, Any], Generator[Any, Any, Any]]:
    """The clock is wrong when the end is noted, and right again when the ledger is reconciled."""

    def play(world: World, client: Any) -> Generator[Any, Any, Any]:
        # The ledger compares with the system's clock, so this one has to be right to begin with.
        world.wall = datetime.now(UTC).timestamp() - world.clock.now + shift
        video = yield from generate(world, client)
        before = len(world.service.methods)
        found = yield client.reconcile(world.ledger, timeout=DEADLINE)
        assert len(world.service.methods) - before == looks and not found.unknown and not found.running
        return video

    return play


def retry_after_date(ahead: float, date: float | None) -> Event:
    """A Retry-After as a date, 7 s after the answer's own Date, of which the local clock knows nothing."""

    def arrange(world: World) -> None:
        now = datetime.now(UTC) + timedelta(seconds=ahead)
        fields = [f"retry-after: {format_datetime(now + timedelta(seconds=7), usegmt=True)}"]
        if date is not None:
            fields.append(f"date: {format_datetime(now, usegmt=True)}")
        world.posts(server.storm(*fields), says)

    return arrange


def generate_after_pause(least: float, most: float) -> Callable[[World, Any], Generator[Any, Any, Any]]:
    def play(world: World, client: Any) -> Generator[Any, Any, Any]:
        job = yield client.video.start("A cat", duration=1)
        assert job.request_id == ID and least <= sum(world.clock.slept) <= most, world.clock.slept
        return (yield client.video.wait(job, timeout=DEADLINE))

    return play


CLOCKS = (
    Case("suspended before a look", "clock", "the machine sleeps for 5 h; the job is done by then", "recovers", True, 1,
         "done", None, USE, at_pause(stalls(5 * HOURS)), generate, shifted=5 * HOURS),
    Case("suspended, still running", "clock", "the same, and the job runs on", "VideoTimeoutError", True, 1, "running",
         "request_id", WAIT, runs_and_stalls, generate, shifted=5 * HOURS),
    Case("suspended, then 502", "clock", "the same, and the one poll meets a 502", "VideoTimeoutError", True, 1,
         "running", "request_id", WAIT, looks_and_stalls, generate, shifted=5 * HOURS),
    Case("suspended in the POST", "clock", "the machine sleeps for 5 h while the POST is answered", "recovers", True, 1,
         "done", None, USE, at_post(stalls(5 * HOURS)), generate, shifted=5 * HOURS),
    Case("suspended after a 429", "clock", "the machine sleeps for 5 h before the POST is sent again", "RateLimitError",
         False, 1, "refused", None, AGAIN, refused_then_stalls, generate, shifted=5 * HOURS),
    Case("suspended in a download", "clock", "the machine sleeps for 5 h before the file is asked for again",
         "DownloadError: timeout", True, 1, "done", "request_id", REFETCH, stalls_in_download, save,
         shifted=5 * HOURS),
    Case("set back", "clock", "the wall clock is set back by 5 h between intent and id", "recovers", True, 1, "done",
         None, USE, at_post(wall_moves(-5 * HOURS)), generate),
    Case("set forward", "clock", "the wall clock is set forward by 5 h between intent and id: listed as unknown until"
         " the id is there", "recovers", True, 1, "done", None, USE, at_post(wall_moves(5 * HOURS)), generate),
    Case("noted two days early", "clock", "the wall clock was two days slow when the end was noted: `reconcile` takes"
         " the URL for expired, and polls once more", "recovers", True, 1, "done", None, USE, nothing,
         generate_and_reconcile(-48 * HOURS, 1)),
    Case("noted two days late", "clock", "the wall clock was two days fast when the end was noted: a URL that has run"
         " out is renewed by the download", "recovers", True, 1, "done", None, USE, nothing,
         generate_and_reconcile(48 * HOURS, 0)),
    Case("Retry-After as a date", "clock", "429 with dates by a clock that is 5 h ahead of ours", "recovers", True, 2,
         "done", None, USE, retry_after_date(5 * HOURS, 0), generate_after_pause(7, 7)),
    Case("Retry-After, slow clock", "clock", "the same without `Date`: ours seems 5 h slow, 60 s are waited",
         "recovers", True, 2, "done", None, USE, retry_after_date(5 * HOURS, None), generate_after_pause(60, 60),
         shifted=60),
    Case("Retry-After, fast clock", "clock", "the same from a clock 5 h behind ours: a second", "recovers", True,
         2, "done", None, USE, retry_after_date(-5 * HOURS, None), generate_after_pause(0.9, 1.1)),
)  # fmt: skip
