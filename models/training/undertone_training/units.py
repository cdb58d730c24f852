"""Pooling matrices of phones, syllables and words over voiced frames, made up for training: uneven spans of about the right
length. In use, the engine makes them from the recogniser's spans; training on uneven ones keeps the graph from trusting any.
"""

import numpy as np
import torch
from torch import Tensor

LEVELS = {"phones": 3.6, "syllables": 8.5, "words": 14.0}  # frames of a unit, on average, at 41.67 frames a second


def spans(frames: int, mean: float, dice: np.random.Generator, unknown: float = 0.1) -> list[tuple[int, int]]:
    """Spans one after the other, some with a gap before; at times a single one, as when no unit is known."""
    if dice.random() < unknown:
        return [(0, frames)]
    found, at = [], 0
    while at < frames:
        if found and dice.random() < 0.15:
            at += int(dice.integers(1, 1 + max(1, round(mean / 2))))
        size = max(1, round(dice.gamma(4.0, mean / 4.0)))
        if at < frames:
            found.append((at, min(frames, at + size)))
        at += size
    return found


def matrices(counts: list[int], longest: int, mean: float, dice: np.random.Generator) -> tuple[Tensor, Tensor]:
    """Matrices [batch, units, frames] whose rows are the mean of a unit, and how many units each clip has."""
    made = [spans(n, mean, dice) for n in counts]
    out = torch.zeros(len(counts), max(map(len, made)), longest)
    for row, own in enumerate(made):
        for unit, (start, end) in enumerate(own):
            out[row, unit, start:end] = 1.0 / (end - start)
    return out, torch.tensor([len(m) for m in made])
