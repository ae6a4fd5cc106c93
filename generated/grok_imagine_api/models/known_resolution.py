# Generated from openapi/grok-imagine.yaml by `make generate`. Do not edit.
from enum import StrEnum


class KnownResolution(StrEnum):
    P1080 = "1080p"
    P480 = "480p"
    P720 = "720p"

    def __str__(self) -> str:
        return str(self.value)
