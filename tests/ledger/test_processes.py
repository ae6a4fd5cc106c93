"""Several processes on one ledger, that begin, fork and end in every way; and what else happens to its file meanwhile."""

from __future__ import annotations

import contextlib
import multiprocessing
import os
import re
import signal
import socket
import sqlite3
import stat
import subprocess
import sys
import threading
import time
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from grok_imagine import Client, Ledger, LedgerError, LedgerQuota, LedgerWarning, TextToVideo
from grok_imagine.ledger import BatchSlot
from grok_imagine.ledger.mounts import unsafe_kind
from grok_imagine.ledger.ownership import OWN, TOKENS, Owner
from grok_imagine.ledger.schema import MIGRATIONS
from grok_imagine_sandbox import Sandbox
from support import ROOT, Api

CAT = TextToVideo("A cat", duration=2)
PLACE = BatchSlot("batch", 0, None)


@pytest.fixture(autouse=True)
def nobody() -> Iterator[None]:
    """Ledgers that other tests did not close are forgotten."""
    OWN.clear()
    TOKENS.clear()
    yield
    OWN.clear()


def python(program: str, *arguments: object, **options: Any) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-c", program, *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, timeout=60, check=False, **options)


@contextlib.contextmanager
def running(program: str, *arguments: object) -> Iterator[subprocess.Popen[str]]:
    """A process that has printed its first line, and is killed in the end."""
    command = [sys.executable, "-c", program, *map(str, arguments)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None and process.stdout.readline()
            yield process
        finally:
            process.kill()


INTEND = """
import sys
from grok_imagine import Ledger, TextToVideo
from grok_imagine.ledger import BatchSlot
ledger = Ledger(sys.argv[1])
print(ledger.claim(TextToVideo("A cat", duration=2), "o", BatchSlot("batch", 0, None)), flush=True)
sys.stdin.readline()
"""
LIST = "import sys; from grok_imagine import Ledger; ledger = Ledger(sys.argv[1]); print(len(ledger.jobs())); ledger.close()"


# The mix.


@pytest.mark.skipif(not hasattr(os, "fork"), reason="its processes are forked")
def test_no_mix_of_processes_loses_a_job_or_posts_one_twice_or_damages_the_ledger() -> None:
    proof = [sys.executable, str(ROOT / "scripts" / "prove_processes.py"), "12", "3"]
    shown = subprocess.run(proof, capture_output=True, text=True, timeout=240, check=False)
    assert shown.returncode == 0, shown.stdout + shown.stderr
    assert re.search(r"^12 processes on 1 ledgers in \d+ s: \d+ jobs posted", shown.stdout), shown.stdout


@pytest.mark.skipif(sys.platform != "linux", reason="SQLite is looked for as Linux names it")
def test_no_power_cut_takes_what_was_committed() -> None:
    proof = [sys.executable, str(ROOT / "scripts" / "prove_power_cuts.py"), "40"]
    shown = subprocess.run(proof, capture_output=True, text=True, timeout=240, check=False)
    assert shown.returncode == 0, shown.stdout + shown.stderr
    assert re.search(r"^40 power cuts", shown.stdout), shown.stdout
    shown = subprocess.run([*proof, "1", "careless"], capture_output=True, text=True, timeout=240, check=False)
    assert shown.returncode == 1 and "was committed, and is gone" in shown.stdout, shown.stdout + shown.stderr


@pytest.mark.parametrize("ending", ["closes", "leaves"])
def test_one_who_lists_takes_nothing_from_one_who_is_at_work(tmp_path: Path, sandbox: Sandbox, ending: str) -> None:
    path = tmp_path / "jobs.db"
    program = LIST if ending == "closes" else LIST.replace("ledger.close()", "")
    with Client("k", base_url=sandbox.base_url, ledger=Ledger(path)) as client:  # with a quota of its own in the file
        for _ in range(3):
            client.video.start(CAT)
            assert python(program, path).returncode == 0
        seen = [entry.request_id for entry in Ledger(path).jobs()]
    assert python(LIST, path).stdout == "3\n"
    assert sorted(map(str, seen)) == sorted(job["request_id"] for job in sandbox.jobs)


WATCH = """
import os, sys
opened = []
sys.addaudithook(lambda event, values: opened.append(os.fsdecode(values[0]))
                 if event in ("open", "os.open") and isinstance(values[0], (str, bytes)) else None)
from grok_imagine import Client, Ledger, LedgerQuota, TextToVideo
from grok_imagine_cli import main
folder, url = sys.argv[1:]
path = os.path.join(folder, "jobs.db")
for _ in range(2):
    ledger = Ledger(path)
    with Client("k", base_url=url, ledger=ledger) as client:
        client.video.start(TextToVideo("A cat"))
        client.reconcile(ledger, timeout=0)
        if hasattr(os, "fork"):
            child = os.fork()
            if not child:
                ledger.jobs()
                os._exit(0)
            os.waitpid(child, 0)
        ledger.jobs()
    ledger.close()
    for command in ("jobs", "doctor"):
        sys.argv = ["grok-imagine", "--ledger", path, command]
        try:
            main()
        except SystemExit:
            pass
print([name for name in opened if os.path.basename(name) in ("jobs.db", "jobs.db-wal", "jobs.db-shm", "jobs.db-journal")])
"""


def test_none_but_sqlite_opens_the_ledgers_files(tmp_path: Path, sandbox: Sandbox) -> None:
    shown = python(WATCH, tmp_path, sandbox.base_url)
    assert shown.stdout.splitlines()[-1:] == ["[]"], shown.stdout + shown.stderr


# What else has the file's name.


def foreign(path: Path, *, log: bool, kept: bool = False) -> None:
    """A database of somebody; `kept` by a process that was killed, so that some of it is in its log only."""
    with contextlib.closing(sqlite3.connect(path, isolation_level=None)) as db:
        if log:
            db.execute("PRAGMA journal_mode = WAL")
        db.execute("CREATE TABLE customers (name TEXT)")
        db.execute("INSERT INTO customers VALUES ('Ada')")
        copies = {file: file.read_bytes() for file in path.parent.iterdir() if not file.name.endswith("-shm")}
    if kept:
        for file, content in copies.items():
            file.write_bytes(content)


def bare_schema(path: Path, statement: str) -> None:
    with contextlib.closing(sqlite3.connect(path)) as db:
        db.execute(statement)
        db.commit()


FOREIGN: dict[str, Callable[[Path], object]] = {
    "of another table": lambda path: foreign(path, log=False),
    "with a log": lambda path: foreign(path, log=True),
    "in its log alone": lambda path: foreign(path, log=True, kept=True),
    "of another application": lambda path: bare_schema(path, "PRAGMA application_id = 77"),
    "of another version": lambda path: bare_schema(path, "PRAGMA user_version = 1"),
    "with jobs of its own": lambda path: foreign_jobs(path),
    "of text": lambda path: path.write_text("notes of somebody\n" * 200),
    "of one byte": lambda path: path.write_text("x"),
}


def foreign_jobs(path: Path) -> None:
    bare_schema(path, "CREATE TABLE jobs (title TEXT)")
    bare_schema(path, "PRAGMA user_version = 2")


@pytest.mark.parametrize("name", FOREIGN)
def test_a_file_of_something_else_keeps_every_byte(tmp_path: Path, name: str) -> None:
    path = tmp_path / "theirs.db"
    FOREIGN[name](path)
    path.chmod(0o664)

    def state() -> dict[str, tuple[bytes, int]]:
        files = [file for file in tmp_path.iterdir() if not file.name.endswith("-shm")]
        return {file.name: (file.read_bytes(), stat.S_IMODE(file.stat().st_mode)) for file in files}

    before = state()
    for make in (Ledger, lambda path: LedgerQuota(path, "o")):
        with pytest.raises(LedgerError, match=re.escape("theirs.db")):
            make(path)
    assert state() == before


KINDS: dict[str, Callable[[Path], object]] = {
    "a folder": Path.mkdir,
    "a pipe": os.mkfifo if hasattr(os, "mkfifo") else Path.mkdir,
    "a symbolic link to nothing": lambda path: path.symlink_to(path.parent / "nowhere"),
    "2 names": lambda path: (Ledger(path).close(), os.link(path, path.parent / "another")),
    "its log exists": lambda path: path.with_name("jobs.db-wal").write_text("what is left"),
}


@pytest.mark.skipif(os.name == "nt", reason="Windows has none of these")
@pytest.mark.parametrize("kind", KINDS)
def test_what_is_no_file_is_refused_and_left_alone(tmp_path: Path, kind: str) -> None:
    path = tmp_path / "jobs.db"
    KINDS[kind](path)
    before = sorted(tmp_path.iterdir())
    with pytest.raises(LedgerError, match=kind.replace("(", r"\(")):
        Ledger(path)
    assert sorted(tmp_path.iterdir()) == before


@pytest.mark.skipif(os.name == "nt", reason="Windows has none of these")
def test_devices_and_sockets_are_refused(tmp_path: Path) -> None:
    before = Path("/dev/null").stat().st_mode
    with pytest.raises(LedgerError, match="a device"):
        Ledger("/dev/null")
    assert Path("/dev/null").stat().st_mode == before
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(tmp_path / "s"))
        with pytest.raises(LedgerError, match="a socket"):
            Ledger(tmp_path / "s")


