"""The door for answers: whatever comes becomes bounded plain values, and an id or a cost is taken for what it is."""

from __future__ import annotations

import gzip
import json
import math
import time
import tracemalloc
import warnings
import zlib
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import httpx
import pytest
from fuzz.wire import Wire
from hypothesis import given
from hypothesis import strategies as st

from grok_imagine import (
    ApiError,
    AsyncClient,
    BatchSlot,
    Client,
    CostLimitError,
    JobError,
    Ledger,
    Limits,
    OddAnswerWarning,
    OutOfRange,
    StartOutcomeUnknown,
    TextToVideo,
    Video,
)
from grok_imagine.answers.answer import Answer, take_in
from grok_imagine.core.results import Job
from grok_imagine.errors import UnexpectedResponse
from grok_imagine.pacing.limiter import Pacer
from grok_imagine.parsing import DEEPEST, LONGEST_NUMBER, MOST_ANSWER, YEAR, is_plain_id, retry_after, shown
from support import Api, ManualClock

KEY = "xai-CANARY0key0000000000"
PENDING = {"status": "pending"}


def taken(body: bytes, status: int = 200, **headers: str) -> Answer:
    return take_in(status, [(name.encode(), value.encode()) for name, value in headers.items()], body, KEY)


def deep(levels: int) -> str:
    return "[" * levels + "]" * levels


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


# What is plain


@given(st.text(st.characters(exclude_categories=())), st.integers(1, 600))
def test_what_is_shown_is_short_printable_and_can_be_written(text: str, most: int) -> None:
    said = shown(text, most)
    assert said.isprintable() and len(said) <= most and isinstance(said.encode(), bytes)
    assert said == text or not text.isprintable() or len(text) > most


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(st.characters(exclude_categories=()), max_size=5),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=3), inner, max_size=4),
)


@given(JSON)
def test_any_json_becomes_values_that_utf8_64_bits_and_json_can_hold(value: Any) -> None:
    answer = taken(json.dumps({"value": value}).encode())
    again = json.dumps(answer.json(), allow_nan=False, ensure_ascii=False).encode()
    assert taken(again).json() == answer.json()


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("9223372036854775807", 2**63 - 1),
        ("-9223372036854775808", -(2**63)),
        ("9223372036854775808", "9223372036854775808"),
        ("1e400", "1e400"),
        ("-1e400", "-1e400"),
        ("NaN", "NaN"),
        ("-Infinity", "-Infinity"),
        ("1.5", 1.5),
        ('"\\ud83d"', "\ufffd"),
        ('"\\ud83d\\ude00"', "\U0001f600"),
        ('"a\x00b"', "a\x00b"),
        ('"\\u0078ai-CANARY0key0000000000"', "***"),
        (deep(DEEPEST - 1), json.loads(deep(DEEPEST - 1))),
    ],
)
def test_each_value_is_kept_as_what_it_can_be(text: str, value: object) -> None:
    assert taken(b'{"a": ' + text.encode() + b', "b": 1}').json() == {"a": value, "b": 1}


def test_a_number_of_any_length_stays_short() -> None:
    value = taken(b'{"a": ' + b"9" * 100_000 + b', "b": 0.' + b"1" * 100_000 + b"}").json()
    assert {type(each) for each in value.values()} == {str}
    assert all(len(each) <= LONGEST_NUMBER for each in value.values())


@pytest.mark.parametrize(
    "nonsense",
    [
        deep(65),
        deep(500),
        deep(100_000),
        "[" + "1," * 300_000 + "1]",
        "[" + '{"a":[]},' * 200_000 + "1]",
        '{"a":' * 400 + "1" + "}" * 400,
    ],
    ids=["65", "500", "100000", "numbers", "objects", "in objects"],
)
@pytest.mark.parametrize("order", ['{{"request_id": "job-1", "x": {0}}}', '{{"x": {0}, "request_id": "job-1"}}'])
def test_nonsense_beside_an_id_does_not_hide_it(nonsense: str, order: str) -> None:
    assert taken(order.format(nonsense).encode()).json()["request_id"] == "job-1"


def test_a_level_too_deep_is_null_and_what_is_beside_it_stays() -> None:
    video = '{"url": "https://v.example/a.mp4", "x": ' + deep(500) + ', "duration": 8}'
    state = taken(f'{{"status": "done", "video": {video}}}'.encode()).json()
    assert Video("job-1", state).url == "https://v.example/a.mp4" and Video("job-1", state).duration == 8


