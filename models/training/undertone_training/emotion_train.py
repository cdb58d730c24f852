"""Fine-tunes the lower layers for speech emotion under augmentation, held close to what they were."""

import random
import time
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import Tensor
from tqdm import tqdm

from . import augment, checkpoint
from .labels import LABELS
from .speech_head import SpeechHead, statistics
from .store import Item, Store
from .streams import Pasts
from .trunk import EMOTION_LAYERS, Trunk, frames_of
from .words_train import packed, schedule

RESYNTHESISED = {"crema_d"}  # corpora whose clips were rebuilt from pictures already


@dataclass
class Plan:
    """What a run needs."""

    epochs: float = 1.5
    seconds: float = 60.0  # of speech in a batch
    rate: float = 1e-4  # of the upper emotion layer
    decay: float = 0.7  # of the rate, from each layer to the one under it
    head_rate: float = 5e-4
    anchor: float = 0.5  # weight of staying close to the untouched trunk's clean statistics
    votes: float = 0.5  # share of the human votes in the soft labels
    seed: int = 1
    save_every: int = 50


def soft_labels(items: list[Item], votes: float) -> Tensor:
    """The acted label, mixed with what people heard where they were asked."""
    target = torch.zeros(len(items), len(LABELS))
    for row, item in enumerate(items):
        if item.label is not None:
            target[row, item.label] = 1.0
            if item.votes:
                target[row] = (1.0 - votes) * target[row] + votes * torch.tensor(item.votes)
        elif item.votes:
            target[row] = torch.tensor(item.votes)
    return target


def class_weights(target: Tensor) -> Tensor:
    """Weights that make every label count about alike; none for a label that nobody carries."""
    mass = target.sum(dim=0)
    there = mass > 0.5
    weights = torch.where(there, mass.sum() / mass.clamp_min(1.0) / there.sum(), torch.zeros(()))
    return weights.clamp(max=4.0)


def emotion_loss(logits: Tensor, target: Tensor, weights: Tensor) -> Tensor:
    """Weighted cross-entropy against soft labels."""
    return -(target * weights * torch.log_softmax(logits, dim=-1)).sum(dim=-1).mean()


def stats_of(trunk: Trunk, clips: list[np.ndarray]) -> Tensor:
    """Statistics of the emotion layers for clips of any lengths, as one batch."""
    lengths = torch.tensor([len(c) for c in clips])
    audio = torch.zeros(len(clips), int(lengths.max()))
    for row, c in enumerate(clips):
        audio[row, : len(c)] = torch.from_numpy(c)
    frames = torch.tensor([frames_of(int(n)) for n in lengths])
    outputs = trunk.run_layers(trunk.stem(audio, lengths), 1, max(EMOTION_LAYERS), frames)
    return statistics(torch.cat([outputs[i - 1] for i in EMOTION_LAYERS], dim=-1), frames)


def groups(trunk: Trunk, rate: float, decay: float) -> list[dict]:
    """The emotion layers and everything under them, slower toward the input."""
    top = max(EMOTION_LAYERS)
    found = [{"params": list(trunk.layers[top - 1 - depth].parameters()), "lr": rate * decay**depth} for depth in range(top)]
    stem = [p for part in (trunk.conv1, trunk.groupnorm, trunk.conv2, trunk.conv3) for p in part.parameters()]
    return found + [{"params": stem, "lr": rate * decay**top}]


