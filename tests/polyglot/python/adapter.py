"""The package, as an adapter of the conformance kit: a JSON object a line, from stdin to stdout."""

from __future__ import annotations

import json
import sys
import warnings
from collections.abc import Callable, Generator
from pathlib import Path
from typing import Any

from grok_imagine import OutOfRange, Video, VideoRequest, VideoTimeoutError
from grok_imagine import errors as e
from grok_imagine.answers.answer import Answer, take_in
from grok_imagine.answers.api_errors import KINDS
from grok_imagine.core import operations, polling, validation
from grok_imagine.core.effects import Call, Notify, Sleep
from grok_imagine.core.hooks import JobRecorder, RateLimiter, Runtime
from grok_imagine.core.retry import Delivery, Retries, RetryPolicy, delivery_of
from grok_imagine.download.transfer import _url
from grok_imagine.pricing import estimate

KIND_OF = {e.UnknownField: "unknown_field", e.ModeConflict: "mode_conflict", e.OutOfRange: "out_of_range"}
JOB = "0f4ea9d0-85ab-667b-4022-08891fbea22b"


class Clock:
    """Seconds that only pauses move."""

    def __init__(self) -> None:
        self.now = 0.0
        self.pauses: list[float] = []

    def __call__(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.now += seconds
        self.pauses.append(seconds)


def reply(case: dict[str, Any]) -> Answer:
    """The answer that a case stands for, or its exception."""
    if "failure" in case:
        raise e.NotDelivered("no connection") if case["failure"] == "not_delivered" else e.TransportError("cut")
    body = json.dumps(case["body"]) if "body" in case else case.get("text", "")
    headers = [(name.encode(), value.encode()) for name, value in case.get("headers", {}).items()]
    return take_in(case["http_status"], headers, body.encode(), "")


def run(flow: Generator[Any, Any, Any], clock: Clock, answer: Callable[[], Answer]) -> Any:
    """Runs a flow: each request gets the next answer."""
    value: Any = None
    failure: BaseException | None = None
    while True:
        try:
            effect = flow.throw(failure) if failure else flow.send(value)
        except StopIteration as end:
            return end.value
        value, failure = None, None
        if isinstance(effect, Sleep):
            clock.sleep(effect.seconds)
        elif isinstance(effect, Call):
            try:
                value = answer()
            except e.GrokImagineError as error:
                failure = error
        else:
            assert isinstance(effect, Notify), effect


def runtime(clock: Clock) -> Runtime:
    return Runtime(Retries(RetryPolicy(), clock), 60.0, RateLimiter(clock), JobRecorder())


def kind_of(error: BaseException) -> str:
    """The contract's word for an error of ours."""
    found = [kind for kind, cls in KINDS.items() if type(error) is cls and kind != "unavailable"]
    return "moderated" if isinstance(error, e.VideoModeratedError) else found[0] if found else "other"


def encode(case: dict[str, Any]) -> dict[str, Any]:
    from grok_imagine import binding

    if case["operation"] == "getVideo":
        request = binding.poll(case["request_id"])
    else:
        request = binding.start(case["operation"], VideoRequest("", case["body"]).body)
        if case["body"].get("model") is None:
            request["json"].pop("model", None)  # which the package always sends
    body = {"body": request["json"]} if "json" in request else {}
    return {"method": request["method"].upper(), "path": f"/v1{request['url']}", **body}


def decode(case: dict[str, Any]) -> dict[str, Any]:
    from grok_imagine_api import models

    names = {
        "getVideo": "VideoResponse",
        "getVideoModel": "VideoGenerationModel",
        "listVideoModels": "VideoGenerationModelList",
    }
    model = getattr(models, names.get(case["operation"], "StartDeferredResponse"))
    return {"value": model.from_dict(case["body"]).to_dict()}


def check(case: dict[str, Any]) -> dict[str, Any]:
    body = case["body"]
    try:
        mode: str | None = validation.choose(body, case["call"])
    except e.ModeConflict as error:
        found = [(KIND_OF[type(error)], field, error.section, "H") for field in error.fields]
        return {"mode": None, **verdict(found)}
    assert mode
    own = VideoRequest(mode, body).body
    found = validation.findings(mode, own, case.get("input_seconds"))
    findings = [(KIND_OF[type(error)], field, error.section, sure) for error, sure in found for field in error.fields]
    return {"mode": mode, **verdict(findings)}


def verdict(found: list[tuple[str, str, str, str]]) -> dict[str, Any]:
    sure, unsure = ({entry[:3] for entry in found if (entry[3] == "H") == certain} for certain in (True, False))
    return {"refused": sorted(map(list, sure)), "doubted": sorted(map(list, unsure))}


def look(case: dict[str, Any]) -> dict[str, Any]:
    clock = Clock()
    try:
        video = run(operations.poll_once(JOB, runtime(clock)), clock, lambda: reply(case))
    except e.VideoModeratedError:
        return {"outcome": "moderated"}
    except (e.TransportError, e.ApiError) as error:
        return {"outcome": "again"} if operations.is_transient(error) else {"outcome": "error", "kind": kind_of(error)}
    return {"outcome": video.outcome, **({"warn": True} if video.is_unknown_status else {})}


def post(case: dict[str, Any]) -> dict[str, Any]:
    try:
        return {"outcome": "accepted", "request_id": operations.id_in(reply(case), runtime(Clock()))}
    except e.GrokImagineError as error:
        delivery = delivery_of(error)
        if delivery is Delivery.OUTCOME_UNKNOWN:
            return {"outcome": "unknown"}
        if delivery is Delivery.OTHER:
            return {"outcome": "refused", "kind": kind_of(error)}
        return {"outcome": "again", "after": getattr(error, "retry_after", None)}


def wait(case: dict[str, Any]) -> dict[str, Any]:
    clock, polls = Clock(), []

    def next_answer() -> Answer:
        answers = case["answers"]
        polls.append(clock.now)
        return reply(answers[min(len(polls), len(answers)) - 1])

    own = runtime(clock)
    slot = own.limiter.new_job(None)  # type: ignore[arg-type]
    own.limiter.record_poll(slot)
    try:
        video = run(polling.wait(JOB, own, slot, timeout=case["timeout"], began=0.0), clock, next_answer)
        found = {"outcome": video.outcome}
    except VideoTimeoutError:
        found = {"outcome": "timeout"}
    except e.VideoGenerationError as error:
        kinds = {e.VideoExpiredError: "expired", e.VideoModeratedError: "moderated"}
        found = {"outcome": kinds.get(type(error), "failed")}
    except e.GrokImagineError as error:
        found = {"outcome": "error", "kind": kind_of(error)}
    pauses = [after - before for before, after in zip([0.0, *polls], polls, strict=False)]
    return {**found, "polls": len(polls), "pauses": pauses}


def price(case: dict[str, Any]) -> dict[str, Any]:
    try:
        request = VideoRequest.from_body(case["body"], call=case["call"])
        usd = estimate(request, input_seconds=case.get("input_seconds"))
    except (
        e.ModeConflict,
        e.UnknownField,
    ):  # a model by a wrong name has no price: the package says which name is right
        return {"usd": None}
    return {"usd": None if usd is None else f"{usd:.10f}"}


def download(case: dict[str, Any]) -> dict[str, Any]:
    class Part:
        """Where the file would go."""

        def error(self, *_: object, **__: object) -> Exception:
            return OutOfRange("no file")

    try:
        return {"url": _url(Video(JOB, case["body"]), Part()), "authorization": False}  # type: ignore[arg-type]
    except e.GrokImagineError:
        return {"url": None, "authorization": False}


OPERATIONS = {each.__name__: each for each in (encode, decode, check, look, post, wait, price, download)}


def main() -> None:
    warnings.simplefilter("ignore")
    print(
        json.dumps(
            {"adapter": Path(__file__).parent.name, "generator": "openapi-python-client", "operations": [*OPERATIONS]}
        )
    )
    sys.stdout.flush()
    for line in sys.stdin:
        case = json.loads(line)
        try:
            answer = {"id": case["id"], "output": OPERATIONS[case["operation"]](case["input"])}
        except Exception as error:  # told, not hidden: the driver counts it as a failure
            answer = {"id": case["id"], "error": f"{type(error).__name__}: {error}"[:300]}
        print(json.dumps(answer), flush=True)


if __name__ == "__main__":
    main()
