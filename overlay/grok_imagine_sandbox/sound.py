"""The sound of a sandbox video: a quiet chord, chosen by the prompt."""

from __future__ import annotations

import functools
import math
from array import array

from grok_imagine_sandbox.frames import FPS, dice

RATE = 48_000  # samples per second
SAMPLE_BYTES = 4  # 16 bits, left and right
FRAME_SAMPLES = RATE // FPS


def tone(prompt: str, count: int) -> bytes:
    """Return a quiet chord for `count` frames, faded in and out."""
    chance = dice(prompt, "tone")
    second = _chord(chance.randint(18, 26), chance.choice(((8, 10, 12), (10, 12, 15), (6, 8, 9), (6, 9, 10))))
    length = count * FRAME_SAMPLES
    mono = (second * (length // RATE + 1))[:length]
    fade = min(RATE // 2, length // 2)
    for sample in range(fade):
        mono[sample] = mono[sample] * sample // fade
        mono[-1 - sample] = mono[-1 - sample] * sample // fade
    stereo = array("h", bytes(2 * length * mono.itemsize))
    stereo[0::2] = stereo[1::2] = mono
    return stereo.tobytes()


@functools.cache
def _chord(root: int, steps: tuple[int, ...]) -> array[int]:
    """Return a second of notes, each a multiple of the root in Hz, that swell one after the other.

    All frequencies are whole numbers of Hz, so that the second repeats without a click.
    """

    def level(time: float) -> float:
        return sum(
            math.sin(math.tau * root * step * time) * (1 - math.cos(math.tau * (time + place / len(steps))))
            for place, step in enumerate(steps)
        )

    return array("h", (round(500 * level(sample / RATE)) for sample in range(RATE)))
