"""Each clip's statistics as the engine would hear it: whole, spoilt, and only its beginning."""

from pathlib import Path

import numpy as np
import torch
from torch import Tensor
from tqdm import tqdm

from . import augment, spans
from .speech_head import STATS, statistics
from .store import RATE, Item, Store, atomically
from .trunk import EMOTION_LAYERS, RECEPTIVE, STRIDE, Trunk, frames_of

PREFIXES = (0.3, 0.5, 1.0, 2.0)  # seconds of speech after which provisional scores are calibrated
DEV_ONLY = ("spoilt",) + tuple(f"first_{s}" for s in PREFIXES)  # measured on dev speakers, never trained on
KINDS = ("clean", "spoilt", "begun") + tuple(f"first_{s}" for s in PREFIXES) + ("whole",)


def hear(x: np.ndarray, span: list[int] | None, kind: str, dice: np.random.Generator, babble: np.ndarray | None, resynthesis: float) -> tuple[np.ndarray, int, int]:
    """The audio of a view and its span of voiced frames."""
    if kind == "whole":  # uncut, as the trunk's own training hears it
        return x, 0, 1 << 30
    if kind == "spoilt":
        audio, first, last = spans.heard(x, span)
        return augment.augment(audio, dice, babble, resynthesis), first, last
    audio, first, last = spans.heard(x, span)
    if kind == "clean":
        return audio, first, last
    if kind == "begun":
        seconds = float(np.exp(dice.uniform(np.log(0.3), np.log(3.0))))
    else:
        seconds = float(kind.removeprefix("first_"))
    keep = first * STRIDE + RECEPTIVE // 2 + int(seconds * RATE)
    if keep < len(audio):
        audio = audio[: max(keep, RECEPTIVE + 4 * STRIDE)]
        last = min(last, max(first + 1, frames_of(len(audio))))
    if kind == "begun" and dice.random() < 0.6:
        audio = augment.augment(audio, dice, babble, resynthesis)
    return audio, first, last


def compute(trunk: Trunk, store: Store, items: list[Item], kind: str, babble: list[Item], seed: int = 1, batch: int = 16) -> Tensor:
    """Statistics [items, STATS] of one view of every clip."""
    out = torch.zeros(len(items), STATS)
    order = sorted(range(len(items)), key=lambda i: items[i].samples)
    with torch.inference_mode():
        for begin in tqdm(range(0, len(order), batch), desc=f"view {kind}", disable=None):
            picked = order[begin : begin + batch]
            heard = []
            for i in picked:
                dice = np.random.default_rng([seed, i, KINDS.index(kind)])
                noise = store.audio(babble[int(dice.integers(len(babble)))]) if babble else None
                heard.append(hear(store.audio(items[i]), items[i].span, kind, dice, noise, 0.0 if items[i].corpus == "crema_d" else 0.3))
            lengths = torch.tensor([len(h[0]) for h in heard])
            audio = torch.zeros(len(heard), int(lengths.max()))
            for row, (x, _, _) in enumerate(heard):
                audio[row, : len(x)] = torch.from_numpy(x)
            frames = torch.tensor([frames_of(int(n)) for n in lengths])
            outputs = trunk.run_layers(trunk.stem(audio, lengths), 1, max(EMOTION_LAYERS), frames)
            mix = torch.cat([outputs[i - 1] for i in EMOTION_LAYERS], dim=-1)
            for row, (i, (_, first, last)) in enumerate(zip(picked, heard)):
                end = int(frames[row])
                first = min(first, end - 1)
                out[i] = statistics(mix[row : row + 1, first : max(first + 1, min(last, end))])[0]
    return out


def cached(trunk: Trunk, store: Store, items: list[Item], kind: str, babble: list[Item], folder: Path, seed: int = 1) -> Tensor:
    """The same, kept in a file; of a view that only measures, clips outside dev stay zero."""
    file = folder / f"view_{kind}_{seed}.npy"
    if not file.exists():
        values = np.zeros((len(items), STATS), np.float32)
        chosen = [n for n, i in enumerate(items) if kind not in DEV_ONLY or i.split == "dev"]
        values[chosen] = compute(trunk, store, [items[n] for n in chosen], kind, babble, seed).numpy()

        def write(part: Path) -> None:
            with open(part, "wb") as out:
                np.save(out, values)

        atomically(file, write)
    return torch.from_numpy(np.load(file))