HOSTILE: dict[str, Callable[[], tuple[bytes, str]]] = {
    "gzip of zeros": lambda: (gzip.compress(b"\0" * (200 << 20), 1), "gzip"),
    "gzip in gzip": lambda: (gzip.compress(gzip.compress(b"\0" * (200 << 20), 1)), "gzip, gzip"),
    "gzip of lists": lambda: (gzip.compress(b"[" + b"[]," * 300_000 + b"0]", 1), "gzip"),
    "deflate": lambda: (zlib.compress(b'{"a":' * 200_000), "deflate"),
    "many gzips": lambda: (gzip.compress(b"") * 400_000, "gzip"),
    "lists": lambda: (b"[" + b"[]," * 300_000 + b"0]", ""),
    "lists in an object": lambda: (b'{"a":[' + b"[]," * 300_000 + b"0]}", ""),
    "texts": lambda: (b'{"a":[' + b'"ab",' * 400_000 + b"0]}", ""),
    "floats": lambda: (b'{"a":[' + b"1.5," * 1_000_000 + b"0]}", ""),
    "members": lambda: (b"{" + b"".join(b'"%x":1.5,' % i for i in range(300_000)) + b'"z":0}', ""),
    "objects": lambda: (b'{"a":[' + b'{"a":1},' * 150_000 + b"0]}", ""),
    "open": lambda: (b"[" * (1 << 20), ""),
    "shut": lambda: (b"]" * (4 << 20), ""),
    "one emoji": lambda: (b'{"request_id":"' + b"x" * 4_000_000 + "\U0001f600".encode() + b'"}', ""),
    "escapes": lambda: (b'{"request_id":"' + b"\\n" * 2_000_000 + b'"}', ""),
    "halves": lambda: (b'{"request_id":"' + b"\\ud83d" * 600_000 + b'"}', ""),
    "quotes": lambda: (b'"' * (2 << 20), ""),
    "backslashes": lambda: (b'"' + b'\\"' * (2 << 20), ""),
    "digits": lambda: (b"9" * (4 << 20), ""),
    "too long": lambda: (b'{"request_id":"a"' + b" " * (8 << 20) + b"}", ""),
    "ids": lambda: (b'{"request_id"' * 600_000, ""),
    "no utf-8": lambda: (b"\xff" * (8 << 20), ""),
    "markup": lambda: (b"<html>" + b"&" * (8 << 20), ""),
}


@pytest.mark.parametrize("name", HOSTILE)
def test_no_body_takes_more_than_64_mib(name: str) -> None:
    body, encoding = HOSTILE[name]()
    begin = time.thread_time()
    tracemalloc.start()
    try:
        answer = taken(body, 200, **({"content-encoding": encoding} if encoding else {}))
        with pytest.raises((UnexpectedResponse, KeyError)):
            _ = answer.json()["nothing"]
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak < 64 << 20 and time.thread_time() - begin < 20
    assert len(answer.body) <= MOST_ANSWER


@given(st.lists(st.tuples(st.binary(max_size=20), st.binary(max_size=50)), max_size=20), st.binary(max_size=50))
def test_any_bytes_make_an_answer(headers: list[tuple[bytes, bytes]], body: bytes) -> None:
    answer = take_in(599, headers, body, KEY)
    assert all((name + value).isprintable() and name == name.lower() for name, value in answer.headers.items())
    assert len(answer.headers) <= len(headers)


def test_headers_are_bounded_and_without_the_key() -> None:
    headers = [
        (b"A", b"1"),
        (b"a", b"2"),
        (b"k", KEY.encode()),
        (KEY.encode(), b"x"),
        *((b"x%d" % i, b"y" * 9000) for i in range(1000)),
    ]
    told = take_in(200, headers, b"", KEY).headers
    assert told["a"] == "1, 2" and told["k"] == "***" and told["***"] == "x"
    assert KEY.lower() not in json.dumps(dict(told)).lower() and sum(map(len, told.values())) < 1 << 18


DATES = [
    "",
    "7",
    "9" * 60,
    "soon",
    "Fri, 20 Nov 2026 10:00:30 GMT",
    "Fri, 31 Dec 9999 23:59:59 -9999",
    "Mon, 01 Jan 0001 00:00:00 +9999",
]


@given(st.sampled_from(DATES) | st.text(), st.sampled_from(DATES) | st.text())
def test_any_retry_after_is_seconds_or_nothing(value: str, date: str) -> None:
    pause = retry_after({"retry-after": value, "date": date})
    assert pause is None or 0 <= pause <= YEAR


