"""Teaches the writer to write, and the trunk's upper layers with it: cross entropy over the words that are whole in what is
heard, and CTC beside it, whose letters and phones tell when each word was said.

The convolutions and layers 1 to 3 are never touched, so what the emotion branch reads stays as it is.
"""

import copy
import random
import time
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from . import checkpoint, ctc, phones, words_error
from .layers_cache import KEPT_LAYER
from .trunk import LAYERS, WIDTH, Trunk
from .words_train import HELD_OUT, packed, schedule, trainable
from .write_lesson import WHOLE, Batch, Heard, Lesson
from .writer import Writer

CTC_SHARE = 0.25  # of the letters' and of the phones' loss beside the writer's
SMOOTHING = 0.1


@dataclass
class Plan:
    """What a run needs."""

    steps: int = 1200
    heads_alone: int = 80  # first steps, in which only the letters' and phones' head learns
    seconds: float = 60.0  # of speech in a batch
    rate: float = 1e-4
    head_rate: float = 2e-3
    dropout: float = 0.05
    seed: int = 1
    judge_every: int = 400
    save_every: int = 100
    half: bool = True  # bfloat16 products, where the processor has them


class Heads(nn.Module):
    """From the top frames, each with its neighbours, to characters and to phones."""

    def __init__(self) -> None:
        super().__init__()
        self.near = nn.Conv1d(WIDTH, WIDTH, 3, padding=1)
        self.words = ctc.head()
        self.phones = nn.Linear(WIDTH, len(phones.PHONES))

    def forward(self, top: Tensor) -> tuple[Tensor, Tensor]:
        """Logits of both."""
        x = F.gelu(self.near(top.transpose(1, 2)).transpose(1, 2))
        return self.words(x), self.phones(x)


class Pupils(nn.Module):
    """What is taught: the trunk's upper layers, the heads, the writer."""

    def __init__(self, trunk: Trunk, heads: Heads, writer: Writer):
        super().__init__()
        self.trunk, self.heads, self.writer = trunk, heads, writer

    def taught(self) -> list[nn.Parameter]:
        """All parameters that change."""
        return trainable(self.trunk) + list(self.heads.parameters()) + list(self.writer.parameters())

    def hear(self, batch: Batch, half: bool) -> Tensor:
        """Top frames."""
        with torch.autocast("cpu", torch.bfloat16, enabled=half):
            with torch.no_grad():
                states = self.trunk.run_layers(self.trunk.stem(batch.audio, batch.samples), 1, KEPT_LAYER, batch.frames)[-1]
            return self.trunk.norm(self.trunk.run_layers(states, KEPT_LAYER + 1, LAYERS, batch.frames)[-1].float())

    def loss(self, batch: Batch, half: bool) -> tuple[Tensor, Tensor]:
        """The writer's loss, and that of the letters and phones."""
        top = self.hear(batch, half)
        with torch.autocast("cpu", torch.bfloat16, enabled=half):
            logits = self.writer(top, batch.frames, batch.ids)
        written = F.cross_entropy(logits.float().flatten(0, 1), batch.wanted.flatten(), ignore_index=-100, label_smoothing=SMOOTHING)
        letters, sounds = self.heads(F.dropout(top, 0.1, self.training))
        spelt = ctc.loss(letters, batch.frames, batch.letters)
        known = [n for n, s in enumerate(batch.sounds) if s]
        if known:
            spelt = spelt + ctc.loss(sounds[known], batch.frames[known], [batch.sounds[n] for n in known])
        return written, spelt


class Calm:
    """A copy that follows slowly (a moving average of the weights), steadier than what is being taught."""

    def __init__(self, pupils: Pupils):
        self.pupils = copy.deepcopy(pupils).eval()

    def follow(self, pupils: Pupils, step: int) -> None:
        """One step nearer."""
        share = max(0.004, min(1.0, 10.0 / (step + 1)))
        with torch.no_grad():
            for own, new in zip(self.pupils.taught(), pupils.taught()):
                own.lerp_(new, share)