@pytest.mark.skipif(os.name == "nt", reason="Windows has no such modes")
@pytest.mark.parametrize("umask", [0o000, 0o022, 0o077])
def test_a_new_file_is_its_owners_alone_from_the_first_moment(tmp_path: Path, umask: int) -> None:
    program = (
        "import os, sys; from grok_imagine import Ledger, TextToVideo; import grok_imagine.ledger.opening as opening\n"
        "seen, real = [], opening._set_up\n"
        "def set_up(db, path):\n"
        "    seen.append(os.stat(path).st_mode & 0o777)\n"
        "    real(db, path)\n"
        "opening._set_up = set_up\n"
        f"os.umask({umask}); ledger = Ledger(sys.argv[1]); ledger.begin(TextToVideo('x'), 'o')\n"
        "names = os.listdir(os.path.dirname(sys.argv[1]))\n"
        "print({*seen, *(os.stat(os.path.join(os.path.dirname(sys.argv[1]), name)).st_mode & 0o777 for name in names)})"
    )
    shown = python(program, tmp_path / "a file?#%41.db")
    assert shown.stdout == f"{ {0o600} }\n", shown.stderr
    assert [file.name for file in tmp_path.iterdir()] == ["a file?#%41.db"]


# The file goes while it is in use.


def gone(path: Path) -> None:
    path.unlink()


