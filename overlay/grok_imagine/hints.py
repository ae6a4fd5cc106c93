"""What to do about an error, as data."""

from __future__ import annotations

from typing import Literal, NamedTuple, TypeAlias

__all__ = ["Hint", "HintCode"]

HintCode: TypeAlias = Literal[
    "api_key",
    "base_url",
    "instead",
    "install",
    "local_file",
    "max_cost",
    "outcome_unknown",
    "overwrite",
    "strict",
    "wait",
]


class Hint(NamedTuple):
    """What to do about an error.

    Attributes:
        code: For programs. `api_key`: give one. `base_url`: it may lack `/v1`. `install`: a package is missing. `local_file`: how one is given. `strict`:
            `strict=False` sends the request all the same. `instead`: what to write; its text is `instead` of the error.
            `max_cost`: the cap of a batch. `wait`: the job goes on. `overwrite`: a file is in the way. `outcome_unknown`: a job
            may be running, and be paid for.
        text: For people. A message that has it, has it word for word, so that a program can put its own words in its place.
    """

    code: HintCode
    text: str
