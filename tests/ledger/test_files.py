"""What is done to a ledger's files behind its back."""

from __future__ import annotations

import contextlib
import os
import signal
import sqlite3
import subprocess
import sys
import threading
import time
import warnings
from pathlib import Path

import pytest

from grok_imagine import Ledger, LedgerQuota, LedgerWarning
from grok_imagine.ledger.mounts import unsafe_kind
from grok_imagine.ledger.ownership import OWN, TOKENS, Owner
from grok_imagine.ledger.schema import MIGRATIONS
from support import HANG, ROOT

from .processes import CAT, INTEND, PLACE, forked, python, running, states


def test_who_ends_as_it_should_leaves_nothing_and_who_is_killed_until_the_next_begins(tmp_path: Path) -> None:
    path = tmp_path / "jobs.db"
    with running(INTEND, path) as process:
        process.communicate("\n", timeout=HANG)
    assert [file.name for file in tmp_path.iterdir()] == ["jobs.db"]
    with running(INTEND.replace("claim", "begin").replace(', BatchSlot("batch", 0, None)', ""), path) as process:
        process.kill()
        process.wait(HANG)
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
            thread.join(HANG)
    assert len(list(tmp_path.iterdir())) == len(TOKENS) == 40
    for owner in owners:
        owner.end()
    assert not list(tmp_path.iterdir()) and not TOKENS


forks = pytest.mark.skipif(not hasattr(os, "fork"), reason="there is no fork")


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
    assert sorted(entry.state for entry in ledger.jobs()) == ["intended", "running", "running"]
    ledger.close()
    quota.close()


@forks
def test_a_child_that_outlives_its_parent_does_not_pass_for_it(tmp_path: Path) -> None:
    path = tmp_path / "jobs.db"
    program = INTEND.replace("sys.stdin.readline()", "import os, time\nif not os.fork():\n    time.sleep(20)")
    command = [sys.executable, "-c", program, str(path)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, process_group=0) as process:
        try:
            process.wait(HANG)
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
        go_on.wait(HANG)
        db.execute("INSERT INTO learned VALUES ('o', '[]')")
        db.execute("COMMIT")

    writer = threading.Thread(target=lambda: ledger._run(write))
    writer.start()
    assert begun.wait(HANG)
    timer = threading.Timer(0.05, go_on.set)
    timer.start()
    assert forked(lambda: exit(ledger.load_history("o") != "[]")) == 0  # it began when the line was whole
    writer.join(HANG)
    timer.join(HANG)

    # One that can't be waited for goes on in the parent, and the child still begins anew.
    monkeypatch.setattr("grok_imagine.ledger.store.FORK_TIMEOUT", 0.05)
    begun.clear()
    go_on.clear()
    writer = threading.Thread(target=lambda: ledger._run(lambda db: (begun.set(), go_on.wait(HANG))))
    writer.start()
    assert begun.wait(HANG)
    assert forked(lambda: ledger.begin(CAT, "o")) == 0
    go_on.set()
    writer.join(HANG)
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


@pytest.mark.skipif(os.name == "nt", reason="Windows ignores no signals")
def test_children_heed_ctrl_c_though_the_tests_run_in_the_background() -> None:
    show = "import signal; print(signal.getsignal(signal.SIGINT) is signal.default_int_handler)"
    program = f"import signal, subprocess, sys\nsignal.signal(signal.SIGINT, signal.SIG_IGN)\nif sys.argv[1:]:\n    import support\n    support.heed_interrupts()\nsubprocess.run([sys.executable, '-c', {show!r}], check=True)"
    environment = os.environ | {"PYTHONPATH": str(ROOT / "tests")}
    assert python(program, env=environment).stdout == "False\n"
    assert python(program, "heed", env=environment).stdout == "True\n"
