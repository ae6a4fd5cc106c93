"""An answer to a paid POST that is none of a known form: the id that may be in it is told, and nothing is posted again."""

from __future__ import annotations

import gzip
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
from fuzz.wire import Wire

from grok_imagine import ApiError, Ledger, StartOutcomeUnknown
from support import Api, ManualClock

KEY = "xai-CANARY0key0000000000"


@pytest.fixture
def wire() -> Iterator[Wire]:
    with Wire() as wire:
        yield wire


@pytest.fixture(params=["sync", "async"])
def far(request: pytest.FixtureRequest, clock: ManualClock, wire: Wire) -> Api:
    return Api(request.param, clock, wire.base_url, api_key=KEY)


def tell(wire: Wire, body: bytes, status: int = 200, *lines: str) -> None:
    head = "\r\n".join([f"HTTP/1.1 {status} X", f"content-length: {len(body)}", *lines, "", ""])
    wire.tell(head.encode() + body)


@pytest.mark.parametrize(
    ("body", "candidate"),
    [
        (b'{"request_id": "job-7", "x": "', "job-7"),
        (b'{"request_id": "job', "trace-1"),
        (b')]}\' {"request_id": "job-7"}', "job-7"),
        (b"<html>", "trace-1"),
        (b'{"request_id": null, "job": {"request_id": "job-7"}, "x": "', "job-7"),
        (b'{"request_id": "", "job": {"request_id": "job-7"}, "x": "', "job-7"),
        (b'{"request_id": "job-7"' + b" " * (5 << 20) + b"}", "job-7"),
        (b'{"request_id": "job-7"' + b" " * (9 << 20) + b"}", "job-7"),
    ],
)
@pytest.mark.parametrize("way", ["whole", "broken off"])
def test_an_answer_that_cannot_be_read_still_tells_what_may_be_the_id(
    far: Api, wire: Wire, body: bytes, candidate: str, way: str
) -> None:
    tell(wire, body, 200, "x-request-id: trace-1")
    if way == "broken off":
        length = b"content-length: %d" % len(body)
        wire.tell(wire.answer.replace(length, b"content-length: %d" % (len(body) + 9)), ends=True)
    with pytest.raises(StartOutcomeUnknown, match=candidate) as caught:
        far(lambda client: client.video.start("a boat"))
    assert caught.value.candidate_id == candidate and wire.posts == 1


ID = b'{"request_id": "job-7"}'


@pytest.mark.parametrize(
    ("status", "body", "lines"),
    [
        (200, b"[" + ID + b"]", ()),
        (200, b'{"data": ' + ID + b"}", ()),
        (200, ID, ("content-encoding: gzip",)),
        (200, ID, ("content-encoding: br",)),
        (200, gzip.compress(ID + b" " * 99, mtime=0)[:-9], ("content-encoding: gzip",)),
        (500, ID, ()),
        (408, ID, ()),
        (409, ID, ()),
        (499, ID, ()),
        (303, ID, ("location: /v1/videos/job-7",)),
    ],
)
def test_an_id_in_an_answer_that_is_no_known_refusal_is_told_and_not_posted_again(
    far: Api, wire: Wire, status: int, body: bytes, lines: tuple[str, ...], tmp_path: Path
) -> None:
    tell(wire, body, status, *lines)
    with closing(Ledger(tmp_path / "jobs.db")) as ledger:
        with pytest.raises(StartOutcomeUnknown) as caught:
            far(lambda client: client.video.start("a boat"), ledger=ledger)
        assert [entry.state for entry in ledger.jobs()] == ["unknown"]
    assert caught.value.candidate_id == "job-7" and wire.posts == 1


@pytest.mark.parametrize("status", [400, 401, 403, 404, 422, 429])
def test_a_known_refusal_stays_one_though_it_names_its_request(far: Api, wire: Wire, status: int) -> None:
    tell(wire, b'{"error": "no", "request_id": "trace-1"}', status)
    with pytest.raises(ApiError):
        far(lambda client: client.video.start("a boat"))


def test_an_id_that_is_a_number_is_no_id_but_told(far: Api, wire: Wire) -> None:
    tell(wire, b'{"request_id": 1234}')
    with pytest.raises(StartOutcomeUnknown, match="request_id was 1234") as caught:
        far(lambda client: client.video.start("a boat"))
    assert caught.value.candidate_id == "1234"
