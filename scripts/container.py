"""Builds the sandbox's container and tries it, where podman, buildah or docker with an engine is: container.py [--tag NAME].

Exits with 0 if it was built and answered, with 1 if it was not, and with 3 if there is nothing here to build it with.
"""

from __future__ import annotations

import argparse
import json
import shutil
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Sequence
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
NOTHING_HERE = 3
START_SECONDS = 60.0


def builder() -> tuple[str, str] | None:
    """The program that builds, and the one that runs; None without one that works."""
    for build, run in (("podman", "podman"), ("docker", "docker"), ("buildah", "podman")):
        if shutil.which(build) and shutil.which(run) and _works(build, "info"):
            return build, run
    return None


def build(program: str, tag: str) -> None:
    """Builds the image of a wheel made now."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        command: list[str | Path] = [sys.executable, "-m", "build", "--wheel", "--outdir", folder / "dist", ROOT]
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
        shutil.copy(ROOT / "Containerfile", folder)
        subprocess.run([program, "build", "--file", folder / "Containerfile", "--tag", tag, folder], check=True)


def try_out(program: str, tag: str) -> None:
    """Runs it as its page says, asks it, and ends it."""
    command = [program, "run", "--detach", "--rm", "--read-only", "--publish", "127.0.0.1::8080", tag]
    container = _output(*command).strip()
    try:
        user = _output(program, "exec", container, "id", "-u").strip()
        if user == "0":
            raise RuntimeError("it runs as root")
        address = _output(program, "port", container, "8080").split()[-1]
        asked = f"http://{address}"
        wait_for(f"{asked}/health")
        headers = {"authorization": "Bearer k", "content-type": "application/json"}
        post = urllib.request.Request(
            f"{asked}/v1/videos/generations", json.dumps({"prompt": "a cat"}).encode(), headers, method="POST"
        )
        with urllib.request.urlopen(post, timeout=10) as answer:
            request_id = json.load(answer)["request_id"]
        print(f"{tag} answers at {asked} as user {user}: job {request_id}")
    finally:
        subprocess.run([program, "stop", "--time", "3", container], check=False, stdout=subprocess.DEVNULL)


def wait_for(url: str, seconds: float = START_SECONDS) -> None:
    """Waits until a URL is answered.

    Raises:
        TimeoutError: It was not.
    """
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        try:
            with urllib.request.urlopen(url, timeout=2):
                return
        except OSError:
            time.sleep(0.2)
    raise TimeoutError(f"no answer from {url} within {seconds:g} s")


def main(arguments: Sequence[str]) -> int:
    """Builds and tries, if there is something to do it with."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--tag", default="grok-imagine-sandbox", help="name of the image")
    tag = parser.parse_args(arguments).tag
    found = builder()
    if found is None:
        print("container: not built, there is no podman, no buildah with podman, and no docker with an engine here")
        return NOTHING_HERE
    try:
        build(found[0], tag)
        try_out(found[1], tag)
    except (subprocess.CalledProcessError, OSError, RuntimeError) as error:
        print(f"container: {error}", file=sys.stderr)
        return 1
    return 0


def _works(program: str, *arguments: str) -> bool:
    done = subprocess.run([program, *arguments], capture_output=True, check=False, timeout=30)
    return done.returncode == 0


def _output(*command: str) -> str:
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
