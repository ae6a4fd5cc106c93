# Generated from openapi/grok-imagine.yaml by `make generate`. Do not edit.
"""The rules of the contract that schemas can't hold, as constants: modes, waiting, errors, limits, prices and regions."""

from collections.abc import Mapping
from decimal import Decimal
from types import MappingProxyType
from typing import Final

from ._records import (
    Acceptor,
    ErrorKind,
    FieldLimit,
    Input,
    Lack,
    Limit,
    Misnomer,
    Mode,
    Model,
    ModelMode,
    Phase,
    Price,
    Rate,
    Record,
    Region,
    Requirement,
    Rule,
    Storage,
    Tier,
    Variant,
    Voices,
)

__all__ = [
    "ACCEPTORS",
    "Acceptor",
    "BODY_MISNOMERS",
    "CALLS",
    "CHARGES",
    "DEFAULT_MODEL",
    "ERROR_KINDS",
    "ErrorKind",
    "FieldLimit",
    "INPUTS",
    "Input",
    "KEYWORD_MISNOMERS",
    "LIMITS",
    "Lack",
    "Limit",
    "MODELS",
    "MODEL_MISNOMERS",
    "MODERATED_JOB_TEXT",
    "MODES",
    "Misnomer",
    "Mode",
    "Model",
    "ModelMode",
    "PRICES",
    "Phase",
    "Price",
    "RATES",
    "REGIONS",
    "Rate",
    "Record",
    "Region",
    "Requirement",
    "Rule",
    "SCHEDULE",
    "STORAGE",
    "Storage",
    "TICKS_PER_USD",
    "TIERS",
    "Tier",
    "VARIANTS",
    "VERSIONS",
    "VOICES",
    "Variant",
    "Voices",
    "WAIT_TIMEOUT",
]

VERSIONS: Final[Mapping[str, str]] = MappingProxyType(
    {
        "eras": "1.0.0",
        "modes": "2.0.0",
        "waiter": "1.0.1",
        "errors": "2.1.0",
        "limits": "2.1.0",
        "pricing": "2.1.0",
        "regions": "1.0.0",
    }
)

DEFAULT_MODEL: Final[str] = "grok-imagine-video"

CALLS: Final[Mapping[str, tuple[str, ...]]] = MappingProxyType(
    {"generate": ("text-to-video", "image-to-video", "reference-to-video", "edit-video"), "extend": ("extend-video",)}
)