@given(st.text(max_size=12) | st.integers(-5, 10**12).map(str), st.text(max_size=12) | st.integers(0, 10**12).map(str))
def test_any_rate_limit_header_costs_little(limit: str, remaining: str) -> None:
    pacer = Pacer(Limits(), ManualClock())
    tracemalloc.start()
    pacer.update_from_headers({"x-ratelimit-limit-requests": limit, "x-ratelimit-remaining-requests": remaining})
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 8 << 20


# What is an id

ODD = [
    ".", "..", " ", "a b", "--force", "-", "\x1b[2J", "a\nb", "\u202eabc", "\u00e9", "\U0001f600", "a/../b", "?", "\x00", "x" * 300_000, "'; id; '",
]  # fmt: skip
NO_ADDRESS = (".", "..", " ", "x" * 300_000)


@pytest.mark.parametrize("request_id", ODD, ids=range(len(ODD)))
def test_an_odd_id_is_kept_told_and_noted(far: Api, wire: Wire, tmp_path: Path, request_id: str) -> None:
    tell(wire, json.dumps({"request_id": request_id}).encode())
    with closing(Ledger(tmp_path / "jobs.db")) as ledger:
        with pytest.warns(OddAnswerWarning) as caught:
            job = far(lambda client: client.video.start("a boat"), ledger=ledger)
        (entry,) = ledger.jobs()
    assert job.request_id == entry.request_id == request_id and entry.state == "running" and wire.posts == 1
    said = str(caught[0].message) + repr(job)
    assert len(caught) == 1 and said.isprintable() and len(said) < 1000
    assert not is_plain_id(request_id)


@pytest.mark.parametrize("request_id", ["--force", "."])
def test_an_odd_id_is_not_lost_to_a_program_that_makes_errors_of_warnings(
    far: Api, wire: Wire, request_id: str
) -> None:
    tell(wire, json.dumps({"request_id": request_id}).encode())
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        with pytest.raises(OddAnswerWarning) as caught:
            far(lambda client: client.video.start("a boat"))
    assert caught.value.request_id == request_id and wire.posts == 1  # type: ignore[attr-defined]  # put on it


@pytest.mark.parametrize("request_id", NO_ADDRESS, ids=range(len(NO_ADDRESS)))
def test_a_job_whose_id_no_address_can_hold_is_told_and_never_lost(
    far: Api, wire: Wire, tmp_path: Path, request_id: str
) -> None:
    tell(wire, json.dumps({"request_id": request_id}).encode())
    with closing(Ledger(tmp_path / "jobs.db")) as ledger:
        with (
            pytest.warns(OddAnswerWarning, match="does not fit into a URL"),
            pytest.raises(JobError, match="does not fit into a URL") as caught,
        ):
            far(lambda client: client.video.generate("a boat"), ledger=ledger)
        assert caught.value.request_id == request_id and [entry.request_id for entry in ledger.jobs()] == [request_id]
    assert str(caught.value).isprintable() and len(str(caught.value)) < 700
    with pytest.raises(JobError):
        far(lambda client: client.video.wait(Job(request_id, TextToVideo("a boat"))))
    with pytest.raises(OutOfRange, match="request_id"):
        far(lambda client: client.video.wait(request_id))


@pytest.mark.parametrize("request_id", ["job-1", "0b9e2b1c-7f6f-4a43-9f0c-1234567890ab", "a_b.c:d"])
def test_a_plain_id_warns_of_nothing(far: Api, wire: Wire, request_id: str) -> None:
    tell(wire, json.dumps({"request_id": request_id}).encode())
    assert far(lambda client: client.video.start("a boat")).request_id == request_id


# What is a cost


@pytest.mark.parametrize("cost", ["-1", "9223372036854775808", "1.5", '"12"', "true", "1e400", "[]", "NaN", "{}"])
def test_a_cost_that_is_no_number_is_none_with_one_warning(far: Api, wire: Wire, tmp_path: Path, cost: str) -> None:
    video = '{"url": "https://v.example/a.mp4", "duration": "long"}'
    tell(
        wire,
        f'{{"status": "done", "video": {video}, "progress": [], "usage": {{"cost_in_usd_ticks": {cost}}}}}'.encode(),
    )
    with closing(Ledger(tmp_path / "jobs.db")) as ledger:
        with pytest.warns(OddAnswerWarning) as caught:
            found = far(lambda client: client.video.wait("job-1"), ledger=ledger)
        (entry,) = ledger.jobs()
    assert len(caught) == 1 and entry.state == "done" and entry.cost_ticks is None
    assert (found.cost_usd, found.duration, found.progress) == (None, None, None)


