"""What is waited for is said when nothing has moved for two seconds."""

from __future__ import annotations

import logging
import sqlite3
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from grok_imagine import Ledger, logs
from grok_imagine.errors import NotDelivered, RateLimitError, ServerError
from grok_imagine_cli.waiting import AGAIN, STILL, Waiting, ledger_is_held
from grok_imagine_sandbox import Sandbox
from support import ManualClock

from .programs import QUICK


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock()


@pytest.fixture
def said() -> list[str]:
    return []


@pytest.fixture
def waiting(clock: ManualClock, said: list[str], monkeypatch: pytest.MonkeyPatch) -> Iterator[Waiting]:
    """One that is told of the client's own log, and checks when a test says so."""
    made = Waiting(said.append, retries=5, clock=clock)
    monkeypatch.setattr(made, "_run", lambda: None)
    with made:
        made.asks("api.example.com")
        yield made


def after(clock: ManualClock, seconds: float, waiting: Waiting) -> None:
    clock.now += seconds
    waiting.check()


def test_a_retry_is_told_with_its_number_and_how_long_it_takes(
    waiting: Waiting, clock: ManualClock, said: list[str]
) -> None:
    after(clock, 0.5, waiting)
    logs.retry(RateLimitError("slow", status_code=429), 5.0, 2)
    after(clock, 1.0, waiting)
    assert said == []  # it may be over in a moment
    after(clock, 1.0, waiting)
    assert said == ["429, retry 2 of 5 in 3 s"]
    after(clock, 1.0, waiting)
    assert len(said) == 1
    logs.retry(ServerError("down", status_code=503), 8.0, 3)
    after(clock, 0.1, waiting)
    assert said[1:] == ["503, retry 3 of 5 in 8 s"]
    error = NotDelivered("refused")
    error.host, error.port = "127.0.0.1", 9
    logs.retry(error, 8.0, 4)
    after(clock, 0.1, waiting)
    assert said[2:] == ["no connection to 127.0.0.1:9, retry 4 of 5 in 8 s"]


def test_the_pause_of_the_pacer_belongs_to_its_retry(waiting: Waiting, clock: ManualClock, said: list[str]) -> None:
    logs.retry(RateLimitError("slow", status_code=429), 0.2, 1)
    clock.now += 0.2
    logs.paced(16.0, "a request")
    after(clock, 2.8, waiting)
    assert said == ["429, retry 1 of 5 in 13 s"]


def test_an_answer_that_does_not_come_is_told_with_its_host(
    waiting: Waiting, clock: ManualClock, said: list[str]
) -> None:
    for _ in range(100):
        after(clock, 0.25, waiting)
    assert said == ["waiting for an answer from api.example.com"]
    after(clock, AGAIN, waiting)
    assert len(said) == 2


def test_ones_turn_is_told(waiting: Waiting, clock: ManualClock, said: list[str]) -> None:
    logs.paced(40.0, "a request")
    after(clock, STILL, waiting)
    (told,) = said
    assert "requests a minute" in told and told.endswith("in 38 s")


def test_nothing_is_told_while_looks_find_the_job_running(
    waiting: Waiting, clock: ManualClock, said: list[str]
) -> None:
    for _ in range(100):
        logs.request("get", "/v1/videos/x", 202, 0.1)
        logs.state("x", "pending", 3)
        logs.paced(5.0, "a request")
        after(clock, 5.0, waiting)
    assert said == []
    logs.request("get", "/v1/videos/x", 503, 0.1)
    logs.paced(5.0, "a request")
    after(clock, 1.0, waiting)
    assert said == ["503 from api.example.com, asked again in 4 s"]


def test_seconds_are_simulated_where_time_is(clock: ManualClock, said: list[str]) -> None:
    waiting = Waiting(said.append, speed=100.0, clock=clock)
    waiting.waits("429, retry 1 of 5", 500.0)
    after(clock, STILL, waiting)
    assert said == ["429, retry 1 of 5 in 300 s"]


def test_another_process_that_holds_the_ledger_is_told(tmp_path: Path, clock: ManualClock, said: list[str]) -> None:
    path = tmp_path / "jobs.db"
    assert not ledger_is_held(path)
    Ledger(path).close()
    waiting = Waiting(said.append, ledger=path, clock=clock)
    after(clock, STILL, waiting)
    assert said == [] and not ledger_is_held(path)
    other = sqlite3.connect(path, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    after(clock, 1.0, waiting)
    other.execute("ROLLBACK")
    other.close()
    assert said == [f"another process holds the ledger {path}"] and not ledger_is_held(path)
    path.write_bytes(b"no database" * 100)
    assert not ledger_is_held(path)


def test_what_a_user_asked_of_the_log_stays_what_is_shown(said: list[str]) -> None:
    own = logging.NullHandler()
    logs.LOGGER.addHandler(own)
    logs.LOGGER.setLevel(logging.INFO)
    try:
        with Waiting(said.append):
            assert own.level == logging.INFO and logs.LOGGER.isEnabledFor(logging.DEBUG)
            logs.LOGGER.warning("a job goes on")
        assert logs.LOGGER.level == logging.INFO and said == []
    finally:
        logs.LOGGER.removeHandler(own)
        logs.LOGGER.setLevel(logging.NOTSET)
    with Waiting(said.append):  # where nobody takes it, it is not lost
        logs.LOGGER.warning("a job goes on")
    assert said == ["a job goes on"] and logs.LOGGER.handlers == []


@pytest.mark.long
@pytest.mark.parametrize("where", ["terminal", "pipe"])
def test_a_run_says_which_retry_it_waits_for(program: Any, where: str) -> None:
    with Sandbox(speed=100.0, scenario="rate-limit:3") as service:
        line = f"--base-url {service.base_url} generate x --duration 1 {QUICK}"
        done = program.shown(line) if where == "terminal" else program(line)
    assert done.code == 0, done
    shown = done.out if where == "terminal" else done.err
    assert "429, retry " in shown and " of 5" in shown, done


@pytest.mark.long
def test_a_run_says_that_another_holds_the_ledger(program: Any, tmp_path: Path) -> None:
    Ledger(tmp_path / "jobs.db").close()
    other = sqlite3.connect(tmp_path / "jobs.db", isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    running = program.terminal("--ledger jobs.db --sandbox --sandbox-speed 100 generate x --duration 1 --timeout 60000")
    running.until("another process holds the ledger jobs.db")
    other.execute("ROLLBACK")
    other.close()
    assert running.done().code == 0
