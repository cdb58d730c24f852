"""Frames of the shipped trunk for every emotional clip, cut as the engine cuts, on disk: what the fused systems train on."""

from pathlib import Path

import numpy as np
import onnxruntime
import torch
from torch import Tensor
from tqdm import tqdm

from . import spans
from .errors import RecipeError
from .speech_head import MIX
from .store import Item, Store


def voiced(store: Store, item: Item) -> tuple[np.ndarray, int, int]:
    """A clip as the engine gives it to the trunk, and its voiced frames."""
    return spans.heard(store.audio(item), item.span)


class Frames:
    """Voiced frames [frames, MIX] of every clip, 16-bit, read in place."""

    def __init__(self, file: Path):
        index = np.load(file.with_suffix(".idx.npy"))
        self.starts, self.counts = index[:, 0] + index[:, 2], index[:, 3] - index[:, 2]
        self.data = np.memmap(file, np.float16, "r").reshape(-1, MIX)

    def clip(self, n: int) -> np.ndarray:
        """One clip's."""
        return np.asarray(self.data[self.starts[n] : self.starts[n] + self.counts[n]], np.float32)

    def batch(self, rows: np.ndarray) -> tuple[Tensor, Tensor]:
        """Several, zero-padded, and their lengths."""
        counts = [int(self.counts[n]) for n in rows]
        out = torch.zeros(len(rows), max(counts), MIX)
        for place, n in enumerate(rows):
            out[place, : counts[place]] = torch.from_numpy(self.clip(n))
        return out, torch.tensor(counts)


def build(trunk: Path, store: Store, items: list[Item], file: Path) -> Frames:
    """Computes the frames, if the file is not there yet; rows are `position, frames, first voiced, one past the last`."""
    if not file.with_suffix(".idx.npy").exists():
        if not trunk.exists():
            raise RecipeError(f"{trunk}: not found; give the folder of a speech pack with --pack")
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads, options.log_severity_level = 1, 3
        session = onnxruntime.InferenceSession(str(trunk), options, providers=["CPUExecutionProvider"])
        index, position = [], 0
        file.parent.mkdir(parents=True, exist_ok=True)
        with open(file, "wb") as out:
            for item in tqdm(items, desc="frames", disable=None):
                audio, first, last = voiced(store, item)
                mix = session.run(["mix"], {"audio": audio[None]})[0][0]
                first = min(first, len(mix) - 1)
                out.write(mix.astype(np.float16).tobytes())
                index.append([position, len(mix), first, max(first + 1, min(last, len(mix)))])
                position += len(mix)
        np.save(file.with_suffix(".idx.npy"), np.array(index))
    return Frames(file)
