"""Kills a process that makes videos at many seeded moments, and compares the ledger with the sandbox: prove_kills.py [KILLS].

Each round starts a process that posts jobs as fast as it can, with a ledger, and kills it (SIGKILL) at a random moment.
At the end the ledger is reconciled, and compared with the sandbox's own list of the jobs that it accepted. The proof
fails if a job is missing, if an intent was posted twice, or if reconciling posted anything.
"""

from __future__ import annotations

import hashlib
import random
import subprocess
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path

import httpx

from grok_imagine import Client, Ledger, TextToVideo, binding
from grok_imagine.ledger import Entry
from grok_imagine_sandbox import Sandbox

WORK = """
import sys
from grok_imagine import Client, Ledger, VideoTimeoutError
url, path, first = sys.argv[1], sys.argv[2], int(sys.argv[3])
with Client("any-key", base_url=url, ledger=Ledger(path, keep_prompts=True)) as client:
    client.models.list()  # whatever is done once only is done before the clock of the kill starts
    print("ready", flush=True)
    for number in range(first, first + 1000):
        try:
            # The prompt makes each body, and so its hash, one of a kind.
            client.video.generate(f"video {number}", duration=1, timeout=0)
        except VideoTimeoutError:
            pass
"""
LONGEST = 0.06
"""Seconds after which the process is killed at the latest: a few posts take about as long."""


def kill_once(dice: random.Random, url: str, ledger: Path, first: int) -> None:
    """Starts a process and kills it at a random moment after its first intent could begin."""
    command = [sys.executable, "-c", WORK, url, str(ledger), str(first)]
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


def missing_or_doubled(sandbox: Sandbox, ledger: Ledger) -> list[str]:
    """What is wrong: jobs that the ledger has neither by id nor as an unknown intent, and bodies that came twice."""
    entries = ledger.jobs()
    ids = {entry.request_id for entry in entries}
    unknown = {wire_hash(entry) for entry in entries if entry.state == "unknown"}
    bodies = Counter(job["body_sha256"] for job in sandbox.jobs)
    return [
        *(f"{job['request_id']} is lost" for job in sandbox.jobs
          if job["request_id"] not in ids and job["body_sha256"] not in unknown),
        *(f"body {body[:12]} was posted {count} times" for body, count in bodies.items() if count > 1),
    ]  # fmt: skip


def main(kills: int = 200, seed: int = 1) -> int:
    """Proves, and prints what was seen."""
    dice = random.Random(seed)
    with tempfile.TemporaryDirectory() as folder, Sandbox(max_jobs=100_000) as sandbox:
        path = Path(folder) / "ledger.db"
        for number in range(kills):
            kill_once(dice, sandbox.base_url, path, number * 1000)
        ledger = Ledger(path)
        accepted = len(sandbox.jobs)
        with Client("any-key", base_url=sandbox.base_url, ledger=ledger) as client:
            found = ledger.reconcile(client, timeout=60)
        wrong = missing_or_doubled(sandbox, ledger)
        if len(sandbox.jobs) != accepted:
            wrong.append(f"reconciling posted {len(sandbox.jobs) - accepted} jobs")
        by_id = len(ledger.jobs("accepted", "done"))
        print(
            f"{kills} kills: {accepted} jobs accepted, {by_id} in the ledger by id, {len(found.unknown)} intents unknown"
        )
        print("\n".join(wrong) or "no job lost, no intent posted twice")
    return 1 if wrong or not accepted else 0


if __name__ == "__main__":
    sys.exit(main(*map(int, sys.argv[1:])))