class Task:
    """Batches of emotional speech and their losses; keeps every clip's latest statistics, from which pasts are drawn."""

    def __init__(self, store: Store, items: list[Item], clean: Tensor, babble: list[Item], plan: Plan):
        self.store, self.items, self.clean, self.babble, self.plan = store, items, clean, babble, plan
        self.target = soft_labels(items, plan.votes)
        self.weights = class_weights(self.target)
        self.bank = clean.clone()
        self.lengths = [i.seconds for i in items]
        self.speakers = [i.speaker for i in items]
        self.acted = [-1 if i.label is None else i.label for i in items]

    def epoch(self, rng: random.Random) -> list[list[int]]:
        """One pass over the clips, as batches."""
        return packed(self.lengths, list(range(len(self.items))), self.plan.seconds, rng)

    def hear(self, index: int, dice: np.random.Generator, short: bool) -> np.ndarray:
        """One clip, cropped and spoilt at random."""
        item = self.items[index]
        x = self.store.audio(item)
        if short:
            x = augment.crop(x, dice)
        if dice.random() < 0.2:
            return x
        noise = self.store.audio(self.babble[int(dice.integers(len(self.babble)))]) if self.babble else None
        return augment.augment(x, dice, noise, 0.0 if item.corpus in RESYNTHESISED else 0.3)

    def loss(self, trunk: Trunk, head: SpeechHead, picked: list[int], step: int) -> tuple[Tensor, Tensor]:
        """What the labels say of a batch, and how far its statistics drifted from the clean, untouched ones."""
        dice = np.random.default_rng([self.plan.seed, step])
        short = bool(dice.random() < 0.3)
        stats = stats_of(trunk, [self.hear(i, dice, short) for i in picked])
        if not short:
            self.bank[picked] = stats.detach()
        pasts = Pasts(self.speakers, self.acted, self.plan.seed * 100003 + step)
        means, counts = pasts.baselines(picked, self.bank)
        told = emotion_loss(head.classify(head.features(stats, means, counts)), self.target[picked], self.weights)
        drift = ((stats - self.clean[picked]) / head.population_scale).square().mean()
        return told, drift * (0.3 if short else 1.0)


def train(trunk: Trunk, head: SpeechHead, task: Task, work: Path) -> None:
    """Trains trunk and head in place, resuming from `work/emotion.pt`."""
    plan = task.plan
    torch.manual_seed(plan.seed)
    parts = groups(trunk, plan.rate, plan.decay) + [{"params": list(head.parameters()), "lr": plan.head_rate}]
    optimizer = torch.optim.AdamW(parts, weight_decay=0.01)
    rates = [g["lr"] for g in optimizer.param_groups]
    total = int(plan.epochs * len(task.epoch(random.Random(0))))
    step, position, epoch = 0, 0, 0
    file = work / "emotion.pt"
    if state := checkpoint.load(file):
        checkpoint.fit(trunk, state["trunk"], file)
        checkpoint.fit(head, state["head"], file)
        optimizer.load_state_dict(state["optimizer"])
        task.bank, step = state["bank"], state["step"]
    head.train()
    bar = tqdm(total=total, initial=step, desc="emotion", disable=None)
    started, running = time.time(), None
    while step < total:
        for picked in task.epoch(random.Random(plan.seed * 1000 + epoch)):
            position += 1
            if position <= step or step >= total:
                continue
            for group, rate in zip(optimizer.param_groups, rates):
                group["lr"] = rate * schedule(step, total)
            torch.manual_seed(plan.seed * 1000003 + step)  # so that a resumed run drops what a whole one would have
            told, drift = task.loss(trunk, head, picked, step)
            optimizer.zero_grad(set_to_none=True)
            (told + plan.anchor * drift).backward()
            torch.nn.utils.clip_grad_norm_([p for g in optimizer.param_groups for p in g["params"]], 1.0)
            optimizer.step()
            step += 1
            now = np.array([told.item(), drift.item()])
            running = now if running is None else 0.97 * running + 0.03 * now
            bar.update()
            if step % plan.save_every == 0 or step == total:
                checkpoint.save(file, {"trunk": trunk.state_dict(), "head": head.state_dict(), "optimizer": optimizer.state_dict(), "bank": task.bank, "step": step})
                print(f"emotion step {step}/{total} loss {running[0]:.4f} drift {running[1]:.4f} {time.time() - started:.0f} s", flush=True)
        epoch += 1
    head.eval()
