"""Goes on teaching the upper layers to spell, now from spoilt audio and over the fine-tuned lower layers."""

import random
import time
from pathlib import Path

import numpy as np
import torch
from torch import Tensor
from tqdm import tqdm

from . import augment, checkpoint, ctc
from .layers_cache import KEPT_LAYER
from .store import Item, Store
from .trunk import LAYERS, Trunk, frames_of
from .words_train import TEST_SPLIT, Plan, mask_frames, packed, schedule, trainable


def lower_frames(trunk: Trunk, clips: list[np.ndarray]) -> tuple[Tensor, Tensor]:
    """What the layers below the trained ones make of clips of any lengths."""
    lengths = torch.tensor([len(c) for c in clips])
    audio = torch.zeros(len(clips), int(lengths.max()))
    for row, c in enumerate(clips):
        audio[row, : len(c)] = torch.from_numpy(c)
    frames = torch.tensor([frames_of(int(n)) for n in lengths])
    with torch.no_grad():
        return trunk.run_layers(trunk.stem(audio, lengths), 1, KEPT_LAYER, frames)[-1], frames


def train(trunk: Trunk, head: torch.nn.Linear, store: Store, read: list[Item], work: Path, plan: Plan, spoilt: float = 0.5) -> None:
    """Trains the upper layers and the head in place, resuming from `work/adapt.pt`."""
    torch.manual_seed(plan.seed)
    read = [i for i in read if i.split != TEST_SPLIT]
    texts = [ctc.spell(i.text) for i in read]
    lengths = [i.seconds for i in read]
    everything = list(range(len(read)))
    total = int(plan.epochs * len(packed(lengths, everything, plan.seconds, random.Random(0))))
    weights = trainable(trunk)
    optimizer = torch.optim.AdamW([{"params": weights, "lr": plan.rate}, {"params": head.parameters(), "lr": plan.head_rate}], weight_decay=0.01)
    rates = [plan.rate, plan.head_rate]
    file = work / "adapt.pt"
    step, position, epoch = 0, 0, 0
    if state := checkpoint.load(file):
        checkpoint.fit(trunk, state["trunk"], file)
        checkpoint.fit(head, state["head"], file)
        optimizer.load_state_dict(state["optimizer"])
        step = state["step"]
    bar = tqdm(total=total, initial=step, desc="words, adapted", disable=None)
    started, running = time.time(), 0.0
    while step < total:
        rng = random.Random(plan.seed * 1000 + 500 + epoch)
        for picked in packed(lengths, everything, plan.seconds, rng):
            position += 1
            if position <= step or step >= total:
                continue
            dice = np.random.default_rng([plan.seed, 7, step])
            clips = [store.audio(read[i]) for i in picked]
            clips = [augment.augment(c, dice) if dice.random() < spoilt else c for c in clips]
            states, counts = lower_frames(trunk, clips)
            states = mask_frames(states, counts, rng)
            for group, rate in zip(optimizer.param_groups, rates):
                group["lr"] = rate * schedule(step, total)
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
                print(f"adapt step {step}/{total} loss {running:.4f} {time.time() - started:.0f} s", flush=True)
        epoch += 1
