"""Teaches the upper layers to spell: CTC on LibriSpeech over cached frames of the layers below."""

import random
import time
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor
from tqdm import tqdm

from . import checkpoint, ctc
from .layers_cache import KEPT_LAYER, LayerCache
from .trunk import LAYERS, Trunk

TEST_SPLIT = "test-other"  # for testing only, never trained on
HELD_OUT = ("ls_908", "ls_1284")  # test-clean speakers that are listened to, never learnt from


@dataclass
class Plan:
    """What a run needs."""

    epochs: float = 3.0
    seconds: float = 120.0  # of speech in a batch
    rate: float = 3e-4
    head_rate: float = 2e-3
    seed: int = 1
    save_every: int = 50


def schedule(step: int, total: int, warm: float = 0.05) -> float:
    """Up over the first steps, then down in a straight line."""
    rise = max(1, int(total * warm))
    return min(1.0, (step + 1) / rise) * max(0.02, 1.0 - step / total)


def packed(lengths: list[float], indices: list[int], budget: float, rng: random.Random) -> list[list[int]]:
    """Batches of clips of about one length, each up to a budget of seconds, in random order."""
    order = sorted(indices, key=lambda i: lengths[i] * (1.0 + 0.1 * rng.random()))
    found: list[list[int]] = [[]]
    for i in order:
        if found[-1] and lengths[i] * (len(found[-1]) + 1) > budget:
            found.append([])
        found[-1].append(i)
    rng.shuffle(found)
    return found


def mask_frames(states: Tensor, counts: Tensor, rng: random.Random) -> Tensor:
    """Hides stretches of time and bands of channels, as SpecAugment does for spectra."""
    states = states.clone()
    for row, count in enumerate(counts.tolist()):
        for _ in range(max(1, count // 60)):
            width = rng.randint(1, 8)
            start = rng.randint(0, max(0, count - width))
            states[row, start : start + width] = 0.0
        for _ in range(2):
            start = rng.randint(0, states.shape[2] - 16)
            states[row, :, start : start + rng.randint(1, 16)] = 0.0
    return states


def trainable(trunk: Trunk) -> list[torch.nn.Parameter]:
    """The layers above the kept one, and the last norm."""
    return [p for layer in trunk.layers[KEPT_LAYER:] for p in layer.parameters()] + list(trunk.norm.parameters())


def train(trunk: Trunk, cache: LayerCache, work: Path, plan: Plan) -> torch.nn.Linear:
    """Trains, resuming from `work/words.pt`; changes the trunk in place and returns the head."""
    torch.manual_seed(plan.seed)
    head = ctc.head()
    indices = [i for i, item in enumerate(cache.items) if item.split != TEST_SPLIT]
    lengths = [item.seconds for item in cache.items]
    texts = [ctc.spell(item.text) for item in cache.items]
    per_epoch = len(packed(lengths, indices, plan.seconds, random.Random(0)))
    total = int(plan.epochs * per_epoch)
    weights = trainable(trunk)
    optimizer = torch.optim.AdamW([{"params": weights, "lr": plan.rate}, {"params": head.parameters(), "lr": plan.head_rate}], weight_decay=0.01)
    rates = [plan.rate, plan.head_rate]
    file = work / "words.pt"
    step = 0
    if state := checkpoint.load(file):
        checkpoint.fit(trunk, state["trunk"], file)
        checkpoint.fit(head, state["head"], file)
        optimizer.load_state_dict(state["optimizer"])
        step = state["step"]
    bar = tqdm(total=total, initial=step, desc="words", disable=None)
    started, running, position, epoch = time.time(), 0.0, 0, 0
    while step < total:
        rng = random.Random(plan.seed * 1000 + epoch)
        for picked in packed(lengths, indices, plan.seconds, rng):
            position += 1
            if position <= step or step >= total:
                continue
            for group, rate in zip(optimizer.param_groups, rates):
                group["lr"] = rate * schedule(step, total)
            states, counts = cache.batch(picked)
            states = mask_frames(states, counts, rng)
            top = trunk.norm(trunk.run_layers(states, KEPT_LAYER + 1, LAYERS, counts)[-1])
            loss = ctc.loss(head(torch.nn.functional.dropout(top, 0.1)), counts, [texts[i] for i in picked])
            optimizer.zero_grad(set_to_none=True)
            loss.backward()
            torch.nn.utils.clip_grad_norm_(weights + list(head.parameters()), 1.0)
            optimizer.step()
            step += 1
            running = loss.item() if running == 0.0 else 0.95 * running + 0.05 * loss.item()
            bar.update()
            if step % plan.save_every == 0 or step == total:
                checkpoint.save(file, {"trunk": trunk.state_dict(), "head": head.state_dict(), "optimizer": optimizer.state_dict(), "step": step})
                print(f"words step {step}/{total} loss {running:.4f} {time.time() - started:.0f} s", flush=True)
        epoch += 1
    return head


def transcribe(trunk: Trunk, head: torch.nn.Linear, audio: Tensor) -> str:
    """Greedy words of one clip."""
    with torch.inference_mode():
        return ctc.greedy(torch.log_softmax(head(trunk(audio[None])[1]), dim=-1)[0].numpy())
