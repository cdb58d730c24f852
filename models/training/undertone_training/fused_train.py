"""Trains `multilevel` and `joint` on synthetic pairs of clips and texts; the voice says what is right.

A pair's text has the clip's feeling, none, or another one, so that the graph learns what words add and when to leave them.
"""

import time
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn
from tqdm import tqdm

from . import checkpoint, pairing, units
from .emotion_train import class_weights, emotion_loss, soft_labels
from .frames_cache import Frames
from .joint import Joint
from .multilevel import Multilevel
from .pairing import Texts
from .speech_head import statistics
from .store import Item
from .streams import Pasts
from .words_train import schedule


@dataclass
class Plan:
    """What a run needs; the defaults made the shipped weights."""

    epochs: float = 4.0
    batch: int = 32
    rate: float = 1e-3
    encoder_rate: float = 1e-4  # of `joint`'s upper encoder layers
    decay: float = 0.02
    shares: tuple[float, float, float] = (0.4, 0.35, 0.25)  # texts of the same, of no, of another feeling
    votes: float = 0.5
    none: float = 0.25  # share of clips heard with no past
    one_sided: float = 0.2
    seed: int = 1
    save_every: int = 50


@dataclass
class Pairs:
    """Clips and texts that are paired."""

    items: list[Item]
    rows: np.ndarray  # the clips' rows in the frames' file
    frames: Frames
    texts: Texts

    def stats(self) -> Tensor:
        """Every clip's statistics."""
        return torch.cat([statistics(torch.from_numpy(self.frames.clip(n))[None]) for n in self.rows])

    def labels(self) -> np.ndarray:
        """Acted labels."""
        return np.array([-1 if i.label is None else i.label for i in self.items])


def shortened(mix: Tensor, counts: Tensor, dice: np.random.Generator) -> tuple[Tensor, Tensor]:
    """At times only the beginning of the voice, as provisional scores have it."""
    if dice.random() < 0.7:
        return mix, counts
    share = float(dice.uniform(0.3, 0.9))
    counts = (counts.float() * share).long().clamp_min(4)
    counts = torch.minimum(counts, torch.tensor(mix.shape[1]))
    return mix[:, : int(counts.max())], counts


def forward(model: nn.Module, mix: Tensor, counts: Tensor, means: Tensor, clips: Tensor, texts: Texts, chosen: np.ndarray, dice: np.random.Generator) -> Tensor:
    """Either model's logits for a batch of pairs."""
    if isinstance(model, Joint):
        lower, lengths = texts.pick(chosen, "lower")
        return model(mix, means, clips, lower, counts, lengths)
    tokens, lengths = texts.pick(chosen, "tokens")
    made = {name: units.matrices(counts.tolist(), mix.shape[1], mean, dice) for name, mean in units.LEVELS.items()}
    return model(mix, means, clips, {k: v[0] for k, v in made.items()}, tokens, counts, {k: v[1] for k, v in made.items()}, lengths)


def groups(model: nn.Module, plan: Plan) -> list[dict]:
    """The encoders' upper layers slower than what is new."""
    if isinstance(model, Joint):
        upper = list(model.speech_layer.parameters()) + list(model.text_layers.parameters())
        known = {id(p) for p in upper}
        return [{"params": [p for p in model.parameters() if id(p) not in known], "lr": plan.rate}, {"params": upper, "lr": plan.encoder_rate}]
    return [{"params": list(model.parameters()), "lr": plan.rate}]


def train(model: Multilevel | Joint, data: Pairs, file: Path, plan: Plan) -> None:
    """Trains in place, resuming from `file`."""
    torch.manual_seed(plan.seed)
    torch.set_flush_denormal(True)
    stats, labels = data.stats(), data.labels()
    target = soft_labels(data.items, plan.votes)
    weights = class_weights(target)
    model.settle(stats)
    per_epoch = len(data.items) // plan.batch
    total = int(plan.epochs * per_epoch)
    optimizer = torch.optim.AdamW(groups(model, plan), weight_decay=plan.decay)
    rates = [g["lr"] for g in optimizer.param_groups]
    step = 0
    if state := checkpoint.load(file):
        checkpoint.fit(model, state["model"], file)
        optimizer.load_state_dict(state["optimizer"])
        step = state["step"]
    model.train()
    bar = tqdm(total=total, initial=step, desc=file.stem, disable=None)
    started, running = time.time(), None
    while step < total:
        order = np.random.default_rng([plan.seed, step // per_epoch]).permutation(len(data.items))
        picked = order[(step % per_epoch) * plan.batch :][: plan.batch]
        dice = np.random.default_rng([plan.seed, 77, step])
        chosen = pairing.partners(labels[picked], data.texts.labels, pairing.kinds(len(picked), plan.shares, dice), dice)
        mix, counts = shortened(*data.frames.batch(data.rows[picked]), dice)
        pasts = Pasts([i.speaker for i in data.items], labels.tolist(), plan.seed * 100003 + step)
        means, clips = pasts.baselines(picked, stats, plan.none, plan.one_sided)
        for group, rate in zip(optimizer.param_groups, rates):
            group["lr"] = rate * schedule(step, total)
        with torch.autocast("cpu", torch.bfloat16, enabled=isinstance(model, Joint)):
            logits = forward(model, mix, counts, means, clips, data.texts, chosen, dice)
        loss = emotion_loss(logits.float(), target[picked], weights)
        optimizer.zero_grad(set_to_none=True)
        loss.backward()
        nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        step += 1
        running = loss.item() if running is None else 0.97 * running + 0.03 * loss.item()
        bar.update()
        if step % plan.save_every == 0 or step == total:
            checkpoint.save(file, {"model": model.state_dict(), "optimizer": optimizer.state_dict(), "step": step})
            print(f"{file.stem} step {step}/{total} loss {running:.4f} {time.time() - started:.0f} s, {time.process_time():.0f} s of processor", flush=True)
    model.eval()


def logits(model: Multilevel | Joint, data: Pairs, chosen: np.ndarray, means: Tensor, clips: Tensor, mixes=None, seed: int = 5, batch: int = 32) -> np.ndarray:
    """Logits of every clip beside its chosen text; `mixes` gives other frames of the same clips, as spoilt ones."""
    out = []
    dice = np.random.default_rng(seed)
    with torch.inference_mode():
        for start in range(0, len(data.items), batch):
            rows = slice(start, start + batch)
            mix, counts = data.frames.batch(data.rows[rows]) if mixes is None else mixes.batch(np.arange(start, min(start + batch, len(data.items))))
            out.append(forward(model, mix, counts, means[rows], clips[rows], data.texts, chosen[rows], dice).float().numpy())
    return np.concatenate(out)
