"""Judges a speech head on views of clips: first hearing, with the online baseline, one-sided, short."""

import numpy as np
import torch
from torch import Tensor

from . import metrics
from .speech_head import SpeechHead
from .store import Item
from .streams import online


def logits(head: SpeechHead, stats: Tensor, means: Tensor | None = None, counts: Tensor | None = None) -> np.ndarray:
    """Untempered logits, with no past unless one is given."""
    with torch.inference_mode():
        means = torch.zeros_like(stats) if means is None else means
        counts = torch.zeros(len(stats), 1) if counts is None else counts
        return head.classify(head.features(stats, means, counts)).numpy()


def streamed(head: SpeechHead, items: list[Item], stats: Tensor, past: Tensor | None = None, one_sided: bool = False, seed: int = 1) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Clips of each speaker in a random order, as one stream: logits, the clips' places, seconds heard before each."""
    order = np.random.default_rng(seed).permutation(len(items))
    names = [f"{items[i].speaker} {items[i].label}" if one_sided else items[i].speaker for i in order]
    past = stats if past is None else past
    means, counts, heard = online(names, [items[i].seconds for i in order], past[order])
    return logits(head, stats[order], means, counts), order, heard


def uar(z: np.ndarray, truth: np.ndarray, only: list[int] | None) -> float:
    """Recall in percent, with labels and scores cut to a subset."""
    if only is not None:
        kept = np.isin(truth, only)
        z, truth = z[kept][:, only], np.array([only.index(t) for t in truth[kept]])
    return 100.0 * metrics.uar(truth, z.argmax(axis=1))


def figures(head: SpeechHead, items: list[Item], stats: Tensor, only: list[int] | None = None, seeds: int = 3) -> dict[str, float]:
    """The four figures of a test set."""
    truth = np.array([i.label for i in items])
    found: dict[str, float] = {"n": len(items) if only is None else int(np.isin(truth, only).sum()), "first": uar(logits(head, stats), truth, only)}
    settled, sided, all_through = [], [], []
    for seed in range(seeds):
        z, order, heard = streamed(head, items, stats, seed=seed)
        late = heard >= 30.0
        all_through.append(uar(z, truth[order], only))
        settled.append(uar(z[late], truth[order][late], only))
        z, order, _ = streamed(head, items, stats, one_sided=True, seed=seed)
        sided.append(uar(z, truth[order], only))
    found["stream"] = float(np.mean(all_through))
    found["after_30s"] = float(np.mean(settled))
    found["one_sided"] = float(np.mean(sided))
    return found
