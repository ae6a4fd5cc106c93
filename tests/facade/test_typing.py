"""What a type checker says to a program that uses the package: mypy runs over one, and complains where it should, and only there."""

from __future__ import annotations

from pathlib import Path

import pytest
from mypy import api

from support import ROOT

PROGRAM = """
from pathlib import Path
from typing import assert_type

from grok_imagine import (
    AspectRatio, AsyncClient, AsyncVideo, Client, Ledger, Outcome, TextToVideo, Video, VideoOptions, VideoOutcome,
)

def blocking(client: Client, outcome: Outcome) -> Path:
    video = client.video.generate("x", duration=8, aspect_ratio="16:9", resolution="720p")
    assert_type(video, Video)
    assert_type(client.video.get("id"), Video)
    assert_type(video.outcome, VideoOutcome)
    assert_type(outcome.video, Video | None)
    for each in client.video.batch(["x"]):
        assert_type(each.video, Video | None)
    for result in client.batches.results("b"):
        assert_type(result.video, Video | None)
    return video.save("a.mp4")

async def awaited(client: AsyncClient) -> Path:
    video = await client.video.generate("x", duration=8)
    assert_type(video, AsyncVideo)
    assert_type(await client.video.wait("id"), AsyncVideo)
    async for each in client.video.batch(["x"]):
        assert_type(each.video, AsyncVideo | None)
    async for result in client.batches.results("b"):
        assert_type(result.video, AsyncVideo | None)
    await client.video.download(video, "b.mp4")
    return await video.save("a.mp4")

async def forgotten(client: AsyncClient) -> Path:
    video = await client.video.generate("x")
    video.save("a.mp4")  # ERROR
    return video.save("a.mp4")  # ERROR

def not_to_be_awaited(client: Client, video: AsyncVideo) -> Path:
    path: Path = video.save("a.mp4")  # ERROR
    return client.video.generate("x").save("a.mp4")

async def blocking_awaited(client: Client) -> None:
    await client.video.generate("x").save("a.mp4")  # ERROR

def keywords(client: Client, options: VideoOptions, ratio: AspectRatio) -> None:
    client.video.start("x", aspect_ratio="7:1", resolution="8k", strict=False)
    client.video.start("x", **options)
    client.video.start("x", duratoin=8)  # ERROR
    client.video.start("x", duration="8")  # ERROR
    client.video.extend("x", image_url="https://a/b.png")  # ERROR
    TextToVideo("x", aspect_ratio=ratio)
    TextToVideo("x", video_url="https://a/b.mp4")  # ERROR
    new: AspectRatio = "7:1"  # ERROR
    if client.video.get("id").outcome == "finished":  # ERROR
        pass

def entries(ledger: Ledger) -> None:
    for entry in ledger.jobs():
        if entry.state == "gone":  # ERROR
            pass
"""


@pytest.mark.long
def test_a_type_checker_complains_where_it_should_and_only_there(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    program = tmp_path / "program.py"
    program.write_text(PROGRAM, encoding="utf-8")
    monkeypatch.chdir(ROOT)  # mypy's own path is relative
    out, err, _ = api.run([str(program)])
    expected = [number for number, line in enumerate(PROGRAM.splitlines(), 1) if line.endswith("# ERROR")]
    found = {int(line.split(":")[1]) for line in out.splitlines() if ": error:" in line}
    assert (sorted(found), err) == (expected, ""), out
