"""Errors in the words of the command line: options and keys, never the keywords of Python; and the host of each connection."""

from __future__ import annotations

import itertools
import re
import socket
import warnings
from pathlib import Path
from typing import Any

import pytest

from grok_imagine import (
    InvalidRequest,
    LedgerError,
    NotDelivered,
    RequestTimeout,
    StartOutcomeUnknown,
    TransportError,
    VideoRequest,
)
from grok_imagine.core.request import KEYWORDS
from grok_imagine_api import contract
from grok_imagine_cli.keys import keys
from grok_imagine_cli.report import KEYS, OPTIONS, in_words
from grok_imagine_sandbox import Sandbox

from .manifests import outcomes, write
from .programs import QUICK

URL = "https://example.com/a.png"
VALUES: dict[str, Any] = {
    "image_url": URL,
    "last_frame_url": URL,
    "video_url": URL,
    "reference_image_urls": [URL],
    "reference_audios": [{"voice_id": "nobody"}],
    "keyframes": [{"image_url": URL, "timestamp": 99.0}],
    "duration": 99,
    "aspect_ratio": "9:9",
    "resolution": "9p",
    "generate_audio": False,
    "model": "nothing",
    "prompt": "",
}
"""What the options of the program can give, mostly in vain."""

PYTHON = re.compile(
    r"\w+=|\bpathlib|\bkeyword|strict=|\w+\(\)|\b(?:image|video|last_frame)_(?:url|file_id)|image_urls|file_ids"
)


def refusals() -> list[InvalidRequest]:
    found: list[InvalidRequest] = []
    combinations = itertools.chain.from_iterable(itertools.combinations(VALUES, count) for count in (0, 1, 2, 3))
    for names, call in itertools.product(combinations, ("generate", "extend")):
        given = {"prompt": "<IMAGE_7>"} | {name: VALUES[name] for name in names}
        try:
            VideoRequest.from_keywords(call=call, **given).check()
        except InvalidRequest as error:
            found.append(error)
    for keyword, url in itertools.product(("image_url", "video_url"), ("ftp://x/y", "http://", "data:x", "", "x y")):
        try:
            VideoRequest.from_keywords(prompt="x", **{keyword: url}).check()
        except InvalidRequest as error:
            found.append(error)
    return found


def test_no_refusal_names_what_only_python_has() -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        found = refusals()
    assert len({error.message for error in found}) > 40
    fields = KEYWORDS | set(contract.FIELDS)
    for error in found:
        told = in_words(error)
        assert not PYTHON.search(told), told
        assert not fields & set(re.findall(r"`(\w+)`", told)), told
        in_manifest = in_words(error, {"local_file": "a file"}, KEYS)
        named = set(re.findall(r"`(\w+)`", in_manifest))
        assert named & fields <= set(keys()) | {"mode"}, in_manifest


def test_every_option_that_is_named_exists() -> None:
    from .test_help import COMMANDS

    options = {name for command in COMMANDS.values() for parameter in command.params for name in parameter.opts}
    metavars = {"PROMPT"}
    assert set(OPTIONS.values()) <= options | metavars


@pytest.mark.parametrize(
    ("line", "option"),
    [
        ("generate x --image missing.png", "--image"),
        ("generate x --reference missing.png", "--reference"),
        ("generate x --last-frame missing.png", "--last-frame"),
        ("generate x --keyframe 2=missing.png", "--keyframe"),
        ("edit x --video missing.png", "--video"),
        ("extend x --video missing.png", "--video"),
        ("estimate --image missing.png", "--image"),
        ("estimate --video missing.png", "--video"),
    ],
)
def test_a_file_that_is_not_there_is_told_by_its_option(program: Any, line: str, option: str) -> None:
    done, as_json = program.all([f"{way}--base-url http://127.0.0.1:9 {line}" for way in ("", "--json ")])
    said = " ".join(done.err.replace("│", " ").split())
    assert done.code == as_json.code == 2 and f"Invalid value for {option}: missing.png: no such file" in said, said
    assert "missing.png: no such file" in as_json.of("error")[0]["message"] and not PYTHON.search(said)


def test_an_address_without_its_scheme_is_told_so(program: Any) -> None:
    done = program("--json estimate --image example.com/a.png")
    assert "example.com/a.png: no such file; a URL begins with https://" in done.of("error")[0]["message"]


def errors() -> dict[str, Exception]:
    def at(error: TransportError) -> TransportError:
        error.host, error.port = "api.example.com", 443
        return error

    unknown = StartOutcomeUnknown("no answer", mode="text-to-video", body_sha256="0" * 64, sent_at=0.0)
    unknown.__cause__ = at(RequestTimeout("too late"))
    deep = LedgerError("x")
    deep.__cause__ = unknown
    return {
        "not delivered": at(NotDelivered("refused")),
        "lost": at(TransportError("reset")),
        "unknown": unknown,
        "deep": deep,
    }


@pytest.mark.parametrize("kind", errors())
def test_a_connection_is_told_with_its_host(kind: str) -> None:
    told = in_words(errors()[kind])
    assert told.count("api.example.com:443") == 1
    six = NotDelivered("refused")
    six.host, six.port = "::1", 80
    assert in_words(six) == "[::1]:80: refused" and in_words(NotDelivered("x")) == "x"


def test_the_host_is_in_each_connection_error(program: Any, tmp_path: Path) -> None:
    write(tmp_path / "all.jsonl", "A heron")
    with socket.create_server(("127.0.0.1", 0)) as taken:
        host = f"127.0.0.1:{taken.getsockname()[1]}"
    for line in ("generate x --timeout 1", "get some-id", "models", "batch all.jsonl -o videos --yes --timeout 1"):
        done, as_json = program.all([f"{way}--base-url http://{host}/v1 {line}" for way in ("", "--json ")])
        assert done.code == as_json.code == 9 and host in done.err, done
    (noted,) = outcomes(tmp_path / "videos")[-1:]
    assert host in noted["error"]["message"]
    with Sandbox(speed=100.0, scenario="reset-after-accepting") as service:
        lost = program(f"--base-url {service.base_url} generate x {QUICK}")
        assert lost.code == 6 and service.base_url.split("/")[2] in lost.err, lost


def test_what_the_contract_doubts_is_told_by_its_option(program: Any, tmp_path: Path) -> None:
    write(tmp_path / "all.jsonl", {"prompt": "x", "last_frame": URL, "duration": 2})
    one, many = program.all(
        [f"estimate x --last-frame {URL} --duration 2", "batch all.jsonl -o videos --base-url http://127.0.0.1:9"]
    )
    assert "`--last-frame`: only the 1.5 model pins frames" in one.err
    assert "`last_frame`: only the 1.5 model pins frames" in many.err


def test_past_the_cap_one_line_tells_of_all_that_were_not_sent(program: Any, tmp_path: Path) -> None:
    write(tmp_path / "all.jsonl", *({"prompt": f"A heron, number {n}", "duration": 1} for n in range(60)))
    with Sandbox(speed=100.0) as service:
        done = program(f"--base-url {service.base_url} batch all.jsonl -o videos --yes --max-cost 0.11 {QUICK}")
    assert done.code == 11 and done.err.count("CostLimitError") == 2, done
    assert "57 more lines were refused like line" in done.err and len(done.err.splitlines()) < 12
    assert sum(outcome["state"] == "refused" for outcome in outcomes(tmp_path / "videos")) == 58
