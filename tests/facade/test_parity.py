"""What one client can, the other can; and every operation of the document is bound in both."""

from __future__ import annotations

import importlib.util
import shutil
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from grok_imagine import GrokImagineError, RetryPolicy, TextToVideo
from grok_imagine.batch.runner import BatchStats
from grok_imagine.batch.tasks import AsyncBatch
from grok_imagine.batch.threads import Batch
from grok_imagine_sandbox import Sandbox
from support import ROOT, Api, ManualClock, listed

BOUND = {
    "generateVideo": lambda c: c.video.start("x"),
    "editVideo": lambda c: c.video.start("x", video_url="https://example.com/a.mp4"),
    "extendVideo": lambda c: c.video.extend_start("x", video_url="https://example.com/a.mp4"),
    "getVideo": lambda c: c.video.get("00000000-0000-0000-0000-000000000000"),
    "listVideoModels": lambda c: c.models.list(),
    "getVideoModel": lambda c: c.models.get("grok-imagine-video"),
    "createBatch": lambda c: c.batches.create("x"),
    "listBatches": lambda c: listed(c.batches.list()),
    "getBatch": lambda c: c.batches.get("batch_1"),
    "addBatchRequests": lambda c: c.batches.add("batch_1", [TextToVideo("x")]),
    "listBatchRequests": lambda c: listed(c.batches.requests("batch_1")),
    "listBatchResults": lambda c: listed(c.batches.results("batch_1")),
    "cancelBatch": lambda c: c.batches.cancel("batch_1"),
    "uploadFile": lambda c: c.files.upload(b"{}", strict=False),
    "listFiles": lambda c: listed(c.files.list()),
    "getFile": lambda c: c.files.get("file_1"),
    "getFileContent": lambda c: c.files.content("file_1"),
    "deleteFile": lambda c: c.files.delete("file_1"),
    "createFilePublicUrl": lambda c: c.files.public_url("file_1"),
    "revokeFilePublicUrl": lambda c: c.files.revoke_public_url("file_1"),
}


@pytest.fixture
def script(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    """The script that makes the blocking client, at work on a copy."""
    spec = importlib.util.spec_from_file_location("generate_sync", ROOT / "scripts" / "generate_sync.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    for folder in ("_async", "_sync"):
        shutil.copytree(module.PACKAGE / folder, tmp_path / folder)
    monkeypatch.setattr(module, "PACKAGE", tmp_path)
    monkeypatch.setattr(sys, "argv", ["generate_sync.py", "--check"])
    return module


def test_the_blocking_client_is_what_the_asynchronous_one_makes(
    script: ModuleType, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert script.main() == 0
    with (tmp_path / "_sync" / "files.py").open("a") as changed:
        changed.write("# by hand\n")
    (tmp_path / "_sync" / "by_hand.py").write_text("")
    assert script.main() == 1 and [line.split()[0] for line in capsys.readouterr().out.splitlines()] == [
        "_sync/by_hand.py",
        "_sync/files.py",
    ]


@pytest.mark.parametrize("left", ["awaited", "an async-with", "a coroutine", "the Async one"])
def test_a_word_that_no_rule_is_for_is_an_error(script: ModuleType, tmp_path: Path, left: str) -> None:
    source = tmp_path / "_async" / "files.py"
    source.write_text(f"{source.read_text()}# {left}\n")
    with pytest.raises(SystemExit, match=r"_async/files\.py:\d+: no rule is for"):
        script.main()


def test_a_rule_that_matches_nothing_is_an_error(script: ModuleType, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(script, "RULES", (*script.RULES, ("no such text", "")))
    with pytest.raises(SystemExit, match="a rule matches nothing any more: no such text"):
        script.main()


OPTIONS = {
    "duration": [1, 8, 99, "8"],
    "aspect_ratio": ["16:9", "7:1", None],
    "resolution": ["720p", "8k"],
    "generate_audio": [True, None],
    "image_url": ["https://example.com/a.png", "a.png"],
    "image_file_id": ["file_1"],
    "reference_image_urls": [["https://example.com/a.png"], [], "a"],
    "video_url": ["https://example.com/a.mp4", 5],
    "user": ["me"],
    "duratoin": [8, None],
    "strict": [True, False],
    "key": ["k", ""],
}


@settings(
    deadline=None, max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)
@given(
    call=st.sampled_from(["start", "extend_start"]),
    prompt=st.sampled_from(["A cat", "", None, TextToVideo("A dog")]),
    options=st.fixed_dictionaries({}, optional={name: st.sampled_from(of) for name, of in OPTIONS.items()}),
)
@pytest.mark.filterwarnings("ignore::grok_imagine.ContractWarning")
def test_both_make_the_same_of_whatever_they_are_given(
    sandbox: Sandbox, clock: ManualClock, call: str, prompt: Any, options: dict[str, Any]
) -> None:
    told = []
    for kind in ("sync", "async"):
        try:
            api = Api(kind, clock, sandbox.base_url, retry=RetryPolicy(max_retries=0))
            job = api(lambda c: getattr(c.video, call)(prompt, **options))
            told.append((type(job), job.request))
        except GrokImagineError as error:
            told.append((type(error), str(error).partition(" [request_id")[0], error.hint))
    assert told[0] == told[1]


def test_both_batches_tell_the_same() -> None:
    ours, theirs = ({name for name in vars(cls) if not name.startswith("_")} for cls in (Batch, AsyncBatch))
    assert ours == theirs and issubclass(Batch, BatchStats) and issubclass(AsyncBatch, BatchStats)


def test_every_operation_of_the_document_is_bound(document: dict[str, Any], api: Api, sandbox: Sandbox) -> None:
    operations = {
        o["operationId"]: (m.upper(), f"/v1{path}") for path, item in document["paths"].items() for m, o in item.items()
    }
    assert operations.keys() == BOUND.keys()
    for name, (method, path) in operations.items():
        before = sum(count for (m, p, _), count in sandbox.requests.items() if (m, p) == (method, path))
        try:
            api(BOUND[name])
        except Exception as error:
            assert type(error).__name__ == "NotFoundError", error
        after = sum(count for (m, p, _), count in sandbox.requests.items() if (m, p) == (method, path))
        assert after == before + 1, name
