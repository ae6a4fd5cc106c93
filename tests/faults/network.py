"""What the service and the host of files do: the rows in which the fault comes over the network."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Generator, Sequence
from typing import Any

from support import until

from . import server
from .case import AGAIN, CANDIDATE, CONSOLE, PART, REFETCH, RESUME, USE, WAIT, Case, generate, save, start_big
from .server import Answer, Fault, Link, says
from .world import ACCEPTED, FILE, QUICK, REQUEST, World

# The faults that may strike anywhere.

ANSWERS: Sequence[tuple[str, str, Fault]] = (
    ("reset before", "resets the connection before it reads the request", server.reset_before),
    ("reset after", "reads the request, then resets the connection", server.reset_after),
    ("closed", "reads the request, then closes the connection", server.closed),
    ("silent", "reads the request and says nothing", server.silent),
    ("slow", "answers in two hundred small pieces", server.slow),
    ("trickle", "sends a byte now and then, indefinitely", server.trickle),
    ("endless head", "sends header lines now and then, indefinitely", server.endless_head),
    ("endless 1xx", "sends 103s now and then, indefinitely", server.endless_1xx),
    ("1xx", "sends a 100 and a 103 before the answer", server.informed),
    ("101", "switches to another protocol, unasked", server.switched),
    ("half", "sends half of the body and says that it is all", server.half_json),
    ("length too long", "promises more bytes than it sends", server.length_too_long),
    ("length too short", "promises fewer bytes than it sends", server.length_too_short),
    ("length no number", "`content-length: many`", server.length_no_number),
    ("two lengths", "two lengths that differ", server.two_lengths),
    ("garbage", "answers in another protocol", server.garbage),
    ("gzip", "compresses the answer, unasked", server.gzipped),
    ("not gzip", "says that it is gzip, and it is not", server.not_gzip),
    ("gzip bomb", "64 KiB that unpack to 64 MiB", server.bomb),
    ("endless body", "a body of 64 MiB, and no end announced", server.endless_body),
    ("10 MB header", "a header of 10 MiB", server.ten_mb_head),
    ("redirect", "redirects to where it came from", server.to_itself),
    ("HTML 502", "502 with a page", server.html(502, "Bad Gateway")),
    ("520", "520 with a page", server.html(520, "Web server is returning an unknown error")),
    ("echo", "502 with a page that repeats the request's head, key included", server.echo),
    ("empty 500", "500 without a body", server.instead(Answer(500))),
    ("challenge", "200 with a page", server.html(200, "Just a moment...")),
)
BIG = {"gzip bomb", "endless body", "10 MB header"}
NO_END = {"trickle", "endless head", "endless 1xx"}
SLOW = {"silent", *NO_END}


def common(strikes: str, name: str) -> dict[str, Any]:
    # A POST is bounded as a whole by ten times the timeout of its steps.
    patience = QUICK if strikes == "POST" and name in NO_END else REQUEST
    return {
        "patience": patience if name in SLOW else None,
        "is_measured": name in BIG,
    }


def posts(*faults: Fault) -> Callable[[World], None]:
    return lambda world: world.posts(*faults)


def looks(*faults: Fault) -> Callable[[World], None]:
    return lambda world: world.looks(*faults)


def files(*faults: Fault) -> Callable[[World], None]:
    return lambda world: world.files(*faults)


def post_case(name: str, fault: str, make: Fault) -> Case:
    """One POST that meets a fault. Unless the answer is readable, its outcome is unknown, and it was sent once."""

    def row(outcome: str, ledger: str, then: str, error_id: str | None = None) -> Case:
        has_job = name not in NO_JOB
        rest = (has_job, 1, ledger, error_id, then, posts(make), generate)
        return Case(name, "POST", fault, outcome, *rest, **common("POST", name))

    if name in ("slow", "1xx", "gzip"):
        return row("recovers", "done", USE)
    if name == "redirect":
        return row("ApiError", "refused", AGAIN)
    if name in ("half", "length too short", "length too long", "trickle", "endless body", "not gzip"):
        return row("StartOutcomeUnknown", "unknown", CANDIDATE, "candidate_id")
    return row("StartOutcomeUnknown", "unknown", CONSOLE)


NO_JOB = {"reset before", "redirect", "HTML 502", "520", "echo", "empty 500", "challenge"}


def look_case(name: str, fault: str, make: Fault) -> Case:
    """The first look meets a fault, and the next one doesn't."""
    if name == "redirect":
        lost = ("ApiError", True, 1, "running", "request_id", WAIT)
        return Case(name, "look", fault, *lost, looks(make), generate, **common("look", name))
    fine = ("recovers", True, 1, "done", None, USE, looks(make, says), generate)
    return Case(name, "look", fault, *fine, **common("look", name))


