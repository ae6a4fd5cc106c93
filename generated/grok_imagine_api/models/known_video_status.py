# Generated from openapi/grok-imagine.yaml by `make generate`. Do not edit.
from enum import StrEnum


class KnownVideoStatus(StrEnum):
    DONE = "done"
    EXPIRED = "expired"
    FAILED = "failed"
    PENDING = "pending"

    def __str__(self) -> str:
        return str(self.value)
