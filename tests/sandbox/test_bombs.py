"""Inputs that announce or unpack to far more than they are, and work that is ended because it takes too long."""

import asyncio
import contextlib
import io
import struct
import threading
import tracemalloc
import urllib.parse
import zlib
from collections.abc import Callable
from functools import cache
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from grok_imagine_sandbox import boxes, inputs, media
from grok_imagine_sandbox.fetching import Lanes
from grok_imagine_sandbox.frames import FPS
from grok_imagine_sandbox.inputs import InputFailure, _decoded, _unquoted
from grok_imagine_sandbox.work import Exhausted, Workers, checkpoint


def box(kind: bytes, content: bytes = b"") -> bytes:
    return struct.pack(">I", 8 + len(content)) + kind + content


def within(*kinds: bytes, content: bytes) -> bytes:
    for kind in reversed(kinds):
        content = box(kind, content)
    return content


@cache
def clip() -> bytes:
    return media.generate("x", seconds=1, size=(64, 48))


TABLE = (b"moov", b"trak", b"mdia", b"minf", b"stbl")
MANY = struct.pack(">I", 150_000_000)
VIDEOS: dict[str, Callable[[], bytes]] = {
    "samples of one size": lambda: within(*TABLE, content=box(b"stsz", bytes(4) + struct.pack(">I", 1) + MANY)),
    "compact samples": lambda: within(*TABLE, content=box(b"stz2", bytes(4) + struct.pack(">I", 4) + MANY)),
    "samples over many tracks": lambda: within(
        b"moov",
        content=within(*TABLE[1:], content=box(b"stsz", bytes(4) + struct.pack(">II", 1, 100_000))) * 50,
    ),
    "a run of a fragment": lambda: within(b"moof", b"traf", content=box(b"trun", bytes(4) + MANY)),
    "edits": lambda: within(
        b"moov", b"trak", b"edts", content=box(b"elst", bytes(4) + struct.pack(">I", 1000) + bytes(12_000))
    ),
    "a packed index": lambda: within(b"moov", b"cmov", content=box(b"dcom", b"zlib")),
    "boxes": lambda: within(b"moov", content=box(b"free") * 50_000),
    "boxes within boxes": lambda: within(*[b"moov"] * 50_000, content=b""),
}


@pytest.mark.parametrize("made", VIDEOS.values(), ids=VIDEOS)
def test_a_video_that_announces_too_much_is_not_opened(made: Callable[[], bytes]) -> None:
    with pytest.raises(boxes.Unsound):
        boxes.check(made() + clip())
    with pytest.raises(media.MediaError, match="the video"):
        media.probe(clip() + made())


def test_an_ordinary_video_is_sound() -> None:
    boxes.check(clip())
    assert media.probe(clip()).frames == FPS


@settings(max_examples=200, deadline=None, database=None, derandomize=True)
@given(st.lists(st.tuples(st.integers(0, 1 << 20), st.binary(min_size=1, max_size=9)), max_size=5))
def test_a_damaged_video_is_read_or_refused(changes: list[tuple[int, bytes]]) -> None:
    data = bytearray(clip())
    for at, instead in changes:
        at %= min(len(data), 2000)  # the index stands in front
        data[at : at + len(instead)] = instead
    try:
        info = media.probe(bytes(data))
    except media.MediaError:
        return
    assert info.frames <= media.MAX_FRAMES and info.seconds <= media.MAX_SECONDS


def png(width: int, height: int, packed: bytes) -> bytes:
    def chunk(kind: bytes, content: bytes) -> bytes:
        return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))

    head = chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0))
    return (
        b"\x89PNG\r\n\x1a\n" + head + chunk(b"zTXt", b"a\0\0" + packed) + chunk(b"IDAT", packed) + chunk(b"IEND", b"")
    )


def jpeg_of_scans() -> bytes:
    out = io.BytesIO()
    Image.new("RGB", (64, 64)).save(out, "JPEG", progressive=True)
    data = out.getvalue()
    last = data.rindex(b"\xff\xda")
    return data[:last] + data[last:-2] * 1000 + data[-2:]


