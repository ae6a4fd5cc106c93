"""The products of jobs: a recipe that renders deterministically, and the facts for the answer and the bill."""

import hashlib
from collections.abc import Mapping
from decimal import Decimal
from typing import Any, NamedTuple

from . import billing, media
from .contract import Contract, JsonPath
from .inputs import InputFailure, Reader, StandIn
from .rules import Order
from .shape import media_objects


class Recipe(NamedTuple):
    """Everything that a file depends on, including inputs, so that an evicted file can be rendered identically again."""

    mode: str
    prompt: str
    seconds: int
    size: tuple[int, int]
    audio: bool = True
    video: bytes | StandIn | None = None
    first_frame: bytes | None = None
    last_frame: bytes | None = None
    keyframes: tuple[tuple[float, bytes], ...] = ()
    references: tuple[bytes, ...] = ()

    def digest(self) -> str:
        """A hash that identifies the content: equal recipes render equal files."""
        inputs = [hashlib.sha256(item).hexdigest() if item is not None else None for item in self._inputs()]
        times = [seconds for seconds, _ in self.keyframes]
        facts = (self.mode, self.prompt, self.seconds, self.size, self.audio, times, inputs)
        return hashlib.sha256(repr(facts).encode()).hexdigest()

    def weight(self) -> int:
        """Bytes of input in memory."""
        return sum(len(item) for item in self._inputs() if item is not None)

    def render(self) -> bytes:
        """Render the MP4. Slow: belongs into a worker thread."""
        if self.video is None:
            return media.generate(
                self.prompt,
                seconds=self.seconds,
                size=self.size,
                first_frame=self.first_frame,
                last_frame=self.last_frame,
                keyframes=self.keyframes,
                references=self.references,
                audio=self.audio,
            )
        video = self.video.content() if isinstance(self.video, StandIn) else self.video
        if self.mode == "edit-video":
            return media.edit(video, self.prompt)
        return media.extend(video, self.prompt, self.seconds)

    def _inputs(self) -> tuple[bytes | None, ...]:
        video = self.video.label.encode() if isinstance(self.video, StandIn) else self.video
        pinned = (image for _, image in self.keyframes)
        return (video, self.first_frame, self.last_frame, *pinned, None, *self.references)


class Product(NamedTuple):
    """The video of a job, and its cost."""

    recipe: Recipe
    seconds: int
    """Whole seconds as in the answer; for an extension the new part only (register, GeneratedVideo)."""
    resolution: str
    ticks: int
    digest: str


def prepare(contract: Contract, order: Order, reader: Reader) -> Product:
    """Read an accepted order's inputs and plan its file. Decodes: belongs into a worker thread.

    Raises:
        InputFailure: An input is unavailable or unusable, so the job fails.
    """
    try:
        return (_generation if order.operation == "generateVideo" else _continuation)(contract, order, reader)
    except media.MediaError as error:
        raise InputFailure(f"Unable to decode the provided media: {error}") from error


def _generation(contract: Contract, order: Order, reader: Reader) -> Product:
    body = order.body
    images = _images(order, reader)
    limits = contract.modes[order.mode]["limits"]
    seconds = body.get("duration") or limits["duration"]["default"]
    resolution = body.get("resolution") or limits["resolution"]["default"]
    # Only image-to-video has no default: it takes the ratio of the image (register, generateVideo).
    ratios = limits.get("aspect_ratio") or contract.modes["text-to-video"]["limits"]["aspect_ratio"]
    ratio = body.get("aspect_ratio") or ratios.get("default") or _ratio_of(images["image",])
    recipe = Recipe(
        order.mode,
        order.prompt,
        seconds,
        media.size_for(ratio, resolution),
        audio=body.get("generate_audio") is not False,
        first_frame=images.get(("image",)),
        last_frame=images.get(("last_frame",)),
        keyframes=tuple(
            (float(keyframe["timestamp_s"]), images["keyframes", index, "image"])
            for index, keyframe in enumerate(body.get("keyframes") or ())
        ),
        references=tuple(data for path, data in images.items() if path[0] == "reference_images"),
    )
    amounts = {"output_second": Decimal(seconds), "input_image": Decimal(len(images))}
    cost = billing.ticks(contract, order.mode, order.model, resolution, amounts)
    return Product(recipe, seconds, resolution, cost, recipe.digest())


def _images(order: Order, reader: Reader) -> dict[JsonPath, bytes]:
    """The order's pictures by their path in the body. Voices are only checked."""
    images = {}
    for path, source in media_objects(order.body):
        if path[0] == "reference_audios":
            reader.check_voice(source)
        else:
            images[path] = reader.picture(source)
            media.picture_size(images[path])  # garbage fails here, not when the file is fetched
    return images


def _ratio_of(image: bytes) -> str:
    width, height = media.picture_size(image)
    return f"{width}:{height}"


def _short_side(resolution: str) -> int:
    return int(resolution.removesuffix("p"))


def _continuation(contract: Contract, order: Order, reader: Reader) -> Product:
    """An edit or an extension, with length, ratio and resolution from the input."""
    video = reader.video(order.body["video"])
    clip = video.facts() if isinstance(video, StandIn) else media.probe(video)
    before = Decimal(str(round(clip.seconds, 3)))
    resolution = _resolution_of(contract, order.model, clip)
    if order.mode == "edit-video":
        before = made = min(before, Decimal(str(contract.limit("edit_input"))))
    else:
        made = Decimal(_added(contract, order.body, clip))
    recipe = Recipe(order.mode, order.prompt, int(made), (clip.width, clip.height), video=video)
    amounts = {"output_second": made, "input_second": before}
    cost = billing.ticks(contract, order.mode, order.model, resolution, amounts)
    return Product(recipe, max(1, round(made)), resolution, cost, recipe.digest())


def _resolution_of(contract: Contract, model: str, clip: media.ClipInfo) -> str:
    """The largest priced resolution that the input's short side reaches, or the smallest one."""
    priced: Mapping[str, Any] = contract.pricing["models"][model]["output_second"]
    reached = [name for name in priced if _short_side(name) <= min(clip.width, clip.height)]
    return max(reached or [min(priced, key=_short_side)], key=_short_side)


def _added(contract: Contract, body: Mapping[str, Any], clip: media.ClipInfo) -> int:
    """Seconds to add. A violation that only the running job finds fails the job (register, Contradictions, row 26)."""
    default = contract.modes["extend-video"]["limits"]["duration"]["default"]
    limits = contract.models[contract.default_model]["modes"]["extend-video"]["limits"]["duration"]
    seconds: int = default if body.get("duration") is None else body["duration"]
    if not limits["minimum"] <= seconds <= limits["maximum"]:
        raise InputFailure(f"Extension duration must be between {limits['minimum']} and {limits['maximum']} seconds.")
    shortest, longest = contract.limit("extend_input_minimum"), contract.limit("extend_input_maximum")
    if not shortest <= clip.seconds <= longest:
        raise InputFailure(f"The input video must be between {shortest:g} and {longest:g} seconds long.")
    return seconds
