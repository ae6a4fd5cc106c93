"""Makes a video from a prompt in the sandbox and says what happens: demo.py FILE [PROMPT]."""

from __future__ import annotations

import sys
import time
from pathlib import Path

from grok_imagine import Client, ModeConflict, Video
from grok_imagine_api import contract
from grok_imagine_sandbox import Sandbox

PROMPT = "A paper boat drifts down a rainy street at night, neon lights in the puddles"
SPEED = 10.0


def main(target: str, prompt: str = PROMPT) -> None:
    """The whole way: contract, sandbox, client, a refused mistake, a job, a file."""
    path = Path(target)
    print(f"The contract: {len(contract.MODES)} modes ({', '.join(contract.MODES)}), {len(contract.MODELS)} models.")
    with Sandbox(speed=SPEED) as sandbox, Client(api_key="any-key", base_url=sandbox.base_url) as client:
        print(f"A sandbox of it listens on {sandbox.base_url}; its time runs {SPEED:g} times as fast.\n")
        print(">>> client.video.generate(prompt, video_url=..., duration=5)")
        try:
            client.video.generate(prompt, video_url="https://example.com/a.mp4", duration=5)
        except ModeConflict as error:
            print(f"Refused before a byte was sent: {error}\n")
        print(f">>> client.video.generate({prompt!r}, duration=6)")
        begin = time.monotonic()

        def show(video: Video) -> None:
            age = (time.monotonic() - begin) * SPEED
            print(f"{age:5.1f} s  {video.status:8} {video.progress or 0:3d} %", flush=True)

        video = client.video.generate(prompt, duration=6, interval=3 / SPEED, on_progress=show)
        age = (time.monotonic() - begin) * SPEED
        print(f"{age:5.1f} s  {video.status:8} {video.progress:3d} %  job {video.request_id}")
        video.save(path, overwrite=True)
        print(
            f"\n{path}: {path.stat().st_size:,} bytes, {video.duration} s, H.264 and AAC. It would have cost ${video.cost_usd:.2f}."
        )
        print("Made by the sandbox, not by Grok Imagine: nothing left this machine, and nothing was billed.")


if __name__ == "__main__":
    main(*sys.argv[1:])
