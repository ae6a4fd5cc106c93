"""What to do about an error, as a code and a text: each kind is met as a program meets it."""

from __future__ import annotations

import pickle
import sys
from collections.abc import Callable
from pathlib import Path
from typing import get_args

import pytest

from grok_imagine import (
    Client,
    CostLimitError,
    GrokImagineError,
    Hint,
    ImageToVideo,
    StartOutcomeUnknown,
    TextToVideo,
    VideoRequest,
    check_target,
)
from grok_imagine.hints import HintCode
from grok_imagine_sandbox import Sandbox


def no_answer() -> None:
    with (
        Sandbox(scenario="reset-after-accepting") as sandbox,
        Client("k", base_url=sandbox.base_url) as client,
    ):
        client.video.start("x")


def no_route() -> None:
    with Sandbox() as sandbox, Client("k", base_url=sandbox.base_url.removesuffix("/v1")) as client:
        client.models.list()


def no_time() -> None:
    with Sandbox(clock=lambda: 0.0, speed=1.0) as sandbox, Client("k", base_url=sandbox.base_url) as client:
        client.video.generate("x", timeout=0)


def cap() -> None:
    raise CostLimitError("b", 1.0, 0.0, 0.5)


MET: dict[str, Callable[[], object]] = {
    "api_key": lambda: Client(""),
    "base_url": no_route,
    "instead": lambda: TextToVideo("x", duratoin=8),
    "install": lambda: ImageToVideo(image_url=b"\x89PNG"),
    "local_file": lambda: VideoRequest.from_body({"prompt": "x", "image": {"url": "/home/me/a.png"}}).check(),
    "max_cost": cap,
    "outcome_unknown": no_answer,
    "overwrite": lambda: check_target(Path(__file__)),
    "strict": lambda: TextToVideo("x", aspect_ratio="7:3").check(),
    "wait": no_time,
}


@pytest.mark.parametrize("code", get_args(HintCode))
def test_a_hint_has_a_code_and_the_very_words_of_the_message(code: str, monkeypatch: pytest.MonkeyPatch) -> None:
    if code == "install":
        monkeypatch.setitem(sys.modules, "filetype", None)
    with pytest.raises(GrokImagineError) as caught:
        MET[code]()
    error = caught.value
    assert isinstance(error.hint, Hint) and error.hint.code == code and error.hint.text
    assert error.hint.text in error.message or isinstance(error, StartOutcomeUnknown)
    assert pickle.loads(pickle.dumps(error)).hint == error.hint


def test_the_way_out_of_a_refusal_is_its_hint_and_where_there_is_none_there_is_no_hint() -> None:
    assert GrokImagineError("x").hint is None
    with pytest.raises(GrokImagineError, match="is required") as caught:
        VideoRequest.from_body({}).check()
    assert caught.value.hint == Hint("instead", caught.value.instead)
    with pytest.raises(GrokImagineError, match="has no valid host") as caught:
        Client("k", base_url="http://")
    assert caught.value.hint is None


def test_trying_a_target_leaves_nothing_behind(tmp_path: Path) -> None:
    check_target(tmp_path)
    check_target(tmp_path / "new.mp4")
    (tmp_path / "old.mp4").write_bytes(b"old")
    check_target(tmp_path / "old.mp4", overwrite=True)
    assert [path.read_bytes() for path in tmp_path.iterdir()] == [b"old"]
