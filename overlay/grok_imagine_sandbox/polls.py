"""The answer to a poll: the job's state, changed by a scenario if there is one (register, Job statuses)."""

from typing import Any

from .answers import Answer
from .contract import Contract
from .files import Files
from .jobs import Job, Plan
from .scenarios import Choice, Delivery, merge


def poll(
    contract: Contract, job: Job, files: Files, now: float, epoch: float, choice: Choice | None
) -> tuple[Answer, Delivery]:
    """The answer to a poll, and its form of delivery.

    Args:
        contract: The document.
        job: A job whose inputs are read.
        files: Gives the URLs.
        now: Simulated time in seconds.
        epoch: Unix time at which simulated time was 0.
        choice: A scenario for this poll alone; the default is the job's own.
    """
    choice = choice or job.choice
    answer = _true(job, files, now, epoch)
    if choice is None or not _concerns(choice, job, now):
        return answer, "whole"
    scenario = choice.scenario
    if scenario.when != "end":
        job.occasions += 1
    replaced = scenario.replacement(contract, job.plan.product.ticks if job.plan is not None else None)
    if replaced is not None:
        return replaced, scenario.delivery
    return Answer(scenario.status or answer.status, merge(answer.body, scenario.change)), scenario.delivery


def _concerns(choice: Choice, job: Job, now: float) -> bool:
    """Whether a scenario applies to this poll and is not used up."""
    if choice.times is not None and job.occasions >= choice.times:
        return False
    pending = job.state(now) == "pending"
    occasions = {"look": True, "running": pending, "end": not pending and job.failure is None}
    return occasions.get(choice.scenario.when, False)


def _true(job: Job, files: Files, now: float, epoch: float) -> Answer:
    if job.failure is not None:
        return Answer(200, _failed(job.failure.code, str(job.failure)))
    if job.plan is None:
        return Answer(202, {"status": "pending", "progress": 0})
    if job.state(now) == "pending":
        return Answer(202, {"status": "pending", "progress": job.plan.curve.progress(now - job.created)})
    return Answer(200, _done(job, job.plan, files, epoch))


def _failed(code: str, message: str) -> dict[str, Any]:
    """As recorded in April 2026."""
    return {
        "status": "failed",
        "video": {"url": "", "duration": 0, "respect_moderation": True},
        "error": {"code": code, "message": message},
        "progress": 0,
    }


def _done(job: Job, plan: Plan, files: Files, epoch: float) -> dict[str, Any]:
    """As recorded. A result that was stored or uploaded has no `url`."""
    video: dict[str, Any] = {"url": files.url(job), "duration": plan.product.seconds, "respect_moderation": True}
    if job.storage is not None:
        ended = epoch + job.end
        video |= {"url": None, "file_output": _file_output(job, job.storage["filename"], files, ended)}
    elif job.upload_url is not None:
        del video["url"]
    return {
        "status": "done",
        "video": video,
        "model": job.order.model,
        "usage": {"cost_in_usd_ticks": plan.product.ticks},
        "progress": 100,
    }


def _file_output(job: Job, filename: str, files: Files, ended: float) -> dict[str, Any]:
    output = {
        "file_id": f"file_{job.file_uuid}",
        "filename": filename,
        "expires_at": None if job.stored_for is None else int(ended + job.stored_for),
    }
    if job.stored_publicly:
        output["public_url"] = files.public_url(job)
        output["public_url_expires_at"] = None if job.public_for is None else int(ended + job.public_for)
    return output
