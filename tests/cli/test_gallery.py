"""The page of a folder's videos, as a file, and as Chromium shows it from disk."""

from __future__ import annotations

import base64
import hashlib
import json
import os
import re
import shutil
import sys
from collections.abc import Iterator, Sequence
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from grok_imagine_cli import pictures
from grok_imagine_cli.gallery import PAGE, NotOurs, write
from grok_imagine_cli.gallery_page import MARK, Item, page
from grok_imagine_sandbox import Sandbox
from grok_imagine_sandbox.media import make_video

from .manifests import SHORT, one, outcomes
from .manifests import write as write_manifest

CHROMIUM = os.environ.get("CHROMIUM", "/usr/bin/chromium")
FLAGS = (
    "--no-sandbox --disable-gpu --disable-quic --no-first-run --disable-background-networking"
    " --disable-component-update --disable-sync"
).split()
HOSTILE = [
    "</script><script>alert(1)</script>",
    "\"><img src=x onerror='alert(2)'>",
    "' onfocus='alert(3)' autofocus='",
    "</style><link rel=stylesheet href=//evil.example/a.css>",
    "javascript:alert(4)",
    "&lt;b&gt; &amp;quot; --><!--",
    "\u202egpj.exe \x00\x07\ud800 \u2028\ufffe",
    "{{7*7}} ${7*7} <%= 7 %>",
    "a\nb\tc \N{GRINNING FACE} שלום",
]
"""Words that anybody may put into a prompt, a name or a message."""


class Read(HTMLParser):
    """What a page holds, as a browser reads it."""

    def __init__(self, text: str) -> None:
        super().__init__(convert_charrefs=True)
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.texts: list[str] = []
        self.cards: list[dict[str, str]] = []
        self._open: list[str] = []
        self.feed(text)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        names = [name for name, _ in attrs]
        assert len(names) == len(set(names)), (tag, attrs)
        self.tags.append((tag, dict(attrs)))

    def handle_data(self, data: str) -> None:
        self.texts.append(data)

    def all(self, tag: str, kind: str = "") -> list[dict[str, str | None]]:
        return [
            found for name, found in self.tags if name == tag and (not kind or kind in (found.get("class") or "").split())
        ]


KNOWN_TAGS = set(
    "html head meta title style body a header h1 bdi ul li strong div p input fieldset label output main img span"
    " details summary dl dt dd script".split()
)


def harmless(text: str, read: Read) -> None:
    """Only the elements, attributes and addresses of the page itself."""
    assert {tag for tag, _ in read.tags} <= KNOWN_TAGS
    for tag, attributes in read.tags:
        assert not any(name.startswith("on") or name in ("style", "srcset", "srcdoc") for name in attributes), tag
        for name in ("src", "href"):
            if (value := attributes.get(name)) is not None:
                assert value == "#videos" or re.fullmatch(r"(\./|posters/)[-.~%\w]+", value, re.ASCII), value
    assert len(read.all("script")) == len(read.all("style")) == 1
    assert "http:" not in text and "https:" not in text and "@import" not in text and "url(" not in text


texts = st.text() | st.sampled_from(HOSTILE) | st.lists(st.sampled_from(HOSTILE)).map("".join)
maybe = st.none() | texts
names = (texts | st.binary(min_size=1).map(os.fsdecode)).filter(lambda name: name and "/" not in name and "\0" not in name)
names = names.filter(lambda name: not re.search("[\ud800-\udfff]", name) or os.fsdecode(os.fsencode_safe(name)) if False else True)
