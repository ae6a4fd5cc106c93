"""The HTTP library, under the names that this package has for it. The first import of it decides which it is."""

from importlib import import_module
from typing import TYPE_CHECKING

import httpx as httpx

if TYPE_CHECKING:
    import httpcore as httpcore
else:
    # What the library stands on, also where a program has put another library under its name.
    httpcore = import_module(httpx.__name__.replace("httpx", "httpcore"))
