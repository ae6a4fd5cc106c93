"""What comes back: the job a POST started, and the state of a job when it was read."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Mapping
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self, TypeVar, cast

from grok_imagine_api import contract

from .. import binding
from ..acceptors import outcome_of
from ..errors import DownloadError, VideoExpiredError, VideoGenerationError, VideoModeratedError
from ..literals import VideoOutcome, VideoStatus
from ..parsing import COST, cost_ticks, shown, text_at, value_at
from .request import VideoRequest

if TYPE_CHECKING:
    from grok_imagine_api.models.file_output import FileOutput
    from grok_imagine_api.models.media_usage import MediaUsage
    from grok_imagine_api.models.video_error import VideoError
    from grok_imagine_api.models.video_response import VideoResponse
    from grok_imagine_api.types import Unset

M = TypeVar("M")

__all__ = ["AsyncVideo", "Job", "Video"]

LONGEST_VIDEO = 1e6
"""Seconds; a longer duration is none."""


class Job:
    """A job that was accepted, and is paid for.

    Attributes:
        request_id: Its id. Opaque; keep it until the video is on disk.
        request: What was asked for.
        raw: The JSON of the answer to the POST; empty for a job that was started before.
        headers: The headers of that answer, as of a `Video`.
    """

    __slots__ = ("headers", "raw", "request", "request_id")

    def __init__(
        self,
        request_id: str,
        request: VideoRequest,
        raw: Mapping[str, Any] | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> None:
        self.request_id = request_id
        self.request = request
        self.raw = raw or {}
        self.headers = headers or {}

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Job) and other.request_id == self.request_id

    def __hash__(self) -> int:
        return hash(self.request_id)

    def _repr_html_(self) -> str:
        from .. import notebook

        body = self.request.body
        asked = {name: body.get(name) for name in ("model", "prompt", "duration", "aspect_ratio", "resolution")}
        return notebook.table({"job": self.request_id, "mode": self.request.mode} | asked)

    def __repr__(self) -> str:
        return f"Job(request_id={shown(self.request_id, 100)!r}, request={self.request!r})"


class _Owner:
    """The client's `download`, which a copied video keeps and a pickled one loses: no client goes into a pickle."""

    __slots__ = ("download",)

    def __init__(self, download: Callable[..., Any] | None = None) -> None:
        self.download = download

    def __deepcopy__(self, memo: object) -> _Owner:
        return self

    def __reduce__(self) -> tuple[type[_Owner], tuple[()]]:
        return _Owner, ()