MODES: Final[Mapping[str, Mode]] = MappingProxyType(
    {
        "text-to-video": Mode(
            title="Text-to-video",
            operation="generateVideo",
            selected_by=(),
            required=("prompt",),
            allowed=(
                "model",
                "duration",
                "aspect_ratio",
                "resolution",
                "generate_audio",
                "output",
                "storage_options",
                "user",
            ),
            forbidden=MappingProxyType(
                {
                    "image": Rule(
                        rule="an image makes it image-to-video",
                        instead="leave `image` out",
                        effect="other_mode",
                        confidence="H",
                    ),
                    "reference_images": Rule(
                        rule="reference images make it reference-to-video",
                        instead="leave `reference_images` out",
                        effect="other_mode",
                        confidence="H",
                    ),
                    "reference_audios": Rule(
                        rule="voices make it reference-to-video",
                        instead="leave `reference_audios` out",
                        effect="other_mode",
                        confidence="H",
                    ),
                    "last_frame": Rule(
                        rule="a last frame makes it reference-to-video",
                        instead="leave `last_frame` out",
                        effect="other_mode",
                        confidence="H",
                    ),
                    "keyframes": Rule(
                        rule="keyframes make it reference-to-video",
                        instead="leave `keyframes` out",
                        effect="other_mode",
                        confidence="H",
                    ),
                    "video": Rule(
                        rule="`POST /videos/generations` ignores a video and bills a plain text-to-video",
                        instead="edit or extend the video",
                        effect="ignored",
                        confidence="H",
                    ),
                }
            ),
            limits=MappingProxyType(
                {
                    "prompt": FieldLimit(
                        min_length=1, max_length=4096, confidence="H", source="HAR, OAS", refusal="prompt_length"
                    ),
                    "duration": FieldLimit(
                        minimum=1,
                        maximum=15,
                        default=8,
                        confidence="H",
                        uncertain_for=("grok-imagine-video-1.5-lite",),
                        source="OAS, PROBE",
                        refusal="duration",
                    ),
                    "aspect_ratio": FieldLimit(
                        values=("1:1", "16:9", "9:16", "4:3", "3:4", "3:2", "2:3", "21:9", "5:2"),
                        default="16:9",
                        confidence="H",
                        source="PROBE, GUIDE",
                    ),
                    "resolution": FieldLimit(
                        values=("480p", "720p", "1080p"), default="480p", confidence="H", source="OAS, PROBE"
                    ),
                }
            ),
            source="S2, OAS, PROBE",
        ),
        "image-to-video": Mode(
            title="Image-to-video",
            operation="generateVideo",
            selected_by=("image",),
            required=("image",),
            allowed=(
                "prompt",
                "model",
                "duration",
                "aspect_ratio",
                "resolution",
                "generate_audio",
                "output",
                "storage_options",
                "user",
            ),
            forbidden=MappingProxyType(
                {
                    "reference_images": Rule(
                        rule="reference images make it reference-to-video, with the image as its first frame",
                        instead="ask for reference-to-video, or leave `reference_images` out",
                        effect="other_mode",
                        confidence="H",
                    ),
                    "reference_audios": Rule(
                        rule="voices make it reference-to-video, with the image as its first frame",
                        instead="ask for reference-to-video, or leave `reference_audios` out",
                        effect="other_mode",
                        confidence="H",
                    ),
                    "last_frame": Rule(
                        rule="a last frame makes it reference-to-video, with the image as its first frame",
                        instead="ask for reference-to-video, or leave `last_frame` out",
                        effect="other_mode",
                        confidence="H",
                    ),
                    "keyframes": Rule(
                        rule="keyframes make it reference-to-video, with the image as its first frame",
                        instead="ask for reference-to-video, or leave `keyframes` out",
                        effect="other_mode",
                        confidence="H",
                    ),
                    "video": Rule(
                        rule="`image` and `video` exclude each other; a video makes it an edit or an extension",
                        instead="keep one of the two",
                        effect="ignored",
                        confidence="H",
                    ),
                }
            ),
            limits=MappingProxyType(
                {
                    "prompt": FieldLimit(max_length=4096, confidence="H", source="HAR, OAS", refusal="prompt_length"),
                    "duration": FieldLimit(
                        minimum=1,
                        maximum=15,
                        default=8,
                        confidence="H",
                        uncertain_for=("grok-imagine-video-1.5-lite",),
                        source="OAS, PROBE",
                        refusal="duration",
                    ),
                    "aspect_ratio": FieldLimit(
                        values=("1:1", "16:9", "9:16", "4:3", "3:4", "3:2", "2:3", "21:9", "5:2"),
                        confidence="H",
                        source="PROBE, GUIDE",
                    ),
                    "resolution": FieldLimit(
                        values=("480p", "720p", "1080p"), default="480p", confidence="H", source="OAS, PROBE"
                    ),
                }
            ),
            source="S2, OAS, PROBE",
        ),
        "reference-to-video": Mode(
            title="Reference-to-video",
            operation="generateVideo",
            selected_by=("reference_images", "reference_audios", "last_frame", "keyframes"),
            required=(),
            required_unless=MappingProxyType(
                {
                    "prompt": Requirement(
                        fields=("image", "reference_images", "last_frame", "keyframes"),
                        rule="voices alone need a prompt",
                        instead="say what the video shows",
                        confidence="L",
                        source="GUIDE",
                        since="2026-08",
                        earlier=MappingProxyType({"fields": ()}),
                    )
                }
            ),
            allowed=(
                "prompt",
                "image",
                "reference_images",
                "reference_audios",
                "last_frame",
                "keyframes",
                "model",
                "duration",
                "aspect_ratio",
                "resolution",
                "generate_audio",
                "output",
                "storage_options",
                "user",
            ),
            forbidden=MappingProxyType(
                {
                    "video": Rule(
                        rule="`video` excludes references and pinned frames; a video makes it an edit or an extension",
                        instead="keep one of the two",
                        effect="ignored",
                        confidence="H",
                    )
                }
            ),
            limits=MappingProxyType(
                {
                    "prompt": FieldLimit(max_length=4096, confidence="H", source="HAR, OAS", refusal="prompt_length"),
                    "duration": FieldLimit(
                        minimum=1, maximum=15, default=8, confidence="H", source="PROBE", refusal="duration_of_mode"
                    ),
                    "aspect_ratio": FieldLimit(
                        values=("1:1", "16:9", "9:16", "4:3", "3:4", "3:2", "2:3", "21:9", "5:2"),
                        default="16:9",
                        confidence="H",
                        source="PROBE, GUIDE",
                    ),
                    "resolution": FieldLimit(
                        values=("480p", "720p", "1080p"), default="480p", confidence="H", source="OAS, PROBE"
                    ),
                    "reference_images": FieldLimit(
                        max_items=14,
                        confidence="H",
                        source="PROBE, PAGES",
                        refusal="too_many_references",
                        since="2026-09",
                        earlier=MappingProxyType({"max_items": 7}),
                    ),
                    "reference_audios": FieldLimit(
                        max_items=3, confidence="H", source="PROBE, REF", refusal="too_many_voices"
                    ),
                    "keyframes": FieldLimit(max_items=4, slots_per_second=3, confidence="M", source="GUIDE, SDK"),
                }
            ),
            source="S2, PROBE, GUIDE",
        ),
        "edit-video": Mode(
            title="Edit-video",
            operation="editVideo",
            selected_by=("video",),
            required=("prompt", "video"),
            allowed=("model", "output", "storage_options", "user"),
            forbidden=MappingProxyType(
                {
                    "duration": Rule(
                        rule="an edit keeps the length of its input; the service ignores `duration`",
                        instead="leave `duration` out",
                        effect="ignored",
                        confidence="H",
                    ),
                    "aspect_ratio": Rule(
                        rule="an edit keeps the ratio of its input; the service ignores `aspect_ratio`",
                        instead="leave `aspect_ratio` out",
                        effect="ignored",
                        confidence="H",
                    ),
                    "resolution": Rule(
                        rule="an edit keeps the resolution of its input, at most 720p; the service ignores `resolution`",
                        instead="leave `resolution` out",
                        effect="ignored",
                        confidence="H",
                    ),
                    "image": Rule(
                        rule="`video` and `image` exclude each other",
                        instead="keep one of the two",
                        effect="ignored",
                        confidence="H",
                    ),
                    "last_frame": Rule(
                        rule="an edit pins no frames; the service ignores `last_frame`",
                        instead="leave `last_frame` out",
                        effect="ignored",
                        confidence="H",
                    ),
                    "keyframes": Rule(
                        rule="an edit pins no frames; the service ignores `keyframes`",
                        instead="leave `keyframes` out",
                        effect="ignored",
                        confidence="H",
                    ),
                    "reference_images": Rule(
                        rule="`video` and `reference_images` exclude each other",
                        instead="keep one of the two",
                        effect="ignored",
                        confidence="H",
                    ),
                    "reference_audios": Rule(
                        rule="`video` and `reference_audios` exclude each other",
                        instead="keep one of the two",
                        effect="ignored",
                        confidence="H",
                    ),
                    "generate_audio": Rule(
                        rule="an edit has no `generate_audio`; the service ignores it",
                        instead="leave `generate_audio` out",
                        effect="ignored",
                        confidence="H",
                    ),
                }
            ),
            limits=MappingProxyType(
                {
                    "prompt": FieldLimit(
                        min_length=1, max_length=4096, confidence="H", source="HAR, OAS", refusal="prompt_length"
                    )
                }
            ),
            source="S0, S2, OAS, HAR",
        ),
        "extend-video": Mode(
            title="Extend-video",
            operation="extendVideo",
            selected_by=("video",),
            required=("prompt", "video"),
            allowed=("model", "duration", "output", "storage_options"),
            forbidden=MappingProxyType(
                {
                    "aspect_ratio": Rule(
                        rule="an extension keeps the ratio of its input; the service ignores `aspect_ratio`",
                        instead="leave `aspect_ratio` out",
                        effect="ignored",
                        confidence="H",
                    ),
                    "resolution": Rule(
                        rule="an extension keeps the resolution of its input, at most 720p; the service ignores `resolution`",
                        instead="leave `resolution` out",
                        effect="ignored",
                        confidence="H",
                    ),
                    "image": Rule(
                        rule="an extension starts from the last frame of its video",
                        instead="leave `image` out",
                        effect="ignored",
                        confidence="H",
                    ),
                    "last_frame": Rule(
                        rule="an extension pins no frames; the service ignores `last_frame`",
                        instead="leave `last_frame` out",
                        effect="ignored",
                        confidence="H",
                    ),
                    "keyframes": Rule(
                        rule="an extension pins no frames; the service ignores `keyframes`",
                        instead="leave `keyframes` out",
                        effect="ignored",
                        confidence="H",
                    ),
                    "reference_images": Rule(
                        rule="an extension starts from the last frame of its video",
                        instead="leave `reference_images` out",
                        effect="ignored",
                        confidence="H",
                    ),
                    "reference_audios": Rule(
                        rule="an extension takes no voices; the service ignores `reference_audios`",
                        instead="leave `reference_audios` out",
                        effect="ignored",
                        confidence="H",
                    ),
                    "generate_audio": Rule(
                        rule="an extension has no `generate_audio`; the service ignores it",
                        instead="leave `generate_audio` out",
                        effect="ignored",
                        confidence="H",
                    ),
                    "user": Rule(
                        rule="an extension has no `user`; the service ignores it",
                        instead="leave `user` out",
                        effect="ignored",
                        confidence="H",
                    ),
                }
            ),
            limits=MappingProxyType(
                {
                    "prompt": FieldLimit(
                        min_length=1, max_length=4096, confidence="H", source="HAR, OAS", refusal="prompt_length"
                    ),
                    "duration": FieldLimit(
                        minimum=1, maximum=15, default=6, confidence="H", source="PROBE, HAR", refusal="duration"
                    ),
                }
            ),
            source="S2, OAS, HAR",
        ),
    }
)