def gone_with_all(path: Path) -> None:
    for file in path.parent.glob(f"{path.name}*"):
        file.unlink()


def moved(path: Path) -> None:
    path.rename(path.with_name("elsewhere.db"))


def replaced(path: Path) -> None:
    other = path.with_name("other.db")
    Ledger(other).close()
    other.replace(path)


def emptied(path: Path) -> None:
    os.truncate(path, 0)


def cut(path: Path) -> None:
    os.truncate(path, 4096)


def log_gone(path: Path) -> None:
    path.with_name(f"{path.name}-wal").unlink()


def memory_gone(path: Path) -> None:
    path.with_name(f"{path.name}-shm").unlink()


ACCIDENTS = [gone, gone_with_all, moved, replaced, emptied, cut, log_gone, memory_gone]
skip_windows = pytest.mark.skipif(os.name == "nt", reason="Windows lets nobody touch a file that is open")


@skip_windows
@pytest.mark.filterwarnings("ignore::grok_imagine.QuotaWarning")
@pytest.mark.parametrize(
    ("happens", "closed"),
    [*((accident, False) for accident in ACCIDENTS), *((accident, True) for accident in ACCIDENTS[:6])],
    ids=lambda value: getattr(value, "__name__", "closed" if value is True else "open"),
)
def test_a_file_that_is_gone_is_noticed_before_the_post(
    api: Api, tmp_path: Path, sandbox: Sandbox, happens: Callable[[Path], None], closed: bool
) -> None:
    path = tmp_path / "jobs.db"
    ledger = Ledger(path)
    with contextlib.closing(sqlite3.connect(path)) as db:  # so that all is in the file itself
        ledger.import_job("before", sandbox.base_url)
        db.execute("PRAGMA wal_checkpoint")
    ledger.jobs()
    if closed:
        ledger.close()
    happens(path)
    with pytest.raises(LedgerError, match=r"jobs\.db"):
        api(lambda c: c.video.start(CAT), ledger=ledger)
    for use in (ledger.jobs, lambda: ledger.claim(CAT, "o", PLACE), lambda: ledger.get("before")):
        with pytest.raises(LedgerError):
            use()
    assert not sandbox.jobs and not OWN


