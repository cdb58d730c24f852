"""Where the voice is in a clip, cut as the engine cuts: 200 ms kept before it, 80 ms after."""

import numpy as np

from .trunk import RECEPTIVE, STRIDE

WINDOW = 160
BEFORE, AFTER = 3200, 1280


def voiced(x: np.ndarray) -> tuple[int, int]:
    """First and last voiced sample, by level: within 35 dB of the loudest tenth of a second, over the noise's floor."""
    count = len(x) // WINDOW
    if count < 10:
        return 0, len(x)
    level = 10.0 * np.log10(np.mean(np.square(x[: count * WINDOW].reshape(count, WINDOW)), axis=1) + 1e-10)
    smooth = np.convolve(level, np.ones(3) / 3, mode="same")
    top = np.sort(smooth)[-10:].mean()
    floor = np.percentile(smooth, 5)
    loud = np.flatnonzero(smooth > max(top - 35.0, min(floor + 6.0, top - 12.0)))
    if len(loud) < 10:
        return 0, len(x)
    return int(loud[0] * WINDOW), int(min(len(x), (loud[-1] + 1) * WINDOW))


def heard(x: np.ndarray) -> tuple[np.ndarray, int, int]:
    """The audio the trunk is given, and the first and one past the last frame of voice in it."""
    start, end = voiced(x)
    begin = max(0, start - BEFORE)
    audio = x[begin : min(len(x), end + AFTER)]
    if len(audio) < RECEPTIVE + 4 * STRIDE:
        return x, 0, 1 << 30
    return audio, (start - begin) // STRIDE, max((start - begin) // STRIDE + 1, (end - begin) // STRIDE)
