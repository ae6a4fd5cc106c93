"""What to do about an error, as data; and our names for those of other SDKs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal, NamedTuple, TypeAlias

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


OURS = {
    "videos": "this API is client.video: start, generate, extend, get, wait",
    "images": "images are not part of it",
    "create": "client.video.start starts a job",
    "create_and_poll": "client.video.generate waits for the video",
    "download_content": "video.save(path) or client.video.download(request_id, path)",
    "edit": "client.video.generate(prompt, video_url=...)",
    "poll": "client.video.wait(request_id)",
    "remix": "client.video.generate(prompt, video_url=...)",
    "retrieve": "client.video.get(request_id)",
}
"""What stands here for a name of another SDK."""

METHODS = ("start", "generate", "extend", "wait")
"""Methods of `client.video` that are looked for at the client."""


class OtherNames:
    """A client, or its `video`: it answers a name of another SDK by ours."""

    if not TYPE_CHECKING:  # a type checker would take any name for one of ours

        def __getattr__(self, name: str) -> Any:
            is_client = "video" in vars(self)
            ours = f"client.video.{name}" if is_client and name in METHODS else OURS.get(name)
            hint = f"; {ours}" if ours else ""
            raise AttributeError(f"{type(self).__name__!r} object has no attribute {name!r}{hint}", name=name, obj=self)
