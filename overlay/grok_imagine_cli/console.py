"""The console of the program: whatever is drawn on it, only its own styles and moves of the cursor steer the terminal."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from rich.console import Console, ConsoleOptions, RenderableType
from rich.segment import Segment

from .texts import plain

__all__ = ["HarmlessConsole"]


class HarmlessConsole(Console):
    """A console that reads no markup, and lets no text through that is not plain.

    Texts are made plain where they come in, since what is replaced may be wider; here nothing is forgotten.
    """

    def __init__(self, **options: Any) -> None:
        super().__init__(markup=False, highlight=False, emoji=False, **options)

    def render(self, renderable: RenderableType, options: ConsoleOptions | None = None) -> Iterable[Segment]:
        """What is drawn: pieces of text with a style, and control codes, which are rich's own."""
        for segment in super().render(renderable, options):
            text, style, control = segment
            if control or (text.isascii() and text.isprintable()):
                yield segment
            else:
                yield Segment("\n".join(plain(line, None) for line in text.split("\n")), style)
