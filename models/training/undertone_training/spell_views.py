"""Layer-3 frames of the words corpus, heard several ways (faster, slower, spoilt), kept on disk for the layers above."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from scipy.signal import resample_poly
from tqdm import tqdm

from . import augment
from .layers_cache import KEPT_LAYER
from .store import Item, Store
from .trunk import WIDTH, Trunk, frames_of


@dataclass(frozen=True)
class View:
    """One way of hearing the corpus."""

    name: str
    up: int = 1  # resampled by up/down: below 1 is faster and higher
    down: int = 1
    spoilt: float = 0.0  # share of clips that go through `augment`

    def samples(self, samples: int) -> int:
        """How long a clip becomes."""
        return -(-samples * self.up // self.down)

    def hear(self, audio: np.ndarray, dice: np.random.Generator) -> np.ndarray:
        """The clip as this view has it."""
        if self.up != self.down:
            audio = resample_poly(audio, self.up, self.down).astype(np.float32)
        return augment.augment(audio, dice) if dice.random() < self.spoilt else audio


VIEWS = (View("plain"), View("spoilt", 1, 1, 1.0), View("fast", 10, 11, 0.5), View("slow", 10, 9, 0.5), View("faster", 5, 6, 0.7), View("slower", 20, 17, 0.7))


class Frames:
    """One view's frames: 16-bit, read in place."""

    def __init__(self, folder: Path, view: View, items: list[Item]):
        self.view, self.items = view, items
        self.file = folder / f"layer{KEPT_LAYER}_{view.name}.npy"
        self.counts = np.array([frames_of(view.samples(i.samples)) for i in items])
        self.starts = np.concatenate([[0], np.cumsum(self.counts)])
        self.frames = None
        self.ready()

    def ready(self) -> bool:
        """Whether the frames are there, made by this process or another."""
        if self.frames is None and self.file.exists():
            self.frames = np.load(self.file, mmap_mode="r")
        return self.frames is not None

    def build(self, trunk: Trunk, store: Store, seed: int = 1, batch: int = 8, half: bool = True) -> "Frames":
        """Computes the frames, unless the file is there."""
        if self.ready():
            return self
        self.file.parent.mkdir(parents=True, exist_ok=True)
        part = self.file.with_name("part-" + self.file.name)
        out = np.lib.format.open_memmap(part, mode="w+", dtype=np.float16, shape=(int(self.starts[-1]), WIDTH))
        order = sorted(range(len(self.items)), key=lambda i: self.items[i].samples)
        with torch.inference_mode(), torch.autocast("cpu", torch.bfloat16, enabled=half):
            for begin in tqdm(range(0, len(order), batch), desc=f"frames, {self.view.name}", disable=None):
                picked = order[begin : begin + batch]
                clips = [self.view.hear(store.audio(self.items[i]), np.random.default_rng([seed, i, *self.view.name.encode()])) for i in picked]
                lengths = torch.tensor([len(c) for c in clips])
                audio = torch.zeros(len(clips), int(lengths.max()))
                for row, clip in enumerate(clips):
                    audio[row, : len(clip)] = torch.from_numpy(clip)
                frames = torch.tensor([frames_of(int(n)) for n in lengths])
                states = trunk.run_layers(trunk.stem(audio, lengths), 1, KEPT_LAYER, frames)[-1]
                for row, i in enumerate(picked):
                    out[self.starts[i] : self.starts[i + 1]] = states[row, : frames[row]].float().numpy()
        out.flush()
        part.replace(self.file)
        self.ready()
        return self

    def batch(self, picked: list[int]) -> tuple[torch.Tensor, torch.Tensor]:
        """Frames [clips, longest, WIDTH] and their counts."""
        counts = torch.tensor([int(self.counts[i]) for i in picked])
        states = torch.zeros(len(picked), int(counts.max()), WIDTH)
        for row, i in enumerate(picked):
            states[row, : counts[row]] = torch.from_numpy(self.frames[self.starts[i] : self.starts[i + 1]].astype(np.float32))
        return states, counts
