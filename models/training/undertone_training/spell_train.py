"""Teaches the trunk's upper layers to spell words and phones: CTC over the frames of several views of LibriSpeech.

The convolutions and layers 1 to 3 are never touched, so what the emotion branch reads stays as it is.
"""

import copy
import random
import time
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor, nn

from . import checkpoint, ctc, phones, spell_align, words_error
from .layers_cache import KEPT_LAYER
from .spell_batch import Lesson
from .spell_views import Frames
from .store import Item
from .trunk import LAYERS, WIDTH, Trunk
from .words_train import mask_frames, packed, schedule, trainable

HELD_OUT = ("ls_908", "ls_1284")  # test-clean speakers that are listened to, never learnt from
LETTERS_SHARE = 0.6  # of the letters' loss beside the phones', which the decoder follows
MIDDLE_SHARE = 0.3  # of the phones' loss one layer below the top


@dataclass
class Plan:
    """What a run needs."""

    steps: int = 8000
    heads_alone: int = 100  # first steps, in which the layers hold still
    aligned_at: int = 900  # the step from which on clips are cut and joined, and unlisted words have phones
    joined: float = 0.35  # share of clips that are
    seconds: float = 60.0  # of speech in a batch
    rate: float = 7e-4
    head_rate: float = 1.5e-3
    dropout: float = 0.05
    seed: int = 1
    judge_every: int = 300
    half: bool = True  # bfloat16 products, where the processor has them


class Heads(nn.Module):
    """From the top frames to characters and to phones; and, in training only, from the middle ones to phones."""

    def __init__(self) -> None:
        super().__init__()
        self.words = ctc.head()
        self.phones = nn.Linear(WIDTH, len(phones.PHONES))
        self.middle = nn.Linear(WIDTH, len(phones.PHONES))

    def forward(self, top: Tensor) -> tuple[Tensor, Tensor]:
        """Logits of both."""
        return self.words(top), self.phones(top)


class Calm:
    """A copy that follows slowly (a moving average of the weights), steadier than what is being taught."""

    def __init__(self, trunk: Trunk, heads: Heads):
        self.trunk, self.heads = copy.deepcopy(trunk).eval(), copy.deepcopy(heads).eval()

    def follow(self, trunk: Trunk, heads: Heads, step: int) -> None:
        """One step nearer."""
        share = max(0.002, min(1.0, 10.0 / (step + 1)))
        with torch.no_grad():
            for own, new in zip(_taught(self.trunk, self.heads), _taught(trunk, heads)):
                own.lerp_(new, share)

    def state(self) -> dict:
        """For a checkpoint."""
        return {"trunk": self.trunk.state_dict(), "heads": self.heads.state_dict()}


def _taught(trunk: Trunk, heads: Heads) -> list[nn.Parameter]:
    return trainable(trunk) + list(heads.parameters())


def split(items: list[Item]) -> tuple[list[int], list[int]]:
    """Which clips are learnt from, which are judged by."""
    learnt = [n for n, i in enumerate(items) if i.speaker not in HELD_OUT]
    return learnt, [n for n, i in enumerate(items) if i.speaker in HELD_OUT]


def upper(trunk: Trunk, states: Tensor, counts: Tensor, half: bool) -> tuple[Tensor, Tensor]:
    """The frames one layer below the top, and the top ones, over layer-3 frames."""
    with torch.autocast("cpu", torch.bfloat16, enabled=half):
        outputs = trunk.run_layers(states, KEPT_LAYER + 1, LAYERS, counts)
    return outputs[-2].float(), trunk.norm(outputs[-1].float())


def judge(trunk: Trunk, heads: Heads, frames: Frames, chosen: list[int]) -> tuple[float, float]:
    """Greedy word and phone error rates."""
    words, sounds = words_error.Rate(), words_error.Rate()
    with torch.inference_mode():
        for n in chosen:
            states, counts = frames.batch([n])
            spelt, said = heads(upper(trunk, states, counts, False)[1])
            text = frames.items[n].text.lower()
            words.add(text.split(), ctc.greedy(spelt[0].numpy()).split())
            if known := phones.transcribe(text):
                sounds.add(known, words_error.folded(said[0].argmax(-1).tolist()))
    return words.value(), sounds.value()


def locate(trunk: Trunk, heads: Heads, frames: Frames, half: bool, batch: int = 8) -> tuple[list, list]:
    """Where each clip's words begin, and what they sound like, told by what has been learnt so far."""
    edges, sounds = [None] * len(frames.items), [None] * len(frames.items)
    order = sorted(range(len(frames.items)), key=lambda i: frames.items[i].samples)
    with torch.inference_mode():
        for begin in range(0, len(order), batch):
            picked = order[begin : begin + batch]
            states, counts = frames.batch(picked)
            spelt, said = heads(upper(trunk, states, counts, half)[1])
            spelt, best = torch.log_softmax(spelt, dim=-1).numpy(), said.argmax(-1).numpy()
            for row, i in enumerate(picked):
                count = int(counts[row])
                edges[i] = spell_align.cuts(spelt[row, :count], frames.items[i].text)
                sounds[i] = spell_align.sounds(frames.items[i].text, edges[i], best[row, :count])
    return edges, sounds