class Video:
    """The state of a job when it was read: a finished video, or its progress.

    Made of whatever the service answered: a field of an unexpected type counts as missing, and `raw` has it all.

    Attributes:
        request_id: Id of the job.
        raw: The answer's JSON, as it came; empty for an empty 202. May hold a signed URL: do not log it.
        headers: The answer's headers by lower-case names, printable, bounded and without the key; empty if it is not of HTTP.
        outcome: The state by the rules of x-waiter: `running`, `done`, `failed`, `expired` or `moderated`.
        is_unknown_status: Whether the status is a word that this version does not know; the job counts as running.
    """

    __slots__ = (
        "_owner",
        "_response",
        "_seen_at",
        "_video",
        "headers",
        "is_unknown_status",
        "outcome",
        "raw",
        "request_id",
    )

    def __init__(
        self,
        request_id: str,
        raw: Mapping[str, Any],
        http_status: int = 200,
        headers: Mapping[str, str] | None = None,
    ) -> None:
        self._owner = _Owner()
        self._seen_at = time.time()
        self.headers = headers or {}
        self.request_id = request_id
        self.raw = raw
        video = raw.get("video")
        self._video: Mapping[str, Any] = video if isinstance(video, dict) else {}
        self._response: VideoResponse | None = None
        acceptor = outcome_of(http_status, raw)
        self.outcome = cast("VideoOutcome", acceptor.outcome if acceptor else "running")
        self.is_unknown_status = acceptor is not None and bool(acceptor.warn)

    @property
    def response(self) -> VideoResponse:
        """The low-level model, for `result.response.video.url`. Made when asked for."""
        if self._response is None:
            self._response = binding.state(self.raw)
        return self._response

    @property
    def status(self) -> VideoStatus | str:
        """`pending`, `done`, `failed`, `expired`, or a newer word as it came. Equal to `KnownVideoStatus` members."""
        return text_at(self.raw, "status") or ("done" if self.outcome == "done" else "pending")

    @property
    def url(self) -> str | None:
        """Temporary public URL of the MP4; None while there is none, or when the file was sent elsewhere.

        Raises:
            VideoModeratedError: The video was made, and withheld by moderation.
        """
        if self.outcome == "moderated":
            raise self.failure()
        return text_at(self._video, "url")

    @property
    def public_url(self) -> str | None:
        """Public URL of the stored file, if `storage_options` asked for one."""
        url = self.file_output.public_url if self.file_output else None
        return url if isinstance(url, str) and url else None

    @property
    def public_url_error(self) -> str | None:
        """Why there is no public URL, if `storage_options` asked for one."""
        error = self.file_output.public_url_error if self.file_output else None
        return error if isinstance(error, str) and error else None

    @property
    def file_output(self) -> FileOutput | None:
        """The file kept in the Files API, if `storage_options` asked for one."""
        video = _model(self.response.video)
        return _model(video.file_output) if video else None

    @property
    def storage_error(self) -> str | None:
        """Why the file could not be stored, if `storage_options` asked for it."""
        return text_at(self._video, "storage_error")

    @property
    def duration(self) -> float | None:
        """Length in seconds; of an extension that of the new part."""
        seconds = self._video.get("duration")
        if not isinstance(seconds, int | float) or isinstance(seconds, bool):
            return None
        return seconds if 0 <= seconds <= LONGEST_VIDEO else None

    @property
    def respect_moderation(self) -> bool:
        """False only when the service said that moderation withheld the video."""
        return self._video.get("respect_moderation") is not False

    @property
    def model(self) -> str | None:
        """The model that made it, under its own name."""
        return text_at(self.raw, "model")

    @property
    def progress(self) -> int | None:
        """Progress in per cent, 0 to 100, as the service counts; None if it says nothing."""
        progress = self.raw.get("progress")
        return progress if type(progress) is int and 0 <= progress <= 100 else None

    @property
    def usage(self) -> MediaUsage | None:
        """What the job used, as the low-level model."""
        return _model(self.response.usage)

    @property
    def cost_usd(self) -> float | None:
        """What the job cost in USD, if the service says so."""
        return None if self.cost_ticks is None else self.cost_ticks / contract.TICKS_PER_USD

    @property
    def cost_ticks(self) -> int | None:
        """What the job cost in ticks of 1/10,000,000,000 USD, if the service says so: a whole number of 63 bits."""
        return cost_ticks(self.raw)

    @property
    def has_odd_cost(self) -> bool:
        """Whether the service reported an invalid cost, such as a negative one."""
        return value_at(self.raw, COST) is not None and self.cost_ticks is None

    @property
    def error(self) -> VideoError | None:
        """Why the job failed: `code` and `message`; None if it did not."""
        return _model(self.response.error)

    def failure(self) -> VideoGenerationError:
        """The error that this state is, for an outcome that is neither running nor done."""
        error = self.raw.get("error")
        code, message = (error.get("code"), error.get("message")) if isinstance(error, dict) else (None, None)
        code, message = (text if isinstance(text, str) else None for text in (code, message))
        details: dict[str, Any] = {"request_id": self.request_id, "cost_usd": self.cost_usd, "payload": self.raw}
        if self.outcome == "moderated":
            return VideoModeratedError(code or "moderated", message or "moderation withheld the video", **details)
        if self.outcome == "expired":
            return VideoExpiredError(code or "expired", message or "the job expired", **details)
        return VideoGenerationError(code or "UNKNOWN", message or "the service gave no reason", **details)

    def save(
        self,
        path: str | os.PathLike[str],
        *,
        overwrite: bool = False,
        on_progress: Callable[[int, int | None], object] | None = None,
        max_bytes: int | None = None,
        timeout: float | timedelta | None = None,
    ) -> Path:
        """Saves the video to disk. Arguments and errors are those of `client.video.download`.

        Returns:
            The path of the file.

        Raises:
            DownloadError: With reason `no_client` for a video made by hand or out of a pickle.
        """
        path_of: Path = self._download(path)(
            self, path, overwrite=overwrite, on_progress=on_progress, max_bytes=max_bytes, timeout=timeout
        )
        return path_of

    def _download(self, path: str | os.PathLike[str]) -> Callable[..., Any]:
        if self._owner.download is None:
            text = "no client goes with this video; client.video.download(video, path) saves it"
            raise DownloadError(text, reason="no_client", path=path, request_id=self.request_id)
        return self._owner.download

    @classmethod
    def bound(cls, video: Video, download: Callable[..., Any]) -> Self:
        """The same state, as a client's own: `save` goes through its `download`."""
        own = cls.__new__(cls)
        for name in Video.__slots__:
            setattr(own, name, getattr(video, name))
        own._owner = _Owner(download)
        return own

    def _repr_html_(self) -> str:
        return self._html({})

    def _html(self, first: Mapping[str, object]) -> str:
        """Facts, and a player while the URL lives. What a notebook shows, it saves: the URL has ended soon after."""
        from .. import notebook

        facts = notebook.table(
            {
                **first,
                "job": self.request_id,
                "state": self.status if self.outcome == "running" else self.outcome,
                "progress": None if self.progress is None else f"{self.progress} %",
                "duration": None if self.duration is None else f"{self.duration:g} s",
                "model": self.model,
                "cost": notebook.usd(self.cost_usd),
                "error": None if self.outcome in ("running", "done") else self.failure().message,
            }
        )
        if self.outcome != "done":
            return facts
        ends = self._seen_at + contract.LIMITS["result_url_lifetime"].value
        url = self.url if time.time() < ends else None
        if url:
            until = time.strftime("%d %b %H:%M", time.localtime(ends))
            return f"{notebook.player(url)}{facts}{notebook.note(f'Its URL ends about {until}; video.save(path) keeps it.')}"
        player = notebook.player(self.public_url) if self.public_url else ""
        ended = "Its URL has ended; client.video.get(request_id) gives a new one while the service has it."
        return f"{player}{facts}{notebook.note(ended) if self.url else ''}"

    def __repr__(self) -> str:
        # Neither the URL, which may be signed, nor the raw answer, which holds it.
        status = shown(self.status, 100)
        facts = {"status": status, "progress": self.progress, "duration": self.duration, "cost_usd": self.cost_usd}
        details = ", ".join(f"{name}={value!r}" for name, value in facts.items() if value is not None)
        return f"<Video {shown(self.request_id, 100)} {details}>"


