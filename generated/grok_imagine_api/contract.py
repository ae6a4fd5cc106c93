# Generated from openapi/grok-imagine.yaml by `make generate`. Do not edit.
"""The rules of the contract that schemas can't hold, as constants: modes, waiting, errors, limits, prices and regions."""

from collections.abc import Mapping
from decimal import Decimal
from types import MappingProxyType
from typing import Final

from ._records import (
    Acceptor,
    Bodies,
    ErrorKind,
    FailedPoll,
    Failure,
    FieldLimit,
    Input,
    Lack,
    LastPoll,
    Limit,
    Matcher,
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
    Tags,
    Tier,
    Times,
    Unlisted,
    Value,
    Variant,
    Voices,
)

__all__ = [
    "ABSENT",
    "ACCEPTORS",
    "Acceptor",
    "BODIES",
    "BODY_MISNOMERS",
    "Bodies",
    "CALLS",
    "CHARGED_SECONDS",
    "CHARGES",
    "DEFAULT_MODEL",
    "ERROR_KINDS",
    "ErrorKind",
    "FAILED_POLL",
    "FAILURES",
    "FIELDS",
    "FailedPoll",
    "Failure",
    "FieldLimit",
    "INPUTS",
    "Input",
    "KEYWORD_MISNOMERS",
    "LAST_POLL",
    "LIMITS",
    "Lack",
    "LastPoll",
    "Limit",
    "MODELS",
    "MODEL_MISNOMERS",
    "MODES",
    "Matcher",
    "Misnomer",
    "Mode",
    "Model",
    "ModelMode",
    "OTHER_SUCCESS",
    "PRICES",
    "Phase",
    "Price",
    "RATES",
    "REGIONS",
    "RESULT_URLS",
    "Rate",
    "Record",
    "Region",
    "Requirement",
    "Rule",
    "SCHEDULE",
    "STORAGE",
    "STORED_BYTES",
    "Storage",
    "TICKS_PER_USD",
    "TIERS",
    "Tags",
    "Tier",
    "Times",
    "UNLISTED",
    "URL_PATTERN",
    "Unlisted",
    "VARIANTS",
    "VERSIONS",
    "VOICES",
    "Value",
    "Variant",
    "Voices",
    "WAIT_TIMEOUT",
]

VERSIONS: Final[Mapping[str, str]] = MappingProxyType(
    {
        "eras": "1.0.0",
        "modes": "3.0.2",
        "waiter": "2.0.2",
        "errors": "3.1.0",
        "limits": "2.1.0",
        "pricing": "3.0.1",
        "regions": "1.0.0",
    }
)

DEFAULT_MODEL: Final[str] = "grok-imagine-video"

ABSENT: Final[tuple[None | tuple[()], ...]] = (None, ())

CALLS: Final[Mapping[str, tuple[str, ...]]] = MappingProxyType(
    {"generate": ("text-to-video", "image-to-video", "reference-to-video", "edit-video"), "extend": ("extend-video",)}
)