def judge(pupils: Pupils, lesson: Lesson, chosen: list[int]) -> tuple[float, float]:
    """Word error rate of the writer, and phone error rate, of whole clips."""
    words, sounds = words_error.Rate(), words_error.Rate()
    with torch.inference_mode():
        for n in chosen:
            text = ctc.spelt(lesson.items[n].text)
            batch = Batch.of([Heard(lesson.store.audio(lesson.items[n]), text.split())], lesson.tokens)
            top = pupils.hear(batch, True)
            words.add(text.split(), lesson.tokens.text(pupils.writer.write(top, int(lesson.items[n].seconds * 6.5) + 2)).split())
            if known := phones.transcribe(text):
                sounds.add(known, words_error.folded(pupils.heads(top)[1][0].argmax(-1).tolist()))
    return words.value(), sounds.value()


def train(pupils: Pupils, lesson: Lesson, work: Path, plan: Plan) -> None:
    """Trains in place, resuming from `work/write.pt`; what is to be shipped is in `work/write_calm.pt`."""
    torch.manual_seed(plan.seed)
    learnt = [n for n, i in enumerate(lesson.items) if i.speaker not in HELD_OUT]
    judged = [n for n, i in enumerate(lesson.items) if i.speaker in HELD_OUT][::2]
    for layer in [*pupils.trunk.layers[KEPT_LAYER:], *pupils.writer.layers]:
        layer.dropout = plan.dropout
    calm = Calm(pupils)
    heads = list(pupils.heads.parameters())
    others = trainable(pupils.trunk) + list(pupils.writer.parameters())
    optimizer = torch.optim.AdamW([{"params": others}, {"params": heads}], lr=plan.rate, betas=(0.9, 0.98), weight_decay=0.01)
    file, step = work / "write.pt", 0
    if state := checkpoint.load(file):
        checkpoint.fit(pupils, state["pupils"], file)
        checkpoint.fit(calm.pupils, state["calm"], file)
        optimizer.load_state_dict(state["optimizer"])
        step = state["step"]
    print(f"write: {len(learnt)} clips, {plan.steps} steps, from {step}", flush=True)
    started, running, position, epoch = time.time(), [0.0, 0.0], 0, 0
    pupils.train()
    while step < plan.steps:
        rng = random.Random(plan.seed * 1000 + epoch)
        whole = {n: rng.random() < WHOLE for n in learnt}
        lengths = [lesson.length(n, whole.get(n, True)) for n in range(len(lesson.items))]
        batches = [(entire, p) for entire in (True, False) for p in packed(lengths, [n for n in learnt if whole[n] == entire], plan.seconds, rng) if p]
        rng.shuffle(batches)
        for entire, picked in batches:
            position += 1
            if position <= step or step >= plan.steps:
                continue
            batch = lesson.batch(picked, entire, random.Random(plan.seed * 1000003 + step))
            torch.manual_seed(plan.seed * 1000003 + step)  # so that a run that was stopped goes on as it would have
            rise = schedule(step, plan.steps, 0.03)
            optimizer.param_groups[0]["lr"] = plan.rate * rise if step >= plan.heads_alone else 0.0
            optimizer.param_groups[1]["lr"] = plan.head_rate * rise
            written, spelt = pupils.loss(batch, plan.half)
            optimizer.zero_grad(set_to_none=True)
            (written + CTC_SHARE * spelt).backward()
            nn.utils.clip_grad_norm_(others, 1.0)
            nn.utils.clip_grad_norm_(heads, 1.0)
            optimizer.step()
            calm.follow(pupils, step)
            step += 1
            running = [0.97 * old + 0.03 * new.item() if old else new.item() for old, new in zip(running, (written, spelt))]
            if step % 20 == 0:
                print(f"write step {step}/{plan.steps} written {running[0]:.4f} spelt {running[1]:.4f} {time.time() - started:.0f} s", flush=True)
            if step % plan.save_every == 0 or step == plan.steps:
                checkpoint.save(file, {"pupils": pupils.state_dict(), "calm": calm.pupils.state_dict(), "optimizer": optimizer.state_dict(), "step": step})
            if step % plan.judge_every == 0 or step == plan.steps:
                wer, per = judge(calm.pupils, lesson, judged)
                print(f"write step {step}/{plan.steps} held-out speakers: WER {wer:.4f} PER {per:.4f}", flush=True)
                checkpoint.save(work / "write_calm.pt", {"pupils": calm.pupils.state_dict(), "step": step, "wer": wer, "per": per})
        epoch += 1