VARIANTS: Final[Mapping[str, Variant]] = MappingProxyType(
    {
        "first-and-last-frame": Variant(
            title="First and last frame", mode="reference-to-video", fields=("image", "last_frame")
        ),
        "last-frame": Variant(title="Last frame", mode="reference-to-video", fields=("last_frame",)),
        "keyframes": Variant(title="Keyframes", mode="reference-to-video", fields=("keyframes",)),
        "pinned-first-frame": Variant(
            title="References from a pinned first frame",
            mode="reference-to-video",
            fields=("image", "reference_images"),
        ),
        "voice-to-video": Variant(title="Voices", mode="reference-to-video", fields=("reference_audios",)),
    }
)

MODELS: Final[Mapping[str, Model]] = MappingProxyType(
    {
        "grok-imagine-video": Model(
            since="2026-01",
            aliases=("grok-imagine-video-beta",),
            lacks=MappingProxyType({}),
            modes=MappingProxyType(
                {
                    "text-to-video": ModelMode(
                        limits=MappingProxyType(
                            {"resolution": FieldLimit(values=("480p", "720p"), confidence="M", source="GUIDE")}
                        ),
                        forbidden=MappingProxyType(
                            {
                                "generate_audio": Rule(
                                    rule="only the 1.5 models are known to leave the sound out",
                                    instead="leave `generate_audio` out, or use a 1.5 model",
                                    effect="ignored",
                                    confidence="M",
                                )
                            }
                        ),
                    ),
                    "image-to-video": ModelMode(
                        limits=MappingProxyType(
                            {"resolution": FieldLimit(values=("480p", "720p"), confidence="M", source="GUIDE")}
                        ),
                        forbidden=MappingProxyType(
                            {
                                "generate_audio": Rule(
                                    rule="only the 1.5 models are known to leave the sound out",
                                    instead="leave `generate_audio` out, or use a 1.5 model",
                                    effect="ignored",
                                    confidence="M",
                                )
                            }
                        ),
                    ),
                    "reference-to-video": ModelMode(
                        limits=MappingProxyType(
                            {
                                "duration": FieldLimit(
                                    minimum=1,
                                    maximum=10,
                                    confidence="H",
                                    source="PROBE, GUIDE",
                                    refusal="duration_of_mode",
                                ),
                                "resolution": FieldLimit(
                                    values=("480p", "720p"),
                                    confidence="H",
                                    source="PROBE, GUIDE",
                                    refusal="resolution_of_mode",
                                ),
                            }
                        ),
                        forbidden=MappingProxyType(
                            {
                                "reference_audios": Rule(
                                    rule="only the 1.5 model takes voices",
                                    instead="use model `grok-imagine-video-1.5`",
                                    effect="refused",
                                    confidence="H",
                                    refusal="field_of_model",
                                ),
                                "image": Rule(
                                    rule="only the 1.5 model takes a first frame beside references",
                                    instead="use model `grok-imagine-video-1.5`, or move the image into `reference_images`",
                                    effect="refused",
                                    confidence="M",
                                ),
                                "last_frame": Rule(
                                    rule="only the 1.5 model pins frames",
                                    instead="use model `grok-imagine-video-1.5`",
                                    effect="refused",
                                    confidence="M",
                                ),
                                "keyframes": Rule(
                                    rule="only the 1.5 model pins frames",
                                    instead="use model `grok-imagine-video-1.5`",
                                    effect="refused",
                                    confidence="M",
                                ),
                                "generate_audio": Rule(
                                    rule="only the 1.5 models are known to leave the sound out",
                                    instead="leave `generate_audio` out, or use a 1.5 model",
                                    effect="ignored",
                                    confidence="M",
                                ),
                            }
                        ),
                    ),
                    "edit-video": ModelMode(limits=MappingProxyType({}), forbidden=MappingProxyType({})),
                    "extend-video": ModelMode(
                        limits=MappingProxyType(
                            {"duration": FieldLimit(minimum=2, maximum=10, confidence="H", source="PROBE, REF, GUIDE")}
                        ),
                        forbidden=MappingProxyType({}),
                    ),
                }
            ),
        ),
        "grok-imagine-video-1.5": Model(
            since="2026-05",
            aliases=("grok-imagine-video-1.5-preview", "grok-imagine-video-1.5-2026-05-30"),
            lacks=MappingProxyType(
                {
                    "edit-video": Lack(confidence="H", source="PROBE, OAS", refusal="no_edit"),
                    "extend-video": Lack(confidence="H", source="PROBE, OAS", refusal="no_extension"),
                }
            ),
            modes=MappingProxyType(
                {
                    "text-to-video": ModelMode(limits=MappingProxyType({}), forbidden=MappingProxyType({})),
                    "image-to-video": ModelMode(limits=MappingProxyType({}), forbidden=MappingProxyType({})),
                    "reference-to-video": ModelMode(
                        limits=MappingProxyType(
                            {
                                "resolution": FieldLimit(
                                    values=("480p", "720p"),
                                    confidence="H",
                                    certain_with=("reference_images", "reference_audios"),
                                    source="PROBE, GUIDE",
                                    refusal="resolution_of_mode",
                                )
                            }
                        ),
                        forbidden=MappingProxyType({}),
                    ),
                }
            ),
        ),
        "grok-imagine-video-1.5-lite": Model(
            since="2026-10",
            aliases=(),
            lacks=MappingProxyType(
                {
                    "reference-to-video": Lack(confidence="M", source="PAGES, NODE", refusal="field_of_model"),
                    "edit-video": Lack(confidence="M", source="PAGES", refusal="no_edit"),
                    "extend-video": Lack(confidence="M", source="PAGES", refusal="no_extension"),
                }
            ),
            modes=MappingProxyType(
                {
                    "text-to-video": ModelMode(limits=MappingProxyType({}), forbidden=MappingProxyType({})),
                    "image-to-video": ModelMode(limits=MappingProxyType({}), forbidden=MappingProxyType({})),
                }
            ),
        ),
    }
)

