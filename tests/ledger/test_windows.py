"""Windows of requests are kept by each quota."""

from __future__ import annotations

import socket
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from grok_imagine import (
    ConfigurationError,
    Ledger,
    LedgerQuota,
    Limits,
    QuotaError,
    QuotaWarning,
    RedisQuota,
)
from grok_imagine.ledger.quota import ROUNDING
from grok_imagine_sandbox import Sandbox
from support import HANG, Api, ManualClock

from .quotas import MINUTE, ORIGIN, redis_server

SECRET = "canary-hunter2"


def test_a_full_window_costs_the_narrower_nothing(redis_quota: Any) -> None:
    quota = redis_quota()
    assert sum(quota.take([(20, 30.0), (2, 3600.0)]) == 0 for _ in range(20)) == 2
    assert sum(quota.take([(20, 30.0)]) == 0 for _ in range(30)) == 18


@pytest.mark.parametrize(
    ("window", "in_all"), [((1, 0.5), 2), ((1, 1 / 49), 49), ((3, 0.7), 4), ((4, 3.5), 4), ((2, 20), 2)]
)
def test_windows_of_redis_are_whole_seconds_and_no_more_in_the_long_run(
    redis_quota: Any, window: tuple[int, float], in_all: int
) -> None:
    from grok_imagine.pacing.quota import _whole

    ((seconds, requests),) = _whole([window])
    assert requests == in_all and requests / seconds <= window[0] / window[1] + ROUNDING
    assert seconds >= window[1] > seconds - 1


def test_two_windows_of_as_many_whole_seconds_are_one(redis_quota: Any) -> None:
    quota = redis_quota()
    assert sum(quota.take([(1, 59.5), (3, MINUTE)]) == 0 for _ in range(5)) == 1


def test_a_redis_that_went_away_is_told_and_found_again(tmp_path: Path) -> None:
    with redis_server(tmp_path) as port:
        quota = RedisQuota(f"redis://127.0.0.1:{port}")
        assert quota.take([(1, MINUTE)]) == 0
    with pytest.raises(QuotaError, match=f"the Redis server at 127.0.0.1:{port} is not available: ConnectionError"):
        quota.take([(1, MINUTE)])
    with redis_server(tmp_path, port):
        assert quota.take([(1, MINUTE)]) == 0 < quota.take([(1, MINUTE)])
    quota.close()


def test_a_redis_that_does_not_answer_is_given_up() -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        port = silent.getsockname()[1]
        quota = RedisQuota(f"redis://127.0.0.1:{port}?socket_timeout=0.2")
        with pytest.raises(QuotaError, match="TimeoutError"):
            quota.take([(1, MINUTE)])
        quota.close()


def test_the_password_opens_and_is_never_shown(tmp_path: Path) -> None:
    with redis_server(tmp_path, 0, "--requirepass", SECRET) as port:
        right, wrong = (RedisQuota(f"redis://:{word}@127.0.0.1:{port}/0") for word in (SECRET, f"{SECRET}x"))
        assert right.take([(1, MINUTE)]) == 0
        with pytest.raises(QuotaError, match="AuthenticationError") as caught:
            wrong.take([(1, MINUTE)])
        assert SECRET not in f"{caught.value!r} {caught.value} {right!r}" and caught.value.__suppress_context__
        assert repr(right) == f"RedisQuota('127.0.0.1:{port}', name='grok-imagine')"
        right.close()
        wrong.close()


@pytest.mark.parametrize(
    ("url", "said"),
    [
        (f"http://:{SECRET}@h/0", "has no Redis scheme"),
        (f"redis://:{SECRET}@h:port", "is invalid"),
        (f"redis://:{SECRET}/x@h:6379", "is invalid|has an @"),
        (f"redis://u:12/{SECRET}@h:6379", "has an @ after the host"),
        (f"redis://u:12?{SECRET}@h", "has an @ after the host"),
        (f"redis://:{SECRET}@h?socket_timeout=soon", "refuses the URL's options"),
        (f"redis://:{SECRET}@h?colour=red", "refuses the URL's options"),
        (f"redis://[{SECRET}", "is invalid"),
        (None, "is invalid|has no Redis scheme"),
    ],
)
def test_a_url_that_is_none_is_refused_without_being_shown(url: Any, said: str) -> None:
    with pytest.raises(ConfigurationError, match=said) as caught:
        RedisQuota(url)
    assert SECRET not in str(caught.value)
    assert caught.value.__context__ is None or caught.value.__suppress_context__


