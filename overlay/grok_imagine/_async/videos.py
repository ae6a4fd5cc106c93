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
from ..hints import OtherNames
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


class AsyncVideos(OtherNames):
    """`client.video`: starts jobs, reads their state, waits for them, and downloads their videos."""

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
        """Starts a job and returns at once, without waiting. The keywords choose the mode; with `video_url` it is an edit.

        Args:
            prompt: What the video shows, or a whole request such as `TextToVideo(...)`. 1 to 4096 characters.
            model: Default `grok-imagine-video`.
            duration: Whole seconds, 1 to 15, default 8. Ranges depend on mode and model: see x-modes.
            aspect_ratio: Width to height, one of `AspectRatio`. Default 16:9, or that of the image.
            resolution: One of `Resolution`. Default 480p; 1080p needs a 1.5 model.
            generate_audio: Whether the video has sound; 1.5 models only.
            image_url: The first frame: a URL as a str, or a `pathlib.Path`, bytes, a binary file, a PIL image; at most 20 MiB.
                A file is read at once. A str is never a path. This holds for all images and videos here.
            image_file_id: The first frame, as the id of a file of `client.files`. This holds for all ids here.
            last_frame_url: The last frame; 1.5 models only.
            last_frame_file_id: The last frame; 1.5 models only.
            keyframes: At most 4 frames in between, 1.5 models only, as `{"image_url": ..., "timestamp": seconds}`.
            reference_image_urls: At most 14 images, which the prompt calls `<IMAGE_1>`, `<IMAGE_2>` and so on.
            reference_image_file_ids: The same by ids. They are numbered before those of `reference_image_urls`.
            reference_audios: At most 3 voices, 1.5 models only, as `{"voice_id": "ara"}`.
            video_url: The video to edit.
            video_file_id: The video to edit.
            storage_options: Store the result in the Files API: `filename`, `expires_after` (seconds), `public_url`.
            output_upload_url: A signed URL to which the service sends the result by PUT.
            user: Your own id of the end user.
            strict: Check the request against the contract first. False sends it as it is.
            key: An idempotency key, 1 to 255 printable characters; needs a ledger. The same key gives the same job, in any
                process that shares the ledger, and nothing is posted. While another process posts it, this call waits. A key
                whose POST became no job may be sent again.
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
            timeout: Polling timeout: seconds for the whole wait, default 600 (x-waiter); 0 polls once. The POST itself
                is never cut short by it, since that would lose a paid job.
            interval: Seconds between polls, or a function from the seconds waited to the seconds until the next poll.
                Default: by the job's progress and by what this client's own jobs took; see docs/schedule.md.
            on_started: Called with the `Job` as soon as its id is safe (in the ledger, if there is one), before the first poll;
                may be a coroutine function. What it raises leaves with the id, as what `on_progress` raises does.
            on_progress: Called with the `Video` after each poll that finds it running; may be a coroutine function.
            strict: As in `start`.
            key: As in `start`; of a job that has ended already the video, or the error, is given at once.
            **unknown: As in `start`.

        Raises:
            VideoGenerationError: The job ended without a video (also VideoExpiredError, VideoModeratedError).
            VideoTimeoutError: The time is up; the job goes on, and `wait(request_id)` resumes it.
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
            InvalidRequest: An unknown keyword, or keywords of two modes.
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
        """Reads the state of a job by one GET, which is repeated if it fails. A job that failed or expired is a result, no error.

        Raises:
            VideoModeratedError: The service answered 400 since moderation withheld the video.
            BadRequestError: The id has another form than those of the service.
            NotFoundError: No such job.
            ApiError, TransportError: The GET failed; that says nothing of the job.
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
        """Saves a finished video to disk: whole and checked, or not at all.

        It is streamed to `<path>.part`, which is kept when the download fails: the next one, by any process, fetches only
        the rest, if the host still has the same file. The key is not sent. Nothing is generated or billed again.

        Args:
            video: What `generate`, `wait` or `get` gave, or the id of a finished job.
            path: The file, or a directory, in which it is called `<request_id>.mp4`.
            overwrite: Replace the file if there is one.
            on_progress: Called with the bytes on disk, and the length in bytes or None, after each chunk; may be a coroutine function.
            max_bytes: The largest file to accept; default 2 GiB.
            timeout: Seconds for everything, default 600. A silent connection ends by the client's `request_timeout`.

        Raises:
            TargetExistsError: There is a file, and `overwrite` is not set; nothing was sent.
            DownloadError: Not on disk; `reason` says why.
            VideoGenerationError: The job ended without a video (also VideoExpiredError, VideoModeratedError).
            ApiError, TransportError: A GET of the job failed: it was given by its id, or its URL had expired.
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
            requests: A list or another iterable of requests, prompts, or mappings of the keywords of `generate` with `mode: extend-video` for an extension. Pulled as
                places get free; may be an asynchronous iterable. One that blocks, blocks the event loop.
            ledger: Where its jobs are recorded; default the client's, or else a temporary one.
            max_cost_usd: USD that all jobs of this `name` in the ledger may cost, those of earlier runs too. What could
                pass it is refused, by what `estimate` says; of a job that ended counts what it cost.
            name: What the batch is called in the ledger. Another name makes the same requests anew.
            concurrency: Jobs that run at once; default what `limits` say. Memory grows with it, not with the requests.
            timeout: Polling timeout of each job: seconds, default 600 (x-waiter). Its outcome is `running` then.
            interval: As in `generate`, for each job. The limits hold all the same.
            repeat: Equal requests are made once for each place among `requests`, instead of once for all.
            strict: As in `start`.
            on_started: Called with the `Job` of each request that is waited for, as soon as its id is in the ledger, before the
                first poll; may be a coroutine function. What it raises ends the wait for that job, as with `on_progress`.
            on_progress: Called with the `Video` after each poll that finds a job running; may be a coroutine function. What it
                raises ends the wait for that job alone: its outcome is `running`, with an `UnexpectedError` whose cause it is.

        Raises:
            OutOfRange: An argument is invalid; nothing was sent.
            LedgerError: The ledger can't be opened. Errors of a request are in its outcome.
        """
        from ..batch.tasks import AsyncBatch, Engine

        most = self._core.concurrency(concurrency)
        runner = self._core.runner(
            requests, ledger=ledger, max_cost_usd=max_cost_usd, name=name, timeout=timeout, interval=interval, repeat=repeat,
            strict=strict, on_progress=on_progress, on_started=on_started,
            bind=lambda video: AsyncVideo.bound(video, self.download),
        )  # fmt: skip
        engine = Engine(runner, requests, self._driver.run, most)
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