DOWNLOAD_ENDS = {
    "redirect": "redirect", "gzip": "encoding", "not gzip": "encoding", "gzip bomb": "encoding",
    "challenge": "not_mp4", "endless body": "not_mp4",
}  # fmt: skip
"""The reasons of those that no further request can better."""


def download_cases(name: str, fault: str, make: Fault) -> list[Case]:
    """The host meets the first request with a fault, and the next ones not; or there is no next one, since it was final."""
    if name == "trickle":
        return []  # it has its own row
    reason = DOWNLOAD_ENDS.get(name)
    if reason is None:
        fine = ("recovers", True, 1, "downloaded", None, USE, files(make, says), save, ["a.mp4"])
        return [Case(name, "download", fault, *fine, **common("download", name))]
    lost = (f"DownloadError: {reason}", True, 1, "done", "request_id", REFETCH, files(make), save)
    return [Case(name, "download", fault, *lost, **common("download", name))]


# What strikes only POSTs.


def refused(world: World) -> None:
    world.service.refuse()


def refused_once(world: World) -> None:
    world.service.refuse()
    world.on_sleep = world.service.listen


def over_tls(world: World) -> None:
    world.options["base_url"] = world.base_url.replace("http:", "https:")
    world.service.scripts["TLS"] = [server.no_tls]


def kept_and_reset(world: World) -> None:
    """The first POST is answered over a connection that stays open, and the second over it is reset."""

    def first(link: Link) -> None:
        link.read(ACCEPTED)
        link.send(ACCEPTED.wire().replace(b"connection: close\r\n", b""))

    world.service.scripts["POST"] = [first, server.reset_after(ACCEPTED._replace(job=False))]


def start_twice(world: World, client: Any) -> Generator[Any, Any, Any]:
    yield client.video.start("A cat", duration=1)
    return (yield client.video.start("A dog", duration=1))


POSTS = (
    Case("refused", "POST", "takes no connections", "NotDelivered", False, 0, "refused", None, AGAIN, refused, generate),
    Case("refused once", "POST", "takes no connections at first", "recovers", True, 1, "done", None, USE,
         refused_once, generate),
    Case("no TLS", "POST", "does not speak TLS", "NotDelivered", False, 0, "refused", None, AGAIN, over_tls, generate),
    *(post_case(*answer) for answer in ANSWERS),
    Case("reset during", "POST", "resets the connection in the middle of a body of 12 MiB", "StartOutcomeUnknown",
         False, 1, "unknown", None, CONSOLE, posts(server.reset_during), start_big),
    Case("kept, then reset", "POST", "resets a connection that it kept after an earlier POST", "StartOutcomeUnknown",
         True, 2, "unknown", None, CONSOLE, kept_and_reset, start_twice),
    Case("no id", "POST", "200 without an id", "StartOutcomeUnknown", False, 1, "unknown", None, CONSOLE,
         posts(server.instead(Answer(200, b'{"request_id": 7}'))), generate),
    Case("503 listed", "POST", "the 503 that x-errors lists, then takes the job", "recovers", True, 3, "done", None,
         USE, posts(*[server.instead(Answer(503, server.LISTED_503.encode()))] * 2, says), generate),
    Case("503 other", "POST", "another 503", "StartOutcomeUnknown", False, 1, "unknown", None, CONSOLE,
         posts(server.instead(Answer(503, b"upstream is gone"))), generate),
    Case("429 storm", "POST", "429 for the rate, whatever comes", "RateLimitError", False, 6, "refused", None, AGAIN,
         posts(server.storm()), generate),
    Case("429 storm passes", "POST", "429 for the rate five times, then takes the job", "recovers", True, 6, "done",
         None, USE, posts(*[server.storm()] * 5, says), generate),
    Case("429 for an hour", "POST", "429 for the rate with `Retry-After: 3600`, twice", "RateLimitError", False, 2,
         "refused", None, AGAIN, posts(server.storm("retry-after: 3600")), generate),
    Case("no credit", "POST", "429: the credit is used up", "OutOfCreditError", False, 1, "refused", None,
         "buy credit, then call again: nothing was started",
         posts(server.refusal(429, "exhausted", server.CREDIT)), generate),
)  # fmt: skip

