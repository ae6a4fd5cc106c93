"""An offline server of the Grok Imagine video API: the same contract, real MP4s, no key and no cost.

`python -m grok_imagine_sandbox` runs it; tests use it as `with Sandbox() as sandbox, sandbox.client() as client: ...`, or by the
plugin for pytest. The names are loaded when first used: the plugin is imported by every run of pytest.
"""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .scenarios import SCENARIOS
    from .server import Sandbox

__all__ = ["SCENARIOS", "Sandbox"]

_MODULES = {"SCENARIOS": "scenarios", "Sandbox": "server"}


def __getattr__(name: str) -> Any:
    if name not in _MODULES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib import import_module

    try:
        found = getattr(import_module(f".{_MODULES[name]}", __name__), name)
    except ModuleNotFoundError as error:
        missing = (error.name or "").partition(".")[0]
        if missing.startswith("grok_imagine"):
            raise
        text = f"the sandbox needs {missing}: install grok-imagine with its extra [sandbox]; in a checkout: pip install '.[sandbox]'"
        raise ModuleNotFoundError(text, name=error.name) from error
    globals()[name] = found
    return found
