"""A paid POST is sent once, whatever is raised while a thread is begun for it."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

import pytest

from grok_imagine import Client
from grok_imagine.posting import post
from grok_imagine_sandbox import Sandbox
from support import HANG, UNLIMITED, ManualClock


class FromASignal(Exception):
    """What a signal handler raises, in the midst of anything."""


def handler(kind: type[BaseException]) -> None:
    raise kind("from a signal handler")


def begins_then_raises(begin: Callable[[Any], None], thread: threading.Thread, kind: type[BaseException]) -> None:
    begin(thread)
    handler(kind)


def waits_then_raises(begin: Callable[[Any], None], thread: threading.Thread, kind: type[BaseException]) -> None:
    begin(thread)
    thread.join(HANG)  # the answer is there, and the thread has nothing to do
    handler(kind)


def raises_at_once(begin: Callable[[Any], None], thread: threading.Thread, kind: type[BaseException]) -> None:
    handler(kind)


TIMES = {begins_then_raises: (0, 1), waits_then_raises: (1, 1), raises_at_once: (0, 0)}
"""How often the POST may have been sent: its caller, who leaves, keeps it from that if it is not too late."""


@pytest.mark.parametrize("kind", [RuntimeError, KeyboardInterrupt, FromASignal, MemoryError])
@pytest.mark.parametrize("moment", TIMES)
def test_what_is_raised_while_a_thread_begins_sends_nothing_twice(
    sandbox: Sandbox, clock: ManualClock, monkeypatch: pytest.MonkeyPatch, moment: Any, kind: type[BaseException]
) -> None:
    begin = threading.Thread.start

    def start(thread: threading.Thread) -> None:
        if thread.name.startswith("grok-imagine-post"):
            moment(begin, thread, kind)
        else:
            begin(thread)

    with Client("k", base_url=sandbox.base_url, limits=UNLIMITED, max_connections=1, clock=clock) as client:
        with monkeypatch.context() as patch, pytest.raises(kind, match="from a signal handler"):
            patch.setattr(post, "_threads", post.Threads())  # none of which is idle, from a test before
            patch.setattr(threading.Thread, "start", start)
            client.video.start("A heron")
        assert client.video.start("A cat").request_id  # its only connection is free again
    least, most = TIMES[moment]
    assert least <= len(sandbox.jobs) - 1 <= most  # besides that of the cat


def test_where_no_thread_can_be_begun_the_caller_sends(
    sandbox: Sandbox, clock: ManualClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    with Client("k", base_url=sandbox.base_url, limits=UNLIMITED, max_connections=1, clock=clock) as client:
        monkeypatch.setattr(post, "_threads", post.Threads())
        before = threading.stack_size(1 << 46)  # more than any machine has
        try:
            with pytest.raises(RuntimeError, match="new thread"):
                threading.Thread(target=print).start()
            assert [client.video.start(text).request_id for text in ("A heron", "A cat")]
        finally:
            threading.stack_size(before)
    assert len(sandbox.jobs) == 2
