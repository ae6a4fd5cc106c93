"""The keys of a manifest: those of a request, those that are passed through, and what is meant by one that is neither."""

from __future__ import annotations

import difflib
import re
from collections.abc import Collection, Iterable, Iterator, Mapping
from functools import cache
from typing import Any, NamedTuple

import typer

__all__ = ["LOCAL", "MOST", "NAMELESS", "OUTCOME_KEYS", "Columns", "Unknown", "keys", "nearest"]

LOCAL = {
    "image": "image_url",
    "last_frame": "last_frame_url",
    "video": "video_url",
    "reference": "reference_image_urls",
}
"""Keys that take a file of this machine, as the program's options do, and the keywords that they become."""

OUTCOME_KEYS = (
    "position",
    "line",
    "state",
    "request_id",
    "path",
    "cost_usd",
    "mode",
    "model",
    "duration",
    "error",
    "exec",
    "exec_code",
)
"""What outcomes.jsonl has of its own."""

PASSED = "x_"
"""How the name of a column begins that is passed through without being asked for."""

ALL = "*"

NAMELESS = "column {}"
"""What a column without a name is called."""

MOST = 20
"""Unknown keys that are remembered: each line may have others."""


@cache
def keys() -> tuple[str, ...]:
    """Every key of a line, in order."""
    from grok_imagine import VideoOptions

    return tuple(sorted({"prompt", "model", "mode", "output", *LOCAL, *VideoOptions.__annotations__}))


def nearest(name: str) -> str | None:
    """The key that is likely meant by a name that is none."""
    from grok_imagine_api.contract import KEYWORD_MISNOMERS

    spelled = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", name[:80].strip())
    spelled = re.sub(r"[\s_-]+", "_", spelled).casefold()
    if found := difflib.get_close_matches(spelled, keys(), n=1):
        return found[0]
    misnomer = KEYWORD_MISNOMERS.get(name) or KEYWORD_MISNOMERS.get(spelled)
    meant = re.findall(r"`(\w+)=`", misnomer.instead) if misnomer else []
    short = {keyword: key for key, keyword in LOCAL.items()}
    return next((short.get(each, each) for each in meant if each in keys()), None)


class Unknown(NamedTuple):
    """A key that is none: where it was seen first, and on how many lines."""

    name: str
    line: int
    times: int = 1

    def message(self) -> str:
        """What is wrong with it, and both ways out."""
        if re.fullmatch(NAMELESS.format("[0-9]+"), self.name):
            pandas = "; pandas leaves its index out with index=False" if self.name == NAMELESS.format(1) else ""
            return f"{self.name} has no name, and {self.times} cells; give it one, or leave it out{pandas}"
        near = nearest(self.name)
        often = f", on {self.times} lines" if self.times > 1 else ""
        meant = f"; is `{near}` meant?" if near else ";"
        if self.name in OUTCOME_KEYS:
            return f"`{self.name}`: no such key{often}{meant} outcomes.jsonl has that name itself; `{PASSED}{self.name}` is passed on"
        plainly = self.name if re.fullmatch(r"[\w.-]{1,40}", self.name) else "NAME"
        return f"`{self.name[:80]}`: no such key{often}{meant} --extra-columns {plainly} passes it on to outcomes.jsonl"


class Columns:
    """What becomes of a line's keys.

    Args:
        extra: Those to be passed through; `*` for all that are none of a request.
        strict: Whether what is neither is told of; else it stays in the request.

    Raises:
        BadParameter: One of `extra` is a request's, or outcomes.jsonl's own.
    """

    def __init__(self, extra: Iterable[str] = (), *, strict: bool = True) -> None:
        given = {name.strip() for each in extra for name in each.split(",") if name.strip()}
        self._all, self._extra, self._strict = ALL in given, given - {ALL}, strict
        for name, has in ((n, w) for w, those in self._taken() for n in given if n in those):
            raise typer.BadParameter(
                f"`{name}` is a key of {has}, and is not passed through", param_hint="--extra-columns"
            )

    @staticmethod
    def _taken() -> Iterator[tuple[str, Collection[str]]]:
        yield from (("the request", keys()), ("outcomes.jsonl itself", OUTCOME_KEYS))

    def split(self, given: Mapping[str, Any]) -> tuple[dict[str, Any], dict[str, Any], tuple[str, ...]]:
        """The keywords of a request, what is passed through, and the names of what is neither."""
        keywords: dict[str, Any] = {}
        extra: dict[str, Any] = {}
        unknown: list[str] = []
        for name, value in given.items():
            if name in keys():
                keywords[name] = value
            elif name.startswith(PASSED) or name in self._extra or (self._all and name not in OUTCOME_KEYS):
                extra[name] = value
            elif self._strict:
                unknown.append(name)
            else:
                keywords[name] = value
        return keywords, extra, tuple(unknown)