class AsyncVideo(Video):
    """A `Video` of an `AsyncClient`: the same, but that `save` is awaited."""

    __slots__ = ()

    async def save(  # type: ignore[override]  # a forgotten await is then an error to a type checker
        self,
        path: str | os.PathLike[str],
        *,
        overwrite: bool = False,
        on_progress: Callable[[int, int | None], object] | None = None,
        max_bytes: int | None = None,
        timeout: float | timedelta | None = None,
    ) -> Path:
        """Saves the video to disk. Arguments and errors are those of `client.video.download`.

        Returns:
            The path of the file.

        Raises:
            DownloadError: With reason `no_client` for a video made by hand or out of a pickle.
        """
        path_of: Path = await self._download(path)(
            self, path, overwrite=overwrite, on_progress=on_progress, max_bytes=max_bytes, timeout=timeout
        )
        return path_of


if TYPE_CHECKING:  # the default is of a later Python
    from typing_extensions import TypeVar as TypeVarWithDefault

    V_co = TypeVarWithDefault("V_co", bound=Video, default=Video, covariant=True)
else:
    V_co = TypeVar("V_co", covariant=True)


def _model(value: M | Unset | None) -> M | None:
    """A nested model. What the generated code could not read it leaves as it came, against the field's type."""
    return cast("M", value) if hasattr(value, "to_dict") else None