@skip_windows
@pytest.mark.parametrize("happens", ACCIDENTS, ids=lambda accident: accident.__name__)
def test_an_id_that_comes_when_the_file_is_gone_is_on_the_error(
    api: Api, tmp_path: Path, sandbox: Sandbox, happens: Callable[[Path], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "jobs.db"
    ledger = Ledger(path)
    ledger.jobs()
    real = ledger.confirm

    def accept(intent: str, request_id: str) -> None:
        happens(path)
        real(intent, request_id)

    with contextlib.closing(sqlite3.connect(path)) as db:
        db.execute("PRAGMA wal_checkpoint")
    monkeypatch.setattr(ledger, "confirm", accept)
    with pytest.raises(LedgerError) as caught:
        api(lambda c: c.video.start(CAT), ledger=ledger)
    assert caught.value.request_id == sandbox.jobs[0]["request_id"]


@skip_windows
def test_a_ledger_that_is_put_back_goes_on(tmp_path: Path) -> None:
    path, away = tmp_path / "jobs.db", tmp_path / "away.db"
    ledger = Ledger(path)
    ledger.begin(CAT, "o")
    path.rename(away)
    with pytest.raises(LedgerError, match="was deleted or replaced"):
        ledger.begin(CAT, "o")
    away.rename(path)
    ledger.begin(CAT, "o")
    assert len(ledger.jobs()) == 2


def test_a_ledger_that_somebody_packs_goes_on(tmp_path: Path) -> None:
    path = tmp_path / "jobs.db"
    ledger = Ledger(path)
    for number in range(200):
        ledger.import_job(f"{number}", "o")
    with contextlib.closing(sqlite3.connect(path, isolation_level=None)) as db:
        db.execute("PRAGMA wal_checkpoint")
        ledger.jobs()
        before = path.stat().st_size
        db.execute("DELETE FROM jobs WHERE request_id != '7'")
        db.execute("VACUUM")
        db.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    ledger.begin(CAT, "o")
    assert path.stat().st_size < before and len(ledger.jobs()) == 2


def test_a_change_of_folder_changes_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    ledger = Ledger("jobs.db")
    (tmp_path / "below").mkdir()
    monkeypatch.chdir(tmp_path / "below")
    ledger.begin(CAT, "o")
    ledger.close()
    ledger.begin(CAT, "o")
    assert len(ledger.jobs()) == 2 and not list((tmp_path / "below").iterdir())


# Who owns an intent.


def states(path: Path) -> list[str]:
    ledger = Ledger(path)
    found = [entry.state for entry in ledger.jobs()]
    ledger.close()
    return found


@pytest.mark.parametrize("namespace", ["same", "other"])
def test_an_intent_is_its_owners_for_as_long_as_that_lives(tmp_path: Path, namespace: str) -> None:
    path = tmp_path / "jobs.db"
    with running(INTEND, path) as process:
        # In a container the same id is another process's, or nobody's; the lock is seen through the folder.
        number = os.getpid() if namespace == "same" else 4194305
        with contextlib.closing(sqlite3.connect(path)) as db:
            db.execute("UPDATE jobs SET process = ?", (number,))
            db.commit()
        ledger = Ledger(path)
        for _ in range(2):
            known = ledger.known(CAT, "o", PLACE)
            assert known is not None and known.state == "intended" and states(path) == ["intended"]
        process.send_signal(signal.SIGTERM)
        process.wait(20)
        known = ledger.known(CAT, "o", PLACE)
        assert known is not None and (known.state, known.code) == ("unknown", "process-gone")
        assert states(path) == ["unknown"]
        ledger.close()
    assert [file.name for file in tmp_path.iterdir()] == ["jobs.db"]


def test_who_ends_as_it_should_leaves_nothing_and_who_is_killed_until_the_next_begins(tmp_path: Path) -> None:
    path = tmp_path / "jobs.db"
    with running(INTEND, path) as process:
        process.communicate("\n", timeout=20)
    assert [file.name for file in tmp_path.iterdir()] == ["jobs.db"]
    with running(INTEND.replace("claim", "begin").replace(', BatchSlot("batch", 0, None)', ""), path) as process:
        process.kill()
        process.wait(20)
    assert len(list(tmp_path.glob("jobs.db-owner-*"))) == 1
    ledger = Ledger(path)
    ledger.begin(CAT, "o")
    assert len(list(tmp_path.glob("jobs.db-owner-*"))) == 1 and len(TOKENS) == 1
    ledger.close()
    assert [file.name for file in tmp_path.iterdir()] == ["jobs.db"] and not TOKENS


@pytest.mark.parametrize(("process", "state"), [(4194305, "unknown"), (os.getppid(), "intended"), (None, "unknown")])
def test_an_intent_of_an_older_version_is_judged_by_its_process(
    tmp_path: Path, process: int | None, state: str
) -> None:
    path = tmp_path / "jobs.db"
    with contextlib.closing(sqlite3.connect(path)) as db:
        for script in MIGRATIONS[:2]:
            db.executescript(script)
        db.execute("PRAGMA user_version = 2")
        row = ("i", "intended", "o", process, time.time(), time.time())
        db.execute("INSERT INTO jobs (intent, state, origin, process, created, updated) VALUES (?, ?, ?, ?, ?, ?)", row)
        db.commit()
    assert states(path) == [state] == states(path)


def test_without_locks_an_owner_is_known_by_its_process(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*arguments: object) -> None:
        raise OSError(95, "Operation not supported")

    monkeypatch.setattr("grok_imagine.ledger.ownership.fcntl.flock", refuse)
    ledger = Ledger(tmp_path / "jobs.db")
    ledger.begin(CAT, "o")
    ledger.begin(CAT, "o")
    assert [entry.state for entry in ledger.jobs()] == ["intended"] * 2 and not TOKENS
    ledger.close()
    OWN.clear()
    assert [file.name for file in tmp_path.iterdir()] == ["jobs.db"] and states(tmp_path / "jobs.db") == ["unknown"] * 2


def test_owners_that_begin_at_once_do_not_sweep_each_other_away(tmp_path: Path) -> None:
    path = str(tmp_path / "jobs.db")
    owners = [Owner(path) for _ in range(40)]
    for group in (owners[:20], owners[20:]):
        threads = [threading.Thread(target=owner.begin) for owner in group]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(20)
    assert len(list(tmp_path.iterdir())) == len(TOKENS) == 40
    for owner in owners:
        owner.end()
    assert not list(tmp_path.iterdir()) and not TOKENS


# Forks.

forks = pytest.mark.skipif(not hasattr(os, "fork"), reason="there is no fork")


def forked(work: Callable[[], object]) -> int:
    """What a forked child's work ends with: 0, or 1 if it raises."""
    child = multiprocessing.get_context("fork").Process(target=work)
    child.start()
    child.join(30)
    assert child.exitcode is not None
    return child.exitcode


@forks
def test_a_fork_takes_neither_connection_nor_intents_along(tmp_path: Path) -> None:
    path = tmp_path / "jobs.db"
    ledger, quota = Ledger(path), LedgerQuota(path, "o")
    ledger.begin(CAT, "o")

    def work() -> None:
        assert not OWN and not TOKENS and ledger._store._db is None
        assert [entry.state for entry in ledger.jobs()] == ["intended"]  # the parent's, which lives
        assert quota.take([(5, 60.0)]) == 0
        ledger.confirm(ledger.begin(CAT, "o"), "child's")
        ledger.close()

    assert forked(work) == 0
    ledger.confirm(ledger.begin(CAT, "o"), "parent's")
    assert sorted(entry.state for entry in ledger.jobs()) == ["accepted", "accepted", "intended"]
    ledger.close()
    quota.close()


@forks
def test_a_child_that_outlives_its_parent_does_not_pass_for_it(tmp_path: Path) -> None:
    path = tmp_path / "jobs.db"
    program = INTEND.replace("sys.stdin.readline()", "import os, time\nif not os.fork():\n    time.sleep(20)")
    command = [sys.executable, "-c", program, str(path)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, process_group=0) as process:
        try:
            process.wait(20)
            assert states(path) == ["unknown"]
        finally:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)


@forks
def test_a_fork_waits_for_a_line_that_is_being_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    ledger = Ledger(tmp_path / "jobs.db")
    begun, go_on = threading.Event(), threading.Event()

    def write(db: sqlite3.Connection) -> None:
        db.execute("BEGIN IMMEDIATE")
        begun.set()
        go_on.wait(20)
        db.execute("INSERT INTO learned VALUES ('o', '[]')")
        db.execute("COMMIT")

    writer = threading.Thread(target=lambda: ledger._run(write))
    writer.start()
    assert begun.wait(20)
    timer = threading.Timer(0.05, go_on.set)
    timer.start()
    assert forked(lambda: exit(ledger.load_history("o") != "[]")) == 0  # it began when the line was whole
    writer.join(20)
    timer.join(20)

    # One that can't be waited for goes on in the parent, and the child still begins anew.
    monkeypatch.setattr("grok_imagine.ledger.store.FORK_TIMEOUT", 0.05)
    begun.clear()
    go_on.clear()
    writer = threading.Thread(target=lambda: ledger._run(lambda db: (begun.set(), go_on.wait(20))))
    writer.start()
    assert begun.wait(20)
    assert forked(lambda: ledger.begin(CAT, "o")) == 0
    go_on.set()
    writer.join(20)
    assert len(ledger.jobs()) == 1
    ledger.close()


@forks
def test_a_temporary_ledger_is_its_makers(tmp_path: Path) -> None:
    ledger = Ledger.temporary()
    assert forked(ledger.discard) == 0 and ledger.path.exists()
    ledger.discard()
    assert not ledger.path.parent.exists()


def test_what_interrupts_the_writing_leaves_no_lock_and_no_intent(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "jobs.db"
    ledger, other = Ledger(path), Ledger(path)

    def interrupt(*arguments: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(ledger, "_check_cost", interrupt)
    with pytest.raises(KeyboardInterrupt):
        ledger.claim(CAT, "o", PLACE)
    other._run(lambda db: db.execute("PRAGMA busy_timeout = 0"))
    assert isinstance(other.claim(CAT, "o", PLACE), str) and len(other.jobs()) == 1
    ledger.close()
    other.close()


# Where it is.

MOUNTS = r"""
22 1 254:0 / / rw,relatime - ext4 /dev/vda rw
30 22 0:40 / /mnt/team rw shared:1 - nfs4 server:/team rw
31 22 0:41 / /mnt/team/local rw - xfs /dev/vdb rw
32 22 0:42 / /mnt/two\040words rw - cifs //server/share rw
33 22 0:43 / /home/ada/remote rw - fuse.sshfs ada@host: rw
34 22 0:44 / /layers rw - fuse.fuse-overlayfs fuse-overlayfs rw
35 22 0:45 / /on rw - 9p share rw
36 22 0:46 / /on rw - ext4 /dev/vdc rw
nonsense
"""


@pytest.mark.parametrize(
    ("path", "kind"),
    [
        ("/srv/jobs.db", None),
        ("/mnt/team/jobs.db", "nfs4"),
        ("/mnt/teams/jobs.db", None),
        ("/mnt/team/local/jobs.db", None),
        ("/mnt/two words/jobs.db", "cifs"),
        ("/home/ada/remote/a/jobs.db", "fuse.sshfs"),
        ("/layers/jobs.db", None),
        ("/on/jobs.db", None),
    ],
)
@pytest.mark.skipif(os.name == "nt", reason="paths of Linux")
def test_file_systems_of_several_machines_are_known(tmp_path: Path, path: str, kind: str | None) -> None:
    (tmp_path / "mountinfo").write_text(MOUNTS)
    assert unsafe_kind(path, tmp_path / "mountinfo") == kind
    assert unsafe_kind(path, tmp_path / "missing") is None


def test_a_ledger_on_a_network_file_system_is_warned_of(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("grok_imagine.ledger.ledger.unsafe_kind", lambda path: "nfs")
    with pytest.warns(LedgerWarning, match=r"\(nfs\)") as caught:
        Ledger(tmp_path / "jobs.db").close()
    assert caught[0].filename == __file__
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        LedgerQuota(tmp_path / "jobs.db", "o").close()  # it was said


def test_the_disk_is_told_to_keep_what_is_committed(tmp_path: Path) -> None:
    ledger = Ledger(tmp_path / "jobs.db")
    wanted = {"synchronous": 2, "fullfsync": 1, "checkpoint_fullfsync": 1, "journal_mode": "wal"}
    found = {name: ledger._run(lambda db, name=name: db.execute(f"PRAGMA {name}").fetchone()[0]) for name in wanted}
    assert found == wanted


# The tests themselves.


@pytest.mark.skipif(os.name == "nt", reason="Windows ignores no signals")
def test_children_heed_ctrl_c_though_the_tests_run_in_the_background() -> None:
    show = "import signal; print(signal.getsignal(signal.SIGINT) is signal.default_int_handler)"
    program = f"import signal, subprocess, sys\nsignal.signal(signal.SIGINT, signal.SIG_IGN)\nif sys.argv[1:]:\n    import support\n    support.heed_interrupts()\nsubprocess.run([sys.executable, '-c', {show!r}], check=True)"
    environment = os.environ | {"PYTHONPATH": str(ROOT / "tests")}
    assert python(program, env=environment).stdout == "False\n"
    assert python(program, "heed", env=environment).stdout == "True\n"
