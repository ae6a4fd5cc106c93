"""Pages of the API reference: each public name on the page of the module that it lives in."""

from __future__ import annotations

import inspect
import types
from collections.abc import Iterator
from importlib import import_module
from typing import Any

from sphinx.pycode import ModuleAnalyzer

import grok_imagine
from grok_imagine import Video, VideoRequest, literals

PAGES: dict[str, tuple[str, str, tuple[str, ...]]] = {
    "client": ("Client", "The blocking client.", ("_sync.", "config")),
    "async-client": ("AsyncClient", "The same, awaited.", ("_async.",)),
    "requests": (
        "Requests",
        "What is asked for, and what it will cost at most.",
        ("modes", "core.request", "literals", "pricing"),
    ),
    "results": ("Results", "What a job gives, and what becomes of a file.", ("core.results", "download.")),
    "errors": ("Errors", "All are `GrokImagineError`.", ("errors", "hints")),
    "warnings": ("Warnings", "What is uncertain is a warning, and is sent.", ("warning_types",)),
    "batches": ("Batches", "Many jobs from this machine, and the service's own batches.", ("batch.", "batches_api.")),
    "files": ("Files", "What is stored at the service.", ("files_api.",)),
    "ledger": ("Ledger", "Every job, noted before it is posted.", ("ledger.",)),
    "limits": (
        "Limits and retries",
        "What may be asked of the service, and what is sent again.",
        ("pacing.", "core.retry"),
    ),
}
"""Title, sentence and modules of each page. A name of another module goes to the last page."""

BUILT_IN = "Warning, Mapping, dict, tuple, float, str, Enum, ABC, Generic, Iterator"
"""Classes whose members are not ours."""

BASES = (VideoRequest, Video)
"""Classes whose members are not shown again with their subclasses."""

HIDDEN = ("bound",)
"""What only this package calls."""

REST = "others"
FACES = {
    "client": (
        "_sync",
        {"video": "videos.Videos", "models": "videos.Models", "files": "files.Files", "batches": "batches.Batches"},
    ),
    "async-client": (
        "_async",
        {
            "video": "videos.AsyncVideos",
            "models": "videos.AsyncModels",
            "files": "files.AsyncFiles",
            "batches": "batches.AsyncBatches",
        },
    ),
}
"""What a client has as attributes: classes that nobody makes by their names."""

INDEX = """# API reference

Made from the docstrings. `grok_imagine` has all names; the rules of the service are data in `grok_imagine_api.contract`.

```{{toctree}}
:maxdepth: 1
{pages}
```
"""


def home(name: str) -> str:
    """The module of a public name, without the package."""
    value = getattr(grok_imagine, name)
    if name in literals.__all__:
        return "literals"
    if name == "DEFAULT_BASE_URL":
        return "config"
    module = value.__name__ if isinstance(value, types.ModuleType) else getattr(value, "__module__", "")
    return str(module).removeprefix("grok_imagine.")


def page_of(name: str) -> str:
    """The page of a public name."""
    module = home(name)
    found = (
        page for page, (_, _, homes) in PAGES.items() if any(module == one or module.startswith(one) for one in homes)
    )
    return next(found, REST)


def public_names() -> list[str]:
    """The names to be documented."""
    return [name for name in grok_imagine.__all__ if name not in ("__version__", "errors")]


def pages() -> dict[str, str]:
    """The pages, by name."""
    made: dict[str, list[str]] = {}
    for name in public_names():
        made.setdefault(page_of(name), []).append(name)
    texts = {}
    for page, (title, about, _) in {**PAGES, REST: ("Others", "", ())}.items():
        if page in made:
            blocks = [_directive(name) for name in _ordered(page, made[page])]
            faces = list(_faces(page))
            texts[page] = f"# {title}\n\n{about}\n\n" + "\n".join([*blocks, *faces])
    for page, module in (("sandbox", "grok_imagine_sandbox"), ("compat", "grok_imagine.compat")):
        texts[page] = _module(module)
    texts["index"] = INDEX.format(pages="\n".join(name for name in texts))
    return texts


def _ordered(page: str, names: list[str]) -> list[str]:
    """Errors as their tree is, others by name: classes and functions before words."""
    if page != "errors":
        return sorted(names, key=lambda name: (home(name) == "literals", name))
    return sorted(names, key=lambda name: (home(name), _line(getattr(grok_imagine, name))))


def _line(value: Any) -> int:
    return inspect.getsourcelines(value)[1] if inspect.isclass(value) else 0


def _directive(name: str) -> str:
    value = getattr(grok_imagine, name)
    if inspect.isclass(value):
        kind = "autoexception" if issubclass(value, BaseException) else "autoclass"
        is_shown_once = kind == "autoexception" or any(issubclass(value, base) and value is not base for base in BASES)
        options = ["   :show-inheritance:" if is_shown_once else f"   :inherited-members: {BUILT_IN}"]
        if hidden := [*HIDDEN, *getattr(value, "_fields", ())]:  # a named tuple's fields are among its attributes
            options.append(f"   :exclude-members: {', '.join(hidden)}")
        return _block(f".. {kind}:: grok_imagine.{name}", "   :members:", *options)
    if callable(value) and not hasattr(value, "__args__"):
        return _block(f".. autofunction:: grok_imagine.{name}")
    about = ModuleAnalyzer.for_module(f"grok_imagine.{home(name)}").find_attr_docs().get(("", name), [""])
    words = str(value).removeprefix("typing.") if home(name) == "literals" else repr(value)
    return _block(f".. py:data:: grok_imagine.{name}", f"   :value: {words}", "", f"   {' '.join(about).strip()}")


def _faces(page: str) -> Iterator[str]:
    package, faces = FACES.get(page, ("", {}))
    for attribute, path in faces.items():
        yield f"## client.{attribute}\n\n" + _block(f".. autoclass:: grok_imagine.{package}.{path}", "   :members:")


def _module(module: str) -> str:
    loaded = import_module(module)
    blocks = [f"# {module}\n", _block(f".. automodule:: {module}")]
    for name in loaded.__all__:
        value = getattr(loaded, name)
        if inspect.isclass(value) and value.__module__ in (module, f"{module}.server"):
            blocks.append(_block(f".. autoclass:: {module}.{name}", "   :members:", "   :undoc-members:"))
    return "\n".join(blocks)


def _block(*lines: str) -> str:
    text = "\n".join([lines[0], *lines[1:]])
    return f"```{{eval-rst}}\n{text}\n```\n"
