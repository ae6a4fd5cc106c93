"""Texts for terminals and for shells: what anybody wrote, made harmless, and amounts in words."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterable

__all__ = ["command", "percent", "plain", "usd"]

LONGEST = 1000
"""Characters of a text that people are shown; JSON has it whole."""

LONGEST_ARGUMENT = 500
"""Characters of an argument in a command that is to be copied."""

UNSEEN = re.compile("[\u034f\u115f\u1160\u17b4\u17b5\u180b-\u180f\u2800\u3164\ufe00-\ufe0f\uffa0\U000e0100-\U000e01ef]")
"""What counts as printable, and is not seen."""

REPLACED = "\N{REPLACEMENT CHARACTER}"


def plain(text: object, most: int | None = LONGEST) -> str:
    """A text on one line, in which nothing steers a terminal, turns its direction or is not seen: anybody may have written it.

    Args:
        text: Words of the service, of a file, of the command line.
        most: Characters after which it is cut; None for what another program reads.
    """
    given = str(text)
    cut = given if most is None or len(given) <= most else given[: most - 1] + "…"
    if not cut.isprintable():
        cut = "".join(c if c.isprintable() else " " if c in "\n\r\t" else REPLACED for c in cut)
    return cut if cut.isascii() else UNSEEN.sub(REPLACED, cut)


def command(arguments: Iterable[str]) -> str | None:
    """A command line to be copied into a shell; None if there is none, since an argument is too long or holds a NUL.

    What can't be shown is written as `$'...'`, which bash, zsh and ksh read.
    """
    given = list(arguments)
    if any("\0" in argument or len(argument) > LONGEST_ARGUMENT for argument in given):
        return None
    return " ".join(map(_quoted, given))


def _quoted(argument: str) -> str:
    if plain(argument, None) == argument:
        return shlex.quote(argument)
    data = argument.encode("utf-8", "surrogatepass")
    octal = (chr(byte) if 32 <= byte < 127 and byte not in b"'\\" else f"\\{byte:03o}" for byte in data)
    return f"$'{''.join(octal)}'"


def percent(progress: int | None) -> str:
    """Progress in words: from 0 to 100 %, whatever the service says; nothing if it says nothing."""
    return "" if progress is None else f"{min(max(progress, 0), 100)} %"


def usd(amount: float | None) -> str:
    """Dollars with as many decimals as a cent or a tenth of it needs; a dash for what is not known."""
    if amount is None:
        return "-"
    if not abs(amount) < 1e9:
        return f"${amount:.3g}"
    return f"${amount:.2f}" if round(amount, 4) == round(amount, 2) else f"${amount:.3f}"
