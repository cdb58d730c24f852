"""System `late`: fine-tunes every layer of a speaker-recognition ResNet for emotion, on short and spoilt stretches of voice."""

import random
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn
from tqdm import tqdm

from . import augment, checkpoint, head_train, logmel, resnet
from .emotion_train import RESYNTHESISED, class_weights, emotion_loss, soft_labels
from .errors import RecipeError
from .speech_head import SpeechHead
from .store import RATE, Item, Store, atomically
from .streams import Pasts
from .words_train import schedule

STATS = 2 * resnet.MAPS
MIN_SAMPLES = 4000


@dataclass
class Plan:
    """What a run needs."""

    epochs: float = 1.5
    batch: int = 16
    seconds: tuple[float, float] = (1.1, 2.1)  # of a stretch, one length a batch
    rate: float = 1e-4  # of the last stage
    decay: float = 0.75  # of the rate, from each stage to the one under it
    head_rate: float = 2e-4
    votes: float = 0.5
    plain: float = 0.5  # share of clips that are not spoilt
    masked: float = 0.7  # share of pictures of which stretches of time and bands of frequency are hidden
    average: float = 0.99  # of the moving average of the weights that is kept in the end
    transferred: bool = True  # begin with the speaker network's weights
    embedding: bool = False  # read the network's embedding, not its maps' statistics
    seed: int = 1
    save_every: int = 25


