# Generated from openapi/grok-imagine.yaml by `make generate`. Do not edit.
from enum import StrEnum


class KnownVideoErrorCode(StrEnum):
    FAILED_PRECONDITION = "failed_precondition"
    INTERNAL_ERROR = "internal_error"
    INVALID_ARGUMENT = "invalid_argument"
    PERMISSION_DENIED = "permission_denied"
    SERVICE_UNAVAILABLE = "service_unavailable"

    def __str__(self) -> str:
        return str(self.value)