INPUTS: Final[Mapping[str, Input]] = MappingProxyType(
    {
        "image": Input(
            fields=("image", "last_frame", "reference_images", "keyframes"),
            one_of=("url", "file_id"),
            schemes=("https", "http", "data"),
            media_types=("image/jpeg", "image/png", "image/webp"),
            suffixes=(),
            confidence="H",
            suffix_confidence="L",
            source="OAS, PROTO",
        ),
        "video": Input(
            fields=("video",),
            one_of=("url", "file_id"),
            schemes=("https", "http", "data"),
            media_types=("video/mp4",),
            suffixes=(".mp4",),
            confidence="H",
            suffix_confidence="M",
            source="OAS, GUIDE",
        ),
        "audio": Input(
            fields=("reference_audios",),
            one_of=("voice_id", "url"),
            schemes=("https", "http", "data"),
            media_types=(),
            suffixes=(),
            confidence="H",
            suffix_confidence="L",
            source="REF, PROBE",
        ),
        "upload": Input(
            fields=("output",),
            one_of=("upload_url",),
            schemes=("https", "http"),
            media_types=(),
            suffixes=(),
            confidence="H",
            suffix_confidence="L",
            source="OAS",
        ),
    }
)

VOICES: Final[Voices] = Voices(
    presets=(
        "ara",
        "eve",
        "leo",
        "rex",
        "sal",
        "carina",
        "zagan",
        "helix",
        "orion",
        "luna",
        "iris",
        "altair",
        "zenith",
        "perseus",
        "helios",
        "lux",
        "kepler",
        "rigel",
        "cosmo",
        "celeste",
        "ursa",
        "sirius",
        "lumen",
        "castor",
        "naksh",
        "atlas",
    ),
    case="lower",
    custom_pattern="^[a-z0-9]{8}$",
    confidence="H",
    custom_confidence="L",
    source="PROBE",
    refusal="unknown_voice",
)

