"""Trains the speech head on views of the clips, as first heard and with a speaker's past."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from .emotion_train import class_weights, emotion_loss, soft_labels
from .speech_head import SpeechHead
from .store import Item
from .streams import Pasts


@dataclass
class Plan:
    """What a run needs; the defaults made the shipped figures."""

    epochs: int = 4
    batch: int = 128
    rate: float = 1e-3
    decay: float = 1e-2
    votes: float = 0.5
    none: float = 0.2  # share of clips heard with no past
    one_sided: float = 0.25  # share heard after a past of one emotion only
    seed: int = 1


def train(items: list[Item], views: list[Tensor], plan: Plan, fresh: Callable[[], SpeechHead] = SpeechHead) -> SpeechHead:
    """`views` are statistics of the same clips; the first is the clean one, from which pasts are made."""
    torch.manual_seed(plan.seed)
    order = np.random.default_rng(plan.seed)
    labels_of = [-1 if i.label is None else i.label for i in items]
    target = soft_labels(items, plan.votes)
    weights = class_weights(target)
    head = fresh()
    head.settle(views[0], sorted({c for c in labels_of if c >= 0}))
    pasts = Pasts([i.speaker for i in items], labels_of, plan.seed)
    rows = [(v, i) for v in range(len(views)) for i in range(len(items)) if target[i].sum() > 0]
    optimizer = torch.optim.AdamW(head.parameters(), lr=plan.rate, weight_decay=plan.decay)
    per_epoch = (len(rows) + plan.batch - 1) // plan.batch
    pace = torch.optim.lr_scheduler.OneCycleLR(optimizer, plan.rate, total_steps=plan.epochs * per_epoch)
    head.train()
    stacked = torch.stack(views)
    for _ in range(plan.epochs):
        shuffled = order.permutation(len(rows))
        for begin in range(0, len(shuffled), plan.batch):
            picked = [rows[j] for j in shuffled[begin : begin + plan.batch]]
            view, clip = (torch.tensor(x) for x in zip(*picked))
            means, counts = pasts.baselines(clip.numpy(), views[0], plan.none, plan.one_sided)
            logits = head.classify(head.features(stacked[view, clip], means, counts))
            loss = emotion_loss(logits, target[clip], weights)
            optimizer.zero_grad(set_to_none=True)
            loss.backward()
            optimizer.step()
            pace.step()
    return head.eval()
