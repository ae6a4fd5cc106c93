"""Kills a process that runs a batch at many seeded moments, and compares the ledger with the sandbox: prove_kills.py [KILLS].

Each round starts the same batch again with the same ledger, as a user would after a crash, and kills it (SIGKILL) at a random
moment; after so many rounds the next batch begins. At the end the ledger is reconciled, and compared with the sandbox's own
list of the jobs that it accepted. Then each batch is run to its end. The proof fails if a job is missing in the ledger, if a
request was posted twice, if reconciling posted anything, or if a request has no outcome in the end.
"""

from __future__ import annotations

import hashlib
import random
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import httpx

from grok_imagine import Client, Ledger, Limits, TextToVideo, binding
from grok_imagine.ledger.ledger import Entry
from grok_imagine_sandbox import Sandbox

WORK = """
import sys
from grok_imagine import Client, Ledger, Limits, TextToVideo
url, path, name, lines = sys.argv[1:]
off = Limits(requests_per_minute=None, requests_per_second=None, concurrent_jobs=None)
with Client("any-key", base_url=url, ledger=Ledger(path, keep_prompts=True), limits=off) as client:
    client.models.list()  # whatever is done once only is done before the clock of the kill starts
    print("ready", flush=True)
    # The prompt makes each body, and so its hash, one of a kind.
    requests = (TextToVideo(f"{name} {number}", duration=1) for number in range(int(lines)))
    for outcome in client.video.batch(requests, name=name):
        pass
"""
ROUNDS = 10
"""Times that a batch is killed before the next one begins."""
LINES = 150
"""Requests of a batch: more than its rounds get through."""
LONGEST = 0.25
"""Seconds after which the process is killed at the latest."""
SPEED = 200.0
"""Simulated seconds a second: jobs end while the process lives."""


def kill_once(dice: random.Random, url: str, ledger: Path, name: str) -> None:
    """Starts the batch and kills its process at a random moment after its first request could begin."""
    command = [sys.executable, "-c", WORK, url, str(ledger), name, str(LINES)]
    with subprocess.Popen(command, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        process.stdout.readline()
        time.sleep(dice.uniform(0, LONGEST))
        process.kill()


def wire_hash(entry: Entry) -> str:
    """The hash of the bytes that an intent puts on the wire, which is what the sandbox keeps of a body."""
    request = TextToVideo(entry.prompt or "", duration=1)
    body = binding.start(request.operation, request.body)["json"]
    return hashlib.sha256(httpx.Request("POST", "http://127.0.0.1", json=body).content).hexdigest()


def wrong(sandbox: Sandbox, ledger: Ledger) -> Iterator[str]:
    """Jobs that the ledger has neither by id nor as an unknown intent, and bodies that came twice."""
    entries = ledger.jobs()
    ids = {entry.request_id for entry in entries}
    unknown = {wire_hash(entry) for entry in entries if entry.state == "unknown"}
    for job in sandbox.jobs:
        if job["request_id"] not in ids and job["body_sha256"] not in unknown:
            yield f"{job['request_id']} is lost"
    for body, count in Counter(job["body_sha256"] for job in sandbox.jobs).items():
        if count > 1:
            yield f"body {body[:12]} was posted {count} times"


def outcomes(client: Client, name: str) -> Counter[str]:
    """Runs a batch to its end, and counts what came of its requests."""
    requests = (TextToVideo(f"{name} {number}", duration=1) for number in range(LINES))
    return Counter(outcome.state for outcome in client.video.batch(requests, name=name))


def main(kills: int = 200, seed: int = 1) -> int:
    """Proves, and prints what was seen."""
    dice = random.Random(seed)
    names = [f"batch {number}" for number in range(-(-kills // ROUNDS))]
    off = Limits(requests_per_minute=None, requests_per_second=None, concurrent_jobs=None)
    with tempfile.TemporaryDirectory() as folder, Sandbox(max_jobs=100_000, speed=SPEED) as sandbox:
        path = Path(folder) / "ledger.db"
        for number in range(kills):
            kill_once(dice, sandbox.base_url, path, names[number // ROUNDS])
        ledger = Ledger(path, keep_prompts=True)
        accepted = len(sandbox.jobs)
        with Client("any-key", base_url=sandbox.base_url, ledger=ledger, limits=off) as client:
            found = client.reconcile(ledger, timeout=60)
            faults = [*wrong(sandbox, ledger)]
            if len(sandbox.jobs) != accepted:
                faults.append(f"reconciling posted {len(sandbox.jobs) - accepted} jobs")
            by_id = len({entry.request_id for entry in ledger.jobs() if entry.request_id})
            ends = sum((outcomes(client, name) for name in names), Counter[str]())
        faults += wrong(sandbox, ledger)
        if set(ends) - {"done", "unknown"} or ends.total() != LINES * len(names):
            faults.append(f"outcomes in the end: {dict(ends)}")
    print(f"{kills} kills: {accepted} jobs accepted, {by_id} in the ledger by id, {len(found.unknown)} intents unknown")
    print(f"each batch run to its end: {ends['done']} done, {ends['unknown']} unknown and not posted again")
    print("\n".join(faults) or "no job lost, no request posted twice")
    return 1 if faults or not accepted else 0


if __name__ == "__main__":
    sys.exit(main(*map(int, sys.argv[1:])))