BODY_MISNOMERS: Final[Mapping[str, Misnomer]] = MappingProxyType(
    {
        "image_url": Misnomer(instead='write `"image": {"url": ...}`', seen="S4, PROTO"),
        "video_url": Misnomer(
            instead='write `"video": {"url": ...}` and send it to `/videos/edits` or `/videos/extensions`',
            seen="S4, PROTO",
        ),
        "reference_image_urls": Misnomer(instead='write `"reference_images": [{"url": ...}]`', seen="PROTO"),
        "images": Misnomer(instead="use `reference_images`", seen="PROBE"),
        "input_reference": Misnomer(instead='write `"image": {"url": ...}`', seen="OAS"),
        "seconds": Misnomer(instead="use `duration`", seen="OAS"),
        "size": Misnomer(instead="use `aspect_ratio` and `resolution`", seen="OAS"),
        "mask_video": Misnomer(instead="there is no mask; describe in `prompt` where the change goes", seen="S3"),
        "wait_for_completion": Misnomer(instead="every job is deferred; poll for it", seen="S3"),
    }
)

KEYWORD_MISNOMERS: Final[Mapping[str, Misnomer]] = MappingProxyType(
    {
        "video": Misnomer(instead="use `video_url=` or `video_file_id=`", seen="S3"),
        "image": Misnomer(instead="use `image_url=` or `image_file_id=`", seen="S2, OAS"),
        "images": Misnomer(instead="use `reference_image_urls=`", seen="PROBE"),
        "reference_images": Misnomer(
            instead="use `reference_image_urls=` or `reference_image_file_ids=`", seen="S2, OAS"
        ),
        "last_frame": Misnomer(instead="use `last_frame_url=` or `last_frame_file_id=`", seen="GUIDE"),
        "output": Misnomer(instead="use `output_upload_url=`", seen="OAS"),
        "input_reference": Misnomer(instead="use `image_url=`", seen="OAS"),
        "mask_video": Misnomer(instead="there is no mask; describe in `prompt` where the change goes", seen="S3"),
        "wait_for_completion": Misnomer(instead="`generate()` waits and `start()` does not", seen="S3"),
        "max_wait": Misnomer(instead="use `timeout=`, in seconds", seen="S3"),
        "seconds": Misnomer(instead="use `duration=`", seen="OAS"),
        "size": Misnomer(instead="use `aspect_ratio=` and `resolution=`", seen="OAS"),
        "aspectRatio": Misnomer(instead="use `aspect_ratio=`", seen="S2"),
        "videoUrl": Misnomer(instead="use `video_url=`", seen="S2"),
        "referenceImageUrls": Misnomer(instead="use `reference_image_urls=`", seen="S2"),
        "pollTimeoutMs": Misnomer(instead="use `timeout=`, in seconds", seen="S2"),
        "pollIntervalMs": Misnomer(instead="use `interval=`, in seconds", seen="S2"),
        "mode": Misnomer(instead="name the mode by its constructor, such as `EditVideo(...)`", seen="S2"),
    }
)