FIELDS: Final[Mapping[str, Value]] = MappingProxyType(
    {
        "prompt": Value(type=("string",)),
        "model": Value(type=("string",)),
        "image": Value(type=("object",)),
        "reference_images": Value(type=("array",)),
        "reference_audios": Value(type=("array",)),
        "last_frame": Value(type=("object",)),
        "keyframes": Value(type=("array",)),
        "video": Value(type=("object",)),
        "duration": Value(type=("integer",)),
        "aspect_ratio": Value(type=("string",)),
        "resolution": Value(type=("string",)),
        "generate_audio": Value(type=("boolean",)),
        "output": Value(type=("object",)),
        "storage_options": Value(
            type=("object",),
            keys=MappingProxyType(
                {
                    "filename": Value(
                        type=("string",),
                        required=True,
                        min_length=1,
                        max_length=255,
                        confidence="M",
                        source="REF, GUIDE",
                    ),
                    "expires_after": Value(
                        type=("integer",), minimum=3600, maximum=2592000, confidence="H", source="REF, GUIDE"
                    ),
                    "public_url": Value(
                        type=("boolean", "object"),
                        keys=MappingProxyType(
                            {
                                "expires_after": Value(
                                    type=("integer",),
                                    minimum=3600,
                                    maximum=2592000,
                                    confidence="H",
                                    source="REF, GUIDE",
                                )
                            }
                        ),
                    ),
                }
            ),
        ),
        "user": Value(type=("string",)),
    }
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
                        min_length=1,
                        blank=False,
                        max_length=4096,
                        confidence="H",
                        source="HAR, OAS",
                        refusal="prompt_length",
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
                    "prompt": FieldLimit(
                        max_length=4096,
                        confidence="H",
                        source="HAR, OAS",
                        refusal="prompt_length",
                        tags=Tags(
                            pattern="<IMAGE_([0-9]+)>",
                            first=1,
                            first_beside=MappingProxyType({"image": 0}),
                            count_of="reference_images",
                            confidence="M",
                            source="GUIDE",
                        ),
                    ),
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
                    "keyframes": FieldLimit(
                        max_items=4,
                        times=Times(key="timestamp_s", above=0, below="duration", slots_per_second=3),
                        confidence="M",
                        source="GUIDE, SDK",
                    ),
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
                        min_length=1,
                        blank=False,
                        max_length=4096,
                        confidence="H",
                        source="HAR, OAS",
                        refusal="prompt_length",
                    ),
                    "video": FieldLimit(max_seconds=8.7, confidence="H", source="S0, S2"),
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
                        min_length=1,
                        blank=False,
                        max_length=4096,
                        confidence="H",
                        source="HAR, OAS",
                        refusal="prompt_length",
                    ),
                    "video": FieldLimit(min_seconds=2, max_seconds=30, confidence="M", source="OAS, PROTO, GUIDE"),
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
            paths=("image", "last_frame", "reference_images[]", "keyframes[].image"),
            one_of=("url", "file_id"),
            urls=("url",),
            schemes=("https", "http", "data"),
            media_types=("image/jpeg", "image/png", "image/webp"),
            max_bytes=20971520,
            suffixes=(),
            confidence="H",
            suffix_confidence="L",
            source="OAS, PROTO",
        ),
        "video": Input(
            paths=("video",),
            one_of=("url", "file_id"),
            urls=("url",),
            schemes=("https", "http", "data"),
            media_types=("video/mp4",),
            suffixes=(".mp4",),
            confidence="H",
            suffix_confidence="M",
            source="OAS, GUIDE",
        ),
        "audio": Input(
            paths=("reference_audios[]",),
            one_of=("voice_id", "url"),
            urls=("url",),
            schemes=("https", "http", "data"),
            media_types=(),
            suffixes=(),
            confidence="H",
            suffix_confidence="L",
            source="REF, PROBE",
        ),
        "upload": Input(
            paths=("output",),
            one_of=("upload_url",),
            urls=("upload_url",),
            schemes=("https", "http"),
            media_types=(),
            suffixes=(),
            confidence="H",
            suffix_confidence="L",
            source="OAS",
        ),
    }
)

URL_PATTERN: Final[str] = (
    "^[a-z]+://([^/?#@\\x00-\\x20\\x7f]*@)?(\\[[0-9a-f:.%]+\\]|[^/?#@:\\[\\]\\x00-\\x20\\x7f]+)(:[0-9]*)?([/?#][^\\x00-\\x20\\x7f]*)?$"
)

VOICES: Final[Voices] = Voices(
    path="reference_audios[].voice_id",
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
    Acceptor(
        outcome="running",
        when=MappingProxyType({"http_status": Matcher(equals=202)}),
        note="Whatever the body; it may be empty.",
        source="HAR, AISDK",
    ),
    Acceptor(
        outcome="moderated",
        when=MappingProxyType(
            {
                "http_status": Matcher(equals=200),
                "status": Matcher(equals="done"),
                "video.url": Matcher(state="missing"),
                "video.respect_moderation": Matcher(equals=False),
            }
        ),
        source="OAS",
    ),
    Acceptor(
        outcome="done",
        when=MappingProxyType({"http_status": Matcher(equals=200), "status": Matcher(equals="done")}),
        note="Without a URL the file went where `output` or `storage_options` said. If the request named neither, the job failed.",
        source="HAR, S2, OAS, AISDK",
    ),
    Acceptor(
        outcome="moderated",
        when=MappingProxyType(
            {
                "http_status": Matcher(equals=200),
                "status": Matcher(equals="failed"),
                "error.message": Matcher(mentions=("content moderation", "moderation policy")),
            }
        ),
        note="The job's code is that of a bad argument; only its message tells.",
        source="HAR, AISDK",
    ),
    Acceptor(
        outcome="failed",
        when=MappingProxyType({"http_status": Matcher(equals=200), "status": Matcher(equals="failed")}),
        source="HAR, S2",
    ),
    Acceptor(
        outcome="expired",
        when=MappingProxyType({"http_status": Matcher(equals=200), "status": Matcher(equals="expired")}),
        source="S2, S4, PROTO",
    ),
    Acceptor(
        outcome="running",
        when=MappingProxyType({"http_status": Matcher(equals=200), "status": Matcher(equals="pending")}),
        source="HAR, OAS",
    ),
    Acceptor(
        outcome="done",
        when=MappingProxyType(
            {
                "http_status": Matcher(equals=200),
                "status": Matcher(state="missing"),
                "video.url": Matcher(state="present"),
            }
        ),
        note="Answers of early 2026 had no status.",
        source="AISDK",
    ),
    Acceptor(
        outcome="running",
        when=MappingProxyType({"http_status": Matcher(equals=200), "status": Matcher(state="missing")}),
        source="AISDK",
    ),
    Acceptor(
        outcome="running",
        when=MappingProxyType({"http_status": Matcher(equals=200), "status": Matcher(state="present")}),
        warn="once",
        note="Any other status. A word the service adds must not end a paid job.",
        source="our choice",
    ),
    Acceptor(outcome="moderated", when=MappingProxyType({"error_kind": Matcher(equals="moderated")}), source="OTHER"),
)

