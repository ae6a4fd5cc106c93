"""The service of the benchmark: raw asyncio on 127.0.0.1, so that next to nothing of what is measured is the server's.

`server.py SECONDS`: how long a job runs. Prints its port, serves until its standard input is closed, then prints how many
requests it had for the jobs it started. An id it did not give is a job that is done, as in the OpenAPI document.
"""

from __future__ import annotations

import asyncio
import json
import sys
import time
from pathlib import Path

DOCUMENT = json.loads((Path(__file__).parents[2] / "generated/grok_imagine_api/openapi.json").read_bytes())
LOOK = DOCUMENT["paths"]["/videos/{request_id}"]["get"]["responses"]


def example(status: str, name: str) -> bytes:
    """The body of an answer to a look, from the OpenAPI document."""
    return json.dumps(LOOK[status]["content"]["application/json"]["examples"][name]["value"]).encode()


def answer(status: str, body: bytes) -> bytes:
    """An answer as it goes over the wire."""
    head = f"HTTP/1.1 {status}\r\nContent-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
    return head.encode() + body


DONE = answer("200 OK", example("200", "done"))
RUNNING = answer("202 Accepted", example("202", "running"))


class Jobs:
    """The jobs that were started, each of which runs for so many seconds, and the requests for them."""

    def __init__(self, seconds: float) -> None:
        self.seconds = seconds
        self.started: dict[str, float] = {}
        self.requests = 0

    def start(self) -> bytes:
        """Starts a job."""
        self.requests += 1
        request_id = f"job-{len(self.started)}"
        self.started[request_id] = time.monotonic()
        return answer("200 OK", json.dumps({"request_id": request_id}).encode())

    def look(self, request_id: str) -> bytes:
        """The state of a job."""
        if request_id not in self.started:
            return DONE
        self.requests += 1
        return DONE if time.monotonic() - self.started[request_id] >= self.seconds else RUNNING


class Connection(asyncio.Protocol):
    """Answers the requests of one connection, in turn, for as long as it is kept."""

    def __init__(self, jobs: Jobs) -> None:
        self.jobs = jobs
        self.waiting = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Keeps what answers are written to."""
        assert isinstance(transport, asyncio.Transport)
        self.transport = transport

    def data_received(self, data: bytes) -> None:
        """Answers what is there as a whole."""
        self.waiting += data
        while (end := self.waiting.find(b"\r\n\r\n")) >= 0:
            head = self.waiting[:end].decode("latin-1")
            whole = end + 4 + length(head)
            if len(self.waiting) < whole:
                return
            self.waiting = self.waiting[whole:]
            method, path, _ = head.split(" ", 2)
            self.transport.write(self.jobs.start() if method == "POST" else self.jobs.look(path.rpartition("/")[2]))


def length(head: str) -> int:
    """Bytes of the body that follows a request's head."""
    for line in head.splitlines():
        name, _, value = line.partition(":")
        if name.lower() == "content-length":
            return int(value)
    return 0


async def main(seconds: str) -> None:
    """Serves until standard input is closed, which it also is when the benchmark dies."""
    jobs = Jobs(float(seconds))
    server = await asyncio.get_running_loop().create_server(lambda: Connection(jobs), "127.0.0.1", 0, backlog=1024)
    async with server:
        print(server.sockets[0].getsockname()[1], flush=True)
        await asyncio.to_thread(sys.stdin.buffer.read)
    print(jobs.requests, flush=True)


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