MODEL_MISNOMERS: Final[Mapping[str, Misnomer]] = MappingProxyType(
    {"grok-video": Misnomer(instead="use `grok-imagine-video`", seen="S3")}
)

ACCEPTORS: Final[tuple[Acceptor, ...]] = (
    Acceptor(outcome="running", http_status=202, note="Whatever the body; it may be empty.", source="HAR, AISDK"),
    Acceptor(
        outcome="moderated", http_status=200, respect_moderation=False, url="absent", source="OAS", statuses=("done",)
    ),
    Acceptor(outcome="done", http_status=200, url="present", source="HAR, S2", statuses=("done",)),
    Acceptor(
        outcome="done",
        http_status=200,
        url="absent",
        note="The file went where `output` or `storage_options` said. If the request named neither, the job failed.",
        source="OAS, AISDK",
        statuses=("done",),
    ),
    Acceptor(outcome="failed", http_status=200, source="HAR, S2", statuses=("failed",)),
    Acceptor(outcome="expired", http_status=200, source="S2, S4, PROTO", statuses=("expired",)),
    Acceptor(
        outcome="done",
        http_status=200,
        url="present",
        note="Answers of early 2026 had no status.",
        source="AISDK",
        statuses=(None,),
    ),
    Acceptor(
        outcome="running",
        http_status=200,
        note="Any other status. A word the service adds must not end a paid job; warn once.",
        source="our choice",
    ),
    Acceptor(outcome="moderated", http_status=400, error_kind="moderated", source="OTHER"),
)

