"""A canary in every secret: the key, a signed URL, a data: URL and a prompt go through every path, and show up nowhere."""

from __future__ import annotations

import logging
import traceback
from pathlib import Path
from typing import Any

import pytest

from grok_imagine import GrokImagineError, Ledger
from grok_imagine_sandbox import SCENARIOS, Sandbox
from support import Api

KEY = "xai-CANARY0key0000000000"
DATA = "data:image/png;base64,CANARY0data"
SIGNED = "https://storage.example.com/put?signature=CANARY0signed"
CLIP = "https://example.com/a.mp4?signature=CANARY0signed"
NO_SCHEME = "a.example/put?signature=CANARY0signed"
PROMPT = "CANARY0prompt"
PATHS = {
    "text": lambda c: c.video.generate(PROMPT, duration=1),
    "image": lambda c: c.video.generate(PROMPT, image_url=DATA, duration=1),
    "upload": lambda c: c.video.generate(PROMPT, output_upload_url=SIGNED, duration=1),
    "edit": lambda c: c.video.generate(PROMPT, video_url=CLIP),
    "refused-mode": lambda c: c.video.generate(PROMPT, image_url=DATA, reference_image_urls=[DATA]),
    "refused-length": lambda c: c.video.generate(PROMPT * 1000),
    "refused-upload": lambda c: c.video.generate(PROMPT, output_upload_url=SIGNED, duration=99),
    "refused-url": lambda c: c.video.generate(PROMPT, output_upload_url=NO_SCHEME),
    "models": lambda c: c.models.list(),
}
QUICK = sorted(name for name in SCENARIOS if "slow" not in name)


def shown(value: Any) -> str:
    """All that printing, logging or a traceback would show of a result or an error."""
    if isinstance(value, BaseException):
        return "".join(traceback.format_exception(value)) + repr(value)
    return f"{value!r} {value!s} {getattr(value, 'request', '')!r}"


def run(api: Api, path: str, ledger: Ledger, **options: Any) -> str:
    try:
        return shown(api(PATHS[path], ledger=ledger, api_key=KEY, **options))
    except GrokImagineError as error:
        return shown(error)


@pytest.fixture
def everything(caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str], tmp_path: Path) -> Any:
    """What came out of the process: logs of every library at DEBUG, both streams, and the ledger's file."""
    caplog.set_level(logging.DEBUG)

    def collect(said: str) -> str:
        logs = "\n".join(f"{record.name} {record.getMessage()} {record.exc_text or ''}" for record in caplog.records)
        files = "".join(path.read_bytes().decode("latin-1") for path in tmp_path.glob("jobs.db*"))
        out, err = capfd.readouterr()
        return said + logs + out + err + files

    return collect


@pytest.mark.filterwarnings("ignore::grok_imagine.UnknownStatusWarning")
@pytest.mark.parametrize("path", PATHS)
def test_no_path_shows_a_secret(api: Api, sandbox: Sandbox, tmp_path: Path, everything: Any, path: str) -> None:
    assert "CANARY" not in everything(run(api, path, Ledger(tmp_path / "jobs.db")))


@pytest.mark.filterwarnings("ignore::grok_imagine.UnknownStatusWarning")
@pytest.mark.parametrize("name", QUICK)
def test_no_failure_shows_a_secret(api: Api, sandbox: Sandbox, tmp_path: Path, everything: Any, name: str) -> None:
    said = run(api, "image", Ledger(tmp_path / "jobs.db"), headers={"x-sandbox-scenario": name})
    assert "CANARY" not in everything(said) and "sig=" not in said


def test_a_result_shows_no_signed_url(api: Api, sandbox: Sandbox, everything: Any) -> None:
    video = api(PATHS["text"])
    assert "sig=" in video.url
    assert "sig=" not in everything(shown(video) + shown(api(lambda c: c.video.start(PROMPT))))


def test_the_canary_sings_when_it_is_there(everything: Any) -> None:
    logging.getLogger("anything").warning("key %s", KEY)
    assert "CANARY" in everything("")
