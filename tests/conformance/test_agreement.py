"""The package and the reader of the rules say the same of whatever comes: two implementations, one contract."""

from __future__ import annotations

import importlib.util
import json
import warnings
from decimal import Decimal
from types import ModuleType
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from conformance.answers import AnswerRules
from conformance.bodies import CLIP, IMAGE, OF_TYPES, VALUES, items
from conformance.rules import BodyRules
from support import ROOT

DOCUMENT = json.loads((ROOT / "generated" / "grok_imagine_api" / "openapi.json").read_text(encoding="utf-8"))
XMODES = DOCUMENT["x-modes"]
MEDIA = [item for kind in XMODES["inputs"].values() for name, item in items(kind) if not name.startswith("bytes")]
WORDS = [
    *(word for rules in XMODES["modes"].values() for limit in rules["limits"].values() for word in limit.get("values", ())),
    *XMODES["models"], *XMODES["misnomers"]["models"], "grok-imagine-video-1.5-preview", "grok-imagine-video-9",
    "<IMAGE_0> and <IMAGE_2>", "x" * 4096, "x" * 4097, "", " \t", "\u3000",
]  # fmt: skip
ANY = st.one_of(
    st.none(), st.booleans(), st.sampled_from(WORDS), st.sampled_from([*OF_TYPES.values(), [], {}]),
    st.integers(-1, 20), st.sampled_from([1.0, 5.0, 2.5, 1e300, 3600, 3599, 2592001]), st.sampled_from(MEDIA),
    st.lists(st.sampled_from([*MEDIA, None, "x", 5]), max_size=15),
    st.lists(st.fixed_dictionaries({"image": st.sampled_from(MEDIA), "timestamp_s": st.sampled_from([0, 0.5, 0.6, 2, 2.5, 9, True, "1"])}), max_size=5),
    st.fixed_dictionaries({}, optional={"filename": st.sampled_from(["a.mp4", "", "x" * 256, 5, None]), "expires_after": st.sampled_from([3600, 3600.0, 5, True, "x", None]), "public_url": st.sampled_from([True, False, {}, {"expires_after": 7}, "x"]), "more": st.just(1)}),
)  # fmt: skip
FIELDS = [*XMODES["fields"], "seconds", "nonsense"]
BODIES = st.one_of(
    st.dictionaries(st.sampled_from(FIELDS), ANY, max_size=6),
    st.builds(
        lambda body, changes: body | changes,
        st.fixed_dictionaries({}, optional={name: st.just(value) for name, value in VALUES.items()}),
        st.dictionaries(st.sampled_from(FIELDS), ANY, max_size=2),
    ),
)
CHECKED = st.fixed_dictionaries(
    {"call": st.sampled_from(["generate", "extend"]), "body": BODIES},
    optional={"input_seconds": st.sampled_from([None, 0, 1.94, 2, 8.7, 8.8, 30, 31])},
)
ERRORS = st.fixed_dictionaries(
    {},
    optional={
        "code": st.sampled_from(["imagine:content-moderated", "x", 5, None, True]),
        "error": st.sampled_from(["", "No", "INCORRECT API key provided", "used all available credits", None, {"code": 404, "message": "rejected by content moderation"}, {}, 5]),
        "status": st.sampled_from([*DOCUMENT["components"]["schemas"]["KnownVideoStatus"]["enum"], "queued", "", None, 5]),
        "video": st.sampled_from([None, {}, CLIP, {"url": ""}, {"url": 5}, {"url": None, "respect_moderation": False}, [], "x"]),
        "message": st.sampled_from(["monthly spending LIMIT", "reset reason: connection timeout"]),
        "request_id": st.sampled_from(["a", "", None, 5]),
        "usage": st.sampled_from([None, {"cost_in_usd_ticks": 5}, {"cost_in_usd_ticks": 0}]),
    },
)  # fmt: skip
ANSWERS = st.one_of(
    st.fixed_dictionaries({"failure": st.sampled_from(["lost", "not_delivered"])}),
    st.fixed_dictionaries(
        {"http_status": st.one_of(st.sampled_from([200, 202, 204, 400, 404, 408, 425, 429, 500, 503, 520]), st.integers(200, 599)), "body": st.one_of(ERRORS, st.just([]), st.none())},
        optional={"headers": st.fixed_dictionaries({"retry-after": st.sampled_from(["0", "7", "90"])})},
    ),
    st.fixed_dictionaries({"http_status": st.integers(200, 599), "text": st.sampled_from(["", "<html>", "reset reason: connection timeout"])}),
)  # fmt: skip


@pytest.fixture(scope="module")
def ours() -> ModuleType:
    """The package's adapter, in this process."""
    path = ROOT / "tests" / "polyglot" / "python" / "adapter.py"
    spec = importlib.util.spec_from_file_location("adapter", path)
    assert spec and spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def plain(verdict: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in json.loads(json.dumps(verdict)).items() if value is not None}


def agree(ours: ModuleType, reader: object, operation: str, case: dict[str, Any]) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        got = plain(getattr(ours, operation)(case))
    assert got == plain(getattr(reader, operation)(case))


FUZZ = settings(max_examples=400, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))


@FUZZ
@given(case=CHECKED)
def test_of_any_body(ours: ModuleType, case: dict[str, Any]) -> None:
    agree(ours, BodyRules(DOCUMENT), "check", case)


@FUZZ
@given(case=ANSWERS, operation=st.sampled_from(["look", "post"]))
def test_of_any_answer(ours: ModuleType, case: dict[str, Any], operation: str) -> None:
    agree(ours, AnswerRules(DOCUMENT), operation, case)


@FUZZ
@given(
    timeout=st.one_of(st.integers(0, 700), st.sampled_from([0.5, 9.99])),
    answers=st.lists(ANSWERS, min_size=1, max_size=6),
)
def test_of_any_wait(ours: ModuleType, timeout: float, answers: list[dict[str, Any]]) -> None:
    agree(ours, AnswerRules(DOCUMENT), "wait", {"timeout": timeout, "answers": answers})


@FUZZ
@given(
    fields=st.fixed_dictionaries({}, optional={name: st.just(value) for name, value in VALUES.items()}),
    model=st.sampled_from([*XMODES["models"], "grok-imagine-video-9"]),
    changes=st.fixed_dictionaries({}, optional={"duration": st.integers(0, 20), "resolution": st.sampled_from(["720p", "1080p", "8k"]), "reference_images": st.just([IMAGE] * 4)}),
    call=st.sampled_from(["generate", "extend"]),
    seconds=st.sampled_from([None, 0, 3.3, 50]),
)  # fmt: skip
def test_of_any_price(
    ours: ModuleType, fields: Any, model: str, changes: Any, call: str, seconds: float | None
) -> None:
    case = {"call": call, "body": fields | changes | {"model": model}, "input_seconds": seconds}
    got, wanted = ours.price(case)["usd"], BodyRules(DOCUMENT).price(case)["usd"]
    assert got == wanted or abs(Decimal(got) - Decimal(wanted)) <= Decimal("1e-10")