SCHEDULE: Final[tuple[Phase, ...]] = (
    Phase(until=1, every=1),
    Phase(until=6, every=5),
    Phase(until=60, every=3),
    Phase(until=180, every=5),
    Phase(until=None, every=10),
)

WAIT_TIMEOUT: Final[float] = 600

ERROR_KINDS: Final[tuple[ErrorKind, ...]] = (
    ErrorKind(kind="bad_key", http_status=400, text=("Incorrect API key provided",), retry="never", source="PROBE"),
    ErrorKind(kind="moderated", http_status=400, code=("imagine:content-moderated",), retry="never", source="OTHER"),
    ErrorKind(
        kind="moderated",
        http_status=400,
        text=("rejected by content moderation",),
        retry="never",
        source="AISDK, OTHER",
    ),
    ErrorKind(kind="bad_request", http_status=400, retry="never", source="PROBE"),
    ErrorKind(kind="bad_key", http_status=401, retry="never", source="PROBE"),
    ErrorKind(kind="forbidden", http_status=403, retry="never", source="OTHER"),
    ErrorKind(kind="not_found", http_status=404, retry="never", source="HAR, OAS"),
    ErrorKind(kind="conflict", http_status=412, retry="never", source="NOTE"),
    ErrorKind(kind="unprocessable", http_status=422, retry="never", source="HAR, PROBE"),
    ErrorKind(
        kind="out_of_credit",
        http_status=429,
        text=("used all available credits", "monthly spending limit"),
        retry="never",
        source="HAR",
    ),
    ErrorKind(kind="rate_limit", http_status=429, retry="paced", source="OTHER"),
    ErrorKind(
        kind="unavailable", http_status=503, text=("reset reason: connection timeout",), retry="paced", source="HAR"
    ),
)

MODERATED_JOB_TEXT: Final[tuple[str, ...]] = ("content moderation", "moderation policy")

LIMITS: Final[Mapping[str, Limit]] = MappingProxyType(
    {
        "requests_per_minute": Limit(
            value=60, unit="requests", confidence="H", source="HAR", note="Header of spring 2026; see rates"
        ),
        "requests_per_second": Limit(
            value=2, unit="requests", confidence="M", source="FIELD", note="The careful figure; see rates"
        ),
        "concurrent_jobs": Limit(
            value=15, unit="jobs", confidence="L", source="S4", note="Claimed by S4 alone; no other source has a figure"
        ),
        "prompt_length": Limit(value=4096, unit="characters", confidence="H", source="HAR, OAS"),
        "edit_input": Limit(
            value=8.7, unit="seconds", confidence="H", source="S0, S2", note="Longer inputs are cut or refused"
        ),
        "extend_input_minimum": Limit(value=2, unit="seconds", confidence="M", source="GUIDE, OAS"),
        "extend_input_maximum": Limit(
            value=30, unit="seconds", confidence="M", source="OAS, PROTO", note="The guide says 15"
        ),
        "image_size": Limit(
            value=20971520,
            unit="bytes",
            confidence="H",
            source="GUIDE, PROTO",
            note="The guide's figure; PROTO says 10 MiB, so that both refuse what is larger",
        ),
        "reference_tag_first": Limit(
            value=1,
            unit="number",
            confidence="M",
            source="GUIDE",
            note="Of <IMAGE_n> in a prompt of the mode with reference_images; the last is their number. Another source counts from 0, a pinned first frame being number 0",
        ),
        "storage_filename": Limit(value=255, unit="characters", confidence="M", source="REF, GUIDE"),
        "reference_audio": Limit(value=15, unit="seconds", confidence="M", source="REF, GUIDE"),
        "storage_expiry_minimum": Limit(value=3600, unit="seconds", confidence="H", source="REF, GUIDE"),
        "storage_expiry_maximum": Limit(value=2592000, unit="seconds", confidence="H", source="REF, GUIDE"),
        "result_url_lifetime": Limit(
            value=86400, unit="seconds", confidence="M", source="PROTO", note="The guides only say temporary"
        ),
        "file_size": Limit(
            value=52428800, unit="bytes", confidence="H", source="OAS, REF", note="Said as 50 MB; more is a 413"
        ),
        "public_url_count": Limit(
            value=1000, unit="urls", confidence="M", source="GUIDE", note="Public URLs of a team at once"
        ),
        "page_size": Limit(
            value=1000, unit="entries", confidence="M", source="REF, GUIDE", note="Of lists; 100 when left out"
        ),
        "batch_creates_per_second": Limit(
            value=2, unit="requests", confidence="M", source="GUIDE", note="An older guide says 1"
        ),
        "batch_adds": Limit(
            value=1000,
            unit="requests",
            confidence="M",
            source="GUIDE",
            note="In 30 s, rolling; an older guide says 100",
        ),
        "batch_add_size": Limit(
            value=25000000, unit="bytes", confidence="M", source="GUIDE", note="Of one call that adds"
        ),
        "batch_file_size": Limit(
            value=50000000, unit="bytes", confidence="M", source="OAS, REF", note="The batch guide says 200 MB"
        ),
        "batch_file_lines": Limit(value=50000, unit="entries", confidence="M", source="GUIDE"),
        "batch_lifetime": Limit(value=2592000, unit="seconds", confidence="M", source="GUIDE, HAR"),
        "batch_url_lifetime": Limit(
            value=3600, unit="seconds", confidence="M", source="GUIDE", note="Of the URLs in its results"
        ),
    }
)

