"""Held-out clips beside texts as folders that `undertone eval` reads, so that fusion is judged in the engine itself.

Clean clips and the same drowned in noise as loud as the voice; a manifest for each way of pairing, and one set of texts to
find weights on (`dev`), one to measure on (`test`). Synthetic pairing, all of it.
"""

import csv
from collections.abc import Callable
from functools import partial
from pathlib import Path

import numpy as np
import soundfile
from tqdm import tqdm

from . import pairing, spoilt, text_corpora
from .errors import RecipeError
from .labels import LABELS
from .store import RATE, Item, Store, atomically

CASES = {"same": "same", "plain": "plain", "clash": "clash", "noisy": "same"}  # and how each case's texts relate to the voice
TEXTS = {"train": 7000, "dev": 1750, "test": 1750}
SPLITS = {"dev": 3, "test": 1}  # and how often each clip is paired: to find weights, more than once, so that they fit no single draw


def order(count: int) -> np.ndarray:
    """Clips in a random order, so that a speaker's stream is not sorted by feeling."""
    return np.random.default_rng(1).permutation(count)


def chosen(truth: np.ndarray, texts: np.ndarray, case: str, draw: int = 0) -> np.ndarray:
    """The text beside each clip."""
    return pairing.partners(truth, texts, CASES[case], np.random.default_rng([3, len(case)] + ([draw] if draw else [])))


def clip(root: Path, folder: str, name: str, sound: Callable[[], np.ndarray]) -> str:
    """Where under `root` a clip lies as FLAC; its sound is asked for only where there is none yet."""
    path = f"{folder}/{name}.flac"
    if not (root / path).exists():
        atomically(root / path, lambda part: soundfile.write(part, sound(), RATE, format="FLAC", subtype="PCM_16"))
    return path


def manifest(file: Path, rows: list[dict]) -> None:
    """A manifest as `undertone eval` reads it."""

    def write(part: Path) -> None:
        with open(part, "w", newline="", encoding="utf-8") as out:
            writer = csv.DictWriter(out, ["path", "label", "speaker", "text"])
            writer.writeheader()
            writer.writerows(rows)

    atomically(file, write)


def held_out(store: Store) -> list[Item]:
    """CREMA-D's held-out speakers."""
    items = [i for i in store.select("crema_d", "dev") if i.label is not None]
    if not items:
        raise RecipeError("crema_d: holds no labelled clip of the split `dev`; prepare it from a folder that does")
    return items


def write(cache: Path, goemotions: Path, out: Path) -> list[Path]:
    """`out/clean`, `out/noisy`, and `out/SPLIT_CASE.csv` for each case; returns the manifests."""
    store = Store(cache, ["crema_d"])
    items = held_out(store)
    truth = np.array([i.label for i in items])
    heard = {"clean": [], "noisy": []}
    for item in tqdm(items, desc="clips", disable=None):
        heard["clean"].append(clip(out, "clean", item.name, partial(store.audio, item)))
        heard["noisy"].append(clip(out, "noisy", item.name, partial(spoilt.drowned, store, item)))
    rows, made = text_corpora.goemotions(goemotions), []
    for split, draws in SPLITS.items():
        texts, labels = pairing.choose(rows, split, TEXTS[split])
        for case in CASES:
            paths = heard["noisy" if case == "noisy" else "clean"]
            lines = []
            for draw in range(draws):
                beside = chosen(truth, labels, case, draw)
                # Each draw is a stream of its own.
                name = f" {draw + 1}" if draw else ""
                lines += [{"path": paths[k], "label": LABELS[truth[k]], "speaker": items[k].speaker + name, "text": texts[beside[k]]} for k in order(len(items))]
            made.append(out / f"{split}_{case}.csv")
            manifest(made[-1], lines)
    return made