ZEROS = zlib.compress(bytes(200 * 2**20), 9)
PICTURES: dict[str, Callable[[], bytes]] = {
    "wide": lambda: png(60_000, 60_000, ZEROS),
    "wider": lambda: png(2**31 - 1, 2**31 - 1, ZEROS),
    "a long text": lambda: png(4096, 4096, ZEROS),
    "scans": jpeg_of_scans,
}


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("made", PICTURES.values(), ids=PICTURES)
def test_a_picture_that_unpacks_to_too_much_is_refused(made: Callable[[], bytes]) -> None:
    data = made()
    tracemalloc.start()
    try:
        with pytest.raises(media.MediaError):
            media.picture_size(data)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < 100 * 2**20


@settings(max_examples=200, deadline=None, database=None, derandomize=True)
@given(st.text(alphabet="%4aF1é\0", max_size=40))
def test_escapes_are_decoded_piece_by_piece_as_at_once(text: str) -> None:
    before = inputs._PIECE
    inputs._PIECE = 3
    try:
        assert _unquoted(text) == urllib.parse.unquote_to_bytes(text)
    finally:
        inputs._PIECE = before


@pytest.mark.parametrize(
    "content", ["%41" * 500_000, "%" * 1_000_000, "A" * 1_000_000], ids=["escapes", "signs", "plain"]
)
@pytest.mark.parametrize("head", ["data:image/png,", "data:image/png;base64,"])
def test_decoding_a_data_url_takes_a_few_times_its_size(head: str, content: str) -> None:
    tracemalloc.start()
    try:
        with contextlib.suppress(InputFailure):
            _decoded("image", head + content, 20 * 2**20)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < 4 * len(content) + 16 * 2**20  # a piece of 64 KiB is split into its escapes


def test_work_ends_at_a_checkpoint_when_the_workers_stop() -> None:
    workers = Workers()
    begun = threading.Event()
    ended = threading.Event()

    def endless() -> None:
        begun.set()
        try:
            while True:
                checkpoint()
        except Exhausted:
            ended.set()
            raise

    async def run() -> None:
        task = asyncio.ensure_future(workers.render(endless))
        await asyncio.to_thread(begun.wait, 60)
        workers.stop()
        with pytest.raises(Exhausted):
            await asyncio.wait_for(task, 60)

    asyncio.run(run())
    assert ended.is_set()


def test_work_ends_when_it_has_used_up_its_time(monkeypatch: Any) -> None:
    monkeypatch.setattr("grok_imagine_sandbox.work._READING_SECONDS", 0.01)
    workers = Workers()

    def endless() -> None:
        while True:
            checkpoint()

    async def run() -> None:
        with pytest.raises(Exhausted, match="takes more than"):
            await asyncio.wait_for(workers.read(endless), 60)

    asyncio.run(run())
    workers.stop()


def test_outside_of_the_workers_nothing_ends() -> None:
    checkpoint()


async def _for_ever() -> None:
    await asyncio.Event().wait()


def test_slow_fetches_leave_the_lane_and_end_in_time() -> None:
    async def run() -> tuple[int, list[Any]]:
        lanes = Lanes(patience=0.001, seconds=0.1)
        slow = [asyncio.ensure_future(lanes.run(_for_ever)) for _ in range(500)]
        quick = [await asyncio.wait_for(lanes.run(lambda: asyncio.sleep(0, 1)), 60) for _ in range(100)]
        ends = await asyncio.wait_for(asyncio.gather(*slow, return_exceptions=True), 60)
        return len(quick), ends

    quick, ends = asyncio.run(run())
    assert quick == 100
    assert {type(end) for end in ends} == {TimeoutError}


def test_a_fetch_that_is_given_up_is_cancelled() -> None:
    async def run() -> bool:
        lanes = Lanes(patience=60, seconds=60)
        cancelled = asyncio.Event()

        async def work() -> None:
            try:
                await _for_ever()
            finally:
                cancelled.set()

        task = asyncio.ensure_future(lanes.run(work))
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        await asyncio.wait_for(cancelled.wait(), 60)
        return True

    assert asyncio.run(run())