RATES: Final[tuple[Rate, ...]] = (
    Rate(
        value=60,
        per="minute",
        models=("grok-imagine-video",),
        confidence="H",
        source="HAR, PAGES",
        note="Spring and June",
    ),
    Rate(value=1, per="second", models=(), confidence="L", source="FIELD", note="One report of June"),
    Rate(
        value=2,
        per="second",
        models=(),
        confidence="M",
        source="FIELD",
        note="Teams through OAuth or proxies; in the 429",
    ),
    Rate(
        value=10,
        per="second",
        models=("grok-imagine-video-1.5", "grok-imagine-video-1.5-lite"),
        confidence="M",
        source="PAGES",
        note="Model pages",
    ),
)

TIERS: Final[tuple[Tier, ...]] = (
    Tier(tier=0, requests_per_second=10, spend_usd=0, confidence="M", source="PAGES"),
    Tier(tier=1, requests_per_second=20, spend_usd=50, confidence="M", source="PAGES"),
    Tier(tier=2, requests_per_second=39, spend_usd=250, confidence="M", source="PAGES"),
    Tier(tier=3, requests_per_second=79, spend_usd=1000, confidence="M", source="PAGES"),
    Tier(tier=4, requests_per_second=158, spend_usd=5000, confidence="M", source="PAGES"),
)

REGIONS: Final[Mapping[str, Region]] = MappingProxyType(
    {
        "us.api.x.ai": Region(
            video=False,
            rule="this region serves two text models and no video model; a job there is answered 404",
            instead="use `https://api.x.ai/v1`",
            confidence="M",
            source="PAGES",
        )
    }
)

TICKS_PER_USD: Final[int] = 10000000000

PRICES: Final[Mapping[str, Price]] = MappingProxyType(
    {
        "grok-imagine-video": Price(
            output_second=MappingProxyType({"480p": Decimal("0.05"), "720p": Decimal("0.07")}),
            input_image=Decimal("0.002"),
            input_second=Decimal("0.01"),
            confidence="H",
            source="GUIDE, HAR",
        ),
        "grok-imagine-video-1.5": Price(
            output_second=MappingProxyType(
                {"480p": Decimal("0.08"), "720p": Decimal("0.14"), "1080p": Decimal("0.25")}
            ),
            input_image=Decimal("0.01"),
            input_second=None,
            confidence="H",
            source="PAGES, FIELD",
            note="3 s at 480p between two frames were billed 0.26",
        ),
        "grok-imagine-video-1.5-lite": Price(
            output_second=MappingProxyType(
                {"480p": Decimal("0.02"), "720p": Decimal("0.03"), "1080p": Decimal("0.14")}
            ),
            input_image=Decimal("0.01"),
            input_second=None,
            confidence="M",
            source="PAGES",
        ),
    }
)

CHARGES: Final[Mapping[str, tuple[str, ...]]] = MappingProxyType(
    {
        "text-to-video": ("output_second",),
        "image-to-video": ("output_second", "input_image"),
        "reference-to-video": ("output_second", "input_image"),
        "edit-video": ("output_second", "input_second"),
        "extend-video": ("output_second", "input_second"),
    }
)

STORAGE: Final[Storage] = Storage(gib_day=Decimal("0.025"), gib_download=Decimal("0.2"), confidence="M", source="PAGES")
