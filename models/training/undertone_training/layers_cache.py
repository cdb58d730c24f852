"""Frames of a middle layer of the untouched trunk, kept on disk so that the layers above can be trained alone."""

from pathlib import Path

import numpy as np
import torch
from tqdm import tqdm

from .store import Item, Store
from .trunk import WIDTH, Trunk, frames_of

KEPT_LAYER = 3


def padded(store: Store, items: list[Item]) -> tuple[torch.Tensor, torch.Tensor]:
    """A batch of audio, zero-padded, and its lengths."""
    lengths = torch.tensor([i.samples for i in items])
    audio = torch.zeros(len(items), int(lengths.max()))
    for row, item in enumerate(items):
        audio[row, : item.samples] = torch.from_numpy(store.audio(item))
    return audio, lengths


class LayerCache:
    """Layer KEPT_LAYER's frames of some clips, 16-bit, read in place."""

    def __init__(self, file: Path, items: list[Item]):
        counts = np.array([frames_of(i.samples) for i in items])
        self.starts = np.concatenate([[0], np.cumsum(counts)])
        self.file = file
        self.items = items
        self.frames = np.load(file, mmap_mode="r") if file.exists() else None

    def build(self, trunk: Trunk, store: Store, batch: int = 8) -> "LayerCache":
        """Computes the frames, if the file is not there yet."""
        if self.frames is not None:
            return self
        self.file.parent.mkdir(parents=True, exist_ok=True)
        part = self.file.with_name("part-" + self.file.name)
        out = np.lib.format.open_memmap(part, mode="w+", dtype=np.float16, shape=(int(self.starts[-1]), WIDTH))
        order = sorted(range(len(self.items)), key=lambda i: self.items[i].samples)
        with torch.inference_mode():
            for begin in tqdm(range(0, len(order), batch), desc="layer cache", disable=None):
                picked = order[begin : begin + batch]
                audio, lengths = padded(store, [self.items[i] for i in picked])
                frames = torch.tensor([frames_of(int(n)) for n in lengths])
                states = trunk.run_layers(trunk.stem(audio, lengths), 1, KEPT_LAYER, frames)[-1]
                for row, i in enumerate(picked):
                    out[self.starts[i] : self.starts[i + 1]] = states[row, : frames[row]].numpy()
        out.flush()
        part.replace(self.file)
        self.frames = np.load(self.file, mmap_mode="r")
        return self

    def batch(self, picked: list[int]) -> tuple[torch.Tensor, torch.Tensor]:
        """Frames [batch, longest, WIDTH] and their counts."""
        counts = torch.tensor([int(self.starts[i + 1] - self.starts[i]) for i in picked])
        states = torch.zeros(len(picked), int(counts.max()), WIDTH)
        for row, i in enumerate(picked):
            states[row, : counts[row]] = torch.from_numpy(self.frames[self.starts[i] : self.starts[i + 1]].astype(np.float32))
        return states, counts
