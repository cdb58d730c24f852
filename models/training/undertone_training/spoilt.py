"""Dev clips drowned in noise as loud as the voice, through the shipped graphs: what fusion must hold against."""

import numpy as np

from . import augment

QUALITY = 0.37  # what the engine gives a voice at 0 dB: 0.1 + 0.9 · 6 / 20 on its ramp from −6 to 14 dB


def at_0_db(x: np.ndarray, seed: list[int]) -> np.ndarray:
    """Pink noise of the voice's own level under it."""
    dice = np.random.default_rng(seed)
    level = np.sqrt(np.mean(np.square(x)) + 1e-10)
    y = x + level * augment.coloured_noise(len(x), 1.0, dice)
    return (y / max(1.0, float(np.abs(y).max()))).astype(np.float32)