# What strikes only looks.


def refused_after_post(world: World) -> None:
    def accepts(link: Link) -> None:
        says(ACCEPTED)(link)
        world.service.refuse()

    world.service.scripts["POST"] = [accepts]


LOOKS = (
    Case("refused", "look", "takes no connections any more", "VideoTimeoutError", True, 1, "running", "request_id",
         WAIT, refused_after_post, generate),
    *(look_case(*answer) for answer in ANSWERS),
    Case("502 for ever", "look", "502 with a page, whatever comes", "VideoTimeoutError", True, 1, "running",
         "request_id", WAIT, looks(server.html(502, "Bad Gateway")), generate),
    Case("echo for ever", "look", "502 with a page that repeats the request's head, whatever comes",
         "VideoTimeoutError", True, 1, "running", "request_id", WAIT, looks(server.echo), generate),
    Case("429 storm", "look", "429 for the rate, whatever comes", "VideoTimeoutError", True, 1, "running",
         "request_id", WAIT, looks(server.storm()), generate),
    Case("429 storm passes", "look", "429 with `Retry-After: 7` five times, then the state", "recovers", True, 1,
         "done", None, USE, looks(*[server.storm("retry-after: 7")] * 5, says), generate),
    Case("429 for an hour", "look", "429 with `Retry-After: 3600`, then the state", "VideoTimeoutError", True, 1,
         "running", "request_id", WAIT, looks(server.storm("retry-after: 3600")), generate),
    Case("401", "look", "401, the key was withdrawn", "AuthenticationError", True, 1, "running", "request_id",
         WAIT, looks(server.refusal(401, "unauthenticated:no-credentials", "No credentials presented.")), generate),
    Case("404", "look", "404, as if there were no such job", "NotFoundError", True, 1, "running", "request_id",
         WAIT, looks(server.refusal(404, "not-found", "no such job")), generate),
)  # fmt: skip

# What strikes only downloads.


def no_host(world: World) -> None:
    world.host.refuse()


def trickling(world: World) -> None:
    """Each byte takes ten seconds of the client's clock."""

    def script(link: Link) -> None:
        link.read()
        link.send(FILE.wire()[: -len(FILE.body) + 5000])
        part = world.target.with_name(f"{world.target.name}.part")
        until(
            lambda: part.exists() and part.stat().st_size
        )  # a busy client takes it later, and its clock stands till then
        for _ in range(100):
            world.clock.now += 10
            link.send(b"x")
            time.sleep(0.002)
        link.close()

    world.host.scripts["GET"] = [script]


def from_elsewhere(world: World) -> None:
    """The service is on another host, asked through a proxy, which is ours; the file is on this machine."""
    before = {name: os.environ.get(name) for name in ("http_proxy", "no_proxy")}
    os.environ |= {"http_proxy": world.service.origin, "no_proxy": ""}
    world.options["base_url"] = "http://api.example/v1"

    def restore() -> None:
        for name, value in before.items():
            os.environ.pop(name)
            os.environ |= {} if value is None else {name: value}

    world.closing.append(restore)


