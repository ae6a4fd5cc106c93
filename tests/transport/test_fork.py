"""A program that forks with a live client: each process has connections of its own, and gets its own answers."""

from __future__ import annotations

import hashlib
import json
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import pytest

from grok_imagine import Ledger
from grok_imagine_sandbox import Sandbox
from support import HANG

PROGRAM = """
import asyncio, json, os, sys, threading
from concurrent.futures import ThreadPoolExecutor
from grok_imagine import AsyncClient, Client, Ledger, Limits

kind, url, path, children, busy, kept = *sys.argv[1:4], int(sys.argv[4]), sys.argv[5] == "busy", sys.argv[6]
free = Limits(requests_per_minute=None, requests_per_second=None, concurrent_jobs=None)
options = dict(api_key="test-key", base_url=url, limits=free, ledger=Ledger(path))

def prompts(who):
    return [f"{who} asks for heron {number}" for number in range(4)]

if kind == "sync":
    client = Client(**options)
    client.models.list()  # a connection is kept
    video = client.video

    def start(who):
        with ThreadPoolExecutor(4) as pool:
            jobs = list(pool.map(video.start, prompts(who)))
            looks = list(pool.map(video.get, jobs))
        return [(job.request.body["prompt"], job.request_id, look.request_id) for job, look in zip(jobs, looks)]
else:
    client = AsyncClient(**options)
    video = client.video

    def start(who):
        async def main():
            jobs = await asyncio.gather(*map(video.start, prompts(who)))
            looks = await asyncio.gather(*map(video.get, jobs))
            return [(job.request.body["prompt"], job.request_id, look.request_id) for job, look in zip(jobs, looks)]
        return asyncio.run(main())

    start("the first")

if kept == "part":
    del client
noise = [threading.Thread(target=start, args=(f"thread {number}",)) for number in range(2 if busy else 0)]
for thread in noise:
    thread.start()
pids = []
for number in range(children):
    if (pid := os.fork()) == 0:
        code = 1
        try:
            os.write(1, (json.dumps(start(f"child {number}")) + "\\n").encode())
            code = 0
        finally:
            os._exit(code)
    pids.append(pid)
os.write(1, (json.dumps(start("the parent")) + "\\n").encode())
codes = [os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) for pid in pids]
for thread in noise:
    thread.join()
sys.exit(any(codes))
"""


def hashes(prompt: str) -> set[str]:
    """Those that the bytes of a request with this prompt may have."""
    fields = {"prompt": prompt, "model": "grok-imagine-video"}
    orders = (fields, dict(reversed(fields.items())))
    return {hashlib.sha256(json.dumps(each, separators=(",", ":")).encode()).hexdigest() for each in orders}


@pytest.mark.parametrize("kind", ["sync", "async"])
@pytest.mark.parametrize(("state", "kept"), [("idle", "client"), ("busy", "client"), ("idle", "part")])
def test_no_answer_crosses_from_one_process_to_the_other(kind: str, state: str, kept: str, tmp_path: Path) -> None:
    """A program that keeps `client.video` alone has a client, too."""
    path = tmp_path / "jobs.db"
    with Sandbox() as sandbox:
        command = [sys.executable, "-W", "ignore::DeprecationWarning", "-c", PROGRAM, kind, sandbox.base_url, str(path)]
        run = subprocess.run([*command, "3", state, kept], capture_output=True, text=True, timeout=HANG, check=False)
        assert run.returncode == 0, run.stderr
        asked = {job["request_id"]: job["body_sha256"] for job in sandbox.jobs}
    told = [tuple(each) for line in run.stdout.splitlines() for each in json.loads(line)]
    assert len(told) == 16
    assert all(
        asked[request_id] in hashes(prompt) and looked_at == request_id for prompt, request_id, looked_at in told
    )
    assert len(set(asked.values())) == len(asked), "posted twice"
    with closing(Ledger(path)) as ledger:
        assert {entry.request_id for entry in ledger.jobs()} == set(asked), run.stderr
