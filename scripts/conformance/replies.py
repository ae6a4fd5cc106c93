"""Vectors of `look`, `post`, `wait` and `download`, made of every rule of the document."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

URL = "https://vidgen.x.ai/heron.mp4"
ID = "0f4ea9d0-85ab-667b-4022-08891fbea22b"
PENDING: dict[str, Any] = {"http_status": 202, "body": {"status": "pending", "progress": 12}}
DONE: dict[str, Any] = {
    "http_status": 200,
    "body": {"status": "done", "video": {"url": URL, "duration": 5, "respect_moderation": True}},
}
FAILED: dict[str, Any] = {
    "http_status": 200,
    "body": {"status": "failed", "error": {"code": "internal_error", "message": "Try again."}},
}
LOST: dict[str, Any] = {"failure": "lost"}
HTML = "<html><title>520</title></html>"

Vector = dict[str, Any]


class Replies:
    """Makes the vectors of answers; what comes out is left to `answers`."""

    def __init__(self, document: Mapping[str, Any]) -> None:
        self.waiter, self.errors = document["x-waiter"], document["x-errors"]
        self.statuses = document["components"]["schemas"]["KnownVideoStatus"]["enum"]

    def vectors(self) -> Iterator[Vector]:
        """All, without their outputs."""
        for name, says, register, case in (*self._failures(), *self._states()):
            yield _vector(f"look/{name}", says, register, case)
        for name, says, register, case in (*self._failures(), *self._started()):
            yield _vector(f"post/{name}", says, register, case)
        for name, says, case in self._waits():
            yield _vector(f"wait/{name}", says, "Waiting", case)
        for name, says, body in self._files():
            case = {"base_url": "https://api.x.ai/v1", "body": body}
            yield _vector(f"download/{name}", says, "file_output", case)

    def _failures(self) -> Iterator[tuple[str, str, str, dict[str, Any]]]:
        """Answers that are no success, and no answers."""
        for name in ("lost", "not_delivered"):
            yield name, f"The request was {name.replace('_', ' ')}.", "General behaviour", {"failure": name}
        for kind in self.errors["kinds"]:
            for number, text in enumerate(kind.get("text", ["Something else"])):
                for code in kind.get("code", [None]):
                    name = f"{kind['http_status']}-{kind['kind']}-{code or number}"
                    says = f"{kind['http_status']} that means {kind['kind']}."
                    yield from self._shapes(name, says, kind["http_status"], code, f"Sorry: {text.upper()}.")
        for row in self.errors["unlisted"]:
            for status in sorted({row["from"], (row["from"] + row["to"]) // 2, row["to"]}):
                case = {"http_status": status, "text": HTML, "headers": {"content-type": "text/html"}}
                yield f"{status}", f"{status} in HTML.", "HTTP statuses", case
        for status in (429, 503):
            for asked in ("7", "0", "86400", "-1", "soon"):
                body = {"code": "resource-exhausted", "error": "reset reason: connection timeout"}
                case = {"http_status": status, "body": body, "headers": {"retry-after": asked}}
                yield f"{status}-retry-after-{asked}", f"{status} with Retry-After {asked}.", "Headers", case
        for ticks in (0, 2500000000):
            bill = {"error": "Too many requests", "usage": {"cost_in_usd_ticks": ticks}}
            yield (
                f"429-billed-{ticks}",
                f"A 429 that costs {ticks} ticks.",
                "HTTP statuses",
                {"http_status": 429, "body": bill},
            )

    def _shapes(
        self, name: str, says: str, status: int, code: str | None, text: str
    ) -> Iterator[tuple[str, str, str, dict[str, Any]]]:
        """One failure in each form of a body."""
        flat = {"code": code, "error": text} if code else {"error": text}
        nested = {"error": {"code": code, "message": text} if code else {"message": text}}
        for shape, body in (("flat", flat), ("nested", nested), ("both-codes", {"code": "other", **nested})):
            yield f"{name}-{shape}", says, "ErrorBody", {"http_status": status, "body": body}
        if not code:
            yield f"{name}-text", says, "ErrorBody", {"http_status": status, "text": text}
            yield f"{name}-number", says, "ErrorBody", {"http_status": status, "body": {"code": 5, "error": text}}
            yield f"{name}-no-text", says, "ErrorBody", {"http_status": status, "body": {"code": "x", "error": None}}
            yield f"{name}-elsewhere", says, "ErrorBody", {"http_status": status, "body": {"message": text}}

    def _states(self) -> Iterator[tuple[str, str, str, dict[str, Any]]]:
        """Answers of 2xx to a poll."""
        words = (*self.statuses, "queued", "Done", "", None, 5, ...)
        for status in words:
            for name, video in (
                ("with-url", {"url": URL, "respect_moderation": True}),
                ("with-empty-url", {"url": "", "respect_moderation": True}),
                ("with-null-url", {"url": None}),
                ("withheld", {"url": "", "respect_moderation": False}),
                ("withheld-with-url", {"url": URL, "respect_moderation": False}),
                ("respect-null", {"url": None, "respect_moderation": None}),
                ("without-video", None),
            ):
                body = {} if status is ... else {"status": status}
                body |= {"video": video} if video is not None else {}
                word = "no-status" if status is ... else "empty" if status == "" else f"{status}"
                says = f"Status {word}, {name.replace('-', ' ')}."
                yield f"{word}/{name}", says, "Job statuses", {"http_status": 200, "body": body}
        texts = [
            text
            for acceptor in self.waiter["acceptors"]
            for matcher in acceptor["when"].values()
            for text in matcher.get("mentions", ())
        ]
        for text in (*texts, "internal error", "moderation"):
            error = {"code": "invalid_argument", "message": f"Rejected by {text.upper()}!"}
            case = {"http_status": 200, "body": {"status": "failed", "error": error}}
            yield f"failed/{text.replace(' ', '-')}", f"A failed job: {text}.", "Job error codes", case
        for status in (200, 201, 202, 203, 204, 206, 226, 299):
            for name, answer in (
                ("empty", {"text": ""}),
                ("html", {"text": HTML}),
                ("list", {"body": [{"status": "done"}]}),
                ("null", {"body": None}),
                ("done", {"body": DONE["body"]}),
                ("pending", {"body": PENDING["body"]}),
            ):
                says = f"{status}, {name}."
                yield f"{status}/{name}", says, "HTTP statuses", {"http_status": status, **answer}

    def _started(self) -> Iterator[tuple[str, str, str, dict[str, Any]]]:
        """Answers of 2xx to a POST."""
        for status in (200, 201, 202, 299):
            for name, answer in (
                ("id", {"body": {"request_id": ID}}),
                ("id-and-more", {"body": {"request_id": "job/1 ü", "status": "pending"}}),
                ("empty-id", {"body": {"request_id": ""}}),
                ("number-id", {"body": {"request_id": 5}}),
                ("null-id", {"body": {"request_id": None}}),
                ("no-id", {"body": {"id": ID}}),
                ("empty", {"text": ""}),
                ("html", {"text": HTML}),
                ("list", {"body": [ID]}),
                ("cut", {"text": '{"request_id": "0f4e'}),
            ):
                says = f"{status} to a POST: {name.replace('-', ' ')}."
                yield f"{status}/{name}", says, "StartDeferredResponse", {"http_status": status, **answer}

    def _waits(self) -> Iterator[tuple[str, str, dict[str, Any]]]:
        """When polls come, and how a wait ends."""
        whole, rows = self.waiter["timeout"], self.waiter["schedule"]
        busy = {"http_status": 503, "text": "reset reason: connection timeout"}
        limited = {"http_status": 429, "body": {"error": "Too many requests"}, "headers": {"retry-after": "7"}}
        ends = {"done": DONE, "failed": FAILED, "expired": {"http_status": 200, "body": {"status": "expired"}}}
        ends["moderated"] = {"http_status": 400, "body": {"code": "imagine:content-moderated", "error": "No."}}
        ends["no-such-job"] = {"http_status": 404, "body": {"error": "No such job"}}
        ends["no-credit"] = {"http_status": 429, "body": {"error": "You used all available credits"}}
        for name, end in ends.items():
            yield f"{name}-at-once", f"{name} at the first poll.", {"timeout": whole, "answers": [end]}
            yield f"{name}-later", f"{name} at the fourth poll.", {"timeout": whole, "answers": [PENDING] * 3 + [end]}
        for polls in (1, 2, 3, 18, 19, 20, 21, 44, 45, 46):
            answers = [PENDING] * polls + [DONE]
            yield f"done-after-{polls}", f"Done after {polls} polls.", {"timeout": whole, "answers": answers}
        for timeout in (0, 0.5, 1, 2, 5, 6, 10, 15, 60, 61, 180, whole, whole + 60):
            yield (
                f"never-ends-{timeout}",
                f"A job that never ends, for {timeout} s.",
                {"timeout": timeout, "answers": [PENDING]},
            )
            yield f"at-the-end-{timeout}", f"Never reached in {timeout} s.", {"timeout": timeout, "answers": [LOST]}
        for name, trouble in (
            ("lost", LOST),
            ("not-delivered", {"failure": "not_delivered"}),
            ("busy", busy),
            ("limited", limited),
            ("html", {"http_status": 520, "text": HTML}),
            ("unreadable", {"http_status": 200, "text": HTML}),
            ("asked-to-wait-long", limited | {"headers": {"retry-after": "3600"}}),
            ("asked-to-wait-a-minute", busy | {"headers": {"retry-after": "60"}}),
            ("too-early", {"http_status": 425, "text": ""}),
        ):
            for before in (0, 1, 20, 45):
                answers = [PENDING] * before + [trouble, trouble, DONE]
                says = f"{name.replace('-', ' ')} twice after {before} polls."
                yield f"{name}-after-{before}", says, {"timeout": whole, "answers": answers}
        assert rows[-1]["until"] is None

    def _files(self) -> Iterator[tuple[str, str, dict[str, Any]]]:
        """Where a finished file is."""
        kept = {"file_id": "file_1", "filename": "heron.mp4", "public_url": "https://files.x.ai/heron.mp4"}
        for name, video in (
            ("url", {"url": URL}),
            ("stored", {"url": "", "file_output": kept}),
            ("stored-null", {"url": None, "file_output": kept}),
            ("both", {"url": URL, "file_output": kept}),
            ("stored-without-public-url", {"file_output": {"file_id": "file_1"}}),
            ("uploaded", {"duration": 5}),
            ("own-host", {"url": "https://api.x.ai/v1/files/heron.mp4"}),
            ("number", {"url": 5}),
        ):
            yield name, f"A finished video: {name.replace('-', ' ')}.", {"status": "done", "video": video}
        for path in self.waiter["result"]["url"]:
            body: Any = URL
            for name in reversed(path.split(".")):
                body = {name: body}
            yield f"alone/{path}", f"A finished video with a URL at `{path}` alone.", {"status": "done", **body}


def _vector(name: str, says: str, register: str, case: Mapping[str, Any]) -> Vector:
    return {"id": name, "says": says, "appliesTo": "client", "register": register, "input": dict(case)}
