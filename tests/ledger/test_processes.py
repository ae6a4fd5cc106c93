"""Several processes use one ledger."""

from __future__ import annotations

import contextlib
import os
import re
import signal
import socket
import sqlite3
import stat
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from grok_imagine import Client, Ledger, LedgerError, LedgerQuota
from grok_imagine.ledger.ownership import OWN
from grok_imagine_sandbox import Sandbox
from support import HANG, ROOT, Api

from .processes import CAT, INTEND, PLACE, python, running, states

LIST = "import sys; from grok_imagine import Ledger; ledger = Ledger(sys.argv[1]); print(len(ledger.jobs())); ledger.close()"


@pytest.mark.long
@pytest.mark.skipif(not hasattr(os, "fork"), reason="its processes are forked")
def test_no_mix_of_processes_loses_a_job_or_posts_one_twice_or_damages_the_ledger() -> None:
    proof = [sys.executable, str(ROOT / "scripts" / "prove_processes.py"), "12", "3"]
    shown = subprocess.run(proof, capture_output=True, text=True, timeout=600, check=False)
    assert shown.returncode == 0, shown.stdout + shown.stderr
    assert re.search(r"^12 processes on 1 ledgers in \d+ s: \d+ jobs posted", shown.stdout), shown.stdout


@pytest.mark.long
@pytest.mark.skipif(sys.platform != "linux", reason="SQLite is looked for as Linux names it")
def test_no_power_cut_takes_what_was_committed() -> None:
    proof = [sys.executable, str(ROOT / "scripts" / "prove_power_cuts.py"), "40"]
    shown = subprocess.run(proof, capture_output=True, text=True, timeout=600, check=False)
    assert shown.returncode == 0, shown.stdout + shown.stderr
    assert re.search(r"^40 power cuts", shown.stdout), shown.stdout
    shown = subprocess.run([*proof, "1", "careless"], capture_output=True, text=True, timeout=600, check=False)
    assert shown.returncode == 1 and "was committed, and is gone" in shown.stdout, shown.stdout + shown.stderr


@pytest.mark.long
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
        process.wait(HANG)
        known = ledger.known(CAT, "o", PLACE)
        assert known is not None and (known.state, known.code) == ("unknown", "process-gone")
        assert states(path) == ["unknown"]
        ledger.close()
    assert [file.name for file in tmp_path.iterdir()] == ["jobs.db"]
