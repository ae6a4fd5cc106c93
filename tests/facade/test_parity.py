"""What one client can, the other can; and every operation of the document is bound in both."""

from __future__ import annotations

import inspect
from typing import Any

import pytest

from grok_imagine import AsyncClient, Client, TextToVideo
from grok_imagine.batch.runner import BatchStats
from grok_imagine.batch.tasks import AsyncBatch
from grok_imagine.batch.threads import Batch
from grok_imagine.batches import AsyncBatches, Batches
from grok_imagine.files import AsyncFiles, Files
from grok_imagine.videos import AsyncModels, AsyncVideos, Models, Videos
from grok_imagine_sandbox import Sandbox
from support import Api, listed

PAIRS = [
    (Client, AsyncClient),
    (Videos, AsyncVideos),
    (Models, AsyncModels),
    (Files, AsyncFiles),
    (Batches, AsyncBatches),
]
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


def public(cls: type) -> dict[str, Any]:
    return {name: value for name, value in vars(cls).items() if not name.startswith("_")}


@pytest.mark.parametrize(("blocking", "awaited"), PAIRS)
def test_both_have_the_same_methods_and_parameters(blocking: type, awaited: type) -> None:
    assert public(blocking).keys() == public(awaited).keys()
    for name, method in public(blocking).items():
        twin = public(awaited)[name]
        if name == "batch":  # iterators both: one is read by `for`, the other by `async for`, and may be fed by one
            ours, theirs = (inspect.signature(each).parameters for each in (method, twin))
            assert {one for one in ours if ours[one] != theirs[one]} == {"requests"} and [*ours] == [*theirs]
            continue
        ours, theirs = inspect.signature(method), inspect.signature(twin)
        if str(theirs.return_annotation).startswith("AsyncIterator"):  # read by `for` and `async for`
            assert f"Async{ours.return_annotation}" == theirs.return_annotation and ours.parameters == theirs.parameters
            continue
        assert inspect.iscoroutinefunction(twin) and not inspect.iscoroutinefunction(method)
        assert ours == theirs, name


def test_both_batches_tell_the_same() -> None:
    ours, theirs = public(Batch), public(AsyncBatch)
    assert {*ours} ^ {*theirs} == set() and issubclass(Batch, BatchStats) and issubclass(AsyncBatch, BatchStats)


def test_both_are_made_of_the_same_arguments() -> None:
    # Two differ by nature: an asynchronous client needs an asynchronous HTTP client and an asynchronous sleep.
    ours, theirs = (dict(inspect.signature(cls.__init__).parameters) for cls in (Client, AsyncClient))
    assert list(ours) == list(theirs)
    assert {name for name in ours if name != "self" and ours[name] != theirs[name]} == {"http_client", "sleep"}


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