def test_a_socket_of_the_machine_is_shown_by_its_path() -> None:
    assert repr(RedisQuota("unix:///run/x.sock", "n")) == "RedisQuota('/run/x.sock', name='n')"


@pytest.mark.parametrize("name", ["", None, 7])
def test_a_quota_has_a_name(name: Any) -> None:
    with pytest.raises(ConfigurationError, match="name is a string"):
        RedisQuota("redis://127.0.0.1:1", name)


@pytest.mark.parametrize("missing", ["limits.storage", "redis"])
def test_without_the_extra_it_is_named(monkeypatch: pytest.MonkeyPatch, missing: str) -> None:
    monkeypatch.setitem(sys.modules, missing, None)
    with pytest.raises(ConfigurationError, match=r"pip install '.\[redis\]'"):
        RedisQuota("redis://127.0.0.1:1/0")


def test_importing_the_package_or_the_ledgers_quota_imports_neither_library() -> None:
    program = "import sys, grok_imagine; grok_imagine.RedisQuota; assert not {'redis', 'limits'} & set(sys.modules)"
    assert subprocess.run([sys.executable, "-c", program], timeout=HANG, check=False).returncode == 0


@pytest.mark.parametrize(
    "window", [(0, 1.0), (-1, 1.0), (1.5, 1.0), (1, 0.0), (1, -2.0), (1, float("nan")), (1, float("inf"))]
)
def test_a_window_is_checked(tmp_path: Path, window: Any) -> None:
    for quota in (LedgerQuota(tmp_path / "jobs.db", ORIGIN), RedisQuota("redis://127.0.0.1:1")):
        with pytest.raises(ConfigurationError, match="a window has at least 1 request and more than 0 seconds"):
            quota.take([(1, 1.0), window])


def test_clients_with_one_ledger_share_its_quota(
    api: Api, sandbox: Sandbox, tmp_path: Path, clock: ManualClock
) -> None:
    """The ledger's quota goes by the wall clock, which does not move with the test's: so its minute never ends here."""
    limits = Limits(requests_per_minute=3, requests_per_second=None)
    ledger = Ledger(tmp_path / "jobs.db")
    for number in range(3):
        api(lambda c, number=number: c.video.start(f"A cat {number}"), ledger=ledger, limits=limits)
    slept = sum(clock.slept)
    with pytest.raises(Exception, match="did not grant the request within 7 s"):
        api(lambda c: c.models.list(), ledger=ledger, limits=limits, request_timeout=7)
    assert sum(clock.slept) - slept >= 7 and sum(sandbox.requests.values()) == 3


def test_several_clients_with_one_quota_are_never_refused(tmp_path: Path, clock: ManualClock) -> None:
    with Sandbox(clock=clock, speed=1.0, requests_per_minute=10) as sandbox:
        limits = Limits(requests_per_minute=10, requests_per_second=None)
        for _ in range(25):
            quota = LedgerQuota(tmp_path / "jobs.db", sandbox.base_url, clock=lambda: 1.8e9 + clock.now)
            Api("sync", clock, sandbox.base_url)(
                lambda c: c.models.list(), quota=quota, limits=limits, request_timeout=120
            )
            quota.close()
        assert {status for (_, _, status) in sandbox.requests} == {200} and sum(clock.slept) >= 120


def test_a_quota_that_is_away_keeps_nobody_from_sending_and_loses_no_job(api: Api, sandbox: Sandbox) -> None:
    quota = RedisQuota(f"redis://:{SECRET}@127.0.0.1:1/0")
    with pytest.warns(QuotaWarning, match="127.0.0.1:1 is not available: .*using this client's own count") as warned:
        assert api(lambda c: c.video.generate("A cat"), quota=quota, limits=Limits()).url
    assert all(SECRET not in str(each.message) for each in warned) and len(sandbox.jobs) == 1
