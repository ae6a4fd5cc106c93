"""What the tests of downloads share: videos, hosts and answers."""

from __future__ import annotations

import os
import pickle
from pathlib import Path
from typing import Any

import pytest

from grok_imagine import (
    DownloadError,
    RetryPolicy,
    Video,
)
from grok_imagine.core.effects import Blocking, Head, Stream
from grok_imagine.core.retry import Retries
from grok_imagine.download.transfer import download
from grok_imagine.urls import parse
from hosts import MP4, Host, mp4
from support import Api, ManualClock

ID = "11111111-2222-3333-4444-555555555555"


UMASK = os.umask(0o022)


os.umask(UMASK)


USUAL_MODE = 0o666 & ~UMASK
"""What a file gets that any program makes: a video is for others to read, as far as the user's umask lets them."""


def state(url: str) -> bytes:
    return b'{"status": "done", "video": {"url": "%s"}}' % url.encode()


def video(host: Host, path: str = "/a.mp4?sig=CANARY-SIG") -> Video:
    return Video(ID, {"status": "done", "video": {"url": host.origin + path}})


def fetch(api: Api, source: Any, path: Any, retry: RetryPolicy | None = None, **options: Any) -> Path:
    return api(lambda c: c.video.download(source, path, **options), retry=retry)


def left(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def fails(api: Api, source: Any, path: Any, reason: str, **options: Any) -> DownloadError:
    with pytest.raises(DownloadError) as caught:
        fetch(api, source, path, **options)
    error = caught.value
    assert error.reason == reason, error
    assert (error.request_id, error.path) == (ID, Path(path)) and ID in str(error)
    assert "CANARY" not in f"{error} {error!r} {error.__dict__}"
    copied = pickle.loads(pickle.dumps(error))
    assert (type(copied), copied.reason, str(copied)) == (type(error), reason, str(error))
    return error


NEW = mp4(b"new" * 9000)


def drive(tmp_path: Path, url: str, *answers: tuple[int, str], sent: list[str], is_local: bool = False) -> None:
    made = Video(ID, {"status": "done", "video": {"url": url}})
    retries = Retries(RetryPolicy(), ManualClock())
    flow = download(made, tmp_path / "a.mp4", get=pytest.fail, retries=retries, is_local=is_local)
    queue = list(answers)
    command = next(flow)
    while True:
        if isinstance(command, Blocking):
            command = flow.send(command.work())
            continue
        assert isinstance(command, Stream)
        url = command.request["url"]
        sent.append(url)
        status, location = queue.pop(0)
        fields = {} if status == 302 else {"content-length": str(len(MP4))}
        try:
            command.sink.begin(Head(status, fields, parse(url).host, location))
            command.sink.write(MP4)
        except Exception as error:
            command = flow.throw(error)
        else:
            command = flow.send(None)


BUCKET = "https://vidgen.x.ai/bucket/a.mp4?sig=CANARY"
