"""What is read of the ledger, and what is written to it when a job is over."""

from __future__ import annotations

import contextlib
import itertools
import sqlite3
from typing import Any, get_args

import pytest

from grok_imagine import BatchSlot, CostLimitError, Ledger, TextToVideo, Video
from grok_imagine.literals import State


def test_jobs_by_any_words_are_those_among_all_and_no_others_are_read(ledger: Ledger, monkeypatch: Any) -> None:
    with contextlib.closing(sqlite3.connect(ledger.path)) as db:
        stored = set(get_args(State)) - {"running", "refused"} | {"accepted", "of-a-newer-version"}
        for number, state in enumerate(sorted(stored)):
            for request_id in (None, f"job-{number}"):
                values = (f"{state} {request_id}", state, request_id, number)
                db.execute(
                    "INSERT INTO jobs (intent, state, request_id, origin, created, updated) VALUES (?, ?, ?, 'o', ?, 0)",
                    values,
                )
        db.commit()
    everything, read = ledger.jobs(), list[int]()
    entries = Ledger._entries

    def counted(*arguments: Any) -> Any:
        read.append(len(found := entries(*arguments)))
        return found

    monkeypatch.setattr(Ledger, "_entries", counted)
    for words in itertools.chain(*(itertools.combinations(get_args(State), count) for count in (1, 2))):
        expected = [each for each in everything if each.state in words]
        assert ledger.jobs(*words) == expected, words
        assert read.pop() <= 2 * len(words) + 2 * ("unknown" in words)


def test_a_cost_that_is_told_after_the_video_is_on_disk_counts(ledger: Ledger) -> None:
    ledger.record_result(Video("job-1", {"status": "done"}), "o")
    ledger.record_download("job-1", "a.mp4", "o")
    ledger.record_result(Video("job-1", {"status": "done", "usage": {"cost_in_usd_ticks": 5}}), "o")
    ledger.record_result(Video("job-1", {"status": "done"}), "o")
    assert [(entry.state, entry.cost_ticks) for entry in ledger.jobs()] == [("downloaded", 5)]


@pytest.mark.parametrize("is_on_disk", [False, True])
def test_what_a_job_cost_counts_against_a_cap_whenever_it_is_told(ledger: Ledger, is_on_disk: bool) -> None:
    request, slot = TextToVideo("A cat"), BatchSlot("b", 0, 1000)
    ledger.confirm(str(ledger.claim(request, "o", slot)), "job-1")
    ledger.record_result(Video("job-1", {"status": "done"}), "o")
    if is_on_disk:
        ledger.record_download("job-1", "a.mp4", "o")
    with pytest.raises(CostLimitError):
        ledger.check_cost("o", slot, 1999)
    ledger.record_result(Video("job-1", {"status": "done", "usage": {"cost_in_usd_ticks": 5}}), "o")
    ledger.record_download("job-1", "a.mp4", "o")
    ledger.check_cost("o", slot, 1005)
