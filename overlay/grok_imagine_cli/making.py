"""The commands that start jobs, and what they would cost: generate, edit, extend, estimate."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from .delivery import After, follow
from .options import (
    AspectRatio,
    Audio,
    Duration,
    Exec,
    Image,
    Interval,
    Key,
    Keyframe,
    LastFrame,
    Model,
    Open,
    Overwrite,
    Preview,
    Prompt,
    Reference,
    Resolution,
    Saved,
    Sheet,
    Strict,
    Timeout,
    Video,
    Voice,
    Wait,
    medium,
    pinned,
    text,
)
from .session import Session, service_session_of, session_of
from .texts import usd
from .view import View

if TYPE_CHECKING:
    from grok_imagine import Job, VideoRequest

__all__ = ["edit", "estimate", "expected", "extend", "generate"]

EDIT, EXTEND = "edit-video", "extend-video"


def generate(
    context: typer.Context,
    prompt: Prompt = None,
    image: Image = None,
    last_frame: LastFrame = None,
    keyframe: Keyframe = None,
    reference: Reference = None,
    voice: Voice = None,
    duration: Duration = None,
    aspect_ratio: AspectRatio = None,
    resolution: Resolution = None,
    audio: Audio = None,
    model: Model = None,
    strict: Strict = True,
    key: Key = None,
    wait: Wait = True,
    timeout: Timeout = None,
    interval: Interval = None,
    output: Saved = None,
    overwrite: Overwrite = False,
    open: Open = False,
    preview: Preview = False,
    contact_sheet: Sheet = None,
    exec_line: Exec = None,
) -> None:
    """Make a video from a text, images or voices.

    Prints where the video is: the file, or without -o its temporary URL. With --open, --preview or --contact-sheet it is
    saved in any case: without -o in this folder, under the job's id.
    """
    fields = _fields(
        prompt,
        image_url=medium(image, "--image"),
        **_references(last_frame, keyframe, reference, voice),
        duration=duration,
        aspect_ratio=aspect_ratio,
        resolution=resolution,
        generate_audio=audio,
        model=model,
    )
    after = After(output, overwrite, open, preview, contact_sheet, timeout, interval, exec_line)
    _make(service_session_of(context), "generate", fields, strict, wait, after, key)


def edit(
    context: typer.Context,
    prompt: Prompt = None,
    *,
    video: Video,
    model: Model = None,
    strict: Strict = True,
    key: Key = None,
    wait: Wait = True,
    timeout: Timeout = None,
    interval: Interval = None,
    output: Saved = None,
    overwrite: Overwrite = False,
    open: Open = False,
    preview: Preview = False,
    contact_sheet: Sheet = None,
    exec_line: Exec = None,
) -> None:
    """Change a video.

    Its length (at most 8.7 s), ratio and resolution are kept. What is printed and saved is as with `generate`.
    """
    fields = _fields(prompt, video_url=medium(video, "--video"), model=model)
    after = After(output, overwrite, open, preview, contact_sheet, timeout, interval, exec_line)
    _make(service_session_of(context), "generate", fields, strict, wait, after, key)


def extend(
    context: typer.Context,
    prompt: Prompt = None,
    *,
    video: Video,
    duration: Duration = None,
    model: Model = None,
    strict: Strict = True,
    key: Key = None,
    wait: Wait = True,
    timeout: Timeout = None,
    interval: Interval = None,
    output: Saved = None,
    overwrite: Overwrite = False,
    open: Open = False,
    preview: Preview = False,
    contact_sheet: Sheet = None,
    exec_line: Exec = None,
) -> None:
    """Continue a video from its last frame.

    The duration is the new part's. What is printed and saved is as with `generate`.
    """
    fields = _fields(prompt, video_url=medium(video, "--video"), duration=duration, model=model)
    after = After(output, overwrite, open, preview, contact_sheet, timeout, interval, exec_line)
    _make(service_session_of(context), "extend", fields, strict, wait, after, key)


def estimate(
    context: typer.Context,
    prompt: Prompt = None,
    image: Image = None,
    last_frame: LastFrame = None,
    keyframe: Keyframe = None,
    reference: Reference = None,
    voice: Voice = None,
    video: Annotated[str | None, typer.Option(metavar="FILE|URL", help="A video to edit, or to extend.")] = None,
    extend: Annotated[bool, typer.Option("--extend", help="Extend the video instead of editing it.")] = False,
    input_seconds: Annotated[
        float | None, typer.Option(metavar="SECONDS", help="Its length, if known. \\[default: the longest]")
    ] = None,
    duration: Duration = None,
    aspect_ratio: AspectRatio = None,
    resolution: Resolution = None,
    model: Model = None,
    strict: Strict = True,
) -> None:
    """Say in USD what a video will cost at most.

    Nothing is sent. What it had to assume stands on stderr; what has no known price counts as nothing. The fields choose the
    mode, as those of `generate` do. A video that moderation withholds costs as much.
    """
    from grok_imagine import estimate as priced

    fields = _fields(
        "the prompt" if prompt is None else prompt,
        image_url=medium(image, "--image"),
        **_references(last_frame, keyframe, reference, voice),
        video_url=medium(video, "--video"),
        duration=duration,
        aspect_ratio=aspect_ratio,
        resolution=resolution,
        model=model,
    )
    request = _request("extend" if extend else "generate", fields, strict)
    cost = priced(request, input_seconds=input_seconds)
    assumed = () if cost is None else cost.assumed
    data = {"mode": request.mode, "model": request.body["model"], "cost_usd": cost, "assumed": assumed}
    output = session_of(context).output
    output.result("estimate", data, "unknown" if cost is None else usd(cost))
    for each in () if output.as_json else assumed:
        output.say(f"assumed: {each}")


def _fields(prompt: str | None, **fields: Any) -> dict[str, Any]:
    return {name: value for name, value in {"prompt": text(prompt), **fields}.items() if value is not None}


def _references(
    last_frame: str | None, keyframe: list[str] | None, reference: list[str] | None, voice: list[str] | None
) -> dict[str, Any]:
    """The keywords that make a reference-to-video."""
    return {
        "last_frame_url": medium(last_frame, "--last-frame"),
        "keyframes": [pinned(each) for each in keyframe or ()] or None,
        "reference_image_urls": [medium(each, "--reference") for each in reference or ()] or None,
        "reference_audios": [{"voice_id": each} for each in voice or ()] or None,
    }


def _request(call: str, fields: dict[str, Any], strict: bool) -> VideoRequest:
    from grok_imagine import VideoRequest

    request = VideoRequest.from_keywords(call=call, strict=strict, **fields)
    if strict:
        request.check()
    return request


def expected(request: VideoRequest) -> float | None:
    """What a request costs at most in USD; None if that is not known."""
    from grok_imagine import InvalidRequest
    from grok_imagine import estimate as priced

    try:
        return priced(request)
    except InvalidRequest:  # let through by --no-strict: what it costs is for the service to say
        return None


def _make(
    session: Session, call: str, fields: dict[str, Any], strict: bool, wait: bool, after: After, key: str | None
) -> None:
    """Starts a job, or finds that of the key; waits for it, unless told not to."""
    if not wait and (after.needs_file or after.timeout is not None):
        raise typer.BadParameter(
            "the other options wait for the video; leave one of the two out", param_hint="--no-wait"
        )
    request = _request(call, fields, strict)
    after.check()
    cost = expected(request)
    session.after = after.arguments()
    with session.client() as client:
        video = client.video
        if key is not None and session.used_ledger and (known := session.used_ledger.of_key(key, client.base_url)):
            session.request_id = known.request_id
        if not wait:
            job = video.start(request, strict=strict, key=key)
            session.started(job.request_id)
            data = {"request_id": job.request_id, "state": "running", "estimated_usd": cost}
            session.output.result("job", data, job.request_id)
            return

        def started(job: Job, view: View) -> None:
            if session.started(job.request_id):
                view.accepted(job.request_id)

        follow(
            session,
            client,
            lambda view: video.generate(
                request,
                strict=strict,
                timeout=after.timeout,
                interval=after.interval,
                key=key,
                on_started=lambda job: started(job, view),
                on_progress=view.polled,
            ),
            after,
            cost,
        )
