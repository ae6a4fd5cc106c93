"""A file at the service, as an answer describes it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ..parsing import shown, text_at, whole_at

__all__ = ["File"]


class File:
    """A file at the service: one that was uploaded, or that a job left by `storage_options`.

    Attributes:
        id: Goes wherever an image or a video does: `image_file_id=file.id`, `video_file_id=file.id`.
        raw: The answer's JSON, as it came. May hold a public URL.
        headers: The headers of its answer, as of a `Video`.
    """

    __slots__ = ("headers", "id", "raw")

    def __init__(self, id: str, raw: Mapping[str, Any], headers: Mapping[str, str] | None = None) -> None:
        self.id = id
        self.raw = raw
        self.headers = headers or {}

    @classmethod
    def of(cls, raw: Mapping[str, Any], headers: Mapping[str, str] | None = None) -> File | None:
        """The file of an answer; None if the answer holds none."""
        found = raw.get("id")
        return cls(found, raw, headers) if isinstance(found, str) and found else None

    @property
    def filename(self) -> str | None:
        """Its name."""
        return text_at(self.raw, "filename")

    @property
    def size(self) -> int | None:
        """Bytes; `bytes` on the wire."""
        return whole_at(self.raw, "bytes")

    @property
    def created_at(self) -> int | None:
        """Unix time."""
        return whole_at(self.raw, "created_at")

    @property
    def expires_at(self) -> int | None:
        """Unix time of its deletion; None for a file that is kept, and charged, until it is deleted."""
        return whole_at(self.raw, "expires_at")

    @property
    def public_url(self) -> str | None:
        """Its public URL, if it has one."""
        return text_at(self.raw, "public_url")

    @property
    def public_url_expires_at(self) -> int | None:
        """Unix time at which the public URL ends."""
        return whole_at(self.raw, "public_url_expires_at")

    def __eq__(self, other: object) -> bool:
        return isinstance(other, File) and other.id == self.id

    def __hash__(self) -> int:
        return hash(self.id)

    def __repr__(self) -> str:
        facts = {"filename": self.filename and shown(self.filename, 100), "size": self.size}
        return f"<File {shown(self.id, 100)} {', '.join(f'{name}={value!r}' for name, value in facts.items())}>"
