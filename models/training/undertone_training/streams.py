"""Simulated speaker streams: what the engine would have heard of a speaker before each clip, never after."""

import numpy as np
import torch
from torch import Tensor


class Pasts:
    """Draws, for training, a random past for each clip out of the same speaker's other clips."""

    def __init__(self, speakers: list[str], targets: list[int], seed: int = 1, longest: int = 24):
        self.rng = np.random.default_rng(seed)
        self.targets = np.array(targets)
        self.longest = longest
        names = np.array(speakers)
        self.own = {name: np.flatnonzero(names == name) for name in set(speakers)}
        self.speakers = speakers

    def draw(self, clip: int, none: float = 0.3, one_sided: float = 0.15) -> np.ndarray:
        """Indices of the past clips: none at all, a mixed past, or one of a single emotion."""
        if self.rng.random() < none:
            return np.zeros(0, int)
        pool = self.own[self.speakers[clip]]
        pool = pool[pool != clip]
        if len(pool) == 0:
            return pool
        if self.rng.random() < one_sided:
            # A speaker who stays in one emotion, most often the one that is heard now too.
            wanted = self.targets[clip] if self.rng.random() < 0.7 else self.targets[self.rng.choice(pool)]
            pool = pool[self.targets[pool] == wanted]
        if len(pool) == 0:
            return pool
        count = min(len(pool), int(self.rng.integers(1, self.longest + 1)))
        return self.rng.choice(pool, count, replace=False)

    def baselines(self, clips: list[int] | np.ndarray, stats: Tensor, none: float = 0.3, one_sided: float = 0.15) -> tuple[Tensor, Tensor]:
        """A random past's mean statistics and its weight, for each of the clips."""
        means = torch.zeros(len(clips), stats.shape[1])
        counts = torch.zeros(len(clips), 1)
        for row, clip in enumerate(clips):
            past = self.draw(int(clip), none, one_sided)
            if len(past):
                means[row] = stats[torch.from_numpy(past)].mean(dim=0)
                counts[row] = len(past)
        return means, counts


def online(speakers: list[str], seconds: list[float], stats: Tensor) -> tuple[Tensor, Tensor, np.ndarray]:
    """For clips in the order heard: the running mean before each, its weight, and the seconds heard by then."""
    means = torch.zeros_like(stats)
    counts = torch.zeros(len(speakers), 1)
    heard = np.zeros(len(speakers))
    sums: dict[str, Tensor] = {}
    numbers: dict[str, int] = {}
    times: dict[str, float] = {}
    for i, name in enumerate(speakers):
        n = numbers.get(name, 0)
        if n:
            means[i] = sums[name] / n
            counts[i] = n
            heard[i] = times[name]
        sums[name] = sums.get(name, torch.zeros(stats.shape[1])) + stats[i]
        numbers[name] = n + 1
        times[name] = times.get(name, 0.0) + seconds[i]
    return means, counts, heard
