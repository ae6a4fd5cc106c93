# Generated from openapi/grok-imagine.yaml by `make generate`. Do not edit.
from enum import StrEnum


class KnownVideoModel(StrEnum):
    GROK_IMAGINE_VIDEO = "grok-imagine-video"
    GROK_IMAGINE_VIDEO_1_5 = "grok-imagine-video-1.5"
    GROK_IMAGINE_VIDEO_1_5_LITE = "grok-imagine-video-1.5-lite"

    def __str__(self) -> str:
        return str(self.value)
