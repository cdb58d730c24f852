"""Where the voice is in a clip, cut as the engine cuts: 200 ms kept before it, 80 ms after."""

import json
from collections.abc import Iterable
from pathlib import Path

import numpy as np

from .store import RATE
from .trunk import RECEPTIVE, STRIDE

WINDOW = 160
BEFORE, AFTER = 3200, 1280


def voiced(x: np.ndarray) -> tuple[int, int]:
    """First and last voiced sample, by level: well over the clip's own floor for three windows of 10 ms out of four."""
    count = len(x) // WINDOW
    if count < 20:
        return 0, len(x)
    level = 10.0 * np.log10(np.mean(np.square(x[: count * WINDOW].reshape(count, WINDOW)), axis=1) + 1e-10)
    floor, top = np.percentile(level, 10), np.percentile(level, 95)
    if top - floor < 6.0:
        return 0, len(x)
    loud = level > max(top - 35.0, floor + 0.45 * (top - floor))
    steady = np.flatnonzero(np.convolve(loud, np.ones(4), mode="valid") >= 3)
    if len(steady) == 0:
        return 0, len(x)
    return int(steady[0] * WINDOW), int(min(len(x), (steady[-1] + 4) * WINDOW))


def heard(x: np.ndarray, span: tuple[int, int] | None = None, stride: int = STRIDE, receptive: int = RECEPTIVE) -> tuple[np.ndarray, int, int]:
    """The audio the trunk is given, and the first and one past the last frame of voice in it."""
    start, end = span or voiced(x)
    begin = max(0, start - BEFORE)
    audio = x[begin : min(len(x), end + AFTER)]
    if len(audio) < receptive + 4 * stride:
        return x, 0, 1 << 30
    # The frames whose middle lies in the voice, as the engine counts them.
    first = max(0, start - begin - receptive // 2) // stride
    return audio, first, max(first, max(0, end - begin - receptive // 2) // stride) + 1


def from_engine(lines: Iterable[str]) -> dict[str, tuple[int, int]]:
    """The longest utterance of each clip, by name, from the engine's finals as JSON lines."""
    found: dict[str, tuple[int, int]] = {}
    for line in lines:
        update = json.loads(line)
        name = Path(update["stream"]).stem
        span = (round(update["start_s"] * RATE), round(update["end_s"] * RATE))
        if name not in found or span[1] - span[0] > found[name][1] - found[name][0]:
            found[name] = span
    return found