DOWNLOADS = (
    Case("refused", "download", "takes no connections", "DownloadError: interrupted", True, 1, "done", "request_id",
         REFETCH, no_host, save),
    *(case for answer in ANSWERS for case in download_cases(*answer)),
    Case("breaks off", "download", "closes the connection in the middle, then has the rest", "recovers", True, 1,
         "downloaded", None, USE, files(server.breaks_off, server.ranged), save, ["a.mp4"]),
    Case("416 lie", "download", "closes the connection in the middle, then says by a 416 that this was all", "recovers",
         True, 1, "downloaded", None, USE,
         files(server.breaks_off, server.lying_range(lambda begin, size: (416, f"bytes */{begin}")), says), save,
         ["a.mp4"]),
    Case("range beyond the end", "download", "closes the connection in the middle, then has a rest beyond its total",
         "recovers", True, 1, "downloaded", None, USE,
         files(server.breaks_off, server.lying_range(lambda begin, size: (206, f"bytes {begin}-{size - 1}/{begin}")),
               says), save, ["a.mp4"]),
    Case("other total", "download", "closes the connection in the middle, then has the rest of a longer file",
         "recovers", True, 1, "downloaded", None, USE,
         files(server.breaks_off, server.lying_range(lambda begin, size: (206, f"bytes {begin}-{size - 1}/{size + 9}")),
               says), save, ["a.mp4"]),
    Case("other range", "download", "closes the connection in the middle, then has another range than was asked for",
         "recovers", True, 1, "downloaded", None, USE,
         files(server.breaks_off, server.lying_range(lambda begin, size: (206, f"bytes {begin + 1}-{size}/{size + 1}")),
               says), save, ["a.mp4"]),
    Case("redirect to no URL", "download", "redirects to `mailto:`", "DownloadError: redirect", True, 1, "done",
         "request_id", REFETCH, files(server.instead(Answer(302, b"", ("location: mailto:a@example.com",)))), save),
    Case("redirect to no host", "download", "redirects to a host that is no domain name", "DownloadError: redirect",
         True, 1, "done", "request_id", REFETCH,
         files(server.instead(Answer(302, b"", ("location: https://xn--0/",)))), save),
    Case("on this machine", "download", "is on this machine, says a service that is not", "DownloadError: url", True, 1,
         "done", "request_id", "nothing was asked of this machine; nothing is generated", from_elsewhere, save,
         warns="InsecureBaseUrlWarning"),
    Case("trickle", "download", "sends a byte now and then, indefinitely", "DownloadError: timeout", True, 1, "done",
         "request_id", RESUME, trickling, save, PART, shifted=1000),
    Case("stops", "download", "says nothing more in the middle, then has the rest", "recovers", True, 1,
         "downloaded", None, USE, files(server.stops, server.ranged), save, ["a.mp4"], patience=REQUEST),
    Case("breaks off for ever", "download", "closes the connection in the middle, then answers 502",
         "DownloadError: interrupted", True, 1, "done", "request_id", RESUME,
         files(server.breaks_off, server.html(502, "Bad Gateway")), save, PART),
    Case("429 storm", "download", "429, whatever comes", "DownloadError: interrupted", True, 1, "done", "request_id",
         REFETCH, files(server.storm()), save),
    Case("expired", "download", "403, as of a URL that has run out, also of the fresh one", "DownloadError: expired",
         True, 1, "done", "request_id", REFETCH, files(server.instead(Answer(403))), save),
    Case("too large", "download", "promises 2 GiB where `max_bytes` is 1 MiB", "DownloadError: too_large", True, 1,
         "done", "request_id", "raise `max_bytes`, or leave it", files(server.wired(lambda file: file.wire(2**31))),
         save),
    Case("endless", "download", "an MP4 that never ends", "DownloadError: too_large", True, 1, "done", "request_id",
         "raise `max_bytes`, or leave it",
         files(server.for_ever(server.chunk(b"\0\0\0\x18ftypmp42" * 4096), 0)), save, is_measured=True),
)  # fmt: skip
