"""The words of the contract as types, for editors and type checkers.

A parameter takes `AspectRatio | str`: the service may know a newer word, and `strict=False` sends it.
"""

from __future__ import annotations

from typing import Literal, TypeAlias

__all__ = ["AspectRatio", "OutcomeState", "Resolution", "State", "VideoOutcome", "VideoStatus"]

AspectRatio: TypeAlias = Literal["1:1", "16:9", "9:16", "4:3", "3:4", "3:2", "2:3", "21:9", "5:2"]
"""Width to height."""

Resolution: TypeAlias = Literal["480p", "720p", "1080p"]
"""Lines; which of them there are depends on the model."""

VideoStatus: TypeAlias = Literal["pending", "done", "failed", "expired"]
"""What the service calls the state of a job. It may add words."""

VideoOutcome: TypeAlias = Literal["running", "done", "failed", "expired", "moderated"]
"""What x-waiter makes of an answer; no other is made."""

OutcomeState: TypeAlias = Literal["done", "failed", "expired", "moderated", "refused", "unknown", "running"]
"""What became of one request of a batch; no other is made."""

State: TypeAlias = Literal[
    "intended", "running", "done", "downloaded", "failed", "expired", "moderated", "refused", "unknown"
]
"""The state of a job in the ledger: that of `OutcomeState`, with two words more. `intended`: its POST has no answer yet.
`downloaded`: it is done and on disk. What the service calls `pending` is `running`."""