class LateSpeech(nn.Module):
    """Audio → log-mel → ResNet-34's first three stages → mean and deviation of the maps → head with the speaker's baseline."""

    def __init__(self, embedding: bool = False) -> None:
        super().__init__()
        self.depth = len(resnet.STAGES) if embedding else resnet.DEPTH
        self.logmel = logmel.LogMel()
        self.net = resnet.ResNet(self.depth)
        self.embed = nn.Linear(STATS, 256) if embedding else None
        self.head = fresh_head(256 if embedding else STATS)

    def stats(self, audio: Tensor, samples: Tensor | None = None, dice: np.random.Generator | None = None, share: float = 1.0) -> Tensor:
        """Statistics of a batch; with dice, so large a share of the pictures is masked."""
        picture = self.logmel(audio, samples)
        if dice is not None:
            picture = logmel.mask(picture, dice, share)
        maps = self.net(picture.contiguous(memory_format=torch.channels_last))
        columns = None if samples is None else resnet.columns_of(1 + (samples - logmel.FRAME) // logmel.HOP, self.depth)
        found = resnet.statistics(maps, columns)
        return found if self.embed is None else self.embed(found)


def fresh_head(width: int = STATS) -> SpeechHead:
    """A head for the ResNet's statistics: narrower than the trunk's, having far more to read."""
    return SpeechHead(hidden=96, dropout=0.5, width=width)


def begin(weights: Path | None, plan: Plan) -> LateSpeech:
    """The model before training."""
    torch.manual_seed(plan.seed)
    model = LateSpeech(plan.embedding)
    if plan.transferred:
        model.net, embedding = resnet.load(weights, model.depth)
        if model.embed is not None and not embedding:
            raise RecipeError(f"{weights}: holds no embedding layer; it is no whole speaker network")
        if model.embed is not None:
            model.embed.load_state_dict(embedding)
    model.net = model.net.to(memory_format=torch.channels_last)
    return model


def voiced(store: Store, item: Item) -> np.ndarray:
    """The voice of a clip, with a little before and after, as `spans.heard` cuts."""
    from . import spans

    audio, _, _ = spans.heard(store.audio(item), item.span)
    return audio


def stretch(x: np.ndarray, samples: int, dice: np.random.Generator) -> np.ndarray:
    """So much of a clip, from its beginning or from anywhere."""
    if len(x) <= samples:
        return x
    start = 0 if dice.random() < 0.3 else int(dice.integers(0, len(x) - samples + 1))
    return x[start : start + samples]


def together(clips: list[np.ndarray]) -> tuple[Tensor, Tensor]:
    """Clips as one zero-padded batch, none shorter than the graph takes, and their lengths."""
    lengths = torch.tensor([max(len(c), MIN_SAMPLES) for c in clips])
    audio = torch.zeros(len(clips), int(lengths.max()))
    for row, c in enumerate(clips):
        audio[row, : len(c)] = torch.from_numpy(c)
    return audio, lengths


class Task:
    """Batches of stretches with their pasts; a past is drawn from the clips of the speaker that were heard so far."""

    def __init__(self, store: Store, items: list[Item], babble: list[Item], plan: Plan, width: int):
        self.store, self.items, self.babble, self.plan = store, items, babble, plan
        self.target = soft_labels(items, plan.votes)
        self.weights = class_weights(self.target)
        self.bank = torch.zeros(len(items), width)
        self.seen = torch.zeros(len(items), dtype=torch.bool)
        self.speakers = [i.speaker for i in items]
        self.acted = [-1 if i.label is None else i.label for i in items]

    def hear(self, index: int, samples: int, dice: np.random.Generator) -> np.ndarray:
        """One stretch, spoilt at random."""
        item = self.items[index]
        x = stretch(voiced(self.store, item), samples, dice)
        if dice.random() < self.plan.plain:
            return x
        noise = self.store.audio(self.babble[int(dice.integers(len(self.babble)))]) if self.babble else None
        return augment.augment(x, dice, noise, 0.0 if item.corpus in RESYNTHESISED else 0.3)

    def batch(self, picked: list[int], step: int) -> tuple[Tensor, Tensor, np.random.Generator]:
        """Audio, lengths and the dice that go on."""
        dice = np.random.default_rng([self.plan.seed, 31, step])
        samples = int(RATE * dice.uniform(*self.plan.seconds))
        audio, lengths = together([self.hear(i, samples, dice) for i in picked])
        return audio, lengths, dice

    def loss(self, model: LateSpeech, picked: list[int], step: int) -> Tensor:
        """Cross-entropy of a batch, each clip against its speaker's past."""
        audio, lengths, dice = self.batch(picked, step)
        stats = model.stats(audio, lengths, dice, self.plan.masked)
        pasts = Pasts(self.speakers, self.acted, self.plan.seed * 100003 + step)
        heard = np.flatnonzero(self.seen.numpy())
        pasts.own = {name: own[np.isin(own, heard)] for name, own in pasts.own.items()}
        means, counts = pasts.baselines(picked, self.bank)
        self.bank[picked] = stats.detach().half().float()  # as a checkpoint keeps it, so that a resumed run goes the same way
        self.seen[picked] = True
        return emotion_loss(model.head.classify(model.head.features(stats, means, counts)), self.target[picked], self.weights)


def groups(model: LateSpeech, plan: Plan) -> list[dict]:
    """Every layer, slower toward the input; weights from scratch all at one rate."""
    decay = plan.decay if plan.transferred else 1.0
    found = [{"params": list(stage.parameters()), "lr": plan.rate * decay**depth} for depth, stage in enumerate(reversed(model.net.stages))]
    found.append({"params": list(model.net.stem.parameters()), "lr": plan.rate * decay ** len(model.net.stages)})
    top = list(model.head.parameters()) + ([] if model.embed is None else list(model.embed.parameters()))
    return found + [{"params": top, "lr": plan.head_rate}]


def spoiling(store: Store, babble: list[Item], seed: int) -> Callable[[Item, np.ndarray], np.ndarray]:
    """Spoils a voice: often only its beginning or a stretch of it, often with what `augment` does; the same for a clip every time."""

    def spoil(item: Item, x: np.ndarray) -> np.ndarray:
        dice = np.random.default_rng([seed, 37, item.start % 2**31])
        if dice.random() < 0.5:
            x = stretch(x, int(RATE * dice.uniform(0.5, 2.0)), dice)
        if dice.random() < 0.3:
            return x
        noise = store.audio(babble[int(dice.integers(len(babble)))]) if babble else None
        return augment.augment(x, dice, noise, 0.0 if item.corpus in RESYNTHESISED else 0.3)

    return spoil


def all_stats(model: LateSpeech, store: Store, items: list[Item], file: Path, longest: float = 3.0, batch: int = 16, spoil: Callable | None = None) -> Tensor:
    """Statistics of the voice of every clip through the network as it is, kept in a file."""
    if not file.exists():
        out = np.zeros((len(items), len(model.head.population_mean)), np.float32)
        voices = [i.span[1] - i.span[0] if i.span else i.samples for i in items]
        order = sorted(range(len(items)), key=lambda i: voices[i])
        model.eval()
        with torch.inference_mode():
            for start in tqdm(range(0, len(order), batch), desc="late_speech statistics", disable=None):
                picked = order[start : start + batch]
                clips = [voiced(store, items[i])[: int(longest * RATE)] for i in picked]
                audio, lengths = together([spoil(items[i], x) for i, x in zip(picked, clips)] if spoil else clips)
                out[picked] = model.stats(audio, lengths).numpy()

        def write(part: Path) -> None:
            with open(part, "wb") as handle:
                np.save(handle, out)

        atomically(file, write)
    return torch.from_numpy(np.load(file))


def settle(model: LateSpeech, task: Task) -> None:
    """The population's mean and scale, from a few hundred clips through the network as it begins."""
    picked = np.random.default_rng(task.plan.seed).permutation(len(task.items))[:256].tolist()
    found = []
    with torch.inference_mode():
        for start in range(0, len(picked), 16):
            audio, lengths, _ = task.batch(picked[start : start + 16], start)
            found.append(model.stats(audio, lengths))
    model.head.settle(torch.cat(found).clone(), sorted({c for c in task.acted if c >= 0}))


def ready(model: LateSpeech, task: Task, stats: Tensor) -> None:
    """A head already fitted to the network as it begins, and every clip's statistics: a start that saves most of the steps."""
    width = stats.shape[1]
    fitted = head_train.train(task.items, [stats], head_train.Plan(seed=task.plan.seed), lambda: fresh_head(width))
    model.head.load_state_dict(fitted.state_dict())
    task.bank, task.seen = stats.half().float(), torch.ones(len(task.items), dtype=torch.bool)


def refit(model: LateSpeech, items: list[Item], views: list[Tensor], seed: int) -> None:
    """Another head for the network as it has become; the first view is the clean one."""
    width = views[0].shape[1]
    model.head = head_train.train(items, views, head_train.Plan(seed=seed), lambda: fresh_head(width))


def train(model: LateSpeech, task: Task, file: Path, steps: int | None = None) -> None:
    """Trains in place, resuming from `file`; `steps` cuts it short, for comparisons at an equal budget."""
    plan = task.plan
    torch.manual_seed(plan.seed)
    torch.set_flush_denormal(True)
    per_epoch = len(task.items) // plan.batch
    total = steps or int(plan.epochs * per_epoch)
    optimizer = torch.optim.AdamW(groups(model, plan), weight_decay=0.02)
    rates = [g["lr"] for g in optimizer.param_groups]
    step, position, epoch = 0, 0, 0
    if state := checkpoint.load(file):
        if "latest" not in state:
            raise RecipeError(f"{file}: an earlier recipe's; remove the file or give another --work folder")
        checkpoint.fit(model, state["latest"], file)
        optimizer.load_state_dict(state["optimizer"])
        task.bank, task.seen, step = state["bank"].float(), state["seen"], state["step"]
    elif not task.seen.any():
        settle(model, task)
    average = {name: value.clone() for name, value in (state["model"] if state else model.state_dict()).items()}
    model.train()
    bar = tqdm(total=total, initial=step, desc="late_speech", disable=None)
    started, running = time.time(), None
    while step < total:
        order = list(range(len(task.items)))
        random.Random(plan.seed * 1000 + epoch).shuffle(order)
        for begin_at in range(0, per_epoch * plan.batch, plan.batch):
            position += 1
            if position <= step or step >= total:
                continue
            for group, rate in zip(optimizer.param_groups, rates):
                group["lr"] = rate * schedule(step, total)
            torch.manual_seed(plan.seed * 1000003 + step)  # so that a resumed run drops what a whole one would have
            loss = task.loss(model, order[begin_at : begin_at + plan.batch], step)
            optimizer.zero_grad(set_to_none=True)
            loss.backward()
            nn.utils.clip_grad_norm_(model.parameters(), 1.0)
            optimizer.step()
            step += 1
            follow(average, model, min(plan.average, step / (step + 10)))
            running = loss.item() if running is None else 0.95 * running + 0.05 * loss.item()
            bar.update()
            if step % plan.save_every == 0 or step == total:
                checkpoint.save(file, {
                    "model": average, "latest": model.state_dict(), "optimizer": optimizer.state_dict(), "bank": task.bank.half(), "seen": task.seen, "step": step,
                })
                print(f"late_speech step {step}/{total} loss {running:.4f} {time.time() - started:.0f} s, {time.process_time():.0f} s of processor", flush=True)
        epoch += 1
    model.load_state_dict(average)
    model.eval()


def follow(average: dict[str, Tensor], model: LateSpeech, share: float) -> None:
    """Moves the average of the weights a little toward the weights."""
    with torch.no_grad():
        for name, value in model.state_dict().items():
            average[name].lerp_(value, 1.0 - share)