def _loss(heads: Heads, middle: Tensor, top: Tensor, counts: Tensor, spelt: list[list[int]], said: list[list[int] | None]) -> Tensor:
    letters, sounds = heads(nn.functional.dropout(top, 0.1))
    total = LETTERS_SHARE * ctc.loss(letters, counts, spelt)
    known = [n for n, s in enumerate(said) if s]
    if known:
        phones_of, counts = [said[n] for n in known], counts[known]
        total = total + ctc.loss(sounds[known], counts, phones_of)
        total = total + MIDDLE_SHARE * ctc.loss(heads.middle(nn.functional.dropout(middle[known], 0.1)), counts, phones_of)
    return total


def train(trunk: Trunk, heads: Heads, views: list[Frames], work: Path, plan: Plan) -> None:
    """Trains in place, resuming from `work/spell.pt`; the best by the held-out speakers is in `work/spell_best.pt`."""
    torch.manual_seed(plan.seed)
    learnt, judged = split(views[0].items)
    lesson = Lesson(views[0].items)
    lengths = [i.seconds for i in views[0].items]
    for layer in trunk.layers[KEPT_LAYER:]:
        layer.dropout = plan.dropout
    calm = Calm(trunk, heads)
    optimizer = torch.optim.AdamW([{"params": trainable(trunk)}, {"params": heads.parameters()}], lr=plan.rate, betas=(0.9, 0.98), weight_decay=0.01)
    file, step, best = work / "spell.pt", 0, 9.0
    if state := checkpoint.load(file):
        for module, name in ((trunk, "trunk"), (heads, "heads"), (calm.trunk, "calm_trunk"), (calm.heads, "calm_heads")):
            checkpoint.fit(module, state[name], file)
        optimizer.load_state_dict(state["optimizer"])
        step, best = state["step"], state["best"]
        if state["edges"]:
            lesson.learn(state["edges"], state["sounds"])
    print(f"spell: {len(learnt)} clips, {plan.steps} steps, from {step}", flush=True)
    started, running, position, epoch = time.time(), 0.0, 0, 0
    trunk.train(), heads.train()
    while step < plan.steps:
        rng = random.Random(plan.seed * 1000 + epoch)
        for picked in packed(lengths, learnt, plan.seconds, rng):
            position += 1
            if position <= step or step >= plan.steps:
                continue
            if step == plan.aligned_at:
                lesson.learn(*locate(calm.trunk, calm.heads, views[0], plan.half))
            dice = random.Random(plan.seed * 1000003 + step)
            states, counts, spelt, said = lesson.batch(dice.choice([v for v in views if v.ready()]), picked, dice, plan.joined)
            rise = schedule(step, plan.steps, 0.03)
            optimizer.param_groups[0]["lr"] = plan.rate * rise if step >= plan.heads_alone else 0.0
            optimizer.param_groups[1]["lr"] = plan.head_rate * rise
            middle, top = upper(trunk, mask_frames(states, counts, dice), counts, plan.half)
            loss = _loss(heads, middle, top, counts, spelt, said)
            optimizer.zero_grad(set_to_none=True)
            loss.backward()
            torch.nn.utils.clip_grad_norm_(_taught(trunk, heads), 1.0)
            optimizer.step()
            calm.follow(trunk, heads, step)
            step += 1
            running = loss.item() if running == 0.0 else 0.98 * running + 0.02 * loss.item()
            if step % 50 == 0:
                print(f"spell step {step}/{plan.steps} loss {running:.4f} {time.time() - started:.0f} s", flush=True)
            if step % plan.judge_every == 0 or step == plan.steps:
                wer, per = judge(calm.trunk, calm.heads, views[0], judged)
                print(f"spell step {step}/{plan.steps} held-out speakers: WER {wer:.4f} PER {per:.4f}", flush=True)
                if per < best:
                    best = per
                    checkpoint.save(work / "spell_best.pt", calm.state() | {"step": step, "wer": wer, "per": per})
                checkpoint.save(file, {
                    "trunk": trunk.state_dict(), "heads": heads.state_dict(), "calm_trunk": calm.trunk.state_dict(), "calm_heads": calm.heads.state_dict(),
                    "optimizer": optimizer.state_dict(), "step": step, "best": best, "edges": lesson.edges if any(lesson.edges) else None, "sounds": lesson.sounds,
                })
        epoch += 1
