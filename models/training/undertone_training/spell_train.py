"""Teaches the trunk's upper layers to spell words and phones: CTC over the frames of several views of LibriSpeech.

The convolutions and layers 1 to 3 are never touched, so what the emotion branch reads stays as it is.
"""

import random
import time
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor, nn

from . import checkpoint, ctc, phones, words_error
from .layers_cache import KEPT_LAYER
from .spell_views import Frames
from .store import Item
from .trunk import LAYERS, WIDTH, Trunk
from .words_train import mask_frames, packed, schedule, trainable

HELD_OUT = ("ls_908", "ls_1284")  # test-clean speakers that are listened to, never learnt from
PHONE_SHARE = 1.0  # of the phones' loss beside the characters'


@dataclass
class Plan:
    """What a run needs."""

    epochs: float = 12.0
    seconds: float = 60.0  # of speech in a batch
    rate: float = 6e-4
    head_rate: float = 2e-3
    seed: int = 1
    judge_every: int = 300
    half: bool = True  # bfloat16 products, where the processor has them


class Heads(nn.Module):
    """From the top frames to characters and to phones."""

    def __init__(self) -> None:
        super().__init__()
        self.words = ctc.head()
        self.phones = nn.Linear(WIDTH, len(phones.PHONES))

    def forward(self, top: Tensor) -> tuple[Tensor, Tensor]:
        """Logits of both."""
        return self.words(top), self.phones(top)


def split(items: list[Item]) -> tuple[list[int], list[int]]:
    """Which clips are learnt from, which are judged by."""
    learnt = [n for n, i in enumerate(items) if i.speaker not in HELD_OUT]
    return learnt, [n for n, i in enumerate(items) if i.speaker in HELD_OUT]


def upper(trunk: Trunk, states: Tensor, counts: Tensor, half: bool) -> Tensor:
    """The top frames over layer-3 frames."""
    with torch.autocast("cpu", torch.bfloat16, enabled=half):
        return trunk.norm(trunk.run_layers(states, KEPT_LAYER + 1, LAYERS, counts)[-1].float())


def judge(trunk: Trunk, heads: Heads, frames: Frames, chosen: list[int]) -> tuple[float, float]:
    """Greedy word and phone error rates."""
    words, sounds = words_error.Rate(), words_error.Rate()
    with torch.inference_mode():
        for n in chosen:
            states, counts = frames.batch([n])
            spelt, said = heads(upper(trunk, states, counts, False))
            text = frames.items[n].text.lower()
            words.add(text.split(), ctc.greedy(spelt[0].numpy()).split())
            if known := phones.transcribe(text):
                sounds.add(known, words_error.folded(said[0].argmax(-1).tolist()))
    return words.value(), sounds.value()


def _loss(heads: Heads, top: Tensor, counts: Tensor, spelt: list[list[int]], said: list[list[int] | None]) -> Tensor:
    letters, sounds = heads(nn.functional.dropout(top, 0.1))
    total = ctc.loss(letters, counts, spelt)
    known = [n for n, s in enumerate(said) if s]
    if known:
        total = total + PHONE_SHARE * ctc.loss(sounds[known], counts[known], [said[n] for n in known])
    return total


def train(trunk: Trunk, heads: Heads, views: list[Frames], work: Path, plan: Plan) -> None:
    """Trains in place, resuming from `work/spell.pt`; the best by the held-out speakers is in `work/spell_best.pt`."""
    torch.manual_seed(plan.seed)
    items = views[0].items
    learnt, judged = split(items)
    spelt = [ctc.spell(i.text) for i in items]
    said = [phones.transcribe(i.text.lower()) for i in items]
    lengths = [i.seconds for i in items]
    total = int(plan.epochs * len(packed(lengths, learnt, plan.seconds, random.Random(0))))
    weights = trainable(trunk)
    optimizer = torch.optim.AdamW([{"params": weights, "lr": plan.rate}, {"params": heads.parameters(), "lr": plan.head_rate}], betas=(0.9, 0.98), weight_decay=0.01)
    rates, file = [plan.rate, plan.head_rate], work / "spell.pt"
    step, best = 0, 9.0
    if state := checkpoint.load(file):
        checkpoint.fit(trunk, state["trunk"], file)
        checkpoint.fit(heads, state["heads"], file)
        optimizer.load_state_dict(state["optimizer"])
        step, best = state["step"], state["best"]
    print(f"spell: {len(learnt)} clips, {sum(s is not None for s in said)} with phones, {total} steps, from {step}", flush=True)
    started, running, position, epoch = time.time(), 0.0, 0, 0
    while step < total:
        rng = random.Random(plan.seed * 1000 + epoch)
        for picked in packed(lengths, learnt, plan.seconds, rng):
            frames = rng.choice([v for v in views if v.ready()])
            position += 1
            if position <= step or step >= total:
                continue
            for group, rate in zip(optimizer.param_groups, rates):
                group["lr"] = rate * schedule(step, total, 0.03)
            states, counts = frames.batch(picked)
            top = upper(trunk, mask_frames(states, counts, rng), counts, plan.half)
            loss = _loss(heads, top, counts, [spelt[i] for i in picked], [said[i] for i in picked])
            optimizer.zero_grad(set_to_none=True)
            loss.backward()
            torch.nn.utils.clip_grad_norm_(weights + list(heads.parameters()), 1.0)
            optimizer.step()
            step += 1
            running = loss.item() if running == 0.0 else 0.98 * running + 0.02 * loss.item()
            if step % 50 == 0:
                print(f"spell step {step}/{total} loss {running:.4f} {time.time() - started:.0f} s", flush=True)
            if step % plan.judge_every == 0 or step == total:
                wer, per = judge(trunk, heads, views[0], judged)
                print(f"spell step {step}/{total} held-out speakers: WER {wer:.4f} PER {per:.4f}", flush=True)
                kept = {"trunk": trunk.state_dict(), "heads": heads.state_dict()}
                if wer < best:
                    best = wer
                    checkpoint.save(work / "spell_best.pt", kept | {"step": step, "wer": wer, "per": per})
                checkpoint.save(file, kept | {"optimizer": optimizer.state_dict(), "step": step, "best": best})
        epoch += 1