OTHER_SUCCESS: Final[int] = 200

SCHEDULE: Final[tuple[Phase, ...]] = (
    Phase(until=1, every=1),
    Phase(until=6, every=5),
    Phase(until=60, every=3),
    Phase(until=180, every=5),
    Phase(until=None, every=10),
)

WAIT_TIMEOUT: Final[float] = 600

LAST_POLL: Final[LastPoll] = LastPoll(before_end=1, part=0.1)

FAILED_POLL: Final[FailedPoll] = FailedPoll(longest_pause=5, longest_retry_after=60)

RESULT_URLS: Final[tuple[str, ...]] = ("video.url", "video.file_output.public_url")

BODIES: Final[Bodies] = Bodies(code=("error.code", "code"), text=("error.message", "error"), source="HAR, PROBE, AISDK")

ERROR_KINDS: Final[tuple[ErrorKind, ...]] = (
    ErrorKind(
        kind="bad_key", http_status=400, text=("Incorrect API key provided",), post="never", get="never", source="PROBE"
    ),
    ErrorKind(
        kind="moderated",
        http_status=400,
        code=("imagine:content-moderated",),
        post="never",
        get="never",
        source="OTHER",
    ),
    ErrorKind(
        kind="moderated",
        http_status=400,
        text=("rejected by content moderation",),
        post="never",
        get="never",
        source="AISDK, OTHER",
    ),
    ErrorKind(kind="bad_request", http_status=400, post="never", get="never", source="PROBE"),
    ErrorKind(kind="bad_key", http_status=401, post="never", get="never", source="PROBE"),
    ErrorKind(kind="forbidden", http_status=403, post="never", get="never", source="OTHER"),
    ErrorKind(kind="not_found", http_status=404, post="never", get="never", source="HAR, OAS"),
    ErrorKind(kind="conflict", http_status=412, post="never", get="never", source="NOTE"),
    ErrorKind(kind="unprocessable", http_status=422, post="never", get="never", source="HAR, PROBE"),
    ErrorKind(
        kind="out_of_credit",
        http_status=429,
        text=("used all available credits", "monthly spending limit"),
        post="never",
        get="never",
        source="HAR",
    ),
    ErrorKind(kind="rate_limit", http_status=429, post="again", get="again", source="OTHER"),
    ErrorKind(
        kind="unavailable",
        http_status=503,
        text=("reset reason: connection timeout",),
        post="again",
        get="again",
        source="HAR",
    ),
)

UNLISTED: Final[tuple[Unlisted, ...]] = (
    Unlisted(first=300, last=302, kind="other", post="never", get="never"),
    Unlisted(first=303, last=303, kind="other", post="unknown", get="never"),
    Unlisted(first=304, last=407, kind="other", post="never", get="never"),
    Unlisted(first=408, last=408, kind="other", post="unknown", get="again"),
    Unlisted(first=409, last=424, kind="other", post="never", get="never"),
    Unlisted(first=425, last=425, kind="other", post="never", get="again"),
    Unlisted(first=426, last=498, kind="other", post="never", get="never"),
    Unlisted(first=499, last=499, kind="other", post="unknown", get="again"),
    Unlisted(first=500, last=999, kind="server", post="unknown", get="again"),
)

FAILURES: Final[Mapping[str, Failure]] = MappingProxyType(
    {
        "not_delivered": Failure(post="again", get="again", note="No connection; nothing left"),
        "lost": Failure(post="unknown", get="again", note="It left, and no whole answer came"),
        "unreadable": Failure(post="unknown", get="again"),
    }
)

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

CHARGED_SECONDS: Final[Mapping[str, str]] = MappingProxyType(
    {
        "text-to-video": "duration",
        "image-to-video": "duration",
        "reference-to-video": "duration",
        "edit-video": "input",
        "extend-video": "duration",
    }
)

STORED_BYTES: Final[int] = 52428800

STORAGE: Final[Storage] = Storage(gib_day=Decimal("0.025"), gib_download=Decimal("0.2"), confidence="M", source="PAGES")
