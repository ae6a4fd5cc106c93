"""The compiled constants: classes that are copied, values that are the document's, and nothing that can be changed."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator, Mapping
from decimal import Decimal
from typing import Any

import pytest
import yaml

from grok_imagine_api import contract
from support import ROOT

DOCUMENT = yaml.safe_load((ROOT / "openapi" / "grok-imagine.yaml").read_text(encoding="utf-8"))
XMODES = DOCUMENT["x-modes"]


def records(value: Any) -> Iterator[contract.Record]:
    """Each record inside a constant."""
    if isinstance(value, contract.Record):
        yield value
        yield from records(vars(value))
    elif isinstance(value, Mapping | tuple):
        for item in value.values() if isinstance(value, Mapping) else value:
            yield from records(item)


def test_the_classes_of_the_constants_are_a_module_that_is_copied() -> None:
    source = (ROOT / "scripts" / "contract_records.py").read_text(encoding="utf-8")
    copied = (ROOT / "generated" / "grok_imagine_api" / "_records.py").read_text(encoding="utf-8")
    assert copied.partition("\n")[2] == source
    classes = {name for name, value in vars(contract).items() if isinstance(value, type) and name in contract.__all__}
    assert classes == set(re.findall(r"^class (\w+)", source, re.MULTILINE))
    for script in ("compile_contract.py", "generate.py"):
        strings = [
            node.value
            for node in ast.walk(ast.parse((ROOT / "scripts" / script).read_text(encoding="utf-8")))
            if isinstance(node, ast.Constant) and isinstance(node.value, str)
        ]
        assert not [text for text in strings if re.search(r"^class \w+.*:$", text, re.MULTILINE)], script


def test_each_class_of_the_constants_is_of_some_constant() -> None:
    exported = [getattr(contract, name) for name in contract.__all__]
    used = {type(record) for constant in exported for record in records(constant)}
    assert {each for each in exported if isinstance(each, type)} - {contract.Record} == used


def test_a_record_has_the_fields_of_its_class_alone() -> None:
    for name in contract.__all__:
        for record in records(getattr(contract, name)):
            fields = type(record).__annotations__
            needed = {field for field in fields if not hasattr(type(record), field)}
            assert needed <= vars(record).keys() <= fields.keys(), record


def plain(value: Any) -> Any:
    """A compiled constant as the document writes it."""
    if isinstance(value, contract.Record):
        return plain(vars(value))
    if isinstance(value, Mapping):
        return {key: plain(item) for key, item in value.items()}
    if isinstance(value, Decimal):
        return float(value)
    return [plain(item) for item in value] if isinstance(value, tuple) else value


def test_the_compiled_constants_are_the_document() -> None:
    assert contract.MODES.keys() == XMODES["modes"].keys()
    for name, mode in contract.MODES.items():
        written = XMODES["modes"][name]
        assert [mode.required, mode.allowed, mode.selected_by] == [
            tuple(written[k]) for k in ("required", "allowed", "selected_by")
        ]
        assert plain(mode.forbidden) == written["forbidden"]
        assert plain(mode.limits) == written["limits"]
        assert plain(mode.required_unless) == written.get("required_unless", {})
    assert plain(contract.MODELS) == XMODES["models"]
    assert plain(contract.VARIANTS) == XMODES["variants"]
    assert plain(contract.VOICES) == XMODES["voices"]
    limits = DOCUMENT["x-limits"]
    assert plain(contract.LIMITS) == {name: limit for name, limit in limits.items() if isinstance(limit, dict)}
    assert plain(contract.RATES) == limits["rates"] and plain(contract.TIERS) == limits["tiers"]
    assert plain(contract.REGIONS) == DOCUMENT["x-regions"]["hosts"]
    assert plain(contract.STORAGE) == DOCUMENT["x-pricing"]["storage"]
    assert {f"x-{name}": version for name, version in contract.VERSIONS.items()} == {
        name: block["version"] for name, block in DOCUMENT.items() if name.startswith("x-") and name != "x-evidence"
    }
    for name, price in contract.PRICES.items():
        assert {k: float(v) for k, v in price.output_second.items()} == DOCUMENT["x-pricing"]["models"][name][
            "output_second"
        ]
    assert [(phase.until, phase.every) for phase in contract.SCHEDULE] == [
        (phase["until"], phase["every"]) for phase in DOCUMENT["x-waiter"]["schedule"]
    ]


@pytest.mark.parametrize(
    ("model", "resolution", "seconds", "images", "input_seconds", "ticks"),
    [
        ("grok-imagine-video", "480p", 8, 0, 0, 4_000_000_000),
        ("grok-imagine-video", "720p", 6, 1, 0, 4_220_000_000),
        ("grok-imagine-video", "480p", 10, 0, 5, 5_500_000_000),
    ],
)
def test_prices_give_the_recorded_bills(
    model: str, resolution: str, seconds: int, images: int, input_seconds: int, ticks: int
) -> None:
    price = contract.PRICES[model]
    usd = price.output_second[resolution] * seconds
    usd += (price.input_image or Decimal(0)) * images + (price.input_second or Decimal(0)) * input_seconds
    assert usd * contract.TICKS_PER_USD == ticks


def test_compiled_constants_can_not_be_changed() -> None:
    mode = contract.MODES["edit-video"]
    with pytest.raises(AttributeError):
        mode.title = "x"
    with pytest.raises(AttributeError):
        del mode.title
    with pytest.raises(TypeError):
        contract.MODES["x"] = mode
    assert mode == contract.MODES["edit-video"] and hash(mode) and "Edit-video" in repr(mode)