@pytest.mark.parametrize("cost", ["0", "4000000000", "9223372036854775807", "4000000000.0"])
def test_a_cost_of_64_bits_is_one_everywhere(far: Api, wire: Wire, tmp_path: Path, cost: str) -> None:
    tell(wire, f'{{"status": "failed", "usage": {{"cost_in_usd_ticks": {cost}}}}}'.encode())
    with closing(Ledger(tmp_path / "jobs.db")) as ledger:
        with pytest.raises(JobError) as caught:
            far(lambda client: client.video.wait("job-1"), ledger=ledger)
        (entry,) = ledger.jobs()
    assert entry.cost_ticks == int(float(cost)) if "." in cost else entry.cost_ticks == int(cost)
    assert caught.value.cost_usd == pytest.approx(float(cost) / 1e10)


def test_costs_of_64_bits_can_be_added_up(clock: ManualClock, tmp_path: Path) -> None:
    place, most = BatchSlot("batch", counted_ticks=1), 2**63 - 1
    with closing(Ledger(tmp_path / "jobs.db", clock=clock)) as ledger:
        for number in range(3):
            intent = ledger.claim(TextToVideo(f"boat {number}"), "here", place)
            assert isinstance(intent, str)
            ledger.confirm(intent, f"job-{number}")
            state = {"status": "failed", "usage": {"cost_in_usd_ticks": most}}
            ledger.record_result(Video(f"job-{number}", state), "here")
        assert ledger.cost_usd() == pytest.approx(3 * most / 1e10)
        assert ledger.costs_of("batch", "here") == pytest.approx((3 * most / 1e10, 3 * most / 1e10))
        with pytest.raises(CostLimitError):
            ledger.check_cost("here", place, 10**12)


@given(st.sampled_from([math.nan, math.inf, -math.inf, -1, 10**400, True, "8", None, [], 1e300]))
def test_a_video_of_mad_numbers_has_none(value: Any) -> None:
    raw = {"progress": value, "video": {"duration": value}, "usage": {"cost_in_usd_ticks": value}}
    video = Video("job-1", raw)
    assert (video.progress, video.duration, video.cost_usd) == (None, None, None)
    assert repr(video) and video.usage and video.response


# What the HTTP client makes of it


@pytest.mark.parametrize("location", ["mailto:a@b", "https://xn--/", "http://[::1", "http://:99999/", "", "\xe9"])
def test_a_redirect_to_no_address_is_an_answer_like_any_other(far: Api, wire: Wire, location: str) -> None:
    tell(wire, b"", 302, f"location: {location}")
    with pytest.raises(ApiError) as caught:
        far(lambda client: client.video.start("a boat"))
    assert caught.value.status_code == 302 and wire.posts == 1


def test_a_cookie_that_cannot_be_sent_back_ends_no_later_request(far: Api, wire: Wire) -> None:
    tell(wire, json.dumps(PENDING).encode(), 200, "set-cookie: a=\xe9")
    far(_look_twice)


def _look_twice(client: Any) -> Any:
    if not isinstance(client, AsyncClient):
        return [client.video.get("job-1") for _ in range(2)]

    async def twice() -> list[Video]:
        return [await client.video.get("job-1") for _ in range(2)]

    return twice()


def test_what_follows_an_answer_is_not_taken_for_the_next_one(wire: Wire) -> None:
    with Client("test-key", base_url=wire.base_url) as client:
        tell(wire, b'{"request_id": "job-9"}')
        surplus = wire.answer
        tell(wire, b'{"request_id": "job-1"}')
        wire.tell(wire.answer + surplus)
        assert client.video.start("a boat").request_id == "job-1"
        tell(wire, b'{"request_id": "job-2"}')
        try:  # if the surplus came late, the connection is given up
            assert client.video.start("a boat").request_id == "job-2" and wire.posts == 1
        except StartOutcomeUnknown as error:
            # It may go before the wire has read what was sent.
            assert "was there before" in str(error) and wire.posts <= 1
        assert client.video.start("a boat").request_id == "job-2"


def test_an_answer_that_a_hook_of_the_http_client_has_read_is_taken_as_it_is(wire: Wire) -> None:
    packed = gzip.compress(b'{"request_id": "job-1"}')
    tell(wire, packed, 200, "content-encoding: gzip")
    with (
        httpx.Client(event_hooks={"response": [lambda response: response.read()]}) as http,
        Client("test-key", base_url=wire.base_url, http_client=http) as client,
    ):
        assert client.video.start("a boat").request_id == "job-1"
