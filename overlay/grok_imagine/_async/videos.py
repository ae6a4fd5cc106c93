"""`client.video` and `client.models`, awaited. They hold no logic: each method hands a flow to the driver."""

from __future__ import annotations

import os
from collections.abc import AsyncGenerator, AsyncIterable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Never, Unpack

from .._wiring import ClientCore, Interval, Prompt, prepared, request_of
from ..config import Seconds
from ..core.effects import Flow, ProgressCallback, StartedCallback
from ..core.results import AsyncVideo, Job, Video
from ..literals import AspectRatio, Resolution

if TYPE_CHECKING:
    from grok_imagine_api.models.video_generation_model import VideoGenerationModel

    from ..batch.outcome import BatchItem
    from ..batch.tasks import AsyncBatch
    from ..batches_api.vendor import PreparedRequest
    from ..core.polling import Updates
    from ..download.transfer import Progress as DownloadProgress
    from ..ledger.ledger import Ledger
    from ..media.inputs import ImageInput, VideoInput
    from ..modes import VideoOptions
    from ..transport.aio import AsyncDriver

__all__ = ["AsyncModels", "AsyncVideos"]


class AsyncVideos:
    """`client.video`: starts jobs, polls them, waits for them, and brings their videos to disk."""

    def __init__(self, core: ClientCore, driver: AsyncDriver) -> None:
        self._core = core
        self._driver = driver

    async def start(
        self,
        prompt: Prompt | None = None,
        model: str | None = None,
        *,
        duration: int | None = None,
        aspect_ratio: AspectRatio | str | None = None,
        resolution: Resolution | str | None = None,
        generate_audio: bool | None = None,
        image_url: ImageInput | None = None,
        image_file_id: str | None = None,
        last_frame_url: ImageInput | None = None,
        last_frame_file_id: str | None = None,
        keyframes: Sequence[Mapping[str, Any]] | None = None,
        reference_image_urls: Sequence[ImageInput] | None = None,
        reference_image_file_ids: Sequence[str] | None = None,
        reference_audios: Sequence[Mapping[str, Any]] | None = None,
        video_url: VideoInput | None = None,
        video_file_id: str | None = None,
        storage_options: Mapping[str, Any] | None = None,
        output_upload_url: str | None = None,
        user: str | None = None,
        strict: bool = True,
        key: str | None = None,
        **unknown: Never,
    ) -> Job:
        """Starts a job and returns at once. The fields choose the mode; `video_url` edits.

        Args:
            prompt: What the video shows, or a whole request such as `TextToVideo(...)`. 1 to 4096 characters.
            model: Default `grok-imagine-video`.
            duration: Seconds; the range depends on mode and model (x-modes), as do all of these.
            aspect_ratio: Such as `16:9`.
            resolution: Such as `720p`.
            generate_audio: Whether it has sound.
            image_url: Its first frame: a URL as a text, or a `pathlib.Path`, bytes, a binary file, a PIL image. What is no URL is
                read at once; a text is never taken for a path. So are all other images and videos.
            image_file_id: The same, by the id of a file at the service. So are all other file ids.
            last_frame_url: Its last frame.
            last_frame_file_id: Its last frame.
            keyframes: Frames on the way, as `{"image_url": ..., "timestamp": seconds}`.
            reference_image_urls: Images that the prompt names `<IMAGE_1>`, `<IMAGE_2>` and so on.
            reference_image_file_ids: The same; they are counted before those of `reference_image_urls`.
            reference_audios: Voices, as `{"voice_id": ...}`.
            video_url: The video to edit.
            video_file_id: The video to edit.
            storage_options: How the service keeps the result: `filename`, `expires_after`, `public_url`.
            output_upload_url: Where the service sends the result.
            user: Who asked, in words of your own.
            strict: Hold the request to the contract first. False sends it as it is: the service may have moved on.
            key: The caller's own name for this job, which needs a ledger. The same key finds the same job, from any process that
                shares the ledger, and nothing is posted; while its POST is under way elsewhere, that is waited for. What
                became no job may be sent again. 1 to 255 printable characters.
            **unknown: No other keyword is known; with `strict=False` it is sent as a field.

        Raises:
            InvalidRequest: The contract refuses it, or the key is another request's (KeyConflict); nothing was sent.
            ApiError: The service refuses it; no job exists.
            NotDelivered: No connection; no job exists.
            StartOutcomeUnknown: It was sent, and the answer was lost. Never sent again by itself.
        """
        return await self._driver.run(self._core.start(request_of(locals()), strict, key))

    async def generate(
        self,
        prompt: Prompt | None = None,
        model: str | None = None,
        *,
        duration: int | None = None,
        aspect_ratio: AspectRatio | str | None = None,
        resolution: Resolution | str | None = None,
        generate_audio: bool | None = None,
        image_url: ImageInput | None = None,
        image_file_id: str | None = None,
        last_frame_url: ImageInput | None = None,
        last_frame_file_id: str | None = None,
        keyframes: Sequence[Mapping[str, Any]] | None = None,
        reference_image_urls: Sequence[ImageInput] | None = None,
        reference_image_file_ids: Sequence[str] | None = None,
        reference_audios: Sequence[Mapping[str, Any]] | None = None,
        video_url: VideoInput | None = None,
        video_file_id: str | None = None,
        storage_options: Mapping[str, Any] | None = None,
        output_upload_url: str | None = None,
        user: str | None = None,
        timeout: Seconds | None = None,
        interval: Interval | None = None,
        on_started: StartedCallback | None = None,
        on_progress: ProgressCallback | None = None,
        strict: bool = True,
        key: str | None = None,
        **unknown: Never,
    ) -> AsyncVideo:
        """Starts a job and waits for its video.

        Args:
            prompt: As in `start`.
            model: As in `start`.
            duration: As in `start`.
            aspect_ratio: As in `start`.
            resolution: As in `start`.
            generate_audio: As in `start`.
            image_url: As in `start`.
            image_file_id: As in `start`.
            last_frame_url: As in `start`.
            last_frame_file_id: As in `start`.
            keyframes: As in `start`.
            reference_image_urls: As in `start`.
            reference_image_file_ids: As in `start`.
            reference_audios: As in `start`.
            video_url: As in `start`.
            video_file_id: As in `start`.
            storage_options: As in `start`.
            output_upload_url: As in `start`.
            user: As in `start`.
            timeout: Polling timeout: seconds for everything, default 600 (x-waiter); 0 polls once. The POST itself
                is never cut short by it, since that would lose a paid job.
            interval: Seconds between polls, or a function from the seconds waited to the seconds to the next poll.
                Default: by the job's progress and by what this client's own jobs took; see docs/schedule.md.
            on_started: Called with the `Job` as soon as its id is safe (in the ledger, if there is one), before the first poll;
                may be a coroutine function. What it raises leaves with the id, as what `on_progress` raises does.
            on_progress: Called with the `Video` after each poll that finds it running; may be a coroutine function.
            strict: As in `start`.
            key: As in `start`; of a job that has ended already the video, or the error, is given at once.
            **unknown: As in `start`.

        Raises:
            VideoGenerationError: The job ended without a video (also VideoExpiredError, VideoModeratedError).
            VideoTimeoutError: The time is up; the job goes on, and `wait(request_id)` takes it up again.
            InvalidRequest, ApiError, NotDelivered, StartOutcomeUnknown: As in `start`.
        """
        return await self._run(
            self._core.generate(
                request_of(locals()),
                strict,
                timeout=timeout,
                interval=interval,
                on_progress=on_progress,
                on_started=on_started,
                key=key,
            )
        )

    async def extend_start(
        self,
        prompt: Prompt | None = None,
        model: str | None = None,
        video_url: VideoInput | None = None,
        *,
        video_file_id: str | None = None,
        duration: int | None = None,
        storage_options: Mapping[str, Any] | None = None,
        output_upload_url: str | None = None,
        strict: bool = True,
        key: str | None = None,
        **unknown: Never,
    ) -> Job:
        """Starts the continuation of a video; otherwise as `start`. `duration` is the new part's, 2 to 10 s."""
        return await self._driver.run(self._core.start(request_of(locals(), "extend"), strict, key))

    async def extend(
        self,
        prompt: Prompt | None = None,
        model: str | None = None,
        video_url: VideoInput | None = None,
        *,
        video_file_id: str | None = None,
        duration: int | None = None,
        storage_options: Mapping[str, Any] | None = None,
        output_upload_url: str | None = None,
        timeout: Seconds | None = None,
        interval: Interval | None = None,
        on_started: StartedCallback | None = None,
        on_progress: ProgressCallback | None = None,
        strict: bool = True,
        key: str | None = None,
        **unknown: Never,
    ) -> AsyncVideo:
        """Starts the continuation of a video and waits for it; otherwise as `generate`."""
        return await self._run(
            self._core.generate(
                request_of(locals(), "extend"),
                strict,
                timeout=timeout,
                interval=interval,
                on_progress=on_progress,
                on_started=on_started,
                key=key,
            )
        )

    def prepare(
        self,
        prompt: Prompt | None = None,
        model: str | None = None,
        *,
        batch_request_id: str | None = None,
        strict: bool = True,
        **options: Unpack[VideoOptions],
    ) -> PreparedRequest:
        """Makes a request for `client.batch.add`, as the vendor's SDK does. Nothing is sent.

        Args:
            prompt: As in `start`.
            model: As in `start`.
            batch_request_id: Its id in the results; default one of its position and content.
            strict: As in `start`, for names of keywords; `client.batch.add` holds the request to the contract.
            **options: As in `start`.

        Raises:
            InvalidRequest: A keyword that is none, or fields of two modes.
        """
        return prepared(prompt, model, batch_request_id, strict, options, "generate")

    def prepare_extension(
        self,
        prompt: Prompt | None = None,
        model: str | None = None,
        video_url: VideoInput | None = None,
        *,
        batch_request_id: str | None = None,
        strict: bool = True,
        video_file_id: str | None = None,
        duration: int | None = None,
        storage_options: Mapping[str, Any] | None = None,
        output_upload_url: str | None = None,
    ) -> PreparedRequest:
        """Makes the request of a continuation; otherwise as `prepare`."""
        options = {
            "video_url": video_url,
            "video_file_id": video_file_id,
            "duration": duration,
            "storage_options": storage_options,
            "output_upload_url": output_upload_url,
        }
        return prepared(prompt, model, batch_request_id, strict, options, "extend")

    async def get(self, request_id: str | Job) -> AsyncVideo:
        """Polls a job once, again only if the poll itself fails; a failed or expired job is a result here, no error.

        Raises:
            VideoModeratedError: The service answered 400 since moderation withheld the video.
            BadRequestError: The id is none of the service's form.
            NotFoundError: No such job.
            ApiError, TransportError: The poll failed; it says nothing of the job.
        """
        return await self._run(self._core.get(request_id))

    async def wait(
        self,
        request_id: str | Job,
        *,
        timeout: Seconds | None = None,
        interval: Interval | None = None,
        on_progress: ProgressCallback | None = None,
    ) -> AsyncVideo:
        """Waits for a job that was started before, here or elsewhere; otherwise as `generate`.

        How old the job is is not known, so the default schedule neither reads its progress nor learns from it.
        """
        return await self._run(self._core.wait(request_id, timeout=timeout, interval=interval, on_progress=on_progress))

    def updates(
        self, request_id: str | Job, *, timeout: Seconds | None = None, interval: Interval | None = None
    ) -> AsyncGenerator[AsyncVideo, None]:
        """Waits for a job as `wait` does: an asynchronous iterator of its states as they change, for what shows them.

        The first is the state at once, and each further one has another status or progress. The last is what `wait` would
        return; where `wait` would raise, so does this, after the states until then. The job is polled only while the next
        state is asked for. The time in between counts, too; once the time is up, the job is polled one more time. Leaving the
        loop early, or closing the iterator, ends the wait and not the job.

        Args:
            request_id: As in `wait`.
            timeout: As in `wait`: seconds from the first state asked for.
            interval: As in `wait`.

        Raises:
            VideoGenerationError: The job ended without a video (also VideoExpiredError, VideoModeratedError).
            VideoTimeoutError: The time is up; the job goes on.
            ApiError: As in `wait`.
        """
        return self._updates(self._core.updates(request_id, timeout, interval))

    async def _updates(self, updates: Updates) -> AsyncGenerator[AsyncVideo, None]:
        try:
            while (video := await self._driver.run(updates.advance())) is not None:
                yield AsyncVideo.bound(video, self.download)
        finally:
            updates.close()

    async def download(
        self,
        video: Video | Job | str,
        path: str | os.PathLike[str],
        *,
        overwrite: bool = False,
        on_progress: DownloadProgress | None = None,
        max_bytes: int | None = None,
        timeout: Seconds | None = None,
    ) -> Path:
        """Brings a finished video to disk: whole and checked, or not at all.

        It is streamed to `<path>.part`, which is kept when the download fails: the next one, by any process, fetches only
        the rest, if the host still has the same file. The key is not sent. Nothing is generated or billed again.

        Args:
            video: What `generate`, `wait` or `get` gave, or the id of a finished job, which is polled once.
            path: The file, or a directory, in which it is called `<request_id>.mp4`.
            overwrite: Replace the file if there is one.
            on_progress: Called with the bytes on disk, and the length in bytes or None, after each chunk; may be a coroutine function.
            max_bytes: The largest file to accept; default 2 GiB.
            timeout: Seconds for everything, default 600. A silent connection ends by the client's `request_timeout`.

        Raises:
            TargetExistsError: There is a file, and `overwrite` is not set; nothing was sent.
            DownloadError: Not on disk; `reason` says why.
            VideoGenerationError: The job ended without a video (also VideoExpiredError, VideoModeratedError).
            ApiError, TransportError: A poll failed: of a job given by its id, or for a new URL.
        """
        return await self._driver.run(
            self._core.download(
                video, path, overwrite=overwrite, on_progress=on_progress, max_bytes=max_bytes, timeout=timeout
            )
        )

    def batch(
        self,
        requests: Iterable[BatchItem] | AsyncIterable[BatchItem],
        *,
        ledger: Ledger | None = None,
        max_cost_usd: float | None = None,
        name: str = "batch",
        concurrency: int | None = None,
        timeout: Seconds | None = None,
        interval: Interval | None = None,
        repeat: bool = False,
        strict: bool = True,
        on_started: StartedCallback | None = None,
        on_progress: ProgressCallback | None = None,
    ) -> AsyncBatch:
        """Makes many videos: an asynchronous iterator of their outcomes, as they finish. None stops the others.

        Whatever one request meets is its own outcome. Only what holds for all refuses the rest: a wrong key, no credit, a ledger
        that can't be read or written.

        Each request is claimed in the ledger before it is posted, so that a batch that was interrupted at any moment goes on
        when the same is started again, beside other processes too: what it knows is not posted again. Nothing is sent before
        the first outcome is asked for; then it works on in the background.

        Args:
            requests: Requests, prompts, or keywords as of `generate` with `mode: extend-video` for an extension. Pulled as
                places get free; may be an asynchronous iterable. One that blocks, blocks the event loop.
            ledger: Where its jobs are noted; default the client's, or else a temporary one.
            max_cost_usd: USD that all jobs of this `name` in the ledger may cost, those of earlier runs too. What could
                pass it is refused, by what `estimate` says; of a job that ended counts what it cost.
            name: What the batch is called in the ledger. Another name makes the same requests anew.
            concurrency: Jobs that run at once; default what `limits` say. Memory grows with it, not with the requests.
            timeout: Polling timeout of each job: seconds, default 600 (x-waiter). Its outcome is `running` then.
            interval: As in `generate`, for the polls of each job; the limits hold all the same.
            repeat: Equal requests are made once for each place among `requests`, instead of once for all.
            strict: As in `start`.
            on_started: Called with the `Job` of each request that is waited for, as soon as its id is in the ledger, before the
                first poll; may be a coroutine function. What it raises ends the wait for that job, as with `on_progress`.
            on_progress: Called with the `Video` after each poll that finds a job running; may be a coroutine function. What it
                raises ends the wait for that job alone: its outcome is `running`, with an `UnexpectedError` whose cause it is.

        Raises:
            OutOfRange: An argument is none; nothing was sent.
            LedgerError: The ledger can't be opened. Errors of a request are in its outcome.
        """
        from ..batch.tasks import AsyncBatch, Engine

        runner = self._core.runner(
            ledger=ledger, max_cost_usd=max_cost_usd, name=name, timeout=timeout, interval=interval, repeat=repeat,
            strict=strict, on_progress=on_progress, on_started=on_started,
            bind=lambda video: AsyncVideo.bound(video, self.download),
        )  # fmt: skip
        engine = Engine(runner, requests, self._driver.run, self._core.concurrency(concurrency))
        self._driver.batches.add(engine)
        return AsyncBatch(engine)

    async def _run(self, videos: Flow[Video]) -> AsyncVideo:
        return AsyncVideo.bound(await self._driver.run(videos), self.download)


class AsyncModels:
    """`client.models`: the video models of the key."""

    def __init__(self, core: ClientCore, driver: AsyncDriver) -> None:
        self._core = core
        self._driver = driver

    async def list(self) -> list[VideoGenerationModel]:
        """All of them. Prices are not part of it; see x-pricing.

        Raises:
            ApiError, TransportError: The request failed.
        """
        return await self._driver.run(self._core.list_models())

    async def get(self, model_id: str) -> VideoGenerationModel:
        """One of them, by its id.

        Raises:
            NotFoundError: No such model.
            ApiError, TransportError: The request failed.
        """
        return await self._driver.run(self._core.get_model(model_id))
