"""Public names are in __all__, and __all__ holds nothing else."""

from __future__ import annotations

import ast
import importlib
import inspect
import pkgutil
import subprocess
import sys
from pathlib import Path
from types import ModuleType
from typing import Literal, get_origin

import pytest

import grok_imagine
import grok_imagine_cli
import grok_imagine_sandbox
from grok_imagine_api import contract
from support import ROOT

MODULES = [
    importlib.import_module(f"{package.__name__}.{info.name}")
    for package in (grok_imagine, grok_imagine_cli, grok_imagine_sandbox)
    for info in pkgutil.iter_modules(package.__path__)
    if not info.name.startswith("_")
]


def own_names(module: ModuleType) -> set[str]:
    return {
        name
        for name, value in vars(module).items()
        if not name.startswith("_") and (inspect.isclass(value) or inspect.isfunction(value))
        and value.__module__ == module.__name__
    }  # fmt: skip


@pytest.mark.parametrize("module", [m for m in MODULES if hasattr(m, "__all__")], ids=lambda m: m.__name__)
def test_all_names_exist_once(module: ModuleType) -> None:
    assert all(hasattr(module, name) for name in module.__all__)
    assert sorted(set(module.__all__)) == sorted(module.__all__)


@pytest.mark.parametrize("name", ["errors", "core.results", "compat"])
def test_public_modules_export_all_they_define(name: str) -> None:
    module = importlib.import_module(f"grok_imagine.{name}")
    assert own_names(module) <= set(module.__all__)


def test_the_package_exports_every_error_request_and_result() -> None:
    from grok_imagine import errors
    from grok_imagine.core import request as requests
    from grok_imagine.core import results

    expected = {*errors.__all__, *results.__all__, *(n for n in requests.__all__)}
    assert expected <= set(grok_imagine.__all__)
    homes = grok_imagine._HOME_OF
    assert {*homes} == {*grok_imagine.__all__} - {"__version__", "errors"}
    words = {name for name in homes if get_origin(getattr(grok_imagine, name)) is Literal}
    assert all(getattr(getattr(grok_imagine, name), "__name__", name) == name for name in {*homes} - words)
    assert {*grok_imagine.__all__} <= {*dir(grok_imagine)}
    with pytest.raises(AttributeError, match="no attribute 'Leger'"):
        _ = grok_imagine.Leger


def test_what_costs_an_import_is_imported_when_it_is_asked_for() -> None:
    code = """import sys
there = {*sys.modules}
import grok_imagine
costly = {"asyncio", "sqlite3", "httpcore", "grok_imagine_api.models"}
assert not costly & (sys.modules.keys() - there), costly & sys.modules.keys()
with grok_imagine.Client("k", base_url="http://127.0.0.1:9"): pass
assert not {"asyncio", "sqlite3", "grok_imagine._async"} & (sys.modules.keys() - there)
assert grok_imagine.AsyncClient and "grok_imagine._async" in sys.modules
"""
    subprocess.run([sys.executable, "-W", "error", "-c", code], check=True)


@pytest.mark.parametrize("path", sorted((ROOT / "overlay" / "grok_imagine_cli").glob("*.py")), ids=lambda p: p.stem)
def test_the_program_stands_on_public_names_alone(path: Path) -> None:
    public = {"grok_imagine": {*grok_imagine.__all__}, "grok_imagine_api": {"contract"}}
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.ImportFrom) and not node.level and str(node.module).startswith("grok_imagine"):
            assert node.module in {*public, "grok_imagine_api.contract"}, node.module
            assert {each.name for each in node.names} <= public.get(str(node.module), {*vars(contract)})
        if isinstance(node, ast.Import):
            assert {each.name for each in node.names if each.name.startswith("grok_imagine")} <= {
                "grok_imagine_sandbox"
            }


def test_every_package_ships_its_types() -> None:
    packages = ("grok_imagine", "grok_imagine_cli", "grok_imagine_sandbox")
    for folder in ("generated/grok_imagine_api", *(f"overlay/{name}" for name in packages)):
        assert (ROOT / folder / "py.typed").is_file()
