"""What `doctor` looks at, one check after the other. None of them costs anything, and none shows the key."""

from __future__ import annotations

import os
import platform
import re
import sqlite3
import stat
import time
from collections import Counter
from collections.abc import Iterator
from importlib import metadata
from typing import NamedTuple

from .codes import NUMBERS, code_of
from .report import in_words
from .session import Session
from .ways_out import ways_out

__all__ = ["Check", "checks"]

EXTRAS = ("cli", "preview", "sandbox")
SECONDS = 10.0
"""For the one request."""


class Check(NamedTuple):
    """One thing that was looked at; `code` is 0 if it is well, else the exit code of what it would lead to."""

    name: str
    code: int
    about: str


def checks(session: Session) -> Iterator[Check]:
    """Looks at each thing in turn."""
    yield Check("versions", 0, _versions())
    for extra in EXTRAS:
        yield _extra(extra)
    yield _key(session)
    yield _service(session)
    yield _ledger(session)


def _versions() -> str:
    libraries = ", ".join(f"{name} {metadata.version(name)}" for name in ("httpx", "attrs"))
    return f"grok-imagine {metadata.version('grok-imagine')}, Python {platform.python_version()}, {libraries}"


def _extra(name: str) -> Check:
    """Whether all that an extra names is installed. An extra that is not is no trouble in itself."""
    needed = [
        re.split(r"[\s<>=!~;\[]", line, maxsplit=1)[0]
        for line in metadata.requires("grok-imagine") or ()
        if re.search(rf"extra == ['\"]{name}['\"]", line)
    ]
    found, missing = [], []
    for library in needed:
        try:
            found.append(f"{library} {metadata.version(library)}")
        except metadata.PackageNotFoundError:
            missing.append(library)
    lacking = f"without {', '.join(missing)}: install grok-imagine with its extra [{name}]; in a checkout: pip install '.[{name}]'"
    return Check(f"extra [{name}]", 0, lacking if missing else ", ".join(found))


def _key(session: Session) -> Check:
    if session.sandbox:
        return Check("key", 0, "none is needed")
    if not os.environ.get("XAI_API_KEY", "").strip():
        return Check("key", NUMBERS["usage"], "XAI_API_KEY is not set")
    return Check("key", 0, "XAI_API_KEY is set")


def _service(session: Session) -> Check:
    """Asks for the list of models, once, which costs nothing and tells whether address and key are good."""
    from grok_imagine import GrokImagineError, RetryPolicy

    begin = time.monotonic()
    try:
        with session.client(noted=False, retry=RetryPolicy(max_retries=0), request_timeout=SECONDS) as client:
            models = client.models.list()
    except GrokImagineError as error:
        about = "; ".join([in_words(error), *ways_out(error, session.address)])
        return Check("service", code_of(error), f"{session.address}: {type(error).__name__}: {about}")
    milliseconds = (time.monotonic() - begin) * 1000
    return Check("service", 0, f"{session.address} answers within {milliseconds:.0f} ms, {len(models)} models")


def _ledger(session: Session) -> Check:
    """Reads the ledger, if there is one; it is not made for that."""
    from grok_imagine import GrokImagineError

    path = session.ledger_path
    if path is None:
        return Check("ledger", 0, "a temporary one")
    if not path.exists():
        home = next(each for each in path.absolute().parents if each.exists())
        if not home.is_dir() or not os.access(home, os.W_OK):
            about = (
                f"{path} can't be made: {home} can't be written to; --ledger or GROK_IMAGINE_LEDGER names another file"
            )
            return Check("ledger", NUMBERS["error"], about)
        return Check("ledger", 0, f"{path} will be made with the first job")
    try:
        with session.ledger() as ledger:
            states = Counter(entry.state for entry in ledger.jobs())
        with sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True) as database:
            verdict = database.execute("PRAGMA quick_check").fetchone()[0]
        database.close()
    except GrokImagineError as error:
        return Check("ledger", NUMBERS["error"], error.message)
    except sqlite3.Error as error:
        return Check("ledger", NUMBERS["error"], f"{path}: {error}")
    if verdict != "ok":
        return Check("ledger", NUMBERS["error"], f"{path}: {verdict}")
    if os.name == "posix" and stat.S_IMODE(path.stat().st_mode) & 0o077:
        return Check("ledger", NUMBERS["error"], f"{path} can be read by others: chmod 600")
    unknown = (
        f"; {states['unknown']} of unknown outcome: see `grok-imagine jobs --state unknown`"
        if states["unknown"]
        else ""
    )
    return Check("ledger", 0, f"{path}, {states.total()} entries{unknown}")
